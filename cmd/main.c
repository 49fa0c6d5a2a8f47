/* SPDX-License-Identifier: BSD-2-Clause */
/* The command table, and what all commands share: errors, exit codes, opening a model. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/zoo.h"
#include "cmd/cmd.h"
#include "cmd/opts.h"
#include "libcore/arena.h"

static const struct command commands[] = {
    {"run", cmd_run, "run a model on inputs; print, save or compare its outputs"},
    {"optimize", cmd_optimize, "make a model smaller and faster; writes a .ptm file"},
    {"strip-unused-ops", cmd_strip, "the operators and kernels that models need; drops the rest"},
    {"bench", cmd_bench, "time, memory and accuracy of models on backends and threads"},
    {"inspect", cmd_inspect, "what is inside a model, what it costs, what is not supported"},
    {"profile", cmd_profile, "which operators of a model take the time, backend beside backend"},
    {"passes", cmd_passes, "the graph passes, and what each does"},
    {"ops", cmd_ops, "the operators that this build knows"},
    {"backends", cmd_backends, "what can run models here, and why others cannot"},
    {"kernels", cmd_kernels, "the kernels of the cpu backend, and which run here"},
    {"zoo", cmd_zoo, "the models that are built in: zoo:NAME"},
    {"completion", cmd_completion, "a shell's script that completes commands and options"},
    {"man", cmd_man, "the manual page"},
};

const struct command *cmd_table(size_t i)
{
    return i < PTM_LEN(commands) ? &commands[i] : NULL;
}

struct exit_text cmd_exit_text(size_t i)
{
    static const struct exit_text texts[] = {
        {EXIT_DONE, "done"},
        {EXIT_NO, "a comparison that was asked for says no"},
        {EXIT_USAGE, "wrong usage: an option, argument, shape or dtype"},
        {EXIT_BACKEND, "the only backend asked for cannot be used here"},
        {EXIT_ACCURACY, "outputs differ by more than the limit of ptm bench"},
        {EXIT_MODEL, "the model: malformed, not supported, or its own raise"},
        {EXIT_SYSTEM, "a file cannot be opened, read or written; no memory; a full disk"},
    };
    return i < PTM_LEN(texts) ? texts[i] : (struct exit_text){0};
}

int cmd_exit_code(enum ptm_status s)
{
    switch (s) {
    case PTM_OK:
        return EXIT_DONE;
    case PTM_ERR_ARG:
        return EXIT_USAGE;
    case PTM_ERR_IO:
    case PTM_ERR_IO_SHRANK:
    case PTM_ERR_MEMORY:
        return EXIT_SYSTEM;
    case PTM_ERR_NUMERIC:
        return EXIT_NO;
    case PTM_ERR_FORMAT:
    case PTM_ERR_LIMIT:
    case PTM_ERR_KIND:
    case PTM_ERR_UNSUPPORTED:
    case PTM_ERR_RAISED:
    case PTM_ERR_TYPE:
        return EXIT_MODEL;
    }
    return EXIT_MODEL;
}

/* One line, whatever a model says: its own messages and names may hold anything. */
int cmd_fail(const char *cmd, const struct ptm_err *err)
{
    char line[sizeof(err->msg)];
    memcpy(line, err->msg, sizeof(line));
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = *c == '\n' || *c == '\t' ? ' ' : '?';
    fflush(stdout);
    fprintf(stderr, "ptm %s: %s\n", cmd, *line ? line : "failed without a message");
    return cmd_exit_code(err->code);
}

int cmd_usage(const char *cmd, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "ptm %s: ", cmd);
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "; see 'ptm %s --help'\n", cmd);
    va_end(ap);
    return EXIT_USAGE;
}

int cmd_no_memory(const char *cmd)
{
    fprintf(stderr, "ptm %s: no memory\n", cmd);
    return EXIT_SYSTEM;
}

void cmd_warn(const char *cmd, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "ptm %s: warning: ", cmd);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
}

enum ptm_status cmd_open(struct ptm_model **out, const char *path, struct ptm_err *err)
{
    if (zoo_is_name(path))
        return cmd_open_zoo(out, path, err);
    return ptm_model_open(out, path, ptm_format_find, err);
}

static void help(void)
{
    puts("usage: ptm COMMAND [OPTION]...\n"
         "reads a PyTorch model file and runs it, without Python\n");
    for (size_t i = 0; i < PTM_LEN(commands); i++)
        printf("  %-18s%s\n", commands[i].name, commands[i].summary);
    puts("\n'ptm COMMAND --help' tells the options of a command; 'ptm --version' the version");
}

static const char *command_name(const void *ctx, size_t i)
{
    (void)ctx;
    return i < PTM_LEN(commands) ? commands[i].name : NULL;
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        fputs("ptm: a command is missing; see 'ptm --help'\n", stderr);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || (!strcmp(name, "help") && argc == 2)) {
        help();
        return EXIT_DONE;
    }
    if (!strcmp(name, "--version")) {
        puts("ptm " PTM_VERSION);
        return EXIT_DONE;
    }
    if (!strcmp(name, "help")) { /* ptm help run = ptm run --help */
        char *words[] = {argv[2], (char[]){"--help"}, NULL};
        for (size_t i = 0; i < PTM_LEN(commands); i++)
            if (!strcmp(argv[2], commands[i].name))
                return commands[i].run(2, words);
        name = argv[2];
    }
    for (size_t i = 0; i < PTM_LEN(commands); i++)
        if (!strcmp(name, commands[i].name))
            return commands[i].run(argc - 1, argv + 1);
    const char *near = nearest_name(name, command_name, NULL);
    if (near)
        fprintf(stderr, "ptm: no command '%.100s'; did you mean '%s'?\n", name, near);
    else
        fprintf(stderr, "ptm: no command '%.100s'; see 'ptm --help'\n", name);
    return EXIT_USAGE;
}

/* A model that wants more memory than the machine has is told so, instead of being killed. */
static void limit_memory(void)
{
#ifdef _SC_PHYS_PAGES
    long pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);
    if (pages > 0 && bytes > 0 && (size_t)pages <= SIZE_MAX / (size_t)bytes)
        ptm_memory_limit((size_t)pages * (size_t)bytes);
#endif
}

int main(int argc, char **argv)
{
    sig_install();
    limit_memory();
    int rc = dispatch(argc, argv);
    /* results that did not reach their reader are an error, a full disk for one */
    if (ferror(stdout) || fflush(stdout)) {
        const char *cmd = argc > 1 && argv[1][0] != '-' ? argv[1] : "";
        fprintf(stderr, "ptm%s%s: cannot write to standard output: %s\n", *cmd ? " " : "", cmd,
                strerror(errno));
        if (rc == EXIT_DONE)
            rc = EXIT_SYSTEM;
    }
    sig_clean();
    return rc;
}
