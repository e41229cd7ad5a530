/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_EXPLAIN_H
#define IW_EXPLAIN_H
/*
 * explain.h - six lines on each number that a record, its table or `ionwatch arrhenius` shows, for
 * a reader who has never met it.
 *
 * One row in one table: `ionwatch explain` prints it, docs/quantities.md is made from it, and a
 * test refuses a record with a number that has no row.
 */
#include <stddef.h>
#include <stdio.h>

enum { IW_EXPLAIN_LINES = 6, IW_EXPLAIN_WIDTH = 79 };

typedef struct {
    const char *keys;     /* JSON keys, the first names the row: "f_vib_meV f_vib_meV_atom" */
    const char *headings; /* of printed tables, by "|": "D|95 % interval"; "" where there is none */
    const char *unit;     /* "1" for a pure number */
    const char *what, *how, *usual, *error, *beware; /* one line each */
    const char *section;                             /* of docs/physics.md */
} iw_explanation;

extern const iw_explanation iw_explanations[]; /* ends with NULL keys */

/* The row of a JSON key or a heading, in upper or lower case; NULL when there is none. */
const iw_explanation *iw_explain_find(const char *word);

/* The six lines, each with its end of line. */
void iw_explain_print(const iw_explanation *row, FILE *out);
/* All rows: a line for each; the page docs/quantities.md. */
void iw_explain_list(FILE *out);
void iw_explain_page(FILE *out);

#endif
