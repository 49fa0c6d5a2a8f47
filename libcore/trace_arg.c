/* SPDX-License-Identifier: BSD-2-Clause */
/* What lowerings use to read arguments, promote types and make tensors of numbers. */
#include <string.h>

#include "libcore/specialise.h"

bool ptm_is_none(struct ptm_ival v)
{
    return v.tag == PTM_NONE;
}

static void wrong(struct ptm_trace *t, const char *want, struct ptm_ival v)
{
    char buf[160];
    ptm_trace_fail(t, PTM_ERR_TYPE, "%s was expected, %s was given", want,
                   ptm_ival_describe(v, buf, sizeof(buf)));
}

struct ptm_ival ptm_item(struct ptm_trace *t, struct ptm_tensor *x)
{
    struct ptm_nd nd;
    if (!x || t->err.code)
        return ptm_int(0);
    if (ptm_tensor_numel(x) != 1)
        return ptm_trace_fail(t, PTM_ERR_RAISED, "the model raised RuntimeError: a Tensor with "
                              "%lld elements cannot be converted to Scalar",
                              (long long)ptm_tensor_numel(x));
    if (x->dtype == PTM_C64)
        return ptm_trace_fail(t, PTM_ERR_UNSUPPORTED, "a complex tensor as a number");
    if (!ptm_read(t, x, &nd))
        return ptm_int(0);
    struct ptm_nd out = {.rank = 0};
    struct ptm_attr d = {.kind = A_IMM};
    int64_t i = 0;
    double f = 0;
    struct ptm_err err = {0};
    bool flt = ptm_dtype_is_float(nd.dtype);
    nd.rank = 0;
    out.dtype = flt ? PTM_F64 : PTM_I64;
    out.data = flt ? (void *)&f : (void *)&i;
    d.u.i = out.dtype;
    if (ptm_eager_run(OP_cast, &nd, 1, &d, 1, &out, &err))
        return ptm_trace_fail(t, err.code, "%s", err.msg);
    return flt ? ptm_float(f) : x->dtype == PTM_BOOL8 ? ptm_bool(i != 0) : ptm_int(i);
}

int64_t ptm_arg_int(struct ptm_trace *t, struct ptm_ival v)
{
    if (t->err.code)
        return 0;
    v = ptm_scalar_known(t, v);
    if (v.tag == PTM_TENSOR)
        v = ptm_item(t, v.u.tensor);
    if (v.tag == PTM_INT)
        return v.u.i;
    if (v.tag == PTM_BOOL)
        return v.u.b;
    if (v.tag == PTM_FLOAT && v.u.f == (double)ptm_float_to_int(v.u.f))
        return ptm_float_to_int(v.u.f);
    wrong(t, "an int", v);
    return 0;
}

double ptm_arg_float(struct ptm_trace *t, struct ptm_ival v)
{
    if (t->err.code)
        return 0;
    v = ptm_scalar_known(t, v);
    if (v.tag == PTM_TENSOR)
        v = ptm_item(t, v.u.tensor);
    if (v.tag == PTM_FLOAT)
        return v.u.f;
    if (v.tag == PTM_INT)
        return (double)v.u.i;
    if (v.tag == PTM_BOOL)
        return v.u.b;
    wrong(t, "a number", v);
    return 0;
}

bool ptm_arg_bool(struct ptm_trace *t, struct ptm_ival v)
{
    if (t->err.code)
        return false;
    if (v.tag == PTM_SYM)
        return ptm_scalar_cmp(t, PTM_NE, v, v.u.sym->is_float ? ptm_float(0) : ptm_int(0));
    if (v.tag == PTM_TENSOR)
        v = ptm_item(t, v.u.tensor);
    if (v.tag == PTM_BOOL)
        return v.u.b;
    if (v.tag == PTM_INT)
        return v.u.i != 0;
    if (v.tag == PTM_FLOAT)
        return v.u.f != 0;
    if (!t->err.code)
        wrong(t, "a bool", v);
    return false;
}

const char *ptm_arg_str(struct ptm_trace *t, struct ptm_ival v)
{
    if (v.tag == PTM_STR)
        return v.u.str->s;
    if (!t->err.code)
        wrong(t, "a string", v);
    return "";
}

struct ptm_tensor *ptm_arg_tensor(struct ptm_trace *t, struct ptm_ival v)
{
    if (v.tag == PTM_TENSOR)
        return v.u.tensor;
    if (v.tag != PTM_NONE && !t->err.code)
        wrong(t, "a tensor", v);
    return NULL;
}

int64_t ptm_float_to_int(double d)
{
    return d >= -0x1p63 && d < 0x1p63 ? (int64_t)d : INT64_MIN;
}

/* So that lowerings may add, and multiply by small numbers, without checks. */
int64_t ptm_arg_size(struct ptm_trace *t, struct ptm_ival v)
{
    int64_t n = ptm_arg_int(t, v);
    if (n >= -PTM_MAX_SIZE && n <= PTM_MAX_SIZE)
        return n;
    ptm_trace_fail(t, PTM_ERR_LIMIT, "a size, stride or count of %lld; the limit is %lld",
                   (long long)n, (long long)PTM_MAX_SIZE);
    return 0;
}

int ptm_arg_ints(struct ptm_trace *t, struct ptm_ival v, int64_t *out, int max)
{
    if (t->err.code || v.tag == PTM_NONE)
        return 0;
    if (v.tag != PTM_LIST && v.tag != PTM_TUPLE) {
        out[0] = ptm_arg_size(t, v);
        return 1;
    }
    if (v.u.list->n > (size_t)max) {
        ptm_trace_fail(t, PTM_ERR_UNSUPPORTED, "a list of %zu ints; at most %d", v.u.list->n, max);
        return 0;
    }
    for (size_t i = 0; i < v.u.list->n; i++)
        out[i] = ptm_arg_size(t, v.u.list->v[i]);
    return (int)v.u.list->n;
}

int ptm_arg_floats(struct ptm_trace *t, struct ptm_ival v, double *out, int max)
{
    if (t->err.code || v.tag == PTM_NONE)
        return 0;
    if (v.tag != PTM_LIST && v.tag != PTM_TUPLE) {
        out[0] = ptm_arg_float(t, v);
        return 1;
    }
    if (v.u.list->n > (size_t)max) {
        ptm_trace_fail(t, PTM_ERR_UNSUPPORTED, "a list of %zu floats; at most %d", v.u.list->n,
                       max);
        return 0;
    }
    for (size_t i = 0; i < v.u.list->n; i++)
        out[i] = ptm_arg_float(t, v.u.list->v[i]);
    return (int)v.u.list->n;
}

bool ptm_arg_ints_n(struct ptm_trace *t, struct ptm_ival v, int64_t *out, int n)
{
    int64_t got[PTM_MAX_RANK];
    int k = ptm_arg_ints(t, v, got, PTM_MAX_RANK);
    if (t->err.code)
        return false;
    if (k != 1 && k != n) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "%d ints were expected, %d were given", n, k);
        return false;
    }
    for (int i = 0; i < n; i++)
        out[i] = got[k == 1 ? 0 : i];
    return true;
}

int ptm_arg_dtype(struct ptm_trace *t, struct ptm_ival v, int otherwise)
{
    if (v.tag == PTM_NONE)
        return otherwise;
    int64_t d = ptm_arg_int(t, v);
    if (d < 0 || d > 255 || !ptm_dtype_bytes((enum ptm_dtype)d)) {
        ptm_trace_fail(t, PTM_ERR_UNSUPPORTED, "dtype number %lld (complex or quantized?)",
                       (long long)d);
        return otherwise;
    }
    return (int)d;
}

int ptm_arg_dim(struct ptm_trace *t, struct ptm_ival v, int rank)
{
    int64_t d = ptm_arg_int(t, v), n = rank ? rank : 1;
    if (d < -n || d >= n) {
        ptm_trace_fail(t, PTM_ERR_TYPE,
                       "dimension %lld is out of range (expected %lld to %lld)", (long long)d,
                       (long long)-n, (long long)n - 1);
        return 0;
    }
    return (int)(d < 0 ? d + n : d);
}

/* -- types -- */

bool ptm_dtype_is_float(enum ptm_dtype d)
{
    return d == PTM_F32 || d == PTM_F64 || d == PTM_F16 || d == PTM_BF16;
}

enum ptm_dtype ptm_default_float(enum ptm_dtype d)
{
    return ptm_dtype_is_float(d) ? d : PTM_F32;
}

static enum ptm_dtype promote(enum ptm_dtype a, enum ptm_dtype b)
{
    static const uint8_t ints[] = {PTM_BOOL8, PTM_U8, PTM_I8, PTM_I16, PTM_I32, PTM_I64};
    if (a == b)
        return a;
    if (a == PTM_C64 || b == PTM_C64)
        return PTM_C64;
    if (ptm_dtype_is_float(a) && ptm_dtype_is_float(b)) {
        if (a == PTM_F64 || b == PTM_F64)
            return PTM_F64;
        return PTM_F32; /* f32 with a half type, or the two half types */
    }
    if (ptm_dtype_is_float(a))
        return a;
    if (ptm_dtype_is_float(b))
        return b;
    if ((a == PTM_U8 && b == PTM_I8) || (a == PTM_I8 && b == PTM_U8))
        return PTM_I16;
    int ia = 0, ib = 0;
    for (int i = 0; i < (int)sizeof(ints); i++) {
        ia = ints[i] == a ? i : ia;
        ib = ints[i] == b ? i : ib;
    }
    return ints[ia > ib ? ia : ib];
}

static int category(enum ptm_dtype d)
{
    return d == PTM_BOOL8 ? 0 : d == PTM_C64 ? 3 : ptm_dtype_is_float(d) ? 2 : 1;
}

/* c10's update_result_type_state: dimensioned tensors, 0-d tensors and numbers
 * are promoted apart; a lower class decides only by a higher category. */
enum ptm_dtype ptm_result_type(struct ptm_trace *t, const struct ptm_ival *v, size_t n)
{
    int state[3] = {-1, -1, -1}; /* dimensioned, 0-d, number */
    (void)t;
    for (size_t i = 0; i < n; i++) {
        enum ptm_dtype d;
        int cls = 2;
        if (v[i].tag == PTM_TENSOR) {
            d = v[i].u.tensor->dtype;
            cls = v[i].u.tensor->rank ? 0 : 1;
        } else if (v[i].tag == PTM_FLOAT || (v[i].tag == PTM_SYM && v[i].u.sym->is_float)) {
            d = PTM_F32;
        } else if (v[i].tag == PTM_BOOL) {
            d = PTM_BOOL8;
        } else if (v[i].tag == PTM_INT || v[i].tag == PTM_SYM) {
            d = PTM_I64;
        } else {
            continue;
        }
        state[cls] = state[cls] < 0 ? (int)d : (int)promote((enum ptm_dtype)state[cls], d);
    }
    int out = state[0];
    for (int k = 1; k < 3; k++) {
        if (state[k] < 0)
            continue;
        if (out < 0 || category((enum ptm_dtype)state[k]) > category((enum ptm_dtype)out))
            out = out < 0 ? state[k] : (int)promote((enum ptm_dtype)out, (enum ptm_dtype)state[k]);
    }
    return out < 0 ? PTM_F32 : (enum ptm_dtype)out;
}

struct ptm_tensor *ptm_complex_of(struct ptm_trace *t, struct ptm_tensor *re,
                                  struct ptm_tensor *im)
{
    struct ptm_emit e;
    re = ptm_cast(t, re, PTM_F32);
    if (!re)
        return NULL;
    if (!im)
        im = ptm_full(t, PTM_F32, re->rank, re->dim, ptm_int(0));
    ptm_emit_begin(&e, t, OP_concat);
    ptm_emit_in(&e, ptm_view_unsqueeze(t, re, re->rank));
    ptm_emit_in(&e, ptm_view_unsqueeze(t, im, re->rank));
    ptm_emit_i(&e, re->rank);
    return ptm_op_unary(t, OP_as_complex, ptm_emit_end(&e));
}

struct ptm_tensor *ptm_cast(struct ptm_trace *t, struct ptm_tensor *x, enum ptm_dtype d)
{
    struct ptm_emit e;
    if (!x || t->err.code || x->dtype == d)
        return x;
    if (d == PTM_C64)
        return ptm_complex_of(t, x, NULL);
    ptm_emit_begin(&e, t, OP_cast);
    ptm_emit_in(&e, x);
    ptm_emit_i(&e, d);
    return ptm_emit_end(&e);
}

struct ptm_tensor *ptm_full(struct ptm_trace *t, enum ptm_dtype d, int rank, const int64_t *dim,
                            struct ptm_ival v)
{
    struct ptm_emit e;
    if (t->err.code)
        return NULL;
    for (int i = 0; i < rank; i++)
        if (dim[i] < 0) {
            ptm_trace_fail(t, PTM_ERR_TYPE, "a tensor of negative size %lld", (long long)dim[i]);
            return NULL;
        }
    if (d == PTM_C64)
        return ptm_complex_of(t, ptm_full(t, PTM_F32, rank, dim, v), NULL);
    bool flt = ptm_dtype_is_float(d);
    if (v.tag == PTM_TENSOR)
        v = ptm_item(t, v.u.tensor);
    if (!flt && (v.tag == PTM_FLOAT || (v.tag == PTM_SYM && v.u.sym->is_float))) {
        double f = ptm_arg_float(t, v);
        v = d == PTM_BOOL8 ? ptm_int(f != 0) : ptm_int(ptm_float_to_int(f));
    }
    if (d == PTM_BOOL8 && v.tag == PTM_INT)
        v = ptm_int(v.u.i != 0);
    ptm_emit_begin(&e, t, flt ? OP_full : OP_full_int);
    ptm_emit_i(&e, d);
    ptm_emit_ints(&e, dim, rank);
    ptm_emit_scalar(&e, v, flt);
    return ptm_emit_end(&e);
}

static struct ptm_tensor *with_data(struct ptm_trace *t, enum ptm_dtype d, int rank,
                                    const int64_t *dim, const void *data)
{
    int64_t stride[PTM_MAX_RANK], n;
    if (t->err.code)
        return NULL;
    n = ptm_strides_contiguous(rank, dim, stride);
    if (n < 0) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "a tensor of invalid size");
        return NULL;
    }
    struct ptm_trace_storage *ts = ptm_ts_new(t, ST_KNOWN, NULL, d, rank, dim, stride);
    if (!ts)
        return NULL;
    ts->storage->bytes = (size_t)n * ptm_dtype_bytes(d);
    ts->storage->data = ptm_arena_copy(&t->arena, data, ts->storage->bytes);
    if (!ts->storage->data) {
        ptm_trace_fail(t, PTM_ERR_MEMORY, "out of memory while specialising");
        return NULL;
    }
    return ptm_trace_tensor(t, ts, rank, dim, stride, 0);
}

struct ptm_tensor *ptm_known(struct ptm_trace *t, enum ptm_dtype d, int rank, const int64_t *dim,
                             const void *data)
{
    return with_data(t, d, rank, dim, data);
}

struct ptm_tensor *ptm_dynamic(struct ptm_trace *t, enum ptm_dtype d, int rank, const int64_t *dim,
                               const void *data)
{
    int64_t stride[PTM_MAX_RANK], n = ptm_strides_contiguous(rank, dim, stride);
    struct ptm_entry *e = t->entry;
    struct ptm_frame *f = t->frame;
    if (t->err.code)
        return NULL;
    size_t bytes = n < 0 ? 0 : (size_t)n * ptm_dtype_bytes(d);
    void *p = e->binding;
    struct ptm_storage *s = n < 0 ? NULL : ptm_storage_make(f->pool, bytes);
    if (!s || !ptm_arena_grow(&e->arena, &p, &e->cap_bindings, e->n_bindings + 1,
                              sizeof(*e->binding)) ||
        !ptm_frame_reserve(f, e->n_bindings + 1)) {
        ptm_storage_drop(s);
        ptm_trace_fail(t, PTM_ERR_MEMORY, "out of memory while specialising");
        return NULL;
    }
    if (bytes)
        memcpy(s->data, data, bytes);
    e->binding = p;
    uint32_t b = (uint32_t)e->n_bindings++;
    e->binding[b] = (struct ptm_binding){.type = {.dtype = (uint8_t)d, .rank = (uint8_t)rank,
                                                  .qparams = -1}};
    memcpy(e->binding[b].type.dim, dim, (size_t)rank * sizeof(*dim));
    struct ptm_trace_storage *ts = ptm_ts_new(t, ST_BOUND, NULL, d, rank, dim, stride);
    if (!ts) {
        ptm_storage_drop(s);
        return NULL;
    }
    ts->binding = b;
    ts->storage->bytes = bytes;
    struct ptm_tensor *x = ptm_trace_tensor(t, ts, rank, dim, stride, 0);
    f->bound[b].storage = s;
    f->n_bound = b + 1;
    if (x) {
        f->bound[b].nd = ptm_tensor_nd(x);
        f->bound[b].nd.data = s->data;
    }
    return x;
}

struct ptm_tensor *ptm_to_tensor(struct ptm_trace *t, struct ptm_ival v, enum ptm_dtype d)
{
    if (v.tag == PTM_TENSOR)
        return ptm_cast(t, v.u.tensor, d);
    if (v.tag == PTM_NONE || v.tag == PTM_STR) {
        if (!t->err.code)
            wrong(t, "a tensor or a number", v);
        return NULL;
    }
    return ptm_full(t, d, 0, NULL, v);
}

struct ptm_tensor *ptm_binary(struct ptm_trace *t, enum ptm_op op, struct ptm_ival a,
                              struct ptm_ival b)
{
    struct ptm_ival both[2] = {a, b};
    if (t->err.code)
        return NULL;
    enum ptm_dtype d = ptm_result_type(t, both, 2);
    if (op == OP_div || op == OP_atan2)
        d = ptm_default_float(d);
    return ptm_op_binary(t, op, ptm_to_tensor(t, a, d), ptm_to_tensor(t, b, d));
}

static struct ptm_ival many(struct ptm_trace *t, uint8_t tag, size_t n, struct ptm_tensor *const *x)
{
    struct ptm_list *l = ptm_list_new(&t->arena, n);
    if (!l)
        return ptm_trace_fail(t, PTM_ERR_MEMORY, "out of memory while specialising");
    l->elem = PTM_TENSOR;
    for (size_t i = 0; i < n; i++)
        l->v[i] = ptm_tensor_ival(x[i]);
    return (struct ptm_ival){.tag = tag, .u.list = l};
}

struct ptm_ival ptm_result_tuple(struct ptm_trace *t, size_t n, struct ptm_tensor *const *x)
{
    return many(t, PTM_TUPLE, n, x);
}

struct ptm_ival ptm_result_list(struct ptm_trace *t, size_t n, struct ptm_tensor *const *x)
{
    return many(t, PTM_LIST, n, x);
}
