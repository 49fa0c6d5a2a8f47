/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lowerings of recurrent layers, packed sequences and cells: one OP_lstm, OP_gru
 * or OP_rnn per layer and direction. LSTMs with projections are unrolled: the operator has
 * no place for their third weight.
 */
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"

enum kind { LSTM, GRU, RNN_TANH, RNN_RELU };

struct rnn {
    struct ptm_trace *t;
    enum kind kind;
    struct ptm_tensor *x;               /* [T, B, I] */
    struct ptm_tensor *hx, *cx;         /* [layers * directions, B, H]; cx for LSTM */
    struct ptm_tensor **param;
    size_t n_params, per_cell;          /* parameters of one layer and direction */
    int64_t layers, directions;
    bool biases, projected, train;
    double dropout;
    int64_t *batch_size; /* packed x[elements, I]: of each time step, never growing; else NULL */
    int64_t steps;
};

struct cell {
    struct ptm_tensor *w_ih, *w_hh, *b_ih, *b_hh, *w_hr;
};

static struct cell cell_of(const struct rnn *r, size_t k)
{
    struct ptm_tensor *const *p = r->param + k * r->per_cell;
    struct cell cell = {.w_ih = p[0], .w_hh = p[1]};
    if (r->biases) {
        cell.b_ih = p[2];
        cell.b_hh = p[3];
    }
    if (r->projected)
        cell.w_hr = p[r->per_cell - 1];
    return cell;
}

static struct ptm_tensor *linear(struct ptm_trace *t, struct ptm_tensor *x, struct ptm_tensor *w,
                                 struct ptm_tensor *b)
{
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_linear);
    ptm_emit_in(&e, x);
    ptm_emit_in(&e, w);
    ptm_emit_opt(&e, b);
    return ptm_emit_end(&e);
}

/* -- one step -- */

/* Part k of n equal ones along the last dimension. */
static struct ptm_tensor *gate(struct ptm_trace *t, struct ptm_tensor *gates, int k, int n)
{
    if (!gates)
        return NULL;
    int last = gates->rank - 1;
    if (last < 0 || gates->dim[last] % n) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "recurrent cell: %lld gates, a multiple of %d wanted",
                       last < 0 ? 1 : (long long)gates->dim[last], n);
        return NULL;
    }
    int64_t size = gates->dim[last] / n;
    return ptm_view_range(t, gates, last, k * size, size);
}

static struct ptm_tensor *sigmoid(struct ptm_trace *t, struct ptm_tensor *x)
{
    return ptm_op_unary(t, OP_sigmoid, x);
}

static struct ptm_tensor *mul(struct ptm_trace *t, struct ptm_tensor *a, struct ptm_tensor *b)
{
    return ptm_op_binary(t, OP_mul, a, b);
}

static struct ptm_tensor *add(struct ptm_trace *t, struct ptm_tensor *a, struct ptm_tensor *b)
{
    return ptm_op_binary(t, OP_add, a, b);
}

/* Gates i f g o; *c is replaced. Returns h before any projection. */
static struct ptm_tensor *lstm_gates(struct ptm_trace *t, struct ptm_tensor *gates,
                                     struct ptm_tensor **c)
{
    struct ptm_tensor *in = sigmoid(t, gate(t, gates, 0, 4));
    struct ptm_tensor *forget = sigmoid(t, gate(t, gates, 1, 4));
    struct ptm_tensor *now = ptm_op_unary(t, OP_tanh, gate(t, gates, 2, 4));
    struct ptm_tensor *out = sigmoid(t, gate(t, gates, 3, 4));
    *c = add(t, mul(t, forget, *c), mul(t, in, now));
    return mul(t, out, ptm_op_unary(t, OP_tanh, *c));
}

static struct ptm_tensor *lstm_step(struct ptm_trace *t, const struct cell *cell,
                                    struct ptm_tensor *x, struct ptm_tensor *h,
                                    struct ptm_tensor **c)
{
    struct ptm_tensor *gates = add(t, linear(t, x, cell->w_ih, cell->b_ih),
                                   linear(t, h, cell->w_hh, cell->b_hh));
    h = lstm_gates(t, gates, c);
    return cell->w_hr ? linear(t, h, cell->w_hr, NULL) : h;
}

/* Gates r z n, in two halves because n adds them only after r has weighed one. */
static struct ptm_tensor *gru_step(struct ptm_trace *t, const struct cell *cell,
                                   struct ptm_tensor *x, struct ptm_tensor *h)
{
    struct ptm_tensor *a = linear(t, x, cell->w_ih, cell->b_ih);
    struct ptm_tensor *b = linear(t, h, cell->w_hh, cell->b_hh);
    struct ptm_tensor *reset = sigmoid(t, add(t, gate(t, a, 0, 3), gate(t, b, 0, 3)));
    struct ptm_tensor *keep = sigmoid(t, add(t, gate(t, a, 1, 3), gate(t, b, 1, 3)));
    struct ptm_tensor *now =
        ptm_op_unary(t, OP_tanh, add(t, gate(t, a, 2, 3), mul(t, reset, gate(t, b, 2, 3))));
    return add(t, mul(t, ptm_op_binary(t, OP_sub, h, now), keep), now);
}

/* -- a layer in one direction -- */

/* Time step `at` of x[T, B, I]. */
static struct ptm_tensor *step_of(struct ptm_trace *t, struct ptm_tensor *x, int64_t at)
{
    return ptm_view_select(t, x, 0, ptm_int(at));
}

static struct ptm_tensor *unroll(const struct rnn *r, const struct cell *cell,
                                 struct ptm_tensor *x, bool reverse, struct ptm_tensor **h,
                                 struct ptm_tensor **c)
{
    struct ptm_trace *t = r->t;
    int64_t steps = x->dim[0];
    struct ptm_tensor **y =
        ptm_arena_array(ptm_trace_arena(t), (size_t)steps + 1, sizeof(struct ptm_tensor *));
    if (!y) {
        ptm_trace_fail(t, PTM_ERR_MEMORY, "lstm: no memory for %lld steps", (long long)steps);
        return NULL;
    }
    for (int64_t k = 0; k < steps && !ptm_trace_failed(t); k++) {
        int64_t at = reverse ? steps - 1 - k : k;
        *h = lstm_step(t, cell, step_of(t, x, at), *h, c);
        y[at] = ptm_view_unsqueeze(t, *h, 0);
    }
    return ptm_trace_failed(t) ? NULL : ptm_concat(t, y, (size_t)steps, 0);
}

/* Returns y[T, B, H]; *h and *c become the last states. */
static struct ptm_tensor *run_padded(const struct rnn *r, size_t k, struct ptm_tensor *x,
                                     bool reverse, struct ptm_tensor **h, struct ptm_tensor **c)
{
    struct cell cell = cell_of(r, k);
    struct ptm_tensor *out[3] = {NULL};
    struct ptm_emit e;
    if (!x)
        return NULL;
    if (r->projected)
        return unroll(r, &cell, x, reverse, h, c);
    ptm_emit_begin(&e, r->t, r->kind == LSTM ? OP_lstm : r->kind == GRU ? OP_gru : OP_rnn);
    ptm_emit_in(&e, x);
    ptm_emit_in(&e, *h);
    if (r->kind == LSTM)
        ptm_emit_in(&e, *c);
    ptm_emit_in(&e, cell.w_ih);
    ptm_emit_in(&e, cell.w_hh);
    ptm_emit_opt(&e, cell.b_ih);
    ptm_emit_opt(&e, cell.b_hh);
    ptm_emit_i(&e, reverse);
    if (r->kind == RNN_TANH || r->kind == RNN_RELU)
        ptm_emit_i(&e, r->kind == RNN_RELU);
    ptm_emit_outs(&e, out);
    *h = out[1];
    *c = out[2];
    return out[0];
}

/* -- packed sequences: the time steps of the sequences that are that long, one after another.
 * Steps with the same batch are run as one; sequences end, or (reversed) begin, between them. -- */

static struct ptm_tensor *rows(struct ptm_trace *t, struct ptm_tensor *x, int64_t start, int64_t n)
{
    return ptm_view_range(t, x, 0, start, n);
}

/* a with b's rows behind it; either may be NULL */
static struct ptm_tensor *joined(struct ptm_trace *t, struct ptm_tensor *a, struct ptm_tensor *b)
{
    struct ptm_tensor *both[] = {a, b};
    return !a ? b : !b ? a : ptm_concat(t, both, 2, 0);
}

static struct ptm_tensor *run_packed(const struct rnn *r, size_t k, struct ptm_tensor *x,
                                     bool reverse, struct ptm_tensor **h, struct ptm_tensor **c)
{
    struct ptm_trace *t = r->t;
    struct ptm_tensor *h0 = *h, *c0 = *c, *y = NULL, *done_h = NULL, *done_c = NULL;
    int64_t at = reverse ? x->dim[0] : 0, batch = 0;
    for (int64_t i = reverse ? r->steps - 1 : 0; i >= 0 && i < r->steps;) {
        int64_t n = r->batch_size[i], len = 0;
        for (; i >= 0 && i < r->steps && r->batch_size[i] == n; i += reverse ? -1 : 1)
            len++;
        if (!batch) {
            *h = rows(t, h0, 0, n);
            *c = c0 ? rows(t, c0, 0, n) : NULL;
        } else if (n > batch) {
            *h = joined(t, *h, rows(t, h0, batch, n - batch));
            *c = c0 ? joined(t, *c, rows(t, c0, batch, n - batch)) : NULL;
        } else {
            done_h = joined(t, rows(t, *h, n, batch - n), done_h);
            *h = rows(t, *h, 0, n);
            if (c0) {
                done_c = joined(t, rows(t, *c, n, batch - n), done_c);
                *c = rows(t, *c, 0, n);
            }
        }
        if (ptm_trace_failed(t) || len * n > (reverse ? at : x->dim[0] - at))
            return NULL;
        at -= reverse ? len * n : 0;
        struct ptm_tensor *part = rows(t, x, at, len * n);
        at += reverse ? 0 : len * n;
        part = ptm_reshape(t, part, 3, (int64_t[]){len, n, x->dim[1]});
        part = run_padded(r, k, part, reverse, h, c);
        if (part)
            part = ptm_reshape(t, part, 2, (int64_t[]){len * n, part->dim[2]});
        y = reverse ? joined(t, part, y) : joined(t, y, part);
        batch = n;
    }
    if (done_h)
        *h = joined(t, *h, done_h);
    if (done_c)
        *c = joined(t, *c, done_c);
    return y;
}

static struct ptm_tensor *run_layer(const struct rnn *r, size_t k, struct ptm_tensor *x,
                                    bool reverse, struct ptm_tensor **h, struct ptm_tensor **c)
{
    if (!x)
        return NULL;
    return (r->batch_size ? run_packed : run_padded)(r, k, x, reverse, h, c);
}

/* A vector of integers as data in the trace's arena; *n of them. NULL: failed. */
static int64_t *read_ints(struct ptm_trace *t, struct ptm_tensor *x, int64_t *n)
{
    struct ptm_nd nd;
    x = ptm_cast(t, x, PTM_I64);
    if (x && x->rank != 1)
        ptm_trace_fail(t, PTM_ERR_TYPE, "packed sequence: lengths of rank %d, 1 wanted", x->rank);
    if (!x || !ptm_read(t, x, &nd))
        return NULL;
    *n = nd.dim[0];
    int64_t *v = ptm_arena_array(ptm_trace_arena(t), (size_t)*n + 1, sizeof(*v));
    for (int64_t i = 0; v && i < *n; i++)
        v[i] = ((const int64_t *)nd.data)[i * nd.stride[0]];
    if (!v)
        ptm_trace_fail(t, PTM_ERR_MEMORY, "packed sequence: no memory for %lld lengths",
                       (long long)*n);
    return v;
}

/* v is between 1 and `most` and never grows; its sum through *sum. */
static bool falling(struct ptm_trace *t, const int64_t *v, int64_t n, int64_t most, int64_t *sum)
{
    *sum = 0;
    for (int64_t i = 0; i < n; i++) {
        if (v[i] < 1 || v[i] > (i ? v[i - 1] : most)) {
            ptm_trace_fail(t, PTM_ERR_TYPE, "packed sequence: length %lld, 1 to %lld wanted, "
                           "longest first", (long long)v[i], (long long)(i ? v[i - 1] : most));
            return false;
        }
        *sum += v[i];
    }
    return true;
}

static bool read_segments(const struct ptm_lower_call *c, struct rnn *r)
{
    int64_t sum;
    r->batch_size = read_ints(c->t, ptm_need_named(c, "batch_sizes"), &r->steps);
    if (!r->batch_size || !falling(c->t, r->batch_size, r->steps, r->hx->dim[1], &sum))
        return false;
    if (!r->steps || sum != r->x->dim[0])
        ptm_trace_fail(c->t, PTM_ERR_TYPE, "%s: %lld elements in batches of %lld", c->schema->name,
                       (long long)r->x->dim[0], (long long)sum);
    return !ptm_trace_failed(c->t);
}

/* x's rows at index[n], known or data of this run as `known` says */
static struct ptm_tensor *pick_rows(struct ptm_trace *t, struct ptm_tensor *x, const int64_t *index,
                                    int64_t n, bool known)
{
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_index_select);
    ptm_emit_in(&e, x);
    ptm_emit_in(&e, known ? ptm_known(t, PTM_I64, 1, &n, index)
                          : ptm_dynamic(t, PTM_I64, 1, &n, index));
    ptm_emit_i(&e, 0);
    return ptm_emit_end(&e);
}

/* The first two dims of x as one. */
static struct ptm_tensor *flat_rows(struct ptm_trace *t, struct ptm_tensor *x)
{
    int64_t dim[PTM_MAX_RANK];
    for (int i = 1; i < x->rank; i++)
        dim[i - 1] = x->dim[i];
    dim[0] = x->dim[0] * x->dim[1];
    return ptm_reshape(t, x, x->rank - 1, dim);
}

/* input[T, B, ...], lengths[B] longest first: data[elements, ...], batch_sizes[longest] */
static struct ptm_ival lower_pack(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *lengths = ptm_need(c, 1), *out[2];
    int64_t n, sum, at = 0;
    if (!x || !lengths)
        return ptm_none();
    bool known = ptm_is_known(lengths);
    int64_t *len = read_ints(t, lengths, &n);
    if (x->rank < 2)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "%s: input of rank %d", c->schema->name, x->rank);
    if (ptm_arg_bool(t, c->arg[2]))
        x = ptm_view_transpose(t, x, 0, 1);
    if (!len || !x || !falling(t, len, n, x->dim[0], &sum))
        return ptm_none();
    if (!n || n != x->dim[1])
        return ptm_trace_fail(t, PTM_ERR_TYPE, "%s: %lld lengths for a batch of %lld",
                              c->schema->name, (long long)n, (long long)x->dim[1]);
    int64_t *index = ptm_arena_array(ptm_trace_arena(t), (size_t)sum, sizeof(*index));
    int64_t *batch = ptm_arena_array(ptm_trace_arena(t), (size_t)len[0], sizeof(*batch));
    if (!index || !batch)
        return ptm_trace_fail(t, PTM_ERR_MEMORY, "%s: no memory for %lld elements",
                              c->schema->name, (long long)sum);
    for (int64_t i = 0; i < len[0]; i++)
        for (int64_t b = 0; b < n && len[b] > i; b++) {
            index[at++] = i * n + b;
            batch[i]++;
        }
    out[0] = pick_rows(t, flat_rows(t, x), index, sum, known);
    out[1] = known ? ptm_known(t, PTM_I64, 1, &len[0], batch)
                   : ptm_dynamic(t, PTM_I64, 1, &len[0], batch);
    return ptm_result_tuple(t, 2, out);
}

/* The reverse; steps that a sequence lacks hold the padding value. */
static struct ptm_ival lower_unpack(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *sizes = ptm_need(c, 1), *out[2];
    int64_t steps, sum, at = 0, total = ptm_arg_size(t, c->arg[4]), dim[PTM_MAX_RANK];
    if (!x || !sizes)
        return ptm_none();
    bool known = ptm_is_known(sizes);
    int64_t *batch = read_ints(t, sizes, &steps);
    if (!batch || !falling(t, batch, steps, INT64_C(1) << 40, &sum))
        return ptm_none();
    total = total > 0 ? total : steps;
    if (!steps || !x->rank || x->rank == PTM_MAX_RANK || sum != x->dim[0] || total < steps ||
        total > (INT64_C(1) << 40) / batch[0])
        return ptm_trace_fail(t, PTM_ERR_TYPE, "%s: %lld elements in batches of %lld, %lld steps",
                              c->schema->name, x->rank ? (long long)x->dim[0] : 1, (long long)sum,
                              (long long)total);
    int64_t n = batch[0];
    int64_t *index = ptm_arena_array(ptm_trace_arena(t), (size_t)(total * n), sizeof(*index));
    int64_t *len = ptm_arena_array(ptm_trace_arena(t), (size_t)n, sizeof(*len));
    if (!index || !len)
        return ptm_trace_fail(t, PTM_ERR_MEMORY, "%s: no memory for %lld elements",
                              c->schema->name, (long long)(total * n));
    for (int64_t i = 0; i < total; i++)
        for (int64_t b = 0; b < n; b++) {
            bool there = i < steps && b < batch[i];
            index[i * n + b] = there ? at++ : sum; /* row `sum` is the padding */
            len[b] += there;
        }
    memcpy(dim, x->dim, sizeof(dim));
    dim[0] = 1;
    x = joined(t, x, ptm_full(t, (enum ptm_dtype)x->dtype, x->rank, dim, c->arg[3]));
    x = pick_rows(t, x, index, total * n, known);
    if (!x)
        return ptm_none();
    memmove(dim + 2, x->dim + 1, (size_t)(x->rank - 1) * sizeof(*dim));
    dim[0] = total;
    dim[1] = n;
    out[0] = ptm_reshape(t, x, x->rank + 1, dim);
    if (ptm_arg_bool(t, c->arg[2]))
        out[0] = ptm_view_transpose(t, out[0], 0, 1);
    out[1] = known ? ptm_known(t, PTM_I64, 1, &n, len) : ptm_dynamic(t, PTM_I64, 1, &n, len);
    return ptm_result_tuple(t, 2, out);
}

/* -- all layers -- */

static struct ptm_tensor *drop(struct ptm_trace *t, struct ptm_tensor *x, double p)
{
    struct ptm_ival arg[] = {ptm_tensor_ival(x), ptm_float(p), ptm_bool(true)};
    return x ? ptm_arg_tensor(t, ptm_call(t, "aten::dropout", 3, arg)) : NULL;
}

/* All layers; h[] and c[] get the last states, by layer and direction, with a leading 1. */
static struct ptm_tensor *run_layers(const struct rnn *r, struct ptm_tensor **h,
                                     struct ptm_tensor **c)
{
    struct ptm_trace *t = r->t;
    struct ptm_tensor *x = r->x;
    for (int64_t layer = 0; layer < r->layers && !ptm_trace_failed(t); layer++) {
        struct ptm_tensor *y[2] = {NULL};
        for (int64_t d = 0; d < r->directions; d++) {
            int64_t k = layer * r->directions + d;
            struct ptm_tensor *hk = step_of(t, r->hx, k), *ck = NULL;
            if (r->cx)
                ck = step_of(t, r->cx, k);
            y[d] = run_layer(r, (size_t)k, x, d == 1, &hk, &ck);
            h[k] = ptm_view_unsqueeze(t, hk, 0);
            c[k] = ck ? ptm_view_unsqueeze(t, ck, 0) : NULL;
        }
        x = y[0];
        if (r->directions == 2 && !ptm_trace_failed(t))
            x = ptm_concat(t, y, 2, r->batch_size ? 1 : 2);
        if (r->train && r->dropout > 0 && layer + 1 < r->layers)
            x = drop(t, x, r->dropout);
    }
    return x;
}

/* Fills r from the arguments that padded and packed forms share, and checks them. */
static bool read_layers(const struct ptm_lower_call *c, struct rnn *r, int rank)
{
    struct ptm_trace *t = c->t;
    r->t = t;
    r->x = ptm_need(c, 0);
    r->param = ptm_need_list(c, ptm_named(c, "params"), &r->n_params);
    r->biases = ptm_arg_bool(t, ptm_named(c, "has_biases"));
    r->layers = ptm_arg_size(t, ptm_named(c, "num_layers"));
    r->dropout = ptm_arg_float(t, ptm_named(c, "dropout"));
    r->train = ptm_arg_bool(t, ptm_named(c, "train"));
    r->directions = ptm_arg_bool(t, ptm_named(c, "bidirectional")) ? 2 : 1;
    if (ptm_trace_failed(t) || !r->x || !r->hx || (r->kind == LSTM && !r->cx))
        return false;
    r->per_cell = r->biases ? 4 : 2;
    int64_t cells = r->layers * r->directions;
    if (r->layers < 1 || r->layers > 1000 || r->x->rank != rank || r->hx->rank != 3 ||
        (r->cx && (r->cx->rank != 3 || r->cx->dim[0] != cells)) || r->hx->dim[0] != cells) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "%s: input of rank %d and %lld states of rank %d for %lld "
                       "layers", c->schema->name, r->x->rank,
                       r->hx->rank ? (long long)r->hx->dim[0] : 1, r->hx->rank,
                       (long long)r->layers);
        return false;
    }
    r->projected = r->cx && r->cx->dim[2] != r->hx->dim[2];
    r->per_cell += r->projected;
    if (r->n_params != r->per_cell * (size_t)cells) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "%s: %zu parameters, %zu wanted", c->schema->name,
                       r->n_params, r->per_cell * (size_t)cells);
        return false;
    }
    return true;
}

static struct ptm_ival rnn(const struct ptm_lower_call *c, struct rnn *r)
{
    struct ptm_trace *t = c->t;
    bool packed = ptm_has_named(c, "batch_sizes");
    bool batch_first = !packed && ptm_arg_bool(t, ptm_named(c, "batch_first"));
    if (!read_layers(c, r, packed ? 2 : 3) || (packed && !read_segments(c, r)))
        return ptm_none();
    if (batch_first)
        r->x = ptm_view_transpose(t, r->x, 0, 1);
    size_t cells = (size_t)(r->layers * r->directions);
    struct ptm_tensor **h =
        ptm_arena_array(ptm_trace_arena(t), cells * 2, sizeof(struct ptm_tensor *));
    if (!h)
        return ptm_trace_fail(t, PTM_ERR_MEMORY, "%s: no memory for %zu states", c->schema->name,
                              cells);
    struct ptm_tensor *out[3], **last_c = h + cells;
    out[0] = run_layers(r, h, last_c);
    if (ptm_trace_failed(t))
        return ptm_none();
    if (batch_first)
        out[0] = ptm_view_transpose(t, out[0], 0, 1);
    out[1] = ptm_concat(t, h, cells, 0);
    if (r->kind == LSTM)
        out[2] = ptm_concat(t, last_c, cells, 0);
    return ptm_result_tuple(t, r->kind == LSTM ? 3 : 2, out);
}

/* The states of an LSTM are a list of two. */
static bool lstm_states(const struct ptm_lower_call *c, struct ptm_tensor **h,
                        struct ptm_tensor **cell)
{
    size_t n;
    struct ptm_tensor **hx = ptm_need_list(c, ptm_named(c, "hx"), &n);
    if (!hx || n != 2) {
        ptm_trace_fail(c->t, PTM_ERR_TYPE, "%s: a list of 2 states wanted", c->schema->name);
        return false;
    }
    *h = hx[0];
    *cell = hx[1];
    return *h && *cell;
}

static struct ptm_ival lower_lstm(const struct ptm_lower_call *c)
{
    struct rnn r = {.kind = LSTM};
    return lstm_states(c, &r.hx, &r.cx) ? rnn(c, &r) : ptm_none();
}

static struct ptm_ival lower_gru(const struct ptm_lower_call *c)
{
    struct rnn r = {.kind = GRU, .hx = ptm_need_named(c, "hx")};
    return rnn(c, &r);
}

static struct ptm_ival lower_rnn_tanh(const struct ptm_lower_call *c)
{
    struct rnn r = {.kind = RNN_TANH, .hx = ptm_need_named(c, "hx")};
    return rnn(c, &r);
}

static struct ptm_ival lower_rnn_relu(const struct ptm_lower_call *c)
{
    struct rnn r = {.kind = RNN_RELU, .hx = ptm_need_named(c, "hx")};
    return rnn(c, &r);
}

/* -- cells -- */

static struct cell cell_args(const struct ptm_lower_call *c)
{
    return (struct cell){
        .w_ih = ptm_need(c, 2),
        .w_hh = ptm_need(c, 3),
        .b_ih = ptm_arg_tensor(c->t, c->arg[4]),
        .b_hh = ptm_arg_tensor(c->t, c->arg[5]),
    };
}

static struct ptm_ival lower_lstm_cell(const struct ptm_lower_call *c)
{
    struct cell cell = cell_args(c);
    struct ptm_tensor *out[2];
    if (!lstm_states(c, &out[0], &out[1]))
        return ptm_none();
    out[0] = lstm_step(c->t, &cell, ptm_need(c, 0), out[0], &out[1]);
    return ptm_result_tuple(c->t, 2, out);
}

static struct ptm_ival lower_gru_cell(const struct ptm_lower_call *c)
{
    struct cell cell = cell_args(c);
    return ptm_tensor_ival(gru_step(c->t, &cell, ptm_need(c, 0), ptm_need(c, 1)));
}

static struct ptm_ival rnn_cell(const struct ptm_lower_call *c, enum ptm_op op)
{
    struct cell cell = cell_args(c);
    struct ptm_tensor *sum = add(c->t, linear(c->t, ptm_need(c, 0), cell.w_ih, cell.b_ih),
                                 linear(c->t, ptm_need(c, 1), cell.w_hh, cell.b_hh));
    return ptm_tensor_ival(ptm_op_unary(c->t, op, sum));
}

static struct ptm_ival lower_rnn_tanh_cell(const struct ptm_lower_call *c)
{
    return rnn_cell(c, OP_tanh);
}

static struct ptm_ival lower_rnn_relu_cell(const struct ptm_lower_call *c)
{
    return rnn_cell(c, OP_relu);
}

/* input_gates, hidden_gates, cx, biases: h, c and the gates' workspace */
static struct ptm_ival lower_fused_lstm_cell(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *gates = add(t, ptm_need(c, 0), ptm_need(c, 1)), *out[3];
    for (size_t i = 3; i < 5; i++)
        if (!ptm_is_none(c->arg[i]))
            gates = add(t, gates, ptm_need(c, i));
    out[1] = ptm_need(c, 2);
    out[0] = lstm_gates(t, gates, &out[1]);
    out[2] = gates;
    return ptm_result_tuple(t, 3, out);
}

const struct ptm_lowering ptm_lower_rnn[] = {
    {"aten::lstm.input", lower_lstm},
    {"aten::lstm.data", lower_lstm},
    {"aten::gru.input", lower_gru},
    {"aten::gru.data", lower_gru},
    {"aten::rnn_tanh.input", lower_rnn_tanh},
    {"aten::rnn_tanh.data", lower_rnn_tanh},
    {"aten::rnn_relu.input", lower_rnn_relu},
    {"aten::rnn_relu.data", lower_rnn_relu},
    {"aten::_pack_padded_sequence", lower_pack},
    {"aten::_pad_packed_sequence", lower_unpack},
    {"aten::lstm_cell", lower_lstm_cell},
    {"aten::gru_cell", lower_gru_cell},
    {"aten::rnn_tanh_cell", lower_rnn_tanh_cell},
    {"aten::rnn_relu_cell", lower_rnn_relu_cell},
    {"aten::_thnn_fused_lstm_cell", lower_fused_lstm_cell},
    {NULL, NULL},
};
