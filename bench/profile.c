/* SPDX-License-Identifier: BSD-2-Clause */
/* Measures profiles: warm-up, turns, rows. */
#include "bench/profile.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "libcore/clock.h"

/* -- rows -- */

static enum ptm_status no_memory(struct ptm_err *err)
{
    return ptm_fail(err, PTM_ERR_MEMORY, "no memory for the profile");
}

static const char *copy_text(struct ptm_arena *a, const char *s)
{
    return s ? ptm_arena_str(a, s, strlen(s)) : "";
}

/* How much of two module paths is the same, in whole names. */
static size_t common(const char *a, const char *b, size_t n)
{
    size_t same = 0, i = 0;
    for (;; i++) {
        bool end_a = i == n || a[i] == '.', end_b = !b[i] || b[i] == '.';
        if (end_a && end_b)
            same = i;
        if (i == n || !b[i] || a[i] != b[i])
            return same;
    }
}

static void describe_places(struct ptm_arena *a, struct bench_row *row,
                            const struct ptm_event_info *info)
{
    char names[400] = "";
    size_t used = 0, shared = 0;
    row->place = ptm_arena_array(a, info->n_site + 1, sizeof(*row->place));
    for (size_t i = 0; i < info->n_site && row->place; i++) {
        const struct ptm_site *s = &info->site[i];
        struct bench_place *p = &row->place[row->n_places++];
        *p = (struct bench_place){copy_text(a, s->path), copy_text(a, s->aten),
                                  copy_text(a, s->file), s->line};
        if (a->failed)
            return;
        shared = i ? common(row->place[0].path, p->path, shared) : strlen(p->path);
        const char *name = strncmp(p->aten, "aten::", 6) ? p->aten : p->aten + 6;
        bool again = false;
        for (size_t k = 0; k < i && !again; k++)
            again = !strcmp(row->place[k].aten, p->aten);
        if (!again && *name && used < sizeof(names) - 1)
            used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", used ? "+" : "",
                                     name);
    }
    if (row->place)
        row->module = ptm_arena_str(a, row->n_places ? row->place[0].path : "", shared);
    row->aten = copy_text(a, names);
}

static void describe_inputs(struct ptm_arena *a, struct bench_row *row,
                            const struct ptm_event_info *info)
{
    const struct ptm_node *n = info->node;
    row->in = ptm_arena_array(a, n->n_in + 1, sizeof(*row->in));
    for (uint32_t i = 0; i < n->n_in && row->in; i++)
        if (info->graph->operand[n->in + i] != PTM_NO_VALUE)
            row->in[row->n_in++] = info->graph->value[info->graph->operand[n->in + i]].type;
}

static struct bench_row *new_row(struct bench_profile *p, const struct ptm_event *e,
                                 const struct ptm_event_info *info)
{
    struct ptm_arena *a = &p->arena;
    void *rows = p->row;
    if (!ptm_arena_grow(a, &rows, &p->cap_rows, p->n_rows + 1, sizeof(*p->row)))
        return NULL;
    p->row = rows;
    struct bench_row *row = &p->row[p->n_rows];
    *row = (struct bench_row){.kind = e->kind, .step = e->step, .module = "", .aten = "",
                              .op = copy_text(a, info->op),
                              .backend = copy_text(a, info->backend),
                              .kernel = copy_text(a, info->kernel),
                              .isa = copy_text(a, info->isa),
                              .reason = info->reason ? copy_text(a, info->reason) : NULL};
    if (e->kind == PTM_EVENT_STEP || e->kind == PTM_EVENT_PIECE)
        row->piece = info->piece;
    if (info->out)
        row->out = *info->out;
    if (e->kind == PTM_EVENT_STEP)
        describe_places(a, row, info);
    if (info->node)
        describe_inputs(a, row, info);
    row->sample = calloc(p->cap_samples, sizeof(*row->sample));
    if (!row->sample)
        return NULL;
    p->n_rows++;
    return a->failed ? NULL : row;
}

/* Steps come one after the other: `guess` is the row behind that of the event before. */
static struct bench_row *find_row(struct bench_profile *p, const struct ptm_event *e, size_t guess)
{
    struct ptm_event_info info;
    ptm_event_describe(e, &info);
    bool of_piece = e->kind == PTM_EVENT_STEP || e->kind == PTM_EVENT_PIECE;
    uint64_t piece = of_piece ? info.piece : 0;
    struct bench_row *row = NULL;
    for (size_t i = 0; i < p->n_rows && !row; i++) {
        struct bench_row *r = &p->row[(guess + i) % p->n_rows];
        if (r->kind == e->kind && r->step == e->step && r->piece == piece)
            row = r;
    }
    if (!row)
        row = new_row(p, e, &info);
    if (row && of_piece) {
        row->macs += info.macs;
        row->flops += info.flops;
        row->bytes += info.bytes;
    }
    return row;
}

/* Adds the events of the last run to sample number k. */
static enum ptm_status account(struct bench_profile *p, size_t k, struct ptm_err *err)
{
    size_t n, guess = 0;
    uint64_t dropped;
    const struct ptm_event *e = ptm_session_events(p->session, &n, &dropped);
    void *events = p->event;
    if (dropped > p->dropped)
        p->dropped = dropped;
    if (!ptm_arena_grow(&p->arena, &events, &p->cap_events, p->n_events + n, sizeof(*p->event)))
        return no_memory(err);
    p->event = events;
    for (size_t i = 0; i < n; i++) {
        struct bench_row *row = find_row(p, &e[i], guess);
        if (!row)
            return no_memory(err);
        guess = (size_t)(row - p->row) + 1;
        row->calls++;
        row->sample[k] += e[i].end_ns - e[i].start_ns;
        p->event[p->n_events++] = (struct bench_event){e[i].start_ns, e[i].end_ns,
                                                       (uint32_t)(row - p->row)};
        if (e[i].kind != PTM_EVENT_PIECE)
            p->unaccounted[k] -= e[i].end_ns - e[i].start_ns;
    }
    return PTM_OK;
}

/* -- samples -- */

static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* How often the system took a CPU away from this process, so far. */
static long cuts(void)
{
    struct rusage u;
    return getrusage(RUSAGE_SELF, &u) ? 0 : u.ru_nivcsw;
}

static bool grow(void *at, size_t size, size_t had, size_t cap)
{
    void **p = at;
    char *v = realloc(*p, cap * size);
    if (!v)
        return false;
    memset(v + had * size, 0, (cap - had) * size);
    *p = v;
    return true;
}

/* Room for one more sample of each kind. */
static bool more_samples(struct bench_profile *p)
{
    size_t had = p->cap_samples, cap = had ? 2 * had : 64;
    if (p->n_plain < had && p->n_recorded < had)
        return true;
    bool ok = grow(&p->plain, sizeof(*p->plain), had, cap) &&
              grow(&p->cpu, sizeof(*p->cpu), had, cap) &&
              grow(&p->recorded, sizeof(*p->recorded), had, cap) &&
              grow(&p->unaccounted, sizeof(*p->unaccounted), had, cap) &&
              grow(&p->plain_cut, sizeof(bool), had, cap) &&
              grow(&p->recorded_cut, sizeof(bool), had, cap);
    for (size_t i = 0; i < p->n_rows && ok; i++)
        ok = grow(&p->row[i].sample, sizeof(int64_t), had, cap);
    if (ok)
        p->cap_samples = cap;
    return ok;
}

static void start_recording(struct bench_profile *p)
{
    p->n_events = 0;
    for (size_t i = 0; i < p->n_rows; i++)
        p->row[i].calls = p->row[i].macs = p->row[i].flops = p->row[i].bytes = 0;
}

/* One sample; *ns: what it took. Not kept: only run. */
static enum ptm_status take(struct bench_profile *p, const struct bench_calls *calls, bool record,
                            bool keep, int64_t *ns, struct ptm_err *err)
{
    int64_t cpu = 0;
    bool cut = false;
    *ns = 0;
    if (keep && !more_samples(p))
        return no_memory(err);
    if (keep && record)
        start_recording(p);
    ptm_session_profile(p->session, record);
    for (size_t i = 0; i < calls->n; i++) {
        const struct bench_call *c = &calls->call[i];
        struct ptm_ival result;
        long cuts_before = cuts();
        int64_t cpu_start = cpu_ns(), start = ptm_clock_ns();
        PTM_TRY(ptm_session_run(p->session, calls->method, c->args, c->n_args, &result, err));
        int64_t end = ptm_clock_ns();
        cpu += cpu_ns() - cpu_start;
        *ns += end - start;
        cut = cut || cuts() != cuts_before;
        if (keep && record)
            PTM_TRY(account(p, p->n_recorded, err));
    }
    if (keep && record) {
        p->unaccounted[p->n_recorded] += *ns;
        p->recorded_cut[p->n_recorded] = cut;
        p->n_recorded_cut += cut;
        p->recorded[p->n_recorded++] = *ns;
    } else if (keep) {
        p->cpu[p->n_plain] = cpu;
        p->plain_cut[p->n_plain] = cut;
        p->n_plain_cut += cut;
        p->plain[p->n_plain++] = *ns;
    }
    return PTM_OK;
}

/* -- measuring -- */

enum { DEFAULT_RUNS = 20, MOST_RUNS = 1000, LEAST_UNCUT = 3 };
#define DEFAULT_SECONDS 0.5
#define MOST_SECONDS 5.0
#define MOST_WARMUP_SECONDS 3.0

static enum ptm_status warm_up(struct bench_profile *p, const struct bench_calls *calls,
                               const struct bench_profile_options *o, struct ptm_err *err)
{
    struct bench_warmup w = {0};
    bool more = o->warmup != 0;
    while (more) {
        int64_t ns;
        /* recording now and then: its memory is made while nobody looks */
        PTM_TRY(take(p, calls, w.n % 2 == 1, false, &ns, err));
        p->converged = bench_warmup_add(&w, ns);
        more = o->warmup < 0 ? !p->converged && ((double)w.total_ns < MOST_WARMUP_SECONDS * 1e9 ||
                                                 w.n < 2)
                             : (int64_t)w.n < o->warmup;
    }
    p->n_warmup = w.n;
    return PTM_OK;
}

/* Others want the CPU: who has slept is let run for longer without a break. So the runs after one
 * that was cut have a rest before them. */
enum { REST_NS = 4000000, RESTS = 8 };
static void rest(void)
{
    nanosleep(&(struct timespec){.tv_nsec = REST_NS}, NULL);
}

/* One backend's turn: pairs in the order that takes a steady drift out. Behind another backend's
 * turn the caches are its own again after one run that does not count. */
static enum ptm_status take_turn(struct bench_profile *p, const struct bench_calls *calls,
                                 bool alone, int64_t *spent, struct ptm_err *err)
{
    static const bool record[] = {false, true, true, false};
    int64_t ns;
    if (!alone)
        PTM_TRY(take(p, calls, false, false, &ns, err));
    for (size_t i = 0; i < PTM_LEN(record); i++) {
        size_t cut = p->n_plain_cut + p->n_recorded_cut;
        if (p->rests > 0) {
            rest();
            p->rests--;
            *spent += REST_NS;
        }
        PTM_TRY(take(p, calls, record[i], true, &ns, err));
        if (p->n_plain_cut + p->n_recorded_cut > cut)
            p->rests = RESTS;
        *spent += ns;
    }
    return PTM_OK;
}

static size_t uncut(const struct bench_profile *p)
{
    size_t plain = p->n_plain - p->n_plain_cut, recorded = p->n_recorded - p->n_recorded_cut;
    return plain < recorded ? plain : recorded;
}

static bool enough(const struct bench_profile *p, const struct bench_profile_options *o,
                   int64_t spent)
{
    bool runs_given = o->runs >= 0, time_given = o->min_time >= 0;
    double least = time_given ? o->min_time : runs_given ? 0 : DEFAULT_SECONDS;
    double seconds = (double)spent / 1e9;
    if (runs_given)
        return p->n_recorded >= (size_t)o->runs && seconds >= least;
    if (p->n_recorded >= MOST_RUNS || (!time_given && seconds > MOST_SECONDS))
        return true;
    return uncut(p) >= DEFAULT_RUNS && seconds >= least;
}

static int64_t clock_cost(void)
{
    enum { READINGS = 1000 };
    int64_t start = ptm_clock_ns();
    for (int i = 0; i < READINGS - 1; i++)
        ptm_clock_ns();
    return (ptm_clock_ns() - start) / READINGS;
}

/* Statistics of the samples that count. */
static bool make_stats(const struct bench_profile *p, struct bench_stats *out,
                       const int64_t *sample, const bool *cut, size_t n)
{
    int64_t *list = malloc(n * sizeof(*list));
    size_t k = 0;
    for (size_t i = 0; i < n && list; i++)
        if (p->cut_count || !cut[i])
            list[k++] = sample[i];
    bool ok = list && bench_stats_make(out, list, k);
    free(list);
    return ok;
}

static enum ptm_status finish(struct bench_profile *p, struct ptm_err *err)
{
    p->clock_ns = clock_cost();
    p->cut_count = uncut(p) < LEAST_UNCUT;
    if (!make_stats(p, &p->plain_time, p->plain, p->plain_cut, p->n_plain) ||
        !make_stats(p, &p->cpu_time, p->cpu, p->plain_cut, p->n_plain) ||
        !make_stats(p, &p->recorded_time, p->recorded, p->recorded_cut, p->n_recorded) ||
        !make_stats(p, &p->unaccounted_time, p->unaccounted, p->recorded_cut, p->n_recorded))
        return no_memory(err);
    for (size_t i = 0; i < p->n_rows; i++) {
        struct bench_row *r = &p->row[i];
        if (!make_stats(p, &r->time, r->sample, p->recorded_cut, p->n_recorded))
            return no_memory(err);
        if (r->kind == PTM_EVENT_STEP)
            p->ops_ns += r->time.median;
        else if (r->kind != PTM_EVENT_PIECE)
            p->around_ns += r->time.median;
    }
    return PTM_OK;
}

enum ptm_status bench_profile_measure(struct bench_profile *p, size_t n,
                                      const struct bench_calls *calls,
                                      const struct bench_profile_options *o, struct ptm_err *err)
{
    bool more = true;
    int64_t *spent = calloc(n, sizeof(*spent));
    enum ptm_status rc = spent ? PTM_OK : no_memory(err);
    for (size_t i = 0; i < n && !rc; i++)
        rc = warm_up(&p[i], calls, o, err);
    for (size_t round = 0; more && !rc; round++) {
        more = false;
        for (size_t i = 0; i < n && !rc; i++) {
            size_t k = round % 2 ? n - 1 - i : i;
            if (round && enough(&p[k], o, spent[k]))
                continue;
            rc = take_turn(&p[k], calls, n == 1, &spent[k], err);
            more = true;
        }
    }
    for (size_t i = 0; i < n && !rc; i++)
        rc = finish(&p[i], err);
    free(spent);
    return rc;
}

void bench_profile_release(struct bench_profile *p)
{
    for (size_t i = 0; i < p->n_rows; i++)
        free(p->row[i].sample);
    free(p->plain);
    free(p->cpu);
    free(p->recorded);
    free(p->unaccounted);
    free(p->plain_cut);
    free(p->recorded_cut);
    ptm_arena_release(&p->arena);
    *p = (struct bench_profile){.name = p->name, .session = p->session};
}
