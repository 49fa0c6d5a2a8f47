/* SPDX-License-Identifier: BSD-2-Clause */
/* Specialises one call: interprets the method on its arguments and makes an entry of it. */
#include <string.h>

#include "libcore/clock.h"
#include "libcore/session.h"

static void guard_argument(struct ptm_trace *t, size_t i, struct ptm_ival v)
{
    struct ptm_entry *e = t->entry;
    void *p = e->guard;
    struct ptm_tree *tree = ptm_arena_alloc(&e->arena, sizeof(*tree));
    if (!tree || !ptm_arena_grow(&e->arena, &p, &e->cap_guards, e->n_guards + 1,
                                 sizeof(*e->guard))) {
        ptm_trace_fail(t, PTM_ERR_MEMORY, "out of memory while specialising");
        return;
    }
    e->guard = p;
    e->guard[e->n_guards++] =
        (struct ptm_guard){.kind = G_TREE, .slot = {.index = (uint32_t)i}, .tree = tree};
    t->args[i + 1] = ptm_shadow_import(t, v, tree, (e->method + 1) * UINT64_C(0x10001) + i);
}

static void trace_call(struct ptm_trace *t, uint32_t fn, const struct ptm_ival *args,
                       size_t n_args)
{
    t->args = ptm_arena_array(&t->arena, n_args + 1, sizeof(*t->args));
    if (!t->args) {
        ptm_trace_fail(t, PTM_ERR_MEMORY, "out of memory while specialising");
        return;
    }
    t->n_args = n_args + 1;
    t->args[0] = ptm_shadow_import(
        t, (struct ptm_ival){.tag = PTM_OBJECT, .u.object = t->session->root}, NULL, 0);
    for (size_t i = 0; i < n_args && !t->err.code; i++)
        guard_argument(t, i, args[i]);
    t->result = ptm_interp_call(t, fn, t->args, n_args + 1, NULL, 0);
    ptm_shadow_settle(t);
    t->op_born = t->n_ops + 1;
    ptm_trace_cut(t);
    if (t->err.code)
        return;
    t->entry->result = ptm_shadow_export(t, t->result);
    ptm_shadow_effects(t);
    if (!t->interpreted && !t->err.code && ptm_session_flip(t->session, t->entry)) {
        t->again = true; /* nothing ran yet: specialise again with what is state now */
        return;
    }
    struct ptm_err err = {0};
    ptm_trace_run(t);
    if (!t->err.code && t->keep && ptm_entry_verify(t->entry, &err))
        ptm_fail(&t->err, err.code, "%s", err.msg);
}

static uint64_t pieces_ns(const struct ptm_session_stats *st)
{
    return st->passes_ns + st->plan_ns + st->pack_ns;
}

static enum ptm_status trace_once(struct ptm_session *s, uint32_t fn, const struct ptm_ival *args,
                                  size_t n_args, struct ptm_entry *entry, struct ptm_frame *frame,
                                  bool *keep, bool *again, struct ptm_err *err)
{
    struct ptm_trace *t = ptm_malloc(sizeof(*t));
    if (!t)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory to specialise");
    s->trace = t;
    int64_t start = ptm_clock_ns();
    uint64_t pieces_before = pieces_ns(&s->stats);
    t->session = s;
    t->program = &s->model->program;
    t->entry = entry;
    t->frame = frame;
    t->keep = true;
    t->epoch = 1;
    t->max_steps = s->config.max_steps;
    ptm_graph_init(&t->graph, &t->graph_arena);
    trace_call(t, fn, args, n_args);
    enum ptm_status st = t->err.code;
    if (st)
        ptm_fail(err, st, "%s", t->err.msg);
    *keep = !st && t->keep;
    *again = !st && t->again;
    s->stats.interpreted += !st && t->interpreted;
    s->stats.specialise_ns += (uint64_t)(ptm_clock_ns() - start - t->run_ns) -
                              (pieces_ns(&s->stats) - pieces_before);
    ptm_trace_free(t);
    s->trace = NULL;
    return st;
}

enum ptm_status ptm_specialise(struct ptm_session *s, uint32_t fn, const struct ptm_ival *args,
                               size_t n_args, struct ptm_entry *entry, struct ptm_frame *frame,
                               bool *keep, struct ptm_err *err)
{
    bool again = true;
    /* each turn makes at least one more slot or storage state; two are the rule */
    while (again) {
        PTM_TRY(trace_once(s, fn, args, n_args, entry, frame, keep, &again, err));
        if (again) {
            ptm_entry_reset(entry);
            ptm_frame_reset(frame);
        }
    }
    return PTM_OK;
}

void ptm_trace_free(struct ptm_trace *t)
{
    if (!t)
        return;
    ptm_arena_release(&t->graph_arena);
    ptm_arena_release(&t->arena);
    ptm_free(t);
}
