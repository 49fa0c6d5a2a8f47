/* SPDX-License-Identifier: BSD-2-Clause */
/* Pools of threads: pthreadpool where the build has it, else the calling thread alone. */
#include "libcore/backend.h"

#include <string.h>

#include "libcore/walk.h"

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

size_t ptm_threads_count(struct pthreadpool *pool)
{
    return pool ? pthreadpool_get_threads_count(pool) : 1;
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

size_t ptm_threads_count(struct pthreadpool *pool)
{
    (void)pool;
    return 1;
}

#endif

void ptm_threads_run(struct pthreadpool *pool, size_t n, void (*task)(void *ctx, size_t i),
                     void *ctx)
{
#ifdef PTM_HAVE_PTHREADPOOL
    if (pool && n > 1) {
        pthreadpool_parallelize_1d(pool, task, ctx, n, PTHREADPOOL_FLAG_YIELD_WORKERS);
        return;
    }
#endif
    (void)pool;
    for (size_t i = 0; i < n; i++)
        task(ctx, i);
}

/* -- copies -- */

enum { SMALL = 1 << 15 }; /* elements that one thread copies */

struct copy {
    const struct ptm_nd *from, *to;
    int dim;
    size_t parts;
};

static void copy_part(void *ctx, size_t i)
{
    const struct copy *c = ctx;
    struct ptm_nd from = *c->from, to = *c->to;
    int64_t n = to.dim[c->dim], size = (int64_t)ptm_dtype_bytes(to.dtype);
    int64_t first = n * (int64_t)i / (int64_t)c->parts;
    from.data = (char *)from.data + first * from.stride[c->dim] * size;
    to.data = (char *)to.data + first * to.stride[c->dim] * size;
    from.dim[c->dim] = to.dim[c->dim] = n * (int64_t)(i + 1) / (int64_t)c->parts - first;
    ptm_copy_nd(&from, &to);
}

void ptm_threads_copy(struct pthreadpool *pool, const struct ptm_nd *from, const struct ptm_nd *to)
{
    struct copy c = {.from = from, .to = to, .dim = -1};
    size_t threads = ptm_threads_count(pool);
    int64_t n = 1;
    for (int d = 0; d < to->rank; d++) {
        n *= to->dim[d];
        /* along the outermost dim that has a part for each */
        if (to->dim[d] >= (int64_t)threads &&
            (c.dim < 0 || to->stride[d] > to->stride[c.dim]))
            c.dim = d;
    }
    c.parts = threads;
    if (threads == 1 || n < SMALL || c.dim < 0)
        ptm_copy_nd(from, to);
    else
        ptm_threads_run(pool, c.parts, copy_part, &c);
}
