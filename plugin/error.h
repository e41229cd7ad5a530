/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_ERROR_H
#define IW_ERROR_H
/*
 * error.h - how every internal function says what went wrong.
 *
 * The deepest function that fails fills code and one sentence with the numbers; callers only
 * prefix it ("run 7f3c: frame 1201: ...").  err may be NULL everywhere.  Costs nothing on success.
 */
#include "ionwatch/ionwatch.h"

typedef ionwatch_status iw_status;
#define IW_OK          IONWATCH_OK
#define IW_NO_MEMORY   IONWATCH_NO_MEMORY
#define IW_INVALID     IONWATCH_INVALID
#define IW_IO          IONWATCH_IO
#define IW_PROTOCOL    IONWATCH_PROTOCOL
#define IW_REFUSED     IONWATCH_REFUSED
#define IW_FULL        IONWATCH_FULL
#define IW_CORRUPT     IONWATCH_CORRUPT
#define IW_NOT_FOUND   IONWATCH_NOT_FOUND
#define IW_EXISTS      IONWATCH_EXISTS
#define IW_UNSUPPORTED IONWATCH_UNSUPPORTED
#define IW_AGAIN       IONWATCH_AGAIN
#define IW_END         IONWATCH_END
#define IW_DROPPED     IONWATCH_DROPPED
#define IW_CLOSED      IONWATCH_CLOSED
#define IW_TIMEOUT     IONWATCH_TIMEOUT

enum { IW_ERROR_TEXT = 512 };

typedef struct {
    iw_status code;
    int sys_errno; /* errno of the failing system call, 0 if none */
    char text[IW_ERROR_TEXT];
} iw_error;

/* Fills *err and returns code, so that "return iw_fail(err, ...)" is the whole error path. */
iw_status iw_fail(iw_error *err, iw_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As iw_fail(err, IW_IO, ...), with ": strerror(errno)" added and sys_errno kept. */
iw_status iw_fail_errno(iw_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts "prefix: " in front of the text and returns err->code (IW_OK when err is NULL). */
iw_status iw_prefix(iw_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
