/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unary_f32 against libm in double: numbers of all binades, special ones, 0 to 130 elements. The
 * bounds are the kernels' contract: units in the last place, and an absolute part where a
 * difference of near numbers is inside.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/kernels/checkkern.h"

static const float params[3] = {0.7F, 1.3F, 1.1F};

static double value(enum ptm_unary op, double x)
{
    double p0 = (double)params[0], p1 = (double)params[1], p2 = (double)params[2];
    switch (op) {
    case PTM_UNARY_NEG:
        return -x;
    case PTM_UNARY_ABS:
        return fabs(x);
    case PTM_UNARY_SQRT:
        return sqrt(x);
    case PTM_UNARY_RSQRT:
        return 1 / sqrt(x);
    case PTM_UNARY_RECIPROCAL:
        return 1 / x;
    case PTM_UNARY_EXP:
        return exp(x);
    case PTM_UNARY_TANH:
        return tanh(x);
    case PTM_UNARY_ERF:
        return erf(x);
    case PTM_UNARY_SIGMOID:
        return 1 / (1 + exp(-x));
    case PTM_UNARY_RELU:
        return x < 0 ? 0 : x;
    case PTM_UNARY_CLAMP:
        return x < p0 ? p0 : x > p1 ? p1 : x;
    case PTM_UNARY_HARDSIGMOID:
        return x < -3 ? 0 : x > 3 ? 1 : (x + 3) / 6;
    case PTM_UNARY_HARDSWISH:
        return x * (x < -3 ? 0 : x > 3 ? 1 : (x + 3) / 6);
    case PTM_UNARY_SILU:
        return x / (1 + exp(-x));
    case PTM_UNARY_MISH:
        return x * tanh(x > 20 ? x : log1p(exp(x)));
    case PTM_UNARY_GELU:
        return 0.5 * x * (1 + erf(x * 0.70710678118654752));
    case PTM_UNARY_GELU_TANH:
        return 0.5 * x * (1 + tanh(0.79788456080286536 * (x + 0.044715 * x * x * x)));
    case PTM_UNARY_ELU:
        return p1 * (x > 0 ? x : p0 * expm1(p2 * x));
    case PTM_UNARY_LEAKY_RELU:
        return x > 0 ? x : p0 * x;
    case PTM_N_UNARY:
        break;
    }
    return 0;
}

/* Units in the last place, and absolute error (times |x| for functions that multiply by x). */
static const struct {
    double ulp, absolute;
    bool times_x;
} limits[PTM_N_UNARY] = {
    [PTM_UNARY_RSQRT] = {2, 0, false},
    [PTM_UNARY_RECIPROCAL] = {1, 0, false},
    [PTM_UNARY_SQRT] = {1, 0, false},
    [PTM_UNARY_EXP] = {2, 0, false},
    [PTM_UNARY_TANH] = {4, 0, false},
    [PTM_UNARY_ERF] = {4, 0, false},
    [PTM_UNARY_SIGMOID] = {4, 0, false},
    [PTM_UNARY_HARDSIGMOID] = {4, 0, false},
    [PTM_UNARY_HARDSWISH] = {4, 1e-7, true},
    [PTM_UNARY_SILU] = {4, 0, false},
    [PTM_UNARY_MISH] = {8, 0, false},
    [PTM_UNARY_GELU] = {4, 3e-7, true},
    [PTM_UNARY_GELU_TANH] = {4, 3e-7, true},
    [PTM_UNARY_ELU] = {5, 0, false},
    [PTM_UNARY_LEAKY_RELU] = {1, 0, false},
};

static void compare(struct kern_test *t, enum ptm_unary op, const float *x, const float *y,
                    size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double want = value(op, (double)x[i]), absolute = limits[op].absolute;
        if (limits[op].times_x)
            absolute *= isfinite(x[i]) ? fabs((double)x[i]) : 0;
        kern_near(t, y[i], want, absolute + 1.5e-45 * limits[op].ulp,
                  limits[op].ulp * 0x1p-24 * 2, "op %d of %a", (int)op, (double)x[i]);
    }
}

/* Where the formula's parts leave the range of f32 before the result does. */
static float in_reach(enum ptm_unary op, float f)
{
    bool product = op == PTM_UNARY_SILU || op == PTM_UNARY_MISH || op == PTM_UNARY_GELU ||
                   op == PTM_UNARY_GELU_TANH || op == PTM_UNARY_HARDSWISH;
    bool tail = op == PTM_UNARY_SILU || op == PTM_UNARY_MISH || op == PTM_UNARY_SIGMOID;
    if ((product && f < 0 && isinf(f)) || (tail && f < -80))
        return -80;
    return f;
}

/* Of any binade, or around where functions bend. */
static float number(enum ptm_unary op, size_t i)
{
    static const float special[] = {0, -0.0F, INFINITY, -INFINITY, NAN, FLT_MIN, -FLT_MIN, 1e-45F,
                                    FLT_MAX, -FLT_MAX, 1, -1, 3, -3, 88.8F, -87.5F, -104, 20};
    if (i < sizeof(special) / sizeof(*special))
        return in_reach(op, special[i]);
    if (i % 3)
        return kern_draw(-12, 12);
    uint32_t bits = (uint32_t)kern_below(UINT32_MAX);
    float f;
    memcpy(&f, &bits, 4);
    return in_reach(op, f);
}

static void call(void *ctx)
{
    void **p = ctx;
    struct kern_test *t = p[0];
    t->k.unary_f32(*(enum ptm_unary *)p[1], 4096, p[2], p[3], params);
}

void check_unary_f32(struct kern_test *t)
{
    for (int op = 0; op < PTM_N_UNARY; op++) {
        enum ptm_unary u = (enum ptm_unary)op;
        struct kern_buf x = kern_alloc(4096, 1), y = kern_alloc(4096, 2);
        for (size_t i = 0; i < 4096; i++)
            x.p[i] = number(u, i);
        if (t->bench) {
            void *all[4] = {t, &u, x.p, y.p};
            char what[32];
            snprintf(what, sizeof(what), "op %d, 4096 elements", op);
            for (size_t i = 0; i < 4096; i++)
                x.p[i] = kern_draw(-4, 4);
            kern_time(t, what, 4096, call, all);
        } else {
            t->k.unary_f32(u, 4096, x.p, y.p, params);
            compare(t, u, x.p, y.p, 4096);
        }
        kern_free(t, &x);
        kern_free(t, &y);
        for (size_t n = 0; n <= 130 && !t->bench; n++) {
            struct kern_buf a = kern_random(n, n % 4, -3, 3), b = kern_alloc(n, n % 3);
            t->k.unary_f32(u, n, a.p, b.p, params);
            compare(t, u, a.p, b.p, n);
            float copy[130];
            memcpy(copy, b.p, n * sizeof(*copy));
            t->k.unary_f32(u, n, a.p, a.p, params); /* in place */
            kern_same_bits(t, a.p, copy, n, "in place");
            kern_free(t, &a);
            kern_free(t, &b);
        }
    }
}
