/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shape rules, inside: what infer.c and infer_<family>.c share, and the flat
 * attribute lists taken apart as ops.def says (graph text and plan use this too).
 */
#ifndef PTM_LIBCORE_INFER_H
#define PTM_LIBCORE_INFER_H

#include "kernels/ref.h"
#include "libcore/graph.h"

enum { PTM_MAX_ATTRS = 8 };

/* One attribute of an ops.def row: "start*:i" is {"start", 5, 'i', true, false, 0}. */
struct ptm_attr_spec {
    const char *name; /* not terminated */
    uint8_t len;
    char kind; /* i f I F */
    bool sym;  /* may be A_SYM */
    bool has_default; /* of the last attributes only, of kind f */
    double def;
};
/* The attributes of an operator's row; returns their number. */
int ptm_op_attrs(enum ptm_op op, struct ptm_attr_spec spec[PTM_MAX_ATTRS]);

/* Appends the defaults of the last attributes that a flat list of n entries lacks (`attr` has room
 * for PTM_MAX_ATTRS more); the new count. */
uint32_t ptm_attr_fill(enum ptm_op op, struct ptm_attr *attr, uint32_t n);

/* Where attribute k lies: `at` its elements (behind the count for lists), n their number. */
struct ptm_attr_at {
    const struct ptm_attr *at;
    int n;
};
/* Takes a flat list apart. Fails unless counts, kinds and places of A_SYM are as the row says. */
enum ptm_status ptm_attr_split(enum ptm_op op, const struct ptm_attr *attr, uint32_t n_attr,
                               struct ptm_attr_at at[PTM_MAX_ATTRS],
                               struct ptm_err *err) PTM_WARN_UNUSED;

/* What a rule is handed: counts, attribute kinds and presence are checked already. */
struct ptm_infer {
    enum ptm_op op;
    const struct ptm_op_info *info;
    const struct ptm_type *in; /* absent: dtype PTM_ABSENT */
    uint32_t n_in;
    struct ptm_attr_at attr[PTM_MAX_ATTRS];
    struct ptm_type *out; /* dtype and rank 0 so far */
    struct ptm_err *err;
};
typedef enum ptm_status ptm_infer_fn(const struct ptm_infer *c);

/* PTM_ERR_TYPE with the operator's name in front. */
enum ptm_status ptm_infer_wrong(const struct ptm_infer *c, const char *fmt, ...) PTM_PRINTF(2, 3);

static inline int64_t ptm_infer_int(const struct ptm_infer *c, int k)
{
    return c->attr[k].at->u.i;
}
static inline bool ptm_infer_sym(const struct ptm_infer *c, int k)
{
    return c->attr[k].at->kind == A_SYM;
}
static inline bool ptm_infer_has(const struct ptm_infer *c, uint32_t i)
{
    return i < c->n_in && c->in[i].dtype != PTM_ABSENT;
}

/* Checks many rules need; each fails with a message. */
enum ptm_status ptm_infer_dim(const struct ptm_infer *c, int k, int rank); /* attr k in [0, rank) */
/* Attribute k is a dim of input 0, of *n elements; a tensor of rank 0 has dim 0, of one element. */
enum ptm_status ptm_infer_line(const struct ptm_infer *c, int k, int64_t *n);
enum ptm_status ptm_infer_flag(const struct ptm_infer *c, int k);          /* attr k is 0 or 1 */
enum ptm_status ptm_infer_float(const struct ptm_infer *c);                /* input 0 is a float */
enum ptm_status ptm_infer_index(const struct ptm_infer *c, uint32_t i);    /* input i is int64 */
enum ptm_status ptm_infer_same_dtype(const struct ptm_infer *c, uint32_t i, uint32_t j);
/* Input i is of rank 1 with n elements (what: "channels") and input 0's dtype, or absent. */
enum ptm_status ptm_infer_vector(const struct ptm_infer *c, uint32_t i, int64_t n,
                                 const char *what);
/* Attributes k and k + 1 are the bounds min and max: no NaN; of float types only. */
enum ptm_status ptm_infer_bounds(const struct ptm_infer *c, int k);
/* Broadcasts dims b[rb] into a[*ra]; `what` names the inputs in the message. */
enum ptm_status ptm_infer_broadcast(const struct ptm_infer *c, int64_t *a, int *ra,
                                    const int64_t *b, int rb);

bool ptm_dtype_float(uint8_t dtype); /* f16 bf16 f32 f64 */

/* The rules: infer.c, infer_nn.c (layers), infer_index.c (views, copies, indexing). */
#define PTM_OP(name, lo, hi, n_out, attrs, rule, cls, doc) ptm_infer_fn ptm_rule_##rule;
#include "libcore/ops.def"
#undef PTM_OP

#endif
