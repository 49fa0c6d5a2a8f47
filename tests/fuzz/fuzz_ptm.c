/* SPDX-License-Identifier: BSD-2-Clause */
/* .ptm files, as they are and with their sums put right, so that what lies behind these is reached.
 * What loads is a program: it is dumped, copied into a session and called; where the file offers
 * packed weights, on the cpu backend as well. Its entries run, on arguments made for them. */
#include <stdlib.h>
#include <string.h>

#include "formats/formats.h"
#include "kernels/cpu.h"
#include "libcore/session.h"
#include "tests/fuzz/ptm_mend.h"
#include "tests/fuzz/run_entries.h"
#include "tests/fuzz/run_model.h"

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
    struct ptm_config config = {.max_steps = 500, .max_work = RUN_WORK};
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
    ptm_memory_limit(RUN_MEMORY);
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
        run_entries(m, "ref");
        run_entries(m, "cpu");
    }
    ptm_model_close(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct mend place;
    void *aligned; /* as a mapping is: packs are used in place */
    load(data, n);
    if (!mend_find(data, n, &place) || posix_memalign(&aligned, PTM_FILE_ALIGN, n))
        return 0;
    memcpy(aligned, data, n);
    mend_file(aligned, n, &place);
    load(aligned, n);
    free(aligned);
    return 0;
}
