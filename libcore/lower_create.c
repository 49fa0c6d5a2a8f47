/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lowerings that make tensors from numbers: constants, ranges, triangles,
 * literals. Windows are in lower_signal.c. Uninitialised memory is zeros. What is computed here is
 * computed in double and cast, so that it is known data.
 */
#include <math.h>
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"

/* -- constants -- */
static struct ptm_ival constant(const struct ptm_lower_call *c, struct ptm_ival v, int dtype)
{
    int64_t dim[PTM_MAX_RANK];
    struct ptm_ival format = ptm_named(c, "memory_format");
    int rank = ptm_arg_ints(c->t, ptm_named(c, "size"), dim, PTM_MAX_RANK);
    int64_t mf = ptm_is_none(format) ? PTM_MF_CONTIGUOUS : ptm_arg_int(c->t, format);
    dtype = ptm_arg_dtype(c->t, ptm_named(c, "dtype"), dtype);
    return ptm_tensor_ival(ptm_full_format(c->t, (enum ptm_dtype)dtype, rank, dim, v, mf, NULL));
}

static struct ptm_ival lower_zeros(const struct ptm_lower_call *c)
{
    return constant(c, ptm_int(0), PTM_F32);
}

static struct ptm_ival lower_ones(const struct ptm_lower_call *c)
{
    return constant(c, ptm_int(1), PTM_F32);
}

static struct ptm_ival lower_full(const struct ptm_lower_call *c)
{
    struct ptm_ival v = ptm_named(c, "fill_value");
    return constant(c, v, (int)ptm_result_type(c->t, &v, 1));
}

static struct ptm_ival constant_new(const struct ptm_lower_call *c, struct ptm_ival v)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    return x ? constant(c, v, x->dtype) : ptm_none();
}

static struct ptm_ival lower_new_zeros(const struct ptm_lower_call *c)
{
    return constant_new(c, ptm_int(0));
}

static struct ptm_ival lower_new_ones(const struct ptm_lower_call *c)
{
    return constant_new(c, ptm_int(1));
}

static struct ptm_ival lower_new_full(const struct ptm_lower_call *c)
{
    return constant_new(c, ptm_named(c, "fill_value"));
}

static struct ptm_ival constant_like(const struct ptm_lower_call *c, struct ptm_ival v)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    struct ptm_ival format = ptm_named(c, "memory_format");
    if (!x)
        return ptm_none();
    int d = ptm_arg_dtype(c->t, ptm_named(c, "dtype"), x->dtype);
    int64_t mf = ptm_is_none(format) ? PTM_MF_PRESERVE : ptm_arg_int(c->t, format);
    return ptm_tensor_ival(ptm_full_format(c->t, (enum ptm_dtype)d, x->rank, x->dim, v, mf, x));
}

static struct ptm_ival lower_zeros_like(const struct ptm_lower_call *c)
{
    return constant_like(c, ptm_int(0));
}

static struct ptm_ival lower_ones_like(const struct ptm_lower_call *c)
{
    return constant_like(c, ptm_int(1));
}

static struct ptm_ival lower_full_like(const struct ptm_lower_call *c)
{
    return constant_like(c, ptm_named(c, "fill_value"));
}

static struct ptm_ival lower_scalar_tensor(const struct ptm_lower_call *c)
{
    int d = ptm_arg_dtype(c->t, ptm_named(c, "dtype"), PTM_F32);
    return ptm_tensor_ival(ptm_to_tensor(c->t, c->arg[0], (enum ptm_dtype)d));
}

/* One value everywhere: this may also be written to an expanded tensor. */
static struct ptm_ival fill_with(const struct ptm_lower_call *c, struct ptm_ival v)
{
    struct ptm_tensor *x = ptm_need(c, 0), *y = x;
    for (int i = 0; y && i < y->rank; i++)
        if (y->stride[i] == 0 && y->dim[i] > 1)
            y = ptm_view_range(c->t, y, i, 0, 1);
    if (y)
        ptm_write(c->t, y, ptm_to_tensor(c->t, v, (enum ptm_dtype)y->dtype));
    return c->arg[0];
}

static struct ptm_ival lower_fill_(const struct ptm_lower_call *c)
{
    return fill_with(c, c->arg[1]);
}

static struct ptm_ival lower_zero_(const struct ptm_lower_call *c)
{
    return fill_with(c, ptm_int(0));
}

static struct ptm_ival lower_fill(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (!x)
        return ptm_none();
    struct ptm_tensor *v = ptm_to_tensor(c->t, c->arg[1], (enum ptm_dtype)x->dtype);
    return ptm_tensor_ival(ptm_clone(c->t, ptm_view_expand(c->t, v, x->rank, x->dim), true));
}

static struct ptm_ival lower_fill_diagonal_(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (!x)
        return ptm_none();
    if (x->rank != 2 || ptm_arg_bool(c->t, ptm_named(c, "wrap")))
        return ptm_trace_fail(c->t, PTM_ERR_UNSUPPORTED,
                              "fill_diagonal_: only matrices without wrap");
    struct ptm_tensor *v = ptm_to_tensor(c->t, c->arg[1], (enum ptm_dtype)x->dtype);
    ptm_write(c->t, ptm_view_diagonal(c->t, x, 0, 0, 1), v);
    return c->arg[0];
}

/* -- ranges -- */
static bool is_float_number(struct ptm_ival v)
{
    return v.tag == PTM_FLOAT || (v.tag == PTM_TENSOR && ptm_dtype_is_float(v.u.tensor->dtype));
}

/* Symbols as start and end give a known length when they move together. */
static struct ptm_ival range_ints(struct ptm_trace *t, int d, struct ptm_ival start,
                                  struct ptm_ival end, int64_t step)
{
    struct ptm_ival gap = ptm_scalar_arith(t, '-', end, start);
    if (gap.tag == PTM_SYM || start.tag == PTM_TENSOR) {
        start = ptm_int(ptm_arg_int(t, start));
        gap = ptm_scalar_arith(t, '-', ptm_int(ptm_arg_int(t, end)), start);
    }
    int64_t n = ptm_arg_int(t, gap);
    if (step == 0 || (n < 0) != (step < 0))
        n = n == 0 ? 0 : -1;
    if (n < 0)
        return ptm_trace_fail(t, PTM_ERR_TYPE,
                              "arange: upper bound and larger bound inconsistent with step sign");
    n = step > 0 ? (n + step - 1) / step : 0;
    return ptm_tensor_ival(ptm_cast(t, ptm_iota(t, n, start, step), (enum ptm_dtype)d));
}

static struct ptm_ival lower_arange(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    bool has_start = ptm_has_named(c, "start"), has_step = ptm_has_named(c, "step");
    struct ptm_ival start = has_start ? ptm_named(c, "start") : ptm_int(0);
    struct ptm_ival step = has_step ? ptm_named(c, "step") : ptm_int(1);
    struct ptm_ival end = ptm_named(c, "end"), all[3] = {start, end, step};
    bool flt = is_float_number(start) || is_float_number(end) || is_float_number(step);
    for (int i = 0; i < 3; i++)
        flt = flt || (all[i].tag == PTM_SYM && ptm_dtype_is_float(ptm_result_type(t, all + i, 1)));
    int d = ptm_arg_dtype(t, ptm_named(c, "dtype"), flt ? PTM_F32 : PTM_I64);
    if (!flt) {
        int64_t by = ptm_arg_int(t, step);
        if (by > 0)
            return range_ints(t, d, start, end, by);
    }
    double a = ptm_arg_float(t, start), b = ptm_arg_float(t, end), s = ptm_arg_float(t, step);
    double count = ceil((b - a) / s);
    if (s == 0 || !(count >= 0) || count > 9e15)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "arange: bounds %g and %g with step %g", a, b, s);
    int64_t n = (int64_t)count;
    double *v = ptm_doubles(t, n);
    for (int64_t i = 0; v && i < n; i++)
        v[i] = a + s * (double)i;
    return v ? ptm_known_doubles(t, d, n, v) : ptm_none();
}

/* The old torch.range: the end belongs to it. */
static struct ptm_ival lower_range(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    double a = ptm_arg_float(t, ptm_named(c, "start")), b = ptm_arg_float(t, ptm_named(c, "end"));
    double s = ptm_has_named(c, "step") ? ptm_arg_float(t, ptm_named(c, "step")) : 1;
    double count = floor((b - a) / s) + 1;
    if (s == 0 || !(count >= 1) || count > 9e15)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "range: bounds %g and %g with step %g", a, b, s);
    int64_t n = (int64_t)count;
    double *v = ptm_doubles(t, n);
    for (int64_t i = 0; v && i < n; i++)
        v[i] = a + s * (double)i;
    return v ? ptm_known_doubles(t, ptm_arg_dtype(t, ptm_named(c, "dtype"), PTM_F32), n, v)
             : ptm_none();
}

/* From both ends to the middle, in the precision of the result, as PyTorch does. */
static double *linear_steps(const struct ptm_lower_call *c, int64_t *n, int *dtype)
{
    struct ptm_trace *t = c->t;
    double a = ptm_arg_float(t, ptm_named(c, "start")), b = ptm_arg_float(t, ptm_named(c, "end"));
    struct ptm_ival steps = ptm_named(c, "steps");
    *dtype = ptm_arg_dtype(t, ptm_named(c, "dtype"), PTM_F32);
    *n = ptm_is_none(steps) ? 100 : ptm_arg_size(t, steps);
    double *v = ptm_doubles(t, *n);
    bool single = *dtype == PTM_F32;
    double by = *n > 1 ? (b - a) / (double)(*n - 1) : 0;
    if (single) {
        a = (double)(float)a;
        b = (double)(float)b;
        by = *n > 1 ? (double)(((float)b - (float)a) / (float)(*n - 1)) : 0;
    }
    for (int64_t i = 0; v && i < *n; i++) {
        int64_t left = *n - 1 - i;
        if (single)
            v[i] = (double)(i < *n / 2 ? (float)a + (float)by * (float)i
                                       : (float)b - (float)by * (float)left);
        else
            v[i] = i < *n / 2 ? a + by * (double)i : b - by * (double)left;
    }
    if (v && *n == 1)
        v[0] = a;
    return v;
}

static struct ptm_ival lower_linspace(const struct ptm_lower_call *c)
{
    int64_t n;
    int d;
    const double *v = linear_steps(c, &n, &d);
    return v ? ptm_known_doubles(c->t, d, n, v) : ptm_none();
}

static struct ptm_ival lower_logspace(const struct ptm_lower_call *c)
{
    int64_t n;
    int d;
    double *v = linear_steps(c, &n, &d), base = ptm_arg_float(c->t, ptm_named(c, "base"));
    for (int64_t i = 0; v && i < n; i++)
        v[i] = pow(base, v[i]);
    return v ? ptm_known_doubles(c->t, d, n, v) : ptm_none();
}

static struct ptm_ival lower_eye(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    int64_t n = ptm_arg_size(t, ptm_named(c, "n"));
    int64_t m = ptm_has_named(c, "m") ? ptm_arg_size(t, ptm_named(c, "m")) : n;
    int d = ptm_arg_dtype(t, ptm_named(c, "dtype"), PTM_F32);
    if (n < 0 || m < 0)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "eye: negative size");
    struct ptm_tensor *row = ptm_reshape(t, ptm_iota(t, n, ptm_int(0), 1), 2, (int64_t[]){n, 1});
    struct ptm_tensor *x = ptm_bin(t, OP_eq, row, ptm_iota(t, m, ptm_int(0), 1));
    return ptm_tensor_ival(ptm_cast(t, x, (enum ptm_dtype)d));
}

/* -- literals: torch.tensor(...) -- */
struct literal {
    struct ptm_trace *t;
    int rank;
    int64_t dim[PTM_MAX_RANK];
    size_t n;
    struct ptm_ival *v;
    bool plain; /* known numbers only */
};

static void literal_shape(struct literal *l, struct ptm_ival v)
{
    while (v.tag == PTM_LIST || v.tag == PTM_TUPLE) {
        if (l->rank == PTM_MAX_RANK) {
            ptm_trace_fail(l->t, PTM_ERR_UNSUPPORTED, "tensor: lists nested deeper than %d",
                           PTM_MAX_RANK);
            return;
        }
        l->dim[l->rank++] = (int64_t)v.u.list->n;
        if (!v.u.list->n)
            return;
        v = v.u.list->v[0];
    }
}

static void literal_fill(struct literal *l, struct ptm_ival v, int depth)
{
    bool list = v.tag == PTM_LIST || v.tag == PTM_TUPLE;
    if (list != (depth < l->rank) || (list && (int64_t)v.u.list->n != l->dim[depth])) {
        ptm_trace_fail(l->t, PTM_ERR_TYPE, "tensor: lists of unequal lengths at dimension %d",
                       depth);
        return;
    }
    if (!list) {
        l->plain = l->plain && (v.tag == PTM_INT || v.tag == PTM_FLOAT || v.tag == PTM_BOOL);
        l->v[l->n++] = v;
        return;
    }
    for (size_t i = 0; i < v.u.list->n && !ptm_trace_failed(l->t); i++)
        literal_fill(l, v.u.list->v[i], depth + 1);
}

static struct ptm_tensor *literal_data(struct literal *l, enum ptm_dtype d)
{
    struct ptm_trace *t = l->t;
    if (l->plain) {
        bool flt = ptm_dtype_is_float(ptm_result_type(t, l->v, l->n));
        union ptm_imm *data = ptm_arena_array(ptm_trace_arena(t), l->n + 1, sizeof(*data));
        for (size_t i = 0; data && i < l->n; i++) {
            if (flt)
                data[i].f = ptm_arg_float(t, l->v[i]);
            else
                data[i].i = ptm_arg_int(t, l->v[i]);
        }
        return ptm_cast(t, ptm_known(t, flt ? PTM_F64 : PTM_I64, l->rank, l->dim, data), d);
    }
    struct ptm_tensor **x = ptm_arena_array(ptm_trace_arena(t), l->n + 1, sizeof(*x));
    for (size_t i = 0; x && i < l->n; i++)
        x[i] = ptm_reshape(t, ptm_to_tensor(t, l->v[i], d), 1, (int64_t[]){1});
    return x ? ptm_reshape(t, ptm_concat(t, x, l->n, 0), l->rank, l->dim) : NULL;
}

static struct ptm_ival lower_tensor(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_ival v = c->arg[0];
    if (v.tag == PTM_TENSOR) {
        int same = ptm_arg_dtype(t, ptm_named(c, "dtype"), v.u.tensor->dtype);
        return ptm_tensor_ival(ptm_cast(t, v.u.tensor, (enum ptm_dtype)same));
    }
    struct literal l = {.t = t, .plain = true};
    literal_shape(&l, v);
    int64_t n = 1;
    for (int i = 0; i < l.rank; i++) {
        if (l.dim[i] && n > (INT64_C(1) << 40) / l.dim[i])
            return ptm_trace_fail(t, PTM_ERR_LIMIT, "tensor: a literal of too many elements");
        n *= l.dim[i];
    }
    l.v = ptm_arena_array(ptm_trace_arena(t), (size_t)n + 1, sizeof(*l.v));
    if (!l.v || ptm_trace_failed(t))
        return ptm_none();
    literal_fill(&l, v, 0);
    if (ptm_trace_failed(t))
        return ptm_none();
    int d =
        ptm_arg_dtype(t, ptm_named(c, "dtype"), l.n ? (int)ptm_result_type(t, l.v, l.n) : PTM_F32);
    return ptm_tensor_ival(literal_data(&l, (enum ptm_dtype)d));
}

/* -- triangles, grids -- */
static struct ptm_ival triangle(const struct ptm_lower_call *c, enum ptm_op op)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (x && x->rank < 2)
        return ptm_trace_fail(c->t, PTM_ERR_TYPE, "tril and triu need rank 2 or more, got %d",
                              x->rank);
    return ptm_tensor_ival(ptm_op_int(c->t, op, x, ptm_arg_size(c->t, ptm_named(c, "diagonal"))));
}

static struct ptm_ival lower_tril(const struct ptm_lower_call *c)
{
    return triangle(c, OP_tril);
}

static struct ptm_ival lower_triu(const struct ptm_lower_call *c)
{
    return triangle(c, OP_triu);
}

static struct ptm_ival triangle_indices(const struct ptm_lower_call *c, bool upper)
{
    struct ptm_trace *t = c->t;
    int64_t rows = ptm_arg_size(t, ptm_named(c, "row")),
            columns = ptm_arg_size(t, ptm_named(c, "col"));
    int64_t offset = ptm_arg_size(t, ptm_named(c, "offset")), n = 0;
    int d = ptm_arg_dtype(t, ptm_named(c, "dtype"), PTM_I64);
    if (rows < 0 || columns < 0 || rows > 65536 || columns > 65536)
        return ptm_trace_fail(t, PTM_ERR_LIMIT, "tril_indices: %lld x %lld", (long long)rows,
                              (long long)columns);
    int64_t *v = ptm_arena_array(ptm_trace_arena(t), (size_t)(2 * rows * columns) + 1, sizeof(*v));
    for (int pass = 0; v && pass < 2; pass++)
        for (int64_t i = 0; i < rows; i++)
            for (int64_t k = 0; k < columns; k++)
                if (upper ? k - i >= offset : k - i <= offset)
                    v[n++] = pass ? k : i;
    if (!v)
        return ptm_none();
    struct ptm_tensor *x = ptm_known(t, PTM_I64, 2, (int64_t[]){2, n / 2}, v);
    return ptm_tensor_ival(ptm_cast(t, x, (enum ptm_dtype)d));
}

static struct ptm_ival lower_tril_indices(const struct ptm_lower_call *c)
{
    return triangle_indices(c, false);
}

static struct ptm_ival lower_triu_indices(const struct ptm_lower_call *c)
{
    return triangle_indices(c, true);
}

static struct ptm_ival lower_one_hot(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0);
    int64_t n = ptm_arg_size(t, ptm_named(c, "num_classes"));
    if (!x)
        return ptm_none();
    if (n < 0)
        n = ptm_arg_size(t, ptm_item(t, ptm_op_reduce(t, OP_amax, x, NULL, 0, false))) + 1;
    struct ptm_tensor *column = ptm_view_unsqueeze(t, ptm_contiguous(t, x), x->rank);
    struct ptm_tensor *y = ptm_bin(t, OP_eq, column, ptm_iota(t, n, ptm_int(0), 1));
    return ptm_tensor_ival(ptm_cast(t, y, PTM_I64));
}

static struct ptm_tensor **mesh(const struct ptm_lower_call *c, bool xy, size_t *n)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor **x = ptm_need_list(c, c->arg[0], n);
    int64_t dim[PTM_MAX_RANK];
    if (!x || *n > PTM_MAX_RANK) {
        ptm_trace_fail(t, PTM_ERR_UNSUPPORTED, "meshgrid: %zu tensors; at most %d", *n,
                       PTM_MAX_RANK);
        return NULL;
    }
    int rank = (int)*n;
    xy = xy && rank > 1;
    for (int i = 0; i < rank; i++) {
        int at = xy && i < 2 ? 1 - i : i;
        if (!x[i])
            return NULL;
        dim[at] = ptm_tensor_numel(x[i]);
    }
    for (int i = 0; i < rank; i++) {
        int64_t one[PTM_MAX_RANK];
        int at = xy && i < 2 ? 1 - i : i;
        for (int k = 0; k < rank; k++)
            one[k] = k == at ? dim[k] : 1;
        x[i] = ptm_view_expand(t, ptm_reshape(t, x[i], rank, one), rank, dim);
    }
    return x;
}

static struct ptm_ival lower_meshgrid(const struct ptm_lower_call *c)
{
    size_t n;
    struct ptm_ival how = ptm_named(c, "indexing");
    bool xy = !ptm_is_none(how) && !strcmp(ptm_arg_str(c->t, how), "xy");
    struct ptm_tensor **x = mesh(c, xy, &n);
    return x ? ptm_result_list(c->t, n, x) : ptm_none();
}

static struct ptm_ival lower_cartesian_prod(const struct ptm_lower_call *c)
{
    size_t n;
    struct ptm_tensor **x = mesh(c, false, &n);
    if (!x || !n)
        return ptm_none();
    if (n == 1)
        return ptm_tensor_ival(x[0]);
    for (size_t i = 0; i < n; i++)
        x[i] = ptm_reshape(c->t, x[i], 2, (int64_t[]){-1, 1});
    return ptm_tensor_ival(ptm_concat(c->t, x, n, 1));
}

/* Columns x^(n-1) ... x^0, or the other way round. */
static struct ptm_ival lower_vander(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0);
    struct ptm_ival count = ptm_named(c, "N");
    if (!x || x->rank != 1)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "vander: needs a vector");
    int64_t n = ptm_is_none(count) ? x->dim[0] : ptm_arg_size(t, count);
    bool rising = ptm_arg_bool(t, ptm_named(c, "increasing"));
    struct ptm_tensor *e = ptm_iota(t, n, ptm_int(rising ? 0 : n - 1), rising ? 1 : -1);
    if (x->dtype == PTM_BOOL8 || !ptm_dtype_is_float((enum ptm_dtype)x->dtype))
        x = ptm_cast(t, x, PTM_I64);
    return ptm_tensor_ival(ptm_bin(t, OP_pow, ptm_view_unsqueeze(t, x, 1), e));
}

/* Index tuples i < j < ... (<= with replacement) of r elements out of n, in order. */
static struct ptm_ival lower_combinations(const struct ptm_lower_call *c)
{
    enum { MOST = 1 << 22 };
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0);
    int64_t r = ptm_arg_size(t, ptm_named(c, "r")), at[PTM_MAX_RANK] = {0}, rows = 0;
    int64_t again = ptm_arg_bool(t, ptm_named(c, "with_replacement")) ? 0 : 1;
    if (!x || x->rank != 1 || r < 1 || r > PTM_MAX_RANK)
        return ptm_trace_fail(t, PTM_ERR_UNSUPPORTED, "combinations: %lld elements of a vector",
                              (long long)r);
    int64_t n = x->dim[0], *v = NULL;
    void *grown = NULL;
    size_t cap = 0;
    for (int64_t k = 0; k < r; k++)
        at[k] = k * again;
    bool more = at[r - 1] < n;
    while (more) {
        if (rows >= MOST ||
            !ptm_arena_grow(ptm_trace_arena(t), &grown, &cap, (size_t)((rows + 1) * r), sizeof(*v)))
            return ptm_trace_fail(t, PTM_ERR_LIMIT, "combinations: more than %d", MOST);
        v = grown;
        memcpy(v + rows++ * r, at, (size_t)r * sizeof(*v));
        int64_t k = r - 1;
        while (k >= 0 && at[k] == n - 1 - (r - 1 - k) * again)
            k--;
        more = k >= 0;
        for (int64_t next = more ? at[k] + 1 : 0; more && k < r; k++, next += again)
            at[k] = next;
    }
    struct ptm_tensor *index = ptm_known(t, PTM_I64, 2, (int64_t[]){rows, r}, v);
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_index);
    ptm_emit_in(&e, x);
    ptm_emit_in(&e, index);
    ptm_emit_ints(&e, (int64_t[]){0}, 1);
    return ptm_tensor_ival(ptm_emit_end(&e));
}

const struct ptm_lowering ptm_lower_create[] = {
    {"aten::zeros", lower_zeros},
    {"aten::empty", lower_zeros},
    {"aten::empty_strided", lower_zeros},
    {"aten::empty_permuted", lower_zeros},
    {"aten::ones", lower_ones},
    {"aten::full", lower_full},
    {"aten::new_zeros", lower_new_zeros},
    {"aten::new_empty", lower_new_zeros},
    {"aten::new_empty_strided", lower_new_zeros},
    {"aten::new_ones", lower_new_ones},
    {"aten::new_full", lower_new_full},
    {"aten::zeros_like", lower_zeros_like},
    {"aten::empty_like", lower_zeros_like},
    {"aten::ones_like", lower_ones_like},
    {"aten::full_like", lower_full_like},
    {"aten::scalar_tensor", lower_scalar_tensor},
    {"aten::fill", lower_fill},
    {"aten::fill_", lower_fill_},
    {"aten::zero", lower_zeros_like},
    {"aten::zero_", lower_zero_},
    {"aten::fill_diagonal_", lower_fill_diagonal_},
    {"aten::arange", lower_arange},
    {"aten::range", lower_range},
    {"aten::linspace", lower_linspace},
    {"aten::logspace", lower_logspace},
    {"aten::eye", lower_eye},
    {"aten::tensor", lower_tensor},
    {"aten::as_tensor", lower_tensor},
    {"aten::tril", lower_tril},
    {"aten::triu", lower_triu},
    {"aten::tril_indices", lower_tril_indices},
    {"aten::triu_indices", lower_triu_indices},
    {"aten::one_hot", lower_one_hot},
    {"aten::meshgrid", lower_meshgrid},
    {"aten::cartesian_prod", lower_cartesian_prod},
    {"aten::combinations", lower_combinations},
    {"aten::vander", lower_vander},
    {NULL, NULL},
};
