/* SPDX-License-Identifier: GPL-3.0-or-later */
/* watch_list.c - all runs, a row each: sorted, filtered, with D(t) as a sparkline. */
#include "runs.h"
#include "watch.h"

#include "braille.h"
#include "publish/json.h"
#include "publish/values.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef enum { NAME, STATE, TIME, D, ERROR, MORE, CURVE, HEALTH, CONVERGENCE, T, ID, EVENT } field;

/* In the order of the screen.  A column appears where the screen has so many columns. */
static const struct {
    const char *heading;
    int width, least;
    bool right, text; /* aligned to the right; sorted as text */
} columns[] = {
    [NAME] = {"NAME", 8, 0, false, true},
    [STATE] = {"STATE", 9, 20, false, true},
    [TIME] = {"TIME ps", 8, 50, true, false},
    [D] = {"D cm2/s", 19, 40, false, false},
    [ERROR] = {"ERR/TARGET", 10, 60, true, false},
    [MORE] = {"MORE ps", 7, 70, true, false},
    [CURVE] = {"D(t)", 8, 80, false, false},
    [HEALTH] = {"HEALTH", 8, 96, false, true},
    [CONVERGENCE] = {"CONVERGENCE", 11, 116, false, true},
    [T] = {"T K", 6, 124, true, false},
    [ID] = {"RUN", 8, 134, false, true},
    [EVENT] = {"LAST EVENT", 20, 156, false, true},
};
enum {
    COLUMNS = sizeof columns / sizeof *columns,
    MARK = 2,       /* before the name */
    WIDE = 100,     /* from here on columns stand two apart */
    NAME_MOST = 28, /* a name gets no more than this */
    CURVE_MOST = 24,
    CURVE_POINTS = 64,
    CELL = 512 /* bytes of any column, more than IW_TABLE_CELL */
};

void
iw_watch_list_init(iw_watch_list *self)
{
    *self = (iw_watch_list){.order = -1};
}

void
iw_watch_list_fini(iw_watch_list *self)
{
    free(self->rows);
    *self = (iw_watch_list){0};
}

iw_style
iw_watch_health_style(const char *state)
{
    if (strcmp(state, "broken") == 0)
        return IW_STYLE_BAD;
    if (strcmp(state, "good") == 0)
        return IW_STYLE_GOOD;
    return *state && strcmp(state, "unknown") != 0 ? IW_STYLE_WARNING : IW_STYLE_FAINT;
}

static iw_style
state_style(const char *state)
{
    if (strcmp(state, "running") == 0)
        return IW_STYLE_GOOD;
    return iw_run_has_ended(state) ? IW_STYLE_FAINT : IW_STYLE_WARNING;
}

/* ---- choosing and sorting ---- */

static bool
is_wanted(const iw_watch_list *self, const json_t *run)
{
    static const char *const keys[] = {"name", "id", "state", "material", "code", "convergence"};
    if (!*self->filter)
        return true;
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        if (strcasestr(iw_text_at(run, keys[k]), self->filter))
            return true;
    return false;
}

static const char *
text_of(const json_t *run, field which)
{
    static const char *const keys[COLUMNS] = {[NAME] = "name",
                                              [STATE] = "state",
                                              [HEALTH] = "health",
                                              [CONVERGENCE] = "convergence",
                                              [ID] = "id"};
    if (which == EVENT)
        return iw_text_at(json_object_get(run, "events"), "last");
    return keys[which] ? iw_text_at(run, keys[which]) : "";
}

static double
number_of(const json_t *run, field which)
{
    iw_run_line line;
    iw_run_line_read(run, &line);
    switch (which) {
    case TIME:
        return iw_number_of(line.time_ps);
    case D:
    case CURVE:
        return iw_number_of(line.D_cm2_s);
    case ERROR:
        return iw_number_of(line.relative_error);
    case MORE:
        return iw_number_of(line.predicted_ps);
    case T:
        return iw_number_of(line.temperature_K);
    default:
        return (double)NAN;
    }
}

/* Numbers that are not known come last, whichever way; runs that are equal keep their order. */
static int
compare(const void *left, const void *right, void *list)
{
    const iw_watch_row *a = left, *b = right;
    const iw_watch_list *self = list;
    int order = 0;
    if (self->order >= 0 && columns[self->order].text)
        order = strcasecmp(a->text, b->text);
    else if (isnan(a->number) || isnan(b->number))
        return isnan(a->number) != isnan(b->number) ? isnan(a->number) - isnan(b->number)
                                                    : (a->place > b->place) - (a->place < b->place);
    else
        order = (a->number > b->number) - (a->number < b->number);
    if (self->reversed)
        order = -order;
    return order ? order : (a->place > b->place) - (a->place < b->place);
}

static void
sort_rows(iw_watch_list *self)
{
    for (size_t i = 0; i < self->n_rows; i++) {
        iw_watch_row *row = &self->rows[i];
        row->place = i;
        row->number = self->order < 0 ? (double)i : number_of(row->run, (field)self->order);
        row->text = self->order < 0 ? "" : text_of(row->run, (field)self->order);
    }
    if (self->n_rows > 1)
        qsort_r(self->rows, self->n_rows, sizeof *self->rows, compare, self);
}

/* The row under the cursor; 0 where it has gone. */
static size_t
cursor_of(const iw_watch_list *self)
{
    for (size_t i = 0; i < self->n_rows; i++)
        if (strcmp(iw_text_at(self->rows[i].run, "id"), self->selected) == 0)
            return i;
    return 0;
}

static void
select_row(iw_watch_list *self, size_t row)
{
    if (self->n_rows == 0)
        return;
    row = row < self->n_rows ? row : self->n_rows - 1;
    (void)snprintf(self->selected, sizeof self->selected, "%s",
                   iw_text_at(self->rows[row].run, "id"));
}

iw_status
iw_watch_list_take(iw_watch_list *self, const json_t *runs, iw_error *err)
{
    size_t i, n = json_array_size(runs);
    json_t *run;
    self->n_rows = 0;
    if (n > self->capacity) {
        iw_watch_row *rows = realloc(self->rows, n * sizeof *rows);
        if (!rows)
            return iw_fail(err, IW_NO_MEMORY, "no memory for %zu runs", n);
        self->rows = rows;
        self->capacity = n;
    }
    json_array_foreach((json_t *)(uintptr_t)runs, i, run)
    {
        if (is_wanted(self, run))
            self->rows[self->n_rows++].run = run;
    }
    sort_rows(self);
    select_row(self, cursor_of(self));
    return IW_OK;
}

const json_t *
iw_watch_list_selected(const iw_watch_list *self)
{
    return self->n_rows ? self->rows[cursor_of(self)].run : NULL;
}

const char *
iw_watch_list_order(const iw_watch_list *self)
{
    return self->order < 0 ? "" : columns[self->order].heading;
}

/* ---- keys ---- */

/* Where the last character of the first n bytes begins. */
static size_t
character_before(const char *text, size_t n)
{
    for (n--; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80; n--)
        continue;
    return n;
}

static void
type_filter(iw_watch_list *self, int key)
{
    size_t n = strlen(self->filter);
    if (key == IW_KEY_ENTER || key == IW_KEY_ESCAPE || key == IW_KEY_UP || key == IW_KEY_DOWN)
        self->typing = false;
    if (key == IW_KEY_ESCAPE)
        self->filter[0] = '\0';
    else if (key == IW_KEY_BACKSPACE && n > 0)
        self->filter[character_before(self->filter, n)] = '\0';
    else if (key >= 0x20 && key < 0x80 && n + 1 < sizeof self->filter)
        self->filter[n] = (char)key;
    else if (key >= 0x80 && key < 0x800 && n + 2 < sizeof self->filter) {
        self->filter[n] = (char)(0xc0 | key >> 6);
        self->filter[n + 1] = (char)(0x80 | (key & 0x3f));
    } else if (key >= 0x800 && key < 0x10000 && n + 3 < sizeof self->filter) {
        self->filter[n] = (char)(0xe0 | key >> 12);
        self->filter[n + 1] = (char)(0x80 | (key >> 6 & 0x3f));
        self->filter[n + 2] = (char)(0x80 | (key & 0x3f));
    }
}

static bool
move_cursor(iw_watch_list *self, int key)
{
    size_t at = cursor_of(self), page = self->page > 1 ? (size_t)self->page - 1 : 1;
    switch (key) {
    case IW_KEY_UP:
    case 'k':
        at = at > 0 ? at - 1 : 0;
        break;
    case IW_KEY_DOWN:
    case 'j':
        at++;
        break;
    case IW_KEY_PAGE_UP:
        at = at > page ? at - page : 0;
        break;
    case IW_KEY_PAGE_DOWN:
    case ' ':
        at += page;
        break;
    case IW_KEY_HOME:
    case 'g':
        at = 0;
        break;
    case IW_KEY_END:
    case 'G':
        at = self->n_rows;
        break;
    default:
        return false;
    }
    select_row(self, at);
    return true;
}

bool
iw_watch_list_key(iw_watch_list *self, int key)
{
    if (self->typing) {
        type_filter(self, key);
        if (key != IW_KEY_UP && key != IW_KEY_DOWN)
            return true;
    }
    switch (key) {
    case '/':
        self->typing = true;
        return true;
    case IW_KEY_ESCAPE:
        self->filter[0] = '\0';
        return true;
    case '<':
    case ',':
    case IW_KEY_LEFT:
        self->order = self->order < 0 ? COLUMNS - 1 : self->order - 1;
        return true;
    case '>':
    case '.':
    case IW_KEY_RIGHT:
        self->order = self->order + 1 < COLUMNS ? self->order + 1 : -1;
        return true;
    case 'r':
        self->reversed = !self->reversed;
        return true;
    default:
        return move_cursor(self, key);
    }
}

/* ---- drawing ---- */

typedef struct {
    int at[COLUMNS], width[COLUMNS]; /* width 0: not shown */
} layout;

/* Names, curve and last event share what the others leave. */
static layout
lay_out(int available, bool utf8)
{
    layout self = {0};
    int gap = available >= WIDE ? 2 : 1, left = available - MARK, at = MARK;
    for (int c = 0; c < COLUMNS; c++)
        if (available >= columns[c].least) {
            self.width[c] = columns[c].width + (c == D && !utf8); /* "+-" */
            left -= self.width[c] + (c ? gap : 0);
        }
    static const struct {
        field which;
        int most;
    } grow[] = {{NAME, 16}, {CURVE, 16}, {NAME, NAME_MOST}, {CURVE, CURVE_MOST}, {EVENT, 1000}};
    for (size_t g = 0; g < sizeof grow / sizeof *grow; g++) {
        int *width = &self.width[grow[g].which], more = grow[g].most - *width;
        more = more < left ? more : left;
        if (*width && more > 0) {
            *width += more;
            left -= more;
        }
    }
    if (left < 0)
        self.width[NAME] += left; /* a very narrow screen */
    for (int c = 0; c < COLUMNS; c++) {
        self.at[c] = at;
        at += self.width[c] ? self.width[c] + gap : 0;
    }
    return self;
}

static void
error_cell(char cell[CELL], const json_t *run)
{
    double error = number_of(run, ERROR), target = iw_number_at(run, "target");
    if (!isfinite(error))
        (void)snprintf(cell, CELL, "-");
    else if (isfinite(target))
        (void)snprintf(cell, CELL, "%.1f/%.3g %%", 100.0 * error, 100.0 * target);
    else
        (void)snprintf(cell, CELL, "%.1f %%", 100.0 * error);
}

static void
cell_of(const json_t *run, field which, char cell[CELL])
{
    iw_run_line line;
    iw_run_line_read(run, &line);
    switch (which) {
    case TIME:
        iw_cell_number(cell, line.time_ps, 6);
        break;
    case D:
        iw_cell_value_error(cell, line.D_cm2_s, line.D_stderr_cm2_s);
        break;
    case ERROR:
        error_cell(cell, run);
        break;
    case MORE:
        iw_cell_number(cell, line.predicted_ps, 3);
        break;
    case T:
        iw_cell_number(cell, line.temperature_K, 5);
        break;
    case ID:
        iw_cell_id(cell, line.id);
        break;
    case CURVE:
        cell[0] = '\0';
        break;
    default:
        (void)snprintf(cell, CELL, "%s", *text_of(run, which) ? text_of(run, which) : "-");
        iw_printable(cell);
    }
}

static iw_style
style_of(const json_t *run, field which)
{
    double error = number_of(run, ERROR), target = iw_number_at(run, "target");
    switch (which) {
    case NAME:
        return IW_STYLE_STRONG;
    case STATE:
        return state_style(text_of(run, STATE));
    case ERROR:
        return error <= target ? IW_STYLE_GOOD : IW_STYLE_PLAIN;
    case HEALTH:
        return iw_watch_health_style(text_of(run, HEALTH));
    case CURVE:
        return IW_STYLE_CURVE;
    case EVENT:
        return IW_STYLE_FAINT;
    default:
        return IW_STYLE_PLAIN;
    }
}

static void
draw_curve(iw_screen *screen, int row, int column, int width, iw_style style, const json_t *run)
{
    const json_t *D_cm2_s = json_object_get(json_object_get(run, "history"), "D_cm2_s");
    double values[CURVE_POINTS];
    wchar_t text[CURVE_MOST];
    size_t n = json_array_size(D_cm2_s);
    size_t from = n > CURVE_POINTS ? n - CURVE_POINTS : 0;
    for (size_t k = from; k < n; k++)
        values[k - from] = iw_number_of(json_array_get(D_cm2_s, k));
    iw_sparkline(values, n - from, width, screen->utf8, text);
    for (int c = 0; c < width; c++)
        iw_screen_put(screen, row, column + c, text[c], style);
}

/* What is worst about a run, in one character before its name. */
static void
draw_mark(iw_screen *screen, int row, int column, bool selected, const json_t *run)
{
    iw_style health = iw_watch_health_style(text_of(run, HEALTH));
    iw_style style = state_style(text_of(run, STATE));
    wchar_t mark = screen->utf8 ? 0x25cf : L'*';
    if (health == IW_STYLE_BAD || health == IW_STYLE_WARNING) {
        style = health;
        mark = L'!';
    } else if (style == IW_STYLE_FAINT) {
        mark = screen->utf8 ? 0x25cb : L'o';
    }
    iw_screen_put(screen, row, column, mark, selected ? IW_STYLE_SELECTED : style);
}

static void
draw_row(const layout *where, iw_screen *screen, iw_rect place, const json_t *run, bool selected)
{
    if (selected)
        iw_screen_fill(screen, place.row, place.column, place.columns, IW_STYLE_SELECTED);
    draw_mark(screen, place.row, place.column, selected, run);
    for (int c = 0; c < COLUMNS; c++) {
        char cell[CELL];
        int width = where->width[c], at = place.column + where->at[c];
        iw_style style = selected ? IW_STYLE_SELECTED : style_of(run, (field)c);
        if (width <= 0)
            continue;
        cell_of(run, (field)c, cell);
        int pad = columns[c].right ? width - iw_screen_width(screen, cell) : 0;
        if (c == CURVE)
            draw_curve(screen, place.row, at, width, style, run);
        else
            (void)iw_screen_text(screen, place.row, at + (pad > 0 ? pad : 0), width, style, cell);
    }
}

static void
draw_heading(const iw_watch_list *self, const layout *where, iw_screen *screen, iw_rect place)
{
    for (int c = 0; c < COLUMNS; c++) {
        int width = where->width[c];
        char text[32];
        if (width <= 0)
            continue;
        bool sorted = c == self->order;
        (void)snprintf(text, sizeof text, "%s%s", columns[c].heading,
                       !sorted          ? ""
                       : self->reversed ? "-"
                                        : "+");
        int pad = columns[c].right ? width - iw_screen_width(screen, text) : 0;
        (void)iw_screen_text(screen, place.row, place.column + where->at[c] + (pad > 0 ? pad : 0),
                             width, sorted ? IW_STYLE_STRONG : IW_STYLE_FAINT, text);
    }
}

/* Two lines on the run under the cursor. */
static void
draw_details(iw_screen *screen, iw_rect place, const json_t *run)
{
    iw_run_line line;
    char id[IW_TABLE_CELL], T_K[IW_TABLE_CELL], frames[IW_TABLE_CELL], text[600];
    const char *why = iw_text_at(run, "state_reason");
    const json_t *events = json_object_get(run, "events");
    double warnings = iw_number_at(events, "warnings");
    iw_run_line_read(run, &line);
    iw_cell_id(id, line.id);
    iw_cell_number(T_K, line.temperature_K, 5);
    iw_cell_number(frames, line.frames, 6);
    (void)snprintf(text, sizeof text, "%s  %.60s  %.0f atoms at %s K, %s frames  %.60s%s%.60s", id,
                   iw_text_at(run, "material"), iw_number_of(line.atoms), T_K, frames,
                   text_of(run, CONVERGENCE), *text_of(run, HEALTH) ? "; health: " : "",
                   text_of(run, HEALTH));
    iw_printable(text);
    (void)iw_screen_text(screen, place.row, place.column, place.columns, IW_STYLE_PLAIN, text);
    (void)snprintf(text, sizeof text, "%.0f warning%s%s%.500s", warnings, warnings == 1 ? "" : "s",
                   *text_of(run, EVENT) ? "; last event: " : "", text_of(run, EVENT));
    if (*why)
        (void)snprintf(text, sizeof text, "%.500s", why);
    else if (!isfinite(warnings))
        text[0] = '\0';
    iw_printable(text);
    (void)iw_screen_text(screen, place.row + 1, place.column, place.columns,
                         *why || warnings > 0 ? IW_STYLE_WARNING : IW_STYLE_FAINT, text);
}

void
iw_watch_list_draw(iw_watch_list *self, iw_screen *screen, iw_rect place)
{
    enum { DETAILS = 3, ROWS_FOR_DETAILS = 10 };
    layout where = lay_out(place.columns, screen->utf8);
    int details = place.rows >= ROWS_FOR_DETAILS ? DETAILS : 0;
    size_t cursor = cursor_of(self);
    int rows = place.rows - 1 - details;
    rows = rows < 1 ? 1 : rows;
    size_t page = (size_t)rows;
    self->page = rows;
    if (cursor < self->top)
        self->top = cursor;
    if (cursor >= self->top + page)
        self->top = cursor + 1 - page;
    if (self->top + page > self->n_rows)
        self->top = self->n_rows > page ? self->n_rows - page : 0;
    draw_heading(self, &where, screen, place);
    for (int row = 0; row < rows && self->top + (size_t)row < self->n_rows; row++) {
        size_t at = self->top + (size_t)row;
        iw_rect line = {place.row + 1 + row, place.column, 1, place.columns};
        draw_row(&where, screen, line, self->rows[at].run, at == cursor);
    }
    if (self->n_rows == 0)
        (void)iw_screen_print(
            screen, place.row + 2, place.column + MARK, place.columns - MARK, IW_STYLE_FAINT, "%s",
            *self->filter ? "no run fits the filter; Esc ends it"
                          : "no runs since the daemon started; a shows earlier ones");
    if (details && self->n_rows) {
        iw_rect foot = {place.row + place.rows - 2, place.column + 1, 2, place.columns - 1};
        draw_details(screen, foot, self->rows[cursor].run);
    }
}
