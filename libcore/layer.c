/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Affine maps folded into weights. In double, rounded once:
 *
 *     layer(x) * m + a   = conv(x, w[o] * m[o]) + (b[o] * m[o] + a[o])
 *     layer(x * m + a)   = conv(x, w[., c] * m[c]) + (b[o] + sum over c, taps of w[o, c] * a[c])
 *
 * The second with a != 0 only where no padding is read: padding is 0, not a.
 */
#include "libcore/layer.h"

#include <math.h>
#include <string.h>

#include "kernels/ref_util.h"

bool ptm_layer_of(const struct ptm_rewrite *r, uint32_t v, struct ptm_layer *l)
{
    if (!ptm_rw_def(r, v, OP_conv, &l->n) && !ptm_rw_def(r, v, OP_conv_transpose, &l->n) &&
        !ptm_rw_def(r, v, OP_linear, &l->n))
        return false;
    l->x = ptm_rw_arg(r, &l->n, 0);
    l->w = ptm_rw_arg(r, &l->n, 1);
    l->b = ptm_rw_arg(r, &l->n, 2);
    const struct ptm_type *w = ptm_rw_type(r, l->w), *x = ptm_rw_type(r, l->x);
    if (!ptm_rw_is_const(r, l->w) || (l->b != PTM_NO_VALUE && !ptm_rw_is_const(r, l->b)) ||
        !ptm_ref_is_float(w->dtype) || w->qparams != -1)
        return false;
    if (ptm_rw_float(r, &l->n, "min") > -HUGE_VAL || ptm_rw_float(r, &l->n, "max") < HUGE_VAL)
        return false;
    l->padded = false;
    if (l->n.op == OP_linear) {
        l->in_dim = l->out_dim = x->rank - 1;
        l->n_in = w->dim[1];
        l->n_out = w->dim[0];
        return true;
    }
    int64_t padding[PTM_MAX_RANK], groups = ptm_rw_int(r, &l->n, "groups");
    int n = ptm_rw_list(r, &l->n, "padding", padding);
    for (int i = 0; i < n; i++)
        l->padded = l->padded || padding[i];
    l->in_dim = l->out_dim = 1;
    l->n_in = l->n.op == OP_conv ? w->dim[1] * groups : w->dim[0];
    l->n_out = l->n.op == OP_conv ? w->dim[0] : w->dim[1] * groups;
    return true;
}

bool ptm_affine_make(struct ptm_rewrite *r, struct ptm_affine *a, int64_t n)
{
    *a = (struct ptm_affine){.mul = ptm_arena_array(r->work, (size_t)n + 1, sizeof(double)),
                             .add = ptm_arena_array(r->work, (size_t)n + 1, sizeof(double))};
    if (!a->mul || !a->add)
        return false; /* the walk sees the arena's failure */
    for (int64_t i = 0; i < n; i++)
        a->mul[i] = 1;
    return true;
}

bool ptm_affine_of(struct ptm_rewrite *r, enum ptm_op op, bool swapped, uint32_t c,
                   const struct ptm_type *x, int dim, struct ptm_affine *a)
{
    if (!ptm_rw_is_const(r, c) || ptm_rw_type(r, c)->rank > x->rank)
        return false;
    const struct ptm_type *t = ptm_rw_type(r, c);
    int64_t n = x->dim[dim];
    bool one = true;
    for (int i = 0; i < t->rank; i++) {
        bool channel = i + x->rank - t->rank == dim;
        if (t->dim[i] != 1 && !(channel && t->dim[i] == n))
            return false;
        one = one && t->dim[i] == 1;
    }
    double *v = ptm_rw_doubles(r, c);
    if (!v || !ptm_affine_make(r, a, n))
        return false;
    a->has_add = op == OP_add || op == OP_sub;
    for (int64_t i = 0; i < n; i++) {
        double k = v[one ? 0 : i];
        if (!isfinite(k) || (op == OP_div && (swapped || k == 0)))
            return false;
        switch (op) {
        case OP_mul:
            a->mul[i] = k;
            break;
        case OP_div:
            a->mul[i] = 1 / k;
            break;
        case OP_add:
            a->add[i] = k;
            break;
        case OP_sub:
            a->mul[i] = swapped ? -1 : 1;
            a->add[i] = swapped ? k : -k;
            break;
        default:
            return false;
        }
    }
    return true;
}

bool ptm_affine_of_norm(struct ptm_rewrite *r, const uint32_t *in, double eps, int64_t n,
                        struct ptm_affine *a)
{
    double *v[4] = {NULL};
    for (int k = 0; k < 4; k++) {
        if (in[k] == PTM_NO_VALUE)
            continue;
        if (!ptm_rw_is_const(r, in[k]) || !ptm_ref_is_float(ptm_rw_type(r, in[k])->dtype))
            return false;
        v[k] = ptm_rw_doubles(r, in[k]);
    }
    if (!v[0] || !v[1] || !ptm_affine_make(r, a, n))
        return false;
    a->has_add = true;
    for (int64_t i = 0; i < n; i++) {
        a->mul[i] = (v[2] ? v[2][i] : 1) / sqrt(v[1][i] + eps);
        a->add[i] = (v[3] ? v[3][i] : 0) - v[0][i] * a->mul[i];
        if (!isfinite(a->mul[i]) || !isfinite(a->add[i]))
            return false;
    }
    return true;
}

static struct ptm_channel channel_of(const struct ptm_rewrite *r, const struct ptm_layer *l,
                                 bool output)
{
    const struct ptm_type *w = ptm_rw_type(r, l->w);
    if (l->n.op == OP_linear)
        return output ? (struct ptm_channel){1, 1, false} : (struct ptm_channel){INT64_MAX, 0, true};
    int64_t groups = ptm_rw_int(r, &l->n, "groups"), rows = w->dim[0] / groups;
    /* conv: [out, in / groups]; its transpose: [in, out / groups] */
    if ((l->n.op == OP_conv) == output)
        return (struct ptm_channel){1, 1, false};
    return (struct ptm_channel){rows ? rows : 1, w->dim[1], true};
}

static double largest(uint8_t dtype)
{
    return dtype == PTM_F16 ? 65504.0 : dtype == PTM_F64 ? 1.7e308 : 3.3e38;
}

/* The weight with its elements times mul of their channels, n of them. */
static uint32_t scaled(struct ptm_rewrite *r, uint32_t w, struct ptm_channel c, const double *mul,
                       int64_t n)
{
    const struct ptm_type *t = ptm_rw_type(r, w), of_mul = {.dtype = PTM_F64, .rank = 1,
                                                            .dim = {n}, .qparams = -1};
    struct ptm_derived how = {.kind = D_SCALED, .type = *t, .n_in = 2, .channel = c};
    void *to = NULL;
    uint32_t in[2] = {w, ptm_rw_const(r, &of_mul, NULL, 0, NULL, &to)};
    if (in[1] == PTM_NO_VALUE)
        return in[1];
    memcpy(to, mul, (size_t)n * sizeof(*mul));
    return ptm_rw_derived(r, &how, in, ptm_rw_name(r, w));
}

/* sum[o] += sum of w[o, c, ...] * add[c] */
static void add_products(struct ptm_rewrite *r, const struct ptm_layer *l, const double *add,
                         double *sum)
{
    struct ptm_nd x = ptm_rw_nd(r, l->w);
    struct ptm_channel in = channel_of(r, l, false);
    int64_t n = ptm_ref_numel(&x), row = x.dim[x.rank - 1], index[PTM_MAX_RANK] = {0};
    double line[PTM_REF_BLOCK];
    for (int64_t at = 0; at < n; at += row, ptm_ref_next(x.rank - 1, x.dim, index)) {
        int64_t from = ptm_ref_offset(&x, index), step = x.stride[x.rank - 1];
        int64_t first = index[0] / in.div * in.step;
        for (int64_t i = 0; i < row; i += PTM_REF_BLOCK) {
            int64_t m = row - i < PTM_REF_BLOCK ? row - i : PTM_REF_BLOCK;
            ptm_ref_load_f(line, &x, from + i * step, step, m);
            for (int64_t k = 0; k < m; k++)
                sum[index[0]] += line[k] * add[first + (x.rank == 2 ? i + k : index[1])];
        }
    }
}

static uint32_t make_bias(struct ptm_rewrite *r, const struct ptm_layer *l, const double *v)
{
    const struct ptm_type *w = ptm_rw_type(r, l->w);
    struct ptm_type t = {.dtype = w->dtype, .rank = 1, .dim = {l->n_out}, .qparams = -1};
    for (int64_t i = 0; i < l->n_out; i++)
        if (!(fabs(v[i]) <= largest(t.dtype)))
            return PTM_NO_VALUE;
    return ptm_rw_const_f(r, &t, v, l->b == PTM_NO_VALUE ? NULL : ptm_rw_name(r, l->b));
}

static uint32_t emit(struct ptm_rewrite *r, const struct ptm_layer *l, uint32_t x, uint32_t w,
                     uint32_t b)
{
    struct ptm_rw_attrs a = {.n = 0};
    if (w == PTM_NO_VALUE || r->status)
        return PTM_NO_VALUE;
    ptm_rw_put_all(&a, r, &l->n);
    ptm_rw_absorb(r, &l->n);
    return ptm_rw_emit(r, (enum ptm_op)l->n.op, (uint32_t[]){x, w, b}, 3, &a);
}

static bool is_one(const double *mul, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (mul[i] != 1)
            return false;
    return true;
}

uint32_t ptm_layer_then(struct ptm_rewrite *r, const struct ptm_layer *l,
                        const struct ptm_affine *a)
{
    uint32_t b = l->b, w = l->w;
    bool same = is_one(a->mul, l->n_out);
    if (a->has_add || (b != PTM_NO_VALUE && !same)) {
        double *sum = ptm_arena_array(r->work, (size_t)l->n_out + 1, sizeof(*sum));
        const double *old = b == PTM_NO_VALUE ? NULL : ptm_rw_doubles(r, b);
        if (!sum || (b != PTM_NO_VALUE && !old))
            return PTM_NO_VALUE;
        for (int64_t i = 0; i < l->n_out; i++)
            sum[i] = (old ? old[i] * a->mul[i] : 0) + a->add[i];
        b = make_bias(r, l, sum);
        if (b == PTM_NO_VALUE)
            return b;
    }
    if (!same)
        w = scaled(r, w, channel_of(r, l, true), a->mul, l->n_out);
    return emit(r, l, l->x, w, b);
}

uint32_t ptm_layer_after(struct ptm_rewrite *r, const struct ptm_layer *l, uint32_t x,
                         const struct ptm_affine *a)
{
    uint32_t b = l->b, w = l->w;
    if (a->has_add) {
        if (l->padded || l->n.op == OP_conv_transpose)
            return PTM_NO_VALUE;
        double *sum = ptm_arena_array(r->work, (size_t)l->n_out + 1, sizeof(*sum));
        const double *old = b == PTM_NO_VALUE ? NULL : ptm_rw_doubles(r, b);
        if (!sum || (b != PTM_NO_VALUE && !old))
            return PTM_NO_VALUE;
        for (int64_t i = 0; old && i < l->n_out; i++)
            sum[i] = old[i];
        add_products(r, l, a->add, sum);
        b = make_bias(r, l, sum);
        if (b == PTM_NO_VALUE)
            return b;
    }
    if (!is_one(a->mul, l->n_in))
        w = scaled(r, w, channel_of(r, l, false), a->mul, l->n_in);
    return emit(r, l, x, w, b);
}
