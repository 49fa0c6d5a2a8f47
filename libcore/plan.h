/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plan of a graph on backends: where each value lives, in which order of
 * dims, and what runs each node. Immutable and shared; a run gets its own arena.
 *
 * Places: root 0 is the arena; others are constants, arguments (bound when
 * running) and outputs. A view node (class `view`, when strides can say it)
 * has no step: its place is its input's with other strides and offset. Values that concat joins are
 * made where they belong in its result, where the steps that write and read them can say its
 * strides; the concat then finds them there and copies only the others.
 *
 * Invariants (ptm_plan_verify)
 *  - two values whose live ranges overlap do not overlap in the arena, unless
 *    one is a view or a part of the other.
 *  - offsets are 64-byte aligned for roots of storage, and end inside arena_bytes.
 *  - every node whose values are no views has one step, in the graph's order.
 *  - graph outputs do not live in the arena: they are written to buffers given
 *    for the run, or (outputs that are arguments, constants, views of them or
 *    of each other, or named twice) copied there at the end. These buffers have PTM_SLACK bytes
 *    behind their end that may be read: backends over-read what they find there as well.
 */
#ifndef PTM_LIBCORE_PLAN_H
#define PTM_LIBCORE_PLAN_H

#include <stdio.h>

#include "libcore/backend.h"
#include "libcore/profile.h"

enum { PTM_SLACK = 16 };

enum ptm_root { R_ARENA, R_ARG, R_CONST, R_OUT, R_SCALAR };

struct ptm_place {
    uint8_t root;      /* enum ptm_root */
    uint32_t ref;      /* number of the argument, constant, output */
    int64_t offset;    /* R_ARENA: bytes; else elements added to the root's first */
    int64_t stride[PTM_MAX_RANK]; /* elements. R_ARG: offset and stride are found when running,
                                   * unless the plan's arguments are row-major */
    bool view;         /* shares its root with another value */
    uint32_t over;     /* the operand, dead after this step, whose bytes the result takes; else
                        * PTM_NO_VALUE */
    uint32_t part_of;  /* the result of a concat in whose storage it lies; else PTM_NO_VALUE */
};

/* A step runs a node, or (node PTM_NO_VALUE) copies place `from` to place `to` in another order. */
struct ptm_plan_step {
    uint32_t node, from, to;
    ptm_ref_fn *fn;                    /* reference kernel, when no backend has the node */
    const struct ptm_backend *backend; /* NULL: fn */
    void *object;                      /* the backend's */
    struct ptm_step_info info;
    const char *reason;                /* why the first backend refused; NULL */
};

struct ptm_plan {
    const struct ptm_graph *graph;
    struct ptm_place *place; /* per value, then per reordered copy */
    uint32_t *copy_of;       /* per reordered copy: its value */
    size_t n_places;
    uint32_t *operand;       /* like the graph's operands, but places */
    struct ptm_plan_step *step;
    size_t n_steps;
    uint32_t *copy_out;      /* output numbers copied at the end */
    size_t n_copies;
    uint32_t *donor;         /* per output: the input, row-major, whose memory may be given as its
                              * buffer (see ptm_exec_save); PTM_NO_VALUE: none */
    size_t arena_bytes;      /* activations */
    size_t live_bytes;       /* of them alive at one step, at most: no packing needs less */
    struct pthreadpool *pool;
    size_t scratch_bytes;    /* working space of the step that says it needs most */
    bool args_row_major;
    uint32_t most_in, most_attr; /* of one step: optional inputs counted */
    int64_t pack_ns;             /* the backends' part of making it: packing weights */
};

/* The value that a place holds. */
static inline uint32_t ptm_plan_value(const struct ptm_plan *plan, uint32_t place)
{
    size_t n = plan->graph->n_values;
    return place < n ? place : plan->copy_of[place - n];
}

struct ptm_plan_options {
    const struct ptm_backend *const *backend; /* asked in this order; n_backends 0: reference only */
    size_t n_backends;
    struct pthreadpool *pool;
    struct ptm_packs *packs; /* where backends keep packed weights; NULL: each node its own */
    bool args_row_major;     /* arguments will be row-major: views of them are places as well */
};

/* Offset and strides, in elements, of a view node's output over its input's; false when the
 * node is none, or these strides cannot say it. */
bool ptm_view_layout(const struct ptm_graph *g, const struct ptm_node *n, const int64_t *in_stride,
                     int64_t *offset, int64_t *stride);

enum ptm_status ptm_plan_make(struct ptm_plan *plan, const struct ptm_graph *g,
                              struct ptm_arena *arena, const struct ptm_plan_options *options,
                              struct ptm_err *err) PTM_WARN_UNUSED; /* options NULL: reference */
void ptm_plan_release(struct ptm_plan *plan); /* the backends' objects; the rest is the arena's */
enum ptm_status ptm_plan_verify(const struct ptm_plan *plan, struct ptm_err *err) PTM_WARN_UNUSED;
void ptm_plan_dump(const struct ptm_plan *plan, FILE *f);

/* Memory that runs of any plan use one after the other: it grows to what the largest needs, then
 * nothing is allocated any more. All zero: empty. */
struct ptm_exec {
    /* parts of state that a call has overwritten in place, and what they held before */
    struct ptm_undo {
        struct ptm_nd part;
        size_t at; /* in `saved` */
    } *undo;
    char *saved;
    size_t n_undo, cap_undo, saved_used, saved_bytes;
    char *arena, *tables, *args;
    size_t arena_bytes, tables_bytes, args_bytes;
    char *scratch; /* of kernels */
    size_t scratch_bytes, scratch_used, scratch_wanted;
    void *overflow; /* blocks of the present call that did not fit */
    struct ptm_events *events; /* where runs are recorded; NULL: they are not. Borrowed */
};
void ptm_exec_release(struct ptm_exec *x);
/* Makes the memory that the plan's runs are known to use, and its pages: so that the first run does
 * not wait for them. */
enum ptm_status ptm_exec_prepare(struct ptm_exec *x, const struct ptm_plan *plan,
                                 struct ptm_err *err) PTM_WARN_UNUSED;
/* Room for the three argument tables of a run. */
enum ptm_status ptm_exec_begin(struct ptm_exec *x, const struct ptm_graph *g, struct ptm_nd **arg,
                               union ptm_imm **scalar, void ***out, struct ptm_err *err)
    PTM_WARN_UNUSED;

/* Outputs in the memory of their donors: a step that writes such a part first saves what was there.
 * Room for n parts of that many bytes together is made before (false: no memory): ptm_exec_save,
 * called before each step, is false where it is not enough. After a call either undo or done. */
size_t ptm_plan_donated_bytes(const struct ptm_plan *plan, uint32_t output); /* that has a donor */
bool ptm_exec_room_to_undo(struct ptm_exec *x, size_t n, size_t bytes);
bool ptm_exec_save(struct ptm_exec *x, const struct ptm_node *n, const struct ptm_ref_call *c);
void ptm_exec_undo(struct ptm_exec *x);
void ptm_exec_done(struct ptm_exec *x);

/* One run. `arg`: per graph input, data and strides; `scalar`: per graph scalar; `out`: per graph
 * output, a buffer of the value's bytes and PTM_SLACK more, row-major; buffers overlap neither
 * arguments nor each other, but that a buffer may be the output's donor. After a failure the buffers' contents are undefined. */
enum ptm_status ptm_plan_run(const struct ptm_plan *plan, struct ptm_exec *exec,
                             const struct ptm_nd *arg, const union ptm_imm *scalar, void *const *out, struct ptm_err *err)
    PTM_WARN_UNUSED;

/* One operator, at once: attributes all A_IMM, absent inputs of dtype PTM_ABSENT, `out` allocated
 * with the types that ptm_op_infer gives; they do not overlap inputs. */
enum ptm_status ptm_eager_run(enum ptm_op op, const struct ptm_nd *in, uint32_t n_in,
                              const struct ptm_attr *attr, uint32_t n_attr,
                              const struct ptm_nd *out, struct ptm_err *err) PTM_WARN_UNUSED;

#endif
