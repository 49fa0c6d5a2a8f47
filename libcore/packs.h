/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packed weights: constants in the order in which a backend's kernels read them. A model has one
 * store of them, which all its sessions share, so that a second session or input size packs
 * nothing again. Packs come from the model's file, where it has them and they fit, or are made.
 *
 * A pack's key is a hash of all that its bytes depend on; equal keys are taken for equal contents.
 * Every function may be called by several threads at once.
 */
#ifndef PTM_LIBCORE_PACKS_H
#define PTM_LIBCORE_PACKS_H

#include "libcore/ptm.h"

struct ptm_pack_key {
    uint64_t hash[2];
    const char *kernel, *isa; /* of kernels.def: "gemm_f32", "avx2"; borrowed for the pack's life */
    uint32_t version;         /* of the packing, PTM_PACK_VERSION */
};
/* A version for what a library packs, which may be another one tomorrow: never in a file. */
enum { PTM_PACK_OF_LIBRARY = 0 };

/* To be raised when a kernel's packed order changes: packs in files are of no use then. */
enum { PTM_PACK_VERSION = 1 };

struct ptm_pack {
    struct ptm_pack_key key;
    const void *data; /* 64-byte aligned */
    size_t bytes;
    /* packs.c's own */
    struct ptm_packs *store; /* NULL: shared with nobody */
    struct ptm_pack *next;
    uint32_t users;
    bool from_file, used;
};

struct ptm_packs; /* caller owns: ptm_packs_free */
struct ptm_packs *ptm_packs_new(void); /* NULL: no memory */
void ptm_packs_free(struct ptm_packs *p); /* NULL ok; nobody holds a pack any more */

/* The hash of key->kernel, isa and version, `how` with its parameters, and the arrays with their
 * types and strides. */
void ptm_pack_hash(struct ptm_pack_key *key, const char *how, const int64_t *param, size_t n_params,
                   const struct ptm_nd *array, size_t n_arrays);

/* Bytes that a file has for a key: used where they lie, as long as the store. 64-byte aligned. */
enum ptm_status ptm_packs_offer(struct ptm_packs *p, const struct ptm_pack_key *key,
                                const void *data, size_t bytes, struct ptm_err *err)
    PTM_WARN_UNUSED;

/* The pack of this key and size, held for the caller: ptm_packs_drop. When there is none,
 * fill(ctx, to) makes it in `bytes` zeroed bytes; false: no memory. Store NULL: made in any case. */
enum ptm_status ptm_packs_get(struct ptm_packs *p, const struct ptm_pack_key *key, size_t bytes,
                              bool (*fill)(const void *ctx, void *to), const void *ctx,
                              struct ptm_pack **out, struct ptm_err *err) PTM_WARN_UNUSED;
/* The pack of this key that was made with at least so many bytes, held for the caller; or NULL. */
struct ptm_pack *ptm_packs_find(struct ptm_packs *p, const struct ptm_pack_key *key,
                                size_t least_bytes); /* p NULL ok */
void ptm_packs_drop(struct ptm_pack *pack);          /* NULL ok */

/* Packs that were used, in the order in which they came, for writing them to a file: the one after
 * `pack` (NULL: the first); NULL: no more. No other thread works on the store meanwhile. */
const struct ptm_pack *ptm_packs_next(const struct ptm_packs *p, const struct ptm_pack *pack);

struct ptm_packs_stats {
    uint64_t made, from_file, shared; /* packs made, taken from the file, found in use already */
    uint64_t offered;                 /* by the file */
    size_t bytes, file_bytes;         /* held now: in memory, in the file */
};
void ptm_packs_stats(struct ptm_packs *p, struct ptm_packs_stats *out);

#endif
