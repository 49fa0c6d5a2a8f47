/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libcore/graph.c, infer*.c: the operator table, the shape rules against PyTorch's answers
 * (tests/ir/infer.cases), building, hashing, comparing, the verifier against broken graphs, costs.
 */
#include "libcore/graph.h"

#include <math.h>
#include <stdlib.h>

#include "libcore/infer.h"
#include "tests/unit/test.h"

static struct ptm_err err;

static struct ptm_err *fresh(void)
{
    err = (struct ptm_err){0};
    return &err;
}

static void test_table(void)
{
    struct ptm_attr_spec spec[PTM_MAX_ATTRS];
    char one[64];
    for (int i = 0; i < PTM_N_OPS; i++) {
        const struct ptm_op_info *info = ptm_op_info((enum ptm_op)i);
        CHECK(ptm_op_by_name(info->name) == (enum ptm_op)i);
        CHECK(info->min_in <= info->max_in && info->n_out >= 1 && info->n_out <= 8);
        CHECK(ptm_ref_find(info->name) != NULL);
        /* the attributes taken apart say the row again */
        char all[256] = "";
        int n = ptm_op_attrs((enum ptm_op)i, spec);
        for (int k = 0; k < n; k++) {
            int at = snprintf(one, sizeof(one), "%s%.*s%s:%c", k ? " " : "", spec[k].len,
                              spec[k].name, spec[k].sym ? "*" : "", spec[k].kind);
            if (spec[k].has_default)
                snprintf(one + at, sizeof(one) - (size_t)at, "=%g", spec[k].def);
            CHECK(!spec[k].has_default || spec[k].kind == 'f');
            strcat(all, one);
        }
        CHECK_STR(all, info->attrs);
    }
    CHECK(ptm_op_info((enum ptm_op)PTM_N_OPS) == NULL);
    CHECK(ptm_op_by_name("no_such_op") == PTM_N_OPS);
}

/* -- rows of infer.cases -- */

/* The end of one type or `_` in an input list. */
static const char *type_end(const char *p)
{
    const char *end = p + strcspn(p, "[,)");
    return *end == '[' ? strchr(end, ']') + 1 : end;
}

/* The row's node as a graph: arguments, the node without result types, `return` of all results. */
static void case_text(const char *row, enum ptm_op op, char *text, size_t size)
{
    const char *p = strchr(row, '(') + 1, *arrow = strstr(row, " -> ");
    char operands[512] = "";
    int n_args = 0;
    size_t at = 0;
    text[0] = 0;
    while (*p != ')') {
        const char *end = type_end(p);
        char one[32] = "_";
        if (*p != '_') {
            at += (size_t)snprintf(text + at, size - at, "%%%d: %.*s = arg\n", n_args,
                                   (int)(end - p), p);
            snprintf(one, sizeof(one), "%%%d", n_args++);
        }
        if (*operands)
            strcat(operands, ", ");
        strcat(operands, one);
        p = end + (*end == ',') + (*end == ',' && end[1] == ' ');
    }
    int n_out = ptm_op_info(op)->n_out;
    for (int i = 0; i < n_out; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%%%d", i ? ", " : "", n_args + i);
    at += (size_t)snprintf(text + at, size - at, " = %s(%s)%.*s\nreturn", ptm_op_info(op)->name,
                           operands, (int)(arrow - p - 1), p + 1);
    for (int i = 0; i < n_out; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%%%d", i ? ", " : " ", n_args + i);
}

static void result_types(const struct ptm_graph *g, char *out)
{
    char one[256];
    out[0] = 0;
    for (size_t i = 0; i < g->n_outputs; i++) {
        if (i)
            strcat(out, ", ");
        strcat(out, ptm_type_text(&g->value[g->output[i]].type, one, sizeof(one)));
    }
}

static void test_cases(void)
{
    char row[1024], text[4096], got[1024], name[64];
    bool good[PTM_N_OPS] = {false};
    int bad_rows = 0;
    FILE *f = fopen("tests/ir/infer.cases", "r");
    CHECK(f != NULL);
    while (f && fgets(row, sizeof(row), f)) {
        row[strcspn(row, "\n")] = 0;
        if (*row == '#')
            continue;
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(row, "("), row);
        enum ptm_op op = ptm_op_by_name(name);
        const char *want = strstr(row, " -> ");
        CHECK(op != PTM_N_OPS && want != NULL);
        if (op == PTM_N_OPS || !want)
            continue;
        struct ptm_arena arena = {0};
        struct ptm_graph g;
        ptm_graph_init(&g, &arena);
        case_text(row, op, text, sizeof(text));
        enum ptm_status s = ptm_graph_parse(&g, text, fresh());
        if (s)
            snprintf(got, sizeof(got), "error");
        else
            result_types(&g, got);
        if (!test_result(!strcmp(got, want + 4), "tests/ir/infer.cases", 0))
            printf("%s, got %s %s\n", row, got, err.msg);
        if (s) {
            /* the message names the operator and, but for words like "bool", numbers */
            bad_rows++;
            CHECK(s == PTM_ERR_TYPE);
            CHECK(strstr(err.msg, name) != NULL);
        } else {
            good[op] = true;
            CHECK(ptm_graph_verify(&g, fresh()) == PTM_OK);
        }
        ptm_arena_release(&arena);
    }
    if (f)
        fclose(f);
    for (int i = 0; i < PTM_N_OPS; i++)
        if (!test_result(good[i], __FILE__, __LINE__))
            printf("no good row for '%s' in tests/ir/infer.cases\n", ptm_op_info(i)->name);
    CHECK(bad_rows > 50);
}

/* -- attribute lists and sizes that no text can say -- */

static enum ptm_status infer1(enum ptm_op op, const struct ptm_type *in, uint32_t n_in,
                              const struct ptm_attr *attr, uint32_t n_attr)
{
    struct ptm_type out[8];
    return ptm_op_infer(op, in, n_in, attr, n_attr, out, fresh());
}

static void test_bad_calls(void)
{
    struct ptm_type x = {.dtype = PTM_F32, .rank = 2, .dim = {2, 3}, .qparams = -1};
    struct ptm_type none = {.dtype = PTM_ABSENT, .qparams = -1}, pair[2] = {x, none};
    struct ptm_attr a[4] = {{.u.i = 0}};
    CHECK_INT(infer1(PTM_N_OPS, &x, 1, NULL, 0), PTM_ERR_TYPE);
    CHECK_INT(infer1(OP_relu, &x, 0, NULL, 0), PTM_ERR_TYPE);
    CHECK_STR(err.msg, "relu: 0 inputs, 1 to 1 wanted");
    CHECK_INT(infer1(OP_relu, pair, 2, NULL, 0), PTM_ERR_TYPE);
    CHECK_INT(infer1(OP_add, pair, 2, NULL, 0), PTM_ERR_TYPE);
    CHECK_STR(err.msg, "add: input 1 of 2 is absent");
    CHECK_INT(infer1(OP_concat, pair, 2, a, 1), PTM_ERR_TYPE);
    CHECK_INT(infer1(OP_relu, &x, 1, a, 1), PTM_ERR_TYPE);
    CHECK_STR(err.msg, "relu: 1 attribute entries given, 0 wanted");
    CHECK_INT(infer1(OP_softmax, &x, 1, NULL, 0), PTM_ERR_TYPE);
    CHECK_STR(err.msg, "softmax: attribute 'dim' is missing: 0 entries given");
    a[0].kind = A_SYM;
    CHECK_INT(infer1(OP_softmax, &x, 1, a, 1), PTM_ERR_TYPE);
    CHECK_STR(err.msg, "softmax: attribute 'dim' may not be a symbol");
    CHECK_INT(infer1(OP_reshape, &x, 1, a, 1), PTM_ERR_TYPE);
    CHECK_STR(err.msg, "reshape: the length of 'dims' is a symbol");
    a[0].kind = A_IMM;
    a[0].u.i = -1;
    CHECK_INT(infer1(OP_reshape, &x, 1, a, 1), PTM_ERR_TYPE);
    a[0].u.i = 9;
    CHECK_INT(infer1(OP_reshape, &x, 1, a, 1), PTM_ERR_TYPE);
    CHECK_STR(err.msg, "reshape: 'dims' has 9 elements, at most 8");
    a[0].u.i = 4;
    CHECK_INT(infer1(OP_reshape, &x, 1, a, 4), PTM_ERR_TYPE);
    CHECK_STR(err.msg, "reshape: 'dims' ends at entry 5, there are 4");
    x.rank = 9;
    CHECK_INT(infer1(OP_relu, &x, 1, NULL, 0), PTM_ERR_LIMIT);
    x.rank = 2;
    x.dtype = 8;
    CHECK_INT(infer1(OP_relu, &x, 1, NULL, 0), PTM_ERR_TYPE);
    x.dtype = PTM_C64;
    CHECK_INT(infer1(OP_relu, &x, 1, NULL, 0), PTM_ERR_UNSUPPORTED);
    CHECK_STR(err.msg, "relu of complex numbers is not supported");
    x.dtype = PTM_F32;
    x.dim[0] = -2;
    CHECK_INT(infer1(OP_relu, &x, 1, NULL, 0), PTM_ERR_TYPE);
    x.dim[0] = x.dim[1] = INT64_MAX / 2;
    CHECK_INT(infer1(OP_relu, &x, 1, NULL, 0), PTM_ERR_LIMIT);
    /* results that would overflow */
    struct ptm_type big[2] = {{.dtype = PTM_F32, .rank = 2, .dim = {INT64_C(1) << 40, 1}},
                              {.dtype = PTM_F32, .rank = 2, .dim = {1, INT64_C(1) << 40}}};
    CHECK_INT(infer1(OP_matmul, big, 2, NULL, 0), PTM_ERR_LIMIT);
    struct ptm_attr bounds[2] = {{.u.f = -HUGE_VAL}, {.u.f = HUGE_VAL}};
    CHECK_INT(infer1(OP_add, big, 2, bounds, 2), PTM_ERR_LIMIT);
    big[0].dim[0] = big[1].dim[1] = 3;
    CHECK_INT(infer1(OP_add, big, 2, bounds, 2), PTM_OK);
    CHECK_INT(infer1(OP_add, big, 2, bounds, 1), PTM_ERR_TYPE);
    CHECK_STR(err.msg, "add: attribute 'max' is missing: 1 entries given");
    bounds[0].u.f = 0;
    CHECK_INT(infer1(OP_add, big, 2, bounds, 2), PTM_OK);
    big[0].dtype = big[1].dtype = PTM_I32;
    CHECK_INT(infer1(OP_add, big, 2, bounds, 2), PTM_ERR_TYPE);
    CHECK_STR(err.msg, "add: bounds 0 and inf of i32, a float type is wanted");
    bounds[0].u.f = NAN;
    CHECK_INT(infer1(OP_add, big, 2, bounds, 2), PTM_ERR_TYPE);
}

/* -- building, hashing, verifying -- */

static const struct ptm_type image = {
    .dtype = PTM_F32, .rank = 4, .dim = {1, 2, 4, 4}, .qparams = -1};
static float weights[8 * 2];

/* relu(conv(x)) with a symbolic slice behind; `variant` changes one thing. */
enum { SAME, OTHER_KEY, OTHER_STRIDE, OTHER_OP, OTHER_ATTR, OTHER_OUTPUT, OTHER_SITE, OTHER_DIM };
static void build(struct ptm_graph *g, struct ptm_arena *arena, int variant)
{
    struct ptm_type x = image, w = image;
    struct ptm_const c = {.data = weights, .stride = {2, 1, 1, 1}, .key = 5, .name = "conv.weight"};
    struct ptm_site site = {"conv", "aten::conv2d", "net.py", 12};
    w.dim[0] = 8;
    w.dim[2] = w.dim[3] = 1;
    if (variant == OTHER_DIM)
        x.dim[3] = 5;
    if (variant == OTHER_KEY)
        c.key = 6;
    if (variant == OTHER_STRIDE)
        c.stride[2] = 7;
    if (variant == OTHER_SITE)
        site.line = 13;
    ptm_graph_init(g, arena);
    uint32_t in[3] = {ptm_graph_arg(g, &x), ptm_graph_const(g, &w, &c), PTM_NO_VALUE};
    uint32_t start = ptm_graph_scalar(g, false);
    struct ptm_attr conv[12] = {{.u.i = 2}, {.u.i = 1}, {.u.i = 1}, {.u.i = 2}, {.u.i = 0},
                                {.u.i = 0}, {.u.i = 2}, {.u.i = 1}, {.u.i = 1}, {.u.i = 1},
                                {.u.f = -HUGE_VAL}, {.u.f = HUGE_VAL}};
    struct ptm_type t = x;
    t.dim[1] = 8;
    uint32_t y = ptm_graph_node(g, OP_conv, in, 3, conv, 12, &t, &site);
    uint32_t z = ptm_graph_node(g, variant == OTHER_OP ? OP_silu : OP_relu, &y, 1, NULL, 0, &t,
                                NULL);
    struct ptm_attr cut[4] = {
        {.u.i = 2}, {.kind = A_SYM, .u.value = start}, {.u.i = 2}, {.u.i = 1}};
    if (variant == OTHER_ATTR)
        cut[0].u.i = 1;
    t.dim[cut[0].u.i] = 2;
    uint32_t s = ptm_graph_node(g, OP_slice, &z, 1, cut, 4, &t, NULL);
    CHECK(ptm_graph_output(g, variant == OTHER_OUTPUT ? z : s));
}

static void test_hash(void)
{
    struct ptm_arena arena = {0};
    struct ptm_graph a, b;
    build(&a, &arena, SAME);
    CHECK_INT(ptm_graph_verify(&a, fresh()), PTM_OK);
    CHECK_STR(err.msg, "");
    for (int v = SAME; v <= OTHER_DIM; v++) {
        bool same = v == SAME || v == OTHER_SITE;
        build(&b, &arena, v);
        CHECK_INT(ptm_graph_verify(&b, fresh()), PTM_OK);
        CHECK(ptm_graph_equal(&a, &b) == same);
        CHECK((ptm_graph_hash(&a) == ptm_graph_hash(&b)) == same);
    }
    const struct ptm_node *conv = &a.node[0], *slice = &a.node[2];
    CHECK_INT(ptm_node_attr(&a, conv, "stride")->u.i, 2);
    CHECK(ptm_node_attr(&a, conv, "groups") == a.attr + conv->attr + 9);
    CHECK(ptm_node_attr(&a, conv, "group") == NULL);
    CHECK(ptm_node_attr(&a, slice, "start")->kind == A_SYM);
    CHECK_INT(ptm_node_macs(&a, conv), 8 * 16 * 2);
    CHECK_INT(ptm_node_bytes(&a, conv), 4 * (32 + 16 + 128));
    CHECK_INT(ptm_node_macs(&a, &a.node[1]), 0);
    CHECK_INT(ptm_node_bytes(&a, slice), 0);
    ptm_arena_release(&arena);
}

/* Breaks the graph in one place; the verifier must find it and say the text. */
#define BROKEN(change, text)                                                                       \
    do {                                                                                           \
        struct ptm_arena arena = {0};                                                              \
        struct ptm_graph g;                                                                        \
        build(&g, &arena, SAME);                                                                   \
        change;                                                                                    \
        CHECK(ptm_graph_verify(&g, fresh()) != PTM_OK);                                            \
        if (!test_result(strstr(err.msg, text) != NULL, __FILE__, __LINE__))                       \
            printf("'%s' is not in '%s'\n", text, err.msg);                                        \
        ptm_arena_release(&arena);                                                                 \
    } while (0)

static void test_broken(void)
{
    BROKEN(g.node[0].op = PTM_N_OPS, "operator");
    BROKEN(g.node[0].n_in = 100, "outside the graph");
    BROKEN(g.node[1].in = 100, "outside the graph");
    BROKEN(g.node[0].n_attr = 9, "'groups' is missing");
    BROKEN(g.node[0].attr = 100, "outside the graph");
    BROKEN(g.node[0].n_site = 2, "outside the graph");
    BROKEN(g.node[0].n_out = 2, "2 outputs");
    BROKEN(g.node[2].out = 100, "is no output");
    BROKEN(g.node[1].out = g.node[0].out, "is no output");
    BROKEN(g.operand[0] = 5, "defined after value 3");
    BROKEN(g.operand[0] = 2, "is scalar 0, no tensor");
    BROKEN(g.operand[1] = PTM_NO_VALUE, "node 0 (conv): conv: input 1 of 3 is absent");
    BROKEN(g.value[3].type.dim[1] = 9, "output 0 is f32[1, 9, 4, 4], the shape rule says f32[1, 8");
    BROKEN(g.value[3].type.dtype = PTM_F64, "the shape rule says");
    BROKEN(g.value[3].type.dtype = 99, "99 is no dtype");
    BROKEN(g.value[3].type.rank = 9, "rank 9, at most 8");
    BROKEN(g.value[3].out_no = 1, "is no output");
    BROKEN(g.value[3].ref = 1, "is no output");
    BROKEN(g.value[3].kind = V_ARG, "input");
    BROKEN(g.value[3].kind = 9, "kind 9");
    BROKEN(g.value[1].ref = 1, "constant 1 of 1");
    BROKEN(g.constant[0].data = NULL, "has no data");
    BROKEN(g.value[2].type.dtype = PTM_F64, "attribute 'start' is i64, scalar 0 is f64");
    BROKEN(g.value[2].type.dtype = PTM_I32, "not an int64 or float64");
    BROKEN(g.attr[13].u.value = 0, "no scalar");
    BROKEN(g.attr[13].u.value = 77, "no scalar");
    BROKEN(g.attr[12].kind = A_SYM, "may not be a symbol");
    BROKEN(g.input[0] = 1, "input 0 is value 1");
    BROKEN(g.scalar[0] = 0, "scalar 0 is value 0");
    BROKEN(g.output[0] = 6, "output 0 is value 6");
    BROKEN(g.output[0] = 2, "output 0 is value 2");
}

/* Every allocation of a build may fail: nothing but a latched arena. */
static void test_memory(void)
{
    for (uint64_t n = 1; n < 4; n++) {
        struct ptm_arena arena = {0};
        struct ptm_graph g;
        struct ptm_type t = image;
        ptm_graph_init(&g, &arena);
        ptm_memory_fail_at(n);
        uint32_t v = 0;
        for (int i = 0; i < 5000 && v != PTM_NO_VALUE; i++)
            v = ptm_graph_arg(&g, &t);
        CHECK(v == PTM_NO_VALUE && arena.failed);
        ptm_memory_fail_at(0);
        ptm_arena_release(&arena);
    }
}

static void test_costs(void)
{
    static const struct {
        const char *text;
        uint64_t macs, bytes, flops;
    } rows[] = {
        {"%0: f32[2, 3, 4] = arg\n%1: f32[4, 5] = arg\n%2 = matmul(%0, %1)\nreturn %2", 120,
         4 * (24 + 20 + 30), 240},
        {"%0: f32[1, 4, 3, 3] = arg\n%1: f32[4, 2, 2, 2] = arg\n%2 = conv_transpose(%0, %1) "
         "stride=[2, 2] padding=[0, 0] output_padding=[0, 0] dilation=[1, 1] groups=1\nreturn %2",
         36 * 8, 4 * (36 + 32 + 72), 2 * 36 * 8},
        {"%0: f32[5, 2, 3] = arg\n%1: f32[2, 4] = arg\n%2: f32[12, 3] = arg\n%3: f32[12, 4] = arg\n"
         "%4, %5 = gru(%0, %1, %2, %3) reverse=0\nreturn %4", 10 * (36 + 48),
         4 * (30 + 8 + 36 + 48 + 40 + 8), 20 * (36 + 48)},
        {"%0: f32[2, 5, 8] = arg\n%1: f32[2, 7, 8] = arg\n%2: f32[2, 7, 6] = arg\n"
         "%3 = sdpa(%0, %1, %2) scale=1 causal=0\nreturn %3", 2 * 5 * 7 * 14,
         4 * (80 + 112 + 84 + 60), 4 * 5 * 7 * 14},
        {"%0: f32[1000, 8] = arg\n%1: i64[4] = arg\n%2 = embedding(%0, %1)\nreturn %2", 0,
         4 * 32 * 2 + 8 * 4, 0},
        {"%0: f16[10] = arg\n%1 = add(%0, %0)\nreturn %1", 0, 40, 10},
        {"%0: f32[1, 2, 4, 4] = arg\n%1 = avg_pool(%0) kernel=[2, 2] stride=[2, 2] padding=[0, 0] "
         "ceil=0 count_include_pad=1 divisor=0\nreturn %1", 0, 4 * (32 + 8), 32},
        {"%0: f32[3, 4] = arg\n%1 = softmax(%0) dim=1\nreturn %1", 0, 4 * 24, 60},
        {"%0: f32[3, 4] = arg\n%1 = sum(%0) dims=[1] keepdim=0\nreturn %1", 0, 4 * 15, 12},
    };
    for (size_t i = 0; i < PTM_LEN(rows); i++) {
        struct ptm_arena arena = {0};
        struct ptm_graph g;
        ptm_graph_init(&g, &arena);
        CHECK_INT(ptm_graph_parse(&g, rows[i].text, fresh()), PTM_OK);
        CHECK_STR(err.msg, "");
        if (g.n_nodes == 1) {
            CHECK_INT(ptm_node_macs(&g, &g.node[0]), rows[i].macs);
            CHECK_INT(ptm_node_bytes(&g, &g.node[0]), rows[i].bytes);
            CHECK_INT(ptm_node_flops(&g, &g.node[0]), rows[i].flops);
        }
        ptm_arena_release(&arena);
    }
}

int main(void)
{
    test_table();
    test_cases();
    test_bad_calls();
    test_hash();
    test_broken();
    test_memory();
    test_costs();
    TEST_END;
}
