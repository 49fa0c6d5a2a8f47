/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zip archives: end record, central directory, local headers, inflate.
 *
 *     local header, name, extra, data      once per member, in any order
 *     central directory                    the truth about names, sizes, offsets
 *     [zip64 end record, zip64 locator]    64-bit counts and offsets
 *     end record, comment                  found by searching backwards
 *
 * A field of the directory that is all ones has its value in the zip64 extra field. torch aligns
 * the data of its stored members to 64 bytes by padding the local extra field, so a member's data
 * can only be found through its local header.
 */
#include "formats/zip.h"

#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

#include "libcore/reader.h"

enum {
    LOCAL_SIG = 0x04034b50,
    CENTRAL_SIG = 0x02014b50,
    END_SIG = 0x06054b50,
    END64_SIG = 0x06064b50,
    LOCATOR64_SIG = 0x07064b50,
    LOCAL_BYTES = 30,
    CENTRAL_BYTES = 46,
    END_BYTES = 22,
    END64_BYTES = 56,
    LOCATOR64_BYTES = 20,
    EXTRA_ZIP64 = 1,
    FLAG_DESCRIPTOR = 1 << 3, /* sizes and crc follow the data; the local header has zeros */
    FLAG_ENCRYPTED = 1 << 0 | 1 << 6 | 1 << 13,
    MAX_RATIO = 1100, /* deflate itself cannot exceed 1032 */
};

/* Where the central directory lies. */
struct directory {
    uint64_t at, bytes, count;
    uint64_t limit; /* members' data ends before this */
};

/* A member as its directory entry has it, and the room its local header and data take. */
struct entry {
    uint64_t local_at, packed, unpacked;
    uint16_t flags;
};
struct range {
    size_t at, end;
    const char *name;
};

bool ptm_zip_probe(const uint8_t *bytes, size_t n)
{
    /* "PK\5\6": an archive without members is only its end record */
    return n >= 4 && bytes[0] == 'P' && bytes[1] == 'K' &&
           ((bytes[2] == 3 && bytes[3] == 4) || (bytes[2] == 5 && bytes[3] == 6));
}

static bool find_end(const uint8_t *bytes, size_t n, size_t *at)
{
    if (n < END_BYTES)
        return false;
    size_t lowest = n - END_BYTES > UINT16_MAX ? n - END_BYTES - UINT16_MAX : 0;
    for (size_t i = n - END_BYTES + 1; i-- > lowest;) {
        if (bytes[i] != 'P' || bytes[i + 1] != 'K' || bytes[i + 2] != 5 || bytes[i + 3] != 6)
            continue;
        size_t comment = bytes[i + 20] | (size_t)bytes[i + 21] << 8;
        if (i + END_BYTES + comment == n) {
            *at = i;
            return true;
        }
    }
    return false;
}

/* The zip64 end record, when a locator stands before the end record. */
static enum ptm_status read_end64(const uint8_t *bytes, size_t n, size_t end_at,
                                  struct directory *d, struct ptm_err *err)
{
    struct ptm_reader r;
    ptm_reader_init(&r, bytes, n);
    if (end_at < LOCATOR64_BYTES || !ptm_reader_seek(&r, end_at - LOCATOR64_BYTES) ||
        ptm_read_u32(&r) != LOCATOR64_SIG)
        return PTM_OK;
    uint32_t disk = ptm_read_u32(&r);
    uint64_t at = ptm_read_u64(&r);
    if (disk != 0 || end_at < LOCATOR64_BYTES + END64_BYTES ||
        at > end_at - LOCATOR64_BYTES - END64_BYTES)
        return ptm_fail(err, PTM_ERR_FORMAT,
                        "zip: zip64 end record at byte %llu of disk %u, the file has %zu bytes",
                        (unsigned long long)at, disk, n);
    ptm_reader_seek(&r, (size_t)at);
    if (ptm_read_u32(&r) != END64_SIG)
        return ptm_fail(err, PTM_ERR_FORMAT, "zip: no zip64 end record at byte %llu",
                        (unsigned long long)at);
    ptm_read_bytes(&r, 8 + 2 + 2 + 4 + 4); /* record size, versions, disks */
    uint64_t here = ptm_read_u64(&r), count = ptm_read_u64(&r);
    uint64_t dir_bytes = ptm_read_u64(&r), dir_at = ptm_read_u64(&r);
    if (here != count)
        return ptm_fail(err, PTM_ERR_UNSUPPORTED, "zip: an archive in several parts");
    *d = (struct directory){.at = dir_at, .bytes = dir_bytes, .count = count, .limit = at};
    return PTM_OK;
}

static enum ptm_status find_directory(const uint8_t *bytes, size_t n, struct directory *d,
                                      struct ptm_err *err)
{
    size_t end_at;
    if (!find_end(bytes, n, &end_at))
        return ptm_fail(err, PTM_ERR_FORMAT,
                        "zip: no end record in %zu bytes: the file is incomplete", n);
    struct ptm_reader r;
    ptm_reader_init(&r, bytes, n);
    ptm_reader_seek(&r, end_at + 4);
    uint16_t disk = ptm_read_u16(&r), dir_disk = ptm_read_u16(&r);
    uint16_t here = ptm_read_u16(&r), count = ptm_read_u16(&r);
    uint32_t dir_bytes = ptm_read_u32(&r), dir_at = ptm_read_u32(&r);
    *d = (struct directory){.at = dir_at, .bytes = dir_bytes, .count = count, .limit = end_at};
    PTM_TRY(read_end64(bytes, n, end_at, d, err));
    if (disk != dir_disk || here != count || (disk != 0 && disk != UINT16_MAX))
        return ptm_fail(err, PTM_ERR_UNSUPPORTED, "zip: an archive in several parts");
    /* two end records must not tell two stories */
    if ((count != UINT16_MAX && count != d->count) ||
        (dir_bytes != UINT32_MAX && dir_bytes != d->bytes) ||
        (dir_at != UINT32_MAX && dir_at != d->at))
        return ptm_fail(err, PTM_ERR_FORMAT, "zip: the end record and the zip64 one differ");
    if (d->at > d->limit || d->bytes > d->limit - d->at)
        return ptm_fail(err, PTM_ERR_FORMAT,
                        "zip: directory of %llu bytes at byte %llu, it may end at %llu",
                        (unsigned long long)d->bytes, (unsigned long long)d->at,
                        (unsigned long long)d->limit);
    if (d->count > PTM_ZIP_MAX_MEMBERS)
        return ptm_fail(err, PTM_ERR_LIMIT, "zip: %llu members, the limit is %zu",
                        (unsigned long long)d->count, PTM_ZIP_MAX_MEMBERS);
    if (d->count > d->bytes / CENTRAL_BYTES)
        return ptm_fail(err, PTM_ERR_FORMAT, "zip: %llu members in a directory of %llu bytes",
                        (unsigned long long)d->count, (unsigned long long)d->bytes);
    d->limit = d->at;
    return PTM_OK;
}

/* Takes the values that do not fit the directory's 32-bit fields from the zip64 extra field. */
static bool read_extra(const uint8_t *extra, size_t n, struct entry *e)
{
    struct ptm_reader r;
    ptm_reader_init(&r, extra, n);
    bool wanted = e->unpacked == UINT32_MAX || e->packed == UINT32_MAX ||
                  e->local_at == UINT32_MAX;
    while (wanted && r.n - r.at >= 4) {
        uint16_t id = ptm_read_u16(&r), bytes = ptm_read_u16(&r);
        const uint8_t *p = ptm_read_bytes(&r, bytes);
        if (!p)
            return false;
        if (id != EXTRA_ZIP64)
            continue;
        struct ptm_reader f;
        ptm_reader_init(&f, p, bytes);
        if (e->unpacked == UINT32_MAX)
            e->unpacked = ptm_read_u64(&f);
        if (e->packed == UINT32_MAX)
            e->packed = ptm_read_u64(&f);
        if (e->local_at == UINT32_MAX)
            e->local_at = ptm_read_u64(&f);
        return !f.failed;
    }
    return true;
}

static enum ptm_status check_name(const uint8_t *name, size_t n, size_t at, struct ptm_err *err)
{
    if (n == 0)
        return ptm_fail(err, PTM_ERR_FORMAT, "zip: a member without a name, at byte %zu", at);
    for (size_t i = 0; i < n; i++)
        if (name[i] < 0x20 || name[i] == 0x7f)
            return ptm_fail(err, PTM_ERR_FORMAT,
                            "zip: character 0x%02x in the name of the member at byte %zu", name[i],
                            at);
    return PTM_OK;
}

/* Finds the data behind the local header, which must agree with the directory. */
static enum ptm_status read_local(const struct ptm_zip *z, const struct directory *d,
                                  const struct entry *e, struct ptm_zip_member *m,
                                  struct range *range, struct ptm_err *err)
{
    struct ptm_reader r;
    ptm_reader_init(&r, z->bytes, (size_t)d->limit);
    if (e->local_at > d->limit || !ptm_reader_seek(&r, (size_t)e->local_at) ||
        ptm_read_u32(&r) != LOCAL_SIG)
        return ptm_fail(err, PTM_ERR_FORMAT, "zip: member '%.200s': no local header at byte %llu",
                        m->name, (unsigned long long)e->local_at);
    ptm_read_u16(&r); /* version */
    uint16_t flags = ptm_read_u16(&r), method = ptm_read_u16(&r);
    ptm_read_u32(&r); /* time */
    uint32_t crc = ptm_read_u32(&r), packed = ptm_read_u32(&r), unpacked = ptm_read_u32(&r);
    uint16_t name_len = ptm_read_u16(&r), extra_len = ptm_read_u16(&r);
    const uint8_t *name = ptm_read_bytes(&r, name_len);
    ptm_read_bytes(&r, extra_len);
    const uint8_t *data = ptm_read_bytes(&r, (size_t)e->packed);
    if (!data)
        return ptm_fail(err, PTM_ERR_FORMAT,
                        "zip: member '%.200s': %llu bytes at byte %zu, they may end at %llu",
                        m->name, (unsigned long long)e->packed, r.failed_at,
                        (unsigned long long)d->limit);
    bool same = name_len == m->name_len && !memcmp(name, m->name, name_len) && method == m->method;
    if (!((flags | e->flags) & FLAG_DESCRIPTOR))
        same = same && crc == m->crc && (packed == UINT32_MAX || packed == e->packed) &&
               (unpacked == UINT32_MAX || unpacked == e->unpacked);
    if (!same || ((flags ^ e->flags) & FLAG_ENCRYPTED))
        return ptm_fail(err, PTM_ERR_FORMAT,
                        "zip: member '%.200s': its header at byte %llu and the directory differ",
                        m->name, (unsigned long long)e->local_at);
    m->data = data;
    *range = (struct range){.at = (size_t)e->local_at, .end = r.at, .name = m->name};
    return PTM_OK;
}

static enum ptm_status read_member(struct ptm_zip *z, struct ptm_arena *arena,
                                   const struct directory *d, struct ptm_reader *r,
                                   struct ptm_zip_member *m, struct range *range,
                                   struct ptm_err *err)
{
    size_t at = r->at;
    struct entry e;
    uint32_t sig = ptm_read_u32(r);
    ptm_read_u32(r); /* versions */
    e.flags = ptm_read_u16(r);
    m->method = ptm_read_u16(r);
    ptm_read_u32(r); /* time */
    m->crc = ptm_read_u32(r);
    e.packed = ptm_read_u32(r);
    e.unpacked = ptm_read_u32(r);
    uint16_t name_len = ptm_read_u16(r), extra_len = ptm_read_u16(r);
    uint16_t comment_len = ptm_read_u16(r), disk = ptm_read_u16(r);
    ptm_read_bytes(r, 2 + 4); /* attributes */
    e.local_at = ptm_read_u32(r);
    const uint8_t *name = ptm_read_bytes(r, name_len);
    const uint8_t *extra = ptm_read_bytes(r, extra_len);
    ptm_read_bytes(r, comment_len);
    if (r->failed || sig != CENTRAL_SIG || !read_extra(extra, extra_len, &e))
        return ptm_fail(err, PTM_ERR_FORMAT, "zip: bad directory entry at byte %zu", at);
    PTM_TRY(check_name(name, name_len, at, err));
    m->name = ptm_arena_str(arena, (const char *)name, name_len);
    m->name_len = name_len;
    if (!m->name)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the zip directory");
    if (e.flags & FLAG_ENCRYPTED)
        return ptm_fail(err, PTM_ERR_UNSUPPORTED, "zip: member '%.200s' is encrypted", m->name);
    if (disk != 0 && disk != UINT16_MAX)
        return ptm_fail(err, PTM_ERR_UNSUPPORTED, "zip: an archive in several parts");
    if (m->method != PTM_ZIP_STORED && m->method != PTM_ZIP_DEFLATED)
        return ptm_fail(err, PTM_ERR_UNSUPPORTED,
                        "zip: member '%.200s': compression method %u, only 0 and 8 are read",
                        m->name, m->method);
    if (m->method == PTM_ZIP_STORED && e.packed != e.unpacked)
        return ptm_fail(err, PTM_ERR_FORMAT,
                        "zip: member '%.200s' is stored in %llu bytes but has %llu", m->name,
                        (unsigned long long)e.packed, (unsigned long long)e.unpacked);
    if (e.packed > d->limit || e.unpacked > PTRDIFF_MAX)
        return ptm_fail(err, PTM_ERR_FORMAT,
                        "zip: member '%.200s' of %llu bytes, the file has %zu", m->name,
                        (unsigned long long)e.packed, z->n_bytes);
    m->packed_bytes = (size_t)e.packed;
    m->bytes = (size_t)e.unpacked;
    return read_local(z, d, &e, m, range, err);
}

static int compare_bytes(const char *a, size_t na, const char *b, size_t nb)
{
    int c = memcmp(a, b, na < nb ? na : nb);
    return c ? c : (na > nb) - (na < nb);
}

static int by_name(const void *a, const void *b)
{
    const struct ptm_zip_member *x = *(const struct ptm_zip_member *const *)a;
    const struct ptm_zip_member *y = *(const struct ptm_zip_member *const *)b;
    return compare_bytes(x->name, x->name_len, y->name, y->name_len);
}

static int by_offset(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

static enum ptm_status check_ranges(struct range *range, size_t n, struct ptm_err *err)
{
    if (n)
        qsort(range, n, sizeof(*range), by_offset);
    for (size_t i = 1; i < n; i++)
        if (range[i].at < range[i - 1].end)
            return ptm_fail(err, PTM_ERR_FORMAT,
                            "zip: members '%.200s' and '%.200s' overlap at byte %zu",
                            range[i - 1].name, range[i].name, range[i].at);
    return PTM_OK;
}

static enum ptm_status sort_names(struct ptm_zip *z, struct ptm_err *err)
{
    for (size_t i = 0; i < z->n_members; i++)
        z->by_name[i] = &z->member[i];
    if (z->n_members)
        qsort(z->by_name, z->n_members, sizeof(const struct ptm_zip_member *), by_name);
    for (size_t i = 1; i < z->n_members; i++)
        if (!by_name(&z->by_name[i - 1], &z->by_name[i]))
            return ptm_fail(err, PTM_ERR_FORMAT, "zip: two members are named '%.200s'",
                            z->by_name[i]->name);
    return PTM_OK;
}

enum ptm_status ptm_zip_open(struct ptm_zip *z, struct ptm_arena *arena, const uint8_t *bytes,
                             size_t n, struct ptm_err *err)
{
    *z = (struct ptm_zip){.bytes = bytes, .n_bytes = n, .root = ""};
    if (!ptm_zip_probe(bytes, n))
        return ptm_fail(err, PTM_ERR_FORMAT, "zip: the file does not start with a zip header");
    struct directory d = {0};
    PTM_TRY(find_directory(bytes, n, &d, err));
    size_t count = (size_t)d.count;
    z->member = ptm_arena_array(arena, count, sizeof(*z->member));
    z->by_name = ptm_arena_array(arena, count, sizeof(const struct ptm_zip_member *));
    struct range *range = ptm_arena_array(arena, count, sizeof(*range));
    if (arena->failed)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the zip directory");
    struct ptm_reader r;
    ptm_reader_init(&r, bytes, (size_t)(d.at + d.bytes));
    ptm_reader_seek(&r, (size_t)d.at);
    for (; z->n_members < count; z->n_members++)
        PTM_TRY(read_member(z, arena, &d, &r, &z->member[z->n_members], &range[z->n_members],
                            err));
    PTM_TRY(check_ranges(range, count, err));
    PTM_TRY(sort_names(z, err));
    const char *slash = count ? memchr(z->member[0].name, '/', z->member[0].name_len) : NULL;
    if (slash) {
        z->root_len = (size_t)(slash - z->member[0].name);
        z->root = ptm_arena_str(arena, z->member[0].name, z->root_len);
        if (!z->root)
            return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the zip directory");
    }
    return PTM_OK;
}

const struct ptm_zip_member *ptm_zip_find(const struct ptm_zip *z, const char *name, size_t len)
{
    size_t lo = 0, hi = z->n_members;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const struct ptm_zip_member *m = z->by_name[mid];
        int c = compare_bytes(name, len, m->name, m->name_len);
        if (c == 0)
            return m;
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

const char *ptm_zip_root(const struct ptm_zip *z)
{
    return z->root;
}

const struct ptm_zip_member *ptm_zip_member(const struct ptm_zip *z, const char *name)
{
    if (!z->root_len)
        return ptm_zip_find(z, name, strlen(name));
    size_t lo = 0, hi = z->n_members, len = strlen(name);
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const struct ptm_zip_member *m = z->by_name[mid];
        /* compare root, slash, name with the member's name, part by part */
        size_t head = m->name_len < z->root_len ? m->name_len : z->root_len;
        int c = compare_bytes(z->root, z->root_len, m->name, head);
        if (c == 0)
            c = m->name_len == head ? 1 : '/' - (unsigned char)m->name[head];
        if (c == 0)
            c = compare_bytes(name, len, m->name + head + 1, m->name_len - head - 1);
        if (c == 0)
            return m;
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

const char *ptm_zip_relative(const struct ptm_zip *z, const struct ptm_zip_member *m)
{
    if (!z->root_len)
        return m->name;
    if (m->name_len <= z->root_len || memcmp(m->name, z->root, z->root_len) ||
        m->name[z->root_len] != '/')
        return NULL;
    return m->name + z->root_len + 1;
}

/* -- unpacking -- */

static voidpf zlib_alloc(voidpf opaque, uInt items, uInt size)
{
    (void)opaque;
    return size && items > PTRDIFF_MAX / size ? NULL : ptm_malloc((size_t)items * size);
}

static void zlib_free(voidpf opaque, voidpf p)
{
    (void)opaque;
    ptm_free(p);
}

/* Unpacks exactly m->bytes bytes to `out`, which has room for one more: a longer stream shows. */
static enum ptm_status unpack(const struct ptm_zip_member *m, uint8_t *out, struct ptm_err *err)
{
    z_stream s = {.zalloc = zlib_alloc, .zfree = zlib_free};
    if (inflateInit2(&s, -MAX_WBITS) != Z_OK)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory to unpack '%.200s'", m->name);
    enum { CHUNK = 1 << 30 }; /* zlib counts in 32 bits */
    size_t in_at = 0, out_at = 0, room = m->bytes + 1;
    int rc = Z_OK;
    while (rc == Z_OK) {
        size_t in = m->packed_bytes - in_at, space = room - out_at;
        s.next_in = m->data + in_at;
        s.avail_in = (uInt)(in < CHUNK ? in : CHUNK);
        s.next_out = out + out_at;
        s.avail_out = (uInt)(space < CHUNK ? space : CHUNK);
        size_t in_given = s.avail_in, out_given = s.avail_out;
        rc = inflate(&s, Z_NO_FLUSH);
        in_at += in_given - s.avail_in;
        out_at += out_given - s.avail_out;
    }
    inflateEnd(&s);
    if (rc == Z_MEM_ERROR)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory to unpack '%.200s'", m->name);
    if (rc != Z_STREAM_END || in_at != m->packed_bytes || out_at != m->bytes)
        return ptm_fail(err, PTM_ERR_FORMAT,
                        "zip: member '%.200s': bad deflate data after %zu of %zu bytes, "
                        "%zu of %zu unpacked",
                        m->name, in_at, m->packed_bytes, out_at < m->bytes ? out_at : m->bytes,
                        m->bytes);
    out[m->bytes] = 0;
    return PTM_OK;
}

static enum ptm_status compare_crc(const struct ptm_zip_member *m, const uint8_t *p,
                                   struct ptm_err *err)
{
    uint32_t crc = (uint32_t)crc32_z(crc32_z(0, NULL, 0), p, m->bytes);
    if (crc != m->crc)
        return ptm_fail(err, PTM_ERR_FORMAT,
                        "zip: member '%.200s' is damaged: checksum %08x, the directory has %08x",
                        m->name, crc, m->crc);
    return PTM_OK;
}

enum ptm_status ptm_zip_read(struct ptm_arena *arena, const struct ptm_zip_member *m, size_t limit,
                             bool check_crc, const uint8_t **data, size_t *n, struct ptm_err *err)
{
    const uint8_t *p = m->data;
    if (m->method == PTM_ZIP_DEFLATED) {
        if (!limit)
            limit = PTM_ZIP_MAX_UNPACKED;
        if (m->bytes > limit)
            return ptm_fail(err, PTM_ERR_LIMIT,
                            "zip: member '%.200s' unpacks to %zu bytes, the limit is %zu", m->name,
                            m->bytes, limit);
        if (m->bytes / MAX_RATIO > m->packed_bytes)
            return ptm_fail(err, PTM_ERR_LIMIT,
                            "zip: member '%.200s': %zu bytes cannot unpack to %zu", m->name,
                            m->packed_bytes, m->bytes);
        uint8_t *out = ptm_arena_alloc(arena, m->bytes + 1);
        if (!out)
            return ptm_fail(err, PTM_ERR_MEMORY, "no memory to unpack '%.200s'", m->name);
        PTM_TRY(unpack(m, out, err));
        p = out;
    }
    if (check_crc)
        PTM_TRY(compare_crc(m, p, err));
    *data = p;
    *n = m->bytes;
    return PTM_OK;
}
