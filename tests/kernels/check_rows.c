/* SPDX-License-Identifier: BSD-2-Clause */
/* sum_f32, norm_f32, softmax_f32, affine_f32: rows of 0 to 130 and some thousand numbers. */
#include <math.h>
#include <stdio.h>

#include "tests/kernels/checkkern.h"

static void call_sum(void *ctx)
{
    void **p = ctx;
    struct kern_test *t = p[0];
    *(volatile float *)p[2] = t->k.sum_f32(4096, p[1], 0, false);
}

void check_sum_f32(struct kern_test *t)
{
    if (t->bench) {
        struct kern_buf x = kern_random(4096, 0, -1, 1);
        float y;
        void *all[3] = {t, x.p, &y};
        kern_time(t, "4096 elements", 4096, call_sum, all);
        kern_free(t, &x);
        return;
    }
    for (size_t n = 0; n <= 5000; n += n < 130 ? 1 : 611)
        for (int squares = 0; squares < 2; squares++) {
            struct kern_buf x = kern_random(n, n % 4, -1, 2);
            double sum = 0, size = 0;
            for (size_t i = 0; i < n; i++) {
                double v = (double)x.p[i] - 0.25;
                sum += squares ? v * v : v;
                size += squares ? v * v : fabs(v);
            }
            kern_near(t, t->k.sum_f32(n, x.p, 0.25F, squares), sum, size * 3e-6, 0, "sum of %zu",
                      n);
            kern_free(t, &x);
        }
}

static void norm(struct kern_test *t, size_t n, bool rms, bool weight, bool bias)
{
    size_t rows = 3, row = n + 2;
    struct kern_buf x = kern_random(rows * row, n % 4, -1, 3), y = kern_alloc(2 * row + n, n % 3);
    struct kern_buf w = kern_random(n, 1, -2, 2), b = kern_random(n, 2, -1, 1);
    struct ptm_norm_f32 p = {.rows = rows, .n = n, .x_row = row, .y_row = row, .x = x.p,
                             .weight = weight ? w.p : NULL, .bias = bias ? b.p : NULL, .y = y.p,
                             .eps = 1e-3F, .rms = rms};
    t->k.norm_f32(&p);
    for (size_t r = 0; r < rows; r++) {
        double mean = 0, var = 0;
        for (size_t i = 0; i < n && !rms; i++)
            mean += (double)x.p[r * row + i] / (double)n;
        for (size_t i = 0; i < n; i++)
            var += pow((double)x.p[r * row + i] - mean, 2) / (double)n;
        for (size_t i = 0; i < n; i++) {
            double v = ((double)x.p[r * row + i] - mean) / sqrt(var + (double)p.eps);
            v = v * (weight ? (double)w.p[i] : 1) + (bias ? (double)b.p[i] : 0);
            kern_near(t, y.p[r * row + i], v, 2e-5, 1e-5, "row of %zu, element %zu", n, i);
        }
    }
    kern_free(t, &x);
    kern_free(t, &y);
    kern_free(t, &w);
    kern_free(t, &b);
}

static void call_norm(void *ctx)
{
    struct kern_test *t = ((void **)ctx)[0];
    t->k.norm_f32(((void **)ctx)[1]);
}

void check_norm_f32(struct kern_test *t)
{
    if (t->bench) {
        struct kern_buf x = kern_random(4096, 0, -1, 1), y = kern_alloc(4096, 0);
        struct ptm_norm_f32 p = {.rows = 1, .n = 4096, .x = x.p, .y = y.p, .eps = 1e-3F,
                                 .weight = x.p, .bias = x.p};
        void *both[2] = {t, &p};
        kern_time(t, "4096 elements", 4096, call_norm, both);
        kern_free(t, &x);
        kern_free(t, &y);
        return;
    }
    for (size_t n = 1; n <= 5000; n += n < 130 ? 1 : 611)
        norm(t, n, kern_below(2), kern_below(2), kern_below(2));
}

static void softmax(struct kern_test *t, size_t n, bool masked, bool logs, int special)
{
    size_t rows = 2, row = n + 1;
    struct kern_buf x = kern_random(rows * row, n % 4, -9, 9), y = kern_alloc(row + n, n % 3);
    struct kern_buf mask = kern_random(rows * row, n % 2, -3, 3);
    if (special == 1 && n)
        mask.p[n / 2] = -INFINITY;
    if (special == 2 && n)
        x.p[n / 3] = NAN;
    struct ptm_softmax_f32 p = {.rows = rows, .n = n, .x_row = row, .y_row = row, .mask_row = row,
                                .x = x.p, .y = y.p, .mask = masked ? mask.p : NULL, .scale = 0.5F,
                                .log = logs};
    t->k.softmax_f32(&p);
    for (size_t r = 0; r < rows; r++) {
        double top = -(double)INFINITY, sum = 0;
        for (int pass = 0; pass < 3; pass++)
            for (size_t i = 0; i < n; i++) {
                double v = (double)x.p[r * row + i] * 0.5 +
                           (masked ? (double)mask.p[r * row + i] : 0);
                if (pass == 0)
                    top = v > top ? v : top;
                else if (pass == 1)
                    sum += exp(v - top);
                else
                    kern_near(t, y.p[r * row + i], logs ? v - top - log(sum) : exp(v - top) / sum,
                              logs ? 4e-6 : 1e-9, 2e-6, "row of %zu, element %zu", n, i);
            }
    }
    kern_free(t, &x);
    kern_free(t, &y);
    kern_free(t, &mask);
}

static void call_softmax(void *ctx)
{
    struct kern_test *t = ((void **)ctx)[0];
    t->k.softmax_f32(((void **)ctx)[1]);
}

void check_softmax_f32(struct kern_test *t)
{
    if (t->bench) {
        struct kern_buf x = kern_random(4096, 0, -1, 1), y = kern_alloc(4096, 0);
        struct ptm_softmax_f32 p = {.rows = 1, .n = 4096, .x = x.p, .y = y.p, .scale = 1};
        void *both[2] = {t, &p};
        kern_time(t, "4096 elements", 4096, call_softmax, both);
        kern_free(t, &x);
        kern_free(t, &y);
        return;
    }
    for (size_t n = 0; n <= 1000; n += n < 130 ? 1 : 101)
        for (int special = 0; special < 3; special++)
            softmax(t, n, kern_below(2), kern_below(2), special);
}

static void call_affine(void *ctx)
{
    float **p = ((void **)ctx)[1];
    struct kern_test *t = ((void **)ctx)[0];
    t->k.affine_f32(1, 4096, p[0], p[0], p[0], false, p[1]);
}

void check_affine_f32(struct kern_test *t)
{
    if (t->bench) {
        struct kern_buf x = kern_random(4096, 0, -1, 1), y = kern_alloc(4096, 0);
        float *p[2] = {x.p, y.p};
        void *both[2] = {t, p};
        kern_time(t, "4096 elements", 4096, call_affine, both);
        kern_free(t, &x);
        kern_free(t, &y);
        return;
    }
    for (size_t n = 0; n <= 130; n++)
        for (int per_row = 0; per_row < 2; per_row++) {
            size_t rows = kern_below(5), k = per_row ? rows : n;
            struct kern_buf x = kern_random(rows * n, n % 4, -1, 1), y = kern_alloc(rows * n, n % 3);
            struct kern_buf s = kern_random(k, 1, -1, 1), b = kern_random(k, 2, -1, 1);
            t->k.affine_f32(rows, n, x.p, s.p, b.p, per_row, y.p);
            for (size_t i = 0; i < rows * n; i++) {
                size_t c = per_row ? i / n : i % n;
                kern_near(t, y.p[i], (double)x.p[i] * (double)s.p[c] + (double)b.p[c], 2e-7, 0,
                          "element %zu of rows of %zu", i, n);
            }
            kern_free(t, &x);
            kern_free(t, &y);
            kern_free(t, &s);
            kern_free(t, &b);
        }
}
