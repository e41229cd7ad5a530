/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/interval.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

iw_law
iw_law_of_line(const iw_points *points, const iw_line *line)
{
    iw_law out = {0};
    iw_walk walk = line->walk;
    walk.q_A2 = 0;
    out.v[0] = iw_line_variance(points, line->weight, &walk);
    /* the scale on which it changes: much smaller, and v1 and v2 would be rounding errors */
    out.unit = fmax(fmax(line->walk.q_A2, sqrt(fmax(out.v[0], 0))), 1e-300);
    walk.q_A2 = out.unit;
    double at_1 = iw_line_variance(points, line->weight, &walk);
    walk.q_A2 = 2 * out.unit;
    double at_2 = iw_line_variance(points, line->weight, &walk);
    out.v[2] = (at_2 - 2 * at_1 + out.v[0]) / 2;
    out.v[1] = at_1 - out.v[0] - out.v[2];
    return out;
}

iw_law
iw_law_widen(iw_law law, double q_A2, double noise, double rest)
{
    double x = q_A2 / law.unit;
    law.v[0] *= noise;
    double moving = law.v[1] * x + law.v[2] * x * x, variance = law.v[0] + moving;
    double share = moving > 0 ? moving / variance : 0;
    law.v[0] += (1 - share * share) * (rest - 1) * variance;
    law.v[1] *= 1 + share * (rest - 1);
    law.v[2] *= 1 + share * (rest - 1);
    return law;
}

void
iw_law_interval(iw_law law, double slope, double z, double ci[2])
{
    double unit = law.unit, s = fmax(0, slope) / unit, scale = z / unit * (z / unit);
    double a = 1 - scale * law.v[2], b = s + scale * law.v[1] / 2, c = s * s - scale * law.v[0];
    double root = sqrt(fmax(0, b * b - a * c));
    ci[0] = fmax(0, unit * c / (b + root)); /* (b - root)/a, whatever the sign of a */
    ci[1] = a > 0 ? fmax(0, unit * (b + root) / a) : NAN;
}

/* Lower limit of the mean of a count of n, by Wilson and Hilferty (1931): for whole n within 0.02
 * of the exact one, which is that of Garwood (1936). */
static double
least_count(double n, double z)
{
    double root = 1 - 1 / (9 * n) - z / (3 * sqrt(n));
    return root > 0 ? n * root * root * root : 0;
}

void
iw_law_count_hops(iw_law law, double slope, double hop, double chance, double ci[2])
{
    double one = law.v[1] / law.unit, most = -log(chance) * hop;
    if (slope < hop)
        ci[0] = 0;
    else if (one > 0)
        ci[0] = fmin(ci[0], one * least_count(slope / one, -gsl_cdf_ugaussian_Pinv(chance)));
    if (ci[1] < most)
        ci[1] = most;
}
