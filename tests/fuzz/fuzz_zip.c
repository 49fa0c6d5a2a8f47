/* SPDX-License-Identifier: BSD-2-Clause */
/* Zip archives: open, look every member up, unpack. */
#include <stdlib.h>
#include <string.h>

#include "formats/zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ptm_arena arena = {0};
    struct ptm_zip z;
    struct ptm_err err = {0};
    if (ptm_zip_open(&z, &arena, data, n, &err) == PTM_OK) {
        size_t left = 1 << 20; /* unpacked by one input: keeps the fuzzer fast */
        for (size_t i = 0; i < z.n_members; i++) {
            const struct ptm_zip_member *m = &z.member[i];
            const char *name = ptm_zip_relative(&z, m);
            if (ptm_zip_find(&z, m->name, m->name_len) != m || m->name_len != strlen(m->name) ||
                (name && ptm_zip_member(&z, name) != m))
                abort();
            const uint8_t *p;
            size_t bytes;
            struct ptm_err e = {0};
            if (left && !ptm_zip_read(&arena, m, left, i & 1, &p, &bytes, &e)) {
                uint8_t sum = 0;
                for (size_t k = 0; k < bytes; k++)
                    sum ^= ((const volatile uint8_t *)p)[k];
                (void)sum;
                left -= bytes < left ? bytes : left;
            }
        }
    } else if (!err.code || !err.msg[0]) {
        abort();
    }
    ptm_arena_release(&arena);
    return 0;
}
