/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which backend runs what, as `ptm inspect --json` tells it: at least 95 % of a convolutional
 * network's MACs are XNNPACK's on xnnpack, and no step is left to the reference kernels.
 */
#include <glob.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "libcore/backend.h"
#include "tests/unit/test.h"

/* The field of that backend's row; -1: no such row. */
static double placed(const cJSON *doc, const char *backend, const char *field)
{
    const cJSON *row, *placement = cJSON_GetObjectItem(doc, "placement");
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(placement, "backends"))
        if (!strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(row, "name")), backend))
            return cJSON_GetNumberValue(cJSON_GetObjectItem(row, field));
    return -1;
}

static void check_model(const char *model, const char *input)
{
    static char text[1 << 20];
    char line[1400];
    const char *b = getenv("B"), *launcher = getenv("PTM_LAUNCHER");
    snprintf(line, sizeof(line),
             "%s %s/ptm inspect %s %s --backend xnnpack --passes default --json -",
             launcher ? launcher : "", b ? b : "build/release", model, input);
    FILE *f = popen(line, "r");
    size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
    text[n] = 0;
    if (f)
        CHECK_INT(pclose(f), 0);
    cJSON *doc = cJSON_Parse(text);
    int failed = test_failed;
    CHECK(doc != NULL);
    CHECK(placed(doc, "xnnpack", "macs_percent") >= 95);
    CHECK(placed(doc, "ref", "steps") == 0);
    if (failed != test_failed)
        printf("%s\n", model);
    cJSON_Delete(doc);
}

int main(void)
{
    static const char *const zoo[] = {
        "zoo:mobilenet_v1", "zoo:mobilenet_v2", "zoo:mobilenet_v3_small", "zoo:mobilenet_v3_large",
        "zoo:resnet18", "zoo:squeezenet1_1", "zoo:shufflenet_v2", "zoo:efficientnet_b0"};
    glob_t g;
    const char *why = ptm_backend_xnnpack.unavailable();
    if (why) {
        SKIP(why);
        TEST_END;
    }
    for (size_t i = 0; i < PTM_LEN(zoo) && !getenv("PTM_LAUNCHER"); i++) /* too slow emulated */
        check_model(zoo[i], "");
    CHECK_INT(glob("tests/e2e/passes/*.pt", 0, NULL, &g), 0);
    CHECK(g.gl_pathc > 10);
    for (size_t i = 0; i < g.gl_pathc; i++) {
        char input[300];
        const char *path = g.gl_pathv[i];
        if (strstr(path, "/vit.") || strstr(path, "/spelled.")) /* attention; odd operators */
            continue;
        snprintf(input, sizeof(input), "--input %.*s.in0.npy", (int)strlen(path) - 3, path);
        check_model(path, input);
    }
    globfree(&g);
    TEST_END;
}
