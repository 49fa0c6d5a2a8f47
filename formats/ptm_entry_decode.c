/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words to entries. Counts and numbers are checked as they are read; the shape rules give the types
 * of nodes; then ptm_graph_verify and ptm_entry_verify look at the whole, as they do at what was
 * traced.
 */
#include <string.h>

#include "formats/ptm_decode.h"
#include "formats/ptm_layout.h"
#include "libcore/derived.h"
#include "libcore/infer.h"
#include "libcore/passes.h"
#include "libcore/saved.h"

enum {
    MAX_TREE = 110,   /* depth */
    MAX_DERIVED = 16, /* constants made of constants made of ... */
    MAX_HITS = 1000,
};

struct constant {
    struct ptm_type type;
    struct ptm_const c;
    const struct ptm_derived *derived; /* kinds 2 and 3; no graph names these, views do */
    uint8_t depth;
};

struct decoder {
    struct ptm_decoder *d;
    struct constant *constant;
    uint32_t n_constants;
    uint64_t bytes, work; /* of derived constants */
    struct ptm_saved *saved;
};

static uint32_t word(struct decoder *x)
{
    return ptm_read_u32(&x->d->r);
}

static enum ptm_status fail(struct decoder *x, const char *what, uint64_t is, uint64_t of)
{
    return ptm_decode_fail(x->d, what, is, of);
}

/* What the checks of graphs and entries say, with the place. */
static enum ptm_status wrong(struct decoder *x, const struct ptm_err *why)
{
    return ptm_fail(x->d->err, why->code == PTM_ERR_MEMORY ? why->code : PTM_ERR_FORMAT,
                    "entries section, byte %zu: %s", x->d->r.at, why->msg);
}

static enum ptm_status read_dims(struct decoder *x, int rank, int64_t *dim)
{
    for (int i = 0; i < rank; i++) {
        uint64_t v = ptm_read_u64(&x->d->r);
        if (x->d->r.failed || v > PTM_MAX_SIZE)
            return fail(x, "a dim or stride", v, PTM_MAX_SIZE);
        dim[i] = (int64_t)v;
    }
    return PTM_OK;
}

static enum ptm_status read_type(struct decoder *x, struct ptm_type *t)
{
    struct ptm_err why = {0};
    uint32_t v = word(x);
    if (x->d->r.failed || v >> 8 > PTM_MAX_RANK)
        return fail(x, "a type of rank", v >> 8, PTM_MAX_RANK);
    *t = (struct ptm_type){.dtype = (uint8_t)v, .rank = (uint8_t)(v >> 8), .qparams = -1};
    PTM_TRY(read_dims(x, t->rank, t->dim));
    return ptm_type_check(t, &why) ? wrong(x, &why) : PTM_OK;
}

static enum ptm_status read_size(struct decoder *x, const char *what, int64_t *out)
{
    uint64_t v = ptm_read_u64(&x->d->r);
    *out = (int64_t)v;
    return x->d->r.failed || v > PTM_MAX_SIZE ? fail(x, what, v, PTM_MAX_SIZE) : PTM_OK;
}

/* -- constants -- */

static enum ptm_status read_tensor(struct decoder *x, struct constant *c)
{
    uint32_t n, own;
    PTM_TRY(ptm_decode_below(x->d, "tensor", x->d->n_tensors, &n));
    PTM_TRY(ptm_decode_below(x->d, "flag", 2, &own));
    const struct ptm_tensor *t = x->d->tensor[n];
    c->type = (struct ptm_type){.dtype = t->dtype, .rank = t->rank, .qparams = -1};
    memcpy(c->type.dim, t->dim, sizeof c->type.dim);
    memcpy(c->c.stride, t->stride, sizeof c->c.stride);
    c->c.data = ptm_tensor_data(t);
    size_t bytes = t->storage->bytes;
    c->c.key = own && bytes <= PTM_FILE_MAX_KEYED
                   ? ptm_key_of_data(t->storage->data, bytes, t->offset, t->rank, t->stride)
                   : ptm_key_of_place(c->c.data, t->rank, t->stride);
    return PTM_OK;
}

static enum ptm_status read_view(struct decoder *x, struct constant *c, uint32_t limit)
{
    uint32_t n;
    PTM_TRY(ptm_decode_below(x->d, "constant", limit, &n));
    const struct constant *of = &x->constant[n];
    if (!of->derived)
        return fail(x, "a view of a constant that is not derived, number", n, limit);
    PTM_TRY(read_size(x, "an offset", &c->c.at));
    PTM_TRY(read_type(x, &c->type));
    PTM_TRY(read_dims(x, c->type.rank, c->c.stride));
    int64_t have = ptm_type_numel(&of->type), last = c->c.at;
    if (c->type.dtype != of->type.dtype || last > have)
        return fail(x, "a view beyond its constant, element", (uint64_t)last, (uint64_t)have);
    for (int i = 0; i < c->type.rank && ptm_type_numel(&c->type); i++) {
        int64_t steps = c->type.dim[i] - 1;
        if (steps && c->c.stride[i] > (have - last) / steps)
            return fail(x, "a view beyond its constant, stride", (uint64_t)c->c.stride[i],
                        (uint64_t)have);
        last += steps * c->c.stride[i];
    }
    if (ptm_type_numel(&c->type) && last >= have)
        return fail(x, "a view beyond its constant, element", (uint64_t)last, (uint64_t)have);
    c->c.from = of->derived;
    c->c.key = ptm_key_of_data(&of->c.key, sizeof of->c.key, c->c.at, c->type.rank, c->c.stride);
    if (!c->c.at) { /* as passes number what they make, when it is all of it */
        int64_t stride[PTM_MAX_RANK];
        ptm_strides_contiguous(c->type.rank, c->type.dim, stride);
        if (ptm_type_equal(&c->type, &of->type) &&
            !memcmp(stride, c->c.stride, c->type.rank * sizeof *stride))
            c->c.key = of->c.key;
    }
    c->depth = of->depth;
    return PTM_OK;
}

static enum ptm_status read_inputs(struct decoder *x, struct ptm_derived *d, struct constant *c,
                                   uint32_t limit)
{
    PTM_TRY(ptm_decode_count(x->d, "inputs of a constant", 1, &d->n_in));
    PTM_TRY(ptm_decode_array(x->d, &d->in, d->n_in, sizeof *d->in));
    for (uint32_t i = 0; i < d->n_in; i++) {
        uint32_t n;
        PTM_TRY(ptm_decode_below(x->d, "constant", limit + 1, &n));
        d->in[i].type = (struct ptm_type){.dtype = PTM_ABSENT, .qparams = -1};
        if (!n)
            continue;
        const struct constant *in = &x->constant[n - 1];
        if (in->derived || in->depth >= MAX_DERIVED)
            return fail(x, "a constant derived too often", in->depth, MAX_DERIVED);
        d->in[i].type = in->type;
        d->in[i].c = in->c;
        c->depth = in->depth >= c->depth ? (uint8_t)(in->depth + 1) : c->depth;
    }
    return PTM_OK;
}

/* What making it may cost: a file of few bytes asks for little. */
static enum ptm_status spend(struct decoder *x, const struct ptm_derived *d)
{
    struct ptm_type in[8];
    uint64_t bytes = (uint64_t)ptm_type_numel(&d->type) * ptm_dtype_bytes(d->type.dtype);
    uint64_t work = (uint64_t)ptm_type_numel(&d->type);
    for (uint32_t i = 0; i < d->n_in; i++)
        in[i] = d->in[i].type;
    if (d->kind == D_OP)
        work = ptm_op_work(d->op, in, d->n_in, d->attr, d->n_attr, &d->type);
    uint64_t most = x->d->may_make, most_work = most > UINT64_MAX / 64 ? UINT64_MAX : 64 * most;
    if (bytes > most - x->bytes)
        return fail(x, "bytes of derived constants", bytes, most - x->bytes);
    if (work > most_work - x->work)
        return fail(x, "work for derived constants", work, most_work - x->work);
    x->bytes += bytes;
    x->work += work;
    return PTM_OK;
}

static enum ptm_status read_derived(struct decoder *x, struct constant *c, uint32_t limit,
                                    bool of_op)
{
    struct ptm_derived *d = ptm_arena_alloc(x->d->arena, sizeof *d);
    struct ptm_err why = {0};
    uint32_t op, second;
    if (!d)
        return ptm_decode_no_memory(x->d);
    d->kind = of_op ? D_OP : D_SCALED;
    PTM_TRY(read_type(x, &d->type));
    PTM_TRY(read_inputs(x, d, c, limit));
    if (of_op) {
        PTM_TRY(ptm_decode_below(x->d, "operator", PTM_N_OPS, &op));
        d->op = (uint16_t)op;
        PTM_TRY(ptm_decode_count(x->d, "attributes", 2, &d->n_attr));
        PTM_TRY(ptm_decode_array(x->d, &d->attr, d->n_attr, sizeof *d->attr));
        for (uint32_t i = 0; i < d->n_attr; i++)
            d->attr[i].u.i = (int64_t)ptm_read_u64(&x->d->r);
    } else {
        d->channel.div = (int64_t)ptm_read_u64(&x->d->r);
        PTM_TRY(read_size(x, "a step of channels", &d->channel.step));
        PTM_TRY(ptm_decode_below(x->d, "flag", 2, &second));
        d->channel.second = second;
    }
    if (x->d->r.failed)
        return fail(x, "", 0, 0);
    if (ptm_derived_check(d, &why))
        return wrong(x, &why);
    if (d->kind == D_SCALED && d->in[1].c.from)
        return fail(x, "factors that are derived", 1, 0);
    PTM_TRY(spend(x, d));
    c->type = d->type;
    c->derived = d;
    c->c.key = ptm_derived_key(d);
    return PTM_OK;
}

static enum ptm_status read_constants(struct decoder *x)
{
    PTM_TRY(ptm_decode_count(x->d, "constants", 3, &x->n_constants));
    PTM_TRY(ptm_decode_array(x->d, &x->constant, x->n_constants, sizeof *x->constant));
    for (uint32_t i = 0; i < x->n_constants; i++) {
        struct constant *c = &x->constant[i];
        uint32_t kind;
        PTM_TRY(ptm_decode_below(x->d, "kind of constant", PTM_FILE_CONST_SCALED + 1, &kind));
        if (kind == PTM_FILE_CONST_OP || kind == PTM_FILE_CONST_SCALED) {
            PTM_TRY(read_derived(x, c, i, kind == PTM_FILE_CONST_OP));
            continue;
        }
        PTM_TRY(kind == PTM_FILE_CONST_TENSOR ? read_tensor(x, c) : read_view(x, c, i));
        PTM_TRY(ptm_decode_string_or_none(x->d, &c->c.name));
    }
    return PTM_OK;
}

/* -- pieces -- */

static enum ptm_status read_attrs(struct decoder *x, struct ptm_attr **out, uint32_t *n)
{
    struct ptm_attr *a;
    PTM_TRY(ptm_decode_count(x->d, "attributes", 3, n));
    PTM_TRY(ptm_decode_array(x->d, out, *n, sizeof **out));
    a = *out;
    for (uint32_t i = 0; i < *n; i++) {
        uint32_t sym;
        PTM_TRY(ptm_decode_below(x->d, "flag", 2, &sym));
        uint64_t v = ptm_read_u64(&x->d->r);
        a[i].kind = sym ? A_SYM : A_IMM;
        if (sym && v > UINT32_MAX)
            return fail(x, "a value", v, UINT32_MAX);
        if (sym)
            a[i].u.value = (uint32_t)v;
        else
            a[i].u.i = (int64_t)v;
    }
    return PTM_OK;
}

static enum ptm_status read_sites(struct decoder *x, struct ptm_graph *g)
{
    uint32_t n;
    PTM_TRY(ptm_decode_count(x->d, "sites", 4, &n));
    for (uint32_t i = 0; i < n; i++) {
        struct ptm_site s = {0};
        PTM_TRY(ptm_decode_string_or_none(x->d, &s.path));
        PTM_TRY(ptm_decode_string_or_none(x->d, &s.aten));
        PTM_TRY(ptm_decode_string_or_none(x->d, &s.file));
        s.line = word(x);
        if (!ptm_graph_sites(g, &s, 1))
            return ptm_decode_no_memory(x->d);
    }
    return PTM_OK;
}

static enum ptm_status read_node(struct decoder *x, struct ptm_graph *g)
{
    struct ptm_type *in, out[UINT8_MAX];
    struct ptm_attr *attr;
    struct ptm_attr_at at[PTM_MAX_ATTRS];
    struct ptm_err why = {0};
    uint32_t op, n_in, n_attr, *operand;
    PTM_TRY(ptm_decode_below(x->d, "operator", PTM_N_OPS, &op));
    PTM_TRY(ptm_decode_count(x->d, "operands", 1, &n_in));
    PTM_TRY(ptm_decode_array(x->d, &operand, n_in, sizeof *operand));
    PTM_TRY(ptm_decode_array(x->d, &in, n_in, sizeof *in));
    for (uint32_t i = 0; i < n_in; i++) {
        operand[i] = word(x);
        in[i] = (struct ptm_type){.dtype = PTM_ABSENT, .qparams = -1};
        if (operand[i] == PTM_NO_VALUE)
            continue;
        if (operand[i] >= g->n_values || g->value[operand[i]].kind == V_SCALAR)
            return fail(x, "an operand", operand[i], g->n_values);
        in[i] = g->value[operand[i]].type;
    }
    PTM_TRY(read_attrs(x, &attr, &n_attr));
    if (ptm_attr_split((enum ptm_op)op, attr, n_attr, at, &why) ||
        ptm_op_infer((enum ptm_op)op, in, n_in, attr, n_attr, out, &why))
        return wrong(x, &why);
    if (ptm_graph_node(g, (enum ptm_op)op, operand, n_in, attr, n_attr, out, NULL) == PTM_NO_VALUE)
        return ptm_decode_no_memory(x->d);
    return read_sites(x, g);
}

static enum ptm_status read_item(struct decoder *x, struct ptm_graph *g)
{
    uint32_t kind, n, made = PTM_NO_VALUE;
    struct ptm_type type;
    PTM_TRY(ptm_decode_below(x->d, "kind of value", V_SCALAR + 1, &kind));
    if (kind == V_NODE)
        return read_node(x, g);
    if (kind == V_ARG) {
        PTM_TRY(read_type(x, &type));
        made = ptm_graph_arg(g, &type);
    } else if (kind == V_SCALAR) {
        PTM_TRY(ptm_decode_below(x->d, "flag", 2, &n));
        made = ptm_graph_scalar(g, n);
    } else {
        PTM_TRY(ptm_decode_below(x->d, "constant", x->n_constants, &n));
        if (x->constant[n].derived)
            return fail(x, "a constant that only views name", n, x->n_constants);
        made = ptm_graph_const(g, &x->constant[n].type, &x->constant[n].c);
    }
    return made == PTM_NO_VALUE ? ptm_decode_no_memory(x->d) : PTM_OK;
}

static enum ptm_status read_piece(struct decoder *x, struct ptm_piece *p, uint32_t n_recipe)
{
    struct ptm_graph *g = &p->graph;
    struct ptm_err why = {0};
    uint32_t n;
    ptm_graph_init(g, x->d->arena);
    p->given_nodes = ptm_read_u64(&x->d->r);
    p->given_macs = ptm_read_u64(&x->d->r);
    PTM_TRY(ptm_decode_below(x->d, "counts of passes", MAX_HITS + 1, &n));
    if (n && n != n_recipe)
        return fail(x, "counts of passes", n, n_recipe);
    PTM_TRY(ptm_decode_array(x->d, &p->hits, n, sizeof *p->hits));
    for (uint32_t i = 0; i < n; i++)
        p->hits[i] = word(x);
    PTM_TRY(ptm_decode_count(x->d, "values", 2, &n));
    for (uint32_t i = 0; i < n; i++)
        PTM_TRY(read_item(x, g));
    PTM_TRY(ptm_decode_count(x->d, "outputs", 1, &n));
    for (uint32_t i = 0; i < n; i++)
        if (!ptm_graph_output(g, word(x)))
            return ptm_decode_no_memory(x->d);
    if (x->d->r.failed)
        return fail(x, "", 0, 0);
    return ptm_graph_verify(g, &why) ? wrong(x, &why) : PTM_OK;
}

/* -- entries -- */

static enum ptm_status read_tree(struct decoder *x, struct ptm_tree *t, int depth);

static enum ptm_status read_known(struct decoder *x, struct ptm_ival *v)
{
    PTM_TRY(ptm_decode_value(x->d, 0, v));
    return ptm_ival_is_scalar(*v) || v->tag == PTM_UNINIT
               ? PTM_OK
               : fail(x, "a known value that is no scalar, tag", v->tag, PTM_UNINIT);
}

static enum ptm_status read_leaf(struct decoder *x, struct ptm_tree *t)
{
    struct ptm_decoder *d = x->d;
    uint32_t n;
    int64_t bytes;
    switch (t->kind) {
    case T_KNOWN:
        PTM_TRY(read_known(x, &t->known));
        t->path = ptm_read_u64(&d->r);
        return PTM_OK;
    case T_SYM:
        t->ref = word(x);
        PTM_TRY(ptm_decode_below(d, "flag", 2, &n));
        t->is_float = n;
        t->path = ptm_read_u64(&d->r);
        return PTM_OK;
    case T_TENSOR:
        t->ref = t->alias = word(x);
        PTM_TRY(read_type(x, &t->type));
        PTM_TRY(read_dims(x, t->type.rank, t->stride));
        PTM_TRY(read_size(x, "an offset", &t->offset));
        PTM_TRY(read_type(x, &t->base));
        PTM_TRY(read_size(x, "bytes of a storage", &bytes));
        t->bytes = (size_t)bytes;
        return PTM_OK;
    case T_CONST: {
        PTM_TRY(ptm_decode_below(d, "flag", 2, &t->ref));
        PTM_TRY(ptm_decode_below(d, "tensor", d->n_tensors, &n));
        const struct ptm_tensor *c = d->tensor[n];
        t->known = ptm_tensor_ival(d->tensor[n]);
        t->type = (struct ptm_type){.dtype = c->dtype, .rank = c->rank, .qparams = -1};
        memcpy(t->type.dim, c->dim, sizeof t->type.dim);
        memcpy(t->stride, c->stride, sizeof t->stride);
        t->offset = c->offset;
        return PTM_OK;
    }
    default:
        PTM_TRY(ptm_decode_below(d, "object", d->p->n_objects, &n));
        t->known = (struct ptm_ival){.tag = PTM_OBJECT, .u.object = d->p->object[n]};
        return PTM_OK;
    }
}

static enum ptm_status read_names(struct decoder *x, struct ptm_tree *t)
{
    const char **names;
    PTM_TRY(ptm_decode_array(x->d, &names, (uint32_t)t->n, sizeof *names));
    for (size_t i = 0; i < t->n; i++)
        PTM_TRY(ptm_decode_string(x->d, &names[i]));
    t->names = names;
    return PTM_OK;
}

static enum ptm_status read_tree(struct decoder *x, struct ptm_tree *t, int depth)
{
    struct ptm_decoder *d = x->d;
    uint32_t n, kind, elem;
    PTM_TRY(ptm_decode_below(d, "kind of tree", T_NEW + 1, &kind));
    t->kind = (uint8_t)kind;
    if (kind < T_LIST || kind == T_OBJECT)
        return read_leaf(x, t);
    if (depth > MAX_TREE)
        return fail(x, "a tree deeper than", (uint64_t)depth, MAX_TREE);
    if (kind == T_NEW) {
        PTM_TRY(ptm_decode_below(d, "class", d->p->n_classes, &n));
        t->cls = &d->p->cls[n];
    } else {
        PTM_TRY(ptm_decode_below(d, "element tag", PTM_OBJECT + 1, &elem));
        t->elem = (uint8_t)elem;
    }
    PTM_TRY(ptm_decode_count(d, "trees", 2, &n));
    PTM_TRY(ptm_decode_array(d, &t->child, n, sizeof *t->child));
    t->n = n;
    for (uint32_t i = 0; i < n; i++)
        PTM_TRY(read_tree(x, &t->child[i], depth + 1));
    if (kind != T_TUPLE)
        return PTM_OK;
    PTM_TRY(ptm_decode_below(d, "flag", 2, &n));
    return n ? read_names(x, t) : PTM_OK;
}

static enum ptm_status tree(struct decoder *x, struct ptm_tree **out)
{
    *out = ptm_arena_alloc(x->d->arena, sizeof **out);
    return *out ? read_tree(x, *out, 0) : ptm_decode_no_memory(x->d);
}

static enum ptm_status read_slot(struct decoder *x, struct ptm_slot *s)
{
    uint32_t n;
    PTM_TRY(ptm_decode_below(x->d, "object", x->d->p->n_objects + 1, &n));
    s->object = n ? x->d->p->object[n - 1] : NULL;
    s->index = word(x);
    return PTM_OK;
}

static enum ptm_status numbers(struct decoder *x, uint32_t **out, size_t n)
{
    if (n > (x->d->r.n - x->d->r.at) / 4)
        return fail(x, "numbers", n, (x->d->r.n - x->d->r.at) / 4);
    PTM_TRY(ptm_decode_array(x->d, out, (uint32_t)n, sizeof **out));
    for (size_t i = 0; i < n; i++)
        (*out)[i] = word(x);
    return PTM_OK;
}

static enum ptm_status read_bindings(struct decoder *x, struct ptm_entry *e)
{
    uint32_t n, flag;
    PTM_TRY(ptm_decode_count(x->d, "tensors of an entry", 2, &n));
    PTM_TRY(ptm_decode_array(x->d, &e->binding, n, sizeof *e->binding));
    e->n_bindings = n;
    for (uint32_t i = 0; i < n; i++) {
        PTM_TRY(ptm_decode_below(x->d, "flag", 2, &flag));
        e->binding[i].from_guard = flag;
        PTM_TRY(read_type(x, &e->binding[i].type));
    }
    PTM_TRY(ptm_decode_count(x->d, "scalars", 5, &n));
    PTM_TRY(ptm_decode_array(x->d, &e->scalar, n, sizeof *e->scalar));
    e->n_scalars = n;
    for (uint32_t i = 0; i < n; i++) {
        struct ptm_sym_expr *s = &e->scalar[i];
        uint32_t v = word(x);
        s->op = (uint8_t)v;
        s->is_float = v >> 8 & 1;
        s->a = word(x);
        s->b = word(x);
        uint64_t value = ptm_read_u64(&x->d->r);
        if (s->op == SX_BOUND)
            s->path = value;
        else
            s->value.i = (int64_t)value;
    }
    return PTM_OK;
}

static enum ptm_status read_guards(struct decoder *x, struct ptm_entry *e)
{
    uint32_t n, kind, cmp;
    PTM_TRY(ptm_decode_count(x->d, "guards", 4, &n));
    PTM_TRY(ptm_decode_array(x->d, &e->guard, n, sizeof *e->guard));
    e->n_guards = n;
    for (uint32_t i = 0; i < n; i++) {
        struct ptm_guard *g = &e->guard[i];
        PTM_TRY(ptm_decode_below(x->d, "kind of guard", G_RANGE + 1, &kind));
        g->kind = (uint8_t)kind;
        if (kind == G_TREE) {
            PTM_TRY(read_slot(x, &g->slot));
            PTM_TRY(tree(x, &g->tree));
            continue;
        }
        g->ref = word(x);
        PTM_TRY(ptm_decode_below(x->d, "comparison", PTM_GT + 1, &cmp));
        g->cmp = (uint8_t)cmp;
        PTM_TRY(read_known(x, &g->value));
    }
    return PTM_OK;
}

static enum ptm_status read_steps(struct decoder *x, struct ptm_entry *e)
{
    uint32_t n, piece;
    PTM_TRY(ptm_decode_count(x->d, "steps", 2, &n));
    PTM_TRY(ptm_decode_array(x->d, &e->step, n, sizeof *e->step));
    e->n_steps = n;
    for (uint32_t i = 0; i < n; i++) {
        struct ptm_entry_step *s = &e->step[i];
        PTM_TRY(ptm_decode_below(x->d, "piece", (uint32_t)x->saved->n_pieces, &piece));
        s->piece = &x->saved->piece[piece];
        s->first_out = word(x);
        PTM_TRY(numbers(x, &s->arg, s->piece->graph.n_inputs));
        PTM_TRY(numbers(x, &s->scalar, s->piece->graph.n_scalars));
    }
    return PTM_OK;
}

static enum ptm_status read_effects(struct decoder *x, struct ptm_entry *e)
{
    uint32_t n, value;
    PTM_TRY(ptm_decode_count(x->d, "effects", 3, &n));
    PTM_TRY(ptm_decode_array(x->d, &e->effect, n, sizeof *e->effect));
    e->n_effects = n;
    for (uint32_t i = 0; i < n; i++) {
        struct ptm_effect *f = &e->effect[i];
        PTM_TRY(ptm_decode_below(x->d, "flag", 2, &value));
        f->to = PTM_NO_VALUE;
        if (value) {
            PTM_TRY(read_slot(x, &f->slot));
            PTM_TRY(tree(x, &f->value));
        } else {
            f->from = word(x);
            f->to = word(x);
        }
    }
    return PTM_OK;
}

static enum ptm_status read_entry(struct decoder *x, struct ptm_entry *e)
{
    struct ptm_err why = {0};
    PTM_TRY(ptm_decode_below(x->d, "function", x->d->p->n_fns, &e->method));
    PTM_TRY(read_bindings(x, e));
    PTM_TRY(read_guards(x, e));
    PTM_TRY(read_steps(x, e));
    PTM_TRY(read_effects(x, e));
    PTM_TRY(tree(x, &e->result));
    if (x->d->r.failed)
        return fail(x, "", 0, 0);
    return ptm_entry_verify(e, &why) ? wrong(x, &why) : PTM_OK;
}

enum ptm_status ptm_decode_entries(struct ptm_decoder *d, const struct ptm_recipe *recipe)
{
    struct decoder x = {.d = d};
    uint32_t n;
    d->section = "entries";
    if (ptm_read_u64(&d->r) != ptm_entries_version() && !d->r.failed)
        return d->p->closed ? ptm_fail(d->err, PTM_ERR_UNSUPPORTED,
                                       "a closed file of another version of ptm: optimise the "
                                       "model again")
                            : PTM_OK;
    x.saved = ptm_arena_alloc(d->arena, sizeof *x.saved);
    if (!x.saved)
        return ptm_decode_no_memory(d);
    x.saved->recipe = recipe;
    PTM_TRY(read_constants(&x));
    PTM_TRY(ptm_decode_count(d, "pieces", 7, &n));
    PTM_TRY(ptm_decode_array(d, &x.saved->piece, n, sizeof *x.saved->piece));
    x.saved->n_pieces = n;
    for (uint32_t i = 0; i < n; i++)
        PTM_TRY(read_piece(&x, &x.saved->piece[i], recipe ? (uint32_t)recipe->n : 0));
    PTM_TRY(ptm_decode_count(d, "entries", 7, &n));
    PTM_TRY(ptm_decode_array(d, &x.saved->entry, n, sizeof *x.saved->entry));
    x.saved->n_entries = n;
    for (uint32_t i = 0; i < n; i++)
        PTM_TRY(read_entry(&x, &x.saved->entry[i]));
    if (d->r.failed || d->r.at != d->r.n)
        return fail(&x, "ends at byte", d->r.at, d->r.n);
    d->p->saved = x.saved;
    return PTM_OK;
}
