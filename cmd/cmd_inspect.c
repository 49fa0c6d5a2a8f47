/* SPDX-License-Identifier: BSD-2-Clause */
/* ptm inspect: what is inside a model, what it costs, what is not supported. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "bench/zoo.h"
#include "cmd/cmd.h"
#include "cmd/cost.h"
#include "cmd/entries.h"
#include "cmd/input.h"
#include "cmd/optimised.h"
#include "cmd/placement.h"
#include "cmd/survey.h"
#include "libcore/map.h"

static const struct usage usage = {
    .command = "inspect",
    .synopsis = "MODEL [--input-shape DIMS | --input SPEC]... [OPTION]...",
    .summary = "Shows what is inside a model, what it costs, and what is not supported.",
    .notes = "With inputs, the method runs once on them: nodes, MACs and memory are those of that "
             "call; with --backend also which backend runs which of them, and why.\n" INPUT_HELP,
    .max_words = 1,
    .min_words = 1,
    .word = "MODEL",
    .examples = "ptm inspect model.pt\n"
                "ptm inspect model.pt --input-shape 1,3,224,224 --optimize --backend cpu\n",
};

struct inspect {
    struct input_opts in;
    const char *method, *json, *dump, *passes, *dump_after, *backend, *cpu;
    bool lint, verbose, optimize, verify;
    int64_t max_steps;
    /* made */
    struct survey survey;
    struct inputs inputs;
    struct ptm_session *session;
    struct cost cost;
    struct placement placement;
    bool have_cost;
    struct ptm_recipe room;
    const struct ptm_recipe *recipe; /* NULL: no passes */
    struct optimised optimised;
    struct ptm_arena arena;
    struct findings findings;
};

/* -- text -- */

static void print_methods(const struct ptm_program *p)
{
    char text[2000];
    const struct ptm_class *root = p->root->cls;
    puts("methods");
    for (uint32_t i = 0; i < root->n_methods; i++) {
        const struct ptm_function *fn = &p->fn[root->method[i]];
        if (method_public(fn->name))
            printf("  %s\n", signature(p, fn, text, sizeof(text)));
    }
    if (ptm_class_method(p, root, "get_all_bundled_inputs") != UINT32_MAX)
        puts("  inputs are stored in the file: --input @bundled");
}

static void print_tensors(const struct survey *s)
{
    char a[40], b[40];
    for (int r = 0; r < N_ROLES; r++) {
        for (int d = 0; d <= PTM_BF16; d++) {
            const struct dtype_sum *sum = &s->sum[r][d];
            if (!sum->tensors)
                continue;
            printf("%-11s %s %s in %" PRIu64 " tensors, %s\n", role_name((enum tensor_role)r),
                   ptm_dtype_name((enum ptm_dtype)d), text_count(sum->elements, a, sizeof(a)),
                   sum->tensors, text_bytes(sum->bytes, b, sizeof(b)));
        }
    }
}

static void print_modules(const struct survey *s, bool all)
{
    enum { SHOWN = 12 };
    printf("modules     %" PRIu32 "\n", s->n_modules);
    for (size_t i = 0; i < s->n_classes; i++) {
        if (i == SHOWN && !all) {
            printf("         and %zu more classes (-v shows all)\n", s->n_classes - i);
            break;
        }
        printf("  %6" PRIu32 "  %s\n", s->cls[i].n, s->cls[i].name);
    }
}

static void print_ops(const struct survey *s, bool all, bool ran)
{
    enum { SHOWN = 25 };
    char place[600];
    size_t rest = 0;
    printf("operators   %zu, by the places in the code that a method reaches\n", s->n_ops);
    for (size_t i = s->n_missing; i < s->n_ops; i++) {
        const struct op_use *u = &s->op[i];
        if (i - s->n_missing >= SHOWN && !all) {
            rest++;
            continue;
        }
        printf("  %6" PRIu32 "  %s%s%s\n", u->n, u->name, u->overload && *u->overload ? "." : "",
               u->overload ? u->overload : "");
    }
    if (rest)
        printf("         and %zu more (-v shows all)\n", rest);
    if (!s->n_missing) {
        puts("missing     none: every operator is supported");
        return;
    }
    printf("missing     %zu operator%s not supported%s\n", s->n_missing,
           s->n_missing == 1 ? " is" : "s are", ran ? "; this call went without" : "");
    for (size_t i = 0; i < s->n_missing; i++) {
        const struct op_use *u = &s->op[i];
        printf("  %6" PRIu32 "  %s%s%s\n", u->n, u->name, u->overload && *u->overload ? "." : "",
               u->overload ? u->overload : "");
        for (size_t k = 0; k < MAX_PLACES && k < u->n; k++)
            printf("          %s%s%s\n", place_name(u->place[k], place, sizeof(place)),
                   u->place[k]->src_text ? "  " : "",
                   u->place[k]->src_text ? u->place[k]->src_text : "");
        if (u->n > MAX_PLACES)
            printf("          and %" PRIu32 " more places\n", u->n - MAX_PLACES);
    }
}

static void print_findings(const struct findings *f)
{
    if (!f->n)
        puts("lint        nothing found");
    for (size_t i = 0; i < f->n; i++)
        printf("%s: %s [%s]\n", severity_name((enum severity)f->v[i].severity), f->v[i].text,
               f->v[i].rule);
}

static void print_provenance(const struct ptm_model *m)
{
    const struct ptm_provenance *from = &m->provenance;
    char size[40];
    if (from->source)
        printf("made from   %s, %s, sha256 %s\n", from->source,
               text_bytes(from->source_bytes, size, sizeof(size)),
               from->source_sha256 ? from->source_sha256 : "unknown");
    if (from->command)
        printf("made by     %s\n", from->command);
    if (!m->recipe)
        return;
    printf("recipe      ");
    for (size_t i = 0; i < m->recipe->n; i++)
        printf("%s%s", i ? ", " : "", m->recipe->name[i]);
    puts(m->recipe->n ? "" : "no passes");
}

static void print_all(const struct inspect *o)
{
    const struct survey *s = &o->survey;
    const struct ptm_model *m = s->model;
    char size[40];
    printf("%s: %s, %s", m->path, m->program.producer ? m->program.producer : m->format->name,
           text_bytes(m->n_bytes, size, sizeof(size)));
    if (m->program.op_version)
        printf(", operator version %" PRId64, m->program.op_version);
    putchar('\n');
    print_provenance(m);
    print_methods(&m->program);
    entries_print(&m->program);
    print_tensors(s);
    print_modules(s, o->verbose);
    if (!m->program.closed) {
        print_ops(s, o->verbose, o->have_cost);
        printf("source map  %" PRIu32 " of %" PRIu32 " places name their Python line\n",
               s->n_source_positions, s->n_positions);
    }
    if (s->n_training)
        printf("training    %" PRIu32 " of %" PRIu32 " modules: saved without eval()\n",
               s->n_training, s->n_modules);
    if (o->have_cost)
        cost_print(&o->cost, o->verbose);
    if (o->have_cost && o->backend)
        placement_print(&o->placement, o->verbose);
    if (o->have_cost && o->recipe)
        optimised_print(&o->optimised);
    if (o->lint)
        print_findings(&o->findings);
}

/* -- JSON: bench/inspect.schema.json -- */

static cJSON *methods_json(const struct ptm_program *p)
{
    char text[2000];
    cJSON *list = cJSON_CreateArray();
    const struct ptm_class *root = p->root->cls;
    for (uint32_t i = 0; i < root->n_methods; i++) {
        const struct ptm_function *fn = &p->fn[root->method[i]];
        if (!method_public(fn->name))
            continue;
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "name", fn->name);
        cJSON *args = cJSON_AddArrayToObject(o, "arguments");
        for (uint32_t k = fn->is_method; k < fn->n_params; k++) {
            cJSON *a = cJSON_CreateObject();
            cJSON_AddStringToObject(a, "name", fn->param[k].name);
            cJSON_AddStringToObject(a, "type",
                                    ptm_tytype_text(p, fn->param[k].type, text, sizeof(text)));
            if (fn->param[k].has_default)
                cJSON_AddStringToObject(a, "default",
                                        value_text(fn->param[k].def, text, sizeof(text)));
            else
                cJSON_AddNullToObject(a, "default");
            cJSON_AddItemToArray(args, a);
        }
        cJSON_AddStringToObject(o, "returns", ptm_tytype_text(p, fn->ret_type, text, sizeof(text)));
        cJSON_AddItemToArray(list, o);
    }
    return list;
}

static void tensors_json(cJSON *doc, const struct survey *s)
{
    for (int r = 0; r < N_ROLES; r++) {
        cJSON *list = cJSON_AddArrayToObject(doc, role_name((enum tensor_role)r));
        for (int d = 0; d <= PTM_BF16; d++) {
            const struct dtype_sum *sum = &s->sum[r][d];
            if (!sum->tensors)
                continue;
            cJSON *o = cJSON_CreateObject();
            cJSON_AddStringToObject(o, "dtype", ptm_dtype_name((enum ptm_dtype)d));
            cJSON_AddItemToObject(o, "tensors", json_int((int64_t)sum->tensors));
            cJSON_AddItemToObject(o, "elements", json_int((int64_t)sum->elements));
            cJSON_AddItemToObject(o, "bytes", json_int((int64_t)sum->bytes));
            cJSON_AddItemToArray(list, o);
        }
    }
}

static cJSON *ops_json(const struct survey *s)
{
    char place[600];
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < s->n_ops; i++) {
        const struct op_use *u = &s->op[i];
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "name", u->name);
        if (u->overload)
            cJSON_AddStringToObject(o, "overload", u->overload);
        else
            cJSON_AddNullToObject(o, "overload");
        cJSON_AddItemToObject(o, "places", json_int(u->n));
        cJSON_AddStringToObject(o, "status", op_status_name((enum op_status)u->status));
        cJSON *lines = cJSON_AddArrayToObject(o, "source");
        for (size_t k = 0; k < MAX_PLACES && k < u->n; k++)
            cJSON_AddItemToArray(lines,
                                 cJSON_CreateString(place_name(u->place[k], place, sizeof(place))));
        cJSON_AddItemToArray(list, o);
    }
    return list;
}

static void add_text(cJSON *o, const char *name, const char *text)
{
    if (text)
        cJSON_AddStringToObject(o, name, text);
    else
        cJSON_AddNullToObject(o, name);
}

/* Null for a file that was not made by `ptm optimize`. */
static cJSON *provenance_json(const struct ptm_model *m)
{
    const struct ptm_provenance *from = &m->provenance;
    if (!from->ptm_version)
        return cJSON_CreateNull();
    cJSON *o = cJSON_CreateObject();
    add_text(o, "source", from->source);
    cJSON_AddItemToObject(o, "source_bytes", json_int((int64_t)from->source_bytes));
    add_text(o, "source_sha256", from->source_sha256);
    add_text(o, "command", from->command);
    add_text(o, "ptm_version", from->ptm_version);
    cJSON *recipe = m->recipe ? cJSON_AddArrayToObject(o, "recipe") : NULL;
    for (size_t i = 0; recipe && i < m->recipe->n; i++)
        cJSON_AddItemToArray(recipe, cJSON_CreateString(m->recipe->name[i]));
    if (!recipe)
        cJSON_AddNullToObject(o, "recipe");
    return o;
}

static cJSON *all_json(const struct inspect *o)
{
    const struct survey *s = &o->survey;
    const struct ptm_model *m = s->model;
    cJSON *doc = cJSON_CreateObject();
    cJSON_AddStringToObject(doc, "schema", "ptm.inspect/1");
    cJSON_AddStringToObject(doc, "ptm_version", PTM_VERSION);
    cJSON *model = cJSON_AddObjectToObject(doc, "model");
    cJSON_AddStringToObject(model, "path", m->path);
    cJSON_AddStringToObject(model, "format", m->format->name);
    cJSON_AddStringToObject(model, "producer", m->program.producer ? m->program.producer : "");
    cJSON_AddItemToObject(model, "file_bytes", json_int((int64_t)m->n_bytes));
    cJSON_AddItemToObject(model, "operator_version", json_int(m->program.op_version));
    cJSON_AddItemToObject(doc, "provenance", provenance_json(m));
    cJSON_AddItemToObject(doc, "methods", methods_json(&m->program));
    cJSON_AddBoolToObject(doc, "closed", m->program.closed);
    cJSON_AddItemToObject(doc, "entries", entries_json(&m->program));
    cJSON_AddBoolToObject(doc, "bundled_inputs",
                          ptm_class_method(&m->program, m->program.root->cls,
                                           "get_all_bundled_inputs") != UINT32_MAX);
    tensors_json(doc, s);
    cJSON_AddItemToObject(doc, "module_count", json_int(s->n_modules));
    cJSON_AddItemToObject(doc, "training_module_count", json_int(s->n_training));
    cJSON *modules = cJSON_AddArrayToObject(doc, "modules");
    for (size_t i = 0; i < s->n_classes; i++) {
        cJSON *c = cJSON_CreateObject();
        cJSON_AddStringToObject(c, "class", s->cls[i].name);
        cJSON_AddItemToObject(c, "count", json_int(s->cls[i].n));
        cJSON_AddItemToArray(modules, c);
    }
    cJSON_AddItemToObject(doc, "operators", ops_json(s));
    cJSON_AddItemToObject(doc, "missing_operator_count", json_int((int64_t)s->n_missing));
    cJSON_AddItemToObject(doc, "code_positions", json_int(s->n_positions));
    cJSON_AddItemToObject(doc, "source_positions", json_int(s->n_source_positions));
    if (o->have_cost)
        cJSON_AddItemToObject(doc, "cost", cost_json(&o->cost));
    else
        cJSON_AddNullToObject(doc, "cost");
    if (o->have_cost && o->backend)
        cJSON_AddItemToObject(doc, "placement", placement_json(&o->placement));
    else
        cJSON_AddNullToObject(doc, "placement");
    if (o->have_cost && o->recipe)
        cJSON_AddItemToObject(doc, "optimized", optimised_json(&o->optimised));
    else
        cJSON_AddNullToObject(doc, "optimized");
    cJSON *list = o->lint ? cJSON_AddArrayToObject(doc, "lint") : NULL;
    for (size_t i = 0; list && i < o->findings.n; i++) {
        cJSON *f = cJSON_CreateObject();
        cJSON_AddStringToObject(f, "severity",
                                severity_name((enum severity)o->findings.v[i].severity));
        cJSON_AddStringToObject(f, "rule", o->findings.v[i].rule);
        cJSON_AddStringToObject(f, "text", o->findings.v[i].text);
        cJSON_AddItemToArray(list, f);
    }
    return doc;
}

/* -- the work -- */

static enum ptm_status specialise(struct inspect *o, const struct ptm_model *m, struct ptm_err *err)
{
    struct ptm_arena arena = {0};
    struct ptm_ival *args, result;
    size_t n_args;
    struct ptm_config config = {.seed = (uint64_t)o->in.seed, .max_steps = (uint64_t)o->max_steps,
                                .backend = o->backend,
                                .no_entries = o->verify || o->dump_after};
    PTM_TRY(recipe_option(o->passes, o->optimize || o->verify || o->dump_after, &o->arena, &o->room,
                          &config.recipe, err));
    o->recipe = config.recipe ? config.recipe : m->recipe;
    if (o->recipe && !o->recipe->n)
        o->recipe = NULL;
    PTM_TRY(inputs_bind(&o->inputs, m, o->method, &o->in, true, err));
    PTM_TRY(ptm_session_open(&o->session, m, &config, err));
    enum ptm_status rc = inputs_make(&o->inputs, 0, &arena, &args, &n_args, err);
    if (rc == PTM_OK)
        rc = inputs_run(&o->inputs, o->session, args, n_args, &result, err);
    ptm_arena_release(&arena);
    if (rc == PTM_OK)
        rc = cost_make(&o->cost, o->session, &o->arena, err);
    if (rc == PTM_OK && o->backend)
        rc = placement_make(&o->placement, o->session, &o->arena, err);
    o->have_cost = rc == PTM_OK;
    if (rc == PTM_OK && o->recipe)
        rc = optimised_make(&o->optimised, o->session, o->recipe, &o->arena, err);
    if (rc == PTM_OK && o->recipe && o->verify)
        rc = optimised_verify(&o->optimised, o->session, 0, (uint64_t)o->in.seed, err);
    return rc;
}

static enum ptm_status work(struct inspect *o, const struct ptm_model *m, struct ptm_err *err)
{
    bool inputs = o->in.inputs.n + o->in.shapes.n != 0 || zoo_of(m);
    bool graph = (o->dump && strcmp(o->dump, "program") != 0) || o->dump_after || o->backend;
    PTM_TRY(survey_make(&o->survey, m, err));
    /* a missing operator is what the user wants to see, so the list comes before the failure */
    if (inputs || graph) {
        struct ptm_err why = {0};
        enum ptm_status rc = specialise(o, m, &why);
        if (rc && (!o->survey.n_missing || rc == PTM_ERR_NUMERIC))
            return ptm_fail(err, rc, "%s", why.msg);
        if (rc)
            cmd_warn("inspect", "costs are not known: %s", why.msg);
        if (rc && graph)
            return ptm_fail(err, rc, "%s", why.msg);
    }
    if (o->lint)
        PTM_TRY(lint(&o->survey, &o->arena, &o->findings, err));
    if (o->dump_after)
        return o->recipe ? optimised_dump_after(o->session, o->recipe, o->dump_after, stdout, err)
                         : PTM_OK;
    if (o->dump && !strcmp(o->dump, "program"))
        ptm_program_dump(&m->program, stdout);
    else if (o->dump && !strcmp(o->dump, "plan"))
        placement_dump(o->session, stdout);
    else if (o->dump)
        cost_dump(o->session, !strcmp(o->dump, "entry"), stdout);
    else if (o->json)
        PTM_TRY(cmd_write_json(all_json(o), o->json, err));
    else
        print_all(o);
    return PTM_OK;
}

/* Reads weights and names through the mapping: the file may shrink meanwhile. */
static enum ptm_status guarded(struct inspect *o, const struct ptm_model *m, struct ptm_err *err)
{
    struct ptm_map_guard guard;
    if (PTM_MAP_GUARD(&guard))
        return ptm_map_shrank(err);
    enum ptm_status rc = work(o, m, err);
    ptm_map_guard_end(&guard);
    return rc;
}

int cmd_inspect(int argc, char **argv)
{
    struct inspect o = {.method = "forward", .in.bundled = -1};
    const struct opt table[] = {
        INPUT_OPTS(o.in),
        {"method", 'm', OPT_STR, &o.method, "NAME", "method whose cost is shown (forward)"},
        {"lint", 0, OPT_FLAG, &o.lint, NULL, "also tell what is suspicious"},
        {"dump", 0, OPT_STR, &o.dump, "program|graph|entry|plan",
         "print the program, or the graphs, the entry or (places, steps) the plans that the inputs "
         "lead to, instead"},
        {"optimize", 0, OPT_FLAG, &o.optimize, NULL,
         "run the graph passes first: costs and graphs are those after them"},
        {"passes", 0, OPT_STR, &o.passes, "default|none|LIST",
         "the same with these passes: NAME,... or all but -NAME,... (see 'ptm passes')"},
        {"dump-after", 0, OPT_STR, &o.dump_after, "PASS",
         "print the graphs after that pass, instead"},
        {"verify", 0, OPT_FLAG, &o.verify, NULL,
         "run the graphs before and after each pass on the same random inputs; exit code 1 when an "
         "output moves by more than 1e-4 of its largest number"},
        {"backend", 0, OPT_STR, &o.backend, "NAME",
         "also which backend runs what, as 'ptm run --backend NAME' would"},
        CPU_OPT(o.cpu),
        {"max-steps", 0, OPT_COUNT, &o.max_steps, "N",
         "stop after N interpreted instructions (1000000000)"},
        {"json", 0, OPT_STR, &o.json, "FILE|-", "write a JSON document instead (ptm.inspect/1)"},
        {"verbose", 'v', OPT_FLAG, &o.verbose, NULL, "show long lists whole"},
        {0},
    };
    struct str_list words = {0};
    struct ptm_model *m = NULL;
    struct ptm_err err = {0};
    int rc = opts_parse(&usage, table, argc, argv, &words);
    if (rc < 0 && o.dump && strcmp(o.dump, "program") && strcmp(o.dump, "graph") &&
        strcmp(o.dump, "entry") && strcmp(o.dump, "plan"))
        rc = cmd_usage("inspect", "--dump wants program, graph, entry or plan, given '%.60s'",
                       o.dump);
    if (rc < 0 && o.dump_after && !ptm_pass_by_name(o.dump_after))
        rc = cmd_usage("inspect", "--dump-after: no pass '%.60s'", o.dump_after);
    if (rc < 0)
        rc = cmd_backend("inspect", o.backend, 1);
    if (rc < 0)
        rc = cmd_cpu("inspect", o.cpu);
    if (rc < 0) {
        enum ptm_status status = cmd_open(&m, words.v[0], &err);
        if (status == PTM_OK)
            status = guarded(&o, m, &err);
        rc = status ? cmd_fail("inspect", &err) : EXIT_DONE;
    }
    ptm_session_close(o.session);
    inputs_release(&o.inputs);
    survey_release(&o.survey);
    ptm_arena_release(&o.arena);
    ptm_model_close(m);
    str_list_free(&words);
    str_list_free(&o.in.inputs);
    str_list_free(&o.in.shapes);
    return rc;
}
