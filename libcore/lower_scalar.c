/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operators on ints, floats and bools: computed while specialising.
 *
 * Semantics are TorchScript's, which are not always Python's: 1 / 0 is inf, 2 ** 3 is 8.0,
 * round() gives a float, and integers wrap at 64 bits. Arithmetic and comparisons
 * leave symbols as they are; everything else makes them known.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_text.h"
#include "libcore/sym.h"

/* Argument i as the schema's kind of number: a 0-d tensor gives its element. */
static struct ptm_ival number(const struct ptm_lower_call *c, size_t i)
{
    struct ptm_ival v = i < c->n_arg ? c->arg[i] : ptm_int(0);
    uint8_t want = i < c->schema->n_args ? c->schema->arg[i].type : (uint8_t)S_NUMBER;
    if (want == S_TENSOR) /* the row of the numbers' overload without a name was found */
        return ptm_trace_fail(c->t, PTM_ERR_UNSUPPORTED, "%s is not supported for tensors",
                              c->schema->name);
    if (v.tag == PTM_TENSOR)
        v = ptm_item(c->t, v.u.tensor);
    if (want == S_FLOAT)
        return ptm_scalar_to_float(c->t, v);
    if (v.tag == PTM_BOOL)
        return ptm_int(v.u.b);
    if (want == S_INT && v.tag == PTM_FLOAT)
        return ptm_int(ptm_arg_int(c->t, v));
    return v;
}

static double real(const struct ptm_lower_call *c, size_t i)
{
    return ptm_arg_float(c->t, number(c, i));
}

static int64_t whole(const struct ptm_lower_call *c, size_t i)
{
    return ptm_arg_int(c->t, number(c, i));
}

static bool both_int(struct ptm_ival a, struct ptm_ival b)
{
    return a.tag == PTM_INT && b.tag == PTM_INT;
}

static bool any_sym(struct ptm_ival a, struct ptm_ival b)
{
    return a.tag == PTM_SYM || b.tag == PTM_SYM;
}

static struct ptm_ival zero_division(struct ptm_trace *t)
{
    return ptm_trace_fail(t, PTM_ERR_RAISED,
                          "the model raised ZeroDivisionError: division by zero");
}

/* -- arithmetic -- */

static struct ptm_ival add(const struct ptm_lower_call *c)
{
    return ptm_scalar_arith(c->t, '+', number(c, 0), number(c, 1));
}

static struct ptm_ival sub(const struct ptm_lower_call *c)
{
    return ptm_scalar_arith(c->t, '-', number(c, 0), number(c, 1));
}

static struct ptm_ival mul(const struct ptm_lower_call *c)
{
    return ptm_scalar_arith(c->t, '*', number(c, 0), number(c, 1));
}

static struct ptm_ival divide(const struct ptm_lower_call *c)
{
    struct ptm_ival a = number(c, 0), b = number(c, 1);
    if (any_sym(a, b))
        return ptm_scalar_arith(c->t, '/', a, b);
    return ptm_float(real(c, 0) / real(c, 1));
}

static struct ptm_ival floordiv(const struct ptm_lower_call *c)
{
    struct ptm_ival a = number(c, 0), b = number(c, 1);
    if (any_sym(a, b) || both_int(a, b))
        return ptm_scalar_arith(c->t, 'f', a, b);
    return ptm_float(floor(real(c, 0) / real(c, 1)));
}

static double python_mod(double a, double b)
{
    return fmod(b + fmod(a, b), b);
}

static struct ptm_ival remainder_of(const struct ptm_lower_call *c)
{
    struct ptm_ival a = number(c, 0), b = number(c, 1);
    if (any_sym(a, b) || both_int(a, b))
        return ptm_scalar_arith(c->t, '%', a, b);
    return ptm_float(python_mod(real(c, 0), real(c, 1)));
}

static struct ptm_ival round_to_zero_floordiv(const struct ptm_lower_call *c)
{
    int64_t a = whole(c, 0), b = whole(c, 1);
    if (!b)
        return zero_division(c->t);
    return ptm_int(b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b);
}

static struct ptm_ival divmod(const struct ptm_lower_call *c)
{
    struct ptm_ival a = number(c, 0), b = number(c, 1);
    struct ptm_list *l = ptm_list_new(ptm_trace_arena(c->t), 2);
    if (!l)
        return ptm_none();
    if (any_sym(a, b) || both_int(a, b)) {
        l->v[0] = ptm_scalar_arith(c->t, 'f', a, b);
        l->v[1] = ptm_scalar_arith(c->t, '%', a, b);
    } else {
        double x = real(c, 0), y = real(c, 1), rem = fmod(x, y);
        if (y == 0)
            return zero_division(c->t);
        if (rem != 0 && (rem < 0) != (y < 0))
            rem += y;
        l->v[0] = ptm_float((x - rem) / y);
        l->v[1] = ptm_float(rem);
    }
    return (struct ptm_ival){.tag = PTM_TUPLE, .u.list = l};
}

static double power(struct ptm_trace *t, double a, double b)
{
    if (a == 0 && b < 0)
        ptm_trace_fail(t, PTM_ERR_RAISED, "the model raised ZeroDivisionError: 0.0 cannot be "
                                          "raised to a negative power");
    return pow(a, b);
}

static struct ptm_ival pow_float(const struct ptm_lower_call *c)
{
    struct ptm_ival a = number(c, 0), b = number(c, 1);
    if (a.tag == PTM_SYM && ptm_ival_equal(b, ptm_int(2))) {
        a = ptm_scalar_to_float(c->t, a);
        return ptm_scalar_arith(c->t, '*', a, a);
    }
    return ptm_float(power(c->t, real(c, 0), real(c, 1)));
}

static struct ptm_ival pow_int(const struct ptm_lower_call *c)
{
    return ptm_int(ptm_float_to_int(power(c->t, real(c, 0), real(c, 1))));
}

static struct ptm_ival neg(const struct ptm_lower_call *c)
{
    struct ptm_ival v = number(c, 0);
    return v.tag == PTM_FLOAT ? ptm_float(-v.u.f) : ptm_scalar_arith(c->t, '*', v, ptm_int(-1));
}

static struct ptm_ival absolute(const struct ptm_lower_call *c)
{
    if (c->schema->arg[0].type == S_TENSOR) /* prim::abs(Tensor) */
        return ptm_call(c->t, "aten::abs", 1, c->arg);
    struct ptm_ival v = number(c, 0);
    if (v.tag == PTM_FLOAT)
        return ptm_float(fabs(v.u.f));
    if (v.tag == PTM_SYM) /* only its sign must stay the same */
        return ptm_scalar_cmp(c->t, PTM_GE, v, ptm_int(0))
                   ? v
                   : ptm_scalar_arith(c->t, '*', v, ptm_int(-1));
    return ptm_int(v.u.i < 0 ? (int64_t)(0 - (uint64_t)v.u.i) : v.u.i);
}

static struct ptm_ival extreme(const struct ptm_lower_call *c, enum ptm_cmp wins)
{
    struct ptm_ival a = number(c, 0), b = number(c, 1);
    bool flt = a.tag == PTM_FLOAT || b.tag == PTM_FLOAT;
    struct ptm_ival v = ptm_scalar_cmp(c->t, wins, b, a) ? b : a;
    return flt ? ptm_scalar_to_float(c->t, v) : v;
}

static struct ptm_ival max_of(const struct ptm_lower_call *c)
{
    return extreme(c, PTM_GT);
}

static struct ptm_ival min_of(const struct ptm_lower_call *c)
{
    return extreme(c, PTM_LT);
}

/* -- bits and truth -- */

#define BITS(name, op)                                                                             \
    static struct ptm_ival name(const struct ptm_lower_call *c)                                    \
    {                                                                                              \
        if (c->arg[0].tag == PTM_BOOL && c->arg[1].tag == PTM_BOOL)                                \
            return ptm_bool((c->arg[0].u.b op c->arg[1].u.b) != 0);                                \
        return ptm_int(whole(c, 0) op whole(c, 1));                                                \
    }
BITS(bit_and, &)
BITS(bit_or, |)
BITS(bit_xor, ^)

static struct ptm_ival shift_left(const struct ptm_lower_call *c)
{
    int64_t a = whole(c, 0), n = whole(c, 1);
    return ptm_int(n < 0 || n > 63 ? 0 : (int64_t)((uint64_t)a << n));
}

static struct ptm_ival shift_right(const struct ptm_lower_call *c)
{
    int64_t a = whole(c, 0), n = whole(c, 1);
    n = n < 0 || n > 63 ? 63 : n;
    return ptm_int(a < 0 ? ~(~a >> n) : a >> n);
}

static struct ptm_ival not(const struct ptm_lower_call *c)
{
    return ptm_bool(!ptm_arg_bool(c->t, c->arg[0]));
}

/* -- comparisons: numbers, bools, strings, devices -- */

static struct ptm_ival compare(const struct ptm_lower_call *c, enum ptm_cmp cmp)
{
    if (c->arg[0].tag != PTM_STR && c->arg[1].tag != PTM_STR)
        return ptm_bool(ptm_scalar_cmp(c->t, cmp, number(c, 0), number(c, 1)));
    if (cmp == PTM_EQ || cmp == PTM_NE)
        return ptm_bool(ptm_value_equal(c->t, c->arg[0], c->arg[1]) == (cmp == PTM_EQ));
    int o = ptm_value_order(c->t, c->arg[0], c->arg[1]);
    return ptm_bool(cmp == PTM_LT   ? o < 0
                    : cmp == PTM_LE ? o <= 0
                    : cmp == PTM_GE ? o >= 0
                                    : o > 0);
}

#define COMPARE(name, cmp)                                                                         \
    static struct ptm_ival name(const struct ptm_lower_call *c)                                    \
    {                                                                                              \
        return compare(c, cmp);                                                                    \
    }
COMPARE(eq, PTM_EQ)
COMPARE(ne, PTM_NE)
COMPARE(lt, PTM_LT)
COMPARE(le, PTM_LE)
COMPARE(gt, PTM_GT)
COMPARE(ge, PTM_GE)

/* -- the math module -- */

static double degrees(double x)
{
    return x * (180 / 3.14159265358979323846);
}
static double radians(double x)
{
    return x * (3.14159265358979323846 / 180);
}
static double angle(double x)
{
    return isnan(x) ? x : x < 0 ? 3.14159265358979323846 : 0;
}

#define MATH(name, f)                                                                              \
    static struct ptm_ival name(const struct ptm_lower_call *c)                                    \
    {                                                                                              \
        return ptm_float(f(real(c, 0)));                                                           \
    }
MATH(math_sqrt, sqrt)
MATH(math_exp, exp)
MATH(math_expm1, expm1)
MATH(math_log1p, log1p)
MATH(math_log10, log10)
MATH(math_sin, sin)
MATH(math_cos, cos)
MATH(math_tan, tan)
MATH(math_asin, asin)
MATH(math_acos, acos)
MATH(math_atan, atan)
MATH(math_sinh, sinh)
MATH(math_cosh, cosh)
MATH(math_tanh, tanh)
MATH(math_asinh, asinh)
MATH(math_acosh, acosh)
MATH(math_atanh, atanh)
MATH(math_erf, erf)
MATH(math_erfc, erfc)
MATH(math_gamma, tgamma)
MATH(math_lgamma, lgamma)
MATH(math_fabs, fabs)
MATH(math_degrees, degrees)
MATH(math_radians, radians)
MATH(math_angle, angle)
MATH(math_round, rint)

static struct ptm_ival math_log(const struct ptm_lower_call *c)
{
    return ptm_float(c->n_arg > 1 ? log(real(c, 0)) / log(real(c, 1)) : log(real(c, 0)));
}

static struct ptm_ival math_ceil(const struct ptm_lower_call *c)
{
    struct ptm_ival v = ptm_scalar_known(c->t, number(c, 0));
    return v.tag == PTM_INT ? v : ptm_int(ptm_float_to_int(ceil(real(c, 0))));
}

static struct ptm_ival math_floor(const struct ptm_lower_call *c)
{
    struct ptm_ival v = ptm_scalar_known(c->t, number(c, 0));
    return v.tag == PTM_INT ? v : ptm_int(ptm_float_to_int(floor(real(c, 0))));
}

#define MATH2(name, f)                                                                             \
    static struct ptm_ival name(const struct ptm_lower_call *c)                                    \
    {                                                                                              \
        return ptm_float(f(real(c, 0), real(c, 1)));                                               \
    }
MATH2(math_atan2, atan2)
MATH2(math_copysign, copysign)
MATH2(math_fmod, fmod)
MATH2(math_remainder, remainder)

static struct ptm_ival math_ldexp(const struct ptm_lower_call *c)
{
    int64_t n = whole(c, 1);
    return ptm_float(ldexp(real(c, 0), n > 100000 ? 100000 : n < -100000 ? -100000 : (int)n));
}

static struct ptm_ival pair(const struct ptm_lower_call *c, struct ptm_ival a, struct ptm_ival b)
{
    struct ptm_list *l = ptm_list_new(ptm_trace_arena(c->t), 2);
    if (!l)
        return ptm_none();
    l->v[0] = a;
    l->v[1] = b;
    return (struct ptm_ival){.tag = PTM_TUPLE, .u.list = l};
}

static struct ptm_ival math_frexp(const struct ptm_lower_call *c)
{
    int e = 0;
    double m = frexp(real(c, 0), &e);
    return pair(c, ptm_float(m), ptm_int(e));
}

static struct ptm_ival math_modf(const struct ptm_lower_call *c)
{
    double i = 0, f = modf(real(c, 0), &i);
    return pair(c, ptm_float(f), ptm_float(i));
}

static struct ptm_ival math_gcd(const struct ptm_lower_call *c)
{
    int64_t x = whole(c, 0), y = whole(c, 1);
    uint64_t a = x < 0 ? 0 - (uint64_t)x : (uint64_t)x, b = y < 0 ? 0 - (uint64_t)y : (uint64_t)y;
    while (b) {
        uint64_t r = a % b;
        a = b;
        b = r;
    }
    return ptm_int((int64_t)a);
}

static struct ptm_ival math_factorial(const struct ptm_lower_call *c)
{
    int64_t n = whole(c, 0);
    if (n < 0)
        return ptm_trace_fail(c->t, PTM_ERR_RAISED, "the model raised ValueError: factorial() not "
                                                    "defined for negative values");
    uint64_t f = 1;
    for (int64_t i = 2; i <= n && f; i++)
        f *= (uint64_t)i; /* from 66! on the product is 0 modulo 2^64 */
    return ptm_int((int64_t)f);
}

#define CLASSIFY(name, f)                                                                          \
    static struct ptm_ival name(const struct ptm_lower_call *c)                                    \
    {                                                                                              \
        return ptm_bool(f(real(c, 0)) != 0);                                                       \
    }
CLASSIFY(math_isnan, isnan)
CLASSIFY(math_isinf, isinf)
CLASSIFY(math_isfinite, isfinite)

/* -- conversions -- */

static struct ptm_ival int_of(const struct ptm_lower_call *c)
{
    struct ptm_ival v = c->arg[0];
    if (v.tag == PTM_TENSOR)
        v = ptm_item(c->t, v.u.tensor);
    if (v.tag == PTM_SYM && !ptm_sym_is_float(v.u.sym))
        return v;
    v = ptm_scalar_known(c->t, v);
    return v.tag == PTM_BOOL    ? ptm_int(v.u.b)
           : v.tag == PTM_FLOAT ? ptm_int(ptm_float_to_int(v.u.f))
                                : v;
}

static struct ptm_ival float_of(const struct ptm_lower_call *c)
{
    struct ptm_ival v = c->arg[0];
    if (v.tag == PTM_TENSOR)
        v = ptm_item(c->t, v.u.tensor);
    return ptm_scalar_to_float(c->t, v);
}

static struct ptm_ival bool_of(const struct ptm_lower_call *c)
{
    return ptm_bool(ptm_arg_bool(c->t, c->arg[0]));
}

static struct ptm_ival scalar_of(const struct ptm_lower_call *c)
{
    return c->arg[0].tag == PTM_TENSOR ? ptm_item(c->t, c->arg[0].u.tensor) : c->arg[0];
}

static struct ptm_ival int_of_str(const struct ptm_lower_call *c)
{
    const char *s = ptm_arg_str(c->t, c->arg[0]);
    char *end;
    long long i = strtoll(s, &end, 10);
    if (end == s || *end)
        return ptm_trace_fail(c->t, PTM_ERR_RAISED, "the model raised ValueError: invalid literal "
                                                    "for int() with base 10: '%s'", s);
    return ptm_int(i);
}

static struct ptm_ival float_of_str(const struct ptm_lower_call *c)
{
    const char *s = ptm_arg_str(c->t, c->arg[0]);
    char *end;
    double f = strtod(s, &end);
    if (end == s || *end)
        return ptm_trace_fail(c->t, PTM_ERR_RAISED, "the model raised ValueError: could not "
                                                    "convert string to float: '%s'", s);
    return ptm_float(f);
}

static struct ptm_ival num_to_tensor(const struct ptm_lower_call *c)
{
    struct ptm_ival v = c->arg[0];
    enum ptm_dtype d = v.tag == PTM_BOOL ? PTM_BOOL8 : PTM_I64;
    if (v.tag == PTM_FLOAT || (v.tag == PTM_SYM && ptm_sym_is_float(v.u.sym)))
        d = PTM_F64;
    return ptm_tensor_ival(ptm_to_tensor(c->t, v, d));
}

/* The overloads that have the same meaning. */
#define UNARY(name, fn) {name ".int", fn}, {name ".float", fn}, {name ".Scalar", fn}
#define BINARY(name, fn)                                                                           \
    {name ".int", fn}, {name ".float", fn}, {name ".int_float", fn}, {name ".float_int", fn}
#define RELATION(name, fn) BINARY(name, fn), {name ".bool", fn}, {name ".str", fn}

const struct ptm_lowering ptm_lower_scalar[] = {
    BINARY("aten::add", add),
    BINARY("aten::sub", sub),
    BINARY("aten::mul", mul),
    BINARY("aten::div", divide),
    BINARY("ptm::div_0_3", divide),
    BINARY("aten::floordiv", floordiv),
    {"aten::floordiv", floordiv},
    BINARY("aten::remainder", remainder_of),
    BINARY("aten::divmod", divmod),
    BINARY("aten::pow", pow_float),
    {"aten::pow.Scalar_Scalar", pow_float},
    {"aten::pow.int_to_int", pow_int},
    {"aten::__round_to_zero_floordiv.int", round_to_zero_floordiv},
    UNARY("aten::neg", neg),
    {"prim::abs", absolute},
    {"prim::max", max_of},
    {"prim::min", min_of},
    {"aten::__and__.int", bit_and},
    {"aten::__and__.bool", bit_and},
    {"aten::__or__.int", bit_or},
    {"aten::__or__.bool", bit_or},
    {"aten::__xor__.int", bit_xor},
    {"aten::__xor__.bool", bit_xor},
    {"aten::__lshift__.int", shift_left},
    {"aten::__rshift__.int", shift_right},
    {"aten::__not__", not},
    RELATION("aten::eq", eq),
    {"aten::eq.device", eq},
    RELATION("aten::ne", ne),
    {"aten::ne.device", ne},
    RELATION("aten::lt", lt),
    RELATION("aten::le", le),
    RELATION("aten::gt", gt),
    RELATION("aten::ge", ge),
    UNARY("aten::sqrt", math_sqrt),
    UNARY("aten::exp", math_exp),
    UNARY("aten::expm1", math_expm1),
    UNARY("aten::log", math_log),
    {"aten::log.int_int", math_log},
    {"aten::log.float_float", math_log},
    {"aten::log.int_float", math_log},
    {"aten::log.float_int", math_log},
    {"aten::log.Scalar_Scalar", math_log},
    UNARY("aten::log1p", math_log1p),
    UNARY("aten::log10", math_log10),
    UNARY("aten::sin", math_sin),
    UNARY("aten::cos", math_cos),
    UNARY("aten::tan", math_tan),
    UNARY("aten::asin", math_asin),
    UNARY("aten::acos", math_acos),
    UNARY("aten::atan", math_atan),
    UNARY("aten::sinh", math_sinh),
    UNARY("aten::cosh", math_cosh),
    UNARY("aten::tanh", math_tanh),
    UNARY("aten::asinh", math_asinh),
    UNARY("aten::acosh", math_acosh),
    UNARY("aten::atanh", math_atanh),
    UNARY("aten::erf", math_erf),
    UNARY("aten::erfc", math_erfc),
    UNARY("aten::gamma", math_gamma),
    UNARY("aten::lgamma", math_lgamma),
    UNARY("aten::fabs", math_fabs),
    UNARY("aten::degrees", math_degrees),
    UNARY("aten::radians", math_radians),
    UNARY("aten::angle", math_angle),
    UNARY("aten::round", math_round),
    UNARY("aten::ceil", math_ceil),
    UNARY("aten::floor", math_floor),
    BINARY("aten::atan2", math_atan2),
    {"aten::atan2.Scalar_Scalar", math_atan2},
    BINARY("aten::copysign", math_copysign),
    BINARY("aten::fmod", math_fmod),
    BINARY("aten::mathremainder", math_remainder),
    {"aten::mathremainder", math_remainder},
    {"aten::ldexp", math_ldexp},
    {"aten::frexp", math_frexp},
    {"aten::modf", math_modf},
    {"aten::gcd.int", math_gcd},
    {"aten::factorial.int", math_factorial},
    {"aten::isnan.float", math_isnan},
    {"aten::isinf.float", math_isinf},
    {"aten::isfinite.float", math_isfinite},
    {"aten::Int", int_of},
    {"aten::Int.str", int_of_str},
    {"aten::IntImplicit", int_of},
    {"aten::Float", float_of},
    {"aten::Float.str", float_of_str},
    {"aten::FloatImplicit", float_of},
    {"aten::Bool", bool_of},
    {"aten::is_nonzero", bool_of},
    {"aten::ScalarImplicit", scalar_of},
    {"aten::item", scalar_of},
    {"aten::_local_scalar_dense", scalar_of},
    {"prim::NumToTensor", num_to_tensor},
    {NULL, NULL},
};
