/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes to a loaded program. Pruning marks what is reachable with one list of things to look at,
 * then renumbers table by table. A call by name reaches the methods of that name in all classes.
 */
#include "libcore/program_edit.h"

#include <string.h>

#include "libcore/saved.h"

uint32_t ptm_program_eval(struct ptm_program *p, uint32_t *modules)
{
    uint32_t changed = 0;
    *modules = 0;
    for (uint32_t i = 0; i < p->n_objects; i++) {
        struct ptm_object *o = p->object[i];
        uint32_t at = o->cls->is_module ? ptm_class_attr(o->cls, "training") : UINT32_MAX;
        if (at == UINT32_MAX || o->attr[at].tag != PTM_BOOL)
            continue;
        ++*modules;
        changed += o->attr[at].u.b;
        o->attr[at].u.b = false;
    }
    return changed;
}

enum table { FNS, CLASSES, TYPES, OBJECTS, CONSTANTS, NAMES, OPS, POSITIONS, N_TABLES };

struct thing {
    uint32_t table, number;
};

struct prune {
    struct ptm_program *p;
    struct ptm_arena arena;
    bool *used[N_TABLES];
    uint32_t *map[N_TABLES]; /* old number to new */
    bool *called;            /* per name: some method of that name is called */
    struct thing *todo;      /* room for everything: each is looked at once */
    size_t n_todo;
};

static void reach(struct prune *x, enum table table, uint32_t number)
{
    if (x->used[table][number])
        return;
    x->used[table][number] = true;
    x->todo[x->n_todo++] = (struct thing){table, number};
}

static void reach_value(struct prune *x, struct ptm_ival v, int depth)
{
    if (v.tag == PTM_OBJECT)
        reach(x, OBJECTS, v.u.object->id);
    if (depth == PTM_MAX_DEPTH)
        return;
    if (v.tag == PTM_LIST || v.tag == PTM_TUPLE)
        for (size_t i = 0; i < v.u.list->n; i++)
            reach_value(x, v.u.list->v[i], depth + 1);
    else if (v.tag == PTM_DICT)
        for (size_t i = 0; i < v.u.dict->n; i++)
            reach_value(x, v.u.dict->v[i], depth + 1);
}

static void reach_call(struct prune *x, uint32_t name)
{
    const struct ptm_program *p = x->p;
    if (x->called[name])
        return;
    x->called[name] = true;
    for (uint32_t i = 0; i < p->n_classes; i++) {
        uint32_t fn = ptm_class_method(p, &p->cls[i], p->name[name]);
        if (fn != UINT32_MAX)
            reach(x, FNS, fn);
    }
}

static void look_at_inst(struct prune *x, const struct ptm_function *f, const struct ptm_inst *in)
{
    const struct ptm_program *p = x->p;
    for (uint32_t i = 0; i < in->n_kw; i++)
        reach(x, NAMES, f->operand[in->arg + in->n_arg + i]);
    reach(x, POSITIONS, in->pos);
    switch (in->op) {
    case P_CONST:
        reach(x, CONSTANTS, in->a);
        break;
    case P_OP:
        reach(x, OPS, in->a);
        break;
    case P_CALL:
        reach(x, FNS, in->a);
        break;
    case P_METHOD:
        reach_call(x, in->a);
        reach(x, NAMES, in->a);
        break;
    case P_GETATTR:
    case P_SETATTR:
        reach(x, NAMES, in->a);
        break;
    case P_RAISE:
        if (in->a != PTM_NO_REG)
            reach(x, NAMES, in->a);
        break;
    case P_NEW: {
        uint32_t init = ptm_class_method(p, &p->cls[in->a], "__init__");
        reach(x, CLASSES, in->a);
        if (init != UINT32_MAX)
            reach(x, FNS, init);
        break;
    }
    case P_ANNOTATE:
    case P_CHECKCAST:
    case P_UNINIT:
    case P_ISINSTANCE:
        reach(x, TYPES, in->a);
        break;
    default:
        break;
    }
}

static void look_at(struct prune *x, struct thing t)
{
    const struct ptm_program *p = x->p;
    if (t.table == FNS) {
        const struct ptm_function *f = &p->fn[t.number];
        reach(x, TYPES, f->ret_type);
        for (uint32_t i = 0; i < f->n_params; i++) {
            reach(x, TYPES, f->param[i].type);
            reach_value(x, f->param[i].def, 0);
        }
        for (uint32_t i = 0; i < f->n_insts; i++)
            look_at_inst(x, f, &f->inst[i]);
    } else if (t.table == CLASSES) {
        const struct ptm_class *c = &p->cls[t.number];
        for (uint32_t i = 0; i < c->n_attrs; i++) {
            reach(x, TYPES, c->attr_type[i]);
            if (c->namedtuple_default)
                reach_value(x, c->namedtuple_default[i], 0);
        }
    } else if (t.table == TYPES) {
        const struct ptm_tytype *y = &p->type[t.number];
        for (uint32_t i = 0; i < y->n_sub; i++)
            reach(x, TYPES, y->sub[i]);
        if (y->kind == TY_CLASS)
            reach(x, CLASSES, y->cls);
    } else if (t.table == OBJECTS) {
        const struct ptm_object *o = p->object[t.number];
        reach(x, CLASSES, (uint32_t)(o->cls - p->cls));
        for (uint32_t i = 0; i < o->cls->n_attrs; i++)
            reach_value(x, o->attr[i], 0);
    } else if (t.table == CONSTANTS) {
        reach_value(x, p->constant[t.number], 0);
    }
}

static bool wanted(const char *name, const char *const *keep, size_t n_keep)
{
    for (size_t i = 0; i < n_keep; i++)
        if (!strcmp(name, keep[i]))
            return true;
    return !keep;
}

/* Saved entries name objects and classes; those of methods that go, go too. */
static void reach_tree(struct ptm_tree *t, void *ctx)
{
    struct prune *x = ctx;
    if (t->kind == T_OBJECT)
        reach(x, OBJECTS, t->known.u.object->id);
    if (t->kind != T_NEW)
        return;
    t->ref = (uint32_t)(t->cls - x->p->cls); /* until the classes have moved */
    reach(x, CLASSES, t->ref);
}

static void renumber_tree(struct ptm_tree *t, void *ctx)
{
    struct prune *x = ctx;
    if (t->kind == T_NEW)
        t->cls = &x->p->cls[x->map[CLASSES][t->ref]];
}

static void mark_saved(struct prune *x)
{
    struct ptm_saved *s = x->p->saved;
    size_t kept = 0;
    for (size_t i = 0; s && i < s->n_entries; i++) {
        struct ptm_entry *e = &s->entry[i];
        if (!x->used[FNS][e->method])
            continue;
        ptm_entry_each_tree(e, reach_tree, x);
        for (size_t k = 0; k < e->n_guards; k++)
            if (e->guard[k].slot.object)
                reach(x, OBJECTS, e->guard[k].slot.object->id);
        for (size_t k = 0; k < e->n_effects; k++)
            if (e->effect[k].slot.object)
                reach(x, OBJECTS, e->effect[k].slot.object->id);
        s->entry[kept++] = *e;
    }
    if (s)
        s->n_entries = kept;
}

static void mark(struct prune *x, const char *const *keep, size_t n_keep)
{
    const struct ptm_program *p = x->p;
    const struct ptm_class *root = p->root->cls;
    reach(x, TYPES, 0);
    reach(x, POSITIONS, 0);
    reach(x, OBJECTS, p->root->id);
    for (uint32_t i = 0; i < root->n_methods; i++)
        if (wanted(p->fn[root->method[i]].name, keep, n_keep))
            reach(x, FNS, root->method[i]);
    mark_saved(x);
    while (x->n_todo)
        look_at(x, x->todo[--x->n_todo]);
}

/* -- renumbering -- */

/* Moves what is used to the front of the table; its new size. */
static uint32_t compact(struct prune *x, enum table table, void *all, uint32_t n, size_t size)
{
    uint32_t kept = 0;
    char *at = all;
    for (uint32_t i = 0; i < n; i++) {
        if (!x->used[table][i])
            continue;
        x->map[table][i] = kept;
        if (kept != i)
            memcpy(at + kept * size, at + i * size, size);
        kept++;
    }
    return kept;
}

static void renumber_function(struct prune *x, struct ptm_function *f)
{
    f->ret_type = x->map[TYPES][f->ret_type];
    for (uint32_t i = 0; i < f->n_params; i++)
        f->param[i].type = x->map[TYPES][f->param[i].type];
    for (uint32_t i = 0; i < f->n_insts; i++) {
        static const uint8_t table[] = {
            [P_CONST] = CONSTANTS,  [P_OP] = OPS,         [P_CALL] = FNS,
            [P_METHOD] = NAMES,     [P_GETATTR] = NAMES,  [P_SETATTR] = NAMES,
            [P_RAISE] = NAMES,      [P_NEW] = CLASSES,    [P_ANNOTATE] = TYPES,
            [P_CHECKCAST] = TYPES,  [P_UNINIT] = TYPES,   [P_ISINSTANCE] = TYPES,
        };
        struct ptm_inst *in = &f->inst[i];
        bool named = in->op < PTM_LEN(table) && (table[in->op] || in->op == P_CALL);
        if (named && in->a != PTM_NO_REG)
            in->a = x->map[table[in->op]][in->a];
        if (in->op == P_OP)
            x->p->op[in->a].count++;
        in->pos = x->map[POSITIONS][in->pos];
        for (uint32_t k = 0; k < in->n_kw; k++) {
            uint32_t *name = &f->operand[in->arg + in->n_arg + k];
            *name = x->map[NAMES][*name];
        }
    }
}

static bool renumber_type(struct prune *x, struct ptm_tytype *t)
{
    uint32_t *sub = ptm_arena_copy(&x->p->arena, t->sub, t->n_sub * sizeof *sub);
    if (!sub)
        return false;
    for (uint32_t i = 0; i < t->n_sub; i++)
        sub[i] = x->map[TYPES][sub[i]];
    t->sub = sub;
    if (t->kind == TY_CLASS)
        t->cls = x->map[CLASSES][t->cls];
    return true;
}

static void renumber_class(struct prune *x, struct ptm_class *c)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n_attrs; i++)
        c->attr_type[i] = x->map[TYPES][c->attr_type[i]];
    for (uint32_t i = 0; i < c->n_methods; i++)
        if (x->used[FNS][c->method[i]])
            c->method[n++] = x->map[FNS][c->method[i]];
    c->n_methods = n;
}

static bool renumber(struct prune *x)
{
    struct ptm_program *p = x->p;
    uint32_t *class_of = x->map[OBJECTS]; /* values point to objects: they need no map */
    uint32_t kept = 0;
    for (uint32_t i = 0; i < p->n_objects; i++)
        class_of[i] = (uint32_t)(p->object[i]->cls - p->cls);
    p->n_classes = compact(x, CLASSES, p->cls, p->n_classes, sizeof *p->cls);
    for (uint32_t i = 0; i < p->n_objects; i++) {
        struct ptm_object *o = p->object[i];
        if (!x->used[OBJECTS][i])
            continue;
        o->cls = &p->cls[x->map[CLASSES][class_of[i]]];
        o->id = kept;
        p->object[kept++] = o;
    }
    p->n_objects = kept;
    p->n_fns = compact(x, FNS, p->fn, p->n_fns, sizeof *p->fn);
    p->n_types = compact(x, TYPES, p->type, p->n_types, sizeof *p->type);
    p->n_constants = compact(x, CONSTANTS, p->constant, p->n_constants, sizeof *p->constant);
    p->n_names = compact(x, NAMES, p->name, p->n_names, sizeof *p->name);
    p->n_ops = compact(x, OPS, p->op, p->n_ops, sizeof *p->op);
    p->n_pos = compact(x, POSITIONS, p->pos, p->n_pos, sizeof *p->pos);
    for (uint32_t i = 0; i < p->n_ops; i++)
        p->op[i].count = 0;
    for (uint32_t i = 0; i < p->n_fns; i++)
        renumber_function(x, &p->fn[i]);
    for (uint32_t i = 0; i < p->n_classes; i++)
        renumber_class(x, &p->cls[i]);
    for (size_t i = 0; p->saved && i < p->saved->n_entries; i++) {
        struct ptm_entry *e = &p->saved->entry[i];
        e->method = x->map[FNS][e->method];
        ptm_entry_each_tree(e, renumber_tree, x);
    }
    bool ok = true;
    for (uint32_t i = 0; i < p->n_types; i++)
        ok = renumber_type(x, &p->type[i]) && ok;
    return ok;
}

enum ptm_status ptm_program_prune(struct ptm_program *p, const char *const *keep, size_t n_keep,
                                  struct ptm_err *err)
{
    struct prune x = {.p = p};
    const uint32_t n[N_TABLES] = {[FNS] = p->n_fns,         [CLASSES] = p->n_classes,
                                  [TYPES] = p->n_types,     [OBJECTS] = p->n_objects,
                                  [CONSTANTS] = p->n_constants, [NAMES] = p->n_names,
                                  [OPS] = p->n_ops,         [POSITIONS] = p->n_pos};
    size_t all = 0;
    for (int i = 0; i < N_TABLES; i++) {
        x.used[i] = ptm_arena_array(&x.arena, n[i] + 1u, sizeof(bool));
        x.map[i] = ptm_arena_array(&x.arena, n[i] + 1u, sizeof(uint32_t));
        all += n[i];
    }
    x.called = ptm_arena_array(&x.arena, p->n_names + 1u, sizeof(bool));
    x.todo = ptm_arena_array(&x.arena, all + 1, sizeof *x.todo);
    bool ok = !x.arena.failed;
    if (ok) {
        mark(&x, keep, n_keep);
        ok = renumber(&x);
    }
    ptm_arena_release(&x.arena);
    return ok ? ptm_program_verify(p, err)
              : ptm_fail(err, PTM_ERR_MEMORY, "no memory to prune the program");
}
