/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one place that asks for memory. An arena gives out blocks that all die
 * together; when memory is out it latches `failed` and gives NULL from then
 * on, so that a builder may check once at its end.
 */
#ifndef PTM_LIBCORE_ARENA_H
#define PTM_LIBCORE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ptm_arena_block;
struct ptm_arena {
    struct ptm_arena_block *head;
    size_t bytes; /* asked for in all */
    bool failed;  /* latched */
};

void *ptm_arena_alloc(struct ptm_arena *a, size_t bytes);            /* zeroed, 16-aligned */
void *ptm_arena_array(struct ptm_arena *a, size_t n, size_t size);   /* zeroed; overflow checked */
void *ptm_arena_copy(struct ptm_arena *a, const void *p, size_t bytes);
char *ptm_arena_str(struct ptm_arena *a, const char *s, size_t len); /* NUL added */
/* Grows an array made in this arena: *p holds *cap elements of `size`; afterwards at least
 * `need`. The old copy stays until release. False when memory is out. */
bool ptm_arena_grow(struct ptm_arena *a, void **p, size_t *cap, size_t need, size_t size);
void ptm_arena_release(struct ptm_arena *a); /* frees all; the arena may be used again */
void ptm_arena_reset(struct ptm_arena *a);   /* empty, but keeps its newest block for what comes */

/* Plain memory through the same hook (tests make the n-th request fail; peak is counted). */
void *ptm_malloc(size_t bytes); /* zeroed */
void *ptm_realloc(void *p, size_t old_bytes, size_t bytes);
void ptm_free(void *p);
size_t ptm_memory_peak(void);
/* All live memory together may not be more than `bytes` (0: no limit): requests past it fail as
 * if the system had none. */
void ptm_memory_limit(size_t bytes);
/* Tests: the nth request from now fails; 0: none. Returns what was left of the last countdown. */
uint64_t ptm_memory_fail_at(uint64_t nth);

#endif
