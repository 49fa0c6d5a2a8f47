/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lowerings of resampling: upsample_*, interpolate, grid_sampler, and of
 * sliding windows (im2col, col2im).
 *
 * ATen maps output to input places by the scale factor when the caller gave
 * one, by the quotient of sizes otherwise; OP_resize's scale 0 says the latter.
 */
#include <math.h>
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"

enum { NEAREST, NEAREST_EXACT, LINEAR, CUBIC }; /* OP_resize's modes */
enum { SPATIAL = 3, MAX_POINTS = 1 << 22 }; /* of an affine grid */

struct resize {
    int mode, n; /* n spatial dims */
    bool align_corners, antialias;
    int64_t size[SPATIAL];
    double scale[SPATIAL];
};

/* Whether the strides are those of a channels-last tensor; dims of one element say nothing. */
static bool channels_inside(const struct ptm_tensor *x)
{
    int64_t expect = 1;
    for (int k = 0; k < x->rank; k++) {
        int d = k == 0 ? 1 : k == x->rank - 1 ? 0 : x->rank - k;
        if (x->dim[d] != 1 && x->stride[d] != expect)
            return false;
        expect *= x->dim[d];
    }
    return true;
}

/* ATen's loops for linear modes copy where a size stays, whatever the factor; the one for nearest
 * in channels-last also where it doubles. PyTorch 2 takes that one for small images too. */
static void drop_scales(const struct ptm_tensor *x, struct resize *r)
{
    bool small_image = r->n == 2 && r->size[0] + r->size[1] <= 128;
    bool copies = r->mode == LINEAR && !r->antialias;
    bool doubles = r->mode == NEAREST && r->n >= 2 &&
                   (small_image || (x->dim[1] > 3 && channels_inside(x)));
    for (int i = 0; i < r->n; i++)
        if (((copies || doubles) && r->size[i] == x->dim[2 + i]) ||
            (doubles && r->size[i] == 2 * x->dim[2 + i]))
            r->scale[i] = 0;
}

static struct ptm_tensor *emit_resize(struct ptm_trace *t, struct ptm_tensor *x,
                                      struct resize *r)
{
    struct ptm_emit e;
    if (!x)
        return NULL;
    drop_scales(x, r);
    for (int i = 0; i < r->n; i++)
        if (r->size[i] < 1) {
            ptm_trace_fail(t, PTM_ERR_TYPE, "resize: size %lld, at least 1 wanted",
                           (long long)r->size[i]);
            return NULL;
        }
    ptm_emit_begin(&e, t, OP_resize);
    ptm_emit_in(&e, x);
    ptm_emit_ints(&e, r->size, r->n);
    ptm_emit_i(&e, r->mode);
    ptm_emit_i(&e, r->align_corners);
    ptm_emit_i(&e, r->antialias);
    ptm_emit_floats(&e, r->scale, r->n);
    return ptm_emit_end(&e);
}

/* What the name says: upsample_bilinear2d, _upsample_nearest_exact1d, _upsample_bicubic2d_aa. */
static void parse_name(const char *name, struct resize *r)
{
    const char *digit = strpbrk(name, "123");
    *r = (struct resize){.mode = LINEAR, .n = digit ? *digit - '0' : 1};
    if (strstr(name, "nearest_exact"))
        r->mode = NEAREST_EXACT;
    else if (strstr(name, "nearest"))
        r->mode = NEAREST;
    else if (strstr(name, "cubic"))
        r->mode = CUBIC;
    r->antialias = strstr(name, "_aa") != NULL;
}

static bool check_rank(const struct ptm_lower_call *c, const struct ptm_tensor *x, int rank)
{
    if (x && x->rank != rank)
        ptm_trace_fail(c->t, PTM_ERR_TYPE, "%s: input of rank %d, %d wanted", c->schema->name,
                       x->rank, rank);
    return x && x->rank == rank;
}

/* sizes that follow from scale factors: rounded down, in double as ATen does */
static bool sizes_of_scales(struct ptm_trace *t, const struct ptm_tensor *x, struct resize *r)
{
    for (int i = 0; i < r->n; i++) {
        double size = floor((double)x->dim[2 + i] * r->scale[i]);
        if (!(size >= 1 && size < 1e15)) {
            ptm_trace_fail(t, PTM_ERR_TYPE, "resize: %lld elements times %g",
                           (long long)x->dim[2 + i], r->scale[i]);
            return false;
        }
        r->size[i] = (int64_t)size;
    }
    return true;
}

static struct ptm_ival lower_upsample(const struct ptm_lower_call *c)
{
    static const char *const scale_names[] = {"scales_d", "scales_h", "scales_w"};
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0);
    struct resize r;
    parse_name(c->schema->name, &r);
    if (!check_rank(c, x, r.n + 2))
        return ptm_none();
    if (ptm_has_named(c, "align_corners"))
        r.align_corners = ptm_arg_bool(t, ptm_named(c, "align_corners"));
    if (!ptm_has_named(c, "scale_factors")) {
        if (!ptm_arg_ints_n(t, c->arg[1], r.size, r.n))
            return ptm_none();
        for (int i = 0; i < r.n; i++) {
            const char *name = r.n == 1 ? "scales" : scale_names[SPATIAL - r.n + i];
            struct ptm_ival s = ptm_named(c, name);
            r.scale[i] = ptm_is_none(s) ? 0 : ptm_arg_float(t, s);
        }
    } else {
        struct ptm_ival s = ptm_named(c, "scale_factors");
        bool sized = !ptm_is_none(c->arg[1]);
        if (sized == !ptm_is_none(s))
            return ptm_trace_fail(t, PTM_ERR_TYPE, "%s: either a size or scale factors wanted",
                                  c->schema->name);
        if (sized && !ptm_arg_ints_n(t, c->arg[1], r.size, r.n))
            return ptm_none();
        if (!sized) {
            if (ptm_arg_floats(t, s, r.scale, r.n) != r.n)
                return ptm_trace_fail(t, PTM_ERR_TYPE, "%s: %d scale factors wanted",
                                      c->schema->name, r.n);
            if (!sizes_of_scales(t, x, &r))
                return ptm_none();
        }
    }
    for (int i = 0; i < r.n; i++) /* ATen: only positive factors count */
        if (!(r.scale[i] > 0))
            r.scale[i] = 0;
    return ptm_tensor_ival(emit_resize(t, x, &r));
}

/* -- F.interpolate as one operator -- */

static bool mode_by_name(struct ptm_trace *t, const char *mode, int n, struct resize *r)
{
    static const char *const linear[] = {"linear", "bilinear", "trilinear"};
    *r = (struct resize){.n = n};
    if (!strcmp(mode, "nearest"))
        r->mode = NEAREST;
    else if (!strcmp(mode, "nearest-exact"))
        r->mode = NEAREST_EXACT;
    else if (n == 2 && !strcmp(mode, "bicubic"))
        r->mode = CUBIC;
    else if (n >= 1 && n <= SPATIAL && !strcmp(mode, linear[n - 1]))
        r->mode = LINEAR;
    else {
        ptm_trace_fail(t, PTM_ERR_TYPE, "interpolate: mode '%s' for %d spatial dims", mode, n);
        return false;
    }
    return true;
}

static struct ptm_ival interpolate(const struct ptm_lower_call *c, const char *mode,
                                   bool align_corners)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0);
    struct ptm_ival size = c->arg[1], scale = c->arg[2];
    struct ptm_ival recompute = ptm_named(c, "recompute_scale_factor");
    struct resize r;
    if (!x || !mode)
        return ptm_none();
    int n = x->rank - 2;
    bool area = !strcmp(mode, "area");
    if (n < 1 || n > SPATIAL || !mode_by_name(t, area ? "nearest" : mode, n, &r))
        return ptm_trace_fail(t, PTM_ERR_TYPE, "interpolate: input of rank %d, 3 to 5 wanted",
                              x->rank);
    r.align_corners = align_corners;
    r.antialias = ptm_has_named(c, "antialias") && ptm_arg_bool(t, ptm_named(c, "antialias"));
    if (!ptm_is_none(size)) {
        if (!ptm_arg_ints_n(t, size, r.size, n))
            return ptm_none();
    } else {
        int got = scale.tag == PTM_LIST ? ptm_arg_floats(t, scale, r.scale, n) : 1;
        if (scale.tag != PTM_LIST)
            r.scale[0] = ptm_arg_float(t, scale);
        if (got != 1 && got != n)
            return ptm_trace_fail(t, PTM_ERR_TYPE, "interpolate: %d scale factors for %d dims", got,
                                  n);
        for (int i = got; i < n; i++)
            r.scale[i] = r.scale[0];
        if (!sizes_of_scales(t, x, &r))
            return ptm_none();
        /* this operator's default, None, is the old behaviour: the sizes decide */
        if (area || ptm_is_none(recompute) || ptm_arg_bool(t, recompute))
            memset(r.scale, 0, sizeof(r.scale));
    }
    if (!area)
        return ptm_tensor_ival(emit_resize(t, x, &r));
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_adaptive_avg_pool);
    ptm_emit_in(&e, x);
    ptm_emit_ints(&e, r.size, n);
    return ptm_tensor_ival(ptm_emit_end(&e));
}

static struct ptm_ival lower_interpolate(const struct ptm_lower_call *c)
{
    struct ptm_ival align = ptm_named(c, "align_corners");
    return interpolate(c, ptm_arg_str(c->t, ptm_named(c, "mode")),
                       !ptm_is_none(align) && ptm_arg_bool(c->t, align));
}

static struct ptm_ival lower_upsample_bilinear(const struct ptm_lower_call *c)
{
    return interpolate(c, "bilinear", true);
}

static struct ptm_ival lower_upsample_nearest(const struct ptm_lower_call *c)
{
    return interpolate(c, "nearest", false);
}

/* -- windows -- */

static struct ptm_tensor *batch_of(struct ptm_trace *t, struct ptm_tensor *x, int rank)
{
    return x && x->rank == rank - 1 ? ptm_view_unsqueeze(t, x, 0) : x;
}

/* args: the int[2] arguments in OP's order */
static struct ptm_ival emit_windows(const struct ptm_lower_call *c, enum ptm_op op, int rank)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *batch = batch_of(t, x, rank), *y;
    struct ptm_emit e;
    int64_t v[2];
    if (!check_rank(c, batch, rank))
        return ptm_none();
    ptm_emit_begin(&e, t, op);
    ptm_emit_in(&e, batch);
    for (size_t i = 1; i < c->n_arg && i < (op == OP_fold ? 6u : 5u); i++) {
        if (!ptm_arg_ints_n(t, c->arg[i], v, 2))
            return ptm_none();
        ptm_emit_ints(&e, v, 2);
    }
    y = ptm_emit_end(&e);
    return ptm_tensor_ival(batch == x ? y : ptm_view_squeeze(t, y, 0));
}

static struct ptm_ival lower_im2col(const struct ptm_lower_call *c)
{
    return emit_windows(c, OP_unfold, 4);
}

static struct ptm_ival lower_col2im(const struct ptm_lower_call *c)
{
    return emit_windows(c, OP_fold, 3);
}

/* -- grids -- */

static struct ptm_ival lower_grid_sampler(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *grid = ptm_need(c, 1);
    struct ptm_emit e;
    if (x && x->rank == 5)
        return ptm_trace_fail(t, PTM_ERR_UNSUPPORTED, "%s of volumes (rank 5)", c->schema->name);
    if (!check_rank(c, x, 4) || !check_rank(c, grid, 4))
        return ptm_none();
    ptm_emit_begin(&e, t, OP_grid_sample);
    ptm_emit_in(&e, x);
    ptm_emit_in(&e, grid);
    ptm_emit_i(&e, ptm_arg_size(t, c->arg[2]));
    ptm_emit_i(&e, ptm_arg_size(t, c->arg[3]));
    ptm_emit_i(&e, ptm_arg_bool(t, c->arg[4]));
    return ptm_tensor_ival(ptm_emit_end(&e));
}

/* The n centres (or, aligned, corners) of a row from -1 to 1, as linspace makes them. */
static double grid_place(int64_t k, int64_t n, bool align_corners)
{
    if (n <= 1)
        return 0;
    double step = 2.0 / (double)(n - 1);
    double at = k < n / 2 ? -1 + step * (double)k : 1 - step * (double)(n - 1 - k);
    return align_corners ? at : at * (double)(n - 1) / (double)n;
}

/* theta[N, d, d + 1] times the homogeneous places of every output point. */
static struct ptm_ival lower_affine_grid(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *theta = ptm_need(c, 0);
    int64_t size[SPATIAL + 2], dim[PTM_MAX_RANK], points = 1;
    int n = ptm_arg_ints(t, c->arg[1], size, SPATIAL + 2), d = n - 2;
    bool align = ptm_arg_bool(t, c->arg[2]);
    if (!theta || ptm_trace_failed(t))
        return ptm_none();
    if ((d != 2 && d != 3) || theta->rank != 3 || theta->dim[1] != d || theta->dim[2] != d + 1)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "affine_grid: theta of rank %d for %d sizes",
                              theta->rank, n);
    for (int i = 0; i < d; i++) {
        if (size[2 + i] < 1 || points > MAX_POINTS / size[2 + i])
            return ptm_trace_fail(t, PTM_ERR_LIMIT,
                                  "affine_grid: size %lld, points up to %d wanted",
                                  (long long)size[2 + i], MAX_POINTS);
        points *= size[2 + i];
    }
    double *base = ptm_arena_array(ptm_trace_arena(t), (size_t)points, (size_t)n * sizeof(*base));
    if (!base)
        return ptm_trace_fail(t, PTM_ERR_MEMORY, "affine_grid: no memory for %lld points",
                              (long long)points);
    for (int64_t k = 0; k < points; k++) {
        int64_t rest = k; /* x, y(, z), 1: the last size runs fastest and comes first */
        for (int i = 0; i < d; i++) {
            int64_t len = size[n - 1 - i];
            base[k * (d + 1) + i] = grid_place(rest % len, len, align);
            rest /= len;
        }
        base[k * (d + 1) + d] = 1;
    }
    struct ptm_tensor *b = ptm_known(t, PTM_F64, 2, (int64_t[]){points, d + 1}, base);
    b = ptm_cast(t, b, (enum ptm_dtype)theta->dtype);
    struct ptm_tensor *y =
        ptm_op_binary(t, OP_matmul, b, ptm_view_transpose(t, theta, 1, 2));
    dim[0] = theta->dim[0];
    memcpy(dim + 1, size + 2, (size_t)d * sizeof(*dim));
    dim[d + 1] = d;
    return ptm_tensor_ival(ptm_reshape(t, y, d + 2, dim));
}

const struct ptm_lowering ptm_lower_resize[] = {
    {"aten::upsample_nearest1d", lower_upsample},
    {"aten::upsample_nearest2d", lower_upsample},
    {"aten::upsample_nearest3d", lower_upsample},
    {"aten::_upsample_nearest_exact1d", lower_upsample},
    {"aten::_upsample_nearest_exact2d", lower_upsample},
    {"aten::_upsample_nearest_exact3d", lower_upsample},
    {"aten::upsample_linear1d", lower_upsample},
    {"aten::upsample_bilinear2d", lower_upsample},
    {"aten::upsample_trilinear3d", lower_upsample},
    {"aten::upsample_bicubic2d", lower_upsample},
    {"aten::_upsample_bilinear2d_aa", lower_upsample},
    {"aten::_upsample_bicubic2d_aa", lower_upsample},
    {"aten::__interpolate", lower_interpolate},
    {"aten::__upsample", lower_interpolate},
    {"aten::__upsample_bilinear", lower_upsample_bilinear},
    {"aten::__upsample_nearest", lower_upsample_nearest},
    {"aten::im2col", lower_im2col},
    {"aten::col2im", lower_col2im},
    {"aten::grid_sampler", lower_grid_sampler},
    {"aten::grid_sampler_2d", lower_grid_sampler},
    {"aten::_grid_sampler_2d_cpu_fallback", lower_grid_sampler},
    {"aten::grid_sampler_3d", lower_grid_sampler},
    {"aten::affine_grid_generator", lower_affine_grid},
    {NULL, NULL},
};
