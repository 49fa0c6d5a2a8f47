/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pass conv1d_to_conv2d: conv(x[N, C, L]) is conv(x[N, C, 1, L]) with a kernel
 * of height 1, transposed convolutions too; the reshapes cost nothing, and
 * those between two such layers cancel. Weights are constants.
 */
#include "libcore/passes.h"

/* [a, b, c] to [a, b, 1, c] */
static uint32_t raised(struct ptm_rewrite *r, uint32_t v)
{
    const struct ptm_type *t = ptm_rw_type(r, v);
    return ptm_rw_reshape(r, v, 4, (int64_t[]){t->dim[0], t->dim[1], 1, t->dim[2]});
}

static bool visit(struct ptm_rewrite *r, const struct ptm_node *n)
{
    if (n->op != OP_conv && n->op != OP_conv_transpose)
        return false;
    const struct ptm_type *out = &r->in->value[n->out].type;
    uint32_t in[3] = {ptm_rw_in(r, n, 0), ptm_rw_in(r, n, 1), ptm_rw_in(r, n, 2)};
    if (out->rank != 3 || !ptm_rw_is_const(r, in[1]))
        return false;
    struct ptm_attr_spec spec[PTM_MAX_ATTRS];
    struct ptm_rw_attrs a = {.n = 0};
    const struct ptm_attr *at = r->in->attr + n->attr;
    int n_spec = ptm_op_attrs((enum ptm_op)n->op, spec);
    for (int k = 0; k < n_spec; k++) {
        if (spec[k].kind != 'I') {
            a.a[a.n++] = *at++;
            continue;
        }
        /* paddings of the new dim are 0, strides and dilations 1 */
        bool zero = spec[k].len >= 7 && spec[k].name[spec[k].len - 7] == 'p';
        ptm_rw_put_list(&a, (int64_t[]){zero ? 0 : 1, at[1].u.i}, 2);
        at += 2;
    }
    in[0] = raised(r, in[0]);
    in[1] = raised(r, in[1]);
    return ptm_rw_replace(r, n, ptm_rw_reshape(r, ptm_rw_emit(r, (enum ptm_op)n->op, in, 3, &a), 3,
                                               out->dim));
}

enum ptm_status ptm_pass_conv1d_to_conv2d(struct ptm_rewrite *r)
{
    return ptm_rewrite_walk(r, visit);
}
