/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine_check.c - the checks of convergence while frames come, and what follows from them. */
#include "engine_private.h"
#include "estimate/blocks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Checks lie this share of the run apart, as in docs/calibration.md.  Without a rule there are
 * none: a snapshot judges itself. */
#define CHECK_GROWTH 0.05

/* Which event tells of a decision. */
static const iw_event_kind rule_event[IW_RULE_COUNT] = {[IW_RULE_PRECISION] = IW_EVENT_converged,
                                                        [IW_RULE_FUTILITY] = IW_EVENT_futile,
                                                        [IW_RULE_BROKEN] = IW_EVENT_broken};

static iw_observation
observation(const iw_engine *self, const iw_diffusion *mobile)
{
    return (iw_observation){.frame = self->last_seq,
                            .step = self->last_step,
                            .time_ps = iw_engine_time_ps(self),
                            .averaged_ps = iw_engine_averaged_ps(self),
                            .mobile = mobile};
}

/* What else speaks for or against D, from fresh moments: signs that have not settled, and its
 * parts.  Only where the error would do. */
static void
gather(const iw_engine *self, iw_observation *seen, double block_D_cm2_s[IW_BLOCKS])
{
    const iw_convergence_options *rules = &self->options.convergence;
    const iw_diffusion *mobile = seen->mobile;
    const iw_group *group = &self->groups.groups[1];
    if (!(mobile->stderr_cm2_s <= rules->target * mobile->D_cm2_s))
        return;
    seen->unequilibrated = iw_engine_unequilibrated(self);
    double dt_fs = iw_trajectory_dt_fs(self->trajectory) * (double)self->stride;
    seen->n_blocks =
        iw_blocks_D(&self->moment_sums, group->member, group->atoms, dt_fs, mobile, block_D_cm2_s);
    seen->block_D_cm2_s = block_D_cm2_s;
}

/* The decisions that follow from a check: an event each, and the first that is to stop the run
 * does. */
static iw_status
decide(iw_engine *self, const iw_observation *seen, iw_error *err)
{
    const iw_decision *decision;
    while ((decision = iw_convergence_decide(&self->convergence, &self->options.convergence,
                                             seen)) != NULL) {
        if (decision->action == IW_STOP_STOP && !self->stop) {
            self->stop = true;
            memcpy(self->stop_reason, decision->reason, sizeof self->stop_reason);
        }
        iw_status status =
            iw_event_add(&self->events, rule_event[decision->rule], true, decision->frame,
                         decision->step, self->last_time_fs / 1000.0, "%s", decision->reason);
        if (status != IW_OK)
            return iw_fail(err, status, "no memory for an event");
    }
    return IW_OK;
}

iw_status
iw_engine_check(iw_engine *self, iw_error *err)
{
    uint64_t frames = iw_trajectory_frames(self->trajectory);
    self->next_check = frames + (uint64_t)fmax(IW_CHECK_FRAMES, CHECK_GROWTH * (double)frames);
    self->last_checked = frames;
    if (!self->msd || self->groups.n_mobile == 0)
        return IW_OK;
    iw_diffusion diffusion = {0};
    iw_status status = iw_moments_query(self->moments, &self->moment_sums, err);
    if (status == IW_OK)
        status = iw_engine_diffusion(self, &self->groups.groups[1], NULL, &diffusion, err);
    if (status != IW_OK)
        return status;
    iw_observation seen = observation(self, &diffusion);
    double block_D_cm2_s[IW_BLOCKS];
    gather(self, &seen, block_D_cm2_s);
    iw_convergence_check(&self->convergence, &self->options.convergence, &seen);
    return decide(self, &seen, err);
}

iw_status
iw_engine_check_health(iw_engine *self, const iw_frame *frame, iw_error *err)
{
    const iw_health *health = iw_engine_health(self);
    bool broken = health->state == IW_HEALTH_BROKEN;
    if (self->options.convergence.mode[IW_RULE_BROKEN] == IW_STOP_OFF ||
        (!broken && self->convergence.held[IW_RULE_BROKEN] == 0))
        return IW_OK;
    iw_observation seen = observation(self, NULL);
    seen.frame = frame->seq;
    seen.step = frame->step;
    iw_convergence_check_health(&self->convergence, &self->options.convergence,
                                broken ? health->reason : NULL);
    return decide(self, &seen, err);
}

/* A look between two checks, on a copy: asking must not change the run.  Where there are no checks,
 * or no more, one look has to do. */
void
iw_engine_look(const iw_engine *self, const iw_diffusion *mobile, iw_convergence *out)
{
    iw_convergence_options options = self->options.convergence;
    iw_observation seen = observation(self, mobile);
    double block_D_cm2_s[IW_BLOCKS];
    gather(self, &seen, block_D_cm2_s);
    if (iw_engine_checks(self) && !self->options.finished) {
        iw_convergence_look(out, &options, &seen);
    } else {
        options.hold = 1;
        iw_convergence_check(out, &options, &seen);
    }
}

bool
iw_engine_checks(const iw_engine *self)
{
    const iw_stop_mode *mode = self->options.convergence.mode;
    return mode[IW_RULE_PRECISION] != IW_STOP_OFF || mode[IW_RULE_FUTILITY] != IW_STOP_OFF;
}
