/* SPDX-License-Identifier: BSD-2-Clause */
/* Values as text, their equality and their order: what str, list and dict operators share. */
#include "libcore/lower_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "libcore/program.h"
#include "libcore/sym.h"

enum { MAX_NESTING = 64 };

void ptm_text_add(struct ptm_text *b, const char *s, size_t n)
{
    void *p = b->s;
    if (n > PTM_MAX_STR - b->n)
        ptm_trace_fail(b->t, PTM_ERR_LIMIT, "a string of %zu bytes, the limit is %d", b->n + n,
                       PTM_MAX_STR);
    if (!n || ptm_trace_failed(b->t) ||
        !ptm_arena_grow(ptm_trace_arena(b->t), &p, &b->cap, b->n + n, 1))
        return;
    b->s = p;
    memcpy(b->s + b->n, s, n);
    b->n += n;
}

static void add(struct ptm_text *b, const char *s)
{
    ptm_text_add(b, s, strlen(s));
}

struct ptm_ival ptm_text_str(struct ptm_text *b)
{
    return ptm_str_ival(ptm_trace_arena(b->t), b->s, b->n);
}

/* As PyTorch's IValue prints: "1." for whole numbers, else 17 digits. */
static void add_float(struct ptm_text *b, double d)
{
    char buf[40];
    if (fabs(d) < 0x1p63 && d == trunc(d))
        snprintf(buf, sizeof(buf), "%lld.", (long long)d); /* -0.0 is "0." */
    else if (isnan(d))
        snprintf(buf, sizeof(buf), "%snan", signbit(d) ? "-" : "");
    else
        snprintf(buf, sizeof(buf), "%.17g", d);
    add(b, buf);
}

static void add_value(struct ptm_text *b, struct ptm_ival v, int depth)
{
    char buf[160];
    if (!ptm_trace_spend(b->t, 1))
        return;
    switch (v.tag) {
    case PTM_NONE:
        add(b, "None");
        break;
    case PTM_BOOL:
        add(b, v.u.b ? "True" : "False");
        break;
    case PTM_INT:
        snprintf(buf, sizeof(buf), "%lld", (long long)v.u.i);
        add(b, buf);
        break;
    case PTM_FLOAT:
        add_float(b, v.u.f);
        break;
    case PTM_STR:
        ptm_text_add(b, v.u.str->s, v.u.str->len);
        break;
    case PTM_LIST:
    case PTM_TUPLE:
        if (depth > MAX_NESTING) {
            add(b, "...");
            break;
        }
        add(b, v.tag == PTM_LIST ? "[" : "(");
        for (size_t i = 0; i < v.u.list->n; i++) {
            add(b, i ? ", " : "");
            add_value(b, v.u.list->v[i], depth + 1);
        }
        add(b, v.tag == PTM_LIST ? "]" : v.u.list->n == 1 ? ",)" : ")");
        break;
    case PTM_DICT:
        if (depth > MAX_NESTING) {
            add(b, "...");
            break;
        }
        add(b, "{");
        for (size_t i = 0; i < v.u.dict->n; i++) {
            add(b, i ? ", " : "");
            add_value(b, v.u.dict->key[i], depth + 1);
            add(b, ": ");
            add_value(b, v.u.dict->v[i], depth + 1);
        }
        add(b, "}");
        break;
    case PTM_OBJECT:
        add(b, "<");
        add(b, v.u.object->cls ? v.u.object->cls->qualname : "object");
        add(b, " object>");
        break;
    default: /* tensors: their type, not their data, which only a run knows */
        add(b, ptm_ival_describe(v, buf, sizeof(buf)));
        break;
    }
}

void ptm_text_value(struct ptm_text *b, struct ptm_ival v)
{
    add_value(b, v, 0);
}

/* Symbols inside containers become known too. */
static struct ptm_ival known(struct ptm_trace *t, struct ptm_ival v, int depth)
{
    if (v.tag == PTM_SYM)
        return ptm_scalar_known(t, v);
    if ((v.tag != PTM_LIST && v.tag != PTM_TUPLE) || depth > MAX_NESTING ||
        !ptm_trace_spend(t, 1))
        return v;
    bool any = false;
    for (size_t i = 0; i < v.u.list->n; i++) {
        uint8_t tag = v.u.list->v[i].tag;
        any |= tag == PTM_SYM || tag == PTM_LIST || tag == PTM_TUPLE;
    }
    if (!any)
        return v;
    struct ptm_list *l = ptm_list_new(ptm_trace_arena(t), v.u.list->n);
    if (!l)
        return v;
    for (size_t i = 0; i < l->n; i++)
        l->v[i] = known(t, v.u.list->v[i], depth + 1);
    return (struct ptm_ival){.tag = v.tag, .u.list = l};
}

struct ptm_ival ptm_value_str(struct ptm_trace *t, struct ptm_ival v)
{
    if (v.tag == PTM_STR)
        return v;
    struct ptm_text b = {.t = t};
    ptm_text_value(&b, known(t, v, 0));
    return ptm_text_str(&b);
}

static bool is_number(struct ptm_ival v)
{
    return v.tag == PTM_BOOL || v.tag == PTM_INT || v.tag == PTM_FLOAT || v.tag == PTM_SYM;
}

static bool equal(struct ptm_trace *t, struct ptm_ival a, struct ptm_ival b, int depth)
{
    if (!ptm_trace_spend(t, 1))
        return false;
    if ((a.tag == PTM_SYM || b.tag == PTM_SYM) && is_number(a) && is_number(b))
        return ptm_scalar_cmp(t, PTM_EQ, a, b);
    if (a.tag == PTM_TENSOR && b.tag == PTM_TENSOR) {
        if (a.u.tensor == b.u.tensor)
            return true;
        struct ptm_ival pair[] = {a, b};
        return ptm_arg_bool(t, ptm_call(t, "aten::equal", 2, pair));
    }
    if (a.tag == b.tag && (a.tag == PTM_LIST || a.tag == PTM_TUPLE)) {
        if (a.u.list->n != b.u.list->n || depth > MAX_NESTING)
            return false;
        for (size_t i = 0; i < a.u.list->n; i++)
            if (!equal(t, a.u.list->v[i], b.u.list->v[i], depth + 1))
                return false;
        return true;
    }
    return ptm_ival_equal(a, b);
}

bool ptm_value_equal(struct ptm_trace *t, struct ptm_ival a, struct ptm_ival b)
{
    return equal(t, a, b, 0);
}

static int order(struct ptm_trace *t, struct ptm_ival a, struct ptm_ival b, int depth)
{
    if (!ptm_trace_spend(t, 1))
        return 0;
    if (is_number(a) && is_number(b)) {
        if (ptm_scalar_cmp(t, PTM_LT, a, b))
            return -1;
        return ptm_scalar_cmp(t, PTM_EQ, a, b) ? 0 : 1;
    }
    if (a.tag == PTM_STR && b.tag == PTM_STR) {
        size_t n = a.u.str->len < b.u.str->len ? a.u.str->len : b.u.str->len;
        int c = n ? memcmp(a.u.str->s, b.u.str->s, n) : 0;
        return c ? c : (a.u.str->len > b.u.str->len) - (a.u.str->len < b.u.str->len);
    }
    if (a.tag == b.tag && (a.tag == PTM_TUPLE || a.tag == PTM_LIST) && depth < MAX_NESTING) {
        for (size_t i = 0; i < a.u.list->n && i < b.u.list->n; i++) {
            int c = order(t, a.u.list->v[i], b.u.list->v[i], depth + 1);
            if (c)
                return c;
        }
        return (a.u.list->n > b.u.list->n) - (a.u.list->n < b.u.list->n);
    }
    char x[96], y[96];
    ptm_trace_fail(t, PTM_ERR_TYPE, "%s and %s have no order", ptm_ival_describe(a, x, sizeof(x)),
                   ptm_ival_describe(b, y, sizeof(y)));
    return 0;
}

int ptm_value_order(struct ptm_trace *t, struct ptm_ival a, struct ptm_ival b)
{
    return order(t, a, b, 0);
}
