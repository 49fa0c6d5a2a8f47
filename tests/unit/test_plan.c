/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libcore/plan.c, plan_run.c: random graphs through a plan and through an executor that keeps every
 * value in memory of its own (no views, nothing reused) give the same bits; who owns each byte of
 * the arena is followed apart from ptm_plan_verify; packing; failures.
 */
#include "libcore/plan.h"

#include <math.h>
#include <stdlib.h>

#include "libcore/infer.h"
#include "tests/unit/test.h"

enum { GRAPHS = 500, MAX_NODES = 40 };

static struct ptm_err err;
static uint64_t state = 12345; /* printed with a failure: see test_random */

static struct ptm_err *fresh(void)
{
    err = (struct ptm_err){0};
    return &err;
}

static uint64_t draw(uint64_t below)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (state >> 33) % below;
}

/* A run with memory of its own. */
static enum ptm_status run_fresh(const struct ptm_plan *plan, const struct ptm_nd *arg,
                                 const union ptm_imm *scalar, void *const *out, struct ptm_err *e)
{
    struct ptm_exec x = {0};
    enum ptm_status s = ptm_plan_run(plan, &x, arg, scalar, out, e);
    ptm_exec_release(&x);
    return s;
}

/* -- random graphs -- */

static struct ptm_attr imm(int64_t i)
{
    return (struct ptm_attr){.kind = A_IMM, .u.i = i};
}

static struct ptm_type random_type(void)
{
    struct ptm_type t = {.dtype = PTM_F32, .rank = (uint8_t)draw(5), .qparams = -1};
    for (int i = 0; i < t.rank; i++)
        t.dim[i] = draw(12) ? (int64_t)draw(5) + 1 : 0;
    return t;
}

static uint32_t put_list(struct ptm_attr *a, uint32_t n, const int64_t *v, int count)
{
    a[n++] = imm(count);
    for (int i = 0; i < count; i++)
        a[n++] = imm(v[i]);
    return n;
}

/* Random dims with that many elements. */
static int factor(int64_t n, int64_t *dim)
{
    int rank = 0;
    while (rank < 5 && (n > 1 || draw(3) == 0)) {
        int64_t d = 1 + (int64_t)draw(4);
        if (n == 0)
            d = draw(2) ? 0 : 3;
        else if (rank == 4 || n % d)
            d = n;
        dim[rank++] = d;
        n = n && d ? n / d : 1;
        if (d == 0)
            break;
    }
    return rank;
}

static uint32_t any_value(const struct ptm_graph *g)
{
    uint32_t v;
    do
        v = draw(3) && g->n_values > 6 ? (uint32_t)(g->n_values - 1 - draw(4))
                                       : (uint32_t)draw(g->n_values);
    while (g->value[v].kind == V_SCALAR);
    return v;
}

/* Adds a node when the shape rule takes it. */
static bool add(struct ptm_graph *g, enum ptm_op op, const uint32_t *in, uint32_t n_in,
                const struct ptm_attr *attr, uint32_t n_attr)
{
    struct ptm_type type[4], out[4];
    static const struct ptm_site site = {"net.block", "aten::x", "net.py", 7};
    for (uint32_t i = 0; i < n_in; i++)
        type[i] = g->value[in[i]].type;
    if (ptm_op_infer(op, type, n_in, attr, n_attr, out, NULL) || ptm_type_numel(out) > 5000)
        return false;
    return ptm_graph_node(g, op, in, n_in, attr, n_attr, out, &site) != PTM_NO_VALUE;
}

static void random_node(struct ptm_graph *g, uint32_t scalar)
{
    uint32_t x = any_value(g), in[4] = {x, any_value(g), any_value(g)}, n = 0;
    const struct ptm_type *t = &g->value[x].type;
    int64_t v[PTM_MAX_RANK], w[PTM_MAX_RANK], d = t->rank ? (int64_t)draw(t->rank) : 0;
    struct ptm_attr a[40];
    switch (draw(20)) {
    case 0:
        add(g, OP_relu, in, 1, NULL, 0);
        return;
    case 1:
        a[0].kind = a[1].kind = A_IMM;
        a[0].u.f = ptm_dtype_float(t->dtype) ? -0.5 : -HUGE_VAL;
        a[1].u.f = HUGE_VAL;
        n = draw(2) ? 2 : 0;
        add(g, n ? OP_add : OP_mul, in, 2, a, n);
        return;
    case 2:
    case 3:
        n = put_list(a, 0, v, factor(ptm_type_numel(t), v));
        add(g, OP_reshape, in, 1, a, n);
        return;
    case 4:
    case 5:
        for (int i = 0; i < t->rank; i++)
            v[i] = i;
        for (int i = t->rank - 1; i > 0; i--) {
            int64_t k = (int64_t)draw((uint64_t)i + 1), swap = v[i];
            v[i] = v[k];
            v[k] = swap;
        }
        n = put_list(a, 0, v, t->rank);
        add(g, OP_permute, in, 1, a, n);
        return;
    case 6:
        v[0] = 1 + (int64_t)draw(3);
        for (int i = 0; i < t->rank; i++)
            v[i + 1] = t->dim[i] == 1 ? 1 + (int64_t)draw(3) : t->dim[i];
        n = put_list(a, 0, v, t->rank + 1);
        add(g, OP_expand, in, 1, a, n);
        return;
    case 7:
    case 8: {
        struct ptm_attr cut[4] = {imm(d), imm((int64_t)draw(3)), imm((int64_t)draw(4)),
                                  imm(1 + (int64_t)draw(2))};
        /* the scalar is 1 when running: only where that fits */
        if (draw(3) == 0 && t->rank && t->dim[d] > 0 &&
            (cut[2].u.i - 1) * cut[3].u.i + 1 < t->dim[d])
            cut[1] = (struct ptm_attr){.kind = A_SYM, .u.value = scalar};
        add(g, OP_slice, in, 1, cut, 4);
        return;
    }
    case 9:
        for (int i = 0; i < 3; i++) {
            v[i] = 1 + (int64_t)draw(3);
            w[i] = (int64_t)draw(4);
        }
        n = put_list(a, put_list(a, 0, v, 3), w, 3);
        a[n++] = imm((int64_t)draw(3));
        add(g, OP_as_strided, in, 1, a, n);
        return;
    case 10:
    case 16:
    case 17:
    case 18: /* of values made lately, so that dims agree and they may be made in place */
        a[0] = imm(d);
        for (int i = 1; i < 3 && draw(4); i++)
            for (uint32_t k = 0; k < g->n_values; k++)
                if (ptm_type_equal(&g->value[k].type, t) && draw(3))
                    in[i] = k;
        add(g, OP_concat, in, draw(2) ? 3 : 2, a, 1);
        return;
    case 19:
        add(g, OP_neg, in, 1, NULL, 0);
        return;
    case 11:
        a[0] = imm(d);
        add(g, OP_cummax, in, 1, a, 1);
        if (g->value[g->n_values - 1].out_no == 1) { /* back to the common dtype */
            in[0] = (uint32_t)g->n_values - 1;
            a[0] = imm(PTM_F32);
            add(g, OP_cast, in, 1, a, 1);
        }
        return;
    case 12:
        n = put_list(a, 0, &d, t->rank ? 1 : 0);
        a[n++] = imm((int64_t)draw(2));
        add(g, OP_sum, in, 1, a, n);
        return;
    case 13: {
        struct ptm_attr cut[3] = {imm(d), imm((int64_t)draw(2)), imm(1)};
        add(g, OP_slice_scatter, in, 2, cut, 3);
        return;
    }
    case 14:
        add(g, OP_matmul, in, 2, NULL, 0);
        return;
    case 15:
        n = put_list(a, 0, &d, t->rank ? 1 : 0);
        add(g, OP_flip, in, 1, a, n);
        return;
    }
}

static void random_graph(struct ptm_graph *g, struct ptm_arena *arena)
{
    ptm_graph_init(g, arena);
    uint32_t scalar = ptm_graph_scalar(g, false);
    for (uint64_t i = 1 + draw(3); i > 0; i--) {
        struct ptm_type t = random_type();
        ptm_graph_arg(g, &t);
    }
    for (uint64_t i = draw(3); i > 0; i--) {
        struct ptm_type t = random_type();
        struct ptm_const c = {.key = i};
        float *data = ptm_arena_array(arena, 2000, sizeof(*data));
        for (int k = 0; k < 2000; k++)
            data[k] = (float)draw(1000) / 100 - 5;
        c.data = data;
        if (ptm_strides_contiguous(t.rank, t.dim, c.stride) > 0 && t.rank > 1 && draw(2)) {
            int64_t s = c.stride[0]; /* another order of dims, spread */
            c.stride[0] = c.stride[1] * 2;
            c.stride[1] = s * 3;
            if (t.dim[0] * c.stride[0] + t.dim[1] * c.stride[1] + 700 > 2000)
                ptm_strides_contiguous(t.rank, t.dim, c.stride);
        }
        ptm_graph_const(g, &t, &c);
    }
    for (uint64_t i = draw(MAX_NODES); i > 0; i--)
        random_node(g, scalar);
    for (uint64_t i = 1 + draw(5); i > 0; i--)
        ptm_graph_output(g, any_value(g));
    if (draw(2))
        ptm_graph_output(g, g->output[0]);
}

/* -- arguments with strange strides -- */

struct args {
    struct ptm_nd nd[8];
    float data[8][6000];
};

static void make_args(const struct ptm_graph *g, struct args *a)
{
    for (size_t i = 0; i < g->n_inputs; i++) {
        const struct ptm_type *t = &g->value[g->input[i]].type;
        struct ptm_nd *nd = &a->nd[i];
        int64_t s = 1;
        *nd = (struct ptm_nd){.data = a->data[i], .dtype = t->dtype, .rank = t->rank};
        memcpy(nd->dim, t->dim, sizeof(nd->dim));
        bool reversed = draw(2), spread = draw(2), broadcast = draw(4) == 0;
        for (int k = 0; k < t->rank; k++) {
            int d = reversed ? k : t->rank - 1 - k;
            nd->stride[d] = broadcast && k == 1 ? 0 : s;
            s *= t->dim[d] > 0 ? t->dim[d] + (spread && k == 0) : 1;
        }
        for (int k = 0; k < 6000; k++)
            a->data[i][k] = (float)draw(2000) / 100 - 10;
    }
}

/* -- the plain executor -- */

static struct ptm_nd dense(const struct ptm_type *t)
{
    struct ptm_nd nd = {.dtype = t->dtype, .rank = t->rank};
    memcpy(nd.dim, t->dim, sizeof(nd.dim));
    ptm_strides_contiguous(t->rank, t->dim, nd.stride);
    nd.data = calloc((size_t)ptm_type_numel(t) + 1, ptm_dtype_bytes(t->dtype));
    return nd;
}

static void run_plainly(const struct ptm_graph *g, const struct args *args, struct ptm_nd *nd)
{
    for (size_t v = 0; v < g->n_values; v++) {
        const struct ptm_value *value = &g->value[v];
        if (value->kind == V_ARG) {
            nd[v] = args->nd[value->ref];
        } else if (value->kind == V_CONST) {
            const struct ptm_const *c = &g->constant[value->ref];
            nd[v] = dense(&value->type);
            free(nd[v].data);
            memcpy(&nd[v].data, &c->data, sizeof(c->data));
            memcpy(nd[v].stride, c->stride, sizeof(c->stride));
        } else if (value->kind == V_NODE) {
            nd[v] = dense(&value->type);
        }
    }
    for (size_t i = 0; i < g->n_nodes; i++) {
        const struct ptm_node *n = &g->node[i];
        struct ptm_nd in[4];
        struct ptm_attr attr[40];
        for (uint32_t k = 0; k < n->n_in; k++)
            in[k] = nd[g->operand[n->in + k]];
        for (uint32_t k = 0; k < n->n_attr; k++) {
            attr[k] = g->attr[n->attr + k];
            if (attr[k].kind == A_SYM)
                attr[k] = imm(1);
        }
        CHECK_INT(ptm_eager_run(n->op, in, n->n_in, attr, n->n_attr, &nd[n->out], fresh()), PTM_OK);
        CHECK_STR(err.msg, "");
    }
}

/* -- who owns which byte of the arena -- */

/* Every element of v that a step touches: `owner` of its bytes becomes, or is, `base`. */
static bool touch(const struct ptm_plan *p, uint32_t v, uint32_t base, uint32_t *owner, bool write)
{
    const struct ptm_type *t = &p->graph->value[v].type;
    size_t size = ptm_dtype_bytes(t->dtype);
    int64_t index[PTM_MAX_RANK] = {0};
    for (int64_t n = ptm_type_numel(t); n > 0; n--) {
        int64_t at = p->place[v].offset;
        for (int k = 0; k < t->rank; k++)
            at += index[k] * p->place[v].stride[k] * (int64_t)size;
        for (size_t b = 0; b < size; b++) {
            if (at < 0 || (size_t)at + b >= p->arena_bytes)
                return false;
            if (write)
                owner[(size_t)at + b] = base;
            else if (owner[(size_t)at + b] != base)
                return false;
        }
        for (int k = t->rank - 1; k >= 0 && ++index[k] == t->dim[k]; k--)
            index[k] = 0;
    }
    return true;
}

static bool owners_agree(const struct ptm_plan *p)
{
    const struct ptm_graph *g = p->graph;
    uint32_t *owner = calloc(p->arena_bytes + 1, sizeof(*owner));
    uint32_t *base = calloc(g->n_values + 1, sizeof(*base));
    bool ok = true;
    for (uint32_t v = 0; v < g->n_values; v++)
        base[v] = p->place[v].view ? base[g->operand[g->node[g->value[v].ref].in]]
                  : p->place[v].part_of != PTM_NO_VALUE ? p->place[v].part_of + 1 : v + 1;
    for (size_t i = 0; i < p->n_steps; i++) {
        const struct ptm_node *n = &g->node[p->step[i].node];
        bool over = p->place[n->out].over != PTM_NO_VALUE;
        for (uint32_t k = 0; over && k < n->n_in; k++) /* in place: read before it is written */
            if (p->place[g->operand[n->in + k]].root == R_ARENA)
                ok = ok && touch(p, g->operand[n->in + k], base[g->operand[n->in + k]], owner,
                                 false);
        for (uint32_t k = 0; k < n->n_out; k++)
            if (p->place[n->out + k].root == R_ARENA)
                ok = ok && touch(p, n->out + k, base[n->out + k], owner, true);
        for (uint32_t k = 0; k < n->n_out; k++) /* the outputs of one step are apart */
            if (p->place[n->out + k].root == R_ARENA)
                ok = ok && touch(p, n->out + k, base[n->out + k], owner, false);
        for (uint32_t k = 0; !over && k < n->n_in; k++) {
            uint32_t v = g->operand[n->in + k];
            if (p->place[v].root == R_ARENA)
                ok = ok && touch(p, v, base[v], owner, false);
        }
    }
    free(owner);
    free(base);
    return ok;
}

static void test_random(void)
{
    static struct args args;
    size_t views = 0, steps = 0, copies = 0, nodes = 0, parts = 0;
    for (int round = 0; round < GRAPHS; round++) {
        uint64_t seed = state;
        int failed_before = test_failed;
        struct ptm_arena arena = {0};
        struct ptm_graph g;
        struct ptm_plan plan;
        struct ptm_nd nd[4 + 4 * MAX_NODES];
        void *out[8];
        union ptm_imm one = {.i = 1};
        random_graph(&g, &arena);
        make_args(&g, &args);
        CHECK_INT(ptm_graph_verify(&g, fresh()), PTM_OK);
        CHECK_STR(err.msg, "");
        CHECK_INT(ptm_plan_make(&plan, &g, &arena, NULL, fresh()), PTM_OK);
        CHECK_INT(ptm_plan_verify(&plan, fresh()), PTM_OK);
        CHECK_STR(err.msg, "");
        CHECK(owners_agree(&plan));
        run_plainly(&g, &args, nd);
        for (size_t i = 0; i < g.n_outputs; i++)
            out[i] = dense(&g.value[g.output[i]].type).data;
        CHECK_INT(run_fresh(&plan, args.nd, &one, out, fresh()), PTM_OK);
        CHECK_STR(err.msg, "");
        for (size_t i = 0; i < g.n_outputs; i++) {
            const struct ptm_type *t = &g.value[g.output[i]].type;
            struct ptm_nd want = dense(t);
            struct ptm_attr a[1 + PTM_MAX_RANK];
            uint32_t n = put_list(a, 0, t->dim, t->rank);
            CHECK(!ptm_eager_run(OP_reshape, &nd[g.output[i]], 1, a, n, &want, NULL));
            CHECK(!memcmp(want.data, out[i],
                          (size_t)ptm_type_numel(t) * ptm_dtype_bytes(t->dtype)));
            free(want.data);
            free(out[i]);
        }
        for (size_t v = 0; v < g.n_values; v++) {
            views += plan.place[v].view;
            parts += plan.place[v].part_of != PTM_NO_VALUE;
            if (g.value[v].kind == V_NODE)
                free(nd[v].data);
        }
        steps += plan.n_steps;
        copies += plan.n_copies;
        nodes += g.n_nodes;
        ptm_arena_release(&arena);
        if (test_failed > failed_before) {
            printf("in round %d, seed %" PRIu64 "\n", round, seed);
            return;
        }
    }
    /* the graphs exercise what they are for */
    CHECK(nodes == steps + views && views > 500 && steps > 1000 && copies > 100 &&
          parts > 100);
}

/* -- graphs by hand -- */

static void plan_text(struct ptm_graph *g, struct ptm_arena *arena, struct ptm_plan *plan,
                      const char *text)
{
    ptm_graph_init(g, arena);
    CHECK_INT(ptm_graph_parse(g, text, fresh()), PTM_OK);
    CHECK_INT(ptm_graph_verify(g, fresh()), PTM_OK);
    CHECK_INT(ptm_plan_make(plan, g, arena, NULL, fresh()), PTM_OK);
    CHECK_STR(err.msg, "");
    CHECK_INT(ptm_plan_verify(plan, fresh()), PTM_OK);
}

static void test_packing(void)
{
    struct ptm_arena arena = {0};
    struct ptm_graph g;
    struct ptm_plan p;
    /* a chain works in place; the last is the output's */
    plan_text(&g, &arena, &p,
              "%0: f32[100] = arg\n%1 = relu(%0)\n%2 = relu(%1)\n%3 = relu(%2)\n%4 = relu(%3)\n"
              "%5 = relu(%4)\nreturn %5");
    CHECK_INT(p.arena_bytes, 448);
    /* x + x.t() does not: x is read in another order than it would be written */
    plan_text(&g, &arena, &p,
              "%0: f32[4, 4] = arg\n%1 = relu(%0)\n%2 = permute(%1) perm=[1, 0]\n"
              "%3 = add(%1, %2)\n%4 = neg(%3)\nreturn %4");
    CHECK(p.place[3].over == PTM_NO_VALUE);
    CHECK_INT(p.arena_bytes, 128);
    plan_text(&g, &arena, &p,
              "%0: f32[100] = arg\n%1 = relu(%0)\n%2 = relu(%1)\n%3 = relu(%2)\n%4 = relu(%3)\n"
              "%5 = relu(%4)\nreturn %5");
    CHECK_INT(p.n_copies, 0);
    CHECK(p.place[5].root == R_OUT);
    /* flattened output: the pool writes straight to it */
    plan_text(&g, &arena, &p,
              "%0: f32[1, 4, 8, 8] = arg\n%1 = adaptive_avg_pool(%0) size=[1, 1]\n"
              "%2 = reshape(%1) dims=[1, 4]\nreturn %2");
    CHECK_INT(p.arena_bytes, 0);
    CHECK_INT(p.n_steps, 1);
    CHECK(p.place[1].root == R_OUT && p.place[2].view);
    /* views of arguments, of constants; a copy where strides cannot say it */
    plan_text(&g, &arena, &p,
              "%0: f32[2, 3, 4] = arg\n%1: f32[3, 4] = const key=1\n"
              "%2 = permute(%0) perm=[2, 0, 1]\n%3 = slice(%2) dim=0 start=1 len=2 step=2\n"
              "%4 = permute(%1) perm=[1, 0]\n%5 = slice(%4) dim=0 start=1 len=2 step=2\n"
              "%6 = reshape(%5) dims=[2, 1, 3]\n%7 = add(%3, %6)\n%8 = permute(%7) perm=[0, 2, 1]\n"
              "%9 = reshape(%8) dims=[12]\n%10 = relu(%9)\nreturn %10, %0, %10");
    CHECK_INT(p.n_steps, 3);
    CHECK(p.place[3].root == R_ARG && p.place[6].root == R_CONST && p.place[8].view);
    CHECK_INT(p.place[6].offset, 1);
    CHECK_INT(p.place[6].stride[0], 2);
    CHECK_INT(p.place[6].stride[2], 4);
    CHECK(!p.place[9].view);
    CHECK_INT(p.n_copies, 2);
    ptm_arena_release(&arena);
}

/* Outputs that may be written in an input's memory. */
static void test_donors(void)
{
    static const struct {
        const char *text;
        uint32_t donor; /* of the last output */
    } rows[] = {
        {"%2 = slice_scatter(%0, %1) dim=0 start=2 step=1\nreturn %2", 0},
        {"%2 = neg(%0)\n%3 = slice_scatter(%0, %1) dim=0 start=2 step=1\nreturn %2, %3", 0},
        {"%2 = reshape(%0) dims=[24]\n%3 = reshape(%1) dims=[6]\n"
         "%4 = as_strided_scatter(%2, %3) strides=[1] offset=6\n%5 = reshape(%4) dims=[4, 6]\n"
         "return %5", 0},
        /* read later; read by the step; returned; only a part; not the buffer alone */
        {"%2 = slice_scatter(%0, %1) dim=0 start=2 step=1\n%3 = neg(%0)\nreturn %3, %2",
         PTM_NO_VALUE},
        {"%2 = slice(%0) dim=0 start=0 len=1 step=1\n"
         "%3 = slice_scatter(%0, %2) dim=0 start=2 step=1\nreturn %3", PTM_NO_VALUE},
        {"%2 = slice_scatter(%0, %1) dim=0 start=2 step=1\nreturn %0, %2", PTM_NO_VALUE},
        {"%2 = slice(%0) dim=0 start=0 len=3 step=1\n"
         "%3 = slice_scatter(%2, %1) dim=0 start=2 step=1\nreturn %3", PTM_NO_VALUE},
        {"%2 = permute(%0) perm=[1, 0]\n%3 = reshape(%1) dims=[6, 1]\n"
         "%4 = slice_scatter(%2, %3) dim=1 start=2 step=1\nreturn %4", PTM_NO_VALUE},
        {"%2 = slice_scatter(%0, %1) dim=0 start=2 step=1\n%3 = concat(%2, %1) dim=0\nreturn %3",
         PTM_NO_VALUE},
    };
    const struct ptm_plan_options o = {.args_row_major = true};
    struct ptm_arena arena = {0};
    for (size_t i = 0; i < PTM_LEN(rows); i++) {
        char text[400];
        struct ptm_graph g;
        struct ptm_plan p;
        snprintf(text, sizeof(text), "%%0: f32[4, 6] = arg\n%%1: f32[1, 6] = arg\n%s", rows[i].text);
        ptm_graph_init(&g, &arena);
        CHECK_INT(ptm_graph_parse(&g, text, fresh()), PTM_OK);
        CHECK_INT(ptm_plan_make(&p, &g, &arena, &o, fresh()), PTM_OK);
        CHECK_STR(err.msg, "");
        CHECK_INT(p.donor[g.n_outputs - 1], rows[i].donor);
        if (i)
            continue;
        float kept[24] = {0}, row[6] = {1, 2, 3, 4, 5, 6};
        struct ptm_nd arg[2] = {{kept, PTM_F32, 2, {4, 6}, {6, 1}}, {row, PTM_F32, 2, {1, 6}, {6, 1}}};
        void *out[1] = {kept};
        struct ptm_exec x = {0};
        CHECK_INT(ptm_plan_run(&p, &x, arg, NULL, out, fresh()), PTM_ERR_MEMORY);
        CHECK(kept[12] == 0); /* nothing is written that could not be undone */
        CHECK(ptm_exec_room_to_undo(&x, 1, ptm_plan_donated_bytes(&p, 0)));
        CHECK_INT(ptm_plan_run(&p, &x, arg, NULL, out, fresh()), PTM_OK);
        CHECK(kept[12] == 1 && kept[17] == 6 && kept[11] == 0 && kept[18] == 0);
        ptm_exec_undo(&x);
        CHECK(kept[12] == 0 && kept[17] == 0);
        ptm_exec_release(&x);
    }
    ptm_arena_release(&arena);
}

static void test_failures(void)
{
    struct ptm_arena arena = {0};
    struct ptm_graph g;
    struct ptm_plan p;
    float x[12] = {0}, y[12];
    int64_t index[2] = {0, 3};
    struct ptm_nd arg[2] = {{x, PTM_F32, 2, {3, 4}, {4, 1}}, {index, PTM_I64, 1, {2}, {1}}};
    void *out[1] = {y};
    union ptm_imm start = {.i = 0};
    plan_text(&g, &arena, &p,
              "%0: f32[3, 4] = arg\n%1: i64[2] = arg\n"
              "%2 = index_select(%0, %1) dim=0  # net.emb aten::index_select net.py:12\nreturn %2");
    CHECK_INT(run_fresh(&p, arg, NULL, out, fresh()), PTM_ERR_TYPE);
    CHECK_STR(err.msg,
              "index out of range in 'index_select' (net.emb aten::index_select, net.py:12)");
    index[1] = -3;
    CHECK_INT(run_fresh(&p, arg, NULL, out, fresh()), PTM_OK);
    arg[1].rank = 2;
    CHECK_INT(run_fresh(&p, arg, NULL, out, fresh()), PTM_ERR_ARG);
    CHECK_STR(err.msg, "input 1 is i64[2, 0], the plan is for i64[2]");
    arg[1].rank = 1;
    arg[0].data = NULL;
    CHECK_INT(run_fresh(&p, arg, NULL, out, fresh()), PTM_ERR_ARG);
    arg[0].data = x;
    for (uint64_t n = 1; n <= 2; n++) {
        ptm_memory_fail_at(n);
        CHECK_INT(run_fresh(&p, arg, NULL, out, fresh()), PTM_ERR_MEMORY);
        ptm_memory_fail_at(0);
    }
    static const struct {
        const char *node;
        int64_t low, high; /* starts that are allowed */
    } cuts[] = {
        {"slice(%0) dim=1 start=%1 len=2 step=2", 0, 1},
        {"slice(%0) dim=0 start=%1 len=0 step=1", 0, 3},
        {"slice_scatter(%0, %0) dim=1 start=%1 step=1", 0, 0},
        {"as_strided(%2) dims=[2, 3] strides=[4, 2] offset=%1", 0, 3},
        {"as_strided_scatter(%2, %2) strides=[1] offset=%1", 0, 0},
    };
    for (size_t i = 0; i < PTM_LEN(cuts); i++) {
        char text[400];
        float big[16];
        out[0] = big;
        snprintf(text, sizeof(text),
                 "%%0: f32[3, 4] = arg\n%%1: i64[] = scalar\n%%2 = reshape(%%0) dims=[12]\n"
                 "%%3 = %s\nreturn %%3", cuts[i].node);
        plan_text(&g, &arena, &p, text);
        for (start.i = -2; start.i < 14; start.i++) {
            bool good = start.i >= cuts[i].low && start.i <= cuts[i].high;
            CHECK_INT(run_fresh(&p, arg, &start, out, fresh()), good ? PTM_OK : PTM_ERR_TYPE);
        }
        start.i = INT64_MAX;
        CHECK_INT(run_fresh(&p, arg, &start, out, fresh()), PTM_ERR_TYPE);
        start.i = INT64_MIN;
        CHECK_INT(run_fresh(&p, arg, &start, out, fresh()), PTM_ERR_TYPE);
    }
    /* planning without memory */
    for (uint64_t n = 1; n <= 2; n++) {
        struct ptm_arena other = {0};
        ptm_memory_fail_at(n);
        CHECK_INT(ptm_plan_make(&p, &g, &other, NULL, fresh()), PTM_ERR_MEMORY);
        ptm_memory_fail_at(0);
        ptm_arena_release(&other);
    }
    ptm_arena_release(&arena);
}

/* The verifier finds places that are wrong. */
#define BROKEN(change, text)                                                                       \
    do {                                                                                           \
        struct ptm_arena arena = {0};                                                              \
        struct ptm_graph g;                                                                        \
        struct ptm_plan p;                                                                         \
        plan_text(&g, &arena, &p, graph);                                                          \
        change;                                                                                    \
        CHECK(ptm_plan_verify(&p, fresh()) != PTM_OK);                                             \
        if (!test_result(strstr(err.msg, text) != NULL, __FILE__, __LINE__))                       \
            printf("'%s' is not in '%s'\n", text, err.msg);                                        \
        ptm_arena_release(&arena);                                                                 \
    } while (0)

static void test_broken(void)
{
    static const char graph[] =
        "%0: f32[100] = arg\n%1 = relu(%0)\n%2 = reshape(%1) dims=[10, 10]\n%3 = neg(%0)\n"
        "%4 = permute(%2) perm=[1, 0]\n%5 = add(%4, %4)\n%6 = reshape(%3) dims=[10, 10]\n"
        "%7 = add(%5, %6)\nreturn %7, %0";
    BROKEN(p.place[3].offset = p.place[6].offset = p.place[1].offset, "share bytes");
    BROKEN(p.place[3].offset += 4, "at bytes");
    BROKEN(p.arena_bytes -= 64, "at bytes");
    BROKEN(p.place[2].offset += 64, "its storage at");
    BROKEN(p.place[4].root = R_OUT, "is a view in root");
    BROKEN(p.place[1].root = R_CONST, "has root");
    BROKEN(p.place[0].view = true, "has root");
    BROKEN(p.place[7].ref = 9, "in output 9 of 2");
    BROKEN(p.place[7].stride[0] = 1, "not copied");
    BROKEN(p.n_copies = 0, "not copied");
    BROKEN(p.n_steps--, "has no step");
    BROKEN(p.step[0].node = 2, "runs node");
    BROKEN(p.step[1].fn = NULL, "runs node");
}

int main(void)
{
    test_random();
    test_packing();
    test_donors();
    test_failures();
    test_broken();
    TEST_END;
}
