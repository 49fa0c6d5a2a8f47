/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pass linear: products with a matrix become linear layers.
 *     matmul(x, permute(w))    = linear(x, w)          w[N, K] transposed
 *     matmul(x, w)             = linear(x, w^T)        w[K, N] constant: other strides
 *     add(linear(x, w), b)     = linear(x, w, b)       b[N]; rounded once instead of twice
 * A batch of x is rows of one product: the sums are the same.
 */
#include <math.h>

#include "libcore/passes.h"

/* The weight [N, K] of matmul's right operand: a matrix, dims of 1 before it. */
static uint32_t weight(struct ptm_rewrite *r, uint32_t b, const struct ptm_type *x)
{
    const struct ptm_type *t = ptm_rw_type(r, b);
    struct ptm_node def;
    int64_t perm[PTM_MAX_RANK];
    if (t->rank > x->rank)
        return PTM_NO_VALUE;
    for (int i = 0; i < t->rank - 2; i++)
        if (t->dim[i] != 1)
            return PTM_NO_VALUE;
    if (t->rank == 2 && ptm_rw_def(r, b, OP_permute, &def)) {
        ptm_rw_list(r, &def, "perm", perm);
        if (perm[0] == 1) {
            ptm_rw_absorb(r, &def);
            return ptm_rw_arg(r, &def, 0);
        }
    }
    if (!ptm_rw_is_const(r, b))
        return PTM_NO_VALUE;
    b = ptm_rw_reshape(r, b, 2, t->dim + t->rank - 2);
    return b == PTM_NO_VALUE ? b : ptm_rw_permute(r, b, (int64_t[]){1, 0});
}

static bool visit(struct ptm_rewrite *r, const struct ptm_node *n)
{
    const struct ptm_type *out = &r->in->value[n->out].type;
    struct ptm_node def;
    if (n->op == OP_matmul) {
        uint32_t x = ptm_rw_in(r, n, 0), w = ptm_rw_in(r, n, 1);
        if (!ptm_dtype_float(out->dtype))
            return false;
        w = weight(r, w, ptm_rw_type(r, x));
        if (!ptm_rw_is_const(r, w))
            return false; /* a product of two results is no layer */
        return ptm_rw_replace(r, n, ptm_rw_emit(r, OP_linear, (uint32_t[]){x, w, PTM_NO_VALUE}, 3,
                                                NULL));
    }
    if (n->op != OP_add || !ptm_dtype_float(out->dtype))
        return false;
    for (uint32_t k = 0; k < 2; k++) {
        uint32_t y = ptm_rw_in(r, n, k), b = ptm_rw_in(r, n, !k);
        struct ptm_rw_attrs a = {.n = 0};
        if (!ptm_rw_def(r, y, OP_linear, &def) || !ptm_rw_is_const(r, b) || !ptm_rw_only(r, y) ||
            ptm_rw_arg(r, &def, 2) != PTM_NO_VALUE || !ptm_type_equal(ptm_rw_type(r, y), out))
            continue;
        const struct ptm_type *t = ptm_rw_type(r, b);
        int64_t channels = out->dim[out->rank - 1];
        if (ptm_type_numel(t) != channels || !t->rank || t->dim[t->rank - 1] != channels ||
            ptm_rw_float(r, &def, "min") > -HUGE_VAL || ptm_rw_float(r, &def, "max") < HUGE_VAL)
            continue;
        for (uint32_t i = 0; i < n->n_attr; i++)
            a.a[a.n++] = r->in->attr[n->attr + i]; /* bounds of the sum */
        b = ptm_rw_reshape(r, b, 1, &channels);
        ptm_rw_absorb(r, &def);
        return ptm_rw_replace(
            r, n,
            ptm_rw_emit(r, OP_linear,
                        (uint32_t[]){ptm_rw_arg(r, &def, 0), ptm_rw_arg(r, &def, 1), b}, 3, &a));
    }
    return false;
}

enum ptm_status ptm_pass_linear(struct ptm_rewrite *r)
{
    return ptm_rewrite_walk(r, visit);
}
