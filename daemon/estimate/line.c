/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/line.h"

#include <gsl/gsl_fit.h>
#include <math.h>

enum { ITERATIONS = 4 };

typedef double matrix[IW_LINE_POINTS][IW_LINE_POINTS];

/* Where there are more lags than points the longer ones are thinned evenly: neighbours are nearly
 * the same number. */
void
iw_points_init(iw_points *self, const iw_displacements *from)
{
    size_t n = from->n_lags;
    self->n = n < IW_LINE_POINTS ? n : IW_LINE_POINTS;
    self->atoms = (double)from->atoms;
    iw_walk_segments segments;
    iw_walk_segments_init(&segments, from->segment_frames, from->n_segments);
    for (size_t i = 0; i < self->n; i++) {
        size_t k = n - 1 - (self->n - 1 - i) * (n - 1) / (self->n - 1 + (self->n == 1));
        self->index[i] = k;
        self->lag[i] = (iw_walk_lag){.frames = from->lag[k], .stride = from->stride[k]};
        self->x[i] = (double)from->lag[k];
        self->y[i] = from->mean_A2[k];
        self->quartic[i] = from->mean_A4[k];
        for (size_t axis = 0; axis < 3; axis++)
            self->axis[axis][i] = from->axis_A2[axis * n + k];
        for (size_t j = 0; j <= i; j++)
            self->sums[i][j] = self->sums[j][i] =
                iw_walk_sum(&segments, self->lag[i], self->lag[j]);
    }
}

double
iw_points_least_growth(const iw_points *self)
{
    return 1e-9 * fabs(self->y[self->n - 1]) / self->x[self->n - 1];
}

/* a = L L^T in place (lower triangle); false when a is not positive definite. */
static bool
cholesky(matrix a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
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
least_squares(matrix covariance, const double *x, const double *y, size_t n, iw_line *out)
{
    if (n < 2 || !cholesky(covariance, n))
        return false;
    double one[IW_LINE_POINTS], time[IW_LINE_POINTS], value[IW_LINE_POINTS];
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
noise_correlation(const iw_points *points, size_t first, iw_walk *walk)
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

/* Number of axes d and jump length b^2 from the moments at the first lag of the window.  Motion
 * along d like axes has sum of squares MSD^2/d; jumps add q b^2 n to the fourth moment of Gaussian
 * motion.  The hop length is a prior as wide as itself: what is left where nothing has hopped. */
static void
kind_of_motion(const iw_points *points, size_t first, double hop_A2, double known_A2, iw_walk *walk)
{
    double y = points->y[first], grown = walk->q_A2 * points->x[first];
    double squares = 0;
    for (size_t axis = 0; axis < 3; axis++)
        squares += points->axis[axis][first] * points->axis[axis][first];
    const iw_walk_sums *sums = &points->sums[first][first];
    double scatter = iw_walk_covariance(walk, sums);
    double jump_A2 = walk->jump_A2;
    walk->jump_A2 = 0;
    double smooth = iw_walk_covariance(walk, sums);
    walk->jump_A2 = jump_A2;
    walk->axes = fmin(3, fmax(1, y * y / fmax(squares - scatter, squares / 3)));
    /* squares of means are too large by their variance */
    double excess = points->quartic[first] - y * y - 2 * squares + (1 + 2 / walk->axes) * scatter;
    double measured = excess / grown, error2 = 2.22 * y * y * smooth / (grown * grown);
    double weight = hop_A2 * hop_A2 / (hop_A2 * hop_A2 + error2);
    if (!isnan(known_A2))
        walk->jump_A2 = known_A2;
    else if (isfinite(measured) && isfinite(weight))
        walk->jump_A2 = fmax(0, weight * measured + (1 - weight) * hop_A2);
}

iw_line
iw_line_fit(const iw_points *points, size_t first, double hop_A2, double jump_A2)
{
    iw_line self = {.first = first,
                    .walk = {.jump_A2 = isnan(jump_A2) ? hop_A2 : jump_A2,
                             .axes = 3,
                             .cross_frames = 1,
                             .noise_frames = 1,
                             .atoms = points->atoms}};
    size_t n = points->n - first;
    const double *x = points->x + first, *y = points->y + first;
    if (n < 2)
        return self;
    double c00, c01, c11, squares;
    (void)gsl_fit_linear(x, 1, y, 1, n, &self.intercept, &self.slope, &c00, &c01, &c11, &squares);
    matrix covariance;
    for (int iteration = 0; iteration < ITERATIONS; iteration++) {
        self.walk.q_A2 = fmax(self.slope, iw_points_least_growth(points));
        self.walk.c_A2 = fmax(self.intercept, 0);
        noise_correlation(points, first, &self.walk);
        kind_of_motion(points, first, hop_A2, jump_A2, &self.walk);
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

iw_line
iw_line_fit_logarithms(const iw_points *points, size_t first, const iw_walk *walk)
{
    iw_line self = {.first = first, .walk = *walk};
    size_t n = points->n - first;
    double x[IW_LINE_POINTS], y[IW_LINE_POINTS];
    matrix covariance;
    for (size_t i = 0; i < n; i++) {
        if (!(points->y[first + i] > 0))
            return self;
        x[i] = log(points->x[first + i]);
        y[i] = log(points->y[first + i]);
        for (size_t j = 0; j <= i; j++)
            covariance[i][j] = iw_walk_covariance(walk, &points->sums[first + i][first + j]) /
                               (points->y[first + i] * points->y[first + j]);
        covariance[i][i] *= 1 + 1e-10;
    }
    self.valid = least_squares(covariance, x, y, n, &self);
    return self;
}

double
iw_line_variance(const iw_points *points, const double *weight, const iw_walk *walk)
{
    double sum = 0;
    for (size_t i = 0; i < points->n; i++) {
        sum += weight[i] * weight[i] * iw_walk_covariance(walk, &points->sums[i][i]);
        for (size_t j = 0; j < i; j++)
            sum += 2 * weight[i] * weight[j] * iw_walk_covariance(walk, &points->sums[i][j]);
    }
    return sum;
}
