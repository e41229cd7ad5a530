/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/conductivity.h"

#include "constants.h"

#include <math.h>

const iw_estimate iw_estimate_none = {NAN, NAN, {NAN, NAN}};

double
iw_conductivity_factor(double volume_A3, double temperature_K)
{
    /* cm^2/s to m^2/s: 1e-4; A^3 to m^3: 1e-30; S/m to mS/cm: 10 */
    double factor = 1e-4 / 1e-30 * 10.0 * IW_CHARGE_C * IW_CHARGE_C / IW_BOLTZMANN_J_K;
    return factor / (volume_A3 * temperature_K);
}

iw_estimate
iw_estimate_scale(const iw_estimate *of, double factor)
{
    return (iw_estimate){
        of->value * factor, of->error * factor, {of->ci95[0] * factor, of->ci95[1] * factor}};
}

iw_estimate
iw_estimate_sum(const iw_estimate *of, size_t n)
{
    if (n == 0)
        return iw_estimate_none;
    double value = 0, error2 = 0, below2 = 0, above2 = 0;
    for (size_t i = 0; i < n; i++) {
        double low = of[i].value - of[i].ci95[0], high = of[i].ci95[1] - of[i].value;
        value += of[i].value;
        error2 += of[i].error * of[i].error;
        below2 += low * low;
        above2 += high * high;
    }
    return (iw_estimate){value, sqrt(error2), {value - sqrt(below2), value + sqrt(above2)}};
}

iw_estimate
iw_estimate_ratio(const iw_estimate *above, const iw_estimate *below)
{
    iw_estimate out = iw_estimate_none;
    if (!(above->value > 0) || !(below->ci95[0] > 0)) {
        if (above->ci95[0] >= 0 && below->ci95[1] > 0)
            out.ci95[0] = above->ci95[0] / below->ci95[1];
        return out;
    }
    out.value = above->value / below->value;
    out.error = out.value * hypot(above->error / above->value, below->error / below->value);
    double down = hypot(log(above->value / above->ci95[0]), log(below->ci95[1] / below->value));
    double up = hypot(log(above->ci95[1] / above->value), log(below->value / below->ci95[0]));
    out.ci95[0] = isnan(down) ? 0 : out.value * exp(-down);
    out.ci95[1] = out.value * exp(up);
    return out;
}
