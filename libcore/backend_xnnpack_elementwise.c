/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XNNPACK nodes that keep shapes: elementwise, softmax, and padding with a constant.
 *
 * Elementwise operands are seen in the memory order of the result, with neighbouring dims joined
 * where all operands go on alike: most nodes become one long row.
 */
#include "libcore/backend.h"

#ifdef PTM_HAVE_XNNPACK

#include <math.h>

#include "libcore/backend_xnnpack.h"

static const int channels_last_order[] = {0, 2, 3, 1};

/* Which dims follow each other in memory, outermost first. */
static void memory_order(int rank, bool channels_last, int *order)
{
    for (int i = 0; i < rank; i++)
        order[i] = channels_last ? channels_last_order[i] : i;
}

/* -- two operands, broadcast -- */

struct space {
    int rank;
    int64_t out[PTM_MAX_RANK], in[2][PTM_MAX_RANK];
};

static int64_t aligned_dim(const struct ptm_type *t, int rank, int d)
{
    int i = d - (rank - t->rank);
    return i < 0 ? 1 : t->dim[i];
}

static void join_dims(const struct ptm_graph *g, const struct ptm_node *n, bool channels_last,
                      struct space *s)
{
    const struct ptm_type *out = &g->value[n->out].type;
    int order[PTM_MAX_RANK];
    memory_order(out->rank, channels_last, order);
    *s = (struct space){0};
    for (int i = 0; i < out->rank; i++) {
        int64_t size = out->dim[order[i]], in[2];
        bool alike = s->rank > 0;
        if (size == 1)
            continue;
        for (uint32_t k = 0; k < 2; k++) {
            in[k] = aligned_dim(ptm_xnn_type(g, n, k), out->rank, order[i]);
            alike = alike && (in[k] == 1) == (s->in[k][s->rank - 1] == 1);
        }
        int at = alike ? s->rank - 1 : s->rank++;
        s->out[at] = alike ? s->out[at] * size : size;
        for (int k = 0; k < 2; k++)
            s->in[k][at] = alike ? s->in[k][at] * in[k] : in[k];
    }
    if (!s->rank)
        s->out[0] = s->in[0][0] = s->in[1][0] = s->rank = 1;
}

/* Operands of fewer dims come row-major: is that the order of channels-last as well? */
static bool follows(const struct ptm_type *t)
{
    return aligned_dim(t, 4, 1) == 1 || (aligned_dim(t, 4, 2) == 1 && aligned_dim(t, 4, 3) == 1);
}

const char *ptm_xnn_claim_binary(const struct ptm_graph *g, const struct ptm_node *n,
                                 struct ptm_claim *claim)
{
    const struct ptm_type *out = &g->value[n->out].type;
    struct space s;
    claim->in_place = true;
    claim->layout = out->rank == 4 ? LAYOUT_SAME : LAYOUT_ROW_MAJOR;
    for (uint32_t i = 0; i < 2; i++)
        if (!ptm_xnn_is_const(g, n, i) && ptm_xnn_type(g, n, i)->rank < 4 && out->rank == 4 &&
            !follows(ptm_xnn_type(g, n, i)))
            claim->layout = LAYOUT_ROW_MAJOR;
    join_dims(g, n, false, &s);
    return s.rank > XNN_MAX_TENSOR_DIMS ? "broadcasting over more than 6 dimensions" : NULL;
}

const char *ptm_xnn_claim_add(const struct ptm_graph *g, const struct ptm_node *n,
                              struct ptm_claim *claim)
{
    const char *why = ptm_xnn_claim_bounds(g, n);
#ifdef PTM_XNN_2024
    if (!why && (isfinite(ptm_xnn_float(g, n, "min")) || isfinite(ptm_xnn_float(g, n, "max"))))
        return "a sum with bounds, two passes in XNNPACK of 2024";
#endif
    return why ? why : ptm_xnn_claim_binary(g, n, claim);
}

static uint32_t operand(struct ptm_xnn_build *b, uint32_t i, const struct space *s)
{
    const struct ptm_step_request *rq = b->rq;
    int rank = rq->out[0].rank, order[PTM_MAX_RANK];
    if (!ptm_xnn_is_const(rq->graph, rq->node, i))
        return ptm_xnn_input(b, i, s->rank, s->in[i]);
    struct ptm_nd x = rq->in[i], aligned = x;
    aligned.rank = (uint8_t)rank;
    for (int d = 0; d < rank; d++) {
        int k = d - (rank - x.rank);
        aligned.dim[d] = k < 0 ? 1 : x.dim[k];
        aligned.stride[d] = k < 0 ? 0 : x.stride[k];
    }
    memory_order(rank, ptm_xnn_channels_last(&rq->out[0]), order);
    const float *data = ptm_xnn_gather(b, &b->object->constants, &aligned, order);
    return data ? ptm_xnn_constant(b, s->rank, s->in[i], data) : XNN_INVALID_VALUE_ID;
}

void ptm_xnn_build_binary(struct ptm_xnn_build *b)
{
    const struct ptm_graph *g = b->rq->graph;
    const struct ptm_node *n = b->rq->node;
    const float lowest = -INFINITY, highest = INFINITY;
    struct space s;
    enum xnn_status st = xnn_status_success;
    join_dims(g, n, ptm_xnn_channels_last(&b->rq->out[0]), &s);
    uint32_t x = operand(b, 0, &s), y = operand(b, 1, &s), out = ptm_xnn_output(b, s.rank, s.out);
    if (!ptm_xnn_good(b))
        return;
    switch (n->op) {
    case OP_add:
        st = xnn_define_add2(b->subgraph, ptm_xnn_float(g, n, "min"), ptm_xnn_float(g, n, "max"),
                             x, y, out, 0);
        break;
    case OP_sub:
        st = xnn_define_subtract(b->subgraph, lowest, highest, x, y, out, 0);
        break;
    case OP_mul:
        st = xnn_define_multiply2(b->subgraph, lowest, highest, x, y, out, 0);
        break;
    case OP_div:
        st = xnn_define_divide(b->subgraph, lowest, highest, x, y, out, 0);
        break;
    }
    ptm_xnn_latch(b, st);
}

/* -- one operand -- */

const char *ptm_xnn_claim_unary(const struct ptm_graph *g, const struct ptm_node *n,
                                struct ptm_claim *claim)
{
    (void)g, (void)n;
    claim->layout = LAYOUT_SAME;
    claim->in_place = true;
    return NULL;
}

const char *ptm_xnn_claim_clamp(const struct ptm_graph *g, const struct ptm_node *n,
                                struct ptm_claim *claim)
{
    claim->layout = LAYOUT_SAME;
    claim->in_place = true;
    return ptm_xnn_claim_bounds(g, n);
}

const char *ptm_xnn_claim_leaky_relu(const struct ptm_graph *g, const struct ptm_node *n,
                                     struct ptm_claim *claim)
{
    claim->layout = LAYOUT_SAME;
    claim->in_place = true;
    return isfinite(ptm_xnn_float(g, n, "slope")) ? NULL : "an infinite slope";
}

const char *ptm_xnn_claim_elu(const struct ptm_graph *g, const struct ptm_node *n,
                              struct ptm_claim *claim)
{
    float alpha = ptm_xnn_float(g, n, "alpha");
    claim->layout = LAYOUT_SAME;
    claim->in_place = true;
    if (!isnormal(alpha) || alpha < 0)
        return "an alpha that is not positive";
    if (ptm_node_attr(g, n, "scale")->u.f != 1 || ptm_node_attr(g, n, "input_scale")->u.f != 1)
        return "elu with scales";
    return NULL;
}

#ifdef PTM_XNN_2024
const char *ptm_xnn_claim_gelu(const struct ptm_graph *g, const struct ptm_node *n,
                               struct ptm_claim *claim)
{
    claim->layout = LAYOUT_SAME;
    claim->in_place = true;
    return ptm_xnn_int(g, n, "tanh") ? "the tanh approximation of gelu" : NULL;
}
#endif

void ptm_xnn_build_unary(struct ptm_xnn_build *b)
{
    const struct ptm_graph *g = b->rq->graph;
    const struct ptm_node *n = b->rq->node;
    int64_t size = ptm_type_numel(&g->value[n->out].type);
    uint32_t x = ptm_xnn_input(b, 0, 1, &size), y = ptm_xnn_output(b, 1, &size);
    xnn_subgraph_t s = b->subgraph;
    enum xnn_status st = xnn_status_success;
    if (!ptm_xnn_good(b))
        return;
    switch (n->op) {
    case OP_neg:
        st = xnn_define_negate(s, x, y, 0);
        break;
    case OP_abs:
        st = xnn_define_abs(s, x, y, 0);
        break;
    case OP_floor:
        st = xnn_define_floor(s, x, y, 0);
        break;
    case OP_ceil:
        st = xnn_define_ceiling(s, x, y, 0);
        break;
    case OP_round:
        st = xnn_define_bankers_rounding(s, x, y, 0);
        break;
    case OP_sqrt:
        st = xnn_define_square_root(s, x, y, 0);
        break;
    case OP_sigmoid:
        st = xnn_define_sigmoid(s, x, y, 0);
        break;
    case OP_relu:
        st = xnn_define_clamp(s, 0, INFINITY, x, y, 0);
        break;
    case OP_clamp:
        st = xnn_define_clamp(s, ptm_xnn_float(g, n, "min"), ptm_xnn_float(g, n, "max"), x, y, 0);
        break;
    case OP_hardswish:
        st = xnn_define_hardswish(s, x, y, 0);
        break;
    case OP_elu:
        st = xnn_define_elu(s, ptm_xnn_float(g, n, "alpha"), x, y, 0);
        break;
    case OP_leaky_relu:
        st = xnn_define_leaky_relu(s, ptm_xnn_float(g, n, "slope"), x, y, 0);
        break;
#ifdef PTM_XNN_2024
    case OP_tanh:
        st = xnn_define_tanh(s, x, y, 0);
        break;
    case OP_log:
        st = xnn_define_log(s, x, y, 0);
        break;
    case OP_rsqrt:
        st = xnn_define_reciprocal_square_root(s, x, y, 0);
        break;
    case OP_gelu:
        st = xnn_define_gelu(s, x, y, 0);
        break;
#endif
    }
    ptm_xnn_latch(b, st);
}

/* -- rows of channels -- */

const char *ptm_xnn_claim_prelu(const struct ptm_graph *g, const struct ptm_node *n,
                                struct ptm_claim *claim)
{
    const struct ptm_type *out = &g->value[n->out].type, *x = ptm_xnn_type(g, n, 0);
    const struct ptm_type *slope = ptm_xnn_type(g, n, 1);
    int channel = out->rank == 4 ? 1 : out->rank - 1;
    if (!ptm_xnn_is_const(g, n, 1) || !ptm_type_equal(x, out))
        return "slopes that are no constants";
    for (int d = 0; d < out->rank; d++)
        if (d != channel && aligned_dim(slope, out->rank, d) != 1)
            return "slopes other than one per channel";
    claim->layout = LAYOUT_CHANNELS_LAST;
    return out->rank ? NULL : "no channels";
}

void ptm_xnn_build_prelu(struct ptm_xnn_build *b)
{
    const struct ptm_nd *x = &b->rq->in[0], *slope = &b->rq->in[1];
    int64_t c = x->dim[x->rank == 4 ? 1 : x->rank - 1];
    int64_t dim[] = {ptm_type_numel(ptm_xnn_type(b->rq->graph, b->rq->node, 0)) / c, c};
    int order[PTM_MAX_RANK];
    memory_order(slope->rank, false, order);
    const float *data = ptm_xnn_gather(b, &b->object->constants, slope, order);
    float *each = ptm_xnn_floats(b, &b->object->constants, (size_t)c);
    if (!data || !each)
        return;
    bool one = ptm_type_numel(ptm_xnn_type(b->rq->graph, b->rq->node, 1)) == 1;
    for (int64_t i = 0; i < c; i++)
        each[i] = data[one ? 0 : i];
    uint32_t in = ptm_xnn_input(b, 0, 2, dim), out = ptm_xnn_output(b, 2, dim);
    uint32_t slopes = ptm_xnn_constant(b, 1, &c, each);
    if (ptm_xnn_good(b))
        ptm_xnn_latch(b, xnn_define_prelu(b->subgraph, in, slopes, out, 0));
}

#ifdef PTM_XNN_2024
const char *ptm_xnn_claim_softmax(const struct ptm_graph *g, const struct ptm_node *n,
                                  struct ptm_claim *claim)
{
    const struct ptm_type *x = ptm_xnn_type(g, n, 0);
    int64_t dim = ptm_xnn_int(g, n, "dim");
    if (x->rank == 4 && dim == 1) {
        claim->layout = LAYOUT_CHANNELS_LAST;
        return NULL;
    }
    claim->layout = LAYOUT_ROW_MAJOR;
    return x->rank && dim == x->rank - 1 ? NULL : "softmax over a dim that is not the last";
}

void ptm_xnn_build_softmax(struct ptm_xnn_build *b)
{
    const struct ptm_type *x = ptm_xnn_type(b->rq->graph, b->rq->node, 0);
    int64_t c = x->dim[ptm_xnn_int(b->rq->graph, b->rq->node, "dim")];
    int64_t dim[] = {ptm_type_numel(x) / c, c};
    uint32_t in = ptm_xnn_input(b, 0, 2, dim), out = ptm_xnn_output(b, 2, dim);
    if (ptm_xnn_good(b))
        ptm_xnn_latch(b, xnn_define_softmax(b->subgraph, in, out, 0));
}
#endif

/* -- padding -- */

const char *ptm_xnn_claim_pad(const struct ptm_graph *g, const struct ptm_node *n,
                              struct ptm_claim *claim)
{
    int rank = ptm_xnn_type(g, n, 0)->rank;
    if (ptm_xnn_int(g, n, "mode"))
        return "padding with other than a constant";
    if (rank < 1 || rank > XNN_MAX_TENSOR_DIMS)
        return "padding of rank 0 or above 6";
    for (int d = 0; d < rank; d++)
        if (ptm_xnn_item(g, n, "before", d) < 0 || ptm_xnn_item(g, n, "after", d) < 0)
            return "padding that cuts";
    claim->layout = LAYOUT_SAME;
    return NULL;
}

void ptm_xnn_build_pad(struct ptm_xnn_build *b)
{
    const struct ptm_graph *g = b->rq->graph;
    const struct ptm_node *n = b->rq->node;
    const struct ptm_nd *x = &b->rq->in[0], *y = &b->rq->out[0];
    int64_t x_dim[PTM_MAX_RANK], y_dim[PTM_MAX_RANK];
    size_t before[PTM_MAX_RANK], after[PTM_MAX_RANK];
    int order[PTM_MAX_RANK];
    memory_order(x->rank, ptm_xnn_channels_last(y), order);
    for (int i = 0; i < x->rank; i++) {
        x_dim[i] = x->dim[order[i]];
        y_dim[i] = y->dim[order[i]];
        before[i] = (size_t)ptm_xnn_item(g, n, "before", order[i]);
        after[i] = (size_t)ptm_xnn_item(g, n, "after", order[i]);
    }
    uint32_t in = ptm_xnn_input(b, 0, x->rank, x_dim), out = ptm_xnn_output(b, x->rank, y_dim);
    if (ptm_xnn_good(b))
        ptm_xnn_latch(b, xnn_define_static_constant_pad(b->subgraph, before, after,
                                                        ptm_xnn_float(g, n, "value"), in, out, 0));
}

#endif
