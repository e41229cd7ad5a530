/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CONDUCTIVITY_H
#define IW_CONDUCTIVITY_H
/*
 * conductivity.h - ionic conductivity two ways, and their ratio.
 *
 *   sigma    = e^2/(6 V k_B T) d/dtau <|P(t + tau) - P(t)|^2>,  P = sum_i q_i r_i   (collective)
 *   sigma_NE = e^2/(V k_B T) sum_s D_s sum_{i in s} q_i^2                    (Nernst-Einstein)
 *   H_R      = sigma_NE/sigma                                                  (Haven ratio)
 *
 * Charges in e, D in cm^2/s, sigma in mS/cm.  docs/physics.md has the conventions.  Pure.
 */
#include <stddef.h>

/* A number and what is known of its error; NAN where it is not. */
typedef struct {
    double value, error, ci95[2]; /* error: standard error; ci95[1] NAN: nothing bounds it */
} iw_estimate;

extern const iw_estimate iw_estimate_none; /* all NAN */

/* mS/cm of 1 e^2 cm^2/s in a volume at a temperature: 1e4 e^2/(V k_B T) in SI, V in A^3. */
double iw_conductivity_factor(double volume_A3, double temperature_K);

/* A number times a constant >= 0. */
iw_estimate iw_estimate_scale(const iw_estimate *of, double factor);

/* Sum of independent estimates: errors add in squares; so do the upper arms of the intervals, and
 * the lower ones (Zou and Donner 2008). */
iw_estimate iw_estimate_sum(const iw_estimate *of, size_t n);

/* above/below, taken as independent: relative errors add in squares; on the logarithmic scale so do
 * the arms of the intervals.  Where the interval of below reaches 0 the ratio can be anything from
 * some limit on: no value, and a lower limit alone, the lower one of above over the upper one of
 * below.  The same where above is not positive. */
iw_estimate iw_estimate_ratio(const iw_estimate *above, const iw_estimate *below);

#endif
