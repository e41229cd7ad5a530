/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "table.h"

#include "screen.h"

#include "frame.h"
#include "publish/json.h"

#include <stdlib.h>
#include <string.h>

iw_status
iw_table_row(iw_table *self, iw_error *err)
{
    const size_t row_size = (size_t)IW_TABLE_COLUMNS * sizeof *self->cells;
    if (self->n_rows == self->capacity) {
        size_t capacity = self->capacity ? 2 * self->capacity : 32;
        void *cells = realloc(self->cells, capacity * row_size);
        if (!cells)
            return iw_fail(err, IW_NO_MEMORY, "no memory for row %zu of a table", self->n_rows);
        self->cells = cells;
        self->capacity = capacity;
    }
    memset(self->cells + self->n_rows * IW_TABLE_COLUMNS, 0, row_size);
    self->n_rows++;
    return IW_OK;
}

char *
iw_table_cell(iw_table *self, size_t column)
{
    return self->cells[(self->n_rows - 1) * IW_TABLE_COLUMNS + column];
}

iw_status
iw_table_head(iw_table *self, const char *headings, iw_error *err)
{
    iw_status status = iw_table_row(self, err);
    if (status)
        return status;
    while (*headings && self->n_columns < IW_TABLE_COLUMNS) {
        size_t length = strcspn(headings, "|");
        bool right = *headings == '>';
        self->right[self->n_columns] = right;
        (void)snprintf(iw_table_cell(self, self->n_columns), IW_TABLE_CELL, "%.*s",
                       (int)(length - right), headings + right);
        self->n_columns++;
        headings += length + (headings[length] == '|');
    }
    return IW_OK;
}

void
iw_table_print(const iw_table *self, FILE *out)
{
    const iw_screen shown = {.utf8 = true};
    int widths[IW_TABLE_COLUMNS] = {0};
    for (size_t row = 0; row < self->n_rows; row++)
        for (size_t c = 0; c < self->n_columns; c++) {
            int width = iw_screen_width(&shown, self->cells[row * IW_TABLE_COLUMNS + c]);
            widths[c] = width > widths[c] ? width : widths[c];
        }
    for (size_t row = 0; row < self->n_rows; row++) {
        for (size_t c = 0; c < self->n_columns; c++) {
            const char *cell = self->cells[row * IW_TABLE_COLUMNS + c];
            int pad = widths[c] - iw_screen_width(&shown, cell);
            bool last = c + 1 == self->n_columns;
            (void)fprintf(out, "%*s%s%*s%s", self->right[c] ? pad : 0, "", cell,
                          self->right[c] || last ? 0 : pad, "", last ? "" : "  ");
        }
        (void)fputc('\n', out);
    }
}

void
iw_table_fini(iw_table *self)
{
    free(self->cells);
    *self = (iw_table){0};
}

void
iw_cell_words(char *cell, const char *text)
{
    size_t at = IW_TABLE_CELL - 2;
    if (snprintf(cell, IW_TABLE_CELL, "%s", text && *text ? text : "-") >= IW_TABLE_CELL) {
        while (at > 0 && ((unsigned char)cell[at] & 0xc0) == 0x80)
            at--;
        memcpy(cell + at, "~", 2);
    }
    iw_printable(cell);
}

void
iw_cell_text(char *cell, const json_t *value)
{
    iw_cell_words(cell, json_string_value(value));
}

void
iw_cell_number(char *cell, const json_t *value, int digits)
{
    if (json_is_integer(value))
        (void)snprintf(cell, IW_TABLE_CELL, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        (void)snprintf(cell, IW_TABLE_CELL, "%.*g", digits, json_real_value(value));
    else
        (void)snprintf(cell, IW_TABLE_CELL, "-");
}

void
iw_cell_value_error(char *cell, const json_t *value, const json_t *error)
{
    if (!json_is_number(value))
        (void)snprintf(cell, IW_TABLE_CELL, "-");
    else if (!json_is_number(error))
        (void)snprintf(cell, IW_TABLE_CELL, "%.4g", json_number_value(value));
    else
        (void)snprintf(cell, IW_TABLE_CELL, "%.3e \302\261 %.1e", json_number_value(value),
                       json_number_value(error));
}

void
iw_cell_id(char *cell, const json_t *id)
{
    iw_cell_text(cell, id);
    if (strlen(cell) == IW_ID_LENGTH)
        cell[8] = '\0';
}
