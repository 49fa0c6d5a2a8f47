/* SPDX-License-Identifier: BSD-2-Clause */
/* The cpu backend's normalisations and softmax: rows of numbers, or channels scaled and shifted. */
#include "libcore/backend_cpu.h"

#include <math.h>

/* -- batch_norm: one factor and one term per channel -- */

struct channels {
    struct ptm_cpu_object o;
    const float *scale, *shift; /* per channel */
};

/* Rows of channels; or each channel, of `lines` rows, apart. */
struct affine_call {
    const struct channels *v;
    const struct ptm_ref_call *c;
    size_t rows, lines, n, tasks;
    int64_t x_step, y_step; /* from one row to the next */
    bool last;
};

static void affine_part(void *ctx, size_t i)
{
    const struct affine_call *p = ctx;
    size_t from = p->last ? p->rows * i / p->tasks : i * p->lines;
    size_t to = p->last ? p->rows * (i + 1) / p->tasks : from + p->lines, rows = to - from;
    const float *x = (const float *)p->c->in[0].data + (int64_t)from * p->x_step;
    float *y = (float *)p->c->out[0].data + (int64_t)from * p->y_step;
    size_t channel = p->last ? 0 : i % (size_t)p->c->in[0].dim[1];
    bool dense = p->last && p->x_step == (int64_t)p->n && p->y_step == (int64_t)p->n;
    for (size_t k = dense ? rows : 1; from < to; from += k, x += p->x_step, y += p->y_step)
        p->v->o.k.affine_f32(k, p->n, x, p->v->scale + channel, p->v->shift + channel, !p->last, y);
}

static int run_batch_norm(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    const struct ptm_nd *x = &c->in[0], *y = &c->out[0];
    struct affine_call p = {.v = (const struct channels *)o, .c = c};
    size_t area = 1, channels = (size_t)x->dim[1];
    for (int d = 2; d < x->rank; d++)
        area *= (size_t)x->dim[d];
    bool side_by_side = channels == 1 || (x->stride[1] == 1 && y->stride[1] == 1);
    if (area == 1 && side_by_side) { /* a row per image */
        p.last = true;
        p.x_step = x->dim[0] > 1 ? x->stride[0] : x->dim[1];
        p.y_step = x->dim[0] > 1 ? y->stride[0] : x->dim[1];
    } else if (x->rank == 4 && channels > 1 && side_by_side) {
        p.last = true;
        p.x_step = ptm_cpu_row_step(x, true);
        p.y_step = ptm_cpu_row_step(y, true);
    } else if (ptm_cpu_dense(x) && ptm_cpu_dense(y)) {
        p.lines = 1;
        p.n = area;
        p.x_step = p.y_step = (int64_t)area;
    } else {
        p.n = x->rank > 2 ? (size_t)x->dim[x->rank - 1] : 1;
        p.lines = area / p.n;
        p.x_step = ptm_cpu_row_step(x, false);
        p.y_step = ptm_cpu_row_step(y, false);
    }
    p.tasks = (size_t)x->dim[0] * channels;
    if (p.last) {
        p.n = channels;
        p.rows = (size_t)x->dim[0] * area;
        p.tasks = p.rows < 64 ? 1 : 2 * ptm_threads_count(o->pool);
    }
    ptm_threads_run(o->pool, p.tasks, affine_part, &p);
    return 0;
}

static enum ptm_status compile_batch_norm(const struct ptm_step_request *rq,
                                          struct ptm_cpu_object *o, struct ptm_err *err)
{
    struct channels *v = (struct channels *)o;
    struct ptm_arena work = {0};
    const float *p[5];
    size_t n = (size_t)rq->in[0].dim[1];
    double eps = ptm_cpu_float(rq->graph, rq->node, "eps");
    for (int i = 1; i < 5; i++)
        p[i] = ptm_cpu_floats(&work, &rq->in[i]);
    float *scale = ptm_cpu_alloc(&o->memory, n), *shift = ptm_cpu_alloc(&o->memory, n);
    bool failed = work.failed || !scale || !shift;
    for (size_t i = 0; i < n && !failed; i++) {
        double s = (p[3] ? (double)p[3][i] : 1) / sqrt((double)p[2][i] + eps);
        scale[i] = (float)s;
        shift[i] = (float)((p[4] ? (double)p[4][i] : 0) - (double)p[1][i] * s);
    }
    ptm_arena_release(&work);
    v->scale = scale;
    v->shift = shift;
    o->run = run_batch_norm;
    o->main = o->k.info[PTM_KERNEL_affine_f32];
    o->how = "scale and shift";
    return failed ? ptm_cpu_memory(err) : PTM_OK;
}

static const char *constants_from(const struct ptm_graph *g, const struct ptm_node *n, uint32_t i)
{
    for (; i < n->n_in; i++)
        if (ptm_cpu_has(g, n, i) && !ptm_cpu_is_const(g, n, i))
            return "weights that are no constants";
    return NULL;
}

static const char *claim_norm(const struct ptm_graph *g, const struct ptm_node *n,
                              struct ptm_claim *claim)
{
    const char *why = ptm_cpu_all_f32(g, n);
    if (!why && ptm_cpu_in(g, n, 0)->dtype != PTM_F32)
        why = "only f32";
    if (!why)
        why = constants_from(g, n, 1);
    if (!why && n->op == OP_batch_norm && ptm_cpu_in(g, n, 0)->rank < 2)
        why = "no channels";
    claim->layout = n->op == OP_batch_norm ? LAYOUT_SAME : LAYOUT_ROW_MAJOR;
    claim->in_place = true;
    claim->row_inputs = claim->row_outputs = n->op == OP_batch_norm;
    return why;
}

const struct ptm_cpu_op ptm_cpu_batch_norm = {OP_batch_norm, claim_norm, sizeof(struct channels),
                                              compile_batch_norm};

/* -- rows -- */

struct row_norm {
    struct ptm_cpu_object o;
    const float *weight, *bias;
    float eps;
    size_t n; /* in a row; group_norm: channels of a group */
    size_t groups;
    bool rms, log; /* rms_norm; log_softmax */
};

struct row_call {
    const struct row_norm *v;
    const struct ptm_ref_call *c;
    size_t rows, tasks;
};

static void norm_rows(void *ctx, size_t i)
{
    const struct row_call *p = ctx;
    const struct row_norm *v = p->v;
    size_t from = p->rows * i / p->tasks, to = p->rows * (i + 1) / p->tasks;
    struct ptm_norm_f32 t = {.rows = to - from, .n = v->n, .x_row = v->n, .y_row = v->n,
                             .x = (const float *)p->c->in[0].data + from * v->n,
                             .weight = v->weight, .bias = v->bias,
                             .y = (float *)p->c->out[0].data + from * v->n, .eps = v->eps,
                             .rms = v->rms};
    v->o.k.norm_f32(&t);
}

static int run_rows(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    struct row_call p = {.v = (const struct row_norm *)o, .c = c};
    p.rows = (size_t)ptm_cpu_numel(&c->in[0]) / p.v->n;
    p.tasks = p.rows * p.v->n < 4096 ? 1 : 2 * ptm_threads_count(o->pool);
    ptm_threads_run(o->pool, p.tasks, norm_rows, &p);
    return 0;
}

static void norm_group(void *ctx, size_t i)
{
    const struct row_call *p = ctx;
    const struct row_norm *v = p->v;
    const struct ptm_nd *nd = &p->c->in[0];
    size_t area = 1, first = i % v->groups * v->n; /* channel */
    for (int d = 2; d < nd->rank; d++)
        area *= (size_t)nd->dim[d];
    size_t n = area * v->n;
    float *y = (float *)p->c->out[0].data + i * n;
    struct ptm_norm_f32 t = {.rows = 1, .n = n, .x = (const float *)nd->data + i * n, .y = y,
                             .eps = v->eps};
    v->o.k.norm_f32(&t);
    for (size_t c = 0; c < v->n && v->weight; c++) {
        float shift = v->bias ? v->bias[first + c] : 0.0f;
        v->o.k.affine_f32(1, area, y + c * area, v->weight + first + c, &shift, true, y + c * area);
    }
}

static int run_groups(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    struct row_call p = {.v = (const struct row_norm *)o, .c = c};
    ptm_threads_run(o->pool, (size_t)c->in[0].dim[0] * p.v->groups, norm_group, &p);
    return 0;
}

static enum ptm_status compile_rows(const struct ptm_step_request *rq, struct ptm_cpu_object *o,
                                    struct ptm_err *err)
{
    struct row_norm *v = (struct row_norm *)o;
    const struct ptm_nd *x = &rq->in[0];
    v->eps = (float)ptm_cpu_float(rq->graph, rq->node, "eps");
    v->weight = ptm_cpu_floats(&o->memory, &rq->in[1]);
    v->bias = rq->n_in > 2 ? ptm_cpu_floats(&o->memory, &rq->in[2]) : NULL;
    if (o->memory.failed)
        return ptm_cpu_memory(err);
    if (rq->node->op == OP_group_norm) {
        v->groups = (size_t)ptm_cpu_int(rq->graph, rq->node, "groups");
        v->n = (size_t)x->dim[1] / v->groups;
        if (v->bias && !v->weight) { /* scaled by one */
            float *ones = ptm_cpu_alloc(&o->memory, (size_t)x->dim[1]);
            for (int64_t c = 0; c < x->dim[1] && ones; c++)
                ones[c] = 1.0f;
            v->weight = ones;
            if (!ones)
                return ptm_cpu_memory(err);
        }
        o->run = run_groups;
        o->main = o->k.info[PTM_KERNEL_norm_f32];
        o->how = "norm of groups";
        return PTM_OK;
    }
    int64_t rank = ptm_cpu_int(rq->graph, rq->node, "rank");
    v->n = 1;
    for (int d = x->rank - (int)rank; d < x->rank; d++)
        v->n *= (size_t)x->dim[d];
    o->run = run_rows;
    o->main = o->k.info[PTM_KERNEL_norm_f32];
    v->rms = rq->node->op == OP_rms_norm;
    o->how = "norm of rows";
    return PTM_OK;
}

const struct ptm_cpu_op ptm_cpu_layer_norm = {OP_layer_norm, claim_norm, sizeof(struct row_norm),
                                              compile_rows};
const struct ptm_cpu_op ptm_cpu_rms_norm = {OP_rms_norm, claim_norm, sizeof(struct row_norm),
                                            compile_rows};
const struct ptm_cpu_op ptm_cpu_group_norm = {OP_group_norm, claim_norm, sizeof(struct row_norm),
                                              compile_rows};

/* -- softmax over the dim that is last in memory -- */

static void softmax_rows(void *ctx, size_t i)
{
    const struct row_call *p = ctx;
    size_t from = p->rows * i / p->tasks, to = p->rows * (i + 1) / p->tasks, n = p->v->n;
    struct ptm_softmax_f32 t = {.rows = to - from, .n = n, .x_row = n, .y_row = n,
                                .x = (const float *)p->c->in[0].data + from * n,
                                .y = (float *)p->c->out[0].data + from * n, .scale = 1.0f,
                                .log = p->v->log};
    p->v->o.k.softmax_f32(&t);
}

static int run_softmax(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    struct row_call p = {.v = (const struct row_norm *)o, .c = c};
    p.rows = (size_t)ptm_cpu_numel(&c->in[0]) / p.v->n;
    p.tasks = p.rows * p.v->n < 4096 ? 1 : 2 * ptm_threads_count(o->pool);
    ptm_threads_run(o->pool, p.tasks, softmax_rows, &p);
    return 0;
}

static enum ptm_status compile_softmax(const struct ptm_step_request *rq, struct ptm_cpu_object *o,
                                       struct ptm_err *err)
{
    struct row_norm *v = (struct row_norm *)o;
    (void)err;
    int64_t d = ptm_cpu_int(rq->graph, rq->node, "dim");
    v->n = rq->in[0].rank ? (size_t)rq->in[0].dim[d] : 1;
    v->log = rq->node->op == OP_log_softmax;
    o->run = run_softmax;
    o->main = o->k.info[PTM_KERNEL_softmax_f32];
    o->how = "softmax";
    return PTM_OK;
}

static const char *claim_softmax(const struct ptm_graph *g, const struct ptm_node *n,
                                 struct ptm_claim *claim)
{
    const char *why = ptm_cpu_all_f32(g, n);
    if (why)
        return why;
    const struct ptm_type *x = ptm_cpu_in(g, n, 0);
    int64_t d = ptm_cpu_int(g, n, "dim");
    bool channels = x->rank == 4 && d == 1;
    if (x->dtype != PTM_F32 || (x->rank && d != x->rank - 1 && !channels))
        return "not over the last dim";
    claim->layout = channels ? LAYOUT_CHANNELS_LAST : LAYOUT_ROW_MAJOR;
    claim->in_place = true;
    return NULL;
}

const struct ptm_cpu_op ptm_cpu_softmax = {OP_softmax, claim_softmax, sizeof(struct row_norm),
                                           compile_softmax};
const struct ptm_cpu_op ptm_cpu_log_softmax = {OP_log_softmax, claim_softmax,
                                               sizeof(struct row_norm), compile_softmax};
