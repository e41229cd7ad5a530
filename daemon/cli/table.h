/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CLI_TABLE_H
#define IW_CLI_TABLE_H
/* table.h - rows of text in columns that fit, for terminals.  Zero-initialised is empty. */
#include "cli.h"

enum { IW_TABLE_COLUMNS = 12, IW_TABLE_CELL = 64 };

typedef struct {
    size_t n_columns, n_rows, capacity;
    bool right[IW_TABLE_COLUMNS]; /* numbers */
    char (*cells)[IW_TABLE_CELL]; /* [n_rows][IW_TABLE_COLUMNS] */
} iw_table;

/* Headings, separated by "|"; one that begins with ">" is aligned to the right. */
iw_status iw_table_head(iw_table *self, const char *headings, iw_error *err);
/* A new empty row; its cells are filled with iw_table_cell. */
iw_status iw_table_row(iw_table *self, iw_error *err);
char *iw_table_cell(iw_table *self, size_t column); /* of the last row, IW_TABLE_CELL bytes */
void iw_table_print(const iw_table *self, FILE *out);
void iw_table_fini(iw_table *self);

/* ---- cells from JSON ---- */

/* "-" when absent; what does not fit is cut between characters and ends with "~". */
void iw_cell_words(char *cell, const char *text);
void iw_cell_text(char *cell, const json_t *value);
void iw_cell_number(char *cell, const json_t *value, int digits); /* significant digits */
void iw_cell_value_error(char *cell, const json_t *value,
                         const json_t *error); /* "1.2e-05 +- .." */
void iw_cell_id(char *cell, const json_t *id); /* its first 8 characters */

#endif
