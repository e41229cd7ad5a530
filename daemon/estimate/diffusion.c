/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/diffusion.h"

#include "constants.h"
#include "estimate/walk.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_fit.h>
#include <math.h>

/* More lags than this bring no more precision: neighbours are nearly the same number. */
enum { MAX_POINTS = 40, ITERATIONS = 4 };

static const double normal_95 = 1.959963984540054; /* two-sided 95 % of the normal distribution */

/* Lags spread evenly on a logarithmic scale, and what their covariance is made of. */
typedef struct {
    size_t n;
    size_t lag[MAX_POINTS];
    double x[MAX_POINTS], y[MAX_POINTS];
    iw_walk_sums sums[MAX_POINTS][MAX_POINTS];
} grid;

/* A straight line through the points first..n-1 of a grid. */
typedef struct {
    bool valid;
    size_t first;
    double intercept, slope;
    double chi2;               /* of the residuals; n - first - 2 is expected */
    double weight[MAX_POINTS]; /* slope = sum weight y; zero before first */
    iw_walk walk;              /* that the covariance was made from */
} line;

void
iw_diffusion_options_init(iw_diffusion_options *options)
{
    *options =
        (iw_diffusion_options){.hop_length_A = 3, .alpha_tolerance = 0.1, .jump_length_A = NAN};
}

static void
grid_fill(grid *self, const iw_msd_curve *curve, size_t low, size_t high)
{
    double ratio = pow((double)high / (double)low, 1.0 / (MAX_POINTS - 1));
    self->n = 0;
    for (size_t lag = low; self->n < MAX_POINTS; self->n++) {
        self->lag[self->n] = lag;
        self->x[self->n] = (double)lag;
        self->y[self->n] = curve->msd_A2[lag];
        if (lag == high) {
            self->n++;
            break;
        }
        size_t next = (size_t)lround((double)lag * ratio);
        next = next > lag ? next : lag + 1;
        lag = next < high && self->n + 2 < MAX_POINTS ? next : high;
    }
    for (size_t i = 0; i < self->n; i++)
        for (size_t j = 0; j <= i; j++)
            self->sums[i][j] = self->sums[j][i] = iw_walk_sum(curve, self->lag[i], self->lag[j]);
}

/* Index of the first point at or beyond a lag; n when there is none. */
static size_t
grid_find(const grid *self, double lag)
{
    size_t i = 0;
    while (i < self->n && self->x[i] < lag)
        i++;
    return i;
}

/* a = L L^T in place (lower triangle); false when a is not positive definite. */
static bool
cholesky(double a[MAX_POINTS][MAX_POINTS], size_t n)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++) {
            double sum = a[i][j];
            for (size_t k = 0; k < j; k++)
                sum -= a[i][k] * a[j][k];
            if (i > j)
                a[i][j] = sum / a[j][j];
            else if (sum > 0 && isfinite(sum))
                a[j][j] = sqrt(sum);
            else
                return false;
        }
    }
    return true;
}

/* Generalised least squares of y = intercept + slope x for the points out->first..n-1: fills
 * intercept, slope, chi2 and weight.  covariance (of those points) is destroyed. */
static bool
least_squares(double covariance[MAX_POINTS][MAX_POINTS], const double *x, const double *y, size_t n,
              line *out)
{
    if (n < 2 || !cholesky(covariance, n))
        return false;
    double one[MAX_POINTS], time[MAX_POINTS], value[MAX_POINTS];
    double s11 = 0, s1t = 0, stt = 0, s1y = 0, sty = 0;
    for (size_t i = 0; i < n; i++) {
        one[i] = 1;
        time[i] = x[i];
        value[i] = y[i];
        for (size_t k = 0; k < i; k++) {
            one[i] -= covariance[i][k] * one[k];
            time[i] -= covariance[i][k] * time[k];
            value[i] -= covariance[i][k] * value[k];
        }
        one[i] /= covariance[i][i];
        time[i] /= covariance[i][i];
        value[i] /= covariance[i][i];
        s11 += one[i] * one[i];
        s1t += one[i] * time[i];
        stt += time[i] * time[i];
        s1y += one[i] * value[i];
        sty += time[i] * value[i];
    }
    double determinant = s11 * stt - s1t * s1t;
    if (!(determinant > 0))
        return false;
    out->slope = (s11 * sty - s1t * s1y) / determinant;
    out->intercept = (s1y - out->slope * s1t) / s11;
    out->chi2 = 0;
    double *weight = out->weight + out->first;
    for (size_t i = n; i-- > 0;) {
        double residual = value[i] - out->intercept * one[i] - out->slope * time[i];
        out->chi2 += residual * residual;
        weight[i] = (s11 * time[i] - s1t * one[i]) / determinant;
        for (size_t k = i + 1; k < n; k++)
            weight[i] -= covariance[k][i] * weight[k];
        weight[i] /= covariance[i][i];
    }
    return isfinite(out->slope) && isfinite(out->intercept);
}

/* How long the noise (in solids: the vibration) stays correlated, told from how the MSD reaches its
 * line: rho(n) = 1 - (MSD(n) - q n)/c below the window, its own variance taken off. */
static void
noise_correlation(const grid *points, size_t first, iw_walk *walk)
{
    walk->cross_frames = walk->noise_frames = 1;
    if (!(walk->c_A2 > 0))
        return;
    for (size_t i = 0; i < first; i++) {
        double width = (points->x[i + 1] - (i > 0 ? points->x[i - 1] : 0)) / 2;
        double rho = 1 - (points->y[i] - walk->q_A2 * points->x[i]) / walk->c_A2;
        rho = fmax(-1, fmin(1, rho));
        double variance = iw_walk_covariance(walk, &points->sums[i][i]) / (walk->c_A2 * walk->c_A2);
        walk->cross_frames += 2 * width * rho;
        walk->noise_frames += 2 * width * (rho * rho - variance);
    }
    walk->cross_frames = fmax(1, walk->cross_frames);
    walk->noise_frames = fmax(1, walk->noise_frames);
}

/* The covariance depends on what is fitted: it starts from ordinary least squares and is made again
 * until it agrees. */
static line
fit(const grid *points, size_t first, double jump_A2, double atoms)
{
    line self = {.first = first, .walk = {.jump_A2 = jump_A2, .atoms = atoms}};
    size_t n = points->n - first;
    const double *x = points->x + first, *y = points->y + first;
    if (n < 2)
        return self;
    double c00, c01, c11, squares;
    (void)gsl_fit_linear(x, 1, y, 1, n, &self.intercept, &self.slope, &c00, &c01, &c11, &squares);
    double floor_q = 1e-9 * fabs(y[n - 1]) / x[n - 1];
    double covariance[MAX_POINTS][MAX_POINTS];
    for (int iteration = 0; iteration < ITERATIONS; iteration++) {
        self.walk.q_A2 = fmax(self.slope, floor_q);
        self.walk.c_A2 = fmax(self.intercept, 0);
        noise_correlation(points, first, &self.walk);
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j <= i; j++)
                covariance[i][j] =
                    iw_walk_covariance(&self.walk, &points->sums[first + i][first + j]);
            covariance[i][i] *= 1 + 1e-10;
        }
        self.valid = least_squares(covariance, x, y, n, &self);
        if (!self.valid)
            return self;
    }
    return self;
}

/* Variance of sum weight MSD under a walk. */
static double
variance(const grid *points, const double *weight, const iw_walk *walk)
{
    double sum = 0;
    for (size_t i = 0; i < points->n; i++) {
        sum += weight[i] * weight[i] * iw_walk_covariance(walk, &points->sums[i][i]);
        for (size_t j = 0; j < i; j++)
            sum += 2 * weight[i] * weight[j] * iw_walk_covariance(walk, &points->sums[i][j]);
    }
    return sum;
}

/* Does the line fit as well as chance allows, in 95 of 100 cases? */
static bool
fits_well(const grid *points, const line *candidate)
{
    double freedom = (double)(points->n - candidate->first) - 2;
    return candidate->valid && candidate->chi2 <= gsl_cdf_chisq_Pinv(0.95, freedom);
}

/* Index of the point where the window starts: the first one at or beyond a lag from which a line
 * fits; where shorter lags were refused, twice as late, since a misfit too small to be seen would
 * still bias D.  Where there is none up to M/4, that of M/4, and *found is false.  A lag beyond M/4
 * is the only one that is tried. */
static size_t
find_window(const grid *points, const line *fits, double from, bool *found)
{
    double m = points->x[points->n - 1];
    size_t last = grid_find(points, fmax(1, floor(m / 4)));
    last = last + 2 <= points->n ? last : points->n - 2;
    *found = false;
    size_t first = grid_find(points, from);
    double latest = m / 4;
    if (first + 3 <= points->n && from > latest) {
        last = first;
        latest = points->x[first];
    }
    for (size_t i = first; i < points->n && points->x[i] <= latest && !*found; i++) {
        *found = fits_well(points, &fits[i]);
        if (*found)
            last = i == first ? first : grid_find(points, 2 * points->x[i]);
    }
    return last;
}

/* The values of q that the fitted slope does not contradict: |slope - q| <= z sigma(q), where
 * sigma^2 = v0 + v1 q + v2 q^2.  Unlike slope +- z sigma(slope), it is not too
 * short when the slope came out too small.  A slope below zero says what one of zero says: q is
 * small.  So little data that no q is too large: NAN. */
static void
interval(const grid *points, const line *line_fit, double ci[2])
{
    iw_walk walk = line_fit->walk;
    double slope = fmax(0, line_fit->slope);
    walk.q_A2 = 0;
    double v0 = variance(points, line_fit->weight, &walk);
    /* the scale on which sigma changes: much smaller, and v1 and v2 would be rounding errors */
    double unit = fmax(fmax(line_fit->walk.q_A2, sqrt(fmax(v0, 0))), 1e-300);
    walk.q_A2 = unit;
    double at_1 = variance(points, line_fit->weight, &walk);
    walk.q_A2 = 2 * unit;
    double at_2 = variance(points, line_fit->weight, &walk);
    double v2 = (at_2 - 2 * at_1 + v0) / 2, v1 = at_1 - v0 - v2; /* of q/unit */
    double z2 = normal_95 * normal_95, s = slope / unit;
    double a = 1 - z2 * v2 / (unit * unit), b = s + z2 * v1 / (2 * unit * unit);
    double c = s * s - z2 * v0 / (unit * unit);
    double root = sqrt(fmax(0, b * b - a * c));
    ci[0] = fmax(0, unit * (b - root) / a);
    ci[1] = a > 0 ? fmax(0, unit * (b + root) / a) : NAN;
}

/* d ln MSD / d ln tau by generalised least squares, from where the offset is at most a tenth of the
 * MSD, at the latest from M/4 on.  *allowed: what it may miss 1 by for its error (two sigma) and
 * for the offset. */
static double
exponent(const grid *points, const line *line_fit, double *allowed)
{
    double x[MAX_POINTS], y[MAX_POINTS], covariance[MAX_POINTS][MAX_POINTS];
    size_t first = line_fit->first;
    double quarter = points->x[points->n - 1] / 4;
    while (first + 3 < points->n && points->x[first] < quarter &&
           points->y[first] < 10 * line_fit->walk.c_A2)
        first++;
    *allowed = 0;
    size_t n = points->n - first;
    if (n < 2)
        return NAN;
    for (size_t i = 0; i < n; i++) {
        if (!(points->y[first + i] > 0))
            return NAN;
        x[i] = log(points->x[first + i]);
        y[i] = log(points->y[first + i]);
        for (size_t j = 0; j <= i; j++)
            covariance[i][j] =
                iw_walk_covariance(&line_fit->walk, &points->sums[first + i][first + j]) /
                (points->y[first + i] * points->y[first + j]);
        covariance[i][i] *= 1 + 1e-10;
    }
    line logarithmic = {.first = first};
    double relative[MAX_POINTS] = {0};
    if (!least_squares(covariance, x, y, n, &logarithmic))
        return NAN;
    for (size_t i = 0; i < n; i++)
        relative[first + i] = logarithmic.weight[first + i] / points->y[first + i];
    *allowed = 2 * sqrt(fmax(0, variance(points, relative, &line_fit->walk))) +
               line_fit->walk.c_A2 / points->y[first];
    return logarithmic.slope;
}

/* Ordinary least squares over the lags ceil(M/2)..M; slope in A^2 per lag. */
static double
plain_slope(const double *msd_A2, size_t m)
{
    double mean_x = 0, mean_y = 0, sxx = 0, sxy = 0;
    size_t low = (m + 1) / 2, n = m - low + 1;
    for (size_t i = low; i <= m; i++) {
        mean_x += (double)i / (double)n;
        mean_y += msd_A2[i] / (double)n;
    }
    for (size_t i = low; i <= m; i++) {
        double dx = (double)i - mean_x;
        sxx += dx * dx;
        sxy += dx * (msd_A2[i] - mean_y);
    }
    return sxy / sxx;
}

iw_status
iw_diffusion_estimate(const iw_msd_curve *curve, const iw_diffusion_options *options,
                      iw_diffusion *out, iw_error *err)
{
    double *stderr_A2 = out->stderr_A2;
    *out = (iw_diffusion){.D_cm2_s = NAN,
                          .stderr_cm2_s = NAN,
                          .ci95_cm2_s = {NAN, NAN},
                          .intercept_A2 = NAN,
                          .D_einstein_cm2_s = NAN,
                          .D_axes_cm2_s = {NAN, NAN, NAN},
                          .alpha = NAN,
                          .effective_hops = NAN,
                          .he_relative_error = NAN,
                          .fit_ps = {NAN, NAN},
                          .stderr_A2 = stderr_A2};
    for (size_t n = 0; stderr_A2 && n < curve->n_lags; n++)
        stderr_A2[n] = NAN;
    if (curve->n_lags < 3 || curve->atoms == 0 || !(curve->dt_fs > 0)) {
        out->warning = "too short";
        return iw_fail(err, IW_INVALID,
                       "no diffusion coefficient from %zu lags of %g fs and %zu atoms",
                       curve->n_lags, curve->dt_fs, curve->atoms);
    }
    size_t m = curve->n_lags - 1;
    double hop_A2 = options->hop_length_A * options->hop_length_A;
    double jump_A2 =
        isnan(options->jump_length_A) ? hop_A2 : options->jump_length_A * options->jump_length_A;
    double unit = IW_A2_FS_CM2_S / curve->dt_fs; /* A^2 per lag to cm^2/s */

    out->D_einstein_cm2_s = plain_slope(curve->msd_A2, m) / 6 * unit;
    for (int axis = 0; axis < 3; axis++)
        out->D_axes_cm2_s[axis] = plain_slope(curve->axis_A2[axis], m) / 2 * unit;
    double largest = 0;
    for (size_t n = 1; n <= m; n++)
        largest = fmax(largest, curve->msd_A2[n]);
    out->effective_hops = (double)curve->atoms * largest / hop_A2;
    out->he_relative_error = 3.43 / sqrt(out->effective_hops) + 0.04;

    grid points = {0};
    line fits[MAX_POINTS] = {{0}};
    grid_fill(&points, curve, 1, m);
    for (size_t i = 0; i < points.n; i++)
        fits[i] = fit(&points, i, jump_A2, (double)curve->atoms);
    bool found = false;
    double from = options->from_ps * 1000 / curve->dt_fs * (1 - 1e-12);
    const line *best = &fits[find_window(&points, fits, from, &found)];
    out->fit_ps[0] = points.x[best->first] * curve->dt_fs / 1000;
    out->fit_ps[1] = (double)m * curve->dt_fs / 1000;
    if (!best->valid) {
        out->warning = "nothing moves";
        return IW_OK;
    }
    /* a line that does not fit gets an error that would make it fit */
    double freedom = fmax(1, (double)(points.n - best->first) - 2);
    double birge = found ? 1 : fmax(1, best->chi2 / freedom);
    double sigma = sqrt(birge * variance(&points, best->weight, &best->walk));
    double ci[2], allowed = 0;
    ci[0] = fmax(0, best->slope - normal_95 * sigma);
    ci[1] = fmax(0, best->slope) + normal_95 * sigma;
    if (found)
        interval(&points, best, ci);
    out->D_cm2_s = best->slope / 6 * unit;
    out->stderr_cm2_s = sigma / 6 * unit;
    out->ci95_cm2_s[0] = ci[0] / 6 * unit;
    out->ci95_cm2_s[1] = ci[1] / 6 * unit;
    out->intercept_A2 = best->intercept;
    out->alpha = exponent(&points, best, &allowed);
    /* half a squared hop is the least that He, Zhu, Epstein and Mo accept */
    double moved_A2 = best->slope * (double)m;
    double miss = fmax(options->alpha_tolerance, allowed);
    out->diffusive =
        found && best->slope > 2 * sigma && moved_A2 >= hop_A2 / 2 && fabs(out->alpha - 1) <= miss;
    if (!found)
        out->warning = "no lag from which the MSD is a straight line: D is fitted from M/4 on";
    else if (best->slope <= 2 * sigma)
        out->warning = "the growth of the MSD is within its error";
    else if (moved_A2 < hop_A2 / 2)
        out->warning = "the MSD grows by less than half a squared hop length";
    else if (!out->diffusive)
        out->warning = "the MSD does not grow in proportion to time";
    if (stderr_A2) {
        stderr_A2[0] = 0;
        for (size_t n = 1; n <= m; n++) {
            iw_walk_sums sums = iw_walk_sum(curve, n, n);
            stderr_A2[n] = sqrt(iw_walk_covariance(&best->walk, &sums));
        }
    }
    return IW_OK;
}

double
iw_diffusion_green_kubo(const double *vacf, size_t n_lags, double dt_fs)
{
    double sum = 0;
    for (size_t n = 0; n + 1 < n_lags; n++)
        sum += (vacf[n] + vacf[n + 1]) / 2;
    return sum * dt_fs / 3 * IW_A2_FS_CM2_S;
}
