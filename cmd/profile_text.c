/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of ptm profile: numbers first, names behind them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/profile.h"
#include "libcore/backend.h"
#include "libcore/passes.h"

static double percent(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

/* Microseconds with three digits or more; into buf. */
static const char *text_us(double ns, char *buf, size_t size)
{
    double us = ns / 1e3;
    snprintf(buf, size, "%.*f", us < 10 ? 3 : us < 100 ? 2 : 1, us);
    return buf;
}

/* Operations (or bytes) each nanosecond, which is their number in thousands of millions a second;
 * "-": none, or no time. */
static const char *text_rate(uint64_t n, double ns, char *buf, size_t size)
{
    if (n && ns > 0)
        snprintf(buf, size, "%.1f", (double)n / ns);
    else
        snprintf(buf, size, "-");
    return buf;
}

static void print_heading(const struct profile_report *r)
{
    char bytes[40];
    const char *names = r->recipe && r->recipe->n ? "" : "none";
    printf("model       %s, %s, %s(%s)\n", r->model->path,
           text_bytes(r->model->n_bytes, bytes, sizeof(bytes)), r->method, r->arguments);
    printf("passes      %s", names);
    if (!*names && r->recipe->n == ptm_recipe_default.n)
        printf("all %zu", r->recipe->n);
    else
        for (size_t i = 0; r->recipe && i < r->recipe->n; i++)
            printf("%s%s", i ? "," : "", r->recipe->name[i]);
    putchar('\n');
    printf("machine     %s, %d CPU%s; %" PRId64 " thread%s; ptm %s, %s\n",
           r->env.cpu[0] ? r->env.cpu : r->env.machine, r->env.n_cpus,
           r->env.n_cpus == 1 ? "" : "s", r->threads, r->threads == 1 ? "" : "s", PTM_VERSION,
           bench_compiler());
    for (size_t i = 0; i < r->n; i++) {
        const struct ptm_backend *b = ptm_backend_find(r->profile[i].name);
        if (b)
            printf("%-11s %s\n", b->name, b->about);
    }
    for (size_t i = 0; i < r->n_skips; i++)
        printf("%-11s skipped: %s\n", r->skip[i].backend, r->skip[i].reason);
    for (size_t i = 0; i < r->warnings.n; i++)
        printf("%s%s%s", i ? "; " : "disturbed   ", r->warnings.text[i],
               i + 1 == r->warnings.n ? "\n" : "");
    putchar('\n');
}

/* -- one backend -- */

/* One profile has one kernel on each line but those of modules. */
static void print_kernel(const struct bench_row *row, bool more)
{
    printf("  %-8s %-26s %-*s", row->backend, row->kernel, more ? 8 : 0, row->isa);
}

static void print_origin(const struct bench_line *l)
{
    printf("  %s%s%s", l->module, *l->module && *l->aten ? " " : "", l->aten);
}

static void print_single(const struct profile_report *r, size_t shown)
{
    const struct bench_profile *p = &r->profile[0];
    double sum = 0;
    bool op = r->by == BENCH_BY_OP, module = r->by == BENCH_BY_MODULE;
    printf("%11s %6s %6s %8s %7s%s  ", "time us", "share", module ? "" : "cum", "GFLOP/s", "GB/s",
           op ? "" : "  steps");
    if (op)
        printf("%-17s  %-8s %-26s %-8s  %-22s  %s\n", "operator", "backend", "kernel", "isa",
               "output", "from");
    else if (module)
        puts("module");
    else
        printf("%-17s  %-8s %-26s %s\n", "operator", "backend", "kernel", "isa");
    for (size_t i = 0; i < shown; i++) {
        const struct bench_line *l = &r->line[i];
        const struct bench_cell *c = &l->cell[0];
        char us[40], flops[40], bytes[40], type[160], cum[16] = "";
        sum += c->ns;
        if (!module)
            snprintf(cum, sizeof(cum), "%.1f%%", percent(sum, p->ops_ns));
        printf("%11s %5.1f%% %6s %8s %7s", text_us(c->ns, us, sizeof(us)),
               percent(c->ns, p->ops_ns), cum, text_rate(c->flops, c->ns, flops, sizeof(flops)),
               text_rate(c->bytes, c->ns, bytes, sizeof(bytes)));
        if (!op)
            printf(" %6" PRIu64, c->steps);
        if (module) {
            printf("  %s\n", l->name);
            continue;
        }
        printf("  %-17s", l->name);
        print_kernel(c->row, op);
        if (op) {
            printf("  %-22s", ptm_type_text(&c->row->out, type, sizeof(type)));
            print_origin(l);
            if (c->calls > r->calls_per_sample)
                printf(", %" PRIu64 " times", c->calls);
            if (c->row->reason)
                printf(" (%s refused: %s)", p->name, c->row->reason);
        }
        putchar('\n');
    }
}

/* -- several -- */

static void print_cell_kernel(const struct bench_cell *c)
{
    if (!c->steps)
        putchar('-');
    else if (c->one_kernel)
        printf("%s%s%s", *c->row->kernel ? c->row->kernel : c->row->backend,
               *c->row->isa ? " " : "", c->row->isa);
    else
        printf("%" PRIu64 " steps", c->steps);
}

static void print_several(const struct profile_report *r, size_t shown)
{
    char text[160];
    for (size_t k = 0; k < r->n; k++) {
        snprintf(text, sizeof(text), "%.30s us", r->profile[k].name);
        printf(" %11s", text);
    }
    for (size_t k = 1; k < r->n; k++) {
        snprintf(text, sizeof(text), "%.30s/%.30s", r->profile[k].name, r->profile[0].name);
        printf(" %11s", text);
    }
    if (r->by == BENCH_BY_MODULE)
        puts("  module");
    else
        printf("  %-17s  %s%s\n", "operator",
               r->by == BENCH_BY_OP ? "output                  from; " : "", "kernels");
    for (size_t i = 0; i < shown; i++) {
        const struct bench_line *l = &r->line[i];
        const struct bench_row *row = NULL;
        for (size_t k = 0; k < r->n; k++) {
            printf(" %11s", l->cell[k].steps ? text_us(l->cell[k].ns, text, sizeof(text)) : "-");
            if (!row && l->cell[k].steps)
                row = l->cell[k].row;
        }
        for (size_t k = 1; k < r->n; k++) {
            bool both = l->cell[0].steps && l->cell[k].steps && l->cell[0].ns > 0;
            snprintf(text, sizeof(text), "%.2f", both ? l->cell[k].ns / l->cell[0].ns : 0);
            printf(" %11s", both ? text : "-");
        }
        if (r->by == BENCH_BY_MODULE) {
            printf("  %s\n", l->name);
            continue;
        }
        printf("  %-17s", l->name);
        if (r->by == BENCH_BY_OP) {
            printf("  %-22s", ptm_type_text(&row->out, text, sizeof(text)));
            print_origin(l);
            putchar(';');
        } else {
            putchar(' ');
        }
        for (size_t k = 0; k < r->n; k++) {
            fputs(k ? " | " : " ", stdout);
            print_cell_kernel(&l->cell[k]);
        }
        putchar('\n');
    }
}

/* -- totals -- */

static void print_total(const struct profile_report *r, const char *name, const double *ns)
{
    char text[40];
    printf("%-36s", name);
    for (size_t i = 0; i < r->n; i++)
        printf(" %11s", text_us(ns[i], text, sizeof(text)));
    puts(" us");
}

static void print_share(const struct profile_report *r, const char *name, const double *value)
{
    printf("%-36s", name);
    for (size_t i = 0; i < r->n; i++)
        printf(" %11.1f", value[i]);
    puts(" %");
}

static double around(const struct bench_profile *p, int kind)
{
    double ns = 0;
    for (size_t i = 0; i < p->n_rows; i++)
        if (p->row[i].kind == kind)
            ns += p->row[i].time.median;
    return ns;
}

static void print_counts(const struct profile_report *r)
{
    bool cut = false, counts = false;
    printf("%-36s", "runs that count, of both kinds");
    for (size_t i = 0; i < r->n; i++) {
        const struct bench_profile *p = &r->profile[i];
        printf(" %11zu", p->plain_time.n + p->recorded_time.n);
        cut = cut || p->n_plain_cut + p->n_recorded_cut;
        counts = counts || p->cut_count;
    }
    printf("\n%-36s", "runs to warm up");
    for (size_t i = 0; i < r->n; i++)
        printf(" %11zu", r->profile[i].n_warmup);
    putchar('\n');
    if (!cut)
        return;
    printf("%-36s", "runs when a CPU was taken away");
    for (size_t i = 0; i < r->n; i++)
        printf(" %11zu", r->profile[i].n_plain_cut + r->profile[i].n_recorded_cut);
    puts(counts ? ", counted where few others are left" : ", left out");
}

static void print_totals(const struct profile_report *r)
{
    static const char *const about[] = {
        [PTM_EVENT_GUARDS] = "  guards: does an entry apply?",
        [PTM_EVENT_PROGRAM] = "  program: interpreting it",
        [PTM_EVENT_BIND] = "  bind: memory, tables of arrays",
        [PTM_EVENT_OUTPUTS] = "  outputs: copies to their buffers",
        [PTM_EVENT_EFFECTS] = "  effects: the module's new state",
        [PTM_EVENT_RESULT] = "  result: making it, letting go",
    };
    double a[PROFILE_MAX_BACKENDS];
    size_t n = r->n;
#define TOTAL(name, value)                                                                         \
    do {                                                                                           \
        for (size_t i = 0; i < n; i++) {                                                           \
            const struct bench_profile *p = &r->profile[i];                                        \
            a[i] = (value);                                                                        \
        }                                                                                          \
        print_total(r, name, a);                                                                   \
    } while (0)
    printf("\n%-36s", "totals, medians of one run");
    for (size_t i = 0; i < n; i++)
        printf(" %11s", r->profile[i].name);
    putchar('\n');
    TOTAL("sum of the operators", p->ops_ns);
    for (size_t k = 0; k < PTM_LEN(about); k++) {
        double all = 0;
        for (size_t i = 0; i < n; i++)
            all += around(&r->profile[i], (int)k);
        if (about[k] && all > 0)
            TOTAL(about[k], around(p, (int)k));
    }
    TOTAL("  unaccounted", p->unaccounted_time.median);
    TOTAL("profiled run", p->recorded_time.median);
    TOTAL("unprofiled run", p->plain_time.median);
    TOTAL("  CPU time of it, all threads", p->cpu_time.median);
#undef TOTAL
    for (size_t i = 0; i < n; i++)
        a[i] = percent(r->profile[i].ops_ns, r->profile[i].plain_time.median);
    print_share(r, "sum of the operators / unprofiled", a);
    for (size_t i = 0; i < n; i++)
        a[i] = percent(r->profile[i].recorded_time.median - r->profile[i].plain_time.median,
                       r->profile[i].plain_time.median);
    print_share(r, "cost of profiling", a);
    print_counts(r);
    if (r->calls_per_sample > 1)
        printf("a run is %zu calls, one for each input\n", r->calls_per_sample);
    for (size_t i = 0; i < n; i++)
        if (r->profile[i].dropped)
            printf("%s: %" PRIu64 " events of a run did not fit into memory\n", r->profile[i].name,
                   r->profile[i].dropped);
}

void profile_print(const struct profile_report *r)
{
    size_t shown = r->top && r->n_lines > (size_t)r->top ? (size_t)r->top : r->n_lines;
    print_heading(r);
    if (r->n == 1)
        print_single(r, shown);
    else
        print_several(r, shown);
    if (shown < r->n_lines)
        printf("and %zu more (--top 0 shows all)\n", r->n_lines - shown);
    print_totals(r);
}
