/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fast kernels: functions over pointers, sizes and strides, that neither allocate nor hold
 * state. kernels.def lists them; ptm_kernels_init picks the strongest allowed variant of each.
 *
 * One more kernel: a row in kernels.def, <op>_<isa>.c (for a new op also <op>.inc or <op>_c.c, a
 * signature with its contract here, and tests/kernels/check_<op>.c). Nothing else changes.
 *
 * Unless stated otherwise: sizes may be 0, alignment is the element's, nothing is read or written
 * outside the arrays, outputs overlap no inputs (they may be the same array where it says so).
 * Strides are in elements.
 */
#ifndef PTM_KERNELS_KERNEL_H
#define PTM_KERNELS_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "kernels/cpu.h"

/* How a variant relates to the _c variant. */
enum ptm_contract {
    PTM_EXACT, /* the same bits; any NaN for a NaN */
    PTM_TOL,   /* the bound in tests/kernels/check_<op>.c: sums are ordered otherwise, or fused */
};

/* -- gemm_f32: c[r][j] = clamp(start[j] + sum_t sum_k a[t * a_rows + r][k] * w[t][k][j]) --
 * One tile of 1 <= rows <= tile.rows[nv - 1], (nv - 1) * vl < cols <= nv * vl columns. `w` is packed:
 * taps x k rows of nv * vl floats. start is bias[j] (nv * vl floats), or c itself where bias is
 * NULL. A NaN sum stays. */
struct ptm_gemm_f32 {
    const float *const *a; /* taps x a_rows pointers to k floats */
    size_t a_rows, taps, k;
    const float *w, *bias;
    float *c;
    size_t c_stride, cols, rows, nv;
    float min, max;
};

#define PTM_DECL_gemm_f32(fn) void fn(const struct ptm_gemm_f32 *g)

/* -- dwconv_f32: y[p][c] = clamp(bias[c] + sum_t x[t][p][c] * w[t][c]) --
 * w: per vl channels (the last 0 where there are none): vl of bias, then taps x vl. */
struct ptm_dwconv_f32 {
    const float *const *x; /* taps x x_pixels pointers to `channels` floats */
    size_t x_pixels, taps, pixels, channels;
    const float *w;
    float *y;
    size_t y_stride; /* between pixels */
    float min, max;
};
#define PTM_DECL_dwconv_f32(fn) void fn(const struct ptm_dwconv_f32 *d)

/* -- dwrun_f32: the same for pixels side by side, kw 3 or 5, step 1 or 2, taps kh x kw --
 * Pixel p reads columns p * step + 0..kw - 1 of `rows` rows; x is column 0 of the first, which
 * meets row `first` of the window. */
struct ptm_dwrun_f32 {
    const float *x;
    size_t row, column; /* strides of x */
    size_t rows, first, kh, kw, step, pixels, channels;
    const float *w;
    float *y;
    size_t y_stride;
    float min, max;
};
#define PTM_DECL_dwrun_f32(fn) void fn(const struct ptm_dwrun_f32 *d)

/* -- unary_f32: y[i] = op(x[i]); y may be x. NaN gives NaN. p: 3 numbers -- */
enum ptm_unary {
    PTM_UNARY_NEG,
    PTM_UNARY_ABS,
    PTM_UNARY_SQRT,
    PTM_UNARY_RSQRT,
    PTM_UNARY_RECIPROCAL,
    PTM_UNARY_EXP,
    PTM_UNARY_TANH,
    PTM_UNARY_ERF,
    PTM_UNARY_SIGMOID,
    PTM_UNARY_RELU,
    PTM_UNARY_CLAMP, /* to p[0]..p[1] */
    PTM_UNARY_HARDSIGMOID,
    PTM_UNARY_HARDSWISH,
    PTM_UNARY_SILU,
    PTM_UNARY_MISH,
    PTM_UNARY_GELU,
    PTM_UNARY_GELU_TANH,
    PTM_UNARY_ELU,        /* p[1] * (x > 0 ? x : p[0] * (e^(p[2] x) - 1)), p[2] >= 0 */
    PTM_UNARY_LEAKY_RELU, /* x > 0 ? x : p[0] * x */
    PTM_N_UNARY
};
#define PTM_DECL_unary_f32(fn)                                                                     \
    void fn(enum ptm_unary op, size_t n, const float *x, float *y, const float *p)

/* -- binary_f32: y[r][i] = op(a[r][i * a_step], b[r][i * b_step]) -- steps are 0 or 1, not both 0;
 * y may be a or b where that has the same strides. min, max: bounds of ADD; a NaN stays. */
enum ptm_binary {
    PTM_BINARY_ADD,
    PTM_BINARY_SUB,
    PTM_BINARY_MUL,
    PTM_BINARY_DIV,
    PTM_BINARY_MAXIMUM, /* NaN wins */
    PTM_BINARY_MINIMUM,
    PTM_BINARY_PRELU, /* a > 0 ? a : a * b */
    PTM_N_BINARY
};
struct ptm_binary_f32 {
    enum ptm_binary op;
    size_t rows, n;
    const float *a, *b;
    float *y;
    size_t a_row, b_row, y_row, a_step, b_step;
    float min, max;
};
#define PTM_DECL_binary_f32(fn) void fn(const struct ptm_binary_f32 *t)

/* -- sum_f32: sum of x[i] - less, or of its square -- */
#define PTM_DECL_sum_f32(fn) float fn(size_t n, const float *x, float less, bool squares)

/* -- norm_f32: y = (x - mean) / sqrt(variance + eps) * weight + bias per row of n > 0 --
 * rms: mean taken as 0. weight, bias: n numbers or NULL. y may be x. */
struct ptm_norm_f32 {
    size_t rows, n, x_row, y_row;
    const float *x, *weight, *bias;
    float *y, eps;
    bool rms;
};
#define PTM_DECL_norm_f32(fn) void fn(const struct ptm_norm_f32 *t)

/* -- softmax_f32: per row of s = x * scale + mask: e^(s - max) / sum, or its logarithm --
 * mask NULL: none. y may be x. */
struct ptm_softmax_f32 {
    size_t rows, n, x_row, mask_row, y_row;
    const float *x, *mask;
    float *y, scale;
    bool log;
};
#define PTM_DECL_softmax_f32(fn) void fn(const struct ptm_softmax_f32 *t)

/* -- affine_f32: y[r][i] = x[r][i] * scale[k] + shift[k], k = per_row ? r : i; dense; y may be x -- */
#define PTM_DECL_affine_f32(fn)                                                                    \
    void fn(size_t rows, size_t n, const float *x, const float *scale, const float *shift,         \
            bool per_row, float *y)

/* -- pool_f32: y[c] = max_t x[t][c] (NaN wins), or scale * sum_t w[t] * x[t][c] --
 * x NULL: tap t is base + t * tap_stride. w NULL: ones. */
enum ptm_pool { PTM_POOL_MAX, PTM_POOL_SUM };
struct ptm_pool_f32 {
    enum ptm_pool op;
    size_t taps, channels, tap_stride;
    const float *const *x;
    const float *base, *w;
    float *y, scale;
};
#define PTM_DECL_pool_f32(fn) void fn(const struct ptm_pool_f32 *t)

/* -- lstm_f32: gates i f g o of n numbers each, before their functions; c is updated, h written --
 */
#define PTM_DECL_lstm_f32(fn) void fn(size_t n, const float *gates, float *c, float *h)
/* -- gru_f32: gates r z n of n numbers each, the parts from x and from h; y may be h -- */
#define PTM_DECL_gru_f32(fn)                                                                       \
    void fn(size_t n, const float *from_x, const float *from_h, const float *h, float *y)

/* -- transpose_f32: y[c][r] = x[r][c] -- */
#define PTM_DECL_transpose_f32(fn)                                                                 \
    void fn(size_t rows, size_t cols, const float *x, size_t x_row, float *y, size_t y_row)

/* -- the table -- */

struct ptm_kernel_tile {
    uint8_t vl;      /* floats in a vector */
    uint8_t vectors; /* gemm_f32: best width */
    uint8_t rows[4]; /* gemm_f32: most rows with 1, 2, 3, 4 vectors; 0: not so wide */
};

struct ptm_kernel_info {
    const char *op, *isa;
    uint32_t needs; /* enum ptm_cpu */
    uint8_t contract;
    struct ptm_kernel_tile tile;
};

enum ptm_kernel_op {
#define PTM_KERNEL_OP(op) PTM_KERNEL_##op,
#include "kernels/kernels.def"
#undef PTM_KERNEL_OP
    PTM_N_KERNEL_OPS
};

struct ptm_kernels {
#define PTM_KERNEL_OP(op) PTM_DECL_##op((*op));
#include "kernels/kernels.def"
#undef PTM_KERNEL_OP
    const struct ptm_kernel_info *info[PTM_N_KERNEL_OPS]; /* of what was picked */
};

/* The strongest variant of each op for these flags (ptm_cpu_flags()). */
void ptm_kernels_init(struct ptm_kernels *k, uint32_t flags);
/* Drops (NULL) the ops whose bit, of PTM_KERNEL_*, is not in `ops`. */
static inline void ptm_kernels_keep(struct ptm_kernels *k, uint32_t ops)
{
#define PTM_KERNEL_OP(op)                                                                          \
    if (!(ops >> PTM_KERNEL_##op & 1))                                                             \
        k->op = NULL;
#include "kernels/kernels.def"
#undef PTM_KERNEL_OP
}
/* Row n of kernels.def, with variants that this target's compiler leaves out; NULL past the end. */
const struct ptm_kernel_info *ptm_kernel_row(size_t n);

#endif
