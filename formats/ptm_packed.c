/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packed weights of .ptm files, read and written. What a file holds here is only offered: a
 * backend takes a pack whose key, kernel, instruction set, version and number of bytes are exactly
 * those of the one that it would make, and makes its own otherwise.
 */
#include "formats/ptm_packed.h"

#include <inttypes.h>
#include <string.h>

#include "formats/ptm_layout.h"

enum { MAX_NAME = 64, KEY_DIGITS = 32 };

static bool read_key(const char *text, uint64_t hash[2])
{
    if (!text || strlen(text) != KEY_DIGITS)
        return false;
    for (int i = 0; i < KEY_DIGITS; i++) {
        const char *digits = "0123456789abcdef", *d = strchr(digits, text[i]);
        if (!d)
            return false;
        hash[i / 16] = hash[i / 16] << 4 | (uint64_t)(d - digits);
    }
    return true;
}

enum ptm_status ptm_packed_read(struct ptm_json *j, struct ptm_arena *arena,
                                struct ptm_packs *packs, const uint8_t *data, size_t n_data,
                                uint64_t *last_end, struct ptm_err *err)
{
    static const char *const names[] = {"key", "kernel", "isa", "version", "offset", "bytes"};
    enum { KEY, KERNEL, ISA, VERSION, OFFSET, BYTES };
    size_t n = 0;
    ptm_json_array(j);
    while (ptm_json_item(j)) {
        struct ptm_pack_key key = {0};
        uint64_t at = 0, bytes = 0;
        uint32_t seen = 0;
        ptm_json_object(j);
        for (int f; (f = ptm_json_field(j, names, PTM_LEN(names), &seen)) >= 0;) {
            if (f == KEY && !read_key(ptm_json_str(j, arena, KEY_DIGITS), key.hash))
                ptm_json_fail(j, "a key of 32 hexadecimal digits is expected");
            else if (f == KERNEL)
                key.kernel = ptm_json_str(j, arena, MAX_NAME);
            else if (f == ISA)
                key.isa = ptm_json_str(j, arena, MAX_NAME);
            else if (f == VERSION)
                key.version = (uint32_t)ptm_json_int(j, 0, INT32_MAX);
            else if (f == OFFSET)
                at = (uint64_t)ptm_json_int(j, 0, (int64_t)n_data);
            else if (f == BYTES)
                bytes = (uint64_t)ptm_json_int(j, 0, (int64_t)n_data);
        }
        if (seen != (1u << PTM_LEN(names)) - 1)
            ptm_json_fail(j, "a pack without key, kernel, isa, version, offset or bytes");
        else if (at % PTM_FILE_ALIGN || at < *last_end || bytes > n_data - at)
            ptm_json_fail(j, "a pack out of place");
        else if (++n > PTM_FILE_MAX_PACKS)
            ptm_json_fail(j, "too many packs");
        if (j->wrong)
            return PTM_OK;
        *last_end = at + bytes;
        /* memory that is not aligned as a mapping is: packed again */
        if ((uintptr_t)data % PTM_FILE_ALIGN == 0)
            PTM_TRY(ptm_packs_offer(packs, &key, data + at, (size_t)bytes, err));
    }
    return PTM_OK;
}

void ptm_packed_print(struct ptm_bytes *json, const struct ptm_pack *pack, uint64_t offset)
{
    const struct ptm_pack_key *k = &pack->key;
    char text[300];
    int n = snprintf(text, sizeof text,
                     "{\"key\": \"%016" PRIx64 "%016" PRIx64 "\", \"kernel\": \"%s\", "
                     "\"isa\": \"%s\", \"version\": %" PRIu32 ", \"offset\": %" PRIu64
                     ", \"bytes\": %zu}",
                     k->hash[0], k->hash[1], k->kernel, k->isa, k->version, offset, pack->bytes);
    ptm_bytes_put(json, text, n > 0 && (size_t)n < sizeof text ? (size_t)n : 0);
}
