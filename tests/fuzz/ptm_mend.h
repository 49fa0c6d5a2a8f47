/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For tests of hostile .ptm files: where the sections of one are, and its sums put right, so that
 * what lies behind these is reached.
 */
#ifndef PTM_TESTS_FUZZ_PTM_MEND_H
#define PTM_TESTS_FUZZ_PTM_MEND_H

#include <string.h>
#include <zlib.h>

#include "formats/json.h"
#include "formats/ptm_layout.h"
#include "libcore/saved.h"

enum { MEND_PROGRAM, MEND_TEXT, MEND_ENTRIES, MEND_SECTIONS };

struct mend {
    size_t header; /* its bytes */
    size_t base;   /* where the data begins */
    size_t at[MEND_SECTIONS], bytes[MEND_SECTIONS]; /* from `base`; as they are stored */
    bool packed[MEND_SECTIONS];                     /* with zstd */
};

/* False: not even the header is there. */
static inline bool mend_find(const uint8_t *data, size_t n, struct mend *m)
{
    static const char *const names[] = {"program", "text", "entries"};
    struct ptm_json j;
    uint32_t seen = 0;
    *m = (struct mend){0};
    if (n < PTM_FILE_FIXED)
        return false;
    m->header = (size_t)data[12] | (size_t)data[13] << 8 | (size_t)data[14] << 16;
    m->base = (PTM_FILE_FIXED + m->header + PTM_FILE_ALIGN - 1) / PTM_FILE_ALIGN * PTM_FILE_ALIGN;
    if (m->base > n)
        return false;
    ptm_json_init(&j, data + PTM_FILE_FIXED, m->header);
    ptm_json_object(&j);
    for (int f; (f = ptm_json_field(&j, names, MEND_SECTIONS, &seen)) >= 0;) {
        ptm_json_array(&j);
        for (int i = 0; ptm_json_item(&j); i++) {
            size_t v = (size_t)ptm_json_int(&j, 0, (int64_t)(n - m->base));
            *(i ? &m->bytes[f] : &m->at[f]) = v; /* the third is of a frame, for the second */
            m->packed[f] = i == 2;
        }
    }
    bool ok = ptm_json_end(&j) && (seen & 3) == 3;
    for (int i = 0; i < MEND_SECTIONS; i++)
        ok = ok && m->bytes[i] <= n - m->base - m->at[i];
    if (!ok)
        *m = (struct mend){.header = m->header, .base = m->base};
    return true;
}

static inline void mend_put(uint8_t *to, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (uint8_t)(v >> 8 * i);
}

/* Magic, versions, size and sums of the file as it is now. */
static inline void mend_file(uint8_t *data, size_t n, const struct mend *m)
{
    uint32_t sum = 0;
    if (m->bytes[MEND_ENTRIES] >= 8 && !m->packed[MEND_ENTRIES])
        mend_put(data + m->base + m->at[MEND_ENTRIES], ptm_entries_version(), 8);
    for (int i = 0; i < MEND_SECTIONS; i++)
        sum = (uint32_t)crc32_z(sum, data + m->base + m->at[i], m->bytes[i]);
    memcpy(data, PTM_FILE_MAGIC, 8);
    mend_put(data + 8, PTM_FILE_VERSION, 4);
    mend_put(data + 16, n, 8);
    mend_put(data + 24, crc32_z(0, data + PTM_FILE_FIXED, m->header), 4);
    mend_put(data + 28, sum, 4);
}

#endif
