/* SPDX-License-Identifier: BSD-2-Clause */
/* What the last call of a session cost: nodes, MACs, memory, entries. */
#include "cmd/cost.h"

#include <inttypes.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "cmd/cmd.h"

static void add_piece(struct cost *c, const struct ptm_piece *p)
{
    c->nodes += p->graph.n_nodes;
    if (p->plan.arena_bytes > c->arena_bytes)
        c->arena_bytes = p->plan.arena_bytes;
    for (size_t i = 0; i < p->graph.n_nodes; i++) {
        const struct ptm_node *n = &p->graph.node[i];
        struct op_cost *o = &c->op[n->op];
        uint64_t macs = ptm_node_macs(&p->graph, n), bytes = ptm_node_bytes(&p->graph, n);
        o->nodes++;
        o->macs += macs;
        o->bytes += bytes;
        c->macs += macs;
        c->bytes += bytes;
    }
}

enum ptm_status cost_make(struct cost *c, const struct ptm_session *s, struct ptm_arena *a,
                          struct ptm_err *err)
{
    struct ptm_session_stats st;
    ptm_session_stats(s, &st);
    *c = (struct cost){
        .entries = st.entries, .pieces = st.pieces, .interpreted = st.interpreted > 0};
    c->op = ptm_arena_array(a, PTM_N_OPS, sizeof(*c->op));
    if (!c->op)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the costs");
    if (s->last) {
        c->guards = s->last->n_guards;
        c->effects = s->last->n_effects;
        for (size_t i = 0; i < s->last->n_steps; i++)
            add_piece(c, s->last->step[i].piece);
    } else {
        for (const struct ptm_piece *p = s->pieces; p; p = p->next)
            for (uint64_t k = 0; k < p->runs; k++)
                add_piece(c, p);
    }
    return PTM_OK;
}

static int by_macs(const void *a, const void *b)
{
    const struct op_cost *x = *(const struct op_cost *const *)a,
                         *y = *(const struct op_cost *const *)b;
    if (x->macs != y->macs)
        return x->macs > y->macs ? -1 : 1;
    if (x->nodes != y->nodes)
        return x->nodes > y->nodes ? -1 : 1;
    return x < y ? -1 : 1;
}

static size_t sort_ops(const struct cost *c, const struct op_cost **order)
{
    size_t n = 0;
    for (int i = 0; i < PTM_N_OPS; i++)
        if (c->op[i].nodes)
            order[n++] = &c->op[i];
    qsort(order, n, sizeof(*order), by_macs);
    return n;
}

void cost_print(const struct cost *c, bool all)
{
    enum { SHOWN = 12 };
    char nodes[40], macs[40], bytes[40], arena[40];
    const struct op_cost *order[PTM_N_OPS];
    printf("cost        %s nodes, %s MACs, %s of activations at once, reads and writes %s\n",
           text_count(c->nodes, nodes, sizeof(nodes)), text_count(c->macs, macs, sizeof(macs)),
           text_bytes(c->arena_bytes, arena, sizeof(arena)),
           text_bytes(c->bytes, bytes, sizeof(bytes)));
    if (c->interpreted)
        printf(
            "            the program reads tensor data to go on: interpreted in each call, %" PRIu64
            " pieces\n",
            c->pieces);
    else
        printf("            entries %" PRIu64 ", pieces %" PRIu64 ", guards %" PRIu64
               ", state written %" PRIu64 "\n",
               c->entries, c->pieces, c->guards, c->effects);
    size_t n = sort_ops(c, order);
    printf("  %6s  %-20s %16s %12s\n", "nodes", "graph operator", "MACs", "bytes");
    for (size_t i = 0; i < n; i++) {
        if (i == SHOWN && !all) {
            printf("         and %zu more (-v shows all)\n", n - i);
            break;
        }
        printf("  %6" PRIu64 "  %-20s %16s %12s\n", order[i]->nodes,
               ptm_op_info((enum ptm_op)(order[i] - c->op))->name,
               order[i]->macs ? text_count(order[i]->macs, macs, sizeof(macs)) : "",
               text_bytes(order[i]->bytes, bytes, sizeof(bytes)));
    }
}

struct cJSON *cost_json(const struct cost *c)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddBoolToObject(o, "interpreted", c->interpreted);
    cJSON_AddItemToObject(o, "entries", json_int((int64_t)c->entries));
    cJSON_AddItemToObject(o, "pieces", json_int((int64_t)c->pieces));
    cJSON_AddItemToObject(o, "guards", json_int((int64_t)c->guards));
    cJSON_AddItemToObject(o, "effects", json_int((int64_t)c->effects));
    cJSON_AddItemToObject(o, "nodes", json_int((int64_t)c->nodes));
    cJSON_AddItemToObject(o, "macs", json_int((int64_t)c->macs));
    cJSON_AddItemToObject(o, "traffic_bytes", json_int((int64_t)c->bytes));
    cJSON_AddItemToObject(o, "activation_arena_bytes", json_int((int64_t)c->arena_bytes));
    const struct op_cost *order[PTM_N_OPS];
    size_t n = sort_ops(c, order);
    cJSON *list = cJSON_AddArrayToObject(o, "graph_operators");
    for (size_t i = 0; i < n; i++) {
        cJSON *j = cJSON_CreateObject();
        cJSON_AddStringToObject(j, "name", ptm_op_info((enum ptm_op)(order[i] - c->op))->name);
        cJSON_AddItemToObject(j, "nodes", json_int((int64_t)order[i]->nodes));
        cJSON_AddItemToObject(j, "macs", json_int((int64_t)order[i]->macs));
        cJSON_AddItemToObject(j, "traffic_bytes", json_int((int64_t)order[i]->bytes));
        cJSON_AddItemToArray(list, j);
    }
    return o;
}

void cost_dump(const struct ptm_session *s, bool entry, FILE *f)
{
    if (entry && s->last)
        ptm_entry_dump(s->last, f);
    else if (entry)
        fputs("no entry: the program reads tensor data to go on\n", f);
    if (!entry && s->last) {
        for (size_t i = 0; i < s->last->n_steps; i++) {
            if (i)
                fputc('\n', f);
            ptm_graph_dump(&s->last->step[i].piece->graph, f);
        }
    } else if (!entry) {
        for (const struct ptm_piece *p = s->pieces; p; p = p->next) {
            ptm_graph_dump(&p->graph, f);
            if (p->next)
                fputc('\n', f);
        }
    }
}
