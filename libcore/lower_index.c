/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lowerings of indexing with tensors. A mask becomes the positions where it
 * holds, which reads its data, except where a `where` does the same. Scatters
 * are in lower_scatter.c.
 */
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"
#include "libcore/lower_index.h"

/* -- positions of true elements -- */
struct ptm_tensor *ptm_nonzero(struct ptm_trace *t, struct ptm_tensor *x)
{
    struct ptm_nd nd;
    if (!x)
        return NULL;
    bool known = ptm_is_known(x);
    struct ptm_tensor *mask = ptm_contiguous(t, ptm_cast(t, x, PTM_BOOL8));
    if (!ptm_read(t, mask, &nd))
        return NULL;
    const uint8_t *bytes = nd.data;
    int64_t all = ptm_tensor_numel(x), n = 0, at = 0, dim[2] = {0, x->rank};
    for (int64_t i = 0; i < all; i++)
        n += bytes[i] != 0;
    dim[0] = n;
    int64_t *out = ptm_arena_array(ptm_trace_arena(t), (size_t)n * x->rank + 1, sizeof(*out));
    if (!out) {
        ptm_trace_fail(t, PTM_ERR_MEMORY, "out of memory while specialising");
        return NULL;
    }
    for (int64_t i = 0; i < all; i++) {
        if (!bytes[i])
            continue;
        int64_t rest = i;
        for (int d = x->rank - 1; d >= 0; d--) {
            out[at + d] = rest % x->dim[d];
            rest /= x->dim[d];
        }
        at += x->rank;
    }
    return known ? ptm_known(t, PTM_I64, 2, dim, out) : ptm_dynamic(t, PTM_I64, 2, dim, out);
}

static struct ptm_ival lower_nonzero(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(ptm_nonzero(c->t, ptm_need(c, 0)));
}

/* One vector per dimension. */
static struct ptm_ival lower_nonzero_numpy(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_at_least_1d(c->t, ptm_need(c, 0)), *out[PTM_MAX_RANK];
    struct ptm_tensor *all = ptm_nonzero(c->t, x);
    if (!all)
        return ptm_none();
    for (int i = 0; i < x->rank; i++)
        out[i] = ptm_view_select(c->t, all, 1, ptm_int(i));
    return ptm_result_list(c->t, x->rank, out);
}

/* -- x[i, :, mask, ...] -- */
struct indices {
    int n;
    int64_t dims[PTM_MAX_RANK];
    struct ptm_tensor *x[PTM_MAX_RANK];
};

static bool is_mask(const struct ptm_tensor *x)
{
    return x->dtype == PTM_BOOL8 || x->dtype == PTM_U8;
}

static bool mask_fits(struct ptm_trace *t, const struct ptm_tensor *x,
                      const struct ptm_tensor *mask, int at)
{
    bool fits = mask->rank > 0 && at + mask->rank <= x->rank;
    for (int i = 0; fits && i < mask->rank; i++)
        fits = mask->dim[i] == x->dim[at + i];
    if (!fits)
        ptm_trace_fail(t, PTM_ERR_TYPE,
                       "index: a mask of rank %d at dimension %d does not match the tensor",
                       mask->rank, at);
    return fits;
}

static bool collect(const struct ptm_lower_call *c, struct ptm_tensor *x, struct ptm_ival list,
                    struct indices *s)
{
    struct ptm_trace *t = c->t;
    size_t n;
    struct ptm_tensor **given = ptm_need_list(c, list, &n);
    int at = 0;
    s->n = 0;
    for (size_t i = 0; given && i < n && !ptm_trace_failed(t); i++) {
        if (at >= x->rank && given[i] && !(is_mask(given[i]) && x->rank)) {
            ptm_trace_fail(t, PTM_ERR_TYPE, "too many indices for tensor of dimension %d", x->rank);
            return false;
        }
        if (!given[i]) {
            at++;
        } else if (!is_mask(given[i])) {
            s->dims[s->n] = at++;
            s->x[s->n++] = ptm_cast(t, given[i], PTM_I64);
        } else {
            if (!mask_fits(t, x, given[i], at))
                return false;
            struct ptm_tensor *all = ptm_nonzero(t, given[i]);
            for (int k = 0; all && k < given[i]->rank; k++) {
                s->dims[s->n] = at++;
                s->x[s->n++] = ptm_view_select(t, all, 1, ptm_int(k));
            }
        }
    }
    return given && !ptm_trace_failed(t);
}

struct ptm_tensor *ptm_index(struct ptm_trace *t, struct ptm_tensor *x,
                             struct ptm_tensor *const *index, const int64_t *dims, int n)
{
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_index);
    ptm_emit_in(&e, x);
    for (int i = 0; i < n; i++)
        ptm_emit_in(&e, index[i]);
    ptm_emit_ints(&e, dims, n);
    return ptm_emit_end(&e);
}

static struct ptm_ival lower_index(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    struct indices s;
    if (!x || !collect(c, x, c->arg[1], &s))
        return ptm_none();
    if (!s.n)
        return ptm_tensor_ival(ptm_alias(c->t, x));
    return ptm_tensor_ival(ptm_index(c->t, x, s.x, s.dims, s.n));
}

struct ptm_tensor *ptm_index_put(struct ptm_trace *t, struct ptm_tensor *x, struct ptm_tensor *v,
                                 struct ptm_tensor *const *index, const int64_t *dims, int n,
                                 bool accumulate)
{
    int rank = 0;
    if (!x || !v)
        return NULL;
    for (int i = 0; i < n; i++)
        if (index[i] && index[i]->rank > rank)
            rank = index[i]->rank;
    while (v && v->rank > rank + x->rank - n && v->dim[0] == 1 && !ptm_trace_failed(t))
        v = ptm_view_squeeze(t, v, 0);
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_index_put);
    ptm_emit_in(&e, x);
    ptm_emit_in(&e, ptm_cast(t, v, (enum ptm_dtype)x->dtype));
    for (int i = 0; i < n; i++)
        ptm_emit_in(&e, index[i]);
    ptm_emit_ints(&e, dims, n);
    ptm_emit_i(&e, accumulate);
    return ptm_emit_end(&e);
}

/* x[:, mask] = v where v is the same for every true element: no data is read. False: another
 * case. */
static bool put_by_mask(const struct ptm_lower_call *c, struct ptm_tensor *x, struct ptm_tensor *v,
                        bool accumulate, struct ptm_tensor **out)
{
    struct ptm_trace *t = c->t;
    size_t n;
    struct ptm_tensor **given = ptm_need_list(c, c->arg[1], &n), *mask = NULL;
    int at = 0;
    for (size_t i = 0; given && i < n; i++) {
        if (given[i] && (mask || !is_mask(given[i]) || !given[i]->rank))
            return false;
        if (given[i])
            at = (int)i;
        mask = given[i] ? given[i] : mask;
    }
    if (!mask || at + mask->rank > x->rank)
        return false;
    int rest = x->rank - at - mask->rank;
    if (ptm_tensor_numel(v) == 1)
        v = ptm_reshape(t, v, 0, NULL);
    while (v && v->rank > rest && v->dim[0] == 1 && !ptm_trace_failed(t))
        v = ptm_view_squeeze(t, v, 0);
    if (!v || v->rank > rest || !mask_fits(t, x, mask, at))
        return false;
    for (int i = 0; i < rest; i++)
        mask = ptm_view_unsqueeze(t, mask, mask ? mask->rank : 0);
    v = ptm_cast(t, v, (enum ptm_dtype)x->dtype);
    if (accumulate)
        v = ptm_op_binary(t, OP_add, x, v);
    *out = ptm_where(t, mask, v, x);
    return true;
}

static struct ptm_ival lower_index_put(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0), *v = ptm_need(c, 2), *out = NULL;
    bool accumulate = ptm_arg_bool(c->t, ptm_named(c, "accumulate"));
    struct indices s;
    if (!x || !v)
        return ptm_none();
    if (put_by_mask(c, x, v, accumulate, &out))
        return ptm_tensor_ival(out);
    if (!collect(c, x, c->arg[1], &s))
        return ptm_none();
    if (!s.n) {
        v = accumulate ? ptm_bin(c->t, OP_add, x, v) : v;
        return ptm_tensor_ival(ptm_view_expand(c->t, v, x->rank, x->dim));
    }
    return ptm_tensor_ival(ptm_index_put(c->t, x, v, s.x, s.dims, s.n, accumulate));
}

/* -- one index -- */
/* An index vector as int64. */
static struct ptm_tensor *index_vector(const struct ptm_lower_call *c, const char *name)
{
    struct ptm_tensor *i = ptm_cast(c->t, ptm_need_named(c, name), PTM_I64);
    return ptm_at_least_1d(c->t, i);
}

struct ptm_tensor *ptm_index_select(struct ptm_trace *t, struct ptm_tensor *x,
                                    struct ptm_tensor *index, int dim)
{
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_index_select);
    ptm_emit_in(&e, x);
    ptm_emit_in(&e, index);
    ptm_emit_i(&e, dim);
    return ptm_emit_end(&e);
}

static struct ptm_ival lower_index_select(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (!x)
        return ptm_none();
    int dim = ptm_arg_dim(c->t, ptm_named(c, "dim"), x->rank);
    struct ptm_tensor *y =
        ptm_index_select(c->t, ptm_at_least_1d(c->t, x), index_vector(c, "index"), dim);
    return ptm_tensor_ival(ptm_like_rank(c->t, y, x));
}

/* self with rows of `dim` that `index` names set to, or increased by, v. */
static struct ptm_tensor *put_rows(const struct ptm_lower_call *c, struct ptm_tensor *v,
                                   bool accumulate)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (!x || !v)
        return NULL;
    int64_t dim = ptm_arg_dim(c->t, ptm_named(c, "dim"), x->rank);
    struct ptm_tensor *index = index_vector(c, "index");
    struct ptm_tensor *y =
        ptm_index_put(c->t, ptm_at_least_1d(c->t, x), v, &index, &dim, 1, accumulate);
    return ptm_like_rank(c->t, y, x);
}

static struct ptm_ival lower_index_add(const struct ptm_lower_call *c)
{
    struct ptm_tensor *v = ptm_need_named(c, "source");
    struct ptm_ival alpha = ptm_named(c, "alpha");
    if (!ptm_is_none(alpha) && !(alpha.tag == PTM_INT && alpha.u.i == 1))
        v = ptm_binary(c->t, OP_mul, ptm_tensor_ival(v), alpha);
    return ptm_tensor_ival(put_rows(c, v, true));
}

static struct ptm_ival lower_index_copy(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(put_rows(c, ptm_need_named(c, "source"), false));
}

static struct ptm_ival lower_index_fill(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (!x)
        return ptm_none();
    struct ptm_ival v = ptm_named(c, "value");
    return ptm_tensor_ival(put_rows(c, ptm_to_tensor(c->t, v, (enum ptm_dtype)x->dtype), false));
}

/* take(x, i): x as if it were flat. */
static struct ptm_ival lower_take(const struct ptm_lower_call *c)
{
    struct ptm_tensor *flat = ptm_reshape(c->t, ptm_need(c, 0), 1, (int64_t[]){-1});
    struct ptm_tensor *index = ptm_cast(c->t, ptm_need(c, 1), PTM_I64);
    return ptm_tensor_ival(ptm_index(c->t, flat, &index, (int64_t[]){0}, 1));
}

static struct ptm_ival lower_put(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0), *v = ptm_need_named(c, "source");
    struct ptm_tensor *index = ptm_cast(c->t, ptm_need_named(c, "index"), PTM_I64);
    if (!x || !index)
        return ptm_none();
    struct ptm_tensor *flat = ptm_reshape(c->t, x, 1, (int64_t[]){-1});
    v = ptm_reshape(c->t, v, index->rank, index->dim);
    flat = ptm_index_put(c->t, flat, v, &index, (int64_t[]){0}, 1,
                         ptm_arg_bool(c->t, ptm_named(c, "accumulate")));
    return ptm_tensor_ival(ptm_reshape(c->t, flat, x->rank, x->dim));
}

static struct ptm_ival lower_embedding(const struct ptm_lower_call *c)
{
    struct ptm_emit e;
    ptm_emit_begin(&e, c->t, OP_embedding);
    ptm_emit_in(&e, ptm_need(c, 0));
    ptm_emit_in(&e, ptm_cast(c->t, ptm_need(c, 1), PTM_I64));
    return ptm_tensor_ival(ptm_emit_end(&e));
}

/* -- masks -- */
static struct ptm_ival lower_masked_select(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *mask = ptm_need(c, 1), *index[PTM_MAX_RANK];
    int64_t dim[PTM_MAX_RANK], dims[PTM_MAX_RANK];
    if (!x || !mask)
        return ptm_none();
    int rank = ptm_broadcast_dims(t, x->rank, x->dim, mask->rank, mask->dim, dim);
    x = ptm_at_least_1d(t, ptm_view_expand(t, x, rank, dim));
    mask = ptm_at_least_1d(t, ptm_view_expand(t, mask, rank, dim));
    struct ptm_tensor *all = ptm_nonzero(t, mask);
    if (!all || !x)
        return ptm_none();
    for (int i = 0; i < x->rank; i++) {
        dims[i] = i;
        index[i] = ptm_view_select(t, all, 1, ptm_int(i));
    }
    return ptm_tensor_ival(ptm_index(t, x, index, dims, x->rank));
}

/* The k-th true element takes the k-th element of source. */
static struct ptm_ival lower_masked_scatter(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *mask = ptm_cast(t, ptm_need(c, 1), PTM_BOOL8);
    if (!x || !mask)
        return ptm_none();
    struct ptm_tensor *source = ptm_cast(t, ptm_need_named(c, "source"), (enum ptm_dtype)x->dtype);
    source = ptm_reshape(t, source, 1, (int64_t[]){-1});
    mask = ptm_view_expand(t, mask, x->rank, x->dim);
    if (!source || !source->dim[0])
        return ptm_tensor_ival(ptm_clone(t, x, false));
    struct ptm_tensor *count = ptm_reshape(t, ptm_cast(t, mask, PTM_I64), 1, (int64_t[]){-1});
    struct ptm_tensor *at = ptm_bin(t, OP_sub, ptm_op_int(t, OP_cumsum, count, 0),
                                    ptm_to_tensor(t, ptm_int(1), PTM_I64));
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_clamp);
    ptm_emit_in(&e, at);
    ptm_emit_f(&e, 0);
    ptm_emit_f(&e, (double)(source->dim[0] - 1));
    at = ptm_emit_end(&e);
    struct ptm_tensor *v = ptm_reshape(t, ptm_index_select(t, source, at, 0), x->rank, x->dim);
    return ptm_tensor_ival(ptm_where(t, mask, v, x));
}

const struct ptm_lowering ptm_lower_index[] = {
    {"aten::nonzero", lower_nonzero},
    {"aten::argwhere", lower_nonzero},
    {"aten::nonzero_numpy", lower_nonzero_numpy},
    {"aten::where", lower_nonzero_numpy},
    {"aten::index.Tensor", lower_index},
    {"aten::index.Tensor_hacked_twin", lower_index},
    {"aten::index.Tensor_out", lower_index},
    {"aten::_unsafe_index", lower_index},
    {"aten::index_put", lower_index_put},
    {"aten::_index_put_impl", lower_index_put},
    {"aten::_unsafe_index_put", lower_index_put},
    {"aten::index_select", lower_index_select},
    {"aten::index_add", lower_index_add},
    {"aten::index_copy", lower_index_copy},
    {"aten::index_fill", lower_index_fill},
    {"aten::take", lower_take},
    {"aten::put", lower_put},
    {"aten::embedding", lower_embedding},
    {"aten::masked_select", lower_masked_select},
    {"aten::masked_scatter", lower_masked_scatter},
    {NULL, NULL},
};
