/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * State that is written where it lies.
 *
 * A piece that writes one row of a large buffer returns the buffer with that row replaced: a whole
 * copy of it, and the session copies that back into the state when the call returns. Where nothing
 * reads the old contents any more, the caller gives the state itself as the output's memory; the
 * step then only writes its row. A call that fails later must leave the state as it was, so the
 * bytes that the row had are saved before and put back then. That costs what is written, not what
 * the buffer holds: another buffer to swap with would still have to be brought up to date.
 */
#include "libcore/plan_make.h"

#include <string.h>

#include "libcore/walk.h"

/* -- planning -- */

static bool writes_a_part(const struct ptm_node *n)
{
    return n->op == OP_slice_scatter || n->op == OP_as_strided_scatter;
}

/* Does something read the argument in step `from` or later, other than as first operand of `not`? */
static bool read_from(const struct ptm_plan *plan, uint32_t arg, size_t from, uint32_t not)
{
    const struct ptm_graph *g = plan->graph;
    for (size_t i = from; i < plan->n_steps; i++) {
        const struct ptm_plan_step *s = &plan->step[i];
        const struct ptm_node *n = s->node == PTM_NO_VALUE ? NULL : &g->node[s->node];
        for (uint32_t k = 0; k < (n ? n->n_in : 1); k++) {
            uint32_t at = n ? plan->operand[n->in + k] : s->from;
            if (at != PTM_NO_VALUE && plan->place[at].root == R_ARG && plan->place[at].ref == arg &&
                !(k == 0 && s->node == not))
                return true;
        }
    }
    for (size_t i = 0; i < g->n_outputs; i++) {
        const struct ptm_place *p = &plan->place[g->output[i]];
        if (p->root == R_ARG && p->ref == arg)
            return true;
    }
    return false;
}

static uint32_t find_donor(const struct ptm_plan *plan, uint32_t output)
{
    const struct ptm_graph *g = plan->graph;
    uint32_t v = g->output[output];
    while (plan->place[v].view)
        v = g->operand[g->node[g->value[v].ref].in];
    if (plan->place[v].root != R_OUT || plan->place[v].ref != output)
        return PTM_NO_VALUE;
    uint32_t node = g->value[v].ref, x = plan->operand[g->node[node].in];
    if (!writes_a_part(&g->node[node]) || x >= g->n_values || plan->place[x].root != R_ARG)
        return PTM_NO_VALUE;
    uint32_t arg = plan->place[x].ref;
    const struct ptm_type *t = &g->value[v].type, *from = &g->value[g->input[arg]].type;
    if (!ptm_type_numel(t) || ptm_type_numel(t) != ptm_type_numel(from) ||
        t->dtype != from->dtype || plan->place[x].offset ||
        !ptm_lies_dense(&g->value[x].type, plan->place[x].stride, false))
        return PTM_NO_VALUE;
    for (uint32_t q = 0; q < g->n_values; q++) /* nothing else is written to this buffer */
        if (q != v && plan->place[q].root == R_OUT && plan->place[q].ref == output &&
            !plan->place[q].view)
            return PTM_NO_VALUE;
    size_t step = 0;
    while (plan->step[step].node != node)
        step++;
    return read_from(plan, arg, step, node) ? PTM_NO_VALUE : arg;
}

bool ptm_plan_donors(struct ptm_plan *plan, struct ptm_arena *arena)
{
    size_t n = plan->graph->n_outputs;
    plan->donor = ptm_arena_array(arena, n + 1, sizeof(*plan->donor));
    for (uint32_t i = 0; i < n && plan->donor; i++)
        plan->donor[i] = plan->args_row_major ? find_donor(plan, i) : PTM_NO_VALUE;
    return plan->donor;
}

size_t ptm_plan_donated_bytes(const struct ptm_plan *plan, uint32_t output)
{
    const struct ptm_graph *g = plan->graph;
    uint32_t v = g->output[output];
    while (plan->place[v].view)
        v = g->operand[g->node[g->value[v].ref].in];
    const struct ptm_type *t = &g->value[g->operand[g->node[g->value[v].ref].in + 1]].type;
    return (size_t)ptm_type_numel(t) * ptm_dtype_bytes(t->dtype);
}

/* -- running -- */

bool ptm_exec_room_to_undo(struct ptm_exec *x, size_t n, size_t bytes)
{
    if (n > x->cap_undo) {
        struct ptm_undo *p = ptm_realloc(x->undo, x->cap_undo * sizeof(*p), n * sizeof(*p));
        if (!p)
            return false;
        x->undo = p;
        x->cap_undo = n;
    }
    if (bytes > x->saved_bytes) {
        char *p = ptm_realloc(x->saved, x->saved_bytes, bytes);
        if (!p)
            return false;
        x->saved = p;
        x->saved_bytes = bytes;
    }
    return true;
}

/* The saved bytes of a part, densely. */
static struct ptm_nd saved_nd(const struct ptm_exec *x, const struct ptm_undo *u)
{
    struct ptm_nd nd = u->part;
    nd.data = x->saved + u->at;
    ptm_strides_contiguous(nd.rank, nd.dim, nd.stride);
    return nd;
}

bool ptm_exec_save(struct ptm_exec *x, const struct ptm_node *n, const struct ptm_ref_call *c)
{
    struct ptm_undo u = {.part = c->out[0], .at = x->saved_used};
    struct ptm_nd *part = &u.part;
    int64_t start;
    if (!writes_a_part(n) || c->in[0].data != c->out[0].data)
        return true;
    if (n->op == OP_slice_scatter) {
        int64_t d = c->attr[0].i;
        start = c->attr[1].i * part->stride[d];
        part->stride[d] *= c->attr[2].i;
        part->dim[d] = c->in[1].dim[d];
    } else {
        part->rank = c->in[1].rank;
        memcpy(part->dim, c->in[1].dim, sizeof(part->dim));
        for (int d = 0; d < part->rank; d++)
            part->stride[d] = c->attr[1 + d].i;
        start = c->attr[1 + part->rank].i;
    }
    size_t size = ptm_dtype_bytes(part->dtype), elements = 1;
    for (int d = 0; d < part->rank; d++)
        elements *= (size_t)part->dim[d];
    if (!elements)
        return true;
    if (x->n_undo == x->cap_undo || elements * size > x->saved_bytes - x->saved_used)
        return false;
    part->data = (char *)part->data + start * (int64_t)size;
    struct ptm_nd to = saved_nd(x, &u);
    ptm_copy_nd(part, &to);
    x->saved_used += elements * size;
    x->undo[x->n_undo++] = u;
    return true;
}

void ptm_exec_undo(struct ptm_exec *x)
{
    while (x->n_undo) {
        const struct ptm_undo *u = &x->undo[--x->n_undo];
        struct ptm_nd from = saved_nd(x, u);
        ptm_copy_nd(&from, &u->part);
    }
    x->saved_used = 0;
}

void ptm_exec_done(struct ptm_exec *x)
{
    x->n_undo = x->saved_used = 0;
}
