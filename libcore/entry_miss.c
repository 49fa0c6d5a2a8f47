/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a call is not the one that an entry was made for, in words. */
#include <inttypes.h>
#include <string.h>

#include "libcore/session.h"

enum { MAX_PATH = 120 };

struct miss {
    char path[MAX_PATH]; /* "[1]['mask']", below the slot */
    char got[200], want[200];
};

static void type_of(const struct ptm_tensor *x, char *buf, size_t n)
{
    struct ptm_type t = {.dtype = x->dtype, .rank = x->rank, .qparams = -1};
    memcpy(t.dim, x->dim, sizeof(t.dim));
    ptm_type_text(&t, buf, n);
}

static void scalar_text(struct ptm_ival v, char *buf, size_t n)
{
    if (v.tag == PTM_INT)
        snprintf(buf, n, "%" PRId64, v.u.i);
    else if (v.tag == PTM_FLOAT)
        snprintf(buf, n, "%.9g", v.u.f);
    else if (v.tag == PTM_BOOL)
        snprintf(buf, n, "%s", v.u.b ? "True" : "False");
    else if (v.tag == PTM_STR)
        snprintf(buf, n, "'%.100s'", v.u.str->s);
    else if (v.tag == PTM_NONE)
        snprintf(buf, n, "None");
    else
        ptm_ival_describe(v, buf, n);
}

static void tree_text(const struct ptm_tree *t, char *buf, size_t n)
{
    static const char *const names[] = {[T_LIST] = "a list", [T_TUPLE] = "a tuple",
                                        [T_DICT] = "a dict", [T_OBJECT] = "an object",
                                        [T_NEW] = "an object"};
    if (t->kind == T_KNOWN)
        scalar_text(t->known, buf, n);
    else if (t->kind == T_TENSOR)
        ptm_type_text(&t->type, buf, n);
    else if (t->kind == T_SYM)
        snprintf(buf, n, "%s", t->is_float ? "a float" : "an int");
    else if (t->kind == T_LIST || t->kind == T_TUPLE)
        snprintf(buf, n, "%s of %zu", names[t->kind], t->n);
    else
        snprintf(buf, n, "%s", t->kind < PTM_LEN(names) && names[t->kind] ? names[t->kind] : "?");
}

static void tensor_miss(const struct ptm_tree *t, const struct ptm_tensor *x, struct miss *m)
{
    type_of(x, m->got, sizeof(m->got));
    ptm_type_text(&t->type, m->want, sizeof(m->want));
    if (strcmp(m->got, m->want) != 0)
        return;
    size_t at = strlen(m->got), room = sizeof(m->got) - at;
    bool strides = x->offset == t->offset && x->storage->bytes == t->bytes;
    for (int i = 0; strides && i < x->rank; i++)
        if (x->dim[i] != 1 && x->stride[i] != t->stride[i]) {
            snprintf(m->got + at, room, " with stride %" PRId64 " in dim %d", x->stride[i], i);
            snprintf(m->want + at, room, " with %" PRId64, t->stride[i]);
            return;
        }
    if (strides)
        snprintf(m->got + at, room, " that shares memory with another input, or does not");
    else
        snprintf(m->got + at, room, ", a part of another tensor than");
}

/* The first part of v that is not as the tree says; false: all is. */
static bool tree_miss(const struct ptm_tree *t, struct ptm_ival v, struct ptm_frame *f,
                      struct miss *m)
{
    size_t at = strlen(m->path), room = sizeof(m->path) - at;
    bool list = t->kind == T_LIST || t->kind == T_TUPLE;
    if (list && v.tag == (t->kind == T_LIST ? PTM_LIST : PTM_TUPLE) && v.u.list->n == t->n) {
        for (size_t i = 0; i < t->n; i++) {
            snprintf(m->path + at, room, "[%zu]", i);
            if (tree_miss(&t->child[i], v.u.list->v[i], f, m))
                return true;
        }
        m->path[at] = '\0';
        return false;
    }
    if (t->kind == T_DICT && v.tag == PTM_DICT && v.u.dict->n * 2 == t->n) {
        for (size_t i = 0; i < v.u.dict->n; i++) {
            char key[40];
            scalar_text(v.u.dict->key[i], key, sizeof(key));
            snprintf(m->path + at, room, "[%s]", key);
            if (tree_miss(&t->child[2 * i], v.u.dict->key[i], f, m) ||
                tree_miss(&t->child[2 * i + 1], v.u.dict->v[i], f, m))
                return true;
        }
        m->path[at] = '\0';
        return false;
    }
    if (ptm_tree_match(t, v, f))
        return false;
    if (t->kind == T_TENSOR && v.tag == PTM_TENSOR) {
        tensor_miss(t, v.u.tensor, m);
    } else {
        scalar_text(v, m->got, sizeof(m->got));
        tree_text(t, m->want, sizeof(m->want));
    }
    return true;
}

static void slot_name(const struct ptm_session *s, const struct ptm_entry *e,
                      const struct ptm_slot *slot, char *buf, size_t n)
{
    const struct ptm_function *fn = &s->model->program.fn[e->method];
    if (!slot->object) {
        snprintf(buf, n, "input %u ('%.60s')", (unsigned)slot->index,
                 slot->index + 1 < fn->n_params ? fn->param[slot->index + 1].name : "?");
        return;
    }
    const char *path = s->path[slot->object->id];
    snprintf(buf, n, "attribute '%.80s%s%.60s'", path ? path : "", path && *path ? "." : "",
             slot->object->cls->attr_name[slot->index]);
}

static void range_text(const struct ptm_entry *e, const struct ptm_guard *g, union ptm_imm v,
                       char *buf, size_t n)
{
    static const char *const cmp[] = {"<", "<=", "==", "!=", ">=", ">"};
    struct ptm_ival now = e->scalar[g->ref].is_float ? ptm_float(v.f) : ptm_int(v.i);
    char is[60], bound[60];
    scalar_text(now, is, sizeof(is));
    scalar_text(g->value, bound, sizeof(bound));
    snprintf(buf, n, "a number made of the inputs is %s, it was made for those %s %s", is,
             cmp[g->cmp], bound);
}

size_t ptm_entry_miss(struct ptm_session *s, const struct ptm_entry *e,
                      const struct ptm_ival *args, size_t n_args, char *buf, size_t n)
{
    struct ptm_frame *f = &s->frame;
    struct ptm_err err = {0};
    char name[200];
    *buf = '\0';
    f->n_scalar = 0;
    if (ptm_frame_scalars(f, e, &err) && f->cap_scalar < e->n_scalars)
        return 0;
    for (size_t i = 0; i < e->n_guards; i++) {
        const struct ptm_guard *g = &e->guard[i];
        struct miss m = {{0}, {0}, {0}};
        if (g->kind != G_TREE || (!g->slot.object && g->slot.index >= n_args))
            continue;
        struct ptm_ival v = g->slot.object ? g->slot.object->attr[g->slot.index]
                                           : args[g->slot.index];
        if (!tree_miss(g->tree, v, f, &m))
            continue;
        slot_name(s, e, &g->slot, name, sizeof(name));
        snprintf(buf, n, "%s%s is %s, it was made for %s", name, m.path, m.got, m.want);
        return i;
    }
    f->n_scalar = 0;
    err = (struct ptm_err){0};
    if (ptm_frame_scalars(f, e, &err)) {
        snprintf(buf, n, "%s", err.msg);
        return e->n_guards;
    }
    for (size_t i = 0; i < e->n_guards; i++) {
        const struct ptm_guard *g = &e->guard[i];
        if (g->kind != G_RANGE ||
            ptm_guard_range_holds(g, f->scalar[g->ref], e->scalar[g->ref].is_float))
            continue;
        range_text(e, g, f->scalar[g->ref], buf, n);
        break;
    }
    return e->n_guards;
}
