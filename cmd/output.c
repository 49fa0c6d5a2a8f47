/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing texts and JSON, and numbers as people read them. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cmd/cmd.h"
#include "libcore/sink.h"

/* Bytes of a well-formed UTF-8 character at p; 0: none. */
static size_t utf8_length(const unsigned char *p)
{
    size_t n = *p < 0x80                 ? 1
               : *p >= 0xc2 && *p < 0xe0 ? 2
               : *p >= 0xe0 && *p < 0xf0 ? 3
               : *p >= 0xf0 && *p < 0xf5 ? 4
                                         : 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

void text_mend_utf8(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p;) {
        size_t n = utf8_length(p);
        if (!n)
            *p = '?';
        p += n ? n : 1;
    }
}

enum ptm_status cmd_write_text(const char *text, size_t n, const char *path, struct ptm_err *err)
{
    struct ptm_sink *sink;
    if (!strcmp(path, "-")) {
        fwrite(text, 1, n, stdout); /* main looks whether stdout took it */
        return PTM_OK;
    }
    PTM_TRY(ptm_sink_open(&sink, path, err));
    enum ptm_status rc = ptm_sink_write(sink, text, n, err);
    if (!rc)
        return ptm_sink_commit(sink, err);
    ptm_sink_drop(sink);
    return rc;
}

enum ptm_status cmd_write_json(struct cJSON *doc, const char *path, struct ptm_err *err)
{
    char *text = doc ? cJSON_Print(doc) : NULL;
    cJSON_Delete(doc);
    if (!text)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the JSON document");
    text_mend_utf8(text);
    size_t n = strlen(text);
    text[n] = '\n'; /* where the string ended */
    enum ptm_status rc = cmd_write_text(text, n + 1, path, err);
    cJSON_free(text);
    return rc;
}

struct cJSON *json_int(int64_t i)
{
    char text[32];
    if (i > -((int64_t)1 << 53) && i < (int64_t)1 << 53)
        return cJSON_CreateNumber((double)i);
    snprintf(text, sizeof(text), "%" PRId64, i);
    return cJSON_CreateRaw(text);
}

const char *text_count(uint64_t n, char *buf, size_t size)
{
    char digits[32];
    int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
    size_t at = 0;
    for (int i = 0; i < len && at + 2 < size; i++) {
        if (i && (len - i) % 3 == 0)
            buf[at++] = ',';
        buf[at++] = digits[i];
    }
    buf[at] = 0;
    return buf;
}

const char *text_bytes(uint64_t n, char *buf, size_t size)
{
    static const char *const unit[] = {"bytes", "kB", "MB", "GB", "TB"};
    double v = (double)n;
    size_t u = 0;
    while (v >= 999.5 && u + 1 < PTM_LEN(unit)) {
        v /= 1000;
        u++;
    }
    snprintf(buf, size, u && v < 99.95 ? "%.1f %s" : "%.0f %s", v, unit[u]);
    return buf;
}

const char *text_shape(int rank, const int64_t *dim, char *buf, size_t size)
{
    size_t at = (size_t)snprintf(buf, size, "[");
    for (int i = 0; i < rank && at < size; i++)
        at += (size_t)snprintf(buf + at, size - at, "%s%" PRId64, i ? ", " : "", dim[i]);
    if (at < size)
        snprintf(buf + at, size - at, "]");
    return buf;
}
