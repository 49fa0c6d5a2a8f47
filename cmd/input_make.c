/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes the arguments of a run: reads files, generates tensors, fits literals to declared types. */
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/input.h"
#include "formats/image.h"
#include "formats/npy.h"
#include "libcore/map.h"

struct maker {
    const struct inputs *in;
    struct ptm_arena *arena;
    size_t run;
    const char *argument; /* name, for messages */
    struct bench_random random;
    struct ptm_err *err;
};

static enum ptm_status no_memory(struct ptm_err *err)
{
    return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the inputs");
}

static enum ptm_status new_tensor(struct ptm_arena *a, int dtype, int rank, const int64_t *dim,
                                  struct ptm_tensor **out, struct ptm_err *err)
{
    int64_t stride[PTM_MAX_RANK];
    int64_t n = ptm_strides_contiguous(rank, dim, stride);
    void *data =
        n > 0 ? ptm_arena_array(a, (size_t)n, ptm_dtype_bytes((enum ptm_dtype)dtype)) : NULL;
    *out = n < 0 || (n > 0 && !data) ? NULL
                                     : ptm_tensor_new(a, (enum ptm_dtype)dtype, rank, dim, data);
    return *out ? PTM_OK : no_memory(err);
}

enum ptm_status ival_copy(struct ptm_arena *a, struct ptm_ival v, struct ptm_ival *out, int depth,
                          struct ptm_err *err)
{
    *out = v;
    if (depth > PTM_MAX_DEPTH)
        return ptm_fail(err, PTM_ERR_LIMIT, "a value nests deeper than %d", PTM_MAX_DEPTH);
    if (v.tag == PTM_STR) {
        *out = ptm_str_ival(a, v.u.str->s, v.u.str->len);
    } else if (v.tag == PTM_TENSOR) {
        struct ptm_tensor *t;
        const struct ptm_tensor *x = v.u.tensor;
        PTM_TRY(new_tensor(a, x->dtype, x->rank, x->dim, &t, err));
        size_t size = ptm_dtype_bytes(x->dtype);
        for (int64_t i = 0, n = ptm_tensor_numel(x); i < n; i++) {
            int64_t at = 0, rest = i;
            for (int d = x->rank - 1; d >= 0; d--) {
                at += rest % x->dim[d] * x->stride[d];
                rest /= x->dim[d];
            }
            memcpy((char *)ptm_tensor_data(t) + (size_t)i * size,
                   (char *)ptm_tensor_data(x) + at * (int64_t)size, size);
        }
        *out = ptm_tensor_ival(t);
    } else if (v.tag == PTM_LIST || v.tag == PTM_TUPLE) {
        struct ptm_list *l = ptm_list_new(a, v.u.list->n);
        if (!l)
            return no_memory(err);
        l->elem = v.u.list->elem;
        for (size_t i = 0; i < l->n; i++)
            PTM_TRY(ival_copy(a, v.u.list->v[i], &l->v[i], depth + 1, err));
        out->u.list = l;
    } else if (v.tag == PTM_DICT) {
        struct ptm_dict *d = ptm_dict_new(a);
        for (size_t i = 0; d && i < v.u.dict->n; i++) {
            struct ptm_ival key, value;
            PTM_TRY(ival_copy(a, v.u.dict->key[i], &key, depth + 1, err));
            PTM_TRY(ival_copy(a, v.u.dict->v[i], &value, depth + 1, err));
            if (!ptm_dict_set(a, d, key, value))
                return no_memory(err);
        }
        if (!d)
            return no_memory(err);
        out->u.dict = d;
    } else if (v.tag == PTM_OBJECT) {
        return ptm_fail(err, PTM_ERR_UNSUPPORTED, "an object of class '%.200s' as a value",
                        v.u.object->cls->qualname);
    }
    return a->failed ? no_memory(err) : PTM_OK;
}

/* -- files -- */

static enum ptm_status image_load(const struct inputs *in, struct ptm_arena *a,
                                  const uint8_t *bytes, size_t n, struct ptm_tensor **out,
                                  struct ptm_err *err)
{
    struct ptm_image image;
    PTM_TRY(ptm_image_read(a, bytes, n, &image, err));
    if (in->image_width)
        PTM_TRY(ptm_image_resize(a, &image, in->image_width, in->image_height, &image, err));
    return ptm_preprocess(a, &image, &in->image, out, err);
}

static enum ptm_status decode(const struct inputs *in, struct ptm_arena *a, const uint8_t *bytes,
                              size_t n, struct ptm_tensor **out, struct ptm_err *err)
{
    struct ptm_map_guard guard;
    if (PTM_MAP_GUARD(&guard))
        return ptm_map_shrank(err);
    enum ptm_status rc;
    if (ptm_npy_probe(bytes, n))
        rc = ptm_npy_read(a, bytes, n, out, err);
    else if (in && ptm_image_probe(bytes, n))
        rc = image_load(in, a, bytes, n, out, err);
    else
        rc = ptm_fail(err, PTM_ERR_ARG,
                      in ? "neither a .npy array nor a PNG or JPEG image" : "no .npy array");
    ptm_map_guard_end(&guard);
    return rc;
}

static enum ptm_status load(const struct inputs *in, struct ptm_arena *a, const char *path,
                            struct ptm_tensor **out, struct ptm_err *err)
{
    struct ptm_file_map *map;
    const uint8_t *bytes;
    size_t n;
    PTM_TRY(ptm_map_open(&map, path, &bytes, &n, err));
    struct ptm_err why = {0};
    enum ptm_status rc = decode(in, a, bytes, n, out, &why);
    ptm_map_close(map);
    if (rc == PTM_OK)
        return PTM_OK;
    /* bytes of an input are the user's argument, not the model's: exit 2 rather than 7 */
    if (rc == PTM_ERR_FORMAT || rc == PTM_ERR_UNSUPPORTED || rc == PTM_ERR_LIMIT)
        rc = PTM_ERR_ARG;
    return ptm_fail(err, rc, "input '%.300s': %.600s", path, why.msg);
}

enum ptm_status npy_load(struct ptm_arena *a, const char *path, struct ptm_tensor **out,
                         struct ptm_err *err)
{
    return load(NULL, a, path, out, err);
}

/* -- specs to values -- */

static enum ptm_status generate(struct maker *m, const struct spec *s, struct ptm_tensor **out)
{
    int dtype = s->shape.dtype >= 0 ? s->shape.dtype : s->kind == SPEC_RANDINT ? PTM_I64 : PTM_F32;
    PTM_TRY(new_tensor(m->arena, dtype, s->shape.rank, s->shape.dim, out, m->err));
    if (s->kind == SPEC_RANDOM)
        bench_fill_normal(*out, &m->random);
    else if (s->kind == SPEC_RANDINT)
        bench_fill_range(*out, &m->random, s->lo, s->hi);
    else
        bench_fill_value(*out, s->fill);
    return PTM_OK;
}

static enum ptm_status build(struct maker *m, const struct spec *s, struct ptm_ival *out)
{
    struct ptm_tensor *t;
    switch ((enum spec_kind)s->kind) {
    case SPEC_VALUE:
        *out = s->value;
        return PTM_OK;
    case SPEC_FILES:
        PTM_TRY(load(m->in, m->arena, s->path[s->n_paths > 1 ? m->run : 0], &t, m->err));
        *out = ptm_tensor_ival(t);
        return PTM_OK;
    case SPEC_RANDOM:
    case SPEC_RANDINT:
    case SPEC_FILL:
        PTM_TRY(generate(m, s, &t));
        *out = ptm_tensor_ival(t);
        return PTM_OK;
    case SPEC_LIST:
    case SPEC_TUPLE:
        out->tag = s->kind == SPEC_LIST ? PTM_LIST : PTM_TUPLE;
        out->u.list = ptm_list_new(m->arena, s->n_child);
        if (!out->u.list)
            return no_memory(m->err);
        for (size_t i = 0; i < s->n_child; i++)
            PTM_TRY(build(m, &s->child[i], &out->u.list->v[i]));
        return PTM_OK;
    case SPEC_DICT:
        out->tag = PTM_DICT;
        out->u.dict = ptm_dict_new(m->arena);
        for (size_t i = 0; out->u.dict && i + 1 < s->n_child; i += 2) {
            struct ptm_ival v;
            PTM_TRY(build(m, &s->child[i + 1], &v));
            if (!ptm_dict_set(m->arena, out->u.dict, s->child[i].value, v))
                return no_memory(m->err);
        }
        return out->u.dict ? PTM_OK : no_memory(m->err);
    case SPEC_BUNDLED:
        break;
    }
    return ptm_fail(m->err, PTM_ERR_ARG, "@bundled stands alone");
}

/* -- fitting to the declared type -- */

static enum ptm_status misfit(struct maker *m, uint32_t type, struct ptm_ival v)
{
    char want[120], got[200];
    return ptm_fail(m->err, PTM_ERR_ARG, "argument '%s' of '%s' is %s, given %s", m->argument,
                    m->in->method,
                    ptm_tytype_text(&m->in->model->program, type, want, sizeof(want)),
                    ptm_ival_describe(v, got, sizeof(got)));
}

/* Dims of nested lists of numbers; false: ragged, too deep, or something else inside. */
static bool nested_dims(struct ptm_ival v, int depth, int *rank, int64_t *dim, bool *real,
                        bool *number)
{
    if (v.tag == PTM_BOOL || v.tag == PTM_INT || v.tag == PTM_FLOAT) {
        *real |= v.tag == PTM_FLOAT;
        *number |= v.tag != PTM_BOOL;
        if (*rank < 0)
            *rank = depth;
        return *rank == depth;
    }
    if ((v.tag != PTM_LIST && v.tag != PTM_TUPLE) || depth == PTM_MAX_RANK)
        return false;
    int64_t n = (int64_t)v.u.list->n;
    if (dim[depth] < 0)
        dim[depth] = n;
    if (dim[depth] != n || (*rank >= 0 && depth >= *rank))
        return false;
    if (n == 0 && *rank < 0)
        *rank = depth + 1;
    for (int64_t i = 0; i < n; i++)
        if (!nested_dims(v.u.list->v[i], depth + 1, rank, dim, real, number))
            return false;
    return true;
}

static void fill_nested(struct ptm_tensor *t, struct ptm_ival v, int64_t *at)
{
    if (v.tag == PTM_LIST || v.tag == PTM_TUPLE) {
        for (size_t i = 0; i < v.u.list->n; i++)
            fill_nested(t, v.u.list->v[i], at);
    } else if (v.tag == PTM_INT && t->dtype == PTM_I64) {
        ((int64_t *)ptm_tensor_data(t))[(*at)++] = v.u.i;
    } else {
        bench_set(t, (*at)++,
                  v.tag == PTM_FLOAT ? v.u.f
                  : v.tag == PTM_INT ? (double)v.u.i
                                     : (double)v.u.b);
    }
}

/* torch.tensor(v): numbers for a Tensor argument. */
static enum ptm_status to_tensor(struct maker *m, uint32_t type, struct ptm_ival *v)
{
    int rank = -1;
    int64_t dim[PTM_MAX_RANK], at = 0;
    bool real = false, number = false;
    memset(dim, -1, sizeof(dim));
    if (!nested_dims(*v, 0, &rank, dim, &real, &number))
        return misfit(m, type, *v);
    struct ptm_tensor *t;
    int dtype = real || rank < 0 ? PTM_F32 : number ? PTM_I64 : PTM_BOOL8;
    PTM_TRY(new_tensor(m->arena, dtype, rank, dim, &t, m->err));
    fill_nested(t, *v, &at);
    *v = ptm_tensor_ival(t);
    return PTM_OK;
}

static uint8_t element_tag(const struct ptm_tytype *t)
{
    static const uint8_t tags[] = {
        [TY_BOOL] = PTM_BOOL,     [TY_INT] = PTM_INT,   [TY_FLOAT] = PTM_FLOAT,
        [TY_STR] = PTM_STR,       [TY_LIST] = PTM_LIST, [TY_TUPLE] = PTM_TUPLE,
        [TY_TENSOR] = PTM_TENSOR, [TY_DICT] = PTM_DICT,
    };
    return t->kind < PTM_LEN(tags) ? tags[t->kind] : (uint8_t)PTM_NONE;
}

static enum ptm_status fit(struct maker *m, uint32_t type, struct ptm_ival *v)
{
    const struct ptm_program *p = &m->in->model->program;
    const struct ptm_tytype *t = &p->type[type];
    bool ok = true;
    switch ((enum ptm_type_kind)t->kind) {
    case TY_TENSOR:
        return v->tag == PTM_TENSOR ? PTM_OK : to_tensor(m, type, v);
    case TY_NONE:
        ok = v->tag == PTM_NONE;
        break;
    case TY_BOOL:
        ok = v->tag == PTM_BOOL;
        break;
    case TY_INT:
        ok = v->tag == PTM_INT;
        break;
    case TY_FLOAT:
        if (v->tag == PTM_INT)
            *v = ptm_float((double)v->u.i);
        ok = v->tag == PTM_FLOAT;
        break;
    case TY_NUMBER:
        ok = v->tag == PTM_BOOL || v->tag == PTM_INT || v->tag == PTM_FLOAT;
        break;
    case TY_STR:
        ok = v->tag == PTM_STR;
        break;
    case TY_LIST:
    case TY_TUPLE:
        if (v->tag != PTM_LIST && v->tag != PTM_TUPLE)
            return misfit(m, type, *v);
        if (t->kind == TY_TUPLE && v->u.list->n != t->n_sub)
            return misfit(m, type, *v);
        v->tag = t->kind == TY_LIST ? PTM_LIST : PTM_TUPLE;
        if (t->kind == TY_LIST && t->n_sub)
            v->u.list->elem = element_tag(&p->type[t->sub[0]]);
        for (size_t i = 0; i < v->u.list->n && t->n_sub; i++)
            PTM_TRY(fit(m, t->sub[t->kind == TY_LIST ? 0 : i], &v->u.list->v[i]));
        break;
    case TY_DICT:
        if (v->tag != PTM_DICT)
            return misfit(m, type, *v);
        for (size_t i = 0; i < v->u.dict->n && t->n_sub > 1; i++) {
            PTM_TRY(fit(m, t->sub[0], &v->u.dict->key[i]));
            PTM_TRY(fit(m, t->sub[1], &v->u.dict->v[i]));
        }
        break;
    case TY_OPTIONAL:
        return v->tag == PTM_NONE || !t->n_sub ? PTM_OK : fit(m, t->sub[0], v);
    case TY_ANY:
    case TY_UNION:
    case TY_CLASS:
    case TY_DEVICE:
    case TY_FUTURE:
    case TY_OTHER:
        break;
    }
    return ok ? PTM_OK : misfit(m, type, *v);
}

enum ptm_status inputs_make(const struct inputs *in, size_t run, struct ptm_arena *arena,
                            struct ptm_ival **args, size_t *n_args, struct ptm_err *err)
{
    size_t n_bundled = in->bundled ? in->bundled_args.u.list->n : 0;
    *n_args = in->n_args;
    *args = ptm_arena_array(arena, in->n_args + 1, sizeof(**args));
    if (!*args)
        return no_memory(err);
    for (size_t i = 0; i < in->n_args; i++) {
        const struct ptm_param *p = &in->fn->param[i + in->fn->is_method];
        /* every argument has its own stream, so that adding one changes no other */
        struct maker m = {.in = in, .arena = arena, .run = run, .argument = p->name, .err = err};
        m.random.state = in->seed * 0x2545f4914f6cdd1du + run * 0x9e3779b97f4a7c15u + i + 1;
        (void)bench_random_next(&m.random);
        m.random.state = bench_random_next(&m.random);
        if (in->arg[i]) {
            PTM_TRY(build(&m, in->arg[i], &(*args)[i]));
            PTM_TRY(fit(&m, p->type, &(*args)[i]));
        } else {
            (*args)[i] = i < n_bundled ? in->bundled_args.u.list->v[i] : p->def;
        }
    }
    return PTM_OK;
}
