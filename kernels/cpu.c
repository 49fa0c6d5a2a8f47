/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asks the processor (x86, through the compiler's own probe where that knows: it also asks whether
 * the system saves the wide registers) or the system (ARM: the auxiliary vector, which emulators
 * fill in too, other than /proc/cpuinfo).
 */
#include "kernels/cpu.h"

#include <stdatomic.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

static _Atomic uint32_t allowed = UINT32_MAX;

#if defined(__x86_64__)
static uint32_t probe(void)
{
    uint32_t flags = 0, a, b, c, d, top, xcr0 = 0;
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return 0;
    flags |= PTM_CPU_AVX2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl"))
        flags |= PTM_CPU_AVX512;
    if (!__get_cpuid_count(7, 0, &top, &b, &c, &d))
        return flags;
    if (flags & PTM_CPU_AVX512 && c >> 11 & 1)
        flags |= PTM_CPU_AVX512VNNI;
    if (d >> 24 & d >> 25 & 1) { /* tiles and their products; does the system save them? */
        __asm__("xgetbv" : "=a"(xcr0), "=d"(a) : "c"(0));
        if ((xcr0 >> 17 & 3) == 3)
            flags |= PTM_CPU_AMXINT8;
    }
    if (top >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) && a >> 4 & 1)
        flags |= PTM_CPU_AVXVNNI;
    return flags;
}
#elif defined(__aarch64__)
static uint32_t probe(void)
{
    unsigned long hwcap = getauxval(AT_HWCAP), hwcap2 = getauxval(AT_HWCAP2);
    return (uint32_t)PTM_CPU_NEON | (hwcap >> 10 & 1 ? PTM_CPU_FP16 : 0) |
           (hwcap >> 20 & 1 ? PTM_CPU_DOTPROD : 0) | (hwcap2 >> 13 & 1 ? PTM_CPU_I8MM : 0);
}
#else
static uint32_t probe(void)
{
    return 0;
}
#endif

uint32_t ptm_cpu_flags(void)
{
    return PTM_CPU_C | (probe() & atomic_load(&allowed));
}

void ptm_cpu_mask(uint32_t flags)
{
    atomic_store(&allowed, flags);
}

const char *ptm_cpu_name(enum ptm_cpu flag)
{
    switch (flag) {
    case PTM_CPU_C:
        return "c";
    case PTM_CPU_AVX2:
        return "avx2";
    case PTM_CPU_AVX512:
        return "avx512";
    case PTM_CPU_NEON:
        return "neon";
    case PTM_CPU_AVXVNNI:
        return "avxvnni";
    case PTM_CPU_AVX512VNNI:
        return "avx512vnni";
    case PTM_CPU_AMXINT8:
        return "amxint8";
    case PTM_CPU_FP16:
        return "fp16";
    case PTM_CPU_DOTPROD:
        return "dotprod";
    case PTM_CPU_I8MM:
        return "i8mm";
    case PTM_N_CPU:
        break;
    }
    return "?";
}
