/* SPDX-License-Identifier: BSD-2-Clause */
/* The model formats that the registry chooses from. */
#ifndef PTM_FORMATS_FORMATS_H
#define PTM_FORMATS_FORMATS_H

#include "libcore/ptm.h"

extern const struct ptm_format ptm_format_torchscript; /* formats/fmt_torchscript.c */
extern const struct ptm_format ptm_format_ptm;         /* formats/fmt_ptm.c */

/* ptm_format_torchscript.load for an archive without data/: tensors are zeros, and may be written
 * until a session is opened. */
enum ptm_status ptm_torchscript_load_bare(struct ptm_model *m, const uint8_t *bytes, size_t n,
                                          struct ptm_err *err) PTM_WARN_UNUSED;

#endif
