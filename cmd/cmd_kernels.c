/* SPDX-License-Identifier: BSD-2-Clause */
/* ptm kernels: the fast kernels and which of them this processor gets; and the option --cpu of
 * other commands. */
#include <string.h>

#include <cjson/cJSON.h>

#include "cmd/cmd.h"
#include "cmd/opts.h"
#include "kernels/kernel.h"

static const struct usage usage = {
    .command = "kernels",
    .synopsis = "[--cpu LIST] [--json FILE|-]",
    .summary = "Lists the kernels of the cpu backend, and which of them run here.",
    .notes = "tile: numbers in a vector, for products rows x columns of a result. exact: the same "
             "bits as\nthe kernel in plain C; tolerance: sums are ordered otherwise, within a "
             "tested bound.\nLast line: also sets that no kernel uses yet.\n",
    .examples = "ptm kernels\n"
                "ptm kernels --cpu c,avx2\n",
};

static const char *set_name(const void *ctx, size_t i)
{
    (void)ctx;
    return i < PTM_N_CPU ? ptm_cpu_name((enum ptm_cpu)(1u << i)) : NULL;
}

int cmd_cpu(const char *cmd, const char *list)
{
    uint32_t flags = 0;
    if (!list)
        return -1;
    for (const char *s = list;;) {
        size_t len = strcspn(s, ","), i = 0;
        while (i < PTM_N_CPU &&
               (strlen(set_name(NULL, i)) != len || strncmp(set_name(NULL, i), s, len)))
            i++;
        if (i == PTM_N_CPU) {
            char word[60], all[128] = "";
            for (size_t j = 0; j < PTM_N_CPU; j++) {
                size_t used = strlen(all);
                snprintf(all + used, sizeof(all) - used, "%s%s", j ? ", " : "", set_name(NULL, j));
            }
            snprintf(word, sizeof(word), "%.*s", len < 50 ? (int)len : 50, s);
            const char *near = len ? nearest_name(word, set_name, NULL) : NULL;
            return cmd_usage(cmd, "--cpu: no instruction set '%s' of %s%s%s%s", word, all,
                             near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        }
        flags |= 1u << i;
        if (!s[len])
            break;
        s += len + 1;
    }
    ptm_cpu_mask(flags);
    return -1;
}

/* -- the list -- */

static const char *tile_text(const struct ptm_kernel_tile *t, char *buf, size_t size)
{
    if (t->vectors)
        snprintf(buf, size, "%ux%u", (unsigned)t->rows[t->vectors - 1],
                 (unsigned)t->vectors * t->vl);
    else
        snprintf(buf, size, "%u", (unsigned)t->vl);
    return buf;
}

static const char *contract_name(const struct ptm_kernel_info *k)
{
    return k->contract == PTM_EXACT ? "exact" : "tolerance";
}

static bool is_selected(const struct ptm_kernels *k, const struct ptm_kernel_info *row)
{
    for (size_t i = 0; i < PTM_N_KERNEL_OPS; i++)
        if (k->info[i] == row)
            return true;
    return false;
}

static void print_list(const struct ptm_kernels *k, uint32_t flags)
{
    char tile[40];
    printf("%-16s%-9s%-8s%-12s%s\n", "kernel", "isa", "tile", "contract", "here");
    const struct ptm_kernel_info *row;
    for (size_t i = 0; (row = ptm_kernel_row(i)) != NULL; i++)
        printf("%-16s%-9s%-8s%-12s%s\n", row->op, row->isa,
               tile_text(&row->tile, tile, sizeof(tile)), contract_name(row),
               is_selected(k, row)                  ? "selected"
               : (flags & row->needs) == row->needs ? "available"
                                                    : "not available");
    printf("instruction sets here:");
    for (size_t i = 0; i < PTM_N_CPU; i++)
        if (flags >> i & 1)
            printf(" %s", set_name(NULL, i));
    putchar('\n');
}

static cJSON *list_json(const struct ptm_kernels *k, uint32_t flags)
{
    cJSON *doc = cJSON_CreateObject();
    cJSON_AddStringToObject(doc, "schema", "ptm.kernels/1");
    cJSON_AddStringToObject(doc, "ptm_version", PTM_VERSION);
    cJSON *cpu = cJSON_AddArrayToObject(doc, "cpu");
    for (size_t i = 0; i < PTM_N_CPU; i++)
        if (flags >> i & 1)
            cJSON_AddItemToArray(cpu, cJSON_CreateString(set_name(NULL, i)));
    cJSON *list = cJSON_AddArrayToObject(doc, "kernels");
    const struct ptm_kernel_info *row;
    for (size_t i = 0; (row = ptm_kernel_row(i)) != NULL; i++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "name", row->op);
        cJSON_AddStringToObject(o, "isa", row->isa);
        cJSON_AddItemToObject(o, "vector", json_int(row->tile.vl));
        cJSON *rows = cJSON_AddArrayToObject(o, "tile_rows");
        for (size_t r = 0; r < PTM_LEN(row->tile.rows) && row->tile.rows[r]; r++)
            cJSON_AddItemToArray(rows, json_int(row->tile.rows[r]));
        cJSON_AddStringToObject(o, "contract", contract_name(row));
        cJSON_AddBoolToObject(o, "available", (flags & row->needs) == row->needs);
        cJSON_AddBoolToObject(o, "selected", is_selected(k, row));
        cJSON_AddItemToArray(list, o);
    }
    return doc;
}

int cmd_kernels(int argc, char **argv)
{
    const char *json = NULL, *cpu = NULL;
    const struct opt table[] = {
        CPU_OPT(cpu),
        {"json", 0, OPT_STR, &json, "FILE|-", "write a JSON document instead (ptm.kernels/1)"},
        {0},
    };
    struct str_list words = {0};
    struct ptm_err err = {0};
    int rc = opts_parse(&usage, table, argc, argv, &words);
    if (rc < 0)
        rc = cmd_cpu("kernels", cpu);
    if (rc < 0) {
        uint32_t flags = ptm_cpu_flags();
        struct ptm_kernels k;
        ptm_kernels_init(&k, flags);
        rc = EXIT_DONE;
        if (!json)
            print_list(&k, flags);
        else if (cmd_write_json(list_json(&k, flags), json, &err))
            rc = cmd_fail("kernels", &err);
    }
    str_list_free(&words);
    return rc;
}
