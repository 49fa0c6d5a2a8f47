/* SPDX-License-Identifier: BSD-2-Clause */
/* Constants made of constants: by an operator, or weights times a factor for each channel. */
#include "libcore/derived.h"

#include <math.h>
#include <string.h>

#include "kernels/ref_util.h"
#include "libcore/infer.h"
#include "libcore/plan.h"

enum { MAX_IN = 8 };

struct ptm_nd ptm_const_nd(const struct ptm_type *t, const struct ptm_const *c)
{
    struct ptm_nd nd = {.dtype = t->dtype, .rank = t->rank};
    memcpy(&nd.data, &c->data, sizeof(nd.data)); /* kernels do not write to their inputs */
    memcpy(nd.dim, t->dim, sizeof(nd.dim));
    memcpy(nd.stride, c->stride, sizeof(nd.stride));
    return nd;
}

static enum ptm_status check_scaled(const struct ptm_derived *d, struct ptm_err *err)
{
    const struct ptm_type *w = &d->in[0].type, *m = &d->in[1].type;
    const struct ptm_channel *c = &d->channel;
    if (!ptm_type_equal(w, &d->type) || !ptm_ref_is_float(w->dtype) || w->rank < 2 ||
        m->dtype != PTM_F64 || m->rank != 1 || d->in[1].c.stride[0] != 1)
        return ptm_fail(err, PTM_ERR_TYPE, "a weight of other types than its factors are for");
    if (!ptm_type_numel(w))
        return PTM_OK;
    int64_t steps = c->div < 1 ? -1 : (w->dim[0] - 1) / c->div;
    int64_t last = c->second ? w->dim[1] - 1 : 0;
    if (steps < 0 || c->step < 0 || c->step > PTM_MAX_SIZE || m->dim[0] <= last ||
        (c->step && steps > (m->dim[0] - 1 - last) / c->step))
        return ptm_fail(err, PTM_ERR_TYPE, "a weight of more channels than %lld factors",
                        (long long)m->dim[0]);
    return PTM_OK;
}

enum ptm_status ptm_derived_check(const struct ptm_derived *d, struct ptm_err *err)
{
    struct ptm_type in[MAX_IN], out;
    if (d->kind == D_SCALED)
        return d->n_in == 2 ? check_scaled(d, err)
                            : ptm_fail(err, PTM_ERR_TYPE, "a weight without factors");
    if (d->kind != D_OP || d->op >= PTM_N_OPS || ptm_op_info(d->op)->n_out != 1 ||
        d->n_in > MAX_IN || d->op == OP_random)
        return ptm_fail(err, PTM_ERR_TYPE, "operator %u makes no constant", d->op);
    for (uint32_t k = 0; k < d->n_attr; k++)
        if (d->attr[k].kind != A_IMM)
            return ptm_fail(err, PTM_ERR_TYPE, "a constant that depends on a symbol");
    for (uint32_t k = 0; k < d->n_in; k++)
        in[k] = d->in[k].type;
    PTM_TRY(ptm_op_infer(d->op, in, d->n_in, d->attr, d->n_attr, &out, err));
    return ptm_type_equal(&out, &d->type)
               ? PTM_OK
               : ptm_fail(err, PTM_ERR_TYPE, "%s makes a constant of another type",
                          ptm_op_info(d->op)->name);
}

static uint64_t mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ (h >> 29);
}

uint64_t ptm_derived_key(const struct ptm_derived *d)
{
    uint64_t h = UINT64_C(0x666f6c64);
    if (d->kind == D_SCALED) {
        const struct ptm_derived_in *m = &d->in[1];
        h = mix(mix(mix(h, (uint64_t)d->channel.div), (uint64_t)d->channel.step),
                d->channel.second);
        h = mix(h, ptm_key_of_data(m->c.data, (size_t)m->type.dim[0] * sizeof(double), 0, 1,
                                   m->c.stride));
        return mix(h, d->in[0].c.key);
    }
    h = mix(h, d->op);
    for (uint32_t k = 0; k < d->n_attr; k++)
        h = mix(h, (uint64_t)d->attr[k].u.i);
    for (uint32_t k = 0; k < d->n_in; k++)
        h = mix(h, d->in[k].type.dtype == PTM_ABSENT ? 0 : d->in[k].c.key);
    return h;
}

static double largest(uint8_t dtype)
{
    return dtype == PTM_F16 ? 65504.0 : dtype == PTM_F64 ? 1.7e308 : 3.3e38;
}

/* n floats times m, in double; false: one left the range. */
static bool scale_run(const float *x, float *y, int64_t n, double m, double most)
{
    bool ok = true;
    for (int64_t i = 0; i < n; i++) {
        double v = (double)x[i] * m;
        ok &= fabs(v) <= most;
        y[i] = (float)v;
    }
    return ok;
}

/* Weights of f32 in row-major order, which nearly all are: whole channels at a time. */
static bool scale_floats(const struct ptm_derived *d, float *y)
{
    const struct ptm_type *t = &d->type;
    const float *x = d->in[0].c.data;
    const double *mul = d->in[1].c.data;
    int64_t inner = 1;
    bool ok = true;
    for (int i = 2; i < t->rank; i++)
        inner *= t->dim[i];
    for (int64_t i = 0; i < t->dim[0] && ok; i++) {
        const double *m = mul + i / d->channel.div * d->channel.step;
        int64_t runs = d->channel.second ? t->dim[1] : 1;
        int64_t n = d->channel.second ? inner : t->dim[1] * inner;
        for (int64_t k = 0; k < runs; k++, x += n, y += n)
            ok = scale_run(x, y, n, m[k], largest(PTM_F32)) && ok;
    }
    return ok;
}

static bool scale(const struct ptm_derived *d, void *out)
{
    int64_t row_major[PTM_MAX_RANK];
    ptm_strides_contiguous(d->type.rank, d->type.dim, row_major);
    if (d->type.dtype == PTM_F32 && ptm_type_numel(&d->type) &&
        !memcmp(row_major, d->in[0].c.stride, d->type.rank * sizeof(*row_major)))
        return scale_floats(d, out);

    struct ptm_nd x = ptm_const_nd(&d->in[0].type, &d->in[0].c);
    struct ptm_nd y = {.data = out, .dtype = d->type.dtype, .rank = 1};
    const struct ptm_channel *c = &d->channel;
    const double *mul = d->in[1].c.data;
    int64_t n = ptm_ref_numel(&x), row = x.dim[x.rank - 1], index[PTM_MAX_RANK] = {0};
    double line[PTM_REF_BLOCK], most = largest(x.dtype);
    for (int64_t at = 0; at < n; at += row, ptm_ref_next(x.rank - 1, x.dim, index)) {
        int64_t from = ptm_ref_offset(&x, index), step = x.stride[x.rank - 1];
        int64_t first = index[0] / c->div * c->step;
        for (int64_t i = 0; i < row; i += PTM_REF_BLOCK) {
            int64_t m = row - i < PTM_REF_BLOCK ? row - i : PTM_REF_BLOCK;
            ptm_ref_load_f(line, &x, from + i * step, step, m);
            for (int64_t k = 0; k < m; k++) {
                int64_t second = x.rank == 2 ? i + k : index[1];
                line[k] *= mul[first + (c->second ? second : 0)];
                if (!(fabs(line[k]) <= most))
                    return false;
            }
            ptm_ref_store_f(&y, at + i, 1, line, m);
        }
    }
    return true;
}

enum ptm_status ptm_derived_run(const struct ptm_derived *d, void *out, struct ptm_err *err)
{
    struct ptm_nd in[MAX_IN], made = {.data = out, .dtype = d->type.dtype, .rank = d->type.rank};
    if (d->kind == D_SCALED)
        return scale(d, out) ? PTM_OK
                             : ptm_fail(err, PTM_ERR_NUMERIC, "a weight leaves its type's range");
    memcpy(made.dim, d->type.dim, sizeof(made.dim));
    ptm_strides_contiguous(made.rank, made.dim, made.stride);
    for (uint32_t k = 0; k < d->n_in; k++)
        in[k] = d->in[k].type.dtype == PTM_ABSENT ? (struct ptm_nd){.dtype = PTM_ABSENT}
                                                  : ptm_const_nd(&d->in[k].type, &d->in[k].c);
    return ptm_eager_run((enum ptm_op)d->op, in, d->n_in, d->attr, d->n_attr, &made, err);
}
