/* SPDX-License-Identifier: BSD-2-Clause */
/* Lowerings of the pad family. ATen lists pads from the last dimension on: left, right, top, ... */
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"

enum { CONSTANT, REFLECT, REPLICATE, CIRCULAR }; /* OP_pad's numbers */

struct pads {
    int64_t before[PTM_MAX_RANK], after[PTM_MAX_RANK]; /* per dimension of the tensor */
};

static bool read_pads(struct ptm_trace *t, struct ptm_ival list, const struct ptm_tensor *x,
                      struct pads *p)
{
    int64_t v[2 * PTM_MAX_RANK];
    int n = ptm_arg_ints(t, list, v, 2 * PTM_MAX_RANK);
    *p = (struct pads){.before = {0}};
    if (ptm_trace_failed(t) || !x)
        return false;
    if (n % 2 || n / 2 > x->rank) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "pad: %d pads for a tensor of rank %d", n, x->rank);
        return false;
    }
    for (int i = 0; i < n / 2; i++) {
        p->before[x->rank - 1 - i] = v[2 * i];
        p->after[x->rank - 1 - i] = v[2 * i + 1];
    }
    return true;
}

static struct ptm_tensor *emit_pad(struct ptm_trace *t, struct ptm_tensor *x, const struct pads *p,
                                   int mode, double value)
{
    struct ptm_emit e;
    if (!x)
        return NULL;
    ptm_emit_begin(&e, t, OP_pad);
    ptm_emit_in(&e, x);
    ptm_emit_ints(&e, p->before, x->rank);
    ptm_emit_ints(&e, p->after, x->rank);
    ptm_emit_i(&e, mode);
    ptm_emit_f(&e, value);
    return ptm_emit_end(&e);
}

/* The positive pads of p, or (sign -1) the negative ones. */
static struct pads part(const struct pads *p, int sign)
{
    struct pads q = {.before = {0}};
    for (int i = 0; i < PTM_MAX_RANK; i++) {
        q.before[i] = (sign > 0 ? p->before[i] > 0 : p->before[i] < 0) ? p->before[i] : 0;
        q.after[i] = (sign > 0 ? p->after[i] > 0 : p->after[i] < 0) ? p->after[i] : 0;
    }
    return q;
}

static bool any(const struct pads *p)
{
    for (int i = 0; i < PTM_MAX_RANK; i++)
        if (p->before[i] || p->after[i])
            return true;
    return false;
}

/* Reflection and replication look at the whole input and crop afterwards; the
 * circular mode crops first, as ATen does. */
static struct ptm_ival pad(struct ptm_trace *t, struct ptm_tensor *x, struct ptm_ival list,
                           int mode, double value)
{
    struct pads p;
    if (!read_pads(t, list, x, &p))
        return ptm_none();
    if (mode == CONSTANT)
        return ptm_tensor_ival(emit_pad(t, x, &p, mode, value));
    struct pads grow = part(&p, 1), crop = part(&p, -1);
    if (mode == CIRCULAR && any(&crop))
        x = emit_pad(t, x, &crop, CONSTANT, 0);
    x = emit_pad(t, x, &grow, mode, 0);
    if (mode != CIRCULAR && any(&crop))
        x = emit_pad(t, x, &crop, CONSTANT, 0);
    return ptm_tensor_ival(x);
}

static struct ptm_ival lower_constant_pad(const struct ptm_lower_call *c)
{
    double value = ptm_arg_float(c->t, c->arg[2]);
    return pad(c->t, ptm_need(c, 0), c->arg[1], CONSTANT, value);
}

static struct ptm_ival lower_reflection_pad(const struct ptm_lower_call *c)
{
    return pad(c->t, ptm_need(c, 0), c->arg[1], REFLECT, 0);
}

static struct ptm_ival lower_replication_pad(const struct ptm_lower_call *c)
{
    return pad(c->t, ptm_need(c, 0), c->arg[1], REPLICATE, 0);
}

static struct ptm_ival lower_circular_pad(const struct ptm_lower_call *c)
{
    return pad(c->t, ptm_need(c, 0), c->arg[1], CIRCULAR, 0);
}

static struct ptm_ival pad_mode(const struct ptm_lower_call *c, int mode)
{
    double value = ptm_is_none(c->arg[3]) ? 0 : ptm_arg_float(c->t, c->arg[3]);
    if (mode != CONSTANT && value != 0)
        return ptm_trace_fail(c->t, PTM_ERR_TYPE, "pad: a value of %g with a mode that takes none",
                              value);
    return pad(c->t, ptm_need(c, 0), c->arg[1], mode, value);
}

static struct ptm_ival lower_pad(const struct ptm_lower_call *c)
{
    static const char *const names[] = {"constant", "reflect", "replicate", "circular"};
    const char *mode = ptm_arg_str(c->t, c->arg[2]);
    if (!mode)
        return ptm_none();
    for (int i = 0; i < (int)PTM_LEN(names); i++)
        if (!strcmp(mode, names[i]))
            return pad_mode(c, i);
    return ptm_trace_fail(c->t, PTM_ERR_TYPE, "pad: mode '%s', one of constant, reflect, "
                          "replicate, circular wanted", mode);
}

static struct ptm_ival lower_pad_enum(const struct ptm_lower_call *c)
{
    static const int modes[] = {REFLECT, REPLICATE, CIRCULAR, CONSTANT};
    int64_t mode = ptm_arg_int(c->t, c->arg[2]);
    if (mode < 0 || mode > 3)
        return ptm_trace_fail(c->t, PTM_ERR_TYPE, "pad: mode %lld, 0 to 3 wanted",
                              (long long)mode);
    return pad_mode(c, modes[mode]);
}

const struct ptm_lowering ptm_lower_pad[] = {
    {"aten::pad", lower_pad},
    {"aten::_pad_enum", lower_pad_enum},
    {"aten::_pad_circular", lower_circular_pad},
    {"aten::constant_pad_nd", lower_constant_pad},
    {"aten::reflection_pad1d", lower_reflection_pad},
    {"aten::reflection_pad2d", lower_reflection_pad},
    {"aten::reflection_pad3d", lower_reflection_pad},
    {"aten::replication_pad1d", lower_replication_pad},
    {"aten::replication_pad2d", lower_replication_pad},
    {"aten::replication_pad3d", lower_replication_pad},
    {NULL, NULL},
};
