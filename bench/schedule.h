/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which configuration runs when, and how often. Configurations take turns in
 * rounds, forwards and backwards (A B C, C B A, ...): what drifts meanwhile
 * meets all of them alike, and neighbouring blocks of one round make pairs.
 */
#ifndef PTM_BENCH_SCHEDULE_H
#define PTM_BENCH_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

struct bench_limits {
    int64_t runs;               /* exactly so many per configuration; 0: by time */
    int64_t rounds;
    int64_t min_ns, max_ns;     /* measured time of a configuration, when by time */
};
enum { BENCH_MIN_RUNS = 10, BENCH_MAX_RUNS = 5000 };

/* Runs of one configuration, spread evenly over its rounds. */
struct bench_plan {
    int64_t runs, rounds;
};
/* For a configuration whose run takes about so long. By time: as many runs as min_ns needs, from
 * BENCH_MIN_RUNS to BENCH_MAX_RUNS; but only as many as max_ns has room for, one at least. */
struct bench_plan bench_plan_runs(const struct bench_limits *l, int64_t run_ns);
/* Runs in one round; 0 from the last round on. */
int64_t bench_plan_block(const struct bench_plan *p, int64_t round);

/* The configuration that is number `at` of n in the round. */
size_t bench_turn(int64_t round, size_t n, size_t at);

/* Median over pairs of times of b[i] / a[i]: how many times as long b takes; NaN: n is 0 or memory
 * is out. */
double bench_paired_ratio(const double *a, const double *b, size_t n);

#endif
