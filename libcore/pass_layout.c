/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pass layout: permutes, reshapes, slices and concats of each other become one.
 * All of them only move elements:
 *     permute(permute(x, p), q)   = permute(x, p[q[.]])
 *     reshape(reshape(x))         = reshape(x)
 *     permute that only moves dims of size 1 = reshape
 *     slice(slice(x)), same dim   = slice(x)
 *     concat(concat(x, y), z), same dim = concat(x, y, z)
 */
#include <string.h>

#include "libcore/passes.h"

/* Dims that are not 1 keep their order: the elements do. */
static bool keeps_order(const struct ptm_type *x, const int64_t *perm)
{
    int64_t last = -1;
    for (int i = 0; i < x->rank; i++) {
        if (x->dim[perm[i]] == 1)
            continue;
        if (perm[i] < last)
            return false;
        last = perm[i];
    }
    return true;
}

static bool permute(struct ptm_rewrite *r, const struct ptm_node *n)
{
    const struct ptm_type *out = &r->in->value[n->out].type;
    uint32_t x = ptm_rw_in(r, n, 0);
    struct ptm_node def;
    int64_t perm[PTM_MAX_RANK], inner[PTM_MAX_RANK], both[PTM_MAX_RANK];
    const struct ptm_attr *p = ptm_node_attr(r->in, n, "perm");
    for (int i = 0; i < out->rank; i++)
        perm[i] = p[1 + i].u.i;
    if (keeps_order(ptm_rw_type(r, x), perm))
        return ptm_rw_replace(r, n, ptm_rw_reshape(r, x, out->rank, out->dim));
    if (!ptm_rw_def(r, x, OP_permute, &def))
        return false;
    ptm_rw_list(r, &def, "perm", inner);
    for (int i = 0; i < out->rank; i++)
        both[i] = inner[perm[i]];
    ptm_rw_absorb(r, &def);
    return ptm_rw_replace(r, n, ptm_rw_permute(r, ptm_rw_arg(r, &def, 0), both));
}

static bool reshape(struct ptm_rewrite *r, const struct ptm_node *n)
{
    const struct ptm_type *out = &r->in->value[n->out].type;
    uint32_t x = ptm_rw_in(r, n, 0);
    struct ptm_node def;
    if (!ptm_rw_def(r, x, OP_reshape, &def))
        return false;
    ptm_rw_absorb(r, &def);
    return ptm_rw_replace(r, n, ptm_rw_reshape(r, ptm_rw_arg(r, &def, 0), out->rank, out->dim));
}

static bool slice(struct ptm_rewrite *r, const struct ptm_node *n)
{
    const struct ptm_attr *a = r->in->attr + n->attr; /* dim start len step */
    uint32_t x = ptm_rw_in(r, n, 0);
    struct ptm_node def;
    struct ptm_rw_attrs both = {.n = 0};
    if (!ptm_rw_def(r, x, OP_slice, &def) || a[1].kind != A_IMM || !ptm_rw_imm(r, &def) ||
        ptm_rw_int(r, &def, "dim") != a[0].u.i || !a[2].u.i)
        return false;
    int64_t step = ptm_rw_int(r, &def, "step"), start = ptm_rw_int(r, &def, "start");
    uint32_t from = ptm_rw_arg(r, &def, 0);
    /* a step past the only element means nothing; this one cannot overflow */
    int64_t size = ptm_rw_type(r, from)->dim[a[0].u.i];
    if (step > size || a[3].u.i > size)
        return false;
    ptm_rw_put_i(&both, a[0].u.i);
    ptm_rw_put_i(&both, start + a[1].u.i * step);
    ptm_rw_put_i(&both, a[2].u.i);
    ptm_rw_put_i(&both, a[2].u.i == 1 ? 1 : step * a[3].u.i);
    ptm_rw_absorb(r, &def);
    return ptm_rw_replace(r, n, ptm_rw_emit(r, OP_slice, &from, 1, &both));
}

static bool concat(struct ptm_rewrite *r, const struct ptm_node *n)
{
    int64_t dim = r->in->attr[n->attr].u.i;
    uint32_t n_all = 0;
    struct ptm_node def;
    bool nested = false;
    for (uint32_t k = 0; k < n->n_in; k++) {
        uint32_t x = ptm_rw_in(r, n, k);
        bool inner = ptm_rw_def(r, x, OP_concat, &def) && ptm_rw_only(r, x) &&
                     ptm_rw_int(r, &def, "dim") == dim;
        nested = nested || inner;
        n_all += inner ? def.n_in : 1;
    }
    uint32_t *all = nested ? ptm_arena_array(r->work, n_all, sizeof(*all)) : NULL;
    if (!all)
        return false; /* the walk sees the arena's failure */
    n_all = 0;
    for (uint32_t k = 0; k < n->n_in; k++) {
        uint32_t x = ptm_rw_in(r, n, k);
        bool inner = ptm_rw_def(r, x, OP_concat, &def) && ptm_rw_only(r, x) &&
                     ptm_rw_int(r, &def, "dim") == dim;
        for (uint32_t i = 0; inner && i < def.n_in; i++)
            all[n_all++] = ptm_rw_arg(r, &def, i);
        if (inner)
            ptm_rw_absorb(r, &def);
        else
            all[n_all++] = x;
    }
    struct ptm_rw_attrs a = {.n = 0};
    ptm_rw_put_i(&a, dim);
    return ptm_rw_replace(r, n, ptm_rw_emit(r, OP_concat, all, n_all, &a));
}

static bool visit(struct ptm_rewrite *r, const struct ptm_node *n)
{
    switch (n->op) {
    case OP_permute:
        return permute(r, n);
    case OP_reshape:
        return reshape(r, n);
    case OP_slice:
        return slice(r, n);
    case OP_concat:
        return concat(r, n);
    default:
        return false;
    }
}

enum ptm_status ptm_pass_layout(struct ptm_rewrite *r)
{
    return ptm_rewrite_walk(r, visit);
}
