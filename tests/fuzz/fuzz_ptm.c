/* SPDX-License-Identifier: BSD-2-Clause */
/* .ptm files, as they are and with their sums put right, so that what lies behind these is reached.
 * What loads is a program: it is dumped, copied into a session and called; where the file offers
 * packed weights, on the cpu backend as well. Its entries run, on arguments made for them. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "formats/formats.h"
#include "formats/json.h"
#include "formats/ptm_layout.h"
#include "kernels/cpu.h"
#include "libcore/session.h"
#include "tests/fuzz/run_model.h"
#include "tests/fuzz/run_entries.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static enum ptm_status find_ptm(const uint8_t *bytes, size_t n, const char *path,
                                const struct ptm_format **out, struct ptm_err *err)
{
    (void)bytes, (void)n, (void)path, (void)err;
    *out = &ptm_format_ptm;
    return PTM_OK;
}

static void call(const struct ptm_model *m)
{
    struct ptm_config config = {.max_steps = 500};
    struct ptm_session *s = NULL;
    struct ptm_err err = {0};
    struct ptm_ival out;
    if (!ptm_session_open(&s, m, &config, &err) &&
        ptm_session_run(s, "forward", NULL, 0, &out, &err) && !err.msg[0])
        abort();
    ptm_session_close(s);
}

/* In plain C, whose packs the corpus holds. */
static void call_packed(const struct ptm_model *m)
{
    struct ptm_config config = {.max_steps = 500, .max_work = RUN_WORK, .backend = "cpu"};
    const struct ptm_program *p = &m->program;
    struct ptm_packs_stats packs;
    struct ptm_session *s = NULL;
    struct ptm_err err = {0};
    uint32_t fn = ptm_class_method(p, p->root->cls, "forward");
    ptm_packs_stats(m->packs, &packs);
    if (!packs.offered || fn == UINT32_MAX)
        return;
    ptm_cpu_mask(PTM_CPU_C);
    if (!ptm_session_open(&s, m, &config, &err))
        run_method(s, p, &p->fn[fn], NULL, 0);
    ptm_session_close(s);
}

static void load(const uint8_t *data, size_t n)
{
    struct ptm_err err = {0};
    struct ptm_model *m = NULL;
    enum ptm_status st = ptm_model_open_bytes(&m, data, n, find_ptm, &err);
    if (st ? !err.msg[0] || m : !m || ptm_program_verify(&m->program, &err))
        abort();
    FILE *f = m ? fopen("/dev/null", "w") : NULL;
    if (f) {
        ptm_program_dump(&m->program, f);
        fclose(f);
    }
    if (m) {
        call(m);
        call_packed(m);
        ptm_memory_limit(RUN_MEMORY);
        run_entries(m, "ref");
        run_entries(m, "cpu");
        ptm_memory_limit(0);
    }
    ptm_model_close(m);
}

/* Places of the program, text and entries sections, as the header tells them. */
static bool find_sections(const uint8_t *data, size_t n, size_t base, size_t header,
                          uint64_t place[6])
{
    static const char *const names[] = {"program", "text", "entries"};
    struct ptm_json j;
    uint32_t seen = 0;
    ptm_json_init(&j, data + PTM_FILE_FIXED, header);
    ptm_json_object(&j);
    for (int f; (f = ptm_json_field(&j, names, 3, &seen)) >= 0;) {
        ptm_json_array(&j);
        for (int i = 0; ptm_json_item(&j); i++) {
            int64_t v = ptm_json_int(&j, 0, (int64_t)(n - base));
            if (i < 3) /* the third is of a zstd frame, in place of the second */
                place[2 * f + (i > 0)] = (uint64_t)v;
        }
    }
    return ptm_json_end(&j) && (seen & 3) == 3 && place[1] <= n - base - place[0] &&
           place[3] <= n - base - place[2] && place[5] <= n - base - place[4];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint64_t place[6] = {0};
    load(data, n);
    if (n < PTM_FILE_FIXED)
        return 0;
    size_t header = (size_t)data[12] | (size_t)data[13] << 8 | (size_t)data[14] << 16;
    size_t base = (PTM_FILE_FIXED + header + PTM_FILE_ALIGN - 1) / PTM_FILE_ALIGN * PTM_FILE_ALIGN;
    if (base > n)
        return 0;
    if (!find_sections(data, n, base, header, place))
        memset(place, 0, sizeof place);
    void *aligned; /* as a mapping is: packs are used in place */
    if (posix_memalign(&aligned, PTM_FILE_ALIGN, n))
        return 0;
    uint8_t *mended = aligned;
    memcpy(mended, data, n);
    uint32_t of_header = (uint32_t)crc32_z(0, data + PTM_FILE_FIXED, header);
    uint32_t sum = (uint32_t)crc32_z(0, data + base + place[0], (size_t)place[1]);
    sum = (uint32_t)crc32_z(sum, data + base + place[2], (size_t)place[3]);
    sum = (uint32_t)crc32_z(sum, data + base + place[4], (size_t)place[5]);
    for (int i = 0; i < 4; i++) {
        mended[24 + i] = (uint8_t)(of_header >> 8 * i);
        mended[28 + i] = (uint8_t)(sum >> 8 * i);
        mended[8 + i] = i ? 0 : PTM_FILE_VERSION;
    }
    for (int i = 0; i < 8; i++)
        mended[16 + i] = (uint8_t)((uint64_t)n >> 8 * i);
    memcpy(mended, PTM_FILE_MAGIC, 8);
    load(mended, n);
    free(mended);
    return 0;
}
