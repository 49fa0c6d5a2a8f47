/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libcore/backend_cpu*.c: graphs as text, in many shapes, through a plan with the cpu backend and
 * one with reference kernels; every instruction set, 1 and 2 threads, row-major and channels-last
 * operands. Arguments and results end at a page that must not be touched. Then what is refused.
 */
#define _DEFAULT_SOURCE
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernels/cpu.h"
#include "kernels/half.h"
#include "libcore/plan.h"
#include "libcore/walk.h"
#include "tests/unit/test.h"

enum { MOST = 8, TEXT = 2048 };

static struct ptm_err err;
static struct ptm_arena arena;
static struct ptm_graph graph;
static struct pthreadpool *pools[2];
static uint64_t state = 1;
static const uint32_t masks[] = {PTM_CPU_C, PTM_CPU_AVX2, UINT32_MAX};
static size_t turn; /* which mask and pool: they take turns, case by case */

static struct ptm_err *fresh(void)
{
    err = (struct ptm_err){0};
    return &err;
}

static uint32_t draw(uint32_t n)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33) % n;
}

static float number(void)
{
    return (float)draw(1 << 20) / (float)(1 << 19) - 1.0F;
}

/* -- memory that ends at a page nobody may touch -- */

struct guarded {
    char *map, *data;
    size_t bytes;
};

static struct guarded guarded(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), n = (bytes + page - 1) / page * page;
    struct guarded g = {.bytes = n + page};
    g.map = mmap(NULL, n + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g.map == MAP_FAILED || mprotect(g.map + n, page, PROT_NONE))
        abort();
    g.data = g.map + n - bytes;
    return g;
}

static size_t bytes_of(uint32_t v)
{
    const struct ptm_type *t = &graph.value[v].type;
    return (size_t)ptm_type_numel(t) * ptm_dtype_bytes(t->dtype);
}

/* Numbers in -1..1; of integers small ones, of bools 0 and 1. */
static void fill(void *p, const struct ptm_type *t, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (t->dtype == PTM_F32)
            ((float *)p)[i] = number();
        else if (t->dtype == PTM_F16)
            ((uint16_t *)p)[i] = ptm_f32_to_f16(number());
        else if (t->dtype == PTM_I64)
            ((int64_t *)p)[i] = (int64_t)draw(3);
        else
            ((uint8_t *)p)[i] = (uint8_t)draw(2);
    }
}

/* The parser's constants are zeros of the arena; variances must not be negative. */
static void fill_constants(void)
{
    for (size_t v = 0; v < graph.n_values; v++) {
        if (graph.value[v].kind != V_CONST)
            continue;
        struct ptm_const *c = &graph.constant[graph.value[v].ref];
        const struct ptm_type *t = &graph.value[v].type;
        size_t n = (size_t)ptm_type_numel(t);
        float *data = ptm_arena_array(&arena, 2 * n + 1, 8);
        fill(data, t, 2 * n);
        bool positive = c->name && !strcmp(c->name, "positive");
        for (size_t i = 0; i < 2 * n && t->dtype == PTM_F32; i++)
            data[i] = positive ? fabsf(data[i]) + 0.1F : 0.4F * data[i];
        c->data = data;
    }
}

/* -- comparing -- */

static void run_plan(const struct ptm_plan *plan, struct ptm_exec *exec,
                     const struct guarded *arg_at, const struct guarded *out_at)
{
    struct ptm_nd in[MOST];
    void *out[MOST];
    for (size_t i = 0; i < graph.n_inputs; i++) {
        const struct ptm_type *t = &graph.value[graph.input[i]].type;
        in[i] = (struct ptm_nd){.data = arg_at[i].data, .dtype = t->dtype, .rank = t->rank};
        memcpy(in[i].dim, t->dim, sizeof(t->dim));
        ptm_strides_contiguous(t->rank, t->dim, in[i].stride);
    }
    for (size_t i = 0; i < graph.n_outputs; i++) {
        out[i] = out_at[i].data;
        memset(out[i], 0xff, bytes_of(graph.output[i]));
    }
    CHECK_INT(ptm_plan_run(plan, exec, in, NULL, out, fresh()), PTM_OK);
}

static bool same(const float *a, const float *b, size_t n)
{
    float most = 1e-3F;
    for (size_t i = 0; i < n; i++)
        most = isfinite(b[i]) && fabsf(b[i]) > most ? fabsf(b[i]) : most;
    for (size_t i = 0; i < n; i++) {
        bool nan = isnan(a[i]) && isnan(b[i]);
        if (!nan && !(a[i] == b[i]) && !(fabsf(a[i] - b[i]) <= 2e-5F * most)) {
            printf("element %zu of %zu: %g, should be %g (of up to %g)\n", i, n, (double)a[i],
                   (double)b[i], (double)most);
            return false;
        }
    }
    return true;
}

/* Every node has a step of the backend, or is one that the name says is left. */
static bool all_claimed(const struct ptm_plan *plan)
{
    for (size_t i = 0; i < plan->n_steps; i++) {
        const struct ptm_plan_step *s = &plan->step[i];
        if (s->node == PTM_NO_VALUE || s->backend)
            continue;
        printf("%s: %s\n", ptm_op_info(graph.node[s->node].op)->name, s->reason);
        return false;
    }
    return true;
}

static size_t parts, reorders; /* of plans: values made where a concat joins them; copies */

static void count_places(const struct ptm_plan *plan)
{
    for (size_t v = 0; v < graph.n_values; v++)
        parts += plan->place[v].part_of != PTM_NO_VALUE;
    for (size_t i = 0; i < plan->n_steps; i++)
        reorders += plan->step[i].node == PTM_NO_VALUE;
}

/* Reference kernels do not tell beforehand how much working space they need. */
static bool uses_reference(const struct ptm_plan *plan)
{
    for (size_t i = 0; i < plan->n_steps; i++)
        if (plan->step[i].info.reference)
            return true;
    return false;
}

static void compare_outputs(const struct guarded *got, const struct guarded *want)
{
    for (size_t i = 0; i < graph.n_outputs; i++) {
        size_t n = bytes_of(graph.output[i]);
        const void *a = got[i].data, *b = want[i].data;
        if (graph.value[graph.output[i]].type.dtype == PTM_F32)
            CHECK(same(a, b, n / 4));
        else
            CHECK(!memcmp(a, b, n));
    }
}

static void compare(const char *text)
{
    static const struct ptm_backend *const list[] = {&ptm_backend_cpu};
    struct guarded arg_at[MOST], out[2][MOST];
    struct ptm_exec exec = {0};
    struct ptm_plan ref, plan;
    int before = test_failed;
    fill_constants();
    CHECK_INT(ptm_plan_make(&ref, &graph, &arena, NULL, fresh()), PTM_OK);
    for (size_t i = 0; i < graph.n_inputs; i++) {
        arg_at[i] = guarded(bytes_of(graph.input[i]));
        const struct ptm_type *t = &graph.value[graph.input[i]].type;
        fill(arg_at[i].data, t, (size_t)ptm_type_numel(t));
    }
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < graph.n_outputs; i++)
            out[k][i] = guarded(bytes_of(graph.output[i]));
    run_plan(&ref, &exec, arg_at, out[1]);
    for (int k = 0; k < 2; k++, turn++) {
        struct ptm_plan_options o = {.backend = list, .n_backends = 1,
                                     .pool = pools[turn / PTM_LEN(masks) % 2],
                                     .args_row_major = true};
        ptm_cpu_mask(masks[turn % PTM_LEN(masks)]);
        CHECK_INT(ptm_plan_make(&plan, &graph, &arena, &o, fresh()), PTM_OK);
        if (err.code) {
            printf("%s\n", err.msg);
            break;
        }
        CHECK_INT(ptm_plan_verify(&plan, fresh()), PTM_OK);
        CHECK(all_claimed(&plan));
        count_places(&plan);
        for (int again = 0; again < 2; again++) {
            struct ptm_exec own = {0}; /* what was prepared suffices: runs allocate nothing */
            CHECK_INT(ptm_exec_prepare(&own, &plan, fresh()), PTM_OK);
            ptm_memory_fail_at(!uses_reference(&plan));
            run_plan(&plan, &own, arg_at, out[0]);
            ptm_memory_fail_at(0);
            compare_outputs(out[0], out[1]);
            ptm_exec_release(&own);
        }
        ptm_plan_release(&plan);
    }
    ptm_cpu_mask(UINT32_MAX);
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < graph.n_outputs; i++)
            munmap(out[k][i].map, out[k][i].bytes);
    for (size_t i = 0; i < graph.n_inputs; i++)
        munmap(arg_at[i].map, arg_at[i].bytes);
    ptm_exec_release(&exec);
    ptm_plan_release(&ref);
    if (before != test_failed)
        printf("in:\n%s", text);
}

/* Values get numbers in the order in which they are defined, as the parser wants: texts may be put
 * together from parts. */
static void renumber(const char *from, char *to, size_t size)
{
    long names[64];
    size_t n = 0, used = 0;
    while (*from && used + 8 < size) {
        if (*from != '%') {
            to[used++] = *from++;
            continue;
        }
        char *end;
        long name = strtol(from + 1, &end, 10);
        size_t k = 0;
        while (k < n && names[k] != name)
            k++;
        if (k == n && n < PTM_LEN(names))
            names[n++] = name;
        used += (size_t)snprintf(to + used, size - used, "%%%zu", k);
        from = end;
    }
    to[used] = '\0';
}

/* Is the text a graph? Shapes that an operator has no result for are passed over. */
static bool parse(const char *text)
{
    ptm_arena_release(&arena);
    ptm_graph_init(&graph, &arena);
    return !ptm_graph_parse(&graph, text, fresh()) && !ptm_graph_verify(&graph, fresh());
}

static bool check(const char *fmt, ...) PTM_PRINTF(1, 2);
static bool check(const char *fmt, ...)
{
    char named[TEXT], text[TEXT];
    va_list args;
    va_start(args, fmt);
    vsnprintf(named, sizeof(named), fmt, args);
    va_end(args);
    renumber(named, text, sizeof(text));
    if (!parse(text)) {
        if (err.code != PTM_ERR_TYPE)
            printf("%s in:\n%s", err.msg, text);
        CHECK(err.code == PTM_ERR_TYPE);
        return false;
    }
    compare(text);
    return true;
}

/* A pool that changes nothing but the order of dims: what follows is channels-last. */
#define LAST(to, from, done)                                                                       \
    "%" to ", %" done " = max_pool(%" from                                                         \
    ") kernel=[1, 1] stride=[1, 1] padding=[0, 0] dilation=[1, 1] ceil=0\n"

/* -- convolutions -- */

static void test_conv(void)
{
    static const int shapes[][7] = {
        /* n c h w; o k groups */
        {1, 3, 17, 19, 8, 3, 1},   {2, 4, 9, 8, 5, 7, 1},     {1, 16, 14, 14, 33, 1, 1},
        {2, 20, 7, 9, 96, 1, 1},   {1, 24, 10, 11, 17, 3, 1}, {1, 70, 8, 8, 70, 3, 70},
        {2, 16, 12, 13, 16, 5, 16}, {1, 33, 9, 9, 33, 7, 33},  {1, 24, 8, 8, 48, 3, 4},
        {1, 12, 9, 9, 24, 3, 12},  {1, 40, 1, 30, 19, 1, 1},  {1, 5, 6, 1, 300, 1, 1},
        {1, 1, 11, 11, 4, 3, 1},   {3, 32, 5, 5, 64, 5, 1},   {1, 130, 20, 20, 20, 3, 1},
    };
    static const int steps[][6] = {/* stride, padding, dilation of h and w */
        {1, 1, 0, 0, 1, 1}, {2, 2, 1, 1, 1, 1}, {1, 2, 2, 1, 1, 1},
        {1, 1, 3, 4, 2, 2}, {3, 1, 1, 0, 1, 2}, {2, 2, 2, 2, 1, 1}};
    int done = 0;
    for (size_t i = 0; i < PTM_LEN(shapes); i++)
        for (size_t k = 0; k < PTM_LEN(steps); k++) {
            const int *s = shapes[i], *p = steps[k];
            bool half = draw(5) == 0;
            done += check("%%0: f32[%d, %d, %d, %d] = arg\n"
                          "%%1: %s[%d, %d, %d, %d] = const\n%%2: f32[%d] = const\n"
                          "%%3 = conv(%%0, %%1, %s) stride=[%d, %d] padding=[%d, %d] "
                          "dilation=[%d, %d] groups=%d%s\nreturn %%3\n",
                          s[0], s[1], s[2], s[3], half ? "f16" : "f32", s[4], s[1] / s[6], s[5],
                          s[5], s[4], draw(2) ? "%2" : "_", p[0], p[1], p[2], p[3], p[4], p[5],
                          s[6], draw(2) ? " min=-2 max=3" : "");
        }
    CHECK(done > 60);
}

static void test_conv_nd(void)
{
    static const int one[][8] = {
        /* n c l; o k groups; stride, padding */
        {1, 1, 400, 16, 40, 1, 10, 20}, {2, 8, 50, 24, 5, 1, 1, 2},  {1, 40, 33, 40, 31, 40, 1, 15},
        {3, 12, 20, 18, 3, 6, 2, 0},    {1, 20, 64, 70, 1, 1, 1, 0}, {2, 6, 9, 12, 3, 6, 1, 1},
        {1, 3, 3000, 5, 7, 1, 2, 3},
    };
    static const int three[][8] = {
        /* n c d h w; o k groups */
        {1, 3, 5, 6, 7, 8, 3, 1}, {2, 8, 4, 5, 6, 8, 3, 8}, {1, 12, 6, 5, 9, 18, 2, 3},
        {1, 16, 8, 8, 8, 33, 1, 1},
    };
    static const int steps[][3] = {{1, 0, 1}, {1, 1, 1}, {2, 1, 1}, {1, 2, 2}, {3, 0, 1}};
    int done = 0;
    for (size_t i = 0; i < PTM_LEN(one); i++)
        for (int dilation = 1; dilation <= 2; dilation++) {
            const int *s = one[i];
            done += check("%%0: f32[%d, %d, %d] = arg\n%%1: %s[%d, %d, %d] = const\n"
                          "%%2: f32[%d] = const\n%%3 = conv(%%0, %%1, %s) stride=[%d] padding=[%d] "
                          "dilation=[%d] groups=%d%s\nreturn %%3\n",
                          s[0], s[1], s[2], i % 2 ? "f16" : "f32", s[3], s[1] / s[5], s[4], s[3],
                          draw(2) ? "%2" : "_", s[6], s[7], dilation, s[5],
                          draw(2) ? " min=-2 max=3" : "");
        }
    for (size_t i = 0; i < PTM_LEN(three); i++)
        for (size_t k = 0; k < PTM_LEN(steps); k++) {
            const int *s = three[i], *p = steps[k];
            done += check("%%0: f32[%d, %d, %d, %d, %d] = arg\n"
                          "%%1: f32[%d, %d, %d, %d, %d] = const\n%%2: f32[%d] = const\n"
                          "%%3 = conv(%%0, %%1, %s) stride=[%d, 1, %d] padding=[%d, %d, 0] "
                          "dilation=[1, %d, 1] groups=%d\nreturn %%3\n",
                          s[0], s[1], s[2], s[3], s[4], s[5], s[1] / s[7], s[6], s[6], s[6], s[5],
                          draw(2) ? "%2" : "_", p[0], p[0], p[1], p[1], p[2], s[7]);
        }
    CHECK(done > 26);
}

static void test_conv_transpose(void)
{
    static const int shapes[][7] = {{1, 3, 5, 6, 8, 3, 1},  {2, 16, 7, 7, 17, 2, 1},
                                    {1, 12, 6, 5, 8, 4, 4}, {1, 8, 9, 9, 8, 3, 8},
                                    {1, 40, 4, 4, 70, 1, 1}, {1, 6, 3, 8, 3, 5, 3}};
    static const int steps[][4] = {/* stride, padding, output padding, dilation */
        {1, 0, 0, 1}, {2, 1, 1, 1}, {2, 0, 0, 1}, {3, 1, 2, 1}, {2, 2, 0, 2}, {4, 0, 1, 1}};
    int done = 0;
    for (size_t i = 0; i < PTM_LEN(shapes); i++)
        for (size_t k = 0; k < PTM_LEN(steps); k++) {
            const int *s = shapes[i], *p = steps[k];
            done += check("%%0: f32[%d, %d, %d, %d] = arg\n"
                          "%%1: f32[%d, %d, %d, %d] = const\n%%2: f32[%d] = const\n"
                          "%%3 = conv_transpose(%%0, %%1, %s) stride=[%d, %d] padding=[%d, %d] "
                          "output_padding=[%d, %d] dilation=[%d, %d] groups=%d%s\nreturn %%3\n",
                          s[0], s[1], s[2], s[3], s[1], s[4] / s[6], s[5], s[5], s[4],
                          draw(2) ? "%2" : "_", p[0], p[0], p[1], p[1], p[2], p[2], p[3], p[3],
                          s[6], draw(2) ? " min=0" : "");
        }
    CHECK(done > 25);
}

/* -- products -- */

static void test_products(void)
{
    static const int sizes[][3] = {{1, 1, 1},    {1, 300, 70},  {5, 16, 16},   {49, 65, 130},
                                   {200, 33, 5}, {3, 2000, 40}, {130, 40, 96}, {1030, 3, 17},
                                   {9, 1700, 64}};
    for (size_t i = 0; i < PTM_LEN(sizes); i++) {
        int m = sizes[i][0], k = sizes[i][1], n = sizes[i][2];
        check("%%0: f32[%d, %d] = arg\n%%1: f32[%d, %d] = const\n%%2: f32[%d] = const\n"
              "%%3 = linear(%%0, %%1, %%2)\n%%4 = linear(%%0, %%1, _) min=-1 max=1\n"
              "return %%3, %%4\n", m, k, n, k, n);
        check("%%0: f32[2, %d, %d] = arg\n%%1: f32[%d, %d] = arg\n%%2: f32[%d] = arg\n"
              "%%3 = linear(%%0, %%1, %%2)\nreturn %%3\n", m, k, n, k, n);
        check("%%0: f32[2, %d, %d] = arg\n%%1: f16[%d, %d] = const stride=[1, %d]\n"
              "%%3 = linear(%%0, %%1)\nreturn %%3\n", m, k, n, k, n);
        check("%%0: f32[3, 2, %d, %d] = arg\n%%1: f32[2, %d, %d] = arg\n"
              "%%2: f32[%d, %d] = const\n%%3: f32[3, 1, %d, %d] = const\n"
              "%%4 = matmul(%%0, %%1)\n%%5 = matmul(%%0, %%2)\n%%6 = matmul(%%0, %%3)\n"
              "return %%4, %%5, %%6\n", m, k, k, n, k, n, k, n);
        check("%%0: f32[2, %d, %d] = arg\n%%1: f32[2, %d, %d] = arg\n"
              "%%2 = permute(%%0) perm=[0, 2, 1]\n%%3 = permute(%%1) perm=[0, 2, 1]\n"
              "%%4 = matmul(%%2, %%3)\nreturn %%4\n", k, m, n, k);
    }
}

static void test_attention(void)
{
    static const int sizes[][4] = {{1, 1, 4, 4}, {7, 9, 8, 5}, {70, 70, 64, 64}, {130, 33, 20, 40}};
    for (size_t i = 0; i < PTM_LEN(sizes); i++) {
        int q = sizes[i][0], k = sizes[i][1], d = sizes[i][2], v = sizes[i][3];
        for (int causal = 0; causal < 2; causal++)
            check("%%0: f32[2, 3, %d, %d] = arg\n%%1: f32[2, 3, %d, %d] = arg\n"
                  "%%2: f32[2, 3, %d, %d] = arg\n%%3: f32[%d, %d] = arg\n"
                  "%%4 = sdpa(%%0, %%1, %%2) scale=0.3 causal=%d\n"
                  "%%5 = sdpa(%%0, %%1, %%2, %%3) scale=0.3 causal=0\nreturn %%4, %%5\n",
                  q, d, k, d, k, v, q, k, causal);
        check("%%0: f32[2, %d, 3, %d] = arg\n%%1: f32[2, %d, 3, %d] = arg\n"
              "%%2: f32[2, %d, 3, %d] = arg\n%%3: bool[2, 1, 1, %d] = const\n"
              "%%4 = permute(%%0) perm=[0, 2, 1, 3]\n%%5 = permute(%%1) perm=[0, 2, 1, 3]\n"
              "%%6 = permute(%%2) perm=[0, 2, 1, 3]\n"
              "%%7 = sdpa(%%4, %%5, %%6, %%3) scale=0.5 causal=0\nreturn %%7\n",
              q, d, k, d, k, v, k);
    }
}

static void test_recurrent(void)
{
    static const int sizes[][4] = {{1, 1, 1, 1}, {5, 1, 7, 16}, {3, 4, 20, 33}, {12, 9, 5, 130}};
    for (size_t i = 0; i < PTM_LEN(sizes); i++) {
        int t = sizes[i][0], b = sizes[i][1], n = sizes[i][2], h = sizes[i][3];
        for (int k = 0; k < 4; k++) {
            static const char *const biases[] = {"", ", %6", ", _, %7", ", %6, %7"};
            check("%%0: f32[%d, %d, %d] = arg\n%%1: f32[%d, %d] = arg\n%%2: f32[%d, %d] = arg\n"
                  "%%4: f32[%d, %d] = const\n%%5: f32[%d, %d] = const\n%%6: f32[%d] = const\n"
                  "%%7: f32[%d] = const\n"
                  "%%8, %%9, %%10 = lstm(%%0, %%1, %%2, %%4, %%5%s) reverse=%d\n"
                  "return %%8, %%9, %%10\n", t, b, n, b, h, b, h, 4 * h, n, 4 * h, h, 4 * h, 4 * h,
                  biases[k], k % 2);
            check("%%0: f32[%d, %d, %d] = arg\n%%1: f32[%d, %d] = arg\n"
                  "%%4: f32[%d, %d] = const\n%%5: f32[%d, %d] = const\n%%6: f32[%d] = const\n"
                  "%%7: f32[%d] = const\n%%8, %%9 = gru(%%0, %%1, %%4, %%5%s) reverse=%d\n"
                  "return %%8, %%9\n", t, b, n, b, h, 3 * h, n, 3 * h, h, 3 * h, 3 * h, biases[k],
                  k % 2);
        }
    }
}

/* -- pools, means, resizing, padding -- */

static void test_pools(void)
{
    static const int sizes[][4] = {{1, 3, 8, 9}, {2, 70, 7, 5}, {1, 16, 1, 20}, {1, 256, 13, 4}};
    for (size_t i = 0; i < PTM_LEN(sizes); i++) {
        const int *s = sizes[i];
        for (int kernel = 1; kernel <= 3; kernel++)
            for (int ceil = 0; ceil < 2; ceil++) {
                int stride = 1 + (int)draw(3), pad = (int)draw(2) * (kernel / 2);
                check("%%0: f32[%d, %d, %d, %d] = arg\n"
                      "%%1, %%2 = max_pool(%%0) kernel=[%d, %d] stride=[%d, %d] padding=[%d, %d] "
                      "dilation=[1, %u] ceil=%d\nreturn %%1\n", s[0], s[1], s[2], s[3], kernel,
                      kernel, stride, stride, pad, pad, 1 + draw(2), ceil);
                check("%%0: f32[%d, %d, %d, %d] = arg\n"
                      "%%1 = avg_pool(%%0) kernel=[%d, %d] stride=[%d, %d] padding=[%d, %d] "
                      "ceil=%d count_include_pad=%u divisor=%d\nreturn %%1\n", s[0], s[1], s[2],
                      s[3], kernel, kernel, stride, stride, pad, pad, ceil, draw(2),
                      draw(4) ? 0 : 5);
            }
        for (int n = 1; n <= 7; n += 2)
            check("%%0: f32[%d, %d, %d, %d] = arg\n%%1 = adaptive_avg_pool(%%0) size=[%d, %d]\n"
                  "%%2, %%3 = adaptive_max_pool(%%0) size=[%d, %d]\nreturn %%1, %%2\n", s[0], s[1],
                  s[2], s[3], n, (n + 1) / 2, (n + 1) / 2, n);
        check("%%0: f32[%d, %d, %d, %d] = arg\n%%1 = mean(%%0) dims=[2, 3] keepdim=1\n"
              "%%2 = mean(%%0) dims=[3, 2] keepdim=0\n%%3 = mean(%%0) dims=[] keepdim=0\n"
              "%%4 = mean(%%0) dims=[3] keepdim=0\n%%5 = mean(%%0) dims=[1, 3, 2] keepdim=1\n"
              "return %%1, %%2, %%3, %%4, %%5\n", s[0], s[1], s[2], s[3]);
    }
}

static void test_reduce(void)
{
    static const char *const ops[] = {"sum", "mean", "amax"};
    static const char *const dims[] = {"[0]", "[1]", "[2]", "[3]", "[1, 2]", "[2, 3]", "[0, 1]",
                                       "[1, 2, 3]", "[]", "[0, 3]"};
    static const char *const shapes[] = {"[2, 30, 5, 17]", "[1, 3, 40, 400]", "[5, 6000, 1, 9]",
                                         "[3, 1, 1, 20000]"};
    for (size_t i = 0; i < PTM_LEN(shapes); i++)
        for (size_t d = 0; d < PTM_LEN(dims); d++)
            for (size_t k = 0; k < PTM_LEN(ops); k++)
                check("%%0: f32%s = arg\n%%1 = %s(%%0) dims=%s keepdim=%d\nreturn %%1\n", shapes[i],
                      ops[k], dims[d], (int)draw(2));
    check("%%0: f32[2, 8, 9, 10] = arg\n%%1, %%2 = max_pool(%%0) kernel=[2, 2] stride=[1, 1] "
          "padding=[0, 0] dilation=[1, 1] ceil=0\n%%3 = sum(%%1) dims=[1] keepdim=1\n"
          "return %%3\n");
}

static void test_resize(void)
{
    static const char *const scales[] = {"[0, 0]", "[1.7, 2.2]"};
    for (int mode = 0; mode < 4; mode++)
        for (int k = 0; k < 12; k++)
            check("%%0: f32[2, %u, %u, %u] = arg\n%%1 = resize(%%0) size=[%u, %u] mode=%d "
                  "align_corners=%d antialias=0 scale=%s\nreturn %%1\n", 1 + draw(40), 1 + draw(9),
                  1 + draw(9), 1 + draw(20), 1 + draw(20), mode, mode > 1 ? k % 2 : 0,
                  scales[k % 3 == 1]);
    for (int mode = 0; mode < 4; mode++)
        for (int k = 0; k < 8; k++)
            check("%%0: f32[2, %u, 5, 6] = arg\n%%1 = pad(%%0) before=[0, 0, %d, %d] "
                  "after=[0, 0, %d, %d] mode=%d value=1.5\nreturn %%1\n", 1 + draw(40),
                  (int)draw(5) - (mode == 0), (int)draw(5), (int)draw(4), (int)draw(5) - (mode == 0),
                  mode);
}

/* -- elementwise -- */

static void test_unary(void)
{
    static const char *const ops[] = {
        "neg(%1)", "abs(%1)", "reciprocal(%1)", "exp(%1)", "tanh(%1)", "erf(%1)", "sigmoid(%1)",
        "relu(%1)", "clamp(%1) min=-0.25 max=inf", "hardsigmoid(%1)", "hardswish(%1)", "silu(%1)",
        "mish(%1)", "gelu(%1) tanh=0", "gelu(%1) tanh=1",
        "elu(%1) alpha=0.8 scale=1.1 input_scale=0.9", "leaky_relu(%1) slope=0.1"};
    static const char *const from[] = {
        "%0: f32[2, 33, 5, 7] = arg\n%1 = permute(%0) perm=[0, 1, 2, 3]\n",
        ("%0: f32[2, 33, 5, 7] = arg\n" LAST("1", "0", "9")),
        "%0: f32[2, 33, 5, 7] = arg\n%1 = slice(%0) dim=1 start=3 len=20 step=1\n",
        ("%0: f32[2, 600, 5, 7] = arg\n%8 = slice(%0) dim=1 start=3 len=299 step=2\n"
         "%1 = permute(%8) perm=[2, 3, 0, 1]\n"),
        "%0: f32[] = arg\n%1 = reshape(%0) dims=[]\n",
        "%0: f32[3, 20000] = arg\n%1 = neg(%0)\n"};
    for (size_t i = 0; i < PTM_LEN(ops); i++)
        for (size_t k = 0; k < PTM_LEN(from); k++)
            check("%s%%2 = %s\nreturn %%2\n", from[k], ops[i]);
    check("%%0: f32[70] = arg\n%%1 = abs(%%0)\n%%2 = sqrt(%%1)\n%%3 = rsqrt(%%1)\n"
          "return %%2, %%3\n");
}

static void test_binary(void)
{
    static const char *const ops[] = {"add(%2, %3)", "add(%3, %2) min=-0.5 max=0.5", "sub(%2, %3)",
                                      "mul(%2, %3)", "maximum(%2, %3)", "minimum(%3, %2)",
                                      "prelu(%2, %3)"};
    static const char *const shapes[][2] = {
        {"2, 33, 5, 7", "2, 33, 5, 7"}, {"2, 33, 5, 7", "33, 1, 1"}, {"2, 33, 5, 7", "2, 33, 1, 1"},
        {"2, 33, 5, 7", "7"},           {"2, 33, 5, 7", "1, 1, 5, 7"}, {"2, 33, 5, 7", ""},
        {"40, 50", "40, 1"},            {"40, 1", "1, 50"},          {"", ""},
        {"2, 17, 3000", "17, 1"}};
    for (size_t i = 0; i < PTM_LEN(ops); i++)
        for (size_t k = 0; k < PTM_LEN(shapes); k++) {
            bool rank4 = k < 6;
            check("%%0: f32[%s] = arg\n%%1: f32[%s] = %s\n%%3 = neg(%%1)\n%s%%4 = %s\n"
                  "return %%4\n", shapes[k][0], shapes[k][1], draw(2) ? "arg" : "const",
                  rank4 && draw(2) ? LAST("2", "0", "9") : "%2 = neg(%0)\n", ops[i]);
        }
    check("%%0: f32[9, 600] = arg\n%%1: f32[600, 9] = arg\n%%2: f32[600] = const stride=[2]\n"
          "%%3 = permute(%%1) perm=[1, 0]\n%%4 = sub(%%0, %%3)\n%%5 = mul(%%4, %%2)\n"
          "%%6 = div(%%5, %%0)\nreturn %%4, %%5, %%6\n");
}

/* -- rows further apart than they are long: channels of a channels-last image, of a concat -- */

static void test_rows(void)
{
    static const char *const ops[] = {
        "%4: f32[17, 12, 1, 1] = const\n%5: f32[17] = const\n%3 = conv(%2, %4, %5) stride=[1, 1] "
        "padding=[0, 0] dilation=[1, 1] groups=1\n",
        "%4: f32[7, 12, 3, 3] = const\n%3 = conv(%2, %4, _) stride=[1, 1] padding=[1, 1] "
        "dilation=[1, 1] groups=1 min=0\n",
        "%4: f32[8, 3, 3, 3] = const\n%3 = conv(%2, %4, _) stride=[1, 1] padding=[1, 1] "
        "dilation=[1, 1] groups=4\n",
        "%4: f32[12, 1, 3, 3] = const\n%3 = conv(%2, %4, _) stride=[1, 1] padding=[1, 1] "
        "dilation=[1, 1] groups=12\n",
        "%4: f32[12, 1, 5, 5] = const\n%3 = conv(%2, %4, _) stride=[1, 1] padding=[4, 4] "
        "dilation=[2, 2] groups=12\n",
        "%4: f32[12, 5, 1, 1] = const\n%3 = conv_transpose(%2, %4, _) stride=[1, 1] "
        "padding=[0, 0] output_padding=[0, 0] dilation=[1, 1] groups=1\n",
        "%3, %9 = max_pool(%2) kernel=[3, 3] stride=[1, 1] padding=[1, 1] dilation=[1, 1] ceil=0\n",
        "%3 = avg_pool(%2) kernel=[3, 3] stride=[1, 1] padding=[1, 1] ceil=0 count_include_pad=1 "
        "divisor=0\n",
        "%4 = mean(%2) dims=[2, 3] keepdim=1\n%3 = add(%4, %2)\n",
        "%4 = adaptive_avg_pool(%2) size=[1, 1]\n%3 = mul(%4, %2)\n",
        "%4: f32[12] = const \"positive\"\n%3 = batch_norm(%2, %4, %4) eps=0.001\n",
        "%4: f32[12] = const \"positive\"\n%5 = batch_norm(%2, %4, %4) eps=0.001\n%3 = relu(%5)\n",
        "%4 = sigmoid(%2)\n%5 = exp(%4)\n%3 = neg(%5)\n",
    };
    static const int shapes[][3] = {{1, 9, 10}, {2, 6, 7}, {2, 1, 5}, {1, 6, 1}, {3, 1, 1}};
    for (size_t i = 0; i < PTM_LEN(ops); i++)
        for (size_t k = 0; k < PTM_LEN(shapes); k++) {
            const int *s = shapes[k];
            size_t parts_before = parts, reorders_before = reorders;
            check("%%0: f32[%d, 20, %d, %d] = arg\n%s"
                  "%%2 = slice(%%1) dim=1 start=3 len=12 step=1\n%s%%6 = relu(%%3)\n"
                  "%%7 = concat(%%2, %%3, %%6) dim=1\n%%8 = sigmoid(%%7)\nreturn %%8\n", s[0], s[1],
                  s[2], LAST("1", "0", "10"), ops[i]);
            CHECK(reorders <= reorders_before + 2); /* the argument, on each of two plans */
            CHECK(s[1] * s[2] == 1 || parts >= parts_before + 2);
        }
    check("%%0: f32[4, 6, 50] = arg\n%%1: f32[30, 20] = const\n%%2 = neg(%%0)\n"
          "%%3 = slice(%%2) dim=2 start=7 len=20 step=1\n%%4 = linear(%%3, %%1, _)\n"
          "%%5 = slice(%%2) dim=2 start=1 len=20 step=1\n%%6 = linear(%%5, %%1, _) max=1\n"
          "%%7 = concat(%%4, %%6, %%3) dim=2\n%%8 = neg(%%7)\nreturn %%8\n");
}

/* -- norms -- */

static void test_norms(void)
{
    static const char *const dims[] = {"2, 12, 5, 7", "1, 40, 9, 9", "3, 8", "2, 4, 30", "1, 6, 1, 1"};
    static const int channels[] = {12, 40, 8, 4, 6};
    for (size_t i = 0; i < PTM_LEN(dims); i++) {
        int c = channels[i];
        for (int last = 0; last < (i < 2 ? 2 : 1); last++)
            check("%%0: f32[%s] = arg\n%%2: f32[%d] = const\n%%3: f32[%d] = const \"positive\"\n"
                  "%%4: f32[%d] = const\n%s"
                  "%%5 = batch_norm(%%1, %%2, %%3, %%4, %s) eps=0.001\nreturn %%5\n", dims[i], c, c,
                  c, last ? LAST("1", "0", "9") : "%1 = neg(%0)\n", draw(2) ? "%4" : "_");
        check("%%0: f32[%s] = arg\n%%2: f32[%d] = const\n"
              "%%3 = group_norm(%%0, %%2, %%2) groups=2 eps=0.001\n"
              "%%4 = group_norm(%%0) groups=%d eps=0.001\nreturn %%3, %%4\n", dims[i], c, c);
        check("%%0: f32[%s] = arg\n%%1 = softmax(%%0) dim=%d\n%%2 = log_softmax(%%0) dim=%d\n"
              "return %%1, %%2\n", dims[i], i < 2 ? 3 : 1 + (i == 3), i < 2 ? 1 : 1 + (i == 3));
    }
    check("%%0: f32[5, 9, 77] = arg\n%%1: f32[77] = const\n%%2: f32[9, 77] = const stride=[1, 9]\n"
          "%%3 = layer_norm(%%0, %%1, %%1) rank=1 eps=0.001\n"
          "%%4 = layer_norm(%%0, %%2) rank=2 eps=0.001\n%%5 = layer_norm(%%0) rank=3 eps=0.001\n"
          "%%6 = rms_norm(%%0, %%1) rank=1 eps=0.001\nreturn %%3, %%4, %%5, %%6\n");
}

/* -- moved elements -- */

static void test_copies(void)
{
    check("%%0: f32[2, 116, 6, 5] = arg\n%s"
          "%%2 = reshape(%%1) dims=[2, 2, 58, 6, 5]\n%%3 = permute(%%2) perm=[0, 2, 1, 3, 4]\n"
          "%%4 = reshape(%%3) dims=[2, 116, 6, 5]\n%%5 = relu(%%4)\nreturn %%5\n",
          LAST("1", "0", "9"));
    check("%%0: f32[2, 30, 6, 5] = arg\n%s"
          "%%2 = reshape(%%1) dims=[2, 900]\n%%3 = reshape(%%1) dims=[20, 90]\n"
          "%%4 = slice(%%1) dim=3 start=1 len=2 step=2\n%%5 = reshape(%%4) dims=[15, 4, 12]\n"
          "return %%2, %%3, %%5\n", LAST("1", "0", "9"));
    check("%%0: f32[2, 7, 6, 5] = arg\n%%1: f32[2, 20, 6, 5] = arg\n%s"
          "%%3 = concat(%%0, %%2, %%0) dim=1\n%%4 = concat(%%2, %%2) dim=3\n"
          "%%5 = flip(%%2) dims=[3, 1]\n%%6 = permute(%%2) perm=[2, 0, 3, 1]\n"
          "return %%3, %%4, %%5, %%6\n", LAST("2", "1", "9"));
    check("%%0: f32[5, 9] = arg\n%%1: f32[5, 3] = arg\n"
          "%%2 = slice_scatter(%%0, %%1) dim=1 start=2 step=3\n"
          "%%3 = expand(%%1) dims=[4, 5, 3]\n%%4 = reshape(%%3) dims=[60]\nreturn %%2, %%4\n");
    check("%%0: i64[4, 3] = arg\n%%1: f32[5, 11] = const\n%%2: f16[6, 3, 7] = const\n"
          "%%3 = embedding(%%1, %%0)\n%%4: i64[4] = const\n"
          "%%5 = index_select(%%2, %%4) dim=1\nreturn %%3, %%5\n");
    check("%%0: i64[4, 3] = arg\n%%1: f32[5, 11, 3] = const\n%%2 = index(%%1, %%0) dims=[2]\n"
          "%%3 = index(%%1, %%0) dims=[0]\n%%4 = index(%%1, %%0) dims=[1]\n"
          "return %%2, %%3, %%4\n");
    check("%%0: i64[700] = arg\n%%1: f32[40, 5, 11] = arg\n%%2 = index(%%1, %%0) dims=[1]\n"
          "%%3 = index_select(%%1, %%0) dim=2\nreturn %%2, %%3\n");
}

/* Any strides on both sides, every element size. */
static void test_copy_nd(void)
{
    static const uint8_t dtypes[] = {PTM_U8, PTM_F16, PTM_F32, PTM_I64};
    static const int perms[][3] = {{0, 1, 2}, {2, 0, 1}, {1, 2, 0}, {0, 2, 1}, {2, 1, 0}};
    for (int k = 0; k < 200; k++) {
        struct ptm_nd from = {.dtype = dtypes[k % 4], .rank = 3}, to = from;
        const int *p = perms[draw(5)], *q = perms[draw(5)];
        int64_t gap = 1 + draw(2), n = 1, m = gap;
        size_t size = ptm_dtype_bytes(from.dtype);
        for (int d = 0; d < 3; d++)
            from.dim[d] = to.dim[d] = draw(20);
        for (int d = 2; d >= 0; d--) {
            to.stride[q[d]] = n;
            n *= to.dim[q[d]];
            from.stride[p[d]] = m;
            m *= from.dim[p[d]] + gap - 1;
        }
        struct guarded a = guarded((size_t)m * size), b = guarded((size_t)n * size);
        for (size_t i = 0; i < (size_t)m * size; i++)
            a.data[i] = (char)draw(256);
        from.data = a.data;
        to.data = b.data;
        ptm_copy_nd(&from, &to);
        bool good = true;
        for (int64_t i = 0; i < n; i++) {
            int64_t x[3] = {i / (to.dim[1] * to.dim[2]), i / to.dim[2] % to.dim[1], i % to.dim[2]};
            int64_t f = 0, t = 0;
            for (int d = 0; d < 3; d++) {
                f += x[d] * from.stride[d];
                t += x[d] * to.stride[d];
            }
            good = good && !memcmp(a.data + f * (int64_t)size, b.data + t * (int64_t)size, size);
        }
        CHECK(good);
        munmap(a.map, a.bytes);
        munmap(b.map, b.bytes);
    }
}

/* -- the reference kernel in slices: large arrays, of which each thread takes a part -- */

static void test_sliced(void)
{
    static const char *const unary[] = {"sin", "log", "floor", "logical_not", "isnan"};
    static const char *const binary[] = {"lt", "eq", "pow", "atan2", "remainder"};
    static const char *const reduce[] = {"sum", "amax", "argmin", "any", "logsumexp"};
    static const char *const along[] = {"cumsum", "softmax", "cummax", "sort"};
    static const char *const shape[] = {"[40000]", "[2, 3, 80, 90]", "[3, 1, 20000]"};
    for (size_t i = 0; i < PTM_LEN(shape); i++) {
        for (size_t k = 0; k < PTM_LEN(unary); k++)
            check("%%0: f32%s = arg\n%%1 = %s(%%0)\nreturn %%1\n", shape[i], unary[k]);
        for (size_t k = 0; k < PTM_LEN(binary); k++)
            check("%%0: f32%s = arg\n%%1: f32%s = arg\n%%2 = %s(%%0, %%1)\nreturn %%2\n", shape[i],
                  shape[i], binary[k]);
    }
    check("%%0: f32[70, 1, 300] = arg\n%%1: f32[90, 1] = arg\n%%2 = gt(%%0, %%1)\n"
          "%%3 = where(%%2, %%0, %%1)\nreturn %%2, %%3\n");
    check("%%0: f32[3, 40, 50, 60] = arg\n%%1 = cast(%%0) dtype=3\n%%2 = add(%%1, %%1)\n"
          "return %%1, %%2\n");
    for (int dim = 0; dim < 3; dim++) {
        for (int keep = 0; keep < 2; keep++)
            for (size_t k = 0; k < PTM_LEN(reduce); k++)
                check("%%0: f32[30, 40, 50] = arg\n%%1 = %s(%%0) dims=[%d] keepdim=%d\n"
                      "return %%1\n", reduce[k], dim, keep);
        for (size_t k = 0; k < PTM_LEN(along); k++)
            check(k < 2 ? "%%0: f32[30, 40, 50] = arg\n%%1 = %s(%%0) dim=%d%s\nreturn %%1\n"
                        : "%%0: f32[30, 40, 50] = arg\n%%1, %%2 = %s(%%0) dim=%d%s\n"
                          "return %%1, %%2\n",
                  along[k], dim, k == 3 ? " descending=1" : "");
    }
    check("%%0: f32[30, 40, 50] = arg\n%%1 = amin(%%0) dims=[0, 2] keepdim=0\nreturn %%1\n");
    check("%%0: f32[30, 40, 50] = arg\n%%1 = prod(%%0) dims=[] keepdim=0\nreturn %%1\n");
    check("%%0: f32[30, 40, 50] = arg\n%%1 = triu(%%0) diagonal=1\nreturn %%1\n");
    check("%%0: f32[30, 4000] = arg\n%%1, %%2 = topk(%%0) k=3 dim=1 largest=1\nreturn %%1, %%2\n");
    check("%%0: f32[2, 6, 10, 20, 30] = arg\n%%1, %%2 = max_pool(%%0) kernel=[2, 2, 2] "
          "stride=[2, 2, 2] padding=[0, 0, 0] dilation=[1, 1, 1] ceil=0\nreturn %%1, %%2\n");
    check("%%0: f32[2, 6, 6000] = arg\n%%1 = avg_pool(%%0) kernel=[4] stride=[2] padding=[1] "
          "ceil=0 count_include_pad=1 divisor=0\nreturn %%1\n");
    check("%%0: f32[2, 6, 60, 70] = arg\n%%1: f32[2, 50, 60, 2] = arg\n"
          "%%2 = grid_sample(%%0, %%1) mode=0 padding=0 align_corners=0\nreturn %%2\n");
    check("%%0: f32[1, 6, 60, 70] = arg\n%%1: f32[1, 50, 60, 2] = arg\n"
          "%%2 = grid_sample(%%0, %%1) mode=1 padding=1 align_corners=1\nreturn %%2\n");
}

/* -- what is refused -- */

static void refused(const char *reason, const char *text)
{
    if (!parse(text)) {
        printf("%s\n", err.msg);
        CHECK(!"a graph");
        return;
    }
    struct ptm_claim claim = {0};
    CHECK_STR(ptm_backend_cpu.claim(&graph, &graph.node[graph.n_nodes - 1], &claim), reason);
}

static void test_refused(void)
{
    refused("only f32", "%0: f64[3, 4] = arg\n%1: f64[4, 3] = arg\n%2 = matmul(%0, %1)\n"
                        "return %2\n");
    refused("an empty array", "%0: f32[0, 4] = arg\n%1: f32[4, 3] = arg\n%2 = matmul(%0, %1)\n"
                              "return %2\n");
    refused("no kernel for this operator",
            "%0: f32[3, 4] = arg\n%1: f32[2, 4] = arg\n%2 = cdist(%0, %1) p=2\nreturn %2\n");
    refused("weights that are no constants",
            "%0: f32[1, 3, 5, 5] = arg\n%1: f32[4, 3, 3, 3] = arg\n"
            "%2 = conv(%0, %1) stride=[1, 1] padding=[0, 0] dilation=[1, 1] groups=1\nreturn %2\n");
    refused("more padding than image",
            "%0: f32[1, 3, 5] = arg\n%1: f32[4, 3, 3] = const\n%2 = conv(%0, %1) "
            "stride=[1000000] padding=[1000000] dilation=[1] groups=1\nreturn %2\n");
    refused("only two spatial dims",
            "%0: f32[1, 3, 5] = arg\n%1: f32[3, 4, 3] = const\n%2 = conv_transpose(%0, %1) "
            "stride=[1] padding=[0] output_padding=[0] dilation=[1] groups=1\nreturn %2\n");
}

int main(void)
{
    pools[1] = ptm_threads_open(2);
    test_conv();
    test_conv_nd();
    test_conv_transpose();
    test_products();
    test_attention();
    test_recurrent();
    test_pools();
    test_reduce();
    test_resize();
    test_unary();
    test_binary();
    test_rows();
    test_norms();
    test_copies();
    test_copy_nd();
    test_sliced();
    test_refused();
    ptm_threads_close(pools[1]);
    ptm_arena_release(&arena);
    TEST_END;
}
