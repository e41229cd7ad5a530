/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_ARRHENIUS_H
#define IW_ARRHENIUS_H
/*
 * arrhenius.h - one line through the diffusion coefficients of one material at several
 * temperatures: ln D = ln D0 - E_a/(k_B T).
 *
 * Weighted least squares of ln D against 1/(k_B T) with the weights 1/Var(ln D) = (D/stderr)^2.
 * Always in the logarithm: D0 and D are above zero for every set of points, and E_a lies between
 * the slopes of the pairs of points.  docs/physics.md has the formulas.  O(n^2).  Pure.
 */
#include "error.h"

#include <stdbool.h>

typedef struct {
    double temperature_K;
    double D_cm2_s, stderr_cm2_s;
    const char *unfit; /* why the run must not take part ("not diffusive"), or NULL; borrowed */
} iw_arrhenius_point;

/* What became of a point. */
typedef struct {
    const char *left_out;  /* why, static or the point's unfit; NULL: it is in the fit */
    double residual_sigma; /* (ln D - line)/(stderr/D); NAN when left out or without a fit */
    double E_a_without_eV; /* of the others; NAN where they give no line */
} iw_arrhenius_mark;

typedef struct {
    size_t n_used, n_temperatures; /* temperatures within 0.1 % are one */
    double T_min_K, T_max_K;       /* of the points in the fit; NAN without any */
    double E_a_eV, E_a_stderr_eV, E_a_ci95_eV[2];
    double ln_D0, ln_D0_stderr; /* D0 in cm^2/s */
    double at_K;                /* where D below is told */
    double D_cm2_s, D_ci95_cm2_s[2];
    double D_stderr_cm2_s;    /* D times the standard error of ln D */
    double chi2, p_value;     /* of the line; NAN with no degree of freedom */
    size_t dof;               /* points - 2 */
    double widened;           /* factor on all errors, above 1 where p < 0.05 */
    double without_one_eV[2]; /* smallest and largest E_a when any one point is left out; NAN */
    double reach; /* how far 1/at_K lies outside the 1/T of the points, in lengths of their range */
} iw_arrhenius;

/* marks: [n].  at_K: above zero.  OK: a line.  INVALID: fewer than two temperatures are left; the
 * numbers of the line are NAN, marks, counts and the range are set. */
iw_status iw_arrhenius_fit(const iw_arrhenius_point *points, size_t n, double at_K,
                           iw_arrhenius *out, iw_arrhenius_mark *marks, iw_error *err);

#endif
