/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Backends: what runs the nodes of a graph. The planner asks the session's
 * backends in order to claim each node; what nobody claims runs on the C
 * reference kernel. A claimed node becomes one step: an object that the backend
 * compiles once, with the operands' final strides, and runs many times.
 *
 * A session's pieces are its own, so an object is used by one thread at a time.
 */
#ifndef PTM_LIBCORE_BACKEND_H
#define PTM_LIBCORE_BACKEND_H

#include "kernels/ref.h"
#include "libcore/graph.h"

struct pthreadpool;

/* How a claimed node wants its operands. Constants come as they are. */
struct ptm_claim {
    bool channels_last; /* inputs and outputs of rank 4 (rank 3: N, C, W) dense in order N, H, W, C;
                         * otherwise row-major */
    bool any_strides;   /* takes any strides of its inputs: nothing is converted for it */
    uint8_t slack;      /* bytes past its inputs and outputs that it may read */
};

/* A step to compile. in/out: dtype, dims and strides as they will be when running; data only for
 * constants (they outlive the object), NULL for others. Absent inputs have dtype PTM_ABSENT. */
struct ptm_step_request {
    const struct ptm_graph *graph;
    const struct ptm_node *node;
    const struct ptm_nd *in, *out;
    uint32_t n_in, n_out;
    struct pthreadpool *pool; /* NULL: one thread. Outlives the object. */
};

struct ptm_step_info {
    const char *kernel;  /* "gemm 6x16", "xnn convolution_2d"; static or as long as the object */
    const char *isa;     /* "avx512f", "" */
    size_t packed_bytes; /* packed weights of its own */
};

struct ptm_backend {
    const char *name;
    /* NULL: usable here; else why not (static text) */
    const char *(*unavailable)(void);
    /* NULL: claimed, *claim filled; else the reason why not (static text) */
    const char *(*claim)(const struct ptm_graph *g, const struct ptm_node *n,
                         struct ptm_claim *claim);
    enum ptm_status (*compile)(const struct ptm_step_request *rq, void **object,
                               struct ptm_step_info *info, struct ptm_err *err);
    /* The same call as for a reference kernel; in/out point to memory that may change from run to
     * run, strides as compiled. Allocates nothing but through c->scratch. */
    int (*run)(void *object, const struct ptm_ref_call *c);
    void (*free)(void *object);
};

/* All of this build, in table order; NULL-terminated: cpu, xnnpack. `ref` is not among them: it is
 * what runs when no backend is asked. */
extern const struct ptm_backend *const ptm_backends[];
const struct ptm_backend *ptm_backend_find(const char *name); /* NULL: none of that name */

#endif
