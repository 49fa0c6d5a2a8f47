/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The weights of zoo models, from integers and single roundings: the same bits on every machine.
 *
 * The archive's weights.txt has a line "mean std name" per tensor. Element i of a tensor is
 * mean + std * z, z about normal: the sum of the four 16-bit parts of splitmix64's output number i,
 * whose state begins as a hash of the name plus the seed. bench/zoo/weights.py does the same.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/tensors.h"
#include "bench/zoo.h"
#include "formats/zip.h"
#include "libcore/model.h"

/* FNV-1a */
static uint64_t hash(const char *s, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (uint8_t)s[i]) * 0x100000001b3u;
    return h;
}

static void fill(float *p, int64_t n, double mean, double std, uint64_t state)
{
    struct bench_random r = {state};
    /* the deviation of a sum of four parts: 65536 / sqrt(3) */
    const float add = (float)mean, times = (float)(std / 37837.0);
    for (int64_t i = 0; i < n; i++) {
        uint64_t x = bench_random_next(&r);
        int32_t z = (int32_t)((x & 0xffff) + (x >> 16 & 0xffff) + (x >> 32 & 0xffff) + (x >> 48));
        p[i] = add + times * (float)(z - 2 * 65535);
    }
}

/* "features.0.weight" from the root module down; NULL: no such tensor of floats. */
static struct ptm_tensor *find(const struct ptm_program *p, const char *name, size_t len)
{
    const struct ptm_object *o = p->root;
    char part[64];
    for (;;) {
        const char *dot = memchr(name, '.', len);
        size_t n = dot ? (size_t)(dot - name) : len;
        if (n >= sizeof(part))
            return NULL;
        memcpy(part, name, n);
        part[n] = '\0';
        uint32_t at = ptm_class_attr(o->cls, part);
        if (at == UINT32_MAX)
            return NULL;
        struct ptm_ival v = o->attr[at];
        if (!dot)
            return v.tag == PTM_TENSOR && v.u.tensor->dtype == PTM_F32 &&
                           ptm_tensor_contiguous(v.u.tensor)
                       ? v.u.tensor
                       : NULL;
        if (v.tag != PTM_OBJECT)
            return NULL;
        o = v.u.object;
        name += n + 1;
        len -= n + 1;
    }
}

/* `text` ends with NUL. */
static enum ptm_status fill_all(const struct ptm_program *p, const char *text, uint64_t seed,
                                struct ptm_err *err)
{
    while (*text) {
        char *end;
        double mean = strtod(text, &end), std = strtod(end, &end);
        const char *name = end + (*end == ' ');
        size_t len = strcspn(name, "\n");
        struct ptm_tensor *t = find(p, name, len);
        if (!t)
            return ptm_fail(err, PTM_ERR_FORMAT, "weights.txt: no tensor '%.*s' of floats",
                            (int)len, name);
        fill(ptm_tensor_data(t), ptm_tensor_numel(t), mean, std, hash(name, len) + seed);
        text = name + len + (name[len] == '\n');
    }
    return PTM_OK;
}

enum ptm_status zoo_fill(struct ptm_model *m, uint64_t seed, struct ptm_err *err)
{
    struct ptm_arena arena = {0};
    struct ptm_zip z;
    const uint8_t *bytes;
    size_t n;
    enum ptm_status rc = ptm_zip_open(&z, &arena, m->bytes, m->n_bytes, err);
    const struct ptm_zip_member *text = rc ? NULL : ptm_zip_member(&z, "weights.txt");
    if (!rc && !text)
        rc = ptm_fail(err, PTM_ERR_FORMAT, "the archive has no weights.txt");
    if (!rc)
        rc = ptm_zip_read(&arena, text, 0, true, &bytes, &n, err);
    if (!rc) {
        const char *copy = ptm_arena_str(&arena, (const char *)bytes, n);
        rc = copy ? fill_all(&m->program, copy, seed, err)
                  : ptm_fail(err, PTM_ERR_MEMORY, "no memory for the weights");
    }
    ptm_arena_release(&arena);
    return rc;
}
