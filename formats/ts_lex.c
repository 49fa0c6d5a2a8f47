/* SPDX-License-Identifier: BSD-2-Clause */
/* TorchScript source to tokens, and the small steps of a parser over them. */
#include "formats/ts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct lexer {
    struct ts_load *ld;
    struct ts_file *f;
    const char *s;
    size_t n, at;
    uint32_t line;
    size_t indent[PTM_MAX_DEPTH + 1];
    int n_indents;
    int brackets; /* open ones: newlines in them do not count */
    size_t cap;
};

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static enum ptm_status lex_fail(struct lexer *x, enum ptm_status code, const char *what)
{
    return ptm_fail(x->ld->err, code, "%s: line %u: %s", x->f->name, (unsigned)x->line, what);
}

static enum ptm_status add(struct lexer *x, uint8_t kind, uint8_t op, size_t at, size_t len)
{
    void *p = x->f->tok;
    if (!ptm_arena_grow(&x->ld->scratch, &p, &x->cap, (size_t)x->f->n_tok + 1, sizeof *x->f->tok))
        return ptm_fail(x->ld->err, PTM_ERR_MEMORY, "no memory for the program");
    x->f->tok = p;
    x->f->tok[x->f->n_tok++] = (struct ts_token){
        .kind = kind, .op = op, .at = (uint32_t)at, .len = (uint32_t)len, .line = x->line};
    return PTM_OK;
}

static enum ptm_status lex_number(struct lexer *x)
{
    size_t start = x->at;
    uint8_t kind = TS_INT;
    while (x->at < x->n && is_digit(x->s[x->at]))
        x->at++;
    if (x->at < x->n && x->s[x->at] == '.') {
        kind = TS_FLOAT;
        for (x->at++; x->at < x->n && is_digit(x->s[x->at]); x->at++)
            ;
    }
    if (x->at < x->n && (x->s[x->at] == 'e' || x->s[x->at] == 'E')) {
        size_t e = x->at + 1;
        if (e < x->n && (x->s[e] == '+' || x->s[e] == '-'))
            e++;
        if (e < x->n && is_digit(x->s[e])) {
            kind = TS_FLOAT;
            for (x->at = e; x->at < x->n && is_digit(x->s[x->at]); x->at++)
                ;
        }
    }
    if (x->at < x->n && x->s[x->at] == 'j')
        return lex_fail(x, PTM_ERR_UNSUPPORTED, "complex numbers are not supported");
    if (x->at < x->n && is_alpha(x->s[x->at]))
        return lex_fail(x, PTM_ERR_FORMAT, "a malformed number");
    return add(x, kind, 0, start, x->at - start);
}

static enum ptm_status lex_string(struct lexer *x)
{
    size_t start = x->at;
    char quote = x->s[x->at++];
    while (x->at < x->n && x->s[x->at] != quote && x->s[x->at] != '\n')
        x->at += x->s[x->at] == '\\' ? 2 : 1;
    if (x->at >= x->n || x->s[x->at] != quote)
        return lex_fail(x, PTM_ERR_FORMAT, "a string without an end");
    x->at++;
    return add(x, TS_STR, 0, start, x->at - start);
}

static enum ptm_status lex_operator(struct lexer *x)
{
    static const struct {
        char text[3];
        uint8_t op;
    } pairs[] = {{"->", TS_ARROW}, {"==", TS_EQ}, {"!=", TS_NE},  {"<=", TS_LE}, {">=", TS_GE},
                 {"//", TS_FLOORDIV}, {"**", TS_POW}, {"<<", TS_SHL}, {">>", TS_SHR}};
    char c = x->s[x->at], d = x->at + 1 < x->n ? x->s[x->at + 1] : '\0';
    for (size_t i = 0; i < PTM_LEN(pairs); i++)
        if (c == pairs[i].text[0] && d == pairs[i].text[1]) {
            x->at += 2;
            return add(x, TS_OP, pairs[i].op, x->at - 2, 2);
        }
    if (!c || !strchr("()[]{},:.=+-*/%@&|^~<>!;", c)) {
        char what[48];
        snprintf(what, sizeof what, "byte 0x%02x is not part of the language", (uint8_t)c);
        return lex_fail(x, PTM_ERR_FORMAT, what);
    }
    if (c == '(' || c == '[' || c == '{') {
        if (++x->brackets > 4 * PTM_MAX_DEPTH)
            return lex_fail(x, PTM_ERR_LIMIT, "brackets nest too deep");
    } else if ((c == ')' || c == ']' || c == '}') && --x->brackets < 0) {
        return lex_fail(x, PTM_ERR_FORMAT, "a bracket closes that was not opened");
    }
    x->at++;
    return add(x, TS_OP, (uint8_t)c, x->at - 1, 1);
}

/* The spaces in front of a line that is not blank. */
static enum ptm_status lex_indent(struct lexer *x, size_t width)
{
    if (width > x->indent[x->n_indents]) {
        if (x->n_indents == PTM_MAX_DEPTH)
            return lex_fail(x, PTM_ERR_LIMIT, "blocks nest deeper than 200");
        x->indent[++x->n_indents] = width;
        return add(x, TS_INDENT, 0, x->at, 0);
    }
    while (width < x->indent[x->n_indents]) {
        x->n_indents--;
        PTM_TRY(add(x, TS_DEDENT, 0, x->at, 0));
    }
    if (width != x->indent[x->n_indents])
        return lex_fail(x, PTM_ERR_FORMAT, "an indentation that fits no block");
    return PTM_OK;
}

static bool line_is_blank(const struct lexer *x)
{
    char c = x->at < x->n ? x->s[x->at] : '\n';
    return c == '\n' || c == '#' || c == '\r';
}

static enum ptm_status lex_line_start(struct lexer *x)
{
    size_t start = x->at;
    while (x->at < x->n && x->s[x->at] == ' ')
        x->at++;
    return line_is_blank(x) ? PTM_OK : lex_indent(x, x->at - start);
}

static enum ptm_status lex_token(struct lexer *x)
{
    char c = x->s[x->at];
    if (is_alpha(c)) {
        size_t start = x->at;
        while (x->at < x->n && (is_alpha(x->s[x->at]) || is_digit(x->s[x->at])))
            x->at++;
        return add(x, TS_NAME, 0, start, x->at - start);
    }
    if (is_digit(c) || (c == '.' && x->at + 1 < x->n && is_digit(x->s[x->at + 1])))
        return lex_number(x);
    if (c == '"' || c == '\'')
        return lex_string(x);
    return lex_operator(x);
}

enum ptm_status ts_lex(struct ts_load *ld, struct ts_file *f)
{
    struct lexer x = {.ld = ld, .f = f, .s = f->text, .n = f->n, .line = 1};
    if (f->n > UINT32_MAX / 2)
        return lex_fail(&x, PTM_ERR_LIMIT, "source longer than 2 GiB");
    PTM_TRY(lex_line_start(&x));
    while (x.at < x.n) {
        char c = x.s[x.at];
        if (c == ' ' || c == '\r') {
            x.at++;
        } else if (c == '#') {
            while (x.at < x.n && x.s[x.at] != '\n')
                x.at++;
        } else if (c == '\n') {
            bool ends = !x.brackets && f->n_tok && f->tok[f->n_tok - 1].kind >= TS_NAME;
            if (ends)
                PTM_TRY(add(&x, TS_NEWLINE, 0, x.at, 1));
            x.at++;
            x.line++;
            if (!x.brackets)
                PTM_TRY(lex_line_start(&x));
        } else {
            PTM_TRY(lex_token(&x));
        }
    }
    if (x.brackets)
        return lex_fail(&x, PTM_ERR_FORMAT, "the file ends inside brackets");
    if (f->n_tok && f->tok[f->n_tok - 1].kind >= TS_NAME)
        PTM_TRY(add(&x, TS_NEWLINE, 0, x.at, 0));
    for (; x.n_indents; x.n_indents--)
        PTM_TRY(add(&x, TS_DEDENT, 0, x.at, 0));
    return add(&x, TS_EOF, 0, x.at, 0);
}

/* -- the parser's steps -- */

enum ptm_status ts_fail(struct ts_parser *ps, enum ptm_status code, const char *fmt, ...)
{
    char text[700];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return ptm_fail(ps->ld->err, code, "%s: line %u: %s", ps->file->name, (unsigned)ps->t->line,
                    text);
}

enum ptm_status ts_unexpected(struct ts_parser *ps, const char *wanted)
{
    const struct ts_token *t = ps->t;
    static const char *const names[] = {"the file's end", "the line's end", "an indentation",
                                        "the block's end"};
    if (t->kind < TS_NAME)
        return ts_fail(ps, PTM_ERR_FORMAT, "expected %s, found %s", wanted, names[t->kind]);
    return ts_fail(ps, PTM_ERR_FORMAT, "expected %s, found '%.*s'", wanted,
                   (int)(t->len < 60 ? t->len : 60), ts_text(ps, t));
}

const char *ts_text(const struct ts_parser *ps, const struct ts_token *t)
{
    return ps->file->text + t->at;
}

bool ts_is(const struct ts_parser *ps, uint8_t op)
{
    return ps->t->kind == TS_OP && ps->t->op == op;
}

bool ts_token_is(const struct ts_parser *ps, const struct ts_token *t, const char *word)
{
    size_t n = strlen(word);
    return t->kind == TS_NAME && t->len == n && !memcmp(ts_text(ps, t), word, n);
}

bool ts_is_word(const struct ts_parser *ps, const char *word)
{
    return ts_token_is(ps, ps->t, word);
}

bool ts_accept(struct ts_parser *ps, uint8_t op)
{
    if (!ts_is(ps, op))
        return false;
    ps->t++;
    return true;
}

bool ts_accept_word(struct ts_parser *ps, const char *word)
{
    if (!ts_is_word(ps, word))
        return false;
    ps->t++;
    return true;
}

enum ptm_status ts_expect(struct ts_parser *ps, uint8_t op)
{
    if (ts_accept(ps, op))
        return PTM_OK;
    char wanted[8] = {'\'', (char)op, '\''};
    return ts_unexpected(ps, op < 128 ? wanted : op == TS_ARROW ? "'->'" : "an operator");
}

enum ptm_status ts_expect_kind(struct ts_parser *ps, enum ts_kind kind)
{
    static const char *const names[] = {"the file's end",  "the line's end", "an indented block",
                                        "the block's end", "a name",         "an integer",
                                        "a number",        "a string",       "an operator"};
    if (ps->t->kind != kind)
        return ts_unexpected(ps, names[kind]);
    if (kind != TS_EOF)
        ps->t++;
    return PTM_OK;
}

enum ptm_status ts_enter(struct ts_parser *ps)
{
    if (++ps->depth > PTM_MAX_DEPTH)
        return ts_fail(ps, PTM_ERR_LIMIT, "the code nests deeper than %d", (int)PTM_MAX_DEPTH);
    return PTM_OK;
}

static size_t unescape(const char *s, size_t n, char *out)
{
    static const char from[] = "abfnrtv\\'\"", to[] = "\a\b\f\n\r\t\v\\'\"";
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] != '\\' || i + 1 == n) {
            out[k++] = s[i];
            continue;
        }
        char c = s[++i];
        const char *known = c ? strchr(from, c) : NULL;
        if (known) {
            out[k++] = to[known - from];
        } else if (c >= '0' && c <= '7') {
            int v = 0;
            size_t end = i + 3;
            for (; i < n && i < end && s[i] >= '0' && s[i] <= '7'; i++)
                v = v * 8 + (s[i] - '0');
            i--;
            out[k++] = (char)v;
        } else if (c == 'x' && i + 2 < n) {
            int v = 0;
            for (int d = 0; d < 2; d++) {
                char h = s[++i];
                int low = h | 32, letter = low >= 'a' && low <= 'f' ? low - 'a' + 10 : 0;
                v = v * 16 + (is_digit(h) ? h - '0' : letter);
            }
            out[k++] = (char)v;
        } else {
            out[k++] = '\\';
            out[k++] = c;
        }
    }
    return k;
}

enum ptm_status ts_string(struct ts_parser *ps, const struct ts_token *t, const char **s,
                          size_t *len)
{
    char *out = ptm_arena_alloc(&ps->ld->scratch, (size_t)t->len + 1);
    TS_NEED(ps->ld, out);
    *len = unescape(ts_text(ps, t) + 1, t->len - 2, out);
    *s = out;
    return PTM_OK;
}

enum ptm_status ts_dotted(struct ts_parser *ps, const char **s, size_t *len)
{
    const struct ts_token *first = ps->t;
    PTM_TRY(ts_expect_kind(ps, TS_NAME));
    while (ts_is(ps, '.') && ps->t[1].kind == TS_NAME)
        ps->t += 2;
    *s = ts_text(ps, first);
    *len = ps->t[-1].at + ps->t[-1].len - first->at;
    for (const struct ts_token *t = first; t + 1 < ps->t; t++)
        if (t->at + t->len != t[1].at)
            return ts_fail(ps, PTM_ERR_FORMAT, "a dotted name with spaces in it");
    return PTM_OK;
}
