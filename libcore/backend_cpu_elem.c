/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cpu backend's elementwise operators. Arrays of any strides are walked in the
 * output's memory order with as few dims as they allow; the inner two dims go to the kernel, where
 * an operand is neither dense nor one number along the last through a buffer on the stack.
 */
#include "libcore/backend_cpu.h"

#include <math.h>
#include <string.h>

#include "libcore/walk.h"

enum { CHUNK = 512 };

/* Inputs broadcast to the output's dims. */
static struct ptm_walk begin_walk(const struct ptm_nd *out, const struct ptm_nd *in, int n_in)
{
    struct ptm_walk w = {.rank = out->rank, .arrays = 1 + n_in};
    for (int d = 0; d < out->rank; d++) {
        w.dim[d] = out->dim[d];
        w.stride[0][d] = out->stride[d];
        for (int k = 0; k < n_in; k++) {
            int e = d - (out->rank - in[k].rank);
            w.stride[1 + k][d] = e < 0 || in[k].dim[e] == 1 ? 0 : in[k].stride[e];
        }
    }
    ptm_walk_order(&w);
    return w;
}

/* -- the inner two dims of a walk, over and over -- */

struct inner {
    size_t rows, n;
    float *p[PTM_WALK_ARRAYS];
    int64_t row[PTM_WALK_ARRAYS], step[PTM_WALK_ARRAYS];
};
struct each {
    const struct ptm_walk *w;
    float *base[PTM_WALK_ARRAYS];
    void (*task)(const void *ctx, const struct inner *i);
    const void *ctx;
    size_t slices;    /* tasks that the outermost dim is cut into */
};

/* A part of the outermost dim of the walk. */
static void walk_slice(void *ctx, size_t slice)
{
    const struct each *e = ctx;
    struct ptm_walk w = *e->w;
    float *p[PTM_WALK_ARRAYS];
    int64_t first = w.rank ? w.dim[0] * (int64_t)slice / (int64_t)e->slices : 0;
    int64_t end = w.rank ? w.dim[0] * (int64_t)(slice + 1) / (int64_t)e->slices : 1;
    if (first == end)
        return;
    for (int k = 0; k < w.arrays; k++)
        p[k] = e->base[k] + (w.rank ? first * w.stride[k][0] : 0);
    if (w.rank)
        w.dim[0] = end - first;
    struct inner in = {.rows = w.rank > 1 ? (size_t)w.dim[w.rank - 2] : 1,
                       .n = w.rank ? (size_t)w.dim[w.rank - 1] : 1};
    for (int k = 0; k < w.arrays; k++) {
        in.row[k] = w.rank > 1 ? w.stride[k][w.rank - 2] : 0;
        in.step[k] = w.rank ? w.stride[k][w.rank - 1] : 0;
    }
    int64_t index[PTM_MAX_RANK] = {0};
    for (;;) {
        memcpy(in.p, p, sizeof(p));
        e->task(e->ctx, &in);
        int d = w.rank - 3;
        for (; d >= 0; d--) {
            for (int k = 0; k < w.arrays; k++)
                p[k] += w.stride[k][d];
            if (++index[d] < w.dim[d])
                break;
            for (int k = 0; k < w.arrays; k++)
                p[k] -= w.stride[k][d] * w.dim[d];
            index[d] = 0;
        }
        if (d < 0)
            return;
    }
}

static void walk_all(struct each *e, struct pthreadpool *pool)
{
    int64_t total = 1;
    for (int d = 0; d < e->w->rank; d++)
        total *= e->w->dim[d];
    size_t threads = ptm_threads_count(pool);
    e->slices = 1;
    if (threads > 1 && total > 16384 && e->w->rank)
        e->slices = (int64_t)threads < e->w->dim[0] ? threads : (size_t)e->w->dim[0];
    ptm_threads_run(pool, e->slices, walk_slice, e);
}

/* n numbers, `step` apart, where they lie or in `room`. */
static const float *gather(const float *x, int64_t step, size_t n, float *room)
{
    if (step == 1 || n == 1)
        return x;
    for (size_t i = 0; i < n; i++)
        room[i] = x[(int64_t)i * step];
    return room;
}

static void scatter(const float *y, float *to, int64_t step, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[(int64_t)i * step] = y[i];
}

/* -- one input -- */

struct unary {
    struct ptm_cpu_object o;
    enum ptm_unary op;
    float p[3];
};

static void unary_inner(const void *ctx, const struct inner *in)
{
    const struct unary *u = ctx;
    bool direct = in->step[0] == 1 && in->step[1] == 1;
    for (size_t r = 0; r < in->rows; r++) {
        float *y = in->p[0] + (int64_t)r * in->row[0], out[CHUNK], room[CHUNK];
        const float *x = in->p[1] + (int64_t)r * in->row[1];
        if (direct || in->n == 1) {
            u->o.k.unary_f32(u->op, in->n, x, y, u->p);
            continue;
        }
        for (size_t i = 0; i < in->n; i += CHUNK) {
            size_t n = in->n - i < CHUNK ? in->n - i : CHUNK;
            const float *from = gather(x + (int64_t)i * in->step[1], in->step[1], n, room);
            u->o.k.unary_f32(u->op, n, from, out, u->p);
            scatter(out, y + (int64_t)i * in->step[0], in->step[0], n);
        }
    }
}

static int run_unary(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    struct ptm_walk w = begin_walk(&c->out[0], c->in, 1);
    struct each e = {.w = &w, .task = unary_inner, .ctx = o,
                     .base = {c->out[0].data, c->in[0].data}};
    walk_all(&e, o->pool);
    return 0;
}

static enum ptm_status compile_unary(const struct ptm_step_request *rq, struct ptm_cpu_object *o,
                                     struct ptm_err *err)
{
    static const uint8_t ops[PTM_N_OPS] = {
        [OP_neg] = PTM_UNARY_NEG,         [OP_abs] = PTM_UNARY_ABS,
        [OP_sqrt] = PTM_UNARY_SQRT,       [OP_rsqrt] = PTM_UNARY_RSQRT,
        [OP_reciprocal] = PTM_UNARY_RECIPROCAL, [OP_exp] = PTM_UNARY_EXP,
        [OP_tanh] = PTM_UNARY_TANH,       [OP_erf] = PTM_UNARY_ERF,
        [OP_sigmoid] = PTM_UNARY_SIGMOID, [OP_relu] = PTM_UNARY_RELU,
        [OP_clamp] = PTM_UNARY_CLAMP,     [OP_hardsigmoid] = PTM_UNARY_HARDSIGMOID,
        [OP_hardswish] = PTM_UNARY_HARDSWISH, [OP_silu] = PTM_UNARY_SILU,
        [OP_mish] = PTM_UNARY_MISH,       [OP_elu] = PTM_UNARY_ELU,
        [OP_leaky_relu] = PTM_UNARY_LEAKY_RELU,
    };
    struct unary *u = (struct unary *)o;
    const struct ptm_graph *g = rq->graph;
    const struct ptm_node *n = rq->node;
    (void)err;
    u->op = (enum ptm_unary)ops[n->op];
    if (n->op == OP_gelu)
        u->op = ptm_cpu_int(g, n, "tanh") ? PTM_UNARY_GELU_TANH : PTM_UNARY_GELU;
    if (n->op == OP_clamp || n->op == OP_elu || n->op == OP_leaky_relu)
        for (uint32_t i = 0; i < n->n_attr && i < 3; i++)
            u->p[i] = (float)g->attr[n->attr + i].u.f;
    o->run = run_unary;
    o->main = o->k.info[PTM_KERNEL_unary_f32];
    o->how = "unary";
    return PTM_OK;
}

static const char *claim_unary(const struct ptm_graph *g, const struct ptm_node *n,
                               struct ptm_claim *claim)
{
    const char *why = ptm_cpu_all_f32(g, n);
    if (!why && ptm_cpu_in(g, n, 0)->dtype != PTM_F32)
        why = "only f32";
    if (!why && n->op == OP_elu && !(ptm_cpu_float(g, n, "input_scale") >= 0))
        why = "a negative input scale";
    claim->layout = LAYOUT_SAME;
    claim->any_strides = claim->any_outputs = claim->in_place = true;
    return why;
}

#define UNARY(name)                                                                                \
    const struct ptm_cpu_op ptm_cpu_##name = {OP_##name, claim_unary, sizeof(struct unary),        \
                                              compile_unary};
UNARY(neg)
UNARY(abs)
UNARY(sqrt)
UNARY(rsqrt)
UNARY(reciprocal)
UNARY(exp)
UNARY(tanh)
UNARY(erf)
UNARY(sigmoid)
UNARY(relu)
UNARY(clamp)
UNARY(hardsigmoid)
UNARY(hardswish)
UNARY(silu)
UNARY(mish)
UNARY(gelu)
UNARY(elu)
UNARY(leaky_relu)

/* -- two inputs -- */

struct binary {
    struct ptm_cpu_object o;
    enum ptm_binary op;
    float min, max;
};

static bool one_step(int64_t step)
{
    return step == 0 || step == 1;
}

static void binary_inner(const void *ctx, const struct inner *in)
{
    const struct binary *b = ctx;
    struct ptm_binary_f32 t = {.op = b->op, .rows = in->rows, .n = in->n, .a = in->p[1],
                               .b = in->p[2], .y = in->p[0], .a_row = (size_t)in->row[1],
                               .b_row = (size_t)in->row[2], .y_row = (size_t)in->row[0],
                               .a_step = (size_t)in->step[1], .b_step = (size_t)in->step[2],
                               .min = b->min, .max = b->max};
    if (in->n == 1)
        t.a_step = t.b_step = 1;
    if (in->n == 1 || (in->step[0] == 1 && one_step(in->step[1]) && one_step(in->step[2]) &&
                       in->step[1] + in->step[2] > 0)) {
        b->o.k.binary_f32(&t);
        return;
    }
    float room[3][CHUNK];
    t.rows = 1;
    t.a_step = t.b_step = 1;
    t.y = room[0];
    for (size_t r = 0; r < in->rows; r++)
        for (size_t i = 0; i < in->n; i += CHUNK) {
            t.n = in->n - i < CHUNK ? in->n - i : CHUNK;
            int64_t at[3];
            for (int k = 0; k < 3; k++)
                at[k] = (int64_t)r * in->row[k] + (int64_t)i * in->step[k];
            t.a = gather(in->p[1] + at[1], in->step[1], t.n, room[1]);
            t.b = gather(in->p[2] + at[2], in->step[2], t.n, room[2]);
            b->o.k.binary_f32(&t);
            scatter(room[0], in->p[0] + at[0], in->step[0], t.n);
        }
}

static int run_binary(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    struct ptm_walk w = begin_walk(&c->out[0], c->in, 2);
    struct each e = {.w = &w, .task = binary_inner, .ctx = o,
                     .base = {c->out[0].data, c->in[0].data, c->in[1].data}};
    walk_all(&e, o->pool);
    return 0;
}

static enum ptm_status compile_binary(const struct ptm_step_request *rq, struct ptm_cpu_object *o,
                                      struct ptm_err *err)
{
    static const uint8_t ops[PTM_N_OPS] = {
        [OP_add] = PTM_BINARY_ADD, [OP_sub] = PTM_BINARY_SUB, [OP_mul] = PTM_BINARY_MUL,
        [OP_div] = PTM_BINARY_DIV, [OP_maximum] = PTM_BINARY_MAXIMUM,
        [OP_minimum] = PTM_BINARY_MINIMUM, [OP_prelu] = PTM_BINARY_PRELU,
    };
    struct binary *b = (struct binary *)o;
    bool add = rq->node->op == OP_add;
    (void)err;
    b->op = (enum ptm_binary)ops[rq->node->op];
    b->min = add ? (float)ptm_cpu_float(rq->graph, rq->node, "min") : -INFINITY;
    b->max = add ? (float)ptm_cpu_float(rq->graph, rq->node, "max") : INFINITY;
    o->run = run_binary;
    o->main = o->k.info[PTM_KERNEL_binary_f32];
    o->how = "binary";
    return PTM_OK;
}

static const char *claim_binary(const struct ptm_graph *g, const struct ptm_node *n,
                                struct ptm_claim *claim)
{
    const char *why = ptm_cpu_all_f32(g, n);
    for (uint32_t i = 0; i < 2 && !why; i++)
        if (ptm_cpu_in(g, n, i)->dtype != PTM_F32)
            why = "only f32";
    claim->layout = LAYOUT_SAME;
    claim->any_strides = claim->any_outputs = claim->in_place = true;
    return why;
}

#define BINARY(name)                                                                               \
    const struct ptm_cpu_op ptm_cpu_##name = {OP_##name, claim_binary, sizeof(struct binary),      \
                                              compile_binary};
BINARY(add)
BINARY(sub)
BINARY(mul)
BINARY(div)
BINARY(maximum)
BINARY(minimum)
BINARY(prelu)
