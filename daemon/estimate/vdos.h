/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_VDOS_H
#define IW_VDOS_H
/*
 * vdos.h - vibrational density of states from a VACF (method "physical").
 *
 * g(E_k) at E_k = h k/(2 M dt), k = 0..M: cosine transform of the VACF up to lag M (end lags weigh
 * one half), normalised so that its trapezoid integral from the first bin above zero is one.
 * Tapers: parzen on the biased estimator (C(n) (T-n)/T: g >= 0), hann = cos^2(pi n/(2M)) and none
 * on the unbiased one.  Velocities that are forward differences of positions damp g by
 * sinc^2(pi f dt), at least 0.405 up to the Nyquist energy h/(2 dt), which is divided out.
 * Costs one transform of 2 M points.  Pure, but the transform's plan is shared (correlate/fft.h).
 */
#include "error.h"

#include <stdbool.h>

typedef enum { IW_TAPER_PARZEN, IW_TAPER_HANN, IW_TAPER_NONE } iw_taper;

typedef struct {
    size_t n_lags; /* M + 1 */
    double dt_fs;
    const double *vacf;    /* [n_lags] unbiased, any unit, mass-weighted for a true VDOS */
    const double *origins; /* [n_lags] number of origins: the bias of the parzen estimator */
    iw_taper taper;
    bool finite_difference; /* velocities are differences of positions: divide by sinc^2(pi f dt) */
} iw_vdos_input;

/* Owns its arrays; init with {0}. */
typedef struct {
    size_t n;
    double *energy_meV;    /* [n] h f */
    double *g;             /* [n] per meV, integral one */
    double resolution_meV; /* full width at half maximum of the taper's transform */
} iw_vdos;

/* INVALID: fewer than 3 lags, no spacing, or a spectrum whose integral is not positive; *out is
 * then empty.  NO_MEMORY.  Arrays that *out had before are freed. */
iw_status iw_vdos_compute(const iw_vdos_input *input, iw_vdos *out, iw_error *err);
void iw_vdos_fini(iw_vdos *vdos);

/* The same for many VACFs of one shape: what depends on the shape alone is made once.  One thread
 * at a time. */
typedef struct iw_vdos_shape iw_vdos_shape;

/* The VACF and the origins of the input are not looked at.  NULL: INVALID or NO_MEMORY as above. */
iw_vdos_shape *iw_vdos_shape_new(const iw_vdos_input *input, iw_error *err);
void iw_vdos_shape_destroy(iw_vdos_shape **shape);
/* What each lag is multiplied by, beside the bias: [n_lags], valid as long as the shape. */
const double *iw_vdos_shape_taper(const iw_vdos_shape *shape);
void iw_vdos_shape_energies(const iw_vdos_shape *shape, double *energy_meV); /* [n_lags] */
/* g[n_lags] of one VACF, normalised.  INVALID: a spectrum whose integral is not positive. */
iw_status iw_vdos_spectrum(iw_vdos_shape *shape, const double *vacf, const double *origins,
                           double *g, iw_error *err);

/* What forward (or central over half the spacing) differences over dt_fs leave of a mode. */
double iw_vdos_difference_factor(double energy_meV, double dt_fs);
/* Divides g by its trapezoid integral over the points 1..n-1.  INVALID where that is not positive.
 */
iw_status iw_vdos_normalise(iw_vdos *vdos, iw_error *err);

#endif
