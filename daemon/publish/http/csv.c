/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/http/csv.h"

#include "publish/words.h"

#include <stdint.h>
#include <string.h>

/* Where a series stands: in a group, or in the record; up to two keys. */
static const struct {
    const char *kind;
    bool of_group;
    const char *outer, *inner;
} kinds[] = {{"msd", true, "msd", NULL},
             {"vacf", true, "vacf", NULL},
             {"vdos", true, "vdos", NULL},
             {"vdos_paper", true, "paper", "vdos"},
             {"history", false, "history", "diffusion"},
             {"health", false, "history", "health"}};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

static size_t
index_of(const char *kind)
{
    size_t i = 0;
    while (i < KINDS && (!kind || strcmp(kinds[i].kind, kind) != 0))
        i++;
    return i;
}

bool
iw_csv_is_kind(const char *kind)
{
    return index_of(kind) < KINDS;
}

static iw_status
append(iw_buffer *out, const char *text, iw_error *err)
{
    return iw_buffer_append(out, text, strlen(text), err);
}

static iw_status
append_cell(iw_buffer *out, const json_t *value, iw_error *err)
{
    char cell[IW_CELL] = "";
    if (json_is_number(value))
        (void)iw_cell_exact(cell, json_number_value(value));
    return append(out, cell, err);
}

/* Row -1 is the line of names. */
static iw_status
append_row(iw_buffer *out, const json_t *series, json_int_t row, iw_error *err)
{
    const char *name, *between = "";
    json_t *column;
    iw_status status = IW_OK;
    json_object_foreach((json_t *)(uintptr_t)series, name, column)
    {
        if (!json_is_array(column) || status != IW_OK)
            continue;
        status = append(out, between, err);
        if (status == IW_OK)
            status = row < 0 ? append(out, name, err)
                             : append_cell(out, json_array_get(column, (size_t)row), err);
        between = ",";
    }
    return status == IW_OK ? append(out, "\n", err) : status;
}

static json_int_t
rows_of(const json_t *series)
{
    const char *name;
    json_t *column;
    size_t most = 0;
    json_object_foreach((json_t *)(uintptr_t)series, name, column)
    {
        size_t n = json_array_size(column);
        most = n > most ? n : most;
    }
    return (json_int_t)most;
}

iw_status
iw_csv_series(const json_t *record, const char *kind, const char *group, iw_buffer *out,
              iw_error *err)
{
    size_t k = index_of(kind);
    const json_t *at = record;
    if (k < KINDS && kinds[k].of_group) {
        at = json_object_get(json_object_get(record, "groups"), group);
        if (!at)
            return iw_fail(err, IW_NOT_FOUND, "the run has no group \"%s\"", group);
    }
    at = k < KINDS ? json_object_get(at, kinds[k].outer) : NULL;
    if (at && kinds[k].inner)
        at = json_object_get(at, kinds[k].inner);
    if (!json_is_object(at))
        return iw_fail(err, IW_NOT_FOUND, "the record has no series \"%s\"", kind);
    json_int_t rows = rows_of(at);
    iw_status status = append_row(out, at, -1, err);
    for (json_int_t row = 0; row < rows && status == IW_OK; row++)
        status = append_row(out, at, row, err);
    return status;
}
