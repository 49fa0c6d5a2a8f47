/* SPDX-License-Identifier: BSD-2-Clause */
/* The packed weights of .ptm files: the list "packed" of the JSON header (formats/ptm_layout.h). */
#ifndef PTM_FORMATS_PTM_PACKED_H
#define PTM_FORMATS_PTM_PACKED_H

#include "formats/json.h"
#include "formats/ptm_encode.h"
#include "libcore/packs.h"

/* Reads the list and offers its packs to the store. Offsets count from `data`; the bytes lie behind
 * *last_end, which moves to their end. Malformed lists are j->wrong. Strings live in `arena`. */
enum ptm_status ptm_packed_read(struct ptm_json *j, struct ptm_arena *arena,
                                struct ptm_packs *packs, const uint8_t *data, size_t n_data,
                                uint64_t *last_end, struct ptm_err *err) PTM_WARN_UNUSED;

/* Writes one item of the list. */
void ptm_packed_print(struct ptm_bytes *json, const struct ptm_pack *pack, uint64_t offset);

#endif
