/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TorchScript source of one module, run. The input is code/__torch__.py; the module is its last
 * class. Attributes get values by their declared types: tensors the sizes of a comment behind the
 * declaration (`weight : Tensor  # f4,3,3,3`), else those of a few defaults; submodules come from
 * their classes. A line `#run forward f1,3,8,8` says tensor arguments (run_model.h).
 */
#include "tests/fuzz/run_model.h"
#include "tests/fuzz/ts_archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MAX_TEXT = 12 << 10, MAX_PICKLE = 12 << 10, STORAGE = 512, N_STORAGES = 4, DEPTH = 6,
       N_CONSTANTS = 12 };
static const char *const storage_type[N_STORAGES] = {"FloatStorage", "FloatStorage", "LongStorage",
                                                     "BoolStorage"};

struct pickler {
    uint8_t buf[MAX_PICKLE];
    size_t n;
    unsigned count;
    bool full;
};

static void raw(struct pickler *p, const char *s, size_t n)
{
    if (n > sizeof(p->buf) - p->n - 8) {
        p->full = true;
        return;
    }
    memcpy(p->buf + p->n, s, n);
    p->n += n;
}

static void text(struct pickler *p, const char *s)
{
    raw(p, s, strlen(s));
}

static void unicode(struct pickler *p, const char *s, size_t n)
{
    const char head[5] = {'X', (char)n, (char)(n >> 8), 0, 0};
    raw(p, head, 5);
    raw(p, s, n);
}

static void integer(struct pickler *p, unsigned i)
{
    const char b[3] = {'M', (char)i, (char)(i >> 8)};
    raw(p, b, 3);
}

/* torch._utils._rebuild_tensor_v2(storage, 0, size, stride, False, OrderedDict()) */
static void tensor(struct pickler *p, const char *s)
{
    unsigned dim[4], stride[4], n = 1, rank = 0, kind = p->count % 2;
    if (*s == 'i')
        kind = 2;
    else if (*s == 'b')
        kind = 3;
    for (s += isalpha((unsigned char)*s) != 0; rank < 4 && isdigit((unsigned char)*s); rank++) {
        unsigned k = 0;
        for (; isdigit((unsigned char)*s) && k < STORAGE; s++)
            k = k * 10 + (unsigned)(*s - '0');
        dim[rank] = n * k > STORAGE ? 1 : k;
        n *= dim[rank] ? dim[rank] : 1;
        s += *s == ',';
    }
    for (unsigned i = rank, k = 1; i-- > 0; k *= dim[i] ? dim[i] : 1)
        stride[i] = k;
    const char key = (char)('0' + kind);
    text(p, "ctorch._utils\n_rebuild_tensor_v2\n((");
    unicode(p, "storage", 7);
    text(p, "ctorch\n");
    text(p, storage_type[kind]);
    text(p, "\n");
    unicode(p, &key, 1);
    unicode(p, "cpu", 3);
    integer(p, STORAGE);
    text(p, "tQ");
    integer(p, 0);
    text(p, "(");
    for (unsigned i = 0; i < rank; i++)
        integer(p, dim[i]);
    text(p, "t(");
    for (unsigned i = 0; i < rank; i++)
        integer(p, stride[i]);
    text(p, "t\x89" "ccollections\nOrderedDict\n)RtR");
}

static bool starts(const char *s, const char *word)
{
    return !strncmp(s, word, strlen(word));
}

static size_t name_length(const char *s)
{
    size_t n = 0;
    while (isalnum((unsigned char)s[n]) || s[n] == '_')
        n++;
    return n;
}

static const char *next_line(const char *s)
{
    s = strchr(s, '\n');
    return s ? s + 1 : NULL;
}

/* The line after "class NAME(...):"; NULL: no such class. */
static const char *find_class(const char *src, const char *name, size_t n)
{
    for (const char *p = src; p; p = next_line(p))
        if (starts(p, "class ") && !strncmp(p + 6, name, n) && p[6 + n] == '(')
            return next_line(p);
    return NULL;
}

static void object(struct pickler *p, const char *src, const char *name, size_t n, int depth);

static void value(struct pickler *p, const char *src, const char *type, int depth)
{
    static const char *const shapes[] = {"f4,3,3,3", "f4", "i4", "f2,4", "f16,3"};
    const char *comment = type + strcspn(type, "#\n");
    unsigned k = p->count++;
    if (starts(type, "Tensor") || starts(type, "Optional[Tensor"))
        tensor(p, *comment == '#' ? comment + 1 + strspn(comment + 1, " ")
                                  : shapes[k % PTM_LEN(shapes)]);
    else if (starts(type, "bool"))
        text(p, k & 1 ? "\x88" : "\x89");
    else if (starts(type, "int"))
        integer(p, *comment == '#' ? (unsigned)strtoul(comment + 1, NULL, 10) & 4095 : k % 3);
    else if (starts(type, "float"))
        raw(p, "G\x3f\xe0\0\0\0\0\0\0", 9);
    else if (starts(type, "str"))
        unicode(p, "mean", 4);
    else if (starts(type, "List[int]"))
        text(p, "ctorch.jit._pickle\nbuild_intlist\n(](K\x01K\x02" "etR");
    else if (starts(type, "List[Tensor]"))
        text(p, "ctorch.jit._pickle\nbuild_tensorlist\n(]tR");
    else if (starts(type, "List["))
        text(p, "]");
    else if (starts(type, "Dict["))
        text(p, "}");
    else if (starts(type, "__torch__.") && depth < DEPTH)
        object(p, src, type + 10, name_length(type + 10), depth + 1);
    else
        text(p, "N");
}

/* An instance of the class with all that it declares. */
static void object(struct pickler *p, const char *src, const char *name, size_t n, int depth)
{
    const char *at = find_class(src, name, n);
    text(p, "c__torch__\n");
    raw(p, name, n);
    text(p, "\n)\x81}(");
    for (; at && starts(at, "  ") && !starts(at, "  def "); at = next_line(at)) {
        static const char other[] = "  __annotations__[\"";
        const char *attr = starts(at, other) ? at + sizeof(other) - 1 : at + 2;
        size_t k = name_length(attr);
        const char *type = attr + k + (attr == at + 2 ? 3 : 5);
        if (k && (starts(attr + k, " : ") || starts(attr + k, "\"] = ")) &&
            !starts(type, "Final[")) {
            unicode(p, attr, k);
            value(p, src, type, depth);
        }
    }
    text(p, "ub");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct zip_maker z;
    static struct pickler module, constants;
    static char src[MAX_TEXT + 1];
    static float floats[STORAGE];
    static int64_t longs[STORAGE];
    static const char *const shapes[] = {"f", "f3", "i2", "f2,4", "i", "b4"};
    if (n > MAX_TEXT || memchr(data, 0, n))
        return 0;
    memcpy(src, data, n);
    src[n] = '\0';
    const char *root = NULL;
    for (const char *p = src; p; p = next_line(p))
        if (starts(p, "class "))
            root = p + 6;
    if (!root)
        return 0;
    for (int i = 0; i < STORAGE; i++) {
        floats[i] = (float)(i % 13 - 6) * 0.125f;
        longs[i] = i % 5;
    }
    module.n = constants.n = module.count = constants.count = 0;
    module.full = constants.full = false;
    text(&module, "\x80\x02");
    object(&module, src, root, name_length(root), 0);
    text(&module, ".");
    text(&constants, "\x80\x02(");
    for (unsigned i = 0; i < N_CONSTANTS; i++, constants.count++)
        tensor(&constants, shapes[i % PTM_LEN(shapes)]);
    text(&constants, "t.");
    if (module.full || constants.full)
        return 0;
    z = (struct zip_maker){0};
    add_member(&z, "m/data.pkl", module.buf, module.n);
    add_member(&z, "m/constants.pkl", constants.buf, constants.n);
    add_member(&z, "m/code/__torch__.py", src, n);
    for (int i = 0; i < N_STORAGES; i++) {
        const char *const names[] = {"m/data/0", "m/data/1", "m/data/2", "m/data/3"};
        char name[32];
        const void *bytes = i < 2 ? (const void *)floats : longs;
        size_t size = STORAGE * (i < 2 ? sizeof(float) : i == 2 ? sizeof(int64_t) : 1);
        add_member(&z, names[i], bytes, size);
        snprintf(name, sizeof(name), "m/constants/%d", i);
        add_member(&z, name, bytes, i < 3 ? size : (size_t)STORAGE);
    }
    zm_finish(&z);
    run_model(z.buf, z.n, find_torchscript, src);
    return 0;
}
