/* SPDX-License-Identifier: BSD-2-Clause */
/* Graphs: the operator table, building, checking, hashing, comparing. */
#include "libcore/graph.h"

#include <stdlib.h>
#include <string.h>

#include "libcore/infer.h"

static const struct ptm_op_info op_infos[] = {
#define PTM_OP(name, lo, hi, n_out, attrs, rule, cls, doc)                                         \
    {#name, attrs, #rule, #cls, lo, hi, n_out},
#include "libcore/ops.def"
#undef PTM_OP
};

enum { MAX_COUNT = 1 << 28 }; /* of values, operands, ...: far below what uint32_t holds */

const struct ptm_op_info *ptm_op_info(enum ptm_op op)
{
    return (unsigned)op < PTM_N_OPS ? &op_infos[op] : NULL;
}

const char *ptm_op_doc(enum ptm_op op)
{
    static const char *const docs[] = {
#define PTM_OP(name, lo, hi, n_out, attrs, rule, cls, doc) doc,
#include "libcore/ops.def"
#undef PTM_OP
    };
    return (unsigned)op < PTM_N_OPS ? docs[op] : NULL;
}

enum ptm_op ptm_op_by_name(const char *name)
{
    for (int i = 0; i < PTM_N_OPS; i++)
        if (!strcmp(op_infos[i].name, name))
            return (enum ptm_op)i;
    return PTM_N_OPS;
}

const char *ptm_type_text(const struct ptm_type *t, char *buf, size_t n)
{
    const char *name = ptm_dtype_name(t->dtype);
    size_t at = (size_t)snprintf(buf, n, "%s[", name ? name : "?");
    for (int i = 0; i < t->rank && i < PTM_MAX_RANK && at < n; i++)
        at += (size_t)snprintf(buf + at, n - at, "%s%lld", i ? ", " : "", (long long)t->dim[i]);
    if (at < n)
        snprintf(buf + at, n - at, "]");
    return buf;
}

bool ptm_type_equal(const struct ptm_type *a, const struct ptm_type *b)
{
    if (a->dtype != b->dtype || a->rank != b->rank || a->qparams != b->qparams)
        return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i])
            return false;
    return true;
}

enum ptm_status ptm_type_check(const struct ptm_type *t, struct ptm_err *err)
{
    int64_t stride[PTM_MAX_RANK];
    char text[256];
    if (!ptm_dtype_bytes(t->dtype))
        return ptm_fail(err, PTM_ERR_TYPE, "%d is no dtype", t->dtype);
    if (t->rank > PTM_MAX_RANK)
        return ptm_fail(err, PTM_ERR_LIMIT, "rank %d, at most %d dimensions are supported", t->rank,
                        PTM_MAX_RANK);
    for (int i = 0; i < t->rank; i++)
        if (t->dim[i] < 0)
            return ptm_fail(err, PTM_ERR_TYPE, "%s has a negative dimension",
                            ptm_type_text(t, text, sizeof(text)));
    if (ptm_strides_contiguous(t->rank, t->dim, stride) < 0)
        return ptm_fail(err, PTM_ERR_LIMIT, "%s has too many elements",
                        ptm_type_text(t, text, sizeof(text)));
    return PTM_OK;
}

/* -- building -- */

static bool grow(struct ptm_graph *g, void *array, size_t *cap, size_t need, size_t size)
{
    if (need > MAX_COUNT) {
        g->arena->failed = true;
        return false;
    }
    void *p;
    memcpy(&p, array, sizeof(p)); /* array is the address of a pointer of some type */
    if (!ptm_arena_grow(g->arena, &p, cap, need, size))
        return false;
    memcpy(array, &p, sizeof(p));
    return true;
}
/* Room for n more elements of the graph's array `f`. */
#define ROOM(g, f, n) grow(g, &(g)->f, &(g)->cap_##f##s, (g)->n_##f##s + (n), sizeof(*(g)->f))

void ptm_graph_init(struct ptm_graph *g, struct ptm_arena *arena)
{
    *g = (struct ptm_graph){.arena = arena};
}

static uint32_t add_value(struct ptm_graph *g, const struct ptm_type *type, int kind, int out_no,
                          size_t ref)
{
    if (!ROOM(g, value, 1))
        return PTM_NO_VALUE;
    struct ptm_value *v = &g->value[g->n_values];
    *v = (struct ptm_value){.kind = (uint8_t)kind, .out_no = (uint8_t)out_no, .ref = (uint32_t)ref};
    v->type.dtype = type->dtype;
    v->type.rank = type->rank < PTM_MAX_RANK ? type->rank : PTM_MAX_RANK;
    v->type.qparams = type->qparams;
    for (int i = 0; i < v->type.rank; i++)
        v->type.dim[i] = type->dim[i];
    return (uint32_t)g->n_values++;
}

uint32_t ptm_graph_arg(struct ptm_graph *g, const struct ptm_type *type)
{
    if (!ROOM(g, input, 1))
        return PTM_NO_VALUE;
    uint32_t v = add_value(g, type, V_ARG, 0, g->n_inputs);
    if (v != PTM_NO_VALUE)
        g->input[g->n_inputs++] = v;
    return v;
}

uint32_t ptm_graph_scalar(struct ptm_graph *g, bool is_float)
{
    struct ptm_type type = {.dtype = is_float ? PTM_F64 : PTM_I64, .qparams = -1};
    if (!ROOM(g, scalar, 1))
        return PTM_NO_VALUE;
    uint32_t v = add_value(g, &type, V_SCALAR, 0, g->n_scalars);
    if (v != PTM_NO_VALUE)
        g->scalar[g->n_scalars++] = v;
    return v;
}

uint32_t ptm_graph_const(struct ptm_graph *g, const struct ptm_type *type,
                         const struct ptm_const *c)
{
    if (!ROOM(g, constant, 1))
        return PTM_NO_VALUE;
    uint32_t v = add_value(g, type, V_CONST, 0, g->n_constants);
    if (v != PTM_NO_VALUE) {
        struct ptm_const *k = &g->constant[g->n_constants++];
        *k = (struct ptm_const){
            .data = c->data, .key = c->key, .name = c->name, .from = c->from, .at = c->at};
        for (int i = 0; i < g->value[v].type.rank; i++)
            k->stride[i] = c->stride[i];
    }
    return v;
}

uint32_t ptm_graph_node(struct ptm_graph *g, enum ptm_op op, const uint32_t *in, uint32_t n_in,
                        const struct ptm_attr *attr, uint32_t n_attr,
                        const struct ptm_type *out_type, const struct ptm_site *site)
{
    uint8_t n_out = op_infos[op].n_out;
    /* one more than needed: where there is a node, every array it points into is there */
    if (n_in > MAX_COUNT || n_attr > MAX_COUNT || !ROOM(g, node, 1) || !ROOM(g, value, n_out) ||
        !ROOM(g, operand, n_in + 1) || !ROOM(g, attr, n_attr + 1) || !ROOM(g, site, 1))
        return PTM_NO_VALUE;
    struct ptm_node *n = &g->node[g->n_nodes];
    *n = (struct ptm_node){.op = (uint16_t)op,
                           .n_out = n_out,
                           .n_in = n_in,
                           .in = (uint32_t)g->n_operands,
                           .out = (uint32_t)g->n_values,
                           .n_attr = n_attr,
                           .attr = (uint32_t)g->n_attrs,
                           .site = (uint32_t)g->n_sites,
                           .n_site = site ? 1 : 0};
    for (int i = 0; i < n_out; i++)
        add_value(g, &out_type[i], V_NODE, i, g->n_nodes);
    if (n_in)
        memcpy(g->operand + g->n_operands, in, n_in * sizeof(*in));
    if (n_attr)
        memcpy(g->attr + g->n_attrs, attr, n_attr * sizeof(*attr));
    if (site)
        g->site[g->n_sites++] = *site;
    g->n_operands += n_in;
    g->n_attrs += n_attr;
    g->n_nodes++;
    return n->out;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || !strcmp(a ? a : "", b ? b : "");
}

bool ptm_graph_sites(struct ptm_graph *g, const struct ptm_site *site, size_t n)
{
    struct ptm_node *node = &g->node[g->n_nodes - 1];
    if (!node->n_site)
        node->site = (uint32_t)g->n_sites;
    for (size_t i = 0; i < n; i++) {
        const struct ptm_site *s = &site[i];
        bool there = false;
        for (uint32_t k = 0; k < node->n_site && !there; k++) {
            const struct ptm_site *t = &g->site[node->site + k];
            there = s->line == t->line && same_text(s->path, t->path) &&
                    same_text(s->aten, t->aten) && same_text(s->file, t->file);
        }
        if (there)
            continue;
        if (!ROOM(g, site, 1))
            return false;
        g->site[g->n_sites++] = *s;
        node->n_site++;
    }
    return true;
}

bool ptm_graph_output(struct ptm_graph *g, uint32_t value)
{
    if (!ROOM(g, output, 1))
        return false;
    g->output[g->n_outputs++] = value;
    return true;
}

/* -- attributes -- */

int ptm_op_attrs(enum ptm_op op, struct ptm_attr_spec spec[PTM_MAX_ATTRS])
{
    int n = 0;
    for (const char *p = op_infos[op].attrs; *p && n < PTM_MAX_ATTRS; n++) {
        size_t len = strcspn(p, "*:");
        bool sym = p[len] == '*';
        spec[n] = (struct ptm_attr_spec){p, (uint8_t)len, p[len + sym + 1], sym, false, 0};
        p += len + sym + 2;
        if (*p == '=') {
            char *end;
            spec[n].has_default = true;
            spec[n].def = strtod(p + 1, &end);
            p = end;
        }
        p += *p == ' ';
    }
    return n;
}

uint32_t ptm_attr_fill(enum ptm_op op, struct ptm_attr *attr, uint32_t n)
{
    struct ptm_attr_spec spec[PTM_MAX_ATTRS];
    int n_spec = ptm_op_attrs(op, spec);
    uint32_t pos = 0;
    for (int k = 0; k < n_spec; k++) {
        bool list = spec[k].kind == 'I' || spec[k].kind == 'F';
        if (pos >= n && !spec[k].has_default)
            return n; /* too few: told when the list is taken apart */
        if (pos >= n)
            attr[n++] = (struct ptm_attr){.kind = A_IMM, .u.f = spec[k].def};
        else if (list && (attr[pos].u.i < 0 || attr[pos].u.i > PTM_MAX_RANK))
            return n;
        pos += list ? 1 + (uint32_t)attr[pos].u.i : 1;
    }
    return n;
}

enum ptm_status ptm_attr_split(enum ptm_op op, const struct ptm_attr *attr, uint32_t n_attr,
                               struct ptm_attr_at at[PTM_MAX_ATTRS], struct ptm_err *err)
{
    struct ptm_attr_spec spec[PTM_MAX_ATTRS];
    int n = ptm_op_attrs(op, spec);
    const char *name = op_infos[op].name;
    uint32_t pos = 0;
    for (int k = 0; k < n; k++) {
        int64_t count = 1;
        bool list = spec[k].kind == 'I' || spec[k].kind == 'F';
        if (pos >= n_attr)
            return ptm_fail(err, PTM_ERR_TYPE, "%s: attribute '%.*s' is missing: %u entries given",
                            name, spec[k].len, spec[k].name, n_attr);
        if (list) {
            if (attr[pos].kind != A_IMM)
                return ptm_fail(err, PTM_ERR_TYPE, "%s: the length of '%.*s' is a symbol", name,
                                spec[k].len, spec[k].name);
            count = attr[pos++].u.i;
            if (count < 0 || count > PTM_MAX_RANK)
                return ptm_fail(err, PTM_ERR_TYPE, "%s: '%.*s' has %lld elements, at most %d",
                                name, spec[k].len, spec[k].name, (long long)count, PTM_MAX_RANK);
        }
        if (count > (int64_t)n_attr - pos)
            return ptm_fail(err, PTM_ERR_TYPE, "%s: '%.*s' ends at entry %lld, there are %u", name,
                            spec[k].len, spec[k].name, (long long)(pos + count), n_attr);
        for (int64_t i = 0; i < count; i++)
            if (attr[pos + i].kind != A_IMM && !(attr[pos + i].kind == A_SYM && spec[k].sym))
                return ptm_fail(err, PTM_ERR_TYPE, "%s: attribute '%.*s' may not be a symbol", name,
                                spec[k].len, spec[k].name);
        at[k] = (struct ptm_attr_at){attr + pos, (int)count};
        pos += (uint32_t)count;
    }
    if (pos != n_attr)
        return ptm_fail(err, PTM_ERR_TYPE, "%s: %u attribute entries given, %u wanted", name,
                        n_attr, pos);
    return PTM_OK;
}

const struct ptm_attr *ptm_node_attr(const struct ptm_graph *g, const struct ptm_node *n,
                                     const char *name)
{
    struct ptm_attr_spec spec[PTM_MAX_ATTRS];
    int n_spec = ptm_op_attrs(n->op, spec);
    const struct ptm_attr *a = g->attr + n->attr, *end = a + n->n_attr;
    for (int k = 0; k < n_spec && a < end; k++) {
        if (strlen(name) == spec[k].len && !memcmp(name, spec[k].name, spec[k].len))
            return a;
        int64_t skip = spec[k].kind == 'I' || spec[k].kind == 'F' ? a->u.i + 1 : 1;
        if (skip < 1 || skip > end - a)
            return NULL;
        a += skip;
    }
    return NULL;
}

/* -- checking -- */

static enum ptm_status check_value(const struct ptm_graph *g, uint32_t i, struct ptm_err *err)
{
    const struct ptm_value *v = &g->value[i];
    PTM_TRY(ptm_type_check(&v->type, err));
    switch (v->kind) {
    case V_ARG:
        if (v->ref >= g->n_inputs || g->input[v->ref] != i)
            return ptm_fail(err, PTM_ERR_FORMAT, "value %u is input %u of %zu, which is another",
                            i, v->ref, g->n_inputs);
        return PTM_OK;
    case V_SCALAR:
        if (v->ref >= g->n_scalars || g->scalar[v->ref] != i)
            return ptm_fail(err, PTM_ERR_FORMAT, "value %u is scalar %u of %zu, which is another",
                            i, v->ref, g->n_scalars);
        if (v->type.rank || (v->type.dtype != PTM_I64 && v->type.dtype != PTM_F64))
            return ptm_fail(err, PTM_ERR_TYPE, "scalar %u is not an int64 or float64 number",
                            v->ref);
        return PTM_OK;
    case V_CONST:
        if (v->ref >= g->n_constants)
            return ptm_fail(err, PTM_ERR_FORMAT, "value %u is constant %u of %zu", i, v->ref,
                            g->n_constants);
        if (!g->constant[v->ref].data && !g->constant[v->ref].from && ptm_type_numel(&v->type))
            return ptm_fail(err, PTM_ERR_FORMAT, "constant %u has no data", v->ref);
        return PTM_OK;
    case V_NODE:
        if (v->ref >= g->n_nodes || v->out_no >= g->node[v->ref].n_out ||
            g->node[v->ref].out + v->out_no != i)
            return ptm_fail(err, PTM_ERR_FORMAT, "value %u is no output %u of node %u of %zu", i,
                            v->out_no, v->ref, g->n_nodes);
        return PTM_OK;
    }
    return ptm_fail(err, PTM_ERR_FORMAT, "value %u is of kind %d", i, v->kind);
}

static enum ptm_status check_symbols(const struct ptm_graph *g, const struct ptm_node *n,
                                     const struct ptm_attr_at *at, struct ptm_err *err)
{
    struct ptm_attr_spec spec[PTM_MAX_ATTRS];
    int n_spec = ptm_op_attrs(n->op, spec);
    for (int k = 0; k < n_spec; k++)
        for (int i = 0; i < at[k].n; i++) {
            const struct ptm_attr *a = &at[k].at[i];
            uint8_t want = spec[k].kind == 'f' || spec[k].kind == 'F' ? PTM_F64 : PTM_I64;
            if (a->kind != A_SYM)
                continue;
            if (a->u.value >= n->out || g->value[a->u.value].kind != V_SCALAR)
                return ptm_fail(err, PTM_ERR_FORMAT, "attribute '%.*s' names value %u, no scalar",
                                spec[k].len, spec[k].name, a->u.value);
            if (g->value[a->u.value].type.dtype != want)
                return ptm_fail(err, PTM_ERR_TYPE, "attribute '%.*s' is %s, scalar %u is %s",
                                spec[k].len, spec[k].name, ptm_dtype_name(want),
                                g->value[a->u.value].ref,
                                ptm_dtype_name(g->value[a->u.value].type.dtype));
        }
    return PTM_OK;
}

/* Operand and attribute ranges lie inside the arrays: checked before anything reads them. */
static enum ptm_status check_ranges(const struct ptm_graph *g, const struct ptm_node *n,
                                    struct ptm_err *err)
{
    if (n->op >= PTM_N_OPS)
        return ptm_fail(err, PTM_ERR_FORMAT, "operator %u of %d", n->op, PTM_N_OPS);
    if (n->in > g->n_operands || n->n_in > g->n_operands - n->in || n->attr > g->n_attrs ||
        n->n_attr > g->n_attrs - n->attr || n->site > g->n_sites ||
        n->n_site > g->n_sites - n->site)
        return ptm_fail(err, PTM_ERR_FORMAT, "operands, attributes or sites lie outside the graph");
    const struct ptm_op_info *info = &op_infos[n->op];
    if (n->n_out != info->n_out || n->out > g->n_values || n->n_out > g->n_values - n->out)
        return ptm_fail(err, PTM_ERR_FORMAT, "%u outputs from value %u, %u wanted below %zu",
                        n->n_out, n->out, info->n_out, g->n_values);
    return PTM_OK;
}

/* `in` has room for the node's input types. */
static enum ptm_status check_node(const struct ptm_graph *g, const struct ptm_node *n,
                                  struct ptm_type *in, struct ptm_err *err)
{
    struct ptm_type out[UINT8_MAX];
    const struct ptm_op_info *info = &op_infos[n->op];
    for (uint32_t i = 0; i < n->n_in; i++) {
        uint32_t v = g->operand[n->in + i];
        if (v == PTM_NO_VALUE) {
            in[i] = (struct ptm_type){.dtype = PTM_ABSENT, .qparams = -1};
            continue;
        }
        if (v >= n->out)
            return ptm_fail(err, PTM_ERR_FORMAT, "input %u is value %u, defined after value %u", i,
                            v, n->out);
        if (g->value[v].kind == V_SCALAR)
            return ptm_fail(err, PTM_ERR_TYPE, "input %u is scalar %u, no tensor", i,
                            g->value[v].ref);
        in[i] = g->value[v].type;
    }
    struct ptm_attr_at at[PTM_MAX_ATTRS];
    PTM_TRY(ptm_attr_split(n->op, g->attr + n->attr, n->n_attr, at, err));
    PTM_TRY(check_symbols(g, n, at, err));
    PTM_TRY(ptm_op_infer(n->op, in, n->n_in, g->attr + n->attr, n->n_attr, out, err));
    for (int i = 0; i < n->n_out; i++) {
        const struct ptm_value *v = &g->value[n->out + (uint32_t)i];
        char has[256], want[256];
        if (v->kind != V_NODE || &g->node[v->ref] != n)
            return ptm_fail(err, PTM_ERR_FORMAT, "value %u is not the output it should be",
                            n->out + (uint32_t)i);
        if (!ptm_type_equal(&v->type, &out[i]))
            return ptm_fail(err, PTM_ERR_TYPE, "%s: output %d is %s, the shape rule says %s",
                            info->name, i, ptm_type_text(&v->type, has, sizeof(has)),
                            ptm_type_text(&out[i], want, sizeof(want)));
    }
    return PTM_OK;
}

/* Puts the place in front of a failure's message. */
static enum ptm_status at_node(const struct ptm_graph *g, size_t node, const struct ptm_err *why,
                               struct ptm_err *err)
{
    const struct ptm_node *n = &g->node[node];
    const char *path = "";
    if (n->n_site && n->site < g->n_sites && g->site[n->site].path)
        path = g->site[n->site].path;
    return ptm_fail(err, why->code, "node %zu%s%s%s: %s", node, *path ? " (" : "", path,
                    *path ? ")" : "", why->msg);
}

static enum ptm_status check_nodes(const struct ptm_graph *g, struct ptm_err *err)
{
    uint32_t defined = 0, most = 0;
    struct ptm_err why = {0};
    for (size_t i = 0; i < g->n_nodes; i++) {
        const struct ptm_node *n = &g->node[i];
        if (check_ranges(g, n, &why))
            return at_node(g, i, &why, err);
        if (n->out < defined)
            return ptm_fail(err, PTM_ERR_FORMAT, "node %zu defines value %u after value %u", i,
                            n->out, defined);
        defined = n->out + n->n_out;
        most = n->n_in > most ? n->n_in : most;
    }
    struct ptm_type *in = ptm_malloc((most + 1) * sizeof(*in));
    if (!in)
        return ptm_fail(err, PTM_ERR_MEMORY, "no memory to check %u inputs of a node", most);
    size_t bad = 0;
    while (bad < g->n_nodes && !check_node(g, &g->node[bad], in, &why))
        bad++;
    ptm_free(in);
    return bad < g->n_nodes ? at_node(g, bad, &why, err) : PTM_OK;
}

enum ptm_status ptm_graph_verify(const struct ptm_graph *g, struct ptm_err *err)
{
    for (size_t i = 0; i < g->n_inputs; i++)
        if (g->input[i] >= g->n_values || g->value[g->input[i]].kind != V_ARG ||
            g->value[g->input[i]].ref != i)
            return ptm_fail(err, PTM_ERR_FORMAT, "input %zu is value %u, no such argument", i,
                            g->input[i]);
    for (size_t i = 0; i < g->n_scalars; i++)
        if (g->scalar[i] >= g->n_values || g->value[g->scalar[i]].kind != V_SCALAR ||
            g->value[g->scalar[i]].ref != i)
            return ptm_fail(err, PTM_ERR_FORMAT, "scalar %zu is value %u, no such scalar", i,
                            g->scalar[i]);
    for (size_t i = 0; i < g->n_values; i++)
        PTM_TRY(check_value(g, (uint32_t)i, err));
    PTM_TRY(check_nodes(g, err));
    for (size_t i = 0; i < g->n_outputs; i++)
        if (g->output[i] >= g->n_values || g->value[g->output[i]].kind == V_SCALAR)
            return ptm_fail(err, PTM_ERR_FORMAT, "output %zu is value %u, no tensor of the graph",
                            i, g->output[i]);
    return PTM_OK;
}

/* -- hashing and comparing -- */

static uint64_t fnv(uint64_t h, const void *p, size_t n)
{
    const uint8_t *b = p;
    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * UINT64_C(0x100000001b3);
    return h;
}
#define KEY_SEED UINT64_C(0xcbf29ce484222325)

uint64_t ptm_key_of_place(const void *data, int rank, const int64_t *stride)
{
    return fnv(fnv(KEY_SEED, &data, sizeof(data)), stride, (size_t)rank * sizeof(*stride));
}

uint64_t ptm_key_of_data(const void *data, size_t bytes, int64_t offset, int rank,
                         const int64_t *stride)
{
    uint64_t h = fnv(fnv(KEY_SEED ^ 1, data, bytes), &offset, sizeof(offset));
    return fnv(h, stride, (size_t)rank * sizeof(*stride));
}

static uint64_t mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ (h >> 29);
}

static uint64_t mix_type(uint64_t h, const struct ptm_type *t)
{
    h = mix(h, t->dtype | (uint64_t)t->rank << 8 | (uint64_t)(uint32_t)t->qparams << 32);
    for (int i = 0; i < t->rank; i++)
        h = mix(h, (uint64_t)t->dim[i]);
    return h;
}

/* The bits of an attribute: -0.0 and 0.0 differ, NaNs of equal bits do not. */
static uint64_t attr_bits(const struct ptm_attr *a)
{
    return a->kind == A_SYM ? a->u.value : (uint64_t)a->u.i;
}

uint64_t ptm_graph_hash(const struct ptm_graph *g)
{
    uint64_t h = mix(g->n_values, g->n_nodes);
    for (size_t i = 0; i < g->n_values; i++) {
        const struct ptm_value *v = &g->value[i];
        h = mix_type(mix(h, v->kind | (uint64_t)v->out_no << 8 | (uint64_t)v->ref << 16), &v->type);
        if (v->kind == V_CONST) {
            h = mix(h, g->constant[v->ref].key);
            for (int k = 0; k < v->type.rank; k++)
                h = mix(h, (uint64_t)g->constant[v->ref].stride[k]);
        }
    }
    for (size_t i = 0; i < g->n_nodes; i++) {
        const struct ptm_node *n = &g->node[i];
        h = mix(h, n->op | (uint64_t)n->n_in << 16 | (uint64_t)n->n_attr << 40);
        for (uint32_t k = 0; k < n->n_in; k++)
            h = mix(h, g->operand[n->in + k]);
        for (uint32_t k = 0; k < n->n_attr; k++) {
            const struct ptm_attr *a = &g->attr[n->attr + k];
            h = mix(mix(h, a->kind), attr_bits(a));
        }
    }
    for (size_t i = 0; i < g->n_outputs; i++)
        h = mix(h, g->output[i]);
    return mix(h, g->n_outputs);
}

static bool equal_values(const struct ptm_graph *a, const struct ptm_graph *b, size_t i)
{
    const struct ptm_value *x = &a->value[i], *y = &b->value[i];
    if (x->kind != y->kind || x->out_no != y->out_no || x->ref != y->ref ||
        !ptm_type_equal(&x->type, &y->type))
        return false;
    if (x->kind != V_CONST)
        return true;
    const struct ptm_const *c = &a->constant[x->ref], *d = &b->constant[y->ref];
    return c->key == d->key &&
           !memcmp(c->stride, d->stride, (size_t)x->type.rank * sizeof(*c->stride));
}

static bool equal_nodes(const struct ptm_graph *a, const struct ptm_graph *b, size_t i)
{
    const struct ptm_node *x = &a->node[i], *y = &b->node[i];
    if (x->op != y->op || x->n_in != y->n_in || x->n_attr != y->n_attr || x->out != y->out)
        return false;
    for (uint32_t k = 0; k < x->n_in; k++)
        if (a->operand[x->in + k] != b->operand[y->in + k])
            return false;
    for (uint32_t k = 0; k < x->n_attr; k++) {
        const struct ptm_attr *p = &a->attr[x->attr + k], *q = &b->attr[y->attr + k];
        if (p->kind != q->kind || attr_bits(p) != attr_bits(q))
            return false;
    }
    return true;
}

bool ptm_graph_equal(const struct ptm_graph *a, const struct ptm_graph *b)
{
    if (a->n_values != b->n_values || a->n_nodes != b->n_nodes || a->n_outputs != b->n_outputs)
        return false;
    for (size_t i = 0; i < a->n_values; i++)
        if (!equal_values(a, b, i))
            return false;
    for (size_t i = 0; i < a->n_nodes; i++)
        if (!equal_nodes(a, b, i))
            return false;
    for (size_t i = 0; i < a->n_outputs; i++)
        if (a->output[i] != b->output[i])
            return false;
    return true;
}
