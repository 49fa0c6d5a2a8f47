/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes plans: which nodes are views, which backend runs each other node and in which order of
 * dims, where values live, in which bytes of the arena.
 *
 * Method
 *  1. Which values are written straight to an output's buffer: outputs that a node makes, and,
 *     behind a reshape, what the reshape reads.
 *  2. Nodes in order: a view over known strides becomes a place in its input's storage, anything
 *     else a step with dense storage of its own. Rank-4 results are row-major or channels-last: as
 *     the backend that claims the node wants, else like the inputs. An operand that lies otherwise
 *     than the backend wants is copied by a step before, once for all readers.
 *     An elementwise result takes the bytes of an operand that nobody reads any more.
 *  3. A storage lives from the step that writes it to the last that reads it or a view of it.
 *     Largest first, each goes to the lowest offset that is free for its whole life.
 */
#include "libcore/plan_make.h"

#include <string.h>

#include "libcore/clock.h"
#include "libcore/infer.h"


/* -- views -- */

/* Reshape without moving: runs of input dims that are one evenly spaced array are cut anew. */
static bool reshape_strides(const struct ptm_type *in, const int64_t *in_stride,
                            const struct ptm_type *out, int64_t *stride)
{
    int64_t n = 1, step = 1; /* what is left of the present run, and its spacing */
    int k = in->rank - 1;
    if (ptm_type_numel(out) == 0) {
        ptm_strides_contiguous(out->rank, out->dim, stride);
        return true;
    }
    for (int i = out->rank - 1; i >= 0; i--) {
        stride[i] = step;
        if (out->dim[i] == 1)
            continue;
        if (n == 1) {
            while (in->dim[k] == 1)
                k--;
            step = in_stride[k];
            n = in->dim[k--];
            /* step * n reaches just past the run: an outer dim that begins there continues it */
            for (; k >= 0 && (in->dim[k] == 1 || in_stride[k] == step * n); k--)
                n *= in->dim[k];
        }
        if (n % out->dim[i])
            return false;
        stride[i] = step;
        step *= out->dim[i];
        n /= out->dim[i];
    }
    return true;
}

bool ptm_view_layout(const struct ptm_graph *g, const struct ptm_node *n, const int64_t *in_stride,
                     int64_t *offset, int64_t *stride)
{
    const struct ptm_type *out = &g->value[n->out].type;
    struct ptm_attr_at at[PTM_MAX_ATTRS];
    if (strcmp(ptm_op_info(n->op)->cls, "view") ||
        ptm_attr_split(n->op, g->attr + n->attr, n->n_attr, at, NULL))
        return false;
    const struct ptm_type *in = &g->value[g->operand[n->in]].type;
    *offset = 0;
    memset(stride, 0, PTM_MAX_RANK * sizeof(*stride));
    switch (n->op) {
    case OP_reshape:
        return reshape_strides(in, in_stride, out, stride);
    case OP_permute:
        for (int i = 0; i < out->rank; i++)
            stride[i] = in_stride[at[0].at[i].u.i];
        return true;
    case OP_expand:
        for (int i = 0; i < in->rank; i++)
            if (in->dim[i] == out->dim[i + out->rank - in->rank])
                stride[i + out->rank - in->rank] = in_stride[i];
        return true;
    case OP_slice: {
        int64_t d = at[0].at->u.i;
        if (at[1].at->kind == A_SYM)
            return false;
        memcpy(stride, in_stride, (size_t)out->rank * sizeof(*stride));
        stride[d] *= out->dim[d] > 1 ? at[3].at->u.i : 1;
        *offset = ptm_type_numel(out) ? at[1].at->u.i * in_stride[d] : 0;
        return true;
    }
    case OP_as_strided:
        if (at[2].at->kind == A_SYM)
            return false;
        for (int i = 0; i < out->rank; i++)
            stride[i] = out->dim[i] > 1 ? at[1].at[i].u.i * in_stride[0] : 0;
        *offset = ptm_type_numel(out) ? at[2].at->u.i * in_stride[0] : 0;
        return true;
    }
    return false;
}

/* Views that any strides can say: the strides of arguments are known only when running. */
static bool always_a_view(const struct ptm_graph *g, const struct ptm_node *n)
{
    int64_t any[PTM_MAX_RANK] = {0}, offset, stride[PTM_MAX_RANK];
    if (n->op != OP_reshape)
        return ptm_view_layout(g, n, any, &offset, stride);
    /* only dims of size 1 come and go */
    const struct ptm_type *in = &g->value[g->operand[n->in]].type, *out = &g->value[n->out].type;
    int i = 0, k = 0;
    for (;; i++, k++) {
        while (i < in->rank && in->dim[i] == 1)
            i++;
        while (k < out->rank && out->dim[k] == 1)
            k++;
        if (i == in->rank || k == out->rank)
            return i == in->rank && k == out->rank;
        if (in->dim[i] != out->dim[k])
            return false;
    }
}

/* -- places -- */

static void choose_out_buffers(struct ptm_planner *p)
{
    const struct ptm_graph *g = p->g;
    for (size_t v = 0; v < g->n_values; v++)
        p->out_no[v] = PTM_NO_VALUE;
    for (size_t i = g->n_outputs; i-- > 0;)
        if (g->value[g->output[i]].kind == V_NODE)
            p->out_no[g->output[i]] = (uint32_t)i;
    for (size_t i = g->n_nodes; i-- > 0;) {
        const struct ptm_node *n = &g->node[i];
        uint32_t x = n->op == OP_reshape ? g->operand[n->in] : 0;
        if (n->op == OP_reshape && p->out_no[n->out] != PTM_NO_VALUE &&
            g->value[x].kind == V_NODE && p->out_no[x] == PTM_NO_VALUE)
            p->out_no[x] = p->out_no[n->out];
    }
}

/* Place for the node's only output inside its input's storage, if that can be. */
static bool place_view(struct ptm_planner *p, const struct ptm_node *n)
{
    const struct ptm_graph *g = p->g;
    uint32_t x = n->n_in ? g->operand[n->in] : PTM_NO_VALUE;
    int64_t offset;
    if (x == PTM_NO_VALUE)
        return false;
    const struct ptm_place *in = &p->plan->place[x];
    struct ptm_place *out = &p->plan->place[n->out];
    bool moved_in = p->out_no[n->out] == p->out_no[x]; /* a reshape chosen above */
    if (p->out_no[n->out] != PTM_NO_VALUE && !(moved_in && n->op == OP_reshape))
        return false;
    bool late = in->root == R_ARG && !p->o->args_row_major; /* strides known only when running */
    if (late ? !always_a_view(g, n) : !ptm_view_layout(g, n, in->stride, &offset, out->stride))
        return false;
    out->root = in->root;
    out->ref = in->ref;
    out->view = true;
    if (in->root == R_ARENA)
        out->offset = offset * (int64_t)ptm_dtype_bytes(g->value[n->out].type.dtype);
    else if (!late)
        out->offset = in->offset + offset;
    p->base[n->out] = p->base[x];
    p->unread[p->base[x]] += p->unread[n->out] - 1; /* this read is replaced by the view's */
    return true;
}

/* -- orders of dims -- */

void ptm_dense_strides(const struct ptm_type *t, bool channels_last, int64_t *stride)
{
    ptm_strides_contiguous(t->rank, t->dim, stride);
    if (!channels_last || t->rank != 4)
        return;
    int64_t c = t->dim[1] > 1 ? t->dim[1] : 1, w = t->dim[3] > 1 ? t->dim[3] : 1;
    stride[1] = 1;
    stride[3] = c;
    stride[2] = c * w;
    stride[0] = c * w * (t->dim[2] > 1 ? t->dim[2] : 1);
}

bool ptm_lies_dense(const struct ptm_type *t, const int64_t *stride, bool channels_last)
{
    int64_t want[PTM_MAX_RANK];
    ptm_dense_strides(t, channels_last, want);
    for (int i = 0; i < t->rank; i++)
        if (t->dim[i] > 1 && stride[i] != want[i])
            return false;
    return true;
}

bool ptm_lies_in_rows(const struct ptm_type *t, const int64_t *stride, bool channels_last)
{
    static const uint8_t nhwc[] = {0, 2, 3, 1}, nchw[] = {0, 1, 2, 3, 4, 5, 6, 7};
    const uint8_t *order = channels_last && t->rank == 4 ? nhwc : nchw;
    int64_t step = 0; /* from one run to the next; 0: not known yet */
    if (!t->rank || ptm_type_numel(t) == 0)
        return true;
    int inner = order[t->rank - 1];
    if (t->dim[inner] > 1 && stride[inner] != 1)
        return false;
    for (int i = t->rank - 2; i >= 0; i--) {
        int d = order[i];
        if (t->dim[d] == 1)
            continue;
        if (step ? stride[d] != step : stride[d] < t->dim[inner])
            return false;
        step = stride[d] * t->dim[d];
    }
    return true;
}

/* Does some rank-4 input lie channels-last (and not row-major as well)? */
static bool follows_channels_last(const struct ptm_planner *p, const struct ptm_node *n)
{
    for (uint32_t i = 0; i < n->n_in; i++) {
        uint32_t v = p->g->operand[n->in + i];
        if (v == PTM_NO_VALUE || p->g->value[v].kind == V_CONST || p->g->value[v].type.rank != 4)
            continue;
        const struct ptm_place *place = &p->plan->place[v];
        const struct ptm_type *t = &p->g->value[v].type;
        if (place->root == R_ARG && !p->o->args_row_major)
            continue;
        if (ptm_lies_in_rows(t, place->stride, true) && !ptm_lies_in_rows(t, place->stride, false))
            return true;
    }
    return false;
}

/* Reference kernels write any strides: results keep the inputs' order where dims correspond. */
static bool keeps_order(const struct ptm_node *n)
{
    static const char *const classes[] = {"elementwise", "conv", "pool", "norm"};
    const char *cls = ptm_op_info(n->op)->cls;
    for (size_t i = 0; i < PTM_LEN(classes); i++)
        if (!strcmp(cls, classes[i]))
            return true;
    return n->op == OP_concat || n->op == OP_pad || n->op == OP_slice_scatter;
}

/* Dense storage for place v of type t, written by the step to come. */
static enum ptm_status place_result(struct ptm_planner *p, uint32_t v, const struct ptm_type *t,
                                    bool channels_last, struct ptm_err *err)
{
    struct ptm_place *place = &p->plan->place[v];
    size_t size = ptm_dtype_bytes(t->dtype), n = (size_t)ptm_type_numel(t);
    ptm_dense_strides(t, channels_last, place->stride);
    if (v < p->g->n_values && p->out_no[v] != PTM_NO_VALUE && ptm_lies_dense(t, place->stride, false)) {
        place->root = R_OUT;
        place->ref = p->out_no[v];
        return PTM_OK;
    }
    if (n > (PTRDIFF_MAX - PTM_STORE_ALIGN) / size)
        return ptm_fail(err, PTM_ERR_MEMORY, "a result of %zu elements of %zu bytes", n, size);
    uint32_t first = (uint32_t)p->plan->n_steps;
    place->root = R_ARENA;
    p->store_no[v] = (uint32_t)p->n_stores;
    p->store[p->n_stores++] = (struct ptm_store){
        .value = v, .first = first, .last = first, 
        .bytes = (n * size + PTM_STORE_ALIGN - 1) / PTM_STORE_ALIGN * PTM_STORE_ALIGN};
    return PTM_OK;
}

/* Does operand v lie as a backend wants it? */
static bool lies_right(const struct ptm_planner *p, uint32_t v, bool channels_last,
                       const struct ptm_claim *claim)
{
    const struct ptm_value *value = &p->g->value[v];
    const struct ptm_place *place = &p->plan->place[v];
    if (claim->any_strides || value->kind == V_CONST || value->kind == V_SCALAR)
        return true;
    channels_last = channels_last && value->type.rank == 4;
    return !(place->root == R_ARG && (claim->over_reads || !p->o->args_row_major)) &&
           (ptm_lies_dense(&value->type, place->stride, channels_last) ||
            (claim->row_inputs && ptm_lies_in_rows(&value->type, place->stride, channels_last)));
}

/* The place of operand v in the order that a backend wants: v, or a copy made by a step. */
static enum ptm_status reorder(struct ptm_planner *p, uint32_t v, bool channels_last,
                               const struct ptm_claim *claim, uint32_t *at, struct ptm_err *err)
{
    const struct ptm_value *value = &p->g->value[v];
    *at = v;
    if (lies_right(p, v, channels_last, claim))
        return PTM_OK;
    channels_last = channels_last && value->type.rank == 4;
    uint32_t *copy = &p->reordered[2 * v + channels_last];
    if (*copy == PTM_NO_VALUE) {
        struct ptm_plan *plan = p->plan;
        *copy = (uint32_t)plan->n_places++;
        plan->copy_of[*copy - p->g->n_values] = v;
        p->base[*copy] = *copy;
        plan->place[*copy].over = plan->place[*copy].part_of = PTM_NO_VALUE;
        PTM_TRY(place_result(p, *copy, &value->type, channels_last, err));
        if (plan->place[p->base[v]].root == R_ARENA)
            p->store[p->store_no[p->base[v]]].last = (uint32_t)plan->n_steps;
        plan->step[plan->n_steps++] =
            (struct ptm_plan_step){.node = PTM_NO_VALUE, .from = v, .to = *copy};
    }
    *at = *copy;
    return PTM_OK;
}

/* Reference kernels that read each element before they write it, whatever the strides. */
static bool works_in_place(const struct ptm_node *n)
{
    if (n->op == OP_batch_norm)
        return true;
    return !strcmp(ptm_op_info(n->op)->cls, "elementwise") && n->op != OP_cumsum &&
           n->op != OP_cumprod && n->op != OP_cummax && n->op != OP_cummin &&
           n->op != OP_searchsorted && n->n_out == 1;
}

static bool fills_storage(const struct ptm_planner *p, uint32_t at)
{
    const struct ptm_plan *plan = p->plan;
    const struct ptm_type *t = &p->g->value[ptm_plan_value(plan, at)].type;
    const struct ptm_type *b = &p->g->value[ptm_plan_value(plan, p->base[at])].type;
    return !(plan->place[at].view && plan->place[at].offset) &&
           ptm_type_numel(t) == ptm_type_numel(b) && t->dtype == b->dtype;
}

/* Is the operand's storage read in one way only by the node? (x + x.t() is not in place) */
static bool read_alike(const struct ptm_planner *p, const struct ptm_node *n, uint32_t at)
{
    const struct ptm_place *a = &p->plan->place[at];
    for (uint32_t i = 0; i < n->n_in; i++) {
        uint32_t other = p->plan->operand[n->in + i];
        if (other == PTM_NO_VALUE || p->base[other] != p->base[at])
            continue;
        const struct ptm_place *b = &p->plan->place[other];
        if (a->view != b->view || a->offset != b->offset ||
            memcmp(a->stride, b->stride, sizeof(a->stride)))
            return false;
    }
    return true;
}

/* The operand whose bytes the node's result may take, or PTM_NO_VALUE. */
static uint32_t dying_operand(const struct ptm_planner *p, const struct ptm_node *n, bool last)
{
    const struct ptm_type *t = &p->g->value[n->out].type;
    for (uint32_t i = 0; i < n->n_in; i++) {
        uint32_t at = p->plan->operand[n->in + i];
        if (at == PTM_NO_VALUE || at >= p->g->n_values || !ptm_type_numel(t))
            continue;
        const struct ptm_place *place = &p->plan->place[at];
        if (place->root == R_ARENA && !p->unread[p->base[at]] && fills_storage(p, at) &&
            ptm_type_equal(t, &p->g->value[at].type) && ptm_lies_dense(t, place->stride, last) &&
            read_alike(p, n, at))
            return at;
    }
    return PTM_NO_VALUE;
}

/* The result goes where operand `at` lies: its storage lives on. */
static void place_over(struct ptm_planner *p, uint32_t v, uint32_t at, bool last)
{
    struct ptm_place *place = &p->plan->place[v];
    place->root = R_ARENA;
    place->over = at;
    ptm_dense_strides(&p->g->value[v].type, last, place->stride);
    p->store_no[v] = p->store_no[p->base[at]];
    p->store[p->store_no[v]].last = (uint32_t)p->plan->n_steps;
}

/* A build for other models (ptm strip-unused-ops --build) has too few kernels: all that this graph
 * misses, from its node `first` on. */
static enum ptm_status no_kernel(const struct ptm_planner *p, uint32_t first, struct ptm_err *err)
{
    const struct ptm_graph *g = p->g;
    bool told[PTM_N_OPS] = {false};
    char names[400] = "";
    size_t at = 0;
    for (size_t k = first; k < g->n_nodes; k++) {
        const struct ptm_node *n = &g->node[k];
        const char *name = ptm_op_info((enum ptm_op)n->op)->name;
        struct ptm_claim c = {0};
        bool have = told[n->op] || ptm_ref_find(name);
        for (size_t i = 0; i < p->o->n_backends && !have; i++)
            have = !p->o->backend[i]->claim(g, n, &c);
        if (have || at > sizeof(names) - 64)
            continue;
        told[n->op] = true;
        at += (size_t)snprintf(names + at, sizeof(names) - at, "%s'%s'", at ? ", " : "", name);
    }
    return ptm_fail(err, PTM_ERR_UNSUPPORTED,
                    "this build has no kernel for %s: build it again with this model in 'ptm "
                    "strip-unused-ops --build'",
                    names);
}

static bool results_last(const struct ptm_planner *p, const struct ptm_node *n,
                         const struct ptm_claim *claim, bool backend)
{
    bool last = claim->layout == LAYOUT_CHANNELS_LAST ||
                (claim->layout == LAYOUT_SAME && (backend || keeps_order(n)) &&
                 follows_channels_last(p, n));
    for (uint32_t i = 0; i < n->n_out && !backend; i++)
        last = last && p->out_no[n->out + i] == PTM_NO_VALUE; /* written where it is wanted */
    return last;
}

/* Would an operand have to be copied for this node alone? */
static bool needs_copy(const struct ptm_planner *p, const struct ptm_node *n,
                       const struct ptm_claim *claim)
{
    bool last = results_last(p, n, claim, true);
    for (uint32_t i = 0; i < n->n_in; i++) {
        uint32_t v = p->g->operand[n->in + i];
        if (v != PTM_NO_VALUE && !lies_right(p, v, last, claim) &&
            p->reordered[2 * v + (last && p->g->value[v].type.rank == 4)] == PTM_NO_VALUE)
            return true;
    }
    return false;
}

/* The first backend that claims the node. But a copy costs as much as an elementwise node: where
 * the first would need one, a later one that takes any strides has it. */
static void choose_backend(const struct ptm_planner *p, const struct ptm_node *n,
                           struct ptm_plan_step *step, struct ptm_claim *claim)
{
    bool light = !strcmp(ptm_op_info(n->op)->cls, "elementwise");
    for (size_t i = 0; i < p->o->n_backends; i++) {
        struct ptm_claim c = {0};
        const char *why = p->o->backend[i]->claim(p->g, n, &c);
        if (why && i == 0)
            step->reason = why;
        if (why || (step->backend && !c.any_strides))
            continue;
        if (step->backend && !step->reason)
            step->reason = "operands that lie otherwise";
        step->backend = p->o->backend[i];
        *claim = c;
        if (!light || !needs_copy(p, n, &c))
            return;
    }
}

static enum ptm_status place_node(struct ptm_planner *p, uint32_t node, struct ptm_err *err)
{
    const struct ptm_node *n = &p->g->node[node];
    const struct ptm_op_info *info = ptm_op_info(n->op);
    struct ptm_plan *plan = p->plan;
    struct ptm_plan_step step = {.node = node};
    struct ptm_claim claim = {.any_strides = true, .any_outputs = true, .layout = LAYOUT_SAME,
                              .in_place = works_in_place(n)};
    if (place_view(p, n))
        return PTM_OK;
    choose_backend(p, n, &step, &claim);
    if (!step.backend) {
        step.fn = ptm_ref_find(info->name);
        if (!step.fn)
            return no_kernel(p, node, err);
    }
    bool last = results_last(p, n, &claim, step.backend);
    p->chosen[node] = (struct ptm_chosen){claim, last};
    for (uint32_t i = 0; i < n->n_in; i++) {
        uint32_t v = p->g->operand[n->in + i], at = v;
        if (v == PTM_NO_VALUE)
            continue;
        PTM_TRY(reorder(p, v, last, &claim, &at, err));
        plan->operand[n->in + i] = at;
    }
    for (uint32_t i = 0; i < n->n_in; i++) {
        uint32_t at = plan->operand[n->in + i];
        if (at != PTM_NO_VALUE && plan->place[p->base[at]].root == R_ARENA)
            p->store[p->store_no[p->base[at]]].last = (uint32_t)plan->n_steps;
    }
    for (uint32_t i = 0; i < n->n_in; i++)
        if (p->g->operand[n->in + i] != PTM_NO_VALUE)
            p->unread[p->base[p->g->operand[n->in + i]]]--;
    uint32_t over = claim.in_place && p->out_no[n->out] == PTM_NO_VALUE ? dying_operand(p, n, last)
                                                                        : PTM_NO_VALUE;
    if (over != PTM_NO_VALUE)
        place_over(p, n->out, over, last);
    for (uint32_t i = 0; over == PTM_NO_VALUE && i < n->n_out; i++)
        PTM_TRY(place_result(p, n->out + i, &p->g->value[n->out + i].type, last, err));
    uint32_t seen = info->max_in != UINT8_MAX && n->n_in < info->max_in ? info->max_in : n->n_in;
    plan->most_in = seen > plan->most_in ? seen : plan->most_in;
    plan->most_attr = n->n_attr > plan->most_attr ? n->n_attr : plan->most_attr;
    plan->step[plan->n_steps++] = step;
    return PTM_OK;
}

static void place_given(struct ptm_planner *p)
{
    const struct ptm_graph *g = p->g;
    static const uint8_t root[] = {
        [V_ARG] = R_ARG, [V_CONST] = R_CONST, [V_NODE] = R_ARENA, [V_SCALAR] = R_SCALAR};
    for (uint32_t v = 0; v < g->n_values; v++) {
        struct ptm_place *place = &p->plan->place[v];
        p->base[v] = v;
        place->over = place->part_of = PTM_NO_VALUE;
        place->root = root[g->value[v].kind];
        place->ref = g->value[v].ref;
        if (g->value[v].kind == V_CONST)
            memcpy(place->stride, g->constant[place->ref].stride, sizeof(place->stride));
        else if (g->value[v].kind == V_ARG && p->o->args_row_major)
            ptm_strides_contiguous(g->value[v].type.rank, g->value[v].type.dim, place->stride);
    }
}

/* -- compiling -- */

static struct ptm_nd operand_nd(const struct ptm_plan *plan, uint32_t at, bool with_data)
{
    const struct ptm_graph *g = plan->graph;
    struct ptm_nd nd = {.dtype = PTM_ABSENT};
    if (at == PTM_NO_VALUE)
        return nd;
    const struct ptm_type *t = &g->value[ptm_plan_value(plan, at)].type;
    nd.dtype = t->dtype;
    nd.rank = t->rank;
    memcpy(nd.dim, t->dim, sizeof(nd.dim));
    memcpy(nd.stride, plan->place[at].stride, sizeof(nd.stride));
    if (with_data && plan->place[at].root == R_CONST) {
        const char *data = (const char *)g->constant[plan->place[at].ref].data +
                           plan->place[at].offset * (int64_t)ptm_dtype_bytes(t->dtype);
        memcpy(&nd.data, &data, sizeof(data));
    }
    return nd;
}

static enum ptm_status compile(struct ptm_planner *p, struct ptm_arena *work, struct ptm_err *err)
{
    struct ptm_plan *plan = p->plan;
    struct ptm_nd *in = ptm_arena_array(work, plan->most_in + 1u, sizeof(*in)), out[4];
    if (!in)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory to compile a plan");
    for (size_t i = 0; i < plan->n_steps; i++) {
        struct ptm_plan_step *s = &plan->step[i];
        if (!s->backend)
            continue;
        const struct ptm_node *n = &p->g->node[s->node];
        for (uint32_t k = 0; k < plan->most_in; k++)
            in[k] = operand_nd(plan, k < n->n_in ? plan->operand[n->in + k] : PTM_NO_VALUE, true);
        for (uint32_t k = 0; k < n->n_out; k++)
            out[k] = operand_nd(plan, n->out + k, false);
        uint8_t most = ptm_op_info(n->op)->max_in;
        struct ptm_step_request rq = {
            .graph = p->g, .node = n, .in = in, .out = out, .n_out = n->n_out,
            .n_in = most != UINT8_MAX && n->n_in < most ? most : n->n_in, .pool = p->o->pool,
            .packs = p->o->packs};
        PTM_TRY(s->backend->compile(&rq, &s->object, &s->info, err));
        if (s->info.scratch_bytes > plan->scratch_bytes)
            plan->scratch_bytes = s->info.scratch_bytes;
    }
    return PTM_OK;
}

static enum ptm_status make(struct ptm_planner *p, struct ptm_arena *arena, struct ptm_arena *work,
                            struct ptm_err *err)
{
    struct ptm_plan *plan = p->plan;
    const struct ptm_graph *g = p->g;
    /* at most one copy of each order per value, and only where a backend may ask for it */
    size_t n_places = g->n_values + (p->o->n_backends ? 2 * g->n_values : 0);
    plan->place = ptm_arena_array(arena, n_places + 1, sizeof(*plan->place));
    plan->copy_of = ptm_arena_array(arena, n_places - g->n_values + 1, sizeof(*plan->copy_of));
    plan->operand = ptm_arena_copy(arena, g->operand, g->n_operands * sizeof(*plan->operand));
    plan->step = ptm_arena_array(arena, g->n_nodes + n_places - g->n_values + 1,
                                 sizeof(*plan->step));
    plan->n_places = g->n_values;
    plan->copy_out = ptm_arena_array(arena, g->n_outputs + 1, sizeof(*plan->copy_out));
    p->reordered = ptm_arena_array(work, 2 * g->n_values + 1, sizeof(*p->reordered));
    p->base = ptm_arena_array(work, n_places + 1, sizeof(*p->base));
    p->unread = ptm_arena_array(work, n_places + 1, sizeof(*p->unread));
    p->out_no = ptm_arena_array(work, g->n_values + 1, sizeof(*p->out_no));
    p->store_no = ptm_arena_array(work, n_places + 1, sizeof(*p->store_no));
    p->store = ptm_arena_array(work, n_places + 1, sizeof(*p->store));
    p->chosen = ptm_arena_array(work, g->n_nodes + 1, sizeof(*p->chosen));
    if (arena->failed || work->failed)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory to plan %zu nodes", g->n_nodes);
    memset(p->reordered, 0xff, 2 * g->n_values * sizeof(*p->reordered));
    for (size_t i = 0; i < g->n_operands; i++)
        if (g->operand[i] != PTM_NO_VALUE)
            p->unread[g->operand[i]]++;
    for (size_t i = 0; i < g->n_outputs; i++)
        p->unread[g->output[i]]++;
    choose_out_buffers(p);
    place_given(p);
    for (uint32_t i = 0; i < g->n_nodes; i++)
        PTM_TRY(place_node(p, i, err));
    for (size_t i = 0; i < g->n_outputs; i++) /* copied to its buffer at the end */
        if (plan->place[g->output[i]].root == R_ARENA)
            p->store[p->store_no[p->base[g->output[i]]]].last = UINT32_MAX;
    PTM_TRY(ptm_plan_join(p, work, err));
    PTM_TRY(ptm_plan_pack(p, work, err));
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        const struct ptm_place *place = &plan->place[g->output[i]];
        if (place->root != R_OUT || place->ref != i)
            plan->copy_out[plan->n_copies++] = i;
    }
    if (!ptm_plan_donors(plan, arena))
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory to plan %zu nodes", g->n_nodes);
    int64_t start = ptm_clock_ns();
    enum ptm_status s = compile(p, work, err);
    plan->pack_ns = ptm_clock_ns() - start;
    return s;
}

enum ptm_status ptm_plan_make(struct ptm_plan *plan, const struct ptm_graph *g,
                              struct ptm_arena *arena, const struct ptm_plan_options *options,
                              struct ptm_err *err)
{
    static const struct ptm_plan_options reference;
    struct ptm_arena work = {0};
    struct ptm_planner p = {.plan = plan, .g = g, .o = options ? options : &reference};
    *plan = (struct ptm_plan){.graph = g, .pool = p.o->pool, .args_row_major = p.o->args_row_major};
    enum ptm_status s = make(&p, arena, &work, err);
    ptm_arena_release(&work);
    if (s)
        ptm_plan_release(plan);
    return s;
}

void ptm_plan_release(struct ptm_plan *plan)
{
    for (size_t i = 0; i < plan->n_steps; i++)
        if (plan->step[i].object)
            plan->step[i].backend->free(plan->step[i].object);
    plan->n_steps = 0;
}

