/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libptm: read a PyTorch model file, run it.
 *
 *     struct ptm_err err = {0};
 *     struct ptm_model *model = NULL;
 *     struct ptm_session *s = NULL;
 *  *     if (ptm_model_open(&model, "model.pt", ptm_format_find, &err) ||
 *         ptm_session_open(&s, model, NULL, &err))
 *         die(err.msg);
 *     struct ptm_tensor *x = ptm_tensor_wrap(PTM_F32, 4, (int64_t[]){1, 3, 224, 224}, pixels);
 *     struct ptm_ival arg = {.tag = PTM_TENSOR, .u.tensor = x}, result;
 *     if (ptm_session_run(s, "forward", &arg, 1, &result, &err))
 *         die(err.msg);
 *     ... ptm_tensor_data(result.u.tensor) ... valid until the next run
 *     ptm_tensor_free(x);
 *     ptm_session_close(s);
 *     ptm_model_close(model);
 *
 * Ownership words: **borrowed** (stays the giver's), **caller owns** (the
 * receiver frees it), **session** (lives until the next run of that session).
 * A model is immutable and may serve sessions in several threads; a session
 * belongs to one thread at a time.
 */
#ifndef PTM_H
#define PTM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "kernels/dtype.h"
#include "libcore/compiler.h"

#define PTM_VERSION "0.1.0"

/* Pinned numbers, in groups of ten; ptm_status_name() has a name for each. */
enum ptm_status {
    PTM_OK = 0,
    PTM_ERR_ARG = 10,         /* a wrong argument: name, count, shape, dtype */
    PTM_ERR_IO = 20,          /* open, read, write, rename */
    PTM_ERR_IO_SHRANK = 21,   /* a mapped file became shorter while in use */
    PTM_ERR_FORMAT = 30,      /* malformed bytes */
    PTM_ERR_LIMIT = 31,       /* a count, size, depth or step limit */
    PTM_ERR_KIND = 32,        /* a file of another kind, named in the message */
    PTM_ERR_UNSUPPORTED = 40, /* an operator or feature that ptm lacks */
    PTM_ERR_RAISED = 41,      /* the model's own raise or assert */
    PTM_ERR_TYPE = 42,        /* the program does what PyTorch would refuse */
    PTM_ERR_MEMORY = 50,      /* no memory */
    PTM_ERR_NUMERIC = 60,     /* a comparison of numbers says no */
};

/* What went wrong, ready to print: one line, no final stop. Untouched on
 * success; the first failure wins. */
struct ptm_err {
    enum ptm_status code;
    char msg[1024];
};

PTM_API const char *ptm_status_name(enum ptm_status s); /* NULL: no such number */
PTM_API enum ptm_status ptm_fail(struct ptm_err *err, enum ptm_status code, const char *fmt, ...)
    PTM_PRINTF(3, 4);

#define PTM_TRY(expr)                                                                              \
    do {                                                                                           \
        enum ptm_status try_status_ = (expr);                                                      \
        if (try_status_)                                                                           \
            return try_status_;                                                                    \
    } while (0)

/* -- element types -- */
PTM_API size_t ptm_dtype_bytes(enum ptm_dtype d);       /* 0: no such dtype */
PTM_API const char *ptm_dtype_name(enum ptm_dtype d);   /* "f32", ...; NULL */
PTM_API const char *ptm_dtype_torch(enum ptm_dtype d);  /* "float32", ...; NULL */

/* -- dynamic values: arguments, results, attributes -- */
enum ptm_tag {
    PTM_NONE,
    PTM_BOOL,
    PTM_INT,
    PTM_FLOAT,
    PTM_STR,
    PTM_TENSOR,
    PTM_LIST,
    PTM_TUPLE,
    PTM_DICT,
    PTM_OBJECT, /* a module or an instance of a scripted class */
    PTM_SYM,    /* only while specialising: an int or float known at run time */
    PTM_UNINIT, /* only while specialising: uninitialized(T) */
};

struct ptm_str {
    const char *s; /* NUL-terminated; may hold NULs before len */
    size_t len;
};

struct ptm_ival {
    uint8_t tag; /* enum ptm_tag */
    union {
        bool b;
        int64_t i;
        double f;
        const struct ptm_str *str;
        struct ptm_tensor *tensor;
        struct ptm_list *list; /* PTM_LIST and PTM_TUPLE */
        struct ptm_dict *dict;
        struct ptm_object *object;
        struct ptm_sym *sym;
    } u;
};

struct ptm_list {
    struct ptm_ival *v;
    size_t n, cap;
    uint32_t mark;            /* libcore's own */
    uint8_t elem;             /* declared element type (enum ptm_tag), PTM_NONE: not known */
    const char *const *names; /* field names of a NamedTuple; NULL */
};

/* In insertion order. Keys are str, int, float or bool. */
struct ptm_dict {
    struct ptm_ival *key, *v;
    size_t n, cap;
    uint32_t mark; /* libcore's own */
};

/* Storage of tensors. The struct's other members are libcore/ival.h's. */
struct ptm_tensor {
    uint8_t dtype, rank;
    int64_t dim[PTM_MAX_RANK];
    int64_t stride[PTM_MAX_RANK]; /* in elements */
    int64_t offset;               /* in elements, from the storage's first byte */
    struct ptm_storage *storage;
    /* while specialising only; see libcore/trace.h */
    struct ptm_sym *offset_sym;
    uint32_t value, version;
    bool literal; /* a constant of the program: arithmetic takes it for a number */
};

/* A row-major tensor over the caller's memory (borrowed). Caller owns the tensor; NULL: no memory,
 * or a bad dtype, rank or size. */
PTM_API struct ptm_tensor *ptm_tensor_wrap(enum ptm_dtype dtype, int rank, const int64_t *dim,
                                           void *data);
PTM_API void ptm_tensor_free(struct ptm_tensor *t); /* NULL ok */

/* The tensor's elements; NULL when it has none. */
PTM_API void *ptm_tensor_data(const struct ptm_tensor *t);
PTM_API int64_t ptm_tensor_numel(const struct ptm_tensor *t);
PTM_API bool ptm_tensor_contiguous(const struct ptm_tensor *t);
PTM_API struct ptm_nd ptm_tensor_nd(const struct ptm_tensor *t);

/* -- models -- */
struct ptm_model;

/* A model format: probe says whether the bytes are of this kind, load makes a
 * program of them. The bytes are borrowed for the model's life: weights are
 * not copied. Declared here, defined in formats/. */
struct ptm_format {
    const char *name; /* "torchscript" */
    enum ptm_status (*load)(struct ptm_model *m, const uint8_t *bytes, size_t n,
                            struct ptm_err *err);
};

/* Finds the format by the first bytes (and, for zips, the members). A file of
 * another kind is PTM_ERR_KIND, and the message names it and the one line of
 * Python that exports the right one. */
PTM_API enum ptm_status ptm_format_find(const uint8_t *bytes, size_t n, const char *path,
                                        const struct ptm_format **out, struct ptm_err *err);
typedef enum ptm_status ptm_format_finder(const uint8_t *bytes, size_t n, const char *path,
                                          const struct ptm_format **out, struct ptm_err *err);

/* Maps `path` and reads it. On success *out is the caller's: ptm_model_close. */
PTM_API enum ptm_status ptm_model_open(struct ptm_model **out, const char *path,
                                       ptm_format_finder *find, struct ptm_err *err);
/* The same from memory, borrowed until close. */
PTM_API enum ptm_status ptm_model_open_bytes(struct ptm_model **out, const uint8_t *bytes, size_t n,
                                             ptm_format_finder *find, struct ptm_err *err);
PTM_API void ptm_model_close(struct ptm_model *m); /* NULL ok */

/* -- sessions -- */
struct ptm_session;

struct ptm_recipe;
struct ptm_config {
    uint64_t seed;           /* of random operators */
    uint64_t max_steps;      /* interpreted instructions in one call; 0: 1e9 */
    uint64_t max_work;       /* multiply-adds, and elements read and written, in one call; 0: any */
    bool no_entries;         /* those of the model's file are not used */
    bool no_respecialise;    /* a guard miss after the first call is an error */
    const char *backend;     /* "ref" (NULL): the C reference kernels; "cpu"; "xnnpack", with what
                              * that cannot do on cpu and then ref */
    uint32_t threads;        /* 0 or 1: the calling thread alone */
    const struct ptm_recipe *recipe; /* graph passes (libcore/passes.h), borrowed; NULL: those of
                                      * the model's file, which a .ptm has */
};

/* config NULL: the defaults. The model must outlive the session. */
PTM_API enum ptm_status ptm_session_open(struct ptm_session **out, const struct ptm_model *m,
                                         const struct ptm_config *config, struct ptm_err *err);
PTM_API void ptm_session_close(struct ptm_session *s); /* NULL ok */

/* Runs a method. `args` in the order of the schema, without self; trailing
 * ones that have defaults may be missing. Arguments are borrowed and never
 * written. *result lives until the session's next run or close. A call that
 * fails leaves the module's state as it was. */
PTM_API enum ptm_status ptm_session_run(struct ptm_session *s, const char *method,
                                        const struct ptm_ival *args, size_t n_args,
                                        struct ptm_ival *result, struct ptm_err *err);

struct ptm_session_stats {
    uint64_t runs, entries, misses, evictions;  /* entries: specialisations made and kept */
    uint64_t specialised;                       /* calls that were traced */
    uint64_t loaded;                            /* entries that came from the model's file */
    uint64_t interpreted;                       /* runs with the interpreter in charge */
    uint64_t pieces;                            /* distinct pieces planned */
    const char *churning;                       /* a guard that misses again and again; NULL */
    /* where the time of calls that specialised went, runs of their steps apart */
    uint64_t specialise_ns; /* tracing the program */
    uint64_t passes_ns;     /* graph passes; or making the constants that they made, for entries of
                             * the file */
    uint64_t plan_ns;       /* placing values, claiming nodes */
    uint64_t pack_ns;       /* backends: packing weights, making objects */
    /* now */
    uint64_t weights_bytes; /* constants of all pieces, shared ones once */
    uint64_t packed_bytes;  /* the backends' copies of weights */
    uint64_t arena_bytes;   /* activations of the largest piece */
};
PTM_API void ptm_session_stats(const struct ptm_session *s, struct ptm_session_stats *out);

#endif
