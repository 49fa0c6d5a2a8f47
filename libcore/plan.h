/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plan of a graph on a backend: where each value lives and the kernel of
 * each node. Immutable and shared; a run gets its own arena.
 *
 * Places: root 0 is the arena; others are constants, arguments (bound when
 * running) and outputs. A view node (class `view`, when strides can say it)
 * has no step: its place is its input's with other strides and offset.
 *
 * Invariants (ptm_plan_verify)
 *  - two values whose live ranges overlap do not overlap in the arena, unless
 *    one is a view of the other.
 *  - offsets are 64-byte aligned for roots of storage, and end inside arena_bytes.
 *  - every node whose values are no views has one step, in the graph's order; storage that a
 *    step writes is row-major.
 *  - graph outputs do not live in the arena: they are written to buffers given
 *    for the run, or (outputs that are arguments, constants, views of them or
 *    of each other, or named twice) copied there at the end.
 */
#ifndef PTM_LIBCORE_PLAN_H
#define PTM_LIBCORE_PLAN_H

#include "kernels/ref.h"
#include "libcore/graph.h"

enum ptm_root { R_ARENA, R_ARG, R_CONST, R_OUT, R_SCALAR };

struct ptm_place {
    uint8_t root;      /* enum ptm_root */
    uint32_t ref;      /* number of the argument, constant, output */
    int64_t offset;    /* R_ARENA: bytes; else elements added to the root's first */
    int64_t stride[PTM_MAX_RANK]; /* elements. R_ARG: offset and stride are found when running */
    bool view;         /* shares its root with another value */
};

struct ptm_plan_step {
    uint32_t node;
    ptm_ref_fn *fn;
};

struct ptm_plan {
    const struct ptm_graph *graph;
    struct ptm_place *place; /* per value */
    struct ptm_plan_step *step;
    size_t n_steps;
    uint32_t *copy_out;      /* output numbers copied at the end */
    size_t n_copies;
    size_t arena_bytes;      /* activations */
    uint32_t most_in, most_attr; /* of one step: optional inputs counted */
};

/* Offset and strides, in elements, of a view node's output over its input's; false when the
 * node is none, or these strides cannot say it. */
bool ptm_view_layout(const struct ptm_graph *g, const struct ptm_node *n, const int64_t *in_stride,
                     int64_t *offset, int64_t *stride);

enum ptm_status ptm_plan_make(struct ptm_plan *plan, const struct ptm_graph *g,
                              struct ptm_arena *arena, struct ptm_err *err) PTM_WARN_UNUSED;
enum ptm_status ptm_plan_verify(const struct ptm_plan *plan, struct ptm_err *err) PTM_WARN_UNUSED;

/* One run. `arg`: per graph input, data and strides; `scalar`: per graph scalar; `out`: per graph
 * output, a buffer of the value's bytes, row-major; buffers overlap neither arguments nor each
 * other. After a failure the buffers' contents are undefined. */
enum ptm_status ptm_plan_run(const struct ptm_plan *plan, const struct ptm_nd *arg,
                             const union ptm_imm *scalar, void *const *out, struct ptm_err *err)
    PTM_WARN_UNUSED;

/* One operator, at once: attributes all A_IMM, absent inputs of dtype PTM_ABSENT, `out` allocated
 * with the types that ptm_op_infer gives; they do not overlap inputs. */
enum ptm_status ptm_eager_run(enum ptm_op op, const struct ptm_nd *in, uint32_t n_in,
                              const struct ptm_attr *attr, uint32_t n_attr,
                              const struct ptm_nd *out, struct ptm_err *err) PTM_WARN_UNUSED;

#endif
