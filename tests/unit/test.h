/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks for unit tests: each prints FAIL file:line when it does not hold; TEST_END ends main. */
#ifndef PTM_TESTS_UNIT_TEST_H
#define PTM_TESTS_UNIT_TEST_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int test_passed, test_failed, test_skipped;

static inline int test_result(int ok, const char *file, int line)
{
    ok ? test_passed++ : test_failed++;
    if (!ok)
        printf("FAIL %s:%d: ", file, line);
    return ok;
}

static inline void test_int(int64_t a, int64_t b, const char *text, const char *file, int line)
{
    if (!test_result(a == b, file, line))
        printf("%s: %" PRId64 ", should be %" PRId64 "\n", text, a, b);
}

static inline void test_str(const char *a, const char *b, const char *text, const char *file,
                            int line)
{
    if (!test_result(a && b ? !strcmp(a, b) : a == b, file, line))
        printf("%s: '%s', should be '%s'\n", text, a ? a : "(null)", b ? b : "(null)");
}

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!test_result(!!(cond), __FILE__, __LINE__))                                            \
            printf("%s\n", #cond);                                                                 \
    } while (0)
#define CHECK_INT(a, b) test_int((int64_t)(a), (int64_t)(b), #a, __FILE__, __LINE__)
#define CHECK_STR(a, b) test_str(a, b, #a, __FILE__, __LINE__)
#define SKIP(why) (test_skipped++, printf("skip %s:%d: %s\n", __FILE__, __LINE__, why))
#define TEST_END                                                                                   \
    do {                                                                                           \
        printf("%s\n%d passed, %d failed, %d skipped\n", test_failed ? "FAIL" : "ok", test_passed, \
               test_failed, test_skipped);                                                         \
        return test_failed ? 1 : 0;                                                                \
    } while (0)

#endif
