/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options: one table per command gives parsing, suggestions and the usage text.
 * Long options as --name VALUE or --name=VALUE, short ones as -o VALUE. What
 * is not an option is a positional word; `--` ends the options.
 */
#ifndef PTM_CMD_OPTS_H
#define PTM_CMD_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str_list {
    const char **v;
    size_t n, cap;
};

enum opt_kind {
    OPT_FLAG,  /* bool */
    OPT_STR,   /* const char *: the last one given */
    OPT_LIST,  /* struct str_list: all of them in order */
    OPT_COUNT, /* int64_t >= 0 */
    OPT_REAL,  /* double >= 0 */
    OPT_FALSE, /* bool, which the flag makes false */
};
struct opt {
    const char *name;  /* without the dashes; NULL ends the table */
    char letter;       /* 0: none */
    uint8_t kind;      /* enum opt_kind */
    void *out;
    const char *value; /* "FILE": what the usage calls the value */
    const char *help;  /* NULL: an accepted spelling that the usage does not list */
};

struct usage {
    const char *command;  /* "run" */
    const char *synopsis; /* "MODEL [--input SPEC]..." */
    const char *summary;  /* one line */
    const char *notes;    /* more lines, after the options; NULL */
    const char *examples; /* commands that work, one per line */
    size_t min_words, max_words;
    const char *word;     /* what a positional is: "MODEL" */
};

/* Parses argv[1..]; positional words go to `words`. Returns -1 to go on, or the exit code: 0 after
 * --help (printed), 2 after a wrong option (said on stderr). `-v` and `--help` need no row. */
int opts_parse(const struct usage *u, const struct opt *table, int argc, char **argv,
               struct str_list *words);
void opts_help(const struct usage *u, const struct opt *table);
/* From now on --help hands the tables, which live as long as the call, to `visit` instead of
 * printing them; NULL: prints again. */
typedef void opts_visitor(void *ctx, const struct usage *u, const struct opt *table);
void opts_visit(opts_visitor *visit, void *ctx);

bool str_list_add(struct str_list *l, const char *s); /* false: no memory */
void str_list_free(struct str_list *l);

/* The nearest of the names, when one is near enough; NULL. next(ctx, i) gives name i, NULL at the
 * end. */
const char *nearest_name(const char *given, const char *(*next)(const void *ctx, size_t i),
                         const void *ctx);

#endif
