/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * String operators: computed while specialising, byte by byte as TorchScript
 * does. Where TorchScript differs from Python (default separators, lines kept
 * apart from their ends) TorchScript is followed.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_text.h"


struct span {
    const char *s;
    size_t n;
};

static struct span str(const struct ptm_lower_call *c, size_t i)
{
    struct ptm_ival v = i < c->n_arg ? c->arg[i] : ptm_none();
    if (v.tag == PTM_STR)
        return (struct span){v.u.str->s, v.u.str->len};
    ptm_trace_fail(c->t, PTM_ERR_TYPE, "%s: a string was expected", c->schema->name);
    return (struct span){"", 0};
}

static struct ptm_ival result(const struct ptm_lower_call *c, const char *s, size_t n)
{
    return ptm_str_ival(ptm_trace_arena(c->t), s, n);
}

static struct ptm_text text(const struct ptm_lower_call *c)
{
    return (struct ptm_text){.t = c->t};
}

static struct ptm_list *list(const struct ptm_lower_call *c)
{
    struct ptm_list *l = ptm_list_new(ptm_trace_arena(c->t), 0);
    if (l)
        l->elem = PTM_STR;
    return l;
}

static struct ptm_ival list_ival(struct ptm_list *l)
{
    return l ? (struct ptm_ival){.tag = PTM_LIST, .u.list = l} : ptm_none();
}

static bool put(const struct ptm_lower_call *c, struct ptm_list *l, const char *s, size_t n)
{
    return l && ptm_list_append(ptm_trace_arena(c->t), l, result(c, s, n));
}

static struct ptm_ival raise(const struct ptm_lower_call *c, const char *what)
{
    return ptm_trace_fail(c->t, PTM_ERR_RAISED, "the model raised %s", what);
}

/* -- parts -- */

static struct ptm_ival len(const struct ptm_lower_call *c)
{
    return ptm_int((int64_t)str(c, 0).n);
}

static struct ptm_ival getitem(const struct ptm_lower_call *c)
{
    struct span s = str(c, 0);
    int64_t i = ptm_arg_int(c->t, c->arg[1]), n = (int64_t)s.n;
    if (i < -n || i >= n)
        return raise(c, "IndexError: string index out of range");
    return result(c, s.s + (i < 0 ? i + n : i), 1);
}

static struct ptm_ival slice(const struct ptm_lower_call *c)
{
    struct span s = str(c, 0);
    int64_t n = (int64_t)s.n, step = ptm_arg_int(c->t, c->arg[3]);
    int64_t start = ptm_is_none(c->arg[1]) ? step > 0 ? 0 : n - 1 : ptm_arg_int(c->t, c->arg[1]);
    int64_t end = ptm_is_none(c->arg[2]) ? step > 0 ? n : -n - 1 : ptm_arg_int(c->t, c->arg[2]);
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
    if (!step)
        return raise(c, "ValueError: slice step cannot be zero");
    start += start < 0 ? n : 0;
    end += end < 0 ? n : 0;
    start = start < low ? low : start > high ? high : start;
    end = end < low ? low : end > high ? high : end;
    struct ptm_text b = text(c);
    for (int64_t i = start; step > 0 ? i < end : i > end; i += step) {
        ptm_text_add(&b, s.s + i, 1);
        if (step > 0 ? step >= end - i : step <= end - i)
            break;
    }
    return ptm_text_str(&b);
}

static struct ptm_ival letters(const struct ptm_lower_call *c)
{
    struct span s = str(c, 0);
    struct ptm_list *l = list(c);
    for (size_t i = 0; i < s.n && put(c, l, s.s + i, 1); i++)
        ;
    return list_ival(l);
}

static struct ptm_ival concat(const struct ptm_lower_call *c)
{
    struct span a = str(c, 0), b = str(c, 1);
    struct ptm_text out = text(c);
    ptm_text_add(&out, a.s, a.n);
    ptm_text_add(&out, b.s, b.n);
    return ptm_text_str(&out);
}

static struct ptm_ival join(const struct ptm_lower_call *c)
{
    struct span sep = str(c, 0);
    struct ptm_text b = text(c);
    for (size_t i = 0; c->arg[1].tag == PTM_LIST && i < c->arg[1].u.list->n; i++) {
        struct ptm_ival v = c->arg[1].u.list->v[i];
        if (i)
            ptm_text_add(&b, sep.s, sep.n);
        if (v.tag == PTM_STR)
            ptm_text_add(&b, v.u.str->s, v.u.str->len);
    }
    return ptm_text_str(&b);
}

/* -- searching: arguments are (self, substr, start, end); a negative end counts from one past
 *    the end, so that -1 is the whole string -- */

static struct span range(const struct ptm_lower_call *c, size_t *from)
{
    struct span s = str(c, 0);
    int64_t n = (int64_t)s.n, start = ptm_arg_int(c->t, c->arg[2]);
    int64_t end = ptm_arg_int(c->t, c->arg[3]);
    start += start < 0 ? n : 0;
    end += end < 0 ? n + 1 : 0;
    start = start < 0 ? 0 : start > n ? n : start;
    end = end < start ? start : end > n ? n : end;
    *from = (size_t)start;
    return (struct span){s.s + start, (size_t)(end - start)};
}

static size_t find_in(struct span s, struct span what, size_t from)
{
    for (size_t i = from; i + what.n <= s.n; i++)
        if (!memcmp(s.s + i, what.s, what.n))
            return i;
    return SIZE_MAX;
}

static size_t find_last(struct span s, struct span what)
{
    if (what.n > s.n)
        return SIZE_MAX;
    for (size_t i = s.n - what.n + 1; i-- > 0;)
        if (!memcmp(s.s + i, what.s, what.n))
            return i;
    return SIZE_MAX;
}

static struct ptm_ival find(const struct ptm_lower_call *c)
{
    size_t from;
    struct span s = range(c, &from);
    size_t at = find_in(s, str(c, 1), 0);
    return ptm_int(at == SIZE_MAX ? -1 : (int64_t)(from + at));
}

static struct ptm_ival rfind(const struct ptm_lower_call *c)
{
    size_t from;
    struct span s = range(c, &from);
    size_t at = find_last(s, str(c, 1));
    return ptm_int(at == SIZE_MAX ? -1 : (int64_t)(from + at));
}

static struct ptm_ival must_find(const struct ptm_lower_call *c, struct ptm_ival at)
{
    return at.u.i < 0 ? raise(c, "ValueError: substring not found") : at;
}

static struct ptm_ival index_in(const struct ptm_lower_call *c)
{
    return must_find(c, find(c));
}

static struct ptm_ival rindex(const struct ptm_lower_call *c)
{
    return must_find(c, rfind(c));
}

static struct ptm_ival count(const struct ptm_lower_call *c)
{
    size_t from, at = 0;
    struct span s = range(c, &from), what = str(c, 1);
    int64_t n = 0;
    if (!what.n)
        return ptm_int((int64_t)s.n + 1);
    for (; (at = find_in(s, what, at)) != SIZE_MAX; at += what.n)
        n++;
    return ptm_int(n);
}

static struct ptm_ival starts_with(const struct ptm_lower_call *c)
{
    size_t from;
    struct span s = range(c, &from), what = str(c, 1);
    return ptm_bool(what.n <= s.n && !memcmp(s.s, what.s, what.n));
}

static struct ptm_ival ends_with(const struct ptm_lower_call *c)
{
    size_t from;
    struct span s = range(c, &from), what = str(c, 1);
    return ptm_bool(what.n <= s.n && !memcmp(s.s + s.n - what.n, what.s, what.n));
}

/* -- splitting -- */

static bool blank(char ch)
{
    return ch == ' ' || (ch >= '\t' && ch <= '\r');
}

static struct ptm_ival split_blanks(const struct ptm_lower_call *c, struct span s)
{
    struct ptm_list *l = list(c);
    for (size_t i = 0; i < s.n;) {
        size_t start = i;
        while (i < s.n && !blank(s.s[i]))
            i++;
        if (i > start && !put(c, l, s.s + start, i - start))
            break;
        i++;
    }
    return list_ival(l);
}

static struct ptm_ival split(const struct ptm_lower_call *c)
{
    struct span s = str(c, 0);
    if (ptm_is_none(c->arg[1]))
        return split_blanks(c, s); /* PyTorch ignores the maximum here */
    struct span sep = str(c, 1);
    int64_t max = ptm_arg_int(c->t, c->arg[2]);
    struct ptm_list *l = list(c);
    size_t at = 0, hit;
    if (!sep.n)
        return raise(c, "ValueError: empty separator");
    for (int64_t k = 0; (max < 0 || k < max) && (hit = find_in(s, sep, at)) != SIZE_MAX; k++) {
        if (!put(c, l, s.s + at, hit - at))
            return ptm_none();
        at = hit + sep.n;
    }
    put(c, l, s.s + at, s.n - at);
    return list_ival(l);
}

static struct ptm_ival rsplit(const struct ptm_lower_call *c)
{
    struct span s = str(c, 0), sep = str(c, 1);
    int64_t max = ptm_arg_int(c->t, c->arg[2]);
    struct ptm_list *l = list(c);
    size_t hit;
    if (!sep.n)
        return raise(c, "ValueError: empty separator");
    for (int64_t k = 0; (max < 0 || k < max) && (hit = find_last(s, sep)) != SIZE_MAX; k++) {
        if (!put(c, l, s.s + hit + sep.n, s.n - hit - sep.n))
            return ptm_none();
        s.n = hit;
    }
    put(c, l, s.s, s.n);
    for (size_t i = 0; l && i < l->n / 2; i++) {
        struct ptm_ival v = l->v[i];
        l->v[i] = l->v[l->n - 1 - i];
        l->v[l->n - 1 - i] = v;
    }
    return list_ival(l);
}

/* Every line end is one character for PyTorch, "\r\n" two; ends that are kept are apart. */
static struct ptm_ival split_lines(const struct ptm_lower_call *c)
{
    struct span s = str(c, 0);
    bool keep = ptm_arg_bool(c->t, c->arg[1]);
    struct ptm_list *l = list(c);
    size_t start = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (!memchr("\n\r\v\f\x1c\x1d\x1e", s.s[i], 7))
            continue;
        put(c, l, s.s + start, i - start);
        if (keep)
            put(c, l, s.s + i, 1);
        start = i + 1;
    }
    if (start < s.n)
        put(c, l, s.s + start, s.n - start);
    return list_ival(l);
}

static struct ptm_ival three(const struct ptm_lower_call *c, struct span a, struct span b,
                             struct span d)
{
    struct ptm_list *l = list(c);
    if (!put(c, l, a.s, a.n) || !put(c, l, b.s, b.n) || !put(c, l, d.s, d.n))
        return ptm_none();
    return (struct ptm_ival){.tag = PTM_TUPLE, .u.list = l};
}

static struct ptm_ival partition(const struct ptm_lower_call *c)
{
    struct span s = str(c, 0), sep = str(c, 1), none = {"", 0};
    size_t at = find_in(s, sep, 0);
    if (at == SIZE_MAX)
        return three(c, s, none, none);
    return three(c, (struct span){s.s, at}, sep,
                 (struct span){s.s + at + sep.n, s.n - at - sep.n});
}

static struct ptm_ival rpartition(const struct ptm_lower_call *c)
{
    struct span s = str(c, 0), sep = str(c, 1), none = {"", 0};
    size_t at = find_last(s, sep);
    if (at == SIZE_MAX)
        return three(c, none, none, s);
    return three(c, (struct span){s.s, at}, sep,
                 (struct span){s.s + at + sep.n, s.n - at - sep.n});
}

/* -- changing -- */

static struct ptm_ival strip_sides(const struct ptm_lower_call *c, bool left, bool right)
{
    struct span s = str(c, 0), chars = str(c, 1);
    while (left && s.n && memchr(chars.s, s.s[0], chars.n)) {
        s.s++;
        s.n--;
    }
    while (right && s.n && memchr(chars.s, s.s[s.n - 1], chars.n))
        s.n--;
    return result(c, s.s, s.n);
}

static struct ptm_ival strip(const struct ptm_lower_call *c)
{
    return strip_sides(c, true, true);
}

static struct ptm_ival lstrip(const struct ptm_lower_call *c)
{
    return strip_sides(c, true, false);
}

static struct ptm_ival rstrip(const struct ptm_lower_call *c)
{
    return strip_sides(c, false, true);
}

static struct ptm_ival replace(const struct ptm_lower_call *c)
{
    struct span s = str(c, 0), old = str(c, 1), by = str(c, 2);
    int64_t max = ptm_arg_int(c->t, c->arg[3]);
    struct ptm_text b = text(c);
    size_t at = 0, hit;
    for (int64_t k = 0; old.n && (max < 0 || k < max); k++) {
        hit = find_in(s, old, at);
        if (hit == SIZE_MAX || ptm_trace_failed(c->t))
            break;
        ptm_text_add(&b, s.s + at, hit - at);
        ptm_text_add(&b, by.s, by.n);
        at = hit + old.n;
    }
    ptm_text_add(&b, s.s + at, s.n - at);
    return ptm_text_str(&b);
}

static void fill(struct ptm_text *b, char ch, int64_t n)
{
    char some[64];
    memset(some, ch, sizeof(some));
    for (int64_t k; n > 0 && !ptm_trace_failed(b->t); n -= k) {
        k = n < (int64_t)sizeof(some) ? n : (int64_t)sizeof(some);
        ptm_text_add(b, some, (size_t)k);
    }
}

/* side: -1 text at the left, 1 at the right, 0 in the middle. */
static struct ptm_ival justify(const struct ptm_lower_call *c, int side)
{
    struct span s = str(c, 0), ch = str(c, 2);
    int64_t n = ptm_arg_size(c->t, c->arg[1]) - (int64_t)s.n;
    struct ptm_text b = text(c);
    if (ch.n != 1)
        return raise(c, "TypeError: the fill character must be exactly one character long");
    int64_t before = side < 0 ? 0 : side > 0 ? n : n > 0 ? n / 2 + (n & 1 & (n + (int64_t)s.n)) : 0;
    fill(&b, ch.s[0], before);
    ptm_text_add(&b, s.s, s.n);
    fill(&b, ch.s[0], n - before);
    return ptm_text_str(&b);
}

static struct ptm_ival ljust(const struct ptm_lower_call *c)
{
    return justify(c, -1);
}

static struct ptm_ival rjust(const struct ptm_lower_call *c)
{
    return justify(c, 1);
}

static struct ptm_ival center(const struct ptm_lower_call *c)
{
    return justify(c, 0);
}

static struct ptm_ival zfill(const struct ptm_lower_call *c)
{
    struct span s = str(c, 0);
    struct ptm_text b = text(c);
    fill(&b, '0', ptm_arg_size(c->t, c->arg[1]) - (int64_t)s.n); /* PyTorch leaves a sign behind */
    ptm_text_add(&b, s.s, s.n);
    return ptm_text_str(&b);
}

static struct ptm_ival expand_tabs(const struct ptm_lower_call *c)
{
    struct span s = str(c, 0);
    int64_t tab = ptm_arg_size(c->t, c->arg[1]), at = 0;
    struct ptm_text b = text(c);
    for (size_t i = 0; i < s.n; i++) {
        if (s.s[i] == '\t') {
            int64_t n = tab > 0 ? tab - at % tab : 0;
            fill(&b, ' ', n);
            at += n;
            continue;
        }
        ptm_text_add(&b, s.s + i, 1);
        at = s.s[i] == '\n' || s.s[i] == '\r' ? 0 : at + 1;
    }
    return ptm_text_str(&b);
}

enum letter_case { UPPER, LOWER, SWAP, CAPITAL, TITLE };

static struct ptm_ival recase(const struct ptm_lower_call *c, enum letter_case how)
{
    struct span s = str(c, 0);
    struct ptm_text b = text(c);
    bool start = true;
    for (size_t i = 0; i < s.n; i++) {
        int ch = (unsigned char)s.s[i];
        bool up = how == UPPER || (how == SWAP && islower(ch)) ||
                  ((how == CAPITAL || how == TITLE) && start);
        char out = (char)(up ? toupper(ch) : tolower(ch));
        ptm_text_add(&b, &out, 1);
        start = how == TITLE && !isalpha(ch);
    }
    return ptm_text_str(&b);
}

static struct ptm_ival upper(const struct ptm_lower_call *c)
{
    return recase(c, UPPER);
}

static struct ptm_ival lower(const struct ptm_lower_call *c)
{
    return recase(c, LOWER);
}

static struct ptm_ival swap_case(const struct ptm_lower_call *c)
{
    return recase(c, SWAP);
}

static struct ptm_ival capitalize(const struct ptm_lower_call *c)
{
    return recase(c, CAPITAL);
}

static struct ptm_ival title(const struct ptm_lower_call *c)
{
    return recase(c, TITLE);
}

/* -- questions: every character is of the class, and there is one -- */

static struct ptm_ival every(const struct ptm_lower_call *c, int (*is)(int), bool of_none)
{
    struct span s = str(c, 0);
    for (size_t i = 0; i < s.n; i++)
        if (!is((unsigned char)s.s[i]))
            return ptm_bool(false);
    return ptm_bool(s.n || of_none);
}

static struct ptm_ival is_alpha(const struct ptm_lower_call *c)
{
    return every(c, isalpha, false);
}

static struct ptm_ival is_alnum(const struct ptm_lower_call *c)
{
    return every(c, isalnum, false);
}

static struct ptm_ival is_digit(const struct ptm_lower_call *c)
{
    return every(c, isdigit, false);
}

static struct ptm_ival is_space(const struct ptm_lower_call *c)
{
    return every(c, isspace, false);
}

static struct ptm_ival is_printable(const struct ptm_lower_call *c)
{
    return every(c, isprint, true);
}

static struct ptm_ival one_case(const struct ptm_lower_call *c, int (*is)(int), int (*other)(int))
{
    struct span s = str(c, 0);
    bool any = false;
    for (size_t i = 0; i < s.n; i++) {
        any |= is((unsigned char)s.s[i]) != 0;
        if (other((unsigned char)s.s[i]))
            return ptm_bool(false);
    }
    return ptm_bool(any);
}

static struct ptm_ival is_upper(const struct ptm_lower_call *c)
{
    return one_case(c, isupper, islower);
}

static struct ptm_ival is_lower(const struct ptm_lower_call *c)
{
    return one_case(c, islower, isupper);
}

static struct ptm_ival is_title(const struct ptm_lower_call *c)
{
    struct span s = str(c, 0);
    bool start = true, any = false;
    for (size_t i = 0; i < s.n; i++) {
        int ch = (unsigned char)s.s[i];
        if (isalpha(ch) && (start ? !isupper(ch) : !islower(ch)))
            return ptm_bool(false);
        any |= isalpha(ch) != 0;
        start = !isalpha(ch);
    }
    return ptm_bool(any);
}

static struct ptm_ival is_identifier(const struct ptm_lower_call *c)
{
    struct span s = str(c, 0);
    if (!s.n || isdigit((unsigned char)s.s[0]))
        return ptm_bool(false);
    return every(c, isalnum, false); /* PyTorch knows no underscore here */
}

/* -- characters and numbers -- */

static struct ptm_ival ord(const struct ptm_lower_call *c)
{
    struct span s = str(c, 0);
    if (s.n != 1)
        return ptm_trace_fail(c->t, PTM_ERR_RAISED, "the model raised TypeError: ord() wants 1 "
                                                    "character, found %zu", s.n);
    return ptm_int((unsigned char)s.s[0]);
}

static struct ptm_ival chr(const struct ptm_lower_call *c)
{
    int64_t i = ptm_arg_int(c->t, c->arg[0]);
    char ch = (char)(unsigned char)i;
    if (i < 0 || i >= 0x110000)
        return raise(c, "ValueError: chr() arg not in range(0x110000)");
    return result(c, &ch, 1);
}

static struct ptm_ival in_base(const struct ptm_lower_call *c, unsigned shift, char letter)
{
    int64_t i = ptm_arg_int(c->t, c->arg[0]);
    uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    char buf[72], *p = buf + sizeof(buf);
    do {
        *--p = "0123456789abcdef"[u & ((1u << shift) - 1)];
        u >>= shift;
    } while (u);
    *--p = letter;
    *--p = '0';
    if (i < 0)
        *--p = '-';
    return result(c, p, (size_t)(buf + sizeof(buf) - p));
}

static struct ptm_ival hex(const struct ptm_lower_call *c)
{
    return in_base(c, 4, 'x');
}

static struct ptm_ival oct(const struct ptm_lower_call *c)
{
    return in_base(c, 3, 'o');
}

static struct ptm_ival bin(const struct ptm_lower_call *c)
{
    return in_base(c, 1, 'b');
}

const struct ptm_lowering ptm_lower_str[] = {
    {"aten::len.str", len},
    {"aten::__getitem__.str", getitem},
    {"prim::StringIndex", getitem},
    {"aten::slice.str", slice},
    {"aten::list", letters},
    {"aten::add.str", concat},
    {"aten::join", join},
    {"aten::find", find},
    {"aten::rfind", rfind},
    {"aten::index.str", index_in},
    {"aten::rindex", rindex},
    {"aten::count", count},
    {"aten::startswith", starts_with},
    {"aten::endswith", ends_with},
    {"aten::split.str", split},
    {"aten::rsplit", rsplit},
    {"aten::splitlines", split_lines},
    {"aten::partition", partition},
    {"aten::rpartition", rpartition},
    {"aten::strip", strip},
    {"aten::lstrip", lstrip},
    {"aten::rstrip", rstrip},
    {"aten::replace", replace},
    {"aten::ljust", ljust},
    {"aten::rjust", rjust},
    {"aten::center", center},
    {"aten::zfill", zfill},
    {"aten::expandtabs", expand_tabs},
    {"aten::upper", upper},
    {"aten::lower", lower},
    {"aten::swapcase", swap_case},
    {"aten::capitalize", capitalize},
    {"aten::title", title},
    {"aten::isalpha", is_alpha},
    {"aten::isalnum", is_alnum},
    {"aten::isdigit", is_digit},
    {"aten::isdecimal", is_digit},
    {"aten::isnumeric", is_digit},
    {"aten::isspace", is_space},
    {"aten::isupper", is_upper},
    {"aten::islower", is_lower},
    {"aten::istitle", is_title},
    {"aten::isidentifier", is_identifier},
    {"aten::isprintable", is_printable},
    {"aten::ord", ord},
    {"aten::chr", chr},
    {"aten::hex", hex},
    {"aten::oct", oct},
    {"aten::bin", bin},
    {NULL, NULL},
};
