/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * List operators: computed while specialising. Lists are shared by reference,
 * as in Python, so the operators that change one change it in place.
 */
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_text.h"

enum { MAX_LIST = 1 << 24 }; /* elements of a list that an operator makes */

static struct ptm_list *list(const struct ptm_lower_call *c, size_t i)
{
    static _Thread_local struct ptm_list empty; /* after a failure */
    struct ptm_ival v = i < c->n_arg ? c->arg[i] : ptm_none();
    if (v.tag == PTM_LIST || v.tag == PTM_TUPLE)
        return v.u.list;
    ptm_trace_fail(c->t, PTM_ERR_TYPE, "%s: a list was expected", c->schema->name);
    empty = (struct ptm_list){0};
    return &empty;
}

static struct ptm_ival list_ival(struct ptm_list *l)
{
    return l ? (struct ptm_ival){.tag = PTM_LIST, .u.list = l} : ptm_none();
}

static struct ptm_list *make(const struct ptm_lower_call *c, size_t n, uint8_t elem)
{
    struct ptm_list *l = ptm_list_new(ptm_trace_arena(c->t), n);
    if (l)
        l->elem = elem;
    return l;
}

static struct ptm_ival raise(const struct ptm_lower_call *c, const char *what)
{
    return ptm_trace_fail(c->t, PTM_ERR_RAISED, "the model raised %s", what);
}

/* Python's index: negative ones count from the end. SIZE_MAX: outside, and an error. */
static size_t index_of(const struct ptm_lower_call *c, const struct ptm_list *l, size_t arg)
{
    int64_t i = ptm_arg_int(c->t, c->arg[arg]), n = (int64_t)l->n;
    if (i < 0)
        i += n;
    if (i >= 0 && i < n)
        return (size_t)i;
    ptm_trace_fail(c->t, PTM_ERR_RAISED,
                   "the model raised IndexError: list index %lld out of range, the list has %lld",
                   (long long)(i < 0 ? i - n : i), (long long)n);
    return SIZE_MAX;
}

/* -- reading -- */

static struct ptm_ival len(const struct ptm_lower_call *c)
{
    return ptm_int((int64_t)list(c, 0)->n);
}

static struct ptm_ival getitem(const struct ptm_lower_call *c)
{
    struct ptm_list *l = list(c, 0);
    size_t i = index_of(c, l, 1);
    return i < l->n ? l->v[i] : ptm_none();
}

static struct ptm_ival slice(const struct ptm_lower_call *c)
{
    struct ptm_list *l = list(c, 0);
    int64_t n = (int64_t)l->n, step = ptm_arg_int(c->t, c->arg[3]);
    int64_t start = ptm_is_none(c->arg[1]) ? step > 0 ? 0 : n - 1 : ptm_arg_int(c->t, c->arg[1]);
    int64_t end = ptm_is_none(c->arg[2]) ? step > 0 ? n : -n - 1 : ptm_arg_int(c->t, c->arg[2]);
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
    if (!step)
        return raise(c, "ValueError: slice step cannot be zero");
    start += start < 0 ? n : 0;
    end += end < 0 ? n : 0;
    start = start < low ? low : start > high ? high : start;
    end = end < low ? low : end > high ? high : end;
    struct ptm_list *out = make(c, 0, l->elem);
    for (int64_t i = start; out && (step > 0 ? i < end : i > end);) {
        if (!ptm_list_append(ptm_trace_arena(c->t), out, l->v[i]))
            break;
        if (step > 0 ? step >= end - i : step <= end - i)
            break;
        i += step;
    }
    return list_ival(out);
}

static size_t find(const struct ptm_lower_call *c, const struct ptm_list *l)
{
    size_t i = 0;
    while (i < l->n && !ptm_value_equal(c->t, l->v[i], c->arg[1]))
        i++;
    return i;
}

static struct ptm_ival contains(const struct ptm_lower_call *c)
{
    struct ptm_list *l = list(c, 0);
    return ptm_bool(find(c, l) < l->n);
}

static struct ptm_ival index_in(const struct ptm_lower_call *c)
{
    struct ptm_list *l = list(c, 0);
    size_t i = find(c, l);
    if (i == l->n)
        return ptm_trace_fail(c->t, PTM_ERR_RAISED, "the model raised ValueError: '%s' is not in "
                                                    "list",
                              ptm_arg_str(c->t, ptm_value_str(c->t, c->arg[1])));
    return ptm_int((int64_t)i);
}

static struct ptm_ival count(const struct ptm_lower_call *c)
{
    struct ptm_list *l = list(c, 0);
    int64_t n = 0;
    for (size_t i = 0; i < l->n; i++)
        n += ptm_value_equal(c->t, l->v[i], c->arg[1]);
    return ptm_int(n);
}

static struct ptm_ival eq(const struct ptm_lower_call *c)
{
    return ptm_bool(ptm_value_equal(c->t, c->arg[0], c->arg[1]));
}

static struct ptm_ival ne(const struct ptm_lower_call *c)
{
    return ptm_bool(!ptm_value_equal(c->t, c->arg[0], c->arg[1]));
}

/* -- new lists -- */

static struct ptm_ival copy(const struct ptm_lower_call *c)
{
    struct ptm_list *l = list(c, 0), *out = make(c, l->n, l->elem);
    if (out && l->n)
        memcpy(out->v, l->v, l->n * sizeof(*l->v));
    return list_ival(out);
}

static bool append_all(const struct ptm_lower_call *c, struct ptm_list *to,
                       const struct ptm_list *l)
{
    size_t n = l->n; /* x.extend(x) */
    for (size_t i = 0; i < n; i++)
        if (!ptm_list_append(ptm_trace_arena(c->t), to, l->v[i]))
            return false;
    return true;
}

static struct ptm_ival add(const struct ptm_lower_call *c)
{
    struct ptm_list *a = list(c, 0), *b = list(c, 1), *out = make(c, 0, a->n ? a->elem : b->elem);
    if (!out || !append_all(c, out, a) || !append_all(c, out, b))
        return ptm_none();
    return list_ival(out);
}

static struct ptm_ival repeat(const struct ptm_lower_call *c, size_t list_at, size_t times_at)
{
    struct ptm_list *l = list(c, list_at);
    int64_t n = ptm_arg_int(c->t, c->arg[times_at]);
    if (n > 0 && l->n && n > (int64_t)(MAX_LIST / l->n))
        return ptm_trace_fail(c->t, PTM_ERR_LIMIT, "a list of %zu times %lld elements, the limit "
                                                   "is %d",
                              l->n, (long long)n, MAX_LIST);
    struct ptm_list *out = make(c, 0, l->elem);
    for (int64_t i = 0; out && l->n && i < n; i++)
        if (!append_all(c, out, l))
            return ptm_none();
    return list_ival(out);
}

static struct ptm_ival mul_left(const struct ptm_lower_call *c)
{
    return repeat(c, 0, 1);
}

static struct ptm_ival mul_right(const struct ptm_lower_call *c)
{
    return repeat(c, 1, 0);
}

static struct ptm_ival range_list(const struct ptm_lower_call *c)
{
    int64_t n = ptm_arg_int(c->t, c->arg[0]);
    n = n < 0 ? 0 : n;
    if (n > MAX_LIST)
        return ptm_trace_fail(c->t, PTM_ERR_LIMIT, "a list of %lld elements, the limit is %d",
                              (long long)n, MAX_LIST);
    struct ptm_list *out = make(c, (size_t)n, PTM_INT);
    for (int64_t i = 0; out && i < n; i++)
        out->v[i] = ptm_int(i);
    return list_ival(out);
}

/* -- in place -- */

static struct ptm_ival append(const struct ptm_lower_call *c)
{
    struct ptm_list *l = list(c, 0);
    ptm_list_append(ptm_trace_arena(c->t), l, c->arg[1]);
    return c->arg[0];
}

static struct ptm_ival extend(const struct ptm_lower_call *c)
{
    append_all(c, list(c, 0), list(c, 1));
    return c->arg[0];
}

static struct ptm_ival mul_in_place(const struct ptm_lower_call *c)
{
    struct ptm_list *l = list(c, 0);
    struct ptm_ival v = repeat(c, 0, 1);
    if (v.tag == PTM_LIST) {
        uint8_t elem = l->elem;
        *l = *v.u.list;
        l->elem = elem;
    }
    return c->arg[0];
}

static struct ptm_ival insert(const struct ptm_lower_call *c)
{
    struct ptm_list *l = list(c, 0);
    int64_t i = ptm_arg_int(c->t, c->arg[1]), n = (int64_t)l->n;
    i += i < 0 ? n : 0;
    i = i < 0 ? 0 : i > n ? n : i;
    if (ptm_list_append(ptm_trace_arena(c->t), l, ptm_none())) {
        memmove(l->v + i + 1, l->v + i, (size_t)(n - i) * sizeof(*l->v));
        l->v[i] = c->arg[2];
    }
    return ptm_none();
}

static struct ptm_ival take(struct ptm_list *l, size_t i)
{
    struct ptm_ival v = l->v[i];
    memmove(l->v + i, l->v + i + 1, (l->n - i - 1) * sizeof(*l->v));
    l->n--;
    return v;
}

static struct ptm_ival pop(const struct ptm_lower_call *c)
{
    struct ptm_list *l = list(c, 0);
    if (!l->n)
        return raise(c, "IndexError: pop from empty list");
    size_t i = index_of(c, l, 1);
    return i < l->n ? take(l, i) : ptm_none();
}

static struct ptm_ival delete(const struct ptm_lower_call *c)
{
    struct ptm_list *l = list(c, 0);
    size_t i = index_of(c, l, 1);
    if (i < l->n)
        take(l, i);
    return ptm_none();
}

static struct ptm_ival remove_value(const struct ptm_lower_call *c)
{
    struct ptm_list *l = list(c, 0);
    size_t i = find(c, l);
    if (i == l->n)
        return raise(c, "ValueError: list.remove(x): x not in list");
    take(l, i);
    return ptm_none();
}

static struct ptm_ival set_item(const struct ptm_lower_call *c)
{
    struct ptm_list *l = list(c, 0);
    size_t i = index_of(c, l, 1);
    if (i < l->n)
        l->v[i] = c->arg[2];
    return c->arg[0];
}

static struct ptm_ival clear(const struct ptm_lower_call *c)
{
    list(c, 0)->n = 0;
    return ptm_none();
}

static struct ptm_ival reverse(const struct ptm_lower_call *c)
{
    struct ptm_list *l = list(c, 0);
    for (size_t i = 0; i < l->n / 2; i++) {
        struct ptm_ival v = l->v[i];
        l->v[i] = l->v[l->n - 1 - i];
        l->v[l->n - 1 - i] = v;
    }
    return ptm_none();
}

/* Bottom-up merge sort: stable; equal elements keep their order also when reversed. */
static void sort_values(const struct ptm_lower_call *c, struct ptm_list *l, bool down)
{
    size_t n = l->n;
    struct ptm_ival *from = l->v;
    struct ptm_ival *to = ptm_arena_array(ptm_trace_arena(c->t), n, sizeof(*to));
    for (size_t w = 1; to && w < n; w *= 2) {
        for (size_t lo = 0; lo < n; lo += 2 * w) {
            size_t mid = n - lo < w ? n : lo + w, hi = n - lo < 2 * w ? n : lo + 2 * w;
            for (size_t i = lo, j = mid, k = lo; k < hi; k++) {
                bool right = i == mid;
                if (!right && j < hi) {
                    int o = ptm_value_order(c->t, from[j], from[i]);
                    right = down ? o > 0 : o < 0;
                }
                to[k] = right ? from[j++] : from[i++];
            }
        }
        struct ptm_ival *was = from;
        from = to;
        to = was;
    }
    if (from != l->v)
        memcpy(l->v, from, n * sizeof(*from));
}

static struct ptm_ival sort(const struct ptm_lower_call *c)
{
    sort_values(c, list(c, 0), ptm_arg_bool(c->t, c->arg[1]));
    return ptm_none();
}

static struct ptm_ival sorted(const struct ptm_lower_call *c)
{
    struct ptm_ival v = copy(c);
    if (v.tag == PTM_LIST)
        sort_values(c, v.u.list, false);
    return v;
}

/* -- reductions -- */

static struct ptm_ival sum(const struct ptm_lower_call *c)
{
    struct ptm_list *l = list(c, 0);
    struct ptm_ival s = c->schema->arg[0].type == S_FLOAT ? ptm_float(0) : ptm_int(0);
    for (size_t i = 0; i < l->n; i++)
        s = ptm_scalar_arith(c->t, '+', s, l->v[i]);
    return s;
}

static bool truth(const struct ptm_lower_call *c, struct ptm_ival v)
{
    return v.tag == PTM_STR ? v.u.str->len > 0 : ptm_arg_bool(c->t, v);
}

static struct ptm_ival any(const struct ptm_lower_call *c)
{
    struct ptm_list *l = list(c, 0);
    for (size_t i = 0; i < l->n; i++)
        if (truth(c, l->v[i]))
            return ptm_bool(true);
    return ptm_bool(false);
}

static struct ptm_ival all(const struct ptm_lower_call *c)
{
    struct ptm_list *l = list(c, 0);
    for (size_t i = 0; i < l->n; i++)
        if (!truth(c, l->v[i]))
            return ptm_bool(false);
    return ptm_bool(true);
}

/* Of one list its extreme element, of two lists the one that comes first or last. */
static struct ptm_ival extreme(const struct ptm_lower_call *c, int sign, const char *empty)
{
    struct ptm_list *l = list(c, 0);
    if (c->n_arg > 1)
        return ptm_value_order(c->t, c->arg[1], c->arg[0]) * sign > 0 ? c->arg[1] : c->arg[0];
    if (!l->n)
        return raise(c, empty);
    size_t best = 0;
    for (size_t i = 1; i < l->n; i++)
        if (ptm_value_order(c->t, l->v[i], l->v[best]) * sign > 0)
            best = i;
    return l->v[best];
}

static struct ptm_ival max_of(const struct ptm_lower_call *c)
{
    return extreme(c, 1, "ValueError: max() arg is an empty sequence");
}

static struct ptm_ival min_of(const struct ptm_lower_call *c)
{
    return extreme(c, -1, "ValueError: min() arg is an empty sequence");
}

#define BY_TYPE(name, fn)                                                                          \
    {name ".int", fn}, {name ".float", fn}, {name ".bool", fn}, {name ".str", fn}
#define BY_LIST(name, fn)                                                                          \
    {name ".int_list", fn}, {name ".float_list", fn}, {name ".bool_list", fn},                     \
        {name ".str_list", fn}, {name ".Tensor_list", fn}
#define EXTREME(name, fn)                                                                          \
    {name ".int_list", fn}, {name ".float_list", fn}, {name ".bool_list", fn},                     \
        {name ".self_int", fn}, {name ".self_float", fn}, {name ".self_bool", fn}

const struct ptm_lowering ptm_lower_list[] = {
    {"aten::len.t", len},
    {"aten::len.any", len},
    {"aten::__getitem__.t", getitem},
    {"aten::select.t", getitem},
    {"aten::slice.t", slice},
    BY_LIST("aten::__contains__", contains),
    {"aten::index.list_int", index_in},
    {"aten::index.list_float", index_in},
    {"aten::index.list_bool", index_in},
    {"aten::index.list_str", index_in},
    {"aten::index.list_Tensor", index_in},
    BY_TYPE("aten::count", count),
    {"aten::count.Tensor", count},
    BY_LIST("aten::eq", eq),
    BY_LIST("aten::ne", ne),
    {"aten::list.t", copy},
    {"aten::copy.t", copy},
    {"aten::Size", copy},
    {"aten::add.t", add},
    {"aten::add_.t", extend},
    {"aten::mul.left_t", mul_left},
    {"aten::mul.right_", mul_right},
    {"aten::mul_.t", mul_in_place},
    {"prim::rangelist", range_list},
    {"aten::append.t", append},
    {"aten::extend.t", extend},
    {"aten::insert.t", insert},
    {"aten::pop.t", pop},
    {"aten::Delete.t", delete},
    BY_TYPE("aten::remove", remove_value),
    {"aten::remove.Tensor", remove_value},
    {"aten::_set_item.t", set_item},
    {"aten::clear.t", clear},
    {"aten::reverse.t", reverse},
    BY_TYPE("aten::sort", sort),
    {"aten::sort.any", sort},
    BY_TYPE("aten::sorted", sorted),
    {"aten::sorted.any", sorted},
    {"aten::sum.int", sum},
    {"aten::sum.float", sum},
    {"aten::sum.bool", sum},
    BY_TYPE("aten::any", any),
    BY_TYPE("aten::all", all),
    EXTREME("prim::max", max_of),
    EXTREME("prim::min", min_of),
    {NULL, NULL},
};
