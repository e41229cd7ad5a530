/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sqlite_material.c - the table "materials": for every group, the line through the runs of one
 * material.  Whatever changes the runs of a material makes its rows anew in the same transaction.
 */
#include "sqlite.h"

#include "material.h"
#include "publish/arrhenius_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_TEMPERATURE_K 300.0

/* A statement without rows. */
static iw_status
change(iw_sqlite *self, const char *sql, const char *const *texts, int n, iw_error *err)
{
    json_t *rows = NULL;
    iw_status status = iw_sqlite_select(self, sql, texts, n, &rows, err);
    json_decref(rows);
    return status;
}

iw_status
iw_sqlite_materials(void *state, json_t **out, iw_error *err)
{
    json_t *rows = NULL, *names = json_array();
    iw_status status = iw_sqlite_select(
        state, "SELECT DISTINCT material FROM runs WHERE material <> '' ORDER BY material", NULL, 0,
        &rows, err);
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (json_array_append(names, json_object_get(row, "material")) != 0)
            status = iw_fail(err, IW_NO_MEMORY, "no memory for the names of materials");
    }
    json_decref(rows);
    if (status) {
        json_decref(names);
        return status;
    }
    *out = names;
    return IW_OK;
}

iw_status
iw_sqlite_of_material(void *state, const char *material, json_t **out, iw_error *err)
{
    return iw_sqlite_select(state,
                            "SELECT 'filed' AS source, record AS record_json FROM runs WHERE "
                            "material = ?1 ORDER BY run",
                            &material, 1, out, err);
}

/* ---- the material of runs that do not say theirs ---- */

static iw_status
name_run(iw_sqlite *self, const char *run, const char *given, iw_error *err)
{
    char formula[IW_MATERIAL_SIZE] = "";
    const char *species[IW_MAX_SPECIES];
    size_t atoms[IW_MAX_SPECIES], n = 0, i;
    json_t *rows = NULL, *row;
    iw_status status =
        iw_sqlite_select(self, "SELECT species, atoms FROM species WHERE run = CAST(?1 AS INTEGER)",
                         &run, 1, &rows, err);
    if (status)
        return status;
    json_array_foreach(rows, i, row)
    {
        if (n == IW_MAX_SPECIES)
            break;
        species[n] = json_string_value(json_object_get(row, "species"));
        atoms[n++] = (size_t)json_integer_value(json_object_get(row, "atoms"));
    }
    iw_formula(species, atoms, n, formula);
    const char *texts[] = {run, given && *given ? given : formula};
    status = change(self, "UPDATE runs SET material = ?2 WHERE run = CAST(?1 AS INTEGER)", texts, 2,
                    err);
    json_decref(rows);
    return status;
}

iw_status
iw_sqlite_name_materials(iw_sqlite *self, iw_error *err)
{
    json_t *rows = NULL, *names = NULL, *row;
    size_t i;
    iw_status status = iw_sqlite_select(
        self,
        "SELECT CAST(r.run AS TEXT) AS run, (SELECT trim(m.value) FROM metadata m WHERE m.run = "
        "r.run AND m.key = 'material') AS given FROM runs r WHERE r.material IS NULL",
        NULL, 0, &rows, err);
    if (status)
        return status;
    json_array_foreach(rows, i, row)
    {
        if (status == IW_OK)
            status = name_run(self, json_string_value(json_object_get(row, "run")),
                              json_string_value(json_object_get(row, "given")), err);
    }
    if (status == IW_OK && json_array_size(rows) > 0)
        status = iw_sqlite_materials(self, &names, err);
    json_array_foreach(names, i, row)
    {
        if (status == IW_OK)
            status = iw_sqlite_fit_material(self, json_string_value(row), err);
    }
    json_decref(names);
    json_decref(rows);
    return status;
}

/* ---- the rows of one material ---- */

static void
bind_number(sqlite3_stmt *to, int at, const json_t *value)
{
    if (json_is_number(value))
        (void)sqlite3_bind_double(to, at, json_number_value(value));
    else
        (void)sqlite3_bind_null(to, at);
}

/* value, stderr and the ends of ci95, from column at on. */
static void
bind_quantity(sqlite3_stmt *to, int at, const json_t *quantity)
{
    const json_t *interval = json_object_get(quantity, "ci95");
    bind_number(to, at, json_object_get(quantity, "value"));
    bind_number(to, at + 1, json_object_get(quantity, "stderr"));
    bind_number(to, at + 2, json_array_get(interval, 0));
    bind_number(to, at + 3, json_array_get(interval, 1));
}

/* The warnings, one a line, or why there is no fit.  malloc'd; NULL: no memory. */
static char *
remarks(const json_t *report)
{
    const json_t *warnings = json_object_get(report, "warnings");
    const char *reason = json_string_value(json_object_get(report, "reason"));
    size_t size = reason ? strlen(reason) + 1 : 1, used = 0;
    for (size_t i = 0; i < json_array_size(warnings); i++)
        size += strlen(json_string_value(json_array_get(warnings, i))) + 1;
    char *text = malloc(size);
    if (!text)
        return NULL;
    (void)snprintf(text, size, "%s", reason ? reason : "");
    for (size_t i = 0; i < json_array_size(warnings); i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? "\n" : "",
                                 json_string_value(json_array_get(warnings, i)));
    return text;
}

static iw_status
insert(iw_sqlite *self, const json_t *report, iw_error *err)
{
    static const char insertion[] =
        "INSERT INTO materials VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, "
        "?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)";
    const json_t *fit = json_object_get(report, "fit"), *points = json_object_get(report, "points");
    const json_t *range = json_object_get(fit, "temperature_range_K");
    sqlite3_int64 used = 0;
    for (size_t i = 0; i < json_array_size(points); i++)
        used += json_is_true(json_object_get(json_array_get(points, i), "used"));
    char *text = remarks(report);
    if (!text)
        return iw_fail(err, IW_NO_MEMORY, "no memory for the remarks on a material");
    sqlite3_stmt *to = NULL;
    iw_status status = iw_sqlite_prepare(self, insertion, &to, err);
    if (status == IW_OK) {
        const char *material = json_string_value(json_object_get(report, "material"));
        const char *group = json_string_value(json_object_get(report, "group"));
        (void)sqlite3_bind_text(to, 1, material, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(to, 2, group, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(to, 3, (sqlite3_int64)json_array_size(points));
        (void)sqlite3_bind_int64(to, 4, used);
        bind_number(to, 5, json_array_get(range, 0));
        bind_number(to, 6, json_array_get(range, 1));
        bind_quantity(to, 7, json_object_get(fit, "E_a_eV"));
        bind_number(to, 11, json_object_get(json_object_get(fit, "ln_D0"), "value"));
        bind_number(to, 12, json_object_get(json_object_get(fit, "ln_D0"), "stderr"));
        bind_quantity(to, 13, json_object_get(fit, "D_cm2_s"));
        bind_number(to, 17, json_object_get(fit, "chi2"));
        if (json_is_integer(json_object_get(fit, "degrees_of_freedom")))
            (void)sqlite3_bind_int64(
                to, 18, json_integer_value(json_object_get(fit, "degrees_of_freedom")));
        bind_number(to, 19, json_object_get(fit, "p_value"));
        bind_number(to, 20, json_object_get(fit, "errors_widened"));
        (void)sqlite3_bind_text(to, 21, text, -1, SQLITE_STATIC);
        int code = sqlite3_step(to);
        if (code != SQLITE_DONE)
            status = iw_sqlite_fail(self, code, "filing a material", err);
    }
    (void)sqlite3_finalize(to);
    free(text);
    return status;
}

iw_status
iw_sqlite_fit_material(iw_sqlite *self, const char *material, iw_error *err)
{
    json_t *runs = NULL, *groups = NULL, *row;
    size_t i;
    iw_status status = change(self, "DELETE FROM materials WHERE material = ?1", &material, 1, err);
    if (status == IW_OK && *material)
        status = iw_sqlite_of_material(self, material, &runs, err);
    if (status == IW_OK && json_array_size(runs) > 0)
        status = iw_sqlite_select(self,
                                  "SELECT DISTINCT g.name FROM groups g JOIN runs r ON r.run = "
                                  "g.run WHERE r.material = ?1",
                                  &material, 1, &groups, err);
    json_array_foreach(groups, i, row)
    {
        json_t *report = NULL;
        if (status == IW_OK)
            status = iw_arrhenius_report(material, json_string_value(json_object_get(row, "name")),
                                         runs, ROOM_TEMPERATURE_K, &report, err);
        if (report)
            status = insert(self, report, err);
        json_decref(report);
    }
    json_decref(groups);
    json_decref(runs);
    return status;
}
