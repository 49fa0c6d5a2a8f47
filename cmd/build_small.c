/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything of libptm that is chosen by name stands in tables, each alone in its file: kernels/ref.c,
 * kernels/kernel.c, libcore/backend.c, libcore/backend_cpu_ops.c, libcore/specialiser.c,
 * formats/registry.c. selected.c defines the same tables with what a model needs, so the linker
 * takes neither those files from libptm.a nor what only they name.
 */
#include "cmd/build_small.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "libcore/backend_cpu.h"

extern char **environ;

/* All rows of kernels.def, those of other targets too. */
static const struct {
    const char *op, *isa, *target, *needs, *contract, *tile;
} rows[] = {
#define PTM_KERNEL(op, isa, needs, contract, tile) {#op, #isa, NULL, #needs, #contract, #tile},
#define PTM_X86(op, isa, needs, contract, tile)                                                    \
    {#op, #isa, "__x86_64__", #needs, #contract, #tile},
#define PTM_ARM(op, isa, needs, contract, tile)                                                    \
    {#op, #isa, "__aarch64__", #needs, #contract, #tile},
#include "kernels/kernels.def"
#undef PTM_KERNEL
#undef PTM_X86
#undef PTM_ARM
};
static const char *const kernel_names[] = {
#define PTM_KERNEL_OP(op) #op,
#include "kernels/kernels.def"
#undef PTM_KERNEL_OP
};

/* -- selected.c -- */

/* The first of the selection's rows with that operator and backend, when it is k. */
static bool first_of(const struct selection *s, size_t k, const char *backend)
{
    if (strcmp(s->kernel[k].backend, backend) != 0)
        return false;
    for (size_t i = 0; i < k; i++)
        if (!strcmp(s->kernel[i].backend, backend) && !strcmp(s->kernel[i].op, s->kernel[k].op))
            return false;
    return true;
}

static uint32_t kernels_of(const char *op)
{
    for (const struct ptm_cpu_row *r = ptm_cpu_ops; r->op; r++)
        if (!strcmp(r->name, op))
            return r->kernels;
    return 0;
}

static bool wanted(uint32_t kernels, const char *op)
{
    for (size_t i = 0; i < PTM_LEN(kernel_names); i++)
        if (!strcmp(kernel_names[i], op))
            return kernels >> i & 1;
    return false;
}

static void write_kernels(uint32_t kernels, FILE *f)
{
    fputs("\n#define TILE(vl, vectors, r1, r2, r3, r4) {vl, vectors, {r1, r2, r3, r4}}\n", f);
    for (size_t i = 0; i < PTM_LEN(rows); i++)
        if (wanted(kernels, rows[i].op))
            fprintf(f, "PTM_DECL_%s(ptm_%s_%s);\n", rows[i].op, rows[i].op, rows[i].isa);
    fputs("static const struct ptm_kernel_info rows[] = {\n", f);
    for (int pass = 0; pass < 2; pass++) {
        if (pass)
            fputs("};\n\nconst struct ptm_kernel_info *ptm_kernel_row(size_t n)\n{\n"
                  "    return n < sizeof(rows) / sizeof(*rows) ? &rows[n] : NULL;\n}\n\n"
                  "void ptm_kernels_init(struct ptm_kernels *k, uint32_t flags)\n{\n"
                  "    const struct ptm_kernel_info *row = rows;\n    flags |= PTM_CPU_C;\n"
                  "    ptm_kernels_keep(k, 0);\n",
                  f);
        for (size_t i = 0; i < PTM_LEN(rows); i++) {
            if (!wanted(kernels, rows[i].op))
                continue;
            if (rows[i].target)
                fprintf(f, "#ifdef %s\n", rows[i].target);
            if (pass)
                fprintf(f,
                        "    if ((flags & %s) == %s) {\n        k->%s = ptm_%s_%s;\n"
                        "        k->info[PTM_KERNEL_%s] = row;\n    }\n    row++;\n",
                        rows[i].needs, rows[i].needs, rows[i].op, rows[i].op, rows[i].isa,
                        rows[i].op);
            else
                fprintf(f, "    {\"%s\", \"%s\", %s, %s, %s},\n", rows[i].op, rows[i].isa,
                        rows[i].needs, rows[i].contract, rows[i].tile);
            if (rows[i].target)
                fputs("#endif\n", f);
        }
    }
    fputs("}\n", f);
}

/* Names of files and of what models hold, for string literals and comments: whoever wrote a model is
 * not to write the program. */
static void put_text(const char *s, FILE *f)
{
    for (; *s; s++)
        if (isalnum((unsigned char)*s) || strchr("_-./ ", *s))
            fputc(*s, f);
        else
            fprintf(f, "\\%03o", (unsigned)(unsigned char)*s);
}

static void write_selected(const struct selection *s, FILE *f)
{
    uint32_t kernels = 1u << PTM_KERNEL_transpose_f32; /* plans reorder with it */
    fputs("/* What ", f);
    put_text(s->model[0], f);
    fputs(" needs of libptm: made by ptm strip-unused-ops --build. */\n"
          "#include <string.h>\n\n#include \"formats/formats.h\"\n#include \"kernels/kernel.h\"\n"
          "#include \"libcore/backend_cpu.h\"\n#include \"libcore/session.h\"\n\n",
          f);
    for (size_t i = 0; i < s->n_kernels; i++)
        if (first_of(s, i, "cpu")) {
            fprintf(f, "extern const struct ptm_cpu_op ptm_cpu_%s;\n", s->kernel[i].op);
            kernels |= kernels_of(s->kernel[i].op);
        }
    fputs("const struct ptm_cpu_row ptm_cpu_ops[] = {\n", f);
    for (size_t i = 0; i < s->n_kernels; i++)
        if (first_of(s, i, "cpu"))
            fprintf(f, "    {\"%s\", &ptm_cpu_%s, 0x%" PRIx32 "},\n", s->kernel[i].op,
                    s->kernel[i].op, kernels_of(s->kernel[i].op));
    fputs("    {0},\n};\n"
          "const struct ptm_backend *const ptm_backends[] = {&ptm_backend_cpu, NULL};\n"
          "const struct ptm_backend *ptm_backend_find(const char *name)\n{\n"
          "    return strcmp(name, \"cpu\") ? NULL : &ptm_backend_cpu;\n}\n\n",
          f);
    for (size_t i = 0; i < s->n_kernels; i++)
        if (first_of(s, i, "ref"))
            fprintf(f, "ptm_ref_fn ptm_ref_%s;\n", s->kernel[i].op);
    fputs("ptm_ref_fn *ptm_ref_find(const char *op)\n{\n", f);
    for (size_t i = 0; i < s->n_kernels; i++)
        if (first_of(s, i, "ref"))
            fprintf(f, "    if (!strcmp(op, \"%s\"))\n        return ptm_ref_%s;\n",
                    s->kernel[i].op, s->kernel[i].op);
    fputs("    (void)op;\n    return NULL;\n}\n", f);
    write_kernels(kernels, f);
    fputs("\nstatic enum ptm_status refuse(struct ptm_session *s, uint32_t fn,\n"
          "                              const struct ptm_ival *args, size_t n_args,\n"
          "                              struct ptm_entry *entry, struct ptm_frame *frame,\n"
          "                              bool *keep, struct ptm_err *err)\n{\n"
          "    (void)s, (void)fn, (void)args, (void)n_args, (void)entry, (void)frame, (void)keep;\n"
          "    return ptm_fail(err, PTM_ERR_UNSUPPORTED,\n"
          "                    \"this build runs closed files only: it cannot specialise\");\n}\n"
          "ptm_specialise_fn *const ptm_specialiser = refuse;\n\n"
          "enum ptm_status ptm_format_find(const uint8_t *bytes, size_t n, const char *path,\n"
          "                                const struct ptm_format **out, struct ptm_err *err)\n{\n"
          "    if (n < 4 || memcmp(bytes, \"\\x89PTM\", 4))\n"
          "        return ptm_fail(err, PTM_ERR_KIND, \"'%.200s' is no .ptm file, which is all that "
          "this build reads\", path);\n"
          "    *out = &ptm_format_ptm;\n    return PTM_OK;\n}\n",
          f);
}

/* -- main.c -- */

static enum ptm_status write_main(const struct inputs *in, FILE *f, struct ptm_err *err)
{
    struct ptm_arena arena = {0};
    struct ptm_ival *arg;
    size_t n, files = 0;
    char shape[200];
    enum ptm_status rc = inputs_make(in, 0, &arena, &arg, &n, err);
    if (rc)
        goto out;
    fputs("/* Runs model.ptm: a file of raw numbers for each tensor, raw results to stdout. */\n"
          "#include <stdio.h>\n\n#include \"libcore/ptm.h\"\n\n",
          f);
    for (size_t i = 0; i < n && !rc; i++) {
        if (arg[i].tag == PTM_TENSOR) {
            const struct ptm_tensor *t = arg[i].u.tensor;
            fprintf(f, "static char in%zu[%" PRId64 "]; /* %s%s */\n", i,
                    ptm_tensor_numel(t) * (int64_t)ptm_dtype_bytes((enum ptm_dtype)t->dtype) + 16,
                    ptm_dtype_name((enum ptm_dtype)t->dtype),
                    text_shape(t->rank, t->dim, shape, sizeof(shape)));
        } else if (arg[i].tag > PTM_FLOAT) {
            rc = ptm_fail(err, PTM_ERR_ARG,
                          "--build: argument '%s' is neither tensor nor number: write main.c by hand "
                          "after 'ptm optimize --closed'",
                          in->fn->param[i + in->fn->is_method].name);
        }
    }
    fprintf(f, "\nstatic int fail(const char *why)\n{\n    fprintf(stderr, \"%%s\\n\", why);\n"
               "    return 1;\n}\n\n"
               "static int load(const char *path, void *to, size_t bytes)\n{\n"
               "    FILE *f = fopen(path, \"rb\");\n"
               "    size_t n = f ? fread(to, 1, bytes, f) : 0;\n    if (f)\n        fclose(f);\n"
               "    return n == bytes;\n}\n\n"
               "static void write_result(struct ptm_ival v)\n{\n"
               "    if (v.tag == PTM_TENSOR)\n"
               "        fwrite(ptm_tensor_data(v.u.tensor), ptm_dtype_bytes(v.u.tensor->dtype),\n"
               "               (size_t)ptm_tensor_numel(v.u.tensor), stdout);\n"
               "    for (size_t i = 0; (v.tag == PTM_TUPLE || v.tag == PTM_LIST) && i < v.u.list->n; "
               "i++)\n        write_result(v.u.list->v[i]);\n}\n\n"
               "int main(int argc, char **argv)\n{\n    struct ptm_err err = {0};\n"
               "    struct ptm_model *model = NULL;\n    struct ptm_session *s = NULL;\n"
               "    struct ptm_config config = {.backend = \"cpu\"};\n"
               "    struct ptm_ival arg[%zu] = {{0}}, result;\n",
            n + 1);
    for (size_t i = 0; i < n; i++)
        files += arg[i].tag == PTM_TENSOR;
    fprintf(f, "    if (argc != %zu)\n        return fail(\"usage: small MODEL.ptm", files + 2);
    for (size_t i = 0; i < n; i++)
        if (arg[i].tag == PTM_TENSOR) {
            fputc(' ', f);
            put_text(in->fn->param[i + in->fn->is_method].name, f);
            fputs(".bin", f);
        }
    fputs("\");\n", f);
    files = 0;
    for (size_t i = 0; i < n && !rc; i++) {
        if (arg[i].tag == PTM_TENSOR) {
            const struct ptm_tensor *t = arg[i].u.tensor;
            fprintf(f, "    if (!load(argv[%zu], in%zu, sizeof(in%zu) - 16))\n"
                       "        return fail(\"an input is missing or too short\");\n"
                       "    arg[%zu].tag = PTM_TENSOR;\n"
                       "    arg[%zu].u.tensor = ptm_tensor_wrap((enum ptm_dtype)%d, %d, (int64_t[]){",
                    2 + files++, i, i, i, i, t->dtype, t->rank);
            for (int d = 0; d < t->rank; d++)
                fprintf(f, "%" PRId64 ", ", t->dim[d]);
            fprintf(f, "0}, in%zu);\n", i);
        } else if (arg[i].tag == PTM_FLOAT) {
            fprintf(f, "    arg[%zu].tag = PTM_FLOAT;\n    arg[%zu].u.f = %.17g;\n", i, i,
                    arg[i].u.f);
        } else if (arg[i].tag != PTM_NONE) {
            bool is_bool = arg[i].tag == PTM_BOOL;
            fprintf(f, "    arg[%zu].tag = %s;\n    arg[%zu].u.%s = %" PRId64 ";\n", i,
                    is_bool ? "PTM_BOOL" : "PTM_INT", i, is_bool ? "b" : "i",
                    is_bool ? (int64_t)arg[i].u.b : arg[i].u.i);
        }
    }
    fprintf(f, "    if (ptm_model_open(&model, argv[1], ptm_format_find, &err) ||\n"
               "        ptm_session_open(&s, model, &config, &err) ||\n"
               "        ptm_session_run(s, \"");
    put_text(in->method, f);
    fprintf(f, "\", arg, %zu, &result, &err))\n"
               "        return fail(err.msg);\n    write_result(result);\n"
               "    ptm_session_close(s);\n    ptm_model_close(model);\n"
               "    return fflush(stdout) ? fail(\"cannot write\") : 0;\n}\n",
            n);
out:
    ptm_arena_release(&arena);
    return rc;
}

/* -- Makefile -- */

/* The folders of libptm.a and of the headers: a build tree, or an installed ptm. */
static enum ptm_status find_ptm(char *library, char *include, size_t size, struct ptm_err *err)
{
    char exe[1024];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    exe[n > 0 ? n : 0] = 0;
    char *slash = strrchr(exe, '/');
    if (slash)
        *slash = 0;
    static const char *const where[][2] = {{"", "/../.."}, {"/../lib", "/../include/ptm"}};
    for (size_t i = 0; i < PTM_LEN(where) && slash; i++) {
        char path[1200];
        snprintf(library, size, "%s%s", exe, where[i][0]);
        snprintf(include, size, "%s%s", exe, where[i][1]);
        snprintf(path, sizeof(path), "%s/libptm.a", library);
        if (access(path, R_OK))
            continue;
        snprintf(path, sizeof(path), "%s/libcore/ptm.h", include);
        if (!access(path, R_OK))
            return PTM_OK;
    }
    return ptm_fail(err, PTM_ERR_IO,
                    "--build needs libptm.a and its headers beside ptm: run it from the build tree, "
                    "or after 'make install'");
}

static enum ptm_status write_makefile(FILE *f, struct ptm_err *err)
{
    char library[1024], include[1024];
    PTM_TRY(find_ptm(library, include, sizeof(library), err));
    fprintf(f,
            "# make: `small`, which runs model.ptm, and libptm_small.a, the part of libptm it needs;\n"
            "# made by ptm strip-unused-ops --build. LIBPTM and INCLUDE: folders of ptm\n"
            "LIBPTM ?= %s\nINCLUDE ?= %s\nOBJCOPY ?= objcopy\nSTRIP ?= strip\n"
            "LIBS ?= %s\n"
            "# relocations packed, where the linker can\n"
            "RELR := $(shell echo 'int main(void){return 0;}' | $(CC) -x c - -o /dev/null "
            "-Wl,-z,pack-relative-relocs 2>/dev/null && echo -Wl,-z,pack-relative-relocs)\n"
            "\nall: small\n"
            "small: main.o libptm_small.a\n"
            "\t$(CC) -pthread -o $@ main.o libptm_small.a -Wl,--gc-sections -Wl,--as-needed $(RELR) $(LDFLAGS) $(LIBS)\n"
            "\t$(STRIP) $@\n"
            "# one object: what main.c's calls reach, without debug information\n"
            "libptm_small.a: selected.o $(LIBPTM)/libptm.a\n"
            "\t$(LD) -r --gc-sections $(ENTRIES:%%=-u %%) -o small.o selected.o $(LIBPTM)/libptm.a\n"
            "\t$(OBJCOPY) --strip-debug small.o\n"
            "\trm -f $@ && $(AR) rcs $@ small.o\n"
            "ENTRIES := ptm_model_open ptm_model_open_bytes ptm_model_close ptm_session_open \\\n"
            "\tptm_session_run ptm_session_close ptm_tensor_wrap ptm_tensor_free ptm_tensor_data \\\n"
            "\tptm_tensor_numel ptm_dtype_bytes ptm_format_find ptm_status_name\n"
            "%%.o: %%.c\n"
            "\t$(CC) -std=c11 -O2 -I$(INCLUDE) -ffunction-sections -fdata-sections "
            "-fno-asynchronous-unwind-tables $(CFLAGS) -c -o $@ "
            "$<\n"
            "clean:\n\trm -f small *.o libptm_small.a\n.PHONY: all clean\n",
            library, include, PTM_SMALL_LIBS);
    return PTM_OK;
}

/* -- the folder -- */

enum part { SELECTED, MAIN, MAKEFILE, N_PARTS };

static enum ptm_status write_part(enum part part, const char *folder, const struct selection *s,
                                  const struct inputs *in, struct ptm_err *err)
{
    static const char *const name[N_PARTS] = {"selected.c", "main.c", "Makefile"};
    char *text = NULL, path[1200];
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    enum ptm_status rc = f ? PTM_OK : ptm_fail(err, PTM_ERR_MEMORY, "no memory for a file's text");
    if (!rc && part == SELECTED)
        write_selected(s, f);
    else if (!rc)
        rc = part == MAIN ? write_main(in, f, err) : write_makefile(f, err);
    if (f && fclose(f) && !rc)
        rc = ptm_fail(err, PTM_ERR_MEMORY, "no memory for a file's text");
    snprintf(path, sizeof(path), "%s/%s", folder, name[part]);
    if (!rc)
        rc = cmd_write_text(text, n, path, err);
    free(text);
    return rc;
}

static uint64_t file_bytes(const char *folder, const char *name)
{
    char path[1200];
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return stat(path, &st) ? 0 : (uint64_t)st.st_size;
}

/* make's output goes where our messages go. */
static void run_make(struct small_build *b)
{
    pid_t pid;
    int status = -1;
    char make[] = "make", quiet[] = "-s", at[] = "-C", folder[1024];
    snprintf(folder, sizeof(folder), "%s", b->folder);
    char *argv[] = {make, quiet, at, folder, NULL};
    /* the user's own make must not hand its jobs to this one */
    unsetenv("MAKEFLAGS");
    unsetenv("MFLAGS");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    int rc = posix_spawnp(&pid, make, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (rc) {
        snprintf(b->why, sizeof(b->why), "cannot run make: %s", strerror(rc));
        return;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    b->built = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!b->built)
        snprintf(b->why, sizeof(b->why), "make failed");
}

enum ptm_status small_build_make(struct small_build *b, const struct selection *s,
                                 const struct inputs *in, struct ptm_err *err)
{
    for (enum part p = 0; p < N_PARTS; p++)
        PTM_TRY(write_part(p, b->folder, s, in, err));
    run_make(b);
    if (b->built) {
        b->library_bytes = file_bytes(b->folder, "libptm_small.a");
        b->program_bytes = file_bytes(b->folder, "small");
    }
    return PTM_OK;
}
