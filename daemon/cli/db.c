/* SPDX-License-Identifier: GPL-3.0-or-later */
/* db.c - the database commands: ls, show, query, export, rm. */
#include "filing.h"
#include "runs.h"

#include "publish/json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* NULL after a message; *result is then the exit code. */
static iw_store *
open_db(const iw_settings *settings, bool read_only, iw_exit *result)
{
    char uri[4096];
    iw_error err = {0};
    iw_store *store = NULL;
    if (iw_db_location(settings, uri, sizeof uri, &err) == IW_OK)
        store = iw_db_open(settings, uri, read_only, &err);
    *result = store ? IW_EXIT_OK : IW_EXIT_FAILURE;
    if (store)
        return store;
    if (err.code == IW_NOT_FOUND)
        iw_complain(settings,
                    "%s: name one with --db or $IONWATCH_DB; `ionwatch analyze --db` and ionwatchd "
                    "make them",
                    err.text);
    else
        iw_complain_error(settings, &err);
    return NULL;
}

static iw_exit
failed(const iw_settings *settings, const iw_error *err)
{
    iw_complain_error(settings, err);
    return err->code == IW_NOT_FOUND ? IW_EXIT_NOT_FOUND : IW_EXIT_FAILURE;
}

/* Parses the text that a store gave, and frees it. */
static json_t *
take(char *text)
{
    json_t *value = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    free(text);
    return value;
}

iw_exit
iw_command_db_ls(const iw_settings *settings)
{
    iw_exit result;
    iw_error err = {0};
    char *text = NULL;
    iw_store *store = open_db(settings, true, &result);
    if (!store)
        return result;
    iw_status status = iw_store_runs(store, NULL, &text, &err);
    iw_store_close(&store);
    if (status)
        return failed(settings, &err);
    json_t *runs = take(text);
    iw_table table = {0};
    if (settings->json)
        result = iw_print_json(settings, runs, false);
    else if (iw_runs_table(runs, &table, &err) == IW_OK)
        iw_table_print(&table, stdout, false);
    else
        result = failed(settings, &err);
    iw_table_fini(&table);
    json_decref(runs);
    return result;
}

iw_exit
iw_command_db_show(const iw_settings *settings)
{
    iw_exit result;
    iw_error err = {0};
    char *text = NULL;
    iw_store *store = open_db(settings, true, &result);
    if (!store)
        return result;
    iw_status status = iw_store_record(store, settings->operands[0],
                                       settings->series || settings->full, &text, &err);
    iw_store_close(&store);
    if (status)
        return failed(settings, &err);
    json_t *record = take(text);
    if (settings->series && !settings->full && !iw_record_thin(record)) {
        iw_complain(settings, "no memory for the series");
        result = IW_EXIT_FAILURE;
    } else if (settings->json)
        result = iw_print_json(settings, record, settings->series);
    else if (iw_record_print(record, stdout, &err))
        result = failed(settings, &err);
    else
        iw_explain_hint();
    json_decref(record);
    return result;
}

/* ---- descriptors ---- */

static json_t *
query_rows(const iw_settings *settings, iw_exit *result)
{
    iw_error err = {0};
    char *text = NULL;
    iw_store_query query = {
        .run = settings->run, .group = settings->group, .descriptor = settings->descriptor};
    iw_store *store = open_db(settings, true, result);
    if (!store)
        return NULL;
    iw_status status = iw_store_descriptors(store, &query, &text, &err);
    iw_store_close(&store);
    if (status) {
        *result = failed(settings, &err);
        return NULL;
    }
    return take(text);
}

static iw_status
descriptor_table(const json_t *rows, iw_table *table, iw_error *err)
{
    iw_status status =
        iw_table_head(table, "RUN|NAME|GROUP|DESCRIPTOR|METHOD|>VALUE|>STDERR|UNIT", err);
    size_t i;
    json_t *row;
    json_array_foreach((json_t *)(uintptr_t)rows, i, row)
    {
        if (status == IW_OK)
            status = iw_table_row(table, err);
        if (status)
            return status;
        iw_cell_id(iw_table_cell(table, 0), json_object_get(row, "run"));
        iw_cell_text(iw_table_cell(table, 1), json_object_get(row, "name"));
        iw_cell_text(iw_table_cell(table, 2), json_object_get(row, "group"));
        iw_cell_text(iw_table_cell(table, 3), json_object_get(row, "descriptor"));
        iw_cell_text(iw_table_cell(table, 4), json_object_get(row, "method"));
        iw_cell_number(iw_table_cell(table, 5), json_object_get(row, "value"), 6);
        iw_cell_number(iw_table_cell(table, 6), json_object_get(row, "stderr"), 2);
        iw_cell_text(iw_table_cell(table, 7), json_object_get(row, "unit"));
    }
    return status;
}

iw_exit
iw_command_db_query(const iw_settings *settings)
{
    iw_exit result;
    iw_error err = {0};
    json_t *rows = query_rows(settings, &result);
    if (!rows)
        return result;
    iw_table table = {0};
    if (settings->json)
        result = iw_print_json(settings, rows, false);
    else if (json_array_size(rows) == 0)
        iw_complain(settings, "no descriptor fits; `ionwatch db query` without filters lists all");
    else if (descriptor_table(rows, &table, &err) == IW_OK)
        iw_table_print(&table, stdout, false);
    else
        result = failed(settings, &err);
    iw_table_fini(&table);
    json_decref(rows);
    return result;
}

/* RFC 4180: quoted where it must be, quotes doubled.  An unknown number is an empty field. */
static void
csv_field(FILE *out, const json_t *value)
{
    if (json_is_integer(value)) {
        (void)fprintf(out, "%lld", (long long)json_integer_value(value));
    } else if (json_is_real(value)) {
        (void)fprintf(out, "%.17g", json_real_value(value));
    } else if (json_is_string(value)) {
        const char *text = json_string_value(value);
        bool quote = strpbrk(text, ",\"\r\n") != NULL;
        if (quote)
            (void)fputc('"', out);
        for (; *text; text++) {
            if (*text == '"')
                (void)fputc('"', out);
            (void)fputc(*text, out);
        }
        if (quote)
            (void)fputc('"', out);
    }
}

static void
write_csv(FILE *out, const json_t *rows)
{
    static const char *const columns[] = {"run",    "name",     "temperature_K", "group",
                                          "method", "category", "descriptor",    "value",
                                          "stderr", "ci95_lo",  "ci95_hi",       "unit"};
    enum { COLUMNS = sizeof columns / sizeof *columns };
    size_t i;
    json_t *row;
    for (size_t c = 0; c < COLUMNS; c++)
        (void)fprintf(out, "%s%s", columns[c], c + 1 < COLUMNS ? "," : "\r\n");
    json_array_foreach((json_t *)(uintptr_t)rows, i, row)
    {
        for (size_t c = 0; c < COLUMNS; c++) {
            csv_field(out, json_object_get(row, columns[c]));
            (void)fputs(c + 1 < COLUMNS ? "," : "\r\n", out);
        }
    }
}

/* Under a name beside it first: a reader never sees half a file, an old one survives a failure. */
static iw_exit
export_to(const iw_settings *settings, const json_t *rows)
{
    char part[4096];
    FILE *out = stdout;
    if (settings->output) {
        if (snprintf(part, sizeof part, "%s.part", settings->output) >= (int)sizeof part) {
            iw_complain(settings, "%s: the name is too long", settings->output);
            return IW_EXIT_FAILURE;
        }
        out = fopen(part, "w");
        if (!out) {
            iw_complain(settings, "cannot write %s: %m", part);
            return IW_EXIT_FAILURE;
        }
    }
    if (settings->json)
        (void)json_dumpf(rows, out, JSON_INDENT(2));
    else
        write_csv(out, rows);
    if (settings->json)
        (void)fputc('\n', out);
    bool bad = fflush(out) != 0 || ferror(out) != 0;
    if (!settings->output)
        return bad ? IW_EXIT_FAILURE : IW_EXIT_OK;
    bad = fclose(out) != 0 || bad;
    if (bad || rename(part, settings->output) != 0) {
        iw_complain(settings, "cannot write %s: %m", settings->output);
        (void)unlink(part);
        return IW_EXIT_FAILURE;
    }
    return IW_EXIT_OK;
}

iw_exit
iw_command_db_export(const iw_settings *settings)
{
    iw_exit result;
    if (settings->csv && settings->json) {
        iw_complain(settings, "--csv and --json exclude each other");
        return IW_EXIT_USAGE;
    }
    json_t *rows = query_rows(settings, &result);
    if (!rows)
        return result;
    result = export_to(settings, rows);
    if (settings->output && result == IW_EXIT_OK)
        iw_complain(settings, "%zu descriptors in %s", json_array_size(rows), settings->output);
    json_decref(rows);
    return result;
}

iw_exit
iw_command_db_rm(const iw_settings *settings)
{
    iw_exit result;
    iw_error err = {0};
    char uri[4096];
    /* Opening for writing would make a database that is not there. */
    iw_store *store = open_db(settings, true, &result);
    if (!store)
        return result;
    iw_store_close(&store);
    if (iw_db_location(settings, uri, sizeof uri, &err) == IW_OK)
        store = iw_db_open(settings, uri, false, &err);
    if (!store || iw_store_remove(store, settings->operands[0], &err))
        result = failed(settings, &err);
    else
        (void)printf("%s: removed from %s\n", settings->operands[0], uri);
    iw_store_close(&store);
    return result;
}
