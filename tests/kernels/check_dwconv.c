/* SPDX-License-Identifier: BSD-2-Clause */
/* dwconv_f32 and dwrun_f32: 1 to 70 channels, 0 to 11 pixels. */
#include <math.h>
#include <stdio.h>

#include "tests/kernels/checkkern.h"

/* bias and weights of channel c, packed */
static size_t packed(size_t vl, size_t taps, size_t c, size_t row)
{
    return c / vl * vl * (taps + 1) + row * vl + c % vl;
}

static size_t packed_size(size_t vl, size_t taps, size_t channels)
{
    return (channels + vl - 1) / vl * vl * (taps + 1);
}

static void check_table(struct kern_test *t, size_t taps, size_t pixels, size_t channels)
{
    size_t vl = t->info->tile.vl, stride = channels + kern_below(4);
    struct kern_buf x = kern_random((taps + pixels) * channels, kern_below(4), -1, 1);
    struct kern_buf w = kern_random(packed_size(vl, taps, channels), kern_below(4), -1, 1);
    struct kern_buf y = kern_alloc(pixels ? (pixels - 1) * stride + channels : 0, kern_below(4));
    const float *table[30 * 12];
    for (size_t i = 0; i < taps * pixels; i++)
        table[i] = x.p + (i / pixels + i % pixels) * channels;
    struct ptm_dwconv_f32 d = {.x = table, .x_pixels = pixels, .taps = taps, .pixels = pixels,
                               .channels = channels, .w = w.p, .y = y.p, .y_stride = stride,
                               .min = -1, .max = 1};
    t->k.dwconv_f32(&d);
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < channels; c++) {
            double sum = (double)w.p[packed(vl, taps, c, 0)];
            for (size_t i = 0; i < taps; i++)
                sum += (double)table[i * pixels + p][c] *
                       (double)w.p[packed(vl, taps, c, 1 + i)];
            sum = sum < -1 ? -1 : sum > 1 ? 1 : sum;
            kern_near(t, y.p[p * stride + c], sum, 5e-6, 0, "%zu taps, pixel %zu of %zu, %zu of %zu",
                      taps, p, pixels, c, channels);
        }
    kern_free(t, &x);
    kern_free(t, &w);
    kern_free(t, &y);
}

static void call_table(void *ctx)
{
    struct kern_test *t = ((void **)ctx)[0];
    t->k.dwconv_f32(((void **)ctx)[1]);
}

void check_dwconv_f32(struct kern_test *t)
{
    if (t->bench) {
        enum { PIXELS = 28, CHANNELS = 192, TAPS = 9 };
        struct kern_buf x = kern_random(PIXELS * CHANNELS, 0, -1, 1);
        struct kern_buf w = kern_random((CHANNELS + 16) * (TAPS + 1), 0, -1, 1);
        struct kern_buf y = kern_alloc(PIXELS * CHANNELS, 0);
        const float *table[TAPS * PIXELS];
        for (int i = 0; i < TAPS * PIXELS; i++)
            table[i] = x.p + i % PIXELS * CHANNELS;
        struct ptm_dwconv_f32 d = {.x = table, .x_pixels = PIXELS, .taps = TAPS, .pixels = PIXELS,
                                   .channels = CHANNELS, .w = w.p, .y = y.p, .y_stride = CHANNELS,
                                   .min = -1, .max = 1};
        void *both[2] = {t, &d};
        kern_time(t, "28 pixels, 192 channels (flop)", 2.0 * TAPS * PIXELS * CHANNELS, call_table,
                  both);
        kern_free(t, &x);
        kern_free(t, &w);
        kern_free(t, &y);
        return;
    }
    for (size_t channels = 1; channels <= 70; channels++)
        for (size_t pixels = 0; pixels <= 11; pixels += 1 + kern_below(3))
            check_table(t, 1 + kern_below(30), pixels, channels);
}

static void check_run(struct kern_test *t, size_t kw, size_t step, size_t pixels, size_t channels)
{
    size_t vl = t->info->tile.vl, kh = 1 + kern_below(5), first = kern_below(kh);
    size_t rows = kern_below(kh - first + 1), column = channels + kern_below(4);
    size_t columns = pixels ? (pixels - 1) * step + kw : 1, stride = channels + kern_below(4);
    size_t row = columns * column + kern_below(9), taps = kh * kw;
    struct kern_buf x = kern_random(rows ? (rows - 1) * row + (columns - 1) * column + channels : 0,
                                    kern_below(4), -1, 1);
    struct kern_buf w = kern_random(packed_size(vl, taps, channels), kern_below(4), -1, 1);
    struct kern_buf y = kern_alloc(pixels ? (pixels - 1) * stride + channels : 0, kern_below(4));
    struct ptm_dwrun_f32 d = {.x = x.p, .row = row, .column = column, .rows = rows, .first = first,
                              .kh = kh, .kw = kw, .step = step, .pixels = pixels,
                              .channels = channels, .w = w.p, .y = y.p, .y_stride = stride,
                              .min = -1, .max = INFINITY};
    t->k.dwrun_f32(&d);
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < channels; c++) {
            double sum = (double)w.p[packed(vl, taps, c, 0)];
            for (size_t r = 0; r < rows; r++)
                for (size_t k = 0; k < kw; k++)
                    sum += (double)x.p[r * row + (p * step + k) * column + c] *
                           (double)w.p[packed(vl, taps, c, 1 + (first + r) * kw + k)];
            kern_near(t, y.p[p * stride + c], sum < -1 ? -1 : sum, 5e-6, 0,
                      "%zux%zu step %zu, pixel %zu of %zu, channel %zu of %zu", kh, kw, step, p,
                      pixels, c, channels);
        }
    kern_free(t, &x);
    kern_free(t, &w);
    kern_free(t, &y);
}

static void call_run(void *ctx)
{
    struct kern_test *t = ((void **)ctx)[0];
    t->k.dwrun_f32(((void **)ctx)[1]);
}

void check_dwrun_f32(struct kern_test *t)
{
    for (size_t kw = 3; kw <= 5; kw += 2)
        for (size_t step = 1; step <= 2; step++) {
            if (t->bench) {
                enum { PIXELS = 28, CHANNELS = 192 };
                struct kern_buf x = kern_random(5 * 64 * CHANNELS, 0, -1, 1);
                struct kern_buf w = kern_random((CHANNELS + 16) * 26, 0, -1, 1);
                struct kern_buf y = kern_alloc(PIXELS * CHANNELS, 0);
                struct ptm_dwrun_f32 d = {.x = x.p, .row = 64 * CHANNELS, .column = CHANNELS,
                                          .rows = kw, .kh = kw, .kw = kw, .step = step,
                                          .pixels = PIXELS, .channels = CHANNELS, .w = w.p,
                                          .y = y.p, .y_stride = CHANNELS, .min = -1, .max = 1};
                void *both[2] = {t, &d};
                char what[64];
                snprintf(what, sizeof(what), "%zux%zu step %zu, 28x192 (flop)", kw, kw, step);
                kern_time(t, what, 2.0 * (double)(kw * kw) * PIXELS * CHANNELS, call_run, both);
                kern_free(t, &x);
                kern_free(t, &w);
                kern_free(t, &y);
                continue;
            }
            for (size_t channels = 1; channels <= 70; channels++)
                check_run(t, kw, step, kern_below(12), channels);
        }
}
