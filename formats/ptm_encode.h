/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside of writing .ptm files: a program as the sections of formats/ptm_layout.h. */
#ifndef PTM_FORMATS_PTM_ENCODE_H
#define PTM_FORMATS_PTM_ENCODE_H

#include "formats/ts.h"
#include "libcore/specialise.h"

struct ptm_bytes { /* grows; freed by ptm_free(p) */
    uint8_t *p;
    size_t n, cap;
    bool failed; /* no memory */
};
void ptm_bytes_put(struct ptm_bytes *b, const void *p, size_t n);
void ptm_put(struct ptm_bytes *b, uint32_t v); /* little-endian */
void ptm_put_long(struct ptm_bytes *b, uint64_t v);

struct ptm_encoded {
    const struct ptm_program *p;
    bool strip_debug;
    struct ptm_err *err;
    struct ptm_arena arena; /* tables; released by ptm_encoded_release */
    struct ptm_bytes program, text, entries;
    size_t n_program_storages; /* those behind them are the entries' own */
    size_t n_entries;     /* written */
    uint64_t entry_bytes; /* that all of them would add */
    const struct ptm_tensor **tensor;
    const char **tensor_name; /* NULL: not known */
    size_t n_tensors, cap_tensors, cap_names;
    const struct ptm_storage **storage;
    size_t n_storages, cap_storages;
    uint32_t *tensor_storage; /* per tensor; PTM_NO_REG: none */
    size_t cap_tensor_storage;
    /* while encoding */
    struct ptm_bytes lengths, body, containers;
    struct ts_map strings;
    uint32_t n_strings, n_containers;
    struct ptm_pmap seen; /* tensors, storages, lists, dicts: 1 + number */
    enum ptm_status status;
};
enum ptm_status ptm_encode(struct ptm_encoded *e, const struct ptm_program *p, bool strip_debug,
                           struct ptm_err *err) PTM_WARN_UNUSED;
/* The entries section, from e->p->saved; what it names joins the other tables. */
void ptm_encode_entries(struct ptm_encoded *e);
enum ptm_status ptm_encode_fail(struct ptm_encoded *e, enum ptm_status code, const char *what);
/* Numbers; what is new gets one. */
uint32_t ptm_encode_string(struct ptm_encoded *e, const char *s, size_t len);
uint32_t ptm_encode_tensor(struct ptm_encoded *e, const struct ptm_tensor *t, const char *name);
void ptm_encode_value(struct ptm_encoded *e, struct ptm_bytes *b, struct ptm_ival v,
                      const char *name, int depth);
void ptm_encoded_release(struct ptm_encoded *e);

#endif
