/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening a model: map the file, find its format, let it build the program, verify. */
#include "libcore/model.h"

#include <string.h>

#include "libcore/map.h"

static enum ptm_status load(struct ptm_model *m, ptm_format_finder *find, struct ptm_err *err)
{
    m->packs = ptm_packs_new();
    if (!m->packs)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory to open '%s'", m->path);
    PTM_TRY(find(m->bytes, m->n_bytes, m->path, &m->format, err));
    PTM_TRY(m->format->load(m, m->bytes, m->n_bytes, err));
    if (m->program.arena.failed)
        return ptm_fail(err, PTM_ERR_MEMORY, "'%s': no memory for the program", m->path);
    return ptm_program_verify(&m->program, err);
}

static enum ptm_status load_guarded(struct ptm_model *m, ptm_format_finder *find,
                                    struct ptm_err *err)
{
    struct ptm_map_guard guard;
    if (PTM_MAP_GUARD(&guard))
        return ptm_map_shrank(err);
    enum ptm_status st = load(m, find, err);
    ptm_map_guard_end(&guard);
    return st;
}

static enum ptm_status finish(struct ptm_model **out, struct ptm_model *m, enum ptm_status st)
{
    if (st)
        ptm_model_close(m);
    else
        *out = m;
    return st;
}

enum ptm_status ptm_model_open(struct ptm_model **out, const char *path, ptm_format_finder *find,
                               struct ptm_err *err)
{
    size_t len = strlen(path) + 1;
    struct ptm_model *m = ptm_malloc(sizeof(*m) + len);
    if (!m)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory to open '%s'", path);
    char *copy = (char *)(m + 1);
    memcpy(copy, path, len);
    m->path = copy;
    struct ptm_err map_err = {0};
    enum ptm_status st = ptm_map_open(&m->map, path, &m->bytes, &m->n_bytes, &map_err);
    if (st == PTM_ERR_KIND) /* a folder: some formats are; the finder knows them by name */
        st = find(NULL, 0, path, &m->format, err);
    if (st)
        ptm_fail(err, map_err.code, "%s", map_err.msg);
    return finish(out, m, st ? st : load_guarded(m, find, err));
}

enum ptm_status ptm_model_open_bytes(struct ptm_model **out, const uint8_t *bytes, size_t n,
                                     ptm_format_finder *find, struct ptm_err *err)
{
    struct ptm_model *m = ptm_malloc(sizeof(*m));
    if (!m)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory to open a model");
    m->path = "";
    m->bytes = bytes;
    m->n_bytes = n;
    return finish(out, m, load(m, find, err));
}

void ptm_model_close(struct ptm_model *m)
{
    if (!m)
        return;
    ptm_packs_free(m->packs);
    ptm_arena_release(&m->program.arena);
    ptm_map_close(m->map);
    ptm_free(m);
}
