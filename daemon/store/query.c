/* SPDX-License-Identifier: GPL-3.0-or-later */
/* query.c - reading back. */
#include "store_internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A run is meant by its id, the beginning of one, or its name.  An id has hexadecimal digits and
 * hyphens, so that all that begin alike lie below the first letter that is none, and an index has
 * them together. */
#define RUN_IS_1 "(r.name = $1 OR (r.id >= lower($1) AND r.id < lower($1) || 'g'))"

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
                         "a name): `ionwatch db ls` lists them",
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

static iw_status
take_id(void *ids, json_t *row, iw_error *err)
{
    const char *id = json_string_value(json_object_get(row, "id"));
    return id && json_object_set_new(ids, id, json_true()) == 0
               ? IW_OK
               : iw_fail(err, IW_NO_MEMORY, "no memory for the ids of runs");
}

iw_status
iw_store_ids(iw_store *self, int64_t most, json_t **ids, iw_error *err)
{
    static const iw_sql_statement list = {"SELECT id FROM runs LIMIT $1", "listing ids"};
    json_t *all = json_object();
    iw_sql_value value = iw_sql_integer(most);
    iw_status status = self->backend->select(self->state, &list, &value, 1, take_id, all, err);
    if (status == IW_OK && all) {
        *ids = all;
        return IW_OK;
    }
    json_decref(all);
    return status ? status : iw_fail(err, IW_NO_MEMORY, "no memory for the ids of runs");
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
        "'D_cm2_s' AND d.method = 'physical' WHERE (CAST($1 AS TEXT) IS NULL OR " RUN_IS_1
        ") ORDER BY r.filed_at, r.run",
        "listing runs"};
    iw_sql_value run = iw_sql_text(query ? query->run : NULL);
    return self->backend->select(self->state, &list, &run, 1, each, arg, err);
}

typedef struct {
    iw_sql_each each;
    void *arg;
} row_taker;

/* The last two columns are for the order alone. */
static iw_status
without_order(void *arg, json_t *row, iw_error *err)
{
    const row_taker *to = arg;
    (void)json_object_del(row, "run_number");
    (void)json_object_del(row, "ordinal");
    return to->each(to->arg, row, err);
}

/* What the filters ask of rows whose group is called so; $n are those that are set. */
static void
add_conditions(FILE *out, const char *const *wanted, const char *group)
{
    size_t n = 0;
    for (size_t i = 0; i < IW_STORE_FILTERS; i++) {
        if (!wanted[i])
            continue;
        (void)fputs(n++ ? " AND " : " WHERE ", out);
        if (i == 0) /* the first that is set */
            (void)fputs(RUN_IS_1, out);
        else
            (void)fprintf(out, "%s = CAST($%zu AS TEXT)", i == 1 ? group : "d.descriptor", n);
    }
}

/* A statement for each set of filters: one that has them all and lets some be NULL could use no
 * index.  malloc'd. */
static char *
descriptors_sql(const char *const *wanted)
{
    /* Numbers of the run as a whole, or of its material. */
    static const char *const properties[] = {
        "run_descriptors d JOIN runs r ON r.run = d.run",
        "material_descriptors d JOIN runs r ON r.material = d.material"};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    (void)fputs("SELECT r.id AS run, r.name, r.\"temperature_K\", d.\"group\", d.descriptor, "
                "d.value, d.stderr, d.ci95_lo, d.ci95_hi, d.unit, d.method, d.category, r.run AS "
                "run_number, g.ordinal AS ordinal FROM descriptors d JOIN runs r ON r.run = d.run "
                "JOIN groups g ON g.run = d.run AND g.name = d.\"group\"",
                out);
    add_conditions(out, wanted, "d.\"group\"");
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++) {
        (void)fprintf(
            out,
            " UNION ALL SELECT r.id, r.name, r.\"temperature_K\", 'all', d.descriptor, "
            "d.value, d.stderr, NULL, NULL, d.unit, d.method, d.category, r.run, 0 FROM %s",
            properties[i]);
        add_conditions(out, wanted, "'all'");
    }
    (void)fputs(" ORDER BY run_number, ordinal, method DESC, category, descriptor", out);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

iw_status
iw_store_descriptors(iw_store *self, const iw_store_query *query, iw_sql_each each, void *arg,
                     iw_error *err)
{
    static const iw_store_query all = {0};
    const iw_store_query *q = query ? query : &all;
    const char *const wanted[IW_STORE_FILTERS] = {q->run, q->group, q->descriptor};
    iw_sql_value values[IW_STORE_FILTERS];
    size_t n = 0, which = 0;
    for (size_t i = 0; i < IW_STORE_FILTERS; i++) {
        which |= (size_t)(wanted[i] != NULL) << i;
        if (wanted[i])
            values[n++] = iw_sql_text(wanted[i]);
    }
    if (!self->listings[which])
        self->listings[which] = descriptors_sql(wanted);
    if (!self->listings[which])
        return iw_fail(err, IW_NO_MEMORY, "no memory for a question");
    iw_sql_statement list = {self->listings[which], "reading descriptors"};
    row_taker to = {each, arg};
    return self->backend->select(self->state, &list, values, n, without_order, &to, err);
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
