/* SPDX-License-Identifier: BSD-2-Clause */
/* ptm strip-unused-ops --build: a folder with a closed model, the part of libptm that it needs, and
 * a small program that runs it. */
#ifndef PTM_CMD_BUILD_SMALL_H
#define PTM_CMD_BUILD_SMALL_H

#include "cmd/selection.h"

struct small_build {
    const char *folder;
    bool built;             /* else `why` says what is missing */
    char why[200];
    uint64_t library_bytes; /* of the selected libptm.a, debug information and symbols removed */
    uint64_t program_bytes; /* of the program, stripped */
};

/* Writes main.c, selected.c and a Makefile into the folder, which has model.ptm already, and runs
 * make there. `in` gives the call that main.c makes. */
enum ptm_status small_build_make(struct small_build *b, const struct selection *s,
                                 const struct inputs *in, struct ptm_err *err);

#endif
