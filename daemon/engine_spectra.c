/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine_spectra.c - what velocities tell of each group: VACF, VDOS, descriptors, Green-Kubo, each
 * with its error. */
#include "engine_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What the groups have in common, and work space for one of them. */
typedef struct {
    size_t n_lags, n_epochs;
    double dt_fs;
    double *frames;   /* [n_epochs] */
    double *origins;  /* [n_epochs][n_lags] */
    double *velocity; /* likewise, as iw_epoch_sums has them, as the next two */
    double *weighted;
    double *energy_meV; /* [n_lags] */
    iw_mode *modes;     /* [n_lags] */
    double *mass_vacf;  /* [n_lags] mass-weighted VACF of the group */
    iw_vdos_input input;
    iw_spectrum_maker maker; /* shape NULL: too few lags for a spectrum */
} common;

static void
common_fini(common *self)
{
    iw_vdos_shape_destroy(&self->maker.shape);
    free(self->frames);
    free(self->origins);
    free(self->velocity);
    free(self->weighted);
    free(self->energy_meV);
    free(self->modes);
    free(self->mass_vacf);
}

static iw_status
common_alloc(common *self, iw_error *err)
{
    size_t n = self->n_lags, epochs = self->n_epochs + 1; /* none is no reason to fail */
    self->frames = malloc(epochs * sizeof *self->frames);
    self->origins = malloc(epochs * n * sizeof *self->origins);
    self->velocity = malloc(epochs * n * sizeof *self->velocity);
    self->weighted = malloc(epochs * n * sizeof *self->weighted);
    self->energy_meV = malloc(n * sizeof *self->energy_meV);
    self->modes = malloc(n * sizeof *self->modes);
    self->mass_vacf = malloc(n * sizeof *self->mass_vacf);
    if (self->frames && self->origins && self->velocity && self->weighted && self->energy_meV &&
        self->modes && self->mass_vacf)
        return IW_OK;
    return iw_fail(err, IW_NO_MEMORY, "no memory for spectra of %zu lags in %zu epochs", n,
                   self->n_epochs);
}

/* After a failure there is something to free all the same. */
static iw_status
common_init(const iw_engine *self, common *out, iw_error *err)
{
    const iw_vacf_result *sums = &self->vacf_sums;
    *out = (common){.n_lags = sums->n_lags,
                    .n_epochs = iw_epochs_count(self->epochs, sums),
                    .dt_fs = iw_trajectory_dt_fs(self->trajectory)};
    iw_status status = common_alloc(out, err);
    if (status != IW_OK)
        return status;
    for (size_t e = 0; e < out->n_epochs; e++) {
        out->frames[e] = (double)iw_epochs_frames(self->epochs, sums, e);
        iw_epochs_origins(self->epochs, sums, e, out->origins + e * out->n_lags);
    }
    out->input =
        (iw_vdos_input){.n_lags = out->n_lags,
                        .dt_fs = out->dt_fs,
                        .vacf = out->mass_vacf,
                        .origins = sums->origins,
                        .taper = self->options.taper,
                        .finite_difference = !iw_trajectory_engine_velocities(self->trajectory)};
    out->maker.vibration = (iw_vibration_options){.temperature_K = iw_engine_temperature_K(self),
                                                  .cutoff_meV = self->options.cutoff_meV,
                                                  .modes = out->modes};
    if (out->n_lags < 3)
        return IW_OK;
    out->maker.shape = iw_vdos_shape_new(&out->input, err);
    if (!out->maker.shape)
        return err->code;
    iw_vdos_shape_energies(out->maker.shape, out->energy_meV);
    out->maker.energy_meV = out->energy_meV;
    iw_vibration_modes(out->energy_meV, out->n_lags, out->maker.vibration.temperature_K,
                       out->modes);
    return IW_OK;
}

static void
fill_vacf(const iw_engine *self, const iw_group *group, const common *with, iw_group_snapshot *out)
{
    const iw_vacf_result *sums = &self->vacf_sums;
    size_t n = sums->n_lags;
    double *mass_vacf = with->mass_vacf;
    memset(mass_vacf, 0, n * sizeof *mass_vacf);
    for (size_t s = 0; s < sums->n_species; s++) {
        const double *from = sums->sum + s * n;
        for (size_t k = 0; group->member[s] && k < n; k++) {
            out->vacf.y[k] += from[k];
            mass_vacf[k] += self->groups.mass_amu[s] * from[k];
        }
    }
    for (size_t k = 0; k < n; k++) {
        out->vacf.x[k] = (double)k * with->dt_fs;
        out->vacf.y[k] /= (double)group->atoms * sums->origins[k];
        mass_vacf[k] /= sums->origins[k];
    }
    out->D_green_kubo_cm2_s =
        n > 1 ? iw_diffusion_green_kubo(out->vacf.y, n, with->dt_fs) : (double)NAN;
}

/* Too short for a spectrum, or no weight: no series, descriptors NAN. */
static iw_status
fill_vdos(const common *with, iw_group_snapshot *out, iw_error *err)
{
    iw_vdos vdos = {0};
    iw_status status = with->maker.shape ? iw_vdos_compute(&with->input, &vdos, err) : IW_INVALID;
    if (status != IW_OK)
        return status == IW_NO_MEMORY ? status : IW_OK;
    iw_vibration_compute(vdos.energy_meV, vdos.g, vdos.n, &with->maker.vibration, &out->vibration);
    out->vdos_resolution_meV = vdos.resolution_meV;
    out->vdos = (iw_series){.n = vdos.n, .x = vdos.energy_meV, .y = vdos.g};
    out->vdos.e = malloc(vdos.n * sizeof *out->vdos.e);
    return out->vdos.e ? IW_OK : iw_fail(err, IW_NO_MEMORY, "no memory for errors of a spectrum");
}

static iw_status
fill_errors(const iw_engine *self, const iw_group *group, const common *with,
            iw_group_snapshot *out, iw_error *err)
{
    size_t n = with->n_lags, n_species = self->groups.n_species;
    double *weight = malloc(2 * n_species * sizeof *weight);
    if (!weight)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu species", n_species);
    double *mass = weight + n_species;
    for (size_t s = 0; s < n_species; s++) {
        weight[s] = group->member[s] ? 1.0 / (double)group->atoms : 0.0;
        mass[s] = group->member[s] ? self->groups.mass_amu[s] : 0.0;
    }
    for (size_t e = 0; e < with->n_epochs; e++) {
        iw_epochs_sums(self->epochs, &self->vacf_sums, e, weight, with->velocity + e * n);
        iw_epochs_sums(self->epochs, &self->vacf_sums, e, mass, with->weighted + e * n);
    }
    free(weight);
    iw_epoch_sums sums = {.n_epochs = with->n_epochs,
                          .n_lags = n,
                          .dt_fs = with->dt_fs,
                          .frames = with->frames,
                          .origins = with->origins,
                          .velocity = with->velocity,
                          .weighted = with->weighted};
    iw_spectrum_errors errors = {.vacf = out->vacf.e, .vdos = out->vdos.e};
    iw_status status = iw_jackknife(&sums, out->vdos.n > 0 ? &with->maker : NULL, &errors, err);
    out->vibration_stderr = errors.vibration;
    out->D_green_kubo_stderr_cm2_s = errors.D_green_kubo_cm2_s;
    out->D_green_kubo_plateau = errors.plateau;
    out->stderr_epochs = errors.epochs;
    return status;
}

iw_status
iw_engine_fill_spectra(iw_engine *self, iw_snapshot *out, iw_error *err)
{
    if (!self->vacf || iw_vacf_frames(self->vacf) == 0)
        return IW_OK;
    iw_status status = iw_vacf_query(self->vacf, &self->vacf_sums, err);
    if (status != IW_OK)
        return status;
    common with;
    status = common_init(self, &with, err);
    for (size_t g = 0; g < out->n_groups && status == IW_OK; g++) {
        const iw_group *group = &self->groups.groups[g];
        iw_group_snapshot *to = &out->groups[g];
        status = iw_series_alloc(&to->vacf, with.n_lags, true, err);
        if (status != IW_OK)
            break;
        fill_vacf(self, group, &with, to);
        status = fill_vdos(&with, to, err);
        if (status == IW_OK)
            status = fill_errors(self, group, &with, to, err);
    }
    common_fini(&with);
    return status;
}
