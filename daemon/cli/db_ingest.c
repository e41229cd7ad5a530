/* SPDX-License-Identifier: GPL-3.0-or-later */
/* db_ingest.c - runs from elsewhere into a database: from another one, or from records in files. */
#include "filing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const iw_settings *settings;
    iw_store *to;
    size_t n; /* runs so far */
} ingesting;

/* ---- records: what `analyze --json --series --full` printed ---- */

/* The store takes the series out of what it files. */
static iw_status
file_copy(void *record, iw_store *to, iw_error *err)
{
    json_t *copy = json_deep_copy(record);
    if (!copy)
        return iw_fail(err, IW_NO_MEMORY, "no memory for the record");
    iw_status status = iw_store_file_record(to, copy, NULL, NULL, err);
    json_decref(copy);
    return status;
}

static iw_status
file_record(ingesting *self, json_t *record, iw_error *err)
{
    iw_status status = iw_db_try(self->settings, self->to, file_copy, record, err);
    self->n += status == IW_OK;
    return status;
}

static iw_status
take_file(ingesting *self, const char *path, iw_error *err)
{
    json_error_t where;
    size_t i;
    json_t *value = json_load_file(path, 0, &where), *record;
    iw_status status = IW_OK;
    if (!value)
        return iw_fail(err, IW_INVALID, "%s: neither a database nor a record in JSON (line %d: %s)",
                       path, where.line, where.text);
    if (json_is_array(value)) {
        json_array_foreach(value, i, record)
        {
            if (status == IW_OK)
                status = file_record(self, record, err);
        }
    } else {
        status = file_record(self, value, err);
    }
    json_decref(value);
    return status ? iw_prefix(err, "%s", path) : IW_OK;
}

/* ---- databases ---- */

typedef struct {
    iw_store *from;
    const char *id;
} run_to_copy;

static iw_status
copy_run(void *arg, iw_store *to, iw_error *err)
{
    const run_to_copy *run = arg;
    iw_status status = iw_store_refresh(run->from, err);
    return status ? status : iw_store_copy(to, run->from, run->id, err);
}

static iw_status
copy_runs(ingesting *self, iw_store *from, const json_t *runs, iw_error *err)
{
    size_t i;
    json_t *run;
    json_array_foreach((json_t *)(uintptr_t)runs, i, run)
    {
        run_to_copy one = {from, json_string_value(json_object_get(run, "id"))};
        if (iw_interrupted())
            return iw_fail(err, IW_CLOSED, "interrupted");
        iw_status status = iw_db_try(self->settings, self->to, copy_run, &one, err);
        if (status)
            return iw_prefix(err, "run %s", one.id);
        self->n++;
    }
    return IW_OK;
}

static iw_status
take_database(ingesting *self, const char *uri, iw_error *err)
{
    iw_store_query query = {.run = self->settings->run};
    char label[512];
    iw_store *from = iw_db_open_to_read(self->settings, uri, err);
    if (!from)
        return err->code;
    json_t *runs = json_array();
    iw_status status = iw_store_runs(from, &query, iw_sql_keep, runs, err);
    if (status == IW_OK && query.run && json_array_size(runs) == 0)
        status = iw_fail(err, IW_NOT_FOUND, "no run \"%s\" in it", query.run);
    if (status == IW_OK)
        status = copy_runs(self, from, runs, err);
    json_decref(runs);
    iw_store_close(&from);
    iw_store_label(uri, label, sizeof label);
    return status ? iw_prefix(err, "%s", label) : IW_OK;
}

/* A URI, or a file that begins as SQLite's do. */
static bool
is_database(const char *source)
{
    static const char begin[] = "SQLite format 3";
    char head[sizeof begin] = "";
    size_t scheme = strcspn(source, ":/");
    if (source[scheme] == ':')
        return true;
    FILE *file = fopen(source, "rb");
    bool is = file && fread(head, 1, sizeof head, file) == sizeof head &&
              memcmp(head, begin, sizeof begin) == 0;
    if (file)
        (void)fclose(file);
    return is;
}

iw_exit
iw_command_db_ingest(const iw_settings *settings)
{
    ingesting self = {.settings = settings};
    iw_error err = {0};
    iw_exit result;
    self.to = iw_db_open_named(settings, false, &result);
    if (!self.to)
        return result;
    iw_status status = IW_OK;
    for (size_t i = 0; i < settings->n_operands && status == IW_OK; i++) {
        const char *source = settings->operands[i];
        status = is_database(source) ? take_database(&self, source, &err)
                                     : take_file(&self, source, &err);
    }
    iw_store_close(&self.to);
    if (status)
        result = iw_db_failed(settings, &err);
    (void)printf("%zu %s filed\n", self.n, self.n == 1 ? "run" : "runs");
    return result;
}
