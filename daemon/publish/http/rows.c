/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/http/rows.h"

#include "frame.h"
#include "publish/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REMOVED = 256 };

typedef struct {
    char id[IW_ID_LENGTH + 1];
    char *text; /* JSON; malloc'd */
    uint64_t version;
} row;

struct iw_rows {
    row *rows;
    size_t n;
    uint64_t version;
    char *last; /* the whole listing, to see at a glance that nothing changed */
    size_t last_size;
    struct {
        char id[IW_ID_LENGTH + 1];
        uint64_t version;
    } removed[REMOVED]; /* a ring */
    size_t n_removed;
};

iw_rows *
iw_rows_new(void)
{
    return calloc(1, sizeof(iw_rows));
}

static void
free_rows(row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(rows[i].text);
    free(rows);
}

void
iw_rows_destroy(iw_rows **self)
{
    if (*self) {
        free_rows((*self)->rows, (*self)->n);
        free((*self)->last);
        free(*self);
    }
    *self = NULL;
}

/* Rows keep their order as a rule: the search begins behind the last one found. */
static row *
find(const iw_rows *self, const char *id, size_t *from)
{
    for (size_t k = 0; k < self->n; k++) {
        size_t i = (*from + k) % self->n;
        if (strcmp(self->rows[i].id, id) == 0) {
            *from = i + 1;
            return &self->rows[i];
        }
    }
    return NULL;
}

/* One row of the new listing; takes over the text of the old one if it is the same. */
static bool
take_row(iw_rows *self, json_t *value, uint64_t version, size_t *from, row *to)
{
    const char *id = iw_text_at(value, "id");
    (void)json_object_del(value, "silent_s"); /* grows by itself */
    char *text = json_dumps(value, JSON_COMPACT);
    if (!text)
        return false;
    row *old = find(self, id, from);
    bool same = old && old->text && strcmp(old->text, text) == 0;
    *to = (row){.text = text, .version = version};
    (void)snprintf(to->id, sizeof to->id, "%.*s", IW_ID_LENGTH, id);
    if (old) {
        if (same)
            to->version = old->version;
        free(old->text);
        old->text = NULL; /* it is still there */
    }
    return true;
}

static void
note_removed(iw_rows *self, uint64_t version)
{
    for (size_t i = 0; i < self->n; i++)
        if (self->rows[i].text) {
            size_t at = self->n_removed++ % REMOVED;
            memcpy(self->removed[at].id, self->rows[i].id, sizeof self->removed[at].id);
            self->removed[at].version = version;
        }
}

static iw_status
take_listing(iw_rows *self, const json_t *listing, iw_error *err)
{
    size_t n = json_array_size(listing), i = 0, from = 0;
    row *rows = calloc(n + 1, sizeof *rows);
    uint64_t version = self->version + 1;
    while (rows && i < n && take_row(self, json_array_get(listing, i), version, &from, &rows[i]))
        i++;
    if (rows && i == n)
        note_removed(self, version);
    free_rows(self->rows, self->n);
    self->rows = rows;
    self->n = rows ? i : 0;
    self->version = version;
    return rows && i == n ? IW_OK : iw_fail(err, IW_NO_MEMORY, "no memory for a listing");
}

iw_status
iw_rows_update(iw_rows *self, const void *json, size_t size, iw_error *err)
{
    if (self->last && self->last_size == size && memcmp(self->last, json, size) == 0)
        return IW_OK;
    free(self->last);
    self->last = NULL;
    json_error_t where;
    json_t *listing = json_loadb(json, size, 0, &where);
    const json_t *rows = json_object_get(listing, "runs");
    iw_status status = json_is_array(rows)
                           ? take_listing(self, rows, err)
                           : iw_fail(err, IW_PROTOCOL, "the listing has no runs: %s", where.text);
    json_decref(listing);
    if (status == IW_OK && (self->last = malloc(size))) {
        memcpy(self->last, json, size);
        self->last_size = size;
    }
    return status;
}

uint64_t
iw_rows_version(const iw_rows *self)
{
    return self->version;
}

uint64_t
iw_rows_version_of(const iw_rows *self, const char *id)
{
    size_t from = 0;
    const row *found = find(self, id, &from);
    return found ? found->version : 0;
}

static iw_status
append(iw_buffer *out, const char *text, iw_error *err)
{
    return iw_buffer_append(out, text, strlen(text), err);
}

static bool
is_forgotten(const iw_rows *self, uint64_t since)
{
    return self->n_removed > REMOVED &&
           self->removed[self->n_removed % REMOVED].version > since; /* the oldest that is known */
}

iw_status
iw_rows_changes(const iw_rows *self, uint64_t since, iw_buffer *out, iw_error *err)
{
    bool all = since == 0 || is_forgotten(self, since);
    const char *between = "";
    iw_status status = append(out, all ? "{\"all\":true,\"runs\":[" : "{\"runs\":[", err);
    for (size_t i = 0; i < self->n && status == IW_OK; i++) {
        if (!all && self->rows[i].version <= since)
            continue;
        status = append(out, between, err);
        if (status == IW_OK)
            status = append(out, self->rows[i].text, err);
        between = ",";
    }
    if (status == IW_OK)
        status = append(out, "],\"removed\":[", err);
    size_t known = self->n_removed < REMOVED ? self->n_removed : REMOVED;
    between = "\"";
    for (size_t i = 0; i < known && !all && status == IW_OK; i++) {
        if (self->removed[i].version <= since)
            continue;
        status = append(out, between, err);
        if (status == IW_OK)
            status = append(out, self->removed[i].id, err);
        if (status == IW_OK)
            status = append(out, "\"", err);
        between = ",\"";
    }
    return status == IW_OK ? append(out, "]}", err) : status;
}
