/* SPDX-License-Identifier: BSD-2-Clause */
/* Expressions: operators, displays, subscripts, attributes. Names and calls are ts_call.c's. */
#include "formats/ts.h"

#include <math.h>
#include <string.h>

static const struct ts_val no_val = {PTM_NO_REG, PTM_NO_REG, PTM_NO_REG, PTM_NO_REG};

uint32_t ts_dest(struct ts_load *ld, uint32_t dest)
{
    return dest != PTM_NO_REG ? dest : ts_temp(ld);
}

enum ptm_status ts_emit_const(struct ts_parser *ps, const struct ts_token *tok, uint32_t dest,
                              struct ptm_ival v, struct ts_val *val)
{
    *val = no_val;
    PTM_TRY(ts_literal(ps->ld, v, &val->constant));
    val->reg = ts_dest(ps->ld, dest);
    return ts_emit1(ps, P_CONST, tok, val->reg, PTM_NO_REG, val->constant, 0);
}

enum ptm_status ts_emit_op(struct ts_parser *ps, const struct ts_token *tok, const char *ns,
                           const char *name, size_t list, uint32_t dest, struct ts_val *val)
{
    *val = no_val;
    struct ts_emit e = {.op = P_OP, .tok = tok, .out = ts_dest(ps->ld, dest), .list = list};
    val->reg = e.out;
    PTM_TRY(ts_op_id(ps->ld, ns, name, strlen(name), &e.a));
    return ts_emit(ps, &e);
}

/* A value (not a function) onto fn.list. */
static enum ptm_status push_val(struct ts_parser *ps, const struct ts_val *val)
{
    if (val->fn != PTM_NO_REG)
        return ts_fail(ps, PTM_ERR_UNSUPPORTED, "function '%.300s' used as a value",
                       ps->ld->p->fn[val->fn].qualname);
    return ts_push(ps->ld, val->reg);
}

static enum ptm_status push_expr(struct ts_parser *ps)
{
    struct ts_val val;
    PTM_TRY(ts_expr(ps, PTM_NO_REG, &val));
    return push_val(ps, &val);
}

enum ptm_status ts_args(struct ts_parser *ps, size_t *n_kw)
{
    uint32_t names[PTM_MAX_DEPTH];
    size_t n = 0;
    PTM_TRY(ts_expect(ps, '('));
    while (!ts_is(ps, ')')) {
        if (ts_is(ps, '*') || ts_is(ps, TS_POW))
            return ts_fail(ps, PTM_ERR_UNSUPPORTED, "starred arguments");
        if (ps->t->kind == TS_NAME && ps->t[1].kind == TS_OP && ps->t[1].op == '=') {
            if (n == PTM_LEN(names))
                return ts_fail(ps, PTM_ERR_LIMIT, "more than %zu named arguments", n);
            PTM_TRY(ts_name_id(ps->ld, ts_text(ps, ps->t), ps->t->len, &names[n++]));
            ps->t += 2;
        } else if (n) {
            return ts_fail(ps, PTM_ERR_FORMAT, "an argument without a name after named ones");
        }
        PTM_TRY(push_expr(ps));
        if (!ts_accept(ps, ','))
            break;
    }
    for (size_t i = 0; i < n; i++)
        PTM_TRY(ts_push(ps->ld, names[i]));
    *n_kw = n;
    return ts_expect(ps, ')');
}

/* -- displays -- */

/* What stands between brackets, onto fn.list. */
static enum ptm_status items(struct ts_parser *ps, uint8_t close, bool *comma)
{
    *comma = false;
    while (!ts_is(ps, close)) {
        PTM_TRY(push_expr(ps));
        if (ts_is_word(ps, "for"))
            return ts_fail(ps, PTM_ERR_UNSUPPORTED, "comprehensions are not printed by torch");
        if (!ts_accept(ps, ','))
            break;
        *comma = true;
    }
    return ts_expect(ps, close);
}

static enum ptm_status emit_display(struct ts_parser *ps, enum ptm_pop op,
                                    const struct ts_token *tok, size_t list, uint32_t dest,
                                    struct ts_val *val)
{
    *val = no_val;
    val->reg = ts_dest(ps->ld, dest);
    struct ts_emit e = {.op = (uint8_t)op, .tok = tok, .out = val->reg, .list = list};
    return ts_emit(ps, &e);
}

static enum ptm_status list_display(struct ts_parser *ps, uint32_t dest, struct ts_val *val)
{
    const struct ts_token *tok = ps->t++;
    size_t list = ps->ld->fn.n_list;
    bool comma;
    PTM_TRY(items(ps, ']', &comma));
    return emit_display(ps, P_LIST, tok, list, dest, val);
}

static enum ptm_status dict_display(struct ts_parser *ps, uint32_t dest, struct ts_val *val)
{
    const struct ts_token *tok = ps->t++;
    size_t list = ps->ld->fn.n_list;
    while (!ts_is(ps, '}')) {
        PTM_TRY(push_expr(ps));
        PTM_TRY(ts_expect(ps, ':'));
        PTM_TRY(push_expr(ps));
        if (!ts_accept(ps, ','))
            break;
    }
    PTM_TRY(ts_expect(ps, '}'));
    return emit_display(ps, P_DICT, tok, list, dest, val);
}

/* (x) is x; (x,) and () are tuples. */
static enum ptm_status parentheses(struct ts_parser *ps, uint32_t dest, struct ts_val *val)
{
    const struct ts_token *tok = ps->t++;
    size_t list = ps->ld->fn.n_list;
    bool comma;
    if (!ts_is(ps, ')')) {
        PTM_TRY(ts_expr(ps, dest, val));
        if (ts_accept(ps, ')'))
            return PTM_OK;
        PTM_TRY(push_val(ps, val));
        PTM_TRY(ts_expect(ps, ','));
    }
    PTM_TRY(items(ps, ')', &comma));
    return emit_display(ps, P_TUPLE, tok, list, dest, val);
}

/* -- behind an atom -- */

static enum ptm_status attribute(struct ts_parser *ps, const struct ts_token *tok, uint32_t dest,
                                 struct ts_val *val)
{
    struct ts_load *ld = ps->ld;
    const struct ts_token *name = ++ps->t;
    struct ts_emit e = {.op = P_GETATTR, .tok = tok, .list = ld->fn.n_list};
    PTM_TRY(ts_expect_kind(ps, TS_NAME));
    PTM_TRY(push_val(ps, val));
    *val = no_val;
    if (ts_is(ps, '(')) {
        e.op = P_METHOD;
        PTM_TRY(ts_args(ps, &e.n_kw));
        if (ts_token_is(ps, name, "tolist"))
            return ts_emit_op(ps, tok, "prim", "tolist", e.list, dest, val);
    }
    PTM_TRY(ts_name_id(ld, ts_text(ps, name), name->len, &e.a));
    e.out = val->reg = ts_dest(ld, dest);
    return ts_emit(ps, &e);
}

static bool is_small_int(const struct ts_load *ld, uint32_t constant, int64_t *v)
{
    if (constant == PTM_NO_REG || ld->p->constant[constant].tag != PTM_INT)
        return false;
    *v = ld->p->constant[constant].u.i;
    return *v >= 0 && *v < 256;
}

/* x[a:b]. torch prints it for tuples only, with both ends known: it becomes a tuple of elements.
 * Anything else is a slice of a list or a string. */
static enum ptm_status emit_slice(struct ts_parser *ps, const struct ts_token *tok, uint32_t x,
                                  const struct ts_val *ends, uint32_t dest, struct ts_val *val)
{
    struct ts_load *ld = ps->ld;
    size_t list = ld->fn.n_list;
    int64_t a, b;
    struct ts_val v;
    if (is_small_int(ld, ends[0].constant, &a) && is_small_int(ld, ends[1].constant, &b)) {
        for (int64_t i = a; i < b; i++) {
            PTM_TRY(ts_emit_const(ps, tok, PTM_NO_REG, ptm_int(i), &v));
            size_t pair = ld->fn.n_list;
            PTM_TRY(ts_push(ld, x));
            PTM_TRY(ts_push(ld, v.reg));
            PTM_TRY(ts_emit_op(ps, tok, "aten", "__getitem__", pair, PTM_NO_REG, &v));
            PTM_TRY(ts_push(ld, v.reg));
        }
        return emit_display(ps, P_TUPLE, tok, list, dest, val);
    }
    PTM_TRY(ts_push(ld, x));
    for (int i = 0; i < 2; i++) {
        v = ends[i];
        if (v.reg == PTM_NO_REG)
            PTM_TRY(ts_emit_const(ps, tok, PTM_NO_REG, ptm_none(), &v));
        PTM_TRY(push_val(ps, &v));
    }
    PTM_TRY(ts_emit_const(ps, tok, PTM_NO_REG, ptm_int(1), &v));
    PTM_TRY(ts_push(ld, v.reg));
    return ts_emit_op(ps, tok, "aten", "slice", list, dest, val);
}

static enum ptm_status subscript(struct ts_parser *ps, const struct ts_token *tok, uint32_t dest,
                                 struct ts_val *val)
{
    struct ts_load *ld = ps->ld;
    struct ts_val at[2] = {no_val, no_val};
    size_t list = ld->fn.n_list;
    ps->t++;
    PTM_TRY(push_val(ps, val));
    uint32_t x = ld->fn.list[list];
    ld->fn.n_list = list;
    if (!ts_is(ps, ':'))
        PTM_TRY(ts_expr(ps, PTM_NO_REG, &at[0]));
    if (ts_accept(ps, ':')) {
        if (!ts_is(ps, ']'))
            PTM_TRY(ts_expr(ps, PTM_NO_REG, &at[1]));
        PTM_TRY(ts_expect(ps, ']'));
        return emit_slice(ps, tok, x, at, dest, val);
    }
    PTM_TRY(ts_expect(ps, ']'));
    PTM_TRY(ts_push(ld, x));
    PTM_TRY(push_val(ps, &at[0]));
    return ts_emit_op(ps, tok, "aten", "__getitem__", list, dest, val);
}

static enum ptm_status call_value(struct ts_parser *ps, const struct ts_token *tok, uint32_t dest,
                                  struct ts_val *val)
{
    struct ts_load *ld = ps->ld;
    if (val->fn == PTM_NO_REG)
        return ts_fail(ps, PTM_ERR_UNSUPPORTED, "calls a value");
    struct ts_emit e = {.op = P_CALL, .tok = tok, .list = ld->fn.n_list, .a = val->fn};
    PTM_TRY(ts_args(ps, &e.n_kw));
    *val = no_val;
    e.out = val->reg = ts_dest(ld, dest);
    return ts_emit(ps, &e);
}

static enum ptm_status atom(struct ts_parser *ps, uint32_t dest, struct ts_val *val)
{
    const struct ts_token *t = ps->t;
    if (t->kind == TS_NAME)
        return ts_atom_name(ps, dest, val);
    if (t->kind == TS_INT || t->kind == TS_FLOAT) {
        struct ptm_ival v;
        PTM_TRY(ts_number(ps, false, &v));
        return ts_emit_const(ps, t, dest, v, val);
    }
    if (t->kind == TS_STR) {
        struct ptm_str s;
        ps->t++;
        PTM_TRY(ts_string(ps, t, &s.s, &s.len));
        return ts_emit_const(ps, t, dest, (struct ptm_ival){.tag = PTM_STR, .u.str = &s}, val);
    }
    if (ts_is(ps, '['))
        return list_display(ps, dest, val);
    if (ts_is(ps, '{'))
        return dict_display(ps, dest, val);
    if (ts_is(ps, '('))
        return parentheses(ps, dest, val);
    return ts_unexpected(ps, "an expression");
}

static enum ptm_status postfix(struct ts_parser *ps, uint32_t dest, struct ts_val *val)
{
    const struct ts_token *tok = ps->t;
    PTM_TRY(atom(ps, dest, val));
    for (;;) {
        if (ts_is(ps, '.'))
            PTM_TRY(attribute(ps, tok, dest, val));
        else if (ts_is(ps, '['))
            PTM_TRY(subscript(ps, tok, dest, val));
        else if (ts_is(ps, '('))
            PTM_TRY(call_value(ps, tok, dest, val));
        else
            return PTM_OK;
    }
}

/* -- operators -- */

static enum ptm_status unary(struct ts_parser *ps, uint32_t dest, struct ts_val *val)
{
    const struct ts_token *tok = ps->t;
    const char *op = ts_is(ps, '-') ? "neg" : ts_is(ps, '~') ? "bitwise_not" : NULL;
    if (!op && !ts_is(ps, '+'))
        return postfix(ps, dest, val);
    PTM_TRY(ts_enter(ps));
    ps->t++;
    if (tok->op == '-' && ts_is_word(ps, "inf")) {
        ps->t++;
        PTM_TRY(ts_emit_const(ps, tok, dest, ptm_float(-(double)INFINITY), val));
    } else if (tok->op == '-' && (ps->t->kind == TS_INT || ps->t->kind == TS_FLOAT) &&
        !(ps->t[1].kind == TS_OP && ps->t[1].op == TS_POW)) {
        struct ptm_ival v;
        PTM_TRY(ts_number(ps, true, &v));
        PTM_TRY(ts_emit_const(ps, tok, dest, v, val));
    } else {
        size_t list = ps->ld->fn.n_list;
        PTM_TRY(unary(ps, PTM_NO_REG, val));
        PTM_TRY(push_val(ps, val));
        PTM_TRY(ts_emit_op(ps, tok, "aten", op ? op : "positive", list, dest, val));
    }
    ps->depth--;
    return PTM_OK;
}

static const struct {
    uint8_t op, level;
    const char *name;
} binaries[] = {
    {TS_EQ, 1, "eq"},         {TS_NE, 1, "ne"},         {'<', 1, "lt"},
    {'>', 1, "gt"},           {TS_LE, 1, "le"},         {TS_GE, 1, "ge"},
    {'|', 2, "__or__"},       {'^', 3, "__xor__"},      {'&', 4, "__and__"},
    {TS_SHL, 5, "__lshift__"}, {TS_SHR, 5, "__rshift__"}, {'+', 6, "add"},
    {'-', 6, "sub"},          {'*', 7, "mul"},          {'/', 7, "div"},
    {'%', 7, "remainder"},    {TS_FLOORDIV, 7, "floordiv"}, {'@', 7, "matmul"},
    {TS_POW, 8, "pow"},
};
enum { COMPARE = 1, POWER = 8 };

/* The operator here, as aten calls it. *swap: its operands change places; *negate: then not. */
static const char *binary_op(struct ts_parser *ps, int *level, int *tokens, bool *swap,
                             bool *negate)
{
    const struct ts_token *t = ps->t;
    *swap = *negate = false;
    *tokens = 1;
    *level = COMPARE;
    if (t->kind == TS_OP) {
        for (size_t i = 0; i < PTM_LEN(binaries); i++)
            if (binaries[i].op == t->op) {
                *level = binaries[i].level;
                return binaries[i].name;
            }
        return NULL;
    }
    if (ts_is_word(ps, "is")) {
        bool is_not = ts_token_is(ps, t + 1, "not");
        *tokens = is_not ? 2 : 1;
        return is_not ? "__isnot__" : "__is__";
    }
    *negate = ts_is_word(ps, "not") && ts_token_is(ps, t + 1, "in");
    *swap = true;
    *tokens = *negate ? 2 : 1;
    return *negate || ts_is_word(ps, "in") ? "__contains__" : NULL;
}

static enum ptm_status binary(struct ts_parser *ps, int min_level, uint32_t dest,
                              struct ts_val *val)
{
    struct ts_load *ld = ps->ld;
    const struct ts_token *tok = ps->t;
    PTM_TRY(ts_enter(ps));
    PTM_TRY(unary(ps, dest, val));
    for (bool compared = false;;) {
        int level, tokens;
        bool swap, negate;
        const char *name = binary_op(ps, &level, &tokens, &swap, &negate);
        if (!name || level < min_level)
            break;
        if (level == COMPARE && compared)
            return ts_fail(ps, PTM_ERR_UNSUPPORTED, "a chain of comparisons");
        compared = level == COMPARE;
        ps->t += tokens;
        struct ts_val left = *val, right;
        PTM_TRY(binary(ps, level == POWER ? level : level + 1, PTM_NO_REG, &right));
        size_t list = ld->fn.n_list;
        PTM_TRY(push_val(ps, swap ? &right : &left));
        PTM_TRY(push_val(ps, swap ? &left : &right));
        PTM_TRY(ts_emit_op(ps, tok, "aten", name, list, negate ? PTM_NO_REG : dest, val));
        if (negate) {
            PTM_TRY(push_val(ps, val));
            PTM_TRY(ts_emit_op(ps, tok, "aten", "__not__", list, dest, val));
        }
    }
    ps->depth--;
    return PTM_OK;
}

static enum ptm_status not_test(struct ts_parser *ps, uint32_t dest, struct ts_val *val)
{
    const struct ts_token *tok = ps->t;
    int n = 0;
    while (ts_accept_word(ps, "not"))
        n++;
    PTM_TRY(binary(ps, COMPARE, n ? PTM_NO_REG : dest, val));
    for (; n; n--) {
        size_t list = ps->ld->fn.n_list;
        PTM_TRY(push_val(ps, val));
        PTM_TRY(ts_emit_op(ps, tok, "aten", "__not__", list, n == 1 ? dest : PTM_NO_REG, val));
    }
    return PTM_OK;
}

/* Both arms of a choice put their value into `dest`. */
static enum ptm_status copy_to(struct ts_parser *ps, const struct ts_token *tok, uint32_t dest,
                               const struct ts_val *val)
{
    if (val->fn != PTM_NO_REG || val->reg == dest)
        return val->reg == dest ? PTM_OK : ts_unexpected(ps, "a value");
    return ts_emit1(ps, P_COPY, tok, dest, val->reg, 0, 0);
}

static enum ptm_status bool_test(struct ts_parser *ps, bool is_or, uint32_t dest,
                                 struct ts_val *val)
{
    const struct ts_token *tok = ps->t;
    const char *word = is_or ? "or" : "and";
    PTM_TRY(is_or ? bool_test(ps, false, dest, val) : not_test(ps, dest, val));
    while (ts_accept_word(ps, word)) {
        uint32_t result = ts_temp(ps->ld), yes, no = PTM_NO_REG;
        struct ts_val right;
        PTM_TRY(copy_to(ps, tok, result, val));
        PTM_TRY(ts_block_open(ps, false));
        if (is_or) { /* nothing to do where it holds */
            PTM_TRY(ts_block_close(ps, &yes));
            PTM_TRY(ts_block_open(ps, false));
        }
        PTM_TRY(is_or ? bool_test(ps, false, PTM_NO_REG, &right)
                      : not_test(ps, PTM_NO_REG, &right));
        PTM_TRY(copy_to(ps, tok, result, &right));
        PTM_TRY(ts_block_close(ps, is_or ? &no : &yes));
        PTM_TRY(ts_emit1(ps, P_IF, tok, PTM_NO_REG, result, yes, no));
        *val = no_val;
        val->reg = result;
    }
    return PTM_OK;
}

/* a if c else b: a is read first but comes second, so its instructions are cut into a block. */
static enum ptm_status choice(struct ts_parser *ps, uint32_t dest, struct ts_val *val)
{
    const struct ts_token *tok = ps->t;
    size_t mark = ps->ld->fn.n_pending;
    PTM_TRY(bool_test(ps, true, dest, val));
    if (!ts_accept_word(ps, "if"))
        return PTM_OK;
    uint32_t result = ts_temp(ps->ld), yes, no;
    struct ts_val cond;
    PTM_TRY(ts_block_cut(ps, mark));
    PTM_TRY(copy_to(ps, tok, result, val));
    PTM_TRY(ts_block_close(ps, &yes));
    PTM_TRY(bool_test(ps, true, PTM_NO_REG, &cond));
    PTM_TRY(push_val(ps, &cond));
    ps->ld->fn.n_list--;
    if (!ts_accept_word(ps, "else"))
        return ts_unexpected(ps, "'else'");
    PTM_TRY(ts_block_open(ps, false));
    PTM_TRY(ts_expr_into(ps, result, val));
    PTM_TRY(ts_block_close(ps, &no));
    *val = no_val;
    val->reg = result;
    return ts_emit1(ps, P_IF, tok, PTM_NO_REG, cond.reg, yes, no);
}

enum ptm_status ts_expr(struct ts_parser *ps, uint32_t dest, struct ts_val *val)
{
    PTM_TRY(ts_enter(ps));
    PTM_TRY(choice(ps, dest, val));
    ps->depth--;
    return PTM_OK;
}

enum ptm_status ts_expr_into(struct ts_parser *ps, uint32_t dest, struct ts_val *val)
{
    const struct ts_token *tok = ps->t;
    PTM_TRY(ts_expr(ps, dest, val));
    if (val->fn != PTM_NO_REG)
        return PTM_OK;
    PTM_TRY(copy_to(ps, tok, dest, val));
    val->reg = dest;
    return PTM_OK;
}
