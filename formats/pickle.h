/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The subset of Python's pickle that PyTorch writes, as an iterative machine over borrowed bytes.
 * Nothing is executed: a global is one of a fixed list (tensors, storages, typed lists, devices),
 * or a class that the caller knows, or the load fails with its name and byte offset.
 *
 * The result shares as the file shares: what the memo gives twice is one pointer. A container
 * that holds itself, nests deeper than PTM_MAX_DEPTH, or would unfold to more than
 * PTM_PICKLE_MAX_VALUES values is refused, so that users may walk results plainly.
 */
#ifndef PTM_FORMATS_PICKLE_H
#define PTM_FORMATS_PICKLE_H

#include "libcore/ival.h"

#define PTM_PICKLE_MAX_VALUES ((uint64_t)1 << 24)
#define PTM_PICKLE_MAX_STACK ((size_t)1 << 22)

/* A tensor or object that ptm cannot represent (quantized, complex, sparse) becomes an object of
 * the class that `opaque` makes, so that a file which does not use it still loads. Any hook may be
 * NULL: what needs it is then refused. `at` is a byte offset for messages. */
struct ptm_pickle_hooks {
    void *ud;
    /* The bytes of storage `key`; bytes: how many its tensors may use; align: of an element. */
    enum ptm_status (*storage)(void *ud, const struct ptm_str *key, size_t bytes, size_t align,
                               size_t at, struct ptm_storage **out, struct ptm_err *err);
    /* A class by its whole name ("__torch__.Net"); NULL in *cls: not known. */
    enum ptm_status (*find_class)(void *ud, const char *qualname, size_t at, const void **cls,
                                  struct ptm_err *err);
    enum ptm_status (*create)(void *ud, const void *cls, size_t at, struct ptm_ival *out,
                              struct ptm_err *err);
    enum ptm_status (*build)(void *ud, struct ptm_object *obj, struct ptm_ival state, size_t at,
                             struct ptm_err *err);
    /* cls(arg): enums, named tuples. */
    enum ptm_status (*construct)(void *ud, const void *cls, struct ptm_ival arg, size_t at,
                                 struct ptm_ival *out, struct ptm_err *err);
    /* Value `v`, tagged "List[int]". */
    enum ptm_status (*type_tag)(void *ud, struct ptm_ival v, const struct ptm_str *type, size_t at,
                                struct ptm_err *err);
    enum ptm_status (*opaque)(void *ud, const char *what, struct ptm_ival state, size_t at,
                              struct ptm_ival *out, struct ptm_err *err);
};

/* Reads one pickle. `name` is for messages ("data.pkl"). Values are made in `arena`; strings are
 * copied. PTM_ERR_FORMAT, _LIMIT, _UNSUPPORTED, _MEMORY, and what hooks return. */
enum ptm_status ptm_pickle_load(struct ptm_arena *arena, const char *name, const uint8_t *bytes,
                                size_t n, const struct ptm_pickle_hooks *hooks,
                                struct ptm_ival *out, struct ptm_err *err) PTM_WARN_UNUSED;

/* -- between pickle.c and pickle_torch.c -- */

/* Tags of values that live only on the machine's stack. No list, dict or result holds one; a
 * tuple that does is itself PICKLE_ARGS. */
enum { PICKLE_MARK = 200, PICKLE_GLOBAL, PICKLE_STORAGE, PICKLE_ARGS };

struct ptm_pickle;
struct ptm_pickle_global;
struct ptm_pickle_storage {
    struct ptm_storage *storage; /* NULL: of elements that ptm lacks */
    uint8_t dtype;
    const char *type;            /* "FloatStorage" */
    int64_t numel;
};
struct ptm_pickle_global {
    enum {
        PG_CLASS, PG_STORAGE, PG_TENSOR, PG_QTENSOR, PG_OPAQUE, PG_LIST, PG_TYPE_TAG,
        PG_ORDERED_DICT, PG_DEVICE, PG_NAME,
    } kind;
    int what;         /* PG_STORAGE: the dtype, -1: none of ours; PG_LIST: enum ptm_tag */
    const char *name; /* "torch._utils._rebuild_tensor_v2" */
    const void *cls;  /* PG_CLASS: the caller's */
};

struct ptm_pickle {
    struct ptm_arena *arena;
    const struct ptm_pickle_hooks *hooks;
    const char *name;
    struct ptm_err *err;
    const uint8_t *bytes;
    size_t n, at, op_at; /* op_at: offset of the opcode being run */
    struct ptm_ival *stack, *memo;
    size_t n_stack, cap_stack, n_memo, cap_memo;
    struct pickle_box *boxes; /* every container made, newest first */
};

/* The global `module` `name` as one that torch writes; false: none of them. */
bool ptm_pickle_torch_global(const char *qualname, struct ptm_pickle_global *g);
enum ptm_status ptm_pickle_reduce(struct ptm_pickle *p, const struct ptm_pickle_global *g,
                                  struct ptm_ival args, struct ptm_ival *out) PTM_WARN_UNUSED;
enum ptm_status ptm_pickle_persid(struct ptm_pickle *p, struct ptm_ival id,
                                  struct ptm_ival *out) PTM_WARN_UNUSED;
enum ptm_status ptm_pickle_fail(struct ptm_pickle *p, enum ptm_status code, const char *fmt, ...)
    PTM_PRINTF(3, 4);
static inline bool ptm_pickle_private(struct ptm_ival v)
{
    return v.tag >= PICKLE_MARK;
}

#endif
