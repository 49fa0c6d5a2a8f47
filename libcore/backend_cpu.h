/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the cpu backend share: the rows of operators, objects, the splitting of work
 * over threads, and the matrix product that convolutions, linear layers, attention and recurrent
 * layers are made of.
 *
 * To add an operator: a row in backend_cpu_ops.c; in a family file claim_<op>, which refuses with a
 * reason what compile could not do, and compile_<op>; cases in tests/unit/test_cpu.c.
 */
#ifndef PTM_LIBCORE_BACKEND_CPU_H
#define PTM_LIBCORE_BACKEND_CPU_H

#include "kernels/kernel.h"
#include "libcore/backend.h"
#include "libcore/packs.h"

/* A compiled node; families put their own fields behind it. */
struct ptm_cpu_object {
    int (*run)(const struct ptm_cpu_object *o, const struct ptm_ref_call *c);
    struct ptm_kernels k;
    struct pthreadpool *pool;
    struct ptm_arena memory; /* all that the object owns but packed weights */
    struct ptm_pack *pack;   /* packed weights; NULL: none */
    const struct ptm_kernel_info *main; /* of the kernel that does most of the work; may be NULL */
    const char *how;                    /* "conv", "depthwise": static */
    size_t scratch_bytes;               /* of a run */
    void *more;                         /* in `memory`, of an operator with several kinds */
    void (*release)(struct ptm_cpu_object *o); /* what is neither memory nor pack; NULL: nothing */
};

struct ptm_cpu_op {
    uint16_t op;
    const char *(*claim)(const struct ptm_graph *g, const struct ptm_node *n,
                         struct ptm_claim *claim);
    size_t object_bytes;
    /* Fills the object: `run` at least. */
    enum ptm_status (*compile)(const struct ptm_step_request *rq, struct ptm_cpu_object *o,
                               struct ptm_err *err);
};
struct ptm_cpu_row {
    const char *name;
    const struct ptm_cpu_op *op;
    uint32_t kernels; /* bit per PTM_KERNEL_*: those that its objects may call */
};
extern const struct ptm_cpu_row ptm_cpu_ops[]; /* until the row without an op */
extern const struct ptm_cpu_op ptm_cpu_sliced; /* for what the rows leave out or refuse */

/* Convolutions over other than two spatial dims. */
const char *ptm_cpu_claim_conv_nd(const struct ptm_graph *g, const struct ptm_node *n,
                                  struct ptm_claim *claim);
enum ptm_status ptm_cpu_compile_conv_nd(const struct ptm_step_request *rq,
                                        struct ptm_cpu_object *o, struct ptm_err *err);

/* Means over the last two dims of rank 4, channels last. */
enum ptm_status ptm_cpu_compile_global_mean(struct ptm_cpu_object *o);

/* -- asking nodes -- */
const struct ptm_type *ptm_cpu_in(const struct ptm_graph *g, const struct ptm_node *n, uint32_t i);
bool ptm_cpu_has(const struct ptm_graph *g, const struct ptm_node *n, uint32_t i);
bool ptm_cpu_is_const(const struct ptm_graph *g, const struct ptm_node *n, uint32_t i);
/* Is output k of the node read by nobody? */
bool ptm_cpu_unread(const struct ptm_graph *g, const struct ptm_node *n, uint32_t k);
int64_t ptm_cpu_int(const struct ptm_graph *g, const struct ptm_node *n, const char *name);
double ptm_cpu_float(const struct ptm_graph *g, const struct ptm_node *n, const char *name);
/* Element k of a list; its length. */
int64_t ptm_cpu_item(const struct ptm_graph *g, const struct ptm_node *n, const char *name, int k);
int64_t ptm_cpu_count(const struct ptm_graph *g, const struct ptm_node *n, const char *name);
/* NULL, or why not: all inputs and outputs f32 (constants: f16 as well), none empty. */
const char *ptm_cpu_all_f32(const struct ptm_graph *g, const struct ptm_node *n);

/* -- arrays -- */
int64_t ptm_cpu_numel(const struct ptm_nd *nd);
/* Are elements in row-major order, without gaps? */
bool ptm_cpu_dense(const struct ptm_nd *nd);
/* An array in rows (libcore/backend.h): elements from one row to the next. */
int64_t ptm_cpu_row_step(const struct ptm_nd *nd, bool channels_last);
/* A constant f32 or f16 array as row-major f32: the array itself where it is that, else a copy;
 * NULL when absent, or memory is out (then a->failed). */
const float *ptm_cpu_floats(struct ptm_arena *a, const struct ptm_nd *nd);
/* `n` floats, 64-byte aligned, zero; NULL: no memory. */
float *ptm_cpu_alloc(struct ptm_arena *a, size_t n);
float *ptm_cpu_scratch(const struct ptm_ref_call *c, size_t n);
/* Says when compiling that runs will ask for n floats. */
void ptm_cpu_will_scratch(struct ptm_cpu_object *o, size_t n);
enum ptm_status ptm_cpu_memory(struct ptm_err *err);

/* -- packed weights -- */
/* What is to be packed: for which kernel, how (a name, and all numbers that the order depends on
 * beside the kernel's tile), from which arrays. */
struct ptm_cpu_packing {
    enum ptm_kernel_op kernel;
    const char *how;
    const int64_t *param;
    size_t n_params;
    const struct ptm_nd *from;
    size_t n_from;
    size_t floats; /* of the result */
    bool (*fill)(const void *ctx, void *to); /* `to` is zeroed; false: no memory */
    const void *ctx;
};
/* From the request's store of packs, or made; *data is the object's as long as it lives. */
enum ptm_status ptm_cpu_pack(struct ptm_cpu_object *o, const struct ptm_step_request *rq,
                             const struct ptm_cpu_packing *p, const float **data,
                             struct ptm_err *err);

/* -- matrix product: c[r][j] = clamp(bias[j] + sum_t sum_k a(r, t)[k] w[t][k][j]) -- */

/* w[taps * depth][n] as panels of nearly equal width: `bias`, then w, column by column of panels. */
struct ptm_cpu_panels {
    const float *data;
    size_t n, depth; /* depth: all terms of a sum */
    size_t vl, vectors, panels;
};
/* Works out the fields but data; floats to allocate. */
size_t ptm_cpu_panels_size(struct ptm_cpu_panels *p, const struct ptm_kernels *k, size_t n,
                           size_t depth);
/* Fills `data` (that many floats, zero): element (d, j) of w is w[d * d_stride + j * n_stride].
 * bias: n numbers, or NULL. */
void ptm_cpu_panels_fill(const struct ptm_cpu_panels *p, const struct ptm_kernels *k, float *data,
                         const float *w, int64_t d_stride, int64_t n_stride, const float *bias);

enum { PTM_CPU_ROOM = 8192 };
struct ptm_cpu_gemm {
    const struct ptm_kernels *k;
    const struct ptm_cpu_panels *w;
    size_t rows, taps, depth; /* depth: terms per tap */
    /* table[t * stride + r] = where row (row + r)'s terms of tap (tap + t) lie. room:
     * PTM_CPU_ROOM floats that it may fill and point to, where `copies` is set (then taps is 1 and
     * depth at most PTM_CPU_ROOM). */
    void (*point)(const void *ctx, size_t row, size_t rows, size_t tap, size_t taps,
                  const float **table, size_t stride, float *room);
    const void *ctx;
    bool copies;
    bool accumulate; /* starts from c, not from the bias */
    float *c;
    size_t c_stride;
    float min, max;
};
void ptm_cpu_gemm(const struct ptm_cpu_gemm *g, struct pthreadpool *pool);
/* point of plain rows. */
struct ptm_cpu_rows {
    const float *a;
    size_t stride;
};
void ptm_cpu_point_rows(const void *ctx, size_t row, size_t rows, size_t tap, size_t taps,
                        const float **table, size_t stride, float *room);

#endif
