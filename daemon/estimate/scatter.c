/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/scatter.h"

#include <math.h>

/* Fewer degrees of freedom than this are no error. */
#define LEAST_FREEDOM 3.0

/*
 * Share of epoch e in the deviation: y_e = sum_k w_k (S_e(k) - P_e(k) MSD(k)) / P(k), S_e the sum
 * over the P_e pairs that end in it; the shares add up to zero.  Their long-run variance with
 * Bartlett's weights 1 - l/(L + 1), L epochs covering the memory.
 */
iw_scatter
iw_scatter_blocks(const iw_displacements *displacements, const iw_points *points,
                  const double *weight, double memory)
{
    double share[IW_MOMENTS_EPOCHS] = {0};
    size_t n = displacements->n_epochs;
    for (size_t e = 0; e < n; e++)
        for (size_t i = 0; i < points->n; i++) {
            size_t k = points->index[i], at = e * displacements->n_lags + k;
            double pairs = displacements->epoch_origins[at];
            share[e] += weight[i] * (displacements->epoch_sum_A2[at] - pairs * points->y[i]) /
                        displacements->origins[k];
        }
    size_t reach = (size_t)ceil(memory / (double)displacements->epoch_frames);
    double sum = 0, kernel = 0, lost = 0;
    for (size_t l = 0; l <= reach && l < n; l++) {
        double taper = 1 - (double)l / (double)(reach + 1), products = 0;
        for (size_t e = 0; e + l < n; e++)
            products += share[e] * share[e + l];
        double sides = l == 0 ? 1 : 2;
        sum += sides * taper * products;
        kernel += sides * taper * taper;
        lost += sides * taper * (double)(n - l) / (double)n;
    }
    double count = (double)n;
    iw_scatter out = {.variance = NAN, .freedom = (count - 1) / kernel};
    if (out.freedom >= LEAST_FREEDOM && count > lost)
        out.variance = sum * count / (count - lost); /* the mean was taken from the same shares */
    return out;
}

iw_scatter
iw_scatter_atoms(const iw_displacements *displacements, const iw_points *points,
                 const double *weight)
{
    double mean = 0, squares = 0, atoms = (double)displacements->atoms;
    for (size_t i = 0; i < points->n; i++)
        mean += weight[i] * points->y[i];
    for (size_t atom = 0; atom < displacements->atoms; atom++) {
        double slope = 0;
        for (size_t i = 0; i < points->n; i++)
            slope +=
                weight[i] * displacements->atom_A2[atom * displacements->n_lags + points->index[i]];
        squares += (slope - mean) * (slope - mean);
    }
    iw_scatter out = {.variance = NAN, .freedom = atoms - 1};
    if (out.freedom >= LEAST_FREEDOM)
        out.variance = squares / (atoms * (atoms - 1));
    return out;
}
