/* SPDX-License-Identifier: BSD-2-Clause */
/* Lowerings of vector and matrix norms, of distances, and of covariance. */
#include <math.h>
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"

static struct ptm_tensor *vector_norm(struct ptm_trace *t, struct ptm_tensor *x, double p,
                                      const int64_t *dims, int n, bool keepdim)
{
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_norm);
    ptm_emit_in(&e, x);
    ptm_emit_f(&e, p);
    ptm_emit_ints(&e, dims, n);
    ptm_emit_i(&e, keepdim);
    return ptm_emit_end(&e);
}

/* Normalised dims of the argument; 0: none given. */
static int norm_dims(const struct ptm_lower_call *c, const struct ptm_tensor *x, int64_t *dims)
{
    int n = ptm_arg_ints(c->t, ptm_named(c, "dim"), dims, PTM_MAX_RANK);
    for (int i = 0; i < n; i++)
        dims[i] = ptm_arg_dim(c->t, ptm_int(dims[i]), x->rank);
    return x->rank ? n : 0;
}

static void sort_dims(int64_t *dims, int n)
{
    if (n == 2 && dims[0] > dims[1]) {
        int64_t d = dims[0];
        dims[0] = dims[1];
        dims[1] = d;
    }
}

static struct ptm_tensor *norm_input(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (!x)
        return NULL;
    int d = ptm_arg_dtype(c->t, ptm_named(c, "dtype"), ptm_default_float((enum ptm_dtype)x->dtype));
    return ptm_cast(c->t, x, (enum ptm_dtype)d);
}

static bool norm_keepdim(const struct ptm_lower_call *c)
{
    struct ptm_ival v = ptm_named(c, "keepdim");
    return !ptm_is_none(v) && ptm_arg_bool(c->t, v);
}

/* Matrix norm over dims[0] (rows) and dims[1] (columns). */
static struct ptm_tensor *matrix_norm(struct ptm_trace *t, struct ptm_tensor *x,
                                      struct ptm_ival ord, int64_t *dims, bool keepdim)
{
    bool text = ord.tag == PTM_STR;
    if (ptm_is_none(ord) || (text && !strcmp(ord.u.str->s, "fro"))) {
        sort_dims(dims, 2);
        return vector_norm(t, x, 2, dims, 2, keepdim);
    }
    double p = text ? 0 : ptm_arg_float(t, ord);
    bool inf = isinf(p) != 0;
    if (text || (!inf && fabs(p) != 1)) {
        ptm_trace_fail(t, PTM_ERR_UNSUPPORTED,
                       "a matrix norm that needs singular values (order 2, -2 or 'nuc')");
        return NULL;
    }
    /* inf: largest row sum; 1: largest column sum */
    int64_t inner = inf ? dims[1] : dims[0], outer = inf ? dims[0] : dims[1];
    struct ptm_tensor *sum = ptm_op_reduce(t, OP_sum, ptm_op_unary(t, OP_abs, x), &inner, 1, true);
    struct ptm_tensor *y = ptm_op_reduce(t, p > 0 ? OP_amax : OP_amin, sum, &outer, 1, true);
    if (keepdim)
        return y;
    y = ptm_view_squeeze(t, y, (int)(inner > outer ? inner : outer));
    return ptm_view_squeeze(t, y, (int)(inner > outer ? outer : inner));
}

/* aten::norm: p over all elements or some dims; 'fro' is 2. */
static struct ptm_ival lower_norm(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = norm_input(c);
    int64_t dims[PTM_MAX_RANK];
    if (!x)
        return ptm_none();
    struct ptm_ival p = ptm_named(c, ptm_has_named(c, "ord") ? "ord" : "p");
    double order = ptm_is_none(p) ? 2 : ptm_arg_float(c->t, p);
    int n = norm_dims(c, x, dims);
    for (int i = 1; i < n; i++) /* ascending */
        for (int k = i; k > 0 && dims[k] < dims[k - 1]; k--) {
            int64_t d = dims[k];
            dims[k] = dims[k - 1];
            dims[k - 1] = d;
        }
    return ptm_tensor_ival(vector_norm(c->t, x, order, dims, n, norm_keepdim(c)));
}

static struct ptm_ival lower_matrix_norm(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = norm_input(c);
    int64_t dims[PTM_MAX_RANK];
    if (!x)
        return ptm_none();
    if (norm_dims(c, x, dims) != 2)
        return ptm_trace_fail(c->t, PTM_ERR_TYPE, "linalg.matrix_norm: dim must have two elements");
    return ptm_tensor_ival(matrix_norm(c->t, x, ptm_named(c, "ord"), dims, norm_keepdim(c)));
}

/* linalg.norm: a vector norm unless an order is given with two dims. */
static struct ptm_ival lower_linalg_norm(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = norm_input(c);
    struct ptm_ival ord = ptm_named(c, "ord");
    int64_t dims[PTM_MAX_RANK];
    if (!x)
        return ptm_none();
    int n = norm_dims(c, x, dims);
    bool keep = norm_keepdim(c);
    if (ptm_is_none(ord)) {
        sort_dims(dims, n);
        return ptm_tensor_ival(vector_norm(c->t, x, 2, dims, n, keep));
    }
    if (n == 0) {
        for (n = 0; n < x->rank && n < 2; n++)
            dims[n] = n;
        if (x->rank > 2)
            return ptm_trace_fail(c->t, PTM_ERR_TYPE,
                                  "linalg.norm: an order without dims needs rank 1 or 2, got %d",
                                  x->rank);
    }
    if (n == 2)
        return ptm_tensor_ival(matrix_norm(c->t, x, ord, dims, keep));
    return ptm_tensor_ival(vector_norm(c->t, x, ptm_arg_float(c->t, ord), dims, n, keep));
}

static struct ptm_ival lower_frobenius_norm(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = norm_input(c);
    int64_t dims[PTM_MAX_RANK];
    if (!x)
        return ptm_none();
    int n = norm_dims(c, x, dims);
    sort_dims(dims, n);
    return ptm_tensor_ival(vector_norm(c->t, x, 2, dims, n, norm_keepdim(c)));
}

static struct ptm_ival lower_dist(const struct ptm_lower_call *c)
{
    struct ptm_tensor *gap = ptm_binary(c->t, OP_sub, c->arg[0], c->arg[1]);
    return ptm_tensor_ival(vector_norm(c->t, ptm_as_float(c->t, gap),
                                       ptm_arg_float(c->t, ptm_named(c, "p")), NULL, 0, false));
}

/* Slices along dim whose norm is above maxnorm are scaled down to it. */
static struct ptm_ival lower_renorm(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0);
    int64_t dims[PTM_MAX_RANK];
    int n = 0;
    if (!x)
        return ptm_none();
    int dim = ptm_arg_dim(t, ptm_named(c, "dim"), x->rank);
    double most = ptm_arg_float(t, ptm_named(c, "maxnorm"));
    for (int i = 0; i < x->rank; i++)
        if (i != dim)
            dims[n++] = i;
    struct ptm_tensor *size = vector_norm(t, x, ptm_arg_float(t, ptm_named(c, "p")), dims, n, true);
    struct ptm_tensor *scale =
        ptm_binary(t, OP_div, ptm_float(most), ptm_tensor_ival(ptm_bin_num(t, OP_add, size, 1e-7)));
    scale = ptm_where(t, ptm_bin_num(t, OP_gt, size, most), scale,
                      ptm_to_tensor(t, ptm_float(1), (enum ptm_dtype)x->dtype));
    return ptm_tensor_ival(ptm_bin(t, OP_mul, x, scale));
}

/* Summed over what broadcasting from `size` would repeat. */
static struct ptm_ival lower_sum_to_size(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    int64_t size[PTM_MAX_RANK], dims[PTM_MAX_RANK];
    int n = ptm_arg_ints(c->t, ptm_named(c, "size"), size, PTM_MAX_RANK), k = 0;
    if (!x)
        return ptm_none();
    if (n > x->rank)
        return ptm_trace_fail(c->t, PTM_ERR_TYPE, "sum_to_size: rank %d to %d", x->rank, n);
    for (int i = 0; i < x->rank; i++)
        if (i < x->rank - n || (size[i - (x->rank - n)] == 1 && x->dim[i] != 1))
            dims[k++] = i;
    if (k)
        x = ptm_op_reduce(c->t, OP_sum, x, dims, k, true);
    return ptm_tensor_ival(ptm_reshape(c->t, x, n, size));
}

/* Rows are variables, columns observations. */
static struct ptm_tensor *covariance(struct ptm_trace *t, struct ptm_tensor *x, double correction)
{
    int64_t last = 1;
    if (x && x->rank < 2)
        x = ptm_reshape(t, x, 2, (int64_t[]){1, -1});
    if (!x || x->rank != 2) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "cov: needs rank 2 or less");
        return NULL;
    }
    double n = (double)x->dim[1] - correction;
    x = ptm_as_float(t, x);
    x = ptm_bin(t, OP_sub, x, ptm_op_reduce(t, OP_mean, x, &last, 1, true));
    struct ptm_tensor *y = ptm_op_binary(t, OP_matmul, x, ptm_view_transpose(t, x, 0, 1));
    return ptm_bin_num(t, OP_div, y, n > 0 ? n : 0);
}

static struct ptm_ival covariance_result(struct ptm_trace *t, struct ptm_tensor *y)
{
    return ptm_tensor_ival(y && y->dim[0] == 1 ? ptm_reshape(t, y, 0, NULL) : y);
}

static struct ptm_ival lower_cov(const struct ptm_lower_call *c)
{
    if (!ptm_is_none(ptm_named(c, "fweights")) || !ptm_is_none(ptm_named(c, "aweights")))
        return ptm_trace_fail(c->t, PTM_ERR_UNSUPPORTED, "cov with weights");
    double correction = ptm_arg_float(c->t, ptm_named(c, "correction"));
    return covariance_result(c->t, covariance(c->t, ptm_need(c, 0), correction));
}

static struct ptm_ival lower_corrcoef(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *y = covariance(t, ptm_need(c, 0), 1);
    struct ptm_tensor *s = ptm_op_unary(t, OP_sqrt, ptm_view_diagonal(t, y, 0, 0, 1));
    y = ptm_bin(t, OP_div, y, ptm_view_unsqueeze(t, s, 1));
    y = ptm_bin(t, OP_div, y, ptm_view_unsqueeze(t, s, 0));
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_clamp);
    ptm_emit_in(&e, y);
    ptm_emit_f(&e, -1);
    ptm_emit_f(&e, 1);
    return covariance_result(t, ptm_emit_end(&e));
}

const struct ptm_lowering ptm_lower_norms[] = {
    {"aten::norm", lower_norm},
    {"aten::linalg_vector_norm", lower_norm},
    {"aten::linalg_matrix_norm", lower_matrix_norm},
    {"aten::linalg_norm", lower_linalg_norm},
    {"aten::frobenius_norm", lower_frobenius_norm},
    {"aten::dist", lower_dist},
    {"aten::renorm", lower_renorm},
    {"aten::sum_to_size", lower_sum_to_size},
    {"aten::cov", lower_cov},
    {"aten::corrcoef", lower_corrcoef},
    {NULL, NULL},
};
