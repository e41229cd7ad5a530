/* SPDX-License-Identifier: GPL-3.0-or-later */
/* remote.c - ls, show, watch, stop and rm: questions to a running daemon. */
#include "ask.h"
#include "input.h"
#include "runs.h"

#include "publish/json.h"

#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* Asks once; prints the error if there is one. */
static iw_exit
ask_once(const iw_settings *settings, const char *verb, const char *arg, bool flag, json_t **answer)
{
    iw_error err = {0};
    iw_asker *asker = iw_asker_new(settings, &err);
    if (!asker) {
        iw_complain_error(settings, &err);
        return IW_EXIT_FAILURE;
    }
    iw_status status = iw_ask(asker, verb, arg, flag, answer, &err);
    if (status == IW_OK && !answer)
        (void)printf("%s\n", *iw_asker_text(asker) ? iw_asker_text(asker) : "done");
    iw_asker_destroy(&asker);
    return status ? iw_ask_failed(settings, &err) : IW_EXIT_OK;
}

static iw_exit
print_runs(const iw_settings *settings, const json_t *runs)
{
    iw_error err = {0};
    iw_table table = {0};
    iw_status status = iw_runs_table(runs, &table, &err);
    if (status == IW_OK) {
        iw_table_print(&table, stdout, false);
        iw_runs_reasons(runs, stdout);
    } else {
        iw_complain_error(settings, &err);
    }
    iw_table_fini(&table);
    return status ? IW_EXIT_FAILURE : IW_EXIT_OK;
}

iw_exit
iw_command_ls(const iw_settings *settings)
{
    json_t *answer = NULL;
    iw_exit result = ask_once(settings, "list", "", settings->all, &answer);
    if (result)
        return result;
    const json_t *runs = iw_runs_of(answer);
    if (settings->json)
        result = iw_print_json(settings, runs, false);
    else if (json_array_size(runs) == 0)
        iw_complain(settings, "the daemon has no runs%s",
                    settings->all ? "" : " since its start; --all lists earlier ones");
    else
        result = print_runs(settings, runs);
    json_decref(answer);
    return result;
}

iw_exit
iw_command_show(const iw_settings *settings)
{
    json_t *record = NULL;
    iw_error err = {0};
    iw_exit result = ask_once(settings, "show", settings->operands[0], settings->series, &record);
    if (result)
        return result;
    if (settings->json) {
        result = iw_print_json(settings, record, settings->series);
    } else if (iw_record_print(record, stdout, &err)) {
        iw_complain_error(settings, &err);
        result = IW_EXIT_FAILURE;
    } else {
        iw_explain_hint();
    }
    json_decref(record);
    return result;
}

iw_exit
iw_command_stop(const iw_settings *settings)
{
    return ask_once(settings, "stop", settings->operands[0], false, NULL);
}

iw_exit
iw_command_rm(const iw_settings *settings)
{
    return ask_once(settings, "rm", settings->operands[0], false, NULL);
}

/* ---- watch ---- */

typedef struct {
    const iw_settings *settings;
    iw_asker *asker;
    const char *run; /* NULL: all */
    bool terminal;
    size_t lines; /* drawn last time, to go back over */
    bool ended;   /* the watched run will not change any more */
} watcher;

/* The listing, or the record of the one run as a listing of one. */
static iw_status
fetch(watcher *self, json_t **runs, iw_error *err)
{
    json_t *answer = NULL;
    iw_status status = self->run ? iw_ask(self->asker, "show", self->run, false, &answer, err)
                                 : iw_ask(self->asker, "list", "", false, &answer, err);
    if (status)
        return status;
    if (self->run) {
        iw_run_line line;
        iw_run_line_read(answer, &line);
        self->ended = iw_run_has_ended(json_string_value(line.state));
        *runs = json_pack("[o]", answer);
    } else {
        *runs = json_incref((json_t *)(uintptr_t)iw_runs_of(answer));
        json_decref(answer);
    }
    return *runs ? IW_OK : iw_fail(err, IW_PROTOCOL, "the daemon's answer holds no runs");
}

static void
clock_text(char text[16])
{
    time_t now = time(NULL);
    struct tm local;
    (void)localtime_r(&now, &local);
    (void)strftime(text, 16, "%H:%M:%S", &local);
}

/* In place: up over the old table, line by line over it, then wipe what is left below.  Lines that
 * do not fit are cut by the terminal (no wrapping meanwhile), rows that do not fit are counted. */
static void
draw_terminal(watcher *self, iw_table *table)
{
    char now[16];
    struct winsize window;
    size_t rows = table->n_rows, room = rows;
    clock_text(now);
    if (ioctl(1, TIOCGWINSZ, &window) == 0 && window.ws_row > 4)
        room = (size_t)window.ws_row - 3;
    table->n_rows = rows < room ? rows : room;
    if (self->lines)
        (void)printf("\033[%zuA\r", self->lines);
    (void)printf("\033[?7l%s  %s  (Ctrl-C ends)", now, iw_asker_endpoint(self->asker));
    if (rows > room)
        (void)printf("  %zu more: `ionwatch ls`", rows - room);
    (void)printf("\033[K\n");
    iw_table_print(table, stdout, true);
    (void)printf("\033[J\033[?7h");
    self->lines = 1 + table->n_rows;
}

static void
draw_lines(const json_t *runs)
{
    char now[16], cell[IW_TABLE_CELL];
    size_t i;
    json_t *run;
    clock_text(now);
    json_array_foreach((json_t *)(uintptr_t)runs, i, run)
    {
        iw_run_line line;
        iw_run_line_read(run, &line);
        iw_cell_id(cell, line.id);
        (void)printf("%s %s", now, cell);
        iw_cell_text(cell, line.name);
        (void)printf(" %s", cell);
        iw_cell_text(cell, line.state);
        (void)printf(" %s", cell);
        iw_cell_number(cell, line.time_ps, 6);
        (void)printf(" %s ps", cell);
        iw_cell_value_error(cell, line.D_cm2_s, line.D_stderr_cm2_s);
        (void)printf(" D %s cm2/s", cell);
        iw_cell_number(cell, line.relative_error, 3);
        (void)printf(" relative %s", cell);
        iw_cell_text(cell, line.convergence);
        (void)printf(" %s\n", cell);
    }
}

static iw_status
update(watcher *self, iw_error *err)
{
    json_t *runs = NULL;
    iw_status status = fetch(self, &runs, err);
    if (status)
        return status;
    if (self->terminal) {
        iw_table table = {0};
        status = iw_runs_table(runs, &table, err);
        if (status == IW_OK)
            draw_terminal(self, &table);
        iw_table_fini(&table);
    } else {
        draw_lines(runs);
    }
    (void)fflush(stdout);
    json_decref(runs);
    return status;
}

iw_exit
iw_command_watch(const iw_settings *settings)
{
    iw_error err = {0};
    watcher self = {.settings = settings,
                    .run = settings->n_operands ? settings->operands[0] : NULL,
                    .terminal = isatty(1) == 1};
    self.asker = iw_asker_new(settings, &err);
    iw_status status = self.asker ? IW_OK : err.code;
    for (long n = 0; status == IW_OK && !iw_interrupted() && !self.ended; n++) {
        if (n == settings->count && settings->count > 0)
            break;
        if (n > 0)
            iw_pause(settings->interval_s);
        if (!iw_interrupted())
            status = update(&self, &err);
    }
    iw_asker_destroy(&self.asker);
    if (status && status != IW_CLOSED)
        return iw_ask_failed(settings, &err);
    return IW_EXIT_OK; /* Ctrl-C is how one leaves */
}
