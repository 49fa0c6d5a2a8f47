/* SPDX-License-Identifier: BSD-2-Clause */
/* Reference kernels: elementwise operators of one input. */
#include "kernels/ref_ops.h"
#include "kernels/ref_util.h"

#include <math.h>

enum { MAX_PARAMS = 3 };

/* In place over a block; p: the operator's float attributes. */
typedef void float_fn(double *v, int64_t n, const double *p);
typedef void int_fn(int64_t *v, int64_t n, const double *p);

/* `ints` NULL: integers are computed as double. */
static int unary(const struct ptm_ref_call *c, float_fn *floats, int_fn *ints)
{
    const struct ptm_nd *y = c->out, *x = c->in;
    double p[MAX_PARAMS] = {0};
    for (int k = 0; k < c->n_attr && k < MAX_PARAMS; k++) /* PyTorch holds them in the type of x */
        p[k] = y->dtype == PTM_F64 || !ptm_ref_is_float(y->dtype) ? c->attr[k].f
                                                                  : (double)(float)c->attr[k].f;
    struct ptm_ref_walk w;
    ptm_ref_walk_init(&w, y->rank, y->dim);
    ptm_ref_walk_add(&w, y);
    ptm_ref_walk_add(&w, x);
    bool as_int = ints && !ptm_ref_is_float(x->dtype);
    for (bool go = ptm_ref_walk_begin(&w); go; go = ptm_ref_walk_next(&w)) {
        if (as_int) {
            int64_t v[PTM_REF_BLOCK];
            ptm_ref_load_i(v, x, w.at[1], w.step[1], w.n);
            ints(v, w.n, p);
            ptm_ref_store_i(y, w.at[0], w.step[0], v, w.n);
        } else {
            double v[PTM_REF_BLOCK];
            ptm_ref_load_f(v, x, w.at[1], w.step[1], w.n);
            floats(v, w.n, p);
            ptm_ref_store_f(y, w.at[0], w.step[0], v, w.n);
        }
    }
    return 0;
}

#define FLOAT_FN(name, expr)                                                                      \
    static void name##_f(double *v, int64_t n, const double *p)                                   \
    {                                                                                             \
        (void)p;                                                                                  \
        for (int64_t k = 0; k < n; k++) {                                                         \
            const double x = v[k];                                                                \
            v[k] = expr;                                                                          \
        }                                                                                         \
    }
#define INT_FN(name, expr)                                                                        \
    static void name##_i(int64_t *v, int64_t n, const double *p)                                  \
    {                                                                                             \
        (void)p;                                                                                  \
        for (int64_t k = 0; k < n; k++) {                                                         \
            const int64_t x = v[k];                                                               \
            v[k] = expr;                                                                          \
        }                                                                                         \
    }
/* Float arithmetic for every type. */
#define UNARY(name, expr)                                                                         \
    FLOAT_FN(name, expr)                                                                          \
    int ptm_ref_##name(const struct ptm_ref_call *c)                                              \
    {                                                                                             \
        return unary(c, name##_f, NULL);                                                          \
    }
/* Integer types have arithmetic of their own. */
#define UNARY_INT(name, expr, int_expr)                                                           \
    FLOAT_FN(name, expr)                                                                          \
    INT_FN(name, int_expr)                                                                        \
    int ptm_ref_##name(const struct ptm_ref_call *c)                                              \
    {                                                                                             \
        return unary(c, name##_f, name##_i);                                                      \
    }

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double log_sigmoid(double x)
{
    return (x < 0 ? x : 0 * x) - log1p(exp(-fabs(x)));
}

static double gelu_tanh(double x)
{
    return 0.5 * x * (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
}

static double softplus(double x)
{
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

/* NaN stays; infinite bounds change nothing. */
static double clamp(double x, double lo, double hi)
{
    if (x < lo)
        x = lo;
    return x > hi ? hi : x;
}

static int64_t clamp_int(int64_t x, double lo, double hi)
{
    if (lo > -9223372036854775808.0)
        x = lo >= 9223372036854775808.0 ? INT64_MAX : x < (int64_t)lo ? (int64_t)lo : x;
    if (hi < 9223372036854775808.0)
        x = hi < -9223372036854775808.0 ? INT64_MIN : x > (int64_t)hi ? (int64_t)hi : x;
    return x;
}

UNARY_INT(neg, -x, (int64_t)(0 - (uint64_t)x))
UNARY_INT(abs, fabs(x), (int64_t)(x < 0 ? 0 - (uint64_t)x : (uint64_t)x))
UNARY_INT(sign, (double)((x > 0) - (x < 0)), (x > 0) - (x < 0))
UNARY_INT(floor, floor(x), x)
UNARY_INT(ceil, ceil(x), x)
UNARY_INT(round, rint(x), x)
UNARY_INT(trunc, trunc(x), x)
UNARY(sqrt, sqrt(x))
UNARY(rsqrt, 1 / sqrt(x))
UNARY(reciprocal, 1 / x)
UNARY(exp, exp(x))
UNARY(exp2, exp2(x))
UNARY(expm1, expm1(x))
UNARY(log, log(x))
UNARY(log1p, log1p(x))
UNARY(log2, log2(x))
UNARY(log10, log10(x))
UNARY(sin, sin(x))
UNARY(cos, cos(x))
UNARY(tan, tan(x))
UNARY(asin, asin(x))
UNARY(acos, acos(x))
UNARY(atan, atan(x))
UNARY(sinh, sinh(x))
UNARY(cosh, cosh(x))
UNARY(tanh, tanh(x))
UNARY(asinh, asinh(x))
UNARY(acosh, acosh(x))
UNARY(atanh, atanh(x))
UNARY(erf, erf(x))
UNARY(erfc, erfc(x))
UNARY(sigmoid, sigmoid(x))
UNARY(log_sigmoid, log_sigmoid(x))
UNARY_INT(relu, x < 0 ? 0 : x, x < 0 ? 0 : x)
UNARY_INT(clamp, clamp(x, p[0], p[1]), clamp_int(x, p[0], p[1]))
UNARY(hardsigmoid, clamp(x + 3, 0, 6) / 6)
UNARY(hardswish, x *clamp(x + 3, 0, 6) / 6)
UNARY(silu, x / (1 + exp(-x)))
UNARY(mish, x *tanh(softplus(x)))
UNARY(elu, p[1] * (x > 0 ? x : p[0] * expm1(p[2] * x)))
UNARY(leaky_relu, x > 0 ? x : p[0] * x)
UNARY(softplus, p[0] * x > p[1] ? x : log1p(exp(p[0] * x)) / p[0])
UNARY(hardshrink, x >= -p[0] && x <= p[0] ? 0 : x)
UNARY(softshrink, x > p[0] ? x - p[0] : x < -p[0] ? x + p[0] : x * 0)
UNARY_INT(threshold, x <= p[0] ? p[1] : x, (double)x <= p[0] ? clamp_int(0, p[1], p[1]) : x)
UNARY(logical_not, x == 0)
UNARY(isnan, isnan(x) != 0)
UNARY(isinf, isinf(x) != 0)

FLOAT_FN(gelu_erf, 0.5 * x * erfc(-x * 0.70710678118654752440))
FLOAT_FN(gelu_tanh, gelu_tanh(x))

int ptm_ref_gelu(const struct ptm_ref_call *c)
{
    return unary(c, c->attr[0].i ? gelu_tanh_f : gelu_erf_f, NULL);
}

FLOAT_FN(keep, x)
INT_FN(keep, x)
INT_FN(not_bits, ~x)

int ptm_ref_bitwise_not(const struct ptm_ref_call *c)
{
    return c->in->dtype == PTM_BOOL8 ? ptm_ref_logical_not(c) : unary(c, keep_f, not_bits_i);
}

int ptm_ref_cast(const struct ptm_ref_call *c)
{
    return unary(c, keep_f, keep_i);
}
