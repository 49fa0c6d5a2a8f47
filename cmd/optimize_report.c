/* SPDX-License-Identifier: BSD-2-Clause */
/* The summary of `ptm optimize`: for people, and as JSON (bench/optimize.schema.json). */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cmd/cmd.h"
#include "cmd/optimize.h"
#include "cmd/result.h"

/* -- what a program holds -- */

static void add_value(struct program_size *x, struct ptm_ival v, struct ptm_arena *a,
                      struct ptm_pmap *seen, int depth)
{
    if (v.tag == PTM_TENSOR) {
        struct ptm_storage *s = v.u.tensor->storage;
        if (!ptm_pmap_get(seen, s) && ptm_pmap_set(a, seen, s, s))
            x->tensor_bytes += s->bytes;
    } else if ((v.tag == PTM_LIST || v.tag == PTM_TUPLE) && depth < PTM_MAX_DEPTH) {
        for (size_t i = 0; i < v.u.list->n; i++)
            add_value(x, v.u.list->v[i], a, seen, depth + 1);
    } else if (v.tag == PTM_DICT && depth < PTM_MAX_DEPTH) {
        for (size_t i = 0; i < v.u.dict->n; i++)
            add_value(x, v.u.dict->v[i], a, seen, depth + 1);
    }
}

enum ptm_status program_size(struct program_size *x, const struct ptm_program *p,
                             struct ptm_err *err)
{
    struct ptm_arena a = {0};
    struct ptm_pmap seen = {0};
    *x = (struct program_size){p->n_fns, p->n_classes, p->n_objects, 0};
    for (uint32_t i = 0; i < p->n_objects; i++)
        for (uint32_t k = 0; k < p->object[i]->cls->n_attrs; k++)
            add_value(x, p->object[i]->attr[k], &a, &seen, 0);
    bool failed = a.failed;
    ptm_arena_release(&a);
    return failed ? ptm_fail(err, PTM_ERR_MEMORY, "no memory for the program's size") : PTM_OK;
}

/* -- what a call uses -- */

static bool add_weights(struct measured *x, const struct ptm_graph *g, struct ptm_arena *a,
                        struct ptm_pmap *seen)
{
    for (size_t i = 0; i < g->n_values; i++) {
        const struct ptm_value *v = &g->value[i];
        const void *data = v->kind == V_CONST ? g->constant[v->ref].data : NULL;
        if (!data || ptm_pmap_get(seen, data))
            continue;
        if (!ptm_pmap_set(a, seen, data, x))
            return false;
        x->weight_bytes += (uint64_t)ptm_type_numel(&v->type) *
                           ptm_dtype_bytes((enum ptm_dtype)v->type.dtype);
    }
    return true;
}

enum ptm_status measured_make(struct measured *x, const struct ptm_session *s, struct ptm_arena *a,
                              struct ptm_err *err)
{
    struct ptm_pmap seen = {0};
    bool ok = true;
    PTM_TRY(cost_make(&x->cost, s, a, err));
    x->weight_bytes = 0;
    for (const struct ptm_piece *p = s->pieces; p && ok; p = p->next)
        ok = add_weights(x, &p->graph, a, &seen);
    x->done = ok;
    return ok ? PTM_OK : ptm_fail(err, PTM_ERR_MEMORY, "no memory for the costs");
}

/* -- two results -- */

enum ptm_status results_differ(struct ptm_ival a, struct ptm_ival b, double *most,
                               struct ptm_arena *arena, struct ptm_err *err)
{
    struct leaves x, y;
    *most = 0;
    PTM_TRY(result_flatten(arena, a, &x, err));
    PTM_TRY(result_flatten(arena, b, &y, err));
    if (x.n != y.n)
        return ptm_fail(err, PTM_ERR_NUMERIC, "%zu outputs became %zu", x.n, y.n);
    for (size_t i = 0; i < x.n; i++) {
        if (!x.v[i].tensor || !y.v[i].tensor) {
            if (x.v[i].v.tag != y.v[i].v.tag)
                return ptm_fail(err, PTM_ERR_NUMERIC, "output '%s' is of another type",
                                x.v[i].name);
            continue;
        }
        struct bench_diff d = bench_compare(y.v[i].tensor, x.v[i].tensor, -1, -1);
        if (!d.same_shape || !d.same_kind)
            return ptm_fail(err, PTM_ERR_NUMERIC, "output '%s' has another shape or type",
                            x.v[i].name);
        double rel = d.max_expected > 0 ? d.max_diff / d.max_expected : d.max_diff;
        if (isnan(rel) || (!d.within && rel < 1e-4)) /* NaN or infinity on one side */
            rel = (double)INFINITY;
        *most = rel > *most ? rel : *most;
    }
    return PTM_OK;
}

/* -- text -- */

static void print_dropped(const struct optimize *o)
{
    const struct {
        const char *what;
        uint32_t before, after;
    } rows[] = {
        {"functions", o->before.functions, o->after.functions},
        {"classes", o->before.classes, o->after.classes},
        {"objects", o->before.objects, o->after.objects},
    };
    bool any = false;
    for (size_t i = 0; i < PTM_LEN(rows); i++) {
        if (rows[i].before == rows[i].after)
            continue;
        printf("%s%" PRIu32 " of %" PRIu32 " %s", any ? ", " : "dropped     ",
               rows[i].before - rows[i].after, rows[i].before, rows[i].what);
        any = true;
    }
    uint64_t bytes = o->before.tensor_bytes - o->after.tensor_bytes;
    char text[40];
    if (bytes && !o->closed) {
        printf("%s%s of weights", any ? ", " : "dropped     ",
               text_bytes(bytes, text, sizeof(text)));
        any = true;
    }
    if (any)
        puts(" that no method needs");
}

static void print_measured(const struct optimize *o)
{
    const struct measured *x = &o->given, *y = &o->optimised;
    char a[40], b[40];
    printf("%12s%20s%20s\n", "", "before", "after");
    printf("%-12s%20s%20s\n", "nodes", text_count(x->cost.nodes, a, sizeof(a)),
           text_count(y->cost.nodes, b, sizeof(b)));
    printf("%-12s%20s%20s\n", "MACs", text_count(x->cost.macs, a, sizeof(a)),
           text_count(y->cost.macs, b, sizeof(b)));
    printf("%-12s%20s%20s\n", "weights", text_bytes(x->weight_bytes, a, sizeof(a)),
           text_bytes(y->weight_bytes, b, sizeof(b)));
    printf("%-12s%20s%20s\n", "activations", text_bytes(x->cost.arena_bytes, a, sizeof(a)),
           text_bytes(y->cost.arena_bytes, b, sizeof(b)));
}

static void print_passes(const struct optimize *o)
{
    const struct optimised *p = &o->passes_did;
    bool any = false;
    for (size_t i = 0; i < p->recipe->n; i++) {
        if (!p->hits[i])
            continue;
        printf("%-12s%6" PRIu64 "  %-18s%s\n", any ? "" : "passes", p->hits[i],
               p->recipe->name[i], ptm_pass_by_name(p->recipe->name[i])->doc);
        any = true;
    }
    if (!any)
        puts("passes      none found anything");
    if (!o->verify)
        return;
    if (p->verdict.pass)
        printf("verified    each pass moved outputs by %.2g of their largest number at most "
               "('%s'), all together by %.2g\n",
               p->verdict.worst, p->verdict.pass, o->moved);
    else
        puts("verified    the outputs are the same bit by bit");
}

void optimize_print(const struct optimize *o)
{
    char a[40], b[40];
    if (o->n_training)
        printf("eval        %" PRIu32 " of %" PRIu32
               " modules were in training mode: they are in eval mode now\n",
               o->n_training, o->n_modules);
    print_dropped(o);
    if (o->given.done) {
        print_passes(o);
        print_measured(o);
    } else {
        printf("passes      what they do is not known: %s\n", o->not_measured);
    }
    if (o->packed)
        printf("packed      %s for the cpu backend of this processor\n",
               text_bytes(o->packed_bytes, a, sizeof(a)));
    if (o->saved.entries)
        printf("entries     %zu: %s like the one%s given start%s at once\n", o->saved.entries,
               o->saved.entries == 1 ? "a call" : "calls", o->saved.entries == 1 ? "" : "s",
               o->saved.entries == 1 ? "s" : "");
    if (o->saved.left_out)
        printf("            %zu left out: together their constants take %s, more than a tenth of "
               "the model\n", o->saved.left_out, text_bytes(o->saved.entry_bytes, a, sizeof(a)));
    if (o->closed)
        puts("closed      no other calls are possible");
    printf("written     %s", o->output);
    if (o->file_bytes)
        printf(": %s, from %s", text_bytes(o->file_bytes, a, sizeof(a)),
               text_bytes(o->model->n_bytes, b, sizeof(b)));
    putchar('\n');
}

/* -- JSON -- */

static cJSON *size_json(const struct program_size *s)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddItemToObject(o, "functions", json_int(s->functions));
    cJSON_AddItemToObject(o, "classes", json_int(s->classes));
    cJSON_AddItemToObject(o, "objects", json_int(s->objects));
    cJSON_AddItemToObject(o, "tensor_bytes", json_int((int64_t)s->tensor_bytes));
    return o;
}

static cJSON *measured_json(const struct measured *x)
{
    if (!x->done)
        return cJSON_CreateNull();
    cJSON *o = cJSON_CreateObject();
    cJSON_AddItemToObject(o, "nodes", json_int((int64_t)x->cost.nodes));
    cJSON_AddItemToObject(o, "macs", json_int((int64_t)x->cost.macs));
    cJSON_AddItemToObject(o, "weight_bytes", json_int((int64_t)x->weight_bytes));
    cJSON_AddItemToObject(o, "activation_arena_bytes", json_int((int64_t)x->cost.arena_bytes));
    return o;
}

struct cJSON *optimize_json(const struct optimize *o)
{
    cJSON *doc = cJSON_CreateObject();
    cJSON_AddStringToObject(doc, "schema", "ptm.optimize/1");
    cJSON_AddStringToObject(doc, "ptm_version", PTM_VERSION);
    cJSON *model = cJSON_AddObjectToObject(doc, "model");
    cJSON_AddStringToObject(model, "path", o->model->path);
    cJSON_AddStringToObject(model, "format", o->model->format->name);
    cJSON_AddItemToObject(model, "file_bytes", json_int((int64_t)o->model->n_bytes));
    cJSON_AddStringToObject(model, "sha256", o->sha256);
    cJSON *out = cJSON_AddObjectToObject(doc, "output");
    cJSON_AddStringToObject(out, "path", o->output);
    cJSON_AddItemToObject(out, "file_bytes", json_int((int64_t)o->file_bytes));
    cJSON_AddBoolToObject(out, "compressed", o->compress);
    cJSON_AddBoolToObject(out, "closed", o->closed);
    cJSON_AddItemToObject(out, "entries", json_int((int64_t)o->saved.entries));
    cJSON_AddItemToObject(out, "entries_left_out", json_int((int64_t)o->saved.left_out));
    cJSON_AddItemToObject(out, "packed_bytes", json_int((int64_t)o->packed_bytes));
    cJSON_AddStringToObject(doc, "method", o->method);
    cJSON_AddItemToObject(doc, "modules", json_int(o->n_modules));
    cJSON_AddItemToObject(doc, "training_modules", json_int(o->n_training));
    cJSON *program = cJSON_AddObjectToObject(doc, "program");
    cJSON_AddItemToObject(program, "before", size_json(&o->before));
    cJSON_AddItemToObject(program, "after", size_json(&o->after));
    cJSON *recipe = cJSON_AddArrayToObject(doc, "recipe");
    for (size_t i = 0; i < o->recipe.n; i++) {
        cJSON *p = cJSON_CreateObject();
        cJSON_AddStringToObject(p, "pass", o->recipe.name[i]);
        if (o->given.done)
            cJSON_AddItemToObject(p, "hits", json_int((int64_t)o->passes_did.hits[i]));
        else
            cJSON_AddNullToObject(p, "hits");
        cJSON_AddItemToArray(recipe, p);
    }
    cJSON_AddItemToObject(doc, "before", measured_json(&o->given));
    cJSON_AddItemToObject(doc, "after", measured_json(&o->optimised));
    if (o->verify) {
        cJSON *v = cJSON_AddObjectToObject(doc, "verified");
        cJSON_AddNumberToObject(v, "worst_pass_difference", o->passes_did.verdict.worst);
        cJSON_AddNumberToObject(v, "difference", o->moved);
    } else {
        cJSON_AddNullToObject(doc, "verified");
    }
    if (o->given.done)
        cJSON_AddNullToObject(doc, "not_measured");
    else
        cJSON_AddStringToObject(doc, "not_measured", o->not_measured);
    return doc;
}
