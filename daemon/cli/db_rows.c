/* SPDX-License-Identifier: GPL-3.0-or-later */
/* db_rows.c - rows out of the database: db query, db export.  They are written as they come, so
 * that a large database needs no memory. */
#include "filing.h"
#include "table.h"

#include "publish/words.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum { TABLE, CSV, JSON } row_form;

typedef struct {
    const iw_settings *settings;
    row_form form;
    const char *const *columns; /* [n_columns], in this order; NULL: those of the first row */
    size_t n_columns;
    FILE *out;
    iw_table table;
    size_t n; /* rows so far */
} row_writer;

static const char *const descriptor_columns[] = {"run",    "name",     "temperature_K", "group",
                                                 "method", "category", "descriptor",    "value",
                                                 "stderr", "ci95_lo",  "ci95_hi",       "unit"};
enum { DESCRIPTOR_COLUMNS = sizeof descriptor_columns / sizeof *descriptor_columns };

/* ---- CSV ---- */

/* RFC 4180: quoted where it must be, quotes doubled.  An unknown number is an empty field. */
static void
csv_field(FILE *out, const json_t *value)
{
    char cell[IW_CELL];
    if (json_is_integer(value)) {
        (void)fprintf(out, "%lld", (long long)json_integer_value(value));
    } else if (json_is_real(value)) {
        (void)fputs(iw_cell_exact(cell, json_real_value(value)), out);
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
csv_head(const row_writer *self)
{
    for (size_t c = 0; c < self->n_columns; c++)
        (void)fprintf(self->out, "%s%s", self->columns[c], c + 1 < self->n_columns ? "," : "\r\n");
}

static void
csv_row(row_writer *self, json_t *row)
{
    const char *key;
    json_t *value;
    size_t c = 0;
    for (; c < self->n_columns; c++) {
        csv_field(self->out, json_object_get(row, self->columns[c]));
        (void)fputs(c + 1 < self->n_columns ? "," : "\r\n", self->out);
    }
    if (self->columns)
        return;
    if (self->n == 0)
        json_object_foreach(row, key, value)(void)
            fprintf(self->out, "%s%s", key, ++c < json_object_size(row) ? "," : "\r\n");
    c = 0;
    json_object_foreach(row, key, value)
    {
        csv_field(self->out, value);
        (void)fputs(++c < json_object_size(row) ? "," : "\r\n", self->out);
    }
}

/* ---- tables ---- */

static iw_status
descriptor_row(row_writer *self, json_t *row, iw_error *err)
{
    iw_table *table = &self->table;
    iw_status status = IW_OK;
    if (self->n == 0)
        status = iw_table_head(table, "RUN|NAME|GROUP|DESCRIPTOR|METHOD|>VALUE|>STDERR|UNIT", err);
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
    return IW_OK;
}

static iw_status
any_row(row_writer *self, json_t *row, iw_error *err)
{
    iw_table *table = &self->table;
    const char *key;
    json_t *value;
    size_t c = 0;
    iw_status status = IW_OK;
    if (self->n == 0 && json_object_size(row) > IW_TABLE_COLUMNS)
        return iw_fail(err, IW_UNSUPPORTED,
                       "%zu columns are more than a table here has: --csv or --json shows them",
                       json_object_size(row));
    if (self->n == 0)
        status = iw_table_row(table, err);
    json_object_foreach(row, key, value)
    {
        if (self->n > 0 || status)
            break;
        iw_cell_words(iw_table_cell(table, c), key);
        table->right[c++] = json_is_number(value);
        table->n_columns = c;
    }
    if (status == IW_OK)
        status = iw_table_row(table, err);
    c = 0;
    json_object_foreach(row, key, value)
    {
        if (status || c == table->n_columns)
            break;
        if (json_is_integer(value))
            (void)snprintf(iw_table_cell(table, c), IW_TABLE_CELL, "%lld",
                           (long long)json_integer_value(value));
        else if (json_is_number(value))
            iw_cell_number(iw_table_cell(table, c), value, 6);
        else
            iw_cell_text(iw_table_cell(table, c), value);
        c++;
    }
    return status;
}

/* ---- one after the other ---- */

static iw_status
write_row(void *arg, json_t *row, iw_error *err)
{
    row_writer *self = arg;
    iw_status status = IW_OK;
    if (iw_interrupted())
        return iw_fail(err, IW_CLOSED, "interrupted");
    switch (self->form) {
    case CSV:
        csv_row(self, row);
        break;
    case JSON:
        (void)fputs(self->n ? ",\n  " : "[\n  ", self->out);
        (void)json_dumpf(row, self->out, JSON_COMPACT);
        break;
    case TABLE:
        status = self->columns ? descriptor_row(self, row, err) : any_row(self, row, err);
        break;
    }
    self->n++;
    if (ferror(self->out))
        return iw_fail(err, IW_IO, "cannot write: %m");
    return status;
}

static iw_status
write_rows(row_writer *self, iw_error *err)
{
    const iw_settings *settings = self->settings;
    const char *sql = settings->n_operands ? settings->operands[0] : NULL;
    iw_store_query query = {
        .run = settings->run, .group = settings->group, .descriptor = settings->descriptor};
    char uri[4096];
    iw_status status = iw_db_location(settings, uri, sizeof uri, err);
    iw_store *store = status == IW_OK ? iw_db_open_to_read(settings, uri, err) : NULL;
    if (!store)
        return err->code;
    if (self->form == CSV)
        csv_head(self);
    if (sql)
        status = iw_store_sql(store, sql, write_row, self, err);
    else
        status = iw_store_descriptors(store, &query, write_row, self, err);
    iw_store_close(&store);
    if (status == IW_OK && self->form == JSON)
        (void)fputs(self->n ? "\n]\n" : "[]\n", self->out);
    return status;
}

static row_writer
writer_of(const iw_settings *settings, row_form otherwise)
{
    row_writer self = {.settings = settings, .form = otherwise, .out = stdout};
    if (settings->csv || settings->json)
        self.form = settings->json ? JSON : CSV;
    if (settings->n_operands == 0) {
        self.columns = descriptor_columns;
        self.n_columns = DESCRIPTOR_COLUMNS;
    }
    return self;
}

static bool
makes_sense(const iw_settings *settings)
{
    if (settings->csv && settings->json)
        iw_complain(settings, "--csv and --json exclude each other");
    else if (settings->n_operands && (settings->run || settings->group || settings->descriptor))
        iw_complain(settings, "--run, --group and --descriptor go without SQL: say it in WHERE");
    else
        return true;
    return false;
}

iw_exit
iw_command_db_query(const iw_settings *settings)
{
    iw_error err = {0};
    row_writer self = writer_of(settings, TABLE);
    if (!makes_sense(settings))
        return IW_EXIT_USAGE;
    iw_exit result = IW_EXIT_OK;
    if (write_rows(&self, &err))
        result = iw_db_failed(settings, &err);
    else if (self.form == TABLE && self.n > 0)
        iw_table_print(&self.table, stdout);
    else if (self.form == TABLE && settings->n_operands)
        iw_complain(settings, "no rows");
    else if (self.form == TABLE)
        iw_complain(settings, "no descriptor fits; `ionwatch db query` without filters lists all");
    iw_table_fini(&self.table);
    return result;
}

/* Under a name beside it first: a reader never sees half a file, an old one survives a failure.
 * A pipe or device is written to: a file in its place is not what was meant. */
static iw_exit
export_to_file(row_writer *self)
{
    char part[4096];
    const iw_settings *settings = self->settings;
    iw_error err = {0};
    struct stat there;
    bool file = stat(settings->output, &there) != 0 || S_ISREG(there.st_mode);
    if (snprintf(part, sizeof part, "%s%s", settings->output, file ? ".part" : "") >=
        (int)sizeof part) {
        iw_complain(settings, "%s: the name is too long", settings->output);
        return IW_EXIT_FAILURE;
    }
    self->out = fopen(part, "w");
    if (!self->out) {
        iw_complain(settings, "cannot write %s: %m", part);
        return IW_EXIT_FAILURE;
    }
    iw_exit result = write_rows(self, &err) ? iw_db_failed(settings, &err) : IW_EXIT_OK;
    bool bad = ferror(self->out) != 0;
    bad = fclose(self->out) != 0 || bad;
    if (result == IW_EXIT_OK && (bad || (file && rename(part, settings->output) != 0))) {
        iw_complain(settings, "cannot write %s: %m", settings->output);
        result = IW_EXIT_FAILURE;
    }
    if (result == IW_EXIT_OK)
        iw_complain(settings, "%zu descriptors in %s", self->n, settings->output);
    else if (file)
        (void)unlink(part);
    return result;
}

iw_exit
iw_command_db_export(const iw_settings *settings)
{
    iw_error err = {0};
    row_writer self = writer_of(settings, CSV);
    if (!makes_sense(settings))
        return IW_EXIT_USAGE;
    if (settings->output)
        return export_to_file(&self);
    if (write_rows(&self, &err))
        return iw_db_failed(settings, &err);
    return fflush(stdout) == 0 && !ferror(stdout) ? IW_EXIT_OK : IW_EXIT_FAILURE;
}
