/* SPDX-License-Identifier: GPL-3.0-or-later */
/* materials.c - the table "materials": for every group, the line through the runs of one material.
 * Whatever changes the runs of a material makes its rows anew in the same transaction. */
#include "store_internal.h"

#include "material.h"
#include "publish/arrhenius_report.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_TEMPERATURE_K 300.0

iw_status
iw_store_materials(iw_store *self, json_t **names, iw_error *err)
{
    static const iw_sql_statement list = {
        "SELECT DISTINCT material FROM runs WHERE material <> '' ORDER BY material",
        "listing materials"};
    json_t *rows = NULL, *all = json_array(), *row;
    size_t i;
    iw_status status = iw_store_select(self, &list, NULL, 0, &rows, err);
    json_array_foreach(rows, i, row)
    {
        if (json_array_append(all, json_object_get(row, "material")) != 0)
            status = iw_fail(err, IW_NO_MEMORY, "no memory for the names of materials");
    }
    json_decref(rows);
    if (status) {
        json_decref(all);
        return status;
    }
    *names = all;
    return IW_OK;
}

iw_status
iw_store_of_material(iw_store *self, const char *material, json_t **runs, iw_error *err)
{
    static const iw_sql_statement list = {
        "SELECT 'filed' AS source, record AS record_json FROM runs WHERE material = $1 ORDER BY "
        "run",
        "reading the runs of a material"};
    return iw_store_select(self, &list, &material, 1, runs, err);
}

/* ---- the rows of one material ---- */

/* value, stderr and the ends of ci95. */
static void
quantity(iw_sql_value to[4], const json_t *of)
{
    const json_t *interval = json_object_get(of, "ci95");
    to[0] = iw_sql_member(json_object_get(of, "value"));
    to[1] = iw_sql_member(json_object_get(of, "stderr"));
    to[2] = iw_sql_member(json_array_get(interval, 0));
    to[3] = iw_sql_member(json_array_get(interval, 1));
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
insert(iw_store *self, const json_t *report, iw_error *err)
{
    static const iw_sql_statement insertion = {
        "INSERT INTO materials (material, \"group\", runs, runs_used, \"T_min_K\", \"T_max_K\", "
        "\"E_a_eV\", \"E_a_stderr_eV\", \"E_a_ci95_lo_eV\", \"E_a_ci95_hi_eV\", \"ln_D0\", "
        "\"ln_D0_stderr\", \"D300_cm2_s\", \"D300_stderr_cm2_s\", \"D300_ci95_lo_cm2_s\", "
        "\"D300_ci95_hi_cm2_s\", chi2, degrees_of_freedom, p_value, errors_widened, warnings) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, "
        "$19, $20, $21)",
        "filing a material"};
    const json_t *fit = json_object_get(report, "fit"), *points = json_object_get(report, "points");
    const json_t *range = json_object_get(fit, "temperature_range_K");
    const json_t *ln_D0 = json_object_get(fit, "ln_D0");
    int64_t used = 0;
    for (size_t i = 0; i < json_array_size(points); i++)
        used += json_is_true(json_object_get(json_array_get(points, i), "used"));
    char *text = remarks(report);
    if (!text)
        return iw_fail(err, IW_NO_MEMORY, "no memory for the remarks on a material");
    iw_sql_value values[21] = {iw_sql_member(json_object_get(report, "material")),
                               iw_sql_member(json_object_get(report, "group")),
                               iw_sql_integer((int64_t)json_array_size(points)),
                               iw_sql_integer(used),
                               iw_sql_member(json_array_get(range, 0)),
                               iw_sql_member(json_array_get(range, 1))};
    quantity(values + 6, json_object_get(fit, "E_a_eV"));
    values[10] = iw_sql_member(json_object_get(ln_D0, "value"));
    values[11] = iw_sql_member(json_object_get(ln_D0, "stderr"));
    quantity(values + 12, json_object_get(fit, "D_cm2_s"));
    values[16] = iw_sql_member(json_object_get(fit, "chi2"));
    values[17] = iw_sql_member(json_object_get(fit, "degrees_of_freedom"));
    values[18] = iw_sql_member(json_object_get(fit, "p_value"));
    values[19] = iw_sql_member(json_object_get(fit, "errors_widened"));
    values[20] = iw_sql_text(text);
    iw_status status = iw_store_change(self, &insertion, values, 21, err);
    free(text);
    return status;
}

/* The groups of all of its runs, each once: they stand in the records, and asking for them would be
 * one more way to the server and back.  A new reference; NULL: no memory. */
static json_t *
groups_of(const json_t *runs)
{
    json_t *all = json_object();
    size_t i;
    const json_t *row;
    json_array_foreach(runs, i, row)
    {
        json_t *groups = json_object_get(json_object_get(row, "record"), "groups");
        if (all && groups && json_object_update(all, groups) != 0) {
            json_decref(all);
            all = NULL;
        }
    }
    return all;
}

static iw_status
fit(iw_store *self, const char *material, iw_error *err)
{
    static const iw_sql_statement remove = {"DELETE FROM materials WHERE material = $1",
                                            "removing a material"};
    json_t *runs = NULL, *groups = NULL, *group;
    const char *name;
    iw_sql_value value = iw_sql_text(material);
    iw_status status = iw_store_change(self, &remove, &value, 1, err);
    if (status == IW_OK)
        status = iw_store_of_material(self, material, &runs, err);
    if (status == IW_OK && !(groups = groups_of(runs)))
        status = iw_fail(err, IW_NO_MEMORY, "no memory for the groups of %s", material);
    json_object_foreach(groups, name, group)
    {
        json_t *report = NULL;
        if (status == IW_OK)
            status = iw_arrhenius_report(material, name, runs, ROOM_TEMPERATURE_K, &report, err);
        if (report)
            status = insert(self, report, err);
        json_decref(report);
    }
    json_decref(groups);
    json_decref(runs);
    return status;
}

/* Alone with the material: another run of it may be filed just now. */
static iw_status
fit_alone(iw_store *self, const char *material, iw_error *err)
{
    char name[IW_MATERIAL_SIZE + 16];
    if (!material || !*material)
        return IW_OK;
    (void)snprintf(name, sizeof name, "material %s", material);
    iw_status status = self->backend->lock(self->state, name, err);
    return status ? status : fit(self, material, err);
}

iw_status
iw_store_refit(iw_store *self, const char *before, const char *now, iw_error *err)
{
    if (before && now && strcmp(before, now) == 0)
        before = NULL;
    /* By the alphabet, so that two who change the same two materials do not wait for each other. */
    bool swap = before && now && strcmp(before, now) > 0;
    iw_status status = fit_alone(self, swap ? now : before, err);
    return status ? status : fit_alone(self, swap ? before : now, err);
}

/* ---- the material of runs that do not say theirs ---- */

static iw_status
name_run(iw_store *self, int64_t run, const char *given, iw_error *err)
{
    static const iw_sql_statement list = {
        "SELECT species, atoms FROM species WHERE run = $1 ORDER BY ordinal", "listing species"};
    static const iw_sql_statement name = {"UPDATE runs SET material = $2 WHERE run = $1",
                                          "naming a material"};
    char formula[IW_MATERIAL_SIZE] = "";
    const char *species[IW_MAX_SPECIES];
    size_t atoms[IW_MAX_SPECIES], n = 0, i;
    json_t *rows = json_array(), *row;
    iw_sql_value values[2] = {iw_sql_integer(run)};
    iw_status status = self->backend->select(self->state, &list, values, 1, iw_sql_keep, rows, err);
    json_array_foreach(rows, i, row)
    {
        if (n == IW_MAX_SPECIES)
            break;
        species[n] = json_string_value(json_object_get(row, "species"));
        atoms[n++] = (size_t)json_integer_value(json_object_get(row, "atoms"));
    }
    iw_formula(species, atoms, n, formula);
    values[1] = iw_sql_text(given && *given ? given : formula);
    if (status == IW_OK)
        status = iw_store_change(self, &name, values, 2, err);
    json_decref(rows);
    return status;
}

iw_status
iw_store_name_materials(iw_store *self, iw_error *err)
{
    static const iw_sql_statement unnamed = {
        "SELECT r.run, (SELECT trim(m.value) FROM metadata m WHERE m.run = r.run AND m.key = "
        "'material') AS given FROM runs r WHERE r.material IS NULL",
        "looking for runs without a material"};
    json_t *rows = NULL, *names = NULL, *row;
    size_t i;
    iw_status status = iw_store_select(self, &unnamed, NULL, 0, &rows, err);
    json_array_foreach(rows, i, row)
    {
        if (status == IW_OK)
            status = name_run(self, json_integer_value(json_object_get(row, "run")),
                              json_string_value(json_object_get(row, "given")), err);
    }
    if (status == IW_OK && json_array_size(rows) > 0)
        status = iw_store_materials(self, &names, err);
    json_array_foreach(names, i, row)
    {
        if (status == IW_OK)
            status = fit_alone(self, json_string_value(row), err);
    }
    json_decref(names);
    json_decref(rows);
    return status;
}
