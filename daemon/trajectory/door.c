/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trajectory/door.h"
#include "constants.h"
#include "trajectory/closeness.h"
#include "trajectory/slips.h"

#include <math.h>
#include <stdio.h>
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
/* Displacements cannot be faster than heat.  They are slower where atoms turn back between frames:
 * below this rate, from this spacing on the less the further apart frames are. */
#define FASTEST    1.6
#define SLOWEST    0.35
#define TURNING_FS 10.0
/* Closeness (closeness.h) of solids, liquids and molecules, and how far it may be from that. */
#define USUAL_CLOSENESS 1.0
#define LENGTH_FACTOR   1.45
#define LEAST_ATOMS     8 /* fewer may stand anywhere */
/* What a temperature says of a factor of velocities: a run may start at half of it
 * (equipartition). */
#define TEMPERATURE_WITHIN 2.0
#define RATIO_WITHIN       1.3

iw_status
iw_door_init(iw_door *self, const iw_run_info *run, iw_error *err)
{
    *self = (iw_door){.run = run, .length = 1.0};
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

/* What the MD code says of its temperature, else the target; NAN: neither is known. */
static double
reference_K(const iw_door *self)
{
    double said = self->n_said > 0 ? self->sum_said_K / (double)self->n_said : 0.0;
    return said > 0.0 ? said : self->run->temperature_K;
}

static void
hear_temperature(iw_door *self, const iw_frame *frame)
{
    size_t n = self->run->n_atoms;
    double freedom = n > 1 ? 3.0 * (double)n - 3.0 : 3.0;
    double said = frame->temperature_K;
    if (!isfinite(said))
        said = 2000.0 * frame->kinetic_energy_eV / (freedom * IW_BOLTZMANN_MEV_K);
    if (!isfinite(said))
        return;
    self->sum_said_K += said;
    self->n_said++;
}

static iw_status
judge_lengths(iw_door *self, const iw_frame *frame, iw_event_list *events)
{
    double closeness = iw_closeness(self->run, frame);
    double factor = closeness / USUAL_CLOSENESS;
    if (self->run->n_atoms < LEAST_ATOMS || !(closeness > 0.0) ||
        iw_slip_none(factor, LENGTH_FACTOR))
        return IW_OK;
    char slip[IW_SLIP_TEXT];
    iw_slip_of_length(factor, slip);
    if (!*slip)
        return IW_OK;
    self->length = factor;
    return iw_event_add(events, IW_EVENT_length_mismatch, true, frame->seq, frame->step,
                        "nearest atoms are %.3g times as far apart as their covalent radii add up "
                        "to: %s?",
                        closeness, slip);
}

static iw_status
judge_temperature(const iw_door *self, const iw_frame *frame, iw_event_list *events)
{
    double target = reference_K(self);
    double mean = self->sum_K / (double)self->frames;
    if (!(target > 0.0))
        return IW_OK;
    double ratio = mean / target;
    if (ratio <= TEMPERATURE_FACTOR && ratio >= 1.0 / TEMPERATURE_FACTOR)
        return IW_OK;
    if (mean < 1e-9 * target && self->run->n_atoms == 1)
        return iw_event_add(events, IW_EVENT_temperature_mismatch, true, frame->seq, frame->step,
                            "nothing moves in the first %zu frames: one atom is its own centre of "
                            "mass, --drift none shows it",
                            self->frames);
    char slip[IW_SLIP_TEXT];
    iw_slip_of_velocity(self->length, sqrt(ratio), TEMPERATURE_WITHIN, slip);
    if (mean == 0.0)
        return iw_event_add(events, IW_EVENT_temperature_mismatch, true, frame->seq, frame->step,
                            "nothing moves in the first %zu frames", self->frames);
    return iw_event_add(events, IW_EVENT_temperature_mismatch, true, frame->seq, frame->step,
                        "kinetic temperature %.4g K in the first %zu frames, %s %.4g K: "
                        "velocities are %.3g times too large; %s",
                        mean, self->frames, self->n_said > 0 ? "the MD code says" : "target",
                        target, sqrt(ratio),
                        *slip         ? slip
                        : ratio < 1.0 ? "is the run still heating up?"
                                      : "hot start?");
}

/* Without velocities: displacements from frame to frame against the temperature. */
static iw_status
judge_displacements(const iw_door *self, const iw_frame *frame, double interval_fs,
                    iw_event_list *events)
{
    double reference = reference_K(self);
    double mean = self->sum_moved_K / (double)self->moved;
    double rate = sqrt(mean / reference);
    double slowest = SLOWEST * fmin(1.0, TURNING_FS / interval_fs);
    if (!(reference > 0.0) || (rate < FASTEST && rate > slowest))
        return IW_OK;
    if (mean == 0.0)
        return iw_event_add(events, IW_EVENT_temperature_mismatch, true, frame->seq, frame->step,
                            "nothing moves in the first %zu frames", self->moved + 1);
    /* Lengths that are off explain themselves. */
    double times = rate / self->length;
    if (times < FASTEST && times > slowest)
        return IW_OK;
    char slip[IW_SLIP_TEXT];
    iw_slip_of_time(times, interval_fs, slip);
    if (!*slip)
        (void)snprintf(slip, sizeof slip, "frames are about %.2g times further apart in time",
                       times);
    return iw_event_add(events, IW_EVENT_temperature_mismatch, true, frame->seq, frame->step,
                        "atoms move by %.3g times what %.4g K (%s) explains in %.4g fs: %s; or is "
                        "the run %s?",
                        rate, reference, self->n_said > 0 ? "the MD code's" : "target", interval_fs,
                        slip, rate > 1.0 ? "that hot" : "still heating up");
}

/* Velocities fit the temperature: then it is the displacements, or the time between them. */
static iw_status
name_displacements(const iw_door *self, const iw_frame *frame, double ratio, double interval_fs,
                   iw_event_list *events)
{
    char slip[IW_SLIP_TEXT] = "";
    double times = 1.0 / ratio / self->length;
    bool lengths = iw_slip_none(times, RATIO_WITHIN);
    if (lengths)
        iw_slip_of_length(self->length, slip);
    else
        iw_slip_of_time(times, interval_fs, slip);
    return iw_event_add(events, IW_EVENT_velocity_mismatch, true, frame->seq, frame->step,
                        "velocities fit the temperature, but are %.4g times the rate of change of "
                        "positions: %s%sframes %.4g fs apart, not %.4g (is the timestep right?)",
                        ratio, slip, *slip ? "; or " : "", interval_fs / ratio, interval_fs);
}

static iw_status
judge_velocities(const iw_door *self, const iw_frame *frame, double interval_fs,
                 iw_event_list *events)
{
    if (!(self->vv > 0.0) || !(self->dd > 0.0) || self->change > LARGEST_CHANGE * self->vv)
        return IW_OK;
    double correlation = self->vd / sqrt(self->vv * self->dd);
    if (correlation < CORRELATED)
        return iw_event_add(events, IW_EVENT_velocity_mismatch, true, frame->seq, frame->step,
                            "velocities do not point where positions go (correlation %.2f): are "
                            "atoms in the same order in both?",
                            correlation);
    double ratio = self->vv / self->vd;
    if (ratio < VELOCITY_FACTOR && ratio > 1.0 / VELOCITY_FACTOR)
        return IW_OK;
    double heat = self->sum_K / (double)self->frames / reference_K(self);
    if (!self->again && heat > 0.0 && iw_slip_none(sqrt(heat), FASTEST))
        return name_displacements(self, frame, ratio, interval_fs, events);
    char slip[IW_SLIP_TEXT];
    iw_slip_of_velocity(1.0, ratio, RATIO_WITHIN, slip);
    return iw_event_add(events, IW_EVENT_velocity_mismatch, true, frame->seq, frame->step,
                        "velocities are %.4g times the rate of change of positions: %s%sframes "
                        "%.4g fs apart, not %.4g (is the timestep right?)",
                        ratio, slip, *slip ? " (are the units right?), or " : "",
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

/* m (dx/dt)^2 as a temperature, without the motion of the centre of mass. */
static double
moved_K(const iw_door *self, const double *step_A, double interval_fs)
{
    const double *mass = self->run->mass_amu;
    size_t n = self->run->n_atoms;
    double energy = 0.0, momentum[3] = {0.0}, total = 0.0;
    for (size_t i = 0; i < n; i++) {
        total += mass[i];
        for (size_t k = 0; k < 3; k++) {
            double p = mass[i] * step_A[3 * i + k];
            momentum[k] += p;
            energy += p * step_A[3 * i + k];
        }
    }
    for (size_t k = 0; k < 3; k++)
        energy -= momentum[k] * momentum[k] / total;
    double freedom = n > 1 ? 3.0 * (double)n - 3.0 : 3.0;
    return fmax(energy, 0.0) / (interval_fs * interval_fs) * IW_AMU_A2_FS2_K / freedom;
}

iw_status
iw_door_push_without(iw_door *self, const iw_frame *frame, const double *step_A, double interval_fs,
                     iw_event_list *events)
{
    iw_status status = IW_OK;
    if (!self->looked) {
        self->looked = true;
        status = judge_lengths(self, frame, events);
    }
    if (status != IW_OK || self->moved == IW_DOOR_FRAMES)
        return status;
    hear_temperature(self, frame);
    if (!step_A || !(interval_fs > 0.0))
        return IW_OK;
    self->sum_moved_K += moved_K(self, step_A, interval_fs);
    return ++self->moved == IW_DOOR_FRAMES ? judge_displacements(self, frame, interval_fs, events)
                                           : IW_OK;
}

iw_status
iw_door_push(iw_door *self, const iw_frame *frame, double kinetic_K, const double *step_A,
             double interval_fs, iw_event_list *events)
{
    iw_status status = IW_OK;
    if (!self->looked) {
        self->looked = true;
        status = judge_lengths(self, frame, events);
    }
    if (status != IW_OK)
        return status;
    if (++self->frames > IW_DOOR_FRAMES) {
        if (self->frames == IW_DOOR_EVERY) { /* the next frame begins another look */
            self->frames = 0;
            self->again = true;
            self->has_last = false;
            self->vv = self->vd = self->dd = self->change = 0.0;
        }
        return IW_OK;
    }
    if (!self->again)
        hear_temperature(self, frame);
    self->sum_K += kinetic_K;
    if (step_A && self->has_last && interval_fs > 0.0)
        compare(self, frame->vel_A_fs, step_A, interval_fs);
    memcpy(self->last_A_fs, frame->vel_A_fs, 3 * self->run->n_atoms * sizeof(double));
    self->has_last = true;
    if (self->frames < IW_DOOR_FRAMES)
        return IW_OK;
    status = self->again ? IW_OK : judge_temperature(self, frame, events);
    return status == IW_OK ? judge_velocities(self, frame, interval_fs, events) : status;
}

void
iw_door_archive(iw_door *self, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_door, 128);
    iw_archive_tag(archive, "door", 2);
    iw_archive_size(archive, &self->frames);
    iw_archive_bool(archive, &self->again);
    iw_archive_double(archive, &self->sum_K);
    iw_archive_bool(archive, &self->has_last);
    if (self->has_last)
        iw_archive_doubles(archive, self->last_A_fs, 3 * self->run->n_atoms);
    iw_archive_bool(archive, &self->looked);
    iw_archive_size(archive, &self->moved);
    iw_archive_size(archive, &self->n_said);
    double *sums[] = {&self->vv,     &self->dd,         &self->vd,         &self->change,
                      &self->length, &self->sum_said_K, &self->sum_moved_K};
    for (size_t k = 0; k < sizeof sums / sizeof *sums; k++)
        iw_archive_double(archive, sums[k]);
}
