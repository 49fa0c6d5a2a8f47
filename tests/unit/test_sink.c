/* SPDX-License-Identifier: BSD-2-Clause */
/* libcore/sink.c: the old file or the new one, never half; modes, links, special files. */
#include "libcore/sink.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"

static char dir[] = "/tmp/ptm-test-XXXXXX", path[64], link_path[64], content[64];
static struct ptm_err err;
static struct ptm_sink *s;

static const char *read_back(const char *name)
{
    FILE *f = fopen(name, "rb");
    size_t n = f ? fread(content, 1, sizeof(content) - 1, f) : 0;
    content[n] = 0;
    return f && !fclose(f) ? content : NULL;
}

static int files_in_dir(void)
{
    int n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));)
        n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
    if (d)
        closedir(d);
    return n;
}

static unsigned mode_of(const char *name)
{
    struct stat st;
    return stat(name, &st) ? 0 : (unsigned)st.st_mode & 07777;
}

static void put(const char *name, const char *text)
{
    err = (struct ptm_err){0};
    CHECK_INT(ptm_sink_open(&s, name, &err), PTM_OK);
    CHECK_INT(ptm_sink_write(s, text, strlen(text), &err), PTM_OK);
    CHECK_INT(ptm_sink_commit(s, &err), PTM_OK);
}

static void test_commit_and_drop(void)
{
    umask(027);
    put(path, "first");
    CHECK_STR(read_back(path), "first");
    CHECK_INT(mode_of(path), 0640);
    CHECK_INT(files_in_dir(), 1);

    CHECK(!chmod(path, 0604));
    CHECK_INT(ptm_sink_open(&s, path, &err), PTM_OK);
    CHECK_INT(ptm_sink_write(s, "half", 4, &err), PTM_OK);
    CHECK_INT(files_in_dir(), 2);
    CHECK_STR(read_back(path), "first");
    ptm_sink_drop(s);
    ptm_sink_drop(NULL);
    CHECK_INT(files_in_dir(), 1);
    CHECK_STR(read_back(path), "first");

    put(path, "second");
    CHECK_STR(read_back(path), "second");
    CHECK_INT(mode_of(path), 0604);
}

static void test_link(void)
{
    CHECK(!symlink("file", link_path));
    put(link_path, "through");
    struct stat st;
    CHECK(!lstat(link_path, &st) && S_ISLNK(st.st_mode));
    CHECK_STR(read_back(path), "through");
    unlink(path); /* a link to nothing makes the file it names */
    put(link_path, "again");
    CHECK_STR(read_back(path), "again");
    unlink(link_path);
    CHECK(!symlink("link", link_path));
    err = (struct ptm_err){0};
    CHECK_INT(ptm_sink_open(&s, link_path, &err), PTM_ERR_IO);
    unlink(link_path);
}

static void test_refusals(void)
{
    err = (struct ptm_err){0};
    CHECK_INT(ptm_sink_open(&s, dir, &err), PTM_ERR_IO);
    err = (struct ptm_err){0};
    CHECK_INT(ptm_sink_open(&s, "", &err), PTM_ERR_IO);
    err = (struct ptm_err){0};
    CHECK_INT(ptm_sink_open(&s, "/nonexistent/dir/x", &err), PTM_ERR_IO);
    CHECK(strstr(err.msg, "No such file or directory"));
    if (geteuid() != 0) {
        err = (struct ptm_err){0};
        CHECK(!chmod(path, 0444));
        CHECK_INT(ptm_sink_open(&s, path, &err), PTM_ERR_IO);
        CHECK(!chmod(path, 0644));
    }
    err = (struct ptm_err){0};
}

static void test_special(void)
{
    put("/dev/null", "nothing");
    struct stat st;
    CHECK(!stat("/dev/null", &st) && S_ISCHR(st.st_mode));

    /* a redirected /dev/stdout: what the file has already must stay */
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (fd < 0 || dup2(fd, 1) < 0 || write(1, "one ", 4) != 4)
            _exit(1);
        if (ptm_sink_open(&s, "/dev/stdout", &err) || ptm_sink_write(s, "two", 3, &err) ||
            ptm_sink_commit(s, &err))
            _exit(2);
        _exit(write(1, " three", 6) != 6);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK_STR(read_back(path), "one two three");
    CHECK_INT(files_in_dir(), 1);

    /* a full disk shows */
    err = (struct ptm_err){0};
    if (ptm_sink_open(&s, "/dev/full", &err) == PTM_OK) {
        CHECK_INT(ptm_sink_write(s, "x", 1, &err), PTM_ERR_IO);
        CHECK_STR(err.msg, "'/dev/full': write: No space left on device");
        ptm_sink_drop(s);
    } else {
        SKIP("no /dev/full");
    }
    err = (struct ptm_err){0};
}

static void test_drop_all(void)
{
    enum { TRY = 40 };
    static struct ptm_sink *many[TRY];
    char name[80];
    int opened = 0;
    while (opened < TRY) {
        snprintf(name, sizeof(name), "%s/many%d", dir, opened);
        if (ptm_sink_open(&many[opened], name, &err))
            break;
        opened++;
    }
    CHECK_INT(opened, 32);
    CHECK_INT(err.code, PTM_ERR_LIMIT);
    CHECK_INT(files_in_dir(), 1 + opened);
    fflush(stdout);
    pid_t pid = fork(); /* a child's clean-up is not its parent's */
    if (pid == 0) {
        ptm_sink_drop_all();
        _exit(0);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK_INT(files_in_dir(), 1 + opened);
    ptm_sink_drop_all();
    CHECK_INT(files_in_dir(), 1);
    for (int i = 0; i < opened; i++)
        ptm_sink_drop(many[i]);
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof(path), "%s/file", dir);
    snprintf(link_path, sizeof(link_path), "%s/link", dir);
    test_commit_and_drop();
    test_link();
    test_refusals();
    test_special();
    test_drop_all();
    unlink(path);
    rmdir(dir);
    TEST_END;
}
