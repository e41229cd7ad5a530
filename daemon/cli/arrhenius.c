/* SPDX-License-Identifier: GPL-3.0-or-later */
/* arrhenius.c - E_a of a material from its runs at several temperatures: those in the database and
 * those that are still going at the daemon. */
#include "arrhenius.h"
#include "ask.h"
#include "filing.h"
#include "runs.h"

#include "publish/arrhenius_report.h"
#include "publish/json.h"
#include "publish/values.h"
#include "publish/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const iw_settings *settings;
    iw_store *store; /* NULL: no database */
    iw_asker *asker; /* NULL: no daemon answers */
    json_t *listing; /* the daemon's */
    const char *group;
    double at_K;
} sources;

/* ---- where runs come from ---- */

/* A database that is not there is no failure where a daemon answers, nor the other way round. */
static iw_status
open_sources(sources *self, iw_error *err)
{
    char uri[4096];
    iw_error no_daemon = {0};
    self->asker = iw_asker_new(self->settings, &no_daemon);
    if (self->asker && iw_ask(self->asker, "list", "", false, &self->listing, &no_daemon))
        iw_asker_destroy(&self->asker);
    if (!self->asker && (no_daemon.code != IW_TIMEOUT || self->settings->endpoint))
        iw_complain(self->settings, "without runs that are still going: %s", no_daemon.text);
    iw_status status = iw_db_location(self->settings, uri, sizeof uri, err);
    if (status == IW_OK) {
        self->store = iw_db_open(self->settings, uri, true, err);
        status = self->store ? IW_OK : err->code;
    }
    return self->asker && status == IW_NOT_FOUND && !self->settings->db ? IW_OK : status;
}

static void
close_sources(sources *self)
{
    iw_store_close(&self->store);
    iw_asker_destroy(&self->asker);
    json_decref(self->listing);
}

/* The daemon's runs of a material: those that go on, and ended ones that the database lacks. */
static iw_status
add_live(sources *self, const char *material, const json_t *filed, json_t *runs, iw_error *err)
{
    size_t i;
    json_t *line;
    json_array_foreach((json_t *)(uintptr_t)iw_runs_of(self->listing), i, line)
    {
        const char *id = iw_text_at(line, "id");
        bool ended = iw_run_has_ended(json_string_value(json_object_get(line, "state")));
        if (!iw_row_counts(line, material, filed))
            continue;
        json_t *record = NULL;
        iw_status status = iw_ask(self->asker, "show", id, false, &record, err);
        if (status == IW_NOT_FOUND)
            continue;                      /* removed in this moment */
        if (status == IW_AGAIN && ended) { /* the daemon cannot reach its database now */
            iw_complain(self->settings, "run %s is left out: %s", id, err->text);
            continue;
        }
        if (status)
            return status;
        json_t *run = json_pack("{s:s, s:o}", "source", ended ? "filed" : "live", "record", record);
        if (json_array_append_new(runs, run) != 0)
            return iw_fail(err, IW_NO_MEMORY, "no memory for run %s", id);
    }
    return IW_OK;
}

/* All runs of a material, the live ones first: a run that is both is counted as live. */
static iw_status
runs_of(sources *self, const char *material, json_t **out, iw_error *err)
{
    json_t *filed = NULL, *runs = json_array();
    iw_status status = IW_OK;
    if (self->store)
        status = iw_store_of_material(self->store, material, &filed, err);
    if (status == IW_OK)
        status = add_live(self, material, filed, runs, err);
    if (status == IW_OK && filed && json_array_extend(runs, filed) != 0)
        status = iw_fail(err, IW_NO_MEMORY, "no memory for the runs of %s", material);
    json_decref(filed);
    *out = runs;
    return status;
}

static int
by_alphabet(const void *a, const void *b)
{
    return strcmp(json_string_value(*(json_t *const *)a), json_string_value(*(json_t *const *)b));
}

/* Names from database and daemon, each once, by the alphabet. */
static iw_status
materials(sources *self, json_t **out, iw_error *err)
{
    json_t *all = json_object(), *filed = NULL, *name, *line;
    iw_status status = self->store ? iw_store_materials(self->store, &filed, err) : IW_OK;
    size_t i;
    json_array_foreach(filed, i, name)
    {
        (void)json_object_set(all, json_string_value(name), name);
    }
    json_array_foreach((json_t *)(uintptr_t)iw_runs_of(self->listing), i, line)
    {
        name = json_object_get(line, "material");
        if (json_is_string(name) && *json_string_value(name))
            (void)json_object_set(all, json_string_value(name), name);
    }
    size_t n = 0;
    json_t **sorted = calloc(json_object_size(all) + 1, sizeof(json_t *));
    const char *key;
    json_object_foreach(all, key, name)
    {
        if (sorted)
            sorted[n++] = name;
    }
    *out = json_array();
    if (n > 1)
        qsort(sorted, n, sizeof(json_t *), by_alphabet);
    for (i = 0; i < n; i++)
        (void)json_array_append(*out, sorted[i]);
    free(sorted);
    json_decref(filed);
    json_decref(all);
    return status;
}

static iw_status
report_of(sources *self, const char *material, json_t **report, iw_error *err)
{
    json_t *runs = NULL;
    iw_status status = runs_of(self, material, &runs, err);
    if (status == IW_OK)
        status = iw_arrhenius_report(material, self->group, runs, self->at_K, report, err);
    json_decref(runs);
    return status;
}

/* ---- the list of materials ---- */

static void
energy_cell(char *cell, const json_t *quantity)
{
    const json_t *value = json_object_get(quantity, "value");
    const json_t *error = json_object_get(quantity, "stderr");
    if (json_is_number(value) && json_is_number(error))
        (void)snprintf(cell, IW_TABLE_CELL, "%.3f \302\261 %.3f", json_number_value(value),
                       json_number_value(error));
    else
        (void)snprintf(cell, IW_TABLE_CELL, "-");
}

static void
range_cell(char *cell, const json_t *points)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < json_array_size(points); i++) {
        const json_t *T = json_object_get(json_array_get(points, i), "temperature_K");
        if (json_is_number(T)) {
            low = fmin(low, json_number_value(T));
            high = fmax(high, json_number_value(T));
        }
    }
    if (low < high)
        (void)snprintf(cell, IW_TABLE_CELL, "%.5g .. %.5g", low, high);
    else
        (void)snprintf(cell, IW_TABLE_CELL, low <= high ? "%.5g" : "-", low);
}

static iw_status
add_material(iw_table *table, const json_t *report, iw_error *err)
{
    const json_t *points = json_object_get(report, "points"), *fit = json_object_get(report, "fit");
    iw_status status = iw_table_row(table, err);
    if (status)
        return status;
    size_t live = 0;
    for (size_t i = 0; i < json_array_size(points); i++)
        live += strcmp(iw_text_at(json_array_get(points, i), "source"), "live") == 0;
    iw_cell_text(iw_table_cell(table, 0), json_object_get(report, "material"));
    (void)snprintf(iw_table_cell(table, 1), IW_TABLE_CELL, "%zu", json_array_size(points));
    (void)snprintf(iw_table_cell(table, 2), IW_TABLE_CELL, "%zu", live);
    range_cell(iw_table_cell(table, 3), points);
    const json_t *D = json_object_get(fit, "D_cm2_s");
    energy_cell(iw_table_cell(table, 4), json_object_get(fit, "E_a_eV"));
    iw_cell_value_error(iw_table_cell(table, 5), json_object_get(D, "value"),
                        json_object_get(D, "stderr"));
    return IW_OK;
}

static iw_status
list_materials(sources *self, iw_error *err)
{
    json_t *names = NULL, *reports = json_array(), *name;
    iw_table table = {0};
    char headings[100];
    (void)snprintf(headings, sizeof headings, "MATERIAL|>RUNS|>LIVE|T K|E_a eV|D(%.5g K) cm2/s",
                   self->at_K);
    iw_status status = materials(self, &names, err);
    if (status == IW_OK)
        status = iw_table_head(&table, headings, err);
    size_t i;
    json_array_foreach(names, i, name)
    {
        json_t *report = NULL;
        if (status == IW_OK && !iw_interrupted())
            status = report_of(self, json_string_value(name), &report, err);
        if (report && status == IW_OK)
            status = add_material(&table, report, err);
        if (report)
            (void)json_array_append_new(reports, report);
    }
    if (status == IW_OK && self->settings->json)
        (void)iw_print_json(self->settings, reports, false);
    else if (status == IW_OK && json_array_size(reports) == 0)
        iw_complain(self->settings, "there are no runs yet");
    else if (status == IW_OK)
        iw_table_print(&table, stdout);
    iw_table_fini(&table);
    json_decref(reports);
    json_decref(names);
    return status;
}

/* ---- one material ---- */

static iw_status
point_table(const json_t *points, iw_table *table, iw_error *err)
{
    iw_status status = iw_table_head(table, "RUN|NAME|>T K|D cm2/s|>RESIDUAL|STATE", err);
    size_t i;
    json_t *point;
    json_array_foreach((json_t *)(uintptr_t)points, i, point)
    {
        if (status == IW_OK)
            status = iw_table_row(table, err);
        if (status)
            return status;
        const json_t *D = json_object_get(point, "D_cm2_s");
        const json_t *residual = json_object_get(point, "residual_sigma");
        iw_cell_id(iw_table_cell(table, 0), json_object_get(point, "run"));
        iw_cell_text(iw_table_cell(table, 1), json_object_get(point, "name"));
        iw_cell_number(iw_table_cell(table, 2), json_object_get(point, "temperature_K"), 5);
        iw_cell_value_error(iw_table_cell(table, 3), json_object_get(D, "value"),
                            json_object_get(D, "stderr"));
        if (json_is_number(residual))
            (void)snprintf(iw_table_cell(table, 4), IW_TABLE_CELL, "%+.1f",
                           json_number_value(residual));
        else
            (void)snprintf(iw_table_cell(table, 4), IW_TABLE_CELL, "%s",
                           json_is_true(json_object_get(point, "used")) ? "-" : "left out");
        char *cell = iw_table_cell(table, 5);
        (void)snprintf(cell, IW_TABLE_CELL, "%s, %.40s", iw_text_at(point, "source"),
                       iw_text_at(point, "state"));
        iw_printable(cell);
    }
    return status;
}

static double
end_of(const json_t *object, const char *key, size_t end)
{
    return iw_number_of(json_array_get(json_object_get(object, key), end));
}

static void
print_fit(const json_t *fit)
{
    const json_t *E_a = json_object_get(fit, "E_a_eV"), *ln_D0 = json_object_get(fit, "ln_D0");
    const json_t *D = json_object_get(fit, "D_cm2_s");
    char label[40];
    (void)snprintf(label, sizeof label, "D(%.5g K)", iw_number_at(D, "temperature_K"));
    (void)printf("\n%-10s %.3f \302\261 %.3f eV, 95 %%: %.3f .. %.3f eV\n", "E_a",
                 iw_number_at(E_a, "value"), iw_number_at(E_a, "stderr"), end_of(E_a, "ci95", 0),
                 end_of(E_a, "ci95", 1));
    (void)printf("%-10s %.2e \302\261 %.1e cm2/s, 95 %%: %.2e .. %.2e cm2/s\n", label,
                 iw_number_at(D, "value"), iw_number_at(D, "stderr"), end_of(D, "ci95", 0),
                 end_of(D, "ci95", 1));
    (void)printf("%-10s %.2e cm2/s, ln D0 %.2f \302\261 %.2f\n", "D0",
                 iw_number_at(fit, "D0_cm2_s"), iw_number_at(ln_D0, "value"),
                 iw_number_at(ln_D0, "stderr"));
    if (isfinite(iw_number_at(fit, "p_value")))
        (void)printf("%-10s %.3g for %.0f degree%s of freedom, p %.2g\n", "chi2",
                     iw_number_at(fit, "chi2"), iw_number_at(fit, "degrees_of_freedom"),
                     iw_number_at(fit, "degrees_of_freedom") > 1 ? "s" : "",
                     iw_number_at(fit, "p_value"));
    if (isfinite(end_of(fit, "E_a_without_one_eV", 0)))
        (void)printf("%-10s %.3f .. %.3f eV when any one run is left out\n", "E_a",
                     end_of(fit, "E_a_without_one_eV", 0), end_of(fit, "E_a_without_one_eV", 1));
}

/* Names of runs are among the words. */
static void
paragraph(const char *label, const char *words)
{
    char line[IW_LINE];
    (void)snprintf(line, sizeof line, "%s", words);
    iw_printable(line);
    int indent = printf("%s ", label);
    iw_line_paragraph(stdout, indent, line);
}

static iw_status
print_report(const json_t *report, iw_error *err)
{
    const json_t *points = json_object_get(report, "points"), *fit = json_object_get(report, "fit");
    iw_table table = {0};
    char line[400];
    iw_status status = point_table(points, &table, err);
    if (status == IW_OK) {
        (void)snprintf(line, sizeof line, "%s, %s", iw_text_at(report, "material"),
                       iw_text_at(report, "group"));
        iw_printable(line);
        (void)printf("%s\n", line);
        iw_table_print(&table, stdout);
    }
    iw_table_fini(&table);
    size_t i;
    json_t *at;
    json_array_foreach((json_t *)(uintptr_t)points, i, at)
    {
        if (status || !*iw_text_at(at, "left_out"))
            continue;
        (void)snprintf(line, sizeof line, "%.8s at %.5g K: %s", iw_text_at(at, "run"),
                       iw_number_at(at, "temperature_K"), iw_text_at(at, "left_out"));
        paragraph("left out:", line);
    }
    if (status == IW_OK && json_is_object(fit))
        print_fit(fit);
    else if (status == IW_OK)
        paragraph("no line:", iw_text_at(report, "reason"));
    json_array_foreach(json_object_get(report, "warnings"), i, at)
    {
        if (status == IW_OK)
            paragraph("warning:", json_string_value(at));
    }
    return status;
}

static iw_status
show_material(sources *self, const char *material, iw_error *err)
{
    json_t *report = NULL;
    iw_status status = report_of(self, material, &report, err);
    if (status == IW_OK && json_array_size(json_object_get(report, "points")) == 0)
        status = iw_fail(err, IW_NOT_FOUND,
                         "there is no run of \"%s\": `ionwatch arrhenius` lists the materials",
                         material);
    else if (status == IW_OK && self->settings->json)
        (void)iw_print_json(self->settings, report, false);
    else if (status == IW_OK)
        status = print_report(report, err);
    json_decref(report);
    return status;
}

static sources
sources_of(const iw_settings *settings)
{
    return (sources){.settings = settings,
                     .group = settings->group ? settings->group : "mobile",
                     .at_K = isnan(settings->at_K) ? IW_ROOM_TEMPERATURE_K : settings->at_K};
}

/* Says what is wrong, and what to do. */
static iw_exit
no_sources(const iw_settings *settings, const iw_error *err)
{
    iw_complain(settings, "%s%s", err->text,
                err->code == IW_NOT_FOUND ? ": name one with --db or $IONWATCH_DB" : "");
    return IW_EXIT_FAILURE;
}

iw_exit
iw_command_arrhenius(const iw_settings *settings)
{
    iw_error err = {0};
    sources self = sources_of(settings);
    iw_status status = open_sources(&self, &err);
    if (status) {
        close_sources(&self);
        return no_sources(settings, &err);
    }
    status = settings->n_operands ? show_material(&self, settings->operands[0], &err)
                                  : list_materials(&self, &err);
    close_sources(&self);
    if (status)
        return iw_ask_failed(settings, &err); /* the daemon's failures, and the others */
    return iw_interrupted() ? IW_EXIT_INTERRUPTED : IW_EXIT_OK;
}

iw_exit
iw_arrhenius_of_material(const iw_settings *settings, const char *material, json_t **report)
{
    iw_error err = {0};
    sources self = sources_of(settings);
    *report = NULL;
    iw_status status = open_sources(&self, &err);
    iw_exit result = status ? no_sources(settings, &err) : IW_EXIT_OK;
    if (status == IW_OK && report_of(&self, material, report, &err))
        result = iw_ask_failed(settings, &err);
    close_sources(&self);
    return result;
}
