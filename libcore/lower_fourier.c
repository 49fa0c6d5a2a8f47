/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lowerings of Fourier transforms, as products with known matrices over the
 * real and imaginary parts, and of istft, which overlaps and adds what they give.
 */
#include <math.h>
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"
#include "libcore/lower_signal.h"

enum kind {
    FORWARD,  /* complex to complex */
    INVERSE,
    REAL,     /* real to half of the spectrum */
    TO_REAL,  /* half of the spectrum to real */
};

/* 1, 1/n or 1/sqrt(n) */
static double scale_of(struct ptm_trace *t, struct ptm_ival norm, bool inverse, int64_t n)
{
    const char *s = ptm_is_none(norm) ? "backward" : ptm_arg_str(t, norm);
    bool forward = s && !strcmp(s, "forward");
    if (s && !strcmp(s, "ortho"))
        return 1 / sqrt((double)n);
    return forward != inverse ? 1 / (double)n : 1;
}

static double angle(int64_t i, int64_t k, int64_t n)
{
    return 6.28318530717958647692 * (double)(i * k % n) / (double)n;
}

/* [outputs, inputs] of a transform of n points; complex numbers take two places. */
static struct ptm_tensor *basis(struct ptm_trace *t, enum kind kind, int64_t n, double scale)
{
    int64_t half = n / 2 + 1;
    int64_t in = kind == REAL ? n : kind == TO_REAL ? 2 * half : 2 * n;
    int64_t dim[2] = {kind == REAL ? 2 * half : kind == TO_REAL ? n : 2 * n, in};
    double *v = n > 0 && n <= 8192 ? ptm_doubles(t, dim[0] * dim[1]) : NULL;
    if (!v) {
        ptm_trace_fail(t, PTM_ERR_LIMIT, "a Fourier transform of %lld points; 1 to 8192 are "
                       "supported", (long long)n);
        return NULL;
    }
    for (int64_t i = 0; i < (kind == REAL ? half : n); i++)
        for (int64_t k = 0; k < (kind == TO_REAL ? half : n); k++) {
            double a = angle(i, k, n), re = scale * cos(a), im = scale * sin(a);
            double twice = k == 0 || 2 * k == n ? 1 : 2;
            if (kind == REAL) {
                v[2 * i * in + k] = re;
                v[(2 * i + 1) * in + k] = -im;
            } else if (kind == TO_REAL) {
                v[i * in + 2 * k] = twice * re;
                v[i * in + 2 * k + 1] = twice > 1 ? -2 * im : 0;
            } else {
                double s = kind == FORWARD ? im : -im;
                v[2 * i * in + 2 * k] = v[(2 * i + 1) * in + 2 * k + 1] = re;
                v[2 * i * in + 2 * k + 1] = s;
                v[(2 * i + 1) * in + 2 * k] = -s;
            }
        }
    return ptm_cast(t, ptm_known(t, PTM_F64, 2, dim, v), PTM_F32);
}

/* Dimension d cut, or filled with zeros, to n elements. */
static struct ptm_tensor *fitted(struct ptm_trace *t, struct ptm_tensor *x, int d, int64_t n)
{
    int64_t before[PTM_MAX_RANK] = {0}, after[PTM_MAX_RANK] = {0};
    struct ptm_emit e;
    if (!x || x->dim[d] >= n)
        return x && x->dim[d] > n ? ptm_view_range(t, x, d, 0, n) : x;
    after[d] = n - x->dim[d];
    ptm_emit_begin(&e, t, OP_pad);
    ptm_emit_in(&e, x);
    ptm_emit_ints(&e, before, x->rank);
    ptm_emit_ints(&e, after, x->rank);
    ptm_emit_i(&e, 0);
    ptm_emit_f(&e, 0);
    return ptm_emit_end(&e);
}

/* A transform of n points (-1: those there are) along dim. */
static struct ptm_tensor *transform(struct ptm_trace *t, struct ptm_tensor *x, enum kind kind,
                                    int64_t n, int dim, struct ptm_ival norm)
{
    if (!x)
        return NULL;
    if (x->rank < 1 || x->rank >= PTM_MAX_RANK || (kind == REAL && x->dtype == PTM_C64) ||
        x->dtype == PTM_F64) {
        ptm_trace_fail(t, PTM_ERR_UNSUPPORTED, "a Fourier transform of %s of rank %d",
                       ptm_dtype_torch(x->dtype), x->rank);
        return NULL;
    }
    int last = x->rank - 1;
    if (n < 0)
        n = kind == TO_REAL ? 2 * (x->dim[dim] - 1) : x->dim[dim];
    x = ptm_cast(t, x, kind == REAL ? PTM_F32 : PTM_C64);
    x = ptm_view_transpose(t, x, dim, last);
    if (kind != REAL)
        x = ptm_op_unary(t, OP_as_real, x);
    int64_t terms = kind == TO_REAL ? n / 2 + 1 : n;
    x = fitted(t, x, last, terms);
    struct ptm_tensor *m = basis(t, kind, n, scale_of(t, norm, kind == INVERSE || kind == TO_REAL,
                                                      n));
    if (!x || !m)
        return NULL;
    int64_t d[PTM_MAX_RANK];
    memcpy(d, x->dim, sizeof(d));
    d[last] = m->dim[1];
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_linear);
    ptm_emit_in(&e, ptm_reshape(t, x, last + 1, d));
    ptm_emit_in(&e, m);
    x = ptm_emit_end(&e);
    if (kind != TO_REAL) {
        d[last] = m->dim[0] / 2;
        d[last + 1] = 2;
        x = ptm_op_unary(t, OP_as_complex, ptm_reshape(t, x, last + 2, d));
    }
    return ptm_view_transpose(t, x, dim, last);
}

static struct ptm_ival along_one(const struct ptm_lower_call *c, enum kind kind)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    struct ptm_ival n = ptm_named(c, "n");
    if (!x)
        return ptm_none();
    int dim = ptm_arg_dim(c->t, ptm_named(c, "dim"), x->rank);
    return ptm_tensor_ival(transform(c->t, x, kind, ptm_is_none(n) ? -1 : ptm_arg_size(c->t, n),
                                     dim, ptm_named(c, "norm")));
}

/* Over several dims, the last one first (to a spectrum) or last (from one). */
static struct ptm_ival along_many(const struct ptm_lower_call *c, enum kind kind)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0);
    struct ptm_ival norm = ptm_named(c, "norm"), dim_v = ptm_named(c, "dim");
    int64_t size[PTM_MAX_RANK], dim[PTM_MAX_RANK];
    int n_size = ptm_arg_ints(t, ptm_named(c, "s"), size, PTM_MAX_RANK);
    if (!x)
        return ptm_none();
    int n = ptm_arg_ints(t, dim_v, dim, PTM_MAX_RANK);
    if (ptm_is_none(dim_v)) { /* the last ones */
        n = n_size ? n_size : x->rank;
        for (int i = 0; i < n; i++)
            dim[i] = x->rank - n + i;
    }
    if (n < 1 || n > x->rank || (n_size && n_size != n))
        return ptm_trace_fail(t, PTM_ERR_TYPE, "a Fourier transform over %d dims with %d sizes", n,
                              n_size);
    for (int i = 0; i < n; i++) {
        dim[i] = ptm_arg_dim(t, ptm_int(dim[i]), x->rank);
        size[i] = n_size ? size[i] : -1;
    }
    enum kind others = kind == REAL ? FORWARD : kind == TO_REAL ? INVERSE : kind;
    if (kind == REAL)
        x = transform(t, x, REAL, size[n - 1], (int)dim[n - 1], norm);
    for (int i = 0; i < n - (kind == REAL || kind == TO_REAL); i++)
        x = transform(t, x, others, size[i], (int)dim[i], norm);
    if (kind == TO_REAL)
        x = transform(t, x, TO_REAL, size[n - 1], (int)dim[n - 1], norm);
    return ptm_tensor_ival(x);
}

static struct ptm_ival lower_fft(const struct ptm_lower_call *c)
{
    return along_one(c, FORWARD);
}

static struct ptm_ival lower_ifft(const struct ptm_lower_call *c)
{
    return along_one(c, INVERSE);
}

static struct ptm_ival lower_rfft(const struct ptm_lower_call *c)
{
    return along_one(c, REAL);
}

static struct ptm_ival lower_irfft(const struct ptm_lower_call *c)
{
    return along_one(c, TO_REAL);
}

static struct ptm_ival lower_fftn(const struct ptm_lower_call *c)
{
    return along_many(c, FORWARD);
}

static struct ptm_ival lower_ifftn(const struct ptm_lower_call *c)
{
    return along_many(c, INVERSE);
}

static struct ptm_ival lower_rfftn(const struct ptm_lower_call *c)
{
    return along_many(c, REAL);
}

static struct ptm_ival lower_irfftn(const struct ptm_lower_call *c)
{
    return along_many(c, TO_REAL);
}

/* Halves swapped, so that frequency 0 is in the middle; or back. */
static struct ptm_ival shifted(const struct ptm_lower_call *c, bool back)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0);
    int64_t dim[PTM_MAX_RANK];
    if (!x)
        return ptm_none();
    bool every = ptm_is_none(ptm_named(c, "dim"));
    int n = every ? x->rank : ptm_arg_ints(t, ptm_named(c, "dim"), dim, PTM_MAX_RANK);
    for (int i = 0; i < n && x; i++) {
        int d = every ? i : ptm_arg_dim(t, ptm_int(dim[i]), x->rank);
        int64_t by = back ? (x->dim[d] + 1) / 2 : x->dim[d] / 2;
        x = ptm_arg_tensor(t, ptm_call(t, "aten::roll", 3,
                                       (struct ptm_ival[]){ptm_tensor_ival(x), ptm_int(by),
                                                           ptm_int(d)}));
    }
    return ptm_tensor_ival(x);
}

static struct ptm_ival lower_fftshift(const struct ptm_lower_call *c)
{
    return shifted(c, false);
}

static struct ptm_ival lower_ifftshift(const struct ptm_lower_call *c)
{
    return shifted(c, true);
}

/* Sums frames[B, T, n] that start `hop` apart: [B, length]. */
static struct ptm_tensor *overlap(struct ptm_trace *t, struct ptm_tensor *x, int64_t hop)
{
    struct ptm_emit e;
    if (!x)
        return NULL;
    int64_t n = x->dim[2], length = n + hop * (x->dim[1] - 1), zero[2] = {0, 0};
    ptm_emit_begin(&e, t, OP_fold);
    ptm_emit_in(&e, ptm_view_transpose(t, x, 1, 2));
    ptm_emit_ints(&e, (int64_t[]){1, length}, 2);
    ptm_emit_ints(&e, (int64_t[]){1, n}, 2);
    ptm_emit_ints(&e, (int64_t[]){1, 1}, 2);
    ptm_emit_ints(&e, zero, 2);
    ptm_emit_ints(&e, (int64_t[]){1, hop}, 2);
    return ptm_reshape(t, ptm_emit_end(&e), 2, (int64_t[]){x->dim[0], length});
}

static struct ptm_ival lower_istft(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *w = ptm_arg_tensor(t, ptm_named(c, "window"));
    struct ptm_ival hop_v = ptm_named(c, "hop_length"), len_v = ptm_named(c, "win_length");
    struct ptm_ival one_v = ptm_named(c, "onesided"), length_v = ptm_named(c, "length");
    int64_t n = ptm_arg_size(t, ptm_named(c, "n_fft"));
    int64_t hop = ptm_is_none(hop_v) ? n / 4 : ptm_arg_size(t, hop_v);
    int64_t len = ptm_is_none(len_v) ? n : ptm_arg_size(t, len_v);
    bool center = ptm_arg_bool(t, ptm_named(c, "center"));
    if (!x || ptm_trace_failed(t))
        return ptm_none();
    if (ptm_arg_bool(t, ptm_named(c, "return_complex")))
        return ptm_trace_fail(t, PTM_ERR_UNSUPPORTED, "istft with return_complex=True");
    bool flat = x->rank == 2;
    x = flat ? ptm_view_unsqueeze(t, x, 0) : x;
    if (!x || x->dtype != PTM_C64 || x->rank != 3 || n < 1 || hop < 1 || len < 1 || len > n ||
        x->dim[2] < 1 || (w && (w->rank != 1 || w->dim[0] != len)))
        return ptm_trace_fail(t, PTM_ERR_TYPE, "istft: n_fft %lld, hop %lld, window %lld",
                              (long long)n, (long long)hop, (long long)len);
    bool half = ptm_is_none(one_v) ? x->dim[1] != n : ptm_arg_bool(t, one_v);
    if (x->dim[1] != (half ? n / 2 + 1 : n))
        return ptm_trace_fail(t, PTM_ERR_TYPE, "istft: %lld frequencies for n_fft %lld",
                              (long long)x->dim[1], (long long)n);
    struct ptm_ival norm = ptm_none();
    if (ptm_arg_bool(t, ptm_named(c, "normalized")))
        norm = ptm_str_ival(ptm_trace_arena(t), "ortho", 5);
    x = transform(t, ptm_view_transpose(t, x, 1, 2), half ? TO_REAL : INVERSE, n, 2, norm);
    if (x && !half) {
        x = ptm_op_unary(t, OP_as_real, x);
        x = x ? ptm_view_select(t, x, 3, ptm_int(0)) : NULL;
    }
    if (!x)
        return ptm_none();
    w = ptm_full_window(t, w, len, n, PTM_F32);
    int64_t frames[3] = {1, x->dim[1], n};
    struct ptm_tensor *all = ptm_bin(t, OP_mul, w, w);
    all = overlap(t, ptm_view_expand(t, all, 3, frames), hop);
    x = overlap(t, ptm_bin(t, OP_mul, x, w), hop);
    if (!x)
        return ptm_none();
    int64_t whole = x->dim[1], start = center ? n / 2 : 0;
    int64_t end = !ptm_is_none(length_v) ? start + ptm_arg_size(t, length_v)
                                         : whole - (center ? n / 2 : 0);
    int64_t stop = end < whole ? end : whole;
    if (start > stop)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "istft: no samples are left");
    x = ptm_bin(t, OP_div, ptm_view_range(t, x, 1, start, stop - start),
                ptm_view_range(t, all, 1, start, stop - start));
    x = fitted(t, x, 1, end - start);
    return ptm_tensor_ival(flat ? ptm_view_squeeze(t, x, 0) : x);
}

const struct ptm_lowering ptm_lower_fourier[] = {
    {"aten::fft_fft", lower_fft},
    {"aten::fft_ifft", lower_ifft},
    {"aten::fft_rfft", lower_rfft},
    {"aten::fft_irfft", lower_irfft},
    {"aten::fft_fft2", lower_fftn},
    {"aten::fft_ifft2", lower_ifftn},
    {"aten::fft_rfft2", lower_rfftn},
    {"aten::fft_irfft2", lower_irfftn},
    {"aten::fft_fftn", lower_fftn},
    {"aten::fft_ifftn", lower_ifftn},
    {"aten::fft_rfftn", lower_rfftn},
    {"aten::fft_irfftn", lower_irfftn},
    {"aten::fft_fftshift", lower_fftshift},
    {"aten::fft_ifftshift", lower_ifftshift},
    {"aten::istft", lower_istft},
    {NULL, NULL},
};
