/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For fuzz targets: runs the entries of a .ptm file, with arguments that their guards accept. Each
 * argument's memory is its own and of exactly its bytes, so that AddressSanitizer sees what leaves
 * it.
 */
#ifndef PTM_TESTS_FUZZ_RUN_ENTRIES_H
#define PTM_TESTS_FUZZ_RUN_ENTRIES_H

#include <stdlib.h>
#include <string.h>

#include "libcore/saved.h"
#include "libcore/session.h"
#include "tests/fuzz/run_model.h"

enum { ENTRY_ARGS = 8, ENTRY_BYTES = 1 << 18, ENTRY_WORK = 1 << 22, ENTRY_RUNS = 4 };

struct entry_args {
    struct ptm_arena a;
    struct ptm_storage *storage[64]; /* by binding: what is shared, is shared */
    size_t bytes;
};

static inline struct ptm_storage *entry_storage(struct entry_args *k, const struct ptm_tree *t)
{
    if (t->ref >= PTM_LEN(k->storage) || k->storage[t->ref])
        return t->ref < PTM_LEN(k->storage) ? k->storage[t->ref] : NULL;
    struct ptm_storage *s = ptm_arena_alloc(&k->a, sizeof *s);
    if (!s || t->bytes > ENTRY_BYTES - k->bytes || !(s->data = malloc(t->bytes ? t->bytes : 1)))
        return NULL;
    memset(s->data, 1, t->bytes ? t->bytes : 1);
    s->bytes = t->bytes;
    k->bytes += t->bytes;
    return k->storage[t->ref] = s;
}

static inline struct ptm_ival entry_value(struct entry_args *k, const struct ptm_tree *t, int depth)
{
    struct ptm_list *l = NULL;
    struct ptm_dict *d = NULL;
    struct ptm_tensor *x = NULL;
    struct ptm_storage *s = NULL;
    if (depth > 64)
        return ptm_none();
    switch (t->kind) {
    case T_KNOWN:
        return t->known;
    case T_SYM:
        return t->is_float ? ptm_float(2) : ptm_int(2);
    case T_TENSOR:
        s = entry_storage(k, t);
        x = s ? ptm_arena_alloc(&k->a, sizeof *x) : NULL;
        if (!x)
            return ptm_none();
        x->dtype = t->type.dtype;
        x->rank = t->type.rank;
        memcpy(x->dim, t->type.dim, sizeof x->dim);
        memcpy(x->stride, t->stride, sizeof x->stride);
        x->offset = t->offset;
        x->storage = s;
        return ptm_tensor_ival(x);
    case T_LIST:
    case T_TUPLE:
        l = ptm_list_new(&k->a, t->n);
        for (size_t i = 0; l && i < t->n; i++)
            l->v[i] = entry_value(k, &t->child[i], depth + 1);
        if (!l)
            return ptm_none();
        return (struct ptm_ival){.tag = t->kind == T_LIST ? PTM_LIST : PTM_TUPLE, .u.list = l};
    case T_DICT:
        d = ptm_dict_new(&k->a);
        for (size_t i = 0; d && i + 1 < t->n; i += 2)
            ptm_dict_set(&k->a, d, entry_value(k, &t->child[i], depth + 1),
                         entry_value(k, &t->child[i + 1], depth + 1));
        return (struct ptm_ival){.tag = d ? PTM_DICT : PTM_NONE, .u.dict = d};
    default:
        return ptm_none();
    }
}

/* Two calls each: the second sees the state of the first. */
static inline void run_entry(struct ptm_session *s, const struct ptm_program *p, size_t number)
{
    const struct ptm_entry *e = &p->saved->entry[number];
    struct entry_args k = {.bytes = 0};
    struct ptm_ival args[ENTRY_ARGS] = {{0}}, out;
    struct ptm_err err = {0};
    size_t n = 0;
    for (size_t i = 0; i < e->n_guards; i++) {
        const struct ptm_guard *g = &e->guard[i];
        if (g->kind != G_TREE || g->slot.object || g->slot.index >= ENTRY_ARGS)
            continue;
        args[g->slot.index] = entry_value(&k, g->tree, 0);
        n = g->slot.index + 1 > n ? g->slot.index + 1 : n;
    }
    for (int call = 0; call < 2; call++) {
        if (!ptm_session_run(s, p->fn[e->method].name, args, n, &out, &err))
            run_touch(out, 0);
        else if (!err.msg[0])
            abort();
    }
    for (size_t i = 0; i < PTM_LEN(k.storage); i++)
        if (k.storage[i])
            free(k.storage[i]->data);
    ptm_arena_release(&k.a);
}

static inline void run_entries(const struct ptm_model *m, const char *backend)
{
    struct ptm_config config = {.max_steps = 500, .max_work = ENTRY_WORK, .backend = backend};
    const struct ptm_saved *saved = m->program.saved;
    struct ptm_err err = {0};
    for (size_t i = 0; saved && i < saved->n_entries && i < ENTRY_RUNS; i++) {
        struct ptm_session *s = NULL;
        if (!ptm_session_open(&s, m, &config, &err))
            run_entry(s, &m->program, i);
        ptm_session_close(s);
    }
}

#endif
