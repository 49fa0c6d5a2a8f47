/* SPDX-License-Identifier: BSD-2-Clause */
/* Statistics of measured times: order statistics, spread, intervals; convergence of warm-up. */
#include "bench/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

double bench_quantile(const int64_t *sorted, size_t n, double q)
{
    double at = q * (double)(n - 1), below = floor(at);
    size_t i = (size_t)below;
    if (i + 1 >= n)
        return (double)sorted[n - 1];
    return (double)sorted[i] + (at - below) * (double)(sorted[i + 1] - sorted[i]);
}

/* Median of samples that lie anywhere; scratch holds n. */
static double median(const int64_t *sample, size_t n, int64_t *scratch)
{
    memcpy(scratch, sample, n * sizeof(*scratch));
    qsort(scratch, n, sizeof(*scratch), by_value);
    return bench_quantile(scratch, n, 0.5);
}

static void moments(struct bench_stats *s, const int64_t *sample, size_t n)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)sample[i];
    s->mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += ((double)sample[i] - s->mean) * ((double)sample[i] - s->mean);
    s->stddev = n > 1 ? sqrt(squares / (double)(n - 1)) : (double)NAN;
}

bool bench_stats_make(struct bench_stats *s, const int64_t *sample, size_t n)
{
    int64_t *sorted = n && n <= SIZE_MAX / sizeof(*sorted) ? malloc(n * sizeof(*sorted)) : NULL;
    if (!sorted)
        return false;
    *s = (struct bench_stats){.n = n, .first_third = (double)NAN, .last_third = (double)NAN};
    moments(s, sample, n);
    if (n >= 9) {
        s->first_third = median(sample, n / 3, sorted);
        s->last_third = median(sample + n - n / 3, n / 3, sorted);
    }
    memcpy(sorted, sample, n * sizeof(*sorted));
    qsort(sorted, n, sizeof(*sorted), by_value);
    s->min = sorted[0];
    s->max = sorted[n - 1];
    s->p5 = bench_quantile(sorted, n, 0.05);
    s->median = bench_quantile(sorted, n, 0.5);
    s->p90 = bench_quantile(sorted, n, 0.9);
    s->p95 = bench_quantile(sorted, n, 0.95);
    s->p99 = n < 100 ? (double)NAN : bench_quantile(sorted, n, 0.99);
    s->p99_9 = n < 1000 ? (double)NAN : bench_quantile(sorted, n, 0.999);
    size_t rank = bench_sign_rank(n, 0.95);
    if (rank) {
        s->median_low = sorted[rank - 1];
        s->median_high = sorted[n - rank];
    }
    /* distances in halves of a nanosecond, since the median may lie between two samples */
    for (size_t i = 0; i < n; i++)
        sorted[i] = llabs(llround(2 * ((double)sorted[i] - s->median)));
    qsort(sorted, n, sizeof(*sorted), by_value);
    s->mad = bench_quantile(sorted, n, 0.5) / 2;
    free(sorted);
    return true;
}

size_t bench_sign_rank(size_t n, double confidence)
{
    /* P(fewer than k of n samples lie below the median) for growing k: terms of the binomial
     * distribution, as logarithms because 2^-n has no double for large n */
    double log_term = -(double)n * log(2), sum = exp(log_term), tail = (1 - confidence) / 2;
    size_t k = 0;
    while (k < n && sum <= tail) {
        log_term += log((double)(n - k) / (double)(k + 1));
        sum += exp(log_term);
        k++;
    }
    return k;
}

bool bench_warmup_add(struct bench_warmup *w, int64_t ns)
{
    w->last[w->n++ % (2 * BENCH_WINDOW)] = ns;
    w->total_ns += ns;
    if (w->n < 2 * BENCH_WINDOW || w->total_ns < 100000000)
        return false;
    int64_t older[BENCH_WINDOW], scratch[BENCH_WINDOW];
    for (size_t i = 0; i < BENCH_WINDOW; i++)
        older[i] = w->last[(w->n + i) % (2 * BENCH_WINDOW)];
    double before = median(older, BENCH_WINDOW, scratch);
    double after = (double)bench_warmup_median(w);
    return fabs(after - before) < 0.04 * before;
}

int64_t bench_warmup_median(const struct bench_warmup *w)
{
    int64_t newest[BENCH_WINDOW], scratch[BENCH_WINDOW];
    size_t n = w->n < BENCH_WINDOW ? w->n : BENCH_WINDOW;
    if (!n)
        return 0;
    for (size_t i = 0; i < n; i++)
        newest[i] = w->last[(w->n - n + i) % (2 * BENCH_WINDOW)];
    return llround(median(newest, n, scratch));
}
