/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lowerings of reductions and scans: sums, extremes, variances, softmax,
 * running sums, order statistics. An absent or empty list of dimensions means
 * every one. Norms are in lower_norms.c.
 */
#include <math.h>
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"

/* Dimensions to reduce, ascending and distinct; 0: all of them. */
static int reduced_dims(const struct ptm_lower_call *c, const struct ptm_tensor *x, int64_t *dims)
{
    bool used[PTM_MAX_RANK] = {false};
    int64_t given[PTM_MAX_RANK];
    int n = ptm_arg_ints(c->t, ptm_named(c, "dim"), given, PTM_MAX_RANK), k = 0;
    for (int i = 0; i < n; i++) {
        int d = ptm_arg_dim(c->t, ptm_int(given[i]), x->rank);
        if (used[d])
            ptm_trace_fail(c->t, PTM_ERR_TYPE, "dimension %d appears twice in the list of dims", d);
        used[d] = true;
    }
    for (int d = 0; d < x->rank; d++)
        if (used[d])
            dims[k++] = d;
    return k;
}

static bool keepdim(const struct ptm_lower_call *c)
{
    struct ptm_ival v = ptm_named(c, "keepdim");
    return !ptm_is_none(v) && ptm_arg_bool(c->t, v);
}

static struct ptm_tensor *reduce(const struct ptm_lower_call *c, enum ptm_op op,
                                 struct ptm_tensor *x)
{
    int64_t dims[PTM_MAX_RANK];
    if (!x)
        return NULL;
    int n = reduced_dims(c, x, dims);
    return ptm_op_reduce(c->t, op, x, dims, n, keepdim(c));
}

/* The input in the dtype that is asked for; else integers as `ints`. */
static struct ptm_tensor *summand(const struct ptm_lower_call *c, enum ptm_dtype ints)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (!x)
        return NULL;
    int otherwise = ptm_dtype_is_float(x->dtype) ? x->dtype : ints;
    return ptm_cast(c->t, x, (enum ptm_dtype)ptm_arg_dtype(c->t, ptm_named(c, "dtype"), otherwise));
}

static struct ptm_ival lower_sum(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(reduce(c, OP_sum, summand(c, PTM_I64)));
}

static struct ptm_ival lower_prod(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(reduce(c, OP_prod, summand(c, PTM_I64)));
}

static struct ptm_ival lower_mean(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (x && !ptm_dtype_is_float(x->dtype) && ptm_is_none(ptm_named(c, "dtype")))
        return ptm_trace_fail(c->t, PTM_ERR_TYPE,
                              "mean: the dtype of the input must be a float type, got %s",
                              ptm_dtype_name((enum ptm_dtype)x->dtype));
    return ptm_tensor_ival(reduce(c, OP_mean, summand(c, PTM_F32)));
}

static struct ptm_tensor *without_nan(struct ptm_trace *t, struct ptm_tensor *x)
{
    if (!x || !ptm_dtype_is_float(x->dtype))
        return x;
    return ptm_where(t, ptm_op_unary(t, OP_isnan, x), ptm_to_tensor(t, ptm_int(0), x->dtype), x);
}

static struct ptm_ival lower_nansum(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(reduce(c, OP_sum, without_nan(c->t, summand(c, PTM_I64))));
}

static struct ptm_ival lower_nanmean(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = summand(c, PTM_F32);
    if (!x)
        return ptm_none();
    struct ptm_tensor *there = ptm_cast(c->t, ptm_bin(c->t, OP_eq, x, x), x->dtype);
    struct ptm_tensor *sum = reduce(c, OP_sum, without_nan(c->t, x));
    return ptm_tensor_ival(ptm_bin(c->t, OP_div, sum, reduce(c, OP_sum, there)));
}

static struct ptm_ival lower_count_nonzero(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_cast(c->t, ptm_need(c, 0), PTM_BOOL8);
    return ptm_tensor_ival(reduce(c, OP_sum, ptm_cast(c->t, x, PTM_I64)));
}

static struct ptm_ival question(const struct ptm_lower_call *c, enum ptm_op op)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    struct ptm_tensor *y = reduce(c, op, x);
    return ptm_tensor_ival(x && x->dtype == PTM_U8 ? ptm_cast(c->t, y, PTM_U8) : y);
}

static struct ptm_ival lower_any(const struct ptm_lower_call *c)
{
    return question(c, OP_any);
}

static struct ptm_ival lower_all(const struct ptm_lower_call *c)
{
    return question(c, OP_all);
}

static struct ptm_ival lower_amax(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(reduce(c, OP_amax, ptm_need(c, 0)));
}

static struct ptm_ival lower_amin(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(reduce(c, OP_amin, ptm_need(c, 0)));
}

static struct ptm_ival lower_aminmax(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    struct ptm_tensor *both[2] = {reduce(c, OP_amin, x), reduce(c, OP_amax, x)};
    return ptm_result_tuple(c->t, 2, both);
}

static struct ptm_ival arg_extreme(const struct ptm_lower_call *c, enum ptm_op op)
{
    return ptm_tensor_ival(reduce(c, op, ptm_need(c, 0)));
}

static struct ptm_ival lower_argmax(const struct ptm_lower_call *c)
{
    return arg_extreme(c, OP_argmax);
}

static struct ptm_ival lower_argmin(const struct ptm_lower_call *c)
{
    return arg_extreme(c, OP_argmin);
}

/* max(x), or with a dimension (values, indices). max(x, y) is a binary operator. */
static struct ptm_ival extreme(const struct ptm_lower_call *c, enum ptm_op op, enum ptm_op arg_op)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (ptm_has_named(c, "other"))
        return ptm_tensor_ival(
            ptm_binary(c->t, op == OP_amax ? OP_maximum : OP_minimum, c->arg[0], c->arg[1]));
    if (!ptm_has_named(c, "dim"))
        return ptm_tensor_ival(reduce(c, op, x));
    struct ptm_tensor *both[2] = {reduce(c, op, x), reduce(c, arg_op, x)};
    return ptm_result_tuple(c->t, 2, both);
}

static struct ptm_ival lower_max(const struct ptm_lower_call *c)
{
    return extreme(c, OP_amax, OP_argmax);
}

static struct ptm_ival lower_min(const struct ptm_lower_call *c)
{
    return extreme(c, OP_amin, OP_argmin);
}

/* -- variance -- */
static struct ptm_tensor *variance(const struct ptm_lower_call *c, struct ptm_tensor *x)
{
    int64_t dims[PTM_MAX_RANK];
    double correction = 1;
    if (!x)
        return NULL;
    if (!ptm_dtype_is_float(x->dtype)) {
        ptm_trace_fail(c->t, PTM_ERR_TYPE, "std and var only support floating point dtypes");
        return NULL;
    }
    if (ptm_has_named(c, "correction")) {
        struct ptm_ival v = ptm_named(c, "correction");
        correction = ptm_is_none(v) ? 1 : ptm_arg_float(c->t, v);
    } else {
        correction = ptm_arg_bool(c->t, ptm_named(c, "unbiased")) ? 1 : 0;
    }
    struct ptm_emit e;
    ptm_emit_begin(&e, c->t, OP_var);
    ptm_emit_in(&e, x);
    ptm_emit_ints(&e, dims, reduced_dims(c, x, dims));
    ptm_emit_i(&e, keepdim(c));
    ptm_emit_f(&e, correction);
    return ptm_emit_end(&e);
}

static struct ptm_ival lower_var(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(variance(c, ptm_need(c, 0)));
}

static struct ptm_ival lower_std(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(ptm_op_unary(c->t, OP_sqrt, variance(c, ptm_need(c, 0))));
}

static struct ptm_ival lower_var_mean(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    struct ptm_tensor *both[2] = {variance(c, x), reduce(c, OP_mean, x)};
    return ptm_result_tuple(c->t, 2, both);
}

static struct ptm_ival lower_std_mean(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    struct ptm_tensor *both[2] = {ptm_op_unary(c->t, OP_sqrt, variance(c, x)),
                                  reduce(c, OP_mean, x)};
    return ptm_result_tuple(c->t, 2, both);
}

/* -- softmax and running values -- */
static struct ptm_ival lower_logsumexp(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(reduce(c, OP_logsumexp, ptm_as_float(c->t, ptm_need(c, 0))));
}

/* op along `dim`, which a 0-d tensor has too. */
static struct ptm_tensor *along(const struct ptm_lower_call *c, enum ptm_op op,
                                struct ptm_tensor *x)
{
    if (!x)
        return NULL;
    int dim = ptm_arg_dim(c->t, ptm_named(c, "dim"), x->rank);
    struct ptm_tensor *y = ptm_op_int(c->t, op, ptm_at_least_1d(c->t, x), dim);
    return ptm_like_rank(c->t, y, x);
}

static struct ptm_ival soft(const struct ptm_lower_call *c, enum ptm_op op)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0);
    if (!x)
        return ptm_none();
    struct ptm_ival wide = ptm_named(c, "half_to_float");
    int d = ptm_arg_dtype(t, ptm_named(c, "dtype"), x->dtype);
    if (!ptm_is_none(wide) && ptm_arg_bool(t, wide))
        d = PTM_F32;
    if (!ptm_dtype_is_float((enum ptm_dtype)d))
        return ptm_trace_fail(t, PTM_ERR_TYPE, "softmax is not implemented for dtype %s",
                              ptm_dtype_name((enum ptm_dtype)d));
    return ptm_tensor_ival(along(c, op, ptm_cast(t, x, (enum ptm_dtype)d)));
}

static struct ptm_ival lower_softmax(const struct ptm_lower_call *c)
{
    return soft(c, OP_softmax);
}

static struct ptm_ival lower_log_softmax(const struct ptm_lower_call *c)
{
    return soft(c, OP_log_softmax);
}

/* Rows that are -inf everywhere become 0, not NaN. */
static struct ptm_ival lower_safe_softmax(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *y = ptm_arg_tensor(t, soft(c, OP_softmax)), *x = ptm_need(c, 0);
    if (!x || !y)
        return ptm_none();
    int64_t dim = ptm_arg_dim(t, ptm_named(c, "dim"), x->rank);
    struct ptm_tensor *masked = ptm_bin_num(t, OP_eq, x, -(double)INFINITY);
    masked = ptm_op_reduce(t, OP_all, masked, &dim, x->rank ? 1 : 0, true);
    return ptm_tensor_ival(
        ptm_where(t, masked, ptm_to_tensor(t, ptm_float(0), (enum ptm_dtype)y->dtype), y));
}

static struct ptm_ival lower_cumsum(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(along(c, OP_cumsum, summand(c, PTM_I64)));
}

static struct ptm_ival lower_cumprod(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(along(c, OP_cumprod, summand(c, PTM_I64)));
}

static struct ptm_ival running_extreme(const struct ptm_lower_call *c, enum ptm_op op)
{
    struct ptm_tensor *x = ptm_need(c, 0), *out[2] = {NULL, NULL};
    if (!x)
        return ptm_none();
    struct ptm_emit e;
    ptm_emit_begin(&e, c->t, op);
    ptm_emit_in(&e, ptm_at_least_1d(c->t, x));
    ptm_emit_i(&e, ptm_arg_dim(c->t, ptm_named(c, "dim"), x->rank));
    ptm_emit_outs(&e, out);
    for (int i = 0; i < 2; i++)
        out[i] = ptm_like_rank(c->t, out[i], x);
    return ptm_result_tuple(c->t, 2, out);
}

static struct ptm_ival lower_cummax(const struct ptm_lower_call *c)
{
    return running_extreme(c, OP_cummax);
}

static struct ptm_ival lower_cummin(const struct ptm_lower_call *c)
{
    return running_extreme(c, OP_cummin);
}

/* -- order statistics -- */
/* The k-th of sorted x along dim, and its index; k counts from 0. */
static struct ptm_ival sorted_pick(const struct ptm_lower_call *c, struct ptm_tensor *x, int dim,
                                   int64_t k, bool nan_wins)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *v = ptm_at_least_1d(t, x), *out[2] = {NULL, NULL};
    if (!v)
        return ptm_none();
    if (k < 0 || k >= v->dim[dim])
        return ptm_trace_fail(t, PTM_ERR_TYPE, "%s: element %lld of a dimension of size %lld",
                              c->schema->name, (long long)k + 1, (long long)v->dim[dim]);
    int64_t last = v->dim[dim] - 1;
    bool keep = keepdim(c);
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_sort);
    ptm_emit_in(&e, v);
    ptm_emit_i(&e, dim);
    ptm_emit_i(&e, 0);
    ptm_emit_outs(&e, out);
    struct ptm_tensor *largest = ptm_view_range(t, out[0], dim, last, 1), *picked[2];
    for (int i = 0; i < 2; i++) {
        picked[i] = ptm_view_range(t, out[i], dim, k, 1);
        if (nan_wins && ptm_dtype_is_float((enum ptm_dtype)v->dtype))
            picked[i] = ptm_where(t, ptm_op_unary(t, OP_isnan, largest),
                                  ptm_view_range(t, out[i], dim, last, 1), picked[i]);
        if (!keep || x->rank == 0)
            picked[i] = ptm_view_squeeze(t, picked[i], dim);
    }
    return ptm_result_tuple(t, 2, picked);
}

static struct ptm_ival lower_median(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0);
    if (!x)
        return ptm_none();
    if (ptm_has_named(c, "dim")) {
        int dim = ptm_arg_dim(t, ptm_named(c, "dim"), x->rank);
        return sorted_pick(c, x, dim, x->rank ? (x->dim[dim] - 1) / 2 : 0, true);
    }
    struct ptm_tensor *flat = ptm_reshape(t, x, 1, (int64_t[]){-1});
    if (!flat)
        return ptm_none();
    struct ptm_ival both = sorted_pick(c, flat, 0, (flat->dim[0] - 1) / 2, true);
    return both.tag == PTM_TUPLE ? both.u.list->v[0] : both;
}

/* The median of what is not NaN: element (count - 1) / 2 of each sorted row. */
static struct ptm_ival lower_nanmedian(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *out[2] = {NULL, NULL};
    bool by_dim = ptm_has_named(c, "dim");
    struct ptm_tensor *v = by_dim ? ptm_at_least_1d(t, x) : ptm_reshape(t, x, 1, (int64_t[]){-1});
    if (!v)
        return ptm_none();
    int64_t dim = by_dim ? ptm_arg_dim(t, ptm_named(c, "dim"), x->rank) : 0;
    struct ptm_tensor *there = ptm_cast(t, ptm_bin(t, OP_eq, v, v), PTM_I64);
    struct ptm_tensor *k = ptm_op_reduce(t, OP_sum, there, &dim, 1, true);
    k = ptm_binary(t, OP_div_trunc,
                   ptm_tensor_ival(ptm_binary(t, OP_sub, ptm_tensor_ival(k), ptm_int(1))),
                   ptm_int(2));
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_sort);
    ptm_emit_in(&e, v);
    ptm_emit_i(&e, dim);
    ptm_emit_i(&e, 0);
    ptm_emit_outs(&e, out);
    for (int i = 0; i < 2; i++) {
        ptm_emit_begin(&e, t, OP_gather);
        ptm_emit_in(&e, out[i]);
        ptm_emit_in(&e, k);
        ptm_emit_i(&e, dim);
        out[i] = ptm_emit_end(&e);
        if (!keepdim(c) || x->rank == 0)
            out[i] = ptm_view_squeeze(t, out[i], (int)dim);
    }
    return by_dim ? ptm_result_tuple(t, 2, out) : ptm_tensor_ival(out[0]);
}

static struct ptm_ival lower_kthvalue(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (!x)
        return ptm_none();
    int dim = ptm_arg_dim(c->t, ptm_named(c, "dim"), x->rank);
    return sorted_pick(c, x, dim, ptm_arg_size(c->t, ptm_named(c, "k")) - 1, false);
}

/* Sorted rows along a last dimension, and the two neighbours of each rank q (n - 1). */
static struct ptm_ival lower_quantile(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *out[2] = {NULL, NULL};
    struct ptm_ival dim_v = ptm_named(c, "dim"), mode_v = ptm_named(c, "interpolation");
    if (!x)
        return ptm_none();
    const char *mode = ptm_is_none(mode_v) ? "linear" : ptm_arg_str(t, mode_v);
    enum ptm_dtype d = (enum ptm_dtype)x->dtype;
    struct ptm_tensor *q = ptm_to_tensor(t, ptm_named(c, "q"), d);
    bool keep = keepdim(c), all = ptm_is_none(dim_v);
    int dim = all ? 0 : ptm_arg_dim(t, dim_v, x->rank), rank = x->rank;
    struct ptm_tensor *y = all ? ptm_reshape(t, x, 1, (int64_t[]){-1}) : ptm_at_least_1d(t, x);
    if (!y || !q)
        return ptm_none();
    int last = y->rank - 1;
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_sort);
    ptm_emit_in(&e, ptm_view_transpose(t, y, dim, last));
    ptm_emit_i(&e, last);
    ptm_emit_i(&e, 0);
    ptm_emit_outs(&e, out);
    if (!out[0])
        return ptm_none();
    int64_t n = out[0]->dim[last];
    struct ptm_tensor *at =
        ptm_bin_num(t, OP_mul, ptm_reshape(t, q, 1, (int64_t[]){-1}), (double)(n - 1));
    struct ptm_tensor *below = ptm_op_unary(t, OP_floor, at), *above = ptm_op_unary(t, OP_ceil, at);
    struct ptm_tensor *weight = ptm_bin(t, OP_sub, at, below), *end[2];
    if (!strcmp(mode, "lower"))
        above = below;
    else if (!strcmp(mode, "higher"))
        below = above;
    else if (!strcmp(mode, "nearest"))
        below = above = ptm_op_unary(t, OP_round, at);
    for (int i = 0; i < 2; i++) {
        ptm_emit_begin(&e, t, OP_index_select);
        ptm_emit_in(&e, out[0]);
        ptm_emit_in(&e, ptm_cast(t, i ? above : below, PTM_I64));
        ptm_emit_i(&e, last);
        end[i] = ptm_emit_end(&e);
    }
    if (!strcmp(mode, "midpoint"))
        weight = ptm_to_tensor(t, ptm_float(0.5), d);
    struct ptm_tensor *gap = ptm_bin(t, OP_sub, end[1], end[0]);
    y = ptm_bin(t, OP_add, end[0], ptm_bin(t, OP_mul, gap, weight));
    struct ptm_tensor *largest = ptm_view_range(t, out[0], last, n - 1, 1);
    y = ptm_where(t, ptm_op_unary(t, OP_isnan, largest),
                  ptm_to_tensor(t, ptm_float((double)NAN), d), y);
    /* the ranks' dimension goes in front, or away; the reduced one stays as 1, or goes */
    y = ptm_view_transpose(t, ptm_view_unsqueeze(t, y, 0), 0, last + 1);
    y = ptm_view_transpose(t, y, dim + 1, last + 1);
    if (!y)
        return ptm_none();
    int64_t shape[PTM_MAX_RANK];
    int k = 0;
    if (q->rank)
        shape[k++] = y->dim[0];
    for (int i = 0; i < rank; i++)
        if (all ? keep : (keep || i != dim))
            shape[k++] = all || i == dim ? 1 : x->dim[i];
    return ptm_tensor_ival(ptm_reshape(t, y, k, shape));
}

/* -- others -- */
static struct ptm_ival lower_trace(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = summand(c, PTM_I64);
    if (!x)
        return ptm_none();
    if (x->rank != 2)
        return ptm_trace_fail(c->t, PTM_ERR_TYPE, "trace: needs a matrix, got rank %d", x->rank);
    return ptm_tensor_ival(
        ptm_op_reduce(c->t, OP_sum, ptm_view_diagonal(c->t, x, 0, 0, 1), NULL, 0, false));
}

static struct ptm_tensor *neighbours(struct ptm_trace *t, enum ptm_op op, struct ptm_tensor *x,
                                     int dim)
{
    if (!x)
        return NULL;
    int64_t n = x->dim[dim] > 0 ? x->dim[dim] - 1 : 0;
    return ptm_bin(t, op, ptm_view_range(t, x, dim, x->dim[dim] ? 1 : 0, n),
                   ptm_view_range(t, x, dim, 0, n));
}

static struct ptm_ival lower_diff(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *part[3];
    if (!x)
        return ptm_none();
    int dim = ptm_arg_dim(t, ptm_named(c, "dim"), x->rank);
    size_t n = 0;
    part[n] = ptm_arg_tensor(t, ptm_named(c, "prepend"));
    n += part[n] != NULL;
    part[n++] = x;
    part[n] = ptm_arg_tensor(t, ptm_named(c, "append"));
    n += part[n] != NULL;
    if (n > 1)
        x = ptm_concat(t, part, n, dim);
    for (int64_t i = ptm_arg_int(t, ptm_named(c, "n")); i > 0 && x && !ptm_trace_failed(t); i--)
        x = neighbours(t, x->dtype == PTM_BOOL8 ? OP_bitwise_xor : OP_sub, x, dim);
    return ptm_tensor_ival(x);
}

/* sum of (y[i] + y[i + 1]) / 2 * dx */
static struct ptm_ival trapezoid(const struct ptm_lower_call *c, bool running)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *y = ptm_as_float(t, ptm_need(c, 0)), *area;
    if (!y)
        return ptm_none();
    int64_t dim = ptm_arg_dim(t, ptm_named(c, "dim"), y->rank);
    area = ptm_bin_num(t, OP_mul, neighbours(t, OP_add, y, (int)dim), 0.5);
    if (ptm_has_named(c, "x")) {
        struct ptm_tensor *x = ptm_need_named(c, "x");
        if (!x)
            return ptm_none();
        bool shared = x->rank == 1 && y->rank > 1;
        struct ptm_tensor *dx = neighbours(t, OP_sub, x, shared ? 0 : (int)dim);
        if (shared && dx) {
            int64_t shape[PTM_MAX_RANK];
            for (int i = 0; i < y->rank; i++)
                shape[i] = i == dim ? dx->dim[0] : 1;
            dx = ptm_reshape(t, dx, y->rank, shape);
        }
        area = ptm_bin(t, OP_mul, area, dx);
    } else {
        area = ptm_binary(t, OP_mul, ptm_tensor_ival(area), ptm_named(c, "dx"));
    }
    return ptm_tensor_ival(running ? ptm_op_int(t, OP_cumsum, area, dim)
                                   : ptm_op_reduce(t, OP_sum, area, &dim, 1, false));
}

static struct ptm_ival lower_trapezoid(const struct ptm_lower_call *c)
{
    return trapezoid(c, false);
}

static struct ptm_ival lower_cumulative_trapezoid(const struct ptm_lower_call *c)
{
    return trapezoid(c, true);
}

const struct ptm_lowering ptm_lower_reduce[] = {
    {"aten::sum", lower_sum},
    {"aten::mean", lower_mean},
    {"aten::prod", lower_prod},
    {"aten::nansum", lower_nansum},
    {"aten::nanmean", lower_nanmean},
    {"aten::count_nonzero", lower_count_nonzero},
    {"aten::any", lower_any},
    {"aten::all", lower_all},
    {"aten::_is_any_true", lower_any},
    {"aten::_is_all_true", lower_all},
    {"aten::amax", lower_amax},
    {"aten::amin", lower_amin},
    {"aten::aminmax", lower_aminmax},
    {"aten::_aminmax", lower_aminmax},
    {"aten::argmax", lower_argmax},
    {"aten::argmin", lower_argmin},
    {"aten::max", lower_max},
    {"aten::min", lower_min},
    {"aten::var", lower_var},
    {"aten::std", lower_std},
    {"aten::var_mean", lower_var_mean},
    {"aten::std_mean", lower_std_mean},
    {"aten::logsumexp", lower_logsumexp},
    {"aten::special_logsumexp", lower_logsumexp},
    {"aten::softmax", lower_softmax},
    {"aten::_softmax", lower_softmax},
    {"aten::special_softmax", lower_softmax},
    {"aten::_safe_softmax", lower_safe_softmax},
    {"aten::log_softmax", lower_log_softmax},
    {"aten::_log_softmax", lower_log_softmax},
    {"aten::special_log_softmax", lower_log_softmax},
    {"aten::cumsum", lower_cumsum},
    {"aten::cumprod", lower_cumprod},
    {"aten::cummax", lower_cummax},
    {"aten::cummin", lower_cummin},
    {"aten::median", lower_median},
    {"aten::nanmedian", lower_nanmedian},
    {"aten::kthvalue", lower_kthvalue},
    {"aten::quantile", lower_quantile},
    {"aten::trace", lower_trace},
    {"aten::diff", lower_diff},
    {"aten::trapezoid", lower_trapezoid},
    {"aten::trapz", lower_trapezoid},
    {"aten::cumulative_trapezoid", lower_cumulative_trapezoid},
    {NULL, NULL},
};
