/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_WALK_H
#define IW_WALK_H
/*
 * walk.h - covariance of the time-averaged MSD of a random walk that is seen with noise.
 *
 * Model: N independent atoms, three independent axes, MSD(n) = c + q n with q = 6 D dt.  A step has
 * the variance q/3 along an axis, the noise of one frame c/6, and the steps are made of jumps of
 * length b (0: Gaussian).  Overlapping displacements are correlated; their covariance is summed in
 * closed form, so a pair of lags costs the same at any length (docs/physics.md, "Error of D").
 */
#include "estimate/diffusion.h"

/* Sums over all pairs of origins of a pair of lags, divided by the origins of both. */
typedef struct {
    double step;  /* overlap squared */
    double cross; /* overlap times coincidences of end points */
    double noise; /* coincidences squared */
    double jump;  /* overlap */
} iw_walk_sums;

typedef struct {
    double q_A2;         /* growth of the MSD in one lag, >= 0 */
    double c_A2;         /* offset, >= 0 */
    double jump_A2;      /* b^2 */
    double cross_frames; /* frames over which the noise stays correlated: 1 for white noise */
    double noise_frames; /* the same for its square */
    double atoms;
} iw_walk;

/* Lags m, n >= 1 below curve->n_lags.  Exact for one segment; for several, those that reach the
 * longer lag are taken as equally long. */
iw_walk_sums iw_walk_sum(const iw_msd_curve *curve, size_t m, size_t n);

/* cov(MSD(m), MSD(n)), A^4. */
double iw_walk_covariance(const iw_walk *walk, const iw_walk_sums *sums);

#endif
