/* SPDX-License-Identifier: BSD-2-Clause */
/* What a machine is and what disturbs it, from /proc and /sys. */
#include "bench/env.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "libcore/ptm.h"

/* -- small files -- */

/* The file's first bytes as text; false: it cannot be read. */
static bool slurp(const char *root, const char *path, char *buf, size_t size)
{
    char full[512];
    int len = snprintf(full, sizeof(full), "%s/%s", root, path);
    FILE *f = len > 0 && len < (int)sizeof(full) ? fopen(full, "r") : NULL;
    buf[0] = 0;
    if (!f)
        return false;
    size_t n = fread(buf, 1, size - 1, f);
    fclose(f);
    buf[n] = 0;
    return true;
}

/* Its first line. */
static bool slurp_line(const char *root, const char *path, char *buf, size_t size)
{
    if (!slurp(root, path, buf, size))
        return false;
    buf[strcspn(buf, "\r\n")] = 0;
    return buf[0] != 0;
}

static double slurp_number(const char *root, const char *path, double otherwise)
{
    char text[64], *end;
    if (!slurp_line(root, path, text, sizeof(text)))
        return otherwise;
    double v = strtod(text, &end);
    return end == text ? otherwise : v;
}

/* The value of "key : value" in the text; NULL: no such line. */
static const char *field(const char *text, const char *key, char *buf, size_t size)
{
    size_t n = strlen(key);
    for (const char *p = text; p && *p; p = strchr(p, '\n'), p += p != NULL) {
        if (strncmp(p, key, n))
            continue;
        const char *v = p + n + strspn(p + n, " \t");
        if (*v != ':')
            continue;
        v += 1 + strspn(v + 1, " \t");
        snprintf(buf, size, "%.*s", (int)strcspn(v, "\n"), v);
        return buf;
    }
    return NULL;
}

/* How many numbers a list like "0-3,8" holds. */
static int count_list(const char *text)
{
    int n = 0;
    while (*text) {
        char *end;
        long first = strtol(text, &end, 10), last = first;
        if (end == text)
            break;
        if (*end == '-')
            last = strtol(end + 1, &end, 10);
        if (last >= first && last - first < 65536)
            n += (int)(last - first) + 1;
        text = end + (*end == ',');
    }
    return n;
}

/* "32K", "1024K", "8M" */
static int64_t size_of(const char *text)
{
    char *end;
    long long v = strtoll(text, &end, 10);
    int shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
    return v < 0 || v > (INT64_MAX >> shift) ? 0 : (int64_t)v << shift;
}

/* -- reading -- */

static void read_cpu(struct bench_env *e, const char *root)
{
    char *info = malloc(1 << 16), value[4096];
    if (!info)
        return;
    if (slurp(root, "proc/cpuinfo", info, 1 << 16)) {
        static const char *const names[] = {"model name", "Hardware", "cpu model", "Model"};
        for (size_t i = 0; i < sizeof(names) / sizeof(*names) && !e->cpu[0]; i++)
            if (field(info, names[i], value, sizeof(value)))
                snprintf(e->cpu, sizeof(e->cpu), "%.127s", value);
        char part[32];
        if (!e->cpu[0] && field(info, "CPU implementer", value, sizeof(value)) &&
            field(info, "CPU part", part, sizeof(part)))
            snprintf(e->cpu, sizeof(e->cpu), "Arm implementer %.16s part %.16s", value, part);
        if (field(info, "cpu MHz", value, sizeof(value)))
            e->mhz = strtod(value, NULL);
        e->virtual_machine = field(info, "flags", value, sizeof(value)) &&
                             strstr(value, " hypervisor") != NULL;
    }
    free(info);
    double khz = slurp_number(root, "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", 0);
    e->max_mhz = khz / 1000;
    double now = bench_mhz(root, 0);
    if (now > 0)
        e->mhz = now;
    slurp_line(root, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", e->governor,
               sizeof(e->governor));
}

static void read_caches(struct bench_env *e, const char *root)
{
    char path[160], text[256];
    for (int i = 0; i < BENCH_MAX_CACHES; i++) {
        struct bench_cache *c = &e->cache[e->n_caches];
        snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu0/cache/index%d/type", i);
        if (!slurp_line(root, path, c->type, sizeof(c->type)))
            break;
        snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu0/cache/index%d/level", i);
        c->level = (int)slurp_number(root, path, 0);
        snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu0/cache/index%d/size", i);
        c->bytes = slurp_line(root, path, text, sizeof(text)) ? size_of(text) : 0;
        snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu0/cache/index%d/shared_cpu_list",
                 i);
        c->num_sharing = slurp_line(root, path, text, sizeof(text)) ? count_list(text) : 0;
        e->n_caches++;
    }
}

static void read_container(struct bench_env *e, const char *root)
{
    static const struct {
        const char *file, *name;
    } marks[] = {{".dockerenv", "docker"}, {"run/.containerenv", "podman"}};
    char text[4096], path[512];
    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks) && !e->container[0]; i++) {
        snprintf(path, sizeof(path), "%s/%s", root, marks[i].file);
        if (access(path, F_OK) == 0)
            snprintf(e->container, sizeof(e->container), "%s", marks[i].name);
    }
    if (!e->container[0] && slurp(root, "proc/1/cgroup", text, sizeof(text)))
        snprintf(e->container, sizeof(e->container), "%s",
                 strstr(text, "kubepods")                      ? "kubernetes"
                 : strstr(text, "docker")                      ? "docker"
                 : strstr(text, "/lxc") || strstr(text, "lxc/") ? "lxc"
                                                               : "");
    long long quota = 0, period = 0;
    if (slurp_line(root, "sys/fs/cgroup/cpu.max", text, sizeof(text)) &&
        sscanf(text, "%lld %lld", &quota, &period) == 2 && quota > 0 && period > 0)
        e->cpu_quota = (double)quota / (double)period;
}

static void read_heat(struct bench_env *e, const char *root)
{
    char path[100];
    e->max_celsius = (double)NAN;
    for (int i = 0; i < 64; i++) {
        snprintf(path, sizeof(path), "sys/class/thermal/thermal_zone%d/temp", i);
        double milli = slurp_number(root, path, (double)NAN);
        if (isnan(milli))
            break;
        if (!(milli / 1000 <= e->max_celsius))
            e->max_celsius = milli / 1000;
    }
}

static void read_system(struct bench_env *e)
{
    struct utsname u;
    if (uname(&u) == 0) {
        snprintf(e->system, sizeof(e->system), "%.100s %.100s", u.sysname, u.release);
        snprintf(e->machine, sizeof(e->machine), "%.63s", u.machine);
        snprintf(e->host, sizeof(e->host), "%.127s", u.nodename);
    }
}

void bench_env_read(struct bench_env *e, const char *root)
{
    char text[4096], value[256];
    *e = (struct bench_env){.load = {-1, -1, -1}};
    read_system(e);
    read_cpu(e, root);
    read_caches(e, root);
    read_container(e, root);
    read_heat(e, root);
    e->n_cpus = slurp_line(root, "sys/devices/system/cpu/online", text, sizeof(text))
                    ? count_list(text)
                    : 0;
    if (e->n_cpus == 0)
        e->n_cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
    e->n_allowed = e->n_cpus;
    if (slurp(root, "proc/self/status", text, sizeof(text)) &&
        field(text, "Cpus_allowed_list", value, sizeof(value)) && count_list(value))
        e->n_allowed = count_list(value);
    e->aslr = (int)slurp_number(root, "proc/sys/kernel/randomize_va_space", -1);
    if (!slurp_line(root, "proc/loadavg", text, sizeof(text)) ||
        sscanf(text, "%lf %lf %lf", &e->load[0], &e->load[1], &e->load[2]) != 3)
        e->load[0] = e->load[1] = e->load[2] = -1;
    if (slurp(root, "proc/meminfo", text, sizeof(text)) &&
        field(text, "MemTotal", value, sizeof(value)))
        e->memory_bytes = strtoll(value, NULL, 10) * 1024;
}

int64_t bench_busy_ns(const char *root)
{
    char text[256];
    unsigned long long user, nice, system, idle, wait, irq, soft;
    long hz = sysconf(_SC_CLK_TCK);
    if (hz <= 0 || !slurp_line(root, "proc/stat", text, sizeof(text)) ||
        sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &wait,
               &irq, &soft) != 7)
        return -1;
    return (int64_t)((double)(user + nice + system + irq + soft) * 1e9 / (double)hz);
}

double bench_mhz(const char *root, int cpu)
{
    char path[100];
    snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%d/cpufreq/scaling_cur_freq", cpu);
    return slurp_number(root, path, 0) / 1000;
}

int64_t bench_resident_peak(void)
{
    char text[4096], value[64];
    return slurp("", "proc/self/status", text, sizeof(text)) &&
                   field(text, "VmHWM", value, sizeof(value))
               ? strtoll(value, NULL, 10) * 1024
               : 0;
}

void bench_date(char *buf, size_t size)
{
    time_t now = time(NULL);
    struct tm tm;
    char zone[8] = "";
    if (!localtime_r(&now, &tm) || !strftime(buf, size, "%Y-%m-%dT%H:%M:%S", &tm))
        buf[0] = 0;
    size_t n = strlen(buf);
    if (strftime(zone, sizeof(zone), "%z", &tm) == 5) /* +hhmm to +hh:mm */
        snprintf(buf + n, size - n, "%.3s:%.2s", zone, zone + 3);
}

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
const char *bench_compiler(void)
{
#if defined(__clang__)
    return "clang " TEXT(__clang_major__) "." TEXT(__clang_minor__) "." TEXT(__clang_patchlevel__);
#elif defined(__GNUC__)
    return "gcc " TEXT(__GNUC__) "." TEXT(__GNUC_MINOR__) "." TEXT(__GNUC_PATCHLEVEL__);
#else
    return "";
#endif
}

/* -- warnings -- */

void bench_warn(struct bench_warnings *w, const char *fmt, ...)
{
    va_list ap;
    if (w->n == BENCH_MAX_WARNINGS)
        return;
    va_start(ap, fmt);
    vsnprintf(w->text[w->n++], sizeof(w->text[0]), fmt, ap);
    va_end(ap);
}

void bench_env_warnings(const struct bench_env *e, struct bench_warnings *w)
{
    if (e->governor[0] && strcmp(e->governor, "performance"))
        bench_warn(w, "the frequency governor is '%s', not 'performance'", e->governor);
    if (e->max_mhz > 0 && e->mhz > 0 && e->mhz < 0.9 * e->max_mhz)
        bench_warn(w, "the clock was at %.0f of %.0f MHz", e->mhz, e->max_mhz);
    if (e->load[0] >= 0.5)
        bench_warn(w, "load average %.2f on %d CPU%s before the start", e->load[0], e->n_cpus,
                   e->n_cpus == 1 ? "" : "s");
    if (e->n_allowed < e->n_cpus)
        bench_warn(w, "this process may use %d of %d CPUs", e->n_allowed, e->n_cpus);
    if (e->cpu_quota > 0 && e->cpu_quota < e->n_allowed)
        bench_warn(w, "the control group allows %.2g CPUs", e->cpu_quota);
    if (e->container[0] || e->virtual_machine)
        bench_warn(w, "inside %s%s%s: what else the machine does cannot be seen",
                   e->container[0] ? "a container (" : "a virtual machine",
                   e->container[0] ? e->container : "",
                   e->container[0] ? e->virtual_machine ? ") of a virtual machine" : ")" : "");
    if (e->max_celsius >= 85)
        bench_warn(w, "a sensor shows %.0f degrees Celsius", e->max_celsius);
#if !defined(__OPTIMIZE__)
    bench_warn(w, "this ptm was built without optimisation");
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    bench_warn(w, "this ptm was built with a sanitizer");
#endif
}

/* -- JSON -- */

static void add_text(cJSON *o, const char *name, const char *text)
{
    if (text[0])
        cJSON_AddStringToObject(o, name, text);
    else
        cJSON_AddNullToObject(o, name);
}

/* null for what is not known */
static void add_number(cJSON *o, const char *name, double v, bool known)
{
    if (known)
        cJSON_AddNumberToObject(o, name, v);
    else
        cJSON_AddNullToObject(o, name);
}

void bench_env_json(const struct bench_env *e, cJSON *context)
{
    char date[40];
    bench_date(date, sizeof(date));
    cJSON_AddStringToObject(context, "date", date);
    cJSON_AddStringToObject(context, "host_name", e->host);
    cJSON_AddNumberToObject(context, "num_cpus", e->n_cpus);
    add_number(context, "mhz_per_cpu", round(e->mhz), e->mhz > 0);
    cJSON_AddBoolToObject(context, "cpu_scaling_enabled",
                          e->governor[0] && strcmp(e->governor, "performance"));
    cJSON_AddBoolToObject(context, "aslr_enabled", e->aslr > 0);
    cJSON *list = cJSON_AddArrayToObject(context, "caches");
    for (int i = 0; i < e->n_caches; i++) {
        cJSON *c = cJSON_CreateObject();
        cJSON_AddStringToObject(c, "type", e->cache[i].type);
        cJSON_AddNumberToObject(c, "level", e->cache[i].level);
        cJSON_AddNumberToObject(c, "size", (double)e->cache[i].bytes);
        cJSON_AddNumberToObject(c, "num_sharing", e->cache[i].num_sharing);
        cJSON_AddItemToArray(list, c);
    }
    list = cJSON_AddArrayToObject(context, "load_avg");
    for (int i = 0; i < 3 && e->load[0] >= 0; i++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber(e->load[i]));
    cJSON *o = cJSON_AddObjectToObject(context, "environment");
    add_text(o, "cpu", e->cpu);
    cJSON_AddStringToObject(o, "system", e->system);
    cJSON_AddStringToObject(o, "machine", e->machine);
    cJSON_AddNumberToObject(o, "cpus_allowed", e->n_allowed);
    add_number(o, "cpu_quota", e->cpu_quota, e->cpu_quota > 0);
    add_number(o, "memory_bytes", (double)e->memory_bytes, e->memory_bytes > 0);
    add_text(o, "governor", e->governor);
    add_number(o, "max_mhz", e->max_mhz, e->max_mhz > 0);
    add_number(o, "max_celsius", e->max_celsius, !isnan(e->max_celsius));
    add_text(o, "container", e->container);
    cJSON_AddBoolToObject(o, "virtual_machine", e->virtual_machine);
    cJSON_AddStringToObject(context, "executable", "ptm");
    cJSON_AddStringToObject(context, "library_version", PTM_VERSION);
#ifdef __OPTIMIZE__
    cJSON_AddStringToObject(context, "library_build_type", "release");
#else
    cJSON_AddStringToObject(context, "library_build_type", "debug");
#endif
    cJSON_AddNumberToObject(context, "json_schema_version", 1);
}
