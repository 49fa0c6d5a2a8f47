/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ending a piece, and reading data while specialising.
 *
 * A piece that ends keeps only what its live storages need; those become bound to its outputs, in
 * memory order. Once the program has read tensor data, every piece runs when it ends.
 */
#include <string.h>

#include "libcore/clock.h"
#include "libcore/session.h"

enum {
    CUT_LOOP = 2000, /* nodes after which a loop's back edge ends the piece */
    CUT_ANY = 8000,
};

/* -- ending a piece -- */

struct cut {
    struct ptm_graph g; /* the piece with only what is live */
    uint32_t *map;      /* old value -> new, or PTM_NO_VALUE */
    bool *needed;       /* per node */
    uint32_t *arg, *scalar;
};

static void mark_needed(const struct ptm_graph *g, bool *needed, const uint32_t *out, size_t n_out)
{
    for (size_t i = 0; i < n_out; i++)
        if (g->value[out[i]].kind == V_NODE)
            needed[g->value[out[i]].ref] = true;
    for (size_t i = g->n_nodes; i-- > 0;) {
        if (!needed[i])
            continue;
        const struct ptm_node *n = &g->node[i];
        for (uint32_t k = 0; k < n->n_in; k++) {
            uint32_t v = g->operand[n->in + k];
            if (v != PTM_NO_VALUE && g->value[v].kind == V_NODE)
                needed[g->value[v].ref] = true;
        }
    }
}

static uint32_t copy_value(struct ptm_trace *t, struct cut *c, uint32_t v)
{
    const struct ptm_graph *g = &t->graph;
    const struct ptm_value *val = &g->value[v];
    if (c->map[v] != PTM_NO_VALUE)
        return c->map[v];
    if (val->kind == V_ARG) {
        c->map[v] = ptm_graph_arg(&c->g, &val->type);
        c->arg[c->g.n_inputs - 1] = t->arg_binding[val->ref];
    } else if (val->kind == V_CONST) {
        c->map[v] = ptm_graph_const(&c->g, &val->type, &g->constant[val->ref]);
    } else if (val->kind == V_SCALAR) {
        c->map[v] = ptm_graph_scalar(&c->g, val->type.dtype == PTM_F64);
        c->scalar[c->g.n_scalars - 1] = t->scalar_number[val->ref];
    }
    return c->map[v];
}

static void copy_nodes(struct ptm_trace *t, struct cut *c)
{
    const struct ptm_graph *g = &t->graph;
    uint32_t in_small[16];
    struct ptm_attr attr_small[64];
    for (size_t i = 0; i < g->n_nodes; i++) {
        const struct ptm_node *n = &g->node[i];
        if (!c->needed[i])
            continue;
        uint32_t *in = in_small;
        struct ptm_attr *attr = attr_small;
        if (n->n_in > PTM_LEN(in_small))
            in = ptm_arena_array(&t->arena, n->n_in, sizeof(*in));
        if (n->n_attr > PTM_LEN(attr_small))
            attr = ptm_arena_array(&t->arena, n->n_attr, sizeof(*attr));
        if (!in || !attr)
            return;
        for (uint32_t k = 0; k < n->n_in; k++) {
            uint32_t v = g->operand[n->in + k];
            in[k] = v == PTM_NO_VALUE ? v : copy_value(t, c, v);
        }
        for (uint32_t k = 0; k < n->n_attr; k++) {
            attr[k] = g->attr[n->attr + k];
            if (attr[k].kind == A_SYM)
                attr[k].u.value = copy_value(t, c, attr[k].u.value);
        }
        struct ptm_type type[4];
        for (uint32_t k = 0; k < n->n_out; k++)
            type[k] = g->value[n->out + k].type;
        uint32_t v = ptm_graph_node(&c->g, n->op, in, n->n_in, attr, n->n_attr, type,
                                    n->n_site ? &g->site[n->site] : NULL);
        for (uint32_t k = 0; k < n->n_out && v != PTM_NO_VALUE; k++)
            c->map[n->out + k] = v + k;
    }
}

static bool add_step(struct ptm_trace *t, struct ptm_piece *piece, const uint32_t *arg,
                     size_t n_arg, const uint32_t *scalar, size_t n_scalar)
{
    struct ptm_entry *e = t->entry;
    void *p = e->step, *b = e->binding;
    size_t n_out = piece->graph.n_outputs;
    if (!ptm_arena_grow(&e->arena, &p, &e->cap_steps, e->n_steps + 1, sizeof(*e->step)) ||
        !ptm_arena_grow(&e->arena, &b, &e->cap_bindings, e->n_bindings + n_out,
                        sizeof(*e->binding)))
        return false;
    e->step = p;
    e->binding = b;
    struct ptm_entry_step *s = &e->step[e->n_steps++];
    s->piece = piece;
    s->arg = ptm_arena_copy(&e->arena, arg, n_arg * sizeof(*arg));
    s->scalar = ptm_arena_copy(&e->arena, scalar, n_scalar * sizeof(*scalar));
    s->first_out = (uint32_t)e->n_bindings;
    for (size_t i = 0; i < n_out; i++)
        e->binding[e->n_bindings++] =
            (struct ptm_binding){.type = piece->graph.value[piece->graph.output[i]].type};
    piece->users++;
    return s->arg && s->scalar;
}

/* Buffers of earlier pieces that nothing can reach any more. */
static void drop_dead_buffers(struct ptm_trace *t)
{
    struct ptm_frame *f = t->frame;
    bool *used = ptm_arena_array(&t->arena, f->n_bound + 1, sizeof(*used));
    if (!used)
        return;
    for (struct ptm_trace_storage *ts = t->storages; ts; ts = ts->next)
        if (ts->live && ts->state == ST_BOUND)
            used[ts->binding] = true;
    for (size_t i = 0; i < f->n_bound; i++)
        if (!used[i] && !t->entry->binding[i].from_guard) {
            ptm_storage_drop(f->bound[i].storage);
            f->bound[i].storage = NULL;
        }
}

void ptm_trace_run(struct ptm_trace *t)
{
    struct ptm_err err = {0};
    int64_t start = ptm_clock_ns();
    ptm_event_ends(t->session->exec.events, PTM_EVENT_PROGRAM, 0);
    if (!t->err.code && (ptm_frame_scalars(t->frame, t->entry, &err) ||
                         ptm_frame_run(t->frame, t->entry, &err)))
        ptm_fail(&t->err, err.code, "%s", err.msg);
    t->run_ns += ptm_clock_ns() - start;
}

void ptm_trace_cut(struct ptm_trace *t)
{
    if (t->err.code)
        return;
    for (struct ptm_trace_storage *ts = t->storages; ts; ts = ts->next)
        ts->live = ts->born >= t->op_born;
    ptm_shadow_mark(t);
    size_t n_out = 0, k = 0;
    for (struct ptm_trace_storage *ts = t->storages; ts; ts = ts->next)
        n_out += ts->live && ts->state == ST_LAZY;
    if (n_out) {
        uint32_t *out = ptm_arena_array(&t->arena, n_out, sizeof(*out));
        struct ptm_trace_storage **owner = ptm_arena_array(&t->arena, n_out, sizeof(*owner));
        if (!out || !owner) {
            ptm_trace_no_memory(t);
            return;
        }
        /* each output is the storage's memory in its own order */
        for (struct ptm_trace_storage *ts = t->storages; ts; ts = ts->next) {
            if (!ts->live || ts->state != ST_LAZY)
                continue;
            int64_t perm[PTM_MAX_RANK];
            ptm_memory_order(ts->rank, ts->dim, ts->stride, perm);
            owner[k] = ts;
            out[k] = ptm_trace_permuted(t, ts->value, ts->rank, perm);
            if (out[k++] == PTM_NO_VALUE)
                return;
        }
        struct cut c = {.map = ptm_arena_array(&t->arena, t->graph.n_values, sizeof(*c.map)),
                        .needed = ptm_arena_array(&t->arena, t->graph.n_nodes + 1, 1),
                        .arg = ptm_arena_array(&t->arena, t->graph.n_inputs + 1, sizeof(*c.arg)),
                        .scalar = ptm_arena_array(&t->arena, t->graph.n_scalars + 1,
                                                  sizeof(*c.scalar))};
        if (!c.map || !c.needed || !c.arg || !c.scalar) {
            ptm_trace_no_memory(t);
            return;
        }
        memset(c.map, 0xff, t->graph.n_values * sizeof(*c.map));
        ptm_graph_init(&c.g, &t->graph_arena);
        mark_needed(&t->graph, c.needed, out, n_out);
        copy_nodes(t, &c);
        for (k = 0; k < n_out; k++)
            ptm_graph_output(&c.g, copy_value(t, &c, out[k]));
        if (t->graph_arena.failed || t->arena.failed) {
            ptm_trace_no_memory(t);
            return;
        }
        struct ptm_err err = {0};
        struct ptm_piece *piece = ptm_piece_find(t->session, &c.g, &t->graph_arena, &err);
        if (!piece) {
            ptm_fail(&t->err, err.code, "%s", err.msg);
            return;
        }
        uint32_t first = (uint32_t)t->entry->n_bindings;
        if (!add_step(t, piece, c.arg, c.g.n_inputs, c.scalar, c.g.n_scalars)) {
            ptm_trace_no_memory(t);
            return;
        }
        for (k = 0; k < n_out; k++) {
            struct ptm_trace_storage *ts = owner[k];
            const struct ptm_type *type = &t->entry->binding[first + k].type;
            ts->state = ST_BOUND;
            ts->binding = first + (uint32_t)k;
            /* the base is now what lies in memory: row-major */
            ts->rank = type->rank;
            memcpy(ts->dim, type->dim, sizeof(ts->dim));
            ptm_strides_contiguous(ts->rank, ts->dim, ts->stride);
        }
    }
    /* lazy storages that were not live are unreachable from here on */
    struct ptm_trace_storage **at = &t->storages;
    while (*at)
        if ((*at)->live)
            at = &(*at)->next;
        else
            *at = (*at)->next;
    ptm_arena_release(&t->graph_arena);
    ptm_graph_init(&t->graph, &t->graph_arena);
    t->epoch++;
    if (t->interpreted) {
        ptm_trace_run(t);
        if (!t->err.code)
            drop_dead_buffers(t);
    }
}

void ptm_trace_maybe_cut(struct ptm_trace *t, bool back_edge)
{
    if (t->graph.n_nodes > (back_edge ? CUT_LOOP : CUT_ANY)) {
        t->op_born = t->n_ops + 1; /* between operators: only what is reachable lives */
        ptm_trace_cut(t);
    }
}

/* -- reading data -- */

bool ptm_read(struct ptm_trace *t, struct ptm_tensor *x, struct ptm_nd *out)
{
    if (t->err.code)
        return false;
    if (!x) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "a tensor was expected, None was given");
        return false;
    }
    struct ptm_trace_storage *ts = x->storage->trace;
    if (ts->state != ST_KNOWN) {
        if (!t->interpreted) {
            t->interpreted = true;
            t->keep = false;
            ptm_trace_run(t);
        }
        if (ts->state == ST_LAZY) {
            ts->born = t->n_ops; /* live, whoever holds it */
            if (t->op_born > ts->born)
                t->op_born = ts->born;
            ptm_trace_cut(t);
        }
        if (t->err.code)
            return false;
        const struct ptm_bound *b = &t->frame->bound[ts->binding];
        *out = ptm_tensor_nd(x);
        int64_t offset = x->offset;
        if (x->offset_sym)
            offset += ptm_sym_now(t, x->offset_sym).i;
        out->data = (char *)b->nd.data + offset * (int64_t)ptm_dtype_bytes(x->dtype);
        if (!ptm_tensor_numel(x))
            out->data = NULL;
        return true;
    }
    *out = ptm_tensor_nd(x);
    return true;
}
