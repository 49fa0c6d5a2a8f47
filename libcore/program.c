/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs: look-ups, and the verifier of what program.h promises. */
#include "libcore/program.h"

#include <stdarg.h>
#include <string.h>

uint32_t ptm_class_method(const struct ptm_program *p, const struct ptm_class *c, const char *name)
{
    for (uint32_t i = 0; i < c->n_methods; i++)
        if (!strcmp(p->fn[c->method[i]].name, name))
            return c->method[i];
    return UINT32_MAX;
}

uint32_t ptm_class_attr(const struct ptm_class *c, const char *name)
{
    for (uint32_t i = 0; i < c->n_attrs; i++)
        if (!strcmp(c->attr_name[i], name))
            return i;
    return UINT32_MAX;
}

/* -- types as text -- */

struct text {
    char *buf;
    size_t n, at;
};

static void put(struct text *t, const char *s)
{
    size_t len = strlen(s), room = t->n - t->at - 1;
    if (len > room)
        len = room;
    memcpy(t->buf + t->at, s, len);
    t->at += len;
    t->buf[t->at] = '\0';
}

static void put_type(const struct ptm_program *p, uint32_t type, struct text *out, int depth)
{
    static const char *const names[] = {
        [TY_ANY] = "Any",       [TY_NONE] = "NoneType",   [TY_BOOL] = "bool",
        [TY_INT] = "int",       [TY_FLOAT] = "float",     [TY_NUMBER] = "number",
        [TY_STR] = "str",       [TY_TENSOR] = "Tensor",   [TY_LIST] = "List",
        [TY_TUPLE] = "Tuple",   [TY_DICT] = "Dict",       [TY_OPTIONAL] = "Optional",
        [TY_UNION] = "Union",   [TY_DEVICE] = "Device",   [TY_FUTURE] = "Future",
        [TY_OTHER] = "Other",
    };
    const struct ptm_tytype *t = type < p->n_types ? &p->type[type] : NULL;
    if (!t || depth > PTM_MAX_DEPTH || t->kind > TY_OTHER) {
        put(out, "?");
        return;
    }
    if (t->kind == TY_CLASS) {
        put(out, t->cls < p->n_classes ? p->cls[t->cls].qualname : "?");
        return;
    }
    put(out, names[t->kind]);
    if (!t->n_sub && t->kind != TY_TUPLE)
        return;
    put(out, t->n_sub ? "[" : "[()");
    for (uint32_t i = 0; i < t->n_sub && out->at + 1 < out->n; i++) {
        if (i)
            put(out, ", ");
        put_type(p, t->sub[i], out, depth + 1);
    }
    put(out, "]");
}

const char *ptm_tytype_text(const struct ptm_program *p, uint32_t type, char *buf, size_t n)
{
    struct text t = {buf, n, 0};
    if (!n)
        return "";
    buf[0] = '\0';
    put_type(p, type, &t, 0);
    return buf;
}

/* -- the verifier -- */

struct verify {
    const struct ptm_program *p;
    const struct ptm_function *fn;
    struct ptm_err *err;
    uint8_t *inst_seen, *block_seen;
    uint32_t inst;
};

static enum ptm_status bad(struct verify *v, const char *fmt, ...) PTM_PRINTF(2, 3);
static enum ptm_status bad(struct verify *v, const char *fmt, ...)
{
    char text[200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (!v->fn)
        return ptm_fail(v->err, PTM_ERR_FORMAT, "malformed program: %s", text);
    return ptm_fail(v->err, PTM_ERR_FORMAT, "malformed program: %.300s, instruction %u: %s",
                    v->fn->qualname, (unsigned)v->inst, text);
}

static enum ptm_status check_below(struct verify *v, const char *what, uint32_t i, uint32_t n)
{
    return i < n ? PTM_OK : bad(v, "%s %u of %u", what, (unsigned)i, (unsigned)n);
}

/* How many results and arguments an operation has; -1: any number. */
static const struct {
    int8_t out, arg_min, arg_max;
} shapes[] = {
    [P_NOP] = {0, 0, 0},       [P_CONST] = {1, 0, 0},      [P_COPY] = {1, 1, 1},
    [P_OP] = {-1, 0, -1},      [P_CALL] = {1, 0, -1},      [P_METHOD] = {1, 1, -1},
    [P_NEW] = {1, 0, -1},      [P_GETATTR] = {1, 1, 1},    [P_SETATTR] = {0, 2, 2},
    [P_LIST] = {1, 0, -1},     [P_TUPLE] = {1, 0, -1},     [P_DICT] = {1, 0, -1},
    [P_UNPACK] = {-1, 1, 1},   [P_ANNOTATE] = {1, 1, 1},   [P_CHECKCAST] = {1, 1, 1},
    [P_UNINIT] = {1, 0, 0},    [P_ISINSTANCE] = {1, 1, 1}, [P_IF] = {0, 1, 1},
    [P_FOR] = {1, 1, 1},       [P_FOREACH] = {1, 1, 1},    [P_WHILE] = {0, 1, 1},
    [P_WITH] = {0, 1, 1},      [P_BREAK] = {0, 0, 0},      [P_CONTINUE] = {0, 0, 0},
    [P_RETURN] = {0, 0, 1},    [P_RAISE] = {0, 0, 1},      [P_ASSERT] = {0, 1, 2},
};

static enum ptm_status check_operands(struct verify *v, const struct ptm_inst *in)
{
    const struct ptm_function *f = v->fn;
    uint64_t arg_end = (uint64_t)in->arg + in->n_arg + in->n_kw;
    if (in->n_kw > in->n_arg)
        return bad(v, "%u named of %u arguments", in->n_kw, in->n_arg);
    if ((uint64_t)in->out + in->n_out > f->n_operands || arg_end > f->n_operands)
        return bad(v, "operands beyond %u", (unsigned)f->n_operands);
    for (uint32_t i = 0; i < in->n_out; i++)
        PTM_TRY(check_below(v, "register", f->operand[in->out + i], f->n_regs));
    for (uint32_t i = 0; i < in->n_arg; i++)
        PTM_TRY(check_below(v, "register", f->operand[in->arg + i], f->n_regs));
    for (uint32_t i = 0; i < in->n_kw; i++)
        PTM_TRY(check_below(v, "name", f->operand[in->arg + in->n_arg + i], v->p->n_names));
    return in->pos ? check_below(v, "position", in->pos, v->p->n_pos) : PTM_OK;
}

static enum ptm_status check_inst(struct verify *v, const struct ptm_inst *in)
{
    const struct ptm_program *p = v->p;
    if (in->op >= PTM_LEN(shapes))
        return bad(v, "operation %u", in->op);
    if ((shapes[in->op].out >= 0 && in->n_out != shapes[in->op].out) ||
        in->n_arg < shapes[in->op].arg_min ||
        (shapes[in->op].arg_max >= 0 && in->n_arg > shapes[in->op].arg_max))
        return bad(v, "operation %u with %u arguments and %u results", in->op, in->n_arg,
                   in->n_out);
    bool takes_kw = in->op == P_OP || in->op == P_CALL || in->op == P_METHOD || in->op == P_NEW;
    if (in->n_kw && !takes_kw)
        return bad(v, "named arguments");
    PTM_TRY(check_operands(v, in));
    switch (in->op) {
    case P_CONST:
        return check_below(v, "constant", in->a, p->n_constants);
    case P_OP:
        if (in->n_out > 1)
            return bad(v, "an operator with %u results", in->n_out);
        return check_below(v, "operator", in->a, p->n_ops);
    case P_CALL:
        return check_below(v, "function", in->a, p->n_fns);
    case P_NEW:
        return check_below(v, "class", in->a, p->n_classes);
    case P_METHOD:
        if (in->n_kw == in->n_arg)
            return bad(v, "a method without an object");
        return check_below(v, "name", in->a, p->n_names);
    case P_GETATTR:
    case P_SETATTR:
        return check_below(v, "name", in->a, p->n_names);
    case P_RAISE:
        return in->a == PTM_NO_REG ? PTM_OK : check_below(v, "name", in->a, p->n_names);
    case P_ANNOTATE:
    case P_CHECKCAST:
    case P_UNINIT:
    case P_ISINSTANCE:
        return check_below(v, "type", in->a, p->n_types);
    case P_DICT:
        return in->n_arg % 2 ? bad(v, "a key without a value") : PTM_OK;
    default:
        return PTM_OK;
    }
}

struct walk {
    uint32_t block, next;
    bool loop;       /* break and continue may stand here */
    uint32_t inner[2]; /* blocks of the last instruction, still to visit */
    bool inner_loop;
    int n_inner;
};

static enum ptm_status enter(struct verify *v, struct walk *stack, size_t *n, uint32_t block,
                             bool loop)
{
    PTM_TRY(check_below(v, "block", block, v->fn->n_blocks));
    if (v->block_seen[block])
        return bad(v, "block %u is used twice", (unsigned)block);
    if (*n == PTM_MAX_DEPTH)
        return ptm_fail(v->err, PTM_ERR_LIMIT, "'%.300s': blocks nest deeper than %d",
                        v->fn->qualname, (int)PTM_MAX_DEPTH);
    const struct ptm_block *b = &v->fn->block[block];
    if ((uint64_t)b->first + b->n > v->fn->n_insts)
        return bad(v, "block %u ends beyond instruction %u", (unsigned)block,
                   (unsigned)v->fn->n_insts);
    for (uint32_t i = 0; i < b->n; i++) {
        if (v->inst_seen[b->first + i])
            return bad(v, "block %u overlaps another", (unsigned)block);
        v->inst_seen[b->first + i] = 1;
    }
    v->block_seen[block] = 1;
    stack[(*n)++] = (struct walk){.block = block, .loop = loop};
    return PTM_OK;
}

static void inner_blocks(const struct ptm_inst *in, struct walk *w)
{
    w->n_inner = 0;
    w->inner_loop = w->loop || in->op == P_FOR || in->op == P_FOREACH || in->op == P_WHILE;
    if (in->op == P_IF || in->op == P_FOR || in->op == P_FOREACH || in->op == P_WHILE ||
        in->op == P_WITH)
        w->inner[w->n_inner++] = in->a;
    if ((in->op == P_IF || in->op == P_WHILE) && in->b != PTM_NO_REG)
        w->inner[w->n_inner++] = in->b;
}

static enum ptm_status check_body(struct verify *v)
{
    struct walk stack[PTM_MAX_DEPTH];
    size_t n = 0;
    PTM_TRY(enter(v, stack, &n, 0, false));
    while (n) {
        struct walk *w = &stack[n - 1];
        const struct ptm_block *b = &v->fn->block[w->block];
        if (w->n_inner) {
            w->n_inner--;
            PTM_TRY(enter(v, stack, &n, w->inner[w->n_inner], w->inner_loop));
            continue;
        }
        if (w->next == b->n) {
            n--;
            continue;
        }
        v->inst = b->first + w->next++;
        const struct ptm_inst *in = &v->fn->inst[v->inst];
        PTM_TRY(check_inst(v, in));
        bool jump = in->op == P_RETURN || in->op == P_BREAK || in->op == P_CONTINUE;
        if (jump && w->next != b->n)
            return bad(v, "code after a return, break or continue");
        if (jump && in->op != P_RETURN && !w->loop)
            return bad(v, "break or continue outside a loop");
        inner_blocks(in, w);
    }
    for (uint32_t i = 0; i < v->fn->n_blocks; i++)
        if (!v->block_seen[i])
            return bad(v, "block %u is never used", (unsigned)i);
    for (v->inst = 0; v->inst < v->fn->n_insts; v->inst++)
        if (!v->inst_seen[v->inst])
            return bad(v, "in no block");
    return PTM_OK;
}

/* Names are printed, to terminals too: no control characters. */
static enum ptm_status check_name(struct verify *v, const char *what, const char *name)
{
    for (const char *c = name; c && *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return bad(v, "the name of %s has the byte %u at %zu", what, (unsigned)*c,
                       (size_t)(c - name));
    return PTM_OK;
}

static enum ptm_status check_function(struct verify *v)
{
    const struct ptm_function *f = v->fn;
    bool defaults = false;
    v->inst = 0;
    PTM_TRY(check_name(v, "a function", f->name));
    PTM_TRY(check_name(v, "a function", f->qualname));
    if (f->n_params > f->n_regs)
        return bad(v, "%u parameters in %u registers", (unsigned)f->n_params, (unsigned)f->n_regs);
    for (uint32_t i = 0; i < f->n_params; i++) {
        PTM_TRY(check_below(v, "type", f->param[i].type, v->p->n_types));
        PTM_TRY(check_name(v, "a parameter", f->param[i].name));
        if (defaults && !f->param[i].has_default)
            return bad(v, "parameter '%.60s' lacks a default", f->param[i].name);
        defaults = f->param[i].has_default;
    }
    PTM_TRY(check_below(v, "type", f->ret_type, v->p->n_types));
    v->inst_seen = ptm_malloc((size_t)f->n_insts + 1);
    v->block_seen = ptm_malloc((size_t)f->n_blocks + 1);
    enum ptm_status st = v->inst_seen && v->block_seen
                             ? check_body(v)
                             : ptm_fail(v->err, PTM_ERR_MEMORY, "no memory to verify the program");
    ptm_free(v->inst_seen);
    ptm_free(v->block_seen);
    return st;
}

static enum ptm_status check_class(struct verify *v, const struct ptm_class *c)
{
    PTM_TRY(check_name(v, "a class", c->qualname));
    for (uint32_t i = 0; i < c->n_attrs; i++) {
        PTM_TRY(check_below(v, "type", c->attr_type[i], v->p->n_types));
        PTM_TRY(check_name(v, "an attribute", c->attr_name[i]));
    }
    for (uint32_t i = 0; i < c->n_methods; i++) {
        PTM_TRY(check_below(v, "function", c->method[i], v->p->n_fns));
        if (!v->p->fn[c->method[i]].is_method)
            return bad(v, "'%.100s' has a method that is none", c->qualname);
    }
    return PTM_OK;
}

static enum ptm_status check_object(struct verify *v, const struct ptm_object *o, uint32_t id)
{
    if (!o || o->id != id)
        return bad(v, "object %u is not at its place", (unsigned)id);
    if (o->cls < v->p->cls || o->cls >= v->p->cls + v->p->n_classes)
        return bad(v, "object %u is of no class", (unsigned)id);
    return o->cls->n_attrs && !o->attr ? bad(v, "object %u has no attributes", (unsigned)id)
                                       : PTM_OK;
}

enum ptm_status ptm_program_verify(const struct ptm_program *p, struct ptm_err *err)
{
    struct verify v = {.p = p, .err = err};
    if (!p->n_types || p->type[0].kind != TY_ANY)
        return bad(&v, "type 0 is not Any");
    for (uint32_t i = 0; i < p->n_types; i++) {
        const struct ptm_tytype *t = &p->type[i];
        bool one = t->kind == TY_LIST || t->kind == TY_OPTIONAL || t->kind == TY_FUTURE;
        if ((one && t->n_sub != 1) || (t->kind == TY_DICT && t->n_sub != 2))
            return bad(&v, "type %u has %u parts", (unsigned)i, (unsigned)t->n_sub);
        for (uint32_t k = 0; k < t->n_sub; k++)
            PTM_TRY(check_below(&v, "part of a type", t->sub[k], i)); /* no cycles */
        if (t->kind == TY_CLASS)
            PTM_TRY(check_below(&v, "class", t->cls, p->n_classes));
    }
    for (uint32_t i = 0; i < p->n_ops; i++) {
        PTM_TRY(check_name(&v, "an operator", p->op[i].name));
        PTM_TRY(check_name(&v, "an operator", p->op[i].overload));
    }
    for (uint32_t i = 0; i < p->n_classes; i++)
        PTM_TRY(check_class(&v, &p->cls[i]));
    for (uint32_t i = 0; i < p->n_objects; i++)
        PTM_TRY(check_object(&v, p->object[i], i));
    if (!p->root || p->root->id >= p->n_objects || p->object[p->root->id] != p->root)
        return bad(&v, "the root is not an object");
    for (uint32_t i = 0; i < p->n_fns; i++) {
        v.fn = &p->fn[i];
        PTM_TRY(check_function(&v));
    }
    return PTM_OK;
}
