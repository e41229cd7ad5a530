/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_INTERVAL_H
#define IW_INTERVAL_H
/*
 * interval.h - the growths of an MSD that a fitted slope does not contradict.
 *
 * The variance of a slope depends on the growth q that is true: noise is there without it, hops
 * scatter as their number, smooth motion as its square.  So the interval holds every q >= 0 with
 * |slope - q| <= z sigma(q): longer upwards than downwards, and honest where the slope came out too
 * small.  docs/physics.md, "Error of D".  Pure.
 */
#include "estimate/line.h"

/* sigma^2(q) = v[0] + v[1] x + v[2] x^2, x = q/unit; (A^2 a frame)^2. */
typedef struct {
    double unit, v[3];
} iw_law;

/* By the model, with the weights and the walk of a line. */
iw_law iw_law_of_line(const iw_points *points, const iw_line *line);

/* Makes the noise `noise` times as large, and then sigma^2(q) `rest` times.  The second excess is
 * the motion's as far as the variance is, else the noise's: where hardly anything moves, it says
 * nothing of how hops scatter. */
iw_law iw_law_widen(iw_law law, double q_A2, double noise, double rest);

/* A slope below zero says what one of zero says: q is small.  So little data that no q is too
 * large: ci[1] is NAN. */
void iw_law_interval(iw_law law, double slope, double z, double ci[2]);

/*
 * Hops are whole, and few of them scatter as a count does.  With `hop` the slope that one hop makes
 * in a whole run: a slope of less than one may be none, so ci[0] is 0; ci[1] is no less than the
 * -ln(chance) hops that a run has on average of which this chance shows none; and ci[0] is no more
 * than the lower limit of a count, of which as much growth as its own variance is one.
 */
void iw_law_count_hops(iw_law law, double slope, double hop, double chance, double ci[2]);

#endif
