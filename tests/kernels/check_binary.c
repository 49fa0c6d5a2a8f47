/* SPDX-License-Identifier: BSD-2-Clause */
/* binary_f32: all lengths to 130, operands that are arrays or one number per row, odd numbers. */
#include <math.h>
#include <stdio.h>

#include "tests/kernels/checkkern.h"

static float number(void)
{
    static const float special[] = {0, -0.0F, INFINITY, -INFINITY, NAN};
    size_t i = kern_below(40);
    return i < 5 ? special[i] : kern_draw(-9, 9);
}

static double value(enum ptm_binary op, double a, double b)
{
    switch (op) {
    case PTM_BINARY_ADD:
        a = a + b;
        return a < -5 ? -5 : a > 7 ? 7 : a;
    case PTM_BINARY_SUB:
        return a - b;
    case PTM_BINARY_MUL:
        return a * b;
    case PTM_BINARY_DIV:
        return a / b;
    case PTM_BINARY_MAXIMUM:
        return isnan(a) || isnan(b) ? (double)NAN : a > b ? a : b;
    case PTM_BINARY_MINIMUM:
        return isnan(a) || isnan(b) ? (double)NAN : a < b ? a : b;
    case PTM_BINARY_PRELU:
        return a > 0 ? a : a * b;
    case PTM_N_BINARY:
        break;
    }
    return 0;
}

static void check(struct kern_test *t, enum ptm_binary op, size_t n)
{
    size_t rows = kern_below(4), row = n + kern_below(3), mode = kern_below(3);
    struct kern_buf x[2], y = kern_alloc(rows ? (rows - 1) * row + n : 0, kern_below(4));
    struct kern_buf in_c = kern_alloc(y.n, 0);
    for (int i = 0; i < 2; i++) {
        x[i] = kern_alloc(rows * row + 1, kern_below(4));
        for (size_t k = 0; k < x[i].n; k++)
            x[i].p[k] = number();
    }
    struct ptm_binary_f32 b = {.op = op, .rows = rows, .n = n, .a = x[0].p, .b = x[1].p, .y = y.p,
                               .a_row = kern_below(2) * row, .b_row = kern_below(2) * row,
                               .y_row = row, .a_step = mode != 1, .b_step = mode != 2, .min = -5,
                               .max = 7};
    t->k.binary_f32(&b);
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++) {
            float p = b.a[r * b.a_row + i * b.a_step], q = b.b[r * b.b_row + i * b.b_step];
            kern_near(t, y.p[r * row + i], value(op, (double)p, (double)q), 0, 0x1p-24,
                      "op %d of %g and %g, element %zu of %zu", (int)op, (double)p, (double)q, i,
                      n);
        }
    b.y = in_c.p;
    t->c.binary_f32(&b);
    for (size_t r = 0; r < rows; r++)
        kern_same_bits(t, y.p + r * row, in_c.p + r * row, n, "a row");
    kern_free(t, &x[0]);
    kern_free(t, &x[1]);
    kern_free(t, &y);
    kern_free(t, &in_c);
}

static void call(void *ctx)
{
    struct kern_test *t = ((void **)ctx)[0];
    t->k.binary_f32(((void **)ctx)[1]);
}

void check_binary_f32(struct kern_test *t)
{
    for (int op = 0; op < PTM_N_BINARY; op++) {
        for (size_t n = 0; n <= 130 && !t->bench; n++)
            for (int k = 0; k < 3; k++)
                check(t, (enum ptm_binary)op, n);
        if (t->bench) {
            struct kern_buf a = kern_random(4096, 0, 1, 2), b = kern_random(4096, 0, 1, 2);
            struct kern_buf y = kern_alloc(4096, 0);
            struct ptm_binary_f32 p = {.op = (enum ptm_binary)op, .rows = 1, .n = 4096, .a = a.p,
                                       .b = b.p, .y = y.p, .a_step = 1, .b_step = 1, .min = -9,
                                       .max = 9};
            void *both[2] = {t, &p};
            char what[32];
            snprintf(what, sizeof(what), "op %d, 4096 elements", op);
            kern_time(t, what, 4096, call, both);
            kern_free(t, &a);
            kern_free(t, &b);
            kern_free(t, &y);
        }
    }
}
