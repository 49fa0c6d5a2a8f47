/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of code/ define: names of all classes and functions first, then classes. */
#include "formats/ts.h"

#include <string.h>

enum { MAX_FUNCTIONS = 1 << 20, EXTERN_CLASSES = 256 };

const struct ts_sym *ts_symbol(const struct ts_load *ld, const char *qualname, size_t len)
{
    uint32_t i;
    return ts_map_get(&ld->symbols, qualname, len, &i) ? &ld->sym[i] : NULL;
}

static enum ptm_status add_symbol(struct ts_load *ld, const char *qualname, enum ts_symbol kind,
                                  uint32_t index)
{
    size_t len = strlen(qualname);
    if (ts_symbol(ld, qualname, len))
        return ptm_fail(ld->err, PTM_ERR_FORMAT, "'%.300s' is defined twice", qualname);
    PTM_TRY(ts_grow(ld, &ld->scratch, &ld->sym, &ld->cap_syms, ld->n_syms, sizeof *ld->sym));
    ld->sym[ld->n_syms] = (struct ts_sym){.kind = (uint8_t)kind, .index = index};
    if (!ts_map_put(&ld->scratch, &ld->symbols, qualname, len, (uint32_t)ld->n_syms))
        return ptm_fail(ld->err, PTM_ERR_MEMORY, "no memory for the program");
    ld->n_syms++;
    return PTM_OK;
}

/* prefix.name, in the program's arena */
static char *join(struct ts_load *ld, const char *prefix, const char *name, size_t len)
{
    size_t n = strlen(prefix);
    char *s = ptm_arena_alloc(ld->arena, n + len + 2);
    if (s) {
        memcpy(s, prefix, n);
        s[n] = '.';
        memcpy(s + n + 1, name, len);
    }
    return s;
}

static enum ptm_status add_function(struct ts_parser *ps, const char *prefix, uint32_t cls,
                                    uint32_t *out)
{
    struct ts_load *ld = ps->ld;
    struct ptm_program *p = ld->p;
    const struct ts_token *name = ps->t;
    PTM_TRY(ts_expect_kind(ps, TS_NAME));
    if (p->n_fns >= MAX_FUNCTIONS)
        return ts_fail(ps, PTM_ERR_LIMIT, "more than %d functions", (int)MAX_FUNCTIONS);
    PTM_TRY(ts_grow(ld, &ld->scratch, &p->fn, &ld->cap_fns, p->n_fns, sizeof *p->fn));
    PTM_TRY(ts_grow(ld, &ld->scratch, &ld->fn_decl, &ld->cap_fn_decls, p->n_fns,
                    sizeof *ld->fn_decl));
    struct ptm_function *f = &p->fn[p->n_fns];
    f->qualname = join(ld, prefix, ts_text(ps, name), name->len);
    TS_NEED(ld, f->qualname);
    f->name = f->qualname + strlen(prefix) + 1;
    f->is_method = cls != PTM_NO_REG;
    ld->fn_decl[p->n_fns] = (struct ts_decl){
        .file = ps->file, .tok = (uint32_t)(name - ps->file->tok), .cls = cls};
    *out = p->n_fns++;
    return PTM_OK;
}

/* The rest of a definition: to the end of its header's line, and the block under it. */
static enum ptm_status skip_block(struct ts_parser *ps)
{
    while (ps->t->kind != TS_NEWLINE) {
        if (ps->t->kind == TS_EOF)
            return ts_unexpected(ps, "a block");
        ps->t++;
    }
    ps->t++;
    PTM_TRY(ts_expect_kind(ps, TS_INDENT));
    for (int depth = 1; depth; ps->t++) {
        if (ps->t->kind == TS_EOF)
            return ts_unexpected(ps, "the block's end");
        depth += ps->t->kind == TS_INDENT ? 1 : ps->t->kind == TS_DEDENT ? -1 : 0;
    }
    return PTM_OK;
}

static enum ptm_status declare_class(struct ts_parser *ps)
{
    struct ts_load *ld = ps->ld;
    struct ptm_program *p = ld->p;
    const struct ts_token *name = ps->t;
    PTM_TRY(ts_expect_kind(ps, TS_NAME));
    struct ptm_class *c = &p->cls[p->n_classes];
    c->qualname = join(ld, ps->file->prefix, ts_text(ps, name), name->len);
    TS_NEED(ld, c->qualname);
    if (ts_accept(ps, '(')) {
        c->is_module = ts_is_word(ps, "Module");
        c->is_namedtuple = ts_is_word(ps, "NamedTuple");
        c->is_enum = ts_is_word(ps, "Enum");
        c->is_interface = ts_is_word(ps, "Interface") || ts_is_word(ps, "ModuleInterface");
        PTM_TRY(ts_expect_kind(ps, TS_NAME));
        if (!c->is_module && !c->is_namedtuple && !c->is_enum && !c->is_interface)
            return ts_fail(ps, PTM_ERR_UNSUPPORTED, "class '%.300s' has base '%.*s'", c->qualname,
                           (int)(ps->t[-1].len & 127), ts_text(ps, ps->t - 1));
        PTM_TRY(ts_expect(ps, ')'));
    }
    PTM_TRY(ts_expect(ps, ':'));
    ld->cls_decl[p->n_classes] =
        (struct ts_decl){.file = ps->file, .tok = (uint32_t)(ps->t - ps->file->tok)};
    PTM_TRY(add_symbol(ld, c->qualname, SYM_CLASS, p->n_classes));
    p->n_classes++;
    return skip_block(ps);
}

static void skip_line(struct ts_parser *ps)
{
    while (ps->t->kind != TS_NEWLINE && ps->t->kind != TS_EOF)
        ps->t++;
}

static enum ptm_status declare_file(struct ts_load *ld, struct ts_file *f)
{
    struct ts_parser ps = {.ld = ld, .file = f, .t = f->tok};
    while (ps.t->kind != TS_EOF) {
        if (ps.t->kind == TS_NEWLINE) {
            ps.t++;
        } else if (ts_accept_word(&ps, "class")) {
            PTM_TRY(declare_class(&ps));
        } else if (ts_accept_word(&ps, "def")) {
            uint32_t fn;
            PTM_TRY(add_function(&ps, f->prefix, PTM_NO_REG, &fn));
            PTM_TRY(add_symbol(ld, ld->p->fn[fn].qualname, SYM_FN, fn));
            PTM_TRY(skip_block(&ps));
        } else if (ts_is_word(&ps, "import") || ts_is_word(&ps, "from") ||
                   ts_is_word(&ps, "op_version_set")) {
            skip_line(&ps);
        } else {
            return ts_unexpected(&ps, "a class or a function");
        }
    }
    return PTM_OK;
}

/* -- classes -- */

struct class_build {
    struct ptm_class *c;
    uint32_t number;
    size_t cap_attrs, cap_types, cap_defaults, cap_methods;
};

static enum ptm_status add_attr(struct ts_parser *ps, struct class_build *b, const char *name,
                                size_t len, uint32_t type)
{
    struct ts_load *ld = ps->ld;
    struct ptm_class *c = b->c;
    size_t n = c->n_attrs;
    char *copy = ptm_arena_str(ld->arena, name, len);
    TS_NEED(ld, copy);
    PTM_TRY(ts_grow(ld, ld->arena, &c->attr_name, &b->cap_attrs, n, sizeof *c->attr_name));
    PTM_TRY(ts_grow(ld, ld->arena, &c->attr_type, &b->cap_types, n, sizeof *c->attr_type));
    if (c->is_namedtuple) {
        PTM_TRY(ts_grow(ld, ld->arena, &c->namedtuple_default, &b->cap_defaults, n,
                        sizeof *c->namedtuple_default));
        c->namedtuple_default[n] = (struct ptm_ival){.tag = PTM_UNINIT};
    }
    c->attr_name[n] = copy;
    c->attr_type[n] = type;
    c->n_attrs++;
    return PTM_OK;
}

/* ["weight", "bias", ] */
static enum ptm_status name_list(struct ts_parser *ps, const char ***names, uint32_t *n)
{
    size_t cap = 0;
    *n = 0;
    *names = NULL;
    PTM_TRY(ts_expect(ps, '['));
    while (!ts_is(ps, ']')) {
        const char *s;
        size_t len;
        PTM_TRY(ts_expect_kind(ps, TS_STR));
        PTM_TRY(ts_string(ps, ps->t - 1, &s, &len));
        PTM_TRY(ts_grow(ps->ld, ps->ld->arena, names, &cap, *n, sizeof **names));
        (*names)[*n] = ptm_arena_str(ps->ld->arena, s, len);
        TS_NEED(ps->ld, (*names)[*n]);
        ++*n;
        if (!ts_accept(ps, ','))
            break;
    }
    return ts_expect(ps, ']');
}

/* __annotations__ = []   __annotations__["0"] = T */
static enum ptm_status annotations(struct ts_parser *ps, struct class_build *b)
{
    if (ts_accept(ps, '=')) {
        PTM_TRY(ts_expect(ps, '['));
        return ts_expect(ps, ']');
    }
    const char *s;
    size_t len;
    uint32_t type;
    PTM_TRY(ts_expect(ps, '['));
    PTM_TRY(ts_expect_kind(ps, TS_STR));
    PTM_TRY(ts_string(ps, ps->t - 1, &s, &len));
    PTM_TRY(ts_expect(ps, ']'));
    PTM_TRY(ts_expect(ps, '='));
    PTM_TRY(ts_type(ps, &type));
    return add_attr(ps, b, s, len, type);
}

static enum ptm_status enum_member(struct ts_parser *ps, struct class_build *b,
                                   const struct ts_token *name)
{
    struct ts_load *ld = ps->ld;
    struct ptm_object *obj;
    struct ptm_ival value;
    PTM_TRY(ts_expect(ps, '='));
    PTM_TRY(ts_const(ps, &value));
    PTM_TRY(ts_new_object(ld, b->c, &obj));
    obj->attr[0] = ptm_str_ival(ld->arena, ts_text(ps, name), name->len);
    obj->attr[1] = value;
    PTM_TRY(ts_grow(ld, &ld->scratch, &ld->member, &ld->cap_members, ld->n_members,
                    sizeof *ld->member));
    ld->member[ld->n_members] = obj;
    const char *qualname = join(ld, b->c->qualname, ts_text(ps, name), name->len);
    TS_NEED(ld, qualname);
    return add_symbol(ld, qualname, SYM_MEMBER, (uint32_t)ld->n_members++);
}

static enum ptm_status attribute(struct ts_parser *ps, struct class_build *b)
{
    const struct ts_token *name = ps->t;
    uint32_t type;
    PTM_TRY(ts_expect_kind(ps, TS_NAME));
    if (b->c->is_enum)
        return enum_member(ps, b, name);
    PTM_TRY(ts_expect(ps, ':'));
    if (ts_is_word(ps, "Final")) { /* constants are written into the code as well */
        skip_line(ps);
        return PTM_OK;
    }
    PTM_TRY(ts_type(ps, &type));
    PTM_TRY(add_attr(ps, b, ts_text(ps, name), name->len, type));
    if (b->c->is_namedtuple && ts_accept(ps, '='))
        return ts_const(ps, &b->c->namedtuple_default[b->c->n_attrs - 1]);
    return PTM_OK;
}

static enum ptm_status method(struct ts_parser *ps, struct class_build *b)
{
    uint32_t fn;
    if (b->c->is_interface)
        return skip_block(ps); /* what it asks for is not needed: calls go by the object */
    PTM_TRY(add_function(ps, b->c->qualname, b->number, &fn));
    const char *name = ps->ld->p->fn[fn].name;
    for (uint32_t i = 0; i < b->c->n_methods; i++)
        if (!strcmp(ps->ld->p->fn[b->c->method[i]].name, name))
            return ts_fail(ps, PTM_ERR_FORMAT, "'%.300s' has method '%.100s' twice",
                           b->c->qualname, name);
    PTM_TRY(ts_grow(ps->ld, ps->ld->arena, &b->c->method, &b->cap_methods, b->c->n_methods,
                    sizeof *b->c->method));
    b->c->method[b->c->n_methods++] = fn;
    return skip_block(ps);
}

static enum ptm_status class_line(struct ts_parser *ps, struct class_build *b)
{
    const char **ignored;
    uint32_t n;
    if (ts_accept_word(ps, "def"))
        return method(ps, b);
    if (ts_accept_word(ps, "pass"))
        return PTM_OK;
    if (ts_accept_word(ps, "__parameters__")) {
        PTM_TRY(ts_expect(ps, '='));
        return name_list(ps, &b->c->parameter, &b->c->n_parameters);
    }
    if (ts_accept_word(ps, "__buffers__")) {
        PTM_TRY(ts_expect(ps, '='));
        return name_list(ps, &b->c->buffer, &b->c->n_buffers);
    }
    if (ts_accept_word(ps, "__forward_pre_hooks__") || ts_accept_word(ps, "__forward_hooks__")) {
        PTM_TRY(ts_expect(ps, '='));
        return name_list(ps, &ignored, &n);
    }
    if (ts_accept_word(ps, "__annotations__"))
        return annotations(ps, b);
    return attribute(ps, b);
}

static enum ptm_status check_attrs(struct ts_load *ld, const struct ptm_class *c)
{
    struct ts_map seen = {0};
    for (uint32_t i = 0; i < c->n_attrs; i++) {
        uint32_t other;
        size_t len = strlen(c->attr_name[i]);
        if (ts_map_get(&seen, c->attr_name[i], len, &other))
            return ptm_fail(ld->err, PTM_ERR_FORMAT, "class '%.300s' has attribute '%.100s' twice",
                            c->qualname, c->attr_name[i]);
        if (!ts_map_put(&ld->scratch, &seen, c->attr_name[i], len, i))
            return ptm_fail(ld->err, PTM_ERR_MEMORY, "no memory for the program");
    }
    return PTM_OK;
}

static enum ptm_status class_body(struct ts_load *ld, uint32_t number)
{
    const struct ts_decl *d = &ld->cls_decl[number];
    struct ts_parser ps = {.ld = ld, .file = d->file, .t = d->file->tok + d->tok};
    struct class_build b = {.c = &ld->p->cls[number], .number = number};
    if (b.c->is_enum) {
        PTM_TRY(add_attr(&ps, &b, "name", 4, 0));
        PTM_TRY(add_attr(&ps, &b, "value", 5, 0));
    }
    PTM_TRY(ts_expect_kind(&ps, TS_NEWLINE));
    PTM_TRY(ts_expect_kind(&ps, TS_INDENT));
    while (ps.t->kind != TS_DEDENT) {
        if (ps.t->kind == TS_NEWLINE) {
            ps.t++;
            continue;
        }
        PTM_TRY(class_line(&ps, &b));
        if (ps.t[-1].kind != TS_DEDENT) /* not after a method's block */
            PTM_TRY(ts_expect_kind(&ps, TS_NEWLINE));
    }
    return check_attrs(ld, b.c);
}

enum ptm_status ts_extern_class(struct ts_load *ld, const char *qualname, size_t len, uint32_t *out)
{
    static const char where[] = "__torch__.torch.classes.";
    struct ptm_program *p = ld->p;
    const struct ts_sym *sym = ts_symbol(ld, qualname, len);
    if (sym && sym->kind == SYM_CLASS) {
        *out = sym->index;
        return PTM_OK;
    }
    if (len <= sizeof where || memcmp(qualname, where, sizeof where - 1))
        return ptm_fail(ld->err, PTM_ERR_FORMAT, "class '%.*s' is not defined in code/",
                        (int)(len < 300 ? len : 300), qualname);
    if (p->n_classes >= ld->cap_classes)
        return ptm_fail(ld->err, PTM_ERR_LIMIT, "more than %d classes from outside the file",
                        (int)EXTERN_CLASSES);
    struct ptm_class *c = &p->cls[p->n_classes];
    c->qualname = ptm_arena_str(ld->arena, qualname, len);
    c->attr_name = ptm_arena_array(ld->arena, 1, sizeof *c->attr_name);
    c->attr_type = ptm_arena_array(ld->arena, 1, sizeof *c->attr_type);
    TS_NEED(ld, c->qualname && c->attr_name && c->attr_type);
    c->attr_name[0] = "state";
    c->n_attrs = 1;
    *out = p->n_classes++;
    return add_symbol(ld, c->qualname, SYM_CLASS, *out);
}

enum ptm_status ts_declare(struct ts_load *ld)
{
    struct ptm_program *p = ld->p;
    struct ptm_tytype any = {.kind = TY_ANY};
    uint32_t type0;
    size_t n_classes = EXTERN_CLASSES;
    for (size_t i = 0; i < ld->n_files; i++) {
        PTM_TRY(ts_lex(ld, &ld->file[i]));
        for (uint32_t k = 0; k < ld->file[i].n_tok; k++) {
            const struct ts_token *t = &ld->file[i].tok[k];
            n_classes += t->kind == TS_NAME && t->len == 5 &&
                         !memcmp(ld->file[i].text + t->at, "class", 5);
        }
    }
    ld->cap_classes = n_classes;
    p->cls = ptm_arena_array(ld->arena, n_classes, sizeof *p->cls);
    ld->cls_decl = ptm_arena_array(&ld->scratch, n_classes, sizeof *ld->cls_decl);
    TS_NEED(ld, p->cls && ld->cls_decl);
    PTM_TRY(ts_type_add(ld, &any, &type0));
    for (size_t i = 0; i < ld->n_files; i++)
        PTM_TRY(declare_file(ld, &ld->file[i]));
    uint32_t n = p->n_classes; /* bodies may name classes from outside */
    for (uint32_t i = 0; i < n; i++)
        PTM_TRY(class_body(ld, i));
    return PTM_OK;
}
