/* SPDX-License-Identifier: BSD-2-Clause */
/* ptm completion, ptm man: what the command line knows about itself, for shells and for man. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/describe.h"

static const struct usage completion_usage = {
    .command = "completion",
    .synopsis = "bash|zsh",
    .summary = "Prints the script that completes ptm's commands, options and values in a shell.",
    .examples = "ptm completion bash > ~/.local/share/bash-completion/completions/ptm\n"
                "ptm completion zsh > ~/.zfunc/_ptm\n",
    .min_words = 1,
    .max_words = 1,
    .word = "bash or zsh",
};

static const struct usage man_usage = {
    .command = "man",
    .synopsis = "",
    .summary = "Prints the manual page, made of the texts of --help.",
    .examples = "ptm man > ptm.1 && man -l ptm.1\n"
                "ptm man > /usr/local/share/man/man1/ptm.1\n",
};

/* A command's table of options lives only while the command parses: a copy. */
struct collector {
    struct described *c;
    bool failed;
};

static void collect(void *ctx, const struct usage *u, const struct opt *table)
{
    struct collector *k = ctx;
    size_t n = 0;
    while (table[n].name)
        n++;
    k->c->usage = *u;
    k->c->opt = malloc((n + 1) * sizeof(*table));
    if (k->c->opt)
        memcpy(k->c->opt, table, (n + 1) * sizeof(*table));
    else
        k->failed = true;
}

static int describe(const char *cmd, void (*print)(const struct described *c, size_t n))
{
    size_t n = 0;
    while (cmd_table(n))
        n++;
    struct described *all = calloc(n, sizeof(*all));
    struct collector k = {.failed = !all};
    for (size_t i = 0; i < n && !k.failed; i++) {
        const struct command *row = cmd_table(i);
        char name[32], help[] = "--help";
        snprintf(name, sizeof(name), "%s", row->name);
        k.c = &all[i];
        k.c->name = row->name;
        k.c->summary = row->summary;
        opts_visit(collect, &k);
        row->run(2, (char *[]){name, help, NULL});
        opts_visit(NULL, NULL);
    }
    if (!k.failed)
        print(all, n);
    for (size_t i = 0; all && i < n; i++)
        free(all[i].opt);
    free(all);
    return k.failed ? cmd_no_memory(cmd) : EXIT_DONE;
}

int cmd_completion(int argc, char **argv)
{
    static const struct opt none[] = {{0}};
    struct str_list words = {0};
    int rc = opts_parse(&completion_usage, none, argc, argv, &words);
    if (rc < 0) {
        if (!strcmp(words.v[0], "bash"))
            rc = describe("completion", describe_bash);
        else if (!strcmp(words.v[0], "zsh"))
            rc = describe("completion", describe_zsh);
        else
            rc = cmd_usage("completion", "no shell '%.60s': bash or zsh", words.v[0]);
    }
    str_list_free(&words);
    return rc;
}

int cmd_man(int argc, char **argv)
{
    static const struct opt none[] = {{0}};
    struct str_list words = {0};
    int rc = opts_parse(&man_usage, none, argc, argv, &words);
    str_list_free(&words);
    return rc < 0 ? describe("man", describe_man) : rc;
}
