/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xnnpack_bare NET RUNS: mobilenet_v2 or resnet18 at 224x224 as one XNNPACK runtime over random
 * weights, one thread and nothing around it: what xnnpack_share.py measures ptm's xnnpack backend
 * against. Prints the nanoseconds of each run, one a line.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xnnpack.h>

struct net {
    xnn_subgraph_t graph;
    uint32_t last; /* the present value, its side and channels */
    size_t side, channels;
};

static void need(enum xnn_status s)
{
    if (s == xnn_status_success)
        return;
    fprintf(stderr, "xnnpack_bare: XNNPACK's status %d\n", (int)s);
    exit(1);
}

/* Kept until the end: the library reads some of them while it runs. */
static float *numbers(size_t n, float largest)
{
    float *f = malloc(n * sizeof(*f) + XNN_EXTRA_BYTES);
    if (!f)
        exit(1);
    for (size_t i = 0; i < n; i++)
        f[i] = (2 * (float)rand() / (float)RAND_MAX - 1) * largest;
    return f;
}

static uint32_t value(struct net *n, size_t rank, const size_t *dim, const float *data,
                      uint32_t external, uint32_t flags)
{
    uint32_t id;
    need(xnn_define_tensor_value(n->graph, xnn_datatype_fp32, rank, dim, data, external, flags,
                                 &id));
    return id;
}

static uint32_t image(struct net *n)
{
    size_t dim[] = {1, n->side, n->side, n->channels};
    return value(n, 4, dim, NULL, XNN_INVALID_VALUE_ID, 0);
}

static uint32_t conv(struct net *n, uint32_t x, size_t out, uint32_t kernel, uint32_t stride,
                     bool depthwise, float min, float max)
{
    size_t in = n->channels, groups = depthwise ? in : 1, taps = kernel * kernel * (in / groups);
    size_t dim[] = {out, kernel, kernel, in / groups};
    const float *weights = numbers(out * taps, sqrtf(6.0F / (float)taps));
    uint32_t w = value(n, 4, dim, weights, XNN_INVALID_VALUE_ID, 0);
    uint32_t bias = value(n, 1, dim, numbers(out, 0.1F), XNN_INVALID_VALUE_ID, 0);
    uint32_t pad = kernel / 2;
    n->side = (n->side + 2 * pad - kernel) / stride + 1;
    n->channels = out;
    n->last = image(n);
    need(xnn_define_convolution_2d(n->graph, pad, pad, pad, pad, kernel, kernel, stride, stride, 1,
                                   1, (uint32_t)groups, in / groups, out / groups, min, max, x, w,
                                   bias, n->last, 0));
    return n->last;
}

static uint32_t sum(struct net *n, uint32_t x, uint32_t y, float min)
{
    n->last = image(n);
    need(xnn_define_add2(n->graph, min, INFINITY, x, y, n->last, 0));
    return n->last;
}

static void mobilenet_v2(struct net *n)
{
    static const struct {
        uint8_t wider, n, stride;
        uint16_t out;
    } rows[] = {{1, 1, 1, 16}, {6, 2, 2, 24}, {6, 3, 2, 32}, {6, 4, 2, 64},
                {6, 3, 1, 96}, {6, 3, 2, 160}, {6, 1, 1, 320}};
    conv(n, n->last, 32, 3, 2, false, 0, 6);
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
        for (int i = 0; i < rows[r].n; i++) {
            uint32_t x = n->last, stride = i ? 1 : rows[r].stride;
            size_t in = n->channels;
            if (rows[r].wider > 1)
                conv(n, n->last, in * rows[r].wider, 1, 1, false, 0, 6);
            conv(n, n->last, n->channels, 3, stride, true, 0, 6);
            conv(n, n->last, rows[r].out, 1, 1, false, -INFINITY, INFINITY);
            if (stride == 1 && in == rows[r].out)
                sum(n, x, n->last, -INFINITY);
        }
    conv(n, n->last, 1280, 1, 1, false, 0, 6);
}

static void resnet18(struct net *n)
{
    conv(n, n->last, 64, 7, 2, false, 0, INFINITY);
    uint32_t x = n->last;
    n->side = (n->side - 1) / 2 + 1;
    n->last = image(n);
    need(xnn_define_max_pooling_2d(n->graph, 1, 1, 1, 1, 3, 3, 2, 2, 1, 1, -INFINITY, INFINITY, x,
                                   n->last, 0));
    for (size_t i = 0; i < 8; i++) {
        size_t out = (size_t)64 << i / 2, in = n->channels, side = n->side;
        uint32_t first = n->last, stride = in == out ? 1 : 2;
        conv(n, first, out, 3, stride, false, 0, INFINITY);
        uint32_t y = conv(n, n->last, out, 3, 1, false, -INFINITY, INFINITY);
        if (stride == 2) {
            n->side = side;
            n->channels = in;
            first = conv(n, first, out, 1, 2, false, -INFINITY, INFINITY);
        }
        sum(n, y, first, 0);
    }
}

static void classes(struct net *n, uint32_t y)
{
    size_t w_dim[] = {1000, n->channels}, mean_dim[] = {1, n->channels};
    uint32_t mean = value(n, 2, mean_dim, NULL, XNN_INVALID_VALUE_ID, 0);
    need(xnn_define_global_average_pooling_2d(n->graph, -INFINITY, INFINITY, n->last, mean, 0));
    uint32_t w = value(n, 2, w_dim, numbers(1000 * n->channels, 0.05F), XNN_INVALID_VALUE_ID, 0);
    uint32_t bias = value(n, 1, w_dim, numbers(1000, 0.1F), XNN_INVALID_VALUE_ID, 0);
    need(xnn_define_fully_connected(n->graph, -INFINITY, INFINITY, mean, w, bias, y, 0));
}

int main(int argc, char **argv)
{
    bool small = argc == 3 && !strcmp(argv[1], "mobilenet_v2");
    if (argc != 3 || (!small && strcmp(argv[1], "resnet18"))) {
        fputs("usage: xnnpack_bare mobilenet_v2|resnet18 RUNS\n", stderr);
        return 2;
    }
    struct net n = {.side = 224, .channels = 3};
    size_t x_dim[] = {1, 224, 224, 3}, y_dim[] = {1, 1000};
    struct xnn_external_value external[] = {{0, numbers(224 * 224 * 3, 1)}, {1, numbers(1000, 0)}};
    xnn_runtime_t runtime;
    need(xnn_initialize(NULL));
    need(xnn_create_subgraph(2, 0, &n.graph));
    n.last = value(&n, 4, x_dim, NULL, 0, XNN_VALUE_FLAG_EXTERNAL_INPUT);
    uint32_t y = value(&n, 2, y_dim, NULL, 1, XNN_VALUE_FLAG_EXTERNAL_OUTPUT);
    (small ? mobilenet_v2 : resnet18)(&n);
    classes(&n, y);
    need(xnn_create_runtime_v2(n.graph, NULL, 0, &runtime));
    need(xnn_setup_runtime(runtime, 2, external));
    for (int i = atoi(argv[2]); i > 0; i--) {
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        need(xnn_invoke_runtime(runtime));
        clock_gettime(CLOCK_MONOTONIC, &b);
        printf("%lld\n", (long long)(b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec);
    }
    xnn_delete_runtime(runtime);
    return 0;
}
