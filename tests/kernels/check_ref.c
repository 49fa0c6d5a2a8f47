/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks the reference kernels against PyTorch's results in cases.txt (made by
 * make_cases.py). Each case runs with contiguous arrays, with arrays laid out
 * in other orders and with gaps, and with memory running out at every place.
 * Inputs must stay as they are, and no byte between or around the elements of
 * an output may change.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/half.h"
#include "kernels/ref.h"
#include "libcore/infer.h"

enum { MAX_ARRAYS = 8, MAX_ATTRS = 64, GUARD = 64, MAX_SCRATCH = 64 };

static int passed, failed, skipped;

static const char *const op_names[] = {
#define PTM_OP(name, lo, hi, n_out, attrs, rule, cls, doc) #name,
#include "libcore/ops.def"
#undef PTM_OP
};
static int op_cases[PTM_N_OPS];

struct array {
    uint8_t dtype, rank;
    int64_t dim[PTM_MAX_RANK], n;
    double *f;  /* elements of float types */
    int64_t *i; /* of the others */
};

struct test {
    char op[32];
    int line, n_in, n_out, n_attr, fail; /* fail: expected return value */
    struct array in[MAX_ARRAYS], out[MAX_ARRAYS];
    union ptm_imm attr[MAX_ATTRS];
    double tol;
};

static bool is_float(uint8_t dtype)
{
    return (dtype >= PTM_F16 && dtype <= PTM_F64) || dtype == PTM_BF16;
}

static size_t size_of(uint8_t dtype)
{
    static const uint8_t size[] = {1, 1, 2, 4, 8, 2, 4, 8, 0, 8, 0, 1, 0, 0, 0, 2};
    return size[dtype];
}

static void *get_memory(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size);
    if (!p) {
        fprintf(stderr, "check_ref: out of memory\n");
        exit(2);
    }
    return p;
}

/* -- reading cases -- */
static int64_t word_int(void)
{
    return strtoll(strtok(NULL, " \n"), NULL, 10);
}

static uint8_t word_dtype(const char *word)
{
    static const char *const names[] = {"u8",  "i8", "i16", "i32", "i64",  "f16", "f32", "f64",
                                        "", "c64", "", "bool", "", "", "", "bf16"};
    for (uint8_t k = 0; k < 16; k++)
        if (strcmp(word, names[k]) == 0)
            return k;
    return PTM_ABSENT;
}

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* As values() in make_cases.py. */
static void generate(struct array *a, char kind, uint64_t seed, double lo, double hi)
{
    static const double special[5] = {(double)NAN, HUGE_VAL, -HUGE_VAL, 0.0, -0.0};
    for (int64_t k = 0; k < a->n; k++) {
        uint64_t h = mix((uint64_t)k * 0x9e3779b97f4a7c15u + seed);
        if (a->dtype == PTM_BOOL8) {
            a->i[k] = (int64_t)(h & 1);
        } else if (!is_float(a->dtype)) {
            a->i[k] = (int64_t)(h % ((uint64_t)(int64_t)hi - (uint64_t)(int64_t)lo)) + (int64_t)lo;
        } else {
            double v = ldexp((double)(h >> 40), -24) * (hi - lo) + lo;
            if (kind == 'h')
                v = floor(v * 2) / 2;
            if (kind == 's' && k % 5 == 3)
                v = special[k / 5 % 5];
            a->f[k] = v;
        }
    }
}

static void read_values(struct array *a)
{
    for (int64_t k = 0; k < a->n; k++) {
        const char *word = strtok(NULL, " \n");
        if (a->dtype == PTM_F64)
            a->f[k] = strtod(word, NULL);
        else if (is_float(a->dtype))
            a->f[k] = (double)strtof(word, NULL);
        else
            a->i[k] = strtoll(word, NULL, 10);
    }
}

static void read_array(struct array *a, bool output, bool typed_only)
{
    const char *word = strtok(NULL, " \n");
    a->dtype = word_dtype(word);
    a->n = 0;
    a->rank = 0;
    if (a->dtype == PTM_ABSENT)
        return;
    a->rank = (uint8_t)word_int();
    a->n = 1;
    for (int k = 0; k < a->rank; k++)
        a->n *= a->dim[k] = word_int();
    a->f = get_memory((size_t)a->n, sizeof *a->f);
    a->i = get_memory((size_t)a->n, sizeof *a->i);
    if (output) {
        if (!typed_only)
            read_values(a);
        return;
    }
    word = strtok(NULL, " \n");
    if (strcmp(word, "list") == 0) {
        read_values(a);
        return;
    }
    uint64_t seed = (uint64_t)word_int();
    double lo = strtod(strtok(NULL, " \n"), NULL);
    generate(a, *word, seed, lo, strtod(strtok(NULL, " \n"), NULL));
}

static void read_attrs(struct test *t)
{
    for (const char *word; (word = strtok(NULL, " \n")) && t->n_attr < MAX_ATTRS; t->n_attr++)
        if (word[0] == 'i')
            t->attr[t->n_attr].i = strtoll(word + 2, NULL, 10);
        else
            t->attr[t->n_attr].f = strtod(word + 2, NULL);
}

/* The defaults of ops.def, where the case leaves the last attributes out. */
static void fill_attrs(struct test *t)
{
    struct ptm_attr a[MAX_ATTRS + PTM_MAX_ATTRS] = {0};
    for (int k = 0; k < t->n_attr; k++)
        a[k].u.i = t->attr[k].i;
    enum ptm_op op = ptm_op_by_name(t->op);
    uint32_t n = op == PTM_N_OPS ? 0 : ptm_attr_fill(op, a, (uint32_t)t->n_attr);
    for (; t->n_attr < (int)n && t->n_attr < MAX_ATTRS; t->n_attr++)
        t->attr[t->n_attr].i = a[t->n_attr].u.i;
}

static void free_test(struct test *t)
{
    for (int k = 0; k < MAX_ARRAYS; k++) {
        free(t->in[k].f);
        free(t->in[k].i);
        free(t->out[k].f);
        free(t->out[k].i);
    }
}

/* -- arrays in memory -- */
struct placed {
    struct ptm_nd nd;
    unsigned char *block, *before; /* before: a copy from before the call */
    bool *element;                 /* by byte: belongs to an element */
    size_t bytes;
};

enum { CONTIGUOUS, REVERSED, GAPS, BACKWARDS, N_LAYOUTS };

static void put(const struct ptm_nd *nd, int64_t at, const struct array *a, int64_t k)
{
    char *p = (char *)nd->data + at * (int64_t)size_of(a->dtype);
    float f = (float)a->f[k];
    uint16_t h = a->dtype == PTM_F16 ? ptm_f32_to_f16(f) : ptm_f32_to_bf16(f);
    if (a->dtype == PTM_F64)
        memcpy(p, &a->f[k], 8);
    else if (a->dtype == PTM_F32)
        memcpy(p, &f, 4);
    else if (is_float(a->dtype))
        memcpy(p, &h, 2);
    else
        memcpy(p, &a->i[k], size_of(a->dtype)); /* little-endian, checked in main */
}

static void get(const struct ptm_nd *nd, int64_t at, double *f, int64_t *i)
{
    const char *p = (const char *)nd->data + at * (int64_t)size_of(nd->dtype);
    uint16_t h;
    float v;
    *i = 0;
    memcpy(&h, p, size_of(nd->dtype) == 1 ? 1 : 2);
    if (nd->dtype == PTM_F64)
        memcpy(f, p, 8);
    else if (nd->dtype == PTM_F32)
        memcpy(&v, p, 4), *f = (double)v;
    else if (is_float(nd->dtype))
        *f = (double)(nd->dtype == PTM_F16 ? ptm_f16_to_f32(h) : ptm_bf16_to_f32(h));
    else
        memcpy(i, p, size_of(nd->dtype));
    unsigned bits = (unsigned)size_of(nd->dtype) * 8; /* extend the sign */
    if (!is_float(nd->dtype) && bits < 64 && nd->dtype != PTM_U8 && nd->dtype != PTM_BOOL8 &&
        (*i >> (bits - 1) & 1))
        *i -= (int64_t)1 << bits;
}

/* Offset of element k in row-major order. */
static int64_t offset_of(const struct ptm_nd *nd, int64_t k)
{
    int64_t at = 0;
    for (int d = nd->rank - 1; d >= 0; d--) {
        at += k % nd->dim[d] * nd->stride[d];
        k /= nd->dim[d];
    }
    return at;
}

/* REVERSED: the first dim is innermost; GAPS: every other dim has room after it; BACKWARDS: as
 * GAPS with negative strides. */
static void place(struct placed *p, const struct array *a, int layout, bool fill)
{
    memset(p, 0, sizeof *p);
    p->nd.dtype = a->dtype;
    if (a->dtype == PTM_ABSENT)
        return;
    p->nd.rank = a->rank;
    int64_t span = layout >= GAPS ? 2 : 1, first = 0;
    for (int j = 0; j < a->rank; j++) {
        int d = layout == REVERSED ? j : a->rank - 1 - j;
        p->nd.dim[d] = a->dim[d];
        p->nd.stride[d] = span;
        span *= a->dim[d] > 0 ? a->dim[d] + (layout >= GAPS && j % 2) : 1;
    }
    for (int d = 0; d < a->rank && layout == BACKWARDS && a->n; d++) {
        first += (a->dim[d] - 1) * p->nd.stride[d];
        p->nd.stride[d] = -p->nd.stride[d];
    }
    size_t size = size_of(a->dtype);
    p->bytes = (size_t)span * size + (size_t)2 * GUARD;
    p->block = get_memory(p->bytes, 1);
    p->before = get_memory(p->bytes, 1);
    p->element = get_memory(p->bytes, sizeof *p->element);
    memset(p->block, 0xa5, p->bytes);
    p->nd.data = p->block + GUARD + (size_t)first * size;
    for (int64_t k = 0; k < a->n; k++) {
        int64_t at = offset_of(&p->nd, k);
        if (fill)
            put(&p->nd, at, a, k);
        else
            for (size_t b = 0; b < size; b++)
                p->element[GUARD + (size_t)(first + at) * size + b] = true;
    }
    memcpy(p->before, p->block, p->bytes);
}

static bool untouched(const struct placed *p)
{
    for (size_t b = 0; b < p->bytes; b++)
        if (!p->element[b] && p->block[b] != p->before[b])
            return false;
    return true;
}

static void remove_placed(struct placed *p)
{
    free(p->block);
    free(p->before);
    free(p->element);
}

/* -- running -- */
struct scratch {
    void *part[MAX_SCRATCH];
    int n, fail_at; /* the number of the call that gives NULL; -1: none */
};

static void *scratch(void *ctx, size_t bytes)
{
    struct scratch *s = ctx;
    if (s->n == s->fail_at || s->n == MAX_SCRATCH)
        return NULL;
    return s->part[s->n++] = get_memory(bytes, 1);
}

static void complain(const struct test *t, int layout, const char *what)
{
    printf("FAIL tests/kernels/cases.txt:%d %s, layout %d: %s\n", t->line, t->op, layout, what);
    failed++;
}

static bool same(const struct test *t, const struct placed *y, const struct array *want, int layout)
{
    double max = 0;
    for (int64_t k = 0; k < want->n; k++)
        if (isfinite(want->f[k]))
            max = fabs(want->f[k]) > max ? fabs(want->f[k]) : max;
    for (int64_t k = 0; k < want->n; k++) {
        double f = 0;
        int64_t i = 0;
        get(&y->nd, offset_of(&y->nd, k), &f, &i);
        bool ok = i == want->i[k];
        if (is_float(want->dtype)) {
            double w = want->f[k];
            ok = isnan(w)   ? isnan(f)
                 : isinf(w) ? f == w
                            : fabs(f - w) <= t->tol * max;
        }
        if (!ok) {
            char text[160];
            if (is_float(want->dtype))
                snprintf(text, sizeof text, "element %lld is %.9g, not %.9g", (long long)k, f,
                         want->f[k]);
            else
                snprintf(text, sizeof text, "element %lld is %lld, not %lld", (long long)k,
                         (long long)i, (long long)want->i[k]);
            complain(t, layout, text);
            return false;
        }
    }
    return true;
}

static int call(const struct test *t, struct placed *in, struct placed *out, struct scratch *s)
{
    struct ptm_nd in_nd[MAX_ARRAYS], out_nd[MAX_ARRAYS];
    for (int k = 0; k < t->n_in; k++)
        in_nd[k] = in[k].nd;
    for (int k = 0; k < t->n_out; k++)
        out_nd[k] = out[k].nd;
    struct ptm_ref_call c = {out_nd,    in_nd,   t->attr, t->n_out, t->n_in,
                             t->n_attr, scratch, s};
    int rc = ptm_ref_find(t->op)(&c);
    while (s->n > 0)
        free(s->part[--s->n]);
    return rc;
}

/* Every scratch call of the kernel fails once. */
static bool survives_no_memory(const struct test *t, struct placed *in, struct placed *out)
{
    for (int k = 0; k < MAX_SCRATCH; k++) {
        struct scratch s = {.fail_at = k};
        int rc = call(t, in, out, &s);
        if (rc != PTM_REF_MEMORY)
            return rc == t->fail;
    }
    return false;
}

static void run_layout(const struct test *t, int layout)
{
    struct placed in[MAX_ARRAYS], out[MAX_ARRAYS];
    for (int k = 0; k < t->n_in; k++)
        place(&in[k], &t->in[k], layout, true);
    for (int k = 0; k < t->n_out; k++)
        place(&out[k], &t->out[k], layout, false);
    struct scratch s = {.fail_at = -1};
    int rc = call(t, in, out, &s);
    bool ok = rc == t->fail;
    if (!ok) {
        char text[48];
        snprintf(text, sizeof text, "gave %d, not %d", rc, t->fail);
        complain(t, layout, text);
    }
    for (int k = 0; k < t->n_out && ok && !t->fail; k++)
        ok = same(t, &out[k], &t->out[k], layout);
    if (ok && layout == CONTIGUOUS && !survives_no_memory(t, in, out)) {
        complain(t, layout, "does not report that memory ran out");
        ok = false;
    }
    for (int k = 0; k < t->n_in && ok; k++)
        if (!untouched(&in[k])) {
            complain(t, layout, "wrote to an input");
            ok = false;
        }
    for (int k = 0; k < t->n_out && ok; k++)
        if (!untouched(&out[k])) {
            complain(t, layout, "wrote outside of an output");
            ok = false;
        }
    passed += ok;
    for (int k = 0; k < t->n_in; k++)
        remove_placed(&in[k]);
    for (int k = 0; k < t->n_out; k++)
        remove_placed(&out[k]);
}

static void run_test(const struct test *t)
{
    for (int k = 0; k < PTM_N_OPS; k++)
        op_cases[k] += strcmp(op_names[k], t->op) == 0;
    if (!ptm_ref_find(t->op)) {
        complain(t, 0, "has no kernel");
        return;
    }
    for (int layout = 0; layout < N_LAYOUTS; layout++)
        run_layout(t, layout);
}

static bool run_file(const char *path)
{
    static char text[1 << 16];
    FILE *f = fopen(path, "r");
    if (!f)
        return false;
    struct test t = {0};
    for (int line = 1; fgets(text, sizeof text, f); line++) {
        const char *word = strtok(text, " \n");
        if (!word || *word == '#')
            continue;
        if (strcmp(word, "case") == 0) {
            memset(&t, 0, sizeof t);
            t.line = line;
            snprintf(t.op, sizeof t.op, "%s", strtok(NULL, " \n"));
        } else if (strcmp(word, "attr") == 0) {
            read_attrs(&t);
        } else if (strcmp(word, "in") == 0 && t.n_in < MAX_ARRAYS) {
            read_array(&t.in[t.n_in++], false, false);
        } else if (strcmp(word, "out") == 0 && t.n_out < MAX_ARRAYS) {
            read_array(&t.out[t.n_out++], true, false);
        } else if (strcmp(word, "outdims") == 0 && t.n_out < MAX_ARRAYS) {
            read_array(&t.out[t.n_out++], true, true);
        } else if (strcmp(word, "tol") == 0) {
            t.tol = strtod(strtok(NULL, " \n"), NULL);
        } else if (strcmp(word, "fail") == 0) {
            t.fail = (int)word_int();
        } else { /* end */
            fill_attrs(&t);
            run_test(&t);
            free_test(&t);
        }
    }
    fclose(f);
    return true;
}

/* -- random: PyTorch's numbers are not ours; ranges, moments, streams are checked -- */
enum { N_RANDOM = 20000 };

static void draw(float *v, int64_t kind, double a, double b, int64_t seed, int64_t stream)
{
    union ptm_imm attr[] = {{.i = PTM_F32}, {.i = 1}, {.i = N_RANDOM}, {.i = kind},
                            {.f = a},       {.f = b}, {.i = seed},     {.i = stream}};
    struct ptm_nd y = {v, PTM_F32, 1, {N_RANDOM}, {1}};
    struct ptm_ref_call c = {&y, NULL, attr, 1, 0, 8, NULL, NULL};
    if (ptm_ref_find("random")(&c) != 0)
        v[0] = NAN;
}

static void check_random(void)
{
    static float v[N_RANDOM], w[N_RANDOM];
    static const struct {
        int64_t kind;
        double a, b, low, high, mean, var;
    } row[] = {
        {0, -1, 3, -1, 3, 1, 16.0 / 12}, {1, 2, 0.5, -2, 6, 2, 0.25},
        {2, 0.3, 0, 0, 1, 0.3, 0.21},    {3, -2, 4, -2, 3, 0.5, 35.0 / 12},
    };
    for (size_t k = 0; k < sizeof row / sizeof *row; k++) {
        double sum = 0, square = 0;
        bool inside = true;
        int differ[3] = {0};
        draw(v, row[k].kind, row[k].a, row[k].b, 7, 0);
        for (int i = 0; i < N_RANDOM; i++) {
            double x = (double)v[i];
            inside = inside && x >= row[k].low && x <= row[k].high;
            sum += x;
            square += (x - row[k].mean) * (x - row[k].mean);
        }
        for (int other = 0; other < 3; other++) { /* the same, another seed, another stream */
            draw(w, row[k].kind, row[k].a, row[k].b, 7 + (other == 1), other == 2);
            for (int i = 0; i < N_RANDOM; i++)
                differ[other] += memcmp(&v[i], &w[i], sizeof v[i]) != 0;
        }
        bool ok = inside && fabs(sum / N_RANDOM - row[k].mean) < 0.05 &&
                  fabs(square / N_RANDOM / row[k].var - 1) < 0.05 && differ[0] == 0 &&
                  differ[1] > N_RANDOM / 4 && differ[2] > N_RANDOM / 4;
        if (!ok)
            printf("FAIL random kind %d: mean %g, variance %g\n", (int)row[k].kind, sum / N_RANDOM,
                   square / N_RANDOM);
        passed += ok;
        failed += !ok;
        for (int op = 0; op < PTM_N_OPS; op++)
            op_cases[op] += strcmp(op_names[op], "random") == 0;
    }
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "tests/kernels/cases.txt";
    if (!run_file(path)) {
        fprintf(stderr, "check_ref: cannot read '%s'\n", path);
        return 2;
    }
    check_random();
    for (int k = 0; k < PTM_N_OPS; k++) {
        bool ok = ptm_ref_find(op_names[k]) && op_cases[k] >= 2;
        if (!ok)
            printf("FAIL operator %s has %s and %d cases\n", op_names[k],
                   ptm_ref_find(op_names[k]) ? "a kernel" : "no kernel", op_cases[k]);
        passed += ok;
        failed += !ok;
    }
    printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return failed != 0;
}
