/* SPDX-License-Identifier: BSD-2-Clause */
/* libcore/map.c: mapping, reading what cannot be mapped, and files that shrink. */
#include "libcore/map.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"

static char dir[] = "/tmp/ptm-test-XXXXXX", path[64];
static struct ptm_err err;

static void make_file(size_t n)
{
    FILE *f = fopen(path, "wb");
    for (size_t i = 0; f && i < n; i++)
        fputc((int)(i & 0xff), f);
    CHECK(f && !fclose(f));
}

static uint64_t sum(const uint8_t *p, size_t n)
{
    uint64_t s = 0;
    for (size_t i = 0; i < n; i++)
        s += ((const volatile uint8_t *)p)[i];
    return s;
}

static enum ptm_status sum_guarded(const uint8_t *p, size_t n, uint64_t *out)
{
    struct ptm_map_guard g;
    if (PTM_MAP_GUARD(&g))
        return ptm_map_shrank(&err);
    *out = sum(p, n);
    ptm_map_guard_end(&g);
    return PTM_OK;
}

static void test_open(void)
{
    struct ptm_file_map *m = NULL;
    const uint8_t *p;
    size_t n;
    make_file(1000);
    CHECK_INT(ptm_map_open(&m, path, &p, &n, &err), PTM_OK);
    CHECK(n == 1000 && p[999] == (999 & 0xff));
    ptm_map_close(m);
    make_file(0);
    CHECK_INT(ptm_map_open(&m, path, &p, &n, &err), PTM_OK);
    CHECK(n == 0 && p);
    ptm_map_close(m);
    ptm_map_close(NULL);

    err = (struct ptm_err){0};
    CHECK_INT(ptm_map_open(&m, "/nonexistent/x.pt", &p, &n, &err), PTM_ERR_IO);
    CHECK_STR(err.msg, "'/nonexistent/x.pt': No such file or directory");
    err = (struct ptm_err){0};
    CHECK_INT(ptm_map_open(&m, dir, &p, &n, &err), PTM_ERR_KIND);
    CHECK(strstr(err.msg, "is a directory"));
    err = (struct ptm_err){0};
}

static void test_fifo(void)
{
    char fifo[64];
    snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
    CHECK(!mkfifo(fifo, 0600));
    pid_t pid = fork();
    if (pid == 0) {
        FILE *f = fopen(fifo, "wb");
        for (int i = 0; f && i < 200000; i++)
            fputc(i & 0x7f, f);
        _exit(!f || fclose(f));
    }
    struct ptm_file_map *m = NULL;
    const uint8_t *p;
    size_t n;
    CHECK_INT(ptm_map_open(&m, fifo, &p, &n, &err), PTM_OK);
    CHECK(n == 200000 && p[199999] == (199999 & 0x7f));
    ptm_map_close(m);
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    unlink(fifo);
}

static void test_shrinks(void)
{
    size_t big = 256 * 1024;
    struct ptm_file_map *m = NULL;
    const uint8_t *p;
    size_t n;
    uint64_t total = 0;
    make_file(big);
    CHECK_INT(ptm_map_open(&m, path, &p, &n, &err), PTM_OK);
    CHECK_INT(sum_guarded(p, n, &total), PTM_OK);
    CHECK_INT(total, big / 256 * (255 * 256 / 2));
    CHECK(!truncate(path, 100));
    char want[128];
    snprintf(want, sizeof(want), "'%s': the file became shorter while it was in use", path);
    /* twice: the signal must not stay blocked; inside another guard, which must survive */
    struct ptm_map_guard outer;
    if (PTM_MAP_GUARD(&outer)) {
        CHECK(!"the outer guard was taken for the inner one");
    } else {
        for (int i = 0; i < 2; i++) {
            err = (struct ptm_err){0};
            CHECK_INT(sum_guarded(p, n, &total), PTM_ERR_IO_SHRANK);
            CHECK_STR(err.msg, want);
        }
        ptm_map_guard_end(&outer);
    }
    err = (struct ptm_err){0};

    /* without a guard, the signal ends the process as it always did */
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(STDERR_FILENO); /* sanitizers report the signal there */
        signal(SIGALRM, SIG_DFL);
        alarm(20);
        sum(p, n);
        _exit(0);
    }
    int status = 0;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(!(WIFEXITED(status) && WEXITSTATUS(status) == 0));
    CHECK(!(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM));
    ptm_map_close(m);
}

static void *sum_in_thread(void *p)
{
    static uint64_t total;
    total = sum(p, 64 * 1024);
    return &total;
}

/* A guard that stays: zeros for this thread and for others, and a mark. */
static void test_stays(void)
{
    struct ptm_file_map *m = NULL;
    const uint8_t *p;
    size_t n;
    pthread_t thread;
    void *total = NULL;
    struct ptm_map_guard g;
    make_file(256 * 1024);
    CHECK_INT(ptm_map_open(&m, path, &p, &n, &err), PTM_OK);
    CHECK(!ptm_map_shrunk(m) && !ptm_map_shrunk(NULL));
    CHECK(!truncate(path, 100));
    if (PTM_MAP_GUARD(&g)) {
        CHECK(!"it stays");
        return;
    }
    ptm_map_guard_stays(&g);
    void *part;
    const uint8_t *from = p + 64 * 1024;
    memcpy(&part, &from, sizeof(part));
    CHECK(!pthread_create(&thread, NULL, sum_in_thread, part));
    CHECK(!pthread_join(thread, &total) && *(uint64_t *)total == 0);
    CHECK_INT(sum(p + 128 * 1024, 128 * 1024), 0);
    ptm_map_guard_end(&g);
    CHECK(ptm_map_shrunk(m));
    CHECK_INT(ptm_map_shrank(&err), PTM_ERR_IO_SHRANK);
    err = (struct ptm_err){0};
    ptm_map_close(m);
}

static void test_many(void)
{
    enum { TRY = 300 };
    static struct ptm_file_map *m[TRY];
    const uint8_t *p;
    size_t n;
    int opened = 0;
    make_file(10);
    while (opened < TRY && !ptm_map_open(&m[opened], path, &p, &n, &err))
        opened++;
    CHECK_INT(opened, 256);
    CHECK_INT(err.code, PTM_ERR_LIMIT);
    for (int i = 0; i < opened; i++)
        ptm_map_close(m[i]);
    err = (struct ptm_err){0};
    CHECK_INT(ptm_map_open(&m[0], path, &p, &n, &err), PTM_OK);
    ptm_map_close(m[0]);
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof(path), "%s/file", dir);
    test_open();
    test_fifo();
    test_shrinks();
    test_stays();
    test_many();
    unlink(path);
    rmdir(dir);
    TEST_END;
}
