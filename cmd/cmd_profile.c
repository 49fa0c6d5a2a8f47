/* SPDX-License-Identifier: BSD-2-Clause */
/* ptm profile: which operators take the time, on one backend or on several side by side. */
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cmd/cmd.h"
#include "cmd/input.h"
#include "cmd/optimised.h"
#include "cmd/profile.h"
#include "libcore/backend.h"
#include "libcore/map.h"
#include "libcore/session.h"

static const struct usage usage = {
    .command = "profile",
    .synopsis = "MODEL [--input SPEC]... [OPTION]...",
    .summary = "Tells which operators of a model take the time, on one or several backends.",
    .notes = INPUT_HELP
    "Runs with and without profiling take turns after a warm-up; times are medians. The totals\n"
    "tell how much of an unprofiled run the operators explain, and what profiling costs. Several\n"
    "inputs (A.npy,B.npy) are one run together. Several backends are joined\n"
    "by the places in the model that their operators come from.\n"
    "GFLOP/s counts 2 for each multiply-add and 1 for each element of simple operators; GB/s\n"
    "counts inputs, weights and outputs once. ui.perfetto.dev opens what --trace writes.\n",
    .max_words = 1,
    .word = "MODEL",
    .examples = "ptm profile model.pt --input-shape 1,3,224,224 --backend cpu,xnnpack\n"
                "ptm profile model.ptm --input x.npy --by type --json p.json --trace t.json\n",
};

struct options {
    struct input_opts in;
    const char *model, *method, *backend, *cpu, *passes, *by, *sort, *json, *trace,
        *use_xnnpack;
    int64_t threads, runs, warmup, top, max_steps;
    bool quiet;
    double min_time;
    /* made from them */
    const char *name[PROFILE_MAX_BACKENDS];
    size_t n_names;
    struct ptm_recipe room;
    struct ptm_arena arena;
    struct inputs inputs;
    struct profile_report report;
};

const char *profile_view_name(enum bench_view by)
{
    return by == BENCH_BY_OP ? "op" : by == BENCH_BY_TYPE ? "type" : "module";
}

/* -- options -- */

/* --backend LIST: each name there is; -1, or the exit code. */
static int read_backends(struct options *o)
{
    for (const char *p = o->backend; *p;) {
        size_t len = strcspn(p, ",");
        char *name = ptm_arena_str(&o->arena, p, len);
        if (!name)
            return cmd_no_memory("profile");
        if (o->n_names == PROFILE_MAX_BACKENDS)
            return cmd_usage("profile", "--backend names more than %d", PROFILE_MAX_BACKENDS);
        for (size_t i = 0; i < o->n_names; i++)
            if (!strcmp(o->name[i], name))
                return cmd_usage("profile", "--backend names '%.60s' twice", name);
        o->name[o->n_names++] = name;
        p += len;
        p += *p == ',';
    }
    if (!o->n_names)
        return cmd_usage("profile", "--backend wants a name");
    for (size_t i = 0; i < o->n_names; i++) {
        const struct ptm_backend *b = ptm_backend_find(o->name[i]);
        if (b && b->unavailable() && o->n_names > 1) {
            o->report.skip[o->report.n_skips++] =
                (struct profile_skip){o->name[i], b->unavailable()};
            continue;
        }
        int rc = cmd_backend("profile", o->name[i], o->threads);
        if (rc >= 0)
            return rc;
        o->report.profile[o->report.n++].name = o->name[i];
    }
    if (o->report.n)
        return -1;
    fprintf(stderr, "ptm profile: no backend of '%.100s' is available here\n", o->backend);
    return EXIT_BACKEND;
}

static int read_choice(const char *option, const char *given, const char *const *names, size_t n,
                       int *out)
{
    char list[100] = "";
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(given, names[i])) {
            *out = (int)i;
            return -1;
        }
        size_t used = strlen(list);
        snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", names[i]);
    }
    return cmd_usage("profile", "--%s wants one of %s, given '%.60s'", option, list, given);
}

static int read_options(struct options *o)
{
    static const char *const views[] = {"op", "type", "module"}, *const sorts[] = {"order", "time"};
    int by = 0, by_time = 0;
    int rc = read_choice("by", o->by, views, PTM_LEN(views), &by);
    if (rc < 0)
        rc = read_choice("sort", o->sort, sorts, PTM_LEN(sorts), &by_time);
    if (rc < 0 && (o->runs == 0 || o->runs > 100000))
        rc = cmd_usage("profile", "--runs wants 1 to 100000");
    if (!o->backend) {
        const char *on = o->use_xnnpack ? o->use_xnnpack : "";
        o->backend = !strcmp(on, "true") || !strcmp(on, "1") ? "xnnpack" : "cpu";
    }
    if (rc < 0)
        rc = read_backends(o);
    if (rc < 0)
        rc = cmd_cpu("profile", o->cpu);
    if (o->top < 0)
        o->top = by_time ? 25 : 0;
    o->report.by = (enum bench_view)by;
    o->report.by_time = by_time;
    o->report.top = o->top;
    o->report.threads = o->threads ? o->threads : 1;
    return rc;
}

/* -- the work -- */

/* The arguments of every run, once; and their types. */
static enum ptm_status make_calls(struct options *o, struct bench_calls *calls, struct ptm_err *err)
{
    struct bench_call *list = ptm_arena_array(&o->arena, o->inputs.n_runs, sizeof(*list));
    if (!list)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for %zu inputs", o->inputs.n_runs);
    for (size_t i = 0; i < o->inputs.n_runs; i++) {
        struct ptm_ival *args;
        PTM_TRY(inputs_make(&o->inputs, i, &o->arena, &args, &list[i].n_args, err));
        list[i].args = args;
    }
    char text[800] = "", one[200];
    for (size_t i = 0, used = 0; i < list[0].n_args && used < sizeof(text); i++) {
        ptm_ival_describe(list[0].args[i], one, sizeof(one));
        const char *type = strncmp(one, "Tensor ", 7) ? one : one + 7;
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? ", " : "", type);
    }
    o->report.arguments = ptm_arena_str(&o->arena, text, strlen(text));
    *calls = (struct bench_calls){o->method, list, o->inputs.n_runs};
    return o->report.arguments ? PTM_OK : ptm_fail(err, PTM_ERR_MEMORY, "no memory for names");
}

/* A session per backend, which has seen each input once: what is wrong with them is said. */
static enum ptm_status open_sessions(struct options *o, const struct ptm_model *m,
                                     const struct bench_calls *calls, struct ptm_err *err)
{
    struct profile_report *r = &o->report;
    struct ptm_config config = {.seed = (uint64_t)o->in.seed, .max_steps = (uint64_t)o->max_steps,
                                .threads = (uint32_t)r->threads};
    PTM_TRY(recipe_option(o->passes, !m->recipe, &o->arena, &o->room, &config.recipe, err));
    r->recipe = config.recipe ? config.recipe : m->recipe;
    for (size_t i = 0; i < r->n; i++) {
        config.backend = r->profile[i].name;
        PTM_TRY(ptm_session_open(&r->profile[i].session, m, &config, err));
        for (size_t k = 0; k < calls->n; k++) {
            struct ptm_ival result;
            PTM_TRY(inputs_run(&o->inputs, r->profile[i].session, calls->call[k].args,
                               calls->call[k].n_args, &result, err));
        }
    }
    return PTM_OK;
}

static enum ptm_status work(struct options *o, const struct ptm_model *m, struct ptm_err *err)
{
    struct profile_report *r = &o->report;
    struct bench_calls calls;
    struct bench_profile_options how = {.runs = o->runs, .warmup = o->warmup,
                                        .min_time = o->min_time};
    PTM_TRY(inputs_bind(&o->inputs, m, o->method, &o->in, true, err));
    PTM_TRY(make_calls(o, &calls, err));
    r->model = m;
    r->method = o->method;
    r->seed = o->in.seed;
    r->calls_per_sample = calls.n;
    bench_env_read(&r->env, "");
    bench_env_warnings(&r->env, &r->warnings);
    PTM_TRY(open_sessions(o, m, &calls, err));
    struct ptm_err why = {0};
    if (bench_profile_measure(r->profile, r->n, &calls, &how, &why))
        return ptm_fail(err, why.code, "%s%s", why.msg,
                        why.code == PTM_ERR_RAISED
                            ? "; it runs again and again: --warmup and --runs say how often"
                            : "");
    PTM_TRY(bench_lines_make(&r->line, &r->n_lines, &o->arena, r->profile, r->n, r->by, r->by_time,
                             err));
    if (o->trace)
        PTM_TRY(profile_trace(r, o->trace, err));
    if (o->json)
        PTM_TRY(cmd_write_json(profile_json(r), o->json, err));
    if (!o->quiet && (!o->json || strcmp(o->json, "-") != 0))
        profile_print(r);
    return PTM_OK;
}

/* Names and weights are read through the mapping: the file may shrink meanwhile. */
static enum ptm_status guarded(struct options *o, const struct ptm_model *m, struct ptm_err *err)
{
    struct ptm_map_guard guard;
    if (PTM_MAP_GUARD(&guard))
        return ptm_map_shrank(err);
    enum ptm_status rc = work(o, m, err);
    ptm_map_guard_end(&guard);
    return rc;
}

int cmd_profile(int argc, char **argv)
{
    struct options o = {.method = "forward", .by = "op", .sort = "time",
                        .runs = -1, .warmup = -1, .top = -1, .min_time = -1, .in.bundled = -1};
    const struct opt table[] = {
        INPUT_OPTS(o.in),
        {"method", 'm', OPT_STR, &o.method, "NAME", "method to run (forward)"},
        {"backend", 'b', OPT_STR, &o.backend, "LIST",
         "backends, side by side: cpu,xnnpack (cpu; see 'ptm backends')"},
        {"threads", 't', OPT_COUNT, &o.threads, "N", "threads of the backends (1)"},
        CPU_OPT(o.cpu),
        {"passes", 0, OPT_STR, &o.passes, "default|none|LIST",
         "graph passes to run before (those of the file; default, when it has none)"},
        {"runs", 'r', OPT_COUNT, &o.runs, "N",
         "runs with profiling, and as many without (20 or more in half a second, fewer after "
         "five)"},
        {"min-time", 0, OPT_REAL, &o.min_time, "SECONDS", "go on for that long on each backend"},
        {"warmup", 'w', OPT_COUNT, &o.warmup, "N",
         "runs before that do not count (until times settle, at most three seconds)"},
        {"by", 0, OPT_STR, &o.by, "op|type|module", "what a line is (op)"},
        {"sort", 0, OPT_STR, &o.sort, "time|order", "slowest first, or as they run (time)"},
        {"top", 0, OPT_COUNT, &o.top, "N", "lines to show; 0: all (25 by time, all in order)"},
        {"max-steps", 0, OPT_COUNT, &o.max_steps, "N",
         "stop a call after N interpreted instructions (1000000000)"},
        {"json", 0, OPT_STR, &o.json, "FILE|-",
         "write a JSON document (ptm.profile/1); - : to stdout and nothing else"},
        {"trace", 0, OPT_STR, &o.trace, "FILE", "write a Chrome trace of one run"},
        {"quiet", 'q', OPT_FLAG, &o.quiet, NULL, "print no table"},
        {"model", 0, OPT_STR, &o.model, "FILE", NULL},
        {"graph", 0, OPT_STR, &o.model, "FILE", NULL},
        {"num_threads", 0, OPT_COUNT, &o.threads, "N", NULL},
        {"num_runs", 0, OPT_COUNT, &o.runs, "N", NULL},
        {"use_xnnpack", 0, OPT_STR, &o.use_xnnpack, "BOOL", NULL},
        {"iter", 0, OPT_COUNT, &o.runs, "N", NULL},
        {"min_secs", 0, OPT_REAL, &o.min_time, "SECONDS", NULL},
        {"warmup_runs", 0, OPT_COUNT, &o.warmup, "N", NULL},
        {0},
    };
    struct str_list words = {0};
    struct ptm_model *m = NULL;
    struct ptm_err err = {0};
    int rc = opts_parse(&usage, table, argc, argv, &words);
    if (rc < 0 && words.n)
        o.model = words.v[0];
    if (rc < 0 && !o.model)
        rc = cmd_usage("profile", "MODEL is missing");
    if (rc < 0)
        rc = read_options(&o);
    if (rc < 0) {
        enum ptm_status status = cmd_open(&m, o.model, &err);
        if (status == PTM_OK)
            status = guarded(&o, m, &err);
        rc = status ? cmd_fail("profile", &err) : EXIT_DONE;
    }
    for (size_t i = 0; i < o.report.n; i++) {
        bench_profile_release(&o.report.profile[i]);
        ptm_session_close(o.report.profile[i].session);
    }
    inputs_release(&o.inputs);
    ptm_model_close(m);
    ptm_arena_release(&o.arena);
    str_list_free(&words);
    str_list_free(&o.in.inputs);
    str_list_free(&o.in.shapes);
    return rc;
}
