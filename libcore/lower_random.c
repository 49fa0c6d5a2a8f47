/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lowerings that draw random numbers, all from OP_random: the run's seed and a
 * stream number that differs from draw to draw. The numbers are not PyTorch's.
 * Dropout is in lower_nn.c.
 */
#include <math.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"

enum kind { UNIFORM, NORMAL, BERNOULLI, INTEGERS };

static struct ptm_tensor *draw(struct ptm_trace *t, enum kind kind, int dtype, int rank,
                               const int64_t *dim, double a, double b)
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

static struct ptm_tensor *draw_like(struct ptm_trace *t, enum kind kind, const struct ptm_tensor *x,
                                    double a, double b)
{
    return x ? draw(t, kind, x->dtype, x->rank, x->dim, a, b) : NULL;
}

/* Sizes and dtype are arguments, or another tensor's. */
static struct ptm_ival fresh(const struct ptm_lower_call *c, enum kind kind, int dtype, double a,
                             double b)
{
    int64_t dim[PTM_MAX_RANK];
    int rank = ptm_arg_ints(c->t, ptm_named(c, "size"), dim, PTM_MAX_RANK);
    dtype = ptm_arg_dtype(c->t, ptm_named(c, "dtype"), dtype);
    return ptm_tensor_ival(draw(c->t, kind, dtype, rank, dim, a, b));
}

static struct ptm_ival fresh_like(const struct ptm_lower_call *c, enum kind kind, double a,
                                  double b)
{
    const struct ptm_tensor *x = ptm_need(c, 0);
    if (!x)
        return ptm_none();
    int d = ptm_arg_dtype(c->t, ptm_named(c, "dtype"), x->dtype);
    return ptm_tensor_ival(draw(c->t, kind, d, x->rank, x->dim, a, b));
}

static struct ptm_ival lower_rand(const struct ptm_lower_call *c)
{
    return fresh(c, UNIFORM, PTM_F32, 0, 1);
}

static struct ptm_ival lower_randn(const struct ptm_lower_call *c)
{
    return fresh(c, NORMAL, PTM_F32, 0, 1);
}

static struct ptm_ival lower_rand_like(const struct ptm_lower_call *c)
{
    return fresh_like(c, UNIFORM, 0, 1);
}

static struct ptm_ival lower_randn_like(const struct ptm_lower_call *c)
{
    return fresh_like(c, NORMAL, 0, 1);
}

static double low(const struct ptm_lower_call *c)
{
    return ptm_has_named(c, "low") ? ptm_arg_float(c->t, ptm_named(c, "low")) : 0;
}

static struct ptm_ival lower_randint(const struct ptm_lower_call *c)
{
    return fresh(c, INTEGERS, PTM_I64, low(c), ptm_arg_float(c->t, ptm_named(c, "high")));
}

static struct ptm_ival lower_randint_like(const struct ptm_lower_call *c)
{
    return fresh_like(c, INTEGERS, low(c), ptm_arg_float(c->t, ptm_named(c, "high")));
}

static struct ptm_ival lower_randperm(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    int64_t n = ptm_arg_size(t, ptm_named(c, "n"));
    struct ptm_tensor *out[2] = {NULL, NULL};
    int d = ptm_arg_dtype(t, ptm_named(c, "dtype"), PTM_I64);
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_sort);
    ptm_emit_in(&e, draw(t, UNIFORM, PTM_F64, 1, &n, 0, 1));
    ptm_emit_i(&e, 0);
    ptm_emit_i(&e, 0);
    ptm_emit_outs(&e, out);
    return ptm_tensor_ival(ptm_cast(t, out[1], (enum ptm_dtype)d));
}

/* normal(mean, std): mean + std * N(0, 1), of their common shape or of `size`. */
static struct ptm_ival lower_normal(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_ival mean = ptm_named(c, "mean"), std = ptm_named(c, "std");
    if (ptm_has_named(c, "size"))
        return fresh(c, NORMAL, PTM_F32, ptm_arg_float(t, mean), ptm_arg_float(t, std));
    int64_t dim[PTM_MAX_RANK] = {0};
    int rank = 0;
    if (mean.tag == PTM_TENSOR)
        rank = ptm_broadcast_dims(t, 0, dim, mean.u.tensor->rank, mean.u.tensor->dim, dim);
    if (std.tag == PTM_TENSOR)
        rank = ptm_broadcast_dims(t, rank, dim, std.u.tensor->rank, std.u.tensor->dim, dim);
    enum ptm_dtype d = ptm_default_float(ptm_result_type(t, (struct ptm_ival[]){mean, std}, 2));
    struct ptm_tensor *x = draw(t, NORMAL, (int)d, rank, dim, 0, 1);
    struct ptm_ival scaled = ptm_tensor_ival(ptm_binary(t, OP_mul, ptm_tensor_ival(x), std));
    return ptm_tensor_ival(ptm_binary(t, OP_add, mean, scaled));
}

static struct ptm_ival lower_normal_(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    ptm_write(c->t, x,
              draw_like(c->t, NORMAL, x, ptm_arg_float(c->t, ptm_named(c, "mean")),
                        ptm_arg_float(c->t, ptm_named(c, "std"))));
    return c->arg[0];
}

static struct ptm_ival lower_uniform_(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    ptm_write(c->t, x,
              draw_like(c->t, UNIFORM, x, ptm_arg_float(c->t, ptm_named(c, "from")),
                        ptm_arg_float(c->t, ptm_named(c, "to"))));
    return c->arg[0];
}

/* -log(1 - u) / lambda */
static struct ptm_tensor *exponential(struct ptm_trace *t, const struct ptm_tensor *x,
                                      double lambda)
{
    struct ptm_tensor *u = draw_like(t, UNIFORM, x, 0, 1);
    struct ptm_tensor *l = ptm_op_unary(t, OP_log1p, ptm_op_unary(t, OP_neg, u));
    return ptm_bin_num(t, OP_div, l, -lambda);
}

static struct ptm_ival lower_exponential_(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    ptm_write(c->t, x, exponential(c->t, x, ptm_arg_float(c->t, ptm_named(c, "lambd"))));
    return c->arg[0];
}

static struct ptm_ival lower_log_normal_(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    struct ptm_tensor *y = draw_like(c->t, NORMAL, x, ptm_arg_float(c->t, ptm_named(c, "mean")),
                                     ptm_arg_float(c->t, ptm_named(c, "std")));
    ptm_write(c->t, x, ptm_op_unary(c->t, OP_exp, y));
    return c->arg[0];
}

/* median + sigma * tan(pi (u - 1/2)) */
static struct ptm_ival lower_cauchy_(const struct ptm_lower_call *c)
{
    const double pi = 3.14159265358979323846;
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0);
    struct ptm_tensor *y = ptm_op_unary(t, OP_tan, draw_like(t, UNIFORM, x, -pi / 2, pi / 2));
    y = ptm_bin_num(t, OP_mul, y, ptm_arg_float(t, ptm_named(c, "sigma")));
    ptm_write(t, x, ptm_bin_num(t, OP_add, y, ptm_arg_float(t, ptm_named(c, "median"))));
    return c->arg[0];
}

/* ceil(log(1 - u) / log(1 - p)): an exponential with rate -log(1 - p), rounded up. */
static struct ptm_ival lower_geometric_(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0);
    double p = ptm_arg_float(t, ptm_named(c, "p"));
    if (!x)
        return ptm_none();
    if (!(p > 0 && p < 1))
        return ptm_trace_fail(t, PTM_ERR_TYPE, "geometric_: p is %g, between 0 and 1 wanted", p);
    struct ptm_tensor like = *x;
    like.dtype = PTM_F64;
    struct ptm_tensor *y = ptm_op_unary(t, OP_ceil, exponential(t, &like, -log1p(-p)));
    ptm_write(t, x, ptm_binary(t, OP_maximum, ptm_tensor_ival(y), ptm_float(1)));
    return c->arg[0];
}

/* random_(), random_(to), random_(from, to) */
static struct ptm_ival lower_random_(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (!x)
        return ptm_none();
    struct ptm_ival from = ptm_named(c, "from"), to = ptm_named(c, "to");
    double most = x->dtype == PTM_BOOL8                         ? 2
                  : x->dtype == PTM_U8                          ? 256
                  : x->dtype == PTM_I8                          ? 128
                  : x->dtype == PTM_I16                         ? 32768
                  : x->dtype == PTM_F16 || x->dtype == PTM_BF16 ? 256
                  : x->dtype == PTM_F32                         ? 16777216
                                                                : 2147483647;
    double a = ptm_is_none(from) ? 0 : ptm_arg_float(c->t, from);
    ptm_write(c->t, x,
              draw_like(c->t, INTEGERS, x, a, ptm_is_none(to) ? most : ptm_arg_float(c->t, to)));
    return c->arg[0];
}

static struct ptm_tensor *bernoulli(const struct ptm_lower_call *c, struct ptm_tensor *x)
{
    struct ptm_ival p = ptm_named(c, "p");
    if (!x)
        return NULL;
    if (p.tag == PTM_FLOAT)
        return draw_like(c->t, BERNOULLI, x, p.u.f, 0);
    struct ptm_tensor *chance = p.tag == PTM_TENSOR ? p.u.tensor : x;
    struct ptm_tensor *u = draw(c->t, UNIFORM, PTM_F32, x->rank, x->dim, 0, 1);
    return ptm_cast(c->t, ptm_bin(c->t, OP_lt, u, chance), (enum ptm_dtype)x->dtype);
}

static struct ptm_ival lower_bernoulli(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(bernoulli(c, ptm_need(c, 0)));
}

static struct ptm_ival lower_bernoulli_(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    ptm_write(c->t, x, bernoulli(c, x));
    return c->arg[0];
}

/* Without replacement the k largest of p / Exp(1); with it, the largest of each of k draws. */
static struct ptm_ival lower_multinomial(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *p = ptm_need(c, 0), *out[2] = {NULL, NULL};
    int64_t k = ptm_arg_size(t, ptm_named(c, "num_samples"));
    if (!p)
        return ptm_none();
    if (p->rank < 1 || p->rank > 2 || k < 1)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "multinomial: needs rank 1 or 2, got %d", p->rank);
    if (!ptm_arg_bool(t, ptm_named(c, "replacement"))) {
        struct ptm_emit e;
        ptm_emit_begin(&e, t, OP_topk);
        ptm_emit_in(&e, ptm_bin(t, OP_div, p, exponential(t, p, 1)));
        ptm_emit_i(&e, k);
        ptm_emit_i(&e, p->rank - 1);
        ptm_emit_i(&e, 1);
        ptm_emit_outs(&e, out);
        return ptm_tensor_ival(out[1]);
    }
    int64_t dim[3] = {p->dim[0], k, p->dim[p->rank - 1]}, last = p->rank;
    if (p->rank == 1)
        dim[0] = k;
    if (p->rank == 1)
        dim[1] = p->dim[0];
    p = ptm_view_expand(t, ptm_view_unsqueeze(t, p, p->rank - 1), p->rank + 1, dim);
    p = ptm_bin(t, OP_div, p, exponential(t, p, 1));
    return ptm_tensor_ival(ptm_op_reduce(t, OP_argmax, p, &last, 1, false));
}

const struct ptm_lowering ptm_lower_random[] = {
    {"aten::rand", lower_rand},
    {"aten::randn", lower_randn},
    {"aten::rand_like", lower_rand_like},
    {"aten::randn_like", lower_randn_like},
    {"aten::randint", lower_randint},
    {"aten::randint_like", lower_randint_like},
    {"aten::randperm", lower_randperm},
    {"aten::normal", lower_normal},
    {"aten::normal_", lower_normal_},
    {"aten::uniform_", lower_uniform_},
    {"aten::exponential_", lower_exponential_},
    {"aten::log_normal_", lower_log_normal_},
    {"aten::cauchy_", lower_cauchy_},
    {"aten::geometric_", lower_geometric_},
    {"aten::random_", lower_random_},
    {"aten::bernoulli", lower_bernoulli},
    {"aten::bernoulli_", lower_bernoulli_},
    {"aten::multinomial", lower_multinomial},
    {NULL, NULL},
};
