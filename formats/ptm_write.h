/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing .ptm files. */
#ifndef PTM_FORMATS_PTM_WRITE_H
#define PTM_FORMATS_PTM_WRITE_H

#include "libcore/model.h"
#include "libcore/passes.h"

struct ptm_save_result {
    size_t entries, left_out; /* of the program's; because of their bytes */
    uint64_t entry_bytes;     /* that all of them would add */
};
struct ptm_save_options {
    const struct ptm_recipe *recipe;         /* NULL: none */
    const struct ptm_provenance *provenance; /* NULL: none */
    const struct ptm_packs *packs;           /* those in use go into the file; NULL: none */
    bool compress;    /* storages with zstd, where it saves something */
    bool strip_debug; /* no positions, no names of registers */
    struct ptm_save_result *did; /* NULL: not asked for */
    void (*progress)(void *ud, uint64_t done, uint64_t all); /* bytes of storages; NULL */
    void *ud;
};
/* Writes the program to `path`, atomically. options NULL: the defaults. */
enum ptm_status ptm_save(const struct ptm_program *p, const char *path,
                         const struct ptm_save_options *options, struct ptm_err *err)
    PTM_WARN_UNUSED;

#endif
