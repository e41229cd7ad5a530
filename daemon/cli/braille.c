/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "braille.h"

#include <math.h>
#include <stdlib.h>

/* Dots 1 to 8 of the patterns, by row and column. */
static const unsigned char bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};

iw_status
iw_canvas_init(iw_canvas *self, int columns, int rows, iw_error *err)
{
    size_t n = (size_t)columns * (size_t)rows;
    *self = (iw_canvas){.columns = columns, .rows = rows};
    self->cells = calloc(n + 1, 1);
    self->pens = calloc(n + 1, 1);
    if (self->cells && self->pens)
        return IW_OK;
    iw_canvas_fini(self);
    return iw_fail(err, IW_NO_MEMORY, "no memory for a plot of %d x %d characters", columns, rows);
}

void
iw_canvas_fini(iw_canvas *self)
{
    free(self->cells);
    free(self->pens);
    *self = (iw_canvas){0};
}

void
iw_canvas_dot(iw_canvas *self, int x, int y, unsigned char pen)
{
    if (x < 0 || y < 0 || x >= 2 * self->columns || y >= 4 * self->rows)
        return;
    size_t at = (size_t)(y / 4) * (size_t)self->columns + (size_t)(x / 2);
    self->cells[at] |= bits[y % 4][x % 2];
    self->pens[at] = pen;
}

/* The part of [*t0, *t1] of a line from a to b that lies between 0 and limit. */
static void
clip(double a, double b, double limit, double *t0, double *t1)
{
    double d = b - a;
    if (d == 0.0) {
        if (a < 0.0 || a > limit)
            *t1 = -1.0;
        return;
    }
    double enter = (d > 0.0 ? -a : limit - a) / d, leave = (d > 0.0 ? limit - a : -a) / d;
    *t0 = fmax(*t0, enter);
    *t1 = fmin(*t1, leave);
}

void
iw_canvas_line(iw_canvas *self, double x0, double y0, double x1, double y1, unsigned char pen,
               int every)
{
    double t0 = 0.0, t1 = 1.0;
    if (!isfinite(x0) || !isfinite(y0) || !isfinite(x1) || !isfinite(y1))
        return;
    clip(x0, x1, 2.0 * self->columns - 1.0, &t0, &t1);
    clip(y0, y1, 4.0 * self->rows - 1.0, &t0, &t1);
    if (t0 > t1)
        return;
    double dx = x1 - x0, dy = y1 - y0;
    long steps = lround(fmax(fabs(dx), fabs(dy)) * (t1 - t0)) + 1;
    for (long k = 0; k <= steps; k++) {
        double t = t0 + (t1 - t0) * (double)k / (double)steps;
        int x = (int)lround(x0 + t * dx);
        if (x % every == 0)
            iw_canvas_dot(self, x, (int)lround(y0 + t * dy), pen);
    }
}

/* Which of ASCII looks most like the dots. */
static wchar_t
ascii_of(unsigned char dots)
{
    enum { UPPER = 0x1b, LOWER = 0xe4, MIDDLE = 0x36, LEFT = 0x47, RIGHT = 0xb8 };
    bool falls = !(dots & UPPER & RIGHT) && !(dots & LOWER & LEFT);
    bool rises = !(dots & UPPER & LEFT) && !(dots & LOWER & RIGHT);
    if (!(dots & ~MIDDLE))
        return L'-';
    if (!(dots & LOWER))
        return L'\'';
    if (!(dots & UPPER))
        return dots & MIDDLE ? L'.' : L'_';
    if (falls != rises)
        return falls ? L'\\' : L'/';
    return dots == 0xff ? L'#' : L':';
}

wchar_t
iw_canvas_glyph(const iw_canvas *self, int column, int row, bool utf8)
{
    unsigned char dots = self->cells[(size_t)row * (size_t)self->columns + (size_t)column];
    if (!dots)
        return 0;
    return utf8 ? (wchar_t)(0x2800 + dots) : ascii_of(dots);
}

/* Mean of the values that fall into a character. */
static double
mean_at(const double *values, size_t n, int width, int column)
{
    size_t from = n * (size_t)column / (size_t)width;
    size_t to = n * ((size_t)column + 1) / (size_t)width;
    double sum = 0.0;
    to = to > from ? to : from + 1;
    for (size_t k = from; k < to; k++)
        sum += values[k];
    return sum / (double)(to - from);
}

void
iw_sparkline(const double *values, size_t n, int width, bool utf8, wchar_t *text)
{
    static const wchar_t ascii[] = L"__..--==";
    double low = INFINITY, high = -INFINITY;
    for (int c = 0; c < width && n; c++) {
        double mean = mean_at(values, n, width, c);
        if (isfinite(mean)) {
            low = fmin(low, mean);
            high = fmax(high, mean);
        }
    }
    for (int c = 0; c < width; c++) {
        double mean = n ? mean_at(values, n, width, c) : NAN;
        double part = (mean - low) / (high - low);
        int height = isfinite(part) ? (int)(7.999 * part) : 3;
        if (!isfinite(mean))
            text[c] = L' ';
        else
            text[c] = utf8 ? (wchar_t)(0x2581 + height) : ascii[height];
    }
}
