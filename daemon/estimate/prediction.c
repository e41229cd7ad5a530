/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/prediction.h"

#include <math.h>

static const double normal_95 = 1.959963984540054; /* two-sided 95 % of the normal distribution */

void
iw_prediction_note(iw_prediction_history *history, double time_ps, double error)
{
    if (!(error > 0) || !isfinite(error) || !(time_ps > 0))
        return;
    size_t at = history->n++ % IW_PREDICTION_CHECKS;
    history->time_ps[at] = time_ps;
    history->error[at] = error;
}

/* Spread of ln(error^2 t) over the second half of the run: zero where the law holds to the letter.
 */
static double
unsteadiness(const iw_prediction_history *history, double time_ps)
{
    size_t kept = history->n < IW_PREDICTION_CHECKS ? history->n : IW_PREDICTION_CHECKS;
    double sum = 0, squares = 0, n = 0;
    for (size_t i = 0; i < kept; i++) {
        if (history->time_ps[i] < time_ps / 2)
            continue;
        double x = log(history->error[i] * history->error[i] * history->time_ps[i]);
        sum += x;
        squares += x * x;
        n++;
    }
    return n > 1 ? sqrt(fmax(0, squares - sum * sum / n) / (n - 1)) : 0;
}

/* The relative error that D would have were it at an end of its interval. */
static double
error_at(double D, double end)
{
    return end > 0 ? fabs(end - fmax(D, 0)) / (normal_95 * end) : (double)NAN;
}

/* A later one of two times; NAN where either is not known. */
static double
later(double a_ps, double b_ps)
{
    return isnan(a_ps) || isnan(b_ps) ? (double)NAN : fmax(a_ps, b_ps);
}

iw_prediction
iw_prediction_make(const iw_prediction_history *history, const iw_diffusion *mobile, double time_ps,
                   double target, double min_hops)
{
    iw_prediction self = {NAN, {NAN, NAN}};
    double D = mobile->D_cm2_s, low = mobile->ci95_cm2_s[0], high = mobile->ci95_cm2_s[1];
    double error = D > 0 ? mobile->stderr_cm2_s / D : NAN;
    double best = error_at(D, high), worst = error_at(D, low);
    double scatter = unsteadiness(history, time_ps);
    if (isnan(best)) /* nothing bounds D: it may be known at once */
        return self;
    double soonest = time_ps * (best / target) * (best / target);
    if (!(error > 0) || !isfinite(error)) {
        self.ci95_ps[0] = soonest * exp(-normal_95 * scatter);
        return self;
    }
    best = fmin(best, error);
    worst = fmax(worst, error);
    double total = time_ps * (error / target) * (error / target);
    /* how much the wanted length changes with D: 1 for hops, 2 where the error does not */
    double power = fmax(1, 2 * log(error / best) / log(high / D));
    double ahead = power * target * sqrt(fmax(0, 1 - time_ps / total));
    double others = scatter * scatter + ahead * ahead;
    double down = 2 * log(error / best) / normal_95;
    double up = low > 0 ? 2 * log(worst / error) / normal_95 : NAN;
    double wanted = mobile->effective_hops > 0 ? time_ps * min_hops / mobile->effective_hops : 0;
    self.total_ps = later(total, wanted);
    self.ci95_ps[0] =
        later(total * exp(-normal_95 * sqrt(down * down + others)), wanted * D / high);
    self.ci95_ps[1] = later(total * exp(normal_95 * sqrt(up * up + others)), wanted * D / low);
    return self;
}
