/* SPDX-License-Identifier: BSD-2-Clause */
/* The model formats that the registry chooses from. */
#ifndef PTM_FORMATS_FORMATS_H
#define PTM_FORMATS_FORMATS_H

#include "libcore/ptm.h"

extern const struct ptm_format ptm_format_torchscript; /* formats/fmt_torchscript.c */
extern const struct ptm_format ptm_format_ptm;         /* formats/fmt_ptm.c */

#endif
