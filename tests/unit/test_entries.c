/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries in .ptm files: each fixture is run, written with its entries, and with nothing but these,
 * and read back. The first calls then run without being specialised, and give the same bits as a
 * session that specialises, on every backend. Files named as arguments are tried instead, with
 * times; after `--corpus FOLDER` what is made of them is kept there.
 */
#include "tests/unit/ptm_same.h"
#include "tests/unit/test.h"

#include <dirent.h>
#include <stdlib.h>
#include <time.h>

#include "formats/ptm_write.h"
#include "libcore/passes.h"
#include "libcore/program_edit.h"
#include "libcore/saved.h"

static char dir[] = "/tmp/test_entries.XXXXXX";
static const char *const backends[] = {"ref", "cpu", "xnnpack"};
static size_t n_files, n_with_entries, n_left_out;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Calls two sessions in turn: the same statuses, the same bits. */
static void compare(const char *path, struct ptm_session *a, struct ptm_session *b,
                    const struct args *args)
{
    for (int call = 0; call < 2; call++) {
        struct ptm_err err[2] = {{0}, {0}};
        struct ptm_ival out[2];
        enum ptm_status x = ptm_session_run(a, "forward", args->v, args->n, &out[0], &err[0]);
        enum ptm_status y = ptm_session_run(b, "forward", args->v, args->n, &out[1], &err[1]);
        CHECK_INT(y, x);
        CHECK_STR(err[1].msg, err[0].msg);
        bool same = x || y || same_value(out[0], out[1], 0);
        CHECK(same);
        if (!same || x != y)
            printf("     %s: other results in call %d\n", path, call);
    }
}

static void run_back(const char *path, const struct ptm_model *m, const char *file, size_t entries,
                     const struct args *args, bool all, bool show)
{
    struct ptm_model *back = open_model(file);
    struct ptm_session *a = NULL, *b = NULL;
    struct ptm_err err = {0};
    struct ptm_ival out;
    CHECK(back && back->program.saved && back->program.saved->n_entries == entries);
    for (size_t i = 0; back && i < PTM_LEN(backends); i++) {
        struct ptm_config config = {.backend = backends[i], .recipe = &ptm_recipe_default};
        const struct ptm_backend *backend = ptm_backend_find(backends[i]);
        if (i && (!backend || backend->unavailable()))
            continue;
        CHECK_INT(ptm_session_open(&a, m, &config, &err), PTM_OK);
        CHECK_INT(ptm_session_open(&b, back, &config, &err), PTM_OK);
        CHECK_INT(b->stats.loaded, entries);
        compare(path, a, b, args);
        if (all)
            CHECK_INT(b->stats.specialised, 0);
        ptm_session_close(a);
        ptm_session_close(b);
        for (int with = 0; show && with < 2; with++) {
            CHECK_INT(ptm_session_open(&b, with ? back : m, &config, &err), PTM_OK);
            double start = now();
            CHECK_INT(ptm_session_run(b, "forward", args->v, args->n, &out, &err), PTM_OK);
            double first = now();
            CHECK_INT(ptm_session_run(b, "forward", args->v, args->n, &out, &err), PTM_OK);
            printf("     %s %s, %s: first run %.4f s, second %.4f s\n", path, backends[i],
                   !with                  ? "the program"
                   : back->program.closed ? "closed"
                                          : "its entries",
                   first - start, now() - first);
            ptm_session_close(b);
        }
    }
    ptm_model_close(back);
}

static struct ptm_model *ready_model(const char *path)
{
    struct ptm_model *m = open_model(path);
    struct ptm_err err = {0};
    uint32_t modules;
    CHECK(m);
    if (!m)
        return NULL;
    ptm_program_eval(&m->program, &modules);
    CHECK_INT(ptm_program_shrink(&m->program, NULL, 0, &err), PTM_OK);
    return m;
}

/* Calls until nothing new comes of it. */
static void make_entries(struct ptm_session *s, const struct args *args)
{
    struct ptm_err err = {0};
    struct ptm_ival out;
    for (int call = 0; call < 8; call++) {
        uint64_t before = s->stats.specialised;
        if (ptm_session_run(s, "forward", args->v, args->n, &out, &err) ||
            (call && s->stats.specialised == before))
            return;
    }
}

static void test_file(const char *path, const char *corpus, bool show)
{
    struct ptm_config config = {.recipe = &ptm_recipe_default, .max_steps = 1000000};
    struct ptm_model *m = ready_model(path), *given = ready_model(path);
    struct ptm_save_result did = {0};
    struct ptm_save_options o = {.recipe = &ptm_recipe_default, .did = &did};
    struct ptm_session *s = NULL;
    struct ptm_arena arena = {0};
    struct args args = {0};
    struct ptm_err err = {0};
    char open[300], closed[300];
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    int len = (int)strcspn(name, ".");
    snprintf(open, sizeof open, "%s/%.*s_entries.ptm", corpus ? corpus : dir, corpus ? len : 1,
             corpus ? name : "a");
    snprintf(closed, sizeof closed, "%s/%.*s_closed.ptm", corpus ? corpus : dir, corpus ? len : 1,
             corpus ? name : "a");
    o.strip_debug = corpus != NULL;
    read_args(path, &arena, &args);
    if (m && given && !ptm_session_open(&s, m, &config, &err)) {
        make_entries(s, &args);
        CHECK_INT(ptm_saved_export(s, &m->program, &err), PTM_OK);
        CHECK_INT(ptm_save(&m->program, open, &o, &err), PTM_OK);
        size_t entries = did.entries;
        bool all = entries && entries == s->stats.specialised;
        n_files++;
        n_with_entries += entries != 0;
        n_left_out += did.left_out != 0;
        if (entries) {
            CHECK_INT(ptm_program_close(&m->program, &err), PTM_OK);
            CHECK_INT(ptm_save(&m->program, closed, &o, &err), PTM_OK);
        }
        ptm_session_close(s);
        if (entries)
            run_back(path, given, open, entries, &args, all, show);
        if (all)
            run_back(path, given, closed, did.entries, &args, all, show);
    }
    for (size_t i = 0; i < MAX_ARGS; i++)
        ptm_map_close(args.map[i]);
    ptm_arena_release(&arena);
    ptm_model_close(m);
    ptm_model_close(given);
}

/* -- memory that runs out -- */

static enum ptm_status write_both(const char *path, const struct args *args, const char *open,
                                  const char *closed, struct ptm_err *err)
{
    struct ptm_config config = {.recipe = &ptm_recipe_default};
    struct ptm_save_options o = {.recipe = &ptm_recipe_default};
    struct ptm_model *m = NULL;
    struct ptm_session *s = NULL;
    struct ptm_ival out;
    uint32_t modules;
    enum ptm_status st = ptm_model_open(&m, path, ptm_format_find, err);
    if (!st) {
        ptm_program_eval(&m->program, &modules);
        st = ptm_program_shrink(&m->program, NULL, 0, err);
    }
    if (!st)
        st = ptm_session_open(&s, m, &config, err);
    for (int call = 0; call < 2 && !st; call++)
        st = ptm_session_run(s, "forward", args->v, args->n, &out, err);
    if (!st)
        st = ptm_saved_export(s, &m->program, err);
    if (!st)
        st = ptm_save(&m->program, open, &o, err);
    if (!st)
        st = ptm_program_close(&m->program, err);
    if (!st)
        st = ptm_save(&m->program, closed, &o, err);
    ptm_session_close(s);
    ptm_model_close(m);
    return st;
}

static enum ptm_status run_file(const char *file, const struct args *args, struct ptm_err *err)
{
    struct ptm_config config = {.recipe = &ptm_recipe_default, .backend = "cpu"};
    struct ptm_model *m = NULL;
    struct ptm_session *s = NULL;
    struct ptm_ival out;
    enum ptm_status st = ptm_model_open(&m, file, ptm_format_find, err);
    if (!st)
        st = ptm_session_open(&s, m, &config, err);
    for (int call = 0; call < 2 && !st; call++)
        st = ptm_session_run(s, "forward", args->v, args->n, &out, err);
    ptm_session_close(s);
    ptm_model_close(m);
    return st;
}

static void test_memory(const char *path)
{
    struct ptm_arena arena = {0};
    struct args args = {0};
    char file[2][64];
    for (int i = 0; i < 2; i++)
        snprintf(file[i], sizeof file[i], "%s/a%s.ptm", dir, i ? "_closed" : "_entries");
    read_args(path, &arena, &args);
    for (int what = 0; what < 3; what++) /* the first time writes what the others read */
        for (uint64_t n = 1, done = 0; !done; n += what ? 1 : 7) {
            struct ptm_err err = {0};
            ptm_memory_fail_at(n);
            enum ptm_status st = what ? run_file(file[what - 1], &args, &err)
                                      : write_both(path, &args, file[0], file[1], &err);
            done = ptm_memory_fail_at(0);
            /* what can be done without, is: a node may go to another backend */
            bool ok = st == PTM_OK || (!done && st == PTM_ERR_MEMORY);
            CHECK(ok);
            if (!ok)
                printf("     %s, request %llu: %s\n", path, (unsigned long long)n, err.msg);
        }
    for (size_t i = 0; i < MAX_ARGS; i++)
        ptm_map_close(args.map[i]);
    ptm_arena_release(&arena);
}

/* -- entries that lie -- */

/* Makes the entry wrong in one way; false: there are no more. */
static bool lie(struct ptm_entry *e, int number)
{
    struct ptm_tree *in = NULL, *out = e->result;
    struct ptm_entry_step *s = e->n_steps ? &e->step[0] : NULL;
    for (size_t i = 0; i < e->n_guards && !in; i++)
        if (e->guard[i].kind == G_TREE && e->guard[i].tree->kind == T_TENSOR)
            in = e->guard[i].tree;
    while (out && out->kind == T_TUPLE)
        out = &out->child[0];
    if (!in || !s || out->kind != T_TENSOR)
        return false;
    switch (number) {
    case 0: in->ref = (uint32_t)e->n_bindings; return true;
    case 1: in->bytes -= 1; return true;
    case 2: in->base.dim[0] += 1; return true;
    case 3: in->type.dim[0] += 1; return true;
    case 4: in->stride[1] = INT64_MAX; return true;
    case 5: in->offset = -1; return true;
    case 6: in->type.dtype = PTM_BF16; return true;
    case 7: in->type.dtype = 200; return true;
    case 8: s->arg[0] = s->first_out; return true;
    case 9: s->arg[0] = UINT32_MAX; return true;
    case 10: s->first_out += 1; return true;
    case 11: s->first_out = UINT32_MAX; return true;
    case 12: out->ref = (uint32_t)e->n_bindings; return true;
    case 13: out->type.dim[0] += 100; return true;
    case 14: out->stride[0] = -1; return true;
    case 15: out->offset = 1 << 20; return true;
    case 16: out->kind = T_CONST; out->known = ptm_none(); return true;
    case 17: out->kind = T_OBJECT; out->known = ptm_none(); return true;
    case 18: out->kind = T_NEW; return true;
    case 19: out->kind = T_SYM; out->ref = UINT32_MAX; return true;
    case 20: out->kind = 99; return true;
    case 21: in->kind = T_CONST; return true;
    case 22: e->binding[s->first_out].from_guard = true; return true;
    case 23: e->binding[in->ref].from_guard = false; return true;
    case 24: e->binding[s->first_out].type.dim[0] += 1; return true;
    case 25: e->binding[in->ref].type.dim[0] += 1; return true;
    default: return false;
    }
}

static void test_lies(const char *path)
{
    struct ptm_config config = {.recipe = &ptm_recipe_default};
    struct ptm_arena arena = {0};
    struct args args = {0};
    struct ptm_err err = {0};
    struct ptm_ival out;
    int told = 0;
    read_args(path, &arena, &args);
    for (int number = 0; number >= 0; number++) {
        struct ptm_model *m = open_model(path);
        struct ptm_session *s = NULL;
        CHECK_INT(ptm_session_open(&s, m, &config, &err), PTM_OK);
        CHECK_INT(ptm_session_run(s, "forward", args.v, args.n, &out, &err), PTM_OK);
        CHECK_INT(ptm_saved_export(s, &m->program, &err), PTM_OK);
        struct ptm_entry *e = &m->program.saved->entry[0];
        struct ptm_err why = {0};
        CHECK_INT(ptm_entry_verify(e, &why), PTM_OK);
        bool more = lie(e, number);
        if (more) {
            CHECK_INT(ptm_entry_verify(e, &why), PTM_ERR_TYPE);
            if (!why.code)
                printf("     %s: lie %d is believed\n", path, number);
            told++;
        }
        ptm_session_close(s);
        ptm_model_close(m);
        if (!more)
            break;
    }
    CHECK(told >= 26);
    for (size_t i = 0; i < MAX_ARGS; i++)
        ptm_map_close(args.map[i]);
    ptm_arena_release(&arena);
}

static int is_model(const struct dirent *d)
{
    size_t n = strlen(d->d_name);
    return n > 3 && !strcmp(d->d_name + n - 3, ".pt");
}

static void test_folder(const char *folder)
{
    struct dirent **list = NULL;
    char path[512];
    int n = scandir(folder, &list, is_model, alphasort);
    CHECK(n > 0);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, list[i]->d_name);
        test_file(path, NULL, false);
        free(list[i]);
    }
    free(list);
}

int main(int argc, char **argv)
{
    static const char *const folders[] = {"tests/formats/good", "tests/session",
                                          "tests/e2e/a",        "tests/e2e/b",
                                          "tests/e2e/digits",   "tests/e2e/passes"};
    char name[64];
    if (!mkdtemp(dir)) {
        perror(dir);
        return 1;
    }
    const char *corpus = argc > 3 && !strcmp(argv[1], "--corpus") ? argv[2] : NULL;
    for (int i = corpus ? 3 : 1; i < argc; i++)
        test_file(argv[i], corpus, !corpus);
    for (size_t i = 0; argc == 1 && i < PTM_LEN(folders); i++)
        test_folder(folders[i]);
    if (argc == 1) {
        test_memory("tests/e2e/digits/digits.pt");
        test_memory("tests/e2e/b/act_prelu.pt");
        test_lies("tests/e2e/passes/mobilenet_v2.traced.pt");
        test_lies("tests/e2e/digits/digits.pt");
    }
    printf("     %zu files, %zu with entries, %zu had to leave some out\n", n_files,
           n_with_entries, n_left_out);
    if (argc == 1)
        CHECK(n_with_entries * 10 > n_files * 7);
    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s/a%s.ptm", dir, i ? "_closed" : "_entries");
        unlink(name);
    }
    rmdir(dir);
    TEST_END;
}
