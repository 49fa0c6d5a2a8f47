/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Building one function: registers, blocks, instructions.
 *
 * Instructions of open blocks are on one stack; closing a block moves its own, now on top, to the
 * function. So blocks are contiguous whatever their nesting, and inner ones come first. Registers
 * of temporaries are numbered from TEMP up until the number of variables is known.
 */
#include "formats/ts.h"

#include <string.h>

#define TEMP ((uint32_t)1 << 31)
enum { MAX_ARGS = UINT16_MAX };

enum ptm_status ts_grow(struct ts_load *ld, struct ptm_arena *a, void *array, size_t *cap, size_t n,
                        size_t size)
{
    void *p;
    memcpy(&p, array, sizeof p);
    if (!ptm_arena_grow(a, &p, cap, n + 1, size))
        return ptm_fail(ld->err, PTM_ERR_MEMORY, "no memory for the program");
    memset((char *)p + n * size, 0, size);
    memcpy(array, &p, sizeof p);
    return PTM_OK;
}

enum ptm_status ts_name_id(struct ts_load *ld, const char *s, size_t len, uint32_t *out)
{
    struct ptm_program *p = ld->p;
    if (ts_map_get(&ld->names, s, len, out))
        return PTM_OK;
    PTM_TRY(ts_grow(ld, &ld->scratch, &p->name, &ld->cap_names, p->n_names, sizeof *p->name));
    char *copy = ptm_arena_str(ld->arena, s, len);
    TS_NEED(ld, copy);
    *out = p->n_names;
    p->name[p->n_names++] = copy;
    if (!ts_map_put(&ld->scratch, &ld->names, copy, len, *out))
        return ptm_fail(ld->err, PTM_ERR_MEMORY, "no memory for the program");
    return PTM_OK;
}

enum ptm_status ts_op_id(struct ts_load *ld, const char *ns, const char *name, size_t len,
                         uint32_t *out)
{
    char text[256];
    size_t n_ns = strlen(ns);
    struct ptm_program *p = ld->p;
    if (n_ns + len + 2 >= sizeof text)
        return ptm_fail(ld->err, PTM_ERR_FORMAT, "an operator's name of %zu bytes", n_ns + len);
    memcpy(text, ns, n_ns);
    memcpy(text + n_ns, "::", 2);
    memcpy(text + n_ns + 2, name, len);
    len += n_ns + 2;
    if (!ts_map_get(&ld->ops, text, len, out)) {
        PTM_TRY(ts_grow(ld, &ld->scratch, &p->op, &ld->cap_ops, p->n_ops, sizeof *p->op));
        char *copy = ptm_arena_str(ld->arena, text, len);
        TS_NEED(ld, copy);
        *out = p->n_ops;
        p->op[p->n_ops++].name = copy;
        if (!ts_map_put(&ld->scratch, &ld->ops, copy, len, *out))
            return ptm_fail(ld->err, PTM_ERR_MEMORY, "no memory for the program");
    }
    p->op[*out].count++;
    return PTM_OK;
}

/* -- registers -- */

uint32_t ts_temp(struct ts_load *ld)
{
    struct ts_fn *f = &ld->fn;
    uint32_t t = f->temp++;
    if (f->temp > f->max_temp)
        f->max_temp = f->temp;
    return TEMP | t;
}

enum ptm_status ts_new_reg(struct ts_load *ld, const char *name, uint32_t *out)
{
    struct ts_fn *f = &ld->fn;
    PTM_TRY(ts_grow(ld, &ld->scratch, &f->reg_name, &f->cap_regs, f->n_regs, sizeof *f->reg_name));
    f->reg_name[f->n_regs] = name;
    *out = (uint32_t)f->n_regs++;
    return PTM_OK;
}

struct ts_var *ts_var(struct ts_load *ld, const char *name, size_t len)
{
    uint32_t i;
    return ts_map_get(&ld->fn.names, name, len, &i) ? &ld->fn.var[i] : NULL;
}

enum ptm_status ts_new_var(struct ts_load *ld, const char *name, size_t len, uint32_t reg,
                           struct ts_var **out)
{
    struct ts_fn *f = &ld->fn;
    PTM_TRY(ts_grow(ld, &ld->scratch, &f->var, &f->cap_vars, f->n_vars, sizeof *f->var));
    if (!ts_map_put(&ld->scratch, &f->names, name, len, (uint32_t)f->n_vars))
        return ptm_fail(ld->err, PTM_ERR_MEMORY, "no memory for the program");
    *out = &f->var[f->n_vars++];
    **out = (struct ts_var){
        .reg = reg, .fn = PTM_NO_REG, .constant = PTM_NO_REG, .cls = PTM_NO_REG};
    return PTM_OK;
}

enum ptm_status ts_push(struct ts_load *ld, uint32_t reg)
{
    struct ts_fn *f = &ld->fn;
    PTM_TRY(ts_grow(ld, &ld->scratch, &f->list, &f->cap_list, f->n_list, sizeof *f->list));
    f->list[f->n_list++] = reg;
    return PTM_OK;
}

/* -- blocks -- */

enum ptm_status ts_block_open(struct ts_parser *ps, bool loop)
{
    struct ts_fn *f = &ps->ld->fn;
    PTM_TRY(ts_block_cut(ps, f->n_pending));
    if (loop)
        f->frame[f->n_frames - 1].loop = true;
    return PTM_OK;
}

enum ptm_status ts_block_cut(struct ts_parser *ps, size_t mark)
{
    struct ts_fn *f = &ps->ld->fn;
    if (f->n_frames >= PTM_MAX_DEPTH)
        return ts_fail(ps, PTM_ERR_LIMIT, "blocks nest deeper than %d", (int)PTM_MAX_DEPTH);
    PTM_TRY(ts_grow(ps->ld, &ps->ld->scratch, &f->block, &f->cap_blocks, f->n_blocks,
                    sizeof *f->block));
    bool loop = f->n_frames && f->frame[f->n_frames - 1].loop;
    f->frame[f->n_frames++] =
        (struct ts_frame){.mark = mark, .block = (uint32_t)f->n_blocks++, .loop = loop};
    return PTM_OK;
}

enum ptm_status ts_block_close(struct ts_parser *ps, uint32_t *block)
{
    struct ts_fn *f = &ps->ld->fn;
    const struct ts_frame *top = &f->frame[--f->n_frames];
    size_t n = f->n_pending - top->mark;
    void *inst = f->inst;
    if (!ptm_arena_grow(&ps->ld->scratch, &inst, &f->cap_insts, f->n_insts + n, sizeof *f->inst))
        return ptm_fail(ps->ld->err, PTM_ERR_MEMORY, "no memory for the program");
    f->inst = inst;
    if (n)
        memcpy(f->inst + f->n_insts, f->pending + top->mark, n * sizeof *f->inst);
    f->block[top->block] = (struct ptm_block){.first = (uint32_t)f->n_insts, .n = (uint32_t)n};
    f->n_insts += n;
    f->n_pending = top->mark;
    *block = top->block;
    return PTM_OK;
}

/* -- instructions -- */

static enum ptm_status operands(struct ts_load *ld, const uint32_t *v, size_t n, uint32_t *first)
{
    struct ts_fn *f = &ld->fn;
    void *p = f->operand;
    if (!ptm_arena_grow(&ld->scratch, &p, &f->cap_operands, f->n_operands + n, sizeof *f->operand))
        return ptm_fail(ld->err, PTM_ERR_MEMORY, "no memory for the program");
    f->operand = p;
    if (n)
        memcpy(f->operand + f->n_operands, v, n * sizeof *v);
    *first = (uint32_t)f->n_operands;
    f->n_operands += n;
    return PTM_OK;
}

enum ptm_status ts_emit(struct ts_parser *ps, const struct ts_emit *e)
{
    struct ts_load *ld = ps->ld;
    struct ts_fn *f = &ld->fn;
    struct ts_frame *frame = &f->frame[f->n_frames - 1];
    size_t n_args = f->n_list - e->list - e->n_kw;
    size_t n_outs = e->out != PTM_NO_REG ? 1 : e->n_outs;
    if (frame->dead)
        return ts_fail(ps, PTM_ERR_FORMAT, "code after a return, break or continue");
    if (n_args > MAX_ARGS)
        return ts_fail(ps, PTM_ERR_LIMIT, "%zu arguments, %d are possible", n_args, (int)MAX_ARGS);
    if (n_outs > UINT8_MAX)
        return ts_fail(ps, PTM_ERR_LIMIT, "%zu results, %d are possible", n_outs, (int)UINT8_MAX);
    struct ptm_inst inst = {.op = e->op,
                            .n_out = (uint8_t)n_outs,
                            .n_arg = (uint16_t)n_args,
                            .n_kw = (uint16_t)e->n_kw,
                            .a = e->a,
                            .b = e->b};
    PTM_TRY(operands(ld, e->out != PTM_NO_REG ? &e->out : e->outs, n_outs, &inst.out));
    PTM_TRY(operands(ld, f->list ? f->list + e->list : NULL, n_args + e->n_kw, &inst.arg));
    f->n_list = e->list;
    PTM_TRY(ts_pos(ld, ps->file, e->tok, &inst.pos));
    PTM_TRY(ts_grow(ld, &ld->scratch, &f->pending, &f->cap_pending, f->n_pending,
                    sizeof *f->pending));
    f->pending[f->n_pending++] = inst;
    frame->dead = e->op == P_RETURN || e->op == P_BREAK || e->op == P_CONTINUE;
    return PTM_OK;
}

enum ptm_status ts_emit1(struct ts_parser *ps, enum ptm_pop op, const struct ts_token *tok,
                         uint32_t out, uint32_t arg, uint32_t a, uint32_t b)
{
    struct ts_emit e = {.op = (uint8_t)op, .tok = tok, .out = out, .list = ps->ld->fn.n_list};
    e.a = a;
    e.b = b;
    if (arg != PTM_NO_REG)
        PTM_TRY(ts_push(ps->ld, arg));
    return ts_emit(ps, &e);
}

/* -- the whole -- */

void ts_fn_begin(struct ts_load *ld)
{
    struct ts_fn *f = &ld->fn;
    ts_map_clear(&f->names);
    f->n_vars = f->n_regs = f->n_pending = f->n_insts = f->n_operands = f->n_blocks = 0;
    f->n_frames = f->n_list = 0;
    f->temp = f->max_temp = 0;
    f->in_fork = false;
}

enum ptm_status ts_fn_end(struct ts_load *ld, struct ptm_function *fn)
{
    struct ts_fn *f = &ld->fn;
    if (f->n_regs + f->max_temp >= TEMP || f->n_operands >= TEMP || f->n_insts >= TEMP)
        return ptm_fail(ld->err, PTM_ERR_LIMIT, "function '%s' is too large", fn->qualname);
    for (size_t i = 0; i < f->n_operands; i++)
        if (f->operand[i] & TEMP)
            f->operand[i] = (f->operand[i] & ~TEMP) + (uint32_t)f->n_regs;
    fn->n_regs = (uint32_t)f->n_regs + f->max_temp;
    fn->n_insts = (uint32_t)f->n_insts;
    fn->n_blocks = (uint32_t)f->n_blocks;
    fn->n_operands = (uint32_t)f->n_operands;
    fn->inst = ptm_arena_copy(ld->arena, f->inst, f->n_insts * sizeof *f->inst);
    fn->block = ptm_arena_copy(ld->arena, f->block, f->n_blocks * sizeof *f->block);
    fn->operand = ptm_arena_copy(ld->arena, f->operand, f->n_operands * sizeof *f->operand);
    fn->reg_name = ptm_arena_array(ld->arena, fn->n_regs, sizeof *fn->reg_name);
    TS_NEED(ld, fn->inst && fn->block && fn->operand && fn->reg_name);
    if (f->n_regs)
        memcpy(fn->reg_name, f->reg_name, f->n_regs * sizeof *f->reg_name);
    return PTM_OK;
}
