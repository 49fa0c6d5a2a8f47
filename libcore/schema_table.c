/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of operator schemas: aten.inc's rows, and their decoding.
 *
 * The rows are text, sorted by name. The overloads of one name are decoded
 * together when they are first asked for, into one block that is kept for the
 * life of the process; several threads may race for that, one of them wins.
 */
#include "libcore/schema.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const char *const rows[] = {
#include "libcore/aten.inc"
};
enum { N_ROWS = (int)PTM_LEN(rows) };

struct group {
    size_t n;
    const struct ptm_schema *schema;
};
static _Atomic(struct group *) groups[N_ROWS]; /* at the number of a name's first row */

static const struct {
    const char *name;
    uint8_t type;
} types[] = {
    {"Tensor", S_TENSOR}, {"int", S_INT}, {"float", S_FLOAT}, {"bool", S_BOOL},
    {"Scalar", S_NUMBER}, {"str", S_STR}, {"Device", S_DEVICE}, {"ScalarType", S_DTYPE},
    {"Layout", S_LAYOUT}, {"MemoryFormat", S_MEMORY_FORMAT}, {"Generator", S_GENERATOR},
    {"Storage", S_STORAGE}, {"Class", S_CLASS}, {"t", S_T}, {"Any", S_ANY},
};

const char *ptm_schema_type_name(enum ptm_sty type)
{
    for (size_t i = 0; i < PTM_LEN(types); i++)
        if (types[i].type == type)
            return types[i].name;
    return "Any";
}

/* strcmp of a row's name, which ends at '.' or '('. */
static int compare_name(const char *row, const char *name)
{
    size_t n = strcspn(row, ".(");
    int c = strncmp(row, name, n);
    return c ? c : name[n] ? -1 : 0;
}

/* The first row of a name; N_ROWS: none. */
static int first_row(const char *name)
{
    int lo = 0, hi = N_ROWS;
    while (lo < hi) {
        int mid = lo + (hi - lo) / 2;
        if (compare_name(rows[mid], name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < N_ROWS && !compare_name(rows[lo], name) ? lo : N_ROWS;
}

bool ptm_schema_exists(const char *name)
{
    return first_row(name) < N_ROWS;
}

/* Ends the text at the next separator outside quotes and brackets, and moves on to what
 * follows it. False: that was the last argument. */
static bool cut_argument(char **at)
{
    char *s = *at;
    int depth = 0;
    bool quote = false;
    for (; *s; s++) {
        if (quote && *s == '\\')
            s++;
        else if (*s == '"')
            quote = !quote;
        else if (!quote && *s == '[')
            depth++;
        else if (!quote && *s == ']')
            depth--;
        else if (!quote && !depth && (*s == ',' || *s == ')'))
            break;
    }
    bool more = *s == ',';
    *s = 0;
    *at = s + (more ? strlen(", ") : strlen(")"));
    return more;
}

/* "Tensor?[]!", "int[2]?", "Dict.str!": one type, ended by NUL. */
static void decode_type(struct ptm_sarg *a, char *s)
{
    if (!strncmp(s, "Dict.", 5)) {
        a->dict = true;
        s += 5;
    } else if (!strncmp(s, "Tuple.", 6)) {
        a->tuple = true;
        s += 6;
    }
    size_t n = strcspn(s, "?[!");
    a->type = S_ANY;
    for (size_t i = 0; i < PTM_LEN(types); i++)
        if (strlen(types[i].name) == n && !strncmp(types[i].name, s, n))
            a->type = types[i].type;
    for (s += n; *s; s++) {
        if (*s == '!') {
            a->write = true;
        } else if (*s == '?') {
            a->optional = true;
        } else if (*s == '[') {
            a->list = true;
            a->optional_elem = a->optional;
            a->optional = false;
            a->fixed_n = (int)strtol(s + 1, NULL, 10); /* "[]" is 0 */
            s = strchr(s, ']');
        }
    }
}

/* Decodes a row, in place: `s` is a copy of it. Gives the number of arguments written. */
static size_t decode_row(struct ptm_schema *schema, struct ptm_sarg *arg, char *s)
{
    size_t n = 0;
    bool kwarg_only = false;
    schema->name = s;
    schema->overload = "";
    schema->arg = arg;
    s += strcspn(s, ".(");
    if (*s == '.') {
        *s++ = 0;
        schema->overload = s;
        s += strcspn(s, "(");
    }
    *s++ = 0;
    for (bool more = true; more;) {
        char *one = s;
        more = cut_argument(&s);
        if (!strcmp(one, "*")) {
            kwarg_only = true;
        } else if (!strcmp(one, "...")) {
            schema->vararg = true;
        } else if (*one) {
            char *name = strchr(one, ' ');
            char *def = strchr(one, '=');
            *name = 0;
            if (def)
                *def = 0;
            arg[n].name = name + 1;
            arg[n].def = def ? def + 1 : NULL;
            arg[n].has_default = def != NULL;
            arg[n].kwarg_only = kwarg_only;
            decode_type(&arg[n++], one);
        }
    }
    schema->n_args = (uint8_t)n;
    schema->n_rets = (uint8_t)strtol(s + strlen(" -> "), NULL, 10);
    return n;
}

static struct group *decode_group(int first)
{
    size_t name_n = strcspn(rows[first], ".("), n = 0, n_args = 0, text = 0;
    for (int i = first; i < N_ROWS; i++, n++) {
        if (strcspn(rows[i], ".(") != name_n || strncmp(rows[i], rows[first], name_n))
            break;
        for (const char *p = rows[i]; *p; p++)
            n_args += *p == ',' || *p == '(';
        text += strlen(rows[i]) + 1;
    }
    struct group *g = ptm_malloc(sizeof(*g) + n * sizeof(struct ptm_schema) +
                                 n_args * sizeof(struct ptm_sarg) + text);
    if (!g)
        return NULL;
    struct ptm_schema *schema = (struct ptm_schema *)(g + 1);
    struct ptm_sarg *arg = (struct ptm_sarg *)(schema + n);
    char *s = (char *)(arg + n_args);
    g->n = n;
    g->schema = schema;
    for (size_t i = 0; i < n; i++) {
        size_t size = strlen(rows[(size_t)first + i]) + 1;
        memcpy(s, rows[(size_t)first + i], size);
        arg += decode_row(&schema[i], arg, s);
        s += size;
    }
    return g;
}

const struct ptm_schema *ptm_schemas_find(const char *name, size_t *n)
{
    *n = 0;
    int first = first_row(name);
    if (first == N_ROWS)
        return NULL;
    struct group *g = atomic_load(&groups[first]);
    if (!g) {
        struct group *mine = decode_group(first);
        if (!mine)
            return NULL;
        if (atomic_compare_exchange_strong(&groups[first], &g, mine))
            g = mine;
        else
            ptm_free(mine);
    }
    *n = g->n;
    return g->schema;
}
