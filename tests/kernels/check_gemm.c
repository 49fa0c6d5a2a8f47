/* SPDX-License-Identifier: BSD-2-Clause */
/* gemm_f32: every tile, with 1 to 3 taps, 0 to 40 terms, all numbers of columns. */
#include <math.h>
#include <stdio.h>

#include "tests/kernels/checkkern.h"

/* Rounding of a sum of n products of numbers below 1, in any order. */
static double bound(size_t n)
{
    return 1.2e-7 * (double)(n + 2) * 2;
}

static void check_tile(struct kern_test *t, size_t rows, size_t nv, size_t cols, size_t taps,
                       size_t k, bool accumulate, size_t shift)
{
    size_t width = nv * t->info->tile.vl, stride = cols + shift;
    struct kern_buf a = kern_random(taps * rows * k, shift, -1, 1);
    struct kern_buf w = kern_random(taps * k * width, shift, -1, 1);
    struct kern_buf bias = kern_random(width, shift, -1, 1);
    struct kern_buf c = kern_random((rows - 1) * stride + cols, shift, -1, 1);
    const float *table[3 * 8];
    float before[8 * 64];
    for (size_t i = 0; i < taps * rows; i++)
        table[i] = a.p + i * k;
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < cols; j++)
            before[r * 64 + j] = c.p[r * stride + j];
    struct ptm_gemm_f32 g = {.a = table, .a_rows = rows, .taps = taps, .k = k, .w = w.p,
                             .bias = accumulate ? NULL : bias.p, .c = c.p, .c_stride = stride,
                             .cols = cols, .rows = rows, .nv = nv, .min = -1.5F, .max = 2};
    t->k.gemm_f32(&g);
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < cols; j++) {
            double sum = accumulate ? (double)before[r * 64 + j] : (double)bias.p[j];
            for (size_t i = 0; i < taps; i++)
                for (size_t d = 0; d < k; d++)
                    sum += (double)table[i * rows + r][d] *
                           (double)w.p[(i * k + d) * width + j];
            sum = sum < -1.5 ? -1.5 : sum > 2 ? 2 : sum;
            kern_near(t, c.p[r * stride + j], sum, bound(taps * k), 0,
                      "%zux%zu, %zu columns, %zu taps of %zu, row %zu column %zu", rows, nv, cols,
                      taps, k, r, j);
        }
    kern_free(t, &a);
    kern_free(t, &w);
    kern_free(t, &bias);
    kern_free(t, &c);
}

/* A NaN stays, an infinity is bounded. */
static void check_special(struct kern_test *t)
{
    float a[2] = {NAN, INFINITY}, w[64], bias[64] = {0}, c[2 * 64];
    const float *table[2] = {&a[0], &a[1]};
    size_t vl = t->info->tile.vl;
    for (int i = 0; i < 64; i++)
        w[i] = 1;
    struct ptm_gemm_f32 g = {.a = table, .a_rows = 2, .taps = 1, .k = 1, .w = w, .bias = bias,
                             .c = c, .c_stride = vl, .cols = vl, .rows = 2, .nv = 1, .min = 0,
                             .max = 6};
    t->k.gemm_f32(&g);
    kern_near(t, c[0], (double)NAN, 0, 0, "a sum that is NaN");
    kern_near(t, c[vl], 6, 0, 0, "a sum that is inf");
}

static void call(void *ctx)
{
    struct kern_test *t = ((void **)ctx)[0];
    t->k.gemm_f32(((void **)ctx)[1]);
}

static void bench(struct kern_test *t)
{
    for (size_t nv = 1; nv <= 4; nv++)
        for (size_t k = 16; k <= 256 && t->info->tile.rows[nv - 1]; k *= 4) {
            size_t rows = t->info->tile.rows[nv - 1], width = nv * t->info->tile.vl;
            struct kern_buf a = kern_random(rows * k, 0, -1, 1);
            struct kern_buf w = kern_random(width * (k + 1), 0, -1, 1), c = kern_alloc(8 * 64, 0);
            const float *table[8];
            for (size_t r = 0; r < rows; r++)
                table[r] = a.p + r * k;
            struct ptm_gemm_f32 g = {.a = table, .a_rows = rows, .taps = 1, .k = k,
                                     .w = w.p + width, .bias = w.p, .c = c.p, .c_stride = width,
                                     .cols = width, .rows = rows, .nv = nv, .min = -9, .max = 9};
            void *both[2] = {t, &g};
            char what[64];
            snprintf(what, sizeof(what), "%zux%zu k %zu (flop)", rows, width, k);
            kern_time(t, what, 2.0 * (double)(rows * width * k), call, both);
            kern_free(t, &a);
            kern_free(t, &w);
            kern_free(t, &c);
        }
}

void check_gemm_f32(struct kern_test *t)
{
    if (t->bench) {
        bench(t);
        return;
    }
    const struct ptm_kernel_tile *tile = &t->info->tile;
    for (size_t nv = 1; nv <= 4; nv++)
        for (size_t rows = 1; rows <= tile->rows[nv - 1]; rows++)
            for (size_t cols = (nv - 1) * tile->vl + 1; cols <= nv * tile->vl; cols++)
                for (size_t taps = 1; taps <= 3; taps++)
                    check_tile(t, rows, nv, cols, taps, kern_below(41), kern_below(3) == 0,
                               kern_below(4));
    check_special(t);
}
