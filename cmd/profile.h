/* SPDX-License-Identifier: BSD-2-Clause */
/* What ptm profile has measured, and how it is shown: table, JSON, trace. */
#ifndef PTM_CMD_PROFILE_H
#define PTM_CMD_PROFILE_H

#include "bench/env.h"
#include "bench/profile.h"
#include "libcore/model.h"

struct cJSON;

enum { PROFILE_MAX_BACKENDS = 16 };
struct profile_skip {
    const char *backend, *reason;
};
struct profile_report {
    const struct ptm_model *model;
    const char *method;
    const char *arguments; /* "f32[1, 3, 224, 224]" */
    const struct ptm_recipe *recipe;
    int64_t threads, seed;
    size_t calls_per_sample;
    struct bench_profile profile[PROFILE_MAX_BACKENDS];
    size_t n; /* profiles */
    struct profile_skip skip[PROFILE_MAX_BACKENDS];
    size_t n_skips;
    enum bench_view by;
    bool by_time;
    int64_t top; /* lines shown; 0: all */
    struct bench_line *line;
    size_t n_lines;
    struct bench_env env;
    struct bench_warnings warnings;
};
const char *profile_view_name(enum bench_view by); /* "op" */

/* profile_text.c */
void profile_print(const struct profile_report *r);
/* profile_json.c */
struct cJSON *profile_json(const struct profile_report *r);
/* profile_trace.c: the newest recorded runs, for Perfetto. */
enum ptm_status profile_trace(const struct profile_report *r, const char *path,
                              struct ptm_err *err) PTM_WARN_UNUSED;

#endif
