/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounds-checked little-endian reading; the one place where offsets meet the end of the bytes. */
#include "libcore/reader.h"

void ptm_reader_init(struct ptm_reader *r, const uint8_t *bytes, size_t n)
{
    *r = (struct ptm_reader){.bytes = bytes, .n = n};
}

const uint8_t *ptm_read_bytes(struct ptm_reader *r, size_t n)
{
    if (r->failed || n > r->n - r->at) {
        if (!r->failed)
            r->failed_at = r->at;
        r->failed = true;
        return NULL;
    }
    const uint8_t *p = r->bytes + r->at;
    r->at += n;
    return p;
}

static uint64_t read_le(struct ptm_reader *r, unsigned n)
{
    const uint8_t *p = ptm_read_bytes(r, n);
    uint64_t v = 0;
    while (p && n-- > 0)
        v = v << 8 | p[n];
    return v;
}

uint8_t ptm_read_u8(struct ptm_reader *r)
{
    return (uint8_t)read_le(r, 1);
}

uint16_t ptm_read_u16(struct ptm_reader *r)
{
    return (uint16_t)read_le(r, 2);
}

uint32_t ptm_read_u32(struct ptm_reader *r)
{
    return (uint32_t)read_le(r, 4);
}

uint64_t ptm_read_u64(struct ptm_reader *r)
{
    return read_le(r, 8);
}

bool ptm_reader_seek(struct ptm_reader *r, size_t at)
{
    if (r->failed)
        return false;
    if (at > r->n) {
        r->failed = true;
        r->failed_at = at;
        return false;
    }
    r->at = at;
    return true;
}
