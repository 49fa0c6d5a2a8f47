/* SPDX-License-Identifier: BSD-2-Clause */
/* The summary of `ptm optimize`: for people, and as JSON (bench/optimize.schema.json). */
#include <inttypes.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cmd/cmd.h"
#include "cmd/optimize.h"

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
    if (any)
        puts(" that no method reaches");
}

static void print_measured(const struct measured *x)
{
    char a[40], b[40];
    printf("cost        %s nodes, %s MACs, ", text_count(x->cost.nodes, a, sizeof(a)),
           text_count(x->cost.macs, b, sizeof(b)));
    printf("%s of weights, %s of activations at once\n", text_bytes(x->weight_bytes, a, sizeof(a)),
           text_bytes(x->cost.arena_bytes, b, sizeof(b)));
}

void optimize_print(const struct optimize *o)
{
    char a[40], b[40];
    if (o->quiet)
        return;
    if (o->n_training)
        printf("eval        %" PRIu32 " of %" PRIu32
               " modules were in training mode: they are in eval mode now\n",
               o->n_training, o->n_modules);
    print_dropped(o);
    if (o->given.done)
        print_measured(&o->given);
    else
        printf("cost        not measured: %s\n", o->not_measured);
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
    cJSON_AddStringToObject(doc, "method", o->method);
    cJSON_AddItemToObject(doc, "modules", json_int(o->n_modules));
    cJSON_AddItemToObject(doc, "training_modules", json_int(o->n_training));
    cJSON *program = cJSON_AddObjectToObject(doc, "program");
    cJSON_AddItemToObject(program, "before", size_json(&o->before));
    cJSON_AddItemToObject(program, "after", size_json(&o->after));
    cJSON_AddItemToObject(doc, "before", measured_json(&o->given));
    if (o->given.done)
        cJSON_AddNullToObject(doc, "not_measured");
    else
        cJSON_AddStringToObject(doc, "not_measured", o->not_measured);
    return doc;
}
