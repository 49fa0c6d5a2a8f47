/* SPDX-License-Identifier: BSD-2-Clause */
/* Atomic writing: a temporary file beside the target, fsync, rename. Until
 * commit the old file stays; drop (also at exit and on a signal) removes the temporary. What is not
 * a regular file (/dev/null, /dev/stdout, a FIFO) is written directly. */
#ifndef PTM_LIBCORE_SINK_H
#define PTM_LIBCORE_SINK_H

#include "libcore/ptm.h"

struct ptm_sink; /* caller owns: commit or drop */
enum ptm_status ptm_sink_open(struct ptm_sink **out, const char *path, struct ptm_err *err)
    PTM_WARN_UNUSED;
enum ptm_status ptm_sink_write(struct ptm_sink *s, const void *p, size_t n, struct ptm_err *err)
    PTM_WARN_UNUSED;
/* Ends the sink, also when it fails. */
enum ptm_status ptm_sink_commit(struct ptm_sink *s, struct ptm_err *err) PTM_WARN_UNUSED;
void ptm_sink_drop(struct ptm_sink *s); /* NULL ok */
void ptm_sink_drop_all(void);           /* async-signal-safe: unlinks every open temporary */

#endif
