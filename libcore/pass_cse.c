/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pass cse: of two nodes with the same operator, attributes and operands the
 * second stands for the first; so do constants with the same key, and small
 * ones with the same bytes.
 */
#include <string.h>

#include "libcore/passes.h"

enum { SMALL = 4096 }; /* elements */

/* Open addressing: number of a new node + 1, or of a constant. */
struct table {
    uint32_t *slot;
    size_t size; /* a power of two, more than twice the entries */
};
struct seen {
    struct table node, constant;
};

static uint32_t *place(struct table *t, uint64_t hash, size_t step)
{
    return &t->slot[(hash + step) & (t->size - 1)];
}

/* Bytes of a constant that is compared by them; 0: by its key. */
static size_t small_bytes(const struct ptm_graph *g, uint32_t v)
{
    const struct ptm_type *t = &g->value[v].type;
    int64_t n = ptm_type_numel(t), row_major[PTM_MAX_RANK];
    ptm_strides_contiguous(t->rank, t->dim, row_major);
    if (n > SMALL || memcmp(row_major, g->constant[g->value[v].ref].stride,
                            t->rank * sizeof(*row_major)) != 0)
        return 0;
    return (size_t)n * ptm_dtype_bytes(t->dtype);
}

static uint64_t hash_const(const struct ptm_graph *g, uint32_t v)
{
    const struct ptm_const *c = &g->constant[g->value[v].ref];
    uint64_t h = ptm_mix(g->value[v].type.dtype, g->value[v].type.rank);
    size_t n = small_bytes(g, v);
    for (size_t i = 0; i < n; i++)
        h = ptm_mix(h, ((const uint8_t *)c->data)[i]);
    return n ? h : ptm_mix(h, c->key);
}

static bool same_const(const struct ptm_graph *g, uint32_t a, uint32_t b)
{
    const struct ptm_type *t = &g->value[a].type;
    const struct ptm_const *x = &g->constant[g->value[a].ref], *y = &g->constant[g->value[b].ref];
    size_t n = small_bytes(g, a);
    if (!ptm_type_equal(t, &g->value[b].type))
        return false;
    if (n && n == small_bytes(g, b))
        return !memcmp(x->data, y->data, n);
    return x->key == y->key && !memcmp(x->stride, y->stride, t->rank * sizeof(*x->stride));
}

/* The first constant that equals v. */
static uint32_t first_const(struct ptm_rewrite *r, uint32_t v)
{
    struct table *t = &((struct seen *)r->state)->constant;
    uint64_t hash = hash_const(r->out, v);
    for (size_t step = 0;; step++) {
        uint32_t *slot = place(t, hash, step);
        if (!*slot)
            *slot = v + 1;
        if (same_const(r->out, *slot - 1, v)) {
            r->hits += *slot - 1 != v;
            return *slot - 1;
        }
    }
}

static uint64_t bits(const struct ptm_attr *a)
{
    return a->kind == A_SYM ? a->u.value : (uint64_t)a->u.i;
}

/* `attr`: of b, symbols already renamed */
static bool same_node(const struct ptm_graph *g, const struct ptm_node *a,
                      const struct ptm_node *b, const uint32_t *in, const struct ptm_attr *attr)
{
    if (a->op != b->op || a->n_in != b->n_in || a->n_attr != b->n_attr ||
        (a->n_in && memcmp(g->operand + a->in, in, a->n_in * sizeof(*in)) != 0))
        return false;
    for (uint32_t k = 0; k < a->n_attr; k++)
        if (g->attr[a->attr + k].kind != attr[k].kind ||
            bits(&g->attr[a->attr + k]) != bits(&attr[k]))
            return false;
    return true;
}

static bool visit(struct ptm_rewrite *r, const struct ptm_node *n)
{
    struct table *t = &((struct seen *)r->state)->node;
    uint32_t small[16], *in = small;
    struct ptm_attr *attr = ptm_arena_copy(r->work, r->in->attr + n->attr,
                                           n->n_attr * sizeof(*attr));
    if (n->n_in > PTM_LEN(small))
        in = ptm_arena_array(r->work, n->n_in, sizeof(*in));
    if (!in || !attr)
        return false; /* the walk sees the arena's failure */
    uint64_t hash = ptm_mix(n->op, n->n_in);
    for (uint32_t k = 0; k < n->n_in; k++) {
        uint32_t old = r->in->operand[n->in + k];
        in[k] = ptm_rw_in(r, n, k);
        if (in[k] != PTM_NO_VALUE && ptm_rw_is_const(r, in[k]))
            r->map[old] = in[k] = first_const(r, in[k]);
        hash = ptm_mix(hash, in[k]);
    }
    for (uint32_t k = 0; k < n->n_attr; k++) {
        if (attr[k].kind == A_SYM)
            attr[k].u.value = r->map[attr[k].u.value];
        hash = ptm_mix(hash, bits(&attr[k]));
    }
    for (size_t step = 0;; step++) {
        uint32_t *slot = place(t, hash, step);
        if (!*slot) { /* the copy that is made now */
            *slot = (uint32_t)r->out->n_nodes + 1;
            return false;
        }
        const struct ptm_node *first = &r->out->node[*slot - 1];
        if (!same_node(r->out, first, n, in, attr))
            continue;
        for (uint32_t k = 0; k < n->n_out; k++)
            ptm_rw_bind(r, n, k, first->out + k);
        return true;
    }
}

enum ptm_status ptm_pass_cse(struct ptm_rewrite *r)
{
    struct seen seen = {.node.size = 64};
    while (seen.node.size < 2 * (r->in->n_nodes + r->in->n_constants) + 2)
        seen.node.size *= 2;
    seen.constant.size = seen.node.size;
    seen.node.slot = ptm_arena_array(r->work, seen.node.size, sizeof(*seen.node.slot));
    seen.constant.slot = ptm_arena_array(r->work, seen.node.size, sizeof(*seen.constant.slot));
    if (!seen.node.slot || !seen.constant.slot)
        return ptm_fail(r->err, PTM_ERR_MEMORY, "no memory for %zu entries", seen.node.size);
    r->state = &seen;
    return ptm_rewrite_walk(r, visit);
}
