/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls that `ptm optimize` makes entries of: for each --method, one for each run of its inputs,
 * and one for each group of --input-shape when there are more than one call takes.
 */
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/optimize.h"

enum { MAX_ROUNDS = 8 };

static enum ptm_status add(struct optimize *o, const char *method, const struct input_opts *in,
                           struct ptm_err *err)
{
    void *all = o->calls;
    struct inputs one = {0};
    enum ptm_status rc = inputs_bind(&one, o->model, method, in, true, err);
    if (!rc && !ptm_arena_grow(&o->arena, &all, &o->cap_calls, o->n_calls + 1, sizeof(*o->calls)))
        rc = ptm_fail(err, PTM_ERR_MEMORY, "no memory for the inputs");
    if (rc) {
        inputs_release(&one);
        return rc;
    }
    o->calls = all;
    o->calls[o->n_calls++] = one;
    return PTM_OK;
}

/* Shapes in groups of equal size, the first that binds. */
static enum ptm_status add_groups(struct optimize *o, const char *method, struct ptm_err *err)
{
    const struct str_list *all = &o->in.shapes;
    struct input_opts in = o->in;
    enum ptm_status whole = add(o, method, &in, err);
    if (whole != PTM_ERR_ARG || all->n < 2)
        return whole;
    for (size_t size = 1; size <= all->n / 2; size++) {
        struct ptm_err why = {0};
        in.shapes = (struct str_list){.v = all->v, .n = size};
        if (all->n % size || add(o, method, &in, &why))
            continue;
        *err = (struct ptm_err){0};
        for (size_t at = size; at < all->n; at += size) {
            in.shapes.v = all->v + at;
            PTM_TRY(add(o, method, &in, err));
        }
        return PTM_OK;
    }
    return whole;
}

enum ptm_status calls_bind(struct optimize *o, struct ptm_err *err)
{
    const struct ptm_function *fn;
    for (size_t i = 0; i < o->methods.n || !i; i++) {
        const char *method = i < o->methods.n ? o->methods.v[i] : o->method;
        PTM_TRY(method_find(o->model, method, &fn, err));
        PTM_TRY(add_groups(o, method, err));
    }
    return PTM_OK;
}

void calls_release(struct optimize *o)
{
    for (size_t i = 0; i < o->n_calls; i++)
        inputs_release(&o->calls[i]);
    o->n_calls = 0;
}

enum ptm_status calls_run(const struct inputs *in, size_t run, struct ptm_session *s,
                          struct ptm_ival *result, struct ptm_err *err)
{
    struct ptm_arena arena = {0};
    struct ptm_ival *args;
    size_t n_args;
    enum ptm_status rc = inputs_make(in, run, &arena, &args, &n_args, err);
    if (rc == PTM_OK)
        rc = inputs_run(in, s, args, n_args, result, err);
    ptm_arena_release(&arena);
    return rc;
}

static bool keeps_state(const struct ptm_session *s)
{
    for (size_t i = 0; i < s->n_entries; i++)
        if (s->entry[i]->n_effects)
            return true;
    return false;
}

/* What a module remembers is another thing after its first call than before, and a counter becomes
 * a symbol once it has missed: such modules are called until nothing is new. */
enum ptm_status calls_make_entries(struct optimize *o, struct ptm_session *s, struct ptm_err *err)
{
    struct ptm_ival result;
    for (int round = 0; round < MAX_ROUNDS; round++) {
        uint64_t before = s->stats.specialised;
        for (size_t i = 0; i < o->n_calls; i++)
            for (size_t run = 0; run < o->calls[i].n_runs; run++) {
                if (round || i || run) /* the very first was measured */
                    PTM_TRY(calls_run(&o->calls[i], run, s, &result, err));
                if (o->closed && !s->last)
                    return ptm_fail(err, PTM_ERR_UNSUPPORTED,
                                    "--closed: '%s' reads the data of tensors to go on, so that "
                                    "each call is interpreted; without --closed it works",
                                    o->calls[i].method);
            }
        if (!keeps_state(s) || (round && s->stats.specialised == before))
            break;
    }
    return PTM_OK;
}
