/* SPDX-License-Identifier: BSD-2-Clause */
/* Lowerings of linear layers and of the matrix product family. */
#include "libcore/lower.h"
#include "libcore/lower_args.h"

static struct ptm_tensor *product(struct ptm_trace *t, struct ptm_tensor *a, struct ptm_tensor *b)
{
    return ptm_op_binary(t, OP_matmul, a, b);
}

/* torch.matmul: a vector on the left is a row, on the right a column, and its dimension goes. */
static struct ptm_tensor *matmul(struct ptm_trace *t, struct ptm_tensor *a, struct ptm_tensor *b)
{
    if (!a || !b)
        return NULL;
    if (!a->rank || !b->rank) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "matmul: both arguments need a rank of at least 1, theirs "
                       "are %d and %d", a->rank, b->rank);
        return NULL;
    }
    bool row = a->rank == 1, column = b->rank == 1;
    struct ptm_tensor *y = product(t, row ? ptm_view_unsqueeze(t, a, 0) : a,
                                   column ? ptm_view_unsqueeze(t, b, 1) : b);
    if (y && column)
        y = ptm_view_squeeze(t, y, y->rank - 1);
    if (y && row)
        y = ptm_view_squeeze(t, y, y->rank - (column ? 1 : 2));
    return y;
}

static bool want_rank(const struct ptm_lower_call *c, const struct ptm_tensor *x, int rank)
{
    if (x && x->rank != rank)
        ptm_trace_fail(c->t, PTM_ERR_TYPE, "%s: an argument of rank %d, %d wanted", c->schema->name,
                       x->rank, rank);
    return x && x->rank == rank;
}

static struct ptm_ival lower_matmul(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(matmul(c->t, ptm_need(c, 0), ptm_need(c, 1)));
}

static struct ptm_ival ranked(const struct ptm_lower_call *c, int a_rank, int b_rank)
{
    struct ptm_tensor *a = ptm_need(c, 0), *b = ptm_need(c, 1);
    if (!want_rank(c, a, a_rank) || !want_rank(c, b, b_rank))
        return ptm_none();
    return ptm_tensor_ival(matmul(c->t, a, b));
}

static struct ptm_ival lower_mm(const struct ptm_lower_call *c)
{
    return ranked(c, 2, 2);
}

static struct ptm_ival lower_bmm(const struct ptm_lower_call *c)
{
    return ranked(c, 3, 3);
}

static struct ptm_ival lower_mv(const struct ptm_lower_call *c)
{
    return ranked(c, 2, 1);
}

static struct ptm_ival lower_dot(const struct ptm_lower_call *c)
{
    return ranked(c, 1, 1);
}

/* A bias of any other shape than [N] is added afterwards. */
static struct ptm_ival lower_linear(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *w = ptm_need(c, 1);
    struct ptm_tensor *b = ptm_arg_tensor(t, c->arg[2]), *y;
    struct ptm_emit e;
    if (!x || !w)
        return ptm_none();
    bool fits = b && b->rank == 1 && w->rank == 2 && b->dim[0] == w->dim[0];
    if (w->rank == 1) {
        y = matmul(t, x, w);
    } else {
        ptm_emit_begin(&e, t, OP_linear);
        ptm_emit_in(&e, x);
        ptm_emit_in(&e, w);
        ptm_emit_opt(&e, fits ? b : NULL);
        y = ptm_emit_end(&e);
    }
    return ptm_tensor_ival(b && !fits ? ptm_bin(t, OP_add, y, b) : y);
}

/* -- beta * self + alpha * product -- */

static struct ptm_tensor *scaled(struct ptm_trace *t, struct ptm_tensor *x, struct ptm_ival by)
{
    if (!x || (by.tag != PTM_SYM && ptm_arg_float(t, by) == 1))
        return x;
    return ptm_binary(t, OP_mul, ptm_tensor_ival(x), by);
}

static struct ptm_tensor *blended(const struct ptm_lower_call *c, struct ptm_tensor *y)
{
    struct ptm_trace *t = c->t;
    struct ptm_ival beta = ptm_named(c, "beta"), alpha = ptm_named(c, "alpha");
    struct ptm_tensor *self = ptm_need(c, 0);
    y = scaled(t, y, alpha);
    if (beta.tag != PTM_SYM && ptm_arg_float(t, beta) == 0) /* self may hold NaN then */
        return y;
    return ptm_bin(t, OP_add, scaled(t, self, beta), y);
}

static struct ptm_tensor *addmm(const struct ptm_lower_call *c, int a_rank, int b_rank)
{
    struct ptm_tensor *a = ptm_need(c, 1), *b = ptm_need(c, 2);
    if (!want_rank(c, a, a_rank) || !want_rank(c, b, b_rank))
        return NULL;
    return blended(c, matmul(c->t, a, b));
}

static struct ptm_ival lower_addmm(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(addmm(c, 2, 2));
}

static struct ptm_ival lower_addmv(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(addmm(c, 2, 1));
}

static struct ptm_ival lower_baddbmm(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(addmm(c, 3, 3));
}

static struct ptm_ival lower_addbmm(const struct ptm_lower_call *c)
{
    struct ptm_tensor *a = ptm_need(c, 1), *b = ptm_need(c, 2);
    int64_t batch = 0;
    if (!want_rank(c, a, 3) || !want_rank(c, b, 3))
        return ptm_none();
    return ptm_tensor_ival(
        blended(c, ptm_op_reduce(c->t, OP_sum, product(c->t, a, b), &batch, 1, false)));
}

static struct ptm_ival lower_addmm_activation(const struct ptm_lower_call *c)
{
    struct ptm_tensor *y = addmm(c, 2, 2);
    struct ptm_emit e;
    if (!ptm_arg_bool(c->t, ptm_named(c, "use_gelu")))
        return ptm_tensor_ival(ptm_op_unary(c->t, OP_relu, y));
    ptm_emit_begin(&e, c->t, OP_gelu);
    ptm_emit_in(&e, y);
    ptm_emit_i(&e, 1);
    return ptm_tensor_ival(ptm_emit_end(&e));
}

static struct ptm_tensor *outer(const struct ptm_lower_call *c, size_t i)
{
    struct ptm_tensor *a = ptm_need(c, i), *b = ptm_need(c, i + 1);
    if (!want_rank(c, a, 1) || !want_rank(c, b, 1))
        return NULL;
    return ptm_bin(c->t, OP_mul, ptm_view_unsqueeze(c->t, a, 1), b);
}

static struct ptm_ival lower_outer(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(outer(c, 0));
}

static struct ptm_ival lower_addr(const struct ptm_lower_call *c)
{
    struct ptm_tensor *y = outer(c, 1);
    return y ? ptm_tensor_ival(blended(c, y)) : ptm_none();
}

/* -- products of several, powers -- */

static struct ptm_ival lower_multi_dot(const struct ptm_lower_call *c)
{
    size_t n;
    struct ptm_tensor **x = ptm_need_list(c, c->arg[0], &n);
    if (!x || !n)
        return ptm_trace_fail(c->t, PTM_ERR_TYPE, "%s: no matrix given", c->schema->name);
    struct ptm_tensor *y = x[0];
    for (size_t i = 1; i < n; i++)
        y = matmul(c->t, y, x[i]);
    return ptm_tensor_ival(y);
}

static struct ptm_tensor *identity(struct ptm_trace *t, const struct ptm_tensor *x)
{
    struct ptm_tensor *i = ptm_iota(t, x->dim[x->rank - 1], ptm_int(0), 1);
    if (!i)
        return NULL;
    i = ptm_op_binary(t, OP_eq, ptm_view_unsqueeze(t, i, 1), i);
    i = ptm_cast(t, i, (enum ptm_dtype)x->dtype);
    i = ptm_view_expand(t, i, x->rank, x->dim);
    return i ? ptm_clone(t, i, true) : NULL;
}

static struct ptm_ival lower_matrix_power(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *y = NULL;
    int64_t n = ptm_arg_int(t, c->arg[1]);
    if (!x)
        return ptm_none();
    if (x->rank < 2 || x->dim[x->rank - 1] != x->dim[x->rank - 2])
        return ptm_trace_fail(t, PTM_ERR_TYPE, "%s: square matrices wanted", c->schema->name);
    if (n < 0)
        return ptm_trace_fail(t, PTM_ERR_UNSUPPORTED, "%s: power %lld (an inverse)",
                              c->schema->name, (long long)n);
    if (!n)
        return ptm_tensor_ival(identity(t, x));
    for (; n; n >>= 1) {
        if (n & 1)
            y = y ? product(t, y, x) : x;
        if (n > 1)
            x = product(t, x, x);
    }
    return ptm_tensor_ival(y == ptm_need(c, 0) && y ? ptm_clone(t, y, false) : y);
}

/* -- pairwise -- */

static struct ptm_ival lower_cdist(const struct ptm_lower_call *c)
{
    struct ptm_emit e;
    ptm_emit_begin(&e, c->t, OP_cdist);
    ptm_emit_in(&e, ptm_need(c, 0));
    ptm_emit_in(&e, ptm_need(c, 1));
    ptm_emit_f(&e, ptm_has_named(c, "p") ? ptm_arg_float(c->t, ptm_named(c, "p")) : 2);
    return ptm_tensor_ival(ptm_emit_end(&e));
}

static struct ptm_tensor *rolled(struct ptm_trace *t, struct ptm_tensor *x, int dim, bool twice)
{
    struct ptm_emit e;
    const int64_t order[] = {twice ? 2 : 1, twice ? 0 : 2, twice ? 1 : 0}, three = 3;
    ptm_emit_begin(&e, t, OP_index_select);
    ptm_emit_in(&e, x);
    ptm_emit_in(&e, ptm_known(t, PTM_I64, 1, &three, order));
    ptm_emit_i(&e, dim);
    return ptm_emit_end(&e);
}

/* Two tensors with promotion and numpy's broadcasting, as views. */
static bool broadcast_pair(const struct ptm_lower_call *c, struct ptm_tensor **x)
{
    struct ptm_trace *t = c->t;
    int64_t dim[PTM_MAX_RANK];
    enum ptm_dtype d = ptm_result_type(t, c->arg, 2);
    for (size_t i = 0; i < 2; i++)
        if (!(x[i] = ptm_cast(t, ptm_need(c, i), d)))
            return false;
    int rank = ptm_broadcast_dims(t, x[0]->rank, x[0]->dim, x[1]->rank, x[1]->dim, dim);
    for (size_t i = 0; i < 2; i++)
        x[i] = ptm_view_expand(t, x[i], rank, dim);
    return x[0] && x[1];
}

static struct ptm_ival lower_cross(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x[2];
    int dim = 0;
    if (!broadcast_pair(c, x))
        return ptm_none();
    if (!ptm_is_none(c->arg[2]))
        dim = ptm_arg_dim(t, c->arg[2], x[0]->rank);
    else
        while (dim < x[0]->rank && x[0]->dim[dim] != 3)
            dim++;
    if (ptm_trace_failed(t) || dim >= x[0]->rank || x[0]->dim[dim] != 3)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "%s: no dimension of 3 elements", c->schema->name);
    struct ptm_tensor *a = ptm_op_binary(t, OP_mul, rolled(t, x[0], dim, false),
                                         rolled(t, x[1], dim, true));
    struct ptm_tensor *b = ptm_op_binary(t, OP_mul, rolled(t, x[0], dim, true),
                                         rolled(t, x[1], dim, false));
    return ptm_tensor_ival(ptm_op_binary(t, OP_sub, a, b));
}

static struct ptm_ival lower_vecdot(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x[2];
    if (!broadcast_pair(c, x))
        return ptm_none();
    int64_t dim = ptm_arg_dim(c->t, ptm_named(c, "dim"), x[0]->rank);
    return ptm_tensor_ival(
        ptm_op_reduce(c->t, OP_sum, ptm_op_binary(c->t, OP_mul, x[0], x[1]), &dim, 1, false));
}

/* Each element of a times all of b, side by side along every dimension. */
static struct ptm_ival lower_kron(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *a = ptm_need(c, 0), *b = ptm_need(c, 1);
    int64_t a_dim[PTM_MAX_RANK], b_dim[PTM_MAX_RANK], dim[PTM_MAX_RANK];
    if (!a || !b)
        return ptm_none();
    int rank = a->rank > b->rank ? a->rank : b->rank;
    if (rank * 2 > PTM_MAX_RANK)
        return ptm_trace_fail(t, PTM_ERR_LIMIT, "kron of rank %d, at most %d", rank,
                              PTM_MAX_RANK / 2);
    for (int i = 0; i < rank; i++) {
        int ia = i - (rank - a->rank), ib = i - (rank - b->rank);
        a_dim[2 * i] = ia < 0 ? 1 : a->dim[ia];
        b_dim[2 * i + 1] = ib < 0 ? 1 : b->dim[ib];
        a_dim[2 * i + 1] = b_dim[2 * i] = 1;
        if (b_dim[2 * i + 1] && a_dim[2 * i] > INT64_MAX / b_dim[2 * i + 1])
            return ptm_trace_fail(t, PTM_ERR_LIMIT, "kron: %lld times %lld elements",
                                  (long long)a_dim[2 * i], (long long)b_dim[2 * i + 1]);
        dim[i] = a_dim[2 * i] * b_dim[2 * i + 1];
    }
    struct ptm_tensor *y = ptm_bin(t, OP_mul, ptm_reshape(t, a, 2 * rank, a_dim),
                                   ptm_reshape(t, b, 2 * rank, b_dim));
    return ptm_tensor_ival(ptm_reshape(t, y, rank, dim));
}

/* y[..., o] = sum over i, j of a[..., i] w[o, i, j] b[..., j] */
static struct ptm_ival lower_bilinear(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *a = ptm_need(c, 0), *b = ptm_need(c, 1), *w = ptm_need(c, 2);
    struct ptm_tensor *bias = ptm_arg_tensor(t, c->arg[3]), *y;
    int64_t dim[PTM_MAX_RANK], last = 2;
    if (!want_rank(c, w, 3) || !a || !b)
        return ptm_none();
    if (!a->rank || a->rank != b->rank || a->dim[a->rank - 1] != w->dim[1] ||
        b->dim[b->rank - 1] != w->dim[2])
        return ptm_trace_fail(t, PTM_ERR_TYPE, "bilinear: inputs of rank %d and %d do not fit the "
                              "weight", a->rank, b->rank);
    /* (rows of a) x w[i, o * j], then weighed by b */
    struct ptm_tensor *m = ptm_view_permute(t, w, (int64_t[]){1, 0, 2});
    m = ptm_reshape(t, m, 2, (int64_t[]){w->dim[1], w->dim[0] * w->dim[2]});
    y = product(t, ptm_reshape(t, a, 2, (int64_t[]){-1, w->dim[1]}), m);
    y = ptm_reshape(t, y, 3, (int64_t[]){-1, w->dim[0], w->dim[2]});
    b = ptm_reshape(t, b, 3, (int64_t[]){-1, 1, w->dim[2]});
    y = ptm_op_reduce(t, OP_sum, ptm_op_binary(t, OP_mul, y, b), &last, 1, false);
    for (int i = 0; i < a->rank; i++)
        dim[i] = i + 1 < a->rank ? a->dim[i] : w->dim[0];
    y = ptm_reshape(t, y, a->rank, dim);
    return ptm_tensor_ival(bias ? ptm_bin(t, OP_add, y, bias) : y);
}

const struct ptm_lowering ptm_lower_linalg[] = {
    {"aten::linear", lower_linear},
    {"aten::matmul", lower_matmul},
    {"aten::linalg_matmul", lower_matmul},
    {"aten::mm", lower_mm},
    {"aten::bmm", lower_bmm},
    {"aten::mv", lower_mv},
    {"aten::dot", lower_dot},
    {"aten::vdot", lower_dot},
    {"aten::addmm", lower_addmm},
    {"aten::addmv", lower_addmv},
    {"aten::addbmm", lower_addbmm},
    {"aten::baddbmm", lower_baddbmm},
    {"aten::_addmm_activation", lower_addmm_activation},
    {"aten::outer", lower_outer},
    {"aten::ger", lower_outer},
    {"aten::addr", lower_addr},
    {"aten::linalg_multi_dot", lower_multi_dot},
    {"aten::chain_matmul", lower_multi_dot},
    {"aten::matrix_power", lower_matrix_power},
    {"aten::linalg_matrix_power", lower_matrix_power},
    {"aten::cdist", lower_cdist},
    {"aten::_cdist_forward", lower_cdist},
    {"aten::_euclidean_dist", lower_cdist},
    {"aten::cross", lower_cross},
    {"aten::linalg_cross", lower_cross},
    {"aten::linalg_vecdot", lower_vecdot},
    {"aten::kron", lower_kron},
    {"aten::bilinear", lower_bilinear},
    {NULL, NULL},
};
