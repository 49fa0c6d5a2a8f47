/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks passes by running: the same inputs on `ref` before the first pass and after each one. */
#include <math.h>
#include <string.h>

#include "kernels/ref_util.h"
#include "libcore/passes.h"
#include "libcore/plan.h"

struct verify {
    struct ptm_arena arena; /* inputs, outputs */
    const struct ptm_graph *in;
    const struct ptm_nd *arg;
    const union ptm_imm *scalar;
    void **want, **got;
    double tolerance;
    struct ptm_passes_verdict *verdict;
};

static uint64_t draw(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    return ptm_mix(ptm_mix(*state, *state >> 31), 1);
}

static struct ptm_nd random_input(struct verify *v, const struct ptm_type *t, uint64_t *state)
{
    int64_t n = ptm_type_numel(t);
    struct ptm_nd nd = {.dtype = t->dtype, .rank = t->rank};
    memcpy(nd.dim, t->dim, sizeof(nd.dim));
    ptm_strides_contiguous(t->rank, t->dim, nd.stride);
    nd.data = ptm_arena_array(&v->arena, (size_t)n + 1, ptm_dtype_bytes(t->dtype));
    for (int64_t i = 0; nd.data && i < n; i++) {
        uint64_t x = draw(state);
        if (ptm_ref_is_float(t->dtype))
            ptm_ref_put_f(&nd, i, ldexp((double)(x >> 40), -22) - 2);
        else
            ptm_ref_put_i(&nd, i, (int64_t)(x >> 63)); /* 0 and 1 are indices of most things */
    }
    return nd;
}

static enum ptm_status make_inputs(struct verify *v, uint64_t seed, struct ptm_err *err)
{
    const struct ptm_graph *g = v->in;
    struct ptm_nd *arg = ptm_arena_array(&v->arena, g->n_inputs + 1, sizeof(*arg));
    union ptm_imm *scalar = ptm_arena_array(&v->arena, g->n_scalars + 1, sizeof(*scalar));
    v->want = ptm_arena_array(&v->arena, g->n_outputs + 1, sizeof(void *));
    v->got = ptm_arena_array(&v->arena, g->n_outputs + 1, sizeof(void *));
    for (size_t i = 0; arg && !v->arg && i < g->n_inputs; i++)
        arg[i] = random_input(v, &g->value[g->input[i]].type, &seed);
    for (size_t i = 0; scalar && !v->scalar && i < g->n_scalars; i++)
        if (g->value[g->scalar[i]].type.dtype == PTM_F64)
            scalar[i].f = 0.5;
        else
            scalar[i].i = 1;
    for (size_t i = 0; v->want && v->got && i < g->n_outputs; i++) {
        const struct ptm_type *t = &g->value[g->output[i]].type;
        size_t n = (size_t)ptm_type_numel(t) + 1, size = ptm_dtype_bytes(t->dtype);
        v->want[i] = ptm_arena_array(&v->arena, n, size);
        v->got[i] = ptm_arena_array(&v->arena, n, size);
    }
    if (v->arena.failed)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for %zu inputs and %zu outputs",
                        g->n_inputs, g->n_outputs);
    v->arg = v->arg ? v->arg : arg;
    v->scalar = v->scalar ? v->scalar : scalar;
    return PTM_OK;
}

static enum ptm_status run(const struct verify *v, const struct ptm_graph *g, void *const *out,
                           struct ptm_err *err)
{
    struct ptm_arena arena = {0};
    struct ptm_exec exec = {0};
    struct ptm_plan plan = {0};
    enum ptm_status s = ptm_plan_make(&plan, g, &arena, NULL, err);
    if (!s)
        s = ptm_plan_run(&plan, &exec, v->arg, v->scalar, out, err);
    v->verdict->runs++;
    ptm_exec_release(&exec);
    ptm_plan_release(&plan);
    ptm_arena_release(&arena);
    return s;
}

/* Largest difference of output i, over the largest number of what is wanted; a NaN or infinity on
 * one side only is infinitely far. */
static double moved(const struct verify *v, size_t i)
{
    const struct ptm_type *t = &v->in->value[v->in->output[i]].type;
    struct ptm_nd want = {.data = v->want[i], .dtype = t->dtype, .rank = 1}, got = want;
    double most = 0, largest = 0;
    bool is_float = ptm_ref_is_float(t->dtype);
    got.data = v->got[i];
    for (int64_t k = 0, n = ptm_type_numel(t); k < n; k++) {
        double a = is_float ? ptm_ref_get_f(&want, k) : (double)ptm_ref_get_i(&want, k);
        double b = is_float ? ptm_ref_get_f(&got, k) : (double)ptm_ref_get_i(&got, k);
        if (a == b || (isnan(a) && isnan(b)))
            b = a = isfinite(a) ? a : 0;
        most = fmax(most, isfinite(b - a) ? fabs(b - a) : HUGE_VAL);
        largest = isfinite(a) ? fmax(largest, fabs(a)) : largest;
    }
    return most == 0 ? 0 : most / largest;
}

static enum ptm_status compare(void *ctx, const struct ptm_pass *pass, int round, uint32_t hits,
                               const struct ptm_graph *g, struct ptm_err *err)
{
    struct verify *v = ctx;
    if (!hits)
        return PTM_OK;
    PTM_TRY(run(v, g, v->got, err));
    for (size_t i = 0; i < v->in->n_outputs; i++) {
        double d = moved(v, i);
        if (d > v->verdict->worst) {
            v->verdict->worst = d;
            v->verdict->pass = pass->name;
            v->verdict->round = round;
        }
        if (!(d <= v->tolerance))
            return ptm_fail(err, PTM_ERR_NUMERIC,
                            "pass '%s', round %d, moved output %zu by %.3g of its largest number, "
                            "allowed is %.3g", pass->name, round, i, d, v->tolerance);
    }
    return PTM_OK;
}

enum ptm_status ptm_passes_verify(const struct ptm_graph *in, const struct ptm_recipe *recipe,
                                  double tolerance, uint64_t seed, const struct ptm_nd *arg,
                                  const union ptm_imm *scalar, struct ptm_passes_verdict *verdict,
                                  struct ptm_err *err)
{
    struct verify v = {.in = in,
                       .arg = arg,
                       .scalar = scalar,
                       .tolerance = tolerance > 0 ? tolerance : 1e-4,
                       .verdict = verdict};
    struct ptm_pass_watch watch = {compare, &v};
    struct ptm_graph out;
    *verdict = (struct ptm_passes_verdict){.worst = 0};
    enum ptm_status s = make_inputs(&v, seed, err);
    if (!s)
        s = run(&v, in, v.want, err);
    if (!s)
        s = ptm_passes_run(in, recipe, &v.arena, &out, NULL, &watch, err);
    ptm_arena_release(&v.arena);
    return s;
}
