/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Joining without copying: what a concat reads is made where it belongs in the result.
 *
 * When all nodes have steps and places, the concats are looked at from the last to the first. A
 * value that one of them reads moves into its result when the value has storage of its own, in the
 * result's order of dims, and when each step that writes it and each that reads it, or a view of
 * it, takes the strides that it has there. A concat whose inputs all lie side by side in a later
 * one's result already is a part of that result itself: the dense blocks of DenseNet, whose every
 * layer joins all results before it, copy nothing.
 *
 * A result that is begun early is alive for longer: inputs move only where the most bytes alive at
 * one step do not grow.
 */
#include <string.h>

#include "libcore/plan_make.h"

struct mover {
    struct ptm_planner *p;
    uint32_t *wrote; /* per place that a step writes: the step */
    uint32_t *read;  /* per place that is no view: the last step that reads it or a view of it */
    size_t *live;    /* room */
    bool *moves;     /* per place: it, or what it is a view of, is about to move */
    int64_t (*stride)[PTM_MAX_RANK]; /* per value that moves: its strides then */
    int64_t *offset;                 /* ... and for views: elements from their input */
};

/* A value that a concat reads, and where it may go in the result. */
struct move {
    uint32_t value;
    int64_t offset;       /* elements */
    uint32_t first, last; /* steps that write and read it */
    uint32_t tail;        /* what later takes its bytes, and keeps the storage; or PTM_NO_VALUE */
};

static const struct ptm_type *type_of(const struct mover *m, uint32_t place)
{
    return &m->p->g->value[ptm_plan_value(m->p->plan, place)].type;
}

static void note_read(struct mover *m, uint32_t place, uint32_t step)
{
    if (place != PTM_NO_VALUE && m->read[m->p->base[place]] != UINT32_MAX)
        m->read[m->p->base[place]] = step;
}

static void note_steps(struct mover *m)
{
    const struct ptm_plan *plan = m->p->plan;
    const struct ptm_graph *g = m->p->g;
    for (uint32_t i = 0; i < plan->n_steps; i++) {
        const struct ptm_plan_step *s = &plan->step[i];
        if (s->node == PTM_NO_VALUE) {
            m->wrote[s->to] = i;
            note_read(m, s->from, i);
            continue;
        }
        const struct ptm_node *n = &g->node[s->node];
        for (uint32_t k = 0; k < n->n_out; k++)
            m->wrote[n->out + k] = m->read[n->out + k] = i;
        for (uint32_t k = 0; k < n->n_in; k++)
            note_read(m, plan->operand[n->in + k], i);
    }
    for (size_t i = 0; i < g->n_outputs; i++)
        m->read[m->p->base[g->output[i]]] = UINT32_MAX;
}

/* -- may it move? -- */

static bool takes_strides(const struct mover *m, uint32_t node, uint32_t place, bool output)
{
    const struct ptm_chosen *c = &m->p->chosen[node];
    const struct ptm_type *t = type_of(m, place);
    const int64_t *stride = m->stride[place];
    if (output ? c->claim.any_outputs : c->claim.any_strides)
        return true;
    return ptm_lies_dense(t, stride, c->last) ||
           ((output ? c->claim.row_outputs : c->claim.row_inputs) &&
            ptm_lies_in_rows(t, stride, c->last));
}

/* Marks what moves with v (what took its bytes from, and views of these) and works out its new
 * strides; false where a view cannot be said, or a type is another. */
static bool mark(struct mover *m, uint32_t v, const int64_t *stride, struct move *move)
{
    const struct ptm_planner *p = m->p;
    const struct ptm_graph *g = p->g;
    const struct ptm_place *place = p->plan->place;
    memset(m->moves, 0, g->n_values);
    move->first = m->wrote[v];
    move->last = m->read[v];
    move->tail = PTM_NO_VALUE;
    for (uint32_t q = 0; q < g->n_values; q++) {
        if (place[q].root != R_ARENA)
            continue;
        if (place[q].view) {
            uint32_t in = g->operand[g->node[g->value[q].ref].in];
            m->moves[q] = m->moves[in];
            if (m->moves[q] && !ptm_view_layout(g, &g->node[g->value[q].ref], m->stride[in],
                                                &m->offset[q], m->stride[q]))
                return false;
        } else if (p->store_no[q] == p->store_no[v] && m->wrote[q] <= m->wrote[v]) {
            if (!ptm_type_equal(type_of(m, q), type_of(m, v)) ||
                memcmp(place[q].stride, place[v].stride, sizeof(place[q].stride)))
                return false;
            m->moves[q] = true;
            memcpy(m->stride[q], stride, sizeof(m->stride[q]));
            move->first = m->wrote[q] < move->first ? m->wrote[q] : move->first;
            move->last = m->read[q] > move->last ? m->read[q] : move->last;
        } else if (p->store_no[q] == p->store_no[v] &&
                   (move->tail == PTM_NO_VALUE || m->wrote[q] < m->wrote[move->tail])) {
            move->tail = q;
        }
    }
    return true;
}

static bool steps_agree(const struct mover *m, const struct move *move)
{
    const struct ptm_plan *plan = m->p->plan;
    const struct ptm_graph *g = m->p->g;
    uint32_t end = move->last < plan->n_steps ? move->last + 1 : (uint32_t)plan->n_steps;
    for (uint32_t i = move->first; i < end; i++) {
        uint32_t node = plan->step[i].node;
        if (node == PTM_NO_VALUE) /* copies take any strides */
            continue;
        const struct ptm_node *n = &g->node[node];
        for (uint32_t k = 0; k < n->n_in; k++) {
            uint32_t at = plan->operand[n->in + k];
            if (at < g->n_values && m->moves[at] && !takes_strides(m, node, at, false))
                return false;
        }
        for (uint32_t k = 0; k < n->n_out; k++)
            if (m->moves[n->out + k] && !plan->place[n->out + k].view &&
                !takes_strides(m, node, n->out + k, true))
                return false;
    }
    return true;
}

/* Could value v have these strides, in bytes that something else takes at step `end`? The move is
 * filled, and marks and strides of what moves with it. */
static bool movable(struct mover *m, uint32_t v, const struct ptm_type *whole, bool channels_last,
                    const int64_t *stride, uint32_t end, struct move *move)
{
    const struct ptm_planner *p = m->p;
    if (v >= p->g->n_values)
        return false;
    const struct ptm_place *place = &p->plan->place[v];
    const struct ptm_type *t = type_of(m, v);
    move->value = v;
    return place->root == R_ARENA && !place->view && place->part_of == PTM_NO_VALUE &&
           t->dtype == whole->dtype && t->rank == whole->rank && ptm_type_numel(t) &&
           ptm_lies_dense(t, place->stride, channels_last) && mark(m, v, stride, move) &&
           (move->last < end || end == UINT32_MAX) && steps_agree(m, move);
}

/* -- moving -- */

/* The bytes that it leaves are its tail's, if there is one; the result lives for longer. */
static void change_stores(struct mover *m, const struct move *move, uint32_t whole)
{
    struct ptm_planner *p = m->p;
    struct ptm_store *s = &p->store[p->store_no[move->value]];
    if (move->tail == PTM_NO_VALUE)
        s->bytes = 0;
    else
        s->first = m->wrote[move->tail];
    if (p->plan->place[whole].root != R_ARENA)
        return;
    struct ptm_store *to = &p->store[p->store_no[whole]];
    to->first = move->first < to->first ? move->first : to->first;
    to->last = move->last > to->last ? move->last : to->last;
}

static void change_places(struct mover *m, const struct move *move, uint32_t whole)
{
    struct ptm_planner *p = m->p;
    const struct ptm_graph *g = p->g;
    struct ptm_place *place = p->plan->place, *to = &place[whole];
    bool arena = to->root == R_ARENA;
    int64_t size = arena ? (int64_t)ptm_dtype_bytes(g->value[whole].type.dtype) : 1;
    for (uint32_t q = 0; q < g->n_values; q++) {
        if (!m->moves[q])
            continue;
        memcpy(place[q].stride, m->stride[q], sizeof(place[q].stride));
        place[q].root = to->root;
        place[q].ref = to->ref;
        if (place[q].view) {
            int64_t in = place[g->operand[g->node[g->value[q].ref].in]].offset;
            place[q].offset = m->offset[q] * size + (arena ? 0 : in);
            continue;
        }
        place[q].offset = move->offset * size;
        place[q].part_of = whole;
        p->store_no[q] = p->store_no[whole];
    }
    if (move->tail != PTM_NO_VALUE)
        place[move->tail].over = PTM_NO_VALUE;
}

/* -- one concat -- */

/* The step at which something else takes the bytes of the result, or of the whole that it is a part
 * of; UINT32_MAX: none does. */
static uint32_t taken_at(struct mover *m, uint32_t result, uint32_t whole)
{
    const struct ptm_planner *p = m->p;
    uint32_t first = UINT32_MAX;
    memset(m->moves, 0, p->g->n_values);
    m->moves[result] = m->moves[whole] = true;
    for (uint32_t q = result + 1; q < p->g->n_values; q++) {
        const struct ptm_place *place = &p->plan->place[q];
        if (place->over == PTM_NO_VALUE || place->view || !m->moves[p->base[place->over]])
            continue;
        m->moves[q] = true;
        first = m->wrote[q] < first ? m->wrote[q] : first;
    }
    return first;
}

/* Do the operands lie side by side in the result of one later concat? Where, in elements. */
static bool side_by_side(const struct mover *m, const struct ptm_node *n, int64_t dim,
                         uint32_t *whole, int64_t *offset)
{
    const struct ptm_planner *p = m->p;
    const struct ptm_place *place = p->plan->place;
    int64_t next = 0;
    *whole = PTM_NO_VALUE;
    for (uint32_t i = 0; i < n->n_in; i++) {
        uint32_t v = p->plan->operand[n->in + i];
        const struct ptm_place *at = &place[v];
        if (at->part_of == PTM_NO_VALUE || (i && at->part_of != *whole) ||
            memcmp(at->stride, place[at->part_of].stride, sizeof(at->stride)))
            return false;
        bool arena = at->root == R_ARENA;
        int64_t here =
            at->offset / (arena ? (int64_t)ptm_dtype_bytes(type_of(m, v)->dtype) : 1);
        if (i && here != next)
            return false;
        if (i == 0)
            *offset = here;
        *whole = at->part_of;
        next = here + type_of(m, v)->dim[dim] * at->stride[dim];
    }
    return *whole != PTM_NO_VALUE;
}

/* Moves what may move, as long as no step has more bytes alive than some step had. */
static void move_operands(struct mover *m, const struct ptm_node *n, int64_t dim, struct move *list,
                          struct ptm_store *saved)
{
    struct ptm_planner *p = m->p;
    const struct ptm_place *result = &p->plan->place[n->out];
    const struct ptm_type *t = type_of(m, n->out);
    uint32_t whole = result->part_of == PTM_NO_VALUE ? n->out : result->part_of;
    uint32_t end = taken_at(m, n->out, whole), n_moves = 0;
    bool arena = result->root == R_ARENA, last = p->chosen[p->g->value[n->out].ref].last;
    int64_t at = result->offset / (arena ? (int64_t)ptm_dtype_bytes(t->dtype) : 1);
    for (uint32_t i = 0; i < n->n_in; i++) {
        uint32_t v = p->plan->operand[n->in + i];
        struct move *move = &list[n_moves];
        bool again = false; /* named twice: the other place is copied to */
        for (uint32_t k = 0; k < n_moves; k++)
            again = again || list[k].value == v;
        move->offset = at;
        n_moves += !again && movable(m, v, t, last, result->stride, end, move);
        at += type_of(m, v)->dim[dim] * result->stride[dim];
    }
    size_t before = ptm_plan_peak(p, m->live);
    for (; n_moves; n_moves--) {
        memcpy(saved, p->store, p->n_stores * sizeof(*saved));
        for (uint32_t k = 0; k < n_moves; k++)
            change_stores(m, &list[k], whole);
        if (ptm_plan_peak(p, m->live) <= before)
            break;
        memcpy(p->store, saved, p->n_stores * sizeof(*saved));
        uint32_t early = 0; /* without the one that would begin the result earliest */
        for (uint32_t k = 1; k < n_moves; k++)
            if (list[k].first < list[early].first)
                early = k;
        list[early] = list[n_moves - 1];
    }
    for (uint32_t k = 0; k < n_moves; k++) {
        struct move again;
        if (mark(m, list[k].value, result->stride, &again))
            change_places(m, &list[k], whole);
    }
}

enum ptm_status ptm_plan_join(struct ptm_planner *p, struct ptm_arena *work, struct ptm_err *err)
{
    const struct ptm_graph *g = p->g;
    struct mover m = {.p = p};
    size_t most = 0;
    for (uint32_t i = 0; i < g->n_nodes; i++)
        if (g->node[i].op == OP_concat && g->node[i].n_in > most)
            most = g->node[i].n_in;
    if (!most)
        return PTM_OK;
    m.wrote = ptm_arena_array(work, p->plan->n_places + 1, sizeof(*m.wrote));
    m.read = ptm_arena_array(work, p->plan->n_places + 1, sizeof(*m.read));
    m.live = ptm_arena_array(work, p->plan->n_steps + 2, sizeof(*m.live));
    m.moves = ptm_arena_array(work, p->plan->n_places + 1, sizeof(*m.moves));
    m.stride = ptm_arena_array(work, g->n_values + 1, sizeof(*m.stride));
    m.offset = ptm_arena_array(work, g->n_values + 1, sizeof(*m.offset));
    struct move *list = ptm_arena_array(work, most + 1, sizeof(*list));
    struct ptm_store *saved = ptm_arena_array(work, p->n_stores + 1, sizeof(*saved));
    if (work->failed)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory to join %zu values", most);
    note_steps(&m);
    for (uint32_t i = (uint32_t)g->n_nodes; i-- > 0;) {
        const struct ptm_node *n = &g->node[i];
        const struct ptm_place *place = &p->plan->place[n->out];
        uint32_t whole;
        struct move move;
        if (n->op != OP_concat || (place->root != R_ARENA && place->root != R_OUT))
            continue;
        int64_t dim = ptm_node_attr(g, n, "dim")->u.i;
        if (place->part_of != PTM_NO_VALUE || !side_by_side(&m, n, dim, &whole, &move.offset)) {
            move_operands(&m, n, dim, list, saved);
        } else if (movable(&m, n->out, type_of(&m, whole), p->chosen[i].last,
                           p->plan->place[whole].stride, taken_at(&m, whole, whole), &move)) {
            change_stores(&m, &move, whole);
            change_places(&m, &move, whole);
        }
    }
    return PTM_OK;
}
