/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The invariants of entries. Whoever made one, the tracer or a file: an entry that passes reads and
 * writes no memory but that of the tensors it names, whatever the arguments of a call are.
 */
#include <string.h>

#include "libcore/specialise.h"

enum { MAX_DEPTH = 110 };

/* What defines a binding. */
enum defined { NOT_YET, BY_ARGUMENT, BY_SLOT, BY_STEP };

struct verifier {
    const struct ptm_entry *e;
    struct ptm_err *err;
    uint8_t *defined;  /* per binding */
    size_t *bytes;     /* per binding: of its storage */
    bool *bound;       /* per scalar: a guard gives it */
    uint32_t n_guards; /* bindings below are numbered after those that guards defined so far */
    uint8_t from;      /* of the guard at work */
};

static enum ptm_status fail(struct verifier *x, const char *what, uint64_t is, uint64_t of)
{
    return ptm_fail(x->err, PTM_ERR_TYPE, "entry: %s: %llu of %llu", what, (unsigned long long)is,
                    (unsigned long long)of);
}

static bool same_type(const struct ptm_type *a, const struct ptm_type *b)
{
    return ptm_type_equal(a, b) && a->qparams == -1;
}

static bool type_ok(const struct ptm_type *t)
{
    struct ptm_err why = {0};
    return ptm_type_check(t, &why) == PTM_OK && t->qparams == -1;
}

static size_t type_bytes(const struct ptm_type *t)
{
    return (size_t)ptm_type_numel(t) * ptm_dtype_bytes((enum ptm_dtype)t->dtype);
}

/* The tensor's elements lie in a storage of `bytes`. */
static enum ptm_status check_extent(struct verifier *x, const struct ptm_tree *t, size_t bytes)
{
    if (!type_ok(&t->type))
        return fail(x, "a tensor of no possible type, rank", t->type.rank, PTM_MAX_RANK);
    int64_t have = (int64_t)(bytes / ptm_dtype_bytes((enum ptm_dtype)t->type.dtype));
    int64_t last = t->offset;
    if (last < 0 || last > have)
        return fail(x, "a tensor begins behind its storage, element", (uint64_t)last,
                    (uint64_t)have);
    if (!ptm_type_numel(&t->type))
        return PTM_OK;
    for (int i = 0; i < t->type.rank; i++) {
        int64_t steps = t->type.dim[i] - 1;
        if (t->stride[i] < 0 || (steps && t->stride[i] > (have - last) / steps))
            return fail(x, "a tensor leaves its storage, stride", (uint64_t)t->stride[i],
                        (uint64_t)have);
        last += steps * t->stride[i];
    }
    return last < have ? PTM_OK
                       : fail(x, "a tensor leaves its storage, element", (uint64_t)last,
                              (uint64_t)have);
}

static enum ptm_status check_scalar(struct verifier *x, const struct ptm_tree *t)
{
    const struct ptm_entry *e = x->e;
    if (t->ref >= e->n_scalars)
        return fail(x, "no such scalar", t->ref, e->n_scalars);
    if (e->scalar[t->ref].is_float != t->is_float)
        return fail(x, "a scalar of another kind", t->ref, e->n_scalars);
    return PTM_OK;
}

/* A guard's tensor defines its binding, unless one before it did, whose storage it shares then. */
static enum ptm_status check_guard_tensor(struct verifier *x, const struct ptm_tree *t)
{
    const struct ptm_entry *e = x->e;
    if (t->ref >= e->n_bindings || !e->binding[t->ref].from_guard)
        return fail(x, "a guard binds no such tensor", t->ref, e->n_bindings);
    PTM_TRY(check_extent(x, t, t->bytes));
    if (x->defined[t->ref])
        return x->bytes[t->ref] == t->bytes
                   ? PTM_OK
                   : fail(x, "a shared storage of other bytes", t->bytes, x->bytes[t->ref]);
    if (t->ref < x->n_guards)
        return fail(x, "guards bind tensors out of order", t->ref, e->n_bindings);
    if (!type_ok(&t->base) || t->base.dtype != t->type.dtype || type_bytes(&t->base) > t->bytes ||
        !same_type(&t->base, &e->binding[t->ref].type))
        return fail(x, "a guard binds a tensor of another type", t->ref, e->n_bindings);
    x->defined[t->ref] = x->from;
    x->bytes[t->ref] = t->bytes;
    x->n_guards = t->ref + 1;
    return PTM_OK;
}

static enum ptm_status check_leaf(struct verifier *x, const struct ptm_tree *t, bool guard)
{
    const struct ptm_tensor *c = t->known.u.tensor;
    switch (t->kind) {
    case T_KNOWN:
        if (!ptm_ival_is_scalar(t->known) && (guard || t->known.tag != PTM_UNINIT))
            return fail(x, "a known value that is no scalar, tag", t->known.tag, PTM_UNINIT);
        return PTM_OK;
    case T_SYM:
        PTM_TRY(check_scalar(x, t));
        if (guard && x->e->scalar[t->ref].op != SX_BOUND)
            return fail(x, "a guard binds a computed scalar", t->ref, x->e->n_scalars);
        if (guard)
            x->bound[t->ref] = true;
        return PTM_OK;
    case T_TENSOR:
        if (guard)
            return check_guard_tensor(x, t);
        if (t->ref >= x->e->n_bindings || !x->defined[t->ref])
            return fail(x, "a result is no such tensor", t->ref, x->e->n_bindings);
        return check_extent(x, t, x->bytes[t->ref]);
    case T_CONST:
        if (guard || t->known.tag != PTM_TENSOR || !c || !c->storage)
            return fail(x, "a constant without tensor, tag", t->known.tag, PTM_TENSOR);
        return check_extent(x, t, c->storage->bytes);
    case T_OBJECT:
        if (t->known.tag != PTM_OBJECT || !t->known.u.object)
            return fail(x, "no object, tag", t->known.tag, PTM_OBJECT);
        return PTM_OK;
    default:
        return fail(x, "a tree of kind", t->kind, T_NEW + 1);
    }
}

static enum ptm_status check_tree(struct verifier *x, const struct ptm_tree *t, bool guard,
                                  int depth)
{
    bool inner = t->kind == T_LIST || t->kind == T_TUPLE || t->kind == T_DICT || t->kind == T_NEW;
    if (depth > MAX_DEPTH)
        return fail(x, "a tree too deep", (uint64_t)depth, MAX_DEPTH);
    if (!inner)
        return t->n ? fail(x, "a leaf with children", t->n, 0) : check_leaf(x, t, guard);
    if (t->kind == T_DICT && t->n % 2)
        return fail(x, "a dict with a key too many", t->n, t->n - 1);
    if (t->kind == T_NEW && (!t->cls || t->n != t->cls->n_attrs))
        return fail(x, "an object of other attributes", t->n, t->cls ? t->cls->n_attrs : 0);
    for (size_t i = 0; i < t->n; i++) {
        const struct ptm_tree *c = &t->child[i];
        if (t->kind == T_DICT && i % 2 == 0 && !(c->kind == T_KNOWN && c->known.tag >= PTM_BOOL &&
                                                  c->known.tag <= PTM_STR))
            return fail(x, "a dict with a key that is no scalar", i, t->n);
        PTM_TRY(check_tree(x, c, guard, depth + 1));
    }
    return PTM_OK;
}

static enum ptm_status check_slot(struct verifier *x, const struct ptm_slot *s)
{
    return !s->object || s->index < s->object->cls->n_attrs
               ? PTM_OK
               : fail(x, "no such attribute", s->index, s->object->cls->n_attrs);
}

static enum ptm_status check_guards(struct verifier *x)
{
    const struct ptm_entry *e = x->e;
    for (size_t i = 0; i < e->n_guards; i++) {
        const struct ptm_guard *g = &e->guard[i];
        if (g->kind == G_TREE) {
            x->from = g->slot.object ? BY_SLOT : BY_ARGUMENT;
            PTM_TRY(check_slot(x, &g->slot));
            PTM_TRY(check_tree(x, g->tree, true, 0));
        } else if (g->kind != G_RANGE || g->ref >= e->n_scalars || g->cmp > PTM_GT ||
                   g->value.tag != (e->scalar[g->ref].is_float ? PTM_FLOAT : PTM_INT)) {
            return fail(x, "a guard of no such scalar", g->ref, e->n_scalars);
        }
    }
    return PTM_OK;
}

static enum ptm_status check_scalars(struct verifier *x)
{
    const struct ptm_entry *e = x->e;
    for (size_t i = 0; i < e->n_scalars; i++) {
        const struct ptm_sym_expr *s = &e->scalar[i];
        bool leaf = s->op == SX_BOUND || s->op == SX_CONST || s->op == SX_SEED;
        bool one = s->op == SX_FLOAT || s->op == SX_INT;
        if (s->op > SX_SEED)
            return fail(x, "a scalar expression of kind", s->op, SX_SEED);
        if (s->op == SX_BOUND && !x->bound[i])
            return fail(x, "no guard gives scalar", i, e->n_scalars);
        if (leaf)
            continue;
        if (s->a >= i || (!one && s->b >= i))
            return fail(x, "a scalar uses a later one", i, e->n_scalars);
        bool a = e->scalar[s->a].is_float;
        if (one ? s->is_float != (s->op == SX_FLOAT) || a != (s->op == SX_INT)
                : a != s->is_float || e->scalar[s->b].is_float != s->is_float)
            return fail(x, "a scalar of other kinds", i, e->n_scalars);
    }
    return PTM_OK;
}

static enum ptm_status check_step(struct verifier *x, const struct ptm_entry_step *s)
{
    const struct ptm_entry *e = x->e;
    const struct ptm_graph *g = &s->piece->graph;
    for (size_t k = 0; k < g->n_inputs; k++) {
        uint32_t b = s->arg[k];
        if (b >= e->n_bindings || !x->defined[b])
            return fail(x, "a step reads no such tensor", b, e->n_bindings);
        if (!same_type(&e->binding[b].type, &g->value[g->input[k]].type))
            return fail(x, "a step reads a tensor of another type", b, e->n_bindings);
    }
    for (size_t k = 0; k < g->n_scalars; k++)
        if (s->scalar[k] >= e->n_scalars || e->scalar[s->scalar[k]].is_float !=
                                                (g->value[g->scalar[k]].type.dtype == PTM_F64))
            return fail(x, "a step reads no such scalar", s->scalar[k], e->n_scalars);
    if (s->first_out > e->n_bindings || g->n_outputs > e->n_bindings - s->first_out)
        return fail(x, "a step defines no such tensor", s->first_out, e->n_bindings);
    for (size_t k = 0; k < g->n_outputs; k++) {
        const struct ptm_binding *b = &e->binding[s->first_out + k];
        if (b->from_guard || x->defined[s->first_out + k] ||
            !same_type(&b->type, &g->value[g->output[k]].type))
            return fail(x, "a step defines another tensor", s->first_out + k, e->n_bindings);
        x->defined[s->first_out + k] = BY_STEP;
        x->bytes[s->first_out + k] = type_bytes(&b->type);
    }
    return PTM_OK;
}

static enum ptm_status check_effects(struct verifier *x)
{
    const struct ptm_entry *e = x->e;
    for (size_t i = 0; i < e->n_effects; i++) {
        const struct ptm_effect *f = &e->effect[i];
        if (f->value) {
            if (!f->slot.object)
                return fail(x, "an effect on an argument", f->slot.index, 0);
            PTM_TRY(check_slot(x, &f->slot));
            PTM_TRY(check_tree(x, f->value, false, 0));
        } else if (f->from >= e->n_bindings || !x->defined[f->from]) {
            return fail(x, "an effect of no such tensor", f->from, e->n_bindings);
        } else if (f->to == PTM_NO_VALUE ? !f->storage
                                         : f->to >= e->n_bindings || x->defined[f->to] != BY_SLOT) {
            return fail(x, "an effect on no state", f->to, e->n_bindings);
        }
        for (size_t k = 0; k < i && f->value; k++)
            if (e->effect[k].value && e->effect[k].slot.object == f->slot.object &&
                e->effect[k].slot.index == f->slot.index)
                return fail(x, "a slot is written twice", i, e->n_effects);
    }
    return PTM_OK;
}

enum ptm_status ptm_entry_verify(const struct ptm_entry *e, struct ptm_err *err)
{
    struct ptm_arena arena = {0};
    struct verifier x = {.e = e, .err = err};
    enum ptm_status st = PTM_OK;
    x.defined = ptm_arena_array(&arena, e->n_bindings + 1, sizeof(*x.defined));
    x.bytes = ptm_arena_array(&arena, e->n_bindings + 1, sizeof(*x.bytes));
    x.bound = ptm_arena_array(&arena, e->n_scalars + 1, sizeof(*x.bound));
    if (arena.failed)
        st = ptm_fail(err, PTM_ERR_MEMORY, "no memory to check an entry");
    if (!st)
        st = check_guards(&x);
    if (!st)
        st = check_scalars(&x);
    for (size_t i = 0; i < e->n_steps && !st; i++)
        st = check_step(&x, &e->step[i]);
    if (!st)
        st = check_effects(&x);
    if (!st)
        st = check_tree(&x, e->result, false, 0);
    ptm_arena_release(&arena);
    return st;
}
