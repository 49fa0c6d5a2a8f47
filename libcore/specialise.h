/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of specialising: the trace, the pieces it makes, the run-time tensors
 * of a call. trace.c makes values, trace_cut.c ends pieces, trace_view.c views and writes, trace_arg.c
 * argument helpers, sym.c symbols, shadow.c the shadow heap and guards,
 * export.c what leaves a call, interp.c the interpreter, specialise.c a whole call.
 *
 * A call's run-time state (struct ptm_frame) is the same while tracing and
 * when an entry is replayed: tensors by binding number, numbers by scalar number.
 */
#ifndef PTM_LIBCORE_SPECIALISE_H
#define PTM_LIBCORE_SPECIALISE_H

#include "libcore/entry.h"
#include "libcore/program.h"
#include "libcore/sym.h"
#include "libcore/trace.h"

/* A planned graph, shared by the session's entries. */
struct ptm_piece {
    struct ptm_arena arena;
    struct ptm_graph traced; /* what the calls agree on */
    struct ptm_graph graph;  /* what runs: traced, after the session's recipe */
    uint32_t *hits;          /* per name of the recipe; NULL: no recipe */
    struct ptm_plan plan;
    uint64_t given_nodes, given_macs; /* before the passes */
    const struct ptm_piece *saved; /* the file's piece that it was made of; NULL: traced here */
    uint64_t hash; /* of traced */
    uint64_t runs;
    uint64_t work;  /* of a run, in the units of ptm_op_work */
    uint32_t users; /* entries that hold it; 0: may be dropped */
    struct ptm_piece *next;
};

/* Run-time tensors: malloc'ed, counted. */
struct ptm_storage_pool {
    struct ptm_storage *head; /* released ones, to be used again */
    size_t n;
};
struct ptm_storage *ptm_storage_make(struct ptm_storage_pool *pool, size_t bytes); /* refs 1; NULL:
                                                                                    * no memory */
void ptm_storage_pool_release(struct ptm_storage_pool *p);
void ptm_storage_hold(struct ptm_storage *s);
void ptm_storage_drop(struct ptm_storage *s); /* NULL ok; only counts owned ones */

struct ptm_bound {
    struct ptm_storage *storage; /* held */
    struct ptm_nd nd;            /* the binding's tensor over it */
};
struct ptm_frame {
    struct ptm_bound *bound;
    size_t n_bound, cap_bound;
    union ptm_imm *scalar;
    size_t n_scalar, cap_scalar;
    size_t steps_done;
    uint64_t seed;
    uint64_t work, max_work; /* done so far, and allowed; 0: any */
    struct ptm_storage_pool *pool;
    struct ptm_exec *exec;
};
bool ptm_frame_reserve(struct ptm_frame *f, size_t n_bound); /* zeroes the new ones */
void ptm_frame_reset(struct ptm_frame *f);   /* lets the tensors go, keeps the arrays */
void ptm_frame_release(struct ptm_frame *f);
/* Counts work about to be done; PTM_ERR_LIMIT when the call's is too much. */
enum ptm_status ptm_frame_work(struct ptm_frame *f, uint64_t work, struct ptm_err *err)
    PTM_WARN_UNUSED;
/* Runs the entry's steps from f->steps_done to the last. */
enum ptm_status ptm_frame_run(struct ptm_frame *f, struct ptm_entry *e, struct ptm_err *err)
    PTM_WARN_UNUSED;
/* Evaluates scalar expressions from f->n_scalar on. */
enum ptm_status ptm_frame_scalars(struct ptm_frame *f, const struct ptm_entry *e,
                                  struct ptm_err *err) PTM_WARN_UNUSED;

/* What a storage is while specialising. Its content is `base`: a dense tensor
 * of these dims and strides from offset 0. */
enum ptm_storage_state { ST_KNOWN, ST_BOUND, ST_LAZY };
struct ptm_trace_storage {
    uint8_t state; /* enum ptm_storage_state */
    uint8_t dtype, rank;
    int64_t dim[PTM_MAX_RANK], stride[PTM_MAX_RANK];
    uint32_t value;   /* ST_LAZY: value of the piece being built */
    uint32_t binding; /* ST_BOUND */
    uint32_t home;    /* binding that a guard gave it; PTM_NO_VALUE: none */
    uint32_t version, epoch;
    uint64_t born;    /* operator count when made */
    bool written;     /* by the program, in place */
    bool live;        /* mark while cutting */
    bool arg;         /* belongs to an argument: writes do not leave the call */
    struct ptm_storage *storage; /* the shadow it belongs to */
    struct ptm_storage *real;    /* the session's storage that it shadows; NULL */
    const char *name;            /* of a weight; NULL */
    uint64_t key;                /* constants: identity; 0: hash the contents */
    struct ptm_trace_storage *next;
};

struct ptm_shadow {
    struct ptm_object o; /* o.real: the session's object */
    bool *loaded, *written;
    bool is_new;
    struct ptm_tree **guard; /* per attribute that is state: the tree it was imported by */
    uint32_t mark;
    struct ptm_shadow *next;
};

struct ptm_interp_frame {
    const struct ptm_function *fn;
    const struct ptm_inst *inst;
    struct ptm_ival *reg;
    const char *path; /* module path of self */
    struct ptm_interp_frame *up;
};

struct ptm_session;
struct ptm_pmap {
    const void **key;
    void **v;
    size_t n, cap;
};
void *ptm_pmap_get(const struct ptm_pmap *m, const void *key);
bool ptm_pmap_set(struct ptm_arena *a, struct ptm_pmap *m, const void *key, void *v);

struct ptm_trace {
    struct ptm_arena arena;
    struct ptm_session *session;
    const struct ptm_program *program;
    struct ptm_entry *entry;
    struct ptm_frame *frame;
    struct ptm_err err;
    bool interpreted;  /* tensor data was read: no entry will be kept */
    bool keep;         /* still fit to be kept as an entry */
    bool again;        /* a constant turned out to be state: specialise again */

    struct ptm_arena graph_arena;
    struct ptm_graph graph; /* the piece being built */
    uint32_t epoch;         /* number of that piece, from 1 */
    uint32_t *arg_binding;  /* per graph input */
    size_t cap_arg_binding;
    uint32_t *scalar_number; /* per graph scalar */
    size_t cap_scalar_number;
    uint32_t *binding_value; /* per binding: its V_ARG in this piece, or PTM_NO_VALUE */
    uint32_t *binding_epoch;
    size_t cap_binding_value, cap_binding_epoch;

    struct ptm_trace_storage *storages; /* all, newest first */
    uint32_t clock;
    uint64_t n_ops, steps, max_steps;
    const struct ptm_schema *called; /* of the program's last operator; NULL: it has none */
    uint64_t op_born; /* storages born from here on are live: an operator is at work */

    struct ptm_pmap shadows; /* session storage, list, dict, object -> shadow */
    struct ptm_shadow *objects;
    struct ptm_ival *args;
    size_t n_args;
    struct ptm_ival result;
    struct ptm_interp_frame *top;
    uint32_t depth, mark;
    uint32_t next_stream;
    int64_t run_ns; /* in ptm_trace_run */
};

/* trace.c */
struct ptm_trace_storage *ptm_ts_new(struct ptm_trace *t, enum ptm_storage_state state,
                                     struct ptm_storage *s, enum ptm_dtype d, int rank,
                                     const int64_t *dim, const int64_t *stride);
struct ptm_tensor *ptm_trace_tensor(struct ptm_trace *t, struct ptm_trace_storage *ts, int rank,
                                    const int64_t *dim, const int64_t *stride, int64_t offset);
uint32_t ptm_trace_value(struct ptm_trace *t, struct ptm_tensor *x); /* in the piece being built */
uint32_t ptm_trace_node(struct ptm_trace *t, enum ptm_op op, const uint32_t *in, uint32_t n_in,
                        const struct ptm_attr *attr, uint32_t n_attr);
void ptm_trace_touch(struct ptm_trace *t, struct ptm_trace_storage *ts); /* contents changed */
struct ptm_site ptm_trace_site(const struct ptm_trace *t);
void ptm_trace_no_memory(struct ptm_trace *t); /* fails with PTM_ERR_MEMORY */
uint32_t ptm_trace_permuted(struct ptm_trace *t, uint32_t v, int rank, const int64_t *perm);
uint32_t ptm_trace_flat(struct ptm_trace *t, struct ptm_trace_storage *ts);
struct ptm_attr ptm_trace_offset(struct ptm_trace *t, const struct ptm_tensor *x);
struct ptm_attr ptm_trace_sym_attr(struct ptm_trace *t, struct ptm_sym s);
/* Dims sorted by descending stride: the order in which a dense tensor lies in memory. */
void ptm_memory_order(int rank, const int64_t *dim, const int64_t *stride, int64_t *perm);
/* trace_cut.c */
void ptm_trace_cut(struct ptm_trace *t); /* ends the piece; runs it when interpreting */
void ptm_trace_run(struct ptm_trace *t); /* the entry's steps that did not run yet */
void ptm_trace_maybe_cut(struct ptm_trace *t, bool back_edge);
/* trace_view.c */
bool ptm_trace_dense(const struct ptm_tensor *x); /* no gaps, no overlap, in some order of dims */
void ptm_trace_unknow(struct ptm_trace *t, struct ptm_trace_storage *ts); /* known -> lazy */
/* shadow.c */
struct ptm_ival ptm_shadow_import(struct ptm_trace *t, struct ptm_ival real, struct ptm_tree *tree,
                                  uint64_t path);
struct ptm_ival ptm_shadow_const(struct ptm_trace *t, struct ptm_ival real); /* relied on */
struct ptm_ival ptm_shadow_get(struct ptm_trace *t, struct ptm_object *o, uint32_t attr);
void ptm_shadow_set(struct ptm_trace *t, struct ptm_object *o, uint32_t attr, struct ptm_ival v);
void ptm_shadow_mark(struct ptm_trace *t); /* marks storages that the program can still reach */
/* A tree with room for n children, in the entry; NULL when tree is. */
struct ptm_tree *ptm_tree_children(struct ptm_trace *t, struct ptm_tree *tree, size_t n);
struct ptm_ival ptm_own_scalar(struct ptm_arena *a, struct ptm_ival v); /* strings copied */
/* export.c */
struct ptm_tree *ptm_shadow_export(struct ptm_trace *t, struct ptm_ival v); /* after the last cut */
void ptm_shadow_effects(struct ptm_trace *t);
/* Makes what leaves the call exportable: call before the last cut. */
void ptm_shadow_settle(struct ptm_trace *t);
/* specialise.c */
void ptm_trace_free(struct ptm_trace *t); /* NULL ok */
/* interp.c */
struct ptm_ival ptm_interp_call(struct ptm_trace *t, uint32_t fn, const struct ptm_ival *arg,
                                size_t n_pos, const char *const *kw, size_t n_kw);
/* lower.c */
struct ptm_ival ptm_lower_call(struct ptm_trace *t, const char *name, const char *overload,
                               const struct ptm_ival *arg, size_t n_pos, const char *const *kw,
                               size_t n_kw);

#endif
