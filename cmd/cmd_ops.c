/* SPDX-License-Identifier: BSD-2-Clause */
/* ptm ops: the graph operators, and which of PyTorch's operators become them. */
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cmd/cmd.h"
#include "cmd/opts.h"
#include "kernels/ref.h"
#include "libcore/graph.h"
#include "libcore/lower.h"

static const struct usage usage = {
    .command = "ops",
    .synopsis = "[NAME]... [--aten] [--missing] [--json FILE|-]",
    .summary = "Lists the graph operators and PyTorch's operators that this build knows.",
    .notes = "With NAMEs, only operators whose name contains one of them.\n",
    .max_words = 100,
    .word = "NAME",
    .examples = "ptm ops conv\n"
                "ptm ops --missing\n",
};

/* PyTorch's operators as text, "aten::add.Tensor(...) -> ...", sorted by name. */
static const char *const schema_rows[] = {
#include "libcore/aten.inc"
};

struct ops {
    struct str_list words;
    const char *json;
    bool aten, missing;
};

static bool wanted(const struct ops *o, const char *name)
{
    for (size_t i = 0; i < o->words.n; i++)
        if (strstr(name, o->words.v[i]))
            return true;
    return o->words.n == 0;
}

static void list_graph(const struct ops *o, cJSON *array)
{
    char inputs[40];
    bool header = false;
    for (int i = 0; i < PTM_N_OPS; i++) {
        const struct ptm_op_info *op = ptm_op_info((enum ptm_op)i);
        bool kernel = ptm_ref_find(op->name) != NULL;
        if (!wanted(o, op->name) || (o->missing && kernel))
            continue;
        if (array) {
            cJSON *j = cJSON_CreateObject();
            cJSON_AddStringToObject(j, "name", op->name);
            cJSON_AddNumberToObject(j, "min_inputs", op->min_in);
            if (op->max_in == 255)
                cJSON_AddNullToObject(j, "max_inputs");
            else
                cJSON_AddNumberToObject(j, "max_inputs", op->max_in);
            cJSON_AddNumberToObject(j, "outputs", op->n_out);
            cJSON_AddStringToObject(j, "attributes", op->attrs);
            cJSON_AddStringToObject(j, "cost", op->cls);
            cJSON_AddStringToObject(j, "meaning", ptm_op_doc((enum ptm_op)i));
            cJSON_AddBoolToObject(j, "reference_kernel", kernel);
            cJSON_AddItemToArray(array, j);
            continue;
        }
        if (!header)
            printf("%-22s %-7s %-11s %s\n", "graph operator", "inputs", "cost", "meaning");
        header = true;
        if (op->max_in == 255)
            snprintf(inputs, sizeof(inputs), "%d+", op->min_in);
        else if (op->max_in != op->min_in)
            snprintf(inputs, sizeof(inputs), "%d-%d", op->min_in, op->max_in);
        else
            snprintf(inputs, sizeof(inputs), "%d", op->min_in);
        printf("%-22s %-7s %-11s %s%s\n", op->name, inputs, op->cls, ptm_op_doc((enum ptm_op)i),
               kernel ? "" : "  (no reference kernel)");
    }
    if (header)
        putchar('\n');
}

/* One row's name and overload. */
static bool split_row(const char *row, char *name, size_t name_size, char *overload, size_t size)
{
    size_t n = strcspn(row, ".("), m = row[n] == '.' ? strcspn(row + n + 1, "(") : 0;
    if (n >= name_size || m >= size)
        return false;
    memcpy(name, row, n);
    name[n] = 0;
    memcpy(overload, row + n + (m != 0), m);
    overload[m] = 0;
    return true;
}

static void list_aten(const struct ops *o, cJSON *array, size_t *n_known, size_t *n_all)
{
    char name[128], overload[128];
    for (size_t i = 0; i < PTM_LEN(schema_rows); i++) {
        if (!split_row(schema_rows[i], name, sizeof(name), overload, sizeof(overload)))
            continue;
        bool known = ptm_lower_find(name, overload) != NULL;
        (*n_all)++;
        *n_known += known;
        if (!wanted(o, name) || known == o->missing)
            continue;
        if (array) {
            cJSON *j = cJSON_CreateObject();
            cJSON_AddStringToObject(j, "name", name);
            cJSON_AddStringToObject(j, "overload", overload);
            cJSON_AddStringToObject(j, "schema", schema_rows[i]);
            cJSON_AddBoolToObject(j, "supported", known);
            cJSON_AddItemToArray(array, j);
        } else if (o->aten || o->words.n) {
            puts(schema_rows[i]);
        }
    }
}

int cmd_ops(int argc, char **argv)
{
    struct ops o = {0};
    const struct opt table[] = {
        {"aten", 0, OPT_FLAG, &o.aten, NULL, "PyTorch's operators, with all arguments"},
        {"missing", 0, OPT_FLAG, &o.missing, NULL, "those that this build lacks"},
        {"json", 0, OPT_STR, &o.json, "FILE|-", "everything as a JSON document"},
        {0},
    };
    int rc = opts_parse(&usage, table, argc, argv, &o.words);
    if (rc < 0) {
        size_t known = 0, all = 0;
        cJSON *doc = o.json ? cJSON_CreateObject() : NULL;
        if (doc) {
            cJSON_AddStringToObject(doc, "schema", "ptm.ops/1");
            cJSON_AddStringToObject(doc, "ptm_version", PTM_VERSION);
        }
        if (doc || !o.aten)
            list_graph(&o, doc ? cJSON_AddArrayToObject(doc, "graph_operators") : NULL);
        list_aten(&o, doc ? cJSON_AddArrayToObject(doc, "aten_operators") : NULL, &known, &all);
        if (!doc && !o.words.n)
            printf("%zu of the %zu overloads of PyTorch's operators in this build's table are "
                   "supported%s\n",
                   known, all, o.aten ? "" : "; --aten lists them");
        struct ptm_err err = {0};
        rc = EXIT_DONE;
        if (o.json && cmd_write_json(doc, o.json, &err))
            rc = cmd_fail("ops", &err);
    }
    str_list_free(&o.words);
    return rc;
}
