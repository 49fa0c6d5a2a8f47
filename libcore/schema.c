/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The choice of an overload by the arguments of a call.
 *
 * PyTorch chooses by static types: every overload in turn without conversions,
 * then every overload with them. Here the values themselves are at hand, which
 * are at least as precise, and there are three rounds: exact; with PyTorch's
 * conversions (a tensor where a number is wanted); and with those that only
 * Python's front end makes (int to float, bool to int, a number to a list),
 * which also lets keyword-only arguments be given by position.
 */
#include "libcore/schema.h"

#include <stdlib.h>
#include <string.h>

#include "libcore/sym.h"

enum round { EXACT, CONVERT, LENIENT, N_ROUNDS };

struct bind {
    struct ptm_arena *a;
    const struct ptm_ival *arg;
    size_t n_pos;
    const char *const *kw;
    size_t n_kw;
    enum round round;
    bool by_position; /* an overload was named: bytecode passes everything by position */
};

/* -- values -- */

static bool is_int(struct ptm_ival v)
{
    return v.tag == PTM_INT || (v.tag == PTM_SYM && !ptm_sym_is_float(v.u.sym));
}

static bool is_float(struct ptm_ival v)
{
    return v.tag == PTM_FLOAT || (v.tag == PTM_SYM && ptm_sym_is_float(v.u.sym));
}

static bool fit_number(enum ptm_sty type, enum round r, struct ptm_ival *v)
{
    if (v->tag == PTM_TENSOR)
        return r >= CONVERT;
    switch (type) {
    case S_FLOAT:
        if (is_float(*v))
            return true;
        if (r < LENIENT || (v->tag != PTM_BOOL && !is_int(*v)))
            return false;
        if (v->tag == PTM_INT)
            *v = ptm_float((double)v->u.i);
        else if (v->tag == PTM_BOOL)
            *v = ptm_float(v->u.b);
        return true;
    case S_BOOL:
        return v->tag == PTM_BOOL || (r >= LENIENT && is_int(*v));
    case S_NUMBER:
        return is_int(*v) || is_float(*v) || (r >= CONVERT && v->tag == PTM_BOOL);
    default:
        if (r >= LENIENT && v->tag == PTM_BOOL)
            *v = ptm_int(v->u.b);
        return is_int(*v);
    }
}

/* One value against an element type; may convert it. */
static bool fit_one(enum ptm_sty type, enum round r, struct ptm_ival *v)
{
    switch (type) {
    case S_ANY:
    case S_T:
        return true;
    case S_TENSOR:
        return v->tag == PTM_TENSOR;
    case S_STR:
    case S_DEVICE:
        return v->tag == PTM_STR;
    case S_GENERATOR:
        return v->tag == PTM_OBJECT;
    case S_STORAGE:
        return v->tag == PTM_OBJECT || v->tag == PTM_TENSOR;
    case S_CLASS:
        return v->tag == PTM_OBJECT ||
               (r >= CONVERT && (v->tag == PTM_TUPLE || v->tag == PTM_DICT));
    default:
        return fit_number(type, r, v);
    }
}

/* An empty list says what it may hold, when that is known. */
static bool fit_empty(const struct ptm_sarg *s, enum round r, uint8_t elem)
{
    if (elem == PTM_NONE || r >= LENIENT || s->type == S_ANY || s->type == S_T)
        return true;
    switch (s->type) {
    case S_TENSOR:
        return elem == PTM_TENSOR;
    case S_INT:
        return elem == PTM_INT;
    case S_FLOAT:
        return elem == PTM_FLOAT;
    case S_BOOL:
        return elem == PTM_BOOL;
    case S_NUMBER:
        return elem == PTM_INT || elem == PTM_FLOAT;
    case S_STR:
        return elem == PTM_STR;
    default:
        return true;
    }
}

static bool repeat(struct bind *b, int n, struct ptm_ival *v)
{
    struct ptm_list *l = ptm_list_new(b->a, (size_t)n);
    for (int i = 0; l && i < n; i++)
        l->v[i] = *v;
    if (l)
        *v = (struct ptm_ival){.tag = PTM_LIST, .u.list = l};
    return l != NULL;
}

static bool fit_element(struct bind *b, const struct ptm_sarg *s, struct ptm_ival *e)
{
    if (!s->tuple)
        return fit_one(s->type, b->round, e);
    if (e->tag != PTM_TUPLE || !e->u.list->n)
        return false;
    struct ptm_ival first = e->u.list->v[0]; /* the type that aten.inc keeps of a tuple's */
    return fit_one(s->type, EXACT, &first);
}

static bool fit_list(struct bind *b, const struct ptm_sarg *s, struct ptm_ival *v)
{
    if (v->tag != PTM_LIST && v->tag != PTM_TUPLE) {
        if (v->tag == PTM_TENSOR && s->type != S_TENSOR)
            return false;
        if (!fit_one(s->type, s->fixed_n ? b->round : EXACT, v))
            return false;
        if (!s->fixed_n && b->round < LENIENT)
            return false;
        if (s->type == S_ANY || s->type == S_T)
            return false;
        return repeat(b, s->fixed_n ? s->fixed_n : 1, v);
    }
    const struct ptm_list *in = v->u.list;
    if (!in->n && v->tag == PTM_LIST)
        return fit_empty(s, b->round, in->elem);
    struct ptm_list *out = NULL;
    if (v->tag == PTM_TUPLE) {
        out = ptm_list_new(b->a, in->n);
        if (!out)
            return false;
    }
    for (size_t i = 0; i < in->n; i++) {
        struct ptm_ival e = in->v[i];
        if (e.tag == PTM_NONE && s->optional_elem) {
            if (out)
                out->v[i] = e;
            continue;
        }
        uint8_t tag = e.tag;
        if (!fit_element(b, s, &e))
            return false;
        if (e.tag != tag && !out) {
            out = ptm_list_new(b->a, in->n);
            if (!out)
                return false;
            memcpy(out->v, in->v, i * sizeof(*in->v));
        }
        if (out)
            out->v[i] = e;
    }
    if (out) {
        out->elem = out->n ? out->v[0].tag : in->elem;
        *v = (struct ptm_ival){.tag = PTM_LIST, .u.list = out};
    }
    return true;
}

static bool fit(struct bind *b, const struct ptm_sarg *s, struct ptm_ival *v)
{
    if (v->tag == PTM_NONE && (s->optional || s->type == S_ANY || s->type == S_T))
        return !s->list && !s->dict ? true : s->optional;
    if (v->tag == PTM_UNINIT)
        return s->type == S_ANY;
    if (s->list)
        return fit_list(b, s, v);
    if (s->dict) {
        if (v->tag != PTM_DICT)
            return false;
        struct ptm_ival key = v->u.dict->n ? v->u.dict->key[0] : ptm_none();
        return !v->u.dict->n || fit_one(s->type, EXACT, &key);
    }
    return fit_one(s->type, b->round, v);
}

/* -- defaults: "1", "0.5", "None", "[0, 0]", "\"mean\"" -- */

static struct ptm_ival default_number(const char *s, const char **end, enum ptm_sty type)
{
    char *e;
    long long i = strtoll(s, &e, 10);
    if (*e == '.' || *e == 'e' || type == S_FLOAT) {
        double f = strtod(s, &e);
        *end = e;
        return ptm_float(f);
    }
    *end = e;
    return ptm_int(i);
}

static struct ptm_ival default_str(struct ptm_arena *a, const char *s)
{
    char buf[32];
    size_t n = 0;
    for (s++; *s && *s != '"' && n < sizeof(buf); s++) {
        if (*s == '\\') {
            const char *at = strchr("n\nt\tf\fv\v\\\\\"\"''", *++s);
            buf[n++] = at ? at[1] : *s;
        } else {
            buf[n++] = *s;
        }
    }
    return ptm_str_ival(a, buf, n);
}

static struct ptm_ival default_value(struct ptm_arena *a, const struct ptm_sarg *s)
{
    const char *d = s->def;
    if (!strcmp(d, "None"))
        return ptm_none();
    if (!strcmp(d, "True") || !strcmp(d, "False"))
        return ptm_bool(*d == 'T');
    if (*d == '"')
        return default_str(a, d);
    if (*d != '[')
        return default_number(d, &d, s->type);
    struct ptm_list *l = ptm_list_new(a, 0);
    if (!l)
        return ptm_none();
    l->elem = s->type == S_INT ? PTM_INT : s->type == S_FLOAT ? PTM_FLOAT : PTM_NONE;
    for (d++; *d && *d != ']'; d += strspn(d, ", "))
        if (!ptm_list_append(a, l, default_number(d, &d, s->type)))
            return ptm_none();
    return (struct ptm_ival){.tag = PTM_LIST, .u.list = l};
}

/* -- one overload -- */

static const struct ptm_ival *keyword(const struct bind *b, const char *name)
{
    for (size_t i = 0; i < b->n_kw; i++)
        if (!strcmp(b->kw[i], name))
            return &b->arg[b->n_pos + i];
    return NULL;
}

static bool try_schema(struct bind *b, const struct ptm_schema *s, struct ptm_ival *out, size_t cap)
{
    size_t pos = 0, kw_used = 0;
    for (size_t i = 0; i < s->n_args; i++) {
        const struct ptm_sarg *arg = &s->arg[i];
        const struct ptm_ival *kw = keyword(b, arg->name);
        struct ptm_ival v;
        bool positional =
            !arg->kwarg_only || b->by_position || (b->round == LENIENT && !kw && !arg->write);
        if (pos < b->n_pos && positional) {
            if (kw)
                return false;
            v = b->arg[pos++];
        } else if (kw) {
            v = *kw;
            kw_used++;
        } else if (arg->has_default) {
            out[i].tag = PTM_UNINIT; /* filled in when the overload is chosen */
            continue;
        } else {
            return false;
        }
        if (!fit(b, arg, &v))
            return false;
        out[i] = v;
    }
    if (s->vararg && pos < b->n_pos) {
        if (b->n_pos - pos + s->n_args > cap)
            return false;
        memcpy(out + s->n_args, b->arg + pos, (b->n_pos - pos) * sizeof(*out));
        pos = b->n_pos;
    }
    return pos == b->n_pos && kw_used == b->n_kw;
}

/* -- messages -- */

struct text {
    char *s;
    size_t n, cap;
};

static void put(struct text *t, const char *s)
{
    size_t n = strlen(s);
    if (n > t->cap - 1 - t->n)
        n = t->cap - 1 - t->n;
    memcpy(t->s + t->n, s, n);
    t->n += n;
    t->s[t->n] = 0;
}

static void put_schema(struct text *t, const struct ptm_schema *s)
{
    put(t, s->name);
    put(t, *s->overload ? "." : "");
    put(t, s->overload);
    put(t, "(");
    for (size_t i = 0; i < s->n_args; i++) {
        const struct ptm_sarg *a = &s->arg[i];
        put(t, i ? ", " : "");
        put(t, a->kwarg_only && (!i || !s->arg[i - 1].kwarg_only) ? "*, " : "");
        put(t, a->dict ? "Dict." : a->tuple ? "Tuple." : "");
        put(t, ptm_schema_type_name(a->type));
        put(t, a->optional_elem ? "?" : "");
        if (a->list && a->fixed_n) {
            char n[16];
            snprintf(n, sizeof(n), "[%d]", a->fixed_n);
            put(t, n);
        } else if (a->list) {
            put(t, "[]");
        }
        put(t, a->optional ? "? " : " ");
        put(t, a->name);
        if (a->has_default) {
            put(t, "=");
            put(t, a->def);
        }
    }
    put(t, s->vararg ? s->n_args ? ", ...)" : "...)" : ")");
}

static enum ptm_status no_match(const struct bind *b, const char *name, const struct ptm_schema *s,
                                size_t n, struct ptm_err *err)
{
    char given[320], known[640], one[96];
    struct text g = {given, 0, sizeof(given)}, k = {known, 0, sizeof(known)};
    given[0] = known[0] = 0;
    for (size_t i = 0; i < b->n_pos + b->n_kw; i++) {
        put(&g, i ? ", " : "");
        if (i >= b->n_pos) {
            put(&g, b->kw[i - b->n_pos]);
            put(&g, "=");
        }
        put(&g, ptm_ival_describe(b->arg[i], one, sizeof(one)));
    }
    for (size_t i = 0; i < n && i < 3; i++) {
        put(&k, i ? "; " : "");
        put_schema(&k, &s[i]);
    }
    if (n > 3) {
        snprintf(one, sizeof(one), "; and %zu more", n - 3);
        put(&k, one);
    }
    return ptm_fail(err, PTM_ERR_TYPE, "%s does not take (%s); it is %s", name, given, known);
}

enum ptm_status ptm_schema_bind(struct ptm_arena *a, const char *name, const char *overload,
                                const struct ptm_ival *arg, size_t n_pos, const char *const *kw,
                                size_t n_kw, const struct ptm_schema **schema,
                                struct ptm_ival *out, size_t out_cap, struct ptm_err *err)
{
    size_t n;
    const struct ptm_schema *s = ptm_schemas_find(name, &n);
    if (!s && ptm_schema_exists(name))
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the schemas of %s", name);
    if (!s)
        return ptm_fail(err, PTM_ERR_UNSUPPORTED, "%s is not an operator that ptm knows", name);
    struct bind b = {.a = a, .arg = arg, .n_pos = n_pos, .kw = kw, .n_kw = n_kw};
    for (size_t i = 0; i < n && overload; i++)
        if (!strcmp(s[i].overload, overload)) {
            s += i;
            n = 1;
            b.by_position = true;
            break;
        }
    for (int r = EXACT; r < N_ROUNDS; r++) {
        b.round = (enum round)r;
        for (size_t i = 0; i < n; i++) {
            if (s[i].n_args > out_cap)
                return ptm_fail(err, PTM_ERR_LIMIT, "%s takes %d arguments, the limit is %zu", name,
                                s[i].n_args, out_cap);
            if (!try_schema(&b, &s[i], out, out_cap))
                continue;
            for (size_t k = 0; k < s[i].n_args; k++)
                if (out[k].tag == PTM_UNINIT && s[i].arg[k].has_default)
                    out[k] = default_value(a, &s[i].arg[k]);
            if (a->failed)
                break;
            *schema = &s[i];
            return PTM_OK;
        }
    }
    if (a->failed)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the arguments of %s", name);
    return no_match(&b, name, s, n, err);
}

/* -- operator versions -- */

const char *ptm_schema_upgrade(const char *name, const char *overload, int64_t op_version)
{
    static const struct {
        const char *name, *old;
        int64_t before;
    } upgrades[] = {
        {"aten::div", "ptm::div_0_3", 4},           {"aten::div_", "ptm::div_0_3_", 4},
        {"aten::full", "ptm::full_0_4", 5},         {"aten::linspace", "ptm::linspace_0_7", 8},
        {"aten::logspace", "ptm::logspace_0_8", 9}, {"aten::gelu", "ptm::gelu_0_9", 10},
        {"aten::gelu_", "ptm::gelu_0_9_", 10},
    };
    if (op_version <= 0)
        return NULL;
    for (size_t i = 0; i < PTM_LEN(upgrades); i++) {
        if (op_version >= upgrades[i].before || strcmp(upgrades[i].name, name))
            continue;
        size_t n;
        const struct ptm_schema *s = ptm_schemas_find(upgrades[i].old, &n);
        for (size_t k = 0; k < n; k++)
            if (!overload || !strcmp(s[k].overload, overload))
                return upgrades[i].old;
    }
    return NULL;
}
