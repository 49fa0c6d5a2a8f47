/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store of packed weights: a list under a mutex. Packing itself is done outside of the mutex,
 * since a source that lies in a file that shrinks is left by a jump (libcore/map.h); when two
 * threads pack the same at once, the second result is dropped.
 */
#define XXH_INLINE_ALL /* nothing to link */
#include "libcore/packs.h"

#include <pthread.h>
#include <string.h>
#include <xxhash.h>

#include "kernels/ref.h"
#include "libcore/arena.h"
#include "libcore/map.h"
#include "libcore/walk.h"

enum { ALIGN = 64 };

struct ptm_packs {
    pthread_mutex_t lock;
    struct ptm_pack *first, **last;
    struct ptm_packs_stats stats;
};

struct ptm_packs *ptm_packs_new(void)
{
    struct ptm_packs *p = ptm_malloc(sizeof(*p));
    if (p && pthread_mutex_init(&p->lock, NULL)) {
        ptm_free(p);
        p = NULL;
    }
    if (p)
        p->last = &p->first;
    return p;
}

void ptm_packs_free(struct ptm_packs *p)
{
    if (!p)
        return;
    for (struct ptm_pack *k = p->first, *next; k; k = next) {
        next = k->next;
        ptm_free(k);
    }
    pthread_mutex_destroy(&p->lock);
    ptm_free(p);
}

/* -- keys -- */

static void hash_text(XXH3_state_t *h, const char *s)
{
    XXH3_128bits_update(h, s, strlen(s) + 1);
}

/* The elements, in the order in which they lie in memory. */
static void hash_elements(XXH3_state_t *h, const struct ptm_nd *nd)
{
    struct ptm_walk w = {.rank = nd->rank, .arrays = 1};
    size_t size = ptm_dtype_bytes((enum ptm_dtype)nd->dtype), run = size;
    int64_t index[PTM_MAX_RANK] = {0};
    for (int d = 0; d < nd->rank; d++)
        if (!nd->dim[d])
            return;
    memcpy(w.dim, nd->dim, sizeof(w.dim));
    memcpy(w.stride[0], nd->stride, sizeof(w.stride[0]));
    ptm_walk_order(&w);
    if (w.rank && w.stride[0][w.rank - 1] == 1)
        run = (size_t)w.dim[--w.rank] * size;
    const char *at = nd->data;
    for (;;) {
        XXH3_128bits_update(h, at, run);
        int d = w.rank - 1;
        for (; d >= 0; d--) {
            at += w.stride[0][d] * (int64_t)size;
            if (++index[d] < w.dim[d])
                break;
            at -= w.stride[0][d] * w.dim[d] * (int64_t)size;
            index[d] = 0;
        }
        if (d < 0)
            return;
    }
}

void ptm_pack_hash(struct ptm_pack_key *key, const char *how, const int64_t *param, size_t n_params,
                   const struct ptm_nd *array, size_t n_arrays)
{
    XXH3_state_t h;
    XXH3_128bits_reset(&h);
    hash_text(&h, key->kernel);
    hash_text(&h, key->isa);
    hash_text(&h, how);
    int64_t head[3] = {key->version, (int64_t)n_params, (int64_t)n_arrays};
    XXH3_128bits_update(&h, head, sizeof(head));
    XXH3_128bits_update(&h, param, n_params * sizeof(*param));
    for (size_t i = 0; i < n_arrays; i++) {
        const struct ptm_nd *nd = &array[i];
        int64_t type[2 + 2 * PTM_MAX_RANK] = {nd->dtype, nd->rank};
        for (int d = 0; d < nd->rank && nd->dtype != PTM_ABSENT; d++) {
            type[2 + d] = nd->dim[d];
            type[2 + PTM_MAX_RANK + d] = nd->dim[d] > 1 ? nd->stride[d] : 0;
        }
        XXH3_128bits_update(&h, type, sizeof(type));
        if (nd->dtype != PTM_ABSENT)
            hash_elements(&h, nd);
    }
    XXH128_hash_t sum = XXH3_128bits_digest(&h);
    key->hash[0] = sum.high64;
    key->hash[1] = sum.low64;
}

/* -- packs -- */

static bool same_key(const struct ptm_pack_key *a, const struct ptm_pack_key *b)
{
    return a->hash[0] == b->hash[0] && a->hash[1] == b->hash[1] && a->version == b->version &&
           !strcmp(a->isa, b->isa) && !strcmp(a->kernel, b->kernel);
}

/* A pack whose bytes lie behind it; with 0 bytes, elsewhere. */
static struct ptm_pack *make_pack(const struct ptm_pack_key *key, size_t bytes)
{
    size_t room = bytes ? bytes + ALIGN : 0;
    struct ptm_pack *k = bytes > PTRDIFF_MAX / 2 ? NULL : ptm_malloc(sizeof(*k) + room);
    if (!k)
        return NULL;
    char *data = (char *)(k + 1);
    k->key = *key;
    k->data = data + (ALIGN - (uintptr_t)data % ALIGN) % ALIGN;
    k->bytes = bytes;
    return k;
}

enum ptm_status ptm_packs_offer(struct ptm_packs *p, const struct ptm_pack_key *key,
                                const void *data, size_t bytes, struct ptm_err *err)
{
    struct ptm_pack *k = make_pack(key, 0);
    if (!k)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for packed weights");
    k->data = data;
    k->bytes = bytes;
    k->from_file = true;
    k->store = p;
    pthread_mutex_lock(&p->lock);
    *p->last = k;
    p->last = &k->next;
    p->stats.offered++;
    pthread_mutex_unlock(&p->lock);
    return PTM_OK;
}

/* One more user; under the lock. */
static struct ptm_pack *hold(struct ptm_packs *p, struct ptm_pack *k)
{
    struct ptm_packs_stats *s = &p->stats;
    s->shared += k->used;
    if (!k->used && k->from_file)
        s->from_file++;
    if (!k->users++ && k->from_file)
        s->file_bytes += k->bytes;
    k->used = true;
    return k;
}

/* Held, when there is one; under the lock. */
static struct ptm_pack *find(struct ptm_packs *p, const struct ptm_pack_key *key, size_t bytes)
{
    struct ptm_pack *k = p->first;
    while (k && !(k->bytes == bytes && same_key(&k->key, key)))
        k = k->next;
    return k ? hold(p, k) : NULL;
}

static struct ptm_pack *add(struct ptm_packs *p, struct ptm_pack *made)
{
    pthread_mutex_lock(&p->lock);
    p->stats.made++;
    struct ptm_pack *k = find(p, &made->key, made->bytes);
    if (!k) {
        made->store = p;
        made->used = true;
        made->users = 1;
        *p->last = made;
        p->last = &made->next;
        p->stats.bytes += made->bytes;
    }
    pthread_mutex_unlock(&p->lock);
    if (k)
        ptm_free(made);
    return k ? k : made;
}

enum ptm_status ptm_packs_get(struct ptm_packs *p, const struct ptm_pack_key *key, size_t bytes,
                              bool (*fill)(const void *ctx, void *to), const void *ctx,
                              struct ptm_pack **out, struct ptm_err *err)
{
    if (p) {
        pthread_mutex_lock(&p->lock);
        *out = find(p, key, bytes);
        pthread_mutex_unlock(&p->lock);
        if (*out) {
            if ((*out)->from_file)
                ptm_map_prefault((*out)->data, bytes);
            return PTM_OK;
        }
    }
    struct ptm_pack *made = make_pack(key, bytes);
    if (!made)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for %zu bytes of packed weights", bytes);
    char *to = (char *)(made + 1);
    if (!fill(ctx, to + (ALIGN - (uintptr_t)to % ALIGN) % ALIGN)) {
        ptm_free(made);
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory to pack %zu bytes of weights", bytes);
    }
    *out = p ? add(p, made) : made;
    return PTM_OK;
}

struct ptm_pack *ptm_packs_find(struct ptm_packs *p, const struct ptm_pack_key *key,
                                size_t least_bytes)
{
    if (!p)
        return NULL;
    pthread_mutex_lock(&p->lock);
    struct ptm_pack *k = p->first;
    while (k && !(k->bytes >= least_bytes && !k->from_file && same_key(&k->key, key)))
        k = k->next;
    if (k)
        hold(p, k);
    pthread_mutex_unlock(&p->lock);
    return k;
}

void ptm_packs_drop(struct ptm_pack *pack)
{
    struct ptm_packs *p = pack ? pack->store : NULL;
    if (!p) {
        ptm_free(pack);
        return;
    }
    pthread_mutex_lock(&p->lock);
    bool last = !--pack->users, gone = last && !pack->from_file;
    if (last)
        *(gone ? &p->stats.bytes : &p->stats.file_bytes) -= pack->bytes;
    for (struct ptm_pack **at = &p->first; gone && *at; at = &(*at)->next)
        if (*at == pack) {
            *at = pack->next;
            if (p->last == &pack->next)
                p->last = at;
            break;
        }
    pthread_mutex_unlock(&p->lock);
    if (gone)
        ptm_free(pack);
}

const struct ptm_pack *ptm_packs_next(const struct ptm_packs *p, const struct ptm_pack *pack)
{
    const struct ptm_pack *k = pack ? pack->next : p->first;
    while (k && (!k->used || k->key.version == PTM_PACK_OF_LIBRARY))
        k = k->next;
    return k;
}

void ptm_packs_stats(struct ptm_packs *p, struct ptm_packs_stats *out)
{
    pthread_mutex_lock(&p->lock);
    *out = p->stats;
    pthread_mutex_unlock(&p->lock);
}
