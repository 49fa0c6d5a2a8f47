/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a graph pass is written. A pass walks the nodes of a graph in order and
 * makes a new graph: its `visit` either replaces a node (true) or leaves it to
 * be copied (false). It matches on the *new* graph, where the operands of the
 * node at work are already rewritten, so that chains collapse in one walk.
 * Nodes that are no longer needed stay in the new graph until the sweep that
 * follows each pass; a visit therefore never removes anything.
 *
 * Numbers of values: `n` and its operands are of the old graph, everything that
 * the functions here give and take is of the new one. Failures are sticky
 * (r->status): a visit need not check, it may return what ptm_rw_replace gives.
 */
#ifndef PTM_LIBCORE_REWRITE_H
#define PTM_LIBCORE_REWRITE_H

#include "libcore/derived.h"
#include "libcore/infer.h"

struct ptm_rewrite {
    const struct ptm_graph *in;
    struct ptm_graph *out;
    struct ptm_arena *work; /* dies with the pass */
    struct ptm_arena *keep; /* data of new constants: lives as long as the graph */
    uint32_t *map;          /* old value -> new value */
    uint32_t *old_uses;     /* per old value: operands and outputs that name it */
    uint32_t *uses;         /* per new value: the same, as far as it stands for old ones */
    size_t cap_uses;
    struct ptm_site *site;  /* of the nodes that are emitted next */
    size_t n_site, cap_site;
    uint32_t hits;          /* replaced nodes */
    void *state;            /* the pass's own */
    enum ptm_status status; /* first failure */
    struct ptm_err *err;
};

typedef bool ptm_visit_fn(struct ptm_rewrite *r, const struct ptm_node *n);
/* in -> r->out through `visit` (NULL: a copy). */
enum ptm_status ptm_rewrite_walk(struct ptm_rewrite *r, ptm_visit_fn *visit) PTM_WARN_UNUSED;
/* A copy of `g` in `arena` without what no output needs; inputs and scalars all stay, first. */
enum ptm_status ptm_graph_sweep(const struct ptm_graph *g, struct ptm_arena *arena,
                                struct ptm_graph *out, struct ptm_err *err) PTM_WARN_UNUSED;

/* -- looking -- */
/* Operand k of the old node: its new value; PTM_NO_VALUE when absent. */
uint32_t ptm_rw_in(struct ptm_rewrite *r, const struct ptm_node *n, uint32_t k);
const struct ptm_type *ptm_rw_type(const struct ptm_rewrite *r, uint32_t v);
/* The node of `op` whose output 0 is v, copied to *def; false: something else makes v. */
bool ptm_rw_def(const struct ptm_rewrite *r, uint32_t v, enum ptm_op op, struct ptm_node *def);
/* Nothing but the node at work needs v, so that v's node goes when it is not used any more. */
bool ptm_rw_only(const struct ptm_rewrite *r, uint32_t v);
/* Operand k of a new node; PTM_NO_VALUE when absent. */
uint32_t ptm_rw_arg(const struct ptm_rewrite *r, const struct ptm_node *def, uint32_t k);
/* Attributes of a new node. Those that may be symbols: ask ptm_rw_imm first. */
int64_t ptm_rw_int(const struct ptm_rewrite *r, const struct ptm_node *def, const char *name);
double ptm_rw_float(const struct ptm_rewrite *r, const struct ptm_node *def, const char *name);
int ptm_rw_list(const struct ptm_rewrite *r, const struct ptm_node *def, const char *name,
                int64_t *out); /* PTM_MAX_RANK at most */
bool ptm_rw_imm(const struct ptm_rewrite *r, const struct ptm_node *def); /* no A_SYM among them */
bool ptm_rw_same_dims(const struct ptm_type *a, const struct ptm_type *b);

/* -- constants -- */
bool ptm_rw_is_const(const struct ptm_rewrite *r, uint32_t v);
struct ptm_nd ptm_rw_nd(const struct ptm_rewrite *r, uint32_t v); /* of a constant */
/* The value of a constant of one element. */
bool ptm_rw_number(const struct ptm_rewrite *r, uint32_t v, double *out);
/* A constant's elements in row-major order, in the pass's memory; NULL: no memory (sticky). */
double *ptm_rw_doubles(struct ptm_rewrite *r, uint32_t v);
/* A row-major constant with these elements, or with memory to be filled in (`data` NULL; *to). */
uint32_t ptm_rw_const(struct ptm_rewrite *r, const struct ptm_type *type, const void *data,
                      uint64_t key, const char *name, void **to);
uint32_t ptm_rw_const_f(struct ptm_rewrite *r, const struct ptm_type *type, const double *v,
                        const char *name);
/* What `how` (its in and data apart) makes of the constants `in`, which the graph remembers;
 * PTM_NO_VALUE, and no failure, when it cannot be made. */
uint32_t ptm_rw_derived(struct ptm_rewrite *r, const struct ptm_derived *how, const uint32_t *in,
                        const char *name);
uint64_t ptm_rw_key(const struct ptm_rewrite *r, uint32_t v);   /* of a constant */
const char *ptm_rw_name(const struct ptm_rewrite *r, uint32_t v);
uint64_t ptm_mix(uint64_t h, uint64_t x);
/* The output of a view node over a constant, as a constant of other strides; PTM_NO_VALUE when
 * strides cannot say it. */
uint32_t ptm_rw_const_view(struct ptm_rewrite *r, uint32_t v);

/* -- making -- */
/* Flat attributes. */
struct ptm_rw_attrs {
    struct ptm_attr a[PTM_MAX_ATTRS * (1 + PTM_MAX_RANK) + PTM_MAX_ATTRS];
    uint32_t n;
};
void ptm_rw_put_i(struct ptm_rw_attrs *a, int64_t i);
void ptm_rw_put_f(struct ptm_rw_attrs *a, double f);
void ptm_rw_put_list(struct ptm_rw_attrs *a, const int64_t *v, int n);
void ptm_rw_put_all(struct ptm_rw_attrs *a, const struct ptm_rewrite *r,
                    const struct ptm_node *def); /* those of a new node */
/* The flat attributes' `min` and `max`, which are the last two. */
void ptm_rw_set_bounds(struct ptm_rw_attrs *a, double min, double max);

/* The new node `def` goes into what is emitted next: its sites join, in front when it is a product
 * or convolution, so that the first site tells where the work is done. */
void ptm_rw_absorb(struct ptm_rewrite *r, const struct ptm_node *def);
/* A node with the sites of the old node at work and of those absorbed; its output 0. PTM_NO_VALUE,
 * and no failure, when the shape rule refuses it. `a` NULL: no attributes, or the defaults. */
uint32_t ptm_rw_emit(struct ptm_rewrite *r, enum ptm_op op, const uint32_t *in, uint32_t n_in,
                     const struct ptm_rw_attrs *a);
uint32_t ptm_rw_unary(struct ptm_rewrite *r, enum ptm_op op, uint32_t x);
/* v itself when nothing would change; constants stay constants where strides can say it. */
uint32_t ptm_rw_reshape(struct ptm_rewrite *r, uint32_t v, int rank, const int64_t *dim);
uint32_t ptm_rw_permute(struct ptm_rewrite *r, uint32_t v, const int64_t *perm);
/* From here on v stands for the old node's output 0 (k: output k), whose type it must have. True,
 * or false when v is PTM_NO_VALUE. */
bool ptm_rw_replace(struct ptm_rewrite *r, const struct ptm_node *n, uint32_t v);
bool ptm_rw_bind(struct ptm_rewrite *r, const struct ptm_node *n, uint32_t k, uint32_t v);

#endif
