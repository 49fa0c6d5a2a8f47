/* SPDX-License-Identifier: BSD-2-Clause */
/* Reference kernels: typed elements, walks over strided arrays, copies. */
#include "kernels/ref_util.h"

#include <string.h>

#define LOAD(type, expr)                                                                          \
    do {                                                                                          \
        const type *p = (const type *)x->data + at;                                               \
        for (int64_t k = 0; k < n; k++) {                                                         \
            const type v = p[k * step];                                                           \
            dst[k] = expr;                                                                        \
        }                                                                                         \
    } while (0)

void ptm_ref_load_f(double *dst, const struct ptm_nd *x, int64_t at, int64_t step, int64_t n)
{
    if (x->dtype == PTM_F32 && step == 1) { /* the usual case: vectorised */
        const float *p = (const float *)x->data + at;
        for (int64_t k = 0; k < n; k++)
            dst[k] = (double)p[k];
        return;
    }
    switch (x->dtype) {
    case PTM_U8:
        LOAD(uint8_t, v);
        break;
    case PTM_I8:
        LOAD(int8_t, v);
        break;
    case PTM_I16:
        LOAD(int16_t, v);
        break;
    case PTM_I32:
        LOAD(int32_t, v);
        break;
    case PTM_I64:
        LOAD(int64_t, (double)v);
        break;
    case PTM_F16:
        LOAD(uint16_t, (double)ptm_f16_to_f32(v));
        break;
    case PTM_F32:
        LOAD(float, (double)v);
        break;
    case PTM_F64:
        LOAD(double, v);
        break;
    case PTM_BF16:
        LOAD(uint16_t, (double)ptm_bf16_to_f32(v));
        break;
    default: /* PTM_BOOL8 */
        LOAD(uint8_t, v != 0);
        break;
    }
}

/* As PyTorch converts on x86: out of range, NaN included, gives the least int64; narrower types
 * keep the low bits of a conversion to int32, whose out of range is the least int32. */
static int64_t float_to_int(double v, uint8_t dtype)
{
    if (dtype == PTM_I64)
        return v >= -9223372036854775808.0 && v < 9223372036854775808.0 ? (int64_t)v : INT64_MIN;
    int64_t i = v > -2147483649.0 && v < 2147483648.0 ? (int64_t)v : INT32_MIN;
    return dtype == PTM_U8    ? (uint8_t)i
           : dtype == PTM_I8  ? (int8_t)(uint8_t)i
           : dtype == PTM_I16 ? (int16_t)(uint16_t)i
                              : i;
}

void ptm_ref_load_i(int64_t *dst, const struct ptm_nd *x, int64_t at, int64_t step, int64_t n)
{
    switch (x->dtype) {
    case PTM_U8:
        LOAD(uint8_t, v);
        break;
    case PTM_I8:
        LOAD(int8_t, v);
        break;
    case PTM_I16:
        LOAD(int16_t, v);
        break;
    case PTM_I32:
        LOAD(int32_t, v);
        break;
    case PTM_I64:
        LOAD(int64_t, v);
        break;
    case PTM_F16:
        LOAD(uint16_t, float_to_int((double)ptm_f16_to_f32(v), PTM_I64));
        break;
    case PTM_F32:
        LOAD(float, float_to_int((double)v, PTM_I64));
        break;
    case PTM_F64:
        LOAD(double, float_to_int(v, PTM_I64));
        break;
    case PTM_BF16:
        LOAD(uint16_t, float_to_int((double)ptm_bf16_to_f32(v), PTM_I64));
        break;
    default:
        LOAD(uint8_t, v != 0);
        break;
    }
}

#define STORE(type, expr)                                                                         \
    do {                                                                                          \
        type *p = (type *)y->data + at;                                                           \
        for (int64_t k = 0; k < n; k++)                                                           \
            p[k * step] = (type)(expr);                                                           \
    } while (0)

void ptm_ref_store_f(const struct ptm_nd *y, int64_t at, int64_t step, const double *src, int64_t n)
{
    if (y->dtype == PTM_F32 && step == 1) {
        float *p = (float *)y->data + at;
        for (int64_t k = 0; k < n; k++)
            p[k] = (float)src[k];
        return;
    }
    switch (y->dtype) {
    case PTM_U8:
        STORE(uint8_t, float_to_int(src[k], PTM_U8));
        break;
    case PTM_I8:
        STORE(int8_t, float_to_int(src[k], PTM_I8));
        break;
    case PTM_I16:
        STORE(int16_t, float_to_int(src[k], PTM_I16));
        break;
    case PTM_I32:
        STORE(int32_t, float_to_int(src[k], PTM_I32));
        break;
    case PTM_I64:
        STORE(int64_t, float_to_int(src[k], PTM_I64));
        break;
    case PTM_F16:
        STORE(uint16_t, ptm_f32_to_f16((float)src[k]));
        break;
    case PTM_F32:
        STORE(float, src[k]);
        break;
    case PTM_F64:
        STORE(double, src[k]);
        break;
    case PTM_BF16:
        STORE(uint16_t, ptm_f32_to_bf16((float)src[k]));
        break;
    default:
        STORE(uint8_t, src[k] != 0);
        break;
    }
}

void ptm_ref_store_i(const struct ptm_nd *y, int64_t at, int64_t step, const int64_t *src,
                     int64_t n)
{
    switch (y->dtype) {
    case PTM_U8:
        STORE(uint8_t, src[k]);
        break;
    case PTM_I8:
        STORE(int8_t, src[k]);
        break;
    case PTM_I16:
        STORE(int16_t, src[k]);
        break;
    case PTM_I32:
        STORE(int32_t, src[k]);
        break;
    case PTM_I64:
        STORE(int64_t, src[k]);
        break;
    case PTM_F16:
        STORE(uint16_t, ptm_f32_to_f16((float)src[k]));
        break;
    case PTM_F32:
        STORE(float, src[k]);
        break;
    case PTM_F64:
        STORE(double, src[k]);
        break;
    case PTM_BF16:
        STORE(uint16_t, ptm_f32_to_bf16((float)src[k]));
        break;
    default:
        STORE(uint8_t, src[k] != 0);
        break;
    }
}

#define COPY(type)                                                                                \
    do {                                                                                          \
        type *d = (type *)y->data + y_at;                                                         \
        const type *s = (const type *)x->data + x_at;                                             \
        for (int64_t k = 0; k < n; k++)                                                           \
            d[k * y_step] = s[k * x_step];                                                        \
    } while (0)

void ptm_ref_copy(const struct ptm_nd *y, int64_t y_at, int64_t y_step, const struct ptm_nd *x,
                  int64_t x_at, int64_t x_step, int64_t n)
{
    size_t size = ptm_ref_size(y->dtype);
    if (y_step == 1 && x_step == 1) {
        if (n > 0)
            memcpy((char *)y->data + y_at * (int64_t)size,
                   (const char *)x->data + x_at * (int64_t)size, (size_t)n * size);
    } else if (size == 1) {
        COPY(uint8_t);
    } else if (size == 2) {
        COPY(uint16_t);
    } else if (size == 4) {
        COPY(uint32_t);
    } else {
        COPY(uint64_t);
    }
}

void ptm_ref_walk_init(struct ptm_ref_walk *w, int rank, const int64_t *dim)
{
    memset(w, 0, sizeof *w);
    w->rank = rank;
    for (int k = 0; k < rank; k++)
        w->dim[k] = dim[k];
}

void ptm_ref_walk_add_strides(struct ptm_ref_walk *w, const int64_t *stride)
{
    for (int k = 0; k < w->rank; k++)
        w->stride[w->n_operands][k] = stride[k];
    w->n_operands++;
}

void ptm_ref_walk_add(struct ptm_ref_walk *w, const struct ptm_nd *x)
{
    int64_t stride[PTM_MAX_RANK] = {0};
    for (int k = 0; k < x->rank && k < w->rank; k++)
        if (x->dim[x->rank - 1 - k] != 1)
            stride[w->rank - 1 - k] = x->stride[x->rank - 1 - k];
    ptm_ref_walk_add_strides(w, stride);
}

/* Can dims k and k + 1 be one dim, for every operand? */
static bool joins(const struct ptm_ref_walk *w, int k)
{
    for (int o = 0; o < w->n_operands; o++)
        if (w->stride[o][k] != w->stride[o][k + 1] * w->dim[k + 1])
            return false;
    return true;
}

static void drop_dim(struct ptm_ref_walk *w, int k)
{
    for (int j = k; j + 1 < w->rank; j++) {
        w->dim[j] = w->dim[j + 1];
        for (int o = 0; o < w->n_operands; o++)
            w->stride[o][j] = w->stride[o][j + 1];
    }
    w->rank--;
}

static void set_block(struct ptm_ref_walk *w)
{
    int64_t size = w->rank ? w->dim[w->rank - 1] : 1;
    w->n = size - w->row < PTM_REF_BLOCK ? size - w->row : PTM_REF_BLOCK;
    w->row += w->n;
}

bool ptm_ref_walk_begin(struct ptm_ref_walk *w)
{
    for (int k = 0; k < w->rank; k++)
        if (w->dim[k] == 0)
            return false;
    for (int k = w->rank - 1; k >= 0; k--)
        if (w->dim[k] == 1)
            drop_dim(w, k);
    for (int k = w->rank - 2; k >= 0; k--) {
        if (joins(w, k)) {
            w->dim[k + 1] *= w->dim[k];
            drop_dim(w, k);
        }
    }
    for (int o = 0; o < w->n_operands; o++) {
        w->at[o] = 0;
        w->step[o] = w->rank ? w->stride[o][w->rank - 1] : 0;
    }
    for (int k = 0; k < w->rank; k++)
        w->index[k] = 0;
    w->row = 0;
    set_block(w);
    return true;
}

bool ptm_ref_walk_next(struct ptm_ref_walk *w)
{
    int inner = w->rank - 1;
    if (inner < 0)
        return false;
    if (w->row < w->dim[inner]) {
        for (int o = 0; o < w->n_operands; o++)
            w->at[o] += w->n * w->step[o];
        set_block(w);
        return true;
    }
    for (int o = 0; o < w->n_operands; o++)
        w->at[o] -= (w->row - w->n) * w->step[o];
    w->row = 0;
    for (int k = inner - 1; k >= 0; k--) {
        if (++w->index[k] < w->dim[k]) {
            for (int o = 0; o < w->n_operands; o++)
                w->at[o] += w->stride[o][k];
            set_block(w);
            return true;
        }
        for (int o = 0; o < w->n_operands; o++)
            w->at[o] -= (w->dim[k] - 1) * w->stride[o][k];
        w->index[k] = 0;
    }
    return false;
}

void ptm_ref_lines_init(struct ptm_ref_walk *w, const struct ptm_nd *x, int dim)
{
    ptm_ref_walk_init(w, x->rank, x->dim);
    if (x->rank)
        w->dim[dim] = 1;
}

void ptm_ref_copy_nd(const struct ptm_nd *y, const struct ptm_nd *x)
{
    struct ptm_ref_walk w;
    ptm_ref_walk_init(&w, y->rank, y->dim);
    ptm_ref_walk_add(&w, y);
    ptm_ref_walk_add(&w, x);
    for (bool go = ptm_ref_walk_begin(&w); go; go = ptm_ref_walk_next(&w))
        ptm_ref_copy(y, w.at[0], w.step[0], x, w.at[1], w.step[1], w.n);
}

void ptm_ref_copy_flat(const struct ptm_nd *y, const struct ptm_nd *x)
{
    struct ptm_ref_walk wy, wx;
    ptm_ref_walk_init(&wy, y->rank, y->dim);
    ptm_ref_walk_add(&wy, y);
    ptm_ref_walk_init(&wx, x->rank, x->dim);
    ptm_ref_walk_add(&wx, x);
    bool go = ptm_ref_walk_begin(&wy) && ptm_ref_walk_begin(&wx);
    for (int64_t iy = 0, ix = 0; go;) {
        int64_t n = wy.n - iy < wx.n - ix ? wy.n - iy : wx.n - ix;
        ptm_ref_copy(y, wy.at[0] + iy * wy.step[0], wy.step[0], x, wx.at[0] + ix * wx.step[0],
                     wx.step[0], n);
        iy += n;
        ix += n;
        if (iy == wy.n) {
            iy = 0;
            go = ptm_ref_walk_next(&wy);
        }
        if (ix == wx.n) {
            ix = 0;
            go = ptm_ref_walk_next(&wx) && go;
        }
    }
}

void ptm_ref_fill_f(const struct ptm_nd *y, double v)
{
    double block[PTM_REF_BLOCK];
    for (int k = 0; k < PTM_REF_BLOCK; k++)
        block[k] = v;
    struct ptm_ref_walk w;
    ptm_ref_walk_init(&w, y->rank, y->dim);
    ptm_ref_walk_add(&w, y);
    for (bool go = ptm_ref_walk_begin(&w); go; go = ptm_ref_walk_next(&w))
        ptm_ref_store_f(y, w.at[0], w.step[0], block, w.n);
}

void ptm_ref_fill_i(const struct ptm_nd *y, int64_t v)
{
    int64_t block[PTM_REF_BLOCK];
    for (int k = 0; k < PTM_REF_BLOCK; k++)
        block[k] = v;
    struct ptm_ref_walk w;
    ptm_ref_walk_init(&w, y->rank, y->dim);
    ptm_ref_walk_add(&w, y);
    for (bool go = ptm_ref_walk_begin(&w); go; go = ptm_ref_walk_next(&w))
        ptm_ref_store_i(y, w.at[0], w.step[0], block, w.n);
}
