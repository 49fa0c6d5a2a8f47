/* SPDX-License-Identifier: BSD-2-Clause */
/* The document ptm.bench/1: google-benchmark's "context" and "benchmarks", and all there is about
 * each configuration under "ptm". */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cmd/bench.h"
#include "cmd/cmd.h"
#include "libcore/backend.h"
#include "libcore/clock.h"

static void add_int(cJSON *o, const char *name, int64_t v)
{
    cJSON_AddItemToObject(o, name, json_int(v));
}

/* Whole nanoseconds; null for what there is not. */
static void add_ns(cJSON *o, const char *name, double v)
{
    if (isfinite(v))
        add_int(o, name, llround(v));
    else
        cJSON_AddNullToObject(o, name);
}

static void add_number(cJSON *o, const char *name, double v)
{
    if (isfinite(v))
        cJSON_AddNumberToObject(o, name, v);
    else
        cJSON_AddNullToObject(o, name);
}

static void add_text(cJSON *o, const char *name, const char *text)
{
    if (text)
        cJSON_AddStringToObject(o, name, text);
    else
        cJSON_AddNullToObject(o, name);
}

/* A copy of a member of a child's document; null when there is none. */
static void add_copy(cJSON *o, const cJSON *from, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(from, name);
    cJSON_AddItemToObject(o, name, v ? cJSON_Duplicate(v, true) : cJSON_CreateNull());
}

static const char *run_name(const struct bench *b, const struct bench_row *r, char *buf,
                            size_t size)
{
    snprintf(buf, size, "bench/%s/%s/t%" PRId64, b->model[r->model].name, r->backend, r->threads);
    return buf;
}

/* -- google-benchmark's part -- */

static cJSON *context(const struct bench *b)
{
    cJSON *o = cJSON_CreateObject();
    bench_env_json(&b->env, o);
    cJSON_ReplaceItemInObject(o, "date", cJSON_CreateString(b->started));
    return o;
}

static cJSON *bench_row(const char *name, const char *run, const char *type, const char *aggregate,
                        const struct bench_row *r, double real, double cpu)
{
    cJSON *o = cJSON_CreateObject();
    char full[400];
    snprintf(full, sizeof(full), "%s%s%s", name, aggregate ? "_" : "", aggregate ? aggregate : "");
    cJSON_AddStringToObject(o, "name", full);
    cJSON_AddStringToObject(o, "run_name", run);
    cJSON_AddStringToObject(o, "run_type", type);
    add_int(o, "repetitions", (int64_t)r->n_blocks);
    add_int(o, "threads", r->threads);
    if (aggregate) {
        bool cv = !strcmp(aggregate, "cv");
        cJSON_AddStringToObject(o, "aggregate_name", aggregate);
        cJSON_AddStringToObject(o, "aggregate_unit", cv ? "percentage" : "time");
        if (cv) {
            add_number(o, "real_time", real);
            add_number(o, "cpu_time", cpu);
        }
    }
    if (!cJSON_GetObjectItem(o, "real_time")) {
        add_ns(o, "real_time", real);
        add_ns(o, "cpu_time", cpu);
    }
    cJSON_AddStringToObject(o, "time_unit", "ns");
    return o;
}

/* A block is what google-benchmark calls a repetition: its mean, and over all blocks mean, median,
 * deviation and its ratio to the mean. */
static void add_benchmarks(const struct bench *b, const struct bench_row *r, cJSON *list)
{
    char run[300];
    size_t n = r->n_blocks;
    int64_t *times = n ? cJSON_malloc(2 * n * sizeof(*times)) : NULL;
    struct bench_stats real_stats, cpu_stats;
    if (!times)
        return;
    run_name(b, r, run, sizeof(run));
    for (size_t i = 0; i < n; i++) {
        const struct bench_block *k = &r->block[i];
        double sum = 0;
        for (size_t j = 0; j < k->n; j++)
            sum += (double)r->sample[k->first + j];
        times[i] = llround(sum / (double)k->n);
        times[n + i] = llround((double)k->cpu_ns / (double)k->n);
        cJSON *o = bench_row(run, run, "iteration", NULL, r, (double)times[i],
                             (double)times[n + i]);
        add_int(o, "repetition_index", (int64_t)i);
        add_int(o, "iterations", (int64_t)k->n);
        cJSON_AddItemToArray(list, o);
    }
    if (bench_stats_make(&real_stats, times, n) && bench_stats_make(&cpu_stats, times + n, n)) {
        const struct {
            const char *name;
            double real, cpu;
        } rows[] = {{"mean", real_stats.mean, cpu_stats.mean},
                    {"median", real_stats.median, cpu_stats.median},
                    {"stddev", real_stats.stddev, cpu_stats.stddev},
                    {"cv", real_stats.stddev / real_stats.mean,
                     cpu_stats.stddev / cpu_stats.mean}};
        for (size_t i = 0; i < PTM_LEN(rows); i++) {
            cJSON *o = bench_row(run, run, "aggregate", rows[i].name, r, rows[i].real,
                                 rows[i].cpu);
            add_int(o, "iterations", (int64_t)n);
            cJSON_AddItemToArray(list, o);
        }
    }
    cJSON_free(times);
}

/* -- our part -- */

static cJSON *latency(const struct bench_stats *s)
{
    cJSON *o = cJSON_CreateObject(), *ci;
    add_int(o, "n", (int64_t)s->n);
    cJSON_AddStringToObject(o, "quantile_method", BENCH_QUANTILE_METHOD);
    add_int(o, "min", s->min);
    add_ns(o, "p5", s->p5);
    add_ns(o, "median", s->median);
    add_ns(o, "p90", s->p90);
    add_ns(o, "p95", s->p95);
    add_ns(o, "p99", s->p99);
    add_ns(o, "p99_9", s->p99_9);
    add_int(o, "max", s->max);
    add_ns(o, "mean", s->mean);
    add_ns(o, "stddev", s->stddev);
    add_ns(o, "mad", s->mad);
    if (!s->median_high) {
        cJSON_AddNullToObject(o, "ci95_median");
        return o;
    }
    ci = cJSON_AddArrayToObject(o, "ci95_median");
    cJSON_AddItemToArray(ci, json_int(s->median_low));
    cJSON_AddItemToArray(ci, json_int(s->median_high));
    return o;
}

static cJSON *steady(const struct bench_stats *s)
{
    double drift = s->last_third / s->first_third - 1;
    cJSON *o = cJSON_CreateObject();
    if (isnan(drift))
        cJSON_AddNullToObject(o, "ok");
    else
        cJSON_AddBoolToObject(o, "ok", fabs(drift) <= 0.02);
    add_ns(o, "first_third_median_ns", s->first_third);
    add_ns(o, "last_third_median_ns", s->last_third);
    return o;
}

static cJSON *blocks(const struct bench_row *r)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < r->n_blocks; i++) {
        const struct bench_block *k = &r->block[i];
        cJSON *o = cJSON_CreateObject();
        add_int(o, "round", k->round);
        add_int(o, "first_sample", (int64_t)k->first);
        add_int(o, "samples", (int64_t)k->n);
        add_int(o, "start_ns", k->start_ns);
        add_int(o, "cpu_ns", k->cpu_ns);
        add_ns(o, "median_ns", k->median_ns);
        add_number(o, "mhz", k->mhz > 0 ? k->mhz : (double)NAN);
        add_number(o, "other_cpus_busy", k->others >= 0 ? k->others : (double)NAN);
        cJSON_AddItemToArray(list, o);
    }
    return list;
}

static cJSON *accuracy(const struct bench *b, const struct bench_accuracy *a)
{
    if (!a->done)
        return cJSON_CreateNull();
    cJSON *o = cJSON_CreateObject();
    bool numbers = a->same_shape;
    cJSON_AddStringToObject(o, "reference", "ref");
    cJSON_AddBoolToObject(o, "same_shape", a->same_shape);
    add_number(o, "max_abs_difference", numbers ? a->max_diff : (double)NAN);
    add_number(o, "max_abs_reference", numbers ? a->max_ref : (double)NAN);
    add_number(o, "relative", numbers ? a->relative : (double)NAN);
    cJSON_AddNumberToObject(o, "limit", b->o->limit);
    cJSON_AddBoolToObject(o, "ok", a->within);
    if (a->top1 < 0)
        cJSON_AddNullToObject(o, "top1_equal");
    else
        cJSON_AddBoolToObject(o, "top1_equal", a->top1);
    return o;
}

static void add_measured(const struct bench *b, const struct bench_row *r, cJSON *o)
{
    double macs = bench_value(r->end, NULL, "macs");
    add_copy(o, r->first, "inputs");
    add_copy(o, r->first, "outputs");
    add_copy(o, r->first, "phases_ns");
    cJSON_AddItemToObject(o, "warmup", r->ready ? cJSON_Duplicate(r->ready, true)
                                                : cJSON_CreateNull());
    cJSON_AddItemToObject(o, "steady", steady(&r->stats));
    cJSON_AddItemToObject(o, "latency_ns", latency(&r->stats));
    cJSON *list = cJSON_AddArrayToObject(o, "samples_ns");
    for (size_t i = 0; i < r->n_samples; i++)
        cJSON_AddItemToArray(list, json_int(r->sample[i]));
    cJSON_AddItemToObject(o, "blocks", blocks(r));
    add_number(o, "throughput_per_s", 1e9 / r->stats.median);
    add_number(o, "gops_s", 2 * macs / r->stats.median);
    add_number(o, "speed", bench_speedup(b, r));
    add_copy(o, r->end, "memory_bytes");
    add_copy(o, r->end, "steps");
    add_copy(o, r->end, "macs");
    add_copy(o, r->end, "backends");
    add_copy(o, r->end, "clock_overhead_ns");
    add_copy(o, r->end, "guard_misses");
    add_copy(o, r->end, "interpreted_runs");
}

static cJSON *result(const struct bench *b, const struct bench_row *r)
{
    static const char *const status[] = {"ok", "skipped", "failed"};
    const struct bench_model *m = &b->model[r->model];
    char id[300];
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "id", run_name(b, r, id, sizeof(id)));
    cJSON *model = cJSON_AddObjectToObject(o, "model");
    const cJSON *about = cJSON_GetObjectItem(m->first ? m->first : r->first, "model");
    cJSON_AddStringToObject(model, "name", m->name);
    cJSON_AddStringToObject(model, "path", m->path);
    add_copy(model, about, "format");
    add_copy(model, about, "file_bytes");
    add_copy(model, about, "sha256");
    cJSON_AddStringToObject(o, "backend", r->backend);
    add_int(o, "threads", r->threads);
    cJSON_AddStringToObject(o, "status", status[r->status]);
    add_text(o, "message", r->message[0] ? r->message : NULL);
    if (r->status == ROW_OK)
        add_measured(b, r, o);
    cJSON_AddItemToObject(o, "accuracy", accuracy(b, &r->accuracy));
    return o;
}

static void add_settings(const struct bench *b, cJSON *o)
{
    const struct bench_opts *p = b->o;
    cJSON *s = cJSON_AddObjectToObject(o, "settings"), *list;
    add_text(s, "method", p->method);
    add_text(s, "passes", p->passes);
    add_text(s, "cpu", p->cpu);
    add_int(s, "seed", p->in.seed);
    add_int(s, "rounds", p->rounds);
    add_ns(s, "runs", p->runs ? (double)p->runs : (double)NAN);
    add_ns(s, "warmup_runs", p->warmup >= 0 ? (double)p->warmup : (double)NAN);
    add_ns(s, "min_time_ns", p->min_time * 1e9);
    add_ns(s, "max_time_ns", p->max_time * 1e9);
    list = cJSON_AddArrayToObject(s, "argv");
    for (int i = 0; i < b->argc; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(b->argv[i]));
}

cJSON *bench_document(const struct bench *b)
{
    cJSON *doc = cJSON_CreateObject(), *p, *list;
    cJSON_AddItemToObject(doc, "context", context(b));
    list = cJSON_AddArrayToObject(doc, "benchmarks");
    for (size_t i = 0; i < b->n_rows; i++)
        if (b->row[i].status == ROW_OK)
            add_benchmarks(b, &b->row[i], list);
    p = cJSON_AddObjectToObject(doc, "ptm");
    cJSON_AddStringToObject(p, "schema", "ptm.bench/1");
    cJSON_AddStringToObject(p, "ptm_version", PTM_VERSION);
    cJSON_AddStringToObject(p, "compiler", bench_compiler());
    cJSON_AddStringToObject(p, "clock", PTM_CLOCK_NAME);
    list = cJSON_AddArrayToObject(p, "libraries");
    for (size_t i = 0; ptm_backends[i]; i++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "backend", ptm_backends[i]->name);
        cJSON_AddStringToObject(o, "about", ptm_backends[i]->about);
        cJSON_AddItemToArray(list, o);
    }
    add_settings(b, p);
    list = cJSON_AddArrayToObject(p, "warnings");
    for (size_t i = 0; i < b->warnings.n; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(b->warnings.text[i]));
    add_number(p, "other_cpus_busy", b->others >= 0 ? b->others : (double)NAN);
    list = cJSON_AddArrayToObject(p, "results");
    for (size_t i = 0; i < b->n_rows; i++)
        cJSON_AddItemToArray(list, result(b, &b->row[i]));
    return doc;
}
