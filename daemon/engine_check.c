/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine_check.c - the checks while frames come: what is known of D goes into its history, the
 * rules judge it, and what follows from that.  Without a rule a snapshot judges itself. */
#include "engine_private.h"
#include "estimate/blocks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
        iw_status status = iw_event_add(&self->events, rule_event[decision->rule], true,
                                        decision->frame, decision->step, "%s", decision->reason);
        if (status != IW_OK)
            return iw_fail(err, status, "no memory for an event");
    }
    return IW_OK;
}

/* From fresh moments; nothing is known of it before the correlators are there. */
static iw_status
mobile_now(iw_engine *self, iw_diffusion *out, iw_error *err)
{
    iw_diffusion_init(out);
    if (!self->msd || self->groups.n_mobile == 0)
        return IW_OK;
    iw_status status = iw_moments_query(self->moments, &self->moment_sums, err);
    return status == IW_OK ? iw_engine_diffusion(self, &self->groups.groups[1], NULL, out, err)
                           : status;
}

static iw_status
judge(iw_engine *self, const iw_diffusion *mobile, iw_error *err)
{
    self->unjudged = false;
    if (!iw_engine_checks(self) || !self->msd || self->groups.n_mobile == 0)
        return IW_OK;
    self->last_checked = iw_trajectory_frames(self->trajectory);
    iw_observation seen = observation(self, mobile);
    double block_D_cm2_s[IW_BLOCKS];
    gather(self, &seen, block_D_cm2_s);
    iw_convergence_check(&self->convergence, &self->options.convergence, &seen);
    return decide(self, &seen, err);
}

/* trajectory: that of the frames which the averages are of. */
static iw_status
note(iw_engine *self, const iw_trajectory *trajectory, const iw_diffusion *mobile, iw_error *err)
{
    uint64_t frames = iw_trajectory_frames(trajectory);
    if (!iw_history_due(&self->history, frames))
        return IW_OK;
    return iw_history_note(&self->history, frames, iw_trajectory_time_ps(trajectory), mobile, err);
}

iw_status
iw_engine_check(iw_engine *self, iw_error *err)
{
    iw_diffusion mobile;
    iw_status status = mobile_now(self, &mobile, err);
    if (status == IW_OK)
        status = note(self, self->trajectory, &mobile, err);
    return status == IW_OK ? judge(self, &mobile, err) : status;
}

iw_status
iw_engine_check_due(iw_engine *self, iw_error *err)
{
    bool due = iw_history_due(&self->history, iw_trajectory_frames(self->trajectory));
    /* What is looked at next are the averages of the frames read again. */
    if (self->skip.wants) {
        self->unjudged |= due;
        return IW_OK;
    }
    return due || self->unjudged ? iw_engine_check(self, err) : IW_OK;
}

iw_status
iw_engine_check_again(iw_engine *self, iw_error *err)
{
    iw_diffusion mobile;
    if (!iw_history_due(&self->history, iw_trajectory_frames(self->skip.again)))
        return IW_OK;
    iw_status status = mobile_now(self, &mobile, err);
    return status == IW_OK ? note(self, self->skip.again, &mobile, err) : status;
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
