/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes completion scripts and the manual page from the commands' own tables. */
#include "cmd/describe.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "bench/zoo.h"
#include "cmd/cmd.h"
#include "libcore/backend.h"
#include "libcore/passes.h"

/* -- what values an option takes -- */

static bool has_word(const char *text, const char *word)
{
    return text && strstr(text, word) != NULL;
}

/* The words that may stand for the value, each with a blank before; nothing: not known. */
static void print_choices(const struct opt *o)
{
    if (!strcmp(o->name, "backend")) {
        printf(" ref");
        for (size_t i = 0; ptm_backends[i]; i++)
            printf(" %s", ptm_backends[i]->name);
        return;
    }
    if (!strcmp(o->name, "cpu")) {
        printf(" c avx2 avx512 neon");
        return;
    }
    if (has_word(o->value, "PASS") || !strcmp(o->name, "passes")) {
        if (!strcmp(o->name, "passes"))
            printf(" default none");
        for (size_t i = 0; i < ptm_n_passes; i++)
            printf(" %s", ptm_passes[i].name);
        return;
    }
    for (const char *s = o->value; s && *s;) { /* op|type|module: what is in small letters */
        size_t len = strcspn(s, "|"), small = 0;
        while (small < len && (islower((unsigned char)s[small]) || isdigit((unsigned char)s[small])))
            small++;
        if (strchr(o->value, '|') && small == len && len > 1)
            printf(" %.*s", (int)len, s);
        s += len + (s[len] == '|');
    }
}

static bool takes_file(const struct opt *o)
{
    return has_word(o->value, "FILE") || has_word(o->value, "DIR") || has_word(o->value, "SPEC") ||
           has_word(o->value, "OUT");
}

static bool has_value(const struct opt *o)
{
    return o->kind != OPT_FLAG && o->kind != OPT_FALSE;
}

static void print_zoo(const char *before)
{
    for (size_t i = 0; zoo_models[i].name; i++)
        printf(" %s%s", before, zoo_models[i].name);
}

/* -- bash -- */

void describe_bash(const struct described *c, size_t n)
{
    puts("# bash completion of ptm, made by 'ptm completion bash'\n"
         "# a colon parts words there: zoo:mob is zoo, :, mob\n"
         "_ptm() {\n"
         "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} options\n"
         "    [ \"$cur\" = = ] && cur=\n"
         "    [ \"$prev\" = = ] && prev=${COMP_WORDS[COMP_CWORD-2]}\n"
         "    COMPREPLY=()\n"
         "    local before=${COMP_WORDS[COMP_CWORD-1]}\n"
         "    [ \"$cur\" = : ] && before=: && cur=\n"
         "    if [ \"$before\" = : ]; then");
    printf("        COMPREPLY=($(compgen -W '");
    print_zoo("");
    puts("' -- \"$cur\"))\n        return\n    fi\n"
         "    if [ \"$COMP_CWORD\" = 1 ]; then");
    printf("        COMPREPLY=($(compgen -W '--help --version");
    for (size_t i = 0; i < n; i++)
        printf(" %s", c[i].name);
    puts("' -- \"$cur\"))\n        return\n    fi\n    case ${COMP_WORDS[1]} in");
    for (size_t i = 0; i < n; i++) {
        printf("    %s)\n        options='--help", c[i].name);
        for (const struct opt *o = c[i].opt; o->name; o++)
            if (o->help)
                printf(" --%s", o->name);
        puts("'\n        case $prev in");
        for (const struct opt *o = c[i].opt; o->name; o++) {
            if (!o->help || !has_value(o))
                continue;
            printf("        --%s", o->name);
            if (o->letter)
                printf("|-%c", o->letter);
            printf(") COMPREPLY=($(compgen %s -W '", takes_file(o) ? "-f" : "");
            print_choices(o);
            puts("' -- \"$cur\")); return ;;");
        }
        puts("        esac ;;");
    }
    puts("    esac\n"
         "    case $cur in\n"
         "    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$cur\")) ;;\n"
         "    *) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n"
         "    esac\n"
         "}\n"
         "complete -o filenames -F _ptm ptm");
}

/* -- zsh -- */

/* Inside '...' of a specification of _arguments: no quotes, brackets and colons escaped. */
static void zsh_text(const char *s)
{
    for (; *s; s++) {
        if (*s == '\'')
            printf("'\\''");
        else if (strchr("[]:\\", *s))
            printf("\\%c", *s);
        else
            putchar(*s == '\n' ? ' ' : *s);
    }
}

void describe_zsh(const struct described *c, size_t n)
{
    puts("#compdef ptm\n# zsh completion of ptm, made by 'ptm completion zsh'\n"
         "_ptm_words() {");
    printf("    local -a zoo=(");
    print_zoo("zoo:");
    puts(" )\n    compadd -a zoo\n    _files\n}\n"
         "_ptm() {\n"
         "    if (( CURRENT == 2 )); then\n"
         "        local -a commands=(");
    for (size_t i = 0; i < n; i++) {
        printf("            '%s:", c[i].name);
        zsh_text(c[i].summary);
        puts("'");
    }
    puts("        )\n        _describe command commands\n        return\n    fi\n"
         "    local command=$words[2]\n    shift words\n    (( CURRENT-- ))\n    case $command in");
    for (size_t i = 0; i < n; i++) {
        printf("    %s) _arguments -s '--help[this text]'", c[i].name);
        for (const struct opt *o = c[i].opt; o->name; o++) {
            if (!o->help)
                continue;
            printf(" \\\n        '%s--%s%s[", o->kind == OPT_LIST ? "*" : "", o->name,
                   has_value(o) ? "=" : "");
            zsh_text(o->help);
            putchar(']');
            if (has_value(o)) {
                putchar(':');
                zsh_text(o->value);
                putchar(':');
                if (takes_file(o)) {
                    printf("_files");
                } else {
                    putchar('(');
                    print_choices(o);
                    putchar(')');
                }
            }
            putchar('\'');
        }
        puts(" \\\n        '*:model or file:_ptm_words' ;;");
    }
    puts("    esac\n}\n_ptm \"$@\"");
}

/* -- man -- */

/* Running text of roff: backslashes, hyphens, and dots or quotes that begin a line. */
static void roff_text(const char *s)
{
    for (bool begin = true; *s; begin = *s++ == '\n') {
        if (begin && (*s == '.' || *s == '\''))
            printf("\\&");
        if (*s == '\\')
            printf("\\e");
        else if (*s == '-')
            printf("\\-");
        else
            putchar(*s);
    }
}

static void man_command(const struct described *c)
{
    printf(".SS \"ptm %s ", c->name);
    roff_text(c->usage.synopsis);
    puts("\"");
    roff_text(c->usage.summary);
    putchar('\n');
    for (const struct opt *o = c->opt; o->name; o++) {
        if (!o->help)
            continue;
        printf(".TP\n.B \\-\\-");
        roff_text(o->name);
        if (o->letter)
            printf(", \\-%c", o->letter);
        if (o->value) {
            printf(" \\fI");
            roff_text(o->value);
            printf("\\fR");
        }
        putchar('\n');
        roff_text(o->help);
        putchar('\n');
    }
    const char *block[] = {c->usage.notes, c->usage.examples};
    for (size_t i = 0; i < PTM_LEN(block); i++) {
        if (!block[i])
            continue;
        puts(i ? ".PP\nExamples:\n.PP\n.nf\n.RS" : ".PP\n.nf");
        roff_text(block[i]);
        puts(i ? ".RE\n.fi" : ".fi");
    }
}

void describe_man(const struct described *c, size_t n)
{
    puts(".TH PTM 1 \"\" \"ptm " PTM_VERSION "\" \"User commands\"\n"
         ".SH NAME\nptm \\- reads, optimises, runs and measures PyTorch model files\n"
         ".SH SYNOPSIS\n.B ptm\n.I COMMAND\n[\\fIOPTION\\fR]...\n"
         ".SH DESCRIPTION\n"
         "ptm reads model files that PyTorch wrote and works on them without Python.\n"
         "Results go to standard output, everything else to standard error.\n"
         ".SH COMMANDS");
    for (size_t i = 0; i < n; i++)
        man_command(&c[i]);
    puts(".SH \"EXIT STATUS\"");
    for (size_t i = 0; cmd_exit_text(i).text; i++) {
        printf(".TP\n.B %d\n", cmd_exit_text(i).code);
        roff_text(cmd_exit_text(i).text);
        putchar('\n');
    }
    puts(".TP\n.B 128 + n\nended by signal n, after removing what was half written");
}
