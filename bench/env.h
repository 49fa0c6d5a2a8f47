/* SPDX-License-Identifier: BSD-2-Clause */
/* What a machine is and what disturbs it: CPU, frequency, load, container. Nothing here fails: what
 * cannot be read is 0, -1 or "". */
#ifndef PTM_BENCH_ENV_H
#define PTM_BENCH_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libcore/compiler.h"

struct cJSON;

struct bench_cache {
    char type[16]; /* "Data", "Instruction", "Unified" */
    int level, num_sharing;
    int64_t bytes;
};
enum { BENCH_MAX_CACHES = 8 };
struct bench_env {
    char host[128], system[256], machine[64]; /* "Linux 6.1.0", "x86_64" */
    char cpu[128];
    int n_cpus;      /* of the machine */
    int n_allowed;   /* that this process may use */
    double mhz;      /* of CPU 0 when it was read; 0: not known */
    double max_mhz;
    char governor[32]; /* of CPU 0 */
    int aslr;          /* 0 off, 1 or 2 on, -1: not known */
    double load[3];    /* load average, -1: not known */
    int64_t memory_bytes;
    struct bench_cache cache[BENCH_MAX_CACHES];
    int n_caches;
    double max_celsius; /* the hottest thermal zone; NaN: none */
    char container[32]; /* "docker", "podman", "lxc", "kubernetes" */
    bool virtual_machine;
    double cpu_quota; /* CPUs that the control group allows; 0: any */
};
/* `root`: "" or, for tests, a folder that holds proc/ and sys/. */
void bench_env_read(struct bench_env *e, const char *root);

/* Reasons why times of this machine are to be taken with care, one line each. Returns how many. */
enum { BENCH_MAX_WARNINGS = 12 };
struct bench_warnings {
    char text[BENCH_MAX_WARNINGS][160];
    size_t n;
};
void bench_warn(struct bench_warnings *w, const char *fmt, ...)
    PTM_PRINTF(2, 3);
void bench_env_warnings(const struct bench_env *e, struct bench_warnings *w);

/* The members of google-benchmark's "context", and beside them "environment" with the rest. */
void bench_env_json(const struct bench_env *e, struct cJSON *context);

/* Time that all CPUs were busy since the machine started, in ns (in steps of 10 ms); -1: not known. */
int64_t bench_busy_ns(const char *root);
/* MHz of a CPU now; 0: not known. */
double bench_mhz(const char *root, int cpu);
/* What the system says was this process's largest resident memory (VmHWM); 0: not known. */
int64_t bench_resident_peak(void);

/* "2026-11-21T07:10:08+00:00" */
void bench_date(char *buf, size_t size);
/* "gcc 12.2.0", "clang 14.0.6" */
const char *bench_compiler(void);

#endif
