/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shadow heap: what the program sees of the session's objects while a call
 * is specialised. Objects, containers and storages are copied when first
 * touched, so that nothing changes before the call returns.
 *
 * An attribute that may change between calls is *state*: reading it adds a
 * guard, and its tensors are run-time tensors. Every other attribute is
 * relied on as it is; when a call writes one after all, it becomes state and
 * entries made before are dropped (session.c).
 */
#include <string.h>

#include "libcore/session.h"

enum { MAX_DEPTH = 100 };

/* -- pointer map -- */

static size_t hash_pointer(const void *p, size_t cap)
{
    uint64_t h = (uint64_t)(uintptr_t)p * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(h >> 20) & (cap - 1);
}

void *ptm_pmap_get(const struct ptm_pmap *m, const void *key)
{
    if (!m->cap)
        return NULL;
    for (size_t i = hash_pointer(key, m->cap);; i = (i + 1) & (m->cap - 1)) {
        if (!m->key[i])
            return NULL;
        if (m->key[i] == key)
            return m->v[i];
    }
}

bool ptm_pmap_set(struct ptm_arena *a, struct ptm_pmap *m, const void *key, void *v)
{
    if (m->n * 2 >= m->cap) {
        struct ptm_pmap bigger = {.cap = m->cap ? m->cap * 2 : 256};
        bigger.key = ptm_arena_array(a, bigger.cap, sizeof(*bigger.key));
        bigger.v = ptm_arena_array(a, bigger.cap, sizeof(*bigger.v));
        if (!bigger.key || !bigger.v)
            return false;
        for (size_t i = 0; i < m->cap; i++)
            if (m->key[i])
                ptm_pmap_set(a, &bigger, m->key[i], m->v[i]);
        *m = bigger;
    }
    size_t i = hash_pointer(key, m->cap);
    while (m->key[i] && m->key[i] != key)
        i = (i + 1) & (m->cap - 1);
    m->n += !m->key[i];
    m->key[i] = key;
    m->v[i] = v;
    return true;
}

/* -- importing -- */

static uint64_t sub_path(uint64_t path, uint64_t index)
{
    return (path ^ (index + 1)) * UINT64_C(0x100000001b3) + UINT64_C(0x9e37);
}

struct ptm_tree *ptm_tree_children(struct ptm_trace *t, struct ptm_tree *tree, size_t n)
{
    if (!tree)
        return NULL;
    tree->n = n;
    tree->child = ptm_arena_array(&t->entry->arena, n + 1, sizeof(*tree->child));
    if (!tree->child)
        ptm_trace_no_memory(t);
    return tree->child;
}

static bool covers_storage(const struct ptm_tensor *x)
{
    size_t bytes = (size_t)ptm_tensor_numel(x) * ptm_dtype_bytes(x->dtype);
    return !x->offset && x->storage->bytes == bytes && ptm_trace_dense(x);
}

/* The base of a storage as first seen through x: x with its dims in memory order when it covers
 * the storage, else one dimension. Always row-major, so that pieces know their arguments' strides. */
static struct ptm_type base_of(const struct ptm_tensor *x)
{
    struct ptm_type type = {.dtype = x->dtype, .qparams = -1};
    int64_t perm[PTM_MAX_RANK];
    if (!covers_storage(x)) {
        type.rank = 1;
        type.dim[0] = (int64_t)(x->storage->bytes / ptm_dtype_bytes(x->dtype));
        return type;
    }
    ptm_memory_order(x->rank, x->dim, x->stride, perm);
    type.rank = x->rank;
    for (int i = 0; i < x->rank; i++)
        type.dim[i] = x->dim[perm[i]];
    return type;
}

static bool bind(struct ptm_trace *t, struct ptm_trace_storage *ts, struct ptm_storage *real,
                 const struct ptm_type *type, const int64_t *stride)
{
    struct ptm_entry *e = t->entry;
    void *p = e->binding;
    uint32_t b = (uint32_t)e->n_bindings;
    if (!ptm_arena_grow(&e->arena, &p, &e->cap_bindings, b + 1, sizeof(*e->binding)) ||
        !ptm_frame_reserve(t->frame, b + 1))
        return false;
    e->binding = p;
    e->binding[b] = (struct ptm_binding){.type = *type, .from_guard = true};
    e->n_bindings++;
    t->frame->n_bound = e->n_bindings;
    struct ptm_bound *bound = &t->frame->bound[b];
    bound->storage = real;
    ptm_storage_hold(real);
    bound->nd = (struct ptm_nd){.data = real->data, .dtype = type->dtype, .rank = type->rank};
    memcpy(bound->nd.dim, type->dim, sizeof(bound->nd.dim));
    memcpy(bound->nd.stride, stride, sizeof(bound->nd.stride));
    ts->binding = ts->home = b;
    return true;
}

static struct ptm_ival import_tensor(struct ptm_trace *t, const struct ptm_tensor *x,
                                     struct ptm_tree *tree, bool arg)
{
    struct ptm_trace_storage *ts = ptm_pmap_get(&t->shadows, x->storage);
    if (ts && ts->dtype != x->dtype)
        return ptm_trace_fail(t, PTM_ERR_UNSUPPORTED,
                              "two tensors of different dtypes share one storage");
    if (!ts) {
        struct ptm_type type = base_of(x);
        int64_t stride[PTM_MAX_RANK] = {0};
        ptm_strides_contiguous(type.rank, type.dim, stride);
        ts = ptm_ts_new(t, tree ? ST_BOUND : ST_KNOWN, NULL, type.dtype, type.rank, type.dim,
                        stride);
        if (!ts)
            return ptm_none();
        ts->storage->bytes = x->storage->bytes;
        ts->real = x->storage;
        ts->name = x->storage->name;
        ts->arg = arg;
        if (!tree)
            ts->storage->data = x->storage->data;
        if ((tree && !bind(t, ts, x->storage, &type, stride)) ||
            !ptm_pmap_set(&t->arena, &t->shadows, x->storage, ts)) {
            ptm_trace_no_memory(t);
            return ptm_none();
        }
        if (tree)
            tree->base = type;
    }
    if (tree) {
        tree->kind = T_TENSOR;
        tree->type = (struct ptm_type){.dtype = x->dtype, .rank = x->rank, .qparams = -1};
        memcpy(tree->type.dim, x->dim, sizeof(x->dim));
        memcpy(tree->stride, x->stride, sizeof(x->stride));
        tree->offset = x->offset;
        tree->bytes = x->storage->bytes;
        tree->ref = tree->alias = ts->home;
        if (ts->home == PTM_NO_VALUE)
            t->keep = false; /* shares a storage that was relied on as constant */
    }
    struct ptm_tensor *y = ptm_trace_tensor(t, ts, x->rank, x->dim, x->stride, x->offset);
    return ptm_tensor_ival(y);
}

static struct ptm_shadow *shadow_object(struct ptm_trace *t, struct ptm_object *real)
{
    struct ptm_shadow *s = ptm_pmap_get(&t->shadows, real);
    if (s)
        return s;
    size_t n = real->cls->n_attrs;
    s = ptm_arena_alloc(&t->arena, sizeof(*s));
    if (s) {
        s->o.attr = ptm_arena_array(&t->arena, n + 1, sizeof(*s->o.attr));
        s->loaded = ptm_arena_array(&t->arena, n + 1, 1);
        s->written = ptm_arena_array(&t->arena, n + 1, 1);
        s->guard = ptm_arena_array(&t->arena, n + 1, sizeof(struct ptm_tree *));
    }
    if (!s || !s->o.attr || !s->loaded || !s->written || !s->guard ||
        !ptm_pmap_set(&t->arena, &t->shadows, real, s)) {
        ptm_trace_no_memory(t);
        return NULL;
    }
    s->o.cls = real->cls;
    s->o.id = real->id;
    s->o.real = real;
    s->next = t->objects;
    t->objects = s;
    return s;
}

static struct ptm_ival import(struct ptm_trace *t, struct ptm_ival v, struct ptm_tree *tree,
                              uint64_t path, bool arg, int depth);

static struct ptm_ival import_list(struct ptm_trace *t, struct ptm_ival v, struct ptm_tree *tree,
                                   uint64_t path, bool arg, int depth)
{
    struct ptm_list *l = tree ? NULL : ptm_pmap_get(&t->shadows, v.u.list);
    if (l)
        return (struct ptm_ival){.tag = v.tag, .u.list = l};
    l = ptm_list_new(&t->arena, v.u.list->n);
    if (!l || (!tree && !ptm_pmap_set(&t->arena, &t->shadows, v.u.list, l))) {
        ptm_trace_no_memory(t);
        return ptm_none();
    }
    l->elem = v.u.list->elem;
    l->names = v.u.list->names;
    struct ptm_tree *child = ptm_tree_children(t, tree, l->n);
    if (tree) {
        tree->kind = v.tag == PTM_LIST ? T_LIST : T_TUPLE;
        tree->elem = l->elem;
        tree->names = l->names;
    }
    for (size_t i = 0; i < l->n && !t->err.code; i++)
        l->v[i] = import(t, v.u.list->v[i], child ? child + i : NULL, sub_path(path, i), arg,
                         depth + 1);
    return (struct ptm_ival){.tag = v.tag, .u.list = l};
}

struct ptm_ival ptm_own_scalar(struct ptm_arena *a, struct ptm_ival v)
{
    return v.tag == PTM_STR ? ptm_str_ival(a, v.u.str->s, v.u.str->len) : v;
}

static struct ptm_ival import_dict(struct ptm_trace *t, struct ptm_ival v, struct ptm_tree *tree,
                                   uint64_t path, bool arg, int depth)
{
    struct ptm_dict *d = tree ? NULL : ptm_pmap_get(&t->shadows, v.u.dict);
    if (d)
        return (struct ptm_ival){.tag = PTM_DICT, .u.dict = d};
    d = ptm_dict_new(&t->arena);
    if (!d || (!tree && !ptm_pmap_set(&t->arena, &t->shadows, v.u.dict, d))) {
        ptm_trace_no_memory(t);
        return ptm_none();
    }
    struct ptm_tree *child = ptm_tree_children(t, tree, 2 * v.u.dict->n);
    if (tree)
        tree->kind = T_DICT;
    for (size_t i = 0; i < v.u.dict->n && !t->err.code; i++) {
        struct ptm_ival key = v.u.dict->key[i];
        if (child) /* the session's value may go before the entry does */
            child[2 * i] = (struct ptm_tree){.kind = T_KNOWN,
                                             .known = ptm_own_scalar(&t->entry->arena, key)};
        key = ptm_own_scalar(&t->arena, key);
        struct ptm_ival x = import(t, v.u.dict->v[i], child ? child + 2 * i + 1 : NULL,
                                   sub_path(path, i), arg, depth + 1);
        if (!ptm_dict_set(&t->arena, d, key, x))
            ptm_trace_no_memory(t);
    }
    return (struct ptm_ival){.tag = PTM_DICT, .u.dict = d};
}

static struct ptm_ival import_object(struct ptm_trace *t, struct ptm_ival v, struct ptm_tree *tree,
                                     uint64_t path, bool arg, int depth)
{
    struct ptm_object *real = v.u.object;
    struct ptm_shadow *s = shadow_object(t, real);
    if (!s)
        return ptm_none();
    if (tree && real->id == UINT32_MAX) { /* made by an earlier call: part of the state's value */
        struct ptm_tree *child = ptm_tree_children(t, tree, real->cls->n_attrs);
        tree->kind = T_NEW;
        tree->cls = real->cls;
        for (uint32_t i = 0; i < real->cls->n_attrs && child && !t->err.code; i++) {
            s->o.attr[i] = import(t, real->attr[i], child + i, sub_path(path, i), arg, depth + 1);
            s->loaded[i] = true;
        }
        s->is_new = true;
    } else if (tree) {
        tree->kind = T_OBJECT;
        tree->known = v;
    }
    return (struct ptm_ival){.tag = PTM_OBJECT, .u.object = &s->o};
}

static struct ptm_ival import_number(struct ptm_trace *t, struct ptm_ival v, struct ptm_tree *tree,
                                     uint64_t path)
{
    struct ptm_scalar_path *p = ptm_session_path(t->session, path);
    struct ptm_entry *e = t->entry;
    tree->path = path;
    if (!p || p->pinned || p->misses < 2) {
        tree->kind = T_KNOWN;
        tree->known = v;
        return v;
    }
    void *q = e->scalar;
    if (!ptm_arena_grow(&e->arena, &q, &e->cap_scalars, e->n_scalars + 1, sizeof(*e->scalar))) {
        ptm_trace_no_memory(t);
        return v;
    }
    e->scalar = q;
    uint32_t n = (uint32_t)e->n_scalars++;
    bool flt = v.tag == PTM_FLOAT;
    e->scalar[n] = (struct ptm_sym_expr){.op = SX_BOUND, .is_float = flt, .path = path};
    struct ptm_err err = {0};
    if (ptm_frame_scalars(t->frame, e, &err)) {
        ptm_trace_no_memory(t);
        return v;
    }
    if (flt)
        t->frame->scalar[n].f = v.u.f;
    else
        t->frame->scalar[n].i = v.u.i;
    tree->kind = T_SYM;
    tree->is_float = flt;
    tree->ref = n;
    return ptm_sym_ival(t, (struct ptm_sym){.is_float = flt, .base = n, .mul = 1});
}

static struct ptm_ival import(struct ptm_trace *t, struct ptm_ival v, struct ptm_tree *tree,
                              uint64_t path, bool arg, int depth)
{
    if (depth > MAX_DEPTH)
        return ptm_trace_fail(t, PTM_ERR_LIMIT, "a value nested more than %d deep", MAX_DEPTH);
    switch (v.tag) {
    case PTM_TENSOR:
        return import_tensor(t, v.u.tensor, tree, arg);
    case PTM_LIST:
    case PTM_TUPLE:
        return import_list(t, v, tree, path, arg, depth);
    case PTM_DICT:
        return import_dict(t, v, tree, path, arg, depth);
    case PTM_OBJECT:
        return import_object(t, v, tree, path, arg, depth);
    case PTM_INT:
    case PTM_FLOAT:
        if (tree)
            return import_number(t, v, tree, path);
        return v;
    case PTM_STR:
        if (tree) {
            tree->kind = T_KNOWN;
            tree->known = ptm_own_scalar(&t->entry->arena, v);
        }
        return ptm_own_scalar(&t->arena, v);
    default:
        if (tree) {
            tree->kind = T_KNOWN;
            tree->known = v;
        }
        return v;
    }
}

struct ptm_ival ptm_shadow_import(struct ptm_trace *t, struct ptm_ival real, struct ptm_tree *tree,
                                  uint64_t path)
{
    return import(t, real, tree, path, true, 0);
}

struct ptm_ival ptm_shadow_const(struct ptm_trace *t, struct ptm_ival real)
{
    return import(t, real, NULL, 0, false, 0);
}

/* -- attributes -- */

static bool holds_state(struct ptm_ival v, int depth)
{
    if (depth > MAX_DEPTH)
        return false;
    if (v.tag == PTM_TENSOR)
        return v.u.tensor->storage->state;
    if (v.tag == PTM_LIST || v.tag == PTM_TUPLE) {
        for (size_t i = 0; i < v.u.list->n; i++)
            if (holds_state(v.u.list->v[i], depth + 1))
                return true;
    } else if (v.tag == PTM_DICT) {
        for (size_t i = 0; i < v.u.dict->n; i++)
            if (holds_state(v.u.dict->v[i], depth + 1))
                return true;
    }
    return false;
}

static struct ptm_tree *add_slot_guard(struct ptm_trace *t, struct ptm_object *o, uint32_t attr)
{
    struct ptm_entry *e = t->entry;
    void *p = e->guard;
    struct ptm_tree *tree = ptm_arena_alloc(&e->arena, sizeof(*tree));
    if (!tree || !ptm_arena_grow(&e->arena, &p, &e->cap_guards, e->n_guards + 1,
                                 sizeof(*e->guard))) {
        ptm_trace_no_memory(t);
        return NULL;
    }
    e->guard = p;
    e->guard[e->n_guards++] =
        (struct ptm_guard){.kind = G_TREE, .slot = {.object = o, .index = attr}, .tree = tree};
    return tree;
}

struct ptm_ival ptm_shadow_get(struct ptm_trace *t, struct ptm_object *o, uint32_t attr)
{
    if (t->err.code)
        return ptm_none();
    struct ptm_shadow *s = (struct ptm_shadow *)o;
    if (o->real && !s->is_new && !s->loaded[attr]) {
        struct ptm_ival real = o->real->attr[attr];
        struct ptm_tree *tree = NULL;
        if (ptm_session_slot_is_state(t->session, o->real, attr) || holds_state(real, 0)) {
            tree = add_slot_guard(t, o->real, attr);
            if (!tree)
                return ptm_none();
        }
        s->loaded[attr] = true;
        s->guard[attr] = tree;
        s->o.attr[attr] =
            import(t, real, tree, sub_path(sub_path(77, o->real->id), attr), false, 0);
    }
    if (o->attr[attr].tag == PTM_UNINIT)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "attribute '%s' of '%s' has no value",
                              o->cls->attr_name[attr], o->cls->qualname);
    return o->attr[attr];
}

void ptm_shadow_set(struct ptm_trace *t, struct ptm_object *o, uint32_t attr, struct ptm_ival v)
{
    if (t->err.code)
        return;
    struct ptm_shadow *s = (struct ptm_shadow *)o;
    s->written[attr] = s->loaded[attr] = true;
    o->attr[attr] = v;
}

struct ptm_object *ptm_object_new(struct ptm_trace *t, const struct ptm_class *cls)
{
    struct ptm_shadow *s = ptm_arena_alloc(&t->arena, sizeof(*s));
    size_t n = cls->n_attrs;
    if (s) {
        s->o.attr = ptm_arena_array(&t->arena, n + 1, sizeof(*s->o.attr));
        s->loaded = ptm_arena_array(&t->arena, n + 1, 1);
        s->written = ptm_arena_array(&t->arena, n + 1, 1);
        s->guard = ptm_arena_array(&t->arena, n + 1, sizeof(struct ptm_tree *));
    }
    if (!s || !s->o.attr || !s->loaded || !s->written || !s->guard) {
        ptm_trace_no_memory(t);
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        s->o.attr[i].tag = PTM_UNINIT;
    s->o.cls = cls;
    s->o.id = UINT32_MAX;
    s->is_new = true;
    return &s->o;
}

const struct ptm_class *ptm_trace_class(struct ptm_trace *t, const char *qualname, size_t n_attrs,
                                        const char *const *attr_names)
{
    struct ptm_arena *a = &t->session->arena; /* results may keep it */
    struct ptm_class *c = ptm_arena_alloc(a, sizeof(*c));
    if (!c) {
        ptm_trace_no_memory(t);
        return NULL;
    }
    c->qualname = ptm_arena_str(a, qualname, strlen(qualname));
    c->n_attrs = (uint32_t)n_attrs;
    c->attr_name = ptm_arena_array(a, n_attrs + 1, sizeof(*c->attr_name));
    c->attr_type = ptm_arena_array(a, n_attrs + 1, sizeof(*c->attr_type));
    if (!c->qualname || !c->attr_name || !c->attr_type) {
        ptm_trace_no_memory(t);
        return NULL;
    }
    for (size_t i = 0; i < n_attrs; i++)
        c->attr_name[i] = ptm_arena_str(a, attr_names[i], strlen(attr_names[i]));
    return c;
}

struct ptm_ival ptm_object_attr(struct ptm_trace *t, struct ptm_object *o, const char *name)
{
    uint32_t k = ptm_class_attr(o->cls, name);
    if (k == UINT32_MAX)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "'%s' has no attribute '%s'", o->cls->qualname,
                              name);
    return ptm_shadow_get(t, o, k);
}

/* -- what is reachable -- */

static void mark(struct ptm_trace *t, struct ptm_ival v)
{
    if (v.tag == PTM_TENSOR) {
        v.u.tensor->storage->trace->live = true;
    } else if (v.tag == PTM_LIST || v.tag == PTM_TUPLE) {
        struct ptm_list *l = v.u.list;
        if (l->mark == t->mark)
            return;
        l->mark = t->mark;
        for (size_t i = 0; i < l->n; i++)
            mark(t, l->v[i]);
    } else if (v.tag == PTM_DICT) {
        struct ptm_dict *d = v.u.dict;
        if (d->mark == t->mark)
            return;
        d->mark = t->mark;
        for (size_t i = 0; i < d->n; i++)
            mark(t, d->v[i]);
    } else if (v.tag == PTM_OBJECT) {
        struct ptm_shadow *s = (struct ptm_shadow *)v.u.object;
        if (s->mark == t->mark)
            return;
        s->mark = t->mark;
        for (uint32_t i = 0; i < s->o.cls->n_attrs; i++)
            if (s->is_new || s->loaded[i])
                mark(t, s->o.attr[i]);
    }
}

void ptm_shadow_mark(struct ptm_trace *t)
{
    t->mark++;
    for (size_t i = 0; i < t->n_args; i++)
        mark(t, t->args[i]);
    mark(t, t->result);
    for (struct ptm_interp_frame *f = t->top; f; f = f->up)
        for (uint32_t i = 0; i < f->fn->n_regs; i++)
            mark(t, f->reg[i]);
    for (struct ptm_shadow *s = t->objects; s; s = s->next)
        mark(t, (struct ptm_ival){.tag = PTM_OBJECT, .u.object = &s->o});
    /* storages of the session can be reached again through it */
    for (struct ptm_trace_storage *ts = t->storages; ts; ts = ts->next)
        if (ts->real && !ts->arg)
            ts->live = true;
}
