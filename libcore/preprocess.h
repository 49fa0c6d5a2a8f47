/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a decoded image to the tensor a vision model wants, as torchvision does it for a PIL image:
 * Resize(N), CenterCrop, ToTensor, Normalize. Resizing gives the same bytes as Pillow.
 */
#ifndef PTM_LIBCORE_PREPROCESS_H
#define PTM_LIBCORE_PREPROCESS_H

#include "libcore/arena.h"
#include "libcore/ptm.h"

enum { PTM_IMAGE_MAX_SIDE = 1 << 14, PTM_IMAGE_MAX_PIXELS = 100 * 1000 * 1000 };

/* Rows of width * 3 bytes, red first, without padding. */
struct ptm_image {
    uint8_t *rgb;
    int width, height;
};

struct ptm_preprocess {
    int resize;                /* the shorter side becomes this long; 0: as it is */
    int crop_width, crop_height; /* of the middle, black where the image is smaller; 0: none */
    float mean[3], std[3];     /* out = (byte / 255 - mean) / std, per channel */
};
/* What ImageNet models are evaluated with. */
#define PTM_PREPROCESS_IMAGENET                                                                    \
    {                                                                                              \
        .resize = 256, .crop_width = 224, .crop_height = 224,                                      \
        .mean = {0.485f, 0.456f, 0.406f}, .std = {0.229f, 0.224f, 0.225f}                          \
    }

/* *out is f32[1, 3, height, width] in `arena`. PTM_ERR_ARG, PTM_ERR_LIMIT, PTM_ERR_MEMORY. */
enum ptm_status ptm_preprocess(struct ptm_arena *arena, const struct ptm_image *in,
                               const struct ptm_preprocess *how, struct ptm_tensor **out,
                               struct ptm_err *err) PTM_WARN_UNUSED;

/* The steps. Results are in `arena`; *out may be the input when nothing changes. */
enum ptm_status ptm_image_resize(struct ptm_arena *arena, const struct ptm_image *in, int width,
                                 int height, struct ptm_image *out, struct ptm_err *err)
    PTM_WARN_UNUSED;
enum ptm_status ptm_image_crop(struct ptm_arena *arena, const struct ptm_image *in, int width,
                               int height, struct ptm_image *out, struct ptm_err *err)
    PTM_WARN_UNUSED;

#endif
