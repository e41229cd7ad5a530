/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine_memory.c - what an analysis holds, and the thinner MSD where that would be too much. */
#include "engine_private.h"

#include <math.h>
#include <stdio.h>

/* The MSD is not thinned to fewer frames than this. */
enum { LEAST_FRAMES = 1000 };
#define MIB 1048576.0

size_t
iw_engine_memory(const iw_engine *self)
{
    /* Beside the correlators: what trajectory keeps of a frame. */
    size_t held = sizeof *self + iw_collective_memory(&self->collective) +
                  iw_skip_memory(&self->skip, self->run.n_atoms) +
                  self->run.n_atoms * 34 * sizeof(double) + iw_health_memory(self->health);
    held += 2 * iw_history_memory(&self->history); /* with that of a snapshot */
    if (self->msd) {
        size_t lags = iw_msd_frames(self->msd) / 2 + 1;
        held += iw_msd_memory(self->msd) + iw_moments_memory(self->moments) +
                iw_vacf_memory(self->vacf) + iw_epochs_memory(self->epochs) +
                (self->groups.n_groups + 2) * 3 * lags * sizeof(double); /* of a snapshot */
    }
    return held;
}

static iw_status
thin(iw_engine *self, iw_error *err)
{
    double dt_fs = iw_trajectory_dt_fs(self->trajectory);
    size_t stride = 2 * self->stride;
    iw_status status = iw_event_add(
        &self->events, IW_EVENT_thinned, false, self->last_seq, self->last_step,
        "with %zu frames of the MSD the analysis comes to its limit of %zu MiB: one in %zu enters "
        "the MSD now, %.4g fs apart, also of those before, which are read again",
        iw_msd_frames(self->msd), self->options.memory_mib, stride, dt_fs * (double)stride);
    if (status != IW_OK)
        return iw_fail(err, status, "no memory for an event");
    self->thinning *= 2;
    iw_engine_read_again(self);
    return IW_OK;
}

/* Said once; the analysis goes on. */
static iw_status
give_up(iw_engine *self, size_t held, const char *why, iw_error *err)
{
    if (self->over_limit)
        return IW_OK;
    self->over_limit = true;
    iw_status status =
        iw_event_add(&self->events, IW_EVENT_memory, true, self->last_seq, self->last_step,
                     "%.4g MiB are needed, more than the limit of %zu MiB: %s", (double)held / MIB,
                     self->options.memory_mib, why);
    return status == IW_OK ? IW_OK : iw_fail(err, status, "no memory for an event");
}

iw_status
iw_engine_bound_memory(iw_engine *self, iw_error *err)
{
    size_t limit = self->options.memory_mib << 20;
    if (limit == 0 || !self->msd || self->skip.wants)
        return IW_OK;
    size_t held = iw_engine_memory(self);
    if (held <= limit)
        return IW_OK;
    /* Half of it is the MSD's own whatever the rest needs: its share does not shrink to nothing. */
    size_t msd = iw_msd_memory(self->msd), rest = held - msd;
    size_t share = rest < limit / 2 ? limit - rest : limit / 2;
    if (self->options.skip.replay == IW_REPLAY_NEVER)
        return give_up(self, held, "the input cannot be read again for a thinner MSD", err);
    if (iw_msd_frames(self->msd) < 2 * (size_t)LEAST_FRAMES)
        return give_up(self, held, "the MSD has too few frames to be thinned", err);
    if (msd > share)
        return thin(self, err);
    char why[120];
    (void)snprintf(why, sizeof why, "%.4g MiB of it are not the MSD's; lags of the VACF cost most",
                   (double)rest / MIB);
    return give_up(self, held, why, err);
}
