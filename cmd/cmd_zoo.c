/* SPDX-License-Identifier: BSD-2-Clause */
/* ptm zoo: the models that are built in; and opening them by name for the other commands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "bench/zoo.h"
#include "cmd/cmd.h"
#include "cmd/opts.h"

static const struct usage usage = {
    .command = "zoo",
    .synopsis = "[--json FILE|-]",
    .summary = "Lists the models that are built in.",
    .notes = "Every command takes zoo:NAME for a model file. The weights are random, of the size\n"
             "that trained ones have, and the same on every machine; zoo:NAME:SEED has others.\n"
             "Without --input the model runs on a random input of the dims shown here.\n",
    .examples = "ptm run zoo:mobilenet_v2 --backend cpu\n"
                "ptm optimize zoo:resnet18:7 -o resnet18.ptm\n",
};

static const char *model_name(const void *ctx, size_t i)
{
    (void)ctx;
    return zoo_models[i].name;
}

enum ptm_status cmd_open_zoo(struct ptm_model **out, const char *name, struct ptm_err *err)
{
    if (zoo_find(name))
        return zoo_open(out, name, err);
    const char *word = strchr(name, ':') + 1;
    const char *near = nearest_name(word, model_name, NULL);
    char names[400];
    size_t at = 0;
    if (near)
        at = (size_t)snprintf(names, sizeof(names), "%s", near);
    for (const struct zoo_model *z = zoo_models; z->name; z++)
        if (!near || strcmp(z->name, near))
            at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s", at ? ", " : "", z->name);
    return ptm_fail(err, PTM_ERR_ARG, "no zoo model '%.60s'; there are %s (a file: ./zoo:...)",
                    word, names);
}

static void print(const struct zoo_model *z)
{
    char parameters[40], macs[40];
    printf("%-20s%12s%15s  %-12s  %s", z->name,
           text_count(z->parameters, parameters, sizeof(parameters)),
           text_count(z->macs, macs, sizeof(macs)), z->input, z->source);
    if (z->same_as)
        printf("; torchvision's %s", z->same_as);
    putchar('\n');
}

static cJSON *model_json(const struct zoo_model *z)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "name", z->name);
    cJSON_AddItemToObject(o, "parameters", json_int((int64_t)z->parameters));
    cJSON_AddItemToObject(o, "macs", json_int((int64_t)z->macs));
    cJSON *dims = cJSON_AddArrayToObject(o, "input_dims");
    for (const char *p = z->input; *p; p += strspn(p, ",")) {
        char *end;
        cJSON_AddItemToArray(dims, json_int(strtoll(p, &end, 10)));
        p = end;
    }
    cJSON_AddStringToObject(o, "source", z->source);
    cJSON_AddItemToObject(o, "torchvision",
                          z->same_as ? cJSON_CreateString(z->same_as) : cJSON_CreateNull());
    return o;
}

int cmd_zoo(int argc, char **argv)
{
    const char *json = NULL;
    const struct opt table[] = {
        {"json", 0, OPT_STR, &json, "FILE|-", "as a JSON document (ptm.zoo/1)"},
        {0},
    };
    struct str_list words = {0};
    int rc = opts_parse(&usage, table, argc, argv, &words);
    if (rc < 0 && json) {
        struct ptm_err err = {0};
        cJSON *doc = cJSON_CreateObject();
        cJSON_AddStringToObject(doc, "schema", "ptm.zoo/1");
        cJSON_AddStringToObject(doc, "ptm_version", PTM_VERSION);
        cJSON *list = cJSON_AddArrayToObject(doc, "models");
        for (const struct zoo_model *z = zoo_models; z->name; z++)
            cJSON_AddItemToArray(list, model_json(z));
        rc = cmd_write_json(doc, json, &err) ? cmd_fail("zoo", &err) : EXIT_DONE;
    } else if (rc < 0) {
        printf("%-20s%12s%15s  %-12s  %s\n", "name", "parameters", "MACs", "input", "source");
        for (const struct zoo_model *z = zoo_models; z->name; z++)
            print(z);
        rc = EXIT_DONE;
    }
    str_list_free(&words);
    return rc;
}
