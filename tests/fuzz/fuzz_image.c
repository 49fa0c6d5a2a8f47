/* SPDX-License-Identifier: BSD-2-Clause */
/* Images: decode, then preprocess what is small enough. */
#include <stdlib.h>
#include <string.h>

#include "formats/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MAX_PIXELS = 1 << 20 };

/* A few bytes can say 16384 x 6000: allowed, but too slow to fuzz. */
static int is_large(const uint8_t *data, size_t n)
{
    uint32_t w = 0, h = 0;
    if (n >= 24 && data[0] == 0x89) {
        for (int i = 0; i < 4; i++) {
            w = w << 8 | data[16 + i];
            h = h << 8 | data[20 + i];
        }
        return (uint64_t)w * h > MAX_PIXELS;
    }
    for (size_t i = 0; i + 9 <= n; i++)
        if (data[i] == 0xff && data[i + 1] >= 0xc0 && data[i + 1] <= 0xcf) {
            h = (uint32_t)(data[i + 5] << 8 | data[i + 6]);
            w = (uint32_t)(data[i + 7] << 8 | data[i + 8]);
            if (w * h > MAX_PIXELS)
                return 1;
        }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (is_large(data, n))
        return 0;
    struct ptm_arena arena = {0};
    struct ptm_image image;
    struct ptm_err err = {0};
    if (ptm_image_read(&arena, data, n, &image, &err) == PTM_OK) {
        struct ptm_preprocess how = PTM_PREPROCESS_IMAGENET;
        struct ptm_tensor *t;
        how.resize = 1 + image.width % 40;
        how.crop_width = 1 + image.height % 50;
        how.crop_height = 20;
        if (ptm_preprocess(&arena, &image, &how, &t, &err) == PTM_OK &&
            ptm_tensor_numel(t) != (int64_t)3 * how.crop_width * how.crop_height)
            abort();
    } else if (!err.code || !err.msg[0]) {
        abort();
    }
    ptm_arena_release(&arena);
    return 0;
}
