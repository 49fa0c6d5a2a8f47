/* SPDX-License-Identifier: BSD-2-Clause */
/* Dict operators: computed while specialising; dicts are shared by reference. */
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_text.h"

static struct ptm_dict *dict(const struct ptm_lower_call *c)
{
    static _Thread_local struct ptm_dict empty; /* after a failure */
    if (c->n_arg && c->arg[0].tag == PTM_DICT)
        return c->arg[0].u.dict;
    ptm_trace_fail(c->t, PTM_ERR_TYPE, "%s: a dict was expected", c->schema->name);
    empty = (struct ptm_dict){0};
    return &empty;
}

static struct ptm_ival key(const struct ptm_lower_call *c)
{
    if (c->arg[1].tag == PTM_TENSOR)
        return ptm_trace_fail(c->t, PTM_ERR_UNSUPPORTED, "dicts with tensors as keys are not "
                                                         "supported");
    return ptm_scalar_known(c->t, c->arg[1]);
}

static struct ptm_ival key_error(const struct ptm_lower_call *c)
{
    return ptm_trace_fail(c->t, PTM_ERR_RAISED, "the model raised KeyError: %s",
                          ptm_arg_str(c->t, ptm_value_str(c->t, key(c))));
}

static struct ptm_ival dict_ival(struct ptm_dict *d)
{
    return d ? (struct ptm_ival){.tag = PTM_DICT, .u.dict = d} : ptm_none();
}

static struct ptm_ival len(const struct ptm_lower_call *c)
{
    return ptm_int((int64_t)dict(c)->n);
}

static struct ptm_ival getitem(const struct ptm_lower_call *c)
{
    const struct ptm_ival *v = ptm_dict_get(dict(c), key(c));
    return v ? *v : key_error(c);
}

static struct ptm_ival get(const struct ptm_lower_call *c)
{
    const struct ptm_ival *v = ptm_dict_get(dict(c), key(c));
    return v ? *v : c->n_arg > 2 ? c->arg[2] : ptm_none();
}

static struct ptm_ival contains(const struct ptm_lower_call *c)
{
    return ptm_bool(ptm_dict_get(dict(c), key(c)) != NULL);
}

static struct ptm_ival list_of(const struct ptm_lower_call *c, const struct ptm_ival *v, size_t n)
{
    struct ptm_list *l = ptm_list_new(ptm_trace_arena(c->t), n);
    if (!l)
        return ptm_none();
    if (n)
        memcpy(l->v, v, n * sizeof(*v));
    l->elem = n ? v[0].tag : PTM_NONE;
    return (struct ptm_ival){.tag = PTM_LIST, .u.list = l};
}

static struct ptm_ival keys(const struct ptm_lower_call *c)
{
    struct ptm_dict *d = dict(c);
    return list_of(c, d->key, d->n);
}

static struct ptm_ival values(const struct ptm_lower_call *c)
{
    struct ptm_dict *d = dict(c);
    return list_of(c, d->v, d->n);
}

static struct ptm_ival item(const struct ptm_lower_call *c, struct ptm_ival k, struct ptm_ival v)
{
    struct ptm_list *l = ptm_list_new(ptm_trace_arena(c->t), 2);
    if (!l)
        return ptm_none();
    l->v[0] = k;
    l->v[1] = v;
    return (struct ptm_ival){.tag = PTM_TUPLE, .u.list = l};
}

static struct ptm_ival items(const struct ptm_lower_call *c)
{
    struct ptm_dict *d = dict(c);
    struct ptm_list *l = ptm_list_new(ptm_trace_arena(c->t), d->n);
    if (!l)
        return ptm_none();
    for (size_t i = 0; i < d->n; i++)
        l->v[i] = item(c, d->key[i], d->v[i]);
    l->elem = PTM_TUPLE;
    return (struct ptm_ival){.tag = PTM_LIST, .u.list = l};
}

static struct ptm_ival set_item(const struct ptm_lower_call *c)
{
    ptm_dict_set(ptm_trace_arena(c->t), dict(c), key(c), c->arg[2]);
    return ptm_none();
}

static struct ptm_ival set_default(const struct ptm_lower_call *c)
{
    struct ptm_dict *d = dict(c);
    const struct ptm_ival *v = ptm_dict_get(d, key(c));
    if (v)
        return *v;
    ptm_dict_set(ptm_trace_arena(c->t), d, key(c), c->arg[2]);
    return c->arg[2];
}

static struct ptm_ival pop(const struct ptm_lower_call *c)
{
    struct ptm_dict *d = dict(c);
    const struct ptm_ival *at = ptm_dict_get(d, key(c));
    if (!at)
        return c->n_arg > 2 ? c->arg[2] : key_error(c);
    struct ptm_ival v = *at;
    ptm_dict_remove(d, key(c));
    return v;
}

static struct ptm_ival pop_item(const struct ptm_lower_call *c)
{
    struct ptm_dict *d = dict(c);
    if (!d->n)
        return ptm_trace_fail(c->t, PTM_ERR_RAISED,
                              "the model raised KeyError: popitem(): dictionary is empty");
    /* PyTorch takes the first one, Python would take the last */
    struct ptm_ival k = d->key[0], v = d->v[0];
    ptm_dict_remove(d, k);
    return item(c, k, v);
}

static struct ptm_ival delete(const struct ptm_lower_call *c)
{
    return ptm_dict_remove(dict(c), key(c)) ? ptm_none() : key_error(c);
}

static struct ptm_ival clear(const struct ptm_lower_call *c)
{
    dict(c)->n = 0;
    return ptm_none();
}

static void set_all(const struct ptm_lower_call *c, struct ptm_dict *to,
                    const struct ptm_dict *from)
{
    for (size_t i = 0; to && i < from->n; i++)
        ptm_dict_set(ptm_trace_arena(c->t), to, from->key[i], from->v[i]);
}

static struct ptm_ival update(const struct ptm_lower_call *c)
{
    if (c->arg[1].tag == PTM_DICT && c->arg[1].u.dict != c->arg[0].u.dict)
        set_all(c, dict(c), c->arg[1].u.dict);
    return ptm_none();
}

static struct ptm_ival copy(const struct ptm_lower_call *c)
{
    struct ptm_dict *d = ptm_dict_new(ptm_trace_arena(c->t));
    set_all(c, d, dict(c));
    return dict_ival(d);
}

/* dict(), dict(d), dict([(k, v), ...]) */
static struct ptm_ival construct(const struct ptm_lower_call *c)
{
    struct ptm_dict *d = ptm_dict_new(ptm_trace_arena(c->t));
    if (c->n_arg && c->arg[0].tag == PTM_DICT)
        set_all(c, d, c->arg[0].u.dict);
    else if (c->n_arg && c->arg[0].tag == PTM_LIST)
        for (size_t i = 0; d && i < c->arg[0].u.list->n; i++) {
            struct ptm_ival p = c->arg[0].u.list->v[i];
            if (p.tag != PTM_TUPLE || p.u.list->n != 2)
                return ptm_trace_fail(c->t, PTM_ERR_TYPE, "dict() of a list whose element %zu is "
                                                          "not a pair", i);
            ptm_dict_set(ptm_trace_arena(c->t), d, ptm_scalar_known(c->t, p.u.list->v[0]),
                         p.u.list->v[1]);
        }
    return dict_ival(d);
}

/* The overloads differ by the type of the keys. */
#define BY_KEY(name, fn)                                                                           \
    {name "str", fn}, {name "int", fn}, {name "bool", fn}, {name "float", fn}, {name "Tensor", fn}

const struct ptm_lowering ptm_lower_dict[] = {
    BY_KEY("aten::len.Dict_", len),
    BY_KEY("aten::__getitem__.Dict_", getitem),
    BY_KEY("aten::get.", get),
    BY_KEY("aten::get.default_", get),
    BY_KEY("aten::__contains__.", contains),
    BY_KEY("aten::keys.", keys),
    BY_KEY("aten::values.", values),
    BY_KEY("aten::items.", items),
    BY_KEY("aten::_set_item.", set_item),
    BY_KEY("aten::setdefault.", set_default),
    BY_KEY("aten::pop.Dict_", pop),
    BY_KEY("aten::pop.Dict_default_", pop),
    BY_KEY("aten::popitem.", pop_item),
    BY_KEY("aten::Delete.Dict_", delete),
    BY_KEY("aten::clear.", clear),
    BY_KEY("aten::update.", update),
    BY_KEY("aten::copy.Dict_", copy),
    BY_KEY("aten::dict.Dict_", construct),
    BY_KEY("aten::dict.", construct),
    {"aten::dict", construct},
    {NULL, NULL},
};
