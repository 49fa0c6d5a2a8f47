/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of passes, recipes, and running them. */
#include "libcore/passes.h"

#include <string.h>

const struct ptm_pass ptm_passes[] = {
#define PTM_PASS_ROW(name, late, doc) {#name, ptm_pass_##name, late, doc},
    PTM_PASSES(PTM_PASS_ROW)
#undef PTM_PASS_ROW
};
const size_t ptm_n_passes = PTM_LEN(ptm_passes);

static const char *const all_names[] = {
#define PTM_PASS_NAME(name, late, doc) #name,
    PTM_PASSES(PTM_PASS_NAME)
#undef PTM_PASS_NAME
};
const struct ptm_recipe ptm_recipe_default = {all_names, PTM_LEN(all_names)};

/* By the names alone: who only reads recipes does not link the passes. */
static size_t find(const char *word, size_t len)
{
    size_t i = 0;
    while (i < PTM_LEN(all_names) &&
           (strlen(all_names[i]) != len || memcmp(all_names[i], word, len) != 0))
        i++;
    return i;
}

const char *ptm_pass_name(const char *name)
{
    size_t i = find(name, strlen(name));
    return i < PTM_LEN(all_names) ? all_names[i] : NULL;
}

const struct ptm_pass *ptm_pass_by_name(const char *name)
{
    size_t i = find(name, strlen(name));
    return i < PTM_LEN(all_names) ? &ptm_passes[i] : NULL;
}

enum ptm_status ptm_recipe_parse(const char *text, struct ptm_arena *a, struct ptm_recipe *out,
                                 struct ptm_err *err)
{
    bool named[PTM_LEN(all_names)] = {false}, plus = false, minus = false;
    bool all = !strcmp(text, "default"), none = !strcmp(text, "none");
    for (const char *p = text; *p && !all && !none;) {
        bool without = *p == '-';
        p += without;
        size_t len = strcspn(p, ","), i = find(p, len);
        if (i == PTM_LEN(all_names))
            return ptm_fail(err, PTM_ERR_ARG, "no pass '%.*s'; 'ptm passes' lists them",
                            (int)(len < 60 ? len : 60), p);
        minus = minus || without;
        plus = plus || !without;
        named[i] = true;
        p += len;
        p += *p == ',';
    }
    if (plus && minus)
        return ptm_fail(err, PTM_ERR_ARG, "passes '%.100s': names with and without '-'", text);
    const char **name = ptm_arena_array(a, PTM_LEN(all_names), sizeof(*name));
    if (!name)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for a list of passes");
    *out = (struct ptm_recipe){.name = name};
    for (size_t i = 0; i < PTM_LEN(all_names); i++)
        if (all || (plus && named[i]) || (minus && !named[i]))
            name[out->n++] = all_names[i];
    return PTM_OK;
}

bool ptm_recipe_equal(const struct ptm_recipe *a, const struct ptm_recipe *b)
{
    size_t n = a ? a->n : 0;
    if (n != (b ? b->n : 0))
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(a->name[i], b->name[i]) != 0)
            return false;
    return true;
}

/* The types and numbers that others rely on. */
static enum ptm_status same_ends(const struct ptm_graph *a, const struct ptm_graph *b,
                                 struct ptm_err *err)
{
    if (a->n_inputs != b->n_inputs || a->n_scalars != b->n_scalars || a->n_outputs != b->n_outputs)
        return ptm_fail(err, PTM_ERR_FORMAT, "inputs, scalars or outputs got lost");
    for (size_t i = 0; i < a->n_outputs; i++)
        if (!ptm_type_equal(&a->value[a->output[i]].type, &b->value[b->output[i]].type))
            return ptm_fail(err, PTM_ERR_TYPE, "output %zu has another type", i);
    return PTM_OK;
}

/* cur -> *next in `arena`; *hits 0: cur may as well stay. */
static enum ptm_status run_one(const struct ptm_pass *pass, const struct ptm_graph *cur,
                               struct ptm_arena *arena, struct ptm_arena *keep,
                               struct ptm_graph *next, uint32_t *hits, struct ptm_err *err)
{
    struct ptm_arena work = {0};
    struct ptm_graph made;
    struct ptm_err why = {0};
    struct ptm_rewrite r = {.in = cur, .out = &made, .work = &work, .keep = keep, .err = &why};
    ptm_graph_init(&made, &work);
    enum ptm_status s = pass->fn(&r);
    if (!s && r.hits) {
        s = ptm_graph_sweep(&made, arena, next, &why);
        if (!s)
            s = same_ends(cur, next, &why);
        if (!s)
            s = ptm_graph_verify(next, &why);
    }
    *hits = r.hits;
    ptm_arena_release(&work);
    return s ? ptm_fail(err, s, "pass '%s': %s", pass->name, why.msg) : PTM_OK;
}

enum ptm_status ptm_passes_run(const struct ptm_graph *in, const struct ptm_recipe *recipe,
                               struct ptm_arena *arena, struct ptm_graph *out, uint32_t *hits,
                               const struct ptm_pass_watch *watch, struct ptm_err *err)
{
    struct ptm_arena side[2] = {{0}};
    struct ptm_graph graph[2];
    const struct ptm_graph *cur = in;
    int at = 0; /* the side that cur does not lie on */
    enum ptm_status s = PTM_OK;
    bool late = false, more = true;
    for (int round = 1; round <= PTM_PASS_ROUNDS && !s; round++) {
        bool first = round == 1 || (!more && !late); /* of the late ones */
        if (!more && late)
            break;
        late = late || !more;
        more = false;
        for (size_t i = 0; i < recipe->n && !s; i++) {
            const struct ptm_pass *pass = ptm_pass_by_name(recipe->name[i]);
            uint32_t found = 0;
            if (!pass) {
                s = ptm_fail(err, PTM_ERR_ARG, "no pass '%.60s'", recipe->name[i]);
                break;
            }
            if (pass->late && !late)
                continue;
            s = run_one(pass, cur, &side[at], arena, &graph[at], &found, err);
            if (!s && found) {
                cur = &graph[at];
                at = !at;
                more = true;
            }
            ptm_arena_release(&side[at]);
            if (hits)
                hits[i] += found;
            if (!s && watch && (found || (first && (round == 1 || pass->late))))
                s = watch->after(watch->ctx, pass, round, found, cur, err);
        }
    }
    if (!s)
        s = ptm_graph_sweep(cur, arena, out, err);
    if (!s)
        s = ptm_graph_verify(out, err);
    ptm_arena_release(&side[0]);
    ptm_arena_release(&side[1]);
    return s;
}
