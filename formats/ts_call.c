/* SPDX-License-Identifier: BSD-2-Clause */
/* Names in expressions, and what they call: variables, operators, functions, classes, built-ins. */
#include "formats/ts.h"

#include <math.h>
#include <string.h>

static const struct ts_val no_val = {PTM_NO_REG, PTM_NO_REG, PTM_NO_REG, PTM_NO_REG};

/* Built-ins that are printed bare. */
static const struct {
    const char *name, *ns, *op;
} builtins[] = {
    {"int", "aten", "Int"},         {"float", "aten", "Float"},   {"bool", "aten", "Bool"},
    {"str", "aten", "str"},         {"len", "aten", "len"},       {"print", "prim", "Print"},
    {"sorted", "aten", "sorted"},   {"min", "prim", "min"},       {"max", "prim", "max"},
    {"abs", "prim", "abs"},         {"all", "aten", "all"},       {"any", "aten", "any"},
    {"divmod", "aten", "divmod"},   {"list", "aten", "list"},     {"dict", "aten", "dict"},
    {"ord", "aten", "ord"},         {"chr", "aten", "chr"},       {"bin", "aten", "bin"},
    {"hex", "aten", "hex"},         {"oct", "aten", "oct"},       {"round", "aten", "round"},
    {"hash", "aten", "hash"},       {"sum", "aten", "sum"},       {"complex", "aten", "Complex"},
};

static bool starts_with(const char *s, size_t len, const char *prefix)
{
    size_t n = strlen(prefix);
    return len > n && !memcmp(s, prefix, n);
}

static bool equals(const char *s, size_t len, const char *word)
{
    return len == strlen(word) && !memcmp(s, word, len);
}

/* -- operators -- */

/* ops.prim.RaiseException(message[, "builtins.ValueError"]) */
static enum ptm_status raise_exception(struct ts_parser *ps, const struct ts_token *tok,
                                       struct ts_val *val)
{
    struct ts_load *ld = ps->ld;
    struct ts_emit e = {.op = P_RAISE, .tok = tok, .out = PTM_NO_REG, .a = PTM_NO_REG};
    struct ts_val message, cls;
    e.list = ld->fn.n_list;
    PTM_TRY(ts_expect(ps, '('));
    PTM_TRY(ts_expr(ps, PTM_NO_REG, &message));
    PTM_TRY(ts_push(ld, message.reg));
    if (ts_accept(ps, ',') && !ts_is(ps, ')')) {
        PTM_TRY(ts_expr(ps, PTM_NO_REG, &cls));
        const struct ptm_ival *v =
            cls.constant != PTM_NO_REG ? &ld->p->constant[cls.constant] : NULL;
        if (v && v->tag == PTM_STR)
            PTM_TRY(ts_name_id(ld, v->u.str->s, v->u.str->len, &e.a));
        ts_accept(ps, ',');
    }
    PTM_TRY(ts_expect(ps, ')'));
    PTM_TRY(ts_emit(ps, &e));
    /* its own value, None, is never used */
    return ts_emit_const(ps, tok, PTM_NO_REG, ptm_none(), val);
}

static enum ptm_status call_op(struct ts_parser *ps, const struct ts_token *tok, const char *ns,
                               const char *name, size_t len, uint32_t dest, struct ts_val *val)
{
    struct ts_load *ld = ps->ld;
    struct ts_emit e = {.op = P_OP, .tok = tok, .list = ld->fn.n_list};
    if (!ts_is(ps, '('))
        return ts_unexpected(ps, "the operator's arguments");
    if (!strcmp(ns, "prim") && equals(name, len, "RaiseException"))
        return raise_exception(ps, tok, val);
    PTM_TRY(ts_args(ps, &e.n_kw));
    *val = no_val;
    e.out = val->reg = ts_dest(ld, dest);
    bool one = ld->fn.n_list - e.list == 1 && !e.n_kw;
    if (one && !strcmp(ns, "aten") && equals(name, len, "wait")) {
        e.op = P_COPY; /* forked functions have run by now */
        return ts_emit(ps, &e);
    }
    if (one && !strcmp(ns, "aten") && equals(name, len, "device")) {
        e.op = P_COPY; /* devices are strings */
        return ts_emit(ps, &e);
    }
    PTM_TRY(ts_op_id(ld, ns, name, len, &e.a));
    return ts_emit(ps, &e);
}

/* torch.add  torch.autograd.grad  ops.prim.device */
static enum ptm_status operator_path(struct ts_parser *ps, const struct ts_token *tok,
                                     const char *s, size_t len, uint32_t dest, struct ts_val *val)
{
    if (starts_with(s, len, "torch.")) {
        const char *name = s + len;
        while (name[-1] != '.')
            name--;
        return call_op(ps, tok, "aten", name, (size_t)(s + len - name), dest, val);
    }
    char ns[64];
    const char *dot = memchr(s + 4, '.', len - 4);
    if (!dot || (size_t)(dot - s) - 4 >= sizeof ns)
        return ts_fail(ps, PTM_ERR_FORMAT, "malformed operator '%.*s'", (int)(len & 1023), s);
    memcpy(ns, s + 4, (size_t)(dot - s) - 4);
    ns[dot - s - 4] = '\0';
    return call_op(ps, tok, ns, dot + 1, (size_t)(s + len - dot) - 1, dest, val);
}

/* -- functions and classes -- */

static enum ptm_status call_function(struct ts_parser *ps, const struct ts_token *tok, uint32_t fn,
                                     uint32_t dest, struct ts_val *val)
{
    struct ts_emit e = {.op = P_CALL, .tok = tok, .list = ps->ld->fn.n_list, .a = fn};
    *val = no_val;
    if (!ts_is(ps, '(')) {
        val->fn = fn;
        return PTM_OK;
    }
    PTM_TRY(ts_args(ps, &e.n_kw));
    e.out = val->reg = ts_dest(ps->ld, dest);
    return ts_emit(ps, &e);
}

static bool is_op(const struct ts_token *t, uint8_t op)
{
    return t->kind == TS_OP && t->op == op;
}

/* "x = X.__new__(X)" is followed by "_1 = (x).__init__(args, )": one P_NEW does both. False:
 * something else follows (the call was inlined), the object alone is made. */
static bool init_follows(const struct ts_parser *ps, const struct ts_token *tok)
{
    const struct ts_token *t = ps->t, *name = tok - 2;
    if (tok - ps->file->tok < 2 || !is_op(tok - 1, '=') || name->kind != TS_NAME)
        return false;
    return t->kind == TS_NEWLINE && t[1].kind == TS_NAME && is_op(t + 2, '=') &&
           is_op(t + 3, '(') && t[4].kind == TS_NAME && t[4].len == name->len &&
           !memcmp(ts_text(ps, t + 4), ts_text(ps, name), name->len) && is_op(t + 5, ')') &&
           is_op(t + 6, '.') && ts_token_is(ps, t + 7, "__init__") && is_op(t + 8, '(');
}

/* The rest of such a pair; the parser stands at the first line's end. */
static enum ptm_status new_with_init(struct ts_parser *ps, const struct ts_token *tok, uint32_t cls,
                                     struct ts_val *val)
{
    struct ts_load *ld = ps->ld;
    struct ts_emit e = {.op = P_NEW, .tok = tok, .out = val->reg, .list = ld->fn.n_list, .a = cls};
    const struct ts_token *unused = ps->t + 1;
    struct ts_val none;
    struct ts_var *v;
    ps->t += 8;
    PTM_TRY(ts_args(ps, &e.n_kw));
    PTM_TRY(ts_emit(ps, &e));
    PTM_TRY(ts_new_reg(ld, NULL, &e.out));
    PTM_TRY(ts_emit_const(ps, unused, e.out, ptm_none(), &none));
    return ts_new_var(ld, ts_text(ps, unused), unused->len, none.reg, &v);
}

/* X.__new__(X) */
static enum ptm_status new_object(struct ts_parser *ps, const struct ts_token *tok, uint32_t cls,
                                  uint32_t dest, struct ts_val *val)
{
    const char *s;
    size_t len;
    PTM_TRY(ts_expect(ps, '('));
    PTM_TRY(ts_dotted(ps, &s, &len));
    PTM_TRY(ts_expect(ps, ')'));
    *val = no_val;
    val->cls = cls;
    val->reg = ts_dest(ps->ld, dest);
    if (init_follows(ps, tok))
        return new_with_init(ps, tok, cls, val);
    return ts_emit1(ps, P_NEW, tok, val->reg, PTM_NO_REG, cls, 1);
}

/* X(args): a named tuple, or an object with its __init__. */
static enum ptm_status construct(struct ts_parser *ps, const struct ts_token *tok, uint32_t cls,
                                 uint32_t dest, struct ts_val *val)
{
    struct ts_emit e = {.op = P_NEW, .tok = tok, .list = ps->ld->fn.n_list, .a = cls};
    PTM_TRY(ts_args(ps, &e.n_kw));
    *val = no_val;
    val->cls = cls;
    e.out = val->reg = ts_dest(ps->ld, dest);
    return ts_emit(ps, &e);
}

static enum ptm_status torch_path(struct ts_parser *ps, const struct ts_token *tok, const char *s,
                                  size_t len, uint32_t dest, struct ts_val *val)
{
    static const char new_word[] = ".__new__";
    struct ts_load *ld = ps->ld;
    const struct ts_sym *sym = ts_symbol(ld, s, len);
    if (sym && sym->kind == SYM_FN)
        return call_function(ps, tok, sym->index, dest, val);
    if (sym && sym->kind == SYM_CLASS)
        return construct(ps, tok, sym->index, dest, val);
    if (sym) {
        struct ptm_ival v = {.tag = PTM_OBJECT, .u.object = ld->member[sym->index]};
        return ts_emit_const(ps, tok, dest, v, val);
    }
    size_t n = sizeof new_word - 1;
    if (len > n && !memcmp(s + len - n, new_word, n)) {
        sym = ts_symbol(ld, s, len - n);
        if (sym && sym->kind == SYM_CLASS)
            return new_object(ps, tok, sym->index, dest, val);
    }
    /* X.method(self, args): files before PyTorch 1.5 */
    const char *dot = s + len;
    while (dot > s && *--dot != '.')
        ;
    sym = ts_symbol(ld, s, (size_t)(dot - s));
    if (sym && sym->kind == SYM_CLASS) {
        const struct ptm_class *c = &ld->p->cls[sym->index];
        for (uint32_t i = 0; i < c->n_methods; i++) {
            const char *name = ld->p->fn[c->method[i]].name;
            if (equals(dot + 1, (size_t)(s + len - dot) - 1, name))
                return call_function(ps, tok, c->method[i], dest, val);
        }
    }
    return ts_fail(ps, PTM_ERR_FORMAT, "'%.*s' is not defined in code/",
                   (int)(len < 300 ? len : 300), s);
}

/* -- forms that take types, and getattr, fork -- */

static enum ptm_status annotate(struct ts_parser *ps, const struct ts_token *tok, uint32_t dest,
                                struct ts_val *val)
{
    struct ts_load *ld = ps->ld;
    uint32_t type;
    PTM_TRY(ts_expect(ps, '('));
    PTM_TRY(ts_type(ps, &type));
    PTM_TRY(ts_expect(ps, ','));
    PTM_TRY(ts_expr(ps, PTM_NO_REG, val));
    PTM_TRY(ts_expect(ps, ')'));
    size_t list = ld->fn.n_list;
    PTM_TRY(ts_push(ld, val->reg));
    uint8_t kind = ld->p->type[type].kind;
    /* of numbers torch prints it for implicit conversions of tensors, and nothing else */
    if (kind == TY_INT || kind == TY_FLOAT || kind == TY_NUMBER) {
        const char *name = kind == TY_INT     ? "IntImplicit"
                           : kind == TY_FLOAT ? "FloatImplicit"
                                              : "ScalarImplicit";
        if (val->constant == PTM_NO_REG)
            return ts_emit_op(ps, tok, "aten", name, list, dest, val);
    }
    *val = no_val;
    struct ts_emit e = {.op = P_ANNOTATE, .tok = tok, .list = list, .a = type};
    e.out = val->reg = ts_dest(ld, dest);
    return ts_emit(ps, &e);
}

static enum ptm_status unchecked_cast(struct ts_parser *ps, const struct ts_token *tok,
                                      uint32_t dest, struct ts_val *val)
{
    uint32_t type, x;
    PTM_TRY(ts_expect(ps, '('));
    PTM_TRY(ts_type(ps, &type));
    PTM_TRY(ts_expect(ps, ','));
    PTM_TRY(ts_expr(ps, PTM_NO_REG, val));
    PTM_TRY(ts_expect(ps, ')'));
    x = val->reg;
    *val = no_val;
    val->reg = ts_dest(ps->ld, dest);
    return ts_emit1(ps, P_CHECKCAST, tok, val->reg, x, type, 0);
}

static enum ptm_status uninitialized(struct ts_parser *ps, const struct ts_token *tok,
                                     uint32_t dest, struct ts_val *val)
{
    uint32_t type;
    PTM_TRY(ts_expect(ps, '('));
    PTM_TRY(ts_type(ps, &type));
    PTM_TRY(ts_expect(ps, ')'));
    *val = no_val;
    val->reg = ts_dest(ps->ld, dest);
    return ts_emit1(ps, P_UNINIT, tok, val->reg, PTM_NO_REG, type, 0);
}

/* isinstance(x, T), isinstance(x, (T, U)) */
static enum ptm_status is_instance(struct ts_parser *ps, const struct ts_token *tok, uint32_t dest,
                                   struct ts_val *val)
{
    uint32_t sub[64], type, x;
    struct ptm_tytype any_of = {.kind = TY_UNION, .sub = sub};
    PTM_TRY(ts_expect(ps, '('));
    PTM_TRY(ts_expr(ps, PTM_NO_REG, val));
    PTM_TRY(ts_expect(ps, ','));
    x = val->reg;
    uint8_t close = ts_accept(ps, '(') ? ')' : ts_accept(ps, '[') ? ']' : 0;
    if (!close) {
        PTM_TRY(ts_type(ps, &type));
    } else {
        while (!ts_is(ps, close)) {
            if (any_of.n_sub == PTM_LEN(sub))
                return ts_fail(ps, PTM_ERR_LIMIT, "isinstance of more than 64 types");
            PTM_TRY(ts_type(ps, &sub[any_of.n_sub++]));
            if (!ts_accept(ps, ','))
                break;
        }
        PTM_TRY(ts_expect(ps, close));
        PTM_TRY(ts_type_add(ps->ld, &any_of, &type));
    }
    PTM_TRY(ts_expect(ps, ')'));
    *val = no_val;
    val->reg = ts_dest(ps->ld, dest);
    return ts_emit1(ps, P_ISINSTANCE, tok, val->reg, x, type, 0);
}

/* getattr(x, "0") */
static enum ptm_status get_attribute(struct ts_parser *ps, const struct ts_token *tok,
                                     uint32_t dest, struct ts_val *val)
{
    const char *s;
    size_t len;
    uint32_t name, x;
    PTM_TRY(ts_expect(ps, '('));
    PTM_TRY(ts_expr(ps, PTM_NO_REG, val));
    PTM_TRY(ts_expect(ps, ','));
    x = val->reg;
    PTM_TRY(ts_expect_kind(ps, TS_STR));
    PTM_TRY(ts_string(ps, ps->t - 1, &s, &len));
    PTM_TRY(ts_expect(ps, ')'));
    PTM_TRY(ts_name_id(ps->ld, s, len, &name));
    *val = no_val;
    val->reg = ts_dest(ps->ld, dest);
    return ts_emit1(ps, P_GETATTR, tok, val->reg, x, name, 0);
}

/* fork(f): f is a nested function that ran where it was defined; its name holds the result. */
static enum ptm_status fork_call(struct ts_parser *ps, struct ts_val *val)
{
    PTM_TRY(ts_expect(ps, '('));
    const struct ts_var *v = ps->t->kind == TS_NAME ? ts_var(ps->ld, ts_text(ps, ps->t), ps->t->len)
                                                    : NULL;
    if (!v || v->fn != PTM_NO_REG)
        return ts_fail(ps, PTM_ERR_UNSUPPORTED, "fork of something not a nested function");
    ps->t++;
    *val = no_val;
    val->reg = v->reg;
    return ts_expect(ps, ')');
}

typedef enum ptm_status form(struct ts_parser *, const struct ts_token *, uint32_t,
                             struct ts_val *);
static const struct {
    const char *name;
    form *parse;
} forms[] = {
    {"annotate", annotate},           {"unchecked_cast", unchecked_cast},
    {"uninitialized", uninitialized}, {"isinstance", is_instance},
    {"getattr", get_attribute},
};

/* -- bare names -- */

static bool literal_word(const struct ts_parser *ps, struct ptm_ival *v)
{
    if (ts_is_word(ps, "True") || ts_is_word(ps, "False"))
        *v = ptm_bool(ts_is_word(ps, "True"));
    else if (ts_is_word(ps, "None"))
        *v = ptm_none();
    else if (ts_is_word(ps, "inf"))
        *v = ptm_float((double)INFINITY);
    else if (ts_is_word(ps, "nan"))
        *v = ptm_float((double)NAN);
    else
        return false;
    return true;
}

static enum ptm_status called_name(struct ts_parser *ps, uint32_t dest, struct ts_val *val)
{
    const struct ts_token *tok = ps->t++;
    for (size_t i = 0; i < PTM_LEN(forms); i++)
        if (ts_token_is(ps, tok, forms[i].name))
            return forms[i].parse(ps, tok, dest, val);
    for (size_t i = 0; i < PTM_LEN(builtins); i++)
        if (ts_token_is(ps, tok, builtins[i].name))
            return call_op(ps, tok, builtins[i].ns, builtins[i].op, strlen(builtins[i].op), dest,
                           val);
    if (ts_token_is(ps, tok, "fork"))
        return fork_call(ps, val);
    ps->t--;
    return ts_fail(ps, PTM_ERR_UNSUPPORTED, "calls '%.*s', which is not known",
                   (int)(tok->len & 255), ts_text(ps, tok));
}

enum ptm_status ts_atom_name(struct ts_parser *ps, uint32_t dest, struct ts_val *val)
{
    struct ts_load *ld = ps->ld;
    const struct ts_token *tok = ps->t;
    const struct ts_var *v = ts_var(ld, ts_text(ps, tok), tok->len);
    struct ptm_ival literal;
    *val = no_val;
    if (v) { /* a variable may have the name of a built-in */
        val->reg = v->reg;
        val->fn = v->fn;
        if (v->constant != PTM_NO_REG && ld->p->constant[v->constant].tag == PTM_STR)
            val->constant = v->constant; /* names of exceptions, hoisted for their length */
        val->cls = v->cls;
        ps->t++;
        return PTM_OK;
    }
    if (literal_word(ps, &literal)) {
        ps->t++;
        return ts_emit_const(ps, tok, dest, literal, val);
    }
    if (ts_is_word(ps, "torch") || ts_is_word(ps, "ops") || ts_is_word(ps, "__torch__") ||
        ts_is_word(ps, "CONSTANTS")) {
        const char *s;
        size_t len;
        PTM_TRY(ts_dotted(ps, &s, &len));
        if (starts_with(s, len, "__torch__."))
            return torch_path(ps, tok, s, len, dest, val);
        if (starts_with(s, len, "CONSTANTS.")) {
            PTM_TRY(ts_constant_ref(ps, s, len, &val->constant));
            val->reg = ts_dest(ld, dest);
            return ts_emit1(ps, P_CONST, tok, val->reg, PTM_NO_REG, val->constant, 0);
        }
        if (starts_with(s, len, "torch.") || starts_with(s, len, "ops."))
            return operator_path(ps, tok, s, len, dest, val);
        return ts_fail(ps, PTM_ERR_FORMAT, "'%.*s' alone means nothing", (int)(len & 255), s);
    }
    if (ps->t[1].kind == TS_OP && ps->t[1].op == '(')
        return called_name(ps, dest, val);
    return ts_fail(ps, PTM_ERR_FORMAT, "'%.*s' is not defined here",
                   (int)(tok->len < 200 ? tok->len : 200), ts_text(ps, tok));
}
