/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bytes of the arena. A storage lives from the step that writes it to the last that reads it or
 * a view of it. One after the other, each goes to the lowest offset that is free for its whole
 * life: largest first, which is nearly always best; where that takes more than the bytes alive at
 * one step, other orders are tried and the best is kept.
 */
#include "libcore/plan_make.h"

#include <stdlib.h>
#include <string.h>

/* Search ends within 2 % of the bound, or after some tens of milliseconds. */
enum { ENOUGH = 50, TRIES = 2000, WORK = 40 * 1000 * 1000 };

size_t ptm_plan_peak(const struct ptm_planner *p, size_t *live)
{
    size_t n = p->plan->n_steps, now = 0, most = 0;
    memset(live, 0, (n + 2) * sizeof(*live));
    for (size_t i = 0; i < p->n_stores; i++) { /* what comes and what goes */
        const struct ptm_store *s = &p->store[i];
        live[s->first] += s->bytes;
        live[s->last < n ? s->last + 1 : n + 1] -= s->bytes;
    }
    for (size_t i = 0; i <= n; i++) {
        now += live[i];
        most = now > most ? now : most;
    }
    return most;
}

static int larger_first(const void *a, const void *b)
{
    const struct ptm_store *x = *(const struct ptm_store *const *)a, *y = *(const struct ptm_store *const *)b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return (x->value > y->value) - (x->value < y->value);
}

static bool live_together(const struct ptm_store *a, const struct ptm_store *b)
{
    return a->first <= b->last && b->first <= a->last;
}

static size_t span(const struct ptm_store *s)
{
    return s->last - s->first;
}

static int longest_first(const void *a, const void *b)
{
    const struct ptm_store *x = *(const struct ptm_store *const *)a,
                           *y = *(const struct ptm_store *const *)b;
    return span(x) != span(y) ? (span(x) < span(y) ? 1 : -1) : larger_first(a, b);
}

static int earliest_first(const void *a, const void *b)
{
    const struct ptm_store *x = *(const struct ptm_store *const *)a,
                           *y = *(const struct ptm_store *const *)b;
    return x->first != y->first ? (x->first > y->first ? 1 : -1) : larger_first(a, b);
}

static int most_area_first(const void *a, const void *b)
{
    const struct ptm_store *x = *(const struct ptm_store *const *)a,
                           *y = *(const struct ptm_store *const *)b;
    double m = (double)x->bytes * (double)(span(x) + 1), n = (double)y->bytes * (double)(span(y) + 1);
    return m != n ? (m < n ? 1 : -1) : larger_first(a, b);
}

/* Gives offsets in that order; the bytes taken, or SIZE_MAX when they are more than memory has.
 * `placed` is kept in order of offsets, so that one walk finds the lowest gap. */
static size_t place_all(struct ptm_store *const *order, size_t n, struct ptm_store **placed)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        struct ptm_store *s = order[i];
        s->offset = 0;
        for (size_t k = 0; k < i && placed[k]->offset < s->offset + s->bytes; k++)
            if (live_together(placed[k], s) && placed[k]->offset + placed[k]->bytes > s->offset)
                s->offset = placed[k]->offset + placed[k]->bytes;
        if (s->bytes > PTRDIFF_MAX - PTM_STORE_ALIGN - s->offset)
            return SIZE_MAX;
        size_t at = i;
        for (; at > 0 && placed[at - 1]->offset > s->offset; at--)
            placed[at] = placed[at - 1];
        placed[at] = s;
        total = s->offset + s->bytes > total ? s->offset + s->bytes : total;
    }
    return total;
}

static void move(struct ptm_store **order, size_t from, size_t to)
{
    struct ptm_store *s = order[from];
    for (; from < to; from++)
        order[from] = order[from + 1];
    for (; from > to; from--)
        order[from] = order[from - 1];
    order[to] = s;
}

/* Keeps the offsets of a better arrangement. */
static void keep(const struct ptm_planner *p, size_t total, size_t *best, size_t *offset)
{
    if (total >= *best)
        return;
    *best = total;
    for (size_t i = 0; i < p->n_stores; i++)
        offset[i] = p->store[i].offset;
}

/* Changes the order one by one for as long as nothing gets worse. The same numbers each time: a
 * plan depends on its graph alone. */
static void climb(const struct ptm_planner *p, struct ptm_store **order, size_t n,
                  struct ptm_store **placed, size_t *best, size_t *offset)
{
    uint32_t random = 1;
    size_t now = place_all(order, n, placed);
    size_t tries = WORK / (n * n + 1) < TRIES ? WORK / (n * n + 1) : TRIES;
    for (; tries && *best > p->plan->live_bytes + p->plan->live_bytes / ENOUGH; tries--) {
        random = random * 1664525 + 1013904223;
        size_t from = (random >> 8) % n;
        random = random * 1664525 + 1013904223;
        size_t to = (random >> 8) % n / (random >> 31 ? 1 : 4); /* early ones decide */
        move(order, from, to);
        size_t total = place_all(order, n, placed);
        if (total <= now)
            now = total;
        else
            move(order, to, from);
        keep(p, total, best, offset);
    }
}

/* Places of arena values so far count from their storage, views from their input's place. */
static void settle_offsets(struct ptm_planner *p)
{
    const struct ptm_graph *g = p->g;
    for (uint32_t v = 0; v < p->plan->n_places; v++) {
        struct ptm_place *place = &p->plan->place[v];
        if (place->root != R_ARENA)
            continue;
        if (place->view) /* after its input: values are in order */
            place->offset += p->plan->place[g->operand[g->node[g->value[v].ref].in]].offset;
        else
            place->offset += (int64_t)p->store[p->store_no[v]].offset;
    }
}

enum ptm_status ptm_plan_pack(struct ptm_planner *p, struct ptm_arena *work, struct ptm_err *err)
{
    static int (*const orders[])(const void *, const void *) = {larger_first, most_area_first,
                                                                longest_first, earliest_first};
    size_t n = 0, best = SIZE_MAX;
    struct ptm_store **order = ptm_arena_array(work, p->n_stores + 1, sizeof(struct ptm_store *));
    struct ptm_store **placed = ptm_arena_array(work, p->n_stores + 1, sizeof(struct ptm_store *));
    size_t *live = ptm_arena_array(work, p->plan->n_steps + 2, sizeof(*live));
    size_t *offset = ptm_arena_array(work, p->n_stores + 1, sizeof(*offset));
    if (work->failed)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory to place %zu values", p->n_stores);
    for (size_t i = 0; i < p->n_stores; i++)
        if (p->store[i].bytes)
            order[n++] = &p->store[i];
    p->plan->live_bytes = ptm_plan_peak(p, live);
    for (size_t k = 0; k < PTM_LEN(orders) && n && best > p->plan->live_bytes; k++) {
        qsort(order, n, sizeof(*order), orders[k]);
        keep(p, place_all(order, n, placed), &best, offset);
    }
    if (n && best > p->plan->live_bytes + p->plan->live_bytes / ENOUGH) {
        qsort(order, n, sizeof(*order), larger_first);
        climb(p, order, n, placed, &best, offset);
    }
    if (n && best == SIZE_MAX)
        return ptm_fail(err, PTM_ERR_MEMORY, "results of more bytes than memory has");
    for (size_t i = 0; i < p->n_stores; i++)
        p->store[i].offset = offset[i];
    p->plan->arena_bytes = n ? best : 0;
    settle_offsets(p);
    return PTM_OK;
}
