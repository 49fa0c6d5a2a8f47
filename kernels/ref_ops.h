/* SPDX-License-Identifier: BSD-2-Clause */
/* The reference kernels by name: PTM_REF_OPS(X) expands X(op) for each, in the order of
 * libcore/ops.def; kernel `op` is ptm_ref_<op>. tests/kernels/check_ref.c compares the lists. */
#ifndef PTM_KERNELS_REF_OPS_H
#define PTM_KERNELS_REF_OPS_H

#include "kernels/ref.h"

#define PTM_REF_OPS(X) \
    X(neg) X(abs) X(sign) X(floor) X(ceil) X(round) X(trunc) X(sqrt) X(rsqrt) X(reciprocal) \
    X(exp) X(exp2) X(expm1) X(log) X(log1p) X(log2) X(log10) X(sin) X(cos) X(tan) X(asin) \
    X(acos) X(atan) X(sinh) X(cosh) X(tanh) X(asinh) X(acosh) X(atanh) X(erf) X(erfc) \
    X(sigmoid) X(log_sigmoid) X(relu) X(clamp) X(hardsigmoid) X(hardswish) X(silu) X(mish) \
    X(gelu) X(elu) X(leaky_relu) X(softplus) X(hardshrink) X(softshrink) X(threshold) \
    X(bitwise_not) X(logical_not) X(isnan) X(isinf) X(cast) X(add) X(sub) X(mul) X(div) \
    X(div_floor) X(div_trunc) X(remainder) X(fmod) X(pow) X(maximum) X(minimum) X(atan2) \
    X(bitwise_and) X(bitwise_or) X(bitwise_xor) X(shift_left) X(shift_right) X(eq) X(ne) X(lt) \
    X(le) X(gt) X(ge) X(prelu) X(where) X(sum) X(mean) X(prod) X(amax) X(amin) X(var) X(any) \
    X(all) X(argmax) X(argmin) X(logsumexp) X(norm) X(softmax) X(log_softmax) X(cumsum) \
    X(cumprod) X(cummax) X(cummin) X(sort) X(topk) X(searchsorted) X(reshape) X(permute) \
    X(expand) X(slice) X(slice_scatter) X(as_strided) X(as_strided_scatter) X(flip) X(concat) \
    X(pad) X(tril) X(triu) X(full) X(full_int) X(arange) X(random) X(as_complex) X(as_real) X(gather) X(scatter) \
    X(index_select) X(index) X(index_put) X(embedding) X(matmul) X(linear) X(conv) \
    X(conv_transpose) X(sdpa) X(lstm) X(gru) X(rnn) X(cdist) X(max_pool) X(avg_pool) \
    X(adaptive_avg_pool) X(adaptive_max_pool) X(resize) X(unfold) X(fold) X(grid_sample) \
    X(batch_norm) X(layer_norm) X(group_norm) X(rms_norm)

#define PTM_REF_DECLARE(op) ptm_ref_fn ptm_ref_##op;
PTM_REF_OPS(PTM_REF_DECLARE)
#undef PTM_REF_DECLARE

#endif
