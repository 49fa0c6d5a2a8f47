/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operator schemas, from aten.inc (generated from real PyTorch by
 * scripts/gen_aten.py), and the choice of an overload by its arguments.
 */
#ifndef PTM_LIBCORE_SCHEMA_H
#define PTM_LIBCORE_SCHEMA_H

#include "libcore/ival.h"

/* A schema argument's type. */
enum ptm_sty {
    S_ANY, S_TENSOR, S_INT, S_FLOAT, S_BOOL, S_NUMBER, S_STR, S_DEVICE, S_DTYPE, S_LAYOUT, S_MEMORY_FORMAT,
    S_GENERATOR, S_STORAGE, S_CLASS, S_T, /* a type variable */
};
struct ptm_sarg {
    const char *name;
    uint8_t type;       /* enum ptm_sty; the element's for lists */
    bool optional;      /* T? */
    bool list;          /* T[] */
    bool optional_elem; /* T?[] */
    bool dict, tuple;   /* Dict(..), (..) */
    bool kwarg_only, has_default, write; /* write: (a!) */
    int fixed_n;        /* int[2]: a single int is repeated */
    const char *def;    /* default as text: "1", "0.5", "True", "None", "[0, 0]", "'mean'"; NULL */
};
struct ptm_schema {
    const char *name, *overload; /* "aten::add", "Tensor"; overload "" when none */
    const struct ptm_sarg *arg;
    uint8_t n_args, n_rets;
    bool vararg;                 /* takes any arguments: `prim::` ones, format */
};

/* All overloads of a name: *n of them, consecutive, in PyTorch's matching order; NULL: none. */
const struct ptm_schema *ptm_schemas_find(const char *name, size_t *n); /* NULL also: no memory */
bool ptm_schema_exists(const char *name);
const char *ptm_schema_type_name(enum ptm_sty type); /* "Tensor", "Scalar", ... */

/* Chooses the overload (or checks `overload` when it is not NULL) for n_pos positional and n_kw
 * keyword arguments, and fills out[schema->n_args] with arguments, defaults and implicit
 * conversions (int to float, int to int[n], a 0-d tensor to a number is left as tensor). When none
 * fits: PTM_ERR_TYPE, message with the candidates. */
enum ptm_status ptm_schema_bind(struct ptm_arena *a, const char *name, const char *overload,
                                const struct ptm_ival *arg, size_t n_pos, const char *const *kw,
                                size_t n_kw, const struct ptm_schema **schema,
                                struct ptm_ival *out, size_t out_cap,
                                struct ptm_err *err) PTM_WARN_UNUSED;

/* The operator that a name means in a file of that operator version: "ptm::div_0_3" for "aten::div"
 * before version 4. NULL: the name itself (always for version 0, not known). Ask before binding,
 * and bind and lower the name given. overload may be NULL. */
const char *ptm_schema_upgrade(const char *name, const char *overload, int64_t op_version);

enum { PTM_MAX_SCHEMA_ARGS = 64 };

/* Numbers that PyTorch passes as ints in source: memory formats, layouts. */
enum { PTM_MF_CONTIGUOUS = 0, PTM_MF_PRESERVE = 1, PTM_MF_CHANNELS_LAST = 2, PTM_MF_CHANNELS_LAST_3D = 3 };

#endif
