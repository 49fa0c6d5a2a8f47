/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Symbols: affine int expressions over the entry's scalars, and the guards
 * that comparisons leave behind.
 *
 * Every symbol has its present value at hand (the call that is being traced),
 * so a comparison is decided by it and becomes a guard of the entry: a later
 * call that decides otherwise does not match.
 */
#include "libcore/sym.h"

#include <math.h>
#include <string.h>

#include "libcore/session.h"

bool ptm_sym_is_float(const struct ptm_sym *s)
{
    return s->is_float;
}

union ptm_imm ptm_sym_now(const struct ptm_trace *t, const struct ptm_sym *s)
{
    union ptm_imm v = t->frame->scalar[s->base];
    if (!s->is_float)
        v.i = (int64_t)((uint64_t)v.i * (uint64_t)s->mul + (uint64_t)s->add);
    return v;
}

/* Appends an expression (or finds the same one) and evaluates it now. */
static uint32_t expr(struct ptm_trace *t, struct ptm_sym_expr x)
{
    struct ptm_entry *e = t->entry;
    enum { LOOK_BACK = 256 };
    for (size_t i = e->n_scalars > LOOK_BACK ? e->n_scalars - LOOK_BACK : 0; i < e->n_scalars; i++)
        if (x.op != SX_BOUND && e->scalar[i].op == x.op && e->scalar[i].a == x.a &&
            e->scalar[i].b == x.b && e->scalar[i].is_float == x.is_float &&
            e->scalar[i].value.i == x.value.i)
            return (uint32_t)i;
    void *p = e->scalar;
    struct ptm_err err = {0};
    if (!ptm_arena_grow(&e->arena, &p, &e->cap_scalars, e->n_scalars + 1, sizeof(*e->scalar))) {
        ptm_trace_fail(t, PTM_ERR_MEMORY, "out of memory while specialising");
        return 0;
    }
    e->scalar = p;
    e->scalar[e->n_scalars++] = x;
    if (ptm_frame_scalars(t->frame, e, &err))
        ptm_trace_fail(t, err.code, "%s", err.msg);
    return (uint32_t)e->n_scalars - 1;
}

static uint32_t const_expr(struct ptm_trace *t, bool is_float, union ptm_imm v)
{
    return expr(t, (struct ptm_sym_expr){.op = SX_CONST, .is_float = is_float, .value = v});
}

uint32_t ptm_sym_scalar(struct ptm_trace *t, const struct ptm_sym *s)
{
    uint32_t v = s->base;
    if (s->is_float || (s->mul == 1 && !s->add))
        return v;
    if (s->mul != 1)
        v = expr(t, (struct ptm_sym_expr){
                        .op = SX_MUL, .a = v,
                        .b = const_expr(t, false, (union ptm_imm){.i = s->mul})});
    if (s->add)
        v = expr(t, (struct ptm_sym_expr){
                        .op = SX_ADD, .a = v,
                        .b = const_expr(t, false, (union ptm_imm){.i = s->add})});
    return v;
}

struct ptm_sym ptm_sym_of(struct ptm_ival v)
{
    if (v.tag == PTM_SYM)
        return *v.u.sym;
    return (struct ptm_sym){.add = v.tag == PTM_BOOL  ? v.u.b
                                   : v.tag == PTM_INT ? v.u.i
                                                      : 0};
}

struct ptm_ival ptm_sym_ival(struct ptm_trace *t, struct ptm_sym s)
{
    if (!s.is_float && !s.mul)
        return ptm_int(s.add);
    struct ptm_sym *p = ptm_arena_copy(&t->arena, &s, sizeof(s));
    if (!p) {
        ptm_trace_fail(t, PTM_ERR_MEMORY, "out of memory while specialising");
        return ptm_int(0);
    }
    return (struct ptm_ival){.tag = PTM_SYM, .u.sym = p};
}

static bool is_float(struct ptm_ival v)
{
    return v.tag == PTM_FLOAT || (v.tag == PTM_SYM && v.u.sym->is_float);
}

static uint32_t number_of(struct ptm_trace *t, struct ptm_ival v)
{
    if (v.tag == PTM_SYM)
        return ptm_sym_scalar(t, v.u.sym);
    if (v.tag == PTM_FLOAT)
        return const_expr(t, true, (union ptm_imm){.f = v.u.f});
    return const_expr(t, false, (union ptm_imm){.i = v.tag == PTM_BOOL ? v.u.b : v.u.i});
}

static struct ptm_ival from_number(struct ptm_trace *t, uint32_t n, bool flt)
{
    return ptm_sym_ival(t, (struct ptm_sym){.is_float = flt, .base = n, .mul = 1});
}

struct ptm_ival ptm_sym_constant(struct ptm_trace *t, int64_t i)
{
    return from_number(t, const_expr(t, false, (union ptm_imm){.i = i}), false);
}

/* Made of constants only? */
static bool is_constant(const struct ptm_entry *e, uint32_t n)
{
    const struct ptm_sym_expr *x = &e->scalar[n];
    switch (x->op) {
    case SX_CONST:
        return true;
    case SX_BOUND:
    case SX_SEED:
        return false;
    case SX_FLOAT:
    case SX_INT:
        return is_constant(e, x->a);
    default:
        return is_constant(e, x->a) && is_constant(e, x->b);
    }
}

struct ptm_ival ptm_scalar_to_float(struct ptm_trace *t, struct ptm_ival a)
{
    if (a.tag == PTM_SYM && !a.u.sym->is_float)
        return from_number(t,
                           expr(t, (struct ptm_sym_expr){.op = SX_FLOAT, .is_float = true,
                                                         .a = ptm_sym_scalar(t, a.u.sym)}),
                           true);
    if (a.tag == PTM_INT)
        return ptm_float((double)a.u.i);
    if (a.tag == PTM_BOOL)
        return ptm_float(a.u.b ? 1 : 0);
    return a;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    if (b == -1)
        return (int64_t)(0 - (uint64_t)a);
    int64_t q = a / b;
    return q - (a % b != 0 && (a < 0) != (b < 0));
}

/* a op b; op as ptm_scalar_arith's. Both of one kind. False: division by zero. */
static bool apply(char op, bool flt, union ptm_imm a, union ptm_imm b, union ptm_imm *out)
{
    if (flt) {
        switch (op) {
        case '+': out->f = a.f + b.f; return true;
        case '-': out->f = a.f - b.f; return true;
        case '*': out->f = a.f * b.f; return true;
        default: break;
        }
        if (b.f == 0)
            return false;
        if (op == '/') {
            out->f = a.f / b.f;
        } else {
            double m = fmod(a.f, b.f);
            if (m != 0 && (m < 0) != (b.f < 0))
                m += b.f;
            out->f = op == '%' ? m : floor((a.f - m) / b.f + 0.5);
        }
        return true;
    }
    uint64_t ua = (uint64_t)a.i, ub = (uint64_t)b.i;
    switch (op) {
    case '+': out->i = (int64_t)(ua + ub); return true;
    case '-': out->i = (int64_t)(ua - ub); return true;
    case '*': out->i = (int64_t)(ua * ub); return true;
    default: break;
    }
    if (!b.i)
        return false;
    int64_t q = floor_div(a.i, b.i);
    out->i = op == 'f' ? q : (int64_t)(ua - (uint64_t)q * ub);
    return true;
}

static const struct {
    char op;
    uint8_t sx;
} sx_of[] = {{'+', SX_ADD}, {'-', SX_SUB},      {'*', SX_MUL},
             {'/', SX_DIV}, {'f', SX_FLOORDIV}, {'%', SX_MOD}};

enum ptm_status ptm_frame_scalars(struct ptm_frame *f, const struct ptm_entry *e,
                                  struct ptm_err *err)
{
    if (f->cap_scalar < e->n_scalars) {
        size_t cap = e->n_scalars * 2 + 8;
        union ptm_imm *p = ptm_realloc(f->scalar, f->n_scalar * sizeof(*p), cap * sizeof(*p));
        if (!p)
            return ptm_fail(err, PTM_ERR_MEMORY, "no memory for %zu scalars", cap);
        f->scalar = p;
        f->cap_scalar = cap;
    }
    for (size_t i = f->n_scalar; i < e->n_scalars; i++) {
        const struct ptm_sym_expr *x = &e->scalar[i];
        union ptm_imm *out = &f->scalar[i];
        f->n_scalar = i + 1;
        if (x->op == SX_BOUND)
            continue; /* the guard put it there */
        if (x->op == SX_SEED) {
            out->i = (int64_t)f->seed;
        } else if (x->op == SX_CONST) {
            *out = x->value;
        } else if (x->op == SX_FLOAT) {
            out->f = (double)f->scalar[x->a].i;
        } else if (x->op == SX_INT) {
            double v = trunc(f->scalar[x->a].f);
            out->i = ptm_float_to_int(v);
        } else {
            char op = '+';
            for (size_t k = 0; k < PTM_LEN(sx_of); k++)
                if (sx_of[k].sx == x->op)
                    op = sx_of[k].op;
            if (!apply(op, x->is_float, f->scalar[x->a], f->scalar[x->b], out))
                return ptm_fail(err, PTM_ERR_RAISED,
                                "the model raised ZeroDivisionError: division by zero");
        }
    }
    return PTM_OK;
}

struct ptm_ival ptm_scalar_arith(struct ptm_trace *t, char op, struct ptm_ival a, struct ptm_ival b)
{
    bool flt = op == '/' || is_float(a) || is_float(b);
    if (t->err.code)
        return ptm_none();
    if (flt) {
        a = ptm_scalar_to_float(t, a);
        b = ptm_scalar_to_float(t, b);
    }
    if (a.tag != PTM_SYM && b.tag != PTM_SYM) {
        union ptm_imm x, y, out = {0};
        x.f = y.f = 0;
        if (flt) {
            x.f = a.u.f;
            y.f = b.u.f;
        } else {
            x.i = ptm_sym_of(a).add;
            y.i = ptm_sym_of(b).add;
        }
        if (!apply(op, flt, x, y, &out))
            return ptm_trace_fail(t, PTM_ERR_RAISED,
                                  "the model raised ZeroDivisionError: division by zero");
        return flt ? ptm_float(out.f) : ptm_int(out.i);
    }
    if (!flt && op != 'f' && op != '%') {
        struct ptm_sym x = ptm_sym_of(a), y = ptm_sym_of(b), r;
        bool known_x = a.tag != PTM_SYM, known_y = b.tag != PTM_SYM;
        if (op == '-') {
            y.mul = (int64_t)(0 - (uint64_t)y.mul);
            y.add = (int64_t)(0 - (uint64_t)y.add);
        }
        if (op != '*' && (known_x || known_y || x.base == y.base)) {
            r = known_x ? y : x;
            r.mul = (int64_t)((known_x ? 0 : (uint64_t)x.mul) + (known_y ? 0 : (uint64_t)y.mul));
            r.add = (int64_t)((uint64_t)x.add + (uint64_t)y.add);
            return ptm_sym_ival(t, r);
        }
        if (op == '*' && (known_x || known_y)) {
            int64_t k = known_x ? x.add : y.add;
            r = known_x ? y : x;
            if (r.mul < INT32_MAX && r.mul > INT32_MIN && k < INT32_MAX && k > INT32_MIN) {
                r.mul *= k;
                r.add = (int64_t)((uint64_t)r.add * (uint64_t)k);
                return ptm_sym_ival(t, r);
            }
        }
    }
    uint8_t sx = SX_ADD;
    for (size_t k = 0; k < PTM_LEN(sx_of); k++)
        if (sx_of[k].op == op)
            sx = sx_of[k].sx;
    struct ptm_sym_expr x = {.op = sx, .is_float = flt, .a = number_of(t, a), .b = number_of(t, b)};
    return from_number(t, expr(t, x), flt);
}

static void add_guard(struct ptm_trace *t, uint32_t scalar, enum ptm_cmp cmp, struct ptm_ival value)
{
    struct ptm_entry *e = t->entry;
    if (is_constant(e, scalar))
        return;
    for (size_t i = 0; i < e->n_guards; i++)
        if (e->guard[i].kind == G_RANGE && e->guard[i].ref == scalar && e->guard[i].cmp == cmp &&
            ptm_ival_equal(e->guard[i].value, value))
            return;
    void *p = e->guard;
    if (!ptm_arena_grow(&e->arena, &p, &e->cap_guards, e->n_guards + 1, sizeof(*e->guard))) {
        ptm_trace_fail(t, PTM_ERR_MEMORY, "out of memory while specialising");
        return;
    }
    e->guard = p;
    e->guard[e->n_guards++] =
        (struct ptm_guard){.kind = G_RANGE, .cmp = (uint8_t)cmp, .ref = scalar, .value = value};
}

static bool compare(enum ptm_cmp cmp, double a, double b)
{
    switch (cmp) {
    case PTM_LT: return a < b;
    case PTM_LE: return a <= b;
    case PTM_EQ: return a == b;
    case PTM_NE: return a != b;
    case PTM_GE: return a >= b;
    case PTM_GT: return a > b;
    }
    return false;
}

static bool compare_int(enum ptm_cmp cmp, int64_t a, int64_t b)
{
    switch (cmp) {
    case PTM_LT: return a < b;
    case PTM_LE: return a <= b;
    case PTM_EQ: return a == b;
    case PTM_NE: return a != b;
    case PTM_GE: return a >= b;
    case PTM_GT: return a > b;
    }
    return false;
}

bool ptm_guard_range_holds(const struct ptm_guard *g, union ptm_imm v, bool flt)
{
    return flt ? compare(g->cmp, v.f, g->value.u.f) : compare_int(g->cmp, v.i, g->value.u.i);
}

bool ptm_scalar_cmp(struct ptm_trace *t, enum ptm_cmp cmp, struct ptm_ival a, struct ptm_ival b)
{
    static const uint8_t negated[] = {PTM_GE, PTM_GT, PTM_NE, PTM_EQ, PTM_LT, PTM_LE};
    if (t->err.code)
        return false;
    if (a.tag != PTM_SYM && b.tag != PTM_SYM) {
        if (a.tag != PTM_FLOAT && b.tag != PTM_FLOAT)
            return compare_int(cmp, ptm_sym_of(a).add, ptm_sym_of(b).add);
        return compare(cmp, ptm_scalar_to_float(t, a).u.f, ptm_scalar_to_float(t, b).u.f);
    }
    /* a cmp b as (a - b) cmp 0: known when the symbols cancel, else a guard */
    struct ptm_ival d = ptm_scalar_arith(t, '-', a, b);
    if (t->err.code)
        return false;
    if (d.tag == PTM_FLOAT)
        return compare(cmp, d.u.f, 0);
    if (d.tag == PTM_INT)
        return compare_int(cmp, d.u.i, 0);
    union ptm_imm now = ptm_sym_now(t, d.u.sym);
    bool yes = d.u.sym->is_float ? compare(cmp, now.f, 0) : compare_int(cmp, now.i, 0);
    add_guard(t, ptm_sym_scalar(t, d.u.sym), yes ? cmp : negated[cmp],
              d.u.sym->is_float ? ptm_float(0) : ptm_int(0));
    return yes;
}

struct ptm_ival ptm_scalar_known(struct ptm_trace *t, struct ptm_ival a)
{
    if (a.tag != PTM_SYM || t->err.code)
        return a;
    union ptm_imm now = ptm_sym_now(t, a.u.sym);
    struct ptm_ival v = a.u.sym->is_float ? ptm_float(now.f) : ptm_int(now.i);
    add_guard(t, ptm_sym_scalar(t, a.u.sym), PTM_EQ, v);
    /* pin what it comes from: next time it is a known value from the start */
    bool *seen = ptm_arena_alloc(&t->arena, t->entry->n_scalars);
    if (!seen)
        return v;
    seen[a.u.sym->base] = true;
    for (size_t i = t->entry->n_scalars; i-- > 0;) {
        const struct ptm_sym_expr *x = &t->entry->scalar[i];
        if (!seen[i])
            continue;
        if (x->op == SX_BOUND) {
            struct ptm_scalar_path *p = ptm_session_path(t->session, x->path);
            if (p)
                p->pinned = true;
        } else if (x->op != SX_CONST && x->op != SX_SEED) {
            seen[x->a] = true;
            if (x->op != SX_FLOAT && x->op != SX_INT)
                seen[x->b] = true;
        }
    }
    return v;
}

struct ptm_ival ptm_trace_seed(struct ptm_trace *t)
{
    return from_number(t, expr(t, (struct ptm_sym_expr){.op = SX_SEED}), false);
}

int64_t ptm_trace_stream(struct ptm_trace *t)
{
    return t->next_stream++;
}
