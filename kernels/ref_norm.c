/* SPDX-License-Identifier: BSD-2-Clause */
/* Reference kernels: batch, layer, group and RMS normalisation, in double. */
#include "kernels/ref_ops.h"
#include "kernels/ref_util.h"

#include <math.h>

int ptm_ref_batch_norm(const struct ptm_ref_call *c)
{
    const struct ptm_nd *y = c->out, *x = c->in;
    double eps = c->attr[0].f;
    struct ptm_ref_walk all;
    ptm_ref_walk_init(&all, x->rank, x->dim);
    ptm_ref_walk_add(&all, y);
    ptm_ref_walk_add(&all, x);
    if (x->rank < 2)
        return 0;
    all.dim[1] = 1; /* one channel at a time */
    for (int64_t ch = 0; ch < x->dim[1]; ch++) {
        double p[5] = {0, 0, 0, 1, 0}; /* -, mean, var, weight, bias */
        for (int k = 1; k < 5; k++)
            if (!ptm_ref_absent(c, k))
                p[k] = ptm_ref_get_f(c->in + k, ch * c->in[k].stride[0]);
        double mean = p[1], bias = p[4], scale = p[3] / sqrt(p[2] + eps);
        struct ptm_ref_walk w = all;
        double v[PTM_REF_BLOCK];
        for (bool go = ptm_ref_walk_begin(&w); go; go = ptm_ref_walk_next(&w)) {
            ptm_ref_load_f(v, x, w.at[1] + ch * x->stride[1], w.step[1], w.n);
            for (int64_t k = 0; k < w.n; k++)
                v[k] = (v[k] - mean) * scale + bias;
            ptm_ref_store_f(y, w.at[0] + ch * y->stride[1], w.step[0], v, w.n);
        }
    }
    return 0;
}

/* Normalises the elements of a walk over (y, x, weight, bias); rms: without the mean. */
static void normalise(const struct ptm_ref_call *c, const struct ptm_ref_walk *dims, int64_t y_at,
                      int64_t x_at, double eps, bool rms)
{
    const struct ptm_nd *y = c->out, *x = c->in;
    const struct ptm_nd *weight = ptm_ref_absent(c, 1) ? NULL : c->in + 1;
    const struct ptm_nd *bias = rms || ptm_ref_absent(c, 2) ? NULL : c->in + 2;
    double v[PTM_REF_BLOCK], p[PTM_REF_BLOCK], mean = 0, var = 0;
    int64_t count = ptm_ref_product(dims->dim, dims->rank);
    struct ptm_ref_walk w = *dims;
    for (bool go = !rms && ptm_ref_walk_begin(&w); go; go = ptm_ref_walk_next(&w)) {
        ptm_ref_load_f(v, x, x_at + w.at[1], w.step[1], w.n);
        for (int64_t k = 0; k < w.n; k++)
            mean += v[k];
    }
    mean /= (double)count;
    w = *dims;
    for (bool go = ptm_ref_walk_begin(&w); go; go = ptm_ref_walk_next(&w)) {
        ptm_ref_load_f(v, x, x_at + w.at[1], w.step[1], w.n);
        for (int64_t k = 0; k < w.n; k++)
            var += (v[k] - mean) * (v[k] - mean);
    }
    double scale = 1 / sqrt(var / (double)count + eps);
    w = *dims;
    for (bool go = ptm_ref_walk_begin(&w); go; go = ptm_ref_walk_next(&w)) {
        ptm_ref_load_f(v, x, x_at + w.at[1], w.step[1], w.n);
        for (int64_t k = 0; k < w.n; k++)
            v[k] = (v[k] - mean) * scale;
        if (weight) {
            ptm_ref_load_f(p, weight, w.at[2], w.step[2], w.n);
            for (int64_t k = 0; k < w.n; k++)
                v[k] *= p[k];
        }
        if (bias) {
            ptm_ref_load_f(p, bias, w.at[3], w.step[3], w.n);
            for (int64_t k = 0; k < w.n; k++)
                v[k] += p[k];
        }
        ptm_ref_store_f(y, y_at + w.at[0], w.step[0], v, w.n);
    }
}

/* Over the last `rank` dims, which weight and bias have. */
static int norm_last(const struct ptm_ref_call *c, bool rms)
{
    const struct ptm_nd *y = c->out, *x = c->in;
    int rank = (int)c->attr[0].i, lead = x->rank - rank;
    double eps = c->attr[1].f;
    struct ptm_ref_walk inner, w;
    ptm_ref_walk_init(&inner, rank, x->dim + lead);
    ptm_ref_walk_add_strides(&inner, y->stride + lead);
    ptm_ref_walk_add_strides(&inner, x->stride + lead);
    for (int k = 1; k <= 2; k++)
        if (!ptm_ref_absent(c, k))
            ptm_ref_walk_add_strides(&inner, c->in[k].stride);
        else
            ptm_ref_walk_add_strides(&inner, (const int64_t[PTM_MAX_RANK]){0});
    ptm_ref_walk_init(&w, lead, x->dim);
    ptm_ref_walk_add_strides(&w, y->stride);
    ptm_ref_walk_add_strides(&w, x->stride);
    for (bool go = ptm_ref_walk_begin(&w); go; go = ptm_ref_walk_next(&w))
        for (int64_t k = 0; k < w.n; k++)
            normalise(c, &inner, w.at[0] + k * w.step[0], w.at[1] + k * w.step[1], eps, rms);
    return 0;
}

int ptm_ref_layer_norm(const struct ptm_ref_call *c)
{
    return norm_last(c, false);
}

int ptm_ref_rms_norm(const struct ptm_ref_call *c)
{
    return norm_last(c, true);
}

/* A group as the dims [channels of it, spatial...]; weight and bias go with the channel. */
int ptm_ref_group_norm(const struct ptm_ref_call *c)
{
    const struct ptm_nd *y = c->out, *x = c->in;
    int64_t groups = c->attr[0].i, per = x->dim[1] / groups;
    double eps = c->attr[1].f;
    for (int64_t n = 0; n < x->dim[0]; n++) {
        for (int64_t g = 0; g < groups; g++) {
            struct ptm_ref_call part = *c;
            struct ptm_nd in[3];
            part.in = in;
            in[0] = *x;
            struct ptm_ref_walk w;
            ptm_ref_walk_init(&w, x->rank - 1, x->dim + 1);
            w.dim[0] = per;
            ptm_ref_walk_add_strides(&w, y->stride + 1);
            ptm_ref_walk_add_strides(&w, x->stride + 1);
            for (int k = 1; k <= 2; k++) {
                int64_t stride[PTM_MAX_RANK] = {0};
                in[k].dtype = PTM_ABSENT;
                if (!ptm_ref_absent(c, k)) {
                    stride[0] = c->in[k].stride[0];
                    in[k] = ptm_ref_shift(c->in + k, g * per * stride[0]);
                }
                ptm_ref_walk_add_strides(&w, stride);
            }
            part.n_in = 3;
            normalise(&part, &w, n * y->stride[0] + g * per * y->stride[1],
                      n * x->stride[0] + g * per * x->stride[1], eps, false);
        }
    }
    return 0;
}
