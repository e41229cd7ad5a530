/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_WALK_H
#define IW_WALK_H
/*
 * walk.h - covariance of the time-averaged MSD of a random walk that is seen with noise.
 *
 * Model: N independent atoms, d independent axes, MSD(n) = c + q n with q = 2 d D dt.  A step has
 * the variance q/d along an axis, the noise of one frame c/2d, and the steps are made of jumps with
 * <b^4>/<b^2> = jump_A2 (0: Gaussian).  Overlapping displacements are correlated; their covariance
 * is summed in closed form, so a pair of lags costs the same at any length (docs/physics.md, "Error
 * of D").  Pure.
 */
#include "error.h"

#include <stddef.h>

/* Stretches of unbroken frames; alike ones are counted together. */
enum { IW_WALK_LENGTHS = 12 };
typedef struct {
    size_t n;
    double frames[IW_WALK_LENGTHS], count[IW_WALK_LENGTHS];
} iw_walk_segments;

/* A lag whose origins are the frames 0, stride, 2 stride, ... of each segment; a multiple of it. */
typedef struct {
    size_t frames, stride;
} iw_walk_lag;

/* Sums over all pairs of origins of a pair of lags, divided by the origins of both. */
typedef struct {
    double step;   /* overlap squared */
    double cross;  /* overlap times coincidences of end points */
    double noise;  /* coincidences squared */
    double jump;   /* overlap */
    double stride; /* of the finer of the two lags */
} iw_walk_sums;

typedef struct {
    double q_A2;         /* growth of the MSD in one frame, >= 0 */
    double c_A2;         /* offset, >= 0 */
    double jump_A2;      /* b^2 */
    double axes;         /* d: 3 where all axes are alike, 1 where everything is along one */
    double cross_frames; /* frames over which the noise stays correlated: 1 for white noise */
    double noise_frames; /* the same for its square */
    double atoms;
} iw_walk;

/* More than IW_WALK_LENGTHS different lengths: those next in size are taken as equally long. */
void iw_walk_segments_init(iw_walk_segments *segments, const size_t *frames, size_t n);

/* Origins of a lag in all segments. */
double iw_walk_origins(const iw_walk_segments *segments, iw_walk_lag lag);

/* Two lags of which each has an origin; the stride of the longer one is a multiple of the other's.
 * Exact, but for lengths that were joined. */
iw_walk_sums iw_walk_sum(const iw_walk_segments *segments, iw_walk_lag m, iw_walk_lag n);

/* cov(MSD(m), MSD(n)), A^4. */
double iw_walk_covariance(const iw_walk *walk, const iw_walk_sums *sums);

#endif
