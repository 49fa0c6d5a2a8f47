/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What XNNPACK does not check, gets wrong or aborts on, and the test that we do: here, or in
 * test_xnnpack.c (marked x); `all` is compare() in xnnpack_graphs.h.
 *   reads 16 bytes past its operands; a large max pool past its result    all, pools x
 *   accepts filters, widths, results of wrong sizes                       test_shapes
 *   missing and NULL operands abort                                       test_missing
 *   results that nobody reads abort                                       test_dead
 *   0 elements, dims above 2^31, types other than f32, quantized          test_types
 *   ranks above 6                                                         binary x, test_types
 *   numbers at odd addresses abort in 2024                                test_alignment
 *   broadcasting that fits nothing is found when it runs                  test_shapes
 *   min not below max: only an error in 2022; NaN as a bound              unary x, binary x
 *   elu with alpha <= 0 or denormal; leaky relu with an infinite slope    unary x
 *   prelu with slopes other than one per channel: wrong                   prelu x
 *   depthwise kernels of odd sizes: 8 to 50 times slower                  conv x
 *   max pool: 1 x 1; strides above the window (2024); dilated and padded  pools x
 *   average pool that counts the padding, or divides otherwise            pools x
 *   deconvolution: padding that cuts, results below the stride            conv_transpose x
 *   deconvolution with strides, slow in 2024                              conv_transpose x
 *   kernels, strides, paddings whose sums overflow                        conv x
 *   resizing by scales of its own                                         means x
 *   NaN becomes a bound (2022: everywhere; 2024: in some layers)          test_nan
 *   NaN is lost by maximum and minimum                                    binary x
 *   denormals are flushed inside, and not outside                         test_nan
 *   constants that the library reads while running                        binary x, prelu x
 *   a runtime packs weights again in 2022; in 2024 they are shared        test_packs
 * Limits on scales of quantized operands concern no f32 node. Unknown numbers of values, nodes out
 * of order, other batches in one runtime cannot arise: a runtime is one node of fixed sizes.
 */
#include "tests/unit/xnnpack_graphs.h"

static void test_shapes(void)
{
    static const struct {
        enum ptm_op op;
        int rank[2];
        int64_t dim[2][4];
        const char *attrs;
    } rows[] = {
        {OP_conv, {4, 4}, {{1, 4, 9, 9}, {8, 3, 3, 3}}, "[1 1] [0 0] [1 1] 1"},
        {OP_conv, {4, 4}, {{1, 4, 2, 9}, {8, 4, 3, 3}}, "[1 1] [0 0] [1 1] 1"},
        {OP_conv, {4, 4}, {{1, 6, 9, 9}, {8, 2, 3, 3}}, "[1 1] [0 0] [1 1] 3"},
        {OP_conv_transpose, {4, 4}, {{1, 4, 9, 9}, {3, 8, 3, 3}}, "[1 1] [0 0] [0 0] [1 1] 1"},
        {OP_linear, {2, 2}, {{3, 4}, {5, 6}}, ""},
        {OP_matmul, {2, 2}, {{3, 4}, {5, 6}}, ""},
        {OP_add, {2, 2}, {{3, 4}, {3, 5}}, ""},
        {OP_mul, {4, 1}, {{1, 4, 9, 9}, {4}}, ""},
    };
    for (size_t i = 0; i < PTM_LEN(rows); i++) {
        begin();
        CHECK_INT(node(rows[i].op, 2,
                       (uint32_t[]){arg(rows[i].rank[0], rows[i].dim[0]),
                                    constant_of(rows[i].rank[1], rows[i].dim[1], false)},
                       rows[i].attrs),
                  PTM_NO_VALUE);
    }
    /* results declared smaller than they are: the library writes behind them */
    begin();
    uint32_t y = add_conv(&(struct conv){1, 4, 8, 8, 4, 3, 3, 1, 1, 1, 1}, false, "");
    ptm_graph_output(&graph, y);
    CHECK_INT(ptm_graph_verify(&graph, fresh()), PTM_OK);
    graph.value[y].type.dim[3]--;
    CHECK(ptm_graph_verify(&graph, fresh()) != PTM_OK);
}

static void test_missing(void)
{
    static const struct ptm_backend *const list[] = {&ptm_backend_xnnpack};
    struct ptm_plan_options o = {.backend = list, .n_backends = 1, .args_row_major = true};
    struct ptm_exec exec = {0};
    struct ptm_plan plan;
    float result[9 + SLACK];
    begin();
    uint32_t x = arg(1, DIMS(9));
    ptm_graph_output(&graph, node(OP_neg, 1, &x, ""));
    CHECK_INT(ptm_plan_make(&plan, &graph, &arena, &o, fresh()), PTM_OK);
    struct ptm_nd in = {.dtype = PTM_F32, .rank = 1, .dim = {9}, .stride = {1}};
    CHECK_INT(ptm_plan_run(&plan, &exec, &in, NULL, (void *[]){result}, fresh()), PTM_ERR_ARG);
    CHECK_STR(err.msg, "input 0, f32[9], has no data");
    ptm_exec_release(&exec);
    ptm_plan_release(&plan);
    /* optional operands that are absent */
    begin();
    node(OP_batch_norm, 5,
         (uint32_t[]){arg(4, DIMS(1, 3, 4, 4)), constant_of(1, DIMS(3), 0), arg(1, DIMS(3)),
                      PTM_NO_VALUE, PTM_NO_VALUE}, "f 0.1");
    refused("weights that are no constants");
}

static void test_dead(void)
{
    begin();
    uint32_t x = arg(4, DIMS(1, 8, 6, 6)), y = node(OP_neg, 1, &x, "");
    node(OP_sigmoid, 1, &y, ""); /* nobody reads these two */
    node(OP_max_pool, 1, &y, "[2 2] [2 2] [0 0] [1 1] 0");
    finish(node(OP_abs, 1, &y, ""), "dead nodes");
}

static void test_types(void)
{
    begin();
    struct ptm_type t = type_of(1, DIMS(3));
    t.dtype = PTM_F64;
    uint32_t x = ptm_graph_arg(&graph, &t);
    node(OP_neg, 1, &x, "");
    refused("not f32");
    t = type_of(1, DIMS(3));
    t.dtype = PTM_F16;
    x = ptm_graph_arg(&graph, &t);
    node(OP_relu, 1, &x, "");
    refused("not f32");
    t = type_of(1, DIMS(3));
    t.qparams = 0;
    x = ptm_graph_arg(&graph, &t);
    node(OP_relu, 1, &x, "");
    refused("not f32");
    x = arg(2, DIMS(3, 0));
    node(OP_neg, 1, &x, "");
    refused("no elements");
    x = arg(1, DIMS(INT64_C(1) << 32));
    node(OP_neg, 1, &x, "");
    refused("a dimension above 2^31");
    x = arg(7, DIMS(1, 2, 1, 2, 1, 2, 1));
    node(OP_pad, 1, &x, "[0 0 0 0 0 0 1] [0 0 0 0 0 0 0] 0 f 0");
    refused("padding of rank 0 or above 6");
    x = arg(8, DIMS(2, 1, 2, 1, 2, 1, 2, 3)); /* rows of numbers have no rank */
    x = node(OP_sigmoid, 1, &x, "");
    finish(node(OP_add, 2, (uint32_t[]){x, arg(8, DIMS(2, 1, 2, 1, 2, 1, 2, 3))}, ""), "rank 8");
}

/* The constant's numbers, `by` bytes further. */
static uint32_t shifted(uint32_t v, size_t by)
{
    struct ptm_const *c = &graph.constant[graph.value[v].ref];
    size_t n = bytes_of(v);
    char *to = ptm_arena_array(&arena, n + by + 1, 1);
    memcpy(to + by, c->data, n);
    c->data = to + by;
    return v;
}

/* The numbers of the only result when each argument's first is `first`. */
static void run_with(float first, float *result)
{
    static const struct ptm_backend *const list[] = {&ptm_backend_xnnpack};
    struct ptm_plan_options o = {.backend = list, .n_backends = 1, .args_row_major = true};
    struct ptm_exec exec = {0};
    struct ptm_plan plan;
    struct guarded in[MOST], out = {.data = (char *)result};
    for (size_t i = 0; i < graph.n_inputs; i++) {
        in[i] = guarded(bytes_of(graph.input[i]), 0);
        memcpy(in[i].data, &first, sizeof(first));
    }
    CHECK_INT(ptm_plan_make(&plan, &graph, &arena, &o, fresh()), PTM_OK);
    CHECK(all_claimed(&plan));
    run_plan(&plan, &exec, in, &out);
    ptm_plan_release(&plan);
    ptm_exec_release(&exec);
    for (size_t i = 0; i < graph.n_inputs; i++)
        munmap(in[i].map, in[i].bytes);
}

/* Weights at odd addresses give what weights at even ones do. */
static void test_alignment(void)
{
    float y[4][6 + SLACK];
    for (size_t by = 0; by < PTM_LEN(y); by++) {
        uint32_t p[4];
        begin();
        state = 7;
        for (int i = 0; i < 4; i++) {
            low = i == 1 ? 0.5F : -1;
            p[i] = shifted(constant_of(1, DIMS(6), false), by);
        }
        low = -1;
        uint32_t x = arg(4, DIMS(1, 6, 9, 9)), w = shifted(constant_of(4, DIMS(6, 6, 3, 3), 0), by);
        x = node(OP_conv, 3, (uint32_t[]){x, w, p[0]}, "[1 1] [1 1] [1 1] 1");
        w = shifted(constant_of(4, DIMS(6, 6, 2, 2), false), by);
        x = node(OP_conv_transpose, 3, (uint32_t[]){x, w, p[2]}, "[1 1] [0 0] [0 0] [1 1] 1");
        x = node(OP_batch_norm, 5, (uint32_t[]){x, p[0], p[1], p[2], p[3]}, "f 0.1");
        x = node(OP_prelu, 2, (uint32_t[]){x, shifted(constant_of(3, DIMS(6, 1, 1), 0), by)}, "");
        x = node(OP_mul, 2, (uint32_t[]){x, shifted(constant_of(3, DIMS(6, 1, 1), 0), by)}, "");
        x = node(OP_mean, 1, &x, "[2 3] 0");
        w = shifted(constant_of(2, DIMS(6, 6), false), by);
        ptm_graph_output(&graph, node(OP_linear, 3, (uint32_t[]){x, w, p[3]}, ""));
        run_with(1, y[by]);
        CHECK(!memcmp(y[by], y[0], 6 * sizeof(float)));
    }
}

/* A NaN stays one or becomes a bound, never a number in between. */
static void test_nan(void)
{
    static const struct {
        enum ptm_op op;
        const char *attrs;
    } rows[] = {{OP_add, ""},  {OP_sub, ""},  {OP_mul, ""},           {OP_clamp, "f -2 f 3"},
                {OP_relu, ""}, {OP_conv, "[1 1] [0 0] [1 1] 1 f -2 f 3"}, {OP_linear, "f -2 f 3"}};
    for (size_t i = 0; i < PTM_LEN(rows); i++) {
        float y[16 + SLACK];
        begin();
        uint32_t in[2];
        bool conv = rows[i].op == OP_conv, linear = rows[i].op == OP_linear;
        in[0] = arg(conv ? 4 : 2, conv ? DIMS(1, 3, 1, 1) : DIMS(1, 3));
        in[1] = conv     ? constant_of(4, DIMS(4, 3, 1, 1), false)
                : linear ? constant_of(2, DIMS(4, 3), false)
                         : arg(2, DIMS(1, 3));
        bool one = rows[i].op == OP_clamp || rows[i].op == OP_relu;
        if (one)
            graph.n_inputs--;
        ptm_graph_output(&graph, node(rows[i].op, one ? 1 : 2, in, rows[i].attrs));
        run_with(NAN, y);
        bool bound = isinf(y[0]) || y[0] == -2 || y[0] == 3 || y[0] == 0;
        CHECK(isnan(y[0]) || bound);
    }
    /* denormals: zero inside, and as ever afterwards */
    float y[3 + SLACK];
    begin();
    uint32_t in[2] = {arg(1, DIMS(1)), constant_of(1, DIMS(3), false)};
    ptm_graph_output(&graph, node(OP_mul, 2, in, ""));
    run_with(1e-40F, y);
    CHECK(y[0] == 0);
    volatile float small = 1e-40F;
    CHECK(small * 1 != 0);
}

/* A plan for images of that side; the same weights each time. */
static size_t plan_images(struct ptm_plan *plan, struct ptm_packs *packs, int64_t side)
{
    static const struct ptm_backend *const list[] = {&ptm_backend_xnnpack};
    struct ptm_plan_options o = {.backend = list, .n_backends = 1, .args_row_major = true,
                                 .packs = packs};
    size_t bytes = 0;
    state = 7;
    ptm_graph_init(&graph, &arena);
    uint32_t y = add_conv(&(struct conv){1, 8, side, side, 16, 3, 3, 1, 1, 1, 1}, true, "f 0");
    y = node(OP_conv_transpose, 2, (uint32_t[]){y, constant_of(4, DIMS(16, 4, 2, 2), true)},
             "[2 2] [0 0] [0 0] [1 1] 1");
    y = node(OP_prelu, 2, (uint32_t[]){y, constant_of(3, DIMS(4, 1, 1), false)}, "");
    y = node(OP_mean, 1, &y, "[2 3] 0");
    uint32_t w = constant_of(2, DIMS(9, 4), false);
    ptm_graph_output(&graph, node(OP_linear, 2, (uint32_t[]){y, w}, ""));
    CHECK_INT(ptm_plan_make(plan, &graph, &arena, &o, fresh()), PTM_OK);
    CHECK(all_claimed(plan));
    for (size_t i = 0; i < plan->n_steps; i++)
        bytes += plan->step[i].info.packed_bytes;
    return bytes;
}

/* A second input size, or session, packs nothing again where the library lets us keep packs. */
static void test_packs(void)
{
    struct ptm_plan plan[3];
    struct ptm_packs_stats first, now;
    struct ptm_packs *packs = ptm_packs_new();
    begin();
    size_t bytes = plan_images(&plan[0], packs, 8);
    CHECK(bytes > 4 * 8 * 16 * 9);
    ptm_packs_stats(packs, &first);
    CHECK_INT(first.made, newer ? 3 : 0); /* not prelu */
    CHECK(first.bytes == (newer ? bytes : 0));
    CHECK_INT(plan_images(&plan[1], packs, 8), bytes);
    CHECK_INT(plan_images(&plan[2], packs, 20), bytes);
    ptm_packs_stats(packs, &now);
    CHECK_INT(now.made, first.made);
    CHECK_INT(now.bytes, first.bytes);
    CHECK_INT(now.shared, newer ? 6 : 0);
    CHECK(!ptm_packs_next(packs, NULL)); /* of no use in a file */
    for (size_t i = 0; i < PTM_LEN(plan); i++)
        ptm_plan_release(&plan[i]);
    ptm_packs_stats(packs, &now);
    CHECK_INT(now.bytes, 0);
    ptm_packs_free(packs);
}

int main(void)
{
    if (ready()) {
        for (int k = 0; k < 2; k++) {
            last = k;
            test_dead();
        }
        last = false;
        test_alignment();
        test_shapes();
        test_missing();
        test_types();
        test_nan();
        test_packs();
    }
    done();
    TEST_END;
}
