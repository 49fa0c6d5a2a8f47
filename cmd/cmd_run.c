/* SPDX-License-Identifier: BSD-2-Clause */
/* ptm run: runs a method of a model on inputs; prints, saves and compares what it returns. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "cmd/cmd.h"
#include "cmd/input.h"
#include "cmd/optimised.h"
#include "cmd/result.h"
#include "libcore/clock.h"
#include "libcore/session.h"

static const struct usage usage = {
    .command = "run",
    .synopsis = "MODEL [--input SPEC]... [OPTION]...",
    .summary = "Runs a method of a model on inputs; prints, saves or compares its outputs.",
    .notes = INPUT_HELP "Without inputs, those stored in the model are used, if it has any.\n"
                        "Outputs are flattened in order (tuples, lists, dicts) to out0.npy, "
                        "out1.npy, ...;\n"
                        "outputs.json names them. Several runs are saved in DIR/0, DIR/1, ...\n"
                        "--expect allows differences of 1e-4 x the largest expected number.\n",
    .max_words = 1,
    .word = "MODEL",
    .examples = "ptm run model.pt --input photo.jpg --labels imagenet.txt --top 5\n"
                "ptm run model.pt --input x.npy --expect y.npy --backend xnnpack --threads 2\n",
};

struct run {
    struct input_opts in;
    const char *method, *output, *labels, *json, *backend, *cpu, *model, *atol, *rtol, *passes;
    struct str_list expect;
    int64_t top, repeat, max_steps, threads;
    bool quiet, verbose;
    /* made from them */
    double atol_v, rtol_v;
    struct ptm_recipe recipe;
    const char **label;
    size_t n_labels;
    struct spec *expected; /* per --expect: one file, or one per run */
    struct ptm_arena arena;
    struct cJSON *doc;
    bool folder_made;
};

/* Modules saved without eval() behave as in training: dropout drops, batch norm uses the batch. */
static void warn_training(const struct ptm_program *p)
{
    uint32_t n = 0, all = 0;
    for (uint32_t i = 0; i < p->n_objects; i++) {
        uint32_t at = ptm_class_attr(p->object[i]->cls, "training");
        struct ptm_ival v = at == UINT32_MAX ? ptm_none() : p->object[i]->attr[at];
        all += v.tag == PTM_BOOL;
        n += v.tag == PTM_BOOL && v.u.b;
    }
    if (n)
        cmd_warn("run",
                 "the model was saved without eval(): %" PRIu32 " of %" PRIu32
                 " modules have training = True; its dropout and batch norm act as in training",
                 n, all);
}

static enum ptm_status parse_tolerance(const char *option, const char *text, double *out,
                                       struct ptm_err *err)
{
    char *end;
    *out = -1;
    if (!text)
        return PTM_OK;
    *out = strtod(text, &end);
    if (end == text || *end || !(*out >= 0))
        return ptm_fail(err, PTM_ERR_ARG,
                        "--%s wants a number that is not negative, given '%.100s'", option, text);
    return PTM_OK;
}

static enum ptm_status prepare_expected(struct run *r, size_t n_runs, struct ptm_err *err)
{
    r->expected = ptm_arena_array(&r->arena, r->expect.n + 1, sizeof(*r->expected));
    if (!r->expected)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the expected outputs");
    for (size_t i = 0; i < r->expect.n; i++) {
        PTM_TRY(spec_parse(&r->arena, r->expect.v[i], &r->expected[i], err));
        if (r->expected[i].kind != SPEC_FILES)
            return ptm_fail(err, PTM_ERR_ARG, "--expect '%.200s': a .npy file is wanted",
                            r->expect.v[i]);
        size_t n = r->expected[i].n_paths;
        if (n != 1 && n != n_runs)
            return ptm_fail(err, PTM_ERR_ARG, "--expect '%.200s' has %zu files for %zu run%s",
                            r->expect.v[i], n, n_runs, n_runs == 1 ? "" : "s");
    }
    return PTM_OK;
}

static enum ptm_status make_folder(const char *path, bool *made, struct ptm_err *err)
{
    struct stat st;
    *made = false;
    if (mkdir(path, 0777) == 0) {
        *made = true;
        return PTM_OK;
    }
    int why = errno;
    if (why != EEXIST)
        return ptm_fail(err, PTM_ERR_IO, "cannot make the folder '%.300s': %s", path,
                        strerror(why));
    if (stat(path, &st) || !S_ISDIR(st.st_mode))
        return ptm_fail(err, PTM_ERR_IO, "--output '%.300s' is not a folder", path);
    if (access(path, W_OK | X_OK))
        return ptm_fail(err, PTM_ERR_IO, "cannot write to the folder '%.300s': %s", path,
                        strerror(errno));
    return PTM_OK;
}

static enum ptm_status save(const struct run *r, const struct leaves *l, size_t run, size_t n_runs,
                            struct ptm_err *err)
{
    char path[4096];
    bool made;
    if (n_runs == 1)
        return result_save(l, r->output, err);
    snprintf(path, sizeof(path), "%s/%zu", r->output, run);
    PTM_TRY(make_folder(path, &made, err));
    return result_save(l, path, err);
}

/* A result: printed, compared, saved. A failed comparison does not stop the others. */
static enum ptm_status report(struct run *r, struct ptm_ival result, size_t run, size_t n_runs,
                              int64_t wall_ns, struct ptm_err *err)
{
    struct ptm_arena arena = {0};
    struct leaves l;
    bool print = !r->quiet && !(r->json && !strcmp(r->json, "-"));
    cJSON *o = r->doc ? cJSON_CreateObject() : NULL;
    enum ptm_status rc = result_flatten(&arena, result, &l, err), worst = PTM_OK;
    if (rc == PTM_OK && print) {
        if (n_runs > 1)
            printf("run %zu\n", run);
        result_print(&l, stdout);
    }
    if (rc == PTM_OK && r->output)
        rc = save(r, &l, run, n_runs, err);
    if (rc == PTM_OK && o) {
        cJSON_AddItemToObject(o, "wall_ns", json_int(wall_ns));
        cJSON_AddItemToObject(o, "outputs", result_json(&l, r->output != NULL));
    }
    if (rc == PTM_OK && r->top)
        rc = result_top(&l, (int)r->top, r->label, r->n_labels, print ? stdout : NULL,
                        o ? cJSON_AddArrayToObject(o, "top") : NULL, err);
    cJSON *list = o && r->expect.n ? cJSON_AddArrayToObject(o, "expect") : NULL;
    for (size_t i = 0; rc == PTM_OK && i < r->expect.n; i++) {
        const struct spec *s = &r->expected[i];
        cJSON *e = list ? cJSON_CreateObject() : NULL;
        struct ptm_err differs = {0};
        enum ptm_status one =
            result_expect(&l, (int)i, s->path[s->n_paths > 1 ? run : 0], r->atol_v, r->rtol_v,
                          print ? stdout : NULL, e, &differs);
        if (e)
            cJSON_AddItemToArray(list, e);
        if (one == PTM_ERR_NUMERIC)
            worst = PTM_ERR_NUMERIC;
        if (one == PTM_ERR_NUMERIC && n_runs > 1) {
            fflush(stdout);
            fprintf(stderr, "ptm run: run %zu: %s\n", run, differs.msg);
        } else if (one == PTM_ERR_NUMERIC) {
            cmd_fail("run", &differs);
        } else if (one) {
            rc = ptm_fail(err, one, "%s", differs.msg);
        }
    }
    if (o)
        cJSON_AddItemToArray(cJSON_GetObjectItem(r->doc, "runs"), o);
    ptm_arena_release(&arena);
    return rc ? rc : worst;
}

static void describe_session(const struct ptm_session *s, struct run *r)
{
    struct ptm_session_stats st;
    ptm_session_stats(s, &st);
    for (size_t i = 0; i < s->n_warnings; i++)
        cmd_warn("run", "%s", s->warnings[i]);
    if (r->verbose) {
        char peak[40];
        fflush(stdout);
        fprintf(stderr,
                "runs %" PRIu64 ", entries %" PRIu64 ", guard misses %" PRIu64
                ", evictions %" PRIu64 ", interpreted %" PRIu64 ", pieces %" PRIu64
                ", peak memory %s beside the file\n",
                st.runs, st.entries, st.misses, st.evictions, st.interpreted, st.pieces,
                text_bytes(ptm_memory_peak(), peak, sizeof(peak)));
        if (st.churning)
            fprintf(stderr, "churning: %s\n", st.churning);
    }
    if (!r->doc)
        return;
    cJSON *o = cJSON_AddObjectToObject(r->doc, "session");
    cJSON_AddItemToObject(o, "runs", json_int((int64_t)st.runs));
    cJSON_AddItemToObject(o, "entries", json_int((int64_t)st.entries));
    cJSON_AddItemToObject(o, "guard_misses", json_int((int64_t)st.misses));
    cJSON_AddItemToObject(o, "evictions", json_int((int64_t)st.evictions));
    cJSON_AddItemToObject(o, "interpreted_runs", json_int((int64_t)st.interpreted));
    cJSON_AddItemToObject(o, "pieces", json_int((int64_t)st.pieces));
    if (st.churning)
        cJSON_AddStringToObject(o, "churning", st.churning);
    else
        cJSON_AddNullToObject(o, "churning");
    cJSON_AddItemToObject(r->doc, "peak_memory_bytes", json_int((int64_t)ptm_memory_peak()));
    cJSON *w = cJSON_AddArrayToObject(r->doc, "warnings");
    for (size_t i = 0; i < s->n_warnings; i++)
        cJSON_AddItemToArray(w, cJSON_CreateString(s->warnings[i]));
}

static enum ptm_status run_all(struct run *r, const struct inputs *in, struct ptm_session *s,
                               struct ptm_err *err)
{
    size_t n_runs = in->n_runs * (size_t)r->repeat;
    enum ptm_status worst = PTM_OK;
    for (size_t k = 0; k < n_runs; k++) {
        struct ptm_arena arena = {0};
        struct ptm_ival *args, result;
        size_t n_args;
        enum ptm_status rc = inputs_make(in, k % in->n_runs, &arena, &args, &n_args, err);
        int64_t start = ptm_clock_ns();
        if (rc == PTM_OK)
            rc = inputs_run(in, s, args, n_args, &result, err);
        if (rc == PTM_OK)
            rc = report(r, result, k, n_runs, ptm_clock_ns() - start, err);
        ptm_arena_release(&arena);
        if (rc && rc != PTM_ERR_NUMERIC)
            return rc;
        worst = rc ? rc : worst;
    }
    return worst;
}

static enum ptm_status start_json(struct run *r, const struct ptm_model *m, struct ptm_err *err)
{
    if (!r->json)
        return PTM_OK;
    r->doc = cJSON_CreateObject();
    if (!r->doc)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the JSON document");
    cJSON_AddStringToObject(r->doc, "schema", "ptm.run/1");
    cJSON_AddStringToObject(r->doc, "ptm_version", PTM_VERSION);
    cJSON *model = cJSON_AddObjectToObject(r->doc, "model");
    cJSON_AddStringToObject(model, "path", m->path);
    cJSON_AddItemToObject(model, "file_bytes", json_int((int64_t)m->n_bytes));
    cJSON_AddStringToObject(model, "format", m->format->name);
    cJSON_AddStringToObject(r->doc, "method", r->method);
    cJSON_AddStringToObject(r->doc, "backend", r->backend ? r->backend : "ref");
    cJSON_AddItemToObject(r->doc, "threads", json_int(r->threads ? r->threads : 1));
    cJSON_AddItemToObject(r->doc, "seed", json_int(r->in.seed));
    cJSON_AddArrayToObject(r->doc, "runs");
    return PTM_OK;
}

/* 0, or PTM_ERR_NUMERIC when a comparison failed (it has been told), or an error in err. */
static enum ptm_status work(struct run *r, struct ptm_model *m, struct inputs *in,
                            struct ptm_session **s, struct ptm_err *err)
{
    PTM_TRY(parse_tolerance("atol", r->atol, &r->atol_v, err));
    PTM_TRY(parse_tolerance("rtol", r->rtol, &r->rtol_v, err));
    PTM_TRY(inputs_bind(in, m, r->method, &r->in, true, err));
    PTM_TRY(prepare_expected(r, in->n_runs * (size_t)r->repeat, err));
    if (r->labels)
        PTM_TRY(labels_load(&r->arena, r->labels, &r->label, &r->n_labels, err));
    if (r->output) {
        PTM_TRY(make_folder(r->output, &r->folder_made, err));
        sig_remove_folder(r->folder_made ? r->output : NULL);
    }
    warn_training(&m->program);
    PTM_TRY(start_json(r, m, err));
    struct ptm_config config = {.seed = (uint64_t)r->in.seed, .max_steps = (uint64_t)r->max_steps,
                                .backend = r->backend, .threads = (uint32_t)r->threads};
    PTM_TRY(recipe_option(r->passes, false, &r->arena, &r->recipe, &config.recipe, err));
    PTM_TRY(ptm_session_open(s, m, &config, err));
    enum ptm_status rc = run_all(r, in, *s, err);
    if (rc && rc != PTM_ERR_NUMERIC)
        return rc;
    describe_session(*s, r);
    if (r->doc) {
        struct cJSON *doc = r->doc;
        r->doc = NULL;
        PTM_TRY(cmd_write_json(doc, r->json, err));
    }
    if (r->folder_made)
        sig_remove_folder(NULL);
    return rc;
}

int cmd_run(int argc, char **argv)
{
    struct run r = {.method = "forward", .repeat = 1, .in.bundled = -1};
    const struct opt table[] = {
        INPUT_OPTS(r.in),
        {"method", 'm', OPT_STR, &r.method, "NAME", "method to run (forward)"},
        {"output", 'o', OPT_STR, &r.output, "DIR", "save the outputs there"},
        {"expect", 0, OPT_LIST, &r.expect, "FILE.npy",
         "compare the next output with it; a comma list or folder: one per run; exit code 1 when "
         "they differ"},
        {"atol", 0, OPT_STR, &r.atol, "X",
         "allow |difference| <= X + rtol x |expected|, per element"},
        {"rtol", 0, OPT_STR, &r.rtol, "X", "see --atol"},
        {"labels", 0, OPT_STR, &r.labels, "FILE",
         "one class name per line: shows the best classes"},
        {"top", 0, OPT_COUNT, &r.top, "N", "how many classes to show (5 with --labels)"},
        {"repeat", 0, OPT_COUNT, &r.repeat, "N", "run everything N times in the same session (1)"},
        {"max-steps", 0, OPT_COUNT, &r.max_steps, "N",
         "stop a call after N interpreted instructions (1000000000)"},
        {"passes", 0, OPT_STR, &r.passes, "default|none|LIST",
         "graph passes to run before: NAME,... or all but -NAME,... (none; see 'ptm passes')"},
        {"backend", 0, OPT_STR, &r.backend, "NAME",
         "ref: the C reference kernels (slow, exact); others: see 'ptm backends' (ref)"},
        {"threads", 0, OPT_COUNT, &r.threads, "N", "threads of the backend (1)"},
        CPU_OPT(r.cpu),
        {"json", 0, OPT_STR, &r.json, "FILE|-",
         "write a JSON document; - : to stdout and nothing else"},
        {"quiet", 'q', OPT_FLAG, &r.quiet, NULL, "print no outputs"},
        {"verbose", 'v', OPT_FLAG, &r.verbose, NULL,
         "tell about entries, pieces and memory on stderr"},
        {"model", 0, OPT_STR, &r.model, "FILE", NULL},
        {"graph", 0, OPT_STR, &r.model, "FILE", NULL},
        {"iter", 0, OPT_COUNT, &r.repeat, "N", NULL},
        {"num_runs", 0, OPT_COUNT, &r.repeat, "N", NULL},
        {0},
    };
    struct str_list words = {0};
    struct ptm_model *m = NULL;
    struct ptm_session *s = NULL;
    struct inputs in = {0};
    struct ptm_err err = {0};
    int rc = opts_parse(&usage, table, argc, argv, &words);
    if (rc < 0 && words.n)
        r.model = words.v[0];
    if (rc < 0 && !r.model)
        rc = cmd_usage("run", "MODEL is missing");
    if (rc < 0 && r.repeat < 1)
        rc = cmd_usage("run", "--repeat wants 1 or more");
    if (rc < 0)
        rc = cmd_backend("run", r.backend, r.threads);
    if (rc < 0)
        rc = cmd_cpu("run", r.cpu);
    if (rc < 0) {
        if (r.labels && !r.top)
            r.top = 5;
        enum ptm_status status = cmd_open(&m, r.model, &err);
        if (status == PTM_OK)
            status = work(&r, m, &in, &s, &err);
        rc = status == PTM_ERR_NUMERIC && !err.code ? EXIT_NO
             : status                               ? cmd_fail("run", &err)
                                                    : EXIT_DONE;
    }
    if (r.doc)
        cJSON_Delete(r.doc);
    ptm_session_close(s);
    inputs_release(&in);
    ptm_model_close(m);
    ptm_arena_release(&r.arena);
    str_list_free(&words);
    str_list_free(&r.in.inputs);
    str_list_free(&r.in.shapes);
    str_list_free(&r.expect);
    return rc;
}
