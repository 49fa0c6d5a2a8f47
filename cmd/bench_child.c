/* SPDX-License-Identifier: BSD-2-Clause */
/* The process that measures one configuration of ptm bench: opens, warms up, runs when told. */
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "cmd/bench.h"
#include "cmd/cmd.h"
#include "cmd/optimised.h"
#include "cmd/placement.h"
#include "cmd/result.h"
#include "libcore/arena.h"
#include "libcore/clock.h"
#include "libcore/sha256.h"

struct worker {
    const struct bench_opts *o;
    bool reference;
    struct ptm_model *model;
    struct ptm_session *session;
    struct inputs in;
    struct ptm_arena arena; /* of the arguments */
    struct ptm_ival *args;
    size_t n_args;
    struct ptm_ival result;
    struct ptm_recipe recipe;
    struct ptm_config config;
    int64_t open_ns, session_ns, first_ns;
    int64_t looked_ns; /* when it was last looked whether the parent lives */
};

static void add_int(cJSON *o, const char *name, int64_t v)
{
    cJSON_AddItemToObject(o, name, json_int(v));
}

/* One line: {"name": body}. */
static enum ptm_status say(const char *name, cJSON *body, struct ptm_err *err)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddItemToObject(o, name, body);
    char *text = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    if (!text)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for an answer");
    puts(text);
    cJSON_free(text);
    return fflush(stdout) ? ptm_fail(err, PTM_ERR_IO, "the parent has gone") : PTM_OK;
}

/* -- running -- */

static enum ptm_status run_once(struct worker *w, int64_t *ns, struct ptm_err *err)
{
    int64_t start = ptm_clock_ns();
    enum ptm_status rc = ptm_session_run(w->session, w->o->method, w->args, w->n_args, &w->result,
                                         err);
    *ns = ptm_clock_ns() - start;
    return rc;
}

/* Between runs: does the parent still hold the other end? */
static void look_for_parent(struct worker *w)
{
    int64_t now = ptm_clock_ns();
    struct pollfd p = {.fd = STDIN_FILENO};
    if (now - w->looked_ns < 10000000)
        return;
    w->looked_ns = now;
    if (poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR | POLLNVAL)))
        _exit(EXIT_SYSTEM);
}

static enum ptm_status prepare(struct worker *w, const char *path, struct ptm_err *err)
{
    int64_t start = ptm_clock_ns();
    PTM_TRY(cmd_open(&w->model, path, err));
    w->open_ns = ptm_clock_ns() - start;
    PTM_TRY(inputs_bind(&w->in, w->model, w->o->method, &w->o->in, true, err));
    if (w->in.n_runs != 1)
        return ptm_fail(err, PTM_ERR_ARG, "the inputs are for %zu runs; bench wants one, and "
                        "repeats it", w->in.n_runs);
    PTM_TRY(inputs_make(&w->in, 0, &w->arena, &w->args, &w->n_args, err));
    start = ptm_clock_ns();
    /* a closed file has only what its passes made */
    bool plain = w->reference && !w->model->program.closed;
    const char *passes = plain ? "none" : w->o->passes;
    /* a .ptm file has its recipe; others get what `ptm optimize` does */
    PTM_TRY(recipe_option(passes, !w->model->recipe, &w->arena, &w->recipe, &w->config.recipe,
                          err));
    PTM_TRY(ptm_session_open(&w->session, w->model, &w->config, err));
    w->session_ns = ptm_clock_ns() - start;
    return run_once(w, &w->first_ns, err);
}

/* -- the first answer -- */

static cJSON *shape_json(const struct ptm_tensor *t)
{
    cJSON *dims = cJSON_CreateArray();
    for (int i = 0; i < t->rank; i++)
        cJSON_AddItemToArray(dims, json_int(t->dim[i]));
    return dims;
}

static cJSON *inputs_json(const struct worker *w)
{
    cJSON *list = cJSON_CreateArray();
    char text[160];
    for (size_t i = 0; i < w->n_args; i++) {
        cJSON *o = cJSON_CreateObject();
        struct ptm_ival v = w->args[i];
        cJSON_AddStringToObject(o, "name", w->in.fn->param[i + 1].name);
        if (v.tag == PTM_TENSOR) {
            cJSON_AddStringToObject(o, "dtype",
                                    ptm_dtype_name((enum ptm_dtype)v.u.tensor->dtype));
            cJSON_AddItemToObject(o, "shape", shape_json(v.u.tensor));
        } else {
            cJSON_AddStringToObject(o, "value", ptm_ival_describe(v, text, sizeof(text)));
        }
        cJSON_AddItemToArray(list, o);
    }
    return list;
}

static cJSON *phases_json(const struct worker *w)
{
    struct ptm_session_stats st;
    cJSON *o = cJSON_CreateObject();
    ptm_session_stats(w->session, &st);
    int64_t made = (int64_t)(st.specialise_ns + st.passes_ns + st.plan_ns + st.pack_ns);
    add_int(o, "open", w->open_ns);
    add_int(o, "session", w->session_ns);
    add_int(o, "specialise", (int64_t)st.specialise_ns);
    add_int(o, "passes", (int64_t)st.passes_ns);
    add_int(o, "plan", (int64_t)st.plan_ns);
    add_int(o, "pack", (int64_t)st.pack_ns);
    add_int(o, "first_run", w->first_ns > made ? w->first_ns - made : 0);
    add_int(o, "first_inference", w->first_ns);
    return o;
}

/* The tensors among the outputs, row-major. */
static enum ptm_status collect(struct worker *w, struct ptm_arena *a, struct ptm_tensor ***out,
                               size_t *n, cJSON *list, struct ptm_err *err)
{
    struct leaves l;
    PTM_TRY(result_flatten(a, w->result, &l, err));
    *out = ptm_arena_array(a, l.n + 1, sizeof(**out));
    if (!*out)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the outputs");
    for (size_t i = 0; i < l.n; i++) {
        struct ptm_ival v;
        if (!l.v[i].tensor)
            continue;
        PTM_TRY(ival_copy(a, ptm_tensor_ival(l.v[i].tensor), &v, 0, err));
        (*out)[(*n)++] = v.u.tensor;
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "name", l.v[i].name);
        cJSON_AddStringToObject(o, "dtype", ptm_dtype_name((enum ptm_dtype)v.u.tensor->dtype));
        cJSON_AddItemToObject(o, "shape", shape_json(v.u.tensor));
        cJSON_AddItemToArray(list, o);
    }
    return PTM_OK;
}

static enum ptm_status say_first(struct worker *w, struct ptm_err *err)
{
    struct ptm_arena a = {0};
    struct ptm_tensor **out;
    size_t n = 0;
    cJSON *o = cJSON_CreateObject(), *model = cJSON_AddObjectToObject(o, "model");
    cJSON_AddStringToObject(model, "format", w->model->format->name);
    add_int(model, "file_bytes", (int64_t)w->model->n_bytes);
    if (w->reference) {
        char sha[65];
        ptm_sha256(w->model->bytes, w->model->n_bytes, sha);
        cJSON_AddStringToObject(model, "sha256", sha);
    }
    cJSON_AddItemToObject(o, "inputs", inputs_json(w));
    cJSON_AddItemToObject(o, "phases_ns", phases_json(w));
    enum ptm_status rc = collect(w, &a, &out, &n, cJSON_AddArrayToObject(o, "outputs"), err);
    if (rc)
        cJSON_Delete(o);
    else
        rc = say("first", o, err);
    for (size_t i = 0; i < n && !rc; i++) {
        size_t bytes = (size_t)ptm_tensor_numel(out[i]) *
                       ptm_dtype_bytes((enum ptm_dtype)out[i]->dtype);
        if (bytes && fwrite(ptm_tensor_data(out[i]), bytes, 1, stdout) != 1)
            rc = ptm_fail(err, PTM_ERR_IO, "the parent has gone");
    }
    ptm_arena_release(&a);
    if (!rc && fflush(stdout))
        rc = ptm_fail(err, PTM_ERR_IO, "the parent has gone");
    return rc;
}

/* -- warm-up and blocks -- */

/* Two seconds without convergence are enough. */
static enum ptm_status warm_up(struct worker *w, struct ptm_err *err)
{
    enum { MOST_NS = 2000000000 };
    struct bench_warmup warm = {0};
    bool converged = false;
    int64_t ns, wanted = w->o->warmup;
    while (wanted < 0 ? !converged && warm.total_ns < MOST_NS : (int64_t)warm.n < wanted) {
        PTM_TRY(run_once(w, &ns, err));
        converged = bench_warmup_add(&warm, ns);
        look_for_parent(w);
    }
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "rule", wanted < 0 ? BENCH_WARMUP_RULE : "a number of runs");
    add_int(o, "runs", (int64_t)warm.n);
    add_int(o, "total_ns", warm.total_ns);
    cJSON_AddBoolToObject(o, "converged", converged);
    add_int(o, "run_ns", warm.n ? bench_warmup_median(&warm) : w->first_ns);
    return say("ready", o, err);
}

static int64_t cpu_ns(void)
{
    struct timespec t;
    return clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t)
               ? 0
               : (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static enum ptm_status run_block(struct worker *w, int64_t n, struct ptm_err *err)
{
    enum { SETTLE_NS = 2000000 };
    int64_t ns, settled = 0;
    if (n < 1 || n > INT64_C(100000000))
        return ptm_fail(err, PTM_ERR_ARG, "a block of %" PRId64 " runs", n);
    int64_t *sample = ptm_malloc((size_t)n * sizeof(*sample));
    if (!sample)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for %" PRId64 " times", n);
    enum ptm_status rc = PTM_OK;
    /* others have run meanwhile: their data has to leave the caches first */
    while (!rc && settled < SETTLE_NS) {
        rc = run_once(w, &ns, err);
        settled += ns;
    }
    int64_t start = ptm_clock_ns(), cpu = cpu_ns();
    for (int64_t i = 0; i < n && !rc; i++) {
        rc = run_once(w, &sample[i], err);
        look_for_parent(w);
    }
    cpu = cpu_ns() - cpu;
    if (!rc) {
        cJSON *o = cJSON_CreateObject();
        add_int(o, "start_ns", start);
        add_int(o, "cpu_ns", cpu);
        cJSON_AddNumberToObject(o, "mhz", bench_mhz("", 0));
        cJSON *list = cJSON_AddArrayToObject(o, "samples_ns");
        for (int64_t i = 0; i < n; i++)
            cJSON_AddItemToArray(list, json_int(sample[i]));
        rc = say("block", o, err);
    }
    ptm_free(sample);
    return rc;
}

static int64_t clock_overhead(void)
{
    enum { N = 1000 };
    int64_t start = ptm_clock_ns(), last = start;
    for (int i = 0; i < N; i++)
        last = ptm_clock_ns();
    return (last - start) / N;
}

static enum ptm_status say_end(struct worker *w, struct ptm_err *err)
{
    struct ptm_session_stats st;
    struct placement p;
    struct ptm_arena a = {0};
    ptm_session_stats(w->session, &st);
    cJSON *o = cJSON_CreateObject(), *m = cJSON_AddObjectToObject(o, "memory_bytes");
    /* before the list of steps takes memory of its own */
    add_int(m, "peak", (int64_t)ptm_memory_peak());
    add_int(m, "resident_peak", bench_resident_peak());
    add_int(m, "arena", (int64_t)st.arena_bytes);
    add_int(m, "weights", (int64_t)st.weights_bytes);
    add_int(m, "packed", (int64_t)st.packed_bytes);
    enum ptm_status rc = placement_make(&p, w->session, &a, err);
    if (rc) {
        cJSON_Delete(o);
        return rc;
    }
    add_int(o, "steps", (int64_t)p.steps);
    add_int(o, "macs", (int64_t)p.macs);
    cJSON_AddItemToObject(o, "backends", placement_shares_json(&p));
    ptm_arena_release(&a);
    add_int(o, "clock_overhead_ns", clock_overhead());
    add_int(o, "guard_misses", (int64_t)st.misses);
    add_int(o, "interpreted_runs", (int64_t)st.interpreted);
    return say("end", o, err);
}

static enum ptm_status obey(struct worker *w, struct ptm_err *err)
{
    char line[100];
    while (fgets(line, sizeof(line), stdin)) {
        if (!strncmp(line, "run ", 4))
            PTM_TRY(run_block(w, strtoll(line + 4, NULL, 10), err));
        else if (!strcmp(line, "end\n"))
            return say_end(w, err);
        else
            return ptm_fail(err, PTM_ERR_ARG, "no command '%.50s'", line);
    }
    return PTM_OK; /* the parent has gone */
}

int bench_child_main(const struct bench_opts *o, const char *model, const char *backend,
                     int64_t threads, bool reference)
{
    struct ptm_err err = {0};
    struct worker w = {.o = o, .reference = reference,
                       .config = {.seed = (uint64_t)o->in.seed, .backend = backend,
                                  .threads = (uint32_t)threads}};
    enum ptm_status rc = prepare(&w, model, &err);
    if (!rc)
        rc = say_first(&w, &err);
    if (!rc && !reference) {
        rc = warm_up(&w, &err);
        if (!rc)
            rc = obey(&w, &err);
    }
    if (rc) {
        cJSON *e = cJSON_CreateObject();
        struct ptm_err ignored = {0};
        add_int(e, "exit_code", cmd_exit_code(rc));
        cJSON_AddStringToObject(e, "message", err.msg);
        rc = say("error", e, &ignored);
    }
    ptm_session_close(w.session);
    inputs_release(&w.in);
    ptm_arena_release(&w.arena);
    ptm_model_close(w.model);
    return EXIT_DONE;
}
