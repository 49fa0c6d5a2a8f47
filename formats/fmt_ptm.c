/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The native format, .ptm; formats/ptm_layout.h tells it byte by byte. This file reads what frames
 * the program: the fixed bytes, the JSON header, storages and tensors. Raw storages are used where
 * they lie in the file.
 */
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "formats/formats.h"
#include "formats/json.h"
#include "formats/ptm_decode.h"
#include "formats/ptm_layout.h"
#include "formats/ptm_packed.h"
#include "libcore/model.h"
#include "libcore/passes.h"

enum {
    MAX_RECIPE = 1000,
    MAY_MAKE = 1 << 20,  /* bytes of derived constants, beside 16 x the storages' */
};

struct section {
    uint64_t offset, stored; /* in the file */
    const uint8_t *bytes;    /* there, or unpacked */
    uint64_t n;
    bool given, zstd;
};

struct reader {
    struct ptm_model *m;
    struct ptm_arena *arena, scratch;
    struct ptm_err *err;
    const uint8_t *bytes;
    size_t n;
    const char *json;
    size_t n_json;
    const uint8_t *data; /* where offsets count from */
    size_t n_data;
    struct section program, text, entries;
    uint32_t program_sum;
    uint64_t last_end;   /* of the data before: nothing overlaps */
    uint64_t unpacked, may_unpack;
    struct ptm_storage **storage;
    size_t n_storages, cap_storages;
    struct ptm_tensor **tensor;
    size_t n_tensors, cap_tensors;
    ZSTD_DCtx *zstd;
};

static enum ptm_status no_memory(struct reader *r)
{
    return ptm_fail(r->err, PTM_ERR_MEMORY, "no memory for the program");
}

/* -- the fixed bytes -- */

static enum ptm_status check_sum(struct reader *r, const char *what, uint32_t got, uint32_t want)
{
    if (got == want)
        return PTM_OK;
    return ptm_fail(r->err, PTM_ERR_FORMAT,
                    "the .ptm file is damaged: its %s has the sum %08x, written was %08x", what,
                    (unsigned)got, (unsigned)want);
}

static enum ptm_status read_fixed(struct reader *r)
{
    struct ptm_reader fixed;
    ptm_reader_init(&fixed, r->bytes, r->n);
    if (!ptm_read_bytes(&fixed, 8) || memcmp(r->bytes, PTM_FILE_MAGIC, 8))
        return ptm_fail(r->err, PTM_ERR_FORMAT, "not a .ptm file");
    uint32_t version = ptm_read_u32(&fixed), header = ptm_read_u32(&fixed);
    uint64_t bytes = ptm_read_u64(&fixed);
    uint32_t header_sum = ptm_read_u32(&fixed);
    r->program_sum = ptm_read_u32(&fixed);
    if (fixed.failed)
        return ptm_fail(r->err, PTM_ERR_FORMAT, "the .ptm file has %zu bytes, its head has %d",
                        r->n, PTM_FILE_FIXED);
    if (version != PTM_FILE_VERSION)
        return ptm_fail(r->err, PTM_ERR_UNSUPPORTED,
                        "a .ptm file of version %u, this build reads version %d", (unsigned)version,
                        PTM_FILE_VERSION);
    if (bytes != r->n)
        return ptm_fail(r->err, PTM_ERR_FORMAT,
                        "the .ptm file has %zu bytes, written were %llu: %s", r->n,
                        (unsigned long long)bytes, bytes > r->n ? "it was cut" : "it grew");
    if (header > PTM_FILE_MAX_HEADER)
        return ptm_fail(r->err, PTM_ERR_LIMIT, "a header of %u bytes, %u are possible",
                        (unsigned)header, (unsigned)PTM_FILE_MAX_HEADER);
    size_t base = ((size_t)PTM_FILE_FIXED + header + PTM_FILE_ALIGN - 1) / PTM_FILE_ALIGN *
                  PTM_FILE_ALIGN;
    if (base > r->n)
        return ptm_fail(r->err, PTM_ERR_FORMAT, "a header of %u bytes in a file of %zu",
                        (unsigned)header, r->n);
    r->json = (const char *)r->bytes + PTM_FILE_FIXED;
    r->n_json = header;
    PTM_TRY(check_sum(r, "header",
                      (uint32_t)crc32_z(0, r->bytes + PTM_FILE_FIXED, header), header_sum));
    r->data = r->bytes + base;
    r->n_data = r->n - base;
    r->may_unpack = PTM_FILE_MAX_UNPACKED + (uint64_t)r->n * 1000;
    return PTM_OK;
}

/* -- the JSON header -- */

static enum ptm_status json_error(struct reader *r, const struct ptm_json *j)
{
    if (r->scratch.failed || r->arena->failed)
        return no_memory(r);
    return ptm_fail(r->err, PTM_ERR_FORMAT, ".ptm header, byte %zu: %s", PTM_FILE_FIXED + j->at,
                    j->wrong);
}

static const char *text(struct reader *r, struct ptm_json *j)
{
    return ptm_json_str(j, r->arena, 1 << 16);
}

/* [offset, bytes], [offset, bytes, bytes packed]; sections and storages lie in the order in which
 * they are named. */
static void read_section(struct reader *r, struct ptm_json *j, struct section *s)
{
    uint64_t v[4] = {0};
    int n = 0;
    ptm_json_array(j);
    while (n < 4 && ptm_json_item(j)) {
        v[n] = (uint64_t)ptm_json_int(j, 0, n == 1 ? PTRDIFF_MAX : (int64_t)r->n_data);
        n++;
    }
    uint64_t stored = n == 3 ? v[2] : v[1];
    if (n != 2 && n != 3)
        ptm_json_fail(j, "an offset and a number of bytes are expected");
    else if (v[0] % PTM_FILE_ALIGN || v[0] < r->last_end || stored > r->n_data - v[0])
        ptm_json_fail(j, "a section out of place");
    else
        r->last_end = v[0] + stored;
    *s = (struct section){
        .offset = v[0], .stored = stored, .n = v[1], .given = true, .zstd = n == 3};
}

static void read_provenance(struct reader *r, struct ptm_json *j)
{
    static const char *const names[] = {"source", "source_bytes", "source_sha256", "command"};
    struct ptm_provenance *p = &r->m->provenance;
    uint32_t seen = 0;
    ptm_json_object(j);
    for (int f; (f = ptm_json_field(j, names, PTM_LEN(names), &seen)) >= 0;) {
        if (f == 0)
            p->source = text(r, j);
        else if (f == 1)
            p->source_bytes = (uint64_t)ptm_json_int(j, 0, INT64_MAX);
        else if (f == 2)
            p->source_sha256 = text(r, j);
        else
            p->command = text(r, j);
    }
}

/* A file whose passes this build lacks would run unoptimised: better to say so. */
static enum ptm_status read_recipe(struct reader *r, struct ptm_json *j)
{
    struct ptm_recipe *recipe = ptm_arena_alloc(r->arena, sizeof *recipe);
    const char **name = ptm_arena_array(r->arena, MAX_RECIPE, sizeof *name);
    if (!recipe || !name)
        return no_memory(r);
    recipe->name = name;
    ptm_json_array(j);
    while (ptm_json_item(j)) {
        const char *word = ptm_json_str(j, &r->scratch, 100);
        const char *pass = word ? ptm_pass_name(word) : NULL;
        if (recipe->n == MAX_RECIPE)
            ptm_json_fail(j, "too many passes");
        if (j->wrong)
            return json_error(r, j);
        if (!pass)
            return ptm_fail(r->err, PTM_ERR_UNSUPPORTED,
                            "the file was optimised by a pass '%s', which this build lacks: "
                            "optimise the model again",
                            word);
        name[recipe->n++] = pass;
    }
    r->m->recipe = recipe;
    return PTM_OK;
}

/* -- storages -- */

/* A zstd frame of exactly n bytes, into `arena`. */
static enum ptm_status unpack(struct reader *r, const char *what, size_t number,
                              struct ptm_arena *arena, const uint8_t *packed, size_t n_packed,
                              size_t n, uint8_t **out)
{
    if (ZSTD_getFrameContentSize(packed, n_packed) != n)
        return ptm_fail(r->err, PTM_ERR_FORMAT,
                        "%s %zu: not a zstd frame of the %zu bytes that the header tells", what,
                        number, n);
    if (n > r->may_unpack - r->unpacked)
        return ptm_fail(r->err, PTM_ERR_LIMIT,
                        "%s %zu: unpacking %zu bytes more than the %llu possible", what, number, n,
                        (unsigned long long)r->may_unpack);
    r->unpacked += n;
    *out = ptm_arena_alloc(arena, n);
    if (!r->zstd)
        r->zstd = ZSTD_createDCtx();
    if (!*out || !r->zstd)
        return no_memory(r);
    size_t got = ZSTD_decompressDCtx(r->zstd, *out, n, packed, n_packed);
    if (ZSTD_isError(got) || got != n)
        return ptm_fail(r->err, PTM_ERR_FORMAT, "%s %zu: zstd: %s", what, number,
                        ZSTD_isError(got) ? ZSTD_getErrorName(got) : "too short");
    return PTM_OK;
}

static enum ptm_status place_storage(struct reader *r, uint64_t offset, uint64_t bytes,
                                     uint64_t packed, bool zstd)
{
    struct ptm_storage *s = ptm_arena_alloc(r->arena, sizeof *s);
    void *all = r->storage;
    if (!s || !ptm_arena_grow(&r->scratch, &all, &r->cap_storages, r->n_storages + 1,
                              sizeof *r->storage))
        return no_memory(r);
    r->storage = all;
    const uint8_t *data = r->data + offset;
    *s = (struct ptm_storage){.bytes = (size_t)bytes, .read_only = true};
    if (zstd) {
        PTM_TRY(unpack(r, "storage", r->n_storages, r->arena, data, (size_t)packed, s->bytes,
                       &s->data));
    } else {
        if ((uintptr_t)data % 16 && bytes) { /* memory that is not aligned as a mapping is */
            data = ptm_arena_copy(r->arena, data, (size_t)bytes);
            if (!data)
                return no_memory(r);
        }
        memcpy(&s->data, &data, sizeof data); /* read_only keeps the promise the cast breaks */
    }
    r->storage[r->n_storages++] = s;
    return PTM_OK;
}

static enum ptm_status read_storages(struct reader *r, struct ptm_json *j)
{
    static const char *const names[] = {"offset", "bytes", "zstd"};
    ptm_json_array(j);
    while (ptm_json_item(j)) {
        uint64_t v[3] = {0};
        uint32_t seen = 0;
        ptm_json_object(j);
        for (int f; (f = ptm_json_field(j, names, PTM_LEN(names), &seen)) >= 0;)
            v[f] = (uint64_t)ptm_json_int(j, 0, f == 1 ? PTRDIFF_MAX : (int64_t)r->n_data);
        bool zstd = seen & 4;
        uint64_t n = zstd ? v[2] : v[1];
        if ((seen & 3) != 3)
            ptm_json_fail(j, "a storage without offset or bytes");
        else if (v[0] % PTM_FILE_ALIGN || v[0] < r->last_end || n > r->n_data - v[0])
            ptm_json_fail(j, "a storage out of place");
        if (j->wrong)
            return json_error(r, j);
        r->last_end = v[0] + n;
        PTM_TRY(place_storage(r, v[0], v[1], v[2], zstd));
    }
    return PTM_OK;
}

/* -- tensors -- */

static int read_dims(struct ptm_json *j, int64_t *dim)
{
    int rank = 0;
    ptm_json_array(j);
    while (ptm_json_item(j)) {
        if (rank == PTM_MAX_RANK) {
            ptm_json_fail(j, "too many dims");
            return 0;
        }
        dim[rank++] = ptm_json_int(j, 0, PTRDIFF_MAX / 16);
    }
    return rank;
}

static void read_dtype(struct reader *r, struct ptm_json *j, struct ptm_tensor *t)
{
    const char *name = ptm_json_str(j, &r->scratch, 16);
    for (int d = 0; name && d <= PTM_BF16; d++) {
        const char *known = ptm_dtype_name((enum ptm_dtype)d);
        if (known && !strcmp(known, name)) {
            t->dtype = (uint8_t)d;
            return;
        }
    }
    ptm_json_fail(j, "no such dtype");
}

/* What the tensor's elements reach lies in its storage. */
static const char *check_tensor(const struct ptm_tensor *t)
{
    int64_t count = 1, last = t->offset;
    int64_t have = (int64_t)(t->storage->bytes / ptm_dtype_bytes((enum ptm_dtype)t->dtype));
    for (int i = 0; i < t->rank; i++)
        if (!t->dim[i])
            return last > have ? "a tensor beyond its storage" : NULL;
    for (int i = 0; i < t->rank; i++) {
        if (count > PTRDIFF_MAX / 16 / t->dim[i])
            return "a tensor of too many elements";
        count *= t->dim[i];
        if (t->dim[i] > 1 && t->stride[i] > (INT64_MAX - last) / (t->dim[i] - 1))
            return "a tensor whose strides overflow";
        last += t->stride[i] * (t->dim[i] - 1);
    }
    return last >= have ? "a tensor beyond its storage" : NULL;
}

static enum ptm_status add_tensor(struct reader *r, const struct ptm_tensor *t)
{
    void *all = r->tensor;
    struct ptm_tensor *copy = ptm_arena_copy(r->arena, t, sizeof *t);
    if (!copy ||
        !ptm_arena_grow(&r->scratch, &all, &r->cap_tensors, r->n_tensors + 1, sizeof *r->tensor))
        return no_memory(r);
    r->tensor = all;
    r->tensor[r->n_tensors++] = copy;
    return PTM_OK;
}

static enum ptm_status read_tensor(struct reader *r, struct ptm_json *j,
                                   struct ptm_storage *nothing)
{
    static const char *const names[] = {"dtype", "shape", "stride", "offset", "storage"};
    struct ptm_tensor t = {.storage = nothing};
    uint32_t seen = 0;
    int rank[2] = {0, 0};
    ptm_json_object(j);
    for (int f; (f = ptm_json_field(j, names, PTM_LEN(names), &seen)) >= 0;) {
        if (f == 0)
            read_dtype(r, j, &t);
        else if (f == 1 || f == 2)
            rank[f - 1] = read_dims(j, f == 1 ? t.dim : t.stride);
        else if (f == 3)
            t.offset = ptm_json_int(j, 0, PTRDIFF_MAX / 16);
        else if (!r->n_storages)
            ptm_json_fail(j, "a tensor before the storages");
        else
            t.storage = r->storage[ptm_json_int(j, 0, (int64_t)r->n_storages - 1)];
    }
    t.rank = (uint8_t)rank[0];
    if ((seen & 15) != 15)
        ptm_json_fail(j, "a tensor without dtype, shape, stride or offset");
    else if (rank[0] != rank[1])
        ptm_json_fail(j, "a tensor with more dims than strides, or fewer");
    const char *wrong = j->wrong ? NULL : check_tensor(&t);
    if (wrong)
        ptm_json_fail(j, wrong);
    return j->wrong ? json_error(r, j) : add_tensor(r, &t);
}

static enum ptm_status read_tensors(struct reader *r, struct ptm_json *j)
{
    struct ptm_storage *nothing = ptm_arena_alloc(r->arena, sizeof *nothing);
    if (!nothing)
        return no_memory(r);
    nothing->read_only = true;
    ptm_json_array(j);
    while (ptm_json_item(j))
        PTM_TRY(read_tensor(r, j, nothing));
    return PTM_OK;
}

/* -- the whole -- */

static enum ptm_status read_header(struct reader *r)
{
    static const char *const names[] = {"ptm_version", "producer", "operator_version",
                                        "provenance",  "recipe",   "closed",
                                        "program",     "text",     "entries",
                                        "storages",    "tensors",  "packed"};
    enum { VERSION, PRODUCER, OP_VERSION, PROVENANCE, RECIPE, CLOSED, PROGRAM, TEXT, ENTRIES,
           STORAGES, TENSORS };
    struct ptm_json j;
    uint32_t seen = 0;
    ptm_json_init(&j, r->json, r->n_json);
    ptm_json_object(&j);
    for (int f; (f = ptm_json_field(&j, names, PTM_LEN(names), &seen)) >= 0;) {
        if (f == VERSION)
            r->m->provenance.ptm_version = text(r, &j);
        else if (f == PRODUCER)
            r->m->program.producer = text(r, &j);
        else if (f == OP_VERSION)
            r->m->program.op_version = ptm_json_int(&j, 0, 1000000);
        else if (f == PROVENANCE)
            read_provenance(r, &j);
        else if (f == RECIPE)
            PTM_TRY(read_recipe(r, &j));
        else if (f == CLOSED)
            r->m->program.closed = ptm_json_int(&j, 0, 1);
        else if (f == PROGRAM || f == TEXT || f == ENTRIES)
            read_section(r, &j,
                         f == PROGRAM ? &r->program : f == TEXT ? &r->text : &r->entries);
        else if (f == STORAGES)
            PTM_TRY(read_storages(r, &j));
        else if (f == TENSORS)
            PTM_TRY(read_tensors(r, &j));
        else
            PTM_TRY(ptm_packed_read(&j, r->arena, r->m->packs, r->data, r->n_data, &r->last_end,
                                    r->err));
    }
    if (!ptm_json_end(&j))
        return json_error(r, &j);
    if (!r->program.given || !r->text.given)
        return ptm_fail(r->err, PTM_ERR_FORMAT, ".ptm header: no place for the %s section",
                        r->program.given ? "text" : "program");
    return PTM_OK;
}

/* Compared before the sections are unpacked and used. */
static enum ptm_status check_program(struct reader *r)
{
    uint32_t sum = (uint32_t)crc32_z(0, r->data + r->program.offset, (size_t)r->program.stored);
    sum = (uint32_t)crc32_z(sum, r->data + r->text.offset, (size_t)r->text.stored);
    sum = (uint32_t)crc32_z(sum, r->data + r->entries.offset, (size_t)r->entries.stored);
    return check_sum(r, "program", sum, r->program_sum);
}

static enum ptm_status find_section(struct reader *r, size_t number, struct section *s)
{
    const uint8_t *stored = r->data + s->offset;
    uint8_t *unpacked;
    s->bytes = stored;
    if (!s->zstd)
        return PTM_OK;
    PTM_TRY(unpack(r, "section", number, &r->scratch, stored, (size_t)s->stored, (size_t)s->n,
                   &unpacked));
    s->bytes = unpacked;
    return PTM_OK;
}

static enum ptm_status read_all(struct reader *r)
{
    PTM_TRY(read_fixed(r));
    PTM_TRY(read_header(r));
    PTM_TRY(check_program(r));
    PTM_TRY(find_section(r, 0, &r->program));
    PTM_TRY(find_section(r, 1, &r->text));
    PTM_TRY(find_section(r, 2, &r->entries));
    if (r->n_tensors > UINT32_MAX - 1)
        return ptm_fail(r->err, PTM_ERR_LIMIT, "%zu tensors are too many", r->n_tensors);
    struct ptm_decoder d = {.p = &r->m->program,
                            .arena = r->arena,
                            .err = r->err,
                            .text = r->text.bytes,
                            .n_text = (size_t)r->text.n,
                            .tensor = r->tensor,
                            .n_tensors = (uint32_t)r->n_tensors};
    ptm_reader_init(&d.r, r->program.bytes, (size_t)r->program.n);
    PTM_TRY(ptm_decode(&d));
    if (!r->entries.given)
        return r->m->program.closed ? ptm_fail(r->err, PTM_ERR_FORMAT,
                                               ".ptm header: a closed file without entries")
                                    : PTM_OK;
    d.may_make = MAY_MAKE;
    for (size_t i = 0; i < r->n_storages; i++)
        d.may_make += 16 * (uint64_t)r->storage[i]->bytes;
    ptm_reader_init(&d.r, r->entries.bytes, (size_t)r->entries.n);
    return ptm_decode_entries(&d, r->m->recipe);
}

static enum ptm_status load(struct ptm_model *m, const uint8_t *bytes, size_t n,
                            struct ptm_err *err)
{
    struct reader r = {.m = m, .arena = &m->program.arena, .err = err, .bytes = bytes, .n = n};
    enum ptm_status st = read_all(&r);
    ZSTD_freeDCtx(r.zstd);
    ptm_arena_release(&r.scratch);
    return st;
}

const struct ptm_format ptm_format_ptm = {.name = "ptm", .load = load};
