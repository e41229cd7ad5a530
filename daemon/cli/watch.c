/* SPDX-License-Identifier: GPL-3.0-or-later */
/* watch.c - the command: the view on a terminal, lines elsewhere. */
#include "watch.h"

#include "input.h"
#include "runs.h"

#include <time.h>

static void
clock_text(char text[16])
{
    time_t now = time(NULL);
    struct tm local;
    (void)localtime_r(&now, &local);
    (void)strftime(text, 16, "%H:%M:%S", &local);
}

static void
print_line(const json_t *run)
{
    char now[16], cell[IW_TABLE_CELL];
    iw_run_line line;
    iw_run_line_read(run, &line);
    clock_text(now);
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

/* A line for the run that was named, or for each of the listing; true when the former has ended. */
static bool
print_lines(const json_t *answer, bool one)
{
    iw_run_line line;
    size_t i;
    json_t *run;
    if (one) {
        print_line(answer);
        iw_run_line_read(answer, &line);
        return iw_run_has_ended(json_string_value(line.state));
    }
    json_array_foreach((json_t *)(uintptr_t)iw_runs_of(answer), i, run)
    {
        print_line(run);
    }
    return false;
}

/* answer: the first one; consumed. */
static iw_status
watch_lines(const iw_settings *settings, iw_asker *asker, json_t **answer, iw_error *err)
{
    const char *run = settings->n_operands ? settings->operands[0] : NULL;
    iw_status status = IW_OK;
    for (long n = 1; status == IW_OK && !iw_interrupted(); n++) {
        bool ended = print_lines(*answer, run != NULL);
        (void)fflush(stdout);
        if (ended || (settings->count > 0 && n == settings->count))
            break;
        iw_pause(settings->interval_s);
        json_decref(*answer);
        *answer = NULL;
        status = iw_ask(asker, run ? "show" : "list", run ? run : "", false, answer, err);
    }
    json_decref(*answer);
    *answer = NULL;
    return status;
}

iw_exit
iw_command_watch(const iw_settings *settings)
{
    iw_error err = {0};
    const char *run = settings->n_operands ? settings->operands[0] : NULL;
    json_t *first = NULL;
    iw_asker *asker = iw_asker_new(settings, &err);
    iw_status status = asker ? IW_OK : err.code;
    bool lines = settings->count > 0;
    if (status == IW_OK) /* a view begins with the plots of its run */
        status = iw_ask(asker, run ? "show" : "list", run ? run : "", run && !lines, &first, &err);
    if (status == IW_OK && !lines) {
        status = iw_watch_view(settings, asker, &first, &err);
        lines = status == IW_UNSUPPORTED;
    }
    if (first && lines)
        status = watch_lines(settings, asker, &first, &err);
    iw_asker_destroy(&asker);
    if (status && status != IW_CLOSED)
        return iw_ask_failed(settings, &err);
    return IW_EXIT_OK; /* Ctrl-C is how one leaves */
}
