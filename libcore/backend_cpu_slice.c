/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the cpu backend has no kernel for: the reference kernel, a slice of the result in each
 * thread. Results are the reference's bit by bit. An operator is here when one dim of its outputs
 * can be cut so that each part needs the same part of some inputs and all of the others.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "libcore/backend_cpu.h"
#include "libcore/walk.h"

enum { SMALL = 1 << 14 }; /* elements of input and output that one thread works on */

/* Which dims of the outputs may be cut, and what that cuts of the inputs. */
enum cut {
    CUT_BROADCAST, /* any; inputs as broadcasting says */
    CUT_OTHERS,    /* any but the attribute "dim"; all inputs alike */
    CUT_KEPT,      /* any that a reduction keeps: "dims", "keepdim" */
    CUT_IMAGES,    /* the first two; input 0 alike, others in the first where it is no 1 */
    CUT_MATRICES,  /* any but the last two; all inputs alike */
};

static const struct row {
    uint16_t op;
    uint8_t cut;
} rows[] = {
#define ROW(name, cut) {OP_##name, cut},
#define EACH(a, b, c, d, e, f, g, h)                                                               \
    ROW(a, CUT_BROADCAST) ROW(b, CUT_BROADCAST) ROW(c, CUT_BROADCAST) ROW(d, CUT_BROADCAST)        \
    ROW(e, CUT_BROADCAST) ROW(f, CUT_BROADCAST) ROW(g, CUT_BROADCAST) ROW(h, CUT_BROADCAST)
    EACH(neg, abs, sign, floor, ceil, round, trunc, sqrt)
    EACH(rsqrt, reciprocal, exp, exp2, expm1, log, log1p, log2)
    EACH(log10, sin, cos, tan, asin, acos, atan, sinh)
    EACH(cosh, tanh, asinh, acosh, atanh, erf, erfc, sigmoid)
    EACH(log_sigmoid, relu, clamp, hardsigmoid, hardswish, silu, mish, gelu)
    EACH(elu, leaky_relu, softplus, hardshrink, softshrink, threshold, bitwise_not, logical_not)
    EACH(isnan, isinf, cast, add, sub, mul, div, div_floor)
    EACH(div_trunc, remainder, fmod, pow, maximum, minimum, atan2, bitwise_and)
    EACH(bitwise_or, bitwise_xor, shift_left, shift_right, eq, ne, lt, le)
    ROW(gt, CUT_BROADCAST) ROW(ge, CUT_BROADCAST) ROW(prelu, CUT_BROADCAST)
    ROW(where, CUT_BROADCAST)
    ROW(softmax, CUT_OTHERS) ROW(log_softmax, CUT_OTHERS) ROW(cumsum, CUT_OTHERS)
    ROW(cumprod, CUT_OTHERS) ROW(cummax, CUT_OTHERS) ROW(cummin, CUT_OTHERS)
    ROW(sort, CUT_OTHERS) ROW(topk, CUT_OTHERS) ROW(gather, CUT_OTHERS)
    ROW(sum, CUT_KEPT) ROW(mean, CUT_KEPT) ROW(prod, CUT_KEPT) ROW(amax, CUT_KEPT)
    ROW(amin, CUT_KEPT) ROW(var, CUT_KEPT) ROW(any, CUT_KEPT) ROW(all, CUT_KEPT)
    ROW(argmax, CUT_KEPT) ROW(argmin, CUT_KEPT) ROW(logsumexp, CUT_KEPT) ROW(norm, CUT_KEPT)
    ROW(max_pool, CUT_IMAGES) ROW(avg_pool, CUT_IMAGES) ROW(adaptive_avg_pool, CUT_IMAGES)
    ROW(adaptive_max_pool, CUT_IMAGES) ROW(resize, CUT_IMAGES) ROW(grid_sample, CUT_IMAGES)
    ROW(tril, CUT_MATRICES) ROW(triu, CUT_MATRICES)
#undef EACH
#undef ROW
};

struct sliced {
    struct ptm_cpu_object o;
    ptm_ref_fn *fn;
    int dim; /* of the outputs, that is cut; -1: none */
    size_t parts;
    uint8_t keepdim;
    const struct row *row;
    uint32_t reduced; /* CUT_KEPT: dims of the input that go, as bits */
    pthread_mutex_t lock; /* of scratch memory */
};

/* One run. */
struct call {
    struct sliced *v;
    const struct ptm_ref_call *c;
    atomic_int rc;
};

static const struct row *find(uint16_t op)
{
    for (size_t i = 0; i < PTM_LEN(rows); i++)
        if (rows[i].op == op)
            return &rows[i];
    return NULL;
}

/* The dim of input i that is cut with dim d of the outputs; -1: it is needed whole. */
static int input_dim(const struct sliced *v, const struct ptm_nd *in, int i,
                     const struct ptm_nd *out, int d)
{
    int e = d;
    if (in->dtype == PTM_ABSENT)
        return -1;
    if (v->row->cut == CUT_BROADCAST)
        e = d - (out->rank - in->rank);
    else if (v->row->cut == CUT_IMAGES && i > 0 && d > 0)
        return -1;
    else if (v->row->cut == CUT_KEPT && !v->keepdim)
        for (e = 0; v->reduced >> e & 1 || d > 0; e++)
            d -= !(v->reduced >> e & 1);
    if (e < 0 || (in->dim[e] == 1 && v->row->cut != CUT_KEPT))
        return -1;
    return e;
}

static void cut(struct ptm_nd *nd, int d, int64_t first, int64_t n)
{
    nd->data = (char *)nd->data +
               first * nd->stride[d] * (int64_t)ptm_dtype_bytes((enum ptm_dtype)nd->dtype);
    nd->dim[d] = n;
}

static void *locked_scratch(void *ctx, size_t bytes)
{
    const struct call *p = ctx;
    pthread_mutex_lock(&p->v->lock);
    void *room = p->c->scratch(p->c->scratch_ctx, bytes);
    pthread_mutex_unlock(&p->v->lock);
    return room;
}

static void run_part(void *ctx, size_t i)
{
    enum { MOST_IN = 8, MOST_OUT = 4 };
    struct call *p = ctx;
    const struct sliced *v = p->v;
    struct ptm_nd in[MOST_IN], out[MOST_OUT];
    struct ptm_ref_call c = *p->c;
    int64_t n = c.out[0].dim[v->dim], parts = (int64_t)v->parts;
    int64_t first = n * (int64_t)i / parts, count = n * (int64_t)(i + 1) / parts - first;
    for (int k = 0; k < c.n_in; k++) {
        int d = input_dim(v, &c.in[k], k, &c.out[0], v->dim);
        in[k] = c.in[k];
        if (d >= 0)
            cut(&in[k], d, first, count);
    }
    for (int k = 0; k < c.n_out; k++) {
        out[k] = c.out[k];
        cut(&out[k], v->dim, first, count);
    }
    c.in = in;
    c.out = out;
    c.scratch = locked_scratch;
    c.scratch_ctx = p;
    int rc = v->fn(&c);
    if (rc)
        atomic_store(&p->rc, rc);
}

static int run_sliced(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    struct sliced *v;
    memcpy(&v, &o, sizeof(v)); /* an object runs in one thread at a time: its lock may be used */
    if (v->dim < 0)
        return v->fn(c);
    struct call p = {.v = v, .c = c};
    atomic_init(&p.rc, 0);
    ptm_threads_run(o->pool, v->parts, run_part, &p);
    return atomic_load(&p.rc);
}

/* May dim d of the outputs be cut? */
static bool may_cut(const struct ptm_step_request *rq, const struct sliced *v, int d)
{
    switch (v->row->cut) {
    case CUT_BROADCAST:
        return true;
    case CUT_OTHERS:
        return d != ptm_cpu_int(rq->graph, rq->node, "dim");
    case CUT_KEPT:
        return !v->keepdim || !(v->reduced >> d & 1);
    case CUT_IMAGES:
        return d < 2;
    default:
        return d < rq->out[0].rank - 2;
    }
}

static void choose_dim(const struct ptm_step_request *rq, struct sliced *v)
{
    const struct ptm_nd *out = &rq->out[0];
    int64_t work = ptm_cpu_numel(out), threads = (int64_t)ptm_threads_count(v->o.pool);
    for (uint32_t i = 0; i < rq->n_in; i++)
        work += rq->in[i].dtype == PTM_ABSENT ? 0 : ptm_cpu_numel(&rq->in[i]);
    v->dim = -1;
    for (int d = 0; d < out->rank && threads > 1 && work >= 2 * SMALL; d++)
        if (out->dim[d] >= threads && may_cut(rq, v, d) &&
            (v->dim < 0 || out->stride[d] > out->stride[v->dim]))
            v->dim = d;
    int64_t parts = work / SMALL < 4 * threads ? work / SMALL : 4 * threads;
    if (v->dim >= 0)
        v->parts = (size_t)(parts < out->dim[v->dim] ? parts : out->dim[v->dim]);
}

static void release(struct ptm_cpu_object *o)
{
    pthread_mutex_destroy(&((struct sliced *)o)->lock);
}

static enum ptm_status compile_sliced(const struct ptm_step_request *rq, struct ptm_cpu_object *o,
                                      struct ptm_err *err)
{
    struct sliced *v = (struct sliced *)o;
    v->row = find(rq->node->op);
    v->fn = ptm_ref_find(ptm_op_info((enum ptm_op)rq->node->op)->name);
    if (v->row->cut == CUT_KEPT) {
        int64_t n = ptm_cpu_count(rq->graph, rq->node, "dims");
        v->keepdim = ptm_cpu_int(rq->graph, rq->node, "keepdim") != 0;
        v->reduced = n ? 0 : UINT32_MAX;
        for (int k = 0; k < n; k++)
            v->reduced |= UINT32_C(1) << ptm_cpu_item(rq->graph, rq->node, "dims", k);
    }
    choose_dim(rq, v);
    if (pthread_mutex_init(&v->lock, NULL))
        return ptm_cpu_memory(err);
    o->release = release;
    o->run = run_sliced;
    o->how = "reference in slices";
    return PTM_OK;
}

static const char *claim_sliced(const struct ptm_graph *g, const struct ptm_node *n,
                                struct ptm_claim *claim)
{
    const char *cls = ptm_op_info((enum ptm_op)n->op)->cls;
    const struct row *row = find(n->op);
    (void)g;
    if (!row || !ptm_ref_find(ptm_op_info((enum ptm_op)n->op)->name))
        return "no kernel for this operator";
    claim->layout = LAYOUT_SAME;
    claim->any_strides = claim->any_outputs = true;
    claim->in_place = row->cut == CUT_BROADCAST && !strcmp(cls, "elementwise");
    return NULL;
}

const struct ptm_cpu_op ptm_cpu_sliced = {PTM_N_OPS, claim_sliced, sizeof(struct sliced),
                                          compile_sliced};
