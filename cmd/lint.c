/* SPDX-License-Identifier: BSD-2-Clause */
/* ptm inspect --lint: things worth knowing before shipping a model. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "bench/tensors.h"
#include "cmd/cmd.h"
#include "cmd/survey.h"

struct linter {
    const struct survey *s;
    struct ptm_arena *arena;
    struct findings *out;
};

const char *severity_name(enum severity s)
{
    static const char *const names[] = {"note", "warning", "error"};
    return names[s];
}

static void found(struct linter *l, enum severity severity, const char *rule, const char *fmt, ...)
    PTM_PRINTF(4, 5);

static void found(struct linter *l, enum severity severity, const char *rule, const char *fmt, ...)
{
    void *v = l->out->v;
    if (!ptm_arena_grow(l->arena, &v, &l->out->cap, l->out->n + 1, sizeof(*l->out->v)))
        return;
    l->out->v = v;
    struct finding *f = &l->out->v[l->out->n++];
    *f = (struct finding){.severity = (uint8_t)severity, .rule = rule};
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(f->text, sizeof(f->text), fmt, ap);
    va_end(ap);
}

static void check_training(struct linter *l)
{
    const struct ptm_program *p = &l->s->model->program;
    uint32_t dropout = 0, norm = 0;
    for (uint32_t i = 0; i < p->n_objects; i++) {
        const struct ptm_object *o = p->object[i];
        uint32_t at = ptm_class_attr(o->cls, "training");
        if (at == UINT32_MAX || o->attr[at].tag != PTM_BOOL || !o->attr[at].u.b)
            continue;
        dropout += strstr(o->cls->qualname, "Dropout") != NULL;
        norm += strstr(o->cls->qualname, "BatchNorm") != NULL;
    }
    if (l->s->n_training)
        found(l, LINT_WARNING, "training",
              "saved without eval(): %" PRIu32 " of %" PRIu32 " modules have training = True",
              l->s->n_training, l->s->n_modules);
    if (dropout)
        found(l, LINT_WARNING, "dropout-training",
              "%" PRIu32 " dropout module(s) will drop: call eval() before saving", dropout);
    if (norm)
        found(l, LINT_WARNING, "batchnorm-training",
              "%" PRIu32 " batch norm module(s) use the statistics of each batch: call eval() "
              "before saving",
              norm);
}

static void check_tensors(struct linter *l)
{
    uint64_t f64 = 0, f64_bytes = 0, unused = 0, unused_bytes = 0, shared = 0, bad = 0;
    const char *first_f64 = "", *first_unused = "", *first_shared = "", *first_bad = "";
    for (size_t i = 0; i < l->s->n_tensors; i++) {
        const struct tensor_use *u = &l->s->tensor[i];
        int64_t n = ptm_tensor_numel(u->t);
        uint64_t bytes = (uint64_t)n * ptm_dtype_bytes(u->t->dtype);
        if (!u->first) {
            if (u->role == ROLE_PARAMETER && shared++ == 0)
                first_shared = u->name;
            continue;
        }
        if (u->t->dtype == PTM_F64 && n > 1) {
            first_f64 = f64++ ? first_f64 : u->name;
            f64_bytes += bytes;
        }
        if (!u->used && n > 1) {
            first_unused = unused++ ? first_unused : u->name;
            unused_bytes += bytes;
        }
        struct bench_summary s = bench_summarise(u->t);
        if (s.n_nan || (s.n_inf && u->role == ROLE_PARAMETER))
            first_bad = bad++ ? first_bad : u->name;
    }
    char size[40];
    if (bad)
        found(l, LINT_WARNING, "not-finite",
              "%" PRIu64 " tensor(s) hold NaN or infinity: '%.200s'%s", bad, first_bad,
              bad > 1 ? " and more" : "");
    if (f64)
        found(l, LINT_WARNING, "float64",
              "%" PRIu64 " tensor(s) are float64 (%s): '%.200s'%s; phones want float32", f64,
              text_bytes(f64_bytes, size, sizeof(size)), first_f64, f64 > 1 ? " and more" : "");
    if (unused)
        found(l, LINT_WARNING, "unused", "no method reads %" PRIu64 " tensor(s) (%s): '%.200s'%s",
              unused, text_bytes(unused_bytes, size, sizeof(size)), first_unused,
              unused > 1 ? " and more" : "");
    if (shared)
        found(l, LINT_NOTE, "shared",
              "%" PRIu64 " parameter(s) share the bytes of others: '%.200s'%s", shared,
              first_shared, shared > 1 ? " and more" : "");
}

static void check_ops(struct linter *l)
{
    char place[400];
    for (size_t i = 0; i < l->s->n_ops; i++) {
        const struct op_use *u = &l->s->op[i];
        if (u->status == OP_MISSING)
            found(l, LINT_ERROR, "missing-operator",
                  "'%s' is not supported: %" PRIu32 " place%s, %s", u->name, u->n,
                  u->n == 1 ? "" : "s", place_name(u->place[0], place, sizeof(place)));
        if (!strcmp(u->name, "aten::requires_grad_") || !strcmp(u->name, "aten::backward"))
            found(l, LINT_NOTE, "gradients", "'%s' does nothing here: there are no gradients",
                  u->name);
        if (!strncmp(u->name, "prepacked::", 11))
            found(l, LINT_NOTE, "prepacked",
                  "'%s' (%" PRIu32
                  " places): newer PyTorch without XNNPACK does not load this file",
                  u->name, u->n);
    }
    if (l->s->n_unreachable)
        found(l, LINT_NOTE, "dead-code",
              "%" PRIu32 " operator call(s) are in code that no method reaches",
              l->s->n_unreachable);
}

enum ptm_status lint(const struct survey *s, struct ptm_arena *a, struct findings *out,
                     struct ptm_err *err)
{
    struct linter l = {s, a, out};
    const struct ptm_program *p = &s->model->program;
    check_ops(&l);
    check_training(&l);
    check_tensors(&l);
    if (ptm_class_method(p, p->root->cls, "get_all_bundled_inputs") == UINT32_MAX)
        found(&l, LINT_NOTE, "no-bundled-inputs",
              "no inputs are stored in the file: runs need --input or --input-shape");
    if (s->n_positions && !s->n_source_positions)
        found(&l, LINT_NOTE, "no-source-map", "the file does not tell the Python source lines");
    return a->failed ? ptm_fail(err, PTM_ERR_MEMORY, "no memory for the findings") : PTM_OK;
}
