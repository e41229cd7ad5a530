/* SPDX-License-Identifier: GPL-3.0-or-later */
/* query.c - reading back. */
#include "store_internal.h"

#include <string.h>
#include <strings.h>

/* A run is meant by its id, the beginning of one, or its name. */
#define RUN_IS_1                                                                                   \
    "(CAST($1 AS TEXT) IS NULL OR r.name = $1 OR substr(r.id, 1, length($1)) = lower($1))"

iw_status
iw_store_resolve(iw_store *self, const char *text, char id[IW_ID_LENGTH + 1], iw_error *err)
{
    /* A whole id wins over a name that looks like one. */
    static const iw_sql_statement find = {
        "SELECT r.id, r.name FROM runs r WHERE CAST($1 AS TEXT) <> '' AND " RUN_IS_1
        " ORDER BY CASE WHEN r.id = lower($1) THEN 0 ELSE 1 END, r.run DESC",
        "looking for a run"};
    json_t *matches = NULL;
    iw_status status = iw_store_select(self, &find, &text, 1, &matches, err);
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
iw_store_runs(iw_store *self, const iw_store_query *query, iw_sql_each each, void *arg,
              iw_error *err)
{
    static const iw_sql_statement list = {
        "SELECT r.run AS db_id, r.id, r.name, r.material, r.state, r.code, r.frames, r.atoms, "
        "r.dt_fs, r.time_ps, r.\"temperature_K\", r.mobile AS mobile_json, r.filed_at, "
        "r.convergence, d.value AS \"D_cm2_s\", d.stderr AS \"D_stderr_cm2_s\" FROM runs r LEFT "
        "JOIN descriptors d ON d.run = r.run AND d.\"group\" = 'mobile' AND d.descriptor = "
        "'D_cm2_s' AND d.method = 'physical' WHERE " RUN_IS_1 " ORDER BY r.filed_at, r.run",
        "listing runs"};
    iw_sql_value run = iw_sql_text(query ? query->run : NULL);
    return self->backend->select(self->state, &list, &run, 1, each, arg, err);
}

typedef struct {
    iw_sql_each each;
    void *arg;
} row_taker;

/* A number of the run as a whole, or of its material. */
#define PROPERTIES_FROM(table)                                                                     \
    " UNION ALL SELECT r.id, r.name, r.\"temperature_K\", 'all', d.descriptor, d.value, "          \
    "d.stderr, "                                                                                   \
    "NULL, NULL, d.unit, d.method, d.category, r.run, 0 FROM " table " WHERE " RUN_IS_1            \
    " AND (CAST($2 AS TEXT) IS NULL OR $2 = 'all') "                                               \
    "AND (CAST($3 AS TEXT) IS NULL OR d.descriptor = $3)"

/* The last two columns are for the order alone. */
static iw_status
without_order(void *arg, json_t *row, iw_error *err)
{
    const row_taker *to = arg;
    (void)json_object_del(row, "run_number");
    (void)json_object_del(row, "ordinal");
    return to->each(to->arg, row, err);
}

iw_status
iw_store_descriptors(iw_store *self, const iw_store_query *query, iw_sql_each each, void *arg,
                     iw_error *err)
{
    static const iw_sql_statement list = {
        "SELECT r.id AS run, r.name, r.\"temperature_K\", d.\"group\", d.descriptor, d.value, "
        "d.stderr, d.ci95_lo, d.ci95_hi, d.unit, d.method, d.category, r.run AS run_number, "
        "g.ordinal AS ordinal FROM descriptors d "
        "JOIN runs r ON r.run = d.run JOIN groups g ON g.run = d.run AND g.name = d.\"group\" "
        "WHERE " RUN_IS_1 " AND (CAST($2 AS TEXT) IS NULL OR d.\"group\" = $2) "
        "AND (CAST($3 AS TEXT) IS NULL OR d.descriptor = $3)" /* */
        PROPERTIES_FROM("run_descriptors d JOIN runs r ON r.run = d.run") PROPERTIES_FROM(
            "material_descriptors d JOIN runs r ON r.material = d.material") " ORDER BY "
                                                                             "run_number, ordinal, "
                                                                             "method DESC, "
                                                                             "category, descriptor",
        "reading descriptors"};
    const iw_sql_value values[3] = {iw_sql_text(query ? query->run : NULL),
                                    iw_sql_text(query ? query->group : NULL),
                                    iw_sql_text(query ? query->descriptor : NULL)};
    row_taker to = {each, arg};
    return self->backend->select(self->state, &list, values, 3, without_order, &to, err);
}

iw_status
iw_store_sql(iw_store *self, const char *sql, iw_sql_each each, void *arg, iw_error *err)
{
    return self->backend->query(self->state, sql, each, arg, err);
}

static iw_status
read_record(iw_store *self, const char *id, json_t **out, iw_error *err)
{
    static const iw_sql_statement read = {"SELECT record AS record_json FROM runs WHERE id = $1",
                                          "reading the record"};
    json_t *rows = NULL;
    iw_status status = iw_store_select(self, &read, &id, 1, &rows, err);
    if (status)
        return status;
    *out = json_incref(json_object_get(json_array_get(rows, 0), "record"));
    json_decref(rows);
    return *out ? IW_OK : iw_fail(err, IW_NOT_FOUND, "run %s is not in the database", id);
}

static iw_status
attach(iw_store *self, const char *id, json_t *record, iw_error *err)
{
    static const iw_sql_statement read = {
        "SELECT s.\"group\", s.series, s.\"column\", s.data AS \"values\" FROM series s JOIN runs "
        "r ON r.run = s.run WHERE r.id = $1 ORDER BY s.ordinal",
        "reading series"};
    json_t *columns = NULL;
    iw_status status = iw_store_select(self, &read, &id, 1, &columns, err);
    if (status == IW_OK)
        status = iw_store_attach_series(record, columns, err);
    json_decref(columns);
    return status;
}

/* Record and series are of one filing, even if the run is filed again just now. */
iw_status
iw_store_record(iw_store *self, const char *run, bool series, json_t **record, iw_error *err)
{
    char id[IW_ID_LENGTH + 1];
    json_t *found = NULL;
    iw_status status = self->backend->begin(self->state, false, err);
    if (status == IW_OK)
        status = iw_store_resolve(self, run, id, err);
    if (status == IW_OK)
        status = read_record(self, id, &found, err);
    if (status == IW_OK && series)
        status = attach(self, id, found, err);
    if (status == IW_OK)
        status = iw_store_attach_properties(self, id, found, err);
    status = iw_store_end(self, status, err);
    if (status) {
        json_decref(found);
        return status;
    }
    *record = found;
    return IW_OK;
}
