/* SPDX-License-Identifier: BSD-2-Clause */
/* Dropping attributes; closing a program: what is left of it when only its entries will run. */
#include <string.h>

#include "libcore/program_edit.h"
#include "libcore/saved.h"

/* -- dropping -- */

struct drop {
    struct ptm_program *p;
    bool *const *keep;
    uint32_t **map; /* per class, per attribute: its new number */
};

static bool drops(const struct drop *x, uint32_t cls, uint32_t attr)
{
    return x->p->cls[cls].is_module && !x->keep[cls][attr];
}

static uint32_t drop_names(const char **list, uint32_t n, const char *name)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(list[i], name) != 0)
            list[kept++] = list[i];
    return kept;
}

static void drop_of_class(struct drop *x, uint32_t number)
{
    struct ptm_class *c = &x->p->cls[number];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < c->n_attrs; i++) {
        if (drops(x, number, i)) {
            c->n_parameters = drop_names(c->parameter, c->n_parameters, c->attr_name[i]);
            c->n_buffers = drop_names(c->buffer, c->n_buffers, c->attr_name[i]);
            continue;
        }
        x->map[number][i] = kept;
        c->attr_name[kept] = c->attr_name[i];
        c->attr_type[kept++] = c->attr_type[i];
    }
    c->n_attrs = kept;
}

static void renumber_slot(const struct drop *x, struct ptm_slot *s)
{
    if (s->object)
        s->index = x->map[s->object->cls - x->p->cls][s->index];
}

enum ptm_status ptm_program_drop_attrs(struct ptm_program *p, bool *const *keep,
                                       struct ptm_err *err)
{
    struct ptm_arena arena = {0};
    struct drop x = {.p = p, .keep = keep};
    x.map = ptm_arena_array(&arena, p->n_classes + 1u, sizeof(*x.map));
    for (uint32_t i = 0; i < p->n_classes && x.map; i++)
        x.map[i] = ptm_arena_array(&arena, p->cls[i].n_attrs + 1u, sizeof(**x.map));
    if (arena.failed) {
        ptm_arena_release(&arena);
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory to drop attributes");
    }
    for (uint32_t i = 0; i < p->n_objects; i++) {
        struct ptm_object *o = p->object[i];
        uint32_t cls = (uint32_t)(o->cls - p->cls), kept = 0;
        for (uint32_t k = 0; k < o->cls->n_attrs; k++)
            if (!drops(&x, cls, k))
                o->attr[kept++] = o->attr[k];
    }
    for (uint32_t i = 0; i < p->n_classes; i++)
        drop_of_class(&x, i);
    for (size_t i = 0; p->saved && i < p->saved->n_entries; i++) {
        struct ptm_entry *e = &p->saved->entry[i];
        for (size_t k = 0; k < e->n_guards; k++)
            renumber_slot(&x, &e->guard[k].slot);
        for (size_t k = 0; k < e->n_effects; k++)
            renumber_slot(&x, &e->effect[k].slot);
    }
    ptm_arena_release(&arena);
    return PTM_OK;
}

/* -- closing -- */

struct close {
    struct ptm_program *p;
    struct ptm_arena arena;
    bool **slot;   /* per object, per attribute: needed */
    bool *object;  /* needed */
    bool **keep;   /* per class, per attribute */
    struct ptm_pmap storages; /* that trees name */
};

static void need_slot(struct close *x, const struct ptm_slot *s)
{
    if (!s->object)
        return;
    x->object[s->object->id] = true;
    x->slot[s->object->id][s->index] = true;
}

static void need_tree(struct ptm_tree *t, void *ctx)
{
    struct close *x = ctx;
    if (t->kind == T_OBJECT)
        x->object[t->known.u.object->id] = true;
    if (t->kind == T_NEW)
        for (uint32_t i = 0; i < t->cls->n_attrs; i++)
            x->keep[t->cls - x->p->cls][i] = true;
    if (t->kind == T_CONST && t->ref)
        ptm_pmap_set(&x->arena, &x->storages, t->known.u.tensor->storage, x);
}

static void need_entries(struct close *x)
{
    const struct ptm_saved *s = x->p->saved;
    for (size_t i = 0; i < s->n_entries; i++) {
        struct ptm_entry *e = &s->entry[i];
        ptm_entry_each_tree(e, need_tree, x);
        for (size_t k = 0; k < e->n_guards; k++)
            need_slot(x, &e->guard[k].slot);
        for (size_t k = 0; k < e->n_effects; k++)
            need_slot(x, &e->effect[k].slot);
    }
}

static bool holds_needed(const struct close *x, struct ptm_ival v, int depth)
{
    bool yes = false;
    if (v.tag == PTM_TENSOR)
        return ptm_pmap_get(&x->storages, v.u.tensor->storage) != NULL;
    if (v.tag == PTM_OBJECT)
        return x->object[v.u.object->id];
    if (depth == PTM_MAX_DEPTH)
        return false;
    if (v.tag == PTM_LIST || v.tag == PTM_TUPLE)
        for (size_t i = 0; i < v.u.list->n; i++)
            yes = yes || holds_needed(x, v.u.list->v[i], depth + 1);
    if (v.tag == PTM_DICT)
        for (size_t i = 0; i < v.u.dict->n; i++)
            yes = yes || holds_needed(x, v.u.dict->v[i], depth + 1);
    return yes;
}

/* Objects on the way to what is needed stay as well: their names are those of what they hold. */
static bool need_owners(struct close *x)
{
    bool more = false;
    for (uint32_t i = 0; i < x->p->n_objects; i++) {
        const struct ptm_object *o = x->p->object[i];
        for (uint32_t k = 0; k < o->cls->n_attrs; k++) {
            if (x->slot[i][k] || !holds_needed(x, o->attr[k], 0))
                continue;
            x->slot[i][k] = x->object[i] = more = true;
        }
    }
    return more;
}

static void keep_slots(struct close *x)
{
    const struct ptm_program *p = x->p;
    for (uint32_t i = 0; i < p->n_objects; i++) {
        const struct ptm_object *o = p->object[i];
        for (uint32_t k = 0; k < o->cls->n_attrs; k++) {
            if (x->slot[i][k])
                x->keep[o->cls - p->cls][k] = true;
            else
                o->attr[k] = (struct ptm_ival){.tag = PTM_UNINIT};
        }
    }
}

/* A function's signature is all that is left of it. */
static void empty(struct ptm_function *f)
{
    f->n_insts = f->n_operands = 0;
    f->n_blocks = f->n_blocks ? 1 : 0;
    if (f->n_blocks)
        f->block[0] = (struct ptm_block){0, 0};
    f->reg_name = NULL;
    f->n_regs = f->n_params;
}

static enum ptm_status close_program(struct close *x, struct ptm_err *err)
{
    struct ptm_program *p = x->p;
    const char **method = ptm_arena_array(&x->arena, p->saved->n_entries + 1, sizeof(*method));
    x->slot = ptm_arena_array(&x->arena, p->n_objects + 1u, sizeof(*x->slot));
    x->object = ptm_arena_array(&x->arena, p->n_objects + 1u, sizeof(*x->object));
    x->keep = ptm_arena_array(&x->arena, p->n_classes + 1u, sizeof(*x->keep));
    for (uint32_t i = 0; i < p->n_objects && !x->arena.failed; i++)
        x->slot[i] = ptm_arena_array(&x->arena, p->object[i]->cls->n_attrs + 1u, sizeof(bool));
    for (uint32_t i = 0; i < p->n_classes && !x->arena.failed; i++)
        x->keep[i] = ptm_arena_array(&x->arena, p->cls[i].n_attrs + 1u, sizeof(bool));
    if (x->arena.failed)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory to close the program");
    for (size_t i = 0; i < p->saved->n_entries; i++)
        method[i] = p->fn[p->saved->entry[i].method].name;
    need_entries(x);
    while (need_owners(x))
        ;
    if (x->arena.failed)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory to close the program");
    keep_slots(x);
    for (uint32_t i = 0; i < p->n_fns; i++)
        empty(&p->fn[i]);
    PTM_TRY(ptm_program_drop_attrs(p, x->keep, err));
    p->closed = true;
    return ptm_program_prune(p, method, p->saved->n_entries, err);
}

enum ptm_status ptm_program_close(struct ptm_program *p, struct ptm_err *err)
{
    struct close x = {.p = p};
    enum ptm_status st = close_program(&x, err);
    ptm_arena_release(&x.arena);
    return st;
}
