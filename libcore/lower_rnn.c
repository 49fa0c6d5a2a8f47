/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lowerings of recurrent layers and cells: one OP_lstm, OP_gru or OP_rnn per
 * layer and direction. LSTMs with projections are unrolled: the operator has
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
static struct ptm_tensor *run_layer(const struct rnn *r, size_t k, struct ptm_tensor *x,
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
            x = ptm_concat(t, y, 2, 2);
        if (r->train && r->dropout > 0 && layer + 1 < r->layers)
            x = drop(t, x, r->dropout);
    }
    return x;
}

static struct ptm_ival rnn(const struct ptm_lower_call *c, struct rnn *r)
{
    struct ptm_trace *t = c->t;
    r->t = t;
    r->x = ptm_need(c, 0);
    r->param = ptm_need_list(c, ptm_named(c, "params"), &r->n_params);
    r->biases = ptm_arg_bool(t, ptm_named(c, "has_biases"));
    r->layers = ptm_arg_int(t, ptm_named(c, "num_layers"));
    r->dropout = ptm_arg_float(t, ptm_named(c, "dropout"));
    r->train = ptm_arg_bool(t, ptm_named(c, "train"));
    r->directions = ptm_arg_bool(t, ptm_named(c, "bidirectional")) ? 2 : 1;
    bool batch_first = ptm_arg_bool(t, ptm_named(c, "batch_first"));
    if (ptm_trace_failed(t) || !r->x || !r->hx || (r->kind == LSTM && !r->cx))
        return ptm_none();
    r->per_cell = r->biases ? 4 : 2;
    int64_t cells = r->layers * r->directions;
    if (r->layers < 1 || r->layers > 1000 || r->x->rank != 3 || r->hx->rank != 3 ||
        (r->cx && (r->cx->rank != 3 || r->cx->dim[0] != cells)) || r->hx->dim[0] != cells)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "%s: input of rank %d and %lld states of rank %d "
                              "for %lld layers", c->schema->name, r->x->rank,
                              r->hx->rank ? (long long)r->hx->dim[0] : 1, r->hx->rank,
                              (long long)r->layers);
    r->projected = r->cx && r->cx->dim[2] != r->hx->dim[2];
    r->per_cell += r->projected;
    if (r->n_params != r->per_cell * (size_t)cells)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "%s: %zu parameters, %zu wanted", c->schema->name,
                              r->n_params, r->per_cell * (size_t)cells);
    if (batch_first)
        r->x = ptm_view_transpose(t, r->x, 0, 1);
    struct ptm_tensor **h =
        ptm_arena_array(ptm_trace_arena(t), (size_t)cells * 2, sizeof(struct ptm_tensor *));
    if (!h)
        return ptm_trace_fail(t, PTM_ERR_MEMORY, "%s: no memory for %lld states", c->schema->name,
                              (long long)cells);
    struct ptm_tensor *out[3], **last_c = h + cells;
    out[0] = run_layers(r, h, last_c);
    if (ptm_trace_failed(t))
        return ptm_none();
    if (batch_first)
        out[0] = ptm_view_transpose(t, out[0], 0, 1);
    out[1] = ptm_concat(t, h, (size_t)cells, 0);
    if (r->kind == LSTM)
        out[2] = ptm_concat(t, last_c, (size_t)cells, 0);
    return ptm_result_tuple(t, r->kind == LSTM ? 3 : 2, out);
}

/* The states of an LSTM are a list of two. */
static bool lstm_states(const struct ptm_lower_call *c, struct ptm_tensor **h,
                        struct ptm_tensor **cell)
{
    size_t n;
    struct ptm_tensor **hx = ptm_need_list(c, c->arg[1], &n);
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
    struct rnn r = {.kind = GRU, .hx = ptm_need(c, 1)};
    return rnn(c, &r);
}

static struct ptm_ival lower_rnn_tanh(const struct ptm_lower_call *c)
{
    struct rnn r = {.kind = RNN_TANH, .hx = ptm_need(c, 1)};
    return rnn(c, &r);
}

static struct ptm_ival lower_rnn_relu(const struct ptm_lower_call *c)
{
    struct rnn r = {.kind = RNN_RELU, .hx = ptm_need(c, 1)};
    return rnn(c, &r);
}

static struct ptm_ival refuse_packed(const struct ptm_lower_call *c)
{
    return ptm_trace_fail(c->t, PTM_ERR_UNSUPPORTED, "%s of a packed sequence (batch_sizes)",
                          c->schema->name);
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
    {"aten::lstm.data", refuse_packed},
    {"aten::gru.input", lower_gru},
    {"aten::gru.data", refuse_packed},
    {"aten::rnn_tanh.input", lower_rnn_tanh},
    {"aten::rnn_tanh.data", refuse_packed},
    {"aten::rnn_relu.input", lower_rnn_relu},
    {"aten::rnn_relu.data", refuse_packed},
    {"aten::lstm_cell", lower_lstm_cell},
    {"aten::gru_cell", lower_gru_cell},
    {"aten::rnn_tanh_cell", lower_rnn_tanh_cell},
    {"aten::rnn_relu_cell", lower_rnn_relu_cell},
    {"aten::_thnn_fused_lstm_cell", lower_fused_lstm_cell},
    {NULL, NULL},
};
