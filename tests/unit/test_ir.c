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
 *       pass NAME,...   how often it found something, and the graph after it, without keys. A
 *               constant "=0.5" holds that number, others random ones. The graph also runs before
 *               and after: outputs must agree.
 */
#include <glob.h>
#include <stdlib.h>

#include "kernels/ref_util.h"
#include "libcore/passes.h"
#include "libcore/plan.h"
#include "tests/unit/test.h"

enum { MAX_TEXT = 16 * 1024 };

static char text[MAX_TEXT], want[MAX_TEXT], got[MAX_TEXT];

static void say_error(const struct ptm_err *err)
{
    snprintf(got, sizeof(got), "%s: %s\n", ptm_status_name(err->code), err->msg);
}

static void dump(const struct ptm_graph *g, char *out, size_t size)
{
    FILE *f = fmemopen(out, size, "w");
    ptm_graph_dump(g, f);
    fclose(f);
}

static void show_plan(const struct ptm_graph *g, struct ptm_arena *arena)
{
    struct ptm_plan plan;
    struct ptm_err err = {0};
    if (ptm_graph_verify(g, &err) || ptm_plan_make(&plan, g, arena, NULL, &err) ||
        ptm_plan_verify(&plan, &err)) {
        say_error(&err);
        return;
    }
    FILE *f = fmemopen(got, sizeof(got), "w");
    ptm_plan_dump(&plan, f);
    fclose(f);
}

/* Contents for the constants, which parse made zero: of one storage each, row-major. */
static void fill(struct ptm_graph *g)
{
    for (size_t v = 0; v < g->n_values; v++) {
        const struct ptm_value *value = &g->value[v];
        if (value->kind != V_CONST)
            continue;
        const struct ptm_const *c = &g->constant[value->ref];
        struct ptm_nd nd = {.dtype = value->type.dtype, .rank = 1};
        int64_t last = 0;
        uint64_t state = c->key;
        bool given = c->name && *c->name == '=', is_float = ptm_dtype_float(nd.dtype);
        memcpy(&nd.data, &c->data, sizeof(nd.data));
        for (int i = 0; i < value->type.rank; i++)
            last += (value->type.dim[i] - 1) * c->stride[i];
        for (int64_t i = 0; i <= last && ptm_type_numel(&value->type); i++) {
            state = ptm_mix(state, (uint64_t)i);
            double x = given ? strtod(c->name + 1, NULL) : (double)(state >> 40) / (1 << 24) + 0.25;
            if (is_float)
                ptm_ref_put_f(&nd, i, x);
            else
                ptm_ref_put_i(&nd, i, given ? (int64_t)x : (int64_t)(state >> 63));
        }
    }
}

static void drop_keys(char *s)
{
    for (char *p; (p = strstr(s, " key="));) {
        size_t n = 5 + strspn(p + 5, "0123456789");
        memmove(p, p + n, strlen(p + n) + 1);
    }
}

static void show_passes(struct ptm_graph *g, const char *names, struct ptm_arena *arena)
{
    struct ptm_recipe recipe;
    struct ptm_graph out;
    struct ptm_passes_verdict verdict;
    struct ptm_err err = {0};
    uint32_t hits[64] = {0};
    fill(g);
    if (ptm_graph_verify(g, &err) || ptm_recipe_parse(names, arena, &recipe, &err) ||
        ptm_passes_run(g, &recipe, arena, &out, hits, NULL, &err) ||
        ptm_passes_verify(g, &recipe, 1e-5, 7, NULL, NULL, &verdict, &err)) {
        say_error(&err);
        return;
    }
    int n = 0;
    for (size_t i = 0; i < recipe.n; i++)
        if (recipe.n == 1 || hits[i])
            n += snprintf(got + n, sizeof(got) - (size_t)n, "%s%s %u", n ? ", " : "",
                          recipe.name[i], hits[i]);
    n += snprintf(got + n, sizeof(got) - (size_t)n, "\n");
    dump(&out, got + n, sizeof(got) - (size_t)n);
    drop_keys(got);
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
        dump(&g, got, sizeof(got));
        ptm_graph_init(&h, arena);
        CHECK_INT(ptm_graph_parse(&h, got, &err), PTM_OK);
        CHECK_STR(err.msg, "");
        dump(&h, again, sizeof(again));
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
    } else if (!strncmp(kind, "pass ", 5)) {
        show_passes(&g, kind + 5, arena);
    } else {
        snprintf(got, sizeof(got), "no kind '%s'\n", kind);
    }
}

static void run_file(const char *path)
{
    char line[1024], kind[200] = "";
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
