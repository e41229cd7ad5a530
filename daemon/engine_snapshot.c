/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine_snapshot.c - what is known now: group by group through the estimators. */
#include "engine_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than this share of the spectrum beyond this share of the Nyquist energy is worth a word. */
#define NYQUIST_SHARE  0.8
#define NYQUIST_WEIGHT 0.02
/* Another species that moves so many times as far, beyond what rattling in a cage explains, and
 * still moves on, is a better candidate for the mobile one. */
#define DOUBT_RATIO  2.0
#define DOUBT_MSD_A2 1.0
#define DOUBT_GROWTH 1.2
/* Below so many lags nothing is said about the kind of motion. */
enum { FEW_LAGS = 10 };

static const char *const drift_names[] = {"com", "framework", "none"};
static const char *const taper_names[] = {"parzen", "hann", "none"};

static iw_status
fill_msd(iw_engine *self, const iw_group *group, iw_group_snapshot *out, iw_error *err)
{
    iw_group_msd msd;
    iw_status status = iw_engine_group_msd(self, group, &msd, err);
    if (status != IW_OK)
        return status;
    size_t n = msd.curve.n_lags;
    status = iw_series_alloc(&out->msd, n, true, err);
    if (status == IW_OK) {
        out->diffusion.stderr_A2 = out->msd.e;
        status = iw_engine_diffusion(self, group, &msd.curve, &out->diffusion, err);
        out->diffusion.stderr_A2 = NULL;
        for (size_t k = 0; k < n; k++)
            out->msd.x[k] = (double)k * msd.curve.dt_fs / 1000.0;
        memcpy(out->msd.y, msd.mean, n * sizeof(double));
    }
    free(msd.mean);
    return status;
}

static iw_status
fill_paper(const iw_engine *self, size_t g, iw_group_snapshot *out, iw_error *err)
{
    const iw_paper_group *paper = &self->paper[g];
    iw_status status = iw_series_alloc(&out->vdos_paper, paper->vdos.n, false, err);
    if (status != IW_OK)
        return status;
    if (paper->vdos.n > 0) { /* a short run may have no energy to show */
        memcpy(out->vdos_paper.x, paper->vdos.energy_meV, paper->vdos.n * sizeof(double));
        memcpy(out->vdos_paper.y, paper->vdos.g, paper->vdos.n * sizeof(double));
    }
    out->paper = paper->vibration;
    out->has_paper = true;
    return IW_OK;
}

static void
blank_group(const iw_group *group, iw_group_snapshot *out)
{
    iw_vibration none = {NAN, NAN, NAN, NAN, NAN, NAN};
    *out = (iw_group_snapshot){.atoms = group->atoms,
                               .D_green_kubo_cm2_s = NAN,
                               .D_green_kubo_stderr_cm2_s = NAN,
                               .D_green_kubo_plateau = {NAN, NAN, {NAN, NAN}},
                               .D_collective = iw_estimate_none,
                               .vibration = none,
                               .vibration_stderr = none,
                               .paper = none,
                               .vdos_resolution_meV = NAN};
    memcpy(out->name, group->name, sizeof out->name);
    iw_diffusion_init(&out->diffusion);
}

static iw_status
fill_groups(iw_engine *self, iw_snapshot *out, iw_error *err)
{
    out->groups = calloc(self->groups.n_groups, sizeof *out->groups);
    if (!out->groups)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu groups", self->groups.n_groups);
    out->n_groups = self->groups.n_groups;
    for (size_t g = 0; g < out->n_groups; g++)
        blank_group(&self->groups.groups[g], &out->groups[g]);
    if (!self->msd)
        return IW_OK;
    iw_status status = iw_msd_query(self->msd, &self->msd_sums, err);
    if (status == IW_OK)
        status = iw_moments_query(self->moments, &self->moment_sums, err);
    for (size_t g = 0; g < out->n_groups && status == IW_OK; g++) {
        const iw_group *group = &self->groups.groups[g];
        status = fill_msd(self, group, &out->groups[g], err);
        if (status == IW_OK && self->paper)
            status = fill_paper(self, g, &out->groups[g], err);
    }
    return status;
}

/* What the present estimates say about the run; it may be unsaid later, so it belongs to the
 * snapshot and not to the run's own list. */
static iw_status
judge(const iw_engine *self, const iw_snapshot *out, iw_event_list *events)
{
    const iw_series *g = &out->groups[0].vdos;
    iw_status status = IW_OK;
    if (g->n > 2) {
        double nyquist = g->x[g->n - 1], beyond = 0.0, whole = 0.0;
        for (size_t k = 2; k < g->n; k++) {
            double area = 0.5 * (g->y[k] + g->y[k - 1]) * (g->x[k] - g->x[k - 1]);
            whole += area;
            if (g->x[k] > NYQUIST_SHARE * nyquist)
                beyond += area;
        }
        if (beyond > NYQUIST_WEIGHT * whole)
            status =
                iw_event_add(events, IW_EVENT_near_nyquist, true, self->last_seq, self->last_step,
                             "%.1f %% of the spectrum lies above %.0f meV, close to the "
                             "Nyquist energy of %.0f meV: frames %.4g fs apart do not "
                             "resolve it",
                             100.0 * beyond / whole, NYQUIST_SHARE * nyquist, nyquist, out->dt_fs);
    }
    if (self->groups.n_mobile == 0 || out->groups[1].msd.n < FEW_LAGS)
        return status;
    const iw_group_snapshot *mobile = &out->groups[1];
    size_t last = mobile->msd.n - 1;
    size_t species = out->n_groups - self->groups.n_species;
    for (size_t s = 0; s < self->groups.n_species && status == IW_OK; s++) {
        const iw_group_snapshot *other = &out->groups[species + s];
        double far = other->msd.y[last];
        if (!self->groups.mobile[s] && far > DOUBT_MSD_A2 &&
            far > DOUBT_RATIO * mobile->msd.y[last] && far > DOUBT_GROWTH * other->msd.y[last / 2])
            status =
                iw_event_add(events, IW_EVENT_mobile_doubt, true, self->last_seq, self->last_step,
                             "after %.4g ps the MSD of %s is %.4g A2, that of the mobile "
                             "species %.4g A2: name the mobile species",
                             mobile->msd.x[last], other->name, far, mobile->msd.y[last]);
    }
    if (status == IW_OK && !mobile->diffusion.diffusive)
        status = iw_event_add(
            events, IW_EVENT_not_diffusive, true, self->last_seq, self->last_step,
            isfinite(mobile->diffusion.alpha)
                ? "%s (alpha %.2f): D is that of a straight line, not of diffusion"
                : "%s",
            mobile->diffusion.warning ? mobile->diffusion.warning : "no diffusive regime",
            mobile->diffusion.alpha);
    return status;
}

static iw_status
fill_events(const iw_engine *self, iw_snapshot *out, iw_error *err)
{
    iw_event_list present = {.time_ps = self->events.time_ps};
    iw_status status = judge(self, out, &present);
    if (status == IW_OK)
        status = iw_engine_note_equilibration(self, out, &present);
    size_t n = self->events.n + present.n;
    out->events = status == IW_OK ? calloc(n ? n : 1, sizeof *out->events) : NULL;
    if (out->events) {
        out->n_events = n;
        if (self->events.n)
            memcpy(out->events, self->events.items, self->events.n * sizeof *out->events);
        if (present.n)
            memcpy(out->events + self->events.n, present.items, present.n * sizeof *out->events);
    } else {
        status = iw_fail(err, IW_NO_MEMORY, "no memory for events");
    }
    iw_event_list_fini(&present);
    return status;
}

static void
fill_convergence(const iw_engine *self, iw_snapshot *out)
{
    out->convergence = self->convergence;
    if (self->msd && self->groups.n_mobile > 0 &&
        (out->frames != self->last_checked || self->options.finished))
        iw_engine_look(self, &out->groups[1].diffusion, &out->convergence);
}

static iw_status
fill_run(const iw_engine *self, const char *state, iw_snapshot *out, iw_error *err)
{
    const iw_run_info *run = &self->run;
    memcpy(out->id, run->id, sizeof out->id);
    (void)snprintf(out->state, sizeof out->state, "%s", state);
    iw_material_of(run, &out->material);
    out->frames = iw_trajectory_frames(self->trajectory);
    out->atoms = run->n_atoms;
    out->dt_fs = iw_trajectory_dt_fs(self->trajectory);
    out->msd_dt_fs = self->stride ? out->dt_fs * (double)self->stride : NAN;
    out->time_ps = iw_engine_time_ps(self);
    out->temperature_K = iw_engine_temperature_K(self);
    out->temperature_measured_K = iw_engine_measured_K(self);
    out->segments = iw_trajectory_segments(self->trajectory);
    out->engine_velocities = iw_trajectory_engine_velocities(self->trajectory);
    (void)snprintf(out->drift, sizeof out->drift, "%s", drift_names[self->options.drift]);
    (void)snprintf(out->taper, sizeof out->taper, "%s", taper_names[self->options.taper]);
    out->vacf_window_ps = self->options.vacf_window_ps;
    out->cutoff_meV = self->options.cutoff_meV;
    out->paper_spacing_fs = self->paper_spacing_fs;
    memcpy(out->input_hash, self->input_hash, sizeof out->input_hash);
    iw_engine_fill_equilibration(self, out);
    out->name = strdup(run->name ? run->name : "");
    out->code = strdup(run->code ? run->code : "");
    out->code_version = strdup(run->code_version ? run->code_version : "");
    out->mobile = calloc(self->groups.n_mobile + 1, sizeof *out->mobile);
    if (!out->name || !out->code || !out->code_version || !out->mobile)
        return iw_fail(err, IW_NO_MEMORY, "no memory for a snapshot");
    for (size_t s = 0; s < run->n_species; s++) {
        if (self->groups.mobile[s])
            memcpy(out->mobile[out->n_mobile++], run->species[s], sizeof *out->mobile);
    }
    return IW_OK;
}

iw_snapshot *
iw_engine_snapshot(iw_engine *self, const char *state, iw_error *err)
{
    iw_snapshot *out = iw_snapshot_new();
    if (!out) {
        (void)iw_fail(err, IW_NO_MEMORY, "no memory for a snapshot");
        return NULL;
    }
    iw_status status = fill_run(self, state, out, err);
    if (status == IW_OK)
        status = fill_groups(self, out, err);
    if (status == IW_OK)
        status = iw_engine_fill_spectra(self, out, err);
    if (status == IW_OK)
        status = iw_engine_fill_transport(self, out, err);
    if (status == IW_OK) {
        fill_convergence(self, out);
        iw_engine_fill_health(self, out);
        status = iw_engine_fill_history(self, out, err);
    }
    if (status == IW_OK)
        status = fill_events(self, out, err);
    if (status != IW_OK)
        iw_snapshot_unref(&out);
    return out;
}
