/* SPDX-License-Identifier: BSD-2-Clause */
/* Parses options by a table, suggests the nearest name, prints the usage from the same table. */
#include "cmd/opts.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"

bool str_list_add(struct str_list *l, const char *s)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 8;
        const char **v = realloc(l->v, cap * sizeof(*v));
        if (!v)
            return false;
        l->v = v;
        l->cap = cap;
    }
    l->v[l->n++] = s;
    return true;
}

void str_list_free(struct str_list *l)
{
    free(l->v);
    *l = (struct str_list){0};
}

/* Edits (insert, delete, replace, swap of neighbours) from a to b. Long names are not compared. */
static size_t edits(const char *a, const char *b)
{
    enum { MAX = 48 };
    size_t row[3][MAX + 1], n = strlen(a), m = strlen(b);
    if (n > MAX || m > MAX)
        return MAX;
    for (size_t j = 0; j <= m; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *cur = row[i % 3];
        const size_t *up = row[(i - 1) % 3], *upup = row[(i + 1) % 3];
        cur[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t d = up[j - 1] + (a[i - 1] != b[j - 1]);
            if (up[j] + 1 < d)
                d = up[j] + 1;
            if (cur[j - 1] + 1 < d)
                d = cur[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                upup[j - 2] + 1 < d)
                d = upup[j - 2] + 1;
            cur[j] = d;
        }
    }
    return row[n % 3][m];
}

const char *nearest_name(const char *given, const char *(*next)(const void *ctx, size_t i),
                         const void *ctx)
{
    const char *best = NULL, *name;
    size_t len = strlen(given), best_edits = 1 + (len < 4 ? 1 : len < 9 ? 2 : 3);
    for (size_t i = 0; (name = next(ctx, i)) != NULL; i++) {
        size_t d = edits(given, name);
        if (len >= 3 && !strncmp(given, name, len))
            d = 1; /* the beginning of a name */
        if (d < best_edits) {
            best = name;
            best_edits = d;
        }
    }
    return best;
}

static const char *option_name(const void *ctx, size_t i)
{
    const struct opt *table = ctx;
    return i == 0 ? "help" : table[i - 1].name;
}

static int set_value(const struct usage *u, const struct opt *o, const char *text)
{
    char *end;
    char name[64];
    snprintf(name, sizeof(name), "--%s", o->name);
    errno = 0;
    switch ((enum opt_kind)o->kind) {
    case OPT_STR:
        *(const char **)o->out = text;
        return -1;
    case OPT_LIST:
        if (!str_list_add(o->out, text))
            return cmd_no_memory(u->command);
        return -1;
    case OPT_COUNT: {
        long long v = strtoll(text, &end, 10);
        if (end == text || *end || errno || v < 0)
            return cmd_usage(u->command, "%s wants a whole number, given '%.200s'", name, text);
        *(int64_t *)o->out = v;
        return -1;
    }
    case OPT_REAL: {
        double v = strtod(text, &end);
        if (end == text || *end || errno || !(v >= 0) || isinf(v))
            return cmd_usage(u->command, "%s wants a number that is not negative, given '%.200s'",
                             name, text);
        *(double *)o->out = v;
        return -1;
    }
    case OPT_FLAG:
    case OPT_FALSE:
        break;
    }
    return cmd_usage(u->command, "%s takes no value, given '%.200s'", name, text);
}

/* One option word (and its value) at argv[*i]. */
static int parse_option(const struct usage *u, const struct opt *table, int argc, char **argv,
                        int *i)
{
    const char *word = argv[*i], *value = NULL;
    const struct opt *o = table;
    if (word[1] == '-') {
        size_t len = strcspn(word + 2, "=");
        if (word[2 + len])
            value = word + 2 + len + 1;
        while (o->name && (strlen(o->name) != len || strncmp(o->name, word + 2, len)))
            o++;
        if (!o->name) {
            char name[64], quoted[80];
            snprintf(name, sizeof(name), "%.*s", (int)(len < 60 ? len : 60), word + 2);
            snprintf(quoted, sizeof(quoted), "--%s", name);
            const char *near = nearest_name(name, option_name, table);
            return near
                       ? cmd_usage(u->command, "no option '%s'; did you mean '--%s'?", quoted, near)
                       : cmd_usage(u->command, "no option '%s'", quoted);
        }
    } else {
        while (o->name && o->letter != word[1])
            o++;
        if (!o->name)
            return cmd_usage(u->command, "no option '%.60s'", word);
        if (word[2])
            value = word + (word[2] == '=' ? 3 : 2);
    }
    if (o->kind == OPT_FLAG || o->kind == OPT_FALSE) {
        if (value)
            return set_value(u, o, value);
        *(bool *)o->out = o->kind == OPT_FLAG;
        return -1;
    }
    if (!value) {
        if (*i + 1 >= argc)
            return cmd_usage(u->command, "--%s wants a value: %s", o->name, o->value);
        value = argv[++*i];
    }
    return set_value(u, o, value);
}

int opts_parse(const struct usage *u, const struct opt *table, int argc, char **argv,
               struct str_list *words)
{
    bool only_words = false;
    for (int i = 1; i < argc; i++) {
        if (!only_words && (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))) {
            opts_help(u, table);
            return EXIT_DONE;
        }
        if (!only_words && !strcmp(argv[i], "--")) {
            only_words = true;
        } else if (!only_words && argv[i][0] == '-' && argv[i][1]) {
            int rc = parse_option(u, table, argc, argv, &i);
            if (rc >= 0)
                return rc;
        } else if (!str_list_add(words, argv[i])) {
            return cmd_no_memory(u->command);
        }
    }
    if (words->n < u->min_words)
        return cmd_usage(u->command, "%s is missing", u->word);
    if (words->n > u->max_words)
        return u->max_words
                   ? cmd_usage(u->command, "one %s only, given '%.200s' too", u->word,
                               words->v[u->max_words])
                   : cmd_usage(u->command, "nothing expected, given '%.200s'", words->v[0]);
    return -1;
}

/* Prints text from column `at` on, broken at spaces before column 100. */
static void print_wrapped(const char *text, size_t at)
{
    size_t col = at;
    while (*text) {
        size_t len = strcspn(text, " ");
        if (col > at && col + 1 + len > 100) {
            printf("\n%*s", (int)at, "");
            col = at;
        }
        col += (size_t)printf("%s%.*s", col > at ? " " : "", (int)len, text);
        text += len;
        while (*text == ' ')
            text++;
    }
    putchar('\n');
}

/* Each line of the text, indented. */
static void print_lines(const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        printf("  %.*s\n", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

static opts_visitor *visitor;
static void *visitor_ctx;

void opts_visit(opts_visitor *visit, void *ctx)
{
    visitor = visit;
    visitor_ctx = ctx;
}

void opts_help(const struct usage *u, const struct opt *table)
{
    enum { COLUMN = 28 };
    if (visitor) {
        visitor(visitor_ctx, u, table);
        return;
    }
    printf("usage: ptm %s %s\n%s\n\n", u->command, u->synopsis, u->summary);
    for (const struct opt *o = table; o->name; o++) {
        if (!o->help)
            continue;
        char left[80];
        int n = snprintf(left, sizeof(left), "  --%s%s%s", o->name, o->value ? " " : "",
                         o->value ? o->value : "");
        if (o->letter && n < 70)
            n += snprintf(left + n, sizeof(left) - (size_t)n, ", -%c", o->letter);
        if (n >= COLUMN)
            printf("%s\n%*s", left, COLUMN, "");
        else
            printf("%-*s", COLUMN, left);
        print_wrapped(o->help, COLUMN);
    }
    printf("%-*s%s\n", COLUMN, "  --help, -h", "this text");
    if (u->notes)
        printf("\n%s", u->notes);
    if (u->examples) {
        puts("\nexamples");
        print_lines(u->examples);
    }
}
