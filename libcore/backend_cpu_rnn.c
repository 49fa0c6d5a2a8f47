/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cpu backend's recurrent layers, one direction of one layer: the input's part of all gates is
 * one product over all times; each step adds the state's part and lets the cell kernel act.
 */
#include <math.h>
#include <string.h>

#include "libcore/backend_cpu.h"

struct recurrent {
    struct ptm_cpu_object o;
    struct ptm_cpu_panels from_x, from_h;
    int64_t times, batch, hidden, inputs, gates;
    bool reverse, lstm;
};

static void multiply(const struct recurrent *v, const struct ptm_cpu_panels *w, int64_t rows,
                     const float *a, float *c, bool accumulate)
{
    struct ptm_cpu_rows from = {a, w->depth};
    struct ptm_cpu_gemm g = {.k = &v->o.k, .w = w, .rows = (size_t)rows, .taps = 1,
                             .depth = w->depth, .point = ptm_cpu_point_rows, .ctx = &from, .c = c,
                             .c_stride = w->n, .accumulate = accumulate, .min = -INFINITY,
                             .max = INFINITY};
    bool large = w->n * w->depth * (size_t)rows > 1 << 18;
    ptm_cpu_gemm(&g, large ? v->o.pool : NULL);
}

static int run_recurrent(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    const struct recurrent *v = (const struct recurrent *)o;
    int64_t hidden = v->hidden, step = v->batch * v->gates * hidden;
    size_t state = (size_t)(v->batch * hidden) * sizeof(float);
    float *gates = ptm_cpu_scratch(c, (size_t)(v->times * step));
    float *from_h = v->lstm ? NULL : ptm_cpu_scratch(c, (size_t)step);
    float *y = c->out[0].data, *cell = v->lstm ? c->out[2].data : NULL;
    if (!gates || (!from_h && !v->lstm))
        return PTM_REF_MEMORY;
    const float *h = c->in[1].data;
    if (v->lstm)
        memcpy(cell, c->in[2].data, state);
    multiply(v, &v->from_x, v->times * v->batch, c->in[0].data, gates, false);
    for (int64_t i = 0; i < v->times; i++) {
        int64_t t = v->reverse ? v->times - 1 - i : i;
        float *now = gates + t * step, *next = y + t * v->batch * hidden;
        multiply(v, &v->from_h, v->batch, h, v->lstm ? now : from_h, v->lstm);
        for (int64_t b = 0; b < v->batch; b++) {
            int64_t at = b * v->gates * hidden;
            if (v->lstm)
                o->k.lstm_f32((size_t)hidden, now + at, cell + b * hidden, next + b * hidden);
            else
                o->k.gru_f32((size_t)hidden, now + at, from_h + at, h + b * hidden,
                             next + b * hidden);
        }
        h = next;
    }
    memcpy(c->out[1].data, h, state);
    return 0;
}

/* What packing reads: w_ih, w_hh, b_ih, b_hh. */
struct weights {
    const struct recurrent *v;
    const struct ptm_nd *in;
    size_t from_h; /* where the state's panels begin */
};

static bool fill_weights(const void *ctx, void *to)
{
    const struct weights *from = ctx;
    const struct recurrent *v = from->v;
    struct ptm_arena work = {0};
    const float *p[4];
    for (int i = 0; i < 4; i++)
        p[i] = ptm_cpu_floats(&work, &from->in[i]);
    if (v->lstm && p[2] && p[3]) { /* the lstm adds them up anyway */
        int64_t n = v->gates * v->hidden;
        float *sum = ptm_cpu_alloc(&work, (size_t)n);
        for (int64_t i = 0; i < n && sum; i++)
            sum[i] = p[2][i] + p[3][i];
        p[2] = sum;
        p[3] = NULL;
    } else if (v->lstm && p[3]) {
        p[2] = p[3];
        p[3] = NULL;
    }
    bool failed = work.failed;
    if (!failed) {
        ptm_cpu_panels_fill(&v->from_x, &v->o.k, to, p[0], 1, v->inputs, p[2]);
        ptm_cpu_panels_fill(&v->from_h, &v->o.k, (float *)to + from->from_h, p[1], 1, v->hidden,
                            p[3]);
    }
    ptm_arena_release(&work);
    return !failed;
}

/* Inputs x h0 c0? w_ih w_hh b_ih b_hh. */
static enum ptm_status compile_recurrent(const struct ptm_step_request *rq,
                                         struct ptm_cpu_object *o, struct ptm_err *err)
{
    struct recurrent *v = (struct recurrent *)o;
    const float *data;
    v->lstm = rq->node->op == OP_lstm;
    const struct ptm_nd *in = rq->in + (v->lstm ? 3 : 2);
    v->gates = v->lstm ? 4 : 3;
    v->times = rq->in[0].dim[0];
    v->batch = rq->in[0].dim[1];
    v->inputs = rq->in[0].dim[2];
    v->hidden = in[1].dim[1];
    v->reverse = ptm_cpu_int(rq->graph, rq->node, "reverse");
    size_t n = (size_t)(v->gates * v->hidden);
    size_t from_x = ptm_cpu_panels_size(&v->from_x, &o->k, n, (size_t)v->inputs);
    size_t from_h = ptm_cpu_panels_size(&v->from_h, &o->k, n, (size_t)v->hidden);
    struct weights from = {v, in, from_x};
    struct ptm_cpu_packing packing = {
        .kernel = PTM_KERNEL_gemm_f32, .how = v->lstm ? "lstm" : "gru", .from = in, .n_from = 4,
        .floats = from_x + from_h, .fill = fill_weights, .ctx = &from};
    PTM_TRY(ptm_cpu_pack(o, rq, &packing, &data, err));
    ptm_cpu_will_scratch(o, (size_t)(v->times * v->batch) * n);
    ptm_cpu_will_scratch(o, v->lstm ? 0 : (size_t)v->batch * n);
    v->from_x.data = data;
    v->from_h.data = data + from_x;
    o->run = run_recurrent;
    o->main = o->k.info[PTM_KERNEL_gemm_f32];
    o->how = packing.how;
    return PTM_OK;
}

static const char *claim_recurrent(const struct ptm_graph *g, const struct ptm_node *n,
                                   struct ptm_claim *claim)
{
    const char *why = ptm_cpu_all_f32(g, n);
    uint32_t first = n->op == OP_lstm ? 3 : 2;
    for (uint32_t i = 0; i < n->n_in && !why; i++) {
        if (i >= first && ptm_cpu_has(g, n, i) && !ptm_cpu_is_const(g, n, i))
            why = "weights that are no constants";
        const struct ptm_value *v = &g->value[g->operand[n->in + (i < first ? i : 0)]];
        if (i < first && v->type.dtype != PTM_F32)
            why = "only f32";
        if (i < first && v->kind == V_CONST) {
            int64_t dense[PTM_MAX_RANK];
            ptm_strides_contiguous(v->type.rank, v->type.dim, dense);
            for (int d = 0; d < v->type.rank; d++)
                if (v->type.dim[d] > 1 && g->constant[v->ref].stride[d] != dense[d])
                    why = "a constant that is not dense";
        }
    }
    const struct ptm_type *w_hh = ptm_cpu_in(g, n, first + 1);
    if (!why && w_hh->dim[0] != w_hh->dim[1] * (n->op == OP_lstm ? 4 : 3))
        why = "a projected state";
    claim->layout = LAYOUT_ROW_MAJOR;
    return why;
}

const struct ptm_cpu_op ptm_cpu_lstm = {OP_lstm, claim_recurrent, sizeof(struct recurrent),
                                        compile_recurrent};
const struct ptm_cpu_op ptm_cpu_gru = {OP_gru, claim_recurrent, sizeof(struct recurrent),
                                       compile_recurrent};
