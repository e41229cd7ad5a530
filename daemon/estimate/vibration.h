/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_VIBRATION_H
#define IW_VIBRATION_H
/* vibration.h - the six vibrational descriptors of a VDOS, per mode (paper eqs. 6, 7).  Pure. */
#include "error.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    double omega_mean_meV;   /* mean(w) */
    double omega30_mean_meV; /* mean(w) up to the cut-off */
    double e_vib_meV;
    double f_vib_meV;
    double s_vib_meV_K;
    double c_v_meV_K;
} iw_vibration;

/* What a mode of one energy holds at one temperature, per mode. */
typedef struct {
    double energy_meV, free_energy_meV, entropy_meV_K, heat_capacity_meV_K;
} iw_mode;

typedef struct {
    double temperature_K; /* NAN: thermal descriptors are NAN */
    double cutoff_meV;    /* 30 */
    bool paper_cut; /* authors' slice: the last point at or below the cut-off is left out, and w = 0
                       takes part in mean(w) (facts.md 3.3) */
    const iw_mode *modes; /* [n] from iw_vibration_modes, for many spectra over the same energies;
                             NULL: worked out here */
} iw_vibration_options;

/* out[k] for every energy above zero; the others are left alone. */
void iw_vibration_modes(const double *energy_meV, size_t n, double temperature_K, iw_mode *out);

/* Trapezoid averages over the n points of (energy_meV, g), from the first bin above zero.  All NAN
 * when there are fewer than two such bins or g has no weight. */
void iw_vibration_compute(const double *energy_meV, const double *g, size_t n,
                          const iw_vibration_options *options, iw_vibration *out);

#endif
