/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lowerings of pointwise arithmetic with two and three operands: comparison,
 * bits and logic, clamping, where. Promotion is ptm_binary's; a function here
 * serves all overloads of its name.
 */
#include <math.h>
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"

/* -- two operands -- */
#define BINARY(name)                                                                               \
    static struct ptm_ival lower_##name(const struct ptm_lower_call *c)                            \
    {                                                                                              \
        return ptm_tensor_ival(ptm_binary(c->t, OP_##name, c->arg[0], c->arg[1]));                 \
    }
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

/* The second operand of + - * /: a 0-d constant of the program counts as a number, since
 * TorchScript's executor replaces it by one. */
static struct ptm_ival operand(const struct ptm_lower_call *c)
{
    struct ptm_ival b = c->arg[1];
    if (b.tag == PTM_TENSOR && b.u.tensor->literal && ptm_is_known(b.u.tensor))
        return ptm_item(c->t, b.u.tensor);
    return b;
}

static struct ptm_ival lower_mul(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(ptm_binary(c->t, OP_mul, c->arg[0], operand(c)));
}

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
    struct ptm_tensor *y =
        ptm_op_binary(t, OP_mul, ptm_to_tensor(t, b, d), ptm_to_tensor(t, alpha, d));
    return ptm_op_binary(t, op, ptm_to_tensor(t, a, d), y);
}

static struct ptm_ival lower_add(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(scaled(c->t, OP_add, c->arg[0], operand(c), ptm_named(c, "alpha")));
}

static struct ptm_ival lower_sub(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(scaled(c->t, OP_sub, c->arg[0], operand(c), ptm_named(c, "alpha")));
}

static struct ptm_ival lower_rsub(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(scaled(c->t, OP_sub, c->arg[1], c->arg[0], ptm_named(c, "alpha")));
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
    return ptm_tensor_ival(ptm_binary(c->t, op, c->arg[0], operand(c)));
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
    return ptm_tensor_ival(
        ptm_where(c->t, ptm_sign_bit(c->t, b), ptm_op_unary(c->t, OP_neg, a), a));
}

/* max + log(1 + b^-|x - y|) in base b; equal infinities stay. */
static struct ptm_ival log_add(const struct ptm_lower_call *c, enum ptm_op power_op, double ln_base)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *a, *b;
    both_float(c, &a, &b);
    struct ptm_tensor *gap =
        ptm_op_unary(t, OP_neg, ptm_op_unary(t, OP_abs, ptm_bin(t, OP_sub, a, b)));
    struct ptm_tensor *l = ptm_op_unary(t, OP_log1p, ptm_op_unary(t, power_op, gap));
    if (ln_base != 1)
        l = ptm_bin_num(t, OP_div, l, ln_base);
    struct ptm_tensor *y = ptm_bin(t, OP_add, ptm_bin(t, OP_maximum, a, b), l);
    struct ptm_tensor *same =
        ptm_bin(t, OP_bitwise_and, ptm_bin(t, OP_eq, a, b), ptm_op_unary(t, OP_isinf, a));
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
    struct ptm_tensor *plain =
        ptm_bin(t, OP_bitwise_and, ptm_bin_num(t, OP_eq, a, 0), ptm_bin(t, OP_eq, b, b));
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
    return ptm_tensor_ival(
        ptm_binary(t, OP_mul, c->arg[0], ptm_tensor_ival(ptm_op_unary(t, OP_exp2, e))));
}

static struct ptm_ival lower_ldexp_(const struct ptm_lower_call *c)
{
    struct ptm_ival y = lower_ldexp(c);
    ptm_write(c->t, ptm_need(c, 0), ptm_arg_tensor(c->t, y));
    return c->arg[0];
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
        struct ptm_tensor *nan =
            ptm_bin(t, OP_bitwise_and, ptm_op_unary(t, OP_isnan, a), ptm_op_unary(t, OP_isnan, b));
        close = ptm_bin(t, OP_bitwise_or, close, nan);
    }
    a = ptm_as_float(t, a);
    b = ptm_as_float(t, b);
    struct ptm_tensor *gap = ptm_op_unary(t, OP_abs, ptm_bin(t, OP_sub, a, b));
    struct ptm_tensor *room =
        ptm_bin_num(t, OP_mul, ptm_op_unary(t, OP_abs, b), ptm_arg_float(t, ptm_named(c, "rtol")));
    room = ptm_bin_num(t, OP_add, room, ptm_arg_float(t, ptm_named(c, "atol")));
    struct ptm_tensor *near =
        ptm_bin(t, OP_bitwise_and, ptm_is_finite(t, gap), ptm_bin(t, OP_le, gap, room));
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
    struct ptm_tensor *y = ptm_where(c->t, mask, ptm_to_tensor(c->t, c->arg[2], x->dtype), x);
    return ptm_tensor_ival(ptm_contiguous(c->t, y)); /* whatever x's strides */
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

const struct ptm_lowering ptm_lower_binary[] = {
    {"aten::add", lower_add},
    {"aten::sub", lower_sub},
    {"aten::subtract", lower_sub},
    {"aten::rsub", lower_rsub},
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
    {"aten::ldexp.Tensor", lower_ldexp},
    {"aten::ldexp.out", lower_ldexp},
    {"aten::ldexp_", lower_ldexp_},
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
