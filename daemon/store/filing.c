/* SPDX-License-Identifier: GPL-3.0-or-later */
/* filing.c - from a record in the words of the JSON contract to rows of tables, and back. */
#include "filing.h"

#include "publish/json.h"
#include "publish/values.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const axis_name[3] = {"xx", "yy", "zz"};

/* "D_axes_cm2_s" stands for three numbers: "D_xx_cm2_s", ...  False for every other key. */
static bool
axis_descriptor(const char *key, size_t axis, char *name, size_t size)
{
    const char *mark = strstr(key, "_axes_");
    if (!mark)
        return false;
    (void)snprintf(name, size, "%.*s_%s_%s", (int)(mark - key), key, axis_name[axis], mark + 6);
    return true;
}

static iw_status
add_row(iw_store_filing *filing, const iw_store_row *row, iw_error *err)
{
    if (!isfinite(row->value))
        return IW_OK; /* not known: no row */
    if (filing->n_rows % 64 == 0) {
        iw_store_row *rows = realloc(filing->rows, (filing->n_rows + 64) * sizeof *rows);
        if (!rows)
            return iw_fail(err, IW_NO_MEMORY, "no memory for descriptor %zu", filing->n_rows + 1);
        filing->rows = rows;
    }
    filing->rows[filing->n_rows++] = *row;
    return IW_OK;
}

/* The standard error of object[key], where the value does not bring its own: in the object
 * "stderr" under the same key, or beside it, "D_green_kubo_stderr_cm2_s" of "D_green_kubo_cm2_s".
 */
static const json_t *
error_of(const json_t *object, const char *key)
{
    char name[96];
    const char *unit = strstr(key, "_cm2_s");
    const json_t *error = json_object_get(json_object_get(object, "stderr"), key);
    if (error || !unit)
        return error;
    (void)snprintf(name, sizeof name, "%.*s_stderr%s", (int)(unit - key), key, unit);
    return json_object_get(object, name);
}

/* A descriptor is a number, {value, stderr, ci95}, or one number for each axis. */
static iw_status
add_descriptor(iw_store_filing *filing, const char *group, const char *method,
               const iw_descriptor_row *about, const json_t *object, iw_error *err)
{
    const json_t *value = json_object_get(object, about->key);
    const json_t *error = error_of(object, about->key);
    iw_store_row row = {.group = group,
                        .method = method,
                        .category = about->category,
                        .unit = about->unit,
                        .value = iw_number_of(value),
                        .standard_error = iw_number_of(error),
                        .ci95_lo = NAN,
                        .ci95_hi = NAN};
    (void)snprintf(row.descriptor, sizeof row.descriptor, "%s", about->key);
    if (json_is_object(value)) {
        const json_t *interval = json_object_get(value, "ci95");
        row.value = iw_number_of(json_object_get(value, "value"));
        row.standard_error = iw_number_of(json_object_get(value, "stderr"));
        row.ci95_lo = iw_number_of(json_array_get(interval, 0));
        row.ci95_hi = iw_number_of(json_array_get(interval, 1));
    }
    if (!json_is_array(value))
        return add_row(filing, &row, err);
    for (size_t axis = 0; axis < 3; axis++) {
        if (!axis_descriptor(about->key, axis, row.descriptor, sizeof row.descriptor))
            return IW_OK;
        row.value = iw_number_of(json_array_get(value, axis));
        row.standard_error = iw_number_of(json_array_get(error, axis));
        iw_status status = add_row(filing, &row, err);
        if (status)
            return status;
    }
    return IW_OK;
}

static iw_status
add_column(iw_store_filing *filing, const char *group, const char *series, const char *column,
           const json_t *values, iw_error *err)
{
    if (filing->n_columns % 32 == 0) {
        size_t size = (filing->n_columns + 32) * sizeof *filing->columns;
        iw_store_column *columns = realloc(filing->columns, size);
        if (!columns)
            return iw_fail(err, IW_NO_MEMORY, "no memory for the series of %s", group);
        filing->columns = columns;
    }
    size_t n = json_array_size(values);
    double *numbers = malloc((n + 1) * sizeof *numbers);
    /* Group and column outlive the series, which is taken out of the record. */
    char *names = malloc(strlen(group) + strlen(column) + 2);
    if (!numbers || !names) {
        free(numbers);
        free(names);
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu values of %s %s", n, group, series);
    }
    for (size_t i = 0; i < n; i++)
        numbers[i] = iw_number_of(json_array_get(values, i));
    iw_store_column *to = &filing->columns[filing->n_columns++];
    size_t length = strlen(group) + 1;
    memcpy(names, group, length);
    memcpy(names + length, column, strlen(column) + 1);
    *to = (iw_store_column){.group = names, .column = names + length, .n = n, .values = numbers};
    (void)snprintf(to->series, sizeof to->series, "%s", series);
    return IW_OK;
}

/* A series is an object whose members are all arrays: {"lag_ps": [..], "msd_A2": [..]}. */
static bool
is_series(json_t *value)
{
    const char *key;
    json_t *member;
    if (!json_is_object(value) || json_object_size(value) == 0)
        return false;
    json_object_foreach(value, key, member)
    {
        if (!json_is_array(member))
            return false;
    }
    return true;
}

/* Takes the series out of an object; prefix is "", "paper." or "history.". */
static iw_status
take_series(iw_store_filing *filing, const char *group, json_t *object, const char *prefix,
            iw_error *err)
{
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(object, next, key, value)
    {
        if (!is_series(value))
            continue;
        char series[64];
        if (snprintf(series, sizeof series, "%s%s", prefix, key) >= (int)sizeof series)
            return iw_fail(err, IW_INVALID, "series name %s%s is longer than 63 characters", prefix,
                           key);
        const char *column;
        json_t *values;
        json_object_foreach(value, column, values)
        {
            iw_status status = add_column(filing, group, series, column, values, err);
            if (status)
                return status;
        }
        (void)json_object_del(object, key);
    }
    return IW_OK;
}

static iw_status
take_group(iw_store_filing *filing, const char *group, json_t *object, iw_error *err)
{
    json_t *paper = json_object_get(object, "paper");
    for (const iw_descriptor_row *about = iw_descriptor_catalogue; about->key; about++) {
        iw_status status = add_descriptor(filing, group, "physical", about, object, err);
        if (status == IW_OK)
            status = add_descriptor(filing, group, "paper", about, paper, err);
        if (status)
            return status;
    }
    iw_status status = take_series(filing, group, object, "", err);
    if (status == IW_OK && json_is_object(paper))
        status = take_series(filing, group, paper, "paper.", err);
    return status;
}

/* What belongs to the run as a whole is filed under the group of all its atoms. */
static iw_status
take_of_run(iw_store_filing *filing, json_t *object, const char *category, const char *method,
            iw_error *err)
{
    iw_status status = IW_OK;
    const iw_descriptor_row *about = iw_descriptor_catalogue;
    for (; about->key && status == IW_OK; about++) {
        if (strcmp(about->category, category) == 0)
            status = add_descriptor(filing, "all", method, about, object, err);
    }
    return status == IW_OK ? take_series(filing, "all", object, "", err) : status;
}

/* D of the mobile group under that one; the rest is of the run as a whole. */
static iw_status
take_history(iw_store_filing *filing, json_t *record, iw_error *err)
{
    json_t *history = json_object_get(record, "history");
    json_t *diffusion = json_object_get(history, "diffusion");
    bool mobile = json_object_get(json_object_get(record, "groups"), "mobile") != NULL;
    iw_status status = IW_OK;
    if (diffusion && mobile) {
        json_t *alone = json_pack("{sO}", "diffusion", diffusion);
        status = alone ? take_series(filing, "mobile", alone, "history.", err)
                       : iw_fail(err, IW_NO_MEMORY, "no memory for the history of D");
        json_decref(alone);
        (void)json_object_del(history, "diffusion");
    }
    if (status == IW_OK)
        status = take_series(filing, "all", history, "history.", err);
    (void)json_object_del(record, "history");
    return status;
}

iw_status
iw_store_filing_init(iw_store_filing *filing, json_t *record, const iw_run_info *run, iw_error *err)
{
    *filing = (iw_store_filing){.run = run, .record = record};
    json_t *groups = json_object_get(record, "groups");
    if (!json_is_object(groups) || !json_is_object(json_object_get(record, "run")))
        return iw_fail(err, IW_INVALID, "the record has no run or no groups");
    const char *group;
    json_t *object;
    json_object_foreach(groups, group, object)
    {
        iw_status status = take_group(filing, group, object, err);
        if (status)
            return iw_prefix(err, "group %s", group);
    }
    json_t *transport = json_object_get(record, "transport");
    json_t *structure = json_object_get(record, "structure");
    if (json_object_get(groups, "all")) {
        if (take_of_run(filing, transport, "transport", "physical", err) != IW_OK)
            return iw_prefix(err, "transport");
        if (take_of_run(filing, structure, "structural", "structure", err) != IW_OK)
            return iw_prefix(err, "structure");
        if (take_history(filing, record, err) != IW_OK)
            return iw_prefix(err, "history");
    }
    filing->record_text = json_dumps(record, JSON_COMPACT);
    if (!filing->record_text)
        return iw_fail(err, IW_NO_MEMORY, "no memory for the text of the record");
    return IW_OK;
}

void
iw_store_filing_fini(iw_store_filing *filing)
{
    for (size_t i = 0; i < filing->n_columns; i++) {
        free((char *)(uintptr_t)filing->columns[i].group); /* add_column's; column shares it */
        free(filing->columns[i].values);
    }
    free(filing->columns);
    free(filing->rows);
    free(filing->record_text);
    *filing = (iw_store_filing){0};
}

/* object[key], made when it is not there. */
static json_t *
member(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    if (!value && json_object_set_new(object, key, json_object()) == 0)
        value = json_object_get(object, key);
    return value;
}

/* The object that a series was taken out of; *series becomes its name there. */
static json_t *
place_of(json_t *record, const char *group, const char **series)
{
    if (strcmp(*series, "charge_msd") == 0)
        return member(record, "transport");
    bool history = strncmp(*series, "history.", 8) == 0, paper = strncmp(*series, "paper.", 6) == 0;
    *series += history ? 8 : paper ? 6 : 0;
    if (history)
        return member(record, "history");
    json_t *at = member(json_object_get(record, "groups"), group);
    return paper ? member(at, "paper") : at;
}

iw_status
iw_store_attach_series(json_t *record, const json_t *series, iw_error *err)
{
    size_t i;
    json_t *row;
    json_array_foreach(series, i, row)
    {
        const char *group = json_string_value(json_object_get(row, "group"));
        const char *name = json_string_value(json_object_get(row, "series"));
        const char *column = json_string_value(json_object_get(row, "column"));
        json_t *at = group && name ? place_of(record, group, &name) : NULL;
        if (!at || !column ||
            json_object_set(member(at, name), column, json_object_get(row, "values")) != 0)
            return iw_fail(err, IW_NO_MEMORY, "no memory for series %zu of the record", i + 1);
    }
    return IW_OK;
}

static iw_status
wide_column(iw_store_wide_column each, void *arg, const char *descriptor, const char *category)
{
    char name[96];
    iw_status status = each(arg, descriptor, descriptor, "physical", category, false);
    if (status == IW_OK && strcmp(descriptor, "D_cm2_s") == 0) {
        status = each(arg, "D_stderr_cm2_s", descriptor, "physical", category, true);
    } else if (status == IW_OK && strcmp(category, "transport") == 0) {
        (void)snprintf(name, sizeof name, "%s_stderr", descriptor);
        status = each(arg, name, descriptor, "physical", category, true);
    } else if (status == IW_OK && strcmp(category, "vibrational") == 0) {
        (void)snprintf(name, sizeof name, "paper_%s", descriptor);
        status = each(arg, name, descriptor, "paper", category, false);
    }
    return status;
}

iw_status
iw_store_wide_columns(iw_store_wide_column each, void *arg)
{
    for (const iw_descriptor_row *about = iw_descriptor_catalogue; about->key; about++) {
        char name[64];
        iw_status status = IW_OK;
        if (!axis_descriptor(about->key, 0, name, sizeof name)) {
            status = wide_column(each, arg, about->key, about->category);
        } else {
            for (size_t axis = 0; axis < 3 && status == IW_OK; axis++) {
                (void)axis_descriptor(about->key, axis, name, sizeof name);
                status = wide_column(each, arg, name, about->category);
            }
        }
        if (status)
            return status;
    }
    return IW_OK;
}
