/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pass identity: operators that change nothing go, and spellings of the same
 * thing become one. All exact, but that x + 0 keeps the sign of a zero, and
 * that a resize to the same size does not turn the neighbour of an infinity
 * into NaN.
 */
#include <math.h>

#include "libcore/passes.h"

static bool all_numbers(struct ptm_rewrite *r, uint32_t c, double want)
{
    double v;
    if (ptm_rw_number(r, c, &v))
        return v == want;
    if (!ptm_rw_is_const(r, c) || ptm_type_numel(ptm_rw_type(r, c)) > 1 << 20)
        return false;
    double *all = ptm_rw_doubles(r, c);
    for (int64_t i = 0, n = ptm_type_numel(ptm_rw_type(r, c)); i < n; i++)
        if (!all || all[i] != want)
            return false;
    return all != NULL;
}

/* x op c with the result of x's type. */
static bool changes_nothing(struct ptm_rewrite *r, enum ptm_op op, uint32_t c)
{
    switch (op) {
    case OP_add:
    case OP_sub:
        return all_numbers(r, c, 0);
    case OP_mul:
    case OP_div:
    case OP_pow:
        return all_numbers(r, c, 1);
    default:
        return false;
    }
}

/* min(max(min(max(x, l1), h1), l2), h2) = min(max(x, max(l1, l2)), min(max(h1, l2), h2)) */
static bool clamped(struct ptm_rewrite *r, const struct ptm_node *n, uint32_t x, double lo,
                    double hi)
{
    struct ptm_node def;
    struct ptm_rw_attrs a = {.n = 0};
    double l1 = -HUGE_VAL, h1 = HUGE_VAL;
    bool float_type = ptm_dtype_float(ptm_rw_type(r, x)->dtype), joined = false;
    if (ptm_rw_def(r, x, OP_clamp, &def)) {
        l1 = ptm_rw_float(r, &def, "min");
        h1 = ptm_rw_float(r, &def, "max");
        joined = true;
    } else if (ptm_rw_def(r, x, OP_relu, &def)) {
        l1 = 0;
        joined = true;
    }
    if (joined) {
        x = ptm_rw_arg(r, &def, 0);
        ptm_rw_absorb(r, &def);
        hi = fmin(fmax(h1, lo), hi);
        lo = fmax(l1, lo);
    }
    if (lo == -HUGE_VAL && hi == HUGE_VAL)
        return ptm_rw_replace(r, n, x);
    /* clamp of integers rounds its bounds: relu is exact for all types */
    if (lo == 0 && hi == HUGE_VAL && (n->op != OP_relu || joined))
        return ptm_rw_replace(r, n, ptm_rw_unary(r, OP_relu, x));
    if (!joined && (n->op == OP_clamp || n->op == OP_relu))
        return false;
    if (n->op != OP_clamp && !float_type)
        return false;
    ptm_rw_put_f(&a, lo);
    ptm_rw_put_f(&a, hi);
    return ptm_rw_replace(r, n, ptm_rw_emit(r, OP_clamp, &x, 1, &a));
}

static bool is_commutative(enum ptm_op op)
{
    return op == OP_add || op == OP_mul || op == OP_maximum || op == OP_minimum;
}

static bool binary(struct ptm_rewrite *r, const struct ptm_node *n)
{
    enum ptm_op op = (enum ptm_op)n->op;
    const struct ptm_type *out = &r->in->value[n->out].type;
    uint32_t in[2] = {ptm_rw_in(r, n, 0), ptm_rw_in(r, n, 1)};
    struct ptm_rw_attrs a = {.n = n->n_attr};
    struct ptm_node def;
    bool swap = is_commutative(op) && ptm_rw_is_const(r, in[0]) && !ptm_rw_is_const(r, in[1]);
    bool bounded = op == OP_add && (r->in->attr[n->attr].u.f > -HUGE_VAL ||
                                    r->in->attr[n->attr + 1].u.f < HUGE_VAL);
    uint32_t x = in[swap], c = in[!swap];
    double v;
    for (uint32_t k = 0; k < n->n_attr; k++)
        a.a[k] = r->in->attr[n->attr + k];
    if (!bounded && ptm_type_equal(ptm_rw_type(r, x), out) && changes_nothing(r, op, c))
        return ptm_rw_replace(r, n, x);
    if (ptm_type_equal(ptm_rw_type(r, x), out) && ptm_rw_number(r, c, &v) && !isnan(v)) {
        if (op == OP_maximum && (ptm_dtype_float(out->dtype) || v == 0))
            return clamped(r, n, x, v, HUGE_VAL);
        if (op == OP_minimum && ptm_dtype_float(out->dtype))
            return clamped(r, n, x, -HUGE_VAL, v);
    }
    /* broadcasting does what an expand did */
    for (int k = 0; k < 2; k++) {
        uint32_t with[2] = {in[0], in[1]};
        if (!ptm_rw_def(r, in[k], OP_expand, &def))
            continue;
        with[k] = ptm_rw_arg(r, &def, 0);
        uint32_t y = ptm_rw_emit(r, op, with, 2, &a);
        if (y != PTM_NO_VALUE && ptm_type_equal(ptm_rw_type(r, y), out))
            return ptm_rw_replace(r, n, y);
    }
    if (!swap)
        return false;
    return ptm_rw_replace(r, n, ptm_rw_emit(r, op, (uint32_t[]){x, c}, 2, &a));
}

static bool no_padding(const struct ptm_graph *g, const struct ptm_node *n)
{
    const struct ptm_attr *a = ptm_node_attr(g, n, "before"), *b = ptm_node_attr(g, n, "after");
    for (int64_t i = 0; i < a->u.i; i++)
        if (a[1 + i].u.i || b[1 + i].u.i)
            return false;
    return true;
}

static bool in_order(const struct ptm_graph *g, const struct ptm_node *n)
{
    const struct ptm_attr *p = ptm_node_attr(g, n, "perm");
    for (int64_t i = 0; i < p->u.i; i++)
        if (p[1 + i].u.i != i)
            return false;
    return true;
}

/* Scales that a resize to the same size may be told. */
static bool scales_are_one(const struct ptm_graph *g, const struct ptm_node *n)
{
    const struct ptm_attr *s = ptm_node_attr(g, n, "scale");
    for (int64_t i = 0; i < s->u.i; i++)
        if (s[1 + i].u.f != 0 && s[1 + i].u.f != 1)
            return false;
    return true;
}

static bool visit(struct ptm_rewrite *r, const struct ptm_node *n)
{
    const struct ptm_graph *g = r->in;
    uint32_t x = ptm_rw_in(r, n, 0);
    struct ptm_node def;
    if (x == PTM_NO_VALUE)
        return false;
    bool same = ptm_type_equal(ptm_rw_type(r, x), &g->value[n->out].type);
    switch (n->op) {
    case OP_cast:
    case OP_reshape:
    case OP_expand:
        return same && ptm_rw_replace(r, n, x);
    case OP_slice:
        return same && ptm_node_attr(g, n, "start")->kind == A_IMM &&
               ptm_node_attr(g, n, "step")->u.i > 0 && ptm_rw_replace(r, n, x);
    case OP_permute:
        return same && in_order(g, n) && ptm_rw_replace(r, n, x);
    case OP_pad:
        return same && no_padding(g, n) && ptm_rw_replace(r, n, x);
    case OP_concat:
        return n->n_in == 1 && ptm_rw_replace(r, n, x);
    case OP_resize:
        return same && scales_are_one(g, n) && ptm_rw_replace(r, n, x);
    case OP_neg:
        if (!ptm_rw_def(r, x, OP_neg, &def))
            return false;
        return ptm_rw_replace(r, n, ptm_rw_arg(r, &def, 0));
    case OP_abs:
        return (ptm_rw_def(r, x, OP_relu, &def) || ptm_rw_def(r, x, OP_abs, &def)) &&
               ptm_rw_replace(r, n, x);
    case OP_relu:
        return clamped(r, n, x, 0, HUGE_VAL);
    case OP_clamp:
        return clamped(r, n, x, ptm_node_attr(g, n, "min")->u.f, ptm_node_attr(g, n, "max")->u.f);
    case OP_add:
    case OP_sub:
    case OP_mul:
    case OP_div:
    case OP_pow:
    case OP_maximum:
    case OP_minimum:
        return binary(r, n);
    default:
        return false;
    }
}

enum ptm_status ptm_pass_identity(struct ptm_rewrite *r)
{
    return ptm_rewrite_walk(r, visit);
}
