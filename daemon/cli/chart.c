/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chart.h"

#include "axis.h"
#include "braille.h"

#include <math.h>
#include <stdio.h>

enum { LEAST_COLUMNS = 12, LEAST_ROWS = 3, ROWS_FOR_OTHER = 12, X_TICK = 9 /* columns for each */ };

typedef struct {
    const iw_chart *chart;
    iw_screen *screen;
    iw_rect place; /* of the dots alone */
    iw_axis x, y;
    iw_canvas canvas;
} drawing;

static void
measure(drawing *self)
{
    const iw_chart *chart = self->chart;
    iw_axis_init(&self->x, chart->log_x);
    iw_axis_init(&self->y, chart->log_y);
    for (size_t l = 0; l < chart->n_lines; l++) {
        const iw_chart_line *line = &chart->lines[l];
        for (size_t k = 0; k < line->n; k++) {
            bool drawn = isfinite(line->y[k]) && !(chart->log_x && line->x[k] <= 0.0) &&
                         !(chart->log_y && line->y[k] <= 0.0);
            if (drawn && line->from < line->n)
                iw_axis_take(&self->x, line->x[k]);
            if (drawn && k >= line->from)
                iw_axis_take(&self->y, line->y[k]);
        }
    }
}

static bool
is_empty(const drawing *self)
{
    return self->x.low > self->x.high || self->y.low > self->y.high;
}

static double
dot_x(const drawing *self, double value)
{
    return iw_axis_at(&self->x, value) * (2.0 * self->place.columns - 1.0);
}

static double
dot_y(const drawing *self, double value)
{
    return (1.0 - iw_axis_at(&self->y, value)) * (4.0 * self->place.rows - 1.0);
}

static void
draw_line(drawing *self, const iw_chart_line *line)
{
    double before_x = NAN, before_y = NAN;
    for (size_t k = 0; k < line->n; k++) {
        double x = dot_x(self, line->x[k]), y = dot_y(self, line->y[k]);
        bool alone = !isfinite(before_x) || !isfinite(before_y);
        iw_canvas_line(&self->canvas, alone ? x : before_x, alone ? y : before_y, x, y,
                       (unsigned char)line->style, line->every);
        before_x = x;
        before_y = y;
    }
}

/* Left of the dots: "0.2 -|". */
static void
draw_y_axis(drawing *self, const iw_tick *ticks, size_t n)
{
    iw_screen *screen = self->screen;
    const iw_rect *place = &self->place;
    for (int row = 0; row < place->rows; row++)
        iw_screen_put(screen, place->row + row, place->column - 1, screen->utf8 ? 0x2502 : L'|',
                      IW_STYLE_FAINT);
    for (size_t t = 0; t < n; t++) {
        int row = (int)lround(dot_y(self, ticks[t].value)) / 4;
        int width = iw_screen_width(screen, ticks[t].text);
        (void)iw_screen_text(screen, place->row + row, place->column - 1 - width, width,
                             IW_STYLE_FAINT, ticks[t].text);
        iw_screen_put(screen, place->row + row, place->column - 1, screen->utf8 ? 0x2524 : L'+',
                      IW_STYLE_FAINT);
    }
}

/* Numbers of a linear or logarithmic axis in one row, with the unit at its end; x of a tick is its
 * value by the factor. */
static void
draw_numbers(drawing *self, int row, const iw_axis *axis, double factor, const char *unit_name)
{
    iw_screen *screen = self->screen;
    const iw_rect *place = &self->place;
    iw_tick ticks[IW_AXIS_TICKS];
    int end = place->column + place->columns;
    char unit[40] = "";
    if (axis->exponent)
        (void)snprintf(unit, sizeof unit, " 1e%d %s", axis->exponent, unit_name);
    else
        (void)snprintf(unit, sizeof unit, " %s", unit_name);
    int room = end - iw_screen_width(screen, unit);
    (void)iw_screen_text(screen, row, room, end - room, IW_STYLE_FAINT, unit);
    size_t n = iw_axis_ticks(axis, (size_t)(place->columns / X_TICK), ticks);
    int free_from = place->column - 3;
    for (size_t t = 0; t < n; t++) {
        int column = place->column + (int)lround(dot_x(self, ticks[t].value / factor)) / 2;
        int width = iw_screen_width(screen, ticks[t].text);
        int at = column - width / 2;
        if (axis == &self->x)
            iw_screen_put(screen, row - 1, column, screen->utf8 ? 0x252c : L'+', IW_STYLE_FAINT);
        if (at < free_from || at + width > room)
            continue;
        (void)iw_screen_text(screen, row, at, width, IW_STYLE_FAINT, ticks[t].text);
        free_from = at + width + 1;
    }
}

static void
draw_x_axis(drawing *self)
{
    iw_screen *screen = self->screen;
    const iw_rect *place = &self->place;
    int row = place->row + place->rows;
    for (int c = -1; c < place->columns; c++)
        iw_screen_put(screen, row, place->column + c,
                      !screen->utf8 ? (c < 0 ? L'+' : L'-') : (c < 0 ? 0x2514 : 0x2500),
                      IW_STYLE_FAINT);
    draw_numbers(self, row + 1, &self->x, 1.0, self->chart->x_unit);
}

static void
draw_other_axis(drawing *self)
{
    iw_axis other;
    iw_axis_init(&other, false);
    iw_axis_take(&other, self->chart->other_factor * self->x.low);
    iw_axis_take(&other, self->chart->other_factor * self->x.high);
    iw_axis_close(&other);
    draw_numbers(self, self->place.row + self->place.rows + 2, &other, self->chart->other_factor,
                 self->chart->other_unit);
}

/* Heading: title, unit of y, note. */
static void
draw_title(const drawing *self, iw_rect place)
{
    char unit[40];
    if (self->y.exponent)
        (void)snprintf(unit, sizeof unit, "1e%d %s", self->y.exponent, self->chart->y_unit);
    else
        (void)snprintf(unit, sizeof unit, "%s", self->chart->y_unit);
    int used =
        iw_screen_print(self->screen, place.row, place.column, place.columns, IW_STYLE_STRONG,
                        "%s%s%s", self->chart->title, *unit ? ", " : "", unit);
    int width = iw_screen_width(self->screen, self->chart->note);
    if (width && used + 2 + width <= place.columns)
        (void)iw_screen_text(self->screen, place.row, place.column + place.columns - width, width,
                             IW_STYLE_FAINT, self->chart->note);
}

static void
draw_dots(drawing *self)
{
    const iw_rect *place = &self->place;
    if (self->y.low < 0.0 && self->y.high > 0.0) {
        double zero = dot_y(self, 0.0);
        iw_canvas_line(&self->canvas, 0.0, zero, 2.0 * place->columns, zero, IW_STYLE_FAINT, 4);
    }
    for (size_t l = 0; l < self->chart->n_lines; l++)
        draw_line(self, &self->chart->lines[l]);
    for (int row = 0; row < place->rows; row++)
        for (int column = 0; column < place->columns; column++) {
            wchar_t glyph = iw_canvas_glyph(&self->canvas, column, row, self->screen->utf8);
            iw_style style = self->canvas.pens[row * place->columns + column];
            if (glyph)
                iw_screen_put(self->screen, place->row + row, place->column + column, glyph, style);
        }
}

iw_status
iw_chart_draw(const iw_chart *self, iw_screen *screen, iw_rect place, iw_error *err)
{
    drawing sheet = {.chart = self, .screen = screen};
    iw_tick ticks[IW_AXIS_TICKS];
    int label = 0;
    measure(&sheet);
    bool empty = is_empty(&sheet);
    iw_axis_close(&sheet.x);
    iw_axis_close(&sheet.y);
    draw_title(&sheet, place);
    bool other = self->other_unit && place.rows >= ROWS_FOR_OTHER;
    int rows = place.rows - (other ? 4 : 3); /* title, axis, its numbers */
    size_t n = iw_axis_ticks(&sheet.y, rows > 0 ? (size_t)(rows + 2) / 3 : 2, ticks);
    for (size_t t = 0; t < n; t++) {
        int width = iw_screen_width(screen, ticks[t].text);
        label = width > label ? width : label;
    }
    sheet.place = (iw_rect){.row = place.row + 1,
                            .column = place.column + label + 1,
                            .rows = rows,
                            .columns = place.columns - label - 1};
    if (rows < LEAST_ROWS || sheet.place.columns < LEAST_COLUMNS || empty) {
        if (place.rows > 1)
            (void)iw_screen_text(screen, place.row + 1, place.column + 2, place.columns - 2,
                                 IW_STYLE_FAINT, empty ? "not known yet" : "too small");
        return IW_OK;
    }
    if (iw_canvas_init(&sheet.canvas, sheet.place.columns, rows, err) != IW_OK)
        return err->code;
    draw_y_axis(&sheet, ticks, n);
    draw_x_axis(&sheet);
    if (other)
        draw_other_axis(&sheet);
    draw_dots(&sheet);
    iw_canvas_fini(&sheet.canvas);
    return IW_OK;
}
