/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pass const_fold: nodes whose operands are constants are computed now, by the
 * reference kernels. Views of constants become constants of other strides:
 * nothing is copied. Results that would be much larger than what they are made
 * of (fill, arange, expand) stay nodes.
 */
#include <string.h>

#include "libcore/passes.h"
#include "libcore/plan.h"

enum {
    MAX_OPERANDS = 8,
    SMALL = 1 << 16,      /* elements: results up to this size are always folded */
    MAX_MACS = 1 << 26,
};

/* Elements of the results, and whether they are few enough. */
static bool worth_it(const struct ptm_rewrite *r, const struct ptm_node *n)
{
    int64_t in = 0, out = 0;
    if (!n->n_in || n->n_in > MAX_OPERANDS || n->op == OP_random ||
        ptm_node_macs(r->in, n) > MAX_MACS)
        return false;
    for (uint32_t k = 0; k < n->n_in; k++) {
        uint32_t v = r->in->operand[n->in + k];
        in += v == PTM_NO_VALUE ? 0 : ptm_type_numel(&r->in->value[v].type);
    }
    for (uint32_t k = 0; k < n->n_out; k++)
        out += ptm_type_numel(&r->in->value[n->out + k].type);
    return out <= SMALL || out <= 2 * in;
}

static bool visit(struct ptm_rewrite *r, const struct ptm_node *n)
{
    uint32_t in[MAX_OPERANDS];
    struct ptm_nd in_nd[MAX_OPERANDS], out_nd[UINT8_MAX];
    const struct ptm_attr *attr = r->in->attr + n->attr;
    struct ptm_rw_attrs a = {.n = n->n_attr};
    uint64_t key = ptm_mix(UINT64_C(0x666f6c64), n->op);
    const char *name = NULL;
    if (!worth_it(r, n))
        return false;
    for (uint32_t k = 0; k < n->n_attr; k++) {
        if (attr[k].kind != A_IMM)
            return false;
        a.a[k] = attr[k];
        key = ptm_mix(key, (uint64_t)attr[k].u.i);
    }
    for (uint32_t k = 0; k < n->n_in; k++) {
        in[k] = ptm_rw_in(r, n, k);
        if (in[k] != PTM_NO_VALUE && !ptm_rw_is_const(r, in[k]))
            return false;
        in_nd[k] = (struct ptm_nd){.dtype = PTM_ABSENT};
        key = ptm_mix(key, in[k] == PTM_NO_VALUE ? 0 : ptm_rw_key(r, in[k]));
        if (in[k] == PTM_NO_VALUE)
            continue;
        in_nd[k] = ptm_rw_nd(r, in[k]);
        name = name ? name : ptm_rw_name(r, in[k]);
    }
    if (!strcmp(ptm_op_info(n->op)->cls, "view") && n->op != OP_expand) {
        uint32_t v = ptm_rw_const_view(r, ptm_rw_emit(r, n->op, in, n->n_in, &a));
        if (v != PTM_NO_VALUE)
            return ptm_rw_replace(r, n, v);
    }
    /* what fails now fails in each run as well, and there it has a place in the program */
    if (n->n_out == 1) {
        struct ptm_derived how = {.kind = D_OP, .op = n->op, .type = r->in->value[n->out].type,
                                  .n_in = n->n_in, .attr = a.a, .n_attr = a.n};
        return ptm_rw_replace(r, n, ptm_rw_derived(r, &how, in, name));
    }
    uint32_t c[UINT8_MAX];
    for (uint32_t k = 0; k < n->n_out; k++) {
        const struct ptm_type *t = &r->in->value[n->out + k].type;
        void *to = NULL;
        c[k] = ptm_rw_const(r, t, NULL, ptm_mix(key, k), name, &to);
        if (c[k] == PTM_NO_VALUE)
            return false;
        out_nd[k] = ptm_rw_nd(r, c[k]);
    }
    struct ptm_err why = {0};
    if (ptm_eager_run((enum ptm_op)n->op, in_nd, n->n_in, a.a, a.n, out_nd, &why))
        return false;
    for (uint32_t k = 0; k < n->n_out; k++)
        ptm_rw_bind(r, n, k, c[k]);
    return !r->status;
}

enum ptm_status ptm_pass_const_fold(struct ptm_rewrite *r)
{
    return ptm_rewrite_walk(r, visit);
}
