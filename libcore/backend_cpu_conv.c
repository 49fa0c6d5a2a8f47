/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cpu backend's convolutions, channels last. Most are one matrix product per group whose rows
 * are output positions, read in place through a table of pointers. With few input channels the
 * patches are copied instead, a block at a time, from an input of any order. One channel per group
 * goes to the depthwise kernels.
 */
#include <math.h>
#include <string.h>

#include "libcore/backend_cpu.h"

enum { H, W };

struct conv {
    struct ptm_cpu_object o;
    int64_t in[2], out[2], kernel[2], stride[2], padding[2], dilation[2];
    int64_t images, groups, c_in, c_out; /* channels of a group */
    float min, max;
    const float *zero;             /* what lies outside the input: c_in floats */
    struct ptm_cpu_panels *panels; /* per group */
    const float *depthwise;        /* packed for dwconv_f32 */
};

/* One run. */
struct call {
    const struct conv *v;
    const struct ptm_ref_call *c;
    const float *x; /* of the present group */
    int64_t xs[4];
    float *y;
    int64_t ys; /* from one output pixel to the next */
};

static void read_geometry(struct conv *v, const struct ptm_step_request *rq)
{
    const struct ptm_graph *g = rq->graph;
    const struct ptm_node *n = rq->node;
    for (int d = 0; d < 2; d++) {
        v->in[d] = rq->in[0].dim[2 + d];
        v->out[d] = rq->out[0].dim[2 + d];
        v->kernel[d] = rq->in[1].dim[2 + d];
        v->stride[d] = ptm_cpu_item(g, n, "stride", d);
        v->padding[d] = ptm_cpu_item(g, n, "padding", d);
        v->dilation[d] = ptm_cpu_item(g, n, "dilation", d);
    }
    v->images = rq->in[0].dim[0];
    v->groups = ptm_cpu_int(g, n, "groups");
    v->c_in = rq->in[0].dim[1] / v->groups;
    v->c_out = rq->out[0].dim[1] / v->groups;
    v->min = (float)ptm_cpu_float(g, n, "min");
    v->max = (float)ptm_cpu_float(g, n, "max");
}

/* Sums of few channels: copied patches beat tables of pointers to them. */
static bool copies_patches(int64_t c_in, int64_t groups, int64_t taps)
{
    return groups == 1 && c_in <= 4 && taps > 1 && c_in * taps <= 1024;
}

/* -- where rows of the product lie -- */

static void point(const void *ctx, size_t row, size_t rows, size_t tap, size_t taps,
                  const float **table, size_t stride, float *room)
{
    const struct call *p = ctx;
    const struct conv *v = p->v;
    int64_t ox = (int64_t)row % v->out[W], oy = (int64_t)row / v->out[W];
    int64_t image = oy / v->out[H];
    oy %= v->out[H];
    (void)room;
    for (size_t r = 0; r < rows; r++, ox++) {
        if (ox == v->out[W]) {
            ox = 0;
            if (++oy == v->out[H]) {
                oy = 0;
                image++;
            }
        }
        const float *x = p->x + image * p->xs[0];
        int64_t ky = (int64_t)tap / v->kernel[W], kx = (int64_t)tap % v->kernel[W];
        int64_t y0 = oy * v->stride[H] - v->padding[H], x0 = ox * v->stride[W] - v->padding[W];
        for (size_t t = 0; t < taps; t++) {
            int64_t iy = y0 + ky * v->dilation[H], ix = x0 + kx * v->dilation[W];
            bool inside = iy >= 0 && iy < v->in[H] && ix >= 0 && ix < v->in[W];
            table[t * stride + r] = inside ? x + iy * p->xs[2] + ix * p->xs[3] : v->zero;
            if (++kx == v->kernel[W]) {
                kx = 0;
                ky++;
            }
        }
    }
}

/* Outputs lo <= o < hi of a dim read inside of it at this shift. */
static void valid_range(int64_t in, int64_t out, int64_t stride, int64_t shift, int64_t *lo,
                        int64_t *hi)
{
    *lo = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
    *hi = in - shift <= 0 ? 0 : (in - shift + stride - 1) / stride;
    *lo = *lo < out ? *lo : out;
    *hi = *hi < out ? *hi : out;
    *hi = *hi > *lo ? *hi : *lo;
}

/* One row of the window, for outputs from..to of a row; x is the row that it meets. */
static void copy_checked(const struct conv *v, const float *x, int64_t xs, int64_t from, int64_t to,
                         int64_t depth, float *y)
{
    for (int64_t i = from; i < to; i++, y += depth)
        for (int64_t kx = 0; kx < v->kernel[W]; kx++) {
            int64_t ix = i * v->stride[W] - v->padding[W] + kx * v->dilation[W];
            y[kx] = ix >= 0 && ix < v->in[W] ? x[ix * xs] : 0.0f;
        }
}

static void copy_inner(const float *x, int64_t step, int64_t n, size_t kw, int64_t depth, float *y)
{
    for (int64_t i = 0; i < n; i++, x += step, y += depth) {
        switch (kw) { /* sizes that compilers copy in place */
        case 3:
            memcpy(y, x, 3 * sizeof(*y));
            break;
        case 7:
            memcpy(y, x, 7 * sizeof(*y));
            break;
        default:
            memcpy(y, x, kw * sizeof(*y));
            break;
        }
    }
}

/* Patches of outputs ox..end of one row, in the order channel, ky, kx. */
static void copy_row(const struct call *p, int64_t image, int64_t oy, int64_t ox, int64_t end,
                     float *to)
{
    const struct conv *v = p->v;
    int64_t kw = v->kernel[W], depth = v->c_in * v->kernel[H] * kw, lo, hi, none;
    /* between lo and hi, no window leaves the row */
    valid_range(v->in[W], v->out[W], v->stride[W], -v->padding[W], &lo, &none);
    valid_range(v->in[W], v->out[W], v->stride[W], (kw - 1) * v->dilation[W] - v->padding[W], &none,
                &hi);
    lo = lo < ox ? ox : lo > end ? end : lo;
    hi = hi < lo ? lo : hi > end ? end : hi;
    if (p->xs[3] != 1 || v->dilation[W] != 1)
        lo = hi = end;
    for (int64_t c = 0; c < v->c_in; c++) {
        for (int64_t ky = 0; ky < v->kernel[H]; ky++, to += kw) {
            int64_t iy = oy * v->stride[H] - v->padding[H] + ky * v->dilation[H];
            if (iy < 0 || iy >= v->in[H]) {
                for (int64_t i = 0; i < end - ox; i++)
                    memset(to + i * depth, 0, (size_t)kw * sizeof(*to));
                continue;
            }
            const float *x = p->x + image * p->xs[0] + c * p->xs[1] + iy * p->xs[2];
            copy_checked(v, x, p->xs[3], ox, lo, depth, to);
            if (hi > lo)
                copy_inner(x + lo * v->stride[W] - v->padding[W], v->stride[W], hi - lo,
                           (size_t)kw, depth, to + (lo - ox) * depth);
            copy_checked(v, x, p->xs[3], hi, end, depth, to + (hi - ox) * depth);
        }
    }
}

static void copy_patches(const void *ctx, size_t row, size_t rows, size_t tap, size_t taps,
                         const float **table, size_t stride, float *room)
{
    const struct call *p = ctx;
    const struct conv *v = p->v;
    int64_t depth = v->c_in * v->kernel[H] * v->kernel[W];
    (void)tap, (void)taps, (void)stride;
    for (size_t done = 0; done < rows;) {
        int64_t at = (int64_t)(row + done), ox = at % v->out[W], left = (int64_t)(rows - done);
        int64_t n = v->out[W] - ox < left ? v->out[W] - ox : left, line = at / v->out[W];
        copy_row(p, line / v->out[H], line % v->out[H], ox, ox + n,
                 room + (int64_t)done * depth);
        done += (size_t)n;
    }
    for (size_t r = 0; r < rows; r++)
        table[r] = room + (int64_t)r * depth;
}

static int run_product(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    const struct conv *v = (const struct conv *)o;
    bool copies = copies_patches(v->c_in, v->groups, v->kernel[H] * v->kernel[W]);
    struct call p = {.v = v, .c = c};
    memcpy(p.xs, c->in[0].stride, sizeof(p.xs));
    size_t taps = (size_t)(v->kernel[H] * v->kernel[W]);
    struct ptm_cpu_gemm g = {
        .k = &o->k, .rows = (size_t)(v->images * v->out[H] * v->out[W]),
        .taps = copies ? 1 : taps, .depth = (size_t)v->c_in * (copies ? taps : 1),
        .point = copies ? copy_patches : point, .copies = copies, .ctx = &p,
        .c_stride = (size_t)ptm_cpu_row_step(&c->out[0], true), .min = v->min, .max = v->max};
    for (int64_t i = 0; i < v->groups; i++) {
        p.x = (const float *)c->in[0].data + i * v->c_in * (v->groups > 1 ? p.xs[1] : 0);
        g.w = &v->panels[i];
        g.c = (float *)c->out[0].data + i * v->c_out;
        ptm_cpu_gemm(&g, o->pool);
    }
    return 0;
}

/* -- depthwise -- */

enum { MOST_TAPS = 128, TABLE = 1024 };

/* Pixels [from, to) of a row through the table. */
static void table_part(const struct call *p, const float *x, int64_t oy, int64_t from, int64_t to,
                       float *y)
{
    const struct conv *v = p->v;
    const float *table[TABLE];
    int64_t taps = v->kernel[H] * v->kernel[W], most = TABLE / taps;
    for (; from < to; from += most) {
        int64_t n = to - from < most ? to - from : most, t = 0;
        for (int64_t ky = 0; ky < v->kernel[H]; ky++)
            for (int64_t kx = 0; kx < v->kernel[W]; kx++, t++) {
                int64_t iy = oy * v->stride[H] - v->padding[H] + ky * v->dilation[H];
                int64_t ix = from * v->stride[W] - v->padding[W] + kx * v->dilation[W];
                bool row = iy >= 0 && iy < v->in[H];
                for (int64_t i = 0; i < n; i++, ix += v->stride[W])
                    table[t * n + i] = row && ix >= 0 && ix < v->in[W]
                                           ? x + iy * p->xs[2] + ix * p->xs[3]
                                           : v->zero;
            }
        struct ptm_dwconv_f32 d = {
            .x = table, .x_pixels = (size_t)n, .taps = (size_t)taps, .pixels = (size_t)n,
            .channels = (size_t)v->groups, .w = v->depthwise, .y = y + from * p->ys,
            .y_stride = (size_t)p->ys, .min = v->min, .max = v->max};
        v->o.k.dwconv_f32(&d);
    }
}

static void depthwise_row(void *ctx, size_t task)
{
    const struct call *p = ctx;
    const struct conv *v = p->v;
    int64_t image = (int64_t)task / v->out[H], oy = (int64_t)task % v->out[H];
    const float *x = p->x + image * p->xs[0];
    float *y = p->y + (int64_t)task * v->out[W] * p->ys;
    int64_t kw = v->kernel[W], lo = 0, hi = 0;
    if ((kw == 3 || kw == 5) && v->stride[W] <= 2 && v->dilation[W] == 1) {
        int64_t end, none; /* windows that lie inside of the row */
        valid_range(v->in[W], v->out[W], v->stride[W], -v->padding[W], &lo, &none);
        valid_range(v->in[W], v->out[W], v->stride[W], kw - 1 - v->padding[W], &none, &end);
        hi = end > lo ? end : lo;
    }
    int64_t y0 = oy * v->stride[H] - v->padding[H], first = 0, last = v->kernel[H];
    while (first < last && y0 + first * v->dilation[H] < 0)
        first++;
    while (last > first && y0 + (last - 1) * v->dilation[H] >= v->in[H])
        last--;
    table_part(p, x, oy, 0, lo, y);
    if (hi > lo) {
        int64_t iy = first < last ? y0 + first * v->dilation[H] : 0;
        struct ptm_dwrun_f32 d = {
            .x = x + iy * p->xs[2] + (lo * v->stride[W] - v->padding[W]) * p->xs[3],
            .row = (size_t)(p->xs[2] * v->dilation[H]), .column = (size_t)p->xs[3],
            .rows = (size_t)(last - first), .first = (size_t)first, .kh = (size_t)v->kernel[H],
            .kw = (size_t)kw, .step = (size_t)v->stride[W], .pixels = (size_t)(hi - lo),
            .channels = (size_t)v->groups, .w = v->depthwise, .y = y + lo * p->ys,
            .y_stride = (size_t)p->ys, .min = v->min, .max = v->max};
        v->o.k.dwrun_f32(&d);
    }
    table_part(p, x, oy, hi, v->out[W], y);
}

static int run_depthwise(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    const struct conv *v = (const struct conv *)o;
    struct call p = {.v = v, .c = c, .x = c->in[0].data, .y = c->out[0].data,
                     .ys = ptm_cpu_row_step(&c->out[0], true)};
    memcpy(p.xs, c->in[0].stride, sizeof(p.xs));
    ptm_threads_run(o->pool, (size_t)(v->images * v->out[H]), depthwise_row, &p);
    return 0;
}

/* What packing reads. */
struct weights {
    const void *v; /* struct conv, struct transposed */
    const struct ptm_nd *w, *bias;
};

static bool fill_depthwise(const void *ctx, void *to)
{
    const struct weights *from = ctx;
    const struct conv *v = from->v;
    struct ptm_arena work = {0};
    const float *w = ptm_cpu_floats(&work, from->w), *bias = ptm_cpu_floats(&work, from->bias);
    size_t vl = v->o.k.info[PTM_KERNEL_dwconv_f32]->tile.vl;
    size_t taps = (size_t)(v->kernel[H] * v->kernel[W]), n = (size_t)v->groups;
    for (size_t c = 0; c < n && !work.failed; c++) {
        float *at = (float *)to + c / vl * vl * (taps + 1) + c % vl;
        *at = bias ? bias[c] : 0;
        for (size_t t = 0; t < taps; t++)
            at[(t + 1) * vl] = w[c * taps + t];
    }
    bool failed = work.failed;
    ptm_arena_release(&work);
    return !failed;
}

static enum ptm_status pack_depthwise(struct conv *v, const struct ptm_step_request *rq,
                                      struct ptm_err *err)
{
    size_t vl = v->o.k.info[PTM_KERNEL_dwconv_f32]->tile.vl, n = (size_t)v->groups;
    struct weights from = {v, &rq->in[1], &rq->in[2]};
    struct ptm_cpu_packing packing = {
        .kernel = PTM_KERNEL_dwconv_f32, .how = "depthwise", .from = rq->in + 1, .n_from = 2,
        .floats = (n + vl - 1) / vl * vl * (size_t)(v->kernel[H] * v->kernel[W] + 1),
        .fill = fill_depthwise, .ctx = &from};
    v->o.run = run_depthwise;
    v->o.main = v->o.k.info[PTM_KERNEL_dwconv_f32];
    v->o.how = "depthwise";
    return ptm_cpu_pack(&v->o, rq, &packing, &v->depthwise, err);
}

static bool fill_product(const void *ctx, void *to)
{
    const struct weights *from = ctx;
    const struct conv *v = from->v;
    struct ptm_arena work = {0};
    const float *w = ptm_cpu_floats(&work, from->w), *bias = ptm_cpu_floats(&work, from->bias);
    size_t taps = (size_t)(v->kernel[H] * v->kernel[W]), c_in = (size_t)v->c_in;
    size_t n = (size_t)v->c_out, depth = taps * c_in;
    bool turn = taps > 1 && !copies_patches(v->c_in, v->groups, (int64_t)taps);
    float *turned = turn ? ptm_cpu_alloc(&work, n * depth) : NULL, *data = to;
    for (int64_t i = 0; i < v->groups && !work.failed; i++, w += n * depth) {
        struct ptm_cpu_panels p;
        size_t size = ptm_cpu_panels_size(&p, &v->o.k, n, depth);
        for (size_t j = 0; j < n && turned; j++) /* channel, tap -> tap, channel */
            v->o.k.transpose_f32(c_in, taps, w + j * depth, taps, turned + j * depth, c_in);
        ptm_cpu_panels_fill(&p, &v->o.k, data, turned ? turned : w, 1, (int64_t)depth,
                            bias ? bias + (size_t)i * n : NULL);
        data += size;
    }
    bool failed = work.failed;
    ptm_arena_release(&work);
    return !failed;
}

static enum ptm_status pack_product(struct conv *v, const struct ptm_step_request *rq,
                                    struct ptm_err *err)
{
    size_t taps = (size_t)(v->kernel[H] * v->kernel[W]), groups = (size_t)v->groups, size = 0;
    bool copies = copies_patches(v->c_in, v->groups, (int64_t)taps);
    const int64_t param[] = {v->groups, copies};
    const float *data;
    v->panels = ptm_arena_array(&v->o.memory, groups, sizeof(*v->panels));
    if (!v->panels)
        return ptm_cpu_memory(err);
    for (size_t i = 0; i < groups; i++)
        size = ptm_cpu_panels_size(&v->panels[i], &v->o.k, (size_t)v->c_out,
                                   taps * (size_t)v->c_in);
    struct weights from = {v, &rq->in[1], &rq->in[2]};
    struct ptm_cpu_packing packing = {
        .kernel = PTM_KERNEL_gemm_f32, .how = "conv", .param = param, .n_params = PTM_LEN(param),
        .from = rq->in + 1, .n_from = 2, .floats = groups * size, .fill = fill_product,
        .ctx = &from};
    PTM_TRY(ptm_cpu_pack(&v->o, rq, &packing, &data, err));
    for (size_t i = 0; i < groups; i++)
        v->panels[i].data = data + i * size;
    v->o.run = run_product;
    v->o.main = v->o.k.info[PTM_KERNEL_gemm_f32];
    v->o.how = copies ? "conv patches" : taps == 1 ? "conv 1x1" : "conv";
    return PTM_OK;
}

static bool is_depthwise(int64_t c_in, int64_t c_out, int64_t taps)
{
    return c_in == 1 && c_out == 1 && taps <= MOST_TAPS;
}

static enum ptm_status compile_conv(const struct ptm_step_request *rq, struct ptm_cpu_object *o,
                                    struct ptm_err *err)
{
    struct conv *v = (struct conv *)o;
    if (rq->in[0].rank != 4)
        return ptm_cpu_compile_conv_nd(rq, o, err);
    read_geometry(v, rq);
    v->zero = ptm_cpu_alloc(&o->memory, (size_t)(v->c_in * v->groups));
    if (!v->zero)
        return ptm_cpu_memory(err);
    if (is_depthwise(v->c_in, v->c_out, v->kernel[H] * v->kernel[W]) && v->groups > 1)
        return pack_depthwise(v, rq, err);
    return pack_product(v, rq, err);
}

static const char *weights_given(const struct ptm_graph *g, const struct ptm_node *n)
{
    if (!ptm_cpu_is_const(g, n, 1) || (ptm_cpu_has(g, n, 2) && !ptm_cpu_is_const(g, n, 2)))
        return "weights that are no constants";
    return NULL;
}

static const char *claim_conv(const struct ptm_graph *g, const struct ptm_node *n,
                              struct ptm_claim *claim)
{
    const char *why = ptm_cpu_all_f32(g, n);
    if (!why)
        why = weights_given(g, n);
    if (why)
        return why;
    const struct ptm_type *x = ptm_cpu_in(g, n, 0), *w = ptm_cpu_in(g, n, 1);
    if (x->rank != 4)
        return ptm_cpu_claim_conv_nd(g, n, claim);
    claim->layout = LAYOUT_CHANNELS_LAST;
    claim->row_inputs = claim->row_outputs = true;
    claim->any_strides = copies_patches(w->dim[1], ptm_cpu_int(g, n, "groups"),
                                        w->dim[2] * w->dim[3]);
    return NULL;
}

const struct ptm_cpu_op ptm_cpu_conv = {OP_conv, claim_conv, sizeof(struct conv), compile_conv};

/* -- transposed: outputs of one phase (position modulo stride) meet the same taps -- */

struct phase {
    int64_t taps;
    int64_t *y, *x; /* input row and column of each tap, less the output's (divided by stride) */
    int64_t *tap;   /* its number in the window */
    struct ptm_cpu_panels *panels; /* per group */
};

struct transposed {
    struct conv v; /* zero, geometry, min, max */
    struct phase *phase; /* stride[H] * stride[W] */
};

struct transposed_call {
    const struct transposed *t;
    const struct phase *phase;
    const float *x;
    int64_t xs[4], oy, ox; /* the row's first output, divided by stride */
    const struct ptm_ref_call *c;
};

static void point_transposed(const void *ctx, size_t row, size_t rows, size_t tap, size_t taps,
                             const float **table, size_t stride, float *room)
{
    const struct transposed_call *p = ctx;
    const struct conv *v = &p->t->v;
    (void)room;
    for (size_t t = 0; t < taps; t++) {
        int64_t iy = p->oy + p->phase->y[tap + t];
        int64_t ix = p->ox + (int64_t)row + p->phase->x[tap + t];
        for (size_t r = 0; r < rows; r++, ix++) {
            bool inside = iy >= 0 && iy < v->in[H] && ix >= 0 && ix < v->in[W];
            table[t * stride + r] = inside ? p->x + iy * p->xs[2] + ix * p->xs[3] : v->zero;
        }
    }
}

/* One row of outputs. */
static void transposed_row(void *ctx, size_t task)
{
    struct transposed_call p = *(const struct transposed_call *)ctx;
    const struct conv *v = &p.t->v;
    int64_t image = (int64_t)task / v->out[H], oy = (int64_t)task % v->out[H];
    int64_t ys = ptm_cpu_row_step(&p.c->out[0], true);
    float *y = (float *)p.c->out[0].data + (int64_t)task * v->out[W] * ys;
    p.oy = oy / v->stride[H];
    p.ox = 0;
    for (int64_t px = 0; px < v->stride[W] && px < v->out[W]; px++) {
        p.phase = &p.t->phase[oy % v->stride[H] * v->stride[W] + px];
        struct ptm_cpu_gemm g = {
            .k = &v->o.k, .rows = (size_t)((v->out[W] - px + v->stride[W] - 1) / v->stride[W]),
            .taps = (size_t)p.phase->taps, .depth = (size_t)v->c_in, .point = point_transposed,
            .ctx = &p, .c_stride = (size_t)(v->stride[W] * ys), .min = v->min,
            .max = v->max};
        for (int64_t i = 0; i < v->groups; i++) {
            p.x = (const float *)p.c->in[0].data + image * p.xs[0] + i * v->c_in;
            g.w = &p.phase->panels[i];
            g.c = y + px * ys + i * v->c_out;
            ptm_cpu_gemm(&g, NULL);
        }
    }
}

static int run_transposed(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    const struct transposed *t = (const struct transposed *)o;
    struct transposed_call p = {.t = t, .c = c};
    memcpy(p.xs, c->in[0].stride, sizeof(p.xs));
    ptm_threads_run(o->pool, (size_t)(t->v.images * t->v.out[H]), transposed_row, &p);
    return 0;
}

static int64_t modulo(int64_t a, int64_t b)
{
    return (a % b + b) % b;
}

/* Taps of kernel position k serve outputs o with o + padding - k * dilation divisible by stride. */
static bool in_phase(const struct conv *v, int d, int64_t phase, int64_t k, int64_t *shift)
{
    int64_t at = phase + v->padding[d] - k * v->dilation[d], rest = modulo(at, v->stride[d]);
    *shift = (at - rest) / v->stride[d];
    return rest == 0;
}

/* The taps of a phase; floats that its packed weights take. */
static size_t place_phase(struct transposed *t, int64_t py, int64_t px)
{
    struct conv *v = &t->v;
    struct ptm_arena *a = &v->o.memory;
    struct phase *p = &t->phase[py * v->stride[W] + px];
    int64_t taps = v->kernel[H] * v->kernel[W], dy, dx;
    size_t floats = 0;
    p->y = ptm_arena_array(a, (size_t)taps, sizeof(*p->y));
    p->x = ptm_arena_array(a, (size_t)taps, sizeof(*p->x));
    p->tap = ptm_arena_array(a, (size_t)taps, sizeof(*p->tap));
    p->panels = ptm_arena_array(a, (size_t)v->groups, sizeof(*p->panels));
    if (a->failed)
        return 0;
    for (int64_t k = 0; k < taps; k++)
        if (in_phase(v, H, py, k / v->kernel[W], &dy) &&
            in_phase(v, W, px, k % v->kernel[W], &dx)) {
            p->y[p->taps] = dy;
            p->x[p->taps] = dx;
            p->tap[p->taps++] = k;
        }
    for (int64_t i = 0; i < v->groups; i++)
        floats += ptm_cpu_panels_size(&p->panels[i], &v->o.k, (size_t)v->c_out,
                                      (size_t)(p->taps * v->c_in));
    return floats;
}

static void fill_phase(const struct conv *v, const struct phase *p, const float *w,
                       const float *bias, float *turned, float **data)
{
    int64_t taps = v->kernel[H] * v->kernel[W];
    for (int64_t i = 0; i < v->groups; i++) {
        struct ptm_cpu_panels panels;
        float *to = turned;
        for (int64_t k = 0; k < p->taps; k++)
            for (int64_t c = i * v->c_in; c < (i + 1) * v->c_in; c++)
                for (int64_t j = 0; j < v->c_out; j++)
                    *to++ = w[(c * v->c_out + j) * taps + p->tap[k]];
        size_t size = ptm_cpu_panels_size(&panels, &v->o.k, (size_t)v->c_out,
                                          (size_t)(p->taps * v->c_in));
        ptm_cpu_panels_fill(&panels, &v->o.k, *data, turned, v->c_out, 1,
                            bias ? bias + i * v->c_out : NULL);
        *data += size;
    }
}

static bool fill_transposed(const void *ctx, void *to)
{
    const struct weights *from = ctx;
    const struct transposed *t = from->v;
    const struct conv *v = &t->v;
    struct ptm_arena work = {0};
    const float *w = ptm_cpu_floats(&work, from->w), *b = ptm_cpu_floats(&work, from->bias);
    float *data = to, *turned = ptm_cpu_alloc(
        &work, (size_t)(v->kernel[H] * v->kernel[W] * v->c_in * v->c_out));
    bool failed = work.failed;
    for (int64_t i = 0; i < v->stride[H] * v->stride[W] && !failed; i++)
        fill_phase(v, &t->phase[i], w, b, turned, &data);
    ptm_arena_release(&work);
    return !failed;
}

static enum ptm_status compile_transposed(const struct ptm_step_request *rq,
                                          struct ptm_cpu_object *o, struct ptm_err *err)
{
    struct transposed *t = (struct transposed *)o;
    struct conv *v = &t->v;
    size_t floats = 0;
    read_geometry(v, rq);
    v->zero = ptm_cpu_alloc(&o->memory, (size_t)v->c_in);
    t->phase = ptm_arena_array(&o->memory, (size_t)(v->stride[H] * v->stride[W]),
                               sizeof(*t->phase));
    for (int64_t y = 0; y < v->stride[H] && !o->memory.failed; y++)
        for (int64_t x = 0; x < v->stride[W] && !o->memory.failed; x++)
            floats += place_phase(t, y, x);
    if (o->memory.failed)
        return ptm_cpu_memory(err);
    const int64_t param[] = {v->groups,     v->stride[H],   v->stride[W],  v->padding[H],
                             v->padding[W], v->dilation[H], v->dilation[W]};
    const float *data;
    struct weights from = {t, &rq->in[1], &rq->in[2]};
    struct ptm_cpu_packing packing = {
        .kernel = PTM_KERNEL_gemm_f32, .how = "conv transposed", .param = param,
        .n_params = PTM_LEN(param), .from = rq->in + 1, .n_from = 2, .floats = floats,
        .fill = fill_transposed, .ctx = &from};
    PTM_TRY(ptm_cpu_pack(o, rq, &packing, &data, err));
    for (int64_t i = 0; i < v->stride[H] * v->stride[W]; i++)
        for (int64_t k = 0; k < v->groups; k++) {
            struct ptm_cpu_panels *p = &t->phase[i].panels[k];
            p->data = data;
            data += p->vectors * p->vl * (p->depth + 1);
        }
    o->run = run_transposed;
    o->main = o->k.info[PTM_KERNEL_gemm_f32];
    o->how = "conv transposed";
    return PTM_OK;
}

static const char *claim_transposed(const struct ptm_graph *g, const struct ptm_node *n,
                                    struct ptm_claim *claim)
{
    const char *why = ptm_cpu_all_f32(g, n);
    if (!why)
        why = weights_given(g, n);
    if (why)
        return why;
    if (ptm_cpu_in(g, n, 0)->rank != 4)
        return "only two spatial dims";
    if (ptm_cpu_item(g, n, "stride", 0) > 64 || ptm_cpu_item(g, n, "stride", 1) > 64)
        return "a stride above 64";
    claim->layout = LAYOUT_CHANNELS_LAST;
    claim->row_inputs = claim->row_outputs = true;
    return NULL;
}

const struct ptm_cpu_op ptm_cpu_conv_transpose = {OP_conv_transpose, claim_transposed,
                                                  sizeof(struct transposed), compile_transposed};
