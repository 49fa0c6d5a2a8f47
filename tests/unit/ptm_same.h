/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests that run models: opening them, the arguments beside a fixture, equal results. */
#ifndef PTM_TESTS_UNIT_PTM_SAME_H
#define PTM_TESTS_UNIT_PTM_SAME_H

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "formats/npy.h"
#include "libcore/map.h"
#include "libcore/session.h"

static struct ptm_model *open_model(const char *path)
{
    struct ptm_err err = {0};
    struct ptm_model *m = NULL;
    if (ptm_model_open(&m, path, ptm_format_find, &err))
        printf("     %s: %s\n", path, err.msg);
    return m;
}

static inline bool same_elements(const struct ptm_tensor *x, const struct ptm_tensor *y)
{
    size_t bytes = ptm_dtype_bytes((enum ptm_dtype)x->dtype);
    const char *p = ptm_tensor_data(x), *q = ptm_tensor_data(y);
    for (int64_t i = 0, n = ptm_tensor_numel(x); i < n; i++) {
        int64_t at = 0, rest = i;
        for (int d = x->rank - 1; d >= 0; d--) {
            at += rest % x->dim[d] * x->stride[d];
            rest /= x->dim[d];
        }
        if (memcmp(p + (size_t)at * bytes, q + (size_t)at * bytes, bytes))
            return false;
    }
    return true;
}

static inline bool same_value(struct ptm_ival a, struct ptm_ival b, int depth)
{
    if (a.tag != b.tag || depth > 50)
        return false;
    if (a.tag == PTM_TENSOR) {
        const struct ptm_tensor *x = a.u.tensor, *y = b.u.tensor;
        return x->dtype == y->dtype && x->rank == y->rank &&
               !memcmp(x->dim, y->dim, x->rank * sizeof *x->dim) &&
               !memcmp(x->stride, y->stride, x->rank * sizeof *x->stride) && same_elements(x, y);
    }
    if (a.tag == PTM_LIST || a.tag == PTM_TUPLE) {
        bool same = a.u.list->n == b.u.list->n;
        for (size_t i = 0; same && i < a.u.list->n; i++)
            same = same_value(a.u.list->v[i], b.u.list->v[i], depth + 1);
        return same;
    }
    if (a.tag == PTM_DICT) {
        bool same = a.u.dict->n == b.u.dict->n;
        for (size_t i = 0; same && i < a.u.dict->n; i++)
            same = same_value(a.u.dict->key[i], b.u.dict->key[i], depth + 1) &&
                   same_value(a.u.dict->v[i], b.u.dict->v[i], depth + 1);
        return same;
    }
    if (a.tag == PTM_FLOAT)
        return !memcmp(&a.u.f, &b.u.f, sizeof a.u.f);
    return a.tag == PTM_OBJECT || ptm_ival_equal(a, b);
}

enum { MAX_ARGS = 16 };
struct args {
    struct ptm_file_map *map[MAX_ARGS];
    struct ptm_ival v[MAX_ARGS];
    size_t n;
};

/* CASE.in0.npy, CASE.in1.npy, ...; for "net.traced.pt" also "net.in0.npy". */
static void read_args(const char *path, struct ptm_arena *a, struct args *out)
{
    struct ptm_err err = {0};
    char base[500], name[520];
    snprintf(base, sizeof base, "%s", path);
    for (int tries = 0; tries < 2 && !out->n; tries++) {
        char *dot = strrchr(base, '.');
        if (!dot || strchr(dot, '/'))
            return;
        *dot = '\0';
        for (; out->n < MAX_ARGS; out->n++) {
            const uint8_t *bytes;
            size_t n;
            struct ptm_tensor *t = NULL;
            snprintf(name, sizeof name, "%s.in%zu.npy", base, out->n);
            if (access(name, R_OK) || ptm_map_open(&out->map[out->n], name, &bytes, &n, &err))
                break;
            if (ptm_npy_read(a, bytes, n, &t, &err))
                break;
            out->v[out->n] = ptm_tensor_ival(t);
        }
    }
}

#endif
