/* SPDX-License-Identifier: BSD-2-Clause */
/* A loaded model, inside: what a format's load fills. */
#ifndef PTM_LIBCORE_MODEL_H
#define PTM_LIBCORE_MODEL_H

#include "libcore/packs.h"
#include "libcore/program.h"

struct ptm_file_map;

/* Where a .ptm file comes from; strings NULL: not known. */
struct ptm_provenance {
    const char *source;        /* the file's name, without folders */
    uint64_t source_bytes;
    const char *source_sha256; /* 64 hexadecimal digits */
    const char *command;       /* what was run: "ptm optimize ..." */
    const char *ptm_version;   /* that wrote the file */
};

struct ptm_model {
    struct ptm_program program; /* filled by struct ptm_format.load; its arena owns everything */
    const struct ptm_format *format;
    const char *path;           /* "" for memory */
    struct ptm_file_map *map;   /* NULL for memory */
    const uint8_t *bytes;
    size_t n_bytes;
    const struct ptm_recipe *recipe; /* graph passes that sessions run; NULL: the file has none */
    struct ptm_provenance provenance;
    struct ptm_packs *packs;    /* of all sessions */
};

#endif
