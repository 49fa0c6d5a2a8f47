/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals: nothing half written is left behind, and the exit code says which signal it was. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "bench/child.h"
#include "cmd/cmd.h"
#include "libcore/sink.h"

static char folder[4096];
static volatile sig_atomic_t have_folder;

void sig_remove_folder(const char *path)
{
    have_folder = 0;
    if (path && strlen(path) < sizeof(folder)) {
        strcpy(folder, path);
        have_folder = 1;
    }
}

void sig_clean(void)
{
    bench_children_kill();
    ptm_sink_drop_all();
    if (have_folder)
        rmdir(folder);
    have_folder = 0;
}

static void on_signal(int number)
{
    sig_clean();
    _exit(128 + number);
}

void sig_install(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    struct sigaction act, old;
    signal(SIGXFSZ, SIG_IGN); /* a file that grows past its limit: write() tells, and we do */
    memset(&act, 0, sizeof(act));
    act.sa_handler = on_signal;
    sigfillset(&act.sa_mask);
    for (size_t i = 0; i < PTM_LEN(numbers); i++)
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(numbers[i], &act, NULL);
}
