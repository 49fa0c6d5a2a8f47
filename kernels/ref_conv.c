/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reference kernels: convolution and its transpose, 1 to 3 spatial dims.
 *
 * For each image and group: a matrix product of the weights [O/g, C/g * taps]
 * with the patches [C/g * taps, positions], which are read from x as the
 * product packs them. The transpose multiplies weights and x, and adds each
 * result where it belongs.
 */
#include "kernels/ref_ops.h"
#include "kernels/ref_util.h"

#include <string.h>

/* All of it in three spatial dims, missing leading ones of size 1. */
struct geometry {
    int64_t in[3], out[3], kernel[3], stride[3], padding[3], dilation[3];
    int64_t xs[3], ws[3], ys[3]; /* strides of x, w and y in those dims */
    int64_t groups, taps, n_in, n_out; /* taps, positions of x and of y */
};

struct conv {
    struct geometry g;
    const struct ptm_nd *x, *w, *b, *y; /* b NULL: none */
    int64_t x_at, w_at, y_at, b_at;     /* this image and group */
    int64_t x_channel, w_row, w_col, y_channel;
    double min, max;                    /* bounds of the result; float types */
    double *sum; /* the transpose: [O/g][n_out] */
};

static void read_list(struct ptm_imm_reader *attr, int64_t *v, int64_t missing)
{
    int64_t n;
    const union ptm_imm *list = ptm_imm_list(attr, &n);
    for (int k = 0; k < 3; k++)
        v[k] = k < 3 - n ? missing : list[k - (3 - n)].i;
}

static void read_geometry(struct conv *v, const struct ptm_ref_call *c, bool transposed)
{
    struct geometry *g = &v->g;
    const struct ptm_nd *x = c->in, *w = c->in + 1, *y = c->out;
    struct ptm_imm_reader attr = ptm_ref_attr(c);
    int64_t output_padding[3];
    read_list(&attr, g->stride, 1);
    read_list(&attr, g->padding, 0);
    if (transposed)
        read_list(&attr, output_padding, 0); /* is in y's dims already */
    read_list(&attr, g->dilation, 1);
    g->groups = ptm_imm_i(&attr);
    v->min = ptm_imm_f(&attr);
    v->max = ptm_imm_f(&attr);
    for (int k = 0; k < 3; k++) {
        int d = k + x->rank - 3; /* in x, w and y; below 2: missing */
        g->in[k] = d < 2 ? 1 : x->dim[d];
        g->out[k] = d < 2 ? 1 : y->dim[d];
        g->kernel[k] = d < 2 ? 1 : w->dim[d];
        g->xs[k] = d < 2 ? 0 : x->stride[d];
        g->ws[k] = d < 2 ? 0 : w->stride[d];
        g->ys[k] = d < 2 ? 0 : y->stride[d];
    }
    g->taps = ptm_ref_product(g->kernel, 3);
    g->n_in = ptm_ref_product(g->in, 3);
    g->n_out = ptm_ref_product(g->out, 3);
}

static void split(int64_t flat, const int64_t *dim, int64_t *index)
{
    index[2] = flat % dim[2];
    index[1] = flat / dim[2] % dim[1];
    index[0] = flat / dim[2] / dim[1];
}

/* Weights of one output channel, from term k = channel * taps + tap on. */
static void load_weights(const void *ctx, int64_t row, int64_t k, int64_t count, double *dst)
{
    const struct conv *v = ctx;
    const struct geometry *g = &v->g;
    int64_t base = v->w_at + row * v->w_row;
    bool dense = g->ws[2] == 1 && g->ws[1] == g->kernel[2] &&
                 g->ws[0] == g->kernel[1] * g->kernel[2] && v->w_col == g->taps;
    if (dense || g->taps == 1) {
        ptm_ref_load_f(dst, v->w, base + k * (dense ? 1 : v->w_col), dense ? 1 : v->w_col, count);
        return;
    }
    for (int64_t j = 0; j < count; j++) {
        int64_t t[3], tap = (k + j) % g->taps;
        split(tap, g->kernel, t);
        dst[j] = ptm_ref_get_f(v->w, base + (k + j) / g->taps * v->w_col + t[0] * g->ws[0] +
                                         t[1] * g->ws[1] + t[2] * g->ws[2]);
    }
}

/* What term k meets at output positions col..: zero outside of x. */
static void load_patches(const void *ctx, int64_t k, int64_t col, int64_t count, double *dst)
{
    const struct conv *v = ctx;
    const struct geometry *g = &v->g;
    int64_t t[3], o[3], channel = v->x_at + k / g->taps * v->x_channel;
    split(k % g->taps, g->kernel, t);
    split(col, g->out, o);
    int64_t shift = t[2] * g->dilation[2] - g->padding[2], s = g->stride[2];
    /* outputs lo <= o[2] < hi read inside of x */
    int64_t lo = shift >= 0 ? 0 : (-shift + s - 1) / s;
    int64_t hi = g->in[2] - shift <= 0 ? 0 : (g->in[2] - shift + s - 1) / s;
    while (count > 0) {
        int64_t z = o[0] * g->stride[0] - g->padding[0] + t[0] * g->dilation[0];
        int64_t y = o[1] * g->stride[1] - g->padding[1] + t[1] * g->dilation[1];
        int64_t n = g->out[2] - o[2] < count ? g->out[2] - o[2] : count;
        int64_t from = lo > o[2] ? lo : o[2], to = hi < o[2] + n ? hi : o[2] + n;
        if (z < 0 || z >= g->in[0] || y < 0 || y >= g->in[1] || from >= to)
            from = to = o[2] + n;
        memset(dst, 0, (size_t)(from - o[2]) * sizeof *dst);
        if (from < to)
            ptm_ref_load_f(dst + (from - o[2]), v->x,
                           channel + z * g->xs[0] + y * g->xs[1] + (from * s + shift) * g->xs[2],
                           s * g->xs[2], to - from);
        memset(dst + (to - o[2]), 0, (size_t)(o[2] + n - to) * sizeof *dst);
        dst += n;
        count -= n;
        o[2] = 0;
        if (++o[1] == g->out[1]) {
            o[1] = 0;
            o[0]++;
        }
    }
}

/* A run of positions of y's channel `row`; the bias is added here. */
static void store_channel(const struct conv *v, int64_t row, int64_t col, int64_t count,
                          const double *src)
{
    const struct geometry *g = &v->g;
    double bias = v->b ? ptm_ref_get_f(v->b, (v->b_at + row) * v->b->stride[0]) : 0;
    int64_t o[3];
    split(col, g->out, o);
    while (count > 0) {
        double line[PTM_REF_BLOCK];
        int64_t n = g->out[2] - o[2] < count ? g->out[2] - o[2] : count;
        n = n < PTM_REF_BLOCK ? n : PTM_REF_BLOCK;
        for (int64_t k = 0; k < n; k++)
            line[k] = src[k] + bias;
        ptm_ref_bound(line, n, v->min, v->max);
        ptm_ref_store_f(v->y,
                        v->y_at + row * v->y_channel + o[0] * g->ys[0] + o[1] * g->ys[1] +
                            o[2] * g->ys[2],
                        g->ys[2], line, n);
        src += n;
        count -= n;
        col += n;
        split(col, g->out, o);
    }
}

static void store_conv(const void *ctx, int64_t row, int64_t col, int64_t count, const double *src)
{
    store_channel(ctx, row, col, count, src);
}

/* Integer types: wrap-around in int64. */
static void convolve_ints(const struct conv *v, int64_t rows, int64_t terms)
{
    const struct geometry *g = &v->g;
    for (int64_t row = 0; row < rows; row++) {
        for (int64_t col = 0; col < g->n_out; col++) {
            uint64_t sum =
                v->b ? (uint64_t)ptm_ref_get_i(v->b, (v->b_at + row) * v->b->stride[0]) : 0;
            int64_t o[3], y_at = v->y_at + row * v->y_channel;
            split(col, g->out, o);
            for (int64_t k = 0; k < terms; k++) {
                int64_t t[3], x_at = v->x_at + k / g->taps * v->x_channel;
                int64_t w_at = v->w_at + row * v->w_row + k / g->taps * v->w_col;
                bool inside = true;
                split(k % g->taps, g->kernel, t);
                for (int d = 0; d < 3; d++) {
                    int64_t i = o[d] * g->stride[d] - g->padding[d] + t[d] * g->dilation[d];
                    inside = inside && i >= 0 && i < g->in[d];
                    x_at += i * g->xs[d];
                    w_at += t[d] * g->ws[d];
                }
                if (inside)
                    sum += (uint64_t)ptm_ref_get_i(v->x, x_at) *
                           (uint64_t)ptm_ref_get_i(v->w, w_at);
            }
            for (int d = 0; d < 3; d++)
                y_at += o[d] * g->ys[d];
            ptm_ref_put_i(v->y, y_at, (int64_t)sum);
        }
    }
}

int ptm_ref_conv(const struct ptm_ref_call *c)
{
    struct conv v = {.x = c->in, .w = c->in + 1, .y = c->out};
    v.b = ptm_ref_absent(c, 2) ? NULL : c->in + 2;
    read_geometry(&v, c, false);
    int64_t rows = v.w->dim[0] / v.g.groups, channels = v.w->dim[1];
    v.x_channel = v.x->stride[1];
    v.y_channel = v.y->stride[1];
    v.w_row = v.w->stride[0];
    v.w_col = v.w->stride[1];
    struct ptm_ref_gemm g = {rows,         v.g.n_out,    channels * v.g.taps, false,
                             load_weights, load_patches, store_conv, &v};
    struct ptm_ref_gemm_space space;
    if (!ptm_ref_gemm_reserve(&space, c, g.m, g.n, g.k))
        return PTM_REF_MEMORY;
    for (int64_t n = 0; n < v.x->dim[0]; n++) {
        for (int64_t group = 0; group < v.g.groups; group++) {
            v.x_at = n * v.x->stride[0] + group * channels * v.x_channel;
            v.y_at = n * v.y->stride[0] + group * rows * v.y_channel;
            v.w_at = group * rows * v.w_row;
            v.b_at = group * rows;
            if (ptm_ref_is_float(v.y->dtype))
                ptm_ref_gemm(&g, &space);
            else
                convolve_ints(&v, rows, g.k);
        }
    }
    return 0;
}

/* -- the transpose -- */

/* Row = output channel * taps + tap; k = channel of x. */
static void load_weights_t(const void *ctx, int64_t row, int64_t k, int64_t count, double *dst)
{
    const struct conv *v = ctx;
    const struct geometry *g = &v->g;
    int64_t t[3];
    split(row % g->taps, g->kernel, t);
    ptm_ref_load_f(dst, v->w,
                   v->w_at + k * v->w_row + row / g->taps * v->w_col + t[0] * g->ws[0] +
                       t[1] * g->ws[1] + t[2] * g->ws[2],
                   v->w_row, count);
}

static void load_positions(const void *ctx, int64_t k, int64_t col, int64_t count, double *dst)
{
    const struct conv *v = ctx;
    const struct geometry *g = &v->g;
    while (count > 0) {
        int64_t i[3];
        split(col, g->in, i);
        int64_t n = g->in[2] - i[2] < count ? g->in[2] - i[2] : count;
        ptm_ref_load_f(dst, v->x,
                       v->x_at + k * v->x_channel + i[0] * g->xs[0] + i[1] * g->xs[1] +
                           i[2] * g->xs[2],
                       g->xs[2], n);
        dst += n;
        col += n;
        count -= n;
    }
}

static void add_results(const void *ctx, int64_t row, int64_t col, int64_t count,
                        const double *src)
{
    const struct conv *v = ctx;
    const struct geometry *g = &v->g;
    int64_t t[3], i[3], o[3];
    split(row % g->taps, g->kernel, t);
    double *sum = v->sum + row / g->taps * g->n_out;
    for (int64_t k = 0; k < count; k++) {
        split(col + k, g->in, i);
        bool inside = true;
        for (int d = 0; d < 3; d++) {
            o[d] = i[d] * g->stride[d] - g->padding[d] + t[d] * g->dilation[d];
            inside = inside && o[d] >= 0 && o[d] < g->out[d];
        }
        if (inside)
            sum[(o[0] * g->out[1] + o[1]) * g->out[2] + o[2]] += src[k];
    }
}

int ptm_ref_conv_transpose(const struct ptm_ref_call *c)
{
    struct conv v = {.x = c->in, .w = c->in + 1, .y = c->out};
    v.b = ptm_ref_absent(c, 2) ? NULL : c->in + 2;
    read_geometry(&v, c, true);
    int64_t rows = v.w->dim[1], channels = v.w->dim[0] / v.g.groups;
    v.x_channel = v.x->stride[1];
    v.y_channel = v.y->stride[1];
    v.w_row = v.w->stride[0];
    v.w_col = v.w->stride[1];
    struct ptm_ref_gemm g = {rows * v.g.taps, v.g.n_in,    channels,    false,
                             load_weights_t,  load_positions, add_results, &v};
    struct ptm_ref_gemm_space space;
    v.sum = ptm_ref_doubles(c, rows * v.g.n_out);
    if (!v.sum || !ptm_ref_gemm_reserve(&space, c, g.m, g.n, g.k))
        return PTM_REF_MEMORY;
    for (int64_t n = 0; n < v.x->dim[0]; n++) {
        for (int64_t group = 0; group < v.g.groups; group++) {
            v.x_at = n * v.x->stride[0] + group * channels * v.x_channel;
            v.y_at = n * v.y->stride[0] + group * rows * v.y_channel;
            v.w_at = group * channels * v.w_row;
            v.b_at = group * rows;
            memset(v.sum, 0, (size_t)(rows * v.g.n_out) * sizeof *v.sum);
            ptm_ref_gemm(&g, &space);
            for (int64_t row = 0; row < rows; row++)
                store_channel(&v, row, 0, v.g.n_out, v.sum + row * v.g.n_out);
        }
    }
    return 0;
}
