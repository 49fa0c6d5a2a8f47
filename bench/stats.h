/* SPDX-License-Identifier: BSD-2-Clause */
/* Statistics of measured times: order statistics, spread, intervals; convergence of warm-up. */
#ifndef PTM_BENCH_STATS_H
#define PTM_BENCH_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Quantile q of n sorted numbers lies at place q * (n - 1), linear between neighbours: what
 * numpy.percentile and R (type 7) do unless told otherwise. */
#define BENCH_QUANTILE_METHOD "linear (Hyndman-Fan 7)"

/* n >= 1, sorted upwards; q in [0, 1]. */
double bench_quantile(const int64_t *sorted, size_t n, double q);

struct bench_stats {
    size_t n;
    int64_t min, max;
    double mean, stddev;           /* of n - 1 degrees of freedom; NaN for n = 1 */
    double median, mad;            /* mad: median of the distances from the median, unscaled */
    double p5, p90, p95;
    double p99, p99_9;             /* NaN below 100 and 1000 samples */
    int64_t median_low, median_high; /* 95 % interval of the median; 0, 0 below 6 samples */
    double first_third, last_third; /* medians in order of time; NaN below 9 samples */
};
/* Samples in order of time. False: none, or no memory. */
bool bench_stats_make(struct bench_stats *s, const int64_t *sample, size_t n);

/* The k for which the k-th smallest and the k-th largest of n samples enclose the median with at
 * least the given confidence (sign test, exact); 0: n is too small for it. */
size_t bench_sign_rank(size_t n, double confidence);

/* -- warm-up: over when runs stop becoming faster or slower -- */
enum { BENCH_WINDOW = 5 };
#define BENCH_WARMUP_RULE                                                                          \
    "medians of the last two windows of 5 runs differ by less than 4 %, after at least 0.1 s"
struct bench_warmup {
    int64_t last[2 * BENCH_WINDOW]; /* the newest run at n % (2 * BENCH_WINDOW) - 1 */
    size_t n;
    int64_t total_ns;
};
/* Counts a run; true once it has converged. */
bool bench_warmup_add(struct bench_warmup *w, int64_t ns);
/* Median of the newest BENCH_WINDOW runs (or of all, when they are fewer); 0: none. */
int64_t bench_warmup_median(const struct bench_warmup *w);

#endif
