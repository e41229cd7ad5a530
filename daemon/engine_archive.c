/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine_archive.c - the state of the whole analysis to bytes and back.  What follows from the run
 * and the options is not in it, but both are, for a load to compare. */
#include "engine_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what must be the same ---- */

static void
same_double(iw_archive *archive, double value, const char *what)
{
    double found = value;
    iw_archive_double(archive, &found);
    bool same = found == value || (isnan(found) && isnan(value));
    if (iw_archive_ok(archive) && !same)
        iw_archive_fail(archive, IW_CORRUPT, "%s: %.10g was saved, %.10g is wanted", what, found,
                        value);
}

static void
same_text(iw_archive *archive, const char *text, size_t room, const char *what)
{
    char found[IW_ID_LENGTH + 1] = "";
    memcpy(found, text, room);
    iw_archive_text(archive, found, room);
    if (iw_archive_ok(archive) && strcmp(found, text) != 0)
        iw_archive_fail(archive, IW_CORRUPT, "%s: \"%s\" was saved, \"%s\" is wanted", what, found,
                        text);
}

static void
archive_run(const iw_run_info *run, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_run_info, 160);
    iw_archive_tag(archive, "run", 1);
    same_text(archive, run->id, sizeof run->id, "id");
    iw_archive_same(archive, run->n_atoms, "atoms");
    iw_archive_same(archive, run->n_species, "species");
    iw_archive_same(archive, run->charge_e != NULL, "charges are known");
    iw_archive_same(archive, run->wrapped, "positions are folded");
    same_double(archive, run->timestep_fs, "timestep in fs");
    same_double(archive, run->temperature_K, "target temperature in K");
    for (size_t s = 0; s < run->n_species; s++)
        same_text(archive, run->species[s], sizeof run->species[s], "species");
    for (size_t i = 0; i < run->n_atoms && iw_archive_ok(archive); i++) {
        iw_archive_same(archive, run->kind[i], "species of an atom");
        same_double(archive, run->mass_amu[i], "mass of an atom in amu");
        if (run->charge_e)
            same_double(archive, run->charge_e[i], "charge of an atom in e");
    }
}

static void
archive_rules(const iw_convergence_options *rules, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_convergence_options, 88);
    for (iw_rule rule = 0; rule < IW_RULE_COUNT; rule++)
        iw_archive_same(archive, rules->mode[rule], iw_rule_name(rule));
    iw_archive_same(archive, rules->hold, "checks in a row");
    iw_archive_same(archive, rules->broken_hold, "broken frames in a row");
    same_double(archive, rules->target, "target");
    same_double(archive, rules->min_hops, "least hops");
    same_double(archive, rules->min_time_ps, "least time in ps");
    same_double(archive, rules->trend_sigmas, "standard errors of a trend");
    same_double(archive, rules->min_D_cm2_s, "least D in cm2/s");
    same_double(archive, rules->budget_ps, "budget in ps");
    same_double(archive, rules->planned_ps, "planned length in ps");
}

/* Of the mobile species what they made of the groups. */
static void
archive_options(const iw_engine *self, iw_archive *archive)
{
    const iw_engine_options *options = &self->options;
    IW_ARCHIVE_KNOWS(iw_engine_options, 232);
    IW_ARCHIVE_KNOWS(iw_diffusion_options, 32);
    IW_ARCHIVE_KNOWS(iw_skip_options, 24);
    iw_archive_tag(archive, "options", 1);
    for (size_t s = 0; s < self->groups.n_species; s++)
        iw_archive_same(archive, self->groups.mobile[s], "mobile species");
    iw_archive_same(archive, options->drift, "drift");
    iw_archive_same(archive, options->msd_stride, "MSD stride");
    same_double(archive, options->vacf_window_ps, "VACF window in ps");
    iw_archive_same(archive, options->memory_mib, "memory limit in MiB");
    iw_archive_same(archive, options->taper, "taper");
    same_double(archive, options->cutoff_meV, "cut-off in meV");
    same_double(archive, options->temperature_K, "temperature in K");
    same_double(archive, options->paper_spacing_fs, "spacing of method paper in fs");
    same_double(archive, options->diffusion.hop_length_A, "length of a hop in A");
    same_double(archive, options->diffusion.alpha_tolerance, "tolerance of alpha");
    same_double(archive, options->diffusion.jump_length_A, "length of a jump in A");
    same_double(archive, options->diffusion.from_ps, "start of the fit in ps");
    archive_rules(&options->convergence, archive);
    iw_archive_same(archive, options->finished, "the run is finished");
    iw_archive_same(archive, options->skip.rule, "rule of what is skipped");
    same_double(archive, options->skip.fixed_ps, "time to skip in ps");
    iw_archive_same(archive, options->skip.replay, "when frames can be read again");
}

/* ---- what was made of the frames ---- */

static void
archive_correlators(iw_engine *self, iw_archive *archive)
{
    bool made = self->msd != NULL;
    iw_archive_tag(archive, "correlators", 1);
    iw_archive_limited(archive, &self->thinning, UINT32_MAX, "thinning of the MSD");
    IW_ARCHIVE_CHECK(archive, self->thinning > 0);
    iw_archive_bool(archive, &self->over_limit);
    iw_archive_size(archive, &self->stride);
    iw_archive_size(archive, &self->window);
    iw_archive_size(archive, &self->in_segment);
    iw_archive_bool(archive, &self->vacf_broken);
    iw_archive_bool(archive, &made);
    if (made && iw_archive_loading(archive)) {
        iw_error err;
        /* The spacing may have changed a little since, where time stamps tell it. */
        double lags = 1000.0 * self->options.vacf_window_ps / iw_trajectory_dt_fs(self->trajectory);
        IW_ARCHIVE_CHECK(archive, self->stride > 0);
        IW_ARCHIVE_CHECK(archive, self->window > 0 && self->window <= IW_VACF_MOST_LAGS);
        IW_ARCHIVE_CHECK(archive, (double)self->window <= 2.0 * lags + 2.0);
        if (iw_archive_ok(archive) && iw_engine_make_correlators(self, &err) != IW_OK)
            iw_archive_fail(archive, err.code, "%s", err.text);
    }
    if (made && iw_archive_ok(archive)) {
        iw_msd_archive(self->msd, archive);
        iw_moments_archive(self->moments, archive);
        iw_vacf_archive(self->vacf, archive);
        iw_epochs_archive(self->epochs, archive);
    }
    iw_collective_archive(&self->collective, archive);
}

static void
archive_waiting(iw_engine *self, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_waiting, 16);
    size_t n = self->n_waiting, numbers = 6 * self->run.n_atoms;
    iw_archive_tag(archive, "waiting", 1);
    iw_archive_count(archive, &n, numbers * sizeof(double), "frames that wait");
    if (iw_archive_loading(archive) && n > 0) {
        self->waiting = calloc(n, sizeof *self->waiting);
        if (!self->waiting) {
            iw_archive_fail(archive, IW_NO_MEMORY, "no memory for %zu frames", n);
            return;
        }
    }
    for (size_t i = 0; i < n && iw_archive_ok(archive); i++) {
        iw_waiting *frame = &self->waiting[i];
        if (iw_archive_loading(archive)) {
            frame->values = malloc(numbers * sizeof(double));
            if (!frame->values) {
                iw_archive_fail(archive, IW_NO_MEMORY, "no memory to keep a frame");
                return;
            }
            self->n_waiting = i + 1;
        }
        iw_archive_bool(archive, &frame->new_segment);
        iw_archive_bool(archive, &frame->has_velocities);
        iw_archive_doubles(archive, frame->values, numbers);
    }
}

static void
archive_paper_group(iw_paper_group *group, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_paper_group, 80);
    iw_vdos *vdos = &group->vdos;
    iw_vibration *v = &group->vibration;
    size_t n = vdos->n;
    iw_archive_count(archive, &n, 2 * sizeof(double), "points of a spectrum");
    if (iw_archive_loading(archive) && n > 0) {
        vdos->energy_meV = malloc(n * sizeof(double));
        vdos->g = malloc(n * sizeof(double));
        if (!vdos->energy_meV || !vdos->g) {
            iw_archive_fail(archive, IW_NO_MEMORY, "no memory for a spectrum of %zu points", n);
            return;
        }
        vdos->n = n;
    }
    if (n > 0) {
        iw_archive_bulk(archive, vdos->energy_meV, n * sizeof(double), &(iw_archive_key){0, 0});
        iw_archive_bulk(archive, vdos->g, n * sizeof(double), &(iw_archive_key){0, 0});
    }
    iw_archive_double(archive, &vdos->resolution_meV);
    double *numbers[] = {&v->omega_mean_meV, &v->omega30_mean_meV, &v->e_vib_meV,
                         &v->f_vib_meV,      &v->s_vib_meV_K,      &v->c_v_meV_K};
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
        iw_archive_double(archive, numbers[k]);
}

static void
archive_paper(iw_engine *self, iw_archive *archive)
{
    bool known = self->paper != NULL;
    iw_archive_tag(archive, "paper", 2);
    iw_archive_double(archive, &self->paper_spacing_fs);
    iw_archive_bytes(archive, self->input_hash, sizeof self->input_hash);
    self->input_hash[sizeof self->input_hash - 1] = '\0';
    iw_archive_bool(archive, &known);
    if (iw_archive_loading(archive) && known) {
        self->paper = calloc(self->groups.n_groups, sizeof *self->paper);
        if (!self->paper) {
            iw_archive_fail(archive, IW_NO_MEMORY, "no memory for %zu groups",
                            self->groups.n_groups);
            return;
        }
    }
    for (size_t g = 0; known && g < self->groups.n_groups; g++)
        archive_paper_group(&self->paper[g], archive);
}

void
iw_engine_archive(iw_engine *self, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_engine, 25224);
    if (self->skip.again)
        iw_archive_fail(archive, IW_INVALID, "no state while frames are read again");
    if (iw_archive_loading(archive) && (iw_engine_frames(self) > 0 || self->last_seq > 0))
        iw_archive_fail(archive, IW_INVALID, "a state is loaded before the first frame");
    iw_archive_tag(archive, "engine", 2);
    archive_run(&self->run, archive);
    archive_options(self, archive);
    iw_event_list_archive(&self->events, archive);
    iw_trajectory_archive(self->trajectory, archive);
    iw_health_archive(self->health, archive);
    iw_skip_archive(&self->skip, self->run.n_atoms, archive);
    iw_convergence_archive(&self->convergence, archive);
    iw_archive_u64(archive, &self->last_seq);
    iw_archive_i64(archive, &self->last_step);
    iw_archive_u64(archive, &self->last_checked);
    iw_archive_bool(archive, &self->unjudged);
    iw_history_archive(&self->history, archive);
    iw_traces_archive(&self->traces, archive);
    iw_archive_bool(archive, &self->stop);
    iw_archive_text(archive, self->stop_reason, sizeof self->stop_reason);
    archive_correlators(self, archive);
    archive_waiting(self, archive);
    archive_paper(self, archive);
    iw_archive_tag(archive, "end", 1);
}
