/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shape rules: output types of an operator from input types and attributes.
 *
 * ops.def names a rule per operator; the table at the end is made from it. Common checks (counts,
 * attribute kinds, presence) come first, then the rule, then a check that what it made is a
 * sane type. Rules of layers are in infer_nn.c, of views and indexing in infer_index.c.
 */
#include "libcore/infer.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

enum ptm_status ptm_infer_wrong(const struct ptm_infer *c, const char *fmt, ...)
{
    char what[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    return ptm_fail(c->err, PTM_ERR_TYPE, "%s: %s", c->info->name, what);
}

bool ptm_dtype_float(uint8_t d)
{
    return d == PTM_F32 || d == PTM_F64 || d == PTM_F16 || d == PTM_BF16;
}

/* -- checks that rules share -- */

enum ptm_status ptm_infer_dim(const struct ptm_infer *c, int k, int rank)
{
    int64_t d = ptm_infer_int(c, k);
    if (d < 0 || d >= rank)
        return ptm_infer_wrong(c, "dim %lld of a tensor of rank %d", (long long)d, rank);
    return PTM_OK;
}

enum ptm_status ptm_infer_line(const struct ptm_infer *c, int k, int64_t *n)
{
    const struct ptm_type *x = &c->in[0];
    PTM_TRY(ptm_infer_dim(c, k, x->rank ? x->rank : 1));
    *n = x->rank ? x->dim[ptm_infer_int(c, k)] : 1;
    return PTM_OK;
}

enum ptm_status ptm_infer_flag(const struct ptm_infer *c, int k)
{
    int64_t v = ptm_infer_int(c, k);
    if (v != 0 && v != 1) {
        struct ptm_attr_spec spec[PTM_MAX_ATTRS];
        ptm_op_attrs(c->op, spec);
        return ptm_infer_wrong(c, "'%.*s' is %lld, 0 or 1 wanted", spec[k].len, spec[k].name,
                               (long long)v);
    }
    return PTM_OK;
}

enum ptm_status ptm_infer_float(const struct ptm_infer *c)
{
    if (!ptm_dtype_float(c->in[0].dtype))
        return ptm_infer_wrong(c, "input is %s, a float type is wanted",
                               ptm_dtype_name(c->in[0].dtype));
    return PTM_OK;
}

enum ptm_status ptm_infer_index(const struct ptm_infer *c, uint32_t i)
{
    if (c->in[i].dtype != PTM_I64)
        return ptm_infer_wrong(c, "input %u holds indices and is %s, i64 wanted", i,
                               ptm_dtype_name(c->in[i].dtype));
    return PTM_OK;
}

enum ptm_status ptm_infer_same_dtype(const struct ptm_infer *c, uint32_t i, uint32_t j)
{
    if (c->in[i].dtype != c->in[j].dtype)
        return ptm_infer_wrong(c, "input %u is %s, input %u is %s", i,
                               ptm_dtype_name(c->in[i].dtype), j, ptm_dtype_name(c->in[j].dtype));
    return PTM_OK;
}

enum ptm_status ptm_infer_vector(const struct ptm_infer *c, uint32_t i, int64_t n, const char *what)
{
    char text[256];
    if (!ptm_infer_has(c, i))
        return PTM_OK;
    if (c->in[i].rank != 1 || c->in[i].dim[0] != n)
        return ptm_infer_wrong(c, "input %u is %s, %lld %s wanted", i,
                               ptm_type_text(&c->in[i], text, sizeof(text)), (long long)n, what);
    return ptm_infer_same_dtype(c, i, 0);
}

enum ptm_status ptm_infer_broadcast(const struct ptm_infer *c, int64_t *a, int *ra,
                                    const int64_t *b, int rb)
{
    int64_t out[PTM_MAX_RANK];
    int r = *ra > rb ? *ra : rb;
    for (int i = 0; i < r; i++) {
        int64_t x = i < r - *ra ? 1 : a[i - (r - *ra)], y = i < r - rb ? 1 : b[i - (r - rb)];
        if (x != y && x != 1 && y != 1)
            return ptm_infer_wrong(c, "sizes %lld and %lld at dimension %d do not broadcast",
                                   (long long)x, (long long)y, i);
        out[i] = x == 1 ? y : x;
    }
    memcpy(a, out, (size_t)r * sizeof(*out));
    *ra = r;
    return PTM_OK;
}

static void set_out(const struct ptm_infer *c, int k, uint8_t dtype, const struct ptm_type *like)
{
    c->out[k] = *like;
    c->out[k].dtype = dtype;
    c->out[k].qparams = -1;
}

/* -- elementwise -- */

enum ptm_status ptm_rule_same(const struct ptm_infer *c)
{
    uint8_t d = c->in[0].dtype;
    if (c->op == OP_bitwise_not && ptm_dtype_float(d))
        return ptm_infer_wrong(c, "input is %s, an integer type or bool is wanted",
                               ptm_dtype_name(d));
    if (c->op == OP_neg && d == PTM_BOOL8)
        return ptm_infer_wrong(c, "input is bool, a number is wanted");
    set_out(c, 0, d, &c->in[0]);
    return PTM_OK;
}

enum ptm_status ptm_rule_float(const struct ptm_infer *c)
{
    PTM_TRY(ptm_infer_float(c));
    if (c->op == OP_gelu)
        PTM_TRY(ptm_infer_flag(c, 0));
    set_out(c, 0, c->in[0].dtype, &c->in[0]);
    return PTM_OK;
}

enum ptm_status ptm_rule_bool(const struct ptm_infer *c)
{
    set_out(c, 0, PTM_BOOL8, &c->in[0]);
    return PTM_OK;
}

enum ptm_status ptm_rule_cast(const struct ptm_infer *c)
{
    int64_t d = ptm_infer_int(c, 0);
    if (d < 0 || d > UINT8_MAX || !ptm_dtype_bytes((enum ptm_dtype)d))
        return ptm_infer_wrong(c, "%lld is no dtype", (long long)d);
    set_out(c, 0, (uint8_t)d, &c->in[0]);
    return PTM_OK;
}

static enum ptm_status two_inputs(const struct ptm_infer *c, uint32_t i, uint32_t j)
{
    PTM_TRY(ptm_infer_same_dtype(c, i, j));
    set_out(c, 0, c->in[i].dtype, &c->in[i]);
    int rank = c->in[i].rank;
    PTM_TRY(ptm_infer_broadcast(c, c->out[0].dim, &rank, c->in[j].dim, c->in[j].rank));
    c->out[0].rank = (uint8_t)rank;
    return PTM_OK;
}

enum ptm_status ptm_infer_bounds(const struct ptm_infer *c, int k)
{
    double min = c->attr[k].at->u.f, max = c->attr[k + 1].at->u.f;
    if (isnan(min) || isnan(max))
        return ptm_infer_wrong(c, "bounds %g and %g, numbers are wanted", min, max);
    if (!ptm_dtype_float(c->in[0].dtype) && (min != -HUGE_VAL || max != HUGE_VAL))
        return ptm_infer_wrong(c, "bounds %g and %g of %s, a float type is wanted", min, max,
                               ptm_dtype_name(c->in[0].dtype));
    return PTM_OK;
}

enum ptm_status ptm_rule_binary(const struct ptm_infer *c)
{
    uint8_t d = c->in[0].dtype;
    PTM_TRY(two_inputs(c, 0, 1));
    if (c->op == OP_div || c->op == OP_atan2)
        return ptm_infer_float(c);
    if (c->op == OP_add)
        return ptm_infer_bounds(c, 0);
    bool bits = c->op == OP_bitwise_and || c->op == OP_bitwise_or || c->op == OP_bitwise_xor;
    bool shift = c->op == OP_shift_left || c->op == OP_shift_right;
    if ((bits || shift) && ptm_dtype_float(d))
        return ptm_infer_wrong(c, "inputs are %s, an integer type is wanted", ptm_dtype_name(d));
    bool number = shift || c->op == OP_sub || c->op == OP_div_floor || c->op == OP_div_trunc ||
                  c->op == OP_remainder || c->op == OP_fmod || c->op == OP_pow ||
                  c->op == OP_prelu;
    if (number && d == PTM_BOOL8)
        return ptm_infer_wrong(c, "inputs are bool, numbers are wanted");
    return PTM_OK;
}

enum ptm_status ptm_rule_compare(const struct ptm_infer *c)
{
    PTM_TRY(two_inputs(c, 0, 1));
    c->out[0].dtype = PTM_BOOL8;
    return PTM_OK;
}

enum ptm_status ptm_rule_where(const struct ptm_infer *c)
{
    if (c->in[0].dtype != PTM_BOOL8)
        return ptm_infer_wrong(c, "the condition is %s, bool wanted",
                               ptm_dtype_name(c->in[0].dtype));
    PTM_TRY(two_inputs(c, 1, 2));
    int rank = c->out[0].rank;
    PTM_TRY(ptm_infer_broadcast(c, c->out[0].dim, &rank, c->in[0].dim, c->in[0].rank));
    c->out[0].rank = (uint8_t)rank;
    return PTM_OK;
}

enum ptm_status ptm_rule_same_dim(const struct ptm_infer *c)
{
    int64_t n;
    PTM_TRY(ptm_infer_line(c, 0, &n));
    if (c->op == OP_softmax || c->op == OP_log_softmax)
        PTM_TRY(ptm_infer_float(c));
    else if (c->in[0].dtype == PTM_BOOL8)
        return ptm_infer_wrong(c, "input is bool, a number is wanted");
    set_out(c, 0, c->in[0].dtype, &c->in[0]);
    return PTM_OK;
}

enum ptm_status ptm_rule_matrix(const struct ptm_infer *c)
{
    if (c->in[0].rank < 2)
        return ptm_infer_wrong(c, "input of rank %d, at least 2 wanted", c->in[0].rank);
    set_out(c, 0, c->in[0].dtype, &c->in[0]);
    return PTM_OK;
}

/* -- reductions -- */

/* `dims` and `keepdim` are attributes k and k + 1. *empty: results are made of no elements. */
static enum ptm_status reduce_dims(const struct ptm_infer *c, int k, uint8_t dtype, bool *empty)
{
    const struct ptm_type *x = &c->in[0];
    struct ptm_type *out = &c->out[0];
    bool gone[PTM_MAX_RANK] = {false};
    const struct ptm_attr_at *dims = &c->attr[k];
    for (int i = 0; i < dims->n; i++) {
        int64_t d = dims->at[i].u.i;
        if (d < 0 || d >= (x->rank ? x->rank : 1)) /* a number has a dim 0, as in PyTorch */
            return ptm_infer_wrong(c, "dim %lld of a tensor of rank %d", (long long)d, x->rank);
        if (gone[d])
            return ptm_infer_wrong(c, "dim %lld is named twice among %d", (long long)d, dims->n);
        gone[d] = true;
    }
    PTM_TRY(ptm_infer_flag(c, k + 1));
    out->dtype = dtype;
    *empty = false;
    for (int i = 0; i < x->rank; i++) {
        bool reduced = gone[i] || !dims->n;
        if (reduced && x->dim[i] == 0)
            *empty = true;
        if (!reduced)
            out->dim[out->rank++] = x->dim[i];
        else if (ptm_infer_int(c, k + 1))
            out->dim[out->rank++] = 1;
    }
    *empty = *empty && ptm_type_numel(out) > 0;
    return PTM_OK;
}

static enum ptm_status no_extreme(const struct ptm_infer *c)
{
    char text[256];
    return ptm_infer_wrong(c, "no element to choose from in %s, at least 1 wanted",
                           ptm_type_text(&c->in[0], text, sizeof(text)));
}

enum ptm_status ptm_rule_reduce(const struct ptm_infer *c)
{
    bool empty, extreme = c->op == OP_amax || c->op == OP_amin;
    if (c->op == OP_mean || c->op == OP_var || c->op == OP_logsumexp)
        PTM_TRY(ptm_infer_float(c));
    if (!extreme && c->in[0].dtype == PTM_BOOL8)
        return ptm_infer_wrong(c, "input is bool, a number is wanted");
    PTM_TRY(reduce_dims(c, 0, c->in[0].dtype, &empty));
    return empty && extreme ? no_extreme(c) : PTM_OK;
}

enum ptm_status ptm_rule_reduce_bool(const struct ptm_infer *c)
{
    bool empty;
    return reduce_dims(c, 0, PTM_BOOL8, &empty);
}

enum ptm_status ptm_rule_reduce_i64(const struct ptm_infer *c)
{
    bool empty;
    if (c->attr[0].n > 1)
        return ptm_infer_wrong(c, "%d dims, at most 1 wanted", c->attr[0].n);
    PTM_TRY(reduce_dims(c, 0, PTM_I64, &empty));
    return empty ? no_extreme(c) : PTM_OK;
}

enum ptm_status ptm_rule_norm(const struct ptm_infer *c)
{
    bool empty;
    PTM_TRY(ptm_infer_float(c));
    return reduce_dims(c, 1, c->in[0].dtype, &empty);
}

enum ptm_status ptm_rule_value_index(const struct ptm_infer *c)
{
    int64_t n;
    PTM_TRY(ptm_infer_line(c, 0, &n));
    if (c->op == OP_sort)
        PTM_TRY(ptm_infer_flag(c, 1));
    set_out(c, 0, c->in[0].dtype, &c->in[0]);
    set_out(c, 1, PTM_I64, &c->in[0]);
    return PTM_OK;
}

enum ptm_status ptm_rule_topk(const struct ptm_infer *c)
{
    int64_t k = ptm_infer_int(c, 0), d = ptm_infer_int(c, 1), n;
    PTM_TRY(ptm_infer_line(c, 1, &n));
    PTM_TRY(ptm_infer_flag(c, 2));
    if (k < 0 || k > n || (c->in[0].rank == 0 && k != 1))
        return ptm_infer_wrong(c, "k is %lld, dim %lld has %lld elements", (long long)k,
                               (long long)d, (long long)n);
    for (int i = 0; i < 2; i++) {
        set_out(c, i, i ? PTM_I64 : c->in[0].dtype, &c->in[0]);
        if (c->in[0].rank)
            c->out[i].dim[d] = k;
    }
    return PTM_OK;
}

enum ptm_status ptm_rule_searchsorted(const struct ptm_infer *c)
{
    const struct ptm_type *a = &c->in[0], *b = &c->in[1];
    PTM_TRY(ptm_infer_same_dtype(c, 0, 1));
    PTM_TRY(ptm_infer_flag(c, 0));
    if (a->rank == 0 || (a->rank != 1 && a->rank != b->rank))
        return ptm_infer_wrong(c, "the sorted input has rank %d, the other %d", a->rank, b->rank);
    for (int i = 0; a->rank > 1 && i < a->rank - 1; i++)
        if (a->dim[i] != b->dim[i])
            return ptm_infer_wrong(c, "inputs have %lld and %lld rows at dimension %d",
                                   (long long)a->dim[i], (long long)b->dim[i], i);
    set_out(c, 0, PTM_I64, b);
    return PTM_OK;
}

/* -- complex numbers -- */

enum ptm_status ptm_rule_as_complex(const struct ptm_infer *c)
{
    const struct ptm_type *x = &c->in[0];
    char text[256];
    if (x->dtype != PTM_F32 || x->rank < 1 || x->dim[x->rank - 1] != 2)
        return ptm_infer_wrong(c, "input is %s, f32[..., 2] wanted",
                               ptm_type_text(x, text, sizeof(text)));
    set_out(c, 0, PTM_C64, x);
    c->out[0].rank--;
    return PTM_OK;
}

enum ptm_status ptm_rule_as_real(const struct ptm_infer *c)
{
    const struct ptm_type *x = &c->in[0];
    if (x->dtype != PTM_C64 || x->rank >= PTM_MAX_RANK)
        return ptm_infer_wrong(c, "input is %s of rank %d, c64 of rank %d at most is wanted",
                               ptm_dtype_name(x->dtype), x->rank, PTM_MAX_RANK - 1);
    set_out(c, 0, PTM_F32, x);
    c->out[0].dim[c->out[0].rank++] = 2;
    return PTM_OK;
}

/* Operators that only move elements. */
static bool takes_complex(enum ptm_op op)
{
    static const enum ptm_op ops[] = {
        OP_reshape, OP_permute, OP_expand,     OP_slice,           OP_slice_scatter,
        OP_flip,    OP_concat,  OP_as_strided, OP_as_strided_scatter, OP_index_select,
        OP_index,   OP_gather,  OP_as_complex, OP_as_real,
    };
    for (size_t i = 0; i < PTM_LEN(ops); i++)
        if (ops[i] == op)
            return true;
    return false;
}

static enum ptm_status no_complex(const struct ptm_infer *c, const struct ptm_type *type)
{
    if (type->dtype != PTM_C64 || takes_complex(c->op))
        return PTM_OK;
    return ptm_fail(c->err, PTM_ERR_UNSUPPORTED, "%s of complex numbers is not supported",
                    c->info->name);
}

static ptm_infer_fn *const rules[] = {
#define PTM_OP(name, lo, hi, n_out, attrs, rule, cls, doc) ptm_rule_##rule,
#include "libcore/ops.def"
#undef PTM_OP
};

enum ptm_status ptm_op_infer(enum ptm_op op, const struct ptm_type *in, uint32_t n_in,
                             const struct ptm_attr *attr, uint32_t n_attr, struct ptm_type *out,
                             struct ptm_err *err)
{
    const struct ptm_op_info *info = ptm_op_info(op);
    if (!info)
        return ptm_fail(err, PTM_ERR_TYPE, "operator %d of %d", (int)op, PTM_N_OPS);
    struct ptm_infer c = {.op = op, .info = info, .in = in, .n_in = n_in, .out = out, .err = err};
    bool any = info->max_in == UINT8_MAX;
    if (n_in < info->min_in || (!any && n_in > info->max_in))
        return ptm_infer_wrong(&c, "%u inputs, %d to %d wanted", n_in, info->min_in, info->max_in);
    for (uint32_t i = 0; i < n_in; i++) {
        if (in[i].dtype == PTM_ABSENT && (any || i < info->min_in))
            return ptm_infer_wrong(&c, "input %u of %u is absent", i, n_in);
        if (in[i].dtype != PTM_ABSENT)
            PTM_TRY(ptm_type_check(&in[i], err));
        PTM_TRY(no_complex(&c, &in[i]));
    }
    PTM_TRY(ptm_attr_split(op, attr, n_attr, c.attr, err));
    for (int i = 0; i < info->n_out; i++)
        out[i] = (struct ptm_type){.qparams = -1};
    PTM_TRY(rules[op](&c));
    for (int i = 0; i < info->n_out; i++) {
        struct ptm_err why = {0};
        /* entries past the rank are zero, so that types compare and print alike everywhere */
        for (int k = out[i].rank; k < PTM_MAX_RANK; k++)
            out[i].dim[k] = 0;
        enum ptm_status s = ptm_type_check(&out[i], &why);
        if (s)
            return ptm_fail(err, s, "%s: result: %s", info->name, why.msg);
        PTM_TRY(no_complex(&c, &out[i]));
    }
    return PTM_OK;
}
