/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Collects operators in two ways: from the code, all that a method can reach; and from a call,
 * which tells which overload an operator without one means, and what the plan runs.
 */
#include "cmd/selection.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/cost.h"
#include "cmd/survey.h"

static enum ptm_status no_memory(struct ptm_err *err)
{
    return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the operators");
}

/* -- PyTorch's operators -- */

static bool add_op(struct selection *s, const char *name, const char *overload, bool all)
{
    size_t i = 0;
    while (i < s->n_ops && (strcmp(s->op[i].name, name) || strcmp(s->op[i].overload, overload) ||
                            s->op[i].all_overloads != all))
        i++;
    if (i == s->n_ops) {
        void *v = s->op;
        if (!ptm_arena_grow(&s->arena, &v, &s->cap_ops, s->n_ops + 1, sizeof(*s->op)))
            return false;
        s->op = v;
        s->op[s->n_ops++] = (struct selected_op){
            .name = ptm_arena_str(&s->arena, name, strlen(name)),
            .overload = ptm_arena_str(&s->arena, overload, strlen(overload)),
            .all_overloads = all,
        };
    }
    s->op[i].places++;
    s->op[i].models |= UINT64_C(1) << (s->n_models - 1);
    return !s->arena.failed;
}

/* What a call found is by the values: a str may be a device there, and a number's declared type may
 * be no more than Scalar. The overloads that those have are needed as well. */
static bool add_called(struct selection *s, const char *name, const char *overload)
{
    size_t n = 0;
    const struct ptm_schema *schema = ptm_schemas_find(name, &n);
    bool ok = add_op(s, name, overload, false);
    bool device = !strcmp(overload, "device");
    bool numbers = strstr("int float float_int int_float bool", overload) && *overload;
    for (size_t i = 0; i < n && (device || numbers); i++)
        if (!strcmp(schema[i].overload, device ? "str" : ""))
            ok &= add_op(s, name, schema[i].overload, false);
    return ok;
}

/* One place in the code: what calls found there; else what the file or the only schema says. */
static bool add_place(struct selection *s, const struct ptm_opref *op, const struct ptm_inst *inst,
                      const struct ptm_op_notes *notes)
{
    const struct ptm_op_note *note = ptm_pmap_get(&notes->by_inst, inst);
    bool ok = true;
    for (const struct ptm_op_note *x = note; x; x = x->next)
        ok &= add_called(s, op->name, x->overload);
    if (note)
        return ok;
    size_t n = 0;
    const struct ptm_schema *schema = ptm_schemas_find(op->name, &n);
    if (op->overload || n == 1)
        return add_op(s, op->name, op->overload ? op->overload : schema->overload, false);
    return add_op(s, op->name, "", n != 0);
}

/* PyTorch's bytecode has operators for what are instructions here. */
static const char *prim_name(const struct ptm_program *p, const struct ptm_inst *inst, bool enums)
{
    if (inst->op == P_UNPACK)
        return "prim::TupleUnpack";
    if (inst->op == P_CHECKCAST)
        return "prim::unchecked_cast";
    if (inst->op != P_GETATTR || !enums)
        return NULL;
    return !strcmp(p->name[inst->a], "value")  ? "prim::EnumValue"
           : !strcmp(p->name[inst->a], "name") ? "prim::EnumName"
                                               : NULL;
}

static enum ptm_status add_ops(struct selection *s, const struct ptm_model *m,
                               const struct ptm_op_notes *notes, struct ptm_err *err)
{
    const struct ptm_program *p = &m->program;
    struct survey survey = {0};
    bool enums = false;
    for (uint32_t i = 0; i < p->n_classes; i++)
        enums |= p->cls[i].is_enum;
    enum ptm_status rc = survey_make(&survey, m, err);
    for (uint32_t f = 0; f < p->n_fns && !rc; f++)
        for (uint32_t i = 0; i < p->fn[f].n_insts && survey.reachable[f] && !rc; i++) {
            const struct ptm_inst *inst = &p->fn[f].inst[i];
            const char *prim = prim_name(p, inst, enums);
            if ((inst->op == P_OP && !add_place(s, &p->op[inst->a], inst, notes)) ||
                (prim && !add_op(s, prim, "", !strcmp(prim, "prim::EnumValue"))))
                rc = no_memory(err);
        }
    survey_release(&survey);
    return rc;
}

/* -- what the plans run -- */

static uint32_t dtypes_of(const struct ptm_graph *g, const struct ptm_node *n)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < n->n_in; i++)
        if (g->operand[n->in + i] != PTM_NO_VALUE)
            bits |= 1u << g->value[g->operand[n->in + i]].type.dtype;
    for (uint32_t i = 0; i < n->n_out; i++)
        bits |= 1u << g->value[n->out + i].type.dtype;
    return bits;
}

static bool add_step(struct selection *s, const struct ptm_graph *g,
                     const struct ptm_plan_step *step)
{
    const struct ptm_node *n = &g->node[step->node];
    bool own = step->backend && !step->info.reference;
    struct selected_kernel key = {
        .op = ptm_op_info((enum ptm_op)n->op)->name,
        .backend = own ? step->backend->name : "ref",
        .kernel = own ? step->info.kernel : "c",
        .isa = own && step->info.isa ? step->info.isa : "",
    };
    size_t i = 0;
    while (i < s->n_kernels &&
           (strcmp(s->kernel[i].op, key.op) || strcmp(s->kernel[i].backend, key.backend) ||
            strcmp(s->kernel[i].kernel, key.kernel) || strcmp(s->kernel[i].isa, key.isa)))
        i++;
    if (i == s->n_kernels) {
        void *v = s->kernel;
        if (!ptm_arena_grow(&s->arena, &v, &s->cap_kernels, s->n_kernels + 1, sizeof(*s->kernel)))
            return false;
        s->kernel = v;
        key.kernel = ptm_arena_str(&s->arena, key.kernel, strlen(key.kernel));
        key.isa = ptm_arena_str(&s->arena, key.isa, strlen(key.isa));
        s->kernel[s->n_kernels++] = key;
    }
    s->kernel[i].dtypes |= dtypes_of(g, n);
    s->kernel[i].steps++;
    s->kernel[i].models |= UINT64_C(1) << (s->n_models - 1);
    return !s->arena.failed;
}

static enum ptm_status add_plans(struct selection *s, const struct ptm_session *session,
                                 struct ptm_err *err)
{
    for (const struct ptm_piece *p = session->pieces; p; p = p->next)
        for (size_t i = 0; i < p->plan.n_steps; i++)
            if (p->plan.step[i].node != PTM_NO_VALUE &&
                !add_step(s, &p->graph, &p->plan.step[i]))
                return no_memory(err);
    return PTM_OK;
}

/* -- one model -- */

static enum ptm_status call(struct selection *s, const struct ptm_model *m,
                            const struct inputs *in, const struct ptm_config *config,
                            struct ptm_op_notes *notes, struct ptm_err *err)
{
    struct ptm_session *session = NULL;
    struct ptm_arena arena = {0};
    struct ptm_ival *args, result;
    size_t n_args;
    enum ptm_status rc = ptm_session_open(&session, m, config, err);
    if (rc)
        return rc;
    session->notes = notes;
    for (size_t k = 0; k < in->n_runs && !rc; k++) {
        rc = inputs_make(in, k, &arena, &args, &n_args, err);
        if (!rc)
            rc = inputs_run(in, session, args, n_args, &result, err);
        ptm_arena_release(&arena);
    }
    if (!rc)
        rc = notes->arena.failed ? no_memory(err) : add_plans(s, session, err);
    ptm_session_close(session);
    return rc;
}

enum ptm_status selection_add(struct selection *s, const struct ptm_model *m,
                              const struct inputs *in, const struct ptm_config *config,
                              struct ptm_err *err)
{
    struct ptm_op_notes notes = {0};
    const char *slash = strrchr(m->path, '/'), *name = slash && slash[1] ? slash + 1 : m->path;
    if (s->n_models == SELECTION_MODELS)
        return ptm_fail(err, PTM_ERR_ARG, "%d models at most in one go", SELECTION_MODELS);
    s->model[s->n_models++] = ptm_arena_str(&s->arena, name, strlen(name));
    enum ptm_status rc = PTM_OK;
    if (in) {
        s->n_called++;
        rc = call(s, m, in, config, &notes, err);
    }
    if (!rc)
        rc = add_ops(s, m, &notes, err);
    ptm_arena_release(&notes.arena);
    return rc;
}

static int by_op_name(const void *a, const void *b)
{
    const struct selected_op *x = a, *y = b;
    int c = strcmp(x->name, y->name);
    return c ? c : strcmp(x->overload, y->overload);
}

static int by_kernel(const void *a, const void *b)
{
    const struct selected_kernel *x = a, *y = b;
    int c = strcmp(x->op, y->op);
    c = c ? c : strcmp(x->backend, y->backend);
    return c ? c : strcmp(x->kernel, y->kernel);
}

void selection_sort(struct selection *s)
{
    if (s->n_ops)
        qsort(s->op, s->n_ops, sizeof(*s->op), by_op_name);
    if (s->n_kernels)
        qsort(s->kernel, s->n_kernels, sizeof(*s->kernel), by_kernel);
}

void selection_release(struct selection *s)
{
    ptm_arena_release(&s->arena);
    *s = (struct selection){0};
}
