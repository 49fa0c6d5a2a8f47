/* SPDX-License-Identifier: BSD-2-Clause */
/* Reference kernels: reading and writing at indices. Index values are int64 (or any integer
 * type); negative ones count from the end; others out of range give PTM_REF_RANGE. */
#include "kernels/ref_ops.h"
#include "kernels/ref_util.h"

/* Index i of a dim of `size`, made non-negative; false: out of range */
static bool wrap_index(int64_t *i, int64_t size)
{
    if (*i < -size || *i >= size)
        return false;
    *i += *i < 0 ? size : 0;
    return true;
}

enum combine { SET, ADD, MULTIPLY, MAXIMUM, MINIMUM };

/* y[y_at] = y[y_at] combined with x[x_at], rounded each time */
static void combine(const struct ptm_nd *y, int64_t y_at, const struct ptm_nd *x, int64_t x_at,
                    int64_t mode)
{
    if (mode == SET) {
        ptm_ref_copy(y, y_at, 1, x, x_at, 1, 1);
    } else if (ptm_ref_is_float(y->dtype)) {
        double a = ptm_ref_get_f(y, y_at), b = ptm_ref_get_f(x, x_at);
        bool nan = a != a || b != b;
        ptm_ref_put_f(y, y_at,
                      mode == ADD        ? a + b
                      : mode == MULTIPLY ? a * b
                      : nan              ? a + b
                      : mode == MAXIMUM  ? (b > a ? b : a)
                                         : (b < a ? b : a));
    } else {
        int64_t a = ptm_ref_get_i(y, y_at), b = ptm_ref_get_i(x, x_at);
        ptm_ref_put_i(y, y_at,
                      mode == ADD        ? (int64_t)((uint64_t)a + (uint64_t)b)
                      : mode == MULTIPLY ? (int64_t)((uint64_t)a * (uint64_t)b)
                      : mode == MAXIMUM  ? (b > a ? b : a)
                                         : (b < a ? b : a));
    }
}

int ptm_ref_gather(const struct ptm_ref_call *c)
{
    const struct ptm_nd *y = c->out, *a = c->in, *b = c->in + 1;
    int dim = (int)c->attr[0].i;
    int64_t index[PTM_MAX_RANK] = {0};
    if (ptm_ref_numel(b) == 0)
        return 0;
    do {
        int64_t i = ptm_ref_get_i(b, ptm_ref_offset(b, index)), at = ptm_ref_offset(a, index);
        if (!wrap_index(&i, a->rank ? a->dim[dim] : 1))
            return PTM_REF_RANGE;
        if (a->rank)
            at += (i - index[dim]) * a->stride[dim];
        ptm_ref_copy(y, ptm_ref_offset(y, index), 1, a, at, 1, 1);
    } while (ptm_ref_next(b->rank, b->dim, index));
    return 0;
}

/* Strides of x broadcast to `rank` dims, aligned at the last. */
static void broadcast_strides(const struct ptm_nd *x, int rank, int64_t *stride)
{
    for (int k = 0; k < rank; k++) {
        int d = k - rank + x->rank;
        stride[k] = d < 0 || x->dim[d] == 1 ? 0 : x->stride[d];
    }
}

static int64_t dot(const int64_t *a, const int64_t *b, int n)
{
    int64_t sum = 0;
    for (int k = 0; k < n; k++)
        sum += a[k] * b[k];
    return sum;
}

int ptm_ref_scatter(const struct ptm_ref_call *c)
{
    const struct ptm_nd *y = c->out, *b = c->in + 1, *v = c->in + 2;
    int dim = (int)c->attr[0].i;
    int64_t index[PTM_MAX_RANK] = {0}, v_stride[PTM_MAX_RANK] = {0};
    ptm_ref_copy_nd(y, c->in);
    if (ptm_ref_numel(b) == 0)
        return 0;
    broadcast_strides(v, b->rank, v_stride);
    do {
        int64_t i = ptm_ref_get_i(b, ptm_ref_offset(b, index)), at = ptm_ref_offset(y, index);
        if (!wrap_index(&i, y->rank ? y->dim[dim] : 1))
            return PTM_REF_RANGE;
        if (y->rank)
            at += (i - index[dim]) * y->stride[dim];
        combine(y, at, v, dot(index, v_stride, b->rank), c->attr[1].i);
    } while (ptm_ref_next(b->rank, b->dim, index));
    return 0;
}

/* Row i of x's dim `dim` to row k of y's, or nothing when out of range. */
static bool copy_row(const struct ptm_nd *y, int64_t y_at, const struct ptm_nd *x, int dim,
                     int64_t i, const struct ptm_ref_walk *row)
{
    struct ptm_ref_walk w = *row;
    if (!wrap_index(&i, x->rank ? x->dim[dim] : 1))
        return false;
    int64_t x_at = x->rank ? i * x->stride[dim] : 0;
    for (bool go = ptm_ref_walk_begin(&w); go; go = ptm_ref_walk_next(&w))
        ptm_ref_copy(y, y_at + w.at[0], w.step[0], x, x_at + w.at[1], w.step[1], w.n);
    return true;
}

int ptm_ref_index_select(const struct ptm_ref_call *c)
{
    const struct ptm_nd *y = c->out, *x = c->in, *b = c->in + 1;
    int dim = (int)c->attr[0].i;
    struct ptm_ref_walk row;
    ptm_ref_lines_init(&row, x, dim);
    ptm_ref_walk_add_strides(&row, y->stride);
    ptm_ref_walk_add_strides(&row, x->stride);
    for (int64_t k = 0; k < ptm_ref_numel(b); k++) {
        int64_t i = ptm_ref_get_i(b, b->rank ? k * b->stride[0] : 0);
        if (!copy_row(y, y->rank ? k * y->stride[dim] : 0, x, dim, i, &row))
            return PTM_REF_RANGE;
    }
    return 0;
}

int ptm_ref_embedding(const struct ptm_ref_call *c)
{
    const struct ptm_nd *y = c->out, *x = c->in, *b = c->in + 1;
    struct ptm_ref_walk row;
    int64_t index[PTM_MAX_RANK] = {0};
    if (ptm_ref_numel(b) == 0)
        return 0;
    ptm_ref_walk_init(&row, 1, &x->dim[1]);
    ptm_ref_walk_add_strides(&row, &y->stride[y->rank - 1]);
    ptm_ref_walk_add_strides(&row, &x->stride[1]);
    do {
        int64_t y_at = dot(index, y->stride, b->rank);
        int64_t i = ptm_ref_get_i(b, ptm_ref_offset(b, index));
        if (i < 0 || !copy_row(y, y_at, x, 0, i, &row))
            return PTM_REF_RANGE;
    } while (ptm_ref_next(b->rank, b->dim, index));
    return 0;
}

/* -- advanced indexing: x[.., i0, .., i1, ..] -- */
struct selection {
    const struct ptm_nd *x; /* what is indexed */
    int n;                  /* index arrays */
    int dims[PTM_MAX_RANK]; /* of x, ascending */
    const struct ptm_nd *indices;
    int64_t index_stride[PTM_MAX_RANK][PTM_MAX_RANK];
    int b_rank, at;         /* broadcast rank of the indices; where their dims are in the result */
    int rank;               /* of the result */
    int64_t dim[PTM_MAX_RANK];
    int64_t stride[PTM_MAX_RANK]; /* of x, in the result's dims that come from x; else 0 */
};

static int select_init(struct selection *s, const struct ptm_nd *x, const union ptm_imm *dims,
                       int64_t n, const struct ptm_nd *indices)
{
    bool indexed[PTM_MAX_RANK] = {false};
    int64_t b_dim[PTM_MAX_RANK];
    *s = (struct selection){.x = x, .n = (int)n, .indices = indices};
    for (int k = 0; k < PTM_MAX_RANK; k++)
        b_dim[k] = 1;
    for (int k = 0; k < s->n; k++) {
        s->dims[k] = (int)dims[k].i;
        indexed[s->dims[k]] = true;
        s->b_rank = indices[k].rank > s->b_rank ? indices[k].rank : s->b_rank;
    }
    bool adjacent = s->n > 0 && s->dims[s->n - 1] - s->dims[0] == s->n - 1;
    s->at = adjacent ? s->dims[0] : 0;
    for (int k = 0; k < s->n; k++) {
        broadcast_strides(&indices[k], s->b_rank, s->index_stride[k]);
        for (int d = 0; d < indices[k].rank; d++)
            if (indices[k].dim[d] != 1)
                b_dim[s->b_rank - indices[k].rank + d] = indices[k].dim[d];
    }
    if (x->rank - s->n + s->b_rank > PTM_MAX_RANK)
        return PTM_REF_RANGE;
    int from_x = 0;
    for (int r = 0; r < x->rank - s->n + s->b_rank; r++) {
        if (r >= s->at && r < s->at + s->b_rank) {
            s->dim[r] = b_dim[r - s->at];
            continue;
        }
        while (indexed[from_x])
            from_x++;
        s->stride[r] = x->stride[from_x];
        s->dim[r] = x->dim[from_x++];
    }
    s->rank = x->rank - s->n + s->b_rank;
    return 0;
}

/* Where element `index` of the result is in x; false: out of range */
static bool select_at(const struct selection *s, const int64_t *index, int64_t *at)
{
    *at = dot(index, s->stride, s->rank);
    for (int k = 0; k < s->n; k++) {
        int64_t where = dot(index + s->at, s->index_stride[k], s->b_rank);
        int64_t i = ptm_ref_get_i(&s->indices[k], where);
        if (!wrap_index(&i, s->x->dim[s->dims[k]]))
            return false;
        *at += i * s->x->stride[s->dims[k]];
    }
    return true;
}

int ptm_ref_index(const struct ptm_ref_call *c)
{
    struct ptm_imm_reader attr = ptm_ref_attr(c);
    int64_t n, at, index[PTM_MAX_RANK] = {0};
    const union ptm_imm *dims = ptm_imm_list(&attr, &n);
    struct selection s;
    if (select_init(&s, c->in, dims, n, c->in + 1) != 0)
        return PTM_REF_RANGE;
    if (ptm_ref_product(s.dim, s.rank) == 0)
        return 0;
    do {
        if (!select_at(&s, index, &at))
            return PTM_REF_RANGE;
        ptm_ref_copy(c->out, ptm_ref_offset(c->out, index), 1, c->in, at, 1, 1);
    } while (ptm_ref_next(s.rank, s.dim, index));
    return 0;
}

int ptm_ref_index_put(const struct ptm_ref_call *c)
{
    struct ptm_imm_reader attr = ptm_ref_attr(c);
    int64_t n, at, index[PTM_MAX_RANK] = {0}, v_stride[PTM_MAX_RANK];
    const union ptm_imm *dims = ptm_imm_list(&attr, &n);
    int64_t mode = ptm_imm_i(&attr) ? ADD : SET;
    struct selection s;
    if (select_init(&s, c->out, dims, n, c->in + 2) != 0)
        return PTM_REF_RANGE;
    ptm_ref_copy_nd(c->out, c->in);
    if (ptm_ref_product(s.dim, s.rank) == 0)
        return 0;
    const struct ptm_nd *v = c->in + 1;
    if (v->rank > s.rank) /* leading dims of size 1 */
        return PTM_REF_RANGE;
    broadcast_strides(v, s.rank, v_stride);
    do {
        if (!select_at(&s, index, &at))
            return PTM_REF_RANGE;
        combine(c->out, at, v, dot(index, v_stride, s.rank), mode);
    } while (ptm_ref_next(s.rank, s.dim, index));
    return 0;
}
