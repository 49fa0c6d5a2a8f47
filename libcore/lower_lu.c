/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lowerings that solve small systems: inverse, determinant, solve, Cholesky.
 * They read their matrices and compute in double precision.
 */
#include <math.h>
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"

enum { MAX_ORDER = 4096 };

/* Square matrices of a batch, as doubles that may be written. */
struct matrices {
    double *data;
    int64_t n, batch;
    int rank;
    int64_t dim[PTM_MAX_RANK];
    bool known;
    enum ptm_dtype dtype;
};

static double *read_doubles(struct ptm_trace *t, struct ptm_tensor *x)
{
    struct ptm_nd nd;
    x = ptm_contiguous(t, ptm_cast(t, x, PTM_F64));
    if (!x || !ptm_read(t, x, &nd))
        return NULL;
    int64_t n = ptm_tensor_numel(x);
    double *out = ptm_doubles(t, n);
    if (out && n)
        memcpy(out, nd.data, (size_t)n * sizeof(*out));
    return out;
}

static bool read_square(const struct ptm_lower_call *c, struct ptm_tensor *x, struct matrices *m)
{
    struct ptm_trace *t = c->t;
    if (!x)
        return false;
    if (x->rank < 2 || x->dim[x->rank - 1] != x->dim[x->rank - 2] ||
        x->dim[x->rank - 1] > MAX_ORDER || !ptm_dtype_is_float((enum ptm_dtype)x->dtype)) {
        ptm_trace_fail(t, PTM_ERR_TYPE,
                       "square matrices of a float type are wanted, of order %d at most",
                       MAX_ORDER);
        return false;
    }
    *m = (struct matrices){.n = x->dim[x->rank - 1], .batch = 1, .rank = x->rank,
                           .known = ptm_is_known(x), .dtype = (enum ptm_dtype)x->dtype};
    memcpy(m->dim, x->dim, sizeof(m->dim));
    for (int i = 0; i < x->rank - 2; i++)
        m->batch *= x->dim[i];
    if (!ptm_trace_spend(t, (uint64_t)ptm_tensor_numel(x) * (uint64_t)m->n / 256))
        return false;
    m->data = read_doubles(t, x);
    return m->data != NULL;
}

static struct ptm_tensor *made(struct ptm_trace *t, const struct matrices *m, int rank,
                               const int64_t *dim, const double *data)
{
    struct ptm_tensor *y = m->known ? ptm_known(t, PTM_F64, rank, dim, data)
                                    : ptm_dynamic(t, PTM_F64, rank, dim, data);
    return ptm_cast(t, y, m->dtype);
}

static void swap_rows(double *a, int64_t width, int64_t i, int64_t k)
{
    for (int64_t j = 0; j < width && i != k; j++) {
        double held = a[i * width + j];
        a[i * width + j] = a[k * width + j];
        a[k * width + j] = held;
    }
}

/* Gauss-Jordan with row pivots: a[n, n] is destroyed, b[n, w] (w 0: none) becomes the solution of
 * a x = b. Gives the logarithm of |det a|, and its sign; a sign of 0: singular. */
static double solve(double *a, double *b, int64_t n, int64_t w, int *sign)
{
    double log_det = 0;
    *sign = 1;
    for (int64_t k = 0; k < n; k++) {
        int64_t best = k;
        for (int64_t i = k + 1; i < n; i++)
            if (fabs(a[i * n + k]) > fabs(a[best * n + k]))
                best = i;
        double pivot = a[best * n + k];
        if (pivot == 0) {
            *sign = 0;
            return -(double)INFINITY;
        }
        *sign *= (pivot < 0 ? -1 : 1) * (best == k ? 1 : -1);
        log_det += log(fabs(pivot));
        swap_rows(a, n, k, best);
        swap_rows(b, w, k, best);
        for (int64_t j = k; j < n; j++)
            a[k * n + j] /= pivot;
        for (int64_t j = 0; j < w; j++)
            b[k * w + j] /= pivot;
        for (int64_t i = 0; i < n; i++) {
            double f = a[i * n + k];
            if (i == k || f == 0 || (!w && i < k))
                continue;
            for (int64_t j = k; j < n; j++)
                a[i * n + j] -= f * a[k * n + j];
            for (int64_t j = 0; j < w; j++)
                b[i * w + j] -= f * b[k * w + j];
        }
    }
    return log_det;
}

static struct ptm_ival singular(const struct ptm_lower_call *c)
{
    return ptm_trace_fail(c->t, PTM_ERR_RAISED,
                          "the matrix is singular: it has no inverse and no single solution");
}

static struct ptm_tensor *inverse(const struct ptm_lower_call *c)
{
    struct matrices m;
    int sign = 1;
    if (!read_square(c, ptm_need(c, 0), &m))
        return NULL;
    int64_t size = m.n * m.n;
    double *out = ptm_doubles(c->t, m.batch * size);
    for (int64_t k = 0; out && k < m.batch; k++) {
        for (int64_t i = 0; i < m.n; i++)
            out[k * size + i * m.n + i] = 1;
        solve(m.data + k * size, out + k * size, m.n, m.n, &sign);
        if (!sign) {
            singular(c);
            return NULL;
        }
    }
    return out ? made(c->t, &m, m.rank, m.dim, out) : NULL;
}

static struct ptm_ival lower_inverse(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(inverse(c));
}

/* A result, and zeros for "no error". */
static struct ptm_ival with_info(struct ptm_trace *t, struct ptm_tensor *y)
{
    if (!y)
        return ptm_none();
    struct ptm_tensor *info = ptm_full(t, PTM_I32, y->rank - 2, y->dim, ptm_int(0));
    return ptm_result_tuple(t, 2, (struct ptm_tensor *[]){y, info});
}

static struct ptm_ival lower_inverse_ex(const struct ptm_lower_call *c)
{
    return with_info(c->t, inverse(c));
}

/* Signs and logarithms of determinants. */
static bool determinants(const struct ptm_lower_call *c, struct matrices *m, double **sign,
                         double **log_abs)
{
    if (!read_square(c, ptm_need(c, 0), m))
        return false;
    *sign = ptm_doubles(c->t, m->batch);
    *log_abs = ptm_doubles(c->t, m->batch);
    for (int64_t k = 0; *sign && *log_abs && k < m->batch; k++) {
        int s;
        (*log_abs)[k] = solve(m->data + k * m->n * m->n, NULL, m->n, 0, &s);
        (*sign)[k] = s;
    }
    return *sign && *log_abs;
}

static struct ptm_ival lower_det(const struct ptm_lower_call *c)
{
    struct matrices m;
    double *sign, *log_abs;
    if (!determinants(c, &m, &sign, &log_abs))
        return ptm_none();
    for (int64_t k = 0; k < m.batch; k++)
        sign[k] = sign[k] == 0 ? 0 : sign[k] * exp(log_abs[k]);
    return ptm_tensor_ival(made(c->t, &m, m.rank - 2, m.dim, sign));
}

static struct ptm_ival lower_logdet(const struct ptm_lower_call *c)
{
    struct matrices m;
    double *sign, *log_abs;
    if (!determinants(c, &m, &sign, &log_abs))
        return ptm_none();
    for (int64_t k = 0; k < m.batch; k++)
        if (sign[k] < 0)
            log_abs[k] = (double)NAN;
    return ptm_tensor_ival(made(c->t, &m, m.rank - 2, m.dim, log_abs));
}

static struct ptm_ival lower_slogdet(const struct ptm_lower_call *c)
{
    struct matrices m;
    double *sign, *log_abs;
    if (!determinants(c, &m, &sign, &log_abs))
        return ptm_none();
    struct ptm_tensor *out[] = {made(c->t, &m, m.rank - 2, m.dim, sign),
                                made(c->t, &m, m.rank - 2, m.dim, log_abs)};
    return ptm_result_tuple(c->t, 2, out);
}

/* linalg_solve(A, B, *, left=True): B is vectors where its shape is A's without the last dim. */
static struct ptm_tensor *solution(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *a = ptm_need(c, 0), *b = ptm_need(c, 1);
    struct matrices m;
    int64_t dim[PTM_MAX_RANK];
    int sign;
    if (!a || !b)
        return NULL;
    if (a->rank < 2 || !b->rank) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "linalg_solve of tensors of rank %d and %d", a->rank,
                       b->rank);
        return NULL;
    }
    if (ptm_has_named(c, "left") && !ptm_arg_bool(t, ptm_named(c, "left"))) {
        ptm_trace_fail(t, PTM_ERR_UNSUPPORTED, "linalg_solve with left=False");
        return NULL;
    }
    bool vectors = b->rank == 1 || (b->rank == a->rank - 1 &&
                                    !memcmp(b->dim, a->dim, b->rank * sizeof(*b->dim)));
    if (vectors)
        b = ptm_view_unsqueeze(t, b, b->rank);
    if (!b)
        return NULL;
    int rank = ptm_broadcast_dims(t, a->rank - 2, a->dim, b->rank - 2, b->dim, dim);
    int64_t n = a->dim[a->rank - 1], w = b->dim[b->rank - 1], batch = 1;
    if (ptm_trace_failed(t) || b->dim[b->rank - 2] != n) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "linalg_solve: matrices of order %lld, %lld rows",
                       (long long)n, (long long)b->dim[b->rank - 2]);
        return NULL;
    }
    for (int i = 0; i < rank; i++)
        batch *= dim[i];
    bool known = ptm_is_known(a) && ptm_is_known(b);
    dim[rank] = dim[rank + 1] = n;
    if (!read_square(c, ptm_view_expand(t, a, rank + 2, dim), &m))
        return NULL;
    dim[rank + 1] = w;
    double *x = read_doubles(t, ptm_view_expand(t, b, rank + 2, dim));
    for (int64_t k = 0; x && k < batch; k++) {
        solve(m.data + k * n * n, x + k * n * w, n, w, &sign);
        if (!sign) {
            singular(c);
            return NULL;
        }
    }
    m.known = known;
    struct ptm_tensor *y = x ? made(t, &m, rank + 2, dim, x) : NULL;
    return vectors ? ptm_view_squeeze(t, y, rank + 1) : y;
}

static struct ptm_ival lower_solve(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(solution(c));
}

static struct ptm_ival lower_cholesky(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct matrices m;
    if (!read_square(c, ptm_need(c, 0), &m))
        return ptm_none();
    int64_t n = m.n;
    for (int64_t k = 0; k < m.batch; k++) {
        double *a = m.data + k * n * n;
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++) {
                double s = j > i ? 0 : a[i * n + j];
                for (int64_t p = 0; p < j && j <= i; p++)
                    s -= a[i * n + p] * a[j * n + p];
                if (i == j && !(s > 0))
                    return ptm_trace_fail(t, PTM_ERR_RAISED,
                                          "the matrix is not positive-definite: minor %lld is not",
                                          (long long)i + 1);
                a[i * n + j] = j > i ? 0 : i == j ? sqrt(s) : s / a[j * n + j];
            }
    }
    struct ptm_tensor *y = made(t, &m, m.rank, m.dim, m.data);
    if (ptm_has_named(c, "upper") && ptm_arg_bool(t, ptm_named(c, "upper")))
        y = ptm_view_transpose(t, y, m.rank - 2, m.rank - 1);
    return ptm_tensor_ival(y);
}

const struct ptm_lowering ptm_lower_lu[] = {
    {"aten::inverse", lower_inverse},
    {"aten::linalg_inv", lower_inverse},
    {"aten::linalg_inv_ex", lower_inverse_ex},
    {"aten::det", lower_det},
    {"aten::linalg_det", lower_det},
    {"aten::logdet", lower_logdet},
    {"aten::slogdet", lower_slogdet},
    {"aten::linalg_slogdet", lower_slogdet},
    {"aten::linalg_solve", lower_solve},
    {"aten::cholesky", lower_cholesky},
    {"aten::linalg_cholesky", lower_cholesky},
    {NULL, NULL},
};
