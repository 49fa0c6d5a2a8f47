/* SPDX-License-Identifier: BSD-2-Clause */
/* ptm backends: what can run models here; and the option --backend of other commands. */
#include <string.h>

#include <cjson/cJSON.h>

#include "cmd/cmd.h"
#include "cmd/opts.h"
#include "libcore/backend.h"

static const struct usage usage = {
    .command = "backends",
    .synopsis = "[--json FILE|-]",
    .summary = "Lists what can run models here, and why others cannot.",
    .examples = "ptm backends\n"
                "ptm backends --json -\n",
};

/* The reference kernels run what no backend takes; here they are one like others. */
static const char *const ref_about = "the C reference kernels: slow, exact, every operator";

static const char *next_name(const void *ctx, size_t i)
{
    (void)ctx;
    if (i == 0)
        return "ref";
    return ptm_backends[i - 1] ? ptm_backends[i - 1]->name : NULL;
}

int cmd_backend(const char *cmd, const char *name, int64_t threads)
{
    if (threads > 1024)
        return cmd_usage(cmd, "--threads wants at most 1024");
    if (!name || !strcmp(name, "ref"))
        return -1;
    const struct ptm_backend *b = ptm_backend_find(name);
    if (!b) {
        const char *near = nearest_name(name, next_name, NULL);
        return cmd_usage(cmd, "no backend '%.60s'%s%s%s", name, near ? "; did you mean '" : "",
                         near ? near : "", near ? "'?" : "; 'ptm backends' lists them");
    }
    if (!b->unavailable())
        return -1;
    fprintf(stderr, "ptm %s: backend '%s' is not available: %s\n", cmd, name, b->unavailable());
    return EXIT_BACKEND;
}

static void list(cJSON *array, const char *name, const char *about, const char *why)
{
    if (!array) {
        printf("%-9s %-13s %s%s%s\n", name, why ? "not available" : "available", about,
               why ? ": " : "", why ? why : "");
        return;
    }
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "name", name);
    cJSON_AddStringToObject(o, "about", about);
    cJSON_AddBoolToObject(o, "available", why == NULL);
    if (why)
        cJSON_AddStringToObject(o, "reason", why);
    else
        cJSON_AddNullToObject(o, "reason");
    cJSON_AddItemToArray(array, o);
}

int cmd_backends(int argc, char **argv)
{
    const char *json = NULL;
    const struct opt table[] = {
        {"json", 0, OPT_STR, &json, "FILE|-", "write a JSON document instead (ptm.backends/1)"},
        {0},
    };
    struct str_list words = {0};
    struct ptm_err err = {0};
    int rc = opts_parse(&usage, table, argc, argv, &words);
    if (rc < 0) {
        cJSON *doc = json ? cJSON_CreateObject() : NULL, *array = NULL;
        rc = EXIT_DONE;
        if (doc) {
            cJSON_AddStringToObject(doc, "schema", "ptm.backends/1");
            cJSON_AddStringToObject(doc, "ptm_version", PTM_VERSION);
            array = cJSON_AddArrayToObject(doc, "backends");
        }
        list(array, "ref", ref_about, NULL);
        for (size_t i = 0; ptm_backends[i]; i++)
            list(array, ptm_backends[i]->name, ptm_backends[i]->about,
                 ptm_backends[i]->unavailable());
        if (json && cmd_write_json(doc, json, &err))
            rc = cmd_fail("backends", &err);
    }
    str_list_free(&words);
    return rc;
}
