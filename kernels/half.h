/* SPDX-License-Identifier: BSD-2-Clause */
/* Conversions between f32 and the 16-bit float types, by integer arithmetic; narrowing rounds to
 * nearest even. */
#ifndef PTM_KERNELS_HALF_H
#define PTM_KERNELS_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint32_t ptm_f32_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static inline float ptm_bits_f32(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static inline float ptm_bf16_to_f32(uint16_t h)
{
    return ptm_bits_f32((uint32_t)h << 16);
}

static inline uint16_t ptm_f32_to_bf16(float f)
{
    uint32_t u = ptm_f32_bits(f);
    if ((u & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)((u >> 16) | 0x40); /* NaN stays NaN */
    return (uint16_t)((u + 0x7fff + ((u >> 16) & 1)) >> 16);
}

static inline float ptm_f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exp = (h >> 10) & 31, frac = h & 0x3ff;
    if (exp == 31)
        return ptm_bits_f32(sign | 0x7f800000u | frac << 13);
    if (exp == 0) { /* subnormal: frac * 2^-24, exact in f32 */
        float v = (float)frac * ptm_bits_f32(0x33800000u);
        return sign ? -v : v;
    }
    return ptm_bits_f32(sign | (exp + 112) << 23 | frac << 13);
}

static inline uint16_t ptm_f32_to_f16(float f)
{
    uint32_t u = ptm_f32_bits(f), sign = (u >> 16) & 0x8000;
    u &= 0x7fffffffu;
    if (u > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00 | ((u >> 13) & 0x3ff));
    if (u >= 0x477ff000u) /* 65520 and more round to infinity */
        return (uint16_t)(sign | 0x7c00);
    if (u >= 0x38800000u) { /* normal: rebias, then round the 13 low bits away */
        u -= 112u << 23;
        return (uint16_t)(sign | (u + 0xfff + ((u >> 13) & 1)) >> 13);
    }
    if (u <= 0x33000000u) /* 2^-25 and less round to zero */
        return (uint16_t)sign;
    uint32_t shift = 126 - (u >> 23), frac = (u & 0x7fffffu) | 0x800000u;
    uint32_t half = 1u << (shift - 1), rest = frac & (2 * half - 1), q = frac >> shift;
    q += rest > half || (rest == half && (q & 1));
    return (uint16_t)(sign | q);
}

#endif
