/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lowerings of signal processing: windows, computed in double as known data,
 * and the short-time Fourier transform as a product with a known basis.
 */
#include <math.h>
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"
#include "libcore/lower_signal.h"

/* -- windows: one term of cosines, or other shapes, over n or n - 1 steps -- */
struct window {
    double a0, a1, a2;
    int64_t n, dtype;
    double steps;
};

static bool window_size(const struct ptm_lower_call *c, struct window *w)
{
    bool periodic = !ptm_has_named(c, "periodic") || ptm_arg_bool(c->t, ptm_named(c, "periodic"));
    w->n = ptm_arg_size(c->t, ptm_named(c, "window_length"));
    w->dtype = ptm_arg_dtype(c->t, ptm_named(c, "dtype"), PTM_F32);
    w->steps = periodic ? (double)w->n : (double)(w->n - 1);
    return !ptm_trace_failed(c->t);
}

static struct ptm_ival cosine_window(const struct ptm_lower_call *c, double a0, double a1,
                                     double a2)
{
    const double turn = 6.28318530717958647692;
    struct window w;
    double *v = window_size(c, &w) ? ptm_doubles(c->t, w.n) : NULL;
    for (int64_t i = 0; v && i < w.n; i++)
        v[i] = w.n == 1 ? 1
                        : a0 - a1 * cos(turn * (double)i / w.steps) +
                              a2 * cos(2 * turn * (double)i / w.steps);
    return v ? ptm_known_doubles(c->t, (int)w.dtype, w.n, v) : ptm_none();
}

static struct ptm_ival lower_hann_window(const struct ptm_lower_call *c)
{
    return cosine_window(c, 0.5, 0.5, 0);
}

static struct ptm_ival lower_hamming_window(const struct ptm_lower_call *c)
{
    double alpha = ptm_has_named(c, "alpha") ? ptm_arg_float(c->t, ptm_named(c, "alpha")) : 0.54;
    double beta = ptm_has_named(c, "beta") ? ptm_arg_float(c->t, ptm_named(c, "beta")) : 0.46;
    return cosine_window(c, alpha, beta, 0);
}

static struct ptm_ival lower_blackman_window(const struct ptm_lower_call *c)
{
    return cosine_window(c, 0.42, 0.5, 0.08);
}

static struct ptm_ival lower_bartlett_window(const struct ptm_lower_call *c)
{
    struct window w;
    double *v = window_size(c, &w) ? ptm_doubles(c->t, w.n) : NULL;
    for (int64_t i = 0; v && i < w.n; i++)
        v[i] = w.n == 1 ? 1 : 1 - fabs(2 * (double)i / w.steps - 1);
    return v ? ptm_known_doubles(c->t, (int)w.dtype, w.n, v) : ptm_none();
}

/* Modified Bessel function of order 0, by its power series. */
static double bessel_i0(double x)
{
    double sum = 1, term = 1;
    for (int k = 1; k < 500 && term > sum * 1e-18; k++) {
        term *= (x / (2 * k)) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

static struct ptm_ival lower_kaiser_window(const struct ptm_lower_call *c)
{
    double beta = ptm_has_named(c, "beta") ? ptm_arg_float(c->t, ptm_named(c, "beta")) : 12;
    struct window w;
    double *v = window_size(c, &w) ? ptm_doubles(c->t, w.n) : NULL;
    for (int64_t i = 0; v && i < w.n; i++) {
        double r = 2 * (double)i / w.steps - 1;
        v[i] = w.n == 1 ? 1 : bessel_i0(beta * sqrt(r * r < 1 ? 1 - r * r : 0)) / bessel_i0(beta);
    }
    return v ? ptm_known_doubles(c->t, (int)w.dtype, w.n, v) : ptm_none();
}

/* -- short-time Fourier transform, real and imaginary parts as a last dimension -- */
/* Rows 2k and 2k + 1: cos and -sin of frequency k, times scale; [2 * freqs, n]. */
static struct ptm_tensor *fourier_basis(struct ptm_trace *t, int64_t n, int64_t freqs, double scale,
                                        enum ptm_dtype d)
{
    const double turn = 6.28318530717958647692;
    int64_t dim[2] = {2 * freqs, n};
    double *v = n && freqs <= (INT64_C(1) << 27) / n ? ptm_doubles(t, 2 * freqs * n) : NULL;
    if (!v) {
        ptm_trace_fail(t, PTM_ERR_LIMIT, "stft: %lld points", (long long)n);
        return NULL;
    }
    for (int64_t k = 0; k < freqs; k++)
        for (int64_t i = 0; i < n; i++) {
            double a = turn * (double)(k * i % n) / (double)n;
            v[2 * k * n + i] = scale * cos(a);
            v[(2 * k + 1) * n + i] = -scale * sin(a);
        }
    return ptm_cast(t, ptm_known(t, PTM_F64, 2, dim, v), d);
}

struct ptm_tensor *ptm_full_window(struct ptm_trace *t, struct ptm_tensor *w, int64_t len,
                                      int64_t n, enum ptm_dtype d)
{
    if (!w)
        w = ptm_full(t, d, 1, &len, ptm_int(1));
    if (!w || len == n)
        return w;
    int64_t left = (n - len) / 2, right = n - len - left;
    struct ptm_tensor *part[3] = {ptm_full(t, d, 1, &left, ptm_int(0)), w,
                                  ptm_full(t, d, 1, &right, ptm_int(0))};
    return ptm_concat(t, part, 3, 0);
}

static struct ptm_tensor *pad_both(struct ptm_trace *t, struct ptm_tensor *x, int64_t by,
                                   const char *mode)
{
    int kind = !strcmp(mode, "reflect")     ? 1
               : !strcmp(mode, "replicate") ? 2
               : !strcmp(mode, "circular")  ? 3
                                            : 0;
    int64_t before[2] = {0, by};
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_pad);
    ptm_emit_in(&e, x);
    ptm_emit_ints(&e, before, 2);
    ptm_emit_ints(&e, before, 2);
    ptm_emit_i(&e, kind);
    ptm_emit_f(&e, 0);
    return ptm_emit_end(&e);
}

static struct ptm_ival lower_stft(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *w = ptm_arg_tensor(t, ptm_named(c, "window"));
    struct ptm_ival hop_v = ptm_named(c, "hop_length"), len_v = ptm_named(c, "win_length");
    struct ptm_ival one_v = ptm_named(c, "onesided"), complex_v = ptm_named(c, "return_complex");
    int64_t n = ptm_arg_size(t, ptm_named(c, "n_fft"));
    int64_t hop = ptm_is_none(hop_v) ? n / 4 : ptm_arg_size(t, hop_v);
    int64_t len = ptm_is_none(len_v) ? n : ptm_arg_size(t, len_v);
    if (!x)
        return ptm_none();
    bool as_complex = !ptm_is_none(complex_v) && ptm_arg_bool(t, complex_v);
    bool flat = x->rank == 1;
    x = flat ? ptm_view_unsqueeze(t, x, 0) : x;
    if (ptm_has_named(c, "center") && ptm_arg_bool(t, ptm_named(c, "center")))
        x = pad_both(t, x, n / 2, ptm_arg_str(t, ptm_named(c, "pad_mode")));
    if (!x || x->rank != 2 || n < 1 || hop < 1 || len < 1 || len > n || x->dim[1] < n ||
        (w && (w->rank != 1 || w->dim[0] != len)))
        return ptm_trace_fail(t, PTM_ERR_TYPE, "stft: n_fft %lld, hop %lld, window %lld",
                              (long long)n, (long long)hop, (long long)len);
    enum ptm_dtype d = (enum ptm_dtype)x->dtype;
    bool half = ptm_is_none(one_v) || ptm_arg_bool(t, one_v);
    int64_t freqs = half ? n / 2 + 1 : n, frames = (x->dim[1] - n) / hop + 1;
    double scale = ptm_arg_bool(t, ptm_named(c, "normalized")) ? 1 / sqrt((double)n) : 1;
    int64_t dim[3] = {x->dim[0], frames, n},
            stride[3] = {x->stride[0], x->stride[1] * hop, x->stride[1]};
    struct ptm_tensor *y = ptm_view_within(t, x, 3, dim, stride, 0);
    y = ptm_bin(t, OP_mul, y, ptm_full_window(t, w, len, n, d));
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_linear);
    ptm_emit_in(&e, y);
    ptm_emit_in(&e, fourier_basis(t, n, freqs, scale, d));
    y = ptm_reshape(t, ptm_emit_end(&e), 4, (int64_t[]){dim[0], frames, freqs, 2});
    y = ptm_view_transpose(t, y, 1, 2);
    y = as_complex ? ptm_op_unary(t, OP_as_complex, y) : y;
    return ptm_tensor_ival(flat ? ptm_view_squeeze(t, y, 0) : y);
}

const struct ptm_lowering ptm_lower_signal[] = {
    {"aten::hann_window", lower_hann_window},
    {"aten::hamming_window", lower_hamming_window},
    {"aten::blackman_window", lower_blackman_window},
    {"aten::bartlett_window", lower_bartlett_window},
    {"aten::kaiser_window", lower_kaiser_window},
    {"aten::stft", lower_stft},
    {NULL, NULL},
};
