/* SPDX-License-Identifier: BSD-2-Clause */
/* kernels/transpose_f32.inc for Arm NEON: flags are set by the Makefile from the file's name. */
#if defined(__aarch64__)
#define KERNEL(name) ptm_##name##_neon
#include "kernels/transpose_f32.inc"
#else
typedef int nothing_here;
#endif
