/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * .ptm files: each TorchScript fixture is written and read back, raw and compressed. The program
 * dumps the same, writing it again gives the same bytes, and it computes the same bits. Damaged
 * files of tests/formats/bad_ptm fail with the code and text that expected.txt pins. Files named as
 * arguments are tried instead, with the times of loading; after `--corpus FOLDER` they are written
 * there, raw and compressed.
 */
#include "tests/unit/ptm_same.h"
#include "tests/unit/test.h"

#include <dirent.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "formats/formats.h"
#include "formats/npy.h"
#include "formats/ptm_layout.h"
#include "formats/ptm_write.h"
#include "libcore/map.h"
#include "libcore/program_edit.h"
#include "libcore/session.h"

static char dir[] = "/tmp/test_ptm.XXXXXX";

static char *dump(const struct ptm_program *p)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    if (!f)
        return NULL;
    ptm_program_dump(p, f);
    fclose(f);
    return text;
}

static bool same_bytes(const char *a, const char *b)
{
    struct ptm_err err = {0};
    struct ptm_file_map *x = NULL, *y = NULL;
    const uint8_t *p, *q;
    size_t n, m;
    bool same = !ptm_map_open(&x, a, &p, &n, &err) && !ptm_map_open(&y, b, &q, &m, &err) &&
                n == m && !memcmp(p, q, n);
    ptm_map_close(x);
    ptm_map_close(y);
    return same;
}

static void compare_runs(const char *path, const struct ptm_model *a, const struct ptm_model *b)
{
    struct ptm_arena arena = {0};
    struct args args = {0};
    struct ptm_session *s[2] = {NULL, NULL};
    struct ptm_config config = {.max_steps = 1000000};
    struct ptm_err err[2] = {{0}, {0}};
    struct ptm_ival out[2];
    read_args(path, &arena, &args);
    for (int k = 0; k < 2; k++) { /* the second call sees the state of the first */
        enum ptm_status st[2];
        for (int i = 0; i < 2; i++) {
            st[i] = s[i] ? PTM_OK : ptm_session_open(&s[i], i ? b : a, &config, &err[i]);
            if (!st[i])
                st[i] = ptm_session_run(s[i], "forward", args.v, args.n, &out[i], &err[i]);
        }
        CHECK_INT(st[1], st[0]);
        CHECK_STR(err[1].msg, err[0].msg);
        bool same = st[0] || st[1] || same_value(out[0], out[1], 0);
        CHECK(same);
        if (!same || st[0] != st[1])
            printf("     %s: other results\n", path);
    }
    ptm_session_close(s[0]);
    ptm_session_close(s[1]);
    for (size_t i = 0; i < MAX_ARGS; i++)
        ptm_map_close(args.map[i]);
    ptm_arena_release(&arena);
}

/* -- there and back -- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void round_trip(const char *path, const struct ptm_model *m, const char *text, bool compress,
                       bool show)
{
    char file[64], again[64];
    struct ptm_err err = {0};
    struct ptm_save_options o = {.compress = compress};
    snprintf(file, sizeof file, "%s/a.ptm", dir);
    snprintf(again, sizeof again, "%s/b.ptm", dir);
    double start = now();
    CHECK_INT(ptm_save(&m->program, file, &o, &err), PTM_OK);
    double saved = now();
    struct ptm_model *back = open_model(file);
    double loaded = now();
    CHECK(back);
    if (!back) {
        printf("     %s: %s\n", path, err.msg);
        return;
    }
    if (show)
        printf("     %s%s: %zu bytes, .ptm %zu bytes, written in %.4f s, loaded in %.4f s\n", path,
               compress ? " --compress" : "", m->n_bytes, back->n_bytes, saved - start,
               loaded - saved);
    char *other = dump(&back->program);
    bool same = text && other && !strcmp(text, other);
    CHECK(same);
    if (!same)
        printf("     %s: another program\n", path);
    free(other);
    CHECK_STR(back->format->name, "ptm");
    CHECK_INT(back->program.op_version, m->program.op_version);
    CHECK_INT(ptm_save(&back->program, again, &o, &err), PTM_OK);
    CHECK(same_bytes(file, again));
    compare_runs(path, m, back);
    ptm_model_close(back);
}

/* Without positions and names of registers it still is a program that computes the same. */
static void strip(const struct ptm_model *m)
{
    char file[64];
    struct ptm_err err = {0};
    struct ptm_save_options o = {.strip_debug = true};
    snprintf(file, sizeof file, "%s/s.ptm", dir);
    CHECK_INT(ptm_save(&m->program, file, &o, &err), PTM_OK);
    struct ptm_model *back = open_model(file);
    CHECK(back && back->program.n_pos == 1);
    if (back)
        CHECK_INT(back->program.n_fns, m->program.n_fns);
    ptm_model_close(back);
}

/* Without what no method needs: the same results; shrinking again finds nothing. */
static void prune(const char *path, const struct ptm_model *m)
{
    struct ptm_err err = {0};
    struct ptm_model *pruned = open_model(path);
    CHECK(pruned);
    if (!pruned)
        return;
    CHECK_INT(ptm_program_shrink(&pruned->program, NULL, 0, &err), PTM_OK);
    CHECK(pruned->program.n_fns <= m->program.n_fns);
    char *once = dump(&pruned->program);
    CHECK_INT(ptm_program_shrink(&pruned->program, NULL, 0, &err), PTM_OK);
    char *twice = dump(&pruned->program);
    CHECK(once && twice && !strcmp(once, twice));
    free(once);
    free(twice);
    compare_runs(path, m, pruned);
    ptm_model_close(pruned);
}

static void test_file(const char *path, bool show)
{
    double start = now();
    struct ptm_model *m = open_model(path);
    CHECK(m);
    if (!m)
        return;
    if (show)
        printf("     %s: loaded in %.4f s\n", path, now() - start);
    char *text = dump(&m->program);
    round_trip(path, m, text, false, show);
    round_trip(path, m, text, true, show);
    strip(m);
    prune(path, m);
    free(text);
    ptm_model_close(m);
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
        test_file(path, false);
        free(list[i]);
    }
    free(list);
}

/* Sessions run the file's passes, unless they are given others. */
static void test_recipe(void)
{
    static const char *const names[] = {"cse", "fold_bn", "fuse_clamp"};
    const struct ptm_recipe recipe = {names, PTM_LEN(names)}, nothing = {0};
    const char *path = "tests/e2e/passes/mobilenet_v2.traced.pt";
    struct ptm_save_options o = {.recipe = &recipe};
    struct ptm_model *m = open_model(path), *back = NULL;
    struct ptm_arena arena = {0};
    struct ptm_err err = {0};
    struct args args = {0};
    struct ptm_ival out;
    char file[64];
    snprintf(file, sizeof file, "%s/a.ptm", dir);
    CHECK(m && !m->recipe);
    if (m && !ptm_save(&m->program, file, &o, &err))
        back = open_model(file);
    CHECK(back && back->recipe && back->recipe->n == recipe.n);
    for (size_t i = 0; back && back->recipe && i < back->recipe->n; i++)
        CHECK_STR(back->recipe->name[i], names[i]);
    read_args(path, &arena, &args);
    for (int with = 0; back && with < 2; with++) {
        struct ptm_config config = {.recipe = with ? NULL : &nothing};
        struct ptm_session *s = NULL;
        CHECK_INT(ptm_session_open(&s, back, &config, &err), PTM_OK);
        CHECK_INT(ptm_session_run(s, "forward", args.v, args.n, &out, &err), PTM_OK);
        CHECK(s->pieces && s->pieces->traced.n_nodes > 30);
        if (with)
            CHECK(s->pieces->graph.n_nodes < s->pieces->traced.n_nodes / 2 + 10);
        else
            CHECK_INT(s->pieces->graph.n_nodes, s->pieces->traced.n_nodes);
        ptm_session_close(s);
    }
    for (size_t i = 0; i < MAX_ARGS; i++)
        ptm_map_close(args.map[i]);
    ptm_arena_release(&arena);
    ptm_model_close(back);
    ptm_model_close(m);
}

/* Memory that runs out at each request in turn: writing says so and leaves the old file. */
static void test_memory(const char *path)
{
    char file[64], kept[64];
    struct ptm_model *m = open_model(path);
    snprintf(file, sizeof file, "%s/a.ptm", dir);
    snprintf(kept, sizeof kept, "%s/b.ptm", dir);
    struct ptm_err err = {0};
    CHECK(m);
    if (!m)
        return;
    CHECK_INT(ptm_save(&m->program, kept, NULL, &err), PTM_OK);
    CHECK_INT(ptm_save(&m->program, file, NULL, &err), PTM_OK);
    for (uint64_t n = 1, done = 0; !done; n++) {
        struct ptm_save_options o = {.compress = true};
        err = (struct ptm_err){0};
        ptm_memory_fail_at(n);
        enum ptm_status st = ptm_save(&m->program, file, &o, &err);
        done = ptm_memory_fail_at(0);
        CHECK_INT(st, done ? PTM_OK : PTM_ERR_MEMORY);
        CHECK(done || same_bytes(file, kept));
    }
    for (uint64_t n = 1, done = 0; !done; n++) {
        struct ptm_model *fresh = open_model(path);
        ptm_memory_fail_at(n);
        enum ptm_status st =
            fresh ? ptm_program_shrink(&fresh->program, NULL, 0, &err) : PTM_ERR_IO;
        done = ptm_memory_fail_at(0) || !fresh;
        CHECK_INT(st, done ? PTM_OK : PTM_ERR_MEMORY);
        ptm_model_close(fresh);
    }
    ptm_model_close(m);
}

#define BAD "tests/formats/bad_ptm"
static void test_bad(void)
{
    char line[512], path[300], name[200];
    int rows = 0;
    FILE *f = fopen(BAD "/expected.txt", "r");
    CHECK(f);
    while (f && fgets(line, sizeof line, f)) {
        int code, at = 0;
        struct ptm_err err = {0};
        struct ptm_model *m = NULL;
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "%199s %d %n", name, &code, &at) < 2)
            continue;
        snprintf(path, sizeof path, BAD "/%s", name);
        enum ptm_status st = ptm_model_open(&m, path, ptm_format_find, &err);
        CHECK_INT(st, code);
        CHECK(strstr(err.msg, line + at));
        if ((int)st != code || !strstr(err.msg, line + at))
            printf("     %s: %d %s\n", name, (int)st, err.msg);
        ptm_model_close(m);
        rows++;
    }
    CHECK(rows > 50);
    if (f)
        fclose(f);
}

static void write_corpus(const char *folder, const char *path)
{
    struct ptm_err err = {0};
    struct ptm_model *m = open_model(path);
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    char out[512];
    for (int z = 0; m && z < 2; z++) {
        struct ptm_save_options o = {.compress = z, .strip_debug = !z};
        snprintf(out, sizeof out, "%s/%.*s%s.ptm", folder, (int)strcspn(name, "."), name,
                 z ? "_zstd" : "");
        CHECK_INT(ptm_save(&m->program, out, &o, &err), PTM_OK);
    }
    CHECK(m);
    ptm_model_close(m);
}

int main(int argc, char **argv)
{
    static const char *const folders[] = {"tests/formats/good", "tests/session", "tests/e2e/a",
                                          "tests/e2e/b",        "tests/e2e/prim",
                                          "tests/e2e/digits",   "tests/e2e/passes"};
    char name[64];
    if (argc > 3 && !strcmp(argv[1], "--corpus")) {
        for (int i = 3; i < argc; i++)
            write_corpus(argv[2], argv[i]);
        TEST_END;
    }
    if (!mkdtemp(dir)) {
        perror(dir);
        return 1;
    }
    for (int i = 1; i < argc; i++)
        test_file(argv[i], true);
    for (size_t i = 0; argc == 1 && i < PTM_LEN(folders); i++)
        test_folder(folders[i]);
    if (argc == 1) {
        test_bad();
        test_recipe();
        test_memory("tests/formats/good/shared_213.pt");
        test_memory("tests/session/sizes.pt");
    }
    for (const char *c = "abs"; *c; c++) {
        snprintf(name, sizeof name, "%s/%c.ptm", dir, *c);
        unlink(name);
    }
    rmdir(dir);
    TEST_END;
}
