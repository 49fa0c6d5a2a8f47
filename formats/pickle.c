/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pickle machine: opcodes, stack, memo and containers.
 *
 * Memory is linear in the bytes read: every opcode makes at most a constant number of values,
 * counts are checked against what is on the stack, and memo numbers against the pickle's length.
 * Mutable containers may be reached again through the memo while they are filled, so cycles and
 * unfolded sizes are checked once, over all containers, at the end.
 */
#include "formats/pickle.h"

#include "libcore/program.h"
#include "libcore/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A container with what the final check needs to know of it. The container comes first: its
 * pointer is the box's. Hooks therefore must not make lists or dicts of their own. */
struct pickle_box {
    union {
        struct ptm_list list;
        struct ptm_dict dict;
    } u;
    struct pickle_box *next;
    bool is_dict;
    uint8_t state; /* of the check: 0 not seen, 1 on the path, 2 done */
    uint32_t depth;
    uint64_t weight;
};

enum ptm_status ptm_pickle_fail(struct ptm_pickle *p, enum ptm_status code, const char *fmt, ...)
{
    char text[700];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return ptm_fail(p->err, code, "%s: byte %zu: %s", p->name, p->op_at, text);
}

static enum ptm_status no_memory(struct ptm_pickle *p)
{
    return ptm_pickle_fail(p, PTM_ERR_MEMORY, "no memory");
}

/* -- bytes -- */

static enum ptm_status take(struct ptm_pickle *p, size_t n, const uint8_t **out)
{
    if (n > p->n - p->at)
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "needs %zu more bytes, %zu are left", n,
                               p->n - p->at);
    *out = p->bytes + p->at;
    p->at += n;
    return PTM_OK;
}

static enum ptm_status take_uint(struct ptm_pickle *p, size_t n, uint64_t *out)
{
    const uint8_t *b = NULL;
    *out = 0;
    PTM_TRY(take(p, n, &b));
    for (size_t i = 0; i < n; i++)
        *out |= (uint64_t)b[i] << (8 * i);
    return PTM_OK;
}

static enum ptm_status take_line(struct ptm_pickle *p, const char **s, size_t *len)
{
    const uint8_t *start = p->bytes + p->at;
    const uint8_t *end = memchr(start, '\n', p->n - p->at);
    if (!end)
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "a name without an end");
    *s = (const char *)start;
    *len = (size_t)(end - start);
    p->at += *len + 1;
    return PTM_OK;
}

/* -- stack and memo -- */

static enum ptm_status push(struct ptm_pickle *p, struct ptm_ival v)
{
    if (p->n_stack >= PTM_PICKLE_MAX_STACK)
        return ptm_pickle_fail(p, PTM_ERR_LIMIT, "more than %zu values on the stack",
                               PTM_PICKLE_MAX_STACK);
    void *s = p->stack;
    if (!ptm_arena_grow(p->arena, &s, &p->cap_stack, p->n_stack + 1, sizeof *p->stack))
        return no_memory(p);
    p->stack = s;
    p->stack[p->n_stack++] = v;
    return PTM_OK;
}

/* The topmost value, not a mark. */
static enum ptm_status pop(struct ptm_pickle *p, struct ptm_ival *out)
{
    if (!p->n_stack || p->stack[p->n_stack - 1].tag == PICKLE_MARK)
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "needs a value, the stack is empty");
    *out = p->stack[--p->n_stack];
    return PTM_OK;
}

/* The place of the last mark. */
static enum ptm_status find_mark(struct ptm_pickle *p, size_t *mark)
{
    for (size_t i = p->n_stack; i-- > 0;)
        if (p->stack[i].tag == PICKLE_MARK) {
            *mark = i;
            return PTM_OK;
        }
    return ptm_pickle_fail(p, PTM_ERR_FORMAT, "needs a mark, there is none");
}

static enum ptm_status memo_put(struct ptm_pickle *p, uint64_t i)
{
    if (!p->n_stack || p->stack[p->n_stack - 1].tag == PICKLE_MARK)
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "nothing to remember");
    if (i >= p->n)
        return ptm_pickle_fail(p, PTM_ERR_LIMIT, "memo number %llu in a pickle of %zu bytes",
                               (unsigned long long)i, p->n);
    void *m = p->memo;
    if (!ptm_arena_grow(p->arena, &m, &p->cap_memo, (size_t)i + 1, sizeof *p->memo))
        return no_memory(p);
    p->memo = m;
    while (p->n_memo <= i)
        p->memo[p->n_memo++] = (struct ptm_ival){.tag = PICKLE_MARK};
    p->memo[i] = p->stack[p->n_stack - 1];
    return PTM_OK;
}

static enum ptm_status memo_get(struct ptm_pickle *p, uint64_t i)
{
    if (i >= p->n_memo || p->memo[i].tag == PICKLE_MARK)
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "memo %llu was never written",
                               (unsigned long long)i);
    return push(p, p->memo[i]);
}

/* -- containers -- */

static struct pickle_box *new_box(struct ptm_pickle *p, bool is_dict)
{
    struct pickle_box *b = ptm_arena_alloc(p->arena, sizeof *b);
    if (b) {
        b->is_dict = is_dict;
        b->next = p->boxes;
        p->boxes = b;
    }
    return b;
}

static enum ptm_status push_tuple(struct ptm_pickle *p, size_t n)
{
    if (n > p->n_stack)
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "a tuple of %zu, the stack holds %zu", n,
                               p->n_stack);
    const struct ptm_ival *v = n ? p->stack + (p->n_stack - n) : NULL;
    bool args = false;
    for (size_t i = 0; i < n; i++) {
        if (v[i].tag == PICKLE_MARK)
            return ptm_pickle_fail(p, PTM_ERR_FORMAT, "a tuple of %zu across a mark", n);
        args |= ptm_pickle_private(v[i]);
    }
    struct pickle_box *b = new_box(p, false);
    struct ptm_ival *copy = n ? ptm_arena_array(p->arena, n, sizeof *copy) : NULL;
    if (!b || (n && !copy))
        return no_memory(p);
    if (n)
        memcpy(copy, v, n * sizeof *copy);
    b->u.list = (struct ptm_list){.v = copy, .n = n, .cap = n};
    p->n_stack -= n;
    return push(p, (struct ptm_ival){.tag = args ? PICKLE_ARGS : PTM_TUPLE,
                                     .u.list = &b->u.list});
}

static enum ptm_status push_container(struct ptm_pickle *p, bool is_dict)
{
    struct pickle_box *b = new_box(p, is_dict);
    if (!b)
        return no_memory(p);
    if (is_dict)
        return push(p, (struct ptm_ival){.tag = PTM_DICT, .u.dict = &b->u.dict});
    return push(p, (struct ptm_ival){.tag = PTM_LIST, .u.list = &b->u.list});
}

static enum ptm_status append(struct ptm_pickle *p, size_t from, size_t drop)
{
    if (!from || drop > from)
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "appends to nothing");
    struct ptm_ival list = p->stack[from - drop];
    if (list.tag != PTM_LIST)
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "appends to something that is not a list");
    for (size_t i = from; i < p->n_stack; i++) {
        if (ptm_pickle_private(p->stack[i]))
            return ptm_pickle_fail(p, PTM_ERR_FORMAT, "a list of globals or storages");
        if (!ptm_list_append(p->arena, list.u.list, p->stack[i]))
            return no_memory(p);
    }
    return PTM_OK;
}

/* torch never writes a key twice; of a repeated one readers see the first. */
static enum ptm_status set_items(struct ptm_pickle *p, size_t from, struct ptm_ival dict)
{
    if (dict.tag != PTM_DICT)
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "sets items of something that is not a dict");
    if ((p->n_stack - from) % 2)
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "a key without a value");
    struct ptm_dict *d = dict.u.dict;
    size_t n = (p->n_stack - from) / 2;
    size_t cap = d->cap, cap_v = d->cap;
    void *key = d->key, *v = d->v;
    if (!ptm_arena_grow(p->arena, &key, &cap, d->n + n, sizeof *d->key) ||
        !ptm_arena_grow(p->arena, &v, &cap_v, d->n + n, sizeof *d->v))
        return no_memory(p);
    d->key = key;
    d->v = v;
    d->cap = cap;
    for (size_t i = from; i < p->n_stack; i += 2) {
        struct ptm_ival k = p->stack[i], x = p->stack[i + 1];
        if (k.tag != PTM_STR && k.tag != PTM_INT && k.tag != PTM_FLOAT && k.tag != PTM_BOOL)
            return ptm_pickle_fail(p, PTM_ERR_UNSUPPORTED,
                                   "a dict key that is not str, int, float or bool");
        if (ptm_pickle_private(x))
            return ptm_pickle_fail(p, PTM_ERR_FORMAT, "a dict of globals or storages");
        d->key[d->n] = k;
        d->v[d->n++] = x;
    }
    return PTM_OK;
}

/* -- the final check: no cycles, bounded depth and unfolded size -- */

static struct pickle_box *box_of(struct ptm_ival v)
{
    if (v.tag == PTM_LIST || v.tag == PTM_TUPLE || v.tag == PICKLE_ARGS)
        return (struct pickle_box *)v.u.list;
    return v.tag == PTM_DICT ? (struct pickle_box *)v.u.dict : NULL;
}

static size_t box_count(const struct pickle_box *b)
{
    return b->is_dict ? b->u.dict.n : b->u.list.n;
}

struct check_frame {
    struct pickle_box *box;
    size_t next;
};

static enum ptm_status check_box(struct ptm_pickle *p, struct pickle_box *root)
{
    struct check_frame stack[PTM_MAX_DEPTH];
    size_t n = 0;
    if (root->state)
        return PTM_OK;
    root->state = 1;
    root->weight = 1;
    stack[n++] = (struct check_frame){root, 0};
    while (n) {
        struct pickle_box *b = stack[n - 1].box, *child = NULL;
        size_t i = stack[n - 1].next++;
        if (i < box_count(b))
            child = box_of(b->is_dict ? b->u.dict.v[i] : b->u.list.v[i]);
        if (i < box_count(b) && (!child || child->state == 2)) {
            b->weight += child ? child->weight : 1;
            if (child && child->depth + 1 > b->depth)
                b->depth = child->depth + 1;
            if (b->weight > PTM_PICKLE_MAX_VALUES)
                return ptm_pickle_fail(p, PTM_ERR_LIMIT,
                                       "a container unfolds to more than %llu values",
                                       (unsigned long long)PTM_PICKLE_MAX_VALUES);
        } else if (i < box_count(b)) {
            if (child->state == 1)
                return ptm_pickle_fail(p, PTM_ERR_FORMAT, "a container holds itself");
            if (n == PTM_MAX_DEPTH)
                return ptm_pickle_fail(p, PTM_ERR_LIMIT, "containers nest deeper than %d",
                                       (int)PTM_MAX_DEPTH);
            child->state = 1;
            child->weight = 1;
            stack[n - 1].next--; /* come back to it when its weight is known */
            stack[n++] = (struct check_frame){child, 0};
        } else {
            if (b->depth >= PTM_MAX_DEPTH)
                return ptm_pickle_fail(p, PTM_ERR_LIMIT, "containers nest deeper than %d",
                                       (int)PTM_MAX_DEPTH);
            b->state = 2;
            n--;
        }
    }
    return PTM_OK;
}

/* -- opcodes -- */

static enum ptm_status op_global(struct ptm_pickle *p)
{
    const char *module = NULL, *name = NULL;
    size_t n_module = 0, n_name = 0;
    PTM_TRY(take_line(p, &module, &n_module));
    PTM_TRY(take_line(p, &name, &n_name));
    if (n_module > 4096 || n_name > 4096 || memchr(module, 0, n_module) || memchr(name, 0, n_name))
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "a global with a malformed name");
    char *qualname = ptm_arena_alloc(p->arena, n_module + n_name + 2);
    struct ptm_pickle_global *g = ptm_arena_alloc(p->arena, sizeof *g);
    if (!qualname || !g)
        return no_memory(p);
    memcpy(qualname, module, n_module);
    qualname[n_module] = '.';
    memcpy(qualname + n_module + 1, name, n_name);
    if (!ptm_pickle_torch_global(qualname, g)) {
        g->kind = PG_CLASS;
        if (p->hooks->find_class)
            PTM_TRY(p->hooks->find_class(p->hooks->ud, qualname, p->op_at, &g->cls, p->err));
        if (!g->cls)
            return ptm_pickle_fail(p, PTM_ERR_UNSUPPORTED,
                                   "global '%.200s' is not one that TorchScript files use",
                                   qualname);
    }
    g->name = qualname;
    return push(p, (struct ptm_ival){.tag = PICKLE_GLOBAL, .u.str = (const void *)g});
}

static const struct ptm_pickle_global *global_of(struct ptm_ival v)
{
    return v.tag == PICKLE_GLOBAL ? (const void *)v.u.str : NULL;
}

static enum ptm_status op_newobj(struct ptm_pickle *p)
{
    struct ptm_ival args = ptm_none(), cls = ptm_none(), obj = ptm_none();
    PTM_TRY(pop(p, &args));
    PTM_TRY(pop(p, &cls));
    const struct ptm_pickle_global *g = global_of(cls);
    if (!g || g->kind != PG_CLASS || !p->hooks->create)
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "makes an object of something not a class");
    if (args.tag != PTM_TUPLE || args.u.list->n)
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "makes an object of '%.200s' with arguments",
                               g->name);
    PTM_TRY(p->hooks->create(p->hooks->ud, g->cls, p->op_at, &obj, p->err));
    return push(p, obj);
}

static enum ptm_status op_reduce(struct ptm_pickle *p)
{
    struct ptm_ival args = ptm_none(), fn = ptm_none(), out = ptm_none();
    PTM_TRY(pop(p, &args));
    PTM_TRY(pop(p, &fn));
    const struct ptm_pickle_global *g = global_of(fn);
    if (!g)
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "calls something that is not a global");
    if (g->kind != PG_CLASS) {
        PTM_TRY(ptm_pickle_reduce(p, g, args, &out));
        return push(p, out);
    }
    if (!p->hooks->construct || ptm_pickle_private(args))
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "calls class '%.200s'", g->name);
    PTM_TRY(p->hooks->construct(p->hooks->ud, g->cls, args, p->op_at, &out, p->err));
    return push(p, out);
}

static enum ptm_status op_build(struct ptm_pickle *p)
{
    struct ptm_ival state = ptm_none();
    PTM_TRY(pop(p, &state));
    if (!p->n_stack || p->stack[p->n_stack - 1].tag != PTM_OBJECT || !p->hooks->build)
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "sets the state of something not an object");
    if (ptm_pickle_private(state))
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "a state of globals or storages");
    return p->hooks->build(p->hooks->ud, p->stack[p->n_stack - 1].u.object, state, p->op_at,
                           p->err);
}

static enum ptm_status op_long1(struct ptm_pickle *p)
{
    uint64_t n, v;
    PTM_TRY(take_uint(p, 1, &n));
    if (n > 8)
        return ptm_pickle_fail(p, PTM_ERR_LIMIT, "an integer of %d bytes, 8 fit", (int)n);
    PTM_TRY(take_uint(p, (size_t)n, &v));
    if (n && n < 8 && v >> (8 * n - 1))
        v |= ~(uint64_t)0 << (8 * n);
    return push(p, ptm_int((int64_t)v));
}

static enum ptm_status op_float(struct ptm_pickle *p)
{
    const uint8_t *b = NULL;
    PTM_TRY(take(p, 8, &b));
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++)
        bits = bits << 8 | b[i];
    double f;
    memcpy(&f, &bits, sizeof f);
    return push(p, ptm_float(f));
}

static enum ptm_status op_unicode(struct ptm_pickle *p, size_t size_bytes)
{
    uint64_t n;
    const uint8_t *b = NULL;
    PTM_TRY(take_uint(p, size_bytes, &n));
    if (n > p->n)
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "a string of %llu bytes in a pickle of %zu",
                               (unsigned long long)n, p->n);
    PTM_TRY(take(p, (size_t)n, &b));
    struct ptm_ival s = ptm_str_ival(p->arena, (const char *)b, (size_t)n);
    if (s.tag != PTM_STR)
        return no_memory(p);
    return push(p, s);
}

static enum ptm_status op_to_mark(struct ptm_pickle *p, uint8_t op)
{
    size_t mark = 0;
    PTM_TRY(find_mark(p, &mark));
    if (op == 't') {
        size_t n = p->n_stack - mark - 1;
        PTM_TRY(push_tuple(p, n));
        p->stack[mark] = p->stack[mark + 1];
        p->n_stack = mark + 1;
        return PTM_OK;
    }
    if (!mark)
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "items for no container");
    if (op == 'e')
        PTM_TRY(append(p, mark + 1, 2));
    else
        PTM_TRY(set_items(p, mark + 1, p->stack[mark - 1]));
    p->n_stack = mark;
    return PTM_OK;
}

static enum ptm_status op_persid(struct ptm_pickle *p)
{
    struct ptm_ival id = ptm_none(), out = ptm_none();
    PTM_TRY(pop(p, &id));
    PTM_TRY(ptm_pickle_persid(p, id, &out));
    return push(p, out);
}

/* Everything but PROTO and STOP. */
static enum ptm_status step(struct ptm_pickle *p, uint8_t op)
{
    uint64_t v;
    struct ptm_ival drop;
    switch (op) {
    case '(':
        return push(p, (struct ptm_ival){.tag = PICKLE_MARK});
    case 'N':
        return push(p, ptm_none());
    case 0x88:
    case 0x89:
        return push(p, ptm_bool(op == 0x88));
    case 'K':
        PTM_TRY(take_uint(p, 1, &v));
        return push(p, ptm_int((int64_t)v));
    case 'M':
        PTM_TRY(take_uint(p, 2, &v));
        return push(p, ptm_int((int64_t)v));
    case 'J':
        PTM_TRY(take_uint(p, 4, &v));
        return push(p, ptm_int((int32_t)(uint32_t)v));
    case 0x8a:
        return op_long1(p);
    case 'G':
        return op_float(p);
    case 'X':
        return op_unicode(p, 4);
    case 0x8c:
        return op_unicode(p, 1);
    case ')':
        return push_tuple(p, 0);
    case 0x85:
    case 0x86:
    case 0x87:
        return push_tuple(p, (size_t)op - 0x84);
    case ']':
    case '}':
        return push_container(p, op == '}');
    case 't':
    case 'e':
    case 'u':
        return op_to_mark(p, op);
    case 'a':
        PTM_TRY(append(p, p->n_stack ? p->n_stack - 1 : 0, 1));
        return pop(p, &drop);
    case 's':
        if (p->n_stack < 3)
            return ptm_pickle_fail(p, PTM_ERR_FORMAT, "sets an item of nothing");
        PTM_TRY(set_items(p, p->n_stack - 2, p->stack[p->n_stack - 3]));
        p->n_stack -= 2;
        return PTM_OK;
    case 'q':
    case 'r':
        PTM_TRY(take_uint(p, op == 'q' ? 1 : 4, &v));
        return memo_put(p, v);
    case 'h':
    case 'j':
        PTM_TRY(take_uint(p, op == 'h' ? 1 : 4, &v));
        return memo_get(p, v);
    case 'c':
        return op_global(p);
    case 0x81:
        return op_newobj(p);
    case 'R':
        return op_reduce(p);
    case 'b':
        return op_build(p);
    case 'Q':
        return op_persid(p);
    default:
        return ptm_pickle_fail(p, PTM_ERR_UNSUPPORTED, "opcode 0x%02x is not one that torch writes",
                               op);
    }
}

static enum ptm_status run(struct ptm_pickle *p, struct ptm_ival *out)
{
    for (;;) {
        p->op_at = p->at;
        if (p->at >= p->n)
            return ptm_pickle_fail(p, PTM_ERR_FORMAT, "the pickle ends without a stop");
        uint8_t op = p->bytes[p->at++];
        if (op == '.')
            break;
        if (op == 0x80) {
            uint64_t version;
            PTM_TRY(take_uint(p, 1, &version));
            if (version < 2 || version > 4)
                return ptm_pickle_fail(p, PTM_ERR_UNSUPPORTED, "protocol %d, 2 is known",
                                       (int)version);
            continue;
        }
        PTM_TRY(step(p, op));
    }
    PTM_TRY(pop(p, out));
    if (p->n_stack)
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "%zu values left on the stack", p->n_stack);
    if (ptm_pickle_private(*out))
        return ptm_pickle_fail(p, PTM_ERR_FORMAT, "the result is a global or a storage");
    for (struct pickle_box *b = p->boxes; b; b = b->next)
        PTM_TRY(check_box(p, b));
    return PTM_OK;
}

enum ptm_status ptm_pickle_load(struct ptm_arena *arena, const char *name, const uint8_t *bytes,
                                size_t n, const struct ptm_pickle_hooks *hooks,
                                struct ptm_ival *out, struct ptm_err *err)
{
    struct ptm_pickle p = {
        .arena = arena, .hooks = hooks, .name = name, .err = err, .bytes = bytes, .n = n};
    *out = ptm_none();
    if (n < 2 || bytes[0] != 0x80)
        return ptm_fail(err, PTM_ERR_FORMAT, "%s: not a pickle of protocol 2", name);
    return run(&p, out);
}
