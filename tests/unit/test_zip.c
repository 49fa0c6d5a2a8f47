/* SPDX-License-Identifier: BSD-2-Clause */
/* formats/zip.c: what it finds, what it unpacks, what it refuses. */
#include "formats/zip.h"

#include "tests/unit/test.h"
#include "tests/unit/zip_maker.h"

static struct zip_maker z;
static struct ptm_arena arena;
static struct ptm_err err;
static struct ptm_zip zip;

static void start(void)
{
    z.n = 0;
    z.count = z.zip64 = 0;
    z.add_count = 0;
    ptm_arena_release(&arena);
    err = (struct ptm_err){0};
}

static enum ptm_status open_made(void)
{
    zm_finish(&z);
    return ptm_zip_open(&zip, &arena, z.buf, z.n, &err);
}

static void check_fails(enum ptm_status code, const char *part, int line)
{
    enum ptm_status s = open_made();
    if (!test_result(s == code && err.code == code && strstr(err.msg, part), __FILE__, line))
        printf("status %d '%s', should be %d with '%s'\n", (int)s, err.msg, (int)code, part);
}
#define FAILS(code, part) check_fails(code, part, __LINE__)

static void test_torch_layout(int zip64)
{
    start();
    char code[2000];
    memset(code, 'x', sizeof(code));
    zm_add_padded(&z, "net/data.pkl", 12, "\x80\x02.", 3, 0, ZM_DESCRIPTOR, 17);
    zm_add_padded(&z, "net/code/a.py", 13, code, sizeof(code), 8, 0, 3);
    zm_add(&z, "net/data/0", "weights", 0);
    zm_add(&z, "other", "", 0);
    z.zip64 = zip64;
    CHECK_INT(open_made(), PTM_OK);
    CHECK_INT(zip.n_members, 4);
    CHECK_STR(ptm_zip_root(&zip), "net");
    const struct ptm_zip_member *m = ptm_zip_member(&zip, "data.pkl");
    CHECK(m && m == &zip.member[0] && m->method == PTM_ZIP_STORED);
    CHECK_STR(ptm_zip_relative(&zip, m), "data.pkl");
    CHECK(!ptm_zip_relative(&zip, &zip.member[3]));
    CHECK(!ptm_zip_member(&zip, "data.pk"));
    CHECK(!ptm_zip_member(&zip, "data.pkl2"));
    CHECK(!ptm_zip_member(&zip, "other"));
    CHECK(!ptm_zip_member(&zip, ""));
    CHECK(ptm_zip_find(&zip, "other", 5) == &zip.member[3]);
    CHECK(ptm_zip_find(&zip, "net/data/0", 10) == ptm_zip_member(&zip, "data/0"));

    const uint8_t *p;
    size_t n;
    m = ptm_zip_member(&zip, "data/0");
    CHECK_INT(ptm_zip_read(&arena, m, 0, true, &p, &n, &err), PTM_OK);
    CHECK(n == 7 && p > z.buf && p < z.buf + z.n && !memcmp(p, "weights", 7));
    m = ptm_zip_member(&zip, "code/a.py");
    CHECK_INT(ptm_zip_read(&arena, m, 0, true, &p, &n, &err), PTM_OK);
    CHECK(n == sizeof(code) && !memcmp(p, code, n) && p[n] == 0);
    CHECK_INT(ptm_zip_read(&arena, m, sizeof(code) - 1, true, &p, &n, &err), PTM_ERR_LIMIT);
    CHECK_STR(err.msg, "zip: member 'net/code/a.py' unpacks to 2000 bytes, the limit is 1999");
    CHECK_STR(ptm_zip_member(&zip, "data/0")->name, "net/data/0");
}

static void test_roots(void)
{
    start();
    CHECK_INT(open_made(), PTM_OK);
    CHECK_INT(zip.n_members, 0);
    CHECK_STR(ptm_zip_root(&zip), "");
    CHECK(!ptm_zip_member(&zip, "x"));
    start();
    zm_add(&z, "top.json", "{}", 0);
    zm_add(&z, "data/x", "1", 0);
    CHECK_INT(open_made(), PTM_OK);
    CHECK_STR(ptm_zip_root(&zip), "");
    CHECK(ptm_zip_member(&zip, "data/x") == &zip.member[1]);
    CHECK_STR(ptm_zip_relative(&zip, &zip.member[1]), "data/x");
}

static void test_damage(void)
{
    const uint8_t *p;
    size_t n;
    start();
    zm_add(&z, "a/x", "some text", 0);
    z.buf[z.data_at] ^= 1;
    CHECK_INT(open_made(), PTM_OK);
    CHECK_INT(ptm_zip_read(&arena, &zip.member[0], 0, false, &p, &n, &err), PTM_OK);
    CHECK_INT(ptm_zip_read(&arena, &zip.member[0], 0, true, &p, &n, &err), PTM_ERR_FORMAT);
    CHECK(strstr(err.msg, "member 'a/x' is damaged"));

    /* a stream longer, shorter, and much longer than it says; one that is not deflate at all */
    static const struct {
        int add;
        enum ptm_status status;
    } lies[] = {{-1, PTM_ERR_FORMAT}, {1, PTM_ERR_FORMAT}, {1 << 20, PTM_ERR_LIMIT}};
    for (size_t i = 0; i < PTM_LEN(lies); i++) {
        start();
        zm_add_padded(&z, "a/x", 3, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 29, 8, ZM_DESCRIPTOR, 0);
        z.e[0].bytes = (uint64_t)(29 + lies[i].add);
        CHECK_INT(open_made(), PTM_OK);
        CHECK_INT(ptm_zip_read(&arena, &zip.member[0], 0, false, &p, &n, &err), lies[i].status);
    }
    start();
    zm_add_padded(&z, "a/x", 3, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 29, 8, 0, 0);
    z.buf[z.data_at] = 0xff;
    CHECK_INT(open_made(), PTM_OK);
    CHECK_INT(ptm_zip_read(&arena, &zip.member[0], 0, false, &p, &n, &err), PTM_ERR_FORMAT);

    /* the n-th request for memory fails, for every n */
    for (uint64_t k = 1;; k++) {
        start();
        zm_add(&z, "a/x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 8);
        zm_finish(&z);
        ptm_memory_fail_at(k);
        enum ptm_status s = ptm_zip_open(&zip, &arena, z.buf, z.n, &err);
        if (!s)
            s = ptm_zip_read(&arena, &zip.member[0], 0, true, &p, &n, &err);
        ptm_memory_fail_at(0);
        if (!s) {
            CHECK(k > 2);
            break;
        }
        CHECK_INT(s, PTM_ERR_MEMORY);
    }
}

static void test_refusals(void)
{
    start();
    zm_add(&z, "a/x", "1", 0);
    zm_add(&z, "a/x", "2", 0);
    FAILS(PTM_ERR_FORMAT, "two members are named 'a/x'");

    start();
    zm_add(&z, "a/x", "1", 0);
    z.e[1] = z.e[0];
    z.e[1].name[2] = 'y';
    z.count = 2;
    FAILS(PTM_ERR_FORMAT, "its header at byte 0 and the directory differ");

    start(); /* a local header inside another member's data */
    zm_add(&z, "a/y", "12345", 0);
    size_t inner = z.n;
    zm_add(&z, "a/x", "2", 0);
    z.e[0].packed = z.e[0].bytes = z.n - inner + 5;
    z.e[0].flags = z.e[1].flags = ZM_DESCRIPTOR;
    FAILS(PTM_ERR_FORMAT, "members 'a/y' and 'a/x' overlap");

    start();
    zm_add(&z, "a/x", "1", 0);
    z.e[0].packed = z.e[0].bytes = 1000;
    z.e[0].flags = ZM_DESCRIPTOR;
    FAILS(PTM_ERR_FORMAT, "1000 bytes");

    start();
    zm_add(&z, "a/x", "1", 0);
    z.e[0].at = 5;
    FAILS(PTM_ERR_FORMAT, "no local header at byte 5");

    start();
    zm_add(&z, "a/x", "1", 0);
    z.zip64 = 1;
    z.e[0].at = UINT64_MAX - 3;
    FAILS(PTM_ERR_FORMAT, "no local header");
    start();
    zm_add(&z, "a/x", "1", 0);
    z.zip64 = 1;
    z.e[0].packed = z.e[0].bytes = UINT64_MAX;
    FAILS(PTM_ERR_FORMAT, "member 'a/x'");

    start();
    zm_add_padded(&z, "a/x", 3, "1", 1, 0, 1, 0);
    FAILS(PTM_ERR_UNSUPPORTED, "'a/x' is encrypted");
    start();
    zm_add(&z, "a/x", "1", 14);
    FAILS(PTM_ERR_UNSUPPORTED, "compression method 14");
    start();
    zm_add(&z, "a/x", "1", 0);
    z.e[0].bytes = 2;
    FAILS(PTM_ERR_FORMAT, "is stored in 1 bytes but has 2");
    start();
    zm_add_padded(&z, "a\0x", 3, "1", 1, 0, 0, 0);
    FAILS(PTM_ERR_FORMAT, "character 0x00");
    start();
    zm_add(&z, "a/\033[2J", "1", 0);
    FAILS(PTM_ERR_FORMAT, "character 0x1b");
    start();
    zm_add(&z, "", "1", 0);
    FAILS(PTM_ERR_FORMAT, "without a name");

    start();
    zm_add(&z, "a/x", "1", 0);
    z.add_count = 1;
    FAILS(PTM_ERR_FORMAT, "2 members in a directory of 49 bytes");
    start();
    zm_add(&z, "a/x", "1", 0);
    z.zip64 = 1;
    z.add_count = 1 << 20;
    FAILS(PTM_ERR_LIMIT, "1048577 members, the limit is 1048576");
}

static void test_every_prefix(void)
{
    start();
    zm_add(&z, "a/x", "first", 0);
    zm_add(&z, "a/y", "second second second", 8);
    z.zip64 = 1;
    zm_finish(&z);
    for (size_t n = 0; n < z.n; n++) {
        struct ptm_err e = {0};
        struct ptm_zip short_zip;
        CHECK_INT(ptm_zip_open(&short_zip, &arena, z.buf, n, &e), PTM_ERR_FORMAT);
    }
    struct ptm_err e = {0};
    CHECK_INT(ptm_zip_open(&zip, &arena, z.buf, z.n, &e), PTM_OK);
}

int main(void)
{
    test_torch_layout(0);
    test_torch_layout(1);
    test_roots();
    test_damage();
    test_refusals();
    test_every_prefix();
    ptm_arena_release(&arena);
    TEST_END;
}
