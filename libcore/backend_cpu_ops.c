/* SPDX-License-Identifier: BSD-2-Clause */
/* The operators of the cpu backend: one name each, of libcore/ops.def. */
#include "libcore/backend_cpu.h"

#define PTM_CPU_OPS(ROW)                                                                           \
    ROW(conv) ROW(conv_transpose) ROW(linear) ROW(matmul) ROW(sdpa)                                \
    ROW(max_pool) ROW(avg_pool) ROW(adaptive_avg_pool) ROW(adaptive_max_pool) ROW(mean)            \
    ROW(neg) ROW(abs) ROW(sqrt) ROW(rsqrt) ROW(reciprocal) ROW(exp) ROW(tanh) ROW(erf)             \
    ROW(sigmoid) ROW(relu) ROW(clamp) ROW(hardsigmoid) ROW(hardswish) ROW(silu) ROW(mish)          \
    ROW(gelu) ROW(elu) ROW(leaky_relu)                                                             \
    ROW(concat) ROW(reshape) ROW(permute) ROW(expand) ROW(slice) ROW(flip) ROW(slice_scatter)      \
    ROW(pad) ROW(embedding) ROW(index_select)                                                      \
    ROW(batch_norm) ROW(layer_norm) ROW(rms_norm) ROW(group_norm) ROW(softmax) ROW(log_softmax)    \
    ROW(resize) ROW(lstm) ROW(gru)                                                                 \
    ROW(add) ROW(sub) ROW(mul) ROW(div) ROW(maximum) ROW(minimum) ROW(prelu)

#define DECLARE(name) extern const struct ptm_cpu_op ptm_cpu_##name;
PTM_CPU_OPS(DECLARE)

#define LIST(name) &ptm_cpu_##name,
const struct ptm_cpu_op *const ptm_cpu_ops[] = {PTM_CPU_OPS(LIST) NULL};
