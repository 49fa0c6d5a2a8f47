/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by lower_signal.c and lower_fourier.c. */
#ifndef PTM_LIBCORE_LOWER_SIGNAL_H
#define PTM_LIBCORE_LOWER_SIGNAL_H

#include "libcore/trace.h"

/* The window of n points: w of len, or ones, with zeros on both sides up to n. */
struct ptm_tensor *ptm_full_window(struct ptm_trace *t, struct ptm_tensor *w, int64_t len,
                                   int64_t n, enum ptm_dtype d);

#endif
