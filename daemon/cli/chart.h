/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CLI_CHART_H
#define IW_CLI_CHART_H
/* chart.h - curves with axes and round ticks, drawn with dots into a part of a screen.  Pure. */
#include "screen.h"

typedef struct {
    const double *x, *y; /* [n]; NAN breaks the line */
    size_t n;
    iw_style style;
    int every;   /* 1: a line, 3: dots */
    size_t from; /* points from here on make the range of the y axis; n: none */
} iw_chart_line;

enum { IW_CHART_LINES = 6 };

typedef struct {
    const char *title, *note; /* note: at the right of the title, "" for none */
    const char *x_unit, *y_unit;
    const char *other_unit; /* NULL: none; else x in it is written below, where there is room */
    double other_factor;    /* it times x */
    bool log_x, log_y;
    iw_chart_line lines[IW_CHART_LINES]; /* later ones lie on top */
    size_t n_lines;
} iw_chart;

/* Says so where there is nothing to draw, or no room.  NO_MEMORY. */
iw_status iw_chart_draw(const iw_chart *self, iw_screen *screen, iw_rect place, iw_error *err);

#endif
