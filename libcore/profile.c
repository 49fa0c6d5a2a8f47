/* SPDX-License-Identifier: BSD-2-Clause */
/* Recording the events of runs, and telling what they are. */
#include "libcore/profile.h"

#include "libcore/clock.h"
#include "libcore/session.h"

/* Of one run: 40 MB. What is beyond is counted only. */
enum { MAX_EVENTS = 1 << 20 };

const char *ptm_event_kind_name(enum ptm_event_kind k)
{
    static const char *const names[] = {
        [PTM_EVENT_GUARDS] = "guards",   [PTM_EVENT_PROGRAM] = "program",
        [PTM_EVENT_BIND] = "bind",       [PTM_EVENT_STEP] = "step",
        [PTM_EVENT_OUTPUTS] = "outputs", [PTM_EVENT_EFFECTS] = "effects",
        [PTM_EVENT_RESULT] = "result",   [PTM_EVENT_PIECE] = "piece",
    };
    return k < PTM_N_EVENT_KINDS ? names[k] : "?";
}

/* -- recording -- */

static void make_room(struct ptm_events *e, size_t more)
{
    size_t cap = e->cap ? e->cap : 256;
    if (more <= e->cap - e->n)
        return;
    while (cap < MAX_EVENTS && cap - e->n < more)
        cap *= 2;
    struct ptm_event *v =
        cap > e->cap ? ptm_realloc(e->v, e->cap * sizeof(*v), cap * sizeof(*v)) : NULL;
    if (!v)
        return;
    e->v = v;
    e->cap = cap;
}

/* Of a call: guards, program, effects and result, and twice what may come twice. */
enum { AROUND = 8 };

void ptm_events_begin(struct ptm_events *e)
{
    if (!e)
        return;
    e->n = 0;
    e->dropped = 0;
    e->piece = NULL;
    make_room(e, AROUND);
    e->last = ptm_clock_ns();
}

static size_t push(struct ptm_events *e, struct ptm_event event)
{
    if (e->n == e->cap) {
        e->dropped++;
        return SIZE_MAX;
    }
    e->v[e->n] = event;
    return e->n++;
}

void ptm_events_add(struct ptm_events *e, enum ptm_event_kind kind, uint32_t step)
{
    int64_t now = ptm_clock_ns();
    push(e, (struct ptm_event){e->last, now, e->piece, step, (uint8_t)kind});
    e->last = now;
}

size_t ptm_events_piece(struct ptm_events *e, const struct ptm_piece *p)
{
    if (!e)
        return SIZE_MAX;
    make_room(e, p->plan.n_steps + 3 + AROUND); /* the piece itself, binding, outputs */
    e->piece = p;
    return push(e, (struct ptm_event){e->last, e->last, p, 0, PTM_EVENT_PIECE});
}

void ptm_events_piece_end(struct ptm_events *e, size_t number)
{
    if (!e)
        return;
    if (number < e->n)
        e->v[number].end_ns = e->last;
    e->piece = NULL;
}

void ptm_events_release(struct ptm_events *e)
{
    ptm_free(e->v);
    *e = (struct ptm_events){0};
}

/* -- reading -- */

void ptm_session_profile(struct ptm_session *s, bool on)
{
    s->exec.events = on ? &s->events : NULL;
}

const struct ptm_event *ptm_session_events(const struct ptm_session *s, size_t *n,
                                           uint64_t *dropped)
{
    *n = s->events.n;
    if (dropped)
        *dropped = s->events.dropped;
    return s->events.v;
}

static void describe_step(const struct ptm_plan *plan, const struct ptm_plan_step *step,
                          struct ptm_event_info *out)
{
    const struct ptm_graph *g = plan->graph;
    out->graph = g;
    if (step->node == PTM_NO_VALUE) {
        /* the sites are those of what made the value */
        const struct ptm_value *v = &g->value[ptm_plan_value(plan, step->to)];
        const struct ptm_node *from = v->kind == V_NODE ? &g->node[v->ref] : NULL;
        out->op = "reorder";
        out->kernel = "copy";
        out->out = &v->type;
        out->bytes = 2 * (uint64_t)ptm_type_numel(&v->type) *
                     ptm_dtype_bytes((enum ptm_dtype)v->type.dtype);
        out->site = from ? g->site + from->site : NULL;
        out->n_site = from ? from->n_site : 0;
        return;
    }
    const struct ptm_node *n = &g->node[step->node];
    out->op = ptm_op_info((enum ptm_op)n->op)->name;
    out->backend = step->backend ? step->backend->name : "ref";
    out->kernel = step->backend && step->info.kernel ? step->info.kernel : "";
    out->isa = step->backend && step->info.isa ? step->info.isa : "";
    out->reason = step->reason;
    out->node = n;
    out->site = g->site + n->site;
    out->n_site = n->n_site;
    out->out = &g->value[n->out].type;
    out->macs = ptm_node_macs(g, n);
    out->flops = ptm_node_flops(g, n);
    out->bytes = ptm_node_bytes(g, n);
}

void ptm_event_describe(const struct ptm_event *e, struct ptm_event_info *out)
{
    *out = (struct ptm_event_info){.op = ptm_event_kind_name((enum ptm_event_kind)e->kind),
                                   .backend = "", .kernel = "", .isa = "",
                                   .piece = e->piece ? e->piece->hash : 0};
    if (e->kind == PTM_EVENT_STEP)
        describe_step(&e->piece->plan, &e->piece->plan.step[e->step], out);
}
