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
struct ptm_packs;

/* How a claimed node wants its operands that are not constants (those come as they are). Only
 * rank 4 knows another order than row-major: channels last, memory order N, H, W, C. Arrays are
 * dense, or where the claim says so:
 *  - in rows: the same gap follows each run of the dim that is innermost in that order, so that
 *    the rows of a matrix, or the pixels of a channels-last image, are further apart;
 *  - of any strides. */
enum ptm_layout {
    LAYOUT_ROW_MAJOR,
    LAYOUT_CHANNELS_LAST, /* rank 4 operands and outputs; others row-major */
    LAYOUT_SAME,          /* either, all rank 4 operands and outputs alike */
};
struct ptm_claim {
    uint8_t layout;   /* enum ptm_layout */
    bool any_strides; /* takes its inputs with any strides; layout then says the outputs' */
    bool row_inputs;  /* takes its inputs in rows */
    bool any_outputs; /* writes any strides */
    bool row_outputs; /* writes rows */
    bool over_reads;  /* may read up to 16 bytes past its inputs */
    bool in_place;    /* its output may be an input of the same dims, dtype and strides */
};

/* A step to compile. in/out: dtype, dims and strides as they will be when running; data only for
 * constants (they outlive the object), NULL for others. Absent inputs have dtype PTM_ABSENT. */
struct ptm_step_request {
    const struct ptm_graph *graph;
    const struct ptm_node *node;
    const struct ptm_nd *in, *out;
    uint32_t n_in, n_out;
    struct pthreadpool *pool; /* NULL: one thread. Outlives the object. */
    struct ptm_packs *packs;  /* shared packed weights; NULL: none. Outlives the object. */
};

struct ptm_step_info {
    const char *kernel;  /* "gemm 6x16", "xnn convolution_2d"; static or as long as the object */
    const char *isa;     /* "avx512f", "" */
    size_t packed_bytes; /* packed weights */
    const void *packed;  /* where, for steps that share them; NULL: the step's own */
    size_t scratch_bytes; /* that a run asks c->scratch for; 0: not known */
    bool reference;      /* it runs the operator's reference kernel */
};

struct ptm_backend {
    const char *name;
    const char *about; /* "XNNPACK, the library of 2022" */
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

/* All of this build, in table order; NULL-terminated: xnnpack, cpu. `ref` is not among them: it is
 * what runs when no backend is asked. */
extern const struct ptm_backend *const ptm_backends[];
extern const struct ptm_backend ptm_backend_xnnpack, ptm_backend_cpu;
const struct ptm_backend *ptm_backend_find(const char *name); /* NULL: none of that name */

/* The calling thread and n - 1 others; NULL: the calling thread alone (n below 2, a build without
 * pthreadpool, or no memory). */
struct pthreadpool *ptm_threads_open(uint32_t n);
void ptm_threads_close(struct pthreadpool *pool); /* NULL ok */
size_t ptm_threads_count(struct pthreadpool *pool);
/* task(ctx, i) for i < n, in any order. NULL pool: in order, here. */
void ptm_threads_run(struct pthreadpool *pool, size_t n, void (*task)(void *ctx, size_t i),
                     void *ctx);
/* ptm_copy_nd, in parts when that is worth it. */
void ptm_threads_copy(struct pthreadpool *pool, const struct ptm_nd *from, const struct ptm_nd *to);

#endif
