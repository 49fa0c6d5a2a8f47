/* SPDX-License-Identifier: BSD-2-Clause */
/* What graph passes did to the pieces of a session's last call. */
#ifndef PTM_CMD_OPTIMISED_H
#define PTM_CMD_OPTIMISED_H

#include "libcore/passes.h"
#include "libcore/session.h"

struct cJSON;

struct optimised {
    const struct ptm_recipe *recipe;
    uint64_t *hits; /* per name of the recipe */
    uint64_t nodes[2], macs[2]; /* before, after */
    bool verified;
    struct ptm_passes_verdict verdict; /* the worst of all pieces */
};
/* Options --passes TEXT and --optimize: *use is NULL when nothing is asked for: then the model's
 * own recipe holds. */
enum ptm_status recipe_option(const char *text, bool optimize, struct ptm_arena *a,
                              struct ptm_recipe *room, const struct ptm_recipe **use,
                              struct ptm_err *err);
enum ptm_status optimised_make(struct optimised *o, const struct ptm_session *s,
                               const struct ptm_recipe *recipe, struct ptm_arena *a,
                               struct ptm_err *err);
/* Runs the graphs before and after each pass; PTM_ERR_NUMERIC names the pass that moved them by
 * more than the tolerance (0: the default). */
enum ptm_status optimised_verify(struct optimised *o, const struct ptm_session *s,
                                 double tolerance, uint64_t seed, struct ptm_err *err);
void optimised_print(const struct optimised *o);
struct cJSON *optimised_json(const struct optimised *o);
/* The graphs as they are each time the pass has run. */
enum ptm_status optimised_dump_after(const struct ptm_session *s, const struct ptm_recipe *recipe,
                                     const char *pass, FILE *f, struct ptm_err *err);

#endif
