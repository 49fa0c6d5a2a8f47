/* SPDX-License-Identifier: BSD-2-Clause */
/* Shape rules of layers: matrix products, convolutions, pools, resampling, normalisation. */
#include <string.h>

#include "libcore/infer.h"

/* Sizes and parameters of windows stay below this, so that products of two and sums of a few
 * products fit in 64 bits. */
enum { MAX_SPATIAL = 1 << 30 };

static void out_like(const struct ptm_infer *c, int k, uint8_t dtype, const struct ptm_type *like)
{
    c->out[k] = *like;
    c->out[k].dtype = dtype;
    c->out[k].qparams = -1;
}

static enum ptm_status number(const struct ptm_infer *c)
{
    if (c->in[0].dtype == PTM_BOOL8)
        return ptm_infer_wrong(c, "input is bool, a number is wanted");
    return PTM_OK;
}

/* Input i has that rank. */
static enum ptm_status rank_is(const struct ptm_infer *c, uint32_t i, int rank)
{
    if (c->in[i].rank != rank)
        return ptm_infer_wrong(c, "input %u has rank %d, %d wanted", i, c->in[i].rank, rank);
    return PTM_OK;
}

/* Input i is exactly [a, b] and of input 0's dtype. */
static enum ptm_status matrix_is(const struct ptm_infer *c, uint32_t i, int64_t a, int64_t b)
{
    char text[256];
    PTM_TRY(rank_is(c, i, 2));
    if (c->in[i].dim[0] != a || c->in[i].dim[1] != b)
        return ptm_infer_wrong(c, "input %u is %s, [%lld, %lld] wanted", i,
                               ptm_type_text(&c->in[i], text, sizeof(text)), (long long)a,
                               (long long)b);
    return ptm_infer_same_dtype(c, i, 0);
}

/* -- matrix products -- */

/* The dims in front of the last two of inputs 0 and 1, broadcast, into out 0. */
static enum ptm_status batch_dims(const struct ptm_infer *c)
{
    const struct ptm_type *a = &c->in[0], *b = &c->in[1];
    if (a->rank < 2 || b->rank < 2)
        return ptm_infer_wrong(c, "inputs of rank %d and %d, at least 2 wanted", a->rank, b->rank);
    PTM_TRY(ptm_infer_same_dtype(c, 0, 1));
    int rank = a->rank - 2;
    memcpy(c->out[0].dim, a->dim, (size_t)rank * sizeof(*a->dim));
    PTM_TRY(ptm_infer_broadcast(c, c->out[0].dim, &rank, b->dim, b->rank - 2));
    c->out[0].dtype = a->dtype;
    c->out[0].rank = (uint8_t)rank;
    return PTM_OK;
}

static void add_dim(struct ptm_type *t, int64_t n)
{
    t->dim[t->rank++] = n;
}

enum ptm_status ptm_rule_matmul(const struct ptm_infer *c)
{
    const struct ptm_type *a = &c->in[0], *b = &c->in[1];
    PTM_TRY(number(c));
    PTM_TRY(batch_dims(c));
    if (a->dim[a->rank - 1] != b->dim[b->rank - 2])
        return ptm_infer_wrong(c, "rows of %lld elements by columns of %lld",
                               (long long)a->dim[a->rank - 1], (long long)b->dim[b->rank - 2]);
    add_dim(&c->out[0], a->dim[a->rank - 2]);
    add_dim(&c->out[0], b->dim[b->rank - 1]);
    return PTM_OK;
}

enum ptm_status ptm_rule_cdist(const struct ptm_infer *c)
{
    const struct ptm_type *a = &c->in[0], *b = &c->in[1];
    PTM_TRY(ptm_infer_float(c));
    PTM_TRY(batch_dims(c));
    if (a->dim[a->rank - 1] != b->dim[b->rank - 1])
        return ptm_infer_wrong(c, "rows of %lld elements and of %lld",
                               (long long)a->dim[a->rank - 1], (long long)b->dim[b->rank - 1]);
    if (!(c->attr[0].at->u.f >= 0))
        return ptm_infer_wrong(c, "norm %g, at least 0 wanted", c->attr[0].at->u.f);
    add_dim(&c->out[0], a->dim[a->rank - 2]);
    add_dim(&c->out[0], b->dim[b->rank - 2]);
    return PTM_OK;
}

enum ptm_status ptm_rule_linear(const struct ptm_infer *c)
{
    const struct ptm_type *x = &c->in[0], *w = &c->in[1];
    PTM_TRY(number(c));
    PTM_TRY(ptm_infer_same_dtype(c, 0, 1));
    PTM_TRY(rank_is(c, 1, 2));
    if (x->rank < 1 || x->dim[x->rank - 1] != w->dim[1])
        return ptm_infer_wrong(c, "rows of %lld elements, the weight wants %lld",
                               (long long)(x->rank ? x->dim[x->rank - 1] : 1),
                               (long long)w->dim[1]);
    PTM_TRY(ptm_infer_vector(c, 2, w->dim[0], "outputs"));
    PTM_TRY(ptm_infer_bounds(c, 0));
    out_like(c, 0, x->dtype, x);
    c->out[0].dim[x->rank - 1] = w->dim[0];
    return PTM_OK;
}

enum ptm_status ptm_rule_sdpa(const struct ptm_infer *c)
{
    const struct ptm_type *q = &c->in[0], *k = &c->in[1], *v = &c->in[2], *m = &c->in[3];
    PTM_TRY(ptm_infer_float(c));
    PTM_TRY(ptm_infer_flag(c, 1));
    PTM_TRY(batch_dims(c));
    PTM_TRY(ptm_infer_same_dtype(c, 0, 2));
    if (v->rank < 2)
        return ptm_infer_wrong(c, "value of rank %d, at least 2 wanted", v->rank);
    if (q->dim[q->rank - 1] != k->dim[k->rank - 1])
        return ptm_infer_wrong(c, "queries of %lld elements, keys of %lld",
                               (long long)q->dim[q->rank - 1], (long long)k->dim[k->rank - 1]);
    if (k->dim[k->rank - 2] != v->dim[v->rank - 2])
        return ptm_infer_wrong(c, "%lld keys, %lld values", (long long)k->dim[k->rank - 2],
                               (long long)v->dim[v->rank - 2]);
    int rank = c->out[0].rank;
    PTM_TRY(ptm_infer_broadcast(c, c->out[0].dim, &rank, v->dim, v->rank - 2));
    c->out[0].rank = (uint8_t)rank;
    add_dim(&c->out[0], q->dim[q->rank - 2]);
    if (ptm_infer_has(c, 3)) {
        char text[256];
        struct ptm_type scores = c->out[0];
        int r = rank + 2;
        add_dim(&scores, k->dim[k->rank - 2]);
        int64_t both[PTM_MAX_RANK];
        memcpy(both, scores.dim, (size_t)r * sizeof(*both));
        if (m->dtype != PTM_BOOL8)
            PTM_TRY(ptm_infer_same_dtype(c, 0, 3));
        PTM_TRY(ptm_infer_broadcast(c, both, &r, m->dim, m->rank));
        for (int i = 0; i < r; i++)
            if (r != scores.rank || both[i] != scores.dim[i])
                return ptm_infer_wrong(c, "mask %s is larger than the scores of rank %d",
                                       ptm_type_text(m, text, sizeof(text)), scores.rank);
    }
    add_dim(&c->out[0], v->dim[v->rank - 1]);
    return PTM_OK;
}

/* -- recurrent layers -- */

/* x[T, B, I]; inputs 1..n_state are states [B, H]; then w_ih, w_hh, b_ih?, b_hh?. */
static enum ptm_status recurrent(const struct ptm_infer *c, int n_state, int gates)
{
    const struct ptm_type *x = &c->in[0], *h = &c->in[1];
    uint32_t w = 1 + (uint32_t)n_state;
    PTM_TRY(ptm_infer_float(c));
    PTM_TRY(ptm_infer_flag(c, 0));
    PTM_TRY(rank_is(c, 0, 3));
    PTM_TRY(rank_is(c, 1, 2));
    int64_t size = h->dim[1];
    if (size > MAX_SPATIAL)
        return ptm_infer_wrong(c, "state of %lld elements, at most %d", (long long)size,
                               MAX_SPATIAL);
    for (uint32_t i = 1; i < w; i++)
        PTM_TRY(matrix_is(c, i, x->dim[1], size));
    PTM_TRY(matrix_is(c, w, gates * size, x->dim[2]));
    PTM_TRY(matrix_is(c, w + 1, gates * size, size));
    PTM_TRY(ptm_infer_vector(c, w + 2, gates * size, "gates"));
    PTM_TRY(ptm_infer_vector(c, w + 3, gates * size, "gates"));
    if (ptm_infer_has(c, w + 2) != ptm_infer_has(c, w + 3))
        return ptm_infer_wrong(c, "one bias of 2 is absent");
    out_like(c, 0, x->dtype, x);
    c->out[0].dim[2] = size;
    for (int i = 0; i < n_state; i++)
        out_like(c, 1 + i, x->dtype, h);
    return PTM_OK;
}

enum ptm_status ptm_rule_lstm(const struct ptm_infer *c)
{
    /* h0, c0 are inputs 1 and 2, weights 3 and 4; the row says that only four inputs must be there
     */
    if (!ptm_infer_has(c, 4))
        return ptm_infer_wrong(c, "input 4, the hidden weight, is absent among %u", c->n_in);
    return recurrent(c, 2, 4);
}

enum ptm_status ptm_rule_gru(const struct ptm_infer *c)
{
    if (c->op == OP_rnn)
        PTM_TRY(ptm_infer_flag(c, 1));
    return recurrent(c, 1, c->op == OP_gru ? 3 : 1);
}

/* -- windows -- */

/* x[N, C, 1 to 3 spatial dims]; *n of them. */
static enum ptm_status spatial(const struct ptm_infer *c, int *n)
{
    const struct ptm_type *x = &c->in[0];
    if (x->rank < 3 || x->rank > 5)
        return ptm_infer_wrong(c, "input of rank %d, 3 to 5 wanted", x->rank);
    *n = x->rank - 2;
    for (int i = 1; i < x->rank; i++)
        if (x->dim[i] > MAX_SPATIAL)
            return ptm_infer_wrong(c, "dimension %d is %lld, at most %d", i, (long long)x->dim[i],
                                   MAX_SPATIAL);
    return PTM_OK;
}

/* List attribute k: n elements in [least, MAX_SPATIAL]. */
static enum ptm_status window_list(const struct ptm_infer *c, int k, int n, int64_t least)
{
    struct ptm_attr_spec spec[PTM_MAX_ATTRS];
    ptm_op_attrs(c->op, spec);
    if (c->attr[k].n != n)
        return ptm_infer_wrong(c, "'%.*s' has %d elements, %d wanted", spec[k].len, spec[k].name,
                               c->attr[k].n, n);
    for (int i = 0; i < n; i++) {
        int64_t v = c->attr[k].at[i].u.i;
        if (v < least || v > MAX_SPATIAL)
            return ptm_infer_wrong(c, "'%.*s' is %lld, %lld to %d wanted", spec[k].len,
                                   spec[k].name, (long long)v, (long long)least, MAX_SPATIAL);
    }
    return PTM_OK;
}

static int64_t at(const struct ptm_infer *c, int k, int i)
{
    return c->attr[k].at[i].u.i;
}

static enum ptm_status groups_ok(const struct ptm_infer *c, int k, int64_t channels,
                                 const char *what)
{
    int64_t g = ptm_infer_int(c, k);
    if (g < 1 || g > MAX_SPATIAL || channels % g)
        return ptm_infer_wrong(c, "%lld %s in %lld groups", (long long)channels, what,
                               (long long)g);
    return PTM_OK;
}

/* Input 1, the filters: rank of x, spatial sizes at least 1. */
static enum ptm_status filters(const struct ptm_infer *c)
{
    const struct ptm_type *x = &c->in[0], *w = &c->in[1];
    PTM_TRY(rank_is(c, 1, x->rank));
    PTM_TRY(ptm_infer_same_dtype(c, 0, 1));
    PTM_TRY(number(c));
    for (int i = 0; i < w->rank; i++)
        if (w->dim[i] < (i >= 2) || w->dim[i] > MAX_SPATIAL)
            return ptm_infer_wrong(c, "dimension %d of the weight is %lld, %d to %d wanted", i,
                                   (long long)w->dim[i], i >= 2, MAX_SPATIAL);
    return PTM_OK;
}

enum ptm_status ptm_rule_conv(const struct ptm_infer *c)
{
    const struct ptm_type *x = &c->in[0], *w = &c->in[1];
    int n;
    PTM_TRY(spatial(c, &n));
    PTM_TRY(filters(c));
    PTM_TRY(window_list(c, 0, n, 1));
    PTM_TRY(window_list(c, 1, n, 0));
    PTM_TRY(window_list(c, 2, n, 1));
    PTM_TRY(groups_ok(c, 3, w->dim[0], "filters"));
    int64_t groups = ptm_infer_int(c, 3);
    if (x->dim[1] != w->dim[1] * groups)
        return ptm_infer_wrong(c, "input has %lld channels, the weight wants %lld",
                               (long long)x->dim[1], (long long)(w->dim[1] * groups));
    PTM_TRY(ptm_infer_vector(c, 2, w->dim[0], "filters"));
    PTM_TRY(ptm_infer_bounds(c, 4));
    out_like(c, 0, x->dtype, x);
    c->out[0].dim[1] = w->dim[0];
    for (int i = 0; i < n; i++) {
        int64_t padded = x->dim[2 + i] + 2 * at(c, 1, i);
        int64_t window = at(c, 2, i) * (w->dim[2 + i] - 1) + 1;
        if (padded < window)
            return ptm_infer_wrong(c, "padded input of %lld, kernel of %lld at spatial dimension "
                                      "%d", (long long)padded, (long long)window, i);
        c->out[0].dim[2 + i] = (padded - window) / at(c, 0, i) + 1;
    }
    return PTM_OK;
}

enum ptm_status ptm_rule_conv_transpose(const struct ptm_infer *c)
{
    const struct ptm_type *x = &c->in[0], *w = &c->in[1];
    int n;
    PTM_TRY(spatial(c, &n));
    PTM_TRY(filters(c));
    PTM_TRY(window_list(c, 0, n, 1));
    PTM_TRY(window_list(c, 1, n, 0));
    PTM_TRY(window_list(c, 2, n, 0));
    PTM_TRY(window_list(c, 3, n, 1));
    PTM_TRY(groups_ok(c, 4, w->dim[0], "filters"));
    int64_t groups = ptm_infer_int(c, 4);
    if (x->dim[1] != w->dim[0])
        return ptm_infer_wrong(c, "input has %lld channels, the weight wants %lld",
                               (long long)x->dim[1], (long long)w->dim[0]);
    PTM_TRY(ptm_infer_vector(c, 2, w->dim[1] * groups, "outputs"));
    PTM_TRY(ptm_infer_bounds(c, 5));
    out_like(c, 0, x->dtype, x);
    c->out[0].dim[1] = w->dim[1] * groups;
    for (int i = 0; i < n; i++) {
        int64_t stride = at(c, 0, i), extra = at(c, 2, i), dilation = at(c, 3, i);
        if (extra >= stride && extra >= dilation)
            return ptm_infer_wrong(c, "output padding %lld is not below stride %lld or dilation "
                                      "%lld", (long long)extra, (long long)stride,
                                   (long long)dilation);
        int64_t size = (x->dim[2 + i] - 1) * stride - 2 * at(c, 1, i) +
                       dilation * (w->dim[2 + i] - 1) + extra + 1;
        if (x->dim[2 + i] < 1 || size < 1)
            return ptm_infer_wrong(c, "result of size %lld from %lld at spatial dimension %d",
                                   (long long)size, (long long)x->dim[2 + i], i);
        c->out[0].dim[2 + i] = size;
    }
    return PTM_OK;
}

/* PyTorch's pooling_output_shape: in ceil mode the last window must start inside the input or the
 * padding before it. -1: none. */
static int64_t pool_size(int64_t in, int64_t k, int64_t pad, int64_t stride, int64_t dilation,
                         bool ceil)
{
    int64_t room = in + 2 * pad - dilation * (k - 1) - 1;
    if (ceil)
        room += stride - 1;
    if (room < 0)
        return -1;
    int64_t out = room / stride + 1;
    if (ceil && (out - 1) * stride >= in + pad)
        out--;
    return out;
}

/* kernel, stride, padding are attributes 0 to 2; dilation is attribute `dil` unless it is -1. */
static enum ptm_status pool(const struct ptm_infer *c, int dil, int ceil)
{
    const struct ptm_type *x = &c->in[0];
    int n;
    PTM_TRY(number(c));
    PTM_TRY(spatial(c, &n));
    PTM_TRY(window_list(c, 0, n, 1));
    PTM_TRY(window_list(c, 1, n, 1));
    PTM_TRY(window_list(c, 2, n, 0));
    if (dil >= 0)
        PTM_TRY(window_list(c, dil, n, 1));
    PTM_TRY(ptm_infer_flag(c, ceil));
    out_like(c, 0, x->dtype, x);
    for (int i = 0; i < n; i++) {
        int64_t k = at(c, 0, i), pad = at(c, 2, i), d = dil < 0 ? 1 : at(c, dil, i);
        if (pad > ((k - 1) * d + 1) / 2)
            return ptm_infer_wrong(c, "padding %lld is more than half of the kernel, %lld",
                                   (long long)pad, (long long)((k - 1) * d + 1));
        int64_t size = pool_size(x->dim[2 + i], k, pad, at(c, 1, i), d, ptm_infer_int(c, ceil));
        if (x->dim[2 + i] < 1 || size < 1)
            return ptm_infer_wrong(c, "kernel of %lld with padding %lld at spatial dimension %d "
                                      "of size %lld leaves no result",
                                   (long long)((k - 1) * d + 1), (long long)pad, i,
                                   (long long)x->dim[2 + i]);
        c->out[0].dim[2 + i] = size;
    }
    return PTM_OK;
}

enum ptm_status ptm_rule_max_pool(const struct ptm_infer *c)
{
    PTM_TRY(pool(c, 3, 4));
    out_like(c, 1, PTM_I64, &c->out[0]);
    return PTM_OK;
}

enum ptm_status ptm_rule_avg_pool(const struct ptm_infer *c)
{
    PTM_TRY(ptm_infer_float(c));
    PTM_TRY(ptm_infer_flag(c, 4));
    return pool(c, -1, 3);
}

/* The result's spatial sizes are list attribute k, each at least 1; so are the input's. */
static enum ptm_status sizes(const struct ptm_infer *c, int k)
{
    const struct ptm_type *x = &c->in[0];
    int n;
    PTM_TRY(spatial(c, &n));
    PTM_TRY(window_list(c, k, n, 1));
    out_like(c, 0, x->dtype, x);
    for (int i = 0; i < n; i++) {
        if (x->dim[2 + i] < 1)
            return ptm_infer_wrong(c, "spatial dimension %d is %lld, at least 1 wanted", i,
                                   (long long)x->dim[2 + i]);
        c->out[0].dim[2 + i] = at(c, k, i);
    }
    return PTM_OK;
}

enum ptm_status ptm_rule_adaptive_pool(const struct ptm_infer *c)
{
    PTM_TRY(ptm_infer_float(c));
    return sizes(c, 0);
}

enum ptm_status ptm_rule_adaptive_max_pool(const struct ptm_infer *c)
{
    PTM_TRY(number(c));
    PTM_TRY(sizes(c, 0));
    out_like(c, 1, PTM_I64, &c->out[0]);
    return PTM_OK;
}

enum ptm_status ptm_rule_resize(const struct ptm_infer *c)
{
    enum { NEAREST, NEAREST_EXACT, LINEAR, CUBIC };
    int64_t mode = ptm_infer_int(c, 1);
    PTM_TRY(sizes(c, 0));
    int n = c->in[0].rank - 2;
    if (mode < NEAREST || mode > CUBIC)
        return ptm_infer_wrong(c, "mode %lld, 0 to 3 wanted", (long long)mode);
    PTM_TRY(ptm_infer_flag(c, 2));
    PTM_TRY(ptm_infer_flag(c, 3));
    if (mode < LINEAR && (ptm_infer_int(c, 2) || ptm_infer_int(c, 3)))
        return ptm_infer_wrong(c, "align_corners %lld and antialias %lld with a nearest mode",
                               (long long)ptm_infer_int(c, 2), (long long)ptm_infer_int(c, 3));
    if (n != 2 && (mode == CUBIC || ptm_infer_int(c, 3)))
        return ptm_infer_wrong(c, "cubic or antialiased over %d dimensions, 2 wanted", n);
    if (mode >= LINEAR)
        PTM_TRY(ptm_infer_float(c));
    if (c->attr[4].n != n)
        return ptm_infer_wrong(c, "'scale' has %d elements, %d wanted", c->attr[4].n, n);
    for (int i = 0; i < n; i++)
        if (!(c->attr[4].at[i].u.f >= 0))
            return ptm_infer_wrong(c, "scale %g of spatial dimension %d, at least 0 wanted",
                                   c->attr[4].at[i].u.f, i);
    return PTM_OK;
}

/* kernel, dilation, padding, stride are attributes k to k + 3: how many windows fit in size[2]. */
static enum ptm_status blocks(const struct ptm_infer *c, int k, const int64_t *size, int64_t *count)
{
    PTM_TRY(window_list(c, k, 2, 1));
    PTM_TRY(window_list(c, k + 1, 2, 1));
    PTM_TRY(window_list(c, k + 2, 2, 0));
    PTM_TRY(window_list(c, k + 3, 2, 1));
    *count = 1;
    for (int i = 0; i < 2; i++) {
        int64_t window = at(c, k + 1, i) * (at(c, k, i) - 1) + 1;
        int64_t n = pool_size(size[i], at(c, k, i), at(c, k + 2, i), at(c, k + 3, i),
                              at(c, k + 1, i), false);
        if (n < 1)
            return ptm_infer_wrong(c, "kernel of %lld with padding %lld does not fit in %lld",
                                   (long long)window, (long long)at(c, k + 2, i),
                                   (long long)size[i]);
        *count *= n; /* each below 2^32 */
    }
    return PTM_OK;
}

enum ptm_status ptm_rule_unfold(const struct ptm_infer *c)
{
    const struct ptm_type *x = &c->in[0];
    int64_t count;
    int n;
    PTM_TRY(rank_is(c, 0, 4));
    PTM_TRY(spatial(c, &n));
    PTM_TRY(blocks(c, 0, x->dim + 2, &count));
    int64_t area = at(c, 0, 0) * at(c, 0, 1);
    if (area > (INT64_MAX >> 4) / (x->dim[1] + 1))
        return ptm_infer_wrong(c, "%lld channels by a kernel of %lld are too many",
                               (long long)x->dim[1], (long long)area);
    out_like(c, 0, x->dtype, x);
    c->out[0].rank = 3;
    c->out[0].dim[1] = x->dim[1] * area;
    c->out[0].dim[2] = count;
    return PTM_OK;
}

enum ptm_status ptm_rule_fold(const struct ptm_infer *c)
{
    const struct ptm_type *x = &c->in[0];
    int64_t count;
    PTM_TRY(number(c));
    PTM_TRY(rank_is(c, 0, 3));
    PTM_TRY(window_list(c, 0, 2, 1));
    int64_t size[2] = {at(c, 0, 0), at(c, 0, 1)};
    PTM_TRY(blocks(c, 1, size, &count));
    int64_t area = at(c, 1, 0) * at(c, 1, 1);
    if (x->dim[1] % area)
        return ptm_infer_wrong(c, "%lld rows do not divide by a kernel of %lld",
                               (long long)x->dim[1], (long long)area);
    if (x->dim[2] != count)
        return ptm_infer_wrong(c, "%lld columns, %lld windows", (long long)x->dim[2],
                               (long long)count);
    c->out[0].dtype = x->dtype;
    c->out[0].rank = 4;
    c->out[0].dim[0] = x->dim[0];
    c->out[0].dim[1] = x->dim[1] / area;
    c->out[0].dim[2] = size[0];
    c->out[0].dim[3] = size[1];
    return PTM_OK;
}

enum ptm_status ptm_rule_grid_sample(const struct ptm_infer *c)
{
    const struct ptm_type *x = &c->in[0], *grid = &c->in[1];
    PTM_TRY(ptm_infer_float(c));
    PTM_TRY(ptm_infer_same_dtype(c, 0, 1));
    PTM_TRY(rank_is(c, 0, 4));
    PTM_TRY(rank_is(c, 1, 4));
    for (int k = 0; k < 2; k++)
        if (ptm_infer_int(c, k) < 0 || ptm_infer_int(c, k) > 2)
            return ptm_infer_wrong(c, "%s %lld, 0 to 2 wanted", k ? "padding" : "mode",
                                   (long long)ptm_infer_int(c, k));
    PTM_TRY(ptm_infer_flag(c, 2));
    if (x->dim[0] != grid->dim[0] || grid->dim[3] != 2)
        return ptm_infer_wrong(c, "batch %lld and grid of %lld by %lld coordinates, 2 wanted",
                               (long long)x->dim[0], (long long)grid->dim[0],
                               (long long)grid->dim[3]);
    if (x->dim[2] < 1 || x->dim[3] < 1)
        return ptm_infer_wrong(c, "image of %lld by %lld", (long long)x->dim[2],
                               (long long)x->dim[3]);
    out_like(c, 0, x->dtype, x);
    c->out[0].dim[2] = grid->dim[1];
    c->out[0].dim[3] = grid->dim[2];
    return PTM_OK;
}

/* -- normalisation -- */

enum ptm_status ptm_rule_norm_channels(const struct ptm_infer *c)
{
    const struct ptm_type *x = &c->in[0];
    PTM_TRY(ptm_infer_float(c));
    if (x->rank < 2)
        return ptm_infer_wrong(c, "input of rank %d, at least 2 wanted", x->rank);
    for (uint32_t i = 1; i < 5; i++)
        PTM_TRY(ptm_infer_vector(c, i, x->dim[1], "channels"));
    out_like(c, 0, x->dtype, x);
    return PTM_OK;
}

enum ptm_status ptm_rule_norm_last(const struct ptm_infer *c)
{
    const struct ptm_type *x = &c->in[0];
    int64_t rank = ptm_infer_int(c, 0);
    PTM_TRY(ptm_infer_float(c));
    if (rank < 1 || rank > x->rank)
        return ptm_infer_wrong(c, "over the last %lld dims of rank %d", (long long)rank, x->rank);
    for (uint32_t k = 1; k < c->n_in; k++) {
        if (!ptm_infer_has(c, k))
            continue;
        PTM_TRY(rank_is(c, k, (int)rank));
        PTM_TRY(ptm_infer_same_dtype(c, 0, k));
        for (int i = 0; i < rank; i++)
            if (c->in[k].dim[i] != x->dim[x->rank - rank + i])
                return ptm_infer_wrong(c, "dimension %d of input %u is %lld, of the input %lld", i,
                                       k, (long long)c->in[k].dim[i],
                                       (long long)x->dim[x->rank - rank + i]);
    }
    out_like(c, 0, x->dtype, x);
    return PTM_OK;
}

enum ptm_status ptm_rule_norm_groups(const struct ptm_infer *c)
{
    const struct ptm_type *x = &c->in[0];
    PTM_TRY(ptm_infer_float(c));
    if (x->rank < 2)
        return ptm_infer_wrong(c, "input of rank %d, at least 2 wanted", x->rank);
    PTM_TRY(groups_ok(c, 0, x->dim[1], "channels"));
    PTM_TRY(ptm_infer_vector(c, 1, x->dim[1], "channels"));
    PTM_TRY(ptm_infer_vector(c, 2, x->dim[1], "channels"));
    out_like(c, 0, x->dtype, x);
    return PTM_OK;
}
