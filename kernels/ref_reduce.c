/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reference kernels: reductions over any set of dims. An outer walk goes over
 * the results, an inner one over the elements of each.
 */
#include "kernels/ref_ops.h"
#include "kernels/ref_util.h"

#include <math.h>
#include <string.h>

struct reduction {
    const struct ptm_nd *x;
    struct ptm_ref_walk outer, inner; /* outer: operand 0 each output, last operand x */
    int64_t count;                    /* elements per result */
};

/* dims: an empty list means every one. */
static void reduction_init(struct reduction *r, const struct ptm_ref_call *c,
                           const union ptm_imm *dims, int64_t n_dims)
{
    const struct ptm_nd *x = c->in, *y = c->out;
    bool reduced[PTM_MAX_RANK] = {false};
    for (int64_t k = 0; k < n_dims; k++)
        reduced[dims[k].i] = true;
    int64_t in_dim[PTM_MAX_RANK], in_stride[PTM_MAX_RANK], dim[PTM_MAX_RANK];
    int64_t y_stride[PTM_MAX_RANK], x_stride[PTM_MAX_RANK];
    int n_in = 0, n_out = 0;
    bool keep = y->rank == x->rank;
    for (int k = 0; k < x->rank; k++) {
        if (n_dims == 0 || reduced[k]) {
            in_dim[n_in] = x->dim[k];
            in_stride[n_in++] = x->stride[k];
        } else {
            dim[n_out] = x->dim[k];
            x_stride[n_out] = x->stride[k];
            y_stride[n_out] = y->stride[keep ? k : n_out];
            n_out++;
        }
    }
    r->x = x;
    r->count = ptm_ref_product(in_dim, n_in);
    ptm_ref_walk_init(&r->outer, n_out, dim);
    ptm_ref_walk_add_strides(&r->outer, y_stride);
    ptm_ref_walk_add_strides(&r->outer, x_stride);
    ptm_ref_walk_init(&r->inner, n_in, in_dim);
    ptm_ref_walk_add_strides(&r->inner, in_stride);
}

/* Folds a block into the state. */
struct state {
    double a, b;   /* b: a parameter */
    int64_t i, at; /* at: elements seen */
};
typedef void fold_f(struct state *s, const double *v, int64_t n);
typedef void fold_i(struct state *s, const int64_t *v, int64_t n);

static void fold_floats(const struct reduction *r, int64_t at, struct state *s, fold_f *fold)
{
    struct ptm_ref_walk w = r->inner;
    double v[PTM_REF_BLOCK];
    for (bool go = ptm_ref_walk_begin(&w); go; go = ptm_ref_walk_next(&w)) {
        ptm_ref_load_f(v, r->x, at + w.at[0], w.step[0], w.n);
        fold(s, v, w.n);
        s->at += w.n;
    }
}

static void fold_ints(const struct reduction *r, int64_t at, struct state *s, fold_i *fold)
{
    struct ptm_ref_walk w = r->inner;
    int64_t v[PTM_REF_BLOCK];
    for (bool go = ptm_ref_walk_begin(&w); go; go = ptm_ref_walk_next(&w)) {
        ptm_ref_load_i(v, r->x, at + w.at[0], w.step[0], w.n);
        fold(s, v, w.n);
        s->at += w.n;
    }
}

enum result { RESULT_VALUE, RESULT_INDEX }; /* of integers: s.i; of floats: s.a or s.i */

/* Reduces with the integer fold where x and y are of integer types. */
static int reduce(const struct ptm_ref_call *c, fold_f *floats, fold_i *ints, struct state start,
                  enum result result)
{
    struct ptm_imm_reader attr = ptm_ref_attr(c);
    int64_t n_dims;
    const union ptm_imm *dims = ptm_imm_list(&attr, &n_dims);
    const struct ptm_nd *y = c->out;
    struct reduction r;
    reduction_init(&r, c, dims, n_dims);
    bool as_int = !ptm_ref_is_float(c->in->dtype) && !ptm_ref_is_float(y->dtype);
    struct ptm_ref_walk *w = &r.outer;
    for (bool go = ptm_ref_walk_begin(w); go; go = ptm_ref_walk_next(w)) {
        for (int64_t k = 0; k < w->n; k++) {
            struct state s = start;
            int64_t x_at = w->at[1] + k * w->step[1], y_at = w->at[0] + k * w->step[0];
            if (as_int)
                fold_ints(&r, x_at, &s, ints);
            else
                fold_floats(&r, x_at, &s, floats);
            if (as_int || result == RESULT_INDEX)
                ptm_ref_put_i(y, y_at, s.i);
            else
                ptm_ref_put_f(y, y_at, s.a);
        }
    }
    return 0;
}

static void sum_f(struct state *s, const double *v, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        s->a += v[k];
}

static void sum_i(struct state *s, const int64_t *v, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        s->i = (int64_t)((uint64_t)s->i + (uint64_t)v[k]);
}

static void prod_f(struct state *s, const double *v, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        s->a *= v[k];
}

static void prod_i(struct state *s, const int64_t *v, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        s->i = (int64_t)((uint64_t)s->i * (uint64_t)v[k]);
}

/* NaN wins and stays. */
static void max_f(struct state *s, const double *v, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        if (v[k] > s->a || v[k] != v[k])
            s->a = v[k];
        else if (s->a != s->a)
            return;
}

static void min_f(struct state *s, const double *v, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        if (v[k] < s->a || v[k] != v[k])
            s->a = v[k];
        else if (s->a != s->a)
            return;
}

static void max_i(struct state *s, const int64_t *v, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        s->i = v[k] > s->i ? v[k] : s->i;
}

static void min_i(struct state *s, const int64_t *v, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        s->i = v[k] < s->i ? v[k] : s->i;
}

/* The first maximum, or the first NaN. */
static void argmax_f(struct state *s, const double *v, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        if (v[k] > s->a || (v[k] != v[k] && s->a == s->a)) {
            s->a = v[k];
            s->i = s->at + k;
        }
}

static void argmin_f(struct state *s, const double *v, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        if (v[k] < s->a || (v[k] != v[k] && s->a == s->a)) {
            s->a = v[k];
            s->i = s->at + k;
        }
}

static void any_f(struct state *s, const double *v, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        s->a = s->a != 0 || v[k] != 0;
}

static void any_i(struct state *s, const int64_t *v, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        s->i = s->i || v[k];
}

static void all_f(struct state *s, const double *v, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        s->a = s->a != 0 && v[k] != 0;
}

static void all_i(struct state *s, const int64_t *v, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        s->i = s->i && v[k];
}

int ptm_ref_sum(const struct ptm_ref_call *c)
{
    return reduce(c, sum_f, sum_i, (struct state){0}, RESULT_VALUE);
}

int ptm_ref_prod(const struct ptm_ref_call *c)
{
    return reduce(c, prod_f, prod_i, (struct state){.a = 1, .i = 1}, RESULT_VALUE);
}

int ptm_ref_amax(const struct ptm_ref_call *c)
{
    struct state start = {.a = -HUGE_VAL, .i = INT64_MIN};
    return reduce(c, max_f, max_i, start, RESULT_VALUE);
}

int ptm_ref_amin(const struct ptm_ref_call *c)
{
    struct state start = {.a = HUGE_VAL, .i = INT64_MAX};
    return reduce(c, min_f, min_i, start, RESULT_VALUE);
}

int ptm_ref_any(const struct ptm_ref_call *c)
{
    return reduce(c, any_f, any_i, (struct state){0}, RESULT_VALUE);
}

int ptm_ref_all(const struct ptm_ref_call *c)
{
    return reduce(c, all_f, all_i, (struct state){.a = 1, .i = 1}, RESULT_VALUE);
}

struct best {
    int64_t value, at, index;
};

/* argmax and argmin of integers keep value and index; s.i alone is not enough. */
static int arg_int(const struct ptm_ref_call *c, bool largest)
{
    struct ptm_imm_reader attr = ptm_ref_attr(c);
    int64_t n_dims;
    const union ptm_imm *dims = ptm_imm_list(&attr, &n_dims);
    struct reduction r;
    reduction_init(&r, c, dims, n_dims);
    struct ptm_ref_walk *w = &r.outer;
    for (bool go = ptm_ref_walk_begin(w); go; go = ptm_ref_walk_next(w)) {
        for (int64_t k = 0; k < w->n; k++) {
            struct ptm_ref_walk in = r.inner;
            struct best best = {0, 0, -1};
            int64_t v[PTM_REF_BLOCK];
            for (bool more = ptm_ref_walk_begin(&in); more; more = ptm_ref_walk_next(&in)) {
                ptm_ref_load_i(v, r.x, w->at[1] + k * w->step[1] + in.at[0], in.step[0], in.n);
                for (int64_t j = 0; j < in.n; j++, best.at++)
                    if (best.index < 0 || (largest ? v[j] > best.value : v[j] < best.value)) {
                        best.value = v[j];
                        best.index = best.at;
                    }
            }
            ptm_ref_put_i(c->out, w->at[0] + k * w->step[0], best.index < 0 ? 0 : best.index);
        }
    }
    return 0;
}

int ptm_ref_argmax(const struct ptm_ref_call *c)
{
    if (!ptm_ref_is_float(c->in->dtype))
        return arg_int(c, true);
    return reduce(c, argmax_f, NULL, (struct state){.a = -HUGE_VAL}, RESULT_INDEX);
}

int ptm_ref_argmin(const struct ptm_ref_call *c)
{
    if (!ptm_ref_is_float(c->in->dtype))
        return arg_int(c, false);
    return reduce(c, argmin_f, NULL, (struct state){.a = HUGE_VAL}, RESULT_INDEX);
}

/* -- reductions that need more than one fold: always in double -- */

/* sum |v - b|^2 */
static void square_f(struct state *s, const double *v, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        s->a += (v[k] - s->b) * (v[k] - s->b);
}

static void exp_f(struct state *s, const double *v, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        s->a += exp(v[k] - s->b);
}

static void max_abs_f(struct state *s, const double *v, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        if (fabs(v[k]) > s->a || v[k] != v[k])
            s->a = fabs(v[k]);
        else if (s->a != s->a)
            return;
}

static void min_abs_f(struct state *s, const double *v, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        if (fabs(v[k]) < s->a || v[k] != v[k])
            s->a = fabs(v[k]);
        else if (s->a != s->a)
            return;
}

static void count_f(struct state *s, const double *v, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        s->a += v[k] != 0;
}

static void sum_abs_f(struct state *s, const double *v, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        s->a += fabs(v[k]);
}

static void power_f(struct state *s, const double *v, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        s->a += pow(fabs(v[k]), s->b);
}

static double mean_of(const struct reduction *r, int64_t at, double unused)
{
    (void)unused;
    struct state s = {0};
    fold_floats(r, at, &s, sum_f);
    return s.a / (double)r->count;
}

static double var_of(const struct reduction *r, int64_t at, double correction)
{
    struct state s = {.b = mean_of(r, at, 0)};
    fold_floats(r, at, &s, square_f);
    double n = (double)r->count - correction;
    return s.a / (n > 0 ? n : 0);
}

static double logsumexp_of(const struct reduction *r, int64_t at, double unused)
{
    (void)unused;
    struct state m = {.a = -HUGE_VAL};
    fold_floats(r, at, &m, max_f);
    struct state s = {.b = isinf(m.a) ? 0 : m.a};
    fold_floats(r, at, &s, exp_f);
    return log(s.a) + s.b;
}

static double norm_of(const struct reduction *r, int64_t at, double p)
{
    struct state s = {.b = p};
    if (p == -HUGE_VAL)
        s.a = HUGE_VAL;
    if (p == 2)
        s.b = 0;
    fold_floats(r, at, &s,
                isinf(p)  ? p > 0 ? max_abs_f : min_abs_f
                : p == 0  ? count_f
                : p == 1  ? sum_abs_f
                : p == 2  ? square_f
                          : power_f);
    return isinf(p) || p == 0 || p == 1 ? s.a : p == 2 ? sqrt(s.a) : pow(s.a, 1 / p);
}

static int reduce_with(const struct ptm_ref_call *c, const union ptm_imm *dims, int64_t n_dims,
                       double (*of)(const struct reduction *r, int64_t at, double p), double p)
{
    struct reduction r;
    reduction_init(&r, c, dims, n_dims);
    struct ptm_ref_walk *w = &r.outer;
    for (bool go = ptm_ref_walk_begin(w); go; go = ptm_ref_walk_next(w))
        for (int64_t k = 0; k < w->n; k++)
            ptm_ref_put_f(c->out, w->at[0] + k * w->step[0],
                          of(&r, w->at[1] + k * w->step[1], p));
    return 0;
}

int ptm_ref_mean(const struct ptm_ref_call *c)
{
    struct ptm_imm_reader attr = ptm_ref_attr(c);
    int64_t n;
    const union ptm_imm *dims = ptm_imm_list(&attr, &n);
    return reduce_with(c, dims, n, mean_of, 0);
}

int ptm_ref_var(const struct ptm_ref_call *c)
{
    struct ptm_imm_reader attr = ptm_ref_attr(c);
    int64_t n;
    const union ptm_imm *dims = ptm_imm_list(&attr, &n);
    ptm_imm_i(&attr); /* keepdim */
    return reduce_with(c, dims, n, var_of, ptm_imm_f(&attr));
}

int ptm_ref_logsumexp(const struct ptm_ref_call *c)
{
    struct ptm_imm_reader attr = ptm_ref_attr(c);
    int64_t n;
    const union ptm_imm *dims = ptm_imm_list(&attr, &n);
    return reduce_with(c, dims, n, logsumexp_of, 0);
}

int ptm_ref_norm(const struct ptm_ref_call *c)
{
    struct ptm_imm_reader attr = ptm_ref_attr(c);
    double p = ptm_imm_f(&attr);
    int64_t n;
    const union ptm_imm *dims = ptm_imm_list(&attr, &n);
    return reduce_with(c, dims, n, norm_of, p);
}

/* -- softmax: line by line -- */

static int softmax(const struct ptm_ref_call *c, bool want_log)
{
    const struct ptm_nd *y = c->out, *x = c->in;
    int dim = (int)c->attr[0].i;
    int64_t n = x->rank ? x->dim[dim] : 1;
    int64_t x_step = x->rank ? x->stride[dim] : 1, y_step = x->rank ? y->stride[dim] : 1;
    double *v = ptm_ref_doubles(c, n);
    if (!v)
        return PTM_REF_MEMORY;
    struct ptm_ref_walk w;
    ptm_ref_lines_init(&w, x, dim);
    ptm_ref_walk_add(&w, y);
    ptm_ref_walk_add(&w, x);
    if (n == 0)
        return 0;
    for (bool go = ptm_ref_walk_begin(&w); go; go = ptm_ref_walk_next(&w)) {
        for (int64_t line = 0; line < w.n; line++) {
            ptm_ref_load_f(v, x, w.at[1] + line * w.step[1], x_step, n);
            double max = -HUGE_VAL, sum = 0;
            for (int64_t k = 0; k < n; k++)
                max = v[k] > max ? v[k] : max;
            for (int64_t k = 0; k < n; k++) {
                double e = exp(v[k] - max);
                sum += e;
                v[k] = want_log ? v[k] - max : e;
            }
            double log_sum = log(sum);
            for (int64_t k = 0; k < n; k++)
                v[k] = want_log ? v[k] - log_sum : v[k] / sum;
            ptm_ref_store_f(y, w.at[0] + line * w.step[0], y_step, v, n);
        }
    }
    return 0;
}

int ptm_ref_softmax(const struct ptm_ref_call *c)
{
    return softmax(c, false);
}

int ptm_ref_log_softmax(const struct ptm_ref_call *c)
{
    return softmax(c, true);
}
