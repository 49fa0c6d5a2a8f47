/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TorchScript archives: what torch.jit.save writes, and the code/ of .ptl files.
 *
 * A zip whose members lie in one folder:
 *   data.pkl               the module, an object of a class in code/, and all it holds
 *   data/0, data/1, ...    storages of its tensors, aligned; used where they lie
 *   constants.pkl          a tuple of what code/ calls CONSTANTS.c0, ...; constants/0, ...
 *   code/__torch__/a/b.py  classes and functions named __torch__.a.b.*
 *   code/....py.debug_pkl  where the user's source has them
 *   version, .data/version operator version, as text
 *   byteorder              "little", "big"; missing in older files
 */
#include "formats/formats.h"
#include "formats/ts.h"
#include "libcore/model.h"

#include <stdio.h>
#include <string.h>

enum { MAX_CODE_BYTES = 256 << 20 };

static bool has_suffix(const char *s, const char *suffix)
{
    size_t n = strlen(s), k = strlen(suffix);
    return n >= k && !strcmp(s + n - k, suffix);
}

/* "code/__torch__/a.py" to "__torch__.a" */
static char *module_prefix(struct ts_load *ld, const char *name)
{
    char *s = ptm_arena_str(&ld->scratch, name + 5, strlen(name) - 5 - 3);
    for (char *c = s; c && *c; c++)
        if (*c == '/')
            *c = '.';
    return s;
}

static enum ptm_status add_file(struct ts_load *ld, const struct ptm_zip_member *m,
                                const char *name)
{
    struct ts_file *f = &ld->file[ld->n_files++];
    char debug[1024];
    const uint8_t *text;
    int n = snprintf(debug, sizeof debug, "%s.debug_pkl", name);
    if (n > 0 && (size_t)n < sizeof debug)
        f->debug = ptm_zip_member(&ld->zip, debug);
    f->name = ptm_arena_str(ld->arena, name, strlen(name));
    f->prefix = module_prefix(ld, name);
    TS_NEED(ld, f->name && f->prefix);
    PTM_TRY(ptm_zip_read(&ld->scratch, m, 0, true, &text, &f->n, ld->err));
    f->text = (const char *)text;
    return PTM_OK;
}

static enum ptm_status find_files(struct ts_load *ld)
{
    const struct ptm_zip *z = &ld->zip;
    uint64_t bytes = 0;
    ld->file = ptm_arena_array(&ld->scratch, z->n_members, sizeof *ld->file);
    TS_NEED(ld, ld->file);
    for (size_t i = 0; i < z->n_members; i++) {
        const char *name = ptm_zip_relative(z, &z->member[i]);
        if (!name || strncmp(name, "code/", 5) || !has_suffix(name, ".py"))
            continue;
        bytes += z->member[i].bytes;
        if (bytes > MAX_CODE_BYTES)
            return ptm_fail(ld->err, PTM_ERR_LIMIT, "more than %d bytes of code",
                            (int)MAX_CODE_BYTES);
        PTM_TRY(add_file(ld, &z->member[i], name));
    }
    if (!ld->n_files)
        return ptm_fail(ld->err, PTM_ERR_FORMAT, "the archive has no code/: not a scripted module");
    return PTM_OK;
}

/* A small member as text without its newline; "" when there is none. */
static enum ptm_status read_text(struct ts_load *ld, const char *name, char *out, size_t n_out)
{
    const struct ptm_zip_member *m = ptm_zip_member(&ld->zip, name);
    const uint8_t *bytes;
    size_t n;
    *out = '\0';
    if (!m)
        return PTM_OK;
    PTM_TRY(ptm_zip_read(&ld->scratch, m, 4096, true, &bytes, &n, ld->err));
    while (n && (bytes[n - 1] == '\n' || bytes[n - 1] == '\r' || bytes[n - 1] == ' '))
        n--;
    if (n >= n_out)
        return ptm_fail(ld->err, PTM_ERR_FORMAT, "'%s' has %zu bytes", name, n);
    memcpy(out, bytes, n);
    out[n] = '\0';
    return PTM_OK;
}

static enum ptm_status read_version(struct ts_load *ld)
{
    char text[24], producer[64];
    const char *name = ptm_zip_member(&ld->zip, ".data/version") ? ".data/version" : "version";
    PTM_TRY(read_text(ld, name, text, sizeof text));
    int64_t v = 0;
    for (const char *c = text; *c; c++) {
        if (*c < '0' || *c > '9' || v > 1000000)
            return ptm_fail(ld->err, PTM_ERR_FORMAT, "'%s' holds '%s', not a number", name, text);
        v = v * 10 + (*c - '0');
    }
    ld->p->op_version = v;
    snprintf(producer, sizeof producer, "TorchScript archive, version %lld", (long long)v);
    ld->p->producer = ptm_arena_str(ld->arena, producer, strlen(producer));
    TS_NEED(ld, ld->p->producer);
    return PTM_OK;
}

static enum ptm_status check_byteorder(struct ts_load *ld)
{
    char text[24];
    PTM_TRY(read_text(ld, "byteorder", text, sizeof text));
    if (*text && strcmp(text, "little"))
        return ptm_fail(ld->err, PTM_ERR_UNSUPPORTED,
                        "the archive's byte order is '%s', 'little' is supported", text);
    return PTM_OK;
}

/* Tables that grew in scratch, at their size into the program's arena. */
static enum ptm_status keep(struct ts_load *ld, void *array, size_t n, size_t size)
{
    void *p;
    memcpy(&p, array, sizeof p);
    p = ptm_arena_copy(ld->arena, p, n * size);
    TS_NEED(ld, p);
    memcpy(array, &p, sizeof p);
    return PTM_OK;
}

static enum ptm_status keep_tables(struct ts_load *ld)
{
    struct ptm_program *p = ld->p;
    PTM_TRY(keep(ld, &p->fn, p->n_fns, sizeof *p->fn));
    PTM_TRY(keep(ld, &p->type, p->n_types, sizeof *p->type));
    PTM_TRY(keep(ld, &p->constant, p->n_constants, sizeof *p->constant));
    PTM_TRY(keep(ld, &p->name, p->n_names, sizeof *p->name));
    PTM_TRY(keep(ld, &p->op, p->n_ops, sizeof *p->op));
    PTM_TRY(keep(ld, &p->pos, p->n_pos, sizeof *p->pos));
    return keep(ld, &p->object, p->n_objects, sizeof *p->object);
}

static enum ptm_status read_all(struct ts_load *ld, const uint8_t *bytes, size_t n)
{
    struct ptm_program *p = ld->p;
    PTM_TRY(ptm_zip_open(&ld->zip, &ld->scratch, bytes, n, ld->err));
    PTM_TRY(find_files(ld));
    PTM_TRY(check_byteorder(ld));
    PTM_TRY(read_version(ld));
    PTM_TRY(ts_grow(ld, &ld->scratch, &p->pos, &ld->cap_pos, 0, sizeof *p->pos));
    p->n_pos = 1;
    PTM_TRY(ts_declare(ld));
    PTM_TRY(ts_read_constants(ld));
    for (uint32_t i = 0; i < p->n_fns; i++)
        PTM_TRY(ts_function(ld, i));
    PTM_TRY(ts_read_data(ld));
    return keep_tables(ld);
}

static enum ptm_status load_any(struct ptm_model *m, const uint8_t *bytes, size_t n, bool bare,
                                struct ptm_err *err)
{
    struct ptm_err own = {0}; /* err may be NULL */
    struct ts_load *ld = ptm_malloc(sizeof *ld);
    if (!ld)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the program");
    ld->bare = bare;
    ld->p = &m->program;
    ld->arena = &m->program.arena;
    ld->err = err ? err : &own;
    ld->text_budget = (size_t)256 << 20;
    enum ptm_status status = read_all(ld, bytes, n);
    ptm_arena_release(&ld->scratch);
    ptm_free(ld);
    return status;
}

static enum ptm_status load(struct ptm_model *m, const uint8_t *bytes, size_t n,
                            struct ptm_err *err)
{
    return load_any(m, bytes, n, false, err);
}

enum ptm_status ptm_torchscript_load_bare(struct ptm_model *m, const uint8_t *bytes, size_t n,
                                          struct ptm_err *err)
{
    return load_any(m, bytes, n, true, err);
}

const struct ptm_format ptm_format_torchscript = {.name = "torchscript", .load = load};
