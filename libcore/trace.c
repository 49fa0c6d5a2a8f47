/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values while specialising: storages, operators.
 *
 * The graph of the piece is built as operators come. A storage's content is a
 * dense base tensor; a tensor caches the graph value it stands for until the
 * storage changes (version) or the piece ends (epoch).
 */
#include "libcore/specialise.h"

#include <stdarg.h>
#include <string.h>

#include "libcore/infer.h"
#include "libcore/session.h"

enum {
    EAGER_IN = 65536,    /* elements of known inputs and outputs up to which */
    EAGER_OUT = 16384,   /* an operator runs at once, */
    EAGER_WORK = 1 << 23, /* unless it costs more than this */
    TENSOR_WORK = 64,     /* what one more tensor or view counts as */
};

struct ptm_arena *ptm_trace_arena(struct ptm_trace *t)
{
    return &t->arena;
}

bool ptm_trace_failed(const struct ptm_trace *t)
{
    return t->err.code != PTM_OK;
}

void ptm_trace_no_memory(struct ptm_trace *t)
{
    ptm_fail(&t->err, PTM_ERR_MEMORY, "out of memory while specialising");
}

struct ptm_ival ptm_trace_fail(struct ptm_trace *t, enum ptm_status code, const char *fmt, ...)
{
    if (t->err.code)
        return ptm_none();
    if (t->arena.failed) { /* whatever went wrong, it began there */
        ptm_trace_no_memory(t);
        return ptm_none();
    }
    char msg[700];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof(msg), fmt, ap);
    va_end(ap);
    const struct ptm_interp_frame *f = t->top;
    if (!f || !f->inst) {
        ptm_fail(&t->err, code, "%s", msg);
        return ptm_none();
    }
    const struct ptm_pos *pos =
        &t->program->pos[f->inst->pos < t->program->n_pos ? f->inst->pos : 0];
    const char *path = f->path && *f->path ? f->path : NULL;
    /* traced files repeat the place in the text: "file.py(12): forward" */
    const char *text = pos->src_text ? pos->src_text : "";
    if (pos->src_file && !strncmp(text, pos->src_file, strlen(pos->src_file)))
        text = "";
    if (pos->src_file)
        ptm_fail(&t->err, code, "%s (in '%s', %s:%u%s%.120s)", msg, path ? path : f->fn->name,
                 pos->src_file, (unsigned)pos->src_line, *text ? ": " : "", text);
    else
        ptm_fail(&t->err, code, "%s (in '%s', %s:%u)", msg, path ? path : f->fn->name,
                 pos->file ? pos->file : f->fn->qualname, (unsigned)pos->line);
    return ptm_none();
}

void ptm_trace_warn(struct ptm_trace *t, const char *fmt, ...)
{
    struct ptm_session *s = t->session;
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    for (size_t i = 0; i < s->n_warnings; i++)
        if (!strcmp(s->warnings[i], text))
            return;
    if (s->n_warnings < PTM_LEN(s->warnings))
        memcpy(s->warnings[s->n_warnings++], text, sizeof(text));
}

struct ptm_site ptm_trace_site(const struct ptm_trace *t)
{
    const struct ptm_interp_frame *f = t->top;
    struct ptm_site site = {.path = "", .aten = "", .file = ""};
    if (!f || !f->inst)
        return site;
    const struct ptm_pos *pos =
        &t->program->pos[f->inst->pos < t->program->n_pos ? f->inst->pos : 0];
    site.path = f->path ? f->path : "";
    if (f->inst->op == P_OP)
        site.aten = t->program->op[f->inst->a].name;
    site.file = pos->src_file ? pos->src_file : pos->file ? pos->file : "";
    site.line = pos->src_file ? pos->src_line : pos->line;
    return site;
}

/* -- storages and tensors -- */

struct ptm_trace_storage *ptm_ts_new(struct ptm_trace *t, enum ptm_storage_state state,
                                     struct ptm_storage *s, enum ptm_dtype d, int rank,
                                     const int64_t *dim, const int64_t *stride)
{
    struct ptm_trace_storage *ts = ptm_arena_alloc(&t->arena, sizeof(*ts));
    if (!s)
        s = ptm_arena_alloc(&t->arena, sizeof(*s));
    if (!ts || !s) {
        ptm_trace_no_memory(t);
        return NULL;
    }
    ts->state = (uint8_t)state;
    ts->dtype = (uint8_t)d;
    ts->rank = (uint8_t)rank;
    memcpy(ts->dim, dim, (size_t)rank * sizeof(*dim));
    memcpy(ts->stride, stride, (size_t)rank * sizeof(*stride));
    ts->value = ts->binding = ts->home = PTM_NO_VALUE;
    ts->version = ++t->clock;
    ts->epoch = t->epoch;
    ts->born = t->n_ops;
    ts->storage = s;
    s->trace = ts;
    ts->next = t->storages;
    t->storages = ts;
    return ts;
}

struct ptm_tensor *ptm_trace_tensor(struct ptm_trace *t, struct ptm_trace_storage *ts, int rank,
                                    const int64_t *dim, const int64_t *stride, int64_t offset)
{
    int64_t row_major[PTM_MAX_RANK];
    struct ptm_err err = {0};
    if (ptm_frame_work(t->frame, TENSOR_WORK, &err)) {
        ptm_trace_fail(t, err.code, "%s", err.msg);
        return NULL;
    }
    if (ts && ptm_strides_contiguous(rank, dim, row_major) < 0) {
        ptm_trace_fail(t, PTM_ERR_LIMIT, "a tensor of too many elements");
        return NULL;
    }
    struct ptm_tensor *x = ts ? ptm_arena_alloc(&t->arena, sizeof(*x)) : NULL;
    if (!x) {
        ptm_trace_no_memory(t);
        return NULL;
    }
    x->dtype = ts->dtype;
    x->rank = (uint8_t)rank;
    memcpy(x->dim, dim, (size_t)rank * sizeof(*dim));
    memcpy(x->stride, stride, (size_t)rank * sizeof(*stride));
    x->offset = offset;
    x->storage = ts->storage;
    x->value = PTM_NO_VALUE;
    return x;
}

void ptm_trace_touch(struct ptm_trace *t, struct ptm_trace_storage *ts)
{
    ts->version = ++t->clock;
    ts->epoch = t->epoch;
}

static void refresh(struct ptm_trace *t, struct ptm_trace_storage *ts)
{
    if (ts->epoch != t->epoch)
        ptm_trace_touch(t, ts);
}

/* -- graph values -- */

static struct ptm_type tensor_type(const struct ptm_tensor *x)
{
    struct ptm_type type = {.dtype = x->dtype, .rank = x->rank, .qparams = -1};
    memcpy(type.dim, x->dim, sizeof(type.dim));
    return type;
}

uint32_t ptm_trace_node(struct ptm_trace *t, enum ptm_op op, const uint32_t *in, uint32_t n_in,
                        const struct ptm_attr *attr, uint32_t n_attr)
{
    if (t->err.code)
        return PTM_NO_VALUE;
    struct ptm_type type_of[16], *in_type = type_of, out_type[4];
    if (n_in > PTM_LEN(type_of))
        in_type = ptm_arena_array(&t->arena, n_in, sizeof(*in_type));
    if (!in_type) {
        ptm_trace_no_memory(t);
        return PTM_NO_VALUE;
    }
    for (uint32_t i = 0; i < n_in; i++) {
        if (in[i] == PTM_NO_VALUE)
            in_type[i] = (struct ptm_type){.dtype = PTM_ABSENT, .qparams = -1};
        else
            in_type[i] = t->graph.value[in[i]].type;
    }
    struct ptm_err err = {0};
    if (ptm_op_infer(op, in_type, n_in, attr, n_attr, out_type, &err)) {
        ptm_trace_fail(t, err.code, "%s", err.msg);
        return PTM_NO_VALUE;
    }
    struct ptm_site site = ptm_trace_site(t);
    uint32_t v = ptm_graph_node(&t->graph, op, in, n_in, attr, n_attr, out_type, &site);
    if (v == PTM_NO_VALUE)
        ptm_trace_no_memory(t);
    return v;
}

/* A known tensor as a constant of the piece. Constants of the session's heap
 * are borrowed; data made while specialising is copied beside the graph. */
static uint32_t constant_value(struct ptm_trace *t, const struct ptm_tensor *x)
{
    struct ptm_trace_storage *ts = x->storage->trace;
    struct ptm_type type = tensor_type(x);
    struct ptm_const c = {.name = ts->name};
    memcpy(c.stride, x->stride, sizeof(c.stride));
    if (ts->real && !ts->written) {
        c.data = ptm_tensor_data(x);
        c.key = ptm_key_of_place(c.data, x->rank, x->stride);
    } else {
        /* the whole storage, so that any strides work */
        uint8_t *copy = ptm_arena_copy(&t->graph_arena, ts->storage->data, ts->storage->bytes);
        if (!copy) {
            ptm_trace_no_memory(t);
            return PTM_NO_VALUE;
        }
        c.key = ptm_key_of_data(copy, ts->storage->bytes, x->offset, x->rank, x->stride);
        c.data = copy + (size_t)x->offset * ptm_dtype_bytes(x->dtype);
    }
    uint32_t v = ptm_graph_const(&t->graph, &type, &c);
    if (v == PTM_NO_VALUE)
        ptm_trace_no_memory(t);
    return v;
}

static uint32_t bound_value(struct ptm_trace *t, uint32_t binding)
{
    void *p = t->binding_value, *q = t->binding_epoch;
    if (!ptm_arena_grow(&t->arena, &p, &t->cap_binding_value, binding + 1, sizeof(uint32_t)) ||
        !ptm_arena_grow(&t->arena, &q, &t->cap_binding_epoch, binding + 1, sizeof(uint32_t))) {
        ptm_trace_no_memory(t);
        return PTM_NO_VALUE;
    }
    t->binding_value = p;
    t->binding_epoch = q;
    if (t->binding_epoch[binding] == t->epoch)
        return t->binding_value[binding];
    uint32_t v = ptm_graph_arg(&t->graph, &t->entry->binding[binding].type);
    void *r = t->arg_binding;
    if (v == PTM_NO_VALUE || !ptm_arena_grow(&t->arena, &r, &t->cap_arg_binding,
                                             t->graph.n_inputs, sizeof(uint32_t))) {
        ptm_trace_no_memory(t);
        return PTM_NO_VALUE;
    }
    t->arg_binding = r;
    t->arg_binding[t->graph.n_inputs - 1] = binding;
    t->binding_value[binding] = v;
    t->binding_epoch[binding] = t->epoch;
    return v;
}

static uint32_t base_value(struct ptm_trace *t, struct ptm_trace_storage *ts)
{
    return ts->state == ST_LAZY ? ts->value : bound_value(t, ts->binding);
}

static struct ptm_attr imm(int64_t i)
{
    return (struct ptm_attr){.kind = A_IMM, .u.i = i};
}

void ptm_memory_order(int rank, const int64_t *dim, const int64_t *stride, int64_t *perm)
{
    for (int i = 0; i < rank; i++) {
        int j = i;
        for (; j > 0; j--) {
            int64_t p = perm[j - 1];
            if (stride[p] > stride[i] || (stride[p] == stride[i] && dim[p] >= dim[i]))
                break;
            if (dim[i] == 1 || dim[p] == 1)
                break;
            perm[j] = p;
        }
        perm[j] = i;
    }
}

uint32_t ptm_trace_permuted(struct ptm_trace *t, uint32_t v, int rank, const int64_t *perm)
{
    bool identity = true;
    struct ptm_attr attr[1 + PTM_MAX_RANK];
    attr[0] = imm(rank);
    for (int i = 0; i < rank; i++) {
        attr[1 + i] = imm(perm[i]);
        identity = identity && perm[i] == i;
    }
    return identity ? v : ptm_trace_node(t, OP_permute, &v, 1, attr, 1 + (uint32_t)rank);
}

static uint32_t reshaped(struct ptm_trace *t, uint32_t v, int rank, const int64_t *dim)
{
    struct ptm_attr attr[1 + PTM_MAX_RANK];
    attr[0] = imm(rank);
    for (int i = 0; i < rank; i++)
        attr[1 + i] = imm(dim[i]);
    return ptm_trace_node(t, OP_reshape, &v, 1, attr, 1 + (uint32_t)rank);
}

/* A storage's content in memory order: rank-1, or PTM_NO_VALUE. */
uint32_t ptm_trace_flat(struct ptm_trace *t, struct ptm_trace_storage *ts)
{
    int64_t perm[PTM_MAX_RANK], n = 1;
    uint32_t v = base_value(t, ts);
    for (int i = 0; i < ts->rank; i++)
        n *= ts->dim[i];
    if (v == PTM_NO_VALUE || (ts->rank == 1))
        return v;
    ptm_memory_order(ts->rank, ts->dim, ts->stride, perm);
    return reshaped(t, ptm_trace_permuted(t, v, ts->rank, perm), 1, &n);
}

static bool same_layout(const struct ptm_tensor *x, int rank, const int64_t *dim,
                        const int64_t *stride)
{
    if (x->offset || x->offset_sym || x->rank != rank)
        return false;
    for (int i = 0; i < rank; i++)
        if (x->dim[i] != dim[i] || (dim[i] != 1 && x->stride[i] != stride[i]))
            return false;
    return true;
}

/* x as a permutation of the base with dims of size 1 left out or added: the
 * shape a transposed or squeezed alias has after a write. */
static uint32_t as_permutation(struct ptm_trace *t, const struct ptm_tensor *x,
                               struct ptm_trace_storage *ts)
{
    int64_t perm[PTM_MAX_RANK], kept[PTM_MAX_RANK], n_kept = 0, n = 0;
    bool used[PTM_MAX_RANK] = {false};
    if (x->offset || x->offset_sym)
        return PTM_NO_VALUE;
    for (int i = 0; i < x->rank; i++) {
        if (x->dim[i] == 1)
            continue;
        int k = 0;
        while (k < ts->rank &&
               (used[k] || ts->dim[k] != x->dim[i] || ts->stride[k] != x->stride[i]))
            k++;
        if (k == ts->rank)
            return PTM_NO_VALUE;
        used[k] = true;
        kept[n_kept++] = k;
    }
    for (int i = 0; i < (int)n_kept; i++)
        perm[n++] = kept[i];
    for (int k = 0; k < ts->rank; k++) {
        if (used[k])
            continue;
        if (ts->dim[k] != 1)
            return PTM_NO_VALUE;
        perm[n++] = k;
    }
    uint32_t v = ptm_trace_permuted(t, base_value(t, ts), ts->rank, perm);
    return v == PTM_NO_VALUE ? v : reshaped(t, v, x->rank, x->dim);
}

struct ptm_attr ptm_trace_sym_attr(struct ptm_trace *t, struct ptm_sym s)
{
    if (!s.mul && !s.is_float)
        return imm(s.add);
    uint32_t number = ptm_sym_scalar(t, &s);
    for (size_t i = 0; i < t->graph.n_scalars; i++)
        if (t->scalar_number[i] == number)
            return (struct ptm_attr){.kind = A_SYM, .u.value = t->graph.scalar[i]};
    uint32_t v = ptm_graph_scalar(&t->graph, s.is_float);
    void *p = t->scalar_number;
    if (v == PTM_NO_VALUE || !ptm_arena_grow(&t->arena, &p, &t->cap_scalar_number,
                                             t->graph.n_scalars, sizeof(uint32_t))) {
        ptm_trace_no_memory(t);
        return imm(0);
    }
    t->scalar_number = p;
    t->scalar_number[t->graph.n_scalars - 1] = number;
    return (struct ptm_attr){.kind = A_SYM, .u.value = v};
}

/* offset + offset_sym as one attribute */
struct ptm_attr ptm_trace_offset(struct ptm_trace *t, const struct ptm_tensor *x)
{
    if (!x->offset_sym)
        return imm(x->offset);
    struct ptm_sym s = *x->offset_sym;
    s.add += x->offset;
    return ptm_trace_sym_attr(t, s);
}

uint32_t ptm_trace_value(struct ptm_trace *t, struct ptm_tensor *x)
{
    if (!x || t->err.code)
        return PTM_NO_VALUE;
    struct ptm_trace_storage *ts = x->storage->trace;
    refresh(t, ts);
    if (x->value != PTM_NO_VALUE && x->version == ts->version)
        return x->value;
    uint32_t v;
    if (ts->state == ST_KNOWN) {
        v = constant_value(t, x);
    } else if (same_layout(x, ts->rank, ts->dim, ts->stride)) {
        v = base_value(t, ts);
    } else {
        v = as_permutation(t, x, ts);
        if (v == PTM_NO_VALUE && !t->err.code) {
            uint32_t flat = ptm_trace_flat(t, ts);
            struct ptm_attr attr[3 + 2 * PTM_MAX_RANK];
            uint32_t n = 0;
            if (ptm_tensor_contiguous(x) && !x->offset && !x->offset_sym &&
                flat != PTM_NO_VALUE && ptm_tensor_numel(x) == t->graph.value[flat].type.dim[0]) {
                v = reshaped(t, flat, x->rank, x->dim);
            } else {
                attr[n++] = imm(x->rank);
                for (int i = 0; i < x->rank; i++)
                    attr[n++] = imm(x->dim[i]);
                attr[n++] = imm(x->rank);
                for (int i = 0; i < x->rank; i++)
                    attr[n++] = imm(x->stride[i]);
                attr[n++] = ptm_trace_offset(t, x);
                v = ptm_trace_node(t, OP_as_strided, &flat, 1, attr, n);
            }
        }
    }
    x->value = v;
    x->version = ts->version;
    return v;
}

/* -- emitting -- */

void ptm_emit_begin(struct ptm_emit *e, struct ptm_trace *t, enum ptm_op op)
{
    *e = (struct ptm_emit){.t = t, .op = op};
}

void ptm_emit_opt(struct ptm_emit *e, struct ptm_tensor *x)
{
    void *p = e->in;
    if (e->t->err.code)
        return;
    if (!ptm_arena_grow(&e->t->arena, &p, &e->cap_in, e->n_in + 1, sizeof(*e->in))) {
        ptm_trace_no_memory(e->t);
        return;
    }
    e->in = p;
    e->in[e->n_in++] = x;
}

void ptm_emit_in(struct ptm_emit *e, struct ptm_tensor *x)
{
    if (!x)
        ptm_trace_fail(e->t, PTM_ERR_TYPE, "%s: a tensor was expected, None was given",
                       ptm_op_info(e->op)->name);
    else
        ptm_emit_opt(e, x);
}

static void add_attr(struct ptm_emit *e, struct ptm_attr a, struct ptm_sym *sym)
{
    void *p = e->attr, *q = e->attr_sym;
    size_t cap = e->cap_attr;
    if (e->t->err.code)
        return;
    if (!ptm_arena_grow(&e->t->arena, &p, &cap, e->n_attr + 1, sizeof(*e->attr)) ||
        !ptm_arena_grow(&e->t->arena, &q, &e->cap_attr, e->n_attr + 1, sizeof(*e->attr_sym))) {
        ptm_trace_no_memory(e->t);
        return;
    }
    e->attr = p;
    e->attr_sym = q;
    e->attr_sym[e->n_attr] = sym;
    e->attr[e->n_attr++] = a;
}

void ptm_emit_i(struct ptm_emit *e, int64_t i)
{
    add_attr(e, imm(i), NULL);
}

void ptm_emit_f(struct ptm_emit *e, double f)
{
    add_attr(e, (struct ptm_attr){.kind = A_IMM, .u.f = f}, NULL);
}

void ptm_emit_ints(struct ptm_emit *e, const int64_t *v, int n)
{
    ptm_emit_i(e, n);
    for (int i = 0; i < n; i++)
        ptm_emit_i(e, v[i]);
}

void ptm_emit_floats(struct ptm_emit *e, const double *v, int n)
{
    ptm_emit_i(e, n);
    for (int i = 0; i < n; i++)
        ptm_emit_f(e, v[i]);
}

void ptm_emit_scalar(struct ptm_emit *e, struct ptm_ival v, bool as_float)
{
    if (as_float)
        v = ptm_scalar_to_float(e->t, v);
    if (v.tag == PTM_SYM)
        add_attr(e, (struct ptm_attr){.kind = A_SYM}, v.u.sym);
    else if (as_float)
        ptm_emit_f(e, ptm_arg_float(e->t, v));
    else
        ptm_emit_i(e, ptm_arg_int(e->t, v));
}

/* Output strides: PyTorch's rules for elementwise operators and channels-last ones. */
static bool channels_last(const struct ptm_tensor *x)
{
    int64_t least = 0;
    if ((x->rank != 4 && x->rank != 5) || !x->stride[1])
        return false;
    for (int k = 0; k < x->rank; k++) { /* from the nearest dim: 1, then the last ... 2, then 0 */
        int d = k == 0 ? 1 : k == x->rank - 1 ? 0 : x->rank - k;
        if (!x->dim[d] || x->stride[d] < least || (d == 0 && least == x->stride[1]))
            return false;
        least = x->stride[d] * x->dim[d];
    }
    return true;
}

static void strides_by_order(int rank, const int64_t *dim, const int64_t *perm, int64_t *stride)
{
    int64_t s = 1;
    for (int i = rank - 1; i >= 0; i--) {
        stride[perm[i]] = s;
        s *= dim[perm[i]] > 1 ? dim[perm[i]] : 1;
    }
}

/* Stride of x along dim i of the result it is broadcast to; 0: repeated there. */
static int64_t result_stride(const struct ptm_tensor *x, const struct ptm_type *type, int64_t i)
{
    int64_t k = i - (type->rank - x->rank);
    return k < 0 || (x->dim[k] == 1 && type->dim[i] != 1) ? 0 : x->stride[k];
}

/* Whether dim b lies further apart in memory than dim a: > 0; the first operand that can tell does. */
static int compare_dims(const struct ptm_emit *e, const struct ptm_type *type, int64_t a, int64_t b)
{
    for (size_t k = 0; k < e->n_in; k++) {
        if (!e->in[k])
            continue;
        int64_t sa = result_stride(e->in[k], type, a), sb = result_stride(e->in[k], type, b);
        if (!sa || !sb)
            continue;
        if (sa != sb)
            return sa < sb ? 1 : -1;
        if (type->dim[a] < type->dim[b])
            return 1;
    }
    return 0;
}

/* The order that the operands of an elementwise operator agree on. */
static void elementwise_strides(const struct ptm_emit *e, const struct ptm_type *type,
                                int64_t *stride)
{
    int64_t perm[PTM_MAX_RANK];
    bool plain = true;
    for (size_t k = 0; k < e->n_in; k++) {
        const struct ptm_tensor *x = e->in[k];
        if (x && x->rank > type->rank)
            return;
        plain = plain && (!x || (ptm_tensor_contiguous(x) && x->rank == type->rank &&
                                 !memcmp(x->dim, type->dim, x->rank * sizeof(*x->dim))));
    }
    for (int i = 0; i < type->rank; i++)
        perm[i] = i;
    for (int i = type->rank - 2; i >= 0 && !plain; i--)
        for (int at = i, j = i + 1; j < type->rank; j++) {
            int order = compare_dims(e, type, perm[at], perm[j]);
            if (order < 0)
                break;
            if (order > 0) {
                int64_t p = perm[at];
                perm[at] = perm[j];
                perm[j] = p;
                at = j;
            }
        }
    strides_by_order(type->rank, type->dim, perm, stride);
}

static void channels_last_strides(const struct ptm_type *type, int64_t *stride)
{
    int64_t perm[PTM_MAX_RANK] = {0};
    for (int i = 1; i < type->rank - 1; i++)
        perm[i] = i + 1;
    perm[type->rank - 1] = 1;
    strides_by_order(type->rank, type->dim, perm, stride);
}

/* Whether the operator gives a channels-last result for such an input. */
static bool keeps_channels_last(const struct ptm_emit *e, const char *cls)
{
    bool all = e->n_in > 0;
    if (e->op == OP_concat) {
        for (size_t k = 0; k < e->n_in; k++)
            all = all && e->in[k] && channels_last(e->in[k]);
        return all;
    }
    return (!strcmp(cls, "conv") || !strcmp(cls, "pool") || e->op == OP_batch_norm ||
            e->op == OP_group_norm || e->op == OP_pad) &&
           all && e->in[0] &&
           (channels_last(e->in[0]) || (e->op == OP_conv && channels_last(e->in[1])));
}

static void output_strides(const struct ptm_emit *e, const struct ptm_type *type, int64_t *stride)
{
    static const char *const rules[] = {"same", "float", "bool", "cast", "binary", "compare",
                                        "where"};
    const struct ptm_op_info *info = ptm_op_info(e->op);
    ptm_strides_contiguous(type->rank, type->dim, stride);
    for (size_t i = 0; i < PTM_LEN(rules); i++)
        if (!strcmp(info->rule, rules[i]))
            elementwise_strides(e, type, stride);
    if (keeps_channels_last(e, info->cls) && type->rank == e->in[0]->rank)
        channels_last_strides(type, stride);
    else if ((e->op == OP_flip || e->op == OP_sort) && e->in[0])
        elementwise_strides(e, type, stride);
}

static struct ptm_nd type_nd(const struct ptm_type *type, const int64_t *stride, void *data)
{
    struct ptm_nd nd = {.data = data, .dtype = type->dtype, .rank = type->rank};
    memcpy(nd.dim, type->dim, sizeof(nd.dim));
    memcpy(nd.stride, stride, sizeof(nd.stride));
    return nd;
}

/* Runs the operator now when every input is known and small. */
static bool try_eager(struct ptm_emit *e, struct ptm_tensor **out)
{
    struct ptm_trace *t = e->t;
    uint32_t n_out = ptm_op_info(e->op)->n_out;
    int64_t total = 0;
    struct ptm_type *in_type;
    struct ptm_nd *in, out_nd[4];
    if (e->op == OP_random)
        return false;
    for (size_t i = 0; i < e->n_attr; i++)
        if (e->attr[i].kind == A_SYM)
            return false;
    for (size_t i = 0; i < e->n_in; i++) {
        if (!e->in[i])
            continue;
        if (e->in[i]->storage->trace->state != ST_KNOWN)
            return false;
        int64_t n = ptm_tensor_numel(e->in[i]);
        if (n > EAGER_IN || (total += n) > EAGER_IN)
            return false;
    }
    in_type = ptm_arena_array(&t->arena, e->n_in + 1, sizeof(*in_type));
    in = ptm_arena_array(&t->arena, e->n_in + 1, sizeof(*in));
    if (!in_type || !in) {
        ptm_trace_no_memory(t);
        return true;
    }
    for (size_t i = 0; i < e->n_in; i++) {
        if (e->in[i]) {
            in_type[i] = tensor_type(e->in[i]);
            in[i] = ptm_tensor_nd(e->in[i]);
        } else {
            in_type[i] = (struct ptm_type){.dtype = PTM_ABSENT, .qparams = -1};
            in[i] = (struct ptm_nd){.dtype = PTM_ABSENT};
        }
    }
    struct ptm_type type[4];
    struct ptm_err err = {0};
    if (ptm_op_infer(e->op, in_type, (uint32_t)e->n_in, e->attr, (uint32_t)e->n_attr, type, &err)) {
        ptm_trace_fail(t, err.code, "%s", err.msg);
        return true;
    }
    for (uint32_t k = 0; k < n_out; k++)
        if (ptm_type_numel(&type[k]) > EAGER_OUT)
            return false;
    uint64_t work = ptm_op_work(e->op, in_type, (uint32_t)e->n_in, e->attr, (uint32_t)e->n_attr,
                                type);
    if (work > EAGER_WORK)
        return false;
    if (ptm_frame_work(t->frame, work, &err)) {
        ptm_trace_fail(t, err.code, "%s", err.msg);
        return true;
    }
    for (uint32_t k = 0; k < n_out; k++) {
        int64_t stride[PTM_MAX_RANK];
        output_strides(e, &type[k], stride);
        struct ptm_trace_storage *ts =
            ptm_ts_new(t, ST_KNOWN, NULL, type[k].dtype, type[k].rank, type[k].dim, stride);
        if (!ts)
            return true;
        ts->storage->bytes = (size_t)ptm_type_numel(&type[k]) * ptm_dtype_bytes(type[k].dtype);
        ts->storage->data = ptm_arena_alloc(&t->arena, ts->storage->bytes);
        out[k] = ptm_trace_tensor(t, ts, type[k].rank, type[k].dim, stride, 0);
        out_nd[k] = type_nd(&type[k], stride, ts->storage->data);
    }
    if (t->arena.failed)
        ptm_trace_no_memory(t);
    else if (ptm_eager_run(e->op, in, (uint32_t)e->n_in, e->attr, (uint32_t)e->n_attr, out_nd, &err))
        ptm_trace_fail(t, err.code, "%s", err.msg);
    return true;
}

/* The last attributes, where the lowering left them out. */
static void add_defaults(struct ptm_emit *e)
{
    struct ptm_attr_spec spec[PTM_MAX_ATTRS];
    int n_spec = ptm_op_attrs(e->op, spec);
    size_t pos = 0;
    for (int k = 0; k < n_spec && !e->t->err.code; k++) {
        if (pos >= e->n_attr && spec[k].has_default)
            ptm_emit_f(e, spec[k].def);
        if (pos < e->n_attr)
            pos += spec[k].kind == 'I' || spec[k].kind == 'F' ? 1 + (size_t)e->attr[pos].u.i : 1;
    }
}

void ptm_emit_outs(struct ptm_emit *e, struct ptm_tensor **out)
{
    struct ptm_trace *t = e->t;
    uint32_t n_out = ptm_op_info(e->op)->n_out;
    for (uint32_t k = 0; k < n_out; k++)
        out[k] = NULL;
    add_defaults(e);
    if (t->err.code || try_eager(e, out))
        return;
    uint32_t *in = ptm_arena_array(&t->arena, e->n_in + 1, sizeof(*in));
    if (!in) {
        ptm_trace_no_memory(t);
        return;
    }
    for (size_t i = 0; i < e->n_in; i++)
        in[i] = e->in[i] ? ptm_trace_value(t, e->in[i]) : PTM_NO_VALUE;
    for (size_t i = 0; i < e->n_attr; i++)
        if (e->attr[i].kind == A_SYM)
            e->attr[i] = ptm_trace_sym_attr(t, *e->attr_sym[i]);
    uint32_t v =
        ptm_trace_node(t, e->op, in, (uint32_t)e->n_in, e->attr, (uint32_t)e->n_attr);
    if (v == PTM_NO_VALUE)
        return;
    for (uint32_t k = 0; k < n_out; k++) {
        struct ptm_type type = t->graph.value[v + k].type;
        int64_t stride[PTM_MAX_RANK];
        output_strides(e, &type, stride);
        struct ptm_trace_storage *ts =
            ptm_ts_new(t, ST_LAZY, NULL, type.dtype, type.rank, type.dim, stride);
        if (!ts)
            return;
        ts->value = v + k;
        ts->storage->bytes = (size_t)ptm_type_numel(&type) * ptm_dtype_bytes(type.dtype);
        out[k] = ptm_trace_tensor(t, ts, type.rank, type.dim, stride, 0);
    }
}

struct ptm_tensor *ptm_emit_end(struct ptm_emit *e)
{
    struct ptm_tensor *out[4];
    ptm_emit_outs(e, out);
    return out[0];
}

struct ptm_tensor *ptm_op_unary(struct ptm_trace *t, enum ptm_op op, struct ptm_tensor *x)
{
    struct ptm_emit e;
    if (!x)
        return NULL;
    ptm_emit_begin(&e, t, op);
    ptm_emit_in(&e, x);
    return ptm_emit_end(&e);
}

struct ptm_tensor *ptm_op_binary(struct ptm_trace *t, enum ptm_op op, struct ptm_tensor *a,
                                 struct ptm_tensor *b)
{
    struct ptm_emit e;
    if (!a || !b)
        return NULL;
    ptm_emit_begin(&e, t, op);
    ptm_emit_in(&e, a);
    ptm_emit_in(&e, b);
    return ptm_emit_end(&e);
}

struct ptm_tensor *ptm_op_reduce(struct ptm_trace *t, enum ptm_op op, struct ptm_tensor *x,
                                 const int64_t *dims, int n, bool keepdim)
{
    struct ptm_emit e;
    if (!x)
        return NULL;
    ptm_emit_begin(&e, t, op);
    ptm_emit_in(&e, x);
    ptm_emit_ints(&e, dims, n);
    ptm_emit_i(&e, keepdim);
    return ptm_emit_end(&e);
}
