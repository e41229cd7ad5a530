/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_COLLECTIVE_H
#define IW_COLLECTIVE_H
/*
 * collective.h - sums over ions, followed as if each sum were one atom.
 *
 * A flow is F(t) = sum_i w_i r_i(t): with the charges as weights the polarisation P of the run,
 * with equal weights the motion of a group as a whole.  There is one for the charges and, unless
 * every atom is mobile, one for the mobile group and one for each of its species.  Weights are
 * scaled so that independent ions give the flow the MSD of one ion: w_i = q_i/sqrt(S), or
 * 1/sqrt(N).
 *
 * The flows are the atoms of moments of their own, and the charges have an exact MSD as well.
 * Cost: a pass over the positions for each flow and frame of the MSD; memory that of so many more
 * atoms.
 */
#include "correlate/moments.h"
#include "correlate/msd.h"
#include "correlate/sum.h"
#include "groups.h"

#define IW_NO_FLOW SIZE_MAX

/* Flow 0 is that of the charges where they are known. */
typedef struct {
    size_t n_species, n_flows;
    double *weight;     /* [n_flows][n_atoms] */
    double *charge_e;   /* [n_species] mean over its atoms; NULL: charges are not known */
    double *charge2_e2; /* [n_species] sum of squares over its atoms; NULL likewise */
    double total_e;     /* of all atoms */
    double absolute_e;  /* sum of |q| */
    double scale_e2;    /* S: sum of q^2 over the mobile atoms; over all where none carries one */
    size_t *flow_of;    /* [n_groups], or IW_NO_FLOW */
    size_t n_atoms;
    double *sums;                  /* [n_flows][3] of one frame */
    iw_moments *moments;           /* NULL: there are no flows, or begin() was not called */
    iw_msd *msd;                   /* of the charges; NULL also where they are not known */
    iw_moments_result moment_sums; /* of the last query */
    iw_msd_result result;          /* likewise */
    iw_sum volume_A3;              /* over frames */
    double volumes;                /* frames that had a cell */
} iw_collective;

/* Charges that are all zero count as not known.  NO_MEMORY.  fini is harmless on zeroed state. */
iw_status iw_collective_init(iw_collective *self, const iw_run_info *run, const iw_groups *groups,
                             iw_error *err);
void iw_collective_fini(iw_collective *self);

/* Makes the correlators, empty; clear throws them away with all that was pushed, volumes too. */
iw_status iw_collective_begin(iw_collective *self, iw_error *err);
void iw_collective_clear(iw_collective *self);

/* The cell volume of a frame; NAN, for a frame without a cell, is passed over. */
void iw_collective_volume(iw_collective *self, double volume_A3);
/* One frame of the MSD: pos_A[n_atoms][3].  After break pairs do not cross.  Harmless without
 * correlators. */
iw_status iw_collective_push(iw_collective *self, const double *pos_A, iw_error *err);
iw_status iw_collective_break(iw_collective *self, iw_error *err);
/* Fills self->moment_sums and self->result. */
iw_status iw_collective_query(iw_collective *self, iw_error *err);

/* For one of the same run and groups, with its correlators made if the saved one had them. */
void iw_collective_archive(iw_collective *self, iw_archive *archive);

double iw_collective_mean_volume_A3(const iw_collective *self); /* NAN before a frame with a cell */
size_t iw_collective_memory(const iw_collective *self);

#endif
