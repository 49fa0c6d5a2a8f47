/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the reference kernels share: elements of any type as double or int64,
 * the walk over strided arrays, views, and the double-precision matrix product.
 *
 * Method: a kernel walks its arrays in row-major order in blocks of at most
 * PTM_REF_BLOCK elements, loads a block as double (float types) or int64
 * (integer types, bool), computes, and stores with one rounding. For + - * /
 * and sqrt a double result rounded to f32, f16 or bf16 equals the result of
 * f32 arithmetic, so no separate f32 path is needed.
 */
#ifndef PTM_KERNELS_REF_UTIL_H
#define PTM_KERNELS_REF_UTIL_H

#include "kernels/half.h"
#include "kernels/ref.h"

enum { PTM_REF_BLOCK = 256, PTM_REF_OPERANDS = 4 };

static inline struct ptm_imm_reader ptm_ref_attr(const struct ptm_ref_call *c)
{
    return (struct ptm_imm_reader){c->attr};
}

static inline bool ptm_ref_is_float(uint8_t dtype)
{
    return (dtype >= PTM_F16 && dtype <= PTM_F64) || dtype == PTM_BF16;
}

static inline bool ptm_ref_absent(const struct ptm_ref_call *c, int k)
{
    return k >= c->n_in || c->in[k].dtype == PTM_ABSENT;
}

static inline size_t ptm_ref_size(uint8_t dtype)
{
    switch (dtype) {
    case PTM_I16:
    case PTM_F16:
    case PTM_BF16:
        return 2;
    case PTM_I32:
    case PTM_F32:
        return 4;
    case PTM_I64:
    case PTM_F64:
    case PTM_C64:
        return 8;
    default:
        return 1;
    }
}

static inline int64_t ptm_ref_product(const int64_t *dim, int n)
{
    int64_t p = 1;
    for (int k = 0; k < n; k++)
        p *= dim[k];
    return p;
}

static inline int64_t ptm_ref_numel(const struct ptm_nd *x)
{
    return ptm_ref_product(x->dim, x->rank);
}

/* x seen from element `at` on. */
static inline struct ptm_nd ptm_ref_shift(const struct ptm_nd *x, int64_t at)
{
    struct ptm_nd y = *x;
    if (at)
        y.data = (char *)x->data + at * (int64_t)ptm_ref_size(x->dtype);
    return y;
}

static inline int64_t ptm_ref_offset(const struct ptm_nd *x, const int64_t *index)
{
    int64_t at = 0;
    for (int k = 0; k < x->rank; k++)
        at += index[k] * x->stride[k];
    return at;
}

/* The next index in row-major order; false after the last. */
static inline bool ptm_ref_next(int rank, const int64_t *dim, int64_t *index)
{
    for (int k = rank - 1; k >= 0; k--) {
        if (++index[k] < dim[k])
            return true;
        index[k] = 0;
    }
    return false;
}

static inline int64_t ptm_ref_floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q - (a % b != 0 && (a < 0) != (b < 0));
}

/* -- blocks of elements: n of them from element `at` on, `step` apart -- */
void ptm_ref_load_f(double *dst, const struct ptm_nd *x, int64_t at, int64_t step, int64_t n);
void ptm_ref_load_i(int64_t *dst, const struct ptm_nd *x, int64_t at, int64_t step, int64_t n);
/* To an integer type: C's conversion; out of range as x86 does it. To f16 and
 * bf16 by way of f32, as PyTorch. */
void ptm_ref_store_f(const struct ptm_nd *y, int64_t at, int64_t step, const double *src,
                     int64_t n);
void ptm_ref_store_i(const struct ptm_nd *y, int64_t at, int64_t step, const int64_t *src,
                     int64_t n);
/* x and y have the same type. */
void ptm_ref_copy(const struct ptm_nd *y, int64_t y_at, int64_t y_step, const struct ptm_nd *x,
                  int64_t x_at, int64_t x_step, int64_t n);

static inline double ptm_ref_get_f(const struct ptm_nd *x, int64_t at)
{
    if (x->dtype == PTM_F32)
        return (double)((const float *)x->data)[at];
    double v;
    ptm_ref_load_f(&v, x, at, 1, 1);
    return v;
}

static inline int64_t ptm_ref_get_i(const struct ptm_nd *x, int64_t at)
{
    if (x->dtype == PTM_I64)
        return ((const int64_t *)x->data)[at];
    int64_t v;
    ptm_ref_load_i(&v, x, at, 1, 1);
    return v;
}

/* v rounded to a float type. */
static inline double ptm_ref_round_to(double v, uint8_t dtype)
{
    switch (dtype) {
    case PTM_F16:
        return (double)ptm_f16_to_f32(ptm_f32_to_f16((float)v));
    case PTM_BF16:
        return (double)ptm_bf16_to_f32(ptm_f32_to_bf16((float)v));
    case PTM_F32:
        return (double)(float)v;
    default:
        return v;
    }
}

/* NaN stays. */
static inline void ptm_ref_bound(double *v, int64_t n, double min, double max)
{
    for (int64_t k = 0; k < n; k++) {
        v[k] = v[k] < min ? min : v[k];
        v[k] = v[k] > max ? max : v[k];
    }
}

static inline void ptm_ref_put_f(const struct ptm_nd *y, int64_t at, double v)
{
    ptm_ref_store_f(y, at, 1, &v, 1);
}

static inline void ptm_ref_put_i(const struct ptm_nd *y, int64_t at, int64_t v)
{
    ptm_ref_store_i(y, at, 1, &v, 1);
}

/* -- walk: the same dims over up to PTM_REF_OPERANDS arrays --
 *   ptm_ref_walk_init(&w, rank, dim); ptm_ref_walk_add(&w, x)...;
 *   for (bool go = ptm_ref_walk_begin(&w); go; go = ptm_ref_walk_next(&w))
 *       w.n elements: operand k from w.at[k] on, w.step[k] apart
 * Operands are aligned at the last dim, as broadcasting does. */
struct ptm_ref_walk {
    int rank, n_operands;
    int64_t dim[PTM_MAX_RANK], index[PTM_MAX_RANK];
    int64_t stride[PTM_REF_OPERANDS][PTM_MAX_RANK];
    int64_t at[PTM_REF_OPERANDS], step[PTM_REF_OPERANDS];
    int64_t n, row; /* row: elements of the innermost dim done, this block included */
};
void ptm_ref_walk_init(struct ptm_ref_walk *w, int rank, const int64_t *dim);
void ptm_ref_walk_add(struct ptm_ref_walk *w, const struct ptm_nd *x);
void ptm_ref_walk_add_strides(struct ptm_ref_walk *w, const int64_t *stride);
bool ptm_ref_walk_begin(struct ptm_ref_walk *w);
bool ptm_ref_walk_next(struct ptm_ref_walk *w);
/* Walks the lines of x along `dim`: w.n of them at each step, operand k's number j from
 * w.at[k] + j * w.step[k] on. Add the operands, x too, with ptm_ref_walk_add. */
void ptm_ref_lines_init(struct ptm_ref_walk *w, const struct ptm_nd *x, int dim);

/* Copies x, of y's dims or broadcast to them, to y; same type. */
void ptm_ref_copy_nd(const struct ptm_nd *y, const struct ptm_nd *x);
/* Copies in row-major order whatever the dims; same count and type. */
void ptm_ref_copy_flat(const struct ptm_nd *y, const struct ptm_nd *x);
void ptm_ref_fill_f(const struct ptm_nd *y, double v);
void ptm_ref_fill_i(const struct ptm_nd *y, int64_t v);

static inline void *ptm_ref_scratch(const struct ptm_ref_call *c, int64_t count, size_t size)
{
    if (count < 1)
        count = 1;
    if ((uint64_t)count > SIZE_MAX / 2 / size)
        return NULL;
    return c->scratch(c->scratch_ctx, (size_t)count * size);
}

static inline double *ptm_ref_doubles(const struct ptm_ref_call *c, int64_t count)
{
    return ptm_ref_scratch(c, count, sizeof(double));
}

/* -- matrix product in double: c[m, n] = sum over k of a[m, k] b[k, n], k ascending --
 * load_a reads `count` elements of a row of a; load_b of a row of b, or of a column when
 * b_columns; store takes a run of a row of c. */
struct ptm_ref_gemm {
    int64_t m, n, k;
    bool b_columns;
    void (*load_a)(const void *ctx, int64_t row, int64_t k, int64_t count, double *dst);
    void (*load_b)(const void *ctx, int64_t k, int64_t col, int64_t count, double *dst);
    void (*store)(const void *ctx, int64_t row, int64_t col, int64_t count, const double *src);
    const void *ctx;
};
/* What it needs of scratch, reserved once for many products. */
struct ptm_ref_gemm_space {
    double *acc, *a, *b;
};
/* For products of at most m x n x k; false when scratch gave NULL. */
bool ptm_ref_gemm_reserve(struct ptm_ref_gemm_space *s, const struct ptm_ref_call *c, int64_t m,
                          int64_t n, int64_t k);
void ptm_ref_gemm(const struct ptm_ref_gemm *g, const struct ptm_ref_gemm_space *s);

#endif
