/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events of a session's last run: what took how long.
 *
 *     ptm_session_profile(s, true);
 *     ptm_session_run(s, ...);
 *     const struct ptm_event *e = ptm_session_events(s, &n, NULL);
 *     for (size_t i = 0; i < n; i++) {
 *         struct ptm_event_info info;
 *         ptm_event_describe(&e[i], &info);
 *         ... info.op, info.backend, e[i].end_ns - e[i].start_ns ...
 *     }
 *
 * A run is timed without gaps: one reading of the clock ends an event and begins the next, from the
 * call of ptm_session_run to its return. Pieces alone enclose others; the rest adds up to the run.
 * The memory of the events is made before a piece runs: a run like the one before allocates
 * nothing.
 */
#ifndef PTM_LIBCORE_PROFILE_H
#define PTM_LIBCORE_PROFILE_H

#include "libcore/graph.h"

struct ptm_piece;

enum ptm_event_kind {
    PTM_EVENT_GUARDS,  /* checking the arguments, finding the entry that applies, binding tensors */
    PTM_EVENT_PROGRAM, /* interpreting or specialising the program, planning what is new */
    PTM_EVENT_BIND,    /* before the steps of a piece: memory of its outputs, tables of arrays */
    PTM_EVENT_STEP,    /* a step of the piece's plan: an operator, or a copy into another order */
    PTM_EVENT_OUTPUTS, /* outputs of the piece that are copied to their buffers */
    PTM_EVENT_EFFECTS, /* making and writing the module's new state */
    PTM_EVENT_RESULT,  /* making what the call returns, letting go of what it used */
    PTM_EVENT_PIECE,   /* a piece, from BIND to OUTPUTS */
    PTM_N_EVENT_KINDS
};
const char *ptm_event_kind_name(enum ptm_event_kind k); /* "guards", ... */

struct ptm_event {
    int64_t start_ns, end_ns; /* CLOCK_MONOTONIC */
    const struct ptm_piece *piece; /* NULL: not of a piece */
    uint32_t step; /* PTM_EVENT_STEP: number in the piece's plan */
    uint8_t kind;  /* enum ptm_event_kind */
};

/* Records the events of the runs to come, or no longer. */
PTM_API void ptm_session_profile(struct ptm_session *s, bool on);
/* Of the last run that was recorded, ordered by their ends, but a piece before what it encloses;
 * valid until the session's next run. *dropped (may be NULL): how many did not fit into memory. */
PTM_API const struct ptm_event *ptm_session_events(const struct ptm_session *s, size_t *n,
                                                   uint64_t *dropped);

/* Strings and arrays live as long as the event's piece. */
struct ptm_event_info {
    const char *op;      /* "conv"; "reorder": a copy into another order; or the kind's name */
    const char *backend; /* "cpu"; "" for what is no operator */
    const char *kernel, *isa; /* "gemm", "avx512"; "" */
    const char *reason;  /* why the backend that was asked for refused the operator; NULL */
    uint64_t piece;      /* the same for the same graph, in every session; 0: none */
    const struct ptm_graph *graph; /* NULL: no step */
    const struct ptm_node *node;   /* NULL: no operator */
    const struct ptm_site *site;   /* where in the program it comes from */
    size_t n_site;
    const struct ptm_type *out;    /* of the first output; NULL: no step */
    uint64_t macs, flops, bytes;
};
PTM_API void ptm_event_describe(const struct ptm_event *e, struct ptm_event_info *out);

/* -- recording -- */
struct ptm_events {
    struct ptm_event *v;
    size_t n, cap;
    uint64_t dropped;
    int64_t last; /* end of the newest event but pieces */
    const struct ptm_piece *piece; /* at work */
};
/* NULL everywhere: nothing is recorded. */
void ptm_events_begin(struct ptm_events *e); /* a run */
size_t ptm_events_piece(struct ptm_events *e, const struct ptm_piece *p); /* a number for _end */
void ptm_events_piece_end(struct ptm_events *e, size_t number);
void ptm_events_add(struct ptm_events *e, enum ptm_event_kind kind, uint32_t step);
static inline void ptm_event_ends(struct ptm_events *e, enum ptm_event_kind kind, uint32_t step)
{
    if (e)
        ptm_events_add(e, kind, step);
}
void ptm_events_release(struct ptm_events *e);

#endif
