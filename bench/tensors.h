/* SPDX-License-Identifier: BSD-2-Clause */
/* Tensors as numbers: summaries, comparison with expected ones, the best k, generated inputs. */
#ifndef PTM_BENCH_TENSORS_H
#define PTM_BENCH_TENSORS_H

#include "libcore/ptm.h"

/* Element number i in row-major order as a double (exact but for large 64-bit integers). */
double bench_element(const struct ptm_tensor *t, int64_t i);
/* "0.25", "-3", "True"; into buf. */
const char *bench_element_text(const struct ptm_tensor *t, int64_t i, char *buf, size_t size);

struct bench_summary {
    int64_t n, n_nan, n_inf;
    double min, max, mean; /* of those that are not NaN; NaN when there are none */
};
struct bench_summary bench_summarise(const struct ptm_tensor *t);

/* atol and rtol below 0: the default, max|difference| <= 1e-4 * max|expected|. Otherwise numpy's
 * allclose: each |difference| <= atol + rtol * |expected| (one below 0 counts as 0). */
struct bench_diff {
    bool same_shape, same_kind, within;
    double max_diff, max_expected, limit; /* limit: at the worst place */
    int64_t at;                           /* element of the largest excess; -1: none differs */
    double got, want;                     /* there */
    int64_t n, n_outside;
};
struct bench_diff bench_compare(const struct ptm_tensor *got, const struct ptm_tensor *want,
                                double atol, double rtol);

/* Numbers of the k largest elements, largest first, of n from `first` on. Returns how many. */
int bench_top(const struct ptm_tensor *t, int64_t first, int64_t n, int k, int64_t *out);
/* softmax over the same n elements, of the element `first + i`. */
double bench_softmax(const struct ptm_tensor *t, int64_t first, int64_t n, int64_t i);

/* The same numbers on every machine, from integer arithmetic alone. */
struct bench_random {
    uint64_t state;
};
uint64_t bench_random_next(struct bench_random *r);
/* Fill a row-major tensor. Normal: N(0, 1) as a sum of twelve uniform ones; 0 or 1 for integers
 * and bools. Range: integers in [lo, hi). */
void bench_fill_normal(struct ptm_tensor *t, struct bench_random *r);
void bench_fill_range(struct ptm_tensor *t, struct bench_random *r, int64_t lo, int64_t hi);
void bench_fill_value(struct ptm_tensor *t, double v);
/* Element number i of a row-major tensor = v, rounded as the dtype needs. */
void bench_set(struct ptm_tensor *t, int64_t i, double v);

#endif
