/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files share that make a plan: plan.c (places, steps), plan_join.c (results of concat
 * that are made in place), plan_memory.c (bytes of the arena), plan_donate.c (state written in place). */
#ifndef PTM_LIBCORE_PLAN_MAKE_H
#define PTM_LIBCORE_PLAN_MAKE_H

#include "libcore/plan.h"

enum { PTM_STORE_ALIGN = 64 };

/* Bytes in the arena, alive from step `first` to step `last` (UINT32_MAX: the end of the run). */
struct ptm_store {
    uint32_t value; /* that the step writes */
    uint32_t first, last;
    size_t bytes, offset; /* bytes 0: given up */
};

/* How a node runs. */
struct ptm_chosen {
    struct ptm_claim claim;
    bool last; /* operands and outputs of rank 4 are channels-last */
};

struct ptm_planner {
    struct ptm_plan *plan;
    const struct ptm_graph *g;
    const struct ptm_plan_options *o;
    uint32_t *base;      /* per place: the place whose storage it is a view of; itself */
    uint32_t *out_no;    /* per value: output whose buffer it is written to, or PTM_NO_VALUE */
    uint32_t *store_no;  /* per place in the arena: its storage */
    uint32_t *unread;    /* per value with storage of its own: reads to come, through views too */
    uint32_t *reordered; /* per value: its row-major copy, channels-last copy, or PTM_NO_VALUE */
    struct ptm_chosen *chosen; /* per node that has a step */
    struct ptm_store *store;
    size_t n_stores;
};

/* Strides without gaps, row-major or (rank 4) channels-last. */
void ptm_dense_strides(const struct ptm_type *t, bool channels_last, int64_t *stride);
bool ptm_lies_dense(const struct ptm_type *t, const int64_t *stride, bool channels_last);
/* Dense, but for the same gap behind each run of the dim that is innermost in that order. */
bool ptm_lies_in_rows(const struct ptm_type *t, const int64_t *stride, bool channels_last);

/* Fills plan->donor; false: no memory. */
bool ptm_plan_donors(struct ptm_plan *plan, struct ptm_arena *arena);
enum ptm_status ptm_plan_join(struct ptm_planner *p, struct ptm_arena *work, struct ptm_err *err)
    PTM_WARN_UNUSED;
/* The most bytes that are alive at one step. `live`: room for a number per step and one more. */
size_t ptm_plan_peak(const struct ptm_planner *p, size_t *live);
/* Offsets in the arena: of storages, then of the places in them. */
enum ptm_status ptm_plan_pack(struct ptm_planner *p, struct ptm_arena *work, struct ptm_err *err)
    PTM_WARN_UNUSED;

#endif
