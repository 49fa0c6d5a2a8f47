/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The xnnpack backend: a node becomes a runtime of XNNPACK's subgraph API with that one node in it.
 *
 * The library checks little and aborts on much, so claims check everything; compiling and running
 * then only fail for want of memory. Known differences from PyTorch: denormals are flushed to zero,
 * NaN becomes a bound (the library of 2022: also in sums without one; of 2024: only in some
 * layers), and infinities times the zeros that pad a depthwise kernel give NaN. Inputs are read up
 * to 16 bytes past their end.
 */
#include "libcore/backend.h"

#ifdef PTM_HAVE_XNNPACK

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "libcore/backend_xnnpack.h"
#include "libcore/infer.h"

/* -- what is left to cpu -- */

static const char *refuse_extreme(const struct ptm_graph *g, const struct ptm_node *n,
                                  struct ptm_claim *claim)
{
    (void)g, (void)n, (void)claim;
    return "XNNPACK gives the other operand where one is NaN";
}

/* Measured on AVX-512: the softmax of 2022 takes 2 x cpu's time, the exp of 2024 15 x; hardsigmoid
 * and silu would be two nodes. Concat, copies and slices are no faster. */
static const char *refuse_slow(const struct ptm_graph *g, const struct ptm_node *n,
                               struct ptm_claim *claim)
{
    (void)g, (void)n, (void)claim;
    return "no faster in XNNPACK than on cpu";
}

static const struct op {
    enum ptm_op op;
    const char *kernel;
    ptm_xnn_claim_fn *claim;
    ptm_xnn_build_fn *build;
} ops[] = {
    {OP_conv, "xnn convolution_2d", ptm_xnn_claim_conv, ptm_xnn_build_conv},
    {OP_conv_transpose, "xnn deconvolution_2d", ptm_xnn_claim_conv_transpose,
     ptm_xnn_build_conv_transpose},
    {OP_linear, "xnn fully_connected", ptm_xnn_claim_linear, ptm_xnn_build_linear},
    {OP_matmul, "xnn fully_connected", ptm_xnn_claim_matmul, ptm_xnn_build_matmul},
    {OP_batch_norm, "xnn convolution_2d 1x1", ptm_xnn_claim_batch_norm, ptm_xnn_build_batch_norm},
    {OP_max_pool, "xnn max_pooling_2d", ptm_xnn_claim_max_pool, ptm_xnn_build_max_pool},
    {OP_avg_pool, "xnn average_pooling_2d", ptm_xnn_claim_avg_pool, ptm_xnn_build_avg_pool},
    {OP_adaptive_avg_pool, "xnn average_pooling_2d", ptm_xnn_claim_adaptive_avg_pool,
     ptm_xnn_build_adaptive_avg_pool},
    {OP_mean, "xnn global_average_pooling_2d", ptm_xnn_claim_mean, ptm_xnn_build_mean},
    {OP_resize, "xnn static_resize_bilinear_2d", ptm_xnn_claim_resize, ptm_xnn_build_resize},
    {OP_add, "xnn add2", ptm_xnn_claim_add, ptm_xnn_build_binary},
    {OP_sub, "xnn subtract", ptm_xnn_claim_binary, ptm_xnn_build_binary},
    {OP_mul, "xnn multiply2", ptm_xnn_claim_binary, ptm_xnn_build_binary},
    {OP_div, "xnn divide", ptm_xnn_claim_binary, ptm_xnn_build_binary},
    {OP_maximum, NULL, refuse_extreme, NULL},
    {OP_minimum, NULL, refuse_extreme, NULL},
    {OP_neg, "xnn negate", ptm_xnn_claim_unary, ptm_xnn_build_unary},
    {OP_abs, "xnn abs", ptm_xnn_claim_unary, ptm_xnn_build_unary},
    {OP_floor, "xnn floor", ptm_xnn_claim_unary, ptm_xnn_build_unary},
    {OP_ceil, "xnn ceiling", ptm_xnn_claim_unary, ptm_xnn_build_unary},
    {OP_round, "xnn bankers_rounding", ptm_xnn_claim_unary, ptm_xnn_build_unary},
    {OP_sqrt, "xnn square_root", ptm_xnn_claim_unary, ptm_xnn_build_unary},
    {OP_sigmoid, "xnn sigmoid", ptm_xnn_claim_unary, ptm_xnn_build_unary},
    {OP_relu, "xnn clamp", ptm_xnn_claim_unary, ptm_xnn_build_unary},
    {OP_clamp, "xnn clamp", ptm_xnn_claim_clamp, ptm_xnn_build_unary},
    {OP_hardswish, "xnn hardswish", ptm_xnn_claim_unary, ptm_xnn_build_unary},
    {OP_elu, "xnn elu", ptm_xnn_claim_elu, ptm_xnn_build_unary},
    {OP_leaky_relu, "xnn leaky_relu", ptm_xnn_claim_leaky_relu, ptm_xnn_build_unary},
    {OP_silu, NULL, refuse_slow, NULL},
    {OP_hardsigmoid, NULL, refuse_slow, NULL},
#ifdef PTM_XNN_2024
    {OP_exp, NULL, refuse_slow, NULL},
    {OP_tanh, "xnn tanh", ptm_xnn_claim_unary, ptm_xnn_build_unary},
    {OP_log, "xnn log", ptm_xnn_claim_unary, ptm_xnn_build_unary},
    {OP_rsqrt, "xnn reciprocal_square_root", ptm_xnn_claim_unary, ptm_xnn_build_unary},
    {OP_gelu, "xnn gelu", ptm_xnn_claim_gelu, ptm_xnn_build_unary},
    {OP_softmax, "xnn softmax", ptm_xnn_claim_softmax, ptm_xnn_build_softmax},
#else
    {OP_softmax, NULL, refuse_slow, NULL},
#endif
    {OP_prelu, "xnn prelu", ptm_xnn_claim_prelu, ptm_xnn_build_prelu},
    {OP_pad, "xnn static_constant_pad", ptm_xnn_claim_pad, ptm_xnn_build_pad},
};

/* -- starting the library -- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static enum xnn_status started;

static void start(void)
{
    started = xnn_initialize(NULL);
}

static const char *unavailable(void)
{
    pthread_once(&once, start);
    if (started == xnn_status_unsupported_hardware)
        return "XNNPACK does not support this processor";
    return started == xnn_status_success
               ? NULL
               : "XNNPACK cannot start: no memory, or no /sys to read the processors from";
}

/* -- claiming -- */

static const struct op *find(enum ptm_op op)
{
    for (size_t i = 0; i < PTM_LEN(ops); i++)
        if (ops[i].op == op)
            return &ops[i];
    return NULL;
}

static const char *claim_type(const struct ptm_type *t)
{
    if (t->dtype != PTM_F32 || t->qparams >= 0)
        return "not f32";
    if (ptm_type_numel(t) == 0)
        return "no elements";
    for (int i = 0; i < t->rank; i++)
        if (t->dim[i] > INT32_MAX)
            return "a dimension above 2^31";
    return NULL;
}

static const char *claim(const struct ptm_graph *g, const struct ptm_node *n,
                         struct ptm_claim *claim)
{
    const struct op *op = find(n->op);
    bool computed = false;
    if (!op)
        return "no XNNPACK node for this operator";
    if (unavailable())
        return unavailable();
    const char *why = claim_type(&g->value[n->out].type);
    for (uint32_t i = 0; i < n->n_in && !why; i++) {
        if (!ptm_xnn_has(g, n, i))
            continue;
        why = claim_type(ptm_xnn_type(g, n, i));
        computed |= !ptm_xnn_is_const(g, n, i);
    }
    if (why)
        return why;
    if (!computed)
        return "all operands are constants";
    *claim = (struct ptm_claim){.over_reads = true};
    return op->claim(g, n, claim);
}

const char *ptm_xnn_claim_bounds(const struct ptm_graph *g, const struct ptm_node *n)
{
    return ptm_xnn_float(g, n, "min") < ptm_xnn_float(g, n, "max") ? NULL : "an empty range";
}

bool ptm_xnn_unused(const struct ptm_graph *g, const struct ptm_node *n, uint32_t k)
{
    for (size_t i = 0; i < g->n_outputs; i++)
        if (g->output[i] == n->out + k)
            return false;
    for (const struct ptm_node *m = n + 1; m < g->node + g->n_nodes; m++)
        for (uint32_t i = 0; i < m->n_in; i++)
            if (g->operand[m->in + i] == n->out + k)
                return false;
    return true;
}

bool ptm_xnn_channels_last(const struct ptm_nd *x)
{
    return x->rank == 4 && x->dim[1] > 1 && x->dim[2] * x->dim[3] > 1 && x->stride[1] == 1;
}

/* -- building -- */

void ptm_xnn_latch(struct ptm_xnn_build *b, enum xnn_status s)
{
    if (ptm_xnn_good(b))
        b->status = s;
}

static uint32_t define(struct ptm_xnn_build *b, int rank, const int64_t *dim, const float *data,
                       uint32_t external, uint32_t flags)
{
    size_t size[XNN_MAX_TENSOR_DIMS];
    uint32_t id = XNN_INVALID_VALUE_ID;
    if (!ptm_xnn_good(b))
        return id;
    for (int i = 0; i < rank; i++)
        size[i] = (size_t)dim[i];
    ptm_xnn_latch(b, xnn_define_tensor_value(b->subgraph, xnn_datatype_fp32, (size_t)rank, size,
                                             data, external, flags, &id));
    return id;
}

static uint32_t define_external(struct ptm_xnn_build *b, bool output, uint32_t index, int rank,
                                const int64_t *dim, uint32_t flags)
{
    struct ptm_xnn_object *o = b->object;
    uint32_t id = o->n_external++;
    o->external[id].id = id;
    o->from[id].output = output;
    o->from[id].index = (uint8_t)index;
    return define(b, rank, dim, NULL, id, flags);
}

uint32_t ptm_xnn_input(struct ptm_xnn_build *b, uint32_t index, int rank, const int64_t *dim)
{
    return define_external(b, false, index, rank, dim, XNN_VALUE_FLAG_EXTERNAL_INPUT);
}

uint32_t ptm_xnn_output(struct ptm_xnn_build *b, int rank, const int64_t *dim)
{
    return define_external(b, true, 0, rank, dim, XNN_VALUE_FLAG_EXTERNAL_OUTPUT);
}

uint32_t ptm_xnn_constant(struct ptm_xnn_build *b, int rank, const int64_t *dim, const float *data)
{
    assert(b->n_constants < PTM_LEN(b->constant));
    struct ptm_nd *nd = &b->constant[b->n_constants++];
    *nd = (struct ptm_nd){.dtype = PTM_F32, .rank = (uint8_t)rank};
    memcpy(nd->dim, dim, (size_t)rank * sizeof(*dim));
    memcpy(&nd->data, &data, sizeof(data)); /* only read */
    ptm_strides_contiguous(rank, dim, nd->stride);
    return define(b, rank, dim, data, XNN_INVALID_VALUE_ID, 0);
}

float *ptm_xnn_floats(struct ptm_xnn_build *b, struct ptm_arena *a, size_t n)
{
    float *f = ptm_arena_array(a, n + XNN_EXTRA_BYTES / sizeof(float), sizeof(float));
    if (!f)
        ptm_xnn_latch(b, xnn_status_out_of_memory);
    return f;
}

const float *ptm_xnn_gather(struct ptm_xnn_build *b, struct ptm_arena *a, const struct ptm_nd *x,
                            const int *order)
{
    int64_t dim[PTM_MAX_RANK], stride[PTM_MAX_RANK], at[PTM_MAX_RANK] = {0}, n = 1;
    const float *from = x->data;
    bool dense = a == &b->weights && (uintptr_t)from % sizeof(float) == 0;
    for (int i = x->rank - 1; i >= 0; i--) {
        dim[i] = x->dim[order[i]];
        stride[i] = x->stride[order[i]];
        dense = dense && (dim[i] == 1 || stride[i] == n);
        n *= dim[i];
    }
    if (dense)
        return from;
    float *to = ptm_xnn_floats(b, a, (size_t)n);
    if (!to)
        return NULL;
    int last = x->rank - 1;
    for (int64_t k = 0, offset = 0; k < n;) {
        int64_t run = last < 0 ? 1 : dim[last], step = last < 0 ? 1 : stride[last];
        const char *p = (const char *)from + offset * (int64_t)sizeof(float);
        for (int64_t i = 0; i < run; i++) /* files may hold numbers that are not aligned */
            memcpy(&to[k + i], p + i * step * (int64_t)sizeof(float), sizeof(float));
        k += run;
        for (int i = last - 1; i >= 0; i--) {
            offset += stride[i];
            if (++at[i] < dim[i])
                break;
            offset -= stride[i] * dim[i];
            at[i] = 0;
        }
    }
    return to;
}

/* -- packed weights: the library's cache of them is the model's store -- */

#ifdef PTM_XNN_2024
enum { NOT_FOUND = -1 }; /* as a size_t; else the address of the pack's bytes */

/* Of all that the bytes depend on: what the library says, the node's attributes, the operands. */
static struct ptm_pack_key pack_key(const struct ptm_xnn_build *b, uint32_t seed)
{
    const struct ptm_node *n = b->rq->node;
    struct ptm_pack_key key = {
        .kernel = "xnnpack", .isa = "", .version = PTM_PACK_OF_LIBRARY};
    int64_t param[1 + PTM_MAX_ATTRS * (1 + PTM_MAX_RANK)] = {seed};
    uint32_t n_params = 1;
    for (uint32_t i = 0; i < n->n_attr && n_params < PTM_LEN(param); i++)
        param[n_params++] = b->rq->graph->attr[n->attr + i].u.i;
    ptm_pack_hash(&key, ptm_op_info(n->op)->name, param, n_params, b->constant, b->n_constants);
    return key;
}

static size_t pack_address(const struct ptm_xnn_build *b)
{
    const struct ptm_pack *pack = b->object->pack;
    return pack ? (size_t)(uintptr_t)pack->data : (size_t)NOT_FOUND;
}

static size_t look_up(void *build, const struct xnn_weights_cache_look_up_key *k)
{
    struct ptm_xnn_build *b = build;
    size_t least = 0;
    for (uint32_t i = 0; i < b->n_constants; i++) {
        const struct ptm_nd *nd = &b->constant[i];
        size_t n = sizeof(float);
        for (int d = 0; d < nd->rank; d++)
            n *= (size_t)nd->dim[d];
        least += n;
    }
    struct ptm_pack_key key = pack_key(b, k->seed);
    b->object->pack = ptm_packs_find(b->rq->packs, &key, least);
    return pack_address(b);
}

static void *reserve_space(void *build, size_t bytes)
{
    enum { ALIGN = 64 }; /* the packing kernels' stores rely on it */
    struct ptm_xnn_build *b = build;
    char *p = ptm_arena_array(&b->weights, bytes + ALIGN, 1);
    return p ? p + (ALIGN - (uintptr_t)p % ALIGN) % ALIGN : NULL;
}

struct packed {
    const void *data;
    size_t bytes;
};

static bool copy_packed(const void *ctx, void *to)
{
    const struct packed *p = ctx;
    memcpy(to, p->data, p->bytes);
    return true;
}

static size_t insert(void *build, const struct xnn_weights_cache_look_up_key *k, void *data,
                     size_t bytes)
{
    struct ptm_xnn_build *b = build;
    struct ptm_pack **pack = &b->object->pack;
    struct packed p = {data, bytes};
    struct ptm_pack_key key = pack_key(b, k->seed);
    if (!*pack && ptm_packs_get(b->rq->packs, &key, bytes, copy_packed, &p, pack, NULL))
        ptm_xnn_latch(b, xnn_status_out_of_memory);
    return pack_address(b);
}

static bool is_finalized(void *build)
{
    (void)build;
    return true;
}

static void *address(void *build, size_t at)
{
    (void)build;
    return (void *)(uintptr_t)at;
}

static enum xnn_status delete_cache(void *build)
{
    (void)build;
    return xnn_status_success;
}

static enum xnn_status create_runtime(struct ptm_xnn_build *b, uint32_t flags)
{
    struct ptm_xnn_object *o = b->object;
    o->cache = (struct xnn_weights_cache_provider){
        .context = b, .look_up = look_up, .reserve_space = reserve_space,
        .look_up_or_insert = insert, .is_finalized = is_finalized, .offset_to_addr = address,
        .delete_cache = delete_cache};
    enum xnn_status st = xnn_create_runtime_v3(b->subgraph, &o->cache, b->rq->pool, flags,
                                               &o->runtime);
    o->cache.context = NULL; /* nothing is packed any more */
    return st;
}
#else
static enum xnn_status create_runtime(struct ptm_xnn_build *b, uint32_t flags)
{
    return xnn_create_runtime_v2(b->subgraph, b->rq->pool, flags, &b->object->runtime);
}
#endif

/* -- compiling and running -- */

static void free_object(void *object)
{
    struct ptm_xnn_object *o = object;
    if (!o)
        return;
    xnn_delete_runtime(o->runtime);
    ptm_packs_drop(o->pack);
    ptm_arena_release(&o->constants);
    ptm_free(o);
}

/* Idle workers spin for long unless the last job tells them to yield; to yield in between costs a
 * wake-up per node. */
static bool is_last(const struct ptm_step_request *rq)
{
    struct ptm_claim c;
    for (const struct ptm_node *m = rq->node + 1; m < rq->graph->node + rq->graph->n_nodes; m++)
        if (!claim(rq->graph, m, &c))
            return false;
    return true;
}

static void make_runtime(struct ptm_xnn_build *b, ptm_xnn_build_fn *build)
{
    ptm_xnn_latch(b, xnn_create_subgraph(PTM_XNN_MOST_EXTERNAL, 0, &b->subgraph));
    if (ptm_xnn_good(b))
        build(b);
    if (ptm_xnn_good(b))
        ptm_xnn_latch(b, create_runtime(b, is_last(b->rq) ? XNN_FLAG_YIELD_WORKERS : 0));
    xnn_delete_subgraph(b->subgraph);
    b->subgraph = NULL;
}

static enum ptm_status compile(const struct ptm_step_request *rq, void **object,
                               struct ptm_step_info *info, struct ptm_err *err)
{
    const struct op *op = find(rq->node->op);
    struct ptm_xnn_build b = {.rq = rq, .status = xnn_status_success};
    b.object = ptm_malloc(sizeof(*b.object));
    if (!b.object)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for an XNNPACK node");
    b.object->kernel = op->kernel;
    make_runtime(&b, op->build);
    ptm_arena_release(&b.weights);
    if (!ptm_xnn_good(&b)) {
        free_object(b.object);
        if (b.status == xnn_status_out_of_memory)
            return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the XNNPACK node of '%s'",
                            ptm_op_info(rq->node->op)->name);
        return ptm_fail(err, PTM_ERR_UNSUPPORTED, "XNNPACK refuses '%s' (its status %d)",
                        ptm_op_info(rq->node->op)->name, (int)b.status);
    }
    *object = b.object;
    const struct ptm_pack *pack = b.object->pack;
    *info = (struct ptm_step_info){
        .kernel = b.object->kernel, .isa = "",
        .packed_bytes = pack ? pack->bytes : b.object->packed_bytes,
        .packed = pack ? pack->data : NULL};
    return PTM_OK;
}

static int run(void *object, const struct ptm_ref_call *c)
{
    struct ptm_xnn_object *o = object;
    bool moved = false;
    for (uint32_t i = 0; i < o->n_external; i++) {
        void *data = (o->from[i].output ? c->out : c->in)[o->from[i].index].data;
        moved |= data != o->external[i].data;
        o->external[i].data = data;
    }
    if (moved && xnn_setup_runtime(o->runtime, o->n_external, o->external)) {
        o->external[0].data = NULL; /* set up again by the next run */
        return PTM_REF_MEMORY;
    }
    return xnn_invoke_runtime(o->runtime) == xnn_status_success ? 0 : PTM_REF_MEMORY;
}

#ifdef PTM_XNN_2024
#define RELEASE "2024"
#else
#define RELEASE "2022"
#endif

const struct ptm_backend ptm_backend_xnnpack = {
    .name = "xnnpack",
    .about = "the library XNNPACK, with the interface of " RELEASE,
    .unavailable = unavailable,
    .claim = claim,
    .compile = compile,
    .run = run,
    .free = free_object,
};

#else

static const char *unavailable(void)
{
    return "built without XNNPACK";
}

static const char *claim(const struct ptm_graph *g, const struct ptm_node *n,
                         struct ptm_claim *claim)
{
    (void)g, (void)n, (void)claim;
    return unavailable();
}

const struct ptm_backend ptm_backend_xnnpack = {
    .name = "xnnpack", .about = "the library XNNPACK", .unavailable = unavailable, .claim = claim};

#endif
