/* SPDX-License-Identifier: BSD-2-Clause */
/* Turns and runs of configurations; child processes that answer, die and cannot be started. */
#include "tests/unit/test.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>

#include "bench/child.h"
#include "bench/schedule.h"

static void test_turns(void)
{
    static const char want[] = "ABC CBA ABC CBA ";
    char got[32] = "";
    size_t at = 0;
    for (int64_t round = 0; round < 4; round++) {
        for (size_t i = 0; i < 3; i++)
            got[at++] = (char)('A' + bench_turn(round, 3, i));
        got[at++] = ' ';
    }
    CHECK_STR(got, want);
}

static void test_plan(void)
{
    struct bench_limits l = {.rounds = 6, .min_ns = 1000000000, .max_ns = 10000000000};
    struct bench_plan p = bench_plan_runs(&l, 7000000); /* 7 ms */
    CHECK(p.runs == 143 && p.rounds == 6);
    int64_t sum = 0;
    for (int64_t r = 0; r < 8; r++)
        sum += bench_plan_block(&p, r);
    CHECK_INT(sum, 143);
    CHECK(bench_plan_block(&p, 0) == 24 && bench_plan_block(&p, 5) == 23);
    CHECK_INT(bench_plan_block(&p, 6), 0);
    CHECK_INT(bench_plan_runs(&l, 1000).runs, BENCH_MAX_RUNS);
    CHECK_INT(bench_plan_runs(&l, 0).runs, BENCH_MAX_RUNS);
    CHECK_INT(bench_plan_runs(&l, 500000000).runs, BENCH_MIN_RUNS);
    p = bench_plan_runs(&l, 4000000000); /* two fit into ten seconds */
    CHECK(p.runs == 2 && p.rounds == 2);
    p = bench_plan_runs(&l, INT64_MAX);
    CHECK(p.runs == 1 && p.rounds == 1);
    l.runs = 4; /* as told, whatever it takes */
    p = bench_plan_runs(&l, INT64_MAX);
    CHECK(p.runs == 4 && p.rounds == 4 && bench_plan_block(&p, 3) == 1);
}

static void test_ratio(void)
{
    const double a[] = {1, 2, 4}, b[] = {2, 2, 2};
    CHECK(bench_paired_ratio(a, b, 3) == 1);
    CHECK(fabs(bench_paired_ratio(a, b, 2) - sqrt(2)) < 1e-12);
    CHECK(fabs(bench_paired_ratio(a, b, 2) * bench_paired_ratio(b, a, 2) - 1) < 1e-12);
    CHECK(isnan(bench_paired_ratio(a, b, 0)));
}

static void test_child(void)
{
    struct bench_child c;
    struct ptm_err err = {0};
    char buf[200], bytes[4];
    /* echoes lines, then bytes, and ends with its input */
    char *cat[] = {(char[]){"cat"}, NULL};
    CHECK_INT(bench_child_start(&c, cat, &err), PTM_OK);
    CHECK(bench_child_send(&c, "one\ntwo\nabcd"));
    CHECK_STR(bench_child_line(&c), "one");
    CHECK_STR(bench_child_line(&c), "two");
    CHECK(bench_child_bytes(&c, bytes, 4) && !memcmp(bytes, "abcd", 4));
    CHECK_INT(bench_child_end(&c, false), 0);
    /* one that kills itself */
    char *dies[] = {(char[]){"sh"}, (char[]){"-c"}, (char[]){"read x; kill -SEGV $$"}, NULL};
    CHECK_INT(bench_child_start(&c, dies, &err), PTM_OK);
    CHECK(bench_child_send(&c, "go\n"));
    CHECK(bench_child_line(&c) == NULL);
    bench_child_send(&c, "anybody there\n"); /* no SIGPIPE */
    CHECK(strstr(bench_child_fate(bench_child_end(&c, false), buf, sizeof(buf)), "SIGSEGV"));
    /* behind a launcher */
    char *code[] = {(char[]){"sh"}, (char[]){"-c"}, (char[]){"exit 134"}, NULL};
    CHECK_INT(bench_child_start(&c, code, &err), PTM_OK);
    CHECK(strstr(bench_child_fate(bench_child_end(&c, false), buf, sizeof(buf)), "SIGABRT"));
    code[2] = (char[]){"exit 3"};
    CHECK_INT(bench_child_start(&c, code, &err), PTM_OK);
    CHECK_STR(bench_child_fate(bench_child_end(&c, false), buf, sizeof(buf)),
              "ended with exit code 3");
    /* one that would not end by itself, with a child of its own */
    char *stays[] = {(char[]){"sh"}, (char[]){"-c"}, (char[]){"sleep 1000; true"}, NULL};
    CHECK_INT(bench_child_start(&c, stays, &err), PTM_OK);
    CHECK(strstr(bench_child_fate(bench_child_end(&c, true), buf, sizeof(buf)), "SIGKILL"));
    if (getenv("PTM_LAUNCHER")) {
        SKIP("an emulator starts every child, and then the child ends");
        return;
    }
    char *absent[] = {(char[]){"/nonexistent/ptm"}, NULL};
    CHECK_INT(bench_child_start(&c, absent, &err), PTM_ERR_IO);
    CHECK(strstr(err.msg, "'/nonexistent/ptm': No such file") != NULL);
    CHECK_INT(bench_child_end(&c, false), 0);
}

int main(void)
{
    test_turns();
    test_plan();
    test_ratio();
    test_child();
    TEST_END;
}
