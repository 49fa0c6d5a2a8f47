/* SPDX-License-Identifier: BSD-2-Clause */
/* A hash map from strings to numbers: open addressing, emptied in no time by a generation. */
#include "formats/ts.h"

#include <string.h>

static uint32_t hash_bytes(const char *s, size_t n)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (uint8_t)s[i]) * 16777619u;
    return h ^ h >> 15;
}

void ts_map_clear(struct ts_map *m)
{
    m->generation++;
    m->n = 0;
}

/* The key's slot, or the free one where it would go. */
static struct ts_slot *find_slot(const struct ts_map *m, const char *key, size_t len, uint32_t hash)
{
    for (uint32_t i = hash;; i++) {
        struct ts_slot *s = &m->slot[i & (m->cap - 1)];
        if (!s->key || s->generation != m->generation)
            return s;
        if (s->hash == hash && s->len == len && !memcmp(s->key, key, len))
            return s;
    }
}

static bool is_free(const struct ts_map *m, const struct ts_slot *s)
{
    return !s->key || s->generation != m->generation;
}

bool ts_map_get(const struct ts_map *m, const char *key, size_t len, uint32_t *value)
{
    if (!m->n)
        return false;
    const struct ts_slot *s = find_slot(m, key, len, hash_bytes(key, len));
    if (is_free(m, s))
        return false;
    *value = s->value;
    return true;
}

static bool enlarge(struct ptm_arena *a, struct ts_map *m)
{
    struct ts_map big = {.cap = m->cap ? m->cap * 2 : 64, .generation = m->generation};
    if (big.cap < m->cap || !(big.slot = ptm_arena_array(a, big.cap, sizeof *big.slot)))
        return false;
    for (uint32_t i = 0; i < m->cap; i++) {
        const struct ts_slot *s = &m->slot[i];
        if (is_free(m, s))
            continue;
        *find_slot(&big, s->key, s->len, s->hash) = *s;
        big.n++;
    }
    *m = big;
    return true;
}

bool ts_map_put(struct ptm_arena *a, struct ts_map *m, const char *key, size_t len, uint32_t value)
{
    if (len > UINT32_MAX || (m->n + 1 > m->cap / 4 * 3 && !enlarge(a, m)))
        return false;
    uint32_t hash = hash_bytes(key, len);
    struct ts_slot *s = find_slot(m, key, len, hash);
    if (is_free(m, s))
        m->n++;
    *s = (struct ts_slot){.key = key,
                          .len = (uint32_t)len,
                          .hash = hash,
                          .value = value,
                          .generation = m->generation};
    return true;
}
