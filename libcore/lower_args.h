/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the lowerings of several families share: arguments by name, so that one
 * function serves every overload, and the small compositions that each needs.
 */
#ifndef PTM_LIBCORE_LOWER_ARGS_H
#define PTM_LIBCORE_LOWER_ARGS_H

#include "libcore/trace.h"

/* The argument called `name`; None when the schema has none. */
struct ptm_ival ptm_named(const struct ptm_lower_call *c, const char *name);
bool ptm_has_named(const struct ptm_lower_call *c, const char *name);
/* Argument i as a tensor: a number becomes 0-d; None is an error, and gives NULL. */
struct ptm_tensor *ptm_need(const struct ptm_lower_call *c, size_t i);
struct ptm_tensor *ptm_need_named(const struct ptm_lower_call *c, const char *name);
/* The tensors of a list, in the arena; NULL elements where optional; *n of them. */
struct ptm_tensor **ptm_need_list(const struct ptm_lower_call *c, struct ptm_ival v, size_t *n);

/* Another name for the same elements (detach, view_as itself). */
struct ptm_tensor *ptm_alias(struct ptm_trace *t, struct ptm_tensor *x);
/* x in memory format `mf` (PTM_MF_*); x itself where it already is, unless `copy`. */
struct ptm_tensor *ptm_in_format(struct ptm_trace *t, struct ptm_tensor *x, int64_t mf, bool copy);
/* A constant tensor in the stride order of format `mf`; PTM_MF_PRESERVE: of `like`. */
struct ptm_tensor *ptm_full_format(struct ptm_trace *t, enum ptm_dtype d, int rank,
                                   const int64_t *dim, struct ptm_ival v, int64_t mf,
                                   const struct ptm_tensor *like);
/* Numpy's common shape of a and b into out; fails when there is none. Returns its rank. */
int ptm_broadcast_dims(struct ptm_trace *t, int a_rank, const int64_t *a, int b_rank,
                       const int64_t *b, int64_t *out);
/* x as [1] when it has rank 0: reductions and sorts along "its" dimension 0. */
struct ptm_tensor *ptm_at_least_1d(struct ptm_trace *t, struct ptm_tensor *x);
/* The inverse: r seen with rank 0 when x has rank 0. */
struct ptm_tensor *ptm_like_rank(struct ptm_trace *t, struct ptm_tensor *r,
                                 const struct ptm_tensor *x);

/* op on two tensors, or a tensor and a number, with promotion. */
struct ptm_tensor *ptm_bin(struct ptm_trace *t, enum ptm_op op, struct ptm_tensor *a,
                           struct ptm_tensor *b);
struct ptm_tensor *ptm_bin_num(struct ptm_trace *t, enum ptm_op op, struct ptm_tensor *a, double b);
/* Integers and bool become the default float type. */
struct ptm_tensor *ptm_as_float(struct ptm_trace *t, struct ptm_tensor *x);
/* c ? a : b; a and b have one dtype; c is cast to bool. */
struct ptm_tensor *ptm_where(struct ptm_trace *t, struct ptm_tensor *c, struct ptm_tensor *a,
                             struct ptm_tensor *b);
struct ptm_tensor *ptm_is_finite(struct ptm_trace *t, struct ptm_tensor *x);
/* x < 0, or -0.0. */
struct ptm_tensor *ptm_sign_bit(struct ptm_trace *t, struct ptm_tensor *x);
/* An operator with one input and one int attribute, or one list of ints. */
struct ptm_tensor *ptm_op_int(struct ptm_trace *t, enum ptm_op op, struct ptm_tensor *x,
                              int64_t attr);
struct ptm_tensor *ptm_op_ints(struct ptm_trace *t, enum ptm_op op, struct ptm_tensor *x,
                               const int64_t *attr, int n);
/* Joined along dim; promotes; any number of tensors. */
struct ptm_tensor *ptm_concat(struct ptm_trace *t, struct ptm_tensor *const *x, size_t n, int dim);
/* Known int64 vector start, start + step, ... */
struct ptm_tensor *ptm_iota(struct ptm_trace *t, int64_t n, struct ptm_ival start, int64_t step);
/* n doubles in the arena; NULL, and an error, when that is too many. */
double *ptm_doubles(struct ptm_trace *t, int64_t n);
/* n values of `data` as a known vector of dtype d. */
struct ptm_ival ptm_known_doubles(struct ptm_trace *t, int d, int64_t n, const double *data);
/* The diagonal of dims a and b as a last dimension: a view. */
struct ptm_tensor *ptm_view_diagonal(struct ptm_trace *t, struct ptm_tensor *x, int64_t offset,
                                     int a, int b);
/* Other dims and strides over x, from its element `at` (in elements of the storage): a view. */
struct ptm_tensor *ptm_view_within(struct ptm_trace *t, struct ptm_tensor *x, int rank,
                                   const int64_t *dim, const int64_t *stride, int64_t at);
/* Whether reading x ends no piece; results that depend on such data are known too. */
bool ptm_is_known(const struct ptm_tensor *x);
/* Elements [start, start + len) of dim: a view. */
struct ptm_tensor *ptm_view_range(struct ptm_trace *t, struct ptm_tensor *x, int dim, int64_t start,
                                  int64_t len);

#endif
