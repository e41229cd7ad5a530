/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/traces.h"

#include <math.h>
#include <string.h>

void
iw_traces_init(iw_traces *self)
{
    *self = (iw_traces){.width = 1};
}

static void
join(iw_trace_bin *to, const iw_trace_bin *first, const iw_trace_bin *second)
{
    iw_trace_bin both = *first;
    both.frames += second->frames;
    both.intervals += second->intervals;
    for (size_t k = 0; k < IW_TRACES; k++) {
        both.known[k] += second->known[k];
        both.sum[k] += second->sum[k];
    }
    *to = both;
}

static void
widen(iw_traces *self)
{
    const size_t half = IW_TRACE_BINS / 2;
    for (size_t k = 0; k < half; k++)
        join(&self->bins[k], &self->bins[2 * k], &self->bins[2 * k + 1]);
    memset(self->bins + half, 0, half * sizeof *self->bins);
    self->n = half;
    self->width *= 2;
}

void
iw_traces_push(iw_traces *self, uint64_t intervals, const double values[IW_TRACES])
{
    while (intervals / self->width >= IW_TRACE_BINS)
        widen(self);
    size_t k = (size_t)(intervals / self->width);
    iw_trace_bin *bin = &self->bins[k];
    self->n = k + 1;
    bin->frames++;
    bin->intervals += intervals;
    for (size_t i = 0; i < IW_TRACES; i++) {
        if (!isfinite(values[i]))
            continue;
        bin->known[i]++;
        bin->sum[i] += values[i];
    }
}

iw_trace_point
iw_traces_point(const iw_traces *self, size_t bin, double dt_fs)
{
    const iw_trace_bin *b = &self->bins[bin];
    iw_trace_point point = {.time_ps = (double)b->intervals / (double)b->frames * dt_fs / 1000.0};
    for (size_t i = 0; i < IW_TRACES; i++)
        point.value[i] = b->known[i] ? b->sum[i] / (double)b->known[i] : (double)NAN;
    return point;
}

void
iw_traces_archive(iw_traces *self, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_trace_bin, 80);
    IW_ARCHIVE_KNOWS(iw_traces, 16 + 80 * IW_TRACE_BINS);
    iw_archive_tag(archive, "traces", 1);
    iw_archive_u64(archive, &self->width);
    IW_ARCHIVE_CHECK(archive, self->width > 0);
    iw_archive_limited(archive, &self->n, IW_TRACE_BINS, "bins of the traces");
    for (size_t k = 0; k < self->n; k++) {
        iw_trace_bin *bin = &self->bins[k];
        iw_archive_u64(archive, &bin->frames);
        iw_archive_u64(archive, &bin->intervals);
        for (size_t i = 0; i < IW_TRACES; i++)
            iw_archive_u64(archive, &bin->known[i]);
        iw_archive_doubles(archive, bin->sum, IW_TRACES);
    }
}
