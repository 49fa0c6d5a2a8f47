/* SPDX-License-Identifier: BSD-2-Clause */
/* Types as they are printed ("Optional[List[Tensor]]"), and the program's table of them. */
#include "formats/ts.h"

#include <string.h>

enum { MAX_SUBS = 4096, MAX_TYPES = 1 << 20 };

enum ptm_status ts_type_add(struct ts_load *ld, const struct ptm_tytype *t, uint32_t *out)
{
    size_t key_bytes = 8 + 4 * (size_t)t->n_sub;
    char *key = ptm_arena_alloc(&ld->scratch, key_bytes);
    TS_NEED(ld, key);
    key[0] = (char)t->kind;
    memcpy(key + 4, &t->cls, 4);
    if (t->n_sub)
        memcpy(key + 8, t->sub, 4 * (size_t)t->n_sub);
    if (ts_map_get(&ld->types, key, key_bytes, out))
        return PTM_OK;
    struct ptm_program *p = ld->p;
    if (p->n_types >= MAX_TYPES)
        return ptm_fail(ld->err, PTM_ERR_LIMIT, "more than %d types", (int)MAX_TYPES);
    PTM_TRY(ts_grow(ld, &ld->scratch, &p->type, &ld->cap_types, p->n_types, sizeof *p->type));
    struct ptm_tytype copy = *t;
    if (t->n_sub) {
        copy.sub = ptm_arena_copy(ld->arena, t->sub, 4 * (size_t)t->n_sub);
        TS_NEED(ld, copy.sub);
    }
    *out = p->n_types;
    p->type[p->n_types++] = copy;
    if (!ts_map_put(&ld->scratch, &ld->types, key, key_bytes, *out))
        return ptm_fail(ld->err, PTM_ERR_MEMORY, "no memory for the program");
    return PTM_OK;
}

/* Kinds by name; those with brackets: how many types go in (-1: any number). */
static const struct {
    const char *name;
    uint8_t kind;
    int n_sub;
} kinds[] = {
    {"Tensor", TY_TENSOR, 0},   {"int", TY_INT, 0},          {"float", TY_FLOAT, 0},
    {"bool", TY_BOOL, 0},       {"str", TY_STR, 0},          {"number", TY_NUMBER, 0},
    {"Scalar", TY_NUMBER, 0},   {"NoneType", TY_NONE, 0},    {"None", TY_NONE, 0},
    {"Device", TY_DEVICE, 0},   {"Any", TY_ANY, 0},          {"List", TY_LIST, 1},
    {"Dict", TY_DICT, 2},       {"Tuple", TY_TUPLE, -1},     {"Optional", TY_OPTIONAL, 1},
    {"Union", TY_UNION, -1},    {"Future", TY_FUTURE, 1},    {"Final", TY_OTHER, 1},
};

static enum ptm_status sub_types(struct ts_parser *ps, int want, struct ptm_tytype *t)
{
    uint32_t *sub = NULL;
    size_t n = 0, cap = 0;
    PTM_TRY(ts_expect(ps, '['));
    if (want < 0 && ts_is(ps, '(')) { /* Tuple[()] */
        ps->t++;
        PTM_TRY(ts_expect(ps, ')'));
        return ts_expect(ps, ']');
    }
    do {
        if (ts_is(ps, ']'))
            break;
        if (n == MAX_SUBS)
            return ts_fail(ps, PTM_ERR_LIMIT, "a type of more than %d parts", (int)MAX_SUBS);
        PTM_TRY(ts_grow(ps->ld, &ps->ld->scratch, &sub, &cap, n, sizeof *sub));
        PTM_TRY(ts_type(ps, &sub[n]));
        n++;
    } while (ts_accept(ps, ','));
    if (want >= 0 && n != (size_t)want)
        return ts_fail(ps, PTM_ERR_FORMAT, "a type of %zu parts, %d belong there", n, want);
    t->sub = sub;
    t->n_sub = (uint32_t)n;
    return ts_expect(ps, ']');
}

/* Something in brackets after a type that ptm does not look into. */
static enum ptm_status skip_brackets(struct ts_parser *ps)
{
    int depth = 0;
    do {
        if (ps->t->kind == TS_EOF || ps->t->kind == TS_NEWLINE)
            return ts_unexpected(ps, "']'");
        if (ps->t->kind == TS_OP)
            depth += ps->t->op == '[' ? 1 : ps->t->op == ']' ? -1 : 0;
        ps->t++;
    } while (depth);
    return PTM_OK;
}

static enum ptm_status class_type(struct ts_parser *ps, const char *s, size_t len,
                                  struct ptm_tytype *t)
{
    const struct ts_sym *sym = ts_symbol(ps->ld, s, len);
    t->kind = TY_CLASS;
    if (sym && sym->kind == SYM_CLASS) {
        t->cls = sym->index;
        return PTM_OK;
    }
    if (sym)
        return ts_fail(ps, PTM_ERR_FORMAT, "'%.*s' is not a type", (int)(len & 1023), s);
    return ts_extern_class(ps->ld, s, len, &t->cls);
}

/* isinstance(x, list) and the like: a container of anything. */
static bool bare_container(const char *s, size_t len, struct ptm_tytype *t)
{
    static const uint32_t any[2]; /* type 0 is Any */
    bool list = len == 4 && !memcmp(s, "list", 4), dict = len == 4 && !memcmp(s, "dict", 4);
    if (!list && !dict && (len != 5 || memcmp(s, "tuple", 5)))
        return false;
    t->kind = list ? TY_LIST : dict ? TY_DICT : TY_TUPLE;
    t->n_sub = list ? 1 : dict ? 2 : 0;
    t->sub = t->n_sub ? any : NULL;
    return true;
}

enum ptm_status ts_type(struct ts_parser *ps, uint32_t *out)
{
    const char *s;
    size_t len;
    struct ptm_tytype t = {.kind = TY_OTHER};
    PTM_TRY(ts_enter(ps));
    PTM_TRY(ts_dotted(ps, &s, &len));
    size_t i = 0;
    if (bare_container(s, len, &t)) {
        ps->depth--;
        return ts_type_add(ps->ld, &t, out);
    }
    while (i < PTM_LEN(kinds) &&
           (strlen(kinds[i].name) != len || memcmp(kinds[i].name, s, len)))
        i++;
    if (i < PTM_LEN(kinds)) {
        t.kind = kinds[i].kind;
        if (kinds[i].n_sub && (ts_is(ps, '[') || kinds[i].n_sub > 0))
            PTM_TRY(sub_types(ps, kinds[i].n_sub, &t));
    } else if (len > 10 && !memcmp(s, "__torch__.", 10)) {
        PTM_TRY(class_type(ps, s, len, &t));
    } else if (ts_is(ps, '[')) {
        PTM_TRY(skip_brackets(ps));
    }
    ps->depth--;
    return ts_type_add(ps->ld, &t, out);
}

enum ptm_status ts_type_from_text(struct ts_load *ld, const char *s, size_t len, uint32_t *out)
{
    struct ts_file f = {.name = "a type tag", .prefix = "", .text = s, .n = len};
    PTM_TRY(ts_lex(ld, &f));
    struct ts_parser ps = {.ld = ld, .file = &f, .t = f.tok};
    return ts_type(&ps, out);
}

uint8_t ts_type_tag(const struct ts_load *ld, uint32_t type)
{
    const struct ptm_tytype *t = &ld->p->type[type];
    switch (t->kind) {
    case TY_BOOL:
        return PTM_BOOL;
    case TY_INT:
        return PTM_INT;
    case TY_FLOAT:
        return PTM_FLOAT;
    case TY_STR:
    case TY_DEVICE:
        return PTM_STR;
    case TY_TENSOR:
        return PTM_TENSOR;
    case TY_LIST:
        return PTM_LIST;
    case TY_TUPLE:
        return PTM_TUPLE;
    case TY_DICT:
        return PTM_DICT;
    case TY_CLASS:
        return ld->p->cls[t->cls].is_namedtuple ? PTM_TUPLE : PTM_OBJECT;
    default:
        return PTM_NONE;
    }
}
