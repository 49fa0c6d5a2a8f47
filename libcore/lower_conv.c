/* SPDX-License-Identifier: BSD-2-Clause */
/* Lowerings of convolutions, forward and transposed. */
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"
#include "libcore/lower_conv.h"

enum { SPATIAL = 3, MAX_SIZE = 1 << 30 }; /* at most */

/* int[] arguments of ATen may hold one element for all dims. */
static bool read_sizes(struct ptm_trace *t, struct ptm_ival v, int64_t *out, int n, int64_t least,
                       const char *what)
{
    if (!ptm_arg_ints_n(t, v, out, n))
        return false;
    for (int i = 0; i < n; i++)
        if (out[i] < least || out[i] > MAX_SIZE) {
            ptm_trace_fail(t, PTM_ERR_TYPE, "convolution: %s is %lld, %lld to %d wanted", what,
                           (long long)out[i], (long long)least, MAX_SIZE);
            return false;
        }
    return true;
}

/* 'same' pads dilation * (kernel - 1) in all; what is odd goes to the end, in a pad of its own. */
static struct ptm_tensor *pad_same(struct ptm_trace *t, struct ptm_tensor *x,
                                   const struct ptm_tensor *w, const int64_t *dilation,
                                   int64_t *padding, int n)
{
    int64_t none[PTM_MAX_RANK] = {0}, after[PTM_MAX_RANK] = {0};
    bool uneven = false;
    for (int i = 0; i < n; i++) {
        if (w->dim[2 + i] < 1 || w->dim[2 + i] > MAX_SIZE) {
            ptm_trace_fail(t, PTM_ERR_TYPE, "convolution: kernel of %lld, 1 to %d wanted",
                           (long long)w->dim[2 + i], MAX_SIZE);
            return NULL;
        }
        int64_t total = dilation[i] * (w->dim[2 + i] - 1);
        padding[i] = total / 2;
        after[x->rank - n + i] = total % 2;
        uneven = uneven || total % 2;
    }
    if (!uneven)
        return x;
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_pad);
    ptm_emit_in(&e, x);
    ptm_emit_ints(&e, none, x->rank);
    ptm_emit_ints(&e, after, x->rank);
    ptm_emit_i(&e, 0);
    ptm_emit_f(&e, 0);
    return ptm_emit_end(&e);
}

struct ptm_tensor *ptm_lower_convolution(struct ptm_trace *t, const struct ptm_conv_args *a)
{
    struct ptm_tensor *x = a->x, *w = a->w;
    int64_t stride[SPATIAL], padding[SPATIAL] = {0}, dilation[SPATIAL], output_padding[SPATIAL];
    if (!x || !w)
        return NULL;
    int n = w->rank - 2;
    if (n < 1 || n > SPATIAL || (x->rank != n + 1 && x->rank != n + 2)) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "convolution: input of rank %d, weight of rank %d", x->rank,
                       w->rank);
        return NULL;
    }
    if (!read_sizes(t, a->stride, stride, n, 1, "a stride") ||
        !read_sizes(t, a->dilation, dilation, n, 1, "a dilation"))
        return NULL;
    bool batched = x->rank == n + 2;
    if (!batched)
        x = ptm_view_unsqueeze(t, x, 0);
    if (a->padding.tag == PTM_STR) {
        const char *how = ptm_arg_str(t, a->padding);
        bool same = how && !strcmp(how, "same");
        if (!how || !x)
            return NULL;
        if (!same && strcmp(how, "valid")) {
            ptm_trace_fail(t, PTM_ERR_TYPE, "convolution: padding '%s', 'same' or 'valid' wanted",
                           how);
            return NULL;
        }
        for (int i = 0; i < n; i++)
            if (same && stride[i] != 1) {
                ptm_trace_fail(t, PTM_ERR_TYPE, "convolution: padding 'same' with stride %lld",
                               (long long)stride[i]);
                return NULL;
            }
        if (same)
            x = pad_same(t, x, w, dilation, padding, n);
    } else if (!read_sizes(t, a->padding, padding, n, 0, "a padding")) {
        return NULL;
    }
    if (a->transposed &&
        !read_sizes(t, a->output_padding, output_padding, n, 0, "an output padding"))
        return NULL;
    struct ptm_emit e;
    ptm_emit_begin(&e, t, a->transposed ? OP_conv_transpose : OP_conv);
    ptm_emit_in(&e, x);
    ptm_emit_in(&e, w);
    ptm_emit_opt(&e, a->bias);
    ptm_emit_ints(&e, stride, n);
    ptm_emit_ints(&e, padding, n);
    if (a->transposed)
        ptm_emit_ints(&e, output_padding, n);
    ptm_emit_ints(&e, dilation, n);
    ptm_emit_i(&e, a->groups);
    struct ptm_tensor *y = ptm_emit_end(&e);
    return batched ? y : ptm_view_squeeze(t, y, 0);
}

/* Arguments by name; those that a schema lacks have one value for all. */
static struct ptm_ival convolve(const struct ptm_lower_call *c, bool transposed)
{
    struct ptm_trace *t = c->t;
    struct ptm_conv_args a = {
        .x = ptm_need(c, 0),
        .w = ptm_need(c, 1),
        .bias = ptm_arg_tensor(t, ptm_named(c, "bias")),
        .stride = ptm_named(c, "stride"),
        .padding = ptm_named(c, "padding"),
        .dilation = ptm_has_named(c, "dilation") ? ptm_named(c, "dilation") : ptm_int(1),
        .output_padding =
            ptm_has_named(c, "output_padding") ? ptm_named(c, "output_padding") : ptm_int(0),
        .groups = ptm_has_named(c, "groups") ? ptm_arg_size(t, ptm_named(c, "groups")) : 1,
        .transposed = transposed,
    };
    return ptm_tensor_ival(ptm_lower_convolution(t, &a));
}

static struct ptm_ival lower_conv(const struct ptm_lower_call *c)
{
    return convolve(c, false);
}

static struct ptm_ival lower_conv_transpose(const struct ptm_lower_call *c)
{
    return convolve(c, true);
}

static struct ptm_ival lower_convolution(const struct ptm_lower_call *c)
{
    return convolve(c, ptm_arg_bool(c->t, ptm_named(c, "transposed")));
}

/* groups are as many as the input has channels */
static struct ptm_ival lower_conv_depthwise(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_conv_args a = {
        .x = ptm_need(c, 0),
        .w = ptm_need(c, 1),
        .bias = ptm_arg_tensor(t, ptm_named(c, "bias")),
        .stride = ptm_named(c, "stride"),
        .padding = ptm_named(c, "padding"),
        .dilation = ptm_named(c, "dilation"),
    };
    if (!a.x || !a.w || a.x->rank < a.w->rank - 1 || a.w->rank < 3)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "depthwise convolution: ranks do not fit");
    a.groups = a.x->dim[a.x->rank - a.w->rank + 1];
    return ptm_tensor_ival(ptm_lower_convolution(t, &a));
}

/* x[T, B, C], w[k, C, O], bias[O]: time first. */
static struct ptm_ival lower_conv_tbc(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *w = ptm_need(c, 1);
    if (!x || !w)
        return ptm_none();
    if (x->rank != 3 || w->rank != 3)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "conv_tbc: ranks %d and %d, 3 and 3 wanted", x->rank,
                              w->rank);
    struct ptm_conv_args a = {
        .x = ptm_view_permute(t, x, (int64_t[]){1, 2, 0}),
        .w = ptm_view_permute(t, w, (int64_t[]){2, 1, 0}),
        .bias = ptm_need(c, 2),
        .stride = ptm_int(1),
        .padding = c->arg[3],
        .dilation = ptm_int(1),
        .groups = 1,
    };
    struct ptm_tensor *y = ptm_lower_convolution(t, &a);
    if (!y)
        return ptm_none();
    y = ptm_view_permute(t, y, (int64_t[]){2, 0, 1});
    return ptm_tensor_ival(y ? ptm_contiguous(t, y) : NULL);
}

const struct ptm_lowering ptm_lower_conv[] = {
    {"aten::conv1d", lower_conv},
    {"aten::conv2d", lower_conv},
    {"aten::conv3d", lower_conv},
    {"aten::_convolution_mode", lower_conv},
    {"aten::thnn_conv2d", lower_conv},
    {"aten::_slow_conv2d_forward", lower_conv},
    {"aten::slow_conv3d", lower_conv},
    {"aten::slow_conv3d_forward", lower_conv},
    {"aten::slow_conv_dilated2d", lower_conv},
    {"aten::slow_conv_dilated3d", lower_conv},
    {"aten::_conv_depthwise2d", lower_conv_depthwise},
    {"aten::conv_depthwise3d", lower_conv_depthwise},
    {"aten::conv_transpose1d", lower_conv_transpose},
    {"aten::conv_transpose2d", lower_conv_transpose},
    {"aten::conv_transpose3d", lower_conv_transpose},
    {"aten::slow_conv_transpose2d", lower_conv_transpose},
    {"aten::slow_conv_transpose3d", lower_conv_transpose},
    {"aten::_convolution", lower_convolution},
    {"aten::convolution", lower_convolution},
    {"aten::convolution_overrideable", lower_convolution},
    {"aten::conv_tbc", lower_conv_tbc},
    {NULL, NULL},
};
