/* SPDX-License-Identifier: GPL-3.0-or-later */
/* watch_charts.c - the curves of a record as plots of the terminal view. */
#include "watch.h"

#include "constants.h"
#include "publish/json.h"
#include "publish/values.h"

#include <stdlib.h>
#include <string.h>

/* 1 cm2/s in A2/ps. */
static const double A2_ps_per_cm2_s = 1e4;
/* A spectrum is drawn up to where it stays below this part of its top. */
static const double spectrum_end = 1e-2;

enum { FIT_POINTS = 32, ARRAYS = 8, NOTE = 80 };

/* What one plot holds while it is drawn. */
typedef struct {
    iw_chart chart;
    double *pool; /* [ARRAYS][points] */
    size_t points, n_arrays;
    char title[NOTE], note[NOTE];
    iw_error *err;
} sheet;

/* Makes room for curves of so many points each; NO_MEMORY is in *err, and arrays are NULL then. */
static void
make_room(sheet *self, size_t points)
{
    self->points = points < FIT_POINTS ? FIT_POINTS : points;
    self->pool = calloc(ARRAYS * self->points, sizeof *self->pool);
    if (!self->pool)
        (void)iw_fail(self->err, IW_NO_MEMORY, "no memory for curves of %zu points", points);
}

static double *
new_array(sheet *self)
{
    if (!self->pool || self->n_arrays == ARRAYS)
        return NULL;
    return self->pool + self->points * self->n_arrays++;
}

/* An array of a series, NAN where it is null or ends early; NULL: no memory. */
static double *
column(sheet *self, const json_t *series, const char *key, size_t n)
{
    const json_t *array = json_object_get(series, key);
    double *values = new_array(self);
    for (size_t k = 0; values && k < n; k++)
        values[k] = iw_number_of(json_array_get(array, k));
    return values;
}

static iw_chart_line *
add_line(sheet *self, const double *x, const double *y, size_t n, iw_style style)
{
    iw_chart_line *line = &self->chart.lines[self->chart.n_lines];
    *line = (iw_chart_line){.x = x, .y = y, .n = n, .style = style, .every = 1};
    if (x && y && self->chart.n_lines + 1 < IW_CHART_LINES)
        self->chart.n_lines++;
    return line;
}

/* Dots, which make a range from some point on. */
static void
add_limit(sheet *self, const double *x, const double *y, size_t n, size_t from)
{
    iw_chart_line *line = add_line(self, x, y, n, IW_STYLE_BAND);
    line->every = 3;
    line->from = from;
}

/* The line of D through the window of its fit. */
static void
add_fit(sheet *self, const json_t *group)
{
    const json_t *window = json_object_get(group, "fit_window_ps");
    double from = iw_number_of(json_array_get(window, 0));
    double to = iw_number_of(json_array_get(window, 1));
    double D_cm2_s = iw_number_at(json_object_get(group, "D_cm2_s"), "value");
    double at_zero = iw_number_at(group, "msd_intercept_A2");
    if (!isfinite(from) || !isfinite(to) || !isfinite(D_cm2_s) || !isfinite(at_zero))
        return;
    double *x = new_array(self), *y = new_array(self);
    for (size_t k = 0; x && y && k < FIT_POINTS; k++) {
        x[k] = from + (to - from) * (double)k / (FIT_POINTS - 1);
        y[k] = at_zero + 6.0 * D_cm2_s * A2_ps_per_cm2_s * x[k];
    }
    add_line(self, x, y, FIT_POINTS, IW_STYLE_FIT)->from = FIT_POINTS;
    (void)snprintf(self->note, NOTE, "fit of D %.4g .. %.4g ps", from, to);
}

static void
make_msd(sheet *self, const json_t *group, bool linear)
{
    const json_t *series = json_object_get(group, "msd");
    size_t n = json_array_size(json_object_get(series, "lag_ps"));
    make_room(self, n);
    const double *x = column(self, series, "lag_ps", n);
    const double *y = column(self, series, "msd_A2", n);
    const double *error = column(self, series, "stderr_A2", n);
    double *low = new_array(self), *high = new_array(self);
    self->chart.x_unit = "ps";
    self->chart.y_unit = "A2";
    self->chart.log_x = self->chart.log_y = !linear;
    for (size_t k = 0; y && error && low && high && k < n; k++) {
        low[k] = y[k] - error[k];
        high[k] = y[k] + error[k];
    }
    add_limit(self, x, low, n, n);
    add_limit(self, x, high, n, n);
    add_line(self, x, y, n, IW_STYLE_CURVE);
    add_fit(self, group);
}

/* The first of ascending values that is not below a part of the last one. */
static size_t
first_from(const double *x, size_t n, double part)
{
    size_t k = 0;
    while (x && k + 1 < n && !(x[k] >= part * x[n - 1]))
        k++;
    return k;
}

/* Early values say little and reach far: they make no range, their limits even less. */
static void
make_D(sheet *self, const json_t *record)
{
    static const double early = 0.05, early_limits = 0.25;
    const json_t *series = json_object_get(json_object_get(record, "history"), "diffusion");
    size_t n = json_array_size(json_object_get(series, "time_ps"));
    make_room(self, n);
    const double *x = column(self, series, "time_ps", n);
    size_t limits = first_from(x, n, early_limits);
    self->chart.x_unit = "ps";
    self->chart.y_unit = "cm2/s";
    add_limit(self, x, column(self, series, "lower_cm2_s", n), n, limits);
    add_limit(self, x, column(self, series, "upper_cm2_s", n), n, limits);
    add_line(self, x, column(self, series, "D_cm2_s", n), n, IW_STYLE_CURVE)->from =
        first_from(x, n, early);
    (void)snprintf(self->note, NOTE, "dots: 95 %% interval");
}

static void
make_vdos(sheet *self, const json_t *group)
{
    const json_t *series = json_object_get(group, "vdos");
    size_t n = json_array_size(json_object_get(series, "energy_meV"));
    make_room(self, n);
    const double *x = column(self, series, "energy_meV", n);
    const double *y = column(self, series, "g", n);
    double top = 0.0;
    self->chart.x_unit = "meV";
    self->chart.other_unit = "THz";
    self->chart.other_factor = 1.0 / IW_PLANCK_MEV_PS;
    self->chart.y_unit = "1/meV";
    for (size_t k = 0; y && k < n; k++)
        top = fmax(top, isfinite(y[k]) ? y[k] : 0.0);
    while (y && n > 2 && !(y[n - 2] > spectrum_end * top))
        n--;
    add_line(self, x, y, n, IW_STYLE_CURVE);
}

static void
make_vacf(sheet *self, const json_t *group)
{
    const json_t *series = json_object_get(group, "vacf");
    size_t n = json_array_size(json_object_get(series, "lag_fs"));
    make_room(self, n);
    const double *x = column(self, series, "lag_fs", n);
    double *y = column(self, series, "c", n);
    double first = n && y ? y[0] : NAN;
    self->chart.x_unit = "fs";
    self->chart.y_unit = "";
    for (size_t k = 0; y && k < n; k++)
        y[k] /= first;
    add_line(self, x, y, n, IW_STYLE_CURVE);
    (void)snprintf(self->note, NOTE, "C(t)/C(0)");
}

static iw_status
draw(sheet *self, iw_screen *screen, iw_rect place)
{
    iw_status status = self->err->code;
    self->chart.title = self->title;
    self->chart.note = self->note;
    iw_printable(self->title);
    if (status == IW_OK)
        status = iw_chart_draw(&self->chart, screen, place, self->err);
    free(self->pool);
    return status;
}

/* Strips below each other, of what the run has and the place has room for. */
static iw_status
draw_health(iw_screen *screen, iw_rect place, const json_t *record, iw_error *err)
{
    static const struct {
        const char *key, *title, *unit;
    } traces[] = {{"temperature_K", "temperature", "K"},
                  {"energy_meV_atom", "energy of an atom", "meV"},
                  {"framework_msd_A2", "MSD of the framework", "A2"},
                  {"volume_A3", "volume", "A3"}};
    enum { LEAST = 7, KINDS = sizeof traces / sizeof *traces };
    const json_t *series = json_object_get(json_object_get(record, "history"), "health");
    size_t n = json_array_size(json_object_get(series, "time_ps"));
    int known = 0, drawn = 0;
    for (size_t k = 0; k < KINDS; k++)
        known += json_object_get(series, traces[k].key) != NULL;
    int most = place.rows / LEAST < 1 ? 1 : place.rows / LEAST;
    known = known > most ? most : known;
    iw_status status = IW_OK;
    for (size_t k = 0; k < KINDS && status == IW_OK; k++) {
        if (drawn >= (known ? known : 1) || (known && !json_object_get(series, traces[k].key)))
            continue;
        int strips = known ? known : 1;
        int top = place.rows * drawn / strips, end = place.rows * (drawn + 1) / strips;
        iw_rect strip = {place.row + top, place.column, end - top, place.columns};
        sheet self = {.err = err};
        err->code = IW_OK;
        self.chart.x_unit = "ps";
        self.chart.y_unit = traces[k].unit;
        (void)snprintf(self.title, NOTE, "%s", traces[k].title);
        make_room(&self, n);
        const double *x = column(&self, series, "time_ps", n);
        add_line(&self, x, column(&self, series, traces[k].key, n), n, IW_STYLE_CURVE);
        status = draw(&self, screen, strip);
        drawn++;
    }
    return status;
}

iw_status
iw_watch_chart(const iw_watch_run *view, iw_watch_panel panel, iw_screen *screen, iw_rect place,
               const json_t *record, iw_error *err)
{
    static const char *const titles[IW_PANEL_COUNT] = {
        [IW_PANEL_MSD] = "MSD", [IW_PANEL_VDOS] = "VDOS", [IW_PANEL_VACF] = "VACF"};
    const char *name = iw_watch_run_group(view, record);
    const json_t *group = json_object_get(json_object_get(record, "groups"), name);
    sheet self = {.err = err};
    err->code = IW_OK;
    if (titles[panel])
        (void)snprintf(self.title, NOTE, "%s of %.40s", titles[panel], name);
    else
        (void)snprintf(self.title, NOTE, "D of mobile against time");
    switch (panel) {
    case IW_PANEL_MSD:
        make_msd(&self, group, view->linear);
        break;
    case IW_PANEL_D:
        make_D(&self, record);
        break;
    case IW_PANEL_VDOS:
        make_vdos(&self, group);
        break;
    case IW_PANEL_VACF:
        make_vacf(&self, group);
        break;
    default:
        return draw_health(screen, place, record, err);
    }
    return draw(&self, screen, place);
}
