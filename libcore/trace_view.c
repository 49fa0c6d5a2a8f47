/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Views and writes while specialising.
 *
 * A view is a tensor over the same storage; when the storage is not known, a
 * pure operator on the viewed tensor's value gives its value until someone
 * writes to the storage. A write gives the storage a new content: the written
 * values themselves when they cover it, else a scatter into the old content.
 */
#include <string.h>

#include "libcore/specialise.h"

static struct ptm_attr imm(int64_t i)
{
    return (struct ptm_attr){.kind = A_IMM, .u.i = i};
}

/* A view of x; `op` with attributes makes its value of x's. */
static struct ptm_tensor *view(struct ptm_trace *t, struct ptm_tensor *x, int rank,
                               const int64_t *dim, const int64_t *stride, int64_t offset,
                               enum ptm_op op, const struct ptm_attr *attr, uint32_t n_attr)
{
    struct ptm_trace_storage *ts = x->storage->trace;
    struct ptm_tensor *y = ptm_trace_tensor(t, ts, rank, dim, stride, offset);
    if (!y)
        return NULL;
    y->dtype = x->dtype;
    y->offset_sym = x->offset_sym;
    if (ts->state == ST_KNOWN)
        return y;
    uint32_t v = ptm_trace_value(t, x);
    y->value = v == PTM_NO_VALUE ? v : ptm_trace_node(t, op, &v, 1, attr, n_attr);
    y->version = ts->version;
    return y;
}

struct ptm_tensor *ptm_view_permute(struct ptm_trace *t, struct ptm_tensor *x, const int64_t *perm)
{
    int64_t dim[PTM_MAX_RANK], stride[PTM_MAX_RANK];
    struct ptm_attr attr[1 + PTM_MAX_RANK];
    if (!x || t->err.code)
        return NULL;
    attr[0] = imm(x->rank);
    for (int i = 0; i < x->rank; i++) {
        dim[i] = x->dim[perm[i]];
        stride[i] = x->stride[perm[i]];
        attr[1 + i] = imm(perm[i]);
    }
    return view(t, x, x->rank, dim, stride, x->offset, OP_permute, attr, 1 + (uint32_t)x->rank);
}

struct ptm_tensor *ptm_view_transpose(struct ptm_trace *t, struct ptm_tensor *x, int a, int b)
{
    int64_t perm[PTM_MAX_RANK];
    if (!x || t->err.code)
        return NULL;
    for (int i = 0; i < x->rank; i++)
        perm[i] = i == a ? b : i == b ? a : i;
    return ptm_view_permute(t, x, perm);
}

static struct ptm_tensor *with_dims(struct ptm_trace *t, struct ptm_tensor *x, int rank,
                                    const int64_t *dim, const int64_t *stride)
{
    struct ptm_attr attr[1 + PTM_MAX_RANK];
    attr[0] = imm(rank);
    for (int i = 0; i < rank; i++)
        attr[1 + i] = imm(dim[i]);
    return view(t, x, rank, dim, stride, x->offset, OP_reshape, attr, 1 + (uint32_t)rank);
}

struct ptm_tensor *ptm_view_slice(struct ptm_trace *t, struct ptm_tensor *x, int dim,
                                  struct ptm_ival start, int64_t len, int64_t step)
{
    if (!x || t->err.code)
        return NULL;
    if (dim < 0 || dim >= x->rank) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "slice: dimension %d of a tensor of rank %d", dim, x->rank);
        return NULL;
    }
    struct ptm_sym s = ptm_sym_of(start);
    int64_t d[PTM_MAX_RANK], stride[PTM_MAX_RANK], offset = x->offset;
    memcpy(d, x->dim, sizeof(d));
    memcpy(stride, x->stride, sizeof(stride));
    if (!s.mul && (s.add < 0 || s.add > x->dim[dim] || len < 0 || step < 1 ||
                   (len > 0 && (s.add >= x->dim[dim] ||
                                len - 1 > (x->dim[dim] - 1 - s.add) / step)))) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "slice: %lld elements from %lld of dimension %d, size %lld",
                       (long long)len, (long long)s.add, dim, (long long)x->dim[dim]);
        return NULL;
    }
    d[dim] = len;
    stride[dim] = ptm_times(stride[dim], step);
    if (!s.mul)
        offset += s.add * x->stride[dim];
    struct ptm_attr attr[4] = {imm(dim), imm(s.add), imm(len), imm(step)};
    if (s.mul)
        attr[1] = ptm_trace_sym_attr(t, s);
    if (s.mul && x->storage->trace->state == ST_KNOWN)
        ptm_trace_unknow(t, x->storage->trace);
    struct ptm_tensor *y = view(t, x, x->rank, d, stride, offset, OP_slice, attr, 4);
    if (y && s.mul) {
        struct ptm_sym o = s;
        o.mul = (int64_t)((uint64_t)o.mul * (uint64_t)x->stride[dim]);
        o.add = (int64_t)((uint64_t)o.add * (uint64_t)x->stride[dim]);
        if (x->offset_sym) {
            struct ptm_ival sum = ptm_scalar_arith(t, '+', ptm_sym_ival(t, *x->offset_sym),
                                                   ptm_sym_ival(t, o));
            o = ptm_sym_of(sum);
        }
        y->offset_sym = ptm_arena_copy(&t->arena, &o, sizeof(o));
    }
    return y;
}

struct ptm_tensor *ptm_view_select(struct ptm_trace *t, struct ptm_tensor *x, int dim,
                                   struct ptm_ival index)
{
    if (!x || t->err.code)
        return NULL;
    if (dim < 0 || dim >= x->rank) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "select: dimension %d of a tensor of rank %d", dim,
                       x->rank);
        return NULL;
    }
    if (index.tag != PTM_SYM) {
        int64_t i = ptm_arg_int(t, index);
        if (i < -x->dim[dim] || i >= x->dim[dim]) {
            ptm_trace_fail(t, PTM_ERR_TYPE,
                           "select: index %lld is out of range for dimension %d with size %lld",
                           (long long)i, dim, (long long)x->dim[dim]);
            return NULL;
        }
        index = ptm_int(i < 0 ? i + x->dim[dim] : i);
    } else if (ptm_scalar_cmp(t, PTM_LT, index, ptm_int(0))) {
        index = ptm_scalar_arith(t, '+', index, ptm_int(x->dim[dim]));
    }
    struct ptm_tensor *y = ptm_view_slice(t, x, dim, index, 1, 1);
    return ptm_view_squeeze(t, y, dim);
}

struct ptm_tensor *ptm_view_squeeze(struct ptm_trace *t, struct ptm_tensor *x, int dim)
{
    int64_t d[PTM_MAX_RANK], stride[PTM_MAX_RANK];
    if (!x || t->err.code || dim < 0 || dim >= x->rank || x->dim[dim] != 1)
        return x;
    for (int i = 0, k = 0; i < x->rank; i++)
        if (i != dim) {
            d[k] = x->dim[i];
            stride[k++] = x->stride[i];
        }
    return with_dims(t, x, x->rank - 1, d, stride);
}

struct ptm_tensor *ptm_view_unsqueeze(struct ptm_trace *t, struct ptm_tensor *x, int dim)
{
    int64_t d[PTM_MAX_RANK], stride[PTM_MAX_RANK];
    if (!x || t->err.code)
        return NULL;
    if (x->rank >= PTM_MAX_RANK || dim < 0 || dim > x->rank) {
        ptm_trace_fail(t, PTM_ERR_UNSUPPORTED, "unsqueeze: dimension %d of a tensor of rank %d "
                       "(at most %d dimensions)", dim, x->rank, PTM_MAX_RANK);
        return NULL;
    }
    for (int i = 0, k = 0; i <= x->rank; i++) {
        if (i == dim) {
            d[i] = 1;
            stride[i] = dim < x->rank ? ptm_times(x->dim[dim], x->stride[dim]) : 1;
        } else {
            d[i] = x->dim[k];
            stride[i] = x->stride[k++];
        }
    }
    return with_dims(t, x, x->rank + 1, d, stride);
}

struct ptm_tensor *ptm_view_expand(struct ptm_trace *t, struct ptm_tensor *x, int rank,
                                   const int64_t *dim)
{
    int64_t d[PTM_MAX_RANK], stride[PTM_MAX_RANK];
    struct ptm_attr attr[1 + PTM_MAX_RANK];
    bool same = true;
    if (!x || t->err.code)
        return NULL;
    if (rank < x->rank || rank > PTM_MAX_RANK) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "expand: to %d dimensions from %d", rank, x->rank);
        return NULL;
    }
    attr[0] = imm(rank);
    for (int i = 0; i < rank; i++) {
        int k = i - (rank - x->rank);
        int64_t have = k < 0 ? 1 : x->dim[k];
        d[i] = dim[i] == -1 ? have : dim[i];
        stride[i] = k < 0 || (have == 1 && d[i] != 1) ? 0 : x->stride[k];
        if ((have != 1 && have != d[i]) || d[i] < 0 || (k < 0 && dim[i] == -1)) {
            ptm_trace_fail(t, PTM_ERR_TYPE, "expand: size %lld of dimension %d to %lld",
                           (long long)have, i, (long long)dim[i]);
            return NULL;
        }
        same = same && k >= 0 && d[i] == have;
        attr[1 + i] = imm(d[i]);
    }
    if (same) { /* another name for the same elements: no operator */
        struct ptm_tensor *y = ptm_arena_copy(&t->arena, x, sizeof(*x));
        if (!y)
            ptm_trace_fail(t, PTM_ERR_MEMORY, "out of memory while specialising");
        return y;
    }
    return view(t, x, rank, d, stride, x->offset, OP_expand, attr, 1 + (uint32_t)rank);
}

struct ptm_tensor *ptm_view_strided(struct ptm_trace *t, struct ptm_tensor *x, int rank,
                                    const int64_t *dim, const int64_t *stride, int64_t offset)
{
    if (!x || t->err.code)
        return NULL;
    struct ptm_trace_storage *ts = x->storage->trace;
    int64_t last = offset;
    for (int i = 0; i < rank; i++) {
        if (dim[i] < 0 || stride[i] < 0) {
            ptm_trace_fail(t, PTM_ERR_TYPE, "as_strided: negative size or stride");
            return NULL;
        }
        if (dim[i] > 1 && stride[i] > (INT64_MAX >> 4) / dim[i]) {
            ptm_trace_fail(t, PTM_ERR_TYPE, "as_strided: size overflow");
            return NULL;
        }
        last += dim[i] ? (dim[i] - 1) * stride[i] : 0;
    }
    if (offset < 0 || last < 0 ||
        (uint64_t)last >= ts->storage->bytes / ptm_dtype_bytes(x->dtype)) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "as_strided: element %lld of a storage of %zu",
                       (long long)last, ts->storage->bytes / ptm_dtype_bytes(x->dtype));
        return NULL;
    }
    return ptm_trace_tensor(t, ts, rank, dim, stride, offset); /* its value derives when read */
}

/* Strides of x seen with other dims, without a copy (PyTorch's computeStride):
 * false when that needs one. */
static bool reshape_strides(const struct ptm_tensor *x, int rank, const int64_t *dim,
                            int64_t *stride)
{
    if (!ptm_tensor_numel(x)) {
        ptm_strides_contiguous(rank, dim, stride);
        return true;
    }
    int view_d = rank - 1;
    int64_t chunk = x->rank ? x->stride[x->rank - 1] : 1, tensor_n = 1, view_n = 1;
    for (int d = x->rank - 1; d >= 0; d--) {
        tensor_n *= x->dim[d];
        if (d == 0 || (x->dim[d - 1] != 1 && x->stride[d - 1] != ptm_times(tensor_n, chunk))) {
            while (view_d >= 0 && (view_n < tensor_n || dim[view_d] == 1)) {
                stride[view_d] = ptm_times(view_n, chunk);
                view_n *= dim[view_d--];
            }
            if (view_n != tensor_n)
                return false;
            if (d > 0) {
                chunk = x->stride[d - 1];
                tensor_n = view_n = 1;
            }
        }
    }
    if (x->rank == 0)
        for (; view_d >= 0; view_d--)
            stride[view_d] = 1;
    return view_d == -1;
}

static bool infer_dims(struct ptm_trace *t, const struct ptm_tensor *x, int rank,
                       const int64_t *dim, int64_t *out)
{
    int64_t n = ptm_tensor_numel(x), known = 1;
    int hole = -1;
    if (rank > PTM_MAX_RANK) {
        ptm_trace_fail(t, PTM_ERR_UNSUPPORTED, "a tensor of %d dimensions; at most %d", rank,
                       PTM_MAX_RANK);
        return false;
    }
    for (int i = 0; i < rank; i++) {
        out[i] = dim[i];
        if (dim[i] == -1 && hole < 0)
            hole = i;
        else if (dim[i] < 0 || (dim[i] && known > (INT64_MAX >> 4) / dim[i])) {
            ptm_trace_fail(t, PTM_ERR_TYPE, "reshape: invalid size %lld of dimension %d",
                           (long long)dim[i], i);
            return false;
        } else
            known *= dim[i];
    }
    if (hole >= 0 && known)
        out[hole] = n / known;
    else if (hole >= 0)
        out[hole] = 0;
    int64_t total = 1;
    for (int i = 0; i < rank; i++)
        total *= out[i];
    if (total != n) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "reshape: %lld elements to a shape of %lld%s",
                       (long long)n, (long long)known, hole >= 0 ? " or a multiple" : "");
        return false;
    }
    return true;
}

struct ptm_tensor *ptm_view_reshape(struct ptm_trace *t, struct ptm_tensor *x, int rank,
                                    const int64_t *dim)
{
    int64_t d[PTM_MAX_RANK], stride[PTM_MAX_RANK];
    if (!x || t->err.code || !infer_dims(t, x, rank, dim, d))
        return NULL;
    if (!reshape_strides(x, rank, d, stride)) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "view: size is not compatible with the tensor's size and "
                       "stride (at least one dimension spans across two contiguous subspaces)");
        return NULL;
    }
    return with_dims(t, x, rank, d, stride);
}

struct ptm_tensor *ptm_reshape(struct ptm_trace *t, struct ptm_tensor *x, int rank,
                               const int64_t *dim)
{
    int64_t d[PTM_MAX_RANK], stride[PTM_MAX_RANK];
    if (!x || t->err.code || !infer_dims(t, x, rank, dim, d))
        return NULL;
    if (!reshape_strides(x, rank, d, stride)) {
        x = ptm_clone(t, x, true);
        if (!x || !reshape_strides(x, rank, d, stride))
            return NULL;
    }
    return with_dims(t, x, rank, d, stride);
}

/* -- copies -- */

bool ptm_trace_dense(const struct ptm_tensor *x)
{
    int64_t perm[PTM_MAX_RANK], expect = 1;
    ptm_memory_order(x->rank, x->dim, x->stride, perm);
    for (int i = x->rank - 1; i >= 0; i--) {
        if (x->dim[perm[i]] == 1)
            continue;
        if (x->stride[perm[i]] != expect)
            return false;
        expect *= x->dim[perm[i]];
    }
    return true;
}

struct ptm_tensor *ptm_clone(struct ptm_trace *t, struct ptm_tensor *x, bool contiguous)
{
    int64_t stride[PTM_MAX_RANK];
    if (!x || t->err.code)
        return NULL;
    struct ptm_trace_storage *xs = x->storage->trace;
    size_t bytes = (size_t)ptm_tensor_numel(x) * ptm_dtype_bytes(x->dtype);
    if (!contiguous && ptm_trace_dense(x))
        memcpy(stride, x->stride, sizeof(stride));
    else
        ptm_strides_contiguous(x->rank, x->dim, stride);
    if (xs->state == ST_KNOWN && bytes <= 65536) {
        struct ptm_trace_storage *ts =
            ptm_ts_new(t, ST_KNOWN, NULL, x->dtype, x->rank, x->dim, stride);
        struct ptm_tensor *y = ptm_trace_tensor(t, ts, x->rank, x->dim, stride, 0);
        if (!y)
            return NULL;
        ts->storage->bytes = bytes;
        ts->storage->data = ptm_arena_alloc(&t->arena, bytes);
        struct ptm_nd in = ptm_tensor_nd(x), out = ptm_tensor_nd(y);
        struct ptm_attr d = imm(x->dtype);
        struct ptm_err err = {0};
        if (!ts->storage->data || ptm_eager_run(OP_cast, &in, 1, &d, 1, &out, &err))
            ptm_trace_fail(t, PTM_ERR_MEMORY, "copying a known tensor: %s", err.msg);
        return y;
    }
    uint32_t v = ptm_trace_value(t, x);
    struct ptm_trace_storage *ts = ptm_ts_new(t, ST_LAZY, NULL, x->dtype, x->rank, x->dim, stride);
    if (!ts || v == PTM_NO_VALUE)
        return NULL;
    ts->value = v;
    ts->storage->bytes = bytes;
    return ptm_trace_tensor(t, ts, x->rank, x->dim, stride, 0);
}

struct ptm_tensor *ptm_contiguous(struct ptm_trace *t, struct ptm_tensor *x)
{
    return !x || ptm_tensor_contiguous(x) ? x : ptm_clone(t, x, true);
}

/* -- writes -- */

void ptm_trace_unknow(struct ptm_trace *t, struct ptm_trace_storage *ts)
{
    if (ts->state != ST_KNOWN || t->err.code)
        return;
    struct ptm_tensor *all = ptm_trace_tensor(t, ts, ts->rank, ts->dim, ts->stride, 0);
    uint32_t v = ptm_trace_value(t, all);
    if (v == PTM_NO_VALUE)
        return;
    ts->state = ST_LAZY;
    ts->value = v;
    ptm_trace_touch(t, ts);
}

/* Known into known: the bytes now. */
static bool write_known(struct ptm_trace *t, struct ptm_tensor *dst, struct ptm_tensor *src)
{
    struct ptm_trace_storage *ts = dst->storage->trace;
    if (ts->state != ST_KNOWN || src->storage->trace->state != ST_KNOWN || dst->offset_sym)
        return false;
    if (ts->storage->bytes > 65536 * 8)
        return false;
    if (ts->real && !ts->written) { /* the heap's own bytes stay as they are */
        void *copy = ptm_arena_copy(&t->arena, ts->storage->data, ts->storage->bytes);
        if (!copy) {
            ptm_trace_fail(t, PTM_ERR_MEMORY, "out of memory while specialising");
            return true;
        }
        ts->storage->data = copy;
    }
    ts->written = true;
    struct ptm_tensor *same = src->storage == dst->storage ? ptm_clone(t, src, true) : src;
    if (!same)
        return true;
    struct ptm_nd in = ptm_tensor_nd(same), out = ptm_tensor_nd(dst);
    struct ptm_attr d = imm(dst->dtype);
    struct ptm_err err = {0};
    if (ptm_eager_run(OP_cast, &in, 1, &d, 1, &out, &err))
        ptm_trace_fail(t, err.code, "%s", err.msg);
    ptm_trace_touch(t, ts);
    return true;
}

static bool covers(const struct ptm_tensor *x, const struct ptm_trace_storage *ts)
{
    int64_t n = 1;
    for (int i = 0; i < ts->rank; i++)
        n *= ts->dim[i];
    return !x->offset && !x->offset_sym && ptm_tensor_numel(x) == n && ptm_trace_dense(x);
}

/* dst as a slice of the base along one dimension: dim, step and start. */
static bool as_slice(const struct ptm_tensor *x, const struct ptm_trace_storage *ts, int *dim,
                     int64_t *step, struct ptm_sym *start)
{
    int k = -1;
    if (x->rank != ts->rank)
        return false;
    for (int i = 0; i < x->rank; i++) {
        if (x->dim[i] == ts->dim[i] && (x->dim[i] == 1 || x->stride[i] == ts->stride[i]))
            continue;
        if (k >= 0)
            return false;
        k = i;
    }
    if (k < 0 || ts->stride[k] <= 0 || x->stride[k] % ts->stride[k])
        return false;
    struct ptm_sym o = {.add = x->offset};
    if (x->offset_sym) {
        o = *x->offset_sym;
        o.add += x->offset;
    }
    if (o.add % ts->stride[k] || o.mul % ts->stride[k])
        return false;
    o.add /= ts->stride[k];
    o.mul /= ts->stride[k];
    *step = x->dim[k] > 1 ? x->stride[k] / ts->stride[k] : 1;
    if (*step < 1 || (!o.mul && (o.add < 0 || o.add + (x->dim[k] - 1) * *step >= ts->dim[k])))
        return false;
    *dim = k;
    *start = o;
    return true;
}

void ptm_write(struct ptm_trace *t, struct ptm_tensor *dst, struct ptm_tensor *src)
{
    if (!dst || !src || t->err.code)
        return;
    for (int i = 0; i < dst->rank; i++)
        if (dst->dim[i] > 1 && dst->stride[i] == 0) {
            ptm_trace_fail(t, PTM_ERR_TYPE, "an in-place write to an expanded tensor: more than "
                           "one element refers to a single memory location");
            return;
        }
    while (src && src->rank > dst->rank && src->dim[0] == 1)
        src = ptm_view_squeeze(t, src, 0);
    if (!src)
        return;
    src = ptm_view_expand(t, src, dst->rank, dst->dim);
    if (!src || !ptm_tensor_numel(dst))
        return;
    struct ptm_trace_storage *ts = dst->storage->trace;
    if (dst->dtype != PTM_C64 && src->dtype != PTM_C64 && write_known(t, dst, src))
        return;
    src = ptm_cast(t, src, dst->dtype);
    uint32_t v = ptm_trace_value(t, src);
    ts = dst->storage->trace;
    if (!covers(dst, ts))
        ptm_trace_unknow(t, ts);
    if (v == PTM_NO_VALUE || t->err.code)
        return;
    ts->written = true;
    int dim;
    int64_t step;
    struct ptm_sym start;
    if (covers(dst, ts)) {
        ts->rank = dst->rank;
        memcpy(ts->dim, dst->dim, sizeof(ts->dim));
        memcpy(ts->stride, dst->stride, sizeof(ts->stride));
        ts->value = v;
    } else if (as_slice(dst, ts, &dim, &step, &start)) {
        struct ptm_tensor *all = ptm_trace_tensor(t, ts, ts->rank, ts->dim, ts->stride, 0);
        uint32_t in[2] = {ptm_trace_value(t, all), v};
        struct ptm_attr attr[3] = {imm(dim), ptm_trace_sym_attr(t, start), imm(step)};
        ts->value = ptm_trace_node(t, OP_slice_scatter, in, 2, attr, 3);
    } else {
        uint32_t in[2] = {ptm_trace_flat(t, ts), v};
        struct ptm_attr attr[2 + PTM_MAX_RANK];
        uint32_t n = 0;
        attr[n++] = imm(dst->rank);
        for (int i = 0; i < dst->rank; i++)
            attr[n++] = imm(dst->stride[i]);
        attr[n++] = ptm_trace_offset(t, dst);
        uint32_t flat = in[0] == PTM_NO_VALUE
                            ? in[0]
                            : ptm_trace_node(t, OP_as_strided_scatter, in, 2, attr, n);
        if (flat != PTM_NO_VALUE) {
            ts->rank = 1;
            ts->dim[0] = t->graph.value[flat].type.dim[0];
            ts->stride[0] = 1;
        }
        ts->value = flat;
    }
    ts->state = ST_LAZY;
    ptm_trace_touch(t, ts);
    dst->value = v;
    dst->version = ts->version;
}
