/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_WORDS_H
#define IW_WORDS_H
/*
 * words.h - pieces of the table that people read: values of a record as text, cells, folded lines.
 */
#include "publish/json.h"
#include "publish/values.h"

enum { IW_CELL = 40, IW_LINE = 700 };

/* A text of the record, fit to be printed: what does not fit in IW_LINE is cut. */
const char *iw_record_words(const json_t *object, const char *key, char line[IW_LINE]);

/* So many digits, whole numbers below 1e7 written out; "-" for what is not known. */
const char *iw_cell_general(char cell[IW_CELL], double value, int digits);

/* The fewest digits that read back as the same double, for files and programs. */
const char *iw_cell_exact(char cell[IW_CELL], double value);

/* Adds to a line what still fits: records may come from afar. */
void iw_line_append(char line[IW_LINE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Words after a hanging indent, folded at 79 columns. */
void iw_line_paragraph(FILE *out, int indent, const char *words);

/* Parts of the table: state and decisions, health, and the events, of which those whose sentence
 * stands in the former parts are told by their names alone. */
void iw_table_convergence(FILE *out, const json_t *record);
void iw_table_health(FILE *out, const json_t *record);
void iw_table_events(FILE *out, const json_t *record);
void iw_table_structure(FILE *out, const json_t *record);
void iw_table_properties(FILE *out, const json_t *record);

#endif
