/* SPDX-License-Identifier: BSD-2-Clause */
/* The one place that asks for memory: a counted, failable malloc, and arenas over it. */
#include "libcore/arena.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Each allocation carries its size in front, so that the peak is exact. */
union header {
    size_t bytes;
    max_align_t align;
};

static atomic_size_t live_bytes, peak_bytes, most_bytes; /* most 0: no limit */
static atomic_uint_least64_t fail_countdown; /* 0: off */

static bool should_fail(void)
{
    if (!atomic_load(&fail_countdown))
        return false;
    return atomic_fetch_sub(&fail_countdown, 1) == 1;
}

/* False, and nothing counted: more than the limit. */
static bool count(size_t bytes)
{
    size_t now = atomic_fetch_add(&live_bytes, bytes) + bytes;
    size_t peak = atomic_load(&peak_bytes), most = atomic_load(&most_bytes);
    if (most && now > most) {
        atomic_fetch_sub(&live_bytes, bytes);
        return false;
    }
    while (now > peak && !atomic_compare_exchange_weak(&peak_bytes, &peak, now))
        ;
    return true;
}

void *ptm_malloc(size_t bytes)
{
    if (bytes > PTRDIFF_MAX - sizeof(union header) || should_fail() || !count(bytes))
        return NULL;
    union header *h = calloc(1, sizeof(*h) + bytes);
    if (!h) {
        atomic_fetch_sub(&live_bytes, bytes);
        return NULL;
    }
    h->bytes = bytes;
    return h + 1;
}

void *ptm_realloc(void *p, size_t old_bytes, size_t bytes)
{
    void *q = ptm_malloc(bytes);
    if (q && p) {
        memcpy(q, p, old_bytes < bytes ? old_bytes : bytes);
        ptm_free(p);
    }
    return q;
}

void ptm_free(void *p)
{
    if (!p)
        return;
    union header *h = (union header *)p - 1;
    atomic_fetch_sub(&live_bytes, h->bytes);
    free(h);
}

size_t ptm_memory_peak(void)
{
    return atomic_load(&peak_bytes);
}

void ptm_memory_limit(size_t bytes)
{
    atomic_store(&most_bytes, bytes);
}

uint64_t ptm_memory_fail_at(uint64_t nth)
{
    return atomic_exchange(&fail_countdown, nth);
}

/* -- arenas: a list of blocks, bump allocation in the newest -- */

struct ptm_arena_block {
    struct ptm_arena_block *next;
    size_t used, size;
};
enum { BLOCK_BYTES = 64 * 1024, ALIGN = 16 };
#define HEAD ((sizeof(struct ptm_arena_block) + ALIGN - 1) / ALIGN * ALIGN)

void *ptm_arena_alloc(struct ptm_arena *a, size_t bytes)
{
    if (a->failed || bytes > PTRDIFF_MAX - HEAD - ALIGN) {
        a->failed = true;
        return NULL;
    }
    bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    struct ptm_arena_block *b = a->head;
    if (!b || b->size - b->used < bytes) {
        size_t size = bytes > BLOCK_BYTES / 4 ? bytes : BLOCK_BYTES;
        b = ptm_malloc(HEAD + size);
        if (!b) {
            a->failed = true;
            return NULL;
        }
        b->size = size;
        /* a large block goes behind the head, which may still have room */
        if (a->head && size == bytes) {
            b->next = a->head->next;
            a->head->next = b;
        } else {
            b->next = a->head;
            a->head = b;
        }
    }
    void *p = (char *)b + HEAD + b->used;
    b->used += bytes;
    a->bytes += bytes;
    return p;
}

void *ptm_arena_array(struct ptm_arena *a, size_t n, size_t size)
{
    if (size && n > PTRDIFF_MAX / size) {
        a->failed = true;
        return NULL;
    }
    return ptm_arena_alloc(a, n * size);
}

void *ptm_arena_copy(struct ptm_arena *a, const void *p, size_t bytes)
{
    void *q = ptm_arena_alloc(a, bytes);
    if (q && bytes)
        memcpy(q, p, bytes);
    return q;
}

char *ptm_arena_str(struct ptm_arena *a, const char *s, size_t len)
{
    char *q = len < PTRDIFF_MAX ? ptm_arena_alloc(a, len + 1) : NULL;
    if (q && len)
        memcpy(q, s, len);
    return q;
}

bool ptm_arena_grow(struct ptm_arena *a, void **p, size_t *cap, size_t need, size_t size)
{
    if (need <= *cap)
        return !a->failed;
    size_t n = *cap ? *cap : 8;
    while (n < need) {
        if (n > SIZE_MAX / 2) {
            a->failed = true;
            return false;
        }
        n *= 2;
    }
    void *q = ptm_arena_array(a, n, size);
    if (!q)
        return false;
    if (*cap)
        memcpy(q, *p, *cap * size);
    *p = q;
    *cap = n;
    return true;
}

void ptm_arena_reset(struct ptm_arena *a)
{
    struct ptm_arena_block *keep = a->head;
    if (!keep)
        return;
    for (struct ptm_arena_block *b = keep->next, *next; b; b = next) {
        next = b->next;
        ptm_free(b);
    }
    memset((char *)keep + HEAD, 0, keep->used);
    keep->next = NULL;
    keep->used = 0;
    *a = (struct ptm_arena){.head = keep};
}

void ptm_arena_release(struct ptm_arena *a)
{
    for (struct ptm_arena_block *b = a->head, *next; b; b = next) {
        next = b->next;
        ptm_free(b);
    }
    *a = (struct ptm_arena){0};
}
