/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What operators cost: multiply-adds, floating point operations, bytes, work. Counts saturate: they
 * are for reports and limits. How a class of operators (ops.def) counts is told there.
 */
#include "libcore/graph.h"

#include <string.h>

#include "kernels/ref.h"

static uint64_t times(uint64_t a, uint64_t b)
{
    return a && b > UINT64_MAX / a ? UINT64_MAX : a * b;
}

static uint64_t plus(uint64_t a, uint64_t b)
{
    return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

static const struct ptm_type absent_type = {.dtype = PTM_ABSENT, .qparams = -1};

static const struct ptm_type *in_type(const struct ptm_graph *g, const struct ptm_node *n,
                                      uint32_t i)
{
    uint32_t v = g->operand[n->in + i];
    return v == PTM_NO_VALUE ? &absent_type : &g->value[v].type;
}

/* Inputs that count: up to the weights of an LSTM. */
enum { COST_IN = 5 };

static uint64_t op_macs(enum ptm_op op, const struct ptm_type *const *in, uint32_t n_in,
                        const struct ptm_type *out)
{
    const struct ptm_type *x = n_in ? in[0] : out;
    uint64_t n_out = (uint64_t)ptm_type_numel(out), macs;
    switch (op) {
    case OP_matmul:
    case OP_linear:
    case OP_cdist:
        return times(n_out, (uint64_t)x->dim[x->rank - 1]);
    case OP_conv:
    case OP_conv_transpose: {
        /* each output (transposed: input) element meets one filter of w */
        const struct ptm_type *w = in[1];
        macs = op == OP_conv ? n_out : (uint64_t)ptm_type_numel(x);
        for (int i = 1; i < w->rank; i++)
            macs = times(macs, (uint64_t)w->dim[i]);
        return macs;
    }
    case OP_sdpa: {
        const struct ptm_type *k = in[1];
        uint64_t rows = 1, keys = (uint64_t)k->dim[k->rank - 2];
        for (int i = 0; i < out->rank - 1; i++)
            rows = times(rows, (uint64_t)out->dim[i]);
        return times(times(rows, keys), plus((uint64_t)x->dim[x->rank - 1],
                                             (uint64_t)out->dim[out->rank - 1]));
    }
    case OP_lstm:
    case OP_gru:
    case OP_rnn: {
        uint32_t first = op == OP_lstm ? 3 : 2;
        macs = plus((uint64_t)ptm_type_numel(in[first]), (uint64_t)ptm_type_numel(in[first + 1]));
        return times(macs, times((uint64_t)x->dim[0], (uint64_t)x->dim[1]));
    }
    default:
        return 0;
    }
}

uint64_t ptm_node_macs(const struct ptm_graph *g, const struct ptm_node *n)
{
    const struct ptm_type *in[COST_IN];
    for (uint32_t i = 0; i < n->n_in && i < COST_IN; i++)
        in[i] = in_type(g, n, i);
    return op_macs(n->op, in, n->n_in, &g->value[n->out].type);
}

/* Elements of the window that each output of a pool looks at. */
static uint64_t window(enum ptm_op op, const struct ptm_attr *attr, uint32_t n_attr)
{
    uint64_t each = 1;
    if (op == OP_max_pool || op == OP_avg_pool)
        for (uint32_t i = 1; i < n_attr && (int64_t)i <= attr[0].u.i; i++)
            each = times(each, (uint64_t)attr[i].u.i);
    return each;
}

uint64_t ptm_node_flops(const struct ptm_graph *g, const struct ptm_node *n)
{
    const char *cls = ptm_op_info((enum ptm_op)n->op)->cls;
    uint64_t macs = ptm_node_macs(g, n);
    uint64_t out = (uint64_t)ptm_type_numel(&g->value[n->out].type), in = out;
    if (n->n_in && in_type(g, n, 0)->dtype != PTM_ABSENT)
        in = (uint64_t)ptm_type_numel(in_type(g, n, 0));
    if (macs)
        return times(2, macs);
    if (!strcmp(cls, "elementwise"))
        return out;
    if (!strcmp(cls, "reduce"))
        return in;
    if (!strcmp(cls, "softmax"))
        return times(5, in);
    if (!strcmp(cls, "norm"))
        return times(n->op == OP_batch_norm ? 2 : 5, in);
    if (n->op == OP_max_pool || n->op == OP_avg_pool)
        return times(out, window((enum ptm_op)n->op, g->attr + n->attr, n->n_attr));
    if (!strcmp(cls, "pool"))
        return in > out ? in : out;
    return 0;
}

/* `numel`: of all inputs together. */
static uint64_t op_work(enum ptm_op op, const struct ptm_type *const *in, uint32_t n_in,
                        uint64_t numel, const struct ptm_attr *attr, uint32_t n_attr,
                        const struct ptm_type *out)
{
    const struct ptm_op_info *info = ptm_op_info(op);
    uint64_t each = window(op, attr, n_attr);
    if (!strcmp(info->cls, "view"))
        return 0;
    for (int i = 0; i < info->n_out; i++)
        numel = plus(numel, times(each, (uint64_t)ptm_type_numel(&out[i])));
    return plus(numel, op_macs(op, in, n_in, out));
}

uint64_t ptm_node_work(const struct ptm_graph *g, const struct ptm_node *n)
{
    const struct ptm_type *first[COST_IN];
    struct ptm_type out[4];
    uint64_t numel = 0;
    for (uint32_t i = 0; i < n->n_in; i++) {
        const struct ptm_type *x = in_type(g, n, i);
        if (i < COST_IN)
            first[i] = x;
        if (x->dtype != PTM_ABSENT)
            numel = plus(numel, (uint64_t)ptm_type_numel(x));
    }
    for (uint32_t i = 0; i < n->n_out; i++)
        out[i] = g->value[n->out + i].type;
    return op_work(n->op, first, n->n_in, numel, g->attr + n->attr, n->n_attr, out);
}

uint64_t ptm_op_work(enum ptm_op op, const struct ptm_type *in, uint32_t n_in,
                     const struct ptm_attr *attr, uint32_t n_attr, const struct ptm_type *out)
{
    const struct ptm_type *first[COST_IN];
    uint64_t numel = 0;
    for (uint32_t i = 0; i < n_in; i++) {
        if (i < COST_IN)
            first[i] = &in[i];
        if (in[i].dtype != PTM_ABSENT)
            numel = plus(numel, (uint64_t)ptm_type_numel(&in[i]));
    }
    return op_work(op, first, n_in, numel, attr, n_attr, out);
}

static uint64_t type_bytes(const struct ptm_type *t)
{
    return times((uint64_t)ptm_type_numel(t), ptm_dtype_bytes(t->dtype));
}

uint64_t ptm_node_bytes(const struct ptm_graph *g, const struct ptm_node *n)
{
    uint64_t bytes = 0, written = 0;
    if (!strcmp(ptm_op_info(n->op)->cls, "view"))
        return 0;
    for (uint32_t i = 0; i < n->n_out; i++)
        written = plus(written, type_bytes(&g->value[n->out + i].type));
    /* those that pick elements read no more of input 0 than they write */
    bool picks = n->op == OP_gather || n->op == OP_index_select || n->op == OP_index ||
                 n->op == OP_embedding;
    for (uint32_t i = 0; i < n->n_in; i++) {
        bool again = g->operand[n->in + i] == PTM_NO_VALUE;
        for (uint32_t k = 0; k < i && !again; k++)
            again = g->operand[n->in + k] == g->operand[n->in + i];
        if (!again)
            bytes = plus(bytes, picks && i == 0 ? written : type_bytes(in_type(g, n, i)));
    }
    return plus(bytes, written);
}
