/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts of graphs: what parses dumps, and the dump parses to the same; what verifies plans, the
 * plan verifies, and small ones run and go through the passes.
 */
#include <stdlib.h>
#include <string.h>

#include "libcore/passes.h"
#include "libcore/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MAX_TEXT = 64 * 1024, MAX_ELEMENTS = 4096, MAX_WORK = 1 << 20 };

static void check_dump(const struct ptm_graph *g, struct ptm_arena *arena)
{
    char *first = NULL, *second = NULL;
    size_t n_first = 0, n_second = 0;
    struct ptm_graph h;
    FILE *f = open_memstream(&first, &n_first);
    if (!f)
        abort();
    ptm_graph_dump(g, f);
    fclose(f);
    ptm_graph_init(&h, arena);
    struct ptm_err err = {0};
    if (ptm_graph_parse(&h, first, &err) || !ptm_graph_equal(g, &h) ||
        ptm_graph_hash(g) != ptm_graph_hash(&h))
        abort();
    f = open_memstream(&second, &n_second);
    if (!f)
        abort();
    ptm_graph_dump(&h, f);
    fclose(f);
    if (strcmp(first, second))
        abort();
    free(first);
    free(second);
}

/* A few bytes can ask for hours of work: allowed, but not here. */
static bool is_small(const struct ptm_graph *g)
{
    uint64_t work = 0;
    for (size_t v = 0; v < g->n_values; v++)
        if (ptm_type_numel(&g->value[v].type) > MAX_ELEMENTS)
            return false;
    for (size_t i = 0; i < g->n_nodes; i++) {
        const struct ptm_node *n = &g->node[i];
        uint64_t macs = ptm_node_macs(g, n);
        if (macs > MAX_WORK)
            return false;
        work += macs;
        /* windows may be large where the input is small */
        for (uint32_t k = 0; k < n->n_attr; k++)
            if (g->attr[n->attr + k].kind == A_IMM && n->op >= OP_matmul &&
                (g->attr[n->attr + k].u.i < 0 || g->attr[n->attr + k].u.i > 16) &&
                strcmp(ptm_op_info(n->op)->cls, "norm"))
                return false;
    }
    return work <= MAX_WORK;
}

static void run(const struct ptm_plan *plan, const struct ptm_graph *g, struct ptm_arena *arena)
{
    static char zeros[MAX_ELEMENTS * 8 + 64];
    struct ptm_err err = {0};
    struct ptm_nd *arg = ptm_arena_array(arena, g->n_inputs + 1, sizeof(*arg));
    union ptm_imm *scalar = ptm_arena_array(arena, g->n_scalars + 1, sizeof(*scalar));
    void **out = ptm_arena_array(arena, g->n_outputs + 1, sizeof(*out));
    if (arena->failed)
        return;
    for (size_t i = 0; i < g->n_inputs; i++) {
        const struct ptm_type *t = &g->value[g->input[i]].type;
        arg[i] = (struct ptm_nd){.data = zeros, .dtype = t->dtype, .rank = t->rank};
        memcpy(arg[i].dim, t->dim, sizeof(t->dim));
        ptm_strides_contiguous(t->rank, t->dim, arg[i].stride);
    }
    for (size_t i = 0; i < g->n_outputs; i++)
        out[i] = ptm_arena_alloc(arena, MAX_ELEMENTS * 8);
    struct ptm_exec exec = {0};
    if (!arena->failed && ptm_plan_run(plan, &exec, arg, scalar, out, &err) && !err.msg[0])
        abort();
    ptm_exec_release(&exec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ptm_arena arena = {0};
    struct ptm_graph g;
    struct ptm_plan plan;
    struct ptm_err err = {0};
    if (n > MAX_TEXT)
        return 0;
    char *text = ptm_arena_str(&arena, (const char *)data, n);
    ptm_graph_init(&g, &arena);
    if (!text || ptm_graph_parse(&g, text, &err)) {
        if (text && !err.msg[0])
            abort();
    } else {
        check_dump(&g, &arena);
        if (ptm_graph_verify(&g, &err) == PTM_OK &&
            ptm_plan_make(&plan, &g, &arena, NULL, &err) == PTM_OK) {
            if (ptm_plan_verify(&plan, &err))
                abort();
            struct ptm_graph rewritten;
            if (is_small(&g)) {
                run(&plan, &g, &arena);
                if (ptm_passes_run(&g, &ptm_recipe_default, &arena, &rewritten, NULL, NULL, &err) &&
                    err.code != PTM_ERR_MEMORY)
                    abort();
            }
        }
    }
    ptm_arena_release(&arena);
    return 0;
}
