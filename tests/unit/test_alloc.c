/* SPDX-License-Identifier: BSD-2-Clause */
/* A run whose guards match allocates nothing, in the whole process: malloc and friends are
 * interposed and counted. */
#define _GNU_SOURCE
#include "tests/unit/test.h"

#include <stdlib.h>

#include "formats/formats.h"
#include "libcore/session.h"

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define COUNTING 1
#endif
#endif

static size_t n_allocs;

#ifdef COUNTING
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t align, size_t n);

void *malloc(size_t n)
{
    n_allocs++;
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    n_allocs++;
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    n_allocs++;
    return __libc_realloc(p, n);
}

void *aligned_alloc(size_t align, size_t n)
{
    n_allocs++;
    return __libc_memalign(align, n);
}

int posix_memalign(void **p, size_t align, size_t n)
{
    n_allocs++;
    *p = __libc_memalign(align, n);
    return *p ? 0 : 12;
}
#endif

/* Runs until warm, then counts. */
static void check_backend(const char *backend, uint32_t threads, bool profile, const char *path,
                          int rank, const int64_t *dim)
{
    enum { WARM = 6, RUNS = 5 };
    static float x[3 * 64 * 64];
    struct ptm_model *m = NULL;
    struct ptm_session *s = NULL;
    struct ptm_err err = {0};
    struct ptm_ival out;
    struct ptm_config config = {.backend = backend, .threads = threads};
    if (ptm_model_open(&m, path, ptm_format_find, &err) ||
        ptm_session_open(&s, m, &config, &err)) {
        printf("%s: %s\n", path, err.msg);
        CHECK(!"opened");
        return;
    }
    ptm_session_profile(s, profile);
    struct ptm_tensor *t = ptm_tensor_wrap(PTM_F32, rank, dim, x);
    struct ptm_ival v = {.tag = PTM_TENSOR, .u.tensor = t};
    for (int i = 0; i < WARM; i++)
        CHECK_INT(ptm_session_run(s, "forward", &v, 1, &out, &err), PTM_OK);
    size_t before = n_allocs;
    for (int i = 0; i < RUNS; i++)
        CHECK_INT(ptm_session_run(s, "forward", &v, 1, &out, &err), PTM_OK);
    if (n_allocs != before)
        printf("%s on %s%s: %zu allocations in %d runs\n", path, backend,
               profile ? ", profiled" : "", n_allocs - before, RUNS);
    CHECK_INT(n_allocs - before, 0);
    ptm_tensor_free(t);
    ptm_session_close(s);
    ptm_model_close(m);
}

static void check_model(const char *path, int rank, const int64_t *dim)
{
    check_backend("ref", 1, false, path, rank, dim);
    check_backend("ref", 1, true, path, rank, dim);
    for (size_t i = 0; ptm_backends[i]; i++)
        for (uint32_t threads = 1; threads < 3 && !ptm_backends[i]->unavailable(); threads++)
            for (int profile = 0; profile < 2; profile++)
                check_backend(ptm_backends[i]->name, threads, profile, path, rank, dim);
}

int main(void)
{
#ifndef COUNTING
    SKIP("malloc cannot be interposed here");
#endif
    check_model("tests/session/sizes.pt", 4, (int64_t[]){1, 3, 16, 16});
    check_model("tests/session/counter.pt", 1, (int64_t[]){8});
    check_model("tests/session/cache.pt", 2, (int64_t[]){1, 3});
    check_model("tests/session/hidden.pt", 2, (int64_t[]){1, 4});
    check_model("tests/session/containers.pt", 1, (int64_t[]){2});
    check_model("tests/session/alias.pt", 1, (int64_t[]){3});
    check_model("tests/session/loop.pt", 2, (int64_t[]){300, 4});
    check_model("tests/cli/fixtures/conv.pt", 4, (int64_t[]){2, 3, 8, 8});
#ifdef COUNTING
    CHECK(n_allocs > 50); /* loading did allocate: the counter counts */
#endif
    TEST_END;
}
