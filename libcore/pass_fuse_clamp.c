/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pass fuse_clamp: relu and clamp become the bounds of the layer, or add, that
 * nothing else reads. Exact: rounding keeps order, so clamping before or after
 * it is the same.
 */
#include <math.h>

#include "libcore/passes.h"

static bool visit(struct ptm_rewrite *r, const struct ptm_node *n)
{
    static const enum ptm_op into[] = {OP_conv, OP_conv_transpose, OP_linear, OP_add};
    struct ptm_node def;
    struct ptm_rw_attrs a = {.n = 0};
    uint32_t in[3];
    size_t k = 0;
    if (n->op != OP_relu && n->op != OP_clamp)
        return false;
    uint32_t x = ptm_rw_in(r, n, 0);
    while (k < PTM_LEN(into) && !ptm_rw_def(r, x, into[k], &def))
        k++;
    if (k == PTM_LEN(into) || !ptm_rw_only(r, x) || !ptm_dtype_float(ptm_rw_type(r, x)->dtype))
        return false;
    double l1 = ptm_rw_float(r, &def, "min"), h1 = ptm_rw_float(r, &def, "max");
    double lo = n->op == OP_relu ? 0 : ptm_node_attr(r->in, n, "min")->u.f;
    double hi = n->op == OP_relu ? HUGE_VAL : ptm_node_attr(r->in, n, "max")->u.f;
    if (isnan(lo) || isnan(hi))
        return false;
    ptm_rw_put_all(&a, r, &def);
    /* as clamp of clamp in pass_identity.c */
    ptm_rw_set_bounds(&a, fmax(l1, lo), fmin(fmax(h1, lo), hi));
    for (uint32_t i = 0; i < def.n_in && i < PTM_LEN(in); i++)
        in[i] = ptm_rw_arg(r, &def, i);
    ptm_rw_absorb(r, &def);
    return ptm_rw_replace(r, n, ptm_rw_emit(r, into[k], in, def.n_in, &a));
}

enum ptm_status ptm_pass_fuse_clamp(struct ptm_rewrite *r)
{
    return ptm_rewrite_walk(r, visit);
}
