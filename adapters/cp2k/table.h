/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_CP2K_TABLE_H
#define IW_CP2K_TABLE_H
/*
 * table.h - CP2K's files of one line for each step: PROJECT-1.ener and PROJECT-1.cell.
 *
 * Rows are paired with frames by step number.  After a restart the numbers jump back, in every
 * file of the run alike: each jump begins a new epoch, and rows are compared by epoch, then step.
 */
#include "adapters/text.h"

enum { IW_CP2K_COLUMNS = 16 };

typedef struct {
    int64_t epoch, step;
} iw_cp2k_when;

int iw_cp2k_compare(iw_cp2k_when a, iw_cp2k_when b);
/* The time of a step that follows when: the next epoch where the step does not grow. */
iw_cp2k_when iw_cp2k_after(iw_cp2k_when when, int64_t step, bool any_before);

typedef struct {
    iw_text *text;     /* NULL: there is no such file */
    size_t n_columns;  /* behind the step */
    bool any, ended;   /* a row was read; there are no more */
    iw_cp2k_when when; /* of the row */
    double value[IW_CP2K_COLUMNS];
} iw_cp2k_table;

/* Moves to the row of when.  OK: it is there, in value.  NOT_FOUND: the file has no row for it.
 * AGAIN: not written yet.  INVALID: a row that has other columns. */
iw_status iw_cp2k_table_find(iw_cp2k_table *self, iw_cp2k_when when, iw_error *err);

#endif
