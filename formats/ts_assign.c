/* SPDX-License-Identifier: BSD-2-Clause */
/* Assignments: to variables, attributes and elements, to several at once. */
#include "formats/ts.h"

#include <string.h>

enum { MAX_TARGETS = 4096, MAX_CHECKED = 64 };

/* Names what is in `reg`; the name is not in use yet. */
static enum ptm_status define(struct ts_parser *ps, const struct ts_token *name, uint32_t reg,
                              struct ts_var **out)
{
    return ts_new_var(ps->ld, ts_text(ps, name), name->len, reg, out);
}

enum ptm_status ts_var_reg(struct ts_parser *ps, const struct ts_token *name, uint32_t *reg)
{
    const char *copy = ptm_arena_str(ps->ld->arena, ts_text(ps, name), name->len);
    TS_NEED(ps->ld, copy);
    return ts_new_reg(ps->ld, copy, reg);
}

/* The variable's register, for writing a value that is not looked into. */
enum ptm_status ts_target_reg(struct ts_parser *ps, const struct ts_token *name, uint32_t *reg)
{
    struct ts_var *v = ts_var(ps->ld, ts_text(ps, name), name->len);
    if (v && v->fn == PTM_NO_REG) {
        v->constant = v->cls = PTM_NO_REG;
        *reg = v->reg;
        return PTM_OK;
    }
    PTM_TRY(ts_var_reg(ps, name, reg));
    return define(ps, name, *reg, &v);
}

/* name = expression */
static enum ptm_status assign_name(struct ts_parser *ps, const struct ts_token *name)
{
    struct ts_val val;
    struct ts_var *v = ts_var(ps->ld, ts_text(ps, name), name->len);
    uint32_t reg;
    if (v && v->fn == PTM_NO_REG) {
        PTM_TRY(ts_expr(ps, PTM_NO_REG, &val));
        v = ts_var(ps->ld, ts_text(ps, name), name->len); /* the array may have moved */
        v->constant = v->cls = PTM_NO_REG;
        if (val.fn != PTM_NO_REG)
            return ts_fail(ps, PTM_ERR_UNSUPPORTED, "a function assigned to a variable");
        return val.reg == v->reg ? PTM_OK : ts_emit1(ps, P_COPY, name, v->reg, val.reg, 0, 0);
    }
    PTM_TRY(ts_var_reg(ps, name, &reg));
    PTM_TRY(ts_expr_into(ps, reg, &val));
    PTM_TRY(define(ps, name, reg, &v));
    v->fn = val.fn;
    v->constant = val.constant;
    v->cls = val.cls;
    return PTM_OK;
}

bool ts_target_is_name(const struct ts_target *t)
{
    return t->to == t->from + 1 && t->from->kind == TS_NAME;
}

/* a.b.c: the object that a target's last name is an attribute of. */
static enum ptm_status target_object(struct ts_parser *sub, const struct ts_token *last_dot,
                                     uint32_t *reg)
{
    struct ts_load *ld = sub->ld;
    const struct ts_token *tok = sub->t;
    struct ts_val obj;
    PTM_TRY(ts_atom_name(sub, PTM_NO_REG, &obj));
    *reg = obj.reg;
    while (sub->t != last_dot) {
        uint32_t name, next = ts_temp(ld);
        if (sub->t > last_dot || !ts_accept(sub, '.') || sub->t->kind != TS_NAME)
            return ts_fail(sub, PTM_ERR_UNSUPPORTED, "sets an attribute of an expression");
        PTM_TRY(ts_name_id(ld, ts_text(sub, sub->t), sub->t->len, &name));
        PTM_TRY(ts_emit1(sub, P_GETATTR, tok, next, *reg, name, 0));
        *reg = next;
        sub->t++;
    }
    return PTM_OK;
}

/* Writes `reg` to a variable, to x.name or x[i]. */
static enum ptm_status store(struct ts_parser *ps, const struct ts_target *t, uint32_t reg)
{
    struct ts_load *ld = ps->ld;
    struct ts_parser sub = {.ld = ld, .file = ps->file, .t = t->from, .depth = ps->depth};
    struct ts_val obj;
    size_t list = ld->fn.n_list;
    if (ts_target_is_name(t)) {
        uint32_t to;
        PTM_TRY(ts_target_reg(ps, t->from, &to));
        return ts_emit1(ps, P_COPY, t->from, to, reg, 0, 0);
    }
    const struct ts_token *last = t->to - 1;
    if (last - t->from >= 2 && last->kind == TS_NAME && last[-1].kind == TS_OP &&
        last[-1].op == '.') {
        struct ts_emit e = {.op = P_SETATTR, .tok = t->from, .out = PTM_NO_REG, .list = list};
        uint32_t of = PTM_NO_REG;
        PTM_TRY(ts_name_id(ld, ts_text(ps, last), last->len, &e.a));
        if (t->from->kind != TS_NAME)
            return ts_fail(ps, PTM_ERR_UNSUPPORTED, "sets an attribute of an expression");
        PTM_TRY(target_object(&sub, last - 1, &of));
        PTM_TRY(ts_push(ld, of));
        PTM_TRY(ts_push(ld, reg));
        return ts_emit(ps, &e);
    }
    if (t->from->kind == TS_NAME && t->to > t->from + 3 && t->from[1].kind == TS_OP &&
        t->from[1].op == '[' && last->kind == TS_OP && last->op == ']') {
        struct ts_val index;
        PTM_TRY(ts_atom_name(&sub, PTM_NO_REG, &obj));
        sub.t = t->from + 2;
        PTM_TRY(ts_expr(&sub, PTM_NO_REG, &index));
        if (sub.t != last)
            return ts_fail(ps, PTM_ERR_UNSUPPORTED, "writes to a slice");
        PTM_TRY(ts_push(ld, obj.reg));
        PTM_TRY(ts_push(ld, index.reg));
        PTM_TRY(ts_push(ld, reg));
        return ts_emit_op(ps, t->from, "aten", "_set_item", list, PTM_NO_REG, &obj);
    }
    return ts_fail(ps, PTM_ERR_UNSUPPORTED, "an assignment to an expression");
}

/* a, b.c, d = */
enum ptm_status ts_split_targets(struct ts_parser *ps, const struct ts_token *end,
                                     struct ts_targets *out)
{
    const struct ts_token *from = ps->t;
    int depth = 0;
    for (const struct ts_token *t = ps->t; t <= end; t++) {
        if (t->kind == TS_OP && strchr("([{", t->op))
            depth++;
        else if (t->kind == TS_OP && strchr(")]}", t->op))
            depth--;
        bool comma = t->kind == TS_OP && t->op == ',' && !depth;
        if (!comma && t != end)
            continue;
        out->comma |= comma;
        if (t > from) {
            if (out->n == MAX_TARGETS)
                return ts_fail(ps, PTM_ERR_LIMIT, "more than %d targets", (int)MAX_TARGETS);
            PTM_TRY(ts_grow(ps->ld, &ps->ld->scratch, &out->v, &out->cap, out->n,
                            sizeof *out->v));
            out->v[out->n++] = (struct ts_target){from, t};
        } else if (comma || !out->n) {
            return ts_fail(ps, PTM_ERR_FORMAT, "a target is missing");
        }
        from = t + 1;
    }
    return PTM_OK;
}

/* More than one instruction can write: element by element. */
static enum ptm_status unpack_many(struct ts_parser *ps, const struct ts_targets *to,
                                   const struct ts_val *val, const struct ts_token *tok)
{
    struct ts_load *ld = ps->ld;
    for (size_t i = 0; i < to->n; i++) {
        struct ts_val index, element;
        size_t list = ld->fn.n_list;
        uint32_t temp = ld->fn.temp;
        PTM_TRY(ts_emit_const(ps, tok, PTM_NO_REG, ptm_int((int64_t)i), &index));
        PTM_TRY(ts_push(ld, val->reg));
        PTM_TRY(ts_push(ld, index.reg));
        PTM_TRY(ts_emit_op(ps, tok, "aten", "__getitem__", list, PTM_NO_REG, &element));
        PTM_TRY(store(ps, &to->v[i], element.reg));
        ld->fn.temp = temp;
    }
    return PTM_OK;
}

/* a, b, = value: the elements go straight to variables, through temporaries to anything else. */
enum ptm_status ts_unpack(struct ts_parser *ps, const struct ts_targets *to,
                              const struct ts_val *val, const struct ts_token *tok)
{
    struct ts_load *ld = ps->ld;
    uint32_t *out = ptm_arena_array(&ld->scratch, to->n, sizeof *out);
    TS_NEED(ld, out);
    if (to->n > UINT8_MAX)
        return unpack_many(ps, to, val, tok);
    for (size_t i = 0; i < to->n; i++) {
        if (ts_target_is_name(&to->v[i]))
            PTM_TRY(ts_target_reg(ps, to->v[i].from, &out[i]));
        else
            out[i] = ts_temp(ld);
    }
    struct ts_emit e = {.op = P_UNPACK, .tok = tok, .out = PTM_NO_REG, .outs = out,
                        .n_outs = to->n, .list = ld->fn.n_list};
    PTM_TRY(ts_push(ld, val->reg));
    PTM_TRY(ts_emit(ps, &e));
    for (size_t i = 0; i < to->n; i++)
        if (!ts_target_is_name(&to->v[i]))
            PTM_TRY(store(ps, &to->v[i], out[i]));
    return PTM_OK;
}

/* a, b = x, y: all values are read before any target is written. */
static enum ptm_status assign_parallel(struct ts_parser *ps, const struct ts_targets *to,
                                       struct ts_val val)
{
    struct ts_load *ld = ps->ld;
    uint32_t *from = ptm_arena_array(&ld->scratch, to->n, sizeof *from);
    TS_NEED(ld, from);
    for (size_t i = 0; i < to->n; i++) {
        if (i && (!ts_accept(ps, ',') || ps->t->kind == TS_NEWLINE))
            return ts_fail(ps, PTM_ERR_FORMAT, "%zu values for %zu targets", i, to->n);
        if (i)
            PTM_TRY(ts_expr(ps, PTM_NO_REG, &val));
        if (val.fn != PTM_NO_REG)
            return ts_fail(ps, PTM_ERR_UNSUPPORTED, "a function assigned to a variable");
        from[i] = val.reg;
    }
    for (size_t k = 1; k < to->n; k++) {
        bool overwritten = to->n > MAX_CHECKED; /* before it is read; of many, any may be */
        for (size_t i = 0; i < k && !overwritten; i++) {
            const struct ts_token *name = to->v[i].from;
            const struct ts_var *v = ts_target_is_name(&to->v[i])
                                         ? ts_var(ld, ts_text(ps, name), name->len)
                                         : NULL;
            overwritten = v && v->reg == from[k];
        }
        if (!overwritten)
            continue;
        uint32_t temp = ts_temp(ld);
        PTM_TRY(ts_emit1(ps, P_COPY, to->v[k].from, temp, from[k], 0, 0));
        from[k] = temp;
    }
    for (size_t i = 0; i < to->n; i++)
        PTM_TRY(store(ps, &to->v[i], from[i]));
    return PTM_OK;
}

static enum ptm_status assign_many(struct ts_parser *ps, const struct ts_targets *to)
{
    const struct ts_token *tok = ps->t;
    struct ts_val val;
    PTM_TRY(ts_expr(ps, PTM_NO_REG, &val));
    if (ts_is(ps, ',') && ps->t[1].kind != TS_NEWLINE)
        return assign_parallel(ps, to, val);
    ts_accept(ps, ',');
    if (val.fn != PTM_NO_REG)
        return ts_fail(ps, PTM_ERR_UNSUPPORTED, "unpacks a function");
    return ts_unpack(ps, to, &val, tok);
}

enum ptm_status ts_assign(struct ts_parser *ps, const struct ts_token *equals)
{
    struct ts_targets to = {0};
    PTM_TRY(ts_split_targets(ps, equals, &to));
    ps->t = equals + 1;
    if (to.comma)
        return assign_many(ps, &to);
    if (ts_target_is_name(&to.v[0]))
        return assign_name(ps, to.v[0].from);
    struct ts_val val;
    PTM_TRY(ts_expr(ps, PTM_NO_REG, &val));
    if (val.fn != PTM_NO_REG)
        return ts_fail(ps, PTM_ERR_UNSUPPORTED, "a function stored in an object");
    return store(ps, &to.v[0], val.reg);
}

/* name : T = expression. Of a class's type, with a subscript on the right, it takes one module of
 * a container. */
enum ptm_status ts_assign_annotated(struct ts_parser *ps)
{
    struct ts_load *ld = ps->ld;
    const struct ts_token *name = ps->t;
    uint32_t type;
    ps->t += 2;
    PTM_TRY(ts_type(ps, &type));
    if (ps->t->kind == TS_NEWLINE)
        return PTM_OK;
    PTM_TRY(ts_expect(ps, '='));
    if (ld->p->type[type].kind == TY_CLASS && ps->t->kind == TS_NAME && ps->t[1].kind == TS_OP &&
        ps->t[1].op == '[') {
        struct ts_val container, key;
        size_t list = ld->fn.n_list;
        const struct ts_token *tok = ps->t;
        uint32_t reg;
        PTM_TRY(ts_atom_name(ps, PTM_NO_REG, &container));
        ps->t++;
        PTM_TRY(ts_expr(ps, PTM_NO_REG, &key));
        PTM_TRY(ts_expect(ps, ']'));
        PTM_TRY(ts_push(ld, container.reg));
        PTM_TRY(ts_push(ld, key.reg));
        PTM_TRY(ts_target_reg(ps, name, &reg));
        return ts_emit_op(ps, tok, "prim", "ModuleContainerIndex", list, reg, &key);
    }
    PTM_TRY(assign_name(ps, name));
    const struct ts_var *v = ts_var(ld, ts_text(ps, name), name->len);
    if (v->fn != PTM_NO_REG)
        return PTM_OK;
    return ts_emit1(ps, P_ANNOTATE, name, v->reg, v->reg, type, 0);
}
