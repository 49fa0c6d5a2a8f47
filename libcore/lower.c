/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From an operator call in the program to its lowering: upgrade the name for
 * old files, bind the arguments to a schema, find the row. In-place and out=
 * forms without a row of their own run the plain form and write the result.
 */
#include "libcore/lower.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "libcore/specialise.h"

static const struct ptm_lowering *const tables[] = {
    ptm_lower_prim,   ptm_lower_attr,   ptm_lower_scalar, ptm_lower_list,    ptm_lower_dict,
    ptm_lower_str,    ptm_lower_math,   ptm_lower_binary, ptm_lower_cast,    ptm_lower_reduce,
    ptm_lower_norms,  ptm_lower_create, ptm_lower_random, ptm_lower_signal,  ptm_lower_shape,
    ptm_lower_split,  ptm_lower_move,   ptm_lower_index,  ptm_lower_scatter, ptm_lower_sort,
    ptm_lower_nn,     ptm_lower_pad,    ptm_lower_loss,   ptm_lower_conv,    ptm_lower_prepacked,
    ptm_lower_norm,   ptm_lower_pool,   ptm_lower_resize, ptm_lower_rnn,     ptm_lower_attention,
    ptm_lower_linalg, ptm_lower_lu,     ptm_lower_einsum, ptm_lower_roi,     ptm_lower_complex,
    ptm_lower_fourier,
};

enum { SLOTS = 8192 }; /* power of two, above twice the number of rows */
static const struct ptm_lowering *slot[SLOTS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static uint32_t hash(const char *s)
{
    uint32_t h = 2166136261u;
    for (; *s; s++)
        h = (h ^ (uint8_t)*s) * 16777619u;
    return h;
}

static void fill_slots(void)
{
    for (size_t i = 0; i < PTM_LEN(tables); i++)
        for (const struct ptm_lowering *row = tables[i]; row->name; row++) {
            uint32_t k = hash(row->name) & (SLOTS - 1);
            while (slot[k])
                k = (k + 1) & (SLOTS - 1);
            slot[k] = row;
        }
}

static ptm_lower_fn *find_row(const char *name)
{
    pthread_once(&once, fill_slots);
    for (uint32_t k = hash(name) & (SLOTS - 1); slot[k]; k = (k + 1) & (SLOTS - 1))
        if (!strcmp(slot[k]->name, name))
            return slot[k]->fn;
    return NULL;
}

static ptm_lower_fn *find_exact(const char *name, const char *overload)
{
    char full[256];
    ptm_lower_fn *fn = NULL;
    if (overload && *overload &&
        snprintf(full, sizeof(full), "%s.%s", name, overload) < (int)sizeof(full))
        fn = find_row(full);
    return fn ? fn : find_row(name);
}

/* The plain form of an in-place name: "aten::relu_" to "aten::relu"; false when it is none. */
static bool plain_name(const char *name, char *out, size_t n)
{
    size_t len = strlen(name);
    if (len < 2 || len >= n || name[len - 1] != '_' || name[len - 2] == '_')
        return false;
    memcpy(out, name, len - 1);
    out[len - 1] = 0;
    return true;
}

ptm_lower_fn *ptm_lower_find(const char *name, const char *overload)
{
    char plain[128];
    ptm_lower_fn *fn = find_exact(name, overload);
    if (!fn && plain_name(name, plain, sizeof(plain)))
        fn = find_exact(plain, overload);
    return fn;
}

static int out_arg(const struct ptm_schema *s)
{
    for (int i = 0; i < s->n_args; i++)
        if (s->arg[i].write && s->arg[i].kwarg_only && !strcmp(s->arg[i].name, "out"))
            return i;
    return -1;
}

static struct ptm_ival write_result(struct ptm_trace *t, struct ptm_ival target,
                                    struct ptm_ival result)
{
    if (t->err.code || target.tag != PTM_TENSOR || result.tag != PTM_TENSOR)
        return result;
    ptm_write(t, target.u.tensor, result.u.tensor);
    return target;
}

static bool is_complex(struct ptm_ival v)
{
    bool sequence = v.tag == PTM_LIST || v.tag == PTM_TUPLE;
    for (size_t i = 0; sequence && i < v.u.list->n; i++)
        if (v.u.list->v[i].tag == PTM_TENSOR && v.u.list->v[i].u.tensor->dtype == PTM_C64)
            return true;
    return v.tag == PTM_TENSOR && v.u.tensor->dtype == PTM_C64;
}

/* "aten::mul" of complex tensors is the row "complex mul", a name that no program can spell. */
static ptm_lower_fn *find_complex(const struct ptm_lower_call *c, const char *name)
{
    char row[128];
    bool any = false;
    for (size_t i = 0; i < c->n_arg && !any; i++)
        any = is_complex(c->arg[i]);
    if (!any || strncmp(name, "aten::", 6) ||
        snprintf(row, sizeof(row), "complex %s", name + 6) >= (int)sizeof(row))
        return NULL;
    return find_row(row);
}

/* Long lists and strings as arguments: work in proportion, which counts as steps. */
static void spend(struct ptm_trace *t, const struct ptm_ival *arg, size_t n)
{
    enum { FREE = 256 };
    size_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += arg[i].tag == PTM_LIST   ? arg[i].u.list->n
               : arg[i].tag == PTM_DICT ? arg[i].u.dict->n
               : arg[i].tag == PTM_STR  ? arg[i].u.str->len / 16
                                        : 0;
    ptm_trace_spend(t, sum / FREE);
}

static struct ptm_ival call(struct ptm_trace *t, const char *name, const char *overload,
                            const struct ptm_ival *arg, size_t n_pos, const char *const *kw,
                            size_t n_kw, const struct ptm_schema **called)
{
    const struct ptm_schema *schema = NULL;
    struct ptm_ival bound[PTM_MAX_SCHEMA_ARGS];
    struct ptm_err err = {0};
    char plain[128];
    if (t->err.code)
        return ptm_none();
    if (!ptm_schema_exists(name)) {
        ptm_lower_fn *fn = find_row(name);
        if (!fn)
            return ptm_trace_fail(t, PTM_ERR_UNSUPPORTED, "operator '%s' is not known", name);
        struct ptm_lower_call c = {.t = t, .arg = arg, .n_arg = n_pos + n_kw};
        return fn(&c);
    }
    if (n_pos == 2 && arg[0].tag == PTM_OBJECT && arg[1].tag == PTM_OBJECT && /* enum members */
        (!strcmp(name, "aten::eq") || !strcmp(name, "aten::ne")))
        return ptm_bool((arg[0].u.object == arg[1].u.object) == !strcmp(name, "aten::eq"));
    if (ptm_schema_bind(&t->arena, name, overload, arg, n_pos, kw, n_kw, &schema, bound,
                        PTM_LEN(bound), &err))
        return ptm_trace_fail(t, err.code, "%s", err.msg);
    *called = schema;
    struct ptm_lower_call c = {.t = t, .schema = schema, .arg = bound, .n_arg = schema->n_args};
    if (schema->vararg) {
        c.arg = arg;
        c.n_arg = n_pos + n_kw;
    }
    ptm_lower_fn *fn = NULL;
    /* "aten::div(Scalar a, Scalar b)" has no overload name; the tensors' row is not meant */
    if (!*schema->overload && schema->n_args && schema->arg[0].type == S_NUMBER &&
        !schema->arg[0].list)
        fn = find_exact(name, "int");
    if (!fn)
        fn = find_complex(&c, name);
    if (!fn && plain_name(name, plain, sizeof(plain)) && (fn = find_complex(&c, plain)))
        return write_result(t, bound[0], fn(&c));
    if (!fn)
        fn = find_exact(name, schema->overload);
    if (fn) {
        int out = out_arg(schema);
        struct ptm_ival r = fn(&c);
        return out >= 0 ? write_result(t, bound[out], r) : r;
    }
    if (plain_name(name, plain, sizeof(plain)) && (fn = find_exact(plain, schema->overload)))
        return write_result(t, bound[0], fn(&c));
    return ptm_trace_fail(t, PTM_ERR_UNSUPPORTED, "operator '%s%s%s' has no lowering yet", name,
                          *schema->overload ? "." : "", schema->overload);
}

struct ptm_ival ptm_lower_call(struct ptm_trace *t, const char *name, const char *overload,
                               const struct ptm_ival *arg, size_t n_pos, const char *const *kw,
                               size_t n_kw)
{
    spend(t, arg, n_pos + n_kw);
    const char *old = ptm_schema_upgrade(name, overload, t->program->op_version);
    const struct ptm_schema *called = NULL;
    struct ptm_ival r = old ? call(t, old, NULL, arg, n_pos, kw, n_kw, &called)
                            : call(t, name, overload, arg, n_pos, kw, n_kw, &called);
    t->called = called;
    if (t->arena.failed)
        ptm_trace_no_memory(t);
    return r;
}

/* Lowerings mean the present operators, whatever the file's version. */
struct ptm_ival ptm_call(struct ptm_trace *t, const char *name, size_t n,
                         const struct ptm_ival *arg)
{
    const struct ptm_schema *called;
    return call(t, name, NULL, arg, n, NULL, 0, &called);
}
