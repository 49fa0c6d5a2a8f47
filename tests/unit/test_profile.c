/* SPDX-License-Identifier: BSD-2-Clause */
/* Events of runs: complete, in order, without gaps; what they say; none when nobody asked. */
#include "tests/unit/test.h"

#include "bench/profile.h"
#include "formats/formats.h"
#include "libcore/session.h"

struct at {
    struct ptm_model *m;
    struct ptm_session *s;
    struct ptm_err err;
};

static bool begin(struct at *a, const char *path, const char *backend)
{
    struct ptm_config config = {.backend = backend};
    *a = (struct at){0};
    if (ptm_model_open(&a->m, path, ptm_format_find, &a->err) ||
        ptm_session_open(&a->s, a->m, &config, &a->err)) {
        printf("%s: %s\n", path, a->err.msg);
        CHECK(!"opened");
        return false;
    }
    return true;
}

static void end(struct at *a)
{
    ptm_session_close(a->s);
    ptm_model_close(a->m);
}

static enum ptm_status run(struct at *a, int rank, const int64_t *dim)
{
    static float x[2 * 3 * 16 * 16];
    struct ptm_tensor *t = ptm_tensor_wrap(PTM_F32, rank, dim, x);
    struct ptm_ival v = {.tag = PTM_TENSOR, .u.tensor = t}, out;
    enum ptm_status st = ptm_session_run(a->s, "forward", &v, 1, &out, &a->err);
    ptm_tensor_free(t);
    return st;
}

static size_t count(const struct ptm_event *e, size_t n, enum ptm_event_kind kind)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += e[i].kind == kind;
    return sum;
}

/* Events but pieces follow each other without a gap; pieces enclose what is theirs; every step of
 * every piece that ran is there. */
static void check_events(const struct ptm_session *s)
{
    size_t n;
    uint64_t dropped;
    const struct ptm_event *e = ptm_session_events(s, &n, &dropped);
    CHECK(n > 2);
    CHECK_INT(dropped, 0);
    int64_t last = n ? e[0].start_ns : 0;
    for (size_t i = 0; i < n; i++) {
        CHECK_INT(e[i].start_ns, last);
        CHECK(e[i].end_ns >= e[i].start_ns);
        if (e[i].kind != PTM_EVENT_PIECE) {
            last = e[i].end_ns;
            continue;
        }
        const struct ptm_plan *plan = &e[i].piece->plan;
        CHECK(i + plan->n_steps + 1 < n);
        CHECK_INT(e[i + 1].kind, PTM_EVENT_BIND);
        for (size_t k = 0; k < plan->n_steps && i + 2 + k < n; k++) {
            CHECK_INT(e[i + 2 + k].kind, PTM_EVENT_STEP);
            CHECK_INT(e[i + 2 + k].step, k);
            CHECK(e[i + 2 + k].piece == e[i].piece);
        }
        size_t end = i + 1 + plan->n_steps;
        if (plan->n_copies)
            CHECK_INT(e[++end].kind, PTM_EVENT_OUTPUTS);
        CHECK_INT(e[end].end_ns, e[i].end_ns);
    }
}

static void test_entry(const char *backend)
{
    struct at a;
    size_t n, first;
    if (!begin(&a, "tests/cli/fixtures/conv.pt", backend))
        return;
    int64_t dim[] = {2, 3, 8, 8};
    CHECK_INT(run(&a, 4, dim), PTM_OK);
    ptm_session_events(a.s, &n, NULL);
    CHECK_INT(n, 0); /* nobody asked */
    ptm_session_profile(a.s, true);
    CHECK_INT(run(&a, 4, dim), PTM_OK);
    const struct ptm_event *e = ptm_session_events(a.s, &first, NULL);
    check_events(a.s);
    CHECK_INT(count(e, first, PTM_EVENT_GUARDS), 1);
    CHECK_INT(count(e, first, PTM_EVENT_PROGRAM), 0);
    CHECK_INT(count(e, first, PTM_EVENT_PIECE), 1);
    CHECK_INT(e[first - 1].kind, PTM_EVENT_RESULT);
    CHECK_INT(run(&a, 4, dim), PTM_OK);
    e = ptm_session_events(a.s, &n, NULL);
    CHECK_INT(n, first); /* a run starts anew */
    struct ptm_event_info info;
    size_t convs = 0;
    for (size_t i = 0; i < n; i++) {
        ptm_event_describe(&e[i], &info);
        CHECK(info.op && info.backend && info.kernel && info.isa);
        if (e[i].kind != PTM_EVENT_STEP || strcmp(info.op, "conv") != 0)
            continue;
        convs++;
        CHECK_STR(info.backend, backend);
        CHECK(info.macs > 0 && info.flops == 2 * info.macs && info.bytes > 0);
        CHECK(info.n_site >= 1 && info.site[0].aten && strstr(info.site[0].aten, "conv"));
        CHECK_INT(info.out->rank, 4);
        CHECK(info.piece != 0 && info.reason == NULL);
    }
    CHECK_INT(convs, 1);
    ptm_session_profile(a.s, false);
    CHECK_INT(run(&a, 4, dim), PTM_OK);
    ptm_session_events(a.s, &n, NULL);
    CHECK_INT(n, first); /* the last that was recorded */
    end(&a);
}

/* A program that reads data: interpreted, its pieces one after the other. */
static void test_interpreted(void)
{
    struct at a;
    size_t n;
    if (!begin(&a, "tests/session/branch.pt", "ref"))
        return;
    ptm_session_profile(a.s, true);
    for (int i = 0; i < 3; i++)
        CHECK_INT(run(&a, 1, (int64_t[]){4}), PTM_OK);
    check_events(a.s);
    const struct ptm_event *e = ptm_session_events(a.s, &n, NULL);
    CHECK(count(e, n, PTM_EVENT_PIECE) >= 2);
    CHECK(count(e, n, PTM_EVENT_PROGRAM) > count(e, n, PTM_EVENT_PIECE));
    end(&a);
}

/* A module with state. */
static void test_state(void)
{
    struct at a;
    size_t n;
    if (!begin(&a, "tests/session/counter.pt", "ref"))
        return;
    ptm_session_profile(a.s, true);
    for (int i = 0; i < 4; i++)
        CHECK_INT(run(&a, 1, (int64_t[]){8}), PTM_OK);
    check_events(a.s);
    const struct ptm_event *e = ptm_session_events(a.s, &n, NULL);
    CHECK_INT(count(e, n, PTM_EVENT_EFFECTS), 2); /* made, then written */
    CHECK_INT(count(e, n, PTM_EVENT_PROGRAM), 0);
    end(&a);
}

/* No memory for events: runs go on, and what is missing is counted. */
static void test_memory(void)
{
    struct ptm_events e = {0};
    ptm_memory_fail_at(1);
    ptm_events_begin(&e);
    ptm_memory_fail_at(0);
    ptm_event_ends(&e, PTM_EVENT_GUARDS, 0);
    CHECK_INT(e.n, 0);
    CHECK_INT(e.dropped, 1);
    ptm_events_begin(&e);
    ptm_event_ends(&e, PTM_EVENT_GUARDS, 0);
    CHECK_INT(e.n, 1);
    CHECK_INT(e.dropped, 0);
    ptm_events_release(&e);
    for (int k = 0; k < PTM_N_EVENT_KINDS; k++)
        CHECK(strcmp(ptm_event_kind_name((enum ptm_event_kind)k), "?") != 0);
    CHECK_STR(ptm_event_kind_name(PTM_N_EVENT_KINDS), "?");
}

/* Measured: as many runs as asked for, in whole turns; what the rows of a run took and what nobody
 * accounts for is the run, to the nanosecond. */
static void test_measure(const char *path, const char *backend, int rank, const int64_t *dim)
{
    static float x[2 * 3 * 16 * 16];
    struct at a;
    if (!begin(&a, path, backend))
        return;
    struct ptm_tensor *t = ptm_tensor_wrap(PTM_F32, rank, dim, x);
    struct ptm_ival v = {.tag = PTM_TENSOR, .u.tensor = t};
    struct bench_call call[2] = {{&v, 1}, {&v, 1}};
    struct bench_calls calls = {"forward", call, 2};
    struct bench_profile_options how = {.runs = 3, .warmup = 2, .min_time = -1};
    struct bench_profile p = {.name = backend, .session = a.s};
    CHECK_INT(bench_profile_measure(&p, 1, &calls, &how, &a.err), PTM_OK);
    CHECK_INT(p.n_warmup, 2);
    CHECK_INT(p.n_plain, 4);
    CHECK_INT(p.n_recorded, 4);
    CHECK(p.n_rows > 4 && p.ops_ns > 0 && p.around_ns > 0 && p.clock_ns > 0);
    for (size_t k = 0; k < p.n_recorded; k++) {
        int64_t sum = p.unaccounted[k];
        CHECK(sum > 0);
        for (size_t i = 0; i < p.n_rows; i++)
            sum += p.row[i].kind == PTM_EVENT_PIECE ? 0 : p.row[i].sample[k];
        CHECK_INT(sum, p.recorded[k]);
    }
    for (size_t i = 0; i < p.n_rows; i++) {
        CHECK(p.row[i].calls >= calls.n);
        CHECK_INT(p.row[i].kind == PTM_EVENT_STEP, p.row[i].n_places > 0);
    }
    bench_profile_release(&p);
    CHECK(p.session == a.s && p.n_rows == 0);
    ptm_tensor_free(t);
    end(&a);
}

int main(void)
{
    test_measure("tests/cli/fixtures/conv.pt", "cpu", 4, (int64_t[]){1, 3, 8, 8});
    test_measure("tests/session/branch.pt", "ref", 1, (int64_t[]){4});
    test_measure("tests/session/counter.pt", "ref", 1, (int64_t[]){4});
    test_entry("ref");
    test_entry("cpu");
    test_interpreted();
    test_state();
    test_memory();
    TEST_END;
}
