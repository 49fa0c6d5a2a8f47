/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounds-checked reading of untrusted bytes, little-endian. The first failure
 * sticks: later reads give zeros; check once at the end of a section. */
#ifndef PTM_LIBCORE_READER_H
#define PTM_LIBCORE_READER_H

#include "libcore/ptm.h"

struct ptm_reader {
    const uint8_t *bytes;
    size_t n, at;
    bool failed;
    size_t failed_at; /* offset of the first failure */
};

void ptm_reader_init(struct ptm_reader *r, const uint8_t *bytes, size_t n);
uint8_t ptm_read_u8(struct ptm_reader *r);
uint16_t ptm_read_u16(struct ptm_reader *r);
uint32_t ptm_read_u32(struct ptm_reader *r);
uint64_t ptm_read_u64(struct ptm_reader *r);
const uint8_t *ptm_read_bytes(struct ptm_reader *r, size_t n); /* NULL when short */
bool ptm_reader_seek(struct ptm_reader *r, size_t at);

#endif
