/* SPDX-License-Identifier: BSD-2-Clause */
/* Lowerings of normalisation layers and of weight norm. */
#include <float.h>
#include <math.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"

/* -- batch norm: inputs x[N, C, ...] -- */

struct batch {
    struct ptm_tensor *x, *weight, *bias, *mean, *var; /* all but x may be absent */
    bool training;
    double momentum, eps;
    /* results */
    struct ptm_tensor *y, *batch_mean, *batch_rstd;
    struct ptm_tensor *new_mean, *new_var; /* running statistics after a training step */
};

static struct ptm_tensor *emit_batch_norm(struct ptm_trace *t, struct batch *b,
                                          struct ptm_tensor *mean, struct ptm_tensor *var)
{
    struct ptm_emit e;
    enum ptm_dtype d = (enum ptm_dtype)b->x->dtype;
    /* half-precision inputs may come with f32 parameters: computed in f32 then */
    enum ptm_dtype work = mean ? (enum ptm_dtype)mean->dtype : d;
    ptm_emit_begin(&e, t, OP_batch_norm);
    ptm_emit_in(&e, ptm_cast(t, b->x, work));
    ptm_emit_in(&e, mean);
    ptm_emit_in(&e, ptm_cast(t, var, work));
    ptm_emit_opt(&e, b->weight ? ptm_cast(t, b->weight, work) : NULL);
    ptm_emit_opt(&e, b->bias ? ptm_cast(t, b->bias, work) : NULL);
    ptm_emit_f(&e, b->eps);
    return ptm_cast(t, ptm_emit_end(&e), d);
}

/* old + momentum * (now - old), as the share of each */
static struct ptm_tensor *moved(struct ptm_trace *t, struct ptm_tensor *old,
                                struct ptm_tensor *now, double momentum)
{
    if (!old || !now)
        return NULL;
    return ptm_cast(t, ptm_bin(t, OP_add, ptm_bin_num(t, OP_mul, now, momentum),
                               ptm_bin_num(t, OP_mul, old, 1 - momentum)),
                    (enum ptm_dtype)old->dtype);
}

static struct ptm_tensor *variance(struct ptm_trace *t, struct ptm_tensor *x, const int64_t *dims,
                                   int n, bool keepdim, double correction)
{
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_var);
    ptm_emit_in(&e, x);
    ptm_emit_ints(&e, dims, n);
    ptm_emit_i(&e, keepdim);
    ptm_emit_f(&e, correction);
    return ptm_emit_end(&e);
}

static struct ptm_tensor *rstd(struct ptm_trace *t, struct ptm_tensor *var, double eps)
{
    return ptm_op_unary(t, OP_rsqrt, ptm_bin_num(t, OP_add, var, eps));
}

static bool batch_norm(struct ptm_trace *t, struct batch *b)
{
    struct ptm_tensor *x = b->x;
    if (!x)
        return false;
    if (x->rank < 2) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "batch norm of a tensor of rank %d, at least 2 wanted",
                       x->rank);
        return false;
    }
    if (!b->training) {
        if (!b->mean || !b->var) {
            ptm_trace_fail(t, PTM_ERR_TYPE,
                           "batch norm without statistics while not training");
            return false;
        }
        b->y = emit_batch_norm(t, b, b->mean, b->var);
        return !ptm_trace_failed(t);
    }
    int64_t dims[PTM_MAX_RANK];
    int n = 0;
    for (int i = 0; i < x->rank; i++)
        if (i != 1)
            dims[n++] = i;
    if (b->mean && b->mean->dtype != x->dtype)
        x = ptm_cast(t, x, (enum ptm_dtype)b->mean->dtype);
    b->batch_mean = ptm_op_reduce(t, OP_mean, x, dims, n, false);
    struct ptm_tensor *var = variance(t, x, dims, n, false, 0);
    b->batch_rstd = rstd(t, var, b->eps);
    b->y = emit_batch_norm(t, b, b->batch_mean, var);
    b->new_mean = moved(t, b->mean, b->batch_mean, b->momentum);
    if (b->var)
        b->new_var = moved(t, b->var, variance(t, x, dims, n, false, 1), b->momentum);
    return !ptm_trace_failed(t);
}

static void write_statistics(struct ptm_trace *t, const struct batch *b)
{
    if (b->new_mean)
        ptm_write(t, b->mean, b->new_mean);
    if (b->new_var)
        ptm_write(t, b->var, b->new_var);
}

static struct batch batch_args(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    return (struct batch){
        .x = ptm_need(c, 0),
        .weight = ptm_arg_tensor(t, ptm_named(c, "weight")),
        .bias = ptm_arg_tensor(t, ptm_named(c, "bias")),
        .mean = ptm_arg_tensor(t, ptm_named(c, "running_mean")),
        .var = ptm_arg_tensor(t, ptm_named(c, "running_var")),
        .training = ptm_has_named(c, "training") && ptm_arg_bool(t, ptm_named(c, "training")),
        .momentum = ptm_arg_float(t, ptm_named(c, "momentum")),
        .eps = ptm_arg_float(t, ptm_named(c, "eps")),
    };
}

static struct ptm_ival lower_batch_norm(const struct ptm_lower_call *c)
{
    struct batch b = batch_args(c);
    if (!batch_norm(c->t, &b))
        return ptm_none();
    write_statistics(c->t, &b);
    return ptm_tensor_ival(b.y);
}

static struct ptm_tensor *or_empty(struct ptm_trace *t, struct ptm_tensor *x)
{
    int64_t none = 0;
    return x ? x : ptm_full(t, PTM_F32, 1, &none, ptm_float(0));
}

/* The native forms give the batch's mean and 1 / deviation too. */
static struct ptm_ival lower_native_batch_norm(const struct ptm_lower_call *c)
{
    struct batch b = batch_args(c);
    if (!batch_norm(c->t, &b))
        return ptm_none();
    write_statistics(c->t, &b);
    struct ptm_tensor *out[] = {b.y, or_empty(c->t, b.batch_mean), or_empty(c->t, b.batch_rstd)};
    return ptm_result_tuple(c->t, 3, out);
}

static struct ptm_ival lower_batch_norm_no_stats(const struct ptm_lower_call *c)
{
    struct batch b = batch_args(c);
    b.training = true;
    if (!batch_norm(c->t, &b))
        return ptm_none();
    struct ptm_tensor *out[] = {b.y, b.batch_mean, b.batch_rstd};
    return ptm_result_tuple(c->t, 3, out);
}

static struct ptm_ival lower_batch_norm_functional(const struct ptm_lower_call *c)
{
    struct batch b = batch_args(c);
    if (!batch_norm(c->t, &b))
        return ptm_none();
    struct ptm_tensor *out[] = {b.y, or_empty(c->t, b.batch_mean), or_empty(c->t, b.batch_rstd),
                                b.new_mean ? b.new_mean : b.mean, b.new_var ? b.new_var : b.var};
    return ptm_result_tuple(c->t, 5, out);
}

static struct ptm_ival lower_batch_norm_impl_index(const struct ptm_lower_call *c)
{
    struct batch b = batch_args(c);
    int64_t none = 0;
    if (!batch_norm(c->t, &b))
        return ptm_none();
    write_statistics(c->t, &b);
    struct ptm_list *l = ptm_list_new(ptm_trace_arena(c->t), 5);
    if (!l)
        return ptm_none();
    l->v[0] = ptm_tensor_ival(b.y);
    l->v[1] = ptm_tensor_ival(or_empty(c->t, b.batch_mean));
    l->v[2] = ptm_tensor_ival(or_empty(c->t, b.batch_rstd));
    l->v[3] = ptm_tensor_ival(ptm_full(c->t, PTM_U8, 1, &none, ptm_int(0)));
    l->v[4] = ptm_int(0);
    return (struct ptm_ival){.tag = PTM_TUPLE, .u.list = l};
}

/* -- instance, group norm -- */

static struct ptm_tensor *emit_group_norm(struct ptm_trace *t, struct ptm_tensor *x,
                                          struct ptm_tensor *weight, struct ptm_tensor *bias,
                                          int64_t groups, double eps)
{
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_group_norm);
    ptm_emit_in(&e, x);
    ptm_emit_opt(&e, weight);
    ptm_emit_opt(&e, bias);
    ptm_emit_i(&e, groups);
    ptm_emit_f(&e, eps);
    return ptm_emit_end(&e);
}

/* Each instance's channels are groups of one channel; running statistics move by the mean over
 * instances. */
static struct ptm_ival lower_instance_norm(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct batch b = batch_args(c);
    if (!b.x)
        return ptm_none();
    if (!ptm_arg_bool(t, ptm_named(c, "use_input_stats")))
        return batch_norm(t, &b) ? ptm_tensor_ival(b.y) : ptm_none();
    if (b.x->rank < 2)
        return ptm_trace_fail(t, PTM_ERR_TYPE,
                              "instance norm of a tensor of rank %d, at least 2 wanted", b.x->rank);
    int64_t dims[PTM_MAX_RANK], instances = 0;
    int n = 0;
    for (int i = 2; i < b.x->rank; i++)
        dims[n++] = i;
    if (b.mean || b.var) {
        struct ptm_tensor *mean = ptm_op_reduce(t, OP_mean, b.x, dims, n, false);
        struct ptm_tensor *var = variance(t, b.x, dims, n, false, 1);
        b.new_mean = moved(t, b.mean, ptm_op_reduce(t, OP_mean, mean, &instances, 1, false),
                           b.momentum);
        b.new_var =
            moved(t, b.var, ptm_op_reduce(t, OP_mean, var, &instances, 1, false), b.momentum);
    }
    b.y = emit_group_norm(t, ptm_contiguous(t, b.x), b.weight, b.bias, b.x->dim[1], b.eps);
    write_statistics(t, &b);
    return ptm_tensor_ival(b.y);
}

static struct ptm_ival lower_group_norm(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    return ptm_tensor_ival(emit_group_norm(
        t, ptm_need(c, 0), ptm_arg_tensor(t, ptm_named(c, "weight")),
        ptm_arg_tensor(t, ptm_named(c, "bias")), ptm_arg_size(t, ptm_named(c, "num_groups")),
        ptm_arg_float(t, ptm_named(c, "eps"))));
}

static struct ptm_ival lower_native_group_norm(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *out[3];
    int64_t groups = ptm_arg_size(t, ptm_named(c, "group")), last = 2;
    double eps = ptm_arg_float(t, ptm_named(c, "eps"));
    if (!x)
        return ptm_none();
    if (groups < 1 || x->rank < 2 || x->dim[1] % groups)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "group norm: %lld groups", (long long)groups);
    out[0] = emit_group_norm(t, x, ptm_arg_tensor(t, c->arg[1]), ptm_arg_tensor(t, c->arg[2]),
                             groups, eps);
    struct ptm_tensor *g = ptm_reshape(t, x, 3, (int64_t[]){x->dim[0], groups, -1});
    out[1] = ptm_op_reduce(t, OP_mean, g, &last, 1, false);
    out[2] = rstd(t, variance(t, g, &last, 1, false, 0), eps);
    return ptm_result_tuple(t, 3, out);
}

/* -- layer, rms norm -- */

/* The number of dims that normalized_shape names, which x must end with; 0: failed. */
static int normalized_rank(const struct ptm_lower_call *c, const struct ptm_tensor *x)
{
    int64_t shape[PTM_MAX_RANK];
    int n = ptm_arg_ints(c->t, c->arg[1], shape, PTM_MAX_RANK);
    if (!x || ptm_trace_failed(c->t))
        return 0;
    bool fits = n >= 1 && n <= x->rank;
    for (int i = 0; fits && i < n; i++)
        fits = shape[i] == x->dim[x->rank - n + i];
    if (!fits) {
        ptm_trace_fail(c->t, PTM_ERR_TYPE,
                       "%s: %d normalised sizes, last %lld, for an input of rank %d, last %lld",
                       c->schema->name, n, n > 0 ? (long long)shape[n - 1] : 0, x->rank,
                       x->rank ? (long long)x->dim[x->rank - 1] : 0);
        return 0;
    }
    return n;
}

static struct ptm_tensor *layer_norm(const struct ptm_lower_call *c, struct ptm_tensor *x, int n)
{
    struct ptm_emit e;
    ptm_emit_begin(&e, c->t, OP_layer_norm);
    ptm_emit_in(&e, x);
    ptm_emit_opt(&e, ptm_arg_tensor(c->t, ptm_named(c, "weight")));
    ptm_emit_opt(&e, ptm_arg_tensor(c->t, ptm_named(c, "bias")));
    ptm_emit_i(&e, n);
    ptm_emit_f(&e, ptm_arg_float(c->t, ptm_named(c, "eps")));
    return ptm_emit_end(&e);
}

static struct ptm_ival lower_layer_norm(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    int n = normalized_rank(c, x);
    return n ? ptm_tensor_ival(layer_norm(c, x, n)) : ptm_none();
}

static struct ptm_ival lower_native_layer_norm(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0);
    int64_t dims[PTM_MAX_RANK];
    int n = normalized_rank(c, x);
    if (!n)
        return ptm_none();
    for (int i = 0; i < n; i++)
        dims[i] = x->rank - n + i;
    struct ptm_tensor *out[] = {
        layer_norm(c, x, n),
        ptm_op_reduce(t, OP_mean, x, dims, n, true),
        rstd(t, variance(t, x, dims, n, true, 0), ptm_arg_float(t, ptm_named(c, "eps"))),
    };
    return ptm_result_tuple(t, 3, out);
}

static double epsilon(int dtype)
{
    switch (dtype) {
    case PTM_F64:
        return DBL_EPSILON;
    case PTM_F16:
        return 0x1p-10;
    case PTM_BF16:
        return 0x1p-7;
    default:
        return (double)FLT_EPSILON;
    }
}

static struct ptm_ival lower_rms_norm(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0);
    struct ptm_ival eps = ptm_named(c, "eps");
    struct ptm_emit e;
    int n = normalized_rank(c, x);
    if (!n)
        return ptm_none();
    ptm_emit_begin(&e, t, OP_rms_norm);
    ptm_emit_in(&e, x);
    ptm_emit_opt(&e, ptm_arg_tensor(t, ptm_named(c, "weight")));
    ptm_emit_i(&e, n);
    ptm_emit_f(&e, ptm_is_none(eps) ? epsilon(x->dtype) : ptm_arg_float(t, eps));
    return ptm_tensor_ival(ptm_emit_end(&e));
}

/* -- weight norm -- */

/* p-norm over every dimension but `dim`, which keeps its place; dim -1: over all, rank 0. */
static struct ptm_tensor *norm_except(struct ptm_trace *t, struct ptm_tensor *v, double p,
                                      int64_t dim)
{
    struct ptm_emit e;
    int64_t dims[PTM_MAX_RANK];
    int n = 0;
    if (!v)
        return NULL;
    if (dim < -1 || dim >= v->rank) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "weight norm: dimension %lld of a tensor of rank %d",
                       (long long)dim, v->rank);
        return NULL;
    }
    for (int i = 0; dim >= 0 && i < v->rank; i++)
        if (i != dim)
            dims[n++] = i;
    if (dim >= 0 && !n)
        return ptm_op_unary(t, OP_abs, v);
    ptm_emit_begin(&e, t, OP_norm);
    ptm_emit_in(&e, v);
    ptm_emit_f(&e, p);
    ptm_emit_ints(&e, dims, n);
    ptm_emit_i(&e, dim >= 0);
    return ptm_emit_end(&e);
}

static struct ptm_ival lower_norm_except_dim(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(norm_except(c->t, ptm_need(c, 0), ptm_arg_float(c->t, c->arg[1]),
                                       ptm_arg_size(c->t, c->arg[2])));
}

static struct ptm_tensor *weight_norm(const struct ptm_lower_call *c, struct ptm_tensor **norm)
{
    struct ptm_tensor *v = ptm_need(c, 0), *g = ptm_need(c, 1);
    *norm = norm_except(c->t, v, 2, ptm_arg_size(c->t, c->arg[2]));
    return ptm_bin(c->t, OP_mul, v, ptm_bin(c->t, OP_div, g, *norm));
}

static struct ptm_ival lower_weight_norm(const struct ptm_lower_call *c)
{
    struct ptm_tensor *norm;
    return ptm_tensor_ival(weight_norm(c, &norm));
}

static struct ptm_ival lower_weight_norm_interface(const struct ptm_lower_call *c)
{
    struct ptm_tensor *out[2];
    out[0] = weight_norm(c, &out[1]);
    return ptm_result_tuple(c->t, 2, out);
}

const struct ptm_lowering ptm_lower_norm[] = {
    {"aten::batch_norm", lower_batch_norm},
    {"aten::native_batch_norm", lower_native_batch_norm},
    {"aten::_native_batch_norm_legit", lower_native_batch_norm},
    {"aten::_native_batch_norm_legit.no_stats", lower_batch_norm_no_stats},
    {"aten::_native_batch_norm_legit_functional", lower_batch_norm_functional},
    {"aten::_native_batch_norm_legit_no_training", lower_native_batch_norm},
    {"aten::_batch_norm_impl_index", lower_batch_norm_impl_index},
    {"aten::instance_norm", lower_instance_norm},
    {"aten::group_norm", lower_group_norm},
    {"aten::native_group_norm", lower_native_group_norm},
    {"aten::layer_norm", lower_layer_norm},
    {"aten::native_layer_norm", lower_native_layer_norm},
    {"aten::rms_norm", lower_rms_norm},
    {"aten::norm_except_dim", lower_norm_except_dim},
    {"aten::_weight_norm", lower_weight_norm},
    {"aten::_weight_norm_interface", lower_weight_norm_interface},
    {NULL, NULL},
};
