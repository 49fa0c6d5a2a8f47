/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How graph passes made a constant of others, so that a file need not hold its data: made again
 * from the same constants, it has the same bits.
 */
#ifndef PTM_LIBCORE_DERIVED_H
#define PTM_LIBCORE_DERIVED_H

#include "libcore/graph.h"

/* The channel of a weight's element [i0, i1, ...]: i0 / div * step + (second ? i1 : 0) */
struct ptm_channel {
    int64_t div, step;
    bool second;
};

enum ptm_derived_kind {
    D_OP,     /* the operator's only output, on `ref` */
    D_SCALED, /* in[0], each element times that of its channel in in[1], a vector of f64 */
};
struct ptm_derived_in {
    struct ptm_type type; /* dtype PTM_ABSENT: an input that is left out */
    struct ptm_const c;
};
struct ptm_derived {
    uint8_t kind;
    uint16_t op;
    struct ptm_type type; /* of what it makes, row-major */
    struct ptm_derived_in *in;
    uint32_t n_in;
    struct ptm_attr *attr; /* D_OP: all A_IMM */
    uint32_t n_attr;
    struct ptm_channel channel;
};

/* That it can run: types, and numbers of channels. */
enum ptm_status ptm_derived_check(const struct ptm_derived *d, struct ptm_err *err) PTM_WARN_UNUSED;
/* Makes the data; its inputs have theirs. PTM_ERR_NUMERIC: a weight left its type's range. */
enum ptm_status ptm_derived_run(const struct ptm_derived *d, void *out,
                                struct ptm_err *err) PTM_WARN_UNUSED;
/* Of what it makes: from the keys of its inputs, and from the factors. */
uint64_t ptm_derived_key(const struct ptm_derived *d);
struct ptm_nd ptm_const_nd(const struct ptm_type *t, const struct ptm_const *c);

#endif
