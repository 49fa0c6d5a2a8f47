/* SPDX-License-Identifier: BSD-2-Clause */
/* numpy's .npy files: read from bytes into a tensor, written through a sink. */
#ifndef PTM_FORMATS_NPY_H
#define PTM_FORMATS_NPY_H

#include "libcore/arena.h"
#include "libcore/ptm.h"
#include "libcore/sink.h"

bool ptm_npy_probe(const uint8_t *bytes, size_t n);

/* Versions 1 to 3; f2 f4 f8 u1 i1 i2 i4 i8 b1 in either byte order, C or Fortran order. *out is a
 * row-major tensor with its own copy of the data, both in `arena`; bytes after the array are
 * ignored, as numpy does. PTM_ERR_FORMAT, PTM_ERR_LIMIT, PTM_ERR_UNSUPPORTED (other dtypes),
 * PTM_ERR_MEMORY. */
enum ptm_status ptm_npy_read(struct ptm_arena *arena, const uint8_t *bytes, size_t n,
                             struct ptm_tensor **out, struct ptm_err *err) PTM_WARN_UNUSED;

/* Version 1, little-endian, C order. numpy has no bfloat16: such tensors are written as f32, which
 * holds every value exactly. The sink stays the caller's to commit. */
enum ptm_status ptm_npy_write(struct ptm_sink *sink, const struct ptm_tensor *t,
                              struct ptm_err *err) PTM_WARN_UNUSED;

#endif
