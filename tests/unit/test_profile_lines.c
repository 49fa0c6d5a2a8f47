/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of profiles added up: what one backend fuses and another does not comes into one line. */
#include "tests/unit/test.h"

#include "bench/profile.h"

static struct bench_place conv = {"layer.0.conv", "aten::conv2d", "net.py", 10},
                          norm = {"layer.0.norm", "aten::batch_norm", "net.py", 11},
                          relu = {"layer.0", "aten::relu", "net.py", 12},
                          head = {"head", "aten::linear", "net.py", 20};
static struct bench_place fused[3];

static struct bench_row row(const char *op, const char *backend, const char *kernel,
                            const char *module, struct bench_place *place, size_t n, double ns)
{
    return (struct bench_row){.kind = PTM_EVENT_STEP, .op = op, .backend = backend,
                              .kernel = kernel, .isa = "", .module = module, .aten = "",
                              .place = place, .n_places = n, .calls = 1, .macs = 10, .flops = 20,
                              .bytes = 30, .time.median = ns};
}

static struct bench_row a[4], b[4];
static struct bench_profile both[2] = {{.name = "one", .row = a, .n_rows = 3},
                                       {.name = "two", .row = b, .n_rows = 4}};

/* "one" fuses conv, norm and relu; "two" runs norm alone and copies before that. */
static void fill(void)
{
    fused[0] = conv;
    fused[1] = norm;
    fused[2] = relu;
    a[0] = row("conv", "one", "k", "layer.0", fused, 3, 100);
    a[1] = row("linear", "one", "k", "head", &head, 1, 300);
    a[2] = (struct bench_row){.kind = PTM_EVENT_GUARDS, .op = "guards", .time.median = 7};
    b[0] = row("conv", "two", "k", "layer.0.conv", &conv, 1, 40);
    b[1] = row("reorder", "", "copy", "layer.0.conv", &conv, 1, 5);
    b[2] = row("batch_norm", "two", "n", "layer.0", fused + 1, 2, 50);
    b[3] = row("linear", "two", "k", "head", &head, 1, 200);
}

static const struct bench_line *find(const struct bench_line *l, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(l[i].name, name))
            return &l[i];
    return NULL;
}

static struct ptm_arena arena;
static struct ptm_err err;
static struct bench_line *line;
static size_t n;

static void make(size_t profiles, enum bench_view by, bool by_time)
{
    CHECK_INT(bench_lines_make(&line, &n, &arena, both, profiles, by, by_time, &err), PTM_OK);
}

static void test_op(void)
{
    make(1, BENCH_BY_OP, true);
    CHECK_INT(n, 2); /* guards are no line */
    CHECK_STR(line[0].name, "linear");
    make(1, BENCH_BY_OP, false);
    CHECK_STR(line[0].name, "conv");
    CHECK_INT(line[0].cell[0].macs, 10);
}

static void test_joined(void)
{
    make(2, BENCH_BY_OP, false);
    CHECK_INT(n, 3);
    const struct bench_line *l = find(line, n, "conv+batch_norm");
    CHECK(l != NULL);
    if (l) {
        CHECK_INT(l->cell[0].steps, 1);
        CHECK_INT(l->cell[0].ns, 100);
        CHECK_INT(l->cell[1].steps, 2);
        CHECK_INT(l->cell[1].ns, 90);
        CHECK(l->cell[0].one_kernel && !l->cell[1].one_kernel);
        CHECK_STR(l->module, "layer.0");
        CHECK(l == line);
    }
    l = find(line, n, "reorder");
    CHECK(l && !l->cell[0].steps && l->cell[1].ns > 0);
    l = find(line, n, "linear");
    CHECK(l && l->cell[0].ns > 0 && l->cell[1].ns > 0 && l->cell[1].flops == 20);
    make(2, BENCH_BY_OP, true);
    CHECK_STR(line[0].name, "linear");
}

static void test_names(void)
{
    make(2, BENCH_BY_TYPE, false);
    CHECK_INT(n, 4);
    make(1, BENCH_BY_TYPE, false);
    CHECK_INT(n, 2);
    make(2, BENCH_BY_MODULE, true);
    CHECK_INT(n, 5); /* (model), layer, layer.0, layer.0.conv, head */
    CHECK_STR(line[0].name, "(model)");
    CHECK_INT(line[0].cell[0].ns, 400);
    CHECK_INT(line[0].cell[1].ns, 295);
    const struct bench_line *l = find(line, n, "layer");
    CHECK(l && l->cell[0].steps == 1 && l->cell[1].steps == 3 && l->cell[1].bytes == 90);
    CHECK(find(line, n, "layer.0.conv") != NULL && find(line, n, "head") != NULL);
}

/* Every request for memory may fail. */
static void test_memory(void)
{
    for (uint64_t nth = 1; nth < 4; nth++)
        for (int by = BENCH_BY_OP; by <= BENCH_BY_MODULE; by++) {
            struct ptm_arena empty = {0};
            struct ptm_err why = {0};
            ptm_memory_fail_at(nth);
            enum ptm_status s =
                bench_lines_make(&line, &n, &empty, both, 2, (enum bench_view)by, true, &why);
            uint64_t left = ptm_memory_fail_at(0);
            CHECK_INT(s, left ? PTM_OK : PTM_ERR_MEMORY);
            ptm_arena_release(&empty);
        }
}

int main(void)
{
    fill();
    test_op();
    test_joined();
    test_names();
    test_memory();
    ptm_arena_release(&arena);
    TEST_END;
}
