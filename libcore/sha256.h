/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-256 (FIPS 180-4): which file a model was made from. */
#ifndef PTM_LIBCORE_SHA256_H
#define PTM_LIBCORE_SHA256_H

#include <stddef.h>

/* 64 hexadecimal digits and a NUL into `out`. */
void ptm_sha256(const void *bytes, size_t n, char out[65]);

#endif
