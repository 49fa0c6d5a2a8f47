/* SPDX-License-Identifier: BSD-2-Clause */
/* Sessions on real scripted modules with state: guards, symbols, effects, failures. The models are
 * tests/session/make_fixtures.py's; the expected numbers follow from their source. */
#include "tests/unit/test.h"

#include <math.h>
#include <string.h>

#include "formats/formats.h"
#include "libcore/clock.h"
#include "libcore/session.h"

struct run {
    struct ptm_model *m;
    struct ptm_session *s;
    struct ptm_err err;
    struct ptm_ival out;
};

static bool begin(struct run *r, const char *name, const struct ptm_config *config)
{
    char path[256];
    memset(r, 0, sizeof(*r));
    snprintf(path, sizeof(path), "tests/session/%s.pt", name);
    if (ptm_model_open(&r->m, path, ptm_format_find, &r->err) ||
        ptm_session_open(&r->s, r->m, config, &r->err)) {
        fprintf(stderr, "%s: %s\n", path, r->err.msg);
        return false;
    }
    return true;
}

static void end(struct run *r)
{
    ptm_session_close(r->s);
    ptm_model_close(r->m);
}

static enum ptm_status call(struct run *r, const char *method, const struct ptm_ival *v, size_t n)
{
    r->err = (struct ptm_err){0};
    enum ptm_status st = ptm_session_run(r->s, method, v, n, &r->out, &r->err);
    if (st)
        fprintf(stderr, "  (%s)\n", r->err.msg);
    return st;
}

/* One f32 tensor argument. */
static enum ptm_status call1(struct run *r, int rank, const int64_t *dim, float *x)
{
    struct ptm_tensor *t = ptm_tensor_wrap(PTM_F32, rank, dim, x);
    struct ptm_ival v = {.tag = PTM_TENSOR, .u.tensor = t};
    enum ptm_status st = call(r, "forward", &v, 1);
    ptm_tensor_free(t);
    return st;
}

/* Element i of a tensor in row-major order. */
static double at(struct ptm_ival v, int64_t i)
{
    if (v.tag != PTM_TENSOR || !ptm_tensor_data(v.u.tensor))
        return NAN;
    const struct ptm_tensor *t = v.u.tensor;
    int64_t k = 0;
    for (int d = t->rank - 1; d >= 0; d--) {
        k += i % t->dim[d] * t->stride[d];
        i /= t->dim[d];
    }
    return t->dtype == PTM_F32 ? (double)((const float *)ptm_tensor_data(t))[k]
                               : (double)((const int64_t *)ptm_tensor_data(t))[k];
}

static struct ptm_ival part(struct ptm_ival v, size_t i)
{
    return (v.tag == PTM_TUPLE || v.tag == PTM_LIST) && i < v.u.list->n ? v.u.list->v[i]
                                                                       : ptm_none();
}

static uint64_t entries(const struct run *r)
{
    struct ptm_session_stats st;
    ptm_session_stats(r->s, &st);
    return st.entries;
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-5 * (1 + fabs(b));
}

static void test_counter(void)
{
    struct run r;
    float x[2] = {1, 2};
    CHECK(begin(&r, "counter", NULL));
    for (int i = 1; i <= 10; i++) {
        CHECK_INT(call1(&r, 1, (int64_t[]){2}, x), PTM_OK);
        CHECK(near(at(r.out, 0), 1 + i) && near(at(r.out, 1), 2 + i));
        if (i == 3)
            CHECK(entries(&r) <= 3);
    }
    uint64_t n = entries(&r);
    CHECK(n <= 3);
    CHECK_INT(call(&r, "reset", NULL, 0), PTM_OK);
    CHECK_INT(r.out.tag, PTM_INT);
    CHECK_INT(call1(&r, 1, (int64_t[]){2}, x), PTM_OK);
    CHECK(near(at(r.out, 0), 2));
    CHECK_INT(entries(&r), n + 1); /* reset's own */
    end(&r);
}

static void test_cache(void)
{
    struct run r;
    float x[3] = {1, 2, 3};
    CHECK(begin(&r, "cache", NULL));
    uint64_t after3 = 0;
    for (int i = 1; i <= 16; i++) {
        CHECK_INT(call1(&r, 2, (int64_t[]){1, 3}, x), PTM_OK);
        CHECK(near(at(part(r.out, 0), 1), 2 * i));
        CHECK_INT(part(r.out, 1).u.i, i);
        if (i == 3)
            after3 = entries(&r);
    }
    CHECK_INT(entries(&r), after3);
    CHECK_INT(call1(&r, 2, (int64_t[]){1, 3}, x), PTM_ERR_RAISED);
    CHECK(strstr(r.err.msg, "cache is full at 16") != NULL);
    end(&r);
}

/* -- state written where it lies -- */

static uint64_t fail_at; /* allocation of the next call; 0: none */

/* The method's arguments: a row of three numbers x, and for forward which, and which to look at. */
static enum ptm_status call_table(struct run *r, const char *method, float x, int64_t row,
                                  int64_t pick)
{
    float rows[3] = {x, x + 1, x + 2};
    struct ptm_tensor *t = ptm_tensor_wrap(PTM_F32, 1, (int64_t[]){3}, rows);
    struct ptm_tensor *k = ptm_tensor_wrap(PTM_I64, 1, (int64_t[]){1}, &pick);
    struct ptm_ival v[3] = {{.tag = PTM_TENSOR, .u.tensor = t}, ptm_int(row),
                            {.tag = PTM_TENSOR, .u.tensor = k}};
    bool look = !strcmp(method, "look");
    r->err = (struct ptm_err){0};
    ptm_memory_fail_at(fail_at);
    enum ptm_status st = ptm_session_run(r->s, method, v,
                                         look ? 0 : strcmp(method, "forward") ? 1 : 3, &r->out,
                                         &r->err);
    ptm_memory_fail_at(0);
    fail_at = 0;
    ptm_tensor_free(t);
    ptm_tensor_free(k);
    return st;
}

/* Do the rows hold what they should? */
static bool rows_are(struct run *r, const float *want)
{
    if (call_table(r, "look", 0, 0, 0))
        return false;
    for (int i = 0; i < 48; i++)
        if (!near(at(part(r->out, 0), i), (double)(want[i / 3] + (want[i / 3] > 0 ? i % 3 : 0))))
            return false;
    return true;
}

static bool gives(const struct run *r)
{
    const struct ptm_entry *e = r->s->last;
    for (size_t i = 0; e && i < e->n_steps; i++)
        for (size_t k = 0; e->step[i].give && k < e->step[i].piece->graph.n_outputs; k++)
            if (e->step[i].give[k] != PTM_NO_VALUE)
                return true;
    return false;
}

static void test_table(const char *backend)
{
    struct run r;
    struct ptm_config config = {.backend = backend};
    float want[16] = {0};
    CHECK(begin(&r, "table", &config));
    for (int i = 1; i <= 12; i++) {
        want[i] = (float)i;
        CHECK_INT(call_table(&r, "forward", (float)i, i, i), PTM_OK);
        CHECK(near(at(r.out, 1), i + 1));
        CHECK(i < 4 || gives(&r));
        CHECK(rows_are(&r, want));
        /* a step after the write fails */
        CHECK_INT(call_table(&r, "forward", 100, 5, 16), PTM_ERR_TYPE);
        CHECK(strstr(r.err.msg, "out of range") != NULL);
        CHECK(rows_are(&r, want));
        CHECK(near(at(part(part(r.out, 1), 0), 0), i + 1));
    }
    for (uint64_t n = 1; n < 100; n++) { /* memory runs out, also between the write and the end */
        fail_at = n;
        enum ptm_status st = call_table(&r, "forward", 50, 6, 6);
        if (st == PTM_OK)
            break;
        CHECK_INT(st, PTM_ERR_MEMORY);
        CHECK(rows_are(&r, want));
    }
    want[6] = 50;
    CHECK(rows_are(&r, want));
    for (int i = 1; i < 4; i++) { /* old contents read before the write */
        float sum = 0;
        for (int k = 0; k < 16; k++)
            sum += want[k];
        want[2] = want[4] = want[6] = (float)(20 + i);
        CHECK_INT(call_table(&r, "before", (float)(20 + i), 0, 0), PTM_OK);
        CHECK(near(at(part(r.out, 0), 0), (double)sum));
        CHECK(rows_are(&r, want));
        want[3] = (float)(30 + i); /* the state itself is returned */
        CHECK_INT(call_table(&r, "whole", (float)(30 + i), 0, 0), PTM_OK);
        CHECK(near(at(r.out, 10), 31 + i));
        CHECK(rows_are(&r, want));
        memmove(want + 1, want, 15 * sizeof(*want)); /* written from itself, and twice */
        want[0] = (float)(40 + i);
        CHECK_INT(call_table(&r, "move", (float)(40 + i), 0, 0), PTM_OK);
        CHECK(rows_are(&r, want));
    }
    end(&r);
}

static void test_sizes(void)
{
    struct run r;
    static float x[3 * 12 * 12];
    CHECK(begin(&r, "sizes", NULL));
    double first = 0;
    for (int i = 0; i < 4; i++) {
        int64_t side = i % 2 ? 12 : 8;
        for (int64_t k = 0; k < 3 * side * side; k++)
            x[k] = (float)(k % 7) - 3;
        CHECK_INT(call1(&r, 4, (int64_t[]){1, 3, side, side}, x), PTM_OK);
        if (i == 0)
            first = at(r.out, 1);
        if (i == 2)
            CHECK(at(r.out, 1) == first);
    }
    CHECK_INT(entries(&r), 2);
    end(&r);
    struct ptm_config c = {.no_respecialise = true};
    CHECK(begin(&r, "sizes", &c));
    CHECK_INT(call1(&r, 4, (int64_t[]){1, 3, 8, 8}, x), PTM_OK);
    CHECK_INT(call1(&r, 4, (int64_t[]){1, 3, 8, 8}, x), PTM_OK);
    CHECK_INT(call1(&r, 4, (int64_t[]){1, 3, 9, 8}, x), PTM_ERR_ARG);
    end(&r);
}

static void test_hidden(void)
{
    struct run r;
    float x[4] = {0.5f, -0.25f, 1, 0};
    CHECK(begin(&r, "hidden", NULL));
    double prev[2] = {0};
    for (int i = 0; i < 5; i++) {
        CHECK_INT(call1(&r, 2, (int64_t[]){1, 4}, x), PTM_OK);
        double out = at(r.out, 0) - (i ? 0.5 : 0); /* 2 h, plus the last input from call 2 on */
        CHECK(fabs(out) <= 2);
        CHECK(i == 0 || fabs(out - prev[0]) > 1e-7 || i > 3);
        prev[0] = out;
    }
    CHECK(entries(&r) <= 3);
    end(&r);
}

static void test_containers(void)
{
    struct run r;
    float x[2] = {1, 2};
    CHECK(begin(&r, "containers", NULL));
    for (int i = 1; i <= 6; i++) {
        CHECK_INT(call1(&r, 1, (int64_t[]){2}, x), PTM_OK);
        CHECK(near(at(part(r.out, 0), 1), 2 * (i < 3 ? i : 3)));
        CHECK(near(at(part(r.out, 1), 0), i));
    }
    end(&r);
}

static void test_branch(void)
{
    struct run r;
    float pos[2] = {1, 2}, neg[2] = {-1, 4};
    struct ptm_session_stats st;
    CHECK(begin(&r, "branch", NULL));
    for (int i = 0; i < 3; i++) {
        CHECK_INT(call1(&r, 1, (int64_t[]){2}, pos), PTM_OK);
        CHECK(near(at(part(r.out, 0), 1), 4));
        CHECK_INT(part(r.out, 1).u.tensor->dim[0], 1);
        CHECK(at(part(r.out, 1), 0) == 1);
        CHECK_INT(part(r.out, 2).u.tensor->dim[0], 3);
        CHECK_INT(call1(&r, 1, (int64_t[]){2}, neg), PTM_OK);
        CHECK(near(at(part(r.out, 0), 0), -2));
        CHECK_INT(part(r.out, 2).u.tensor->dim[0], 3);
    }
    ptm_session_stats(r.s, &st);
    CHECK_INT(st.entries, 0);
    CHECK_INT(st.interpreted, 6);
    uint64_t pieces = st.pieces;
    CHECK_INT(call1(&r, 1, (int64_t[]){2}, pos), PTM_OK);
    ptm_session_stats(r.s, &st);
    CHECK_INT(st.pieces, pieces); /* cached */
    end(&r);
}

static void test_raises(void)
{
    struct run r;
    float x[6] = {0};
    CHECK(begin(&r, "raises", NULL));
    for (int i = 1; i <= 5; i++) {
        CHECK_INT(call1(&r, 2, (int64_t[]){3, 2}, x), PTM_ERR_RAISED);
        CHECK(strstr(r.err.msg, "wanted two rows, got 3") != NULL);
        CHECK_INT(call1(&r, 2, (int64_t[]){2, 3}, x), PTM_ERR_RAISED);
        CHECK(strstr(r.err.msg, "wanted two columns") != NULL);
        CHECK(strstr(r.err.msg, "make_fixtures.py") != NULL);
        CHECK_INT(call1(&r, 2, (int64_t[]){2, 2}, x), PTM_OK);
        CHECK(near(at(part(r.out, 0), 3), i)); /* failures left no trace */
        CHECK_INT(part(r.out, 1).u.i, i);
    }
    end(&r);
}

static void test_alias(void)
{
    struct run r;
    float x[3] = {1, 2, 3};
    CHECK(begin(&r, "alias", NULL));
    for (int i = 1; i <= 4; i++) {
        CHECK_INT(call1(&r, 1, (int64_t[]){3}, x), PTM_OK);
        for (size_t k = 0; k < 2; k++) {
            CHECK(near(at(part(r.out, k), 2), 3 * i));
            CHECK(near(at(part(r.out, k), 3), 2));
        }
        CHECK(near(at(part(r.out, 2), 0), 2));
        CHECK(x[0] == 1); /* arguments are never written */
    }
    end(&r);
}

static void test_loop(void)
{
    struct run r;
    enum { N = 3000 };
    static float x[N * 4];
    double h = 0;
    for (int i = 0; i < N * 4; i++)
        x[i] = (float)((i * 37) % 11) / 11 - 0.5f;
    for (int i = 0; i < N; i++) {
        double v = (double)x[i * 4];
        h = (double)tanhf((float)(h * 0.5 + v)) + h / (1 + exp(-v));
    }
    CHECK(begin(&r, "loop", NULL));
    CHECK_INT(call1(&r, 2, (int64_t[]){N, 4}, x), PTM_OK);
    CHECK(fabs(at(r.out, 0) - h) < 1e-3);
    struct ptm_session_stats st;
    ptm_session_stats(r.s, &st);
    CHECK_INT(st.entries, 1);
    CHECK(st.pieces >= 2 && st.pieces <= 14);
    CHECK_INT(call1(&r, 2, (int64_t[]){N, 4}, x), PTM_OK);
    CHECK_INT(entries(&r), 1);
    end(&r);
}

static void test_limits(void)
{
    struct run r;
    float x[1] = {0};
    struct ptm_config c = {.max_steps = 100000};
    CHECK(begin(&r, "endless", &c));
    CHECK_INT(call1(&r, 1, (int64_t[]){1}, x), PTM_ERR_LIMIT);
    CHECK(strstr(r.err.msg, "100000 steps") != NULL);
    end(&r);
    /* the same when an entry is replayed */
    c = (struct ptm_config){.max_work = 1000};
    CHECK(begin(&r, "counter", &c));
    CHECK_INT(call1(&r, 1, (int64_t[]){1}, x), PTM_OK);
    CHECK_INT(call1(&r, 1, (int64_t[]){1}, x), PTM_OK);
    end(&r);
    c.max_work = 1;
    CHECK(begin(&r, "counter", &c));
    CHECK_INT(call1(&r, 1, (int64_t[]){1}, x), PTM_ERR_LIMIT);
    CHECK(strstr(r.err.msg, "the limit is 1") != NULL);
    end(&r);
    CHECK(begin(&r, "counter", NULL));
    ptm_memory_limit(1000);
    CHECK_INT(call1(&r, 1, (int64_t[]){1}, x), PTM_ERR_MEMORY);
    ptm_memory_limit(0);
    CHECK_INT(call1(&r, 1, (int64_t[]){1}, x), PTM_OK);
    end(&r);
}

static void test_arguments(void)
{
    struct run r;
    float a[2] = {1, 2}, b[2] = {10, 20};
    struct ptm_arena arena = {0};
    CHECK(begin(&r, "nested", NULL));
    struct ptm_list *l = ptm_list_new(&arena, 1);
    struct ptm_dict *d = ptm_dict_new(&arena);
    l->v[0] = ptm_tensor_ival(ptm_tensor_new(&arena, PTM_F32, 1, (int64_t[]){2}, a));
    ptm_dict_set(&arena, d, ptm_str_ival(&arena, "k", 1), ptm_int(4));
    struct ptm_ival v[7] = {{.tag = PTM_LIST, .u.list = l}, {.tag = PTM_DICT, .u.dict = d}};
    CHECK_INT(call(&r, "forward", v, 3), PTM_OK);
    const struct ptm_ival *y =
        ptm_dict_get(part(r.out, 0).u.dict, ptm_str_ival(&arena, "y", 1));
    CHECK(y && near(at(*y, 0), ((1 * 4 + 3) + (2 * 4 + 3)) / 2.0 * 0.5));
    CHECK_STR(part(part(r.out, 2), 1).u.str->s, "mean!");
    v[2] = ptm_tensor_ival(ptm_tensor_new(&arena, PTM_F32, 1, (int64_t[]){2}, b));
    v[3] = ptm_int(1);
    v[4] = ptm_int(2); /* an int for a float */
    v[5] = ptm_str_ival(&arena, "sum", 3);
    v[6] = ptm_bool(false);
    CHECK_INT(call(&r, "forward", v, 7), PTM_OK);
    y = ptm_dict_get(part(r.out, 0).u.dict, ptm_str_ival(&arena, "y", 1));
    CHECK(y && near(at(*y, 0), -((4 + 1 + 10) + (8 + 1 + 20)) * 2.0));
    CHECK(near(at(part(part(r.out, 1), 1), 0), 16));
    CHECK_INT(call(&r, "forward", v, 2), PTM_ERR_ARG);
    v[0] = ptm_int(1);
    CHECK_INT(call(&r, "forward", v, 3), PTM_ERR_ARG);
    CHECK(strstr(r.err.msg, "List[Tensor]") != NULL);
    CHECK_INT(call(&r, "backward", v, 3), PTM_ERR_ARG);
    ptm_arena_release(&arena);
    end(&r);
}

static void test_training(void)
{
    struct run r;
    float x[6] = {1, 2, 3, 3, 2, 1};
    CHECK(begin(&r, "training", NULL));
    double drop = 0;
    for (int i = 0; i < 3; i++) {
        CHECK_INT(call1(&r, 2, (int64_t[]){2, 3}, x), PTM_OK);
        CHECK(fabs(at(part(r.out, 0), 0) + 1) < 1e-3);      /* batch statistics */
        CHECK(fabs(at(part(r.out, 1), 0) - 1000) < 200);    /* kept half, doubled */
        CHECK(i == 0 || at(part(r.out, 1), 0) != drop);     /* another mask */
        drop = at(part(r.out, 1), 0);
    }
    end(&r);
}

/* Two sessions of one model do not see each other's state. */
static void test_two_sessions(void)
{
    struct run r;
    struct ptm_session *other = NULL;
    float x[2] = {0, 0};
    CHECK(begin(&r, "counter", NULL));
    CHECK_INT(call1(&r, 1, (int64_t[]){2}, x), PTM_OK);
    CHECK_INT(ptm_session_open(&other, r.m, NULL, &r.err), PTM_OK);
    struct ptm_session *mine = r.s;
    r.s = other;
    CHECK_INT(call1(&r, 1, (int64_t[]){2}, x), PTM_OK);
    CHECK(near(at(r.out, 0), 1));
    ptm_session_close(other);
    r.s = mine;
    CHECK_INT(call1(&r, 1, (int64_t[]){2}, x), PTM_OK);
    CHECK(near(at(r.out, 0), 2));
    end(&r);
}

/* Hidden: a linear layer of 4 x 4 weights and 4 biases. */
static void test_stats(void)
{
    struct run r;
    float x[8] = {0};
    struct ptm_session_stats st;
    for (int i = 0; i < 2; i++) {
        struct ptm_config c = {.backend = i ? "cpu" : NULL};
        int64_t start = ptm_clock_ns();
        CHECK(begin(&r, "hidden", &c));
        ptm_session_stats(r.s, &st);
        CHECK_INT(st.specialise_ns + st.plan_ns + st.weights_bytes + st.packed_bytes, 0);
        for (int k = 0; k < 3; k++)
            CHECK_INT(call1(&r, 2, (int64_t[]){2, 4}, x), PTM_OK);
        uint64_t took = (uint64_t)(ptm_clock_ns() - start);
        ptm_session_stats(r.s, &st);
        CHECK(st.specialise_ns > 0 && st.plan_ns > 0);
        CHECK(st.specialise_ns + st.passes_ns + st.plan_ns + st.pack_ns <= took);
        CHECK_INT(st.weights_bytes, 88); /* and the number 2 of h * 2 */
        CHECK(i ? st.packed_bytes >= 80 : st.packed_bytes == 0);
        CHECK(st.arena_bytes >= 32);
        end(&r);
    }
}

int main(void)
{
    test_stats();
    test_counter();
    test_cache();
    test_table("ref");
    test_table("cpu");
    test_sizes();
    test_hidden();
    test_containers();
    test_branch();
    test_raises();
    test_alias();
    test_loop();
    test_limits();
    test_arguments();
    test_training();
    test_two_sessions();
    TEST_END;
}
