/* SPDX-License-Identifier: BSD-2-Clause */
/* The selection as PyTorch's YAML, as JSON and for people. */
#include "cmd/selection.h"

#include <ctype.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cmd/cmd.h"

/* Text between double quotes of YAML. */
static void escaped(const char *s, FILE *f)
{
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            fputc('\\', f);
        if ((unsigned char)*s < ' ')
            fprintf(f, "\\x%02x", (unsigned)*s);
        else
            fputc(*s, f);
    }
}

static bool plain(const char *s)
{
    while (isalnum((unsigned char)*s) || (*s && strchr("_:.", *s)))
        s++;
    return !*s;
}

/* "aten::add.Tensor"; a file may say anything. */
static void operator_key(const struct selected_op *o, FILE *f)
{
    const char *quote = plain(o->name) && plain(o->overload) ? "" : "\"";
    fputs(quote, f);
    escaped(o->name, f);
    fputs(*o->overload ? "." : "", f);
    escaped(o->overload, f);
    fputs(quote, f);
}

static void models(const struct selection *s, uint64_t bits, const char *indent, FILE *f)
{
    fprintf(f, "%sdebug_info:\n", indent);
    for (size_t i = 0; i < s->n_models; i++)
        if (bits >> i & 1) {
            fprintf(f, "%s- \"", indent);
            escaped(s->model[i], f);
            fputs("\"\n", f);
        }
}

void selection_yaml(const struct selection *s, FILE *f)
{
    /* the operators are the roots, which a model calls; PyTorch's build adds what those call. The
     * names of its kernels' dtype switches are not known here: none is left out */
    fputs("include_all_non_op_selectives: true\ninclude_all_operators: false\n", f);
    models(s, UINT64_MAX, "", f);
    fputs(s->n_ops ? "operators:\n" : "operators: {}\n", f);
    for (size_t i = 0; i < s->n_ops; i++) {
        const struct selected_op *o = &s->op[i];
        fputs("  ", f);
        operator_key(o, f);
        fprintf(f, ":\n    is_root_operator: true\n    is_used_for_training: false\n"
                   "    include_all_overloads: %s\n", o->all_overloads ? "true" : "false");
        models(s, o->models, "    ", f);
    }
    fputs("kernel_metadata: {}\ncustom_classes: []\nbuild_features: []\n", f);
}

void selection_print(const struct selection *s, FILE *f)
{
    fprintf(f, "operators   %zu of PyTorch's%s\n", s->n_ops,
            s->n_called < s->n_models ? "; which overloads of those marked *, an input would tell"
                                      : "");
    for (size_t i = 0; i < s->n_ops; i++)
        fprintf(f, "  %6u  %s%s%s%s\n", (unsigned)s->op[i].places, s->op[i].name,
                *s->op[i].overload ? "." : "", s->op[i].overload,
                s->op[i].all_overloads ? " *" : "");
    if (!s->n_kernels)
        return;
    fprintf(f, "kernels     %zu\n", s->n_kernels);
    for (size_t i = 0; i < s->n_kernels; i++) {
        const struct selected_kernel *k = &s->kernel[i];
        fprintf(f, "  %6u  %-18s %-8s %-22s %-7s", (unsigned)k->steps, k->op, k->backend,
                k->kernel, k->isa);
        for (unsigned d = 0; d < 32; d++)
            if (k->dtypes >> d & 1)
                fprintf(f, " %s", ptm_dtype_name((enum ptm_dtype)d));
        fputc('\n', f);
    }
}

static void add_models(const struct selection *s, uint64_t bits, cJSON *to)
{
    cJSON *list = cJSON_AddArrayToObject(to, "models");
    for (size_t i = 0; i < s->n_models; i++)
        if (bits >> i & 1)
            cJSON_AddItemToArray(list, cJSON_CreateString(s->model[i]));
}

struct cJSON *selection_json(const struct selection *s)
{
    cJSON *doc = cJSON_CreateObject();
    cJSON_AddStringToObject(doc, "schema", "ptm.selection/1");
    cJSON_AddStringToObject(doc, "ptm_version", PTM_VERSION);
    add_models(s, UINT64_MAX, doc);
    cJSON *list = cJSON_AddArrayToObject(doc, "operators");
    for (size_t i = 0; i < s->n_ops; i++) {
        const struct selected_op *o = &s->op[i];
        cJSON *j = cJSON_CreateObject();
        cJSON_AddStringToObject(j, "name", o->name);
        cJSON_AddStringToObject(j, "overload", o->overload);
        cJSON_AddBoolToObject(j, "all_overloads", o->all_overloads);
        cJSON_AddNumberToObject(j, "places", o->places);
        add_models(s, o->models, j);
        cJSON_AddItemToArray(list, j);
    }
    list = cJSON_AddArrayToObject(doc, "kernels");
    for (size_t i = 0; i < s->n_kernels; i++) {
        const struct selected_kernel *k = &s->kernel[i];
        cJSON *j = cJSON_CreateObject();
        cJSON_AddStringToObject(j, "op", k->op);
        cJSON_AddStringToObject(j, "backend", k->backend);
        cJSON_AddStringToObject(j, "kernel", k->kernel);
        cJSON_AddStringToObject(j, "isa", k->isa);
        cJSON *dtypes = cJSON_AddArrayToObject(j, "dtypes");
        for (unsigned d = 0; d < 32; d++)
            if (k->dtypes >> d & 1)
                cJSON_AddItemToArray(dtypes,
                                     cJSON_CreateString(ptm_dtype_name((enum ptm_dtype)d)));
        cJSON_AddNumberToObject(j, "steps", k->steps);
        add_models(s, k->models, j);
        cJSON_AddItemToArray(list, j);
    }
    return doc;
}
