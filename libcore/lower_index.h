/* SPDX-License-Identifier: BSD-2-Clause */
/* Indexing with int64 tensors, shared by lower_index.c, lower_scatter.c and lower_sort.c. */
#ifndef PTM_LIBCORE_LOWER_INDEX_H
#define PTM_LIBCORE_LOWER_INDEX_H

#include "libcore/trace.h"

/* Positions of true elements, [n, rank]. Reads x. */
struct ptm_tensor *ptm_nonzero(struct ptm_trace *t, struct ptm_tensor *x);
/* x[index[0], ...] where index k belongs to dimension dims[k], ascending. */
struct ptm_tensor *ptm_index(struct ptm_trace *t, struct ptm_tensor *x,
                             struct ptm_tensor *const *index, const int64_t *dims, int n);
struct ptm_tensor *ptm_index_put(struct ptm_trace *t, struct ptm_tensor *x, struct ptm_tensor *v,
                                 struct ptm_tensor *const *index, const int64_t *dims, int n,
                                 bool accumulate);
struct ptm_tensor *ptm_index_select(struct ptm_trace *t, struct ptm_tensor *x,
                                    struct ptm_tensor *index, int dim);
/* OP_scatter's modes. */
enum ptm_scatter {
    PTM_SCATTER_SET,
    PTM_SCATTER_ADD,
    PTM_SCATTER_MUL,
    PTM_SCATTER_MAX,
    PTM_SCATTER_MIN
};
struct ptm_tensor *ptm_scatter(struct ptm_trace *t, struct ptm_tensor *x, struct ptm_tensor *index,
                               struct ptm_tensor *v, int dim, enum ptm_scatter mode);

#endif
