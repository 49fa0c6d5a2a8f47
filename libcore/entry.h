/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An entry: one specialisation of a method. Guards say when it applies, steps
 * run pieces, effects write attributes when the call returns, result builds
 * what it returns.
 *
 * A tree describes a dynamic value: leaves are known scalars, tensors and
 * symbols; inner nodes are containers. Matching a tree against a value checks
 * the known parts and binds the others; building from a tree makes a value.
 *
 * Bindings are the run-time tensors of a call, numbered: those that guards
 * bind (arguments, attributes) first, then outputs of pieces in step order.
 * Scalars are numbered too: those that guards bind first, then one per
 * expression, each over earlier ones.
 *
 * Invariants (ptm_entry_verify)
 *  - every binding is defined once: by a T_TENSOR leaf of a guard or as output of a
 *    step; a step reads only earlier ones; every scalar expression earlier ones.
 *  - effects name slots of session objects, each slot at most once.
 */
#ifndef PTM_LIBCORE_ENTRY_H
#define PTM_LIBCORE_ENTRY_H

#include "libcore/graph.h"
#include "libcore/plan.h"

enum ptm_tree_kind {
    T_KNOWN,   /* scalar `known` (None, bool, int, float, str) */
    T_TENSOR,  /* binding `ref`, of type/stride below */
    T_CONST,   /* tensor `known`, of the session's heap or (copied when built) the entry's arena */
    T_SYM,     /* scalar number `ref`; is_float */
    T_LIST, T_TUPLE, T_DICT, /* n children; dicts: key, value, key, value */
    T_OBJECT,  /* session object `known` */
    T_NEW,     /* object of class `cls` made by the program; children: its attributes */
};
struct ptm_tree {
    uint8_t kind;
    bool is_float;
    uint8_t elem;              /* T_LIST: declared element type */
    uint32_t ref;
    struct ptm_ival known;
    const char *const *names;  /* T_TUPLE: NamedTuple fields */
    struct ptm_type type;      /* T_TENSOR */
    int64_t stride[PTM_MAX_RANK];
    uint32_t alias;            /* T_TENSOR in guards: equal numbers share storage, others do not; */
    int64_t offset;            /* ... and for shared ones the offset is relied on */
    struct ptm_type base;      /* T_TENSOR in guards: how the storage is bound, row-major */
    size_t bytes;              /* T_TENSOR in guards: of the storage */
    uint64_t path;             /* T_KNOWN, T_SYM: for the statistics of misses */
    const struct ptm_class *cls;
    struct ptm_tree *child;
    size_t n;
};

/* An argument of the call, or an attribute of a session object. */
struct ptm_slot {
    struct ptm_object *object; /* NULL: argument number `index` */
    uint32_t index;
};

enum ptm_guard_kind {
    G_TREE,  /* the slot's value matches `tree` */
    G_RANGE, /* scalar `ref` cmp `value` */
};
struct ptm_guard {
    uint8_t kind, cmp; /* cmp: enum ptm_cmp */
    struct ptm_slot slot;
    struct ptm_tree *tree;
    uint32_t ref;
    struct ptm_ival value;
};

enum ptm_sym_op { SX_BOUND, SX_CONST, SX_ADD, SX_SUB, SX_MUL, SX_DIV, SX_FLOORDIV, SX_MOD, SX_FLOAT, SX_INT, SX_SEED };
struct ptm_sym_expr {
    uint8_t op;
    bool is_float;
    uint32_t a, b;
    union ptm_imm value; /* SX_CONST */
    uint64_t path;       /* SX_BOUND: where it comes from, for the session's statistics */
};

/* Writes a slot, or (value NULL) the bytes of a storage: binding `from`, which is
 * the storage's memory, to the storage of binding `to`, or to `storage` when `to` is none. */
struct ptm_effect {
    struct ptm_slot slot;
    struct ptm_tree *value;
    uint32_t from, to;
    struct ptm_storage *storage;
    struct ptm_ival built; /* the value of the call at work */
};

struct ptm_piece;      /* libcore/specialise.h: a planned graph, shared */
struct ptm_entry_step {
    struct ptm_piece *piece;
    uint32_t *arg;     /* per graph input: binding number */
    uint32_t *scalar;  /* per graph scalar: scalar number */
    uint32_t first_out; /* binding number of output 0; outputs are consecutive */
    uint32_t *give;    /* per output: the binding whose storage is its memory, see ptm_entry_give;
                        * PTM_NO_VALUE: one of its own. NULL: all have their own */
};

struct ptm_binding {
    struct ptm_type type;
    bool from_guard;
};

struct ptm_entry {
    struct ptm_arena arena;
    uint32_t method;
    struct ptm_guard *guard;
    size_t n_guards, cap_guards;
    struct ptm_binding *binding;
    size_t n_bindings, cap_bindings;
    struct ptm_sym_expr *scalar;
    size_t n_scalars, cap_scalars;
    struct ptm_entry_step *step;
    size_t n_steps, cap_steps;
    struct ptm_effect *effect;
    size_t n_effects, cap_effects;
    struct ptm_tree *result;
    uint64_t last_used;
    bool unplanned; /* of the model's file; its steps name the file's pieces (libcore/saved.h) */
};

struct ptm_frame;
struct ptm_session;

/* A value that outlives a call: what it is made of, and the storages it holds. */
struct ptm_owned {
    struct ptm_arena arena;
    struct ptm_storage **hold;
    size_t n_hold, cap_hold;
};
void ptm_owned_reset(struct ptm_owned *o);   /* empty, keeps memory for the next value */
void ptm_owned_release(struct ptm_owned *o);

/* Checks and binds; the frame holds what it binds. */
struct ptm_storage_pool;
bool ptm_tree_match(const struct ptm_tree *tree, struct ptm_ival v, struct ptm_frame *f);
/* Tag PTM_UNINIT: no memory. */
struct ptm_ival ptm_tree_build(const struct ptm_tree *tree, const struct ptm_frame *f,
                               struct ptm_owned *o);
bool ptm_tree_equal(const struct ptm_tree *a, const struct ptm_tree *b);
/* First scalar leaf at which v differs from the tree: its path, or 0. */
uint64_t ptm_tree_scalar_miss(const struct ptm_tree *tree, struct ptm_ival v);

/* Finds which states the entry's steps may write where they lie, and makes room in x to undo that.
 * Without memory none are. */
struct ptm_exec;
void ptm_entry_give(struct ptm_entry *e, struct ptm_exec *x);

bool ptm_guard_range_holds(const struct ptm_guard *g, union ptm_imm v, bool is_float);
/* entry_verify.c */
enum ptm_status ptm_entry_verify(const struct ptm_entry *e, struct ptm_err *err) PTM_WARN_UNUSED;
void ptm_entry_dump(const struct ptm_entry *e, FILE *f);

#endif
