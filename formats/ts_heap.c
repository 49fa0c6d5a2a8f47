/* SPDX-License-Identifier: BSD-2-Clause */
/* The values of a file: constants.pkl and data.pkl, their objects and storages. */
#include "formats/pickle.h"
#include "formats/ts.h"

#include <stdio.h>
#include <string.h>

enum ptm_status ts_new_object(struct ts_load *ld, const struct ptm_class *cls,
                              struct ptm_object **out)
{
    struct ptm_program *p = ld->p;
    struct ptm_object *obj = ptm_arena_alloc(ld->arena, sizeof *obj);
    struct ptm_ival *attr = ptm_arena_array(ld->arena, cls->n_attrs, sizeof *attr);
    TS_NEED(ld, obj && attr);
    for (uint32_t i = 0; i < cls->n_attrs; i++)
        attr[i].tag = PTM_UNINIT;
    PTM_TRY(ts_grow(ld, &ld->scratch, &p->object, &ld->cap_objects, p->n_objects,
                    sizeof *p->object));
    *obj = (struct ptm_object){.cls = cls, .attr = attr, .id = p->n_objects};
    p->object[p->n_objects++] = obj;
    *out = obj;
    return PTM_OK;
}

/* -- storages -- */

/* The member's bytes; those that are not where an element may lie are copied. */
static enum ptm_status map_storage(struct ts_load *ld, const char *name, size_t bytes,
                                   struct ptm_storage *s)
{
    const struct ptm_zip_member *m = ptm_zip_member(&ld->zip, name);
    const uint8_t *data = NULL;
    size_t n = 0;
    if (!m && bytes && ld->bare) {
        n = bytes;
        data = ptm_arena_alloc(ld->arena, bytes);
        TS_NEED(ld, data);
    } else if (!m && bytes)
        return ptm_fail(ld->err, PTM_ERR_FORMAT, "the archive has no '%s'", name);
    if (m && m->bytes < bytes)
        return ptm_fail(ld->err, PTM_ERR_FORMAT, "'%s' has %zu bytes, its tensors need %zu", name,
                        m->bytes, bytes);
    if (m)
        PTM_TRY(ptm_zip_read(ld->arena, m, bytes ? m->bytes : 0, false, &data, &n, ld->err));
    if ((uintptr_t)data % 16 && n) { /* torch aligns to 64; 16 serves every element and kernel */
        data = ptm_arena_copy(ld->arena, data, n);
        TS_NEED(ld, data);
    }
    *s = (struct ptm_storage){.bytes = n, .read_only = true};
    memcpy(&s->data, &data, sizeof data); /* read_only keeps the promise that the cast breaks */
    return PTM_OK;
}

static enum ptm_status find_storage(void *ud, const struct ptm_str *key, size_t bytes, size_t align,
                                    size_t at, struct ptm_storage **out, struct ptm_err *err)
{
    struct ts_load *ld = ud;
    char name[300];
    uint32_t i;
    (void)align;
    int n = snprintf(name, sizeof name, "%s/%s", ld->folder, key->s);
    if (n < 0 || (size_t)n >= sizeof name || strlen(key->s) != key->len)
        return ptm_fail(err, PTM_ERR_FORMAT, "%s.pkl: byte %zu: a storage with a malformed key",
                        ld->folder, at);
    if (!ts_map_get(&ld->storages, name, (size_t)n, &i)) {
        char *copy = ptm_arena_str(&ld->scratch, name, (size_t)n);
        struct ptm_storage *s = ptm_arena_alloc(ld->arena, sizeof *s);
        TS_NEED(ld, copy && s);
        PTM_TRY(map_storage(ld, name, bytes, s));
        PTM_TRY(ts_grow(ld, &ld->scratch, &ld->storage, &ld->cap_storages, ld->n_storages,
                        sizeof *ld->storage));
        i = (uint32_t)ld->n_storages;
        ld->storage[ld->n_storages++] = s;
        if (!ts_map_put(&ld->scratch, &ld->storages, copy, (size_t)n, i))
            return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the program");
    }
    *out = ld->storage[i];
    if ((*out)->bytes < bytes)
        return ptm_fail(err, PTM_ERR_FORMAT, "'%s' has %zu bytes, its tensors need %zu", name,
                        (*out)->bytes, bytes);
    return PTM_OK;
}

/* -- values by their declared types -- */

/* Lists learn what they hold, tuples the names of their fields. */
static void apply_type(const struct ts_load *ld, struct ptm_ival v, uint32_t type)
{
    const struct ptm_tytype *t = &ld->p->type[type];
    if (t->kind == TY_OPTIONAL && v.tag != PTM_NONE) {
        apply_type(ld, v, t->sub[0]);
    } else if (t->kind == TY_LIST && v.tag == PTM_LIST) {
        v.u.list->elem = ts_type_tag(ld, t->sub[0]);
        if (v.u.list->elem >= PTM_LIST || !v.u.list->elem)
            for (size_t i = 0; i < v.u.list->n; i++)
                apply_type(ld, v.u.list->v[i], t->sub[0]);
    } else if (t->kind == TY_TUPLE && v.tag == PTM_TUPLE) {
        for (size_t i = 0; i < v.u.list->n && i < t->n_sub; i++)
            apply_type(ld, v.u.list->v[i], t->sub[i]);
    } else if (t->kind == TY_DICT && v.tag == PTM_DICT) {
        for (size_t i = 0; i < v.u.dict->n; i++)
            apply_type(ld, v.u.dict->v[i], t->sub[1]);
    } else if (t->kind == TY_CLASS && v.tag == PTM_TUPLE) {
        const struct ptm_class *c = &ld->p->cls[t->cls];
        if (!c->is_namedtuple || c->n_attrs != v.u.list->n)
            return;
        v.u.list->names = c->attr_name;
        for (uint32_t i = 0; i < c->n_attrs; i++)
            apply_type(ld, v.u.list->v[i], c->attr_type[i]);
    }
}

static enum ptm_status tag_value(void *ud, struct ptm_ival v, const struct ptm_str *type, size_t at,
                                 struct ptm_err *err)
{
    struct ts_load *ld = ud;
    uint32_t number;
    (void)at;
    (void)err;
    PTM_TRY(ts_type_from_text(ld, type->s, type->len, &number));
    /* what it holds is tagged by itself */
    const struct ptm_tytype *t = &ld->p->type[number];
    if (v.tag == PTM_LIST && t->kind == TY_LIST)
        v.u.list->elem = ts_type_tag(ld, t->sub[0]);
    return PTM_OK;
}

/* -- objects -- */

static enum ptm_status find_class(void *ud, const char *qualname, size_t at, const void **cls,
                                  struct ptm_err *err)
{
    struct ts_load *ld = ud;
    size_t len = strlen(qualname);
    uint32_t i;
    *cls = NULL;
    if (strncmp(qualname, "__torch__.", 10))
        return PTM_OK;
    const struct ts_sym *sym = ts_symbol(ld, qualname, len);
    if (sym && sym->kind == SYM_CLASS) {
        i = sym->index;
    } else if (!sym && !strncmp(qualname, "__torch__.torch.classes.", 24)) {
        PTM_TRY(ts_extern_class(ld, qualname, len, &i));
    } else {
        return ptm_fail(err, PTM_ERR_FORMAT,
                        "byte %zu of a pickle: class '%.300s' is not defined in code/", at,
                        qualname);
    }
    *cls = &ld->p->cls[i];
    return PTM_OK;
}

static enum ptm_status create(void *ud, const void *cls, size_t at, struct ptm_ival *out,
                              struct ptm_err *err)
{
    struct ts_load *ld = ud;
    const struct ptm_class *c = cls;
    struct ptm_object *obj = NULL;
    if (c->is_enum || c->is_namedtuple || c->is_interface)
        return ptm_fail(err, PTM_ERR_FORMAT, "byte %zu of a pickle: an object of '%.300s'", at,
                        c->qualname);
    PTM_TRY(ts_new_object(ld, c, &obj));
    *out = (struct ptm_ival){.tag = PTM_OBJECT, .u.object = obj};
    return PTM_OK;
}

static bool is_extern(const struct ptm_class *c)
{
    return !strncmp(c->qualname, "__torch__.torch.classes.", 24);
}

static enum ptm_status build(void *ud, struct ptm_object *obj, struct ptm_ival state, size_t at,
                             struct ptm_err *err)
{
    struct ts_load *ld = ud;
    const struct ptm_class *c = obj->cls;
    if (is_extern(c)) {
        obj->attr[0] = state;
        return PTM_OK;
    }
    if (ptm_class_method(ld->p, c, "__setstate__") != PTM_NO_REG)
        return ts_set_state(ld, obj, state);
    if (state.tag != PTM_DICT)
        return ptm_fail(err, PTM_ERR_FORMAT,
                        "byte %zu of a pickle: the state of a '%.300s' is no dict", at,
                        c->qualname);
    const struct ptm_dict *d = state.u.dict;
    uint32_t next = 0; /* torch writes attributes in the class's order */
    for (size_t i = 0; i < d->n; i++) {
        if (d->key[i].tag != PTM_STR)
            return ptm_fail(err, PTM_ERR_FORMAT,
                            "byte %zu of a pickle: an attribute of '%.300s' without a name", at,
                            c->qualname);
        const char *name = d->key[i].u.str->s;
        if (next >= c->n_attrs || strcmp(c->attr_name[next], name))
            next = ptm_class_attr(c, name);
        if (next == PTM_NO_REG)
            return ptm_fail(err, PTM_ERR_FORMAT,
                            "byte %zu of a pickle: class '%.300s' has no attribute '%.100s'", at,
                            c->qualname, name);
        apply_type(ld, d->v[i], c->attr_type[next]);
        obj->attr[next++] = d->v[i];
    }
    return PTM_OK;
}

static enum ptm_status construct(void *ud, const void *cls, struct ptm_ival arg, size_t at,
                                 struct ptm_ival *out, struct ptm_err *err)
{
    struct ts_load *ld = ud;
    const struct ptm_class *c = cls;
    if (c->is_namedtuple && arg.tag == PTM_TUPLE && arg.u.list->n == c->n_attrs) {
        arg.u.list->names = c->attr_name;
        *out = arg;
        return PTM_OK;
    }
    for (size_t i = 0; c->is_enum && i < ld->n_members; i++) {
        struct ptm_object *m = ld->member[i];
        if (m->cls != c || !ptm_ival_equal(m->attr[1], arg))
            continue;
        *out = (struct ptm_ival){.tag = PTM_OBJECT, .u.object = m};
        return PTM_OK;
    }
    return ptm_fail(err, PTM_ERR_FORMAT, "byte %zu of a pickle: '%.300s' of a value it has not", at,
                    c->qualname);
}

/* Values that ptm has no form for: an object of a class that no operator knows. */
static enum ptm_status opaque(void *ud, const char *what, struct ptm_ival state, size_t at,
                              struct ptm_ival *out, struct ptm_err *err)
{
    struct ts_load *ld = ud;
    char name[200];
    uint32_t cls = 0;
    struct ptm_object *obj = NULL;
    (void)at;
    (void)err;
    const char *dot = strrchr(what, '.');
    snprintf(name, sizeof name, "__torch__.torch.classes.unsupported.%.100s", dot ? dot + 1 : what);
    PTM_TRY(ts_extern_class(ld, name, strlen(name), &cls));
    PTM_TRY(ts_new_object(ld, &ld->p->cls[cls], &obj));
    obj->attr[0] = state;
    *out = (struct ptm_ival){.tag = PTM_OBJECT, .u.object = obj};
    return PTM_OK;
}

/* -- the two pickles -- */

static enum ptm_status read_pickle(struct ts_load *ld, const char *name, const char *folder,
                                   struct ptm_ival *out)
{
    struct ptm_pickle_hooks hooks = {.ud = ld,
                                     .storage = find_storage,
                                     .find_class = find_class,
                                     .create = create,
                                     .build = build,
                                     .construct = construct,
                                     .type_tag = tag_value,
                                     .opaque = opaque};
    const struct ptm_zip_member *m = ptm_zip_member(&ld->zip, name);
    const uint8_t *bytes;
    size_t n;
    *out = ptm_none();
    if (!m)
        return PTM_OK;
    PTM_TRY(ptm_zip_read(&ld->scratch, m, 0, true, &bytes, &n, ld->err));
    ld->folder = folder;
    return ptm_pickle_load(ld->arena, name, bytes, n, &hooks, out, ld->err);
}

enum ptm_status ts_read_constants(struct ts_load *ld)
{
    struct ptm_program *p = ld->p;
    struct ptm_ival v;
    PTM_TRY(read_pickle(ld, "constants.pkl", "constants", &v));
    if (v.tag != PTM_NONE && v.tag != PTM_TUPLE)
        return ptm_fail(ld->err, PTM_ERR_FORMAT, "constants.pkl is not a tuple");
    size_t n = v.tag == PTM_TUPLE ? v.u.list->n : 0;
    for (size_t i = 0; i < n; i++) {
        PTM_TRY(ts_grow(ld, &ld->scratch, &p->constant, &ld->cap_constants, p->n_constants,
                        sizeof *p->constant));
        p->constant[p->n_constants++] = v.u.list->v[i];
    }
    ld->n_file_constants = p->n_constants;
    return PTM_OK;
}

enum ptm_status ts_read_data(struct ts_load *ld)
{
    struct ptm_ival v;
    PTM_TRY(read_pickle(ld, "data.pkl", "data", &v));
    if (v.tag != PTM_OBJECT || !v.u.object->cls->is_module)
        return ptm_fail(ld->err, PTM_ERR_FORMAT, "data.pkl does not hold a scripted module");
    ld->p->root = v.u.object;
    return PTM_OK;
}
