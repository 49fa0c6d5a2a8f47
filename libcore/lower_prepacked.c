/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lowerings of prepacked:: (XNNPACK operators that optimize_for_mobile puts in)
 * and of the fused aten::_add_relu. A packed object holds what the file keeps:
 * one attribute "state", the tuple of the original arguments.
 */
#include <math.h>
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"
#include "libcore/lower_conv.h"
#include "libcore/program.h"

#define PACKED "__torch__.torch.classes.xnnpack."

static struct ptm_ival pack(const struct ptm_lower_call *c, const char *qualname)
{
    static const char *const names[] = {"state"};
    struct ptm_list *state = ptm_list_new(ptm_trace_arena(c->t), c->n_arg);
    const struct ptm_class *cls = ptm_trace_class(c->t, qualname, 1, names);
    struct ptm_object *o = cls ? ptm_object_new(c->t, cls) : NULL;
    if (!state || !o)
        return ptm_none();
    memcpy(state->v, c->arg, c->n_arg * sizeof(*c->arg));
    o->attr[0] = (struct ptm_ival){.tag = PTM_TUPLE, .u.list = state};
    return (struct ptm_ival){.tag = PTM_OBJECT, .u.object = o};
}

static struct ptm_ival lower_linear_prepack(const struct ptm_lower_call *c)
{
    return pack(c, PACKED "LinearOpContext");
}

static struct ptm_ival lower_conv_prepack(const struct ptm_lower_call *c)
{
    return pack(c, PACKED "Conv2dOpContext");
}

static struct ptm_ival lower_conv_transpose_prepack(const struct ptm_lower_call *c)
{
    return pack(c, PACKED "TransposeConv2dOpContext");
}

/* The n values of a packed object, or NULL. */
static const struct ptm_ival *unpack(const struct ptm_lower_call *c, const char *qualname, size_t n)
{
    struct ptm_ival v = c->arg[1];
    if (v.tag != PTM_OBJECT || strcmp(v.u.object->cls->qualname, qualname)) {
        ptm_trace_fail(c->t, PTM_ERR_TYPE, "%s: argument 1 is no %s", c->schema->name, qualname);
        return NULL;
    }
    struct ptm_ival state = ptm_object_attr(c->t, v.u.object, "state");
    if (ptm_trace_failed(c->t))
        return NULL;
    if (state.tag != PTM_TUPLE || state.u.list->n != n) {
        ptm_trace_fail(c->t, PTM_ERR_FORMAT,
                       "%s: packed state of %zu values, a tuple of %zu wanted", qualname,
                       state.tag == PTM_TUPLE ? state.u.list->n : 0, n);
        return NULL;
    }
    return state.u.list->v;
}

static struct ptm_ival clamp(const struct ptm_lower_call *c, struct ptm_tensor *y,
                             struct ptm_ival min, struct ptm_ival max)
{
    struct ptm_emit e;
    if (!y || (ptm_is_none(min) && ptm_is_none(max)))
        return ptm_tensor_ival(y);
    ptm_emit_begin(&e, c->t, OP_clamp);
    ptm_emit_in(&e, y);
    ptm_emit_f(&e, ptm_is_none(min) ? -(double)INFINITY : ptm_arg_float(c->t, min));
    ptm_emit_f(&e, ptm_is_none(max) ? (double)INFINITY : ptm_arg_float(c->t, max));
    return ptm_tensor_ival(ptm_emit_end(&e));
}

static struct ptm_ival lower_linear_run(const struct ptm_lower_call *c)
{
    const struct ptm_ival *s = unpack(c, PACKED "LinearOpContext", 4);
    if (!s)
        return ptm_none();
    struct ptm_ival arg[] = {c->arg[0], s[0], s[1]};
    struct ptm_ival y = ptm_call(c->t, "aten::linear", 3, arg);
    return clamp(c, ptm_arg_tensor(c->t, y), s[2], s[3]);
}

static struct ptm_ival lower_conv_run(const struct ptm_lower_call *c)
{
    const struct ptm_ival *s = unpack(c, PACKED "Conv2dOpContext", 8);
    if (!s)
        return ptm_none();
    struct ptm_conv_args a = {
        .x = ptm_need(c, 0),
        .w = ptm_arg_tensor(c->t, s[0]),
        .bias = ptm_arg_tensor(c->t, s[1]),
        .stride = s[2],
        .padding = s[3],
        .dilation = s[4],
        .groups = ptm_arg_size(c->t, s[5]),
    };
    return clamp(c, ptm_lower_convolution(c->t, &a), s[6], s[7]);
}

static struct ptm_ival lower_conv_transpose_run(const struct ptm_lower_call *c)
{
    const struct ptm_ival *s = unpack(c, PACKED "TransposeConv2dOpContext", 9);
    if (!s)
        return ptm_none();
    struct ptm_conv_args a = {
        .x = ptm_need(c, 0),
        .w = ptm_arg_tensor(c->t, s[0]),
        .bias = ptm_arg_tensor(c->t, s[1]),
        .stride = s[2],
        .padding = s[3],
        .output_padding = s[4],
        .dilation = s[5],
        .groups = ptm_arg_size(c->t, s[6]),
        .transposed = true,
    };
    return clamp(c, ptm_lower_convolution(c->t, &a), s[7], s[8]);
}

static struct ptm_ival lower_add_relu(const struct ptm_lower_call *c)
{
    struct ptm_ival y = ptm_call(c->t, "aten::add", 3, c->arg);
    return ptm_tensor_ival(ptm_op_unary(c->t, OP_relu, ptm_arg_tensor(c->t, y)));
}

const struct ptm_lowering ptm_lower_prepacked[] = {
    {"prepacked::linear_clamp_prepack", lower_linear_prepack},
    {"prepacked::linear_clamp_run", lower_linear_run},
    {"prepacked::conv2d_clamp_prepack", lower_conv_prepack},
    {"prepacked::conv2d_clamp_run", lower_conv_run},
    {"prepacked::conv2d_transpose_clamp_prepack", lower_conv_transpose_prepack},
    {"prepacked::conv2d_transpose_clamp_run", lower_conv_transpose_run},
    {"aten::_add_relu", lower_add_relu},
    {NULL, NULL},
};
