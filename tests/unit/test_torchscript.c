/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TorchScript archives: every file of tests/formats/good has the dump beside it, every file of
 * tests/formats/bad fails with the code and text of its expected.txt; small files cut at every
 * byte and with bytes flipped neither crash nor load as something malformed; so with memory that
 * runs out. --update rewrites the dumps.
 */
#include "tests/unit/test.h"

#include <dirent.h>
#include <stdlib.h>

#include "formats/formats.h"
#include "libcore/arena.h"
#include "libcore/model.h"

#define GOOD "tests/formats/good"
#define BAD "tests/formats/bad"
enum { SMALL_FILE = 9000, EVERY = 97 };

static enum ptm_status find_torchscript(const uint8_t *bytes, size_t n, const char *path,
                                        const struct ptm_format **out, struct ptm_err *err)
{
    (void)bytes, (void)n, (void)path, (void)err;
    *out = &ptm_format_torchscript;
    return PTM_OK;
}

static char *read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    char *s = NULL;
    *n = 0;
    if (!f)
        return NULL;
    for (size_t cap = 1 << 14, got = 1; got; cap *= 2) {
        char *more = realloc(s, cap + 1);
        if (!more)
            break;
        s = more;
        got = fread(s + *n, 1, cap - *n, f);
        *n += got;
        s[*n] = '\0';
    }
    fclose(f);
    return s;
}

static int is_archive(const struct dirent *d)
{
    size_t n = strlen(d->d_name);
    return n > 3 && (!strcmp(d->d_name + n - 3, ".pt") || !strcmp(d->d_name + n - 4, ".ptl"));
}

static void compare_dump(const char *path, const char *dump, size_t n, bool update)
{
    char golden_path[520];
    size_t n_golden, line = 1, same = 0;
    snprintf(golden_path, sizeof golden_path, "%s.dump", path);
    if (update) {
        FILE *f = fopen(golden_path, "wb");
        CHECK(f && fwrite(dump, 1, n, f) == n);
        if (f)
            fclose(f);
        return;
    }
    char *golden = read_file(golden_path, &n_golden);
    CHECK(golden);
    while (golden && same < n && same < n_golden && dump[same] == golden[same])
        line += golden[same++] == '\n';
    bool equal = golden && n == n_golden && same == n;
    CHECK(equal);
    if (!equal)
        printf("     %s: differs from line %zu on\n", golden_path, line);
    free(golden);
}

static void test_good(const char *path, bool update)
{
    struct ptm_err err = {0};
    struct ptm_model *m = NULL;
    char *dump = NULL;
    size_t n = 0;
    CHECK_INT(ptm_model_open(&m, path, find_torchscript, &err), PTM_OK);
    if (!m) {
        printf("     %s: %s\n", path, err.msg);
        return;
    }
    CHECK_INT(ptm_program_verify(&m->program, &err), PTM_OK);
    FILE *f = open_memstream(&dump, &n);
    if (f) {
        ptm_program_dump(&m->program, f);
        fclose(f);
        compare_dump(path, dump, n, update);
    }
    free(dump);
    ptm_model_close(m);
}

/* A copy of exactly n bytes, so that AddressSanitizer sees what is read beyond. */
static enum ptm_status load_copy(const char *bytes, size_t n, struct ptm_err *err)
{
    struct ptm_model *m = NULL;
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy)
        return PTM_ERR_MEMORY;
    memcpy(copy, bytes, n);
    enum ptm_status st = ptm_model_open_bytes(&m, copy, n, find_torchscript, err);
    ptm_model_close(m);
    free(copy);
    return st;
}

static void test_damaged(const char *path)
{
    size_t n;
    char *bytes = read_file(path, &n);
    CHECK(bytes);
    if (!bytes || n > SMALL_FILE) {
        free(bytes);
        return;
    }
    int loaded = 0;
    for (size_t k = 0; k < n; k++) {
        struct ptm_err err = {0};
        if (!load_copy(bytes, k, &err))
            loaded++;
        else if (!err.msg[0] || !ptm_status_name(err.code))
            loaded += 1000;
    }
    CHECK_INT(loaded, 0);
    for (size_t start = 0; start < EVERY; start++) {
        struct ptm_err err = {0};
        for (size_t k = start; k < n; k += EVERY)
            bytes[k] = (char)~bytes[k];
        if (load_copy(bytes, n, &err) && !err.msg[0])
            loaded++;
        for (size_t k = start; k < n; k += EVERY)
            bytes[k] = (char)~bytes[k];
    }
    CHECK_INT(loaded, 0);
    free(bytes);
}

static void test_bad(void)
{
    size_t n;
    char *list = read_file(BAD "/expected.txt", &n), *save = NULL;
    int rows = 0;
    CHECK(list);
    for (char *line = list ? strtok_r(list, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save), rows++) {
        char path[512], name[200];
        int code, at = 0;
        struct ptm_err err = {0};
        struct ptm_model *m = NULL;
        if (sscanf(line, "%199s %d %n", name, &code, &at) < 2)
            continue;
        snprintf(path, sizeof path, BAD "/%s", name);
        enum ptm_status st = ptm_model_open(&m, path, find_torchscript, &err);
        CHECK_INT(st, code);
        CHECK(strstr(err.msg, line + at));
        if ((int)st != code || !strstr(err.msg, line + at))
            printf("     %s: %d %s\n", name, (int)st, err.msg);
        ptm_model_close(m);
    }
    CHECK(rows > 80);
    free(list);
}

/* -- what is shared in the file is shared in memory -- */

static struct ptm_ival attr(const struct ptm_object *o, const char *name)
{
    uint32_t i = ptm_class_attr(o->cls, name);
    return i == UINT32_MAX ? (struct ptm_ival){.tag = PTM_UNINIT} : o->attr[i];
}

static bool inside(const struct ptm_model *m, struct ptm_ival v)
{
    const struct ptm_storage *s = v.u.tensor->storage;
    return s->read_only && s->data >= m->bytes && s->data + s->bytes <= m->bytes + m->n_bytes;
}

static void test_shared(void)
{
    struct ptm_err err = {0};
    struct ptm_model *m = NULL;
    CHECK_INT(ptm_model_open(&m, GOOD "/shared_213.pt", find_torchscript, &err), PTM_OK);
    if (!m)
        return;
    const struct ptm_object *root = m->program.root;
    struct ptm_ival a = attr(root, "a"), tied = attr(root, "tied");
    struct ptm_ival base = attr(root, "base"), view = attr(root, "view");
    struct ptm_ival turned = attr(root, "turned");
    CHECK_INT(a.tag, PTM_OBJECT);
    CHECK_INT(base.tag, PTM_TENSOR);
    struct ptm_ival w = attr(a.u.object, "weight"), v = attr(tied.u.object, "weight");
    CHECK_INT(w.tag, PTM_TENSOR);
    CHECK(w.u.tensor->storage == v.u.tensor->storage);
    CHECK(inside(m, w));
    CHECK(base.u.tensor->storage == view.u.tensor->storage);
    CHECK_INT(view.u.tensor->offset, 5);
    CHECK_INT(view.u.tensor->stride[0], 4);
    CHECK_INT(turned.u.tensor->stride[0], 1);
    CHECK((const float *)ptm_tensor_data(view.u.tensor) ==
          (const float *)ptm_tensor_data(base.u.tensor) + 5);
    CHECK_INT(m->program.op_version, 3);
    ptm_model_close(m);
    m = NULL;
    CHECK_INT(ptm_model_open(&m, GOOD "/containers_113.pt", find_torchscript, &err), PTM_OK);
    if (!m)
        return;
    struct ptm_ival names = attr(m->program.root, "names"), same = attr(m->program.root, "shared");
    CHECK_INT(names.tag, PTM_LIST);
    CHECK(names.u.list == same.u.list);
    CHECK_INT(names.u.list->elem, PTM_STR);
    CHECK_INT(attr(m->program.root, "nested").u.list->elem, PTM_LIST);
    CHECK_INT(attr(m->program.root, "empty").u.list->elem, PTM_TENSOR);
    ptm_model_close(m);
}

static void test_memory(const char *path)
{
    struct ptm_err err = {0};
    size_t n;
    char *bytes = read_file(path, &n);
    CHECK(bytes);
    int wrong = 0;
    for (uint64_t k = 1; bytes && k < 10000; k++) {
        struct ptm_model *m = NULL;
        err = (struct ptm_err){0};
        ptm_memory_fail_at(k);
        enum ptm_status st =
            ptm_model_open_bytes(&m, (const uint8_t *)bytes, n, find_torchscript, &err);
        ptm_memory_fail_at(0);
        ptm_model_close(m);
        if (!st)
            break;
        wrong += st != PTM_ERR_MEMORY;
    }
    CHECK_INT(wrong, 0);
    free(bytes);
}

int main(int argc, char **argv)
{
    bool update = argc > 1 && !strcmp(argv[1], "--update");
    struct dirent **files = NULL;
    int n = scandir(GOOD, &files, is_archive, alphasort);
    CHECK(n >= 28);
    for (int i = 0; i < n; i++) {
        char path[512];
        snprintf(path, sizeof path, GOOD "/%s", files[i]->d_name);
        test_good(path, update);
        test_damaged(path);
        free(files[i]);
    }
    free(files);
    test_bad();
    test_shared();
    test_memory(GOOD "/classes_213.pt");
    test_memory(GOOD "/traced_113.pt");
    TEST_END;
}
