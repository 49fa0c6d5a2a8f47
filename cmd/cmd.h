/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every command uses. cmd/ is the only place that prints or exits.
 *
 * To add a command: a row in main.c, its prototype here, cmd_<name>.c with its
 * table of options, one case in tests/cli/<name>/.
 */
#ifndef PTM_CMD_CMD_H
#define PTM_CMD_CMD_H

#include "libcore/ptm.h"

struct cJSON;

/* DESIGN 8. */
enum {
    EXIT_DONE = 0,
    EXIT_NO = 1,      /* a comparison the user asked for says no */
    EXIT_USAGE = 2,
    EXIT_BACKEND = 4, /* a backend named alone is unavailable */
    EXIT_ACCURACY = 5, /* outputs differ by more than the limit */
    EXIT_MODEL = 7,   /* bytes or program of the model */
    EXIT_SYSTEM = 8,  /* open, read, write, memory, disk */
};

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
};
const struct command *cmd_table(size_t i); /* NULL: no more */
/* The exit codes and what they mean, for the manual; text NULL: no more. */
struct exit_text {
    int code;
    const char *text;
};
struct exit_text cmd_exit_text(size_t i);

int cmd_run(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_profile(int argc, char **argv);
int cmd_optimize(int argc, char **argv);
int cmd_passes(int argc, char **argv);
int cmd_ops(int argc, char **argv);
int cmd_backends(int argc, char **argv);
int cmd_kernels(int argc, char **argv);
int cmd_strip(int argc, char **argv);
int cmd_zoo(int argc, char **argv);
int cmd_completion(int argc, char **argv);
int cmd_man(int argc, char **argv);

/* All print one line "ptm <cmd>: ..." on stderr; the exit code is returned. */
int cmd_fail(const char *cmd, const struct ptm_err *err);
int cmd_usage(const char *cmd, const char *fmt, ...) PTM_PRINTF(2, 3);
int cmd_no_memory(const char *cmd);
void cmd_warn(const char *cmd, const char *fmt, ...) PTM_PRINTF(2, 3);
int cmd_exit_code(enum ptm_status s);

/* Options --backend and --threads: -1, or the exit code when the backend cannot be used (said). */
int cmd_backend(const char *cmd, const char *name, int64_t threads);
/* Option --cpu, which restricts the process from then on: -1, or the exit code (said). */
int cmd_cpu(const char *cmd, const char *list);
#define CPU_OPT(out)                                                                               \
    {"cpu", 0, OPT_STR, &(out), "LIST",                                                            \
     "instruction sets that the cpu backend may use: c,avx2,avx512,neon (all that are here)"}

/* Opens the model of the command line: a file, or zoo:NAME. */
enum ptm_status cmd_open(struct ptm_model **out, const char *path, struct ptm_err *err);
/* cmd_zoo.c: zoo:NAME alone; a wrong name gets a list. */
enum ptm_status cmd_open_zoo(struct ptm_model **out, const char *name, struct ptm_err *err);

/* -- output.c: to a file (atomically) or, for "-", to stdout. JSON: takes `doc`. -- */
enum ptm_status cmd_write_text(const char *text, size_t n, const char *path, struct ptm_err *err);
enum ptm_status cmd_write_json(struct cJSON *doc, const char *path, struct ptm_err *err);
/* Names come from the model's file: what is no UTF-8 becomes '?', so that JSON stays valid. */
void text_mend_utf8(char *text);
/* "1,234,567" and "13.4 MB" for people; into buf. */
const char *text_count(uint64_t n, char *buf, size_t size);
const char *text_bytes(uint64_t n, char *buf, size_t size);
const char *text_shape(int rank, const int64_t *dim, char *buf, size_t size); /* "[1, 3]" */
/* Integers beyond 2^53 keep their digits. */
struct cJSON *json_int(int64_t i);

/* -- sig.c: SIGINT, SIGTERM, SIGHUP, SIGPIPE remove what is half written, exit 128 + number -- */
void sig_install(void);
/* A folder to remove, if it is empty, when a signal comes or the run fails; NULL: none. */
void sig_remove_folder(const char *path);
void sig_clean(void);

#endif
