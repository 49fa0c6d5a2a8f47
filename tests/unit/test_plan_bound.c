/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How good memory plans are, from `ptm inspect --dump plan` alone: no code is shared with what makes
 * plans. Values that are views or parts of others, or take their bytes, are one block. At each step
 * the blocks that are written by then and read from then on are alive; the most of them at one step
 * is what no arrangement can go below. Checked: blocks that live together do not overlap, the arena
 * is within 5 % of that bound, the numbers of tests/e2e/plans.csv (PTM_UPDATE=1 writes it), and the
 * limits of three networks.
 *
 * usage: test_plan_bound [CSV LABEL INSPECT-WORDS...]: other models, two words for each
 */
#include <glob.h>
#include <stdlib.h>

#include "libcore/ptm.h"
#include "tests/unit/test.h"

enum { MOST = 20000, NONE = -1 };

static const char *ptm;
static char csv[1 << 16], wanted[1 << 16];

struct value {
    int arena, joined;   /* lives in the arena; is a view, a part, or takes another's bytes: */
    long link;           /* of this one */
    uint64_t bytes;      /* of the arena, if it is none of these */
    long long offset;
    long first, last;    /* steps of its block, when it is the block's last link */
    uint64_t block;      /* bytes of the block */
};
static struct value value[MOST];
static long n_values, n_steps;
static uint64_t live[MOST];

struct plan {
    uint64_t arena, alive, scratch; /* as printed */
    uint64_t bound;
    unsigned steps, copies, parts;
};

static long root(long v)
{
    while (value[v].link != NONE)
        v = value[v].link;
    return v;
}

/* "f32[2, 3] arena + 64 ..." */
static void read_place(const char *text)
{
    struct value *v = &value[n_values++];
    *v = (struct value){.link = NONE, .first = NONE};
    uint64_t n = 0;
    for (int d = 0; d <= PTM_BF16; d++) {
        const char *name = ptm_dtype_name((enum ptm_dtype)d);
        size_t len = name ? strlen(name) : 0;
        if (len && !strncmp(text, name, len) && text[len] == '[')
            n = ptm_dtype_bytes((enum ptm_dtype)d);
    }
    CHECK(n != 0);
    for (text = strchr(text, '[') + 1; *text != ']'; text += strspn(text, ", ")) {
        char *end;
        n *= strtoull(text, &end, 10);
        text = end;
    }
    v->bytes = (n + 63) / 64 * 64;
    v->arena = !strncmp(text, "] arena", 7);
    const char *at = strstr(text, " + "), *link;
    v->offset = at ? atoll(at + 3) : 0;
    static const char *const words[] = {" view of %", " part of %", " over %"};
    for (int i = 0; i < 3; i++)
        if ((link = strstr(text, words[i])) != NULL) {
            /* what was first in bytes that a part takes over again lies in the whole as well */
            if (v->link == NONE || i < 2)
                v->link = strtol(link + strlen(words[i]), NULL, 10);
            v->joined |= i < 2;
        }
}

static void touch(long v, long step)
{
    struct value *b = &value[root(v)];
    if (!b->arena)
        return;
    b->first = b->first == NONE ? step : b->first;
    b->last = step > b->last ? step : b->last;
}

/* "%4, %5 = op(%1, _, %3) cpu" */
static void read_step(const char *line, struct plan *p)
{
    for (const char *at = strchr(line, '%'); at; at = strchr(at + 1, '%'))
        touch(strtol(at + 1, NULL, 10), n_steps);
    if (strstr(line, " = reorder("))
        p->copies++;
    else
        p->steps++;
    n_steps++;
}

static void measure(struct plan *p)
{
    memset(live, 0, sizeof(live));
    for (long v = 0; v < n_values; v++)
        if (value[v].arena && !value[v].joined && value[v].bytes > value[root(v)].block)
            value[root(v)].block = value[v].bytes;
    for (long v = 0; v < n_values; v++) {
        const struct value *a = &value[v];
        if (!a->arena || a->link != NONE || a->first == NONE)
            continue;
        for (long s = a->first; s <= a->last && s <= n_steps; s++)
            live[s] += a->block;
        CHECK(a->offset >= 0 && (uint64_t)a->offset + a->block <= p->arena);
        for (long w = 0; w < v; w++) {
            const struct value *b = &value[w];
            if (b->arena && b->link == NONE && b->first != NONE && a->first <= b->last &&
                b->first <= a->last && (uint64_t)a->offset < (uint64_t)b->offset + b->block &&
                (uint64_t)b->offset < (uint64_t)a->offset + a->block) {
                CHECK(!"blocks overlap");
                printf("%%%ld and %%%ld\n", w, v);
            }
        }
    }
    for (long s = 0; s <= n_steps; s++)
        p->bound = live[s] > p->bound ? live[s] : p->bound;
    CHECK_INT(p->alive, p->bound);
    CHECK(p->arena <= p->bound + p->bound / 20);
}

/* The plans of a model; of several pieces, the numbers of the one that needs most. */
static int read_plans(const char *words, struct plan *most)
{
    char line[8000];
    struct plan p = {0};
    int n = 0;
    snprintf(line, sizeof(line), "%s inspect %s --dump plan 2>/dev/null", ptm, words);
    FILE *f = popen(line, "r");
    *most = p;
    n_values = n_steps = 0;
    while (f && fgets(line, sizeof(line), f)) {
        char *end;
        if (*line == '%' && strtol(line + 1, &end, 10) == n_values && *end == ':' &&
            n_values < MOST) {
            p.parts += strstr(line, " part of %") != NULL;
            read_place(end + 2);
        } else if (*line == '%' && n_steps + 1 < MOST) {
            read_step(line, &p);
        } else if (!strncmp(line, "return", 6)) {
            for (char *at = strchr(line, '%'); at; at = strchr(at + 1, '%'))
                touch(strtol(at + 1, NULL, 10), n_steps);
        } else if (sscanf(line, "%" SCNu64 " bytes, %" SCNu64 " alive at once, %" SCNu64, &p.arena,
                          &p.alive, &p.scratch) == 3) {
            measure(&p);
            most->steps += p.steps;
            most->copies += p.copies;
            most->parts += p.parts;
            if (p.arena >= most->arena) {
                most->arena = p.arena;
                most->bound = p.bound;
            }
            most->scratch = p.scratch > most->scratch ? p.scratch : most->scratch;
            p = (struct plan){0};
            n_values = n_steps = 0;
            n++;
        }
    }
    if (f)
        pclose(f);
    return n;
}

static void one(const char *label, const char *words, const char *backend, double limit)
{
    static const char *const passes[] = {"none", "default"};
    for (int i = 0; i < 2; i++) {
        char line[2000];
        struct plan p;
        int before = test_failed;
        snprintf(line, sizeof(line), "%s --backend %s --passes %s", words, backend, passes[i]);
        CHECK(read_plans(line, &p) > 0);
        /* of convolutional networks, workspace does not depend on the instruction set: none */
        CHECK(limit == 0 || (double)(p.arena + p.scratch) <= limit * 1048576);
        size_t n = strlen(csv);
        snprintf(csv + n, sizeof(csv) - n, "%s,%s,%s,%u,%u,%u,%" PRIu64 ",%" PRIu64 "\n", label,
                 backend, passes[i], p.steps, p.copies, p.parts, p.arena, p.bound);
        const char *row = wanted;
        while (row && strncmp(row, csv + n, strlen(csv + n)))
            row = strchr(row, '\n') ? strchr(row, '\n') + 1 : NULL;
        CHECK(row != NULL || getenv("PTM_UPDATE"));
        if (before != test_failed)
            printf("in ptm inspect %s:\n%s", line, csv + n);
    }
}

static int have_xnnpack(void)
{
    char line[1200], have = 0;
    snprintf(line, sizeof(line), "%s backends", ptm);
    FILE *f = popen(line, "r");
    while (f && fgets(line, sizeof(line), f))
        have |= strstr(line, "XNNPACK") && strstr(line, "2022"); /* which has the plans of the file */
    if (f)
        pclose(f);
    return have;
}

static const struct {
    const char *name;
    double limit; /* MiB */
    int ref;      /* fast enough there */
} networks[] = {
    {"mobilenet_v1", 4.65, 1},  {"mobilenet_v2", 5.8, 1}, {"resnet50", 7.0, 1},
    {"mobilenet_v3_large", 0, 0}, {"squeezenet1_1", 0, 1}, {"shufflenet_v2", 0, 1},
    {"efficientnet_b0", 0, 0},  {"vit_tiny", 0, 0},       {"lstm_small", 0, 1},
};

static void fixtures(void)
{
    glob_t files;
    CHECK(!glob("tests/e2e/passes/*.traced.pt", 0, NULL, &files) && files.gl_pathc > 4);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        const char *path = files.gl_pathv[i], *name = strrchr(path, '/') + 1;
        char label[100], words[1000];
        snprintf(label, sizeof(label), "%.*s", (int)(strlen(name) - 3), name);
        snprintf(words, sizeof(words), "%s --input %.*s.in0.npy", path, (int)(strlen(path) - 3),
                 path);
        one(label, words, "ref", 0);
        one(label, words, "cpu", 0);
    }
    globfree(&files);
}

int main(int argc, char **argv)
{
    char path[1000];
    const char *b = getenv("B"), *launcher = getenv("PTM_LAUNCHER");
    const char *file = argc > 1 ? argv[1] : "tests/e2e/plans.csv";
    snprintf(path, sizeof(path), "%s %s/ptm", launcher ? launcher : "", b ? b : "build/release");
    ptm = path;
    int xnnpack = have_xnnpack();
    FILE *f = fopen(file, "r");
    if (f) {
        wanted[fread(wanted, 1, sizeof(wanted) - 1, f)] = 0;
        fclose(f);
    }
    snprintf(csv, sizeof(csv), "model,backend,passes,steps,copies,joined,arena,bound\n");
    for (int i = 2; i + 1 < argc; i += 2) {
        one(argv[i], argv[i + 1], "cpu", 0);
        if (xnnpack)
            one(argv[i], argv[i + 1], "xnnpack", 0);
    }
    for (size_t i = 0; i < sizeof(networks) / sizeof(*networks) && argc < 2; i++) {
        char words[100];
        if (launcher && strcmp(networks[i].name, "lstm_small")) /* an emulator is too slow */
            continue;
        snprintf(words, sizeof(words), "zoo:%s", networks[i].name);
        if (networks[i].ref)
            one(networks[i].name, words, "ref", networks[i].limit);
        one(networks[i].name, words, "cpu", networks[i].limit);
        if (xnnpack)
            one(networks[i].name, words, "xnnpack", networks[i].limit);
    }
    if (argc < 2)
        fixtures();
    if (!xnnpack)
        SKIP("XNNPACK of 2022 is not here");
    if (getenv("PTM_UPDATE") && (f = fopen(file, "w")) != NULL) {
        fputs(csv, f);
        fclose(f);
    }
    TEST_END;
}
