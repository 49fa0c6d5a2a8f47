/* SPDX-License-Identifier: BSD-2-Clause */
/* Lowerings of pools. The number of spatial dims is the digit in the operator's name. */
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"

enum { SPATIAL = 3 };

/* x as [N, C, s...] */
struct pooled {
    struct ptm_tensor *x;
    int n;        /* spatial dims */
    bool batched; /* x came with its batch dimension */
};

static int spatial_dims(const struct ptm_lower_call *c)
{
    const char *digit = strpbrk(c->schema->name, "123");
    return digit ? *digit - '0' : 1;
}

static bool open_pool(const struct ptm_lower_call *c, struct pooled *p)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (!x)
        return false;
    p->n = spatial_dims(c);
    if (x->rank != p->n + 1 && x->rank != p->n + 2) {
        ptm_trace_fail(c->t, PTM_ERR_TYPE, "%s: input of rank %d, %d or %d wanted", c->schema->name,
                       x->rank, p->n + 1, p->n + 2);
        return false;
    }
    p->batched = x->rank == p->n + 2;
    p->x = p->batched ? x : ptm_view_unsqueeze(c->t, x, 0);
    return p->x != NULL;
}

static struct ptm_tensor *close_pool(const struct ptm_lower_call *c, const struct pooled *p,
                                     struct ptm_tensor *y)
{
    return p->batched ? y : ptm_view_squeeze(c->t, y, 0);
}

/* kernel, stride (the kernel's when none is given), padding */
static bool windows(const struct ptm_lower_call *c, struct ptm_emit *e, int n)
{
    int64_t kernel[SPATIAL], stride[SPATIAL], padding[SPATIAL], any[SPATIAL];
    struct ptm_ival s = ptm_named(c, "stride");
    bool given = !ptm_is_none(s) && ptm_arg_ints(c->t, s, any, SPATIAL) > 0;
    if (!ptm_arg_ints_n(c->t, ptm_named(c, "kernel_size"), kernel, n) ||
        !ptm_arg_ints_n(c->t, given ? s : ptm_named(c, "kernel_size"), stride, n) ||
        !ptm_arg_ints_n(c->t, ptm_named(c, "padding"), padding, n))
        return false;
    ptm_emit_ints(e, kernel, n);
    ptm_emit_ints(e, stride, n);
    ptm_emit_ints(e, padding, n);
    return true;
}

static bool max_pool(const struct ptm_lower_call *c, struct ptm_tensor **out)
{
    struct pooled p;
    struct ptm_emit e;
    int64_t dilation[SPATIAL];
    if (!open_pool(c, &p))
        return false;
    ptm_emit_begin(&e, c->t, OP_max_pool);
    ptm_emit_in(&e, p.x);
    if (!windows(c, &e, p.n) ||
        !ptm_arg_ints_n(c->t, ptm_named(c, "dilation"), dilation, p.n))
        return false;
    ptm_emit_ints(&e, dilation, p.n);
    ptm_emit_i(&e, ptm_arg_bool(c->t, ptm_named(c, "ceil_mode")));
    ptm_emit_outs(&e, out);
    out[0] = close_pool(c, &p, out[0]);
    out[1] = close_pool(c, &p, out[1]);
    return !ptm_trace_failed(c->t);
}

static struct ptm_ival lower_max_pool(const struct ptm_lower_call *c)
{
    struct ptm_tensor *out[2];
    return max_pool(c, out) ? ptm_tensor_ival(out[0]) : ptm_none();
}

static struct ptm_ival lower_max_pool_indices(const struct ptm_lower_call *c)
{
    struct ptm_tensor *out[2];
    return max_pool(c, out) ? ptm_result_tuple(c->t, 2, out) : ptm_none();
}

static struct ptm_ival lower_avg_pool(const struct ptm_lower_call *c)
{
    struct pooled p;
    struct ptm_emit e;
    int64_t divisor = 0;
    if (!open_pool(c, &p))
        return ptm_none();
    struct ptm_ival d = ptm_named(c, "divisor_override");
    if (!ptm_is_none(d) && !(divisor = ptm_arg_int(c->t, d)))
        return ptm_trace_fail(c->t, PTM_ERR_TYPE, "%s: a divisor of 0", c->schema->name);
    ptm_emit_begin(&e, c->t, OP_avg_pool);
    ptm_emit_in(&e, p.x);
    if (!windows(c, &e, p.n))
        return ptm_none();
    ptm_emit_i(&e, ptm_arg_bool(c->t, ptm_named(c, "ceil_mode")));
    ptm_emit_i(&e, ptm_arg_bool(c->t, ptm_named(c, "count_include_pad")));
    ptm_emit_i(&e, divisor);
    return ptm_tensor_ival(close_pool(c, &p, ptm_emit_end(&e)));
}

static bool adaptive(const struct ptm_lower_call *c, enum ptm_op op, struct ptm_tensor **out)
{
    struct pooled p;
    struct ptm_emit e;
    int64_t size[SPATIAL];
    if (!open_pool(c, &p) || !ptm_arg_ints_n(c->t, c->arg[1], size, p.n))
        return false;
    ptm_emit_begin(&e, c->t, op);
    ptm_emit_in(&e, p.x);
    ptm_emit_ints(&e, size, p.n);
    ptm_emit_outs(&e, out);
    out[0] = close_pool(c, &p, out[0]);
    if (op == OP_adaptive_max_pool)
        out[1] = close_pool(c, &p, out[1]);
    return !ptm_trace_failed(c->t);
}

static struct ptm_ival lower_adaptive_avg(const struct ptm_lower_call *c)
{
    struct ptm_tensor *out[2];
    return adaptive(c, OP_adaptive_avg_pool, out) ? ptm_tensor_ival(out[0]) : ptm_none();
}

static struct ptm_ival lower_adaptive_max(const struct ptm_lower_call *c)
{
    struct ptm_tensor *out[2];
    return adaptive(c, OP_adaptive_max_pool, out) ? ptm_result_tuple(c->t, 2, out) : ptm_none();
}

/* Values go back to the flat places that max_pool's indices name. */
static struct ptm_ival lower_max_unpool(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct pooled p;
    struct ptm_tensor *index = ptm_need(c, 1);
    int64_t size[SPATIAL], dim[PTM_MAX_RANK], flat[3], places = 1, values = 1;
    if (!open_pool(c, &p) || !index || !ptm_arg_ints_n(t, c->arg[2], size, p.n))
        return ptm_none();
    for (int i = 0; i < p.n; i++) {
        dim[2 + i] = size[i];
        values *= p.x->dim[2 + i];
        if (size[i] < 0 || size[i] > (INT64_C(1) << 20))
            return ptm_trace_fail(t, PTM_ERR_TYPE, "%s: output size %lld", c->schema->name,
                                  (long long)size[i]);
        places *= size[i];
    }
    dim[0] = flat[0] = p.x->dim[0];
    dim[1] = flat[1] = p.x->dim[1];
    flat[2] = places;
    struct ptm_tensor *y = ptm_full(t, (enum ptm_dtype)p.x->dtype, 3, flat, ptm_int(0));
    flat[2] = values;
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_scatter);
    ptm_emit_in(&e, y);
    ptm_emit_in(&e, ptm_reshape(t, index, 3, flat));
    ptm_emit_in(&e, ptm_reshape(t, p.x, 3, flat));
    ptm_emit_i(&e, 2);
    ptm_emit_i(&e, 0);
    y = ptm_emit_end(&e);
    return ptm_tensor_ival(close_pool(c, &p, ptm_reshape(t, y, p.n + 2, dim)));
}

const struct ptm_lowering ptm_lower_pool[] = {
    {"aten::max_pool1d", lower_max_pool},
    {"aten::max_pool2d", lower_max_pool},
    {"aten::max_pool3d", lower_max_pool},
    {"aten::max_pool1d_with_indices", lower_max_pool_indices},
    {"aten::max_pool2d_with_indices", lower_max_pool_indices},
    {"aten::max_pool3d_with_indices", lower_max_pool_indices},
    {"aten::avg_pool1d", lower_avg_pool},
    {"aten::avg_pool2d", lower_avg_pool},
    {"aten::avg_pool3d", lower_avg_pool},
    {"aten::adaptive_avg_pool1d", lower_adaptive_avg},
    {"aten::adaptive_avg_pool2d", lower_adaptive_avg},
    {"aten::adaptive_avg_pool3d", lower_adaptive_avg},
    {"aten::_adaptive_avg_pool2d", lower_adaptive_avg},
    {"aten::_adaptive_avg_pool3d", lower_adaptive_avg},
    {"aten::adaptive_max_pool1d", lower_adaptive_max},
    {"aten::adaptive_max_pool2d", lower_adaptive_max},
    {"aten::adaptive_max_pool3d", lower_adaptive_max},
    {"aten::max_unpool2d", lower_max_unpool},
    {"aten::max_unpool3d", lower_max_unpool},
    {NULL, NULL},
};
