/* SPDX-License-Identifier: BSD-2-Clause */
/* What the last call of a session cost: nodes, MACs, memory, entries. */
#ifndef PTM_CMD_COST_H
#define PTM_CMD_COST_H

#include "libcore/session.h"

struct cJSON;

struct op_cost {
    uint64_t nodes, macs, bytes;
};
struct cost {
    bool interpreted;    /* the call reads tensor data: the interpreter runs in every call */
    uint64_t entries, pieces, guards, effects, nodes, macs, bytes;
    uint64_t arena_bytes; /* activations of the largest piece */
    struct op_cost *op;   /* per graph operator */
};

enum ptm_status cost_make(struct cost *c, const struct ptm_session *s, struct ptm_arena *a,
                          struct ptm_err *err);
void cost_print(const struct cost *c, bool all);
struct cJSON *cost_json(const struct cost *c);
/* The graphs of the pieces; or, with `entry`, the entry of the last call. */
void cost_dump(const struct ptm_session *s, bool entry, FILE *f);

#endif
