/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lowerings of pointwise arithmetic on one tensor. Two and three operands are
 * in lower_binary.c.
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
UNARY(float, asinh)
UNARY(float, acosh)
UNARY(float, atanh)
UNARY(float, erf)
UNARY(float, erfc)
UNARY(float, sigmoid)
#undef UNARY

static struct ptm_ival lower_round(const struct ptm_lower_call *c)
{
    int64_t decimals =
        ptm_arg_size(c->t, ptm_has_named(c, "decimals") ? ptm_named(c, "decimals") : ptm_int(0));
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

static struct ptm_ival lower_isfinite(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(ptm_is_finite(c->t, ptm_need(c, 0)));
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

static struct ptm_ival lower_signbit(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (x && x->dtype == PTM_BOOL8)
        return ptm_tensor_ival(ptm_full(c->t, PTM_BOOL8, x->rank, x->dim, ptm_bool(false)));
    return ptm_tensor_ival(ptm_sign_bit(c->t, x));
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

/* Of a real number: pi when negative; NaN stays. */
static struct ptm_ival lower_angle(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_as_float(t, ptm_need(c, 0));
    if (!x)
        return ptm_none();
    struct ptm_tensor *half = ptm_cast(t, ptm_bin_num(t, OP_lt, x, 0), (enum ptm_dtype)x->dtype);
    struct ptm_tensor *y = ptm_bin_num(t, OP_mul, half, 3.14159265358979323846);
    return ptm_tensor_ival(ptm_where(t, ptm_op_unary(t, OP_isnan, x), x, y));
}

/* -x ln x; 0 at 0, -inf below. */
static struct ptm_ival lower_entr(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_as_float(t, ptm_need(c, 0));
    if (!x)
        return ptm_none();
    enum ptm_dtype d = (enum ptm_dtype)x->dtype;
    struct ptm_tensor *y =
        ptm_op_unary(t, OP_neg, ptm_bin(t, OP_mul, x, ptm_op_unary(t, OP_log, x)));
    y = ptm_where(t, ptm_bin_num(t, OP_eq, x, 0), ptm_to_tensor(t, ptm_int(0), d), y);
    return ptm_tensor_ival(ptm_where(t, ptm_bin_num(t, OP_lt, x, 0),
                                     ptm_to_tensor(t, ptm_float(-(double)INFINITY), d), y));
}

/* erfc(-x / sqrt 2) / 2 */
static struct ptm_ival lower_ndtr(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_as_float(t, ptm_need(c, 0));
    x = ptm_op_unary(t, OP_erfc, ptm_bin_num(t, OP_mul, x, -0.70710678118654752440));
    return ptm_tensor_ival(ptm_bin_num(t, OP_mul, x, 0.5));
}

const struct ptm_lowering ptm_lower_math[] = {
    {"aten::neg", lower_neg},
    {"aten::negative", lower_neg},
    {"aten::abs", lower_abs},
    {"aten::absolute", lower_abs},
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
    {"aten::special_expit", lower_sigmoid},
    {"aten::angle", lower_angle},
    {"aten::special_entr", lower_entr},
    {"aten::special_ndtr", lower_ndtr},
    {"aten::rad2deg", lower_rad2deg},
    {"aten::deg2rad", lower_deg2rad},
    {"aten::sinc", lower_sinc},
    {"aten::special_sinc", lower_sinc},
    {"aten::logit", lower_logit},
    {"aten::special_logit", lower_logit},
    {"aten::nan_to_num", lower_nan_to_num},
    {NULL, NULL},
};
