/* SPDX-License-Identifier: BSD-2-Clause */
/* Reference kernels: running sums, products and extremes, sorting, searching. All work line by
 * line along one dim. */
#include "kernels/ref_ops.h"
#include "kernels/ref_util.h"

#include <math.h>
#include <string.h>

/* One line of each operand: output 0, output 1 (absent in sums), x. */
struct line {
    const struct ptm_nd *y, *index, *x;
    int64_t y_at, index_at, x_at, y_step, index_step, x_step, n;
};
typedef void line_fn(const struct line *l, void *ctx);

static int64_t step_of(const struct ptm_nd *x, int dim)
{
    return x->rank ? x->stride[dim] : 1;
}

/* y and index may have another size than x in `dim`. */
static void for_lines(const struct ptm_ref_call *c, int dim, line_fn *fn, void *ctx)
{
    struct line l = {.y = c->out, .x = c->in, .index = c->n_out > 1 ? c->out + 1 : c->out};
    l.y_step = step_of(l.y, dim);
    l.index_step = step_of(l.index, dim);
    l.x_step = step_of(l.x, dim);
    l.n = l.x->rank ? l.x->dim[dim] : 1;
    struct ptm_ref_walk w;
    ptm_ref_lines_init(&w, l.x, dim);
    ptm_ref_walk_add_strides(&w, l.y->stride);
    ptm_ref_walk_add_strides(&w, l.index->stride);
    ptm_ref_walk_add_strides(&w, l.x->stride);
    for (bool go = ptm_ref_walk_begin(&w); go; go = ptm_ref_walk_next(&w)) {
        for (int64_t k = 0; k < w.n; k++) {
            l.y_at = w.at[0] + k * w.step[0];
            l.index_at = w.at[1] + k * w.step[1];
            l.x_at = w.at[2] + k * w.step[2];
            fn(&l, ctx);
        }
    }
}

static void cumulate(const struct line *l, bool product)
{
    double sum = product;
    uint64_t int_sum = product;
    bool ints = !ptm_ref_is_float(l->y->dtype);
    for (int64_t k = 0; k < l->n; k++) {
        int64_t from = l->x_at + k * l->x_step, to = l->y_at + k * l->y_step;
        if (ints) {
            uint64_t v = (uint64_t)ptm_ref_get_i(l->x, from);
            int_sum = product ? int_sum * v : int_sum + v;
            ptm_ref_put_i(l->y, to, (int64_t)int_sum);
        } else {
            double v = ptm_ref_get_f(l->x, from);
            sum = product ? sum * v : sum + v;
            ptm_ref_put_f(l->y, to, sum);
        }
    }
}

static void sum_line(const struct line *l, void *ctx)
{
    (void)ctx;
    cumulate(l, false);
}

static void product_line(const struct line *l, void *ctx)
{
    (void)ctx;
    cumulate(l, true);
}

/* Every value as an int64 of the same order: -0 equals 0, NaN is largest. */
static int64_t order_key(const struct ptm_nd *x, int64_t at)
{
    if (!ptm_ref_is_float(x->dtype))
        return ptm_ref_get_i(x, at);
    double v = ptm_ref_get_f(x, at) + 0.0;
    if (v != v)
        return INT64_MAX;
    int64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits < 0 ? bits ^ INT64_MAX : bits;
}

/* Running extreme and the index of its last occurrence; NaN wins and stays. */
static void extreme_line(const struct line *l, void *ctx)
{
    bool largest = *(const bool *)ctx, floats = ptm_ref_is_float(l->x->dtype);
    int64_t best = 0, best_at = 0;
    for (int64_t k = 0; k < l->n; k++) {
        int64_t at = l->x_at + k * l->x_step, key = order_key(l->x, at);
        bool nan = floats && key == INT64_MAX, was_nan = floats && best == INT64_MAX && k > 0;
        if (k == 0 || nan || (!was_nan && (largest ? key >= best : key <= best))) {
            best = key;
            best_at = k;
        }
        ptm_ref_copy(l->y, l->y_at + k * l->y_step, 1, l->x, l->x_at + best_at * l->x_step, 1, 1);
        ptm_ref_put_i(l->index, l->index_at + k * l->index_step, best_at);
    }
}

int ptm_ref_cumsum(const struct ptm_ref_call *c)
{
    for_lines(c, (int)c->attr[0].i, sum_line, NULL);
    return 0;
}

int ptm_ref_cumprod(const struct ptm_ref_call *c)
{
    for_lines(c, (int)c->attr[0].i, product_line, NULL);
    return 0;
}

int ptm_ref_cummax(const struct ptm_ref_call *c)
{
    bool largest = true;
    for_lines(c, (int)c->attr[0].i, extreme_line, &largest);
    return 0;
}

int ptm_ref_cummin(const struct ptm_ref_call *c)
{
    bool largest = false;
    for_lines(c, (int)c->attr[0].i, extreme_line, &largest);
    return 0;
}

/* -- sorting: a stable merge sort of the indices by key -- */
struct sorting {
    int64_t *key, *order, *spare;
    int64_t keep; /* the first so many go out */
    bool descending;
};

static void merge(const struct sorting *s, const int64_t *from, int64_t *to, int64_t a, int64_t mid,
                  int64_t end)
{
    int64_t i = a, j = mid;
    for (int64_t k = a; k < end; k++) {
        bool right = i == mid;
        if (i < mid && j < end) {
            int64_t u = s->key[from[i]], v = s->key[from[j]];
            right = s->descending ? v > u : v < u;
        }
        to[k] = right ? from[j++] : from[i++];
    }
}

static void sort_line(const struct line *l, void *ctx)
{
    struct sorting *s = ctx;
    int64_t *from = s->order, *to = s->spare;
    for (int64_t k = 0; k < l->n; k++) {
        s->key[k] = order_key(l->x, l->x_at + k * l->x_step);
        from[k] = k;
    }
    for (int64_t width = 1; width < l->n; width *= 2) {
        for (int64_t a = 0; a < l->n; a += 2 * width) {
            int64_t mid = a + width < l->n ? a + width : l->n;
            merge(s, from, to, a, mid, mid + width < l->n ? mid + width : l->n);
        }
        int64_t *t = from;
        from = to;
        to = t;
    }
    for (int64_t k = 0; k < s->keep; k++) {
        ptm_ref_copy(l->y, l->y_at + k * l->y_step, 1, l->x, l->x_at + from[k] * l->x_step, 1, 1);
        ptm_ref_put_i(l->index, l->index_at + k * l->index_step, from[k]);
    }
}

static int sort_lines(const struct ptm_ref_call *c, int dim, int64_t keep, bool descending)
{
    int64_t n = c->in->rank ? c->in->dim[dim] : 1;
    struct sorting s = {.keep = keep, .descending = descending};
    s.key = ptm_ref_scratch(c, n, sizeof *s.key);
    s.order = ptm_ref_scratch(c, n, sizeof *s.order);
    s.spare = ptm_ref_scratch(c, n, sizeof *s.spare);
    if (!s.key || !s.order || !s.spare)
        return PTM_REF_MEMORY;
    for_lines(c, dim, sort_line, &s);
    return 0;
}

int ptm_ref_sort(const struct ptm_ref_call *c)
{
    int dim = (int)c->attr[0].i;
    return sort_lines(c, dim, c->in->rank ? c->in->dim[dim] : 1, c->attr[1].i != 0);
}

int ptm_ref_topk(const struct ptm_ref_call *c)
{
    return sort_lines(c, (int)c->attr[1].i, c->attr[0].i, c->attr[2].i != 0);
}

/* right: after the elements that equal the value */
int ptm_ref_searchsorted(const struct ptm_ref_call *c)
{
    const struct ptm_nd *y = c->out, *a = c->in, *b = c->in + 1;
    bool right = c->attr[0].i != 0, floats = ptm_ref_is_float(a->dtype);
    int last = a->rank - 1;
    int64_t index[PTM_MAX_RANK] = {0};
    if (ptm_ref_numel(y) == 0)
        return 0;
    do {
        int64_t at = 0, b_at = ptm_ref_offset(b, index);
        for (int k = 0; k < last; k++)
            at += index[k] * a->stride[k];
        double v = floats ? ptm_ref_get_f(b, b_at) : 0;
        int64_t i = floats ? 0 : ptm_ref_get_i(b, b_at), from = 0, to = a->dim[last];
        while (from < to) {
            int64_t mid = from + (to - from) / 2, mid_at = at + mid * a->stride[last];
            bool stop; /* is the element at mid past the place? NaN never is */
            if (floats) {
                double u = ptm_ref_get_f(a, mid_at);
                stop = right ? u > v : u >= v;
            } else {
                int64_t u = ptm_ref_get_i(a, mid_at);
                stop = right ? u > i : u >= i;
            }
            if (stop)
                to = mid;
            else
                from = mid + 1;
        }
        ptm_ref_put_i(y, ptm_ref_offset(y, index), from);
    } while (ptm_ref_next(y->rank, y->dim, index));
    return 0;
}
