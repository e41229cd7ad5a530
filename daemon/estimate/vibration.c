/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/vibration.h"

#include "constants.h"

#include <math.h>

/* One harmonic mode.  Every form keeps its digits from x -> 0 to x -> infinity. */
static iw_mode
thermal(double omega, double kT)
{
    double x = omega / kT;
    /* beyond 700 the occupation is below the smallest double */
    double occupation = x < 700 ? 1 / expm1(x) : 0;
    double x_occupation = x < 700 ? x * occupation : 0;
    double log_term = x < 1 ? log(-expm1(-x)) : log1p(-exp(-x));
    return (iw_mode){
        .energy_meV = omega / 2 + kT * x_occupation,
        .free_energy_meV = omega / 2 + kT * log_term,
        .entropy_meV_K = IW_BOLTZMANN_MEV_K * (x_occupation - log_term),
        .heat_capacity_meV_K = IW_BOLTZMANN_MEV_K * x_occupation * (x_occupation + x),
    };
}

void
iw_vibration_modes(const double *energy_meV, size_t n, double temperature_K, iw_mode *out)
{
    for (size_t k = 0; k < n; k++)
        if (energy_meV[k] > 0)
            out[k] = thermal(energy_meV[k], IW_BOLTZMANN_MEV_K * temperature_K);
}

/* Trapezoid mean of w over the points [first, end); NAN where there is nothing to average. */
static double
mean_omega(const double *w, const double *g, size_t first, size_t end)
{
    double weight = 0, sum = 0;
    for (size_t k = first; k + 1 < end; k++) {
        double h = (w[k + 1] - w[k]) / 2;
        weight += h * (g[k] + g[k + 1]);
        sum += h * (w[k] * g[k] + w[k + 1] * g[k + 1]);
    }
    return weight > 0 ? sum / weight : NAN;
}

void
iw_vibration_compute(const double *energy_meV, const double *g, size_t n,
                     const iw_vibration_options *options, iw_vibration *out)
{
    *out = (iw_vibration){NAN, NAN, NAN, NAN, NAN, NAN};
    size_t first = 0;
    while (first < n && !(energy_meV[first] > 0))
        first++;
    double weight = 0;
    for (size_t k = first; k + 1 < n; k++)
        weight += (energy_meV[k + 1] - energy_meV[k]) / 2 * (g[k] + g[k + 1]);
    if (!(weight > 0) || !isfinite(weight))
        return;

    size_t below = 0; /* points at or below the cut-off */
    while (below < n && energy_meV[below] <= options->cutoff_meV)
        below++;
    if (options->paper_cut) {
        out->omega_mean_meV = mean_omega(energy_meV, g, 0, n);
        out->omega30_mean_meV = mean_omega(energy_meV, g, 0, below > 0 ? below - 1 : 0);
    } else {
        out->omega_mean_meV = mean_omega(energy_meV, g, first, n);
        out->omega30_mean_meV = mean_omega(energy_meV, g, first, below);
    }

    double kT = IW_BOLTZMANN_MEV_K * options->temperature_K;
    if (!(kT > 0) || !isfinite(kT))
        return;
    double energy = 0, free_energy = 0, entropy = 0, heat_capacity = 0;
    for (size_t k = first; k < n; k++) {
        double left = k > first ? energy_meV[k] - energy_meV[k - 1] : 0;
        double right = k + 1 < n ? energy_meV[k + 1] - energy_meV[k] : 0;
        double share = (left + right) / 2 * g[k] / weight;
        iw_mode one = options->modes ? options->modes[k] : thermal(energy_meV[k], kT);
        energy += share * one.energy_meV;
        free_energy += share * one.free_energy_meV;
        entropy += share * one.entropy_meV_K;
        heat_capacity += share * one.heat_capacity_meV_K;
    }
    out->e_vib_meV = energy;
    out->f_vib_meV = free_energy;
    out->s_vib_meV_K = entropy;
    out->c_v_meV_K = heat_capacity;
}
