/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runs.h"

#include "publish/json.h"
#include "publish/values.h"

#include <string.h>

const json_t *
iw_runs_of(const json_t *answer)
{
    return json_is_object(answer) ? json_object_get(answer, "runs") : answer;
}

static const json_t *
first_number(const json_t *a, const json_t *b)
{
    return json_is_number(a) ? a : b;
}

void
iw_run_line_read(const json_t *run, iw_run_line *line)
{
    const json_t *about = json_object_get(run, "run"); /* a record */
    if (!json_is_object(about))
        about = run; /* a line of a listing */
    const json_t *groups = json_object_get(run, "groups");
    const json_t *group = json_object_get(groups, "mobile");
    if (!group)
        group = json_object_get(groups, "all");
    const json_t *D = json_object_get(group ? group : run, "D_cm2_s");
    const json_t *convergence = json_object_get(run, "convergence");
    *line = (iw_run_line){
        .id = json_object_get(about, "id"),
        .name = json_object_get(about, "name"),
        .state = json_object_get(about, "state"),
        .code = json_object_get(about, "code"),
        .atoms = json_object_get(about, "atoms"),
        .frames = json_object_get(about, "frames"),
        .time_ps = json_object_get(about, "time_ps"),
        .temperature_K = json_object_get(about, "temperature_K"),
        .D_cm2_s = json_is_object(D) ? json_object_get(D, "value") : D,
        .D_stderr_cm2_s = first_number(json_object_get(D, "stderr"),
                                       first_number(json_object_get(run, "D_stderr_cm2_s"),
                                                    json_object_get(run, "stderr_cm2_s"))),
        .relative_error = first_number(json_object_get(convergence, "relative_error"),
                                       json_object_get(run, "relative_error")),
        .convergence =
            json_is_object(convergence) ? json_object_get(convergence, "state") : convergence,
        .predicted_ps = first_number(json_object_get(convergence, "predicted_ps_to_target"),
                                     json_object_get(run, "predicted_ps_to_target")),
    };
}

static void
relative_cell(char *cell, const iw_run_line *line)
{
    double relative = json_number_value(line->relative_error);
    double D = json_number_value(line->D_cm2_s);
    if (!json_is_number(line->relative_error) && json_is_number(line->D_stderr_cm2_s) && D > 0)
        relative = json_number_value(line->D_stderr_cm2_s) / D;
    if (relative > 0)
        (void)snprintf(cell, IW_TABLE_CELL, "%.1f %%", 100 * relative);
    else
        (void)snprintf(cell, IW_TABLE_CELL, "-");
}

/* Long names are cut, so that D and its error stay within 80 columns. */
static void
name_cell(char *cell, const json_t *name)
{
    enum { CHARACTERS = 16 };
    iw_cell_text(cell, name);
    size_t at = 0, last = 0, characters = 0;
    for (; cell[at]; at++)
        if (((unsigned char)cell[at] & 0xc0) != 0x80 && ++characters == CHARACTERS)
            last = at;
    if (characters > CHARACTERS)
        (void)snprintf(cell + last, IW_TABLE_CELL - last, "~");
}

iw_status
iw_runs_table(const json_t *runs, iw_table *table, iw_error *err)
{
    iw_status status = iw_table_head(
        table, "RUN|NAME|STATE|>FRAMES|>TIME ps|D cm2/s|>ERROR|CONVERGENCE|>MORE ps|>T K", err);
    size_t i;
    json_t *run;
    json_array_foreach((json_t *)(uintptr_t)runs, i, run)
    {
        iw_run_line line;
        if (status == IW_OK)
            status = iw_table_row(table, err);
        if (status)
            return status;
        iw_run_line_read(run, &line);
        iw_cell_id(iw_table_cell(table, 0), line.id);
        name_cell(iw_table_cell(table, 1), line.name);
        iw_cell_text(iw_table_cell(table, 2), line.state);
        iw_cell_number(iw_table_cell(table, 3), line.frames, 6);
        iw_cell_number(iw_table_cell(table, 4), line.time_ps, 6);
        iw_cell_value_error(iw_table_cell(table, 5), line.D_cm2_s, line.D_stderr_cm2_s);
        relative_cell(iw_table_cell(table, 6), &line);
        iw_cell_text(iw_table_cell(table, 7), line.convergence);
        iw_cell_number(iw_table_cell(table, 8), line.predicted_ps, 3);
        iw_cell_number(iw_table_cell(table, 9), line.temperature_K, 5);
    }
    return status;
}

void
iw_runs_reasons(const json_t *runs, FILE *out)
{
    enum { MOST = 5 };
    json_t *counts = json_object();
    size_t i;
    json_t *run, *count;
    const char *text;
    json_array_foreach((json_t *)(uintptr_t)runs, i, run)
    {
        char line[512];
        const char *why = json_string_value(json_object_get(run, "state_reason"));
        if (!why || !*why)
            continue;
        (void)snprintf(line, sizeof line, "%s: %s", iw_text_at(run, "state"), why);
        iw_printable(line);
        json_int_t n = json_integer_value(json_object_get(counts, line));
        (void)json_object_set_new(counts, line, json_integer(n + 1));
    }
    size_t left = json_object_size(counts);
    size_t shown = 0;
    json_object_foreach(counts, text, count)
    {
        if (shown++ == MOST) {
            (void)fprintf(out, "and %zu reasons more\n", left - MOST);
            break;
        }
        json_int_t n = json_integer_value(count);
        (void)fprintf(out, "%s (%lld run%s)\n", text, (long long)n, n == 1 ? "" : "s");
    }
    json_decref(counts);
}
