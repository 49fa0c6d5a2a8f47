/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words and text to a program. Every count is compared with the words that are left before memory
 * is asked for, every number with the table it points into; what instructions name is checked by
 * ptm_program_verify afterwards.
 */
#include "formats/ptm_decode.h"

#include <string.h>

#include "formats/ptm_layout.h"

enum {
    MAX_NESTING = 100,      /* a session copies no deeper */
    MAX_UNFOLDED = 1 << 24, /* values, where what is shared counts each time */
};

enum ptm_status ptm_decode_no_memory(struct ptm_decoder *d)
{
    return ptm_fail(d->err, PTM_ERR_MEMORY, "no memory for the program");
}

enum ptm_status ptm_decode_fail(struct ptm_decoder *d, const char *what, uint64_t is, uint64_t of)
{
    if (d->r.failed)
        return ptm_fail(d->err, PTM_ERR_FORMAT, "%s section: it ends at byte %zu",
                        d->section, d->r.n);
    return ptm_fail(d->err, PTM_ERR_FORMAT, "%s section, byte %zu: %s %llu of %llu", d->section,
                    d->r.at - 4, what, (unsigned long long)is, (unsigned long long)of);
}


enum ptm_status ptm_decode_below(struct ptm_decoder *d, const char *what, uint32_t n, uint32_t *out)
{
    *out = ptm_read_u32(&d->r);
    return d->r.failed || *out >= n ? ptm_decode_fail(d, what, *out, n) : PTM_OK;
}


enum ptm_status ptm_decode_count(struct ptm_decoder *d, const char *what, uint32_t words,
                               uint32_t *out)
{
    *out = ptm_read_u32(&d->r);
    size_t most = (d->r.n - d->r.at) / 4 / words;
    return d->r.failed || *out > most ? ptm_decode_fail(d, what, *out, most) : PTM_OK;
}

enum ptm_status ptm_decode_array(struct ptm_decoder *d, void *out, uint32_t n, size_t size)
{
    void *p = n ? ptm_arena_array(d->arena, n, size) : NULL;
    if (n && !p)
        return ptm_decode_no_memory(d);
    memcpy(out, &p, sizeof p);
    return PTM_OK;
}

/* -- strings -- */

enum ptm_status ptm_decode_string(struct ptm_decoder *d, const char **out)
{
    uint32_t i;
    PTM_TRY(ptm_decode_below(d, "string", d->n_strings, &i));
    *out = d->string[i].s;
    return PTM_OK;
}

enum ptm_status ptm_decode_string_or_none(struct ptm_decoder *d, const char **out)
{
    uint32_t i = ptm_read_u32(&d->r);
    if (d->r.failed || i > d->n_strings)
        return ptm_decode_fail(d, "string", i, d->n_strings);
    *out = i ? d->string[i - 1].s : NULL;
    return PTM_OK;
}

static enum ptm_status strings(struct ptm_decoder *d, const char ***out, uint32_t n)
{
    PTM_TRY(ptm_decode_array(d, out, n, sizeof **out));
    for (uint32_t i = 0; i < n; i++)
        PTM_TRY(ptm_decode_string(d, &(*out)[i]));
    return PTM_OK;
}

static enum ptm_status read_strings(struct ptm_decoder *d)
{
    size_t at = 0;
    char *text = ptm_arena_str(d->arena, (const char *)d->text, d->n_text);
    if (!text)
        return ptm_decode_no_memory(d);
    PTM_TRY(ptm_decode_array(d, &d->string, d->n_strings, sizeof *d->string));
    for (uint32_t i = 0; i < d->n_strings; i++) {
        uint32_t len = ptm_read_u32(&d->r);
        if (d->r.failed || len >= d->n_text - at || text[at + len])
            return ptm_decode_fail(d, "a string of bytes", len, d->n_text - at);
        d->string[i] = (struct ptm_str){.s = text + at, .len = len};
        at += (size_t)len + 1;
    }
    return PTM_OK;
}

/* -- values -- */

/* A container's number: its first use says whether it is a dict. */
static enum ptm_status container_ref(struct ptm_decoder *d, uint32_t limit, struct ptm_ival *out)
{
    uint32_t i;
    bool dict = out->tag == PTM_DICT;
    PTM_TRY(ptm_decode_below(d, "container", limit, &i));
    struct ptm_container *c = &d->container[i];
    if (c->used && c->dict != dict)
        return ptm_decode_fail(d, "another kind of container, number", i, d->n_containers);
    c->used = true;
    c->dict = dict;
    if (dict)
        out->u.dict = &c->u.dict;
    else
        out->u.list = &c->u.list;
    return PTM_OK;
}

/* `limit`: containers below it may stand here. */
enum ptm_status ptm_decode_value(struct ptm_decoder *d, uint32_t limit, struct ptm_ival *out)
{
    uint32_t tag = ptm_read_u32(&d->r), i;
    uint64_t bits;
    *out = (struct ptm_ival){.tag = (uint8_t)tag};
    switch (tag) {
    case PTM_NONE:
    case PTM_UNINIT:
        break;
    case PTM_BOOL:
        PTM_TRY(ptm_decode_below(d, "bool", 2, &i));
        out->u.b = i;
        break;
    case PTM_INT:
    case PTM_FLOAT:
        bits = ptm_read_u64(&d->r);
        if (tag == PTM_INT)
            memcpy(&out->u.i, &bits, sizeof bits);
        else
            memcpy(&out->u.f, &bits, sizeof bits);
        break;
    case PTM_STR:
        PTM_TRY(ptm_decode_below(d, "string", d->n_strings, &i));
        out->u.str = &d->string[i];
        break;
    case PTM_TENSOR:
        PTM_TRY(ptm_decode_below(d, "tensor", d->n_tensors, &i));
        out->u.tensor = d->tensor[i];
        break;
    case PTM_LIST:
    case PTM_TUPLE:
    case PTM_DICT:
        return container_ref(d, limit, out);
    case PTM_OBJECT:
        PTM_TRY(ptm_decode_below(d, "object", d->p->n_objects, &i));
        out->u.object = &d->object[i];
        break;
    default:
        return ptm_decode_fail(d, "tag", tag, PTM_UNINIT + 1);
    }
    return d->r.failed ? ptm_decode_fail(d, "", 0, 0) : PTM_OK;
}

static enum ptm_status values(struct ptm_decoder *d, uint32_t n, struct ptm_ival **out)
{
    if (n > (d->r.n - d->r.at) / 4)
        return ptm_decode_fail(d, "values", n, (d->r.n - d->r.at) / 4);
    PTM_TRY(ptm_decode_array(d, out, n, sizeof **out));
    for (uint32_t i = 0; i < n; i++)
        PTM_TRY(ptm_decode_value(d, d->n_containers, &(*out)[i]));
    return PTM_OK;
}

/* -- the tables -- */

static enum ptm_status read_types(struct ptm_decoder *d)
{
    for (uint32_t i = 0; i < d->p->n_types; i++) {
        struct ptm_tytype *t = &d->p->type[i];
        uint32_t kind, *sub = NULL;
        PTM_TRY(ptm_decode_below(d, "type kind", TY_OTHER + 1, &kind));
        t->kind = (uint8_t)kind;
        t->cls = ptm_read_u32(&d->r);
        PTM_TRY(ptm_decode_count(d, "parts of a type", 1, &t->n_sub));
        PTM_TRY(ptm_decode_array(d, &sub, t->n_sub, sizeof *sub));
        for (uint32_t k = 0; k < t->n_sub; k++)
            sub[k] = ptm_read_u32(&d->r);
        t->sub = sub;
    }
    return PTM_OK;
}

static enum ptm_status read_class(struct ptm_decoder *d, struct ptm_class *c)
{
    PTM_TRY(ptm_decode_string(d, &c->qualname));
    uint32_t flags = ptm_read_u32(&d->r);
    c->is_module = flags & PTM_FILE_CLASS_MODULE;
    c->is_interface = flags & PTM_FILE_CLASS_INTERFACE;
    c->is_namedtuple = flags & PTM_FILE_CLASS_NAMEDTUPLE;
    c->is_enum = flags & PTM_FILE_CLASS_ENUM;
    PTM_TRY(ptm_decode_count(d, "attributes", 2, &c->n_attrs));
    PTM_TRY(ptm_decode_array(d, &c->attr_name, c->n_attrs, sizeof *c->attr_name));
    PTM_TRY(ptm_decode_array(d, &c->attr_type, c->n_attrs, sizeof *c->attr_type));
    for (uint32_t i = 0; i < c->n_attrs; i++) {
        PTM_TRY(ptm_decode_string(d, &c->attr_name[i]));
        c->attr_type[i] = ptm_read_u32(&d->r);
    }
    PTM_TRY(ptm_decode_count(d, "methods", 1, &c->n_methods));
    PTM_TRY(ptm_decode_array(d, &c->method, c->n_methods, sizeof *c->method));
    for (uint32_t i = 0; i < c->n_methods; i++)
        c->method[i] = ptm_read_u32(&d->r);
    PTM_TRY(ptm_decode_count(d, "parameters", 1, &c->n_parameters));
    PTM_TRY(strings(d, &c->parameter, c->n_parameters));
    PTM_TRY(ptm_decode_count(d, "buffers", 1, &c->n_buffers));
    PTM_TRY(strings(d, &c->buffer, c->n_buffers));
    return flags & PTM_FILE_CLASS_DEFAULTS ? values(d, c->n_attrs, &c->namedtuple_default)
                                           : PTM_OK;
}

static enum ptm_status read_positions(struct ptm_decoder *d)
{
    for (uint32_t i = 1; i < d->p->n_pos; i++) {
        struct ptm_pos *x = &d->p->pos[i];
        PTM_TRY(ptm_decode_string_or_none(d, &x->file));
        x->line = ptm_read_u32(&d->r);
        PTM_TRY(ptm_decode_string_or_none(d, &x->src_file));
        x->src_line = ptm_read_u32(&d->r);
        PTM_TRY(ptm_decode_string_or_none(d, &x->src_text));
    }
    return PTM_OK;
}

static enum ptm_status read_code(struct ptm_decoder *d, struct ptm_function *f)
{
    PTM_TRY(ptm_decode_count(d, "instructions", PTM_FILE_INST_WORDS, &f->n_insts));
    PTM_TRY(ptm_decode_array(d, &f->inst, f->n_insts, sizeof *f->inst));
    for (uint32_t i = 0; i < f->n_insts; i++) {
        struct ptm_inst *in = &f->inst[i];
        uint32_t first = ptm_read_u32(&d->r), n_kw;
        in->op = (uint8_t)first;
        in->n_out = (uint8_t)(first >> 8);
        in->n_arg = (uint16_t)(first >> 16);
        PTM_TRY(ptm_decode_below(d, "named arguments", (uint32_t)in->n_arg + 1, &n_kw));
        in->n_kw = (uint16_t)n_kw;
        in->out = ptm_read_u32(&d->r);
        in->arg = ptm_read_u32(&d->r);
        in->a = ptm_read_u32(&d->r);
        in->b = ptm_read_u32(&d->r);
        in->pos = ptm_read_u32(&d->r);
    }
    PTM_TRY(ptm_decode_count(d, "blocks", 2, &f->n_blocks));
    PTM_TRY(ptm_decode_array(d, &f->block, f->n_blocks, sizeof *f->block));
    for (uint32_t i = 0; i < f->n_blocks; i++) {
        f->block[i].first = ptm_read_u32(&d->r);
        f->block[i].n = ptm_read_u32(&d->r);
    }
    PTM_TRY(ptm_decode_count(d, "operands", 1, &f->n_operands));
    PTM_TRY(ptm_decode_array(d, &f->operand, f->n_operands, sizeof *f->operand));
    for (uint32_t i = 0; i < f->n_operands; i++)
        f->operand[i] = ptm_read_u32(&d->r);
    return PTM_OK;
}

static enum ptm_status read_function(struct ptm_decoder *d, struct ptm_function *f)
{
    uint32_t has;
    PTM_TRY(ptm_decode_string(d, &f->name));
    PTM_TRY(ptm_decode_string(d, &f->qualname));
    uint32_t flags = ptm_read_u32(&d->r);
    f->is_method = flags & PTM_FILE_FN_METHOD;
    PTM_TRY(ptm_decode_count(d, "parameters", 3, &f->n_params));
    if (f->is_method && !f->n_params)
        return ptm_decode_fail(d, "a method with parameters", 0, 1);
    PTM_TRY(ptm_decode_array(d, &f->param, f->n_params, sizeof *f->param));
    for (uint32_t i = 0; i < f->n_params; i++) {
        struct ptm_param *q = &f->param[i];
        PTM_TRY(ptm_decode_string(d, &q->name));
        q->type = ptm_read_u32(&d->r);
        PTM_TRY(ptm_decode_below(d, "flag", 2, &has));
        q->has_default = has;
        if (has)
            PTM_TRY(ptm_decode_value(d, d->n_containers, &q->def));
    }
    f->ret_type = ptm_read_u32(&d->r);
    PTM_TRY(ptm_decode_below(d, "registers", PTM_FILE_MAX_REGS + 1, &f->n_regs));
    PTM_TRY(read_code(d, f));
    if (!(flags & PTM_FILE_FN_REG_NAMES))
        return PTM_OK;
    if (f->n_regs > (d->r.n - d->r.at) / 4)
        return ptm_decode_fail(d, "names of registers", f->n_regs, (d->r.n - d->r.at) / 4);
    PTM_TRY(ptm_decode_array(d, &f->reg_name, f->n_regs, sizeof *f->reg_name));
    for (uint32_t i = 0; i < f->n_regs; i++)
        PTM_TRY(ptm_decode_string_or_none(d, &f->reg_name[i]));
    return PTM_OK;
}

static enum ptm_status read_objects(struct ptm_decoder *d)
{
    struct ptm_program *p = d->p;
    for (uint32_t i = 0; i < p->n_objects; i++) {
        struct ptm_object *o = &d->object[i];
        uint32_t cls;
        PTM_TRY(ptm_decode_below(d, "class", p->n_classes, &cls));
        o->cls = &p->cls[cls];
        o->id = i;
        p->object[i] = o;
        PTM_TRY(values(d, o->cls->n_attrs, &o->attr));
    }
    return PTM_OK;
}

/* -- containers -- */

/* What v adds to the depth of c and to the number of values that c unfolds to. */
static enum ptm_status hold(struct ptm_decoder *d, struct ptm_container *c, struct ptm_ival v)
{
    uint32_t size = 1;
    if (v.tag == PTM_LIST || v.tag == PTM_TUPLE || v.tag == PTM_DICT) {
        const char *inner = v.tag == PTM_DICT ? (const char *)v.u.dict : (const char *)v.u.list;
        const struct ptm_container *k = (const void *)(inner - offsetof(struct ptm_container, u));
        if (k->depth + 1 > MAX_NESTING)
            return ptm_decode_fail(d, "containers nest", (uint64_t)k->depth + 1, MAX_NESTING);
        if (k->depth + 1 > c->depth)
            c->depth = (uint8_t)(k->depth + 1);
        size += k->size;
    }
    c->size += size;
    return c->size > MAX_UNFOLDED
               ? ptm_decode_fail(d, "a container unfolds to", c->size, MAX_UNFOLDED)
               : PTM_OK;
}

static enum ptm_status read_list(struct ptm_decoder *d, uint32_t number)
{
    struct ptm_container *c = &d->container[number];
    struct ptm_list *l = &c->u.list;
    uint32_t n, elem, has;
    PTM_TRY(ptm_decode_below(d, "element tag", PTM_OBJECT + 1, &elem));
    PTM_TRY(ptm_decode_count(d, "elements", 1, &n));
    PTM_TRY(ptm_decode_below(d, "flag", 2, &has));
    l->elem = (uint8_t)elem;
    if (has) {
        const char **names;
        if (n > (d->r.n - d->r.at) / 8)
            return ptm_decode_fail(d, "elements", n, (d->r.n - d->r.at) / 8);
        PTM_TRY(strings(d, &names, n));
        l->names = names;
    }
    PTM_TRY(ptm_decode_array(d, &l->v, n, sizeof *l->v));
    l->n = l->cap = n;
    for (uint32_t i = 0; i < n; i++) {
        PTM_TRY(ptm_decode_value(d, number, &l->v[i]));
        PTM_TRY(hold(d, c, l->v[i]));
    }
    return PTM_OK;
}

static enum ptm_status read_dict(struct ptm_decoder *d, uint32_t number)
{
    struct ptm_container *c = &d->container[number];
    struct ptm_dict *x = &c->u.dict;
    uint32_t n;
    PTM_TRY(ptm_decode_count(d, "elements", 2, &n));
    PTM_TRY(ptm_decode_array(d, &x->key, n, sizeof *x->key));
    PTM_TRY(ptm_decode_array(d, &x->v, n, sizeof *x->v));
    x->n = x->cap = n;
    for (uint32_t i = 0; i < n; i++) {
        PTM_TRY(ptm_decode_value(d, number, &x->key[i]));
        if (x->key[i].tag < PTM_BOOL || x->key[i].tag > PTM_STR)
            return ptm_decode_fail(d, "the key of a dict, tag", x->key[i].tag, PTM_STR + 1);
        PTM_TRY(ptm_decode_value(d, number, &x->v[i]));
        PTM_TRY(hold(d, c, x->v[i]));
    }
    return PTM_OK;
}

static enum ptm_status read_containers(struct ptm_decoder *d)
{
    for (uint32_t i = 0; i < d->n_containers; i++) {
        struct ptm_container *c = &d->container[i];
        uint32_t kind;
        PTM_TRY(ptm_decode_below(d, "kind of container", 2, &kind));
        if (c->used && c->dict != (kind == PTM_FILE_DICT))
            return ptm_decode_fail(d, "another kind of container, number", i, d->n_containers);
        c->dict = kind == PTM_FILE_DICT;
        c->used = true;
        PTM_TRY(kind == PTM_FILE_DICT ? read_dict(d, i) : read_list(d, i));
    }
    return PTM_OK;
}

static enum ptm_status make_tables(struct ptm_decoder *d, uint32_t *root)
{
    struct ptm_program *p = d->p;
    PTM_TRY(ptm_decode_count(d, "strings", 1, &d->n_strings));
    PTM_TRY(ptm_decode_count(d, "types", 3, &p->n_types));
    PTM_TRY(ptm_decode_count(d, "names", 1, &p->n_names));
    PTM_TRY(ptm_decode_count(d, "operators", 3, &p->n_ops));
    PTM_TRY(ptm_decode_count(d, "classes", 6, &p->n_classes));
    PTM_TRY(ptm_decode_count(d, "positions", 1, &p->n_pos));
    PTM_TRY(ptm_decode_count(d, "functions", 9, &p->n_fns));
    PTM_TRY(ptm_decode_count(d, "constants", 1, &p->n_constants));
    PTM_TRY(ptm_decode_count(d, "objects", 1, &p->n_objects));
    PTM_TRY(ptm_decode_count(d, "containers", 2, &d->n_containers));
    PTM_TRY(ptm_decode_below(d, "root object", p->n_objects, root));
    if (!p->n_pos || p->n_pos - 1 > (d->r.n - d->r.at) / 4 / PTM_FILE_POS_WORDS)
        return ptm_decode_fail(d, "positions", p->n_pos,
                               (d->r.n - d->r.at) / 4 / PTM_FILE_POS_WORDS + 1);
    PTM_TRY(ptm_decode_array(d, &p->type, p->n_types, sizeof *p->type));
    PTM_TRY(ptm_decode_array(d, &p->name, p->n_names, sizeof *p->name));
    PTM_TRY(ptm_decode_array(d, &p->op, p->n_ops, sizeof *p->op));
    PTM_TRY(ptm_decode_array(d, &p->cls, p->n_classes, sizeof *p->cls));
    PTM_TRY(ptm_decode_array(d, &p->pos, p->n_pos, sizeof *p->pos));
    PTM_TRY(ptm_decode_array(d, &p->fn, p->n_fns, sizeof *p->fn));
    PTM_TRY(ptm_decode_array(d, &p->object, p->n_objects, sizeof *p->object));
    PTM_TRY(ptm_decode_array(d, &d->object, p->n_objects, sizeof *d->object));
    return ptm_decode_array(d, &d->container, d->n_containers, sizeof *d->container);
}

enum ptm_status ptm_decode(struct ptm_decoder *d)
{
    struct ptm_program *p = d->p;
    uint32_t root;
    d->section = "program";
    PTM_TRY(make_tables(d, &root));
    PTM_TRY(read_strings(d));
    PTM_TRY(read_types(d));
    PTM_TRY(strings(d, &p->name, p->n_names));
    for (uint32_t i = 0; i < p->n_ops; i++) {
        PTM_TRY(ptm_decode_string(d, &p->op[i].name));
        PTM_TRY(ptm_decode_string_or_none(d, &p->op[i].overload));
        p->op[i].count = ptm_read_u32(&d->r);
    }
    for (uint32_t i = 0; i < p->n_classes; i++)
        PTM_TRY(read_class(d, &p->cls[i]));
    PTM_TRY(read_positions(d));
    for (uint32_t i = 0; i < p->n_fns; i++)
        PTM_TRY(read_function(d, &p->fn[i]));
    PTM_TRY(values(d, p->n_constants, &p->constant));
    PTM_TRY(read_objects(d));
    PTM_TRY(read_containers(d));
    if (d->r.failed || d->r.at != d->r.n)
        return ptm_decode_fail(d, "ends at byte", d->r.at, d->r.n);
    p->root = &d->object[root];
    return PTM_OK;
}
