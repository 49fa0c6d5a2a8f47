/* SPDX-License-Identifier: BSD-2-Clause */
/* transpose_f32: 0 to 40 rows and columns, with and without gaps; any bits are carried over. */
#include <stdio.h>

#include "tests/kernels/checkkern.h"

static void check(struct kern_test *t, size_t rows, size_t cols)
{
    size_t x_row = cols + kern_below(3), y_row = rows + (kern_below(2) ? kern_below(3) : 0);
    struct kern_buf x = kern_random(rows * x_row, kern_below(4), -1, 1);
    struct kern_buf y = kern_alloc(rows && cols ? (cols - 1) * y_row + rows : 0, kern_below(4));
    t->k.transpose_f32(rows, cols, x.p, x_row, y.p, y_row);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++)
            kern_near(t, y.p[c * y_row + r], (double)x.p[r * x_row + c], 0, 0,
                      "%zu rows of %zu: row %zu column %zu", rows, cols, r, c);
    kern_free(t, &x);
    kern_free(t, &y);
}

static void call(void *ctx)
{
    void **p = ctx;
    const size_t *n = p[3];
    struct kern_test *t = p[0];
    t->k.transpose_f32(n[0], n[1], p[1], n[1], p[2], n[0]);
}

void check_transpose_f32(struct kern_test *t)
{
    if (t->bench) {
        static const size_t sizes[][2] = {{96, 784}, {3, 50176}, {2, 58}};
        for (int i = 0; i < 3; i++) {
            size_t n = sizes[i][0] * sizes[i][1];
            struct kern_buf x = kern_random(n, 0, -1, 1), y = kern_alloc(n, 0);
            void *all[4] = {t, x.p, y.p, (void *)(uintptr_t)sizes[i]};
            char what[40];
            snprintf(what, sizeof(what), "%zu x %zu", sizes[i][0], sizes[i][1]);
            kern_time(t, what, (double)n, call, all);
            kern_free(t, &x);
            kern_free(t, &y);
        }
        return;
    }
    for (size_t rows = 0; rows <= 40; rows++)
        for (size_t cols = 0; cols <= 40; cols++)
            check(t, rows, cols);
}
