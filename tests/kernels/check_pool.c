/* SPDX-License-Identifier: BSD-2-Clause */
/* pool_f32: maxima and weighted sums of 0 to 12 taps, 0 to 200 channels. */
#include <math.h>
#include <stdio.h>

#include "tests/kernels/checkkern.h"

enum { MOST = 12 };

static void check(struct kern_test *t, size_t taps, size_t channels)
{
    struct kern_buf x = kern_random(taps * channels, kern_below(4), -2, 2);
    struct kern_buf y = kern_alloc(channels, kern_below(4)), w = kern_random(taps, 1, -1, 1);
    const float *table[MOST];
    bool top = kern_below(2), weighted = kern_below(2), listed = kern_below(2);
    if (top && x.n && kern_below(4) == 0)
        x.p[kern_below(x.n)] = NAN;
    for (size_t i = 0; i < taps; i++)
        table[i] = x.p + i * channels;
    struct ptm_pool_f32 p = {.op = top ? PTM_POOL_MAX : PTM_POOL_SUM, .taps = taps,
                             .channels = channels, .tap_stride = channels,
                             .x = listed ? table : NULL, .base = x.p, .w = weighted ? w.p : NULL,
                             .y = y.p, .scale = 0.3F};
    t->k.pool_f32(&p);
    for (size_t c = 0; c < channels; c++) {
        double v = top ? -(double)INFINITY : 0;
        for (size_t i = 0; i < taps; i++) {
            double a = (double)table[i][c];
            if (top)
                v = isnan(v) || a <= v ? v : a;
            else
                v += a * (weighted ? (double)w.p[i] : 1);
        }
        kern_near(t, y.p[c], top ? v : v * (double)p.scale, top ? 0 : 2e-6, 0,
                  "%zu taps, channel %zu of %zu", taps, c, channels);
    }
    kern_free(t, &x);
    kern_free(t, &y);
    kern_free(t, &w);
}

static void call(void *ctx)
{
    struct kern_test *t = ((void **)ctx)[0];
    t->k.pool_f32(((void **)ctx)[1]);
}

void check_pool_f32(struct kern_test *t)
{
    if (t->bench) {
        struct kern_buf x = kern_random(9 * 256, 0, -1, 1), y = kern_alloc(256, 0);
        for (int op = 0; op < 2; op++) {
            struct ptm_pool_f32 p = {.op = (enum ptm_pool)op, .taps = 9, .channels = 256,
                                     .tap_stride = 256, .base = x.p, .y = y.p, .scale = 1};
            void *both[2] = {t, &p};
            kern_time(t, op ? "sum, 9 x 256" : "max, 9 x 256", 9 * 256, call, both);
        }
        kern_free(t, &x);
        kern_free(t, &y);
        return;
    }
    for (size_t channels = 0; channels <= 200; channels++)
        for (int k = 0; k < 4; k++)
            check(t, kern_below(MOST + 1), channels);
}
