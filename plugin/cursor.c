/* SPDX-License-Identifier: BSD-3-Clause */
#include "cursor.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DEPTH = 8 };

typedef enum {
    TYPE_NIL,
    TYPE_BOOLEAN,
    TYPE_UNSIGNED,
    TYPE_NEGATIVE,
    TYPE_FLOAT,
    TYPE_TEXT,
    TYPE_BYTES,
    TYPE_ARRAY,
    TYPE_MAP,
    TYPE_EXTENSION,
    TYPE_NONE /* 0xc1, or the bytes end */
} token_type;

static const char *const type_names[] = {
    "nil",   "a boolean", "an integer", "a negative integer", "a number", "text",
    "bytes", "an array",  "a map",      "an extension",       "nothing"};

/* The head of one value.  number: the integer's bits, or the count of bytes, elements or pairs. */
typedef struct {
    token_type type;
    uint64_t number;
    double real;
} token;

void
iw_cursor_init(iw_cursor *self, const void *data, size_t size)
{
    self->data = data;
    self->size = size;
    self->at = 0;
    self->error.code = IW_OK;
    self->error.sys_errno = 0;
    self->error.text[0] = '\0';
}

void
iw_cursor_fail(iw_cursor *self, const char *format, ...)
{
    if (self->error.code != IW_OK)
        return;
    char what[256];
    va_list args;
    va_start(args, format);
    /* The analyzer loses sight of va_start() here. */
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    (void)iw_fail(&self->error, IW_PROTOCOL, "byte %zu: %s", self->at, what);
}

static uint64_t
big_endian(const unsigned char *p, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | p[i];
    return value;
}

/* A count is believed only if that many bytes, or elements of one byte, can still follow. */
static token
counted(iw_cursor *self, token_type type, uint64_t count, size_t at)
{
    uint64_t left = self->size - at;
    uint64_t least = type == TYPE_MAP ? 2 * count : count;
    if (least > left) {
        iw_cursor_fail(self, "%s announces %llu bytes or elements, but %llu bytes are left",
                       type_names[type], (unsigned long long)count, (unsigned long long)left);
        return (token){.type = TYPE_NONE};
    }
    self->at = at;
    return (token){.type = type, .number = count};
}

/* Sizes of the field that follows each head byte from 0xc4 to 0xdf. */
static const unsigned char field_size[] = {1, 2, 4, 1, 2, 4, 4, 8, 1, 2, 4, 8, 1, 2,
                                           4, 8, 1, 1, 1, 1, 1, 1, 2, 4, 2, 4, 2, 4};

static token
integer_token(iw_cursor *self, unsigned head, uint64_t field, size_t at)
{
    self->at = at;
    if (head <= 0xcf)
        return (token){.type = TYPE_UNSIGNED, .number = field};
    /* Two's complement of 1, 2, 4 or 8 bytes, widened to 64. */
    unsigned bits = 8U << (head - 0xd0);
    uint64_t sign = (uint64_t)1 << (bits - 1);
    uint64_t wide = (field ^ sign) - sign;
    return (token){.type = wide >> 63 ? TYPE_NEGATIVE : TYPE_UNSIGNED, .number = wide};
}

static token
float_token(iw_cursor *self, unsigned head, uint64_t field, size_t at)
{
    token t = {.type = TYPE_FLOAT};
    self->at = at;
    if (head == 0xca) {
        uint32_t bits = (uint32_t)field;
        float value;
        memcpy(&value, &bits, sizeof value);
        t.real = (double)value;
    } else {
        memcpy(&t.real, &field, sizeof t.real);
    }
    return t;
}

/* Reads the head of the next value and moves behind it; the contents of text, bytes and
 * extensions are left to the caller. */
static token
next(iw_cursor *self)
{
    token none = {.type = TYPE_NONE};
    if (self->error.code != IW_OK)
        return none;
    if (self->at >= self->size) {
        iw_cursor_fail(self, "the message ends too early");
        return none;
    }
    unsigned head = self->data[self->at];
    size_t at = self->at + 1;
    if (head <= 0x7f || head >= 0xe0) {
        self->at = at;
        if (head <= 0x7f)
            return (token){.type = TYPE_UNSIGNED, .number = head};
        return (token){.type = TYPE_NEGATIVE, .number = (uint64_t)((int64_t)head - 256)};
    }
    if (head <= 0x8f)
        return counted(self, TYPE_MAP, head & 0x0f, at);
    if (head <= 0x9f)
        return counted(self, TYPE_ARRAY, head & 0x0f, at);
    if (head <= 0xbf)
        return counted(self, TYPE_TEXT, head & 0x1f, at);
    if (head == 0xc1) {
        iw_cursor_fail(self, "0xc1 is not msgpack");
        return none;
    }
    if (head <= 0xc3) {
        self->at = at;
        if (head == 0xc0)
            return (token){.type = TYPE_NIL};
        return (token){.type = TYPE_BOOLEAN, .number = head & 1};
    }

    size_t size = field_size[head - 0xc4];
    if (size > self->size - at) {
        iw_cursor_fail(self, "the message ends inside a value");
        return none;
    }
    uint64_t field = big_endian(self->data + at, size);
    at += size;
    switch (head) {
    case 0xc4:
    case 0xc5:
    case 0xc6:
        return counted(self, TYPE_BYTES, field, at);
    case 0xc7:
    case 0xc8:
    case 0xc9: /* the type byte of an extension counts as contents */
        return counted(self, TYPE_EXTENSION, field + 1, at);
    case 0xca:
    case 0xcb:
        return float_token(self, head, field, at);
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
        return counted(self, TYPE_EXTENSION, (uint64_t)1 << (head - 0xd4), at);
    case 0xd9:
    case 0xda:
    case 0xdb:
        return counted(self, TYPE_TEXT, field, at);
    case 0xdc:
    case 0xdd:
        return counted(self, TYPE_ARRAY, field, at);
    case 0xde:
    case 0xdf:
        return counted(self, TYPE_MAP, field, at);
    default:
        return integer_token(self, head, field, at);
    }
}

/* Goes back before the value, so that the error names where it stands. */
static void
wrong_type(iw_cursor *self, size_t at, const char *wanted, token_type found)
{
    if (self->error.code != IW_OK)
        return;
    self->at = at;
    iw_cursor_fail(self, "%s is needed, %s found", wanted, type_names[found]);
}

static uint64_t
count_of(iw_cursor *self, token_type type)
{
    size_t at = self->at;
    token t = next(self);
    if (t.type == type)
        return t.number;
    wrong_type(self, at, type_names[type], t.type);
    return 0;
}

size_t
iw_cursor_map(iw_cursor *self)
{
    return (size_t)count_of(self, TYPE_MAP);
}

size_t
iw_cursor_array(iw_cursor *self)
{
    return (size_t)count_of(self, TYPE_ARRAY);
}

static iw_span
contents(iw_cursor *self, token_type type)
{
    size_t size = (size_t)count_of(self, type);
    if (self->error.code != IW_OK)
        return (iw_span){NULL, 0};
    iw_span span = {(const char *)self->data + self->at, size};
    self->at += size;
    return span;
}

iw_span
iw_cursor_raw_text(iw_cursor *self)
{
    return contents(self, TYPE_TEXT);
}

iw_span
iw_cursor_bytes(iw_cursor *self)
{
    return contents(self, TYPE_BYTES);
}

iw_span
iw_cursor_text(iw_cursor *self)
{
    size_t at = self->at;
    iw_span span = contents(self, TYPE_TEXT);
    if (span.data && !iw_utf8_valid(span.data, span.size)) {
        self->at = at;
        iw_cursor_fail(self, "text is not UTF-8, or holds a zero byte");
        return (iw_span){NULL, 0};
    }
    return span;
}

int64_t
iw_cursor_integer(iw_cursor *self)
{
    size_t at = self->at;
    token t = next(self);
    if (t.type == TYPE_NEGATIVE || (t.type == TYPE_UNSIGNED && t.number <= INT64_MAX))
        return (int64_t)t.number;
    wrong_type(self, at, "an integer of 64 bits", t.type);
    return 0;
}

uint64_t
iw_cursor_unsigned(iw_cursor *self)
{
    size_t at = self->at;
    token t = next(self);
    if (t.type == TYPE_UNSIGNED)
        return t.number;
    wrong_type(self, at, "an integer of zero or more", t.type);
    return 0;
}

double
iw_cursor_number(iw_cursor *self)
{
    size_t at = self->at;
    token t = next(self);
    if (t.type == TYPE_UNSIGNED)
        return (double)t.number;
    if (t.type == TYPE_NEGATIVE)
        return (double)(int64_t)t.number;
    if (t.type != TYPE_FLOAT) {
        wrong_type(self, at, "a number", t.type);
        return 0.0;
    }
    if (!isfinite(t.real)) {
        self->at = at;
        iw_cursor_fail(self, "a number is not finite");
        return 0.0;
    }
    return t.real;
}

bool
iw_cursor_boolean(iw_cursor *self)
{
    return count_of(self, TYPE_BOOLEAN) != 0;
}

void
iw_cursor_skip(iw_cursor *self)
{
    uint64_t left[MAX_DEPTH + 1]; /* values still to come at each level */
    size_t depth = 0;
    left[0] = 1;
    for (;;) {
        while (left[depth] == 0) {
            if (depth == 0)
                return;
            depth--;
        }
        left[depth]--;
        token t = next(self);
        if (self->error.code != IW_OK)
            return;
        if (t.type == TYPE_TEXT || t.type == TYPE_BYTES || t.type == TYPE_EXTENSION) {
            self->at += (size_t)t.number;
        } else if (t.type == TYPE_ARRAY || t.type == TYPE_MAP) {
            if (depth == MAX_DEPTH) {
                iw_cursor_fail(self, "values are nested deeper than %d levels", MAX_DEPTH);
                return;
            }
            left[++depth] = t.type == TYPE_MAP ? 2 * t.number : t.number;
        }
    }
}

/* The range of the second byte of a sequence, which shuts out overlong forms, surrogates and what
 * lies beyond U+10FFFF. */
static bool
second_byte_fits(unsigned char head, unsigned char second)
{
    unsigned low = 0x80;
    unsigned high = 0xbf;
    if (head == 0xe0)
        low = 0xa0;
    else if (head == 0xed)
        high = 0x9f;
    else if (head == 0xf0)
        low = 0x90;
    else if (head == 0xf4)
        high = 0x8f;
    return second >= low && second <= high;
}

size_t
iw_utf8_sequence(const char *text, size_t left)
{
    const unsigned char *p = (const unsigned char *)text;
    if (left == 0 || p[0] == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    size_t size = 0;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        size = 2;
    else if (p[0] >= 0xe0 && p[0] <= 0xef)
        size = 3;
    else if (p[0] >= 0xf0 && p[0] <= 0xf4)
        size = 4;
    if (size == 0 || size > left || !second_byte_fits(p[0], p[1]))
        return 0;
    for (size_t i = 2; i < size; i++)
        if (p[i] < 0x80 || p[i] > 0xbf)
            return 0;
    return size;
}

bool
iw_utf8_valid(const char *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        size_t step = iw_utf8_sequence(text + at, size - at);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

bool
iw_utf8_printable(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    for (size_t i = 0; p[i]; i++)
        if (p[i] < 0x20 || p[i] == 0x7f || (p[i] == 0xc2 && p[i + 1] < 0xa0))
            return false;
    return iw_utf8_valid(text, strlen(text));
}
