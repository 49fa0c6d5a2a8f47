/* SPDX-License-Identifier: BSD-2-Clause */
/* Statements, and whole functions: signature and body in one pass over the tokens. */
#include "formats/ts.h"

#include <string.h>

static const struct ts_val no_val = {PTM_NO_REG, PTM_NO_REG, PTM_NO_REG, PTM_NO_REG};

static enum ptm_status block(struct ts_parser *ps);

/* -- blocks -- */

static enum ptm_status sub_block(struct ts_parser *ps, bool loop, uint32_t *number)
{
    PTM_TRY(ts_block_open(ps, loop));
    PTM_TRY(block(ps));
    return ts_block_close(ps, number);
}

static enum ptm_status value(struct ts_parser *ps, uint32_t *reg)
{
    struct ts_val val = no_val;
    *reg = PTM_NO_REG;
    PTM_TRY(ts_expr(ps, PTM_NO_REG, &val));
    if (val.fn != PTM_NO_REG)
        return ts_fail(ps, PTM_ERR_UNSUPPORTED, "a function used as a value");
    *reg = val.reg;
    return PTM_OK;
}

static enum ptm_status if_statement(struct ts_parser *ps)
{
    const struct ts_token *tok = ps->t++;
    uint32_t cond = PTM_NO_REG, yes, no = PTM_NO_REG;
    PTM_TRY(ts_enter(ps));
    PTM_TRY(value(ps, &cond));
    PTM_TRY(sub_block(ps, false, &yes));
    if (ts_is_word(ps, "elif")) {
        PTM_TRY(ts_block_open(ps, false));
        PTM_TRY(if_statement(ps));
        PTM_TRY(ts_block_close(ps, &no));
    } else if (ts_accept_word(ps, "else")) {
        PTM_TRY(sub_block(ps, false, &no));
    }
    ps->depth--;
    return ts_emit1(ps, P_IF, tok, PTM_NO_REG, cond, yes, no);
}

static enum ptm_status while_statement(struct ts_parser *ps)
{
    const struct ts_token *tok = ps->t++;
    uint32_t cond = PTM_NO_REG, body, test;
    PTM_TRY(ts_block_open(ps, false));
    PTM_TRY(value(ps, &cond));
    PTM_TRY(ts_block_close(ps, &test));
    PTM_TRY(sub_block(ps, true, &body));
    return ts_emit1(ps, P_WHILE, tok, PTM_NO_REG, cond, body, test);
}

/* What a for statement writes: one variable, or several of each element. */
static enum ptm_status loop_targets(struct ts_parser *ps, struct ts_targets *to, uint32_t *var)
{
    const struct ts_token *end = ps->t;
    while (!ts_token_is(ps, end, "in")) {
        if (end->kind != TS_NAME && !(end->kind == TS_OP && strchr("(),", end->op)))
            return ts_unexpected(ps, "the loop's variables and 'in'");
        end++;
    }
    if (ts_is(ps, '('))
        return ts_fail(ps, PTM_ERR_UNSUPPORTED, "nested targets in a for loop");
    PTM_TRY(ts_split_targets(ps, end, to));
    ps->t = end + 1;
    if (to->comma)
        *var = ts_temp(ps->ld);
    return PTM_OK;
}

/* range(a, b, step): counts 0.. and derives the variable, as torch prints it. */
static enum ptm_status derive_index(struct ts_parser *ps, const struct ts_token *tok, uint32_t var,
                                    uint32_t count, const uint32_t *bounds)
{
    struct ts_load *ld = ps->ld;
    struct ts_val val;
    size_t list = ld->fn.n_list;
    PTM_TRY(ts_push(ld, count));
    PTM_TRY(ts_push(ld, bounds[0]));
    PTM_TRY(ts_push(ld, bounds[2]));
    return ts_emit_op(ps, tok, "aten", "__derive_index", list, var, &val);
}

static enum ptm_status range_bounds(struct ts_parser *ps, uint32_t *bounds, size_t *n,
                                    uint32_t *count)
{
    struct ts_load *ld = ps->ld;
    const struct ts_token *tok = ps->t;
    struct ts_val val;
    ps->t += 2;
    for (*n = 0; !ts_is(ps, ')'); ++*n) {
        if (*n == 3)
            return ts_fail(ps, PTM_ERR_FORMAT, "range of more than 3 values");
        PTM_TRY(value(ps, &bounds[*n]));
        if (!ts_accept(ps, ',')) {
            ++*n;
            break;
        }
    }
    PTM_TRY(ts_expect(ps, ')'));
    if (!*n)
        return ts_fail(ps, PTM_ERR_FORMAT, "range of nothing");
    *count = bounds[0];
    if (*n == 1)
        return PTM_OK;
    if (*n == 2) {
        PTM_TRY(ts_emit_const(ps, tok, PTM_NO_REG, ptm_int(1), &val));
        bounds[2] = val.reg;
    }
    size_t list = ld->fn.n_list;
    for (int i = 0; i < 3; i++)
        PTM_TRY(ts_push(ld, bounds[i]));
    PTM_TRY(ts_emit_op(ps, tok, "aten", "__range_length", list, PTM_NO_REG, &val));
    *count = val.reg;
    return PTM_OK;
}

static enum ptm_status for_statement(struct ts_parser *ps)
{
    struct ts_targets to = {0};
    const struct ts_token *tok = ps->t++;
    uint32_t var = PTM_NO_REG, over = PTM_NO_REG, body, bounds[3];
    size_t n = 0;
    PTM_TRY(loop_targets(ps, &to, &var));
    bool range = ts_is_word(ps, "range") && ps->t[1].kind == TS_OP && ps->t[1].op == '(';
    PTM_TRY(range ? range_bounds(ps, bounds, &n, &over) : value(ps, &over));
    if (!to.comma) {
        if (!ts_target_is_name(&to.v[0]))
            return ts_fail(ps, PTM_ERR_UNSUPPORTED, "a for loop over a target not a name");
        PTM_TRY(ts_target_reg(ps, to.v[0].from, &var));
    }
    uint32_t count = n > 1 ? ts_temp(ps->ld) : var;
    PTM_TRY(ts_block_open(ps, true));
    if (n > 1)
        PTM_TRY(derive_index(ps, tok, var, count, bounds));
    if (to.comma) {
        struct ts_val element = no_val;
        element.reg = var;
        PTM_TRY(ts_unpack(ps, &to, &element, tok));
    }
    PTM_TRY(block(ps));
    PTM_TRY(ts_block_close(ps, &body));
    return ts_emit1(ps, range ? P_FOR : P_FOREACH, tok, count, over, body, PTM_NO_REG);
}

/* Contexts of torch itself change nothing that ptm computes; those of the user's classes get
 * their calls. */
static bool context_is_inert(const struct ts_load *ld, uint32_t cls)
{
    static const char *const known[] = {"__torch__.torch.autograd.", "__torch__.torch.profiler."};
    if (cls == PTM_NO_REG)
        return false;
    for (size_t i = 0; i < PTM_LEN(known); i++)
        if (!strncmp(ld->p->cls[cls].qualname, known[i], strlen(known[i])))
            return true;
    return false;
}

static enum ptm_status call_exit(struct ts_parser *ps, const struct ts_token *tok, uint32_t context)
{
    struct ts_load *ld = ps->ld;
    struct ts_emit e = {.op = P_METHOD, .tok = tok, .list = ld->fn.n_list};
    struct ts_val none;
    PTM_TRY(ts_emit_const(ps, tok, PTM_NO_REG, ptm_none(), &none));
    PTM_TRY(ts_push(ld, context));
    for (int i = 0; i < 3; i++)
        PTM_TRY(ts_push(ld, none.reg));
    PTM_TRY(ts_name_id(ld, "__exit__", 8, &e.a));
    e.out = ts_temp(ld);
    return ts_emit(ps, &e);
}

static enum ptm_status with_statement(struct ts_parser *ps)
{
    struct ts_load *ld = ps->ld;
    const struct ts_token *tok = ps->t++, *name = NULL;
    struct ts_val context;
    uint32_t body, enter, entered;
    PTM_TRY(ts_expr(ps, PTM_NO_REG, &context));
    if (context.fn != PTM_NO_REG)
        return ts_fail(ps, PTM_ERR_FORMAT, "with a function");
    if (ts_accept_word(ps, "as")) {
        name = ps->t;
        PTM_TRY(ts_expect_kind(ps, TS_NAME));
    }
    bool inert = context_is_inert(ld, context.cls) && !name;
    if (!inert) {
        PTM_TRY(ts_name_id(ld, "__enter__", 9, &enter));
        entered = ts_temp(ld);
        if (name)
            PTM_TRY(ts_target_reg(ps, name, &entered));
        PTM_TRY(ts_emit1(ps, P_METHOD, tok, entered, context.reg, enter, 0));
    }
    PTM_TRY(sub_block(ps, false, &body));
    PTM_TRY(ts_emit1(ps, P_WITH, tok, PTM_NO_REG, context.reg, body, PTM_NO_REG));
    return inert ? PTM_OK : call_exit(ps, tok, context.reg);
}

/* def f(): body. torch prints it for fork alone, which follows: the body runs here and now, and
 * f stands for what it returns. */
static enum ptm_status nested_function(struct ts_parser *ps)
{
    struct ts_load *ld = ps->ld;
    const struct ts_token *name = ++ps->t;
    struct ts_var *v;
    uint32_t reg;
    PTM_TRY(ts_expect_kind(ps, TS_NAME));
    if (ld->fn.in_fork || !ts_is(ps, '(') || ps->t[1].op != ')')
        return ts_fail(ps, PTM_ERR_UNSUPPORTED, "nested function '%.*s' with arguments or in one",
                       (int)(name->len & 127), ts_text(ps, name));
    ps->t += 2;
    PTM_TRY(ts_var_reg(ps, name, &reg));
    ld->fn.in_fork = true;
    ld->fn.fork_result = reg;
    PTM_TRY(block(ps));
    ld->fn.in_fork = false;
    return ts_new_var(ps->ld, ts_text(ps, name), name->len, reg, &v);
}

/* -- jumps -- */

static enum ptm_status return_statement(struct ts_parser *ps)
{
    struct ts_load *ld = ps->ld;
    const struct ts_token *tok = ps->t++;
    struct ts_val val = no_val;
    if (ps->t->kind != TS_NEWLINE) {
        size_t list = ld->fn.n_list;
        PTM_TRY(value(ps, &val.reg));
        if (ts_is(ps, ',')) {
            do {
                PTM_TRY(ts_push(ld, val.reg));
                if (ts_accept(ps, ',') && ps->t->kind != TS_NEWLINE)
                    PTM_TRY(value(ps, &val.reg));
                else
                    break;
            } while (true);
            struct ts_emit e = {.op = P_TUPLE, .tok = tok, .out = ts_temp(ld), .list = list};
            PTM_TRY(ts_emit(ps, &e));
            val.reg = e.out;
        }
    }
    if (!ld->fn.in_fork)
        return ts_emit1(ps, P_RETURN, tok, PTM_NO_REG, val.reg, 0, 0);
    if (ps->t[1].kind != TS_DEDENT)
        return ts_fail(ps, PTM_ERR_UNSUPPORTED, "a forked function that returns early");
    if (val.reg == PTM_NO_REG)
        PTM_TRY(ts_emit_const(ps, tok, PTM_NO_REG, ptm_none(), &val));
    return ts_emit1(ps, P_COPY, tok, ld->fn.fork_result, val.reg, 0, 0);
}

/* raise Class(message) */
static enum ptm_status raise_statement(struct ts_parser *ps)
{
    struct ts_load *ld = ps->ld;
    struct ts_emit e = {.op = P_RAISE, .tok = ps->t++, .out = PTM_NO_REG, .list = ld->fn.n_list};
    const char *s;
    size_t len;
    uint32_t message = PTM_NO_REG;
    struct ts_val none;
    PTM_TRY(ts_dotted(ps, &s, &len));
    PTM_TRY(ts_name_id(ld, s, len, &e.a));
    if (ts_accept(ps, '(') && !ts_is(ps, ')')) {
        PTM_TRY(value(ps, &message));
        ts_accept(ps, ',');
    } else {
        PTM_TRY(ts_emit_const(ps, e.tok, PTM_NO_REG,
                              (struct ptm_ival){.tag = PTM_STR, .u.str = &(struct ptm_str){"", 0}},
                              &none));
        message = none.reg;
    }
    ts_accept(ps, ')');
    PTM_TRY(ts_push(ld, message));
    return ts_emit(ps, &e);
}

static enum ptm_status assert_statement(struct ts_parser *ps)
{
    struct ts_load *ld = ps->ld;
    struct ts_emit e = {.op = P_ASSERT, .tok = ps->t++, .out = PTM_NO_REG, .list = ld->fn.n_list};
    uint32_t cond = PTM_NO_REG, message = PTM_NO_REG;
    struct ts_val empty;
    PTM_TRY(value(ps, &cond));
    if (ts_accept(ps, ',')) {
        PTM_TRY(value(ps, &message));
    } else {
        PTM_TRY(ts_emit_const(ps, e.tok, PTM_NO_REG,
                              (struct ptm_ival){.tag = PTM_STR, .u.str = &(struct ptm_str){"", 0}},
                              &empty));
        message = empty.reg;
    }
    PTM_TRY(ts_push(ld, cond));
    PTM_TRY(ts_push(ld, message));
    return ts_emit(ps, &e);
}

static enum ptm_status loop_jump(struct ts_parser *ps, enum ptm_pop op)
{
    const struct ts_token *tok = ps->t++;
    if (!ps->ld->fn.frame[ps->ld->fn.n_frames - 1].loop)
        return ts_fail(ps, PTM_ERR_FORMAT, "break or continue outside a loop");
    return ts_emit1(ps, op, tok, PTM_NO_REG, PTM_NO_REG, 0, 0);
}

/* -- statements -- */

/* The '=' of an assignment on this line, NULL: an expression. */
static const struct ts_token *find_equals(const struct ts_token *t)
{
    for (int depth = 0; t->kind != TS_NEWLINE && t->kind != TS_EOF; t++) {
        if (t->kind != TS_OP)
            continue;
        if (strchr("([{", t->op))
            depth++;
        else if (strchr(")]}", t->op))
            depth--;
        else if (t->op == '=' && !depth)
            return t;
    }
    return NULL;
}

static enum ptm_status simple_statement(struct ts_parser *ps)
{
    struct ts_val val;
    if (ts_accept_word(ps, "pass"))
        return PTM_OK;
    if (ts_is_word(ps, "return"))
        return return_statement(ps);
    if (ts_is_word(ps, "raise"))
        return raise_statement(ps);
    if (ts_is_word(ps, "assert"))
        return assert_statement(ps);
    if (ts_is_word(ps, "break"))
        return loop_jump(ps, P_BREAK);
    if (ts_is_word(ps, "continue"))
        return loop_jump(ps, P_CONTINUE);
    if (ps->t->kind == TS_NAME && ps->t[1].kind == TS_OP && ps->t[1].op == ':')
        return ts_assign_annotated(ps);
    const struct ts_token *equals = find_equals(ps->t);
    if (equals)
        return ts_assign(ps, equals);
    return ts_expr(ps, PTM_NO_REG, &val);
}

static enum ptm_status statement(struct ts_parser *ps)
{
    static const struct {
        const char *word;
        enum ptm_status (*parse)(struct ts_parser *);
    } compound[] = {{"if", if_statement},   {"while", while_statement}, {"for", for_statement},
                    {"with", with_statement}, {"def", nested_function}};
    struct ts_fn *f = &ps->ld->fn;
    uint32_t temp = f->temp;
    for (size_t i = 0; i < PTM_LEN(compound); i++)
        if (ts_is_word(ps, compound[i].word)) {
            PTM_TRY(compound[i].parse(ps));
            f->temp = temp;
            return PTM_OK;
        }
    PTM_TRY(simple_statement(ps));
    f->temp = temp;
    return ts_expect_kind(ps, TS_NEWLINE);
}

/* ": newline, indented statements" */
static enum ptm_status block(struct ts_parser *ps)
{
    PTM_TRY(ts_enter(ps));
    PTM_TRY(ts_expect(ps, ':'));
    PTM_TRY(ts_expect_kind(ps, TS_NEWLINE));
    PTM_TRY(ts_expect_kind(ps, TS_INDENT));
    while (ps->t->kind != TS_DEDENT)
        PTM_TRY(statement(ps));
    ps->t++;
    ps->depth--;
    return PTM_OK;
}

/* -- functions -- */

static enum ptm_status parameter(struct ts_parser *ps, struct ptm_param *out, uint32_t cls)
{
    struct ts_load *ld = ps->ld;
    const struct ts_token *name = ps->t;
    struct ts_var *v;
    uint32_t reg;
    PTM_TRY(ts_expect_kind(ps, TS_NAME));
    if (ts_var(ld, ts_text(ps, name), name->len))
        return ts_fail(ps, PTM_ERR_FORMAT, "two parameters '%.*s'", (int)(name->len & 127),
                       ts_text(ps, name));
    PTM_TRY(ts_var_reg(ps, name, &reg));
    PTM_TRY(ts_new_var(ps->ld, ts_text(ps, name), name->len, reg, &v));
    out->name = ld->fn.reg_name[reg];
    if (ts_accept(ps, ':')) {
        PTM_TRY(ts_type(ps, &out->type));
    } else if (cls != PTM_NO_REG && !reg) {
        struct ptm_tytype self = {.kind = TY_CLASS, .cls = cls};
        PTM_TRY(ts_type_add(ld, &self, &out->type));
    }
    if (ts_accept(ps, '=')) {
        PTM_TRY(ts_const(ps, &out->def));
        out->has_default = true;
        const struct ptm_tytype *t = &ld->p->type[out->type];
        if (out->def.tag == PTM_LIST && t->kind == TY_LIST && !out->def.u.list->n)
            out->def.u.list->elem = ts_type_tag(ld, t->sub[0]);
    }
    return PTM_OK;
}

enum ptm_status ts_function(struct ts_load *ld, uint32_t fn)
{
    const struct ts_decl *d = &ld->fn_decl[fn];
    struct ptm_function *f = &ld->p->fn[fn];
    struct ts_parser ps = {.ld = ld, .file = d->file, .t = d->file->tok + d->tok + 1};
    size_t cap = 0;
    uint32_t body;
    ts_fn_begin(ld);
    PTM_TRY(ts_expect(&ps, '('));
    while (!ts_is(&ps, ')')) {
        PTM_TRY(ts_grow(ld, ld->arena, &f->param, &cap, f->n_params, sizeof *f->param));
        PTM_TRY(parameter(&ps, &f->param[f->n_params], d->cls));
        if (f->n_params && f->param[f->n_params - 1].has_default &&
            !f->param[f->n_params].has_default)
            return ts_fail(&ps, PTM_ERR_FORMAT, "parameter '%s' lacks a default",
                           f->param[f->n_params].name);
        f->n_params++;
        if (!ts_accept(&ps, ','))
            break;
    }
    PTM_TRY(ts_expect(&ps, ')'));
    if (ts_accept(&ps, TS_ARROW))
        PTM_TRY(ts_type(&ps, &f->ret_type));
    PTM_TRY(ts_block_open(&ps, false));
    PTM_TRY(block(&ps));
    PTM_TRY(ts_block_close(&ps, &body));
    return ts_fn_end(ld, f);
}
