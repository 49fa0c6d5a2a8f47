/* SPDX-License-Identifier: BSD-2-Clause */
/* Lowerings of gather, scatter and what is made of them: bags of embeddings, counts, histograms. */
#include <math.h>
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"
#include "libcore/lower_index.h"

static struct ptm_tensor *gather(struct ptm_trace *t, struct ptm_tensor *x,
                                 struct ptm_tensor *index, int dim)
{
    struct ptm_emit e;
    if (!x || !index)
        return NULL;
    ptm_emit_begin(&e, t, OP_gather);
    ptm_emit_in(&e, ptm_at_least_1d(t, x));
    ptm_emit_in(&e, ptm_at_least_1d(t, ptm_cast(t, index, PTM_I64)));
    ptm_emit_i(&e, dim);
    return ptm_like_rank(t, ptm_emit_end(&e), index);
}

static struct ptm_ival lower_gather(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0), *index = ptm_need_named(c, "index");
    if (!x)
        return ptm_none();
    return ptm_tensor_ival(gather(c->t, x, index, ptm_arg_dim(c->t, ptm_named(c, "dim"), x->rank)));
}

static struct ptm_ival lower_take_along_dim(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *index = ptm_need_named(c, "indices");
    struct ptm_ival d = ptm_named(c, "dim");
    int64_t dim[PTM_MAX_RANK], own[PTM_MAX_RANK];
    if (!x || !index)
        return ptm_none();
    if (ptm_is_none(d))
        return ptm_tensor_ival(gather(t, ptm_reshape(t, x, 1, (int64_t[]){-1}),
                                      ptm_reshape(t, index, 1, (int64_t[]){-1}), 0));
    if (x->rank != index->rank)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "take_along_dim: ranks %d and %d", x->rank,
                              index->rank);
    int at = ptm_arg_dim(t, d, x->rank);
    memcpy(own, x->dim, sizeof(own));
    if (x->rank)
        own[at] = index->dim[at];
    int rank = ptm_broadcast_dims(t, x->rank, own, index->rank, index->dim, dim);
    index = ptm_view_expand(t, index, rank, dim);
    if (x->rank)
        dim[at] = x->dim[at];
    return ptm_tensor_ival(gather(t, ptm_view_expand(t, x, rank, dim), index, at));
}

/* v may be larger than index: its leading part counts. */
struct ptm_tensor *ptm_scatter(struct ptm_trace *t, struct ptm_tensor *x, struct ptm_tensor *index,
                               struct ptm_tensor *v, int dim, enum ptm_scatter mode)
{
    struct ptm_emit e;
    if (!x || !index || !v)
        return NULL;
    if (v->rank == index->rank)
        for (int i = 0; i < index->rank && v; i++)
            if (v->dim[i] > index->dim[i])
                v = ptm_view_range(t, v, i, 0, index->dim[i]);
    if (!ptm_tensor_numel(index))
        return ptm_clone(t, x, false);
    ptm_emit_begin(&e, t, OP_scatter);
    ptm_emit_in(&e, ptm_at_least_1d(t, x));
    ptm_emit_in(&e, ptm_at_least_1d(t, ptm_cast(t, index, PTM_I64)));
    ptm_emit_in(&e, ptm_cast(t, v, (enum ptm_dtype)x->dtype));
    ptm_emit_i(&e, dim);
    ptm_emit_i(&e, mode);
    return ptm_like_rank(t, ptm_emit_end(&e), x);
}

static struct ptm_ival scatter(const struct ptm_lower_call *c, enum ptm_scatter mode)
{
    struct ptm_tensor *x = ptm_need(c, 0), *index = ptm_need_named(c, "index");
    if (!x)
        return ptm_none();
    struct ptm_ival v = ptm_named(c, ptm_has_named(c, "src") ? "src" : "value");
    return ptm_tensor_ival(ptm_scatter(c->t, x, index,
                                       ptm_to_tensor(c->t, v, (enum ptm_dtype)x->dtype),
                                       ptm_arg_dim(c->t, ptm_named(c, "dim"), x->rank), mode));
}

static struct ptm_ival lower_scatter(const struct ptm_lower_call *c)
{
    if (!ptm_has_named(c, "reduce"))
        return scatter(c, PTM_SCATTER_SET);
    const char *how = ptm_arg_str(c->t, ptm_named(c, "reduce"));
    if (!strcmp(how, "add"))
        return scatter(c, PTM_SCATTER_ADD);
    if (!strcmp(how, "multiply"))
        return scatter(c, PTM_SCATTER_MUL);
    return ptm_trace_fail(c->t, PTM_ERR_TYPE, "scatter: reduce must be 'add' or 'multiply'");
}

static struct ptm_ival lower_scatter_add(const struct ptm_lower_call *c)
{
    return scatter(c, PTM_SCATTER_ADD);
}

/* The value that does nothing to a reduction. */
static struct ptm_ival neutral(enum ptm_scatter mode, bool is_float)
{
    if (mode == PTM_SCATTER_MAX)
        return is_float ? ptm_float(-(double)INFINITY) : ptm_int(INT64_MIN);
    if (mode == PTM_SCATTER_MIN)
        return is_float ? ptm_float((double)INFINITY) : ptm_int(INT64_MAX);
    return ptm_int(mode == PTM_SCATTER_MUL ? 1 : 0);
}

/* Clamped to the range of an integer type. */
static struct ptm_ival in_range(struct ptm_ival v, enum ptm_dtype d)
{
    int bits = d == PTM_I32 ? 31 : d == PTM_I16 ? 15 : d == PTM_I8 ? 7 : d == PTM_U8 ? 8 : 63;
    int64_t most = (int64_t)((UINT64_C(1) << bits) - 1), least = d == PTM_U8 ? 0 : -most - 1;
    if (v.tag == PTM_INT)
        v.u.i = v.u.i > most ? most : v.u.i < least ? least : v.u.i;
    return v;
}

static struct ptm_tensor *scatter_reduce(const struct ptm_lower_call *c, struct ptm_tensor *x,
                                         struct ptm_tensor *index, struct ptm_tensor *src, int dim)
{
    struct ptm_trace *t = c->t;
    static const struct {
        const char *name;
        enum ptm_scatter mode;
    } how[] = {{"sum", PTM_SCATTER_ADD},
               {"prod", PTM_SCATTER_MUL},
               {"mean", PTM_SCATTER_ADD},
               {"amax", PTM_SCATTER_MAX},
               {"amin", PTM_SCATTER_MIN}};
    const char *name = ptm_arg_str(t, ptm_named(c, "reduce"));
    size_t k = 0;
    while (k < PTM_LEN(how) && strcmp(how[k].name, name) != 0)
        k++;
    if (k == PTM_LEN(how)) {
        ptm_trace_fail(t, PTM_ERR_TYPE,
                       "reduce argument '%s' is none of sum, prod, mean, amax, amin", name);
        return NULL;
    }
    if (!x || !src || !index)
        return NULL;
    bool with_self = ptm_arg_bool(t, ptm_named(c, "include_self"));
    enum ptm_dtype d = (enum ptm_dtype)x->dtype;
    struct ptm_tensor *y = x;
    if (!with_self) {
        struct ptm_ival none = in_range(neutral(how[k].mode, ptm_dtype_is_float(d)), d);
        y = ptm_scatter(t, x, index, ptm_to_tensor(t, none, d), dim, PTM_SCATTER_SET);
    }
    y = ptm_scatter(t, y, index, src, dim, how[k].mode);
    if (strcmp(name, "mean") != 0)
        return y;
    struct ptm_tensor *count = ptm_full(t, d, x->rank, x->dim, ptm_int(with_self));
    count = ptm_scatter(t, count, index, ptm_to_tensor(t, ptm_int(1), d), dim, PTM_SCATTER_ADD);
    if (!with_self)
        count = ptm_op_binary(t, OP_maximum, count, ptm_to_tensor(t, ptm_int(1), d));
    return ptm_op_binary(t, ptm_dtype_is_float(d) ? OP_div : OP_div_floor, y, count);
}

static struct ptm_ival lower_scatter_reduce(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (!x)
        return ptm_none();
    return ptm_tensor_ival(scatter_reduce(c, x, ptm_need_named(c, "index"),
                                          ptm_need_named(c, "src"),
                                          ptm_arg_dim(c->t, ptm_named(c, "dim"), x->rank)));
}

static struct ptm_ival lower_index_reduce(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *src = ptm_need_named(c, "source");
    struct ptm_tensor *index = ptm_at_least_1d(t, ptm_need_named(c, "index"));
    int64_t dim[PTM_MAX_RANK];
    if (!x || !src || !index || src->rank != x->rank || !x->rank)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "index_reduce: ranks of self and source differ");
    int at = ptm_arg_dim(t, ptm_named(c, "dim"), x->rank);
    for (int i = 0; i < x->rank; i++)
        dim[i] = i == at ? index->dim[0] : 1;
    index = ptm_view_expand(t, ptm_reshape(t, index, x->rank, dim), src->rank, src->dim);
    return ptm_tensor_ival(scatter_reduce(c, x, index, src, at));
}

/* -- bags -- */
static struct ptm_tensor *scatter_rows(struct ptm_trace *t, struct ptm_tensor *base,
                                       struct ptm_tensor *bag, struct ptm_tensor *rows,
                                       enum ptm_scatter mode)
{
    if (!rows || !bag)
        return NULL;
    struct ptm_tensor *wide = ptm_view_expand(t, ptm_view_unsqueeze(t, bag, 1), 2, rows->dim);
    return ptm_scatter(t, base, wide, rows, 0, mode);
}

/* (bags, bag of each index, sizes of bags, unused): index i lies in the last bag whose offset is
 * not above i. mode 0 sum, 1 mean, 2 max. */
static struct ptm_ival lower_embedding_bag(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *w = ptm_need(c, 0);
    struct ptm_tensor *index = ptm_cast(t, ptm_need(c, 1), PTM_I64);
    struct ptm_tensor *offset = ptm_cast(t, ptm_need(c, 2), PTM_I64);
    struct ptm_tensor *weights = ptm_arg_tensor(t, ptm_named(c, "per_sample_weights"));
    struct ptm_ival pad = ptm_named(c, "padding_idx");
    int64_t mode = ptm_arg_int(t, ptm_named(c, "mode"));
    if (!w || !index || !offset)
        return ptm_none();
    if (w->rank != 2 || index->rank != 1 || offset->rank != 1)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "embedding_bag: ranks %d, %d, %d; 2, 1, 1 wanted",
                              w->rank, index->rank, offset->rank);
    int64_t bags = offset->dim[0] - ptm_arg_bool(t, ptm_named(c, "include_last_offset"));
    int64_t size[2] = {bags, w->dim[1]}, n = index->dim[0];
    enum ptm_dtype d = (enum ptm_dtype)w->dtype;
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_searchsorted);
    ptm_emit_in(&e, ptm_view_range(t, offset, 0, 0, bags));
    ptm_emit_in(&e, ptm_iota(t, n, ptm_int(0), 1));
    ptm_emit_i(&e, 1);
    struct ptm_tensor *one = ptm_to_tensor(t, ptm_int(1), PTM_I64);
    struct ptm_tensor *bag = ptm_op_binary(t, OP_sub, ptm_emit_end(&e), one);
    struct ptm_tensor *rows = ptm_index_select(t, w, index, 0), *valid = NULL;
    struct ptm_tensor *counted = ptm_full(t, PTM_I64, 1, &n, ptm_int(1));
    if (!ptm_is_none(pad) && ptm_arg_int(t, pad) >= 0) {
        valid = ptm_op_binary(t, OP_ne, index, ptm_to_tensor(t, pad, PTM_I64));
        counted = ptm_cast(t, valid, PTM_I64);
        valid = ptm_view_unsqueeze(t, valid, 1);
    }
    double outside = mode == 2 ? -(double)INFINITY : 0;
    if (valid)
        rows = ptm_where(t, valid, rows, ptm_to_tensor(t, ptm_float(outside), d));
    if (weights)
        rows = ptm_bin(t, OP_mul, rows, ptm_view_unsqueeze(t, weights, 1));
    struct ptm_tensor *count = ptm_scatter(t, ptm_full(t, PTM_I64, 1, &bags, ptm_int(0)), bag,
                                           counted, 0, PTM_SCATTER_ADD);
    struct ptm_tensor *out[4];
    out[0] = scatter_rows(t, ptm_full(t, d, 2, size, ptm_float(outside)), bag, rows,
                          mode == 2 ? PTM_SCATTER_MAX : PTM_SCATTER_ADD);
    struct ptm_tensor *some = ptm_view_unsqueeze(t, ptm_op_binary(t, OP_maximum, count, one), 1);
    if (mode == 1)
        out[0] = ptm_op_binary(t, OP_div, out[0], ptm_cast(t, some, d));
    if (mode == 2)
        out[0] =
            ptm_where(t, ptm_view_unsqueeze(t, count, 1), out[0], ptm_to_tensor(t, ptm_int(0), d));
    out[1] = bag;
    out[2] = count;
    out[3] = count;
    return ptm_result_tuple(t, 4, out);
}

/* -- counts -- */
static struct ptm_ival lower_bincount(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_cast(t, ptm_need(c, 0), PTM_I64);
    struct ptm_tensor *weights = ptm_arg_tensor(t, ptm_named(c, "weights"));
    int64_t n = ptm_arg_size(t, ptm_named(c, "minlength"));
    if (!x)
        return ptm_none();
    if (ptm_tensor_numel(x)) {
        int64_t most = ptm_arg_size(t, ptm_item(t, ptm_op_reduce(t, OP_amax, x, NULL, 0, false)));
        if (most < 0 || most > (INT64_C(1) << 32))
            return ptm_trace_fail(t, PTM_ERR_TYPE, "bincount: value %lld", (long long)most);
        n = most + 1 > n ? most + 1 : n;
    }
    enum ptm_dtype d = !weights ? PTM_I64 : weights->dtype == PTM_F32 ? PTM_F32 : PTM_F64;
    struct ptm_tensor *v = weights ? weights : ptm_to_tensor(t, ptm_int(1), PTM_I64);
    return ptm_tensor_ival(ptm_scatter(t, ptm_full(t, d, 1, &n, ptm_int(0)), x, ptm_cast(t, v, d),
                                       0, PTM_SCATTER_ADD));
}

static struct ptm_ival lower_histc(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_reshape(t, ptm_need(c, 0), 1, (int64_t[]){-1});
    int64_t bins = ptm_arg_size(t, ptm_named(c, "bins"));
    double lo = ptm_arg_float(t, ptm_named(c, "min")), hi = ptm_arg_float(t, ptm_named(c, "max"));
    if (!x)
        return ptm_none();
    if (lo == hi && ptm_tensor_numel(x)) {
        lo = ptm_arg_float(t, ptm_item(t, ptm_op_reduce(t, OP_amin, x, NULL, 0, false)));
        hi = ptm_arg_float(t, ptm_item(t, ptm_op_reduce(t, OP_amax, x, NULL, 0, false)));
    }
    if (lo == hi) {
        lo -= 1;
        hi += 1;
    }
    if (bins < 1 || !(lo < hi) || isinf(lo) || isinf(hi))
        return ptm_trace_fail(t, PTM_ERR_TYPE, "histc: %lld bins from %g to %g", (long long)bins,
                              lo, hi);
    struct ptm_tensor *inside =
        ptm_bin(t, OP_bitwise_and, ptm_bin_num(t, OP_ge, x, lo), ptm_bin_num(t, OP_le, x, hi));
    struct ptm_tensor *at = ptm_bin_num(t, OP_mul, ptm_bin_num(t, OP_sub, x, lo), (double)bins);
    at = ptm_bin_num(t, OP_div, at, hi - lo);
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_clamp);
    ptm_emit_in(&e,
                ptm_where(t, inside, at, ptm_to_tensor(t, ptm_int(0), (enum ptm_dtype)x->dtype)));
    ptm_emit_f(&e, 0);
    ptm_emit_f(&e, (double)(bins - 1));
    at = ptm_cast(t, ptm_emit_end(&e), PTM_I64);
    struct ptm_tensor *zero = ptm_full(t, (enum ptm_dtype)x->dtype, 1, &bins, ptm_int(0));
    return ptm_tensor_ival(ptm_scatter(t, zero, at, ptm_cast(t, inside, (enum ptm_dtype)x->dtype),
                                       0, PTM_SCATTER_ADD));
}

const struct ptm_lowering ptm_lower_scatter[] = {
    {"aten::gather", lower_gather},
    {"aten::take_along_dim", lower_take_along_dim},
    {"aten::scatter", lower_scatter},
    {"aten::scatter_add", lower_scatter_add},
    {"aten::scatter_reduce", lower_scatter_reduce},
    {"aten::index_reduce", lower_index_reduce},
    {"aten::embedding_bag", lower_embedding_bag},
    {"aten::_embedding_bag", lower_embedding_bag},
    {"aten::_embedding_bag_forward_only", lower_embedding_bag},
    {"aten::bincount", lower_bincount},
    {"aten::histc", lower_histc},
    {NULL, NULL},
};
