/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cpu backend's linear layers, batched matrix products and attention. What is constant is
 * packed once; other right-hand sides are packed into scratch memory in each call.
 */
#include "libcore/backend_cpu.h"

#include <math.h>
#include <string.h>

struct linear {
    struct ptm_cpu_object o;
    struct ptm_cpu_panels w; /* data NULL: packed when running */
    float min, max;
};

/* The product of plain rows with packed panels. */
static void multiply(const struct ptm_cpu_object *o, const struct ptm_cpu_panels *w, size_t rows,
                     const float *a, size_t a_stride, float *c, size_t c_stride, float min,
                     float max, struct pthreadpool *pool)
{
    struct ptm_cpu_rows from = {a, a_stride};
    struct ptm_cpu_gemm g = {.k = &o->k, .w = w, .rows = rows, .taps = 1, .depth = w->depth,
                             .point = ptm_cpu_point_rows, .ctx = &from, .c = c,
                             .c_stride = c_stride, .min = min, .max = max};
    ptm_cpu_gemm(&g, pool);
}

static int run_linear(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    const struct linear *v = (const struct linear *)o;
    struct ptm_cpu_panels w = v->w;
    size_t n = w.n, rows = (size_t)ptm_cpu_numel(&c->out[0]) / n;
    if (!w.data) {
        float *data = ptm_cpu_scratch(c, ptm_cpu_panels_size(&w, &o->k, n, w.depth));
        if (!data)
            return PTM_REF_MEMORY;
        const struct ptm_nd *b = &c->in[2];
        float *bias = b->dtype == PTM_ABSENT ? NULL : ptm_cpu_scratch(c, n);
        if (b->dtype != PTM_ABSENT && !bias)
            return PTM_REF_MEMORY;
        for (size_t i = 0; i < n && bias; i++)
            bias[i] = ((const float *)b->data)[(int64_t)i * b->stride[0]];
        ptm_cpu_panels_fill(&w, &o->k, data, c->in[1].data, c->in[1].stride[1],
                            c->in[1].stride[0], bias);
        w.data = data;
    }
    multiply(o, &w, rows, c->in[0].data, (size_t)ptm_cpu_row_step(&c->in[0], false),
             c->out[0].data, (size_t)ptm_cpu_row_step(&c->out[0], false), v->min, v->max, o->pool);
    return 0;
}

/* What packing a right-hand side reads. */
struct weights {
    const struct ptm_cpu_panels *w;
    const struct ptm_kernels *k;
    const struct ptm_nd *nd, *bias;
    int d, n; /* dims of nd: terms of the sum, columns */
};

static bool fill_weights(const void *ctx, void *to)
{
    const struct weights *p = ctx;
    const struct ptm_nd *nd = p->nd;
    struct ptm_arena work = {0};
    const float *w = nd->dtype == PTM_F32 ? nd->data : ptm_cpu_floats(&work, nd);
    const float *b = p->bias ? ptm_cpu_floats(&work, p->bias) : NULL;
    int64_t dense[PTM_MAX_RANK];
    ptm_strides_contiguous(nd->rank, nd->dim, dense);
    const int64_t *stride = nd->dtype == PTM_F32 ? nd->stride : dense;
    if (!work.failed)
        ptm_cpu_panels_fill(p->w, p->k, to, w, stride[p->d], stride[p->n], b);
    bool failed = work.failed;
    ptm_arena_release(&work);
    return !failed;
}

static enum ptm_status compile_linear(const struct ptm_step_request *rq, struct ptm_cpu_object *o,
                                      struct ptm_err *err)
{
    struct linear *v = (struct linear *)o;
    size_t n = (size_t)rq->in[1].dim[0], depth = (size_t)rq->in[1].dim[1];
    size_t size = ptm_cpu_panels_size(&v->w, &o->k, n, depth);
    v->min = (float)ptm_cpu_float(rq->graph, rq->node, "min");
    v->max = (float)ptm_cpu_float(rq->graph, rq->node, "max");
    o->run = run_linear;
    o->main = o->k.info[PTM_KERNEL_gemm_f32];
    o->how = "gemm";
    bool bias = rq->in[2].dtype != PTM_ABSENT;
    if (!rq->in[1].data || (bias && !rq->in[2].data)) {
        ptm_cpu_will_scratch(o, size);
        ptm_cpu_will_scratch(o, bias ? n : 0);
        return PTM_OK;
    }
    struct weights from = {&v->w, &o->k, &rq->in[1], &rq->in[2], .d = 1, .n = 0};
    struct ptm_cpu_packing packing = {.kernel = PTM_KERNEL_gemm_f32, .how = "linear",
                                      .from = rq->in + 1, .n_from = 2, .floats = size,
                                      .fill = fill_weights, .ctx = &from};
    return ptm_cpu_pack(o, rq, &packing, &v->w.data, err);
}

static const char *claim_linear(const struct ptm_graph *g, const struct ptm_node *n,
                                struct ptm_claim *claim)
{
    const char *why = ptm_cpu_all_f32(g, n);
    bool given = ptm_cpu_is_const(g, n, 1) && (!ptm_cpu_has(g, n, 2) || ptm_cpu_is_const(g, n, 2));
    claim->layout = LAYOUT_ROW_MAJOR;
    claim->row_inputs = claim->row_outputs = true;
    if (!why && ptm_cpu_in(g, n, 0)->dtype != PTM_F32)
        return "only f32";
    for (uint32_t i = 1; i < n->n_in && !why && !given; i++)
        if (ptm_cpu_has(g, n, i) && ptm_cpu_in(g, n, i)->dtype != PTM_F32)
            why = "f16 weights beside ones that are no constants";
    return why;
}

const struct ptm_cpu_op ptm_cpu_linear = {OP_linear, claim_linear, sizeof(struct linear),
                                          compile_linear};

/* -- batched -- */

struct batched {
    struct ptm_cpu_object o;
    struct ptm_cpu_panels w; /* data: one right-hand side for all, constant; else NULL */
};

/* Offset of matrix i of a batch whose dims are the output's. */
static int64_t matrix_at(const struct ptm_nd *nd, const struct ptm_nd *out, int64_t i)
{
    int64_t at = 0;
    for (int d = out->rank - 3; d >= 0; d--) {
        int e = d - (out->rank - nd->rank);
        if (e >= 0 && nd->dim[e] > 1)
            at += i % out->dim[d] * nd->stride[e];
        i /= out->dim[d];
    }
    return at;
}

/* Rows of n numbers with any strides, where they lie or copied. */
static const float *plain_rows(const float *x, int64_t rows, int64_t n, int64_t row, int64_t step,
                               const struct ptm_kernels *k, float *room, size_t *stride)
{
    if (step == 1 || n == 1) {
        *stride = (size_t)row;
        return x;
    }
    *stride = (size_t)n;
    if (row == 1)
        k->transpose_f32((size_t)n, (size_t)rows, x, (size_t)step, room, (size_t)n);
    else
        for (int64_t r = 0; r < rows; r++)
            for (int64_t i = 0; i < n; i++)
                room[r * n + i] = x[r * row + i * step];
    return room;
}

static int run_matmul(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    const struct batched *v = (const struct batched *)o;
    const struct ptm_nd *a = &c->in[0], *b = &c->in[1], *y = &c->out[0];
    struct ptm_cpu_panels w = v->w;
    int64_t rows = y->dim[y->rank - 2], n = y->dim[y->rank - 1], depth = a->dim[a->rank - 1];
    int64_t count = ptm_cpu_numel(y) / (rows * n), last = -1;
    const int64_t *as = a->stride + a->rank - 2, *bs = b->stride + b->rank - 2;
    float *room = as[1] == 1 || depth == 1 ? NULL : ptm_cpu_scratch(c, (size_t)(rows * depth));
    float *data = NULL;
    if (!w.data)
        data = ptm_cpu_scratch(c, ptm_cpu_panels_size(&w, &o->k, (size_t)n, (size_t)depth));
    if ((!w.data && !data) || (as[1] != 1 && depth != 1 && !room))
        return PTM_REF_MEMORY;
    for (int64_t i = 0; i < count; i++) {
        int64_t at = matrix_at(b, y, i);
        size_t stride;
        if (data && at != last)
            ptm_cpu_panels_fill(&w, &o->k, data, (const float *)b->data + at, bs[0], bs[1], NULL);
        if (data)
            w.data = data;
        last = at;
        const float *from = plain_rows((const float *)a->data + matrix_at(a, y, i), rows, depth,
                                       as[0], as[1], &o->k, room, &stride);
        multiply(o, &w, (size_t)rows, from, stride, (float *)y->data + i * rows * n, (size_t)n,
                 -INFINITY, INFINITY, o->pool);
    }
    return 0;
}

static enum ptm_status compile_matmul(const struct ptm_step_request *rq, struct ptm_cpu_object *o,
                                      struct ptm_err *err)
{
    struct batched *v = (struct batched *)o;
    const struct ptm_nd *a = &rq->in[0], *b = &rq->in[1];
    int64_t batch = 1, depth = b->dim[b->rank - 2], n = b->dim[b->rank - 1];
    for (int d = 0; d < b->rank - 2; d++)
        batch *= b->dim[d];
    o->run = run_matmul;
    o->main = o->k.info[PTM_KERNEL_gemm_f32];
    o->how = "gemm batched";
    if (a->stride[a->rank - 1] != 1 && depth != 1)
        ptm_cpu_will_scratch(o, (size_t)(a->dim[a->rank - 2] * depth));
    if (!b->data || batch != 1) {
        struct ptm_cpu_panels w;
        ptm_cpu_will_scratch(o, ptm_cpu_panels_size(&w, &o->k, (size_t)n, (size_t)depth));
        return PTM_OK;
    }
    struct weights from = {&v->w, &o->k, b, NULL, .d = b->rank - 2, .n = b->rank - 1};
    struct ptm_cpu_packing packing = {
        .kernel = PTM_KERNEL_gemm_f32, .how = "matmul", .from = b, .n_from = 1,
        .floats = ptm_cpu_panels_size(&v->w, &o->k, (size_t)n, (size_t)depth),
        .fill = fill_weights, .ctx = &from};
    return ptm_cpu_pack(o, rq, &packing, &v->w.data, err);
}

static const char *claim_matmul(const struct ptm_graph *g, const struct ptm_node *n,
                                struct ptm_claim *claim)
{
    const char *why = ptm_cpu_all_f32(g, n);
    for (uint32_t i = 0; i < 2 && !why; i++)
        if (ptm_cpu_in(g, n, i)->dtype != PTM_F32)
            why = "only f32";
    claim->layout = LAYOUT_ROW_MAJOR;
    claim->any_strides = true;
    return why;
}

const struct ptm_cpu_op ptm_cpu_matmul = {OP_matmul, claim_matmul, sizeof(struct batched),
                                          compile_matmul};

/* -- attention: per head, a block of queries at a time -- */

enum { QUERIES = 64 };

struct attention {
    struct ptm_cpu_object o;
    float scale;
    bool causal;
};

/* The mask of one query: as floats to be added, causal part included; NULL: none. */
static const float *mask_row(const struct attention *v, const struct ptm_nd *mask, int64_t at,
                             int64_t query, int64_t keys, float *room)
{
    bool given = mask->dtype != PTM_ABSENT;
    int64_t row = given && mask->dim[mask->rank - 2] > 1 ? mask->stride[mask->rank - 2] : 0;
    int64_t step = given && mask->dim[mask->rank - 1] > 1 ? mask->stride[mask->rank - 1] : 0;
    if (!given && !v->causal)
        return NULL;
    at += query * row;
    for (int64_t k = 0; k < keys; k++) {
        bool out = v->causal && k > query;
        if (given && mask->dtype == PTM_BOOL8)
            out = out || !((const uint8_t *)mask->data)[at + k * step];
        room[k] = out ? -INFINITY : 0.0f;
        if (!out && given && mask->dtype == PTM_F32)
            room[k] = ((const float *)mask->data)[at + k * step];
    }
    return room;
}

static bool masks_all(const float *mask, int64_t keys)
{
    for (int64_t k = 0; k < keys; k++)
        if (mask[k] != -INFINITY)
            return false;
    return true;
}

struct head {
    const struct ptm_cpu_panels *k, *v;
    float *score, *mask, *query; /* score: QUERIES rows of keys; mask: keys */
};

static void run_head(const struct attention *v, const struct ptm_ref_call *c, int64_t i,
                     const struct head *h)
{
    const struct ptm_nd *q = &c->in[0], *y = &c->out[0], *mask = &c->in[3];
    int64_t rows = q->dim[q->rank - 2], depth = q->dim[q->rank - 1];
    int64_t keys = (int64_t)h->k->n, width = (int64_t)h->v->n;
    const int64_t *qs = q->stride + q->rank - 2;
    int64_t mask_at = mask->dtype == PTM_ABSENT ? 0 : matrix_at(mask, y, i);
    for (int64_t r = 0; r < rows; r += QUERIES) {
        int64_t n = rows - r < QUERIES ? rows - r : QUERIES;
        size_t stride;
        const float *from = plain_rows((const float *)q->data + matrix_at(q, y, i) + r * qs[0], n,
                                       depth, qs[0], qs[1], &v->o.k, h->query, &stride);
        multiply(&v->o, h->k, (size_t)n, from, stride, h->score, (size_t)keys, -INFINITY,
                 INFINITY, v->o.pool);
        for (int64_t j = 0; j < n; j++) {
            float *s = h->score + j * keys;
            struct ptm_softmax_f32 t = {
                .rows = 1, .n = (size_t)keys, .x = s, .y = s, .scale = v->scale,
                .mask = mask_row(v, mask, mask_at, r + j, keys, h->mask)};
            if (t.mask && masks_all(t.mask, keys)) /* zeros, as in PyTorch from 2.5 on */
                memset(s, 0, (size_t)keys * sizeof(*s));
            else
                v->o.k.softmax_f32(&t);
        }
        multiply(&v->o, h->v, (size_t)n, h->score, (size_t)keys,
                 (float *)y->data + (i * rows + r) * width, (size_t)width, -INFINITY, INFINITY,
                 v->o.pool);
    }
}

static int run_attention(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    const struct attention *v = (const struct attention *)o;
    const struct ptm_nd *q = &c->in[0], *k = &c->in[1], *val = &c->in[2], *y = &c->out[0];
    size_t rows = (size_t)q->dim[q->rank - 2], depth = (size_t)q->dim[q->rank - 1];
    size_t keys = (size_t)k->dim[k->rank - 2], width = (size_t)val->dim[val->rank - 1];
    struct ptm_cpu_panels pk, pv;
    float *kd = ptm_cpu_scratch(c, ptm_cpu_panels_size(&pk, &o->k, keys, depth));
    float *vd = ptm_cpu_scratch(c, ptm_cpu_panels_size(&pv, &o->k, width, keys));
    struct head h = {.k = &pk, .v = &pv, .score = ptm_cpu_scratch(c, QUERIES * keys),
                     .mask = ptm_cpu_scratch(c, keys), .query = ptm_cpu_scratch(c, QUERIES * depth)};
    if (!kd || !vd || !h.score || !h.mask || !h.query)
        return PTM_REF_MEMORY;
    int64_t heads = ptm_cpu_numel(y) / (int64_t)(rows * width);
    const int64_t *ks = k->stride + k->rank - 2, *vs = val->stride + val->rank - 2;
    for (int64_t i = 0; i < heads; i++) {
        pk.data = kd;
        pv.data = vd;
        ptm_cpu_panels_fill(&pk, &o->k, kd, (const float *)k->data + matrix_at(k, y, i), ks[1],
                            ks[0], NULL);
        ptm_cpu_panels_fill(&pv, &o->k, vd, (const float *)val->data + matrix_at(val, y, i), vs[0],
                            vs[1], NULL);
        run_head(v, c, i, &h);
    }
    return 0;
}

static enum ptm_status compile_attention(const struct ptm_step_request *rq,
                                         struct ptm_cpu_object *o, struct ptm_err *err)
{
    struct attention *v = (struct attention *)o;
    const struct ptm_nd *k = &rq->in[1], *val = &rq->in[2];
    size_t keys = (size_t)k->dim[k->rank - 2], depth = (size_t)k->dim[k->rank - 1];
    struct ptm_cpu_panels p;
    (void)err;
    ptm_cpu_will_scratch(o, ptm_cpu_panels_size(&p, &o->k, keys, depth));
    ptm_cpu_will_scratch(
        o, ptm_cpu_panels_size(&p, &o->k, (size_t)val->dim[val->rank - 1], keys));
    ptm_cpu_will_scratch(o, QUERIES * keys);
    ptm_cpu_will_scratch(o, keys);
    ptm_cpu_will_scratch(o, QUERIES * depth);
    v->scale = (float)ptm_cpu_float(rq->graph, rq->node, "scale");
    v->causal = ptm_cpu_int(rq->graph, rq->node, "causal");
    o->run = run_attention;
    o->main = o->k.info[PTM_KERNEL_gemm_f32];
    o->how = "attention";
    return PTM_OK;
}

static const char *claim_attention(const struct ptm_graph *g, const struct ptm_node *n,
                                   struct ptm_claim *claim)
{
    for (uint32_t i = 0; i < 3; i++)
        if (ptm_cpu_in(g, n, i)->dtype != PTM_F32 || !ptm_type_numel(ptm_cpu_in(g, n, i)))
            return "only f32";
    if (ptm_cpu_has(g, n, 3)) {
        const struct ptm_type *mask = ptm_cpu_in(g, n, 3);
        if ((mask->dtype != PTM_F32 && mask->dtype != PTM_BOOL8) || mask->rank < 2)
            return "a mask that is neither f32 nor bool";
    }
    claim->layout = LAYOUT_ROW_MAJOR;
    claim->any_strides = true;
    return NULL;
}

const struct ptm_cpu_op ptm_cpu_sdpa = {OP_sdpa, claim_attention, sizeof(struct attention),
                                        compile_attention};
