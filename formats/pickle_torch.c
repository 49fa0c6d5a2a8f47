/* SPDX-License-Identifier: BSD-2-Clause */
/* The globals that torch's pickler writes: storages, tensors, typed lists, devices. */
#include "formats/pickle.h"

#include <string.h>

/* Storage classes by element; dtype -1: ptm has no such element. */
static const struct {
    const char *name;
    int dtype;
} storages[] = {
    {"FloatStorage", PTM_F32},      {"DoubleStorage", PTM_F64}, {"HalfStorage", PTM_F16},
    {"BFloat16Storage", PTM_BF16},  {"LongStorage", PTM_I64},   {"IntStorage", PTM_I32},
    {"ShortStorage", PTM_I16},      {"CharStorage", PTM_I8},    {"ByteStorage", PTM_U8},
    {"BoolStorage", PTM_BOOL8},     {"ComplexFloatStorage", PTM_C64}, {"ComplexDoubleStorage", -1},
    {"ComplexHalfStorage", -1},     {"QInt8Storage", -1},       {"QUInt8Storage", -1},
    {"QInt32Storage", -1},          {"QUInt4x2Storage", -1},    {"QUInt2x4Storage", -1},
    {"Float8_e5m2Storage", -1},     {"Float8_e4m3fnStorage", -1},
};

static const struct {
    const char *name;
    int kind, what;
} globals[] = {
    {"torch._utils._rebuild_tensor_v2", PG_TENSOR, 0},
    {"torch._utils._rebuild_qtensor", PG_QTENSOR, 0},
    {"torch._utils._rebuild_sparse_tensor", PG_OPAQUE, 0},
    {"torch._utils._rebuild_sparse_csr_tensor", PG_OPAQUE, 0},
    {"torch._utils._rebuild_meta_tensor_no_storage", PG_OPAQUE, 0},
    {"builtins.complex", PG_OPAQUE, 0},
    {"torch.jit._pickle.build_intlist", PG_LIST, PTM_INT},
    {"torch.jit._pickle.build_doublelist", PG_LIST, PTM_FLOAT},
    {"torch.jit._pickle.build_boollist", PG_LIST, PTM_BOOL},
    {"torch.jit._pickle.build_tensorlist", PG_LIST, PTM_TENSOR},
    {"torch.jit._pickle.restore_type_tag", PG_TYPE_TAG, 0},
    {"collections.OrderedDict", PG_ORDERED_DICT, 0},
    {"torch.device", PG_DEVICE, 0},
    {"torch.per_tensor_affine", PG_NAME, 0},
    {"torch.per_channel_affine", PG_NAME, 0},
    {"torch.per_channel_affine_float_qparams", PG_NAME, 0},
    {"torch.serialization._get_layout", PG_OPAQUE, 0},
};

bool ptm_pickle_torch_global(const char *qualname, struct ptm_pickle_global *g)
{
    *g = (struct ptm_pickle_global){.name = qualname};
    for (size_t i = 0; i < PTM_LEN(globals); i++)
        if (!strcmp(qualname, globals[i].name)) {
            g->kind = globals[i].kind;
            g->what = globals[i].what;
            return true;
        }
    if (strncmp(qualname, "torch.", 6))
        return false;
    for (size_t i = 0; i < PTM_LEN(storages); i++)
        if (!strcmp(qualname + 6, storages[i].name)) {
            g->kind = PG_STORAGE;
            g->what = storages[i].dtype;
            return true;
        }
    return false;
}

static bool is_args(struct ptm_ival v, size_t at_least, size_t at_most)
{
    return (v.tag == PTM_TUPLE || v.tag == PICKLE_ARGS) && v.u.list->n >= at_least &&
           v.u.list->n <= at_most;
}

static bool is_word(struct ptm_ival v, const char *word)
{
    return v.tag == PTM_STR && !strcmp(v.u.str->s, word);
}

/* ("storage", torch.FloatStorage, key, location, numel); the location is of the machine that
 * saved the file, and does not matter. */
enum ptm_status ptm_pickle_persid(struct ptm_pickle *p, struct ptm_ival id, struct ptm_ival *out)
{
    if (id.tag != PICKLE_ARGS || !is_args(id, 5, 6))
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "a persistent id that is not a storage's");
    const struct ptm_ival *v = id.u.list->v;
    const struct ptm_pickle_global *g = v[1].tag == PICKLE_GLOBAL ? (const void *)v[1].u.str : NULL;
    if (!is_word(v[0], "storage") || !g || g->kind != PG_STORAGE || v[2].tag != PTM_STR ||
        v[4].tag != PTM_INT || v[4].u.i < 0)
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "a persistent id that is not a storage's");
    struct ptm_pickle_storage *s = ptm_arena_alloc(p->arena, sizeof *s);
    if (!s)
        return ptm_pickle_fail(p, PTM_ERR_MEMORY, "no memory");
    *s = (struct ptm_pickle_storage){.type = g->name, .numel = v[4].u.i};
    if (g->what >= 0) {
        size_t item = ptm_dtype_bytes((enum ptm_dtype)g->what);
        if ((uint64_t)s->numel > PTRDIFF_MAX / item)
            return ptm_pickle_fail(p, PTM_ERR_FORMAT, "storage '%.100s' of %lld elements",
                                   v[2].u.str->s, (long long)s->numel);
        if (!p->hooks->storage)
            return ptm_pickle_fail(p, PTM_ERR_FORMAT, "a tensor where none may be");
        s->dtype = (uint8_t)g->what;
        PTM_TRY(p->hooks->storage(p->hooks->ud, v[2].u.str, (size_t)s->numel * item, item, p->op_at,
                                  &s->storage, p->err));
    }
    *out = (struct ptm_ival){.tag = PICKLE_STORAGE, .u.str = (const void *)s};
    return PTM_OK;
}

static enum ptm_status make_opaque(struct ptm_pickle *p, const char *what, struct ptm_ival state,
                                   struct ptm_ival *out)
{
    if (!p->hooks->opaque)
        return ptm_pickle_fail(p, PTM_ERR_UNSUPPORTED, "a value made by '%.100s'", what);
    if (ptm_pickle_private(state))
        state = ptm_none();
    return p->hooks->opaque(p->hooks->ud, what, state, p->op_at, out, p->err);
}

/* Sizes and strides, and that the elements they reach lie in the storage. */
static enum ptm_status fill_shape(struct ptm_pickle *p, struct ptm_tensor *t,
                                  const struct ptm_list *dim, const struct ptm_list *stride,
                                  int64_t numel)
{
    if (dim->n != stride->n)
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "a tensor of %zu sizes and %zu strides", dim->n,
                               stride->n);
    if (dim->n > PTM_MAX_RANK)
        return ptm_pickle_fail(p, PTM_ERR_UNSUPPORTED, "a tensor of rank %zu, %d are possible",
                               dim->n, (int)PTM_MAX_RANK);
    t->rank = (uint8_t)dim->n;
    bool empty = false;
    int64_t last = t->offset, count = 1; /* last: index of the furthest element */
    for (size_t i = 0; i < dim->n; i++) {
        if (dim->v[i].tag != PTM_INT || dim->v[i].u.i < 0 || stride->v[i].tag != PTM_INT ||
            stride->v[i].u.i < 0)
            return ptm_pickle_fail(p, PTM_ERR_FORMAT, "a tensor with a bad size or stride");
        t->dim[i] = dim->v[i].u.i;
        t->stride[i] = stride->v[i].u.i;
        empty |= !t->dim[i];
    }
    for (size_t i = 0; i < dim->n && !empty; i++) {
        if (count > PTRDIFF_MAX / 16 / t->dim[i])
            return ptm_pickle_fail(p, PTM_ERR_LIMIT, "a tensor of too many elements");
        count *= t->dim[i];
        if (t->dim[i] > 1 && t->stride[i] > (INT64_MAX - last) / (t->dim[i] - 1))
            return ptm_pickle_fail(p, PTM_ERR_FORMAT, "a tensor whose strides overflow");
        last += t->stride[i] * (t->dim[i] - 1);
    }
    if (!empty && last >= numel)
        return ptm_pickle_fail(p, PTM_ERR_FORMAT,
                               "a tensor reaches element %lld, its storage has %lld",
                               (long long)last, (long long)numel);
    return PTM_OK;
}

/* The last argument of newer files: {"conj": True}, {"neg": True}. */
static bool has_math_bits(struct ptm_ival v)
{
    if (v.tag != PTM_DICT)
        return false;
    for (size_t i = 0; i < v.u.dict->n; i++)
        if (v.u.dict->v[i].tag == PTM_BOOL && v.u.dict->v[i].u.b)
            return true;
    return false;
}

/* (storage, offset, sizes, strides, requires_grad, hooks[, math bits]) */
static enum ptm_status make_tensor(struct ptm_pickle *p, struct ptm_ival args, struct ptm_ival *out)
{
    if (!is_args(args, 4, 8))
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "a tensor with malformed arguments");
    const struct ptm_ival *v = args.u.list->v;
    if (v[0].tag != PICKLE_STORAGE || v[1].tag != PTM_INT || v[1].u.i < 0 ||
        v[2].tag != PTM_TUPLE || v[3].tag != PTM_TUPLE)
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "a tensor with malformed arguments");
    const struct ptm_pickle_storage *s = (const void *)v[0].u.str;
    if (!s->storage)
        return make_opaque(p, s->type, v[2], out);
    if (args.u.list->n > 6 && has_math_bits(v[6]))
        return make_opaque(p, "torch.conj or torch.neg view", v[2], out);
    struct ptm_tensor *t = ptm_arena_alloc(p->arena, sizeof *t);
    if (!t)
        return ptm_pickle_fail(p, PTM_ERR_MEMORY, "no memory");
    t->dtype = s->dtype;
    t->storage = s->storage;
    t->offset = v[1].u.i;
    if (t->offset > s->numel)
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "a tensor at element %lld, its storage has %lld",
                               (long long)t->offset, (long long)s->numel);
    PTM_TRY(fill_shape(p, t, v[2].u.list, v[3].u.list, s->numel));
    *out = ptm_tensor_ival(t);
    return PTM_OK;
}

static enum ptm_status make_list(struct ptm_pickle *p, const struct ptm_pickle_global *g,
                                 struct ptm_ival args, struct ptm_ival *out)
{
    if (!is_args(args, 1, 1) || args.u.list->v[0].tag != PTM_LIST)
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "'%s' of something not a list", g->name);
    struct ptm_list *l = args.u.list->v[0].u.list;
    for (size_t i = 0; i < l->n; i++) {
        bool ok = l->v[i].tag == g->what;
        if (g->what == PTM_TENSOR) /* undefined and quantized ones too */
            ok = ok || l->v[i].tag == PTM_NONE || l->v[i].tag == PTM_OBJECT;
        if (!ok)
            return ptm_pickle_fail(p, PTM_ERR_FORMAT, "'%s': element %zu is of another type",
                                   g->name, i);
    }
    l->elem = (uint8_t)g->what;
    *out = args.u.list->v[0];
    return PTM_OK;
}

enum ptm_status ptm_pickle_reduce(struct ptm_pickle *p, const struct ptm_pickle_global *g,
                                  struct ptm_ival args, struct ptm_ival *out)
{
    switch (g->kind) {
    case PG_TENSOR:
        return make_tensor(p, args, out);
    case PG_QTENSOR:
    case PG_OPAQUE:
        return make_opaque(p, g->name, args, out);
    case PG_LIST:
        return make_list(p, g, args, out);
    case PG_TYPE_TAG:
        if (!is_args(args, 2, 2) || args.u.list->v[1].tag != PTM_STR ||
            ptm_pickle_private(args.u.list->v[0]))
            return ptm_pickle_fail(p, PTM_ERR_FORMAT, "a malformed type tag");
        *out = args.u.list->v[0];
        if (p->hooks->type_tag)
            return p->hooks->type_tag(p->hooks->ud, *out, args.u.list->v[1].u.str, p->op_at,
                                      p->err);
        return PTM_OK;
    case PG_ORDERED_DICT: /* only as the empty hooks of tensors */
        if (!is_args(args, 0, 0))
            return ptm_pickle_fail(p, PTM_ERR_FORMAT, "an OrderedDict with contents");
        *out = ptm_none();
        return PTM_OK;
    case PG_DEVICE:
        if (!is_args(args, 1, 1) || args.u.list->v[0].tag != PTM_STR)
            return ptm_pickle_fail(p, PTM_ERR_FORMAT, "a malformed device");
        *out = args.u.list->v[0];
        return PTM_OK;
    default:
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "calls '%.200s'", g->name);
    }
}
