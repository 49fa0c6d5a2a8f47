/* SPDX-License-Identifier: BSD-2-Clause */
/* Pools of threads: pthreadpool where the build has it, else the calling thread alone. */
#include "libcore/backend.h"

#ifdef PTM_HAVE_PTHREADPOOL

#include <pthreadpool.h>

struct pthreadpool *ptm_threads_open(uint32_t n)
{
    return n > 1 ? pthreadpool_create(n) : NULL;
}

void ptm_threads_close(struct pthreadpool *pool)
{
    pthreadpool_destroy(pool);
}

#else

struct pthreadpool *ptm_threads_open(uint32_t n)
{
    (void)n;
    return NULL;
}

void ptm_threads_close(struct pthreadpool *pool)
{
    (void)pool;
}

#endif
