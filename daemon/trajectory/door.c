/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trajectory/door.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A temperature this far off is taken for a slip of units, a factor of time or length for one of
 * these; velocities may be off by a fifth (thermostats, coarse frames) before anything is said. */
#define TEMPERATURE_FACTOR 5.0
#define VELOCITY_FACTOR    1.25
/* m |change of v|^2 over m v^2 between frames: beyond it frames are too far apart to compare. */
#define LARGEST_CHANGE 0.45
/* Below this correlation velocities and displacements have nothing to do with each other. */
#define CORRELATED 0.7

/* What velocities are multiplied by when a unit is mistaken. */
static const struct {
    double factor;
    const char *slip;
} slips[] = {
    {1000.0, "A/ps taken as A/fs"},
    {1e-3, "A/fs taken as A/ps"},
    {1e5, "m/s taken as A/fs"},
    {100.0, "nm/ps taken as A/fs, or m/s as A/ps"},
    {1e-2, "A/fs taken as nm/ps"},
    {10.0, "A/ps taken as nm/ps, or A/ASE time as A/fs"},
    {0.1, "nm/ps taken as A/ps"},
    {1.0 / 21.876912636, "bohr per atomic time taken as A/fs"},
    {21.876912636, "A/fs taken as bohr per atomic time"},
    {1.0 / 21876.912636, "bohr per atomic time taken as A/ps"},
    {1.0 / 98.2269, "A per ASE time unit taken as A/ps"},
};

iw_status
iw_door_init(iw_door *self, const iw_run_info *run, iw_error *err)
{
    *self = (iw_door){.run = run};
    self->last_A_fs = malloc(3 * run->n_atoms * sizeof(double));
    if (!self->last_A_fs)
        return iw_fail(err, IW_NO_MEMORY, "no memory for velocities of %zu atoms", run->n_atoms);
    return IW_OK;
}

void
iw_door_fini(iw_door *self)
{
    free(self->last_A_fs);
    *self = (iw_door){0};
}

/* The slip whose factor is within `within` of the velocity ratio, or NULL. */
static const char *
name_slip(double ratio, double within)
{
    const char *best = NULL;
    double nearest = log(within);
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
        double off = fabs(log(ratio / slips[i].factor));
        if (off < nearest) {
            nearest = off;
            best = slips[i].slip;
        }
    }
    return best;
}

static iw_status
judge_temperature(const iw_door *self, const iw_frame *frame, iw_event_list *events)
{
    double target = self->run->temperature_K;
    double mean = self->sum_K / (double)self->frames;
    if (!(target > 0.0))
        return IW_OK;
    double ratio = mean / target;
    if (ratio <= TEMPERATURE_FACTOR && ratio >= 1.0 / TEMPERATURE_FACTOR)
        return IW_OK;
    double time_ps = frame->time_fs / 1000.0;
    if (mean < 1e-9 * target)
        return iw_event_add(events, IW_EVENT_temperature_mismatch, true, frame->seq, frame->step,
                            time_ps, "nothing moves in the first %zu frames%s", self->frames,
                            self->run->n_atoms == 1
                                ? ": one atom is its own centre of mass, --drift none shows it"
                                : "");
    /* A run may start at half its temperature (equipartition), so the match is a loose one. */
    const char *slip = name_slip(sqrt(ratio), 2.0);
    return iw_event_add(events, IW_EVENT_temperature_mismatch, true, frame->seq, frame->step,
                        time_ps,
                        "kinetic temperature %.4g K in the first %zu frames, target %.4g K: "
                        "velocities are %.3g times too large; %s",
                        mean, self->frames, target, sqrt(ratio),
                        slip          ? slip
                        : ratio < 1.0 ? "is the run still heating up?"
                                      : "hot start?");
}

static iw_status
judge_velocities(const iw_door *self, const iw_frame *frame, double interval_fs,
                 iw_event_list *events)
{
    if (!(self->vv > 0.0) || !(self->dd > 0.0) || self->change > LARGEST_CHANGE * self->vv)
        return IW_OK;
    double time_ps = frame->time_fs / 1000.0;
    double correlation = self->vd / sqrt(self->vv * self->dd);
    if (correlation < CORRELATED)
        return iw_event_add(events, IW_EVENT_velocity_mismatch, true, frame->seq, frame->step,
                            time_ps,
                            "velocities do not point where positions go (correlation %.2f): are "
                            "atoms in the same order in both?",
                            correlation);
    double ratio = self->vv / self->vd;
    if (ratio < VELOCITY_FACTOR && ratio > 1.0 / VELOCITY_FACTOR)
        return IW_OK;
    const char *slip = name_slip(ratio, 1.3);
    return iw_event_add(events, IW_EVENT_velocity_mismatch, true, frame->seq, frame->step, time_ps,
                        "velocities are %.4g times the rate of change of positions: %s%sframes "
                        "%.4g fs apart, not %.4g (is the timestep right?)",
                        ratio, slip ? slip : "", slip ? " (are the units right?), or " : "",
                        interval_fs / ratio, interval_fs);
}

static void
compare(iw_door *self, const double *v, const double *step_A, double interval_fs)
{
    for (size_t i = 0; i < 3 * self->run->n_atoms; i++) {
        double mass = self->run->mass_amu[i / 3];
        double old = self->last_A_fs[i];
        /* The mean of both ends is the mean velocity of the interval to second order. */
        double mean = 0.5 * (old + v[i]);
        double rate = step_A[i] / interval_fs;
        self->vv += mass * mean * mean;
        self->vd += mass * mean * rate;
        self->dd += mass * rate * rate;
        self->change += mass * (v[i] - old) * (v[i] - old);
    }
}

iw_status
iw_door_push(iw_door *self, const iw_frame *frame, double kinetic_K, const double *step_A,
             double interval_fs, iw_event_list *events)
{
    if (++self->frames > IW_DOOR_FRAMES) {
        if (self->frames == IW_DOOR_EVERY) { /* the next frame begins another look */
            self->frames = 0;
            self->again = true;
            self->has_last = false;
            self->vv = self->vd = self->dd = self->change = 0.0;
        }
        return IW_OK;
    }
    self->sum_K += kinetic_K;
    if (step_A && self->has_last && interval_fs > 0.0)
        compare(self, frame->vel_A_fs, step_A, interval_fs);
    memcpy(self->last_A_fs, frame->vel_A_fs, 3 * self->run->n_atoms * sizeof(double));
    self->has_last = true;
    if (self->frames < IW_DOOR_FRAMES)
        return IW_OK;
    iw_status status = self->again ? IW_OK : judge_temperature(self, frame, events);
    return status == IW_OK ? judge_velocities(self, frame, interval_fs, events) : status;
}

void
iw_door_archive(iw_door *self, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_door, 80);
    iw_archive_tag(archive, "door", 1);
    iw_archive_size(archive, &self->frames);
    iw_archive_bool(archive, &self->again);
    iw_archive_double(archive, &self->sum_K);
    iw_archive_bool(archive, &self->has_last);
    if (self->has_last)
        iw_archive_doubles(archive, self->last_A_fs, 3 * self->run->n_atoms);
    double *sums[] = {&self->vv, &self->dd, &self->vd, &self->change};
    for (size_t k = 0; k < sizeof sums / sizeof *sums; k++)
        iw_archive_double(archive, sums[k]);
}
