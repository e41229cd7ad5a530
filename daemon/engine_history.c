/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine_history.c - the past of a run: traces of its health while frames come, and those and the
 * history of D as a snapshot has them. */
#include "engine_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void
iw_engine_trace(iw_engine *self, const iw_health_frame *seen)
{
    uint64_t intervals =
        iw_trajectory_frames(self->trajectory) - iw_trajectory_segments(self->trajectory);
    const double values[IW_TRACES] = {
        [IW_TRACE_TEMPERATURE] = seen->kinetic_K,
        [IW_TRACE_ENERGY] = 1000.0 * seen->energy_eV / (double)self->run.n_atoms,
        [IW_TRACE_FRAMEWORK] = iw_health_now(self->health)->framework_msd_A2,
        [IW_TRACE_VOLUME] = seen->volume_A3};
    iw_traces_push(&self->traces, intervals, values);
}

iw_status
iw_engine_fill_history(const iw_engine *self, iw_snapshot *out, iw_error *err)
{
    size_t checks = self->history.n, bins = self->traces.n;
    out->target = self->options.convergence.target;
    out->history = calloc(checks + 1, sizeof *out->history);
    out->traces = calloc(bins + 1, sizeof *out->traces);
    if (!out->history || !out->traces)
        return iw_fail(err, IW_NO_MEMORY, "no memory for the history of a run");
    if (checks > 0)
        memcpy(out->history, self->history.points, checks * sizeof *out->history);
    for (size_t k = 0; k < bins; k++)
        out->traces[k] = iw_traces_point(&self->traces, k, out->dt_fs);
    out->n_history = checks;
    out->n_traces = bins;
    return IW_OK;
}
