/* SPDX-License-Identifier: BSD-2-Clause */
/* What the lowerings of several families share; see lower_args.h. */
#include "libcore/lower_args.h"

#include <math.h>
#include <string.h>

#include "libcore/specialise.h"

static int arg_number(const struct ptm_lower_call *c, const char *name)
{
    size_t n = !c->schema ? 0 : c->schema->n_args < c->n_arg ? c->schema->n_args : c->n_arg;
    for (size_t i = 0; i < n; i++)
        if (!strcmp(c->schema->arg[i].name, name))
            return (int)i;
    return -1;
}

struct ptm_ival ptm_named(const struct ptm_lower_call *c, const char *name)
{
    int i = arg_number(c, name);
    return i < 0 ? ptm_none() : c->arg[i];
}

bool ptm_has_named(const struct ptm_lower_call *c, const char *name)
{
    return arg_number(c, name) >= 0;
}

static struct ptm_tensor *need(const struct ptm_lower_call *c, struct ptm_ival v, const char *name)
{
    switch (v.tag) {
    case PTM_TENSOR:
        return v.u.tensor;
    case PTM_BOOL:
        return ptm_to_tensor(c->t, v, PTM_BOOL8);
    case PTM_INT:
    case PTM_FLOAT:
    case PTM_SYM:
        return ptm_to_tensor(c->t, v, ptm_result_type(c->t, &v, 1));
    default:
        ptm_trace_fail(c->t, PTM_ERR_TYPE, "%s: argument '%s' is not a tensor",
                       c->schema ? c->schema->name : "operator", name);
        return NULL;
    }
}

struct ptm_tensor *ptm_need(const struct ptm_lower_call *c, size_t i)
{
    const char *name = c->schema && i < c->schema->n_args ? c->schema->arg[i].name : "?";
    return need(c, i < c->n_arg ? c->arg[i] : ptm_none(), name);
}

struct ptm_tensor *ptm_need_named(const struct ptm_lower_call *c, const char *name)
{
    return need(c, ptm_named(c, name), name);
}

struct ptm_tensor **ptm_need_list(const struct ptm_lower_call *c, struct ptm_ival v, size_t *n)
{
    *n = 0;
    if (v.tag != PTM_LIST && v.tag != PTM_TUPLE) {
        ptm_trace_fail(c->t, PTM_ERR_TYPE, "%s: needs a list of tensors", c->schema->name);
        return NULL;
    }
    struct ptm_tensor **x = ptm_arena_array(ptm_trace_arena(c->t), v.u.list->n + 1, sizeof(*x));
    if (!x)
        return NULL;
    for (size_t i = 0; i < v.u.list->n; i++)
        x[i] = ptm_arg_tensor(c->t, v.u.list->v[i]);
    *n = v.u.list->n;
    return x;
}

struct ptm_tensor *ptm_alias(struct ptm_trace *t, struct ptm_tensor *x)
{
    return x ? ptm_view_expand(t, x, x->rank, x->dim) : NULL;
}

/* Dimensions from the outermost to the innermost in memory. */
static void format_order(int64_t mf, int rank, const struct ptm_tensor *like, int64_t *order)
{
    for (int i = 0; i < rank; i++)
        order[i] = i;
    if ((mf == PTM_MF_CHANNELS_LAST && rank == 4) || (mf == PTM_MF_CHANNELS_LAST_3D && rank == 5)) {
        for (int i = 1; i + 1 < rank; i++)
            order[i] = i + 1;
        order[rank - 1] = 1;
    } else if (mf == PTM_MF_PRESERVE && like && like->rank == rank) {
        for (int i = 0; i < rank; i++)
            if (like->stride[i] == 0 && like->dim[i] > 1)
                return;
        for (int i = 1; i < rank; i++) { /* stable insertion by falling stride; ones stay */
            int64_t d = order[i];
            int at = i;
            for (int k = i - 1; k >= 0; k--) {
                if (like->dim[order[k]] == 1 || like->dim[d] == 1)
                    continue;
                if (like->stride[order[k]] >= like->stride[d])
                    break;
                at = k;
            }
            memmove(order + at + 1, order + at, (size_t)(i - at) * sizeof(*order));
            order[at] = d;
        }
    }
}

static void invert(int rank, const int64_t *order, int64_t *inverse)
{
    for (int i = 0; i < rank; i++)
        inverse[order[i]] = i;
}

struct ptm_tensor *ptm_in_format(struct ptm_trace *t, struct ptm_tensor *x, int64_t mf, bool copy)
{
    if (!x)
        return NULL;
    if (mf == PTM_MF_PRESERVE)
        return copy ? ptm_clone(t, x, false) : x;
    if (mf == PTM_MF_CONTIGUOUS)
        return copy ? ptm_clone(t, x, true) : ptm_contiguous(t, x);
    int want = mf == PTM_MF_CHANNELS_LAST ? 4 : 5;
    if (x->rank != want) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "channels_last needs rank %d, the tensor has %d", want,
                       x->rank);
        return NULL;
    }
    int64_t order[PTM_MAX_RANK], inverse[PTM_MAX_RANK];
    format_order(mf, x->rank, NULL, order);
    invert(x->rank, order, inverse);
    struct ptm_tensor *y = ptm_view_permute(t, x, order);
    struct ptm_tensor *z = copy ? ptm_clone(t, y, true) : ptm_contiguous(t, y);
    if (z == y && !copy)
        return x;
    return ptm_view_permute(t, z, inverse);
}

struct ptm_tensor *ptm_full_format(struct ptm_trace *t, enum ptm_dtype d, int rank,
                                   const int64_t *dim, struct ptm_ival v, int64_t mf,
                                   const struct ptm_tensor *like)
{
    int64_t order[PTM_MAX_RANK], inverse[PTM_MAX_RANK], physical[PTM_MAX_RANK] = {0};
    bool plain = true;
    format_order(mf, rank, like, order);
    for (int i = 0; i < rank; i++) {
        physical[i] = dim[order[i]];
        plain = plain && order[i] == i;
    }
    struct ptm_tensor *x = ptm_full(t, d, rank, physical, v);
    if (plain)
        return x;
    invert(rank, order, inverse);
    return ptm_view_permute(t, x, inverse);
}

int ptm_broadcast_dims(struct ptm_trace *t, int a_rank, const int64_t *a, int b_rank,
                       const int64_t *b, int64_t *out)
{
    int rank = a_rank > b_rank ? a_rank : b_rank;
    for (int i = 0; i < rank; i++) {
        int64_t p = i < rank - a_rank ? 1 : a[i - (rank - a_rank)];
        int64_t q = i < rank - b_rank ? 1 : b[i - (rank - b_rank)];
        if (p != q && p != 1 && q != 1) {
            ptm_trace_fail(t, PTM_ERR_TYPE, "sizes %lld and %lld do not broadcast at dimension %d",
                           (long long)p, (long long)q, i);
            return 0;
        }
        out[i] = p == 1 ? q : p;
    }
    return rank;
}

struct ptm_tensor *ptm_at_least_1d(struct ptm_trace *t, struct ptm_tensor *x)
{
    return x && x->rank == 0 ? ptm_view_unsqueeze(t, x, 0) : x;
}

struct ptm_tensor *ptm_like_rank(struct ptm_trace *t, struct ptm_tensor *r,
                                 const struct ptm_tensor *x)
{
    if (!r || !x || x->rank != 0)
        return r;
    return ptm_reshape(t, r, 0, NULL);
}

struct ptm_tensor *ptm_bin(struct ptm_trace *t, enum ptm_op op, struct ptm_tensor *a,
                           struct ptm_tensor *b)
{
    return ptm_binary(t, op, ptm_tensor_ival(a), ptm_tensor_ival(b));
}

struct ptm_tensor *ptm_bin_num(struct ptm_trace *t, enum ptm_op op, struct ptm_tensor *a, double b)
{
    return ptm_binary(t, op, ptm_tensor_ival(a), ptm_float(b));
}

struct ptm_tensor *ptm_as_float(struct ptm_trace *t, struct ptm_tensor *x)
{
    return x ? ptm_cast(t, x, ptm_default_float(x->dtype)) : NULL;
}

struct ptm_tensor *ptm_where(struct ptm_trace *t, struct ptm_tensor *c, struct ptm_tensor *a,
                             struct ptm_tensor *b)
{
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_where);
    ptm_emit_in(&e, ptm_cast(t, c, PTM_BOOL8));
    ptm_emit_in(&e, a);
    ptm_emit_in(&e, b);
    return ptm_emit_end(&e);
}

struct ptm_tensor *ptm_op_int(struct ptm_trace *t, enum ptm_op op, struct ptm_tensor *x,
                              int64_t attr)
{
    struct ptm_emit e;
    ptm_emit_begin(&e, t, op);
    ptm_emit_in(&e, x);
    ptm_emit_i(&e, attr);
    return ptm_emit_end(&e);
}

struct ptm_tensor *ptm_op_ints(struct ptm_trace *t, enum ptm_op op, struct ptm_tensor *x,
                               const int64_t *attr, int n)
{
    struct ptm_emit e;
    ptm_emit_begin(&e, t, op);
    ptm_emit_in(&e, x);
    ptm_emit_ints(&e, attr, n);
    return ptm_emit_end(&e);
}

static struct ptm_tensor *concat_some(struct ptm_trace *t, struct ptm_tensor *const *x, size_t n,
                                      int dim, enum ptm_dtype d)
{
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_concat);
    for (size_t i = 0; i < n; i++)
        ptm_emit_in(&e, ptm_cast(t, x[i], d));
    ptm_emit_i(&e, dim);
    return ptm_emit_end(&e);
}

struct ptm_tensor *ptm_concat(struct ptm_trace *t, struct ptm_tensor *const *x, size_t n, int dim)
{
    enum { MOST = 255 };
    struct ptm_arena *a = ptm_trace_arena(t);
    struct ptm_ival *v = ptm_arena_array(a, n + 1, sizeof(*v));
    struct ptm_tensor **part = ptm_arena_array(a, n + 1, sizeof(struct ptm_tensor *));
    if (!n || !v || !part)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (!x[i])
            return NULL;
        v[i] = ptm_tensor_ival(x[i]);
        part[i] = x[i];
    }
    enum ptm_dtype d = ptm_result_type(t, v, n);
    while (n > MOST) {
        size_t m = 0;
        for (size_t i = 0; i < n; i += MOST)
            part[m++] = concat_some(t, part + i, n - i < MOST ? n - i : MOST, dim, d);
        n = m;
    }
    return concat_some(t, part, n, dim, d);
}

struct ptm_tensor *ptm_iota(struct ptm_trace *t, int64_t n, struct ptm_ival start, int64_t step)
{
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_arange);
    ptm_emit_i(&e, PTM_I64);
    ptm_emit_i(&e, n);
    ptm_emit_scalar(&e, start, false);
    ptm_emit_i(&e, step);
    return ptm_emit_end(&e);
}

struct ptm_tensor *ptm_view_diagonal(struct ptm_trace *t, struct ptm_tensor *x, int64_t offset,
                                     int a, int b)
{
    if (!x)
        return NULL;
    if (a == b || x->rank < 2) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "a diagonal needs two different dimensions");
        return NULL;
    }
    int64_t rows = x->dim[a], columns = x->dim[b], at = 0, len;
    if (offset >= 0) {
        len = rows < columns - offset ? rows : columns - offset;
        at = offset * x->stride[b];
    } else {
        len = rows + offset < columns ? rows + offset : columns;
        at = -offset * x->stride[a];
    }
    if (len < 0)
        len = 0;
    int64_t dim[PTM_MAX_RANK], stride[PTM_MAX_RANK];
    int rank = 0;
    for (int i = 0; i < x->rank; i++)
        if (i != a && i != b) {
            dim[rank] = x->dim[i];
            stride[rank++] = x->stride[i];
        }
    dim[rank] = len;
    stride[rank++] = x->stride[a] + x->stride[b];
    return ptm_view_within(t, x, rank, dim, stride, at);
}

struct ptm_tensor *ptm_view_within(struct ptm_trace *t, struct ptm_tensor *x, int rank,
                                   const int64_t *dim, const int64_t *stride, int64_t at)
{
    for (int i = 0; i < rank; i++)
        if (dim[i] == 0)
            return ptm_full(t, x->dtype, rank, dim, ptm_int(0));
    struct ptm_tensor *y = ptm_view_strided(t, x, rank, dim, stride, x->offset + at);
    if (y)
        y->offset_sym = x->offset_sym;
    return y;
}

bool ptm_is_known(const struct ptm_tensor *x)
{
    return x && !x->offset_sym && x->storage->trace->state == ST_KNOWN;
}

struct ptm_tensor *ptm_view_range(struct ptm_trace *t, struct ptm_tensor *x, int dim, int64_t start,
                                  int64_t len)
{
    return ptm_view_slice(t, x, dim, ptm_int(start), len, 1);
}

struct ptm_tensor *ptm_is_finite(struct ptm_trace *t, struct ptm_tensor *x)
{
    if (x && !ptm_dtype_is_float(x->dtype))
        return ptm_full(t, PTM_BOOL8, x->rank, x->dim, ptm_bool(true));
    return ptm_bin_num(t, OP_lt, ptm_op_unary(t, OP_abs, x), (double)INFINITY);
}

/* x < 0, and -0.0, whose reciprocal is negative. */
struct ptm_tensor *ptm_sign_bit(struct ptm_trace *t, struct ptm_tensor *x)
{
    struct ptm_tensor *negative = ptm_bin_num(t, OP_lt, x, 0);
    if (!x || !ptm_dtype_is_float(x->dtype))
        return negative;
    struct ptm_tensor *r = ptm_op_unary(t, OP_reciprocal, x);
    return ptm_op_binary(t, OP_bitwise_or, negative, ptm_bin_num(t, OP_lt, r, 0));
}

double *ptm_doubles(struct ptm_trace *t, int64_t n)
{
    const int64_t most = INT64_C(1) << 28;
    double *v = NULL;
    if (n < 0 || n > most)
        ptm_trace_fail(t, n < 0 ? PTM_ERR_TYPE : PTM_ERR_LIMIT,
                       "a tensor of %lld computed elements; at most %lld", (long long)n,
                       (long long)most);
    else
        v = ptm_arena_array(ptm_trace_arena(t), (size_t)n + 1, sizeof(*v));
    return v;
}

struct ptm_ival ptm_known_doubles(struct ptm_trace *t, int d, int64_t n, const double *data)
{
    return ptm_tensor_ival(ptm_cast(t, ptm_known(t, PTM_F64, 1, &n, data), (enum ptm_dtype)d));
}
