/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resize, centre crop, normalise.
 *
 * Resizing is separable with a triangle filter whose width grows with the reduction (antialiasing).
 * As in Pillow, the weights of a row are normalised in double, rounded to 22 fractional bits, and
 * each of the two passes, across and then down, rounds and clips to 8 bits.
 */
#include "libcore/preprocess.h"

#include <math.h>
#include <string.h>

#include "libcore/ival.h"

enum { WEIGHT_BITS = 22 };

/* The weights of one axis: output i is made of n[i] inputs from first[i] on. */
struct taps {
    int *first, *n;
    int32_t *weight; /* stride per output */
    int stride;
};

static enum ptm_status check_size(int64_t width, int64_t height, struct ptm_err *err)
{
    if (width < 1 || height < 1)
        return ptm_fail(err, PTM_ERR_ARG, "an image of %lld x %lld pixels", (long long)width,
                        (long long)height);
    if (width > PTM_IMAGE_MAX_PIXELS / height)
        return ptm_fail(err, PTM_ERR_LIMIT,
                        "an image of %lld x %lld pixels, the limit is %d in all",
                        (long long)width, (long long)height, PTM_IMAGE_MAX_PIXELS);
    return PTM_OK;
}

static enum ptm_status new_image(struct ptm_arena *arena, int width, int height,
                                 struct ptm_image *out, struct ptm_err *err)
{
    PTM_TRY(check_size(width, height, err));
    *out = (struct ptm_image){.width = width, .height = height};
    out->rgb = ptm_arena_alloc(arena, (size_t)width * (size_t)height * 3);
    if (!out->rgb)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for an image of %d x %d pixels", width,
                        height);
    return PTM_OK;
}

static double triangle(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

static bool make_taps(struct ptm_arena *arena, int in, int out, struct taps *t)
{
    double scale = (double)in / out;
    double support = scale < 1.0 ? 1.0 : scale;
    double inverse = 1.0 / support;
    t->stride = (int)ceil(support) * 2 + 1;
    t->first = ptm_arena_array(arena, (size_t)out, sizeof(*t->first));
    t->n = ptm_arena_array(arena, (size_t)out, sizeof(*t->n));
    t->weight = ptm_arena_array(arena, (size_t)out, (size_t)t->stride * sizeof(*t->weight));
    double *w = ptm_arena_array(arena, (size_t)t->stride, sizeof(*w));
    if (arena->failed)
        return false;
    for (int i = 0; i < out; i++) {
        double center = (i + 0.5) * scale, sum = 0.0;
        int first = (int)(center - support + 0.5), end = (int)(center + support + 0.5);
        first = first < 0 ? 0 : first;
        end = end > in ? in : end;
        t->first[i] = first;
        t->n[i] = end - first;
        for (int k = 0; k < t->n[i]; k++) {
            w[k] = triangle((k + first - center + 0.5) * inverse);
            sum += w[k];
        }
        for (int k = 0; k < t->n[i]; k++) {
            double share = sum != 0.0 ? w[k] / sum : w[k];
            t->weight[(size_t)i * (size_t)t->stride + (size_t)k] =
                (int32_t)(0.5 + share * (1 << WEIGHT_BITS));
        }
    }
    return true;
}

static uint8_t round_clip(int32_t sum)
{
    int32_t v = sum >> WEIGHT_BITS; /* `sum` began with a half */
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* One output sample: taps over inputs that lie `step` bytes apart. */
static uint8_t sample(const uint8_t *in, size_t step, const int32_t *weight, int n)
{
    int32_t sum = 1 << (WEIGHT_BITS - 1);
    for (int k = 0; k < n; k++)
        sum += in[(size_t)k * step] * weight[k];
    return round_clip(sum);
}

static void resize_across(const struct ptm_image *in, const struct taps *t, struct ptm_image *out)
{
    for (int y = 0; y < in->height; y++) {
        const uint8_t *row = in->rgb + (size_t)y * (size_t)in->width * 3;
        uint8_t *to = out->rgb + (size_t)y * (size_t)out->width * 3;
        for (int x = 0; x < out->width; x++)
            for (size_t c = 0; c < 3; c++)
                *to++ = sample(row + (size_t)t->first[x] * 3 + c, 3,
                               t->weight + (size_t)x * (size_t)t->stride, t->n[x]);
    }
}

static void resize_down(const struct ptm_image *in, const struct taps *t, struct ptm_image *out)
{
    size_t row = (size_t)in->width * 3;
    for (int y = 0; y < out->height; y++)
        for (size_t x = 0; x < row; x++)
            out->rgb[(size_t)y * row + x] =
                sample(in->rgb + (size_t)t->first[y] * row + x, row,
                       t->weight + (size_t)y * (size_t)t->stride, t->n[y]);
}

enum ptm_status ptm_image_resize(struct ptm_arena *arena, const struct ptm_image *in, int width,
                                 int height, struct ptm_image *out, struct ptm_err *err)
{
    struct ptm_image from = *in, to;
    struct taps t;
    PTM_TRY(check_size(in->width, in->height, err));
    PTM_TRY(check_size(width, height, err));
    if (width != from.width) {
        PTM_TRY(new_image(arena, width, from.height, &to, err));
        if (!make_taps(arena, from.width, width, &t))
            return ptm_fail(err, PTM_ERR_MEMORY, "no memory to resize to %d x %d", width, height);
        resize_across(&from, &t, &to);
        from = to;
    }
    if (height != from.height) {
        PTM_TRY(new_image(arena, width, height, &to, err));
        if (!make_taps(arena, from.height, height, &t))
            return ptm_fail(err, PTM_ERR_MEMORY, "no memory to resize to %d x %d", width, height);
        resize_down(&from, &t, &to);
        from = to;
    }
    *out = from;
    return PTM_OK;
}

/* Half of a difference, rounded to even as Python's round does. Negative where the crop is wider
 * than the image: then torchvision pads, the odd pixel after the image. */
static int margin(int whole, int part)
{
    int d = whole - part;
    if (d < 0)
        return -(-d / 2);
    return d / 2 + (d % 4 == 3);
}

enum ptm_status ptm_image_crop(struct ptm_arena *arena, const struct ptm_image *in, int width,
                               int height, struct ptm_image *out, struct ptm_err *err)
{
    struct ptm_image to;
    PTM_TRY(check_size(in->width, in->height, err));
    PTM_TRY(check_size(width, height, err));
    if (width == in->width && height == in->height) {
        *out = *in;
        return PTM_OK;
    }
    PTM_TRY(new_image(arena, width, height, &to, err));
    int left = margin(in->width, width), top = margin(in->height, height);
    int from_x = left < 0 ? 0 : left, to_x = left < 0 ? -left : 0;
    int from_y = top < 0 ? 0 : top, to_y = top < 0 ? -top : 0;
    int n_x = width < in->width ? width : in->width;
    int n_y = height < in->height ? height : in->height;
    for (int y = 0; y < n_y; y++)
        memcpy(to.rgb + ((size_t)(to_y + y) * (size_t)width + (size_t)to_x) * 3,
               in->rgb + ((size_t)(from_y + y) * (size_t)in->width + (size_t)from_x) * 3,
               (size_t)n_x * 3);
    *out = to;
    return PTM_OK;
}

static enum ptm_status resize_short(struct ptm_arena *arena, struct ptm_image *image, int size,
                                    struct ptm_err *err)
{
    int64_t w = image->width, h = image->height, s = w < h ? w : h, l = w < h ? h : w;
    int64_t longer = size * l / s;
    int64_t width = w <= h ? size : longer, height = w <= h ? longer : size;
    PTM_TRY(check_size(width, height, err));
    return ptm_image_resize(arena, image, (int)width, (int)height, image, err);
}

enum ptm_status ptm_preprocess(struct ptm_arena *arena, const struct ptm_image *in,
                               const struct ptm_preprocess *how, struct ptm_tensor **out,
                               struct ptm_err *err)
{
    struct ptm_image image = *in;
    PTM_TRY(check_size(image.width, image.height, err));
    for (int c = 0; c < 3; c++)
        if (!isfinite(how->mean[c]) || !isfinite(how->std[c]) || how->std[c] == 0.0f)
            return ptm_fail(err, PTM_ERR_ARG, "normalising by mean %g and deviation %g",
                            (double)how->mean[c], (double)how->std[c]);
    if (how->resize < 0 || how->crop_width < 0 || how->crop_height < 0 ||
        !how->crop_width != !how->crop_height)
        return ptm_fail(err, PTM_ERR_ARG, "resize to %d, crop to %d x %d", how->resize,
                        how->crop_width, how->crop_height);
    if (how->resize)
        PTM_TRY(resize_short(arena, &image, how->resize, err));
    if (how->crop_width)
        PTM_TRY(ptm_image_crop(arena, &image, how->crop_width, how->crop_height, &image, err));
    size_t n = (size_t)image.width * (size_t)image.height;
    float *data = ptm_arena_array(arena, n, 3 * sizeof(*data));
    int64_t dim[] = {1, 3, image.height, image.width};
    *out = data ? ptm_tensor_new(arena, PTM_F32, 4, dim, data) : NULL;
    if (!*out)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for an image of %d x %d pixels",
                        image.width, image.height);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < 3; c++)
            data[c * n + i] = ((float)image.rgb[i * 3 + c] / 255.0f - how->mean[c]) / how->std[c];
    return PTM_OK;
}
