/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pass shuffle: a channel shuffle in g groups, x[N, g * c, s...], becomes
 *     reshape [N, g, c, S], permute [0, 2, 1, 3], reshape as x        S: all spatial dims
 * whatever rank it was spelled with. Backends look for these three.
 */
#include "libcore/passes.h"

static bool visit(struct ptm_rewrite *r, const struct ptm_node *n)
{
    const struct ptm_type *out = &r->in->value[n->out].type;
    struct ptm_node permute, reshape;
    int64_t perm[PTM_MAX_RANK], spatial = 1;
    if (n->op != OP_reshape || out->rank < 3)
        return false;
    uint32_t p = ptm_rw_in(r, n, 0);
    if (!ptm_rw_def(r, p, OP_permute, &permute) || !ptm_rw_only(r, p))
        return false;
    uint32_t s = ptm_rw_arg(r, &permute, 0);
    if (!ptm_rw_def(r, s, OP_reshape, &reshape) || !ptm_rw_only(r, s))
        return false;
    uint32_t x = ptm_rw_arg(r, &reshape, 0);
    const struct ptm_type *t = ptm_rw_type(r, s);
    if (!ptm_type_equal(ptm_rw_type(r, x), out) || t->rank < 5 || t->dim[0] != out->dim[0] ||
        t->dim[1] * t->dim[2] != out->dim[1])
        return false;
    int n_perm = ptm_rw_list(r, &permute, "perm", perm);
    for (int i = 0; i < n_perm; i++)
        if (perm[i] != (i == 1 ? 2 : i == 2 ? 1 : i))
            return false;
    for (int i = 3; i < t->rank; i++)
        spatial *= t->dim[i];
    ptm_rw_absorb(r, &permute);
    ptm_rw_absorb(r, &reshape);
    x = ptm_rw_reshape(r, x, 4, (int64_t[]){t->dim[0], t->dim[1], t->dim[2], spatial});
    x = ptm_rw_permute(r, x, (int64_t[]){0, 2, 1, 3});
    return ptm_rw_replace(r, n, ptm_rw_reshape(r, x, out->rank, out->dim));
}

enum ptm_status ptm_pass_shuffle(struct ptm_rewrite *r)
{
    return ptm_rewrite_walk(r, visit);
}
