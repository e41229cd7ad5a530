/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CLI_SCREEN_H
#define IW_CLI_SCREEN_H
/*
 * screen.h - characters in rows and columns, which the views fill and a terminal shows, and the
 * keys that it sends.
 *
 * Pure: views can be tested without a terminal.  Text is UTF-8 from anywhere: what cannot be
 * printed becomes "?", what does not fit is cut at its width on the screen (CJK takes two columns),
 * and without UTF-8 everything is ASCII.  wcwidth needs LC_CTYPE to be set.
 */
#include "error.h"

#include <stdbool.h>
#include <wchar.h>

typedef enum {
    IW_STYLE_PLAIN,
    IW_STYLE_FAINT,
    IW_STYLE_STRONG,
    IW_STYLE_BAR,      /* heading and foot, reversed */
    IW_STYLE_SELECTED, /* the row under the cursor, reversed */
    IW_STYLE_GOOD,
    IW_STYLE_WARNING,
    IW_STYLE_BAD,
    IW_STYLE_CURVE,
    IW_STYLE_BAND, /* limits of a curve */
    IW_STYLE_FIT,  /* a line through a curve */
    IW_STYLE_COUNT
} iw_style;

typedef struct {
    wchar_t glyph; /* 0: the right half of a wide character */
    unsigned char style;
} iw_screen_cell;

typedef struct {
    int rows, columns;
    bool utf8;
    iw_screen_cell *cells; /* [rows * columns] */
} iw_screen;

typedef struct {
    int row, column, rows, columns;
} iw_rect;

enum {
    IW_KEY_NONE = 0, /* others: a character */
    IW_KEY_INTERRUPT = 3,
    IW_KEY_TAB = 9,
    IW_KEY_ENTER = 13,
    IW_KEY_ESCAPE = 27,
    IW_KEY_UP = 0x110000, /* beyond Unicode */
    IW_KEY_DOWN,
    IW_KEY_LEFT,
    IW_KEY_RIGHT,
    IW_KEY_PAGE_UP,
    IW_KEY_PAGE_DOWN,
    IW_KEY_HOME,
    IW_KEY_END,
    IW_KEY_BACKSPACE,
    IW_KEY_BACK_TAB,
    IW_KEY_RESIZE,
    IW_KEY_OTHER
};

/* Makes it blank, of that size (at least 1 x 1).  NO_MEMORY leaves it as it was. */
iw_status iw_screen_clear(iw_screen *self, int rows, int columns, iw_error *err);
void iw_screen_fini(iw_screen *self);

/* Outside nothing happens. */
void iw_screen_put(iw_screen *self, int row, int column, wchar_t glyph, iw_style style);
void iw_screen_fill(iw_screen *self, int row, int column, int width, iw_style style);
/* At most width columns; what is cut ends with "~".  Returns the columns that it took. */
int iw_screen_text(iw_screen *self, int row, int column, int width, iw_style style,
                   const char *text);
int iw_screen_print(iw_screen *self, int row, int column, int width, iw_style style,
                    const char *format, ...) __attribute__((format(printf, 6, 7)));
/* Words over several rows, at most rows of them; the later ones begin after indent.  Returns how
 * many it took. */
int iw_screen_paragraph(iw_screen *self, iw_rect place, int indent, iw_style style,
                        const char *text);
/* Columns that a text takes. */
int iw_screen_width(const iw_screen *self, const char *text);

#endif
