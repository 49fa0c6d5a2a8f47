/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Layers with constant weights (convolutions, their transposes, linear) and
 * per-channel multiplications and additions that go into their weights.
 */
#ifndef PTM_LIBCORE_LAYER_H
#define PTM_LIBCORE_LAYER_H

#include "libcore/rewrite.h"

struct ptm_layer {
    struct ptm_node n;     /* conv, conv_transpose or linear */
    uint32_t x, w, b;      /* b: PTM_NO_VALUE when absent */
    int64_t n_in, n_out;   /* channels */
    int in_dim, out_dim;   /* which dims of input and output they are */
    bool padded;
};
/* v's layer: weights constant and of a float type, no bounds on its results. */
bool ptm_layer_of(const struct ptm_rewrite *r, uint32_t v, struct ptm_layer *l);

/* A factor and a summand for each channel. */
struct ptm_affine {
    double *mul, *add;
    bool has_add;
};
/* Of n channels: x1, + 0; false: no memory (sticky). */
bool ptm_affine_make(struct ptm_rewrite *r, struct ptm_affine *a, int64_t n);
/* x op c, c a constant, as an affine map of x's `channels` dim (n of them): op is mul, add, sub or
 * div; `swapped`: c op x. False when c is more than a number for each channel. */
bool ptm_affine_of(struct ptm_rewrite *r, enum ptm_op op, bool swapped, uint32_t c,
                   const struct ptm_type *x, int dim, struct ptm_affine *a);
/* batch_norm's, from its constant inputs 1 to 4: mul = weight / sqrt(var + eps), add = bias - mean
 * * mul. */
bool ptm_affine_of_norm(struct ptm_rewrite *r, const uint32_t *in, double eps, int64_t n,
                        struct ptm_affine *a);

/* layer(x) * mul + add, and layer(x * mul + add): new layers, or PTM_NO_VALUE when that is not
 * exact (additions before padding) or a weight would leave its type's range. */
uint32_t ptm_layer_then(struct ptm_rewrite *r, const struct ptm_layer *l,
                        const struct ptm_affine *a);
uint32_t ptm_layer_after(struct ptm_rewrite *r, const struct ptm_layer *l, uint32_t x,
                         const struct ptm_affine *a);

#endif
