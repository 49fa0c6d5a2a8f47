/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions: a private copy of the model's heap, the entries that were made
 * for it, the pieces they share, and what a call leaves behind.
 */
#include "libcore/session.h"

#include <string.h>

#include "libcore/clock.h"
#include "libcore/map.h"
#include "libcore/passes.h"
#include "libcore/saved.h"

enum { MAX_DEPTH = 100 };
#define DEFAULT_STEPS UINT64_C(100000000)

/* -- the copy of the heap -- */

struct copier {
    struct ptm_session *s;
    struct ptm_pmap map; /* model's list, dict -> session's */
    bool failed;
};

static struct ptm_ival copy_value(struct copier *c, struct ptm_ival v, int depth);

static struct ptm_ival copy_tensor(struct copier *c, const struct ptm_tensor *x)
{
    struct ptm_arena *a = &c->s->arena;
    struct ptm_tensor *y = ptm_arena_copy(a, x, sizeof(*x));
    struct ptm_storage *st = ptm_pmap_get(&c->s->storages, x->storage);
    if (!st) {
        st = ptm_arena_copy(a, x->storage, sizeof(*st));
        if (!st || !ptm_pmap_set(a, &c->s->storages, x->storage, st)) {
            c->failed = true;
            return ptm_none();
        }
        st->owned = false;
        st->heap = true;
        st->read_only = true; /* the model's bytes, shared with other sessions */
        st->trace = NULL;
    }
    if (!y) {
        c->failed = true;
        return ptm_none();
    }
    y->storage = st;
    return ptm_tensor_ival(y);
}

static struct ptm_ival copy_value(struct copier *c, struct ptm_ival v, int depth)
{
    struct ptm_arena *a = &c->s->arena;
    if (depth > MAX_DEPTH || c->failed) {
        c->failed = true;
        return ptm_none();
    }
    if (v.tag == PTM_TENSOR)
        return copy_tensor(c, v.u.tensor);
    if (v.tag == PTM_OBJECT) {
        v.u.object = c->s->object[v.u.object->id];
    } else if (v.tag == PTM_LIST || v.tag == PTM_TUPLE) {
        struct ptm_list *l = ptm_pmap_get(&c->map, v.u.list);
        if (!l) {
            l = ptm_list_new(a, v.u.list->n);
            if (!l || !ptm_pmap_set(a, &c->map, v.u.list, l)) {
                c->failed = true;
                return ptm_none();
            }
            l->elem = v.u.list->elem;
            l->names = v.u.list->names;
            for (size_t i = 0; i < l->n; i++)
                l->v[i] = copy_value(c, v.u.list->v[i], depth + 1);
        }
        v.u.list = l;
    } else if (v.tag == PTM_DICT) {
        struct ptm_dict *d = ptm_pmap_get(&c->map, v.u.dict);
        if (!d) {
            d = ptm_dict_new(a);
            if (!d || !ptm_pmap_set(a, &c->map, v.u.dict, d)) {
                c->failed = true;
                return ptm_none();
            }
            for (size_t i = 0; i < v.u.dict->n; i++)
                c->failed |= !ptm_dict_set(a, d, v.u.dict->key[i],
                                           copy_value(c, v.u.dict->v[i], depth + 1));
        }
        v.u.dict = d;
    }
    return v;
}

/* Attributes that some method assigns, by name: state from the start. */
static void find_state(struct ptm_session *s, const struct ptm_program *p)
{
    bool *assigned = ptm_arena_array(&s->arena, p->n_names + 1, 1);
    if (!assigned)
        return;
    for (uint32_t i = 0; i < p->n_fns; i++)
        for (uint32_t k = 0; k < p->fn[i].n_insts; k++)
            if (p->fn[i].inst[k].op == P_SETATTR)
                assigned[p->fn[i].inst[k].a] = true;
    for (uint32_t i = 0; i < p->n_objects; i++)
        for (uint32_t k = 0; k < p->object[i]->cls->n_attrs; k++)
            for (uint32_t n = 0; n < p->n_names; n++)
                if (assigned[n] && !strcmp(p->name[n], p->object[i]->cls->attr_name[k]))
                    s->slot_state[i][k] = true;
}

static void name_weights(struct ptm_session *s, struct ptm_ival v, const char *name, int depth)
{
    if (depth > 4)
        return;
    if (v.tag == PTM_TENSOR && !v.u.tensor->storage->name)
        v.u.tensor->storage->name = name;
    else if (v.tag == PTM_LIST || v.tag == PTM_TUPLE)
        for (size_t i = 0; i < v.u.list->n; i++)
            name_weights(s, v.u.list->v[i], name, depth + 1);
}

static const char *join(struct ptm_arena *a, const char *path, const char *name)
{
    char buf[512];
    int n = snprintf(buf, sizeof(buf), "%s%s%s", path, *path ? "." : "", name);
    return ptm_arena_str(a, buf, n < (int)sizeof(buf) ? (size_t)n : sizeof(buf) - 1);
}

/* Module paths, breadth first from the root. */
static void name_objects(struct ptm_session *s, uint32_t n)
{
    struct ptm_object **queue = ptm_arena_array(&s->arena, n + 1, sizeof(struct ptm_object *));
    size_t head = 0, tail = 0;
    if (!queue)
        return;
    s->path[s->root->id] = "";
    queue[tail++] = s->root;
    while (head < tail) {
        struct ptm_object *o = queue[head++];
        for (uint32_t i = 0; i < o->cls->n_attrs; i++) {
            struct ptm_ival v = o->attr[i];
            if (v.tag == PTM_UNINIT || ptm_ival_is_scalar(v))
                continue;
            const char *name = join(&s->arena, s->path[o->id], o->cls->attr_name[i]);
            if (!name)
                return;
            if (v.tag != PTM_OBJECT) {
                name_weights(s, v, name, 0);
            } else if (!s->path[v.u.object->id]) {
                s->path[v.u.object->id] = name;
                queue[tail++] = v.u.object;
            }
        }
    }
}

static enum ptm_status copy_heap(struct ptm_session *s, const struct ptm_program *p,
                                 struct ptm_err *err)
{
    struct ptm_arena *a = &s->arena;
    struct copier c = {.s = s};
    s->object = ptm_arena_array(a, p->n_objects + 1, sizeof(struct ptm_object *));
    s->slot_state = ptm_arena_array(a, p->n_objects + 1, sizeof(bool *));
    s->slot_base = ptm_arena_array(a, p->n_objects + 1, sizeof(uint32_t));
    s->path = ptm_arena_array(a, p->n_objects + 1, sizeof(char *));
    s->constant = ptm_arena_array(a, p->n_constants + 1, sizeof(*s->constant));
    for (uint32_t i = 0; i < p->n_objects && !a->failed; i++) {
        uint32_t n = p->object[i]->cls->n_attrs;
        struct ptm_object *o = ptm_arena_copy(a, p->object[i], sizeof(*o));
        s->object[i] = o;
        s->slot_state[i] = ptm_arena_array(a, n + 1, 1);
        s->slot_base[i] = s->n_slots;
        s->n_slots += n;
        if (o)
            o->attr = ptm_arena_array(a, n + 1, sizeof(*o->attr));
    }
    s->slot_value = ptm_arena_array(a, s->n_slots + 1, sizeof(struct ptm_slot_value *));
    if (a->failed)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for a session");
    for (uint32_t i = 0; i < p->n_objects; i++)
        for (uint32_t k = 0; k < p->object[i]->cls->n_attrs; k++)
            s->object[i]->attr[k] = copy_value(&c, p->object[i]->attr[k], 0);
    for (uint32_t i = 0; i < p->n_constants; i++)
        s->constant[i] = copy_value(&c, p->constant[i], 0);
    s->root = s->object[p->root->id];
    find_state(s, p);
    name_objects(s, p->n_objects);
    if (a->failed || c.failed)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for a session");
    return PTM_OK;
}

/* The one that was asked for, and behind it what takes the nodes that it refuses. */
static enum ptm_status choose_backends(struct ptm_session *s, struct ptm_err *err)
{
    const char *name = s->config.backend;
    if (!name || !strcmp(name, "ref"))
        return PTM_OK;
    const struct ptm_backend *b = ptm_backend_find(name), *cpu = ptm_backend_find("cpu");
    if (!b)
        return ptm_fail(err, PTM_ERR_ARG, "no backend '%s'", name);
    if (b->unavailable())
        return ptm_fail(err, PTM_ERR_ARG, "backend '%s' is not available: %s", name,
                        b->unavailable());
    s->backend[s->n_backends++] = b;
    if (cpu && cpu != b && !cpu->unavailable())
        s->backend[s->n_backends++] = cpu;
    s->threads = ptm_threads_open(s->config.threads);
    return PTM_OK;
}

enum ptm_status ptm_session_open(struct ptm_session **out, const struct ptm_model *m,
                                 const struct ptm_config *config, struct ptm_err *err)
{
    struct ptm_session *s = ptm_malloc(sizeof(*s));
    if (!s)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for a session");
    s->model = m;
    s->frame.pool = &s->pool;
    s->frame.exec = &s->exec;
    if (config)
        s->config = *config;
    if (!s->config.recipe)
        s->config.recipe = m->recipe;
    if (m->program.closed && !ptm_recipe_equal(m->recipe, s->config.recipe)) {
        ptm_session_close(s);
        return ptm_fail(err, PTM_ERR_ARG, "a closed file runs the passes that it was made with, "
                        "no others");
    }
    s->frame.max_work = s->config.max_work;
    if (!s->config.max_steps)
        s->config.max_steps = DEFAULT_STEPS;
    enum ptm_status st = choose_backends(s, err);
    if (!st)
        st = copy_heap(s, &m->program, err);
    if (!st)
        st = ptm_saved_import(s, err);
    if (st) {
        ptm_session_close(s);
        return st;
    }
    *out = s;
    return PTM_OK;
}

/* -- pieces and entries -- */

static enum ptm_status rewrite(struct ptm_piece *p, const struct ptm_recipe *recipe,
                               struct ptm_err *err)
{
    p->graph = p->traced;
    if (!recipe || !recipe->n)
        return PTM_OK;
    p->hits = ptm_arena_array(&p->arena, recipe->n + 1, sizeof(*p->hits));
    if (!p->hits)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for a piece");
    return ptm_passes_run(&p->traced, recipe, &p->arena, &p->graph, p->hits, NULL, err);
}

static uint64_t graph_work(const struct ptm_graph *g)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < g->n_nodes; i++) {
        uint64_t work = ptm_node_work(g, &g->node[i]);
        sum = work > UINT64_MAX - sum ? UINT64_MAX : sum + work;
    }
    return sum;
}

struct ptm_piece *ptm_piece_add(struct ptm_session *s, struct ptm_piece *p, struct ptm_err *err)
{
    struct ptm_plan_options options = {.backend = s->backend, .n_backends = s->n_backends,
                                       .pool = s->threads, .packs = s->model->packs,
                                       .args_row_major = true};
    int64_t start = ptm_clock_ns();
    bool bad = ptm_plan_make(&p->plan, &p->graph, &p->arena, &options, err);
    if (!bad && ptm_exec_prepare(&s->exec, &p->plan, err)) {
        ptm_plan_release(&p->plan);
        bad = true;
    }
    if (bad) {
        ptm_arena_release(&p->arena);
        ptm_free(p);
        return NULL;
    }
    s->stats.plan_ns += (uint64_t)(ptm_clock_ns() - start - p->plan.pack_ns);
    s->stats.pack_ns += (uint64_t)p->plan.pack_ns;
    p->work = graph_work(&p->graph);
    if (p->plan.arena_bytes > s->stats.arena_bytes)
        s->stats.arena_bytes = p->plan.arena_bytes;
    p->next = s->pieces;
    s->pieces = p;
    s->stats.pieces++;
    return p;
}

struct ptm_piece *ptm_piece_find(struct ptm_session *s, const struct ptm_graph *g,
                                 struct ptm_arena *graph_arena, struct ptm_err *err)
{
    uint64_t hash = ptm_graph_hash(g);
    for (struct ptm_piece *p = s->pieces; p; p = p->next)
        if (p->hash == hash && ptm_graph_equal(&p->traced, g))
            return p;
    struct ptm_piece *p = ptm_malloc(sizeof(*p));
    if (!p) {
        ptm_fail(err, PTM_ERR_MEMORY, "no memory for a piece");
        return NULL;
    }
    p->hash = hash;
    p->traced = *g;
    p->arena = *graph_arena;
    *graph_arena = (struct ptm_arena){0};
    p->traced.arena = &p->arena;
    p->given_nodes = g->n_nodes;
    for (size_t i = 0; i < g->n_nodes; i++)
        p->given_macs += ptm_node_macs(g, &g->node[i]);
    int64_t start = ptm_clock_ns();
    bool bad = ptm_graph_verify(&p->traced, err) || rewrite(p, s->config.recipe, err);
    s->stats.passes_ns += (uint64_t)(ptm_clock_ns() - start);
    if (bad) {
        ptm_arena_release(&p->arena);
        ptm_free(p);
        return NULL;
    }
    return ptm_piece_add(s, p, err);
}

static void free_piece(struct ptm_piece *p)
{
    ptm_plan_release(&p->plan);
    ptm_arena_release(&p->arena);
    ptm_free(p);
}

/* Pieces that no entry holds, once there are many: an interpreted model makes
 * and reuses a few; one that never repeats must not grow without end. */
static void trim_pieces(struct ptm_session *s)
{
    enum { KEEP = 256 };
    size_t n = 0;
    for (struct ptm_piece **at = &s->pieces; *at;) {
        struct ptm_piece *p = *at;
        if (!p->users && ++n > KEEP) {
            *at = p->next;
            free_piece(p);
        } else {
            at = &p->next;
        }
    }
}

void ptm_entry_reset(struct ptm_entry *e)
{
    uint32_t method = e->method;
    for (size_t i = 0; i < e->n_steps && !e->unplanned; i++)
        e->step[i].piece->users--;
    ptm_arena_release(&e->arena);
    *e = (struct ptm_entry){.method = method};
}

void ptm_entry_free(struct ptm_session *s, struct ptm_entry *e)
{
    if (!e)
        return;
    if (s->last == e)
        s->last = NULL;
    ptm_entry_reset(e);
    ptm_free(e);
}

static void drop_entries(struct ptm_session *s)
{
    for (size_t i = 0; i < s->n_entries; i++)
        ptm_entry_free(s, s->entry[i]);
    s->n_entries = 0;
}

bool ptm_session_flip(struct ptm_session *s, const struct ptm_entry *e)
{
    bool flip = false;
    for (size_t i = 0; i < e->n_effects; i++) {
        const struct ptm_effect *x = &e->effect[i];
        bool *state = x->value ? &s->slot_state[x->slot.object->id][x->slot.index]
                      : x->storage ? &x->storage->state
                                   : NULL;
        if (state && !*state)
            *state = flip = true;
    }
    if (flip)
        drop_entries(s);
    return flip;
}

static void keep_entry(struct ptm_session *s, struct ptm_entry *e)
{
    s->stats.entries++;
    if (s->n_entries == PTM_MAX_ENTRIES) {
        size_t oldest = 0;
        for (size_t i = 1; i < s->n_entries; i++)
            if (s->entry[i]->last_used < s->entry[oldest]->last_used)
                oldest = i;
        ptm_entry_free(s, s->entry[oldest]);
        s->entry[oldest] = s->entry[--s->n_entries];
        s->stats.evictions++;
    }
    s->entry[s->n_entries++] = e;
}

struct ptm_scalar_path *ptm_session_path(struct ptm_session *s, uint64_t path)
{
    for (size_t i = 0; i < s->n_paths; i++)
        if (s->scalar_path[i].path == path)
            return &s->scalar_path[i];
    void *p = s->scalar_path;
    if (!ptm_arena_grow(&s->arena, &p, &s->cap_paths, s->n_paths + 1, sizeof(*s->scalar_path)))
        return NULL;
    s->scalar_path = p;
    s->scalar_path[s->n_paths] = (struct ptm_scalar_path){.path = path};
    return &s->scalar_path[s->n_paths++];
}

bool ptm_session_slot_is_state(const struct ptm_session *s, const struct ptm_object *o,
                               uint32_t attr)
{
    return o->id != UINT32_MAX && s->slot_state[o->id][attr];
}

/* -- a call -- */

static struct ptm_ival slot_value(const struct ptm_slot *slot, const struct ptm_ival *args)
{
    return slot->object ? slot->object->attr[slot->index] : args[slot->index];
}

/* Binds the entry's guards into the frame; false when the entry does not apply. */
static bool entry_matches(const struct ptm_entry *e, const struct ptm_ival *args, size_t n_args,
                          struct ptm_frame *f)
{
    size_t n_arg_guards = 0;
    struct ptm_err err = {0};
    f->n_scalar = 0;
    if (ptm_frame_scalars(f, e, &err) && f->cap_scalar < e->n_scalars)
        return false; /* only room was wanted: values come with the guards */
    for (size_t i = 0; i < e->n_guards; i++) {
        const struct ptm_guard *g = &e->guard[i];
        if (g->kind != G_TREE)
            continue;
        n_arg_guards += !g->slot.object;
        if ((!g->slot.object && g->slot.index >= n_args) ||
            !ptm_tree_match(g->tree, slot_value(&g->slot, args), f))
            return false;
    }
    if (n_arg_guards != n_args)
        return false;
    f->n_scalar = 0;
    err = (struct ptm_err){0};
    if (ptm_frame_scalars(f, e, &err))
        return false;
    for (size_t i = 0; i < e->n_guards; i++) {
        const struct ptm_guard *g = &e->guard[i];
        if (g->kind == G_RANGE &&
            !ptm_guard_range_holds(g, f->scalar[g->ref], e->scalar[g->ref].is_float))
            return false;
    }
    return true;
}

/* Which scalar made the newest entry of the method miss? */
static void count_miss(struct ptm_session *s, uint32_t fn, const struct ptm_ival *args,
                       size_t n_args)
{
    const struct ptm_entry *newest = NULL;
    for (size_t i = 0; i < s->n_entries; i++)
        if (s->entry[i]->method == fn && (!newest || s->entry[i]->last_used > newest->last_used))
            newest = s->entry[i];
    if (!newest)
        return;
    s->stats.misses++;
    for (size_t i = 0; i < newest->n_guards; i++) {
        const struct ptm_guard *g = &newest->guard[i];
        if (g->kind != G_TREE || (!g->slot.object && g->slot.index >= n_args))
            continue;
        uint64_t path = ptm_tree_scalar_miss(g->tree, slot_value(&g->slot, args));
        if (!path)
            continue;
        struct ptm_scalar_path *p = ptm_session_path(s, path);
        if (p && ++p->misses == 8) {
            if (g->slot.object)
                snprintf(s->churn, sizeof(s->churn), "attribute '%.150s' changes on every call",
                         g->slot.object->cls->attr_name[g->slot.index]);
            else
                snprintf(s->churn, sizeof(s->churn), "argument %u changes on every call",
                         (unsigned)g->slot.index);
            s->stats.churning = s->churn;
        }
    }
}

/* Makes the session's storage writable, its own, and state. */
static bool own_storage(struct ptm_session *s, struct ptm_storage *st)
{
    if (st->read_only || !st->data) {
        /* it may become an output's buffer */
        uint8_t *copy = ptm_arena_alloc(&s->arena, st->bytes + PTM_SLACK);
        if (!copy)
            return false;
        st->data = copy;
        st->read_only = false;
    }
    return true;
}

static enum ptm_status build(const struct ptm_tree *tree, const struct ptm_frame *f,
                             struct ptm_owned *o, struct ptm_ival *out, struct ptm_err *err)
{
    *out = ptm_tree_build(tree, f, o);
    if (out->tag == PTM_UNINIT)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for a result");
    return PTM_OK;
}

static struct ptm_slot_value *slot_of(struct ptm_session *s, const struct ptm_effect *x)
{
    struct ptm_slot_value **v =
        &s->slot_value[s->slot_base[x->slot.object->id] + x->slot.index];
    if (!*v)
        *v = ptm_malloc(sizeof(**v));
    return *v;
}

static struct ptm_storage *target(const struct ptm_effect *x, const struct ptm_frame *f)
{
    return x->to != PTM_NO_VALUE ? f->bound[x->to].storage : x->storage;
}

/* Builds every new value aside and makes room; nothing changes yet. */
static enum ptm_status prepare(struct ptm_session *s, struct ptm_entry *e,
                               const struct ptm_frame *f, struct ptm_ival *result,
                               struct ptm_err *err)
{
    for (size_t i = 0; i < e->n_effects; i++) {
        struct ptm_effect *x = &e->effect[i];
        if (x->value) {
            struct ptm_slot_value *v = slot_of(s, x);
            if (!v)
                return ptm_fail(err, PTM_ERR_MEMORY, "no memory for an attribute");
            ptm_owned_reset(&v->next);
            PTM_TRY(build(x->value, f, &v->next, &x->built, err));
        } else if (!own_storage(s, target(x, f))) {
            return ptm_fail(err, PTM_ERR_MEMORY, "no memory for a state of %zu bytes",
                            target(x, f)->bytes);
        }
    }
    if (e->n_effects)
        ptm_event_ends(s->exec.events, PTM_EVENT_EFFECTS, 0);
    ptm_owned_reset(&s->next_result);
    return build(e->result, f, &s->next_result, result, err);
}

static void swap_owned(struct ptm_owned *a, struct ptm_owned *b)
{
    struct ptm_owned t = *a;
    *a = *b;
    *b = t;
}

/* All or nothing: what can fail comes first. */
static enum ptm_status commit(struct ptm_session *s, struct ptm_entry *e,
                              const struct ptm_frame *f, struct ptm_ival *result,
                              struct ptm_err *err)
{
    PTM_TRY(prepare(s, e, f, result, err));
    ptm_event_ends(s->exec.events, PTM_EVENT_RESULT, 0);
    /* storages first: they are copied from values that slots may let go */
    for (size_t i = 0; i < e->n_effects; i++) {
        const struct ptm_effect *x = &e->effect[i];
        if (x->value)
            continue;
        struct ptm_storage *to = target(x, f);
        const struct ptm_storage *from = f->bound[x->from].storage;
        size_t bytes = to->bytes < from->bytes ? to->bytes : from->bytes;
        if (bytes && to->data != from->data) /* else it was written there */
            memcpy(to->data, from->data, bytes);
    }
    for (size_t i = 0; i < e->n_effects; i++) {
        const struct ptm_effect *x = &e->effect[i];
        if (!x->value)
            continue;
        struct ptm_slot_value *v = slot_of(s, x);
        x->slot.object->attr[x->slot.index] = x->built;
        swap_owned(&v->now, &v->next);
    }
    swap_owned(&s->result, &s->next_result);
    if (e->n_effects)
        ptm_event_ends(s->exec.events, PTM_EVENT_EFFECTS, 0);
    return PTM_OK;
}

static enum ptm_status specialise(struct ptm_session *s, uint32_t fn, const struct ptm_ival *args,
                                  size_t n_args, struct ptm_ival *result, struct ptm_err *err)
{
    struct ptm_entry *e = ptm_malloc(sizeof(*e));
    bool keep = false;
    trim_pieces(s); /* now, so that those of the last call lived until this one */
    if (!e)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for an entry");
    s->building = e;
    s->stats.specialised++;
    e->method = fn;
    enum ptm_status st = ptm_specialiser(s, fn, args, n_args, e, &s->frame, &keep, err);
    ptm_event_ends(s->exec.events, PTM_EVENT_PROGRAM, 0);
    if (!st)
        st = commit(s, e, &s->frame, result, err);
    if (!st && ptm_session_flip(s, e)) /* interpreted: it relied on what has changed now */
        keep = false;
    s->building = NULL;
    if (st || !keep) {
        ptm_entry_free(s, e);
        s->last = NULL;
    } else {
        e->last_used = ++s->clock;
        keep_entry(s, e);
        ptm_entry_give(e, &s->exec);
        s->last = e;
    }
    return st;
}

/* The entry that is nearest tells what is wrong. */
static enum ptm_status closed_miss(struct ptm_session *s, uint32_t fn, const struct ptm_ival *args,
                                   size_t n_args, struct ptm_err *err)
{
    char text[600], nearest[600] = "";
    size_t most = 0, n = 0;
    for (size_t i = 0; i < s->n_entries; i++) {
        if (s->entry[i]->method != fn)
            continue;
        size_t held = ptm_entry_miss(s, s->entry[i], args, n_args, text, sizeof(text));
        ptm_frame_reset(&s->frame);
        if (!*text)
            return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the arguments");
        if (!n++ || held > most) {
            most = held;
            memcpy(nearest, text, sizeof(nearest));
        }
    }
    return ptm_fail(err, PTM_ERR_UNSUPPORTED,
                    "a closed file runs only the %zu call%s it was made for: %s; optimise again "
                    "without --closed, or with an --input-shape like this call's",
                    n, n == 1 ? "" : "s", nearest);
}

static enum ptm_status call(struct ptm_session *s, uint32_t fn, const struct ptm_ival *args,
                            size_t n_args, struct ptm_ival *result, struct ptm_err *err)
{
    bool had_entry = false;
    for (size_t i = 0; i < s->n_entries; i++) {
        struct ptm_entry *e = s->entry[i];
        if (e->method != fn)
            continue;
        had_entry = true;
        s->frame.seed = s->config.seed + s->stats.runs;
        if (entry_matches(e, args, n_args, &s->frame)) {
            if (e->unplanned) {
                PTM_TRY(ptm_saved_plan(s, e, err));
                ptm_entry_give(e, &s->exec);
            }
            e->last_used = ++s->clock;
            s->last = e;
            ptm_event_ends(s->exec.events, PTM_EVENT_GUARDS, 0);
            enum ptm_status st = ptm_frame_run(&s->frame, e, err);
            if (!st)
                st = commit(s, e, &s->frame, result, err);
            if (st)
                ptm_exec_undo(&s->exec);
            ptm_exec_done(&s->exec);
            return st;
        }
        ptm_frame_reset(&s->frame);
    }
    if (had_entry && s->config.no_respecialise)
        return ptm_fail(err, PTM_ERR_ARG, "the call differs from the ones before it, and "
                        "specialising again was forbidden");
    if (s->model->program.closed)
        return closed_miss(s, fn, args, n_args, err);
    count_miss(s, fn, args, n_args);
    s->frame.seed = s->config.seed + s->stats.runs;
    ptm_event_ends(s->exec.events, PTM_EVENT_GUARDS, 0);
    return specialise(s, fn, args, n_args, result, err);
}

/* Arguments as the schema wants them: defaults filled in, ints for floats. */
static enum ptm_status bind_args(const struct ptm_program *p, const struct ptm_function *fn,
                                 const struct ptm_ival *args, size_t n_args, struct ptm_ival *out,
                                 struct ptm_err *err)
{
    size_t n = fn->n_params - 1, need = 0;
    char type[128], got[160];
    for (size_t i = 0; i < n; i++)
        need += !fn->param[i + 1].has_default;
    if (n_args > n || n_args < need)
        return ptm_fail(err, PTM_ERR_ARG, "'%s' takes %zu%s argument%s, %zu given", fn->name, need,
                        need < n ? " or more" : "", need == 1 ? "" : "s", n_args);
    for (size_t i = 0; i < n; i++) {
        const struct ptm_param *q = &fn->param[i + 1];
        struct ptm_ival v = i < n_args ? args[i] : q->def;
        const struct ptm_tytype *ty = &p->type[q->type];
        if (ty->kind == TY_FLOAT && v.tag == PTM_INT)
            v = ptm_float((double)v.u.i);
        uint8_t k = ty->kind;
        bool bad = (k == TY_TENSOR && v.tag != PTM_TENSOR) || (k == TY_INT && v.tag != PTM_INT) ||
                   (k == TY_FLOAT && v.tag != PTM_FLOAT) || (k == TY_BOOL && v.tag != PTM_BOOL) ||
                   (k == TY_STR && v.tag != PTM_STR) || (k == TY_LIST && v.tag != PTM_LIST) ||
                   (k == TY_TUPLE && v.tag != PTM_TUPLE) || (k == TY_DICT && v.tag != PTM_DICT);
        if (bad)
            return ptm_fail(err, PTM_ERR_ARG, "argument '%s' of '%s' is %s, %s was given", q->name,
                            fn->name, ptm_tytype_text(p, q->type, type, sizeof(type)),
                            ptm_ival_describe(v, got, sizeof(got)));
        out[i] = v;
    }
    return PTM_OK;
}

static enum ptm_status run(struct ptm_session *s, const char *method, const struct ptm_ival *args,
                           size_t n_args, struct ptm_ival *result, struct ptm_err *err)
{
    const struct ptm_program *p = &s->model->program;
    ptm_events_begin(s->exec.events);
    uint32_t fn = ptm_class_method(p, s->root->cls, method);
    if (fn == UINT32_MAX)
        return ptm_fail(err, PTM_ERR_ARG, "the model has no method '%s'", method);
    size_t n = p->fn[fn].n_params - 1;
    void *bound = s->bound_args;
    if (!ptm_arena_grow(&s->arena, &bound, &s->cap_bound_args, n + 1, sizeof(*args)))
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for %zu arguments", n);
    s->bound_args = bound;
    enum ptm_status st = bind_args(p, &p->fn[fn], args, n_args, bound, err);
    if (!st)
        st = call(s, fn, bound, n, result, err);
    s->stats.runs += !st;
    ptm_frame_reset(&s->frame);
    ptm_event_ends(s->exec.events, PTM_EVENT_RESULT, 0);
    return st;
}

enum ptm_status ptm_session_run(struct ptm_session *s, const char *method,
                                const struct ptm_ival *args, size_t n_args,
                                struct ptm_ival *result, struct ptm_err *err)
{
    struct ptm_map_guard guard;
    if (PTM_MAP_GUARD(&guard)) { /* the file shrank under us: drop the call */
        ptm_trace_free(s->trace);
        s->trace = NULL;
        ptm_entry_free(s, s->building);
        s->building = NULL;
        ptm_frame_reset(&s->frame);
        ptm_exec_undo(&s->exec);
        return ptm_map_shrank(err);
    }
    if (s->threads)
        ptm_map_guard_stays(&guard);
    enum ptm_status st = run(s, method, args, n_args, result, err);
    ptm_map_guard_end(&guard);
    if (!st && ptm_map_shrunk(s->model->map))
        st = ptm_map_shrank(err);
    return st;
}

void ptm_session_close(struct ptm_session *s)
{
    if (!s)
        return;
    drop_entries(s);
    for (uint32_t i = 0; s->slot_value && i < s->n_slots; i++)
        if (s->slot_value[i]) {
            ptm_owned_release(&s->slot_value[i]->now);
            ptm_owned_release(&s->slot_value[i]->next);
            ptm_free(s->slot_value[i]);
        }
    ptm_owned_release(&s->result);
    ptm_owned_release(&s->next_result);
    for (struct ptm_piece *p = s->pieces, *next; p; p = next) {
        next = p->next;
        free_piece(p);
    }
    ptm_threads_close(s->threads); /* after the pieces, whose nodes hold it */
    ptm_frame_release(&s->frame);
    ptm_exec_release(&s->exec);
    ptm_events_release(&s->events);
    ptm_storage_pool_release(&s->pool);
    ptm_arena_release(&s->arena);
    ptm_free(s);
}
