/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cpu backend's convolutions over one or three spatial dims. The input is copied once, channels
 * last and with its padding around it, so that no window leaves it; results are products with the
 * packed weights, channels last as well, and are put in the output's order at the end. Where that
 * can be, a row of a window is one run of numbers, so that a one-dimensional convolution is a plain
 * matrix product.
 */
#include <string.h>

#include "libcore/backend_cpu.h"

enum { D, H, W, DIMS, MOST_TAPS = 512, TABLE = 1024 };

struct conv {
    int first; /* of D, H, W that the node has; those before have size 1 */
    int64_t in[DIMS], out[DIMS], kernel[DIMS], stride[DIMS], padding[DIMS], dilation[DIMS];
    int64_t size[DIMS], step[DIMS]; /* of the padded input; step: elements from one to the next */
    int64_t images, groups, c_in, c_out; /* channels of a group */
    int64_t taps, depth;                 /* of a product; depth: numbers in a run */
    float min, max;
    struct ptm_cpu_panels *panels; /* per group */
    const float *depthwise;        /* packed for dwconv_f32; NULL: panels */
};

/* One run; x and y are of the present group, channels last. */
struct call {
    const struct conv *v;
    const struct ptm_kernels *k;
    const float *x;
    float *y;
};

static int64_t spatial(const int64_t *dim)
{
    return dim[D] * dim[H] * dim[W];
}

static void read_geometry(struct conv *v, const struct ptm_graph *g, const struct ptm_node *n)
{
    const struct ptm_type *x = ptm_cpu_in(g, n, 0), *w = ptm_cpu_in(g, n, 1);
    const struct ptm_type *y = &g->value[n->out].type;
    v->first = DIMS - (x->rank - 2);
    for (int d = 0; d < DIMS; d++) {
        int k = d - v->first;
        v->in[d] = k < 0 ? 1 : x->dim[2 + k];
        v->out[d] = k < 0 ? 1 : y->dim[2 + k];
        v->kernel[d] = k < 0 ? 1 : w->dim[2 + k];
        v->stride[d] = k < 0 ? 1 : ptm_cpu_item(g, n, "stride", k);
        v->padding[d] = k < 0 ? 0 : ptm_cpu_item(g, n, "padding", k);
        v->dilation[d] = k < 0 ? 1 : ptm_cpu_item(g, n, "dilation", k);
        v->size[d] = v->in[d] + 2 * v->padding[d];
    }
    v->images = x->dim[0];
    v->groups = ptm_cpu_int(g, n, "groups");
    v->c_in = x->dim[1] / v->groups;
    v->c_out = y->dim[1] / v->groups;
    v->step[W] = x->dim[1];
    v->step[H] = v->size[W] * v->step[W];
    v->step[D] = v->size[H] * v->step[H];
    bool runs = v->groups == 1 && v->dilation[W] == 1;
    v->taps = v->kernel[D] * v->kernel[H] * (runs ? 1 : v->kernel[W]);
    v->depth = runs ? v->kernel[W] * v->c_in : v->c_in;
}

/* -- running -- */

/* Where the window of output `row` begins. */
static const float *window(const struct call *p, size_t row)
{
    const struct conv *v = p->v;
    int64_t at = (int64_t)row, x = at % v->out[W], y, z;
    at /= v->out[W];
    y = at % v->out[H];
    at /= v->out[H];
    z = at % v->out[D];
    return p->x + at / v->out[D] * v->size[D] * v->step[D] + z * v->stride[D] * v->step[D] +
           y * v->stride[H] * v->step[H] + x * v->stride[W] * v->step[W];
}

/* Elements from a window's beginning to its tap t. */
static int64_t tap_offset(const struct conv *v, int64_t t, int64_t in_row)
{
    int64_t x = t % in_row, y = t / in_row % v->kernel[H], z = t / in_row / v->kernel[H];
    return z * v->dilation[D] * v->step[D] + y * v->dilation[H] * v->step[H] +
           x * v->dilation[W] * v->step[W];
}

static void point(const void *ctx, size_t row, size_t rows, size_t tap, size_t taps,
                  const float **table, size_t stride, float *room)
{
    const struct call *p = ctx;
    const struct conv *v = p->v;
    int64_t in_row = v->taps / (v->kernel[D] * v->kernel[H]);
    (void)room;
    for (size_t r = 0; r < rows; r++)
        table[r] = window(p, row + r);
    for (size_t t = taps; t-- > 0;) { /* the first, which the others are made from, last */
        int64_t at = tap_offset(v, (int64_t)(tap + t), in_row);
        for (size_t r = 0; r < rows; r++)
            table[t * stride + r] = table[r] + at;
    }
}

static void run_products(const struct conv *v, const struct ptm_cpu_object *o, struct call *p)
{
    const float *x = p->x;
    struct ptm_cpu_gemm g = {
        .k = &o->k, .rows = (size_t)(v->images * spatial(v->out)), .taps = (size_t)v->taps,
        .depth = (size_t)v->depth, .point = point, .ctx = p,
        .c_stride = (size_t)(v->groups * v->c_out), .min = v->min, .max = v->max};
    for (int64_t i = 0; i < v->groups; i++) {
        p->x = x + i * v->c_in;
        g.w = &v->panels[i];
        g.c = p->y + i * v->c_out;
        ptm_cpu_gemm(&g, o->pool);
    }
}

/* A block of outputs. */
static void depthwise_part(void *ctx, size_t task)
{
    const struct call *p = ctx;
    const struct conv *v = p->v;
    const float *table[TABLE];
    size_t taps = (size_t)spatial(v->kernel), n = TABLE / taps;
    size_t all = (size_t)(v->images * spatial(v->out)), first = task * n;
    n = all - first < n ? all - first : n;
    for (size_t r = 0; r < n; r++)
        table[r] = window(p, first + r);
    for (size_t t = taps; t-- > 0;) {
        int64_t at = tap_offset(v, (int64_t)t, v->kernel[W]);
        for (size_t r = 0; r < n; r++)
            table[t * n + r] = table[r] + at;
    }
    struct ptm_dwconv_f32 d = {
        .x = table, .x_pixels = n, .taps = taps, .pixels = n, .channels = (size_t)v->groups,
        .w = v->depthwise, .y = p->y + first * (size_t)v->groups,
        .y_stride = (size_t)v->groups, .min = v->min, .max = v->max};
    p->k->dwconv_f32(&d);
}

/* `nd`, an image batch, as it lies channels last at `data`, whose steps are given. */
static struct ptm_nd channels_last(const struct conv *v, const struct ptm_nd *nd, float *data,
                                   const int64_t *step, int64_t image)
{
    struct ptm_nd y = *nd;
    y.data = data;
    y.stride[0] = image;
    y.stride[1] = 1;
    for (int k = 2; k < nd->rank; k++)
        y.stride[k] = step[v->first + k - 2];
    return y;
}

static size_t input_floats(const struct conv *v)
{
    return (size_t)(v->images * v->size[D] * v->step[D]);
}

static size_t output_floats(const struct conv *v)
{
    return (size_t)(v->images * spatial(v->out) * v->groups * v->c_out);
}

static int run_conv(const struct ptm_cpu_object *o, const struct ptm_ref_call *c)
{
    const struct conv *v = o->more;
    float *x = ptm_cpu_scratch(c, input_floats(v)); /* zeros: the padding */
    float *y = ptm_cpu_scratch(c, output_floats(v));
    if (!x || !y)
        return PTM_REF_MEMORY;
    int64_t inside = 0, out_step[DIMS] = {0};
    for (int d = 0; d < DIMS; d++)
        inside += v->padding[d] * v->step[d];
    out_step[W] = v->groups * v->c_out;
    out_step[H] = v->out[W] * out_step[W];
    out_step[D] = v->out[H] * out_step[H];
    struct ptm_nd nd = channels_last(v, &c->in[0], x + inside, v->step, v->size[D] * v->step[D]);
    ptm_threads_copy(o->pool, &c->in[0], &nd);
    struct call p = {.v = v, .k = &o->k, .x = x, .y = y};
    if (v->depthwise) {
        size_t block = TABLE / (size_t)spatial(v->kernel);
        size_t all = (size_t)(v->images * spatial(v->out));
        ptm_threads_run(o->pool, (all + block - 1) / block, depthwise_part, &p);
    } else {
        run_products(v, o, &p);
    }
    nd = channels_last(v, &c->out[0], y, out_step, v->out[D] * out_step[D]);
    ptm_threads_copy(o->pool, &nd, &c->out[0]);
    return 0;
}

/* -- compiling -- */

/* What packing reads. */
struct weights {
    const struct conv *v;
    const struct ptm_kernels *k;
    const struct ptm_nd *w, *bias;
};

static bool fill_depthwise(const void *ctx, void *to)
{
    const struct weights *from = ctx;
    struct ptm_arena work = {0};
    const float *w = ptm_cpu_floats(&work, from->w), *bias = ptm_cpu_floats(&work, from->bias);
    size_t vl = from->k->info[PTM_KERNEL_dwconv_f32]->tile.vl;
    size_t taps = (size_t)spatial(from->v->kernel), n = (size_t)from->v->groups;
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

static bool fill_products(const void *ctx, void *to)
{
    const struct weights *from = ctx;
    const struct conv *v = from->v;
    struct ptm_arena work = {0};
    const float *w = ptm_cpu_floats(&work, from->w), *bias = ptm_cpu_floats(&work, from->bias);
    size_t taps = (size_t)spatial(v->kernel), c_in = (size_t)v->c_in, n = (size_t)v->c_out;
    float *turned = ptm_cpu_alloc(&work, n * taps * c_in), *data = to;
    for (int64_t i = 0; i < v->groups && !work.failed; i++, w += n * taps * c_in) {
        struct ptm_cpu_panels p;
        size_t size = ptm_cpu_panels_size(&p, from->k, n, taps * c_in);
        for (size_t j = 0; j < n; j++) /* channel, tap -> tap, channel */
            from->k->transpose_f32(c_in, taps, w + j * taps * c_in, taps,
                                   turned + j * taps * c_in, c_in);
        ptm_cpu_panels_fill(&p, from->k, data, turned, 1, (int64_t)(taps * c_in),
                            bias ? bias + (size_t)i * n : NULL);
        data += size;
    }
    bool failed = work.failed;
    ptm_arena_release(&work);
    return !failed;
}

static bool is_depthwise(const struct conv *v)
{
    return v->c_in == 1 && v->c_out == 1 && v->groups > 1 && spatial(v->kernel) <= MOST_TAPS;
}

static enum ptm_status pack(struct conv *v, struct ptm_cpu_object *o,
                            const struct ptm_step_request *rq, struct ptm_err *err)
{
    size_t taps = (size_t)spatial(v->kernel), groups = (size_t)v->groups, size = 0;
    struct weights from = {v, &o->k, &rq->in[1], &rq->in[2]};
    struct ptm_cpu_packing packing = {
        .kernel = PTM_KERNEL_dwconv_f32, .how = "depthwise nd", .from = rq->in + 1, .n_from = 2,
        .fill = fill_depthwise, .ctx = &from};
    if (is_depthwise(v)) {
        size_t vl = o->k.info[PTM_KERNEL_dwconv_f32]->tile.vl;
        packing.floats = (groups + vl - 1) / vl * vl * (taps + 1);
        return ptm_cpu_pack(o, rq, &packing, &v->depthwise, err);
    }
    const float *data;
    v->panels = ptm_arena_array(&o->memory, groups, sizeof(*v->panels));
    if (!v->panels)
        return ptm_cpu_memory(err);
    for (size_t i = 0; i < groups; i++)
        size = ptm_cpu_panels_size(&v->panels[i], &o->k, (size_t)v->c_out,
                                   taps * (size_t)v->c_in);
    packing.kernel = PTM_KERNEL_gemm_f32;
    packing.how = "conv nd";
    packing.param = &v->groups;
    packing.n_params = 1;
    packing.floats = groups * size;
    packing.fill = fill_products;
    PTM_TRY(ptm_cpu_pack(o, rq, &packing, &data, err));
    for (size_t i = 0; i < groups; i++)
        v->panels[i].data = data + i * size;
    return PTM_OK;
}

enum ptm_status ptm_cpu_compile_conv_nd(const struct ptm_step_request *rq,
                                        struct ptm_cpu_object *o, struct ptm_err *err)
{
    struct conv *v = ptm_arena_alloc(&o->memory, sizeof(*v));
    if (!v)
        return ptm_cpu_memory(err);
    read_geometry(v, rq->graph, rq->node);
    v->min = (float)ptm_cpu_float(rq->graph, rq->node, "min");
    v->max = (float)ptm_cpu_float(rq->graph, rq->node, "max");
    PTM_TRY(pack(v, o, rq, err));
    ptm_cpu_will_scratch(o, input_floats(v));
    ptm_cpu_will_scratch(o, output_floats(v));
    o->more = v;
    o->run = run_conv;
    o->main = o->k.info[v->depthwise ? PTM_KERNEL_dwconv_f32 : PTM_KERNEL_gemm_f32];
    o->how = v->depthwise ? "depthwise nd" : v->first == W ? "conv 1d" : "conv 3d";
    return PTM_OK;
}

const char *ptm_cpu_claim_conv_nd(const struct ptm_graph *g, const struct ptm_node *n,
                                  struct ptm_claim *claim)
{
    struct conv v;
    const struct ptm_type *x = ptm_cpu_in(g, n, 0), *y = &g->value[n->out].type;
    if (x->rank != 3 && x->rank != 5)
        return "not one to three spatial dims";
    for (int k = 0; k < x->rank - 2; k++)
        if (ptm_cpu_item(g, n, "padding", k) > INT32_MAX)
            return "more padding than image";
    read_geometry(&v, g, n);
    double floats = (double)v.images * (double)x->dim[1];
    for (int d = 0; d < DIMS; d++)
        floats *= (double)v.size[d];
    if (floats > 8.0 * (double)(ptm_type_numel(x) + ptm_type_numel(y)) + 65536)
        return "more padding than image";
    claim->layout = LAYOUT_ROW_MAJOR;
    claim->any_strides = claim->any_outputs = true;
    return NULL;
}
