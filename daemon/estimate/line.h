/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_LINE_H
#define IW_LINE_H
/*
 * line.h - a straight line through MSD values by generalised least squares, with the covariance of
 * the walk that it describes (walk.h).
 *
 * q, c, the jump length, the number of axes and the correlation of the noise are all told from the
 * moments themselves; a fit is made again until they agree.  docs/physics.md, "D".  Pure.
 */
#include "estimate/displacements.h"
#include "estimate/walk.h"

#include <stdbool.h>

enum { IW_LINE_POINTS = 48 };

/* The lags of a group that take part in fits, at most IW_LINE_POINTS. */
typedef struct {
    size_t n;
    double atoms;
    size_t index[IW_LINE_POINTS]; /* among the lags of the displacements */
    iw_walk_lag lag[IW_LINE_POINTS];
    double x[IW_LINE_POINTS]; /* lag in frames */
    double y[IW_LINE_POINTS]; /* MSD, A^2 */
    double axis[3][IW_LINE_POINTS];
    double quartic[IW_LINE_POINTS]; /* A^4 */
    iw_walk_sums sums[IW_LINE_POINTS][IW_LINE_POINTS];
} iw_points;

/* A straight line through the points first..n-1. */
typedef struct {
    bool valid;
    size_t first;
    double intercept, slope;       /* A^2, A^2 a frame */
    double chi2;                   /* of the residuals; n - first - 2 is expected */
    double weight[IW_LINE_POINTS]; /* slope = sum weight y; zero before first */
    iw_walk walk;                  /* that the covariance was made from */
} iw_line;

void iw_points_init(iw_points *self, const iw_displacements *from);

/* The least slope that a walk is given: nothing moves for ever. */
double iw_points_least_growth(const iw_points *self);

/* jump_A2: what the jumps are known to be; NAN: told by the fourth moment, hop_A2 (the squared
 * length of a hop) where it does not tell. */
iw_line iw_line_fit(const iw_points *points, size_t first, double hop_A2, double jump_A2);

/* The same for ln y against ln x, with the walk of a line; only slope and weight (of ln y) are
 * filled.  Not valid where a y is not positive. */
iw_line iw_line_fit_logarithms(const iw_points *points, size_t first, const iw_walk *walk);

/* Variance of sum weight MSD under a walk, A^4 a frame^2. */
double iw_line_variance(const iw_points *points, const double *weight, const iw_walk *walk);

#endif
