/* SPDX-License-Identifier: BSD-2-Clause */
/* Reference kernels: shapes, copies and constants. Most are a view of the input, copied. */
#include "kernels/ref_ops.h"
#include "kernels/ref_util.h"

#include <math.h>

int ptm_ref_reshape(const struct ptm_ref_call *c)
{
    ptm_ref_copy_flat(c->out, c->in);
    return 0;
}

int ptm_ref_permute(const struct ptm_ref_call *c)
{
    struct ptm_imm_reader attr = ptm_ref_attr(c);
    int64_t n;
    const union ptm_imm *perm = ptm_imm_list(&attr, &n);
    struct ptm_nd x = *c->in;
    for (int k = 0; k < x.rank; k++) {
        x.dim[k] = c->in->dim[perm[k].i];
        x.stride[k] = c->in->stride[perm[k].i];
    }
    ptm_ref_copy_nd(c->out, &x);
    return 0;
}

int ptm_ref_expand(const struct ptm_ref_call *c)
{
    ptm_ref_copy_nd(c->out, c->in);
    return 0;
}

/* x[start::step] of dim, `len` elements; false: out of range */
static bool take_slice(struct ptm_nd *x, int64_t dim, int64_t start, int64_t len, int64_t step)
{
    int64_t size = x->dim[dim];
    if (len < 0 || step <= 0 || start < 0 || start > size)
        return false;
    if (len > 0 && (start >= size || len - 1 > (size - 1 - start) / step))
        return false;
    if (len > 0)
        *x = ptm_ref_shift(x, start * x->stride[dim]);
    x->dim[dim] = len;
    if (len > 1) /* else the step may be any number */
        x->stride[dim] *= step;
    return true;
}

int ptm_ref_slice(const struct ptm_ref_call *c)
{
    struct ptm_nd x = *c->in;
    if (!take_slice(&x, c->attr[0].i, c->attr[1].i, c->attr[2].i, c->attr[3].i))
        return PTM_REF_RANGE;
    ptm_ref_copy_nd(c->out, &x);
    return 0;
}

int ptm_ref_slice_scatter(const struct ptm_ref_call *c)
{
    struct ptm_nd y = *c->out;
    int64_t dim = c->attr[0].i;
    if (!take_slice(&y, dim, c->attr[1].i, c->in[1].dim[dim], c->attr[2].i))
        return PTM_REF_RANGE;
    if (c->out->data != c->in->data)
        ptm_ref_copy_nd(c->out, c->in);
    ptm_ref_copy_nd(&y, c->in + 1);
    return 0;
}

/* The elements flat[offset + sum i_k * stride_k]; false: some are out of range */
static bool stride_over(struct ptm_nd *view, const struct ptm_nd *flat, const int64_t *dim,
                        const union ptm_imm *stride, int64_t rank, int64_t offset)
{
    int64_t low = offset, high = offset, step = flat->stride[0], reach;
    *view = *flat;
    view->rank = (uint8_t)rank;
    for (int64_t k = 0; k < rank; k++) {
        view->dim[k] = dim[k];
        view->stride[k] = 0;
    }
    if (ptm_ref_numel(view) == 0)
        return true;
    for (int64_t k = 0; k < rank; k++) {
        if (dim[k] == 1) /* its stride may be any number */
            continue;
        if (__builtin_mul_overflow(stride[k].i, step, &view->stride[k]) ||
            __builtin_mul_overflow(dim[k] - 1, stride[k].i, &reach) ||
            __builtin_add_overflow(reach < 0 ? low : high, reach, reach < 0 ? &low : &high))
            return false;
    }
    if (low < 0 || high >= flat->dim[0])
        return false;
    *view = ptm_ref_shift(view, offset * step);
    return true;
}

int ptm_ref_as_strided(const struct ptm_ref_call *c)
{
    struct ptm_imm_reader attr = ptm_ref_attr(c);
    int64_t n;
    ptm_imm_list(&attr, &n); /* dims: are y's */
    const union ptm_imm *strides = ptm_imm_list(&attr, &n);
    struct ptm_nd x;
    if (!stride_over(&x, c->in, c->out->dim, strides, n, ptm_imm_i(&attr)))
        return PTM_REF_RANGE;
    ptm_ref_copy_nd(c->out, &x);
    return 0;
}

int ptm_ref_as_strided_scatter(const struct ptm_ref_call *c)
{
    struct ptm_imm_reader attr = ptm_ref_attr(c);
    int64_t n;
    const union ptm_imm *strides = ptm_imm_list(&attr, &n);
    struct ptm_nd y;
    if (!stride_over(&y, c->out, c->in[1].dim, strides, n, ptm_imm_i(&attr)))
        return PTM_REF_RANGE;
    if (c->out->data != c->in->data)
        ptm_ref_copy_nd(c->out, c->in);
    ptm_ref_copy_nd(&y, c->in + 1);
    return 0;
}

int ptm_ref_flip(const struct ptm_ref_call *c)
{
    struct ptm_imm_reader attr = ptm_ref_attr(c);
    int64_t n;
    const union ptm_imm *dims = ptm_imm_list(&attr, &n);
    struct ptm_nd x = *c->in;
    if (ptm_ref_numel(&x) == 0)
        return 0;
    for (int64_t k = 0; k < n; k++) {
        int64_t d = dims[k].i;
        x = ptm_ref_shift(&x, (x.dim[d] - 1) * x.stride[d]);
        x.stride[d] = -x.stride[d];
    }
    ptm_ref_copy_nd(c->out, &x);
    return 0;
}

int ptm_ref_concat(const struct ptm_ref_call *c)
{
    int64_t dim = c->attr[0].i, at = 0;
    for (int k = 0; k < c->n_in; k++) {
        struct ptm_nd y = *c->out;
        if (!take_slice(&y, dim, at, c->in[k].dim[dim], 1))
            return PTM_REF_RANGE;
        if (y.data != c->in[k].data) /* else it was made there */
            ptm_ref_copy_nd(&y, c->in + k);
        at += c->in[k].dim[dim];
    }
    return 0;
}

/* Where element i of a padded dim comes from; -1: the constant. */
static int64_t pad_source(int64_t i, int64_t size, int64_t mode)
{
    if (i >= 0 && i < size)
        return i;
    if (mode == 0 || size == 0)
        return -1;
    if (mode == 2)
        return i < 0 ? 0 : size - 1;
    if (mode == 3)
        return (i % size + size) % size;
    if (size == 1)
        return 0;
    int64_t period = 2 * (size - 1);
    i = (i % period + period) % period;
    return i < size ? i : period - i;
}

int ptm_ref_pad(const struct ptm_ref_call *c)
{
    const struct ptm_nd *y = c->out, *x = c->in;
    struct ptm_imm_reader attr = ptm_ref_attr(c);
    int64_t n;
    const union ptm_imm *before = ptm_imm_list(&attr, &n);
    ptm_imm_list(&attr, &n); /* after: is in y's dims */
    int64_t mode = ptm_imm_i(&attr);
    double value = ptm_imm_f(&attr);
    if (ptm_ref_numel(y) == 0)
        return 0;
    if (y->rank == 0) {
        ptm_ref_copy(y, 0, 1, x, 0, 1, 1);
        return 0;
    }
    int last = y->rank - 1;
    int64_t width = y->dim[last], index[PTM_MAX_RANK] = {0};
    int64_t *source = ptm_ref_scratch(c, width, sizeof *source);
    if (!source)
        return PTM_REF_MEMORY;
    for (int64_t i = 0; i < width; i++)
        source[i] = pad_source(i - before[last].i, x->dim[last], mode);
    do {
        int64_t y_at = ptm_ref_offset(y, index), x_at = 0;
        bool inside = true;
        for (int k = 0; k < last; k++) {
            int64_t i = pad_source(index[k] - before[k].i, x->dim[k], mode);
            inside = inside && i >= 0;
            x_at += i * x->stride[k];
        }
        for (int64_t i = 0; i < width; i++) {
            if (inside && source[i] >= 0)
                ptm_ref_copy(y, y_at + i * y->stride[last], 1, x,
                             x_at + source[i] * x->stride[last], 1, 1);
            else
                ptm_ref_put_f(y, y_at + i * y->stride[last], value);
        }
    } while (ptm_ref_next(last, y->dim, index));
    return 0;
}

/* The elements of the lower or the upper triangle; the others are 0. */
static int triangle(const struct ptm_ref_call *c, bool lower)
{
    const struct ptm_nd *y = c->out, *x = c->in;
    int64_t diagonal = c->attr[0].i, index[PTM_MAX_RANK] = {0}, width = y->dim[y->rank - 1];
    int last = y->rank - 1;
    if (ptm_ref_numel(y) == 0)
        return 0;
    ptm_ref_fill_i(y, 0);
    do {
        int64_t edge = index[last - 1] + diagonal; /* the diagonal's column */
        int64_t from = lower ? 0 : edge, to = lower ? edge + 1 : width;
        from = from < 0 ? 0 : from;
        to = to > width ? width : to;
        if (from < to)
            ptm_ref_copy(y, ptm_ref_offset(y, index) + from * y->stride[last], y->stride[last], x,
                         ptm_ref_offset(x, index) + from * x->stride[last], x->stride[last],
                         to - from);
    } while (ptm_ref_next(last, y->dim, index));
    return 0;
}

int ptm_ref_tril(const struct ptm_ref_call *c)
{
    return triangle(c, true);
}

int ptm_ref_triu(const struct ptm_ref_call *c)
{
    return triangle(c, false);
}

/* attributes: dtype, dims..., value */
int ptm_ref_full(const struct ptm_ref_call *c)
{
    ptm_ref_fill_f(c->out, c->attr[c->attr[1].i + 2].f);
    return 0;
}

int ptm_ref_full_int(const struct ptm_ref_call *c)
{
    ptm_ref_fill_i(c->out, c->attr[c->attr[1].i + 2].i);
    return 0;
}

int ptm_ref_arange(const struct ptm_ref_call *c)
{
    uint64_t start = (uint64_t)c->attr[2].i, step = (uint64_t)c->attr[3].i;
    for (int64_t k = 0; k < c->out->dim[0]; k++)
        ptm_ref_put_i(c->out, k * c->out->stride[0], (int64_t)(start + (uint64_t)k * step));
    return 0;
}

/* A complex array as the f32 array [..., 2] that it is. */
static struct ptm_nd parts_of(const struct ptm_nd *z)
{
    struct ptm_nd x = *z;
    x.dtype = PTM_F32;
    for (int k = 0; k < z->rank; k++)
        x.stride[k] = 2 * z->stride[k];
    x.dim[x.rank] = 2;
    x.stride[x.rank++] = 1;
    return x;
}

int ptm_ref_as_complex(const struct ptm_ref_call *c)
{
    struct ptm_nd y = parts_of(c->out);
    ptm_ref_copy_nd(&y, c->in);
    return 0;
}

int ptm_ref_as_real(const struct ptm_ref_call *c)
{
    struct ptm_nd x = parts_of(c->in);
    ptm_ref_copy_nd(c->out, &x);
    return 0;
}

/* -- random: element k of a stream is a hash of (seed, stream, k) -- */

/* splitmix64's finaliser */
static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* [0, 1) with as many bits as the type holds, so that storing it never rounds up to 1 */
static double uniform(uint64_t bits, uint8_t dtype)
{
    int digits = dtype == PTM_F32 ? 24 : dtype == PTM_F16 ? 11 : dtype == PTM_BF16 ? 8 : 53;
    return ldexp((double)(bits >> (64 - digits)), -digits);
}

int ptm_ref_random(const struct ptm_ref_call *c)
{
    const struct ptm_nd *y = c->out;
    struct ptm_imm_reader attr = ptm_ref_attr(c);
    int64_t n, index[PTM_MAX_RANK] = {0};
    ptm_imm_i(&attr);
    ptm_imm_list(&attr, &n);
    int64_t kind = ptm_imm_i(&attr);
    double a = ptm_imm_f(&attr), b = ptm_imm_f(&attr);
    uint64_t key = mix((uint64_t)ptm_imm_i(&attr) + 0x9e3779b97f4a7c15u);
    key = mix(key ^ mix((uint64_t)ptm_imm_i(&attr) + 0x9e3779b97f4a7c15u));
    if (ptm_ref_numel(y) == 0)
        return 0;
    uint64_t counter = key;
    do {
        uint64_t bits = mix(counter += 0x9e3779b97f4a7c15u);
        double u = uniform(bits, kind == 0 ? y->dtype : PTM_F64), v;
        if (kind == 0)
            v = a + u * (b - a);
        else if (kind == 1) /* Box-Muller; 1 - u is above 0 */
            v = a + b * sqrt(-2 * log(1 - u)) *
                        cos(6.28318530717958647693 * uniform(mix(bits ^ key), PTM_F64));
        else if (kind == 2)
            v = u < a;
        else
            v = floor(a + u * (b - a));
        if ((kind == 0 || kind == 3) && v >= b) /* rounding may reach b */
            v = kind == 0 ? a : b - 1;
        ptm_ref_put_f(y, ptm_ref_offset(y, index), v);
    } while (ptm_ref_next(y->rank, y->dim, index));
    return 0;
}
