/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Branches whose condition is known go: constants, and attributes of modules that no code assigns
 * (`training`, options), are followed through each function. Code is structured, so one walk does:
 * after a branch that is not known, and in loops, what they write is not known any more. Then
 * instructions go whose results nobody reads.
 */
#include <string.h>

#include "libcore/program_edit.h"

enum known { UNKNOWN, SCALAR, NOT_NONE };

struct fact {
    uint8_t known;
    struct ptm_ival v; /* SCALAR */
};

struct change { /* of a register, to be undone */
    uint32_t reg;
    struct fact before;
};

struct code { /* a new block */
    struct ptm_inst *inst;
    size_t n, cap;
};

struct fold {
    struct ptm_program *p;
    struct ptm_arena arena; /* of one function */
    bool *assigned;         /* per name: some code assigns an attribute of that name */
    const struct ptm_function *f;
    uint32_t number;        /* of the function */
    struct ptm_object **self; /* objects that have it as a method */
    size_t n_self, cap_self;
    struct fact *reg;
    bool self_kept;         /* register 0 is never written */
    struct change *log;
    size_t n_log, cap_log;
    struct code *block;
    size_t n_blocks, cap_blocks;
    bool changed;
};

/* -- facts -- */

static void set(struct fold *x, uint32_t reg, struct fact fact)
{
    void *log = x->log;
    if (!ptm_arena_grow(&x->arena, &log, &x->cap_log, x->n_log + 1, sizeof(*x->log)))
        return; /* the arena says so */
    x->log = log;
    x->log[x->n_log++] = (struct change){reg, x->reg[reg]};
    x->reg[reg] = fact;
}

static void forget(struct fold *x, uint32_t reg)
{
    set(x, reg, (struct fact){.known = UNKNOWN});
}

static void forget_outs(struct fold *x, const struct ptm_inst *in)
{
    for (uint32_t i = 0; i < in->n_out; i++)
        forget(x, x->f->operand[in->out + i]);
}

/* What changed since `mark` holds on one way only. */
static void forget_since(struct fold *x, size_t mark)
{
    for (size_t i = mark; i < x->n_log; i++)
        x->reg[x->log[i].reg].known = UNKNOWN;
}

static void undo_since(struct fold *x, size_t mark)
{
    for (size_t i = x->n_log; i-- > mark;)
        x->reg[x->log[i].reg] = x->log[i].before;
}

static struct fact scalar(struct ptm_ival v)
{
    return (struct fact){.known = SCALAR, .v = v};
}

static struct fact fact_of(struct ptm_ival v)
{
    if (v.tag == PTM_UNINIT)
        return (struct fact){.known = UNKNOWN};
    return ptm_ival_is_scalar(v) ? scalar(v) : (struct fact){.known = NOT_NONE};
}

static bool same(const struct fact *a, const struct fact *b)
{
    return a->known == b->known &&
           (a->known != SCALAR ||
            (a->v.tag == b->v.tag && ptm_ival_equal(a->v, b->v)));
}

/* self.name, when no code assigns it and all objects that may be self agree. */
static struct fact attribute(struct fold *x, uint32_t name)
{
    struct fact all = {.known = UNKNOWN};
    if (x->assigned[name])
        return all;
    for (size_t i = 0; i < x->n_self; i++) {
        const struct ptm_object *o = x->self[i];
        uint32_t at = ptm_class_attr(o->cls, x->p->name[name]);
        struct fact one = at == UINT32_MAX ? all : fact_of(o->attr[at]);
        if (one.known == UNKNOWN || (i && !same(&one, &all)))
            return (struct fact){.known = UNKNOWN};
        all = one;
    }
    return all;
}

static const struct fact *arg(const struct fold *x, const struct ptm_inst *in, uint32_t i)
{
    return &x->reg[x->f->operand[in->arg + i]];
}

/* None is None, and nothing else is; others are not compared. */
static struct fact is(const struct fact *a, const struct fact *b, bool want)
{
    bool a_none = a->known == SCALAR && a->v.tag == PTM_NONE;
    bool b_none = b->known == SCALAR && b->v.tag == PTM_NONE;
    if (!a->known || !b->known || (!a_none && !b_none))
        return (struct fact){.known = UNKNOWN};
    return scalar(ptm_bool((a_none && b_none) == want));
}

static struct fact operator(const struct fold *x, const struct ptm_inst *in)
{
    const char *name = x->p->op[in->a].name;
    struct fact none = {.known = UNKNOWN};
    if (in->n_kw)
        return none;
    if (in->n_arg == 1 && !strcmp(name, "aten::__not__")) {
        const struct fact *a = arg(x, in, 0);
        return a->known == SCALAR && a->v.tag == PTM_BOOL ? scalar(ptm_bool(!a->v.u.b)) : none;
    }
    if (in->n_arg == 2 && (!strcmp(name, "aten::__is__") || !strcmp(name, "aten::__isnot__")))
        return is(arg(x, in, 0), arg(x, in, 1), !strcmp(name, "aten::__is__"));
    return none;
}

static void follow(struct fold *x, const struct ptm_inst *in)
{
    struct fact fact = {.known = UNKNOWN};
    if (in->op == P_CONST)
        fact = fact_of(x->p->constant[in->a]);
    else if (in->op == P_COPY)
        fact = *arg(x, in, 0);
    else if (in->op == P_OP && in->n_out == 1)
        fact = operator(x, in);
    else if (in->op == P_GETATTR && x->self_kept && !x->f->operand[in->arg])
        fact = attribute(x, in->a);
    else if (in->op == P_ANNOTATE && arg(x, in, 0)->known == SCALAR &&
             (arg(x, in, 0)->v.tag == PTM_NONE || arg(x, in, 0)->v.tag == PTM_BOOL))
        fact = *arg(x, in, 0); /* numbers may become others */
    forget_outs(x, in);
    if (in->n_out == 1 && fact.known)
        set(x, x->f->operand[in->out], fact);
}

/* -- blocks -- */

static size_t new_block(struct fold *x)
{
    void *all = x->block;
    if (!ptm_arena_grow(&x->arena, &all, &x->cap_blocks, x->n_blocks + 1, sizeof(*x->block)))
        return 0;
    x->block = all;
    x->block[x->n_blocks] = (struct code){0};
    return x->n_blocks++;
}

static void append(struct fold *x, size_t to, const struct ptm_inst *in)
{
    struct code *c = &x->block[to];
    void *all = c->inst;
    if (!ptm_arena_grow(&x->arena, &all, &c->cap, c->n + 1, sizeof(*c->inst)))
        return;
    c->inst = all;
    c->inst[c->n++] = *in;
}

static void forget_written(struct fold *x, uint32_t block)
{
    const struct ptm_block *b = &x->f->block[block];
    for (uint32_t i = 0; i < b->n; i++) {
        const struct ptm_inst *in = &x->f->inst[b->first + i];
        bool loop = in->op == P_FOR || in->op == P_FOREACH || in->op == P_WHILE;
        forget_outs(x, in);
        if (in->op == P_IF || in->op == P_WITH || loop)
            forget_written(x, in->a);
        if ((in->op == P_IF || in->op == P_WHILE) && in->b != PTM_NO_REG)
            forget_written(x, in->b);
    }
}

static bool walk(struct fold *x, uint32_t block, size_t to);

static uint32_t walk_new(struct fold *x, uint32_t block)
{
    size_t to = new_block(x);
    if (!x->arena.failed)
        walk(x, block, to);
    return (uint32_t)to;
}

static void walk_if(struct fold *x, const struct ptm_inst *in, size_t to)
{
    struct ptm_inst copy = *in;
    size_t mark = x->n_log;
    copy.a = walk_new(x, in->a);
    undo_since(x, mark);
    if (in->b != PTM_NO_REG)
        copy.b = walk_new(x, in->b);
    forget_since(x, mark);
    append(x, to, &copy);
}

static void walk_loop(struct fold *x, const struct ptm_inst *in, size_t to)
{
    struct ptm_inst copy = *in;
    size_t mark = x->n_log;
    forget_outs(x, in);
    forget_written(x, in->a);
    if (in->op == P_WHILE) {
        forget_written(x, in->b);
        copy.b = walk_new(x, in->b);
    }
    copy.a = walk_new(x, in->a);
    forget_since(x, mark);
    append(x, to, &copy);
}

/* The block's instructions, to the end of a new one; true when control does not go on behind. */
static bool walk(struct fold *x, uint32_t block, size_t to)
{
    const struct ptm_block *b = &x->f->block[block];
    for (uint32_t i = 0; i < b->n && !x->arena.failed; i++) {
        const struct ptm_inst *in = &x->f->inst[b->first + i];
        const struct fact *cond = in->op == P_IF ? arg(x, in, 0) : NULL;
        if (cond && cond->known == SCALAR && cond->v.tag == PTM_BOOL) {
            uint32_t taken = cond->v.u.b ? in->a : in->b;
            x->changed = true;
            if (taken != PTM_NO_REG && walk(x, taken, to))
                return true;
        } else if (in->op == P_IF) {
            walk_if(x, in, to);
        } else if (in->op == P_FOR || in->op == P_FOREACH || in->op == P_WHILE) {
            walk_loop(x, in, to);
        } else if (in->op == P_WITH) {
            struct ptm_inst copy = *in;
            copy.a = walk_new(x, in->a);
            append(x, to, &copy);
        } else {
            follow(x, in);
            append(x, to, in);
            if (in->op == P_RETURN || in->op == P_BREAK || in->op == P_CONTINUE)
                return true;
        }
    }
    return false;
}

/* -- results that nobody reads -- */

static bool pure(uint8_t op)
{
    return op == P_CONST || op == P_COPY || op == P_GETATTR || op == P_UNINIT || op == P_TUPLE ||
           op == P_LIST || op == P_ANNOTATE || op == P_CHECKCAST || op == P_NOP;
}

static void count_reads(const struct fold *x, const struct ptm_inst *in, uint32_t *reads, int by)
{
    for (uint32_t i = 0; i < in->n_arg; i++)
        reads[x->f->operand[in->arg + i]] += (uint32_t)by;
}

static bool read_by_any(const struct fold *x, const struct ptm_inst *in, const uint32_t *reads)
{
    for (uint32_t i = 0; i < in->n_out; i++)
        if (reads[x->f->operand[in->out + i]])
            return true;
    return false;
}

/* Backwards, so that what only a dropped one reads goes as well. */
static void drop_unread(struct fold *x, uint32_t *reads)
{
    for (size_t b = 0; b < x->n_blocks; b++)
        for (size_t i = 0; i < x->block[b].n; i++)
            count_reads(x, &x->block[b].inst[i], reads, 1);
    for (bool more = true; more;) {
        more = false;
        for (size_t b = x->n_blocks; b-- > 0;) {
            struct code *c = &x->block[b];
            size_t kept = c->n;
            for (size_t i = c->n; i-- > 0;) {
                const struct ptm_inst *in = &c->inst[i];
                if (pure(in->op) && !read_by_any(x, in, reads)) {
                    count_reads(x, in, reads, -1);
                    more = x->changed = true;
                } else {
                    c->inst[--kept] = *in;
                }
            }
            if (kept)
                memmove(c->inst, c->inst + kept, (c->n - kept) * sizeof(*c->inst));
            c->n -= kept;
        }
    }
}

/* -- functions -- */

static void find_self(struct fold *x)
{
    const struct ptm_program *p = x->p;
    x->n_self = 0;
    for (uint32_t i = 0; i < p->n_objects; i++) {
        const struct ptm_class *c = p->object[i]->cls;
        bool has = false;
        for (uint32_t k = 0; k < c->n_methods && !has; k++)
            has = c->method[k] == x->number;
        if (!has)
            continue;
        void *all = x->self;
        if (!c->is_module ||
            !ptm_arena_grow(&x->arena, &all, &x->cap_self, x->n_self + 1, sizeof(*x->self))) {
            x->n_self = 0;
            return;
        }
        x->self = all;
        x->self[x->n_self++] = p->object[i];
    }
}

/* The new blocks become the function's. */
static bool rebuild(struct fold *x, struct ptm_function *f)
{
    uint32_t n = 0;
    size_t all = 0;
    for (size_t i = 0; i < x->n_blocks; i++)
        all += x->block[i].n;
    struct ptm_inst *inst = ptm_arena_array(&x->p->arena, all + 1, sizeof(*inst));
    struct ptm_block *block = ptm_arena_array(&x->p->arena, x->n_blocks + 1, sizeof(*block));
    if (!inst || !block)
        return false;
    for (size_t i = 0; i < x->n_blocks; i++) {
        const struct code *c = &x->block[i];
        block[i] = (struct ptm_block){n, (uint32_t)c->n};
        if (c->n)
            memcpy(inst + n, c->inst, c->n * sizeof(*inst));
        n += (uint32_t)c->n;
    }
    f->inst = inst;
    f->n_insts = n;
    f->block = block;
    f->n_blocks = (uint32_t)x->n_blocks;
    return true;
}

static bool fold_function(struct fold *x, uint32_t number)
{
    struct ptm_function *f = &x->p->fn[number];
    x->f = f;
    x->number = number;
    x->log = NULL;
    x->block = NULL;
    x->self = NULL;
    x->n_log = x->cap_log = x->n_blocks = x->cap_blocks = x->n_self = x->cap_self = 0;
    x->changed = false;
    x->reg = ptm_arena_array(&x->arena, f->n_regs + 1u, sizeof(*x->reg));
    uint32_t *reads = ptm_arena_array(&x->arena, f->n_regs + 1u, sizeof(*reads));
    x->self_kept = f->is_method;
    for (uint32_t i = 0; i < f->n_insts; i++)
        for (uint32_t k = 0; k < f->inst[i].n_out; k++)
            x->self_kept = x->self_kept && f->operand[f->inst[i].out + k];
    if (x->arena.failed)
        return false;
    find_self(x);
    if (f->n_blocks) {
        walk_new(x, 0);
        if (!x->arena.failed)
            drop_unread(x, reads);
    }
    return !x->arena.failed && (!x->changed || rebuild(x, f));
}

/* Modules that code makes may hold anything: their classes' attributes count as assigned. */
static bool find_assigned(struct fold *x, struct ptm_arena *arena)
{
    const struct ptm_program *p = x->p;
    x->assigned = ptm_arena_array(arena, p->n_names + 1u, sizeof(*x->assigned));
    for (uint32_t i = 0; x->assigned && i < p->n_fns; i++)
        for (uint32_t k = 0; k < p->fn[i].n_insts; k++) {
            const struct ptm_inst *in = &p->fn[i].inst[k];
            if (in->op == P_SETATTR)
                x->assigned[in->a] = true;
            for (uint32_t n = 0; in->op == P_NEW && n < p->n_names; n++)
                if (ptm_class_attr(&p->cls[in->a], p->name[n]) != UINT32_MAX)
                    x->assigned[n] = true;
        }
    return x->assigned != NULL;
}

enum ptm_status ptm_program_fold(struct ptm_program *p, uint32_t *changed, struct ptm_err *err)
{
    struct fold x = {.p = p};
    struct ptm_arena arena = {0};
    bool ok = find_assigned(&x, &arena);
    *changed = 0;
    for (uint32_t i = 0; i < p->n_fns && ok; i++) {
        ok = fold_function(&x, i);
        *changed += x.changed;
        ptm_arena_reset(&x.arena);
    }
    ptm_arena_release(&x.arena);
    ptm_arena_release(&arena);
    return ok ? PTM_OK : ptm_fail(err, PTM_ERR_MEMORY, "no memory to fold branches");
}

/* -- attributes, and the whole -- */

static bool holds_much(struct ptm_ival v, int depth)
{
    bool yes = v.tag == PTM_TENSOR || v.tag == PTM_OBJECT;
    if (depth == PTM_MAX_DEPTH)
        return false;
    if (v.tag == PTM_LIST || v.tag == PTM_TUPLE)
        for (size_t i = 0; i < v.u.list->n && !yes; i++)
            yes = holds_much(v.u.list->v[i], depth + 1);
    if (v.tag == PTM_DICT)
        for (size_t i = 0; i < v.u.dict->n && !yes; i++)
            yes = holds_much(v.u.dict->v[i], depth + 1);
    return yes;
}

static bool named(const struct ptm_program *p, const char *name)
{
    for (uint32_t i = 0; i < p->n_names; i++)
        if (!strcmp(p->name[i], name))
            return true;
    return false;
}

/* Does code choose modules by a name that it computes? */
static bool computes_names(const struct ptm_program *p)
{
    bool yes = false;
    for (uint32_t i = 0; i < p->n_ops; i++)
        yes = yes || !strcmp(p->op[i].name, "prim::ModuleContainerIndex");
    return yes;
}

/* Attributes of modules that hold tensors or modules and that no code names. */
static enum ptm_status drop_attrs(struct ptm_program *p, bool *any, struct ptm_err *err)
{
    struct ptm_arena arena = {0};
    bool **keep = ptm_arena_array(&arena, p->n_classes + 1u, sizeof(*keep));
    for (uint32_t i = 0; i < p->n_classes && keep; i++) {
        keep[i] = ptm_arena_array(&arena, p->cls[i].n_attrs + 1u, sizeof(**keep));
        for (uint32_t k = 0; k < p->cls[i].n_attrs && keep[i]; k++)
            keep[i][k] = true;
    }
    *any = false;
    for (uint32_t i = 0; i < p->n_objects && !arena.failed && !computes_names(p); i++) {
        const struct ptm_object *o = p->object[i];
        for (uint32_t k = 0; k < o->cls->n_attrs; k++) {
            bool *stays = &keep[o->cls - p->cls][k];
            if (!*stays || !o->cls->is_module || !holds_much(o->attr[k], 0) ||
                named(p, o->cls->attr_name[k]))
                continue;
            *stays = false;
            *any = true;
        }
    }
    enum ptm_status st = arena.failed
                             ? ptm_fail(err, PTM_ERR_MEMORY, "no memory to drop attributes")
                         : *any ? ptm_program_drop_attrs(p, keep, err)
                                : PTM_OK;
    ptm_arena_release(&arena);
    return st;
}

enum ptm_status ptm_program_shrink(struct ptm_program *p, const char *const *keep, size_t n_keep,
                                   struct ptm_err *err)
{
    enum { MAX_ROUNDS = 8 };
    uint32_t folded = 1;
    bool dropped = true;
    for (int round = 0; round < MAX_ROUNDS && (folded || dropped); round++) {
        PTM_TRY(ptm_program_fold(p, &folded, err));
        PTM_TRY(ptm_program_prune(p, keep, n_keep, err));
        PTM_TRY(drop_attrs(p, &dropped, err));
    }
    return ptm_program_prune(p, keep, n_keep, err);
}
