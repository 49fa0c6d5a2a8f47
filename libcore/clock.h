/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock of all times: nanoseconds that never jump. */
#ifndef PTM_LIBCORE_CLOCK_H
#define PTM_LIBCORE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define PTM_CLOCK_NAME "CLOCK_MONOTONIC"

static inline int64_t ptm_clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

#endif
