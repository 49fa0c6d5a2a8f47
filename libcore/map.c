/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Read-only file mappings, and the guard against files that shrink under them.
 *
 * One SIGBUS handler for the process looks the faulting address up in a fixed table of open
 * mappings (lock-free: the fault may come in any thread at any time). If it lies in one and the
 * thread has a guard, the handler jumps there; if the guard stays, or the thread has none but
 * another's stays, it puts a page of zeros in place; otherwise the handler that was there before
 * gets the signal. What is not a regular file (a pipe, a device) is read into memory instead.
 */
#define _DEFAULT_SOURCE /* madvise, MAP_ANONYMOUS */
#include "libcore/map.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libcore/arena.h"

enum { MAX_MAPS = 256, FIRST_READ = 1 << 16 };

struct ptm_file_map {
    uint8_t *base; /* NULL: nothing mapped (an empty file, or `memory`) */
    size_t n;
    uint8_t *memory; /* contents of what cannot be mapped */
    int slot;        /* in the table; -1: none */
    atomic_bool zeros; /* stand in for a part of the file */
    char path[];
};

static struct {
    atomic_uintptr_t base; /* 0: the slot is free or being filled */
    atomic_size_t n;
    _Atomic(struct ptm_file_map *) map; /* claims the slot */
} table[MAX_MAPS];

static _Thread_local struct ptm_map_guard *guards; /* innermost first */
static _Thread_local const struct ptm_file_map *shrunk;
static atomic_int n_stay; /* guards that stay, in all threads */
static struct sigaction old_action;
static pthread_once_t installed = PTHREAD_ONCE_INIT;

static struct ptm_file_map *find_map(uintptr_t address)
{
    for (int i = 0; i < MAX_MAPS; i++) {
        uintptr_t base = atomic_load(&table[i].base);
        if (base && address >= base && address - base < atomic_load(&table[i].n))
            return atomic_load(&table[i].map);
    }
    return NULL;
}

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
    struct ptm_map_guard *g = guards;
    bool stay = g ? g->stays : atomic_load(&n_stay) > 0;
    struct ptm_file_map *m = g || stay ? find_map((uintptr_t)info->si_addr) : NULL;
    if (m && stay) {
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        uintptr_t at = (uintptr_t)info->si_addr / page * page;
        atomic_store(&m->zeros, true);
        if (mmap((void *)at, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
            MAP_FAILED)
            return;
    } else if (m) {
        shrunk = m;
        guards = g->outer;
        siglongjmp(g->env, 1);
    }
    if (old_action.sa_flags & SA_SIGINFO) {
        old_action.sa_sigaction(sig, info, context);
    } else if (old_action.sa_handler != SIG_DFL && old_action.sa_handler != SIG_IGN) {
        old_action.sa_handler(sig);
    } else {
        /* back to the default; the access that failed is made again, and ends the process */
        struct sigaction dfl = {.sa_handler = SIG_DFL};
        sigemptyset(&dfl.sa_mask);
        sigaction(SIGBUS, &dfl, NULL);
    }
}

static void install(void)
{
    struct sigaction act = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO};
    sigemptyset(&act.sa_mask);
    sigaction(SIGBUS, &act, &old_action);
}

static int claim_slot(struct ptm_file_map *m)
{
    for (int i = 0; i < MAX_MAPS; i++) {
        struct ptm_file_map *none = NULL;
        if (atomic_compare_exchange_strong(&table[i].map, &none, m)) {
            atomic_store(&table[i].n, m->n);
            atomic_store(&table[i].base, (uintptr_t)m->base);
            return i;
        }
    }
    return -1;
}

static enum ptm_status map_file(struct ptm_file_map *m, int fd, uint64_t bytes, struct ptm_err *err)
{
    if (bytes > PTRDIFF_MAX)
        return ptm_fail(err, PTM_ERR_LIMIT, "'%s': %llu bytes are too many to map", m->path,
                        (unsigned long long)bytes);
    m->n = (size_t)bytes;
    if (!m->n)
        return PTM_OK;
    void *p = mmap(NULL, m->n, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return ptm_fail(err, PTM_ERR_IO, "'%s': cannot map %zu bytes: %s", m->path, m->n,
                        strerror(errno));
    m->base = p;
    pthread_once(&installed, install);
    m->slot = claim_slot(m);
    if (m->slot < 0)
        return ptm_fail(err, PTM_ERR_LIMIT, "'%s': %d files are mapped already", m->path,
                        MAX_MAPS);
    return PTM_OK;
}

static enum ptm_status read_stream(struct ptm_file_map *m, int fd, struct ptm_err *err)
{
    size_t cap = 0;
    for (;;) {
        if (m->n == cap) {
            size_t more = cap ? cap * 2 : FIRST_READ;
            uint8_t *p = more > cap ? ptm_realloc(m->memory, m->n, more) : NULL;
            if (!p)
                return ptm_fail(err, PTM_ERR_MEMORY, "'%s': no memory after %zu bytes", m->path,
                                m->n);
            m->memory = p;
            cap = more;
        }
        ssize_t got = read(fd, m->memory + m->n, cap - m->n);
        if (got < 0 && errno != EINTR)
            return ptm_fail(err, PTM_ERR_IO, "'%s': read: %s", m->path, strerror(errno));
        if (got == 0)
            return PTM_OK;
        if (got > 0)
            m->n += (size_t)got;
    }
}

static enum ptm_status open_file(struct ptm_file_map *m, struct ptm_err *err)
{
    int fd = open(m->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ptm_fail(err, PTM_ERR_IO, "'%s': %s", m->path, strerror(errno));
    struct stat st;
    enum ptm_status s;
    if (fstat(fd, &st) < 0)
        s = ptm_fail(err, PTM_ERR_IO, "'%s': %s", m->path, strerror(errno));
    else if (S_ISDIR(st.st_mode))
        s = ptm_fail(err, PTM_ERR_KIND, "'%s' is a directory, not a file", m->path);
    else if (S_ISREG(st.st_mode))
        s = map_file(m, fd, (uint64_t)st.st_size, err);
    else
        s = read_stream(m, fd, err);
    close(fd);
    return s;
}

enum ptm_status ptm_map_open(struct ptm_file_map **out, const char *path, const uint8_t **bytes,
                             size_t *n, struct ptm_err *err)
{
    static const uint8_t nothing[1];
    size_t path_bytes = strlen(path) + 1;
    struct ptm_file_map *m = ptm_malloc(sizeof(*m) + path_bytes);
    if (!m)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory to open '%s'", path);
    memcpy(m->path, path, path_bytes);
    m->slot = -1;
    enum ptm_status s = open_file(m, err);
    if (s) {
        ptm_map_close(m);
        return s;
    }
    *out = m;
    *bytes = m->base ? m->base : m->memory ? m->memory : nothing;
    *n = m->n;
    return PTM_OK;
}

void ptm_map_close(struct ptm_file_map *m)
{
    if (!m)
        return;
    if (m->slot >= 0) {
        atomic_store(&table[m->slot].base, 0);
        atomic_store(&table[m->slot].map, NULL);
    }
    if (m->base)
        munmap(m->base, m->n);
    ptm_free(m->memory);
    ptm_free(m);
}

/* All pages at once, where the system can do that. */
static bool populate(uintptr_t p, size_t n, int advice)
{
    uintptr_t before = p % (uintptr_t)sysconf(_SC_PAGESIZE);
    return advice && !madvise((void *)(p - before), n + before, advice);
}

#ifndef MADV_POPULATE_READ
enum { MADV_POPULATE_READ = 0, MADV_POPULATE_WRITE = 0 };
#endif

void ptm_map_prefault(const void *p, size_t n)
{
    enum { LINE = 64 }; /* each once: what fits stays in the last cache */
    const volatile char *at = p;
    if (!n)
        return;
    populate((uintptr_t)p, n, MADV_POPULATE_READ);
    for (size_t i = 0; i < n; i += LINE)
        (void)at[i];
    (void)at[n - 1];
}

void ptm_map_prefault_write(void *p, size_t n)
{
    enum { LINE = 64 }; /* the kernel clears pages past the caches */
    volatile char *at = p;
    if (!n)
        return;
    populate((uintptr_t)p, n, MADV_POPULATE_WRITE);
    for (size_t i = 0; i < n; i += LINE)
        at[i] = at[i];
    at[n - 1] = at[n - 1];
}

bool ptm_map_shrunk(const struct ptm_file_map *m)
{
    if (!m || !atomic_load(&m->zeros))
        return false;
    shrunk = m;
    return true;
}

void ptm_map_guard_stays(struct ptm_map_guard *g)
{
    g->stays = true;
    atomic_fetch_add(&n_stay, 1);
}

void ptm_map_guard_begin(struct ptm_map_guard *g)
{
    g->outer = guards;
    g->stays = false;
    guards = g;
}

void ptm_map_guard_end(struct ptm_map_guard *g)
{
    if (g->stays)
        atomic_fetch_sub(&n_stay, 1);
    guards = g->outer;
}

enum ptm_status ptm_map_shrank(struct ptm_err *err)
{
    return ptm_fail(err, PTM_ERR_IO_SHRANK, "'%s': the file became shorter while it was in use",
                    shrunk ? shrunk->path : "");
}
