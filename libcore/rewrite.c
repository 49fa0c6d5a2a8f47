/* SPDX-License-Identifier: BSD-2-Clause */
/* Rewriting graphs: the walk, the sweep, and what passes look at and make. */
#include "libcore/rewrite.h"

#include <string.h>

#include "kernels/ref_util.h"
#include "libcore/plan.h"

static enum ptm_status no_memory(struct ptm_rewrite *r)
{
    if (!r->status)
        r->status = ptm_fail(r->err, PTM_ERR_MEMORY, "no memory to rewrite a graph of %zu nodes",
                             r->in->n_nodes);
    return r->status;
}

uint64_t ptm_mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ (h >> 29);
}

/* -- the walk -- */

static bool count_uses(struct ptm_rewrite *r)
{
    const struct ptm_graph *g = r->in;
    r->map = ptm_arena_array(r->work, g->n_values + 1, sizeof(*r->map));
    r->old_uses = ptm_arena_array(r->work, g->n_values + 1, sizeof(*r->old_uses));
    if (!r->map || !r->old_uses)
        return false;
    memset(r->map, 0xff, g->n_values * sizeof(*r->map));
    for (size_t i = 0; i < g->n_nodes; i++)
        for (uint32_t k = 0; k < g->node[i].n_in; k++)
            if (g->operand[g->node[i].in + k] != PTM_NO_VALUE)
                r->old_uses[g->operand[g->node[i].in + k]]++;
    for (size_t i = 0; i < g->n_outputs; i++)
        r->old_uses[g->output[i]]++;
    return true;
}

static void set_map(struct ptm_rewrite *r, uint32_t old, uint32_t v)
{
    void *p = r->uses;
    if (v == PTM_NO_VALUE ||
        !ptm_arena_grow(r->work, &p, &r->cap_uses, r->out->n_values, sizeof(*r->uses))) {
        no_memory(r);
        return;
    }
    r->uses = p;
    r->map[old] = v;
    r->uses[v] += r->old_uses[old];
}

/* Inputs and scalars keep their numbers: those who run the graph bind by them. */
static void copy_given(struct ptm_rewrite *r)
{
    const struct ptm_graph *g = r->in;
    for (size_t i = 0; i < g->n_inputs; i++)
        set_map(r, g->input[i], ptm_graph_arg(r->out, &g->value[g->input[i]].type));
    for (size_t i = 0; i < g->n_scalars; i++)
        set_map(r, g->scalar[i],
                ptm_graph_scalar(r->out, g->value[g->scalar[i]].type.dtype == PTM_F64));
}

static uint32_t new_value(struct ptm_rewrite *r, uint32_t old)
{
    const struct ptm_value *v = &r->in->value[old];
    if (r->map[old] == PTM_NO_VALUE && v->kind == V_CONST)
        set_map(r, old, ptm_graph_const(r->out, &v->type, &r->in->constant[v->ref]));
    if (r->map[old] == PTM_NO_VALUE)
        no_memory(r);
    return r->map[old];
}

static void copy_node(struct ptm_rewrite *r, const struct ptm_node *n)
{
    uint32_t small[16], *in = small;
    struct ptm_type type[UINT8_MAX];
    struct ptm_attr *attr = ptm_arena_copy(r->work, r->in->attr + n->attr,
                                           n->n_attr * sizeof(*attr));
    if (n->n_in > PTM_LEN(small))
        in = ptm_arena_array(r->work, n->n_in, sizeof(*in));
    if (!in || !attr) {
        no_memory(r);
        return;
    }
    for (uint32_t k = 0; k < n->n_in; k++)
        in[k] = ptm_rw_in(r, n, k);
    for (uint32_t k = 0; k < n->n_attr; k++)
        if (attr[k].kind == A_SYM)
            attr[k].u.value = r->map[attr[k].u.value];
    for (uint32_t k = 0; k < n->n_out; k++)
        type[k] = r->in->value[n->out + k].type;
    if (r->status)
        return;
    uint32_t v = ptm_graph_node(r->out, n->op, in, n->n_in, attr, n->n_attr, type, NULL);
    if (v == PTM_NO_VALUE || !ptm_graph_sites(r->out, r->in->site + n->site, n->n_site)) {
        no_memory(r);
        return;
    }
    for (uint32_t k = 0; k < n->n_out; k++)
        set_map(r, n->out + k, v + k);
}

static void add_sites(struct ptm_rewrite *r, const struct ptm_site *site, size_t n)
{
    void *p = r->site;
    if (!n)
        return;
    if (!ptm_arena_grow(r->work, &p, &r->cap_site, r->n_site + n, sizeof(*site))) {
        no_memory(r);
        return;
    }
    r->site = p;
    memcpy(r->site + r->n_site, site, n * sizeof(*site));
    r->n_site += n;
}

enum ptm_status ptm_rewrite_walk(struct ptm_rewrite *r, ptm_visit_fn *visit)
{
    const struct ptm_graph *g = r->in;
    if (!count_uses(r))
        return no_memory(r);
    copy_given(r);
    for (size_t i = 0; i < g->n_nodes && !r->status; i++) {
        const struct ptm_node *n = &g->node[i];
        r->n_site = 0;
        add_sites(r, g->site + n->site, n->n_site);
        bool done = visit && !r->status && visit(r, n);
        for (uint32_t k = 0; done && k < n->n_out && !r->status; k++)
            if (r->map[n->out + k] == PTM_NO_VALUE && r->old_uses[n->out + k])
                r->status = ptm_fail(r->err, PTM_ERR_FORMAT, "output %u of node %zu (%s) got lost",
                                     k, i, ptm_op_info(n->op)->name);
        if (done)
            r->hits++;
        else if (!r->status)
            copy_node(r, n);
    }
    for (size_t i = 0; i < g->n_outputs && !r->status; i++)
        if (!ptm_graph_output(r->out, new_value(r, g->output[i])))
            no_memory(r);
    if (!r->status && (r->out->arena->failed || r->work->failed || r->keep->failed))
        no_memory(r);
    return r->status;
}

enum ptm_status ptm_graph_sweep(const struct ptm_graph *g, struct ptm_arena *arena,
                                struct ptm_graph *out, struct ptm_err *err)
{
    struct ptm_arena work = {0};
    struct ptm_rewrite r = {.in = g, .out = out, .work = &work, .keep = arena, .err = err};
    bool *needed = ptm_arena_array(&work, g->n_nodes + 1, sizeof(*needed));
    ptm_graph_init(out, arena);
    if (!needed || !count_uses(&r)) {
        no_memory(&r);
        goto out;
    }
    for (size_t i = 0; i < g->n_outputs; i++)
        if (g->value[g->output[i]].kind == V_NODE)
            needed[g->value[g->output[i]].ref] = true;
    for (size_t i = g->n_nodes; i-- > 0;)
        for (uint32_t k = 0; k < g->node[i].n_in && needed[i]; k++) {
            uint32_t v = g->operand[g->node[i].in + k];
            if (v != PTM_NO_VALUE && g->value[v].kind == V_NODE)
                needed[g->value[v].ref] = true;
        }
    copy_given(&r);
    for (size_t i = 0; i < g->n_nodes && !r.status; i++)
        if (needed[i])
            copy_node(&r, &g->node[i]);
    for (size_t i = 0; i < g->n_outputs && !r.status; i++)
        if (!ptm_graph_output(out, new_value(&r, g->output[i])))
            no_memory(&r);
    if (!r.status && (arena->failed || work.failed))
        no_memory(&r);
out:
    ptm_arena_release(&work);
    return r.status;
}

/* -- looking -- */

uint32_t ptm_rw_in(struct ptm_rewrite *r, const struct ptm_node *n, uint32_t k)
{
    uint32_t v = k < n->n_in ? r->in->operand[n->in + k] : PTM_NO_VALUE;
    return v == PTM_NO_VALUE ? v : new_value(r, v);
}

const struct ptm_type *ptm_rw_type(const struct ptm_rewrite *r, uint32_t v)
{
    static const struct ptm_type none = {.dtype = PTM_ABSENT, .qparams = -1};
    return v == PTM_NO_VALUE ? &none : &r->out->value[v].type;
}

bool ptm_rw_def(const struct ptm_rewrite *r, uint32_t v, enum ptm_op op, struct ptm_node *def)
{
    if (v == PTM_NO_VALUE || r->out->value[v].kind != V_NODE || r->out->value[v].out_no)
        return false;
    const struct ptm_node *n = &r->out->node[r->out->value[v].ref];
    if (n->op != op)
        return false;
    *def = *n;
    return true;
}

bool ptm_rw_only(const struct ptm_rewrite *r, uint32_t v)
{
    return v >= r->cap_uses || r->uses[v] <= 1;
}

uint32_t ptm_rw_arg(const struct ptm_rewrite *r, const struct ptm_node *def, uint32_t k)
{
    return k < def->n_in ? r->out->operand[def->in + k] : PTM_NO_VALUE;
}

int64_t ptm_rw_int(const struct ptm_rewrite *r, const struct ptm_node *def, const char *name)
{
    return ptm_node_attr(r->out, def, name)->u.i;
}

double ptm_rw_float(const struct ptm_rewrite *r, const struct ptm_node *def, const char *name)
{
    return ptm_node_attr(r->out, def, name)->u.f;
}

int ptm_rw_list(const struct ptm_rewrite *r, const struct ptm_node *def, const char *name,
                int64_t *out)
{
    const struct ptm_attr *a = ptm_node_attr(r->out, def, name);
    int n = (int)a->u.i;
    for (int i = 0; i < n && i < PTM_MAX_RANK; i++)
        out[i] = a[1 + i].u.i;
    return n;
}

bool ptm_rw_imm(const struct ptm_rewrite *r, const struct ptm_node *def)
{
    for (uint32_t k = 0; k < def->n_attr; k++)
        if (r->out->attr[def->attr + k].kind != A_IMM)
            return false;
    return true;
}

bool ptm_rw_same_dims(const struct ptm_type *a, const struct ptm_type *b)
{
    return a->rank == b->rank && !memcmp(a->dim, b->dim, a->rank * sizeof(*a->dim));
}

/* -- constants -- */

bool ptm_rw_is_const(const struct ptm_rewrite *r, uint32_t v)
{
    return v != PTM_NO_VALUE && r->out->value[v].kind == V_CONST;
}

static const struct ptm_const *constant(const struct ptm_rewrite *r, uint32_t v)
{
    return &r->out->constant[r->out->value[v].ref];
}

struct ptm_nd ptm_rw_nd(const struct ptm_rewrite *r, uint32_t v)
{
    return ptm_const_nd(ptm_rw_type(r, v), constant(r, v));
}

bool ptm_rw_number(const struct ptm_rewrite *r, uint32_t v, double *out)
{
    if (!ptm_rw_is_const(r, v) || ptm_type_numel(ptm_rw_type(r, v)) != 1)
        return false;
    struct ptm_nd nd = ptm_rw_nd(r, v);
    *out = ptm_ref_is_float(nd.dtype) ? ptm_ref_get_f(&nd, 0) : (double)ptm_ref_get_i(&nd, 0);
    return true;
}

double *ptm_rw_doubles(struct ptm_rewrite *r, uint32_t v)
{
    struct ptm_nd nd = ptm_rw_nd(r, v);
    int64_t n = ptm_ref_numel(&nd), row = nd.rank ? nd.dim[nd.rank - 1] : 1;
    double *out = ptm_arena_array(r->work, (size_t)n + 1, sizeof(*out));
    int64_t index[PTM_MAX_RANK] = {0};
    if (!out)
        no_memory(r);
    for (int64_t i = 0; out && i < n; i += row) {
        ptm_ref_load_f(out + i, &nd, ptm_ref_offset(&nd, index),
                       nd.rank ? nd.stride[nd.rank - 1] : 0, row);
        ptm_ref_next(nd.rank - 1, nd.dim, index);
    }
    return out;
}

uint32_t ptm_rw_const(struct ptm_rewrite *r, const struct ptm_type *type, const void *data,
                      uint64_t key, const char *name, void **to)
{
    struct ptm_const c = {.data = data, .key = key, .name = name};
    ptm_strides_contiguous(type->rank, type->dim, c.stride);
    if (!data) {
        *to = ptm_arena_array(r->keep, (size_t)ptm_type_numel(type), ptm_dtype_bytes(type->dtype));
        c.data = *to;
    }
    uint32_t v = c.data ? ptm_graph_const(r->out, type, &c) : PTM_NO_VALUE;
    if (v == PTM_NO_VALUE)
        no_memory(r);
    return v;
}

uint32_t ptm_rw_const_f(struct ptm_rewrite *r, const struct ptm_type *type, const double *v,
                        const char *name)
{
    void *to = NULL;
    uint32_t c = ptm_rw_const(r, type, NULL, 0, name, &to);
    if (c != PTM_NO_VALUE) {
        struct ptm_nd nd = {.data = to, .dtype = type->dtype, .rank = 1};
        struct ptm_const *k = &r->out->constant[r->out->value[c].ref];
        int64_t n = ptm_type_numel(type);
        ptm_ref_store_f(&nd, 0, 1, v, n);
        k->key = ptm_key_of_data(to, (size_t)n * ptm_dtype_bytes(type->dtype), 0, type->rank,
                                 k->stride);
    }
    return c;
}

uint32_t ptm_rw_derived(struct ptm_rewrite *r, const struct ptm_derived *how, const uint32_t *in,
                        const char *name)
{
    struct ptm_derived *d = ptm_arena_copy(r->keep, how, sizeof(*how));
    if (d) {
        d->in = ptm_arena_array(r->keep, how->n_in + 1u, sizeof(*d->in));
        d->attr = ptm_arena_copy(r->keep, how->attr, how->n_attr * sizeof(*d->attr));
    }
    if (!d || !d->in || !d->attr) {
        no_memory(r);
        return PTM_NO_VALUE;
    }
    for (uint32_t k = 0; k < how->n_in; k++) {
        d->in[k].type = *ptm_rw_type(r, in[k]);
        if (in[k] != PTM_NO_VALUE)
            d->in[k].c = *constant(r, in[k]);
    }
    void *to = NULL;
    uint32_t v = ptm_rw_const(r, &how->type, NULL, ptm_derived_key(d), name, &to);
    struct ptm_err why = {0};
    if (v == PTM_NO_VALUE || ptm_derived_run(d, to, &why))
        return PTM_NO_VALUE;
    r->out->constant[r->out->value[v].ref].from = d;
    return v;
}

uint64_t ptm_rw_key(const struct ptm_rewrite *r, uint32_t v)
{
    return constant(r, v)->key;
}

const char *ptm_rw_name(const struct ptm_rewrite *r, uint32_t v)
{
    return constant(r, v)->name;
}

uint32_t ptm_rw_const_view(struct ptm_rewrite *r, uint32_t v)
{
    struct ptm_graph *g = r->out;
    if (v == PTM_NO_VALUE || g->value[v].kind != V_NODE)
        return PTM_NO_VALUE;
    const struct ptm_node *n = &g->node[g->value[v].ref];
    int64_t offset;
    if (n->n_in != 1 || !ptm_rw_is_const(r, g->operand[n->in]))
        return PTM_NO_VALUE;
    struct ptm_const c = *constant(r, g->operand[n->in]);
    int64_t stride[PTM_MAX_RANK];
    memcpy(stride, c.stride, sizeof(stride));
    if (!ptm_view_layout(g, n, stride, &offset, c.stride))
        return PTM_NO_VALUE;
    struct ptm_type type = g->value[v].type;
    c.data = (const char *)c.data + offset * (int64_t)ptm_dtype_bytes(type.dtype);
    c.at += offset;
    c.key = ptm_mix(c.key, n->op);
    for (uint32_t k = 0; k < n->n_attr; k++)
        c.key = ptm_mix(c.key, (uint64_t)g->attr[n->attr + k].u.i);
    uint32_t k = ptm_graph_const(g, &type, &c);
    if (k == PTM_NO_VALUE)
        no_memory(r);
    return k;
}

/* -- making -- */

void ptm_rw_put_i(struct ptm_rw_attrs *a, int64_t i)
{
    a->a[a->n++] = (struct ptm_attr){.kind = A_IMM, .u.i = i};
}

void ptm_rw_put_f(struct ptm_rw_attrs *a, double f)
{
    a->a[a->n++] = (struct ptm_attr){.kind = A_IMM, .u.f = f};
}

void ptm_rw_put_list(struct ptm_rw_attrs *a, const int64_t *v, int n)
{
    ptm_rw_put_i(a, n);
    for (int i = 0; i < n; i++)
        ptm_rw_put_i(a, v[i]);
}

void ptm_rw_put_all(struct ptm_rw_attrs *a, const struct ptm_rewrite *r, const struct ptm_node *def)
{
    for (uint32_t k = 0; k < def->n_attr; k++)
        a->a[a->n++] = r->out->attr[def->attr + k];
}

void ptm_rw_set_bounds(struct ptm_rw_attrs *a, double min, double max)
{
    a->a[a->n - 2].u.f = min;
    a->a[a->n - 1].u.f = max;
}

void ptm_rw_absorb(struct ptm_rewrite *r, const struct ptm_node *def)
{
    const char *cls = ptm_op_info(def->op)->cls;
    size_t n = r->n_site, m = def->n_site;
    add_sites(r, r->out->site + def->site, m);
    if (r->status || !m || (strcmp(cls, "conv") != 0 && strcmp(cls, "matmul") != 0))
        return;
    memmove(r->site + m, r->site, n * sizeof(*r->site));
    memcpy(r->site, r->out->site + def->site, m * sizeof(*r->site));
}

uint32_t ptm_rw_emit(struct ptm_rewrite *r, enum ptm_op op, const uint32_t *in, uint32_t n_in,
                     const struct ptm_rw_attrs *a)
{
    struct ptm_rw_attrs none = {.n = 0}, all = a ? *a : none;
    struct ptm_type small[8], *type = small, out[UINT8_MAX];
    if (r->status)
        return PTM_NO_VALUE;
    if (n_in > PTM_LEN(small))
        type = ptm_arena_array(r->work, n_in, sizeof(*type));
    if (!type) {
        no_memory(r);
        return PTM_NO_VALUE;
    }
    all.n = ptm_attr_fill(op, all.a, all.n);
    for (uint32_t i = 0; i < n_in; i++)
        type[i] = *ptm_rw_type(r, in[i]);
    if (ptm_op_infer(op, type, n_in, all.a, all.n, out, NULL))
        return PTM_NO_VALUE;
    uint32_t v = ptm_graph_node(r->out, op, in, n_in, all.a, all.n, out, NULL);
    if (v == PTM_NO_VALUE || !ptm_graph_sites(r->out, r->site, r->n_site)) {
        no_memory(r);
        return PTM_NO_VALUE;
    }
    return v;
}

uint32_t ptm_rw_unary(struct ptm_rewrite *r, enum ptm_op op, uint32_t x)
{
    return ptm_rw_emit(r, op, &x, 1, NULL);
}

static uint32_t view_or_const(struct ptm_rewrite *r, uint32_t v)
{
    uint32_t c = ptm_rw_const_view(r, v);
    return c == PTM_NO_VALUE ? v : c;
}

uint32_t ptm_rw_reshape(struct ptm_rewrite *r, uint32_t v, int rank, const int64_t *dim)
{
    struct ptm_rw_attrs a = {.n = 0};
    const struct ptm_type *t = ptm_rw_type(r, v);
    if (v == PTM_NO_VALUE ||
        (t->rank == rank && !memcmp(t->dim, dim, (size_t)rank * sizeof(*dim))))
        return v;
    ptm_rw_put_list(&a, dim, rank);
    return view_or_const(r, ptm_rw_emit(r, OP_reshape, &v, 1, &a));
}

uint32_t ptm_rw_permute(struct ptm_rewrite *r, uint32_t v, const int64_t *perm)
{
    struct ptm_rw_attrs a = {.n = 0};
    int rank = ptm_rw_type(r, v)->rank, moved = 0;
    for (int i = 0; i < rank; i++)
        moved += perm[i] != i;
    if (v == PTM_NO_VALUE || !moved)
        return v;
    ptm_rw_put_list(&a, perm, rank);
    return view_or_const(r, ptm_rw_emit(r, OP_permute, &v, 1, &a));
}

bool ptm_rw_bind(struct ptm_rewrite *r, const struct ptm_node *n, uint32_t k, uint32_t v)
{
    char has[256], want[256];
    if (v == PTM_NO_VALUE || r->status)
        return false;
    const struct ptm_type *t = &r->in->value[n->out + k].type;
    if (!ptm_type_equal(t, ptm_rw_type(r, v))) {
        r->status = ptm_fail(r->err, PTM_ERR_TYPE, "output %u of a node (%s) is %s, rewritten %s",
                             k, ptm_op_info(n->op)->name, ptm_type_text(t, want, sizeof(want)),
                             ptm_type_text(ptm_rw_type(r, v), has, sizeof(has)));
        return false;
    }
    set_map(r, n->out + k, v);
    return true;
}

bool ptm_rw_replace(struct ptm_rewrite *r, const struct ptm_node *n, uint32_t v)
{
    return ptm_rw_bind(r, n, 0, v);
}
