/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of the zoo, and opening its models.
 *
 * To add one: its definition and a row of ZOO in bench/zoo/models.py, `make zoo-archives`, a row
 * here, its lines in tests/e2e/zoo.csv.
 */
#include "bench/zoo.h"

#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "formats/formats.h"
#include "libcore/model.h"

#define IMAGE "1,3,224,224"
const struct zoo_model zoo_models[] = {
    {"mobilenet_v1", IMAGE, 4231976, 568740352, NULL, "Howard et al. 2017"},
    {"mobilenet_v2", IMAGE, 3504872, 300774272, "mobilenet_v2", "Sandler et al. 2018"},
    {"mobilenet_v3_small", IMAGE, 2542856, 56510400, "mobilenet_v3_small", "Howard et al. 2019"},
    {"mobilenet_v3_large", IMAGE, 5483032, 216589760, "mobilenet_v3_large", "Howard et al. 2019"},
    {"resnet18", IMAGE, 11689512, 1814073344, "resnet18", "He et al. 2015"},
    {"resnet50", IMAGE, 25557032, 4089184256, "resnet50", "He et al. 2015"},
    {"squeezenet1_1", IMAGE, 1235496, 349151936, "squeezenet1_1", "Iandola et al. 2016"},
    {"shufflenet_v2", IMAGE, 2278604, 144907992, "shufflenet_v2_x1_0", "Ma et al. 2018"},
    {"efficientnet_b0", IMAGE, 5288548, 385814752, "efficientnet_b0", "Tan and Le 2019"},
    {"vit_tiny", IMAGE, 5717416, 1253683200, "VisionTransformer", "Touvron et al. 2020 (DeiT-Ti)"},
    {"lstm_small", "1,50,64", 235552, 11673600, NULL, "two layers of 128, frames of 64"},
    {0},
};

static const char prefix[] = "zoo:";

bool zoo_is_name(const char *word)
{
    return !strncmp(word, prefix, sizeof(prefix) - 1);
}

const struct zoo_model *zoo_find(const char *word)
{
    const char *name = word + (zoo_is_name(word) ? sizeof(prefix) - 1 : 0);
    size_t len = strcspn(name, ":");
    for (const struct zoo_model *z = zoo_models; z->name; z++)
        if (strlen(z->name) == len && !memcmp(z->name, name, len))
            return z;
    return NULL;
}

const struct zoo_model *zoo_of(const struct ptm_model *m)
{
    const char *from = m->provenance.source ? m->provenance.source : m->path;
    return zoo_is_name(from) ? zoo_find(from) : NULL;
}

/* The model's bytes become those of the unpacked archive. */
static enum ptm_status load(struct ptm_model *m, const uint8_t *bytes, size_t n,
                            struct ptm_err *err)
{
    unsigned long long size = ZSTD_getFrameContentSize(bytes, n);
    if (size > (16 << 20)) /* or one of zstd's error numbers */
        return ptm_fail(err, PTM_ERR_FORMAT, "an archive of the zoo is damaged");
    uint8_t *zip = ptm_arena_alloc(&m->program.arena, (size_t)size);
    if (!zip)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for %llu bytes of the archive", size);
    if (ZSTD_decompress(zip, (size_t)size, bytes, n) != size)
        return ptm_fail(err, PTM_ERR_FORMAT, "an archive of the zoo is damaged");
    m->bytes = zip;
    m->n_bytes = (size_t)size;
    return ptm_torchscript_load_bare(m, zip, (size_t)size, err);
}

static enum ptm_status find_format(const uint8_t *bytes, size_t n, const char *path,
                                   const struct ptm_format **out, struct ptm_err *err)
{
    static const struct ptm_format format = {.name = "torchscript", .load = load};
    (void)bytes;
    (void)n;
    (void)path;
    (void)err;
    *out = &format;
    return PTM_OK;
}

/* ":SEED" after the name, or nothing. */
static enum ptm_status read_seed(const char *text, uint64_t *seed, struct ptm_err *err)
{
    size_t n = *text ? strspn(text + 1, "0123456789") : 0;
    *seed = n ? strtoull(text + 1, NULL, 10) : 0;
    if (*text && (!n || n > 18 || text[n + 1]))
        return ptm_fail(err, PTM_ERR_ARG,
                        "'%.60s': a seed of at most 18 digits is wanted, as in zoo:mobilenet_v2:7",
                        text);
    return PTM_OK;
}

enum ptm_status zoo_open(struct ptm_model **out, const char *word, struct ptm_err *err)
{
    const char *name = word + sizeof(prefix) - 1;
    const struct zoo_model *row = zoo_find(word);
    const struct zoo_archive *a = zoo_archives;
    uint64_t seed;
    if (!row)
        return ptm_fail(err, PTM_ERR_ARG, "no zoo model '%.60s'", name);
    PTM_TRY(read_seed(name + strlen(row->name), &seed, err));
    while (strcmp(a->name, row->name))
        a++;
    PTM_TRY(ptm_model_open_bytes(out, a->bytes, a->n, find_format, err));
    (*out)->path = ptm_arena_str(&(*out)->program.arena, word, strlen(word));
    enum ptm_status rc = (*out)->path ? zoo_fill(*out, seed, err)
                                      : ptm_fail(err, PTM_ERR_MEMORY, "no memory for the name");
    if (rc) {
        ptm_model_close(*out);
        *out = NULL;
    }
    return rc;
}
