/* SPDX-License-Identifier: BSD-2-Clause */
/* Kinds of files: any bytes get a format, or one line that names them. */
#include <stdlib.h>
#include <string.h>

#include "libcore/ptm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const struct ptm_format *f = NULL;
    struct ptm_err err = {0};
    enum ptm_status s = ptm_format_find(data, n, "x.bin", &f, &err);
    if (s ? !err.msg[0] || strchr(err.msg, '\n') || f : !f)
        abort();
    return 0;
}
