/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interpreter: runs a program on values of which tensors' data is unknown.
 * Control flow, numbers and containers are computed; tensor operators go to
 * their lowerings and leave graph nodes behind.
 */
#include <string.h>

#include "libcore/session.h"

enum { MAX_NESTING = 1500, MAX_ARENA = 1 << 30 };
enum flow { NEXT, RETURNED, BROKE, CONTINUED };

static enum flow run_block(struct ptm_trace *t, struct ptm_interp_frame *f, uint32_t block,
                           struct ptm_ival *ret);

static struct ptm_ival arg(const struct ptm_interp_frame *f, uint32_t k)
{
    return f->reg[f->fn->operand[f->inst->arg + k]];
}

static void set_out(struct ptm_interp_frame *f, const struct ptm_inst *in, uint32_t k,
                    struct ptm_ival v)
{
    if (k < in->n_out)
        f->reg[f->fn->operand[in->out + k]] = v;
}

/* The instruction's arguments and keyword names, in the trace's arena. */
static struct ptm_ival *gather(struct ptm_trace *t, const struct ptm_interp_frame *f,
                               const char *const **kw)
{
    const struct ptm_inst *in = f->inst;
    struct ptm_ival *v = ptm_arena_array(&t->arena, in->n_arg + 1u, sizeof(*v));
    const char **names = ptm_arena_array(&t->arena, in->n_kw + 1u, sizeof(*names));
    if (!v || !names) {
        ptm_trace_fail(t, PTM_ERR_MEMORY, "out of memory while specialising");
        return NULL;
    }
    for (uint32_t i = 0; i < in->n_arg; i++)
        v[i] = arg(f, i);
    for (uint32_t i = 0; i < in->n_kw; i++)
        names[i] = t->program->name[f->fn->operand[in->arg + in->n_arg + i]];
    *kw = names;
    return v;
}

static struct ptm_ival sequence(struct ptm_trace *t, const struct ptm_interp_frame *f, uint8_t tag)
{
    struct ptm_list *l = ptm_list_new(&t->arena, f->inst->n_arg);
    if (!l)
        return ptm_trace_fail(t, PTM_ERR_MEMORY, "out of memory while specialising");
    for (uint32_t i = 0; i < f->inst->n_arg; i++)
        l->v[i] = arg(f, i);
    return (struct ptm_ival){.tag = tag, .u.list = l};
}

static struct ptm_ival dictionary(struct ptm_trace *t, const struct ptm_interp_frame *f)
{
    struct ptm_dict *d = ptm_dict_new(&t->arena);
    bool ok = d;
    for (uint32_t i = 0; ok && i + 1 < f->inst->n_arg; i += 2)
        ok = ptm_dict_set(&t->arena, d, ptm_scalar_known(t, arg(f, i)), arg(f, i + 1));
    if (!ok)
        return ptm_trace_fail(t, PTM_ERR_MEMORY, "out of memory while specialising");
    return (struct ptm_ival){.tag = PTM_DICT, .u.dict = d};
}

/* -- types -- */

static uint8_t tag_of_type(uint8_t kind)
{
    switch (kind) {
    case TY_BOOL: return PTM_BOOL;
    case TY_INT: return PTM_INT;
    case TY_FLOAT: return PTM_FLOAT;
    case TY_STR:
    case TY_DEVICE: return PTM_STR;
    case TY_TENSOR: return PTM_TENSOR;
    case TY_LIST: return PTM_LIST;
    case TY_TUPLE: return PTM_TUPLE;
    case TY_DICT: return PTM_DICT;
    case TY_CLASS: return PTM_OBJECT;
    default: return PTM_NONE;
    }
}

static bool value_is(const struct ptm_program *p, uint32_t type, struct ptm_ival v, int depth)
{
    const struct ptm_tytype *ty = &p->type[type];
    if (depth > 20)
        return false;
    switch (ty->kind) {
    case TY_ANY:
        return true;
    case TY_NONE:
        return v.tag == PTM_NONE;
    case TY_NUMBER:
        return v.tag == PTM_INT || v.tag == PTM_FLOAT || v.tag == PTM_SYM;
    case TY_OPTIONAL:
    case TY_UNION:
        if (ty->kind == TY_OPTIONAL && v.tag == PTM_NONE)
            return true;
        for (uint32_t i = 0; i < ty->n_sub; i++)
            if (value_is(p, ty->sub[i], v, depth + 1))
                return true;
        return false;
    case TY_CLASS:
        if (v.tag == PTM_TUPLE)
            return p->cls[ty->cls].is_namedtuple && v.u.list->names;
        return v.tag == PTM_OBJECT && !strcmp(v.u.object->cls->qualname, p->cls[ty->cls].qualname);
    case TY_LIST:
        if (v.tag != PTM_LIST)
            return false;
        if (!v.u.list->n)
            return v.u.list->elem == PTM_NONE ||
                   v.u.list->elem == tag_of_type(p->type[ty->sub[0]].kind);
        return value_is(p, ty->sub[0], v.u.list->v[0], depth + 1);
    case TY_TUPLE:
        if (v.tag != PTM_TUPLE || (ty->n_sub && v.u.list->n != ty->n_sub))
            return false;
        for (uint32_t i = 0; i < ty->n_sub; i++)
            if (!value_is(p, ty->sub[i], v.u.list->v[i], depth + 1))
                return false;
        return true;
    case TY_DICT:
        return v.tag == PTM_DICT;
    default:
        if (v.tag == PTM_SYM)
            return tag_of_type(ty->kind) == (ptm_sym_is_float(v.u.sym) ? PTM_FLOAT : PTM_INT);
        return tag_of_type(ty->kind) == v.tag;
    }
}

static struct ptm_ival annotate(struct ptm_trace *t, uint32_t type, struct ptm_ival v)
{
    const struct ptm_tytype *ty = &t->program->type[type];
    while (ty->kind == TY_OPTIONAL && ty->n_sub && v.tag != PTM_NONE)
        ty = &t->program->type[ty->sub[0]];
    if (ty->kind == TY_FLOAT)
        return ptm_scalar_to_float(t, v);
    if (ty->kind == TY_LIST && v.tag == PTM_LIST && ty->n_sub && !v.u.list->elem)
        v.u.list->elem = tag_of_type(t->program->type[ty->sub[0]].kind);
    return v;
}

/* -- objects -- */

static struct ptm_ival get_attr(struct ptm_trace *t, struct ptm_ival v, const char *name)
{
    if (v.tag == PTM_OBJECT)
        return ptm_object_attr(t, v.u.object, name);
    if (v.tag == PTM_TUPLE && v.u.list->names)
        for (size_t i = 0; i < v.u.list->n; i++)
            if (!strcmp(v.u.list->names[i], name))
                return v.u.list->v[i];
    char buf[160];
    return ptm_trace_fail(t, PTM_ERR_TYPE, "%s has no attribute '%s'",
                          ptm_ival_describe(v, buf, sizeof(buf)), name);
}

static void set_attr(struct ptm_trace *t, struct ptm_ival o, const char *name, struct ptm_ival v)
{
    uint32_t k = o.tag == PTM_OBJECT ? ptm_class_attr(o.u.object->cls, name) : UINT32_MAX;
    char buf[160];
    if (k == UINT32_MAX)
        ptm_trace_fail(t, PTM_ERR_TYPE, "%s has no attribute '%s' to assign",
                       ptm_ival_describe(o, buf, sizeof(buf)), name);
    else
        ptm_shadow_set(t, o.u.object, k, v);
}

static struct ptm_ival call_method(struct ptm_trace *t, struct ptm_ival *v, size_t n_pos,
                                   const char *const *kw, size_t n_kw, const char *name)
{
    char buf[160];
    if (v[0].tag != PTM_OBJECT)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "%s has no method '%s'",
                              ptm_ival_describe(v[0], buf, sizeof(buf)), name);
    uint32_t fn = ptm_class_method(t->program, v[0].u.object->cls, name);
    if (fn == UINT32_MAX)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "'%s' has no method '%s'",
                              v[0].u.object->cls->qualname, name);
    return ptm_interp_call(t, fn, v, n_pos, kw, n_kw);
}

static struct ptm_ival make_namedtuple(struct ptm_trace *t, const struct ptm_class *cls,
                                       const struct ptm_ival *v, size_t n_pos,
                                       const char *const *kw, size_t n_kw)
{
    struct ptm_list *l = ptm_list_new(&t->arena, cls->n_attrs);
    if (!l)
        return ptm_trace_fail(t, PTM_ERR_MEMORY, "out of memory while specialising");
    l->names = cls->attr_name;
    if (n_pos + n_kw > cls->n_attrs)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "'%s' takes %u fields, %zu given", cls->qualname,
                              (unsigned)cls->n_attrs, n_pos + n_kw);
    for (uint32_t i = 0; i < cls->n_attrs; i++)
        l->v[i] = i < n_pos                ? v[i]
                  : cls->namedtuple_default ? cls->namedtuple_default[i]
                                            : (struct ptm_ival){.tag = PTM_UNINIT};
    for (size_t k = 0; k < n_kw; k++)
        for (uint32_t i = 0; i < cls->n_attrs; i++)
            if (!strcmp(kw[k], cls->attr_name[i]))
                l->v[i] = v[n_pos + k];
    for (uint32_t i = 0; i < cls->n_attrs; i++)
        if (l->v[i].tag == PTM_UNINIT)
            return ptm_trace_fail(t, PTM_ERR_TYPE, "'%s': field '%s' has no value", cls->qualname,
                                  cls->attr_name[i]);
    return (struct ptm_ival){.tag = PTM_TUPLE, .u.list = l};
}

/* construct false: the bare object, as frozen programs fill it themselves. */
static struct ptm_ival make_object(struct ptm_trace *t, const struct ptm_class *cls,
                                   bool construct, struct ptm_ival *v, size_t n_pos,
                                   const char *const *kw, size_t n_kw)
{
    if (cls->is_namedtuple)
        return make_namedtuple(t, cls, v, n_pos, kw, n_kw);
    struct ptm_object *o = ptm_object_new(t, cls);
    struct ptm_ival self = {.tag = PTM_OBJECT, .u.object = o};
    uint32_t init = o && construct ? ptm_class_method(t->program, cls, "__init__") : UINT32_MAX;
    if (!o)
        return ptm_none();
    if (init != UINT32_MAX) {
        struct ptm_ival *all = ptm_arena_array(&t->arena, n_pos + n_kw + 1, sizeof(*all));
        if (!all)
            return ptm_trace_fail(t, PTM_ERR_MEMORY, "out of memory while specialising");
        all[0] = self;
        if (n_pos + n_kw)
            memcpy(all + 1, v, (n_pos + n_kw) * sizeof(*v));
        ptm_interp_call(t, init, all, n_pos + 1, kw, n_kw);
    }
    return self;
}

static struct ptm_ival constant(struct ptm_trace *t, uint32_t k)
{
    struct ptm_ival v = t->session->constant[k];
    if (ptm_ival_is_scalar(v))
        return v;
    v = ptm_shadow_const(t, v);
    if (v.tag == PTM_TENSOR && v.u.tensor->rank == 0)
        v.u.tensor->literal = true;
    return v;
}

static void raise(struct ptm_trace *t, const char *cls, struct ptm_ival msg)
{
    char buf[160];
    const char *text = msg.tag == PTM_STR    ? msg.u.str->s
                       : msg.tag == PTM_NONE ? ""
                                             : ptm_ival_describe(msg, buf, sizeof(buf));
    const char *dot = strrchr(cls, '.');
    ptm_trace_fail(t, PTM_ERR_RAISED, "the model raised %s%s%s", dot ? dot + 1 : cls,
                   *text && *cls ? ": " : "", text);
}

/* -- loops -- */

bool ptm_trace_spend(struct ptm_trace *t, uint64_t n)
{
    t->steps += n;
    if (t->steps > t->max_steps)
        ptm_trace_fail(t, PTM_ERR_LIMIT,
                       "stopped after %llu steps of the program: an endless loop? (--max-steps "
                       "raises the limit)",
                       (unsigned long long)t->max_steps);
    else if (t->arena.bytes > MAX_ARENA)
        ptm_trace_fail(t, PTM_ERR_LIMIT, "the program made more than %d MiB of values in one call",
                       MAX_ARENA >> 20);
    return !t->err.code;
}

/* One turn of a loop's body; false ends the loop. */
static bool turn(struct ptm_trace *t, struct ptm_interp_frame *f, uint32_t body, enum flow *flow,
                 struct ptm_ival *ret)
{
    if (!ptm_trace_spend(t, 1))
        return false;
    *flow = run_block(t, f, body, ret);
    if (t->err.code || *flow == RETURNED)
        return false;
    bool go_on = *flow != BROKE;
    *flow = NEXT;
    if (go_on)
        ptm_trace_maybe_cut(t, true);
    return go_on;
}

static enum flow run_loop(struct ptm_trace *t, struct ptm_interp_frame *f,
                          const struct ptm_inst *in, struct ptm_ival *ret)
{
    enum flow flow = NEXT;
    if (in->op == P_FOR) {
        int64_t n = ptm_arg_int(t, arg(f, 0));
        uint32_t epoch = t->epoch;
        for (int64_t i = 0; i < n && !t->err.code; i++) {
            f->inst = in;
            /* a loop that goes on over several pieces: the index becomes a scalar input, so that
             * the pieces are equal and planned once */
            set_out(f, in, 0, t->epoch > epoch ? ptm_sym_constant(t, i) : ptm_int(i));
            if (!turn(t, f, in->a, &flow, ret))
                break;
        }
    } else if (in->op == P_WHILE) {
        uint32_t cond = f->fn->operand[in->arg];
        while (!t->err.code) {
            f->inst = in;
            if (in->b != PTM_NO_REG)
                run_block(t, f, in->b, ret);
            f->inst = in;
            if (t->err.code || !ptm_arg_bool(t, f->reg[cond]) || t->err.code ||
                !turn(t, f, in->a, &flow, ret))
                break;
        }
    } else {
        struct ptm_ival over = arg(f, 0);
        size_t n = over.tag == PTM_LIST || over.tag == PTM_TUPLE ? over.u.list->n
                   : over.tag == PTM_DICT                        ? over.u.dict->n
                   : over.tag == PTM_STR                         ? over.u.str->len
                                                                 : 0;
        char buf[160];
        if (over.tag == PTM_TENSOR) {
            over = ptm_call(t, "aten::unbind", 1, &over);
            n = over.tag == PTM_LIST ? over.u.list->n : 0;
        } else if (over.tag < PTM_STR || over.tag > PTM_DICT) {
            ptm_trace_fail(t, PTM_ERR_TYPE, "a loop over %s",
                           ptm_ival_describe(over, buf, sizeof(buf)));
        }
        for (size_t i = 0; i < n && !t->err.code; i++) {
            struct ptm_ival v = over.tag == PTM_DICT  ? over.u.dict->key[i]
                                : over.tag == PTM_STR ? ptm_str_ival(&t->arena,
                                                                     over.u.str->s + i, 1)
                                                      : over.u.list->v[i];
            f->inst = in;
            set_out(f, in, 0, v);
            if (!turn(t, f, in->a, &flow, ret))
                break;
            if (over.tag == PTM_LIST && over.u.list->n < n)
                n = over.u.list->n; /* the body shortened it */
        }
    }
    return flow;
}

static void unpack(struct ptm_trace *t, struct ptm_interp_frame *f, const struct ptm_inst *in)
{
    struct ptm_ival v = arg(f, 0);
    char buf[160];
    if (v.tag != PTM_LIST && v.tag != PTM_TUPLE) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "unpacking %s", ptm_ival_describe(v, buf, sizeof(buf)));
        return;
    }
    if (v.u.list->n != in->n_out) {
        ptm_trace_fail(t, PTM_ERR_RAISED,
                       "the model raised RuntimeError: expected %u elements to unpack, got %zu",
                       (unsigned)in->n_out, v.u.list->n);
        return;
    }
    for (uint32_t i = 0; i < in->n_out; i++)
        set_out(f, in, i, v.u.list->v[i]);
}

static void note_op(struct ptm_trace *t, const struct ptm_inst *in)
{
    struct ptm_op_notes *notes = t->session->notes;
    struct ptm_op_note *first = ptm_pmap_get(&notes->by_inst, in), *x = first;
    while (x && strcmp(x->overload, t->called->overload) != 0)
        x = x->next;
    if (x)
        return;
    x = ptm_arena_array(&notes->arena, 1, sizeof(*x));
    if (!x)
        return;
    *x = (struct ptm_op_note){.inst = in, .overload = t->called->overload, .next = first};
    ptm_pmap_set(&notes->arena, &notes->by_inst, in, x);
}

static void run_simple(struct ptm_trace *t, struct ptm_interp_frame *f, const struct ptm_inst *in)
{
    const struct ptm_program *p = t->program;
    const char *const *kw = NULL;
    struct ptm_ival *v = NULL, out = ptm_none();
    size_t n_pos = (size_t)in->n_arg - in->n_kw;
    if (in->op == P_OP || in->op == P_CALL || in->op == P_METHOD || in->op == P_NEW) {
        v = gather(t, f, &kw);
        if (!v)
            return;
    }
    switch (in->op) {
    case P_CONST:
        out = constant(t, in->a);
        break;
    case P_COPY:
    case P_CHECKCAST:
        out = arg(f, 0);
        break;
    case P_OP:
        t->op_born = ++t->n_ops;
        out = ptm_lower_call(t, p->op[in->a].name, p->op[in->a].overload, v, n_pos, kw, in->n_kw);
        if (t->session->notes && t->called)
            note_op(t, in);
        ptm_trace_maybe_cut(t, false);
        break;
    case P_CALL:
        out = ptm_interp_call(t, in->a, v, n_pos, kw, in->n_kw);
        break;
    case P_METHOD:
        out = call_method(t, v, n_pos, kw, in->n_kw, p->name[in->a]);
        break;
    case P_NEW:
        out = make_object(t, &p->cls[in->a], in->b != 1, v, n_pos, kw, in->n_kw);
        break;
    case P_GETATTR:
        out = get_attr(t, arg(f, 0), p->name[in->a]);
        break;
    case P_SETATTR:
        set_attr(t, arg(f, 0), p->name[in->a], arg(f, 1));
        return;
    case P_LIST:
        out = sequence(t, f, PTM_LIST);
        break;
    case P_TUPLE:
        out = sequence(t, f, PTM_TUPLE);
        break;
    case P_DICT:
        out = dictionary(t, f);
        break;
    case P_UNPACK:
        unpack(t, f, in);
        return;
    case P_ANNOTATE:
        out = annotate(t, in->a, arg(f, 0));
        break;
    case P_UNINIT:
        out.tag = PTM_UNINIT;
        break;
    case P_ISINSTANCE:
        out = ptm_bool(value_is(p, in->a, arg(f, 0), 0));
        break;
    case P_RAISE:
        raise(t, in->a == PTM_NO_REG ? "" : p->name[in->a],
              in->n_arg ? arg(f, 0) : ptm_none());
        return;
    case P_ASSERT:
        if (!ptm_arg_bool(t, arg(f, 0)))
            raise(t, "AssertionError", in->n_arg > 1 ? arg(f, 1) : ptm_none());
        return;
    default:
        return;
    }
    set_out(f, in, 0, out);
}

static enum flow run_block(struct ptm_trace *t, struct ptm_interp_frame *f, uint32_t block,
                           struct ptm_ival *ret)
{
    const struct ptm_block *b = &f->fn->block[block];
    enum flow flow = NEXT;
    if (++t->depth > MAX_NESTING)
        ptm_trace_fail(t, PTM_ERR_LIMIT, "calls and blocks nested more than %d deep: endless "
                       "recursion?", MAX_NESTING);
    for (uint32_t i = 0; i < b->n && flow == NEXT && !t->err.code; i++) {
        const struct ptm_inst *in = &f->fn->inst[b->first + i];
        f->inst = in;
        if (!ptm_trace_spend(t, 1))
            break;
        switch (in->op) {
        case P_IF:
            if (ptm_arg_bool(t, arg(f, 0)))
                flow = run_block(t, f, in->a, ret);
            else if (in->b != PTM_NO_REG && !t->err.code)
                flow = run_block(t, f, in->b, ret);
            break;
        case P_FOR:
        case P_FOREACH:
        case P_WHILE:
            flow = run_loop(t, f, in, ret);
            break;
        case P_WITH:
            flow = run_block(t, f, in->a, ret);
            break;
        case P_RETURN:
            *ret = in->n_arg ? arg(f, 0) : ptm_none();
            flow = RETURNED;
            break;
        case P_BREAK:
            flow = BROKE;
            break;
        case P_CONTINUE:
            flow = CONTINUED;
            break;
        default:
            run_simple(t, f, in);
            break;
        }
    }
    t->depth--;
    return flow;
}

static bool bind_params(struct ptm_trace *t, const struct ptm_function *fn, struct ptm_ival *reg,
                        const struct ptm_ival *v, size_t n_pos, const char *const *kw, size_t n_kw)
{
    if (n_pos > fn->n_params) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "'%s' takes %u arguments, %zu given", fn->name,
                       (unsigned)fn->n_params, n_pos);
        return false;
    }
    for (uint32_t i = 0; i < fn->n_params; i++)
        reg[i] = i < n_pos ? v[i] : (struct ptm_ival){.tag = PTM_UNINIT};
    for (size_t k = 0; k < n_kw; k++) {
        uint32_t i = 0;
        while (i < fn->n_params && strcmp(fn->param[i].name, kw[k]))
            i++;
        if (i == fn->n_params) {
            ptm_trace_fail(t, PTM_ERR_TYPE, "'%s' has no argument '%s'", fn->name, kw[k]);
            return false;
        }
        reg[i] = v[n_pos + k];
    }
    for (uint32_t i = (uint32_t)n_pos; i < fn->n_params; i++) {
        if (reg[i].tag != PTM_UNINIT)
            continue;
        if (!fn->param[i].has_default) {
            ptm_trace_fail(t, PTM_ERR_TYPE, "'%s': argument '%s' is missing", fn->name,
                           fn->param[i].name);
            return false;
        }
        reg[i] = fn->param[i].def.tag > PTM_STR ? ptm_shadow_const(t, fn->param[i].def)
                                                : fn->param[i].def;
    }
    return true;
}

struct ptm_ival ptm_interp_call(struct ptm_trace *t, uint32_t fn, const struct ptm_ival *v,
                                size_t n_pos, const char *const *kw, size_t n_kw)
{
    const struct ptm_function *func = &t->program->fn[fn];
    struct ptm_interp_frame f = {.fn = func, .up = t->top};
    struct ptm_ival ret = ptm_none();
    if (t->err.code)
        return ret;
    f.reg = ptm_arena_array(&t->arena, func->n_regs + 1u, sizeof(*f.reg));
    if (!f.reg)
        return ptm_trace_fail(t, PTM_ERR_MEMORY, "out of memory while specialising");
    if (!bind_params(t, func, f.reg, v, n_pos, kw, n_kw))
        return ret;
    f.path = t->top ? t->top->path : "";
    if (func->is_method && f.reg[0].tag == PTM_OBJECT && f.reg[0].u.object->real &&
        f.reg[0].u.object->id != UINT32_MAX && t->session->path[f.reg[0].u.object->id])
        f.path = t->session->path[f.reg[0].u.object->id];
    t->top = &f;
    run_block(t, &f, 0, &ret);
    t->top = f.up;
    return ret;
}
