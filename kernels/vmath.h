/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exp, tanh and erf of vectors, for kernels/<family>.inc. Polynomials fitted by scripts of our own
 * (weighted least squares, reweighted to equal ripples). Bounds measured over all binades against
 * double by tests/kernels/check_unary.c: vexp 2 ulp, also where results are subnormal; vtanh
 * 4 ulp; verf 4 ulp; vexpm1 4 ulp for x <= 0.
 */
#ifndef PTM_KERNELS_VMATH_H
#define PTM_KERNELS_VMATH_H

#include "kernels/vec.h"

/* x = n ln 2 + r, |r| <= ln 2 / 2; gives e^r - 1 */
static inline vf reduced_expm1(vf x, vi *n)
{
    const vf round = vset(0x1.8p23f); /* adding it leaves an integer in the low bits */
    vf t = x * 0x1.715476p+0f + round;
    *n = (vi)t - (vi)round;
    t -= round;
    vf r = x - t * 0x1.62e4p-1f; /* exact product: 14 bits */
    r = r - t * 0x1.7f7d1cp-20f;
    vf q = 0x1.6db414p-10f * r + 0x1.123b46p-7f;
    q = q * r + 0x1.55545ep-5f;
    q = q * r + 0x1.55549p-3f;
    q = q * r + 0.5f;
    return r * r * q + r;
}

static inline vf power_of_2(vi n) /* -126 <= n <= 127 */
{
    return (vf)((n + 127) << 23);
}

static inline vf vexp(vf x)
{
    vi n;
    x = vclamp(x, vset(-105.0f), vset(89.0f));
    vf p = reduced_expm1(x, &n) + 1.0f;
    vi half = n >> 1; /* in two steps: up to infinity, down to subnormals */
    return p * power_of_2(half) * power_of_2(n - half);
}

/* e^x - 1 for x <= 0 */
static inline vf vexpm1(vf x)
{
    vi n;
    x = vmax(vset(-80.0f), x);
    vf p = reduced_expm1(x, &n), s = power_of_2(n);
    return p * s + (s - 1.0f);
}

static inline vf vcopysign(vf x, vf sign)
{
    const vi bit = (vi)vset(-0.0f);
    return (vf)(((vi)x & ~bit) | ((vi)sign & bit));
}

static inline vf vtanh(vf x)
{
    vf a = vabs(x), s = x * x;
    vf p = -0.00571704f * s + 0.02065059f;
    p = p * s - 0.0537435f;
    p = p * s + 0.13331491f;
    p = p * s - 0.33333284f;
    p = x * s * p + x;
    vf e = 1.0f - 2.0f / (vexp(a + a) + 1.0f);
    return vselect((vi)(a < 0.625f), p, vcopysign(e, x));
}

static inline vf verf(vf x)
{
    vf a = vabs(x), s = x * x;
    vf p = 7.88912267e-05f * s - 8.02084221e-04f;
    p = p * s + 5.18953544e-03f;
    p = p * s - 2.68544446e-02f;
    p = p * s + 1.12836002e-01f;
    p = p * s - 3.76126271e-01f;
    p = p * s + 1.12837917e+00f;
    vf t = vmin(vset(4.0f), a); /* -ln(1 - erf(t)); from 4 on erf is 1 */
    vf q = -1.85574071e-04f * t + 2.93960789e-03f;
    q = q * t - 2.18053206e-02f;
    q = q * t + 1.03037373e-01f;
    q = q * t + 6.38225672e-01f;
    q = q * t + 1.12704004e+00f;
    q = q * t + 3.53718762e-04f;
    vf e = vcopysign(1.0f - vexp(-q), x);
    return vselect((vi)(a < 1.0f), x * p, vselect((vi)(x == x), e, x));
}

static inline vf vsigmoid(vf x)
{
    return 1.0f / (1.0f + vexp(-x));
}

#endif
