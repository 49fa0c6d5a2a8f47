/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cpu backend's sums, means and maxima over dims that lie side by side. The array is seen as
 * [outer, n, inner]: with inner 1 each result is the sum of a row, else rows of `inner` numbers are
 * added up.
 */
#include "libcore/backend_cpu.h"

enum {
    PIECE = 4096,     /* numbers that are added up in f32 */
    BLOCK = 256,      /* of `inner`, per task */
    SMALL = 1 << 14,  /* elements that one thread works on */
};

struct reduce {
    struct ptm_cpu_object o;
    size_t outer, n, inner;
    enum ptm_pool op;
    float scale;
};

struct call {
    const struct reduce *v;
    const float *x;
    float *y;
    size_t blocks, block; /* of inner 1: tasks, and results of each; else per `outer` */
};

static void row_part(void *ctx, size_t task)
{
    const struct call *p = ctx;
    const struct reduce *v = p->v;
    size_t end = (task + 1) * p->block < v->outer ? (task + 1) * p->block : v->outer;
    for (size_t r = task * p->block; r < end; r++) {
        double sum = 0;
        for (size_t i = 0; i < v->n; i += PIECE)
            sum += (double)v->o.k.sum_f32(v->n - i < PIECE ? v->n - i : PIECE,
                                          p->x + r * v->n + i, 0.0f, false);
        p->y[r] = (float)(sum * (double)v->scale);
    }
}

static void inner_part(void *ctx, size_t task)
{
    const struct call *p = ctx;
    const struct reduce *v = p->v;
    size_t i = task / p->blocks, first = task % p->blocks * p->block;
    struct ptm_pool_f32 t = {
        .op = v->op, .taps = v->n, .tap_stride = v->inner, .scale = v->scale,
        .channels = v->inner - first < p->block ? v->inner - first : p->block,
        .base = p->x + i * v->n * v->inner + first, .y = p->y + i * v->inner + first};
    v->o.k.pool_f32(&t);
}

static int run_reduce(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    const struct reduce *v = (const struct reduce *)o;
    size_t all = v->outer * v->n * v->inner, threads = ptm_threads_count(o->pool);
    struct call p = {.v = v, .x = c->in[0].data, .y = c->out[0].data, .blocks = 1};
    struct pthreadpool *pool = all > SMALL ? o->pool : NULL;
    if (v->inner == 1) {
        p.block = (v->outer + 4 * threads - 1) / (4 * threads);
        ptm_threads_run(pool, (v->outer + p.block - 1) / p.block, row_part, &p);
        return 0;
    }
    p.block = BLOCK;
    p.blocks = (v->inner + BLOCK - 1) / BLOCK;
    ptm_threads_run(pool, v->outer * p.blocks, inner_part, &p);
    return 0;
}

/* The array as [outer, n, inner]; false when the reduced dims are not side by side. */
static bool read_dims(const struct ptm_graph *g, const struct ptm_node *n, struct reduce *v)
{
    const struct ptm_type *x = ptm_cpu_in(g, n, 0);
    int64_t count = ptm_cpu_count(g, n, "dims");
    uint32_t dims = count ? 0 : (1u << x->rank) - 1;
    for (int k = 0; k < count; k++)
        dims |= 1u << ptm_cpu_item(g, n, "dims", k);
    v->outer = v->n = v->inner = 1;
    int d = 0;
    for (; d < x->rank && !(dims >> d & 1); d++)
        v->outer *= (size_t)x->dim[d];
    for (; d < x->rank && dims >> d & 1; d++)
        v->n *= (size_t)x->dim[d];
    for (; d < x->rank && !(dims >> d & 1); d++)
        v->inner *= (size_t)x->dim[d];
    return d == x->rank;
}

/* Means over all of an image, which lies channels last. */
static bool over_space(const struct ptm_graph *g, const struct ptm_node *n)
{
    if (n->op != OP_mean || ptm_cpu_in(g, n, 0)->rank != 4 || ptm_cpu_count(g, n, "dims") != 2)
        return false;
    int64_t a = ptm_cpu_item(g, n, "dims", 0), b = ptm_cpu_item(g, n, "dims", 1);
    return (a == 2 && b == 3) || (a == 3 && b == 2);
}

static enum ptm_status compile_reduce(const struct ptm_step_request *rq, struct ptm_cpu_object *o,
                                      struct ptm_err *err)
{
    struct reduce *v = (struct reduce *)o;
    (void)err;
    if (over_space(rq->graph, rq->node))
        return ptm_cpu_compile_global_mean(o);
    read_dims(rq->graph, rq->node, v);
    v->op = rq->node->op == OP_amax ? PTM_POOL_MAX : PTM_POOL_SUM;
    v->scale = rq->node->op == OP_mean ? 1.0f / (float)v->n : 1.0f;
    o->run = run_reduce;
    o->main = o->k.info[v->inner == 1 ? PTM_KERNEL_sum_f32 : PTM_KERNEL_pool_f32];
    o->how = ptm_op_info((enum ptm_op)rq->node->op)->name;
    return PTM_OK;
}

static const char *claim_reduce(const struct ptm_graph *g, const struct ptm_node *n,
                                struct ptm_claim *claim)
{
    struct reduce v;
    const char *why = ptm_cpu_all_f32(g, n);
    if (why)
        return why;
    if (ptm_cpu_is_const(g, n, 0))
        return "a constant";
    claim->layout = over_space(g, n) ? LAYOUT_CHANNELS_LAST : LAYOUT_ROW_MAJOR;
    claim->row_inputs = over_space(g, n);
    if (over_space(g, n))
        return NULL;
    if (!read_dims(g, n, &v))
        return "dims that are not side by side";
    if (v.inner == 1 ? n->op == OP_amax : v.inner < 8)
        return "few numbers in a row";
    if (v.inner > 1 && n->op != OP_amax && v.n > PIECE)
        return "sums of more than 4096 numbers across rows";
    return NULL;
}

const struct ptm_cpu_op ptm_cpu_sum = {OP_sum, claim_reduce, sizeof(struct reduce),
                                       compile_reduce};
const struct ptm_cpu_op ptm_cpu_mean = {OP_mean, claim_reduce, sizeof(struct reduce),
                                        compile_reduce};
const struct ptm_cpu_op ptm_cpu_amax = {OP_amax, claim_reduce, sizeof(struct reduce),
                                        compile_reduce};
