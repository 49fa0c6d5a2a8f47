/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cpu backend's pools and means over space, channels last: per output position the pointers of
 * its window, then one kernel call over the channels.
 */
#include "libcore/backend_cpu.h"

#include <math.h>
#include <string.h>

enum { H, W, MOST_TAPS = 1024 };

struct pool {
    struct ptm_cpu_object o;
    enum ptm_pool op;
    int64_t in[2], out[2], kernel[2], stride[2], padding[2], dilation[2];
    int64_t images, channels;
    bool adaptive, count_padding;
    int64_t divisor; /* 0: none given */
};
struct call {
    const struct pool *v;
    const float *x;
    int64_t xs[4];
    float *y;
    int64_t ys; /* from one output pixel to the next */
};

/* Part of the input, and of the input with its padding, that output o of dim d covers. */
static void window(const struct pool *v, int d, int64_t o, int64_t *from, int64_t *to,
                   int64_t *counted)
{
    if (v->adaptive) {
        *from = o * v->in[d] / v->out[d];
        *to = ((o + 1) * v->in[d] + v->out[d] - 1) / v->out[d];
        *counted = *to - *from;
        return;
    }
    int64_t start = o * v->stride[d] - v->padding[d], end = start + v->kernel[d] * v->dilation[d];
    int64_t padded = v->in[d] + v->padding[d];
    *counted = (end < padded ? end : padded) - start;
    *from = start;
    while (*from < 0)
        *from += v->dilation[d];
    *to = end < v->in[d] ? end : v->in[d];
    if (*to < *from)
        *to = *from;
}

static void pool_row(void *ctx, size_t task)
{
    const struct call *p = ctx;
    const struct pool *v = p->v;
    int64_t image = (int64_t)task / v->out[H], oy = (int64_t)task % v->out[H];
    const float *x = p->x + image * p->xs[0], *table[MOST_TAPS];
    float *y = p->y + (int64_t)task * v->out[W] * p->ys;
    int64_t y0, y1, x0, x1, high, wide;
    window(v, H, oy, &y0, &y1, &high);
    for (int64_t ox = 0; ox < v->out[W]; ox++, y += p->ys) {
        window(v, W, ox, &x0, &x1, &wide);
        size_t taps = 0;
        for (int64_t iy = y0; iy < y1; iy += v->dilation[H])
            for (int64_t ix = x0; ix < x1; ix += v->dilation[W])
                table[taps++] = x + iy * p->xs[2] + ix * p->xs[3];
        int64_t over = v->divisor ? v->divisor : v->count_padding ? high * wide : (int64_t)taps;
        struct ptm_pool_f32 t = {.op = v->op, .taps = taps, .channels = (size_t)v->channels,
                                 .x = table, .y = y, .scale = 1.0f / (float)over};
        v->o.k.pool_f32(&t);
    }
}

static int run_pool(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    const struct pool *v = (const struct pool *)o;
    struct call p = {.v = v, .x = c->in[0].data, .y = c->out[0].data,
                     .ys = ptm_cpu_row_step(&c->out[0], true)};
    memcpy(p.xs, c->in[0].stride, sizeof(p.xs));
    ptm_threads_run(o->pool, (size_t)(v->images * v->out[H]), pool_row, &p);
    return 0;
}

static enum ptm_status compile_pool(const struct ptm_step_request *rq, struct ptm_cpu_object *o,
                                    struct ptm_err *err)
{
    struct pool *v = (struct pool *)o;
    const struct ptm_graph *g = rq->graph;
    const struct ptm_node *n = rq->node;
    (void)err;
    v->adaptive = n->op == OP_adaptive_avg_pool || n->op == OP_adaptive_max_pool;
    v->op = n->op == OP_max_pool || n->op == OP_adaptive_max_pool ? PTM_POOL_MAX : PTM_POOL_SUM;
    for (int d = 0; d < 2; d++) {
        v->in[d] = rq->in[0].dim[2 + d];
        v->out[d] = rq->out[0].dim[2 + d];
        v->dilation[d] = 1;
        if (v->adaptive)
            continue;
        v->kernel[d] = ptm_cpu_item(g, n, "kernel", d);
        v->stride[d] = ptm_cpu_item(g, n, "stride", d);
        v->padding[d] = ptm_cpu_item(g, n, "padding", d);
        if (n->op == OP_max_pool)
            v->dilation[d] = ptm_cpu_item(g, n, "dilation", d);
    }
    if (n->op == OP_avg_pool) {
        v->count_padding = ptm_cpu_int(g, n, "count_include_pad");
        v->divisor = ptm_cpu_int(g, n, "divisor");
    }
    v->images = rq->in[0].dim[0];
    v->channels = rq->in[0].dim[1];
    o->run = run_pool;
    o->main = o->k.info[PTM_KERNEL_pool_f32];
    o->how = v->op == PTM_POOL_MAX ? "max pool" : "avg pool";
    return PTM_OK;
}

static const char *claim_pool(const struct ptm_graph *g, const struct ptm_node *n,
                              struct ptm_claim *claim)
{
    const char *why = ptm_cpu_all_f32(g, n);
    if (why)
        return why;
    const struct ptm_type *x = ptm_cpu_in(g, n, 0), *y = &g->value[n->out].type;
    if (x->rank != 4 || x->dtype != PTM_F32)
        return "only two spatial dims";
    if (n->n_out > 1 && !ptm_cpu_unread(g, n, 1))
        return "the indices of a max pool";
    int64_t taps;
    if (n->op == OP_adaptive_avg_pool || n->op == OP_adaptive_max_pool)
        taps = (x->dim[2] / y->dim[2] + 2) * (x->dim[3] / y->dim[3] + 2);
    else
        taps = ptm_cpu_item(g, n, "kernel", 0) * ptm_cpu_item(g, n, "kernel", 1);
    bool whole = y->dim[2] * y->dim[3] == 1 && n->op == OP_adaptive_avg_pool;
    if (taps > MOST_TAPS && !whole)
        return "a window of more than 1024 elements";
    claim->layout = LAYOUT_CHANNELS_LAST;
    claim->row_inputs = claim->row_outputs = true;
    return NULL;
}

const struct ptm_cpu_op ptm_cpu_max_pool = {OP_max_pool, claim_pool, sizeof(struct pool),
                                            compile_pool};
const struct ptm_cpu_op ptm_cpu_avg_pool = {OP_avg_pool, claim_pool, sizeof(struct pool),
                                            compile_pool};
const struct ptm_cpu_op ptm_cpu_adaptive_max_pool = {OP_adaptive_max_pool, claim_pool,
                                                     sizeof(struct pool), compile_pool};

/* -- means over all of space -- */

/* Channels of one image, a part of them per task. */
struct mean_call {
    const struct ptm_cpu_object *o;
    const struct ptm_ref_call *c;
    size_t parts, block; /* per image; channels in each */
};

static void mean_part(void *ctx, size_t task)
{
    const struct mean_call *p = ctx;
    const struct ptm_nd *x = &p->c->in[0], *y = &p->c->out[0];
    size_t area = (size_t)(x->dim[2] * x->dim[3]), channels = (size_t)x->dim[1];
    int64_t i = (int64_t)(task / p->parts), y_step = x->dim[0] > 1 ? y->stride[0] : 0;
    size_t first = task % p->parts * p->block;
    if (first >= channels)
        return;
    struct ptm_pool_f32 t = {.op = PTM_POOL_SUM, .taps = area,
                             .channels = channels - first < p->block ? channels - first : p->block,
                             .tap_stride = (size_t)ptm_cpu_row_step(x, true),
                             .base = (const float *)x->data + i * x->stride[0] + first,
                             .y = (float *)y->data + i * y_step + first,
                             .scale = 1.0f / (float)area};
    p->o->k.pool_f32(&t);
}

static int run_mean(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    enum { BLOCK = 64, SMALL = 1 << 14 }; /* channels that share cache lines; elements */
    const struct ptm_nd *x = &c->in[0];
    size_t channels = (size_t)x->dim[1];
    struct mean_call p = {.o = o, .c = c, .parts = 1, .block = channels};
    if (ptm_threads_count(o->pool) > 1 && ptm_cpu_numel(x) / x->dim[0] > SMALL) {
        p.block = BLOCK;
        p.parts = (channels + BLOCK - 1) / BLOCK;
    }
    ptm_threads_run(o->pool, (size_t)x->dim[0] * p.parts, mean_part, &p);
    return 0;
}

enum ptm_status ptm_cpu_compile_global_mean(struct ptm_cpu_object *o)
{
    o->run = run_mean;
    o->main = o->k.info[PTM_KERNEL_pool_f32];
    o->how = "global avg pool";
    return PTM_OK;
}

static enum ptm_status compile_adaptive(const struct ptm_step_request *rq,
                                        struct ptm_cpu_object *o, struct ptm_err *err)
{
    if (rq->out[0].dim[2] * rq->out[0].dim[3] > 1)
        return compile_pool(rq, o, err);
    return ptm_cpu_compile_global_mean(o);
}

const struct ptm_cpu_op ptm_cpu_adaptive_avg_pool = {OP_adaptive_avg_pool, claim_pool,
                                                     sizeof(struct pool), compile_adaptive};
