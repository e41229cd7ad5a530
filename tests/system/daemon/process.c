/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "process.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double
process_number(pid_t pid, const char *file, const char *key)
{
    char path[64], line[256];
    double value = (double)NAN;
    (void)snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, file);
    FILE *stream = fopen(path, "r");
    while (stream && fgets(line, sizeof line, stream))
        if (strncmp(line, key, strlen(key)) == 0)
            value = strtod(line + strlen(key), NULL);
    if (stream)
        (void)fclose(stream);
    return value;
}

size_t
process_descriptors(pid_t pid)
{
    char path[64];
    size_t n = 0;
    (void)snprintf(path, sizeof path, "/proc/%ld/fd", (long)pid);
    DIR *folder = opendir(path);
    for (struct dirent *item; folder && (item = readdir(folder));)
        n += item->d_name[0] != '.';
    if (folder)
        (void)closedir(folder);
    return n;
}
