/* SPDX-License-Identifier: BSD-2-Clause */
/* The parent of ptm bench: starts one process per configuration, gives them turns, compares their
 * outputs with the reference's, keeps their times. Only one child works at any time. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "cmd/bench.h"
#include "cmd/cmd.h"
#include "libcore/arena.h"
#include "libcore/clock.h"

double bench_value(const cJSON *doc, const char *group, const char *name)
{
    const cJSON *o = group ? cJSON_GetObjectItemCaseSensitive(doc, group) : doc;
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);
    return cJSON_IsNumber(v) ? v->valuedouble : (double)NAN;
}

static int64_t value_int(const cJSON *doc, const char *name)
{
    double v = bench_value(doc, NULL, name);
    return isnan(v) ? 0 : (int64_t)v;
}

/* -- progress: one line on a terminal, gone when the work is done -- */

static void progress(const struct bench *b, const char *fmt, ...) PTM_PRINTF(2, 3);
static void progress(const struct bench *b, const char *fmt, ...)
{
    va_list ap;
    if (!b->progress)
        return;
    va_start(ap, fmt);
    fputs("\r\033[K", stderr);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
}

/* -- starting a child -- */

/* The path of this program. */
static enum ptm_status self(char *buf, size_t size, struct ptm_err *err)
{
    ssize_t n = readlink("/proc/self/exe", buf, size - 1);
    if (n <= 0 || (size_t)n >= size - 1)
        return ptm_fail(err, PTM_ERR_IO, "cannot tell the path of this program from "
                        "/proc/self/exe");
    buf[n] = 0;
    return PTM_OK;
}

/* [launcher...] this-program bench --child WHAT arguments... */
static enum ptm_status start(const struct bench *b, struct bench_child *c, const char *what,
                             struct ptm_err *err)
{
    char exe[4096], command[] = "bench", option[] = "--child", number[40];
    const char *launcher = getenv("PTM_LAUNCHER");
    struct ptm_arena a = {0};
    size_t n = 0;
    PTM_TRY(self(exe, sizeof(exe), err));
    char *words = ptm_arena_str(&a, launcher ? launcher : "", launcher ? strlen(launcher) : 0);
    char **argv = ptm_arena_array(&a, (launcher ? strlen(launcher) : 0) + (size_t)b->argc + 6,
                                  sizeof(*argv));
    if (a.failed)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory to start a process");
    for (char *save = NULL, *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
        argv[n++] = w;
    snprintf(number, sizeof(number), "%s", what);
    argv[n++] = exe;
    argv[n++] = command;
    argv[n++] = option;
    argv[n++] = number;
    for (int i = 1; i < b->argc; i++)
        argv[n++] = b->argv[i];
    fflush(stdout);
    enum ptm_status rc = bench_child_start(c, argv, err);
    ptm_arena_release(&a);
    return rc;
}

/* -- what a child says -- */

/* The body of the next answer, the caller's; NULL: it failed or died, which `why` and *exit_code
 * then say. What is no JSON object is somebody else's chatter. */
static cJSON *answer(struct bench_child *c, const char *name, char *why, size_t size,
                     int *exit_code)
{
    char fate[200];
    for (char *line; (line = bench_child_line(c)) != NULL;) {
        cJSON *doc = *line == '{' ? cJSON_Parse(line) : NULL;
        cJSON *body = cJSON_DetachItemFromObject(doc, name);
        const cJSON *error = cJSON_GetObjectItem(doc, "error");
        const cJSON *message = cJSON_GetObjectItem(error, "message");
        if (error) {
            snprintf(why, size, "%s",
                     cJSON_IsString(message) ? message->valuestring : "failed");
            *exit_code = (int)value_int(error, "exit_code");
        }
        cJSON_Delete(doc);
        if (body)
            return body;
        if (error)
            return NULL;
    }
    int status = bench_child_end(c, false);
    snprintf(why, size, "its process %s", bench_child_fate(status, fate, sizeof(fate)));
    *exit_code = EXIT_MODEL;
    return NULL;
}

static void free_tensors(struct bench_tensors *t)
{
    for (size_t i = 0; i < t->n; i++) {
        free(ptm_tensor_data(t->v[i]));
        ptm_tensor_free(t->v[i]);
    }
    ptm_free(t->v);
    *t = (struct bench_tensors){0};
}

/* One of the tensors whose bytes follow the first answer. */
static struct ptm_tensor *take_tensor(struct bench_child *c, const cJSON *o)
{
    const cJSON *name = cJSON_GetObjectItem(o, "dtype"), *shape = cJSON_GetObjectItem(o, "shape");
    int dtype = cJSON_IsString(name) ? dtype_by_name(name->valuestring) : -1;
    int rank = cJSON_GetArraySize(shape);
    int64_t dim[PTM_MAX_RANK], n = 1;
    if (dtype < 0 || rank > PTM_MAX_RANK)
        return NULL;
    for (int i = 0; i < rank; i++) {
        dim[i] = (int64_t)cJSON_GetNumberValue(cJSON_GetArrayItem(shape, i));
        if (dim[i] < 0 || (dim[i] && n > ((int64_t)1 << 40) / dim[i]))
            return NULL;
        n *= dim[i];
    }
    size_t bytes = (size_t)n * ptm_dtype_bytes((enum ptm_dtype)dtype);
    void *data = malloc(bytes ? bytes : 1);
    struct ptm_tensor *t = data ? ptm_tensor_wrap((enum ptm_dtype)dtype, rank, dim, data) : NULL;
    if (t && bench_child_bytes(c, data, bytes))
        return t;
    ptm_tensor_free(t);
    free(data);
    return NULL;
}

static bool take_tensors(struct bench_child *c, const cJSON *first, struct bench_tensors *out)
{
    const cJSON *list = cJSON_GetObjectItem(first, "outputs"), *o;
    int n = cJSON_GetArraySize(list);
    out->v = ptm_malloc(((size_t)n + 1) * sizeof(*out->v));
    if (!out->v)
        return false;
    cJSON_ArrayForEach(o, list)
    {
        struct ptm_tensor *t = take_tensor(c, o);
        if (!t)
            return false;
        out->v[out->n++] = t;
    }
    return true;
}

/* -- accuracy -- */

/* Rows of scores: the best class of each. -1: it is no such tensor. */
static int same_best(const struct ptm_tensor *a, const struct ptm_tensor *b)
{
    int64_t n = a->rank ? a->dim[a->rank - 1] : 0;
    if (a->rank < 1 || a->rank > 2 || n < 2 || (a->dtype != PTM_F32 && a->dtype != PTM_F16))
        return -1;
    for (int64_t i = 0; i < (a->rank == 2 ? a->dim[0] : 1); i++) {
        int64_t x, y;
        bench_top(a, i * n, n, 1, &x);
        bench_top(b, i * n, n, 1, &y);
        if (x != y)
            return 0;
    }
    return 1;
}

static void compare(struct bench_accuracy *a, const struct bench_tensors *got,
                    const struct bench_tensors *ref, double limit)
{
    *a = (struct bench_accuracy){.done = true, .same_shape = got->n == ref->n, .top1 = -1};
    for (size_t i = 0; i < ref->n && a->same_shape; i++) {
        struct bench_diff d = bench_compare(got->v[i], ref->v[i], -1, -1);
        a->same_shape = d.same_shape && d.same_kind;
        double relative = d.max_diff == 0 ? 0 : d.max_diff / d.max_expected;
        if (i == 0 || relative > a->relative) {
            a->relative = relative;
            a->max_diff = d.max_diff;
            a->max_ref = d.max_expected;
        }
        if (a->same_shape && a->top1 < 0)
            a->top1 = same_best(got->v[i], ref->v[i]);
    }
    a->within = a->same_shape && a->relative <= limit;
}

/* -- one row -- */

static void fail(struct bench_row *r, struct bench_child *c)
{
    r->status = ROW_FAILED;
    bench_child_end(c, true);
}

static void begin(struct bench *b, struct bench_row *r, struct bench_child *c)
{
    struct bench_model *m = &b->model[r->model];
    struct bench_tensors got = {0};
    struct ptm_err err = {0};
    char what[32];
    progress(b, "%s: %s, %" PRId64 " thread%s: warm-up", m->name, r->backend, r->threads,
             r->threads == 1 ? "" : "s");
    snprintf(what, sizeof(what), "%zu", (size_t)(r - b->row));
    if (start(b, c, what, &err)) {
        snprintf(r->message, sizeof(r->message), "%s", err.msg);
        r->exit_code = cmd_exit_code(err.code);
        r->status = ROW_FAILED;
        return;
    }
    r->first = answer(c, "first", r->message, sizeof(r->message), &r->exit_code);
    bool good = r->first != NULL;
    if (good && !take_tensors(c, r->first, &got)) {
        snprintf(r->message, sizeof(r->message), "its outputs did not arrive whole");
        r->exit_code = EXIT_SYSTEM;
        good = false;
    }
    if (good && m->first)
        compare(&r->accuracy, &got, &m->ref, b->o->limit);
    free_tensors(&got);
    if (good)
        r->ready = answer(c, "ready", r->message, sizeof(r->message), &r->exit_code);
    if (!r->ready) {
        fail(r, c);
        return;
    }
    const struct bench_limits limits = {.runs = b->o->runs, .rounds = b->o->rounds,
                                        .min_ns = (int64_t)(b->o->min_time * 1e9),
                                        .max_ns = (int64_t)(b->o->max_time * 1e9)};
    r->plan = bench_plan_runs(&limits, value_int(r->ready, "run_ns"));
    r->sample = ptm_malloc((size_t)r->plan.runs * sizeof(*r->sample));
    r->block = ptm_malloc((size_t)r->plan.rounds * sizeof(*r->block));
    if (!r->sample || !r->block) {
        snprintf(r->message, sizeof(r->message), "no memory for %" PRId64 " times", r->plan.runs);
        r->exit_code = EXIT_SYSTEM;
        fail(r, c);
    }
}

static void block(struct bench *b, struct bench_row *r, struct bench_child *c, int64_t round)
{
    int64_t n = bench_plan_block(&r->plan, round), busy = bench_busy_ns(""),
            start_ns = ptm_clock_ns();
    char line[40];
    if (!n)
        return;
    progress(b, "%s: round %" PRId64 " of %" PRId64 ": %s, %" PRId64 " thread%s",
             b->model[r->model].name, round + 1, r->plan.rounds, r->backend, r->threads,
             r->threads == 1 ? "" : "s");
    snprintf(line, sizeof(line), "run %" PRId64 "\n", n);
    bench_child_send(c, line);
    cJSON *doc = answer(c, "block", r->message, sizeof(r->message), &r->exit_code);
    const cJSON *list = cJSON_GetObjectItem(doc, "samples_ns"), *v;
    if (!doc || cJSON_GetArraySize(list) != n) {
        if (doc) {
            snprintf(r->message, sizeof(r->message), "%d times arrived, %" PRId64 " were asked for",
                     cJSON_GetArraySize(list), n);
            r->exit_code = EXIT_SYSTEM;
        }
        cJSON_Delete(doc);
        fail(r, c);
        return;
    }
    struct bench_block *k = &r->block[r->n_blocks++];
    struct bench_stats stats;
    *k = (struct bench_block){.round = round, .first = r->n_samples, .n = (size_t)n,
                              .start_ns = value_int(doc, "start_ns"),
                              .cpu_ns = value_int(doc, "cpu_ns"),
                              .mhz = bench_value(doc, NULL, "mhz"), .others = -1};
    cJSON_ArrayForEach(v, list) r->sample[r->n_samples++] = (int64_t)v->valuedouble;
    int64_t wall = ptm_clock_ns() - start_ns, busy_after = bench_busy_ns("");
    if (busy >= 0 && wall > 0 && busy_after > busy)
        k->others = fmax(0, (double)(busy_after - busy - k->cpu_ns) / (double)wall);
    if (bench_stats_make(&stats, r->sample + k->first, k->n))
        k->median_ns = stats.median;
    cJSON_Delete(doc);
}

static void end(struct bench_row *r, struct bench_child *c)
{
    if (r->status != ROW_OK)
        return;
    bench_child_send(c, "end\n");
    r->end = answer(c, "end", r->message, sizeof(r->message), &r->exit_code);
    if (r->end && !bench_stats_make(&r->stats, r->sample, r->n_samples)) {
        snprintf(r->message, sizeof(r->message), "no memory for %zu times", r->n_samples);
        r->exit_code = EXIT_SYSTEM;
        fail(r, c);
    } else if (!r->end) {
        fail(r, c);
    } else {
        bench_child_end(c, false);
    }
}

/* -- one model -- */

static void fail_model(struct bench *b, size_t model, const char *why, int exit_code)
{
    for (size_t i = 0; i < b->rows_per_model; i++) {
        struct bench_row *r = &b->row[model * b->rows_per_model + i];
        if (r->status == ROW_SKIPPED)
            continue;
        r->status = ROW_FAILED;
        r->exit_code = exit_code;
        snprintf(r->message, sizeof(r->message), "%s", why);
    }
}

/* The outputs that all others are compared with. False: the model cannot be run at all. */
static bool reference(struct bench *b, size_t model)
{
    struct bench_model *m = &b->model[model];
    struct bench_child c;
    struct ptm_err err = {0};
    char what[40], why[sizeof(b->row->message)];
    int exit_code = EXIT_SYSTEM;
    progress(b, "%s: reference outputs", m->name);
    snprintf(what, sizeof(what), "ref%zu", model);
    if (start(b, &c, what, &err)) {
        fail_model(b, model, err.msg, cmd_exit_code(err.code));
        return false;
    }
    m->first = answer(&c, "first", why, sizeof(why), &exit_code);
    bool whole = m->first && take_tensors(&c, m->first, &m->ref);
    bench_child_end(&c, !whole);
    if (!whole)
        fail_model(b, model, m->first ? "the reference outputs did not arrive whole" : why,
                   exit_code);
    return whole;
}

static void run_model(struct bench *b, size_t model, struct bench_child *child)
{
    struct bench_row *row = &b->row[model * b->rows_per_model];
    size_t n = b->rows_per_model;
    memset(child, 0, n * sizeof(*child));
    if (!b->o->no_accuracy && !reference(b, model))
        return;
    for (size_t i = 0; i < n; i++)
        if (row[i].status == ROW_OK)
            begin(b, &row[i], &child[i]);
    for (int64_t round = 0; round < b->o->rounds; round++)
        for (size_t i = 0; i < n; i++) {
            size_t at = bench_turn(round, n, i);
            if (row[at].status == ROW_OK)
                block(b, &row[at], &child[at], round);
        }
    for (size_t i = 0; i < n; i++)
        end(&row[i], &child[i]);
    free_tensors(&b->model[model].ref);
}

/* -- all -- */

static void sum_up(struct bench *b)
{
    double sum = 0, slowest = 0, fastest = 0;
    size_t n = 0;
    int64_t most = 0;
    for (size_t i = 0; i < b->n_rows; i++) {
        const struct bench_row *r = &b->row[i];
        most = r->status == ROW_OK && r->threads > most ? r->threads : most;
        for (size_t k = 0; k < r->n_blocks; k++) {
            const struct bench_block *x = &r->block[k];
            if (x->others >= 0) {
                sum += x->others;
                n++;
            }
            if (x->mhz > 0) {
                slowest = slowest == 0 || x->mhz < slowest ? x->mhz : slowest;
                fastest = fmax(fastest, x->mhz);
            }
        }
    }
    if (most > b->env.n_allowed)
        bench_warn(&b->warnings, "%" PRId64 " threads shared %d CPU%s", most, b->env.n_allowed,
                   b->env.n_allowed == 1 ? "" : "s");
    b->others = n ? sum / (double)n : -1;
    if (b->others > 0.1)
        bench_warn(&b->warnings, "other processes kept %.1f of %d CPUs busy while measuring",
                   b->others, b->env.n_cpus);
    if (slowest < 0.95 * fastest)
        bench_warn(&b->warnings, "the clock varied from %.0f to %.0f MHz", slowest, fastest);
}

enum ptm_status bench_run(struct bench *b, struct ptm_err *err)
{
    struct bench_child *child = ptm_malloc((b->rows_per_model + 1) * sizeof(*child));
    char exe[4096];
    if (!child)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for %zu configurations", b->n_rows);
    enum ptm_status rc = self(exe, sizeof(exe), err);
    bench_date(b->started, sizeof(b->started));
    bench_env_read(&b->env, "");
    bench_env_warnings(&b->env, &b->warnings);
    if (getenv("PTM_LAUNCHER"))
        bench_warn(&b->warnings, "started through '%.80s': an emulator's times say nothing about "
                                 "a device's", getenv("PTM_LAUNCHER"));
    for (size_t i = 0; i < b->n_models && !rc; i++)
        run_model(b, i, child);
    progress(b, "%s", "");
    sum_up(b);
    ptm_free(child);
    return rc;
}

double bench_speedup(const struct bench *b, const struct bench_row *r)
{
    const struct bench_row *base = &b->row[r->model * b->rows_per_model];
    while (base < r && base->status != ROW_OK)
        base++;
    if (r->status != ROW_OK || base->status != ROW_OK)
        return (double)NAN;
    if (base->n_blocks != r->n_blocks)
        return base->stats.median / r->stats.median;
    double *t = ptm_malloc(2 * r->n_blocks * sizeof(*t));
    if (!t)
        return (double)NAN;
    for (size_t i = 0; i < r->n_blocks; i++) {
        t[i] = r->block[i].median_ns;
        t[r->n_blocks + i] = base->block[i].median_ns;
    }
    double ratio = bench_paired_ratio(t, t + r->n_blocks, r->n_blocks);
    ptm_free(t);
    return ratio;
}
