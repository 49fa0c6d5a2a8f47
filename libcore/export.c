/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What leaves a call: the result and the attributes it wrote, as trees over the entry's bindings,
 * found by comparing the shadow heap with the session's.
 */
#include <string.h>

#include "libcore/session.h"

enum { MAX_DEPTH = 100, MAX_TREE = 1 << 20 };

/* -- leaving the call -- */

/* Tensors whose place is a symbol, and small views of large results, get storage of their own. */
static void settle(struct ptm_trace *t, struct ptm_ival *v, bool result, int depth)
{
    if (depth > MAX_DEPTH || t->err.code)
        return;
    if (v->tag == PTM_TENSOR) {
        struct ptm_tensor *x = v->u.tensor;
        size_t bytes = (size_t)ptm_tensor_numel(x) * ptm_dtype_bytes(x->dtype);
        bool small = result && x->storage->trace->state == ST_LAZY &&
                     bytes < x->storage->bytes / 2;
        if (x->offset_sym || small)
            *v = ptm_tensor_ival(ptm_clone(t, x, true));
    } else if (v->tag == PTM_LIST || v->tag == PTM_TUPLE) {
        if (v->u.list->mark == t->mark)
            return;
        v->u.list->mark = t->mark;
        for (size_t i = 0; i < v->u.list->n; i++)
            settle(t, &v->u.list->v[i], result, depth + 1);
    } else if (v->tag == PTM_DICT) {
        if (v->u.dict->mark == t->mark)
            return;
        v->u.dict->mark = t->mark;
        for (size_t i = 0; i < v->u.dict->n; i++)
            settle(t, &v->u.dict->v[i], result, depth + 1);
    }
}

void ptm_shadow_settle(struct ptm_trace *t)
{
    t->mark++;
    for (struct ptm_shadow *s = t->objects; s; s = s->next)
        for (uint32_t i = 0; i < s->o.cls->n_attrs; i++)
            if (s->loaded[i])
                settle(t, &s->o.attr[i], false, 0);
    settle(t, &t->result, true, 0);
    for (struct ptm_trace_storage *ts = t->storages; ts; ts = ts->next)
        if (ts->real && ts->written && !ts->arg)
            ptm_trace_unknow(t, ts);
}

struct export {
    struct ptm_trace *t;
    size_t n;
};

static void export(struct export *x, struct ptm_ival v, struct ptm_tree *tree, int depth)
{
    struct ptm_trace *t = x->t;
    struct ptm_arena *a = &t->entry->arena;
    if (t->err.code)
        return;
    if (depth > MAX_DEPTH || ++x->n > MAX_TREE) {
        ptm_trace_fail(t, PTM_ERR_LIMIT, "a result or attribute of too many parts");
        return;
    }
    tree->kind = T_KNOWN;
    tree->known = v;
    switch (v.tag) {
    case PTM_STR:
        tree->known = ptm_own_scalar(a, v);
        break;
    case PTM_SYM:
        tree->kind = T_SYM;
        tree->is_float = v.u.sym->is_float;
        tree->ref = ptm_sym_scalar(t, v.u.sym);
        break;
    case PTM_TENSOR: {
        struct ptm_tensor *y = v.u.tensor;
        struct ptm_trace_storage *ts = y->storage->trace;
        tree->type = (struct ptm_type){.dtype = y->dtype, .rank = y->rank, .qparams = -1};
        memcpy(tree->type.dim, y->dim, sizeof(y->dim));
        memcpy(tree->stride, y->stride, sizeof(y->stride));
        tree->offset = y->offset;
        if (ts->state == ST_BOUND) {
            tree->kind = T_TENSOR;
            tree->ref = ts->binding;
            break;
        }
        tree->kind = T_CONST;
        struct ptm_tensor *c = ptm_arena_copy(a, y, sizeof(*y));
        struct ptm_storage *s = ts->real;
        if (!s || ts->written) {
            s = ptm_arena_alloc(a, sizeof(*s));
            if (s) {
                s->bytes = ts->storage->bytes;
                s->data = ptm_arena_copy(a, ts->storage->data, s->bytes);
            }
        }
        if (!c || !s)
            break;
        c->storage = s;
        c->value = PTM_NO_VALUE;
        tree->known = ptm_tensor_ival(c);
        break;
    }
    case PTM_LIST:
    case PTM_TUPLE: {
        struct ptm_tree *child = ptm_tree_children(t, tree, v.u.list->n);
        tree->kind = v.tag == PTM_LIST ? T_LIST : T_TUPLE;
        tree->elem = v.u.list->elem;
        tree->names = v.u.list->names;
        for (size_t i = 0; child && i < v.u.list->n; i++)
            export(x, v.u.list->v[i], child + i, depth + 1);
        break;
    }
    case PTM_DICT: {
        struct ptm_tree *child = ptm_tree_children(t, tree, 2 * v.u.dict->n);
        tree->kind = T_DICT;
        for (size_t i = 0; child && i < v.u.dict->n; i++) {
            export(x, v.u.dict->key[i], child + 2 * i, depth + 1);
            export(x, v.u.dict->v[i], child + 2 * i + 1, depth + 1);
        }
        break;
    }
    case PTM_OBJECT: {
        struct ptm_shadow *s = (struct ptm_shadow *)v.u.object;
        if (!s->is_new) {
            tree->kind = T_OBJECT;
            tree->known = (struct ptm_ival){.tag = PTM_OBJECT, .u.object = s->o.real};
            break;
        }
        struct ptm_tree *child = ptm_tree_children(t, tree, s->o.cls->n_attrs);
        tree->kind = T_NEW;
        tree->cls = s->o.cls;
        for (uint32_t i = 0; child && i < s->o.cls->n_attrs; i++)
            export(x, s->o.attr[i], child + i, depth + 1);
        break;
    }
    default:
        break;
    }
    if (a->failed)
        ptm_trace_no_memory(t);
}

struct ptm_tree *ptm_shadow_export(struct ptm_trace *t, struct ptm_ival v)
{
    struct ptm_tree *tree = ptm_arena_alloc(&t->entry->arena, sizeof(*tree));
    if (!tree) {
        ptm_trace_no_memory(t);
        return NULL;
    }
    struct export x = {.t = t};
    export(&x, v, tree, 0);
    return tree;
}

/* Is the shadow value still what the session's real value is? Only containers and new objects
 * can have changed without being assigned. */
static bool unchanged(struct ptm_trace *t, struct ptm_ival v, struct ptm_ival real, int depth)
{
    if (v.tag != real.tag || depth > MAX_DEPTH)
        return false;
    if (v.tag == PTM_TENSOR)
        return v.u.tensor->storage->trace->real == real.u.tensor->storage;
    if (v.tag == PTM_LIST || v.tag == PTM_TUPLE) {
        if (v.u.list->n != real.u.list->n)
            return false;
        for (size_t i = 0; i < v.u.list->n; i++)
            if (!unchanged(t, v.u.list->v[i], real.u.list->v[i], depth + 1))
                return false;
        return true;
    }
    if (v.tag == PTM_DICT) {
        if (v.u.dict->n != real.u.dict->n)
            return false;
        for (size_t i = 0; i < v.u.dict->n; i++)
            if (!ptm_ival_equal(v.u.dict->key[i], real.u.dict->key[i]) ||
                !unchanged(t, v.u.dict->v[i], real.u.dict->v[i], depth + 1))
                return false;
        return true;
    }
    if (v.tag == PTM_OBJECT)
        return v.u.object->real == real.u.object;
    return ptm_ival_equal(v, real);
}

static struct ptm_effect *add_effect(struct ptm_trace *t)
{
    struct ptm_entry *e = t->entry;
    void *p = e->effect;
    if (!ptm_arena_grow(&e->arena, &p, &e->cap_effects, e->n_effects + 1, sizeof(*e->effect))) {
        ptm_trace_no_memory(t);
        return NULL;
    }
    e->effect = p;
    e->effect[e->n_effects] = (struct ptm_effect){.to = PTM_NO_VALUE};
    return &e->effect[e->n_effects++];
}

void ptm_shadow_effects(struct ptm_trace *t)
{
    for (struct ptm_shadow *s = t->objects; s && !t->err.code; s = s->next) {
        if (s->is_new)
            continue;
        for (uint32_t i = 0; i < s->o.cls->n_attrs && !t->err.code; i++) {
            struct ptm_tree *tree;
            bool container = s->o.attr[i].tag >= PTM_LIST && s->o.attr[i].tag <= PTM_OBJECT;
            if (!s->loaded[i] || (!s->written[i] && !container))
                continue;
            if (s->guard[i]) {
                tree = ptm_shadow_export(t, s->o.attr[i]);
                if (!tree || ptm_tree_equal(tree, s->guard[i]))
                    continue;
            } else {
                if (!s->written[i] && unchanged(t, s->o.attr[i], s->o.real->attr[i], 0))
                    continue;
                tree = ptm_shadow_export(t, s->o.attr[i]);
            }
            struct ptm_effect *e = add_effect(t);
            if (!e)
                return;
            e->slot = (struct ptm_slot){.object = s->o.real, .index = i};
            e->value = tree;
        }
    }
    for (struct ptm_trace_storage *ts = t->storages; ts && !t->err.code; ts = ts->next) {
        if (!ts->real || !ts->written || ts->arg || ts->state != ST_BOUND)
            continue;
        struct ptm_effect *e = add_effect(t);
        if (!e)
            return;
        e->from = ts->binding;
        e->to = ts->home;
        e->storage = ts->home == PTM_NO_VALUE ? ts->real : NULL;
        if (ts->home == PTM_NO_VALUE)
            t->keep = false;
    }
}
