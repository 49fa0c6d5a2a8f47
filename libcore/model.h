/* SPDX-License-Identifier: BSD-2-Clause */
/* A loaded model, inside: what a format's load fills. */
#ifndef PTM_LIBCORE_MODEL_H
#define PTM_LIBCORE_MODEL_H

#include "libcore/program.h"

struct ptm_file_map;

struct ptm_model {
    struct ptm_program program; /* filled by struct ptm_format.load; its arena owns everything */
    const struct ptm_format *format;
    const char *path;           /* "" for memory */
    struct ptm_file_map *map;   /* NULL for memory */
    const uint8_t *bytes;
    size_t n_bytes;
};

#endif
