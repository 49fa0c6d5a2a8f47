/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks a plan from the graph and the places alone. */
#include "libcore/plan.h"

#include <stdlib.h>

#include "libcore/infer.h"

struct range {
    uint32_t base;        /* the value whose storage it lies in */
    uint32_t over;        /* the value whose bytes it takes, or PTM_NO_VALUE */
    uint32_t first, last; /* steps */
    uint64_t begin, end;  /* bytes of the arena */
};

/* Furthest elements that a place reaches; the plan's strides are never negative. */
static int64_t extent(const struct ptm_type *t, const int64_t *stride)
{
    int64_t last = 0;
    for (int i = 0; i < t->rank; i++) {
        if (t->dim[i] == 0)
            return 0;
        last += (t->dim[i] - 1) * stride[i];
    }
    return last + 1;
}

static enum ptm_status check_place(const struct ptm_plan *plan, uint32_t v, struct range *range,
                                   struct ptm_err *err)
{
    struct range *r = &range[v];
    const struct ptm_graph *g = plan->graph;
    const struct ptm_place *p = &plan->place[v];
    bool copy = v >= g->n_values;
    uint8_t kind = copy ? V_NODE : g->value[v].kind;
    const struct ptm_type *t = &g->value[ptm_plan_value(plan, v)].type;
    const struct ptm_node *n = p->view && !copy ? &g->node[g->value[v].ref] : NULL;
    int64_t size = (int64_t)ptm_dtype_bytes(t->dtype);
    if (p->root > R_SCALAR || (p->view && (copy || kind != V_NODE)))
        return ptm_fail(err, PTM_ERR_FORMAT, "value %u has root %d", v, p->root);
    if (!p->view && (kind == V_NODE) != (p->root == R_ARENA || p->root == R_OUT))
        return ptm_fail(err, PTM_ERR_FORMAT, "value %u of kind %d has root %d", v, kind, p->root);
    r->base = v;
    r->first = UINT32_MAX;
    r->over = p->over == PTM_NO_VALUE ? p->over : range[p->over].base;
    if (n) {
        const struct ptm_place *in = &plan->place[g->operand[n->in]];
        if (in->root != p->root || in->ref != p->ref)
            return ptm_fail(err, PTM_ERR_FORMAT, "value %u is a view in root %d, its input in %d",
                            v, p->root, in->root);
        r->base = range[g->operand[n->in]].base;
    }
    if (p->root == R_OUT && p->ref >= g->n_outputs)
        return ptm_fail(err, PTM_ERR_FORMAT, "value %u is in output %u of %zu", v, p->ref,
                        g->n_outputs);
    bool part = p->part_of != PTM_NO_VALUE;
    if (part) {
        const struct ptm_place *whole = p->part_of < g->n_values ? &plan->place[p->part_of] : p;
        if (whole->root != p->root || whole->ref != p->ref || whole->view || p->view ||
            whole->part_of != PTM_NO_VALUE)
            return ptm_fail(err, PTM_ERR_FORMAT, "value %u is a part of value %u", v, p->part_of);
        r->base = p->part_of;
    }
    if (p->root != R_ARENA)
        return PTM_OK;
    r->begin = (uint64_t)p->offset;
    r->end = r->begin + (uint64_t)(extent(t, p->stride) * size);
    if (p->offset < 0 || r->end > plan->arena_bytes || (!p->view && !part && p->offset % 64))
        return ptm_fail(err, PTM_ERR_FORMAT, "value %u is at bytes %lld to %llu of %zu", v,
                        (long long)p->offset, (unsigned long long)r->end, plan->arena_bytes);
    return PTM_OK;
}

/* Views and parts end inside what they are a view or a part of. */
static enum ptm_status check_bounds(const struct ptm_plan *plan, uint32_t v,
                                    const struct range *range, struct ptm_err *err)
{
    const struct range *r = &range[v], *base = &range[r->base];
    if (plan->place[v].root == R_ARENA && r->end > r->begin &&
        (r->begin < base->begin || r->end > base->end))
        return ptm_fail(err, PTM_ERR_FORMAT, "value %u is at bytes %llu to %llu, its storage at "
                                             "%llu to %llu", v, (unsigned long long)r->begin,
                        (unsigned long long)r->end, (unsigned long long)base->begin,
                        (unsigned long long)base->end);
    return PTM_OK;
}

static enum ptm_status check_steps(const struct ptm_plan *plan, struct range *range,
                                   struct ptm_err *err)
{
    const struct ptm_graph *g = plan->graph;
    uint32_t node = 0; /* the next that must have a step */
    for (size_t at = 0; at < plan->n_steps; at++) {
        const struct ptm_plan_step *s = &plan->step[at];
        if (s->node == PTM_NO_VALUE) {
            if (s->to < g->n_values || s->to >= plan->n_places || s->from >= g->n_values)
                return ptm_fail(err, PTM_ERR_FORMAT, "step %zu copies place %u to %u", at, s->from,
                                s->to);
            range[range[s->from].base].last = (uint32_t)at;
            range[s->to].first = range[s->to].last = (uint32_t)at;
            continue;
        }
        while (node < g->n_nodes && plan->place[g->node[node].out].view)
            node++;
        if (s->node != node || !(s->fn || s->object))
            return ptm_fail(err, PTM_ERR_FORMAT, "step %zu runs node %u, not %u", at, s->node,
                            node);
        const struct ptm_node *n = &g->node[node++];
        for (uint32_t k = 0; k < n->n_out; k++) {
            struct range *r = &range[range[n->out + k].base];
            r->first = (uint32_t)at < r->first ? (uint32_t)at : r->first;
            r->last = (uint32_t)at;
        }
        for (uint32_t k = 0; k < n->n_in; k++)
            if (plan->operand[n->in + k] != PTM_NO_VALUE)
                range[range[plan->operand[n->in + k]].base].last = (uint32_t)at;
    }
    while (node < g->n_nodes && plan->place[g->node[node].out].view)
        node++;
    if (node != g->n_nodes)
        return ptm_fail(err, PTM_ERR_FORMAT, "node %u of %zu has no step", node, g->n_nodes);
    for (size_t i = 0; i < g->n_outputs; i++)
        if (plan->place[g->output[i]].root == R_ARENA)
            range[range[g->output[i]].base].last = UINT32_MAX;
    return PTM_OK;
}

static int by_first(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

/* Every two storages that live at one time are apart. */
static enum ptm_status check_overlap(const struct ptm_plan *plan, struct range *range,
                                     struct ptm_err *err)
{
    size_t n = 0;
    for (uint32_t v = 0; v < plan->n_places; v++)
        if (plan->place[v].root == R_ARENA && range[v].base == v && range[v].end > range[v].begin)
            range[n++] = range[v];
    if (n > 1)
        qsort(range, n, sizeof(*range), by_first);
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n && range[k].first <= range[i].last; k++)
            if (range[i].begin < range[k].end && range[k].begin < range[i].end &&
                !(range[k].over == range[i].base && range[i].last == range[k].first))
                return ptm_fail(err, PTM_ERR_FORMAT,
                                "values %u and %u share bytes from %llu at step %u", range[i].base,
                                range[k].base, (unsigned long long)range[k].begin, range[k].first);
    return PTM_OK;
}

static enum ptm_status check_outputs(const struct ptm_plan *plan, struct ptm_err *err)
{
    const struct ptm_graph *g = plan->graph;
    size_t n_copies = 0;
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        const struct ptm_place *p = &plan->place[g->output[i]];
        bool copied = n_copies < plan->n_copies && plan->copy_out[n_copies] == i;
        n_copies += copied;
        int64_t row_major[PTM_MAX_RANK];
        const struct ptm_type *t = &g->value[g->output[i]].type;
        ptm_strides_contiguous(t->rank, t->dim, row_major);
        bool dense = p->root == R_ARENA || (p->root == R_OUT && p->ref == i && p->offset == 0);
        for (int k = 0; k < t->rank && dense; k++)
            dense = t->dim[k] == 1 || p->stride[k] == row_major[k];
        /* a row-major result would have been written to its buffer */
        if (copied ? dense && p->root == R_ARENA && !p->view : !(dense && p->root == R_OUT))
            return ptm_fail(err, PTM_ERR_FORMAT, "output %u is in root %d and %s", i, p->root,
                            copied ? "copied" : "not copied");
    }
    return n_copies == plan->n_copies
               ? PTM_OK
               : ptm_fail(err, PTM_ERR_FORMAT, "%zu outputs are copied, %zu listed", n_copies,
                          plan->n_copies);
}

enum ptm_status ptm_plan_verify(const struct ptm_plan *plan, struct ptm_err *err)
{
    struct range *range = ptm_malloc((plan->n_places + 1) * sizeof(*range));
    if (!range)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory to check %zu places",
                        plan->graph->n_values);
    enum ptm_status s = PTM_OK;
    for (uint32_t v = 0; v < plan->n_places && !s; v++)
        s = check_place(plan, v, range, err);
    for (uint32_t v = 0; v < plan->n_places && !s; v++)
        s = check_bounds(plan, v, range, err);
    if (!s)
        s = check_steps(plan, range, err);
    if (!s)
        s = check_overlap(plan, range, err);
    if (!s)
        s = check_outputs(plan, err);
    ptm_free(range);
    return s;
}
