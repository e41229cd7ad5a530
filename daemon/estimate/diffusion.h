/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_DIFFUSION_H
#define IW_DIFFUSION_H
/*
 * diffusion.h - diffusion coefficients from an MSD, with an error.
 *
 * einstein: ordinary least squares over the lags ceil(M/2)..M, free intercept, slope/6 (paper eq.
 * 4). gls: MSD = c + 6 D tau fitted by generalised least squares with the covariance of overlapping
 * displacements of a random walk with localisation noise (Bullerjahn, von Buelow, Hummer 2020) and,
 * for motion by hops, the counting noise of the hops.  The window starts at the first lag from
 * which a line fits as well as chance allows (twice as late where shorter lags were refused) and
 * ends at M.  docs/physics.md has the
 * formulas.  A call costs about 1 ms at any length, and O(M) more for stderr_A2.  Pure.
 */
#include "error.h"

#include <stdbool.h>

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
    double hop_length_A; /* a in N_eff = N max MSD / a^2 (He, Zhu, Epstein, Mo 2018); default 3 */
    double alpha_tolerance; /* not diffusive where alpha misses 1 by more than this and more than
                               its error and the offset explain; default 0.1 */
    double jump_length_A; /* elementary jump whose counting noise widens the error, a^2/(N 6 D t) of
                             D^2; 0: continuous motion; NAN: hop_length_A (default) */
    double from_ps;       /* the window starts no earlier; default 0 */
} iw_diffusion_options;

typedef struct {
    double D_cm2_s, stderr_cm2_s, ci95_cm2_s[2]; /* gls; NAN where it cannot be told; ci95[1] is
                                                       NAN where nothing bounds D */
    double intercept_A2;
    double D_einstein_cm2_s;
    double D_axes_cm2_s[3];
    double alpha;             /* d ln MSD / d ln tau in the window */
    double effective_hops;    /* N_eff */
    double he_relative_error; /* 3.43/sqrt(N_eff) + 0.04 */
    double fit_ps[2];         /* window of gls */
    double *stderr_A2;        /* [n_lags] standard error of each MSD value, by the random-walk
                                 covariance; allocated by the caller, or NULL */
    bool diffusive;           /* a line fits, grows beyond its error and by half a squared hop,
                                 and alpha is within tolerance */
    const char *warning;      /* static text, or NULL */
} iw_diffusion;

void iw_diffusion_options_init(iw_diffusion_options *options);
/* INVALID for fewer than 3 lags: D and errors are then NAN and *out is still complete. */
iw_status iw_diffusion_estimate(const iw_msd_curve *curve, const iw_diffusion_options *options,
                                iw_diffusion *out, iw_error *err);

/* (1/3) trapezoid integral of a VACF in (A/fs)^2 over its n_lags lags, cm^2/s. */
double iw_diffusion_green_kubo(const double *vacf, size_t n_lags, double dt_fs);

#endif
