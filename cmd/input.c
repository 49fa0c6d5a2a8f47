/* SPDX-License-Identifier: BSD-2-Clause */
/* Binds --input and --input-shape to the arguments of a method. */
#include "cmd/input.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "bench/zoo.h"
#include "cmd/cmd.h"
#include "cmd/survey.h"
#include "formats/image.h"

bool method_public(const char *name)
{
    static const char *const hidden[] = {"__",
                                         "get_all_bundled_inputs",
                                         "get_num_bundled_inputs",
                                         "get_bundled_inputs_functions_and_info",
                                         "run_on_bundled_input",
                                         "_generate_bundled_inputs",
                                         "_bundled_inputs"};
    for (size_t i = 0; i < PTM_LEN(hidden); i++)
        if (!strncmp(name, hidden[i], strlen(hidden[i])))
            return false;
    return true;
}

struct method_names {
    const struct ptm_program *p;
    const struct ptm_class *c;
};

static const char *method_name(const void *ctx, size_t i)
{
    const struct method_names *m = ctx;
    return i < m->c->n_methods ? m->p->fn[m->c->method[i]].name : NULL;
}

enum ptm_status method_find(const struct ptm_model *m, const char *method,
                            const struct ptm_function **out, struct ptm_err *err)
{
    const struct ptm_program *p = &m->program;
    const struct ptm_class *c = p->root->cls;
    uint32_t fn = ptm_class_method(p, c, method);
    if (fn != UINT32_MAX) {
        *out = &p->fn[fn];
        return PTM_OK;
    }
    struct method_names names = {p, c};
    const char *near = nearest_name(method, method_name, &names);
    if (near)
        return ptm_fail(err, PTM_ERR_ARG, "'%.300s' has no method '%.100s'; did you mean '%s'?",
                        m->path, method, near);
    char list[400] = "";
    size_t at = 0;
    for (uint32_t i = 0; i < c->n_methods && at + 80 < sizeof(list); i++) {
        const char *name = p->fn[c->method[i]].name;
        if (method_public(name))
            at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%.60s", at ? ", " : "", name);
    }
    return ptm_fail(err, PTM_ERR_ARG, "'%.300s' has no method '%.100s'; %s%s", m->path, method,
                    at ? "there are: " : "it has none", list);
}

/* -- images -- */

static enum ptm_status parse_sides(const char *option, const char *text, int *width, int *height,
                                   struct ptm_err *err)
{
    char *end;
    *width = *height = 0;
    if (!text || !strcmp(text, "none"))
        return PTM_OK;
    long w = strtol(text, &end, 10), h = 0;
    if (end != text && *end == 'x')
        h = strtol(end + 1, &end, 10);
    if (*end || w < 1 || w > PTM_IMAGE_MAX_SIDE || h < 0 || h > PTM_IMAGE_MAX_SIDE ||
        (h == 0 && strchr(text, 'x')))
        return ptm_fail(err, PTM_ERR_ARG, "--%s wants N, WIDTHxHEIGHT or none, given '%.100s'",
                        option, text);
    *width = (int)w;
    *height = (int)h;
    return PTM_OK;
}

static enum ptm_status parse_three(const char *option, const char *text, float *out,
                                   struct ptm_err *err)
{
    if (!text)
        return PTM_OK;
    const char *p = text;
    for (int i = 0; i < 3; i++) {
        char *end;
        double v = strtod(p, &end);
        bool one = i == 0 && !*end; /* one number for all three */
        if (end == p || !(one || *end == (i < 2 ? ',' : 0)) || !(v > -1e6 && v < 1e6) ||
            (!strcmp(option, "std") && v <= 0))
            return ptm_fail(err, PTM_ERR_ARG, "--%s wants three numbers, R,G,B, given '%.100s'",
                            option, text);
        out[i] = (float)v;
        if (one) {
            out[1] = out[2] = out[0];
            break;
        }
        p = end + 1;
    }
    return PTM_OK;
}

static enum ptm_status parse_image_opts(struct inputs *in, const struct input_opts *o,
                                        struct ptm_err *err)
{
    struct ptm_preprocess how = PTM_PREPROCESS_IMAGENET;
    int w, h;
    in->image = how;
    in->image_size_given = o->resize || o->crop;
    if (o->resize) {
        PTM_TRY(parse_sides("resize", o->resize, &w, &h, err));
        in->image.resize = h ? 0 : w;
        in->image_width = h ? w : 0;
        in->image_height = h;
    }
    if (o->crop || (o->resize && in->image_width)) { /* both sides given: nothing left to crop */
        PTM_TRY(parse_sides("crop", o->crop, &w, &h, err));
        in->image.crop_width = w;
        in->image.crop_height = h ? h : w;
    }
    PTM_TRY(parse_three("mean", o->mean, in->image.mean, err));
    return parse_three("std", o->std, in->image.std, err);
}

/* -- binding -- */

static const struct ptm_param *param(const struct inputs *in, size_t i)
{
    return &in->fn->param[i + in->fn->is_method];
}

static const char *argument_names(const struct inputs *in, char *buf, size_t size)
{
    size_t at = 0;
    char type[100];
    buf[0] = 0;
    for (size_t i = 0; i < in->n_params && at < size; i++) {
        const struct ptm_param *p = param(in, i);
        at += (size_t)snprintf(buf + at, size - at, "%s%.60s: %s", i ? ", " : "", p->name,
                               ptm_tytype_text(&in->model->program, p->type, type, sizeof(type)));
    }
    return buf;
}

/* The number of the argument that "NAME=..." names, and the rest; -1: no such prefix. */
static int split_name(const struct inputs *in, const char *text, const char **rest)
{
    size_t len = 0;
    while (isalnum((unsigned char)text[len]) || text[len] == '_' || text[len] == '.')
        len++;
    if (!len || text[len] != '=')
        return -1;
    *rest = text + len + 1;
    for (size_t i = 0; i < in->n_params; i++)
        if (strlen(param(in, i)->name) == len && !strncmp(param(in, i)->name, text, len))
            return (int)i;
    return isdigit((unsigned char)text[0]) || memchr(text, '.', len) ? -1 : -2;
}

static const char *argument_name(const void *ctx, size_t i)
{
    const struct inputs *in = ctx;
    return i < in->n_params ? param(in, i)->name : NULL;
}

static enum ptm_status no_such_argument(const struct inputs *in, const char *text,
                                        struct ptm_err *err)
{
    char name[64], list[500];
    size_t len = strcspn(text, "=");
    snprintf(name, sizeof(name), "%.*s", (int)(len < 60 ? len : 60), text);
    const char *near = nearest_name(name, argument_name, in);
    if (near)
        return ptm_fail(err, PTM_ERR_ARG, "method '%s' has no argument '%s'; did you mean '%s'?",
                        in->method, name, near);
    return ptm_fail(err, PTM_ERR_ARG, "method '%s' has no argument '%s'; its arguments: %s",
                    in->method, name,
                    in->n_params ? argument_names(in, list, sizeof(list)) : "none");
}

static enum ptm_status too_many(const struct inputs *in, size_t given, struct ptm_err *err)
{
    char list[500];
    return ptm_fail(err, PTM_ERR_ARG, "method '%s' takes %zu argument%s (%s), %zu given",
                    in->method, in->n_params, in->n_params == 1 ? "" : "s",
                    argument_names(in, list, sizeof(list)), given);
}

static struct spec *new_spec(struct inputs *in, enum spec_kind kind)
{
    struct spec *s = ptm_arena_alloc(&in->arena, sizeof(*s));
    if (s) {
        s->kind = (uint8_t)kind;
        s->text = "@random";
        s->shape = (struct shape){.rank = -1, .dtype = -1};
    }
    return s;
}

static enum ptm_status bind_inputs(struct inputs *in, const struct str_list *list,
                                   struct ptm_err *err)
{
    size_t next = 0, given = 0;
    for (size_t i = 0; i < list->n; i++) {
        const char *text = list->v[i];
        int at = split_name(in, list->v[i], &text);
        if (at == -2)
            return no_such_argument(in, list->v[i], err);
        struct spec *s = new_spec(in, SPEC_VALUE);
        if (!s)
            return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the inputs");
        PTM_TRY(spec_parse(&in->arena, at < 0 ? list->v[i] : text, s, err));
        if (s->kind == SPEC_BUNDLED) {
            if (in->bundled || at >= 0)
                return ptm_fail(err, PTM_ERR_ARG, "@bundled gives all arguments: once, unnamed");
            in->bundled = s;
            continue;
        }
        given++;
        while (at < 0 && next < in->n_params && in->arg[next])
            next++;
        if (at < 0 && next >= in->n_params) {
            for (size_t j = i + 1; j < list->n; j++)
                given++;
            return too_many(in, given, err);
        }
        at = at < 0 ? (int)next : at;
        if (in->arg[at])
            return ptm_fail(err, PTM_ERR_ARG, "argument '%s' is given twice",
                            param(in, (size_t)at)->name);
        in->arg[at] = s;
    }
    return PTM_OK;
}

/* Is a Tensor wanted (or allowed)? */
static bool takes_tensor(const struct ptm_program *p, uint32_t type)
{
    const struct ptm_tytype *t = &p->type[type];
    if (t->kind == TY_OPTIONAL)
        return takes_tensor(p, t->sub[0]);
    return t->kind == TY_TENSOR || t->kind == TY_ANY;
}

static bool generates(const struct spec *s)
{
    return s->kind == SPEC_RANDOM || s->kind == SPEC_RANDINT || s->kind == SPEC_FILL;
}

/* Unnamed shapes go, in order, to generators without one and to Tensor arguments without input. */
static bool wants_shape(const struct inputs *in, size_t i)
{
    const struct spec *s = in->arg[i];
    if (s)
        return generates(s) && s->shape.rank < 0;
    return !in->bundled && takes_tensor(&in->model->program, param(in, i)->type);
}

static enum ptm_status give_shape(struct inputs *in, size_t i, const char *text,
                                  struct ptm_err *err)
{
    struct shape shape;
    PTM_TRY(shape_parse(text, ',', &shape, err));
    if (!in->arg[i] && !(in->arg[i] = new_spec(in, SPEC_RANDOM)))
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the inputs");
    if (!generates(in->arg[i]))
        return ptm_fail(err, PTM_ERR_ARG, "--input-shape %.100s: argument '%s' is not generated",
                        text, param(in, i)->name);
    in->arg[i]->shape = shape;
    return PTM_OK;
}

static bool is_image(const char *path)
{
    uint8_t head[16];
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(head, 1, sizeof(head), f) : 0;
    if (f)
        fclose(f);
    return n && ptm_image_probe(head, n);
}

/* With an image as input, a shape says its size. */
static enum ptm_status size_images(struct inputs *in, const char *text, bool *done,
                                   struct ptm_err *err)
{
    struct shape s;
    *done = false;
    for (size_t i = 0; i < in->n_params && !*done; i++)
        *done = in->arg[i] && in->arg[i]->kind == SPEC_FILES && !in->image_size_given &&
                is_image(in->arg[i]->path[0]);
    if (!*done)
        return PTM_OK;
    PTM_TRY(shape_parse(text, ',', &s, err));
    if (s.rank < 3 || s.dim[s.rank - 3] != 3 || s.dim[s.rank - 1] < 1 || s.dim[s.rank - 2] < 1 ||
        s.dim[s.rank - 1] > PTM_IMAGE_MAX_SIDE || s.dim[s.rank - 2] > PTM_IMAGE_MAX_SIDE)
        return ptm_fail(err, PTM_ERR_ARG, "--input-shape %.100s: an image is 1,3,HEIGHT,WIDTH",
                        text);
    in->image.crop_width = (int)s.dim[s.rank - 1];
    in->image.crop_height = (int)s.dim[s.rank - 2];
    int side =
        in->image.crop_width > in->image.crop_height ? in->image.crop_width : in->image.crop_height;
    in->image.resize = (side * 256 + 112) / 224; /* as 224 is cut from 256 */
    if (in->image.resize > PTM_IMAGE_MAX_SIDE)
        in->image.resize = PTM_IMAGE_MAX_SIDE;
    return PTM_OK;
}

static enum ptm_status bind_shapes(struct inputs *in, const struct str_list *list,
                                   struct ptm_err *err)
{
    for (int pass = 0; pass < 2; pass++) { /* named ones first */
        for (size_t i = 0; i < list->n; i++) {
            const char *text = list->v[i];
            bool done = false;
            int at = split_name(in, list->v[i], &text);
            if (at == -2)
                return no_such_argument(in, list->v[i], err);
            if ((at >= 0) != (pass == 0))
                continue;
            if (pass == 1) {
                for (size_t j = 0; j < in->n_params && at < 0; j++)
                    at = wants_shape(in, j) ? (int)j : -1;
                if (at < 0)
                    PTM_TRY(size_images(in, text, &done, err));
                if (done)
                    continue;
            }
            if (at < 0)
                return ptm_fail(err, PTM_ERR_ARG,
                                "--input-shape %.100s: no argument of '%s' is left to generate",
                                text, in->method);
            PTM_TRY(give_shape(in, (size_t)at, text, err));
        }
    }
    return PTM_OK;
}

/* Input channels of the first convolution that the program's weights suggest; 0: none. */
static int64_t first_channels(const struct ptm_program *p)
{
    for (uint32_t i = 0; i < p->n_objects; i++) {
        const struct ptm_object *o = p->object[i];
        for (uint32_t a = 0; a < o->cls->n_attrs; a++) {
            struct ptm_ival v = o->attr[a];
            if (v.tag == PTM_TENSOR && v.u.tensor->rank == 4 &&
                !strcmp(o->cls->attr_name[a], "weight"))
                return v.u.tensor->dim[1];
        }
    }
    return 0;
}

static enum ptm_status missing(const struct inputs *in, size_t i, struct ptm_err *err)
{
    char sign[400], type[100];
    const struct ptm_param *p = param(in, i);
    const struct ptm_program *program = &in->model->program;
    bool image = i == 0 && first_channels(program) == 3;
    const char *name = in->n_params > 1 ? p->name : "", *eq = in->n_params > 1 ? "=" : "";
    signature(program, in->fn, sign, sizeof(sign));
    ptm_tytype_text(program, p->type, type, sizeof(type));
    if (takes_tensor(program, p->type))
        return ptm_fail(err, PTM_ERR_ARG,
                        "no input for argument '%s' (%s) of %s; add --input %s%sFILE, or "
                        "--input-shape %s%s%s with the dims it takes",
                        p->name, type, sign, name, eq, name, eq, image ? "1,3,224,224" : "1,16");
    return ptm_fail(err, PTM_ERR_ARG, "no input for argument '%s' (%s) of %s; add --input %s=VALUE",
                    p->name, type, sign, p->name);
}

static size_t spec_runs(const struct spec *s)
{
    size_t n = s->kind == SPEC_FILES ? s->n_paths : 1;
    for (size_t i = 0; i < s->n_child; i++) {
        size_t c = spec_runs(&s->child[i]);
        n = c > n ? c : n;
    }
    return n;
}

static enum ptm_status count_runs(struct inputs *in, struct ptm_err *err)
{
    size_t which = 0;
    in->n_runs = 1;
    for (size_t i = 0; i < in->n_params; i++) {
        size_t n = in->arg[i] ? spec_runs(in->arg[i]) : 1;
        if (n == 1)
            continue;
        if (in->n_runs > 1 && n != in->n_runs)
            return ptm_fail(err, PTM_ERR_ARG,
                            "argument '%s' has %zu files, argument '%s' %zu; counts must agree",
                            param(in, which)->name, in->n_runs, param(in, i)->name, n);
        in->n_runs = n;
        which = i;
    }
    return PTM_OK;
}

/* Generators must know their shape, deep inside too. */
static enum ptm_status check_shapes(const struct inputs *in, size_t i, const struct spec *s,
                                    bool top, struct ptm_err *err)
{
    for (size_t k = 0; k < s->n_child; k++)
        PTM_TRY(check_shapes(in, i, &s->child[k], false, err));
    if (!generates(s) || s->shape.rank >= 0)
        return PTM_OK;
    if (!top)
        return ptm_fail(err, PTM_ERR_ARG, "input '%.100s' has no dims; write %.60s:1x3", s->text,
                        s->text);
    bool image = i == 0 && first_channels(&in->model->program) == 3;
    return ptm_fail(err, PTM_ERR_ARG,
                    "input %.100s for argument '%s' has no dims; add --input-shape %s%s%s", s->text,
                    param(in, i)->name, in->n_params > 1 ? param(in, i)->name : "",
                    in->n_params > 1 ? "=" : "", image ? "1,3,224,224" : "1,16");
}

static bool has_method(const struct inputs *in, const char *name)
{
    const struct ptm_program *p = &in->model->program;
    return ptm_class_method(p, p->root->cls, name) != UINT32_MAX;
}

/* The stored inputs: the model's own method makes them, in a session of its own. */
static enum ptm_status load_bundled(struct inputs *in, struct ptm_err *err)
{
    char method[200];
    snprintf(method, sizeof(method), "get_all_bundled_inputs_for_%.150s", in->method);
    const char *name = has_method(in, method) ? method : "get_all_bundled_inputs";
    if (!has_method(in, name) || (name != method && strcmp(in->method, "forward")))
        return ptm_fail(err, PTM_ERR_ARG, "'%.300s' has no bundled inputs for '%s'",
                        in->model->path, in->method);
    struct ptm_session *s = NULL;
    struct ptm_ival all = ptm_none();
    PTM_TRY(ptm_session_open(&s, in->model, NULL, err));
    enum ptm_status rc = ptm_session_run(s, name, NULL, 0, &all, err);
    size_t k = (size_t)in->bundled->lo;
    if (rc == PTM_OK && (all.tag != PTM_LIST || k >= all.u.list->n))
        rc = ptm_fail(err, PTM_ERR_ARG, "@bundled:%zu: '%.300s' has %zu bundled inputs", k,
                      in->model->path, all.tag == PTM_LIST ? all.u.list->n : 0);
    if (rc == PTM_OK &&
        (all.u.list->v[k].tag != PTM_TUPLE || all.u.list->v[k].u.list->n > in->n_params))
        rc = ptm_fail(err, PTM_ERR_TYPE, "the bundled input is no tuple of arguments of '%s'",
                      in->method);
    if (rc == PTM_OK)
        rc = ival_copy(&in->bundled_arena, all.u.list->v[k], &in->bundled_args, 0, err);
    ptm_session_close(s);
    return rc;
}

/* speed_benchmark_torch's spellings: --input_dims "1,3,4;1,2" --input_type "float;int64_t" and
 * --use_bundled_input K, made into ours. */
static enum ptm_status respell(struct inputs *in, const struct input_opts *o,
                               struct str_list *shapes, struct str_list *specs, struct ptm_err *err)
{
    const char *type = o->input_type;
    bool ok = true;
    for (size_t i = 0; ok && i < o->shapes.n; i++) {
        for (const char *p = o->shapes.v[i]; ok; p++) {
            size_t len = strcspn(p, ";"), type_len = type ? strcspn(type, ";") : 0;
            char *text = ptm_arena_alloc(&in->arena, len + type_len + 2);
            if (text)
                snprintf(text, len + type_len + 2, "%.*s%s%.*s", (int)len, p, type_len ? ":" : "",
                         (int)type_len, type ? type : "");
            if (type && type[type_len])
                type += type_len + 1;
            ok = text && str_list_add(shapes, text);
            p += len;
            if (!*p)
                break;
        }
    }
    for (size_t i = 0; ok && i < o->inputs.n; i++)
        ok = str_list_add(specs, o->inputs.v[i]);
    if (ok && o->bundled >= 0) {
        char text[40];
        snprintf(text, sizeof(text), "@bundled:%lld", (long long)o->bundled);
        const char *copy = ptm_arena_str(&in->arena, text, strlen(text));
        ok = copy && str_list_add(specs, copy);
    }
    return ok ? PTM_OK : ptm_fail(err, PTM_ERR_MEMORY, "no memory for the inputs");
}

static enum ptm_status bind_all(struct inputs *in, const struct input_opts *o, struct ptm_err *err)
{
    struct str_list shapes = {0}, specs = {0};
    enum ptm_status rc = respell(in, o, &shapes, &specs, err);
    if (rc == PTM_OK)
        rc = bind_inputs(in, &specs, err);
    if (rc == PTM_OK)
        rc = bind_shapes(in, &shapes, err);
    in->given = specs.n + shapes.n != 0;
    str_list_free(&shapes);
    str_list_free(&specs);
    return rc;
}

enum ptm_status inputs_bind(struct inputs *in, const struct ptm_model *m, const char *method,
                            const struct input_opts *o, bool need, struct ptm_err *err)
{
    *in = (struct inputs){.model = m, .method = method, .n_runs = 1, .seed = (uint64_t)o->seed};
    PTM_TRY(method_find(m, method, &in->fn, err));
    in->n_params = in->fn->n_params - (in->fn->is_method && in->fn->n_params);
    in->arg = ptm_arena_array(&in->arena, in->n_params + 1, sizeof(*in->arg));
    if (!in->arg)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the inputs");
    PTM_TRY(parse_image_opts(in, o, err));
    PTM_TRY(bind_all(in, o, err));
    size_t required = 0;
    for (size_t i = 0; i < in->n_params; i++)
        required += !param(in, i)->has_default;
    if (!in->given && required && has_method(in, "get_all_bundled_inputs") &&
        !strcmp(method, "forward")) {
        in->bundled = new_spec(in, SPEC_BUNDLED);
        if (!in->bundled)
            return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the inputs");
        in->bundled->text = "@bundled";
    }
    const struct zoo_model *zoo = in->given || !in->n_params ? NULL : zoo_of(m);
    if (zoo && !in->bundled && wants_shape(in, 0))
        PTM_TRY(give_shape(in, 0, zoo->input, err));
    if (in->bundled)
        PTM_TRY(load_bundled(in, err));
    size_t n_bundled = in->bundled ? in->bundled_args.u.list->n : 0;
    in->n_args = n_bundled;
    for (size_t i = 0; i < in->n_params; i++) {
        if (in->arg[i]) {
            in->n_args = i + 1 > in->n_args ? i + 1 : in->n_args;
            PTM_TRY(check_shapes(in, i, in->arg[i], true, err));
        } else if (i >= n_bundled && !param(in, i)->has_default && need) {
            return missing(in, i, err);
        }
    }
    return count_runs(in, err);
}

void inputs_release(struct inputs *in)
{
    ptm_arena_release(&in->arena);
    ptm_arena_release(&in->bundled_arena);
}

enum ptm_status inputs_run(const struct inputs *in, struct ptm_session *s,
                           const struct ptm_ival *args, size_t n_args, struct ptm_ival *result,
                           struct ptm_err *err)
{
    struct ptm_err why = {0};
    enum ptm_status rc = ptm_session_run(s, in->method, args, n_args, result, &why);
    if (!rc)
        return rc;
    char given[200] = "", shape[120];
    size_t n = 0;
    for (size_t i = 0; i < n_args && rc == PTM_ERR_TYPE; i++) {
        const struct ptm_tensor *t = args[i].tag == PTM_TENSOR ? args[i].u.tensor : NULL;
        if (!t || n > sizeof(given) - 100)
            continue;
        n += (size_t)snprintf(given + n, sizeof(given) - n, "%s%.20s = %s%.60s", n ? ", " : "",
                              param(in, i)->name,
                              ptm_dtype_name((enum ptm_dtype)t->dtype),
                              text_shape(t->rank, t->dim, shape, sizeof(shape)));
    }
    if (!n)
        return ptm_fail(err, rc, "%s", why.msg);
    return ptm_fail(err, rc, "%s; given %s: try another --input or --input-shape", why.msg, given);
}
