/* SPDX-License-Identifier: BSD-2-Clause */
/* formats/image.c and libcore/preprocess.c: the same bytes as Pillow's and torchvision's. */
#include "formats/image.h"

#include "tests/unit/image_fixture.inc"
#include "tests/unit/test.h"

static struct ptm_arena arena;
static struct ptm_err err;

static struct ptm_image plain(void)
{
    uint8_t *p = ptm_arena_copy(&arena, rgb_png_pixels, sizeof(rgb_png_pixels));
    return (struct ptm_image){.rgb = p, .width = FIXTURE_WIDTH, .height = FIXTURE_HEIGHT};
}

static void test_resize(void)
{
    static const struct {
        int width, height;
        const uint8_t *want;
        size_t n;
    } cases[] = {
        {5, 4, resized_5_4, sizeof(resized_5_4)},
        {29, 17, resized_29_17, sizeof(resized_29_17)},
        {13, 3, resized_13_3, sizeof(resized_13_3)},
        {1, 1, resized_1_1, sizeof(resized_1_1)},
        {FIXTURE_WIDTH, FIXTURE_HEIGHT, rgb_png_pixels, sizeof(rgb_png_pixels)},
    };
    struct ptm_image in = plain(), out = {0};
    for (size_t i = 0; i < PTM_LEN(cases); i++) {
        CHECK_INT(ptm_image_resize(&arena, &in, cases[i].width, cases[i].height, &out, &err),
                  PTM_OK);
        CHECK(out.width == cases[i].width && out.height == cases[i].height);
        CHECK(!memcmp(out.rgb, cases[i].want, cases[i].n));
    }
    CHECK_INT(ptm_image_resize(&arena, &in, 0, 5, &out, &err), PTM_ERR_ARG);
    CHECK_INT(ptm_image_resize(&arena, &in, 20000, 20000, &out, &err), PTM_ERR_LIMIT);
    err = (struct ptm_err){0};
}

static void test_preprocess(void)
{
    struct ptm_image in = plain();
    struct ptm_preprocess how = PTM_PREPROCESS_IMAGENET;
    struct ptm_tensor *t = NULL;
    how.resize = 6;
    how.crop_width = how.crop_height = 4;
    CHECK_INT(ptm_preprocess(&arena, &in, &how, &t, &err), PTM_OK);
    CHECK(t->dtype == PTM_F32 && t->rank == 4 && t->dim[0] == 1 && t->dim[1] == 3);
    CHECK(t->dim[2] == 4 && t->dim[3] == 4);
    CHECK(!memcmp(ptm_tensor_data(t), tensor_6_4, sizeof(tensor_6_4)));
    how.resize = 7; /* 10 x 7, then padded to 10 x 10 */
    how.crop_width = how.crop_height = 10;
    CHECK_INT(ptm_preprocess(&arena, &in, &how, &t, &err), PTM_OK);
    CHECK(!memcmp(ptm_tensor_data(t), tensor_7_10, sizeof(tensor_7_10)));

    how = (struct ptm_preprocess){.std = {1, 1, 1}};
    CHECK_INT(ptm_preprocess(&arena, &in, &how, &t, &err), PTM_OK);
    CHECK(t->dim[2] == FIXTURE_HEIGHT && t->dim[3] == FIXTURE_WIDTH);
    const float *p = ptm_tensor_data(t);
    CHECK(p[1] == (float)rgb_png_pixels[3] / 255.0f);
    how.std[1] = 0;
    CHECK_INT(ptm_preprocess(&arena, &in, &how, &t, &err), PTM_ERR_ARG);
    err = (struct ptm_err){0};
    how = (struct ptm_preprocess){.std = {1, 1, 1}, .crop_width = 3};
    CHECK_INT(ptm_preprocess(&arena, &in, &how, &t, &err), PTM_ERR_ARG);
    err = (struct ptm_err){0};
    how = (struct ptm_preprocess){.std = {1, 1, 1}, .resize = 1 << 30};
    CHECK_INT(ptm_preprocess(&arena, &in, &how, &t, &err), PTM_ERR_LIMIT);
    err = (struct ptm_err){0};
}

#ifdef PTM_HAVE_IMAGE

/* `slack`: libjpeg versions may differ by a little; PNG has none. */
static void check_image(const uint8_t *file, size_t n, const uint8_t *want, int slack, int line)
{
    struct ptm_image out = {0};
    err = (struct ptm_err){0};
    enum ptm_status s = ptm_image_read(&arena, file, n, &out, &err);
    int worst = 0;
    for (size_t i = 0; !s && i < sizeof(rgb_png_pixels); i++) {
        int d = out.rgb[i] - want[i];
        worst = d > worst ? d : -d > worst ? -d : worst;
    }
    if (!test_result(!s && out.width == FIXTURE_WIDTH && out.height == FIXTURE_HEIGHT &&
                         worst <= slack, __FILE__, line))
        printf("status %d '%s', %d x %d, worst difference %d\n", (int)s, err.msg, out.width,
               out.height, worst);
    /* every prefix is an error, except where only the end marks are missing */
    for (size_t k = 0; k < n; k++) {
        struct ptm_err e = {0};
        s = ptm_image_read(&arena, file, k, &out, &e);
        if (s != PTM_ERR_FORMAT && !(s == PTM_ERR_UNSUPPORTED && k < 8) && !(!s && k + 12 >= n)) {
            test_result(0, __FILE__, line);
            printf("%zu of %zu bytes: status %d '%s'\n", k, n, (int)s, e.msg);
        }
    }
}
#define IMAGE(name, slack) check_image(name, sizeof(name), name##_pixels, slack, __LINE__)

static void test_read(void)
{
    IMAGE(rgb_png, 0);
    IMAGE(rgba_png, 0);
    IMAGE(palette_png, 0);
    IMAGE(grey_png, 0);
    IMAGE(rgb_jpg, 2);
    IMAGE(progressive_jpg, 2);
    IMAGE(grey_jpg, 2);

    struct ptm_image out;
    err = (struct ptm_err){0};
    CHECK_INT(ptm_image_read(&arena, cmyk_jpg, sizeof(cmyk_jpg), &out, &err), PTM_ERR_UNSUPPORTED);
    CHECK(strstr(err.msg, "CMYK"));

    uint8_t file[sizeof(rgb_png)];
    memcpy(file, rgb_png, sizeof(file));
    file[60] ^= 1; /* in the first chunk of pixels: its checksum is wrong */
    err = (struct ptm_err){0};
    CHECK_INT(ptm_image_read(&arena, file, sizeof(file), &out, &err), PTM_ERR_FORMAT);
    CHECK(!strncmp(err.msg, "png: ", 5));

    /* a header that says 60000 x 60000 */
    uint8_t jpg[sizeof(rgb_jpg)];
    memcpy(jpg, rgb_jpg, sizeof(jpg));
    for (size_t i = 0; i + 9 < sizeof(jpg); i++)
        if (jpg[i] == 0xff && jpg[i + 1] == 0xc0) {
            jpg[i + 5] = jpg[i + 7] = 0xea;
            jpg[i + 6] = jpg[i + 8] = 0x60;
            break;
        }
    err = (struct ptm_err){0};
    CHECK_INT(ptm_image_read(&arena, jpg, sizeof(jpg), &out, &err), PTM_ERR_LIMIT);
    CHECK(strstr(err.msg, "60000 x 60000"));
}

/* The n-th request for memory fails, for every n. */
static void test_memory(void)
{
    for (uint64_t k = 1;; k++) {
        struct ptm_image out;
        err = (struct ptm_err){0};
        ptm_arena_release(&arena);
        ptm_memory_fail_at(k);
        enum ptm_status s = ptm_image_read(&arena, rgb_png, sizeof(rgb_png), &out, &err);
        ptm_memory_fail_at(0);
        if (!s)
            break;
        CHECK_INT(s, PTM_ERR_MEMORY);
    }
}

#else

static void test_read(void)
{
    struct ptm_image out;
    CHECK_INT(ptm_image_read(&arena, rgb_png, sizeof(rgb_png), &out, &err), PTM_ERR_UNSUPPORTED);
    CHECK(strstr(err.msg, "libpng"));
    SKIP("built without libpng and libjpeg");
}

static void test_memory(void)
{
}

#endif

static void test_probe(void)
{
    struct ptm_image out;
    CHECK(ptm_image_probe(rgb_png, sizeof(rgb_png)) && ptm_image_probe(rgb_jpg, sizeof(rgb_jpg)));
    CHECK(!ptm_image_probe((const uint8_t *)"GIF89a..", 8) && !ptm_image_probe(rgb_png, 2));
    err = (struct ptm_err){0};
    CHECK_INT(ptm_image_read(&arena, (const uint8_t *)"GIF89a..", 8, &out, &err),
              PTM_ERR_UNSUPPORTED);
    CHECK_STR(err.msg, "the image is neither PNG nor JPEG");
    err = (struct ptm_err){0};
}

int main(void)
{
    test_probe();
    test_resize();
    test_preprocess();
    test_read();
    test_memory();
    ptm_arena_release(&arena);
    TEST_END;
}
