/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_LOG_H
#define IW_LOG_H
/*
 * log.h - one line for each thing that an operator should know, on standard error.
 *
 * A line is a stable id, the time (UTC), then words and numbers: "journal.waiting
 * 2026-01-31T12:00:00Z run 7f3c...: no space left on device".  One write(2) for each line, so
 * threads never mix.
 */
void iw_log(const char *id, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Seconds of the monotonic clock. */
double iw_now(void);

/* The time of day as "2026-01-31T12:00:00Z". */
void iw_timestamp(char text[32]);

#endif
