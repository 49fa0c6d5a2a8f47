/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of profiles, added up to lines. Lines are sets of rows with a key in common: by type and
 * by module a row has one name (by module also each module around it); by op, with several
 * profiles, its keys are its places, and lines are what is connected by them: what one backend
 * fuses and another does not comes together in one line.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/profile.h"

struct item {
    size_t profile;
    const struct bench_row *row;
    size_t set; /* smallest connected item found so far */
};
struct key {
    uint64_t hash;
    size_t item;
};
struct maker {
    struct ptm_arena *arena;
    const struct bench_profile *p;
    size_t n;
    struct item *item;
    size_t n_items;
    struct bench_line *line;
    size_t n_lines, cap_lines;
};

/* -- adding up -- */

static bool same_kernel(const struct bench_row *a, const struct bench_row *b)
{
    return !strcmp(a->backend, b->backend) && !strcmp(a->kernel, b->kernel) &&
           !strcmp(a->isa, b->isa);
}

static void add_row(struct bench_line *l, size_t profile, const struct bench_row *row)
{
    struct bench_cell *c = &l->cell[profile];
    c->one_kernel = c->steps ? c->one_kernel && same_kernel(c->row, row) : true;
    if (!c->steps++)
        c->row = row;
    c->ns += row->time.median;
    c->calls += row->calls;
    c->macs += row->macs;
    c->flops += row->flops;
    c->bytes += row->bytes;
}

static struct bench_line *new_line(struct maker *m, const char *name, size_t order)
{
    void *lines = m->line;
    if (!ptm_arena_grow(m->arena, &lines, &m->cap_lines, m->n_lines + 1, sizeof(*m->line)))
        return NULL;
    m->line = lines;
    struct bench_line *l = &m->line[m->n_lines];
    *l = (struct bench_line){.name = name, .module = "", .aten = "", .order = order,
                             .cell = ptm_arena_array(m->arena, m->n, sizeof(*l->cell))};
    if (!l->cell)
        return NULL;
    m->n_lines++;
    return l;
}

/* -- by op -- */

static void each_row(struct maker *m)
{
    for (size_t i = 0; i < m->n_items; i++) {
        const struct bench_row *row = m->item[i].row;
        struct bench_line *l = new_line(m, row->op, i);
        if (!l)
            return;
        l->module = row->module;
        l->aten = row->aten;
        add_row(l, 0, row);
    }
}

static uint64_t hash_text(uint64_t h, const char *s)
{
    for (; *s; s++)
        h = (h ^ (uint8_t)*s) * UINT64_C(0x100000001b3);
    return (h ^ 0xff) * UINT64_C(0x100000001b3);
}

/* Copies into another order stay apart from what made the value. */
static uint64_t place_key(const struct bench_row *row, const struct bench_place *p)
{
    uint64_t h = hash_text(UINT64_C(0xcbf29ce484222325), strcmp(row->op, "reorder") ? "" : row->op);
    h = hash_text(hash_text(hash_text(h, p->path), p->aten), p->file);
    return (h ^ p->line) * UINT64_C(0x100000001b3);
}

/* What has no place is known by what it is. */
static uint64_t type_key(const struct bench_row *row)
{
    uint64_t h = hash_text(row->piece ^ row->out.dtype, row->op);
    for (int i = 0; i < row->out.rank; i++)
        h = (h ^ (uint64_t)row->out.dim[i]) * UINT64_C(0x100000001b3);
    return h;
}

static int by_hash(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

static size_t set_of(struct item *item, size_t i)
{
    while (item[i].set != i)
        i = item[i].set = item[item[i].set].set;
    return i;
}

static void connect(struct maker *m)
{
    size_t n = 0, k = 0;
    for (size_t i = 0; i < m->n_items; i++)
        n += m->item[i].row->n_places + 1;
    struct key *key = ptm_arena_array(m->arena, n + 1, sizeof(*key));
    if (!key)
        return;
    for (size_t i = 0; i < m->n_items; i++) {
        const struct bench_row *row = m->item[i].row;
        for (size_t j = 0; j < row->n_places; j++)
            key[k++] = (struct key){place_key(row, &row->place[j]), i};
        if (!row->n_places)
            key[k++] = (struct key){type_key(row), i};
    }
    qsort(key, k, sizeof(*key), by_hash);
    for (size_t i = 1; i < k; i++) {
        size_t a = set_of(m->item, key[i - 1].item), b = set_of(m->item, key[i].item);
        if (key[i].hash == key[i - 1].hash)
            m->item[a > b ? a : b].set = a > b ? b : a;
    }
}

/* Is the word one of those that '+' joins? */
static bool has_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = text; (p = strstr(p, word)) != NULL; p++)
        if ((p == text || p[-1] == '+') && (!p[n] || p[n] == '+'))
            return true;
    return false;
}

static void join_sets(struct maker *m)
{
    size_t *line_of = ptm_arena_array(m->arena, m->n_items + 1, sizeof(*line_of));
    connect(m);
    if (!line_of || m->arena->failed)
        return;
    for (size_t i = 0; i < m->n_items; i++) {
        const struct bench_row *row = m->item[i].row;
        size_t set = set_of(m->item, i);
        /* in the order of the model, whichever backend has the row */
        size_t order = (size_t)(row - m->p[m->item[i].profile].row);
        if (set == i) {
            line_of[i] = m->n_lines;
            if (!new_line(m, row->op, order))
                return;
        }
        struct bench_line *l = &m->line[line_of[set]];
        char name[200];
        if (!has_word(l->name, row->op) && strlen(l->name) + strlen(row->op) + 2 < sizeof(name)) {
            int len = snprintf(name, sizeof(name), "%s+%s", l->name, row->op);
            const char *joined = ptm_arena_str(m->arena, name, (size_t)len);
            l->name = joined ? joined : l->name;
        }
        if (set == i || strlen(row->module) < strlen(l->module))
            l->module = row->module;
        if (strlen(row->aten) > strlen(l->aten))
            l->aten = row->aten;
        if (order < l->order)
            l->order = order;
        add_row(l, m->item[i].profile, row);
    }
}

/* -- by name -- */

static struct bench_line *named(struct maker *m, const char *name, size_t len, size_t order)
{
    for (size_t i = 0; i < m->n_lines; i++)
        if (strlen(m->line[i].name) == len && !memcmp(m->line[i].name, name, len))
            return &m->line[i];
    name = ptm_arena_str(m->arena, name, len);
    return name ? new_line(m, name, order) : NULL;
}

static void by_type(struct maker *m)
{
    for (size_t i = 0; i < m->n_items; i++) {
        const struct bench_row *row = m->item[i].row;
        struct bench_line *l = NULL;
        for (size_t k = 0; k < m->n_lines && !l; k++)
            if (!strcmp(m->line[k].name, row->op) &&
                (m->n > 1 || same_kernel(m->line[k].cell[0].row, row)))
                l = &m->line[k];
        if (!l)
            l = new_line(m, row->op, i);
        if (!l)
            return;
        add_row(l, m->item[i].profile, row);
    }
}

/* A row counts in its module and in each that this one is in. */
static void by_module(struct maker *m)
{
    for (size_t i = 0; i < m->n_items; i++) {
        const struct bench_row *row = m->item[i].row;
        const char *end = row->module;
        struct bench_line *l = named(m, "(model)", 7, i);
        if (!l)
            return;
        add_row(l, m->item[i].profile, row);
        while (*end) {
            end += *end == '.';
            end += strcspn(end, ".");
            if (!(l = named(m, row->module, (size_t)(end - row->module), i)))
                return;
            add_row(l, m->item[i].profile, row);
        }
    }
}

/* -- order -- */

static double first_time(const struct bench_line *l)
{
    const struct bench_cell *c = l->cell;
    return c->steps ? c->ns : 0;
}

static int slower_first(const void *a, const void *b)
{
    const struct bench_line *x = a, *y = b;
    double s = first_time(x), t = first_time(y);
    return s != t ? (s > t ? -1 : 1) : (x->order > y->order) - (x->order < y->order);
}

static int earlier_first(const void *a, const void *b)
{
    const struct bench_line *x = a, *y = b;
    return x->order != y->order ? (x->order > y->order) - (x->order < y->order)
                                : strcmp(x->name, y->name);
}

enum ptm_status bench_lines_make(struct bench_line **out, size_t *n_out, struct ptm_arena *a,
                                 const struct bench_profile *p, size_t n, enum bench_view by,
                                 bool by_time, struct ptm_err *err)
{
    struct maker m = {.arena = a, .p = p, .n = n};
    size_t all = 0;
    for (size_t i = 0; i < n; i++)
        all += p[i].n_rows;
    m.item = ptm_arena_array(a, all + 1, sizeof(*m.item));
    for (size_t i = 0; i < n && m.item; i++)
        for (size_t k = 0; k < p[i].n_rows; k++)
            if (p[i].row[k].kind == PTM_EVENT_STEP) {
                m.item[m.n_items] = (struct item){i, &p[i].row[k], m.n_items};
                m.n_items++;
            }
    if (m.item && by == BENCH_BY_OP && n == 1)
        each_row(&m);
    else if (m.item && by == BENCH_BY_OP)
        join_sets(&m);
    else if (m.item && by == BENCH_BY_TYPE)
        by_type(&m);
    else if (m.item)
        by_module(&m);
    if (a->failed)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the lines of the profile");
    if (m.n_lines)
        qsort(m.line, m.n_lines, sizeof(*m.line), by_time ? slower_first : earlier_first);
    *out = m.line;
    *n_out = m.n_lines;
    return PTM_OK;
}
