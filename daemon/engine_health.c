/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine_health.c - what each frame tells the monitor of health. */
#include "constants.h"
#include "engine_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Atoms have left their places beyond this share of the distance of neighbours. */
#define LEFT 0.3

iw_status
iw_engine_health_begin(iw_engine *self, iw_error *err)
{
    const iw_run_info *run = &self->run;
    unsigned char *framework = malloc(run->n_atoms);
    if (!framework)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu atoms", run->n_atoms);
    /* Where no species is known to move, none is known to stay. */
    for (size_t i = 0; i < run->n_atoms; i++)
        framework[i] = self->groups.n_mobile > 0 && !self->groups.mobile[run->kind[i]];
    double target_K =
        self->options.temperature_K > 0.0 ? self->options.temperature_K : run->temperature_K;
    iw_health_options options = {.n_atoms = run->n_atoms,
                                 .mass_amu = run->mass_amu,
                                 .kind = run->kind,
                                 .framework = framework,
                                 .target_K = target_K};
    self->health = iw_health_new(&options, &self->events, err);
    free(framework);
    return self->health ? IW_OK : err->code;
}

/* The MD code's own numbers where velocities do not tell. */
static double
kinetic_K(const iw_engine *self, const iw_frame *frame, const iw_step *step)
{
    double freedom = self->run.n_atoms > 1 ? 3.0 * (double)self->run.n_atoms - 3.0 : 3.0;
    if (isfinite(step->kinetic_K))
        return step->kinetic_K;
    if (isfinite(frame->temperature_K))
        return frame->temperature_K;
    return 2000.0 * frame->kinetic_energy_eV / (freedom * IW_BOLTZMANN_MEV_K);
}

iw_status
iw_engine_health_push(iw_engine *self, const iw_frame *frame, const iw_step *step, iw_error *err)
{
    double T_K = kinetic_K(self, frame, step);
    double freedom = self->run.n_atoms > 1 ? 3.0 * (double)self->run.n_atoms - 3.0 : 3.0;
    double kinetic_eV = isfinite(frame->kinetic_energy_eV)
                            ? frame->kinetic_energy_eV
                            : freedom * IW_BOLTZMANN_MEV_K * T_K / 2000.0;
    iw_health_frame seen = {.seq = frame->seq,
                            .step = frame->step,
                            .dt_fs = iw_trajectory_dt_fs(self->trajectory),
                            .new_segment = step->new_segment,
                            .pos_A = step->pos_A,
                            .raw_A = frame->pos_A,
                            .cell_A = frame->has_cell ? frame->cell_A : NULL,
                            .volume_A3 = step->volume_A3,
                            .centre_A = {step->centre_A[0], step->centre_A[1], step->centre_A[2]},
                            .kinetic_K = T_K,
                            .energy_eV = frame->potential_energy_eV + kinetic_eV};
    iw_status status = iw_health_push(self->health, &seen, err);
    if (status == IW_OK)
        iw_engine_trace(self, &seen);
    return status;
}

iw_status
iw_engine_health_refuse(iw_engine *self, const iw_frame *frame, iw_error *err)
{
    const iw_error why = *err;
    iw_status status = iw_health_refuse(self->health, frame->seq, frame->step, why.text, err);
    return status == IW_OK ? why.code : status;
}

void
iw_engine_fill_health(const iw_engine *self, iw_snapshot *out)
{
    iw_health *health = &out->health;
    *health = *iw_health_now(self->health);
    const iw_group_snapshot *framework = iw_snapshot_group(out, "framework");
    if (!framework || health->state != IW_HEALTH_GOOD || framework->msd.n < 2)
        return;
    const iw_diffusion *d = &framework->diffusion;
    double far_A2 = framework->msd.y[framework->msd.n - 1], left_A = LEFT * health->neighbour_A;
    if (!d->diffusive || !(d->ci95_cm2_s[0] > 0.0) || !(far_A2 > left_A * left_A))
        return;
    health->state = IW_HEALTH_WARNING;
    (void)snprintf(health->reason, sizeof health->reason,
                   "the framework diffuses: D %.2g cm2/s, at least %.2g, and %.2g A2 after %.4g ps "
                   "(neighbours at %.3g A)",
                   d->D_cm2_s, d->ci95_cm2_s[0], far_A2, framework->msd.x[framework->msd.n - 1],
                   health->neighbour_A);
}

const iw_health *
iw_engine_health(const iw_engine *self)
{
    return iw_health_now(self->health);
}
