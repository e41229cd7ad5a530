/* SPDX-License-Identifier: BSD-3-Clause */
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *
ionwatch_status_text(ionwatch_status status)
{
    switch (status) {
#define STATUS_CASE(name, value, text)                                                             \
    case IONWATCH_##name:                                                                          \
        return text;
        IONWATCH_STATUS_MAP(STATUS_CASE)
#undef STATUS_CASE
    }
    return "unknown status";
}

__attribute__((format(printf, 4, 0))) static void
fill(iw_error *err, iw_status code, int sys_errno, const char *format, va_list args)
{
    err->code = code;
    err->sys_errno = sys_errno;
    (void)vsnprintf(err->text, sizeof err->text, format, args);
}

iw_status
iw_fail(iw_error *err, iw_status code, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        fill(err, code, 0, format, args);
        va_end(args);
    }
    return code;
}

iw_status
iw_fail_errno(iw_error *err, const char *format, ...)
{
    int number = errno;
    if (err) {
        va_list args;
        va_start(args, format);
        fill(err, IW_IO, number, format, args);
        va_end(args);
        size_t used = strlen(err->text);
        (void)snprintf(err->text + used, sizeof err->text - used, ": %s", strerror(number));
    }
    return IW_IO;
}

iw_status
iw_prefix(iw_error *err, const char *format, ...)
{
    if (!err)
        return IW_OK;
    char old[IW_ERROR_TEXT];
    memcpy(old, err->text, sizeof old);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    size_t used = strlen(err->text);
    (void)snprintf(err->text + used, sizeof err->text - used, ": %s", old);
    return err->code;
}
