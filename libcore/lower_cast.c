/* SPDX-License-Identifier: BSD-2-Clause */
/* Lowerings of conversions and copies: to, type_as, clone, contiguous, copy_, detach. */
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"

/* x itself when nothing changes, else a new tensor. */
static struct ptm_ival convert(const struct ptm_lower_call *c, int dtype)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0);
    struct ptm_ival format = ptm_named(c, "memory_format");
    if (!x)
        return ptm_none();
    bool copy = ptm_arg_bool(t, ptm_has_named(c, "copy") ? ptm_named(c, "copy") : ptm_bool(false));
    struct ptm_tensor *y = ptm_cast(t, x, (enum ptm_dtype)dtype);
    int64_t mf = ptm_is_none(format) ? PTM_MF_PRESERVE : ptm_arg_int(t, format);
    return ptm_tensor_ival(ptm_in_format(t, y, mf, copy && y == x));
}

static struct ptm_ival lower_to(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (!x)
        return ptm_none();
    struct ptm_ival other = ptm_named(c, "other");
    int d = other.tag == PTM_TENSOR ? other.u.tensor->dtype
                                    : ptm_arg_dtype(c->t, ptm_named(c, "dtype"), x->dtype);
    return convert(c, d);
}

#define CAST(name, dtype)                                                                          \
    static struct ptm_ival lower_##name(const struct ptm_lower_call *c)                            \
    {                                                                                              \
        return convert(c, dtype);                                                                  \
    }
CAST(byte, PTM_U8)
CAST(char, PTM_I8)
CAST(short, PTM_I16)
CAST(int, PTM_I32)
CAST(long, PTM_I64)
CAST(half, PTM_F16)
CAST(float, PTM_F32)
CAST(double, PTM_F64)
#undef CAST

static struct ptm_ival lower_type_as(const struct ptm_lower_call *c)
{
    struct ptm_tensor *other = ptm_need(c, 1);
    return other ? convert(c, other->dtype) : ptm_none();
}

static struct ptm_ival lower_self(const struct ptm_lower_call *c)
{
    return c->arg[0];
}

static struct ptm_ival lower_detach(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(ptm_alias(c->t, ptm_need(c, 0)));
}

static struct ptm_ival lower_clone(const struct ptm_lower_call *c)
{
    struct ptm_ival format = ptm_named(c, "memory_format");
    int64_t mf = ptm_is_none(format) ? PTM_MF_PRESERVE : ptm_arg_int(c->t, format);
    return ptm_tensor_ival(ptm_in_format(c->t, ptm_need(c, 0), mf, true));
}

static struct ptm_ival lower_contiguous(const struct ptm_lower_call *c)
{
    struct ptm_ival format = ptm_named(c, "memory_format");
    int64_t mf = ptm_is_none(format) ? PTM_MF_CONTIGUOUS : ptm_arg_int(c->t, format);
    return ptm_tensor_ival(ptm_in_format(c->t, ptm_need(c, 0), mf, false));
}

/* dst.copy_(src); src may be a number. */
static struct ptm_ival lower_copy_(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (x)
        ptm_write(c->t, x, ptm_to_tensor(c->t, c->arg[1], x->dtype));
    return c->arg[0];
}

/* The same without the write: src in dst's shape and dtype. */
static struct ptm_ival lower_copy(const struct ptm_lower_call *c)
{
    struct ptm_tensor *y = ptm_clone(c->t, ptm_need(c, 0), false);
    ptm_write(c->t, y, ptm_need(c, 1));
    return ptm_tensor_ival(y);
}

const struct ptm_lowering ptm_lower_cast[] = {
    {"aten::to", lower_to},
    {"aten::_to_copy", lower_to},
    {"aten::type_as", lower_type_as},
    {"aten::_cast_Byte", lower_byte},
    {"aten::_cast_Char", lower_char},
    {"aten::_cast_Short", lower_short},
    {"aten::_cast_Int", lower_int},
    {"aten::_cast_Long", lower_long},
    {"aten::_cast_Half", lower_half},
    {"aten::_cast_Float", lower_float},
    {"aten::_cast_Double", lower_double},
    {"aten::cpu", lower_self},
    {"aten::cuda", lower_self},
    {"aten::pin_memory", lower_self},
    {"aten::_pin_memory", lower_self},
    {"aten::_conj", lower_self},
    {"aten::requires_grad_", lower_self},
    {"aten::detach_", lower_self},
    {"aten::positive", lower_self},
    {"aten::lift", lower_self},
    {"aten::resolve_conj", lower_self},
    {"aten::resolve_neg", lower_self},
    {"aten::conj", lower_self},
    {"aten::real", lower_self},
    {"aten::to_dense", lower_self},
    {"aten::conj_physical", lower_clone},
    {"aten::alias", lower_detach},
    {"aten::detach", lower_detach},
    {"aten::data", lower_detach},
    {"prim::data", lower_detach},
    {"aten::lift_fresh", lower_detach},
    {"aten::clone", lower_clone},
    {"aten::alias_copy", lower_clone},
    {"aten::_lazy_clone", lower_clone},
    {"aten::_conj_physical", lower_clone},
    {"aten::detach_copy", lower_clone},
    {"aten::lift_fresh_copy", lower_clone},
    {"aten::contiguous", lower_contiguous},
    {"aten::copy_", lower_copy_},
    {"aten::copy", lower_copy},
    {NULL, NULL},
};
