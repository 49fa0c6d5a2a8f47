/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reference kernels: resizing of 1 to 3 spatial dims, as PyTorch's upsampling.
 *
 * Every mode is, per dim, a few taps (source index, weight) for each output
 * index; a plane is resized one dim after the other in double. For types
 * narrower than f64 positions are computed in f32, as PyTorch does: nearest
 * picks other elements otherwise.
 */
#include "kernels/ref_ops.h"
#include "kernels/ref_util.h"

#include <math.h>
#include <string.h>

enum mode { NEAREST, NEAREST_EXACT, LINEAR, CUBIC };

/* The taps of output index i: source first[i] + k with weight[i * most + k], k < count[i]; clamped
 * sources are summed by their weights. */
struct taps {
    int64_t most, *first, *count;
    double *weight;
};

struct axis {
    int64_t in, out;
    double scale; /* input step per output step, rounded to f32 when f32 */
    bool f32, align_corners;
};

static double narrow(double v, bool f32)
{
    return f32 ? (double)(float)v : v;
}

static double source_step(int64_t in, int64_t out, bool align_corners, double scale, bool f32)
{
    if (align_corners)
        return out > 1 ? narrow((double)(in - 1) / (double)(out - 1), f32) : 0;
    if (scale > 0)
        return narrow(1 / scale, f32);
    return narrow((double)in / (double)out, f32);
}

/* Source position of output index i: each operation rounded to the type. */
static double source_position(const struct axis *a, int64_t i, bool clamp)
{
    if (a->align_corners)
        return narrow(a->scale * (double)i, a->f32);
    double p = narrow(narrow(a->scale * ((double)i + 0.5), a->f32) - 0.5, a->f32);
    return clamp && p < 0 ? 0 : p;
}

/* A position rounded down, at most a little outside of the dim; NaN gives 0. */
static int64_t whole(double p, int64_t size)
{
    if (p != p)
        return 0;
    return p < -8 ? -8 : p > (double)size + 8 ? size + 8 : (int64_t)floor(p);
}

static double cubic_near(double x, double a)
{
    return ((a + 2) * x - (a + 3)) * x * x + 1;
}

static double cubic_far(double x, double a)
{
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
}

static void add_tap(struct taps *t, int64_t i, int64_t source, double weight)
{
    t->weight[i * t->most + source - t->first[i]] += weight;
}

static void nearest_taps(struct taps *t, const struct axis *a, enum mode mode)
{
    for (int64_t i = 0; i < a->out; i++) {
        double p = mode == NEAREST ? narrow(a->scale * (double)i, a->f32)
                                   : narrow(a->scale * ((double)i + 0.5), a->f32);
        int64_t source = whole(p, a->in);
        t->first[i] = source < a->in - 1 ? source : a->in - 1;
        t->count[i] = 1;
        t->weight[i * t->most] = 1;
    }
}

static int64_t clamp_index(int64_t i, int64_t size)
{
    return i < 0 ? 0 : i >= size ? size - 1 : i;
}

static void linear_taps(struct taps *t, const struct axis *a)
{
    for (int64_t i = 0; i < a->out; i++) {
        double p = source_position(a, i, true);
        int64_t low = clamp_index(whole(p, a->in), a->in);
        double part = narrow(p - (double)low, a->f32);
        part = part < 0 ? 0 : part > 1 ? 1 : part;
        int64_t high = clamp_index(low + 1, a->in);
        t->first[i] = low;
        t->count[i] = high - low + 1;
        add_tap(t, i, low, 1 - part);
        add_tap(t, i, high, part);
    }
}

static void cubic_taps(struct taps *t, const struct axis *a)
{
    for (int64_t i = 0; i < a->out; i++) {
        double p = source_position(a, i, false);
        int64_t low = whole(p, a->in);
        double part = narrow(p - (double)low, a->f32);
        double w[4] = {cubic_far(part + 1, -0.75), cubic_near(part, -0.75),
                       cubic_near(1 - part, -0.75), cubic_far(2 - part, -0.75)};
        t->first[i] = clamp_index(low - 1, a->in);
        t->count[i] = clamp_index(low + 2, a->in) - t->first[i] + 1;
        for (int k = 0; k < 4; k++)
            add_tap(t, i, clamp_index(low - 1 + k, a->in), w[k]);
    }
}

static double filter(double x, enum mode mode)
{
    x = fabs(x);
    if (mode == LINEAR)
        return x < 1 ? 1 - x : 0;
    return x < 1 ? cubic_near(x, -0.5) : x < 2 ? cubic_far(x, -0.5) : 0;
}

/* The filter widened by the scale when it shrinks; weights add up to 1. */
static void antialias_taps(struct taps *t, const struct axis *a, enum mode mode)
{
    double width = mode == LINEAR ? 1 : 2;
    double support = a->scale >= 1 ? narrow(width * a->scale, a->f32) : width;
    double inverse = a->scale >= 1 ? narrow(1 / a->scale, a->f32) : 1;
    for (int64_t i = 0; i < a->out; i++) {
        double center = narrow(a->scale * ((double)i + 0.5), a->f32), sum = 0;
        int64_t from = whole(narrow(narrow(center - support, a->f32) + 0.5, a->f32), a->in);
        int64_t to = whole(narrow(narrow(center + support, a->f32) + 0.5, a->f32), a->in);
        from = from < 0 ? 0 : from;
        to = to < a->in ? to : a->in;
        if (from >= to) /* no centre of an element in reach: not with these filters */
            from = clamp_index(from, a->in), to = from + 1;
        t->first[i] = from;
        t->count[i] = to - from < t->most ? to - from : t->most;
        double *w = t->weight + i * t->most;
        for (int64_t k = 0; k < t->count[i]; k++)
            sum += w[k] = filter(((double)(k + from) - center + 0.5) * inverse, mode);
        for (int64_t k = 0; k < t->count[i] && sum != 0; k++)
            w[k] /= sum;
    }
}

static bool make_taps(struct taps *t, const struct ptm_ref_call *c, const struct axis *a,
                      enum mode mode, bool antialias)
{
    t->most = mode == LINEAR ? 2 : mode == CUBIC ? 4 : 1;
    if (antialias && a->scale >= 1) {
        double most = ceil((mode == LINEAR ? 1 : 2) * a->scale) * 2 + 1;
        t->most = most < (double)a->in ? (int64_t)most : a->in;
    } else if (antialias) {
        t->most = mode == LINEAR ? 3 : 5;
    }
    t->first = ptm_ref_scratch(c, a->out, sizeof *t->first);
    t->count = ptm_ref_scratch(c, a->out, sizeof *t->count);
    if (t->most > INT64_MAX / 64 / (a->out ? a->out : 1))
        return false;
    t->weight = ptm_ref_doubles(c, a->out * t->most);
    if (!t->first || !t->count || !t->weight)
        return false;
    if (mode == NEAREST || mode == NEAREST_EXACT)
        nearest_taps(t, a, mode);
    else if (antialias)
        antialias_taps(t, a, mode);
    else if (mode == LINEAR)
        linear_taps(t, a);
    else
        cubic_taps(t, a);
    return true;
}

/* src[outer][in][inner] to dst[outer][out][inner] */
static void resize_dim(double *dst, const double *src, const struct taps *t, int64_t outer,
                       int64_t in, int64_t out, int64_t inner)
{
    for (int64_t o = 0; o < outer; o++) {
        for (int64_t i = 0; i < out; i++) {
            double *to = dst + (o * out + i) * inner;
            memset(to, 0, (size_t)inner * sizeof *to);
            for (int64_t k = 0; k < t->count[i]; k++) {
                const double *from = src + (o * in + t->first[i] + k) * inner;
                double w = t->weight[i * t->most + k];
                for (int64_t j = 0; j < inner; j++)
                    to[j] += w * from[j];
            }
        }
    }
}

/* Copies between a plane of x and a contiguous array. */
static void load_plane(double *dst, const struct ptm_nd *x, int64_t at)
{
    struct ptm_ref_walk w;
    ptm_ref_walk_init(&w, x->rank - 2, x->dim + 2);
    ptm_ref_walk_add_strides(&w, x->stride + 2);
    for (bool go = ptm_ref_walk_begin(&w); go; go = ptm_ref_walk_next(&w)) {
        ptm_ref_load_f(dst, x, at + w.at[0], w.step[0], w.n);
        dst += w.n;
    }
}

static void store_plane(const struct ptm_nd *y, int64_t at, const double *src)
{
    struct ptm_ref_walk w;
    ptm_ref_walk_init(&w, y->rank - 2, y->dim + 2);
    ptm_ref_walk_add_strides(&w, y->stride + 2);
    for (bool go = ptm_ref_walk_begin(&w); go; go = ptm_ref_walk_next(&w)) {
        ptm_ref_store_f(y, at + w.at[0], w.step[0], src, w.n);
        src += w.n;
    }
}

int ptm_ref_resize(const struct ptm_ref_call *c)
{
    const struct ptm_nd *y = c->out, *x = c->in;
    struct ptm_imm_reader attr = ptm_ref_attr(c);
    int64_t n, n_scales, most = 1;
    ptm_imm_list(&attr, &n); /* size: is in y's dims */
    enum mode mode = (enum mode)ptm_imm_i(&attr);
    bool align_corners = ptm_imm_i(&attr) != 0, antialias = ptm_imm_i(&attr) != 0;
    const union ptm_imm *scale = ptm_imm_list(&attr, &n_scales);
    struct taps taps[3];
    int dims = x->rank - 2;
    for (int k = 0; k < dims; k++) {
        struct axis a = {x->dim[k + 2], y->dim[k + 2], 0, x->dtype != PTM_F64, align_corners};
        a.scale = source_step(a.in, a.out, align_corners, k < n_scales ? scale[k].f : 0, a.f32);
        if (!make_taps(&taps[k], c, &a, mode, antialias))
            return PTM_REF_MEMORY;
    }
    for (int k = 0; k <= dims; k++) { /* the planes between: x's first k dims, y's others */
        int64_t n_plane = 1;
        for (int j = 0; j < dims; j++)
            if (__builtin_mul_overflow(n_plane, j < k ? x->dim[j + 2] : y->dim[j + 2], &n_plane))
                return PTM_REF_MEMORY;
        most = n_plane > most ? n_plane : most;
    }
    double *now = ptm_ref_doubles(c, most), *next = ptm_ref_doubles(c, most);
    if (!now || !next)
        return PTM_REF_MEMORY;
    if (ptm_ref_numel(y) == 0 || ptm_ref_numel(x) == 0)
        return 0;
    for (int64_t p = 0; p < x->dim[0] * x->dim[1]; p++) {
        int64_t i = p / x->dim[1], ch = p % x->dim[1];
        load_plane(now, x, i * x->stride[0] + ch * x->stride[1]);
        for (int k = dims - 1; k >= 0; k--) { /* y's dims after k, x's before */
            int64_t outer = ptm_ref_product(x->dim + 2, k);
            int64_t inner = ptm_ref_product(y->dim + 3 + k, dims - 1 - k);
            resize_dim(next, now, &taps[k], outer, x->dim[k + 2], y->dim[k + 2], inner);
            double *t = now;
            now = next;
            next = t;
        }
        store_plane(y, i * y->stride[0] + ch * y->stride[1], now);
    }
    return 0;
}
