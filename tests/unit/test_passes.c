/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Graph passes on the models of tests/e2e/passes: how often each finds something (passes.csv;
 * PTM_UPDATE=1 writes it again), that outputs stay, that four exports of one network end in the
 * same graph; random graphs; recipes, bad ones too; memory that runs out. Single passes: tests/ir/pass_*.txt.
 */
#include "tests/unit/test.h"

#include <glob.h>
#include <math.h>
#include <stdlib.h>

#include "kernels/ref_util.h"
#include "libcore/passes.h"
#include "libcore/session.h"

enum { MAX_CSV = 64 * 1024 };

struct run {
    struct ptm_model *m;
    struct ptm_session *s;
    struct ptm_err err;
};

/* The model after one run on some image, with or without passes. */
static bool begin(struct run *r, const char *path, const struct ptm_recipe *recipe)
{
    static float x[3 * 32 * 32];
    struct ptm_config config = {.recipe = recipe};
    struct ptm_ival out;
    for (size_t i = 0; i < PTM_LEN(x); i++)
        x[i] = (float)(i * 7919 % 1000) / 500 - 1;
    *r = (struct run){0};
    struct ptm_tensor *t = ptm_tensor_wrap(PTM_F32, 4, (int64_t[]){1, 3, 32, 32}, x);
    struct ptm_ival v = {.tag = PTM_TENSOR, .u.tensor = t};
    bool ok = !ptm_model_open(&r->m, path, ptm_format_find, &r->err) &&
              !ptm_session_open(&r->s, r->m, &config, &r->err) &&
              !ptm_session_run(r->s, "forward", &v, 1, &out, &r->err);
    ptm_tensor_free(t);
    if (!ok)
        printf("%s: %s\n", path, r->err.msg);
    return ok && r->s->last && r->s->last->n_steps == 1;
}

static void end(struct run *r)
{
    ptm_session_close(r->s);
    ptm_model_close(r->m);
}

static const struct ptm_piece *piece(const struct run *r)
{
    return r->s->last->step[0].piece;
}

/* -- tests/e2e/passes.csv -- */

static void one_model(const char *path, char *csv)
{
    struct run r;
    CHECK(begin(&r, path, &ptm_recipe_default));
    if (!r.s || !r.s->last) {
        end(&r);
        return;
    }
    const struct ptm_piece *p = piece(&r);
    const char *name = strrchr(path, '/') + 1;
    size_t n = strlen(csv);
    n += (size_t)snprintf(csv + n, MAX_CSV - n, "%.*s,%zu,%zu", (int)(strlen(name) - 3), name,
                          p->traced.n_nodes, p->graph.n_nodes);
    for (size_t i = 0; i < ptm_recipe_default.n; i++)
        n += (size_t)snprintf(csv + n, MAX_CSV - n, ",%u", p->hits[i]);
    snprintf(csv + n, MAX_CSV - n, "\n");
    /* nothing is left to be found */
    struct ptm_arena arena = {0};
    struct ptm_graph again;
    uint32_t hits[32] = {0};
    CHECK_INT(ptm_passes_run(&p->graph, &ptm_recipe_default, &arena, &again, hits, NULL, &r.err),
              PTM_OK);
    for (size_t i = 0; i < ptm_recipe_default.n; i++)
        CHECK_INT(hits[i], 0);
    CHECK(ptm_graph_equal(&p->graph, &again));
    struct ptm_passes_verdict verdict;
    CHECK_INT(ptm_passes_verify(&p->traced, &ptm_recipe_default, 1e-5, 1, NULL, NULL, &verdict,
                                &r.err), PTM_OK);
    CHECK_STR(r.err.msg, "");
    CHECK(verdict.runs > 1 && verdict.worst <= 1e-5);
    ptm_arena_release(&arena);
    end(&r);
}

static void test_models(void)
{
    static char csv[MAX_CSV], want[MAX_CSV];
    glob_t files;
    size_t n = (size_t)snprintf(csv, sizeof(csv), "model,nodes,nodes_after");
    for (size_t i = 0; i < ptm_n_passes; i++)
        n += (size_t)snprintf(csv + n, sizeof(csv) - n, ",%s", ptm_passes[i].name);
    snprintf(csv + n, sizeof(csv) - n, "\n");
    CHECK(!glob("tests/e2e/passes/*.pt", 0, NULL, &files) && files.gl_pathc > 10);
    for (size_t i = 0; i < files.gl_pathc; i++)
        one_model(files.gl_pathv[i], csv);
    globfree(&files);
    FILE *f = fopen("tests/e2e/passes.csv", getenv("PTM_UPDATE") ? "w+" : "r");
    CHECK(f != NULL);
    if (!f)
        return;
    if (getenv("PTM_UPDATE")) {
        fputs(csv, f);
        rewind(f);
    }
    want[fread(want, 1, sizeof(want) - 1, f)] = 0;
    fclose(f);
    CHECK_STR(csv, want);
}

/* -- the same network, exported in four ways -- */

static bool same_constant(const struct ptm_graph *a, const struct ptm_graph *b, uint32_t v)
{
    const struct ptm_type *t = &a->value[v].type;
    const struct ptm_const *x = &a->constant[a->value[v].ref], *y = &b->constant[b->value[v].ref];
    int64_t index[PTM_MAX_RANK] = {0};
    do {
        struct ptm_nd p = {.dtype = t->dtype}, q = p;
        int64_t i = 0, k = 0;
        for (int d = 0; d < t->rank; d++) {
            i += index[d] * x->stride[d];
            k += index[d] * y->stride[d];
        }
        memcpy(&p.data, &x->data, sizeof(p.data));
        memcpy(&q.data, &y->data, sizeof(q.data));
        if (fabs(ptm_ref_get_f(&p, i) - ptm_ref_get_f(&q, k)) > 1e-5)
            return false;
    } while (ptm_ref_next(t->rank, t->dim, index));
    return true;
}

/* As ptm_graph_equal, but constants by their contents, which PyTorch rounds in other places. */
static bool same_graph(const struct ptm_graph *a, const struct ptm_graph *b)
{
    if (a->n_values != b->n_values || a->n_nodes != b->n_nodes || a->n_operands != b->n_operands ||
        a->n_attrs != b->n_attrs || a->n_outputs != b->n_outputs ||
        memcmp(a->operand, b->operand, a->n_operands * sizeof(*a->operand)) != 0 ||
        memcmp(a->output, b->output, a->n_outputs * sizeof(*a->output)) != 0)
        return false;
    for (uint32_t v = 0; v < a->n_values; v++) {
        const struct ptm_value *x = &a->value[v], *y = &b->value[v];
        if (x->kind != y->kind || x->out_no != y->out_no || x->ref != y->ref ||
            !ptm_type_equal(&x->type, &y->type))
            return false;
        if (x->kind == V_CONST && !same_constant(a, b, v))
            return false;
    }
    for (size_t i = 0; i < a->n_nodes; i++)
        if (a->node[i].op != b->node[i].op || a->node[i].n_in != b->node[i].n_in ||
            a->node[i].n_attr != b->node[i].n_attr)
            return false;
    for (size_t i = 0; i < a->n_attrs; i++)
        if (a->attr[i].kind != b->attr[i].kind || a->attr[i].u.i != b->attr[i].u.i)
            return false;
    return true;
}

static void test_same(void)
{
    static const char *const kinds[] = {"traced", "scripted", "frozen", "mobile"};
    struct run r[PTM_LEN(kinds)];
    char path[100];
    for (size_t i = 0; i < PTM_LEN(kinds); i++) {
        snprintf(path, sizeof(path), "tests/e2e/passes/mobilenet_v2.%s.pt", kinds[i]);
        CHECK(begin(&r[i], path, &ptm_recipe_default));
    }
    for (size_t i = 1; i < PTM_LEN(kinds); i++)
        if (r[0].s && r[0].s->last && r[i].s && r[i].s->last)
            CHECK(same_graph(&piece(&r[0])->graph, &piece(&r[i])->graph));
    /* merged nodes tell all the places they come from */
    const struct ptm_graph *g = &piece(&r[0])->graph;
    const struct ptm_node *n = &g->node[0];
    CHECK(n->op == OP_conv && n->n_site == 3);
    CHECK_STR(g->site[n->site].path, "features.0.0");
    CHECK_STR(g->site[n->site + 1].aten, "aten::batch_norm");
    CHECK_STR(g->site[n->site + 2].path, "features.0.2");
    for (size_t i = 0; i < PTM_LEN(kinds); i++)
        end(&r[i]);
}

/* -- random graphs of what passes look for -- */

enum { GRAPHS = 300, NODES = 18 };
static uint64_t state = 2026;

static uint32_t draw(uint32_t below)
{
    state = ptm_mix(state, 0x9e37);
    return (uint32_t)(state >> 33) % below;
}

static uint32_t constant(struct ptm_graph *g, int rank, const int64_t *dim)
{
    struct ptm_type t = {.dtype = PTM_F32, .rank = (uint8_t)rank, .qparams = -1};
    struct ptm_const c = {.name = "c", .key = state};
    memcpy(t.dim, dim, (size_t)rank * sizeof(*dim));
    ptm_strides_contiguous(rank, dim, c.stride);
    int64_t n = ptm_type_numel(&t);
    float *v = ptm_arena_array(g->arena, (size_t)n, sizeof(*v));
    static const float special[] = {0, 1, 3, 6, 0.5f, 1.0f / 6};
    for (int64_t i = 0; i < n; i++)
        v[i] = n == 1 && draw(2) ? special[draw(6)] : (float)draw(1000) / 700 + 0.1f;
    c.data = v;
    return ptm_graph_const(g, &t, &c);
}

/* A node when the shape rule takes it. */
static void put(struct ptm_graph *g, enum ptm_op op, const uint32_t *in, uint32_t n_in,
                const int64_t *list, int n_list, const int64_t *ints, int n_ints)
{
    struct ptm_attr a[40] = {{0}};
    struct ptm_type type[8], out[4];
    uint32_t n = 0;
    for (int i = 0; i < n_list; i++)
        a[n++].u.i = list[i];
    for (int i = 0; i < n_ints; i++)
        a[n++].u.i = ints[i];
    n = ptm_attr_fill(op, a, n);
    for (uint32_t i = 0; i < n_in; i++)
        type[i] = in[i] == PTM_NO_VALUE ? (struct ptm_type){.dtype = PTM_ABSENT, .qparams = -1}
                                        : g->value[in[i]].type;
    if (!ptm_op_infer(op, type, n_in, a, n, out, NULL) && ptm_type_numel(out) <= 4096)
        CHECK(ptm_graph_node(g, op, in, n_in, a, n, out, NULL) != PTM_NO_VALUE);
}

static void random_node(struct ptm_graph *g)
{
    uint32_t x;
    do
        x = draw(3) ? (uint32_t)g->n_values - 1 - draw(g->n_values < 4 ? 1 : 4)
                    : draw((uint32_t)g->n_values);
    while (g->value[x].kind == V_CONST);
    const struct ptm_type t = g->value[x].type;
    int64_t c = t.rank > 1 ? t.dim[1] : 1, last = t.rank ? t.dim[t.rank - 1] : 1, k = 1 + draw(2) * 2;
    uint32_t b = draw(2) ? PTM_NO_VALUE : constant(g, 1, (int64_t[]){4});
    uint32_t y = draw((uint32_t)g->n_values);
    static const enum ptm_op unary[] = {OP_relu, OP_sigmoid, OP_hardsigmoid, OP_relu, OP_neg};
    static const enum ptm_op binary[] = {OP_add, OP_mul, OP_sub, OP_add, OP_mul, OP_div};
    int64_t perm[] = {t.rank, 0, 1, 2, 3, 4}, dims[] = {3, 1, 1, ptm_type_numel(&t)};
    switch (draw(12)) {
    case 0:
    case 1: {
        int64_t groups = c % 2 || draw(2) ? 1 : 2, p = draw(2);
        if (t.rank == 3 || t.rank == 4) {
            int64_t s[] = {t.rank - 2, 1, 1}, q[] = {t.rank - 2, p, p}, all[9];
            int n = t.rank - 1;
            memcpy(all, s, (size_t)n * sizeof(*s));
            memcpy(all + n, q, (size_t)n * sizeof(*q));
            memcpy(all + 2 * n, s, (size_t)n * sizeof(*s));
            uint32_t w = constant(g, t.rank, (int64_t[]){4, c / groups, k, k});
            put(g, OP_conv, (uint32_t[]){x, w, b}, 3, all, 3 * n, &groups, 1);
        }
        return;
    }
    case 2:
        if (last <= 64)
            put(g, OP_linear, (uint32_t[]){x, constant(g, 2, (int64_t[]){4, last}), b}, 3, NULL, 0,
                NULL, 0);
        return;
    case 3: {
        double eps = 1e-3;
        int64_t bits;
        memcpy(&bits, &eps, sizeof(bits));
        uint32_t s = constant(g, 1, &c), v = constant(g, 1, &c);
        put(g, OP_batch_norm, (uint32_t[]){x, s, v, v, s}, 5, NULL, 0, &bits, 1);
        return;
    }
    case 4:
    case 5: { /* with a number, one per channel, or another value */
        int64_t dim[] = {draw(2) ? c : 1, 1, 1};
        uint32_t z = draw(3) ? constant(g, t.rank > 1 ? t.rank - 1 : 0, dim) : y;
        bool swap = draw(3) == 0;
        enum ptm_op op = binary[draw(swap ? 5 : 6)];
        if (op == OP_div && g->value[z].kind != V_CONST)
            op = OP_mul;
        put(g, op, (uint32_t[]){swap ? z : x, swap ? x : z}, 2, NULL, 0, NULL, 0);
        return;
    }
    case 6:
    case 7:
        put(g, unary[draw(5)], &x, 1, NULL, 0, NULL, 0);
        return;
    case 8:
        for (int i = 1; i <= t.rank; i++) { /* shuffled */
            int64_t j = 1 + draw((uint32_t)i), p = perm[j];
            perm[j] = perm[i];
            perm[i] = p;
        }
        put(g, OP_permute, &x, 1, perm, 1 + t.rank, NULL, 0);
        return;
    case 9:
        for (int i = 0; i < 4; i++)
            if (dims[3] % 2 == 0 && draw(2)) {
                dims[3] /= 2;
                dims[1 + draw(2)] *= 2;
            }
        put(g, OP_reshape, &x, 1, dims, 4, NULL, 0);
        return;
    case 10: {
        int64_t d = t.rank ? draw(t.rank) : 0;
        if (draw(2))
            put(g, OP_concat, (uint32_t[]){x, x}, 2, NULL, 0, &d, 1);
        else if (t.rank && t.dim[d] > 2)
            put(g, OP_slice, &x, 1, NULL, 0, (int64_t[]){d, draw(2), t.dim[d] / 2, 1}, 4);
        return;
    }
    default:
        if (t.rank == 4)
            put(g, OP_mean, &x, 1, (int64_t[]){2, 2, 3}, 3, (int64_t[]){draw(2)}, 1);
        return;
    }
}

static void test_random(void)
{
    uint64_t found = 0;
    for (int i = 0; i < GRAPHS; i++) {
        uint64_t seed = state;
        int failed = test_failed;
        struct ptm_arena arena = {0};
        struct ptm_graph g, out;
        struct ptm_err err = {0};
        struct ptm_passes_verdict verdict;
        uint32_t hits[32] = {0};
        struct ptm_type t = {.dtype = PTM_F32, .rank = 4, .dim = {1, 4, 4, 4}, .qparams = -1};
        ptm_graph_init(&g, &arena);
        ptm_graph_arg(&g, &t);
        while (g.n_nodes < NODES && g.n_values < 500)
            random_node(&g);
        ptm_graph_output(&g, (uint32_t)g.n_values - 1);
        ptm_graph_output(&g, g.node[g.n_nodes / 2].out);
        CHECK_INT(ptm_passes_run(&g, &ptm_recipe_default, &arena, &out, hits, NULL, &err), PTM_OK);
        CHECK_INT(ptm_passes_verify(&g, &ptm_recipe_default, 1e-4, seed, NULL, NULL, &verdict,
                                    &err), PTM_OK);
        CHECK_STR(err.msg, "");
        for (size_t k = 0; k < ptm_recipe_default.n; k++)
            found += hits[k];
        if (test_failed != failed) {
            printf("graph %d, seed %" PRIu64 "\n", i, seed);
            ptm_graph_dump(&g, stdout);
        }
        ptm_arena_release(&arena);
    }
    CHECK(found > 3 * GRAPHS);
}

/* -- recipes -- */

static void test_recipes(void)
{
    struct ptm_arena a = {0};
    struct ptm_recipe r;
    struct ptm_err err = {0};
    CHECK_INT(ptm_recipe_parse("default", &a, &r, &err), PTM_OK);
    CHECK_INT(r.n, ptm_n_passes);
    CHECK_INT(ptm_recipe_parse("none", &a, &r, &err), PTM_OK);
    CHECK_INT(r.n, 0);
    CHECK_INT(ptm_recipe_parse("fold_bn,dce", &a, &r, &err), PTM_OK);
    CHECK_INT(r.n, 2);
    CHECK_STR(r.name[0], "dce");
    CHECK_STR(r.name[1], "fold_bn");
    CHECK_INT(ptm_recipe_parse("-fold_bn,-dce", &a, &r, &err), PTM_OK);
    CHECK_INT(r.n, ptm_n_passes - 2);
    CHECK_STR(r.name[0], "const_fold");
    CHECK_INT(ptm_recipe_parse("fold", &a, &r, &err), PTM_ERR_ARG);
    CHECK_STR(err.msg, "no pass 'fold'; 'ptm passes' lists them");
    err = (struct ptm_err){0};
    CHECK_INT(ptm_recipe_parse("dce,-cse", &a, &r, &err), PTM_ERR_ARG);
    CHECK_STR(err.msg, "passes 'dce,-cse': names with and without '-'");
    ptm_arena_release(&a);
}

static enum ptm_status stop(void *ctx, const struct ptm_pass *pass, int round, uint32_t hits,
                            const struct ptm_graph *g, struct ptm_err *err)
{
    (void)ctx, (void)round, (void)hits;
    CHECK_INT(ptm_graph_verify(g, err), PTM_OK);
    return strcmp(pass->name, "fold_bn") ? PTM_OK : ptm_fail(err, PTM_ERR_LIMIT, "that is enough");
}

static void test_failures(void)
{
    struct run r;
    struct ptm_passes_verdict verdict;
    struct ptm_err err = {0};
    CHECK(begin(&r, "tests/e2e/passes/spelled.scripted.pt", NULL));
    const struct ptm_graph *g = &piece(&r)->graph;
    CHECK(g->n_nodes == piece(&r)->traced.n_nodes && !piece(&r)->hits);
    /* a tolerance that no rounding keeps names the pass */
    CHECK_INT(ptm_passes_verify(g, &ptm_recipe_default, 1e-30, 1, NULL, NULL, &verdict, &err),
              PTM_ERR_NUMERIC);
    CHECK(strstr(err.msg, "pass '") && strstr(err.msg, "moved output 0 by "));
    CHECK(verdict.pass != NULL && verdict.round == 1);
    /* a watch may stop it; names are checked */
    struct ptm_arena a = {0};
    struct ptm_graph out;
    struct ptm_pass_watch watch = {stop, NULL};
    err = (struct ptm_err){0};
    CHECK_INT(ptm_passes_run(g, &ptm_recipe_default, &a, &out, NULL, &watch, &err), PTM_ERR_LIMIT);
    err = (struct ptm_err){0};
    static const char *const wrong[] = {"dce", "no_such_pass"};
    struct ptm_recipe recipe = {wrong, 2};
    CHECK_INT(ptm_passes_run(g, &recipe, &a, &out, NULL, NULL, &err), PTM_ERR_ARG);
    CHECK_STR(err.msg, "no pass 'no_such_pass'");
    ptm_arena_release(&a);
    /* every request for memory fails once */
    bool done = false;
    for (uint64_t n = 1; n < 20000 && !done; n++) {
        err = (struct ptm_err){0};
        ptm_memory_fail_at(n);
        enum ptm_status s =
            ptm_passes_run(g, &ptm_recipe_default, &a, &out, NULL, NULL, &err);
        done = ptm_memory_fail_at(0) > 0;
        CHECK_INT(s, done ? PTM_OK : PTM_ERR_MEMORY);
        ptm_arena_release(&a);
    }
    CHECK(done);
    end(&r);
}

int main(void)
{
    test_models();
    test_same();
    test_random();
    test_recipes();
    test_failures();
    TEST_END;
}
