/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Read-only file mappings. A file that shrinks while it is mapped turns reads into SIGBUS;
 * ptm_map_guard_begin/end catch that around work on a mapping and give PTM_ERR_IO_SHRANK instead.
 * The guard leaves the work by a jump. Work that several threads share cannot be left so: for such
 * a guard, `stays` is set: then all threads read zeros where the file ended, and the owner asks
 * ptm_map_shrunk afterwards.
 */
#ifndef PTM_LIBCORE_MAP_H
#define PTM_LIBCORE_MAP_H

#include <setjmp.h>

#include "libcore/ptm.h"

struct ptm_file_map; /* caller owns: ptm_map_close */
enum ptm_status ptm_map_open(struct ptm_file_map **out, const char *path, const uint8_t **bytes,
                             size_t *n, struct ptm_err *err) PTM_WARN_UNUSED;
void ptm_map_close(struct ptm_file_map *m); /* NULL ok */
/* Makes the pages of these bytes present, so that their first reader does not wait for each. */
void ptm_map_prefault(const void *p, size_t n);
/* The same of memory that is to be written; its contents stay. */
void ptm_map_prefault_write(void *p, size_t n);

/* struct ptm_map_guard g; if (PTM_MAP_GUARD(&g)) return ptm_map_shrank(err); ... ptm_map_guard_end(&g);
 * Guards are per thread and nest. Memory allocated inside is the caller's arenas'. */
struct ptm_map_guard {
    sigjmp_buf env;
    struct ptm_map_guard *outer;
    bool stays;
};
#define PTM_MAP_GUARD(g) (ptm_map_guard_begin(g), sigsetjmp((g)->env, 1))
void ptm_map_guard_begin(struct ptm_map_guard *g);
void ptm_map_guard_end(struct ptm_map_guard *g);
void ptm_map_guard_stays(struct ptm_map_guard *g);
enum ptm_status ptm_map_shrank(struct ptm_err *err);
/* Have zeros been read in place of the file? NULL: no. */
bool ptm_map_shrunk(const struct ptm_file_map *m);

#endif
