/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the xnnpack backend share: rows of operators, and the building of the small
 * subgraph that one node becomes.
 *
 * To add an operator: a row in backend_xnnpack.c; in a family file claim_<op>, which refuses with a
 * reason everything that the library would refuse, get wrong or abort on, and build_<op>, which
 * defines values and nodes; cases in tests/unit/test_xnnpack.c.
 */
#ifndef PTM_LIBCORE_BACKEND_XNNPACK_H
#define PTM_LIBCORE_BACKEND_XNNPACK_H

#ifdef PTM_HAVE_XNNPACK

#include <xnnpack.h>

#include "libcore/backend.h"
#include "libcore/packs.h"

/* The library of 2024 has nodes that the one of 2022 lacks; all older ones are there as well. */
#ifdef XNN_FLAG_BASIC_PROFILING
#define PTM_XNN_2024 1
#endif

enum { PTM_XNN_MOST_EXTERNAL = 3 };

/* A compiled node. */
struct ptm_xnn_object {
    xnn_runtime_t runtime;
    struct xnn_external_value external[PTM_XNN_MOST_EXTERNAL]; /* data: as set up last */
    struct {
        bool output;
        uint8_t index; /* of in[] or out[] */
    } from[PTM_XNN_MOST_EXTERNAL];
    uint32_t n_external;
    struct ptm_arena constants; /* operands that the library reads while running */
    struct ptm_pack *pack;      /* what the library packed, when it lets us keep that: 2024 */
#ifdef PTM_XNN_2024
    struct xnn_weights_cache_provider cache;
#endif
    size_t packed_bytes; /* weights that the library copied; in 2022 an estimate */
    const char *kernel;
};

/* A node at work. The first failure is latched; definitions after it do nothing. */
struct ptm_xnn_build {
    const struct ptm_step_request *rq;
    struct ptm_xnn_object *object;
    xnn_subgraph_t subgraph;
    struct ptm_arena weights; /* operands that the library copies */
    struct ptm_nd constant[PTM_XNN_MOST_EXTERNAL];
    uint32_t n_constants;
    enum xnn_status status;
};

/* NULL: claimed, and the claim is filled; else why not. */
typedef const char *ptm_xnn_claim_fn(const struct ptm_graph *g, const struct ptm_node *n,
                                     struct ptm_claim *claim);
typedef void ptm_xnn_build_fn(struct ptm_xnn_build *b);

/* -- the values of a subgraph: numbers for xnn_define_*; XNN_INVALID_VALUE_ID after a failure -- */
uint32_t ptm_xnn_input(struct ptm_xnn_build *b, uint32_t index, int rank, const int64_t *dim);
uint32_t ptm_xnn_output(struct ptm_xnn_build *b, int rank, const int64_t *dim);
uint32_t ptm_xnn_constant(struct ptm_xnn_build *b, int rank, const int64_t *dim,
                          const float *data);
void ptm_xnn_latch(struct ptm_xnn_build *b, enum xnn_status s);
static inline bool ptm_xnn_good(const struct ptm_xnn_build *b)
{
    return b->status == xnn_status_success;
}

/* Room for n floats, and 16 bytes behind them; NULL (latched) without memory. */
float *ptm_xnn_floats(struct ptm_xnn_build *b, struct ptm_arena *a, size_t n);
/* The elements of x, dims in that order of `order` (rank of them), densely; x itself when it lies
 * so. */
const float *ptm_xnn_gather(struct ptm_xnn_build *b, struct ptm_arena *a, const struct ptm_nd *x,
                            const int *order);

/* -- graph access -- */
static inline const struct ptm_type *ptm_xnn_type(const struct ptm_graph *g,
                                                  const struct ptm_node *n, uint32_t input)
{
    return &g->value[g->operand[n->in + input]].type;
}
static inline bool ptm_xnn_has(const struct ptm_graph *g, const struct ptm_node *n, uint32_t input)
{
    return input < n->n_in && g->operand[n->in + input] != PTM_NO_VALUE;
}
static inline bool ptm_xnn_is_const(const struct ptm_graph *g, const struct ptm_node *n,
                                    uint32_t input)
{
    return ptm_xnn_has(g, n, input) && g->value[g->operand[n->in + input]].kind == V_CONST;
}
static inline int64_t ptm_xnn_int(const struct ptm_graph *g, const struct ptm_node *n,
                                  const char *name)
{
    return ptm_node_attr(g, n, name)->u.i;
}
static inline int64_t ptm_xnn_item(const struct ptm_graph *g, const struct ptm_node *n,
                                   const char *name, int i)
{
    return ptm_node_attr(g, n, name)[1 + i].u.i;
}
static inline float ptm_xnn_float(const struct ptm_graph *g, const struct ptm_node *n,
                                  const char *name)
{
    return (float)ptm_node_attr(g, n, name)->u.f;
}
/* The attributes min and max keep something apart: the library refuses empty ranges. */
const char *ptm_xnn_claim_bounds(const struct ptm_graph *g, const struct ptm_node *n);
/* Does nothing read output number k of the node? */
bool ptm_xnn_unused(const struct ptm_graph *g, const struct ptm_node *n, uint32_t k);
/* Is the array, of rank 4, in memory order N, H, W, C (and not row-major as well)? */
bool ptm_xnn_channels_last(const struct ptm_nd *x);

/* -- backend_xnnpack_conv.c -- */
ptm_xnn_claim_fn ptm_xnn_claim_conv, ptm_xnn_claim_conv_transpose, ptm_xnn_claim_linear,
    ptm_xnn_claim_matmul, ptm_xnn_claim_batch_norm;
ptm_xnn_build_fn ptm_xnn_build_conv, ptm_xnn_build_conv_transpose, ptm_xnn_build_linear,
    ptm_xnn_build_matmul, ptm_xnn_build_batch_norm;
/* A kernel of that size over each channel alone: the size that the library has fast code for, by
 * rows and columns of zeros; false when there is none. */
bool ptm_xnn_depthwise_size(int64_t h, int64_t w, int64_t *padded_h, int64_t *padded_w);

/* -- backend_xnnpack_pool.c -- */
ptm_xnn_claim_fn ptm_xnn_claim_max_pool, ptm_xnn_claim_avg_pool, ptm_xnn_claim_adaptive_avg_pool,
    ptm_xnn_claim_mean, ptm_xnn_claim_resize;
ptm_xnn_build_fn ptm_xnn_build_max_pool, ptm_xnn_build_avg_pool, ptm_xnn_build_adaptive_avg_pool,
    ptm_xnn_build_mean, ptm_xnn_build_resize;

/* -- backend_xnnpack_elementwise.c -- */
ptm_xnn_claim_fn ptm_xnn_claim_binary, ptm_xnn_claim_add, ptm_xnn_claim_unary, ptm_xnn_claim_clamp,
    ptm_xnn_claim_leaky_relu, ptm_xnn_claim_elu, ptm_xnn_claim_gelu, ptm_xnn_claim_prelu,
    ptm_xnn_claim_softmax, ptm_xnn_claim_pad;
ptm_xnn_build_fn ptm_xnn_build_binary, ptm_xnn_build_unary, ptm_xnn_build_prelu,
    ptm_xnn_build_softmax, ptm_xnn_build_pad;

#endif
#endif
