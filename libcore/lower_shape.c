/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lowerings of views: other dims and strides over the same elements. Slices
 * may begin at a symbol. Lists of parts are in lower_split.c; joining, repeating
 * and reordering in lower_move.c.
 */
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"

/* -- other dims -- */
static struct ptm_ival lower_view(const struct ptm_lower_call *c)
{
    int64_t dim[PTM_MAX_RANK];
    struct ptm_tensor *x = ptm_need(c, 0);
    if (ptm_has_named(c, "dtype")) {
        int d = ptm_arg_dtype(c->t, ptm_named(c, "dtype"), 0);
        if (x && x->dtype != d)
            return ptm_trace_fail(c->t, PTM_ERR_UNSUPPORTED, "view: of %s as %s",
                                  ptm_dtype_name((enum ptm_dtype)x->dtype),
                                  ptm_dtype_name((enum ptm_dtype)d));
        return ptm_tensor_ival(ptm_alias(c->t, x));
    }
    int rank = ptm_arg_ints(c->t, ptm_named(c, "size"), dim, PTM_MAX_RANK);
    return ptm_tensor_ival(ptm_view_reshape(c->t, x, rank, dim));
}

static struct ptm_ival lower_reshape(const struct ptm_lower_call *c)
{
    int64_t dim[PTM_MAX_RANK];
    struct ptm_ival size = ptm_named(c, ptm_has_named(c, "shape") ? "shape" : "size");
    int rank = ptm_arg_ints(c->t, size, dim, PTM_MAX_RANK);
    return ptm_tensor_ival(ptm_reshape(c->t, ptm_need(c, 0), rank, dim));
}

static struct ptm_ival lower_view_as(const struct ptm_lower_call *c)
{
    struct ptm_tensor *other = ptm_need(c, 1);
    return other ? ptm_tensor_ival(ptm_view_reshape(c->t, ptm_need(c, 0), other->rank, other->dim))
                 : ptm_none();
}

static struct ptm_ival lower_reshape_as(const struct ptm_lower_call *c)
{
    struct ptm_tensor *other = ptm_need(c, 1);
    return other ? ptm_tensor_ival(ptm_reshape(c->t, ptm_need(c, 0), other->rank, other->dim))
                 : ptm_none();
}

static struct ptm_ival lower_ravel(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(ptm_reshape(c->t, ptm_need(c, 0), 1, (int64_t[]){-1}));
}

static struct ptm_ival lower_flatten(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0);
    int64_t dim[PTM_MAX_RANK], n = 1;
    int rank = 0;
    if (!x)
        return ptm_none();
    int first = ptm_arg_dim(t, ptm_named(c, "start_dim"), x->rank);
    int last = ptm_arg_dim(t, ptm_named(c, "end_dim"), x->rank);
    if (first > last)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "flatten: start_dim %d is after end_dim %d", first,
                              last);
    if (x->rank && first == last)
        return ptm_tensor_ival(x);
    for (int i = 0; i < x->rank; i++) {
        if (i < first || i > last)
            dim[rank++] = x->dim[i];
        else
            n *= x->dim[i];
        if (i == last)
            dim[rank++] = n;
    }
    if (!x->rank)
        dim[rank++] = 1;
    return ptm_tensor_ival(ptm_reshape(t, x, rank, dim));
}

static struct ptm_ival lower_unflatten(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0);
    int64_t size[PTM_MAX_RANK], dim[PTM_MAX_RANK], known = 1;
    int rank = 0, hole = -1;
    if (!x)
        return ptm_none();
    int at = ptm_arg_dim(t, ptm_named(c, "dim"), x->rank);
    int n = ptm_arg_ints(t, ptm_named(c, "sizes"), size, PTM_MAX_RANK);
    if (!x->rank || x->rank - 1 + n > PTM_MAX_RANK)
        return ptm_trace_fail(t, PTM_ERR_UNSUPPORTED, "unflatten: rank %d with %d new sizes",
                              x->rank, n);
    for (int i = 0; i < n; i++) {
        if (size[i] == -1)
            hole = i;
        else
            known = ptm_times(known, size[i]);
    }
    if (hole >= 0)
        size[hole] = known ? x->dim[at] / known : 0;
    for (int i = 0; i < x->rank; i++) {
        for (int k = 0; i == at && k < n; k++)
            dim[rank++] = size[k];
        if (i != at)
            dim[rank++] = x->dim[i];
    }
    return ptm_tensor_ival(ptm_view_reshape(t, x, rank, dim));
}

static struct ptm_tensor *squeeze(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0);
    int64_t dims[PTM_MAX_RANK];
    bool drop[PTM_MAX_RANK] = {false};
    if (!x)
        return NULL;
    int rank = x->rank;
    if (ptm_has_named(c, "dim")) {
        int n = ptm_arg_ints(t, ptm_named(c, "dim"), dims, PTM_MAX_RANK);
        for (int i = 0; i < n; i++)
            drop[ptm_arg_dim(t, ptm_int(dims[i]), rank)] = true;
    } else {
        memset(drop, true, sizeof(drop));
    }
    struct ptm_tensor *y = ptm_alias(t, x);
    for (int i = rank - 1; y && i >= 0; i--)
        if (drop[i] && y->dim[i] == 1)
            y = ptm_view_squeeze(t, y, i);
    return y;
}

static struct ptm_tensor *unsqueeze(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    return x ? ptm_view_unsqueeze(c->t, x, ptm_arg_dim(c->t, ptm_named(c, "dim"), x->rank + 1))
             : NULL;
}

static struct ptm_tensor *transpose(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (!x)
        return NULL;
    int a = ptm_arg_dim(c->t, c->arg[1], x->rank), b = ptm_arg_dim(c->t, c->arg[2], x->rank);
    return a == b ? ptm_alias(c->t, x) : ptm_view_transpose(c->t, x, a, b);
}

static struct ptm_tensor *matrix_transpose(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (!x)
        return NULL;
    if (x->rank > 2) {
        ptm_trace_fail(c->t, PTM_ERR_TYPE, "t: expects a tensor with <= 2 dimensions, got %d",
                       x->rank);
        return NULL;
    }
    return x->rank == 2 ? ptm_view_transpose(c->t, x, 0, 1) : ptm_alias(c->t, x);
}

/* A view, and the same as an in-place change of what the tensor is. */
#define VIEW(name)                                                                                 \
    static struct ptm_ival lower_##name(const struct ptm_lower_call *c)                            \
    {                                                                                              \
        return ptm_tensor_ival(name(c));                                                           \
    }                                                                                              \
    static struct ptm_ival lower_##name##_(const struct ptm_lower_call *c) {                       \
        struct ptm_tensor *x = ptm_need(c, 0), *y = name(c);                                       \
        if (x && y)                                                                                \
            *x = *y;                                                                               \
        return c->arg[0];                                                                          \
    }
VIEW(squeeze)
VIEW(unsqueeze)
VIEW(transpose)
VIEW(matrix_transpose)
#undef VIEW

/* mT: the last two dims; numpy_T: all of them reversed. */
static struct ptm_ival lower_last_transpose(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (!x || x->rank < 2)
        return c->arg[0];
    return ptm_tensor_ival(ptm_view_transpose(c->t, x, x->rank - 2, x->rank - 1));
}

static struct ptm_ival lower_reversed(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    int64_t perm[PTM_MAX_RANK];
    if (!x)
        return ptm_none();
    for (int i = 0; i < x->rank; i++)
        perm[i] = x->rank - 1 - i;
    return ptm_tensor_ival(ptm_view_permute(c->t, x, perm));
}

static struct ptm_ival lower_permute(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    int64_t perm[PTM_MAX_RANK];
    bool used[PTM_MAX_RANK] = {false};
    if (!x)
        return ptm_none();
    int n = ptm_arg_ints(c->t, ptm_named(c, "dims"), perm, PTM_MAX_RANK);
    if (n != x->rank)
        return ptm_trace_fail(c->t, PTM_ERR_TYPE, "permute: %d dims for a tensor of rank %d", n,
                              x->rank);
    for (int i = 0; i < n; i++) {
        perm[i] = ptm_arg_dim(c->t, ptm_int(perm[i]), n);
        if (used[perm[i]])
            return ptm_trace_fail(c->t, PTM_ERR_TYPE, "permute: duplicate dim %lld",
                                  (long long)perm[i]);
        used[perm[i]] = true;
    }
    return ptm_tensor_ival(ptm_view_permute(c->t, x, perm));
}

static struct ptm_ival lower_movedim(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0);
    int64_t from[PTM_MAX_RANK], to[PTM_MAX_RANK], perm[PTM_MAX_RANK];
    bool moved[PTM_MAX_RANK] = {false};
    if (!x)
        return ptm_none();
    int n = ptm_arg_ints(t, ptm_named(c, "source"), from, PTM_MAX_RANK);
    int m = ptm_arg_ints(t, ptm_named(c, "destination"), to, PTM_MAX_RANK);
    if (n != m)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "movedim: %d source dims and %d destinations", n, m);
    for (int i = 0; i < x->rank; i++)
        perm[i] = -1;
    for (int i = 0; i < n; i++) {
        int f = ptm_arg_dim(t, ptm_int(from[i]), x->rank);
        int d = ptm_arg_dim(t, ptm_int(to[i]), x->rank);
        if (!x->rank)
            return c->arg[0];
        if (moved[f] || perm[d] >= 0)
            return ptm_trace_fail(t, PTM_ERR_TYPE, "movedim: repeated dim");
        moved[f] = true;
        perm[d] = f;
    }
    for (int i = 0, next = 0; i < x->rank; i++) {
        if (perm[i] >= 0)
            continue;
        while (moved[next])
            next++;
        perm[i] = next++;
    }
    return ptm_tensor_ival(ptm_view_permute(t, x, perm));
}

/* -- broadcasting -- */
static struct ptm_ival lower_expand(const struct ptm_lower_call *c)
{
    int64_t dim[PTM_MAX_RANK];
    int rank = ptm_arg_ints(c->t, ptm_named(c, "size"), dim, PTM_MAX_RANK);
    return ptm_tensor_ival(ptm_view_expand(c->t, ptm_need(c, 0), rank, dim));
}

static struct ptm_ival lower_expand_as(const struct ptm_lower_call *c)
{
    struct ptm_tensor *other = ptm_need(c, 1);
    return other ? ptm_tensor_ival(ptm_view_expand(c->t, ptm_need(c, 0), other->rank, other->dim))
                 : ptm_none();
}

static struct ptm_ival lower_broadcast_tensors(const struct ptm_lower_call *c)
{
    size_t n;
    struct ptm_tensor **x = ptm_need_list(c, c->arg[0], &n);
    int64_t dim[PTM_MAX_RANK] = {0};
    int rank = 0;
    for (size_t i = 0; i < n; i++)
        if (x[i])
            rank = ptm_broadcast_dims(c->t, rank, dim, x[i]->rank, x[i]->dim, dim);
    for (size_t i = 0; i < n; i++)
        x[i] = ptm_view_expand(c->t, x[i], rank, dim);
    return x ? ptm_result_list(c->t, n, x) : ptm_none();
}

static struct ptm_tensor *at_least(struct ptm_trace *t, struct ptm_tensor *x, int rank)
{
    if (x && x->rank == 0)
        x = ptm_view_unsqueeze(t, x, 0);
    if (x && x->rank == 1 && rank > 1)
        x = ptm_view_unsqueeze(t, x, 0);
    if (x && x->rank == 2 && rank > 2)
        x = ptm_view_unsqueeze(t, x, 2);
    return x;
}

static struct ptm_ival atleast(const struct ptm_lower_call *c, int rank)
{
    if (c->arg[0].tag == PTM_TENSOR)
        return ptm_tensor_ival(at_least(c->t, ptm_need(c, 0), rank));
    size_t n;
    struct ptm_tensor **x = ptm_need_list(c, c->arg[0], &n);
    for (size_t i = 0; i < n; i++)
        x[i] = at_least(c->t, x[i], rank);
    return x ? ptm_result_list(c->t, n, x) : ptm_none();
}

static struct ptm_ival lower_atleast_1d(const struct ptm_lower_call *c)
{
    return atleast(c, 1);
}

static struct ptm_ival lower_atleast_2d(const struct ptm_lower_call *c)
{
    return atleast(c, 2);
}

static struct ptm_ival lower_atleast_3d(const struct ptm_lower_call *c)
{
    return atleast(c, 3);
}

/* -- parts -- */
/* A bound of a slice into [0, n], as Python does; a symbol is guarded by its comparisons. */
static struct ptm_ival slice_bound(struct ptm_trace *t, struct ptm_ival v, int64_t n)
{
    if (v.tag != PTM_SYM) {
        int64_t i = ptm_arg_int(t, v);
        i = i < 0 ? (i < -n ? 0 : i + n) : i;
        return ptm_int(i > n ? n : i);
    }
    if (ptm_scalar_cmp(t, PTM_LT, v, ptm_int(0))) {
        v = ptm_scalar_arith(t, '+', v, ptm_int(n));
        if (ptm_scalar_cmp(t, PTM_LT, v, ptm_int(0)))
            return ptm_int(0);
    }
    /* n itself stays a symbol: a cache that fills up to its end makes no other guard */
    if (ptm_scalar_cmp(t, PTM_GT, v, ptm_int(n)))
        return ptm_int(n);
    return v;
}

static struct ptm_tensor *slice(const struct ptm_lower_call *c, struct ptm_tensor *x)
{
    struct ptm_trace *t = c->t;
    struct ptm_ival start = ptm_named(c, "start"), end = ptm_named(c, "end");
    if (!x)
        return NULL;
    if (x->rank == 0) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "slice() cannot be applied to a 0-dim tensor");
        return NULL;
    }
    int dim = ptm_arg_dim(t, ptm_named(c, "dim"), x->rank);
    int64_t n = x->dim[dim], step = ptm_arg_int(t, ptm_named(c, "step"));
    if (step < 1) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "slice: step must be positive, got %lld", (long long)step);
        return NULL;
    }
    start = ptm_is_none(start) ? ptm_int(0) : slice_bound(t, start, n);
    end = ptm_is_none(end) ? ptm_int(n) : slice_bound(t, end, n);
    struct ptm_ival gap = ptm_scalar_arith(t, '-', end, start);
    if (gap.tag == PTM_SYM) { /* the length would change: these numbers become known */
        start = ptm_int(ptm_arg_int(t, start));
        end = ptm_int(ptm_arg_int(t, end));
        gap = ptm_scalar_arith(t, '-', end, start);
    }
    int64_t len = ptm_arg_int(t, gap);
    len = len < 0 ? 0 : len / step + (len % step != 0);
    return ptm_view_slice(t, x, dim, len ? start : ptm_int(0), len, step);
}

static struct ptm_ival lower_slice(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(slice(c, ptm_need(c, 0)));
}

static struct ptm_tensor *narrow(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0);
    struct ptm_ival start = ptm_named(c, "start");
    if (!x)
        return NULL;
    int dim = ptm_arg_dim(t, ptm_named(c, "dim"), x->rank);
    int64_t len = ptm_arg_size(t, ptm_named(c, "length"));
    if (start.tag == PTM_TENSOR)
        start = ptm_int(ptm_arg_int(t, start));
    if (!x->rank || len < 0 ||
        (start.tag != PTM_NONE && ptm_scalar_cmp(t, PTM_LT, start, ptm_int(0)) &&
         ptm_scalar_cmp(t, PTM_LT, start = ptm_scalar_arith(t, '+', start, ptm_int(x->dim[dim])),
                        ptm_int(0))) ||
        ptm_scalar_cmp(t, PTM_GT, start, ptm_int(x->dim[dim] - len))) {
        ptm_trace_fail(t, PTM_ERR_TYPE,
                       "narrow: length %lld from that start exceeds dimension %d of size %lld",
                       (long long)len, dim, (long long)(x->rank ? x->dim[dim] : 0));
        return NULL;
    }
    return ptm_view_slice(t, x, dim, start, len, 1);
}

static struct ptm_ival lower_narrow(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(narrow(c));
}

static struct ptm_tensor *select_one(const struct ptm_lower_call *c, struct ptm_tensor *x)
{
    if (!x)
        return NULL;
    if (!x->rank) {
        ptm_trace_fail(c->t, PTM_ERR_TYPE, "select() cannot be applied to a 0-dim tensor");
        return NULL;
    }
    struct ptm_ival index = ptm_named(c, "index");
    int dim = ptm_arg_dim(c->t, ptm_named(c, "dim"), x->rank);
    if (index.tag == PTM_SYM && ptm_scalar_cmp(c->t, PTM_GE, index, ptm_int(x->dim[dim])))
        index = ptm_int(ptm_arg_int(c->t, index)); /* out of range: the view says so */
    return ptm_view_select(c->t, x, dim, index);
}

static struct ptm_ival lower_select(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(select_one(c, ptm_need(c, 0)));
}

static struct ptm_tensor *diagonal(const struct ptm_lower_call *c, struct ptm_tensor *x)
{
    if (!x)
        return NULL;
    return ptm_view_diagonal(c->t, x, ptm_arg_size(c->t, ptm_named(c, "offset")),
                             ptm_arg_dim(c->t, ptm_named(c, "dim1"), x->rank),
                             ptm_arg_dim(c->t, ptm_named(c, "dim2"), x->rank));
}

static struct ptm_ival lower_diagonal(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(diagonal(c, ptm_need(c, 0)));
}

/* x.unfold(dim, size, step): windows as a last dimension. */
static struct ptm_ival lower_unfold(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_at_least_1d(t, ptm_need(c, 0));
    int64_t dim[PTM_MAX_RANK], stride[PTM_MAX_RANK];
    if (!x)
        return ptm_none();
    int at = ptm_arg_dim(t, ptm_named(c, "dimension"), x->rank);
    int64_t size = ptm_arg_size(t, ptm_named(c, "size")),
            step = ptm_arg_size(t, ptm_named(c, "step"));
    if (x->rank == PTM_MAX_RANK || step < 1 || size < 0 || size > x->dim[at])
        return ptm_trace_fail(t, PTM_ERR_TYPE, "unfold: size %lld, step %lld, dimension of %lld",
                              (long long)size, (long long)step, (long long)x->dim[at]);
    for (int i = 0; i < x->rank; i++) {
        dim[i] = i == at ? (x->dim[i] - size) / step + 1 : x->dim[i];
        stride[i] = i == at ? x->stride[i] * step : x->stride[i];
    }
    dim[x->rank] = size;
    stride[x->rank] = x->stride[at];
    return ptm_tensor_ival(ptm_view_within(t, x, x->rank + 1, dim, stride, 0));
}

static struct ptm_tensor *strided(const struct ptm_lower_call *c, struct ptm_tensor *x)
{
    struct ptm_trace *t = c->t;
    int64_t dim[PTM_MAX_RANK], stride[PTM_MAX_RANK];
    struct ptm_ival offset = ptm_named(c, "storage_offset");
    int rank = ptm_arg_ints(t, ptm_named(c, "size"), dim, PTM_MAX_RANK);
    int n = ptm_arg_ints(t, ptm_named(c, "stride"), stride, PTM_MAX_RANK);
    if (!x || rank != n) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "as_strided: %d sizes and %d strides", rank, n);
        return NULL;
    }
    int64_t at = ptm_is_none(offset) ? 0 : ptm_arg_size(t, offset) - x->offset;
    return ptm_view_within(t, x, rank, dim, stride, at);
}

static struct ptm_ival lower_as_strided(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(strided(c, ptm_need(c, 0)));
}

static struct ptm_ival lower_as_strided_(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0), *y = strided(c, x);
    if (x && y)
        *x = *y;
    return c->arg[0];
}

/* Fewer elements, or an empty tensor made large: what models do with resize_. */
static struct ptm_ival lower_resize_(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *y;
    int64_t dim[PTM_MAX_RANK], stride[PTM_MAX_RANK];
    int rank = 0;
    if (!x)
        return ptm_none();
    if (ptm_has_named(c, "the_template")) {
        struct ptm_tensor *like = ptm_need_named(c, "the_template");
        for (; like && rank < like->rank; rank++)
            dim[rank] = like->dim[rank];
    } else {
        rank = ptm_arg_ints(t, ptm_named(c, "size"), dim, PTM_MAX_RANK);
    }
    int64_t n = ptm_strides_contiguous(rank, dim, stride), old = ptm_tensor_numel(x);
    if (n >= 0 && n <= old)
        y = ptm_view_within(t, x, rank, dim, stride, 0);
    else if (old == 0)
        y = ptm_full(t, (enum ptm_dtype)x->dtype, rank, dim, ptm_int(0));
    else
        return ptm_trace_fail(t, PTM_ERR_UNSUPPORTED, "resize_: from %lld elements to %lld",
                              (long long)old, (long long)n);
    if (y)
        *x = *y;
    return c->arg[0];
}

/* -- a copy with one of these views written -- */
#define SCATTER(name, view)                                                                        \
    static struct ptm_ival lower_##name(const struct ptm_lower_call *c)                            \
    {                                                                                              \
        struct ptm_tensor *y = ptm_clone(c->t, ptm_need(c, 0), true);                              \
        ptm_write(c->t, view(c, y), ptm_need(c, 1));                                               \
        return ptm_tensor_ival(y);                                                                 \
    }
SCATTER(select_scatter, select_one)
SCATTER(slice_scatter, slice)
SCATTER(diagonal_scatter, diagonal)
SCATTER(as_strided_scatter, strided)
#undef SCATTER

/* -- the same as copies -- */
static struct ptm_ival copied(const struct ptm_lower_call *c, struct ptm_ival v)
{
    return ptm_tensor_ival(ptm_clone(c->t, ptm_arg_tensor(c->t, v), true));
}
#define COPY(name)                                                                                 \
    static struct ptm_ival copy_##name(const struct ptm_lower_call *c)                             \
    {                                                                                              \
        return copied(c, lower_##name(c));                                                         \
    }
COPY(view)
COPY(expand)
COPY(permute)
COPY(squeeze)
COPY(unsqueeze)
COPY(transpose)
COPY(matrix_transpose)
COPY(slice)
COPY(select)
COPY(narrow)
COPY(diagonal)
COPY(as_strided)
COPY(unfold)
#undef COPY

const struct ptm_lowering ptm_lower_shape[] = {
    {"aten::view", lower_view},
    {"aten::_unsafe_view", lower_reshape},
    {"aten::_reshape_alias", lower_reshape},
    {"aten::reshape", lower_reshape},
    {"aten::_reshape_copy", copy_view},
    {"aten::view_as", lower_view_as},
    {"aten::reshape_as", lower_reshape_as},
    {"aten::ravel", lower_ravel},
    {"aten::flatten", lower_flatten},
    {"aten::unflatten", lower_unflatten},
    {"aten::squeeze", lower_squeeze},
    {"aten::squeeze_", lower_squeeze_},
    {"aten::unsqueeze", lower_unsqueeze},
    {"aten::unsqueeze_", lower_unsqueeze_},
    {"aten::transpose", lower_transpose},
    {"aten::transpose_", lower_transpose_},
    {"aten::swapaxes", lower_transpose},
    {"aten::swapaxes_", lower_transpose_},
    {"aten::swapdims", lower_transpose},
    {"aten::swapdims_", lower_transpose_},
    {"aten::t", lower_matrix_transpose},
    {"aten::t_", lower_matrix_transpose_},
    {"aten::mT", lower_last_transpose},
    {"aten::mH", lower_last_transpose},
    {"aten::adjoint", lower_last_transpose},
    {"aten::matrix_H", lower_last_transpose},
    {"aten::numpy_T", lower_reversed},
    {"aten::permute", lower_permute},
    {"aten::movedim", lower_movedim},
    {"aten::moveaxis", lower_movedim},
    {"aten::expand", lower_expand},
    {"aten::broadcast_to", lower_expand},
    {"aten::expand_as", lower_expand_as},
    {"aten::broadcast_tensors", lower_broadcast_tensors},
    {"aten::atleast_1d", lower_atleast_1d},
    {"aten::atleast_2d", lower_atleast_2d},
    {"aten::atleast_3d", lower_atleast_3d},
    {"aten::slice", lower_slice},
    {"aten::select", lower_select},
    {"aten::narrow", lower_narrow},
    {"aten::diagonal", lower_diagonal},
    {"aten::linalg_diagonal", lower_diagonal},
    {"aten::unfold", lower_unfold},
    {"aten::as_strided", lower_as_strided},
    {"aten::as_strided_", lower_as_strided_},
    {"aten::resize_", lower_resize_},
    {"aten::resize_as_", lower_resize_},
    {"aten::select_scatter", lower_select_scatter},
    {"aten::slice_scatter", lower_slice_scatter},
    {"aten::diagonal_scatter", lower_diagonal_scatter},
    {"aten::as_strided_scatter", lower_as_strided_scatter},
    {"aten::view_copy", copy_view},
    {"aten::expand_copy", copy_expand},
    {"aten::permute_copy", copy_permute},
    {"aten::squeeze_copy", copy_squeeze},
    {"aten::unsqueeze_copy", copy_unsqueeze},
    {"aten::transpose_copy", copy_transpose},
    {"aten::t_copy", copy_matrix_transpose},
    {"aten::slice_copy", copy_slice},
    {"aten::select_copy", copy_select},
    {"aten::narrow_copy", copy_narrow},
    {"aten::diagonal_copy", copy_diagonal},
    {"aten::as_strided_copy", copy_as_strided},
    {"aten::unfold_copy", copy_unfold},
    {NULL, NULL},
};
