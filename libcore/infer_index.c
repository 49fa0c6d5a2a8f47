/* SPDX-License-Identifier: BSD-2-Clause */
/* Shape rules of views, copies, new tensors and indexing. */
#include <string.h>

#include "libcore/infer.h"

/* Output k: input 0's dims, its dtype. */
static void like_input(const struct ptm_infer *c)
{
    c->out[0] = c->in[0];
    c->out[0].qparams = -1;
}

/* The result's dims from list attribute k. */
static enum ptm_status dims_from(const struct ptm_infer *c, int k, struct ptm_type *t)
{
    t->rank = (uint8_t)c->attr[k].n;
    for (int i = 0; i < c->attr[k].n; i++)
        t->dim[i] = c->attr[k].at[i].u.i;
    struct ptm_err why = {0};
    enum ptm_status s = ptm_type_check(t, &why);
    return s ? ptm_fail(c->err, s, "%s: %s", c->info->name, why.msg) : PTM_OK;
}

static const char *text0(const struct ptm_infer *c, char *buf, size_t n)
{
    return ptm_type_text(&c->in[0], buf, n);
}

/* -- views -- */

enum ptm_status ptm_rule_reshape(const struct ptm_infer *c)
{
    char a[256], b[256];
    c->out[0].dtype = c->in[0].dtype;
    PTM_TRY(dims_from(c, 0, &c->out[0]));
    int64_t has = ptm_type_numel(&c->in[0]), wants = ptm_type_numel(&c->out[0]);
    if (has != wants)
        return ptm_infer_wrong(c, "%s has %lld elements, %s has %lld", text0(c, a, sizeof(a)),
                               (long long)has, ptm_type_text(&c->out[0], b, sizeof(b)),
                               (long long)wants);
    return PTM_OK;
}

enum ptm_status ptm_rule_permute(const struct ptm_infer *c)
{
    const struct ptm_type *x = &c->in[0];
    bool seen[PTM_MAX_RANK] = {false};
    if (c->attr[0].n != x->rank)
        return ptm_infer_wrong(c, "%d dims named, the input has rank %d", c->attr[0].n, x->rank);
    c->out[0].dtype = x->dtype;
    c->out[0].rank = x->rank;
    for (int i = 0; i < x->rank; i++) {
        int64_t d = c->attr[0].at[i].u.i;
        if (d < 0 || d >= x->rank)
            return ptm_infer_wrong(c, "dim %lld of a tensor of rank %d", (long long)d, x->rank);
        if (seen[d])
            return ptm_infer_wrong(c, "dim %lld is named twice among %d", (long long)d, x->rank);
        seen[d] = true;
        c->out[0].dim[i] = x->dim[d];
    }
    return PTM_OK;
}

enum ptm_status ptm_rule_expand(const struct ptm_infer *c)
{
    const struct ptm_type *x = &c->in[0];
    struct ptm_type *out = &c->out[0];
    out->dtype = x->dtype;
    PTM_TRY(dims_from(c, 0, out));
    if (out->rank < x->rank)
        return ptm_infer_wrong(c, "rank %d expanded to rank %d", x->rank, out->rank);
    for (int i = 0; i < x->rank; i++) {
        int64_t to = out->dim[out->rank - x->rank + i];
        if (x->dim[i] != to && x->dim[i] != 1)
            return ptm_infer_wrong(c, "dimension %d of size %lld expanded to %lld", i,
                                   (long long)x->dim[i], (long long)to);
    }
    return PTM_OK;
}

/* A slice of `len` elements `step` apart inside n, from attribute `start`. */
static enum ptm_status check_slice(const struct ptm_infer *c, int start, int64_t len, int64_t step,
                                   int64_t n)
{
    if (len < 0 || step < 1)
        return ptm_infer_wrong(c, "%lld elements, step %lld: at least 0 and 1 wanted",
                               (long long)len, (long long)step);
    int64_t from = ptm_infer_sym(c, start) ? 0 : ptm_infer_int(c, start);
    /* from + (len - 1) * step < n, without overflow */
    bool fits = from >= 0 && from <= n &&
                (len == 0 || (from < n && len - 1 <= (n - 1 - from) / step));
    if (!fits)
        return ptm_infer_wrong(c, "%lld elements from %lld, step %lld, in a dimension of %lld",
                               (long long)len, (long long)from, (long long)step, (long long)n);
    return PTM_OK;
}

enum ptm_status ptm_rule_slice(const struct ptm_infer *c)
{
    PTM_TRY(ptm_infer_dim(c, 0, c->in[0].rank));
    int64_t d = ptm_infer_int(c, 0), len = ptm_infer_int(c, 2);
    PTM_TRY(check_slice(c, 1, len, ptm_infer_int(c, 3), c->in[0].dim[d]));
    like_input(c);
    c->out[0].dim[d] = len;
    return PTM_OK;
}

enum ptm_status ptm_rule_slice_scatter(const struct ptm_infer *c)
{
    const struct ptm_type *a = &c->in[0], *b = &c->in[1];
    PTM_TRY(ptm_infer_dim(c, 0, a->rank));
    PTM_TRY(ptm_infer_same_dtype(c, 0, 1));
    int64_t d = ptm_infer_int(c, 0);
    if (a->rank != b->rank)
        return ptm_infer_wrong(c, "rank %d written into rank %d", b->rank, a->rank);
    for (int i = 0; i < a->rank; i++)
        if (i != d && a->dim[i] != b->dim[i])
            return ptm_infer_wrong(c, "dimension %d has %lld elements, %lld are written", i,
                                   (long long)a->dim[i], (long long)b->dim[i]);
    PTM_TRY(check_slice(c, 1, b->dim[d], ptm_infer_int(c, 2), a->dim[d]));
    like_input(c);
    return PTM_OK;
}

/* Elements at offset (attribute k) + sum i * stride (attribute k - 1) for i < dim lie in flat x. */
static enum ptm_status check_extent(const struct ptm_infer *c, const struct ptm_type *t, int k)
{
    char text[256];
    if (c->in[0].rank != 1)
        return ptm_infer_wrong(c, "input of rank %d, 1 wanted", c->in[0].rank);
    if (c->attr[k - 1].n != t->rank)
        return ptm_infer_wrong(c, "%d strides for rank %d", c->attr[k - 1].n, t->rank);
    int64_t n = c->in[0].dim[0], last = ptm_infer_sym(c, k) ? 0 : ptm_infer_int(c, k);
    bool fits = last >= 0 && last <= n;
    for (int i = 0; i < t->rank; i++) {
        int64_t s = c->attr[k - 1].at[i].u.i;
        if (s < 0)
            return ptm_infer_wrong(c, "stride %lld of dimension %d, at least 0 wanted",
                                   (long long)s, i);
        if (!fits || ptm_type_numel(t) == 0 || s == 0)
            continue;
        fits = t->dim[i] - 1 <= (n - 1 - last) / s;
        if (fits)
            last += (t->dim[i] - 1) * s;
    }
    if (!fits || (last >= n && ptm_type_numel(t)))
        return ptm_infer_wrong(c, "%s over %lld elements reaches past the last",
                               ptm_type_text(t, text, sizeof(text)), (long long)n);
    return PTM_OK;
}

enum ptm_status ptm_rule_as_strided(const struct ptm_infer *c)
{
    c->out[0].dtype = c->in[0].dtype;
    PTM_TRY(dims_from(c, 0, &c->out[0]));
    return check_extent(c, &c->out[0], 2);
}

enum ptm_status ptm_rule_as_strided_scatter(const struct ptm_infer *c)
{
    PTM_TRY(ptm_infer_same_dtype(c, 0, 1));
    PTM_TRY(check_extent(c, &c->in[1], 1));
    for (int i = 0; i < c->in[1].rank; i++)
        if (c->attr[0].at[i].u.i == 0 && c->in[1].dim[i] > 1 && ptm_type_numel(&c->in[1]))
            return ptm_infer_wrong(c, "%lld elements are written to one place at dimension %d",
                                   (long long)c->in[1].dim[i], i);
    like_input(c);
    return PTM_OK;
}

/* -- copies -- */

enum ptm_status ptm_rule_same_dims(const struct ptm_infer *c)
{
    bool seen[PTM_MAX_RANK] = {false};
    for (int i = 0; i < c->attr[0].n; i++) {
        int64_t d = c->attr[0].at[i].u.i;
        if (d < 0 || d >= c->in[0].rank)
            return ptm_infer_wrong(c, "dim %lld of a tensor of rank %d", (long long)d,
                                   c->in[0].rank);
        if (seen[d])
            return ptm_infer_wrong(c, "dim %lld is named twice among %d", (long long)d,
                                   c->attr[0].n);
        seen[d] = true;
    }
    like_input(c);
    return PTM_OK;
}

enum ptm_status ptm_rule_concat(const struct ptm_infer *c)
{
    const struct ptm_type *a = &c->in[0];
    PTM_TRY(ptm_infer_dim(c, 0, a->rank));
    int64_t d = ptm_infer_int(c, 0), n = 0;
    for (uint32_t k = 0; k < c->n_in; k++) {
        const struct ptm_type *b = &c->in[k];
        PTM_TRY(ptm_infer_same_dtype(c, 0, k));
        if (b->rank != a->rank)
            return ptm_infer_wrong(c, "input 0 has rank %d, input %u has %d", a->rank, k, b->rank);
        for (int i = 0; i < a->rank; i++)
            if (i != d && a->dim[i] != b->dim[i])
                return ptm_infer_wrong(c, "dimension %d of input 0 is %lld, of input %u %lld", i,
                                       (long long)a->dim[i], k, (long long)b->dim[i]);
        if (b->dim[d] > INT64_MAX / 2 - n)
            return ptm_infer_wrong(c, "%u inputs have too many elements", c->n_in);
        n += b->dim[d];
    }
    like_input(c);
    c->out[0].dim[d] = n;
    return PTM_OK;
}

enum ptm_status ptm_rule_pad(const struct ptm_infer *c)
{
    enum { CONSTANT, REFLECT, REPLICATE, CIRCULAR };
    const struct ptm_type *x = &c->in[0];
    const struct ptm_attr_at *before = &c->attr[0], *after = &c->attr[1];
    const int64_t most = INT64_MAX >> 4;
    int64_t mode = ptm_infer_int(c, 2);
    if (before->n != x->rank || after->n != x->rank)
        return ptm_infer_wrong(c, "%d and %d pads for rank %d", before->n, after->n, x->rank);
    if (mode < CONSTANT || mode > CIRCULAR)
        return ptm_infer_wrong(c, "mode %lld, 0 to 3 wanted", (long long)mode);
    like_input(c);
    for (int i = 0; i < x->rank; i++) {
        int64_t b = before->at[i].u.i, a = after->at[i].u.i, d = x->dim[i];
        if (b < -most || b > most || a < -most || a > most)
            return ptm_infer_wrong(c, "pads of %lld and %lld, at most %lld", (long long)b,
                                   (long long)a, (long long)most);
        /* the most that the mode can draw from d elements */
        int64_t limit = mode == REFLECT ? d - 1 : mode == CIRCULAR || d == 0 ? d : most;
        if (mode != CONSTANT && (b || a) && (b < 0 || a < 0 || b > limit || a > limit))
            return ptm_infer_wrong(c, "pads of %lld and %lld at dimension %d of size %lld: 0 to "
                                      "%lld wanted", (long long)b, (long long)a, i, (long long)d,
                                   (long long)limit);
        /* cropping may not take more from a side than there is */
        if (d + b < 0 || d + a < 0 || d + b + a < 0)
            return ptm_infer_wrong(c, "pads of %lld and %lld crop dimension %d of size %lld to "
                                      "less than nothing", (long long)b, (long long)a, i,
                                   (long long)d);
        c->out[0].dim[i] = d + b + a;
    }
    return PTM_OK;
}

/* -- new tensors -- */

static enum ptm_status dtype_from(const struct ptm_infer *c, int k)
{
    int64_t d = ptm_infer_int(c, k);
    if (d < 0 || d > UINT8_MAX || !ptm_dtype_bytes((enum ptm_dtype)d))
        return ptm_infer_wrong(c, "%lld is no dtype", (long long)d);
    c->out[0].dtype = (uint8_t)d;
    return PTM_OK;
}

enum ptm_status ptm_rule_full(const struct ptm_infer *c)
{
    PTM_TRY(dtype_from(c, 0));
    PTM_TRY(dims_from(c, 1, &c->out[0]));
    bool is_float = ptm_dtype_float(c->out[0].dtype);
    const char *name = ptm_dtype_name(c->out[0].dtype);
    if (c->op == OP_full_int && is_float)
        return ptm_infer_wrong(c, "result is %s, an integer type or bool is wanted", name);
    if (c->op != OP_random)
        return PTM_OK;
    int64_t kind = ptm_infer_int(c, 2);
    double a = c->attr[3].at->u.f, b = c->attr[4].at->u.f;
    if (kind < 0 || kind > 3)
        return ptm_infer_wrong(c, "kind %lld, 0 to 3 wanted", (long long)kind);
    if (kind < 2 && !is_float)
        return ptm_infer_wrong(c, "result is %s, a float type is wanted", name);
    if (kind == 2 && !(a >= 0 && a <= 1))
        return ptm_infer_wrong(c, "probability %g, 0 to 1 wanted", a);
    if (kind == 1 && !(b >= 0))
        return ptm_infer_wrong(c, "standard deviation %g, at least 0 wanted", b);
    if (kind == 3 && !(a < b && a >= -9223372036854775808.0 && b <= 9223372036854775808.0))
        return ptm_infer_wrong(c, "integers from %g to below %g: none", a, b);
    return PTM_OK;
}

enum ptm_status ptm_rule_arange(const struct ptm_infer *c)
{
    int64_t n = ptm_infer_int(c, 1);
    PTM_TRY(dtype_from(c, 0));
    if (c->out[0].dtype == PTM_BOOL8)
        return ptm_infer_wrong(c, "result is bool, a number is wanted");
    if (n < 0)
        return ptm_infer_wrong(c, "%lld elements, at least 0 wanted", (long long)n);
    c->out[0].rank = 1;
    c->out[0].dim[0] = n;
    return PTM_OK;
}

/* -- indexing -- */

/* Index b (input 1) of the rank of a (input 0), not larger than it but along `dim`. */
static enum ptm_status check_gather(const struct ptm_infer *c)
{
    const struct ptm_type *a = &c->in[0], *b = &c->in[1];
    int64_t n;
    PTM_TRY(ptm_infer_line(c, 0, &n));
    PTM_TRY(ptm_infer_index(c, 1));
    if (a->rank != b->rank)
        return ptm_infer_wrong(c, "input has rank %d, index has rank %d", a->rank, b->rank);
    for (int i = 0; i < a->rank; i++)
        if (i != ptm_infer_int(c, 0) && b->dim[i] > a->dim[i] && ptm_type_numel(b))
            return ptm_infer_wrong(c, "dimension %d of the index is %lld, of the input %lld", i,
                                   (long long)b->dim[i], (long long)a->dim[i]);
    return PTM_OK;
}

enum ptm_status ptm_rule_gather(const struct ptm_infer *c)
{
    PTM_TRY(check_gather(c));
    c->out[0] = c->in[1];
    c->out[0].dtype = c->in[0].dtype;
    c->out[0].qparams = -1;
    return PTM_OK;
}

/* `src` (an input) broadcasts to exactly dims[rank]. */
static enum ptm_status check_source(const struct ptm_infer *c, uint32_t src, const int64_t *dims,
                                    int rank)
{
    int64_t dim[PTM_MAX_RANK];
    int r = rank;
    char text[256];
    memcpy(dim, dims, (size_t)rank * sizeof(*dim));
    PTM_TRY(ptm_infer_same_dtype(c, 0, src));
    PTM_TRY(ptm_infer_broadcast(c, dim, &r, c->in[src].dim, c->in[src].rank));
    for (int i = 0; i < r; i++)
        if (r != rank || dim[i] != dims[i])
            return ptm_infer_wrong(c, "%s is written to %d dimensions, does not broadcast to them",
                                   ptm_type_text(&c->in[src], text, sizeof(text)), rank);
    return PTM_OK;
}

enum ptm_status ptm_rule_scatter(const struct ptm_infer *c)
{
    int64_t mode = ptm_infer_int(c, 1);
    PTM_TRY(check_gather(c));
    if (mode < 0 || mode > 4)
        return ptm_infer_wrong(c, "mode %lld, 0 to 4 wanted", (long long)mode);
    PTM_TRY(check_source(c, 2, c->in[1].dim, c->in[1].rank));
    like_input(c);
    return PTM_OK;
}

enum ptm_status ptm_rule_index_select(const struct ptm_infer *c)
{
    int64_t n, picked = c->in[1].rank ? c->in[1].dim[0] : 1;
    PTM_TRY(ptm_infer_line(c, 0, &n));
    PTM_TRY(ptm_infer_index(c, 1));
    if (c->in[1].rank > 1)
        return ptm_infer_wrong(c, "index of rank %d, at most 1 wanted", c->in[1].rank);
    if (c->in[0].rank == 0 && picked != 1)
        return ptm_infer_wrong(c, "%lld indices into a tensor of rank 0, 1 wanted",
                               (long long)picked);
    like_input(c);
    if (c->in[0].rank)
        c->out[0].dim[ptm_infer_int(c, 0)] = picked;
    return PTM_OK;
}

/* Dims of input 0 indexed by inputs first, first + 1, ... at attribute 0's dims. */
static enum ptm_status indexed_dims(const struct ptm_infer *c, uint32_t first, int64_t *dim,
                                    int *rank)
{
    const struct ptm_type *a = &c->in[0];
    const struct ptm_attr_at *dims = &c->attr[0];
    int64_t common[PTM_MAX_RANK];
    int n_common = 0, n = dims->n;
    if (c->n_in != first + (uint32_t)n || n == 0)
        return ptm_infer_wrong(c, "%lld indices for %d dims", (long long)c->n_in - first, n);
    for (int k = 0; k < n; k++) {
        int64_t d = dims->at[k].u.i;
        if (d < 0 || d >= a->rank)
            return ptm_infer_wrong(c, "dim %lld of a tensor of rank %d", (long long)d, a->rank);
        if (k && d <= dims->at[k - 1].u.i)
            return ptm_infer_wrong(c, "dim %lld behind dim %lld, ascending ones wanted",
                                   (long long)d, (long long)dims->at[k - 1].u.i);
        PTM_TRY(ptm_infer_index(c, first + (uint32_t)k));
        PTM_TRY(ptm_infer_broadcast(c, common, &n_common, c->in[first + (uint32_t)k].dim,
                                    c->in[first + (uint32_t)k].rank));
    }
    if (a->rank - n + n_common > PTM_MAX_RANK)
        return ptm_infer_wrong(c, "result of rank %d, at most %d", a->rank - n + n_common,
                               PTM_MAX_RANK);
    /* the dims of the indices replace adjacent dims; else they come first */
    bool adjacent = dims->at[n - 1].u.i - dims->at[0].u.i == n - 1;
    int64_t before = adjacent ? dims->at[0].u.i : 0;
    int r = 0;
    for (int i = 0; i < before; i++)
        dim[r++] = a->dim[i];
    for (int i = 0; i < n_common; i++)
        dim[r++] = common[i];
    for (int i = (int)before, k = 0; i < a->rank; i++)
        if (k < n && dims->at[k].u.i == i)
            k++;
        else
            dim[r++] = a->dim[i];
    *rank = r;
    return PTM_OK;
}

enum ptm_status ptm_rule_advanced_index(const struct ptm_infer *c)
{
    int rank;
    PTM_TRY(indexed_dims(c, 1, c->out[0].dim, &rank));
    c->out[0].dtype = c->in[0].dtype;
    c->out[0].rank = (uint8_t)rank;
    return PTM_OK;
}

enum ptm_status ptm_rule_index_put(const struct ptm_infer *c)
{
    int64_t dim[PTM_MAX_RANK];
    int rank;
    PTM_TRY(ptm_infer_flag(c, 1));
    PTM_TRY(indexed_dims(c, 2, dim, &rank));
    PTM_TRY(check_source(c, 1, dim, rank));
    like_input(c);
    return PTM_OK;
}

enum ptm_status ptm_rule_embedding(const struct ptm_infer *c)
{
    const struct ptm_type *a = &c->in[0], *b = &c->in[1];
    PTM_TRY(ptm_infer_index(c, 1));
    if (a->rank != 2 || b->rank >= PTM_MAX_RANK)
        return ptm_infer_wrong(c, "table of rank %d, index of rank %d: 2 and at most %d wanted",
                               a->rank, b->rank, PTM_MAX_RANK - 1);
    c->out[0] = *b;
    c->out[0].dtype = a->dtype;
    c->out[0].qparams = -1;
    c->out[0].dim[c->out[0].rank++] = a->dim[1];
    return PTM_OK;
}
