/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_TEXT_H
#define IW_TEXT_H
/*
 * text.h - a file as lines, and numbers in lines.
 *
 * A format reads a whole frame line by line; when the file ends within it, iw_text_back() returns
 * to the mark that was set at the frame's first line, and the same code runs again once the file
 * has grown.  Only the bytes from the mark on are kept.  A line without its newline is never seen
 * while a file is followed.
 *
 * Numbers are read correctly rounded: up to 19 digits with a small exponent by one multiplication
 * or division (Clinger), the rest by strtod in the C locale.
 */
#include "bytes.h"

enum { IW_TEXT_LINE_MAX = 1 << 20 };

typedef struct iw_text iw_text;

typedef struct {
    const char *at;  /* valid until the next call on the text */
    const char *end; /* of the line, without newline and carriage return */
} iw_line;

iw_text *iw_text_open(const char *path, bool follow, iw_error *err);
void iw_text_close(iw_text **self);
/* For files that people write: a last line without newline is as good as the others. */
void iw_text_trust_end(iw_text *self);

/* The next line.  AGAIN: the file is followed and has no whole line yet.  END.  Other failures as
 * iw_bytes_read, and INVALID for a line of more than IW_TEXT_LINE_MAX bytes or with a zero byte in
 * it.  A last line without newline is given when it is as long as the one before promises, and
 * counts as cut off (END) otherwise. */
iw_status iw_text_line(iw_text *self, iw_line *line, iw_error *err);
iw_status iw_text_skip(iw_text *self, uint64_t lines, iw_error *err);

void iw_text_mark(iw_text *self); /* keep everything from the next line on */
void iw_text_back(iw_text *self); /* the next line is again the marked one */

void iw_text_unread(iw_text *self); /* the line given last is the next one again; once */

/* First bytes of the file without moving in it; at most size, which is at most 64 KiB. */
iw_status iw_text_peek(iw_text *self, size_t size, const char **data, size_t *got, iw_error *err);

uint64_t iw_text_line_number(const iw_text *self); /* of the line given last, from 1 */
bool iw_text_past_mark(const iw_text *self);       /* bytes of an unfinished frame are there */
const iw_bytes *iw_text_bytes(const iw_text *self);
const char *iw_text_path(const iw_text *self);

/* "FILE line N: message"; returns code, or END when the line given last has no newline: what is
 * wrong with it is that the file was cut off. */
iw_status iw_text_fail(const iw_text *self, iw_error *err, iw_status code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same with INVALID and "expected WHAT, found 'LINE'". */
iw_status iw_text_unexpected(const iw_text *self, iw_line line, const char *what, iw_error *err);

/* Fields, separated by blanks.  Each moves line->at behind the field and returns false, moving
 * nothing, when there is none of that kind.  Reals are finite; Fortran's D exponents are read. */
bool iw_field_real(iw_line *line, double *value);
bool iw_field_int(iw_line *line, int64_t *value);
bool iw_field_word(iw_line *line, const char **word, size_t *size);
bool iw_field_none(const iw_line *line); /* nothing but blanks is left */

/* As iw_field_real, on a terminated string that must hold the number alone. */
bool iw_parse_real(const char *text, double *value);

/* Copies the line's first bytes for a message, with anything unprintable as '?'. */
const char *iw_line_excerpt(iw_line line, char text[48]);

#endif
