/* SPDX-License-Identifier: BSD-2-Clause */
/* Strict JSON (RFC 8259) from untrusted bytes, without recursion and without building a tree. */
#include "formats/json.h"

#include <string.h>

void ptm_json_init(struct ptm_json *j, const void *text, size_t n)
{
    *j = (struct ptm_json){.text = text, .n = n};
}

void ptm_json_fail(struct ptm_json *j, const char *wrong)
{
    if (!j->wrong)
        j->wrong = wrong;
}

/* The next character that is no white space; NUL at the end and after a failure. */
static char peek(struct ptm_json *j)
{
    while (!j->wrong && j->at < j->n) {
        char c = j->text[j->at];
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
            return c;
        j->at++;
    }
    return '\0';
}

static void expect(struct ptm_json *j, char c, const char *wrong)
{
    if (peek(j) == c)
        j->at++;
    else
        ptm_json_fail(j, wrong);
}

static void enter(struct ptm_json *j, char c, const char *wrong)
{
    expect(j, c, wrong);
    if (j->depth == PTM_JSON_DEPTH)
        ptm_json_fail(j, "values nest too deeply");
    if (j->wrong)
        return;
    j->begun &= ~(UINT32_C(1) << j->depth);
    j->depth++;
}

/* To the next member or item of the innermost container; false: it ended here. */
static bool next(struct ptm_json *j, char end)
{
    if (j->wrong || !j->depth)
        return false;
    uint32_t bit = UINT32_C(1) << (j->depth - 1);
    if (peek(j) == end) {
        j->at++;
        j->depth--;
        return false;
    }
    if (j->begun & bit)
        expect(j, ',', "a comma is missing");
    j->begun |= bit;
    return !j->wrong;
}

void ptm_json_object(struct ptm_json *j)
{
    enter(j, '{', "an object is expected");
}

void ptm_json_array(struct ptm_json *j)
{
    enter(j, '[', "an array is expected");
}

bool ptm_json_item(struct ptm_json *j)
{
    return next(j, ']');
}

/* -- strings -- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static uint32_t hex4(struct ptm_json *j)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) {
        int d = j->at < j->n ? hex_digit(j->text[j->at]) : -1;
        if (d < 0) {
            ptm_json_fail(j, "a malformed \\u");
            return 0;
        }
        v = v << 4 | (uint32_t)d;
        j->at++;
    }
    return v;
}

static size_t put_utf8(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)((n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0) | c);
    return n;
}

/* What follows a backslash, as UTF-8; its length, 0 when malformed. */
static size_t unescape(struct ptm_json *j, char *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = j->at < j->n ? j->text[j->at] : '\0';
    const char *known = c ? strchr(from, c) : NULL;
    if (known) {
        j->at++;
        out[0] = to[known - from];
        return 1;
    }
    if (c != 'u') {
        ptm_json_fail(j, "an unknown escape");
        return 0;
    }
    j->at++;
    uint32_t v = hex4(j);
    if (v >= 0xd800 && v < 0xdc00 && j->n - j->at >= 2 && j->text[j->at] == '\\' &&
        j->text[j->at + 1] == 'u') {
        j->at += 2;
        uint32_t low = hex4(j);
        bool pair = low >= 0xdc00 && low < 0xe000;
        v = pair ? 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00) : v;
    }
    if (!v || (v >= 0xd800 && v < 0xe000))
        ptm_json_fail(j, "a \\u that is no character");
    return j->wrong ? 0 : put_utf8(v, out);
}

/* A string into `out`, at most `max` bytes and a NUL; out NULL: only past it. Its length. */
static size_t read_string(struct ptm_json *j, char *out, size_t max)
{
    size_t len = 0;
    expect(j, '"', "a string is expected");
    while (!j->wrong) {
        char piece[4];
        size_t n = 1;
        if (j->at == j->n || (uint8_t)j->text[j->at] < 0x20) {
            ptm_json_fail(j, "a string without an end");
            break;
        }
        piece[0] = j->text[j->at++];
        if (piece[0] == '"')
            break;
        if (piece[0] == '\\')
            n = unescape(j, piece);
        if (out && n > max - len) {
            ptm_json_fail(j, "a string that is too long");
            break;
        }
        if (out)
            memcpy(out + len, piece, n);
        len += n;
    }
    if (out)
        out[j->wrong ? 0 : len] = '\0';
    return j->wrong ? 0 : len;
}

const char *ptm_json_str(struct ptm_json *j, struct ptm_arena *a, size_t max)
{
    peek(j);
    struct ptm_json ahead = *j;
    size_t len = read_string(&ahead, NULL, 0);
    if (!ahead.wrong && len > max)
        ptm_json_fail(&ahead, "a string that is too long");
    char *s = ahead.wrong ? NULL : ptm_arena_alloc(a, len + 1);
    if (ahead.wrong)
        ptm_json_fail(j, ahead.wrong);
    else if (!s)
        ptm_json_fail(j, "no memory");
    else
        read_string(j, s, len);
    return s;
}

int ptm_json_field(struct ptm_json *j, const char *const *names, int n_names, uint32_t *seen)
{
    char name[64];
    while (next(j, '}')) {
        peek(j);
        struct ptm_json ahead = *j;
        bool is_short = read_string(&ahead, NULL, 0) < sizeof name;
        read_string(j, is_short ? name : NULL, sizeof name - 1);
        expect(j, ':', "a colon is missing");
        for (int i = 0; i < n_names && is_short && !j->wrong; i++) {
            if (strcmp(name, names[i]))
                continue;
            if (*seen >> i & 1)
                ptm_json_fail(j, "a member comes twice");
            *seen |= UINT32_C(1) << i;
            return j->wrong ? -1 : i;
        }
        ptm_json_skip(j);
    }
    return -1;
}

/* -- numbers and the rest -- */

int64_t ptm_json_int(struct ptm_json *j, int64_t min, int64_t max)
{
    bool negative = peek(j) == '-';
    size_t at = j->at + negative, first = at;
    uint64_t v = 0;
    if (j->wrong)
        return 0;
    for (; at < j->n && j->text[at] >= '0' && j->text[at] <= '9'; at++) {
        if (v > (uint64_t)INT64_MAX / 10 - 1) {
            ptm_json_fail(j, "a number out of range");
            return 0;
        }
        v = v * 10 + (uint64_t)(j->text[at] - '0');
    }
    char after = at < j->n ? j->text[at] : '\0';
    if (at == first || after == '.' || after == 'e' || after == 'E' ||
        (at > first + 1 && j->text[first] == '0')) {
        ptm_json_fail(j, "an integer is expected");
        return 0;
    }
    int64_t i = negative ? -(int64_t)v : (int64_t)v;
    if (i < min || i > max) {
        ptm_json_fail(j, "a number out of range");
        return 0;
    }
    j->at = at;
    return i;
}

static void skip_digits(struct ptm_json *j)
{
    size_t from = j->at;
    while (j->at < j->n && j->text[j->at] >= '0' && j->text[j->at] <= '9')
        j->at++;
    if (j->at == from)
        ptm_json_fail(j, "a malformed number");
}

static void skip_number(struct ptm_json *j)
{
    j->at += j->text[j->at] == '-';
    bool zero = j->at < j->n && j->text[j->at] == '0';
    if (zero)
        j->at++;
    else
        skip_digits(j);
    if (j->at < j->n && j->text[j->at] == '.') {
        j->at++;
        skip_digits(j);
    }
    if (j->at < j->n && (j->text[j->at] == 'e' || j->text[j->at] == 'E')) {
        j->at++;
        j->at += j->at < j->n && (j->text[j->at] == '+' || j->text[j->at] == '-');
        skip_digits(j);
    }
}

static void skip_word(struct ptm_json *j)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < PTM_LEN(words); i++) {
        size_t n = strlen(words[i]);
        if (j->n - j->at >= n && !memcmp(j->text + j->at, words[i], n)) {
            j->at += n;
            return;
        }
    }
    ptm_json_fail(j, "a value is expected");
}

/* Which containers the skipped value opened stands in one bit per depth: 1 is an object. */
void ptm_json_skip(struct ptm_json *j)
{
    uint32_t objects = 0;
    int outer = j->depth;
    do {
        uint32_t bit = j->depth ? UINT32_C(1) << (j->depth - 1) : 0;
        if (j->depth > outer) {
            if (!next(j, objects & bit ? '}' : ']'))
                continue;
            if (objects & bit) {
                read_string(j, NULL, 0);
                expect(j, ':', "a colon is missing");
            }
        }
        char c = peek(j);
        if (c == '{' || c == '[') {
            enter(j, c, "");
            bit = j->wrong ? 0 : UINT32_C(1) << (j->depth - 1);
            objects = c == '{' ? objects | bit : objects & ~bit;
        } else if (c == '"') {
            read_string(j, NULL, 0);
        } else if (c == '-' || (c >= '0' && c <= '9')) {
            skip_number(j);
        } else if (!j->wrong) {
            skip_word(j);
        }
    } while (j->depth > outer && !j->wrong);
}

bool ptm_json_end(struct ptm_json *j)
{
    if (peek(j) || (!j->wrong && j->at < j->n))
        ptm_json_fail(j, "something follows the end");
    return !j->wrong;
}
