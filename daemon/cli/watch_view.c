/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * watch_view.c - the loop of the terminal view: keys, questions to the daemon, drawing.
 *
 * One question is under way at a time and nobody waits for its answer: keys are taken meanwhile.
 * What was last known stays on the screen while the daemon is away, with how old it is.
 */
#include "input.h"
#include "runs.h"
#include "terminal.h"
#include "watch.h"

#include "publish/json.h"
#include "publish/values.h"

#include <math.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Answers older than this, in intervals and in seconds, are said to be old. */
static const double late_intervals = 2.0, late_s = 2.0;
static const double clock_s = 1.0;    /* the screen is drawn so often though nothing came */
static const double message_s = 10.0; /* an answer to a key stays so long */
static const double retry_s = 2.0;    /* a daemon that is away is asked again at least so often */

typedef enum { NOTHING, ALL_RUNS, ONE_RUN, STOP } question;

typedef struct {
    const iw_settings *settings;
    iw_asker *asker;
    iw_screen screen;
    json_t *listing, *record; /* what was last answered */
    bool opened;              /* one run is on the screen */
    char run[IW_WATCH_WORDS]; /* its id */
    iw_watch_list list;
    iw_watch_run one;

    question asked; /* under way */
    bool all;       /* with runs of former daemons */
    char asked_run[IW_WATCH_WORDS];
    double asked_s, due_s, answered_s;
    iw_error trouble;                   /* why the last question has no answer */
    char to_stop[IW_WATCH_WORDS];       /* the run that the user wants to stop */
    enum { QUIET, CONFIRM, SEND } stop; /* waits for yes; to be asked next */
    char message[IW_ERROR_TEXT];
    bool message_bad, help, leave;
    double message_until_s;
} view;

static void
say(view *self, bool bad, const char *text)
{
    (void)snprintf(self->message, sizeof self->message, "%s", text);
    iw_printable(self->message);
    self->message_bad = bad;
    self->message_until_s = iw_clock_s() + message_s;
}

/* ---- questions and answers ---- */

static const json_t *
row_of(const view *self, const char *id)
{
    size_t i;
    json_t *run;
    json_array_foreach((json_t *)(uintptr_t)iw_runs_of(self->listing), i, run)
    {
        if (strcmp(iw_text_at(run, "id"), id) == 0)
            return run;
    }
    return NULL;
}

/* What is to be known next: the row of a run that was named tells its target. */
static question
next_question(const view *self)
{
    if (self->stop == SEND)
        return STOP;
    return self->opened && self->listing ? ONE_RUN : ALL_RUNS;
}

static void
ask(view *self)
{
    iw_error err = {0};
    iw_status status = IW_OK;
    question next = next_question(self);
    const char *run = next == STOP ? self->to_stop : self->run;
    self->asked_s = iw_clock_s();
    self->due_s = self->asked_s + self->settings->interval_s;
    if (next == ALL_RUNS)
        status = iw_ask_begin(self->asker, "list", "", self->all || self->opened, &err);
    else
        status = iw_ask_begin(self->asker, next == STOP ? "stop" : "show", run, true, &err);
    if (next == STOP)
        self->stop = QUIET;
    if (status) {
        self->trouble = err;
        self->due_s = fmin(self->due_s, self->asked_s + retry_s);
        if (next == STOP)
            say(self, true, err.text);
        return;
    }
    self->asked = next;
    (void)snprintf(self->asked_run, sizeof self->asked_run, "%s", run);
}

static iw_status
take_listing(view *self, json_t **answer, iw_error *err)
{
    bool first = !self->listing;
    json_decref(self->listing);
    self->listing = *answer;
    *answer = NULL;
    if (self->opened && first)
        self->due_s = 0.0; /* the run itself comes next */
    return iw_watch_list_take(&self->list, iw_runs_of(self->listing), err);
}

/* An answer is here, or there will be none. */
static iw_status
take_answer(view *self, iw_status status, json_t **answer, iw_error *err)
{
    question asked = self->asked;
    self->asked = NOTHING;
    if (asked == STOP) {
        say(self, status != IW_OK, status ? err->text : iw_asker_text(self->asker));
        self->due_s = 0.0;
        return IW_OK;
    }
    self->trouble = status ? *err : (iw_error){0};
    if (status) {
        self->due_s = fmin(self->due_s, iw_clock_s() + retry_s);
        return IW_OK;
    }
    self->answered_s = iw_clock_s();
    if (asked == ALL_RUNS)
        return take_listing(self, answer, err);
    if (asked == ONE_RUN && self->opened && strcmp(self->run, self->asked_run) == 0) {
        json_decref(self->record);
        self->record = *answer;
        *answer = NULL;
    }
    return IW_OK;
}

static iw_status
listen(view *self, bool *changed, iw_error *err)
{
    bool over;
    json_t *answer = NULL;
    iw_error said = {0};
    if (self->asked == NOTHING)
        return IW_OK;
    iw_status status = iw_ask_take(self->asker, &over, &answer, &said);
    if (!over)
        return IW_OK;
    *changed = true;
    status = take_answer(self, status, &answer, &said);
    json_decref(answer);
    return status ? iw_fail(err, status, "%s", said.text) : IW_OK;
}

/* ---- drawing ---- */

static void
draw_bar(view *self)
{
    iw_screen *screen = &self->screen;
    char text[300], right[300], clock[16];
    time_t now = time(NULL);
    struct tm local;
    (void)localtime_r(&now, &local);
    (void)strftime(clock, sizeof clock, "%H:%M:%S", &local);
    iw_screen_fill(screen, 0, 0, screen->columns, IW_STYLE_BAR);
    if (self->opened) {
        const json_t *run = json_object_get(self->record, "run");
        const char *name = iw_text_at(run, "name");
        (void)snprintf(text, sizeof text, "%.100s  %.60s", *name ? name : self->run,
                       iw_text_at(run, "state"));
        (void)snprintf(right, sizeof right, "%.8s  %s", self->run, clock);
    } else {
        size_t all = json_array_size(iw_runs_of(self->listing));
        const char *order = iw_watch_list_order(&self->list);
        int n = snprintf(text, sizeof text, "ionwatch  %zu run%s%s%s", all, all == 1 ? "" : "s",
                         *order ? " by " : "", order);
        if (*self->list.filter || self->list.typing)
            (void)snprintf(text + n, sizeof text - (size_t)n, ", %zu with \"%s%s\"",
                           self->list.n_rows, self->list.filter, self->list.typing ? "_" : "");
        (void)snprintf(right, sizeof right, "%s  %s", iw_asker_endpoint(self->asker), clock);
    }
    iw_printable(text);
    int used = 1 + iw_screen_text(screen, 0, 1, screen->columns - 2, IW_STYLE_BAR, text);
    int width = iw_screen_width(screen, right);
    if (used + 2 + width + 1 > screen->columns) {
        (void)snprintf(right, sizeof right, "%s", clock);
        width = iw_screen_width(screen, right);
    }
    if (used + 2 + width + 1 <= screen->columns)
        (void)iw_screen_text(screen, 0, screen->columns - 1 - width, width, IW_STYLE_BAR, right);
}

/* Above the keys: a question to the user, how old all this is, or what came of a key. */
static void
draw_message(const view *self, iw_screen *screen, int row, double now_s)
{
    double age_s = now_s - self->answered_s;
    int width = screen->columns - 2;
    const json_t *about = row_of(self, self->to_stop);
    if (self->stop == CONFIRM)
        (void)iw_screen_print(
            screen, row, 1, width, IW_STYLE_WARNING, "ask %s to end?  y: yes, any other key: no",
            about && *iw_text_at(about, "name") ? iw_text_at(about, "name") : self->to_stop);
    else if (self->trouble.code != IW_OK && self->trouble.code != IW_TIMEOUT)
        (void)iw_screen_print(screen, row, 1, width, IW_STYLE_BAD, "%.0f s old: %s", age_s,
                              self->trouble.text);
    else if (self->trouble.code != IW_OK ||
             age_s > fmax(late_s, late_intervals * self->settings->interval_s))
        (void)iw_screen_print(screen, row, 1, width, IW_STYLE_BAD,
                              "no answer: this is %.0f s old; %s is asked again", age_s,
                              iw_asker_endpoint(self->asker));
    else if (*self->message && now_s < self->message_until_s)
        (void)iw_screen_text(screen, row, 1, width,
                             self->message_bad ? IW_STYLE_BAD : IW_STYLE_GOOD, self->message);
}

static void
draw_help(iw_screen *screen, iw_rect place)
{
    static const struct {
        const char *keys, *text;
    } lines[] = {
        {"all runs", ""},
        {"up down j k", "choose a run; Page, Home and End, too"},
        {"Enter", "open it"},
        {"< >", "sort by the next column; r turns the order round"},
        {"/", "only runs whose name, id, state or material has these letters; Esc: all"},
        {"a", "with runs that had ended before the daemon started"},
        {"one run", ""},
        {"1 to 7, Tab", "MSD, D(t), VDOS, VACF, health, numbers, events"},
        {"t", "all plots at once, from 100 columns and 30 rows on"},
        {"g", "curves of the next group of atoms"},
        {"l", "axes of the MSD: logarithmic or linear"},
        {"q", "back to all runs"},
        {"both", ""},
        {"s", "ask the run to end"},
        {"?", "this page"},
        {"q, Ctrl-C", "leave"},
    };
    for (int k = 0; k < (int)(sizeof lines / sizeof *lines) && k < place.rows; k++) {
        bool heading = !*lines[k].text;
        (void)iw_screen_text(screen, place.row + k, place.column + 1, place.columns - 2,
                             heading ? IW_STYLE_STRONG : IW_STYLE_PLAIN, lines[k].keys);
        (void)iw_screen_text(screen, place.row + k, place.column + 15, place.columns - 16,
                             IW_STYLE_PLAIN, lines[k].text);
    }
}

static void
draw_keys(const view *self, iw_screen *screen, int row)
{
    static const char *const all[] = {("Enter open  / filter  <> sort  r turn  a all  s stop  ? "
                                       "help  q quit"),
                                      "Enter open  / filter  s stop  ? help  q quit",
                                      "? help  q quit"};
    static const char *const one[] = {("1-7 Tab panel  g group  l log/linear  t tiles  s stop  ? "
                                       "help  q back"),
                                      "1-7 panel  g group  s stop  ? help  q back",
                                      "? help  q back"};
    const char *const *lines = self->opened ? one : all;
    int k = 0;
    while (k < 2 && (int)strlen(lines[k]) > screen->columns - 2)
        k++;
    iw_screen_fill(screen, row, 0, screen->columns, IW_STYLE_BAR);
    (void)iw_screen_text(screen, row, 1, screen->columns - 2, IW_STYLE_BAR,
                         self->help ? "any key: back" : lines[k]);
}

static iw_status
draw(view *self, iw_error *err)
{
    enum { LEAST_COLUMNS = 40, LEAST_ROWS = 8 };
    int rows, columns;
    double now_s = iw_clock_s();
    iw_screen *screen = &self->screen;
    iw_terminal_size(&rows, &columns);
    iw_status status = iw_screen_clear(screen, rows, columns, err);
    if (status)
        return status;
    iw_rect body = {1, 0, rows - 3, columns};
    if (rows < LEAST_ROWS || columns < LEAST_COLUMNS) {
        (void)iw_screen_print(screen, 0, 0, columns, IW_STYLE_PLAIN, "%d x %d is too small;",
                              columns, rows);
        (void)iw_screen_print(screen, 1, 0, columns, IW_STYLE_PLAIN, "%d x %d will do",
                              LEAST_COLUMNS, LEAST_ROWS);
        iw_terminal_show(screen);
        return IW_OK;
    }
    draw_bar(self);
    draw_keys(self, screen, rows - 1);
    draw_message(self, screen, rows - 2, now_s);
    if (self->help)
        draw_help(screen, body);
    else if (!self->opened)
        iw_watch_list_draw(&self->list, screen, body);
    else if (self->record)
        status =
            iw_watch_run_draw(&self->one, screen, body, self->record, row_of(self, self->run), err);
    iw_terminal_show(screen);
    return status;
}

/* ---- keys ---- */

static void
open_run(view *self, const char *id)
{
    if (!*id)
        return;
    (void)snprintf(self->run, sizeof self->run, "%s", id);
    json_decref(self->record);
    self->record = NULL;
    self->opened = true;
    self->due_s = 0.0;
}

static void
want_stop(view *self)
{
    const char *id =
        self->opened ? self->run : iw_text_at(iw_watch_list_selected(&self->list), "id");
    const json_t *about =
        self->opened ? json_object_get(self->record, "run") : iw_watch_list_selected(&self->list);
    if (!*id)
        return;
    if (about && iw_run_has_ended(json_string_value(json_object_get(about, "state")))) {
        say(self, true, "this run has ended already");
        return;
    }
    (void)snprintf(self->to_stop, sizeof self->to_stop, "%s", id);
    self->stop = CONFIRM;
}

/* Keys that mean the same everywhere; false: none of them. */
static bool
common_key(view *self, int key)
{
    switch (key) {
    case IW_KEY_INTERRUPT:
        self->leave = true;
        return true;
    case IW_KEY_RESIZE:
        return true;
    case '?':
    case 'h':
        self->help = true;
        return true;
    case 's':
        want_stop(self);
        return true;
    default:
        return false;
    }
}

static iw_status
list_key(view *self, int key, iw_error *err)
{
    if (!self->list.typing && key == IW_KEY_ENTER)
        open_run(self, iw_text_at(iw_watch_list_selected(&self->list), "id"));
    else if (!self->list.typing && key == 'q')
        self->leave = true;
    else if (!self->list.typing && key == 'a') {
        self->all = !self->all;
        self->due_s = 0.0;
    } else if (iw_watch_list_key(&self->list, key)) {
        return iw_watch_list_take(&self->list, iw_runs_of(self->listing), err);
    }
    return IW_OK;
}

static void
run_key(view *self, int key)
{
    if (key == 'q' || key == IW_KEY_ESCAPE || key == IW_KEY_BACKSPACE) {
        self->opened = false;
        self->due_s = 0.0;
    } else {
        (void)iw_watch_run_key(&self->one, key, self->record);
    }
}

static iw_status
take_key(view *self, int key, iw_error *err)
{
    bool typing = !self->opened && self->list.typing;
    if (key == IW_KEY_INTERRUPT || key == IW_KEY_RESIZE) {
        (void)common_key(self, key);
    } else if (self->stop == CONFIRM) {
        self->stop = key == 'y' || key == 'Y' ? SEND : QUIET;
        self->due_s = self->stop == SEND ? 0.0 : self->due_s;
    } else if (self->help) {
        self->help = false;
    } else if (!typing && common_key(self, key)) {
        return IW_OK;
    } else if (self->opened) {
        run_key(self, key);
    } else {
        return list_key(self, key, err);
    }
    return IW_OK;
}

/* All that have been pressed. */
static iw_status
take_keys(view *self, bool *changed, iw_error *err)
{
    iw_status status = IW_OK;
    int key;
    while (status == IW_OK && !self->leave && (key = iw_terminal_key()) != IW_KEY_NONE) {
        status = take_key(self, key, err);
        *changed = true;
    }
    return status;
}

static iw_status
loop(view *self, iw_error *err)
{
    iw_status status = IW_OK;
    double drawn_s = -INFINITY;
    bool changed = true;
    while (status == IW_OK && !self->leave && !iw_interrupted()) {
        double now_s = iw_clock_s();
        if (self->asked == NOTHING && now_s >= self->due_s)
            ask(self);
        if (changed || now_s >= drawn_s + clock_s) {
            status = draw(self, err);
            drawn_s = now_s;
            changed = false;
        }
        double until_s = drawn_s + clock_s;
        if (self->asked == NOTHING)
            until_s = fmin(until_s, self->due_s);
        if (status == IW_OK)
            iw_asker_wait(self->asker, STDIN_FILENO, until_s - iw_clock_s());
        if (status == IW_OK)
            status = take_keys(self, &changed, err);
        if (status == IW_OK)
            status = listen(self, &changed, err);
    }
    return status;
}

iw_status
iw_watch_view(const iw_settings *settings, iw_asker *asker, json_t **first, iw_error *err)
{
    view self = {.settings = settings, .asker = asker};
    if (!iw_terminal_open(&self.screen.utf8))
        return iw_fail(err, IW_UNSUPPORTED, "this terminal cannot place text");
    iw_watch_list_init(&self.list);
    self.answered_s = iw_clock_s();
    iw_status status = IW_OK;
    if (settings->n_operands) {
        open_run(&self, iw_text_at(json_object_get(*first, "run"), "id"));
        self.record = *first;
    } else {
        self.listing = *first;
        status = iw_watch_list_take(&self.list, iw_runs_of(self.listing), err);
    }
    *first = NULL;
    if (status == IW_OK)
        status = loop(&self, err);
    iw_terminal_close();
    iw_watch_list_fini(&self.list);
    iw_screen_fini(&self.screen);
    json_decref(self.listing);
    json_decref(self.record);
    return status;
}
