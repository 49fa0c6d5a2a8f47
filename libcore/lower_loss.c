/* SPDX-License-Identifier: BSD-2-Clause */
/* Lowerings of losses and of distances between rows: compositions. */
#include <math.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"

#define TAU 6.283185307179586

enum { NONE, MEAN, SUM }; /* ATen's numbers of reductions */

static struct ptm_tensor *reduce(struct ptm_trace *t, struct ptm_tensor *x, int64_t how)
{
    if (how == NONE)
        return x;
    return ptm_op_reduce(t, how == MEAN ? OP_mean : OP_sum, x, NULL, 0, false);
}

static struct ptm_ival reduced(const struct ptm_lower_call *c, struct ptm_tensor *x)
{
    return ptm_tensor_ival(reduce(c->t, x, ptm_arg_int(c->t, ptm_named(c, "reduction"))));
}

static struct ptm_tensor *square(struct ptm_trace *t, struct ptm_tensor *x)
{
    return ptm_op_binary(t, OP_mul, x, x);
}

static struct ptm_tensor *difference(const struct ptm_lower_call *c)
{
    return ptm_bin(c->t, OP_sub, ptm_need(c, 0), ptm_need(c, 1));
}

/* max(x, low) */
static struct ptm_tensor *at_least(struct ptm_trace *t, struct ptm_tensor *x, double low)
{
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_clamp);
    ptm_emit_in(&e, x);
    ptm_emit_f(&e, low);
    ptm_emit_f(&e, (double)INFINITY);
    return ptm_emit_end(&e);
}

static struct ptm_tensor *where_number(struct ptm_trace *t, struct ptm_tensor *cond,
                                       struct ptm_tensor *x, double otherwise)
{
    if (!x)
        return NULL;
    struct ptm_tensor *y = ptm_to_tensor(t, ptm_float(otherwise), (enum ptm_dtype)x->dtype);
    return ptm_where(t, cond, x, y);
}

static struct ptm_ival lower_mse(const struct ptm_lower_call *c)
{
    return reduced(c, square(c->t, difference(c)));
}

static struct ptm_ival lower_l1(const struct ptm_lower_call *c)
{
    return reduced(c, ptm_op_unary(c->t, OP_abs, difference(c)));
}

/* |d| < at ? near : far */
static struct ptm_tensor *joined(struct ptm_trace *t, struct ptm_tensor *abs_d, double at,
                                 struct ptm_tensor *near_zero, struct ptm_tensor *far)
{
    return ptm_where(t, ptm_bin_num(t, OP_lt, abs_d, at), near_zero, far);
}

static struct ptm_ival lower_smooth_l1(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    double beta = ptm_arg_float(t, c->arg[3]);
    struct ptm_tensor *d = ptm_op_unary(t, OP_abs, difference(c));
    if (beta == 0)
        return reduced(c, d);
    struct ptm_tensor *near_zero = ptm_bin_num(t, OP_mul, square(t, d), 0.5 / beta);
    return reduced(c, joined(t, d, beta, near_zero, ptm_bin_num(t, OP_sub, d, 0.5 * beta)));
}

static struct ptm_ival lower_huber(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    double delta = ptm_arg_float(t, c->arg[3]);
    struct ptm_tensor *d = ptm_op_unary(t, OP_abs, difference(c));
    struct ptm_tensor *far = ptm_bin_num(t, OP_sub, d, 0.5 * delta);
    return reduced(c, joined(t, d, delta, ptm_bin_num(t, OP_mul, square(t, d), 0.5),
                             ptm_bin_num(t, OP_mul, far, delta)));
}

static struct ptm_ival lower_soft_margin(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_bin(t, OP_mul, ptm_need(c, 0), ptm_need(c, 1));
    return reduced(c, ptm_op_unary(t, OP_log1p,
                                   ptm_op_unary(t, OP_exp, ptm_op_unary(t, OP_neg, x))));
}

static struct ptm_ival lower_kl_div(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *y = ptm_need(c, 1), *r;
    if (ptm_arg_bool(t, ptm_named(c, "log_target"))) {
        r = ptm_bin(t, OP_mul, ptm_op_unary(t, OP_exp, y), ptm_bin(t, OP_sub, y, x));
    } else { /* y ln y - y x, where 0 ln 0 is 0 */
        struct ptm_tensor *ylny = ptm_bin(t, OP_mul, y, ptm_op_unary(t, OP_log, y));
        ylny = where_number(t, ptm_bin_num(t, OP_ne, y, 0), ylny, 0);
        r = ptm_bin(t, OP_sub, ylny, ptm_bin(t, OP_mul, y, x));
    }
    return reduced(c, r);
}

static struct ptm_ival lower_bce(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *y = ptm_need(c, 1);
    struct ptm_tensor *w = ptm_arg_tensor(t, c->arg[2]);
    /* (y - 1) * max(log1p(-x), -100) - y * max(log x, -100) */
    struct ptm_tensor *no =
        at_least(t, ptm_op_unary(t, OP_log1p, ptm_op_unary(t, OP_neg, x)), -100);
    struct ptm_tensor *yes = at_least(t, ptm_op_unary(t, OP_log, x), -100);
    struct ptm_tensor *r =
        ptm_bin(t, OP_sub, ptm_bin(t, OP_mul, ptm_bin_num(t, OP_sub, y, 1), no),
                ptm_bin(t, OP_mul, y, yes));
    return reduced(c, w ? ptm_bin(t, OP_mul, r, w) : r);
}

static struct ptm_ival lower_bce_with_logits(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *y = ptm_need(c, 1);
    struct ptm_tensor *w = ptm_arg_tensor(t, c->arg[2]);
    struct ptm_tensor *pos_weight = ptm_arg_tensor(t, c->arg[3]);
    struct ptm_tensor *log_p = ptm_op_unary(t, OP_log_sigmoid, x);
    /* (1 - y) * x - (1 + (pos_weight - 1) * y) * ln sigmoid(x) */
    if (pos_weight) {
        struct ptm_tensor *f = ptm_bin(t, OP_mul, ptm_bin_num(t, OP_sub, pos_weight, 1), y);
        log_p = ptm_bin(t, OP_mul, ptm_bin_num(t, OP_add, f, 1), log_p);
    }
    struct ptm_tensor *not_y = ptm_bin_num(t, OP_add, ptm_op_unary(t, OP_neg, y), 1);
    struct ptm_tensor *r = ptm_bin(t, OP_sub, ptm_bin(t, OP_mul, not_y, x), log_p);
    return reduced(c, w ? ptm_bin(t, OP_mul, r, w) : r);
}

/* -- negative log likelihood -- */

struct nll {
    struct ptm_tensor *loss;   /* per element of the target, 0 where ignored */
    struct ptm_tensor *weight; /* of each, 0 where ignored */
};

/* log_p[N, C, ...] or [C]; target without the class dimension. */
static bool nll(struct ptm_trace *t, struct ptm_tensor *log_p, struct ptm_tensor *target,
                struct ptm_tensor *w, int64_t ignore, struct nll *r)
{
    if (!log_p || !target)
        return false;
    int dim = log_p->rank > 1;
    struct ptm_tensor *ok = ptm_bin_num(t, OP_ne, target, (double)ignore);
    struct ptm_tensor *index = where_number(t, ok, target, 0), *pick = NULL;
    struct ptm_emit e;
    if (index)
        pick = ptm_view_unsqueeze(t, index, dim);
    ptm_emit_begin(&e, t, OP_gather);
    ptm_emit_in(&e, log_p);
    ptm_emit_in(&e, pick);
    ptm_emit_i(&e, dim);
    pick = ptm_emit_end(&e);
    if (pick)
        pick = ptm_op_unary(t, OP_neg, ptm_view_squeeze(t, pick, dim));
    if (w && index && pick) {
        int64_t n = ptm_tensor_numel(index);
        ptm_emit_begin(&e, t, OP_index_select);
        ptm_emit_in(&e, w);
        ptm_emit_in(&e, ptm_reshape(t, index, 1, &n));
        ptm_emit_i(&e, 0);
        struct ptm_tensor *of = ptm_emit_end(&e);
        of = of ? ptm_reshape(t, of, index->rank, index->dim) : NULL;
        pick = ptm_bin(t, OP_mul, pick, of);
        r->weight = where_number(t, ok, of, 0);
    } else {
        r->weight = ptm_cast(t, ok, (enum ptm_dtype)log_p->dtype);
    }
    r->loss = where_number(t, ok, pick, 0);
    return !ptm_trace_failed(t);
}

static struct ptm_tensor *sum_all(struct ptm_trace *t, struct ptm_tensor *x)
{
    return ptm_op_reduce(t, OP_sum, x, NULL, 0, false);
}

/* Means are weighted: by the class weights of the targets that count. */
static struct ptm_tensor *nll_reduce(struct ptm_trace *t, struct ptm_tensor *loss,
                                     struct ptm_tensor *weight, int64_t how)
{
    if (how == NONE)
        return loss;
    loss = sum_all(t, loss);
    return how == MEAN ? ptm_op_binary(t, OP_div, loss, sum_all(t, weight)) : loss;
}

static struct ptm_ival lower_nll(const struct ptm_lower_call *c)
{
    struct nll r;
    if (!nll(c->t, ptm_need(c, 0), ptm_need(c, 1), ptm_arg_tensor(c->t, c->arg[2]),
             ptm_arg_int(c->t, c->arg[4]), &r))
        return ptm_none();
    return ptm_tensor_ival(
        nll_reduce(c->t, r.loss, r.weight, ptm_arg_int(c->t, c->arg[3])));
}

static struct ptm_ival lower_nll_forward(const struct ptm_lower_call *c)
{
    struct nll r;
    int64_t how = ptm_arg_int(c->t, c->arg[3]);
    if (!nll(c->t, ptm_need(c, 0), ptm_need(c, 1), ptm_arg_tensor(c->t, c->arg[2]),
             ptm_arg_int(c->t, c->arg[4]), &r))
        return ptm_none();
    struct ptm_tensor *out[] = {nll_reduce(c->t, r.loss, r.weight, how),
                                sum_all(c->t, r.weight)};
    return ptm_result_tuple(c->t, 2, out);
}

/* Class weights as [1, C, 1, ...] for log_p[N, C, ...], as [C] for log_p[C]. */
static struct ptm_tensor *class_weights(struct ptm_trace *t, struct ptm_tensor *w,
                                        const struct ptm_tensor *log_p)
{
    int64_t dim[PTM_MAX_RANK];
    if (!w)
        return NULL;
    for (int i = 0; i < log_p->rank; i++)
        dim[i] = i == (log_p->rank > 1) ? ptm_tensor_numel(w) : 1;
    return ptm_reshape(t, w, log_p->rank, dim);
}

/* Targets that are probabilities of all classes. */
static struct ptm_ival soft_cross_entropy(struct ptm_trace *t, struct ptm_tensor *log_p,
                                          struct ptm_tensor *target, struct ptm_tensor *w,
                                          int64_t how, double smoothing)
{
    int64_t dim = log_p->rank > 1, classes = log_p->dim[dim];
    if (smoothing > 0)
        target = ptm_bin_num(t, OP_add, ptm_bin_num(t, OP_mul, target, 1 - smoothing),
                             smoothing / (double)classes);
    struct ptm_tensor *r = ptm_bin(t, OP_mul, log_p, target);
    if (w)
        r = ptm_bin(t, OP_mul, r, class_weights(t, w, log_p));
    r = ptm_op_unary(t, OP_neg, ptm_op_reduce(t, OP_sum, r, &dim, 1, false));
    if (how == NONE)
        return ptm_tensor_ival(r);
    r = sum_all(t, r);
    if (how == MEAN)
        r = ptm_bin_num(t, OP_div, r, (double)(ptm_tensor_numel(log_p) / classes));
    return ptm_tensor_ival(r);
}

static struct ptm_ival lower_cross_entropy(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *target = ptm_need(c, 1);
    struct ptm_tensor *w = ptm_arg_tensor(t, c->arg[2]);
    int64_t how = ptm_arg_int(t, c->arg[3]);
    double smoothing = ptm_arg_float(t, c->arg[5]);
    struct nll r;
    if (!x || !target)
        return ptm_none();
    if (!x->rank || !x->dim[x->rank > 1])
        return ptm_trace_fail(t, PTM_ERR_TYPE, "cross_entropy_loss: no classes in a tensor of "
                              "rank %d", x->rank);
    int64_t dim = x->rank > 1, classes = x->dim[dim];
    struct ptm_tensor *log_p = ptm_op_int(t, OP_log_softmax, x, dim);
    if (log_p && ptm_dtype_is_float((enum ptm_dtype)target->dtype) && target->rank == x->rank)
        return soft_cross_entropy(t, log_p, target, w, how, smoothing);
    if (!nll(t, log_p, target, w, ptm_arg_int(t, c->arg[4]), &r))
        return ptm_none();
    struct ptm_tensor *hard = nll_reduce(t, r.loss, r.weight, how);
    if (smoothing == 0)
        return ptm_tensor_ival(hard);
    struct ptm_tensor *soft =
        w ? ptm_bin(t, OP_mul, log_p, class_weights(t, w, log_p)) : log_p;
    soft = ptm_op_unary(t, OP_neg, ptm_op_reduce(t, OP_sum, soft, &dim, 1, false));
    soft = where_number(t, ptm_bin_num(t, OP_ne, target, (double)ptm_arg_int(t, c->arg[4])), soft,
                        0);
    soft = ptm_bin_num(t, OP_mul, nll_reduce(t, soft, r.weight, how),
                       smoothing / (double)classes);
    return ptm_tensor_ival(
        ptm_bin(t, OP_add, ptm_bin_num(t, OP_mul, hard, 1 - smoothing), soft));
}

/* -- distances of rows -- */

/* sum(x^2) over dim, kept */
static struct ptm_tensor *square_sum(struct ptm_trace *t, struct ptm_tensor *x, int64_t dim)
{
    return ptm_op_reduce(t, OP_sum, square(t, x), &dim, 1, true);
}

static struct ptm_ival lower_cosine_similarity(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x[2];
    int64_t dims[PTM_MAX_RANK];
    enum ptm_dtype d = ptm_default_float(ptm_result_type(t, c->arg, 2));
    double eps = ptm_arg_float(t, c->arg[3]);
    for (int i = 0; i < 2; i++)
        if (!(x[i] = ptm_cast(t, ptm_need(c, (size_t)i), d)))
            return ptm_none();
    int rank = ptm_broadcast_dims(t, x[0]->rank, x[0]->dim, x[1]->rank, x[1]->dim, dims);
    int64_t dim = ptm_arg_dim(t, c->arg[2], rank);
    for (int i = 0; i < 2 && !ptm_trace_failed(t); i++) {
        x[i] = ptm_view_expand(t, x[i], rank, dims);
        /* each is divided by its own norm, at least eps */
        struct ptm_tensor *n = ptm_op_unary(t, OP_sqrt, square_sum(t, x[i], dim));
        x[i] = n ? ptm_op_binary(t, OP_div, x[i], at_least(t, n, eps)) : NULL;
    }
    if (ptm_trace_failed(t))
        return ptm_none();
    return ptm_tensor_ival(
        ptm_op_reduce(t, OP_sum, ptm_op_binary(t, OP_mul, x[0], x[1]), &dim, 1, false));
}

/* p-norm of x along its last dimension */
static struct ptm_tensor *row_norm(struct ptm_trace *t, struct ptm_tensor *x, double p,
                                   bool keepdim)
{
    struct ptm_emit e;
    if (!x)
        return NULL;
    int64_t last = x->rank ? x->rank - 1 : 0;
    ptm_emit_begin(&e, t, OP_norm);
    ptm_emit_in(&e, x);
    ptm_emit_f(&e, p);
    ptm_emit_ints(&e, &last, x->rank ? 1 : 0);
    ptm_emit_i(&e, keepdim);
    return ptm_emit_end(&e);
}

static struct ptm_tensor *pair_distance(struct ptm_trace *t, struct ptm_tensor *a,
                                        struct ptm_tensor *b, double p, double eps, bool keepdim)
{
    struct ptm_tensor *d = ptm_bin_num(t, OP_add, ptm_bin(t, OP_sub, a, b), eps);
    return row_norm(t, d, p, keepdim);
}

static struct ptm_ival lower_pairwise_distance(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(pair_distance(c->t, ptm_need(c, 0), ptm_need(c, 1),
                                         ptm_arg_float(c->t, c->arg[2]),
                                         ptm_arg_float(c->t, c->arg[3]),
                                         ptm_arg_bool(c->t, c->arg[4])));
}

static struct ptm_ival lower_triplet(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *a = ptm_need(c, 0), *pos = ptm_need(c, 1), *neg = ptm_need(c, 2);
    double margin = ptm_arg_float(t, c->arg[3]), p = ptm_arg_float(t, c->arg[4]);
    double eps = ptm_arg_float(t, c->arg[5]);
    struct ptm_tensor *near_d = pair_distance(t, a, pos, p, eps, false);
    struct ptm_tensor *far = pair_distance(t, a, neg, p, eps, false);
    if (ptm_arg_bool(t, c->arg[6]))
        far = ptm_bin(t, OP_minimum, far, pair_distance(t, pos, neg, p, eps, false));
    struct ptm_tensor *r = ptm_bin_num(t, OP_add, ptm_bin(t, OP_sub, near_d, far), margin);
    return reduced(c, at_least(t, r, 0));
}

static struct ptm_ival lower_margin_ranking(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *r = ptm_bin(t, OP_mul, ptm_op_unary(t, OP_neg, ptm_need(c, 2)),
                                   difference(c));
    return reduced(c, at_least(t, ptm_bin_num(t, OP_add, r, ptm_arg_float(t, c->arg[3])), 0));
}

static struct ptm_ival lower_poisson_nll(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *y = ptm_need(c, 1);
    double eps = ptm_arg_float(t, c->arg[4]);
    struct ptm_tensor *r;
    if (ptm_arg_bool(t, c->arg[2]))
        r = ptm_bin(t, OP_sub, ptm_op_unary(t, OP_exp, x), ptm_bin(t, OP_mul, y, x));
    else
        r = ptm_bin(t, OP_sub, x,
                    ptm_bin(t, OP_mul, y, ptm_op_unary(t, OP_log, ptm_bin_num(t, OP_add, x, eps))));
    if (ptm_arg_bool(t, c->arg[3])) { /* Stirling's approximation of ln y! */
        struct ptm_tensor *s = ptm_bin(t, OP_sub, ptm_bin(t, OP_mul, y, ptm_op_unary(t, OP_log, y)),
                                       y);
        struct ptm_tensor *tau = ptm_op_unary(t, OP_log, ptm_bin_num(t, OP_mul, y, TAU));
        s = ptm_bin(t, OP_add, s, ptm_bin_num(t, OP_mul, tau, 0.5));
        r = ptm_bin(t, OP_add, r, where_number(t, ptm_bin_num(t, OP_gt, y, 1), s, 0));
    }
    return reduced(c, r);
}

/* y is 1: x; y is -1: max(margin - x, 0) */
static struct ptm_ival lower_hinge_embedding(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *y = ptm_need(c, 1);
    struct ptm_tensor *far = ptm_bin_num(t, OP_add, ptm_op_unary(t, OP_neg, x),
                                         ptm_arg_float(t, c->arg[2]));
    struct ptm_tensor *r = where_number(t, ptm_bin_num(t, OP_ne, y, 1), at_least(t, far, 0), 0);
    return reduced(c, ptm_bin(t, OP_add, r,
                              where_number(t, ptm_bin_num(t, OP_ne, y, -1), x, 0)));
}

const struct ptm_lowering ptm_lower_loss[] = {
    {"aten::mse_loss", lower_mse},
    {"aten::l1_loss", lower_l1},
    {"aten::smooth_l1_loss", lower_smooth_l1},
    {"aten::huber_loss", lower_huber},
    {"aten::soft_margin_loss", lower_soft_margin},
    {"aten::kl_div", lower_kl_div},
    {"aten::binary_cross_entropy", lower_bce},
    {"aten::binary_cross_entropy_with_logits", lower_bce_with_logits},
    {"aten::nll_loss", lower_nll},
    {"aten::nll_loss2d", lower_nll},
    {"aten::nll_loss_nd", lower_nll},
    {"aten::nll_loss_forward", lower_nll_forward},
    {"aten::cross_entropy_loss", lower_cross_entropy},
    {"aten::triplet_margin_loss", lower_triplet},
    {"aten::margin_ranking_loss", lower_margin_ranking},
    {"aten::poisson_nll_loss", lower_poisson_nll},
    {"aten::hinge_embedding_loss", lower_hinge_embedding},
    {"aten::cosine_similarity", lower_cosine_similarity},
    {"aten::pairwise_distance", lower_pairwise_distance},
    {NULL, NULL},
};
