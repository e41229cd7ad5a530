/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_UNWRAP_H
#define IW_UNWRAP_H
/*
 * unwrap.h - toroidal-view-preserving unwrapping (von Buelow et al. 2020) for any cell:
 *
 *     u(i+1) = u(i) + [d - round(d C^-1) C],  d = w(i+1) - w(i),  C the cell of i+1, rows a, b, c.
 *
 * The image is the one whose fractional coordinates are nearest to zero.  In strongly skewed cells
 * that is not always the shortest vector; it is the convention of the scheme, and it is the same
 * wherever displacements are small against the cell, which the jump check watches.
 *
 * While the cell stays constant the sum is kept as whole numbers of cell vectors, so rounding does
 * not grow with the number of frames; after a change of cell it is a compensated sum.
 * Unwrapped input is taken as it is while the cell is constant.  When the cell changes all input is
 * folded first, as what is said to be wrapped may not be (extended XYZ does not tell): image flags
 * times the current cell multiply the distance travelled by every fluctuation of the box.
 */
#include "archive.h"

#include <stdbool.h>

typedef struct {
    size_t n_atoms;
    bool wrapped;    /* input may be folded into the cell */
    bool has_cell;   /* a cell was seen */
    bool orthogonal; /* only the diagonal of the cell is not zero */
    bool changed;    /* the cell changed within the segment */
    double cell[9], inverse[9];
    double *last;   /* [n][3] coordinates of the last frame, folded if they are compared folded */
    double *anchor; /* [n][3] of the first frame of the segment; after a change: carry */
    double *image;  /* [n][3] cell vectors subtracted so far; after a change: the sum */
    double *step;   /* [n][3] displacement since the last frame */
} iw_unwrap;

/* Beyond this share of a cell vector between frames the choice of image is a guess. */
#define IW_JUMP_FRACTION 0.45

/* The largest fractional displacement of a push. */
typedef struct {
    double fraction; /* 0 to 0.5; 0 where no image was chosen */
    size_t atom;     /* whose it is, where it is beyond IW_JUMP_FRACTION */
} iw_jump;

iw_status iw_unwrap_init(iw_unwrap *self, size_t n_atoms, bool wrapped, iw_error *err);
void iw_unwrap_fini(iw_unwrap *self); /* harmless on zeroed state */

/* Inverse of a cell by rows.  False when it is singular: the volume against the edges; *volume_A3
 * gets it in any case. */
bool iw_cell_invert(const double cell[9], double inverse[9], double *volume_A3);

/* A segment starts: pos_A is the origin of what follows.  cell_A is NULL where there is none. */
void iw_unwrap_start(iw_unwrap *self, const double *pos_A, const double *cell_A);
/* out_A[n][3]: unwrapped, relative to the first frame of the segment.  self->step holds the
 * displacement.  The cell was checked with iw_cell_invert; NULL keeps the last one. */
void iw_unwrap_push(iw_unwrap *self, const double *pos_A, const double *cell_A, double *out_A,
                    iw_jump *jump);
void iw_unwrap_archive(iw_unwrap *self, iw_archive *archive);

#endif
