/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing .ptm files: the JSON header, the sections, the storages raw or by zstd. */
#include "formats/ptm_write.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "formats/ptm_encode.h"
#include "formats/ptm_layout.h"
#include "libcore/sink.h"

enum {
    ZSTD_LEVEL = 9,
    MIN_COMPRESSED = 256, /* storages below stay raw */
};

struct stored {
    const uint8_t *data; /* what goes into the file */
    uint64_t offset, n;
    uint8_t *packed; /* a zstd frame, ours; NULL: raw */
};

struct writer {
    struct ptm_encoded e;
    const struct ptm_save_options *o;
    struct ptm_err *err;
    struct ptm_sink *sink;
    struct ptm_bytes json;
    struct stored *stored;
    uint64_t program_at, text_at, data_end, file_bytes, at;
    uint64_t done, all;
};

static uint64_t align(uint64_t n)
{
    return (n + PTM_FILE_ALIGN - 1) / PTM_FILE_ALIGN * PTM_FILE_ALIGN;
}

/* -- JSON -- */

static void print(struct writer *w, const char *fmt, ...) PTM_PRINTF(2, 3);
static void print(struct writer *w, const char *fmt, ...)
{
    char text[200];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    ptm_bytes_put(&w->json, text, n > 0 && (size_t)n < sizeof text ? (size_t)n : 0);
}

/* Bytes of the well-formed UTF-8 character at s; 0: none. */
static size_t utf8_length(const char *s)
{
    const uint8_t *p = (const uint8_t *)s;
    size_t n = *p < 0x80                 ? 1
               : *p >= 0xc2 && *p < 0xe0 ? 2
               : *p >= 0xe0 && *p < 0xf0 ? 3
               : *p >= 0xf0 && *p < 0xf5 ? 4
                                         : 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

static void print_string(struct writer *w, const char *s)
{
    ptm_bytes_put(&w->json, "\"", 1);
    while (*s) {
        size_t n = utf8_length(s);
        if (*s == '"' || *s == '\\')
            print(w, "\\%c", *s);
        else if ((uint8_t)*s < 0x20)
            print(w, "\\u%04x", (unsigned)(uint8_t)*s);
        else
            ptm_bytes_put(&w->json, n ? s : "?", n ? n : 1);
        s += n ? n : 1;
    }
    ptm_bytes_put(&w->json, "\"", 1);
}

static void print_member(struct writer *w, const char *name, const char *value)
{
    if (!value)
        return;
    print(w, "\"%s\": ", name);
    print_string(w, value);
    print(w, ", ");
}

static void print_dims(struct writer *w, const char *name, int rank, const int64_t *dim)
{
    print(w, ", \"%s\": [", name);
    for (int i = 0; i < rank; i++)
        print(w, "%s%" PRId64, i ? ", " : "", dim[i]);
    print(w, "]");
}

static void print_tensors(struct writer *w)
{
    const struct ptm_encoded *e = &w->e;
    print(w, "\"storages\": [");
    for (size_t i = 0; i < e->n_storages; i++) {
        const struct stored *s = &w->stored[i];
        print(w, "%s\n  {\"offset\": %" PRIu64 ", \"bytes\": %zu", i ? "," : "", s->offset,
              e->storage[i]->bytes);
        if (s->packed)
            print(w, ", \"zstd\": %" PRIu64, s->n);
        print(w, "}");
    }
    print(w, "],\n \"tensors\": [");
    for (size_t i = 0; i < e->n_tensors; i++) {
        const struct ptm_tensor *t = e->tensor[i];
        print(w, "%s\n  {", i ? "," : "");
        print_member(w, "name", e->tensor_name[i]);
        print(w, "\"dtype\": \"%s\"", ptm_dtype_name((enum ptm_dtype)t->dtype));
        print_dims(w, "shape", t->rank, t->dim);
        print_dims(w, "stride", t->rank, t->stride);
        print(w, ", \"offset\": %" PRId64, t->offset);
        if (e->tensor_storage[i] != PTM_NO_REG)
            print(w, ", \"storage\": %" PRIu32, e->tensor_storage[i]);
        print(w, "}");
    }
    print(w, "]");
}

static void print_header(struct writer *w)
{
    const struct ptm_provenance *from = w->o->provenance;
    const struct ptm_program *p = w->e.p;
    print(w, "{");
    print_member(w, "ptm_version", PTM_VERSION);
    print_member(w, "producer", p->producer);
    print(w, "\"operator_version\": %" PRId64 ",\n ", p->op_version);
    if (from) {
        print(w, "\"provenance\": {");
        print_member(w, "source", from->source);
        print_member(w, "source_sha256", from->source_sha256);
        print_member(w, "command", from->command);
        print(w, "\"source_bytes\": %" PRIu64 "},\n ", from->source_bytes);
    }
    if (w->o->recipe) {
        print(w, "\"recipe\": [");
        for (uint32_t i = 0; i < w->o->recipe->n_passes; i++) {
            print(w, "%s", i ? ", " : "");
            print_string(w, w->o->recipe->pass[i]);
        }
        print(w, "],\n ");
    }
    print(w, "\"program\": [%" PRIu64 ", %zu], \"text\": [%" PRIu64 ", %zu],\n ", w->program_at,
          w->e.program.n, w->text_at, w->e.text.n);
    print_tensors(w);
    print(w, "}\n");
}

/* -- storages -- */

static void progress(struct writer *w, uint64_t bytes)
{
    w->done += bytes;
    if (w->o->progress)
        w->o->progress(w->o->ud, w->done, w->all);
}

/* A frame, or nothing where it would save less than 2 %: mapping is better. */
static enum ptm_status pack(struct writer *w, ZSTD_CCtx *z, const struct ptm_storage *s,
                            struct stored *out)
{
    size_t room = ZSTD_compressBound(s->bytes);
    uint8_t *packed = ptm_malloc(room);
    if (!packed)
        return ptm_fail(w->err, PTM_ERR_MEMORY, "no memory to compress %zu bytes", s->bytes);
    size_t n = ZSTD_compress2(z, packed, room, s->data, s->bytes);
    if (ZSTD_isError(n)) {
        ptm_free(packed);
        return ptm_fail(w->err, PTM_ERR_MEMORY, "zstd: %s", ZSTD_getErrorName(n));
    }
    if (n > s->bytes - s->bytes / 50) {
        ptm_free(packed);
        return PTM_OK;
    }
    uint8_t *exact = ptm_realloc(packed, n, n);
    if (!exact) {
        ptm_free(packed);
        return ptm_fail(w->err, PTM_ERR_MEMORY, "no memory to compress %zu bytes", s->bytes);
    }
    out->packed = exact;
    out->data = exact;
    out->n = n;
    return PTM_OK;
}

static enum ptm_status compress_all(struct writer *w)
{
    ZSTD_CCtx *z = ZSTD_createCCtx();
    enum ptm_status st = PTM_OK;
    if (!z || ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, ZSTD_LEVEL)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1)))
        st = ptm_fail(w->err, PTM_ERR_MEMORY, "no memory for zstd");
    for (size_t i = 0; i < w->e.n_storages && !st; i++) {
        if (w->e.storage[i]->bytes >= MIN_COMPRESSED)
            st = pack(w, z, w->e.storage[i], &w->stored[i]);
        progress(w, w->e.storage[i]->bytes);
    }
    ZSTD_freeCCtx(z);
    return st;
}

static enum ptm_status place_all(struct writer *w)
{
    w->stored = ptm_arena_array(&w->e.arena, w->e.n_storages + 1, sizeof *w->stored);
    if (!w->stored)
        return ptm_fail(w->err, PTM_ERR_MEMORY, "no memory to write the program");
    for (size_t i = 0; i < w->e.n_storages; i++) {
        const struct ptm_storage *s = w->e.storage[i];
        w->stored[i].data = s->data;
        w->stored[i].n = s->bytes;
        w->all += s->bytes;
    }
    if (w->o->compress)
        w->all *= 2;
    if (w->o->compress)
        PTM_TRY(compress_all(w));
    w->text_at = align(w->program_at + w->e.program.n);
    uint64_t at = w->text_at + w->e.text.n;
    for (size_t i = 0; i < w->e.n_storages; i++) {
        w->stored[i].offset = align(at);
        at = w->stored[i].offset + w->stored[i].n;
    }
    w->data_end = align(at + PTM_FILE_SLACK);
    return PTM_OK;
}

/* -- the file -- */

static enum ptm_status write_bytes(struct writer *w, const void *p, uint64_t n)
{
    w->at += n;
    return ptm_sink_write(w->sink, p, (size_t)n, w->err);
}

static enum ptm_status fill_to(struct writer *w, uint64_t at)
{
    static const uint8_t zeros[2 * PTM_FILE_ALIGN];
    return write_bytes(w, zeros, at - w->at);
}

static void put_le(uint8_t *at, uint64_t v, int n)
{
    for (int i = 0; i < n; i++)
        at[i] = (uint8_t)(v >> 8 * i);
}

static uint32_t sum(uint32_t crc, const struct ptm_bytes *b)
{
    return b->n ? (uint32_t)crc32_z(crc, b->p, b->n) : crc;
}

static enum ptm_status write_all(struct writer *w)
{
    uint8_t fixed[PTM_FILE_FIXED] = {0};
    PTM_TRY(place_all(w));
    print_header(w);
    if (w->json.failed)
        return ptm_fail(w->err, PTM_ERR_MEMORY, "no memory to write the program");
    if (w->json.n > PTM_FILE_MAX_HEADER)
        return ptm_fail(w->err, PTM_ERR_LIMIT, "a header of %zu bytes, %u are possible", w->json.n,
                        (unsigned)PTM_FILE_MAX_HEADER);
    uint64_t base = align(PTM_FILE_FIXED + w->json.n);
    memcpy(fixed, PTM_FILE_MAGIC, 8);
    put_le(fixed + 8, PTM_FILE_VERSION, 4);
    put_le(fixed + 12, w->json.n, 4);
    put_le(fixed + 16, base + w->data_end, 8);
    put_le(fixed + 24, sum(sum(sum(0, &w->json), &w->e.program), &w->e.text), 4);
    PTM_TRY(write_bytes(w, fixed, sizeof fixed));
    PTM_TRY(write_bytes(w, w->json.p, w->json.n));
    PTM_TRY(fill_to(w, base + w->program_at));
    PTM_TRY(write_bytes(w, w->e.program.p, w->e.program.n));
    PTM_TRY(fill_to(w, base + w->text_at));
    PTM_TRY(write_bytes(w, w->e.text.p, w->e.text.n));
    for (size_t i = 0; i < w->e.n_storages; i++) {
        PTM_TRY(fill_to(w, base + w->stored[i].offset));
        PTM_TRY(write_bytes(w, w->stored[i].data, w->stored[i].n));
        progress(w, w->e.storage[i]->bytes);
    }
    return fill_to(w, base + w->data_end);
}

enum ptm_status ptm_save(const struct ptm_program *p, const char *path,
                         const struct ptm_save_options *options, struct ptm_err *err)
{
    static const struct ptm_save_options defaults;
    struct writer w = {.o = options ? options : &defaults, .err = err};
    PTM_TRY(ptm_sink_open(&w.sink, path, err)); /* what cannot be written is said at once */
    enum ptm_status st = ptm_encode(&w.e, p, w.o->strip_debug, err);
    if (!st)
        st = write_all(&w);
    if (st)
        ptm_sink_drop(w.sink);
    else
        st = ptm_sink_commit(w.sink, err);
    for (size_t i = 0; w.stored && i < w.e.n_storages; i++)
        ptm_free(w.stored[i].packed);
    ptm_free(w.json.p);
    ptm_encoded_release(&w.e);
    return st;
}
