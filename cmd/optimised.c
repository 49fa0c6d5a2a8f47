/* SPDX-License-Identifier: BSD-2-Clause */
/* What graph passes did to the pieces of a session's last call. */
#include "cmd/optimised.h"

#include <inttypes.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cmd/cmd.h"

enum ptm_status recipe_option(const char *text, bool optimize, struct ptm_arena *a,
                              struct ptm_recipe *room, const struct ptm_recipe **use,
                              struct ptm_err *err)
{
    *use = NULL;
    if (!text && !optimize)
        return PTM_OK;
    PTM_TRY(ptm_recipe_parse(text ? text : "default", a, room, err));
    *use = room;
    return PTM_OK;
}

/* Piece number i of the last call, or of all calls when it was interpreted; NULL: no more. */
static const struct ptm_piece *piece(const struct ptm_session *s, size_t i)
{
    if (s->last)
        return i < s->last->n_steps ? s->last->step[i].piece : NULL;
    const struct ptm_piece *p = s->pieces;
    while (p && i-- > 0)
        p = p->next;
    return p;
}

enum ptm_status optimised_make(struct optimised *o, const struct ptm_session *s,
                               const struct ptm_recipe *recipe, struct ptm_arena *a,
                               struct ptm_err *err)
{
    *o = (struct optimised){.recipe = recipe};
    o->hits = ptm_arena_array(a, recipe->n + 1, sizeof(*o->hits));
    if (!o->hits)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the counts of %zu passes", recipe->n);
    for (size_t i = 0; piece(s, i); i++) {
        const struct ptm_piece *p = piece(s, i);
        for (size_t k = 0; k < recipe->n && p->hits; k++)
            o->hits[k] += p->hits[k];
        o->nodes[0] += p->given_nodes;
        o->macs[0] += p->given_macs;
        o->nodes[1] += p->graph.n_nodes;
        for (size_t k = 0; k < p->graph.n_nodes; k++)
            o->macs[1] += ptm_node_macs(&p->graph, &p->graph.node[k]);
    }
    return PTM_OK;
}

enum ptm_status optimised_verify(struct optimised *o, const struct ptm_session *s,
                                 double tolerance, uint64_t seed, struct ptm_err *err)
{
    o->verified = true;
    for (size_t i = 0; piece(s, i); i++) {
        struct ptm_passes_verdict v;
        PTM_TRY(ptm_passes_verify(&piece(s, i)->traced, o->recipe, tolerance, seed + i, NULL,
                                  NULL, &v, err));
        if (v.worst >= o->verdict.worst)
            o->verdict = v;
    }
    return PTM_OK;
}

void optimised_print(const struct optimised *o)
{
    char a[40], b[40], c[40], d[40];
    printf("passes      %s nodes became %s, %s MACs %s\n",
           text_count(o->nodes[0], a, sizeof(a)), text_count(o->nodes[1], b, sizeof(b)),
           text_count(o->macs[0], c, sizeof(c)), text_count(o->macs[1], d, sizeof(d)));
    for (size_t i = 0; i < o->recipe->n; i++)
        if (o->hits[i])
            printf("  %6" PRIu64 "  %-18s%s\n", o->hits[i], o->recipe->name[i],
                   ptm_pass_by_name(o->recipe->name[i])->doc);
    if (o->verified && o->verdict.pass)
        printf("  verified: outputs moved by %.2g of their largest number at most, after '%s'\n",
               o->verdict.worst, o->verdict.pass);
    else if (o->verified)
        puts("  verified: the outputs are the same bit by bit");
}

cJSON *optimised_json(const struct optimised *o)
{
    static const char *const when[] = {"before", "after"};
    cJSON *doc = cJSON_CreateObject();
    for (int i = 0; i < 2; i++) {
        cJSON *c = cJSON_AddObjectToObject(doc, when[i]);
        cJSON_AddItemToObject(c, "nodes", json_int((int64_t)o->nodes[i]));
        cJSON_AddItemToObject(c, "macs", json_int((int64_t)o->macs[i]));
    }
    cJSON *list = cJSON_AddArrayToObject(doc, "passes");
    for (size_t i = 0; i < o->recipe->n; i++) {
        cJSON *p = cJSON_CreateObject();
        cJSON_AddStringToObject(p, "name", o->recipe->name[i]);
        cJSON_AddItemToObject(p, "hits", json_int((int64_t)o->hits[i]));
        cJSON_AddItemToArray(list, p);
    }
    if (o->verified)
        cJSON_AddNumberToObject(doc, "worst_relative_difference", o->verdict.worst);
    else
        cJSON_AddNullToObject(doc, "worst_relative_difference");
    return doc;
}

struct dump {
    const char *pass;
    FILE *f;
    size_t piece;
};

static enum ptm_status dump(void *ctx, const struct ptm_pass *pass, int round, uint32_t hits,
                            const struct ptm_graph *g, struct ptm_err *err)
{
    const struct dump *d = ctx;
    (void)err;
    if (strcmp(pass->name, d->pass) != 0)
        return PTM_OK;
    fprintf(d->f, "// piece %zu, round %d, after '%s': %" PRIu32 " hits\n", d->piece, round,
            pass->name, hits);
    ptm_graph_dump(g, d->f);
    return PTM_OK;
}

enum ptm_status optimised_dump_after(const struct ptm_session *s, const struct ptm_recipe *recipe,
                                     const char *pass, FILE *f, struct ptm_err *err)
{
    struct dump d = {.pass = pass, .f = f};
    struct ptm_pass_watch watch = {dump, &d};
    for (; piece(s, d.piece); d.piece++) {
        struct ptm_arena a = {0};
        struct ptm_graph out;
        enum ptm_status rc =
            ptm_passes_run(&piece(s, d.piece)->traced, recipe, &a, &out, NULL, &watch, err);
        ptm_arena_release(&a);
        PTM_TRY(rc);
    }
    return PTM_OK;
}
