/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs plans, and single operators at once with the reference kernels.
 *
 * A run makes one table of the arrays of all values: roots (arguments, constants, outputs, the
 * arena) with the offsets and strides of the plan; views of arguments, whose strides are only
 * known now, are worked out here. Then one kernel call per step.
 */
#include "libcore/plan.h"

#include <string.h>

#include "libcore/infer.h"
#include "libcore/map.h"
#include "libcore/walk.h"

/* -- memory -- */

union overflow_block {
    union overflow_block *next;
    max_align_t align;
};

/* Scratch of one kernel call: from the buffer, zeroed; past its end in blocks of their own, and the
 * buffer is larger the next time. */
static void *scratch_alloc(void *ctx, size_t bytes)
{
    struct ptm_exec *x = ctx;
    if (bytes > PTRDIFF_MAX / 2)
        return NULL;
    bytes = (bytes + 63) / 64 * 64;
    x->scratch_wanted += bytes;
    if (bytes <= x->scratch_bytes - x->scratch_used) {
        void *p = x->scratch + x->scratch_used;
        x->scratch_used += bytes;
        return memset(p, 0, bytes);
    }
    union overflow_block *b = ptm_malloc(sizeof(*b) + bytes);
    if (!b)
        return NULL;
    b->next = x->overflow;
    x->overflow = b;
    return b + 1;
}

static void scratch_release(struct ptm_exec *x)
{
    for (union overflow_block *b = x->overflow, *next; b; b = next) {
        next = b->next;
        ptm_free(b);
    }
    x->overflow = NULL;
    if (x->scratch_wanted > x->scratch_bytes) {
        ptm_free(x->scratch);
        x->scratch = ptm_malloc(x->scratch_wanted);
        x->scratch_bytes = x->scratch ? x->scratch_wanted : 0;
    }
    x->scratch_used = x->scratch_wanted = 0;
}

/* At least `bytes` in *p; what was in it is lost. */
static bool reserve(char **p, size_t *have, size_t bytes)
{
    if (bytes <= *have)
        return true;
    ptm_free(*p);
    *p = ptm_malloc(bytes);
    *have = *p ? bytes : 0;
    return *p;
}

enum { ARENA_ALIGN = 64, SLACK = 64 }; /* slack: what backends may read past the end */

static enum ptm_status make_room(struct ptm_exec *x, const struct ptm_plan *plan,
                                 struct ptm_err *err)
{
    /* one more than needed: an empty graph has tables too */
    size_t n_nd = plan->n_places + plan->most_in + 1;
    size_t tables = n_nd * sizeof(struct ptm_nd) + plan->most_attr * sizeof(union ptm_imm);
    if (plan->arena_bytes > PTRDIFF_MAX - ARENA_ALIGN - SLACK ||
        !reserve(&x->arena, &x->arena_bytes, plan->arena_bytes + ARENA_ALIGN + SLACK) ||
        !reserve(&x->tables, &x->tables_bytes, tables))
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for %zu bytes of intermediate results",
                        plan->arena_bytes);
    return PTM_OK;
}

enum ptm_status ptm_exec_prepare(struct ptm_exec *x, const struct ptm_plan *plan,
                                 struct ptm_err *err)
{
    size_t arena = x->arena_bytes, scratch = x->scratch_bytes;
    PTM_TRY(make_room(x, plan, err));
    if (!reserve(&x->scratch, &x->scratch_bytes, plan->scratch_bytes))
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for %zu bytes of working space",
                        plan->scratch_bytes);
    if (x->arena_bytes != arena)
        ptm_map_prefault_write(x->arena, x->arena_bytes);
    if (x->scratch_bytes != scratch)
        ptm_map_prefault_write(x->scratch, x->scratch_bytes);
    return PTM_OK;
}

void ptm_exec_release(struct ptm_exec *x)
{
    scratch_release(x);
    ptm_free(x->arena);
    ptm_free(x->tables);
    ptm_free(x->args);
    ptm_free(x->scratch);
    ptm_free(x->undo);
    ptm_free(x->saved);
    *x = (struct ptm_exec){0};
}

enum ptm_status ptm_exec_begin(struct ptm_exec *x, const struct ptm_graph *g, struct ptm_nd **arg,
                               union ptm_imm **scalar, void ***out, struct ptm_err *err)
{
    size_t arg_bytes = g->n_inputs * sizeof(**arg), scalar_bytes = g->n_scalars * sizeof(**scalar);
    size_t bytes = arg_bytes + scalar_bytes + g->n_outputs * sizeof(**out);
    if (!reserve(&x->args, &x->args_bytes, bytes + 1))
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the %zu arguments of a piece",
                        g->n_inputs);
    *arg = (void *)x->args;
    *scalar = (void *)(x->args + arg_bytes);
    *out = (void *)(x->args + arg_bytes + scalar_bytes);
    return PTM_OK;
}

/* -- one kernel call -- */

static enum ptm_status call(const struct ptm_plan_step *step, const char *op,
                            struct ptm_ref_call *c, struct ptm_exec *x, struct ptm_err *err)
{
    c->scratch = scratch_alloc;
    c->scratch_ctx = x;
    int rc = step->backend ? step->backend->run(step->object, c) : step->fn(c);
    scratch_release(x);
    if (rc == PTM_REF_MEMORY)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the working space of '%s'", op);
    if (rc == PTM_REF_RANGE)
        return ptm_fail(err, PTM_ERR_TYPE, "index out of range in '%s'", op);
    if (rc)
        return ptm_fail(err, PTM_ERR_TYPE, "the kernel of '%s' returned %d", op, rc);
    return PTM_OK;
}

/* Zero-element arrays may come without memory; kernels are handed an address all the same. */
static max_align_t nowhere;

static void give_address(struct ptm_nd *nd)
{
    if (!nd->data && nd->dtype != PTM_ABSENT)
        nd->data = &nowhere;
}

static const struct ptm_nd absent = {.dtype = PTM_ABSENT};

/* Kernels see the optional inputs too, absent ones as such. */
static uint32_t inputs_seen(const struct ptm_op_info *info, uint32_t n_in)
{
    return info->max_in != UINT8_MAX && n_in < info->max_in ? info->max_in : n_in;
}

enum ptm_status ptm_eager_run(enum ptm_op op, const struct ptm_nd *in, uint32_t n_in,
                              const struct ptm_attr *attr, uint32_t n_attr,
                              const struct ptm_nd *out, struct ptm_err *err)
{
    const struct ptm_op_info *info = ptm_op_info(op);
    ptm_ref_fn *fn = info ? ptm_ref_find(info->name) : NULL;
    if (!fn)
        return ptm_fail(err, PTM_ERR_UNSUPPORTED, "operator '%s' has no reference kernel",
                        info ? info->name : "?");
    uint32_t seen = inputs_seen(info, n_in);
    size_t nd_bytes = ((size_t)seen + info->n_out) * sizeof(*in);
    struct ptm_nd *nd = ptm_malloc(nd_bytes + (size_t)n_attr * sizeof(union ptm_imm));
    if (!nd)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory to call '%s' with %u inputs", info->name,
                        n_in);
    union ptm_imm *imm = (void *)((char *)nd + nd_bytes);
    for (uint32_t i = 0; i < seen; i++)
        nd[i] = i < n_in ? in[i] : absent;
    for (uint32_t i = 0; i < info->n_out; i++)
        nd[seen + i] = out[i];
    for (uint32_t i = 0; i < seen + info->n_out; i++)
        give_address(&nd[i]);
    for (uint32_t i = 0; i < n_attr; i++)
        imm[i].i = attr[i].u.i;
    struct ptm_ref_call c = {.out = nd + seen, .in = nd, .attr = imm, .n_out = info->n_out,
                             .n_in = (int)seen, .n_attr = (int)n_attr};
    struct ptm_exec x = {0};
    enum ptm_status s = call(&(struct ptm_plan_step){.fn = fn}, info->name, &c, &x, err);
    ptm_exec_release(&x);
    ptm_free(nd);
    return s;
}

/* -- one run of a plan -- */

struct run {
    const struct ptm_plan *plan;
    struct ptm_exec *exec;
    const struct ptm_graph *g;
    const union ptm_imm *scalar;
    struct ptm_nd *nd; /* per value */
    struct ptm_nd *in; /* of the present step */
    union ptm_imm *imm;
    char *arena; /* 64-byte aligned */
};

/* Where a value's array begins, without the place's offset. */
static struct ptm_nd root_array(const struct run *r, uint32_t v, const struct ptm_nd *arg,
                                void *const *out)
{
    const struct ptm_place *p = &r->plan->place[v];
    const struct ptm_type *t = &r->g->value[ptm_plan_value(r->plan, v)].type;
    struct ptm_nd nd = {.dtype = t->dtype, .rank = t->rank};
    memcpy(nd.dim, t->dim, sizeof(nd.dim));
    memcpy(nd.stride, p->stride, sizeof(nd.stride));
    switch (p->root) {
    case R_ARENA:
        nd.data = r->arena;
        break;
    case R_ARG:
        nd.data = arg[p->ref].data;
        break;
    case R_CONST: {
        /* inputs are only read: the graph's constants stay as they are */
        const void *data = r->g->constant[p->ref].data;
        memcpy(&nd.data, &data, sizeof(data));
        break;
    }
    case R_OUT:
        nd.data = out[p->ref];
        break;
    }
    give_address(&nd);
    return nd;
}

static void shift(struct ptm_nd *nd, int64_t elements)
{
    nd->data = (char *)nd->data + elements * (int64_t)ptm_dtype_bytes(nd->dtype);
}

/* The table of arrays. Views of arguments follow the argument's own strides. */
static enum ptm_status bind(struct run *r, const struct ptm_nd *arg, void *const *out,
                            struct ptm_err *err)
{
    const struct ptm_graph *g = r->g;
    for (uint32_t v = 0; v < r->plan->n_places; v++) {
        const struct ptm_place *p = &r->plan->place[v];
        struct ptm_nd *nd = &r->nd[v];
        if (p->root == R_SCALAR)
            continue;
        *nd = root_array(r, v, arg, out);
        if (p->root == R_ARENA) {
            nd->data = (char *)nd->data + p->offset;
        } else if (p->root != R_ARG || r->plan->args_row_major) {
            shift(nd, p->offset);
        } else if (g->value[v].kind == V_ARG) {
            memcpy(nd->stride, arg[p->ref].stride, sizeof(nd->stride));
        } else {
            const struct ptm_node *n = &g->node[g->value[v].ref];
            const struct ptm_nd *base = &r->nd[g->operand[n->in]];
            int64_t offset;
            if (!ptm_view_layout(g, n, base->stride, &offset, nd->stride))
                return ptm_fail(err, PTM_ERR_TYPE, "value %u is planned as a view, but is none", v);
            nd->data = base->data;
            shift(nd, offset);
        }
    }
    return PTM_OK;
}

static enum ptm_status check_args(const struct ptm_plan *plan, const struct ptm_nd *arg,
                                  struct ptm_err *err)
{
    const struct ptm_graph *g = plan->graph;
    for (size_t i = 0; i < g->n_inputs; i++) {
        const struct ptm_type *t = &g->value[g->input[i]].type;
        struct ptm_type has = {.dtype = arg[i].dtype, .rank = arg[i].rank, .qparams = t->qparams};
        char a[256], b[256];
        memcpy(has.dim, arg[i].dim, sizeof(has.dim));
        if (!ptm_type_equal(t, &has))
            return ptm_fail(err, PTM_ERR_ARG, "input %zu is %s, the plan is for %s", i,
                            ptm_type_text(&has, a, sizeof(a)), ptm_type_text(t, b, sizeof(b)));
        int64_t row_major[PTM_MAX_RANK];
        ptm_strides_contiguous(t->rank, t->dim, row_major);
        for (int d = 0; d < t->rank && plan->args_row_major; d++)
            if (t->dim[d] > 1 && arg[i].stride[d] != row_major[d])
                return ptm_fail(err, PTM_ERR_ARG, "input %zu is not row-major", i);
        if (!arg[i].data && ptm_type_numel(t))
            return ptm_fail(err, PTM_ERR_ARG, "input %zu, %s, has no data", i,
                            ptm_type_text(t, a, sizeof(a)));
    }
    return PTM_OK;
}

static int64_t attr_int(const struct run *r, const struct ptm_attr *a)
{
    return a->kind == A_SYM ? r->scalar[r->g->value[a->u.value].ref].i : a->u.i;
}

/* Starts and offsets that only the run knows: inside the tensor? */
static enum ptm_status check_start(const struct run *r, const struct ptm_node *n,
                                   struct ptm_err *err)
{
    const struct ptm_graph *g = r->g;
    bool slice = n->op == OP_slice || n->op == OP_slice_scatter;
    if (!slice && n->op != OP_as_strided && n->op != OP_as_strided_scatter)
        return PTM_OK;
    const struct ptm_attr *start = ptm_node_attr(g, n, slice ? "start" : "offset");
    if (start->kind != A_SYM)
        return PTM_OK;
    const char *name = ptm_op_info(n->op)->name;
    bool scatter = n->op == OP_slice_scatter || n->op == OP_as_strided_scatter;
    const struct ptm_type *whole = &g->value[g->operand[n->in]].type;
    const struct ptm_type *part = scatter ? &g->value[g->operand[n->in + 1]].type
                                          : &g->value[n->out].type;
    int64_t at = attr_int(r, start), last = 0, size; /* of the part's elements, the furthest */
    if (slice) {
        int64_t d = ptm_node_attr(g, n, "dim")->u.i;
        size = whole->dim[d];
        last = part->dim[d] ? (part->dim[d] - 1) * ptm_node_attr(g, n, "step")->u.i : -1;
    } else {
        const struct ptm_attr *stride = ptm_node_attr(g, n, "strides") + 1;
        size = whole->dim[0];
        for (int i = 0; i < part->rank; i++)
            last += (part->dim[i] - 1) * stride[i].u.i;
        if (!ptm_type_numel(part))
            last = -1;
    }
    if (at < 0 || at > size || last >= size - at)
        return ptm_fail(err, PTM_ERR_TYPE, "'%s' from %lld reaches to %lld in %lld elements", name,
                        (long long)at, (long long)(at < 0 || at > size ? at : at + last),
                        (long long)size);
    return PTM_OK;
}

static enum ptm_status run_step(struct run *r, const struct ptm_plan_step *step,
                                struct ptm_err *err)
{
    const struct ptm_graph *g = r->g;
    const struct ptm_node *n = &g->node[step->node];
    const struct ptm_op_info *info = ptm_op_info(n->op);
    uint32_t seen = inputs_seen(info, n->n_in);
    for (uint32_t i = 0; i < seen; i++) {
        uint32_t v = i < n->n_in ? r->plan->operand[n->in + i] : PTM_NO_VALUE;
        r->in[i] = v == PTM_NO_VALUE ? absent : r->nd[v];
    }
    for (uint32_t i = 0; i < n->n_attr; i++) {
        const struct ptm_attr *a = &g->attr[n->attr + i];
        r->imm[i].i = a->u.i;
        if (a->kind == A_SYM)
            r->imm[i] = r->scalar[g->value[a->u.value].ref];
    }
    PTM_TRY(check_start(r, n, err));
    struct ptm_ref_call c = {.out = &r->nd[n->out], .in = r->in, .attr = r->imm,
                             .n_out = n->n_out, .n_in = (int)seen, .n_attr = (int)n->n_attr};
    if (!ptm_exec_save(r->exec, n, &c))
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory to save what '%s' overwrites", info->name);
    return call(step, info->name, &c, r->exec, err);
}

/* Adds the place in the user's program to a step's failure. */
static enum ptm_status at_site(const struct ptm_graph *g, const struct ptm_node *n,
                               const struct ptm_err *why, struct ptm_err *err)
{
    if (!n->n_site)
        return ptm_fail(err, why->code, "%s", why->msg);
    const struct ptm_site *s = &g->site[n->site];
    const char *path = s->path ? s->path : "", *aten = s->aten ? s->aten : "";
    if (s->file && *s->file)
        return ptm_fail(err, why->code, "%s (%s%s%s, %s:%u)", why->msg, path, *path ? " " : "",
                        aten, s->file, s->line);
    return ptm_fail(err, why->code, "%s (%s%s%s)", why->msg, path, *path ? " " : "", aten);
}

static void copy_outputs(struct run *r, void *const *out)
{
    const struct ptm_graph *g = r->g;
    for (size_t i = 0; i < r->plan->n_copies; i++) {
        uint32_t k = r->plan->copy_out[i];
        const struct ptm_nd *from = &r->nd[g->output[k]];
        struct ptm_nd to = *from;
        to.data = out[k];
        ptm_strides_contiguous(to.rank, to.dim, to.stride);
        ptm_threads_copy(r->plan->pool, from, &to);
    }
}

enum ptm_status ptm_plan_run(const struct ptm_plan *plan, struct ptm_exec *exec,
                             const struct ptm_nd *arg, const union ptm_imm *scalar,
                             void *const *out, struct ptm_err *err)
{
    const struct ptm_graph *g = plan->graph;
    struct run r = {.plan = plan, .exec = exec, .g = g, .scalar = scalar};
    PTM_TRY(check_args(plan, arg, err));
    PTM_TRY(make_room(exec, plan, err));
    r.arena = exec->arena + (ARENA_ALIGN - (uintptr_t)exec->arena % ARENA_ALIGN) % ARENA_ALIGN;
    r.nd = (void *)exec->tables;
    r.in = r.nd + plan->n_places;
    r.imm = (void *)(r.in + plan->most_in);
    PTM_TRY(bind(&r, arg, out, err));
    ptm_event_ends(exec->events, PTM_EVENT_BIND, 0);
    for (size_t i = 0; i < plan->n_steps; i++) {
        struct ptm_err why = {0};
        const struct ptm_plan_step *step = &plan->step[i];
        if (step->node == PTM_NO_VALUE)
            ptm_threads_copy(plan->pool, &r.nd[step->from], &r.nd[step->to]);
        else if (run_step(&r, step, &why))
            return at_site(g, &g->node[step->node], &why, err);
        ptm_event_ends(exec->events, PTM_EVENT_STEP, (uint32_t)i);
    }
    if (plan->n_copies) {
        copy_outputs(&r, out);
        ptm_event_ends(exec->events, PTM_EVENT_OUTPUTS, 0);
    }
    return PTM_OK;
}
