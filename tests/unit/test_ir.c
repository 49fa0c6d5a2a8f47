/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs tests/ir/ *.txt. A file is groups of lines with blank lines between; lines that begin with
 * "//" are comments. A group:
 *
 *     KIND: what it shows
 *     the graph's text
 *     --
 *     what is expected, line for line
 *
 * KIND: parse   the dump of the graph ("same": the text itself), or "CODE: message"
 *       verify  ok, or "CODE: message"
 *       plan    where each value lives, and the arena's size
 */
#include <glob.h>
#include <stdlib.h>

#include "libcore/infer.h"
#include "libcore/plan.h"
#include "tests/unit/test.h"

enum { MAX_TEXT = 16 * 1024 };

static char text[MAX_TEXT], want[MAX_TEXT], got[MAX_TEXT];

static void say_error(const struct ptm_err *err)
{
    snprintf(got, sizeof(got), "%s: %s\n", ptm_status_name(err->code), err->msg);
}

static void dump(const struct ptm_graph *g, char *out)
{
    FILE *f = fmemopen(out, MAX_TEXT, "w");
    ptm_graph_dump(g, f);
    fclose(f);
}

static void show_plan(const struct ptm_graph *g, struct ptm_arena *arena)
{
    static const char *const roots[] = {"arena", "arg", "const", "out", "scalar"};
    struct ptm_plan plan;
    struct ptm_err err = {0};
    if (ptm_graph_verify(g, &err) || ptm_plan_make(&plan, g, arena, NULL, &err) ||
        ptm_plan_verify(&plan, &err)) {
        say_error(&err);
        return;
    }
    FILE *f = fmemopen(got, sizeof(got), "w");
    for (size_t v = 0; v < g->n_values; v++) {
        const struct ptm_place *p = &plan.place[v];
        fprintf(f, "%%%zu %s", v, roots[p->root]);
        if (p->root != R_ARENA)
            fprintf(f, " %u", p->ref);
        if (p->root == R_ARENA || p->offset)
            fprintf(f, " + %lld", (long long)p->offset);
        if (p->view && p->root != R_ARG) {
            fprintf(f, " stride=[");
            for (int i = 0; i < g->value[v].type.rank; i++)
                fprintf(f, "%s%lld", i ? ", " : "", (long long)p->stride[i]);
            fprintf(f, "]");
        }
        fprintf(f, "%s\n", p->view ? " view" : "");
    }
    for (size_t i = 0; i < plan.n_copies; i++)
        fprintf(f, "copy output %u\n", plan.copy_out[i]);
    fprintf(f, "%zu steps, %zu bytes\n", plan.n_steps, plan.arena_bytes);
    fclose(f);
}

static void run_case(const char *kind, struct ptm_arena *arena)
{
    struct ptm_graph g;
    struct ptm_err err = {0};
    ptm_graph_init(&g, arena);
    if (ptm_graph_parse(&g, text, &err)) {
        say_error(&err);
    } else if (!strcmp(kind, "parse")) {
        static char again[MAX_TEXT];
        struct ptm_graph h;
        dump(&g, got);
        ptm_graph_init(&h, arena);
        CHECK_INT(ptm_graph_parse(&h, got, &err), PTM_OK);
        CHECK_STR(err.msg, "");
        dump(&h, again);
        CHECK_STR(again, got);
        CHECK(ptm_graph_equal(&g, &h) && ptm_graph_hash(&g) == ptm_graph_hash(&h));
        if (!strcmp(want, "same\n"))
            strcpy(want, text);
    } else if (!strcmp(kind, "verify")) {
        snprintf(got, sizeof(got), "ok\n");
        if (ptm_graph_verify(&g, &err))
            say_error(&err);
    } else if (!strcmp(kind, "plan")) {
        show_plan(&g, arena);
    } else {
        snprintf(got, sizeof(got), "no kind '%s'\n", kind);
    }
}

static void run_file(const char *path)
{
    char line[1024], kind[16] = "";
    FILE *f = fopen(path, "r");
    CHECK(f != NULL);
    for (int n = 1, first = 0; f; n++) {
        bool more = fgets(line, sizeof(line), f) != NULL;
        if (more && !strncmp(line, "//", 2))
            continue;
        if (more && *line != '\n') {
            if (!*kind) {
                first = n;
                snprintf(kind, sizeof(kind), "%.*s", (int)strcspn(line, ":"), line);
                text[0] = want[0] = 0;
                continue;
            }
            char *to = *want ? want : text;
            if (!strcmp(line, "--\n"))
                strcpy(want, " "); /* from here on expected lines; the mark is taken away below */
            else if (strlen(to) + strlen(line) < MAX_TEXT)
                strcat(to, line);
            continue;
        }
        if (*kind) {
            struct ptm_arena arena = {0};
            memmove(want, want + 1, *want ? strlen(want) : 0);
            run_case(kind, &arena);
            if (!test_result(!strcmp(got, want), path, first))
                printf("got\n%sshould be\n%s", got, want);
            ptm_arena_release(&arena);
            *kind = 0;
        }
        if (!more)
            break;
    }
    if (f)
        fclose(f);
}

int main(void)
{
    glob_t files;
    CHECK(!glob("tests/ir/*.txt", 0, NULL, &files));
    CHECK(files.gl_pathc > 0);
    for (size_t i = 0; i < files.gl_pathc; i++)
        run_file(files.gl_pathv[i]);
    globfree(&files);
    TEST_END;
}
