/* SPDX-License-Identifier: BSD-2-Clause */
/* What a session has done, what that took, and what it holds. */
#include <stdlib.h>

#include "libcore/session.h"

struct weight {
    const void *data;
    uint64_t bytes;
};

static int by_data(const void *a, const void *b)
{
    const struct weight *x = a, *y = b;
    if (x->data != y->data)
        return (uintptr_t)x->data < (uintptr_t)y->data ? -1 : 1;
    return (x->bytes < y->bytes) - (x->bytes > y->bytes);
}

/* Constants that nodes read. */
static size_t list_weights(const struct ptm_graph *g, struct weight *out)
{
    size_t n = 0;
    for (size_t i = 0; i < g->n_operands; i++) {
        if (g->operand[i] == PTM_NO_VALUE || g->value[g->operand[i]].kind != V_CONST)
            continue;
        const struct ptm_value *v = &g->value[g->operand[i]];
        if (out)
            out[n] = (struct weight){g->constant[v->ref].data,
                                     (uint64_t)ptm_type_numel(&v->type) *
                                         ptm_dtype_bytes((enum ptm_dtype)v->type.dtype)};
        n++;
    }
    return n;
}

/* Packed weights of its steps. */
static size_t list_packed(const struct ptm_plan *plan, struct weight *out)
{
    size_t n = 0;
    for (size_t i = 0; i < plan->n_steps; i++) {
        const struct ptm_plan_step *step = &plan->step[i];
        if (!step->backend || !step->info.packed_bytes)
            continue;
        if (out)
            out[n] = (struct weight){step->info.packed ? step->info.packed : step->object,
                                     step->info.packed_bytes};
        n++;
    }
    return n;
}

static size_t list(const struct ptm_piece *p, bool packed, struct weight *out)
{
    return packed ? list_packed(&p->plan, out) : list_weights(&p->graph, out);
}

/* Pieces share constants and packed weights: each counts once. 0 when memory is out. */
static uint64_t sum_bytes(const struct ptm_session *s, bool packed)
{
    size_t n = 0;
    uint64_t sum = 0;
    for (const struct ptm_piece *p = s->pieces; p; p = p->next)
        n += list(p, packed, NULL);
    struct weight *all = n ? ptm_malloc(n * sizeof(*all)) : NULL;
    if (!all)
        return 0;
    n = 0;
    for (const struct ptm_piece *p = s->pieces; p; p = p->next)
        n += list(p, packed, &all[n]);
    qsort(all, n, sizeof(*all), by_data);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || all[i].data != all[i - 1].data)
            sum += all[i].bytes;
    ptm_free(all);
    return sum;
}

void ptm_session_stats(const struct ptm_session *s, struct ptm_session_stats *out)
{
    *out = s->stats;
    out->weights_bytes = sum_bytes(s, false);
    out->packed_bytes = sum_bytes(s, true);
}
