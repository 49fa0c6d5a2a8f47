/* SPDX-License-Identifier: BSD-2-Clause */
/* Reference kernels: matmul, linear, attention, distances. */
#include "kernels/ref_ops.h"
#include "kernels/ref_util.h"

#include <math.h>

/* One matrix: element (row, col) is x[at + row * rs + col * cs]. */
struct matrix {
    const struct ptm_nd *x;
    int64_t at, rs, cs;
};
struct product {
    struct matrix a, b, y;
    const struct ptm_nd *bias; /* of the columns, or NULL */
    bool bounded;
    double min, max;
};

static void load_a(const void *ctx, int64_t row, int64_t k, int64_t count, double *dst)
{
    const struct matrix *a = &((const struct product *)ctx)->a;
    ptm_ref_load_f(dst, a->x, a->at + row * a->rs + k * a->cs, a->cs, count);
}

static void load_b(const void *ctx, int64_t k, int64_t col, int64_t count, double *dst)
{
    const struct matrix *b = &((const struct product *)ctx)->b;
    ptm_ref_load_f(dst, b->x, b->at + k * b->rs + col * b->cs, b->cs, count);
}

static void load_b_column(const void *ctx, int64_t k, int64_t col, int64_t count, double *dst)
{
    const struct matrix *b = &((const struct product *)ctx)->b;
    ptm_ref_load_f(dst, b->x, b->at + k * b->rs + col * b->cs, b->rs, count);
}

static void store(const void *ctx, int64_t row, int64_t col, int64_t count, const double *src)
{
    const struct product *p = ctx;
    int64_t at = p->y.at + row * p->y.rs + col * p->y.cs;
    if (!p->bias && !p->bounded) {
        ptm_ref_store_f(p->y.x, at, p->y.cs, src, count);
        return;
    }
    double v[PTM_REF_BLOCK];
    for (int64_t j = 0; j < count; j += PTM_REF_BLOCK) {
        int64_t n = count - j < PTM_REF_BLOCK ? count - j : PTM_REF_BLOCK;
        if (p->bias)
            ptm_ref_load_f(v, p->bias, (col + j) * p->bias->stride[0], p->bias->stride[0], n);
        for (int64_t k = 0; k < n; k++)
            v[k] = (p->bias ? v[k] : 0) + src[j + k];
        if (p->bounded)
            ptm_ref_bound(v, n, p->min, p->max);
        ptm_ref_store_f(p->y.x, at + j * p->y.cs, p->y.cs, v, n);
    }
}

/* Integer types: wrap-around in int64. */
static void multiply_ints(const struct product *p, int64_t m, int64_t n, int64_t k)
{
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < n; j++) {
            uint64_t sum = p->bias ? (uint64_t)ptm_ref_get_i(p->bias, j * p->bias->stride[0]) : 0;
            for (int64_t q = 0; q < k; q++)
                sum += (uint64_t)ptm_ref_get_i(p->a.x, p->a.at + i * p->a.rs + q * p->a.cs) *
                       (uint64_t)ptm_ref_get_i(p->b.x, p->b.at + q * p->b.rs + j * p->b.cs);
            ptm_ref_put_i(p->y.x, p->y.at + i * p->y.rs + j * p->y.cs, (int64_t)sum);
        }
    }
}

static void multiply(const struct product *p, int64_t m, int64_t n, int64_t k,
                     const struct ptm_ref_gemm_space *space)
{
    if (!ptm_ref_is_float(p->y.x->dtype)) {
        multiply_ints(p, m, n, k);
        return;
    }
    bool columns = p->b.cs != 1;
    struct ptm_ref_gemm g = {m, n, k, columns, load_a, columns ? load_b_column : load_b, store, p};
    ptm_ref_gemm(&g, space);
}

/* The matrix of the last two dims. */
static struct matrix last_two(const struct ptm_nd *x)
{
    return (struct matrix){x, 0, x->stride[x->rank - 2], x->stride[x->rank - 1]};
}

/* x without its last `drop` dims: what batch walks see */
static struct ptm_nd batch_of(const struct ptm_nd *x, int drop)
{
    struct ptm_nd y = *x;
    y.rank = (uint8_t)(x->rank - drop);
    return y;
}

int ptm_ref_matmul(const struct ptm_ref_call *c)
{
    const struct ptm_nd *y = c->out, *a = c->in, *b = c->in + 1;
    int64_t m = y->dim[y->rank - 2], n = y->dim[y->rank - 1], k = a->dim[a->rank - 1];
    struct ptm_ref_gemm_space space;
    if (!ptm_ref_gemm_reserve(&space, c, m, n, k))
        return PTM_REF_MEMORY;
    struct product p = {.a = last_two(a), .b = last_two(b), .y = last_two(y)};
    struct ptm_nd by = batch_of(y, 2), ba = batch_of(a, 2), bb = batch_of(b, 2);
    struct ptm_ref_walk w;
    ptm_ref_walk_init(&w, by.rank, by.dim);
    ptm_ref_walk_add(&w, &by);
    ptm_ref_walk_add(&w, &ba);
    ptm_ref_walk_add(&w, &bb);
    for (bool go = ptm_ref_walk_begin(&w); go; go = ptm_ref_walk_next(&w)) {
        for (int64_t j = 0; j < w.n; j++) {
            p.y.at = w.at[0] + j * w.step[0];
            p.a.at = w.at[1] + j * w.step[1];
            p.b.at = w.at[2] + j * w.step[2];
            multiply(&p, m, n, k, &space);
        }
    }
    return 0;
}

/* One product for each run of rows that has one stride: all rows when x and y are contiguous. */
int ptm_ref_linear(const struct ptm_ref_call *c)
{
    const struct ptm_nd *y = c->out, *x = c->in, *w = c->in + 1;
    int64_t n = w->dim[0], k = w->dim[1];
    struct ptm_nd by = batch_of(y, 1), bx = batch_of(x, 1);
    struct ptm_ref_gemm_space space;
    if (!ptm_ref_gemm_reserve(&space, c, ptm_ref_numel(&bx), n, k))
        return PTM_REF_MEMORY;
    struct product p = {.bias = ptm_ref_absent(c, 2) ? NULL : c->in + 2,
                        .min = c->attr[0].f,
                        .max = c->attr[1].f};
    p.bounded = p.min > -HUGE_VAL || p.max < HUGE_VAL;
    p.b = (struct matrix){w, 0, w->stride[1], w->stride[0]};
    struct ptm_ref_walk rows;
    ptm_ref_walk_init(&rows, by.rank, by.dim);
    ptm_ref_walk_add(&rows, &by);
    ptm_ref_walk_add(&rows, &bx);
    for (bool go = ptm_ref_walk_begin(&rows); go; go = ptm_ref_walk_next(&rows)) {
        p.y = (struct matrix){y, rows.at[0], rows.step[0], y->stride[y->rank - 1]};
        p.a = (struct matrix){x, rows.at[1], rows.step[1], x->stride[x->rank - 1]};
        multiply(&p, rows.n, n, k, &space);
    }
    return 0;
}

/* -- attention: a block of query rows at a time -- */
enum { QUERY_ROWS = 64 };

struct attention {
    struct matrix q, k, v, mask, y; /* mask.x NULL: none */
    int64_t first, s, s_row;        /* first: of the block's query rows; scores are [rows][s] */
    double scale, *scores;
    bool causal;
};

static void load_q(const void *ctx, int64_t row, int64_t k, int64_t count, double *dst)
{
    const struct attention *t = ctx;
    const struct matrix *q = &t->q;
    ptm_ref_load_f(dst, q->x, q->at + (t->first + row) * q->rs + k * q->cs, q->cs, count);
}

static void load_k(const void *ctx, int64_t k, int64_t col, int64_t count, double *dst)
{
    const struct matrix *m = &((const struct attention *)ctx)->k;
    ptm_ref_load_f(dst, m->x, m->at + col * m->rs + k * m->cs, m->cs, count);
}

static void store_scores(const void *ctx, int64_t row, int64_t col, int64_t count,
                         const double *src)
{
    const struct attention *t = ctx;
    double *dst = t->scores + row * t->s + col, bias[PTM_REF_BLOCK];
    const struct matrix *m = &t->mask;
    for (int64_t j = 0; j < count; j++) {
        if (m->x && j % PTM_REF_BLOCK == 0)
            ptm_ref_load_f(bias, m->x, m->at + (t->first + row) * m->rs + (col + j) * m->cs,
                           m->cs, count - j < PTM_REF_BLOCK ? count - j : PTM_REF_BLOCK);
        double v = src[j] * t->scale, b = m->x ? bias[j % PTM_REF_BLOCK] : 0;
        if (m->x && m->x->dtype == PTM_BOOL8)
            v = b != 0 ? v : -HUGE_VAL;
        else
            v += b;
        dst[j] = t->causal && col + j > t->first + row ? -HUGE_VAL : v;
    }
}

static void load_scores(const void *ctx, int64_t row, int64_t k, int64_t count, double *dst)
{
    const struct attention *t = ctx;
    for (int64_t j = 0; j < count; j++)
        dst[j] = t->scores[row * t->s + k + j];
}

static void load_v(const void *ctx, int64_t k, int64_t col, int64_t count, double *dst)
{
    const struct matrix *v = &((const struct attention *)ctx)->v;
    ptm_ref_load_f(dst, v->x, v->at + k * v->rs + col * v->cs, v->cs, count);
}

static void store_y(const void *ctx, int64_t row, int64_t col, int64_t count, const double *src)
{
    const struct attention *t = ctx;
    ptm_ref_store_f(t->y.x, t->y.at + (t->first + row) * t->y.rs + col * t->y.cs, t->y.cs, src,
                    count);
}

/* A row that is masked altogether becomes zeros, as in PyTorch from 2.5 on. */
static void softmax_row(double *v, int64_t n)
{
    double max = -HUGE_VAL, sum = 0;
    int64_t masked = 0;
    for (int64_t k = 0; k < n; k++) {
        masked += v[k] == -HUGE_VAL;
        max = v[k] > max ? v[k] : max;
    }
    if (masked == n)
        max = 0;
    for (int64_t k = 0; k < n; k++)
        sum += v[k] = exp(v[k] - max);
    for (int64_t k = 0; k < n && sum != 0; k++)
        v[k] /= sum;
}

static void attend(struct attention *t, int64_t l, int64_t e, int64_t ev,
                   const struct ptm_ref_gemm_space *space)
{
    for (t->first = 0; t->first < l; t->first += QUERY_ROWS) {
        int64_t rows = l - t->first < QUERY_ROWS ? l - t->first : QUERY_ROWS;
        struct ptm_ref_gemm qk = {rows, t->s, e, true, load_q, load_k, store_scores, t};
        ptm_ref_gemm(&qk, space);
        for (int64_t r = 0; r < rows; r++)
            softmax_row(t->scores + r * t->s, t->s);
        struct ptm_ref_gemm pv = {rows, ev, t->s, false, load_scores, load_v, store_y, t};
        ptm_ref_gemm(&pv, space);
    }
}

/* A mask of one row or column serves all. */
static struct matrix mask_matrix(const struct ptm_nd *m)
{
    struct matrix r = {m, 0, 0, 0};
    if (m->rank >= 1 && m->dim[m->rank - 1] != 1)
        r.cs = m->stride[m->rank - 1];
    if (m->rank >= 2 && m->dim[m->rank - 2] != 1)
        r.rs = m->stride[m->rank - 2];
    return r;
}

int ptm_ref_sdpa(const struct ptm_ref_call *c)
{
    const struct ptm_nd *y = c->out, *q = c->in, *k = c->in + 1, *v = c->in + 2;
    const struct ptm_nd *mask = ptm_ref_absent(c, 3) ? NULL : c->in + 3;
    struct ptm_imm_reader attr = ptm_ref_attr(c);
    struct attention t = {last_two(q), last_two(k), last_two(v), {0}, last_two(y), .s = 0};
    t.scale = ptm_imm_f(&attr);
    t.causal = ptm_imm_i(&attr) != 0;
    t.s = k->dim[k->rank - 2];
    int64_t l = q->dim[q->rank - 2], e = q->dim[q->rank - 1], ev = v->dim[v->rank - 1];
    struct ptm_ref_gemm_space space;
    t.scores = ptm_ref_doubles(c, QUERY_ROWS * t.s);
    if (!t.scores || !ptm_ref_gemm_reserve(&space, c, QUERY_ROWS, t.s > ev ? t.s : ev,
                                           t.s > e ? t.s : e))
        return PTM_REF_MEMORY;
    struct ptm_nd batch[5] = {batch_of(y, 2), batch_of(q, 2), batch_of(k, 2), batch_of(v, 2)};
    if (mask) {
        t.mask = mask_matrix(mask);
        batch[4] = *mask;
        batch[4].rank = (uint8_t)(mask->rank > 2 ? mask->rank - 2 : 0);
    }
    int64_t index[PTM_MAX_RANK] = {0};
    if (ptm_ref_numel(y) == 0)
        return 0;
    struct matrix *part[5] = {&t.y, &t.q, &t.k, &t.v, &t.mask};
    do {
        for (int o = 0; o < (mask ? 5 : 4); o++) {
            part[o]->at = 0;
            for (int d = 0; d < batch[o].rank; d++)
                if (batch[o].dim[d] != 1)
                    part[o]->at += index[batch[0].rank - batch[o].rank + d] * batch[o].stride[d];
        }
        attend(&t, l, e, ev, &space);
    } while (ptm_ref_next(batch[0].rank, batch[0].dim, index));
    return 0;
}

/* -- distances -- */
static double distance(const double *a, const double *b, int64_t n, double p)
{
    double d = 0;
    for (int64_t k = 0; k < n; k++) {
        double t = fabs(a[k] - b[k]);
        if (p == 0)
            d += t != 0;
        else if (isinf(p))
            d = t > d || t != t ? t : d;
        else
            d += p == 1 ? t : p == 2 ? t * t : pow(t, p);
    }
    return p == 2 ? sqrt(d) : p == 0 || p == 1 || isinf(p) ? d : pow(d, 1 / p);
}

int ptm_ref_cdist(const struct ptm_ref_call *c)
{
    const struct ptm_nd *y = c->out;
    struct matrix a = last_two(c->in), b = last_two(c->in + 1), d = last_two(y);
    int64_t m = y->dim[y->rank - 2], n = y->dim[y->rank - 1], k = c->in->dim[c->in->rank - 1];
    double *u = ptm_ref_doubles(c, k), *v = ptm_ref_doubles(c, k);
    if (!u || !v)
        return PTM_REF_MEMORY;
    struct ptm_nd by = batch_of(y, 2), ba = batch_of(c->in, 2), bb = batch_of(c->in + 1, 2);
    struct ptm_ref_walk w;
    ptm_ref_walk_init(&w, by.rank, by.dim);
    ptm_ref_walk_add(&w, &by);
    ptm_ref_walk_add(&w, &ba);
    ptm_ref_walk_add(&w, &bb);
    for (bool go = ptm_ref_walk_begin(&w); go; go = ptm_ref_walk_next(&w)) {
        for (int64_t e = 0; e < w.n * m * n; e++) {
            int64_t g = e / (m * n), i = e / n % m, j = e % n;
            if (j == 0)
                ptm_ref_load_f(u, a.x, w.at[1] + g * w.step[1] + i * a.rs, a.cs, k);
            ptm_ref_load_f(v, b.x, w.at[2] + g * w.step[2] + j * b.rs, b.cs, k);
            ptm_ref_put_f(y, w.at[0] + g * w.step[0] + i * d.rs + j * d.cs,
                          distance(u, v, k, c->attr[0].f));
        }
    }
    return 0;
}
