/* SPDX-License-Identifier: BSD-2-Clause */
/* Status names and the one way to report a failure. */
#include "libcore/ptm.h"

#include <stdarg.h>

const char *ptm_status_name(enum ptm_status s)
{
    switch (s) {
    case PTM_OK:
        return "ok";
    case PTM_ERR_ARG:
        return "argument";
    case PTM_ERR_IO:
        return "io";
    case PTM_ERR_IO_SHRANK:
        return "file shrank";
    case PTM_ERR_FORMAT:
        return "format";
    case PTM_ERR_LIMIT:
        return "limit";
    case PTM_ERR_KIND:
        return "other kind of file";
    case PTM_ERR_UNSUPPORTED:
        return "unsupported";
    case PTM_ERR_RAISED:
        return "raised";
    case PTM_ERR_TYPE:
        return "type";
    case PTM_ERR_MEMORY:
        return "memory";
    case PTM_ERR_NUMERIC:
        return "numeric";
    }
    return NULL;
}

enum ptm_status ptm_fail(struct ptm_err *err, enum ptm_status code, const char *fmt, ...)
{
    if (err && !err->code) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
        va_end(ap);
        err->code = code;
    }
    return code;
}
