/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptm optimize: puts a model in eval mode, drops what no method needs then, and writes it as a .ptm
 * file with its recipe: the graph passes that every session on it runs, at any input size. With
 * inputs the method runs without and with them, and what they did is shown.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/optimize.h"
#include "libcore/saved.h"
#include "libcore/map.h"
#include "libcore/program_edit.h"
#include "libcore/sha256.h"
#include "libcore/sink.h"

#define DEFAULT_TOLERANCE 1e-4 /* of ptm_passes_verify */

static const struct usage usage = {
    .command = "optimize",
    .synopsis = "MODEL -o OUT.ptm [--input-shape DIMS | --input SPEC]... [OPTION]...",
    .summary = "Makes a model smaller and faster, and writes it as a .ptm file, which every "
               "command reads.",
    .notes = "Modules are put in eval mode; what no method needs then is dropped. The file serves "
             "every\ninput size: it holds the program, its weights and the list of graph passes to "
             "run. With\ninputs (those stored in the model, if there are no others) the summary "
             "tells what the\npasses did, and the file holds the graphs that they made: calls with "
             "inputs of these\nshapes start at once. More --input-shape than one call takes are "
             "several calls.\n'ptm passes' lists the passes.\n" INPUT_HELP,
    .max_words = 1,
    .word = "MODEL",
    .examples = "ptm optimize model.pt -o model.ptm --input-shape 1,3,224,224\n"
                "ptm optimize model.pt -o model.ptm --input x.npy --verify --disable conv1d_to_conv2d\n",
};

/* -- progress: one line on a terminal, gone when the work is done -- */

static bool shows_progress(const struct optimize *o)
{
    return !o->quiet && isatty(STDERR_FILENO);
}

static void say(const struct optimize *o, const char *what)
{
    if (shows_progress(o))
        fprintf(stderr, "\r\033[K%s", what);
}

static void written(void *ud, uint64_t done, uint64_t all)
{
    struct optimize *o = ud;
    int percent = all ? (int)(done * 100 / all) : 100;
    char text[60];
    if (percent == o->percent)
        return;
    o->percent = percent;
    snprintf(text, sizeof(text), "writing: %d %%", percent);
    say(o, text);
}

/* -- the steps -- */

/* The command as it was given, for the file's provenance; paths without their folders. */
static char *command_line(struct ptm_arena *a, int argc, char **argv)
{
    size_t n = sizeof("ptm"), at;
    for (int i = 0; i < argc; i++)
        n += strlen(argv[i]) + 3;
    char *text = ptm_arena_alloc(a, n);
    if (!text)
        return NULL;
    at = (size_t)snprintf(text, n, "ptm");
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i], *slash = strrchr(word, '/');
        size_t option = !strncmp(word, "--", 2) ? strcspn(word, "=") : 0;
        option += option && word[option];
        const char *rest = slash && slash[1] ? slash + 1 : word + option;
        const char *quote = rest[strcspn(rest, " \t\n'\"\\$*?;&|<>()[]{}#~`!")] ? "'" : "";
        at += (size_t)snprintf(text + at, n - at, " %s%.*s%s%s", quote, (int)option, word, rest,
                               quote);
    }
    return text;
}

/* A .ptm file goes on telling what it was made from first. */
static enum ptm_status set_provenance(struct optimize *o, const struct ptm_model *m,
                                      struct ptm_err *err)
{
    const char *slash = strrchr(m->path, '/'), *before = m->provenance.command;
    char *command = o->command;
    say(o, "reading");
    ptm_sha256(m->bytes, m->n_bytes, o->sha256);
    if (command && before) {
        size_t n = strlen(before) + strlen(o->command) + 3;
        command = ptm_arena_alloc(&o->arena, n);
        if (command)
            snprintf(command, n, "%s; %s", before, o->command);
    }
    if (!command)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the command line");
    o->provenance = m->provenance;
    o->provenance.command = command;
    if (m->provenance.source)
        return PTM_OK;
    o->provenance.source = slash ? slash + 1 : m->path;
    o->provenance.source_bytes = m->n_bytes;
    o->provenance.source_sha256 = o->sha256;
    return PTM_OK;
}

static bool is_bundled(const char *name)
{
    return !method_public(name) && strncmp(name, "__", 2) != 0;
}

/* With --preserve: forward, the methods named, and the stored inputs. */
static enum ptm_status prune(struct optimize *o, struct ptm_model *m, struct ptm_err *err)
{
    struct ptm_program *p = &m->program;
    const struct ptm_class *root = p->root->cls;
    const struct ptm_function *fn;
    const char **keep = NULL;
    size_t n = 0;
    if (o->preserve.n) {
        keep = ptm_arena_array(&o->arena, o->preserve.n + root->n_methods + 1u, sizeof(*keep));
        if (!keep)
            return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the methods");
        for (size_t i = 0; i < o->preserve.n; i++) {
            PTM_TRY(method_find(m, o->preserve.v[i], &fn, err));
            keep[n++] = o->preserve.v[i];
        }
        keep[n++] = "forward";
        for (uint32_t i = 0; i < root->n_methods; i++)
            if (is_bundled(p->fn[root->method[i]].name))
                keep[n++] = p->fn[root->method[i]].name;
    }
    PTM_TRY(program_size(&o->before, p, err));
    PTM_TRY(ptm_program_shrink(p, keep, n, err));
    return program_size(&o->after, p, err);
}

/* --passes, --only and --disable to the recipe. */
static enum ptm_status choose_passes(struct optimize *o, struct ptm_err *err)
{
    const struct str_list *names = o->only.n ? &o->only : &o->disable;
    const char *text = o->passes ? o->passes : "default";
    if ((o->passes != NULL) + (o->only.n != 0) + (o->disable.n != 0) > 1)
        return ptm_fail(err, PTM_ERR_ARG, "give one of --passes, --only and --disable");
    if (names->n) {
        size_t size = 1, at = 0;
        for (size_t i = 0; i < names->n; i++)
            size += strlen(names->v[i]) + 2;
        char *list = ptm_arena_alloc(&o->arena, size);
        if (!list)
            return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the list of passes");
        for (size_t i = 0; i < names->n; i++)
            at += (size_t)snprintf(list + at, size - at, "%s%s%s", i ? "," : "",
                                   o->only.n ? "" : "-", names->v[i]);
        text = list;
    }
    PTM_TRY(ptm_recipe_parse(text, &o->arena, &o->recipe, err));
    if (!o->dump_after)
        return PTM_OK;
    for (size_t i = 0; i < o->recipe.n; i++)
        if (!strcmp(o->recipe.name[i], o->dump_after))
            return PTM_OK;
    return ptm_fail(err, PTM_ERR_ARG, "--dump-after %.60s: %s; 'ptm passes' lists them",
                    o->dump_after,
                    ptm_pass_by_name(o->dump_after) ? "the pass does not run" : "no such pass");
}

/* One call of the method in a new session; backend NULL: reference kernels. */
static enum ptm_status call(struct optimize *o, const struct ptm_recipe *recipe,
                            const char *backend, struct ptm_session **s, struct ptm_ival *result,
                            struct ptm_err *err)
{
    struct ptm_config config = {.seed = (uint64_t)o->in.seed,
                                .max_steps = (uint64_t)o->max_steps,
                                .backend = backend,
                                .recipe = recipe};
    PTM_TRY(ptm_session_open(s, o->model, &config, err));
    return calls_run(&o->calls[0], 0, *s, result, err);
}

/* Each pass by itself, so that the one that is wrong is named; then the whole, on the inputs. */
static enum ptm_status verify(struct optimize *o, const struct ptm_session *s,
                              struct ptm_ival given, struct ptm_ival result, struct ptm_err *err)
{
    say(o, "verifying");
    PTM_TRY(optimised_verify(&o->passes_did, s, o->tolerance, (uint64_t)o->in.seed, err));
    PTM_TRY(results_differ(given, result, &o->moved, &o->arena, err));
    double tolerance = o->tolerance > 0 ? o->tolerance : DEFAULT_TOLERANCE;
    if (!(o->moved <= tolerance))
        return ptm_fail(err, PTM_ERR_NUMERIC,
                        "the passes moved an output of '%s' by %.3g of its largest number, "
                        "%.3g is allowed",
                        o->method, o->moved, tolerance);
    return PTM_OK;
}

/* Without and with the recipe. */
static enum ptm_status measure(struct optimize *o, struct ptm_session **before,
                               struct ptm_session **after, struct ptm_err *err)
{
    static const struct ptm_recipe nothing = {0};
    struct ptm_ival given, result;
    say(o, "running");
    PTM_TRY(call(o, &nothing, NULL, before, &given, err));
    PTM_TRY(measured_make(&o->given, *before, &o->arena, err));
    say(o, "running the passes");
    PTM_TRY(call(o, &o->recipe, NULL, after, &result, err));
    PTM_TRY(measured_make(&o->optimised, *after, &o->arena, err));
    PTM_TRY(optimised_make(&o->passes_did, *after, &o->recipe, &o->arena, err));
    if (o->verify)
        PTM_TRY(verify(o, *after, given, result, err));
    if (o->dump_after)
        PTM_TRY(optimised_dump_after(*after, &o->recipe, o->dump_after, stdout, err));
    PTM_TRY(calls_make_entries(o, *after, err));
    say(o, "");
    return ptm_saved_export(*after, &o->m->program, err);
}

static enum ptm_status save(struct optimize *o, struct ptm_err *err)
{
    struct stat st;
    struct ptm_save_options options = {.recipe = &o->recipe,
                                       .provenance = &o->provenance,
                                       .packs = o->packed ? o->m->packs : NULL,
                                       .compress = o->compress,
                                       .strip_debug = o->strip_debug,
                                       .did = &o->saved,
                                       .progress = written,
                                       .ud = o};
    o->percent = -1;
    PTM_TRY(ptm_save(&o->m->program, o->output, &options, err));
    if (stat(o->output, &st) == 0 && S_ISREG(st.st_mode))
        o->file_bytes = (uint64_t)st.st_size;
    return PTM_OK;
}

static enum ptm_status close_program(struct optimize *o, struct ptm_err *err)
{
    struct ptm_program *p = &o->m->program;
    if (!p->saved->n_entries)
        return ptm_fail(err, PTM_ERR_UNSUPPORTED,
                        "--closed: what '%s' gives or remembers cannot be written without its "
                        "program", o->method);
    PTM_TRY(ptm_program_close(p, err));
    return program_size(&o->after, p, err);
}

/* With --packed: as long as a session on the cpu backend lives, so do its packed weights. */
static enum ptm_status pack_and_save(struct optimize *o, struct ptm_err *err)
{
    struct ptm_session *s = NULL;
    struct ptm_packs_stats packs;
    struct ptm_ival result;
    enum ptm_status rc = PTM_OK;
    if (o->packed) {
        say(o, "packing");
        rc = call(o, &o->recipe, "cpu", &s, &result, err);
        ptm_packs_stats(o->m->packs, &packs);
        o->packed_bytes = packs.bytes + packs.file_bytes;
    }
    if (!rc && o->closed)
        rc = close_program(o, err);
    if (!rc)
        rc = save(o, err);
    ptm_session_close(s);
    return rc;
}

/* The entries' graphs are the session's: the file is written before it closes. */
static enum ptm_status try_and_save(struct optimize *o, struct ptm_err *err)
{
    struct ptm_session *before = NULL, *after = NULL;
    enum ptm_status rc = o->not_measured[0] ? PTM_OK : measure(o, &before, &after, err);
    if (!rc)
        rc = pack_and_save(o, err);
    ptm_session_close(before);
    ptm_session_close(after);
    return rc;
}

static enum ptm_status bind(struct optimize *o, struct ptm_err *err)
{
    struct ptm_err why = {0};
    bool given = o->in.inputs.n + o->in.shapes.n != 0 || o->in.bundled >= 0;
    enum ptm_status rc = calls_bind(o, &why);
    if (rc && (given || rc != PTM_ERR_ARG))
        return ptm_fail(err, rc, "%s", why.msg);
    const char *wants = o->verify       ? "verify"
                        : o->dump_after ? "dump-after"
                        : o->packed     ? "packed"
                        : o->closed     ? "closed"
                                        : NULL;
    if (rc && wants)
        return ptm_fail(err, rc, "--%s needs inputs: %s", wants, why.msg);
    if (rc)
        snprintf(o->not_measured, sizeof(o->not_measured), "%s", why.msg);
    return PTM_OK;
}

/* An output that cannot be written is told before the work, not after it. */
static enum ptm_status try_output(const struct optimize *o, struct ptm_err *err)
{
    struct stat st;
    struct ptm_sink *sink = NULL;
    if (stat(o->output, &st) == 0 && !S_ISREG(st.st_mode))
        return PTM_OK;
    PTM_TRY(ptm_sink_open(&sink, o->output, err));
    ptm_sink_drop(sink);
    return PTM_OK;
}

static enum ptm_status work(struct optimize *o, struct ptm_model *m, struct ptm_err *err)
{
    const struct ptm_function *fn;
    if (m->program.closed)
        return ptm_fail(err, PTM_ERR_UNSUPPORTED,
                        "'%s' is a closed file, which has no program to optimise: begin with what "
                        "it was made from%s%s", m->path, m->provenance.source ? ", " : "",
                        m->provenance.source ? m->provenance.source : "");
    o->model = o->m = m;
    m->program.saved = NULL; /* those of a .ptm file: made anew */
    PTM_TRY(choose_passes(o, err));
    PTM_TRY(method_find(m, o->method, &fn, err));
    PTM_TRY(try_output(o, err));
    PTM_TRY(set_provenance(o, m, err));
    o->n_training = ptm_program_eval(&m->program, &o->n_modules);
    PTM_TRY(prune(o, m, err));
    PTM_TRY(bind(o, err));
    PTM_TRY(try_and_save(o, err));
    say(o, "");
    if (!o->quiet && !o->dump_after && !(o->json && !strcmp(o->json, "-")))
        optimize_print(o);
    return o->json ? cmd_write_json(optimize_json(o), o->json, err) : PTM_OK;
}

static enum ptm_status guarded(struct optimize *o, struct ptm_model *m, struct ptm_err *err)
{
    struct ptm_map_guard guard;
    if (PTM_MAP_GUARD(&guard))
        return ptm_map_shrank(err);
    enum ptm_status rc = work(o, m, err);
    ptm_map_guard_end(&guard);
    if (rc)
        say(o, "");
    return rc;
}

int cmd_optimize(int argc, char **argv)
{
    struct optimize o = {.method = "forward", .in.bundled = -1};
    bool list = false;
    const struct opt table[] = {
        {"output", 'o', OPT_STR, &o.output, "OUT.ptm", "the file to write"},
        INPUT_OPTS(o.in),
        {"method", 'm', OPT_LIST, &o.methods, "NAME",
         "method that the inputs are for (forward); may be repeated"},
        {"preserve", 0, OPT_LIST, &o.preserve, "METHOD",
         "drop all methods but forward, these, and those of stored inputs"},
        {"passes", 0, OPT_STR, &o.passes, "default|none|LIST",
         "graph passes: NAME,... or all but -NAME,... (default; see 'ptm passes')"},
        {"only", 0, OPT_LIST, &o.only, "PASS", "only this pass; may be repeated"},
        {"disable", 0, OPT_LIST, &o.disable, "PASS", "all but this pass; may be repeated"},
        {"list-passes", 0, OPT_FLAG, &list, NULL, "list the passes in their order, and stop"},
        {"verify", 0, OPT_FLAG, &o.verify, NULL,
         "run before and after each pass on the reference kernels; exit code 1, naming the pass, "
         "when it moved an output"},
        {"tolerance", 0, OPT_REAL, &o.tolerance, "X",
         "--verify allows differences of X times an output's largest number (1e-4)"},
        {"dump-after", 0, OPT_STR, &o.dump_after, "PASS",
         "print the graphs as they are each time the pass has run"},
        {"closed", 0, OPT_FLAG, &o.closed, NULL,
         "without the program: smaller, but only calls like those of the inputs given can run"},
        {"compress", 0, OPT_FLAG, &o.compress, NULL,
         "weights with zstd: a smaller file, which is unpacked when it is opened"},
        {"packed", 0, OPT_FLAG, &o.packed, NULL,
         "also weights as the cpu backend's kernels for this processor read them: larger, but "
         "nothing is packed at start"},
        CPU_OPT(o.cpu),
        {"strip-debug", 0, OPT_FLAG, &o.strip_debug, NULL,
         "without lines of the source: smaller, but errors no longer tell the place"},
        {"max-steps", 0, OPT_COUNT, &o.max_steps, "N",
         "stop a call after N interpreted instructions (1000000000)"},
        {"json", 0, OPT_STR, &o.json, "FILE|-", "write the summary as JSON (ptm.optimize/1)"},
        {"quiet", 'q', OPT_FLAG, &o.quiet, NULL, "print no summary"},
        {0},
    };
    struct str_list words = {0};
    struct ptm_model *m = NULL;
    struct ptm_err err = {0};
    int rc = opts_parse(&usage, table, argc, argv, &words);
    if (rc < 0 && list)
        rc = cmd_passes(1, (char *[]){(char[]){"passes"}, NULL});
    if (rc < 0 && !words.n)
        rc = cmd_usage("optimize", "MODEL is missing");
    if (rc < 0 && !o.output)
        rc = cmd_usage("optimize", "-o OUT.ptm is missing");
    if (rc < 0)
        rc = cmd_cpu("optimize", o.cpu);
    if (rc < 0) {
        if (o.methods.n)
            o.method = o.methods.v[0];
        o.command = command_line(&o.arena, argc, argv);
        enum ptm_status status = cmd_open(&m, words.v[0], &err);
        if (status == PTM_OK)
            status = guarded(&o, m, &err);
        rc = status ? cmd_fail("optimize", &err) : EXIT_DONE;
    }
    calls_release(&o);
    ptm_arena_release(&o.arena);
    ptm_model_close(m);
    str_list_free(&words);
    str_list_free(&o.in.inputs);
    str_list_free(&o.in.shapes);
    str_list_free(&o.methods);
    str_list_free(&o.preserve);
    str_list_free(&o.only);
    str_list_free(&o.disable);
    return rc;
}
