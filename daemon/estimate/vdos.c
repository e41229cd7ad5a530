/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/vdos.h"

#include "constants.h"
#include "correlate/fft.h"

#include <math.h>
#include <stdlib.h>

struct iw_vdos_shape {
    size_t n;               /* lags, and points of the spectrum */
    double step_meV;        /* from one point to the next */
    bool biased;            /* the VACF times its origins */
    double *taper, *factor; /* [n] of a lag; [n] sinc^2(pi f dt) of a point, NULL: one */
    double *even;           /* [2 n - 2] */
    double complex *spectrum;
    const iw_fft *plan;
};

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

static iw_status
no_weight(double integral, size_t n, iw_error *err)
{
    return iw_fail(err, IW_INVALID, "the spectrum has no weight: integral %g over %zu points",
                   integral, n);
}

iw_status
iw_vdos_normalise(iw_vdos *vdos, iw_error *err)
{
    double integral = 0;
    for (size_t k = 1; k + 1 < vdos->n; k++)
        integral +=
            (vdos->energy_meV[k + 1] - vdos->energy_meV[k]) / 2 * (vdos->g[k] + vdos->g[k + 1]);
    if (!(integral > 0) || !isfinite(integral))
        return no_weight(integral, vdos->n, err);
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

void
iw_vdos_shape_destroy(iw_vdos_shape **shape)
{
    if (!shape || !*shape)
        return;
    iw_fft_release(&(*shape)->plan);
    free((*shape)->taper);
    free((*shape)->factor);
    iw_fft_free((*shape)->even);
    iw_fft_free((*shape)->spectrum);
    free(*shape);
    *shape = NULL;
}

iw_vdos_shape *
iw_vdos_shape_new(const iw_vdos_input *input, iw_error *err)
{
    size_t n = input->n_lags, m = n - 1;
    if (n < 3 || !(input->dt_fs > 0)) {
        (void)iw_fail(err, IW_INVALID, "no spectrum from %zu lags of %g fs", n, input->dt_fs);
        return NULL;
    }
    iw_vdos_shape *self = calloc(1, sizeof *self);
    if (!self)
        goto no_memory;
    self->n = n;
    self->step_meV = IW_PLANCK_MEV_FS / (2 * (double)m * input->dt_fs);
    self->biased = input->taper == IW_TAPER_PARZEN;
    self->taper = malloc(n * sizeof *self->taper);
    self->factor = input->finite_difference ? malloc(n * sizeof *self->factor) : NULL;
    self->even = iw_fft_alloc(2 * m * sizeof *self->even);
    self->spectrum = iw_fft_alloc(n * sizeof *self->spectrum);
    self->plan = iw_fft_get(2 * m, NULL);
    if (!self->taper || (input->finite_difference && !self->factor) || !self->even ||
        !self->spectrum || !self->plan)
        goto no_memory;
    for (size_t k = 0; k < n; k++) {
        self->taper[k] = taper_weight(input->taper, (double)k / (double)m);
        if (self->factor)
            self->factor[k] = iw_vdos_difference_factor((double)k * self->step_meV, input->dt_fs);
    }
    return self;
no_memory:
    (void)iw_fail(err, IW_NO_MEMORY, "no memory for a spectrum of %zu points", n);
    iw_vdos_shape_destroy(&self);
    return NULL;
}

const double *
iw_vdos_shape_taper(const iw_vdos_shape *shape)
{
    return shape->taper;
}

void
iw_vdos_shape_energies(const iw_vdos_shape *shape, double *energy_meV)
{
    for (size_t k = 0; k < shape->n; k++)
        energy_meV[k] = (double)k * shape->step_meV;
}

/* g(E_k) = C(0) + sum_{n=1}^{M-1} 2 C(n) cos(pi k n/M) + C(M) cos(pi k): the real transform of the
 * even sequence of 2 M points. */
iw_status
iw_vdos_spectrum(iw_vdos_shape *shape, const double *vacf, const double *origins, double *g,
                 iw_error *err)
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
    double integral = 0;
    for (size_t k = 0; k <= m; k++) {
        g[k] = creal(shape->spectrum[k]) / (shape->factor ? shape->factor[k] : 1);
        integral += k > 1 ? shape->step_meV / 2 * (g[k - 1] + g[k]) : 0;
    }
    if (!(integral > 0) || !isfinite(integral))
        return no_weight(integral, shape->n, err);
    for (size_t k = 0; k <= m; k++)
        g[k] /= integral;
    return IW_OK;
}

iw_status
iw_vdos_compute(const iw_vdos_input *input, iw_vdos *out, iw_error *err)
{
    iw_error own;
    if (!err)
        err = &own;
    iw_vdos_fini(out);
    iw_vdos_shape *shape = iw_vdos_shape_new(input, err);
    if (!shape)
        return err->code;
    size_t n = input->n_lags;
    iw_status status = IW_OK;
    out->n = n;
    out->resolution_meV =
        taper_width(input->taper) * IW_PLANCK_MEV_FS / ((double)(n - 1) * input->dt_fs);
    out->energy_meV = calloc(n, sizeof *out->energy_meV);
    out->g = calloc(n, sizeof *out->g);
    if (!out->energy_meV || !out->g) {
        status = iw_fail(err, IW_NO_MEMORY, "no memory for a spectrum of %zu points", n);
        goto done;
    }
    iw_vdos_shape_energies(shape, out->energy_meV);
    status = iw_vdos_spectrum(shape, input->vacf, input->origins, out->g, err);
done:
    iw_vdos_shape_destroy(&shape);
    if (status != IW_OK)
        iw_vdos_fini(out);
    return status;
}
