/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptm bench, inside. cmd_bench.c reads the command line; bench_child.c is the
 * process that measures one configuration; bench_run.c starts such processes,
 * gives them turns and keeps what they say; bench_report.c and bench_json.c
 * write it.
 *
 * Parent and child are one program with the same command line; the child has
 * the hidden option --child in front: the number of a row, or ref<model number>
 * for the reference outputs. It answers with one JSON object per line:
 *   {"first": ...}  opened, first inference done; then the outputs' bytes
 *   {"ready": ...}  warm
 *   {"block": ...}  to "run N": N measured runs
 *   {"end": ...}    to "end": memory and what ran where
 *   {"error": ...}  instead of any of them
 */
#ifndef PTM_CMD_BENCH_H
#define PTM_CMD_BENCH_H

#include "bench/child.h"
#include "bench/env.h"
#include "bench/schedule.h"
#include "bench/stats.h"
#include "cmd/input.h"

struct cJSON;

struct bench_opts {
    struct input_opts in;
    struct str_list models;
    const char *method, *backend, *threads, *cpu, *passes;
    const char *json, *markdown, *csv, *child, *use_xnnpack, *report_pep;
    int64_t runs, rounds, warmup; /* warmup below 0: until it has converged */
    double min_time, max_time, limit;
    bool no_accuracy, quiet;
};

/* One block of runs of a configuration. */
struct bench_block {
    int64_t round, start_ns, cpu_ns;
    size_t first, n;    /* its samples */
    double median_ns;
    double mhz;         /* 0: not known */
    double others;      /* CPUs that other processes kept busy meanwhile; below 0: not known */
};

struct bench_accuracy {
    bool done, same_shape, within;
    double max_diff, max_ref, relative; /* of the worst output; relative: difference / reference */
    int top1;                           /* 1 equal, 0 not, -1: no output is rows of scores */
};

enum row_status { ROW_OK, ROW_SKIPPED, ROW_FAILED };
struct bench_row {
    size_t model; /* number */
    const char *backend;
    int64_t threads;
    enum row_status status;
    int exit_code;      /* of a failed one */
    char message[1100]; /* why it was skipped or failed */
    struct cJSON *first, *ready, *end; /* what the child said; NULL: nothing */
    int64_t *sample;
    size_t n_samples;
    struct bench_block *block;
    size_t n_blocks;
    struct bench_plan plan;
    struct bench_stats stats;
    struct bench_accuracy accuracy;
};

struct bench_tensors {
    struct ptm_tensor **v;
    size_t n;
};
struct bench_model {
    const char *path;
    char name[200];
    struct cJSON *first;     /* the reference child's */
    struct bench_tensors ref;
};

struct bench {
    const struct bench_opts *o;
    int argc;
    char **argv; /* of the command, for the children */
    struct bench_model *model;
    size_t n_models;
    struct bench_row *row; /* by model, then backend, then threads */
    size_t n_rows, rows_per_model;
    struct bench_env env;
    struct bench_warnings warnings;
    double others;       /* mean over all blocks; below 0: not known */
    char started[40];
    bool progress;
};

/* bench_child.c: the child's whole life; the exit code. */
int bench_child_main(const struct bench_opts *o, const char *model, const char *backend,
                     int64_t threads, bool reference);
/* bench_run.c: measures all rows. Fails only for want of memory or of this program's own file. */
enum ptm_status bench_run(struct bench *b, struct ptm_err *err);
/* How many times as fast the row is as the first measured one of its model; NaN: not known. */
double bench_speedup(const struct bench *b, const struct bench_row *r);
/* bench_report.c */
enum bench_table { TABLE_TEXT, TABLE_MARKDOWN, TABLE_CSV };
void bench_write(const struct bench *b, enum bench_table kind, FILE *f);
void bench_write_observer(const struct bench *b, FILE *f);
/* bench_json.c: ptm.bench/1 */
struct cJSON *bench_document(const struct bench *b);

/* A number of a child's document: bench_value(row->first, "phases_ns", "open"); NaN: not there. */
double bench_value(const struct cJSON *doc, const char *group, const char *name);

#endif
