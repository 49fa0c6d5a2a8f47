/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pass dce: nodes that no output needs. Every pass is followed by such a sweep; this one is for
 * what the graph had to begin with.
 */
#include "libcore/passes.h"

enum ptm_status ptm_pass_dce(struct ptm_rewrite *r)
{
    struct ptm_graph live;
    PTM_TRY(ptm_graph_sweep(r->in, r->work, &live, r->err));
    PTM_TRY(ptm_rewrite_walk(r, NULL));
    r->hits = (uint32_t)(r->in->n_nodes - live.n_nodes);
    return PTM_OK;
}
