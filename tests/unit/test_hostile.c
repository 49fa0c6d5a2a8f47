/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * .ptm files that lie, with right sums: fields of good files (with entries, with these alone, with
 * packed weights) are changed, a few at a time: types, numbers of bindings, pieces and constants,
 * strides, sizes, places, attributes, data. Each is loaded and run under limits: it is refused with
 * a message, or runs. The sanitizer builds see what leaves its memory.
 * test_hostile SEED COUNT [FILE]: other changes, more of them; FILE keeps the one at work.
 */
#include "tests/unit/ptm_same.h"
#include "tests/unit/test.h"

#include <ctype.h>
#include <stdlib.h>

#include "formats/ptm_write.h"
#include "kernels/cpu.h"
#include "libcore/program_edit.h"
#include "tests/fuzz/ptm_mend.h"
#include "tests/fuzz/run_entries.h"

enum { MAX_FILES = 32, COUNT = 5000 };

static const struct {
    const char *path, *hint; /* arguments as run_model.h's; NULL: beside the file */
} models[] = {
    {"tests/e2e/b/conv2d.pt", NULL},          {"tests/e2e/b/lstm.pt", NULL},
    {"tests/e2e/b/grid_sample.pt", NULL},     {"tests/e2e/b/bn_functional.pt", NULL},
    {"tests/e2e/b/sdpa.pt", NULL},            {"tests/e2e/b/pool_max_indices.pt", NULL},
    {"tests/e2e/b/conv_functional.pt", NULL}, {"tests/session/cache.pt", "f3,3"},
    {"tests/session/counter.pt", "f4"},       {"tests/session/containers.pt", "f2"},
    {"tests/session/alias.pt", "f3"},         {"tests/session/sizes.pt", "f1,3,8,8"},
};

struct good {
    uint8_t *bytes; /* aligned as a mapping is */
    size_t n;
    struct mend place;
    struct args *args;
};
static struct good good[MAX_FILES];
static size_t n_good;
static struct args args[PTM_LEN(models)];
static uint64_t state;

static uint32_t below(uint32_t n)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint64_t x = state ^ state >> 29;
    return (uint32_t)((x * UINT64_C(0x9e3779b97f4a7c15) >> 32) % n);
}

/* -- good files -- */

static uint8_t *read_all(const char *path, size_t *n)
{
    struct ptm_file_map *map;
    struct ptm_err err = {0};
    const uint8_t *bytes;
    void *copy = NULL;
    if (ptm_map_open(&map, path, &bytes, n, &err))
        return NULL;
    if (!posix_memalign(&copy, PTM_FILE_ALIGN, *n))
        memcpy(copy, bytes, *n);
    ptm_map_close(map);
    return copy;
}

static void keep(const char *path, struct args *a)
{
    struct good *g = &good[n_good];
    g->bytes = read_all(path, &g->n);
    g->args = a;
    CHECK(g->bytes && mend_find(g->bytes, g->n, &g->place) && g->place.bytes[MEND_ENTRIES]);
    n_good += g->bytes != NULL;
}

/* The model with entries and packs, and the same without its program. */
static void make_good(const char *path, const char *hint, struct args *a, struct ptm_arena *arena)
{
    struct ptm_config config = {.recipe = &ptm_recipe_default, .backend = "cpu"};
    struct ptm_model *m = open_model(path);
    struct ptm_save_options o = {.recipe = &ptm_recipe_default, .strip_debug = true};
    struct ptm_session *s = NULL;
    struct ptm_ival out;
    struct ptm_err err = {0};
    char file[] = "/tmp/test_hostile.XXXXXX";
    int fd = mkstemp(file);
    uint32_t modules;
    if (!m || fd < 0)
        return;
    close(fd);
    read_args(path, arena, a);
    if (hint) {
        struct run_args r = {.a = *arena, .program = &m->program};
        a->v[a->n++] = run_tensor_text(&r, hint);
        *arena = r.a;
    }
    ptm_program_eval(&m->program, &modules);
    CHECK_INT(ptm_program_shrink(&m->program, NULL, 0, &err), PTM_OK);
    CHECK_INT(ptm_session_open(&s, m, &config, &err), PTM_OK);
    for (int call = 0; s && call < 4; call++)
        CHECK_INT(ptm_session_run(s, "forward", a->v, a->n, &out, &err), PTM_OK);
    o.packs = m->packs;
    CHECK_INT(ptm_saved_export(s, &m->program, &err), PTM_OK);
    CHECK_INT(ptm_save(&m->program, file, &o, &err), PTM_OK);
    keep(file, a);
    if (!ptm_program_close(&m->program, &err) && !ptm_save(&m->program, file, &o, &err))
        keep(file, a);
    ptm_session_close(s);
    ptm_model_close(m);
    unlink(file);
}

/* -- changes -- */

static uint32_t word_at(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void change_word(uint8_t *section, size_t words)
{
    uint8_t *p = section + 4 * below((uint32_t)words);
    uint32_t is = word_at(p), other = word_at(section + 4 * below((uint32_t)words));
    const uint32_t to[] = {is + 1, is - 1, 0, 1, below(16), other, is ^ 1u << below(32), is * 2,
                           UINT32_MAX, (uint32_t)INT32_MAX, 1u << below(32), below(300)};
    mend_put(p, to[below(PTM_LEN(to))], 4);
}

/* Another number of as many digits, or of fewer behind spaces. */
static void change_number(uint8_t *text, size_t n)
{
    size_t at = below((uint32_t)n), len = 0;
    while (at < n && !isdigit(text[at]))
        at++;
    while (at && isdigit(text[at - 1]))
        at--;
    while (at + len < n && isdigit(text[at + len]))
        len++;
    if (!len || len > 15)
        return;
    char number[32];
    uint64_t is = strtoull((const char *)text + at, NULL, 10);
    const uint64_t to[] = {is + 1, is - 1, is + 64, is / 2, is * 2, 0, 1, below(100), below(4096)};
    snprintf(number, sizeof number, "%*llu", (int)len, (unsigned long long)to[below(PTM_LEN(to))]);
    memcpy(text + at, number, len);
}

static void change(uint8_t *b, const struct good *g)
{
    const struct mend *m = &g->place;
    uint32_t what = below(20);
    int section = what < 3 ? MEND_PROGRAM : MEND_ENTRIES;
    size_t end = m->at[MEND_ENTRIES] + m->bytes[MEND_ENTRIES] + m->base;
    if (what < 16 && m->bytes[section] >= 4) {
        change_word(b + m->base + m->at[section], m->bytes[section] / 4);
    } else if (what < 18) {
        change_number(b + PTM_FILE_FIXED, m->header);
    } else if (g->n >= end + 8) { /* data: numbers that may be indices */
        size_t at = end + 8 * below((uint32_t)((g->n - end) / 8));
        mend_put(b + at, (uint64_t)below(64) - 32, 8);
    }
}

/* -- running -- */

static bool possible(enum ptm_status st)
{
    return st == PTM_ERR_FORMAT || st == PTM_ERR_LIMIT || st == PTM_ERR_UNSUPPORTED ||
           st == PTM_ERR_TYPE || st == PTM_ERR_MEMORY;
}

static size_t n_loaded, n_ran;

static void try_file(const uint8_t *b, size_t n, const struct args *a, const char *backend)
{
    struct ptm_config config = {.recipe = &ptm_recipe_default, .backend = backend,
                                .max_steps = 2000, .max_work = ENTRY_WORK};
    struct ptm_model *m = NULL;
    struct ptm_session *s = NULL;
    struct ptm_err err = {0};
    struct ptm_ival out;
    enum ptm_status st = ptm_model_open_bytes(&m, b, n, ptm_format_find, &err);
    if (st) {
        if (!possible(st) || !err.msg[0])
            printf("     status %s: %s\n", ptm_status_name(st), err.msg);
        CHECK(possible(st) && err.msg[0]);
        return;
    }
    n_loaded++;
    st = ptm_session_open(&s, m, &config, &err);
    for (int call = 0; !st && call < 2; call++) {
        st = ptm_session_run(s, "forward", a->v, a->n, &out, &err);
        if (!st)
            n_ran++, run_touch(out, 0);
    }
    CHECK(!st || (err.msg[0] && err.code == st));
    ptm_session_close(s);
    run_entries(m, backend);
    ptm_model_close(m);
}

int main(int argc, char **argv)
{
    static const char *const backends[] = {"cpu", "ref", "xnnpack"};
    size_t count = argc > 2 ? strtoul(argv[2], NULL, 10) : COUNT;
    struct ptm_arena arena = {0};
    ptm_cpu_mask(PTM_CPU_C);
    for (size_t i = 0; i < PTM_LEN(models); i++)
        make_good(models[i].path, models[i].hint, &args[i], &arena);
    ptm_memory_limit(RUN_MEMORY);
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    for (size_t i = 0; i < count && n_good; i++) {
        const struct good *g = &good[i % n_good];
        state = seed * 1000003 + i;
        below(2);
        void *room = NULL;
        if (posix_memalign(&room, PTM_FILE_ALIGN, g->n))
            return 1;
        uint8_t *b = room;
        memcpy(b, g->bytes, g->n);
        for (uint32_t changes = 1 + !below(3); changes--;)
            change(b, g);
        mend_file(b, g->n, &g->place);
        FILE *f = argc > 3 ? fopen(argv[3], "wb") : NULL;
        if (f) {
            fwrite(b, 1, g->n, f);
            fclose(f);
        }
        try_file(b, g->n, g->args, backends[below(8) ? i / n_good % 2 : 2]);
        free(room);
    }
    printf("     %zu good files, %zu changed ones load, %zu calls of them end well\n", n_good,
           n_loaded, n_ran);
    CHECK(n_good > PTM_LEN(models));
    CHECK(n_loaded * 10 > count && n_ran * 20 > count);
    for (size_t i = 0; i < n_good; i++)
        free(good[i].bytes);
    for (size_t i = 0; i < PTM_LEN(args); i++)
        for (size_t k = 0; k < MAX_ARGS; k++)
            ptm_map_close(args[i].map[k]);
    ptm_arena_release(&arena);
    TEST_END;
}
