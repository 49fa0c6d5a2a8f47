/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptm optimize: puts a model in eval mode, drops what no method reaches, and writes it as a .ptm
 * file. With inputs it is run before and after, and what changed is shown.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/optimize.h"
#include "formats/ptm_write.h"
#include "libcore/map.h"
#include "libcore/program_edit.h"
#include "libcore/sha256.h"
#include "libcore/sink.h"

static const struct usage usage = {
    .command = "optimize",
    .synopsis = "MODEL -o OUT.ptm [--input-shape DIMS | --input SPEC]... [OPTION]...",
    .summary = "Makes a model smaller and faster, and writes it as a .ptm file, which every "
               "command reads.",
    .notes = "The file holds the program and its weights, and serves every input size. Modules are "
             "put in\neval mode; what no method reaches is dropped. With inputs (those stored in "
             "the model, if\nthere are no others) the summary tells nodes, MACs and "
             "memory.\n" INPUT_HELP,
    .max_words = 1,
    .word = "MODEL",
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
    o->before = (struct program_size){p->n_fns, p->n_classes, p->n_objects};
    PTM_TRY(ptm_program_prune(p, keep, n, err));
    o->after = (struct program_size){p->n_fns, p->n_classes, p->n_objects};
    return PTM_OK;
}

/* One call of the method. */
static enum ptm_status measure(struct optimize *o, const struct ptm_model *m, struct measured *out,
                               struct ptm_err *err)
{
    struct ptm_arena arena = {0};
    struct ptm_session *s = NULL;
    struct ptm_ival *args, result;
    size_t n_args;
    struct ptm_config config = {.seed = (uint64_t)o->in.seed, .max_steps = (uint64_t)o->max_steps};
    PTM_TRY(ptm_session_open(&s, m, &config, err));
    enum ptm_status rc = inputs_make(&o->inputs, 0, &arena, &args, &n_args, err);
    if (rc == PTM_OK)
        rc = ptm_session_run(s, o->method, args, n_args, &result, err);
    if (rc == PTM_OK)
        rc = measured_make(out, s, &o->arena, err);
    ptm_session_close(s);
    ptm_arena_release(&arena);
    return rc;
}

static enum ptm_status bind(struct optimize *o, const struct ptm_model *m, struct ptm_err *err)
{
    struct ptm_err why = {0};
    bool given = o->in.inputs.n + o->in.shapes.n != 0 || o->in.bundled >= 0;
    enum ptm_status rc = inputs_bind(&o->inputs, m, o->method, &o->in, true, &why);
    if (rc && (given || rc != PTM_ERR_ARG))
        return ptm_fail(err, rc, "%s", why.msg);
    if (rc)
        snprintf(o->not_measured, sizeof(o->not_measured), "%s", why.msg);
    return PTM_OK;
}

static enum ptm_status save(struct optimize *o, const struct ptm_model *m, struct ptm_err *err)
{
    struct stat st;
    struct ptm_save_options options = {.recipe = m->recipe,
                                       .provenance = &o->provenance,
                                       .compress = o->compress,
                                       .strip_debug = o->strip_debug,
                                       .progress = written,
                                       .ud = o};
    o->percent = -1;
    PTM_TRY(ptm_save(&m->program, o->output, &options, err));
    if (stat(o->output, &st) == 0 && S_ISREG(st.st_mode))
        o->file_bytes = (uint64_t)st.st_size;
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
    o->model = m;
    PTM_TRY(method_find(m, o->method, &fn, err));
    PTM_TRY(try_output(o, err));
    PTM_TRY(set_provenance(o, m, err));
    o->n_training = ptm_program_eval(&m->program, &o->n_modules);
    PTM_TRY(prune(o, m, err));
    PTM_TRY(bind(o, m, err));
    if (!o->not_measured[0]) {
        say(o, "running");
        PTM_TRY(measure(o, m, &o->given, err));
    }
    PTM_TRY(save(o, m, err));
    say(o, "");
    if (!o->json || strcmp(o->json, "-") != 0)
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
    const struct opt table[] = {
        {"output", 'o', OPT_STR, &o.output, "OUT.ptm", "the file to write"},
        INPUT_OPTS(o.in),
        {"method", 'm', OPT_STR, &o.method, "NAME", "method that the inputs are for (forward)"},
        {"preserve", 0, OPT_LIST, &o.preserve, "METHOD",
         "drop all methods but forward, these, and those of stored inputs"},
        {"compress", 0, OPT_FLAG, &o.compress, NULL,
         "weights with zstd: a smaller file, which is unpacked when it is opened"},
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
    if (rc < 0 && !words.n)
        rc = cmd_usage("optimize", "MODEL is missing");
    if (rc < 0 && !o.output)
        rc = cmd_usage("optimize", "-o OUT.ptm is missing");
    if (rc < 0) {
        o.command = command_line(&o.arena, argc, argv);
        enum ptm_status status = cmd_open(&m, words.v[0], &err);
        if (status == PTM_OK)
            status = guarded(&o, m, &err);
        rc = status ? cmd_fail("optimize", &err) : EXIT_DONE;
    }
    inputs_release(&o.inputs);
    ptm_arena_release(&o.arena);
    ptm_model_close(m);
    str_list_free(&words);
    str_list_free(&o.in.inputs);
    str_list_free(&o.in.shapes);
    str_list_free(&o.preserve);
    return rc;
}
