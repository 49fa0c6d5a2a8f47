/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cpu backend's operators that only move elements, of any dtype: views that the planner could
 * not leave in place, joined and padded arrays, rows picked by an index.
 */
#include <string.h>

#include "libcore/backend_cpu.h"
#include "libcore/walk.h"

static enum ptm_status compile_run(struct ptm_cpu_object *o, const char *how,
                                   int (*run)(const struct ptm_cpu_object *,
                                              const struct ptm_ref_call *))
{
    o->run = run;
    o->how = how;
    return PTM_OK;
}

#define COMPILE(name, how)                                                                         \
    static enum ptm_status compile_##name(const struct ptm_step_request *rq,                       \
                                          struct ptm_cpu_object *o, struct ptm_err *err)           \
    {                                                                                              \
        (void)rq, (void)err;                                                                       \
        return compile_run(o, how, run_##name);                                                    \
    }
#define OPERATOR(name)                                                                             \
    const struct ptm_cpu_op ptm_cpu_##name = {OP_##name, claim_##name,                             \
                                              sizeof(struct ptm_cpu_object), compile_##name};

/* -- views -- */

static void shift(struct ptm_nd *nd, int64_t elements)
{
    nd->data = (char *)nd->data + elements * (int64_t)ptm_dtype_bytes(nd->dtype);
}

static int copy_view(const struct ptm_cpu_object *o, const struct ptm_ref_call *c,
                     struct ptm_nd from)
{
    from.rank = c->out[0].rank;
    memcpy(from.dim, c->out[0].dim, sizeof(from.dim));
    ptm_threads_copy(o->pool, &from, &c->out[0]);
    return 0;
}

/* The output's storage is seen with the input's dims, or the other way around; else the elements
 * are put in row-major order between. */
static int run_reshape(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    struct ptm_nd nd;
    const struct ptm_nd *in = &c->in[0], *out = &c->out[0];
    if (!ptm_cpu_numel(out))
        return 0;
    if (ptm_nd_reshape(out, in->rank, in->dim, &nd)) {
        ptm_threads_copy(o->pool, in, &nd);
    } else if (ptm_nd_reshape(in, out->rank, out->dim, &nd)) {
        ptm_threads_copy(o->pool, &nd, out);
    } else {
        struct ptm_nd flat = *in;
        flat.data = c->scratch(c->scratch_ctx,
                               (size_t)ptm_cpu_numel(in) * ptm_dtype_bytes(in->dtype));
        if (!flat.data)
            return PTM_REF_MEMORY;
        ptm_strides_contiguous(flat.rank, flat.dim, flat.stride);
        ptm_threads_copy(o->pool, in, &flat);
        flat.rank = out->rank;
        memcpy(flat.dim, out->dim, sizeof(flat.dim));
        ptm_strides_contiguous(flat.rank, flat.dim, flat.stride);
        ptm_threads_copy(o->pool, &flat, out);
    }
    return 0;
}
COMPILE(reshape, "reshape")

static int run_permute(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    struct ptm_nd from = c->in[0];
    for (int d = 0; d < from.rank; d++)
        from.stride[d] = c->in[0].stride[c->attr[1 + d].i];
    return copy_view(o, c, from);
}
COMPILE(permute, "transpose")

static int run_expand(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    const struct ptm_nd *in = &c->in[0], *out = &c->out[0];
    struct ptm_nd from = *in;
    for (int d = 0; d < out->rank; d++) {
        int e = d - (out->rank - in->rank);
        from.stride[d] = e < 0 || in->dim[e] == 1 ? 0 : in->stride[e];
    }
    return copy_view(o, c, from);
}
COMPILE(expand, "expand")

static int run_slice(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    struct ptm_nd from = c->in[0];
    int64_t d = c->attr[0].i, start = c->attr[1].i, step = c->attr[3].i;
    if (!ptm_cpu_numel(&c->out[0]))
        return 0;
    shift(&from, start * from.stride[d]);
    from.stride[d] *= step;
    return copy_view(o, c, from);
}
COMPILE(slice, "slice")

static int run_flip(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    struct ptm_nd from = c->in[0];
    if (!ptm_cpu_numel(&c->out[0]))
        return 0;
    for (int64_t k = 0; k < c->attr[0].i; k++) {
        int64_t d = c->attr[1 + k].i;
        shift(&from, (from.dim[d] - 1) * from.stride[d]);
        from.stride[d] = -from.stride[d];
    }
    return copy_view(o, c, from);
}
COMPILE(flip, "flip")

static const char *claim_view(const struct ptm_graph *g, const struct ptm_node *n,
                              struct ptm_claim *claim)
{
    (void)g, (void)n;
    claim->layout = LAYOUT_SAME;
    claim->any_strides = claim->any_outputs = true;
    return NULL;
}

/* Behind channels that were split and exchanged, channels are last again: a convolution or pool is
 * what follows. */
static const char *claim_reshape(const struct ptm_graph *g, const struct ptm_node *n,
                                 struct ptm_claim *claim)
{
    const struct ptm_value *in = &g->value[g->operand[n->in]];
    const struct ptm_type *out = &g->value[n->out].type;
    claim->layout = LAYOUT_ROW_MAJOR;
    claim->any_strides = claim->any_outputs = true;
    int last = in->type.rank - 1; /* space: the last two dims, or one for both */
    if (in->type.rank < 4 || out->rank != 4 || in->kind != V_NODE ||
        g->node[in->ref].op != OP_permute || in->type.dim[0] != out->dim[0])
        return NULL;
    int64_t area = out->dim[2] * out->dim[3];
    if (in->type.dim[last] == area ||
        (last > 3 && in->type.dim[last - 1] == out->dim[2] && in->type.dim[last] == out->dim[3]))
        claim->layout = LAYOUT_CHANNELS_LAST;
    return NULL;
}
#define claim_permute claim_view
#define claim_expand claim_view
#define claim_slice claim_view
#define claim_flip claim_view
OPERATOR(reshape)
OPERATOR(permute)
OPERATOR(expand)
OPERATOR(slice)
OPERATOR(flip)

/* -- joined and overwritten -- */

static int run_concat(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    struct ptm_nd to = c->out[0];
    int64_t d = c->attr[0].i;
    for (int i = 0; i < c->n_in; i++) {
        memcpy(to.dim, c->in[i].dim, sizeof(to.dim));
        if (c->in[i].data != to.data) /* else it was made there */
            ptm_threads_copy(o->pool, &c->in[i], &to);
        shift(&to, c->in[i].dim[d] * to.stride[d]);
    }
    return 0;
}
COMPILE(concat, "concat")

static const char *claim_concat(const struct ptm_graph *g, const struct ptm_node *n,
                                struct ptm_claim *claim)
{
    for (uint32_t i = 0; i < n->n_in; i++)
        if (ptm_cpu_in(g, n, i)->dtype != g->value[n->out].type.dtype ||
            ptm_cpu_in(g, n, i)->rank != g->value[n->out].type.rank)
            return "inputs of several kinds";
    return claim_view(g, n, claim);
}
OPERATOR(concat)

static int run_slice_scatter(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    struct ptm_nd to = c->out[0];
    int64_t d = c->attr[0].i;
    if (c->in[0].data != to.data)
        ptm_threads_copy(o->pool, &c->in[0], &to);
    if (!ptm_cpu_numel(&c->in[1]))
        return 0;
    shift(&to, c->attr[1].i * to.stride[d]);
    to.stride[d] *= c->attr[2].i;
    to.dim[d] = c->in[1].dim[d];
    ptm_threads_copy(o->pool, &c->in[1], &to);
    return 0;
}
COMPILE(slice_scatter, "slice scatter")
#define claim_slice_scatter claim_view
OPERATOR(slice_scatter)

/* -- padded: rows of channels, channels last -- */

static int64_t source(int64_t i, int64_t size, int64_t mode)
{
    if (i >= 0 && i < size)
        return i;
    if (mode == 0)
        return -1;
    if (mode == 2)
        return i < 0 ? 0 : size - 1;
    int64_t period = mode == 1 ? 2 * (size - 1) : size;
    if (!period)
        return 0;
    i = (i % period + period) % period;
    return i < size ? i : period - i;
}

static int run_pad(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    const struct ptm_nd *x = &c->in[0], *y = &c->out[0];
    const union ptm_imm *before = c->attr + 1, *mode = c->attr + 2 * (1 + y->rank);
    float value = (float)mode[1].f, *to = y->data;
    int64_t channels = y->dim[1], step = ptm_cpu_row_step(y, true);
    (void)o;
    for (int64_t i = 0; i < y->dim[0]; i++)
        for (int64_t oy = 0; oy < y->dim[2]; oy++)
            for (int64_t ox = 0; ox < y->dim[3]; ox++, to += step) {
                int64_t iy = source(oy - before[2].i, x->dim[2], mode->i);
                int64_t ix = source(ox - before[3].i, x->dim[3], mode->i);
                const float *from = (const float *)x->data + i * x->stride[0] +
                                    iy * x->stride[2] + ix * x->stride[3];
                if (iy >= 0 && ix >= 0)
                    memcpy(to, from, (size_t)channels * sizeof(*to));
                else
                    for (int64_t k = 0; k < channels; k++)
                        to[k] = value;
            }
    return 0;
}
COMPILE(pad, "pad")

static const char *claim_pad(const struct ptm_graph *g, const struct ptm_node *n,
                             struct ptm_claim *claim)
{
    const char *why = ptm_cpu_all_f32(g, n);
    if (why)
        return why;
    if (ptm_cpu_in(g, n, 0)->rank != 4)
        return "only two spatial dims";
    for (int d = 0; d < 2; d++)
        if (ptm_cpu_item(g, n, "before", d) || ptm_cpu_item(g, n, "after", d))
            return "padded channels or images";
    claim->layout = LAYOUT_CHANNELS_LAST;
    claim->row_inputs = claim->row_outputs = true;
    return NULL;
}
OPERATOR(pad)

/* -- rows by index -- */

struct rows {
    const char *from;
    char *to;
    const int64_t *index;
    int64_t n, size, all; /* indices; rows to pick from; rows of the result */
    size_t bytes, parts;
};

static void pick_part(void *ctx, size_t task)
{
    const struct rows *p = ctx;
    int64_t first = p->all * (int64_t)task / (int64_t)p->parts;
    int64_t end = p->all * (int64_t)(task + 1) / (int64_t)p->parts;
    for (int64_t k = first; k < end; k++) {
        int64_t at = p->index[k % p->n];
        memcpy(p->to + (size_t)k * p->bytes,
               p->from + (k / p->n * p->size + (at < 0 ? at + p->size : at)) * (int64_t)p->bytes,
               p->bytes);
    }
}

/* The rows of dim d that the indices tell; from_end: negative ones count from the end. */
static int pick_rows(const struct ptm_cpu_object *o, const struct ptm_ref_call *c, int64_t d,
                     bool from_end)
{
    enum { SMALL = 1 << 16 }; /* bytes that one thread copies */
    const struct ptm_nd *x = &c->in[0];
    struct rows p = {.from = x->data, .to = c->out[0].data, .index = c->in[1].data,
                     .n = ptm_cpu_numel(&c->in[1]), .size = x->rank ? x->dim[d] : 1, .parts = 1,
                     .bytes = ptm_dtype_bytes((enum ptm_dtype)x->dtype)};
    p.all = p.n;
    for (int k = 0; k < d; k++)
        p.all *= x->dim[k];
    for (int k = (int)d + 1; k < x->rank; k++)
        p.bytes *= (size_t)x->dim[k];
    for (int64_t k = 0; k < p.n; k++)
        if (p.index[k] < (from_end ? -p.size : 0) || p.index[k] >= p.size)
            return PTM_REF_RANGE;
    if ((size_t)p.all * p.bytes > SMALL)
        p.parts = 2 * ptm_threads_count(o->pool);
    ptm_threads_run(o->pool, p.parts, pick_part, &p);
    return 0;
}

static int run_embedding(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    return pick_rows(o, c, 0, false);
}
COMPILE(embedding, "rows")

static int run_index_select(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    return pick_rows(o, c, c->attr[0].i, true);
}
COMPILE(index_select, "rows")

static int run_index(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    return pick_rows(o, c, c->attr[1].i, true);
}
COMPILE(index, "rows")

/* Dense operands: constants come as they are. */
static const char *claim_embedding(const struct ptm_graph *g, const struct ptm_node *n,
                                   struct ptm_claim *claim)
{
    claim->layout = LAYOUT_ROW_MAJOR;
    for (uint32_t i = 0; i < 2; i++) {
        const struct ptm_value *v = &g->value[g->operand[n->in + i]];
        int64_t dense[PTM_MAX_RANK];
        ptm_strides_contiguous(v->type.rank, v->type.dim, dense);
        for (int d = 0; d < v->type.rank && v->kind == V_CONST; d++)
            if (v->type.dim[d] > 1 && g->constant[v->ref].stride[d] != dense[d])
                return "a constant that is not dense";
    }
    return NULL;
}
#define claim_index_select claim_embedding
OPERATOR(embedding)
OPERATOR(index_select)

static const char *claim_index(const struct ptm_graph *g, const struct ptm_node *n,
                               struct ptm_claim *claim)
{
    if (n->n_in != 2 || ptm_cpu_in(g, n, 1)->dtype != PTM_I64)
        return "indices of several dims";
    return claim_embedding(g, n, claim);
}
OPERATOR(index)
