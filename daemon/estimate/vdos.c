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

void
iw_vdos_shape_fini(iw_vdos_shape *shape)
{
    free(shape->taper);
    free(shape->factor);
    iw_fft_free(shape->even);
    iw_fft_free(shape->spectrum);
    *shape = (iw_vdos_shape){0};
}

iw_status
iw_vdos_shape_init(iw_vdos_shape *out, const iw_vdos_input *input, iw_error *err)
{
    *out = (iw_vdos_shape){.n = input->n_lags, .biased = input->taper == IW_TAPER_PARZEN};
    if (input->n_lags < 3 || !(input->dt_fs > 0))
        return iw_fail(err, IW_INVALID, "no spectrum from %zu lags of %g fs", input->n_lags,
                       input->dt_fs);
    size_t n = input->n_lags, m = n - 1;
    out->taper = malloc(n * sizeof *out->taper);
    out->factor = input->finite_difference ? malloc(n * sizeof *out->factor) : NULL;
    out->even = iw_fft_alloc(2 * m * sizeof *out->even);
    out->spectrum = iw_fft_alloc(n * sizeof *out->spectrum);
    if (!out->taper || (input->finite_difference && !out->factor) || !out->even || !out->spectrum) {
        iw_vdos_shape_fini(out);
        return iw_fail(err, IW_NO_MEMORY, "no memory for a spectrum of %zu points", n);
    }
    out->plan = iw_fft_get(2 * m, err);
    if (!out->plan) {
        iw_vdos_shape_fini(out);
        return IW_NO_MEMORY;
    }
    double span_fs = (double)m * input->dt_fs;
    for (size_t k = 0; k < n; k++) {
        out->taper[k] = taper_weight(input->taper, (double)k / (double)m);
        if (out->factor)
            out->factor[k] = iw_vdos_difference_factor(IW_PLANCK_MEV_FS * (double)k / (2 * span_fs),
                                                       input->dt_fs);
    }
    return IW_OK;
}

static iw_status
normalise(const double *energy_meV, double *g, size_t n, iw_error *err)
{
    double integral = 0;
    for (size_t k = 1; k + 1 < n; k++)
        integral += (energy_meV[k + 1] - energy_meV[k]) / 2 * (g[k] + g[k + 1]);
    if (!(integral > 0) || !isfinite(integral))
        return iw_fail(err, IW_INVALID, "the spectrum has no weight: integral %g over %zu points",
                       integral, n);
    for (size_t k = 0; k < n; k++)
        g[k] /= integral;
    return IW_OK;
}

iw_status
iw_vdos_normalise(iw_vdos *vdos, iw_error *err)
{
    return normalise(vdos->energy_meV, vdos->g, vdos->n, err);
}

/* g(E_k) = C(0) + sum_{n=1}^{M-1} 2 C(n) cos(pi k n/M) + C(M) cos(pi k): the real transform of the
 * even sequence of 2 M points. */
iw_status
iw_vdos_spectrum(iw_vdos_shape *shape, const double *vacf, const double *origins,
                 const double *energy_meV, double *g, iw_error *err)
{
    size_t m = shape->n - 1;
    for (size_t n = 0; n <= m; n++) {
        double value = vacf[n] * shape->taper[n];
        if (shape->biased)
            value *= origins[n] / origins[0];
        shape->even[n] = value;
        if (n > 0)
            shape->even[2 * m - n] = value;
    }
    iw_fft_forward(shape->plan, shape->even, shape->spectrum);
    for (size_t k = 0; k <= m; k++)
        g[k] = creal(shape->spectrum[k]) / (shape->factor ? shape->factor[k] : 1);
    return normalise(energy_meV, g, shape->n, err);
}

iw_status
iw_vdos_compute(const iw_vdos_input *input, iw_vdos *out, iw_error *err)
{
    iw_vdos_shape shape = {0};
    iw_vdos_fini(out);
    iw_status status = iw_vdos_shape_init(&shape, input, err);
    if (status != IW_OK)
        return status;
    size_t n = input->n_lags;
    double span_fs = (double)(n - 1) * input->dt_fs;
    out->n = n;
    out->resolution_meV = taper_width(input->taper) * IW_PLANCK_MEV_FS / span_fs;
    out->energy_meV = calloc(n, sizeof *out->energy_meV);
    out->g = calloc(n, sizeof *out->g);
    if (!out->energy_meV || !out->g) {
        status = iw_fail(err, IW_NO_MEMORY, "no memory for a spectrum of %zu points", n);
        goto done;
    }
    for (size_t k = 0; k < n; k++)
        out->energy_meV[k] = IW_PLANCK_MEV_FS * (double)k / (2 * span_fs);
    status = iw_vdos_spectrum(&shape, input->vacf, input->origins, out->energy_meV, out->g, err);
done:
    iw_vdos_shape_fini(&shape);
    if (status != IW_OK)
        iw_vdos_fini(out);
    return status;
}
