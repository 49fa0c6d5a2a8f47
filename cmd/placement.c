/* SPDX-License-Identifier: BSD-2-Clause */
/* Which backend runs which node of the last call of a session, and why not another. */
#include "cmd/placement.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cmd/cmd.h"

typedef void visit_fn(void *ctx, const struct ptm_piece *p, const struct ptm_plan_step *s);

static void visit_piece(const struct ptm_piece *p, visit_fn *visit, void *ctx)
{
    for (size_t i = 0; i < p->plan.n_steps; i++)
        visit(ctx, p, &p->plan.step[i]);
}

/* The steps of the last call in order; each piece once when the program was interpreted. */
static void visit_steps(const struct ptm_session *s, visit_fn *visit, void *ctx)
{
    if (s->last)
        for (size_t i = 0; i < s->last->n_steps; i++)
            visit_piece(s->last->step[i].piece, visit, ctx);
    else
        for (const struct ptm_piece *p = s->pieces; p; p = p->next)
            visit_piece(p, visit, ctx);
}

typedef void piece_fn(void *ctx, const struct ptm_piece *p);

static void visit_pieces(const struct ptm_session *s, piece_fn *visit, void *ctx)
{
    if (s->last)
        for (size_t i = 0; i < s->last->n_steps; i++)
            visit(ctx, s->last->step[i].piece);
    else
        for (const struct ptm_piece *p = s->pieces; p; p = p->next)
            visit(ctx, p);
}

static const char *backend_name(const struct ptm_plan_step *s)
{
    return s->backend ? s->backend->name : "ref";
}

static const char *op_name(const struct ptm_piece *p, const struct ptm_plan_step *s)
{
    return ptm_op_info((enum ptm_op)p->graph.node[s->node].op)->name;
}

/* -- grouping -- */

struct maker {
    struct placement *p;
    struct ptm_arena *arena;
};

static struct placed *find(struct ptm_arena *a, struct placed **list, size_t *n, size_t *cap,
                           const struct placed *key)
{
    for (size_t i = 0; i < *n; i++) {
        const struct placed *x = &(*list)[i];
        if (!strcmp(x->backend, key->backend) && !strcmp(x->kernel, key->kernel) &&
            !strcmp(x->op, key->op) && !strcmp(x->reason, key->reason))
            return &(*list)[i];
    }
    void *p = *list;
    if (!ptm_arena_grow(a, &p, cap, *n + 1, sizeof(**list)))
        return NULL;
    *list = p;
    (*list)[*n] = *key;
    return &(*list)[(*n)++];
}

static void add_step(void *ctx, const struct ptm_piece *piece, const struct ptm_plan_step *s)
{
    struct maker *m = ctx;
    struct placement *p = m->p;
    if (s->node == PTM_NO_VALUE) {
        p->copies++;
        return;
    }
    uint64_t macs = ptm_node_macs(&piece->graph, &piece->graph.node[s->node]);
    const char *op = op_name(piece, s);
    struct placed key = {.backend = backend_name(s), .op = "", .reason = "",
                         .kernel = s->backend ? s->info.kernel : op,
                         .isa = s->backend ? s->info.isa : NULL};
    struct placed *x = find(m->arena, &p->group, &p->n_groups, &p->cap_groups, &key);
    p->steps++;
    p->macs += macs;
    if (x) {
        x->steps++;
        x->macs += macs;
        x->packed_bytes += s->backend ? s->info.packed_bytes : 0;
    }
    if (!s->reason)
        return;
    key.kernel = "";
    key.op = op;
    key.reason = s->reason;
    x = find(m->arena, &p->refusal, &p->n_refusals, &p->cap_refusals, &key);
    if (x) {
        x->steps++;
        x->macs += macs;
    }
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Pieces run one after the other in the same memory. */
static void add_memory(void *ctx, const struct ptm_piece *piece)
{
    struct placement *p = ctx;
    const struct ptm_plan *plan = &piece->plan;
    p->arena_bytes = larger(p->arena_bytes, plan->arena_bytes);
    p->live_bytes = larger(p->live_bytes, plan->live_bytes);
    p->scratch_bytes = larger(p->scratch_bytes, plan->scratch_bytes);
    for (size_t v = 0; v < piece->graph.n_values; v++)
        p->parts += plan->place[v].part_of != PTM_NO_VALUE;
}

static int by_macs(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    if (x->macs != y->macs)
        return x->macs > y->macs ? -1 : 1;
    if (x->steps != y->steps)
        return x->steps > y->steps ? -1 : 1;
    int op = strcmp(x->op, y->op), kernel = strcmp(x->kernel, y->kernel);
    return op ? op : kernel ? kernel : strcmp(x->reason, y->reason);
}

enum ptm_status placement_make(struct placement *p, const struct ptm_session *s,
                               struct ptm_arena *a, struct ptm_err *err)
{
    *p = (struct placement){.session = s};
    visit_steps(s, add_step, &(struct maker){p, a});
    visit_pieces(s, add_memory, p);
    if (a->failed)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the list of steps");
    if (p->n_groups)
        qsort(p->group, p->n_groups, sizeof(*p->group), by_macs);
    if (p->n_refusals)
        qsort(p->refusal, p->n_refusals, sizeof(*p->refusal), by_macs);
    return PTM_OK;
}

static struct placed total(const struct placement *p, const char *backend)
{
    struct placed sum = {.backend = backend};
    for (size_t i = 0; i < p->n_groups; i++)
        if (!strcmp(p->group[i].backend, backend)) {
            sum.steps += p->group[i].steps;
            sum.macs += p->group[i].macs;
            sum.packed_bytes += p->group[i].packed_bytes;
            if (!sum.isa || !*sum.isa) /* the groups with most MACs come first */
                sum.isa = p->group[i].isa;
        }
    return sum;
}

/* The session's backends in the order in which they are asked, then the reference. */
static const char *backend_at(const struct placement *p, size_t i)
{
    if (i < p->session->n_backends)
        return p->session->backend[i]->name;
    return i == p->session->n_backends ? "ref" : NULL;
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

/* -- text -- */

static void print_step(void *ctx, const struct ptm_piece *piece, const struct ptm_plan_step *s)
{
    const struct ptm_graph *g = &piece->graph;
    char shape[160], macs[40];
    uint32_t *number = ctx;
    if (s->node == PTM_NO_VALUE) {
        const struct ptm_type *t = &g->value[ptm_plan_value(&piece->plan, s->to)].type;
        printf("  %5" PRIu32 "  %-8s %-34s %s\n", (*number)++, "", "reorder",
               ptm_type_text(t, shape, sizeof(shape)));
        return;
    }
    const struct ptm_node *n = &g->node[s->node];
    uint64_t count = ptm_node_macs(g, n);
    printf("  %5" PRIu32 "  %-8s %-34s %-24s %s\n", (*number)++, backend_name(s),
           s->backend ? s->info.kernel : op_name(piece, s),
           ptm_type_text(&g->value[n->out].type, shape, sizeof(shape)),
           count ? text_count(count, macs, sizeof(macs)) : "");
}

void placement_print(const struct placement *p, bool all)
{
    char macs[40], bytes[40], scratch[40];
    const char *name, *asked = p->session->n_backends ? p->session->backend[0]->name : "ref";
    printf("backends    %" PRIu64 " steps, and %" PRIu64 " copies into another order of dims\n",
           p->steps, p->copies);
    for (size_t i = 0; (name = backend_at(p, i)); i++) {
        struct placed sum = total(p, name);
        printf("  %6" PRIu64 "  %-8s %.1f %% of the MACs", sum.steps, name,
               percent(sum.macs, p->macs));
        if (sum.packed_bytes)
            printf(", %s of packed weights",
                   text_bytes(sum.packed_bytes, bytes, sizeof(bytes)));
        putchar('\n');
    }
    printf("  arena %s bytes, no less than %s alive at one step; working space %s bytes\n",
           text_count(p->arena_bytes, bytes, sizeof(bytes)),
           text_count(p->live_bytes, macs, sizeof(macs)),
           text_count(p->scratch_bytes, scratch, sizeof(scratch)));
    if (p->parts)
        printf("  %6" PRIu64 "  values are made where a concat joins them\n", p->parts);
    printf("  %6s  %-8s %-34s %16s\n", "steps", "backend", "kernel", "MACs");
    for (size_t i = 0; i < p->n_groups; i++)
        printf("  %6" PRIu64 "  %-8s %-34s %16s\n", p->group[i].steps, p->group[i].backend,
               p->group[i].kernel,
               p->group[i].macs ? text_count(p->group[i].macs, macs, sizeof(macs)) : "");
    if (p->n_refusals)
        printf("  what %s refused\n", asked);
    for (size_t i = 0; i < p->n_refusals; i++)
        printf("  %6" PRIu64 "  %-8s %s: %s\n", p->refusal[i].steps, p->refusal[i].backend,
               p->refusal[i].op, p->refusal[i].reason);
    if (all) {
        uint32_t number = 0;
        puts("  step   backend  kernel                             result");
        visit_steps(p->session, print_step, &number);
    }
}

struct dumper {
    FILE *f;
    size_t n;
};

static void dump_piece(void *ctx, const struct ptm_piece *p)
{
    struct dumper *d = ctx;
    if (d->n++)
        fputc('\n', d->f);
    ptm_plan_dump(&p->plan, d->f);
}

void placement_dump(const struct ptm_session *s, FILE *f)
{
    visit_pieces(s, dump_piece, &(struct dumper){.f = f});
}

/* -- JSON -- */

static void add_json_step(void *ctx, const struct ptm_piece *piece, const struct ptm_plan_step *s)
{
    const struct ptm_graph *g = &piece->graph;
    bool copy = s->node == PTM_NO_VALUE;
    char shape[160];
    cJSON *o = cJSON_CreateObject();
    uint32_t out = copy ? ptm_plan_value(&piece->plan, s->to) : g->node[s->node].out;
    cJSON_AddStringToObject(o, "operator", copy ? "reorder" : op_name(piece, s));
    cJSON_AddStringToObject(o, "backend", copy ? "" : backend_name(s));
    cJSON_AddStringToObject(o, "kernel", s->backend ? s->info.kernel : "");
    cJSON_AddStringToObject(o, "isa", s->backend && s->info.isa ? s->info.isa : "");
    cJSON_AddStringToObject(o, "result",
                            ptm_type_text(&g->value[out].type, shape, sizeof(shape)));
    cJSON_AddItemToObject(o, "macs",
                          json_int(copy ? 0 : (int64_t)ptm_node_macs(g, &g->node[s->node])));
    cJSON_AddItemToObject(o, "packed_bytes",
                          json_int(s->backend ? (int64_t)s->info.packed_bytes : 0));
    cJSON_AddStringToObject(o, "reason", s->reason ? s->reason : "");
    cJSON_AddItemToArray(ctx, o);
}

struct cJSON *placement_shares_json(const struct placement *p)
{
    const char *name;
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; (name = backend_at(p, i)); i++) {
        struct placed sum = total(p, name);
        cJSON *b = cJSON_CreateObject();
        cJSON_AddStringToObject(b, "name", name);
        cJSON_AddStringToObject(b, "isa", sum.isa ? sum.isa : "");
        cJSON_AddItemToObject(b, "steps", json_int((int64_t)sum.steps));
        cJSON_AddItemToObject(b, "macs", json_int((int64_t)sum.macs));
        cJSON_AddNumberToObject(b, "macs_percent", percent(sum.macs, p->macs));
        cJSON_AddItemToObject(b, "packed_bytes", json_int((int64_t)sum.packed_bytes));
        cJSON_AddItemToArray(list, b);
    }
    return list;
}

struct cJSON *placement_json(const struct placement *p)
{
    cJSON *o = cJSON_CreateObject(), *list;
    cJSON_AddItemToObject(o, "backends", placement_shares_json(p));
    cJSON_AddItemToObject(o, "steps", json_int((int64_t)p->steps));
    cJSON_AddItemToObject(o, "copies", json_int((int64_t)p->copies));
    cJSON_AddItemToObject(o, "joined_in_place", json_int((int64_t)p->parts));
    cJSON_AddItemToObject(o, "arena_bytes", json_int((int64_t)p->arena_bytes));
    cJSON_AddItemToObject(o, "live_bytes", json_int((int64_t)p->live_bytes));
    cJSON_AddItemToObject(o, "scratch_bytes", json_int((int64_t)p->scratch_bytes));
    list = cJSON_AddArrayToObject(o, "refused");
    for (size_t i = 0; i < p->n_refusals; i++) {
        cJSON *r = cJSON_CreateObject();
        cJSON_AddStringToObject(r, "operator", p->refusal[i].op);
        cJSON_AddStringToObject(r, "reason", p->refusal[i].reason);
        cJSON_AddStringToObject(r, "backend", p->refusal[i].backend);
        cJSON_AddItemToObject(r, "steps", json_int((int64_t)p->refusal[i].steps));
        cJSON_AddItemToObject(r, "macs", json_int((int64_t)p->refusal[i].macs));
        cJSON_AddItemToArray(list, r);
    }
    visit_steps(p->session, add_json_step, cJSON_AddArrayToObject(o, "plan"));
    return o;
}
