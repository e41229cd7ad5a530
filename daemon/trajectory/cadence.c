/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trajectory/cadence.h"

#include <math.h>

/* Time stamps may be printed with few digits: pw.x has 4 decimals of a picosecond. */
#define STAMP_ROUNDING_FS 0.11

static bool
is_spacing(double fs) /* of frames, or a timestep; false for NAN */
{
    return fs >= IW_SPACING_LEAST_FS && fs <= IW_SPACING_MOST_FS;
}

void
iw_cadence_init(iw_cadence *self, double timestep_fs)
{
    *self = (iw_cadence){.timestep_fs = is_spacing(timestep_fs) ? timestep_fs : NAN,
                         .spacing_fs = NAN,
                         .interval_fs = NAN,
                         .first_time_fs = NAN,
                         .last_time_fs = NAN};
}

static bool
by_time(const iw_cadence *self)
{
    return isnan(self->timestep_fs);
}

static void
remember(iw_cadence *self, const iw_frame *frame)
{
    self->last_step = frame->step;
    self->last_time_fs = frame->time_fs;
    if (frame->seq > self->last_seq)
        self->last_seq = frame->seq;
}

void
iw_cadence_restart(iw_cadence *self, const iw_frame *frame)
{
    self->any = true;
    self->first_step = frame->step;
    self->first_time_fs = frame->time_fs;
    self->interval_fs = NAN;
    remember(self, frame);
}

bool
iw_cadence_at_start(const iw_cadence *self, const iw_frame *frame)
{
    return by_time(self) ? frame->time_fs <= self->first_time_fs : frame->step <= self->first_step;
}

static iw_tick
tick_by_step(iw_cadence *self, const iw_frame *frame, bool missing)
{
    int64_t delta = frame->step - self->last_step;
    self->interval_fs = (double)delta * self->timestep_fs;
    if (self->spacing_steps == 0 && !is_spacing(self->interval_fs))
        return IW_TICK_UNKNOWN;
    if (missing)
        return IW_TICK_GAP;
    if (self->spacing_steps == 0) {
        self->spacing_steps = delta;
        return IW_TICK_NEXT;
    }
    if (delta == self->spacing_steps)
        return IW_TICK_NEXT;
    return delta % self->spacing_steps == 0 ? IW_TICK_GAP : IW_TICK_UNEVEN;
}

static iw_tick
tick_by_time(iw_cadence *self, const iw_frame *frame, bool missing)
{
    double delta = frame->time_fs - self->last_time_fs;
    self->interval_fs = delta;
    if (isnan(self->spacing_fs) && !is_spacing(delta))
        return IW_TICK_UNKNOWN;
    if (missing)
        return IW_TICK_GAP;
    if (isnan(self->spacing_fs))
        self->spacing_fs = delta;
    double dt = iw_cadence_dt_fs(self);
    if (isnan(dt))
        dt = delta;
    double tolerance = fmin(STAMP_ROUNDING_FS + 1e-3 * dt, 0.25 * dt);
    if (fabs(delta - dt) <= tolerance) {
        self->regular_fs += delta;
        self->regular++;
        return IW_TICK_NEXT;
    }
    double many = round(delta / dt);
    return many >= 2.0 && fabs(delta - many * dt) <= tolerance ? IW_TICK_GAP : IW_TICK_UNEVEN;
}

iw_tick
iw_cadence_push(iw_cadence *self, const iw_frame *frame)
{
    if (!self->any) {
        iw_cadence_restart(self, frame);
        return IW_TICK_FIRST;
    }
    bool missing = frame->seq > self->last_seq + 1;
    self->interval_fs = NAN;
    if (by_time(self)) {
        if (!(frame->time_fs > self->last_time_fs)) {
            if (frame->seq > self->last_seq)
                self->last_seq = frame->seq;
            /* Equal stamps from the start are no restart: there is no clock at all. */
            return frame->time_fs == self->last_time_fs && isnan(self->spacing_fs) ? IW_TICK_UNKNOWN
                                                                                   : IW_TICK_REPEAT;
        }
    } else if (frame->step <= self->last_step) {
        if (frame->seq > self->last_seq)
            self->last_seq = frame->seq;
        if (frame->step == self->last_step) /* a code that restarts may start its clock again */
            self->last_time_fs = frame->time_fs;
        return IW_TICK_REPEAT;
    }
    iw_tick tick =
        by_time(self) ? tick_by_time(self, frame, missing) : tick_by_step(self, frame, missing);
    if (tick != IW_TICK_UNKNOWN)
        remember(self, frame);
    else if (frame->seq > self->last_seq)
        self->last_seq = frame->seq;
    return tick;
}

double
iw_cadence_dt_fs(const iw_cadence *self)
{
    if (!by_time(self))
        return self->spacing_steps ? (double)self->spacing_steps * self->timestep_fs : NAN;
    if (self->regular == 0)
        return self->spacing_fs;
    double mean = self->regular_fs / (double)self->regular;
    /* Exact stamps give the first interval, not its last bit. */
    return fabs(mean - self->spacing_fs) <= 1e-9 * mean ? self->spacing_fs : mean;
}

/* The interval is that of the next push. */
void
iw_cadence_archive(iw_cadence *self, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_cadence, 96);
    iw_archive_tag(archive, "cadence", 1);
    iw_archive_bool(archive, &self->any);
    iw_archive_u64(archive, &self->last_seq);
    iw_archive_i64(archive, &self->first_step);
    iw_archive_i64(archive, &self->last_step);
    iw_archive_double(archive, &self->first_time_fs);
    iw_archive_double(archive, &self->last_time_fs);
    iw_archive_i64(archive, &self->spacing_steps);
    iw_archive_double(archive, &self->spacing_fs);
    iw_archive_double(archive, &self->regular_fs);
    iw_archive_u64(archive, &self->regular);
    /* Steps are divided by their spacing, and frames counted by it. */
    IW_ARCHIVE_CHECK(archive, self->spacing_steps >= 0);
    double dt_fs = iw_cadence_dt_fs(self);
    IW_ARCHIVE_CHECK(archive, isnan(dt_fs) || is_spacing(dt_fs));
}
