/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_ROWS_H
#define IW_ROWS_H
/*
 * rows.h - files of one line for each step (CP2K's PROJECT-1.ener and PROJECT-1.cell, cp.x's
 * PREFIX.evp), and step numbers that jump back.
 *
 * Rows are paired with frames by step number.  After a restart the numbers jump back, in every
 * file of the run alike: each jump begins a new epoch, and rows are compared by epoch, then step.
 * Of the steps that a restart repeats the later copy counts, for what comes next goes on from it.
 */
#include "adapters/text.h"

enum { IW_ROWS_COLUMNS = 16 };

typedef struct {
    int64_t epoch, step;
} iw_when;

int iw_when_compare(iw_when a, iw_when b);
/* The time of a step that follows when: the next epoch where the step does not grow. */
iw_when iw_when_after(iw_when when, int64_t step, bool any_before);

/* The first step of each epoch of a file. */
typedef struct {
    int64_t *first;
    size_t n, capacity;
} iw_epochs;

iw_status iw_epochs_add(iw_epochs *self, iw_when when, iw_error *err); /* in the file's order */
/* A later epoch has the step as well. */
bool iw_epochs_repeat(const iw_epochs *self, iw_when when);
void iw_epochs_fini(iw_epochs *self);

typedef struct {
    iw_text *text;    /* NULL: there is no such file */
    size_t n_columns; /* behind the step */
    bool any, ended;  /* a row was read; there are no more */
    iw_when when;     /* of the row */
    double value[IW_ROWS_COLUMNS];
} iw_rows;

/* Moves to the row of when.  OK: it is there, in value.  NOT_FOUND: the file has no row for it.
 * AGAIN: not written yet.  INVALID: a row that has other columns. */
iw_status iw_rows_find(iw_rows *self, iw_when when, iw_error *err);

#endif
