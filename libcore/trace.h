/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Specialising: what the interpreter and the operator lowerings use.
 *
 * Values while specialising are struct ptm_ival. Everything but tensors is
 * *known*, or a symbol (PTM_SYM). A tensor is storage + dims + strides + offset
 * with PyTorch's aliasing and stride rules, and its storage is one of
 *   known   its data is there and is relied on (constants, weights that nobody
 *           writes, results of operators on small known tensors);
 *   bound   a run-time tensor: argument, state, or output of an earlier piece;
 *   lazy    a value of the piece being built.
 * A lowering never asks which: it emits operators and makes views, and reads
 * data only through ptm_read, which ends the piece where it must.
 *
 * Errors are sticky: after the first failure every function here does nothing
 * and gives NULL, 0 or None; NULL tensors are accepted everywhere and do
 * nothing. A lowering may therefore be written without checks, as long as it
 * does not dereference a tensor it got from here without testing it. It
 * returns; the interpreter looks at the error after each operator.
 *
 * Everything is made in the trace's arena: a lowering frees nothing.
 */
#ifndef PTM_LIBCORE_TRACE_H
#define PTM_LIBCORE_TRACE_H

#include "libcore/graph.h"
#include "libcore/schema.h"

struct ptm_trace; /* libcore/specialise.h */
struct ptm_class; /* libcore/program.h */

/* -- lowerings -- */
/* arg: one value per schema argument, defaults filled in, ints already floats
 * where the schema says float. Returns the operator's result: None, a value,
 * or a tuple of several results. For vararg schemas n_arg is the count. */
struct ptm_lower_call {
    struct ptm_trace *t;
    const struct ptm_schema *schema;
    const struct ptm_ival *arg;
    size_t n_arg;
};
typedef struct ptm_ival ptm_lower_fn(const struct ptm_lower_call *c);

/* One row per operator name; "aten::add.Tensor" (with overload) wins over
 * "aten::add". Not needed: in-place forms ("aten::relu_" calls "aten::relu" and
 * writes its result to argument 0) and out= forms (written to argument `out`),
 * unless they differ. Each lower_<family>.c ends with its table; lower.c lists the tables. */
struct ptm_lowering {
    const char *name;
    ptm_lower_fn *fn;
};

/* -- failing, warning -- */
struct ptm_ival ptm_trace_fail(struct ptm_trace *t, enum ptm_status code, const char *fmt, ...)
    PTM_PRINTF(3, 4);                     /* adds the place in the source; returns None */
bool ptm_trace_failed(const struct ptm_trace *t);
void ptm_trace_warn(struct ptm_trace *t, const char *fmt, ...) PTM_PRINTF(2, 3); /* once per text */
struct ptm_arena *ptm_trace_arena(struct ptm_trace *t);
/* Counts n more steps of the program; false once they are too many, or anything failed. */
bool ptm_trace_spend(struct ptm_trace *t, uint64_t n);

/* -- reading arguments. A symbol becomes known here (a guard remembers its
 *    value) except through ptm_arg_num, which leaves it -- */
bool ptm_is_none(struct ptm_ival v);
int64_t ptm_arg_int(struct ptm_trace *t, struct ptm_ival v);   /* int, bool, 0-d tensor */
int64_t ptm_arg_size(struct ptm_trace *t, struct ptm_ival v);  /* +-PTM_MAX_SIZE at most */
int64_t ptm_float_to_int(double d); /* as x86 does it: what does not fit is INT64_MIN */
double ptm_arg_float(struct ptm_trace *t, struct ptm_ival v);  /* the same, and float */
bool ptm_arg_bool(struct ptm_trace *t, struct ptm_ival v);     /* truth of int, bool, float, tensor */
const char *ptm_arg_str(struct ptm_trace *t, struct ptm_ival v);
struct ptm_tensor *ptm_arg_tensor(struct ptm_trace *t, struct ptm_ival v); /* None: NULL, no error */
/* A list of sizes, strides, dims into out[max]; returns their number. None gives 0. An int gives 1. */
int ptm_arg_ints(struct ptm_trace *t, struct ptm_ival v, int64_t *out, int max);
int ptm_arg_floats(struct ptm_trace *t, struct ptm_ival v, double *out, int max);
/* The same for int[n]-like arguments: a single one is repeated n times; fails unless 1 or n. */
bool ptm_arg_ints_n(struct ptm_trace *t, struct ptm_ival v, int64_t *out, int n);
int ptm_arg_dtype(struct ptm_trace *t, struct ptm_ival v, int otherwise); /* None: otherwise */
/* dim in [-rank, rank) to [0, rank); rank 0 counts as 1; fails outside. */
int ptm_arg_dim(struct ptm_trace *t, struct ptm_ival v, int rank);

/* -- symbols: int and float arithmetic on values that may be PTM_SYM. `op` is
 *    one of + - * / (true division) f (floor division) % ; the result is known when both
 *    are. Comparisons give a known bool, guarded when a symbol takes part. -- */
struct ptm_ival ptm_scalar_arith(struct ptm_trace *t, char op, struct ptm_ival a, struct ptm_ival b);
enum ptm_cmp { PTM_LT, PTM_LE, PTM_EQ, PTM_NE, PTM_GE, PTM_GT };
bool ptm_scalar_cmp(struct ptm_trace *t, enum ptm_cmp cmp, struct ptm_ival a, struct ptm_ival b);
struct ptm_ival ptm_scalar_to_float(struct ptm_trace *t, struct ptm_ival a);
struct ptm_ival ptm_scalar_known(struct ptm_trace *t, struct ptm_ival a); /* symbol to known */

/* -- emitting an operator: inputs and attributes in ops.def's order -- */
struct ptm_emit {
    struct ptm_trace *t;
    enum ptm_op op;
    struct ptm_tensor **in;
    size_t n_in, cap_in;
    struct ptm_attr *attr;
    struct ptm_sym **attr_sym; /* parallel: the symbol of an A_SYM */
    size_t n_attr, cap_attr;
};
void ptm_emit_begin(struct ptm_emit *e, struct ptm_trace *t, enum ptm_op op);
void ptm_emit_in(struct ptm_emit *e, struct ptm_tensor *x); /* must be there */
void ptm_emit_opt(struct ptm_emit *e, struct ptm_tensor *x); /* NULL: absent */
void ptm_emit_i(struct ptm_emit *e, int64_t i);
void ptm_emit_f(struct ptm_emit *e, double f);
void ptm_emit_ints(struct ptm_emit *e, const int64_t *v, int n);
void ptm_emit_floats(struct ptm_emit *e, const double *v, int n);
void ptm_emit_scalar(struct ptm_emit *e, struct ptm_ival v, bool as_float); /* known or symbol */
/* Types come from the shape rule, strides from PyTorch's: elementwise operators keep the
 * permutation of their inputs, convolutions and pools keep channels-last, others are row-major.
 * On small known inputs the reference kernel runs at once. */
struct ptm_tensor *ptm_emit_end(struct ptm_emit *e); /* the only, or the first, output */
void ptm_emit_outs(struct ptm_emit *e, struct ptm_tensor **out); /* all of them */

/* The usual cases in one line. Inputs of binary operators must have one dtype
 * already (ptm_binary promotes). */
struct ptm_tensor *ptm_op_unary(struct ptm_trace *t, enum ptm_op op, struct ptm_tensor *x);
struct ptm_tensor *ptm_op_binary(struct ptm_trace *t, enum ptm_op op, struct ptm_tensor *a,
                                 struct ptm_tensor *b);
struct ptm_tensor *ptm_op_reduce(struct ptm_trace *t, enum ptm_op op, struct ptm_tensor *x,
                                 const int64_t *dims, int n, bool keepdim);

/* -- types -- */
/* torch.result_type over tensors and numbers (0-d tensors and numbers weigh less). */
enum ptm_dtype ptm_result_type(struct ptm_trace *t, const struct ptm_ival *v, size_t n);
enum ptm_dtype ptm_default_float(enum ptm_dtype d); /* ints and bool: f32; floats: themselves */
bool ptm_dtype_is_float(enum ptm_dtype d);
struct ptm_tensor *ptm_cast(struct ptm_trace *t, struct ptm_tensor *x, enum ptm_dtype d);
/* Complex numbers of f32 parts with the same dims; im NULL: 0. */
struct ptm_tensor *ptm_complex_of(struct ptm_trace *t, struct ptm_tensor *re,
                                  struct ptm_tensor *im);
/* Value (tensor, number or symbol) as a tensor of dtype d; numbers become 0-d. */
struct ptm_tensor *ptm_to_tensor(struct ptm_trace *t, struct ptm_ival v, enum ptm_dtype d);
/* op on two values with promotion (for OP_div ints become floats); compare operators give bool. */
struct ptm_tensor *ptm_binary(struct ptm_trace *t, enum ptm_op op, struct ptm_ival a,
                              struct ptm_ival b);

/* -- new tensors -- */
struct ptm_tensor *ptm_full(struct ptm_trace *t, enum ptm_dtype d, int rank, const int64_t *dim,
                            struct ptm_ival v);
/* Known data, copied; row-major. */
struct ptm_tensor *ptm_known(struct ptm_trace *t, enum ptm_dtype d, int rank, const int64_t *dim,
                             const void *data);
/* Data that a run computed (nonzero, unique, ...), copied: bound, not known. */
struct ptm_tensor *ptm_dynamic(struct ptm_trace *t, enum ptm_dtype d, int rank, const int64_t *dim,
                               const void *data);
/* New storage with the same elements; contiguous: row-major, else x's own strides when dense. */
struct ptm_tensor *ptm_clone(struct ptm_trace *t, struct ptm_tensor *x, bool contiguous);
/* x itself when row-major, else a copy. */
struct ptm_tensor *ptm_contiguous(struct ptm_trace *t, struct ptm_tensor *x);

/* -- views: share x's storage; writes through one show in all -- */
struct ptm_tensor *ptm_view_permute(struct ptm_trace *t, struct ptm_tensor *x, const int64_t *perm);
struct ptm_tensor *ptm_view_transpose(struct ptm_trace *t, struct ptm_tensor *x, int a, int b);
struct ptm_tensor *ptm_view_slice(struct ptm_trace *t, struct ptm_tensor *x, int dim,
                                  struct ptm_ival start, int64_t len, int64_t step);
struct ptm_tensor *ptm_view_select(struct ptm_trace *t, struct ptm_tensor *x, int dim,
                                   struct ptm_ival index);
struct ptm_tensor *ptm_view_expand(struct ptm_trace *t, struct ptm_tensor *x, int rank,
                                   const int64_t *dim); /* -1 keeps a dim */
struct ptm_tensor *ptm_view_unsqueeze(struct ptm_trace *t, struct ptm_tensor *x, int dim);
struct ptm_tensor *ptm_view_squeeze(struct ptm_trace *t, struct ptm_tensor *x, int dim);
struct ptm_tensor *ptm_view_strided(struct ptm_trace *t, struct ptm_tensor *x, int rank,
                                    const int64_t *dim, const int64_t *stride, int64_t offset);
/* aten::view: one -1 allowed; fails with PyTorch's message when strides do not permit. */
struct ptm_tensor *ptm_view_reshape(struct ptm_trace *t, struct ptm_tensor *x, int rank,
                                    const int64_t *dim);
/* aten::reshape: a view when possible, else a copy. */
struct ptm_tensor *ptm_reshape(struct ptm_trace *t, struct ptm_tensor *x, int rank,
                               const int64_t *dim);

/* -- writing: dst.copy_(src): src is broadcast to dst's dims and cast -- */
void ptm_write(struct ptm_trace *t, struct ptm_tensor *dst, struct ptm_tensor *src);

/* -- reading data: makes the elements available now. Ends the piece unless x
 *    is known. False (and an error) when it fails. -- */
bool ptm_read(struct ptm_trace *t, struct ptm_tensor *x, struct ptm_nd *out);
/* One element as a number: int, float or bool by dtype. */
struct ptm_ival ptm_item(struct ptm_trace *t, struct ptm_tensor *x);

/* -- calling: another lowering by name, with positional arguments for its schema (missing ones
 *    take defaults). For composite operators. -- */
struct ptm_ival ptm_call(struct ptm_trace *t, const char *name, size_t n, const struct ptm_ival *arg);

/* The run's seed, as a symbol: another number in each run. */
struct ptm_ival ptm_trace_seed(struct ptm_trace *t);
/* A number for OP_random's stream: another one for each operator of a call. */
int64_t ptm_trace_stream(struct ptm_trace *t);
/* A new object with the class's attributes uninitialised; its attributes are o->attr[]. A class
 * that the program lacks (packed parameters) is made with ptm_trace_class. */
struct ptm_object *ptm_object_new(struct ptm_trace *t, const struct ptm_class *cls);
const struct ptm_class *ptm_trace_class(struct ptm_trace *t, const char *qualname, size_t n_attrs,
                                        const char *const *attr_names);
/* Attribute of an object by name, imported when first seen; fails when there is none. */
struct ptm_ival ptm_object_attr(struct ptm_trace *t, struct ptm_object *o, const char *name);

/* A tuple / list of tensors as a result. */
struct ptm_ival ptm_result_tuple(struct ptm_trace *t, size_t n, struct ptm_tensor *const *x);
struct ptm_ival ptm_result_list(struct ptm_trace *t, size_t n, struct ptm_tensor *const *x);

#endif
