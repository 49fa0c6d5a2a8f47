/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Strict JSON from untrusted bytes, pulled: the caller asks for what it expects next, nothing is
 * built. The first failure sticks, later calls give zeros and ends; check once at the end.
 *
 *     ptm_json_object(&j);
 *     for (int f; (f = ptm_json_field(&j, names, n_names, &seen)) >= 0;)
 *         if (f == 0)
 *             size = ptm_json_int(&j, 0, MAX);
 *     if (ptm_json_end(&j)) ... all well
 *
 * Members that are not among the names are skipped; a name that comes twice is a failure.
 */
#ifndef PTM_FORMATS_JSON_H
#define PTM_FORMATS_JSON_H

#include "libcore/arena.h"
#include "libcore/ptm.h"

enum { PTM_JSON_DEPTH = 32 };

struct ptm_json {
    const char *text;
    size_t n, at;
    int depth;
    uint32_t begun;    /* per depth: a member or item has been read */
    const char *wrong; /* what is wrong, at `at`; NULL: nothing yet */
};

void ptm_json_init(struct ptm_json *j, const void *text, size_t n);
void ptm_json_fail(struct ptm_json *j, const char *wrong); /* `wrong` is a literal */
void ptm_json_object(struct ptm_json *j);
/* Index of the next member's name, whose value is to be read next; -1: the object's end. `seen`
 * starts as 0; at most 32 names. */
int ptm_json_field(struct ptm_json *j, const char *const *names, int n_names, uint32_t *seen);
void ptm_json_array(struct ptm_json *j);
bool ptm_json_item(struct ptm_json *j); /* false: the array's end */
int64_t ptm_json_int(struct ptm_json *j, int64_t min, int64_t max);
/* Of at most `max` bytes, in the arena, without NULs inside. NULL when failed. */
const char *ptm_json_str(struct ptm_json *j, struct ptm_arena *a, size_t max);
void ptm_json_skip(struct ptm_json *j); /* any value */
bool ptm_json_end(struct ptm_json *j);  /* nothing failed, and only white space is left */

#endif
