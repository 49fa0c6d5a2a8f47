/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The newest recorded run of each backend as a Chrome trace (JSON), for ui.perfetto.dev: a track
 * for each backend, all beginning at 0, so that they can be compared. Written event by event.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cmd/cmd.h"
#include "cmd/profile.h"
#include "libcore/sink.h"

/* ns as microseconds; a raw number keeps its three digits. */
static void add_us(cJSON *o, const char *name, int64_t ns)
{
    char text[40];
    snprintf(text, sizeof(text), "%" PRId64 ".%03d", ns / 1000, (int)(ns % 1000));
    cJSON_AddRawToObject(o, name, text);
}

static void add_args(cJSON *o, const struct bench_row *r)
{
    char type[160];
    cJSON *a = cJSON_AddObjectToObject(o, "args");
    cJSON_AddStringToObject(a, "module", r->module);
    cJSON_AddStringToObject(a, "aten", r->aten);
    cJSON_AddStringToObject(a, "backend", r->backend);
    cJSON_AddStringToObject(a, "kernel", r->kernel);
    cJSON_AddStringToObject(a, "isa", r->isa);
    cJSON_AddStringToObject(a, "output", ptm_type_text(&r->out, type, sizeof(type)));
    cJSON_AddItemToObject(a, "macs", json_int((int64_t)(r->calls ? r->macs / r->calls : 0)));
    cJSON_AddItemToObject(a, "bytes", json_int((int64_t)(r->calls ? r->bytes / r->calls : 0)));
    if (r->reason)
        cJSON_AddStringToObject(a, "fallback_reason", r->reason);
}

static enum ptm_status put(struct ptm_sink *s, cJSON *o, struct ptm_err *err)
{
    char *text = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    if (!text)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the trace");
    text_mend_utf8(text);
    enum ptm_status rc = ptm_sink_write(s, ",\n", 2, err);
    if (!rc)
        rc = ptm_sink_write(s, text, strlen(text), err);
    cJSON_free(text);
    return rc;
}

static cJSON *event(const char *phase, const char *name, size_t track)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "ph", phase);
    cJSON_AddStringToObject(o, "name", name);
    cJSON_AddNumberToObject(o, "pid", 1);
    cJSON_AddNumberToObject(o, "tid", (double)track + 1);
    return o;
}

static enum ptm_status put_track(struct ptm_sink *s, const struct bench_profile *p, size_t track,
                                 struct ptm_err *err)
{
    cJSON *o = event("M", "thread_name", track);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(o, "args"), "name", p->name);
    PTM_TRY(put(s, o, err));
    for (size_t i = 0; i < p->n_events; i++) {
        const struct bench_event *e = &p->event[i];
        const struct bench_row *r = &p->row[e->row];
        o = event("X", r->op, track);
        cJSON_AddStringToObject(o, "cat", r->kind == PTM_EVENT_STEP    ? "operator"
                                          : r->kind == PTM_EVENT_PIECE ? "piece"
                                                                       : "around");
        add_us(o, "ts", e->start_ns - p->event[0].start_ns);
        add_us(o, "dur", e->end_ns - e->start_ns);
        if (r->kind == PTM_EVENT_STEP)
            add_args(o, r);
        PTM_TRY(put(s, o, err));
    }
    return PTM_OK;
}

static enum ptm_status put_all(struct ptm_sink *s, const struct profile_report *r,
                               struct ptm_err *err)
{
    static const char head[] = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n"
                               "{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":1,\"tid\":0,"
                               "\"args\":{\"name\":\"ptm profile\"}}";
    char tail[200];
    uint64_t dropped = 0;
    PTM_TRY(ptm_sink_write(s, head, strlen(head), err));
    for (size_t i = 0; i < r->n; i++) {
        PTM_TRY(put_track(s, &r->profile[i], i, err));
        dropped += r->profile[i].dropped;
    }
    snprintf(tail, sizeof(tail),
             "\n],\"otherData\":{\"ptm_version\":\"%s\",\"threads\":%" PRId64
             ",\"dropped_events\":%" PRIu64 "}}\n",
             PTM_VERSION, r->threads, dropped);
    return ptm_sink_write(s, tail, strlen(tail), err);
}

enum ptm_status profile_trace(const struct profile_report *r, const char *path, struct ptm_err *err)
{
    struct ptm_sink *s = NULL;
    PTM_TRY(ptm_sink_open(&s, path, err));
    enum ptm_status rc = put_all(s, r, err);
    if (rc)
        ptm_sink_drop(s);
    else
        rc = ptm_sink_commit(s, err);
    return rc;
}
