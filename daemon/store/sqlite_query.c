/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sqlite_query.c - reading back: every query is a statement whose columns become a JSON object. */
#include "sqlite.h"

#include <math.h>
#include <string.h>

void
iw_sqlite_put_f64(unsigned char *to, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    for (unsigned i = 0; i < 8; i++)
        to[i] = (unsigned char)(bits >> 8 * i);
}

double
iw_sqlite_get_f64(const unsigned char *from)
{
    uint64_t bits = 0;
    double value;
    for (unsigned i = 0; i < 8; i++)
        bits |= (uint64_t)from[i] << 8 * i;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static json_t *
numbers(const unsigned char *bytes, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < n; i++) {
        double value = iw_sqlite_get_f64(bytes + 8 * i);
        (void)json_array_append_new(array, isfinite(value) ? json_real(value) : json_null());
    }
    return array;
}

/* The value of a column: a text column whose name ends in "_json" holds JSON. */
static json_t *
column(sqlite3_stmt *statement, int at, bool is_json)
{
    switch (sqlite3_column_type(statement, at)) {
    case SQLITE_INTEGER:
        return json_integer(sqlite3_column_int64(statement, at));
    case SQLITE_FLOAT:
        return json_real(sqlite3_column_double(statement, at));
    case SQLITE_TEXT: {
        const char *text = (const char *)sqlite3_column_text(statement, at);
        return is_json ? json_loads(text, JSON_DECODE_ANY, NULL) : json_string(text);
    }
    case SQLITE_BLOB: {
        int bytes = sqlite3_column_bytes(statement, at);
        return numbers(sqlite3_column_blob(statement, at), (size_t)bytes / 8);
    }
    default:
        return json_null();
    }
}

static iw_status
read_row(sqlite3_stmt *statement, json_t *rows, iw_error *err)
{
    json_t *row = json_object();
    int n = sqlite3_column_count(statement);
    for (int i = 0; i < n; i++) {
        const char *name = sqlite3_column_name(statement, i);
        size_t length = strlen(name);
        bool is_json = length > 5 && strcmp(name + length - 5, "_json") == 0;
        char key[96];
        (void)snprintf(key, sizeof key, "%.*s", (int)(is_json ? length - 5 : length), name);
        if (json_object_set_new(row, key, column(statement, i, is_json)) != 0) {
            json_decref(row);
            return iw_fail(err, IW_CORRUPT, "column %s of a row cannot be read", key);
        }
    }
    return json_array_append_new(rows, row) == 0 ? IW_OK
                                                 : iw_fail(err, IW_NO_MEMORY, "no memory for rows");
}

iw_status
iw_sqlite_select(iw_sqlite *self, const char *sql, const char *const *texts, int n_texts,
                 json_t **out, iw_error *err)
{
    sqlite3_stmt *statement = NULL;
    iw_status status = iw_sqlite_prepare(self, sql, &statement, err);
    if (status)
        return status;
    for (int i = 0; i < n_texts; i++)
        (void)sqlite3_bind_text(statement, i + 1, texts[i], -1, SQLITE_STATIC);
    json_t *rows = json_array();
    int code = SQLITE_DONE;
    while (status == IW_OK && (code = sqlite3_step(statement)) == SQLITE_ROW)
        status = read_row(statement, rows, err);
    if (status == IW_OK && code != SQLITE_DONE)
        status = iw_sqlite_fail(self, code, "reading it", err);
    (void)sqlite3_finalize(statement);
    if (status) {
        json_decref(rows);
        return status;
    }
    *out = rows;
    return IW_OK;
}

/* A run is meant by its id, the beginning of one, or its name; ids hold no wildcards of GLOB. */
#define RUN_IS(text)                                                                               \
    "(" text " IS NULL OR r.name = " text " OR substr(r.id, 1, length(" text ")) = lower(" text "))"

iw_status
iw_sqlite_record(void *state, const char *run_id, json_t **out, iw_error *err)
{
    json_t *rows = NULL;
    iw_status status = iw_sqlite_select(
        state, "SELECT record AS record_json FROM runs WHERE id = ?1", &run_id, 1, &rows, err);
    if (status)
        return status;
    *out = json_incref(json_object_get(json_array_get(rows, 0), "record"));
    json_decref(rows);
    return *out ? IW_OK : iw_fail(err, IW_NOT_FOUND, "run %s is not in the database", run_id);
}

iw_status
iw_sqlite_series(void *state, const char *run_id, json_t **out, iw_error *err)
{
    return iw_sqlite_select(
        state,
        "SELECT s.\"group\", s.series, s.\"column\", s.data AS \"values\" FROM "
        "series s JOIN runs r ON r.run = s.run WHERE r.id = ?1 ORDER BY s.ordinal",
        &run_id, 1, out, err);
}

iw_status
iw_sqlite_resolve(void *state, const char *text, json_t **out, iw_error *err)
{
    /* A whole id wins over a name that looks like one. */
    return iw_sqlite_select(state,
                            "SELECT r.id, r.name FROM runs r WHERE ?1 <> '' AND " RUN_IS(
                                "?1") " ORDER BY r.id <> lower(?1), r.run DESC",
                            &text, 1, out, err);
}

iw_status
iw_sqlite_runs(void *state, const iw_store_query *query, json_t **out, iw_error *err)
{
    const char *run = query ? query->run : NULL;
    return iw_sqlite_select(
        state,
        "SELECT r.run AS db_id, r.id, r.name, r.material, r.state, r.code, r.frames, r.atoms, "
        "r.dt_fs, "
        "r.time_ps, r.temperature_K, r.mobile AS mobile_json, r.filed_at, r.record ->> "
        "'$.convergence.state' AS convergence, d.value AS D_cm2_s, "
        "d.stderr AS D_stderr_cm2_s FROM runs r LEFT JOIN descriptors d ON d.run = r.run AND "
        "d.\"group\" = 'mobile' AND d.descriptor = 'D_cm2_s' AND d.method = 'physical' "
        "WHERE " RUN_IS("?1") " ORDER BY r.filed_at, r.run",
        &run, 1, out, err);
}

iw_status
iw_sqlite_descriptors(void *state, const iw_store_query *query, json_t **out, iw_error *err)
{
    const char *texts[3] = {query ? query->run : NULL, query ? query->group : NULL,
                            query ? query->descriptor : NULL};
    return iw_sqlite_select(
        state,
        "SELECT r.id AS run, r.name, r.temperature_K, d.\"group\", d.descriptor, d.value, "
        "d.stderr, d.ci95_lo, d.ci95_hi, d.unit, d.method, d.category FROM descriptors d "
        "JOIN runs r ON r.run = d.run JOIN groups g ON g.run = d.run AND g.name = d.\"group\" "
        "WHERE " RUN_IS("?1") " AND (?2 IS NULL OR d.\"group\" = ?2) "
                              "AND (?3 IS NULL OR d.descriptor = ?3) "
                              "ORDER BY r.run, g.ordinal, d.method DESC, d.category, d.descriptor",
        texts, 3, out, err);
}
