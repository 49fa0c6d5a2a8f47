/* SPDX-License-Identifier: BSD-2-Clause */
/* Values known while reading: numbers, default arguments, the table of constants. */
#include "formats/ts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CONSTANTS = 1 << 26 };

static bool has_prefix(const char *s, size_t len, const char *prefix)
{
    size_t n = strlen(prefix);
    return len >= n && !memcmp(s, prefix, n);
}

enum ptm_status ts_number(struct ts_parser *ps, bool negative, struct ptm_ival *out)
{
    const struct ts_token *t = ps->t++;
    const char *s = ts_text(ps, t);
    if (t->kind == TS_INT) {
        uint64_t v = 0, limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
        for (uint32_t i = 0; i < t->len; i++) {
            uint64_t d = (uint64_t)(s[i] - '0');
            if (v > (limit - d) / 10)
                return ts_fail(ps, PTM_ERR_FORMAT, "integer '%.*s' does not fit 64 bits",
                               (int)(t->len < 60 ? t->len : 60), s);
            v = v * 10 + d;
        }
        *out = ptm_int(negative ? (int64_t)(0 - v) : (int64_t)v);
        return PTM_OK;
    }
    char text[512];
    if (t->len >= sizeof text)
        return ts_fail(ps, PTM_ERR_FORMAT, "a number of %u digits", (unsigned)t->len);
    memcpy(text, s, t->len);
    text[t->len] = '\0';
    double v = strtod(text, NULL);
    *out = ptm_float(negative ? -v : v);
    return PTM_OK;
}

enum ptm_status ts_constant_ref(struct ts_parser *ps, const char *s, size_t len, uint32_t *out)
{
    uint64_t v = 0;
    if (!has_prefix(s, len, "CONSTANTS.c") || len < 12 || len > 21)
        return ts_fail(ps, PTM_ERR_FORMAT, "malformed constant '%.*s'",
                       (int)(len < 60 ? len : 60), s);
    for (size_t i = 11; i < len; i++) {
        if (s[i] < '0' || s[i] > '9')
            return ts_fail(ps, PTM_ERR_FORMAT, "malformed constant '%.*s'", (int)len, s);
        v = v * 10 + (uint64_t)(s[i] - '0');
    }
    if (v >= ps->ld->n_file_constants)
        return ts_fail(ps, PTM_ERR_FORMAT, "constant %llu of %u", (unsigned long long)v,
                       (unsigned)ps->ld->n_file_constants);
    *out = (uint32_t)v;
    return PTM_OK;
}

enum ptm_status ts_literal(struct ts_load *ld, struct ptm_ival v, uint32_t *out)
{
    size_t n = v.tag == PTM_STR ? v.u.str->len : sizeof v.u;
    if (n > PTRDIFF_MAX - 16)
        return ptm_fail(ld->err, PTM_ERR_LIMIT, "a string of %zu bytes", n);
    char small[24], *key = n + 1 <= sizeof small ? small : ptm_arena_alloc(&ld->scratch, n + 1);
    TS_NEED(ld, key);
    key[0] = (char)v.tag;
    if (v.tag == PTM_STR)
        memcpy(key + 1, v.u.str->s, n);
    else if (v.tag == PTM_NONE)
        n = 0;
    else if (v.tag == PTM_BOOL)
        memset(key + 1, v.u.b, n);
    else
        memcpy(key + 1, &v.u, n);
    if (ts_map_get(&ld->literals, key, n + 1, out))
        return PTM_OK;
    struct ptm_program *p = ld->p;
    if (p->n_constants >= MAX_CONSTANTS)
        return ptm_fail(ld->err, PTM_ERR_LIMIT, "more than %d constants", (int)MAX_CONSTANTS);
    PTM_TRY(ts_grow(ld, &ld->scratch, &p->constant, &ld->cap_constants, p->n_constants,
                    sizeof *p->constant));
    const char *kept = key == small ? ptm_arena_copy(&ld->scratch, key, n + 1) : key;
    TS_NEED(ld, kept);
    if (v.tag == PTM_STR) {
        v = ptm_str_ival(ld->arena, v.u.str->s, v.u.str->len);
        if (v.tag != PTM_STR)
            return ptm_fail(ld->err, PTM_ERR_MEMORY, "no memory for the program");
    }
    *out = p->n_constants;
    p->constant[p->n_constants++] = v;
    if (!ts_map_put(&ld->scratch, &ld->literals, kept, n + 1, *out))
        return ptm_fail(ld->err, PTM_ERR_MEMORY, "no memory for the program");
    return PTM_OK;
}

/* -- whole values: default arguments, enum members -- */

static enum ptm_status const_items(struct ts_parser *ps, uint8_t close, struct ptm_list **out,
                                   bool *comma)
{
    struct ptm_list *l = ptm_list_new(ps->ld->arena, 0);
    TS_NEED(ps->ld, l);
    *comma = false;
    while (!ts_is(ps, close)) {
        struct ptm_ival v;
        PTM_TRY(ts_const(ps, &v));
        if (!ptm_list_append(ps->ld->arena, l, v))
            return ptm_fail(ps->ld->err, PTM_ERR_MEMORY, "no memory for the program");
        if (!ts_accept(ps, ','))
            break;
        *comma = true;
    }
    *out = l;
    return ts_expect(ps, close);
}

static enum ptm_status const_dict(struct ts_parser *ps, struct ptm_ival *out)
{
    struct ptm_dict *d = ptm_dict_new(ps->ld->arena);
    TS_NEED(ps->ld, d);
    while (!ts_is(ps, '}')) {
        struct ptm_ival key, v;
        PTM_TRY(ts_const(ps, &key));
        PTM_TRY(ts_expect(ps, ':'));
        PTM_TRY(ts_const(ps, &v));
        if (!ptm_ival_is_scalar(key) || key.tag == PTM_NONE)
            return ts_fail(ps, PTM_ERR_FORMAT, "a dict key that is not a scalar");
        if (!ptm_dict_set(ps->ld->arena, d, key, v))
            return ptm_fail(ps->ld->err, PTM_ERR_MEMORY, "no memory for the program");
        if (!ts_accept(ps, ','))
            break;
    }
    *out = (struct ptm_ival){.tag = PTM_DICT, .u.dict = d};
    return ts_expect(ps, '}');
}

/* annotate(T, v), torch.device("cpu"), a named tuple's constructor, an enum's member */
static enum ptm_status const_named(struct ts_parser *ps, struct ptm_ival *out)
{
    struct ts_load *ld = ps->ld;
    const char *s;
    size_t len;
    uint32_t i;
    bool comma;
    struct ptm_list *items;
    PTM_TRY(ts_dotted(ps, &s, &len));
    if (len == 8 && !memcmp(s, "annotate", 8)) {
        uint32_t type;
        PTM_TRY(ts_expect(ps, '('));
        PTM_TRY(ts_type(ps, &type));
        PTM_TRY(ts_expect(ps, ','));
        PTM_TRY(ts_const(ps, out));
        if (out->tag == PTM_LIST && ld->p->type[type].kind == TY_LIST)
            out->u.list->elem = ts_type_tag(ld, ld->p->type[type].sub[0]);
        return ts_expect(ps, ')');
    }
    if (len == 12 && !memcmp(s, "torch.device", 12)) {
        PTM_TRY(ts_expect(ps, '('));
        PTM_TRY(ts_const(ps, out));
        return ts_expect(ps, ')');
    }
    if (has_prefix(s, len, "CONSTANTS.")) {
        PTM_TRY(ts_constant_ref(ps, s, len, &i));
        *out = ld->p->constant[i];
        return PTM_OK;
    }
    const struct ts_sym *sym = ts_symbol(ld, s, len);
    if (sym && sym->kind == SYM_MEMBER) {
        *out = (struct ptm_ival){.tag = PTM_OBJECT, .u.object = ld->member[sym->index]};
        return PTM_OK;
    }
    if (sym && sym->kind == SYM_CLASS && ld->p->cls[sym->index].is_namedtuple) {
        const struct ptm_class *c = &ld->p->cls[sym->index];
        PTM_TRY(ts_expect(ps, '('));
        PTM_TRY(const_items(ps, ')', &items, &comma));
        if (items->n != c->n_attrs)
            return ts_fail(ps, PTM_ERR_FORMAT, "'%s' of %zu values, it has %u fields", c->qualname,
                           items->n, (unsigned)c->n_attrs);
        items->names = c->attr_name;
        *out = (struct ptm_ival){.tag = PTM_TUPLE, .u.list = items};
        return PTM_OK;
    }
    return ts_fail(ps, PTM_ERR_UNSUPPORTED, "'%.*s' as a constant",
                   (int)(len < 200 ? len : 200), s);
}

static enum ptm_status const_atom(struct ts_parser *ps, struct ptm_ival *out)
{
    struct ts_load *ld = ps->ld;
    bool negative = ts_accept(ps, '-'), comma;
    const struct ts_token *t = ps->t;
    struct ptm_list *items;
    if (t->kind == TS_INT || t->kind == TS_FLOAT)
        return ts_number(ps, negative, out);
    if (ts_accept_word(ps, "inf")) {
        *out = ptm_float(negative ? -(double)INFINITY : (double)INFINITY);
        return PTM_OK;
    }
    if (ts_accept_word(ps, "nan")) {
        *out = ptm_float((double)NAN);
        return PTM_OK;
    }
    if (negative)
        return ts_unexpected(ps, "a number");
    if (t->kind == TS_STR) {
        const char *s;
        size_t len;
        ps->t++;
        PTM_TRY(ts_string(ps, t, &s, &len));
        *out = ptm_str_ival(ld->arena, s, len);
        if (out->tag != PTM_STR)
            return ptm_fail(ld->err, PTM_ERR_MEMORY, "no memory for the program");
        return PTM_OK;
    }
    if (ts_accept(ps, '[')) {
        PTM_TRY(const_items(ps, ']', &items, &comma));
        *out = (struct ptm_ival){.tag = PTM_LIST, .u.list = items};
        if (items->n)
            items->elem = items->v[0].tag;
        for (size_t i = 1; i < items->n; i++)
            if (items->v[i].tag != items->elem)
                items->elem = PTM_NONE;
        return PTM_OK;
    }
    if (ts_accept(ps, '(')) {
        PTM_TRY(const_items(ps, ')', &items, &comma));
        *out = (struct ptm_ival){.tag = PTM_TUPLE, .u.list = items};
        if (items->n == 1 && !comma)
            *out = items->v[0];
        return PTM_OK;
    }
    if (ts_accept(ps, '{'))
        return const_dict(ps, out);
    if (ts_is_word(ps, "True") || ts_is_word(ps, "False")) {
        *out = ptm_bool(ts_is_word(ps, "True"));
        ps->t++;
        return PTM_OK;
    }
    if (ts_accept_word(ps, "None")) {
        *out = ptm_none();
        return PTM_OK;
    }
    if (t->kind == TS_NAME)
        return const_named(ps, out);
    return ts_unexpected(ps, "a constant");
}

enum ptm_status ts_const(struct ts_parser *ps, struct ptm_ival *out)
{
    PTM_TRY(ts_enter(ps));
    PTM_TRY(const_atom(ps, out));
    ps->depth--;
    return PTM_OK;
}
