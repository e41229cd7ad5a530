/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine_feed.c - the correlators: made, fed and thrown away in this file alone, so that one that
 * is added here is rebuilt with the others. */
#include "engine_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* MSD frames are about this far apart by default: no ion conductor needs them closer. */
#define MSD_SPACING_FS 10.0

static void
free_waiting(iw_engine *self)
{
    for (size_t i = 0; i < self->n_waiting; i++)
        free(self->waiting[i].values);
    free(self->waiting);
    self->waiting = NULL;
    self->n_waiting = 0;
}

/* One prepared frame into the correlators. */
static iw_status
feed(iw_engine *self, const iw_step *step, iw_error *err)
{
    iw_status status = IW_OK;
    if (step->new_segment) {
        self->in_segment = 0;
        self->vacf_broken = true;
        if (iw_msd_frames(self->msd) > 0)
            status = iw_msd_break(self->msd, err);
        if (status == IW_OK)
            status = iw_moments_break(self->moments, err);
        if (status == IW_OK)
            status = iw_collective_break(&self->collective, err);
    }
    if (status == IW_OK && self->in_segment++ % self->stride == 0) {
        status = iw_msd_push(self->msd, step->pos_A, err);
        if (status == IW_OK)
            status = iw_moments_push(self->moments, step->pos_A, err);
        if (status == IW_OK)
            status = iw_collective_push(&self->collective, step->pos_A, err);
    }
    if (!step->has_velocities) {
        self->vacf_broken = true;
        return status;
    }
    if (status == IW_OK && self->vacf_broken && iw_vacf_frames(self->vacf) > 0)
        status = iw_vacf_break(self->vacf, err);
    self->vacf_broken = false;
    if (status == IW_OK)
        status = iw_vacf_push(self->vacf, step->vel_A_fs, err);
    return status == IW_OK ? iw_epochs_follow(self->epochs, self->vacf, err) : status;
}

static iw_status
wait_for_spacing(iw_engine *self, const iw_step *step, iw_error *err)
{
    size_t n = 3 * self->run.n_atoms;
    iw_waiting *waiting = realloc(self->waiting, (self->n_waiting + 1) * sizeof *waiting);
    double *values = malloc(2 * n * sizeof *values);
    if (waiting)
        self->waiting = waiting;
    if (!waiting || !values) {
        free(values);
        return iw_fail(err, IW_NO_MEMORY, "no memory to keep a frame");
    }
    memcpy(values, step->pos_A, n * sizeof *values);
    memcpy(values + n, step->vel_A_fs, n * sizeof *values);
    waiting[self->n_waiting++] = (iw_waiting){
        .new_segment = step->new_segment, .has_velocities = step->has_velocities, .values = values};
    return IW_OK;
}

/* The spacing is known: how far apart MSD frames are, and how many lags the VACF has. */
static void
choose_lags(iw_engine *self)
{
    double dt_fs = iw_trajectory_dt_fs(self->trajectory);
    double window = fmax(1.0, round(self->options.vacf_window_ps * 1000.0 / dt_fs));
    self->window = (size_t)fmin(window, (double)IW_VACF_MOST_LAGS); /* more frames than a run has */
    self->stride = self->options.msd_stride;
    if (self->stride == 0)
        self->stride = (size_t)fmax(1.0, round(MSD_SPACING_FS / dt_fs));
    self->stride *= self->thinning;
}

iw_status
iw_engine_make_correlators(iw_engine *self, iw_error *err)
{
    iw_msd_options msd = {
        .n_atoms = self->run.n_atoms, .n_species = self->run.n_species, .kind = self->run.kind};
    iw_vacf_options vacf = {.n_atoms = self->run.n_atoms,
                            .n_species = self->run.n_species,
                            .kind = self->run.kind,
                            .max_lag = self->window};
    iw_moments_options moments = {
        .n_atoms = self->run.n_atoms, .n_species = self->run.n_species, .kind = self->run.kind};
    self->msd = iw_msd_new(&msd, err);
    self->moments = self->msd ? iw_moments_new(&moments, err) : NULL;
    self->vacf = self->moments ? iw_vacf_new(&vacf, err) : NULL;
    if (self->vacf)
        self->epochs =
            iw_epochs_new(self->run.n_species, self->window, iw_vacf_block(self->vacf), err);
    if (!self->epochs) {
        iw_vacf_destroy(&self->vacf);
        iw_moments_destroy(&self->moments);
        iw_msd_destroy(&self->msd);
        return err->code;
    }
    return iw_collective_begin(&self->collective, err);
}

/* Makes the correlators and gives them what has waited. */
static iw_status
begin(iw_engine *self, iw_error *err)
{
    choose_lags(self);
    iw_status status = iw_engine_make_correlators(self, err);
    size_t n = 3 * self->run.n_atoms;
    for (size_t i = 0; i < self->n_waiting && status == IW_OK; i++) {
        const iw_waiting *w = &self->waiting[i];
        iw_step step = {.new_segment = w->new_segment,
                        .has_velocities = w->has_velocities,
                        .pos_A = w->values,
                        .vel_A_fs = w->values + n};
        status = feed(self, &step, err);
    }
    free_waiting(self);
    return status;
}

iw_status
iw_engine_feed(iw_engine *self, const iw_step *step, iw_error *err)
{
    iw_status status = IW_OK;
    iw_collective_volume(&self->collective, step->volume_A3);
    if (!self->msd && isfinite(iw_trajectory_dt_fs(self->trajectory)))
        status = begin(self, err);
    if (status == IW_OK)
        status = self->msd ? feed(self, step, err) : wait_for_spacing(self, step, err);
    return status;
}

void
iw_engine_discard(iw_engine *self)
{
    free_waiting(self);
    iw_msd_destroy(&self->msd);
    iw_moments_destroy(&self->moments);
    iw_vacf_destroy(&self->vacf);
    iw_epochs_destroy(&self->epochs);
    iw_collective_clear(&self->collective);
    self->in_segment = 0;
    self->vacf_broken = false;
}
