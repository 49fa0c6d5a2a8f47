/* SPDX-License-Identifier: BSD-2-Clause */
/* libcore/packs.c: keys, holding and dropping, what a file offers; then a model on the cpu backend,
 * whose sessions and input sizes pack nothing twice. */
#include "tests/unit/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "formats/formats.h"
#include "formats/ptm_layout.h"
#include "formats/ptm_write.h"
#include "kernels/cpu.h"
#include "kernels/ref.h"
#include "libcore/arena.h"
#include "libcore/map.h"
#include "libcore/session.h"

static struct ptm_err err;

static struct ptm_err *fresh(void)
{
    err = (struct ptm_err){0};
    return &err;
}

/* -- keys -- */

static struct ptm_pack_key key_of(const char *how, int64_t param, const struct ptm_nd *nd)
{
    struct ptm_pack_key key = {.kernel = "gemm_f32", .isa = "c", .version = PTM_PACK_VERSION};
    struct ptm_nd array[2] = {*nd, {.dtype = PTM_ABSENT}};
    ptm_pack_hash(&key, how, &param, 1, array, 2);
    return key;
}

static bool same(struct ptm_pack_key a, struct ptm_pack_key b)
{
    return a.hash[0] == b.hash[0] && a.hash[1] == b.hash[1];
}

static void test_keys(void)
{
    float data[24], copy[24];
    for (int i = 0; i < 24; i++)
        data[i] = copy[i] = (float)i;
    const struct ptm_nd nd = {.data = data, .dtype = PTM_F32, .rank = 2, .dim = {4, 6},
                              .stride = {6, 1}};
    struct ptm_pack_key key = key_of("linear", 1, &nd);
    struct ptm_nd other = nd;
    other.data = copy; /* contents count, not addresses */
    CHECK(same(key, key_of("linear", 1, &other)));
    CHECK(!same(key, key_of("linear", 2, &nd)));
    CHECK(!same(key, key_of("matmul", 1, &nd)));
    other = nd;
    other.dtype = PTM_I32;
    CHECK(!same(key, key_of("linear", 1, &other)));
    other = nd;
    other.dim[0] = 6, other.dim[1] = 4, other.stride[0] = 4;
    CHECK(!same(key, key_of("linear", 1, &other)));
    other = nd;
    other.stride[0] = 1, other.stride[1] = 4;
    CHECK(!same(key, key_of("linear", 1, &other)));
    struct ptm_pack_key isa = {.kernel = "gemm_f32", .isa = "avx2", .version = PTM_PACK_VERSION};
    ptm_pack_hash(&isa, "linear", (const int64_t[]){1}, 1,
                  (const struct ptm_nd[]){nd, {.dtype = PTM_ABSENT}}, 2);
    CHECK(!same(key, isa));
    /* all elements count, those in gaps do not */
    for (int64_t step = 1; step <= 2; step++) {
        other = nd;
        other.data = copy;
        other.dim[1] = 3, other.stride[1] = step;
        key = key_of("linear", 1, &other);
        for (int i = 0; i < 24; i++) {
            bool read = step == 1 ? i % 6 < 3 : i % 2 == 0;
            copy[i] += 0.5F;
            CHECK_INT(same(key, key_of("linear", 1, &other)), !read);
            copy[i] -= 0.5F;
        }
    }
}

/* -- the store -- */

static int fills;

static bool fill(const void *ctx, void *to)
{
    fills++;
    memcpy(to, ctx, 4);
    return true;
}

static bool fail(const void *ctx, void *to)
{
    (void)ctx, (void)to;
    return false;
}

static void test_store(void)
{
    static const _Alignas(64) uint8_t in_file[8] = "in file";
    struct ptm_packs *p = ptm_packs_new();
    struct ptm_packs_stats s;
    struct ptm_pack *a, *b, *c;
    struct ptm_pack_key one = {{1, 2}, "gemm_f32", "c", 1}, two = one;
    two.hash[1] = 3;
    CHECK_INT(ptm_packs_get(p, &one, 8, fill, "abc", &a, fresh()), PTM_OK);
    CHECK_INT(ptm_packs_get(p, &one, 8, fill, "xyz", &b, fresh()), PTM_OK);
    CHECK(a == b && fills == 1 && !memcmp(a->data, "abc\0\0\0\0\0", 8));
    CHECK_INT((uintptr_t)a->data % 64, 0);
    CHECK_INT(ptm_packs_get(p, &one, 12, fill, "xyz", &c, fresh()), PTM_OK); /* another size */
    CHECK(c != a && fills == 2);
    ptm_packs_stats(p, &s);
    CHECK_INT(s.made, 2);
    CHECK_INT(s.shared, 1);
    CHECK_INT(s.bytes, 20);
    ptm_packs_drop(c);
    ptm_packs_drop(a);
    ptm_packs_stats(p, &s);
    CHECK_INT(s.bytes, 8); /* b holds it still */
    CHECK(ptm_packs_next(p, NULL) == b && !ptm_packs_next(p, b));
    ptm_packs_drop(b);
    CHECK(!ptm_packs_next(p, NULL));
    CHECK_INT(ptm_packs_get(p, &two, 8, fail, NULL, &a, fresh()), PTM_ERR_MEMORY);
    CHECK_STR(err.msg, "no memory to pack 8 bytes of weights");
    /* what a file offers is taken, when key and size are right; it stays when nobody holds it */
    CHECK_INT(ptm_packs_offer(p, &two, in_file, sizeof(in_file), fresh()), PTM_OK);
    CHECK(!ptm_packs_next(p, NULL)); /* not used */
    for (int i = 0; i < 2; i++) {
        CHECK_INT(ptm_packs_get(p, &two, 8, fill, "abc", &a, fresh()), PTM_OK);
        CHECK(a->data == in_file && ptm_packs_next(p, NULL) == a);
        ptm_packs_stats(p, &s);
        CHECK_INT(s.file_bytes, 8);
        ptm_packs_drop(a);
    }
    CHECK_INT(ptm_packs_get(p, &two, 16, fill, "abc", &a, fresh()), PTM_OK);
    CHECK(a->data != in_file);
    two.version++;
    CHECK_INT(ptm_packs_get(p, &two, 8, fill, "abc", &b, fresh()), PTM_OK);
    CHECK(b->data != in_file);
    ptm_packs_drop(a);
    ptm_packs_drop(b);
    ptm_packs_stats(p, &s);
    CHECK_INT(s.from_file, 1);
    CHECK_INT(s.bytes + s.file_bytes, 0);
    ptm_packs_free(p);
    CHECK_INT(ptm_packs_get(NULL, &one, 8, fill, "abc", &a, fresh()), PTM_OK); /* no store */
    CHECK(!memcmp(a->data, "abc", 4));
    ptm_packs_drop(a);
    ptm_packs_drop(NULL);
    ptm_packs_free(NULL);
}

/* -- models -- */

static const char digits[] = "tests/e2e/digits/digits.pt";

/* Runs in a new session (NULL: opens one), with images of `size`. */
static struct ptm_session *run(const struct ptm_model *m, struct ptm_session *s, int64_t size,
                               struct ptm_err *e)
{
    static float pixels[3 * 48 * 48];
    const struct ptm_config config = {.backend = "cpu"};
    struct ptm_ival x = {.tag = PTM_TENSOR}, result;
    x.u.tensor = ptm_tensor_wrap(PTM_F32, 4, (int64_t[]){1, 3, size, size}, pixels);
    if (s || !ptm_session_open(&s, m, &config, e))
        (void)ptm_session_run(s, "forward", &x, 1, &result, e);
    ptm_tensor_free(x.u.tensor);
    return s;
}

static void test_sessions(void)
{
    struct ptm_model *m;
    struct ptm_packs_stats first, now;
    CHECK_INT(ptm_model_open(&m, digits, ptm_format_find, fresh()), PTM_OK);
    struct ptm_session *a = run(m, NULL, 32, fresh());
    ptm_packs_stats(m->packs, &first);
    CHECK(first.made > 2 && first.bytes > 1000);
    run(m, a, 32, fresh());
    run(m, a, 48, fresh()); /* another input size */
    struct ptm_session *b = run(m, NULL, 32, fresh());
    CHECK_STR(err.msg, "");
    ptm_packs_stats(m->packs, &now);
    CHECK_INT(now.made, first.made);
    CHECK_INT(now.bytes, first.bytes);
    struct ptm_session_stats stats; /* both sizes' plans, but one lot of weights */
    ptm_session_stats(a, &stats);
    CHECK_INT(stats.pieces, 2);
    CHECK_INT(stats.packed_bytes, first.bytes);
    CHECK(now.shared >= 2 * first.made);
    ptm_session_close(a);
    ptm_packs_stats(m->packs, &now);
    CHECK_INT(now.bytes, first.bytes);
    ptm_session_close(b);
    ptm_packs_stats(m->packs, &now);
    CHECK_INT(now.bytes, 0);
    ptm_model_close(m);
}

static void *in_thread(void *model)
{
    struct ptm_err e = {0};
    ptm_session_close(run(model, NULL, 32, &e));
    return NULL;
}

static void test_threads(void)
{
    struct ptm_model *m;
    struct ptm_packs_stats before, now;
    pthread_t thread[4];
    CHECK_INT(ptm_model_open(&m, digits, ptm_format_find, fresh()), PTM_OK);
    struct ptm_session *s = run(m, NULL, 32, fresh());
    ptm_packs_stats(m->packs, &before);
    for (size_t i = 0; i < PTM_LEN(thread); i++)
        CHECK_INT(pthread_create(&thread[i], NULL, in_thread, m), 0);
    for (size_t i = 0; i < PTM_LEN(thread); i++)
        pthread_join(thread[i], NULL);
    ptm_packs_stats(m->packs, &now);
    CHECK_INT(now.made, before.made);
    ptm_session_close(s);
    ptm_packs_stats(m->packs, &now);
    CHECK_INT(now.bytes, 0);
    ptm_model_close(m);
}

/* -- files -- */

static char dir[] = "/tmp/test_packs.XXXXXX";

static uint64_t sum_of(struct ptm_session *s)
{
    static float pixels[3 * 32 * 32];
    struct ptm_ival x = {.tag = PTM_TENSOR}, y;
    uint64_t sum = 0;
    for (size_t i = 0; i < PTM_LEN(pixels); i++)
        pixels[i] = (float)(i * 7 % 101) / 50 - 1;
    x.u.tensor = ptm_tensor_wrap(PTM_F32, 4, (int64_t[]){1, 3, 32, 32}, pixels);
    CHECK_INT(ptm_session_run(s, "forward", &x, 1, &y, fresh()), PTM_OK);
    const uint8_t *bytes = err.code ? NULL : ptm_tensor_data(y.u.tensor);
    for (size_t i = 0; bytes && i < 4 * (size_t)ptm_tensor_numel(y.u.tensor); i++)
        sum = sum * 31 + bytes[i];
    ptm_tensor_free(x.u.tensor);
    return sum;
}

/* Opens the file, or the bytes, and runs it; what its store did. */
static struct ptm_packs_stats try_file(const char *path, const uint8_t *bytes, size_t n,
                                       uint64_t *sum)
{
    const struct ptm_config config = {.backend = "cpu"};
    struct ptm_packs_stats s = {0};
    struct ptm_model *m = NULL;
    struct ptm_session *session = NULL;
    *sum = 0;
    if (path ? ptm_model_open(&m, path, ptm_format_find, fresh())
             : ptm_model_open_bytes(&m, bytes, n, ptm_format_find, fresh()))
        return s;
    CHECK_INT(ptm_session_open(&session, m, &config, fresh()), PTM_OK);
    *sum = sum_of(session);
    ptm_packs_stats(m->packs, &s);
    ptm_session_close(session);
    ptm_model_close(m);
    return s;
}

/* The file with `from` replaced by `to`, of the same length, in its header. */
static void change(uint8_t *to, const uint8_t *file, size_t n, const char *from, const char *with)
{
    uint32_t header = (uint32_t)file[12] | (uint32_t)file[13] << 8 | (uint32_t)file[14] << 16;
    size_t len = strlen(from), at = PTM_FILE_FIXED;
    memcpy(to, file, n);
    while (at + len < PTM_FILE_FIXED + header && memcmp(to + at, from, len))
        at++;
    CHECK(at + len < PTM_FILE_FIXED + header && len == strlen(with));
    memcpy(to + at, with, len);
    uint32_t sum = (uint32_t)crc32_z(0, to + PTM_FILE_FIXED, header);
    for (int i = 0; i < 4; i++)
        to[24 + i] = (uint8_t)(sum >> 8 * i);
}

static void test_changed(const uint8_t *file, size_t n, uint64_t want)
{
    static const struct {
        const char *from, *to, *wrong;
        int fewer; /* packs of the file that are used */
    } rows[] = {
        {"\"kernel\": \"gemm_f32\"", "\"kernel\": \"gemm_f33\"", NULL, 1},
        {"\"version\": 1", "\"version\": 2", NULL, 1},
        {"\"isa\": \"c\"", "\"isa\": \"d\"", NULL, 1},
        {"\"packed\"", "\"Packed\"", NULL, 100},
        {"\"key\": \"", "\"key\": Z", "", 0},
        {"\"key\"", "\"kez\"", "a pack without key", 0},
        {"\"isa\"", "\"isb\"", "a pack without key", 0},
        {"\"version\": 1", "\"version\":-1", "", 0},
        {"\"kernel\": \"g", "\"kernel\": [\"", "", 0},
    };
    void *room = NULL;
    uint64_t sum;
    if (posix_memalign(&room, 64, n + 64))
        return;
    uint8_t *b = room;
    memcpy(b, file, n);
    struct ptm_packs_stats all = try_file(NULL, b, n, &sum);
    CHECK_INT(all.made, 0);
    CHECK_INT(sum, want);
    for (size_t i = 0; i < PTM_LEN(rows); i++) {
        change(b, file, n, rows[i].from, rows[i].to);
        struct ptm_packs_stats s = try_file(NULL, b, n, &sum);
        if (rows[i].wrong) {
            CHECK_INT(err.code, PTM_ERR_FORMAT);
            CHECK(strstr(err.msg, rows[i].wrong));
            continue;
        }
        uint64_t fewer = rows[i].fewer > (int)all.from_file ? all.from_file
                                                            : (uint64_t)rows[i].fewer;
        CHECK_INT(s.from_file, all.from_file - fewer);
        CHECK_INT(s.made, fewer);
        CHECK_INT(sum, want);
    }
    memcpy(b + 16, file, n); /* not aligned: packed again */
    struct ptm_packs_stats s = try_file(NULL, b + 16, n, &sum);
    CHECK_INT(s.offered, 0);
    CHECK_INT(s.made, all.from_file);
    CHECK_INT(sum, want);
    free(room);
}

/* Sizes and places of packs: each field of each pack by itself. */
static void test_sizes(const uint8_t *file, size_t n, uint64_t want)
{
    void *room = NULL;
    uint64_t sum;
    if (posix_memalign(&room, 64, n))
        return;
    uint8_t *b = room;
    const char *header = (const char *)file + PTM_FILE_FIXED;
    const char *packed = strstr(header, "\"packed\"");
    for (const char *p = packed; p && (p = strstr(p, "\"bytes\": ")) != NULL; p++) {
        char from[60], to[60];
        size_t len = strcspn(p, "}");
        snprintf(from, sizeof(from), "%.*s", (int)len, p);
        snprintf(to, sizeof(to), "%s", from);
        char *digit = &to[len - 1]; /* one number less: not what the kernel expects */
        *digit = *digit == '0' ? '1' : (char)(*digit - 1);
        change(b, file, n, from, to);
        struct ptm_packs_stats s = try_file(NULL, b, n, &sum);
        CHECK(err.code == PTM_ERR_FORMAT ? strstr(err.msg, "out of place") != NULL
                                         : s.made > 0 && sum == want);
        memset(to + strlen("\"bytes\": "), '9', len - strlen("\"bytes\": "));
        change(b, file, n, from, to);
        s = try_file(NULL, b, n, &sum);
        CHECK_INT(err.code, PTM_ERR_FORMAT);
    }
    free(room);
}

static void test_file(void)
{
    char packed[64], again[64];
    const struct ptm_config config = {.backend = "cpu"};
    struct ptm_model *m = NULL;
    struct ptm_session *s = NULL;
    struct ptm_packs_stats stats, back;
    uint64_t sum, want;
    ptm_cpu_mask(PTM_CPU_C);
    CHECK(mkdtemp(dir));
    snprintf(packed, sizeof(packed), "%s/a.ptm", dir);
    snprintf(again, sizeof(again), "%s/b.ptm", dir);
    CHECK_INT(ptm_model_open(&m, digits, ptm_format_find, fresh()), PTM_OK);
    CHECK_INT(ptm_session_open(&s, m, &config, fresh()), PTM_OK);
    want = sum_of(s);
    ptm_packs_stats(m->packs, &stats);
    struct ptm_save_options o = {.packs = m->packs};
    CHECK_INT(ptm_save(&m->program, packed, &o, fresh()), PTM_OK);
    o.compress = true; /* all but packs */
    CHECK_INT(ptm_save(&m->program, again, &o, fresh()), PTM_OK);
    ptm_session_close(s);
    ptm_model_close(m);
    const char *const paths[] = {packed, again};
    for (size_t i = 0; i < PTM_LEN(paths); i++) {
        back = try_file(paths[i], NULL, 0, &sum);
        CHECK_INT(back.offered, stats.made);
        CHECK_INT(back.from_file, stats.made);
        CHECK_INT(back.made, 0);
        CHECK_INT(back.file_bytes, stats.bytes);
        CHECK_INT(sum, want);
    }
    ptm_cpu_mask(UINT32_MAX);
    if (ptm_cpu_flags() != PTM_CPU_C) { /* another instruction set */
        back = try_file(packed, NULL, 0, &sum);
        CHECK_INT(back.from_file, 0);
        CHECK_INT(back.made, stats.made);
    }
    ptm_cpu_mask(PTM_CPU_C);
    struct ptm_file_map *map = NULL;
    const uint8_t *bytes;
    size_t n;
    CHECK_INT(ptm_map_open(&map, packed, &bytes, &n, fresh()), PTM_OK);
    test_changed(bytes, n, want);
    test_sizes(bytes, n, want);
    ptm_map_close(map);
    ptm_cpu_mask(UINT32_MAX);
    unlink(packed);
    unlink(again);
    rmdir(dir);
}

int main(void)
{
    test_keys();
    test_store();
    test_sessions();
    test_threads();
    test_file();
    TEST_END;
}
