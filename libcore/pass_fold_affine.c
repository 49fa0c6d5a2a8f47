/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pass fold_affine: x * c, x + c, x - c, c - x, x / c with a constant c of one
 * number, or one for each channel, go into the weights of the layer before
 * (through a permute, too), or of the layer behind: there sums only where no
 * padding is read. (libcore/layer.c has the formulas.)
 */
#include <math.h>

#include "libcore/layer.h"
#include "libcore/passes.h"

static bool is_affine(uint16_t op)
{
    return op == OP_mul || op == OP_add || op == OP_sub || op == OP_div;
}

static bool unbounded(const struct ptm_graph *g, const struct ptm_node *n)
{
    return n->op != OP_add ||
           (g->attr[n->attr].u.f == -HUGE_VAL && g->attr[n->attr + 1].u.f == HUGE_VAL);
}

static bool behind(struct ptm_rewrite *r, const struct ptm_node *n)
{
    const struct ptm_type *out = &r->in->value[n->out].type;
    struct ptm_layer l;
    struct ptm_affine a;
    struct ptm_node p = {.op = PTM_N_OPS};
    int64_t perm[PTM_MAX_RANK];
    if (!unbounded(r->in, n))
        return false;
    for (uint32_t k = 0; k < 2; k++) {
        uint32_t x = ptm_rw_in(r, n, k), c = ptm_rw_in(r, n, !k), y = x;
        if (!ptm_rw_is_const(r, c) || !ptm_rw_only(r, x) ||
            !ptm_type_equal(ptm_rw_type(r, x), out))
            continue;
        bool permuted = ptm_rw_def(r, x, OP_permute, &p);
        if (permuted) {
            ptm_rw_list(r, &p, "perm", perm);
            y = ptm_rw_arg(r, &p, 0);
        }
        if (!ptm_layer_of(r, y, &l) || !ptm_rw_only(r, y))
            continue;
        int dim = l.out_dim;
        for (int i = 0; permuted && i < out->rank; i++)
            if (perm[i] == l.out_dim)
                dim = i;
        if (!ptm_affine_of(r, (enum ptm_op)n->op, k == 1, c, out, dim, &a))
            continue;
        y = ptm_layer_then(r, &l, &a);
        if (y != PTM_NO_VALUE && permuted) {
            ptm_rw_absorb(r, &p);
            y = ptm_rw_permute(r, y, perm);
        }
        if (y != PTM_NO_VALUE)
            return ptm_rw_replace(r, n, y);
    }
    return false;
}

static bool before(struct ptm_rewrite *r, const struct ptm_node *n)
{
    uint32_t x = ptm_rw_in(r, n, 0);
    struct ptm_node op;
    struct ptm_layer l;
    struct ptm_affine a;
    if (!ptm_rw_def(r, x, OP_mul, &op) && !ptm_rw_def(r, x, OP_add, &op) &&
        !ptm_rw_def(r, x, OP_sub, &op) && !ptm_rw_def(r, x, OP_div, &op))
        return false;
    bool swapped = ptm_rw_is_const(r, ptm_rw_arg(r, &op, 0));
    uint32_t from = ptm_rw_arg(r, &op, swapped), c = ptm_rw_arg(r, &op, !swapped);
    if (!ptm_rw_is_const(r, c) || !ptm_rw_only(r, x) || !unbounded(r->out, &op) ||
        !ptm_type_equal(ptm_rw_type(r, from), ptm_rw_type(r, x)))
        return false;
    uint32_t copy[3] = {x, ptm_rw_in(r, n, 1), ptm_rw_in(r, n, 2)};
    struct ptm_rw_attrs attrs = {.n = n->n_attr};
    for (uint32_t k = 0; k < n->n_attr; k++)
        attrs.a[k] = r->in->attr[n->attr + k];
    if (!ptm_layer_of(r, ptm_rw_emit(r, (enum ptm_op)n->op, copy, 3, &attrs), &l) ||
        !ptm_affine_of(r, (enum ptm_op)op.op, swapped, c, ptm_rw_type(r, x), l.in_dim, &a))
        return false;
    ptm_rw_absorb(r, &op);
    return ptm_rw_replace(r, n, ptm_layer_after(r, &l, from, &a));
}

static bool visit(struct ptm_rewrite *r, const struct ptm_node *n)
{
    if (is_affine(n->op))
        return behind(r, n);
    if (n->op == OP_conv || n->op == OP_conv_transpose || n->op == OP_linear)
        return before(r, n);
    return false;
}

enum ptm_status ptm_pass_fold_affine(struct ptm_rewrite *r)
{
    return ptm_rewrite_walk(r, visit);
}
