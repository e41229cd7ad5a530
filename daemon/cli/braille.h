/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CLI_BRAILLE_H
#define IW_CLI_BRAILLE_H
/*
 * braille.h - lines drawn with dots, eight to a character: two across and four down.
 *
 * Pure.  Where the terminal has no braille patterns, a character of ASCII tells roughly which of
 * its dots are set.
 */
#include "error.h"

#include <stdbool.h>
#include <wchar.h>

typedef struct {
    int columns, rows;    /* characters */
    unsigned char *cells; /* [rows * columns]; bits in the order of U+2800 */
    unsigned char *pens;  /* [rows * columns]: who drew there last */
} iw_canvas;

/* Empty.  NO_MEMORY. */
iw_status iw_canvas_init(iw_canvas *self, int columns, int rows, iw_error *err);
void iw_canvas_fini(iw_canvas *self); /* safe on zeroed state */

/* x: 0 at the left to 2 columns - 1; y: 0 at the top to 4 rows - 1.  Outside nothing is drawn. */
void iw_canvas_dot(iw_canvas *self, int x, int y, unsigned char pen);
/* Both ends included; of a dashed line only every so many-th dot (1: all) by its place across. */
void iw_canvas_line(iw_canvas *self, double x0, double y0, double x1, double y1, unsigned char pen,
                    int every);
/* The character; 0 where no dot is set. */
wchar_t iw_canvas_glyph(const iw_canvas *self, int column, int row, bool utf8);

/* A curve in so many characters, low to high as eight heights; what is not finite is a blank.
 * Several values in a character are averaged, one value is repeated.  text: [width]. */
void iw_sparkline(const double *values, size_t n, int width, bool utf8, wchar_t *text);

#endif
