/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vectors of VL floats, the widest that the file's -m flags give: GNU vector extensions, and the
 * few operations for which C has no operator. For kernels/<family>.inc only: everything here is
 * static, since each file that includes it is compiled for another ISA.
 *
 * VMIN and VMAX give their second argument when one is NaN, except on Arm (NaN wins there), so
 * that vmax(bound, x) keeps a NaN x everywhere.
 */
#ifndef PTM_KERNELS_VEC_H
#define PTM_KERNELS_VEC_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
enum { VL = 16 };
#define VEC_BYTES 64
#elif defined(__AVX2__)
#include <immintrin.h>
enum { VL = 8 };
#define VEC_BYTES 32
#else
#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif
enum { VL = 4 };
#define VEC_BYTES 16
#endif

#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

typedef float vf __attribute__((vector_size(VEC_BYTES)));
typedef int32_t vi __attribute__((vector_size(VEC_BYTES)));
typedef float vf_mem __attribute__((vector_size(VEC_BYTES), aligned(4), may_alias));

static inline vf vload(const float *p)
{
    return *(const vf_mem *)p;
}
static inline void vstore(float *p, vf v)
{
    *(vf_mem *)p = v;
}
static inline vf vset(float x)
{
    return x - (vf){0}; /* x - 0 is x, -0 and NaN included */
}

/* The first n < VL elements; others 0. */
static inline vf vload_part(const float *p, size_t n)
{
#if defined(__AVX512F__)
    return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#else
    float t[VL] = {0};
    for (size_t i = 0; i < n; i++)
        t[i] = p[i];
    return vload(t);
#endif
}
static inline void vstore_part(float *p, vf v, size_t n)
{
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#else
    float t[VL];
    vstore(t, v);
    for (size_t i = 0; i < n; i++)
        p[i] = t[i];
#endif
}

/* -1 in the first n elements, 0 behind them */
static inline vi vfirst(size_t n)
{
    static const int32_t ones[2 * VL] = {
        -1, -1, -1, -1,
#if VEC_BYTES > 16
        -1, -1, -1, -1,
#endif
#if VEC_BYTES > 32
        -1, -1, -1, -1, -1, -1, -1, -1,
#endif
    };
    vi v;
    memcpy(&v, ones + VL - n, sizeof v);
    return v;
}
/* mask elements are 0 or -1 */
static inline vf vselect(vi mask, vf a, vf b)
{
    return (vf)((mask & (vi)a) | (~mask & (vi)b));
}

#if defined(__AVX512F__)
static inline vf vmax(vf a, vf b)
{
    return (vf)_mm512_max_ps((__m512)a, (__m512)b);
}
static inline vf vmin(vf a, vf b)
{
    return (vf)_mm512_min_ps((__m512)a, (__m512)b);
}
static inline vf vsqrt(vf a)
{
    return (vf)_mm512_sqrt_ps((__m512)a);
}
#elif defined(__AVX2__)
static inline vf vmax(vf a, vf b)
{
    return (vf)_mm256_max_ps((__m256)a, (__m256)b);
}
static inline vf vmin(vf a, vf b)
{
    return (vf)_mm256_min_ps((__m256)a, (__m256)b);
}
static inline vf vsqrt(vf a)
{
    return (vf)_mm256_sqrt_ps((__m256)a);
}
#elif defined(__SSE2__)
static inline vf vmax(vf a, vf b)
{
    return (vf)_mm_max_ps((__m128)a, (__m128)b);
}
static inline vf vmin(vf a, vf b)
{
    return (vf)_mm_min_ps((__m128)a, (__m128)b);
}
static inline vf vsqrt(vf a)
{
    return (vf)_mm_sqrt_ps((__m128)a);
}
#elif defined(__ARM_NEON) && defined(__aarch64__)
static inline vf vmax(vf a, vf b)
{
    return (vf)vmaxq_f32((float32x4_t)a, (float32x4_t)b);
}
static inline vf vmin(vf a, vf b)
{
    return (vf)vminq_f32((float32x4_t)a, (float32x4_t)b);
}
static inline vf vsqrt(vf a)
{
    return (vf)vsqrtq_f32((float32x4_t)a);
}
#else
static inline vf vmax(vf a, vf b)
{
    return vselect((vi)(a > b), a, b);
}
static inline vf vmin(vf a, vf b)
{
    return vselect((vi)(a < b), a, b);
}
static inline vf vsqrt(vf a)
{
    for (int i = 0; i < VL; i++)
        a[i] = __builtin_sqrtf(a[i]);
    return a;
}
#endif

static inline vf vclamp(vf x, vf lo, vf hi)
{
    return vmin(hi, vmax(lo, x));
}
static inline vf vabs(vf x)
{
    return (vf)((vi)x & 0x7fffffff);
}

/* Halves are added, so the order is the same for every compiler. */
static inline float vsum(vf x)
{
    float t[VL];
    vstore(t, x);
    for (int n = VL / 2; n > 0; n /= 2)
        for (int i = 0; i < n; i++)
            t[i] += t[i + n];
    return t[0];
}
static inline float vmax_all(vf x) /* NaN: any */
{
    float t[VL], m;
    vstore(t, x);
    m = t[0];
    for (int i = 1; i < VL; i++)
        m = t[i] > m ? t[i] : m;
    return m;
}

#endif
