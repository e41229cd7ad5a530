/* SPDX-License-Identifier: GPL-3.0-or-later */
/* record.c - a run into the database and out of it, in one transaction. */
#include "store_internal.h"

#include "publish/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

iw_status
iw_store_select(iw_store *self, const iw_sql_statement *statement, const char *const *texts,
                size_t n, json_t **rows, iw_error *err)
{
    iw_sql_value values[IW_SQL_VALUES];
    for (size_t i = 0; i < n; i++)
        values[i] = iw_sql_text(texts[i]);
    json_t *kept = json_array();
    iw_status status =
        kept ? self->backend->select(self->state, statement, values, n, iw_sql_keep, kept, err)
             : iw_fail(err, IW_NO_MEMORY, "no memory for rows");
    if (status) {
        json_decref(kept);
        return status;
    }
    *rows = kept;
    return IW_OK;
}

iw_status
iw_store_change(iw_store *self, const iw_sql_statement *statement, const iw_sql_value *values,
                size_t n, iw_error *err)
{
    return self->backend->change(self->state, statement, values, n, err);
}

iw_status
iw_store_end(iw_store *self, iw_status status, iw_error *err)
{
    if (status == IW_OK)
        status = self->backend->commit(self->state, err);
    if (status)
        self->backend->rollback(self->state);
    return status;
}

/* One question for both: what it waits for is the way to the server and back. */
static iw_status
find_run(iw_store *self, const char *id, char **material, iw_error *err)
{
    if (!self->find_run)
        self->find_run =
            iw_schema_words(self->backend, "SELECT v.version, r.material FROM (SELECT {VERSION} AS "
                                           "version) v LEFT JOIN runs r ON r.id = $1");
    if (!self->find_run)
        return iw_fail(err, IW_NO_MEMORY, "no memory to look for a run");
    iw_sql_statement find = {self->find_run, "looking for the run"};
    json_t *rows = NULL;
    iw_status status = iw_store_select(self, &find, &id, 1, &rows, err);
    if (status)
        return status;
    const json_t *row = json_array_get(rows, 0);
    const char *name = json_string_value(json_object_get(row, "material"));
    int version = (int)json_integer_value(json_object_get(row, "version"));
    status = iw_schema_still(self, version, err);
    if (status == IW_OK && !(*material = strdup(name ? name : "")))
        status = iw_fail(err, IW_NO_MEMORY, "no memory for the name of a material");
    json_decref(rows);
    return status;
}

iw_status
iw_store_begin_change(iw_store *self, const char *id, char **material, iw_error *err)
{
    char name[IW_ID_LENGTH + 8];
    (void)snprintf(name, sizeof name, "run %s", id);
    iw_status status = self->backend->begin(self->state, true, err);
    if (status == IW_OK)
        status = self->backend->lock(self->state, name, err);
    return status ? status : find_run(self, id, material, err);
}

/* ---- the row of a run ---- */

/* Columns of "runs" that are members of the record, and of which object in it. */
static const struct {
    const char *column, *object, *key;
} run_columns[] = {
    {"id", "run", "id"},
    {"name", "run", "name"},
    {"state", "run", "state"},
    {"code", "run", "code"},
    {"code_version", "run", "code_version"},
    {"frames", "run", "frames"},
    {"atoms", "run", "atoms"},
    {"segments", "run", "segments"},
    {"dt_fs", "run", "dt_fs"},
    {"time_ps", "run", "time_ps"},
    {"temperature_K", "run", "temperature_K"},
    {"formula", "run", "formula"},
    {"temperature_measured_K", "run", "temperature_measured_K"},
    {"input_hash", "run", "input_hash"},
    {"velocity_source", "run", "velocity_source"},
    {"drift", "run", "drift"},
    {"taper", "run", "taper"},
    {"vacf_window_ps", "run", "vacf_window_ps"},
    {"msd_dt_fs", "run", "msd_dt_fs"},
    {"cutoff_meV", "run", "cutoff_meV"},
    {"paper_spacing_fs", "run", "paper_spacing_fs"},
    {"skip_rule", "equilibration", "rule"},
    {"skipped_ps", "equilibration", "skipped_ps"},
    {"skip_reason", "equilibration", "reason"},
    {"convergence", "convergence", "state"},
    {"stop_rule", "convergence", "rule"},
    {"stop_reason", "convergence", "reason"},
    {"health", "health", "state"},
    {"space_group", "structure", "space_group"},
};
enum { MEMBERS = sizeof run_columns / sizeof *run_columns, NAME = 1 };
/* And those that are not. */
static const char *const other_columns[] = {"material", "mobile", "filed_at", "writer", "record"};
enum { OTHERS = sizeof other_columns / sizeof *other_columns, ALL = MEMBERS + OTHERS };

/* Names of columns may come from a database that somebody else has made. */
static void
add_name(FILE *out, const char *before, const char *name)
{
    (void)fprintf(out, "%s\"", before);
    for (; *name; name++)
        (void)fputs(*name == '"' ? "\"\"" : (char[]){*name, '\0'}, out);
    (void)fputc('"', out);
}

char *
iw_store_insertion(const char *table, const char *const *columns, size_t n, const char *key)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    (void)fprintf(out, "INSERT INTO %s (", table);
    for (size_t i = 0; i < n; i++)
        add_name(out, i ? ", " : "", columns[i]);
    (void)fputs(") VALUES (", out);
    for (size_t i = 0; i < n; i++)
        (void)fprintf(out, "%s$%zu", i ? ", " : "", i + 1);
    (void)fputs(")", out);
    if (key)
        (void)fprintf(out, " ON CONFLICT (%s) DO UPDATE SET ", key);
    for (size_t i = 0; key && i < n; i++) {
        add_name(out, i ? ", " : "", columns[i]);
        add_name(out, " = excluded.", columns[i]);
    }
    (void)fputs(strcmp(table, "runs") == 0 ? " RETURNING run" : "", out);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static char *
run_insertion(void)
{
    const char *names[ALL];
    for (size_t i = 0; i < ALL; i++)
        names[i] = i < MEMBERS ? run_columns[i].column : other_columns[i - MEMBERS];
    return iw_store_insertion("runs", names, ALL, "id");
}

static iw_status
file_run(iw_store *self, const iw_store_filing *filing, const char *material, int64_t *row,
         iw_error *err)
{
    char now[32];
    time_t seconds = time(NULL);
    struct tm utc;
    (void)gmtime_r(&seconds, &utc);
    (void)strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", &utc);
    const json_t *mobile = json_object_get(json_object_get(filing->record, "run"), "mobile");
    char *mobile_text = mobile ? json_dumps(mobile, JSON_COMPACT) : strdup("[]");
    if (!self->insert_run)
        self->insert_run = run_insertion();
    json_t *rows = json_array();
    if (!mobile_text || !self->insert_run || !rows) {
        free(mobile_text);
        json_decref(rows);
        return iw_fail(err, IW_NO_MEMORY, "no memory to file a run");
    }
    iw_sql_value values[ALL];
    for (size_t i = 0; i < MEMBERS; i++)
        values[i] = iw_sql_member(json_object_get(
            json_object_get(filing->record, run_columns[i].object), run_columns[i].key));
    if (values[NAME].kind != IW_SQL_TEXT)
        values[NAME] = iw_sql_text("");
    static const char writer[] = "ionwatch " IONWATCH_VERSION;
    const char *const others[OTHERS] = {material, mobile_text, now, writer, filing->record_text};
    for (size_t i = 0; i < OTHERS; i++)
        values[MEMBERS + i] = iw_sql_text(others[i]);
    iw_sql_statement insert = {self->insert_run, "filing the run"};
    iw_status status =
        self->backend->select(self->state, &insert, values, ALL, iw_sql_keep, rows, err);
    *row = json_integer_value(json_object_get(json_array_get(rows, 0), "run"));
    json_decref(rows);
    free(mobile_text);
    return status;
}

/* ---- what belongs to it ---- */

static iw_status
file_species(iw_store *self, const iw_run_info *run, int64_t row, iw_error *err)
{
    static const iw_sql_statement insert = {
        "INSERT INTO species (run, species, ordinal, atoms, mass_amu, charge_e) VALUES ($1, $2, "
        "$3, $4, $5, $6)",
        "filing a species"};
    iw_status status = IW_OK;
    for (size_t s = 0; run && s < run->n_species && status == IW_OK; s++) {
        int64_t atoms = 0;
        double mass = NAN, charge = NAN;
        for (size_t i = 0; i < run->n_atoms; i++) {
            if (run->kind[i] != s)
                continue;
            if (atoms++ == 0 && run->mass_amu)
                mass = run->mass_amu[i];
            if (run->charge_e) /* the mean, where atoms of one species differ */
                charge = (atoms == 1 ? 0 : charge) + run->charge_e[i];
        }
        const iw_sql_value values[] = {
            iw_sql_integer(row),        iw_sql_text(run->species[s]),
            iw_sql_integer((int64_t)s), iw_sql_integer(atoms),
            iw_sql_number(mass),        iw_sql_number(charge / (double)atoms)};
        status = iw_store_change(self, &insert, values, 6, err);
    }
    return status;
}

static iw_status
file_groups(iw_store *self, const json_t *record, int64_t row, iw_error *err)
{
    static const iw_sql_statement insert = {
        "INSERT INTO groups (run, name, ordinal, atoms) VALUES ($1, $2, $3, $4)", "filing a group"};
    json_t *groups = json_object_get(record, "groups");
    const char *name;
    json_t *group;
    int64_t ordinal = 0;
    json_object_foreach(groups, name, group)
    {
        const iw_sql_value values[] = {iw_sql_integer(row), iw_sql_text(name),
                                       iw_sql_integer(ordinal++),
                                       iw_sql_member(json_object_get(group, "atoms"))};
        iw_status status = iw_store_change(self, &insert, values, 4, err);
        if (status)
            return status;
    }
    return IW_OK;
}

static iw_status
file_descriptors(iw_store *self, const iw_store_filing *filing, int64_t row, iw_error *err)
{
    static const iw_sql_statement insert = {
        "INSERT INTO descriptors (run, \"group\", descriptor, method, value, stderr, ci95_lo, "
        "ci95_hi, unit, category) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        "filing a descriptor"};
    iw_status status = IW_OK;
    for (size_t i = 0; i < filing->n_rows && status == IW_OK; i++) {
        const iw_store_row *from = &filing->rows[i];
        const iw_sql_value values[] = {
            iw_sql_integer(row),           iw_sql_text(from->group),
            iw_sql_text(from->descriptor), iw_sql_text(from->method),
            iw_sql_number(from->value),    iw_sql_number(from->standard_error),
            iw_sql_number(from->ci95_lo),  iw_sql_number(from->ci95_hi),
            iw_sql_text(from->unit),       iw_sql_text(from->category)};
        status = iw_store_change(self, &insert, values, 10, err);
    }
    return status;
}

static iw_status
file_series(iw_store *self, const iw_store_filing *filing, int64_t row, iw_error *err)
{
    static const iw_sql_statement insert = {
        "INSERT INTO series (run, \"group\", series, \"column\", ordinal, n, data) VALUES ($1, $2, "
        "$3, $4, $5, $6, $7)",
        "filing a series"};
    iw_status status = IW_OK;
    for (size_t i = 0; i < filing->n_columns && status == IW_OK; i++) {
        const iw_store_column *from = &filing->columns[i];
        unsigned char *bytes = malloc(8 * from->n + 1);
        if (!bytes)
            return iw_fail(err, IW_NO_MEMORY, "no memory for %zu values", from->n);
        for (size_t k = 0; k < from->n; k++)
            iw_sql_put_f64(bytes + 8 * k, from->values[k]);
        const iw_sql_value values[] = {iw_sql_integer(row),
                                       iw_sql_text(from->group),
                                       iw_sql_text(from->series),
                                       iw_sql_text(from->column),
                                       iw_sql_integer((int64_t)i),
                                       iw_sql_integer((int64_t)from->n),
                                       iw_sql_bytes(bytes, 8 * from->n)};
        status = iw_store_change(self, &insert, values, 7, err);
        free(bytes);
    }
    return status;
}

static iw_status
file_events(iw_store *self, const json_t *record, int64_t row, iw_error *err)
{
    static const iw_sql_statement insert = {
        "INSERT INTO events (run, ordinal, event, severity, frame, step, time_ps, count, text) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        "filing an event"};
    static const char *const keys[] = {"severity", "frame", "step", "time_ps", "count", "text"};
    enum { KEYS = sizeof keys / sizeof *keys };
    size_t i;
    json_t *event;
    json_array_foreach(json_object_get(record, "events"), i, event)
    {
        const char *id = json_string_value(json_object_get(event, "id"));
        iw_sql_value values[3 + KEYS] = {iw_sql_integer(row), iw_sql_integer((int64_t)i),
                                         iw_sql_text(id ? id : "")};
        for (size_t k = 0; k < KEYS; k++)
            values[3 + k] = iw_sql_member(json_object_get(event, keys[k]));
        iw_status status = iw_store_change(self, &insert, values, 3 + KEYS, err);
        if (status)
            return status;
    }
    return IW_OK;
}

static iw_status
file_metadata(iw_store *self, const iw_run_info *run, int64_t row, iw_error *err)
{
    static const iw_sql_statement insert = {
        "INSERT INTO metadata (run, key, value) VALUES ($1, $2, $3)", "filing metadata"};
    iw_status status = IW_OK;
    for (size_t i = 0; run && i < run->n_metadata && status == IW_OK; i++) {
        const iw_sql_value values[] = {iw_sql_integer(row), iw_sql_text(run->metadata[2 * i]),
                                       iw_sql_text(run->metadata[2 * i + 1])};
        status = iw_store_change(self, &insert, values, 3, err);
    }
    return status;
}

/* Groups take their descriptors and series along. */
iw_status
iw_store_empty_run(iw_store *self, int64_t row, iw_error *err)
{
    static const iw_sql_statement empty[] = {
        {"DELETE FROM groups WHERE run = $1", "removing what it had"},
        {"DELETE FROM species WHERE run = $1", "removing what it had"},
        {"DELETE FROM events WHERE run = $1", "removing what it had"},
        {"DELETE FROM metadata WHERE run = $1", "removing what it had"},
    };
    iw_sql_value number = iw_sql_integer(row);
    iw_status status = IW_OK;
    for (size_t i = 0; i < sizeof empty / sizeof *empty && status == IW_OK; i++)
        status = iw_store_change(self, &empty[i], &number, 1, err);
    return status;
}

/* ---- filing and removing ---- */

/* From the beginning of a transaction to the last row. */
static iw_status
file_all(iw_store *self, const iw_store_filing *filing, const char *run_id, const char *material,
         int64_t *row, iw_error *err)
{
    char *before = NULL;
    iw_status status = iw_store_begin_change(self, run_id, &before, err);
    if (status == IW_OK)
        status = file_run(self, filing, material, row, err);
    if (status == IW_OK)
        status = iw_store_empty_run(self, *row, err);
    if (status == IW_OK)
        status = file_species(self, filing->run, *row, err);
    if (status == IW_OK)
        status = file_groups(self, filing->record, *row, err);
    if (status == IW_OK)
        status = file_descriptors(self, filing, *row, err);
    if (status == IW_OK)
        status = file_series(self, filing, *row, err);
    if (status == IW_OK)
        status = file_events(self, filing->record, *row, err);
    if (status == IW_OK)
        status = file_metadata(self, filing->run, *row, err);
    if (status == IW_OK)
        status = iw_store_refit(self, before, material, err);
    free(before);
    return status;
}

static iw_status
file(iw_store *self, const iw_store_filing *filing, char *id, iw_error *err)
{
    int64_t row = 0;
    iw_material material = {.name = ""};
    const json_t *run = json_object_get(filing->record, "run");
    const char *run_id = json_string_value(json_object_get(run, "id"));
    const char *named = json_string_value(json_object_get(run, "material"));
    if (!run_id)
        return iw_fail(err, IW_INVALID, "the record has no run id");
    if (!named && filing->run)
        iw_material_of(filing->run, &material);
    iw_status status = file_all(self, filing, run_id, named ? named : material.name, &row, err);
    status = iw_store_end(self, status, err);
    if (status == IW_OK && id)
        (void)snprintf(id, 64, "%lld", (long long)row);
    return status;
}

iw_status
iw_store_file_record(iw_store *self, json_t *record, const iw_run_info *run, char *id,
                     iw_error *err)
{
    iw_store_filing filing;
    iw_status status = iw_store_filing_init(&filing, record, run, err);
    if (status == IW_OK)
        status = file(self, &filing, id, err);
    iw_store_filing_fini(&filing);
    return status;
}

iw_status
iw_store_file(iw_store *self, const iw_snapshot *snapshot, const iw_run_info *run,
              const iw_structure *structure, char *id, iw_error *err)
{
    json_t *record = iw_snapshot_json(snapshot, IW_JSON_SERIES | IW_JSON_FULL);
    if (!record || !iw_record_add_structure(record, structure)) {
        json_decref(record);
        return iw_fail(err, IW_NO_MEMORY, "no memory for the record of run %s", snapshot->id);
    }
    iw_status status = iw_store_file_record(self, record, run, id, err);
    json_decref(record);
    return status;
}

iw_status
iw_store_remove(iw_store *self, const char *run, iw_error *err)
{
    static const iw_sql_statement take_out = {"DELETE FROM runs WHERE id = $1",
                                              "removing the record"};
    char id[IW_ID_LENGTH + 1];
    char *before = NULL;
    iw_status status = iw_store_resolve(self, run, id, err);
    if (status)
        return status;
    iw_sql_value value = iw_sql_text(id);
    status = iw_store_begin_change(self, id, &before, err);
    if (status == IW_OK)
        status = iw_store_change(self, &take_out, &value, 1, err);
    if (status == IW_OK)
        status = iw_store_refit(self, before, NULL, err);
    status = iw_store_end(self, status, err);
    free(before);
    return status;
}
