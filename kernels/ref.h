/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The C reference kernels: one per graph operator, slow, exact, strided. They
 * judge every other kernel. Files ref_<family>.c; the table in ref.c has one
 * row per operator of libcore/ops.def (same name).
 *
 * Contract of every reference kernel
 *  - n_out outputs, already allocated with the dtype and dims that the shape
 *    rule of ops.def gives; strides are arbitrary; outputs never overlap inputs, but
 *    that an input of concat may be that part of its output where it belongs, and the first input
 *    of slice_scatter and as_strided_scatter all of the output.
 *  - n_in inputs, arbitrary strides, 0 included. An absent optional input has
 *    data == NULL and rank 0 *and* dtype PTM_ABSENT.
 *  - attr: the operator's attributes in the order of its ops.def row, flat:
 *    `i` one .i, `f` one .f, `I` a count (.i) followed by that many .i,
 *    `F` a count followed by that many .f. Read it with struct ptm_imm_reader.
 *  - any array may have zero elements.
 *  - sums run in double (float types) or int64 with wrap-around (integer types).
 *  - no allocation but through `scratch`; returns 0, or -1 when scratch gave
 *    NULL, or -2 when data is out of range (an index; the caller reports it).
 */
#ifndef PTM_KERNELS_REF_H
#define PTM_KERNELS_REF_H

#include <stdbool.h>

#include "kernels/dtype.h"

enum { PTM_ABSENT = 255, PTM_REF_MEMORY = -1, PTM_REF_RANGE = -2 };

struct ptm_ref_call {
    const struct ptm_nd *out, *in;
    const union ptm_imm *attr;
    int n_out, n_in, n_attr;
    /* zeroed memory that lives until the call returns; NULL when there is none */
    void *(*scratch)(void *ctx, size_t bytes);
    void *scratch_ctx;
};

typedef int ptm_ref_fn(const struct ptm_ref_call *c);

/* The kernel of an operator by its ops.def name; NULL when there is none. */
ptm_ref_fn *ptm_ref_find(const char *op_name);

/* Reads the flat attributes in order. */
struct ptm_imm_reader {
    const union ptm_imm *at;
};
static inline int64_t ptm_imm_i(struct ptm_imm_reader *r)
{
    return (r->at++)->i;
}
static inline double ptm_imm_f(struct ptm_imm_reader *r)
{
    return (r->at++)->f;
}
static inline const union ptm_imm *ptm_imm_list(struct ptm_imm_reader *r, int64_t *n)
{
    *n = (r->at++)->i;
    const union ptm_imm *list = r->at;
    r->at += *n;
    return list;
}

#endif
