/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small graphs for tests of the xnnpack backend: built from text, run through a plan with XNNPACK
 * and through one with reference kernels, in memory that ends at a page nobody may touch.
 */
#ifndef PTM_TESTS_XNNPACK_GRAPHS_H
#define PTM_TESTS_XNNPACK_GRAPHS_H

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

/* Room for tests; false: the library is not there, and the test is skipped. */
static bool ready(void)
{
    const char *why = ptm_backend_xnnpack.unavailable();
    if (why) {
        SKIP(why);
        return false;
    }
    newer = strstr(ptm_backend_xnnpack.about, "2024") != NULL;
    if (getenv("SEED"))
        state = strtoull(getenv("SEED"), NULL, 10);
    pools[1] = ptm_threads_open(2);
    return true;
}

static void done(void)
{
    ptm_threads_close(pools[1]);
    ptm_arena_release(&arena);
}

#endif
