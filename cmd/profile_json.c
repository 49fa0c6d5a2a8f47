/* SPDX-License-Identifier: BSD-2-Clause */
/* The JSON document of ptm profile: google-benchmark's members, and ours beside them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cmd/cmd.h"
#include "cmd/profile.h"
#include "libcore/backend.h"
#include "libcore/clock.h"
#include "libcore/passes.h"

static void add_ns(cJSON *o, const char *name, double ns)
{
    cJSON_AddItemToObject(o, name, json_int(llround(ns)));
}

/* null for what is not known */
static void add_real(cJSON *o, const char *name, double v)
{
    if (isfinite(v))
        cJSON_AddNumberToObject(o, name, v);
    else
        cJSON_AddNullToObject(o, name);
}

/* Three digits behind the point are enough. */
static void add_rate(cJSON *o, const char *name, uint64_t n, double ns)
{
    add_real(o, name, n && ns > 0 ? round(1e3 * (double)n / ns) / 1e3 : (double)NAN);
}

static void add_percent(cJSON *o, const char *name, double part, double whole)
{
    add_real(o, name, whole > 0 ? round(1e5 * part / whole) / 1e3 : (double)NAN);
}

static void add_text(cJSON *o, const char *name, const char *text)
{
    if (text)
        cJSON_AddStringToObject(o, name, text);
    else
        cJSON_AddNullToObject(o, name);
}

/* Statistics, and all n samples in order of time. */
static void add_time(cJSON *o, const char *name, const struct bench_stats *s,
                     const int64_t *sample, size_t n)
{
    cJSON *t = cJSON_AddObjectToObject(o, name), *list;
    add_ns(t, "median", s->median);
    add_ns(t, "mean", s->mean);
    if (s->n > 1)
        add_ns(t, "stddev", s->stddev);
    else
        cJSON_AddNullToObject(t, "stddev");
    cJSON_AddItemToObject(t, "min", json_int(s->min));
    cJSON_AddItemToObject(t, "max", json_int(s->max));
    add_ns(t, "p90", s->p90);
    list = cJSON_AddArrayToObject(t, "samples");
    for (size_t i = 0; i < n; i++)
        cJSON_AddItemToArray(list, json_int(sample[i]));
}

static void add_cuts(cJSON *o, const char *name, const bool *cut, size_t n)
{
    cJSON *list = cJSON_AddArrayToObject(o, name);
    for (size_t i = 0; i < n; i++)
        if (cut[i])
            cJSON_AddItemToArray(list, cJSON_CreateNumber((double)i));
}

static cJSON *shape_json(const struct ptm_type *t)
{
    cJSON *o = cJSON_CreateObject(), *dims;
    cJSON_AddStringToObject(o, "dtype", ptm_dtype_name((enum ptm_dtype)t->dtype));
    dims = cJSON_AddArrayToObject(o, "shape");
    for (int i = 0; i < t->rank; i++)
        cJSON_AddItemToArray(dims, json_int(t->dim[i]));
    return o;
}

/* -- one backend -- */

static cJSON *op_json(const struct bench_profile *p, const struct bench_row *r, size_t index)
{
    cJSON *o = cJSON_CreateObject(), *list;
    char piece[20];
    cJSON_AddNumberToObject(o, "index", (double)index);
    cJSON_AddStringToObject(o, "op", r->op);
    cJSON_AddStringToObject(o, "module", r->module);
    cJSON_AddStringToObject(o, "aten", r->aten);
    list = cJSON_AddArrayToObject(o, "sources");
    for (size_t i = 0; i < r->n_places; i++) {
        cJSON *s = cJSON_CreateObject();
        cJSON_AddStringToObject(s, "module", r->place[i].path);
        cJSON_AddStringToObject(s, "aten", r->place[i].aten);
        cJSON_AddStringToObject(s, "file", r->place[i].file);
        cJSON_AddNumberToObject(s, "line", r->place[i].line);
        cJSON_AddItemToArray(list, s);
    }
    cJSON_AddStringToObject(o, "backend", r->backend);
    cJSON_AddStringToObject(o, "kernel", r->kernel);
    cJSON_AddStringToObject(o, "isa", r->isa);
    add_text(o, "fallback_reason", r->reason);
    list = cJSON_AddArrayToObject(o, "inputs");
    for (size_t i = 0; i < r->n_in; i++)
        cJSON_AddItemToArray(list, shape_json(&r->in[i]));
    cJSON_AddItemToObject(o, "output", shape_json(&r->out));
    snprintf(piece, sizeof(piece), "%016llx", (unsigned long long)r->piece);
    cJSON_AddStringToObject(o, "piece", piece);
    cJSON_AddNumberToObject(o, "step", r->step);
    cJSON_AddItemToObject(o, "calls", json_int((int64_t)r->calls));
    add_time(o, "wall_ns", &r->time, r->sample, p->n_recorded);
    add_percent(o, "percent", r->time.median, p->ops_ns);
    cJSON_AddItemToObject(o, "macs", json_int((int64_t)r->macs));
    cJSON_AddItemToObject(o, "flops", json_int((int64_t)r->flops));
    cJSON_AddItemToObject(o, "bytes", json_int((int64_t)r->bytes));
    add_rate(o, "gflops_per_s", r->flops, r->time.median);
    add_rate(o, "gb_per_s", r->bytes, r->time.median);
    return o;
}

static cJSON *result_json(const struct bench_profile *p)
{
    cJSON *o = cJSON_CreateObject(), *ops, *around;
    size_t index = 0;
    cJSON_AddStringToObject(o, "backend", p->name);
    cJSON_AddStringToObject(o, "status", "ok");
    cJSON_AddNullToObject(o, "reason");
    cJSON_AddNumberToObject(o, "warmup_runs", (double)p->n_warmup);
    cJSON_AddBoolToObject(o, "warmup_converged", p->converged);
    cJSON_AddNumberToObject(o, "runs", (double)p->n_recorded);
    add_cuts(o, "unprofiled_runs_preempted", p->plain_cut, p->n_plain);
    add_cuts(o, "profiled_runs_preempted", p->recorded_cut, p->n_recorded);
    cJSON_AddBoolToObject(o, "preempted_runs_count", p->cut_count);
    add_time(o, "unprofiled_ns", &p->plain_time, p->plain, p->n_plain);
    add_time(o, "unprofiled_cpu_ns", &p->cpu_time, p->cpu, p->n_plain);
    add_time(o, "profiled_ns", &p->recorded_time, p->recorded, p->n_recorded);
    add_ns(o, "operators_ns", p->ops_ns);
    add_ns(o, "around_ns", p->around_ns);
    add_ns(o, "unaccounted_ns", p->unaccounted_time.median);
    add_percent(o, "operators_percent_of_unprofiled", p->ops_ns, p->plain_time.median);
    add_percent(o, "profiling_percent_of_unprofiled",
                p->recorded_time.median - p->plain_time.median, p->plain_time.median);
    cJSON_AddItemToObject(o, "clock_reading_ns", json_int(p->clock_ns));
    cJSON_AddItemToObject(o, "dropped_events", json_int((int64_t)p->dropped));
    ops = cJSON_AddArrayToObject(o, "ops");
    around = cJSON_AddArrayToObject(o, "around");
    for (size_t i = 0; i < p->n_rows; i++) {
        const struct bench_row *r = &p->row[i];
        if (r->kind == PTM_EVENT_STEP) {
            cJSON_AddItemToArray(ops, op_json(p, r, index++));
        } else if (r->kind != PTM_EVENT_PIECE) {
            cJSON *a = cJSON_CreateObject();
            cJSON_AddStringToObject(a, "name", r->op);
            cJSON_AddItemToObject(a, "calls", json_int((int64_t)r->calls));
            add_time(a, "wall_ns", &r->time, r->sample, p->n_recorded);
            cJSON_AddItemToArray(around, a);
        }
    }
    return o;
}

static cJSON *skip_json(const struct profile_skip *s)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "backend", s->backend);
    cJSON_AddStringToObject(o, "status", "skipped");
    cJSON_AddStringToObject(o, "reason", s->reason);
    return o;
}

/* -- the table -- */

static cJSON *cell_json(const char *backend, const struct bench_cell *c,
                        const struct bench_cell *first)
{
    if (!c->steps)
        return cJSON_CreateNull();
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "backend", backend);
    add_ns(o, "wall_ns", c->ns);
    add_real(o, "ratio_to_first", first->steps && first->ns > 0 ? c->ns / first->ns : (double)NAN);
    cJSON_AddItemToObject(o, "steps", json_int((int64_t)c->steps));
    cJSON_AddItemToObject(o, "calls", json_int((int64_t)c->calls));
    add_text(o, "ran_on", c->one_kernel ? c->row->backend : NULL);
    add_text(o, "kernel", c->one_kernel ? c->row->kernel : NULL);
    add_text(o, "isa", c->one_kernel ? c->row->isa : NULL);
    cJSON_AddItemToObject(o, "macs", json_int((int64_t)c->macs));
    cJSON_AddItemToObject(o, "flops", json_int((int64_t)c->flops));
    cJSON_AddItemToObject(o, "bytes", json_int((int64_t)c->bytes));
    add_rate(o, "gflops_per_s", c->flops, c->ns);
    add_rate(o, "gb_per_s", c->bytes, c->ns);
    return o;
}

static cJSON *view_json(const struct profile_report *r)
{
    cJSON *o = cJSON_CreateObject(), *list;
    cJSON_AddStringToObject(o, "by", profile_view_name(r->by));
    list = cJSON_AddArrayToObject(o, "lines");
    for (size_t i = 0; i < r->n_lines; i++) {
        cJSON *l = cJSON_CreateObject(), *cells;
        cJSON_AddStringToObject(l, "name", r->line[i].name);
        cJSON_AddStringToObject(l, "module", r->line[i].module);
        cJSON_AddStringToObject(l, "aten", r->line[i].aten);
        cells = cJSON_AddArrayToObject(l, "cells");
        for (size_t k = 0; k < r->n; k++)
            cJSON_AddItemToArray(cells, cell_json(r->profile[k].name, &r->line[i].cell[k],
                                                  &r->line[i].cell[0]));
        cJSON_AddItemToArray(list, l);
    }
    return o;
}

/* -- the document -- */

static void add_context(cJSON *doc, const struct profile_report *r)
{
    cJSON *c = cJSON_AddObjectToObject(doc, "context"), *libraries;
    bench_env_json(&r->env, c);
    cJSON_AddStringToObject(c, "compiler", bench_compiler());
    cJSON_AddStringToObject(c, "clock", PTM_CLOCK_NAME);
    cJSON_AddStringToObject(c, "quantile_method", BENCH_QUANTILE_METHOD);
    libraries = cJSON_AddArrayToObject(c, "backends");
    for (size_t i = 0; ptm_backends[i]; i++) {
        cJSON *b = cJSON_CreateObject();
        cJSON_AddStringToObject(b, "name", ptm_backends[i]->name);
        cJSON_AddStringToObject(b, "about", ptm_backends[i]->about);
        cJSON_AddItemToArray(libraries, b);
    }
}

/* A row for each backend: its median run, as google-benchmark's tools read it. */
static void add_benchmarks(cJSON *doc, const struct profile_report *r)
{
    const char *slash = strrchr(r->model->path, '/');
    cJSON *list = cJSON_AddArrayToObject(doc, "benchmarks");
    for (size_t i = 0; i < r->n; i++) {
        const struct bench_profile *p = &r->profile[i];
        cJSON *b = cJSON_CreateObject();
        char name[500];
        int len = snprintf(name, sizeof(name), "profile/%.300s/%.60s/t%d",
                           slash ? slash + 1 : r->model->path, p->name, (int)r->threads);
        cJSON_AddStringToObject(b, "run_name", name);
        snprintf(name + len, sizeof(name) - (size_t)len, "_median");
        cJSON_AddStringToObject(b, "name", name);
        cJSON_AddStringToObject(b, "run_type", "aggregate");
        cJSON_AddStringToObject(b, "aggregate_name", "median");
        cJSON_AddStringToObject(b, "aggregate_unit", "time");
        cJSON_AddNumberToObject(b, "repetitions", (double)p->n_plain);
        cJSON_AddNumberToObject(b, "threads", (double)r->threads);
        cJSON_AddNumberToObject(b, "iterations", (double)p->n_plain);
        add_ns(b, "real_time", p->plain_time.median);
        add_ns(b, "cpu_time", p->cpu_time.median);
        cJSON_AddStringToObject(b, "time_unit", "ns");
        cJSON_AddItemToArray(list, b);
    }
}

cJSON *profile_json(const struct profile_report *r)
{
    cJSON *doc = cJSON_CreateObject(), *model, *list;
    if (!doc)
        return NULL;
    cJSON_AddStringToObject(doc, "schema", "ptm.profile/1");
    cJSON_AddStringToObject(doc, "ptm_version", PTM_VERSION);
    add_context(doc, r);
    add_benchmarks(doc, r);
    model = cJSON_AddObjectToObject(doc, "model");
    cJSON_AddStringToObject(model, "path", r->model->path);
    cJSON_AddItemToObject(model, "file_bytes", json_int((int64_t)r->model->n_bytes));
    cJSON_AddStringToObject(model, "format", r->model->format->name);
    cJSON_AddStringToObject(doc, "method", r->method);
    cJSON_AddStringToObject(doc, "arguments", r->arguments);
    cJSON_AddNumberToObject(doc, "calls_per_run", (double)r->calls_per_sample);
    cJSON_AddItemToObject(doc, "seed", json_int(r->seed));
    cJSON_AddItemToObject(doc, "threads", json_int(r->threads));
    list = cJSON_AddArrayToObject(doc, "passes");
    for (size_t i = 0; r->recipe && i < r->recipe->n; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(r->recipe->name[i]));
    list = cJSON_AddArrayToObject(doc, "results");
    for (size_t i = 0; i < r->n; i++)
        cJSON_AddItemToArray(list, result_json(&r->profile[i]));
    for (size_t i = 0; i < r->n_skips; i++)
        cJSON_AddItemToArray(list, skip_json(&r->skip[i]));
    cJSON_AddItemToObject(doc, "table", view_json(r));
    list = cJSON_AddArrayToObject(doc, "warnings");
    for (size_t i = 0; i < r->warnings.n; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(r->warnings.text[i]));
    return doc;
}
