/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_CURSOR_H
#define IW_CURSOR_H
/*
 * cursor.h - reads msgpack from bytes that nobody vouches for.
 *
 * Nothing is allocated.  Every announced size or count is checked against the bytes that are left
 * before it is believed.  The error is sticky: after the first one every read returns zero and
 * leaves the position where it was, so that a decoder reads on and asks once at the end.
 */
#include "error.h"

#include <stdbool.h>

typedef struct {
    const unsigned char *data;
    size_t size;
    size_t at;      /* offset of the next byte */
    iw_error error; /* code IW_OK until something is wrong */
} iw_cursor;

/* A borrowed run of bytes; data is NULL where a read failed or the value was nil. */
typedef struct {
    const char *data;
    size_t size;
} iw_span;

void iw_cursor_init(iw_cursor *self, const void *data, size_t size);
/* Records a PROTOCOL error at the present offset; the first one stays. */
void iw_cursor_fail(iw_cursor *self, const char *format, ...) __attribute__((format(printf, 2, 3)));

size_t iw_cursor_map(iw_cursor *self);        /* number of key-value pairs */
size_t iw_cursor_array(iw_cursor *self);      /* number of elements */
iw_span iw_cursor_text(iw_cursor *self);      /* str: valid UTF-8 without zero bytes */
iw_span iw_cursor_raw_text(iw_cursor *self);  /* str, contents unchecked */
iw_span iw_cursor_bytes(iw_cursor *self);     /* bin */
int64_t iw_cursor_integer(iw_cursor *self);   /* any integer that fits */
uint64_t iw_cursor_unsigned(iw_cursor *self); /* any integer >= 0 */
double iw_cursor_number(iw_cursor *self);     /* float or integer, finite */
bool iw_cursor_boolean(iw_cursor *self);
void iw_cursor_skip(iw_cursor *self); /* one value of any type, at most 8 levels deep */

/* Bytes of the UTF-8 sequence at the start of text, 0 when there is none (or a zero byte). */
size_t iw_utf8_sequence(const char *text, size_t left);
/* True when the bytes are UTF-8 (no overlong form, no surrogate) without a zero byte. */
bool iw_utf8_valid(const char *text, size_t size);
/* UTF-8 without control characters (U+0000 to U+001F, U+007F to U+009F): a name that can be shown
 * on a terminal and be a key of JSON. */
bool iw_utf8_printable(const char *text);

#endif
