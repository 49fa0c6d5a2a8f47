/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lowerings of arithmetic on complex tensors: on their real and imaginary
 * parts. A row "complex mul" is aten::mul where an argument is complex (lower.c);
 * views, copies and indexing move complex elements as they are.
 */
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"

struct parts {
    struct ptm_tensor *re, *im; /* im NULL: 0 */
};

static struct ptm_tensor *part(struct ptm_trace *t, struct ptm_tensor *x, int64_t which)
{
    struct ptm_tensor *y = ptm_op_unary(t, OP_as_real, x);
    return y ? ptm_view_select(t, y, y->rank - 1, ptm_int(which)) : NULL;
}

static struct parts parts_of(struct ptm_trace *t, struct ptm_ival v)
{
    if (v.tag == PTM_TENSOR && v.u.tensor->dtype == PTM_C64)
        return (struct parts){part(t, v.u.tensor, 0), part(t, v.u.tensor, 1)};
    return (struct parts){ptm_to_tensor(t, v, PTM_F32), NULL};
}

static struct ptm_ival joined(struct ptm_trace *t, struct parts z)
{
    return ptm_tensor_ival(ptm_complex_of(t, z.re, z.im));
}

/* a op b; NULL counts as 0. op: add, sub or mul. */
static struct ptm_tensor *of(struct ptm_trace *t, enum ptm_op op, struct ptm_tensor *a,
                             struct ptm_tensor *b)
{
    if (!a && !b)
        return NULL;
    if (op == OP_mul)
        return a && b ? ptm_bin(t, op, a, b) : NULL;
    if (!b)
        return a;
    if (!a)
        return op == OP_sub ? ptm_op_unary(t, OP_neg, b) : b;
    return ptm_bin(t, op, a, b);
}

static struct parts product(struct ptm_trace *t, struct parts a, struct parts b)
{
    return (struct parts){of(t, OP_sub, of(t, OP_mul, a.re, b.re), of(t, OP_mul, a.im, b.im)),
                          of(t, OP_add, of(t, OP_mul, a.re, b.im), of(t, OP_mul, a.im, b.re))};
}

/* Parts with the dims of the result: a real operand may be the larger one. */
static struct ptm_ival sum(const struct ptm_lower_call *c, enum ptm_op op)
{
    struct ptm_trace *t = c->t;
    struct parts a = parts_of(t, c->arg[0]), b = parts_of(t, c->arg[1]);
    struct ptm_ival alpha = ptm_has_named(c, "alpha") ? ptm_named(c, "alpha") : ptm_int(1);
    if (alpha.tag != PTM_INT || alpha.u.i != 1)
        b = product(t, b, parts_of(t, alpha));
    struct parts z = {of(t, op, a.re, b.re), of(t, op, a.im, b.im)};
    if (z.re && z.im && z.im->rank <= z.re->rank)
        z.im = ptm_view_expand(t, z.im, z.re->rank, z.re->dim);
    return joined(t, z);
}

static struct ptm_ival lower_add(const struct ptm_lower_call *c)
{
    return sum(c, OP_add);
}

static struct ptm_ival lower_sub(const struct ptm_lower_call *c)
{
    return sum(c, OP_sub);
}

static struct ptm_ival lower_mul(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    return joined(t, product(t, parts_of(t, c->arg[0]), parts_of(t, c->arg[1])));
}

static struct ptm_tensor *squared(struct ptm_trace *t, struct parts z)
{
    return of(t, OP_add, of(t, OP_mul, z.re, z.re), of(t, OP_mul, z.im, z.im));
}

static struct ptm_ival lower_div(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct parts a = parts_of(t, c->arg[0]), b = parts_of(t, c->arg[1]);
    if (ptm_has_named(c, "rounding_mode") && !ptm_is_none(ptm_named(c, "rounding_mode")))
        return ptm_trace_fail(t, PTM_ERR_TYPE, "div of complex numbers with rounding");
    struct ptm_tensor *by = b.im ? squared(t, b) : b.re;
    if (b.im) {
        b.im = ptm_op_unary(t, OP_neg, b.im);
        a = product(t, a, b);
    }
    a.re = ptm_bin(t, OP_div, a.re, by);
    a.im = ptm_bin(t, OP_div, a.im, by);
    return joined(t, a);
}

static struct ptm_ival lower_neg(const struct ptm_lower_call *c)
{
    struct parts z = parts_of(c->t, c->arg[0]);
    z.re = ptm_op_unary(c->t, OP_neg, z.re);
    z.im = ptm_op_unary(c->t, OP_neg, z.im);
    return joined(c->t, z);
}

static struct ptm_ival lower_conj(const struct ptm_lower_call *c)
{
    struct parts z = parts_of(c->t, c->arg[0]);
    z.im = ptm_op_unary(c->t, OP_neg, z.im);
    return joined(c->t, z);
}

static struct ptm_ival lower_abs(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_op_unary(c->t, OP_as_real, ptm_need(c, 0));
    struct ptm_emit e;
    if (!x)
        return ptm_none();
    ptm_emit_begin(&e, c->t, OP_norm);
    ptm_emit_in(&e, x);
    ptm_emit_f(&e, 2);
    ptm_emit_ints(&e, (int64_t[]){x->rank - 1}, 1);
    ptm_emit_i(&e, false);
    return ptm_tensor_ival(ptm_emit_end(&e));
}

static struct ptm_ival lower_angle(const struct ptm_lower_call *c)
{
    struct parts z = parts_of(c->t, c->arg[0]);
    return ptm_tensor_ival(ptm_bin(c->t, OP_atan2, z.im, z.re));
}

static struct parts polar(struct ptm_trace *t, struct ptm_tensor *r, struct ptm_tensor *angle)
{
    return (struct parts){ptm_bin(t, OP_mul, r, ptm_op_unary(t, OP_cos, angle)),
                          ptm_bin(t, OP_mul, r, ptm_op_unary(t, OP_sin, angle))};
}

static struct ptm_ival lower_exp(const struct ptm_lower_call *c)
{
    struct parts z = parts_of(c->t, c->arg[0]);
    return joined(c->t, polar(c->t, ptm_op_unary(c->t, OP_exp, z.re), z.im));
}

static bool both_f32(const struct ptm_lower_call *c)
{
    for (int i = 0; i < 2; i++) {
        struct ptm_tensor *x = ptm_need(c, (size_t)i);
        if (!x || x->dtype != PTM_F32) {
            ptm_trace_fail(c->t, PTM_ERR_UNSUPPORTED,
                           "complex numbers of %s parts; float32 is supported",
                           x ? ptm_dtype_torch(x->dtype) : "no");
            return false;
        }
    }
    return true;
}

static struct ptm_ival lower_polar(const struct ptm_lower_call *c)
{
    if (!both_f32(c))
        return ptm_none();
    return joined(c->t, polar(c->t, ptm_need(c, 0), ptm_need(c, 1)));
}

static struct ptm_ival lower_complex(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    int64_t dim[PTM_MAX_RANK];
    if (!both_f32(c))
        return ptm_none();
    struct parts z = {ptm_need(c, 0), ptm_need(c, 1)};
    int rank = ptm_broadcast_dims(t, z.re->rank, z.re->dim, z.im->rank, z.im->dim, dim);
    z.re = ptm_view_expand(t, z.re, rank, dim);
    z.im = ptm_view_expand(t, z.im, rank, dim);
    return joined(t, z);
}

static struct ptm_ival lower_view_as_complex(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(ptm_op_unary(c->t, OP_as_complex, ptm_need(c, 0)));
}

static struct ptm_ival lower_view_as_real(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(ptm_op_unary(c->t, OP_as_real, ptm_need(c, 0)));
}

static struct ptm_ival lower_real(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(part(c->t, ptm_need(c, 0), 0));
}

static struct ptm_ival lower_imag(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(part(c->t, ptm_need(c, 0), 1));
}

static struct ptm_ival lower_yes(const struct ptm_lower_call *c)
{
    (void)c;
    return ptm_bool(true);
}

/* Operators that work on each part alone: the same one, on the parts of argument 0. */
static struct ptm_ival lower_each(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_ival arg[PTM_MAX_SCHEMA_ARGS];
    struct ptm_tensor *y[2];
    for (size_t i = 0; i < c->n_arg; i++)
        arg[i] = c->arg[i];
    size_t n = c->n_arg;
    while (n > 1 && c->schema->arg[n - 1].kwarg_only)
        n--;
    for (int i = 0; i < 2; i++) {
        arg[0] = ptm_tensor_ival(part(t, ptm_need(c, 0), i));
        y[i] = ptm_arg_tensor(t, ptm_call(t, c->schema->name, n, arg));
    }
    return joined(t, (struct parts){y[0], y[1]});
}

/* Operators that are linear in each of two tensors: four products of parts. */
static struct ptm_tensor *bilinear(const struct ptm_lower_call *c, struct ptm_tensor *a,
                                   struct ptm_tensor *b)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *both[] = {a, b};
    struct ptm_ival arg[2] = {ptm_tensor_ival(a), ptm_tensor_ival(b)};
    if (!a || !b)
        return NULL;
    if (c->arg[0].tag == PTM_STR) { /* einsum */
        arg[0] = c->arg[0];
        arg[1] = ptm_result_list(t, 2, both);
    }
    return ptm_arg_tensor(t, ptm_call(t, c->schema->name, 2, arg));
}

static struct ptm_ival products(const struct ptm_lower_call *c, struct ptm_ival x,
                                struct ptm_ival y)
{
    struct ptm_trace *t = c->t;
    struct parts a = parts_of(t, x), b = parts_of(t, y), z;
    z.re = of(t, OP_sub, bilinear(c, a.re, b.re), bilinear(c, a.im, b.im));
    z.im = of(t, OP_add, bilinear(c, a.re, b.im), bilinear(c, a.im, b.re));
    return joined(t, z);
}

static struct ptm_ival lower_matmul(const struct ptm_lower_call *c)
{
    return products(c, c->arg[0], c->arg[1]);
}

static struct ptm_ival lower_einsum(const struct ptm_lower_call *c)
{
    struct ptm_ival list = c->arg[1];
    if (list.tag != PTM_LIST || list.u.list->n != 2)
        return ptm_trace_fail(c->t, PTM_ERR_UNSUPPORTED,
                              "einsum of complex tensors that are not two");
    return products(c, list.u.list->v[0], list.u.list->v[1]);
}

const struct ptm_lowering ptm_lower_complex[] = {
    {"aten::polar", lower_polar},
    {"aten::complex", lower_complex},
    {"aten::view_as_complex", lower_view_as_complex},
    {"aten::view_as_real", lower_view_as_real},
    {"aten::imag", lower_imag},
    {"complex real", lower_real},
    {"complex is_complex", lower_yes},
    {"complex abs", lower_abs},
    {"complex absolute", lower_abs},
    {"complex angle", lower_angle},
    {"complex conj", lower_conj},
    {"complex _conj", lower_conj},
    {"complex conj_physical", lower_conj},
    {"complex add", lower_add},
    {"complex sub", lower_sub},
    {"complex mul", lower_mul},
    {"complex multiply", lower_mul},
    {"complex div", lower_div},
    {"complex neg", lower_neg},
    {"complex exp", lower_exp},
    {"complex sum", lower_each},
    {"complex mean", lower_each},
    {"complex cumsum", lower_each},
    {"complex constant_pad_nd", lower_each},
    {"complex pad", lower_each},
    {"complex matmul", lower_matmul},
    {"complex bmm", lower_matmul},
    {"complex mm", lower_matmul},
    {"complex einsum", lower_einsum},
    {NULL, NULL},
};
