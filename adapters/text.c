/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 18, PEEK_MAX = 1 << 16 };

struct iw_text {
    iw_bytes *bytes;
    bool growing; /* the end of the file is not the end of the text */
    bool ended;   /* nothing more will come */
    bool cut;     /* the line given last has no newline */
    bool trusted; /* a last line without newline is whole */
    char *data;
    size_t capacity;
    size_t mark, next, end; /* offsets in data: of the marked line, the next line, the bytes */
    size_t previous;        /* of the line given last */
    uint64_t line, mark_line;
};

iw_text *
iw_text_open(const char *path, bool follow, iw_error *err)
{
    iw_bytes *bytes = iw_bytes_open(path, err);
    if (!bytes)
        return NULL;
    iw_text *self = calloc(1, sizeof *self);
    if (!self || !(self->data = malloc(CHUNK + 1))) {
        free(self);
        iw_bytes_close(&bytes);
        (void)iw_fail(err, IW_NO_MEMORY, "%s: no memory to read it", path);
        return NULL;
    }
    self->bytes = bytes;
    self->capacity = CHUNK;
    self->growing = follow && iw_bytes_can_grow(bytes);
    return self;
}

void
iw_text_trust_end(iw_text *self)
{
    self->trusted = true;
}

void
iw_text_close(iw_text **selfp)
{
    iw_text *self = *selfp;
    *selfp = NULL;
    if (!self)
        return;
    iw_bytes_close(&self->bytes);
    free(self->data);
    free(self);
}

/* Moves the kept bytes to the front and makes room for a chunk behind them. */
static iw_status
make_room(iw_text *self, iw_error *err)
{
    size_t keep = self->mark < self->previous ? self->mark : self->previous;
    if (keep > 0 && self->capacity - self->end < CHUNK) {
        memmove(self->data, self->data + keep, self->end - keep);
        self->mark -= keep;
        self->next -= keep;
        self->previous -= keep;
        self->end -= keep;
    }
    if (self->capacity - self->end >= CHUNK / 2)
        return IW_OK;
    size_t capacity = self->capacity * 2;
    char *data = realloc(self->data, capacity + 1);
    if (!data)
        return iw_fail(err, IW_NO_MEMORY, "%s: no memory for a frame of more than %zu bytes",
                       iw_bytes_path(self->bytes), self->end);
    self->data = data;
    self->capacity = capacity;
    return IW_OK;
}

/* OK: bytes were added.  AGAIN or END: there are none. */
static iw_status
read_more(iw_text *self, iw_error *err)
{
    if (self->ended)
        return IW_END;
    iw_status status = make_room(self, err);
    if (status != IW_OK)
        return status;
    size_t got = 0;
    status =
        iw_bytes_read(self->bytes, self->data + self->end, self->capacity - self->end, &got, err);
    if (status != IW_OK)
        return status;
    self->end += got;
    if (got > 0)
        return IW_OK;
    if (self->growing) {
        status = iw_bytes_check_same(self->bytes, err);
        return status == IW_OK ? IW_AGAIN : status;
    }
    self->ended = true;
    return IW_END;
}

/* Number of fields, and the bytes behind the point of the last one (-1: it has no point). */
static size_t
shape(iw_line line, ptrdiff_t *decimals)
{
    const char *word;
    size_t size, n = 0;
    *decimals = -1;
    while (iw_field_word(&line, &word, &size)) {
        const char *point = memchr(word, '.', size);
        *decimals = point ? word + size - point : -1;
        n++;
    }
    return n;
}

/* Many programs end a file without a newline, and a killed one may end it in mid-number: the line
 * before says how long a line is. */
static bool
looks_whole(const iw_text *self, iw_line line)
{
    if (self->previous >= self->next)
        return true;
    iw_line before = {self->data + self->previous, self->data + self->next - 1};
    ptrdiff_t decimals, decimals_before;
    size_t n = shape(line, &decimals), n_before = shape(before, &decimals_before);
    return n > n_before || (n == n_before && decimals >= decimals_before);
}

iw_status
iw_text_line(iw_text *self, iw_line *line, iw_error *err)
{
    size_t searched = 0;
    char *newline;
    bool whole = true;
    while (!(newline = memchr(self->data + self->next + searched, '\n',
                              self->end - self->next - searched))) {
        searched = self->end - self->next;
        if (searched > IW_TEXT_LINE_MAX)
            return iw_fail(err, IW_INVALID,
                           "%s line %llu: no end of line within %d bytes: this is no text file",
                           iw_bytes_path(self->bytes), (unsigned long long)self->line + 1,
                           IW_TEXT_LINE_MAX);
        iw_status status = read_more(self, err);
        if (status == IW_END && searched > 0) {
            newline = self->data + self->end;
            whole = false;
            break;
        }
        if (status != IW_OK)
            return status;
    }
    iw_line found = {self->data + self->next, newline};
    if (found.end > found.at && found.end[-1] == '\r')
        found.end--;
    if (memchr(found.at, '\0', (size_t)(found.end - found.at)))
        return iw_fail(err, IW_INVALID, "%s line %llu: a zero byte: this is no text file",
                       iw_bytes_path(self->bytes), (unsigned long long)self->line + 1);
    if (!whole && !self->trusted && !looks_whole(self, found))
        return IW_END;
    self->previous = self->next;
    self->next = (size_t)(newline - self->data) + (whole ? 1 : 0);
    self->line++;
    self->cut = !whole && !self->trusted;
    *line = found;
    return IW_OK;
}

iw_status
iw_text_skip(iw_text *self, uint64_t lines, iw_error *err)
{
    iw_line line;
    for (uint64_t i = 0; i < lines; i++) {
        iw_status status = iw_text_line(self, &line, err);
        if (status != IW_OK)
            return status;
    }
    return IW_OK;
}

void
iw_text_mark(iw_text *self)
{
    self->mark = self->next;
    self->mark_line = self->line;
}

void
iw_text_back(iw_text *self)
{
    self->next = self->mark;
    self->previous = self->mark;
    self->line = self->mark_line;
}

void
iw_text_unread(iw_text *self)
{
    self->cut = false;
    self->next = self->previous;
    self->line--;
}

iw_status
iw_text_peek(iw_text *self, size_t size, const char **data, size_t *got, iw_error *err)
{
    if (size > PEEK_MAX)
        size = PEEK_MAX;
    iw_status status = IW_OK;
    while (self->end - self->next < size && status == IW_OK)
        status = read_more(self, err);
    *data = self->data + self->next;
    *got = self->end - self->next < size ? self->end - self->next : size;
    return status == IW_AGAIN || status == IW_END ? IW_OK : status;
}

uint64_t
iw_text_line_number(const iw_text *self)
{
    return self->line;
}

bool
iw_text_past_mark(const iw_text *self)
{
    for (size_t i = self->mark; i < self->end; i++)
        if (!strchr(" \t\r\n", self->data[i]))
            return true;
    return false;
}

const iw_bytes *
iw_text_bytes(const iw_text *self)
{
    return self->bytes;
}

const char *
iw_text_path(const iw_text *self)
{
    return iw_bytes_path(self->bytes);
}

iw_status
iw_text_fail(const iw_text *self, iw_error *err, iw_status code, const char *format, ...)
{
    if (self->cut)
        return IW_END;
    char text[IW_ERROR_TEXT];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return iw_fail(err, code, "%s line %llu: %s", iw_text_path(self),
                   (unsigned long long)self->line, text);
}

iw_status
iw_text_unexpected(const iw_text *self, iw_line line, const char *what, iw_error *err)
{
    char excerpt[48];
    return iw_text_fail(self, err, IW_INVALID, "expected %s, found '%s'", what,
                        iw_line_excerpt(line, excerpt));
}
