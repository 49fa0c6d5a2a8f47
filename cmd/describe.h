/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of commands and options written for shells and for man: one source for all texts. */
#ifndef PTM_CMD_DESCRIBE_H
#define PTM_CMD_DESCRIBE_H

#include "cmd/opts.h"

/* What a description is made of: every command's usage and options, in the order of main.c. */
struct described {
    const char *name, *summary; /* the command table's */
    struct usage usage;
    struct opt *opt; /* until the row without a name */
};

void describe_bash(const struct described *c, size_t n);
void describe_zsh(const struct described *c, size_t n);
void describe_man(const struct described *c, size_t n); /* roff, macros of man(7) */

#endif
