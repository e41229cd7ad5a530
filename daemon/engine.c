/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine.h"

#include "engine_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
iw_engine_options_init(iw_engine_options *options)
{
    *options = (iw_engine_options){.drift = IW_DRIFT_COM,
                                   .vacf_window_ps = 4.0,
                                   .memory_mib = 4096,
                                   .taper = IW_TAPER_PARZEN,
                                   .cutoff_meV = 30.0,
                                   .temperature_K = NAN,
                                   .paper_spacing_fs = NAN};
    iw_diffusion_options_init(&options->diffusion);
    iw_convergence_options_init(&options->convergence);
}

static iw_status
note_mobile(iw_engine *self, iw_error *err)
{
    if (self->groups.n_mobile > 0)
        return IW_OK;
    iw_status status = iw_event_add(&self->events, IW_EVENT_no_mobile, true, 0, 0,
                                    "none of Li, Na, Ag, Cu, Cl, I, Br, F, O is in the run and no "
                                    "mobile species was named: every species is reported, "
                                    "convergence is not judged");
    return status == IW_OK ? IW_OK : iw_fail(err, status, "no memory for an event");
}

iw_trajectory *
iw_engine_new_trajectory(const iw_engine *self, iw_event_list *events, iw_error *err)
{
    unsigned char *framework = malloc(self->run.n_atoms);
    if (!framework) {
        (void)iw_fail(err, IW_NO_MEMORY, "no memory for %zu atoms", self->run.n_atoms);
        return NULL;
    }
    for (size_t i = 0; i < self->run.n_atoms; i++)
        framework[i] = !self->groups.mobile[self->run.kind[i]];
    iw_trajectory_options options = {.drift = self->options.drift, .framework = framework};
    iw_trajectory *trajectory = iw_trajectory_new(&self->run, &options, events, err);
    free(framework);
    return trajectory;
}

static iw_status
make_trajectory(iw_engine *self, iw_error *err)
{
    self->trajectory = iw_engine_new_trajectory(self, &self->events, err);
    return self->trajectory ? iw_skip_init(self, err) : err->code;
}

static iw_status
check_options(const iw_engine_options *options, iw_error *err)
{
    if (!(options->vacf_window_ps > 0.0) || !isfinite(options->vacf_window_ps))
        return iw_fail(err, IW_INVALID, "VACF window of %g ps: it must be above zero",
                       options->vacf_window_ps);
    if (options->temperature_K <= 0.0)
        return iw_fail(err, IW_INVALID, "temperature of %g K: it must be above zero",
                       options->temperature_K);
    if (options->skip.rule == IW_SKIP_FIXED && !(options->skip.fixed_ps >= 0.0))
        return iw_fail(err, IW_INVALID, "%g ps to skip: it must be zero or more",
                       options->skip.fixed_ps);
    if (!(options->cutoff_meV > 0.0))
        return iw_fail(err, IW_INVALID, "cut-off of %g meV: it must be above zero",
                       options->cutoff_meV);
    return iw_convergence_options_check(&options->convergence, err);
}

iw_engine *
iw_engine_new(const iw_run_info *run, const iw_engine_options *options, iw_error *err)
{
    iw_error own;
    if (!err)
        err = &own;
    iw_engine *self = calloc(1, sizeof *self);
    if (!self) {
        (void)iw_fail(err, IW_NO_MEMORY, "no memory for the analysis");
        return NULL;
    }
    iw_run_info_init(&self->run);
    self->options = *options;
    self->options.mobile = NULL;
    iw_history_init(&self->history);
    iw_traces_init(&self->traces);
    self->thinning = 1;
    self->paper_spacing_fs = NAN;
    iw_convergence_init(&self->convergence, "too few frames to judge");
    if (check_options(options, err) != IW_OK ||
        iw_groups_init(&self->groups, run, options->mobile, options->n_mobile, err) != IW_OK ||
        iw_run_info_copy(&self->run, run, err) != IW_OK || make_trajectory(self, err) != IW_OK ||
        note_mobile(self, err) != IW_OK ||
        iw_collective_init(&self->collective, run, &self->groups, err) != IW_OK ||
        iw_engine_note_charges(self, err) != IW_OK || iw_engine_health_begin(self, err) != IW_OK)
        iw_engine_destroy(&self);
    if (self && self->groups.n_mobile == 0)
        iw_convergence_init(&self->convergence, "no mobile species is known");
    return self;
}

static void
free_paper(iw_engine *self)
{
    for (size_t g = 0; self->paper && g < self->groups.n_groups; g++)
        iw_vdos_fini(&self->paper[g].vdos);
    free(self->paper);
    self->paper = NULL;
}

void
iw_engine_destroy(iw_engine **self)
{
    if (!self || !*self)
        return;
    iw_engine *e = *self;
    iw_engine_discard(e);
    free_paper(e);
    iw_msd_result_fini(&e->msd_sums);
    iw_moments_result_fini(&e->moment_sums);
    iw_vacf_result_fini(&e->vacf_sums);
    iw_collective_fini(&e->collective);
    iw_skip_fini(&e->skip);
    iw_trajectory_destroy(&e->trajectory);
    iw_health_destroy(&e->health);
    iw_history_fini(&e->history);
    iw_event_list_fini(&e->events);
    iw_groups_fini(&e->groups);
    iw_run_info_fini(&e->run);
    free(e);
    *self = NULL;
}

iw_status
iw_engine_group_msd(const iw_engine *self, const iw_group *group, iw_group_msd *out, iw_error *err)
{
    const iw_msd_result *sums = &self->msd_sums;
    size_t n = sums->n_lags;
    *out = (iw_group_msd){0};
    double *block = calloc(4 * n, sizeof *block);
    if (!block)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu lags", n);
    out->mean = block;
    out->axis = block + n;
    for (size_t s = 0; s < sums->n_species; s++) {
        const double *from = sums->sum_A2 + s * 3 * n;
        for (size_t k = 0; group->member[s] && k < 3 * n; k++)
            out->axis[k] += from[k];
    }
    for (size_t k = 0; k < n; k++) {
        double pairs = (double)group->atoms * sums->origins[k];
        for (size_t axis = 0; axis < 3; axis++) {
            out->axis[axis * n + k] /= pairs;
            out->mean[k] += out->axis[axis * n + k];
        }
    }
    out->curve =
        (iw_msd_curve){.n_lags = n,
                       .dt_fs = iw_trajectory_dt_fs(self->trajectory) * (double)self->stride,
                       .msd_A2 = out->mean,
                       .axis_A2 = {out->axis, out->axis + n, out->axis + 2 * n},
                       .origins = sums->origins,
                       .atoms = group->atoms,
                       .frames = sums->frames};
    return IW_OK;
}

iw_status
iw_engine_diffusion(iw_engine *self, const iw_group *group, const iw_msd_curve *curve,
                    iw_diffusion *out, iw_error *err)
{
    iw_displacements moments;
    iw_error reason; /* too few lags: every number is NAN, which is the answer */
    double dt_fs = iw_trajectory_dt_fs(self->trajectory) * (double)self->stride;
    iw_status status = iw_displacements_init(&moments, &self->moment_sums, self->run.kind,
                                             group->member, dt_fs, &reason);
    iw_diffusion_init(out);
    if (status == IW_OK)
        status = iw_diffusion_estimate(&moments, curve, &self->options.diffusion, out, &reason);
    iw_displacements_fini(&moments);
    return status == IW_NO_MEMORY ? iw_fail(err, status, "%s", reason.text) : IW_OK;
}

static iw_status
refuse(iw_engine *self, const iw_frame *frame, iw_error *err)
{
    iw_status status = iw_engine_health_refuse(self, frame, err);
    iw_error checking;
    if (status == IW_INVALID && iw_engine_check_health(self, frame, &checking) != IW_OK) {
        *err = checking;
        status = checking.code;
    }
    return status;
}

iw_status
iw_engine_push(iw_engine *self, const iw_frame *frame, iw_error *err)
{
    iw_error own;
    if (!err)
        err = &own;
    iw_step step;
    iw_status status = iw_trajectory_push(self->trajectory, frame, &step, err);
    if (status == IW_INVALID)
        return refuse(self, frame, err);
    if (status != IW_OK)
        return status;
    self->last_seq = frame->seq;
    self->last_step = frame->step;
    self->events.time_ps = fmax(0, iw_engine_time_ps(self));
    status = iw_engine_health_push(self, frame, &step, err);
    if (status == IW_OK)
        status = iw_engine_check_health(self, frame, err);
    if (status == IW_OK)
        status = iw_engine_take(self, frame, &step, err);
    if (status == IW_OK)
        iw_engine_judge_start(self);
    if (status == IW_OK)
        status = iw_engine_bound_memory(self, err);
    return status == IW_OK ? iw_engine_check_due(self, err) : status;
}

iw_status
iw_engine_paper(iw_engine *self, const iw_source *source, iw_error *err)
{
    double dt_fs = iw_trajectory_dt_fs(self->trajectory);
    if (isnan(dt_fs))
        return iw_fail(err, IW_INVALID, "method \"paper\" needs frames whose spacing is known");
    size_t n_atoms = self->run.n_atoms, n_groups = self->groups.n_groups;
    unsigned char *members = malloc(n_groups * n_atoms);
    const unsigned char **member = malloc(n_groups * sizeof *member);
    iw_paper_group *groups = calloc(n_groups, sizeof *groups);
    iw_fingerprint *hash = iw_fingerprint_new(source, err);
    iw_status status;
    if (!members || !member || !groups || !hash) {
        status = iw_fail(err, IW_NO_MEMORY, "no memory for %zu groups", n_groups);
        goto done;
    }
    for (size_t g = 0; g < n_groups; g++) {
        member[g] = members + g * n_atoms;
        for (size_t i = 0; i < n_atoms; i++)
            members[g * n_atoms + i] = self->groups.groups[g].member[self->run.kind[i]];
    }
    iw_paper_options options = {.dt_fs = dt_fs,
                                .spacing_fs = self->options.paper_spacing_fs,
                                .temperature_K = iw_engine_temperature_K(self),
                                .cutoff_meV = self->options.cutoff_meV,
                                .n_groups = n_groups,
                                .member = member};
    double spacing_fs = NAN;
    iw_kept_frames kept_state;
    iw_source hashed = iw_fingerprint_source(hash);
    iw_source kept = iw_engine_kept_frames(self, &hashed, &kept_state);
    status = iw_paper_compute(&kept, &options, groups, &spacing_fs, err);
    iw_kept_frames_fini(&kept_state);
    memcpy(self->input_hash, iw_fingerprint_text(hash), strlen(iw_fingerprint_text(hash)) + 1);
    if (status == IW_OK) {
        free_paper(self);
        self->paper = groups;
        self->paper_spacing_fs = spacing_fs;
        groups = NULL;
    }
done:
    for (size_t g = 0; groups && g < n_groups; g++)
        iw_vdos_fini(&groups[g].vdos);
    iw_fingerprint_destroy(&hash);
    free(groups);
    free(member);
    free(members);
    return status;
}

iw_event_list *
iw_engine_events(iw_engine *self)
{
    return &self->events;
}

bool
iw_engine_should_stop(const iw_engine *self, const char **reason)
{
    if (reason)
        *reason = self->stop_reason;
    return self->stop;
}

const iw_convergence *
iw_engine_convergence(const iw_engine *self)
{
    return &self->convergence;
}

uint64_t
iw_engine_frames(const iw_engine *self)
{
    return iw_trajectory_frames(self->trajectory);
}

double
iw_engine_time_ps(const iw_engine *self)
{
    return iw_trajectory_time_ps(self->trajectory);
}

double
iw_engine_temperature_K(const iw_engine *self)
{
    if (self->options.temperature_K > 0.0)
        return self->options.temperature_K;
    if (self->run.temperature_K > 0.0)
        return self->run.temperature_K;
    return iw_engine_measured_K(self);
}
