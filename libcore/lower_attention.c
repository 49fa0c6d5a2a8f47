/* SPDX-License-Identifier: BSD-2-Clause */
/* Lowerings of attention, and of nn.TransformerEncoderLayer's fused inference path. */
#include <math.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"

static struct ptm_tensor *linear(struct ptm_trace *t, struct ptm_tensor *x, struct ptm_tensor *w,
                                 struct ptm_tensor *b)
{
    struct ptm_ival arg[] = {ptm_tensor_ival(x), ptm_tensor_ival(w), ptm_tensor_ival(b)};
    return x && w ? ptm_arg_tensor(t, ptm_call(t, "aten::linear", 3, arg)) : NULL;
}

static struct ptm_tensor *matmul(struct ptm_trace *t, struct ptm_tensor *a, struct ptm_tensor *b)
{
    return ptm_op_binary(t, OP_matmul, a, b);
}

static struct ptm_tensor *transposed(struct ptm_trace *t, struct ptm_tensor *x)
{
    return x ? ptm_view_transpose(t, x, x->rank - 2, x->rank - 1) : NULL;
}

static struct ptm_tensor *softmax(struct ptm_trace *t, struct ptm_tensor *x)
{
    return x ? ptm_op_int(t, OP_softmax, x, x->rank - 1) : NULL;
}

/* ok ? scores : -inf */
static struct ptm_tensor *masked(struct ptm_trace *t, struct ptm_tensor *ok,
                                 struct ptm_tensor *scores)
{
    if (!scores)
        return NULL;
    return ptm_where(t, ok, scores,
                     ptm_to_tensor(t, ptm_float(-(double)INFINITY), (enum ptm_dtype)scores->dtype));
}

/* -- scaled_dot_product_attention -- */

struct attention {
    struct ptm_tensor *q, *k, *v, *mask; /* [..., L, E], [..., S, E], [..., S, V]; mask? */
    bool causal;
    double scale, dropout;
};

/* Grouped queries: each head of x serves `times` heads of q. */
static struct ptm_tensor *repeat_heads(struct ptm_trace *t, struct ptm_tensor *x, int64_t times)
{
    int64_t dim[PTM_MAX_RANK];
    if (!x || times == 1)
        return x;
    int at = x->rank - 3;
    x = ptm_view_unsqueeze(t, x, at + 1);
    if (!x)
        return NULL;
    for (int i = 0; i < x->rank; i++)
        dim[i] = i == at + 1 ? times : x->dim[i];
    x = ptm_view_expand(t, x, x->rank, dim);
    if (!x)
        return NULL;
    dim[at] *= times;
    for (int i = at + 1; i + 1 < x->rank; i++)
        dim[i] = x->dim[i + 1];
    return ptm_reshape(t, x, x->rank - 1, dim);
}

static bool read_attention(const struct ptm_lower_call *c, struct attention *a)
{
    struct ptm_trace *t = c->t;
    struct ptm_ival scale = ptm_named(c, "scale");
    *a = (struct attention){
        .q = ptm_need(c, 0),
        .k = ptm_need(c, 1),
        .v = ptm_need(c, 2),
        .mask = ptm_arg_tensor(t, ptm_named(c, "attn_mask")),
        .dropout = ptm_arg_float(t, ptm_named(c, "dropout_p")),
        .causal = ptm_arg_bool(t, ptm_named(c, "is_causal")),
    };
    if (!a->q || !a->k || !a->v)
        return false;
    if (a->q->rank < 2 || a->k->rank < 2 || a->v->rank < 2) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "attention: ranks %d, %d, %d, at least 2 wanted",
                       a->q->rank, a->k->rank, a->v->rank);
        return false;
    }
    if (ptm_is_none(scale))
        a->scale = 1 / sqrt((double)a->q->dim[a->q->rank - 1]);
    else
        a->scale = ptm_arg_float(t, scale);
    if (ptm_has_named(c, "enable_gqa") && ptm_arg_bool(t, ptm_named(c, "enable_gqa"))) {
        if (a->q->rank < 3 || a->k->rank < 3 || a->v->rank < 3) {
            ptm_trace_fail(t, PTM_ERR_TYPE, "attention: grouped queries of rank %d, at least 3 "
                           "wanted", a->q->rank);
            return false;
        }
        int64_t heads = a->q->dim[a->q->rank - 3];
        int64_t of_k = a->k->dim[a->k->rank - 3], of_v = a->v->dim[a->v->rank - 3];
        if (!of_k || !of_v || heads % of_k || heads % of_v) {
            ptm_trace_fail(t, PTM_ERR_TYPE, "attention: %lld heads of queries for %lld of keys",
                           (long long)heads, (long long)of_k);
            return false;
        }
        a->k = repeat_heads(t, a->k, heads / of_k);
        a->v = repeat_heads(t, a->v, heads / of_v);
    }
    return a->k && a->v;
}

static struct ptm_tensor *fused(struct ptm_trace *t, const struct attention *a)
{
    struct ptm_emit e;
    ptm_emit_begin(&e, t, OP_sdpa);
    ptm_emit_in(&e, a->q);
    ptm_emit_in(&e, a->k);
    ptm_emit_in(&e, a->v);
    ptm_emit_opt(&e, a->mask);
    ptm_emit_f(&e, a->scale);
    ptm_emit_i(&e, a->causal);
    return ptm_emit_end(&e);
}

/* Step by step, where the weights themselves are wanted, or some are dropped. */
static struct ptm_tensor *unfused(struct ptm_trace *t, const struct attention *a,
                                  struct ptm_tensor **weights)
{
    struct ptm_tensor *s =
        matmul(t, ptm_bin_num(t, OP_mul, a->q, a->scale), transposed(t, a->k));
    if (a->causal && s) {
        struct ptm_tensor *ones = ptm_full(t, PTM_BOOL8, 2, s->dim + s->rank - 2, ptm_bool(true));
        s = masked(t, ptm_op_int(t, OP_tril, ones, 0), s);
    }
    if (a->mask)
        s = a->mask->dtype == PTM_BOOL8 ? masked(t, a->mask, s) : ptm_bin(t, OP_add, s, a->mask);
    *weights = softmax(t, s);
    if (a->dropout > 0 && *weights) {
        struct ptm_ival arg[] = {ptm_tensor_ival(*weights), ptm_float(a->dropout), ptm_bool(true)};
        *weights = ptm_arg_tensor(t, ptm_call(t, "aten::dropout", 3, arg));
    }
    return matmul(t, *weights, a->v);
}

static struct ptm_ival lower_sdpa(const struct ptm_lower_call *c)
{
    struct attention a;
    struct ptm_tensor *weights;
    if (!read_attention(c, &a))
        return ptm_none();
    return ptm_tensor_ival(a.dropout > 0 ? unfused(c->t, &a, &weights) : fused(c->t, &a));
}

static struct ptm_ival pair(struct ptm_trace *t, struct ptm_tensor *a, struct ptm_tensor *b)
{
    struct ptm_tensor *both[] = {a, b};
    return ptm_result_tuple(t, 2, both);
}

/* The forms that give the weights too, on demand or always. */
static struct ptm_ival lower_sdpa_weights(const struct ptm_lower_call *c)
{
    struct attention a;
    struct ptm_tensor *weights, *y;
    if (!read_attention(c, &a))
        return ptm_none();
    if (ptm_has_named(c, "need_attn_weights") && a.dropout == 0 &&
        !ptm_arg_bool(c->t, ptm_named(c, "need_attn_weights")))
        return pair(c->t, fused(c->t, &a), NULL);
    y = unfused(c->t, &a, &weights);
    return pair(c->t, y, weights);
}

/* -- masked softmax: the mask says what to leave out -- */

enum { MASK_PADDING = 1 }; /* of [B, S]; others broadcast to the scores as they are */

static struct ptm_tensor *masked_softmax(struct ptm_trace *t, struct ptm_tensor *s,
                                         struct ptm_tensor *mask, struct ptm_ival type, int64_t dim)
{
    if (!s)
        return NULL;
    if (!mask)
        return ptm_op_int(t, OP_softmax, s, dim);
    mask = ptm_cast(t, mask, PTM_BOOL8);
    if (!ptm_is_none(type) && ptm_arg_int(t, type) == MASK_PADDING && mask && mask->rank == 2) {
        int64_t shape[PTM_MAX_RANK];
        for (int i = 0; i < s->rank; i++)
            shape[i] = i == 0 ? mask->dim[0] : i == s->rank - 1 ? mask->dim[1] : 1;
        mask = ptm_reshape(t, mask, s->rank, shape);
    }
    s = masked(t, ptm_op_unary(t, OP_logical_not, mask), s);
    return ptm_op_int(t, OP_softmax, s, dim);
}

static struct ptm_ival lower_masked_softmax(const struct ptm_lower_call *c)
{
    struct ptm_tensor *s = ptm_need(c, 0);
    if (!s)
        return ptm_none();
    int dim = ptm_is_none(c->arg[2]) ? s->rank - 1 : ptm_arg_dim(c->t, c->arg[2], s->rank);
    return ptm_tensor_ival(masked_softmax(c->t, s, ptm_need(c, 1), c->arg[3], dim));
}

/* -- multi-head attention in one operator -- */

/* x[B, T, H * d] to [B, H, T, d] */
static struct ptm_tensor *split_heads(struct ptm_trace *t, struct ptm_tensor *x, int64_t heads)
{
    if (!x)
        return NULL;
    int64_t dim[] = {x->dim[0], x->dim[1], heads, x->dim[2] / heads};
    x = ptm_reshape(t, x, 4, dim);
    return x ? ptm_view_transpose(t, x, 1, 2) : NULL;
}

static struct ptm_tensor *merge_heads(struct ptm_trace *t, struct ptm_tensor *x)
{
    x = x ? ptm_view_transpose(t, x, 1, 2) : NULL;
    if (!x)
        return NULL;
    return ptm_reshape(t, x, 3, (int64_t[]){x->dim[0], x->dim[1], x->dim[2] * x->dim[3]});
}

struct heads {
    int64_t embed, n;
    struct ptm_tensor *w, *b, *out_w, *out_b; /* w[3 * embed, embed], b[3 * embed] */
    struct ptm_tensor *mask;
    struct ptm_ival mask_type;
};

static bool heads_ok(struct ptm_trace *t, const struct heads *h, const struct ptm_tensor *x)
{
    if (!x || !h->w || !h->b || !h->out_w)
        return false;
    if (x->rank == 3 && h->n > 0 && h->embed > 0 && h->embed % h->n == 0 && h->w->rank == 2 &&
        h->w->dim[0] == 3 * h->embed && h->b->rank == 1 && h->b->dim[0] == 3 * h->embed)
        return true;
    ptm_trace_fail(t, PTM_ERR_TYPE, "multi-head attention: %lld elements in %lld heads, input of "
                   "rank %d", (long long)h->embed, (long long)h->n, x->rank);
    return false;
}

/* Projection k (0 q, 1 k, 2 v) of x, by heads. */
static struct ptm_tensor *project(struct ptm_trace *t, const struct heads *h, struct ptm_tensor *x,
                                  int k)
{
    struct ptm_tensor *w = ptm_view_range(t, h->w, 0, k * h->embed, h->embed);
    struct ptm_tensor *b = ptm_view_range(t, h->b, 0, k * h->embed, h->embed);
    return split_heads(t, linear(t, x, w, b), h->n);
}

static struct ptm_tensor *multi_head(struct ptm_trace *t, const struct heads *h,
                                     struct ptm_tensor *const *qkv, struct ptm_tensor **weights)
{
    if (!heads_ok(t, h, qkv[0]) || !qkv[1] || !qkv[2])
        return NULL;
    struct ptm_tensor *q = project(t, h, qkv[0], 0);
    struct ptm_tensor *k = project(t, h, qkv[1], 1), *v = project(t, h, qkv[2], 2);
    q = ptm_bin_num(t, OP_mul, q, 1 / sqrt((double)(h->embed / h->n)));
    struct ptm_tensor *s = matmul(t, q, transposed(t, k));
    *weights = masked_softmax(t, s, h->mask, h->mask_type, 3);
    return linear(t, merge_heads(t, matmul(t, *weights, v)), h->out_w, h->out_b);
}

static struct ptm_ival lower_native_mha(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *qkv[] = {ptm_need(c, 0), ptm_need(c, 1), ptm_need(c, 2)}, *weights = NULL;
    struct heads h = {
        .embed = ptm_arg_size(t, c->arg[3]),
        .n = ptm_arg_size(t, c->arg[4]),
        .w = ptm_need(c, 5),
        .b = ptm_need(c, 6),
        .out_w = ptm_need(c, 7),
        .out_b = ptm_need(c, 8),
        .mask = ptm_arg_tensor(t, ptm_named(c, "mask")),
        .mask_type = ptm_named(c, "mask_type"),
    };
    struct ptm_tensor *y = multi_head(t, &h, qkv, &weights);
    int64_t heads_dim = 1;
    if (!ptm_arg_bool(t, ptm_named(c, "need_weights")))
        return pair(t, y, NULL);
    if (ptm_arg_bool(t, ptm_named(c, "average_attn_weights")))
        weights = ptm_op_reduce(t, OP_mean, weights, &heads_dim, 1, false);
    return pair(t, y, weights);
}

/* -- transformer encoder layer -- */

static struct ptm_tensor *norm(const struct ptm_lower_call *c, struct ptm_tensor *x, size_t weight)
{
    struct ptm_emit e;
    ptm_emit_begin(&e, c->t, OP_layer_norm);
    ptm_emit_in(&e, x);
    ptm_emit_in(&e, ptm_need(c, weight));
    ptm_emit_in(&e, ptm_need(c, weight + 1));
    ptm_emit_i(&e, 1);
    ptm_emit_f(&e, ptm_arg_float(c->t, ptm_named(c, "eps")));
    return ptm_emit_end(&e);
}

static struct ptm_tensor *feed_forward(const struct ptm_lower_call *c, struct ptm_tensor *x)
{
    struct ptm_trace *t = c->t;
    struct ptm_emit e;
    x = linear(t, x, ptm_need(c, 14), ptm_need(c, 15));
    if (ptm_arg_bool(t, ptm_named(c, "use_gelu"))) {
        ptm_emit_begin(&e, t, OP_gelu);
        ptm_emit_in(&e, x);
        ptm_emit_i(&e, 0);
        x = ptm_emit_end(&e);
    } else {
        x = ptm_op_unary(t, OP_relu, x);
    }
    return linear(t, x, ptm_need(c, 16), ptm_need(c, 17));
}

/* pad: keys to leave out, of nested input; NULL: the mask argument says */
static struct ptm_tensor *encoder_layer(const struct ptm_lower_call *c, struct ptm_tensor *src,
                                        struct ptm_tensor *pad)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *weights;
    bool norm_first = ptm_arg_bool(t, ptm_named(c, "norm_first"));
    struct heads h = {
        .embed = ptm_arg_size(t, c->arg[1]),
        .n = ptm_arg_size(t, c->arg[2]),
        .w = ptm_need(c, 3),
        .b = ptm_need(c, 4),
        .out_w = ptm_need(c, 5),
        .out_b = ptm_need(c, 6),
        .mask = pad ? pad : ptm_arg_tensor(t, ptm_named(c, "mask")),
        .mask_type = pad ? ptm_int(MASK_PADDING) : ptm_named(c, "mask_type"),
    };
    enum { NORM_1 = 10, NORM_2 = 12 }; /* arguments: weight, then bias */
    struct ptm_tensor *x = norm_first ? norm(c, src, NORM_1) : src;
    struct ptm_tensor *qkv[] = {x, x, x};
    x = ptm_bin(t, OP_add, multi_head(t, &h, qkv, &weights), src);
    if (!norm_first)
        x = norm(c, x, NORM_1);
    struct ptm_tensor *y = feed_forward(c, norm_first ? norm(c, x, NORM_2) : x);
    y = ptm_bin(t, OP_add, y, x);
    return norm_first ? y : norm(c, y, NORM_2);
}

/* qkv[B, T, 3 * D] + bias to q, k, v[B, heads, T, D / heads], q scaled */
static struct ptm_ival lower_bias_rescale_qkv(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_bin(t, OP_add, ptm_need(c, 0), ptm_need(c, 1)), *out[3];
    int64_t heads = ptm_arg_size(t, c->arg[2]);
    if (!x)
        return ptm_none();
    if (x->rank != 3 || heads < 1 || x->dim[2] % (3 * heads))
        return ptm_trace_fail(t, PTM_ERR_TYPE, "%s: input of rank %d in %lld heads",
                              c->schema->name, x->rank, (long long)heads);
    int64_t embed = x->dim[2] / 3;
    for (int k = 0; k < 3; k++)
        out[k] = split_heads(t, ptm_view_range(t, x, 2, k * embed, embed), heads);
    out[0] = ptm_bin_num(t, OP_mul, out[0], 1 / sqrt((double)(embed / heads)));
    for (int k = 1; k < 3 && out[k]; k++)
        out[k] = ptm_contiguous(t, out[k]);
    return ptm_result_tuple(t, 3, out);
}

/* -- nested tensors, as nn.TransformerEncoder makes them from a padding mask --
 * One is a dense tensor whose last dimension has one element more: 1 where the row is part of it.
 * Only the operators here know of that; others would refuse the size. */

static struct ptm_ival lower_nested_from_mask(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *mask = ptm_need(c, 1);
    if (!x || !mask)
        return ptm_none();
    if (x->rank != 3 || mask->rank != 2)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "%s: ranks %d and %d, 3 and 2 wanted",
                              c->schema->name, x->rank, mask->rank);
    mask = ptm_cast(t, ptm_cast(t, mask, PTM_BOOL8), (enum ptm_dtype)x->dtype);
    struct ptm_tensor *both[] = {x, ptm_view_unsqueeze(t, mask, 2)};
    return both[1] ? ptm_tensor_ival(ptm_concat(t, both, 2, 2)) : ptm_none();
}

/* Each row of the mask is true up to some place, false from there on. */
static struct ptm_ival lower_left_aligned(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *mask = ptm_cast(t, ptm_need(c, 1), PTM_BOOL8);
    if (!mask)
        return ptm_none();
    if (mask->rank != 2)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "%s: a mask of rank %d, 2 wanted", c->schema->name,
                              mask->rank);
    int64_t n = mask->dim[1];
    if (n < 2)
        return ptm_bool(true);
    struct ptm_tensor *fine = ptm_op_binary(t, OP_ge, ptm_view_range(t, mask, 1, 0, n - 1),
                                            ptm_view_range(t, mask, 1, 1, n - 1));
    fine = ptm_op_reduce(t, OP_all, fine, NULL, 0, false);
    return fine ? ptm_bool(ptm_arg_bool(t, ptm_item(t, fine))) : ptm_none();
}

/* The rows of a nested tensor, and through *keep [B, T, 1] which of them are there. */
static struct ptm_tensor *open_nested(struct ptm_trace *t, struct ptm_tensor *x,
                                      struct ptm_tensor **keep)
{
    int64_t n = x->dim[2] - 1;
    *keep = ptm_cast(t, ptm_view_range(t, x, 2, n, 1), PTM_BOOL8);
    return ptm_view_range(t, x, 2, 0, n);
}

/* Without a size the result is as long as the longest sequence. */
static struct ptm_tensor *crop_to_longest(struct ptm_trace *t, struct ptm_tensor *x,
                                          struct ptm_tensor **keep)
{
    int64_t dims[] = {1, 2};
    struct ptm_tensor *n = ptm_op_reduce(t, OP_sum, ptm_cast(t, *keep, PTM_I64), dims, 2, false);
    n = ptm_op_reduce(t, OP_amax, n, NULL, 0, false);
    if (!n)
        return NULL;
    int64_t longest = ptm_arg_size(t, ptm_item(t, n));
    *keep = ptm_view_range(t, *keep, 1, 0, longest);
    return ptm_view_range(t, x, 1, 0, longest);
}

static struct ptm_ival lower_to_padded(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *keep;
    int64_t size[PTM_MAX_RANK];
    int n = ptm_arg_ints(t, c->arg[2], size, PTM_MAX_RANK);
    if (!x)
        return ptm_none();
    bool fits = x->rank == 3 && x->dim[2] > 0 && (n == 0 || n == 3);
    for (int i = 0; fits && i < n; i++)
        fits = size[i] == x->dim[i] - (i == 2);
    if (!fits)
        return ptm_trace_fail(t, PTM_ERR_UNSUPPORTED, "%s: nested tensors other than those of "
                              "nn.TransformerEncoder", c->schema->name);
    x = open_nested(t, x, &keep);
    if (!n)
        x = crop_to_longest(t, x, &keep);
    if (!x)
        return ptm_none();
    return ptm_tensor_ival(
        ptm_where(t, keep, x, ptm_to_tensor(t, c->arg[1], (enum ptm_dtype)x->dtype)));
}

static struct ptm_ival lower_encoder_layer(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *src = ptm_need(c, 0), *keep = NULL, *column = NULL;
    if (!src)
        return ptm_none();
    if (src->rank != 3 || src->dim[2] != ptm_arg_size(t, c->arg[1]) + 1)
        return ptm_tensor_ival(encoder_layer(c, src, NULL));
    column = ptm_view_range(t, src, 2, src->dim[2] - 1, 1);
    src = open_nested(t, src, &keep);
    if (!keep)
        return ptm_none();
    struct ptm_tensor *pad = ptm_op_unary(t, OP_logical_not, ptm_view_squeeze(t, keep, 2));
    struct ptm_tensor *both[] = {encoder_layer(c, src, pad), column};
    return both[0] ? ptm_tensor_ival(ptm_concat(t, both, 2, 2)) : ptm_none();
}

const struct ptm_lowering ptm_lower_attention[] = {
    {"aten::scaled_dot_product_attention", lower_sdpa},
    {"aten::_scaled_dot_product_attention", lower_sdpa_weights},
    {"aten::_scaled_dot_product_attention_forward", lower_sdpa_weights},
    {"aten::_scaled_dot_product_attention_math", lower_sdpa_weights},
    {"aten::_masked_softmax", lower_masked_softmax},
    {"aten::_native_multi_head_attention", lower_native_mha},
    {"aten::_transformer_encoder_layer_fwd", lower_encoder_layer},
    {"aten::_transform_bias_rescale_qkv", lower_bias_rescale_qkv},
    {"aten::_nested_tensor_from_mask_left_aligned", lower_left_aligned},
    {"aten::_nested_tensor_from_mask", lower_nested_from_mask},
    {"aten::to_padded_tensor", lower_to_padded},
    {NULL, NULL},
};
