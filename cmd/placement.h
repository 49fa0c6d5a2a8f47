/* SPDX-License-Identifier: BSD-2-Clause */
/* Which backend runs which node of the last call of a session, and why not another. */
#ifndef PTM_CMD_PLACEMENT_H
#define PTM_CMD_PLACEMENT_H

#include "libcore/session.h"

struct cJSON;

/* Steps of one backend and kernel; or, with a reason, nodes of one operator that the first backend
 * refused for it. */
struct placed {
    const char *backend, *kernel; /* kernel: the operator's name where the reference runs it */
    const char *op, *reason;
    const char *isa; /* of the kernel; in a sum over a backend: of what does most MACs; NULL: none */
    uint64_t steps, macs, packed_bytes;
};
struct placement {
    struct placed *group, *refusal;
    size_t n_groups, n_refusals, cap_groups, cap_refusals;
    uint64_t steps, copies, macs;
    uint64_t parts; /* values made where a concat joins them */
    uint64_t arena_bytes, live_bytes, scratch_bytes; /* of the piece that needs most */
    const struct ptm_session *session;
};

/* In the arena; groups and refusals by MACs, then by steps, most first. */
enum ptm_status placement_make(struct placement *p, const struct ptm_session *s,
                               struct ptm_arena *a, struct ptm_err *err);
/* `all`: every step as well. */
void placement_print(const struct placement *p, bool all);
void placement_dump(const struct ptm_session *s, FILE *f); /* the plans */
struct cJSON *placement_json(const struct placement *p);
/* Its part "backends" alone: what each does. */
struct cJSON *placement_shares_json(const struct placement *p);

#endif
