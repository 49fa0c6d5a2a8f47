/* SPDX-License-Identifier: BSD-2-Clause */
/* Plans as text: where each value lives, then what reads and writes them, in order. */
#include <inttypes.h>

#include "libcore/plan.h"

static void dump_place(const struct ptm_plan *plan, uint32_t at, FILE *f)
{
    static const char *const roots[] = {"arena", "arg", "const", "out", "scalar"};
    const struct ptm_graph *g = plan->graph;
    const struct ptm_place *p = &plan->place[at];
    const struct ptm_type *t = &g->value[ptm_plan_value(plan, at)].type;
    char text[160];
    fprintf(f, "%%%" PRIu32 ": %s %s", at, ptm_type_text(t, text, sizeof(text)), roots[p->root]);
    if (p->root != R_ARENA)
        fprintf(f, " %" PRIu32, p->ref);
    if (p->root == R_ARENA || p->offset)
        fprintf(f, " + %" PRId64, p->offset);
    int64_t dense[PTM_MAX_RANK];
    bool other = false; /* than row-major */
    ptm_strides_contiguous(t->rank, t->dim, dense);
    for (int i = 0; i < t->rank; i++)
        other = other || (t->dim[i] > 1 && p->stride[i] != dense[i]);
    if (other && (p->root != R_ARG || plan->args_row_major)) {
        fputs(" stride=[", f);
        for (int i = 0; i < t->rank; i++)
            fprintf(f, "%s%" PRId64, i ? ", " : "", p->stride[i]);
        fputc(']', f);
    }
    if (p->view)
        fprintf(f, " view of %%%" PRIu32, g->operand[g->node[g->value[at].ref].in]);
    if (p->part_of != PTM_NO_VALUE)
        fprintf(f, " part of %%%" PRIu32, p->part_of);
    if (p->over != PTM_NO_VALUE)
        fprintf(f, " over %%%" PRIu32, p->over);
    fputc('\n', f);
}

static void dump_step(const struct ptm_plan *plan, const struct ptm_plan_step *s, FILE *f)
{
    const struct ptm_graph *g = plan->graph;
    if (s->node == PTM_NO_VALUE) {
        fprintf(f, "%%%" PRIu32 " = reorder(%%%" PRIu32 ")\n", s->to, s->from);
        return;
    }
    const struct ptm_node *n = &g->node[s->node];
    for (uint32_t i = 0; i < n->n_out; i++)
        fprintf(f, "%s%%%" PRIu32, i ? ", " : "", n->out + i);
    fprintf(f, " = %s(", ptm_op_info(n->op)->name);
    for (uint32_t i = 0; i < n->n_in; i++) {
        uint32_t at = plan->operand[n->in + i];
        if (at == PTM_NO_VALUE)
            fprintf(f, "%s_", i ? ", " : "");
        else
            fprintf(f, "%s%%%" PRIu32, i ? ", " : "", at);
    }
    fprintf(f, ") %s\n", s->backend ? s->backend->name : "ref");
}

void ptm_plan_dump(const struct ptm_plan *plan, FILE *f)
{
    for (uint32_t at = 0; at < plan->n_places; at++)
        dump_place(plan, at, f);
    for (size_t i = 0; i < plan->n_steps; i++)
        dump_step(plan, &plan->step[i], f);
    fputs("return", f);
    for (size_t i = 0; i < plan->graph->n_outputs; i++)
        fprintf(f, "%s%%%" PRIu32, i ? ", " : " ", plan->graph->output[i]);
    fputc('\n', f);
    for (size_t i = 0; i < plan->n_copies; i++)
        fprintf(f, "copy output %" PRIu32 "\n", plan->copy_out[i]);
    fprintf(f, "%zu bytes, %zu alive at once, %zu of working space\n", plan->arena_bytes,
            plan->live_bytes, plan->scratch_bytes);
}
