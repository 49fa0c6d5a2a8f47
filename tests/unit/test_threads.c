/* SPDX-License-Identifier: BSD-2-Clause */
/* Sessions of one model in several threads: each gives what it gives alone, bit for bit.
 * `make tsan` runs this under ThreadSanitizer. */
#include "tests/unit/test.h"

#include <pthread.h>

#include "formats/formats.h"
#include "libcore/backend.h"
#include "libcore/packs.h"
#include "libcore/profile.h"
#include "tests/fuzz/run_model.h"

enum { THREADS = 3, RUNS = 24 };

static const struct {
    const char *path, *hint; /* tensor arguments, as run_model.h's */
} models[] = {
    {"tests/session/cache.pt", "f3,3"},       {"tests/session/counter.pt", "f4"},
    {"tests/session/containers.pt", "f2"},    {"tests/session/sizes.pt", "f1,3,8,8"},
    {"tests/session/branch.pt", "f4"},        {"tests/session/alias.pt", "f4"},
    {"tests/e2e/a/control.pt", "f4,6 i"},     {"tests/e2e/a/index.pt", "f4,5,3 i2 i2 i2,2"},
    {"tests/e2e/b/conv2d.pt", "f2,3,8,7"},    {"tests/e2e/b/lstm.pt", "f6,2,4"},
    {"tests/e2e/digits/digits.pt", "f1,3,32,32"},
};

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
    const uint8_t *b = p;
    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * UINT64_C(0x100000001b3);
    return h;
}

static uint64_t hash(uint64_t h, struct ptm_ival v)
{
    h = mix(h, &v.tag, sizeof(v.tag));
    if (v.tag == PTM_INT || v.tag == PTM_FLOAT)
        h = mix(h, &v.u.i, sizeof(v.u.i));
    else if (v.tag == PTM_STR)
        h = mix(h, v.u.str->s, v.u.str->len);
    else if (v.tag == PTM_LIST || v.tag == PTM_TUPLE)
        for (size_t i = 0; i < v.u.list->n; i++)
            h = hash(h, v.u.list->v[i]);
    else if (v.tag == PTM_TENSOR && ptm_tensor_contiguous(v.u.tensor) &&
             ptm_tensor_data(v.u.tensor))
        h = mix(h, ptm_tensor_data(v.u.tensor),
                (size_t)ptm_tensor_numel(v.u.tensor) * ptm_dtype_bytes(v.u.tensor->dtype));
    return h;
}

struct job {
    const struct ptm_model *m;
    const char *hint, *backend;
    uint64_t hash[RUNS];
    size_t n_ok;
    bool opened;
};

static void *work(void *arg)
{
    struct job *j = arg;
    const struct ptm_program *p = &j->m->program;
    const struct ptm_config config = {.seed = 7, .backend = j->backend};
    struct ptm_session *s;
    struct ptm_err err = {0};
    uint32_t fn = ptm_class_method(p, p->root->cls, "forward");
    if (ptm_session_open(&s, j->m, &config, &err))
        return NULL;
    j->opened = true;
    for (unsigned k = 0; k < RUNS; k++) {
        /* values change on each run, sizes on every third: guards hit, miss, churn */
        struct run_args r = {.program = p, .variant = k};
        struct ptm_ival v[RUN_ARGS], result;
        const char *hint = k % 3 == 2 ? NULL : j->hint;
        size_t n = 0;
        for (uint32_t i = 1; i < p->fn[fn].n_params; i++) {
            bool tensor = hint && *hint;
            v[n++] = tensor ? run_tensor_text(&r, hint) : run_value(&r, p->fn[fn].param[i].type, 0);
            hint = tensor ? strchr(hint, ' ') : NULL;
            hint += hint != NULL;
        }
        err = (struct ptm_err){0};
        enum ptm_status st = ptm_session_run(s, "forward", v, n, &result, &err);
        j->hash[k] = st ? mix(UINT64_C(1), err.msg, strlen(err.msg)) : hash(UINT64_C(2), result);
        j->n_ok += !st;
        ptm_arena_release(&r.a);
    }
    ptm_session_close(s);
    return NULL;
}

static void check_model(const char *path, const char *hint, const char *backend)
{
    struct job alone = {.hint = hint, .backend = backend}, job[THREADS];
    struct ptm_model *m;
    struct ptm_err err = {0};
    pthread_t thread[THREADS];
    CHECK_INT(ptm_model_open(&m, path, ptm_format_find, &err), PTM_OK);
    alone.m = m;
    for (int i = 0; i < THREADS; i++) {
        job[i] = alone;
        CHECK_INT(pthread_create(&thread[i], NULL, work, &job[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    work(&alone);
    if (!alone.opened) { /* no such backend in this build */
        test_skipped++;
    } else {
        if (!alone.n_ok)
            printf("%s: no call worked\n", path);
        CHECK(alone.n_ok > 0);
        for (int i = 0; i < THREADS; i++)
            CHECK(!memcmp(job[i].hash, alone.hash, sizeof(alone.hash)));
    }
    ptm_model_close(m);
}

/* -- sessions that come and go, with packed weights in common -- */

enum { TURNS = 5, SIZES = 2, AT_ONCE = 2 };
static const char *const size[SIZES] = {"f1,3,32,32", "f2,3,48,40"};

struct visitor {
    const struct ptm_model *m;
    const char *backend;
    uint64_t hash[TURNS];
    int shift; /* sizes in other orders; and with events */
};

/* Each turn: two sessions of different sizes, closed in turn, so that packs change hands. */
static void *visit(void *arg)
{
    struct visitor *v = arg;
    const struct ptm_config config = {.seed = 7, .backend = v->backend};
    struct ptm_session *s[AT_ONCE] = {NULL};
    for (int turn = 0; turn < TURNS; turn++) {
        struct run_args r = {.program = &v->m->program};
        struct ptm_ival x = run_tensor_text(&r, size[(turn + v->shift) % SIZES]), y;
        struct ptm_session **at = &s[turn % AT_ONCE];
        struct ptm_err err = {0};
        ptm_session_close(*at);
        enum ptm_status st = ptm_session_open(at, v->m, &config, &err);
        if (!st) {
            ptm_session_profile(*at, v->shift);
            st = ptm_session_run(*at, "forward", &x, 1, &y, &err);
        }
        v->hash[turn] = st ? 0 : hash(UINT64_C(2), y);
        ptm_arena_release(&r.a);
    }
    for (int i = 0; i < AT_ONCE; i++)
        ptm_session_close(s[i]);
    return NULL;
}

static void check_packs(const char *path, const char *backend)
{
    const struct ptm_backend *b = ptm_backend_find(backend);
    struct visitor visitor[THREADS], alone[SIZES];
    struct ptm_packs_stats packs;
    struct ptm_model *m;
    struct ptm_err err = {0};
    pthread_t thread[THREADS];
    if (!b || b->unavailable()) {
        test_skipped++;
        return;
    }
    CHECK_INT(ptm_model_open(&m, path, ptm_format_find, &err), PTM_OK);
    for (int i = 0; i < THREADS; i++) {
        visitor[i] = (struct visitor){.m = m, .backend = backend, .shift = i % SIZES};
        CHECK_INT(pthread_create(&thread[i], NULL, visit, &visitor[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    ptm_packs_stats(m->packs, &packs);
    CHECK(packs.made > 0 || strcmp(backend, "cpu")); /* XNNPACK of 2022 keeps its own */
    CHECK_INT(packs.bytes, 0);
    for (int i = 0; i < SIZES; i++) {
        alone[i] = (struct visitor){.m = m, .backend = backend, .shift = i};
        visit(&alone[i]);
        CHECK(alone[i].hash[0] && alone[i].hash[1]);
    }
    for (int i = 0; i < THREADS; i++)
        CHECK(!memcmp(visitor[i].hash, alone[i % SIZES].hash, sizeof(visitor[i].hash)));
    ptm_model_close(m);
}

int main(void)
{
    static const char *const backends[] = {"ref", "cpu", "xnnpack"};
    for (size_t k = 1; k < PTM_LEN(backends); k++)
        check_packs("tests/e2e/passes/mobilenet_v2.traced.pt", backends[k]);
    for (size_t i = 0; i < PTM_LEN(models); i++)
        for (size_t k = 0; k < PTM_LEN(backends); k++)
            check_model(models[i].path, models[i].hint, backends[k]);
    TEST_END;
}
