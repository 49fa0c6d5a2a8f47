/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lowerings of sorting and searching. Distinct values and non-maximum
 * suppression read their input: the size of the result depends on it.
 */
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"
#include "libcore/lower_index.h"

/* -- sort, topk -- */
static void sort_both(const struct ptm_lower_call *c, struct ptm_tensor *x, int dim,
                      bool descending, struct ptm_tensor **out)
{
    struct ptm_emit e;
    out[0] = out[1] = NULL;
    ptm_emit_begin(&e, c->t, OP_sort);
    ptm_emit_in(&e, ptm_at_least_1d(c->t, x));
    ptm_emit_i(&e, dim);
    ptm_emit_i(&e, descending);
    ptm_emit_outs(&e, out);
    for (int i = 0; i < 2; i++)
        out[i] = ptm_like_rank(c->t, out[i], x);
}

static bool sorted_by(const struct ptm_lower_call *c, struct ptm_tensor **out)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (!x)
        return false;
    sort_both(c, x, ptm_arg_dim(c->t, ptm_named(c, "dim"), x->rank),
              ptm_arg_bool(c->t, ptm_named(c, "descending")), out);
    return true;
}

static struct ptm_ival lower_sort(const struct ptm_lower_call *c)
{
    struct ptm_tensor *out[2];
    return sorted_by(c, out) ? ptm_result_tuple(c->t, 2, out) : ptm_none();
}

static struct ptm_ival lower_argsort(const struct ptm_lower_call *c)
{
    struct ptm_tensor *out[2];
    return sorted_by(c, out) ? ptm_tensor_ival(out[1]) : ptm_none();
}

static struct ptm_ival lower_msort(const struct ptm_lower_call *c)
{
    struct ptm_tensor *out[2], *x = ptm_need(c, 0);
    if (!x)
        return ptm_none();
    sort_both(c, x, 0, false, out);
    return ptm_tensor_ival(out[0]);
}

static struct ptm_ival lower_topk(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *out[2] = {NULL, NULL};
    int64_t k = ptm_arg_size(t, ptm_named(c, "k"));
    if (!x)
        return ptm_none();
    int dim = ptm_arg_dim(t, ptm_named(c, "dim"), x->rank);
    struct ptm_tensor *v = ptm_at_least_1d(t, x);
    if (!v || k < 0 || k > v->dim[dim])
        return ptm_trace_fail(t, PTM_ERR_TYPE, "topk: k is %lld, the dimension has %lld elements",
                              (long long)k, (long long)(v ? v->dim[dim] : 0));
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_topk);
    ptm_emit_in(&e, v);
    ptm_emit_i(&e, k);
    ptm_emit_i(&e, dim);
    ptm_emit_i(&e, ptm_arg_bool(t, ptm_named(c, "largest")));
    ptm_emit_outs(&e, out);
    for (int i = 0; i < 2 && k == 1; i++)
        out[i] = ptm_like_rank(t, out[i], x);
    return ptm_result_tuple(t, 2, out);
}

/* -- searching -- */
static struct ptm_ival search_sorted(const struct ptm_lower_call *c, struct ptm_ival sequence,
                                     struct ptm_ival value)
{
    struct ptm_trace *t = c->t;
    struct ptm_ival side = ptm_named(c, "side"), sorter = ptm_named(c, "sorter");
    bool right = ptm_arg_bool(t, ptm_named(c, "right"));
    if (side.tag == PTM_STR)
        right = right || !strcmp(side.u.str->s, "right");
    enum ptm_dtype d = ptm_result_type(t, (struct ptm_ival[]){sequence, value}, 2);
    struct ptm_tensor *a = ptm_to_tensor(t, sequence, d), *b = ptm_to_tensor(t, value, d);
    struct ptm_emit e;
    if (sorter.tag == PTM_TENSOR) {
        ptm_emit_begin(&e, t, OP_gather);
        ptm_emit_in(&e, a);
        ptm_emit_in(&e, sorter.u.tensor);
        ptm_emit_i(&e, a ? a->rank - 1 : 0);
        a = ptm_emit_end(&e);
    }
    ptm_emit_begin(&e, t, OP_searchsorted);
    ptm_emit_in(&e, a);
    ptm_emit_in(&e, ptm_at_least_1d(t, b));
    ptm_emit_i(&e, right);
    struct ptm_tensor *y = ptm_like_rank(t, ptm_emit_end(&e), b);
    return ptm_tensor_ival(ptm_arg_bool(t, ptm_named(c, "out_int32")) ? ptm_cast(t, y, PTM_I32)
                                                                      : y);
}

static struct ptm_ival lower_searchsorted(const struct ptm_lower_call *c)
{
    return search_sorted(c, c->arg[0], c->arg[1]);
}

static struct ptm_ival lower_bucketize(const struct ptm_lower_call *c)
{
    return search_sorted(c, c->arg[1], c->arg[0]);
}

static struct ptm_ival lower_isin(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    enum ptm_dtype d = ptm_result_type(t, c->arg, 2);
    struct ptm_tensor *x = ptm_to_tensor(t, c->arg[0], d), *set = ptm_to_tensor(t, c->arg[1], d);
    if (!x || !set)
        return ptm_none();
    int64_t last = x->rank;
    set = ptm_reshape(t, set, 1, (int64_t[]){-1});
    struct ptm_tensor *y = ptm_bin(t, OP_eq, ptm_view_unsqueeze(t, x, x->rank), set);
    y = ptm_op_reduce(t, OP_any, y, &last, 1, false);
    if (ptm_arg_bool(t, ptm_named(c, "invert")))
        y = ptm_op_unary(t, OP_logical_not, y);
    return ptm_tensor_ival(y);
}

/* -- distinct rows -- */
struct rows {
    const double *f; /* one of these two */
    const int64_t *i;
    int64_t n, width;
};

static int compare(const struct rows *r, int64_t a, int64_t b)
{
    for (int64_t k = 0; k < r->width; k++) {
        if (r->i) {
            int64_t p = r->i[a * r->width + k], q = r->i[b * r->width + k];
            if (p != q)
                return p < q ? -1 : 1;
        } else {
            double p = r->f[a * r->width + k], q = r->f[b * r->width + k];
            if (p < q || (p == p && q != q))
                return -1;
            if (p > q || p != p)
                return 1; /* a NaN differs from everything, and comes last */
        }
    }
    return 0;
}

/* Stable merge sort of the row numbers. */
static void sort_rows(const struct rows *r, int64_t *order, int64_t *spare)
{
    for (int64_t width = 1; width < r->n; width *= 2) {
        for (int64_t from = 0; from < r->n; from += 2 * width) {
            int64_t mid = from + width < r->n ? from + width : r->n;
            int64_t to = mid + width < r->n ? mid + width : r->n;
            int64_t a = from, b = mid;
            for (int64_t k = from; k < to; k++) {
                bool left = b == to || (a < mid && compare(r, order[a], order[b]) <= 0);
                spare[k] = left ? order[a++] : order[b++];
            }
        }
        memcpy(order, spare, (size_t)r->n * sizeof(*order));
    }
}

/* (values, inverse, counts) of x's slices along dim; adjacent ones only when !sorted. */
static struct ptm_ival distinct(struct ptm_trace *t, struct ptm_tensor *x, int dim, bool sorted,
                                const struct ptm_tensor *like, size_t n_out)
{
    struct ptm_nd nd;
    int64_t perm[PTM_MAX_RANK], n = x->dim[dim], m = 0;
    bool known = ptm_is_known(x), is_float = ptm_dtype_is_float((enum ptm_dtype)x->dtype);
    for (int i = 0, k = 1; i < x->rank; i++)
        if (i != dim)
            perm[k++] = i;
    perm[0] = dim;
    struct ptm_tensor *y = ptm_cast(t, ptm_view_permute(t, x, perm), is_float ? PTM_F64 : PTM_I64);
    if (!ptm_read(t, ptm_contiguous(t, y), &nd))
        return ptm_none();
    struct rows r = {.n = n, .width = n ? ptm_tensor_numel(x) / n : 0};
    r.f = is_float ? nd.data : NULL;
    r.i = is_float ? NULL : nd.data;
    int64_t *v = ptm_arena_array(ptm_trace_arena(t), 5 * (size_t)n + 1, sizeof(*v));
    if (!v)
        return ptm_none();
    int64_t *order = v, *spare = v + n, *first = spare + n, *inverse = first + n;
    int64_t *count = inverse + n;
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    if (sorted)
        sort_rows(&r, order, spare);
    for (int64_t i = 0; i < n; i++) {
        if (i == 0 || compare(&r, order[i - 1], order[i]) != 0)
            first[m++] = order[i];
        inverse[order[i]] = m - 1;
        count[m - 1]++;
    }
    struct ptm_tensor *(*make)(struct ptm_trace *, enum ptm_dtype, int, const int64_t *,
                               const void *) = known ? ptm_known : ptm_dynamic;
    struct ptm_tensor *out[3];
    out[0] = ptm_index_select(t, x, make(t, PTM_I64, 1, &m, first), dim);
    out[1] = make(t, PTM_I64, 1, &n, inverse);
    if (like)
        out[1] = ptm_reshape(t, out[1], like->rank, like->dim);
    out[2] = make(t, PTM_I64, 1, &m, count);
    return ptm_result_tuple(t, n_out, out);
}

static struct ptm_ival distinct_of(const struct ptm_lower_call *c, bool sorted, size_t n_out)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    struct ptm_ival d = ptm_named(c, "dim");
    if (!x)
        return ptm_none();
    if (!ptm_is_none(d) && x->rank)
        return distinct(c->t, x, ptm_arg_dim(c->t, d, x->rank), sorted, NULL, n_out);
    struct ptm_tensor *flat = ptm_reshape(c->t, x, 1, (int64_t[]){-1});
    return flat ? distinct(c->t, flat, 0, sorted, x, n_out) : ptm_none();
}

static struct ptm_ival lower_unique(const struct ptm_lower_call *c)
{
    return distinct_of(c, true, 2);
}

static struct ptm_ival lower_unique2(const struct ptm_lower_call *c)
{
    return distinct_of(c, true, 3);
}

static struct ptm_ival lower_unique_consecutive(const struct ptm_lower_call *c)
{
    return distinct_of(c, false, 3);
}

/* -- torchvision::nms: boxes by falling score, each drops later ones that overlap too much -- */
static struct ptm_ival lower_nms(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *boxes = ptm_contiguous(t, ptm_cast(t, ptm_need(c, 0), PTM_F32));
    struct ptm_tensor *scores = ptm_need(c, 1), *sorted[2];
    double most = ptm_arg_float(t, c->arg[2]);
    struct ptm_nd box_nd, order_nd;
    if (!boxes || !scores)
        return ptm_none();
    if (boxes->rank != 2 || boxes->dim[1] != 4 || scores->rank != 1 ||
        scores->dim[0] != boxes->dim[0])
        return ptm_trace_fail(t, PTM_ERR_TYPE,
                              "nms: boxes of shape [n, 4] and n scores are wanted");
    bool known = ptm_is_known(boxes) && ptm_is_known(scores);
    sort_both(c, scores, 0, true, sorted);
    int64_t n = boxes->dim[0], kept = 0;
    if (!ptm_read(t, sorted[1], &order_nd))
        return ptm_none();
    const int64_t *order = ptm_arena_copy(ptm_trace_arena(t), order_nd.data, (size_t)n * 8);
    if (!ptm_read(t, boxes, &box_nd) || !order)
        return ptm_none();
    const float *b = box_nd.data;
    bool *dropped = ptm_arena_array(ptm_trace_arena(t), (size_t)n + 1, sizeof(*dropped));
    int64_t *keep = ptm_arena_array(ptm_trace_arena(t), (size_t)n + 1, sizeof(*keep));
    for (int64_t i = 0; dropped && keep && i < n; i++) {
        const float *p = b + 4 * order[i];
        if (dropped[order[i]])
            continue;
        if (!ptm_trace_spend(t, (uint64_t)(n - i) / 256)) /* each kept box sees all after it */
            return ptm_none();
        keep[kept++] = order[i];
        float area = (p[2] - p[0]) * (p[3] - p[1]);
        for (int64_t k = i + 1; k < n; k++) {
            const float *q = b + 4 * order[k];
            float w = (p[2] < q[2] ? p[2] : q[2]) - (p[0] > q[0] ? p[0] : q[0]);
            float h = (p[3] < q[3] ? p[3] : q[3]) - (p[1] > q[1] ? p[1] : q[1]);
            float common = (w > 0 ? w : 0) * (h > 0 ? h : 0);
            float other = (q[2] - q[0]) * (q[3] - q[1]);
            if ((double)(common / (area + other - common)) > most)
                dropped[order[k]] = true;
        }
    }
    if (!keep)
        return ptm_none();
    return ptm_tensor_ival(known ? ptm_known(t, PTM_I64, 1, &kept, keep)
                                 : ptm_dynamic(t, PTM_I64, 1, &kept, keep));
}

const struct ptm_lowering ptm_lower_sort[] = {
    {"aten::sort", lower_sort},
    {"aten::argsort", lower_argsort},
    {"aten::msort", lower_msort},
    {"aten::topk", lower_topk},
    {"aten::searchsorted", lower_searchsorted},
    {"aten::bucketize", lower_bucketize},
    {"aten::isin", lower_isin},
    {"aten::_unique", lower_unique},
    {"aten::_unique2", lower_unique2},
    {"aten::unique_dim", lower_unique2},
    {"aten::unique_consecutive", lower_unique_consecutive},
    {"aten::unique_dim_consecutive", lower_unique_consecutive},
    {"torchvision::nms", lower_nms},
    {NULL, NULL},
};
