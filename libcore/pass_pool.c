/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pass pool: one form for one thing. Sums are the same, in double.
 *     mean over all spatial dims, avg_pool of the whole input   adaptive_avg_pool to 1
 *     mean of a mean                                            mean over both dims
 *     adaptive pools to the input's size                        x
 *     adaptive pools whose cells are all of one size            avg_pool, max_pool
 *     pools with a kernel of 1, stride 1, no padding            x
 */
#include "libcore/passes.h"

static bool global(struct ptm_rewrite *r, const struct ptm_node *n, uint32_t x)
{
    static const int64_t ones[PTM_MAX_RANK] = {1, 1, 1, 1, 1, 1, 1, 1};
    const struct ptm_type *out = &r->in->value[n->out].type;
    struct ptm_rw_attrs a = {.n = 0};
    ptm_rw_put_list(&a, ones, ptm_rw_type(r, x)->rank - 2);
    x = ptm_rw_emit(r, OP_adaptive_avg_pool, &x, 1, &a);
    return ptm_rw_replace(r, n, ptm_rw_reshape(r, x, out->rank, out->dim));
}

static bool has(const int64_t *dims, int n, int64_t d)
{
    for (int i = 0; i < n; i++)
        if (dims[i] == d)
            return true;
    return false;
}

static bool mean(struct ptm_rewrite *r, const struct ptm_node *n)
{
    const struct ptm_type *out = &r->in->value[n->out].type;
    const struct ptm_attr *at = ptm_node_attr(r->in, n, "dims");
    uint32_t x = ptm_rw_in(r, n, 0);
    const struct ptm_type *t = ptm_rw_type(r, x);
    struct ptm_node def;
    int64_t dims[PTM_MAX_RANK], inner[PTM_MAX_RANK];
    int n_dims = (int)at->u.i;
    for (int i = 0; i < n_dims; i++)
        dims[i] = at[1 + i].u.i;
    if (!ptm_type_numel(t) || !n_dims)
        return false;
    bool of_mean = ptm_rw_def(r, x, OP_mean, &def) && ptm_rw_only(r, x);
    if (!of_mean && t->rank >= 3 && t->rank <= 5 && n_dims == t->rank - 2 &&
        !has(dims, n_dims, 0) && !has(dims, n_dims, 1))
        return global(r, n, x);
    if (!of_mean)
        return false;
    /* dims of the outer mean, counted in the inner one's input */
    uint32_t from = ptm_rw_arg(r, &def, 0);
    int n_inner = ptm_rw_list(r, &def, "dims", inner);
    bool keepdim = ptm_rw_int(r, &def, "keepdim") != 0;
    struct ptm_rw_attrs a = {.n = 0};
    int64_t all[PTM_MAX_RANK];
    int n_all = 0;
    if (!n_inner)
        return false;
    for (int d = 0, k = 0; d < ptm_rw_type(r, from)->rank; d++) {
        bool gone = has(inner, n_inner, d);
        if (gone || has(dims, n_dims, keepdim ? d : k))
            all[n_all++] = d;
        k += !gone;
    }
    ptm_rw_put_list(&a, all, n_all);
    ptm_rw_put_i(&a, 0);
    ptm_rw_absorb(r, &def);
    x = ptm_rw_emit(r, OP_mean, &from, 1, &a);
    return ptm_rw_replace(r, n, ptm_rw_reshape(r, x, out->rank, out->dim));
}

static bool list_is(const struct ptm_graph *g, const struct ptm_node *n, const char *name,
                    int64_t want)
{
    const struct ptm_attr *a = ptm_node_attr(g, n, name);
    for (int64_t i = 0; i < a->u.i; i++)
        if (a[1 + i].u.i != want)
            return false;
    return true;
}

static bool fixed(struct ptm_rewrite *r, const struct ptm_node *n)
{
    const struct ptm_graph *g = r->in;
    uint32_t x = ptm_rw_in(r, n, 0);
    const struct ptm_type *t = ptm_rw_type(r, x), *out = &g->value[n->out].type;
    bool plain = list_is(g, n, "padding", 0);
    if (n->op == OP_max_pool && r->old_uses[n->out + 1])
        return false;
    if (plain && list_is(g, n, "kernel", 1) && list_is(g, n, "stride", 1) &&
        ptm_type_equal(t, out) &&
        (n->op == OP_max_pool || ptm_node_attr(g, n, "divisor")->u.i <= 1))
        return ptm_rw_replace(r, n, x);
    if (n->op == OP_max_pool || !plain || ptm_node_attr(g, n, "divisor")->u.i)
        return false;
    const struct ptm_attr *kernel = ptm_node_attr(g, n, "kernel");
    for (int i = 2; i < t->rank; i++)
        if (out->dim[i] != 1 || kernel[i - 1].u.i != t->dim[i])
            return false;
    return global(r, n, x);
}

static bool adaptive(struct ptm_rewrite *r, const struct ptm_node *n)
{
    uint32_t x = ptm_rw_in(r, n, 0);
    const struct ptm_type *t = ptm_rw_type(r, x), *out = &r->in->value[n->out].type;
    bool max = n->op == OP_adaptive_max_pool, one = true;
    int64_t kernel[PTM_MAX_RANK];
    static const int64_t zero[PTM_MAX_RANK], ones[PTM_MAX_RANK] = {1, 1, 1, 1, 1, 1, 1, 1};
    int n_dims = t->rank - 2;
    if (max && r->old_uses[n->out + 1])
        return false;
    if (ptm_type_equal(t, out))
        return ptm_rw_replace(r, n, x);
    for (int i = 0; i < n_dims; i++) {
        int64_t size = out->dim[2 + i];
        if (!size || !t->dim[2 + i] || t->dim[2 + i] % size)
            return false;
        kernel[i] = t->dim[2 + i] / size;
        one = one && size == 1;
    }
    if (one && !max)
        return false; /* the form of global means */
    struct ptm_rw_attrs a = {.n = 0};
    ptm_rw_put_list(&a, kernel, n_dims);
    ptm_rw_put_list(&a, kernel, n_dims);
    ptm_rw_put_list(&a, zero, n_dims);
    if (max)
        ptm_rw_put_list(&a, ones, n_dims); /* dilation */
    ptm_rw_put_i(&a, 0);                   /* ceil */
    if (!max) {
        ptm_rw_put_i(&a, 0); /* count_include_pad */
        ptm_rw_put_i(&a, 0); /* divisor */
    }
    return ptm_rw_replace(r, n, ptm_rw_emit(r, max ? OP_max_pool : OP_avg_pool, &x, 1, &a));
}

static bool visit(struct ptm_rewrite *r, const struct ptm_node *n)
{
    switch (n->op) {
    case OP_mean:
        return mean(r, n);
    case OP_avg_pool:
    case OP_max_pool:
        return fixed(r, n);
    case OP_adaptive_avg_pool:
    case OP_adaptive_max_pool:
        return adaptive(r, n);
    default:
        return false;
    }
}

enum ptm_status ptm_pass_pool(struct ptm_rewrite *r)
{
    return ptm_rewrite_walk(r, visit);
}
