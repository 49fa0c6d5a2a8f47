/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reference kernels: one direction of one layer of LSTM, GRU and simple
 * recurrent networks, in double.
 *
 * x w_ih^T + b_ih is one matrix product over all times; each step adds
 * h w_hh^T + b_hh and applies the gates.
 */
#include "kernels/ref_ops.h"
#include "kernels/ref_util.h"

#include <math.h>

enum cell { LSTM, GRU, RNN_TANH, RNN_RELU };

struct layer {
    const struct ptm_nd *x, *w_ih, *w_hh, *b_ih, *b_hh; /* biases may be NULL */
    int64_t t, b, i, h, gates;
    double *from_x; /* [T * B][gates * H] */
    double *from_h; /* [B][gates * H] */
    double *state, *cell; /* [B][H] */
};

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static void load_x(const void *ctx, int64_t row, int64_t k, int64_t count, double *dst)
{
    const struct layer *l = ctx;
    const struct ptm_nd *x = l->x;
    ptm_ref_load_f(dst, x,
                   row / l->b * x->stride[0] + row % l->b * x->stride[1] + k * x->stride[2],
                   x->stride[2], count);
}

static void load_weight(const struct ptm_nd *w, int64_t k, int64_t col, int64_t count, double *dst)
{
    ptm_ref_load_f(dst, w, col * w->stride[0] + k * w->stride[1], w->stride[1], count);
}

static void load_w_ih(const void *ctx, int64_t k, int64_t col, int64_t count, double *dst)
{
    load_weight(((const struct layer *)ctx)->w_ih, k, col, count, dst);
}

static void load_w_hh(const void *ctx, int64_t k, int64_t col, int64_t count, double *dst)
{
    load_weight(((const struct layer *)ctx)->w_hh, k, col, count, dst);
}

static void load_state(const void *ctx, int64_t row, int64_t k, int64_t count, double *dst)
{
    const struct layer *l = ctx;
    for (int64_t j = 0; j < count; j++)
        dst[j] = l->state[row * l->h + k + j];
}

static void add_bias(double *dst, const double *src, const struct ptm_nd *bias, int64_t col,
                     int64_t count)
{
    for (int64_t j = 0; j < count; j++)
        dst[j] = src[j] + (bias ? ptm_ref_get_f(bias, (col + j) * bias->stride[0]) : 0);
}

static void store_from_x(const void *ctx, int64_t row, int64_t col, int64_t count,
                         const double *src)
{
    const struct layer *l = ctx;
    add_bias(l->from_x + row * l->gates * l->h + col, src, l->b_ih, col, count);
}

static void store_from_h(const void *ctx, int64_t row, int64_t col, int64_t count,
                         const double *src)
{
    const struct layer *l = ctx;
    add_bias(l->from_h + row * l->gates * l->h + col, src, l->b_hh, col, count);
}

/* New state j of one row from its gates; x and h: [gates][H] */
static double next_state(enum cell kind, const double *x, const double *h, int64_t size, int64_t j,
                         double old, double *cell)
{
    if (kind == LSTM) {
        double in = sigmoid(x[j] + h[j]), forget = sigmoid(x[size + j] + h[size + j]);
        double g = tanh(x[2 * size + j] + h[2 * size + j]);
        double out = sigmoid(x[3 * size + j] + h[3 * size + j]);
        *cell = forget * *cell + in * g;
        return out * tanh(*cell);
    }
    if (kind == GRU) {
        double reset = sigmoid(x[j] + h[j]), update = sigmoid(x[size + j] + h[size + j]);
        double n = tanh(x[2 * size + j] + reset * h[2 * size + j]);
        return (1 - update) * n + update * old;
    }
    double v = x[j] + h[j];
    return kind == RNN_TANH ? tanh(v) : v < 0 ? 0 : v;
}

static void step(struct layer *l, enum cell kind, int64_t t)
{
    for (int64_t b = 0; b < l->b; b++) {
        const double *x = l->from_x + (t * l->b + b) * l->gates * l->h;
        const double *h = l->from_h + b * l->gates * l->h;
        double *to = l->state + b * l->h;
        for (int64_t j = 0; j < l->h; j++)
            to[j] = next_state(kind, x, h, l->h, j, to[j], l->cell + b * l->h + j);
    }
}

static void load_matrix(double *dst, const struct ptm_nd *x)
{
    for (int64_t r = 0; r < x->dim[0]; r++)
        ptm_ref_load_f(dst + r * x->dim[1], x, r * x->stride[0], x->stride[1], x->dim[1]);
}

static void store_matrix(const struct ptm_nd *y, int64_t at, int64_t rs, int64_t cs,
                         const double *src, int64_t rows, int64_t cols)
{
    for (int64_t r = 0; r < rows; r++)
        ptm_ref_store_f(y, at + r * rs, cs, src + r * cols, cols);
}

/* w: where in the inputs w_ih is; before it the initial states */
static int run_layer(const struct ptm_ref_call *c, enum cell kind, int w, bool reverse)
{
    const struct ptm_nd *y = c->out, *in = c->in;
    struct layer l = {.x = in, .w_ih = in + w, .w_hh = in + w + 1};
    l.b_ih = ptm_ref_absent(c, w + 2) ? NULL : in + w + 2;
    l.b_hh = ptm_ref_absent(c, w + 3) ? NULL : in + w + 3;
    l.gates = kind == LSTM ? 4 : kind == GRU ? 3 : 1;
    l.t = in->dim[0], l.b = in->dim[1], l.i = in->dim[2];
    l.h = l.w_ih->dim[0] / l.gates;
    int64_t wide = l.gates * l.h;
    struct ptm_ref_gemm_space space;
    l.from_x = ptm_ref_doubles(c, l.t * l.b * wide);
    l.from_h = ptm_ref_doubles(c, l.b * wide);
    l.state = ptm_ref_doubles(c, l.b * l.h);
    l.cell = ptm_ref_doubles(c, l.b * l.h);
    if (!l.from_x || !l.from_h || !l.state || !l.cell ||
        !ptm_ref_gemm_reserve(&space, c, l.t > 1 ? l.t * l.b : l.b, wide, l.i > l.h ? l.i : l.h))
        return PTM_REF_MEMORY;
    load_matrix(l.state, in + 1);
    if (kind == LSTM)
        load_matrix(l.cell, in + 2);
    struct ptm_ref_gemm gx = {l.t * l.b, wide, l.i, true, load_x, load_w_ih, store_from_x, &l};
    struct ptm_ref_gemm gh = {l.b, wide, l.h, true, load_state, load_w_hh, store_from_h, &l};
    ptm_ref_gemm(&gx, &space);
    for (int64_t k = 0; k < l.t; k++) {
        int64_t t = reverse ? l.t - 1 - k : k;
        ptm_ref_gemm(&gh, &space);
        step(&l, kind, t);
        store_matrix(y, t * y->stride[0], y->stride[1], y->stride[2], l.state, l.b, l.h);
    }
    store_matrix(c->out + 1, 0, c->out[1].stride[0], c->out[1].stride[1], l.state, l.b, l.h);
    if (kind == LSTM)
        store_matrix(c->out + 2, 0, c->out[2].stride[0], c->out[2].stride[1], l.cell, l.b, l.h);
    return 0;
}

int ptm_ref_lstm(const struct ptm_ref_call *c)
{
    return run_layer(c, LSTM, 3, c->attr[0].i != 0);
}

int ptm_ref_gru(const struct ptm_ref_call *c)
{
    return run_layer(c, GRU, 2, c->attr[0].i != 0);
}

int ptm_ref_rnn(const struct ptm_ref_call *c)
{
    return run_layer(c, c->attr[1].i ? RNN_RELU : RNN_TANH, 2, c->attr[0].i != 0);
}
