/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_DISPLACEMENTS_H
#define IW_DISPLACEMENTS_H
/*
 * displacements.h - the running moments of one group of atoms: what D and its error are made from.
 *
 * Sums of correlate/moments.h over the species of a group, turned into means.  Pure.
 */
#include "correlate/moments.h"

#include <stdbool.h>

/* An exact MSD, of all lags and origins. */
typedef struct {
    size_t n_lags;            /* M + 1 */
    double dt_fs;             /* spacing of lags */
    const double *msd_A2;     /* [n_lags], mean over atoms and origins */
    const double *axis_A2[3]; /* [n_lags] each: along x, y, z; their sum is msd_A2 */
    const double *origins;    /* [n_lags] */
    size_t atoms;             /* of the group */
    size_t frames;            /* T */
} iw_msd_curve;

typedef struct {
    double dt_fs; /* from one frame of the moments to the next */
    size_t atoms;
    size_t n_segments;
    const size_t *segment_frames; /* borrowed from the result, like lag, stride, and the origins */
    size_t n_lags;                /* lag 0 is not among them */
    const size_t *lag, *stride;
    const double *origins;
    double *mean_A2; /* [n_lags] MSD; owns the memory of what follows */
    double *axis_A2; /* [3][n_lags] along x, y, z; their sum is the MSD */
    double *mean_A4; /* [n_lags] */
    double *atom_A2; /* [atoms][n_lags] of each atom; their mean is the MSD */
    size_t n_epochs;
    size_t epoch_frames;
    const double *epoch_origins; /* [n_epochs][n_lags] pairs that end in the epoch */
    double *epoch_sum_A2;        /* [n_epochs][n_lags] mean over atoms of their sum */
} iw_displacements;

/* member[s]: species s belongs to the group; kind[i]: species of atom i.  Borrows from `moments`.
 * NO_MEMORY; INVALID where the group has no atoms or there is no lag yet. */
iw_status iw_displacements_init(iw_displacements *self, const iw_moments_result *moments,
                                const unsigned short *kind, const bool *member, double dt_fs,
                                iw_error *err);
void iw_displacements_fini(iw_displacements *self); /* safe on zeroed state */

#endif
