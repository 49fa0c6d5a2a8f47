/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of lowerings, one per lower_<family>.c; lower.c joins them. Each
 * ends with a row {NULL, NULL}. A new operator is one function and one row in
 * the table of its family.
 */
#ifndef PTM_LIBCORE_LOWER_H
#define PTM_LIBCORE_LOWER_H

#include "libcore/trace.h"

/* Numbers, strings, containers, attributes of tensors: computed while specialising. */
extern const struct ptm_lowering ptm_lower_prim[];
extern const struct ptm_lowering ptm_lower_attr[];
extern const struct ptm_lowering ptm_lower_scalar[];
extern const struct ptm_lowering ptm_lower_list[];
extern const struct ptm_lowering ptm_lower_dict[];
extern const struct ptm_lowering ptm_lower_str[];

/* Tensor arithmetic, reductions, creation, views, indexing and sorting. */
extern const struct ptm_lowering ptm_lower_math[];
extern const struct ptm_lowering ptm_lower_binary[];
extern const struct ptm_lowering ptm_lower_cast[];
extern const struct ptm_lowering ptm_lower_reduce[];
extern const struct ptm_lowering ptm_lower_norms[];
extern const struct ptm_lowering ptm_lower_create[];
extern const struct ptm_lowering ptm_lower_random[];
extern const struct ptm_lowering ptm_lower_signal[];
extern const struct ptm_lowering ptm_lower_shape[];
extern const struct ptm_lowering ptm_lower_split[];
extern const struct ptm_lowering ptm_lower_move[];
extern const struct ptm_lowering ptm_lower_index[];
extern const struct ptm_lowering ptm_lower_scatter[];
extern const struct ptm_lowering ptm_lower_sort[];
extern const struct ptm_lowering ptm_lower_roi[];

/* Neural network layers and linear algebra. */
extern const struct ptm_lowering ptm_lower_nn[];
extern const struct ptm_lowering ptm_lower_pad[];
extern const struct ptm_lowering ptm_lower_loss[];
extern const struct ptm_lowering ptm_lower_conv[];
extern const struct ptm_lowering ptm_lower_prepacked[];
extern const struct ptm_lowering ptm_lower_norm[];
extern const struct ptm_lowering ptm_lower_pool[];
extern const struct ptm_lowering ptm_lower_resize[];
extern const struct ptm_lowering ptm_lower_rnn[];
extern const struct ptm_lowering ptm_lower_attention[];
extern const struct ptm_lowering ptm_lower_linalg[];
extern const struct ptm_lowering ptm_lower_lu[];
extern const struct ptm_lowering ptm_lower_complex[];
extern const struct ptm_lowering ptm_lower_fourier[];
extern const struct ptm_lowering ptm_lower_einsum[];

/* The lowering of an operator, in-place and out= forms included; NULL: none. overload may be NULL. */
ptm_lower_fn *ptm_lower_find(const char *name, const char *overload);

#endif
