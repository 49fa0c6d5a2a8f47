/* SPDX-License-Identifier: BSD-2-Clause */
/* Reference kernels: windows as columns (unfold, fold), and sampling at the points of a grid. */
#include "kernels/ref_ops.h"
#include "kernels/ref_util.h"

#include <math.h>
#include <string.h>

struct windows {
    int64_t kernel[2], dilation[2], padding[2], stride[2];
    int64_t size[2], count[2]; /* of the image; positions per dim */
};

static void read_pair(struct ptm_imm_reader *attr, int64_t *v)
{
    int64_t n;
    const union ptm_imm *list = ptm_imm_list(attr, &n);
    v[0] = list[0].i;
    v[1] = list[n > 1].i;
}

static void read_windows(struct windows *w, struct ptm_imm_reader *attr, const int64_t *size)
{
    read_pair(attr, w->kernel);
    read_pair(attr, w->dilation);
    read_pair(attr, w->padding);
    read_pair(attr, w->stride);
    for (int d = 0; d < 2; d++) {
        w->size[d] = size[d];
        w->count[d] = (size[d] + 2 * w->padding[d] - w->dilation[d] * (w->kernel[d] - 1) - 1) /
                          w->stride[d] + 1;
    }
}

/* Flat spatial place of tap `tap` of position `at`; false: in the padding */
static bool find_place(const struct windows *w, int64_t tap, int64_t at, int64_t *row, int64_t *col)
{
    *row = at / w->count[1] * w->stride[0] - w->padding[0] + tap / w->kernel[1] * w->dilation[0];
    *col = at % w->count[1] * w->stride[1] - w->padding[1] + tap % w->kernel[1] * w->dilation[1];
    return *row >= 0 && *row < w->size[0] && *col >= 0 && *col < w->size[1];
}

int ptm_ref_unfold(const struct ptm_ref_call *c)
{
    const struct ptm_nd *y = c->out, *x = c->in;
    struct ptm_imm_reader attr = ptm_ref_attr(c);
    struct windows w;
    read_windows(&w, &attr, x->dim + 2);
    int64_t taps = w.kernel[0] * w.kernel[1];
    ptm_ref_fill_i(y, 0);
    for (int64_t n = 0; n < y->dim[0]; n++) {
        for (int64_t r = 0; r < y->dim[1]; r++) {
            for (int64_t at = 0; at < y->dim[2]; at++) {
                int64_t row, col;
                if (find_place(&w, r % taps, at, &row, &col))
                    ptm_ref_copy(y, n * y->stride[0] + r * y->stride[1] + at * y->stride[2], 1, x,
                                 n * x->stride[0] + r / taps * x->stride[1] + row * x->stride[2] +
                                     col * x->stride[3],
                                 1, 1);
            }
        }
    }
    return 0;
}

int ptm_ref_fold(const struct ptm_ref_call *c)
{
    const struct ptm_nd *y = c->out, *x = c->in;
    struct ptm_imm_reader attr = ptm_ref_attr(c);
    struct windows w;
    int64_t size[2];
    read_pair(&attr, size);
    read_windows(&w, &attr, y->dim + 2);
    int64_t taps = w.kernel[0] * w.kernel[1], pixels = size[0] * size[1];
    double *sum = ptm_ref_doubles(c, pixels);
    if (!sum)
        return PTM_REF_MEMORY;
    for (int64_t nc = 0; nc < y->dim[0] * y->dim[1]; nc++) {
        int64_t n = nc / y->dim[1], ch = nc % y->dim[1], row, col;
        memset(sum, 0, (size_t)pixels * sizeof *sum);
        for (int64_t e = 0; e < taps * x->dim[2]; e++) {
            int64_t tap = e / x->dim[2], at = e % x->dim[2];
            if (find_place(&w, tap, at, &row, &col))
                sum[row * size[1] + col] +=
                    ptm_ref_get_f(x, n * x->stride[0] + (ch * taps + tap) * x->stride[1] +
                                         at * x->stride[2]);
        }
        for (row = 0; row < size[0]; row++)
            ptm_ref_store_f(y, n * y->stride[0] + ch * y->stride[1] + row * y->stride[2],
                            y->stride[3], sum + row * size[1], size[1]);
    }
    return 0;
}

/* -- grid_sample -- */
enum { BILINEAR, NEAREST, BICUBIC };
enum { ZEROS, BORDER, REFLECTION };

struct sampler {
    const struct ptm_nd *x;
    int64_t mode, padding;
    bool align_corners, f32; /* f32: positions are rounded to f32, as PyTorch's are */
};

static double narrow(const struct sampler *s, double v)
{
    return s->f32 ? (double)(float)v : v;
}

/* Grid coordinate -1..1 to a position in 0..size-1 */
static double unnormalise(const struct sampler *s, double g, int64_t size)
{
    double v = narrow(s, g + 1);
    if (s->align_corners)
        return narrow(s, v * ((double)(size - 1) / 2));
    return narrow(s, narrow(s, v * ((double)size / 2)) - 0.5);
}

static double clip(double v, int64_t size)
{
    return v > 0 ? v < (double)(size - 1) ? v : (double)(size - 1) : 0; /* NaN gives 0 */
}

/* Reflects at low and high, which are doubled: they may be halves. */
static double reflect(const struct sampler *s, double v, int64_t low2, int64_t high2)
{
    if (low2 == high2)
        return 0;
    double low = (double)low2 / 2, span = (double)(high2 - low2) / 2;
    v = fabs(narrow(s, v - low));
    double rest = narrow(s, fmod(v, span)), flips = floor(v / span);
    return fmod(flips, 2) == 0 ? narrow(s, rest + low) : narrow(s, span - rest + low);
}

static double pad_position(const struct sampler *s, double v, int64_t size)
{
    if (s->padding == BORDER)
        return clip(v, size);
    if (s->padding == REFLECTION)
        return clip(s->align_corners ? reflect(s, v, 0, 2 * (size - 1))
                                     : reflect(s, v, -1, 2 * size - 1),
                    size);
    return v;
}

/* Integer part of a position; what is no number or far outside of x is outside. */
static int64_t to_index(double v)
{
    return v > -1e9 && v < 1e9 ? (int64_t)v : -100;
}

/* The element at (row, col) of the plane at `at`; zero outside. */
static double fetch(const struct sampler *s, int64_t at, int64_t row, int64_t col)
{
    const struct ptm_nd *x = s->x;
    if (row < 0 || row >= x->dim[2] || col < 0 || col >= x->dim[3])
        return 0;
    return ptm_ref_get_f(x, at + row * x->stride[2] + col * x->stride[3]);
}

static void cubic_weights(double t, double *w)
{
    const double a = -0.75, u = 1 - t;
    w[0] = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
    w[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
    w[2] = ((a + 2) * u - (a + 3)) * u * u + 1;
    w[3] = ((a * (u + 1) - 5 * a) * (u + 1) + 8 * a) * (u + 1) - 4 * a;
}

static double sample_cubic(const struct sampler *s, int64_t at, double px, double py)
{
    double wx[4], wy[4], sum = 0;
    cubic_weights(narrow(s, px - floor(px)), wx);
    cubic_weights(narrow(s, py - floor(py)), wy);
    for (int i = 0; i < 4; i++) {
        double row = pad_position(s, floor(py) + i - 1, s->x->dim[2]);
        for (int j = 0; j < 4; j++) {
            double col = pad_position(s, floor(px) + j - 1, s->x->dim[3]);
            sum += wy[i] * wx[j] * fetch(s, at, to_index(row), to_index(col));
        }
    }
    return sum;
}

static double sample(const struct sampler *s, int64_t at, double gx, double gy)
{
    double px = unnormalise(s, gx, s->x->dim[3]), py = unnormalise(s, gy, s->x->dim[2]);
    if (s->mode == BICUBIC)
        return sample_cubic(s, at, px, py);
    px = pad_position(s, px, s->x->dim[3]);
    py = pad_position(s, py, s->x->dim[2]);
    if (s->mode == NEAREST)
        return fetch(s, at, to_index(rint(py)), to_index(rint(px)));
    int64_t col = to_index(floor(px)), row = to_index(floor(py));
    double tx = narrow(s, px - floor(px)), ty = narrow(s, py - floor(py)), sum = 0;
    for (int k = 0; k < 4; k++) {
        int64_t r = row + k / 2, q = col + k % 2;
        if (r < 0 || r >= s->x->dim[2] || q < 0 || q >= s->x->dim[3])
            continue; /* a weight of infinity or NaN may not spread */
        sum += (k / 2 ? ty : 1 - ty) * (k % 2 ? tx : 1 - tx) * fetch(s, at, r, q);
    }
    return sum;
}

int ptm_ref_grid_sample(const struct ptm_ref_call *c)
{
    const struct ptm_nd *y = c->out, *x = c->in, *grid = c->in + 1;
    struct sampler s = {x, c->attr[0].i, c->attr[1].i, c->attr[2].i != 0, x->dtype != PTM_F64};
    for (int64_t e = 0; e < y->dim[0] * y->dim[2] * y->dim[3]; e++) {
        int64_t n = e / (y->dim[2] * y->dim[3]), i = e / y->dim[3] % y->dim[2], j = e % y->dim[3];
        int64_t g_at = n * grid->stride[0] + i * grid->stride[1] + j * grid->stride[2];
        double gx = ptm_ref_get_f(grid, g_at), gy = ptm_ref_get_f(grid, g_at + grid->stride[3]);
        for (int64_t ch = 0; ch < y->dim[1]; ch++)
            ptm_ref_put_f(y,
                          n * y->stride[0] + ch * y->stride[1] + i * y->stride[2] +
                              j * y->stride[3],
                          sample(&s, n * x->stride[0] + ch * x->stride[1], gx, gy));
    }
    return 0;
}
