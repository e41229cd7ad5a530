/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_SCATTER_H
#define IW_SCATTER_H
/*
 * scatter.h - the error of D as its own parts show it: stretches of the run, and atoms.
 *
 * D is a weighted sum of MSD values, so each stretch and each atom has its share of it, and the
 * shares scatter.  Nothing is assumed of the motion but that far stretches, or atoms, are
 * independent.  Pure.
 */
#include "estimate/line.h"

typedef struct {
    double variance; /* of the slope, A^4 a frame^2; NAN where it cannot be told */
    double freedom;  /* degrees of freedom of that variance */
} iw_scatter;

/* Stretches: neighbours are correlated over lags of `memory` frames, which is allowed for. */
iw_scatter iw_scatter_blocks(const iw_displacements *displacements, const iw_points *points,
                             const double *weight, double memory);
iw_scatter iw_scatter_atoms(const iw_displacements *displacements, const iw_points *points,
                            const double *weight);

#endif
