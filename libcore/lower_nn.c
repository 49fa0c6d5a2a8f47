/* SPDX-License-Identifier: BSD-2-Clause */
/* Lowerings of activations and of the dropout family. */
#include <math.h>
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"

#define SELU_ALPHA 1.6732632423543772848170429916717
#define SELU_SCALE 1.0507009873554804934193349852946

/* -- activations -- */

static struct ptm_ival apply(const struct ptm_lower_call *c, enum ptm_op op)
{
    return ptm_tensor_ival(ptm_op_unary(c->t, op, ptm_as_float(c->t, ptm_need(c, 0))));
}

#define UNARY(op)                                                                                  \
    static struct ptm_ival lower_##op(const struct ptm_lower_call *c)                              \
    {                                                                                              \
        return apply(c, OP_##op);                                                                  \
    }
UNARY(sigmoid)
UNARY(tanh)
UNARY(hardsigmoid)
UNARY(hardswish)
UNARY(silu)
UNARY(mish)
UNARY(log_sigmoid)
#undef UNARY

/* op(x, f[0], ..., f[n - 1]), an operator whose attributes are all floats */
static struct ptm_tensor *with_floats(struct ptm_trace *t, enum ptm_op op, struct ptm_tensor *x,
                                      const double *f, int n)
{
    struct ptm_emit e;
    ptm_emit_begin(&e, t, op);
    ptm_emit_in(&e, x);
    for (int i = 0; i < n; i++)
        ptm_emit_f(&e, f[i]);
    return ptm_emit_end(&e);
}

static double number(const struct ptm_lower_call *c, size_t i)
{
    return ptm_arg_float(c->t, c->arg[i]);
}

static struct ptm_ival lower_relu(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(ptm_op_unary(c->t, OP_relu, ptm_need(c, 0)));
}

static struct ptm_ival lower_relu6(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(with_floats(c->t, OP_clamp, ptm_need(c, 0), (double[]){0, 6}, 2));
}

static struct ptm_ival lower_hardtanh(const struct ptm_lower_call *c)
{
    double bounds[] = {number(c, 1), number(c, 2)};
    return ptm_tensor_ival(with_floats(c->t, OP_clamp, ptm_need(c, 0), bounds, 2));
}

static struct ptm_ival lower_gelu(const struct ptm_lower_call *c)
{
    struct ptm_ival how = ptm_named(c, "approximate");
    const char *approximate = ptm_is_none(how) ? "none" : ptm_arg_str(c->t, how);
    struct ptm_emit e;
    if (!approximate)
        return ptm_none();
    bool use_tanh = !strcmp(approximate, "tanh");
    if (!use_tanh && strcmp(approximate, "none"))
        return ptm_trace_fail(c->t, PTM_ERR_TYPE,
                              "approximate of gelu is '%s', 'none' or 'tanh' wanted", approximate);
    ptm_emit_begin(&e, c->t, OP_gelu);
    ptm_emit_in(&e, ptm_as_float(c->t, ptm_need(c, 0)));
    ptm_emit_i(&e, use_tanh);
    return ptm_tensor_ival(ptm_emit_end(&e));
}

static struct ptm_ival elu(const struct ptm_lower_call *c, double alpha, double scale,
                           double input_scale)
{
    double f[] = {alpha, scale, input_scale};
    return ptm_tensor_ival(
        with_floats(c->t, OP_elu, ptm_as_float(c->t, ptm_need(c, 0)), f, 3));
}

static struct ptm_ival lower_elu(const struct ptm_lower_call *c)
{
    return elu(c, number(c, 1), number(c, 2), number(c, 3));
}

static struct ptm_ival lower_selu(const struct ptm_lower_call *c)
{
    return elu(c, SELU_ALPHA, SELU_SCALE, 1);
}

static struct ptm_ival lower_celu(const struct ptm_lower_call *c)
{
    double alpha = number(c, 1);
    if (alpha == 0)
        return ptm_trace_fail(c->t, PTM_ERR_TYPE, "alpha of celu is 0");
    return elu(c, alpha, 1, 1 / alpha);
}

static struct ptm_ival lower_leaky_relu(const struct ptm_lower_call *c)
{
    double slope = number(c, 1);
    return ptm_tensor_ival(
        with_floats(c->t, OP_leaky_relu, ptm_as_float(c->t, ptm_need(c, 0)), &slope, 1));
}

static struct ptm_ival lower_softplus(const struct ptm_lower_call *c)
{
    double f[] = {number(c, 1), number(c, 2)};
    return ptm_tensor_ival(
        with_floats(c->t, OP_softplus, ptm_as_float(c->t, ptm_need(c, 0)), f, 2));
}

static struct ptm_ival lower_hardshrink(const struct ptm_lower_call *c)
{
    double lambda = number(c, 1);
    return ptm_tensor_ival(
        with_floats(c->t, OP_hardshrink, ptm_as_float(c->t, ptm_need(c, 0)), &lambda, 1));
}

static struct ptm_ival lower_softshrink(const struct ptm_lower_call *c)
{
    double lambda = number(c, 1);
    return ptm_tensor_ival(
        with_floats(c->t, OP_softshrink, ptm_as_float(c->t, ptm_need(c, 0)), &lambda, 1));
}

static struct ptm_ival lower_threshold(const struct ptm_lower_call *c)
{
    double f[] = {number(c, 1), number(c, 2)};
    return ptm_tensor_ival(with_floats(c->t, OP_threshold, ptm_need(c, 0), f, 2));
}

static struct ptm_ival lower_log_sigmoid_forward(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_as_float(c->t, ptm_need(c, 0));
    int64_t none = 0;
    if (!x)
        return ptm_none();
    struct ptm_tensor *out[] = {
        ptm_op_unary(c->t, OP_log_sigmoid, x),
        ptm_full(c->t, (enum ptm_dtype)x->dtype, 1, &none, ptm_float(0)),
    };
    return ptm_result_tuple(c->t, 2, out);
}

static struct ptm_ival lower_glu(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (!x)
        return ptm_none();
    int dim = ptm_arg_dim(c->t, c->arg[1], x->rank);
    if (!x->rank || x->dim[dim] % 2)
        return ptm_trace_fail(c->t, PTM_ERR_TYPE, "glu: dimension %d has %lld elements, an even "
                              "number is wanted", dim, x->rank ? (long long)x->dim[dim] : 1);
    int64_t half = x->dim[dim] / 2;
    struct ptm_tensor *a = ptm_view_range(c->t, x, dim, 0, half);
    struct ptm_tensor *b = ptm_view_range(c->t, x, dim, half, half);
    return ptm_tensor_ival(ptm_op_binary(c->t, OP_mul, a, ptm_op_unary(c->t, OP_sigmoid, b)));
}

static struct ptm_ival lower_prelu(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0), *w = ptm_need(c, 1);
    if (!x || !w)
        return ptm_none();
    int64_t dim[PTM_MAX_RANK], n = ptm_tensor_numel(w), channels = x->rank > 1 ? x->dim[1] : 1;
    if (n != 1 && n != channels)
        return ptm_trace_fail(c->t, PTM_ERR_TYPE, "prelu: %lld weights for %lld channels",
                              (long long)n, (long long)channels);
    for (int i = 0; i < x->rank; i++)
        dim[i] = i == 1 ? n : 1;
    return ptm_tensor_ival(
        ptm_op_binary(c->t, OP_prelu, x, ptm_reshape(c->t, w, x->rank, dim)));
}

/* -- random masks -- */

enum { UNIFORM = 0, BERNOULLI = 2 };

static struct ptm_tensor *random_tensor(struct ptm_trace *t, int dtype, int rank,
                                        const int64_t *dim, int kind, double a, double b)
{
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_random);
    ptm_emit_i(&e, dtype);
    ptm_emit_ints(&e, dim, rank);
    ptm_emit_i(&e, kind);
    ptm_emit_f(&e, a);
    ptm_emit_f(&e, b);
    ptm_emit_scalar(&e, ptm_trace_seed(t), false);
    ptm_emit_i(&e, ptm_trace_stream(t));
    return ptm_emit_end(&e);
}

/* While training each negative element has a slope of its own. */
static struct ptm_ival rrelu(const struct ptm_lower_call *c, struct ptm_tensor *noise)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need_named(c, "self");
    double lower = ptm_arg_float(t, ptm_named(c, "lower"));
    double upper = ptm_arg_float(t, ptm_named(c, "upper"));
    if (!x)
        return ptm_none();
    if (!ptm_arg_bool(t, ptm_named(c, "training"))) {
        double slope = (lower + upper) / 2;
        return ptm_tensor_ival(with_floats(t, OP_leaky_relu, x, &slope, 1));
    }
    struct ptm_tensor *slope =
        random_tensor(t, x->dtype, x->rank, x->dim, UNIFORM, lower, upper);
    if (noise)
        ptm_write(t, noise, slope);
    return ptm_tensor_ival(ptm_op_binary(t, OP_prelu, x, slope));
}

static struct ptm_ival lower_rrelu(const struct ptm_lower_call *c)
{
    return rrelu(c, NULL);
}

static struct ptm_ival lower_rrelu_with_noise(const struct ptm_lower_call *c)
{
    return rrelu(c, ptm_need(c, 1));
}

/* feature: whole channels are dropped; alpha: dropped ones become selu's negative limit. */
static struct ptm_ival dropout(const struct ptm_lower_call *c, bool feature, bool alpha)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0);
    double p = number(c, 1);
    bool train = ptm_arg_bool(t, c->arg[2]);
    if (!x)
        return ptm_none();
    if (!(p >= 0 && p <= 1))
        return ptm_trace_fail(t, PTM_ERR_TYPE, "dropout probability is %g, 0 to 1 wanted", p);
    if (!train || p == 0 || !ptm_tensor_numel(x))
        return c->arg[0];
    if (p == 1)
        return ptm_tensor_ival(ptm_bin_num(t, OP_mul, x, 0));
    if (feature && x->rank < 2)
        return ptm_trace_fail(t, PTM_ERR_TYPE,
                              "feature dropout of a tensor of rank %d, at least 2 wanted", x->rank);
    int64_t dim[PTM_MAX_RANK];
    for (int i = 0; i < x->rank; i++)
        dim[i] = feature && i >= 2 ? 1 : x->dim[i];
    struct ptm_tensor *keep = random_tensor(t, x->dtype, x->rank, dim, BERNOULLI, 1 - p, 0);
    if (!alpha)
        return ptm_tensor_ival(ptm_bin(t, OP_mul, x, ptm_bin_num(t, OP_div, keep, 1 - p)));
    double limit = SELU_ALPHA * SELU_SCALE;
    double a = 1 / sqrt((limit * limit * p + 1) * (1 - p));
    /* x * keep * a + ((keep - 1) * limit * a + limit * a * p) */
    struct ptm_tensor *shift = ptm_bin_num(t, OP_mul, ptm_bin_num(t, OP_sub, keep, 1), limit * a);
    shift = ptm_bin_num(t, OP_add, shift, limit * a * p);
    x = ptm_bin(t, OP_mul, x, ptm_bin_num(t, OP_mul, keep, a));
    return ptm_tensor_ival(ptm_bin(t, OP_add, x, shift));
}

static struct ptm_ival lower_dropout(const struct ptm_lower_call *c)
{
    return dropout(c, false, false);
}

static struct ptm_ival lower_feature_dropout(const struct ptm_lower_call *c)
{
    return dropout(c, true, false);
}

static struct ptm_ival lower_alpha_dropout(const struct ptm_lower_call *c)
{
    return dropout(c, false, true);
}

static struct ptm_ival lower_feature_alpha_dropout(const struct ptm_lower_call *c)
{
    return dropout(c, true, true);
}

static struct ptm_ival lower_native_dropout(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *out[2];
    double p = number(c, 1);
    bool train = ptm_is_none(c->arg[2]) || ptm_arg_bool(t, c->arg[2]);
    if (!x)
        return ptm_none();
    if (!train) {
        out[0] = ptm_clone(t, x, false);
        out[1] = ptm_full(t, PTM_BOOL8, x->rank, x->dim, ptm_bool(true));
    } else {
        out[1] = random_tensor(t, PTM_BOOL8, x->rank, x->dim, BERNOULLI, 1 - p, 0);
        out[0] = ptm_bin(t, OP_mul, x, ptm_cast(t, out[1], (enum ptm_dtype)x->dtype));
        out[0] = ptm_bin_num(t, OP_mul, out[0], p < 1 ? 1 / (1 - p) : 0);
    }
    return ptm_result_tuple(t, 2, out);
}

const struct ptm_lowering ptm_lower_nn[] = {
    {"aten::relu", lower_relu},
    {"aten::relu6", lower_relu6},
    {"aten::hardtanh", lower_hardtanh},
    {"aten::hardswish", lower_hardswish},
    {"aten::hardsigmoid", lower_hardsigmoid},
    {"aten::sigmoid", lower_sigmoid},
    {"aten::tanh", lower_tanh},
    {"aten::silu", lower_silu},
    {"aten::mish", lower_mish},
    {"aten::gelu", lower_gelu},
    {"aten::elu", lower_elu},
    {"aten::selu", lower_selu},
    {"aten::celu", lower_celu},
    {"aten::leaky_relu", lower_leaky_relu},
    {"aten::prelu", lower_prelu},
    {"aten::_prelu_kernel", lower_prelu},
    {"aten::rrelu", lower_rrelu},
    {"aten::rrelu_with_noise", lower_rrelu_with_noise},
    {"aten::softplus", lower_softplus},
    {"aten::log_sigmoid", lower_log_sigmoid},
    {"aten::log_sigmoid_forward", lower_log_sigmoid_forward},
    {"aten::hardshrink", lower_hardshrink},
    {"aten::softshrink", lower_softshrink},
    {"aten::threshold", lower_threshold},
    {"aten::glu", lower_glu},
    {"aten::dropout", lower_dropout},
    {"aten::feature_dropout", lower_feature_dropout},
    {"aten::alpha_dropout", lower_alpha_dropout},
    {"aten::feature_alpha_dropout", lower_feature_alpha_dropout},
    {"aten::native_dropout", lower_native_dropout},
    {NULL, NULL},
};
