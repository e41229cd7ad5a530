/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_NOTICES_H
#define IW_NOTICES_H
/*
 * notices.h - what is worth a line in the log when the same thing happens again and again, or when
 * somebody wants the log to grow.
 *
 * The same (who, what) once in ten minutes, and no more than twenty lines a minute together.  Pure:
 * time is given; bounded memory; zeroed is empty.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IW_NOTICES = 64, IW_NOTICES_A_MINUTE = 20, IW_NOTICE_AGAIN_S = 600 };

typedef struct {
    struct {
        char who[64], what[24];
        double at_s; /* when it was logged */
    } items[IW_NOTICES];
    size_t n;
    double minute_s; /* start of the minute that is counted */
    unsigned lines;  /* in it */
    uint64_t silent; /* not logged since the last line */
} iw_notices;

/* True: log it, and say that *silent others were not logged before it. */
bool iw_notice(iw_notices *self, const char *who, const char *what, double now_s, uint64_t *silent);

#endif
