/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * numpy's .npy files.
 *
 *     "\x93NUMPY", u8 major, u8 minor
 *     u16 (version 1) or u32 header length, little-endian
 *     header: the text of a Python dict, padded with spaces, '\n' at the end:
 *         {'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }
 *     the elements
 */
#include "formats/npy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libcore/ival.h"
#include "libcore/reader.h"

enum { MAX_HEADER = 1 << 16, ALIGNMENT = 64, WRITE_BYTES = 1 << 14 };

static const struct {
    char type[3];
    uint8_t dtype;
} types[] = {
    {"u1", PTM_U8},  {"i1", PTM_I8},  {"i2", PTM_I16}, {"i4", PTM_I32},  {"i8", PTM_I64},
    {"f2", PTM_F16}, {"f4", PTM_F32}, {"f8", PTM_F64}, {"b1", PTM_BOOL8},
};

/* The header's text, parsed from left to right. */
struct header {
    const char *at, *end;
    enum ptm_dtype dtype;
    bool swap, fortran;
    int rank;
    int64_t dim[PTM_MAX_RANK];
};

bool ptm_npy_probe(const uint8_t *bytes, size_t n)
{
    return n >= 6 && !memcmp(bytes, "\x93NUMPY", 6);
}

static enum ptm_status bad_header(const struct header *h, const char *what, struct ptm_err *err)
{
    size_t left = (size_t)(h->end - h->at), show = left < 20 ? left : 20;
    char text[21];
    for (size_t i = 0; i < show; i++)
        text[i] = h->at[i] >= ' ' && h->at[i] < 0x7f ? h->at[i] : '?';
    text[show] = 0;
    return ptm_fail(err, PTM_ERR_FORMAT, "npy: expected %s in the header, at '%s'", what, text);
}

static void skip_space(struct header *h)
{
    while (h->at < h->end && (*h->at == ' ' || *h->at == '\n' || *h->at == '\t'))
        h->at++;
}

static bool take(struct header *h, char c)
{
    skip_space(h);
    if (h->at == h->end || *h->at != c)
        return false;
    h->at++;
    return true;
}

static bool take_word(struct header *h, const char *word)
{
    size_t n = strlen(word);
    skip_space(h);
    if ((size_t)(h->end - h->at) < n || memcmp(h->at, word, n))
        return false;
    h->at += n;
    return true;
}

/* A quoted string without escapes, which numpy never writes here. */
static bool take_string(struct header *h, const char **s, size_t *n)
{
    skip_space(h);
    if (h->at == h->end || (*h->at != '\'' && *h->at != '"'))
        return false;
    const char *close = memchr(h->at + 1, *h->at, (size_t)(h->end - h->at - 1));
    if (!close)
        return false;
    *s = h->at + 1;
    *n = (size_t)(close - *s);
    h->at = close + 1;
    return true;
}

static enum ptm_status parse_descr(struct header *h, struct ptm_err *err)
{
    const char *s;
    size_t n;
    skip_space(h);
    if (h->at < h->end && *h->at == '[')
        return ptm_fail(err, PTM_ERR_UNSUPPORTED, "npy: an array of records; give one field of it");
    if (!take_string(h, &s, &n))
        return bad_header(h, "a dtype", err);
    if (n == 3 && strchr("<>|=", s[0]))
        for (size_t i = 0; i < PTM_LEN(types); i++)
            if (!memcmp(s + 1, types[i].type, 2)) {
                h->dtype = types[i].dtype;
                h->swap = s[0] == '>';
                return PTM_OK;
            }
    for (size_t i = 0; i < n; i++)
        if (s[i] < ' ' || s[i] > '~')
            return bad_header(h, "a dtype", err);
    return ptm_fail(err, PTM_ERR_UNSUPPORTED,
                    "npy: dtype '%.*s' is not one that tensors have; convert it: "
                    "np.save('x.npy', a.astype('float32'))",
                    n < 20 ? (int)n : 20, s);
}

static enum ptm_status parse_shape(struct header *h, struct ptm_err *err)
{
    if (!take(h, '('))
        return bad_header(h, "a shape", err);
    for (h->rank = 0; !take(h, ')'); h->rank++) {
        if (h->rank == PTM_MAX_RANK)
            return ptm_fail(err, PTM_ERR_LIMIT, "npy: more than %d dimensions", PTM_MAX_RANK);
        int64_t d = 0;
        const char *start = h->at;
        for (; h->at < h->end && *h->at >= '0' && *h->at <= '9'; h->at++) {
            if (d > (INT64_MAX - 9) / 10)
                return ptm_fail(err, PTM_ERR_LIMIT, "npy: dimension %d is too large", h->rank);
            d = d * 10 + (*h->at - '0');
        }
        if (h->at == start)
            return bad_header(h, "a dimension", err);
        take(h, 'L'); /* Python 2 */
        h->dim[h->rank] = d;
        if (!take(h, ',') && (skip_space(h), h->at == h->end || *h->at != ')'))
            return bad_header(h, "',' or ')'", err);
        skip_space(h);
    }
    return PTM_OK;
}

static enum ptm_status parse_header(struct header *h, struct ptm_err *err)
{
    bool have_descr = false, have_order = false, have_shape = false;
    if (!take(h, '{'))
        return bad_header(h, "'{'", err);
    while (!take(h, '}')) {
        const char *key;
        size_t n;
        if (!take_string(h, &key, &n) || !take(h, ':'))
            return bad_header(h, "a key", err);
        if (n == 5 && !memcmp(key, "descr", 5) && !have_descr) {
            PTM_TRY(parse_descr(h, err));
            have_descr = true;
        } else if (n == 13 && !memcmp(key, "fortran_order", 13) && !have_order) {
            h->fortran = take_word(h, "True");
            if (!h->fortran && !take_word(h, "False"))
                return bad_header(h, "True or False", err);
            have_order = true;
        } else if (n == 5 && !memcmp(key, "shape", 5) && !have_shape) {
            PTM_TRY(parse_shape(h, err));
            have_shape = true;
        } else {
            return bad_header(h, "descr, fortran_order and shape, once each", err);
        }
        if (!take(h, ',') && (skip_space(h), h->at == h->end || *h->at != '}'))
            return bad_header(h, "',' or '}'", err);
    }
    if (!have_descr || !have_order || !have_shape)
        return bad_header(h, "descr, fortran_order and shape", err);
    return PTM_OK;
}

static void copy_swapped(uint8_t *out, const uint8_t *in, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = in[size - 1 - i];
}

/* Copies n elements, whose strides (in elements) are given, to row-major order. */
static void copy_elements(uint8_t *out, const uint8_t *in, const struct header *h, int64_t n,
                          const int64_t *stride, size_t size)
{
    int64_t index[PTM_MAX_RANK] = {0}, at = 0;
    for (int64_t i = 0; i < n; i++) {
        const uint8_t *p = in + (size_t)at * size;
        if (h->swap)
            copy_swapped(out + (size_t)i * size, p, size);
        else
            memcpy(out + (size_t)i * size, p, size);
        for (int k = h->rank; k-- > 0;) {
            at += stride[k];
            if (++index[k] < h->dim[k])
                break;
            at -= index[k] * stride[k];
            index[k] = 0;
        }
    }
}

static enum ptm_status make_tensor(struct ptm_arena *arena, const struct header *h,
                                   struct ptm_reader *r, struct ptm_tensor **out,
                                   struct ptm_err *err)
{
    int64_t stride[PTM_MAX_RANK];
    int64_t n = ptm_strides_contiguous(h->rank, h->dim, stride);
    size_t size = ptm_dtype_bytes(h->dtype), left = r->n - r->at;
    if (n < 0)
        return ptm_fail(err, PTM_ERR_LIMIT, "npy: the product of the dimensions is too large");
    if ((uint64_t)n > left / size)
        return ptm_fail(err, PTM_ERR_FORMAT,
                        "npy: %" PRId64 " elements of %zu bytes, the file has %zu bytes left", n,
                        size, left);
    const uint8_t *in = ptm_read_bytes(r, (size_t)n * size);
    uint8_t *data = n ? ptm_arena_alloc(arena, (size_t)n * size) : NULL;
    *out = data || !n ? ptm_tensor_new(arena, h->dtype, h->rank, h->dim, data) : NULL;
    if (!*out)
        return ptm_fail(err, PTM_ERR_MEMORY, "npy: no memory for %" PRId64 " elements", n);
    if (h->fortran)
        for (int64_t k = 0, s = 1; k < h->rank; s *= h->dim[k++])
            stride[k] = s;
    if (n && !h->fortran && !h->swap)
        memcpy(data, in, (size_t)n * size);
    else if (n)
        copy_elements(data, in, h, n, stride, size);
    if (h->dtype == PTM_BOOL8)
        for (int64_t i = 0; i < n; i++)
            data[i] = data[i] != 0;
    return PTM_OK;
}

enum ptm_status ptm_npy_read(struct ptm_arena *arena, const uint8_t *bytes, size_t n,
                             struct ptm_tensor **out, struct ptm_err *err)
{
    struct ptm_reader r;
    ptm_reader_init(&r, bytes, n);
    if (!ptm_npy_probe(bytes, n))
        return ptm_fail(err, PTM_ERR_FORMAT, "npy: the file does not start with \\x93NUMPY");
    ptm_reader_seek(&r, 6);
    uint8_t major = ptm_read_u8(&r), minor = ptm_read_u8(&r);
    if (!r.failed && (major < 1 || major > 3 || minor != 0))
        return ptm_fail(err, PTM_ERR_UNSUPPORTED, "npy: version %u.%u, only 1.0 to 3.0 are read",
                        major, minor);
    uint32_t header_bytes = major == 1 ? ptm_read_u16(&r) : ptm_read_u32(&r);
    if (!r.failed && header_bytes > MAX_HEADER)
        return ptm_fail(err, PTM_ERR_LIMIT, "npy: a header of %" PRIu32 " bytes, the limit is %d",
                        header_bytes, MAX_HEADER);
    const char *text = (const char *)ptm_read_bytes(&r, header_bytes);
    if (!text)
        return ptm_fail(err, PTM_ERR_FORMAT, "npy: the file ends in its header, after %zu bytes",
                        n);
    struct header h = {.at = text, .end = text + header_bytes};
    PTM_TRY(parse_header(&h, err));
    return make_tensor(arena, &h, &r, out, err);
}

/* -- writing -- */

static const char *type_of(enum ptm_dtype d)
{
    for (size_t i = 0; i < PTM_LEN(types); i++)
        if (types[i].dtype == d)
            return types[i].type;
    return NULL;
}

static enum ptm_status write_header(struct ptm_sink *sink, const struct ptm_tensor *t,
                                    enum ptm_dtype d, struct ptm_err *err)
{
    char h[512] = "\x93NUMPY\x01"; /* then a zero and the length, at 8 */
    const char *type = type_of(d);
    if (!type)
        return ptm_fail(err, PTM_ERR_ARG, "npy: no such dtype: %d", (int)d);
    size_t at = 10;
    at += (size_t)snprintf(h + at, sizeof(h) - at,
                           "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
                           type[1] == '1' ? '|' : '<', type);
    for (int i = 0; i < t->rank; i++)
        at += (size_t)snprintf(h + at, sizeof(h) - at, "%s%" PRId64, i ? ", " : "", t->dim[i]);
    at += (size_t)snprintf(h + at, sizeof(h) - at, "%s), }", t->rank == 1 ? "," : "");
    while ((at + 1) % ALIGNMENT)
        h[at++] = ' ';
    h[at++] = '\n';
    h[8] = (char)((at - 10) & 0xff);
    h[9] = (char)((at - 10) >> 8);
    return ptm_sink_write(sink, h, at, err);
}

static void store_element(uint8_t *out, const uint8_t *in, enum ptm_dtype d, size_t size)
{
    if (d == PTM_BF16) { /* the upper half of an f32 */
        memset(out, 0, 2);
        memcpy(out + 2, in, 2);
    } else {
        memcpy(out, in, size);
    }
}

static enum ptm_status write_elements(struct ptm_sink *sink, const struct ptm_tensor *t,
                                      size_t out_size, struct ptm_err *err)
{
    uint8_t buffer[WRITE_BYTES];
    const uint8_t *data = ptm_tensor_data(t);
    size_t size = ptm_dtype_bytes(t->dtype), used = 0;
    int64_t n = ptm_tensor_numel(t), index[PTM_MAX_RANK] = {0}, at = 0;
    for (int64_t i = 0; i < n; i++) {
        store_element(buffer + used, data + at * (int64_t)size, t->dtype, size);
        used += out_size;
        if (used == sizeof(buffer) || i == n - 1) {
            PTM_TRY(ptm_sink_write(sink, buffer, used, err));
            used = 0;
        }
        for (int k = t->rank; k-- > 0;) {
            at += t->stride[k];
            if (++index[k] < t->dim[k])
                break;
            at -= index[k] * t->stride[k];
            index[k] = 0;
        }
    }
    return PTM_OK;
}

enum ptm_status ptm_npy_write(struct ptm_sink *sink, const struct ptm_tensor *t,
                              struct ptm_err *err)
{
    enum ptm_dtype d = t->dtype == PTM_BF16 ? PTM_F32 : t->dtype;
    PTM_TRY(write_header(sink, t, d, err));
    if (!ptm_tensor_data(t))
        return PTM_OK;
    if (d == t->dtype && ptm_tensor_contiguous(t))
        return ptm_sink_write(sink, ptm_tensor_data(t),
                              (size_t)ptm_tensor_numel(t) * ptm_dtype_bytes(d), err);
    return write_elements(sink, t, ptm_dtype_bytes(d), err);
}
