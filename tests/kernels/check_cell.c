/* SPDX-License-Identifier: BSD-2-Clause */
/* lstm_f32 and gru_f32: 0 to 130 numbers of state. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/kernels/checkkern.h"

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static void call_lstm(void *ctx)
{
    void **p = ctx;
    struct kern_test *t = p[0];
    t->k.lstm_f32(512, p[1], p[2], p[3]);
}

void check_lstm_f32(struct kern_test *t)
{
    for (size_t n = t->bench ? 512 : 0; n <= (t->bench ? 512U : 130U); n++) {
        struct kern_buf gates = kern_random(4 * n, n % 4, -6, 6), c = kern_random(n, 1, -2, 2);
        struct kern_buf h = kern_alloc(n, 2);
        float old[512];
        memcpy(old, c.p, n * sizeof(*old));
        t->k.lstm_f32(n, gates.p, c.p, h.p);
        for (size_t i = 0; i < n; i++) {
            const float *g = gates.p + i;
            double next = sigmoid((double)g[n]) * (double)old[i] +
                          sigmoid((double)g[0]) * tanh((double)g[2 * n]);
            kern_near(t, c.p[i], next, 1e-6, 0, "cell %zu of %zu", i, n);
            kern_near(t, h.p[i], sigmoid((double)g[3 * n]) * tanh(next), 1e-6, 0,
                      "state %zu of %zu", i, n);
        }
        void *all[4] = {t, gates.p, c.p, h.p};
        if (t->bench)
            kern_time(t, "512 elements", 512, call_lstm, all);
        kern_free(t, &gates);
        kern_free(t, &c);
        kern_free(t, &h);
    }
}

static void call_gru(void *ctx)
{
    void **p = ctx;
    struct kern_test *t = p[0];
    t->k.gru_f32(512, p[1], p[2], p[3], p[4]);
}

void check_gru_f32(struct kern_test *t)
{
    for (size_t n = t->bench ? 512 : 0; n <= (t->bench ? 512U : 130U); n++) {
        struct kern_buf x = kern_random(3 * n, n % 4, -4, 4), g = kern_random(3 * n, 1, -2, 2);
        struct kern_buf h = kern_random(n, 2, -1, 1), y = kern_alloc(n, 3);
        t->k.gru_f32(n, x.p, g.p, h.p, y.p);
        for (size_t i = 0; i < n; i++) {
            double r = sigmoid((double)x.p[i] + (double)g.p[i]);
            double z = sigmoid((double)x.p[n + i] + (double)g.p[n + i]);
            double fresh = tanh((double)x.p[2 * n + i] + r * (double)g.p[2 * n + i]);
            kern_near(t, y.p[i], (1 - z) * fresh + z * (double)h.p[i], 1e-6, 0, "state %zu of %zu",
                      i, n);
        }
        void *all[5] = {t, x.p, g.p, h.p, y.p};
        if (t->bench)
            kern_time(t, "512 elements", 512, call_gru, all);
        kern_free(t, &x);
        kern_free(t, &g);
        kern_free(t, &h);
        kern_free(t, &y);
    }
}
