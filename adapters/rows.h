/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_ROWS_H
#define IW_ROWS_H
/*
 * rows.h - files of one line for each step (CP2K's PROJECT-1.ener and PROJECT-1.cell, cp.x's
 * PREFIX.evp), and step numbers that jump back.
 *
 * After a restart the numbers jump back: each jump begins a new epoch of the file.  Of the steps
 * that a restart repeats the later copy counts, for what comes next goes on from it.  Files of one
 * run need not jump alike: one that has every tenth step may have nothing that is repeated.  So
 * each file knows its own epochs, drops what they repeat, and is paired with the others by step.
 */
#include "adapters/text.h"

enum { IW_ROWS_COLUMNS = 16 };

typedef struct {
    int64_t epoch, step;
} iw_when;

/* The first step of each epoch of a file. */
typedef struct {
    int64_t *first;
    size_t n, capacity;
} iw_epochs;

iw_status iw_epochs_add(iw_epochs *self, iw_when when, iw_error *err); /* in the file's order */
/* A later epoch has the step as well. */
bool iw_epochs_repeat(const iw_epochs *self, iw_when when);
void iw_epochs_fini(iw_epochs *self);

/* How far a file was read. */
typedef struct {
    iw_epochs epochs; /* as far as it was written when it was opened */
    bool any;         /* something was read */
    iw_when when;     /* of what was read last */
    /* of a file that is read along with the positions: */
    iw_when asked;      /* the last step that was asked for, counted by the positions' epochs */
    int64_t spacing;    /* from one step that is asked for to the next */
    bool stale;         /* what was read last is from before a restart that came since */
    int64_t stale_last; /* and so is what is up to this step */
} iw_steps;

/* When a step comes that is the next in the file. */
iw_when iw_steps_next(const iw_steps *self, int64_t step);
void iw_steps_push(iw_steps *self, iw_when when); /* it was read */
/* More must be read before it is known whether the file has the step, counted by the positions. */
bool iw_steps_behind(iw_steps *self, iw_when wanted);

typedef struct {
    iw_text *text;    /* NULL: there is no such file */
    size_t n_columns; /* behind the step */
    bool ended;       /* there are no more rows */
    iw_steps steps;
    double value[IW_ROWS_COLUMNS];
} iw_rows;

iw_status iw_rows_find(iw_rows *self, iw_when when, iw_error *err);
void iw_rows_close(iw_rows *self);

#endif
