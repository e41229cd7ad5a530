/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run_corpus.c - gives a fuzz target every file of a folder, cut off, and with damaged bytes: the
 * same damage every time. */
#include "fuzz_target.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_MAX_OF_FILE = 1 << 20, DAMAGED = 400, CUT = 100 };

static uint64_t seed = 88172645463325252ULL;

static uint64_t
next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* A copy of exactly size bytes, so that a sanitizer sees every read beyond them. */
static void
run_copy(const uint8_t *data, size_t size, size_t changes)
{
    static const char telling[] = "0123456789.-+eEnN= \n\"\t*:,#";
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    for (size_t i = 0; size > 0 && i < changes; i++) {
        uint64_t random = next_random();
        copy[random % size] = random & 0x100000000ULL
                                  ? (uint8_t)telling[(random >> 40) % (sizeof telling - 1)]
                                  : (uint8_t)(random >> 40);
    }
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static int
run_file(const char *path)
{
    static uint8_t data[SIZE_MAX_OF_FILE];
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    size_t size = fread(data, 1, sizeof data, file);
    (void)fclose(file);
    run_copy(data, size, 0);
    for (size_t i = 0; i < CUT; i++)
        run_copy(data, size * i / CUT, 0);
    for (size_t i = 0; i < DAMAGED; i++)
        run_copy(data, size, 1 + i % 8);
    return 0;
}

int
main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (!folder) {
        (void)fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 1;
    }
    int failed = 0, files = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        if (entry->d_name[0] != '.') {
            failed |= run_file(path);
            files++;
        }
    }
    (void)closedir(folder);
    (void)printf("%d files\n", files);
    return failed || files == 0;
}
