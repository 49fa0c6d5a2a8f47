/* SPDX-License-Identifier: BSD-2-Clause */
/* ptm strip-unused-ops: what models need of PyTorch and of ptm, and a file with nothing else. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cjson/cJSON.h>

#include "cmd/build_small.h"
#include "cmd/cmd.h"
#include "cmd/selection.h"
#include "formats/ptm_write.h"
#include "libcore/map.h"
#include "libcore/passes.h"
#include "libcore/program_edit.h"
#include "libcore/saved.h"

static const struct usage usage = {
    .command = "strip-unused-ops",
    .synopsis = "MODEL... [-o OUT.ptm] [--ops-yaml FILE] [--json FILE|-] [OPTION]...",
    .summary = "Lists the operators, kernels and dtypes that models need; writes a file without the "
               "rest.",
    .notes = "--ops-yaml is what SELECTED_OP_LIST of PyTorch's mobile build takes. With inputs (those"
             " stored in\nthe model, if there are no others) a call tells the overloads, and which "
             "kernels run; without\nthem, operators whose overload is open keep all. -o also drops "
             "methods but forward and those\nnamed by --preserve, what they do not reach in eval mode, "
             "and lines of the source. --build\nwrites DIR/model.ptm, closed and optimised, and a program for "
             "it: main.c, selected.c, libptm_small.a.\n" INPUT_HELP,
    .examples = "ptm strip-unused-ops model.pt --input-shape 1,3,224,224 --ops-yaml ops.yaml\n"
                "ptm strip-unused-ops model.pt -o small.ptm\n",
    .min_words = 1,
    .max_words = SELECTION_MODELS,
    .word = "MODEL",
};

struct strip {
    struct input_opts in;
    const char *output, *yaml, *json, *method, *backend, *build;
    struct str_list preserve;
    bool quiet;
    int64_t max_steps;
    /* made */
    struct selection selection;
    struct small_build small;
    uint64_t bytes_before, bytes_after;
    uint32_t functions[2], classes[2], objects[2], positions[2]; /* before, after */
};

static void count(struct strip *o, const struct ptm_program *p, int when)
{
    o->functions[when] = p->n_fns;
    o->classes[when] = p->n_classes;
    o->objects[when] = p->n_objects;
    o->positions[when] = p->n_pos;
}

static enum ptm_status prune(struct strip *o, struct ptm_model *m, struct ptm_err *err)
{
    const struct ptm_function *fn;
    struct str_list keep = {0};
    enum ptm_status rc = PTM_OK;
    bool ok = str_list_add(&keep, "forward") && str_list_add(&keep, o->method);
    for (size_t i = 0; i < o->preserve.n && !rc; i++) {
        rc = method_find(m, o->preserve.v[i], &fn, err);
        ok &= str_list_add(&keep, o->preserve.v[i]);
    }
    if (!ok)
        rc = ptm_fail(err, PTM_ERR_MEMORY, "no memory for the methods");
    count(o, &m->program, 0);
    if (!rc)
        rc = ptm_program_shrink(&m->program, keep.v, keep.n, err);
    count(o, &m->program, 1);
    str_list_free(&keep);
    return rc;
}

/* The stripped file. What the recipe of a .ptm does to graphs it goes on doing. */
static enum ptm_status save(struct strip *o, struct ptm_model *m, struct ptm_err *err)
{
    struct stat st;
    struct ptm_save_options options = {
        .recipe = m->recipe, .provenance = &m->provenance, .strip_debug = true};
    o->bytes_before = m->n_bytes;
    PTM_TRY(ptm_save(&m->program, o->output, &options, err));
    o->positions[1] = 0;
    if (stat(o->output, &st) == 0 && S_ISREG(st.st_mode))
        o->bytes_after = (uint64_t)st.st_size;
    return PTM_OK;
}

/* DIR/model.ptm: the model optimised, with the call on the inputs as an entry. */
static enum ptm_status save_closed(struct strip *o, struct ptm_model *m, const struct inputs *in,
                                   const char *path, struct ptm_err *err)
{
    struct ptm_arena arena = {0};
    struct ptm_session *s = NULL;
    struct ptm_recipe all = {0};
    struct ptm_ival *args, result;
    size_t n_args;
    enum ptm_status rc = ptm_recipe_parse("default", &arena, &all, err);
    struct ptm_config config = {.seed = (uint64_t)o->in.seed,
                                .max_steps = (uint64_t)o->max_steps,
                                .recipe = m->recipe ? m->recipe : &all};
    struct ptm_save_options options = {.recipe = config.recipe, .provenance = &m->provenance,
                                       .strip_debug = true};
    if (!rc)
        rc = ptm_session_open(&s, m, &config, err);
    for (size_t k = 0; k < in->n_runs && !rc; k++) {
        rc = inputs_make(in, k, &arena, &args, &n_args, err);
        if (!rc)
            rc = inputs_run(in, s, args, n_args, &result, err);
    }
    if (!rc)
        rc = ptm_saved_export(s, &m->program, err);
    if (!rc && !m->program.saved->n_entries)
        rc = ptm_fail(err, PTM_ERR_UNSUPPORTED,
                      "--build: '%s' reads tensor data to go on, so it needs the interpreter in every "
                      "call, which a small build has not",
                      o->method);
    if (!rc)
        rc = ptm_program_close(&m->program, err);
    if (!rc)
        rc = ptm_save(&m->program, path, &options, err);
    ptm_session_close(s);
    ptm_arena_release(&arena);
    return rc;
}

/* What the written file runs is what the small build must have. */
static enum ptm_status build(struct strip *o, const char *path, const struct inputs *in,
                             struct ptm_err *err)
{
    struct ptm_model *m = NULL;
    struct selection needs = {0};
    struct ptm_config config = {.seed = (uint64_t)o->in.seed, .backend = "cpu"};
    enum ptm_status rc = cmd_open(&m, path, err);
    if (!rc)
        rc = selection_add(&needs, m, in, &config, err);
    if (!rc) {
        o->small.folder = o->build;
        rc = small_build_make(&o->small, &needs, in, err);
    }
    selection_release(&needs);
    ptm_model_close(m);
    return rc;
}

static enum ptm_status make_folder(const char *path, struct ptm_err *err)
{
    struct stat st;
    if (mkdir(path, 0777) == 0) {
        sig_remove_folder(path); /* while it is empty */
        return PTM_OK;
    }
    if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return PTM_OK;
    return ptm_fail(err, PTM_ERR_IO, "cannot make the folder '%.300s': %s", path, strerror(errno));
}

static enum ptm_status build_with(struct strip *o, struct ptm_model *m, const struct inputs *in,
                                  struct ptm_err *err)
{
    char path[1200];
    snprintf(path, sizeof(path), "%.1000s/model.ptm", o->build);
    PTM_TRY(make_folder(o->build, err));
    PTM_TRY(save_closed(o, m, in, path, err));
    return build(o, path, in, err);
}

static enum ptm_status add(struct strip *o, struct ptm_model *m, struct ptm_err *err)
{
    struct ptm_config config = {.seed = (uint64_t)o->in.seed,
                                .max_steps = (uint64_t)o->max_steps,
                                .backend = o->backend,
                                .recipe = m->recipe};
    struct inputs inputs = {0};
    struct ptm_err why = {0};
    bool given = o->in.inputs.n + o->in.shapes.n != 0 || o->in.bundled >= 0;
    uint32_t modules;
    ptm_program_eval(&m->program, &modules);
    m->program.saved = NULL; /* made anew */
    if (o->output || o->build)
        PTM_TRY(prune(o, m, err));
    enum ptm_status rc = inputs_bind(&inputs, m, o->method, &o->in, true, &why);
    bool called = !rc;
    if (rc && (given || rc != PTM_ERR_ARG))
        rc = ptm_fail(err, rc, "%s", why.msg);
    else
        rc = selection_add(&o->selection, m, called ? &inputs : NULL, &config, err);
    if (!rc && o->output)
        rc = save(o, m, err);
    if (!rc && o->build) /* the last: it closes the program */
        rc = called ? build_with(o, m, &inputs, err)
                    : ptm_fail(err, PTM_ERR_ARG, "--build needs inputs: %s", why.msg);
    inputs_release(&inputs);
    return rc;
}

static enum ptm_status add_guarded(struct strip *o, struct ptm_model *m, struct ptm_err *err)
{
    struct ptm_map_guard guard;
    if (PTM_MAP_GUARD(&guard))
        return ptm_map_shrank(err);
    enum ptm_status rc = add(o, m, err);
    ptm_map_guard_end(&guard);
    return rc;
}

static enum ptm_status add_model(struct strip *o, const char *path, struct ptm_err *err)
{
    struct ptm_model *m = NULL;
    struct ptm_err why = {0};
    enum ptm_status rc = cmd_open(&m, path, &why);
    if (!rc)
        rc = add_guarded(o, m, &why);
    ptm_model_close(m);
    if (!rc)
        return PTM_OK;
    return strstr(why.msg, path) ? ptm_fail(err, rc, "%s", why.msg)
                                 : ptm_fail(err, rc, "'%.200s': %s", path, why.msg);
}

static enum ptm_status write_yaml(const struct strip *o, struct ptm_err *err)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    if (f)
        selection_yaml(&o->selection, f);
    if (!f || fclose(f)) {
        free(text);
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the list of operators");
    }
    enum ptm_status rc = cmd_write_text(text, n, o->yaml, err);
    free(text);
    return rc;
}

static cJSON *document(const struct strip *o)
{
    cJSON *doc = selection_json(&o->selection);
    if (!o->build) {
        cJSON_AddNullToObject(doc, "build");
    } else {
        cJSON *j = cJSON_AddObjectToObject(doc, "build");
        cJSON_AddStringToObject(j, "folder", o->small.folder);
        cJSON_AddBoolToObject(j, "built", o->small.built);
        cJSON_AddItemToObject(j, "program_bytes", json_int((int64_t)o->small.program_bytes));
        cJSON_AddItemToObject(j, "library_bytes", json_int((int64_t)o->small.library_bytes));
    }
    if (!o->output) {
        cJSON_AddNullToObject(doc, "stripped");
        return doc;
    }
    static const char *const when[] = {"before", "after"};
    cJSON *stripped = cJSON_AddObjectToObject(doc, "stripped");
    cJSON_AddStringToObject(stripped, "path", o->output);
    for (int i = 0; i < 2; i++) {
        cJSON *j = cJSON_AddObjectToObject(stripped, when[i]);
        cJSON_AddItemToObject(j, "file_bytes",
                              json_int((int64_t)(i ? o->bytes_after : o->bytes_before)));
        cJSON_AddNumberToObject(j, "functions", o->functions[i]);
        cJSON_AddNumberToObject(j, "classes", o->classes[i]);
        cJSON_AddNumberToObject(j, "objects", o->objects[i]);
        cJSON_AddNumberToObject(j, "positions", o->positions[i]);
    }
    return doc;
}

static void print_build(const struct small_build *s)
{
    char a[40], b[40];
    if (s->built)
        printf("%s: small, %s stripped, and libptm_small.a, %s; ./small model.ptm FILE... runs it\n",
               s->folder, text_bytes(s->program_bytes, a, sizeof(a)),
               text_bytes(s->library_bytes, b, sizeof(b)));
    else
        printf("%s: written, not built: %s; 'make' there builds it\n", s->folder, s->why);
}

static void print(const struct strip *o)
{
    char a[40], b[40];
    selection_print(&o->selection, stdout);
    if (o->build)
        print_build(&o->small);
    if (!o->output)
        return;
    printf("%s: %s, was %s\n", o->output, text_bytes(o->bytes_after, a, sizeof(a)),
           text_bytes(o->bytes_before, b, sizeof(b)));
    printf("  functions %u of %u, classes %u of %u, objects %u of %u, source lines %u of %u\n",
           (unsigned)o->functions[1], (unsigned)o->functions[0], (unsigned)o->classes[1],
           (unsigned)o->classes[0], (unsigned)o->objects[1], (unsigned)o->objects[0],
           (unsigned)o->positions[1], (unsigned)o->positions[0]);
}

static enum ptm_status work(struct strip *o, const struct str_list *models, struct ptm_err *err)
{
    for (size_t i = 0; i < models->n; i++)
        PTM_TRY(add_model(o, models->v[i], err));
    selection_sort(&o->selection);
    if (o->yaml)
        PTM_TRY(write_yaml(o, err));
    bool to_stdout = (o->json && !strcmp(o->json, "-")) || (o->yaml && !strcmp(o->yaml, "-"));
    if (!o->quiet && !to_stdout)
        print(o);
    return o->json ? cmd_write_json(document(o), o->json, err) : PTM_OK;
}

int cmd_strip(int argc, char **argv)
{
    struct strip o = {.method = "forward", .backend = "cpu", .in.bundled = -1};
    const struct opt table[] = {
        {"output", 'o', OPT_STR, &o.output, "OUT.ptm", "write the model, stripped (one MODEL)"},
        {"ops-yaml", 0, OPT_STR, &o.yaml, "FILE|-", "PyTorch's operators as YAML"},
        {"json", 0, OPT_STR, &o.json, "FILE|-", "all of it as JSON (ptm.selection/1)"},
        {"build", 0, OPT_STR, &o.build, "DIR",
         "write and make a small program there with the kernels that the inputs' call needs (one "
         "MODEL)"},
        {"preserve", 0, OPT_LIST, &o.preserve, "METHOD", "with -o, --build: keep this method as well"},
        INPUT_OPTS(o.in),
        {"method", 'm', OPT_STR, &o.method, "NAME", "method that the inputs are for (forward)"},
        {"backend", 0, OPT_STR, &o.backend, "NAME", "whose kernels are listed (cpu)"},
        {"max-steps", 0, OPT_COUNT, &o.max_steps, "N",
         "stop a call after N interpreted instructions (1000000000)"},
        {"quiet", 'q', OPT_FLAG, &o.quiet, NULL, "print no list"},
        {0},
    };
    struct str_list words = {0};
    struct ptm_err err = {0};
    int rc = opts_parse(&usage, table, argc, argv, &words);
    if (rc < 0 && (o.output || o.build) && words.n > 1)
        rc = cmd_usage("strip-unused-ops", "%s is for one MODEL, %zu given",
                       o.output ? "-o" : "--build", words.n);
    if (rc < 0)
        rc = cmd_backend("strip-unused-ops", o.backend, 1);
    if (rc < 0)
        rc = work(&o, &words, &err) ? cmd_fail("strip-unused-ops", &err) : EXIT_DONE;
    selection_release(&o.selection);
    str_list_free(&words);
    str_list_free(&o.in.inputs);
    str_list_free(&o.in.shapes);
    str_list_free(&o.preserve);
    return rc;
}
