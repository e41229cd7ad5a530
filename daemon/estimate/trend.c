/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/trend.h"

#include <math.h>

/* Beyond it a series as short as ours cannot be told from a line that wanders. */
#define MOST_CORRELATED 0.95

static void
merge(iw_trend *self)
{
    for (size_t k = 0; k < IW_TREND_BLOCKS / 2; k++) {
        self->t[k] = 0.5 * (self->t[2 * k] + self->t[2 * k + 1]);
        self->y[k] = 0.5 * (self->y[2 * k] + self->y[2 * k + 1]);
    }
    self->n = IW_TREND_BLOCKS / 2;
    self->size *= 2;
}

void
iw_trend_push(iw_trend *self, double t, double y)
{
    if (!self->any) {
        self->any = true;
        self->size = 1;
        self->first_y = y;
    }
    self->sum_t += t;
    self->sum_y += y - self->first_y;
    if (++self->held < self->size)
        return;
    self->t[self->n] = self->sum_t / (double)self->size;
    self->y[self->n] = self->sum_y / (double)self->size;
    self->sum_t = self->sum_y = 0.0;
    self->held = 0;
    if (++self->n == IW_TREND_BLOCKS)
        merge(self);
}

/* How many times the variance of the slope exceeds that of independent residuals. */
static double
inflation(const double *residual, size_t n)
{
    double own = 0.0, next = 0.0;
    for (size_t k = 0; k < n; k++) {
        own += residual[k] * residual[k];
        next += k > 0 ? residual[k] * residual[k - 1] : 0.0;
    }
    if (!(own > 0.0))
        return 1.0;
    double rho = next / own;
    /* A fitted line takes correlation away: what it takes is given back. */
    rho += (2.0 + 4.0 * fmax(rho, 0.0)) / (double)n;
    rho = fmin(fmax(rho, 0.0), MOST_CORRELATED);
    return (1.0 + rho) / (1.0 - rho);
}

void
iw_trend_fit(const iw_trend *self, double from, iw_trend_line *line)
{
    size_t first = 0;
    while (first < self->n && self->t[first] < from)
        first++;
    size_t n = self->n - first;
    *line = (iw_trend_line){.slope = NAN, .standard_error = NAN, .blocks = n};
    if (n < IW_TREND_LEAST)
        return;
    const double *t = self->t + first, *y = self->y + first;
    line->span = t[n - 1] - t[0];
    double mean_t = 0.0, mean_y = 0.0;
    for (size_t k = 0; k < n; k++) {
        mean_t += t[k] / (double)n;
        mean_y += y[k] / (double)n;
    }
    double tt = 0.0, ty = 0.0;
    for (size_t k = 0; k < n; k++) {
        tt += (t[k] - mean_t) * (t[k] - mean_t);
        ty += (t[k] - mean_t) * (y[k] - mean_y);
    }
    if (!(tt > 0.0))
        return;
    line->slope = ty / tt;
    double residual[IW_TREND_BLOCKS], sum = 0.0;
    for (size_t k = 0; k < n; k++) {
        residual[k] = y[k] - mean_y - line->slope * (t[k] - mean_t);
        sum += residual[k] * residual[k];
    }
    line->standard_error = sqrt(inflation(residual, n) * sum / (double)(n - 2) / tt);
}

void
iw_trend_archive(iw_trend *self, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_trend, 1080);
    iw_archive_tag(archive, "trend", 1);
    iw_archive_limited(archive, &self->n, IW_TREND_BLOCKS - 1, "blocks of a trend");
    iw_archive_doubles(archive, self->t, self->n);
    iw_archive_doubles(archive, self->y, self->n);
    iw_archive_u64(archive, &self->size);
    iw_archive_u64(archive, &self->held);
    iw_archive_double(archive, &self->sum_t);
    iw_archive_double(archive, &self->sum_y);
    iw_archive_double(archive, &self->first_y);
    iw_archive_bool(archive, &self->any);
}
