/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reference kernels: the matrix product in double that conv, matmul, linear,
 * attention and the recurrent kernels share.
 *
 * Blocks of at most MC rows, NC columns and KC terms are packed as double:
 * a as [k][MR], b as [column / NR][k][NR]. Each result is one sum in ascending
 * k, so the bits depend neither on the blocking nor on the vector width.
 */
#include "kernels/ref_util.h"

#include <string.h>

enum { MR = 4, NR = 8, MC = 1024, NC = 256, KC = 256 };

/* not with ThreadSanitizer: what resolves the versions would call it before it has started */
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__SANITIZE_THREAD__) && \
    ((defined(__GNUC__) && !defined(__clang__)) || (defined(__clang__) && __clang_major__ >= 14))
#define MULTI_VERSION __attribute__((target_clones("avx2", "default")))
#else
#define MULTI_VERSION
#endif

typedef double v4 __attribute__((vector_size(32), aligned(8)));

/* acc[MR][NR] += a[k][MR]^T b[k][NR] */
MULTI_VERSION static void multiply_tile(double *acc, int64_t stride, const double *a,
                                        const double *b, int64_t k)
{
    v4 c00 = *(const v4 *)acc, c01 = *(const v4 *)(acc + 4);
    v4 c10 = *(const v4 *)(acc + stride), c11 = *(const v4 *)(acc + stride + 4);
    v4 c20 = *(const v4 *)(acc + 2 * stride), c21 = *(const v4 *)(acc + 2 * stride + 4);
    v4 c30 = *(const v4 *)(acc + 3 * stride), c31 = *(const v4 *)(acc + 3 * stride + 4);
    for (; k > 0; k--, a += MR, b += NR) {
        const v4 b0 = *(const v4 *)b, b1 = *(const v4 *)(b + 4);
        c00 += a[0] * b0;
        c01 += a[0] * b1;
        c10 += a[1] * b0;
        c11 += a[1] * b1;
        c20 += a[2] * b0;
        c21 += a[2] * b1;
        c30 += a[3] * b0;
        c31 += a[3] * b1;
    }
    *(v4 *)acc = c00, *(v4 *)(acc + 4) = c01;
    *(v4 *)(acc + stride) = c10, *(v4 *)(acc + stride + 4) = c11;
    *(v4 *)(acc + 2 * stride) = c20, *(v4 *)(acc + 2 * stride + 4) = c21;
    *(v4 *)(acc + 3 * stride) = c30, *(v4 *)(acc + 3 * stride + 4) = c31;
}

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t round_up(int64_t n, int64_t to)
{
    return (n + to - 1) / to * to;
}

bool ptm_ref_gemm_reserve(struct ptm_ref_gemm_space *s, const struct ptm_ref_call *c, int64_t m,
                          int64_t n, int64_t k)
{
    m = round_up(min64(m, MC), MR);
    n = round_up(min64(n, NC), NR);
    k = min64(k, KC);
    s->acc = ptm_ref_doubles(c, m * n);
    s->a = ptm_ref_doubles(c, k * MR);
    s->b = ptm_ref_doubles(c, k * n);
    return s->acc && s->a && s->b;
}

/* Rows i0.. of a as [k][MR]; rows past m are 0. */
static void pack_a(const struct ptm_ref_gemm *g, int64_t i0, int64_t k0, int64_t kc, double *dst)
{
    double row[KC];
    for (int64_t r = 0; r < MR; r++) {
        if (i0 + r < g->m)
            g->load_a(g->ctx, i0 + r, k0, kc, row);
        else
            memset(row, 0, sizeof row);
        for (int64_t k = 0; k < kc; k++)
            dst[k * MR + r] = row[k];
    }
}

/* Columns j0.. of b as [column / NR][k][NR]; columns past n are 0. */
static void pack_b(const struct ptm_ref_gemm *g, int64_t k0, int64_t kc, int64_t j0, int64_t nc,
                   double *dst)
{
    double run[NC > KC ? NC : KC] = {0};
    for (int64_t k = 0; k < kc && !g->b_columns; k++) {
        g->load_b(g->ctx, k0 + k, j0, nc, run);
        for (int64_t j = 0; j < nc; j += NR)
            memcpy(dst + j * kc + k * NR, run + j, NR * sizeof *run);
    }
    for (int64_t j = 0; j < round_up(nc, NR) && g->b_columns; j++) {
        if (j < nc)
            g->load_b(g->ctx, k0, j0 + j, kc, run);
        else
            memset(run, 0, sizeof run);
        double *to = dst + j / NR * NR * kc + j % NR;
        for (int64_t k = 0; k < kc; k++)
            to[k * NR] = run[k];
    }
}

void ptm_ref_gemm(const struct ptm_ref_gemm *g, const struct ptm_ref_gemm_space *s)
{
    for (int64_t i0 = 0; i0 < g->m; i0 += MC) {
        for (int64_t j0 = 0; j0 < g->n; j0 += NC) {
            int64_t mc = min64(g->m - i0, MC), nc = min64(g->n - j0, NC), stride = round_up(nc, NR);
            memset(s->acc, 0, (size_t)(round_up(mc, MR) * stride) * sizeof(double));
            for (int64_t k0 = 0; k0 < g->k; k0 += KC) {
                int64_t kc = min64(g->k - k0, KC);
                pack_b(g, k0, kc, j0, nc, s->b);
                for (int64_t i = 0; i < mc; i += MR) {
                    pack_a(g, i0 + i, k0, kc, s->a);
                    for (int64_t j = 0; j < nc; j += NR)
                        multiply_tile(s->acc + i * stride + j, stride, s->a, s->b + j * kc, kc);
                }
            }
            for (int64_t i = 0; i < mc; i++)
                g->store(g->ctx, i0 + i, j0, nc, s->acc + i * stride);
        }
    }
}
