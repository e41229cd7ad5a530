/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_PREDICTION_H
#define IW_PREDICTION_H
/*
 * prediction.h - how long until D is known to the target, and how sure that is.
 *
 * The squared relative error falls as 1/t once the motion is diffusive: t* = t (error/target)^2.
 * The 95 % interval of t* joins three causes: D itself is uncertain (the ends of its interval give
 * the error that D would have there), the run yet to come scatters, and the product error^2 t has
 * not been steady over the checks of the second half of the run.  docs/physics.md, "Prediction".
 * Pure; a call costs less than a microsecond.
 */
#include "archive.h"
#include "estimate/diffusion.h"

enum { IW_PREDICTION_CHECKS = 32 };

/* Past checks, the oldest overwritten; starts as {0}. */
typedef struct {
    size_t n; /* checks so far */
    double time_ps[IW_PREDICTION_CHECKS];
    double error[IW_PREDICTION_CHECKS]; /* relative error of D */
    double hops[IW_PREDICTION_CHECKS];  /* effective hops */
} iw_prediction_history;

/* Length at which the target is reached, ps; NAN where it cannot be told.  The
 * upper end is NAN where nothing bounds it. */
typedef struct {
    double total_ps, ci95_ps[2];
} iw_prediction;

/* One check: only those where D and its error are known count.  A time before the last one (frames
 * were left out of the averages since) forgets what came before. */
void iw_prediction_note(iw_prediction_history *history, double time_ps, double error, double hops);

/* target: relative error; min_hops: effective hops, which grow with time as well. */
iw_prediction iw_prediction_make(const iw_prediction_history *history, const iw_diffusion *mobile,
                                 double time_ps, double target, double min_hops);
void iw_prediction_archive(iw_prediction_history *history, iw_archive *archive);

#endif
