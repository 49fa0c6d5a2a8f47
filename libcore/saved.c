/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries between a session and its model: the same entries, but for the objects and storages they
 * name, of which a session has copies.
 */
#include "libcore/saved.h"

#include <string.h>

#include "libcore/clock.h"
#include "libcore/derived.h"
#include "libcore/passes.h"
#include "libcore/session.h"

enum { VERSION = 1 }; /* of what entries.h and derived.h say */

uint64_t ptm_entries_version(void)
{
    uint64_t h = VERSION;
    for (int i = 0; i < PTM_N_OPS; i++) {
        const struct ptm_op_info *op = ptm_op_info((enum ptm_op)i);
        const char *const text[] = {op->name, op->attrs, op->rule};
        for (size_t k = 0; k < PTM_LEN(text); k++)
            for (const char *s = text[k]; *s; s++)
                h = ptm_mix(h, (uint8_t)*s);
        h = ptm_mix(h, (uint64_t)op->min_in | (uint64_t)op->max_in << 8 | (uint64_t)op->n_out << 16);
    }
    return h;
}

/* -- visiting -- */

static void each(struct ptm_tree *t, void (*visit)(struct ptm_tree *, void *), void *ctx)
{
    visit(t, ctx);
    for (size_t i = 0; i < t->n; i++)
        each(&t->child[i], visit, ctx);
}

void ptm_entry_each_tree(struct ptm_entry *e, void (*visit)(struct ptm_tree *, void *), void *ctx)
{
    for (size_t i = 0; i < e->n_guards; i++)
        if (e->guard[i].kind == G_TREE)
            each(e->guard[i].tree, visit, ctx);
    for (size_t i = 0; i < e->n_effects; i++)
        if (e->effect[i].value)
            each(e->effect[i].value, visit, ctx);
    each(e->result, visit, ctx);
}

/* -- copying an entry to the other side -- */

struct copier {
    struct ptm_arena *arena;
    const struct ptm_session *s;
    const struct ptm_program *p; /* of the model */
    bool to_model;
    bool impossible; /* it names what the other side does not have */
};

static struct ptm_object *other_object(struct copier *c, const struct ptm_object *o)
{
    if (!o)
        return NULL;
    return c->to_model ? c->p->object[o->id] : c->s->object[o->id];
}

/* Storages of the heap have a copy on the other side; others are data of the entry's own. */
static struct ptm_storage *other_storage(struct copier *c, struct ptm_storage *x, bool *heap)
{
    const struct ptm_pmap *m = &c->s->storages;
    if (!c->to_model && *heap) {
        struct ptm_storage *y = ptm_pmap_get(m, x);
        c->impossible |= !y;
        return y;
    }
    for (size_t i = 0; c->to_model && i < m->cap; i++)
        if (m->key[i] && m->v[i] == x) {
            struct ptm_storage *y;
            memcpy(&y, &m->key[i], sizeof(y)); /* the map's keys are the model's storages */
            *heap = true;
            return y;
        }
    c->impossible |= x->heap || x->owned; /* another call's */
    *heap = false;
    return x;
}

static void copy_tree(struct copier *c, const struct ptm_tree *from, struct ptm_tree *to)
{
    *to = *from;
    if (from->kind == T_KNOWN && from->known.tag == PTM_STR) {
        const struct ptm_str *s = from->known.u.str;
        to->known = ptm_str_ival(c->arena, s->s, s->len);
    }
    if (from->kind == T_OBJECT)
        to->known.u.object = other_object(c, from->known.u.object);
    if (from->kind == T_CONST) {
        bool heap = !c->to_model && from->ref;
        struct ptm_tensor *x = ptm_arena_copy(c->arena, from->known.u.tensor, sizeof(*x));
        struct ptm_storage *s = other_storage(c, from->known.u.tensor->storage, &heap);
        if (!x || !s)
            return;
        x->storage = s;
        to->known = ptm_tensor_ival(x);
        to->ref = heap;
    }
    if (from->kind == T_NEW && c->to_model) {
        const struct ptm_program *p = c->p;
        bool named = false; /* lowerings make classes that the program lacks */
        for (uint32_t i = 0; i < p->n_classes && !named; i++)
            named = from->cls == &p->cls[i];
        c->impossible |= !named;
    }
    if (!from->n)
        return;
    to->child = ptm_arena_array(c->arena, from->n, sizeof(*to->child));
    for (size_t i = 0; to->child && i < from->n; i++)
        copy_tree(c, &from->child[i], &to->child[i]);
}

static struct ptm_tree *copied_tree(struct copier *c, const struct ptm_tree *from)
{
    struct ptm_tree *to = from ? ptm_arena_alloc(c->arena, sizeof(*to)) : NULL;
    if (to)
        copy_tree(c, from, to);
    return to;
}

static bool copy_entry(struct copier *c, const struct ptm_entry *from, struct ptm_entry *to)
{
    struct ptm_arena *a = c->arena;
    to->method = from->method;
    to->n_guards = from->n_guards;
    to->guard = ptm_arena_copy(a, from->guard, from->n_guards * sizeof(*to->guard));
    for (size_t i = 0; to->guard && i < to->n_guards; i++) {
        to->guard[i].tree = copied_tree(c, from->guard[i].tree);
        to->guard[i].slot.object = other_object(c, from->guard[i].slot.object);
    }
    to->n_bindings = from->n_bindings;
    to->binding = ptm_arena_copy(a, from->binding, from->n_bindings * sizeof(*to->binding));
    to->n_scalars = from->n_scalars;
    to->scalar = ptm_arena_copy(a, from->scalar, from->n_scalars * sizeof(*to->scalar));
    to->n_steps = from->n_steps;
    to->step = ptm_arena_copy(a, from->step, from->n_steps * sizeof(*to->step));
    for (size_t i = 0; to->step && i < to->n_steps; i++) {
        const struct ptm_graph *g = &from->step[i].piece->graph;
        const struct ptm_entry_step *s = &from->step[i];
        to->step[i].arg = ptm_arena_copy(a, s->arg, g->n_inputs * sizeof(*s->arg));
        to->step[i].scalar = ptm_arena_copy(a, s->scalar, g->n_scalars * sizeof(*s->scalar));
    }
    to->n_effects = from->n_effects;
    to->effect = ptm_arena_copy(a, from->effect, from->n_effects * sizeof(*to->effect));
    for (size_t i = 0; to->effect && i < to->n_effects; i++) {
        const struct ptm_effect *x = &from->effect[i];
        to->effect[i].value = copied_tree(c, x->value);
        to->effect[i].slot.object = other_object(c, x->slot.object);
        c->impossible |= x->storage != NULL;
    }
    to->result = copied_tree(c, from->result);
    return !a->failed;
}

/* -- from a session -- */

static struct ptm_piece *saved_piece(struct ptm_saved *x, const struct ptm_piece *p)
{
    for (size_t i = 0; i < x->n_pieces; i++)
        if (x->piece[i].saved == p)
            return &x->piece[i];
    struct ptm_piece *to = &x->piece[x->n_pieces++];
    to->saved = p;
    to->graph = p->graph;
    to->hits = p->hits;
    to->given_nodes = p->given_nodes;
    to->given_macs = p->given_macs;
    return to;
}

enum ptm_status ptm_saved_export(const struct ptm_session *s, struct ptm_program *p,
                                 struct ptm_err *err)
{
    struct ptm_saved *x = ptm_arena_alloc(&p->arena, sizeof(*x));
    size_t n_steps = 0;
    for (size_t i = 0; i < s->n_entries; i++)
        n_steps += s->entry[i]->n_steps;
    if (!x || !(x->entry = ptm_arena_array(&p->arena, s->n_entries + 1, sizeof(*x->entry))) ||
        !(x->piece = ptm_arena_array(&p->arena, n_steps + 1, sizeof(*x->piece))))
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the entries");
    x->recipe = s->config.recipe;
    for (size_t i = 0; i < s->n_entries; i++) {
        struct copier c = {.arena = &p->arena, .s = s, .p = p, .to_model = true};
        struct ptm_entry *to = &x->entry[x->n_entries];
        *to = (struct ptm_entry){0};
        if (s->entry[i]->unplanned)
            continue;
        if (!copy_entry(&c, s->entry[i], to))
            return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the entries");
        if (c.impossible)
            continue;
        for (size_t k = 0; k < to->n_steps; k++)
            to->step[k].piece = saved_piece(x, s->entry[i]->step[k].piece);
        x->n_entries++;
    }
    p->saved = x;
    return PTM_OK;
}

/* -- into a session -- */

enum ptm_status ptm_saved_import(struct ptm_session *s, struct ptm_err *err)
{
    const struct ptm_program *p = &s->model->program;
    const struct ptm_saved *x = p->saved;
    if (!x || (s->config.no_entries && !p->closed) || !ptm_recipe_equal(x->recipe, s->config.recipe))
        return PTM_OK;
    size_t n = x->n_entries < PTM_MAX_ENTRIES ? x->n_entries : PTM_MAX_ENTRIES;
    for (size_t i = 0; i < n; i++) {
        struct ptm_entry *e = ptm_malloc(sizeof(*e));
        struct copier c = {.s = s, .p = p};
        if (!e)
            return ptm_fail(err, PTM_ERR_MEMORY, "no memory for an entry");
        s->entry[s->n_entries++] = e;
        e->unplanned = true;
        c.arena = &e->arena;
        if (!copy_entry(&c, &x->entry[i], e))
            return ptm_fail(err, PTM_ERR_MEMORY, "no memory for an entry");
        if (c.impossible)
            return ptm_fail(err, PTM_ERR_FORMAT, "an entry names a tensor that no object has");
    }
    for (size_t i = 0; i < s->n_entries; i++)
        for (size_t k = 0; k < s->entry[i]->n_effects; k++) {
            const struct ptm_effect *f = &s->entry[i]->effect[k];
            if (f->value)
                s->slot_state[f->slot.object->id][f->slot.index] = true;
        }
    s->stats.loaded = s->n_entries;
    return PTM_OK;
}

/* -- planning -- */

/* Data that the file does not hold; once for the session. */
static const void *make_data(struct ptm_session *s, const struct ptm_derived *d,
                             struct ptm_err *err)
{
    struct ptm_arena *a = &s->arena;
    void *to = ptm_pmap_get(&s->derived, d);
    if (to)
        return to;
    struct ptm_derived copy = *d;
    copy.in = ptm_arena_copy(a, d->in, d->n_in * sizeof(*d->in));
    to = ptm_arena_array(a, (size_t)ptm_type_numel(&d->type) + 1, ptm_dtype_bytes(d->type.dtype));
    if (!copy.in || !to) {
        ptm_fail(err, PTM_ERR_MEMORY, "no memory for the constants");
        return NULL;
    }
    for (uint32_t i = 0; i < d->n_in; i++) {
        struct ptm_const *c = &copy.in[i].c;
        if (!c->from || c->data)
            continue;
        const char *data = make_data(s, c->from, err);
        if (!data)
            return NULL;
        c->data = data + c->at * (int64_t)ptm_dtype_bytes(copy.in[i].type.dtype);
    }
    if (ptm_derived_run(&copy, to, err))
        return NULL;
    if (!ptm_pmap_set(a, &s->derived, d, to)) {
        ptm_fail(err, PTM_ERR_MEMORY, "no memory for the constants");
        return NULL;
    }
    return to;
}

/* The file's graph with all data of its constants. */
static enum ptm_status fill(struct ptm_session *s, struct ptm_piece *p, struct ptm_err *err)
{
    struct ptm_graph *g = &p->graph;
    *g = p->saved->graph;
    g->arena = &p->arena;
    g->constant = ptm_arena_copy(&p->arena, g->constant, g->n_constants * sizeof(*g->constant));
    g->cap_constants = g->n_constants;
    if (!g->constant)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the constants");
    for (size_t i = 0; i < g->n_values; i++) {
        const struct ptm_value *v = &g->value[i];
        struct ptm_const *c = v->kind == V_CONST ? &g->constant[v->ref] : NULL;
        if (!c || c->data || !c->from)
            continue;
        const char *data = make_data(s, c->from, err);
        if (!data)
            return err->code;
        c->data = data + c->at * (int64_t)ptm_dtype_bytes((enum ptm_dtype)v->type.dtype);
    }
    return PTM_OK;
}

static struct ptm_piece *planned(struct ptm_session *s, const struct ptm_piece *from,
                                 struct ptm_err *err)
{
    struct ptm_piece *p = s->pieces;
    while (p && p->saved != from)
        p = p->next;
    if (p)
        return p;
    p = ptm_malloc(sizeof(*p));
    if (!p) {
        ptm_fail(err, PTM_ERR_MEMORY, "no memory for a piece");
        return NULL;
    }
    p->saved = from;
    p->hits = from->hits;
    p->given_nodes = from->given_nodes;
    p->given_macs = from->given_macs;
    int64_t start = ptm_clock_ns();
    enum ptm_status st = fill(s, p, err);
    s->stats.passes_ns += (uint64_t)(ptm_clock_ns() - start);
    if (st) {
        ptm_arena_release(&p->arena);
        ptm_free(p);
        return NULL;
    }
    p->traced = p->graph;
    p->hash = ptm_graph_hash(&p->graph);
    return ptm_piece_add(s, p, err);
}

enum ptm_status ptm_saved_plan(struct ptm_session *s, struct ptm_entry *e, struct ptm_err *err)
{
    struct ptm_err why = {0};
    struct ptm_piece **piece = ptm_arena_array(&e->arena, e->n_steps + 1, sizeof(*piece));
    if (!piece)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the pieces");
    for (size_t i = 0; i < e->n_steps; i++)
        if (!(piece[i] = planned(s, e->step[i].piece, &why)))
            return ptm_fail(err, why.code, "%s", why.msg);
    for (size_t i = 0; i < e->n_steps; i++) {
        e->step[i].piece = piece[i];
        piece[i]->users++;
    }
    e->unplanned = false;
    return PTM_OK;
}
