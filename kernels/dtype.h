/* SPDX-License-Identifier: BSD-2-Clause */
/* Element types, and the strided array that kernels are handed. */
#ifndef PTM_KERNELS_DTYPE_H
#define PTM_KERNELS_DTYPE_H

#include <stddef.h>
#include <stdint.h>

/* Element types. The numbers are c10::ScalarType's, so a `dtype=6` in
 * TorchScript source needs no translation. */
enum ptm_dtype {
    PTM_U8 = 0,
    PTM_I8 = 1,
    PTM_I16 = 2,
    PTM_I32 = 3,
    PTM_I64 = 4,
    PTM_F16 = 5,
    PTM_F32 = 6,
    PTM_F64 = 7,
    PTM_C64 = 9, /* complex: two f32; only copied, taken apart and put together */
    PTM_BOOL8 = 11,
    PTM_BF16 = 15,
};

enum { PTM_MAX_RANK = 8 };

/* A strided array: element (i0, i1, ...) is data[sum(i_k * stride[k])], strides
 * in elements, 0 allowed on inputs (broadcast). rank 0 is a scalar. */
struct ptm_nd {
    void *data;
    uint8_t dtype, rank;
    int64_t dim[PTM_MAX_RANK];
    int64_t stride[PTM_MAX_RANK];
};

/* One immediate of an operator: the i or the f that ops.def's row says. */
union ptm_imm {
    int64_t i;
    double f;
};

#endif
