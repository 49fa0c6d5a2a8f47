/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lowerings of pointwise arithmetic: one, two and three operands, comparison,
 * bits and logic, clamping, where. Promotion is ptm_binary's; a function here
 * serves all overloads of its name.
 */
#include <math.h>
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"

/* -- one operand -- */
static struct ptm_ival unary_same(const struct ptm_lower_call *c, enum ptm_op op)
{
    return ptm_tensor_ival(ptm_op_unary(c->t, op, ptm_need(c, 0)));
}

static struct ptm_ival unary_float(const struct ptm_lower_call *c, enum ptm_op op)
{
    return ptm_tensor_ival(ptm_op_unary(c->t, op, ptm_as_float(c->t, ptm_need(c, 0))));
}

/* Rounding does nothing to integers. */
static struct ptm_ival unary_round(const struct ptm_lower_call *c, enum ptm_op op)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (x && !ptm_dtype_is_float(x->dtype))
        return ptm_tensor_ival(ptm_clone(c->t, x, false));
    return ptm_tensor_ival(ptm_op_unary(c->t, op, x));
}

/* Questions that only floats answer with yes. */
static struct ptm_ival unary_question(const struct ptm_lower_call *c, enum ptm_op op)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (x && !ptm_dtype_is_float(x->dtype))
        return ptm_tensor_ival(ptm_full(c->t, PTM_BOOL8, x->rank, x->dim, ptm_bool(false)));
    return ptm_tensor_ival(ptm_op_unary(c->t, op, x));
}

#define UNARY(kind, name)                                                                          \
    static struct ptm_ival lower_##name(const struct ptm_lower_call *c)                            \
    {                                                                                              \
        return unary_##kind(c, OP_##name);                                                         \
    }
UNARY(same, neg)
UNARY(same, abs)
UNARY(same, sign)
UNARY(same, bitwise_not)
UNARY(same, logical_not)
UNARY(round, floor)
UNARY(round, ceil)
UNARY(round, trunc)
UNARY(question, isnan)
UNARY(question, isinf)
UNARY(float, sqrt)
UNARY(float, rsqrt)
UNARY(float, reciprocal)
UNARY(float, exp)
UNARY(float, exp2)
UNARY(float, expm1)
UNARY(float, log)
UNARY(float, log1p)
UNARY(float, log2)
UNARY(float, log10)
UNARY(float, sin)
UNARY(float, cos)
UNARY(float, tan)
UNARY(float, asin)
UNARY(float, acos)
UNARY(float, atan)
UNARY(float, sinh)
UNARY(float, cosh)
UNARY(float, tanh)
UNARY(float, asinh)
UNARY(float, acosh)
UNARY(float, atanh)
UNARY(float, erf)
UNARY(float, erfc)
UNARY(float, sigmoid)
#undef UNARY

static struct ptm_ival lower_round(const struct ptm_lower_call *c)
{
    int64_t decimals = ptm_arg_int(c->t, ptm_has_named(c, "decimals") ? ptm_named(c, "decimals")
                                                                      : ptm_int(0));
    struct ptm_tensor *x = ptm_need(c, 0);
    if (decimals == 0 || !x || !ptm_dtype_is_float(x->dtype))
        return unary_round(c, OP_round);
    double scale = pow(10, (double)(decimals < 0 ? -decimals : decimals));
    enum ptm_op there = decimals > 0 ? OP_mul : OP_div, back = decimals > 0 ? OP_div : OP_mul;
    struct ptm_tensor *y = ptm_op_unary(c->t, OP_round, ptm_bin_num(c->t, there, x, scale));
    return ptm_tensor_ival(ptm_bin_num(c->t, back, y, scale));
}

static struct ptm_ival lower_square(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (x && x->dtype == PTM_BOOL8)
        x = ptm_cast(c->t, x, PTM_I64);
    return ptm_tensor_ival(ptm_op_binary(c->t, OP_mul, x, x));
}

static struct ptm_ival lower_frac(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    return ptm_tensor_ival(ptm_op_binary(c->t, OP_sub, x, ptm_op_unary(c->t, OP_trunc, x)));
}

static struct ptm_ival lower_rad2deg(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_as_float(c->t, ptm_need(c, 0));
    return ptm_tensor_ival(ptm_bin_num(c->t, OP_mul, x, 57.295779513082320876798154814105170332));
}

static struct ptm_ival lower_deg2rad(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_as_float(c->t, ptm_need(c, 0));
    return ptm_tensor_ival(ptm_bin_num(c->t, OP_mul, x, 0.017453292519943295769236907684886127134));
}

static struct ptm_ival lower_sinc(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_as_float(c->t, ptm_need(c, 0));
    if (!x)
        return ptm_none();
    struct ptm_tensor *y = ptm_bin_num(c->t, OP_mul, x, 3.14159265358979323846);
    struct ptm_tensor *q = ptm_bin(c->t, OP_div, ptm_op_unary(c->t, OP_sin, y), y);
    struct ptm_tensor *one = ptm_to_tensor(c->t, ptm_float(1), x->dtype);
    return ptm_tensor_ival(ptm_where(c->t, ptm_bin_num(c->t, OP_eq, x, 0), one, q));
}

static struct ptm_ival lower_logit(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_as_float(c->t, ptm_need(c, 0));
    struct ptm_ival eps = ptm_named(c, "eps");
    if (!ptm_is_none(eps)) {
        double e = ptm_arg_float(c->t, eps);
        struct ptm_emit clamp;
        ptm_emit_begin(&clamp, c->t, OP_clamp);
        ptm_emit_in(&clamp, x);
        ptm_emit_f(&clamp, e);
        ptm_emit_f(&clamp, 1 - e);
        x = ptm_emit_end(&clamp);
    }
    struct ptm_tensor *rest = ptm_binary(c->t, OP_sub, ptm_float(1), ptm_tensor_ival(x));
    return ptm_tensor_ival(ptm_op_unary(c->t, OP_log, ptm_bin(c->t, OP_div, x, rest)));
}

static struct ptm_tensor *is_finite(struct ptm_trace *t, struct ptm_tensor *x)
{
    if (x && !ptm_dtype_is_float(x->dtype))
        return ptm_full(t, PTM_BOOL8, x->rank, x->dim, ptm_bool(true));
    return ptm_bin_num(t, OP_lt, ptm_op_unary(t, OP_abs, x), (double)INFINITY);
}

static struct ptm_ival lower_isfinite(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(is_finite(c->t, ptm_need(c, 0)));
}

static struct ptm_ival equals_infinity(const struct ptm_lower_call *c, double infinity)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (x && !ptm_dtype_is_float(x->dtype))
        return ptm_tensor_ival(ptm_full(c->t, PTM_BOOL8, x->rank, x->dim, ptm_bool(false)));
    return ptm_tensor_ival(ptm_bin_num(c->t, OP_eq, x, infinity));
}

static struct ptm_ival lower_isposinf(const struct ptm_lower_call *c)
{
    return equals_infinity(c, (double)INFINITY);
}

static struct ptm_ival lower_isneginf(const struct ptm_lower_call *c)
{
    return equals_infinity(c, -(double)INFINITY);
}

static struct ptm_ival lower_isreal(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    return x ? ptm_tensor_ival(ptm_full(c->t, PTM_BOOL8, x->rank, x->dim, ptm_bool(true)))
             : ptm_none();
}

/* x < 0, and -0.0, whose reciprocal is negative. */
static struct ptm_tensor *sign_bit(struct ptm_trace *t, struct ptm_tensor *x)
{
    struct ptm_tensor *negative = ptm_bin_num(t, OP_lt, x, 0);
    if (!x || !ptm_dtype_is_float(x->dtype))
        return negative;
    struct ptm_tensor *r = ptm_op_unary(t, OP_reciprocal, x);
    return ptm_op_binary(t, OP_bitwise_or, negative, ptm_bin_num(t, OP_lt, r, 0));
}

static struct ptm_ival lower_signbit(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (x && x->dtype == PTM_BOOL8)
        return ptm_tensor_ival(ptm_full(c->t, PTM_BOOL8, x->rank, x->dim, ptm_bool(false)));
    return ptm_tensor_ival(sign_bit(c->t, x));
}

static struct ptm_ival lower_nan_to_num(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0);
    if (!x)
        return ptm_none();
    if (!ptm_dtype_is_float(x->dtype))
        return ptm_tensor_ival(ptm_clone(t, x, false));
    double most = x->dtype == PTM_F16    ? 65504
                  : x->dtype == PTM_BF16 ? 3.3895313892515355e38
                  : x->dtype == PTM_F32  ? 3.4028234663852886e38
                                         : 1.7976931348623157e308;
    const struct {
        const char *name;
        double otherwise;
        struct ptm_tensor *where;
    } part[] = {
        {"nan", 0, ptm_op_unary(t, OP_isnan, x)},
        {"posinf", most, ptm_bin_num(t, OP_eq, x, (double)INFINITY)},
        {"neginf", -most, ptm_bin_num(t, OP_eq, x, -(double)INFINITY)},
    };
    struct ptm_tensor *y = x;
    for (size_t i = 0; i < PTM_LEN(part); i++) {
        struct ptm_ival v = ptm_named(c, part[i].name);
        if (ptm_is_none(v))
            v = ptm_float(part[i].otherwise);
        y = ptm_where(t, part[i].where, ptm_to_tensor(t, v, x->dtype), y);
    }
    return ptm_tensor_ival(y);
}

/* -- two operands -- */
#define BINARY(name)                                                                               \
    static struct ptm_ival lower_##name(const struct ptm_lower_call *c)                            \
    {                                                                                              \
        return ptm_tensor_ival(ptm_binary(c->t, OP_##name, c->arg[0], c->arg[1]));                 \
    }
BINARY(mul)
BINARY(div_floor)
BINARY(remainder)
BINARY(fmod)
BINARY(maximum)
BINARY(minimum)
BINARY(bitwise_and)
BINARY(bitwise_or)
BINARY(bitwise_xor)
BINARY(shift_left)
BINARY(shift_right)
BINARY(eq)
BINARY(ne)
BINARY(lt)
BINARY(le)
BINARY(gt)
BINARY(ge)
#undef BINARY

/* In-place forms with a name of their own: a |= b. */
#define IN_PLACE(name, op)                                                                         \
    static struct ptm_ival lower_##name(const struct ptm_lower_call *c)                            \
    {                                                                                              \
        struct ptm_tensor *x = ptm_need(c, 0);                                                     \
        ptm_write(c->t, x, ptm_binary(c->t, op, c->arg[0], c->arg[1]));                            \
        return c->arg[0];                                                                          \
    }
IN_PLACE(iand, OP_bitwise_and)
IN_PLACE(ior, OP_bitwise_or)
IN_PLACE(ixor, OP_bitwise_xor)
IN_PLACE(ilshift, OP_shift_left)
IN_PLACE(irshift, OP_shift_right)
#undef IN_PLACE

/* a op alpha * b */
static struct ptm_tensor *scaled(struct ptm_trace *t, enum ptm_op op, struct ptm_ival a,
                                 struct ptm_ival b, struct ptm_ival alpha)
{
    bool one = ptm_is_none(alpha) || (alpha.tag == PTM_INT && alpha.u.i == 1) ||
               (alpha.tag == PTM_FLOAT && alpha.u.f == 1);
    if (one)
        return ptm_binary(t, op, a, b);
    if (b.tag != PTM_TENSOR)
        return ptm_binary(t, op, a, ptm_scalar_arith(t, '*', b, alpha));
    enum ptm_dtype d = ptm_result_type(t, (struct ptm_ival[]){a, b}, 2);
    struct ptm_tensor *y = ptm_op_binary(t, OP_mul, ptm_to_tensor(t, b, d),
                                         ptm_to_tensor(t, alpha, d));
    return ptm_op_binary(t, op, ptm_to_tensor(t, a, d), y);
}

static struct ptm_ival lower_add(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(scaled(c->t, OP_add, c->arg[0], c->arg[1], ptm_named(c, "alpha")));
}

static struct ptm_ival lower_sub(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(scaled(c->t, OP_sub, c->arg[0], c->arg[1], ptm_named(c, "alpha")));
}

static struct ptm_ival lower_rsub(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(scaled(c->t, OP_sub, c->arg[1], c->arg[0], ptm_named(c, "alpha")));
}

static struct ptm_ival lower_add_relu(const struct ptm_lower_call *c)
{
    struct ptm_tensor *sum = scaled(c->t, OP_add, c->arg[0], c->arg[1], ptm_named(c, "alpha"));
    return ptm_tensor_ival(ptm_op_unary(c->t, OP_relu, sum));
}

static struct ptm_ival lower_div(const struct ptm_lower_call *c)
{
    struct ptm_ival mode = ptm_named(c, "rounding_mode");
    enum ptm_op op = OP_div;
    if (!ptm_is_none(mode)) {
        const char *s = ptm_arg_str(c->t, mode);
        if (s && !strcmp(s, "floor"))
            op = OP_div_floor;
        else if (s && !strcmp(s, "trunc"))
            op = OP_div_trunc;
        else
            return ptm_trace_fail(c->t, PTM_ERR_TYPE, "div: unknown rounding_mode '%s'",
                                  s ? s : "");
    }
    return ptm_tensor_ival(ptm_binary(c->t, op, c->arg[0], c->arg[1]));
}

/* Both operands cast to the float type that they promote to. */
static void both_float(const struct ptm_lower_call *c, struct ptm_tensor **a, struct ptm_tensor **b)
{
    enum ptm_dtype d = ptm_default_float(ptm_result_type(c->t, c->arg, 2));
    *a = ptm_to_tensor(c->t, c->arg[0], d);
    *b = ptm_to_tensor(c->t, c->arg[1], d);
}

static struct ptm_ival lower_atan2(const struct ptm_lower_call *c)
{
    struct ptm_tensor *a, *b;
    both_float(c, &a, &b);
    return ptm_tensor_ival(ptm_op_binary(c->t, OP_atan2, a, b));
}

/* Whole and half exponents as PyTorch's kernel does them, which is also exact. */
static struct ptm_tensor *power(struct ptm_trace *t, struct ptm_tensor *x, double e)
{
    if (e == 2)
        return ptm_op_binary(t, OP_mul, x, x);
    if (e == 3)
        return ptm_op_binary(t, OP_mul, ptm_op_binary(t, OP_mul, x, x), x);
    if (!ptm_dtype_is_float(x->dtype))
        return NULL;
    if (e == 0.5)
        return ptm_op_unary(t, OP_sqrt, x);
    if (e == -0.5)
        return ptm_op_unary(t, OP_rsqrt, x);
    if (e == -1)
        return ptm_op_unary(t, OP_reciprocal, x);
    return NULL;
}

static struct ptm_ival lower_pow(const struct ptm_lower_call *c)
{
    struct ptm_ival a = c->arg[0], b = c->arg[1];
    if (a.tag == PTM_TENSOR && (b.tag == PTM_INT || b.tag == PTM_FLOAT)) {
        enum ptm_dtype d = ptm_result_type(c->t, c->arg, 2);
        struct ptm_tensor *x = ptm_cast(c->t, a.u.tensor, d);
        if (!x)
            return ptm_none();
        if (!ptm_dtype_is_float(d) && b.tag == PTM_INT && b.u.i < 0)
            return ptm_trace_fail(c->t, PTM_ERR_TYPE,
                                  "integers to negative integer powers are not allowed");
        struct ptm_tensor *y = power(c->t, x, b.tag == PTM_INT ? (double)b.u.i : b.u.f);
        if (y)
            return ptm_tensor_ival(y);
    }
    return ptm_tensor_ival(ptm_binary(c->t, OP_pow, a, b));
}

static struct ptm_ival lower_float_power(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(ptm_op_binary(c->t, OP_pow, ptm_to_tensor(c->t, c->arg[0], PTM_F64),
                                         ptm_to_tensor(c->t, c->arg[1], PTM_F64)));
}

/* Maximum or minimum where NaN loses. */
static struct ptm_ival nan_loses(const struct ptm_lower_call *c, enum ptm_op op)
{
    struct ptm_trace *t = c->t;
    enum ptm_dtype d = ptm_result_type(t, c->arg, 2);
    struct ptm_tensor *a = ptm_to_tensor(t, c->arg[0], d), *b = ptm_to_tensor(t, c->arg[1], d);
    struct ptm_tensor *y = ptm_op_binary(t, op, a, b);
    if (!ptm_dtype_is_float(d))
        return ptm_tensor_ival(y);
    y = ptm_where(t, ptm_op_unary(t, OP_isnan, b), a, y);
    return ptm_tensor_ival(ptm_where(t, ptm_op_unary(t, OP_isnan, a), b, y));
}

static struct ptm_ival lower_fmax(const struct ptm_lower_call *c)
{
    return nan_loses(c, OP_maximum);
}

static struct ptm_ival lower_fmin(const struct ptm_lower_call *c)
{
    return nan_loses(c, OP_minimum);
}

static struct ptm_ival lower_hypot(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *a, *b;
    both_float(c, &a, &b);
    struct ptm_tensor *sum = ptm_bin(t, OP_add, ptm_bin(t, OP_mul, a, a), ptm_bin(t, OP_mul, b, b));
    return ptm_tensor_ival(ptm_op_unary(t, OP_sqrt, sum));
}

static struct ptm_ival lower_copysign(const struct ptm_lower_call *c)
{
    struct ptm_tensor *a, *b;
    both_float(c, &a, &b);
    a = ptm_op_unary(c->t, OP_abs, a);
    return ptm_tensor_ival(ptm_where(c->t, sign_bit(c->t, b), ptm_op_unary(c->t, OP_neg, a), a));
}

/* max + log(1 + b^-|x - y|) in base b; equal infinities stay. */
static struct ptm_ival log_add(const struct ptm_lower_call *c, enum ptm_op power_op, double ln_base)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *a, *b;
    both_float(c, &a, &b);
    struct ptm_tensor *gap = ptm_op_unary(t, OP_neg,
                                          ptm_op_unary(t, OP_abs, ptm_bin(t, OP_sub, a, b)));
    struct ptm_tensor *l = ptm_op_unary(t, OP_log1p, ptm_op_unary(t, power_op, gap));
    if (ln_base != 1)
        l = ptm_bin_num(t, OP_div, l, ln_base);
    struct ptm_tensor *y = ptm_bin(t, OP_add, ptm_bin(t, OP_maximum, a, b), l);
    struct ptm_tensor *same = ptm_bin(t, OP_bitwise_and, ptm_bin(t, OP_eq, a, b),
                                      ptm_op_unary(t, OP_isinf, a));
    return ptm_tensor_ival(ptm_where(t, same, a, y));
}

static struct ptm_ival lower_logaddexp(const struct ptm_lower_call *c)
{
    return log_add(c, OP_exp, 1);
}

static struct ptm_ival lower_logaddexp2(const struct ptm_lower_call *c)
{
    return log_add(c, OP_exp2, 0.69314718055994530942);
}

static struct ptm_ival times_log(const struct ptm_lower_call *c, enum ptm_op log_op)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *a, *b;
    both_float(c, &a, &b);
    if (!a)
        return ptm_none();
    struct ptm_tensor *y = ptm_bin(t, OP_mul, a, ptm_op_unary(t, log_op, b));
    struct ptm_tensor *zero = ptm_to_tensor(t, ptm_float(0), a->dtype);
    struct ptm_tensor *plain = ptm_bin(t, OP_bitwise_and, ptm_bin_num(t, OP_eq, a, 0),
                                       ptm_bin(t, OP_eq, b, b));
    return ptm_tensor_ival(ptm_where(t, plain, zero, y));
}

static struct ptm_ival lower_xlogy(const struct ptm_lower_call *c)
{
    return times_log(c, OP_log);
}

static struct ptm_ival lower_xlog1py(const struct ptm_lower_call *c)
{
    return times_log(c, OP_log1p);
}

static struct ptm_ival lower_ldexp(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *e = ptm_as_float(t, ptm_need(c, 1));
    return ptm_tensor_ival(ptm_binary(t, OP_mul, c->arg[0],
                                      ptm_tensor_ival(ptm_op_unary(t, OP_exp2, e))));
}

static struct ptm_ival lower_heaviside(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *at_zero = ptm_need(c, 1);
    if (!x)
        return ptm_none();
    struct ptm_tensor *step = ptm_cast(t, ptm_bin_num(t, OP_gt, x, 0), x->dtype);
    return ptm_tensor_ival(ptm_where(t, ptm_bin_num(t, OP_eq, x, 0), at_zero, step));
}

static struct ptm_ival logical(const struct ptm_lower_call *c, enum ptm_op op)
{
    return ptm_tensor_ival(ptm_op_binary(c->t, op, ptm_to_tensor(c->t, c->arg[0], PTM_BOOL8),
                                         ptm_to_tensor(c->t, c->arg[1], PTM_BOOL8)));
}

static struct ptm_ival lower_logical_and(const struct ptm_lower_call *c)
{
    return logical(c, OP_bitwise_and);
}

static struct ptm_ival lower_logical_or(const struct ptm_lower_call *c)
{
    return logical(c, OP_bitwise_or);
}

static struct ptm_ival lower_logical_xor(const struct ptm_lower_call *c)
{
    return logical(c, OP_bitwise_xor);
}

/* |a - b| <= atol + rtol |b|, or equal, or (when asked) both NaN. */
static struct ptm_tensor *is_close(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *a = ptm_need(c, 0), *b = ptm_need(c, 1);
    if (!a || !b)
        return NULL;
    struct ptm_tensor *close = ptm_bin(t, OP_eq, a, b);
    if (ptm_dtype_is_float(a->dtype) && ptm_arg_bool(t, ptm_named(c, "equal_nan"))) {
        struct ptm_tensor *nan = ptm_bin(t, OP_bitwise_and, ptm_op_unary(t, OP_isnan, a),
                                         ptm_op_unary(t, OP_isnan, b));
        close = ptm_bin(t, OP_bitwise_or, close, nan);
    }
    a = ptm_as_float(t, a);
    b = ptm_as_float(t, b);
    struct ptm_tensor *gap = ptm_op_unary(t, OP_abs, ptm_bin(t, OP_sub, a, b));
    struct ptm_tensor *room = ptm_bin_num(t, OP_mul, ptm_op_unary(t, OP_abs, b),
                                          ptm_arg_float(t, ptm_named(c, "rtol")));
    room = ptm_bin_num(t, OP_add, room, ptm_arg_float(t, ptm_named(c, "atol")));
    struct ptm_tensor *near = ptm_bin(t, OP_bitwise_and, is_finite(t, gap),
                                      ptm_bin(t, OP_le, gap, room));
    return ptm_bin(t, OP_bitwise_or, close, near);
}

static struct ptm_ival lower_isclose(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(is_close(c));
}

static struct ptm_ival every(struct ptm_trace *t, struct ptm_tensor *x)
{
    return ptm_item(t, ptm_op_reduce(t, OP_all, x, NULL, 0, false));
}

static struct ptm_ival lower_allclose(const struct ptm_lower_call *c)
{
    return every(c->t, is_close(c));
}

static struct ptm_ival lower_equal(const struct ptm_lower_call *c)
{
    struct ptm_tensor *a = ptm_need(c, 0), *b = ptm_need(c, 1);
    if (!a || !b)
        return ptm_none();
    if (a->rank != b->rank || memcmp(a->dim, b->dim, a->rank * sizeof(a->dim[0])) != 0)
        return ptm_bool(false);
    return every(c->t, ptm_bin(c->t, OP_eq, a, b));
}

/* -- clamping -- */
/* A bound that the clamp operator can hold: known, and exact as a double. */
static bool plain_bound(struct ptm_ival v)
{
    const int64_t most = INT64_C(1) << 53;
    return v.tag == PTM_NONE || v.tag == PTM_FLOAT || v.tag == PTM_BOOL ||
           (v.tag == PTM_INT && v.u.i <= most && v.u.i >= -most);
}

static double bound(struct ptm_trace *t, struct ptm_ival v, double none)
{
    return ptm_is_none(v) ? none : ptm_arg_float(t, v);
}

static struct ptm_ival clamp(const struct ptm_lower_call *c, struct ptm_ival lo, struct ptm_ival hi)
{
    struct ptm_trace *t = c->t;
    struct ptm_ival v[3] = {ptm_tensor_ival(ptm_need(c, 0))};
    size_t n = 1;
    if (ptm_is_none(lo) && ptm_is_none(hi))
        return ptm_trace_fail(t, PTM_ERR_TYPE, "clamp: at least one of 'min' or 'max' is needed");
    if (!ptm_is_none(lo))
        v[n++] = lo;
    if (!ptm_is_none(hi))
        v[n++] = hi;
    enum ptm_dtype d = ptm_result_type(t, v, n);
    struct ptm_tensor *x = ptm_to_tensor(t, v[0], d);
    double a = plain_bound(lo) ? bound(t, lo, -(double)INFINITY) : 0;
    double b = plain_bound(hi) ? bound(t, hi, (double)INFINITY) : 0;
    if (plain_bound(lo) && plain_bound(hi) && a == a && b == b) {
        struct ptm_emit e;
        ptm_emit_begin(&e, t, OP_clamp);
        ptm_emit_in(&e, x);
        ptm_emit_f(&e, a);
        ptm_emit_f(&e, b);
        return ptm_tensor_ival(ptm_emit_end(&e));
    }
    if (!ptm_is_none(lo))
        x = ptm_op_binary(t, OP_maximum, x, ptm_to_tensor(t, lo, d));
    if (!ptm_is_none(hi))
        x = ptm_op_binary(t, OP_minimum, x, ptm_to_tensor(t, hi, d));
    return ptm_tensor_ival(x);
}

static struct ptm_ival lower_clamp(const struct ptm_lower_call *c)
{
    return clamp(c, ptm_named(c, "min"), ptm_named(c, "max"));
}

static struct ptm_ival lower_clamp_min(const struct ptm_lower_call *c)
{
    return clamp(c, ptm_named(c, "min"), ptm_none());
}

static struct ptm_ival lower_clamp_max(const struct ptm_lower_call *c)
{
    return clamp(c, ptm_none(), ptm_named(c, "max"));
}

/* -- three operands -- */
static struct ptm_ival lower_where(const struct ptm_lower_call *c)
{
    enum ptm_dtype d = ptm_result_type(c->t, c->arg + 1, 2);
    return ptm_tensor_ival(ptm_where(c->t, ptm_need(c, 0), ptm_to_tensor(c->t, c->arg[1], d),
                                     ptm_to_tensor(c->t, c->arg[2], d)));
}

static struct ptm_ival lower_masked_fill(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0), *mask = ptm_need(c, 1);
    if (!x)
        return ptm_none();
    return ptm_tensor_ival(ptm_where(c->t, mask, ptm_to_tensor(c->t, c->arg[2], x->dtype), x));
}

/* From the nearer end, so that both ends are met exactly. */
static struct ptm_ival lower_lerp(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *a = ptm_need(c, 0), *b = ptm_need(c, 1);
    struct ptm_ival w = c->arg[2];
    struct ptm_ival rest = w.tag == PTM_TENSOR
                               ? ptm_tensor_ival(ptm_binary(t, OP_sub, ptm_int(1), w))
                               : ptm_scalar_arith(t, '-', ptm_int(1), w);
    struct ptm_ival gap = ptm_tensor_ival(ptm_bin(t, OP_sub, b, a));
    bool known = w.tag == PTM_FLOAT || w.tag == PTM_INT;
    double weight = known ? ptm_arg_float(t, w) : 0;
    struct ptm_tensor *from_a = NULL, *from_b = NULL;
    if (!known || fabs(weight) < 0.5)
        from_a = ptm_bin(t, OP_add, a, ptm_binary(t, OP_mul, gap, w));
    if (!known || fabs(weight) >= 0.5)
        from_b = ptm_bin(t, OP_sub, b, ptm_binary(t, OP_mul, gap, rest));
    if (known || !a)
        return ptm_tensor_ival(from_a ? from_a : from_b);
    struct ptm_tensor *size = ptm_op_unary(t, OP_abs, ptm_to_tensor(t, w, a->dtype));
    return ptm_tensor_ival(ptm_where(t, ptm_bin_num(t, OP_lt, size, 0.5), from_a, from_b));
}

/* self + value * (tensor1 op tensor2) */
static struct ptm_ival add_combined(const struct ptm_lower_call *c, enum ptm_op op)
{
    struct ptm_tensor *y = ptm_binary(c->t, op, c->arg[1], c->arg[2]);
    return ptm_tensor_ival(
        scaled(c->t, OP_add, c->arg[0], ptm_tensor_ival(y), ptm_named(c, "value")));
}

static struct ptm_ival lower_addcmul(const struct ptm_lower_call *c)
{
    return add_combined(c, OP_mul);
}

static struct ptm_ival lower_addcdiv(const struct ptm_lower_call *c)
{
    return add_combined(c, OP_div);
}

const struct ptm_lowering ptm_lower_math[] = {
    {"aten::neg", lower_neg},
    {"aten::negative", lower_neg},
    {"aten::abs", lower_abs},
    {"aten::absolute", lower_abs},
    {"prim::abs", lower_abs},
    {"aten::sign", lower_sign},
    {"aten::sgn", lower_sign},
    {"aten::bitwise_not", lower_bitwise_not},
    {"aten::logical_not", lower_logical_not},
    {"aten::floor", lower_floor},
    {"aten::ceil", lower_ceil},
    {"aten::trunc", lower_trunc},
    {"aten::fix", lower_trunc},
    {"aten::round", lower_round},
    {"aten::special_round", lower_round},
    {"aten::isnan", lower_isnan},
    {"aten::isinf", lower_isinf},
    {"aten::isfinite", lower_isfinite},
    {"aten::isposinf", lower_isposinf},
    {"aten::isneginf", lower_isneginf},
    {"aten::isreal", lower_isreal},
    {"aten::signbit", lower_signbit},
    {"aten::sqrt", lower_sqrt},
    {"aten::rsqrt", lower_rsqrt},
    {"aten::reciprocal", lower_reciprocal},
    {"aten::square", lower_square},
    {"aten::frac", lower_frac},
    {"aten::exp", lower_exp},
    {"aten::exp2", lower_exp2},
    {"aten::special_exp2", lower_exp2},
    {"aten::expm1", lower_expm1},
    {"aten::special_expm1", lower_expm1},
    {"aten::log", lower_log},
    {"aten::log1p", lower_log1p},
    {"aten::special_log1p", lower_log1p},
    {"aten::log2", lower_log2},
    {"aten::log10", lower_log10},
    {"aten::sin", lower_sin},
    {"aten::cos", lower_cos},
    {"aten::tan", lower_tan},
    {"aten::asin", lower_asin},
    {"aten::arcsin", lower_asin},
    {"aten::acos", lower_acos},
    {"aten::arccos", lower_acos},
    {"aten::atan", lower_atan},
    {"aten::arctan", lower_atan},
    {"aten::sinh", lower_sinh},
    {"aten::cosh", lower_cosh},
    {"aten::tanh", lower_tanh},
    {"aten::asinh", lower_asinh},
    {"aten::arcsinh", lower_asinh},
    {"aten::acosh", lower_acosh},
    {"aten::arccosh", lower_acosh},
    {"aten::atanh", lower_atanh},
    {"aten::arctanh", lower_atanh},
    {"aten::erf", lower_erf},
    {"aten::special_erf", lower_erf},
    {"aten::erfc", lower_erfc},
    {"aten::special_erfc", lower_erfc},
    {"aten::sigmoid", lower_sigmoid},
    {"aten::special_expit", lower_sigmoid},
    {"aten::rad2deg", lower_rad2deg},
    {"aten::deg2rad", lower_deg2rad},
    {"aten::sinc", lower_sinc},
    {"aten::special_sinc", lower_sinc},
    {"aten::logit", lower_logit},
    {"aten::special_logit", lower_logit},
    {"aten::nan_to_num", lower_nan_to_num},
    {"aten::add", lower_add},
    {"aten::sub", lower_sub},
    {"aten::subtract", lower_sub},
    {"aten::rsub", lower_rsub},
    {"aten::_add_relu", lower_add_relu},
    {"aten::mul", lower_mul},
    {"aten::multiply", lower_mul},
    {"aten::div", lower_div},
    {"aten::divide", lower_div},
    {"aten::true_divide", lower_div},
    {"aten::floor_divide", lower_div_floor},
    {"aten::remainder", lower_remainder},
    {"aten::fmod", lower_fmod},
    {"aten::pow", lower_pow},
    {"aten::float_power", lower_float_power},
    {"aten::atan2", lower_atan2},
    {"aten::arctan2", lower_atan2},
    {"aten::maximum", lower_maximum},
    {"aten::max.other", lower_maximum},
    {"aten::max.out", lower_maximum},
    {"aten::minimum", lower_minimum},
    {"aten::min.other", lower_minimum},
    {"aten::min.out", lower_minimum},
    {"aten::fmax", lower_fmax},
    {"aten::fmin", lower_fmin},
    {"aten::hypot", lower_hypot},
    {"aten::copysign", lower_copysign},
    {"aten::logaddexp", lower_logaddexp},
    {"aten::logaddexp2", lower_logaddexp2},
    {"aten::xlogy", lower_xlogy},
    {"aten::special_xlogy", lower_xlogy},
    {"aten::special_xlog1py", lower_xlog1py},
    {"aten::ldexp", lower_ldexp},
    {"aten::heaviside", lower_heaviside},
    {"aten::eq", lower_eq},
    {"aten::ne", lower_ne},
    {"aten::not_equal", lower_ne},
    {"aten::lt", lower_lt},
    {"aten::less", lower_lt},
    {"aten::le", lower_le},
    {"aten::less_equal", lower_le},
    {"aten::gt", lower_gt},
    {"aten::greater", lower_gt},
    {"aten::ge", lower_ge},
    {"aten::greater_equal", lower_ge},
    {"aten::isclose", lower_isclose},
    {"aten::allclose", lower_allclose},
    {"aten::equal", lower_equal},
    {"aten::bitwise_and", lower_bitwise_and},
    {"aten::__and__", lower_bitwise_and},
    {"aten::__iand__", lower_iand},
    {"aten::bitwise_or", lower_bitwise_or},
    {"aten::__or__", lower_bitwise_or},
    {"aten::__ior__", lower_ior},
    {"aten::bitwise_xor", lower_bitwise_xor},
    {"aten::__xor__", lower_bitwise_xor},
    {"aten::__ixor__", lower_ixor},
    {"aten::bitwise_left_shift", lower_shift_left},
    {"aten::__lshift__", lower_shift_left},
    {"aten::__ilshift__", lower_ilshift},
    {"aten::bitwise_right_shift", lower_shift_right},
    {"aten::__rshift__", lower_shift_right},
    {"aten::__irshift__", lower_irshift},
    {"aten::logical_and", lower_logical_and},
    {"aten::logical_or", lower_logical_or},
    {"aten::logical_xor", lower_logical_xor},
    {"aten::clamp", lower_clamp},
    {"aten::clip", lower_clamp},
    {"aten::clamp_min", lower_clamp_min},
    {"aten::clamp_max", lower_clamp_max},
    {"aten::where.self", lower_where},
    {"aten::where.ScalarSelf", lower_where},
    {"aten::where.ScalarOther", lower_where},
    {"aten::where.Scalar", lower_where},
    {"aten::where.self_out", lower_where},
    {"aten::masked_fill", lower_masked_fill},
    {"aten::lerp", lower_lerp},
    {"aten::addcmul", lower_addcmul},
    {"aten::addcdiv", lower_addcdiv},
    {NULL, NULL},
};
