/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/walk.h"

#include <math.h>

/* sum_{u=1}^{k} u^p for p = 1, 2, 3 */
static double
sum_1(double k)
{
    return k * (k + 1) / 2;
}

static double
sum_2(double k)
{
    return k * (k + 1) * (2 * k + 1) / 6;
}

static double
sum_3(double k)
{
    return sum_1(k) * sum_1(k);
}

/*
 * Two displacements over m <= n frames that start d frames apart share `overlap` frames, and there
 * are `count` such pairs.  Both are linear between d = -n, m - n, 0 and m:
 *     d = u - n or m - u, 0 < u < m:  overlap u, count L - m - n + u  (none where that is < 0)
 *     m - n <= d <= 0:                overlap m, count L - n
 */
iw_walk_sums
iw_walk_sum(const iw_msd_curve *curve, size_t lag_m, size_t lag_n)
{
    size_t shorter = lag_m < lag_n ? lag_m : lag_n, longer = lag_m < lag_n ? lag_n : lag_m;
    const double *origins = curve->origins;
    double segments = longer + 1 < curve->n_lags ? origins[longer] - origins[longer + 1]
                                                 : origins[longer - 1] - origins[longer];
    segments = fmax(segments, 1);
    double m = (double)shorter, n = (double)longer;
    double length = origins[longer] / segments + n;

    double rest = length - m - n;
    double none = fmin(fmax(0, floor(-rest)), m - 1); /* overlaps up to this have no pairs */
    double s1 = sum_1(m - 1) - sum_1(none), s2 = sum_2(m - 1) - sum_2(none);
    double s3 = sum_3(m - 1) - sum_3(none);
    double flat = (n - m + 1) * (length - n);
    double scale = segments / (origins[shorter] * origins[longer]);
    double same_start_and_end = shorter == longer ? 4 * (length - n) : 2 * (length - n);
    return (iw_walk_sums){
        .step = scale * (2 * (rest * s2 + s3) + flat * m * m),
        .cross = scale * 2 * (length - n) * m,
        .noise = scale * (same_start_and_end + 2 * fmax(0, rest)),
        .jump = scale * (2 * (rest * s1 + s2) + flat * m),
    };
}

double
iw_walk_covariance(const iw_walk *walk, const iw_walk_sums *sums)
{
    double q = walk->q_A2, c = walk->c_A2;
    return (2.0 / 3.0 * q * (q * sums->step + c * walk->cross_frames * sums->cross) +
            c * c / 6 * walk->noise_frames * sums->noise + q * walk->jump_A2 * sums->jump) /
           walk->atoms;
}
