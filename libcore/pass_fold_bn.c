/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pass fold_bn: a batch norm with constant statistics is y = x * m + a for each
 * channel, m = weight / sqrt(var + eps), a = bias - mean * m, in double. Behind
 * a layer it goes into that layer's weights; before one that reads no padding,
 * into those. (libcore/layer.c has the formulas.)
 */
#include "libcore/layer.h"
#include "libcore/passes.h"

static bool behind(struct ptm_rewrite *r, const struct ptm_node *n)
{
    uint32_t x = ptm_rw_in(r, n, 0), in[4];
    struct ptm_layer l;
    struct ptm_affine a;
    for (uint32_t k = 0; k < 4; k++)
        in[k] = ptm_rw_in(r, n, 1 + k);
    /* a linear layer's channels are its last dim, batch norm's are dim 1 */
    if (!ptm_layer_of(r, x, &l) || !ptm_rw_only(r, x) || l.out_dim != 1)
        return false;
    double eps = ptm_node_attr(r->in, n, "eps")->u.f;
    return ptm_affine_of_norm(r, in, eps, l.n_out, &a) &&
           ptm_rw_replace(r, n, ptm_layer_then(r, &l, &a));
}

/* n is the layer: made once more, of what the norm was made of. */
static bool before(struct ptm_rewrite *r, const struct ptm_node *n)
{
    uint32_t x = ptm_rw_in(r, n, 0), in[4];
    struct ptm_node norm;
    struct ptm_layer l;
    struct ptm_affine a;
    if (!ptm_rw_def(r, x, OP_batch_norm, &norm) || !ptm_rw_only(r, x))
        return false;
    uint32_t copy[3] = {x, ptm_rw_in(r, n, 1), ptm_rw_in(r, n, 2)};
    struct ptm_rw_attrs attrs = {.n = n->n_attr};
    for (uint32_t k = 0; k < n->n_attr; k++)
        attrs.a[k] = r->in->attr[n->attr + k];
    if (!ptm_layer_of(r, ptm_rw_emit(r, (enum ptm_op)n->op, copy, 3, &attrs), &l) || l.in_dim != 1)
        return false;
    for (uint32_t k = 0; k < 4; k++)
        in[k] = ptm_rw_arg(r, &norm, 1 + k);
    if (!ptm_affine_of_norm(r, in, ptm_rw_float(r, &norm, "eps"), l.n_in, &a))
        return false;
    ptm_rw_absorb(r, &norm);
    return ptm_rw_replace(r, n, ptm_layer_after(r, &l, ptm_rw_arg(r, &norm, 0), &a));
}

static bool visit(struct ptm_rewrite *r, const struct ptm_node *n)
{
    if (n->op == OP_batch_norm)
        return behind(r, n);
    if (n->op == OP_conv || n->op == OP_linear)
        return before(r, n);
    return false;
}

enum ptm_status ptm_pass_fold_bn(struct ptm_rewrite *r)
{
    return ptm_rewrite_walk(r, visit);
}
