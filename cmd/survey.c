/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counts what is inside a program. Code counts when a method of the root may
 * reach it: a call by name reaches the methods of that name in all classes.
 */
#include "cmd/survey.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/input.h"
#include "libcore/lower.h"

const char *role_name(enum tensor_role r)
{
    static const char *const names[] = {"parameters", "buffers", "attributes", "constants"};
    return names[r];
}

const char *op_status_name(enum op_status s)
{
    static const char *const names[] = {"supported", "partly", "missing"};
    return names[s];
}

const char *place_name(const struct ptm_pos *pos, char *buf, size_t size)
{
    if (pos && pos->src_file)
        snprintf(buf, size, "%s:%" PRIu32, pos->src_file, pos->src_line);
    else if (pos && pos->file)
        snprintf(buf, size, "%s:%" PRIu32, pos->file, pos->line);
    else
        snprintf(buf, size, "?");
    return buf;
}

void plain_class_name(const char *qualname, char *out, size_t size)
{
    size_t n = 0;
    const char *p = qualname;
    if (!strncmp(p, "__torch__.", 10))
        p += 10;
    while (*p && n + 1 < size) {
        size_t len = strcspn(p, ".");
        bool mangled = !strncmp(p, "___torch_mangle_", 16);
        for (size_t i = 0; !mangled && i < len + (p[len] == '.') && n + 1 < size; i++)
            out[n++] = p[i];
        p += len + (p[len] == '.');
    }
    out[n] = 0;
}

/* -- text of values and signatures -- */

struct text {
    char *buf;
    size_t size, n;
};

static void put(struct text *t, const char *s)
{
    while (*s && t->n + 1 < t->size)
        t->buf[t->n++] = *s++;
    t->buf[t->n] = 0;
}

static void put_value(struct text *t, struct ptm_ival v, int depth)
{
    char buf[200];
    switch ((enum ptm_tag)v.tag) {
    case PTM_NONE:
        put(t, "None");
        break;
    case PTM_BOOL:
        put(t, v.u.b ? "True" : "False");
        break;
    case PTM_INT:
        snprintf(buf, sizeof(buf), "%" PRId64, v.u.i);
        put(t, buf);
        break;
    case PTM_FLOAT:
        snprintf(buf, sizeof(buf), "%.9g", v.u.f);
        put(t, buf);
        break;
    case PTM_STR:
        put(t, "'");
        put(t, v.u.str->s);
        put(t, "'");
        break;
    case PTM_LIST:
    case PTM_TUPLE:
        put(t, v.tag == PTM_LIST ? "[" : "(");
        for (size_t i = 0; i < v.u.list->n && depth < 8 && t->n + 2 < t->size; i++) {
            put(t, i ? ", " : "");
            put_value(t, v.u.list->v[i], depth + 1);
        }
        put(t, v.tag == PTM_LIST ? "]" : ")");
        break;
    default:
        put(t, ptm_ival_describe(v, buf, sizeof(buf)));
        break;
    }
}

const char *value_text(struct ptm_ival v, char *buf, size_t size)
{
    struct text t = {buf, size, 0};
    put_value(&t, v, 0);
    return buf;
}

const char *signature(const struct ptm_program *p, const struct ptm_function *fn, char *buf,
                      size_t size)
{
    struct text t = {buf, size, 0};
    char type[200];
    put(&t, fn->name);
    put(&t, "(");
    for (uint32_t i = fn->is_method; i < fn->n_params; i++) {
        put(&t, i > fn->is_method ? ", " : "");
        put(&t, fn->param[i].name);
        put(&t, ": ");
        put(&t, ptm_tytype_text(p, fn->param[i].type, type, sizeof(type)));
        if (fn->param[i].has_default) {
            put(&t, " = ");
            put_value(&t, fn->param[i].def, 0);
        }
    }
    put(&t, ") -> ");
    put(&t, ptm_tytype_text(p, fn->ret_type, type, sizeof(type)));
    return buf;
}

/* -- reachable code -- */

struct reach {
    const struct ptm_program *p;
    bool *fn;
    bool *method_name; /* per program name: some reachable code calls a method of that name */
    uint32_t *todo;
    size_t n_todo;
};

static void reach_function(struct reach *r, uint32_t fn)
{
    if (fn < r->p->n_fns && !r->fn[fn]) {
        r->fn[fn] = true;
        r->todo[r->n_todo++] = fn;
    }
}

static void reach_name(struct reach *r, uint32_t name)
{
    if (name >= r->p->n_names || r->method_name[name])
        return;
    r->method_name[name] = true;
    for (uint32_t c = 0; c < r->p->n_classes; c++) {
        uint32_t fn = ptm_class_method(r->p, &r->p->cls[c], r->p->name[name]);
        if (fn != UINT32_MAX)
            reach_function(r, fn);
    }
}

static bool find_reachable(struct survey *s)
{
    const struct ptm_program *p = &s->model->program;
    struct reach r = {.p = p};
    r.fn = ptm_arena_array(&s->arena, p->n_fns + 1, sizeof(bool));
    r.method_name = ptm_arena_array(&s->arena, p->n_names + 1, sizeof(bool));
    r.todo = ptm_arena_array(&s->arena, p->n_fns + 1, sizeof(uint32_t));
    s->reachable = r.fn;
    if (s->arena.failed)
        return false;
    const struct ptm_class *root = p->root->cls;
    for (uint32_t i = 0; i < root->n_methods; i++)
        reach_function(&r, root->method[i]);
    while (r.n_todo) {
        const struct ptm_function *fn = &p->fn[r.todo[--r.n_todo]];
        for (uint32_t i = 0; i < fn->n_insts; i++) {
            const struct ptm_inst *in = &fn->inst[i];
            if (in->op == P_CALL)
                reach_function(&r, in->a);
            else if (in->op == P_METHOD)
                reach_name(&r, in->a);
            else if (in->op == P_NEW)
                reach_function(&r, ptm_class_method(p, &p->cls[in->a], "__init__"));
        }
    }
    return true;
}

/* -- operators -- */

static enum op_status status_of(const struct ptm_program *p, const struct ptm_opref *op)
{
    const char *name = ptm_schema_upgrade(op->name, op->overload, p->op_version);
    size_t n = 0, known = 0;
    if (!name)
        name = op->name;
    const struct ptm_schema *schema = ptm_schemas_find(name, &n);
    if (op->overload || !schema)
        return ptm_lower_find(name, op->overload) ? OP_SUPPORTED : OP_MISSING;
    for (size_t i = 0; i < n; i++)
        known += ptm_lower_find(name, schema[i].overload) != NULL;
    return known == n ? OP_SUPPORTED : known ? OP_PARTLY : OP_MISSING;
}

static int by_status_and_count(const void *a, const void *b)
{
    const struct op_use *x = a, *y = b;
    bool missing_x = x->status == OP_MISSING, missing_y = y->status == OP_MISSING;
    if (missing_x != missing_y)
        return missing_x ? -1 : 1;
    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return strcmp(x->name, y->name);
}

static bool count_ops(struct survey *s)
{
    const struct ptm_program *p = &s->model->program;
    s->op = ptm_arena_array(&s->arena, p->n_ops + 1, sizeof(*s->op));
    if (!s->op)
        return false;
    for (uint32_t f = 0; f < p->n_fns; f++) {
        const struct ptm_function *fn = &p->fn[f];
        for (uint32_t i = 0; i < fn->n_insts; i++) {
            if (fn->inst[i].op != P_OP)
                continue;
            if (!s->reachable[f]) {
                s->n_unreachable++;
                continue;
            }
            struct op_use *u = &s->op[fn->inst[i].a];
            if (u->n < MAX_PLACES)
                u->place[u->n] = &p->pos[fn->inst[i].pos];
            u->n++;
        }
    }
    for (uint32_t i = 0; i < p->n_ops; i++) {
        struct op_use u = s->op[i];
        if (!u.n)
            continue;
        u.name = p->op[i].name;
        u.overload = p->op[i].overload;
        u.status = (uint8_t)status_of(p, &p->op[i]);
        s->n_missing += u.status == OP_MISSING;
        s->op[s->n_ops++] = u;
    }
    qsort(s->op, s->n_ops, sizeof(*s->op), by_status_and_count);
    return true;
}

/* -- objects and tensors -- */

static bool add_tensor(struct survey *s, const struct ptm_ival *slot, const char *name,
                       enum tensor_role role)
{
    void *v = s->tensor;
    if (!ptm_arena_grow(&s->arena, &v, &s->cap_tensors, s->n_tensors + 1, sizeof(*s->tensor)))
        return false;
    s->tensor = v;
    s->tensor[s->n_tensors++] = (struct tensor_use){
        .t = slot->u.tensor, .slot = slot, .name = name, .role = (uint8_t)role, .used = true};
    return true;
}

static char *join(struct survey *s, const char *path, const char *name)
{
    size_t size = strlen(path) + strlen(name) + 2;
    char *out = ptm_arena_alloc(&s->arena, size);
    if (out)
        snprintf(out, size, "%s%s%s", path, *path ? "." : "", name);
    return out;
}

static bool listed(const char *const *list, uint32_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (!strcmp(list[i], name))
            return true;
    return false;
}

static bool walk_value(struct survey *s, const struct ptm_ival *slot, const char *name,
                       enum tensor_role role, struct ptm_object **queue, size_t *n_queue, int depth)
{
    struct ptm_ival v = *slot;
    bool ok = true;
    if (depth > PTM_MAX_DEPTH)
        return true;
    if (v.tag == PTM_TENSOR)
        return add_tensor(s, slot, name, role);
    if (v.tag == PTM_LIST || v.tag == PTM_TUPLE)
        for (size_t i = 0; ok && i < v.u.list->n; i++)
            ok = walk_value(s, &v.u.list->v[i], name, role, queue, n_queue, depth + 1);
    if (v.tag == PTM_DICT)
        for (size_t i = 0; ok && i < v.u.dict->n; i++)
            ok = walk_value(s, &v.u.dict->v[i], name, role, queue, n_queue, depth + 1);
    if (v.tag == PTM_OBJECT && v.u.object->id < s->model->program.n_objects &&
        !s->path[v.u.object->id]) {
        s->path[v.u.object->id] = name;
        queue[(*n_queue)++] = v.u.object;
    }
    return ok;
}

static bool walk_objects(struct survey *s)
{
    const struct ptm_program *p = &s->model->program;
    struct ptm_object **queue = ptm_arena_array(&s->arena, p->n_objects + 1, sizeof(*queue));
    size_t n = 0;
    s->path = ptm_arena_array(&s->arena, p->n_objects + 1, sizeof(*s->path));
    if (s->arena.failed || p->root->id >= p->n_objects)
        return !s->arena.failed;
    s->path[p->root->id] = "";
    queue[n++] = p->root;
    for (size_t at = 0; at < n; at++) {
        const struct ptm_object *o = queue[at];
        for (uint32_t a = 0; a < o->cls->n_attrs; a++) {
            const char *attr = o->cls->attr_name[a];
            enum tensor_role role =
                listed(o->cls->parameter, o->cls->n_parameters, attr) ? ROLE_PARAMETER
                : listed(o->cls->buffer, o->cls->n_buffers, attr)     ? ROLE_BUFFER
                                                                      : ROLE_ATTRIBUTE;
            uint8_t tag = o->attr[a].tag;
            if (tag != PTM_TENSOR && tag < PTM_LIST)
                continue;
            const char *name = join(s, s->path[o->id], attr);
            if (!name || !walk_value(s, &o->attr[a], name, role, queue, &n, 0))
                return false;
        }
    }
    for (uint32_t i = 0; i < p->n_constants; i++)
        if (!walk_value(s, &p->constant[i], "constant", ROLE_CONSTANT, queue, &n, 0))
            return false;
    return true;
}

static int by_bytes(const void *a, const void *b)
{
    const struct tensor_use *x = *(struct tensor_use *const *)a,
                            *y = *(struct tensor_use *const *)b;
    uintptr_t sx = (uintptr_t)x->t->storage, sy = (uintptr_t)y->t->storage;
    if (sx != sy)
        return sx < sy ? -1 : 1;
    if (x->t->offset != y->t->offset)
        return x->t->offset < y->t->offset ? -1 : 1;
    if (x->role != y->role)
        return x->role < y->role ? -1 : 1;
    return x < y ? -1 : 1;
}

/* Marks the first use of each stretch of bytes, and sums. */
static bool sum_tensors(struct survey *s)
{
    struct tensor_use **order = ptm_arena_array(&s->arena, s->n_tensors + 1, sizeof(*order));
    if (!order)
        return false;
    for (size_t i = 0; i < s->n_tensors; i++)
        order[i] = &s->tensor[i];
    qsort(order, s->n_tensors, sizeof(*order), by_bytes);
    for (size_t i = 0; i < s->n_tensors; i++) {
        struct tensor_use *u = order[i];
        const struct ptm_tensor *before = i ? order[i - 1]->t : NULL;
        u->first = !before || !u->t->storage || before->storage != u->t->storage ||
                   before->offset != u->t->offset;
        if (!u->first || u->t->dtype > PTM_BF16)
            continue;
        struct dtype_sum *d = &s->sum[u->role][u->t->dtype];
        uint64_t n = (uint64_t)ptm_tensor_numel(u->t);
        d->tensors++;
        d->elements += n;
        d->bytes += n * ptm_dtype_bytes(u->t->dtype);
    }
    return true;
}

static int by_class_count(const void *a, const void *b)
{
    const struct class_use *x = a, *y = b;
    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return strcmp(x->name, y->name);
}

static bool count_classes(struct survey *s)
{
    const struct ptm_program *p = &s->model->program;
    s->cls = ptm_arena_array(&s->arena, p->n_classes + 1, sizeof(*s->cls));
    if (!s->cls)
        return false;
    for (uint32_t i = 0; i < p->n_objects; i++) {
        const struct ptm_object *o = p->object[i];
        char name[300];
        if (!o->cls->is_module)
            continue;
        s->n_modules++;
        uint32_t at = ptm_class_attr(o->cls, "training");
        s->n_training += at != UINT32_MAX && o->attr[at].tag == PTM_BOOL && o->attr[at].u.b;
        plain_class_name(o->cls->qualname, name, sizeof(name));
        size_t k = 0;
        while (k < s->n_classes && strcmp(s->cls[k].name, name))
            k++;
        if (k == s->n_classes && k < p->n_classes) {
            s->cls[k] = (struct class_use){.cls = o->cls};
            s->cls[k].name = ptm_arena_str(&s->arena, name, strlen(name));
            if (!s->cls[k].name)
                return false;
            s->n_classes++;
        }
        s->cls[k].n++;
    }
    qsort(s->cls, s->n_classes, sizeof(*s->cls), by_class_count);
    return true;
}

/* -- which attributes are read -- */

/* The class number of a static type, through Optional; UINT32_MAX: not known. */
static uint32_t class_of(const struct ptm_program *p, uint32_t type)
{
    const struct ptm_tytype *t = &p->type[type];
    if (t->kind == TY_OPTIONAL && t->n_sub)
        t = &p->type[t->sub[0]];
    return t->kind == TY_CLASS ? t->cls : UINT32_MAX;
}

/* Walks reachable code with the classes of registers; a read through a register of unknown class
 * counts for all classes. read[class][attr]. */
static bool find_reads(const struct survey *s, bool **read, bool *read_anywhere, uint32_t *cls)
{
    const struct ptm_program *p = &s->model->program;
    for (uint32_t f = 0; f < p->n_fns; f++) {
        const struct ptm_function *fn = &p->fn[f];
        if (!s->reachable[f])
            continue;
        for (uint32_t r = 0; r < fn->n_regs; r++)
            cls[r] = r < fn->n_params ? class_of(p, fn->param[r].type) : UINT32_MAX;
        for (uint32_t i = 0; i < fn->n_insts; i++) {
            const struct ptm_inst *in = &fn->inst[i];
            uint32_t out = in->n_out == 1 ? fn->operand[in->out] : PTM_NO_REG, c = UINT32_MAX;
            uint32_t arg = in->n_arg ? cls[fn->operand[in->arg]] : UINT32_MAX;
            if (in->op == P_COPY || in->op == P_CHECKCAST) {
                c = arg;
            } else if (in->op == P_NEW) {
                c = in->a;
            } else if (in->op == P_GETATTR && arg != UINT32_MAX) {
                uint32_t at = ptm_class_attr(&p->cls[arg], p->name[in->a]);
                if (at != UINT32_MAX) {
                    read[arg][at] = true;
                    c = class_of(p, p->cls[arg].attr_type[at]);
                }
            } else if (in->op == P_GETATTR) {
                read_anywhere[in->a] = true;
            }
            if (out != PTM_NO_REG)
                cls[out] = c;
        }
    }
    return true;
}

/* Bytes that are read under one name (an LSTM's list of flat weights) are used under all. */
static bool share_use(struct survey *s)
{
    struct tensor_use **order = ptm_arena_array(&s->arena, s->n_tensors + 1, sizeof(*order));
    if (!order)
        return false;
    for (size_t i = 0; i < s->n_tensors; i++)
        order[i] = &s->tensor[i];
    qsort(order, s->n_tensors, sizeof(*order), by_bytes);
    for (size_t i = 0, end; i < s->n_tensors; i = end) {
        bool used = false;
        for (end = i; end < s->n_tensors && order[end]->t->storage == order[i]->t->storage &&
                      order[end]->t->offset == order[i]->t->offset;
             end++)
            used |= order[end]->used;
        for (size_t k = i; k < end; k++)
            order[k]->used = used;
    }
    return true;
}

static bool mark_unused(struct survey *s)
{
    const struct ptm_program *p = &s->model->program;
    uint32_t max_regs = 1;
    for (uint32_t f = 0; f < p->n_fns; f++)
        max_regs = p->fn[f].n_regs > max_regs ? p->fn[f].n_regs : max_regs;
    bool **read = ptm_arena_array(&s->arena, p->n_classes + 1, sizeof(*read));
    bool *anywhere = ptm_arena_array(&s->arena, p->n_names + 1, sizeof(*anywhere));
    uint32_t *cls = ptm_arena_array(&s->arena, max_regs, sizeof(*cls));
    for (uint32_t c = 0; read && c < p->n_classes; c++)
        read[c] = ptm_arena_array(&s->arena, p->cls[c].n_attrs + 1, sizeof(bool));
    if (s->arena.failed || !find_reads(s, read, anywhere, cls))
        return false;
    for (uint32_t n = 0; n < p->n_names; n++) {
        if (!anywhere[n])
            continue;
        for (uint32_t c = 0; c < p->n_classes; c++) {
            uint32_t at = ptm_class_attr(&p->cls[c], p->name[n]);
            if (at != UINT32_MAX)
                read[c][at] = true;
        }
    }
    /* an object's tensors, by name: the last part of the tensor's path is the attribute */
    for (uint32_t i = 0; i < p->n_objects; i++) {
        const struct ptm_object *o = p->object[i];
        ptrdiff_t c = o->cls - p->cls;
        if (!s->path[i] || c < 0 || c >= (ptrdiff_t)p->n_classes)
            continue;
        for (uint32_t a = 0; a < o->cls->n_attrs; a++) {
            if (o->attr[a].tag != PTM_TENSOR || read[c][a])
                continue;
            for (size_t k = 0; k < s->n_tensors; k++)
                if (s->tensor[k].slot == &o->attr[a])
                    s->tensor[k].used = false;
        }
    }
    return share_use(s);
}

enum ptm_status survey_make(struct survey *s, const struct ptm_model *m, struct ptm_err *err)
{
    *s = (struct survey){.model = m};
    bool ok = find_reachable(s) && count_ops(s) && walk_objects(s) && sum_tensors(s) &&
              count_classes(s) && mark_unused(s);
    for (uint32_t i = 1; i < m->program.n_pos; i++) {
        s->n_positions++;
        s->n_source_positions += m->program.pos[i].src_file != NULL;
    }
    return ok ? PTM_OK : ptm_fail(err, PTM_ERR_MEMORY, "no memory to look into '%.300s'", m->path);
}

void survey_release(struct survey *s)
{
    ptm_arena_release(&s->arena);
}
