/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects that restore themselves. Nothing interprets programs while a file is read, but the
 * __setstate__ that torch and most users write only takes a tuple apart and sets attributes:
 * straight-line code, followed here step by step. Anything more is refused by the class's name;
 * torch's own classes (quantized layers, which pack their weights there) keep what could be set,
 * so that such files can be inspected: their operators are reported as missing.
 */
#include "formats/ts.h"

#include <string.h>

struct state_run {
    struct ts_load *ld;
    const struct ptm_function *fn;
    struct ptm_object *obj;
    struct ptm_ival *reg;
};

static struct ptm_ival *operand(const struct state_run *x, uint32_t i)
{
    return &x->reg[x->fn->operand[i]];
}

static enum ptm_status refuse(const struct state_run *x)
{
    return ptm_fail(x->ld->err, PTM_ERR_UNSUPPORTED,
                    "class '%.300s' restores itself by a __setstate__ that ptm cannot follow",
                    x->obj->cls->qualname);
}

static enum ptm_status make_sequence(struct state_run *x, const struct ptm_inst *in, uint8_t tag,
                                     struct ptm_ival *out)
{
    struct ptm_list *l = ptm_list_new(x->ld->arena, in->n_arg);
    TS_NEED(x->ld, l);
    for (uint32_t i = 0; i < in->n_arg; i++)
        l->v[i] = *operand(x, in->arg + i);
    *out = (struct ptm_ival){.tag = tag, .u.list = l};
    return PTM_OK;
}

static enum ptm_status get_item(struct state_run *x, const struct ptm_inst *in,
                                struct ptm_ival *out)
{
    if (strcmp(x->ld->p->op[in->a].name, "aten::__getitem__") || in->n_arg != 2 || in->n_kw)
        return refuse(x);
    struct ptm_ival of = *operand(x, in->arg), index = *operand(x, in->arg + 1);
    if ((of.tag != PTM_LIST && of.tag != PTM_TUPLE) || index.tag != PTM_INT)
        return refuse(x);
    int64_t n = (int64_t)of.u.list->n, i = index.u.i < 0 ? index.u.i + n : index.u.i;
    if (i < 0 || i >= n)
        return refuse(x);
    *out = of.u.list->v[i];
    return PTM_OK;
}

/* self.name, read or written */
static enum ptm_status attribute(struct state_run *x, const struct ptm_inst *in,
                                 struct ptm_ival *out)
{
    struct ptm_ival of = *operand(x, in->arg);
    if (of.tag != PTM_OBJECT || of.u.object != x->obj)
        return refuse(x);
    uint32_t i = ptm_class_attr(x->obj->cls, x->ld->p->name[in->a]);
    if (i == PTM_NO_REG)
        return refuse(x);
    if (in->op == P_GETATTR)
        *out = x->obj->attr[i];
    else
        x->obj->attr[i] = *operand(x, in->arg + 1);
    return PTM_OK;
}

static enum ptm_status unpack(struct state_run *x, const struct ptm_inst *in)
{
    struct ptm_ival of = *operand(x, in->arg);
    if ((of.tag != PTM_LIST && of.tag != PTM_TUPLE) || of.u.list->n != in->n_out)
        return refuse(x);
    for (uint32_t i = 0; i < in->n_out; i++)
        *operand(x, in->out + i) = of.u.list->v[i];
    return PTM_OK;
}

static enum ptm_status step(struct state_run *x, const struct ptm_inst *in)
{
    struct ptm_ival out = ptm_none();
    switch (in->op) {
    case P_NOP:
        return PTM_OK;
    case P_CONST:
        out = x->ld->p->constant[in->a];
        break;
    case P_COPY:
    case P_CHECKCAST:
    case P_ANNOTATE:
        out = *operand(x, in->arg);
        break;
    case P_LIST:
    case P_TUPLE:
        PTM_TRY(make_sequence(x, in, in->op == P_LIST ? PTM_LIST : PTM_TUPLE, &out));
        break;
    case P_OP:
        PTM_TRY(get_item(x, in, &out));
        break;
    case P_GETATTR:
    case P_SETATTR:
        PTM_TRY(attribute(x, in, &out));
        break;
    case P_UNPACK:
        return unpack(x, in);
    default:
        return refuse(x);
    }
    if (in->n_out)
        *operand(x, in->out) = out;
    return PTM_OK;
}

enum ptm_status ts_set_state(struct ts_load *ld, struct ptm_object *obj, struct ptm_ival state)
{
    uint32_t fn = ptm_class_method(ld->p, obj->cls, "__setstate__");
    struct state_run x = {.ld = ld, .fn = &ld->p->fn[fn], .obj = obj};
    if (x.fn->n_params != 2 || !x.fn->n_blocks)
        return refuse(&x);
    x.reg = ptm_arena_array(&ld->scratch, x.fn->n_regs, sizeof *x.reg);
    TS_NEED(ld, x.reg);
    x.reg[0] = (struct ptm_ival){.tag = PTM_OBJECT, .u.object = obj};
    x.reg[1] = state;
    bool lenient = !strncmp(obj->cls->qualname, "__torch__.torch.", 16);
    struct ptm_err ignored = {0}, *err = ld->err;
    enum ptm_status status = PTM_OK;
    const struct ptm_block *b = &x.fn->block[0];
    if (lenient)
        ld->err = &ignored;
    for (uint32_t i = 0; i < b->n && !status; i++) {
        if (x.fn->inst[b->first + i].op == P_RETURN)
            break;
        status = step(&x, &x.fn->inst[b->first + i]);
        if (lenient && status == PTM_ERR_UNSUPPORTED)
            status = PTM_OK; /* what it would have made is None */
    }
    ld->err = err;
    return status == PTM_ERR_MEMORY && lenient ? ptm_fail(err, status, "%s", ignored.msg) : status;
}
