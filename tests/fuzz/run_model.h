/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For fuzz targets: runs every method of a model on small arguments. Whatever the model does, each
 * call must end with a status, and a failure with a message.
 */
#ifndef PTM_TESTS_FUZZ_RUN_MODEL_H
#define PTM_TESTS_FUZZ_RUN_MODEL_H

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "libcore/model.h"

enum { RUN_STEPS = 20000, RUN_WORK = 1 << 22, RUN_MEMORY = 256 << 20, RUN_ARGS = 32 };

/* Small arguments; `variant` other ones. Everything is in `a`. */
struct run_args {
    struct ptm_arena a;
    const struct ptm_program *program;
    unsigned variant, count;
};

static inline struct ptm_ival run_tensor(struct run_args *r, enum ptm_dtype d, int rank,
                                         const int64_t *dim)
{
    int64_t n = 1;
    for (int i = 0; i < rank; i++)
        n *= dim[i];
    size_t each = ptm_dtype_bytes(d);
    uint8_t *data = ptm_arena_alloc(&r->a, (size_t)n * each + 1);
    for (int64_t i = 0; data && i < n; i++) {
        int k = (int)((i * 7 + r->variant) % 11) - 3;
        float f = (float)k * 0.25f;
        int64_t whole = k < 0 ? 0 : k % 4;
        if (d == PTM_F32)
            memcpy(data + (size_t)i * each, &f, sizeof(f));
        else
            memcpy(data + (size_t)i * each, &whole, each); /* little-endian */
    }
    return ptm_tensor_ival(ptm_tensor_new(&r->a, d, rank, dim, data));
}

/* "f1,3,8,8": a tensor of f32 (i: i64, b: bool, u: u8) of at most 4096 elements. */
static inline struct ptm_ival run_tensor_text(struct run_args *r, const char *s)
{
    enum ptm_dtype d = *s == 'i' ? PTM_I64 : *s == 'b' ? PTM_BOOL8 : *s == 'u' ? PTM_U8 : PTM_F32;
    int64_t dim[PTM_MAX_RANK], n = 1;
    int rank = 0;
    for (s += isalpha((unsigned char)*s) != 0; rank < PTM_MAX_RANK && isdigit((unsigned char)*s);) {
        int64_t k = 0;
        for (; isdigit((unsigned char)*s) && k < 4096; s++)
            k = k * 10 + *s - '0';
        dim[rank] = k && n * k > 4096 ? 1 : k;
        n *= dim[rank] ? dim[rank] : 1;
        rank++;
        s += *s == ',';
    }
    return run_tensor(r, d, rank, dim);
}

static inline struct ptm_ival run_value(struct run_args *r, uint32_t type, int depth)
{
    static const char *const shapes[] = {"f1,3,8,8", "f2,4", "f4", "i2,3", "f1,2,5", "f"};
    const struct ptm_tytype *ty = &r->program->type[type];
    unsigned k = r->count++ + r->variant;
    struct ptm_list *l = NULL;
    struct ptm_dict *d;
    if (depth > 8)
        return ptm_none();
    switch (ty->kind) {
    case TY_BOOL:
        return ptm_bool(k & 1);
    case TY_INT:
    case TY_NUMBER:
        return ptm_int((int)(k % 5) - 1);
    case TY_FLOAT:
        return ptm_float((double)k * 0.5 - 0.5);
    case TY_STR:
        return ptm_str_ival(&r->a, "mean {} ", k % 9);
    case TY_TENSOR:
    case TY_ANY:
        return run_tensor_text(r, shapes[k % PTM_LEN(shapes)]);
    case TY_OPTIONAL:
        return (k & 1) && ty->n_sub ? run_value(r, ty->sub[0], depth + 1) : ptm_none();
    case TY_LIST:
        l = ptm_list_new(&r->a, 0);
        for (unsigned i = 0; l && ty->n_sub && i < k % 4; i++)
            ptm_list_append(&r->a, l, run_value(r, ty->sub[0], depth + 1));
        return (struct ptm_ival){.tag = l ? PTM_LIST : PTM_NONE, .u.list = l};
    case TY_TUPLE:
        l = ptm_list_new(&r->a, 0);
        for (uint32_t i = 0; l && i < ty->n_sub && i < 16; i++)
            ptm_list_append(&r->a, l, run_value(r, ty->sub[i], depth + 1));
        return (struct ptm_ival){.tag = l ? PTM_TUPLE : PTM_NONE, .u.list = l};
    case TY_DICT:
        d = ptm_dict_new(&r->a);
        for (unsigned i = 0; d && ty->n_sub == 2 && i < k % 3; i++) {
            struct ptm_ival key = run_value(r, ty->sub[0], depth + 1);
            if (ptm_ival_is_scalar(key) && key.tag != PTM_NONE)
                ptm_dict_set(&r->a, d, key, run_value(r, ty->sub[1], depth + 1));
        }
        return (struct ptm_ival){.tag = d ? PTM_DICT : PTM_NONE, .u.dict = d};
    default:
        return ptm_none();
    }
}

/* Reads all of a result: AddressSanitizer sees what is gone. */
static inline unsigned run_touch(struct ptm_ival v, int depth)
{
    char buf[160];
    unsigned sum = (unsigned)strlen(ptm_ival_describe(v, buf, sizeof(buf)));
    if (depth > 64)
        return sum;
    if (v.tag == PTM_STR)
        sum += (unsigned)strlen(v.u.str->s);
    if (v.tag == PTM_TENSOR && ptm_tensor_numel(v.u.tensor) > 0) {
        int64_t last = 0;
        const struct ptm_nd nd = ptm_tensor_nd(v.u.tensor);
        const uint8_t *p = nd.data;
        for (int i = 0; i < nd.rank; i++)
            last += (nd.dim[i] - 1) * nd.stride[i];
        sum += p[0] + p[(size_t)last * ptm_dtype_bytes(nd.dtype)];
    }
    if (v.tag == PTM_LIST || v.tag == PTM_TUPLE)
        for (size_t i = 0; i < v.u.list->n; i++)
            sum += run_touch(v.u.list->v[i], depth + 1);
    if (v.tag == PTM_DICT)
        for (size_t i = 0; i < v.u.dict->n; i++)
            sum += run_touch(v.u.dict->key[i], depth + 1) + run_touch(v.u.dict->v[i], depth + 1);
    return sum;
}

/* `hint`: text that may hold a line "#run METHOD f1,3,8,8 _ i2": tensors for the arguments in
 * order; anything else is made by the type. */
static inline const char *run_hint(const char *hint, const char *method)
{
    size_t n = strlen(method);
    for (const char *p = hint; p && (p = strstr(p, "#run ")); p += 5)
        if (!strncmp(p + 5, method, n) && p[5 + n] == ' ')
            return p + 5 + n;
    return NULL;
}

static inline void run_method(struct ptm_session *s, const struct ptm_program *p,
                              const struct ptm_function *fn, const char *hint, unsigned variant)
{
    struct run_args r = {.program = p, .variant = variant};
    struct ptm_ival arg[RUN_ARGS], result = {0};
    size_t n = 0;
    struct ptm_err err = {0};
    for (uint32_t i = 1; i < fn->n_params && n < RUN_ARGS; i++) {
        while (hint && *hint == ' ')
            hint++;
        bool by_hint = hint && isalpha((unsigned char)*hint);
        if (!by_hint && fn->param[i].has_default && (variant & 1))
            break;
        arg[n++] = by_hint ? run_tensor_text(&r, hint) : run_value(&r, fn->param[i].type, 0);
        while (hint && *hint && *hint != ' ' && *hint != '\n')
            hint++;
    }
    enum ptm_status st = ptm_session_run(s, fn->name, arg, n, &result, &err);
    if (st ? !err.msg[0] || err.code != st : run_touch(result, 0) == UINT32_MAX)
        abort();
    ptm_arena_release(&r.a);
}

static inline void run_model(const uint8_t *bytes, size_t n, ptm_format_finder *find,
                             const char *hint)
{
    static const char *backend = NULL;
    static bool asked;
    struct ptm_err err = {0};
    struct ptm_model *m = NULL;
    struct ptm_session *s = NULL;
    if (!asked) { /* the reference kernels, unless the environment says otherwise */
        backend = getenv("PTM_FUZZ_BACKEND");
        asked = true;
    }
    const struct ptm_config config = {.seed = 1, .max_steps = RUN_STEPS, .max_work = RUN_WORK,
                                      .backend = backend};
    ptm_memory_limit(RUN_MEMORY);
    if (ptm_model_open_bytes(&m, bytes, n, find, &err))
        return;
    const struct ptm_program *p = &m->program;
    if (!ptm_session_open(&s, m, &config, &err)) {
        const struct ptm_class *c = p->root->cls;
        for (unsigned variant = 0; variant < 3; variant++)
            for (uint32_t i = 0; i < c->n_methods && i < 16; i++) {
                const struct ptm_function *fn = &p->fn[c->method[i]];
                /* the first two are equal: the second runs what the first made */
                run_method(s, p, fn, variant < 2 ? run_hint(hint, fn->name) : NULL, variant / 2);
            }
    }
    ptm_session_close(s);
    ptm_model_close(m);
}

#endif
