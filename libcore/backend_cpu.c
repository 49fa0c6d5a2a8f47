/* SPDX-License-Identifier: BSD-2-Clause */
/* The cpu backend: our own kernels, f32. The table of its operators, and what they share. */
#include "libcore/backend_cpu.h"

#include <string.h>

#include "kernels/half.h"
#include "libcore/walk.h"

/* -- asking nodes -- */

const struct ptm_type *ptm_cpu_in(const struct ptm_graph *g, const struct ptm_node *n, uint32_t i)
{
    return &g->value[g->operand[n->in + i]].type;
}

bool ptm_cpu_has(const struct ptm_graph *g, const struct ptm_node *n, uint32_t i)
{
    return i < n->n_in && g->operand[n->in + i] != PTM_NO_VALUE;
}

bool ptm_cpu_is_const(const struct ptm_graph *g, const struct ptm_node *n, uint32_t i)
{
    return ptm_cpu_has(g, n, i) && g->value[g->operand[n->in + i]].kind == V_CONST;
}

bool ptm_cpu_unread(const struct ptm_graph *g, const struct ptm_node *n, uint32_t k)
{
    for (size_t i = 0; i < g->n_nodes; i++)
        for (uint32_t j = 0; j < g->node[i].n_in; j++)
            if (g->operand[g->node[i].in + j] == n->out + k)
                return false;
    for (size_t i = 0; i < g->n_outputs; i++)
        if (g->output[i] == n->out + k)
            return false;
    return true;
}

int64_t ptm_cpu_int(const struct ptm_graph *g, const struct ptm_node *n, const char *name)
{
    return ptm_node_attr(g, n, name)->u.i;
}

double ptm_cpu_float(const struct ptm_graph *g, const struct ptm_node *n, const char *name)
{
    return ptm_node_attr(g, n, name)->u.f;
}

int64_t ptm_cpu_item(const struct ptm_graph *g, const struct ptm_node *n, const char *name, int k)
{
    return ptm_node_attr(g, n, name)[1 + k].u.i;
}

int64_t ptm_cpu_count(const struct ptm_graph *g, const struct ptm_node *n, const char *name)
{
    return ptm_node_attr(g, n, name)->u.i;
}

const char *ptm_cpu_all_f32(const struct ptm_graph *g, const struct ptm_node *n)
{
    for (uint32_t i = 0; i < n->n_in; i++) {
        if (!ptm_cpu_has(g, n, i))
            continue;
        const struct ptm_type *t = ptm_cpu_in(g, n, i);
        bool weights = ptm_cpu_is_const(g, n, i) && t->dtype == PTM_F16;
        if (t->dtype != PTM_F32 && !weights)
            return "only f32";
        if (!ptm_type_numel(t))
            return "an empty array";
    }
    const struct ptm_type *out = &g->value[n->out].type;
    if (out->dtype != PTM_F32)
        return "only f32";
    return ptm_type_numel(out) ? NULL : "an empty array";
}

/* -- arrays -- */

int64_t ptm_cpu_numel(const struct ptm_nd *nd)
{
    int64_t n = 1;
    for (int d = 0; d < nd->rank; d++)
        n *= nd->dim[d];
    return n;
}

bool ptm_cpu_dense(const struct ptm_nd *nd)
{
    int64_t step = 1;
    for (int d = nd->rank - 1; d >= 0; d--) {
        if (nd->dim[d] != 1 && nd->stride[d] != step)
            return false;
        step *= nd->dim[d];
    }
    return true;
}

int64_t ptm_cpu_row_step(const struct ptm_nd *nd, bool channels_last)
{
    int inner = channels_last ? 1 : nd->rank - 1;
    for (int d = nd->rank - 1; d >= 0; d--)
        if (d != inner && nd->dim[d] > 1)
            return nd->stride[d];
    return nd->rank ? nd->dim[inner] : 1;
}

float *ptm_cpu_alloc(struct ptm_arena *a, size_t n)
{
    enum { ALIGN = 64 };
    if (n > (PTRDIFF_MAX - ALIGN) / sizeof(float)) {
        a->failed = true;
        return NULL;
    }
    char *p = ptm_arena_alloc(a, n * sizeof(float) + ALIGN);
    return p ? (void *)(p + (ALIGN - (uintptr_t)p % ALIGN) % ALIGN) : NULL;
}

float *ptm_cpu_scratch(const struct ptm_ref_call *c, size_t n)
{
    return n > PTRDIFF_MAX / sizeof(float) ? NULL : c->scratch(c->scratch_ctx, n * sizeof(float));
}

void ptm_cpu_will_scratch(struct ptm_cpu_object *o, size_t n)
{
    if (n < (SIZE_MAX - o->scratch_bytes) / sizeof(float) - 64)
        o->scratch_bytes += (n * sizeof(float) + 63) / 64 * 64;
}

enum ptm_status ptm_cpu_memory(struct ptm_err *err)
{
    return ptm_fail(err, PTM_ERR_MEMORY, "no memory for packed weights");
}

const float *ptm_cpu_floats(struct ptm_arena *a, const struct ptm_nd *nd)
{
    bool half = nd->dtype == PTM_F16;
    if (nd->dtype == PTM_ABSENT)
        return NULL;
    if (!half && ptm_cpu_dense(nd))
        return nd->data;
    size_t n = (size_t)ptm_cpu_numel(nd);
    float *y = ptm_cpu_alloc(a, n);
    if (!y)
        return NULL;
    struct ptm_nd dense = *nd; /* of f16, in the upper half of y: widened from its beginning on */
    uint16_t *h = (uint16_t *)y + n;
    dense.data = half ? (void *)h : y;
    ptm_strides_contiguous(dense.rank, dense.dim, dense.stride);
    ptm_copy_nd(nd, &dense);
    for (size_t i = 0; i < n && half; i++) {
        uint16_t x;
        memcpy(&x, h + i, sizeof(x));
        y[i] = ptm_f16_to_f32(x);
    }
    return y;
}

/* -- packed weights -- */

enum ptm_status ptm_cpu_pack(struct ptm_cpu_object *o, const struct ptm_step_request *rq,
                             const struct ptm_cpu_packing *p, const float **data,
                             struct ptm_err *err)
{
    enum { MOST_PARAMS = 16 };
    const struct ptm_kernel_info *k = o->k.info[p->kernel];
    struct ptm_pack_key key = {.kernel = k->op, .isa = k->isa, .version = PTM_PACK_VERSION};
    int64_t param[2 + MOST_PARAMS] = {k->tile.vl, k->tile.vectors};
    for (size_t i = 0; i < p->n_params; i++)
        param[2 + i] = p->param[i];
    ptm_pack_hash(&key, p->how, param, 2 + p->n_params, p->from, p->n_from);
    PTM_TRY(ptm_packs_get(rq->packs, &key, p->floats * sizeof(float), p->fill, p->ctx, &o->pack,
                          err));
    *data = o->pack->data;
    return PTM_OK;
}

/* -- the backend -- */

static const struct ptm_cpu_row *find(uint16_t op)
{
    for (const struct ptm_cpu_row *r = ptm_cpu_ops; r->op; r++)
        if (r->op->op == op)
            return r;
    return NULL;
}

static const char *unavailable(void)
{
    return NULL;
}

/* By a kernel of its own, else the reference kernel in slices; else the reason against the first. */
static const char *choose(const struct ptm_graph *g, const struct ptm_node *n,
                          struct ptm_claim *claim, const struct ptm_cpu_op **op, uint32_t *kernels)
{
    const struct ptm_cpu_row *row = find(n->op);
    const char *why = row ? row->op->claim(g, n, claim) : "no kernel for this operator";
    *op = why ? &ptm_cpu_sliced : row->op;
    *kernels = why ? 0 : row->kernels;
    if (!why)
        return NULL;
    *claim = (struct ptm_claim){0};
    return ptm_cpu_sliced.claim(g, n, claim) ? why : NULL;
}

static const char *claim(const struct ptm_graph *g, const struct ptm_node *n,
                         struct ptm_claim *out)
{
    const struct ptm_cpu_op *op;
    uint32_t kernels;
    return choose(g, n, out, &op, &kernels);
}

static void free_object(void *object)
{
    struct ptm_cpu_object *o = object;
    if (o->release)
        o->release(o);
    ptm_packs_drop(o->pack);
    ptm_arena_release(&o->memory);
    ptm_free(o);
}

static enum ptm_status compile(const struct ptm_step_request *rq, void **object,
                               struct ptm_step_info *info, struct ptm_err *err)
{
    struct ptm_claim claimed = {0};
    const struct ptm_cpu_op *op;
    uint32_t kernels;
    const char *why = choose(rq->graph, rq->node, &claimed, &op, &kernels);
    if (why)
        return ptm_fail(err, PTM_ERR_UNSUPPORTED, "the cpu backend does not run this node: %s",
                        why);
    struct ptm_cpu_object *o = ptm_malloc(op->object_bytes);
    if (!o)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory to compile a node");
    ptm_kernels_init(&o->k, ptm_cpu_flags());
    ptm_kernels_keep(&o->k, kernels);
    o->pool = rq->pool;
    enum ptm_status s = op->compile(rq, o, err);
    if (s) {
        free_object(o);
        return s;
    }
    *info = (struct ptm_step_info){.kernel = o->how, .isa = o->main ? o->main->isa : "",
                                   .packed_bytes = o->pack ? o->pack->bytes : 0,
                                   .packed = o->pack ? o->pack->data : NULL,
                                   .scratch_bytes = o->scratch_bytes,
                                   .reference = op == &ptm_cpu_sliced};
    *object = o;
    return PTM_OK;
}

static int run(void *object, const struct ptm_ref_call *c)
{
    const struct ptm_cpu_object *o = object;
    return o->run(o, c);
}

const struct ptm_backend ptm_backend_cpu = {
    .name = "cpu",
    .about = "kernels of our own: portable C, compiled for each instruction set",
    .unavailable = unavailable,
    .claim = claim,
    .compile = compile,
    .run = run,
    .free = free_object,
};
