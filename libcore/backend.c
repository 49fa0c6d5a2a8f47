/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of backends. To add one: a struct ptm_backend in backend_<name>.c, its declaration in
 * backend.h and its row here.
 */
#include "libcore/backend.h"

#include <string.h>

const struct ptm_backend *const ptm_backends[] = {&ptm_backend_xnnpack, &ptm_backend_cpu, NULL};

const struct ptm_backend *ptm_backend_find(const char *name)
{
    for (size_t i = 0; ptm_backends[i]; i++)
        if (!strcmp(ptm_backends[i]->name, name))
            return ptm_backends[i];
    return NULL;
}
