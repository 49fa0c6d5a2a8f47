/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XNNPACK nodes over windows: pools, means, resizing. Values in memory order N, H, W, C.
 *
 * The library averages what lies inside of the input. Means that count the padding, or have a
 * divisor of their own, are depthwise convolutions with equal weights.
 */
#include "libcore/backend.h"

#ifdef PTM_HAVE_XNNPACK

#include <math.h>

#include "libcore/backend_xnnpack.h"

struct window {
    int64_t in[2], out[2];
    int64_t kernel[2], stride[2], padding[2], dilation[2];
    int64_t after[2]; /* padding below and to the right, for what ceil mode adds */
};

static void finish_window(struct window *w)
{
    for (int d = 0; d < 2; d++) {
        int64_t reach = (w->out[d] - 1) * w->stride[d] + (w->kernel[d] - 1) * w->dilation[d] + 1;
        int64_t more = reach - w->in[d] - w->padding[d];
        w->after[d] = more > w->padding[d] ? more : w->padding[d];
    }
}

static void pool_window(const struct ptm_graph *g, const struct ptm_node *n, struct window *w)
{
    const struct ptm_type *x = ptm_xnn_type(g, n, 0), *y = &g->value[n->out].type;
    for (int d = 0; d < 2; d++) {
        w->in[d] = x->dim[2 + d];
        w->out[d] = y->dim[2 + d];
        w->kernel[d] = ptm_xnn_item(g, n, "kernel", d);
        w->stride[d] = ptm_xnn_item(g, n, "stride", d);
        w->padding[d] = ptm_xnn_item(g, n, "padding", d);
        w->dilation[d] = n->op == OP_max_pool ? ptm_xnn_item(g, n, "dilation", d) : 1;
    }
    finish_window(w);
}

static const char *claim_window(const struct window *w)
{
    enum { MOST_SIDE = 1 << 16 };
    if (w->kernel[0] * w->kernel[1] == 1)
        return "a window of one element";
    for (int d = 0; d < 2; d++) {
        if (w->kernel[d] > MOST_SIDE || w->stride[d] > MOST_SIDE || w->dilation[d] > MOST_SIDE)
            return "a window, stride or dilation above 65536";
        if (w->stride[d] > w->kernel[d])
            return "a stride above the window";
    }
    return NULL;
}

static void image_dims(const struct ptm_nd *x, int64_t *dim)
{
    dim[0] = x->dim[0];
    dim[1] = x->dim[2];
    dim[2] = x->dim[3];
    dim[3] = x->dim[1];
}

static uint32_t image_input(struct ptm_xnn_build *b)
{
    int64_t dim[4];
    image_dims(&b->rq->in[0], dim);
    return ptm_xnn_input(b, 0, 4, dim);
}

static uint32_t image_output(struct ptm_xnn_build *b)
{
    int64_t dim[4];
    image_dims(&b->rq->out[0], dim);
    return ptm_xnn_output(b, 4, dim);
}

/* -- pools -- */

const char *ptm_xnn_claim_max_pool(const struct ptm_graph *g, const struct ptm_node *n,
                                   struct ptm_claim *claim)
{
    struct window w;
    if (ptm_xnn_type(g, n, 0)->rank != 4)
        return "over other than 2 dimensions";
    if (!ptm_xnn_unused(g, n, 1))
        return "the indices are used";
    pool_window(g, n, &w);
    for (int d = 0; d < 2; d++) /* the library takes the nearest element inside instead */
        if (w.dilation[d] > 1 && (w.padding[0] || w.padding[1] || w.after[0] || w.after[1]))
            return "dilation with padding";
    claim->layout = LAYOUT_CHANNELS_LAST;
    return claim_window(&w);
}

void ptm_xnn_build_max_pool(struct ptm_xnn_build *b)
{
    struct window w;
    pool_window(b->rq->graph, b->rq->node, &w);
    uint32_t x = image_input(b), y = image_output(b);
    if (ptm_xnn_good(b))
        ptm_xnn_latch(b, xnn_define_max_pooling_2d(
                             b->subgraph, (uint32_t)w.padding[0], (uint32_t)w.after[1],
                             (uint32_t)w.after[0], (uint32_t)w.padding[1], (uint32_t)w.kernel[0],
                             (uint32_t)w.kernel[1], (uint32_t)w.stride[0], (uint32_t)w.stride[1],
                             (uint32_t)w.dilation[0], (uint32_t)w.dilation[1], -INFINITY, INFINITY,
                             x, y, 0));
}

/* Does every window divide by the same number, other than what lies inside of the input? */
static bool divides_alike(const struct ptm_graph *g, const struct ptm_node *n,
                          const struct window *w)
{
    if (ptm_xnn_int(g, n, "divisor"))
        return true;
    return ptm_xnn_int(g, n, "count_include_pad") && (w->padding[0] || w->padding[1]);
}

const char *ptm_xnn_claim_avg_pool(const struct ptm_graph *g, const struct ptm_node *n,
                                   struct ptm_claim *claim)
{
    struct window w;
    int64_t h, v;
    if (ptm_xnn_type(g, n, 0)->rank != 4)
        return "over other than 2 dimensions";
    pool_window(g, n, &w);
    claim->layout = LAYOUT_CHANNELS_LAST;
    if (divides_alike(g, n, &w)) {
        if (!ptm_xnn_depthwise_size(w.kernel[0], w.kernel[1], &h, &v))
            return "padding or a divisor with a window of more than 25 elements";
        if (!ptm_xnn_int(g, n, "divisor") &&
            (w.after[0] != w.padding[0] || w.after[1] != w.padding[1]))
            return "ceil mode with windows of several sizes";
    }
    return claim_window(&w);
}

static void define_average(struct ptm_xnn_build *b, const struct window *w)
{
    uint32_t x = image_input(b), y = image_output(b);
    if (ptm_xnn_good(b))
        ptm_xnn_latch(b, xnn_define_average_pooling_2d(
                             b->subgraph, (uint32_t)w->padding[0], (uint32_t)w->after[1],
                             (uint32_t)w->after[0], (uint32_t)w->padding[1],
                             (uint32_t)w->kernel[0], (uint32_t)w->kernel[1],
                             (uint32_t)w->stride[0], (uint32_t)w->stride[1], -INFINITY, INFINITY,
                             x, y, 0));
}

static void define_weighted(struct ptm_xnn_build *b, const struct window *w, double divisor)
{
    int64_t c = b->rq->in[0].dim[1], h, v;
    ptm_xnn_depthwise_size(w->kernel[0], w->kernel[1], &h, &v);
    int64_t dim[] = {c, h, v, 1};
    float *weight = ptm_xnn_floats(b, &b->weights, (size_t)(c * h * v));
    for (int64_t i = 0; i < c * h * v && weight; i++)
        if (i / v % h < w->kernel[0] && i % v < w->kernel[1])
            weight[i] = (float)(1 / divisor);
    uint32_t x = image_input(b), y = image_output(b);
    uint32_t filter = ptm_xnn_constant(b, 4, dim, weight);
    b->object->packed_bytes += (size_t)(c * h * v) * sizeof(float);
    b->object->kernel = "xnn convolution_2d depthwise (mean)";
    if (ptm_xnn_good(b))
        ptm_xnn_latch(b, xnn_define_convolution_2d(
                             b->subgraph, (uint32_t)w->padding[0],
                             (uint32_t)(w->after[1] + v - w->kernel[1]),
                             (uint32_t)(w->after[0] + h - w->kernel[0]), (uint32_t)w->padding[1],
                             (uint32_t)h, (uint32_t)v, (uint32_t)w->stride[0],
                             (uint32_t)w->stride[1], 1, 1, (uint32_t)c, 1, 1, -INFINITY, INFINITY,
                             x, filter, XNN_INVALID_VALUE_ID, y, 0));
}

void ptm_xnn_build_avg_pool(struct ptm_xnn_build *b)
{
    const struct ptm_graph *g = b->rq->graph;
    const struct ptm_node *n = b->rq->node;
    struct window w;
    pool_window(g, n, &w);
    int64_t divisor = ptm_xnn_int(g, n, "divisor");
    if (divides_alike(g, n, &w))
        define_weighted(b, &w, divisor ? (double)divisor : (double)(w.kernel[0] * w.kernel[1]));
    else
        define_average(b, &w);
}

/* -- means -- */

/* Cells of one size are windows. */
static void cells(const struct ptm_graph *g, const struct ptm_node *n, struct window *w)
{
    const struct ptm_type *x = ptm_xnn_type(g, n, 0), *y = &g->value[n->out].type;
    *w = (struct window){.dilation = {1, 1}};
    for (int d = 0; d < 2; d++) {
        w->in[d] = x->dim[2 + d];
        w->out[d] = y->dim[2 + d];
        w->kernel[d] = w->stride[d] = w->in[d] / w->out[d];
    }
}

const char *ptm_xnn_claim_adaptive_avg_pool(const struct ptm_graph *g, const struct ptm_node *n,
                                            struct ptm_claim *claim)
{
    struct window w;
    if (ptm_xnn_type(g, n, 0)->rank != 4)
        return "over other than 2 dimensions";
    cells(g, n, &w);
    claim->layout = LAYOUT_CHANNELS_LAST;
    if (w.out[0] == 1 && w.out[1] == 1)
        return NULL;
    if (w.in[0] % w.out[0] || w.in[1] % w.out[1])
        return "cells of several sizes";
    return claim_window(&w);
}

/* Means of n rows of c numbers, for each of `batch`. */
static void define_mean(struct ptm_xnn_build *b, int64_t batch, int64_t n, int64_t c)
{
    int64_t x_dim[] = {batch, 1, n, c}, y_dim[] = {batch, c};
    uint32_t x = ptm_xnn_input(b, 0, 4, x_dim), y = ptm_xnn_output(b, 2, y_dim);
    b->object->kernel = "xnn global_average_pooling_2d";
    if (ptm_xnn_good(b))
        ptm_xnn_latch(b, xnn_define_global_average_pooling_2d(b->subgraph, -INFINITY, INFINITY, x,
                                                              y, 0));
}

void ptm_xnn_build_adaptive_avg_pool(struct ptm_xnn_build *b)
{
    const struct ptm_nd *x = &b->rq->in[0];
    struct window w;
    cells(b->rq->graph, b->rq->node, &w);
    finish_window(&w);
    if (w.out[0] == 1 && w.out[1] == 1)
        define_mean(b, x->dim[0], x->dim[2] * x->dim[3], x->dim[1]);
    else
        define_average(b, &w);
}

/* The dims that the node reduces as one bit each. */
static unsigned reduced(const struct ptm_graph *g, const struct ptm_node *n)
{
    unsigned bits = 0;
    for (int64_t i = 0; i < ptm_xnn_int(g, n, "dims"); i++)
        bits |= 1u << ptm_xnn_item(g, n, "dims", (int)i);
    return bits;
}

const char *ptm_xnn_claim_mean(const struct ptm_graph *g, const struct ptm_node *n,
                               struct ptm_claim *claim)
{
    const struct ptm_type *x = ptm_xnn_type(g, n, 0);
    unsigned bits = reduced(g, n);
    if (x->rank == 4 && bits == 0xc) {
        claim->layout = LAYOUT_CHANNELS_LAST;
        return NULL;
    }
    /* neighbouring dims, and not the last */
    while (bits && !(bits & 1))
        bits >>= 1;
    if (!bits || (bits & (bits + 1)) || reduced(g, n) >> (x->rank - 1))
        return "a mean over other dimensions than those of an image or a sequence";
    claim->layout = LAYOUT_ROW_MAJOR;
    return NULL;
}

void ptm_xnn_build_mean(struct ptm_xnn_build *b)
{
    const struct ptm_nd *x = &b->rq->in[0];
    unsigned bits = reduced(b->rq->graph, b->rq->node);
    int64_t size[3] = {1, 1, 1}; /* before, reduced, after */
    if (x->rank == 4 && bits == 0xc) {
        define_mean(b, x->dim[0], x->dim[2] * x->dim[3], x->dim[1]);
        return;
    }
    for (int i = 0; i < x->rank; i++)
        size[bits >> i & 1 ? 1 : bits >> i ? 0 : 2] *= x->dim[i];
    define_mean(b, size[0], size[1], size[2]);
}

/* -- resizing -- */

const char *ptm_xnn_claim_resize(const struct ptm_graph *g, const struct ptm_node *n,
                                 struct ptm_claim *claim)
{
    enum { LINEAR = 2, MOST = 1 << 24 };
    const struct ptm_type *x = ptm_xnn_type(g, n, 0), *y = &g->value[n->out].type;
    if (x->rank != 4)
        return "over other than 2 dimensions";
    if (ptm_xnn_int(g, n, "mode") != LINEAR || ptm_xnn_int(g, n, "antialias"))
        return "resizing other than bilinear";
    for (int d = 0; d < 2; d++) {
        double scale = ptm_node_attr(g, n, "scale")[1 + d].u.f;
        float step = (float)x->dim[2 + d] / (float)y->dim[2 + d];
        if (x->dim[2 + d] >= MOST || y->dim[2 + d] >= MOST)
            return "an image side of 2^24 or more";
        if (!ptm_xnn_int(g, n, "align_corners") && scale > 0 && (float)(1 / scale) != step)
            return "a scale other than that of the sizes";
    }
    claim->layout = LAYOUT_CHANNELS_LAST;
    return NULL;
}

void ptm_xnn_build_resize(struct ptm_xnn_build *b)
{
    const struct ptm_nd *y = &b->rq->out[0];
    bool corners = ptm_xnn_int(b->rq->graph, b->rq->node, "align_corners");
    uint32_t in = image_input(b), out = image_output(b);
    if (ptm_xnn_good(b))
        ptm_xnn_latch(b, xnn_define_static_resize_bilinear_2d(
                             b->subgraph, (size_t)y->dim[2], (size_t)y->dim[3], in, out,
                             corners ? XNN_FLAG_ALIGN_CORNERS : 0));
}

#endif
