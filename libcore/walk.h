/* SPDX-License-Identifier: BSD-2-Clause */
/* Walking along several strided arrays in memory order, and copies between two. */
#ifndef PTM_LIBCORE_WALK_H
#define PTM_LIBCORE_WALK_H

#include <stdbool.h>

#include "kernels/dtype.h"

enum { PTM_WALK_ARRAYS = 3 };

/* Dims that the arrays are walked along together; array 0 is written. */
struct ptm_walk {
    int rank, arrays;
    int64_t dim[PTM_MAX_RANK];
    int64_t stride[PTM_WALK_ARRAYS][PTM_MAX_RANK];
};
/* Outermost first by array 0's strides, then the others'; dims of size 1 are gone, dims that
 * continue each other in every array have become one. */
void ptm_walk_order(struct ptm_walk *w);

/* The elements of `from` to the same places of `to`: same dims, element size and number; any
 * strides. */
void ptm_copy_nd(const struct ptm_nd *from, const struct ptm_nd *to);

/* `nd` with nd's elements in row-major order seen as dims `like`; false when strides cannot say
 * it. */
bool ptm_nd_reshape(const struct ptm_nd *nd, int rank, const int64_t *dim, struct ptm_nd *out);

#endif
