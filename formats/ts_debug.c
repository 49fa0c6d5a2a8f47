/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Positions: a line of code/..., and from its .debug_pkl the user's own line.
 *
 * A .debug_pkl is a tuple of records (offset, range, tag), of older files (offset, tag, range) or
 * (offset, range), by rising offset. A range is (source, start, end) in bytes of the source's
 * text; a source is (text, file name, first line). Files since 2021 are
 * ("FORMAT_WITH_STRING_TABLE", strings, records): there a text is a list of string numbers and
 * a file name one number. What does not look so is not an error: the position is not known.
 */
#include "formats/pickle.h"
#include "formats/ts.h"

#include <string.h>

enum { MAX_LINE = 160 };

static const struct ptm_list *tuple_of(struct ptm_ival v, size_t at_least)
{
    return v.tag == PTM_TUPLE && v.u.list->n >= at_least ? v.u.list : NULL;
}

static bool read_record(struct ptm_ival v, struct ts_range *r)
{
    const struct ptm_list *rec = tuple_of(v, 2);
    if (!rec || rec->v[0].tag != PTM_INT)
        return false;
    const struct ptm_list *range = tuple_of(rec->v[1], 3);
    if (!range && rec->n > 2)
        range = tuple_of(rec->v[2], 3);
    const struct ptm_list *source = range ? tuple_of(range->v[0], 3) : NULL;
    if (!source || range->v[1].tag != PTM_INT || source->v[2].tag != PTM_INT)
        return false;
    *r = (struct ts_range){.at = rec->v[0].u.i, .start = range->v[1].u.i, .source = source};
    return true;
}

static void read_ranges(struct ts_load *ld, struct ts_file *f)
{
    static const struct ptm_pickle_hooks no_hooks;
    const uint8_t *bytes;
    size_t n;
    struct ptm_ival v;
    struct ptm_err ignored = {0};
    f->ranges_read = true;
    if (!f->debug || ptm_zip_read(&ld->scratch, f->debug, 0, true, &bytes, &n, &ignored) ||
        ptm_pickle_load(&ld->scratch, f->name, bytes, n, &no_hooks, &v, &ignored))
        return;
    const struct ptm_list *top = tuple_of(v, 1), *strings = NULL;
    if (top && top->n == 3 && top->v[0].tag == PTM_STR &&
        !strcmp(top->v[0].u.str->s, "FORMAT_WITH_STRING_TABLE")) {
        strings = tuple_of(top->v[1], 0);
        top = strings ? tuple_of(top->v[2], 0) : NULL;
    }
    if (!top)
        return;
    struct ts_range *range = ptm_arena_array(&ld->scratch, top->n + 1, sizeof *range);
    size_t k = 0;
    for (size_t i = 0; range && i < top->n; i++)
        if (read_record(top->v[i], &range[k]) && (!k || range[k].at >= range[k - 1].at))
            k++;
    f->range = range;
    f->n_range = range ? k : 0;
    f->strings = strings;
}

static const struct ptm_str *string_number(const struct ts_file *f, struct ptm_ival v)
{
    if (v.tag == PTM_STR)
        return v.u.str;
    if (v.tag != PTM_INT || !f->strings || v.u.i < 0 || (uint64_t)v.u.i >= f->strings->n ||
        f->strings->v[v.u.i].tag != PTM_STR)
        return NULL;
    return f->strings->v[v.u.i].u.str;
}

/* The line with byte `start` of the text in front of it, and how many lines come before. The
 * pieces of a text in a string table are whole lines, but for its last. */
struct line_search {
    int64_t left; /* bytes up to start */
    uint32_t lines;
    const char *line;
    size_t len;
};

static bool search_piece(struct line_search *x, const struct ptm_str *s)
{
    const char *p = s->s, *end = s->s + s->len;
    while (p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        size_t n = nl ? (size_t)(nl - p) + 1 : (size_t)(end - p);
        if ((int64_t)n > x->left) {
            x->line = p;
            x->len = nl ? n - 1 : n;
            return true;
        }
        x->left -= (int64_t)n;
        x->lines += nl != NULL;
        p += n;
    }
    return false;
}

static bool search_text(struct ts_load *ld, const struct ts_file *f, struct ptm_ival text,
                        struct line_search *x)
{
    if (text.tag == PTM_STR) {
        if (text.u.str->len > ld->text_budget)
            return false;
        ld->text_budget -= text.u.str->len;
        return search_piece(x, text.u.str);
    }
    for (size_t i = 0; text.tag == PTM_LIST && i < text.u.list->n; i++) {
        const struct ptm_str *s = string_number(f, text.u.list->v[i]);
        if (!s || s->len + 1 > ld->text_budget)
            return false;
        ld->text_budget -= s->len + 1;
        if (search_piece(x, s))
            return true;
    }
    return false;
}

/* The user's line of a range: file NULL where it is not known. */
static enum ptm_status look_up(struct ts_load *ld, const struct ts_file *f, struct ts_range *r)
{
    struct line_search x = {.left = r->start};
    const struct ptm_str *file = string_number(f, r->source->v[1]);
    int64_t first = r->source->v[2].u.i;
    r->line = 1;
    if (!file || !file->len || first < 0 || first > INT32_MAX / 2 || r->start < 0 ||
        !search_text(ld, f, r->source->v[0], &x))
        return PTM_OK;
    while (x.len && (*x.line == ' ' || *x.line == '\t')) {
        x.line++;
        x.len--;
    }
    uint32_t known;
    if (!ts_map_get(&ld->files, file->s, file->len, &known)) {
        PTM_TRY(ts_grow(ld, &ld->scratch, &ld->file_name, &ld->cap_file_names, ld->n_file_names,
                        sizeof *ld->file_name));
        char *copy = ptm_arena_str(ld->arena, file->s, file->len);
        TS_NEED(ld, copy);
        known = (uint32_t)ld->n_file_names;
        ld->file_name[ld->n_file_names++] = copy;
        if (!ts_map_put(&ld->scratch, &ld->files, copy, file->len, known))
            return ptm_fail(ld->err, PTM_ERR_MEMORY, "no memory for the program");
    }
    r->file = ld->file_name[known];
    r->text = ptm_arena_str(ld->arena, x.line, x.len < MAX_LINE ? x.len : MAX_LINE);
    TS_NEED(ld, r->text);
    uint64_t line = (uint64_t)first + x.lines;
    r->line = line > UINT32_MAX ? UINT32_MAX : line ? (uint32_t)line : 1;
    return PTM_OK;
}

/* The last range that begins at or before `at`; n_range: none. */
static size_t find_range(const struct ts_file *f, int64_t at)
{
    size_t lo = 0, hi = f->n_range;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (f->range[mid].at <= at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo ? lo - 1 : f->n_range;
}

enum ptm_status ts_pos(struct ts_load *ld, struct ts_file *f, const struct ts_token *tok,
                       uint32_t *out)
{
    struct ptm_program *p = ld->p;
    if (!f->ranges_read)
        read_ranges(ld, f);
    size_t i = find_range(f, tok->at);
    if (ld->pos_file == f && ld->pos_range == i && p->n_pos > 1 &&
        p->pos[p->n_pos - 1].line == tok->line) {
        *out = p->n_pos - 1;
        return PTM_OK;
    }
    struct ptm_pos pos = {.file = f->name, .line = tok->line};
    if (i < f->n_range) {
        struct ts_range *r = &f->range[i];
        if (!r->line)
            PTM_TRY(look_up(ld, f, r));
        if (r->file) {
            pos.src_file = r->file;
            pos.src_line = r->line;
            pos.src_text = r->text;
        }
    }
    PTM_TRY(ts_grow(ld, &ld->scratch, &p->pos, &ld->cap_pos, p->n_pos, sizeof *p->pos));
    p->pos[p->n_pos] = pos;
    ld->pos_file = f;
    ld->pos_range = i;
    *out = p->n_pos++;
    return PTM_OK;
}
