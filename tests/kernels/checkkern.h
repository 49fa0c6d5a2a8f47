/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the checks of fast kernels share. Each operation of kernels.def has a function
 * check_<op>(t): it calls the variant t->k with many sizes and compares with a plain loop in
 * double, and, where the contract is EXACT, bit by bit with the C variant t->c.
 */
#ifndef PTM_TESTS_KERNELS_CHECKKERN_H
#define PTM_TESTS_KERNELS_CHECKKERN_H

#include "kernels/kernel.h"
#include "libcore/compiler.h"

struct kern_test {
    struct ptm_kernels k, c; /* the variant; all in C */
    const struct ptm_kernel_info *info;
    bool bench; /* instead of checking: call kern_time */
    bool failed;
};

#define PTM_KERNEL_OP(op) void check_##op(struct kern_test *t);
#include "kernels/kernels.def"
#undef PTM_KERNEL_OP

/* -- arrays between guard bands; `shift` floats from a 64-byte boundary -- */
struct kern_buf {
    float *map, *p;
    size_t n;
};
struct kern_buf kern_alloc(size_t n, size_t shift);
struct kern_buf kern_random(size_t n, size_t shift, float low, float high);
/* Fails the test when a guard was written; frees. */
void kern_free(struct kern_test *t, struct kern_buf *b);

float kern_draw(float low, float high);
size_t kern_below(size_t n);

/* |got - want| <= absolute + relative * |want|; NaN for NaN, and the same infinity. Says what. */
bool kern_near(struct kern_test *t, float got, double want, double absolute, double relative,
               const char *fmt, ...) PTM_PRINTF(6, 7);
bool kern_same_bits(struct kern_test *t, const float *a, const float *b, size_t n,
                    const char *what);
/* Calls fn(ctx) for a while; prints `work` per second, in 1e9. */
void kern_time(struct kern_test *t, const char *what, double work, void (*fn)(void *ctx),
               void *ctx);

#endif
