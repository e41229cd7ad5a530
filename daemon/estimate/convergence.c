/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/convergence.h"

#include <math.h>
#include <stdio.h>

void
iw_convergence_options_init(iw_convergence_options *options)
{
    *options = (iw_convergence_options){
        .mode = IW_STOP_ADVISE, .target = 0.20, .min_hops = 50, .min_time_ps = 2, .hold = 3};
}

/* Further MD time until error, hops and length reach what is asked: the error falls as
 * 1/sqrt(time), hops grow with time. */
static double
time_to_go(const iw_convergence_options *options, double relative_error, double hops,
           double time_ps)
{
    double ratio = relative_error / options->target;
    double needed = fmax(time_ps, options->min_time_ps);
    needed = fmax(needed, time_ps * ratio * ratio);
    if (hops > 0)
        needed = fmax(needed, time_ps * options->min_hops / hops);
    return needed - time_ps;
}

void
iw_convergence_check(iw_convergence *state, const iw_convergence_options *options,
                     const iw_diffusion *mobile, double time_ps)
{
    double error = mobile->D_cm2_s > 0 ? mobile->stderr_cm2_s / mobile->D_cm2_s : NAN;
    state->relative_error = error;
    state->predicted_ps_to_target = NAN;
    if (!isfinite(error)) {
        state->held = 0;
        (void)snprintf(state->state, sizeof state->state, "unknown");
        (void)snprintf(state->reason, sizeof state->reason, "D is not known after %.3g ps: %s",
                       time_ps,
                       mobile->warning        ? mobile->warning
                       : mobile->D_cm2_s <= 0 ? "the MSD does not grow"
                                              : "too few frames");
        return;
    }
    state->predicted_ps_to_target = time_to_go(options, error, mobile->effective_hops, time_ps);

    char *reason = state->reason;
    size_t size = sizeof state->reason;
    bool passed = false;
    if (time_ps < options->min_time_ps)
        (void)snprintf(reason, size, "%.3g ps of MD, %.3g ps are the least", time_ps,
                       options->min_time_ps);
    else if (!(error <= options->target))
        (void)snprintf(reason, size, "relative error of D is %.3g, the target %.3g", error,
                       options->target);
    else if (!(mobile->effective_hops >= options->min_hops))
        (void)snprintf(reason, size, "%.3g effective hops, %.3g are the least",
                       mobile->effective_hops, options->min_hops);
    else if (!mobile->diffusive)
        (void)snprintf(reason, size, "no diffusive regime: %s (alpha %.3g)",
                       mobile->warning ? mobile->warning : "the MSD is no straight line",
                       mobile->alpha);
    else
        passed = true;

    unsigned hold = options->hold > 0 ? options->hold : 1;
    state->held = passed ? state->held + 1 : 0;
    bool converged = state->held >= hold;
    if (passed)
        (void)snprintf(reason, size,
                       "relative error of D is %.3g (target %.3g) with %.3g effective hops and "
                       "alpha %.3g, at %u check%s in a row (%u asked for)",
                       error, options->target, mobile->effective_hops, mobile->alpha, state->held,
                       state->held == 1 ? "" : "s", hold);
    (void)snprintf(state->state, sizeof state->state, "%s", converged ? "converged" : "converging");
}
