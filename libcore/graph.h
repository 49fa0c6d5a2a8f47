/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The graph: pure operators over values. No alias, no mutation, no control
 * flow, every size a number. One graph is one piece of an entry.
 *
 * Invariants (ptm_graph_verify)
 *  - nodes are in an order in which every input is defined before its use, and values are
 *    numbered in that order: a node's inputs and scalars have smaller numbers than its outputs.
 *  - each value is defined exactly once: V_ARG, V_CONST, V_SCALAR by itself,
 *    V_NODE by output number `out_no` of node `ref`.
 *  - operand, attr and site ranges lie inside their arrays.
 *  - input counts, attribute kinds and list lengths are as ops.def says; the
 *    types of outputs are exactly what the shape rule gives.
 *  - A_SYM attributes name a V_SCALAR of the right type, only where ops.def
 *    allows it.
 *  - outputs are values of the graph; a value may be named twice.
 */
#ifndef PTM_LIBCORE_GRAPH_H
#define PTM_LIBCORE_GRAPH_H

#include "libcore/ival.h"

enum ptm_op {
#define PTM_OP(name, lo, hi, n_out, attrs, rule, cls, doc) OP_##name,
#include "libcore/ops.def"
#undef PTM_OP
    PTM_N_OPS
};

#define PTM_NO_VALUE UINT32_MAX /* an optional input that is absent */

struct ptm_type {
    uint8_t dtype, rank;
    int64_t dim[PTM_MAX_RANK];
    int32_t qparams; /* index in the graph's qparams; -1: none */
};

enum ptm_value_kind {
    V_ARG,    /* a tensor bound at run time: input number `ref` of the graph */
    V_CONST,  /* constant number `ref` */
    V_NODE,   /* output `out_no` of node `ref` */
    V_SCALAR, /* an int (dtype PTM_I64) or float (PTM_F64) bound at run time: scalar number `ref` */
};
struct ptm_value {
    struct ptm_type type;
    uint8_t kind; /* enum ptm_value_kind */
    uint8_t out_no;
    uint32_t ref;
};

/* Borrowed: data lives in the model's mapping, or in the graph's owner. */
struct ptm_const {
    const void *data; /* of element 0: offset applied */
    int64_t stride[PTM_MAX_RANK];
    uint64_t key;     /* identity for hashing: equal keys, equal contents */
    const char *name; /* "layer1.0.conv1.weight"; NULL: made while specialising */
    const struct ptm_derived *from; /* how passes made it of other constants, libcore/derived.h;
                                     * data NULL: not made yet. NULL: the data is all there is */
    int64_t at;       /* elements from where what `from` makes begins */
};

struct ptm_attr {
    enum { A_IMM, A_SYM } kind;
    union {
        int64_t i;
        double f;
        uint32_t value; /* A_SYM: a V_SCALAR */
    } u;
};

/* Attributes are flat, as kernels/ref.h says: lists are a count and elements. */
struct ptm_node {
    uint16_t op, n_out;
    uint32_t n_in, in;     /* in operand[] */
    uint32_t out;          /* value number of output 0; outputs are consecutive */
    uint32_t n_attr, attr; /* in attr[] */
    uint32_t site, n_site; /* in site[]: where in the program it comes from */
};

struct ptm_site {
    const char *path; /* module path "features.0.conv"; "" */
    const char *aten; /* "aten::conv2d" */
    const char *file; /* user's source when known, else the archive's */
    uint32_t line;
};

struct ptm_graph {
    struct ptm_arena *arena; /* of all arrays; borrowed */
    struct ptm_value *value;
    size_t n_values, cap_values;
    struct ptm_node *node;
    size_t n_nodes, cap_nodes;
    uint32_t *operand;
    size_t n_operands, cap_operands;
    struct ptm_attr *attr;
    size_t n_attrs, cap_attrs;
    struct ptm_site *site;
    size_t n_sites, cap_sites;
    struct ptm_const *constant;
    size_t n_constants, cap_constants;
    uint32_t *input;  /* value numbers of V_ARG, by input number */
    size_t n_inputs, cap_inputs;
    uint32_t *scalar; /* value numbers of V_SCALAR, by scalar number */
    size_t n_scalars, cap_scalars;
    uint32_t *output; /* value numbers */
    size_t n_outputs, cap_outputs;
};

/* -- types -- */
const char *ptm_type_text(const struct ptm_type *t, char *buf, size_t n); /* "f32[1, 3]"; buf */
bool ptm_type_equal(const struct ptm_type *a, const struct ptm_type *b);
/* A dtype there is, at most 8 dims, none negative, no overflow of the element count. */
enum ptm_status ptm_type_check(const struct ptm_type *t, struct ptm_err *err) PTM_WARN_UNUSED;

/* -- the operator table -- */
struct ptm_op_info {
    const char *name, *attrs, *rule, *cls;
    uint8_t min_in, max_in, n_out;
};
const struct ptm_op_info *ptm_op_info(enum ptm_op op);
const char *ptm_op_doc(enum ptm_op op); /* its meaning, as an equation; NULL: no such operator */
enum ptm_op ptm_op_by_name(const char *name); /* PTM_N_OPS: none */

/* Output types of an operator from input types (absent input: dtype 255) and
 * flat attributes (A_SYM allowed where ops.def says). out has n_out entries. */
enum ptm_status ptm_op_infer(enum ptm_op op, const struct ptm_type *in, uint32_t n_in,
                             const struct ptm_attr *attr, uint32_t n_attr, struct ptm_type *out,
                             struct ptm_err *err) PTM_WARN_UNUSED;
/* op_cost.c: multiply-accumulates of a node (conv, matmul, linear, rnn, sdpa; else 0), and bytes it
 * must read and write at least: inputs, outputs and weights, each once. */
uint64_t ptm_node_macs(const struct ptm_graph *g, const struct ptm_node *n);
/* Floating point operations, as the operator's class in ops.def counts. */
uint64_t ptm_node_flops(const struct ptm_graph *g, const struct ptm_node *n);
uint64_t ptm_node_bytes(const struct ptm_graph *g, const struct ptm_node *n);
/* What one execution costs, roughly: multiply-accumulates and elements read and written. */
uint64_t ptm_node_work(const struct ptm_graph *g, const struct ptm_node *n);
uint64_t ptm_op_work(enum ptm_op op, const struct ptm_type *in, uint32_t n_in,
                     const struct ptm_attr *attr, uint32_t n_attr, const struct ptm_type *out);

/* Keys of constants: by where the data lies (data that does not change), or by what it is. */
uint64_t ptm_key_of_place(const void *data, int rank, const int64_t *stride);
uint64_t ptm_key_of_data(const void *data, size_t bytes, int64_t offset, int rank,
                         const int64_t *stride);

/* -- building; all give PTM_NO_VALUE / false once the arena has failed -- */
void ptm_graph_init(struct ptm_graph *g, struct ptm_arena *arena);
uint32_t ptm_graph_arg(struct ptm_graph *g, const struct ptm_type *type);
uint32_t ptm_graph_scalar(struct ptm_graph *g, bool is_float);
uint32_t ptm_graph_const(struct ptm_graph *g, const struct ptm_type *type,
                         const struct ptm_const *c);
/* Appends a node; its outputs are made from `out_type` (n_out of the op). Value of output 0. */
uint32_t ptm_graph_node(struct ptm_graph *g, enum ptm_op op, const uint32_t *in, uint32_t n_in,
                        const struct ptm_attr *attr, uint32_t n_attr,
                        const struct ptm_type *out_type, const struct ptm_site *site);
/* Gives the last node more sites; those it has already are left out. */
bool ptm_graph_sites(struct ptm_graph *g, const struct ptm_site *site, size_t n);
bool ptm_graph_output(struct ptm_graph *g, uint32_t value);

/* Attribute k of ops.def's row: position of its first entry in the node's flat list. */
const struct ptm_attr *ptm_node_attr(const struct ptm_graph *g, const struct ptm_node *n,
                                     const char *name);

enum ptm_status ptm_graph_verify(const struct ptm_graph *g, struct ptm_err *err) PTM_WARN_UNUSED;
/* Structural hash: operators, types, attributes, constants' keys; not sites. */
uint64_t ptm_graph_hash(const struct ptm_graph *g);
bool ptm_graph_equal(const struct ptm_graph *a, const struct ptm_graph *b);
/* Text form; parse(dump(g)) dumps the same. Constants are dumped by name and type; parse gives
 * them zero data from the arena. */
void ptm_graph_dump(const struct ptm_graph *g, FILE *f);
enum ptm_status ptm_graph_parse(struct ptm_graph *g, const char *text, struct ptm_err *err)
    PTM_WARN_UNUSED;

static inline int64_t ptm_type_numel(const struct ptm_type *t)
{
    int64_t n = 1;
    for (int i = 0; i < t->rank; i++)
        n *= t->dim[i];
    return n;
}

#endif
