/* SPDX-License-Identifier: BSD-2-Clause */
/* Child processes that measure: starting them, talking to them, their end. */
#include "bench/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libcore/arena.h"

extern char **environ;

enum { MAX_CHILDREN = 256 };
static volatile pid_t live[MAX_CHILDREN];

void bench_children_kill(void)
{
    for (size_t i = 0; i < MAX_CHILDREN; i++)
        if (live[i] && kill(-live[i], SIGKILL))
            kill(live[i], SIGKILL);
}

/* -- starting -- */

struct ends {
    int in[2], out[2]; /* [0]: the parent's */
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* A socket towards the child, since writing to one that has gone can then be without SIGPIPE; a pipe
 * back. None is inherited by other children. */
static bool make_ends(struct ends *e)
{
    *e = (struct ends){{-1, -1}, {-1, -1}};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, e->in) || pipe(e->out))
        return false;
    int all[] = {e->in[0], e->in[1], e->out[0], e->out[1]};
    for (size_t i = 0; i < PTM_LEN(all); i++)
        if (fcntl(all[i], F_SETFD, FD_CLOEXEC))
            return false;
    return true;
}

static int spawn(pid_t *pid, const struct ends *e, char *const *argv)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t all, before, none;
    size_t slot = 0;
    int rc;
    sigfillset(&all);
    sigemptyset(&none);
    /* a signal that comes between the start and the note of it would miss the child */
    sigprocmask(SIG_BLOCK, &all, &before);
    while (slot < MAX_CHILDREN && live[slot])
        slot++;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    rc = slot == MAX_CHILDREN ? EAGAIN : 0;
    rc = rc ? rc : posix_spawn_file_actions_adddup2(&files, e->in[1], STDIN_FILENO);
    rc = rc ? rc : posix_spawn_file_actions_adddup2(&files, e->out[1], STDOUT_FILENO);
    rc = rc ? rc
            : posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    rc = rc ? rc : posix_spawnattr_setpgroup(&attr, 0);
    rc = rc ? rc : posix_spawnattr_setsigmask(&attr, &none);
    rc = rc ? rc : posix_spawnp(pid, argv[0], &files, &attr, argv, environ);
    if (!rc)
        live[slot] = *pid;
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return rc;
}

enum ptm_status bench_child_start(struct bench_child *c, char *const *argv, struct ptm_err *err)
{
    struct ends e;
    *c = (struct bench_child){.to = -1, .from = -1};
    int why = make_ends(&e) ? 0 : errno;
    if (!why)
        why = spawn(&c->pid, &e, argv);
    close_fd(&e.in[1]);
    close_fd(&e.out[1]);
    if (!why) {
        c->to = e.in[0];
        c->from = e.out[0];
        return PTM_OK;
    }
    close_fd(&e.in[0]);
    close_fd(&e.out[0]);
    c->pid = 0;
    return ptm_fail(err, PTM_ERR_IO, "cannot start '%.300s': %s", argv[0], strerror(why));
}

/* -- talking -- */

bool bench_child_send(struct bench_child *c, const char *line)
{
    size_t n = strlen(line);
    while (n) {
        ssize_t sent = send(c->to, line, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        line += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* Reads more into the buffer; false at the end, or when a line grows without end. */
static bool fill(struct bench_child *c)
{
    enum { CHUNK = 1 << 16, MOST = 1 << 28 };
    if (c->begin && c->begin == c->end)
        c->begin = c->end = 0;
    if (c->cap - c->end < CHUNK) {
        size_t cap = 2 * c->cap + CHUNK;
        char *p = cap > MOST ? NULL : ptm_realloc(c->buf, c->cap, cap);
        if (!p)
            return false;
        c->buf = p;
        c->cap = cap;
    }
    ssize_t got;
    do
        got = read(c->from, c->buf + c->end, c->cap - c->end - 1);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return false;
    c->end += (size_t)got;
    return true;
}

char *bench_child_line(struct bench_child *c)
{
    size_t seen = 0;
    for (;;) {
        char *line = c->buf ? c->buf + c->begin : NULL, *end = NULL;
        if (line && c->end - c->begin > seen)
            end = memchr(line + seen, '\n', c->end - c->begin - seen);
        if (end) {
            *end = 0;
            c->begin += (size_t)(end - line) + 1;
            return line;
        }
        seen = c->end - c->begin;
        if (!fill(c))
            return NULL;
    }
}

bool bench_child_bytes(struct bench_child *c, void *to, size_t n)
{
    char *at = to;
    while (n) {
        if (c->begin == c->end && !fill(c))
            return false;
        size_t part = c->end - c->begin < n ? c->end - c->begin : n;
        memcpy(at, c->buf + c->begin, part);
        c->begin += part;
        at += part;
        n -= part;
    }
    return true;
}

/* -- its end -- */

int bench_child_end(struct bench_child *c, bool at_once)
{
    int status = 0;
    if (!c->pid)
        return 0;
    close_fd(&c->to);
    if (at_once && kill(-c->pid, SIGKILL))
        kill(c->pid, SIGKILL); /* it has not made its group yet: an emulator's spawn does not wait */
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    for (size_t i = 0; i < MAX_CHILDREN; i++)
        if (live[i] == c->pid)
            live[i] = 0;
    close_fd(&c->from);
    ptm_free(c->buf);
    *c = (struct bench_child){.to = -1, .from = -1};
    return status;
}

const char *bench_child_fate(int wait_status, char *buf, size_t size)
{
    static const struct {
        int number;
        const char *name;
    } names[] = {{SIGSEGV, "SIGSEGV"}, {SIGABRT, "SIGABRT"}, {SIGBUS, "SIGBUS"},
                 {SIGILL, "SIGILL"},   {SIGFPE, "SIGFPE"},   {SIGKILL, "SIGKILL"},
                 {SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"},   {SIGHUP, "SIGHUP"},
                 {SIGPIPE, "SIGPIPE"}, {SIGSYS, "SIGSYS"},   {SIGTRAP, "SIGTRAP"}};
    int code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 0;
    /* a launcher tells its child's signal as 128 + number */
    int number = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : code > 128 ? code - 128 : 0;
    if (!number) {
        snprintf(buf, size, "ended with exit code %d", code);
        return buf;
    }
    const char *name = NULL;
    for (size_t i = 0; i < PTM_LEN(names); i++)
        if (names[i].number == number)
            name = names[i].name;
    if (name)
        snprintf(buf, size, "was killed by %s (%s)%s", name, strsignal(number),
                 number == SIGKILL ? "; out of memory?" : "");
    else
        snprintf(buf, size, "was killed by signal %d", number);
    return buf;
}
