/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries when they run: matching and building trees, the frame of a call, its steps. */
#include "libcore/entry.h"

#include <inttypes.h>
#include <string.h>

#include "libcore/program.h"
#include "libcore/specialise.h"

/* -- run-time storages: malloc'ed and counted; those of the heap are neither -- */

enum { STORAGE_ALIGN = 64, STORAGE_SLACK = 64, POOL_MAX = 256 };

struct ptm_storage *ptm_storage_make(struct ptm_storage_pool *pool, size_t bytes)
{
    for (struct ptm_storage **at = pool ? &pool->head : NULL; at && *at; at = &(*at)->next) {
        struct ptm_storage *s = *at;
        if (s->capacity < bytes || s->capacity > bytes * 2 + 4096)
            continue;
        *at = s->next;
        pool->n--;
        s->bytes = bytes;
        s->refs = 1;
        return s;
    }
    /* data behind the struct, aligned; slack is what backends may read past the end */
    if (bytes > PTRDIFF_MAX - 1024)
        return NULL;
    struct ptm_storage *s = ptm_malloc(sizeof(*s) + STORAGE_ALIGN + bytes + STORAGE_SLACK);
    if (!s)
        return NULL;
    uintptr_t p = (uintptr_t)(s + 1);
    s->data = (uint8_t *)(s + 1) + ((STORAGE_ALIGN - p % STORAGE_ALIGN) % STORAGE_ALIGN);
    s->bytes = s->capacity = bytes;
    s->owned = true;
    s->refs = 1;
    s->pool = pool;
    return s;
}

void ptm_storage_pool_release(struct ptm_storage_pool *p)
{
    for (struct ptm_storage *s = p->head, *next; s; s = next) {
        next = s->next;
        ptm_free(s);
    }
    *p = (struct ptm_storage_pool){0};
}

void ptm_storage_hold(struct ptm_storage *s)
{
    if (s && s->owned)
        s->refs++;
}

void ptm_storage_drop(struct ptm_storage *s)
{
    if (!s || !s->owned || --s->refs)
        return;
    if (!s->pool || s->pool->n >= POOL_MAX) {
        ptm_free(s);
        return;
    }
    s->next = s->pool->head;
    s->pool->head = s;
    s->pool->n++;
}

bool ptm_frame_reserve(struct ptm_frame *f, size_t n_bound)
{
    if (n_bound <= f->cap_bound)
        return true;
    size_t cap = n_bound * 2 + 8;
    struct ptm_bound *p =
        ptm_realloc(f->bound, f->cap_bound * sizeof(*p), cap * sizeof(*p)); /* zeroed tail */
    if (!p)
        return false;
    f->bound = p;
    f->cap_bound = cap;
    return true;
}

void ptm_frame_reset(struct ptm_frame *f)
{
    for (size_t i = 0; i < f->n_bound; i++) {
        ptm_storage_drop(f->bound[i].storage);
        f->bound[i].storage = NULL;
    }
    f->n_bound = f->n_scalar = f->steps_done = 0;
    f->work = 0;
}

void ptm_frame_release(struct ptm_frame *f)
{
    ptm_frame_reset(f);
    ptm_free(f->bound);
    ptm_free(f->scalar);
    *f = (struct ptm_frame){0};
}

void ptm_owned_reset(struct ptm_owned *o)
{
    for (size_t i = 0; i < o->n_hold; i++)
        ptm_storage_drop(o->hold[i]);
    o->hold = NULL;
    o->n_hold = o->cap_hold = 0;
    ptm_arena_reset(&o->arena);
}

void ptm_owned_release(struct ptm_owned *o)
{
    for (size_t i = 0; i < o->n_hold; i++)
        ptm_storage_drop(o->hold[i]);
    ptm_arena_release(&o->arena);
    *o = (struct ptm_owned){0};
}

/* -- matching -- */

static bool match_tensor(const struct ptm_tree *tree, const struct ptm_tensor *x,
                         struct ptm_frame *f)
{
    if (x->dtype != tree->type.dtype || x->rank != tree->type.rank || x->offset != tree->offset ||
        x->storage->bytes != tree->bytes)
        return false;
    for (int i = 0; i < x->rank; i++)
        if (x->dim[i] != tree->type.dim[i] ||
            (x->dim[i] != 1 && x->stride[i] != tree->stride[i]))
            return false;
    if (!ptm_frame_reserve(f, tree->ref + 1))
        return false;
    struct ptm_bound *b = &f->bound[tree->ref];
    if (f->n_bound > tree->ref)
        return b->storage == x->storage;
    for (uint32_t i = 0; i < f->n_bound; i++)
        if (f->bound[i].storage == x->storage && x->storage->bytes)
            return false; /* shares memory now, did not when the entry was made */
    f->n_bound = tree->ref + 1;
    b->storage = x->storage;
    ptm_storage_hold(x->storage);
    b->nd = (struct ptm_nd){.data = x->storage->data, .dtype = x->dtype, .rank = tree->base.rank};
    memcpy(b->nd.dim, tree->base.dim, sizeof(b->nd.dim));
    ptm_strides_contiguous(tree->base.rank, tree->base.dim, b->nd.stride);
    return true;
}

bool ptm_tree_match(const struct ptm_tree *tree, struct ptm_ival v, struct ptm_frame *f)
{
    switch (tree->kind) {
    case T_KNOWN:
        return v.tag == tree->known.tag && ptm_ival_is_scalar(v) &&
               (ptm_ival_equal(v, tree->known) ||
                (v.tag == PTM_FLOAT && v.u.f != v.u.f && tree->known.u.f != tree->known.u.f));
    case T_SYM:
        if (v.tag != (tree->is_float ? PTM_FLOAT : PTM_INT) || tree->ref >= f->cap_scalar)
            return false;
        if (tree->is_float)
            f->scalar[tree->ref].f = v.u.f;
        else
            f->scalar[tree->ref].i = v.u.i;
        return true;
    case T_TENSOR:
        return v.tag == PTM_TENSOR && match_tensor(tree, v.u.tensor, f);
    case T_LIST:
    case T_TUPLE:
        if (v.tag != (tree->kind == T_LIST ? PTM_LIST : PTM_TUPLE) || v.u.list->n != tree->n)
            return false;
        for (size_t i = 0; i < tree->n; i++)
            if (!ptm_tree_match(&tree->child[i], v.u.list->v[i], f))
                return false;
        return true;
    case T_DICT:
        if (v.tag != PTM_DICT || v.u.dict->n * 2 != tree->n)
            return false;
        for (size_t i = 0; i < v.u.dict->n; i++)
            if (!ptm_tree_match(&tree->child[2 * i], v.u.dict->key[i], f) ||
                !ptm_tree_match(&tree->child[2 * i + 1], v.u.dict->v[i], f))
                return false;
        return true;
    case T_OBJECT:
        return v.tag == PTM_OBJECT && v.u.object == tree->known.u.object;
    case T_NEW:
        if (v.tag != PTM_OBJECT || v.u.object->id != UINT32_MAX || v.u.object->cls != tree->cls)
            return false;
        for (size_t i = 0; i < tree->n; i++)
            if (!ptm_tree_match(&tree->child[i], v.u.object->attr[i], f))
                return false;
        return true;
    default:
        return false;
    }
}

uint64_t ptm_tree_scalar_miss(const struct ptm_tree *tree, struct ptm_ival v)
{
    uint64_t path = 0;
    if (tree->kind == T_KNOWN && tree->path && v.tag == tree->known.tag &&
        !ptm_ival_equal(v, tree->known))
        return tree->path;
    if ((tree->kind == T_LIST || tree->kind == T_TUPLE) &&
        (v.tag == PTM_LIST || v.tag == PTM_TUPLE) && v.u.list->n == tree->n)
        for (size_t i = 0; i < tree->n && !path; i++)
            path = ptm_tree_scalar_miss(&tree->child[i], v.u.list->v[i]);
    if (tree->kind == T_DICT && v.tag == PTM_DICT && v.u.dict->n * 2 == tree->n)
        for (size_t i = 0; i < v.u.dict->n && !path; i++)
            path = ptm_tree_scalar_miss(&tree->child[2 * i + 1], v.u.dict->v[i]);
    if (tree->kind == T_NEW && v.tag == PTM_OBJECT && v.u.object->cls == tree->cls)
        for (size_t i = 0; i < tree->n && !path; i++)
            path = ptm_tree_scalar_miss(&tree->child[i], v.u.object->attr[i]);
    return path;
}

bool ptm_tree_equal(const struct ptm_tree *a, const struct ptm_tree *b)
{
    if (a->kind != b->kind || a->n != b->n)
        return false;
    if (a->kind == T_KNOWN)
        return a->known.tag == b->known.tag && ptm_ival_equal(a->known, b->known);
    if (a->kind == T_SYM)
        return a->ref == b->ref;
    if (a->kind == T_OBJECT)
        return a->known.u.object == b->known.u.object;
    if (a->kind == T_CONST || (a->kind == T_NEW && a->cls != b->cls))
        return false;
    if (a->kind == T_TENSOR)
        return a->ref == b->ref && a->offset == b->offset && a->type.rank == b->type.rank &&
               !memcmp(a->type.dim, b->type.dim, a->type.rank * sizeof(a->type.dim[0])) &&
               !memcmp(a->stride, b->stride, a->type.rank * sizeof(a->stride[0]));
    for (size_t i = 0; i < a->n; i++)
        if (!ptm_tree_equal(&a->child[i], &b->child[i]))
            return false;
    return true;
}

/* -- building -- */

static struct ptm_ival failed(void)
{
    return (struct ptm_ival){.tag = PTM_UNINIT};
}

static bool hold(struct ptm_owned *o, struct ptm_storage *s)
{
    void *p = o->hold;
    if (!ptm_arena_grow(&o->arena, &p, &o->cap_hold, o->n_hold + 1, sizeof(struct ptm_storage *)))
        return false;
    o->hold = p;
    o->hold[o->n_hold++] = s;
    ptm_storage_hold(s);
    return true;
}

static struct ptm_ival build_tensor(const struct ptm_tree *tree, const struct ptm_frame *f,
                                    struct ptm_owned *o)
{
    struct ptm_tensor *x = ptm_arena_alloc(&o->arena, sizeof(*x));
    struct ptm_storage *s = tree->kind == T_TENSOR ? f->bound[tree->ref].storage
                                                   : tree->known.u.tensor->storage;
    /* memory of the entry or of the caller's arguments does not leave the call */
    bool copy = !s->owned && !s->heap;
    if (!x)
        return failed();
    if (copy) {
        const struct ptm_storage *from = s;
        s = ptm_storage_make(f->pool, from->bytes);
        if (!s)
            return failed();
        if (from->bytes)
            memcpy(s->data, from->data, from->bytes);
    }
    bool ok = hold(o, s);
    if (copy)
        ptm_storage_drop(s); /* o holds it now, or nobody */
    if (!ok)
        return failed();
    x->dtype = tree->type.dtype;
    x->rank = tree->type.rank;
    memcpy(x->dim, tree->type.dim, sizeof(x->dim));
    memcpy(x->stride, tree->stride, sizeof(x->stride));
    x->offset = tree->offset;
    x->storage = s;
    return ptm_tensor_ival(x);
}

struct ptm_ival ptm_tree_build(const struct ptm_tree *tree, const struct ptm_frame *f,
                               struct ptm_owned *o)
{
    struct ptm_ival v, key;
    switch (tree->kind) {
    case T_KNOWN:
        if (tree->known.tag == PTM_STR) {
            v = ptm_str_ival(&o->arena, tree->known.u.str->s, tree->known.u.str->len);
            return v.tag == PTM_STR ? v : failed();
        }
        return tree->known;
    case T_OBJECT:
        return tree->known;
    case T_SYM:
        return tree->is_float ? ptm_float(f->scalar[tree->ref].f)
                              : ptm_int(f->scalar[tree->ref].i);
    case T_TENSOR:
    case T_CONST:
        return build_tensor(tree, f, o);
    case T_LIST:
    case T_TUPLE: {
        struct ptm_list *l = ptm_list_new(&o->arena, tree->n);
        if (!l)
            return failed();
        l->elem = tree->elem;
        l->names = tree->names;
        for (size_t i = 0; i < tree->n; i++)
            if ((l->v[i] = ptm_tree_build(&tree->child[i], f, o)).tag == PTM_UNINIT)
                return failed();
        return (struct ptm_ival){.tag = tree->kind == T_LIST ? PTM_LIST : PTM_TUPLE, .u.list = l};
    }
    case T_DICT: {
        struct ptm_dict *d = ptm_dict_new(&o->arena);
        for (size_t i = 0; d && i < tree->n; i += 2) {
            key = ptm_tree_build(&tree->child[i], f, o);
            v = ptm_tree_build(&tree->child[i + 1], f, o);
            if (key.tag == PTM_UNINIT || v.tag == PTM_UNINIT ||
                !ptm_dict_set(&o->arena, d, key, v))
                return failed();
        }
        return d ? (struct ptm_ival){.tag = PTM_DICT, .u.dict = d} : failed();
    }
    case T_NEW: {
        struct ptm_object *x = ptm_arena_alloc(&o->arena, sizeof(*x));
        if (!x || !(x->attr = ptm_arena_array(&o->arena, tree->n + 1, sizeof(*x->attr))))
            return failed();
        x->cls = tree->cls;
        x->id = UINT32_MAX;
        for (size_t i = 0; i < tree->n; i++) {
            x->attr[i] = ptm_tree_build(&tree->child[i], f, o);
            if (x->attr[i].tag == PTM_UNINIT && tree->child[i].kind != T_KNOWN)
                return failed();
        }
        return (struct ptm_ival){.tag = PTM_OBJECT, .u.object = x};
    }
    default:
        return failed();
    }
}

/* -- running -- */

enum ptm_status ptm_frame_work(struct ptm_frame *f, uint64_t work, struct ptm_err *err)
{
    f->work = work > UINT64_MAX - f->work ? UINT64_MAX : f->work + work;
    if (f->max_work && f->work > f->max_work)
        return ptm_fail(err, PTM_ERR_LIMIT, "the call does work of %llu operations, the limit is "
                        "%llu", (unsigned long long)f->work, (unsigned long long)f->max_work);
    return PTM_OK;
}

static bool tree_names(const struct ptm_tree *tree, uint32_t binding)
{
    if (tree->kind == T_TENSOR && tree->ref == binding)
        return true;
    for (size_t i = 0; i < tree->n; i++)
        if (tree_names(&tree->child[i], binding))
            return true;
    return false;
}

/* Does what the call leaves behind, other than effect x, need the old or the new contents apart? */
static bool leaves(const struct ptm_entry *e, const struct ptm_effect *x)
{
    if (tree_names(e->result, x->from) || tree_names(e->result, x->to))
        return true;
    for (size_t i = 0; i < e->n_effects; i++) {
        const struct ptm_effect *y = &e->effect[i];
        if (y->value ? tree_names(y->value, x->from) || tree_names(y->value, x->to)
                     : y != x && (y->from == x->from || y->from == x->to || y->to == x->to))
            return true;
    }
    return false;
}

/* The output that the effect stores, where it may be given the state's memory. */
static bool may_give(const struct ptm_entry *e, const struct ptm_effect *x, size_t *step,
                     uint32_t *output)
{
    if (x->value || x->to == PTM_NO_VALUE || leaves(e, x))
        return false;
    bool found = false;
    for (size_t i = 0; i < e->n_steps; i++) {
        const struct ptm_entry_step *s = &e->step[i];
        const struct ptm_graph *g = &s->piece->graph;
        bool here = x->from >= s->first_out && x->from - s->first_out < g->n_outputs;
        uint32_t donor = here ? s->piece->plan.donor[x->from - s->first_out] : PTM_NO_VALUE;
        if (here) {
            *step = i;
            *output = x->from - s->first_out;
            found = donor != PTM_NO_VALUE && s->arg[donor] == x->to;
        }
        for (uint32_t k = 0; k < g->n_inputs; k++) /* nobody else reads the old contents */
            if (s->arg[k] == x->to && (here ? k != donor : found))
                return false;
    }
    return found;
}

void ptm_entry_give(struct ptm_entry *e, struct ptm_exec *x)
{
    size_t n = 0, bytes = 0, step = 0;
    uint32_t output = 0;
    for (size_t i = 0; i < e->n_effects; i++) {
        if (!may_give(e, &e->effect[i], &step, &output))
            continue;
        struct ptm_entry_step *s = &e->step[step];
        size_t n_out = s->piece->graph.n_outputs;
        bytes += ptm_plan_donated_bytes(&s->piece->plan, output);
        if (!ptm_exec_room_to_undo(x, n + 1, bytes))
            return;
        if (!s->give) {
            s->give = ptm_arena_array(&e->arena, n_out, sizeof(*s->give));
            if (!s->give)
                return;
            memset(s->give, 0xff, n_out * sizeof(*s->give));
        }
        s->give[output] = e->effect[i].to;
        n++;
    }
}

static enum ptm_status run_step(struct ptm_frame *f, const struct ptm_entry *e,
                                const struct ptm_entry_step *s, struct ptm_err *err)
{
    const struct ptm_graph *g = &s->piece->graph;
    size_t n_out = g->n_outputs;
    PTM_TRY(ptm_frame_work(f, s->piece->work, err));
    size_t event = ptm_events_piece(f->exec->events, s->piece);
    if (!ptm_frame_reserve(f, s->first_out + n_out))
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for %zu run-time tensors", n_out);
    struct ptm_nd *arg;
    union ptm_imm *scalar;
    void **out;
    enum ptm_status st = ptm_exec_begin(f->exec, g, &arg, &scalar, &out, err);
    for (size_t i = 0; !st && i < g->n_inputs; i++)
        arg[i] = f->bound[s->arg[i]].nd;
    for (size_t i = 0; !st && i < g->n_scalars; i++)
        scalar[i] = f->scalar[s->scalar[i]];
    for (size_t i = 0; !st && i < n_out; i++) {
        const struct ptm_type *type = &e->binding[s->first_out + i].type;
        size_t bytes = (size_t)ptm_type_numel(type) * ptm_dtype_bytes(type->dtype);
        struct ptm_bound *b = &f->bound[s->first_out + i];
        const struct ptm_bound *state = s->give && s->give[i] != PTM_NO_VALUE
                                            ? &f->bound[s->give[i]]
                                            : NULL;
        if (state && !state->storage->read_only && state->storage->bytes >= bytes) {
            b->storage = state->storage;
            ptm_storage_hold(b->storage);
        } else {
            b->storage = ptm_storage_make(f->pool, bytes);
        }
        if (f->n_bound < s->first_out + i + 1) /* guards may have bound later ones */
            f->n_bound = s->first_out + i + 1;
        if (!b->storage) {
            st = ptm_fail(err, PTM_ERR_MEMORY, "no memory for a result of %zu bytes", bytes);
            break;
        }
        b->nd = (struct ptm_nd){.data = b->storage->data, .dtype = type->dtype,
                                .rank = type->rank};
        memcpy(b->nd.dim, type->dim, sizeof(type->dim));
        ptm_strides_contiguous(type->rank, type->dim, b->nd.stride);
        out[i] = b->storage->data;
    }
    if (!st)
        st = ptm_plan_run(&s->piece->plan, f->exec, arg, scalar, out, err);
    if (!st)
        s->piece->runs++;
    ptm_events_piece_end(f->exec->events, event);
    return st;
}

enum ptm_status ptm_frame_run(struct ptm_frame *f, struct ptm_entry *e, struct ptm_err *err)
{
    for (; f->steps_done < e->n_steps; f->steps_done++)
        PTM_TRY(run_step(f, e, &e->step[f->steps_done], err));
    return PTM_OK;
}

/* -- showing -- */

static void dump_tree(const struct ptm_tree *tree, FILE *f)
{
    static const char *const names[] = {"known", "tensor", "const", "symbol", "list",
                                        "tuple", "dict",   "object", "new"};
    char buf[160];
    fprintf(f, "%s", names[tree->kind]);
    if (tree->kind == T_KNOWN && tree->known.tag == PTM_INT)
        fprintf(f, " %" PRId64, tree->known.u.i);
    else if (tree->kind == T_KNOWN && tree->known.tag == PTM_FLOAT)
        fprintf(f, " %g", tree->known.u.f);
    else if (tree->kind == T_KNOWN && tree->known.tag == PTM_BOOL)
        fprintf(f, " %s", tree->known.u.b ? "True" : "False");
    else if (tree->kind == T_KNOWN && tree->known.tag == PTM_STR)
        fprintf(f, " \"%s\"", tree->known.u.str->s);
    else if (tree->kind == T_KNOWN || tree->kind == T_CONST)
        fprintf(f, " %s", ptm_ival_describe(tree->known, buf, sizeof(buf)));
    if (tree->kind == T_TENSOR)
        fprintf(f, " t%u %s", (unsigned)tree->ref, ptm_type_text(&tree->type, buf, sizeof(buf)));
    if (tree->kind == T_SYM)
        fprintf(f, " s%u", (unsigned)tree->ref);
    if (tree->kind == T_OBJECT)
        fprintf(f, " %s", tree->known.u.object->cls->qualname);
    if (tree->n) {
        fprintf(f, "(");
        for (size_t i = 0; i < tree->n; i++) {
            fprintf(f, i ? ", " : "");
            dump_tree(&tree->child[i], f);
        }
        fprintf(f, ")");
    }
}

static void dump_slot(const struct ptm_slot *s, FILE *f)
{
    if (s->object)
        fprintf(f, "%s.%s", s->object->cls->qualname, s->object->cls->attr_name[s->index]);
    else
        fprintf(f, "argument %u", (unsigned)s->index);
}

void ptm_entry_dump(const struct ptm_entry *e, FILE *f)
{
    static const char *const cmp[] = {"<", "<=", "==", "!=", ">=", ">"};
    static const char *const sx[] = {"bound", "const", "add",      "sub",   "mul", "div",
                                     "floordiv", "mod", "float", "int", "seed"};
    for (size_t i = 0; i < e->n_guards; i++) {
        const struct ptm_guard *g = &e->guard[i];
        fprintf(f, "guard ");
        if (g->kind == G_TREE) {
            dump_slot(&g->slot, f);
            fprintf(f, " is ");
            dump_tree(g->tree, f);
        } else if (g->value.tag == PTM_FLOAT) {
            fprintf(f, "s%u %s %g", (unsigned)g->ref, cmp[g->cmp], g->value.u.f);
        } else {
            fprintf(f, "s%u %s %" PRId64, (unsigned)g->ref, cmp[g->cmp], g->value.u.i);
        }
        fprintf(f, "\n");
    }
    for (size_t i = 0; i < e->n_scalars; i++) {
        const struct ptm_sym_expr *x = &e->scalar[i];
        fprintf(f, "scalar s%zu = %s", i, sx[x->op]);
        if (x->op == SX_CONST && x->is_float)
            fprintf(f, " %g", x->value.f);
        else if (x->op == SX_CONST)
            fprintf(f, " %" PRId64, x->value.i);
        else if (x->op != SX_BOUND && x->op != SX_SEED)
            fprintf(f, " s%u s%u", (unsigned)x->a, (unsigned)x->b);
        fprintf(f, "\n");
    }
    for (size_t i = 0; i < e->n_steps; i++) {
        const struct ptm_entry_step *s = &e->step[i];
        fprintf(f, "step piece %016" PRIx64 " (", s->piece->hash);
        for (size_t k = 0; k < s->piece->graph.n_inputs; k++)
            fprintf(f, "%st%u", k ? ", " : "", (unsigned)s->arg[k]);
        fprintf(f, ") -> t%u..%zu\n", (unsigned)s->first_out,
                s->first_out + s->piece->graph.n_outputs - 1);
    }
    for (size_t i = 0; i < e->n_effects; i++) {
        const struct ptm_effect *x = &e->effect[i];
        fprintf(f, "effect ");
        if (x->value) {
            dump_slot(&x->slot, f);
            fprintf(f, " := ");
            dump_tree(x->value, f);
        } else {
            fprintf(f, "storage of t%u := t%u", (unsigned)x->to, (unsigned)x->from);
        }
        fprintf(f, "\n");
    }
    fprintf(f, "result ");
    dump_tree(e->result, f);
    fprintf(f, "\n");
}
