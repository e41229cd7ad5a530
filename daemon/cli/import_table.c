/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import_table.c - tables of numbers by material or by run. */
#include "adapters/text.h"
#include "import_file.h"

#include "publish/units.h"
#include "publish/values.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- CSV into an array of objects; every value is a text ---- */

typedef struct {
    const char *at, *end;
    size_t line;
    char *field; /* of the size of the whole text */
    size_t size;
} csv;

static void
next_line(csv *self)
{
    self->line += self->at < self->end && *self->at == '\n';
    self->at += self->at < self->end;
}

static bool
is_blank_character(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void
skip_blanks(csv *self)
{
    while (self->at < self->end && is_blank_character(*self->at))
        self->at++;
}

/* Up to the comma or the end of the line, which stays.  Blanks around it do not count. */
static iw_status
csv_field(csv *self, iw_error *err)
{
    self->size = 0;
    skip_blanks(self);
    if (self->at < self->end && *self->at == '"') {
        size_t began = self->line;
        for (self->at++; self->at < self->end; next_line(self)) {
            if (*self->at == '"' && (self->at + 1 == self->end || self->at[1] != '"'))
                break;
            self->at += *self->at == '"';
            self->field[self->size++] = *self->at;
        }
        if (self->at == self->end)
            return iw_fail(err, IW_INVALID, "line %zu: a quote is not closed", began);
        self->at++;
        skip_blanks(self);
        if (self->at < self->end && *self->at != ',' && *self->at != '\n')
            return iw_fail(err, IW_INVALID,
                           "line %zu: more after a closing quote; a quote within quotes is doubled",
                           self->line);
    }
    while (self->at < self->end && *self->at != ',' && *self->at != '\n')
        self->field[self->size++] = *self->at++;
    while (self->size > 0 && is_blank_character(self->field[self->size - 1]))
        self->size--;
    return memchr(self->field, '\0', self->size)
               ? iw_fail(err, IW_INVALID, "line %zu: a zero byte", self->line)
               : IW_OK;
}

/* A line as an array of texts. */
static iw_status
csv_line(csv *self, json_t **out, iw_error *err)
{
    json_t *fields = json_array();
    size_t line = self->line;
    iw_status status = fields ? IW_OK : iw_fail(err, IW_NO_MEMORY, "no memory for a line");
    for (bool more = true; status == IW_OK && more;) {
        status = csv_field(self, err);
        if (status == IW_OK &&
            json_array_append_new(fields, json_stringn(self->field, self->size)) != 0)
            status = iw_fail(err, IW_INVALID, "line %zu is not UTF-8", line);
        more = self->at < self->end && *self->at == ',';
        self->at += more;
    }
    next_line(self);
    if (status) {
        json_decref(fields);
        return status;
    }
    *out = fields;
    return IW_OK;
}

static bool
is_blank(const json_t *fields)
{
    return json_array_size(fields) == 1 && !*json_string_value(json_array_get(fields, 0));
}

static iw_status
csv_row(const json_t *names, json_t *fields, size_t line, json_t *rows, iw_error *err)
{
    size_t n = json_array_size(fields);
    if (n != json_array_size(names))
        return iw_fail(err, IW_INVALID, "line %zu: %zu fields, but %zu names in the first line",
                       line, n, json_array_size(names));
    json_t *row = json_object();
    for (size_t i = 0; i < n; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (json_object_get(row, name)) {
            json_decref(row);
            return iw_fail(err, IW_INVALID, "two columns are called \"%s\"", name);
        }
        (void)json_object_set(row, name, json_array_get(fields, i));
    }
    return json_array_append_new(rows, row) == 0 ? IW_OK : iw_fail(err, IW_NO_MEMORY, "no memory");
}

/* Tables of spreadsheets have semicolons where the decimal sign is a comma. */
static iw_status
check_names(const json_t *names, size_t line, iw_error *err)
{
    bool one = json_array_size(names) == 1;
    return one && strpbrk(json_string_value(json_array_get(names, 0)), ";\t")
               ? iw_fail(err, IW_INVALID,
                         "line %zu: fields are separated by commas, not by semicolons or tabs, and "
                         "numbers have a point",
                         line)
               : IW_OK;
}

static iw_status
csv_rows(csv *self, json_t *rows, iw_error *err)
{
    json_t *names = NULL, *fields;
    iw_status status = IW_OK;
    while (status == IW_OK && self->at < self->end) {
        size_t line = self->line;
        status = csv_line(self, &fields, err);
        if (status)
            break;
        if (!names && !is_blank(fields))
            status = check_names(names = json_incref(fields), line, err);
        else if (!is_blank(fields))
            status = csv_row(names, fields, line, rows, err);
        json_decref(fields);
    }
    json_decref(names);
    return status;
}

static iw_status
rows_of_csv(const char *text, size_t size, json_t **rows, iw_error *err)
{
    static const char mark[] = "\xef\xbb\xbf"; /* that spreadsheets begin with */
    size_t skip = size >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0;
    csv self = {.at = text + skip, .end = text + size, .line = 1, .field = malloc(size + 1)};
    *rows = json_array();
    iw_status status = self.field && *rows ? csv_rows(&self, *rows, err)
                                           : iw_fail(err, IW_NO_MEMORY, "no memory for a table");
    free(self.field);
    return status;
}

static iw_status
rows_of_json(const char *text, size_t size, json_t **rows, iw_error *err)
{
    json_error_t where;
    size_t i;
    json_t *row;
    *rows = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
    if (!*rows)
        return iw_fail(err, IW_INVALID, "line %d: %s", where.line, where.text);
    if (!json_is_array(*rows))
        return iw_fail(err, IW_INVALID, "an array of objects is expected");
    json_array_foreach(*rows, i, row)
    {
        if (!json_is_object(row))
            return iw_fail(err, IW_INVALID, "entry %zu is no object", i + 1);
    }
    return IW_OK;
}

/* ---- numbers ---- */

/* NAN: there is none. */
static iw_status
number_of(const json_t *value, double *out, iw_error *err)
{
    const char *text = json_string_value(value);
    *out = iw_number_of(value);
    if (json_is_number(value) || json_is_null(value))
        return IW_OK;
    if (text && (!*text || strcasecmp(text, "na") == 0 || strcasecmp(text, "nan") == 0))
        return IW_OK;
    if (text && iw_parse_real(text, out))
        return IW_OK;
    return text ? iw_fail(err, IW_INVALID, "\"%.40s\" is no number", text)
                : iw_fail(err, IW_INVALID, "neither a number nor null");
}

/* The place of a descriptor in the set, made when it is not there. */
static iw_store_property *
place_in(iw_store_properties *set, const iw_column *column)
{
    for (size_t i = 0; i < set->n; i++)
        if (strcmp(set->rows[i].descriptor, column->descriptor) == 0)
            return &set->rows[i];
    iw_store_property *row = &set->rows[set->n++];
    *row = (iw_store_property){.value = (double)NAN,
                               .standard_error = (double)NAN,
                               .unit = column->unit,
                               .category = column->category};
    (void)snprintf(row->descriptor, sizeof row->descriptor, "%s", column->descriptor);
    return row;
}

static iw_status
put(double *to, double value, const iw_column *column, iw_error *err)
{
    if (isnan(value))
        return IW_OK;
    value *= column->factor;
    if (!isnan(*to) && *to != value)
        return iw_fail(err, IW_INVALID, "two values, %g and %g %s", *to, value, column->unit);
    *to = value;
    return IW_OK;
}

/* {"value": 3.5, "stderr": 0.1}: a unit beside them, or a misspelt error, would be lost. */
static iw_status
split_cell(const json_t **value, double *error, iw_error *err)
{
    const json_t *number = json_object_get(*value, "value");
    const json_t *of = json_object_get(*value, "stderr");
    if (json_object_size(*value) > (size_t)(number != NULL) + (size_t)(of != NULL))
        return iw_fail(err, IW_INVALID,
                       "only \"value\" and \"stderr\" are read; the unit is in the name of "
                       "the column");
    *value = number;
    return of ? number_of(of, error, err) : IW_OK;
}

static iw_status
take_cell(iw_store_properties *set, const char *name, const json_t *value, bool as_is,
          iw_error *err)
{
    iw_column column;
    double number, error = (double)NAN;
    iw_status status = iw_column_find(name, as_is, &column, err);
    if (status)
        return status; /* names itself */
    if (json_is_object(value))
        status = split_cell(&value, &error, err);
    if (status == IW_OK)
        status = number_of(value, &number, err);
    iw_store_property *row = place_in(set, &column);
    if (status == IW_OK)
        status = put(column.is_error ? &row->standard_error : &row->value, number, &column, err);
    if (status == IW_OK)
        status = put(&row->standard_error, error, &column, err);
    if (status == IW_OK && row->standard_error < 0)
        status = iw_fail(err, IW_INVALID, "a standard error of %g", row->standard_error);
    return status ? iw_prefix(err, "%s", name) : IW_OK;
}

/* ---- rows ---- */

static const char *
key_of(const json_t *row, const char **kind)
{
    *kind = json_object_get(row, "material") ? "material" : "run";
    const char *key = json_string_value(json_object_get(row, *kind));
    return key && *key ? key : NULL;
}

/* Of a material or run that the table has named before, with room for so many more numbers. */
static iw_store_properties *
grown_set(iw_store_properties *set, size_t more, const char *key, iw_error *err)
{
    iw_store_property *grown = calloc(set->n + more, sizeof *grown);
    if (!grown) {
        (void)iw_fail(err, IW_NO_MEMORY, "no memory for %s", key);
        return NULL;
    }
    if (set->n > 0)
        memcpy(grown, set->rows, set->n * sizeof *grown);
    free(set->rows);
    set->rows = grown;
    return set;
}

/* The set of a material or run, NULL with *err; a table may have several rows of one. */
static iw_store_properties *
set_of(iw_import_table *out, const json_t *row, iw_error *err)
{
    const char *kind, *key = key_of(row, &kind);
    if (json_object_get(row, "material") && json_object_get(row, "run")) {
        (void)iw_fail(err, IW_INVALID, "both \"material\" and \"run\": a table is by one of them");
        return NULL;
    }
    if (!key) {
        (void)iw_fail(err, IW_INVALID, "no \"material\" and no \"run\"");
        return NULL;
    }
    bool run = strcmp(kind, "run") == 0;
    size_t columns = json_object_size(row);
    json_t *places = json_object_get(out->places, kind);
    const json_t *place = json_object_get(places, key);
    if (place)
        return grown_set(&out->sets[json_integer_value(place)], columns, key, err);
    iw_store_properties *fresh = &out->sets[out->n];
    *fresh = (iw_store_properties){.material = run ? NULL : key,
                                   .run = run ? key : NULL,
                                   .method = "imported",
                                   .rows = calloc(columns, sizeof *fresh->rows)};
    if (!fresh->rows || json_object_set_new(places, key, json_integer((json_int_t)out->n)) != 0) {
        free(fresh->rows);
        (void)iw_fail(err, IW_NO_MEMORY, "no memory for %s", key);
        return NULL;
    }
    out->n++;
    return fresh;
}

static iw_status
take_row(iw_import_table *out, json_t *row, bool as_is, iw_error *err)
{
    const char *name;
    json_t *value;
    iw_status status = IW_OK;
    iw_store_properties *set = set_of(out, row, err);
    if (!set)
        return err->code;
    json_object_foreach(row, name, value)
    {
        if (status == IW_OK && strcmp(name, "material") != 0 && strcmp(name, "run") != 0)
            status = take_cell(set, name, value, as_is, err);
    }
    return status ? iw_prefix(err, "%s", set->material ? set->material : set->run) : IW_OK;
}

/* Drops what has no value. */
static iw_status
settle(iw_import_table *out, iw_error *err)
{
    for (size_t s = 0; s < out->n; s++) {
        iw_store_properties *set = &out->sets[s];
        size_t kept = 0;
        for (size_t i = 0; i < set->n; i++) {
            if (isnan(set->rows[i].value) && !isnan(set->rows[i].standard_error))
                return iw_fail(err, IW_INVALID, "%s: %s has a standard error and no value",
                               set->material ? set->material : set->run, set->rows[i].descriptor);
            if (!isnan(set->rows[i].value))
                set->rows[kept++] = set->rows[i];
        }
        set->n = kept;
        out->numbers += kept;
    }
    return out->numbers ? IW_OK : iw_fail(err, IW_INVALID, "there is no number in it");
}

iw_status
iw_import_table_parse(const char *text, size_t size, bool as_is, iw_import_table *out,
                      iw_error *err)
{
    size_t i, blank = strspn(text, " \t\r\n");
    json_t *row;
    *out = (iw_import_table){0};
    bool json = text[blank] == '[' || text[blank] == '{';
    iw_status status =
        json ? rows_of_json(text, size, &out->rows, err) : rows_of_csv(text, size, &out->rows, err);
    if (status == IW_OK) {
        out->sets = calloc(json_array_size(out->rows) + 1, sizeof *out->sets);
        out->places = json_pack("{s:{}, s:{}}", "material", "run");
        if (!out->sets || !out->places) {
            iw_import_table_fini(out);
            return iw_fail(err, IW_NO_MEMORY, "no memory for a table");
        }
    }
    json_array_foreach(out->rows, i, row)
    {
        if (status == IW_OK && (status = take_row(out, row, as_is, err)) != IW_OK)
            (void)iw_prefix(err, "row %zu", i + 1);
    }
    if (status == IW_OK)
        status = settle(out, err);
    if (status)
        iw_import_table_fini(out);
    return status;
}

void
iw_import_table_fini(iw_import_table *self)
{
    for (size_t i = 0; self->sets && i < self->n; i++)
        free(self->sets[i].rows);
    free(self->sets);
    json_decref(self->rows);
    json_decref(self->places);
    *self = (iw_import_table){0};
}
