/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a fuzz target without libFuzzer: every file named, every file in the folders named.
 *
 *     fuzz_zip [--truncate] [--flip] FILE|FOLDER...
 *
 * --truncate also runs every proper prefix of each file. --flip also runs the file with every 97th
 * byte inverted, for each of the 97 starting offsets (files over 8 KB: one). Inputs are copied to
 * memory of exactly their size, so that AddressSanitizer sees reads past the end. A target that
 * finds something wrong aborts; getting to the end is passing.
 */
#include <dirent.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EVERY = 97, SMALL = 8192, MAX_PATH = 4096, MAX_FILES = 10000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static unsigned long inputs, files;
static int failed;
static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
enum { N_SIGNALS = sizeof(signals) / sizeof(signals[0]) };
static struct sigaction old_actions[N_SIGNALS];
static char current[MAX_PATH + 64]; /* what runs now, for the message of a crash */

static void on_signal(int sig)
{
    static const char text[] = "\nFAIL while running ";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);
    ignored = write(STDERR_FILENO, current, strlen(current));
    ignored = write(STDERR_FILENO, "\n", 1);
    (void)ignored;
    /* back to what was there (a sanitizer's report); a fault comes again by itself */
    for (size_t i = 0; i < N_SIGNALS; i++)
        if (signals[i] == sig)
            sigaction(sig, &old_actions[i], NULL);
    if (sig == SIGABRT)
        raise(sig);
}

static void run_one(const uint8_t *data, size_t n)
{
    uint8_t *exact = malloc(n ? n : 1);
    if (!exact) {
        perror("replay");
        exit(1);
    }
    memcpy(exact, data, n);
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    inputs++;
}

static void run_truncated(const char *path, const uint8_t *data, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        snprintf(current, sizeof(current), "%s, its first %zu bytes", path, k);
        run_one(data, k);
    }
}

static void run_flipped(const char *path, uint8_t *data, size_t n)
{
    for (size_t k = 0; k < EVERY && k < n; k++) {
        for (size_t i = k; i < n; i += EVERY)
            data[i] ^= 0xff;
        snprintf(current, sizeof(current), "%s, bytes %zu, %zu, ... inverted", path, k, k + EVERY);
        run_one(data, n);
        for (size_t i = k; i < n; i += EVERY)
            data[i] ^= 0xff;
        if (n > SMALL)
            break;
    }
}

static void run_file(const char *path, int truncate_too, int flip_too)
{
    FILE *f = fopen(path, "rb");
    long size = -1;
    if (f && !fseek(f, 0, SEEK_END))
        size = ftell(f);
    uint8_t *data = size >= 0 ? malloc((size_t)size + 1) : NULL;
    if (data) {
        rewind(f);
        size = (long)fread(data, 1, (size_t)size, f);
        snprintf(current, sizeof(current), "%s", path);
        run_one(data, (size_t)size);
        if (truncate_too)
            run_truncated(path, data, (size_t)size);
        if (flip_too)
            run_flipped(path, data, (size_t)size);
        files++;
    } else {
        fprintf(stderr, "FAIL %s: cannot be read\n", path);
        failed++;
    }
    free(data);
    if (f)
        fclose(f);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void run_path(const char *path, int truncate_too, int flip_too)
{
    DIR *d = opendir(path);
    if (!d) {
        run_file(path, truncate_too, flip_too);
        return;
    }
    static char *names[MAX_FILES];
    size_t n = 0;
    char full[MAX_PATH];
    for (struct dirent *e; n < MAX_FILES && (e = readdir(d));) {
        struct stat st;
        snprintf(full, sizeof(full), "%.3000s/%s", path, e->d_name);
        if (e->d_name[0] != '.' && !stat(full, &st) && S_ISREG(st.st_mode) &&
            (names[n] = malloc(strlen(full) + 1)))
            memcpy(names[n++], full, strlen(full) + 1);
    }
    closedir(d);
    qsort(names, n, sizeof(*names), by_name);
    for (size_t i = 0; i < n; i++) {
        run_file(names[i], truncate_too, flip_too);
        free(names[i]);
    }
}

int main(int argc, char **argv)
{
    int truncate_too = 0, flip_too = 0, first = 1;
    for (; first < argc && !strncmp(argv[first], "--", 2); first++) {
        if (!strcmp(argv[first], "--truncate")) {
            truncate_too = 1;
        } else if (!strcmp(argv[first], "--flip")) {
            flip_too = 1;
        } else {
            fprintf(stderr, "usage: %s [--truncate] [--flip] FILE|FOLDER...\n", argv[0]);
            return 2;
        }
    }
    struct sigaction act = {.sa_handler = on_signal};
    for (size_t i = 0; i < N_SIGNALS; i++)
        sigaction(signals[i], &act, &old_actions[i]);
    for (int i = first; i < argc; i++)
        run_path(argv[i], truncate_too, flip_too);
    printf("%lu inputs from %lu files\n", inputs, files);
    printf("%lu passed, %d failed, 0 skipped\n", files, failed);
    return failed ? 1 : 0;
}
