/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Child processes that measure. A child reads commands on its standard input
 * and answers on its standard output, line by line; it ends when its input
 * ends, so that none outlives its parent. Spawned, never forked: threads may
 * exist. Each has a process group of its own, so that a launcher dies with it.
 */
#ifndef PTM_BENCH_CHILD_H
#define PTM_BENCH_CHILD_H

#include <sys/types.h>

#include "libcore/ptm.h"

struct bench_child {
    pid_t pid; /* 0: none */
    int to, from;
    char *buf;
    size_t begin, end, cap;
};

/* argv[0] is searched in PATH. */
enum ptm_status bench_child_start(struct bench_child *c, char *const *argv, struct ptm_err *err)
    PTM_WARN_UNUSED;
/* False when it has gone. */
bool bench_child_send(struct bench_child *c, const char *line);
/* The next line, without its end, in the child's buffer until the next call; NULL: it has gone. */
char *bench_child_line(struct bench_child *c);
/* The next n bytes. */
bool bench_child_bytes(struct bench_child *c, void *to, size_t n);
/* Closes its input, waits for its end; returns the wait status. `kill`: without asking. */
int bench_child_end(struct bench_child *c, bool kill);
/* How it ended, when not with exit code 0: "was killed by SIGSEGV (Segmentation fault)". */
const char *bench_child_fate(int wait_status, char *buf, size_t size);

/* Async-signal-safe: kills all that live. */
void bench_children_kill(void);

#endif
