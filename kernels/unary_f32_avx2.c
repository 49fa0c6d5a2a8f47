/* SPDX-License-Identifier: BSD-2-Clause */
/* kernels/unary_f32.inc for AVX2 and FMA: flags are set by the Makefile from the file's name. */
#if defined(__AVX2__) && defined(__FMA__)
#define KERNEL(name) ptm_##name##_avx2
#include "kernels/unary_f32.inc"
#else
typedef int nothing_here;
#endif
