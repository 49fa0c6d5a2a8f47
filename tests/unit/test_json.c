/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every JSON document of the commands against its schema in bench/. The checker knows the words
 * that those schemas use: type, const, enum, properties, required, additionalProperties, items.
 */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "tests/unit/test.h"

static int has_type(const cJSON *v, const char *type)
{
    if (!strcmp(type, "object"))
        return cJSON_IsObject(v);
    if (!strcmp(type, "array"))
        return cJSON_IsArray(v);
    if (!strcmp(type, "string"))
        return cJSON_IsString(v);
    if (!strcmp(type, "boolean"))
        return cJSON_IsBool(v);
    if (!strcmp(type, "null"))
        return cJSON_IsNull(v);
    if (!strcmp(type, "integer"))
        return cJSON_IsNumber(v) && v->valuedouble == floor(v->valuedouble);
    return !strcmp(type, "number") && cJSON_IsNumber(v);
}

static int wrong(const char *path, const char *why)
{
    printf("at %s: %s\n", *path ? path : "/", why);
    return 0;
}

static int valid(const cJSON *v, const cJSON *schema, const char *path)
{
    char sub[400];
    const cJSON *type = cJSON_GetObjectItem(schema, "type"), *s, *item;
    int ok = !type;
    cJSON_ArrayForEach(s, type) ok |= has_type(v, s->valuestring);
    if (cJSON_IsString(type))
        ok = has_type(v, type->valuestring);
    if (!ok)
        return wrong(path, "has another type");
    if ((s = cJSON_GetObjectItem(schema, "const")) != NULL && !cJSON_Compare(v, s, 1))
        return wrong(path, "is another constant");
    if ((s = cJSON_GetObjectItem(schema, "enum")) != NULL) {
        ok = 0;
        cJSON_ArrayForEach(item, s) ok |= cJSON_Compare(v, item, 1);
        if (!ok)
            return wrong(path, "is none of the enum");
    }
    if (cJSON_IsObject(v)) {
        const cJSON *properties = cJSON_GetObjectItem(schema, "properties");
        cJSON_ArrayForEach(s, cJSON_GetObjectItem(schema, "required"))
            if (!cJSON_GetObjectItemCaseSensitive(v, s->valuestring))
                return wrong(path, s->valuestring);
        cJSON_ArrayForEach(item, v)
        {
            snprintf(sub, sizeof(sub), "%s/%s", path, item->string);
            s = cJSON_GetObjectItemCaseSensitive(properties, item->string);
            if (!s)
                return wrong(sub, "is not in the schema");
            if (!valid(item, s, sub))
                return 0;
        }
    }
    s = cJSON_GetObjectItem(schema, "items");
    int i = 0;
    if (s && cJSON_IsArray(v)) {
        cJSON_ArrayForEach(item, v)
        {
            snprintf(sub, sizeof(sub), "%s/%d", path, i++);
            if (!valid(item, s, sub))
                return 0;
        }
    }
    return 1;
}

static char *slurp(FILE *f)
{
    size_t cap = 1 << 22, n;
    char *text = malloc(cap);
    if (!f || !text)
        return text;
    n = fread(text, 1, cap - 1, f);
    text[n] = 0;
    return text;
}

static cJSON *parse_file(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = slurp(f);
    cJSON *doc = f && text ? cJSON_Parse(text) : NULL;
    free(text);
    if (f)
        fclose(f);
    return doc;
}

static cJSON *parse_command(const char *ptm, const char *args)
{
    char line[1400];
    snprintf(line, sizeof(line), "%s %s", ptm, args);
    FILE *f = popen(line, "r");
    char *text = slurp(f);
    cJSON *doc = f && text ? cJSON_Parse(text) : NULL;
    free(text);
    if (f)
        pclose(f);
    return doc;
}

/* The trace of a profile: events of a track do not overlap but where one encloses the other. */
static void test_trace(const char *ptm)
{
    char file[] = "/tmp/ptm-trace-XXXXXX", line[400];
    int fd = mkstemp(file);
    CHECK(fd >= 0);
    snprintf(line, sizeof(line), "profile tests/session/branch.pt -i [1.0,2.0,3.0,4.0] -b ref,cpu "
             "-r 1 -q --trace %s", file);
    cJSON_Delete(parse_command(ptm, line));
    cJSON *doc = parse_file(file), *e;
    double end[8] = {0}, whole[8] = {0};
    int n = 0;
    CHECK(doc != NULL);
    cJSON_ArrayForEach(e, cJSON_GetObjectItem(doc, "traceEvents"))
    {
        if (strcmp(cJSON_GetObjectItem(e, "ph")->valuestring, "X"))
            continue;
        int track = cJSON_GetObjectItem(e, "tid")->valueint;
        double ts = cJSON_GetObjectItem(e, "ts")->valuedouble;
        double dur = cJSON_GetObjectItem(e, "dur")->valuedouble;
        n++;
        CHECK(track == 1 || track == 2);
        CHECK(ts >= 0 && dur >= 0);
        if (!strcmp(cJSON_GetObjectItem(e, "cat")->valuestring, "piece")) {
            whole[track] = ts + dur;
            continue;
        }
        CHECK(ts >= end[track] - 1e-6);
        end[track] = ts + dur;
        CHECK(ts >= whole[track] - 1e-6 || end[track] <= whole[track] + 1e-6);
    }
    CHECK(n > 12);
    cJSON_Delete(doc);
    close(fd);
    remove(file);
}

int main(void)
{
#define FIX "tests/cli/fixtures/"
    static const struct {
        const char *schema, *args;
    } rows[] = {
        {"inspect", "inspect " FIX "conv.pt --json -"},
        {"inspect", "inspect " FIX "conv.pt --input-shape 2,3,8,8 --lint --json -"},
        {"inspect", "inspect " FIX "conv.pt --input-shape 2,3,8,8 --backend ref --json -"},
        {"inspect", "inspect " FIX "literals.pt --json -"},
        {"inspect", "inspect tests/fuzz/corpus/ptm/sizes.ptm --json -"},
        {"inspect", "inspect " FIX "missing.pt --lint --json -"},
        {"inspect", "inspect " FIX "training.pt --lint --json - -i @random:4x3"},
        {"optimize", "optimize " FIX "conv.pt -o /dev/null -i " FIX "x.npy --json -"},
        {"optimize", "optimize " FIX "conv.pt -o /dev/null -i " FIX "x.npy --verify --json -"},
        {"optimize", "optimize " FIX "conv.pt -o /dev/null --json -"},
        {"run", "run " FIX "conv.pt -i " FIX "x.npy --expect " FIX "y.npy --json -"},
        {"run", "run " FIX "scores.pt -i " FIX "scores.npy --labels " FIX "labels.txt --json -"},
        {"run", "run " FIX "containers.pt -m nested -i [1.0] --repeat 3 --json -"},
        {"run", "run " FIX "literals.pt -m text -i '\"\\\"\"' --json -"},
        {"run", "run " FIX "state.pt -i [nan,inf] --json -"},
        {"run", "run " FIX "conv.pt -i " FIX "x.npy --threads 2 --json -"},
        {"inspect", "inspect " FIX "conv.pt --input-shape 2,3,8,8 --optimize --verify --json -"},
        {"selection", "strip-unused-ops " FIX "conv.pt " FIX "literals.pt --json -"},
        {"selection", "strip-unused-ops " FIX "conv.pt --input-shape 1,3,8,8 --json -"},
        {"selection", "strip-unused-ops " FIX "conv.pt -o /dev/null --json -"},
        {"profile", "profile " FIX "conv.pt -i " FIX "x.npy -r 2 -w 1 --json -"},
        {"profile", "profile " FIX "conv.pt -i " FIX "x.npy -b ref,cpu,xnnpack -r 2 --json -"},
        {"profile", "profile tests/session/counter.pt -i [1.0] -b ref -r 1 --by module --json -"},
        {"bench", "bench " FIX "conv.pt -i " FIX "x.npy --runs 12 --rounds 3 --json -"},
        {"bench", "bench " FIX "conv.pt " FIX "scores.pt --input-shape 1,3,8,8 --backend cpu,ref "
                  "--threads 1,2 --runs 2 --warmup 0 --json - 2>/dev/null"},
        {"bench", "bench " FIX "scores.pt -i " FIX "scores.npy --backend ref --runs 1 -w 0 "
                  "--no-accuracy --json -"},
        {"passes", "passes --json -"},
        {"backends", "backends --json -"},
        {"kernels", "kernels --cpu c --json -"},
        {"zoo", "zoo --json -"},
        {"ops", "ops --json -"},
        {"ops", "ops --missing conv --json -"},
    };
    char path[1000];
    const char *b = getenv("B"), *launcher = getenv("PTM_LAUNCHER");
    snprintf(path, sizeof(path), "%s %s/ptm", launcher ? launcher : "", b ? b : "build/release");
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char schema[100];
        snprintf(schema, sizeof(schema), "bench/%s.schema.json", rows[i].schema);
        cJSON *s = parse_file(schema), *doc = parse_command(path, rows[i].args);
        CHECK(s != NULL);
        CHECK(doc != NULL);
        int ok = s && doc && valid(doc, s, "");
        if (!ok)
            printf("%s\n", rows[i].args);
        CHECK(ok);
        cJSON_Delete(s);
        cJSON_Delete(doc);
    }
    test_trace(path);
    cJSON *s = parse_file("bench/outputs.schema.json");
    char dir[] = "/tmp/ptm-json-XXXXXX", line[400];
    CHECK(mkdtemp(dir) != NULL);
    snprintf(line, sizeof(line), "run " FIX "containers.pt -m nested -i [1.0] -q -o %s", dir);
    cJSON_Delete(parse_command(path, line));
    snprintf(line, sizeof(line), "%s/outputs.json", dir);
    cJSON *doc = parse_file(line);
    CHECK(doc && s && valid(doc, s, ""));
    cJSON_Delete(doc);
    cJSON_Delete(s);
    snprintf(line, sizeof(line), "rm -r %s", dir);
    CHECK_INT(system(line), 0);
    TEST_END;
}
