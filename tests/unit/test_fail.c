/* SPDX-License-Identifier: BSD-2-Clause */
/* Every request for memory fails once, over loading and running models: a clear status each time,
 * no crash, no leak (the sanitizer builds look for those). */
#include "tests/unit/test.h"

#include "formats/formats.h"
#include "kernels/cpu.h"
#include "libcore/arena.h"
#include "libcore/backend.h"
#include "libcore/profile.h"
#include "libcore/session.h"

struct how {
    const char *path;
    int rank;
    int64_t dim[4];
    const char *backend;
    bool profile; /* with events, and what they say */
    bool second;  /* a second session, which shares packed weights, at twice the first dim */
};

static enum ptm_status run(struct ptm_session *s, const struct how *h, int64_t first, float *x,
                           struct ptm_err *err)
{
    int64_t dim[4];
    struct ptm_ival out;
    memcpy(dim, h->dim, sizeof(dim));
    dim[0] = first;
    struct ptm_tensor *t = ptm_tensor_wrap(PTM_F32, h->rank, dim, x);
    struct ptm_ival v = {.tag = PTM_TENSOR, .u.tensor = t};
    enum ptm_status st = t ? ptm_session_run(s, "forward", &v, 1, &out, err) : PTM_ERR_MEMORY;
    size_t n = 0;
    const struct ptm_event *e = h->profile ? ptm_session_events(s, &n, NULL) : NULL;
    for (size_t i = 0; i < n && !st; i++) {
        struct ptm_event_info info;
        ptm_event_describe(&e[i], &info);
    }
    ptm_tensor_free(t);
    return st;
}

/* Loads, runs three times. PTM_OK when all went well. */
static enum ptm_status load_and_run(const struct how *h, float *x)
{
    const struct ptm_config config = {.backend = h->backend};
    struct ptm_model *m = NULL;
    struct ptm_session *s = NULL, *other = NULL;
    struct ptm_err err = {0};
    enum ptm_status st = ptm_model_open(&m, h->path, ptm_format_find, &err);
    if (!st)
        st = ptm_session_open(&s, m, &config, &err);
    if (!st)
        ptm_session_profile(s, h->profile);
    for (int i = 0; !st && i < 3; i++)
        st = run(s, h, h->dim[0], x, &err);
    if (!st && h->second)
        st = ptm_session_open(&other, m, &config, &err);
    if (!st && h->second)
        st = run(other, h, 2 * h->dim[0], x, &err);
    ptm_session_close(s);
    if (!st && h->second)
        st = run(other, h, h->dim[0], x, &err);
    ptm_session_close(other);
    ptm_model_close(m);
    return st;
}

static void fail_each(const struct how *h)
{
    static float x[1024];
    for (uint64_t n = 1; n < 100000; n++) {
        ptm_memory_fail_at(n);
        enum ptm_status st = load_and_run(h, x);
        bool done = ptm_memory_fail_at(0) > 0; /* the countdown was never reached */
        if (st != PTM_OK && st != PTM_ERR_MEMORY)
            printf("%s, request %llu: status %s\n", h->path, (unsigned long long)n,
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
    static const struct how hows[] = {
        {.path = "tests/session/hidden.pt", .rank = 2, .dim = {1, 4}},
        {.path = "tests/session/containers.pt", .rank = 1, .dim = {2}},
        {.path = "tests/session/branch.pt", .rank = 1, .dim = {2}, .profile = true},
        {.path = "tests/session/sizes.pt", .rank = 4, .dim = {1, 3, 4, 4}, .profile = true},
        {.path = "tests/fuzz/corpus/ptm/sizes.ptm", .rank = 4, .dim = {1, 3, 4, 4}},
        {.path = "tests/fuzz/corpus/ptm/hidden_zstd.ptm", .rank = 2, .dim = {1, 4}},
        {.path = "tests/fuzz/corpus/ptm/conv2d_closed.ptm", .rank = 4, .dim = {2, 3, 8, 7}},
        {.path = "tests/fuzz/corpus/ptm/conv2d_packed.ptm", .rank = 4, .dim = {2, 3, 8, 7},
         .backend = "cpu", .profile = true, .second = true},
        {.path = "tests/e2e/b/conv2d.pt", .rank = 4, .dim = {2, 3, 8, 7},
         .backend = "cpu", .second = true},
        {.path = "tests/e2e/b/conv2d.pt", .rank = 4, .dim = {2, 3, 8, 7},
         .backend = "xnnpack", .profile = true, .second = true},
    };
    const struct ptm_backend *xnnpack = ptm_backend_find("xnnpack");
    bool have = xnnpack && !xnnpack->unavailable();
    ptm_cpu_mask(PTM_CPU_C); /* whose packs the corpus holds */
    for (size_t i = 0; i < PTM_LEN(hows) - !have; i++)
        fail_each(&hows[i]);
    TEST_END;
}
