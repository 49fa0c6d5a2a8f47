/* SPDX-License-Identifier: BSD-2-Clause */
/* Lowering of torchvision::roi_align: bilinear samples of boxes, averaged per cell. */
#include "libcore/lower.h"
#include "libcore/lower_args.h"
#include "libcore/lower_index.h"

/* One axis of the sampling grid: [K, n] positions between two pixels each. */
struct axis {
    struct ptm_tensor *at[2];     /* the pixels, int64 */
    struct ptm_tensor *weight[2]; /* what each counts; 0 outside of the image */
};

static struct ptm_tensor *clamped(struct ptm_trace *t, struct ptm_tensor *x, double low,
                                  double high)
{
    struct ptm_emit e;
    if (!x)
        return NULL;
    ptm_emit_begin(&e, t, OP_clamp);
    ptm_emit_in(&e, x);
    ptm_emit_f(&e, low);
    ptm_emit_f(&e, high);
    return ptm_emit_end(&e);
}

/* Positions first + size * (i + 0.5) / (cells * ratio) of an axis of `pixels`. */
static struct axis sample(struct ptm_trace *t, struct ptm_tensor *first, struct ptm_tensor *size,
                          int64_t n, int64_t pixels)
{
    struct axis a = {.at = {NULL, NULL}};
    double last = (double)(pixels - 1), *step = ptm_doubles(t, n);
    if (!first || !size || !step)
        return a;
    for (int64_t i = 0; i < n; i++)
        step[i] = ((double)i + 0.5) / (double)n;
    struct ptm_ival steps = ptm_known_doubles(t, first->dtype, n, step);
    struct ptm_tensor *y = ptm_bin(t, OP_mul, ptm_view_unsqueeze(t, size, 1),
                                   ptm_arg_tensor(t, steps));
    y = ptm_bin(t, OP_add, ptm_view_unsqueeze(t, first, 1), y);
    struct ptm_tensor *inside = ptm_bin(t, OP_bitwise_and, ptm_bin_num(t, OP_ge, y, -1.0),
                                        ptm_bin_num(t, OP_le, y, (double)pixels));
    y = clamped(t, y, 0.0, last);
    struct ptm_tensor *low = ptm_op_unary(t, OP_floor, y);
    struct ptm_tensor *none = ptm_bin_num(t, OP_mul, y, 0.0);
    a.at[0] = ptm_cast(t, low, PTM_I64);
    a.at[1] = ptm_cast(t, clamped(t, ptm_bin_num(t, OP_add, low, 1.0), 0.0, last), PTM_I64);
    struct ptm_tensor *part = ptm_bin(t, OP_sub, y, low);
    struct ptm_tensor *rest = ptm_bin_num(t, OP_add, ptm_op_unary(t, OP_neg, part), 1.0);
    a.weight[0] = ptm_where(t, inside, rest, none);
    a.weight[1] = ptm_where(t, inside, part, none);
    return a;
}

static struct ptm_tensor *column(struct ptm_trace *t, struct ptm_tensor *rois, int64_t i,
                                 double scale, double offset)
{
    struct ptm_tensor *x = ptm_view_select(t, rois, 1, ptm_int(i));
    return ptm_bin_num(t, OP_sub, ptm_bin_num(t, OP_mul, x, scale), offset);
}

/* Samples x[N, C, H, W] at the grid of y and x positions: [K, n_y, n_x, C]. */
static struct ptm_tensor *gather(struct ptm_trace *t, struct ptm_tensor *x,
                                 struct ptm_tensor *image, const struct axis *ay,
                                 const struct axis *ax)
{
    static const int64_t dims[] = {0, 2, 3};
    struct ptm_tensor *sum = NULL;
    for (int i = 0; i < 4 && !ptm_trace_failed(t); i++) {
        struct ptm_tensor *wy = ptm_view_unsqueeze(t, ay->weight[i / 2], 2);
        struct ptm_tensor *wx = ptm_view_unsqueeze(t, ax->weight[i % 2], 1);
        struct ptm_tensor *index[] = {image, ptm_view_unsqueeze(t, ay->at[i / 2], 2),
                                      ptm_view_unsqueeze(t, ax->at[i % 2], 1)};
        struct ptm_tensor *v = ptm_index(t, x, index, dims, 3);
        v = ptm_bin(t, OP_mul, v, ptm_view_unsqueeze(t, ptm_bin(t, OP_mul, wy, wx), 3));
        sum = sum ? ptm_bin(t, OP_add, sum, v) : v;
    }
    return sum;
}

/* roi_align(input, rois, spatial_scale, pooled_h, pooled_w, sampling_ratio, aligned) */
static struct ptm_ival lower_roi_align(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    if (c->n_arg != 7)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "roi_align: %zu arguments, 7 wanted", c->n_arg);
    struct ptm_tensor *x = ptm_need(c, 0), *rois = ptm_need(c, 1), *size[2];
    double scale = ptm_arg_float(t, c->arg[2]);
    int64_t h = ptm_arg_size(t, c->arg[3]), w = ptm_arg_size(t, c->arg[4]);
    int64_t ratio = ptm_arg_size(t, c->arg[5]);
    double offset = ptm_arg_bool(t, c->arg[6]) ? 0.5 : 0.0;
    if (!x || !rois)
        return ptm_none();
    if (x->rank != 4 || rois->rank != 2 || rois->dim[1] != 5 || !x->dim[2] || !x->dim[3])
        return ptm_trace_fail(t, PTM_ERR_TYPE,
                              "roi_align: an image [N, C, H, W] and boxes [K, 5] are wanted");
    if (ratio < 1 || ratio > 64 || h < 1 || w < 1 || h > 4096 || w > 4096)
        return ptm_trace_fail(t, PTM_ERR_UNSUPPORTED,
                              "roi_align with sampling_ratio %lld and a result of %lld x %lld; a "
                              "fixed ratio from 1 to 64 is supported",
                              (long long)ratio, (long long)h, (long long)w);
    rois = ptm_cast(t, rois, (enum ptm_dtype)x->dtype);
    struct ptm_tensor *image = ptm_cast(t, ptm_view_select(t, rois, 1, ptm_int(0)), PTM_I64);
    image = ptm_view_unsqueeze(t, ptm_view_unsqueeze(t, image, 1), 2);
    struct ptm_tensor *x1 = column(t, rois, 1, scale, offset);
    struct ptm_tensor *y1 = column(t, rois, 2, scale, offset);
    size[0] = ptm_bin(t, OP_sub, column(t, rois, 4, scale, offset), y1);
    size[1] = ptm_bin(t, OP_sub, column(t, rois, 3, scale, offset), x1);
    for (int i = 0; i < 2 && offset == 0.0; i++)
        size[i] = clamped(t, size[i], 1.0, 1e300);
    struct axis ay = sample(t, y1, size[0], h * ratio, x->dim[2]);
    struct axis ax = sample(t, x1, size[1], w * ratio, x->dim[3]);
    struct ptm_tensor *v = gather(t, x, image, &ay, &ax);
    if (!v)
        return ptm_none();
    int64_t cells[] = {v->dim[0], h, ratio, w, ratio, x->dim[1]}, ratios[] = {2, 4};
    v = ptm_op_reduce(t, OP_mean, ptm_reshape(t, v, 6, cells), ratios, 2, false);
    v = ptm_view_permute(t, v, (int64_t[]){0, 3, 1, 2});
    return ptm_tensor_ival(ptm_contiguous(t, v));
}

const struct ptm_lowering ptm_lower_roi[] = {
    {"torchvision::roi_align", lower_roi_align},
    {NULL, NULL},
};
