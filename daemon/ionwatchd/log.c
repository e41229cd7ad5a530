/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void
iw_timestamp(char text[32])
{
    time_t now = time(NULL);
    struct tm utc;
    if (!gmtime_r(&now, &utc) || strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        text[0] = '\0';
}

double
iw_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void write_line(const char *id, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void
write_line(const char *id, const char *format, va_list args)
{
    char line[1024];
    char stamp[32];
    iw_timestamp(stamp);
    int head = snprintf(line, sizeof line, "%s %s ", id, stamp);
    size_t used = head > 0 ? (size_t)head : 0;
    if (vsnprintf(line + used, sizeof line - used - 1, format, args) < 0)
        return;
    used = strnlen(line, sizeof line - 2);
    for (size_t i = 0; i < used; i++) /* a hostile name must not forge a line */
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = ' ';
    line[used++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, used);
    (void)written; /* there is nobody left to tell */
}

void
iw_log(const char *id, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_line(id, format, args);
    va_end(args);
}
