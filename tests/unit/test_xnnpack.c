/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libcore/backend_xnnpack*.c: each operator in many shapes, against reference kernels; operands
 * channels-last and row-major, 1 and 2 threads. Then what is refused.
 * What the library leaves unchecked: test_xnnpack_limits.c.
 */
#include "tests/unit/xnnpack_graphs.h"

static void test_conv(void)
{
    static const struct conv fixed[] = {
        {1, 3, 17, 19, 8, 3, 3, 2, 1, 1, 1},   {1, 3, 32, 32, 16, 7, 7, 2, 3, 1, 1},
        {2, 8, 5, 7, 16, 1, 1, 1, 0, 1, 1},    {1, 8, 9, 9, 5, 1, 1, 2, 0, 1, 1},
        {1, 4, 6, 6, 4, 1, 1, 1, 1, 1, 1},     {1, 6, 13, 11, 9, 3, 3, 1, 2, 2, 3},
        {1, 16, 9, 9, 16, 3, 3, 1, 1, 1, 4},   {1, 12, 14, 14, 12, 3, 3, 1, 1, 1, 12},
        {1, 33, 14, 13, 33, 3, 3, 2, 1, 1, 33}, {2, 20, 12, 12, 20, 5, 5, 1, 2, 1, 20},
        {1, 20, 12, 12, 20, 5, 5, 2, 2, 1, 20}, {1, 10, 12, 12, 10, 3, 3, 1, 2, 2, 10},
        {1, 10, 12, 12, 20, 3, 3, 1, 1, 1, 10}, {1, 7, 9, 9, 7, 1, 1, 1, 0, 1, 7},
        {1, 7, 9, 9, 7, 1, 1, 2, 0, 1, 7},     {1, 1, 9, 9, 1, 3, 3, 1, 1, 1, 1},
        {1, 1, 28, 28, 6, 5, 5, 1, 0, 1, 1},   {1, 3, 4, 4, 2, 4, 4, 1, 3, 1, 1},
    };
    for (size_t i = 0; i < PTM_LEN(fixed); i++)
        for (int bias = 0; bias < 2; bias++) {
            begin();
            finish(add_conv(&fixed[i], bias, bias ? "f 0 f 6" : ""), "conv");
        }
    /* depthwise kernels of every shape, padded to what is fast */
    for (int64_t kh = 1; kh <= 5; kh++)
        for (int64_t kw = 1; kw <= 5; kw++) {
            struct conv v = {1, 18, 9, 8, 18, kh, kw, 1 + below(2), below(3), 1 + below(2), 18};
            begin();
            uint32_t y = add_conv(&v, below(2), "f -0.2 f 0.3");
            if (y != PTM_NO_VALUE)
                finish(y, "depthwise");
        }
    for (int64_t k = 6; k < 25; k += 3) {
        begin();
        finish(add_conv(&(struct conv){1, 9, 3, 40, 9, 1, k, 1, 2, 1, 9}, true, ""), "depthwise");
        begin();
        finish(add_conv(&(struct conv){1, 9, 40, 3, 9, k, 1, 1, 2, 1, 9}, true, ""), "depthwise");
    }
    for (int i = 0; i < 60;) {
        int64_t groups = below(3) ? 1 : 1 + below(5);
        struct conv v = {1 + below(2), groups * (1 + below(9)), 1 + below(15), 1 + below(15),
                         groups * (1 + below(9)), 1 + below(4), 1 + below(4), 1 + below(3),
                         below(4), 1 + below(2), groups};
        begin();
        uint32_t y = add_conv(&v, below(2), below(2) ? "f -inf f 0.1" : "f 0 f inf");
        if (y == PTM_NO_VALUE)
            continue;
        finish(y, "random conv");
        i++;
    }
    begin();
    add_conv(&(struct conv){1, 8, 20, 20, 8, 7, 7, 1, 3, 1, 8}, true, "");
    refused("a depthwise kernel of more than 25 taps, slow in XNNPACK");
    add_conv(&(struct conv){1, 8, 9, 9, 8, 1, 1, 1, 0, 1, 1}, true, "f 1 f 1");
    refused("an empty range");
    node(OP_conv, 2, (uint32_t[]){arg(4, DIMS(1, 2, 4, 4)), arg(4, DIMS(3, 2, 2, 2))},
         "[1 1] [0 0] [1 1] 1");
    refused("weights that are no constants");
    node(OP_conv, 2, (uint32_t[]){arg(3, DIMS(1, 2, 4)), constant_of(3, DIMS(3, 2, 2), false)},
         "[1] [0] [1] 1");
    refused("over 1 dimension");
    add_conv(&(struct conv){1, 1, 1, 70000, 1, 1, 69999, 1, 0, 1, 1}, false, "");
    refused("a kernel above 65536");
    add_conv(&(struct conv){1, 1, 1, 2, 1, 1, 1, 70000, 0, 1, 1}, false, "");
    refused("a stride, padding or dilation above 65536");
    add_conv(&(struct conv){1, 1, 1, 2, 1, 1, 1, 1, 70000, 1, 1}, false, "");
    refused("a stride, padding or dilation above 65536");
    node(OP_conv, 2, (uint32_t[]){arg(4, DIMS(0, 2, 4, 4)), constant_of(4, DIMS(3, 2, 2, 2), 0)},
         "[1 1] [0 0] [1 1] 1");
    refused("no elements");
}

static void test_conv_transpose(void)
{
    for (int i = 0; i < 80;) {
        int64_t groups = below(3) ? 1 : 1 + below(4);
        int64_t c = groups * (1 + below(9)), o = 1 + below(newer ? 4 : 9), stride = 1 + below(3);
        bool bias = below(2);
        begin();
        uint32_t in[3] = {arg(4, DIMS(1 + below(2), c, 1 + below(9), 1 + below(9))),
                          constant_of(4, DIMS(c, o, 1 + below(4), 1 + below(4)), below(3) == 0)};
        in[2] = constant_of(1, DIMS(o * groups), false);
        int padding = (int)below(3), extra = (int)below(stride);
        uint32_t y = node(OP_conv_transpose, bias ? 3 : 2, in,
                          text("[%d %d] [%d %d] [%d %d] [%d %d] %d f -1 f 1", (int)stride,
                               (int)stride, padding, padding, extra, extra, 1 + (int)below(2),
                               1 + (int)below(2), (int)groups));
        struct ptm_claim claim;
        const char *why = y == PTM_NO_VALUE ? "" : ptm_backend_xnnpack.claim(
                              &graph, &graph.node[graph.n_nodes - 1], &claim);
        if (why && strcmp(why, "padding that cuts whole inputs off") && *why)
            CHECK_STR(why, "a result smaller than the stride");
        if (why)
            continue;
        finish(y, "conv_transpose");
        i++;
    }
    begin();
    node(OP_conv_transpose, 2,
         (uint32_t[]){arg(4, DIMS(1, 2, 4, 4)), constant_of(4, DIMS(2, 3, 2, 2), false)},
         "[1 1] [0 0] [1 1] [2 2] 1");
    refused("output padding not below the stride");
    node(OP_conv_transpose, 2,
         (uint32_t[]){arg(4, DIMS(1, 2, 4, 4)), constant_of(4, DIMS(2, 5, 2, 2), false)},
         "[2 2] [0 0] [0 0] [1 1] 1");
    refused(newer ? "strides, which are slow in XNNPACK of 2024" : NULL);
}

static void test_products(void)
{
    for (int i = 0; i < 40; i++) {
        int64_t dim[4] = {1 + below(4), 1 + below(4), 1 + below(4), 1 + below(4)};
        int rank = 1 + (int)below(4);
        int64_t k = dim[rank - 1] = 1 + below(70), o = 1 + below(70);
        bool bias = below(2), product = i % 3 == 0 && rank > 1;
        begin();
        uint32_t in[3] = {arg(rank, dim), product ? constant_of(2, DIMS(k, o), below(2))
                                                  : constant_of(2, DIMS(o, k), below(2)),
                          constant_of(1, DIMS(o), below(2))};
        finish(product ? node(OP_matmul, 2, in, "")
                       : node(OP_linear, bias ? 3 : 2, in, bias ? "f 0 f inf" : ""),
               "product");
    }
    begin();
    if (newer) {
        for (int i = 0; i < 12; i++) {
            int64_t a[4] = {1 + below(3), 1 + below(3), 1 + below(9), 1 + below(40)};
            int64_t b[4] = {a[0], a[1], a[3], 1 + below(40)};
            int skip = (int)below(3);
            begin();
            finish(node(OP_matmul, 2,
                        (uint32_t[]){arg(4 - skip, a + skip), arg(4 - skip, b + skip)}, ""),
                   "batches");
        }
        begin();
        node(OP_matmul, 2, (uint32_t[]){arg(2, DIMS(3, 4)), arg(3, DIMS(2, 4, 5))}, "");
        refused("a product that broadcasts");
    } else {
        node(OP_matmul, 2, (uint32_t[]){arg(2, DIMS(3, 4)), arg(2, DIMS(4, 5))}, "");
        refused("a second operand that is no constant matrix");
    }
    node(OP_matmul, 2, (uint32_t[]){arg(2, DIMS(3, 4)), constant_of(3, DIMS(2, 4, 5), 0)}, "");
    refused("a second operand that is no constant matrix");
    node(OP_linear, 2, (uint32_t[]){arg(2, DIMS(3, 4)), arg(2, DIMS(5, 4))}, "");
    refused("weights that are no constants");
}

static void test_batch_norm(void)
{
    for (int i = 0; i < 12; i++) {
        int64_t c = 1 + below(40);
        uint32_t in[5];
        begin();
        in[0] = i % 4 ? arg(4, DIMS(1 + below(2), c, 1 + below(9), 1 + below(9)))
                      : arg(2, DIMS(3, c));
        in[0] = node(OP_relu, 1, in, ""); /* in place */
        for (int k = 1; k < 5; k++) {
            low = k == 2 ? 0.3F : -1;
            in[k] = constant_of(1, &c, below(2));
            low = -1;
        }
        if (i % 3 == 1)
            in[3] = PTM_NO_VALUE;
        finish(node(OP_batch_norm, i % 3 ? 5 : 3, in, "f 0.00001"), "batch_norm");
    }
    begin();
    uint32_t p = constant_of(1, DIMS(4), false);
    node(OP_batch_norm, 3, (uint32_t[]){arg(3, DIMS(2, 4, 5)), p, p}, "f 0.1");
    refused("batch norm of rank other than 2 and 4");
}

/* -- windows -- */

static void test_pools(void)
{
    for (int i = 0; i < 120;) {
        int k = 1 + (int)below(5), v = 1 + (int)below(5), s = 1 + (int)below(3), p = (int)below(3);
        int ceil = (int)below(2), kind = i % 3, include = (int)below(2);
        int divisor = below(4) ? 0 : 1 + (int)below(9);
        begin();
        uint32_t x = arg(4, DIMS(1 + below(2), 1 + below(40), 1 + below(16), 1 + below(16)));
        uint32_t y = kind == 0
                         ? node(OP_max_pool, 1, &x,
                                text("[%d %d] [%d %d] [%d %d] [1 %d] %d", k, v, s, s, p, p,
                                     1 + (int)below(2), ceil))
                         : node(OP_avg_pool, 1, &x,
                                text("[%d %d] [%d %d] [%d %d] %d %d %d", k, v, s, s, p, p, ceil,
                                     include, divisor));
        struct ptm_claim c;
        const char *why = y == PTM_NO_VALUE ? "" : ptm_backend_xnnpack.claim(
                              &graph, &graph.node[graph.n_nodes - 1], &c);
        if (why)
            continue;
        finish(y, "pool");
        i++;
    }
    begin();
    uint32_t x = arg(4, DIMS(1, 3, 9, 9));
    node(OP_max_pool, 1, &x, "[1 1] [1 1] [0 0] [1 1] 0");
    refused("a window of one element");
    x = arg(4, DIMS(1, 3, 9, 9));
    ptm_graph_output(&graph, node(OP_max_pool, 1, &x, "[2 2] [2 2] [0 0] [1 1] 0") + 1);
    refused("the indices are used");
    x = arg(4, DIMS(1, 3, 9, 9));
    node(OP_avg_pool, 1, &x, "[2 2] [3 3] [0 0] 0 1 0");
    refused("a stride above the window");
    x = arg(4, DIMS(1, 3, 9, 9));
    node(OP_max_pool, 1, &x, "[2 2] [3 3] [0 0] [1 1] 0");
    refused("a stride above the window");
    x = arg(4, DIMS(1, 3, 9, 9));
    node(OP_max_pool, 1, &x, "[3 3] [1 1] [1 1] [2 2] 0");
    refused("dilation with padding");
    x = arg(4, DIMS(1, 3, 8, 8));
    node(OP_avg_pool, 1, &x, "[3 3] [2 2] [1 1] 1 1 0");
    refused("ceil mode with windows of several sizes");
    x = arg(4, DIMS(1, 3, 9, 9));
    node(OP_avg_pool, 1, &x, "[7 7] [2 2] [3 3] 0 1 0");
    refused("padding or a divisor with a window of more than 25 elements");
    x = arg(3, DIMS(1, 3, 9));
    node(OP_avg_pool, 1, &x, "[2] [2] [0] 0 1 0");
    refused("over other than 2 dimensions");
}

static void test_means(void)
{
    static const struct {
        enum ptm_op op;
        int rank;
        int64_t dim[5];
        const char *attrs, *refused;
    } rows[] = {
        {OP_adaptive_avg_pool, 4, {1, 33, 7, 7}, "[1 1]", NULL},
        {OP_adaptive_avg_pool, 4, {2, 5, 1, 1}, "[1 1]", NULL},
        {OP_adaptive_avg_pool, 4, {2, 5, 12, 6}, "[4 3]", NULL},
        {OP_adaptive_avg_pool, 4, {2, 5, 12, 6}, "[5 3]", "cells of several sizes"},
        {OP_adaptive_avg_pool, 4, {2, 5, 6, 6}, "[6 6]", "a window of one element"},
        {OP_adaptive_avg_pool, 3, {2, 5, 6}, "[1]", "over other than 2 dimensions"},
        {OP_mean, 4, {1, 33, 7, 5}, "[2 3] 1", NULL},
        {OP_mean, 4, {3, 33, 7, 5}, "[2 3] 0", NULL},
        {OP_mean, 3, {2, 11, 24}, "[1] 0", NULL},
        {OP_mean, 3, {2, 11, 24}, "[0] 1", NULL},
        {OP_mean, 5, {2, 3, 4, 5, 6}, "[1 2] 0", NULL},
        {OP_mean, 4, {2, 3, 4, 5}, "[1] 1", NULL},
        {OP_mean, 3, {2, 11, 24}, "[2] 0",
         "a mean over other dimensions than those of an image or a sequence"},
        {OP_mean, 4, {2, 3, 4, 5}, "[0 2] 0",
         "a mean over other dimensions than those of an image or a sequence"},
        {OP_mean, 3, {2, 11, 24}, "[] 0",
         "a mean over other dimensions than those of an image or a sequence"},
        {OP_resize, 4, {1, 3, 5, 6}, "[10 12] 2 0 0 [f 0 f 0]", NULL},
        {OP_resize, 4, {1, 3, 5, 6}, "[10 12] 2 0 0 [f 2 f 2]", NULL},
        {OP_resize, 4, {2, 20, 8, 9}, "[13 4] 2 0 0 [f 0 f 0]", NULL},
        {OP_resize, 4, {1, 3, 5, 6}, "[10 12] 2 1 0 [f 0 f 0]", NULL},
        {OP_resize, 4, {1, 3, 5, 6}, "[1 1] 2 1 0 [f 0 f 0]", NULL},
        {OP_resize, 4, {1, 3, 5, 6}, "[1 1] 2 0 0 [f 0 f 0]", NULL},
        {OP_resize, 4, {1, 3, 1, 1}, "[4 7] 2 1 0 [f 0 f 0]", NULL},
        {OP_resize, 4, {1, 3, 1, 1}, "[4 7] 2 0 0 [f 0 f 0]", NULL},
        {OP_resize, 4, {1, 3, 5, 6}, "[10 12] 2 0 0 [f 2.5 f 2]",
         "a scale other than that of the sizes"},
        {OP_resize, 4, {1, 3, 5, 6}, "[10 12] 0 0 0 [f 0 f 0]", "resizing other than bilinear"},
        {OP_resize, 4, {1, 3, 5, 6}, "[10 12] 2 0 1 [f 0 f 0]", "resizing other than bilinear"},
        {OP_pad, 4, {1, 3, 5, 6}, "[0 0 1 2] [0 0 3 0] 0 f 0.5", NULL},
        {OP_pad, 4, {2, 3, 5, 6}, "[1 2 0 0] [0 3 0 1] 0 f 0", NULL},
        {OP_pad, 1, {7}, "[1] [2] 0 f -inf", NULL},
        {OP_pad, 2, {7, 3}, "[0 0] [0 0] 0 f 1", NULL},
        {OP_pad, 5, {2, 2, 3, 2, 3}, "[0 1 0 2 0] [1 1 1 1 1] 0 f 1", NULL},
        {OP_pad, 1, {7}, "[1] [-2] 0 f 0", "padding that cuts"},
        {OP_pad, 2, {7, 3}, "[1 1] [1 1] 1 f 0", "padding with other than a constant"},
        /* these need the library of 2024 */
        {OP_softmax, 2, {3, 17}, "1", NULL},
        {OP_softmax, 1, {1000}, "0", NULL},
        {OP_softmax, 4, {1, 3, 5, 50}, "3", NULL},
        {OP_softmax, 4, {2, 21, 5, 6}, "1", NULL},
        {OP_softmax, 3, {2, 21, 5}, "1", "softmax over a dim that is not the last"},
        {OP_softmax, 0, {0}, "0", "softmax over a dim that is not the last"},
    };
    for (size_t i = 0; i < PTM_LEN(rows) - (newer ? 0 : 6); i++) {
        begin();
        uint32_t x = arg(rows[i].rank, rows[i].dim), y = node(rows[i].op, 1, &x, rows[i].attrs);
        if (rows[i].refused)
            refused(rows[i].refused);
        else
            finish(y, ptm_op_info(rows[i].op)->name);
    }
}

/* -- elementwise -- */

static void test_unary(void)
{
    static const struct {
        enum ptm_op op;
        const char *attrs;
        float low, high;
    } rows[] = {
        {OP_neg, "", -5, 5},        {OP_abs, "", -5, 5},          {OP_floor, "", -5, 5},
        {OP_ceil, "", -5, 5},       {OP_round, "", -5, 5},        {OP_floor, "", -1e10F, 1e10F},
        {OP_round, "", -1e10F, 1e10F}, {OP_sqrt, "", 0, 9},       {OP_sigmoid, "", -9, 9},
        {OP_sigmoid, "", -200, 200}, {OP_relu, "", -5, 5},        {OP_clamp, "f -1 f 2", -5, 5},
        {OP_clamp, "f -inf f 2", -5, 5}, {OP_clamp, "f -inf f inf", -5, 5},
        {OP_hardswish, "", -5, 5},  {OP_elu, "f 1 f 1 f 1", -5, 5},
        {OP_elu, "f 0.3 f 1 f 1", -200, 5}, {OP_leaky_relu, "f 0.01", -5, 5},
        {OP_leaky_relu, "f -2", -5, 5}, {OP_leaky_relu, "f 0", -5, 5},
        {OP_leaky_relu, "f 3", -5, 5},
        /* these need the library of 2024 */
        {OP_tanh, "", -5, 5},       {OP_tanh, "", -100, 100},     {OP_log, "", 0.001F, 9},
        {OP_rsqrt, "", 0.01F, 9},   {OP_gelu, "0", -9, 9},
    };
    for (size_t i = 0; i < PTM_LEN(rows) - (newer ? 0 : 5); i++)
        for (int k = 0; k < 6; k++) {
            static const struct {
                int rank;
                int64_t dim[6];
            } shapes[] = {{0, {0}}, {1, {1}}, {1, {7}}, {4, {2, 5, 7, 3}}, {6, {1, 2, 3, 2, 3, 5}},
                          {2, {3, 5000}}};
            begin();
            low = rows[i].low;
            high = rows[i].high;
            uint32_t x = arg(shapes[k].rank, shapes[k].dim);
            finish(node(rows[i].op, 1, &x, rows[i].attrs), ptm_op_info(rows[i].op)->name);
        }
    low = -1;
    high = 1;
    begin();
    uint32_t x = arg(1, DIMS(3));
    node(OP_elu, 1, &x, "f 1 f 1.05 f 1");
    refused("elu with scales");
    x = arg(1, DIMS(3));
    node(OP_elu, 1, &x, "f -1 f 1 f 1");
    refused("an alpha that is not positive");
    x = arg(1, DIMS(3));
    node(OP_clamp, 1, &x, "f 2 f 1");
    refused("an empty range");
    x = arg(1, DIMS(3));
    node(OP_clamp, 1, &x, "f nan f 1");
    refused("an empty range");
    x = arg(1, DIMS(3));
    node(OP_elu, 1, &x, "f 1e-40 f 1 f 1");
    refused("an alpha that is not positive");
    x = arg(1, DIMS(3));
    node(OP_leaky_relu, 1, &x, "f inf");
    refused("an infinite slope");
    x = arg(1, DIMS(3));
    node(OP_silu, 1, &x, "");
    refused("no faster in XNNPACK than on cpu");
    x = arg(1, DIMS(3));
    node(OP_erf, 1, &x, "");
    refused("no XNNPACK node for this operator");
    x = constant_of(1, DIMS(3), false);
    node(OP_neg, 1, &x, "");
    refused("all operands are constants");
}

static void test_binary(void)
{
    static const enum ptm_op op[] = {OP_add, OP_sub, OP_mul, OP_div};
    for (int i = 0; i < 200; i++) {
        int64_t dim[2][6];
        int rank[2] = {(int)below(6), (int)below(6)}, most;
        if (i % 2)
            rank[0] = 4;
        most = rank[0] > rank[1] ? rank[0] : rank[1];
        for (int d = 0; d < most; d++) { /* counted from the last */
            int64_t size = 1 + below(5);
            for (int k = 0; k < 2; k++)
                if (d < rank[k])
                    dim[k][rank[k] - 1 - d] = below(3) ? size : 1;
        }
        begin();
        enum ptm_op o = op[i % PTM_LEN(op)];
        low = o == OP_div ? 0.5F : -1;
        bool which = below(2), fixed = below(2);
        uint32_t in[2];
        for (int k = 0; k < 2; k++)
            in[k] = fixed && k == which ? constant_of(rank[k], dim[k], below(2))
                                        : arg(rank[k], dim[k]);
        bool bounds = !newer && below(2); /* two passes there */
        finish(node(o, 2, in, o == OP_add && bounds ? "f -0.5 f 0.6" : ""), ptm_op_info(o)->name);
        low = -1;
    }
    /* squares, and what networks do: scales per channel, and sums */
    for (int i = 0; i < 5; i++) {
        static const int64_t dims[][4] = {
            {1, 24, 9, 9}, {1, 24, 1, 1}, {24, 1, 1, 1}, {9, 0, 0, 0}, {1, 1, 9, 9}};
        static const int rank[] = {4, 4, 3, 1, 4};
        for (int fixed = 0; fixed < 2; fixed++) {
            begin();
            uint32_t x = arg(4, DIMS(1, 24, 9, 9));
            uint32_t in[2] = {x, fixed ? constant_of(rank[i], dims[i], false)
                                       : arg(rank[i], dims[i])};
            finish(node(OP_mul, 2, in, ""), "mul");
        }
    }
    begin();
    uint32_t x = arg(4, DIMS(1, 24, 9, 9));
    finish(node(OP_mul, 2, (uint32_t[]){x, x}, ""), "square");
    begin();
    node(OP_add, 2,
         (uint32_t[]){arg(7, DIMS(2, 2, 2, 2, 2, 2, 2)), arg(7, DIMS(2, 1, 2, 1, 2, 1, 2))}, "");
    refused("broadcasting over more than 6 dimensions");
    x = arg(1, DIMS(3));
    node(OP_maximum, 2, (uint32_t[]){x, x}, "");
    refused("XNNPACK gives the other operand where one is NaN");
    x = arg(1, DIMS(3));
    node(OP_add, 2, (uint32_t[]){x, x}, "f 1 f 0");
    refused("an empty range");
}

static void test_prelu(void)
{
    static const struct {
        int rank, slope_rank;
        int64_t dim[4], slope[4];
    } rows[] = {
        {4, 3, {2, 5, 4, 3}, {5, 1, 1}}, {4, 4, {1, 19, 4, 3}, {1, 19, 1, 1}},
        {4, 1, {1, 19, 4, 3}, {1}},      {2, 1, {3, 20}, {20}},
        {3, 1, {3, 2, 20}, {20}},        {3, 0, {3, 2, 20}, {0}},
        {1, 1, {7}, {7}},
    };
    for (size_t i = 0; i < PTM_LEN(rows); i++) {
        begin();
        finish(node(OP_prelu, 2,
                    (uint32_t[]){arg(rows[i].rank, rows[i].dim),
                                 constant_of(rows[i].slope_rank, rows[i].slope, i % 2)},
                    ""),
               "prelu");
    }
    begin();
    node(OP_prelu, 2, (uint32_t[]){arg(4, DIMS(1, 5, 4, 3)), constant_of(1, DIMS(3), false)}, "");
    refused("slopes other than one per channel");
    node(OP_prelu, 2, (uint32_t[]){arg(4, DIMS(1, 5, 4, 3)), arg(1, DIMS(1))}, "");
    refused("slopes that are no constants");
}

/* Values that are results and operands at once, copies in both orders, views between. */
static void test_mixed(void)
{
    begin();
    uint32_t x = arg(4, DIMS(1, 6, 10, 10));
    uint32_t w = constant_of(4, DIMS(6, 6, 3, 3), false);
    uint32_t y = node(OP_conv, 2, (uint32_t[]){x, w}, "[1 1] [1 1] [1 1] 1 f 0 f 6");
    uint32_t sum = node(OP_add, 2, (uint32_t[]){x, y}, "");
    uint32_t p = node(OP_max_pool, 1, &sum, "[5 5] [2 2] [2 2] [1 1] 0");
    uint32_t flat = node(OP_reshape, 1, &p, "[1 150]");
    uint32_t fc = node(OP_linear, 2, (uint32_t[]){flat, constant_of(2, DIMS(9, 150), false)}, "");
    ptm_graph_output(&graph, y);
    ptm_graph_output(&graph, p);
    ptm_graph_output(&graph, fc);
    finish(sum, "mixed");
    /* in place: operands that die */
    begin();
    x = arg(4, DIMS(1, 6, 5, 7));
    y = node(OP_max_pool, 1, &x, "[3 3] [1 1] [1 1] [1 1] 0");
    static const enum ptm_op chain[] = {OP_elu, OP_hardswish, OP_sigmoid, OP_neg};
    for (size_t i = 0; i < PTM_LEN(chain); i++) {
        y = node(chain[i], 1, &y, chain[i] == OP_elu ? "f 1 f 1 f 1" : "");
        y = node(OP_add, 2, (uint32_t[]){constant_of(3, DIMS(6, 1, 1), false), y}, "");
        y = node(OP_mul, 2, (uint32_t[]){y, x}, "");
    }
    finish(y, "in place");
}

int main(void)
{
    CHECK(ptm_backend_find("xnnpack") == &ptm_backend_xnnpack);
    CHECK(ptm_backend_find("none") == NULL);
    for (int k = 0; k < 2 && (k || ready()); k++) {
        last = k;
        test_conv();
        test_conv_transpose();
        test_products();
        test_batch_norm();
        test_pools();
        test_means();
        test_unary();
        test_binary();
        test_prelu();
        test_mixed();
    }
    done();
    TEST_END;
}
