/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program as words and text. Lists, dicts, tensors and storages are numbered when they are first
 * met, containers after what they hold; one that is met again is the same number.
 */
#include "formats/ptm_encode.h"

#include <string.h>

#include "formats/ptm_layout.h"

enum { MAX_NESTING = 100 }; /* a session copies no deeper */

void ptm_bytes_put(struct ptm_bytes *b, const void *p, size_t n)
{
    if (b->failed || n > PTRDIFF_MAX / 4 || b->n > PTRDIFF_MAX / 4) {
        b->failed = true;
        return;
    }
    if (b->n + n > b->cap) {
        size_t cap = 2 * (b->n + n) + 1024;
        uint8_t *more = ptm_realloc(b->p, b->n, cap);
        if (!more) {
            b->failed = true;
            return;
        }
        b->p = more;
        b->cap = cap;
    }
    if (n)
        memcpy(b->p + b->n, p, n);
    b->n += n;
}

void ptm_put(struct ptm_bytes *b, uint32_t v)
{
    uint8_t le[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};
    ptm_bytes_put(b, le, sizeof le);
}

enum ptm_status ptm_encode_fail(struct ptm_encoded *e, enum ptm_status code, const char *what)
{
    if (!e->status)
        e->status = ptm_fail(e->err, code, "%s", what);
    return e->status;
}

static void no_memory(struct ptm_encoded *e)
{
    ptm_encode_fail(e, PTM_ERR_MEMORY, "no memory to write the program");
}

/* -- numbering -- */

uint32_t ptm_encode_string(struct ptm_encoded *e, const char *s, size_t len)
{
    uint32_t i;
    if (ts_map_get(&e->strings, s, len, &i))
        return i;
    if (len >= UINT32_MAX || !ts_map_put(&e->arena, &e->strings, s, len, e->n_strings))
        no_memory(e);
    ptm_put(&e->lengths, (uint32_t)len);
    ptm_bytes_put(&e->text, s, len);
    ptm_bytes_put(&e->text, "", 1);
    return e->n_strings++;
}

static uint32_t text(struct ptm_encoded *e, const char *s)
{
    return ptm_encode_string(e, s, strlen(s));
}

static uint32_t text_or_none(struct ptm_encoded *e, const char *s)
{
    return s ? 1 + text(e, s) : 0;
}

/* The number that p was given; false: none yet. */
static bool known(const struct ptm_encoded *e, const void *p, uint32_t *number)
{
    const uint32_t *n = ptm_pmap_get(&e->seen, p);
    if (n)
        *number = *n;
    return n != NULL;
}

static void remember(struct ptm_encoded *e, const void *p, uint32_t number)
{
    uint32_t *n = ptm_arena_copy(&e->arena, &number, sizeof number);
    if (!n || !ptm_pmap_set(&e->arena, &e->seen, p, n))
        no_memory(e);
}

static uint32_t storage_number(struct ptm_encoded *e, const struct ptm_storage *s)
{
    uint32_t i = (uint32_t)e->n_storages;
    void *v = e->storage;
    if (!s || !s->data || !s->bytes)
        return PTM_NO_REG;
    if (known(e, s, &i))
        return i;
    if (!ptm_arena_grow(&e->arena, &v, &e->cap_storages, e->n_storages + 1, sizeof *e->storage)) {
        no_memory(e);
        return PTM_NO_REG;
    }
    e->storage = v;
    e->storage[e->n_storages++] = s;
    remember(e, s, i);
    return i;
}

uint32_t ptm_encode_tensor(struct ptm_encoded *e, const struct ptm_tensor *t, const char *name)
{
    uint32_t i = (uint32_t)e->n_tensors;
    void *tensors = e->tensor, *names = e->tensor_name, *numbers = e->tensor_storage;
    if (known(e, t, &i)) {
        if (!e->tensor_name[i])
            e->tensor_name[i] = name;
        return i;
    }
    size_t need = e->n_tensors + 1;
    uint32_t storage = storage_number(e, t->storage);
    if (storage == PTM_NO_REG && ptm_tensor_numel(t))
        ptm_encode_fail(e, PTM_ERR_UNSUPPORTED, "a tensor without data cannot be written");
    if (!ptm_arena_grow(&e->arena, &tensors, &e->cap_tensors, need, sizeof *e->tensor) ||
        !ptm_arena_grow(&e->arena, &names, &e->cap_names, need, sizeof *e->tensor_name) ||
        !ptm_arena_grow(&e->arena, &numbers, &e->cap_tensor_storage, need, sizeof(uint32_t))) {
        no_memory(e);
        return 0;
    }
    e->tensor = tensors;
    e->tensor_name = names;
    e->tensor_storage = numbers;
    e->tensor[i] = t;
    e->tensor_name[i] = name;
    e->tensor_storage[i] = storage;
    e->n_tensors++;
    remember(e, t, i);
    return i;
}

/* -- values -- */

static uint32_t container(struct ptm_encoded *e, struct ptm_ival v, const char *name, int depth);

void ptm_put_long(struct ptm_bytes *b, uint64_t v)
{
    ptm_put(b, (uint32_t)v);
    ptm_put(b, (uint32_t)(v >> 32));
}

/* `name`: what its tensors are called; NULL: nothing. */
void ptm_encode_value(struct ptm_encoded *e, struct ptm_bytes *b, struct ptm_ival v,
                      const char *name, int depth)
{
    uint64_t bits = 0;
    ptm_put(b, v.tag);
    switch (v.tag) {
    case PTM_NONE:
    case PTM_UNINIT:
        break;
    case PTM_BOOL:
        ptm_put(b, v.u.b);
        break;
    case PTM_INT:
    case PTM_FLOAT:
        if (v.tag == PTM_INT)
            bits = (uint64_t)v.u.i;
        else
            memcpy(&bits, &v.u.f, sizeof bits);
        ptm_put_long(b, bits);
        break;
    case PTM_STR:
        ptm_put(b, ptm_encode_string(e, v.u.str->s, v.u.str->len));
        break;
    case PTM_TENSOR:
        ptm_put(b, ptm_encode_tensor(e, v.u.tensor, name));
        break;
    case PTM_LIST:
    case PTM_TUPLE:
    case PTM_DICT:
        ptm_put(b, container(e, v, name, depth));
        break;
    case PTM_OBJECT:
        ptm_put(b, v.u.object->id);
        break;
    default:
        ptm_encode_fail(e, PTM_ERR_UNSUPPORTED, "a symbolic value cannot be written");
        break;
    }
}

static bool is_container(struct ptm_ival v)
{
    return v.tag == PTM_LIST || v.tag == PTM_TUPLE || v.tag == PTM_DICT;
}

static void put_list(struct ptm_encoded *e, const struct ptm_list *l, const char *name, int depth)
{
    struct ptm_bytes *b = &e->containers;
    for (size_t i = 0; i < l->n; i++)
        if (is_container(l->v[i]))
            container(e, l->v[i], name, depth + 1);
    ptm_put(b, PTM_FILE_LIST);
    ptm_put(b, l->elem);
    ptm_put(b, (uint32_t)l->n);
    ptm_put(b, l->names != NULL);
    for (size_t i = 0; l->names && i < l->n; i++)
        ptm_put(b, text(e, l->names[i]));
    for (size_t i = 0; i < l->n; i++)
        ptm_encode_value(e, b, l->v[i], name, depth + 1);
}

static void put_dict(struct ptm_encoded *e, const struct ptm_dict *d, const char *name, int depth)
{
    struct ptm_bytes *b = &e->containers;
    for (size_t i = 0; i < d->n; i++)
        if (is_container(d->v[i]))
            container(e, d->v[i], name, depth + 1);
    ptm_put(b, PTM_FILE_DICT);
    ptm_put(b, (uint32_t)d->n);
    for (size_t i = 0; i < d->n; i++) {
        ptm_encode_value(e, b, d->key[i], NULL, depth + 1);
        ptm_encode_value(e, b, d->v[i], name, depth + 1);
    }
}

static uint32_t container(struct ptm_encoded *e, struct ptm_ival v, const char *name, int depth)
{
    uint32_t i = 0;
    const void *key = v.tag == PTM_DICT ? (const void *)v.u.dict : (const void *)v.u.list;
    if (e->status || known(e, key, &i))
        return i;
    if (depth > MAX_NESTING) {
        ptm_encode_fail(e, PTM_ERR_LIMIT, "lists, tuples and dicts nest too deeply to be written");
        return 0;
    }
    if (v.tag == PTM_DICT)
        put_dict(e, v.u.dict, name, depth);
    else
        put_list(e, v.u.list, name, depth);
    i = e->n_containers++;
    remember(e, key, i);
    return i;
}

/* -- the tables -- */

static void put_types(struct ptm_encoded *e)
{
    struct ptm_bytes *b = &e->body;
    for (uint32_t i = 0; i < e->p->n_types; i++) {
        const struct ptm_tytype *t = &e->p->type[i];
        ptm_put(b, t->kind);
        ptm_put(b, t->kind == TY_CLASS ? t->cls : 0);
        ptm_put(b, t->n_sub);
        for (uint32_t k = 0; k < t->n_sub; k++)
            ptm_put(b, t->sub[k]);
    }
}

static void put_class(struct ptm_encoded *e, const struct ptm_class *c)
{
    struct ptm_bytes *b = &e->body;
    ptm_put(b, text(e, c->qualname));
    ptm_put(b, (c->is_module ? PTM_FILE_CLASS_MODULE : 0) |
               (c->is_interface ? PTM_FILE_CLASS_INTERFACE : 0) |
               (c->is_namedtuple ? PTM_FILE_CLASS_NAMEDTUPLE : 0) |
               (c->is_enum ? PTM_FILE_CLASS_ENUM : 0) |
               (c->namedtuple_default ? PTM_FILE_CLASS_DEFAULTS : 0));
    ptm_put(b, c->n_attrs);
    for (uint32_t i = 0; i < c->n_attrs; i++) {
        ptm_put(b, text(e, c->attr_name[i]));
        ptm_put(b, c->attr_type[i]);
    }
    ptm_put(b, c->n_methods);
    for (uint32_t i = 0; i < c->n_methods; i++)
        ptm_put(b, c->method[i]);
    ptm_put(b, c->n_parameters);
    for (uint32_t i = 0; i < c->n_parameters; i++)
        ptm_put(b, text(e, c->parameter[i]));
    ptm_put(b, c->n_buffers);
    for (uint32_t i = 0; i < c->n_buffers; i++)
        ptm_put(b, text(e, c->buffer[i]));
    for (uint32_t i = 0; c->namedtuple_default && i < c->n_attrs; i++)
        ptm_encode_value(e, b, c->namedtuple_default[i], NULL, 0);
}

static void put_positions(struct ptm_encoded *e)
{
    struct ptm_bytes *b = &e->body;
    for (uint32_t i = 1; i < e->p->n_pos && !e->strip_debug; i++) {
        const struct ptm_pos *x = &e->p->pos[i];
        ptm_put(b, text_or_none(e, x->file));
        ptm_put(b, x->line);
        ptm_put(b, text_or_none(e, x->src_file));
        ptm_put(b, x->src_line);
        ptm_put(b, text_or_none(e, x->src_text));
    }
}

static void put_function(struct ptm_encoded *e, const struct ptm_function *f)
{
    struct ptm_bytes *b = &e->body;
    bool reg_names = f->reg_name && !e->strip_debug;
    ptm_put(b, text(e, f->name));
    ptm_put(b, text(e, f->qualname));
    ptm_put(b, (f->is_method ? PTM_FILE_FN_METHOD : 0) | (reg_names ? PTM_FILE_FN_REG_NAMES : 0));
    ptm_put(b, f->n_params);
    for (uint32_t i = 0; i < f->n_params; i++) {
        ptm_put(b, text(e, f->param[i].name));
        ptm_put(b, f->param[i].type);
        ptm_put(b, f->param[i].has_default);
        if (f->param[i].has_default)
            ptm_encode_value(e, b, f->param[i].def, NULL, 0);
    }
    ptm_put(b, f->ret_type);
    ptm_put(b, f->n_regs);
    ptm_put(b, f->n_insts);
    for (uint32_t i = 0; i < f->n_insts; i++) {
        const struct ptm_inst *in = &f->inst[i];
        ptm_put(b, in->op | (uint32_t)in->n_out << 8 | (uint32_t)in->n_arg << 16);
        ptm_put(b, in->n_kw);
        ptm_put(b, in->out);
        ptm_put(b, in->arg);
        ptm_put(b, in->a);
        ptm_put(b, in->b);
        ptm_put(b, e->strip_debug ? 0 : in->pos);
    }
    ptm_put(b, f->n_blocks);
    for (uint32_t i = 0; i < f->n_blocks; i++) {
        ptm_put(b, f->block[i].first);
        ptm_put(b, f->block[i].n);
    }
    ptm_put(b, f->n_operands);
    for (uint32_t i = 0; i < f->n_operands; i++)
        ptm_put(b, f->operand[i]);
    for (uint32_t i = 0; reg_names && i < f->n_regs; i++)
        ptm_put(b, text_or_none(e, f->reg_name[i]));
}

static const char *join(struct ptm_encoded *e, const char *path, const char *name)
{
    size_t n = strlen(path), m = strlen(name);
    char *s = ptm_arena_alloc(&e->arena, n + m + 2);
    if (!s) {
        no_memory(e);
        return NULL;
    }
    memcpy(s, path, n);
    if (n)
        s[n++] = '.';
    memcpy(s + n, name, m);
    return s;
}

/* Paths of the modules, breadth first from the root: the names of their tensors begin with them. */
static const char **object_paths(struct ptm_encoded *e)
{
    const struct ptm_program *p = e->p;
    const char **path = ptm_arena_array(&e->arena, p->n_objects + 1, sizeof *path);
    const struct ptm_object **queue = ptm_arena_array(&e->arena, p->n_objects + 1, sizeof *queue);
    size_t n = 0;
    if (!path || !queue) {
        no_memory(e);
        return NULL;
    }
    path[p->root->id] = "";
    queue[n++] = p->root;
    for (size_t at = 0; at < n && !e->status; at++) {
        const struct ptm_object *o = queue[at];
        for (uint32_t i = 0; i < o->cls->n_attrs; i++) {
            if (o->attr[i].tag != PTM_OBJECT || path[o->attr[i].u.object->id])
                continue;
            const struct ptm_object *sub = o->attr[i].u.object;
            path[sub->id] = join(e, path[o->id], o->cls->attr_name[i]);
            queue[n++] = sub;
        }
    }
    return path;
}

static void put_objects(struct ptm_encoded *e)
{
    const struct ptm_program *p = e->p;
    const char **path = object_paths(e);
    for (uint32_t i = 0; i < p->n_objects && !e->status; i++) {
        const struct ptm_object *o = p->object[i];
        ptm_put(&e->body, (uint32_t)(o->cls - p->cls));
        for (uint32_t k = 0; k < o->cls->n_attrs; k++) {
            bool may_name = path[i] && (o->attr[k].tag == PTM_TENSOR || is_container(o->attr[k]));
            ptm_encode_value(e, &e->body, o->attr[k],
                      may_name ? join(e, path[i], o->cls->attr_name[k]) : NULL, 0);
        }
    }
}

static void put_all(struct ptm_encoded *e)
{
    const struct ptm_program *p = e->p;
    struct ptm_bytes *b = &e->body;
    put_types(e);
    for (uint32_t i = 0; i < p->n_names; i++)
        ptm_put(b, text(e, p->name[i]));
    for (uint32_t i = 0; i < p->n_ops; i++) {
        ptm_put(b, text(e, p->op[i].name));
        ptm_put(b, text_or_none(e, p->op[i].overload));
        ptm_put(b, p->op[i].count);
    }
    for (uint32_t i = 0; i < p->n_classes; i++)
        put_class(e, &p->cls[i]);
    put_positions(e);
    for (uint32_t i = 0; i < p->n_fns; i++)
        put_function(e, &p->fn[i]);
    for (uint32_t i = 0; i < p->n_constants; i++)
        ptm_encode_value(e, b, p->constant[i], NULL, 0);
    put_objects(e);
}

enum ptm_status ptm_encode(struct ptm_encoded *e, const struct ptm_program *p, bool strip_debug,
                           struct ptm_err *err)
{
    *e = (struct ptm_encoded){.p = p, .strip_debug = strip_debug, .err = err};
    put_all(e);
    if (p->saved && !e->status)
        ptm_encode_entries(e);
    const uint32_t counts[] = {e->n_strings, p->n_types, p->n_names,     p->n_ops,
                               p->n_classes, strip_debug ? 1 : p->n_pos, p->n_fns,
                               p->n_constants, p->n_objects, e->n_containers, p->root->id};
    for (size_t i = 0; i < PTM_LEN(counts); i++)
        ptm_put(&e->program, counts[i]);
    ptm_bytes_put(&e->program, e->lengths.p, e->lengths.n);
    ptm_bytes_put(&e->program, e->body.p, e->body.n);
    ptm_bytes_put(&e->program, e->containers.p, e->containers.n);
    if (e->program.failed || e->text.failed || e->lengths.failed || e->body.failed ||
        e->containers.failed || e->entries.failed)
        no_memory(e);
    return e->status;
}

void ptm_encoded_release(struct ptm_encoded *e)
{
    struct ptm_bytes *const all[] = {&e->program, &e->text,       &e->lengths,
                                      &e->body,    &e->containers, &e->entries};
    for (size_t i = 0; i < PTM_LEN(all); i++)
        ptm_free(all[i]->p);
    ptm_arena_release(&e->arena);
}
