/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operators of the cpu backend: one name each, of libcore/ops.def, and which kernels of
 * kernels.def its objects may call. compile() hands out no others, so a build for certain models
 * can do without them.
 */
#include "libcore/backend_cpu.h"

#define K(kernel) (UINT32_C(1) << PTM_KERNEL_##kernel)
#define GEMM K(gemm_f32) | K(transpose_f32)
#define PTM_CPU_OPS(ROW)                                                                           \
    ROW(conv, GEMM | K(dwconv_f32) | K(dwrun_f32))                                                 \
    ROW(conv_transpose, GEMM)                                                                      \
    ROW(linear, GEMM)                                                                              \
    ROW(matmul, GEMM)                                                                              \
    ROW(sdpa, GEMM | K(softmax_f32))                                                               \
    ROW(max_pool, K(pool_f32))                                                                     \
    ROW(avg_pool, K(pool_f32))                                                                     \
    ROW(adaptive_max_pool, K(pool_f32))                                                            \
    ROW(resize, K(pool_f32))                                                                       \
    ROW(adaptive_avg_pool, K(pool_f32) | K(sum_f32))                                               \
    ROW(mean, K(pool_f32) | K(sum_f32))                                                            \
    ROW(sum, K(pool_f32) | K(sum_f32))                                                             \
    ROW(amax, K(pool_f32) | K(sum_f32))                                                            \
    ROW(neg, K(unary_f32))                                                                         \
    ROW(abs, K(unary_f32))                                                                         \
    ROW(sqrt, K(unary_f32))                                                                        \
    ROW(rsqrt, K(unary_f32))                                                                       \
    ROW(reciprocal, K(unary_f32))                                                                  \
    ROW(exp, K(unary_f32))                                                                         \
    ROW(tanh, K(unary_f32))                                                                        \
    ROW(erf, K(unary_f32))                                                                         \
    ROW(sigmoid, K(unary_f32))                                                                     \
    ROW(relu, K(unary_f32))                                                                        \
    ROW(clamp, K(unary_f32))                                                                       \
    ROW(hardsigmoid, K(unary_f32))                                                                 \
    ROW(hardswish, K(unary_f32))                                                                   \
    ROW(silu, K(unary_f32))                                                                        \
    ROW(mish, K(unary_f32))                                                                        \
    ROW(gelu, K(unary_f32))                                                                        \
    ROW(elu, K(unary_f32))                                                                         \
    ROW(leaky_relu, K(unary_f32))                                                                  \
    ROW(add, K(binary_f32))                                                                        \
    ROW(sub, K(binary_f32))                                                                        \
    ROW(mul, K(binary_f32))                                                                        \
    ROW(div, K(binary_f32))                                                                        \
    ROW(maximum, K(binary_f32))                                                                    \
    ROW(minimum, K(binary_f32))                                                                    \
    ROW(prelu, K(binary_f32))                                                                      \
    ROW(concat, 0)                                                                                 \
    ROW(reshape, 0)                                                                                \
    ROW(permute, 0)                                                                                \
    ROW(expand, 0)                                                                                 \
    ROW(slice, 0)                                                                                  \
    ROW(flip, 0)                                                                                   \
    ROW(slice_scatter, 0)                                                                          \
    ROW(pad, 0)                                                                                    \
    ROW(embedding, 0)                                                                              \
    ROW(index_select, 0)                                                                           \
    ROW(index, 0)                                                                                  \
    ROW(batch_norm, K(affine_f32))                                                                 \
    ROW(layer_norm, K(norm_f32) | K(affine_f32))                                                   \
    ROW(rms_norm, K(norm_f32) | K(affine_f32))                                                     \
    ROW(group_norm, K(norm_f32) | K(affine_f32))                                                   \
    ROW(softmax, K(softmax_f32))                                                                   \
    ROW(log_softmax, K(softmax_f32))                                                               \
    ROW(lstm, GEMM | K(lstm_f32))                                                                  \
    ROW(gru, GEMM | K(gru_f32))

#define DECLARE(name, uses) extern const struct ptm_cpu_op ptm_cpu_##name;
PTM_CPU_OPS(DECLARE)

#define LIST(name, uses) {#name, &ptm_cpu_##name, uses},
const struct ptm_cpu_row ptm_cpu_ops[] = {PTM_CPU_OPS(LIST){0}};
