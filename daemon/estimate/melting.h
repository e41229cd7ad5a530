/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_MELTING_H
#define IW_MELTING_H
/*
 * melting.h - does the framework stay where it is?
 *
 * Positions of framework atoms, relative to the framework's own centre of mass, are averaged over
 * short windows, which takes the vibration out.  Back from the last mean to those 1, 2 and 4
 * windows before, the mean square displacement is flat in a solid, has one step where the atoms
 * took a new place, and grows each time in a liquid; the scatter between atoms gives the error of
 * the growth, so that a few atoms that hop do not look like a melt.
 */
#include "archive.h"

#include <stdbool.h>

enum { IW_MELTING_WINDOWS = 9, IW_MELTING_LAG = 4 }; /* kept; longest lag */

typedef struct {
    double mean_square_A2;    /* from the mean positions of the windows kept */
    size_t windows;           /* these */
    double ratio;             /* Lindemann: its root over the distance of neighbours */
    double displaced_A2;      /* of the last mean from the first of the segment */
    double lag_A2[3];         /* MSD of means at 1, 2 and 4 windows */
    double D_A2_window;       /* growth from 1 to 4 over 3 lags and 6: D in A2 per window */
    double D_error_A2_window; /* its standard error, from the scatter of atoms */
    bool grows;               /* by a factor and beyond its error */
    bool all_grow;            /* of every species by itself, and each has left its place */
} iw_melting_view;

typedef struct {
    size_t n;
    size_t *atom;                         /* [n] indices of framework atoms */
    uint16_t *kind;                       /* [n] */
    double *share;                        /* [n] of the framework's mass */
    double *sum;                          /* [n][3] of the open window, from anchor */
    double *anchor;                       /* [n][3] the mean of the window before */
    double *home;                         /* [n][3] the first mean of the segment */
    double *mean;                         /* [IW_MELTING_WINDOWS][n][3], a ring */
    double inside_A2[IW_MELTING_WINDOWS]; /* mean square within each window */
    double sum_square;                    /* of the open window, all atoms */
    size_t frames;                        /* of the open window */
    size_t windows;                       /* closed in this segment */
    double neighbour_A; /* mean distance of the nearest framework atom; NAN until measured */
} iw_melting;

/* NO_MEMORY.  fini is harmless on zeroed state. */
iw_status iw_melting_init(iw_melting *self, size_t n_atoms, const double *mass_amu,
                          const uint16_t *kind, const unsigned char *framework, iw_error *err);
void iw_melting_fini(iw_melting *self);

/* Measures the distance of neighbours in one frame; cell_A may be NULL. */
void iw_melting_measure(iw_melting *self, const double *raw_A, const double *cell_A);
void iw_melting_restart(iw_melting *self); /* positions begin anew */
void iw_melting_push(iw_melting *self, const double *pos_A);
/* Ends the window.  True: *view holds what is seen now. */
bool iw_melting_close(iw_melting *self, iw_melting_view *view);
void iw_melting_archive(iw_melting *self, iw_archive *archive);

#endif
