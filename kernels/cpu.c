/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks the processor through the compiler's own probe, which also asks the operating system whether
 * it saves the wide registers. */
#include "kernels/cpu.h"

#include <stdatomic.h>

static _Atomic uint32_t allowed = UINT32_MAX;

static uint32_t probe(void)
{
    uint32_t flags = PTM_CPU_C;
#if defined(__x86_64__) || defined(__i386__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        flags |= PTM_CPU_AVX2;
    if (flags & PTM_CPU_AVX2 && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512vl"))
        flags |= PTM_CPU_AVX512;
#elif defined(__aarch64__)
    flags |= PTM_CPU_NEON;
#endif
    return flags;
}

uint32_t ptm_cpu_flags(void)
{
    return probe() & (atomic_load(&allowed) | PTM_CPU_C);
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
    }
    return "?";
}
