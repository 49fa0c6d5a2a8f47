/* SPDX-License-Identifier: BSD-2-Clause */
/* kernels/transpose_f32.inc for the baseline ISA of the target: flags are set by the Makefile from the file's name. */
#define KERNEL(name) ptm_##name##_c
#include "kernels/transpose_f32.inc"
