/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls that a .ptm file brings along ready to plan, for `ptm inspect`. */
#ifndef PTM_CMD_ENTRIES_H
#define PTM_CMD_ENTRIES_H

#include "libcore/program.h"

struct cJSON;
void entries_print(const struct ptm_program *p); /* nothing where the file has none */
struct cJSON *entries_json(const struct ptm_program *p);

#endif
