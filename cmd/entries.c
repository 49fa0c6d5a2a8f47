/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls that a .ptm file brings along ready to plan, for `ptm inspect`. */
#include "cmd/entries.h"

#include <inttypes.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cmd/cmd.h"
#include "libcore/saved.h"

struct text {
    char *buf;
    size_t n, at;
};

static void put(struct text *t, const char *s)
{
    int n = snprintf(t->buf + t->at, t->n - t->at, "%s", s);
    t->at = n < 0 || (size_t)n >= t->n - t->at ? t->n - 1 : t->at + (size_t)n;
}

static void put_tree(struct text *t, const struct ptm_tree *tree)
{
    static const char *const open[] = {[T_LIST] = "[", [T_TUPLE] = "(", [T_DICT] = "{"};
    static const char *const close[] = {[T_LIST] = "]", [T_TUPLE] = ")", [T_DICT] = "}"};
    char buf[200];
    if (tree->kind == T_TENSOR) {
        put(t, ptm_type_text(&tree->type, buf, sizeof(buf)));
    } else if (tree->kind == T_SYM) {
        put(t, tree->is_float ? "any float" : "any int");
    } else if (tree->kind == T_KNOWN) {
        if (tree->known.tag == PTM_INT)
            snprintf(buf, sizeof(buf), "%" PRId64, tree->known.u.i);
        else if (tree->known.tag == PTM_FLOAT)
            snprintf(buf, sizeof(buf), "%.9g", tree->known.u.f);
        else if (tree->known.tag == PTM_BOOL)
            snprintf(buf, sizeof(buf), "%s", tree->known.u.b ? "True" : "False");
        else if (tree->known.tag == PTM_STR)
            snprintf(buf, sizeof(buf), "'%.100s'", tree->known.u.str->s);
        else
            snprintf(buf, sizeof(buf), "None");
        put(t, buf);
    } else if (tree->kind == T_LIST || tree->kind == T_TUPLE || tree->kind == T_DICT) {
        put(t, open[tree->kind]);
        for (size_t i = 0; i < tree->n; i++) {
            put(t, !i ? "" : tree->kind == T_DICT && i % 2 ? ": " : ", ");
            put_tree(t, &tree->child[i]);
        }
        put(t, close[tree->kind]);
    } else {
        put(t, "object");
    }
}

/* "forward(f32[1, 3, 224, 224], 16000)" */
static void describe(const struct ptm_program *p, const struct ptm_entry *e, struct text *t)
{
    size_t n = 0;
    put(t, p->fn[e->method].name);
    put(t, "(");
    for (size_t i = 0; i < e->n_guards; i++)
        if (e->guard[i].kind == G_TREE && !e->guard[i].slot.object) {
            put(t, n++ ? ", " : "");
            put_tree(t, e->guard[i].tree);
        }
    put(t, ")");
}

static void cost(const struct ptm_entry *e, uint64_t *nodes, uint64_t *macs)
{
    *nodes = *macs = 0;
    for (size_t i = 0; i < e->n_steps; i++) {
        const struct ptm_graph *g = &e->step[i].piece->graph;
        *nodes += g->n_nodes;
        for (size_t k = 0; k < g->n_nodes; k++)
            *macs += ptm_node_macs(g, &g->node[k]);
    }
}

void entries_print(const struct ptm_program *p)
{
    uint64_t nodes, macs;
    char a[40], b[40];
    if (!p->saved)
        return;
    printf("entries     %zu%s\n", p->saved->n_entries,
           p->closed ? ": a closed file, no other calls are possible"
                     : ": calls that need not be specialised");
    for (size_t i = 0; i < p->saved->n_entries; i++) {
        char text[1000] = "";
        struct text t = {text, sizeof(text), 0};
        describe(p, &p->saved->entry[i], &t);
        cost(&p->saved->entry[i], &nodes, &macs);
        printf("  %s: %s nodes, %s MACs\n", text, text_count(nodes, a, sizeof(a)),
               text_count(macs, b, sizeof(b)));
    }
}

cJSON *entries_json(const struct ptm_program *p)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; p->saved && i < p->saved->n_entries; i++) {
        const struct ptm_entry *e = &p->saved->entry[i];
        uint64_t nodes, macs;
        char text[1000] = "";
        struct text t = {text, sizeof(text), 0};
        cJSON *o = cJSON_CreateObject();
        describe(p, e, &t);
        cost(e, &nodes, &macs);
        cJSON_AddStringToObject(o, "method", p->fn[e->method].name);
        cJSON_AddStringToObject(o, "call", text);
        cJSON_AddItemToObject(o, "nodes", json_int((int64_t)nodes));
        cJSON_AddItemToObject(o, "macs", json_int((int64_t)macs));
        cJSON_AddItemToArray(list, o);
    }
    return list;
}
