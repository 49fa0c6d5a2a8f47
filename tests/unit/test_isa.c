/* SPDX-License-Identifier: BSD-2-Clause */
/* Instruction sets that kernels/cpu.c finds: what the system says, or the emulator's processor. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu.h"
#include "tests/unit/test.h"

/* The words of the first line of /proc/cpuinfo that begins with key, between blanks. */
static void words_of(const char *key, char *buf, size_t size)
{
    FILE *f = fopen("/proc/cpuinfo", "r");
    buf[0] = 0;
    while (f && fgets(buf, (int)size, f) && strncmp(buf, key, strlen(key)))
        buf[0] = 0;
    if (f)
        fclose(f);
    buf[strcspn(buf, "\n")] = ' ';
}

int main(void)
{
    static const struct {
        uint32_t flag;
        const char *word; /* of the system */
    } sets[] = {
#if defined(__x86_64__)
        {PTM_CPU_AVX2, " avx2 "},
        {PTM_CPU_AVX512, " avx512vl "},
        {PTM_CPU_AVX512VNNI, " avx512_vnni "},
        {PTM_CPU_AVXVNNI, " avx_vnni "},
        {PTM_CPU_AMXINT8, " amx_int8 "},
#elif defined(__aarch64__)
        {PTM_CPU_NEON, " asimd "},
        {PTM_CPU_FP16, " asimdhp "},
        {PTM_CPU_DOTPROD, " asimddp "},
        {PTM_CPU_I8MM, " i8mm "},
#endif
        {0, NULL},
    };
    char words[8192];
    uint32_t have = ptm_cpu_flags();
    words_of("flags", words, sizeof(words));
#if defined(__aarch64__)
    const char *emulator = getenv("PTM_LAUNCHER"); /* it shows the /proc/cpuinfo of its own machine */
    if (!emulator)
        words_of("Features", words, sizeof(words));
    else if (strstr(emulator, "cortex-a53"))
        strcpy(words, " asimd ");
    else if (strstr(emulator, "cortex-a76"))
        strcpy(words, " asimd asimdhp asimddp ");
    else
        strcpy(words, " asimd asimdhp asimddp i8mm ");
#endif
    for (size_t i = 0; sets[i].word && words[0]; i++) {
        CHECK_INT((have & sets[i].flag) != 0, strstr(words, sets[i].word) != NULL);
        ptm_cpu_mask(~sets[i].flag);
        CHECK_INT((int)ptm_cpu_flags(), (int)(have & ~sets[i].flag));
        ptm_cpu_mask(UINT32_MAX);
    }
    CHECK((have & PTM_CPU_C) != 0);
    ptm_cpu_mask(0);
    CHECK_INT((int)ptm_cpu_flags(), PTM_CPU_C);
    ptm_cpu_mask(UINT32_MAX);
    for (int i = 0; i < PTM_N_CPU; i++) {
        CHECK(strcmp(ptm_cpu_name((enum ptm_cpu)(1u << i)), "?") != 0);
        for (int j = 0; j < i; j++)
            CHECK(strcmp(ptm_cpu_name((enum ptm_cpu)(1u << i)),
                         ptm_cpu_name((enum ptm_cpu)(1u << j))) != 0);
    }
    TEST_END;
}
