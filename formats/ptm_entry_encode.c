/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries as words. Their constants are tensors of the program where the bytes are the same, or are
 * written as what they are derived of; only what is left is data of the entries' own.
 */
#include <string.h>

#include "formats/ptm_encode.h"
#include "formats/ptm_layout.h"
#include "libcore/derived.h"
#include "libcore/passes.h"
#include "libcore/saved.h"
#include "libcore/walk.h"

enum {
    DERIVED_MIN = 1024, /* bytes: smaller constants are data, which is used where it lies */
    SLACK = 64 << 10,   /* bytes that entries may always add */
};

struct coder {
    struct ptm_encoded *e;
    const struct ptm_saved *saved;
    struct ptm_bytes constants; /* their items */
    struct ts_map items;        /* an item's bytes -> its number */
    uint32_t n_constants;
};

static bool no_memory(struct coder *c)
{
    ptm_encode_fail(c->e, PTM_ERR_MEMORY, "no memory to write the entries");
    return false;
}

static uint32_t text_or_none(struct coder *c, const char *s)
{
    return s ? 1 + ptm_encode_string(c->e, s, strlen(s)) : 0;
}

static void put_dims(struct ptm_bytes *b, int rank, const int64_t *dim)
{
    for (int i = 0; i < rank; i++)
        ptm_put_long(b, (uint64_t)dim[i]);
}

static void put_type(struct ptm_bytes *b, const struct ptm_type *t)
{
    ptm_put(b, t->dtype | (uint32_t)t->rank << 8);
    put_dims(b, t->rank, t->dim);
}

/* -- tensors -- */

/* The number of a tensor like t, and one for its storage; tensors that are alike are one. */
static uint32_t tensor(struct coder *c, const struct ptm_tensor *t, const char *name)
{
    struct ptm_encoded *e = c->e;
    size_t row = t->rank * sizeof(*t->dim);
    for (size_t i = 0; i < e->n_tensors; i++) {
        const struct ptm_tensor *x = e->tensor[i];
        if (x->storage == t->storage && x->dtype == t->dtype && x->rank == t->rank &&
            x->offset == t->offset && !memcmp(x->dim, t->dim, row) &&
            !memcmp(x->stride, t->stride, row))
            return (uint32_t)i;
    }
    struct ptm_tensor *copy = ptm_arena_copy(&e->arena, t, sizeof *t);
    return copy ? ptm_encode_tensor(e, copy, name) : no_memory(c);
}

/* A storage that holds these bytes, as they are or among others; else a new one. */
static const struct ptm_storage *storage_of(struct coder *c, const uint8_t *data, size_t bytes,
                                            size_t align, int64_t *offset, bool *own)
{
    struct ptm_encoded *e = c->e;
    for (size_t i = 0; i < e->n_storages; i++) {
        const struct ptm_storage *s = e->storage[i];
        size_t at = (size_t)((uintptr_t)data - (uintptr_t)s->data);
        *own = i >= e->n_program_storages;
        if ((uintptr_t)data >= (uintptr_t)s->data && at <= s->bytes && bytes <= s->bytes - at &&
            at % align == 0) {
            *offset = (int64_t)(at / align);
            return s;
        }
    }
    *offset = 0;
    for (size_t i = 0; i < e->n_storages; i++) {
        *own = i >= e->n_program_storages;
        if (e->storage[i]->bytes == bytes && !memcmp(e->storage[i]->data, data, bytes))
            return e->storage[i];
    }
    struct ptm_storage *s = ptm_arena_alloc(&e->arena, sizeof *s);
    if (!s) {
        no_memory(c);
        return NULL;
    }
    memcpy(&s->data, &data, sizeof data); /* read_only keeps the promise the cast breaks */
    s->bytes = bytes;
    s->read_only = true;
    *own = true;
    return s;
}

/* Elements from the first to the last, and that no stride is negative. */
static bool reach(const struct ptm_type *t, const int64_t *stride, size_t *elements)
{
    int64_t last = 0;
    for (int i = 0; i < t->rank; i++) {
        if (stride[i] < 0)
            return false;
        last += (t->dim[i] - 1) * stride[i];
    }
    *elements = (size_t)last + 1;
    return true;
}

/* The constant's data as a tensor: row-major where its strides cannot be kept. */
static uint32_t data_tensor(struct coder *c, const struct ptm_type *t, const struct ptm_const *k,
                            bool *own)
{
    struct ptm_tensor x = {.dtype = t->dtype, .rank = t->rank};
    static const struct ptm_storage nothing;
    const struct ptm_storage *s = &nothing;
    size_t size = ptm_dtype_bytes((enum ptm_dtype)t->dtype), n;
    const void *data = k->data;
    memcpy(x.dim, t->dim, sizeof x.dim);
    memcpy(x.stride, k->stride, sizeof x.stride);
    *own = true;
    if (!ptm_type_numel(t)) {
        ptm_strides_contiguous(x.rank, x.dim, x.stride);
    } else {
        bool kept = reach(t, k->stride, &n) && n / 2 <= (size_t)ptm_type_numel(t);
        if (!kept) {
            n = (size_t)ptm_type_numel(t);
            struct ptm_nd to = {.data = ptm_arena_alloc(&c->e->arena, n * size),
                                .dtype = t->dtype,
                                .rank = t->rank};
            struct ptm_nd from = ptm_const_nd(t, k);
            ptm_strides_contiguous(x.rank, x.dim, x.stride);
            memcpy(to.dim, x.dim, sizeof to.dim);
            memcpy(to.stride, x.stride, sizeof to.stride);
            if (!to.data)
                return no_memory(c);
            ptm_copy_nd(&from, &to);
            data = to.data;
        }
        s = storage_of(c, data, n * size, size, &x.offset, own);
        if (!s)
            return 0;
    }
    memcpy(&x.storage, &s, sizeof s); /* a tensor that is only written to the file */
    return tensor(c, &x, k->name);
}

/* -- constants -- */

static uint32_t constant(struct coder *c, const struct ptm_type *t, const struct ptm_const *k);

/* An item's number: one that is there already, or the next. */
static uint32_t item(struct coder *c, struct ptm_bytes *b)
{
    uint32_t n = c->n_constants;
    char *key = ptm_arena_copy(&c->e->arena, b->p, b->n);
    if (b->failed || !key)
        no_memory(c);
    else if (!ts_map_get(&c->items, key, b->n, &n)) {
        if (!ts_map_put(&c->e->arena, &c->items, key, b->n, n))
            no_memory(c);
        ptm_bytes_put(&c->constants, b->p, b->n);
        c->n_constants++;
    }
    ptm_free(b->p);
    return n;
}

static uint32_t derived(struct coder *c, const struct ptm_derived *d)
{
    struct ptm_bytes b = {0};
    ptm_put(&b, d->kind == D_OP ? PTM_FILE_CONST_OP : PTM_FILE_CONST_SCALED);
    put_type(&b, &d->type);
    ptm_put(&b, d->n_in);
    for (uint32_t i = 0; i < d->n_in; i++)
        ptm_put(&b, d->in[i].type.dtype == PTM_ABSENT
                        ? 0
                        : 1 + constant(c, &d->in[i].type, &d->in[i].c));
    if (d->kind == D_SCALED) {
        ptm_put_long(&b, (uint64_t)d->channel.div);
        ptm_put_long(&b, (uint64_t)d->channel.step);
        ptm_put(&b, d->channel.second);
        return item(c, &b);
    }
    ptm_put(&b, d->op);
    ptm_put(&b, d->n_attr);
    for (uint32_t i = 0; i < d->n_attr; i++)
        ptm_put_long(&b, (uint64_t)d->attr[i].u.i);
    return item(c, &b);
}

static uint32_t constant(struct coder *c, const struct ptm_type *t, const struct ptm_const *k)
{
    struct ptm_bytes b = {0};
    size_t bytes = (size_t)ptm_type_numel(t) * ptm_dtype_bytes((enum ptm_dtype)t->dtype);
    bool own;
    if (k->from && bytes > DERIVED_MIN && !c->e->p->closed) {
        uint32_t of = derived(c, k->from);
        ptm_put(&b, PTM_FILE_CONST_VIEW);
        ptm_put(&b, of);
        ptm_put_long(&b, (uint64_t)k->at);
        put_type(&b, t);
        put_dims(&b, t->rank, k->stride);
    } else {
        uint32_t of = data_tensor(c, t, k, &own);
        ptm_put(&b, PTM_FILE_CONST_TENSOR);
        ptm_put(&b, of);
        ptm_put(&b, own);
    }
    ptm_put(&b, text_or_none(c, k->name));
    return item(c, &b);
}

/* -- pieces -- */

static void put_node(struct coder *c, const struct ptm_graph *g, const struct ptm_node *n)
{
    struct ptm_bytes *b = &c->e->entries;
    ptm_put(b, n->op);
    ptm_put(b, n->n_in);
    for (uint32_t i = 0; i < n->n_in; i++)
        ptm_put(b, g->operand[n->in + i]);
    ptm_put(b, n->n_attr);
    for (uint32_t i = 0; i < n->n_attr; i++) {
        const struct ptm_attr *a = &g->attr[n->attr + i];
        ptm_put(b, a->kind == A_SYM);
        ptm_put_long(b, a->kind == A_SYM ? a->u.value : (uint64_t)a->u.i);
    }
    ptm_put(b, n->n_site);
    for (uint32_t i = 0; i < n->n_site; i++) {
        const struct ptm_site *s = &g->site[n->site + i];
        ptm_put(b, text_or_none(c, s->path));
        ptm_put(b, text_or_none(c, s->aten));
        ptm_put(b, text_or_none(c, c->e->strip_debug ? NULL : s->file));
        ptm_put(b, c->e->strip_debug ? 0 : s->line);
    }
}

static void put_piece(struct coder *c, const struct ptm_piece *p)
{
    struct ptm_bytes *b = &c->e->entries;
    const struct ptm_graph *g = &p->graph;
    size_t n_hits = p->hits && c->saved->recipe ? c->saved->recipe->n : 0, n_items = 0;
    ptm_put_long(b, p->given_nodes);
    ptm_put_long(b, p->given_macs);
    ptm_put(b, (uint32_t)n_hits);
    for (size_t i = 0; i < n_hits; i++)
        ptm_put(b, p->hits[i]);
    for (size_t i = 0; i < g->n_values; i++)
        n_items += g->value[i].kind != V_NODE || !g->value[i].out_no;
    ptm_put(b, (uint32_t)n_items);
    for (size_t i = 0; i < g->n_values && !c->e->status; i++) {
        const struct ptm_value *v = &g->value[i];
        if (v->kind == V_NODE && v->out_no)
            continue;
        ptm_put(b, v->kind);
        if (v->kind == V_ARG)
            put_type(b, &v->type);
        else if (v->kind == V_SCALAR)
            ptm_put(b, v->type.dtype == PTM_F64);
        else if (v->kind == V_CONST)
            ptm_put(b, constant(c, &v->type, &g->constant[v->ref]));
        else
            put_node(c, g, &g->node[v->ref]);
    }
    ptm_put(b, (uint32_t)g->n_outputs);
    for (size_t i = 0; i < g->n_outputs; i++)
        ptm_put(b, g->output[i]);
}

/* -- entries -- */

static void put_tree(struct coder *c, const struct ptm_tree *t)
{
    struct ptm_encoded *e = c->e;
    struct ptm_bytes *b = &e->entries;
    ptm_put(b, t->kind);
    switch (t->kind) {
    case T_KNOWN:
        ptm_encode_value(e, b, t->known, NULL, 0);
        ptm_put_long(b, t->path);
        return;
    case T_SYM:
        ptm_put(b, t->ref);
        ptm_put(b, t->is_float);
        ptm_put_long(b, t->path);
        return;
    case T_TENSOR:
        ptm_put(b, t->ref);
        put_type(b, &t->type);
        put_dims(b, t->type.rank, t->stride);
        ptm_put_long(b, (uint64_t)t->offset);
        put_type(b, &t->base);
        ptm_put_long(b, t->bytes);
        return;
    case T_CONST: {
        struct ptm_tensor x = *t->known.u.tensor;
        x.dtype = t->type.dtype;
        x.rank = t->type.rank;
        x.offset = t->offset;
        memcpy(x.dim, t->type.dim, sizeof x.dim);
        memcpy(x.stride, t->stride, sizeof x.stride);
        if (!t->ref) /* its own: no other tensor shares it */
            x.storage = ptm_arena_copy(&e->arena, x.storage, sizeof *x.storage);
        ptm_put(b, t->ref);
        ptm_put(b, x.storage ? tensor(c, &x, NULL) : no_memory(c));
        return;
    }
    case T_OBJECT:
        ptm_put(b, t->known.u.object->id);
        return;
    case T_NEW:
        ptm_put(b, (uint32_t)(t->cls - e->p->cls));
        break;
    default:
        ptm_put(b, t->elem);
        break;
    }
    ptm_put(b, (uint32_t)t->n);
    for (size_t i = 0; i < t->n; i++)
        put_tree(c, &t->child[i]);
    if (t->kind != T_TUPLE)
        return;
    ptm_put(b, t->names != NULL);
    for (size_t i = 0; t->names && i < t->n; i++)
        ptm_put(b, ptm_encode_string(e, t->names[i], strlen(t->names[i])));
}

static void put_slot(struct ptm_bytes *b, const struct ptm_slot *s)
{
    ptm_put(b, s->object ? 1 + s->object->id : 0);
    ptm_put(b, s->index);
}

static void put_numbers(struct ptm_bytes *b, const uint32_t *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ptm_put(b, v[i]);
}

static void put_entry(struct coder *c, const struct ptm_entry *x)
{
    struct ptm_bytes *b = &c->e->entries;
    ptm_put(b, x->method);
    ptm_put(b, (uint32_t)x->n_bindings);
    for (size_t i = 0; i < x->n_bindings; i++) {
        ptm_put(b, x->binding[i].from_guard);
        put_type(b, &x->binding[i].type);
    }
    ptm_put(b, (uint32_t)x->n_scalars);
    for (size_t i = 0; i < x->n_scalars; i++) {
        const struct ptm_sym_expr *s = &x->scalar[i];
        ptm_put(b, s->op | (uint32_t)s->is_float << 8);
        ptm_put(b, s->a);
        ptm_put(b, s->b);
        ptm_put_long(b, s->op == SX_BOUND ? s->path : (uint64_t)s->value.i);
    }
    ptm_put(b, (uint32_t)x->n_guards);
    for (size_t i = 0; i < x->n_guards; i++) {
        const struct ptm_guard *g = &x->guard[i];
        ptm_put(b, g->kind);
        if (g->kind == G_TREE) {
            put_slot(b, &g->slot);
            put_tree(c, g->tree);
        } else {
            ptm_put(b, g->ref);
            ptm_put(b, g->cmp);
            ptm_encode_value(c->e, b, g->value, NULL, 0);
        }
    }
    ptm_put(b, (uint32_t)x->n_steps);
    for (size_t i = 0; i < x->n_steps; i++) {
        const struct ptm_entry_step *s = &x->step[i];
        ptm_put(b, (uint32_t)(s->piece - c->saved->piece));
        ptm_put(b, s->first_out);
        put_numbers(b, s->arg, s->piece->graph.n_inputs);
        put_numbers(b, s->scalar, s->piece->graph.n_scalars);
    }
    ptm_put(b, (uint32_t)x->n_effects);
    for (size_t i = 0; i < x->n_effects; i++) {
        const struct ptm_effect *f = &x->effect[i];
        ptm_put(b, f->value != NULL);
        if (f->value) {
            put_slot(b, &f->slot);
            put_tree(c, f->value);
        } else {
            ptm_put(b, f->from);
            ptm_put(b, f->to);
        }
    }
    put_tree(c, x->result);
}

/* The first n entries, and all pieces of theirs. */
static void put_all(struct ptm_encoded *e, size_t n)
{
    struct coder c = {.e = e, .saved = e->p->saved};
    struct ptm_bytes pieces;
    size_t n_pieces = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < c.saved->entry[i].n_steps; k++) {
            size_t number = (size_t)(c.saved->entry[i].step[k].piece - c.saved->piece);
            n_pieces = number >= n_pieces ? number + 1 : n_pieces;
        }
    for (size_t i = 0; i < n_pieces; i++)
        put_piece(&c, &c.saved->piece[i]);
    ptm_put(&e->entries, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        put_entry(&c, &c.saved->entry[i]);
    pieces = e->entries;
    e->entries = (struct ptm_bytes){0};
    ptm_put_long(&e->entries, ptm_entries_version());
    ptm_put(&e->entries, c.n_constants);
    ptm_bytes_put(&e->entries, c.constants.p, c.constants.n);
    ptm_put(&e->entries, (uint32_t)n_pieces);
    ptm_bytes_put(&e->entries, pieces.p, pieces.n);
    if (c.constants.failed || pieces.failed)
        no_memory(&c);
    ptm_free(c.constants.p);
    ptm_free(pieces.p);
}

void ptm_encode_entries(struct ptm_encoded *e)
{
    size_t n_tensors = e->n_tensors, n_storages = e->n_storages;
    uint64_t program = e->body.n + e->text.n, own;
    e->n_program_storages = n_storages;
    for (size_t i = 0; i < n_storages; i++)
        program += e->storage[i]->bytes;
    for (e->n_entries = e->p->saved->n_entries; e->n_entries; e->n_entries--) {
        put_all(e, e->n_entries);
        own = e->entries.n;
        for (size_t i = n_storages; i < e->n_storages; i++)
            own += e->storage[i]->bytes;
        e->entry_bytes = e->entry_bytes ? e->entry_bytes : own;
        if (e->status || e->p->closed || own <= program / 10 + SLACK)
            return;
        e->n_tensors = n_tensors; /* too much: without the last one */
        e->n_storages = n_storages;
        e->entries.n = 0;
    }
}
