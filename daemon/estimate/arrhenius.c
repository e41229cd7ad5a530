/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/arrhenius.h"

#include "constants.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

#define SAME_TEMPERATURE 1e-3
#define REFUSED_BELOW    0.05 /* p of chi^2 at which the points are not on a line */
#define NORMAL_95        1.959963984540054

/* The line about its centre: value and slope there are uncorrelated. */
typedef struct {
    double x, y;    /* weighted means of 1/(k_B T) in 1/eV, and of ln D */
    double slope;   /* -E_a */
    double sum_w;   /* 1/Var(y) */
    double sum_wxx; /* 1/Var(slope) */
} line;

static double
inverse_kT(double temperature_K)
{
    return 1000.0 / (IW_BOLTZMANN_MEV_K * temperature_K);
}

static double
weight(const iw_arrhenius_point *p)
{
    double relative = p->stderr_cm2_s / p->D_cm2_s;
    return 1.0 / (relative * relative);
}

static const char *
unfit(const iw_arrhenius_point *p)
{
    if (p->unfit)
        return p->unfit;
    if (!(p->temperature_K > 0.0) || !isfinite(p->temperature_K))
        return "its temperature is not known";
    if (!isfinite(p->D_cm2_s))
        return "D is not known";
    if (!(p->D_cm2_s > 0.0))
        return "D is not above zero";
    if (!(p->stderr_cm2_s > 0.0) || !isfinite(weight(p)) || !(weight(p) > 0.0))
        return "D has no error";
    return NULL;
}

static bool
counts(const iw_arrhenius_mark *marks, size_t i, size_t without)
{
    return !marks[i].left_out && i != without;
}

/* Temperatures among the points that count, at most so many: each is compared with those before it.
 */
static size_t
temperatures(const iw_arrhenius_point *points, const iw_arrhenius_mark *marks, size_t n,
             size_t without, size_t most)
{
    size_t found = 0;
    for (size_t i = 0; i < n && found < most; i++) {
        bool new = counts(marks, i, without);
        for (size_t j = 0; new &&j < i; j++) {
            double apart = fabs(points[i].temperature_K - points[j].temperature_K);
            if (counts(marks, j, without) && apart <= SAME_TEMPERATURE * points[j].temperature_K)
                new = false;
        }
        found += new;
    }
    return found;
}

static line
fit(const iw_arrhenius_point *points, const iw_arrhenius_mark *marks, size_t n, size_t without)
{
    line l = {0};
    for (size_t i = 0; i < n; i++) {
        if (!counts(marks, i, without))
            continue;
        double w = weight(&points[i]);
        l.sum_w += w;
        l.x += w * inverse_kT(points[i].temperature_K);
        l.y += w * log(points[i].D_cm2_s);
    }
    l.x /= l.sum_w;
    l.y /= l.sum_w;
    double sum_wxy = 0.0;
    for (size_t i = 0; i < n; i++) {
        if (!counts(marks, i, without))
            continue;
        double dx = inverse_kT(points[i].temperature_K) - l.x;
        l.sum_wxx += weight(&points[i]) * dx * dx;
        sum_wxy += weight(&points[i]) * dx * (log(points[i].D_cm2_s) - l.y);
    }
    l.slope = sum_wxy / l.sum_wxx;
    return l;
}

/* chi^2 of the line, and what a line that is refused costs: errors that would make it fit, and the
 * quantile of so few residuals.  Returns the quantile of the 95 % intervals. */
static double
judge(const iw_arrhenius_point *points, iw_arrhenius_mark *marks, size_t n, const line *l,
      iw_arrhenius *out)
{
    double chi2 = 0.0;
    for (size_t i = 0; i < n; i++) {
        if (!counts(marks, i, n))
            continue;
        double on_line = l->y + l->slope * (inverse_kT(points[i].temperature_K) - l->x);
        marks[i].residual_sigma = (log(points[i].D_cm2_s) - on_line) * sqrt(weight(&points[i]));
        chi2 += marks[i].residual_sigma * marks[i].residual_sigma;
    }
    out->dof = out->n_used - 2;
    if (out->dof == 0)
        return NORMAL_95;
    double dof = (double)out->dof;
    out->chi2 = chi2;
    out->p_value = gsl_cdf_chisq_Q(chi2, dof);
    if (!(out->p_value < REFUSED_BELOW))
        return NORMAL_95;
    out->widened = sqrt(chi2 / dof);
    return gsl_cdf_tdist_Pinv(0.975, dof);
}

/* E_a once more without each of the points. */
static void
leave_one_out(const iw_arrhenius_point *points, iw_arrhenius_mark *marks, size_t n,
              iw_arrhenius *out)
{
    for (size_t i = 0; i < n; i++) {
        if (marks[i].left_out || temperatures(points, marks, n, i, 2) < 2)
            continue;
        double E_a = -fit(points, marks, n, i).slope;
        marks[i].E_a_without_eV = E_a;
        if (!(out->without_one_eV[0] <= E_a))
            out->without_one_eV[0] = E_a;
        if (!(out->without_one_eV[1] >= E_a))
            out->without_one_eV[1] = E_a;
    }
}

static void
report(const line *l, double quantile, iw_arrhenius *out)
{
    double var_y = out->widened * out->widened / l->sum_w;
    double var_slope = out->widened * out->widened / l->sum_wxx;
    out->E_a_eV = -l->slope;
    out->E_a_stderr_eV = sqrt(var_slope);
    out->E_a_ci95_eV[0] = out->E_a_eV - quantile * out->E_a_stderr_eV;
    out->E_a_ci95_eV[1] = out->E_a_eV + quantile * out->E_a_stderr_eV;
    out->ln_D0 = l->y - l->slope * l->x;
    out->ln_D0_stderr = sqrt(var_y + l->x * l->x * var_slope);

    double dx = inverse_kT(out->at_K) - l->x;
    double ln_D = l->y + l->slope * dx;
    double error = sqrt(var_y + dx * dx * var_slope);
    out->D_cm2_s = exp(ln_D);
    out->D_stderr_cm2_s = out->D_cm2_s * error;
    out->D_ci95_cm2_s[0] = exp(ln_D - quantile * error);
    out->D_ci95_cm2_s[1] = exp(ln_D + quantile * error);

    double hot = 1.0 / out->T_max_K, cold = 1.0 / out->T_min_K, there = 1.0 / out->at_K;
    double outside = there > cold ? there - cold : there < hot ? hot - there : 0.0;
    out->reach = outside / (cold - hot);
}

iw_status
iw_arrhenius_fit(const iw_arrhenius_point *points, size_t n, double at_K, iw_arrhenius *out,
                 iw_arrhenius_mark *marks, iw_error *err)
{
    *out = (iw_arrhenius){.T_min_K = NAN,
                          .T_max_K = NAN,
                          .E_a_eV = NAN,
                          .E_a_stderr_eV = NAN,
                          .E_a_ci95_eV = {NAN, NAN},
                          .ln_D0 = NAN,
                          .ln_D0_stderr = NAN,
                          .at_K = at_K,
                          .D_cm2_s = NAN,
                          .D_ci95_cm2_s = {NAN, NAN},
                          .D_stderr_cm2_s = NAN,
                          .chi2 = NAN,
                          .p_value = NAN,
                          .widened = 1.0,
                          .without_one_eV = {NAN, NAN},
                          .reach = NAN};
    for (size_t i = 0; i < n; i++) {
        marks[i] = (iw_arrhenius_mark){
            .left_out = unfit(&points[i]), .residual_sigma = NAN, .E_a_without_eV = NAN};
        if (marks[i].left_out)
            continue;
        out->n_used++;
        out->T_min_K = fmin(points[i].temperature_K, out->T_min_K); /* of NAN the other */
        out->T_max_K = fmax(points[i].temperature_K, out->T_max_K);
    }
    out->n_temperatures = temperatures(points, marks, n, n, n);
    if (!(at_K > 0.0))
        return iw_fail(err, IW_INVALID, "temperature of %g K: it must be above zero", at_K);
    if (out->n_temperatures < 2)
        return iw_fail(err, IW_INVALID,
                       "a line needs runs at two temperatures or more: %zu of %zu runs can be "
                       "used, at %zu temperature%s",
                       out->n_used, n, out->n_temperatures, out->n_temperatures == 1 ? "" : "s");
    line l = fit(points, marks, n, n);
    double quantile = judge(points, marks, n, &l, out);
    report(&l, quantile, out);
    leave_one_out(points, marks, n, out);
    return IW_OK;
}
