/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Atomic writing: a temporary file in the target's folder, fsync, rename.
 *
 * Names of open temporaries also stand in a fixed table, so that a signal handler can unlink them
 * without touching the heap. Symbolic links are followed first: the file they lead to is replaced,
 * not the link. What is not a regular file (/dev/null, a FIFO) is written directly.
 */
#include "libcore/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libcore/arena.h"

enum { MAX_SINKS = 32, MAX_PATH = 4096, MAX_LINKS = 40, MAX_TRIES = 1000 };
enum { FREE, CLAIMED, OPEN };

static struct {
    atomic_int state;
    pid_t pid; /* a forked child must not remove its parent's files */
    char temp[MAX_PATH];
} table[MAX_SINKS];
static atomic_uint serial;

struct ptm_sink {
    int fd, slot;        /* slot -1: written directly */
    char path[MAX_PATH]; /* links followed */
};

/* Replaces the last component of `path` (or all of it) by `name`. */
static bool set_name(char *path, const char *name)
{
    char *slash = strrchr(path, '/');
    size_t dir = slash && name[0] != '/' ? (size_t)(slash + 1 - path) : 0, len = strlen(name);
    if (dir + len >= MAX_PATH)
        return false;
    memcpy(path + dir, name, len + 1);
    return true;
}

static enum ptm_status follow_links(char *path, struct ptm_err *err)
{
    char link[MAX_PATH];
    for (int i = 0; i < MAX_LINKS; i++) {
        ssize_t n = readlink(path, link, sizeof(link) - 1);
        if (n < 0)
            return PTM_OK; /* not a link, or not there: opening it will tell */
        link[n] = 0;
        if (!set_name(path, link))
            return ptm_fail(err, PTM_ERR_IO, "'%s': %s", path, strerror(ENAMETOOLONG));
    }
    return ptm_fail(err, PTM_ERR_IO, "'%s': %s", path, strerror(ELOOP));
}

/* Number of the descriptor that a name like /dev/stdout stands for; -1: none. Opening the name
 * again would begin at the start of a redirected file. */
static int own_descriptor(const char *path)
{
    if (!strcmp(path, "/dev/stdout"))
        return STDOUT_FILENO;
    if (!strcmp(path, "/dev/stderr"))
        return STDERR_FILENO;
    if (!strncmp(path, "/dev/fd/", 8) && path[8]) {
        char *end;
        long fd = strtol(path + 8, &end, 10);
        return *end || fd < 0 || fd > 1 << 20 ? -1 : (int)fd;
    }
    return -1;
}

static int claim_slot(void)
{
    for (int i = 0; i < MAX_SINKS; i++) {
        int want = FREE;
        if (atomic_compare_exchange_strong(&table[i].state, &want, CLAIMED))
            return i;
    }
    return -1;
}

static void free_slot(int slot)
{
    if (slot >= 0)
        atomic_store(&table[slot].state, FREE);
}

/* Makes the temporary file. The name is in the table before the file exists, so that a signal in
 * between leaves nothing. */
static enum ptm_status open_temp(struct ptm_sink *s, struct ptm_err *err)
{
    s->slot = claim_slot();
    if (s->slot < 0)
        return ptm_fail(err, PTM_ERR_LIMIT, "'%s': %d files are being written already", s->path,
                        MAX_SINKS);
    char *temp = table[s->slot].temp;
    table[s->slot].pid = getpid();
    for (int i = 0; i < MAX_TRIES; i++) {
        char name[64];
        snprintf(name, sizeof(name), ".ptm-%ld-%u.tmp", (long)getpid(),
                 atomic_fetch_add(&serial, 1));
        memcpy(temp, s->path, strlen(s->path) + 1);
        if (!set_name(temp, name))
            return ptm_fail(err, PTM_ERR_IO, "'%s': %s", s->path, strerror(ENAMETOOLONG));
        atomic_store(&table[s->slot].state, OPEN);
        s->fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        int saved = errno;
        if (s->fd >= 0)
            return PTM_OK;
        atomic_store(&table[s->slot].state, CLAIMED);
        if (saved != EEXIST)
            return ptm_fail(err, PTM_ERR_IO, "'%s': cannot create a file beside it: %s", s->path,
                            strerror(saved));
    }
    return ptm_fail(err, PTM_ERR_IO, "'%s': no free temporary name after %d tries", s->path,
                    MAX_TRIES);
}

static enum ptm_status open_target(struct ptm_sink *s, struct ptm_err *err)
{
    int own = own_descriptor(s->path);
    if (own >= 0) {
        s->fd = dup(own);
        return s->fd >= 0 ? PTM_OK
                          : ptm_fail(err, PTM_ERR_IO, "'%s': %s", s->path, strerror(errno));
    }
    PTM_TRY(follow_links(s->path, err));
    struct stat st;
    if (stat(s->path, &st) < 0) {
        if (errno != ENOENT)
            return ptm_fail(err, PTM_ERR_IO, "'%s': %s", s->path, strerror(errno));
        return open_temp(s, err);
    }
    if (S_ISDIR(st.st_mode))
        return ptm_fail(err, PTM_ERR_IO, "'%s': %s", s->path, strerror(EISDIR));
    if (!S_ISREG(st.st_mode)) {
        s->fd = open(s->path, O_WRONLY | O_CLOEXEC);
        return s->fd >= 0 ? PTM_OK
                          : ptm_fail(err, PTM_ERR_IO, "'%s': %s", s->path, strerror(errno));
    }
    /* rename would replace a write-protected file too: the user said not to */
    if (access(s->path, W_OK) < 0)
        return ptm_fail(err, PTM_ERR_IO, "'%s': %s", s->path, strerror(errno));
    PTM_TRY(open_temp(s, err));
    if (fchmod(s->fd, st.st_mode & 07777) < 0)
        return ptm_fail(err, PTM_ERR_IO, "'%s': cannot keep its mode %03o: %s", s->path,
                        (unsigned)st.st_mode & 07777, strerror(errno));
    return PTM_OK;
}

enum ptm_status ptm_sink_open(struct ptm_sink **out, const char *path, struct ptm_err *err)
{
    size_t len = strlen(path);
    if (!len || len >= MAX_PATH)
        return ptm_fail(err, PTM_ERR_IO, "'%.200s': %s", path,
                        strerror(len ? ENAMETOOLONG : ENOENT));
    struct ptm_sink *s = ptm_malloc(sizeof(*s));
    if (!s)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory to write '%s'", path);
    memcpy(s->path, path, len + 1);
    s->fd = s->slot = -1;
    enum ptm_status status = open_target(s, err);
    if (status) {
        ptm_sink_drop(s);
        return status;
    }
    *out = s;
    return PTM_OK;
}

enum ptm_status ptm_sink_write(struct ptm_sink *s, const void *p, size_t n, struct ptm_err *err)
{
    const char *at = p;
    while (n) {
        ssize_t put = write(s->fd, at, n < (1u << 30) ? n : 1u << 30);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return ptm_fail(err, PTM_ERR_IO, "'%s': write: %s", s->path, strerror(errno));
        at += put;
        n -= (size_t)put;
    }
    return PTM_OK;
}

/* Makes the rename itself last; some file systems refuse, and the data is safe without. */
static void sync_folder(const char *path)
{
    char dir[MAX_PATH];
    memcpy(dir, path, strlen(path) + 1);
    set_name(dir, ".");
    int fd = open(dir, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

enum ptm_status ptm_sink_commit(struct ptm_sink *s, struct ptm_err *err)
{
    enum ptm_status status = PTM_OK;
    if (s->slot >= 0 && fsync(s->fd) < 0)
        status = ptm_fail(err, PTM_ERR_IO, "'%s': fsync: %s", s->path, strerror(errno));
    int rc = close(s->fd);
    s->fd = -1;
    if (!status && rc < 0 && errno != EINTR)
        status = ptm_fail(err, PTM_ERR_IO, "'%s': close: %s", s->path, strerror(errno));
    if (!status && s->slot >= 0 && rename(table[s->slot].temp, s->path) < 0)
        status = ptm_fail(err, PTM_ERR_IO, "'%s': rename: %s", s->path, strerror(errno));
    if (!status && s->slot >= 0) {
        free_slot(s->slot);
        s->slot = -1;
        sync_folder(s->path);
    }
    ptm_sink_drop(s);
    return status;
}

void ptm_sink_drop(struct ptm_sink *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        close(s->fd);
    if (s->slot >= 0) {
        if (atomic_load(&table[s->slot].state) == OPEN)
            unlink(table[s->slot].temp);
        free_slot(s->slot);
    }
    ptm_free(s);
}

void ptm_sink_drop_all(void)
{
    int saved = errno;
    for (int i = 0; i < MAX_SINKS; i++)
        if (atomic_load(&table[i].state) == OPEN && table[i].pid == getpid())
            unlink(table[i].temp);
    errno = saved;
}
