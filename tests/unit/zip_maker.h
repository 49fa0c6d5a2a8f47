/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes small zip archives in memory for tests, broken ones too: the entries may be edited between
 * adding members and finishing. */
#ifndef PTM_TESTS_UNIT_ZIP_MAKER_H
#define PTM_TESTS_UNIT_ZIP_MAKER_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

enum { ZM_BYTES = 1 << 16, ZM_MEMBERS = 16, ZM_DESCRIPTOR = 8 };

struct zip_maker {
    uint8_t buf[ZM_BYTES];
    size_t n;
    struct zm_entry {
        char name[64];
        size_t name_len;
        uint64_t at, packed, bytes;
        uint32_t crc;
        unsigned method, flags;
    } e[ZM_MEMBERS];
    int count;
    int zip64;          /* directory and end record use the 64-bit forms */
    uint64_t add_count; /* lies: added to what the end record says */
    size_t data_at;     /* of the member added last */
};

static inline void zm_put(struct zip_maker *z, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        z->buf[z->n++] = i < 8 ? (uint8_t)(v >> 8 * i) : 0;
}

static inline void zm_raw(struct zip_maker *z, const void *p, size_t n)
{
    if (n)
        memcpy(z->buf + z->n, p, n);
    z->n += n;
}

/* `pad` bytes of local extra field, as torch aligns its members. */
static inline void zm_add_padded(struct zip_maker *z, const char *name, size_t name_len,
                                 const void *data, size_t n, unsigned method, unsigned flags,
                                 size_t pad)
{
    static uint8_t packed[ZM_BYTES];
    const void *out = data;
    size_t packed_n = n;
    if (method == 8) {
        z_stream s = {0};
        union {
            const void *in;
            Bytef *out;
        } u = {data};
        deflateInit2(&s, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
        s.next_in = u.out;
        s.avail_in = (uInt)n;
        s.next_out = packed;
        s.avail_out = sizeof(packed);
        deflate(&s, Z_FINISH);
        packed_n = s.total_out;
        deflateEnd(&s);
        out = packed;
    }
    struct zm_entry *e = &z->e[z->count++];
    *e = (struct zm_entry){.name_len = name_len, .at = z->n, .packed = packed_n, .bytes = n,
                           .method = method, .flags = flags};
    memcpy(e->name, name, name_len);
    e->crc = (uint32_t)crc32_z(0, data, n);
    int later = flags & ZM_DESCRIPTOR;
    zm_put(z, 0x04034b50, 4);
    zm_put(z, 20, 2);
    zm_put(z, flags, 2);
    zm_put(z, method, 2);
    zm_put(z, 0, 4);
    zm_put(z, later ? 0 : e->crc, 4);
    zm_put(z, later ? 0 : packed_n, 4);
    zm_put(z, later ? 0 : n, 4);
    zm_put(z, name_len, 2);
    zm_put(z, pad, 2);
    zm_raw(z, name, name_len);
    for (size_t i = 0; i < pad; i++)
        zm_put(z, 'Z', 1);
    z->data_at = z->n;
    zm_raw(z, out, packed_n);
    if (later) {
        zm_put(z, 0x08074b50, 4);
        zm_put(z, e->crc, 4);
        zm_put(z, packed_n, 4);
        zm_put(z, n, 4);
    }
}

static inline void zm_add(struct zip_maker *z, const char *name, const char *text, unsigned method)
{
    zm_add_padded(z, name, strlen(name), text, strlen(text), method, 0, 0);
}

static inline void zm_finish(struct zip_maker *z)
{
    size_t dir = z->n;
    for (int i = 0; i < z->count; i++) {
        const struct zm_entry *e = &z->e[i];
        zm_put(z, 0x02014b50, 4);
        zm_put(z, 20, 2);
        zm_put(z, 20, 2);
        zm_put(z, e->flags, 2);
        zm_put(z, e->method, 2);
        zm_put(z, 0, 4);
        zm_put(z, e->crc, 4);
        zm_put(z, z->zip64 ? UINT32_MAX : e->packed, 4);
        zm_put(z, z->zip64 ? UINT32_MAX : e->bytes, 4);
        zm_put(z, e->name_len, 2);
        zm_put(z, z->zip64 ? 28 : 0, 2);
        zm_put(z, 0, 2 + 2 + 2 + 4);
        zm_put(z, z->zip64 ? UINT32_MAX : e->at, 4);
        zm_raw(z, e->name, e->name_len);
        if (z->zip64) {
            zm_put(z, 1, 2);
            zm_put(z, 24, 2);
            zm_put(z, e->bytes, 8);
            zm_put(z, e->packed, 8);
            zm_put(z, e->at, 8);
        }
    }
    size_t dir_bytes = z->n - dir, end = z->n;
    uint64_t count = (uint64_t)z->count + z->add_count;
    if (z->zip64) {
        zm_put(z, 0x06064b50, 4);
        zm_put(z, 44, 8);
        zm_put(z, 45, 4);
        zm_put(z, 0, 8);
        zm_put(z, count, 8);
        zm_put(z, count, 8);
        zm_put(z, dir_bytes, 8);
        zm_put(z, dir, 8);
        zm_put(z, 0x07064b50, 4);
        zm_put(z, 0, 4);
        zm_put(z, end, 8);
        zm_put(z, 1, 4);
    }
    zm_put(z, 0x06054b50, 4);
    zm_put(z, 0, 4);
    zm_put(z, z->zip64 ? UINT16_MAX : count, 2);
    zm_put(z, z->zip64 ? UINT16_MAX : count, 2);
    zm_put(z, z->zip64 ? UINT32_MAX : dir_bytes, 4);
    zm_put(z, z->zip64 ? UINT32_MAX : dir, 4);
    zm_put(z, 0, 2);
}

#endif
