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

struct ptm_encoded {
    const struct ptm_program *p;
    bool strip_debug;
    struct ptm_err *err;
    struct ptm_arena arena; /* tables; released by ptm_encoded_release */
    struct ptm_bytes program, text;
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
void ptm_encoded_release(struct ptm_encoded *e);

#endif
