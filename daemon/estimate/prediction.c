/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/prediction.h"

#include <math.h>

static const double normal_95 = 1.959963984540054; /* two-sided 95 % of the normal distribution */

/* Growth of hops in time, on a log-log scale, where none slower is believed. */
#define SLOWEST_GROWTH 0.5

/* Hops are counted at the longest lag of the running moments, which follows half the run in steps
 * of up to a quarter: so far off is the moment at which they are enough, either way. */
#define HOPS_STEP 1.25

void
iw_prediction_note(iw_prediction_history *history, double time_ps, double error, double hops)
{
    if (!(error > 0) || !isfinite(error) || !(time_ps > 0) || !(hops > 0))
        return;
    if (history->n > 0 && time_ps < history->time_ps[(history->n - 1) % IW_PREDICTION_CHECKS])
        history->n = 0;
    size_t at = history->n++ % IW_PREDICTION_CHECKS;
    history->time_ps[at] = time_ps;
    history->error[at] = error;
    history->hops[at] = hops;
}

typedef struct {
    double n, sum, squares;
} spread;

static void
spread_add(spread *self, double x)
{
    self->n++;
    self->sum += x;
    self->squares += x * x;
}

static double
spread_variance(const spread *self)
{
    if (self->n < 2)
        return 0;
    return fmax(0, self->squares - self->sum * self->sum / self->n) / (self->n - 1);
}

/* Variance of ln(error^2 t) and of ln(hops/t) over the second half of the run: zero where the laws
 * hold to the letter. */
static void
unsteadiness(const iw_prediction_history *history, double time_ps, double *error, double *hops)
{
    size_t kept = history->n < IW_PREDICTION_CHECKS ? history->n : IW_PREDICTION_CHECKS;
    spread of_error = {0}, of_hops = {0};
    for (size_t i = 0; i < kept; i++) {
        if (history->time_ps[i] < time_ps / 2)
            continue;
        spread_add(&of_error, log(history->error[i] * history->error[i] * history->time_ps[i]));
        spread_add(&of_hops, log(history->hops[i] / history->time_ps[i]));
    }
    *error = spread_variance(&of_error);
    *hops = spread_variance(&of_hops);
}

/* The relative error that D would have were it at an end of its interval. */
static double
error_at(double D, double end)
{
    return end > 0 ? fabs(end - fmax(D, 0)) / (normal_95 * end) : (double)NAN;
}

/* Joins what is wanted for one reason to what is wanted for others: the latest of them.  down and
 * up are standard deviations of its logarithm; growth below 1 stretches the upper end. */
static void
want(iw_prediction *self, double time_ps, double total_ps, double down, double up, double growth)
{
    double high_ps = total_ps * exp(normal_95 * up);
    if (high_ps > time_ps)
        high_ps = time_ps * pow(high_ps / time_ps, 1 / growth);
    self->total_ps = fmax(self->total_ps, total_ps);
    self->ci95_ps[0] = fmax(self->ci95_ps[0], total_ps * exp(-normal_95 * down));
    self->ci95_ps[1] = fmax(self->ci95_ps[1], high_ps);
}

iw_prediction
iw_prediction_make(const iw_prediction_history *history, const iw_diffusion *mobile, double time_ps,
                   double target, double min_hops)
{
    double D = mobile->D_cm2_s, low = mobile->ci95_cm2_s[0], high = mobile->ci95_cm2_s[1];
    double error = D > 0 ? mobile->stderr_cm2_s / D : NAN;
    double best = error_at(D, high), worst = error_at(D, low);
    double of_error, of_hops;
    unsteadiness(history, time_ps, &of_error, &of_hops);
    iw_prediction self = {NAN, {NAN, NAN}};
    if (isnan(best)) /* nothing bounds D: it may be known at once */
        return self;
    if (!(low > 0) || !(error > 0) || !isfinite(error)) { /* D may be zero: no end in sight */
        self.ci95_ps[0] = time_ps * (best / target) * (best / target);
        return self;
    }
    best = fmin(best, error);
    worst = fmax(worst, error);
    double total_ps = time_ps * (error / target) * (error / target);
    /* how much the wanted length changes with D: 1 for hops, 2 where the error does not */
    double power = fmax(1, 2 * log(error / best) / log(high / D));
    double ahead = power * target * sqrt(fmax(0, 1 - time_ps / total_ps));
    double down = 2 * log(error / best) / normal_95;
    double up = 2 * log(worst / error) / normal_95;
    double growth = mobile->alpha < 1 ? fmax(SLOWEST_GROWTH, mobile->alpha) : 1;
    self = (iw_prediction){0};
    want(&self, time_ps, total_ps, sqrt(down * down + of_error + ahead * ahead),
         sqrt(up * up + of_error + ahead * ahead), growth);
    if (mobile->effective_hops > 0) {
        double step = log(HOPS_STEP) / normal_95;
        of_hops += step * step;
        down = log(high / D) / normal_95;
        up = log(D / low) / normal_95;
        want(&self, time_ps, time_ps * min_hops / mobile->effective_hops,
             sqrt(down * down + of_hops), sqrt(up * up + of_hops), growth);
    }
    return self;
}

void
iw_prediction_archive(iw_prediction_history *history, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_prediction_history, 776);
    iw_archive_size(archive, &history->n);
    size_t kept = history->n < IW_PREDICTION_CHECKS ? history->n : IW_PREDICTION_CHECKS;
    iw_archive_doubles(archive, history->time_ps, kept);
    iw_archive_doubles(archive, history->error, kept);
    iw_archive_doubles(archive, history->hops, kept);
}
