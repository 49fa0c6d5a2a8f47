/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Measuring what the steps of a model take: runs with and without recording take turns, so that
 * what recording costs is known; each step's times of all runs become a row. Rows are then shown
 * as they are or added up: by type, by module, or, for several backends, by the places in the model
 * that they come from.
 */
#ifndef PTM_BENCH_PROFILE_H
#define PTM_BENCH_PROFILE_H

#include "bench/stats.h"
#include "libcore/arena.h"
#include "libcore/profile.h"

/* What is called: a method on one or several inputs; a sample is a call of each, in turn. */
struct bench_call {
    const struct ptm_ival *args; /* borrowed */
    size_t n_args;
};
struct bench_calls {
    const char *method;
    const struct bench_call *call;
    size_t n;
};

struct bench_place {
    const char *path, *aten, *file; /* "" */
    uint32_t line;
};

/* A step of a piece, or what one kind of work around the steps took. */
struct bench_row {
    uint8_t kind; /* enum ptm_event_kind; PTM_EVENT_PIECE: encloses others, in no sum */
    uint64_t piece;
    uint32_t step;
    const char *op, *backend, *kernel, *isa, *reason; /* reason: NULL */
    struct ptm_type out, *in; /* in: those that are there */
    size_t n_in;
    const char *module; /* the innermost that all its places are in */
    const char *aten;   /* "convolution+batch_norm" */
    struct bench_place *place;
    size_t n_places;
    uint64_t calls;     /* in the newest sample */
    uint64_t macs, flops, bytes; /* of all those calls */
    int64_t *sample;    /* ns */
    struct bench_stats time;
};

struct bench_event {
    int64_t start_ns, end_ns;
    uint32_t row;
};

/* One backend's profile. All zero, but for name and session: empty. */
struct bench_profile {
    const char *name; /* the backend that was asked for */
    struct ptm_session *session;
    struct ptm_arena arena;
    struct bench_row *row;
    size_t n_rows, cap_rows;
    /* samples without recording and with it, in order of time */
    int64_t *plain, *cpu, *recorded, *unaccounted; /* cpu: of plain ones, all threads together */
    size_t n_plain, n_recorded, cap_samples;
    /* Samples in which the system took a CPU away. They are kept, but the statistics leave them
     * out, unless too few are left. */
    bool *plain_cut, *recorded_cut;
    size_t n_plain_cut, n_recorded_cut;
    bool cut_count; /* they count all the same */
    int rests;      /* runs to come that have a rest before them */
    struct bench_event *event; /* of the newest recorded sample */
    size_t n_events, cap_events;
    uint64_t dropped;          /* events of one sample, at most */
    size_t n_warmup;
    bool converged;
    /* when measured */
    struct bench_stats plain_time, cpu_time, recorded_time, unaccounted_time;
    double ops_ns, around_ns; /* medians, added up */
    int64_t clock_ns; /* of one reading of the clock */
};

struct bench_profile_options {
    int64_t runs, warmup;  /* -1: as converged, or as time allows */
    double min_time;       /* seconds; below 0: half a second, and no more than five */
};
enum ptm_status bench_profile_measure(struct bench_profile *p, size_t n,
                                      const struct bench_calls *calls,
                                      const struct bench_profile_options *o, struct ptm_err *err)
    PTM_WARN_UNUSED;
void bench_profile_release(struct bench_profile *p); /* but the session */

/* -- lines of a table -- */
enum bench_view { BENCH_BY_OP, BENCH_BY_TYPE, BENCH_BY_MODULE };
struct bench_cell {
    double ns;       /* medians, added up */
    uint64_t steps, calls, macs, flops, bytes;
    const struct bench_row *row; /* the first */
    bool one_kernel; /* all rows have the same backend, kernel and ISA */
};
struct bench_line {
    const char *name, *module, *aten;
    struct bench_cell *cell; /* per profile; steps 0: none */
    size_t order;
};
/* In the arena. by op: one profile: a line per row; several: a line per set of places that rows
 * have in common. by module: every module, with what is inside it. by_time: those of the first
 * profile that take longest come first, else in order of running. */
enum ptm_status bench_lines_make(struct bench_line **out, size_t *n_out, struct ptm_arena *a,
                                 const struct bench_profile *p, size_t n, enum bench_view by,
                                 bool by_time, struct ptm_err *err) PTM_WARN_UNUSED;

#endif
