/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libcore/backend_xnnpack*.c: each operator in many shapes through a plan with XNNPACK and through
 * one with reference kernels; channels-last and row-major operands, 1 and 2 threads. Arguments
 * end at a page that must not be touched, results 16 bytes before one. Then what is refused.
 */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libcore/infer.h"
#include "libcore/packs.h"
#include "libcore/plan.h"
#include "tests/unit/test.h"

enum { SLACK = 16, MOST = 12 };

static struct ptm_err err;
static struct ptm_arena arena;
static struct ptm_graph graph;
static struct pthreadpool *pools[2];
static bool last; /* rank-4 arguments go through a batch norm first: they are channels-last then */
static uint64_t state = 1;
static bool newer; /* the library of 2024 */
static float low = -1, high = 1; /* of random numbers */

static struct ptm_err *fresh(void)
{
    err = (struct ptm_err){0};
    return &err;
}

static float draw(void)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return low + (high - low) * (float)(state >> 40) / (float)(1 << 24);
}

static int64_t below(int64_t n)
{
    draw();
    return (int64_t)(state >> 33) % n;
}

/* -- graphs -- */

static void begin(void)
{
    ptm_arena_release(&arena);
    ptm_graph_init(&graph, &arena);
}

static struct ptm_type type_of(int rank, const int64_t *dim)
{
    struct ptm_type t = {.dtype = PTM_F32, .rank = (uint8_t)rank, .qparams = -1};
    for (int i = 0; i < rank; i++)
        t.dim[i] = dim[i];
    return t;
}

/* A constant of random numbers; `spread`: with gaps between its elements, last dim first. */
static uint32_t constant_of(int rank, const int64_t *dim, bool spread)
{
    struct ptm_type t = type_of(rank, dim);
    struct ptm_const c = {.key = below(INT32_MAX) + UINT64_C(1)};
    int64_t step = spread ? 2 : 1, n = ptm_type_numel(&t) * step;
    float *f = ptm_arena_array(&arena, (size_t)n + 1, sizeof(*f));
    for (int64_t i = 0; i < n; i++)
        f[i] = draw();
    if (spread)
        for (int i = 0; i < rank; step *= dim[i++])
            c.stride[i] = step;
    else
        ptm_strides_contiguous(rank, dim, c.stride);
    c.data = f;
    return ptm_graph_const(&graph, &t, &c);
}

static struct ptm_attr ints(int64_t i)
{
    return (struct ptm_attr){.kind = A_IMM, .u.i = i};
}

/* Attributes as text: i 3, f 0.5, and lists [1 2]. */
static uint32_t attrs(const char *text, struct ptm_attr *a)
{
    uint32_t n = 0, count = 0;
    for (const char *p = text; *p;) {
        char *end;
        if (*p == '[') {
            count = n++;
            p++;
        } else if (*p == ']') {
            a[count] = ints(n - count - 1);
            p++;
        } else if (*p == 'f') {
            a[n++] = (struct ptm_attr){.kind = A_IMM, .u.f = strtod(p + 1, &end)};
            p = end;
        } else if (*p == ' ') {
            p++;
        } else {
            a[n++] = ints(strtoll(p, &end, 10));
            p = end;
        }
    }
    return n;
}

/* PTM_NO_VALUE when the shape rule refuses. */
static uint32_t node(enum ptm_op op, uint32_t n_in, const uint32_t *in, const char *text)
{
    struct ptm_attr a[40];
    struct ptm_type type[8], out[4];
    uint32_t n = ptm_attr_fill(op, a, attrs(text, a));
    for (uint32_t i = 0; i < n_in; i++) {
        type[i] = (struct ptm_type){.dtype = PTM_ABSENT};
        if (in[i] != PTM_NO_VALUE)
            type[i] = graph.value[in[i]].type;
    }
    if (ptm_op_infer(op, type, n_in, a, n, out, fresh()))
        return PTM_NO_VALUE;
    return ptm_graph_node(&graph, op, in, n_in, a, n, out, NULL);
}

static uint32_t arg(int rank, const int64_t *dim)
{
    struct ptm_type t = type_of(rank, dim);
    uint32_t x = ptm_graph_arg(&graph, &t);
    if (!last || rank != 4)
        return x;
    uint32_t in[3] = {x};
    float save_low = low, save_high = high;
    low = high = 0; /* signs stay */
    in[1] = constant_of(1, dim + 1, false);
    low = 0.5F, high = 1;
    in[2] = constant_of(1, dim + 1, false);
    low = save_low, high = save_high;
    return node(OP_batch_norm, 3, in, "f 0.001");
}

/* -- memory that ends at a page nobody may touch -- */

struct guarded {
    char *map, *data;
    size_t bytes;
};

static struct guarded guarded(size_t bytes, size_t slack)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), n = (bytes + slack + page - 1) / page * page;
    int zero = -1;
    struct guarded g = {.bytes = n + page};
    g.map = mmap(NULL, n + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | 0x20, zero, 0);
    if (g.map == MAP_FAILED || mprotect(g.map + n, page, PROT_NONE))
        abort();
    g.data = g.map + n - bytes - slack;
    memset(g.data + bytes, 0x5a, slack);
    return g;
}

/* -- comparing -- */

static size_t bytes_of(uint32_t v)
{
    return (size_t)ptm_type_numel(&graph.value[v].type) * 4;
}

static void run_plan(const struct ptm_plan *plan, struct ptm_exec *exec, struct guarded *arg_at,
                     struct guarded *out_at)
{
    struct ptm_nd in[MOST];
    void *out[MOST];
    for (size_t i = 0; i < graph.n_inputs; i++) {
        const struct ptm_type *t = &graph.value[graph.input[i]].type;
        in[i] = (struct ptm_nd){.data = arg_at[i].data, .dtype = t->dtype, .rank = t->rank};
        memcpy(in[i].dim, t->dim, sizeof(t->dim));
        ptm_strides_contiguous(t->rank, t->dim, in[i].stride);
    }
    for (size_t i = 0; i < graph.n_outputs; i++)
        out[i] = out_at[i].data;
    CHECK_INT(ptm_plan_run(plan, exec, in, NULL, out, fresh()), PTM_OK);
}

static bool same(const float *a, const float *b, size_t n)
{
    float most = 0;
    for (size_t i = 0; i < n; i++)
        most = isfinite(b[i]) && fabsf(b[i]) > most ? fabsf(b[i]) : most;
    for (size_t i = 0; i < n; i++)
        if (!(a[i] == b[i] || fabsf(a[i] - b[i]) <= 1e-5F * most + 1e-6F)) {
            printf("element %zu of %zu: %g, should be %g (of up to %g)\n", i, n, (double)a[i],
                   (double)b[i], (double)most);
            return false;
        }
    return true;
}

/* The plan's steps that run nodes are XNNPACK's. */
static bool all_claimed(const struct ptm_plan *plan)
{
    for (size_t i = 0; i < plan->n_steps; i++) {
        const struct ptm_plan_step *s = &plan->step[i];
        if (s->node == PTM_NO_VALUE || graph.node[s->node].op == OP_reshape)
            continue;
        if (!s->backend || strncmp(s->info.kernel, "xnn ", 4)) {
            printf("%s: %s\n", ptm_op_info(graph.node[s->node].op)->name,
                   s->reason ? s->reason : "no reason");
            return false;
        }
    }
    return true;
}

static void compare(const char *what)
{
    static const struct ptm_backend *const list[] = {&ptm_backend_xnnpack};
    struct guarded arg_at[2][MOST], out[3][MOST];
    struct ptm_exec exec = {0};
    struct ptm_plan ref, plan;
    int failed = test_failed;
    if (arena.failed || ptm_graph_verify(&graph, fresh()) ||
        ptm_plan_make(&ref, &graph, &arena, NULL, fresh())) {
        printf("%s: %s\n", what, err.msg);
        CHECK(!"a graph");
        return;
    }
    for (size_t i = 0; i < graph.n_inputs; i++) {
        size_t n = bytes_of(graph.input[i]);
        arg_at[0][i] = guarded(n, 0);
        arg_at[1][i] = guarded(n, 0);
        for (size_t k = 0; k < n / 4; k++)
            ((float *)(void *)arg_at[0][i].data)[k] = draw();
        memcpy(arg_at[1][i].data, arg_at[0][i].data, n);
    }
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < graph.n_outputs; i++)
            out[k][i] = guarded(bytes_of(graph.output[i]), SLACK);
    run_plan(&ref, &exec, arg_at[0], out[2]);
    for (int t = 0; t < 2; t++) {
        struct ptm_plan_options o = {.backend = list, .n_backends = 1, .pool = pools[t],
                                     .args_row_major = true};
        CHECK_INT(ptm_plan_make(&plan, &graph, &arena, &o, fresh()), PTM_OK);
        if (err.code) {
            printf("%s\n", err.msg);
            break;
        }
        CHECK_INT(ptm_plan_verify(&plan, fresh()), PTM_OK);
        CHECK(all_claimed(&plan));
        for (int k = 0; k < 5; k++) { /* again, and with other memory, and back */
            int at = k == 2 || k == 3;
            for (size_t i = 0; i < graph.n_outputs; i++)
                memset(out[at][i].data, 0xff, bytes_of(graph.output[i]));
            run_plan(&plan, &exec, arg_at[at], out[at]);
            for (size_t i = 0; i < graph.n_outputs; i++) {
                size_t n = bytes_of(graph.output[i]);
                CHECK(same((float *)(void *)out[at][i].data, (float *)(void *)out[2][i].data,
                           n / 4));
                CHECK(!memcmp(out[at][i].data + n, out[2][i].data + n, SLACK));
            }
        }
        ptm_plan_release(&plan);
    }
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < graph.n_outputs; i++)
            munmap(out[k][i].map, out[k][i].bytes);
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < graph.n_inputs; i++)
            munmap(arg_at[k][i].map, arg_at[k][i].bytes);
    ptm_exec_release(&exec);
    ptm_plan_release(&ref);
    if (failed != test_failed) {
        printf("in: %s%s\n", what, last ? " (channels last)" : "");
        ptm_graph_dump(&graph, stdout);
    }
}

static void finish(uint32_t v, const char *what)
{
    if (v == PTM_NO_VALUE) {
        printf("%s: %s\n", what, err.msg);
        CHECK(!"a node");
        return;
    }
    ptm_graph_output(&graph, v);
    compare(what);
}

/* The last node is refused, and the reason says so. */
static void refused(const char *reason)
{
    struct ptm_claim c;
    const char *why = graph.n_nodes ? ptm_backend_xnnpack.claim(
                                          &graph, &graph.node[graph.n_nodes - 1], &c)
                                    : "no node";
    CHECK_STR(why, reason);
    begin();
}

/* -- layers -- */

static char line[400];

static const char *text(const char *fmt, ...) PTM_PRINTF(1, 2);
static const char *text(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    return line;
}

#define DIMS(...) ((int64_t[]){__VA_ARGS__})

struct conv {
    int64_t n, c, h, w, o, kh, kw, stride, padding, dilation, groups;
};

static uint32_t add_conv(const struct conv *v, bool bias, const char *bounds)
{
    uint32_t in[3] = {arg(4, DIMS(v->n, v->c, v->h, v->w)),
                      constant_of(4, DIMS(v->o, v->c / v->groups, v->kh, v->kw), below(3) == 0),
                      bias ? constant_of(1, DIMS(v->o), below(3) == 0) : PTM_NO_VALUE};
    return node(OP_conv, bias ? 3 : 2, in,
                text("[%d %d] [%d %d] [%d %d] %d %s", (int)v->stride, (int)v->stride,
                     (int)v->padding, (int)v->padding, (int)v->dilation, (int)v->dilation,
                     (int)v->groups, bounds));
}

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
    node(OP_leaky_relu, 1, &x, "f inf");
    refused("an infinite slope");
    x = arg(1, DIMS(3));
    node(OP_erf, 1, &x, "");
    refused("no XNNPACK node for this operator");
    x = constant_of(1, DIMS(3), false);
    node(OP_neg, 1, &x, "");
    refused("all operands are constants");
    struct ptm_type t = type_of(1, DIMS(3));
    t.dtype = PTM_F64;
    x = ptm_graph_arg(&graph, &t);
    node(OP_neg, 1, &x, "");
    refused("not f32");
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
    ptm_graph_output(&graph, node(OP_linear, 2, (uint32_t[]){y, constant_of(2, DIMS(9, 4), 0)}, ""));
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
    const char *why = ptm_backend_xnnpack.unavailable();
    CHECK(ptm_backend_find("xnnpack") == &ptm_backend_xnnpack);
    CHECK(ptm_backend_find("none") == NULL);
    if (why) {
        SKIP(why);
        TEST_END;
    }
    newer = strstr(ptm_backend_xnnpack.about, "2024") != NULL;
    if (getenv("SEED"))
        state = strtoull(getenv("SEED"), NULL, 10);
    pools[1] = ptm_threads_open(2);
    for (int k = 0; k < 2; k++) {
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
    last = false;
    test_packs();
    ptm_threads_close(pools[1]);
    ptm_arena_release(&arena);
    TEST_END;
}
