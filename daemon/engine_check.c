/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine_check.c - the checks of convergence while frames come, and what follows from them. */
#include "engine_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Checks lie this share of the run apart, so that their cost stays a small part of the whole: more
 * densely where the run is to be stopped.  Mode "off" makes none: a snapshot judges itself. */
#define CHECK_GROWTH_STOP   0.05
#define CHECK_GROWTH_ADVISE 0.10

static iw_status
announce(iw_engine *self, iw_error *err)
{
    iw_stop_mode mode = self->options.convergence.mode;
    if (self->announced || strcmp(self->convergence.state, "converged") != 0)
        return IW_OK;
    self->announced = true;
    if (mode == IW_STOP_STOP) {
        self->stop = true;
        (void)snprintf(self->stop_reason, sizeof self->stop_reason, "%s", self->convergence.reason);
    }
    iw_status status =
        iw_event_add(&self->events, IW_EVENT_converged, true, self->last_seq, self->last_step,
                     self->last_time_fs / 1000.0, "%s", self->convergence.reason);
    return status == IW_OK ? IW_OK : iw_fail(err, status, "no memory for an event");
}

iw_status
iw_engine_check(iw_engine *self, iw_error *err)
{
    uint64_t frames = iw_trajectory_frames(self->trajectory);
    double growth =
        self->options.convergence.mode == IW_STOP_STOP ? CHECK_GROWTH_STOP : CHECK_GROWTH_ADVISE;
    self->next_check = frames + (uint64_t)fmax(IW_CHECK_FRAMES, growth * (double)frames);
    self->last_checked = frames;
    if (!self->msd || self->groups.n_mobile == 0)
        return IW_OK;
    iw_status status = iw_msd_query(self->msd, &self->msd_sums, err);
    if (status != IW_OK)
        return status;
    iw_group_msd msd;
    status = iw_engine_group_msd(self, &self->groups.groups[1], &msd, err);
    if (status != IW_OK)
        return status;
    iw_diffusion diffusion = {0};
    /* Too few lags for a fit is an answer here, not an error. */
    status = iw_diffusion_estimate(&msd.curve, &self->options.diffusion, &diffusion, err);
    free(msd.mean);
    if (status == IW_NO_MEMORY)
        return status;
    iw_convergence_check(&self->convergence, &self->options.convergence, &diffusion,
                         iw_engine_time_ps(self));
    return announce(self, err);
}
