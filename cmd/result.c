/* SPDX-License-Identifier: BSD-2-Clause */
/* What a run returned: flattened, printed, saved, compared, as JSON. */
#include "cmd/result.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cmd/cmd.h"
#include "cmd/input.h"
#include "formats/npy.h"

/* -- flattening -- */

static const char *child_name(struct ptm_arena *a, const char *name, const char *fmt,
                              const char *text, size_t index)
{
    size_t size = strlen(name) + strlen(text) + 32;
    char *buf = ptm_arena_alloc(a, size);
    if (!buf)
        return NULL;
    if (fmt[0] == '[')
        snprintf(buf, size, "%s[%s%zu]", name, text, index);
    else if (fmt[0] == '.')
        snprintf(buf, size, "%s.%s", name, text);
    else
        snprintf(buf, size, "%s['%s']", name, text);
    return buf;
}

static struct ptm_tensor *scalar_tensor(struct ptm_arena *a, struct ptm_ival v)
{
    enum ptm_dtype d = v.tag == PTM_BOOL ? PTM_BOOL8 : v.tag == PTM_INT ? PTM_I64 : PTM_F64;
    void *data = ptm_arena_alloc(a, 8);
    if (data && v.tag == PTM_BOOL)
        *(uint8_t *)data = v.u.b;
    else if (data)
        memcpy(data, &v.u, 8); /* the int or the double */
    return data ? ptm_tensor_new(a, d, 0, (const int64_t[]){0}, data) : NULL;
}

/* Complex numbers are shown and saved as view_as_real has them. */
static struct ptm_tensor *parts_of(struct ptm_arena *a, const struct ptm_tensor *z)
{
    struct ptm_tensor *x = ptm_arena_copy(a, z, sizeof(*z));
    if (!x || z->rank >= PTM_MAX_RANK)
        return NULL;
    x->dtype = PTM_F32;
    x->offset *= 2;
    for (int k = 0; k < z->rank; k++)
        x->stride[k] *= 2;
    x->dim[x->rank] = 2;
    x->stride[x->rank++] = 1;
    return x;
}

static enum ptm_status flatten(struct ptm_arena *a, const char *name, struct ptm_ival v, int depth,
                               struct leaves *out, struct ptm_err *err)
{
    if (!name)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the outputs");
    if (depth > PTM_MAX_DEPTH)
        return ptm_fail(err, PTM_ERR_LIMIT, "the outputs nest deeper than %d", PTM_MAX_DEPTH);
    bool seq = v.tag == PTM_LIST || v.tag == PTM_TUPLE;
    for (size_t i = 0; seq && i < v.u.list->n; i++) {
        const char *field = v.u.list->names ? v.u.list->names[i] : NULL;
        PTM_TRY(flatten(a, child_name(a, name, field ? "." : "[", field ? field : "", i),
                        v.u.list->v[i], depth + 1, out, err));
    }
    for (size_t i = 0; v.tag == PTM_DICT && i < v.u.dict->n; i++) {
        struct ptm_ival key = v.u.dict->key[i];
        char text[64];
        ptm_ival_describe(key, text, sizeof(text));
        if (key.tag == PTM_INT)
            snprintf(text, sizeof(text), "%" PRId64, key.u.i);
        PTM_TRY(flatten(a, child_name(a, name, "'", key.tag == PTM_STR ? key.u.str->s : text, 0),
                        v.u.dict->v[i], depth + 1, out, err));
    }
    if ((seq && v.u.list->n) || (v.tag == PTM_DICT && v.u.dict->n))
        return PTM_OK;
    void *p = out->v;
    if (!ptm_arena_grow(a, &p, &out->cap, out->n + 1, sizeof(*out->v)))
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the outputs");
    out->v = p;
    struct leaf *leaf = &out->v[out->n++];
    *leaf = (struct leaf){.name = name, .v = v, .file_no = -1};
    if (v.tag == PTM_TENSOR && v.u.tensor->dtype == PTM_C64) {
        leaf->tensor = leaf->v.u.tensor = parts_of(a, v.u.tensor);
        if (!leaf->tensor)
            return ptm_fail(err, PTM_ERR_UNSUPPORTED, "%s: complex numbers of rank %d", name,
                            v.u.tensor->rank);
    } else if (v.tag == PTM_TENSOR)
        leaf->tensor = v.u.tensor;
    else if (v.tag == PTM_BOOL || v.tag == PTM_INT || v.tag == PTM_FLOAT)
        leaf->tensor = scalar_tensor(a, v);
    if (leaf->tensor)
        leaf->file_no = out->n_files++;
    return a->failed ? ptm_fail(err, PTM_ERR_MEMORY, "no memory for the outputs") : PTM_OK;
}

enum ptm_status result_flatten(struct ptm_arena *a, struct ptm_ival v, struct leaves *out,
                               struct ptm_err *err)
{
    *out = (struct leaves){0};
    return flatten(a, "out", v, 0, out, err);
}

/* -- printing -- */

static void print_string(const struct ptm_str *s, FILE *f)
{
    fputc('\'', f);
    for (size_t i = 0; i < s->len; i++) {
        unsigned char c = (unsigned char)s->s[i];
        if (c == '\n')
            fputs("\\n", f);
        else if (c < 32 || c == 127)
            fprintf(f, "\\x%02x", c);
        else
            fputc(c, f);
    }
    fputc('\'', f);
}

static void print_tensor(const struct ptm_tensor *t, FILE *f)
{
    enum { FIRST = 6 };
    char buf[200];
    int64_t n = ptm_tensor_numel(t);
    fprintf(f, "%s%s", ptm_dtype_name(t->dtype), text_shape(t->rank, t->dim, buf, sizeof(buf)));
    if (n > 1) {
        struct bench_summary s = bench_summarise(t);
        fprintf(f, "  min %.6g  max %.6g  mean %.6g", s.min, s.max, s.mean);
        if (s.n_nan)
            fprintf(f, "  NaN %" PRId64, s.n_nan);
        if (s.n_inf)
            fprintf(f, "  inf %" PRId64, s.n_inf);
    }
    fputs("  [", f);
    for (int64_t i = 0; i < n && i < FIRST; i++)
        fprintf(f, "%s%s", i ? ", " : "", bench_element_text(t, i, buf, sizeof(buf)));
    fputs(n > FIRST ? ", ...]" : "]", f);
}

void result_print(const struct leaves *l, FILE *f)
{
    char buf[200];
    for (size_t i = 0; i < l->n; i++) {
        const struct leaf *leaf = &l->v[i];
        fprintf(f, "%s: ", leaf->name);
        switch ((enum ptm_tag)leaf->v.tag) {
        case PTM_TENSOR:
            print_tensor(leaf->v.u.tensor, f);
            break;
        case PTM_STR:
            print_string(leaf->v.u.str, f);
            break;
        case PTM_NONE:
            fputs("None", f);
            break;
        case PTM_LIST:
            fputs("[]", f);
            break;
        case PTM_TUPLE:
            fputs("()", f);
            break;
        case PTM_DICT:
            fputs("{}", f);
            break;
        default:
            fputs(leaf->tensor ? bench_element_text(leaf->tensor, 0, buf, sizeof(buf))
                               : ptm_ival_describe(leaf->v, buf, sizeof(buf)),
                  f);
            break;
        }
        fputc('\n', f);
    }
}

/* -- JSON and files -- */

static cJSON *leaf_json(const struct leaf *leaf, bool file, bool summary)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "name", leaf->name);
    char name[32];
    snprintf(name, sizeof(name), "out%d.npy", leaf->file_no);
    if (file && leaf->file_no >= 0)
        cJSON_AddStringToObject(o, "file", name);
    if (leaf->tensor) {
        const struct ptm_tensor *t = leaf->tensor;
        cJSON_AddStringToObject(o, "dtype", ptm_dtype_name(t->dtype));
        cJSON *shape = cJSON_AddArrayToObject(o, "shape");
        for (int i = 0; i < t->rank; i++)
            cJSON_AddItemToArray(shape, json_int(t->dim[i]));
    }
    switch ((enum ptm_tag)leaf->v.tag) {
    case PTM_TENSOR:
        if (summary) {
            struct bench_summary s = bench_summarise(leaf->v.u.tensor);
            cJSON_AddNumberToObject(o, "min", s.min);
            cJSON_AddNumberToObject(o, "max", s.max);
            cJSON_AddNumberToObject(o, "mean", s.mean);
            cJSON_AddItemToObject(o, "nan_count", json_int(s.n_nan));
        }
        break;
    case PTM_STR:
        cJSON_AddStringToObject(o, "value", leaf->v.u.str->s);
        break;
    case PTM_BOOL:
        cJSON_AddBoolToObject(o, "value", leaf->v.u.b);
        break;
    case PTM_INT:
        cJSON_AddItemToObject(o, "value", json_int(leaf->v.u.i));
        break;
    case PTM_FLOAT:
        cJSON_AddNumberToObject(o, "value", leaf->v.u.f);
        break;
    case PTM_LIST:
    case PTM_TUPLE:
        cJSON_AddArrayToObject(o, "value");
        break;
    case PTM_DICT:
        cJSON_AddObjectToObject(o, "value");
        break;
    default:
        cJSON_AddNullToObject(o, "value");
        break;
    }
    return o;
}

struct cJSON *result_json(const struct leaves *l, bool files)
{
    cJSON *array = cJSON_CreateArray();
    for (size_t i = 0; i < l->n; i++)
        cJSON_AddItemToArray(array, leaf_json(&l->v[i], files, true));
    return array;
}

static enum ptm_status save_one(const struct leaf *leaf, const char *path, struct ptm_err *err)
{
    struct ptm_sink *sink = NULL;
    PTM_TRY(ptm_sink_open(&sink, path, err));
    enum ptm_status rc = ptm_npy_write(sink, leaf->tensor, err);
    if (rc == PTM_OK)
        return ptm_sink_commit(sink, err);
    ptm_sink_drop(sink);
    return rc;
}

enum ptm_status result_save(const struct leaves *l, const char *folder, struct ptm_err *err)
{
    char path[4096];
    for (size_t i = 0; i < l->n; i++) {
        if (l->v[i].file_no < 0)
            continue;
        snprintf(path, sizeof(path), "%s/out%d.npy", folder, l->v[i].file_no);
        PTM_TRY(save_one(&l->v[i], path, err));
    }
    cJSON *doc = cJSON_CreateObject();
    cJSON_AddStringToObject(doc, "schema", "ptm.outputs/1");
    cJSON *array = cJSON_AddArrayToObject(doc, "outputs");
    for (size_t i = 0; i < l->n; i++)
        cJSON_AddItemToArray(array, leaf_json(&l->v[i], true, false));
    snprintf(path, sizeof(path), "%s/outputs.json", folder);
    return cmd_write_json(doc, path, err);
}

/* -- labels and the best k -- */

enum ptm_status labels_load(struct ptm_arena *a, const char *path, const char ***out, size_t *n,
                            struct ptm_err *err)
{
    FILE *f = fopen(path, "r");
    if (!f)
        return ptm_fail(err, PTM_ERR_IO, "cannot open labels '%.300s': %s", path, strerror(errno));
    char *line = NULL;
    size_t size = 0, cap = 0;
    ssize_t len;
    void *v = NULL;
    bool ok = true;
    *n = 0;
    while (ok && *n < 1000000 && (len = getline(&line, &size, f)) >= 0) {
        while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
            len--;
        ok = ptm_arena_grow(a, &v, &cap, *n + 1, sizeof(char *));
        if (ok)
            ((const char **)v)[(*n)++] = ptm_arena_str(a, line, (size_t)len);
    }
    bool failed = ferror(f) != 0;
    int why = errno;
    free(line);
    fclose(f);
    *out = v;
    if (failed)
        return ptm_fail(err, PTM_ERR_IO, "cannot read labels '%.300s': %s", path, strerror(why));
    if (!ok || a->failed)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for labels '%.300s'", path);
    return *n ? PTM_OK : ptm_fail(err, PTM_ERR_ARG, "labels '%.300s': the file is empty", path);
}

enum ptm_status result_top(const struct leaves *l, int k, const char *const *labels,
                           size_t n_labels, FILE *f, struct cJSON *json, struct ptm_err *err)
{
    enum { MAX_TOP = 1000 };
    int64_t best[MAX_TOP];
    const struct leaf *leaf = NULL;
    for (size_t i = 0; i < l->n && !leaf; i++) {
        const struct ptm_tensor *t = l->v[i].v.tag == PTM_TENSOR ? l->v[i].tensor : NULL;
        if (t && (t->rank == 1 || t->rank == 2) && t->dim[t->rank - 1] > 1)
            leaf = &l->v[i];
    }
    if (!leaf)
        return ptm_fail(err, PTM_ERR_ARG, "--top: no output is a row of scores");
    const struct ptm_tensor *t = leaf->tensor;
    int64_t rows = t->rank == 2 ? t->dim[0] : 1, n = t->dim[t->rank - 1];
    if (labels && (int64_t)n_labels != n)
        return ptm_fail(err, PTM_ERR_ARG, "the labels are %zu lines, '%s' has %" PRId64 " scores",
                        n_labels, leaf->name, n);
    for (int64_t row = 0; row < rows; row++) {
        int found = bench_top(t, row * n, n, k < MAX_TOP ? k : MAX_TOP, best);
        if (f && rows > 1)
            fprintf(f, "%s[%" PRId64 "]\n", leaf->name, row);
        if (f)
            fprintf(f, "  %4s  %6s  %10s  %8s%s\n", "rank", "class", "score", "softmax",
                    labels ? "  label" : "");
        cJSON *list = json ? cJSON_CreateArray() : NULL;
        for (int i = 0; i < found; i++) {
            double score = bench_element(t, row * n + best[i]);
            double soft = bench_softmax(t, row * n, n, best[i]);
            const char *label = labels ? labels[best[i]] : NULL;
            if (f)
                fprintf(f, "  %4d  %6" PRId64 "  %10.5g  %7.3f%%%s%s\n", i + 1, best[i], score,
                        100 * soft, label ? "  " : "", label ? label : "");
            cJSON *o = list ? cJSON_CreateObject() : NULL;
            if (!o)
                continue;
            cJSON_AddItemToObject(o, "class", json_int(best[i]));
            cJSON_AddNumberToObject(o, "score", score);
            cJSON_AddNumberToObject(o, "softmax", soft);
            if (label)
                cJSON_AddStringToObject(o, "label", label);
            cJSON_AddItemToArray(list, o);
        }
        if (list)
            cJSON_AddItemToArray(json, list);
    }
    return PTM_OK;
}

/* -- expected outputs -- */

static const char *place_text(const struct ptm_tensor *t, int64_t at, char *buf, size_t size)
{
    int64_t index[PTM_MAX_RANK];
    for (int d = t->rank - 1; d >= 0; d--) {
        index[d] = at % t->dim[d];
        at /= t->dim[d];
    }
    return text_shape(t->rank, index, buf, size);
}

static void expect_json(struct cJSON *json, const struct leaf *leaf, const char *path,
                        const struct bench_diff *d)
{
    cJSON_AddStringToObject(json, "name", leaf->name);
    cJSON_AddStringToObject(json, "file", path);
    cJSON_AddBoolToObject(json, "within", d->within);
    cJSON_AddNumberToObject(json, "max_abs_difference", d->same_shape ? d->max_diff : (double)NAN);
    cJSON_AddNumberToObject(json, "max_abs_expected", d->max_expected);
    cJSON_AddNumberToObject(json, "limit", d->limit);
    cJSON_AddItemToObject(json, "elements", json_int(d->n));
    cJSON_AddItemToObject(json, "outside", json_int(d->n_outside));
}

enum ptm_status result_expect(const struct leaves *l, int file_no, const char *path, double atol,
                              double rtol, FILE *f, struct cJSON *json, struct ptm_err *err)
{
    const struct leaf *leaf = NULL;
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].file_no == file_no)
            leaf = &l->v[i];
    if (!leaf)
        return ptm_fail(err, PTM_ERR_ARG, "--expect '%.300s': the run returned %d tensor%s", path,
                        l->n_files, l->n_files == 1 ? "" : "s");
    struct ptm_arena arena = {0};
    struct ptm_tensor *want;
    enum ptm_status rc = npy_load(&arena, path, &want, err);
    if (rc) {
        ptm_arena_release(&arena);
        return rc;
    }
    char a[160], b[160];
    struct bench_diff d = bench_compare(leaf->tensor, want, atol, rtol);
    if (json)
        expect_json(json, leaf, path, &d);
    if (!d.same_shape || !d.same_kind)
        rc = ptm_fail(err, PTM_ERR_NUMERIC, "%s is %s%s, '%.300s' has %s%s", leaf->name,
                      ptm_dtype_name(leaf->tensor->dtype),
                      text_shape(leaf->tensor->rank, leaf->tensor->dim, a, sizeof(a)), path,
                      ptm_dtype_name(want->dtype), text_shape(want->rank, want->dim, b, sizeof(b)));
    else if (!d.within)
        rc = ptm_fail(err, PTM_ERR_NUMERIC,
                      "%s differs from '%.300s': %.9g at %s, expected %.9g; difference %.3g, limit "
                      "%.3g; %" PRId64 " of %" PRId64 " elements outside",
                      leaf->name, path, d.got, place_text(want, d.at, a, sizeof(a)), d.want,
                      fabs(d.got - d.want), d.limit, d.n_outside, d.n);
    else if (f && d.at < 0)
        fprintf(f, "%s equals %s\n", leaf->name, path);
    else if (f)
        fprintf(f,
                "%s matches %s: largest difference %.3g at %s (%.9g, expected %.9g), limit %.3g\n",
                leaf->name, path, d.max_diff, place_text(want, d.at, a, sizeof(a)), d.got, d.want,
                d.limit);
    ptm_arena_release(&arena);
    return rc;
}
