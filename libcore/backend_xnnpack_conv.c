/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XNNPACK nodes with weights: convolutions, matrix products, and batch norm as a depthwise
 * convolution of one tap. Weights are constants; the library packs a copy of its own.
 */
#include "libcore/backend.h"

#ifdef PTM_HAVE_XNNPACK

#include <math.h>
#include <string.h>

#include "libcore/backend_xnnpack.h"

enum { MOST_SIDE = 1 << 16 }; /* kernels, strides, paddings: far from overflows in the library */

static uint32_t bias_value(struct ptm_xnn_build *b, uint32_t input)
{
    static const int order[] = {0};
    const struct ptm_nd *x = &b->rq->in[input];
    if (input >= b->rq->n_in || x->dtype == PTM_ABSENT)
        return XNN_INVALID_VALUE_ID;
    b->object->packed_bytes += (size_t)x->dim[0] * sizeof(float);
    const float *data = ptm_xnn_gather(b, &b->weights, x, order);
    return data ? ptm_xnn_constant(b, 1, x->dim, data) : XNN_INVALID_VALUE_ID;
}

/* -- convolutions: values in memory order N, H, W, C -- */

static void nhwc(const struct ptm_nd *x, int64_t *dim)
{
    dim[0] = x->dim[0];
    dim[1] = x->dim[2];
    dim[2] = x->dim[3];
    dim[3] = x->dim[1];
}

static const char *claim_window(const struct ptm_graph *g, const struct ptm_node *n)
{
    const struct ptm_type *w = ptm_xnn_type(g, n, 1);
    static const char *const lists[] = {"stride", "padding", "dilation"};
    if (w->rank != 4)
        return w->rank == 3 ? "over 1 dimension" : "over 3 dimensions";
    if (!ptm_xnn_is_const(g, n, 1) || (ptm_xnn_has(g, n, 2) && !ptm_xnn_is_const(g, n, 2)))
        return "weights that are no constants";
    for (int d = 0; d < 2; d++) {
        if (w->dim[2 + d] > MOST_SIDE)
            return "a kernel above 65536";
        for (size_t i = 0; i < PTM_LEN(lists); i++)
            if (ptm_xnn_item(g, n, lists[i], d) > MOST_SIDE)
                return "a stride, padding or dilation above 65536";
    }
    return ptm_xnn_claim_bounds(g, n);
}

/* Fast code is for these tap counts alone; others run 8 to 50 times slower. */
bool ptm_xnn_depthwise_size(int64_t h, int64_t w, int64_t *padded_h, int64_t *padded_w)
{
    static const uint8_t side[][2] = {{1, 1}, {1, 3}, {3, 1}, {2, 2}, {1, 4}, {4, 1},
                                      {3, 3}, {1, 9}, {9, 1}, {5, 5}, {1, 25}, {25, 1}};
    for (size_t i = 0; i < PTM_LEN(side); i++) {
        *padded_h = side[i][0];
        *padded_w = side[i][1];
        if (h <= *padded_h && w <= *padded_w)
            return true;
    }
    return false;
}

static bool is_depthwise(const struct ptm_type *w)
{
    return w->dim[1] == 1;
}

const char *ptm_xnn_claim_conv(const struct ptm_graph *g, const struct ptm_node *n,
                               struct ptm_claim *claim)
{
    const struct ptm_type *w = ptm_xnn_type(g, n, 1);
    int64_t h, v, groups = ptm_xnn_int(g, n, "groups");
    const char *why = claim_window(g, n);
    if (why)
        return why;
    if (is_depthwise(w) && w->dim[0] == groups &&
        !ptm_xnn_depthwise_size(w->dim[2], w->dim[3], &h, &v))
        return "a depthwise kernel of more than 25 taps, slow in XNNPACK";
    claim->layout = LAYOUT_CHANNELS_LAST;
    return NULL;
}

/* The weights [O, I, kh, kw] as [O, kh', kw', I], with zeros below and to the right. */
static uint32_t filter_value(struct ptm_xnn_build *b, const struct ptm_nd *w, int64_t kh,
                             int64_t kw)
{
    static const int order[] = {0, 2, 3, 1};
    int64_t dim[] = {w->dim[0], kh, kw, w->dim[1]};
    const float *data = ptm_xnn_gather(b, &b->weights, w, order);
    size_t n = (size_t)(dim[0] * kh * kw * dim[3]);
    b->object->packed_bytes += n * sizeof(float);
    if (data && (kh != w->dim[2] || kw != w->dim[3])) {
        float *to = ptm_xnn_floats(b, &b->weights, n);
        int64_t row = w->dim[3] * dim[3];
        if (!to)
            return XNN_INVALID_VALUE_ID;
        for (int64_t i = 0; i < dim[0] * w->dim[2]; i++)
            for (int64_t k = 0; k < row; k++)
                to[((i / w->dim[2]) * kh + i % w->dim[2]) * kw * dim[3] + k] = data[i * row + k];
        data = to;
    }
    return data ? ptm_xnn_constant(b, 4, dim, data) : XNN_INVALID_VALUE_ID;
}

static uint32_t item(const struct ptm_xnn_build *b, const char *name, int i)
{
    return (uint32_t)ptm_xnn_item(b->rq->graph, b->rq->node, name, i);
}

void ptm_xnn_build_conv(struct ptm_xnn_build *b)
{
    const struct ptm_step_request *rq = b->rq;
    const struct ptm_nd *w = &rq->in[1];
    const struct ptm_type *t = ptm_xnn_type(rq->graph, rq->node, 1);
    int64_t x_dim[4], y_dim[4], kh = w->dim[2], kw = w->dim[3];
    size_t groups = (size_t)ptm_xnn_int(rq->graph, rq->node, "groups");
    if (is_depthwise(t) && (size_t)w->dim[0] == groups) {
        ptm_xnn_depthwise_size(w->dim[2], w->dim[3], &kh, &kw);
        b->object->kernel = "xnn convolution_2d depthwise";
    }
    nhwc(&rq->in[0], x_dim);
    nhwc(&rq->out[0], y_dim);
    uint32_t x = ptm_xnn_input(b, 0, 4, x_dim), filter = filter_value(b, w, kh, kw);
    uint32_t bias = bias_value(b, 2), y = ptm_xnn_output(b, 4, y_dim);
    uint32_t dh = item(b, "dilation", 0), dw = item(b, "dilation", 1);
    uint32_t top = item(b, "padding", 0), left = item(b, "padding", 1);
    if (!ptm_xnn_good(b))
        return;
    ptm_xnn_latch(b, xnn_define_convolution_2d(
                         b->subgraph, top, left + (uint32_t)(kw - w->dim[3]) * dw,
                         top + (uint32_t)(kh - w->dim[2]) * dh, left, (uint32_t)kh, (uint32_t)kw,
                         item(b, "stride", 0), item(b, "stride", 1), dh, dw, (uint32_t)groups,
                         (size_t)w->dim[1], (size_t)w->dim[0] / groups,
                         ptm_xnn_float(rq->graph, rq->node, "min"),
                         ptm_xnn_float(rq->graph, rq->node, "max"), x, filter, bias, y, 0));
}

const char *ptm_xnn_claim_conv_transpose(const struct ptm_graph *g, const struct ptm_node *n,
                                         struct ptm_claim *claim)
{
    const struct ptm_type *w = ptm_xnn_type(g, n, 1);
    const char *why = claim_window(g, n);
    if (why)
        return why;
    for (int d = 0; d < 2; d++) {
        int64_t reach = ptm_xnn_item(g, n, "dilation", d) * (w->dim[2 + d] - 1);
        if (ptm_xnn_item(g, n, "output_padding", d) >= ptm_xnn_item(g, n, "stride", d))
            return "output padding not below the stride";
        if (ptm_xnn_item(g, n, "padding", d) > reach)
            return "padding that cuts whole inputs off";
        if (g->value[n->out].type.dim[2 + d] < ptm_xnn_item(g, n, "stride", d))
            return "a result smaller than the stride"; /* the library writes outside of it */
#ifdef PTM_XNN_2024
        enum { FAST = 4 };
        if (ptm_xnn_item(g, n, "stride", d) > 1 && w->dim[1] > FAST)
            return "strides, which are slow in XNNPACK of 2024"; /* a third of cpu's speed */
#endif
    }
    claim->layout = LAYOUT_CHANNELS_LAST;
    return NULL;
}

/* The weights [G * I, O, kh, kw] as [G * O, kh, kw, I]. */
static uint32_t transposed_filter(struct ptm_xnn_build *b, const struct ptm_nd *w, int64_t groups)
{
    static const int order[] = {1, 2, 3, 0};
    int64_t in = w->dim[0] / groups, out = w->dim[1], per_group = out * w->dim[2] * w->dim[3] * in;
    int64_t dim[] = {groups * out, w->dim[2], w->dim[3], in};
    float *to = ptm_xnn_floats(b, &b->weights, (size_t)(groups * per_group));
    b->object->packed_bytes += (size_t)(groups * per_group) * sizeof(float);
    for (int64_t k = 0; k < groups && to; k++) {
        struct ptm_nd part = *w;
        part.dim[0] = in;
        part.data = (char *)w->data + k * in * w->stride[0] * (int64_t)sizeof(float);
        const float *data = ptm_xnn_gather(b, &b->weights, &part, order);
        for (int64_t i = 0; i < per_group && data; i++)
            to[k * per_group + i] = data[i];
    }
    return to ? ptm_xnn_constant(b, 4, dim, to) : XNN_INVALID_VALUE_ID;
}

void ptm_xnn_build_conv_transpose(struct ptm_xnn_build *b)
{
    const struct ptm_step_request *rq = b->rq;
    const struct ptm_nd *w = &rq->in[1];
    int64_t x_dim[4], y_dim[4], groups = ptm_xnn_int(rq->graph, rq->node, "groups");
    nhwc(&rq->in[0], x_dim);
    nhwc(&rq->out[0], y_dim);
    uint32_t x = ptm_xnn_input(b, 0, 4, x_dim), filter = transposed_filter(b, w, groups);
    uint32_t bias = bias_value(b, 2), y = ptm_xnn_output(b, 4, y_dim);
    uint32_t top = item(b, "padding", 0), left = item(b, "padding", 1);
    if (!ptm_xnn_good(b))
        return;
    ptm_xnn_latch(b, xnn_define_deconvolution_2d(
                         b->subgraph, top, left, top, left, item(b, "output_padding", 0),
                         item(b, "output_padding", 1), (uint32_t)w->dim[2], (uint32_t)w->dim[3],
                         item(b, "stride", 0), item(b, "stride", 1), item(b, "dilation", 0),
                         item(b, "dilation", 1), (uint32_t)groups,
                         (size_t)(w->dim[0] / groups), (size_t)w->dim[1],
                         ptm_xnn_float(rq->graph, rq->node, "min"),
                         ptm_xnn_float(rq->graph, rq->node, "max"), x, filter, bias, y, 0));
}

/* -- matrix products with constants: rows of the first operand, leading dims flattened -- */

static void define_product(struct ptm_xnn_build *b, const int *order, uint32_t bias, float min,
                           float max)
{
    const struct ptm_nd *x = &b->rq->in[0], *w = &b->rq->in[1];
    int64_t k = x->dim[x->rank - 1], rows = 1;
    for (int i = 0; i < x->rank - 1; i++)
        rows *= x->dim[i];
    int64_t x_dim[] = {rows, k}, w_dim[] = {w->dim[order[0]], k}, y_dim[] = {rows, w_dim[0]};
    uint32_t in = ptm_xnn_input(b, 0, 2, x_dim), out = ptm_xnn_output(b, 2, y_dim);
    const float *data = ptm_xnn_gather(b, &b->weights, w, order);
    b->object->packed_bytes += (size_t)(w_dim[0] * k) * sizeof(float);
    if (!data)
        return;
    uint32_t filter = ptm_xnn_constant(b, 2, w_dim, data);
    if (ptm_xnn_good(b))
        ptm_xnn_latch(b, xnn_define_fully_connected(b->subgraph, min, max, in, filter, bias, out,
                                                    0));
}

const char *ptm_xnn_claim_linear(const struct ptm_graph *g, const struct ptm_node *n,
                                 struct ptm_claim *claim)
{
    if (!ptm_xnn_is_const(g, n, 1) || (ptm_xnn_has(g, n, 2) && !ptm_xnn_is_const(g, n, 2)))
        return "weights that are no constants";
    claim->layout = LAYOUT_ROW_MAJOR;
    return ptm_xnn_claim_bounds(g, n);
}

void ptm_xnn_build_linear(struct ptm_xnn_build *b)
{
    static const int order[] = {0, 1};
    define_product(b, order, bias_value(b, 2), ptm_xnn_float(b->rq->graph, b->rq->node, "min"),
                   ptm_xnn_float(b->rq->graph, b->rq->node, "max"));
}

#ifdef PTM_XNN_2024
/* Two computed operands: their leading dims are the same, and become one. */
static const char *claim_batches(const struct ptm_type *a, const struct ptm_type *b)
{
    if (a->rank != b->rank)
        return "a product that broadcasts";
    for (int i = 0; i < a->rank - 2; i++)
        if (a->dim[i] != b->dim[i])
            return "a product that broadcasts";
    return NULL;
}

static void define_batches(struct ptm_xnn_build *b)
{
    const struct ptm_nd *x = &b->rq->in[0], *y = &b->rq->in[1];
    int64_t n = 1, x_dim[3], y_dim[3], out_dim[3];
    for (int i = 0; i < x->rank - 2; i++)
        n *= x->dim[i];
    x_dim[0] = y_dim[0] = out_dim[0] = n;
    x_dim[1] = out_dim[1] = x->dim[x->rank - 2];
    x_dim[2] = y_dim[1] = x->dim[x->rank - 1];
    y_dim[2] = out_dim[2] = y->dim[y->rank - 1];
    uint32_t one = ptm_xnn_input(b, 0, 3, x_dim), two = ptm_xnn_input(b, 1, 3, y_dim);
    uint32_t out = ptm_xnn_output(b, 3, out_dim);
    b->object->kernel = "xnn batch_matrix_multiply";
    if (ptm_xnn_good(b))
        ptm_xnn_latch(b, xnn_define_batch_matrix_multiply(b->subgraph, one, two, out, 0));
}
#endif

const char *ptm_xnn_claim_matmul(const struct ptm_graph *g, const struct ptm_node *n,
                                 struct ptm_claim *claim)
{
    claim->layout = LAYOUT_ROW_MAJOR;
    if (ptm_xnn_is_const(g, n, 1) && ptm_xnn_type(g, n, 1)->rank == 2)
        return NULL;
#ifdef PTM_XNN_2024
    if (!ptm_xnn_is_const(g, n, 0) && !ptm_xnn_is_const(g, n, 1))
        return claim_batches(ptm_xnn_type(g, n, 0), ptm_xnn_type(g, n, 1));
#endif
    return "a second operand that is no constant matrix";
}

void ptm_xnn_build_matmul(struct ptm_xnn_build *b)
{
    static const int order[] = {1, 0};
#ifdef PTM_XNN_2024
    if (!ptm_xnn_is_const(b->rq->graph, b->rq->node, 1)) {
        define_batches(b);
        return;
    }
#endif
    define_product(b, order, XNN_INVALID_VALUE_ID, -INFINITY, INFINITY);
}

/* -- batch norm: x * a + b per channel -- */

const char *ptm_xnn_claim_batch_norm(const struct ptm_graph *g, const struct ptm_node *n,
                                     struct ptm_claim *claim)
{
    int rank = ptm_xnn_type(g, n, 0)->rank;
    if (rank != 4 && rank != 2)
        return "batch norm of rank other than 2 and 4";
    for (uint32_t i = 1; i < n->n_in; i++)
        if (ptm_xnn_has(g, n, i) && !ptm_xnn_is_const(g, n, i))
            return "weights that are no constants";
    claim->layout = LAYOUT_CHANNELS_LAST;
    claim->in_place = true; /* the library's kernel for it reads a vector, then writes it */
    return NULL;
}

static double number(const struct ptm_step_request *rq, uint32_t input, int64_t i, double otherwise)
{
    if (input >= rq->n_in || rq->in[input].dtype == PTM_ABSENT)
        return otherwise;
    float v; /* files may hold numbers that are not aligned */
    memcpy(&v, (const char *)rq->in[input].data + i * rq->in[input].stride[0] * (int64_t)sizeof(v),
           sizeof(v));
    return (double)v;
}

void ptm_xnn_build_batch_norm(struct ptm_xnn_build *b)
{
    const struct ptm_step_request *rq = b->rq;
    const struct ptm_nd *x = &rq->in[0];
    int64_t c = x->dim[1], dim[] = {x->dim[0], 1, 1, c}, w_dim[] = {c, 1, 1, 1};
    double eps = ptm_node_attr(rq->graph, rq->node, "eps")->u.f;
    if (x->rank == 4)
        nhwc(x, dim);
    float *scale = ptm_xnn_floats(b, &b->weights, (size_t)c);
    float *shift = ptm_xnn_floats(b, &b->weights, (size_t)c);
    b->object->packed_bytes += 2 * (size_t)c * sizeof(float);
    for (int64_t i = 0; i < c && ptm_xnn_good(b); i++) {
        double a = number(rq, 3, i, 1) / sqrt(number(rq, 2, i, 0) + eps);
        scale[i] = (float)a;
        shift[i] = (float)(number(rq, 4, i, 0) - number(rq, 1, i, 0) * a);
    }
    uint32_t in = ptm_xnn_input(b, 0, 4, dim), out = ptm_xnn_output(b, 4, dim);
    uint32_t filter = ptm_xnn_constant(b, 4, w_dim, scale);
    uint32_t bias = ptm_xnn_constant(b, 1, w_dim, shift);
    if (ptm_xnn_good(b))
        ptm_xnn_latch(b, xnn_define_convolution_2d(b->subgraph, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1,
                                                   (uint32_t)c, 1, 1, -INFINITY, INFINITY, in,
                                                   filter, bias, out, 0));
}

#endif
