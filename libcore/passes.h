/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Graph passes: small rewritings that keep what a graph computes. They know no
 * backend and no layout. passes.c has the table, pass_<name>.c one pass each.
 *
 * To add a pass: pass_<name>.c with its visit (rewrite.h tells how), its row
 * in PTM_PASSES at the place where it should run, tests/ir/pass_<name>.txt.
 */
#ifndef PTM_LIBCORE_PASSES_H
#define PTM_LIBCORE_PASSES_H

#include "libcore/rewrite.h"

/* In the order in which they run. PTM_PASS(name, late, what it does); late: only once the others
 * find nothing any more, because it hides what they look for. */
#define PTM_PASSES(PTM_PASS)                                                                       \
    PTM_PASS(dce, false, "drop what no output needs")                                              \
    PTM_PASS(const_fold, false, "compute now what depends on constants only")                      \
    PTM_PASS(identity, false, "drop operators that change nothing, join clamps")                   \
    PTM_PASS(layout, false, "join permutes, reshapes, slices, concats; cancel pairs")              \
    PTM_PASS(cse, false, "compute once what is computed twice")                                    \
    PTM_PASS(pool, false, "global means and adaptive pools in one form")                           \
    PTM_PASS(activations, false, "silu, hardswish, hardsigmoid, gelu, mish that were spelled out") \
    PTM_PASS(attention, false, "matmul, scale, mask, softmax, matmul become sdpa")                 \
    PTM_PASS(linear, false, "products with a constant matrix, and a bias, become linear")          \
    PTM_PASS(fold_bn, false, "batch norm goes into the weights of a layer before or behind it")    \
    PTM_PASS(fold_affine, false, "factors and summands of channels go into a layer's weights")     \
    PTM_PASS(fuse_clamp, false, "relu and clamp become bounds of convolutions, linear, add")       \
    PTM_PASS(conv1d_to_conv2d, true, "convolutions over one dim become those over two")            \
    PTM_PASS(shuffle, true, "channel shuffles in one form: reshape, permute, reshape")

/* Makes r->out of r->in. */
typedef enum ptm_status ptm_pass_fn(struct ptm_rewrite *r);
struct ptm_pass {
    const char *name;
    ptm_pass_fn *fn;
    bool late;
    const char *doc;
};
extern const struct ptm_pass ptm_passes[];
extern const size_t ptm_n_passes;
const struct ptm_pass *ptm_pass_by_name(const char *name); /* NULL: none */
const char *ptm_pass_name(const char *name); /* the table's own text of the name; NULL: none */

#define PTM_PASS_DECLARE(name, late, doc) ptm_pass_fn ptm_pass_##name;
PTM_PASSES(PTM_PASS_DECLARE)
#undef PTM_PASS_DECLARE

/* Which passes run, in order; all of them again while one still finds something. Late ones begin
 * when the others found nothing. */
struct ptm_recipe {
    const char *const *name;
    size_t n;
};
extern const struct ptm_recipe ptm_recipe_default; /* every pass of the table */
/* "default", "none", "NAME,NAME" (those), or "-NAME,-NAME" (all but those), in the table's order.
 * Names a pass that does not exist: PTM_ERR_ARG. */
enum ptm_status ptm_recipe_parse(const char *text, struct ptm_arena *a, struct ptm_recipe *out,
                                 struct ptm_err *err) PTM_WARN_UNUSED;

bool ptm_recipe_equal(const struct ptm_recipe *a, const struct ptm_recipe *b); /* NULL: no passes */

enum { PTM_PASS_ROUNDS = 8 };

/* Called after each pass that changed something, and after each one when it first runs. */
struct ptm_pass_watch {
    enum ptm_status (*after)(void *ctx, const struct ptm_pass *pass, int round, uint32_t hits,
                             const struct ptm_graph *g, struct ptm_err *err);
    void *ctx;
};

/* Runs the recipe on `in`; *out in `arena`, checked, with the inputs, scalars and outputs of `in`
 * under their numbers. Constants stay borrowed; new ones lie in `arena`. `hits`: per name of the
 * recipe how often it found something (added up), or NULL. `watch` may be NULL. */
enum ptm_status ptm_passes_run(const struct ptm_graph *in, const struct ptm_recipe *recipe,
                               struct ptm_arena *arena, struct ptm_graph *out, uint32_t *hits,
                               const struct ptm_pass_watch *watch,
                               struct ptm_err *err) PTM_WARN_UNUSED;

/* How far the outputs moved, at most over all passes: |difference| / largest |expected|. */
struct ptm_passes_verdict {
    double worst;
    const char *pass; /* the one that moved them so; NULL: none did */
    int round;
    size_t runs; /* graphs that ran */
};
/* Runs the graph on `ref` before the first and after every pass, on the same random inputs (`seed`)
 * or on `arg` and `scalar`, when given. PTM_ERR_NUMERIC, naming the pass, when an output moved by
 * more than `tolerance` (0: 1e-4) x its largest number. */
enum ptm_status ptm_passes_verify(const struct ptm_graph *in, const struct ptm_recipe *recipe,
                                  double tolerance, uint64_t seed, const struct ptm_nd *arg,
                                  const union ptm_imm *scalar, struct ptm_passes_verdict *verdict,
                                  struct ptm_err *err) PTM_WARN_UNUSED;

#endif
