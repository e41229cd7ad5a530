/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store.c - which backend a URI names, and what all backends share. */
#include "backend.h"

#include "publish/json.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct iw_store {
    const iw_store_ops *ops;
    void *state;
};

static const iw_store_ops *const backends[] = {&iw_store_sqlite, NULL};

/* "sqlite:///absolute", "sqlite:relative" or a plain path. */
static const iw_store_ops *
find_backend(const char *uri, const char **location, iw_error *err)
{
    size_t length = strcspn(uri, ":/");
    if (uri[length] != ':') {
        *location = uri;
        return &iw_store_sqlite;
    }
    for (size_t i = 0; backends[i]; i++) {
        const char *scheme = backends[i]->scheme;
        if (strlen(scheme) == length && strncmp(uri, scheme, length) == 0) {
            *location = uri + length + 1;
            if (strncmp(*location, "//", 2) == 0)
                *location += 2;
            return backends[i];
        }
    }
    (void)iw_fail(err, IW_UNSUPPORTED,
                  "%s: unknown kind of database \"%.*s\"; known: sqlite:///path", uri, (int)length,
                  uri);
    return NULL;
}

iw_store *
iw_store_open(const char *uri, bool read_only, iw_error *err)
{
    const char *location = NULL;
    const iw_store_ops *ops = find_backend(uri, &location, err);
    if (!ops)
        return NULL;
    if (!*location) {
        (void)iw_fail(err, IW_INVALID, "database \"%s\" names no file", uri);
        return NULL;
    }
    iw_store *self = calloc(1, sizeof *self);
    if (!self) {
        (void)iw_fail(err, IW_NO_MEMORY, "no memory for database %s", uri);
        return NULL;
    }
    self->ops = ops;
    if (ops->open(&self->state, location, read_only, err)) {
        free(self);
        return NULL;
    }
    return self;
}

void
iw_store_close(iw_store **self)
{
    if (!self || !*self)
        return;
    (*self)->ops->close((*self)->state);
    free(*self);
    *self = NULL;
}

iw_status
iw_store_refresh(iw_store *self, iw_error *err)
{
    return self->ops->refresh(self->state, err);
}

bool
iw_store_may_pass(iw_status status)
{
    return status == IW_AGAIN || status == IW_FULL || status == IW_IO || status == IW_CORRUPT ||
           status == IW_NO_MEMORY;
}

iw_status
iw_store_file_record(iw_store *self, json_t *record, const iw_run_info *run, char *id,
                     iw_error *err)
{
    iw_store_filing filing;
    char unwanted[64];
    iw_status status = iw_store_filing_init(&filing, record, run, err);
    if (status == IW_OK)
        status = self->ops->file(self->state, &filing, id ? id : unwanted, err);
    iw_store_filing_fini(&filing);
    return status;
}

iw_status
iw_store_file(iw_store *self, const iw_snapshot *snapshot, const iw_run_info *run, char *id,
              iw_error *err)
{
    json_t *record = iw_snapshot_json(snapshot, IW_JSON_SERIES | IW_JSON_FULL);
    if (!record)
        return iw_fail(err, IW_NO_MEMORY, "no memory for the record of run %s", snapshot->id);
    iw_status status = iw_store_file_record(self, record, run, id, err);
    json_decref(record);
    return status;
}

/* The one run that the text names: an id, the beginning of one, or a name. */
static iw_status
resolve(iw_store *self, const char *text, char id[IW_ID_LENGTH + 1], iw_error *err)
{
    json_t *matches = NULL;
    iw_status status = self->ops->resolve(self->state, text, &matches, err);
    if (status)
        return status;
    size_t n = json_array_size(matches);
    const char *first = json_string_value(json_object_get(json_array_get(matches, 0), "id"));
    const char *second = json_string_value(json_object_get(json_array_get(matches, 1), "id"));
    if (n == 0) {
        status = iw_fail(err, IW_NOT_FOUND,
                         "no run \"%s\" in the database (neither an id, the beginning of one, nor "
                         "a name)",
                         text);
    } else if (n > 1 && strcasecmp(first, text) != 0) { /* a whole id is never in doubt */
        status = iw_fail(err, IW_INVALID,
                         "\"%s\" fits %zu runs, among them %s and %s: give more of the id", text, n,
                         first, second);
    } else {
        (void)snprintf(id, IW_ID_LENGTH + 1, "%s", first);
    }
    json_decref(matches);
    return status;
}

iw_status
iw_store_remove(iw_store *self, const char *run, iw_error *err)
{
    char id[IW_ID_LENGTH + 1];
    iw_status status = resolve(self, run, id, err);
    return status ? status : self->ops->remove(self->state, id, err);
}

/* Consumes value. */
static iw_status
to_text(json_t *value, char **text, iw_error *err)
{
    *text = json_dumps(value, JSON_COMPACT);
    json_decref(value);
    return *text ? IW_OK : iw_fail(err, IW_NO_MEMORY, "no memory for the answer");
}

iw_status
iw_store_runs(iw_store *self, const iw_store_query *query, char **json, iw_error *err)
{
    json_t *rows = NULL;
    iw_status status = self->ops->runs(self->state, query, &rows, err);
    return status ? status : to_text(rows, json, err);
}

iw_status
iw_store_descriptors(iw_store *self, const iw_store_query *query, char **json, iw_error *err)
{
    json_t *rows = NULL;
    iw_status status = self->ops->descriptors(self->state, query, &rows, err);
    return status ? status : to_text(rows, json, err);
}

iw_status
iw_store_materials(iw_store *self, char **json, iw_error *err)
{
    json_t *names = NULL;
    iw_status status = self->ops->materials(self->state, &names, err);
    return status ? status : to_text(names, json, err);
}

iw_status
iw_store_of_material(iw_store *self, const char *material, char **json, iw_error *err)
{
    json_t *runs = NULL;
    iw_status status = self->ops->of_material(self->state, material, &runs, err);
    return status ? status : to_text(runs, json, err);
}

iw_status
iw_store_record(iw_store *self, const char *run, bool series, char **json, iw_error *err)
{
    char id[IW_ID_LENGTH + 1];
    json_t *record = NULL;
    iw_status status = resolve(self, run, id, err);
    if (status == IW_OK)
        status = self->ops->record(self->state, id, &record, err);
    if (status == IW_OK && series) {
        json_t *columns = NULL;
        status = self->ops->series(self->state, id, &columns, err);
        if (status == IW_OK)
            status = iw_store_attach_series(record, columns, err);
        json_decref(columns);
    }
    if (status) {
        json_decref(record);
        return status;
    }
    return to_text(record, json, err);
}
