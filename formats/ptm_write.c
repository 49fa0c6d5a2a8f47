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
#include "formats/ptm_packed.h"
#include "libcore/saved.h"
#include "libcore/sink.h"

enum {
    ZSTD_LEVEL = 9,
    MIN_COMPRESSED = 256, /* what is smaller stays raw */
    ENTRIES_COMPRESSED = 16 << 10, /* the entries section is compressed in any case from here on */
};
enum { PROGRAM, TEXT, ENTRIES, STORAGES };

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
    struct stored *stored; /* PROGRAM, TEXT, ENTRIES, STORAGES..., packed weights */
    size_t n_stored, n_packs;
    uint64_t data_end, at;
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
        const struct stored *s = &w->stored[STORAGES + i];
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

static void print_packed(struct writer *w)
{
    const struct ptm_pack *pack = NULL;
    size_t first = w->n_stored - w->n_packs;
    print(w, ",\n \"packed\": [");
    for (size_t i = first; i < w->n_stored; i++) {
        pack = ptm_packs_next(w->o->packs, pack);
        print(w, "%s\n  ", i > first ? "," : "");
        ptm_packed_print(&w->json, pack, w->stored[i].offset);
    }
    print(w, "]");
}

static void print_section(struct writer *w, const char *name, const struct stored *s, size_t n)
{
    print(w, "\"%s\": [%" PRIu64 ", %zu", name, s->offset, n);
    if (s->packed)
        print(w, ", %" PRIu64, s->n);
    print(w, "], ");
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
        for (size_t i = 0; i < w->o->recipe->n; i++) {
            print(w, "%s", i ? ", " : "");
            print_string(w, w->o->recipe->name[i]);
        }
        print(w, "],\n ");
    }
    if (p->closed)
        print(w, "\"closed\": 1, ");
    print_section(w, "program", &w->stored[PROGRAM], w->e.program.n);
    print_section(w, "text", &w->stored[TEXT], w->e.text.n);
    if (w->e.entries.n)
        print_section(w, "entries", &w->stored[ENTRIES], w->e.entries.n);
    print(w, "\n ");
    print_tensors(w);
    if (w->n_packs)
        print_packed(w);
    print(w, "}\n");
}

/* -- storages -- */

static void progress(struct writer *w, uint64_t bytes)
{
    w->done += bytes;
    if (w->o->progress)
        w->o->progress(w->o->ud, w->done < w->all ? w->done : w->all, w->all);
}

/* A frame, or nothing where it would save less than 2 %: mapping is better. */
static enum ptm_status pack(struct writer *w, ZSTD_CCtx *z, struct stored *x)
{
    size_t room = ZSTD_compressBound((size_t)x->n);
    uint8_t *packed = ptm_malloc(room);
    if (!packed)
        return ptm_fail(w->err, PTM_ERR_MEMORY, "no memory to compress %llu bytes",
                        (unsigned long long)x->n);
    size_t n = ZSTD_compress2(z, packed, room, x->data, (size_t)x->n);
    if (ZSTD_isError(n)) {
        ptm_free(packed);
        return ptm_fail(w->err, PTM_ERR_MEMORY, "zstd: %s", ZSTD_getErrorName(n));
    }
    if (n > x->n - x->n / 50) {
        ptm_free(packed);
        return PTM_OK;
    }
    uint8_t *exact = ptm_realloc(packed, n, n);
    if (!exact) {
        ptm_free(packed);
        return ptm_fail(w->err, PTM_ERR_MEMORY, "no memory to compress %llu bytes",
                        (unsigned long long)x->n);
    }
    x->packed = exact;
    x->data = exact;
    x->n = n;
    return PTM_OK;
}

static enum ptm_status compress_some(struct writer *w, size_t first, size_t end)
{
    ZSTD_CCtx *z = ZSTD_createCCtx();
    enum ptm_status st = PTM_OK;
    if (!z || ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, ZSTD_LEVEL)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1)))
        st = ptm_fail(w->err, PTM_ERR_MEMORY, "no memory for zstd");
    for (size_t i = first; i < end && !st; i++) {
        uint64_t bytes = w->stored[i].n;
        if (bytes >= MIN_COMPRESSED)
            st = pack(w, z, &w->stored[i]);
        progress(w, bytes);
    }
    ZSTD_freeCCtx(z);
    return st;
}

/* The sections, then the storages, then packed weights, one behind the other. */
static enum ptm_status place_all(struct writer *w)
{
    const struct ptm_packs *packs = w->o->packs;
    const struct ptm_pack *pack = NULL;
    while (packs && (pack = ptm_packs_next(packs, pack)) && w->n_packs < PTM_FILE_MAX_PACKS)
        w->n_packs++;
    w->n_stored = STORAGES + w->e.n_storages + w->n_packs;
    w->stored = ptm_arena_array(&w->e.arena, w->n_stored, sizeof *w->stored);
    if (!w->stored)
        return ptm_fail(w->err, PTM_ERR_MEMORY, "no memory to write the program");
    w->stored[PROGRAM] = (struct stored){.data = w->e.program.p, .n = w->e.program.n};
    w->stored[TEXT] = (struct stored){.data = w->e.text.p, .n = w->e.text.n};
    w->stored[ENTRIES] = (struct stored){.data = w->e.entries.p, .n = w->e.entries.n};
    for (size_t i = 0; i < w->e.n_storages; i++)
        w->stored[STORAGES + i] =
            (struct stored){.data = w->e.storage[i]->data, .n = w->e.storage[i]->bytes};
    pack = NULL;
    for (size_t i = w->n_stored - w->n_packs; i < w->n_stored; i++) {
        pack = ptm_packs_next(packs, pack);
        w->stored[i] = (struct stored){.data = pack->data, .n = pack->bytes};
    }
    for (size_t i = 0; i < w->n_stored; i++)
        w->all += w->o->compress ? 2 * w->stored[i].n : w->stored[i].n;
    if (w->o->compress)
        PTM_TRY(compress_some(w, 0, w->n_stored - w->n_packs));
    else if (w->e.entries.n >= ENTRIES_COMPRESSED)
        PTM_TRY(compress_some(w, ENTRIES, ENTRIES + 1)); /* tables, which shrink a lot */
    uint64_t at = 0;
    for (size_t i = 0; i < w->n_stored; i++) {
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

static uint32_t sum(uint32_t crc, const uint8_t *p, uint64_t n)
{
    return n ? (uint32_t)crc32_z(crc, p, (size_t)n) : crc;
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
    uint32_t crc = 0;
    for (int i = PROGRAM; i <= ENTRIES; i++)
        crc = sum(crc, w->stored[i].data, w->stored[i].n);
    put_le(fixed + 24, sum(0, w->json.p, w->json.n), 4);
    put_le(fixed + 28, crc, 4);
    PTM_TRY(write_bytes(w, fixed, sizeof fixed));
    PTM_TRY(write_bytes(w, w->json.p, w->json.n));
    for (size_t i = 0; i < w->n_stored; i++) {
        PTM_TRY(fill_to(w, base + w->stored[i].offset));
        PTM_TRY(write_bytes(w, w->stored[i].data, w->stored[i].n));
        progress(w, w->stored[i].n);
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
    if (w.o->did)
        *w.o->did = (struct ptm_save_result){
            .entries = w.e.n_entries,
            .left_out = p->saved ? p->saved->n_entries - w.e.n_entries : 0,
            .entry_bytes = w.e.entry_bytes};
    if (st)
        ptm_sink_drop(w.sink);
    else
        st = ptm_sink_commit(w.sink, err);
    for (size_t i = 0; w.stored && i < w.n_stored; i++)
        ptm_free(w.stored[i].packed);
    ptm_free(w.json.p);
    ptm_encoded_release(&w.e);
    return st;
}
