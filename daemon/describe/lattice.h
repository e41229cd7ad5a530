/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_LATTICE_H
#define IW_LATTICE_H
/* lattice.h - a cell, and which atoms are near a point of the periodic structure. */
#include "error.h"

#include <stdbool.h>

typedef struct {
    double cell_A[9];   /* vectors as rows */
    double inverse[9];  /* of that matrix, so that f = r inverse */
    double height_A[3]; /* of the cell over its faces */
    double length_A[3], angle_deg[3];
    double volume_A3; /* > 0, whatever the hand of the vectors */
} iw_lattice;

/* INVALID: a cell that is not finite, lower than 0.1 A or longer than 10^5 A. */
iw_status iw_lattice_init(iw_lattice *self, const double cell_A[9], iw_error *err);
void iw_lattice_fractional(const iw_lattice *self, const double r_A[3], double f[3]);

/* Atoms by bins, so that a search does not grow with their number.  Owns its arrays. */
typedef struct {
    const iw_lattice *lattice;
    size_t n;
    int bins[3];
    double *fractional; /* [n][3], folded into [0, 1), in order of bins */
    size_t *index;      /* [n] of the atom in the caller's count */
    size_t *first;      /* [bins + 1] the first atom of each bin */
} iw_neighbours;

/* Of the atoms for which member is true (all where it is NULL). */
iw_status iw_neighbours_init(iw_neighbours *self, const iw_lattice *lattice, const double *pos_A,
                             const bool *member, size_t n, iw_error *err);
void iw_neighbours_fini(iw_neighbours *self);

/* Distance from r to the nearest of them, images included, but not to the atom `self_index` itself,
 * whose own images count; NAN where there is none. */
double iw_neighbours_nearest(const iw_neighbours *self, const double r_A[3], size_t self_index);

/* Calls each() with the distance of every one of them (and image) within the radius but that one.
 */
void iw_neighbours_within(const iw_neighbours *self, const double r_A[3], size_t self_index,
                          double radius_A, void (*each)(void *arg, double distance_A), void *arg);

#endif
