/* SPDX-License-Identifier: BSD-2-Clause */
/* formats/npy.c: dtypes, byte and axis orders, headers as other writers make them, round trips. */
#include "formats/npy.h"

#include <stdlib.h>
#include <unistd.h>

#include "libcore/ival.h"
#include "libcore/map.h"
#include "tests/unit/test.h"

static struct ptm_arena arena;
static struct ptm_err err;
static struct ptm_tensor *t;
static uint8_t file[4096];
static size_t file_n;

/* A file of the given version with this header text and data. */
static enum ptm_status read_made(int version, const char *header, const void *data, size_t n)
{
    size_t len = strlen(header), at = 8;
    memcpy(file, "\x93NUMPY", 6);
    file[6] = (uint8_t)version;
    file[7] = 0;
    for (int i = 0; i < (version == 1 ? 2 : 4); i++)
        file[at++] = (uint8_t)(len >> 8 * i);
    memcpy(file + at, header, len);
    if (n)
        memcpy(file + at + len, data, n);
    file_n = at + len + n;
    err = (struct ptm_err){0};
    return ptm_npy_read(&arena, file, file_n, &t, &err);
}

static void test_reading(void)
{
    static const uint8_t bytes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    CHECK_INT(read_made(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 4), }   \n",
                        bytes, 12), PTM_OK);
    CHECK(t->dtype == PTM_U8 && t->rank == 2 && t->dim[0] == 3 && t->dim[1] == 4);
    CHECK(t->stride[0] == 4 && !memcmp(ptm_tensor_data(t), bytes, 12));

    /* keys in another order, double quotes, no spaces, a long from Python 2, version 3 */
    CHECK_INT(read_made(3, "{\"shape\":(2L,3,2),\"fortran_order\":True,\"descr\":\"|i1\"}", bytes,
                        12), PTM_OK);
    static const uint8_t turned[] = {0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11};
    CHECK(t->dtype == PTM_I8 && t->rank == 3 && !memcmp(ptm_tensor_data(t), turned, 12));

    CHECK_INT(read_made(2, "{'descr': '>i4', 'fortran_order': False, 'shape': (3,), }", bytes, 12),
              PTM_OK);
    static const int32_t big[] = {0x00010203, 0x04050607, 0x08090a0b};
    CHECK(t->dtype == PTM_I32 && t->rank == 1 && !memcmp(ptm_tensor_data(t), big, 12));
    CHECK_INT(read_made(1, "{'descr': '>i2', 'fortran_order': True, 'shape': (2,3), }", bytes, 12),
              PTM_OK);
    static const int16_t both[] = {0x0001, 0x0405, 0x0809, 0x0203, 0x0607, 0x0a0b};
    CHECK(!memcmp(ptm_tensor_data(t), both, 12));

    CHECK_INT(read_made(1, "{'descr': '|b1', 'fortran_order': False, 'shape': (4,), }", bytes, 4),
              PTM_OK);
    CHECK(t->dtype == PTM_BOOL8 && !memcmp(ptm_tensor_data(t), "\0\1\1\1", 4));
    CHECK_INT(read_made(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }", bytes, 4),
              PTM_OK);
    CHECK(t->rank == 0 && ptm_tensor_numel(t) == 1);
    CHECK_INT(read_made(1, "{'descr': '<f8', 'fortran_order': True, 'shape': (0, 5), }", NULL, 0),
              PTM_OK);
    CHECK(t->rank == 2 && ptm_tensor_numel(t) == 0 && !ptm_tensor_data(t));
    static const char *const descr[] = {"|u1", "|i1", "<i2", "<i4", "<i8", "<f2", "<f4", "=f8"};
    static const uint8_t dtype[] = {PTM_U8,  PTM_I8,  PTM_I16, PTM_I32,
                                    PTM_I64, PTM_F16, PTM_F32, PTM_F64};
    for (size_t i = 0; i < PTM_LEN(dtype); i++) {
        char header[80];
        snprintf(header, sizeof(header), "{'descr': '%s', 'fortran_order': False, 'shape': (1,)}",
                 descr[i]);
        CHECK_INT(read_made(1, header, bytes, 8), PTM_OK);
        CHECK_INT(t->dtype, dtype[i]);
    }
}

static void check_refused(const char *header, enum ptm_status code, const char *part, int line)
{
    enum ptm_status s = read_made(1, header, "01234567", 8);
    if (!test_result(s == code && strstr(err.msg, part), __FILE__, line))
        printf("status %d '%s', should be %d with '%s'\n", (int)s, err.msg, (int)code, part);
}
#define REFUSED(header, code, part) check_refused(header, code, part, __LINE__)

static void test_refusals(void)
{
    REFUSED("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", PTM_ERR_FORMAT,
            "3 elements of 4 bytes, the file has 8 bytes left");
    REFUSED("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", PTM_ERR_UNSUPPORTED,
            "dtype '<c8'");
    REFUSED("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", PTM_ERR_UNSUPPORTED,
            "dtype '|O'");
    REFUSED("{'descr': '<u2', 'fortran_order': False, 'shape': (1,), }", PTM_ERR_UNSUPPORTED,
            "dtype '<u2'");
    REFUSED("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }",
            PTM_ERR_UNSUPPORTED, "array of records");
    REFUSED("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }",
            PTM_ERR_LIMIT, "more than 8 dimensions");
    REFUSED("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
            PTM_ERR_LIMIT, "dimension 0 is too large");
    REFUSED("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4, 0), }",
            PTM_ERR_LIMIT, "product of the dimensions");
    REFUSED("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", PTM_ERR_FORMAT,
            "expected a dimension");
    REFUSED("{'descr': '<f4', 'fortran_order': False, }", PTM_ERR_FORMAT, "and shape");
    REFUSED("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }",
            PTM_ERR_FORMAT, "once each");
    REFUSED("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,), }", PTM_ERR_FORMAT,
            "True or False");
    REFUSED("{'descr': '<f4', 'fortran_order': False 'shape': (1,), }", PTM_ERR_FORMAT, "','");
    REFUSED("{'descr': '<f4', 'fortran_order': False, 'shape': (1 2), }", PTM_ERR_FORMAT, "','");
    REFUSED("{'descr': '<f4", PTM_ERR_FORMAT, "a dtype");
    REFUSED("[]", PTM_ERR_FORMAT, "'{'");
    REFUSED("", PTM_ERR_FORMAT, "'{'");
    REFUSED("{'descr': '\033[2J', 'fortran_order': False}", PTM_ERR_FORMAT, "a dtype");

    CHECK_INT(read_made(4, "{}", NULL, 0), PTM_ERR_UNSUPPORTED);
    CHECK_INT(read_made(2, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }", "0123", 4),
              PTM_OK);
    for (size_t n = 0; n < file_n; n++) {
        struct ptm_err e = {0};
        CHECK_INT(ptm_npy_read(&arena, file, n, &t, &e), PTM_ERR_FORMAT);
    }
    file[11] = 0xff; /* a header of gigabytes */
    err = (struct ptm_err){0};
    CHECK_INT(ptm_npy_read(&arena, file, file_n, &t, &err), PTM_ERR_LIMIT);
    err = (struct ptm_err){0};
}

static char dir[] = "/tmp/ptm-test-XXXXXX", path[64];

/* Writes `in`, reads it back into t, and checks the file's header. */
static void round_trip(const struct ptm_tensor *in, const char *header)
{
    struct ptm_sink *s = NULL;
    err = (struct ptm_err){0};
    CHECK_INT(ptm_sink_open(&s, path, &err), PTM_OK);
    CHECK_INT(ptm_npy_write(s, in, &err), PTM_OK);
    CHECK_INT(ptm_sink_commit(s, &err), PTM_OK);
    struct ptm_file_map *m = NULL;
    const uint8_t *p;
    size_t n;
    CHECK_INT(ptm_map_open(&m, path, &p, &n, &err), PTM_OK);
    size_t data_at = 10 + (size_t)(p[8] | p[9] << 8);
    CHECK(p[6] == 1 && data_at % 64 == 0 && p[data_at - 1] == '\n');
    CHECK(!strncmp((const char *)p + 10, header, strlen(header)));
    t = NULL;
    CHECK_INT(ptm_npy_read(&arena, p, n, &t, &err), PTM_OK);
    ptm_map_close(m);
}

static void test_writing(void)
{
    float f[6] = {0.5f, -1.0f, 2.0f, 3.0f, 4.0f, 5.0f};
    struct ptm_tensor *in = ptm_tensor_new(&arena, PTM_F32, 2, (int64_t[]){2, 3}, f);
    round_trip(in, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } ");
    CHECK(t->dtype == PTM_F32 && !memcmp(ptm_tensor_data(t), f, sizeof(f)));

    struct ptm_tensor turned = *in; /* transposed, and the last two columns only */
    turned.dim[0] = 2;
    turned.dim[1] = 2;
    turned.stride[0] = 1;
    turned.stride[1] = 3;
    turned.offset = 1;
    round_trip(&turned, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), } ");
    static const float want[] = {-1.0f, 4.0f, 2.0f, 5.0f};
    CHECK(!memcmp(ptm_tensor_data(t), want, sizeof(want)));

    uint16_t half[3] = {0x3f80, 0xc040, 0x7f80}; /* 1, -3, inf */
    in = ptm_tensor_new(&arena, PTM_BF16, 1, (int64_t[]){3}, half);
    round_trip(in, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), } ");
    static const uint32_t wide[] = {0x3f800000, 0xc0400000, 0x7f800000};
    CHECK(t->dtype == PTM_F32 && !memcmp(ptm_tensor_data(t), wide, sizeof(wide)));

    uint8_t b[1] = {1};
    in = ptm_tensor_new(&arena, PTM_BOOL8, 0, (int64_t[]){0}, b);
    round_trip(in, "{'descr': '|b1', 'fortran_order': False, 'shape': (), } ");
    CHECK(t->dtype == PTM_BOOL8 && t->rank == 0);
    in = ptm_tensor_new(&arena, PTM_I64, 3, (int64_t[]){2, 0, 3}, NULL);
    round_trip(in, "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 0, 3), } ");
    CHECK(t->rank == 3 && t->dim[0] == 2 && ptm_tensor_numel(t) == 0);

    /* more than one buffer: one value, broadcast */
    in = ptm_tensor_new(&arena, PTM_F32, 1, (int64_t[]){1}, f);
    struct ptm_tensor wide_one = *in;
    wide_one.rank = 2;
    wide_one.dim[0] = 100;
    wide_one.dim[1] = 100;
    wide_one.stride[0] = wide_one.stride[1] = 0;
    round_trip(&wide_one, "{'descr': '<f4', 'fortran_order': False, 'shape': (100, 100), } ");
    const float *p = ptm_tensor_data(t);
    CHECK(ptm_tensor_numel(t) == 10000 && p[0] == 0.5f && p[9999] == 0.5f);
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof(path), "%s/x.npy", dir);
    test_reading();
    test_refusals();
    test_writing();
    ptm_arena_release(&arena);
    unlink(path);
    rmdir(dir);
    TEST_END;
}
