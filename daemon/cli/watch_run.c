/* SPDX-License-Identifier: GPL-3.0-or-later */
/* watch_run.c - one run: what is known of D, plots, numbers and events. */
#include "runs.h"
#include "watch.h"

#include "publish/json.h"
#include "publish/values.h"
#include "publish/words.h"

#include <stdlib.h>
#include <string.h>

static const char *const panel_names[IW_PANEL_COUNT] = {
    [IW_PANEL_MSD] = "MSD",      [IW_PANEL_D] = "D(t)",        [IW_PANEL_VDOS] = "VDOS",
    [IW_PANEL_VACF] = "VACF",    [IW_PANEL_HEALTH] = "health", [IW_PANEL_NUMBERS] = "numbers",
    [IW_PANEL_EVENTS] = "events"};

const char *
iw_watch_run_group(const iw_watch_run *self, const json_t *record)
{
    json_t *groups = json_object_get(record, "groups");
    if (json_object_get(groups, self->group))
        return self->group;
    return json_object_get(groups, "mobile") ? "mobile" : "all";
}

/* ---- keys ---- */

static void
next_group(iw_watch_run *self, const json_t *record)
{
    json_t *groups = json_object_get(record, "groups");
    const char *now = iw_watch_run_group(self, record);
    void *at = json_object_iter_at(groups, now);
    at = at ? json_object_iter_next(groups, at) : NULL;
    if (!at)
        at = json_object_iter(groups);
    if (at)
        (void)snprintf(self->group, sizeof self->group, "%s", json_object_iter_key(at));
}

static bool
scroll_to(iw_watch_run *self, int line)
{
    if (self->panel != IW_PANEL_NUMBERS && self->panel != IW_PANEL_EVENTS)
        return false;
    line = line > self->scroll_most ? self->scroll_most : line;
    self->scroll = line < 0 ? 0 : line;
    return true;
}

static void
turn_to(iw_watch_run *self, int panel)
{
    self->panel = (iw_watch_panel)((panel + IW_PANEL_COUNT) % IW_PANEL_COUNT);
    self->scroll = 0;
    self->single = true;
}

bool
iw_watch_run_key(iw_watch_run *self, int key, const json_t *record)
{
    if (key >= '1' && key < '1' + IW_PANEL_COUNT) {
        turn_to(self, key - '1');
        return true;
    }
    switch (key) {
    case IW_KEY_TAB:
    case IW_KEY_RIGHT:
        turn_to(self, (int)self->panel + 1);
        return true;
    case IW_KEY_BACK_TAB:
    case IW_KEY_LEFT:
        turn_to(self, (int)self->panel - 1);
        return true;
    case 'g':
        next_group(self, record);
        return true;
    case 'l':
        self->linear = !self->linear;
        return true;
    case 't':
        self->single = !self->single && self->panel < IW_PANEL_NUMBERS;
        self->panel = IW_PANEL_MSD;
        return true;
    case IW_KEY_UP:
    case 'k':
        return scroll_to(self, self->scroll - 1);
    case IW_KEY_DOWN:
    case 'j':
        return scroll_to(self, self->scroll + 1);
    case IW_KEY_PAGE_UP:
        return scroll_to(self, self->scroll - self->page);
    case IW_KEY_PAGE_DOWN:
    case ' ':
        return scroll_to(self, self->scroll + self->page);
    case IW_KEY_HOME:
        return scroll_to(self, 0);
    case IW_KEY_END:
        return scroll_to(self, self->scroll_most);
    default:
        return false;
    }
}

/* ---- what is known of D ---- */

static double
target_of(const json_t *record, const json_t *row)
{
    const json_t *decisions = json_object_get(json_object_get(record, "convergence"), "decisions");
    const json_t *values = json_object_get(json_array_get(decisions, 0), "values");
    double target = iw_number_at(row, "target");
    return isfinite(target) ? target : iw_number_at(values, "target");
}

static void
draw_D(iw_screen *screen, iw_rect place, const json_t *record, const json_t *row)
{
    iw_run_line line;
    char D[IW_TABLE_CELL], text[200] = "";
    iw_run_line_read(record, &line);
    const char *group =
        json_object_get(json_object_get(record, "groups"), "mobile") ? "mobile" : "all";
    const json_t *groups = json_object_get(record, "groups");
    const json_t *interval =
        json_object_get(json_object_get(json_object_get(groups, group), "D_cm2_s"), "ci95");
    double from = iw_number_of(json_array_get(interval, 0));
    double to = iw_number_of(json_array_get(interval, 1));
    double error = iw_number_of(line.relative_error), target = target_of(record, row);
    iw_cell_value_error(D, line.D_cm2_s, line.D_stderr_cm2_s);
    int used = iw_screen_print(screen, place.row, place.column, place.columns, IW_STYLE_STRONG,
                               "D %s cm2/s", D);
    if (isfinite(from) && isfinite(to))
        (void)snprintf(text, sizeof text, "  95 %% %.2e .. %.2e", from, to);
    used += iw_screen_text(screen, place.row, place.column + used, place.columns - used,
                           IW_STYLE_PLAIN, text);
    if (!isfinite(error))
        return;
    (void)snprintf(text, sizeof text, "  error %.1f %%", 100.0 * error);
    if (isfinite(target))
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), " of %.3g %%",
                       100.0 * target);
    (void)iw_screen_text(screen, place.row, place.column + used, place.columns - used,
                         error <= target ? IW_STYLE_GOOD : IW_STYLE_PLAIN, text);
}

static void
draw_length(iw_screen *screen, iw_rect place, const json_t *record)
{
    const json_t *run = json_object_get(record, "run");
    char time_ps[IW_CELL], T_K[IW_CELL], measured_K[IW_CELL], text[IW_LINE] = "";
    iw_line_append(text, "%s ps, %.0f frames of %.0f atoms",
                   iw_cell_general(time_ps, iw_number_at(run, "time_ps"), 6),
                   iw_number_at(run, "frames"), iw_number_at(run, "atoms"));
    if (isfinite(iw_number_at(run, "temperature_K")))
        iw_line_append(text, " at %s K",
                       iw_cell_general(T_K, iw_number_at(run, "temperature_K"), 5));
    if (isfinite(iw_number_at(run, "temperature_measured_K")))
        iw_line_append(text, " (measured %s)",
                       iw_cell_general(measured_K, iw_number_at(run, "temperature_measured_K"), 4));
    if (*iw_text_at(run, "material"))
        iw_line_append(text, "  %s", iw_text_at(run, "material"));
    if (*iw_text_at(run, "code"))
        iw_line_append(text, "  %s", iw_text_at(run, "code"));
    iw_printable(text);
    (void)iw_screen_text(screen, place.row, place.column, place.columns, IW_STYLE_PLAIN, text);
}

static void
draw_verdict(iw_screen *screen, iw_rect place, const json_t *record)
{
    const json_t *convergence = json_object_get(record, "convergence");
    const char *state = iw_text_at(convergence, "state");
    const char *reason = iw_text_at(convergence, "reason");
    double more_ps = iw_number_at(convergence, "predicted_ps_to_target");
    char text[IW_LINE] = "", cell[IW_CELL];
    if (more_ps > 0.0)
        iw_line_append(text, "about %s ps more to the target; ", iw_cell_general(cell, more_ps, 3));
    iw_line_append(text, "%s%s%s", state, *reason ? ": " : "", reason);
    iw_printable(text);
    (void)iw_screen_text(screen, place.row, place.column, place.columns,
                         strcmp(state, "converged") == 0 ? IW_STYLE_GOOD : IW_STYLE_PLAIN, text);
}

static void
draw_condition(iw_screen *screen, iw_rect place, const json_t *record)
{
    const json_t *health = json_object_get(record, "health");
    const json_t *events = json_object_get(record, "events");
    const json_t *last = json_array_get(events, json_array_size(events) - 1);
    const char *state = iw_text_at(health, "state"), *reason = iw_text_at(health, "reason");
    const char *told = iw_text_at(json_object_get(record, "convergence"), "reason");
    char text[IW_LINE];
    (void)snprintf(text, sizeof text, "health: %s", state);
    iw_printable(text);
    int used = iw_screen_text(screen, place.row, place.column, place.columns,
                              iw_watch_health_style(state), text);
    (void)snprintf(text, sizeof text, "; last event: %s", last ? iw_text_at(last, "text") : "none");
    if (iw_watch_health_style(state) != IW_STYLE_GOOD && *reason && strcmp(reason, told) != 0)
        (void)snprintf(text, sizeof text, ": %s", reason);
    iw_printable(text);
    (void)iw_screen_text(screen, place.row, place.column + used, place.columns - used,
                         IW_STYLE_FAINT, text);
}

/* ---- panels ---- */

/* The table of `ionwatch show`, from a line of it on. */
static iw_status
draw_numbers(iw_watch_run *self, iw_screen *screen, iw_rect place, const json_t *record,
             iw_error *err)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    iw_status status = out ? iw_record_print(record, out, err)
                           : iw_fail(err, IW_NO_MEMORY, "no memory for the numbers");
    if (out && fclose(out) != 0 && status == IW_OK)
        status = iw_fail(err, IW_NO_MEMORY, "no memory for the numbers");
    int lines = 0, row = 0;
    for (const char *at = status ? NULL : text; at && *at; at++)
        lines += *at == '\n';
    self->page = place.rows;
    self->scroll_most = lines > place.rows ? lines - place.rows : 0;
    (void)scroll_to(self, self->scroll);
    for (char *at = status ? NULL : text; at && *at && row < self->scroll + place.rows; row++) {
        size_t n = strcspn(at, "\n");
        char *next = at + n + (at[n] == '\n');
        bool heading = n > 0 && *at != ' ';
        at[n] = '\0';
        if (row >= self->scroll)
            (void)iw_screen_text(screen, place.row + row - self->scroll, place.column,
                                 place.columns, heading ? IW_STYLE_STRONG : IW_STYLE_PLAIN, at);
        at = next;
    }
    free(text);
    if (status && status != IW_NO_MEMORY)
        (void)iw_screen_text(screen, place.row, place.column, place.columns, IW_STYLE_BAD,
                             err->text);
    return status == IW_NO_MEMORY ? status : IW_OK;
}

static iw_style
severity_style(const char *severity)
{
    if (strcmp(severity, "fault") == 0)
        return IW_STYLE_BAD;
    return strcmp(severity, "warning") == 0 ? IW_STYLE_WARNING : IW_STYLE_PLAIN;
}

/* One event from this row on, which may lie above the place; returns its rows. */
static int
draw_event(iw_screen *screen, iw_rect place, int row, const json_t *event)
{
    enum { INDENT = 12, MOST = 8 };
    char line[IW_LINE] = "", time_ps[IW_CELL];
    double count = iw_number_at(event, "count");
    iw_style style = severity_style(iw_text_at(event, "severity"));
    (void)iw_cell_general(time_ps, iw_number_at(event, "time_ps"), 5);
    iw_line_append(line, "%s", iw_text_at(event, "id"));
    if (count > 1.0)
        iw_line_append(line, " (%.0f times, first)", count);
    iw_line_append(line, ": %s", iw_text_at(event, "text"));
    iw_printable(line);
    iw_screen scratch = {.utf8 = screen->utf8};
    iw_error err;
    if (iw_screen_clear(&scratch, MOST, place.columns, &err) != IW_OK)
        return 0;
    iw_rect words = {0, INDENT, MOST, place.columns - INDENT};
    (void)iw_screen_print(&scratch, 0, 0, INDENT - 1, IW_STYLE_FAINT, "%*s ps", INDENT - 5,
                          time_ps);
    int rows = iw_screen_paragraph(&scratch, words, 2, style, line);
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < place.columns && row + r >= 0 && row + r < place.rows; c++) {
            const iw_screen_cell *cell = &scratch.cells[r * place.columns + c];
            iw_screen_put(screen, place.row + row + r, place.column + c, cell->glyph,
                          (iw_style)cell->style);
        }
    iw_screen_fini(&scratch);
    return rows;
}

/* The last ones first. */
static void
draw_events(iw_watch_run *self, iw_screen *screen, iw_rect place, const json_t *record)
{
    const json_t *events = json_object_get(record, "events");
    int row = -self->scroll;
    for (size_t e = json_array_size(events); e-- > 0;)
        row += draw_event(screen, place, row, json_array_get(events, e));
    if (json_array_size(events) == 0)
        (void)iw_screen_text(screen, place.row, place.column, place.columns, IW_STYLE_FAINT,
                             "nothing happened yet");
    int lines = row + self->scroll;
    self->page = place.rows;
    self->scroll_most = lines > place.rows ? lines - place.rows : 0;
}

static iw_status
draw_panel(iw_watch_run *self, iw_watch_panel panel, iw_screen *screen, iw_rect place,
           const json_t *record, iw_error *err)
{
    iw_rect inner = {place.row, place.column + 1, place.rows, place.columns - 2};
    if (panel == IW_PANEL_NUMBERS)
        return draw_numbers(self, screen, inner, record, err);
    if (panel == IW_PANEL_EVENTS) {
        draw_events(self, screen, inner, record);
        return IW_OK;
    }
    return iw_watch_chart(self, panel, screen, inner, record, err);
}

/* Four plots, where the screen is large; beside them health and events, where it is wide. */
static iw_status
draw_tiles(iw_watch_run *self, iw_screen *screen, iw_rect place, const json_t *record,
           iw_error *err)
{
    enum { WIDE = 150 };
    int across = place.columns >= WIDE ? 3 : 2, width = place.columns / across;
    int upper = place.rows / 2, lower = place.rows - upper - 1;
    static const iw_watch_panel panels[2][3] = {{IW_PANEL_MSD, IW_PANEL_D, IW_PANEL_HEALTH},
                                                {IW_PANEL_VDOS, IW_PANEL_VACF, IW_PANEL_EVENTS}};
    iw_status status = IW_OK;
    for (int k = 0; k < 2 * across && status == IW_OK; k++) {
        int down = k / across, right = k % across;
        iw_watch_panel panel = panels[down][right];
        iw_rect tile = {place.row + (down ? upper + 1 : 0), place.column + right * width,
                        down ? lower : upper, width};
        if (panel == IW_PANEL_EVENTS) {
            (void)iw_screen_text(screen, tile.row, tile.column + 1, width - 2, IW_STYLE_STRONG,
                                 "events, the last first");
            tile.row++;
            tile.rows--;
        }
        status = draw_panel(self, panel, screen, tile, record, err);
    }
    return status;
}

static void
draw_tabs(const iw_watch_run *self, bool room, bool tiled, iw_screen *screen, iw_rect place,
          const json_t *record)
{
    int used = 1;
    if (room)
        used += iw_screen_text(screen, place.row, place.column + used, place.columns - used,
                               tiled ? IW_STYLE_STRONG : IW_STYLE_FAINT,
                               tiled ? "[t tiles]" : " t tiles ");
    for (int p = 0; p < IW_PANEL_COUNT; p++) {
        bool on = !tiled && p == (int)self->panel;
        used += iw_screen_print(screen, place.row, place.column + used, place.columns - used,
                                on ? IW_STYLE_STRONG : IW_STYLE_FAINT, on ? "[%d %s]" : " %d %s ",
                                p + 1, panel_names[p]);
    }
    (void)iw_screen_print(screen, place.row, place.column + used + 1, place.columns - used - 1,
                          IW_STYLE_FAINT, " group: %s", iw_watch_run_group(self, record));
}

iw_status
iw_watch_run_draw(iw_watch_run *self, iw_screen *screen, iw_rect place, const json_t *record,
                  const json_t *row, iw_error *err)
{
    enum { TILES_COLUMNS = 100, TILES_ROWS = 27, ROWS_FOR_ALL = 18 };
    iw_rect line = {place.row, place.column + 1, 1, place.columns - 2};
    int head = place.rows >= ROWS_FOR_ALL ? 4 : 2;
    bool room = place.columns >= TILES_COLUMNS && place.rows >= TILES_ROWS;
    bool tiled = room && !self->single && self->panel < IW_PANEL_NUMBERS;
    draw_D(screen, line, record, row);
    line.row++;
    draw_length(screen, line, record);
    if (head > 2) {
        line.row++;
        draw_verdict(screen, line, record);
        line.row++;
        draw_condition(screen, line, record);
    }
    iw_rect body = {place.row + head + 1, place.column, place.rows - head - 1, place.columns};
    draw_tabs(self, room, tiled, screen,
              (iw_rect){place.row + head, place.column, 1, place.columns}, record);
    if (tiled)
        return draw_tiles(self, screen, body, record, err);
    return draw_panel(self, self->panel, screen, body, record, err);
}
