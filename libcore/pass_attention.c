/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pass attention: softmax(q k^T * scale + mask) v becomes sdpa, whose formula
 * this is; the factor may stand at q, at k or at the product, the mask may be
 * added or be a where with -inf. Scores are not rounded in between any more.
 */
#include <math.h>

#include "libcore/passes.h"

enum { MAX_PARTS = 8 };

struct attention {
    struct ptm_rewrite *r;
    uint32_t q, k, mask;
    bool inverted; /* the bool mask says what is left out */
    double scale;
    const struct ptm_type *scores;
    struct ptm_node part[MAX_PARTS];
    int n_parts;
};

static bool made_by(struct attention *t, uint32_t v, enum ptm_op op, struct ptm_node *def)
{
    if (!ptm_rw_def(t->r, v, op, def) || !ptm_rw_only(t->r, v) || t->n_parts == MAX_PARTS)
        return false;
    t->part[t->n_parts++] = *def;
    return true;
}

/* v = x * number or x / number; else x is v. */
static uint32_t unscaled(struct attention *t, uint32_t v)
{
    struct ptm_node def;
    double c;
    enum ptm_op op = ptm_rw_def(t->r, v, OP_mul, &def) ? OP_mul : OP_div;
    if (op == OP_div && !ptm_rw_def(t->r, v, OP_div, &def))
        return v;
    for (uint32_t i = 0; i < (op == OP_mul ? 2u : 1u); i++) {
        uint32_t x = ptm_rw_arg(t->r, &def, i);
        if (!ptm_rw_number(t->r, ptm_rw_arg(t->r, &def, !i), &c) ||
            !ptm_type_equal(ptm_rw_type(t->r, x), ptm_rw_type(t->r, v)) ||
            !made_by(t, v, op, &def))
            continue;
        t->scale *= op == OP_mul ? c : 1 / c;
        return x;
    }
    return v;
}

/* v = q k^T, scaled */
static bool product(struct attention *t, uint32_t v)
{
    struct ptm_node def;
    v = unscaled(t, v);
    if (!made_by(t, v, OP_matmul, &def) || !ptm_type_equal(ptm_rw_type(t->r, v), t->scores))
        return false;
    t->q = unscaled(t, ptm_rw_arg(t->r, &def, 0));
    t->k = unscaled(t, ptm_rw_arg(t->r, &def, 1));
    return true;
}

static bool masked(struct attention *t, uint32_t v)
{
    struct ptm_node def;
    double c;
    int parts = t->n_parts;
    if (ptm_rw_def(t->r, v, OP_add, &def) && ptm_rw_float(t->r, &def, "min") == -HUGE_VAL &&
        ptm_rw_float(t->r, &def, "max") == HUGE_VAL && made_by(t, v, OP_add, &def)) {
        for (uint32_t i = 0; i < 2; i++) {
            t->n_parts = parts + 1;
            t->scale = 1;
            t->mask = ptm_rw_arg(t->r, &def, !i);
            if (product(t, ptm_rw_arg(t->r, &def, i)))
                return true;
        }
        return false;
    }
    if (ptm_rw_def(t->r, v, OP_where, &def) && made_by(t, v, OP_where, &def)) {
        t->mask = ptm_rw_arg(t->r, &def, 0);
        for (uint32_t i = 1; i <= 2; i++)
            if (ptm_rw_number(t->r, ptm_rw_arg(t->r, &def, i), &c) && c == -HUGE_VAL) {
                t->inverted = i == 1;
                return product(t, ptm_rw_arg(t->r, &def, 3 - i));
            }
        return false;
    }
    return product(t, v);
}

static bool visit(struct ptm_rewrite *r, const struct ptm_node *n)
{
    const struct ptm_type *out = &r->in->value[n->out].type;
    struct attention t = {.r = r, .mask = PTM_NO_VALUE, .scale = 1};
    struct ptm_node def;
    int64_t swap[PTM_MAX_RANK];
    if (n->op != OP_matmul || !ptm_dtype_float(out->dtype))
        return false;
    uint32_t p = ptm_rw_in(r, n, 0), v = ptm_rw_in(r, n, 1);
    if (!made_by(&t, p, OP_softmax, &def) ||
        ptm_rw_int(r, &def, "dim") != ptm_rw_type(r, p)->rank - 1)
        return false;
    struct ptm_type scores = *ptm_rw_type(r, p);
    t.scores = &scores;
    if (!masked(&t, ptm_rw_arg(r, &def, 0)) || !isfinite(t.scale))
        return false;
    for (int i = 0; i < t.n_parts; i++)
        ptm_rw_absorb(r, &t.part[i]);
    int rank = ptm_rw_type(r, t.k)->rank;
    for (int i = 0; i < rank; i++)
        swap[i] = i < rank - 2 ? i : 2 * rank - 3 - i;
    t.k = ptm_rw_permute(r, t.k, swap);
    if (t.inverted)
        t.mask = ptm_rw_unary(r, OP_logical_not, t.mask);
    struct ptm_rw_attrs a = {.n = 0};
    ptm_rw_put_f(&a, t.scale);
    ptm_rw_put_i(&a, 0);
    uint32_t y = ptm_rw_emit(r, OP_sdpa, (uint32_t[]){t.q, t.k, v, t.mask}, 4, &a);
    return y != PTM_NO_VALUE && ptm_type_equal(ptm_rw_type(r, y), out) && ptm_rw_replace(r, n, y);
}

enum ptm_status ptm_pass_attention(struct ptm_rewrite *r)
{
    return ptm_rewrite_walk(r, visit);
}
