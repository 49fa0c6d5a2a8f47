/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks every fast kernel of this machine: all rows of kernels.def, C first. Arguments: a seed;
 * --bench: times instead, when all is well; an operation's name: only that.
 */
#include "tests/kernels/checkkern.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { GUARD = 64 };
static const float marker = -1.2345e30F;
static uint64_t state;
static int passed, failed, skipped;
static sigjmp_buf back;

/* -- numbers and arrays -- */

float kern_draw(float low, float high)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return low + (high - low) * (float)(state >> 40) / (float)(1 << 24);
}

size_t kern_below(size_t n)
{
    kern_draw(0, 1);
    return (size_t)(state >> 33) % n;
}

struct kern_buf kern_alloc(size_t n, size_t shift)
{
    struct kern_buf b = {.n = n};
    size_t all = n + 2 * GUARD + shift;
    b.map = aligned_alloc(64, (all * sizeof(float) + 63) / 64 * 64);
    if (!b.map)
        abort();
    for (size_t i = 0; i < all; i++)
        b.map[i] = marker;
    b.p = b.map + GUARD + shift;
    return b;
}

struct kern_buf kern_random(size_t n, size_t shift, float low, float high)
{
    struct kern_buf b = kern_alloc(n, shift);
    for (size_t i = 0; i < n; i++)
        b.p[i] = kern_draw(low, high);
    return b;
}

void kern_free(struct kern_test *t, struct kern_buf *b)
{
    for (int i = 1; i <= GUARD && !t->failed; i++)
        if (memcmp(b->p - i, &marker, 4) || memcmp(b->p + b->n + i - 1, &marker, 4)) {
            printf("FAIL %s %s: wrote outside of %zu floats\n", t->info->op, t->info->isa, b->n);
            t->failed = true;
        }
    free(b->map);
}

bool kern_near(struct kern_test *t, float got, double want, double absolute, double relative,
               const char *fmt, ...)
{
    if (t->failed || (isnan(want) && isnan(got)) || (double)got == want ||
        fabs((double)got - want) <= absolute + relative * fabs(want) ||
        (isinf(got) && fabs(want) > 3.4028235e38 && (got > 0) == (want > 0)))
        return true;
    va_list args;
    va_start(args, fmt);
    printf("FAIL %s %s: ", t->info->op, t->info->isa);
    vprintf(fmt, args);
    va_end(args);
    printf(": %.9g, should be %.9g\n", (double)got, want);
    t->failed = true;
    return false;
}

bool kern_same_bits(struct kern_test *t, const float *a, const float *b, size_t n,
                    const char *what)
{
    for (size_t i = 0; i < n && !t->failed; i++)
        if (memcmp(&a[i], &b[i], 4) && !(isnan(a[i]) && isnan(b[i]))) {
            printf("FAIL %s %s: %s: element %zu is %a, in C %a\n", t->info->op, t->info->isa, what,
                   i, (double)a[i], (double)b[i]);
            t->failed = true;
        }
    return !t->failed;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void kern_time(struct kern_test *t, const char *what, double work, void (*fn)(void *ctx),
               void *ctx)
{
    double best = (double)INFINITY;
    int calls = 1;
    for (int round = 0; round < 8; round++) {
        double start = now();
        for (int i = 0; i < calls; i++)
            fn(ctx);
        double took = now() - start;
        best = took / calls < best ? took / calls : best;
        if (took < 0.005)
            calls *= 4;
    }
    printf("%-14s %-7s %-28s %9.2f G/s %10.3f us\n", t->info->op, t->info->isa, what,
           work / best * 1e-9, best * 1e6);
}

/* -- all rows -- */

static void (*const checks[])(struct kern_test *) = {
#define PTM_KERNEL_OP(op) check_##op,
#include "kernels/kernels.def"
#undef PTM_KERNEL_OP
};
static const char *const names[] = {
#define PTM_KERNEL_OP(op) #op,
#include "kernels/kernels.def"
#undef PTM_KERNEL_OP
};

static void caught(int sig)
{
    siglongjmp(back, sig);
}

/* The check of an operation; a signal is a failure like others. */
static void guarded(struct kern_test *t, void (*check)(struct kern_test *))
{
    int sig = sigsetjmp(back, 1);
    if (!sig) {
        check(t);
        return;
    }
    printf("FAIL %s %s: signal %d\n", t->info->op, t->info->isa, sig);
    t->failed = true;
}

static void run_row(const struct ptm_kernel_info *row, bool bench, uint64_t seed)
{
    struct kern_test t = {.info = row, .bench = bench};
    size_t op = 0;
    while (strcmp(names[op], row->op))
        op++;
    if (row->needs & ~ptm_cpu_flags()) {
        if (!bench)
            printf("skip %s %s: this processor has no %s\n", row->op, row->isa, row->isa);
        skipped += !bench;
        return;
    }
    ptm_kernels_init(&t.k, row->needs);
    ptm_kernels_init(&t.c, PTM_CPU_C);
    state = seed;
    guarded(&t, checks[op]);
    if (bench)
        return;
    t.failed ? failed++ : passed++;
}

int main(int argc, char **argv)
{
    uint64_t seed = 1;
    bool bench = false;
    const char *only = NULL;
    static const int signals[] = {SIGSEGV, SIGILL, SIGBUS, SIGFPE};
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--bench"))
            bench = true;
        else if (argv[i][0] >= '0' && argv[i][0] <= '9')
            seed = strtoull(argv[i], NULL, 10);
        else
            only = argv[i];
    }
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        signal(signals[i], caught);
    const struct ptm_kernel_info *row;
    for (size_t i = 0; (row = ptm_kernel_row(i)); i++)
        if (!only || !strcmp(only, row->op))
            run_row(row, false, seed);
    for (size_t i = 0; bench && !failed && (row = ptm_kernel_row(i)); i++)
        if (!only || !strcmp(only, row->op))
            run_row(row, true, seed);
    printf("%s (seed %llu)\n%d passed, %d failed, %d skipped\n", failed ? "FAIL" : "ok",
           (unsigned long long)seed, passed, failed, skipped);
    return failed != 0;
}
