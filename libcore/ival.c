/* SPDX-License-Identifier: BSD-2-Clause */
/* Dynamic values: construction, comparison, description; dtypes and plain tensors. */
#include "libcore/ival.h"

#include <string.h>

static const struct {
    uint8_t dtype, bytes;
    const char *name, *torch;
} dtypes[] = {
    {PTM_U8, 1, "u8", "uint8"},      {PTM_I8, 1, "i8", "int8"},
    {PTM_I16, 2, "i16", "int16"},    {PTM_I32, 4, "i32", "int32"},
    {PTM_I64, 8, "i64", "int64"},    {PTM_F16, 2, "f16", "float16"},
    {PTM_F32, 4, "f32", "float32"},  {PTM_F64, 8, "f64", "float64"},
    {PTM_BOOL8, 1, "bool", "bool"},  {PTM_BF16, 2, "bf16", "bfloat16"},
    {PTM_C64, 8, "c64", "complex64"},
};

static int dtype_row(enum ptm_dtype d)
{
    for (size_t i = 0; i < PTM_LEN(dtypes); i++)
        if (dtypes[i].dtype == d)
            return (int)i;
    return -1;
}

size_t ptm_dtype_bytes(enum ptm_dtype d)
{
    int i = dtype_row(d);
    return i < 0 ? 0 : dtypes[i].bytes;
}

const char *ptm_dtype_name(enum ptm_dtype d)
{
    int i = dtype_row(d);
    return i < 0 ? NULL : dtypes[i].name;
}

const char *ptm_dtype_torch(enum ptm_dtype d)
{
    int i = dtype_row(d);
    return i < 0 ? NULL : dtypes[i].torch;
}

struct ptm_ival ptm_str_ival(struct ptm_arena *a, const char *s, size_t len)
{
    struct ptm_str *str = ptm_arena_alloc(a, sizeof(*str));
    char *copy = ptm_arena_str(a, s, len);
    if (!str || !copy)
        return ptm_none();
    str->s = copy;
    str->len = len;
    return (struct ptm_ival){.tag = PTM_STR, .u.str = str};
}

struct ptm_list *ptm_list_new(struct ptm_arena *a, size_t n)
{
    struct ptm_list *l = ptm_arena_alloc(a, sizeof(*l));
    if (!l)
        return NULL;
    l->v = n ? ptm_arena_array(a, n, sizeof(*l->v)) : NULL;
    if (n && !l->v)
        return NULL;
    l->n = l->cap = n;
    return l;
}

bool ptm_list_append(struct ptm_arena *a, struct ptm_list *l, struct ptm_ival v)
{
    void *p = l->v;
    if (!ptm_arena_grow(a, &p, &l->cap, l->n + 1, sizeof(*l->v)))
        return false;
    l->v = p;
    l->v[l->n++] = v;
    return true;
}

struct ptm_dict *ptm_dict_new(struct ptm_arena *a)
{
    return ptm_arena_alloc(a, sizeof(struct ptm_dict));
}

static size_t dict_at(const struct ptm_dict *d, struct ptm_ival key)
{
    for (size_t i = 0; i < d->n; i++)
        if (ptm_ival_equal(d->key[i], key))
            return i;
    return d->n;
}

bool ptm_dict_set(struct ptm_arena *a, struct ptm_dict *d, struct ptm_ival key, struct ptm_ival v)
{
    size_t at = dict_at(d, key);
    if (at == d->n) {
        void *k = d->key, *val = d->v;
        size_t cap = d->cap;
        if (!ptm_arena_grow(a, &k, &cap, d->n + 1, sizeof(*d->key)) ||
            !ptm_arena_grow(a, &val, &d->cap, d->n + 1, sizeof(*d->v)))
            return false;
        d->key = k;
        d->v = val;
        d->key[d->n++] = key;
    }
    d->v[at] = v;
    return true;
}

const struct ptm_ival *ptm_dict_get(const struct ptm_dict *d, struct ptm_ival key)
{
    size_t at = dict_at(d, key);
    return at < d->n ? &d->v[at] : NULL;
}

bool ptm_dict_remove(struct ptm_dict *d, struct ptm_ival key)
{
    size_t at = dict_at(d, key);
    if (at == d->n)
        return false;
    d->n--;
    memmove(d->key + at, d->key + at + 1, (d->n - at) * sizeof(*d->key));
    memmove(d->v + at, d->v + at + 1, (d->n - at) * sizeof(*d->v));
    return true;
}

int64_t ptm_strides_contiguous(int rank, const int64_t *dim, int64_t *stride)
{
    int64_t n = 1, s = 1;
    for (int i = rank - 1; i >= 0; i--) {
        stride[i] = s;
        if (dim[i] < 0 || (dim[i] > 1 && s > PTM_MAX_SIZE / dim[i]))
            return -1;
        s *= dim[i] > 1 ? dim[i] : 1;
        n = dim[i] == 0 ? 0 : n;
    }
    return n ? s : 0;
}

struct ptm_tensor *ptm_tensor_new(struct ptm_arena *a, enum ptm_dtype dtype, int rank,
                                  const int64_t *dim, void *data)
{
    if (rank < 0 || rank > PTM_MAX_RANK || !ptm_dtype_bytes(dtype))
        return NULL;
    int64_t stride[PTM_MAX_RANK];
    int64_t n = ptm_strides_contiguous(rank, dim, stride);
    struct ptm_tensor *t = n < 0 ? NULL : ptm_arena_alloc(a, sizeof(*t));
    struct ptm_storage *s = t ? ptm_arena_alloc(a, sizeof(*s)) : NULL;
    if (!s)
        return NULL;
    s->data = data;
    s->bytes = (size_t)n * ptm_dtype_bytes(dtype);
    t->dtype = (uint8_t)dtype;
    t->rank = (uint8_t)rank;
    for (int i = 0; i < rank; i++) /* dim may be NULL for rank 0 */
        t->dim[i] = dim[i];
    memcpy(t->stride, stride, (size_t)rank * sizeof(*stride));
    t->storage = s;
    return t;
}

struct wrapped {
    struct ptm_tensor t;
    struct ptm_storage s;
};

struct ptm_tensor *ptm_tensor_wrap(enum ptm_dtype dtype, int rank, const int64_t *dim, void *data)
{
    if (rank < 0 || rank > PTM_MAX_RANK || !ptm_dtype_bytes(dtype))
        return NULL;
    struct wrapped *w = ptm_malloc(sizeof(*w));
    if (!w)
        return NULL;
    for (int i = 0; i < rank; i++)
        w->t.dim[i] = dim[i];
    int64_t n = ptm_strides_contiguous(rank, dim, w->t.stride);
    if (n < 0) {
        ptm_free(w);
        return NULL;
    }
    w->t.dtype = (uint8_t)dtype;
    w->t.rank = (uint8_t)rank;
    w->t.storage = &w->s;
    w->s.data = data;
    w->s.bytes = (size_t)n * ptm_dtype_bytes(dtype);
    w->s.read_only = true;
    return &w->t;
}

void ptm_tensor_free(struct ptm_tensor *t)
{
    ptm_free(t); /* the first member of struct wrapped */
}

void *ptm_tensor_data(const struct ptm_tensor *t)
{
    if (!t->storage || !t->storage->data || !ptm_tensor_numel(t))
        return NULL;
    return t->storage->data + (size_t)t->offset * ptm_dtype_bytes(t->dtype);
}

int64_t ptm_tensor_numel(const struct ptm_tensor *t)
{
    int64_t n = 1;
    for (int i = 0; i < t->rank; i++)
        n *= t->dim[i];
    return n;
}

bool ptm_tensor_contiguous(const struct ptm_tensor *t)
{
    int64_t s = 1;
    if (!ptm_tensor_numel(t))
        return true;
    for (int i = t->rank - 1; i >= 0; i--) {
        if (t->dim[i] != 1 && t->stride[i] != s)
            return false;
        s *= t->dim[i];
    }
    return true;
}

struct ptm_nd ptm_tensor_nd(const struct ptm_tensor *t)
{
    struct ptm_nd nd = {.data = ptm_tensor_data(t), .dtype = t->dtype, .rank = t->rank};
    memcpy(nd.dim, t->dim, sizeof(nd.dim));
    memcpy(nd.stride, t->stride, sizeof(nd.stride));
    return nd;
}

bool ptm_ival_is_scalar(struct ptm_ival v)
{
    return v.tag <= PTM_STR;
}

static bool is_number(struct ptm_ival v)
{
    return v.tag == PTM_BOOL || v.tag == PTM_INT || v.tag == PTM_FLOAT;
}

static double as_double(struct ptm_ival v)
{
    return v.tag == PTM_BOOL ? (double)v.u.b : v.tag == PTM_INT ? (double)v.u.i : v.u.f;
}

bool ptm_ival_equal(struct ptm_ival a, struct ptm_ival b)
{
    if (is_number(a) && is_number(b)) {
        if (a.tag == PTM_INT && b.tag == PTM_INT)
            return a.u.i == b.u.i;
        return as_double(a) == as_double(b);
    }
    if (a.tag != b.tag)
        return false;
    switch (a.tag) {
    case PTM_NONE:
        return true;
    case PTM_STR:
        return a.u.str->len == b.u.str->len && !memcmp(a.u.str->s, b.u.str->s, a.u.str->len);
    case PTM_LIST:
    case PTM_TUPLE:
        if (a.u.list->n != b.u.list->n)
            return false;
        for (size_t i = 0; i < a.u.list->n; i++)
            if (!ptm_ival_equal(a.u.list->v[i], b.u.list->v[i]))
                return false;
        return true;
    case PTM_DICT:
        if (a.u.dict->n != b.u.dict->n)
            return false;
        for (size_t i = 0; i < a.u.dict->n; i++) {
            const struct ptm_ival *v = ptm_dict_get(b.u.dict, a.u.dict->key[i]);
            if (!v || !ptm_ival_equal(a.u.dict->v[i], *v))
                return false;
        }
        return true;
    case PTM_TENSOR:
        return a.u.tensor == b.u.tensor;
    case PTM_OBJECT:
        return a.u.object == b.u.object;
    default:
        return false;
    }
}

const char *ptm_ival_describe(struct ptm_ival v, char *buf, size_t n)
{
    static const char *const names[] = {"None", "bool",  "int",  "float",  "str",    "Tensor",
                                        "List", "Tuple", "Dict", "object", "number", "uninitialized"};
    if (v.tag == PTM_TENSOR) {
        const struct ptm_tensor *t = v.u.tensor;
        int at = snprintf(buf, n, "Tensor %s[", ptm_dtype_name(t->dtype));
        for (int i = 0; i < t->rank && at > 0 && (size_t)at < n; i++)
            at += snprintf(buf + at, n - (size_t)at, "%s%lld", i ? ", " : "", (long long)t->dim[i]);
        if (at > 0 && (size_t)at < n)
            snprintf(buf + at, n - (size_t)at, "]");
    } else if (v.tag == PTM_LIST || v.tag == PTM_TUPLE) {
        snprintf(buf, n, "%s of %zu%s%s%s", names[v.tag], v.u.list->n, v.u.list->n ? " (" : "",
                 v.u.list->n ? names[v.u.list->v[0].tag] : "", v.u.list->n ? ")" : "");
    } else {
        snprintf(buf, n, "%s", v.tag < PTM_LEN(names) ? names[v.tag] : "?");
    }
    return buf;
}
