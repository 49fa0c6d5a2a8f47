/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The zoo: architectures that are built in, `zoo:NAME`. Their archives hold everything but the
 * weights, which are made when a model is opened: seeded, of the size that trained ones have, the
 * same bits on every machine. bench/zoo/ has the definitions and the scripts.
 */
#ifndef PTM_BENCH_ZOO_H
#define PTM_BENCH_ZOO_H

#include "libcore/ptm.h"

struct zoo_model {
    const char *name;         /* "mobilenet_v2" */
    const char *input;        /* dims of its input, "1,3,224,224" */
    uint64_t parameters;      /* elements; buffers are not counted */
    uint64_t macs;            /* multiply-adds of a call with that input */
    const char *same_as;      /* torchvision's constructor of the same network; NULL: it has none */
    const char *source;       /* who published it */
};
extern const struct zoo_model zoo_models[]; /* a row without name ends it */

/* Is this word a zoo model's rather than a file's? */
bool zoo_is_name(const char *word);
/* The row of "zoo:NAME", "zoo:NAME:SEED" or "NAME"; NULL: none. */
const struct zoo_model *zoo_find(const char *word);
/* Opens "zoo:NAME" (seed 0) or "zoo:NAME:SEED"; *out is the caller's. PTM_ERR_ARG: no such name. */
enum ptm_status zoo_open(struct ptm_model **out, const char *word, struct ptm_err *err)
    PTM_WARN_UNUSED;
/* The model that was opened from a zoo name, or from a .ptm file that was made of one; NULL. */
const struct zoo_model *zoo_of(const struct ptm_model *m);

/* -- inside: what scripts/embed makes of bench/zoo/NAME.pt.zst -- */
struct zoo_archive {
    const char *name;
    const uint8_t *bytes;
    size_t n;
};
extern const struct zoo_archive zoo_archives[]; /* a row without name ends it */

/* Gives the tensors of a model their weights: zoo_weights.c. */
enum ptm_status zoo_fill(struct ptm_model *m, uint64_t seed, struct ptm_err *err) PTM_WARN_UNUSED;

#endif
