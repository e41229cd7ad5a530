/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_DIFFUSION_H
#define IW_DIFFUSION_H
/*
 * diffusion.h - diffusion coefficients from an MSD, with an error.
 *
 * einstein: ordinary least squares over the lags ceil(M/2)..M, free intercept, slope/6 (paper eq.
 * 4). gls: MSD = c + 6 D tau fitted by generalised least squares with the covariance of overlapping
 * displacements of a random walk with localisation noise (Bullerjahn, von Buelow, Hummer 2020) and,
 * for motion by hops, the counting noise of the hops, whose length the fourth moment tells.  The
 * window starts where a line fits as well as chance allows and the ions have left their sites.
 * Beside the error of the model stand those that the parts of the run and its atoms show; where the
 * parts say that the model is wrong, its error grows.  docs/physics.md has the formulas.  A call
 * costs 0.1 to 2 ms at any length, and O(M) for the exact curve.  Pure.
 */
#include "error.h"
#include "estimate/displacements.h"

#include <stdbool.h>

typedef struct {
    double hop_length_A; /* a in N_eff = N max MSD / a^2 (He, Zhu, Epstein, Mo 2018), and the length
                            of a hop where too few were made to tell; default 3 */
    double alpha_tolerance; /* not diffusive where alpha misses 1 by more than this and more than
                               its error and the offset explain; default 0.1 */
    double jump_length_A;   /* elementary jump, whose counting noise widens the error and which the
                               MSD must exceed; 0: continuous motion; NAN: told by the fourth moment
                               (default) */
    double from_ps;         /* the window starts no earlier; default 0 */
} iw_diffusion_options;

typedef struct {
    double D_cm2_s;                      /* 0 where the MSD falls; NAN where it cannot be told */
    double stderr_cm2_s;                 /* of D, NAN likewise */
    double ci95_cm2_s[2], ci68_cm2_s[2]; /* within [0, inf); [1] is NAN where nothing bounds D */
    double stderr_model_cm2_s;           /* by the covariance alone */
    double stderr_blocks_cm2_s; /* from the scatter of the parts of the run; NAN for too few */
    double stderr_atoms_cm2_s;  /* from the scatter of the atoms, taken as independent */
    double stderr_hops_cm2_s;   /* he_relative_error D */
    double intercept_A2;
    double D_einstein_cm2_s; /* NAN without the exact curve */
    double D_axes_cm2_s[3], D_axes_stderr_cm2_s[3];
    double alpha;             /* d ln MSD / d ln tau in the window */
    double non_gaussian;      /* 3 <r^4>/(5 <r^2>^2) - 1 at the start of the window */
    double jump_A;            /* sqrt(<b^4>/<b^2>) of the jumps, told from the fourth moment */
    double effective_hops;    /* N_eff */
    double he_relative_error; /* 3.43/sqrt(N_eff) + 0.04 */
    double fit_ps[2];         /* window of gls */
    double *stderr_A2;        /* [n_lags] of the curve: standard error of each MSD value, by the
                                 random-walk covariance; allocated by the caller, or NULL */
    bool diffusive;           /* a line fits where ions have left their sites, the MSD grows beyond
                                 its error, and alpha is within tolerance */
    bool collective;          /* the blocks scatter more than independent atoms can */
    const char *warning;      /* static text, or NULL */
} iw_diffusion;

void iw_diffusion_options_init(iw_diffusion_options *options);
/* Every number NAN, nothing known; stderr_A2 stays. */
void iw_diffusion_init(iw_diffusion *out);
/* curve: NULL, or the exact MSD of the same frames, for D_einstein and stderr_A2.  INVALID for
 * fewer than 2 lags beyond 0: D and errors are then NAN and *out is still complete. */
iw_status iw_diffusion_estimate(const iw_displacements *displacements, const iw_msd_curve *curve,
                                const iw_diffusion_options *options, iw_diffusion *out,
                                iw_error *err);

/* Ordinary least squares over the lags ceil(M/2)..M of an MSD along so many axes (3: the whole),
 * cm^2/s; NAN for fewer than 3 lags. */
double iw_diffusion_einstein(const double *msd_A2, size_t n_lags, double dt_fs, int axes);

/* (1/3) trapezoid integral of a VACF in (A/fs)^2 over its n_lags lags, cm^2/s. */
double iw_diffusion_green_kubo(const double *vacf, size_t n_lags, double dt_fs);

#endif
