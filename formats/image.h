/* SPDX-License-Identifier: BSD-2-Clause */
/* PNG and JPEG images, when the build has libpng and libjpeg. */
#ifndef PTM_FORMATS_IMAGE_H
#define PTM_FORMATS_IMAGE_H

#include "libcore/preprocess.h"

bool ptm_image_probe(const uint8_t *bytes, size_t n); /* does it begin like one? */

/* Decodes to 8-bit RGB as Pillow's convert("RGB") does: grey and palettes are expanded, alpha is
 * dropped, 16-bit samples keep their upper byte. The EXIF orientation is ignored (Pillow and
 * torchvision ignore it too). At most PTM_IMAGE_MAX_SIDE per side and PTM_IMAGE_MAX_PIXELS in all.
 * Pixels are in `arena`. PTM_ERR_FORMAT, PTM_ERR_LIMIT, PTM_ERR_MEMORY, PTM_ERR_UNSUPPORTED (other
 * kinds, or a build without the libraries). */
enum ptm_status ptm_image_read(struct ptm_arena *arena, const uint8_t *bytes, size_t n,
                               struct ptm_image *out, struct ptm_err *err) PTM_WARN_UNUSED;

#endif
