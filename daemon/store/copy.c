/* SPDX-License-Identifier: GPL-3.0-or-later */
/* copy.c - a run from one database into another: the same rows under another number. */
#include "store_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Statements to read a table and to write it; those to write name the columns that were read, and
 * live as long as the database that they write to. */
static const struct {
    const char *table;
    const char *key; /* of rows that are replaced; NULL: those that were there have been removed */
    iw_sql_statement read;
} tables[IW_STORE_TABLES] = {
    {"runs", "id", {"SELECT * FROM runs WHERE run = $1", "reading a run"}},
    {"species", NULL, {"SELECT * FROM species WHERE run = $1 ORDER BY ordinal", "reading species"}},
    {"groups", NULL, {"SELECT * FROM groups WHERE run = $1 ORDER BY ordinal", "reading groups"}},
    {"descriptors", NULL, {"SELECT * FROM descriptors WHERE run = $1", "reading descriptors"}},
    {"series", NULL, {"SELECT * FROM series WHERE run = $1 ORDER BY ordinal", "reading series"}},
    {"events", NULL, {"SELECT * FROM events WHERE run = $1 ORDER BY ordinal", "reading events"}},
    {"metadata", NULL, {"SELECT * FROM metadata WHERE run = $1", "reading metadata"}},
    {"run_descriptors",
     "run, descriptor",
     {"SELECT * FROM run_descriptors WHERE run = $1", "reading what was imported"}},
    {"material_descriptors",
     "material, descriptor, method",
     {"SELECT d.* FROM material_descriptors d JOIN runs r ON r.material = d.material WHERE r.run = "
      "$1",
      "reading what is known of a material"}},
};

/* A row's values; what was bytes is an array of numbers, which is made bytes again in *room. */
static iw_status
values_of(const json_t *row, int64_t run, iw_sql_value *values, size_t *n, unsigned char **room,
          iw_error *err)
{
    const char *key;
    json_t *value;
    *n = 0;
    json_object_foreach((json_t *)(uintptr_t)row, key, value)
    {
        if (*n == IW_SQL_VALUES)
            return iw_fail(err, IW_CORRUPT, "a row of more than %d columns", (int)IW_SQL_VALUES);
        bool number_of_run = strcmp(key, "run") == 0;
        if (number_of_run && run == 0)
            continue; /* it gets its own */
        values[*n] = number_of_run ? iw_sql_integer(run) : iw_sql_member(value);
        if (json_is_array(value)) {
            size_t size = json_array_size(value);
            unsigned char *grown = realloc(*room, 8 * size + 1);
            if (!grown)
                return iw_fail(err, IW_NO_MEMORY, "no memory for %zu values", size);
            *room = grown;
            for (size_t i = 0; i < size; i++) {
                const json_t *number = json_array_get(value, i);
                iw_sql_put_f64(*room + 8 * i,
                               json_is_real(number) ? json_real_value(number) : (double)NAN);
            }
            values[*n] = iw_sql_bytes(*room, 8 * size);
        }
        ++*n;
    }
    return IW_OK;
}

/* From the names of the columns of a row; a run keeps the number that it has.  malloc'd. */
static char *
insertion(size_t table, const json_t *row)
{
    bool run = strcmp(tables[table].table, "runs") == 0;
    const char *names[IW_SQL_VALUES], *key;
    size_t n = 0;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)row, key, value)
    {
        if (n < IW_SQL_VALUES && !(run && strcmp(key, "run") == 0))
            names[n++] = key;
    }
    return iw_store_insertion(tables[table].table, names, n, tables[table].key);
}

typedef struct {
    iw_store *to;
    size_t table;
    int64_t run; /* its number there; 0: not known yet */
    unsigned char *room;
} copying;

static iw_status
copy_row(void *arg, json_t *row, iw_error *err)
{
    copying *self = arg;
    iw_sql_value values[IW_SQL_VALUES];
    size_t n = 0;
    char **text = &self->to->copy_insertions[self->table];
    if (!*text)
        *text = insertion(self->table, row);
    if (!*text)
        return iw_fail(err, IW_NO_MEMORY, "no memory to copy a run");
    iw_sql_statement insert = {*text, "filing a copy"};
    iw_status status = values_of(row, self->run, values, &n, &self->room, err);
    if (status)
        return status;
    if (self->run)
        return iw_store_change(self->to, &insert, values, n, err);
    json_t *rows = json_array();
    status = self->to->backend->select(self->to->state, &insert, values, n, iw_sql_keep, rows, err);
    self->run = json_integer_value(json_object_get(json_array_get(rows, 0), "run"));
    json_decref(rows);
    return status ? status : iw_store_empty_run(self->to, self->run, err);
}

/* What the copy goes by: number, id and material of the run where it is read. */
static iw_status
find(iw_store *from, const char *text, char id[IW_ID_LENGTH + 1], json_t **row, iw_error *err)
{
    static const iw_sql_statement read = {"SELECT run, material FROM runs WHERE id = $1",
                                          "looking for the run"};
    iw_status status = iw_store_resolve(from, text, id, err);
    if (status)
        return status;
    const char *texts[] = {id};
    json_t *rows = NULL;
    status = iw_store_select(from, &read, texts, 1, &rows, err);
    *row = json_incref(json_array_get(rows, 0));
    json_decref(rows);
    return status;
}

static iw_status
copy_all(iw_store *self, iw_store *from, const char *id, const json_t *row, iw_error *err)
{
    copying copy = {.to = self};
    char *before = NULL;
    const char *material = json_string_value(json_object_get(row, "material"));
    iw_sql_value number = iw_sql_integer(json_integer_value(json_object_get(row, "run")));
    iw_status status = iw_store_begin_change(self, id, &before, err);
    for (; copy.table < IW_STORE_TABLES && status == IW_OK; copy.table++) {
        /* Others may bring the same rows of a material in another order. */
        if (strcmp(tables[copy.table].table, "material_descriptors") == 0)
            status = self->backend->lock(self->state, "import", err);
        if (status == IW_OK)
            status = from->backend->select(from->state, &tables[copy.table].read, &number, 1,
                                           copy_row, &copy, err);
    }
    if (status == IW_OK)
        status = iw_store_refit(self, before, material ? material : "", err);
    free(copy.room);
    free(before);
    return iw_store_end(self, status, err);
}

iw_status
iw_store_copy(iw_store *self, iw_store *from, const char *run, iw_error *err)
{
    char id[IW_ID_LENGTH + 1];
    json_t *row = NULL;
    iw_status status = from->backend->begin(from->state, false, err);
    if (status == IW_OK)
        status = find(from, run, id, &row, err);
    if (status == IW_OK)
        status = copy_all(self, from, id, row, err);
    json_decref(row);
    if (status == IW_OK)
        return from->backend->commit(from->state, err);
    from->backend->rollback(from->state);
    return status;
}
