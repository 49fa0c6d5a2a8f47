/* SPDX-License-Identifier: BSD-2-Clause */
/* Lowerings that give a list of views: split, chunk, unbind. */
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"

enum { MAX_PARTS = 1 << 20 };

static struct ptm_ival too_many(struct ptm_trace *t, int64_t n)
{
    return ptm_trace_fail(t, PTM_ERR_LIMIT, "a tensor in %lld parts, the limit is %d",
                          (long long)n, MAX_PARTS);
}

/* Parts of x along dim from a list of lengths. */
static struct ptm_ival parts(struct ptm_trace *t, struct ptm_tensor *x, int dim, const int64_t *len,
                             size_t n, bool exact)
{
    struct ptm_tensor **y = ptm_arena_array(ptm_trace_arena(t), n + 1, sizeof(*y));
    int64_t at = 0;
    if (!y || !x)
        return ptm_none();
    for (size_t i = 0; i < n && !ptm_trace_failed(t); i++) {
        y[i] = ptm_view_range(t, x, dim, len[i] ? at : 0, len[i]);
        at += len[i];
    }
    if (exact && at != x->dim[dim])
        return ptm_trace_fail(t, PTM_ERR_TYPE, "split: sizes add up to %lld, the dimension is %lld",
                              (long long)at, (long long)x->dim[dim]);
    return ptm_result_list(t, n, y);
}

/* A list of ints of any length, in the arena. */
static int64_t *int_list(struct ptm_trace *t, struct ptm_ival v, size_t *n)
{
    *n = v.tag == PTM_LIST || v.tag == PTM_TUPLE ? v.u.list->n : 0;
    int64_t *out = ptm_arena_array(ptm_trace_arena(t), *n + 2, sizeof(*out));
    for (size_t i = 0; out && i < *n; i++)
        out[i] = ptm_arg_size(t, v.u.list->v[i]);
    return out;
}

static struct ptm_ival split_sizes(struct ptm_trace *t, struct ptm_tensor *x, int dim,
                                   struct ptm_ival sizes)
{
    size_t n;
    const int64_t *len = int_list(t, sizes, &n);
    return len ? parts(t, x, dim, len, n, true) : ptm_none();
}

/* Parts of `size` elements, the last one shorter. */
static struct ptm_ival split_every(struct ptm_trace *t, struct ptm_tensor *x, int dim, int64_t size)
{
    int64_t all = x->dim[dim];
    if (size < 0 || (size == 0 && all))
        return ptm_trace_fail(t, PTM_ERR_TYPE, "split: size %lld of a dimension of %lld",
                              (long long)size, (long long)all);
    int64_t n = size && all ? all / size + (all % size != 0) : 1;
    if (n > MAX_PARTS)
        return too_many(t, n);
    int64_t *len = ptm_arena_array(ptm_trace_arena(t), (size_t)n, sizeof(*len));
    for (int64_t i = 0; len && i < n; i++)
        len[i] = i + 1 < n ? size : all - (n - 1) * size;
    return len ? parts(t, x, dim, len, (size_t)n, true) : ptm_none();
}

/* Parts between the bounds of a list, as numpy's array_split does. */
static struct ptm_ival split_at(struct ptm_trace *t, struct ptm_tensor *x, int dim,
                                const int64_t *at, size_t n)
{
    int64_t all = x->dim[dim], from = 0;
    struct ptm_tensor **y = ptm_arena_array(ptm_trace_arena(t), n + 1, sizeof(*y));
    for (size_t i = 0; y && i <= n; i++) {
        int64_t to = i < n ? at[i] : all;
        to = to < 0 ? (to + all < 0 ? 0 : to + all) : to > all ? all : to;
        y[i] = ptm_view_range(t, x, dim, to > from ? from : 0, to > from ? to - from : 0);
        from = to;
    }
    return y ? ptm_result_list(t, n + 1, y) : ptm_none();
}

/* n parts whose lengths differ by at most one, the longer ones first. */
static struct ptm_ival split_even(struct ptm_trace *t, struct ptm_tensor *x, int dim, int64_t n)
{
    if (n < 1 || n > MAX_PARTS)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "tensor_split: %lld sections", (long long)n);
    int64_t *len = ptm_arena_array(ptm_trace_arena(t), (size_t)n, sizeof(*len));
    for (int64_t i = 0; len && i < n; i++)
        len[i] = x->dim[dim] / n + (i < x->dim[dim] % n);
    return len ? parts(t, x, dim, len, (size_t)n, true) : ptm_none();
}

/* The tensor and dimension of a splitting operator; NULL when it cannot be split. */
static struct ptm_tensor *splittable(const struct ptm_lower_call *c, int *dim)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (x && !x->rank) {
        ptm_trace_fail(c->t, PTM_ERR_TYPE, "%s: a 0-dim tensor has no parts", c->schema->name);
        return NULL;
    }
    struct ptm_ival d = ptm_named(c, "dim");
    *dim = x && !ptm_is_none(d) ? ptm_arg_dim(c->t, d, x->rank) : 0;
    return ptm_trace_failed(c->t) ? NULL : x;
}

static struct ptm_ival lower_split(const struct ptm_lower_call *c)
{
    int dim;
    struct ptm_tensor *x = splittable(c, &dim);
    if (!x)
        return ptm_none();
    if (c->arg[1].tag == PTM_LIST || c->arg[1].tag == PTM_TUPLE)
        return split_sizes(c->t, x, dim, c->arg[1]);
    return split_every(c->t, x, dim, ptm_arg_int(c->t, c->arg[1]));
}

static struct ptm_ival lower_chunk(const struct ptm_lower_call *c)
{
    int dim;
    struct ptm_tensor *x = splittable(c, &dim);
    int64_t n = ptm_arg_size(c->t, ptm_named(c, "chunks"));
    if (!x)
        return ptm_none();
    if (n < 1)
        return ptm_trace_fail(c->t, PTM_ERR_TYPE, "chunk: %lld chunks", (long long)n);
    if (x->dim[dim] == 0)
        return split_even(c->t, x, dim, n);
    return split_every(c->t, x, dim, (x->dim[dim] + n - 1) / n);
}

static struct ptm_ival split_by(const struct ptm_lower_call *c, struct ptm_tensor *x, int dim,
                                struct ptm_ival how)
{
    size_t n;
    if (how.tag == PTM_TENSOR && how.u.tensor->rank) {
        struct ptm_tensor *at = ptm_contiguous(c->t, ptm_cast(c->t, how.u.tensor, PTM_I64));
        struct ptm_nd nd;
        if (!ptm_read(c->t, at, &nd))
            return ptm_none();
        return split_at(c->t, x, dim, nd.data, (size_t)ptm_tensor_numel(at));
    }
    if (how.tag != PTM_LIST && how.tag != PTM_TUPLE)
        return split_even(c->t, x, dim, ptm_arg_size(c->t, how));
    const int64_t *at = int_list(c->t, how, &n);
    return at ? split_at(c->t, x, dim, at, n) : ptm_none();
}

static struct ptm_ival lower_tensor_split(const struct ptm_lower_call *c)
{
    int dim;
    struct ptm_tensor *x = splittable(c, &dim);
    return x ? split_by(c, x, dim, c->arg[1]) : ptm_none();
}

static struct ptm_ival split_along(const struct ptm_lower_call *c, int dim)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (!x)
        return ptm_none();
    if (x->rank <= dim)
        return ptm_trace_fail(c->t, PTM_ERR_TYPE, "%s: a tensor of rank %d", c->schema->name,
                              x->rank);
    return split_by(c, x, dim, c->arg[1]);
}

static struct ptm_ival lower_hsplit(const struct ptm_lower_call *c)
{
    const struct ptm_tensor *x = ptm_need(c, 0);
    return split_along(c, x && x->rank == 1 ? 0 : 1);
}

static struct ptm_ival lower_vsplit(const struct ptm_lower_call *c)
{
    return split_along(c, 0);
}

static struct ptm_ival lower_dsplit(const struct ptm_lower_call *c)
{
    return split_along(c, 2);
}

static struct ptm_ival lower_unbind(const struct ptm_lower_call *c)
{
    int dim;
    struct ptm_tensor *x = splittable(c, &dim);
    if (!x)
        return ptm_none();
    size_t n = (size_t)x->dim[dim];
    if (n > MAX_PARTS)
        return too_many(c->t, x->dim[dim]);
    struct ptm_tensor **y = ptm_arena_array(ptm_trace_arena(c->t), n + 1, sizeof(*y));
    for (size_t i = 0; y && i < n && !ptm_trace_failed(c->t); i++)
        y[i] = ptm_view_select(c->t, x, dim, ptm_int((int64_t)i));
    return y ? ptm_result_list(c->t, n, y) : ptm_none();
}

/* The same as copies. */
static struct ptm_ival copied(const struct ptm_lower_call *c, struct ptm_ival v)
{
    for (size_t i = 0; v.tag == PTM_LIST && i < v.u.list->n; i++)
        v.u.list->v[i] = ptm_tensor_ival(ptm_clone(c->t, v.u.list->v[i].u.tensor, true));
    return v;
}

static struct ptm_ival copy_split(const struct ptm_lower_call *c)
{
    return copied(c, lower_split(c));
}

static struct ptm_ival copy_unbind(const struct ptm_lower_call *c)
{
    return copied(c, lower_unbind(c));
}

const struct ptm_lowering ptm_lower_split[] = {
    {"aten::split", lower_split},
    {"aten::split_with_sizes", lower_split},
    {"aten::unsafe_split", lower_split},
    {"aten::unsafe_split_with_sizes", lower_split},
    {"aten::chunk", lower_chunk},
    {"aten::unsafe_chunk", lower_chunk},
    {"aten::tensor_split", lower_tensor_split},
    {"aten::hsplit", lower_hsplit},
    {"aten::vsplit", lower_vsplit},
    {"aten::dsplit", lower_dsplit},
    {"aten::unbind", lower_unbind},
    {"aten::split_copy", copy_split},
    {"aten::split_with_sizes_copy", copy_split},
    {"aten::unbind_copy", copy_unbind},
    {NULL, NULL},
};
