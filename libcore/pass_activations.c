/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pass activations: activation functions that a model spells out.
 *     x * sigmoid(x)                                        silu
 *     clamp(x + 3, 0, 6) / 6                                hardsigmoid
 *     x * clamp(x + 3, 0, 6) / 6, x * hardsigmoid(x)        hardswish
 *     x * (1 + erf(x / sqrt 2)) / 2, x * erfc(-x / sqrt 2) / 2      gelu
 *     x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2         gelu, tanh = 1
 *     x * tanh(softplus(x))                                 mish
 * Each begins at a multiplication or division: its factors are collected, in
 * any order and nesting, numbers apart. Numbers may be off by 1e-5, as rounded
 * ones are; the functions differ by the roundings in between.
 */
#include <math.h>

#include "libcore/passes.h"

enum { MAX_FACTORS = 4, MAX_PARTS = 16 };

/* k * factor[0] * factor[1] ... */
struct product {
    double k;
    uint32_t factor[MAX_FACTORS];
    int n;
    bool too_many;
};

/* Nodes that go when the match holds. */
struct match {
    struct ptm_rewrite *r;
    const struct ptm_type *type; /* of all of them */
    struct ptm_node part[MAX_PARTS];
    int n_parts;
};

static void take(struct match *m, const struct ptm_node *def)
{
    if (m->n_parts < MAX_PARTS)
        m->part[m->n_parts++] = *def;
}

/* v is made by `op` of tensors of the match's type, for nobody else. */
static bool made_by(struct match *m, uint32_t v, enum ptm_op op, struct ptm_node *def)
{
    if (!ptm_rw_def(m->r, v, op, def) || !ptm_rw_only(m->r, v) ||
        !ptm_type_equal(ptm_rw_type(m->r, v), m->type))
        return false;
    take(m, def);
    return true;
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-5 * fabs(b);
}

static void collect(struct match *m, uint32_t v, struct product *p, int depth)
{
    struct ptm_node def;
    double k;
    if (ptm_rw_number(m->r, v, &k)) {
        p->k *= k;
        return;
    }
    if (depth < 4 && ptm_rw_def(m->r, v, OP_div, &def) &&
        ptm_rw_number(m->r, ptm_rw_arg(m->r, &def, 1), &k) && made_by(m, v, OP_div, &def)) {
        p->k /= k;
        collect(m, ptm_rw_arg(m->r, &def, 0), p, depth + 1);
        return;
    }
    if (depth < 4 && made_by(m, v, OP_mul, &def)) {
        collect(m, ptm_rw_arg(m->r, &def, 0), p, depth + 1);
        collect(m, ptm_rw_arg(m->r, &def, 1), p, depth + 1);
        return;
    }
    if (p->n == MAX_FACTORS)
        p->too_many = true;
    else
        p->factor[p->n++] = v;
}

static struct product product_of(struct match *m, uint32_t v)
{
    struct product p = {.k = 1};
    collect(m, v, &p, 0);
    if (p.too_many)
        p.n = 0;
    return p;
}

/* v = x + k */
static bool plus(struct match *m, uint32_t v, double k, uint32_t *x)
{
    struct ptm_node def;
    double c;
    if (!made_by(m, v, OP_add, &def) || ptm_rw_float(m->r, &def, "min") > -HUGE_VAL ||
        ptm_rw_float(m->r, &def, "max") < HUGE_VAL)
        return false;
    for (uint32_t i = 0; i < 2; i++)
        if (ptm_rw_number(m->r, ptm_rw_arg(m->r, &def, i), &c) && near(c, k)) {
            *x = ptm_rw_arg(m->r, &def, !i);
            return true;
        }
    return false;
}

/* v = clamp(x + 3, 0, 6), the clamp perhaps the sum's bounds */
static bool clamp6(struct match *m, uint32_t v, uint32_t *x)
{
    struct ptm_node def;
    double c;
    if (made_by(m, v, OP_clamp, &def))
        return ptm_rw_float(m->r, &def, "min") == 0 && ptm_rw_float(m->r, &def, "max") == 6 &&
               plus(m, ptm_rw_arg(m->r, &def, 0), 3, x);
    if (!made_by(m, v, OP_add, &def) || ptm_rw_float(m->r, &def, "min") != 0 ||
        ptm_rw_float(m->r, &def, "max") != 6 ||
        !ptm_rw_number(m->r, ptm_rw_arg(m->r, &def, 1), &c) || c != 3)
        return false;
    *x = ptm_rw_arg(m->r, &def, 0);
    return true;
}

/* v = k * x^power */
static bool power_of(struct match *m, uint32_t v, double k, int power, uint32_t x)
{
    struct product p = product_of(m, v);
    struct ptm_node def;
    double e;
    int have = 0;
    for (int i = 0; i < p.n; i++) {
        if (p.factor[i] == x)
            have++;
        else if (made_by(m, p.factor[i], OP_pow, &def) && ptm_rw_arg(m->r, &def, 0) == x &&
                 ptm_rw_number(m->r, ptm_rw_arg(m->r, &def, 1), &e) && (e == 2 || e == 3))
            have += (int)e;
        else
            return false;
    }
    return have == power && near(p.k, k);
}

/* v = sqrt(2 / pi) * (x + 0.044715 x^3), or x * (1 + 0.044715 x^2) times that */
static bool gelu_tanh_inside(struct match *m, uint32_t v, uint32_t x)
{
    struct product p = product_of(m, v);
    struct ptm_node def;
    uint32_t square;
    if (!near(p.k, 0.79788456080286536))
        return false;
    if (p.n == 1 && made_by(m, p.factor[0], OP_add, &def))
        for (uint32_t i = 0; i < 2; i++)
            if (ptm_rw_arg(m->r, &def, i) == x &&
                power_of(m, ptm_rw_arg(m->r, &def, !i), 0.044715, 3, x))
                return true;
    for (int i = 0; i < 2 && p.n == 2; i++)
        if (p.factor[i] == x && plus(m, p.factor[!i], 1, &square) &&
            power_of(m, square, 0.044715, 2, x))
            return true;
    return false;
}

/* f = 1 + erf(x / sqrt 2), erfc(-x / sqrt 2), or 1 + tanh(...) */
static bool gelu_factor(struct match *m, uint32_t f, uint32_t x, bool *tanh)
{
    struct ptm_node def;
    uint32_t inside;
    *tanh = false;
    if (made_by(m, f, OP_erfc, &def))
        return power_of(m, ptm_rw_arg(m->r, &def, 0), -0.70710678118654752, 1, x);
    if (!plus(m, f, 1, &inside))
        return false;
    if (made_by(m, inside, OP_erf, &def))
        return power_of(m, ptm_rw_arg(m->r, &def, 0), 0.70710678118654752, 1, x);
    *tanh = true;
    return made_by(m, inside, OP_tanh, &def) &&
           gelu_tanh_inside(m, ptm_rw_arg(m->r, &def, 0), x);
}

/* The function that k * x * f is; PTM_N_OPS: none. */
static enum ptm_op recognise(struct match *m, double k, uint32_t x, uint32_t f, bool *tanh)
{
    struct ptm_node def;
    uint32_t y;
    if (k == 1 && made_by(m, f, OP_sigmoid, &def) && ptm_rw_arg(m->r, &def, 0) == x)
        return OP_silu;
    if (k == 1 && made_by(m, f, OP_hardsigmoid, &def) && ptm_rw_arg(m->r, &def, 0) == x)
        return OP_hardswish;
    if (near(k, 1.0 / 6) && clamp6(m, f, &y) && y == x)
        return OP_hardswish;
    if (near(k, 0.5) && gelu_factor(m, f, x, tanh))
        return OP_gelu;
    if (k == 1 && made_by(m, f, OP_tanh, &def) &&
        made_by(m, ptm_rw_arg(m->r, &def, 0), OP_softplus, &def) &&
        ptm_rw_arg(m->r, &def, 0) == x && ptm_rw_float(m->r, &def, "beta") == 1 &&
        ptm_rw_float(m->r, &def, "threshold") >= 15)
        return OP_mish;
    return PTM_N_OPS;
}

static bool visit(struct ptm_rewrite *r, const struct ptm_node *n)
{
    const struct ptm_type *type = &r->in->value[n->out].type;
    struct match m = {.r = r, .type = type};
    struct product p = {.k = 1};
    uint32_t x = PTM_NO_VALUE;
    double d;
    bool tanh = false;
    if ((n->op != OP_mul && n->op != OP_div) || !ptm_dtype_float(type->dtype))
        return false;
    collect(&m, ptm_rw_in(r, n, 0), &p, 1);
    if (n->op == OP_mul)
        collect(&m, ptm_rw_in(r, n, 1), &p, 1);
    else if (ptm_rw_number(r, ptm_rw_in(r, n, 1), &d))
        p.k /= d;
    else
        return false;
    int own = m.n_parts;
    enum ptm_op op = PTM_N_OPS;
    if (p.n == 1 && !p.too_many && near(p.k, 1.0 / 6) && clamp6(&m, p.factor[0], &x))
        op = OP_hardsigmoid;
    for (int i = 0; i < 2 && p.n == 2 && !p.too_many && op == PTM_N_OPS; i++) {
        m.n_parts = own;
        x = p.factor[i];
        op = recognise(&m, p.k, x, p.factor[!i], &tanh);
    }
    if (op == PTM_N_OPS || !ptm_type_equal(ptm_rw_type(r, x), type))
        return false;
    struct ptm_rw_attrs a = {.n = 0};
    if (op == OP_gelu)
        ptm_rw_put_i(&a, tanh);
    for (int i = 0; i < m.n_parts; i++)
        ptm_rw_absorb(r, &m.part[i]);
    return ptm_rw_replace(r, n, ptm_rw_emit(r, op, &x, 1, &a));
}

enum ptm_status ptm_pass_activations(struct ptm_rewrite *r)
{
    return ptm_rewrite_walk(r, visit);
}
