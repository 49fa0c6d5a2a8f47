/* SPDX-License-Identifier: BSD-2-Clause */
/* Every request for memory fails once, over loading and running models: a clear status each time,
 * no crash, no leak (the sanitizer builds look for those). */
#include "tests/unit/test.h"

#include "formats/formats.h"
#include "libcore/arena.h"
#include "libcore/session.h"

/* Loads, runs three times. PTM_OK when all went well. */
static enum ptm_status load_and_run(const char *path, int rank, const int64_t *dim, float *x)
{
    struct ptm_model *m = NULL;
    struct ptm_session *s = NULL;
    struct ptm_err err = {0};
    struct ptm_ival out;
    enum ptm_status st = ptm_model_open(&m, path, ptm_format_find, &err);
    if (!st)
        st = ptm_session_open(&s, m, NULL, &err);
    for (int i = 0; !st && i < 3; i++) {
        struct ptm_tensor *t = ptm_tensor_wrap(PTM_F32, rank, dim, x);
        struct ptm_ival v = {.tag = PTM_TENSOR, .u.tensor = t};
        st = t ? ptm_session_run(s, "forward", &v, 1, &out, &err) : PTM_ERR_MEMORY;
        ptm_tensor_free(t);
    }
    ptm_session_close(s);
    ptm_model_close(m);
    return st;
}

static void fail_each(const char *path, int rank, const int64_t *dim)
{
    static float x[256];
    for (uint64_t n = 1; n < 100000; n++) {
        ptm_memory_fail_at(n);
        enum ptm_status st = load_and_run(path, rank, dim, x);
        bool done = ptm_memory_fail_at(0) > 0; /* the countdown was never reached */
        if (st != PTM_OK && st != PTM_ERR_MEMORY)
            printf("%s, request %llu: status %s\n", path, (unsigned long long)n,
                   ptm_status_name(st));
        CHECK(st == PTM_OK || st == PTM_ERR_MEMORY);
        if (done) {
            CHECK_INT(st, PTM_OK);
            CHECK(n > 20);
            return;
        }
    }
    CHECK(!"more than 100000 requests");
}

int main(void)
{
    fail_each("tests/session/hidden.pt", 2, (int64_t[]){1, 4});
    fail_each("tests/session/containers.pt", 1, (int64_t[]){2});
    fail_each("tests/session/branch.pt", 1, (int64_t[]){2});
    fail_each("tests/session/sizes.pt", 4, (int64_t[]){1, 3, 4, 4});
    fail_each("tests/fuzz/corpus/ptm/sizes.ptm", 4, (int64_t[]){1, 3, 4, 4});
    fail_each("tests/fuzz/corpus/ptm/hidden_zstd.ptm", 2, (int64_t[]){1, 4});
    TEST_END;
}
