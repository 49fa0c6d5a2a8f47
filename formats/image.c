/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PNG through libpng, JPEG through libjpeg. Both report errors by longjmp, out of the library's
 * own frames: each decoder keeps everything that must survive it in one struct of its caller's.
 */
#include "formats/image.h"

#include <string.h>

#ifdef PTM_HAVE_IMAGE
#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>
#include <png.h>

#include <jerror.h>
#endif

static bool is_png(const uint8_t *bytes, size_t n)
{
    return n >= 8 && !memcmp(bytes, "\x89PNG\r\n\x1a\n", 8);
}

static bool is_jpeg(const uint8_t *bytes, size_t n)
{
    return n >= 3 && !memcmp(bytes, "\xff\xd8\xff", 3);
}

bool ptm_image_probe(const uint8_t *bytes, size_t n)
{
    return is_png(bytes, n) || is_jpeg(bytes, n);
}

#ifdef PTM_HAVE_IMAGE

enum { MAX_SCANS = 200, MESSAGE = 160 };

static enum ptm_status new_pixels(struct ptm_arena *arena, uint64_t width, uint64_t height,
                                  struct ptm_image *out, struct ptm_err *err)
{
    if (!width || !height)
        return ptm_fail(err, PTM_ERR_FORMAT, "an image of %llu x %llu pixels",
                        (unsigned long long)width, (unsigned long long)height);
    if (width > PTM_IMAGE_MAX_SIDE || height > PTM_IMAGE_MAX_SIDE ||
        width * height > PTM_IMAGE_MAX_PIXELS)
        return ptm_fail(err, PTM_ERR_LIMIT,
                        "an image of %llu x %llu pixels, the limit is %d per side and %d in all",
                        (unsigned long long)width, (unsigned long long)height, PTM_IMAGE_MAX_SIDE,
                        PTM_IMAGE_MAX_PIXELS);
    *out = (struct ptm_image){.width = (int)width, .height = (int)height};
    out->rgb = ptm_arena_alloc(arena, (size_t)(width * height * 3));
    if (!out->rgb)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for an image of %llu x %llu pixels",
                        (unsigned long long)width, (unsigned long long)height);
    return PTM_OK;
}

/* -- PNG -- */

struct png_job {
    png_structp png;
    png_infop info;
    const uint8_t *bytes;
    size_t n, at;
    bool out_of_memory;
    char message[MESSAGE];
};

static void png_on_error(png_structp png, png_const_charp message)
{
    struct png_job *job = png_get_error_ptr(png);
    snprintf(job->message, sizeof(job->message), "%s", message);
    png_longjmp(png, 1);
}

static void png_on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void png_on_read(png_structp png, png_bytep out, size_t n)
{
    struct png_job *job = png_get_io_ptr(png);
    if (n > job->n - job->at)
        png_error(png, "the file is incomplete");
    memcpy(out, job->bytes + job->at, n);
    job->at += n;
}

static png_voidp png_on_malloc(png_structp png, png_alloc_size_t n)
{
    struct png_job *job = png_get_mem_ptr(png);
    void *p = ptm_malloc(n);
    job->out_of_memory |= !p;
    return p;
}

static void png_on_free(png_structp png, png_voidp p)
{
    (void)png;
    ptm_free(p);
}

/* Reads the header and asks for 8-bit RGB. False: libpng failed. */
static bool png_begin(struct png_job *job)
{
    if (setjmp(png_jmpbuf(job->png)))
        return false;
    png_set_read_fn(job->png, job, png_on_read);
    png_read_info(job->png, job->info);
    png_set_expand(job->png);
    png_set_strip_16(job->png);
    png_set_strip_alpha(job->png);
    png_set_gray_to_rgb(job->png);
    png_set_interlace_handling(job->png);
    png_read_update_info(job->png, job->info);
    return true;
}

static bool png_finish(struct png_job *job, png_bytepp rows)
{
    if (setjmp(png_jmpbuf(job->png)))
        return false;
    png_read_image(job->png, rows);
    png_read_end(job->png, NULL);
    return true;
}

static enum ptm_status png_failed(const struct png_job *job, struct ptm_err *err)
{
    if (job->out_of_memory)
        return ptm_fail(err, PTM_ERR_MEMORY, "png: no memory");
    return ptm_fail(err, PTM_ERR_FORMAT, "png: %s, at byte %zu of %zu", job->message, job->at,
                    job->n);
}

static enum ptm_status decode_png(struct ptm_arena *arena, struct png_job *job,
                                  struct ptm_image *out, struct ptm_err *err)
{
    job->info = png_create_info_struct(job->png);
    if (!job->info)
        return ptm_fail(err, PTM_ERR_MEMORY, "png: no memory");
    png_set_user_limits(job->png, PTM_IMAGE_MAX_SIDE, PTM_IMAGE_MAX_SIDE);
    png_set_chunk_cache_max(job->png, 100);
    png_set_chunk_malloc_max(job->png, 8 << 20);
    if (!png_begin(job))
        return png_failed(job, err);
    PTM_TRY(new_pixels(arena, png_get_image_width(job->png, job->info),
                       png_get_image_height(job->png, job->info), out, err));
    size_t stride = (size_t)out->width * 3;
    if (png_get_rowbytes(job->png, job->info) != stride)
        return ptm_fail(err, PTM_ERR_UNSUPPORTED, "png: rows of %zu bytes for %d pixels",
                        png_get_rowbytes(job->png, job->info), out->width);
    png_bytepp rows = ptm_arena_array(arena, (size_t)out->height, sizeof(*rows));
    if (!rows)
        return ptm_fail(err, PTM_ERR_MEMORY, "png: no memory");
    for (int y = 0; y < out->height; y++)
        rows[y] = out->rgb + (size_t)y * stride;
    return png_finish(job, rows) ? PTM_OK : png_failed(job, err);
}

static enum ptm_status read_png(struct ptm_arena *arena, const uint8_t *bytes, size_t n,
                                struct ptm_image *out, struct ptm_err *err)
{
    struct png_job job = {.bytes = bytes, .n = n};
    job.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &job, png_on_error, png_on_warning,
                                       &job, png_on_malloc, png_on_free);
    if (!job.png)
        return ptm_fail(err, PTM_ERR_MEMORY, "png: no memory");
    enum ptm_status s = decode_png(arena, &job, out, err);
    png_destroy_read_struct(&job.png, &job.info, NULL);
    return s;
}

/* -- JPEG -- */

struct jpeg_job {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf env;
    enum ptm_status status; /* why it jumped */
    char message[JMSG_LENGTH_MAX > MESSAGE ? JMSG_LENGTH_MAX : MESSAGE];
};

static void jpeg_on_error(j_common_ptr c)
{
    struct jpeg_job *job = c->client_data;
    job->status = c->err->msg_code == JERR_OUT_OF_MEMORY ? PTM_ERR_MEMORY : PTM_ERR_FORMAT;
    c->err->format_message(c, job->message);
    longjmp(job->env, 1);
}

/* libjpeg warns and fills what is missing with grey; half an image is an error here. */
static void jpeg_on_message(j_common_ptr c, int level)
{
    if (level < 0 && (c->err->msg_code == JWRN_JPEG_EOF || c->err->msg_code == JWRN_HIT_MARKER))
        jpeg_on_error(c);
}

/* A small progressive file can ask for thousands of passes over a large image. */
static void jpeg_on_progress(j_common_ptr c)
{
    struct jpeg_job *job = c->client_data;
    if (job->jpeg.input_scan_number <= MAX_SCANS)
        return;
    job->status = PTM_ERR_LIMIT;
    snprintf(job->message, sizeof(job->message), "more than %d scans", MAX_SCANS);
    longjmp(job->env, 1);
}

static void jpeg_on_output(j_common_ptr c)
{
    (void)c;
}

static enum ptm_status decode_jpeg(struct ptm_arena *arena, struct jpeg_job *job,
                                   const uint8_t *bytes, size_t n, struct ptm_image *out,
                                   struct ptm_err *err)
{
    struct jpeg_decompress_struct *j = &job->jpeg;
    if (setjmp(job->env))
        return ptm_fail(err, job->status, "jpeg: %s", job->message);
    jpeg_create_decompress(j);
    jpeg_mem_src(j, bytes, (unsigned long)n);
    jpeg_read_header(j, TRUE);
    j->progress = &job->progress;
    if (j->jpeg_color_space == JCS_CMYK || j->jpeg_color_space == JCS_YCCK)
        return ptm_fail(err, PTM_ERR_UNSUPPORTED,
                        "jpeg: a CMYK image; convert it to RGB: Image.open(f).convert('RGB')");
    j->out_color_space = JCS_RGB;
    PTM_TRY(new_pixels(arena, j->image_width, j->image_height, out, err));
    jpeg_start_decompress(j);
    if (j->output_components != 3 || j->output_width != (JDIMENSION)out->width ||
        j->output_height != (JDIMENSION)out->height)
        return ptm_fail(err, PTM_ERR_UNSUPPORTED, "jpeg: %d components", j->output_components);
    while (j->output_scanline < j->output_height) {
        JSAMPROW row = out->rgb + (size_t)j->output_scanline * (size_t)out->width * 3;
        jpeg_read_scanlines(j, &row, 1);
    }
    jpeg_finish_decompress(j);
    return PTM_OK;
}

static enum ptm_status read_jpeg(struct ptm_arena *arena, const uint8_t *bytes, size_t n,
                                 struct ptm_image *out, struct ptm_err *err)
{
    struct jpeg_job *job = ptm_malloc(sizeof(*job));
    if (!job)
        return ptm_fail(err, PTM_ERR_MEMORY, "jpeg: no memory");
    job->jpeg.err = jpeg_std_error(&job->errors);
    job->jpeg.client_data = job;
    job->errors.error_exit = jpeg_on_error;
    job->errors.emit_message = jpeg_on_message;
    job->errors.output_message = jpeg_on_output;
    job->progress.progress_monitor = jpeg_on_progress;
    enum ptm_status s = decode_jpeg(arena, job, bytes, n, out, err);
    jpeg_destroy_decompress(&job->jpeg); /* also fine when creating failed */
    ptm_free(job);
    return s;
}

enum ptm_status ptm_image_read(struct ptm_arena *arena, const uint8_t *bytes, size_t n,
                               struct ptm_image *out, struct ptm_err *err)
{
    if (is_png(bytes, n))
        return read_png(arena, bytes, n, out, err);
    if (is_jpeg(bytes, n))
        return read_jpeg(arena, bytes, n, out, err);
    return ptm_fail(err, PTM_ERR_UNSUPPORTED, "the image is neither PNG nor JPEG");
}

#else

enum ptm_status ptm_image_read(struct ptm_arena *arena, const uint8_t *bytes, size_t n,
                               struct ptm_image *out, struct ptm_err *err)
{
    (void)arena;
    (void)out;
    return ptm_fail(err, PTM_ERR_UNSUPPORTED,
                    ptm_image_probe(bytes, n)
                        ? "this build reads no images: it was made without libpng and libjpeg"
                        : "the image is neither PNG nor JPEG");
}

#endif
