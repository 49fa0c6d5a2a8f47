/* SPDX-License-Identifier: BSD-2-Clause */
/* Symbols: scalars that are known only when a call runs. */
#ifndef PTM_LIBCORE_SYM_H
#define PTM_LIBCORE_SYM_H

#include "libcore/trace.h"

/* value = mul * scalar[base] + add (ints); floats have mul 1, add 0. */
struct ptm_sym {
    bool is_float;
    uint32_t base; /* scalar number of the entry */
    int64_t mul, add;
};

bool ptm_sym_is_float(const struct ptm_sym *s);
/* Current value, without a guard: for building only. */
union ptm_imm ptm_sym_now(const struct ptm_trace *t, const struct ptm_sym *s);
/* Number of the entry's scalar that equals the symbol; makes expressions as needed. */
uint32_t ptm_sym_scalar(struct ptm_trace *t, const struct ptm_sym *s);
/* (known or symbol) int value as a symbol struct with mul 0 when known. */
struct ptm_sym ptm_sym_of(struct ptm_ival v);
/* A number that stays a scalar input of the pieces it is used in. Needs no guard. */
struct ptm_ival ptm_sym_constant(struct ptm_trace *t, int64_t i);
struct ptm_ival ptm_sym_ival(struct ptm_trace *t, struct ptm_sym s);

#endif
