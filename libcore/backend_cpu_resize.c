/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cpu backend's resizing of two spatial dims, channels last: the taps of every output row and
 * column are worked out when compiling, each output position is a weighted sum of at most 16
 * pointers. Positions are computed in f32, as PyTorch does.
 */
#include "libcore/backend_cpu.h"

#include <math.h>
#include <string.h>

enum { H, W, MOST = 4 };

struct taps {
    int64_t at[MOST];
    float weight[MOST];
};

struct resize {
    struct ptm_cpu_object o;
    int64_t in[2], out[2], images, channels;
    int count;             /* taps per dim */
    struct taps *taps[2];  /* per output row, column */
};
struct call {
    const struct resize *v;
    const float *x;
    int64_t xs[4];
    float *y;
    int64_t ys; /* from one output pixel to the next */
};

static void resize_row(void *ctx, size_t task)
{
    const struct call *p = ctx;
    const struct resize *v = p->v;
    int64_t image = (int64_t)task / v->out[H], oy = (int64_t)task % v->out[H];
    const float *x = p->x + image * p->xs[0], *from[MOST * MOST];
    float weight[MOST * MOST], *y = p->y + (int64_t)task * v->out[W] * p->ys;
    const struct taps *ty = &v->taps[H][oy];
    struct ptm_pool_f32 t = {.op = PTM_POOL_SUM, .channels = (size_t)v->channels, .x = from,
                             .w = weight, .scale = 1.0f};
    for (int64_t ox = 0; ox < v->out[W]; ox++, y += p->ys) {
        const struct taps *tx = &v->taps[W][ox];
        t.taps = 0;
        for (int j = 0; j < v->count; j++)
            for (int i = 0; i < v->count; i++) {
                from[t.taps] = x + ty->at[j] * p->xs[2] + tx->at[i] * p->xs[3];
                weight[t.taps++] = ty->weight[j] * tx->weight[i];
            }
        if (v->count == 1) {
            memcpy(y, from[0], (size_t)v->channels * sizeof(*y));
            continue;
        }
        t.y = y;
        v->o.k.pool_f32(&t);
    }
}

static int run_resize(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    const struct resize *v = (const struct resize *)o;
    struct call p = {.v = v, .x = c->in[0].data, .y = c->out[0].data,
                     .ys = ptm_cpu_row_step(&c->out[0], true)};
    memcpy(p.xs, c->in[0].stride, sizeof(p.xs));
    ptm_threads_run(o->pool, (size_t)(v->images * v->out[H]), resize_row, &p);
    return 0;
}

static int64_t inside(int64_t i, int64_t size)
{
    return i < 0 ? 0 : i >= size ? size - 1 : i;
}

static float near_weight(float x)
{
    return (1.25f * x - 2.25f) * x * x + 1.0f;
}

static float far_weight(float x)
{
    return ((-0.75f * x + 3.75f) * x - 6.0f) * x + 3.0f;
}

/* Where output o reads, in input positions. */
static float position(float step, int64_t o, int64_t mode, bool align_corners)
{
    if (mode == 0 || (align_corners && mode > 1))
        return step * (float)o;
    float at = step * ((float)o + 0.5f);
    return mode == 1 ? at : at - 0.5f;
}

static void find_taps(struct taps *t, float at, int64_t mode, int64_t size)
{
    if (mode == 2 && at < 0)
        at = 0;
    int64_t low = (int64_t)floorf(at);
    if (mode < 2) {
        t->at[0] = inside(low, size);
        t->weight[0] = 1.0f;
        return;
    }
    if (mode == 2) {
        low = inside(low, size);
        float part = at - (float)low;
        t->at[0] = low;
        t->at[1] = inside(low + 1, size);
        t->weight[1] = part > 1.0f ? 1.0f : part;
        t->weight[0] = 1.0f - t->weight[1];
        return;
    }
    float part = at - (float)low;
    for (int k = 0; k < MOST; k++)
        t->at[k] = inside(low - 1 + k, size);
    t->weight[0] = far_weight(part + 1.0f);
    t->weight[1] = near_weight(part);
    t->weight[2] = near_weight(1.0f - part);
    t->weight[3] = far_weight(2.0f - part);
}

static enum ptm_status compile_resize(const struct ptm_step_request *rq, struct ptm_cpu_object *o,
                                      struct ptm_err *err)
{
    struct resize *v = (struct resize *)o;
    const struct ptm_graph *g = rq->graph;
    const struct ptm_node *n = rq->node;
    int64_t mode = ptm_cpu_int(g, n, "mode");
    bool align_corners = ptm_cpu_int(g, n, "align_corners");
    v->images = rq->in[0].dim[0];
    v->channels = rq->in[0].dim[1];
    v->count = mode < 2 ? 1 : mode == 2 ? 2 : 4;
    for (int d = 0; d < 2; d++) {
        int64_t in = v->in[d] = rq->in[0].dim[2 + d], out = v->out[d] = rq->out[0].dim[2 + d];
        double scale = d < ptm_cpu_count(g, n, "scale") ? ptm_node_attr(g, n, "scale")[1 + d].u.f
                                                        : 0;
        double step = scale > 0 ? 1 / scale : (double)in / (double)out;
        if (align_corners)
            step = out > 1 ? (double)(in - 1) / (double)(out - 1) : 0;
        v->taps[d] = ptm_arena_array(&o->memory, (size_t)out, sizeof(*v->taps[d]));
        if (!v->taps[d])
            return ptm_cpu_memory(err);
        for (int64_t i = 0; i < out; i++)
            find_taps(&v->taps[d][i], position((float)step, i, mode, align_corners), mode, in);
    }
    o->run = run_resize;
    o->main = o->k.info[PTM_KERNEL_pool_f32];
    o->how = mode < 2 ? "resize nearest" : mode == 2 ? "resize linear" : "resize cubic";
    return PTM_OK;
}

static const char *claim_resize(const struct ptm_graph *g, const struct ptm_node *n,
                                struct ptm_claim *claim)
{
    const char *why = ptm_cpu_all_f32(g, n);
    if (why)
        return why;
    if (ptm_cpu_in(g, n, 0)->rank != 4)
        return "only two spatial dims";
    if (ptm_cpu_int(g, n, "antialias"))
        return "antialiasing";
    claim->layout = LAYOUT_CHANNELS_LAST;
    claim->row_inputs = claim->row_outputs = true;
    for (int d = 0; d < ptm_cpu_count(g, n, "scale"); d++) {
        double scale = ptm_node_attr(g, n, "scale")[1 + d].u.f;
        if (scale > 0 && (scale < 1e-4 || scale > 1e4))
            return "an extreme scale";
    }
    return NULL;
}

const struct ptm_cpu_op ptm_cpu_resize = {OP_resize, claim_resize, sizeof(struct resize),
                                          compile_resize};
