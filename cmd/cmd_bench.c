/* SPDX-License-Identifier: BSD-2-Clause */
/* ptm bench: times, memory and accuracy of models on backends and numbers of threads. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "cmd/bench.h"
#include "cmd/cmd.h"
#include "libcore/arena.h"
#include "libcore/backend.h"
#include "libcore/sink.h"

static const struct usage usage = {
    .command = "bench",
    .synopsis = "MODEL... [--backend LIST] [--threads LIST] [OPTION]...",
    .summary = "Measures models on backends and numbers of threads, each in a process of its own.",
    .notes =
        "The processes take turns in rounds, forwards and backwards, one at a time, after a "
        "warm-up\nuntil " BENCH_WARMUP_RULE ".\nOutputs are compared with those of 'ref' without "
        "graph passes. Quantiles: " BENCH_QUANTILE_METHOD ".\nA backend of a list that is not "
        "available is a skipped row, a process that dies a failed one.\nPTM_LAUNCHER: words put in "
        "front of each process's command (an emulator).\nExit code 5: an output differs by more "
        "than --accuracy-limit; 7 or 8: a row failed.\n" INPUT_HELP,
    .examples = "ptm bench model.pt other.pt --backend cpu,xnnpack --threads 1,2 --input-shape "
                "1,3,224,224\n"
                "ptm bench model.ptm --input x.npy --backend cpu --json before.json --markdown -\n",
    .max_words = 64,
    .word = "MODEL",
};

/* -- lists -- */

/* The words between the commas, in the arena. */
static bool split(struct ptm_arena *a, const char *text, struct str_list *out)
{
    for (;;) {
        size_t n = strcspn(text, ",");
        char *word = ptm_arena_str(a, text, n);
        if (!word || !str_list_add(out, word))
            return false;
        if (!text[n])
            return true;
        text += n + 1;
    }
}

/* Without --backend: all that are here but ref, which is there to judge. */
static bool default_backends(struct str_list *out)
{
    for (const char *const *p = (const char *const[]){"cpu", "xnnpack", NULL}; *p; p++) {
        const struct ptm_backend *b = ptm_backend_find(*p);
        if (b && !b->unavailable() && !str_list_add(out, *p))
            return false;
    }
    return true;
}

static int read_lists(struct bench_opts *o, struct ptm_arena *a, struct str_list *backends,
                      struct str_list *threads)
{
    if (o->use_xnnpack && !o->backend)
        o->backend = !strcmp(o->use_xnnpack, "true") || !strcmp(o->use_xnnpack, "1") ? "xnnpack"
                                                                                     : "cpu";
    bool good = o->backend ? split(a, o->backend, backends) : default_backends(backends);
    if (!good || !split(a, o->threads, threads))
        return cmd_no_memory("bench");
    /* one alone has to be there; of several those that are there */
    for (size_t i = 0; i < backends->n; i++) {
        const struct ptm_backend *b = ptm_backend_find(backends->v[i]);
        int rc = b && backends->n > 1 ? -1 : cmd_backend("bench", backends->v[i], 1);
        if (rc >= 0)
            return rc;
        for (size_t k = 0; k < i; k++)
            if (!strcmp(backends->v[k], backends->v[i]))
                return cmd_usage("bench", "--backend names '%s' twice", backends->v[i]);
    }
    for (size_t i = 0; i < threads->n; i++) {
        char *end;
        errno = 0;
        long long n = strtoll(threads->v[i], &end, 10);
        if (end == threads->v[i] || *end || errno || n < 1 || n > 1024)
            return cmd_usage("bench", "--threads wants numbers from 1 to 1024, given '%.60s'",
                             threads->v[i]);
    }
    return -1;
}

static int check_numbers(const struct bench_opts *o)
{
    int to_stdout = 0;
    const char *const files[] = {o->json, o->markdown, o->csv};
    for (size_t i = 0; i < PTM_LEN(files); i++)
        to_stdout += files[i] && !strcmp(files[i], "-");
    if (to_stdout > 1)
        return cmd_usage("bench", "only one of --json, --markdown and --csv can go to stdout");
    if (o->rounds < 1 || o->rounds > 1000)
        return cmd_usage("bench", "--rounds wants 1 to 1000, given %" PRId64, o->rounds);
    if (o->runs > 1000000)
        return cmd_usage("bench", "--runs wants at most 1000000, given %" PRId64, o->runs);
    if (o->min_time > 1e6 || o->max_time > 1e6)
        return cmd_usage("bench", "--min-time and --max-time want at most 1000000 seconds");
    return -1;
}

/* -- rows -- */

/* "mobilenet_v2.traced" of "models/mobilenet_v2.traced.pt" */
static void base_name(const char *path, char *buf, size_t size)
{
    const char *slash = strrchr(path, '/'), *base = slash && slash[1] ? slash + 1 : path;
    const char *dot = strncmp(path, "zoo:", 4) ? strrchr(base, '.') : NULL;
    size_t n = dot && dot != base ? (size_t)(dot - base) : strlen(base);
    snprintf(buf, size, "%.*s", n < size ? (int)n : (int)size - 1, base);
}

/* Two models of one name are told apart by their paths. */
static void name_models(struct bench *b)
{
    char other[sizeof(b->model->name)];
    for (size_t i = 0; i < b->n_models; i++) {
        struct bench_model *m = &b->model[i];
        bool shared = false;
        base_name(m->path, m->name, sizeof(m->name));
        for (size_t k = 0; k < b->n_models; k++) {
            base_name(b->model[k].path, other, sizeof(other));
            shared |= k != i && !strcmp(other, m->name);
        }
        if (shared)
            snprintf(m->name, sizeof(m->name), "%s", m->path);
    }
}

static bool make_rows(struct bench *b, struct ptm_arena *a, const struct str_list *backends,
                      const struct str_list *threads)
{
    b->n_models = b->o->models.n;
    b->rows_per_model = backends->n * threads->n;
    b->n_rows = b->n_models * b->rows_per_model;
    b->model = ptm_arena_array(a, b->n_models, sizeof(*b->model));
    b->row = ptm_arena_array(a, b->n_rows, sizeof(*b->row));
    if (!b->model || !b->row)
        return false;
    for (size_t i = 0; i < b->n_rows; i++) {
        struct bench_row *r = &b->row[i];
        r->model = i / b->rows_per_model;
        r->backend = backends->v[i % b->rows_per_model / threads->n];
        r->threads = strtoll(threads->v[i % threads->n], NULL, 10);
        const struct ptm_backend *be = ptm_backend_find(r->backend);
        const char *why = be ? be->unavailable() : NULL;
        if (why) {
            r->status = ROW_SKIPPED;
            snprintf(r->message, sizeof(r->message), "%s", why);
        }
    }
    for (size_t i = 0; i < b->n_models; i++)
        b->model[i].path = b->o->models.v[i];
    name_models(b);
    return true;
}

static void free_rows(struct bench *b)
{
    for (size_t i = 0; i < b->n_rows; i++) {
        struct bench_row *r = &b->row[i];
        cJSON_Delete(r->first);
        cJSON_Delete(r->ready);
        cJSON_Delete(r->end);
        ptm_free(r->sample);
        ptm_free(r->block);
    }
    for (size_t i = 0; i < b->n_models; i++)
        cJSON_Delete(b->model[i].first);
}

/* -- writing -- */

/* Minutes of measuring are not to end with "no such folder". */
static enum ptm_status check_writable(const char *path, struct ptm_err *err)
{
    struct stat st;
    struct ptm_sink *sink;
    if (!path || !strcmp(path, "-") || (stat(path, &st) == 0 && !S_ISREG(st.st_mode) &&
                                        !S_ISDIR(st.st_mode)))
        return PTM_OK;
    PTM_TRY(ptm_sink_open(&sink, path, err));
    ptm_sink_drop(sink);
    return PTM_OK;
}

static enum ptm_status write_table(const struct bench *b, enum bench_table kind, const char *path,
                                   struct ptm_err *err)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    if (!f)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for a table");
    bench_write(b, kind, f);
    enum ptm_status rc = fclose(f) ? ptm_fail(err, PTM_ERR_MEMORY, "no memory for a table")
                                   : cmd_write_text(text, n, path, err);
    free(text);
    return rc;
}

static enum ptm_status write_all(const struct bench *b, struct ptm_err *err)
{
    const struct bench_opts *o = b->o;
    bool taken = (o->json && !strcmp(o->json, "-")) ||
                 (o->markdown && !strcmp(o->markdown, "-")) || (o->csv && !strcmp(o->csv, "-"));
    if (o->report_pep && strcmp(o->report_pep, "false") && strcmp(o->report_pep, "0"))
        bench_write_observer(b, stdout);
    else if (!taken && !o->quiet)
        bench_write(b, TABLE_TEXT, stdout);
    if (o->markdown)
        PTM_TRY(write_table(b, TABLE_MARKDOWN, o->markdown, err));
    if (o->csv)
        PTM_TRY(write_table(b, TABLE_CSV, o->csv, err));
    return o->json ? cmd_write_json(bench_document(b), o->json, err) : PTM_OK;
}

/* Failures, one line per model when all of its rows failed alike; then accuracy. */
static int verdict(const struct bench *b)
{
    int rc = EXIT_DONE;
    fflush(stdout);
    for (size_t i = 0; i < b->n_rows; i++) {
        const struct bench_row *r = &b->row[i];
        if (r->status != ROW_FAILED)
            continue;
        const struct bench_row *first = &b->row[r->model * b->rows_per_model];
        const char *path = b->model[r->model].path;
        size_t same = 0;
        for (size_t k = 0; k < b->rows_per_model; k++)
            same += first[k].status == ROW_FAILED && !strcmp(first[k].message, r->message);
        if (same < b->rows_per_model)
            fprintf(stderr, "ptm bench: %s: %s, %" PRId64 " thread%s: %s\n", path, r->backend,
                    r->threads, r->threads == 1 ? "" : "s", r->message);
        else if (r == first) /* the model itself is at fault; messages about files name them */
            fprintf(stderr, "ptm bench: %s%s%s\n", strstr(r->message, path) ? "" : path,
                    strstr(r->message, path) ? "" : ": ", r->message);
        rc = rc == EXIT_DONE ? r->exit_code : rc;
    }
    for (size_t i = 0; i < b->n_rows; i++) {
        const struct bench_row *r = &b->row[i];
        if (r->status != ROW_OK || !r->accuracy.done || r->accuracy.within)
            continue;
        if (r->accuracy.same_shape)
            fprintf(stderr, "ptm bench: %s: %s differs from ref by %.3g x the largest output, the "
                            "limit is %.3g\n", b->model[r->model].path, r->backend,
                    r->accuracy.relative, b->o->limit);
        else
            fprintf(stderr, "ptm bench: %s: the outputs of %s are not of the same shapes and "
                            "dtypes as those of ref\n", b->model[r->model].path, r->backend);
        rc = rc == EXIT_DONE ? EXIT_ACCURACY : rc;
    }
    return rc;
}

static bool any_measured(const struct bench *b)
{
    for (size_t i = 0; i < b->n_rows; i++)
        if (b->row[i].status != ROW_FAILED)
            return true;
    return false;
}

static int measure(struct bench *b)
{
    struct ptm_err err = {0};
    enum ptm_status rc = check_writable(b->o->json, &err);
    rc = rc ? rc : check_writable(b->o->markdown, &err);
    rc = rc ? rc : check_writable(b->o->csv, &err);
    if (!rc)
        rc = bench_run(b, &err);
    if (!rc && any_measured(b))
        rc = write_all(b, &err);
    return rc ? cmd_fail("bench", &err) : verdict(b);
}

/* The row or reference that --child names. */
static int be_child(const struct bench *b)
{
    const char *what = b->o->child, *digits = what + (strncmp(what, "ref", 3) ? 0 : 3);
    char *end;
    unsigned long long i = strtoull(digits, &end, 10);
    bool reference = digits != what;
    if (end == digits || *end || i >= (reference ? b->n_models : b->n_rows))
        return cmd_usage("bench", "--child %.40s: no such row", what);
    const struct bench_row *r = &b->row[reference ? i * b->rows_per_model : i];
    return bench_child_main(b->o, b->model[r->model].path, reference ? "ref" : r->backend,
                            reference ? 1 : r->threads, reference);
}

int cmd_bench(int argc, char **argv)
{
    struct bench_opts o = {.method = "forward", .threads = "1", .in.bundled = -1, .warmup = -1,
                           .rounds = 6, .min_time = 1, .max_time = 5, .limit = 1e-4};
    const struct opt table[] = {
        {"backend", 0, OPT_STR, &o.backend, "LIST",
         "ref,cpu,xnnpack: see 'ptm backends' (all that are available, without ref)"},
        {"threads", 0, OPT_STR, &o.threads, "LIST", "1,2,4: each is a row per backend (1)"},
        CPU_OPT(o.cpu),
        {"passes", 0, OPT_STR, &o.passes, "default|none|LIST",
         "graph passes (those of a .ptm file; for others default)"},
        INPUT_OPTS(o.in),
        {"method", 'm', OPT_STR, &o.method, "NAME", "method to run (forward)"},
        {"runs", 'r', OPT_COUNT, &o.runs, "N",
         "exactly N measured runs per row, spread over the rounds (by time)"},
        {"min-time", 0, OPT_REAL, &o.min_time, "S",
         "by time: measure each row for that long, ten runs at least (1)"},
        {"max-time", 0, OPT_REAL, &o.max_time, "S", "but no longer than this, for slow models (5)"},
        {"rounds", 0, OPT_COUNT, &o.rounds, "N", "turns that each row gets (6)"},
        {"warmup", 'w', OPT_COUNT, &o.warmup, "N", "exactly N runs of warm-up (until converged)"},
        {"accuracy-limit", 0, OPT_REAL, &o.limit, "X",
         "largest difference from ref, over ref's largest output (0.0001)"},
        {"no-accuracy", 0, OPT_FLAG, &o.no_accuracy, NULL,
         "do not run ref, which is slow, and compare nothing"},
        {"json", 0, OPT_STR, &o.json, "FILE|-",
         "write all numbers as ptm.bench/1; - : to stdout and nothing else"},
        {"markdown", 0, OPT_STR, &o.markdown, "FILE|-", "write a table in Markdown"},
        {"csv", 0, OPT_STR, &o.csv, "FILE|-", "write a table with a row per configuration"},
        {"quiet", 'q', OPT_FLAG, &o.quiet, NULL, "no table on stdout, no progress"},
        {"child", 0, OPT_STR, &o.child, "ROW", NULL},
        {"model", 0, OPT_LIST, &o.models, "FILE", NULL},
        {"graph", 0, OPT_LIST, &o.models, "FILE", NULL},
        {"num_threads", 0, OPT_STR, &o.threads, "N", NULL},
        {"num_runs", 0, OPT_COUNT, &o.runs, "N", NULL},
        {"iter", 0, OPT_COUNT, &o.runs, "N", NULL},
        {"warmup_runs", 0, OPT_COUNT, &o.warmup, "N", NULL},
        {"use_xnnpack", 0, OPT_STR, &o.use_xnnpack, "BOOL", NULL},
        {"report_pep", 0, OPT_STR, &o.report_pep, "BOOL", NULL},
        {0},
    };
    struct str_list words = {0}, backends = {0}, threads = {0};
    struct ptm_arena arena = {0};
    struct bench b = {.o = &o, .argc = argc, .argv = argv};
    int rc = opts_parse(&usage, table, argc, argv, &words);
    for (size_t i = 0; rc < 0 && i < words.n; i++)
        if (!str_list_add(&o.models, words.v[i]))
            rc = cmd_no_memory("bench");
    if (rc < 0 && !o.models.n)
        rc = cmd_usage("bench", "MODEL is missing");
    if (rc < 0)
        rc = check_numbers(&o);
    if (rc < 0)
        rc = cmd_cpu("bench", o.cpu);
    if (rc < 0)
        rc = read_lists(&o, &arena, &backends, &threads);
    if (rc < 0 && !make_rows(&b, &arena, &backends, &threads))
        rc = cmd_no_memory("bench");
    b.progress = !o.quiet && isatty(STDERR_FILENO);
    if (rc < 0)
        rc = o.child ? be_child(&b) : measure(&b);
    free_rows(&b);
    ptm_arena_release(&arena);
    str_list_free(&words);
    str_list_free(&backends);
    str_list_free(&threads);
    str_list_free(&o.models);
    str_list_free(&o.in.inputs);
    str_list_free(&o.in.shapes);
    return rc;
}
