/* SPDX-License-Identifier: BSD-2-Clause */
/* libcore/packs.c: keys, holding and dropping, what a file offers; then a model on the cpu backend,
 * whose sessions and input sizes pack nothing twice. */
#include "tests/unit/test.h"

#include <pthread.h>

#include "formats/formats.h"
#include "kernels/ref.h"
#include "libcore/arena.h"
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

int main(void)
{
    test_keys();
    test_store();
    test_sessions();
    test_threads();
    TEST_END;
}
