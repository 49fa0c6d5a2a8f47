/* SPDX-License-Identifier: BSD-2-Clause */
/* A program as text: classes, functions with their blocks indented, objects. */
#include "libcore/program.h"

#include <math.h>
#include <string.h>

enum { MAX_SHOWN = 8 }; /* elements of lists and tuples */

static void print_string(FILE *f, const struct ptm_str *s)
{
    fputc('"', f);
    for (size_t i = 0; i < s->len; i++) {
        uint8_t c = (uint8_t)s->s[i];
        if (c == '"' || c == '\\')
            fprintf(f, "\\%c", c);
        else if (c == '\n')
            fputs("\\n", f);
        else if (c < 32 || c == 127)
            fprintf(f, "\\x%02x", c);
        else
            fputc(c, f);
    }
    fputc('"', f);
}

static void print_float(FILE *f, double v)
{
    char text[40];
    if (isnan(v) || isinf(v)) {
        fputs(isnan(v) ? "nan" : v < 0 ? "-inf" : "inf", f);
        return;
    }
    snprintf(text, sizeof text, "%.17g", v);
    for (int digits = 1; digits < 17; digits++) { /* the shortest that reads back */
        char shorter[40];
        double back;
        snprintf(shorter, sizeof shorter, "%.*g", digits, v);
        if (sscanf(shorter, "%lf", &back) == 1 && back == v) {
            memcpy(text, shorter, sizeof text);
            break;
        }
    }
    fprintf(f, "%s%s", text, strpbrk(text, ".en") ? "" : ".0");
}

static void print_value(FILE *f, struct ptm_ival v, int depth);

static void print_items(FILE *f, const struct ptm_list *l, int depth)
{
    for (size_t i = 0; i < l->n; i++) {
        if (i)
            fputs(", ", f);
        if (i == MAX_SHOWN) {
            fprintf(f, "... %zu in all", l->n);
            break;
        }
        if (l->names)
            fprintf(f, "%s=", l->names[i]);
        print_value(f, l->v[i], depth + 1);
    }
}

static void print_dict(FILE *f, const struct ptm_dict *d, int depth)
{
    for (size_t i = 0; i < d->n; i++) {
        if (i)
            fputs(", ", f);
        if (i == MAX_SHOWN) {
            fprintf(f, "... %zu in all", d->n);
            break;
        }
        print_value(f, d->key[i], depth + 1);
        fputs(": ", f);
        print_value(f, d->v[i], depth + 1);
    }
}

static void print_value(FILE *f, struct ptm_ival v, int depth)
{
    char text[200];
    if (depth > 4) {
        fputs("...", f);
        return;
    }
    switch (v.tag) {
    case PTM_NONE:
        fputs("None", f);
        break;
    case PTM_BOOL:
        fputs(v.u.b ? "True" : "False", f);
        break;
    case PTM_INT:
        fprintf(f, "%lld", (long long)v.u.i);
        break;
    case PTM_FLOAT:
        print_float(f, v.u.f);
        break;
    case PTM_STR:
        print_string(f, v.u.str);
        break;
    case PTM_LIST:
        fputc('[', f);
        print_items(f, v.u.list, depth);
        fputc(']', f);
        break;
    case PTM_TUPLE:
        fputc('(', f);
        print_items(f, v.u.list, depth);
        fputs(v.u.list->n == 1 ? ",)" : ")", f);
        break;
    case PTM_DICT:
        fputc('{', f);
        print_dict(f, v.u.dict, depth);
        fputc('}', f);
        break;
    case PTM_OBJECT:
        fprintf(f, "object %u", (unsigned)v.u.object->id);
        break;
    case PTM_UNINIT:
        fputs("uninitialized", f);
        break;
    default:
        fputs(ptm_ival_describe(v, text, sizeof text), f);
        break;
    }
}

/* -- functions -- */

struct printer {
    const struct ptm_program *p;
    const struct ptm_function *fn;
    FILE *f;
    uint32_t pos; /* the last one printed */
};

static void print_reg(const struct printer *x, uint32_t reg)
{
    const char *name = x->fn->reg_name ? x->fn->reg_name[reg] : NULL;
    if (name)
        fputs(name, x->f);
    else
        fprintf(x->f, "%%%u", (unsigned)reg);
}

static void print_args(const struct printer *x, const struct ptm_inst *in, uint32_t from)
{
    for (uint32_t i = from; i < in->n_arg; i++) {
        uint32_t kw = in->n_arg - in->n_kw;
        if (i > from)
            fputs(", ", x->f);
        if (i >= kw)
            fprintf(x->f, "%s=", x->p->name[x->fn->operand[in->arg + in->n_arg + i - kw]]);
        print_reg(x, x->fn->operand[in->arg + i]);
    }
}

static void print_what(const struct printer *x, const struct ptm_inst *in)
{
    static const char *const words[] = {
        [P_NOP] = "nop",           [P_COPY] = "",         [P_LIST] = "list",
        [P_TUPLE] = "tuple",       [P_DICT] = "dict",     [P_UNPACK] = "unpack",
        [P_IF] = "if",             [P_FOR] = "for range", [P_FOREACH] = "for each",
        [P_WHILE] = "while",       [P_WITH] = "with",     [P_BREAK] = "break",
        [P_CONTINUE] = "continue", [P_RETURN] = "return", [P_ASSERT] = "assert",
    };
    const struct ptm_program *p = x->p;
    char text[256];
    switch (in->op) {
    case P_CONST:
        print_value(x->f, p->constant[in->a], 0);
        return;
    case P_OP:
        fputs(p->op[in->a].name, x->f);
        break;
    case P_CALL:
        fputs(p->fn[in->a].qualname, x->f);
        break;
    case P_NEW:
        fprintf(x->f, "new%s %s", in->b ? " bare" : "", p->cls[in->a].qualname);
        break;
    case P_METHOD:
    case P_GETATTR:
    case P_SETATTR:
        print_reg(x, x->fn->operand[in->arg]);
        fprintf(x->f, ".%s", p->name[in->a]);
        if (in->op == P_GETATTR)
            return;
        if (in->op == P_SETATTR)
            fputs(" = ", x->f);
        break;
    case P_ANNOTATE:
    case P_CHECKCAST:
    case P_UNINIT:
    case P_ISINSTANCE:
        fprintf(x->f, "%s %s",
                in->op == P_ANNOTATE    ? "annotate"
                : in->op == P_CHECKCAST ? "cast"
                : in->op == P_UNINIT    ? "uninitialized"
                                        : "isinstance",
                ptm_tytype_text(p, in->a, text, sizeof text));
        break;
    case P_RAISE:
        fprintf(x->f, "raise %s", in->a == PTM_NO_REG ? "Exception" : p->name[in->a]);
        break;
    default:
        fputs(words[in->op], x->f);
        break;
    }
    bool bare = in->op == P_COPY || in->op == P_SETATTR;
    if (!in->n_arg && in->op != P_OP && in->op != P_CALL && in->op != P_NEW && in->op != P_LIST &&
        in->op != P_TUPLE && in->op != P_DICT)
        return;
    if (!bare)
        fputc('(', x->f);
    print_args(x, in, in->op == P_METHOD || in->op == P_SETATTR);
    if (!bare)
        fputc(')', x->f);
}

static void print_pos(struct printer *x, uint32_t pos)
{
    const struct ptm_pos *at = &x->p->pos[pos];
    if (pos == x->pos)
        return;
    x->pos = pos;
    fprintf(x->f, "  # %u", (unsigned)at->line);
    if (at->src_file)
        fprintf(x->f, " %s:%u", at->src_file, (unsigned)at->src_line);
}

static void print_block(struct printer *x, uint32_t block, int indent)
{
    const struct ptm_block *b = &x->fn->block[block];
    for (uint32_t i = 0; i < b->n; i++) {
        const struct ptm_inst *in = &x->fn->inst[b->first + i];
        fprintf(x->f, "%*s", indent, "");
        for (uint32_t k = 0; k < in->n_out; k++) {
            if (k)
                fputs(", ", x->f);
            print_reg(x, x->fn->operand[in->out + k]);
        }
        if (in->n_out)
            fputs(" = ", x->f);
        print_what(x, in);
        print_pos(x, in->pos);
        fputc('\n', x->f);
        if (in->op == P_WHILE && in->b != PTM_NO_REG) {
            print_block(x, in->b, indent + 2);
            fprintf(x->f, "%*sdo\n", indent, "");
        }
        if (in->op == P_IF || in->op == P_FOR || in->op == P_FOREACH || in->op == P_WHILE ||
            in->op == P_WITH)
            print_block(x, in->a, indent + 2);
        if (in->op == P_IF && in->b != PTM_NO_REG) {
            fprintf(x->f, "%*selse\n", indent, "");
            print_block(x, in->b, indent + 2);
        }
    }
}

static void print_function(const struct ptm_program *p, const struct ptm_function *fn, FILE *f)
{
    struct printer x = {.p = p, .fn = fn, .f = f};
    char text[400];
    fprintf(f, "\n%s %s(", fn->is_method ? "method" : "function", fn->qualname);
    for (uint32_t i = 0; i < fn->n_params; i++) {
        fprintf(f, "%s%s: %s", i ? ", " : "", fn->param[i].name,
                ptm_tytype_text(p, fn->param[i].type, text, sizeof text));
        if (!fn->param[i].has_default)
            continue;
        fputs(" = ", f);
        print_value(f, fn->param[i].def, 0);
    }
    fprintf(f, ") -> %s  # %u registers\n", ptm_tytype_text(p, fn->ret_type, text, sizeof text),
            (unsigned)fn->n_regs);
    if (fn->n_blocks)
        print_block(&x, 0, 2);
}

static void print_class(const struct ptm_program *p, const struct ptm_class *c, FILE *f)
{
    char text[400];
    fprintf(f, "\nclass %s%s\n", c->qualname,
            c->is_module       ? " (module)"
            : c->is_interface  ? " (interface)"
            : c->is_namedtuple ? " (named tuple)"
            : c->is_enum       ? " (enum)"
                               : "");
    for (uint32_t i = 0; i < c->n_parameters; i++)
        fprintf(f, "  parameter %s\n", c->parameter[i]);
    for (uint32_t i = 0; i < c->n_buffers; i++)
        fprintf(f, "  buffer %s\n", c->buffer[i]);
    for (uint32_t i = 0; i < c->n_attrs; i++) {
        fprintf(f, "  %s : %s", c->attr_name[i],
                ptm_tytype_text(p, c->attr_type[i], text, sizeof text));
        if (c->namedtuple_default && c->namedtuple_default[i].tag != PTM_UNINIT) {
            fputs(" = ", f);
            print_value(f, c->namedtuple_default[i], 0);
        }
        fputc('\n', f);
    }
}

static void print_object(const struct ptm_program *p, const struct ptm_object *o, FILE *f)
{
    fprintf(f, "\nobject %u %s%s\n", (unsigned)o->id, o->cls->qualname,
            o == p->root ? " (root)" : "");
    for (uint32_t i = 0; i < o->cls->n_attrs; i++) {
        fprintf(f, "  %s = ", o->cls->attr_name[i]);
        print_value(f, o->attr[i], 0);
        fputc('\n', f);
    }
}

void ptm_program_dump(const struct ptm_program *p, FILE *f)
{
    fprintf(f, "program: %s; %u classes, %u functions, %u objects, %u constants, %u operators\n",
            p->producer ? p->producer : "unknown", (unsigned)p->n_classes, (unsigned)p->n_fns,
            (unsigned)p->n_objects, (unsigned)p->n_constants, (unsigned)p->n_ops);
    for (uint32_t i = 0; i < p->n_ops; i++)
        fprintf(f, "  operator %s x %u\n", p->op[i].name, (unsigned)p->op[i].count);
    for (uint32_t i = 0; i < p->n_classes; i++)
        print_class(p, &p->cls[i], f);
    for (uint32_t i = 0; i < p->n_fns; i++)
        print_function(p, &p->fn[i], f);
    for (uint32_t i = 0; i < p->n_objects; i++)
        print_object(p, p->object[i], f);
}
