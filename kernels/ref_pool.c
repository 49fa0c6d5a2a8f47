/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reference kernels: pooling, 1 to 3 spatial dims. Every pool is a window per
 * output position and a function of the elements in it.
 */
#include "kernels/ref_ops.h"
#include "kernels/ref_util.h"

/* Three spatial dims, missing leading ones of size 1. */
struct pool {
    const struct ptm_nd *x;
    struct ptm_nd y[2];
    int64_t in[3], out[3], xs[3], ys[2][3];
    int64_t kernel[3], stride[3], padding[3], dilation[3];
    bool adaptive, count_include_pad;
    int64_t divisor;
};

/* One window: first index, step and count per dim, inside of x; area as avg_pool divides. */
struct window {
    int64_t first[3], count[3], area;
};

static void init_pool(struct pool *p, const struct ptm_ref_call *c)
{
    p->x = c->in;
    for (int k = 0; k < 3; k++) {
        int d = k + c->in->rank - 3;
        p->in[k] = d < 2 ? 1 : c->in->dim[d];
        p->out[k] = d < 2 ? 1 : c->out->dim[d];
        p->xs[k] = d < 2 ? 0 : c->in->stride[d];
        for (int o = 0; o < c->n_out; o++)
            p->ys[o][k] = d < 2 ? 0 : c->out[o].stride[d];
        p->kernel[k] = p->stride[k] = p->dilation[k] = 1;
    }
    for (int o = 0; o < c->n_out; o++)
        p->y[o] = c->out[o];
}

static void read_list(struct ptm_imm_reader *attr, int64_t *v)
{
    int64_t n;
    const union ptm_imm *list = ptm_imm_list(attr, &n);
    for (int64_t k = 0; k < n && k < 3; k++)
        v[3 - n + k] = list[k].i;
}

static void find_window(const struct pool *p, const int64_t *o, struct window *w)
{
    w->area = 1;
    for (int d = 0; d < 3; d++) {
        int64_t from, to, step = p->dilation[d];
        if (p->adaptive) {
            from = o[d] * p->in[d] / p->out[d];
            to = ((o[d] + 1) * p->in[d] + p->out[d] - 1) / p->out[d];
        } else {
            from = o[d] * p->stride[d] - p->padding[d];
            to = from + (p->kernel[d] - 1) * step + 1;
            if (p->count_include_pad) /* the window may leave the padding in ceil mode */
                w->area *= (to < p->in[d] + p->padding[d] ? to : p->in[d] + p->padding[d]) - from;
        }
        if (from < 0)
            from += (-from + step - 1) / step * step;
        to = to < p->in[d] ? to : p->in[d];
        w->first[d] = from;
        w->count[d] = from < to ? (to - from + step - 1) / step : 0;
        if (!p->count_include_pad)
            w->area *= w->count[d];
    }
    if (p->divisor)
        w->area = p->divisor;
}

/* Does the element at `a` replace the one at `b` as maximum? NaN does. */
static bool replaces(const struct ptm_nd *x, int64_t a, int64_t b)
{
    if (!ptm_ref_is_float(x->dtype))
        return ptm_ref_get_i(x, a) > ptm_ref_get_i(x, b);
    double v = ptm_ref_get_f(x, a);
    return v > ptm_ref_get_f(x, b) || v != v;
}

static void take_max(const struct pool *p, const struct window *w, int64_t at, const int64_t *y_at)
{
    int64_t best = -1, best_at = 0;
    for (int64_t i = 0; i < w->count[0]; i++) {
        int64_t z = w->first[0] + i * p->dilation[0];
        for (int64_t j = 0; j < w->count[1]; j++) {
            int64_t y = w->first[1] + j * p->dilation[1];
            for (int64_t k = 0; k < w->count[2]; k++) {
                int64_t x = w->first[2] + k * p->dilation[2];
                int64_t here = at + z * p->xs[0] + y * p->xs[1] + x * p->xs[2];
                if (best < 0 || replaces(p->x, here, best_at)) {
                    best = (z * p->in[1] + y) * p->in[2] + x;
                    best_at = here;
                }
            }
        }
    }
    if (best < 0) { /* an empty window: the shape rule excludes it */
        ptm_ref_put_f(&p->y[0], y_at[0], 0);
        best = 0;
    } else {
        ptm_ref_copy(&p->y[0], y_at[0], 1, p->x, best_at, 1, 1);
    }
    ptm_ref_put_i(&p->y[1], y_at[1], best);
}

static void take_mean(const struct pool *p, const struct window *w, int64_t at, const int64_t *y_at)
{
    double sum = 0, row[PTM_REF_BLOCK]; /* float types only */
    for (int64_t i = 0; i < w->count[0]; i++) {
        for (int64_t j = 0; j < w->count[1]; j++) {
            int64_t from = at + (w->first[0] + i) * p->xs[0] + (w->first[1] + j) * p->xs[1] +
                           w->first[2] * p->xs[2];
            for (int64_t k = 0; k < w->count[2]; k += PTM_REF_BLOCK) {
                int64_t n = w->count[2] - k < PTM_REF_BLOCK ? w->count[2] - k : PTM_REF_BLOCK;
                ptm_ref_load_f(row, p->x, from + k * p->xs[2], p->xs[2], n);
                for (int64_t q = 0; q < n; q++)
                    sum += row[q];
            }
        }
    }
    bool empty = w->count[0] == 0 || w->count[1] == 0 || w->count[2] == 0;
    ptm_ref_put_f(&p->y[0], y_at[0], empty ? 0 : sum / (double)w->area);
}

typedef void take_fn(const struct pool *p, const struct window *w, int64_t at,
                     const int64_t *y_at);

static int run_pool(const struct pool *p, const struct ptm_ref_call *c, take_fn *take)
{
    if (ptm_ref_numel(c->out) == 0)
        return 0;
    for (int64_t nc = 0; nc < p->x->dim[0] * p->x->dim[1]; nc++) {
        int64_t n = nc / p->x->dim[1], ch = nc % p->x->dim[1], o[3] = {0};
        do {
            struct window w;
            int64_t y_at[2];
            find_window(p, o, &w);
            for (int k = 0; k < c->n_out; k++)
                y_at[k] = n * p->y[k].stride[0] + ch * p->y[k].stride[1] + o[0] * p->ys[k][0] +
                          o[1] * p->ys[k][1] + o[2] * p->ys[k][2];
            take(p, &w, n * p->x->stride[0] + ch * p->x->stride[1], y_at);
        } while (ptm_ref_next(3, p->out, o));
    }
    return 0;
}

int ptm_ref_max_pool(const struct ptm_ref_call *c)
{
    struct pool p = {0};
    init_pool(&p, c);
    struct ptm_imm_reader attr = ptm_ref_attr(c);
    read_list(&attr, p.kernel);
    read_list(&attr, p.stride);
    read_list(&attr, p.padding);
    read_list(&attr, p.dilation);
    return run_pool(&p, c, take_max);
}

int ptm_ref_avg_pool(const struct ptm_ref_call *c)
{
    struct pool p = {0};
    init_pool(&p, c);
    struct ptm_imm_reader attr = ptm_ref_attr(c);
    read_list(&attr, p.kernel);
    read_list(&attr, p.stride);
    read_list(&attr, p.padding);
    ptm_imm_i(&attr); /* ceil: is in y's dims already */
    p.count_include_pad = ptm_imm_i(&attr) != 0;
    p.divisor = ptm_imm_i(&attr);
    return run_pool(&p, c, take_mean);
}

int ptm_ref_adaptive_avg_pool(const struct ptm_ref_call *c)
{
    struct pool p = {.adaptive = true};
    init_pool(&p, c);
    return run_pool(&p, c, take_mean);
}

int ptm_ref_adaptive_max_pool(const struct ptm_ref_call *c)
{
    struct pool p = {.adaptive = true};
    init_pool(&p, c);
    return run_pool(&p, c, take_max);
}
