/* SPDX-License-Identifier: BSD-2-Clause */
/* npy files: whatever is accepted must be a whole tensor, and be written. */
#include <stdlib.h>

#include "formats/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ptm_arena arena = {0};
    struct ptm_tensor *t = NULL;
    struct ptm_err err = {0};
    if (ptm_npy_read(&arena, data, n, &t, &err) == PTM_OK) {
        size_t bytes = (size_t)ptm_tensor_numel(t) * ptm_dtype_bytes(t->dtype);
        const uint8_t *p = ptm_tensor_data(t);
        uint8_t sum = 0;
        if (bytes > n || !ptm_tensor_contiguous(t) || (bytes && !p))
            abort();
        for (size_t i = 0; i < bytes; i++)
            sum ^= ((const volatile uint8_t *)p)[i];
        (void)sum;
        struct ptm_sink *s;
        if (ptm_sink_open(&s, "/dev/null", &err) || ptm_npy_write(s, t, &err) ||
            ptm_sink_commit(s, &err))
            abort();
    } else if (!err.code || !err.msg[0]) {
        abort();
    }
    ptm_arena_release(&arena);
    return 0;
}
