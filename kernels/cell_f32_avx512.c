/* SPDX-License-Identifier: BSD-2-Clause */
/* kernels/cell_f32.inc for AVX-512F: flags are set by the Makefile from the file's name. */
#if defined(__AVX512F__)
#define KERNEL(name) ptm_##name##_avx512
#include "kernels/cell_f32.inc"
#else
typedef int nothing_here;
#endif
