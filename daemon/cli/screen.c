/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "screen.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

iw_status
iw_screen_clear(iw_screen *self, int rows, int columns, iw_error *err)
{
    rows = rows < 1 ? 1 : rows;
    columns = columns < 1 ? 1 : columns;
    size_t n = (size_t)rows * (size_t)columns;
    if (rows != self->rows || columns != self->columns) {
        iw_screen_cell *cells = realloc(self->cells, n * sizeof *cells);
        if (!cells)
            return iw_fail(err, IW_NO_MEMORY, "no memory for a screen of %d x %d", columns, rows);
        self->cells = cells;
        self->rows = rows;
        self->columns = columns;
    }
    for (size_t k = 0; k < n; k++)
        self->cells[k] = (iw_screen_cell){.glyph = L' ', .style = IW_STYLE_PLAIN};
    return IW_OK;
}

void
iw_screen_fini(iw_screen *self)
{
    free(self->cells);
    *self = (iw_screen){0};
}

static iw_screen_cell *
cell_at(iw_screen *self, int row, int column)
{
    if (row < 0 || column < 0 || row >= self->rows || column >= self->columns)
        return NULL;
    return &self->cells[(size_t)row * (size_t)self->columns + (size_t)column];
}

void
iw_screen_put(iw_screen *self, int row, int column, wchar_t glyph, iw_style style)
{
    iw_screen_cell *cell = cell_at(self, row, column);
    if (cell)
        *cell = (iw_screen_cell){.glyph = glyph, .style = (unsigned char)style};
}

void
iw_screen_fill(iw_screen *self, int row, int column, int width, iw_style style)
{
    for (int c = 0; c < width; c++)
        iw_screen_put(self, row, column + c, L' ', style);
}

/* The next character of UTF-8; broken bytes are U+FFFD, one each. */
static uint32_t
next_character(const char **text)
{
    const unsigned char *at = (const unsigned char *)*text;
    int more = at[0] < 0x80 ? 0 : at[0] >= 0xf0 ? 3 : at[0] >= 0xe0 ? 2 : at[0] >= 0xc2 ? 1 : -1;
    uint32_t code = more <= 0 ? at[0] : at[0] & (0x3fU >> more);
    for (int k = 1; k <= more; k++) {
        if ((at[k] & 0xc0) != 0x80)
            more = -1;
        else
            code = code << 6 | (at[k] & 0x3fU);
    }
    *text += more > 0 ? more + 1 : 1;
    return more < 0 || code > 0x10ffff ? 0xfffd : code;
}

/* What of ASCII stands for a character of our own texts; for all others "?". */
static const char *
ascii_of(uint32_t code)
{
    static const struct {
        uint32_t code;
        const char *text;
    } known[] = {{0xb1, "+-"}, {0xb2, "2"}, {0xb3, "3"}, {0xc5, "A"}, {0x3c3, "sigma"}};
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        if (known[k].code == code)
            return known[k].text;
    return "?";
}

/* The glyphs of the next character (at most 8) and the columns that they take, 0 to 5. */
static int
next_glyphs(const iw_screen *self, const char **text, wchar_t glyphs[8], size_t *n)
{
    uint32_t code = next_character(text);
    *n = 0;
    if (code >= 0x80 && !self->utf8) {
        for (const char *at = ascii_of(code); *at; at++)
            glyphs[(*n)++] = (wchar_t)(unsigned char)*at;
        return (int)*n;
    }
    int width = wcwidth((wchar_t)code);
    if (width == 0 && code != 0)
        return 0; /* combining marks are left out */
    glyphs[(*n)++] = width < 0 || !iswprint((wint_t)code) ? L'?' : (wchar_t)code;
    return width < 1 ? 1 : width;
}

int
iw_screen_width(const iw_screen *self, const char *text)
{
    wchar_t glyphs[8];
    size_t n;
    int width = 0;
    while (*text)
        width += next_glyphs(self, &text, glyphs, &n);
    return width;
}

int
iw_screen_text(iw_screen *self, int row, int column, int width, iw_style style, const char *text)
{
    wchar_t glyphs[8];
    size_t n;
    int used = 0;
    bool cut = iw_screen_width(self, text) > width;
    while (*text && width > 0) {
        int more = next_glyphs(self, &text, glyphs, &n);
        if (used + more > width - cut) {
            iw_screen_put(self, row, column + used++, L'~', style);
            break;
        }
        for (size_t k = 0; k < n; k++)
            iw_screen_put(self, row, column + used + (int)k, glyphs[k], style);
        if (more > (int)n)
            iw_screen_put(self, row, column + used + 1, 0, style);
        used += more;
    }
    return used;
}

int
iw_screen_print(iw_screen *self, int row, int column, int width, iw_style style, const char *format,
                ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return iw_screen_text(self, row, column, width, style, text);
}

int
iw_screen_paragraph(iw_screen *self, iw_rect place, int indent, iw_style style, const char *text)
{
    int row = 0, column = 0;
    while (*text && row < place.rows) {
        char word[256];
        size_t n = strcspn(text, " ");
        (void)snprintf(word, sizeof word, "%.*s", (int)n, text);
        int width = iw_screen_width(self, word);
        int from = row ? indent : 0;
        if (column > from && column + 1 + width > place.columns) {
            row++;
            column = indent;
        } else if (column > from) {
            column++;
        }
        if (row < place.rows)
            column += iw_screen_text(self, place.row + row, place.column + column,
                                     place.columns - column, style, word);
        text += n;
        text += strspn(text, " ");
    }
    return row < place.rows ? row + 1 : row;
}
