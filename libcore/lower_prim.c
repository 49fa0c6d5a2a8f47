/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is left of the program's own operators: formatting and messages,
 * optionals, tuples, identity, devices, switches of PyTorch's runtime, and the
 * older meanings of operators whose definition has changed.
 */
#include <stdio.h>
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_text.h"
#include "libcore/program.h"

static struct ptm_ival raise(const struct ptm_lower_call *c, const char *what)
{
    return ptm_trace_fail(c->t, PTM_ERR_RAISED, "the model raised %s", what);
}

/* -- text -- */

static void add_str(const struct ptm_lower_call *c, struct ptm_text *b, struct ptm_ival v)
{
    struct ptm_ival s = ptm_value_str(c->t, v);
    if (s.tag == PTM_STR)
        ptm_text_add(b, s.u.str->s, s.u.str->len);
}

static struct ptm_ival str_of(const struct ptm_lower_call *c)
{
    return ptm_value_str(c->t, c->arg[0]);
}

/* "{}" takes the next argument; nothing else is special. */
static struct ptm_ival format(const struct ptm_lower_call *c)
{
    const char *s = c->n_arg ? ptm_arg_str(c->t, c->arg[0]) : "", *hit;
    struct ptm_text b = {.t = c->t};
    size_t used = 1;
    for (; (hit = strstr(s, "{}")) != NULL; s = hit + 2) {
        if (used >= c->n_arg)
            return raise(c, "RuntimeError: too few arguments for format string");
        ptm_text_add(&b, s, (size_t)(hit - s));
        add_str(c, &b, c->arg[used++]);
    }
    ptm_text_add(&b, s, strlen(s));
    return ptm_text_str(&b);
}

static bool is_number(struct ptm_ival v)
{
    return v.tag == PTM_INT || v.tag == PTM_FLOAT || v.tag == PTM_BOOL;
}

/* One specifier of "%d ..."; floats go through 32 bits, as PyTorch's do. */
static bool add_formatted(const struct ptm_lower_call *c, struct ptm_text *b, char key,
                          struct ptm_ival v)
{
    char buf[400];
    double f;
    v = ptm_scalar_known(c->t, v);
    switch (key) {
    case 's':
        add_str(c, b, v);
        return true;
    case 'd':
    case 'i':
        if (!is_number(v))
            return false;
        f = ptm_arg_float(c->t, v);
        snprintf(buf, sizeof(buf), "%lld",
                 (long long)(v.tag == PTM_FLOAT ? ptm_float_to_int(f) : ptm_arg_int(c->t, v)));
        break;
    case 'e':
    case 'E':
    case 'f':
    case 'F':
        if (!is_number(v))
            return false;
        f = (double)(float)ptm_arg_float(c->t, v);
        snprintf(buf, sizeof(buf), key == 'e' ? "%e" : key == 'E' ? "%E" : "%f", f);
        break;
    case 'c':
        if (v.tag == PTM_STR && v.u.str->len == 1)
            snprintf(buf, sizeof(buf), "%c", v.u.str->s[0]);
        else if (v.tag == PTM_INT)
            snprintf(buf, sizeof(buf), "%c", (char)(unsigned char)v.u.i);
        else
            return false;
        break;
    default:
        return false;
    }
    ptm_text_add(b, buf, strlen(buf));
    return true;
}

static struct ptm_ival percent_format(const struct ptm_lower_call *c)
{
    const char *s = c->n_arg ? ptm_arg_str(c->t, c->arg[0]) : "", *hit;
    struct ptm_text b = {.t = c->t};
    const struct ptm_ival *arg = c->arg + 1;
    size_t n = c->n_arg ? c->n_arg - 1 : 0, used = 0;
    if (n == 1 && arg[0].tag == PTM_TUPLE) {
        n = arg[0].u.list->n;
        arg = arg[0].u.list->v;
    }
    for (; (hit = strchr(s, '%')) != NULL; s = hit + 2) {
        ptm_text_add(&b, s, (size_t)(hit - s));
        if (!hit[1])
            return raise(c, "RuntimeError: incomplete format specifier");
        if (hit[1] == '%') {
            ptm_text_add(&b, "%", 1);
            continue;
        }
        if (used >= n)
            return raise(c, "RuntimeError: too few arguments for format string");
        if (!add_formatted(c, &b, hit[1], arg[used++]))
            return ptm_trace_fail(c->t, PTM_ERR_RAISED, "the model raised RuntimeError: the "
                                                        "specifier %%%c does not take such a "
                                                        "value, or is not supported", hit[1]);
    }
    if (used < n)
        return raise(c, "RuntimeError: too many arguments for format string");
    ptm_text_add(&b, s, strlen(s));
    return ptm_text_str(&b);
}

/* The library prints nothing: what the model prints is a warning's text. */
static struct ptm_ival print(const struct ptm_lower_call *c)
{
    struct ptm_text b = {.t = c->t};
    for (size_t i = 0; i < c->n_arg; i++) {
        ptm_text_add(&b, " ", i ? 1 : 0);
        add_str(c, &b, c->arg[i]);
    }
    struct ptm_ival s = ptm_text_str(&b);
    if (s.tag == PTM_STR)
        ptm_trace_warn(c->t, "the model prints: %s", s.u.str->s);
    return ptm_none();
}

static struct ptm_ival warn(const struct ptm_lower_call *c)
{
    ptm_trace_warn(c->t, "the model warns: %s", ptm_arg_str(c->t, ptm_value_str(c->t, c->arg[0])));
    return ptm_none();
}

static struct ptm_ival raise_exception(const struct ptm_lower_call *c)
{
    const char *msg = ptm_arg_str(c->t, ptm_value_str(c->t, c->arg[0]));
    const char *cls = c->n_arg > 1 && c->arg[1].tag == PTM_STR ? c->arg[1].u.str->s : "Exception";
    const char *dot = strrchr(cls, '.');
    return ptm_trace_fail(c->t, PTM_ERR_RAISED, "the model raised %s: %s", dot ? dot + 1 : cls,
                          msg);
}

/* -- optionals, tuples, identity -- */

static struct ptm_ival self(const struct ptm_lower_call *c)
{
    return c->arg[0];
}

static struct ptm_ival nothing(const struct ptm_lower_call *c)
{
    (void)c;
    return ptm_none();
}

static struct ptm_ival yes(const struct ptm_lower_call *c)
{
    (void)c;
    return ptm_bool(true);
}

static struct ptm_ival no(const struct ptm_lower_call *c)
{
    (void)c;
    return ptm_bool(false);
}

static struct ptm_ival zero(const struct ptm_lower_call *c)
{
    (void)c;
    return ptm_int(0);
}

static struct ptm_ival unwrap(const struct ptm_lower_call *c)
{
    return ptm_is_none(c->arg[0]) ? raise(c, "AssertionError: unwrapping null optional")
                                  : c->arg[0];
}

static struct ptm_ival tuple_index(const struct ptm_lower_call *c)
{
    struct ptm_ival tup = c->arg[0];
    int64_t i = ptm_arg_int(c->t, c->arg[1]);
    if (tup.tag != PTM_TUPLE && tup.tag != PTM_LIST)
        return ptm_trace_fail(c->t, PTM_ERR_TYPE, "prim::TupleIndex: a tuple was expected");
    int64_t n = (int64_t)tup.u.list->n;
    if (i < -n || i >= n)
        return raise(c, "IndexError: tuple index out of range");
    return tup.u.list->v[i < 0 ? i + n : i];
}

static struct ptm_ival if_then_else(const struct ptm_lower_call *c)
{
    return c->arg[ptm_arg_bool(c->t, c->arg[0]) ? 1 : 2];
}

static bool same(const struct ptm_lower_call *c)
{
    struct ptm_ival a = c->arg[0], b = c->arg[1];
    if (a.tag == PTM_SYM || b.tag == PTM_SYM)
        return a.tag != PTM_NONE && b.tag != PTM_NONE && ptm_value_equal(c->t, a, b);
    if (a.tag != b.tag)
        return false;
    switch (a.tag) {
    case PTM_LIST:
    case PTM_TUPLE:
        return a.u.list == b.u.list;
    case PTM_DICT:
        return a.u.dict == b.u.dict;
    default:
        return ptm_ival_equal(a, b);
    }
}

static struct ptm_ival is(const struct ptm_lower_call *c)
{
    return ptm_bool(same(c));
}

static struct ptm_ival is_not(const struct ptm_lower_call *c)
{
    return ptm_bool(!same(c));
}

/* std::hash of a string in the C++ library that PyTorch is built with: MurmurHash64A. */
static uint64_t hash_bytes(const uint8_t *p, size_t n)
{
    const uint64_t m = 0xc6a4a7935bd1e995u;
    uint64_t h = 0xc70f6907u ^ (n * m), k;
    for (; n >= 8; p += 8, n -= 8) {
        memcpy(&k, p, 8);
        k *= m;
        k = (k ^ (k >> 47)) * m;
        h = (h ^ k) * m;
    }
    if (n) {
        k = 0;
        for (size_t i = n; i-- > 0;)
            k = k << 8 | p[i];
        h = (h ^ k) * m;
    }
    h = (h ^ (h >> 47)) * m;
    return h ^ (h >> 47);
}

static struct ptm_ival hash(const struct ptm_lower_call *c)
{
    struct ptm_ival v = ptm_scalar_known(c->t, c->arg[0]);
    if (v.tag == PTM_INT)
        return v;
    if (v.tag == PTM_BOOL)
        return ptm_int(v.u.b);
    if (v.tag == PTM_FLOAT)
        return ptm_int(v.u.f == 0 ? 0 : (int64_t)hash_bytes((const uint8_t *)&v.u.f, 8));
    if (v.tag == PTM_STR)
        return ptm_int((int64_t)hash_bytes((const uint8_t *)v.u.str->s, v.u.str->len));
    return ptm_trace_fail(c->t, PTM_ERR_UNSUPPORTED, "hash() of such a value is not supported");
}

/* -- ranges -- */

static struct ptm_ival range_length(const struct ptm_lower_call *c)
{
    int64_t lo = ptm_arg_int(c->t, c->arg[0]), hi = ptm_arg_int(c->t, c->arg[1]);
    int64_t step = ptm_arg_int(c->t, c->arg[2]);
    if (!step)
        return raise(c, "ValueError: range() arg 3 must not be zero");
    if (step > 0 ? lo >= hi : lo <= hi)
        return ptm_int(0);
    uint64_t span = step > 0 ? (uint64_t)hi - (uint64_t)lo : (uint64_t)lo - (uint64_t)hi;
    uint64_t size = step > 0 ? (uint64_t)step : 0 - (uint64_t)step;
    return ptm_int((int64_t)(1 + (span - 1) / size));
}

static struct ptm_ival derive_index(const struct ptm_lower_call *c)
{
    return ptm_scalar_arith(c->t, '+', c->arg[1],
                            ptm_scalar_arith(c->t, '*', c->arg[0], c->arg[2]));
}

/* -- devices are strings -- */

static struct ptm_ival device_with_index(const struct ptm_lower_call *c)
{
    char buf[64];
    snprintf(buf, sizeof(buf), "%.40s:%lld", ptm_arg_str(c->t, c->arg[0]),
             (long long)ptm_arg_int(c->t, c->arg[1]));
    return ptm_str_ival(ptm_trace_arena(c->t), buf, strlen(buf));
}

static struct ptm_ival device_type(const struct ptm_lower_call *c)
{
    const char *s = ptm_arg_str(c->t, c->arg[0]);
    return ptm_str_ival(ptm_trace_arena(c->t), s, strcspn(s, ":"));
}

static struct ptm_ival device_index(const struct ptm_lower_call *c)
{
    const char *s = strchr(ptm_arg_str(c->t, c->arg[0]), ':');
    int64_t i = 0;
    if (!s)
        return ptm_none();
    for (s++; *s >= '0' && *s <= '9' && i < 1000; s++)
        i = i * 10 + (*s - '0');
    return ptm_int(i);
}

static struct ptm_ival cpu_capability(const struct ptm_lower_call *c)
{
    return ptm_str_ival(ptm_trace_arena(c->t), "DEFAULT", 7);
}

static struct ptm_ival assert_scalar(const struct ptm_lower_call *c)
{
    if (!ptm_arg_bool(c->t, c->arg[0]))
        return ptm_trace_fail(c->t, PTM_ERR_RAISED, "the model raised RuntimeError: %s",
                              ptm_arg_str(c->t, c->arg[1]));
    return ptm_none();
}

static struct ptm_ival assert_true(const struct ptm_lower_call *c)
{
    if (!ptm_arg_bool(c->t, c->arg[0]))
        return raise(c, "RuntimeError: expected Tensor with single nonzero value");
    return ptm_none();
}

/* -- older operator versions. The row of the present operator is called directly: by name it
 *    would be upgraded again -- */

static struct ptm_ival call_present(const struct ptm_lower_call *c, const char *name,
                                    const char *overload, const struct ptm_ival *arg, size_t n)
{
    size_t count;
    const struct ptm_schema *s = ptm_schemas_find(name, &count);
    ptm_lower_fn *fn = ptm_lower_find(name, overload);
    for (size_t i = 0; fn && i < count; i++)
        if (!strcmp(s[i].overload, overload) && s[i].n_args == n) {
            struct ptm_lower_call present = {.t = c->t, .schema = &s[i], .arg = arg, .n_arg = n};
            return fn(&present);
        }
    return ptm_trace_fail(c->t, PTM_ERR_UNSUPPORTED, "operator '%s' has no lowering yet", name);
}

static bool is_float(struct ptm_ival v)
{
    return v.tag == PTM_TENSOR ? ptm_dtype_is_float(v.u.tensor->dtype) : v.tag == PTM_FLOAT;
}

/* Before version 4 the quotient of integers was one, rounded towards zero. */
static struct ptm_ival div_0_3(const struct ptm_lower_call *c)
{
    bool tensor = c->arg[1].tag == PTM_TENSOR;
    struct ptm_ival arg[3] = {c->arg[0], c->arg[1], ptm_none()};
    if (strstr(c->schema->overload, "mode"))
        arg[2] = c->arg[2];
    else if (!is_float(arg[0]) && !is_float(arg[1]))
        arg[2] = ptm_str_ival(ptm_trace_arena(c->t), "trunc", 5);
    if (ptm_is_none(arg[2]))
        return call_present(c, "aten::div", tensor ? "Tensor" : "Scalar", arg, 2);
    return call_present(c, "aten::div", tensor ? "Tensor_mode" : "Scalar_mode", arg, 3);
}

/* Before version 5 full() without a dtype gave floats. */
static struct ptm_ival full_0_4(const struct ptm_lower_call *c)
{
    struct ptm_ival arg[6] = {c->arg[0], c->arg[1]};
    if (c->n_arg == PTM_LEN(arg)) /* not out= */
        memcpy(arg + 2, c->arg + 2, 4 * sizeof(*arg));
    if (ptm_is_none(arg[2]))
        arg[1] = ptm_scalar_to_float(c->t, arg[1]);
    return call_present(c, "aten::full", "", arg, PTM_LEN(arg));
}

/* Before version 8 (linspace) and 9 (logspace) steps was optional. */
static struct ptm_ival space(const struct ptm_lower_call *c, const char *name, bool logarithmic)
{
    struct ptm_ival arg[8] = {c->arg[0], c->arg[1], c->arg[2], ptm_none()};
    size_t n = 3;
    if (ptm_is_none(arg[2]))
        arg[2] = ptm_int(100);
    if (logarithmic)
        arg[n++] = c->arg[3];
    if (!*c->schema->overload) /* not out= */
        memcpy(arg + n, c->arg + n, 4 * sizeof(*arg));
    return call_present(c, name, "", arg, n + 4);
}

static struct ptm_ival linspace_0_7(const struct ptm_lower_call *c)
{
    return space(c, "aten::linspace", false);
}

static struct ptm_ival logspace_0_8(const struct ptm_lower_call *c)
{
    return space(c, "aten::logspace", true);
}

static struct ptm_ival gelu_0_9(const struct ptm_lower_call *c)
{
    struct ptm_ival arg[2] = {c->arg[0], ptm_str_ival(ptm_trace_arena(c->t), "none", 4)};
    return call_present(c, "aten::gelu", "", arg, 2);
}

/* modules[i] or modules["name"], where an interface says what they have in common. */
static struct ptm_ival container_index(const struct ptm_lower_call *c)
{
    struct ptm_ival box = c->arg[0], key = ptm_scalar_known(c->t, c->arg[1]);
    char name[24];
    if (box.tag != PTM_OBJECT || (key.tag != PTM_INT && key.tag != PTM_STR))
        return ptm_trace_fail(c->t, PTM_ERR_TYPE, "an index of something not a module container");
    if (key.tag == PTM_INT)
        snprintf(name, sizeof(name), "%lld", (long long)key.u.i);
    const char *attr = key.tag == PTM_INT ? name : key.u.str->s;
    if (ptm_class_attr(box.u.object->cls, attr) == UINT32_MAX)
        return ptm_trace_fail(c->t, PTM_ERR_RAISED, "no module '%.100s' in the container", attr);
    return ptm_object_attr(c->t, box.u.object, attr);
}

const struct ptm_lowering ptm_lower_prim[] = {
    {"prim::ModuleContainerIndex", container_index},
    {"aten::str", str_of},
    {"aten::format", format},
    {"aten::percentFormat", percent_format},
    {"prim::Print", print},
    {"aten::_print", print},
    {"aten::warn", warn},
    {"prim::RaiseException", raise_exception},
    {"aten::_unwrap_optional", unwrap},
    {"prim::unchecked_unwrap_optional", self},
    {"prim::unchecked_cast", self},
    {"prim::TupleIndex", tuple_index},
    {"prim::TupleUnpack", self},
    {"prim::IfThenElse", if_then_else},
    {"aten::__is__", is},
    {"aten::__isnot__", is_not},
    {"aten::hash.generic", hash},
    {"aten::__range_length", range_length},
    {"aten::__derive_index", derive_index},
    {"aten::device", self},
    {"aten::device.with_index", device_with_index},
    {"prim::type", device_type},
    {"prim::index", device_index},
    {"aten::wait", self},
    {"prim::awaitable_nowait", self},
    {"prim::awaitable_wait", self},
    {"aten::is_scripting", yes},
    {"aten::_get_tracing_state", no},
    {"aten::is_grad_enabled", no},
    {"aten::set_grad_enabled", nothing},
    {"aten::is_autocast_enabled", no},
    {"aten::is_autocast_cpu_enabled", no},
    {"aten::is_vulkan_available", no},
    {"aten::_get_cpu_capability", cpu_capability},
    {"aten::manual_seed", nothing},
    {"aten::_assert_scalar", assert_scalar},
    {"aten::_assert_async", assert_true},
    {"aten::_assert_async.msg", assert_scalar},
    {"aten::_assert_tensor_metadata", nothing},
    {"aten::_autocast_to_full_precision", self},
    {"aten::_autocast_to_reduced_precision", self},
    {"aten::_pin_memory", self},
    {"aten::sym_constrain_range", nothing},
    {"aten::sym_constrain_range_for_size", nothing},
    {"prim::AutogradZero", nothing},
    {"prim::AutogradAnyNonZero", no},
    {"prim::AutogradAllNonZero", no},
    {"prim::AutogradAllZero", yes},
    {"prim::TimePoint", zero},
    {"ptm::div_0_3", div_0_3},
    {"ptm::full_0_4", full_0_4},
    {"ptm::linspace_0_7", linspace_0_7},
    {"ptm::logspace_0_8", logspace_0_8},
    {"ptm::gelu_0_9", gelu_0_9},
    {NULL, NULL},
};
