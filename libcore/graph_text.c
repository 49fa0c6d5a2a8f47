/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Graphs as text, one line per value or node, in order of definition:
 *
 *     %0: f32[1, 3, 8, 8] = arg
 *     %1: i64[] = scalar
 *     %2: f32[4, 3, 3, 3] = const "conv.weight" key=17
 *     %3: f32[1, 4, 6, 6] = conv(%0, %2) stride=[1, 1] ... groups=1  # conv aten::conv2d net.py:12
 *     %4: f32[1, 4, 2, 6] = slice(%3) dim=2 start=%1 len=2 step=1
 *     %5: f32[1, 4, 1, 3], %6: i64[1, 4, 1, 3] = max_pool(%4) ...
 *     return %5
 *
 * `_` is an absent input. Attributes that have ops.def's default are left out. A const may have
 * stride=[...], when it is not row-major. Behind `#` come sites, with ` ; ` between: module path,
 * aten name, file:line; trailing empty ones are left out, odd characters are quoted. The parser
 * accepts results without types and infers them.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "libcore/infer.h"

/* -- writing -- */

static void put_float(FILE *f, double v)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    fputs(isnan(v) ? "nan" : text, f);
}

static void put_quoted(FILE *f, const char *s)
{
    fputc('"', f);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            fprintf(f, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            fprintf(f, "\\x%02x", c);
        else
            fputc(c, f);
    }
    fputc('"', f);
}

/* Characters of site fields that need no quotes. */
static bool bare(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("_.:/<>$-+@", c));
}

static void put_field(FILE *f, const char *s)
{
    const char *p = s;
    while (bare(*p))
        p++;
    if (*p || p == s)
        put_quoted(f, s);
    else
        fputs(s, f);
}

static void put_sites(FILE *f, const struct ptm_graph *g, const struct ptm_node *n)
{
    for (uint32_t i = 0; i < n->n_site; i++) {
        const struct ptm_site *s = &g->site[n->site + i];
        const char *path = s->path ? s->path : "", *aten = s->aten ? s->aten : "";
        const char *file = s->file ? s->file : "";
        bool with_file = *file || s->line, with_aten = *aten || with_file;
        fputs(i ? " ; " : "  # ", f);
        put_field(f, path);
        if (with_aten) {
            fputc(' ', f);
            put_field(f, aten);
        }
        if (with_file) {
            fputc(' ', f);
            put_field(f, file);
            fprintf(f, ":%" PRIu32, s->line);
        }
    }
}

static void put_attr(FILE *f, const struct ptm_attr *a, char kind)
{
    if (a->kind == A_SYM)
        fprintf(f, "%%%" PRIu32, a->u.value);
    else if (kind == 'i' || kind == 'I')
        fprintf(f, "%" PRId64, a->u.i);
    else
        put_float(f, a->u.f);
}

/* Shows what it can of graphs that the verifier would refuse. */
static void put_attrs(FILE *f, const struct ptm_graph *g, const struct ptm_node *n)
{
    struct ptm_attr_spec spec[PTM_MAX_ATTRS];
    int n_spec = ptm_op_attrs(n->op, spec);
    uint32_t at = 0;
    for (int k = 0; k < n_spec; k++) {
        bool list = spec[k].kind == 'I' || spec[k].kind == 'F';
        int64_t count = !list ? 1 : at < n->n_attr ? g->attr[n->attr + at++].u.i : -1;
        if (count < 0 || count > (int64_t)n->n_attr - at) {
            fprintf(f, " <%.*s is cut off>", spec[k].len, spec[k].name);
            return;
        }
        const struct ptm_attr *a = &g->attr[n->attr + at];
        if (spec[k].has_default && a->kind == A_IMM &&
            !memcmp(&a->u.f, &spec[k].def, sizeof(a->u.f))) {
            at++;
            continue;
        }
        fprintf(f, " %.*s=%s", spec[k].len, spec[k].name, list ? "[" : "");
        for (int64_t i = 0; i < count; i++) {
            if (i)
                fputs(", ", f);
            put_attr(f, &g->attr[n->attr + at++], spec[k].kind);
        }
        if (list)
            fputc(']', f);
    }
}

static void put_value(FILE *f, const struct ptm_graph *g, uint32_t v)
{
    char type[256];
    fprintf(f, "%%%" PRIu32 ": %s", v, ptm_type_text(&g->value[v].type, type, sizeof(type)));
}

static void put_const(FILE *f, const struct ptm_graph *g, uint32_t v)
{
    const struct ptm_const *c = &g->constant[g->value[v].ref];
    const struct ptm_type *t = &g->value[v].type;
    int64_t row_major[PTM_MAX_RANK];
    fputs(" = const", f);
    if (c->name) {
        fputc(' ', f);
        put_quoted(f, c->name);
    }
    fprintf(f, " key=%" PRIu64, c->key);
    ptm_strides_contiguous(t->rank, t->dim, row_major);
    if (!memcmp(row_major, c->stride, t->rank * sizeof(*row_major)))
        return;
    fputs(" stride=[", f);
    for (int i = 0; i < t->rank; i++)
        fprintf(f, "%s%" PRId64, i ? ", " : "", c->stride[i]);
    fputc(']', f);
}

static void put_node(FILE *f, const struct ptm_graph *g, const struct ptm_node *n)
{
    for (uint32_t i = 1; i < n->n_out; i++) {
        fputs(", ", f);
        put_value(f, g, n->out + i);
    }
    fprintf(f, " = %s(", ptm_op_info(n->op)->name);
    for (uint32_t i = 0; i < n->n_in; i++) {
        uint32_t v = g->operand[n->in + i];
        fputs(i ? ", " : "", f);
        if (v == PTM_NO_VALUE)
            fputc('_', f);
        else
            fprintf(f, "%%%" PRIu32, v);
    }
    fputc(')', f);
    put_attrs(f, g, n);
    put_sites(f, g, n);
}

void ptm_graph_dump(const struct ptm_graph *g, FILE *f)
{
    for (uint32_t v = 0; v < g->n_values; v++) {
        const struct ptm_value *value = &g->value[v];
        if (value->kind == V_NODE && value->out_no)
            continue; /* on its node's line */
        put_value(f, g, v);
        if (value->kind == V_NODE)
            put_node(f, g, &g->node[value->ref]);
        else if (value->kind == V_CONST)
            put_const(f, g, v);
        else
            fputs(value->kind == V_ARG ? " = arg" : " = scalar", f);
        fputc('\n', f);
    }
    fputs("return", f);
    for (size_t i = 0; i < g->n_outputs; i++)
        fprintf(f, "%s%%%" PRIu32, i ? ", " : " ", g->output[i]);
    fputc('\n', f);
}

/* -- reading. After the first failure `p` stays and everything gives nothing -- */

enum { MAX_CONST_BYTES = 256 << 20 }; /* of zeros made for all constants of one text */

struct parser {
    struct ptm_graph *g;
    const char *p;
    unsigned line;
    struct ptm_err *err;
    enum ptm_status status;
    size_t const_bytes;
    uint32_t *in; /* operands of the present node */
    size_t n_in, cap_in;
};

static void wrong(struct parser *s, enum ptm_status code, const char *what)
{
    char near[24];
    size_t n = 0;
    if (s->status)
        return;
    for (; n < sizeof(near) - 1 && (unsigned char)s->p[n] >= 0x20; n++)
        near[n] = s->p[n];
    near[n] = 0;
    s->status = ptm_fail(s->err, code, "line %u: %s at '%s'", s->line, what, near);
}

static void out_of_memory(struct parser *s)
{
    if (!s->status)
        s->status = ptm_fail(s->err, PTM_ERR_MEMORY, "line %u: no memory for the graph", s->line);
}

static void skip_spaces(struct parser *s)
{
    while (*s->p == ' ' || *s->p == '\t' || *s->p == '\r')
        s->p++;
}

/* Takes the text when it comes next. */
static bool take(struct parser *s, const char *text)
{
    skip_spaces(s);
    size_t n = strlen(text);
    if (s->status || strncmp(s->p, text, n))
        return false;
    s->p += n;
    return true;
}

static void want(struct parser *s, const char *text, const char *what)
{
    if (!take(s, text))
        wrong(s, PTM_ERR_FORMAT, what);
}

static int64_t number(struct parser *s)
{
    skip_spaces(s);
    bool negative = *s->p == '-';
    const char *p = s->p + negative;
    uint64_t n = 0, most = (uint64_t)INT64_MAX + negative;
    if (s->status || *p < '0' || *p > '9') {
        wrong(s, PTM_ERR_FORMAT, "an integer is wanted");
        return 0;
    }
    for (; *p >= '0' && *p <= '9'; p++) {
        unsigned digit = (unsigned)(*p - '0');
        if (n > (most - digit) / 10) {
            wrong(s, PTM_ERR_FORMAT, "an integer of 64 bits is wanted");
            return 0;
        }
        n = n * 10 + digit;
    }
    s->p = p;
    return negative ? (int64_t)(0 - n) : (int64_t)n;
}

/* Keys use all 64 bits. */
static uint64_t key_number(struct parser *s)
{
    uint64_t n = 0;
    skip_spaces(s);
    if (s->status || *s->p < '0' || *s->p > '9')
        wrong(s, PTM_ERR_FORMAT, "a key is wanted");
    for (; !s->status && *s->p >= '0' && *s->p <= '9'; s->p++) {
        unsigned digit = (unsigned)(*s->p - '0');
        if (n > (UINT64_MAX - digit) / 10)
            wrong(s, PTM_ERR_FORMAT, "a key of 64 bits is wanted");
        n = n * 10 + digit;
    }
    return n;
}

static double float_number(struct parser *s)
{
    skip_spaces(s);
    char *end;
    double v = s->status ? 0 : strtod(s->p, &end);
    if (s->status || end == s->p) {
        wrong(s, PTM_ERR_FORMAT, "a number is wanted");
        return 0;
    }
    s->p = end;
    return v;
}

/* A name [a-z0-9_]* into buf. */
static void word(struct parser *s, char *buf, size_t size)
{
    size_t n = 0;
    skip_spaces(s);
    while (!s->status && n < size - 1 &&
           ((*s->p >= 'a' && *s->p <= 'z') || *s->p == '_' || (*s->p >= '0' && *s->p <= '9')))
        buf[n++] = *s->p++;
    buf[n] = 0;
}

/* %N of a value that is defined. */
static uint32_t value_ref(struct parser *s)
{
    want(s, "%", "a value is wanted");
    const char *at = s->p;
    int64_t v = number(s);
    if (!s->status && (v < 0 || v >= (int64_t)s->g->n_values)) {
        s->p = at;
        wrong(s, PTM_ERR_FORMAT, "a value that is not defined");
    }
    return (uint32_t)v;
}

/* A list of at most PTM_MAX_RANK integers behind "[". */
static int int_list(struct parser *s, int64_t *out)
{
    int n = 0;
    if (take(s, "]"))
        return 0;
    do {
        if (n == PTM_MAX_RANK) {
            wrong(s, PTM_ERR_LIMIT, "more than 8 elements");
            return 0;
        }
        out[n++] = number(s);
    } while (take(s, ","));
    want(s, "]", "']' is wanted");
    return n;
}

static struct ptm_type type(struct parser *s)
{
    struct ptm_type t = {.qparams = -1};
    struct ptm_err why = {0};
    char name[8];
    bool found = false;
    word(s, name, sizeof(name));
    for (int d = 0; d <= PTM_BF16 && !found; d++)
        if (ptm_dtype_bytes(d) && !strcmp(ptm_dtype_name(d), name)) {
            t.dtype = (uint8_t)d;
            found = true;
        }
    if (!found)
        wrong(s, PTM_ERR_FORMAT, "a dtype is wanted");
    want(s, "[", "'[' is wanted");
    t.rank = (uint8_t)int_list(s, t.dim);
    if (!s->status && ptm_type_check(&t, &why))
        wrong(s, why.code, why.msg);
    return t;
}

/* A quoted string behind its quote, or bare characters; *out NUL-terminated in the arena. */
static const char *string(struct parser *s, bool quoted)
{
    size_t cap = 0, n = 0;
    while (quoted && s->p[cap] && s->p[cap] != '\n' && s->p[cap] != '"')
        cap += s->p[cap] == '\\' && s->p[cap + 1] ? 2 : 1;
    if (!quoted) {
        while (bare(s->p[cap]))
            cap++;
        const char *text = ptm_arena_str(s->g->arena, s->p, cap);
        s->p += cap;
        return text;
    }
    char *buf = ptm_arena_alloc(s->g->arena, cap + 1);
    if (!buf) {
        out_of_memory(s);
        return NULL;
    }
    while (*s->p && *s->p != '"' && *s->p != '\n') {
        char c = *s->p++;
        if (c == '\\' && *s->p == 'x') {
            char hex[3] = {s->p[1], s->p[1] ? s->p[2] : 0, 0}, *end;
            long code = strtol(hex, &end, 16);
            if (end != hex + 2 || code <= 0) {
                wrong(s, PTM_ERR_FORMAT, "two hexadecimal digits are wanted");
                return NULL;
            }
            c = (char)code;
            s->p += 3;
        } else if (c == '\\') {
            if (*s->p != '"' && *s->p != '\\') {
                wrong(s, PTM_ERR_FORMAT, "an unknown escape");
                return NULL;
            }
            c = *s->p++;
        }
        buf[n++] = c;
    }
    want(s, "\"", "'\"' is wanted");
    return buf;
}

static const char *site_field(struct parser *s)
{
    return string(s, take(s, "\""));
}

/* Behind "#": sites of the last node. */
static void sites(struct parser *s)
{
    struct ptm_graph *g = s->g;
    struct ptm_node *n = &g->node[g->n_nodes - 1];
    do {
        struct ptm_site site = {.path = "", .aten = "", .file = ""};
        site.path = site_field(s);
        skip_spaces(s);
        if (*s->p && *s->p != '\n' && *s->p != ';')
            site.aten = site_field(s);
        skip_spaces(s);
        if (*s->p && *s->p != '\n' && *s->p != ';') {
            bool quoted = take(s, "\"");
            char *file = NULL, *colon = NULL;
            const char *text = string(s, quoted);
            if (text)
                file = ptm_arena_str(g->arena, text, strlen(text));
            /* bare characters hold the colon and the line too */
            if (file && !quoted && (colon = strrchr(file, ':'))) {
                s->p -= strlen(colon);
                *colon = 0;
            }
            site.file = file;
            want(s, ":", "':' and a line are wanted");
            int64_t line = number(s);
            if (line < 0 || line > UINT32_MAX)
                wrong(s, PTM_ERR_FORMAT, "a line number is wanted");
            site.line = (uint32_t)line;
        }
        void *p = g->site;
        if (s->status)
            return;
        if (!ptm_arena_grow(g->arena, &p, &g->cap_sites, g->n_sites + 1, sizeof(site))) {
            out_of_memory(s);
            return;
        }
        g->site = p;
        g->site[g->n_sites++] = site;
        n->n_site++;
    } while (take(s, ";"));
}

static struct ptm_attr attr_value(struct parser *s, const struct ptm_attr_spec *spec)
{
    bool is_float = spec->kind == 'f' || spec->kind == 'F';
    struct ptm_attr a = {.kind = A_IMM};
    skip_spaces(s);
    if (*s->p == '%') {
        a.kind = A_SYM;
        a.u.i = 0;
        a.u.value = value_ref(s);
    } else if (is_float) {
        a.u.f = float_number(s);
    } else {
        a.u.i = number(s);
    }
    return a;
}

enum { MAX_FLAT = PTM_MAX_ATTRS * (1 + PTM_MAX_RANK) };

/* The attributes of `op`, in order, all of them; returns how many entries. */
static uint32_t attrs(struct parser *s, enum ptm_op op, struct ptm_attr *out)
{
    struct ptm_attr_spec spec[PTM_MAX_ATTRS];
    int n_spec = ptm_op_attrs(op, spec);
    uint32_t n = 0;
    for (int k = 0; k < n_spec && !s->status; k++) {
        char name[32], what[64];
        snprintf(name, sizeof(name), "%.*s=", spec[k].len, spec[k].name);
        snprintf(what, sizeof(what), "'%s' is wanted", name);
        if (spec[k].has_default && !take(s, name)) {
            out[n++] = (struct ptm_attr){.kind = A_IMM, .u.f = spec[k].def};
            continue;
        }
        if (spec[k].has_default) {
            out[n++] = attr_value(s, &spec[k]);
            continue;
        }
        want(s, name, what);
        if (spec[k].kind == 'i' || spec[k].kind == 'f') {
            out[n++] = attr_value(s, &spec[k]);
            continue;
        }
        want(s, "[", "'[' is wanted");
        struct ptm_attr *count = &out[n++];
        *count = (struct ptm_attr){.kind = A_IMM};
        if (take(s, "]"))
            continue;
        do {
            if (count->u.i == PTM_MAX_RANK) {
                wrong(s, PTM_ERR_LIMIT, "more than 8 elements");
                break;
            }
            out[n++] = attr_value(s, &spec[k]);
            count->u.i++;
        } while (take(s, ","));
        want(s, "]", "']' is wanted");
    }
    return n;
}

static void operands(struct parser *s)
{
    s->n_in = 0;
    if (take(s, ")"))
        return;
    do {
        void *p = s->in;
        uint32_t v = take(s, "_") ? PTM_NO_VALUE : value_ref(s);
        if (s->status)
            return;
        if (!ptm_arena_grow(s->g->arena, &p, &s->cap_in, s->n_in + 1, sizeof(*s->in))) {
            out_of_memory(s);
            return;
        }
        s->in = p;
        s->in[s->n_in++] = v;
    } while (take(s, ","));
    want(s, ")", "')' is wanted");
}

/* Types of the results, where the text does not give them. */
static void infer(struct parser *s, enum ptm_op op, const struct ptm_attr *attr, uint32_t n_attr,
                  struct ptm_type *out)
{
    struct ptm_err why = {0};
    struct ptm_type *in = ptm_malloc((s->n_in + 1) * sizeof(*in));
    if (!in) {
        out_of_memory(s);
        return;
    }
    for (size_t i = 0; i < s->n_in; i++)
        in[i] = s->in[i] == PTM_NO_VALUE ? (struct ptm_type){.dtype = PTM_ABSENT, .qparams = -1}
                                         : s->g->value[s->in[i]].type;
    if (ptm_op_infer(op, in, (uint32_t)s->n_in, attr, n_attr, out, &why))
        s->status = ptm_fail(s->err, why.code, "line %u: %s", s->line, why.msg);
    ptm_free(in);
}

enum { MAX_RESULTS = 8 };

static void node(struct parser *s, const char *name, const struct ptm_type *given, int n_given,
                 bool typed)
{
    enum ptm_op op = ptm_op_by_name(name);
    struct ptm_attr flat[MAX_FLAT];
    struct ptm_type out[MAX_RESULTS];
    if (op == PTM_N_OPS) {
        wrong(s, PTM_ERR_FORMAT, "no such operator");
        return;
    }
    if (ptm_op_info(op)->n_out != n_given) {
        wrong(s, PTM_ERR_FORMAT, "another number of results");
        return;
    }
    want(s, "(", "'(' is wanted");
    operands(s);
    uint32_t n_attr = attrs(s, op, flat);
    if (!s->status && !typed)
        infer(s, op, flat, n_attr, out);
    if (s->status)
        return;
    if (ptm_graph_node(s->g, op, s->in, (uint32_t)s->n_in, flat, n_attr, typed ? given : out,
                       NULL) == PTM_NO_VALUE) {
        out_of_memory(s);
        return;
    }
    if (take(s, "#")) {
        struct ptm_node *n = &s->g->node[s->g->n_nodes - 1];
        n->site = (uint32_t)s->g->n_sites;
        sites(s);
    }
}

static void constant(struct parser *s, const struct ptm_type *t)
{
    struct ptm_const c = {0};
    int64_t last = 0;
    if (take(s, "\""))
        c.name = string(s, true);
    if (take(s, "key="))
        c.key = key_number(s);
    ptm_strides_contiguous(t->rank, t->dim, c.stride);
    if (take(s, "stride=") && (want(s, "[", "'[' is wanted"), int_list(s, c.stride) != t->rank))
        wrong(s, PTM_ERR_FORMAT, "one stride for each dimension is wanted");
    size_t size = ptm_dtype_bytes(t->dtype);
    for (int i = 0; i < t->rank && ptm_type_numel(t); i++) {
        int64_t d = t->dim[i] - 1, stride = c.stride[i];
        if (stride < 0 || (d && stride > (MAX_CONST_BYTES - last) / d)) {
            wrong(s, PTM_ERR_LIMIT, "a constant of more than 256 MiB, or a negative stride");
            return;
        }
        last += d * stride;
    }
    size_t bytes = ptm_type_numel(t) ? (size_t)(last + 1) * size : 0;
    if (bytes > MAX_CONST_BYTES - s->const_bytes) {
        wrong(s, PTM_ERR_LIMIT, "constants of more than 256 MiB");
        return;
    }
    s->const_bytes += bytes;
    if (s->status)
        return;
    c.data = ptm_arena_alloc(s->g->arena, bytes);
    if (!c.data || ptm_graph_const(s->g, t, &c) == PTM_NO_VALUE)
        out_of_memory(s);
}

/* %N: type, %N: type = ... */
static void definition(struct parser *s)
{
    struct ptm_type t[MAX_RESULTS];
    char name[32];
    int n = 0, n_typed = 0;
    do {
        want(s, "%", "a value or 'return' is wanted");
        const char *at = s->p;
        int64_t v = number(s);
        if (!s->status && v != (int64_t)s->g->n_values + n) {
            s->p = at;
            wrong(s, PTM_ERR_FORMAT, "values are numbered in order: another number is wanted");
        }
        if (n == MAX_RESULTS)
            wrong(s, PTM_ERR_LIMIT, "more than 8 results");
        if (s->status)
            return;
        if (take(s, ":")) {
            t[n] = type(s);
            n_typed++;
        }
        n++;
    } while (take(s, ","));
    want(s, "=", "'=' is wanted");
    if (n_typed != 0 && n_typed != n)
        wrong(s, PTM_ERR_FORMAT, "types of all results or of none are wanted");
    skip_spaces(s);
    const char *at = s->p;
    word(s, name, sizeof(name));
    bool given = !strcmp(name, "arg") || !strcmp(name, "const") || !strcmp(name, "scalar");
    if (s->status)
        return;
    if (given && (n != 1 || n_typed != 1)) {
        wrong(s, PTM_ERR_FORMAT, "one result with its type is wanted");
    } else if (!strcmp(name, "arg")) {
        if (ptm_graph_arg(s->g, &t[0]) == PTM_NO_VALUE)
            out_of_memory(s);
    } else if (!strcmp(name, "scalar")) {
        if (t[0].rank || (t[0].dtype != PTM_I64 && t[0].dtype != PTM_F64))
            wrong(s, PTM_ERR_FORMAT, "a scalar is i64[] or f64[]");
        else if (ptm_graph_scalar(s->g, t[0].dtype == PTM_F64) == PTM_NO_VALUE)
            out_of_memory(s);
    } else if (given) {
        constant(s, &t[0]);
    } else {
        if (ptm_op_by_name(name) == PTM_N_OPS)
            s->p = at;
        node(s, name, t, n, n_typed);
    }
}

static void outputs(struct parser *s)
{
    skip_spaces(s);
    if (*s->p != '%')
        return;
    do {
        uint32_t v = value_ref(s);
        if (!s->status && !ptm_graph_output(s->g, v))
            out_of_memory(s);
    } while (take(s, ","));
}

enum ptm_status ptm_graph_parse(struct ptm_graph *g, const char *text, struct ptm_err *err)
{
    struct parser s = {.g = g, .p = text, .line = 1, .err = err};
    bool returned = false;
    while (!s.status) {
        skip_spaces(&s);
        if (!*s.p)
            break;
        if (returned && *s.p != '\n')
            wrong(&s, PTM_ERR_FORMAT, "nothing may follow 'return'");
        else if (take(&s, "return")) {
            outputs(&s);
            returned = true;
        } else if (*s.p != '\n') {
            definition(&s);
        }
        skip_spaces(&s);
        if (*s.p && *s.p != '\n')
            wrong(&s, PTM_ERR_FORMAT, "the end of the line is wanted");
        if (*s.p && !s.status) {
            s.p++;
            s.line++;
        }
    }
    if (!returned)
        wrong(&s, PTM_ERR_FORMAT, "'return' is missing");
    return s.status;
}
