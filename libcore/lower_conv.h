/* SPDX-License-Identifier: BSD-2-Clause */
/* One convolution with ATen's arguments, for the lowerings of aten:: and prepacked::. */
#ifndef PTM_LIBCORE_LOWER_CONV_H
#define PTM_LIBCORE_LOWER_CONV_H

#include "libcore/trace.h"

/* x is batched or not; the number of spatial dims is the weight's rank - 2. Lists of ints may
 * hold one element for all dims; padding may be the string "same" or "valid". */
struct ptm_conv_args {
    struct ptm_tensor *x, *w, *bias; /* bias NULL: none */
    struct ptm_ival stride, padding, dilation, output_padding;
    int64_t groups;
    bool transposed;
};
struct ptm_tensor *ptm_lower_convolution(struct ptm_trace *t, const struct ptm_conv_args *a);

#endif
