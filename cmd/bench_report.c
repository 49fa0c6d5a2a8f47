/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes what ptm bench found: a table for people, Markdown, CSV, PyTorchObserver lines. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cmd/bench.h"
#include "cmd/cmd.h"
#include "libcore/backend.h"

/* -- cells -- */

enum { CELL = 100 };
typedef void cell_fn(const struct bench *b, const struct bench_row *r, char *out);

static void put_ms(char *out, double ns)
{
    double ms = ns / 1e6;
    if (isnan(ns))
        strcpy(out, "-");
    else
        snprintf(out, CELL, "%.*f", ms < 0.09995 ? 4 : ms < 9.9995 ? 3 : ms < 99.995 ? 2 : 1, ms);
}

static void put_bytes(char *out, double bytes)
{
    if (isnan(bytes))
        strcpy(out, "-");
    else
        text_bytes((uint64_t)bytes, out, CELL);
}

#define MS_CELL(name, expr)                                                                        \
    static void name(const struct bench *b, const struct bench_row *r, char *out)                  \
    {                                                                                              \
        (void)b;                                                                                   \
        put_ms(out, expr);                                                                         \
    }
#define PHASE(name) bench_value(r->first, "phases_ns", name)
MS_CELL(cell_median, r->stats.median)
MS_CELL(cell_min, (double)r->stats.min)
MS_CELL(cell_p90, r->stats.p90)
MS_CELL(cell_p99, r->stats.p99)
MS_CELL(cell_mean, r->stats.mean)
MS_CELL(cell_mad, r->stats.mad)
MS_CELL(cell_load, PHASE("open") + PHASE("session"))
MS_CELL(cell_specialise, PHASE("specialise") + PHASE("passes"))
MS_CELL(cell_plan, PHASE("plan"))
MS_CELL(cell_pack, PHASE("pack"))
MS_CELL(cell_first, PHASE("first_inference"))

#define BYTES_CELL(name, member)                                                                   \
    static void name(const struct bench *b, const struct bench_row *r, char *out)                  \
    {                                                                                              \
        (void)b;                                                                                   \
        put_bytes(out, bench_value(r->end, "memory_bytes", member));                               \
    }
BYTES_CELL(cell_arena, "arena")
BYTES_CELL(cell_weights, "weights")
BYTES_CELL(cell_packed, "packed")
BYTES_CELL(cell_allocated, "peak")
BYTES_CELL(cell_resident, "resident_peak")

static void cell_model(const struct bench *b, const struct bench_row *r, char *out)
{
    snprintf(out, CELL, "%.90s", b->model[r->model].name);
}

static void cell_backend(const struct bench *b, const struct bench_row *r, char *out)
{
    (void)b;
    snprintf(out, CELL, "%s", r->backend);
}

static void cell_threads(const struct bench *b, const struct bench_row *r, char *out)
{
    (void)b;
    snprintf(out, CELL, "%" PRId64, r->threads);
}

static void cell_speed(const struct bench *b, const struct bench_row *r, char *out)
{
    double v = bench_speedup(b, r);
    snprintf(out, CELL, isnan(v) ? "-" : "%.2f", v);
}

static void cell_gflops(const struct bench *b, const struct bench_row *r, char *out)
{
    (void)b;
    snprintf(out, CELL, "%.1f", 2 * bench_value(r->end, NULL, "macs") / r->stats.median);
}

static void cell_difference(const struct bench *b, const struct bench_row *r, char *out)
{
    (void)b;
    if (!r->accuracy.done)
        strcpy(out, "-");
    else if (!r->accuracy.same_shape)
        strcpy(out, "other shape");
    else if (r->accuracy.relative == 0)
        strcpy(out, "0");
    else
        snprintf(out, CELL, "%.1e%s", r->accuracy.relative, r->accuracy.within ? "" : " !");
}

static void cell_top1(const struct bench *b, const struct bench_row *r, char *out)
{
    (void)b;
    strcpy(out, !r->accuracy.done || r->accuracy.top1 < 0 ? "-"
                : r->accuracy.top1                        ? "same"
                                                          : "differs");
}

/* "xnnpack 99.8 %, cpu 0.2 % avx512": who does the multiply-adds (or, without any, the steps). */
static void cell_shares(const struct bench *b, const struct bench_row *r, char *out)
{
    const cJSON *s;
    size_t at = 0;
    (void)b;
    *out = 0;
    double macs = bench_value(r->end, NULL, "macs"), steps = bench_value(r->end, NULL, "steps");
    cJSON_ArrayForEach(s, cJSON_GetObjectItem(r->end, "backends"))
    {
        const cJSON *name = cJSON_GetObjectItem(s, "name"), *isa = cJSON_GetObjectItem(s, "isa");
        double share = macs > 0 ? bench_value(s, NULL, "macs") / macs
                                : bench_value(s, NULL, "steps") / steps;
        if (!cJSON_IsString(name) || !(share > 0) || at >= CELL)
            continue;
        bool has_isa = cJSON_IsString(isa) && *isa->valuestring;
        at += (size_t)snprintf(out + at, CELL - at, "%s%s%s%s %.4g %%", at ? ", " : "",
                               name->valuestring, has_isa ? " " : "",
                               has_isa ? isa->valuestring : "", 100 * share);
    }
}

static const struct column {
    const char *head;
    cell_fn *fn;
    bool wide; /* only in Markdown */
    bool left;
} columns[] = {
    {"model", cell_model, true, true},
    {"backend", cell_backend, false, true},
    {"threads", cell_threads, false, false},
    {"median ms", cell_median, false, false},
    {"min", cell_min, false, false},
    {"p90", cell_p90, false, false},
    {"p99", cell_p99, false, false},
    {"mean", cell_mean, true, false},
    {"MAD", cell_mad, false, false},
    {"speed", cell_speed, false, false},
    {"GFLOP/s", cell_gflops, true, false},
    {"load ms", cell_load, false, false},
    {"specialise", cell_specialise, true, false},
    {"plan", cell_plan, true, false},
    {"pack", cell_pack, false, false},
    {"first", cell_first, false, false},
    {"arena", cell_arena, true, false},
    {"weights", cell_weights, true, false},
    {"packed", cell_packed, true, false},
    {"allocated", cell_allocated, true, false},
    {"peak", cell_resident, false, false},
    {"difference", cell_difference, false, false},
    {"top-1", cell_top1, false, true},
    {"multiply-adds on", cell_shares, false, true},
};
enum { COLUMNS = sizeof(columns) / sizeof(*columns), FIRST_MEASURED = 3 };

/* -- text -- */

static void print_libraries(const struct bench *b, FILE *f)
{
    fprintf(f, "ptm %s, %s", PTM_VERSION, bench_compiler());
    for (size_t i = 0; ptm_backends[i]; i++) /* cpu is ptm's own */
        for (size_t k = 0; k < b->rows_per_model && ptm_backends[i] != &ptm_backend_cpu; k++)
            if (!strcmp(b->row[k].backend, ptm_backends[i]->name)) {
                fprintf(f, "; %s: %s", ptm_backends[i]->name, ptm_backends[i]->about);
                break;
            }
    fprintf(f, "\n%s, %d CPU%s, %s %s; %s\n", b->env.cpu[0] ? b->env.cpu : "unknown CPU",
            b->env.n_cpus, b->env.n_cpus == 1 ? "" : "s", b->env.system, b->env.machine,
            b->started);
}

/* "x f32[1, 3, 224, 224]; 300,774,272 multiply-adds; weights 14 MB" */
static void print_model(const struct bench *b, size_t model, FILE *f)
{
    const struct bench_row *r = &b->row[model * b->rows_per_model], *end = r + b->rows_per_model;
    const cJSON *in, *d;
    char text[40];
    fprintf(f, "\n%s", b->model[model].name);
    while (r < end && !r->end)
        r++;
    if (r < end) {
        cJSON_ArrayForEach(in, cJSON_GetObjectItem(r->first, "inputs"))
        {
            const cJSON *dtype = cJSON_GetObjectItem(in, "dtype");
            fputs("  ", f);
            if (cJSON_IsString(dtype))
                fprintf(f, "%s[", dtype->valuestring);
            else
                fprintf(f, "%s", cJSON_GetStringValue(cJSON_GetObjectItem(in, "value")));
            cJSON_ArrayForEach(d, cJSON_GetObjectItem(in, "shape"))
                fprintf(f, "%s%.0f", d->prev && d->prev->next ? ", " : "", d->valuedouble);
            if (cJSON_IsString(dtype))
                fputc(']', f);
        }
        double macs = bench_value(r->end, NULL, "macs");
        if (macs > 0)
            fprintf(f, "; %s multiply-adds", text_count((uint64_t)macs, text, sizeof(text)));
        fprintf(f, "; weights %s",
                text_bytes((uint64_t)bench_value(r->end, "memory_bytes", "weights"), text,
                           sizeof(text)));
    }
    fputc('\n', f);
}

static void widths(const struct bench *b, const struct bench_row *row, size_t n, size_t *width)
{
    char cell[CELL];
    for (size_t c = 0; c < COLUMNS; c++) {
        width[c] = strlen(columns[c].head);
        for (size_t i = 0; i < n; i++) {
            if (row[i].status != ROW_OK && c >= FIRST_MEASURED)
                continue;
            columns[c].fn(b, &row[i], cell);
            width[c] = strlen(cell) > width[c] ? strlen(cell) : width[c];
        }
    }
}

/* One line; r NULL: the heads. */
static void print_line(const struct bench *b, const struct bench_row *r, const size_t *width,
                       FILE *f)
{
    char cell[CELL];
    int gap = 0; /* blanks before the next cell: none at the end of the line */
    for (size_t c = 0; c < COLUMNS; c++) {
        if (columns[c].wide)
            continue;
        if (r && r->status != ROW_OK && c == FIRST_MEASURED) {
            fprintf(f, "%*s%s: %s", gap + 2, "",
                    r->status == ROW_SKIPPED ? "skipped" : "failed", r->message);
            break;
        }
        if (r)
            columns[c].fn(b, r, cell);
        else
            snprintf(cell, sizeof(cell), "%s", columns[c].head);
        int blank = (int)(width[c] - strlen(cell));
        gap += 2 + (columns[c].left ? 0 : blank);
        if (*cell) {
            fprintf(f, "%*s%s", gap, "", cell);
            gap = 0;
        }
        gap += columns[c].left ? blank : 0;
    }
    fputc('\n', f);
}

static void print_doubts(const struct bench *b, const struct bench_row *r, FILE *f)
{
    const cJSON *converged = cJSON_GetObjectItem(r->ready, "converged");
    double drift = r->stats.last_third / r->stats.first_third - 1;
    if (r->status != ROW_OK)
        return;
    if (b->o->warmup < 0 && cJSON_IsFalse(converged))
        fprintf(f, "  %s, %" PRId64 ": the warm-up did not converge\n", r->backend, r->threads);
    if (fabs(drift) > 0.05)
        fprintf(f, "  %s, %" PRId64 ": not steady, the last third of the runs took %.0f %% %s\n",
                r->backend, r->threads, 100 * fabs(drift), drift > 0 ? "longer" : "less");
}

static void write_text(const struct bench *b, FILE *f)
{
    print_libraries(b, f);
    for (size_t m = 0; m < b->n_models; m++) {
        const struct bench_row *row = &b->row[m * b->rows_per_model];
        size_t width[COLUMNS];
        widths(b, row, b->rows_per_model, width);
        print_model(b, m, f);
        print_line(b, NULL, width, f);
        for (size_t i = 0; i < b->rows_per_model; i++)
            print_line(b, &row[i], width, f);
        for (size_t i = 0; i < b->rows_per_model; i++)
            print_doubts(b, &row[i], f);
    }
    fputs("\nspeed: against the first row; MAD: median distance from the median; first: the first "
          "call, specialising\nand packing included; peak: resident memory", f);
    fprintf(f, "%s\n",
            b->o->no_accuracy ? ""
                              : "; difference: largest, of the outputs of 'ref', to\ntheir largest");
    for (size_t i = 0; i < b->warnings.n; i++)
        fprintf(f, "warning: %s\n", b->warnings.text[i]);
}

/* -- Markdown -- */

static void print_escaped(const char *text, FILE *f)
{
    for (; *text; text++)
        fprintf(f, *text == '|' ? "\\%c" : "%c", *text);
}

static void write_markdown(const struct bench *b, FILE *f)
{
    char cell[CELL];
    for (size_t c = 0; c < COLUMNS; c++)
        fprintf(f, "| %s ", columns[c].head);
    fputs("|\n", f);
    for (size_t c = 0; c < COLUMNS; c++)
        fputs(columns[c].left ? "|---" : "|---:", f);
    fputs("|\n", f);
    for (size_t i = 0; i < b->n_rows; i++) {
        const struct bench_row *r = &b->row[i];
        for (size_t c = 0; c < COLUMNS; c++) {
            if (r->status != ROW_OK && c == FIRST_MEASURED)
                snprintf(cell, sizeof(cell), "%s: %.80s",
                         r->status == ROW_SKIPPED ? "skipped" : "failed", r->message);
            else if (r->status != ROW_OK && c > FIRST_MEASURED)
                cell[0] = 0;
            else
                columns[c].fn(b, r, cell);
            fputs("| ", f);
            print_escaped(cell, f);
            fputc(' ', f);
        }
        fputs("|\n", f);
    }
    fputs("\n", f);
    print_libraries(b, f);
    for (size_t i = 0; i < b->warnings.n; i++)
        fprintf(f, "\nWarning: %s.\n", b->warnings.text[i]);
}

/* -- CSV: plain numbers, units in the heads, nothing where there is no number -- */

static void csv_text(const char *text, FILE *f)
{
    bool quote = strpbrk(text, ",\"\r\n") != NULL;
    if (quote)
        fputc('"', f);
    for (; *text; text++)
        fprintf(f, *text == '"' ? "\"\"" : "%c", *text);
    if (quote)
        fputc('"', f);
}

static void csv_number(double v, const char *format, FILE *f)
{
    char text[40] = "";
    if (isfinite(v))
        snprintf(text, sizeof(text), format[0] == 'd' ? "%.0f" : "%.9g", v);
    fprintf(f, ",%s", text);
}

static void csv_row(const struct bench *b, const struct bench_row *r, FILE *f)
{
    static const char *const status[] = {"ok", "skipped", "failed"};
    static const char *const phases[] = {"open", "session", "specialise", "passes", "plan",
                                         "pack", "first_inference"};
    static const char *const memory[] = {"arena", "weights", "packed", "peak", "resident_peak"};
    const struct bench_stats *s = &r->stats;
    bool ok = r->status == ROW_OK;
    double time[] = {s->median, (double)s->min, (double)s->max, s->p90, s->p95, s->p99, s->mean,
                     s->stddev, s->mad};
    csv_text(b->model[r->model].name, f);
    fprintf(f, ",%s,%" PRId64 ",%s,", r->backend, r->threads, status[r->status]);
    csv_text(r->message, f);
    csv_number(ok ? (double)s->n : (double)NAN, "d", f);
    for (size_t i = 0; i < PTM_LEN(time); i++)
        csv_number(ok ? time[i] : (double)NAN, "d", f);
    csv_number(bench_speedup(b, r), "g", f);
    for (size_t i = 0; i < PTM_LEN(phases); i++)
        csv_number(bench_value(r->first, "phases_ns", phases[i]), "d", f);
    for (size_t i = 0; i < PTM_LEN(memory); i++)
        csv_number(bench_value(r->end, "memory_bytes", memory[i]), "d", f);
    csv_number(bench_value(r->end, NULL, "macs"), "d", f);
    bool accuracy = r->accuracy.done && r->accuracy.same_shape;
    csv_number(accuracy ? r->accuracy.relative : (double)NAN, "g", f);
    fprintf(f, ",%s\n",
            !accuracy || r->accuracy.top1 < 0 ? "" : r->accuracy.top1 ? "true" : "false");
}

static void write_csv(const struct bench *b, FILE *f)
{
    fputs("model,backend,threads,status,message,runs,median_ns,min_ns,max_ns,p90_ns,p95_ns,p99_ns,"
          "mean_ns,stddev_ns,mad_ns,speed,open_ns,session_ns,specialise_ns,passes_ns,plan_ns,"
          "pack_ns,first_inference_ns,arena_bytes,weights_bytes,packed_bytes,"
          "allocated_peak_bytes,resident_peak_bytes,macs,relative_difference,top1_equal\n", f);
    for (size_t i = 0; i < b->n_rows; i++)
        csv_row(b, &b->row[i], f);
}

void bench_write(const struct bench *b, enum bench_table kind, FILE *f)
{
    if (kind == TABLE_TEXT)
        write_text(b, f);
    else if (kind == TABLE_MARKDOWN)
        write_markdown(b, f);
    else
        write_csv(b, f);
}

/* What speed_benchmark_torch prints for FAI-PEP. */
void bench_write_observer(const struct bench *b, FILE *f)
{
    for (size_t i = 0; i < b->n_rows; i++)
        for (size_t k = 0; b->row[i].status == ROW_OK && k < b->row[i].n_samples; k++)
            fprintf(f, "PyTorchObserver {\"type\": \"NET\", \"unit\": \"us\", \"metric\": "
                       "\"latency\", \"value\": \"%.3f\"}\n",
                    (double)b->row[i].sample[k] / 1000);
}
