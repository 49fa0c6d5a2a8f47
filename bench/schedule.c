/* SPDX-License-Identifier: BSD-2-Clause */
/* Which configuration runs when, and how often. */
#include "bench/schedule.h"

#include <math.h>
#include <stdlib.h>

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

struct bench_plan bench_plan_runs(const struct bench_limits *l, int64_t run_ns)
{
    int64_t runs = l->runs;
    if (!runs) {
        int64_t ns = run_ns < 1 ? 1 : run_ns;
        runs = clamp(l->min_ns / ns + (l->min_ns % ns != 0), BENCH_MIN_RUNS, BENCH_MAX_RUNS);
        runs = clamp(l->max_ns / ns, 1, runs);
    }
    return (struct bench_plan){runs, clamp(l->rounds, 1, runs)};
}

int64_t bench_plan_block(const struct bench_plan *p, int64_t round)
{
    if (round >= p->rounds)
        return 0;
    int64_t each = p->runs / p->rounds, more = p->runs % p->rounds;
    return each + (round < more);
}

size_t bench_turn(int64_t round, size_t n, size_t at)
{
    return round % 2 ? n - 1 - at : at;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_paired_ratio(const double *a, const double *b, size_t n)
{
    double *ratio = n ? malloc(n * sizeof(*ratio)) : NULL;
    if (!ratio)
        return (double)NAN;
    for (size_t i = 0; i < n; i++)
        ratio[i] = b[i] / a[i];
    qsort(ratio, n, sizeof(*ratio), by_value);
    /* of an even number the geometric mean of the middle two: b to a is then 1 / (a to b) */
    double r = sqrt(ratio[(n - 1) / 2] * ratio[n / 2]);
    free(ratio);
    return r;
}
