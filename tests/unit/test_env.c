/* SPDX-License-Identifier: BSD-2-Clause */
/* What is read from /proc and /sys, against small trees of such files; and from nothing at all. */
#include "tests/unit/test.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "bench/env.h"

static char dir[] = "/tmp/ptm-env-XXXXXX";

static void put(const char *path, const char *text)
{
    char line[512];
    snprintf(line, sizeof(line), "mkdir -p $(dirname %s/%s)", dir, path);
    CHECK_INT(system(line), 0);
    snprintf(line, sizeof(line), "%s/%s", dir, path);
    FILE *f = fopen(line, "w");
    CHECK(f && fputs(text, f) >= 0);
    if (f)
        fclose(f);
}

static bool warned(const struct bench_warnings *w, const char *part)
{
    for (size_t i = 0; i < w->n; i++)
        if (strstr(w->text[i], part))
            return true;
    return false;
}

static void test_server(void)
{
    struct bench_env e;
    struct bench_warnings w = {0};
    put("proc/cpuinfo", "processor\t: 0\nmodel name\t: A CPU @ 3 GHz\ncpu MHz\t\t: 2596.096\n"
                        "flags\t\t: fpu vme hypervisor avx2\n\nprocessor\t: 1\n");
    put("proc/loadavg", "1.25 0.59 1.08 2/103 9019\n");
    put("proc/stat", "cpu  100 20 30 5000 7 1 2 0 0 0\ncpu0 1 2 3\n");
    put("proc/meminfo", "MemTotal:       16384000 kB\nMemFree: 1 kB\n");
    put("proc/self/status", "Name:\tx\nCpus_allowed:\t3\nCpus_allowed_list:\t0-1,5\n");
    put("proc/sys/kernel/randomize_va_space", "2\n");
    put("proc/1/cgroup", "12:cpu:/docker/0123\n");
    put("sys/devices/system/cpu/online", "0-7\n");
    put("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
    put("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "1200000\n");
    put("sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "3000000\n");
    put("sys/devices/system/cpu/cpu0/cache/index0/type", "Data\n");
    put("sys/devices/system/cpu/cpu0/cache/index0/level", "1\n");
    put("sys/devices/system/cpu/cpu0/cache/index0/size", "48K\n");
    put("sys/devices/system/cpu/cpu0/cache/index0/shared_cpu_list", "0,4\n");
    put("sys/class/thermal/thermal_zone0/temp", "41000\n");
    put("sys/class/thermal/thermal_zone1/temp", "91500\n");
    put("sys/fs/cgroup/cpu.max", "150000 100000\n");
    bench_env_read(&e, dir);
    CHECK_STR(e.cpu, "A CPU @ 3 GHz");
    CHECK_INT(e.n_cpus, 8);
    CHECK_INT(e.n_allowed, 3);
    CHECK(e.mhz == 1200 && e.max_mhz == 3000 && e.aslr == 2);
    CHECK(e.load[0] == 1.25 && e.load[2] == 1.08);
    CHECK_INT(e.memory_bytes, INT64_C(16384000) * 1024);
    CHECK(e.n_caches == 1 && e.cache[0].bytes == 48 * 1024 && e.cache[0].num_sharing == 2);
    CHECK(e.max_celsius == 91.5 && e.virtual_machine && e.cpu_quota == 1.5);
    CHECK_STR(e.container, "docker");
    CHECK_INT(bench_busy_ns(dir), 153 * (INT64_C(1000000000) / sysconf(_SC_CLK_TCK)));
    bench_env_warnings(&e, &w);
    CHECK(warned(&w, "'powersave'") && warned(&w, "1200 of 3000 MHz"));
    CHECK(warned(&w, "load average 1.25 on 8 CPUs") && warned(&w, "3 of 8 CPUs"));
    CHECK(warned(&w, "allows 1.5 CPUs") && warned(&w, "(docker) of a virtual machine"));
    CHECK(warned(&w, "92 degrees"));
}

static void test_phone(void)
{
    struct bench_env e;
    put("proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0b\n");
    put("proc/loadavg", "garbage\n");
    put("proc/stat", "intr 1\n");
    put("proc/1/cgroup", "0::/\n");
    put("proc/self/status", "");
    put("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "");
    put("sys/devices/system/cpu/cpu0/cache/index0/size", "99999999999999999999G\n");
    put("sys/devices/system/cpu/online", "0-99999999,x\n");
    put("sys/fs/cgroup/cpu.max", "max 100000\n");
    bench_env_read(&e, dir);
    CHECK_STR(e.cpu, "Arm implementer 0x41 part 0xd0b");
    CHECK(e.load[0] == -1 && e.mhz == 0 && e.cpu_quota == 0 && e.cache[0].bytes == 0);
    CHECK(e.n_cpus >= 1 && e.n_allowed == e.n_cpus);
    CHECK_STR(e.container, "");
    CHECK_INT(bench_busy_ns(dir), -1);
}

static void test_nothing(void)
{
    struct bench_env e;
    struct bench_warnings w = {0};
    bench_env_read(&e, "/nonexistent");
    CHECK(e.cpu[0] == 0 && e.n_caches == 0 && e.aslr == -1 && isnan(e.max_celsius));
    bench_env_warnings(&e, &w);
    cJSON *o = cJSON_CreateObject();
    bench_env_json(&e, o);
    CHECK(cJSON_IsNull(cJSON_GetObjectItem(o, "mhz_per_cpu")));
    CHECK(cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetObjectItem(o, "environment"), "cpu")));
    char *text = cJSON_PrintUnformatted(o);
    CHECK(text && !strstr(text, "nan"));
    cJSON_free(text);
    cJSON_Delete(o);
    for (int i = 0; i < 2 * BENCH_MAX_WARNINGS; i++)
        bench_warn(&w, "%d", i);
    CHECK_INT(w.n, BENCH_MAX_WARNINGS);
}

int main(void)
{
    CHECK(mkdtemp(dir) != NULL);
    test_server();
    test_phone();
    test_nothing();
    char date[40], line[100];
    bench_date(date, sizeof(date));
    CHECK_INT(strlen(date), 25);
    CHECK(bench_resident_peak() > 0);
    snprintf(line, sizeof(line), "rm -r %s", dir);
    CHECK_INT(system(line), 0);
    TEST_END;
}
