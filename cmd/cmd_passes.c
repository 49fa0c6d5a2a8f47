/* SPDX-License-Identifier: BSD-2-Clause */
/* ptm passes: the graph passes, in the order in which they run. */
#include <cjson/cJSON.h>

#include "cmd/cmd.h"
#include "cmd/opts.h"
#include "libcore/passes.h"

static const struct usage usage = {
    .command = "passes",
    .synopsis = "[--json FILE|-]",
    .summary = "Lists the graph passes in the order in which they run.",
    .notes = "All of them run again while one still finds something. 'ptm inspect MODEL --optimize'"
             "\nshows what they do to a model; --passes chooses among them.\n",
    .examples = "ptm passes\n"
                "ptm passes --json - | jq -r '.passes[].name'\n",
};

int cmd_passes(int argc, char **argv)
{
    const char *json = NULL;
    const struct opt table[] = {
        {"json", 0, OPT_STR, &json, "FILE|-", "as a JSON document (ptm.passes/1)"},
        {0},
    };
    struct str_list words = {0};
    int rc = opts_parse(&usage, table, argc, argv, &words);
    if (rc < 0 && json) {
        struct ptm_err err = {0};
        cJSON *doc = cJSON_CreateObject();
        cJSON_AddStringToObject(doc, "schema", "ptm.passes/1");
        cJSON_AddStringToObject(doc, "ptm_version", PTM_VERSION);
        cJSON *list = cJSON_AddArrayToObject(doc, "passes");
        for (size_t i = 0; i < ptm_n_passes; i++) {
            cJSON *o = cJSON_CreateObject();
            cJSON_AddStringToObject(o, "name", ptm_passes[i].name);
            cJSON_AddStringToObject(o, "meaning", ptm_passes[i].doc);
            cJSON_AddItemToArray(list, o);
        }
        rc = cmd_write_json(doc, json, &err) ? cmd_fail("passes", &err) : EXIT_DONE;
    } else if (rc < 0) {
        for (size_t i = 0; i < ptm_n_passes; i++)
            printf("%-18s%s\n", ptm_passes[i].name, ptm_passes[i].doc);
        rc = EXIT_DONE;
    }
    str_list_free(&words);
    return rc;
}
