/* SPDX-License-Identifier: BSD-2-Clause */
/* What this processor can do, as far as kernels care. */
#ifndef PTM_KERNELS_CPU_H
#define PTM_KERNELS_CPU_H

#include <stdint.h>

enum ptm_cpu { /* one bit each */
    PTM_CPU_C = 1, /* always there */
    PTM_CPU_AVX2 = 2, /* AVX2 and FMA */
    PTM_CPU_AVX512 = 4, /* AVX-512F and VL, and AVX2 */
    PTM_CPU_NEON = 8,
    /* products of bytes and of halves */
    PTM_CPU_AVXVNNI = 16,
    PTM_CPU_AVX512VNNI = 32,
    PTM_CPU_AMXINT8 = 64, /* who uses it asks the system for its registers first */
    PTM_CPU_FP16 = 128,   /* NEON in half precision */
    PTM_CPU_DOTPROD = 256,
    PTM_CPU_I8MM = 512,
    PTM_N_CPU = 10,
};

/* Flags of this processor and build, less what the mask takes away. */
uint32_t ptm_cpu_flags(void);
/* Restricts the flags of this process from now on, for tests and --cpu; UINT32_MAX: no limit.
 * PTM_CPU_C stays. */
void ptm_cpu_mask(uint32_t flags);
const char *ptm_cpu_name(enum ptm_cpu flag); /* "avx2" */

#endif
