/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dynamic values, inside: storages, objects, and where values live.
 *
 * Every value is made in an arena. Three arenas matter: the model's (program,
 * constants, the heap as the file has it: immutable after load), the session's
 * (its own copy of the heap, and state), the trace's (everything one
 * specialisation makes). A value points only into its own arena or into a
 * longer-lived one.
 */
#ifndef PTM_LIBCORE_IVAL_H
#define PTM_LIBCORE_IVAL_H

#include "libcore/arena.h"
#include "libcore/ptm.h"

/* Of dims, counts of elements, strides: sums and small multiples of them never overflow. */
#define PTM_MAX_SIZE ((int64_t)1 << 48)

/* a * b; what is far too large for a size stays that, without overflow. */
static inline int64_t ptm_times(int64_t a, int64_t b)
{
    const int64_t most = INT64_MAX / 4;
    if (!a || !b)
        return 0;
    bool minus = (a < 0) != (b < 0);
    uint64_t x = a < 0 ? 0 - (uint64_t)a : (uint64_t)a, y = b < 0 ? 0 - (uint64_t)b : (uint64_t)b;
    int64_t n = x > (uint64_t)most / y ? most : (int64_t)(x * y);
    return minus ? -n : n;
}

/* Memory that tensors share. Aliasing is storage identity. */
struct ptm_storage {
    uint8_t *data;  /* NULL: no data (yet), or zero bytes */
    size_t bytes;
    bool read_only; /* mapped from the file: copy before writing */
    bool state;     /* session heap: its contents may change between calls */
    const char *name; /* of the weight it holds, "conv1.weight"; NULL */
    bool heap;      /* belongs to a session's heap: lives as long as the session */
    bool owned;     /* data came from malloc; freed by ptm_storage_drop */
    uint32_t refs;  /* owned ones: who holds it */
    struct ptm_storage_pool *pool; /* owned ones: where it goes when nobody does; NULL: freed */
    struct ptm_storage *next;      /* in the pool */
    size_t capacity;
    struct ptm_trace_storage *trace; /* while specialising: libcore/trace.h */
};

struct ptm_class; /* libcore/program.h */

struct ptm_object {
    const struct ptm_class *cls;
    struct ptm_ival *attr; /* cls->n_attrs values, in the class's order */
    uint32_t id;           /* dense number among the heap's objects */
    struct ptm_object *real; /* shadow object while specialising: the session's; else NULL */
};

static inline struct ptm_ival ptm_none(void)
{
    return (struct ptm_ival){.tag = PTM_NONE};
}
static inline struct ptm_ival ptm_bool(bool b)
{
    return (struct ptm_ival){.tag = PTM_BOOL, .u.b = b};
}
static inline struct ptm_ival ptm_int(int64_t i)
{
    return (struct ptm_ival){.tag = PTM_INT, .u.i = i};
}
static inline struct ptm_ival ptm_float(double f)
{
    return (struct ptm_ival){.tag = PTM_FLOAT, .u.f = f};
}
static inline struct ptm_ival ptm_tensor_ival(struct ptm_tensor *t)
{
    return t ? (struct ptm_ival){.tag = PTM_TENSOR, .u.tensor = t} : ptm_none();
}

/* Constructors: NULL (or, for values, tag PTM_NONE) when memory is out; the
 * arena's sticky flag says so. Strings are copied. */
struct ptm_ival ptm_str_ival(struct ptm_arena *a, const char *s, size_t len);
struct ptm_list *ptm_list_new(struct ptm_arena *a, size_t n); /* n elements, all None */
bool ptm_list_append(struct ptm_arena *a, struct ptm_list *l, struct ptm_ival v);
struct ptm_dict *ptm_dict_new(struct ptm_arena *a);
bool ptm_dict_set(struct ptm_arena *a, struct ptm_dict *d, struct ptm_ival key, struct ptm_ival v);
const struct ptm_ival *ptm_dict_get(const struct ptm_dict *d, struct ptm_ival key); /* NULL: none */
bool ptm_dict_remove(struct ptm_dict *d, struct ptm_ival key);

/* Contiguous tensor over `data` (NULL: no data yet), which stays the giver's. */
struct ptm_tensor *ptm_tensor_new(struct ptm_arena *a, enum ptm_dtype dtype, int rank,
                                  const int64_t *dim, void *data);
/* Row-major strides of dim. Returns the number of elements, -1 on overflow. */
int64_t ptm_strides_contiguous(int rank, const int64_t *dim, int64_t *stride);

/* Known scalars: None, bool, int, float, str. Python's == among them. */
bool ptm_ival_is_scalar(struct ptm_ival v);
bool ptm_ival_equal(struct ptm_ival a, struct ptm_ival b);

/* "Tensor f32[1, 3, 224, 224]", "List[int] of 3", ... for messages; into buf. */
const char *ptm_ival_describe(struct ptm_ival v, char *buf, size_t n);

#endif
