/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/vdos.h"

#include "constants.h"
#include "correlate/fft.h"

#include <math.h>
#include <stdlib.h>

static const double pi = 3.14159265358979323846;

void
iw_vdos_fini(iw_vdos *vdos)
{
    free(vdos->energy_meV);
    free(vdos->g);
    *vdos = (iw_vdos){0};
}

double
iw_vdos_difference_factor(double energy_meV, double dt_fs)
{
    double x = pi * energy_meV / IW_PLANCK_MEV_FS * dt_fs;
    double sinc = x > 0 ? sin(x) / x : 1;
    return sinc * sinc;
}

iw_status
iw_vdos_normalise(iw_vdos *vdos, iw_error *err)
{
    double integral = 0;
    for (size_t k = 1; k + 1 < vdos->n; k++)
        integral +=
            (vdos->energy_meV[k + 1] - vdos->energy_meV[k]) / 2 * (vdos->g[k] + vdos->g[k + 1]);
    if (!(integral > 0) || !isfinite(integral))
        return iw_fail(err, IW_INVALID, "the spectrum has no weight: integral %g over %zu points",
                       integral, vdos->n);
    for (size_t k = 0; k < vdos->n; k++)
        vdos->g[k] /= integral;
    return IW_OK;
}

static double
taper_weight(iw_taper taper, double u) /* u = n/M, 0 to 1 */
{
    switch (taper) {
    case IW_TAPER_PARZEN:
        return u <= 0.5 ? 1 - 6 * u * u * (1 - u) : 2 * (1 - u) * (1 - u) * (1 - u);
    case IW_TAPER_HANN:
        return cos(pi * u / 2) * cos(pi * u / 2);
    case IW_TAPER_NONE:
        break;
    }
    return 1;
}

/* Full width at half maximum of the taper's transform, in units of 1/(M dt): the tapers transform
 * to sinc^4(pi f M dt/2), to one that is exactly one half at f = 1/(2 M dt), and to sinc(2 pi f M
 * dt). */
static double
taper_width(iw_taper taper)
{
    switch (taper) {
    case IW_TAPER_PARZEN:
        return 1.2756667947;
    case IW_TAPER_HANN:
        return 1;
    case IW_TAPER_NONE:
        break;
    }
    return 0.6033545644;
}

/* g(E_k) = C(0) + sum_{n=1}^{M-1} 2 C(n) cos(pi k n/M) + C(M) cos(pi k): the real transform of the
 * even sequence of 2 M points. */
static iw_status
transform(const iw_vdos_input *input, double *g, iw_error *err)
{
    size_t m = input->n_lags - 1;
    iw_status status = IW_OK;
    double *even = iw_fft_alloc(2 * m * sizeof *even);
    double complex *spectrum = iw_fft_alloc((m + 1) * sizeof *spectrum);
    const iw_fft *plan = NULL;
    if (!even || !spectrum) {
        status = iw_fail(err, IW_NO_MEMORY, "no memory for a spectrum of %zu points", m + 1);
        goto done;
    }
    plan = iw_fft_get(2 * m, err);
    if (!plan) {
        status = IW_NO_MEMORY;
        goto done;
    }
    for (size_t n = 0; n <= m; n++) {
        double value = input->vacf[n] * taper_weight(input->taper, (double)n / (double)m);
        if (input->taper == IW_TAPER_PARZEN)
            value *= input->origins[n] / input->origins[0];
        even[n] = value;
        if (n > 0)
            even[2 * m - n] = value;
    }
    iw_fft_forward(plan, even, spectrum);
    for (size_t k = 0; k <= m; k++)
        g[k] = creal(spectrum[k]);
done:
    iw_fft_free(even);
    iw_fft_free(spectrum);
    return status;
}

iw_status
iw_vdos_compute(const iw_vdos_input *input, iw_vdos *out, iw_error *err)
{
    iw_vdos_fini(out);
    if (input->n_lags < 3 || !(input->dt_fs > 0))
        return iw_fail(err, IW_INVALID, "no spectrum from %zu lags of %g fs", input->n_lags,
                       input->dt_fs);
    size_t n = input->n_lags;
    out->n = n;
    out->energy_meV = calloc(n, sizeof *out->energy_meV);
    out->g = calloc(n, sizeof *out->g);
    iw_status status = IW_OK;
    if (!out->energy_meV || !out->g) {
        status = iw_fail(err, IW_NO_MEMORY, "no memory for a spectrum of %zu points", n);
        goto fail;
    }
    status = transform(input, out->g, err);
    if (status != IW_OK)
        goto fail;
    double span_fs = (double)(n - 1) * input->dt_fs;
    for (size_t k = 0; k < n; k++) {
        out->energy_meV[k] = IW_PLANCK_MEV_FS * (double)k / (2 * span_fs);
        if (input->finite_difference)
            out->g[k] /= iw_vdos_difference_factor(out->energy_meV[k], input->dt_fs);
    }
    out->resolution_meV = taper_width(input->taper) * IW_PLANCK_MEV_FS / span_fs;
    status = iw_vdos_normalise(out, err);
    if (status == IW_OK)
        return IW_OK;
fail:
    iw_vdos_fini(out);
    return status;
}
