/* SPDX-License-Identifier: BSD-2-Clause */
/* For fuzz targets: a TorchScript archive around one member that the fuzzer chose. */
#ifndef PTM_TESTS_FUZZ_TS_ARCHIVE_H
#define PTM_TESTS_FUZZ_TS_ARCHIVE_H

#include <stdlib.h>

#include "formats/formats.h"
#include "libcore/model.h"
#include "tests/unit/zip_maker.h"

enum { TS_MAX_INPUT = 32 << 10 };

static inline enum ptm_status find_torchscript(const uint8_t *bytes, size_t n, const char *path,
                                               const struct ptm_format **out, struct ptm_err *err)
{
    (void)bytes, (void)n, (void)path, (void)err;
    *out = &ptm_format_torchscript;
    return PTM_OK;
}

/* Loads and, if that works, prints: what loads must be well-formed, what fails must say why. */
static inline void load_archive(const uint8_t *bytes, size_t n)
{
    struct ptm_err err = {0};
    struct ptm_model *m = NULL;
    enum ptm_status st = ptm_model_open_bytes(&m, bytes, n, find_torchscript, &err);
    if (st ? !err.msg[0] || m : !m || ptm_program_verify(&m->program, &err))
        abort();
    FILE *f = m ? fopen("/dev/null", "w") : NULL;
    if (f) {
        ptm_program_dump(&m->program, f);
        fclose(f);
    }
    ptm_model_close(m);
}

static inline void add_member(struct zip_maker *z, const char *name, const void *data, size_t n)
{
    zm_add_padded(z, name, strlen(name), data, n, 0, 0, 0);
}

#endif
