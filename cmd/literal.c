/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One VALUE of --input: a literal as Python writes it, a generator, or files.
 * A word that is no literal and does not begin with @ is a path.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/input.h"

enum { MAX_NESTING = 64 };

struct parser {
    struct ptm_arena *arena;
    const char *text, *p; /* the whole, and where we are */
    int depth;
    struct ptm_err *err;
};

static enum ptm_status parse_value(struct parser *p, const char *stops, struct spec *out);

int dtype_by_name(const char *name)
{
    static const struct {
        const char *name;
        int dtype;
    } more[] = {{"float", PTM_F32},  {"double", PTM_F64}, {"half", PTM_F16},
                {"long", PTM_I64},   {"int", PTM_I32},    {"short", PTM_I16},
                {"bool", PTM_BOOL8}, {"uint8_t", PTM_U8}, {"int64_t", PTM_I64}};
    for (int d = 0; d <= PTM_BF16; d++) {
        if (!ptm_dtype_bytes((enum ptm_dtype)d))
            continue;
        if (!strcmp(name, ptm_dtype_name((enum ptm_dtype)d)) ||
            !strcmp(name, ptm_dtype_torch((enum ptm_dtype)d)))
            return d;
    }
    for (size_t i = 0; i < PTM_LEN(more); i++)
        if (!strcmp(name, more[i].name))
            return more[i].dtype;
    return -1;
}

enum ptm_status shape_parse(const char *text, char sep, struct shape *out, struct ptm_err *err)
{
    *out = (struct shape){.rank = 0, .dtype = -1};
    const char *p = text;
    while (*p && *p != ':') {
        char *end;
        errno = 0;
        long long v = strtoll(p, &end, 10);
        if (end == p || !isdigit((unsigned char)*p) || errno ||
            (*end && *end != sep && *end != ':'))
            return ptm_fail(err, PTM_ERR_ARG,
                            "shape '%.200s': numbers with '%c' between are wanted", text, sep);
        if (out->rank == PTM_MAX_RANK)
            return ptm_fail(err, PTM_ERR_ARG, "shape '%.200s' has more than %d dims", text,
                            PTM_MAX_RANK);
        out->dim[out->rank++] = v;
        p = *end == sep ? end + 1 : end;
        if (*end == sep && !*p)
            return ptm_fail(err, PTM_ERR_ARG, "shape '%.200s' ends with '%c'", text, sep);
    }
    if (*p == ':' && (out->dtype = dtype_by_name(p + 1)) < 0)
        return ptm_fail(err, PTM_ERR_ARG,
                        "shape '%.200s': no dtype '%.60s'; there are f32 f64 f16 bf16 i64 i32 i16 "
                        "i8 u8 bool",
                        text, p + 1);
    int64_t stride[PTM_MAX_RANK];
    if (ptm_strides_contiguous(out->rank, out->dim, stride) < 0)
        return ptm_fail(err, PTM_ERR_ARG, "shape '%.200s' is too large", text);
    return PTM_OK;
}

static enum ptm_status add_child(struct parser *p, struct spec *s, const struct spec *child)
{
    void *v = s->child;
    if (!ptm_arena_grow(p->arena, &v, &s->cap_child, s->n_child + 1, sizeof(*s->child)))
        return ptm_fail(p->err, PTM_ERR_MEMORY, "no memory for an input");
    s->child = v;
    s->child[s->n_child++] = *child;
    return PTM_OK;
}

static void skip_space(struct parser *p)
{
    while (isspace((unsigned char)*p->p))
        p->p++;
}

static enum ptm_status parse_string(struct parser *p, struct spec *out)
{
    char quote = *p->p++;
    char *buf = ptm_arena_alloc(p->arena, strlen(p->p) + 1);
    size_t n = 0;
    while (buf && *p->p && *p->p != quote) {
        char c = *p->p++;
        if (c == '\\' && *p->p) {
            static const char from[] = "ntr0", to[] = "\n\t\r\0";
            c = *p->p++;
            const char *at = strchr(from, c);
            if (at)
                c = to[at - from];
        }
        buf[n++] = c;
    }
    if (buf && *p->p != quote)
        return ptm_fail(p->err, PTM_ERR_ARG, "input '%.200s': the text has no closing %c", p->text,
                        quote);
    p->p++;
    out->kind = SPEC_VALUE;
    out->value = buf ? ptm_str_ival(p->arena, buf, n) : ptm_none();
    return out->value.tag == PTM_STR ? PTM_OK
                                     : ptm_fail(p->err, PTM_ERR_MEMORY, "no memory for an input");
}

static bool parse_number(const char *word, struct ptm_ival *out)
{
    const char *digits = word + (*word == '-' || *word == '+');
    char *end;
    errno = 0;
    long long i = strtoll(word, &end, 10);
    if (isdigit((unsigned char)*digits) && !*end && !errno) {
        *out = ptm_int(i);
        return true;
    }
    bool special = !strcmp(digits, "inf") || !strcmp(digits, "nan");
    if (!special && !isdigit((unsigned char)*digits) && *digits != '.')
        return false;
    if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X'))
        return false;
    double f = strtod(word, &end);
    if (*end || end == word)
        return false;
    *out = ptm_float(f);
    return true;
}

static enum ptm_status parse_generator(struct parser *p, const char *word, struct spec *out)
{
    char name[32];
    size_t len = strcspn(word + 1, ":");
    snprintf(name, sizeof(name), "%.*s", (int)(len < 30 ? len : 30), word + 1);
    const char *rest = word[1 + len] ? word + 2 + len : NULL;
    out->shape = (struct shape){.rank = -1, .dtype = -1};
    if (!strcmp(name, "bundled")) {
        struct ptm_ival k = ptm_int(0);
        if (rest && (!parse_number(rest, &k) || k.tag != PTM_INT || k.u.i < 0))
            return ptm_fail(p->err, PTM_ERR_ARG, "input '%.200s': @bundled:K wants a number", word);
        out->kind = SPEC_BUNDLED;
        out->lo = k.u.i;
        return PTM_OK;
    }
    if (!strcmp(name, "random")) {
        out->kind = SPEC_RANDOM;
    } else if (!strcmp(name, "ones") || !strcmp(name, "zeros")) {
        out->kind = SPEC_FILL;
        out->fill = name[0] == 'o' ? 1 : 0;
    } else if (!strcmp(name, "randint")) {
        char *end = NULL, *end2 = NULL;
        errno = 0;
        out->kind = SPEC_RANDINT;
        out->lo = rest ? strtoll(rest, &end, 10) : 0;
        out->hi = end && end != rest && *end == ':' ? strtoll(end + 1, &end2, 10) : 0;
        if (!end2 || end2 == end + 1 || (*end2 && *end2 != ':') || errno)
            return ptm_fail(p->err, PTM_ERR_ARG, "input '%.200s': @randint:LO:HI is wanted", word);
        if (out->lo >= out->hi)
            return ptm_fail(p->err, PTM_ERR_ARG, "input '%.200s': LO %lld must be below HI %lld",
                            word, (long long)out->lo, (long long)out->hi);
        rest = *end2 ? end2 + 1 : NULL;
    } else {
        return ptm_fail(p->err, PTM_ERR_ARG,
                        "input '%.200s': no generator '@%s'; there are @random @randint:LO:HI "
                        "@ones @zeros @bundled",
                        word, name);
    }
    return rest ? shape_parse(rest, 'x', &out->shape, p->err) : PTM_OK;
}

static enum ptm_status add_path(struct parser *p, struct spec *s, size_t *cap, const char *path,
                                size_t len)
{
    void *v = s->path;
    char *copy = ptm_arena_str(p->arena, path, len);
    if (!copy || !ptm_arena_grow(p->arena, &v, cap, s->n_paths + 1, sizeof(*s->path)))
        return ptm_fail(p->err, PTM_ERR_MEMORY, "no memory for an input");
    s->path = v;
    s->path[s->n_paths++] = copy;
    return PTM_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum ptm_status add_folder(struct parser *p, struct spec *s, size_t *cap, const char *folder)
{
    size_t first = s->n_paths, len = strlen(folder);
    DIR *dir = opendir(folder);
    if (!dir)
        return ptm_fail(p->err, PTM_ERR_IO, "cannot open '%.300s': %s", folder, strerror(errno));
    enum ptm_status rc = PTM_OK;
    for (struct dirent *e; rc == PTM_OK && (e = readdir(dir)) != NULL;) {
        char path[4096];
        struct stat st;
        int n = snprintf(path, sizeof(path), "%s%s%s", folder,
                         len && folder[len - 1] == '/' ? "" : "/", e->d_name);
        if (e->d_name[0] != '.' && n > 0 && (size_t)n < sizeof(path) && stat(path, &st) == 0 &&
            S_ISREG(st.st_mode))
            rc = add_path(p, s, cap, path, (size_t)n);
    }
    closedir(dir);
    if (rc == PTM_OK && s->n_paths == first)
        return ptm_fail(p->err, PTM_ERR_ARG, "input '%.300s': the folder holds no files", folder);
    if (rc == PTM_OK)
        qsort(s->path + first, s->n_paths - first, sizeof(*s->path), by_name);
    return rc;
}

static enum ptm_status parse_paths(struct parser *p, const char *word, struct spec *out)
{
    struct stat st;
    size_t cap = 0;
    out->kind = SPEC_FILES;
    if (stat(word, &st) == 0)
        return S_ISDIR(st.st_mode) ? add_folder(p, out, &cap, word)
                                   : add_path(p, out, &cap, word, strlen(word));
    bool list = strchr(word, ',') != NULL;
    for (const char *at = word;; at++) {
        size_t len = strcspn(at, ",");
        char *path = ptm_arena_str(p->arena, at, len);
        if (!path)
            return ptm_fail(p->err, PTM_ERR_MEMORY, "no memory for an input");
        struct ptm_ival number;
        if (list && stat(path, &st) && parse_number(path, &number))
            return ptm_fail(p->err, PTM_ERR_ARG, "input '%.200s': a list is written [%.200s]", word,
                            word);
        if (stat(path, &st)) {
            int why = errno;
            bool plain = !strchr(path, '.') && !strchr(path, '/') && why == ENOENT;
            return ptm_fail(p->err, plain ? PTM_ERR_ARG : PTM_ERR_IO,
                            plain ? "input '%.300s': no such file; text is written '\"%.300s\"'"
                                  : "cannot open '%.300s': %s",
                            path, plain ? path : strerror(why));
        }
        if (S_ISDIR(st.st_mode))
            PTM_TRY(add_folder(p, out, &cap, path));
        else
            PTM_TRY(add_path(p, out, &cap, path, len));
        at += len;
        if (!*at)
            return PTM_OK;
    }
}

static enum ptm_status parse_word(struct parser *p, const char *stops, struct spec *out)
{
    size_t len = stops ? strcspn(p->p, stops) : strlen(p->p);
    while (len && isspace((unsigned char)p->p[len - 1]))
        len--;
    char *word = ptm_arena_str(p->arena, p->p, len);
    if (!word)
        return ptm_fail(p->err, PTM_ERR_MEMORY, "no memory for an input");
    if (!len)
        return ptm_fail(p->err, PTM_ERR_ARG, "input '%.200s': a value is missing at character %zu",
                        p->text, (size_t)(p->p - p->text) + 1);
    p->p += len;
    out->kind = SPEC_VALUE;
    out->text = word;
    if (!strcmp(word, "None"))
        out->value = ptm_none();
    else if (!strcmp(word, "True") || !strcmp(word, "False"))
        out->value = ptm_bool(word[0] == 'T');
    else if (*word == '@')
        return parse_generator(p, word, out);
    else if (!parse_number(word, &out->value))
        return parse_paths(p, word, out);
    return PTM_OK;
}

static enum ptm_status parse_container(struct parser *p, struct spec *out)
{
    char open = *p->p++, close = open == '[' ? ']' : open == '(' ? ')' : '}';
    const char stops[] = {',', close, 0};
    bool comma = false;
    out->kind = open == '[' ? SPEC_LIST : open == '(' ? SPEC_TUPLE : SPEC_DICT;
    for (skip_space(p); *p->p != close; skip_space(p)) {
        struct spec child = {0};
        if (open == '{') {
            PTM_TRY(parse_value(p, ":,}", &child));
            if (child.kind != SPEC_VALUE || child.value.tag == PTM_NONE)
                return ptm_fail(p->err, PTM_ERR_ARG,
                                "input '%.200s': a dict's key is text or a number", p->text);
            PTM_TRY(add_child(p, out, &child));
            skip_space(p);
            if (*p->p++ != ':')
                return ptm_fail(p->err, PTM_ERR_ARG, "input '%.200s': ':' is missing in the dict",
                                p->text);
            child = (struct spec){0};
        }
        PTM_TRY(parse_value(p, stops, &child));
        PTM_TRY(add_child(p, out, &child));
        skip_space(p);
        if (*p->p == ',') {
            comma = true;
            p->p++;
        } else if (*p->p != close) {
            return ptm_fail(p->err, PTM_ERR_ARG, "input '%.200s': the closing %c is missing",
                            p->text, close);
        }
    }
    p->p++;
    if (open == '(' && out->n_child == 1 && !comma) { /* (x) is x, (x,) a tuple */
        struct spec only = out->child[0];
        *out = only;
    }
    return PTM_OK;
}

static enum ptm_status parse_value(struct parser *p, const char *stops, struct spec *out)
{
    skip_space(p);
    out->text = p->text;
    if (*p->p == '"' || *p->p == '\'')
        return parse_string(p, out);
    if (*p->p != '[' && *p->p != '(' && *p->p != '{')
        return parse_word(p, stops, out);
    if (++p->depth > MAX_NESTING)
        return ptm_fail(p->err, PTM_ERR_ARG, "input '%.60s...' nests deeper than %d", p->text,
                        MAX_NESTING);
    PTM_TRY(parse_container(p, out));
    p->depth--;
    return PTM_OK;
}

enum ptm_status spec_parse(struct ptm_arena *a, const char *text, struct spec *out,
                           struct ptm_err *err)
{
    struct parser p = {.arena = a, .text = text, .p = text, .err = err};
    *out = (struct spec){0};
    PTM_TRY(parse_value(&p, NULL, out));
    skip_space(&p);
    if (*p.p)
        return ptm_fail(err, PTM_ERR_ARG,
                        "input '%.200s': nothing expected at character %zu: '%.40s'", text,
                        (size_t)(p.p - text) + 1, p.p);
    return PTM_OK;
}
