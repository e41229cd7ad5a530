/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trajectory/trajectory.h"

#include "constants.h"
#include "trajectory/cadence.h"
#include "trajectory/door.h"
#include "trajectory/unwrap.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Frames closer than this to the first one, in Angstrom, are the first one again. */
#define SAME_FRAME_A 1e-3

struct iw_trajectory {
    iw_run_info run;
    iw_drift drift;
    iw_event_list *events; /* borrowed */
    iw_cadence cadence;
    iw_unwrap unwrap;
    iw_door door;
    double total_mass;  /* of all atoms */
    double *held;       /* [n] share of each atom in the centre of mass that is held still */
    double *share;      /* [n] of the mass of all atoms */
    double *pos, *vel;  /* [n][3] what a step shows */
    double *first;      /* [n][3] raw positions of the first frame of the run */
    uint64_t frames;    /* accepted */
    size_t segments;    /* begun */
    bool broken;        /* the next frame starts a segment */
    bool repeating;     /* frames that were counted already are passing by */
    bool velocities;    /* the first frame had velocities */
    bool stamps_judged; /* time stamps were compared with step numbers */
    bool stamps_agree;  /* ... and say the same */
};

static iw_status
set_held_atoms(iw_trajectory *self, const iw_trajectory_options *options, iw_error *err)
{
    size_t n = self->run.n_atoms;
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        double mass = self->run.mass_amu[i];
        if (!(mass > 0.0) || !isfinite(mass))
            return iw_fail(err, IW_INVALID, "atom %zu (%s) has a mass of %g amu", i + 1,
                           self->run.species[self->run.kind[i]], mass);
        self->total_mass += mass;
        if (options->drift == IW_DRIFT_FRAMEWORK && !options->framework[i])
            mass = 0.0;
        self->held[i] = mass;
        sum += mass;
    }
    if (sum == 0.0)
        return iw_fail(err, IW_INVALID, "drift \"framework\": no atom belongs to the framework");
    for (size_t i = 0; i < n; i++) {
        self->held[i] /= sum;
        self->share[i] = self->run.mass_amu[i] / self->total_mass;
    }
    return IW_OK;
}

iw_trajectory *
iw_trajectory_new(const iw_run_info *run, const iw_trajectory_options *options,
                  iw_event_list *events, iw_error *err)
{
    if (run->n_atoms == 0) {
        (void)iw_fail(err, IW_INVALID, "the run has no atoms");
        return NULL;
    }
    iw_trajectory *self = calloc(1, sizeof *self);
    if (!self) {
        (void)iw_fail(err, IW_NO_MEMORY, "no memory for a trajectory");
        return NULL;
    }
    iw_run_info_init(&self->run);
    self->drift = options->drift;
    self->events = events;
    self->broken = true;
    iw_cadence_init(&self->cadence, run->timestep_fs);
    size_t n = run->n_atoms;
    if (iw_run_info_copy(&self->run, run, err) != IW_OK ||
        iw_unwrap_init(&self->unwrap, n, run->wrapped, err) != IW_OK ||
        iw_door_init(&self->door, &self->run, err) != IW_OK) {
        iw_trajectory_destroy(&self);
        return NULL;
    }
    self->held = calloc(n, sizeof(double));
    self->share = calloc(n, sizeof(double));
    self->pos = calloc(3 * n, sizeof(double));
    self->vel = calloc(3 * n, sizeof(double));
    self->first = calloc(3 * n, sizeof(double));
    if (!self->held || !self->share || !self->pos || !self->vel || !self->first) {
        (void)iw_fail(err, IW_NO_MEMORY, "no memory for a trajectory of %zu atoms", n);
        iw_trajectory_destroy(&self);
    } else if (set_held_atoms(self, options, err) != IW_OK) {
        iw_trajectory_destroy(&self);
    }
    return self;
}

void
iw_trajectory_destroy(iw_trajectory **self)
{
    if (!self || !*self)
        return;
    iw_unwrap_fini(&(*self)->unwrap);
    iw_door_fini(&(*self)->door);
    iw_run_info_fini(&(*self)->run);
    free((*self)->held);
    free((*self)->share);
    free((*self)->pos);
    free((*self)->vel);
    free((*self)->first);
    free(*self);
    *self = NULL;
}

/* Adds an event of this frame and hands its text to err as well; code is returned. */
#define REPORT(self, kind, frame, err, code, ...)                                                  \
    (iw_event_add((self)->events, IW_EVENT_##kind, true, (frame)->seq, (frame)->step,              \
                  __VA_ARGS__) != IW_OK                                                            \
         ? iw_fail((err), IW_NO_MEMORY, "no memory for an event")                                  \
         : iw_fail((err), (code), __VA_ARGS__))

static size_t
first_not_finite(const double *values, size_t n)
{
    /* One pass without branches; the place is looked for only when there is one. */
    int bad = 0;
    for (size_t i = 0; i < n; i++)
        bad |= !(fabs(values[i]) <= DBL_MAX);
    if (!bad)
        return n;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i]))
            return i;
    }
    return n;
}

static iw_status
check_frame(iw_trajectory *self, const iw_frame *frame, iw_error *err)
{
    if (frame->n_atoms != self->run.n_atoms)
        return REPORT(self, bad_frame, frame, err, IW_INVALID,
                      "step %lld has %zu atoms, the run has %zu", (long long)frame->step,
                      frame->n_atoms, self->run.n_atoms);
    size_t n = 3 * self->run.n_atoms;
    size_t at = first_not_finite(frame->pos_A, n);
    if (at < n)
        return REPORT(self, not_finite, frame, err, IW_INVALID,
                      "step %lld: position %c of atom %zu is %g", (long long)frame->step,
                      "xyz"[at % 3], at / 3 + 1, frame->pos_A[at]);
    if (frame->has_velocities) {
        at = first_not_finite(frame->vel_A_fs, n);
        if (at < n)
            return REPORT(self, not_finite, frame, err, IW_INVALID,
                          "step %lld: velocity %c of atom %zu is %g", (long long)frame->step,
                          "xyz"[at % 3], at / 3 + 1, frame->vel_A_fs[at]);
    }
    if (!frame->has_cell)
        return IW_OK;
    at = first_not_finite(frame->cell_A, 9);
    if (at < 9)
        return REPORT(self, not_finite, frame, err, IW_INVALID,
                      "step %lld: component %c of cell vector %c is %g", (long long)frame->step,
                      "xyz"[at % 3], "abc"[at / 3], frame -> cell_A[at]);
    double inverse[9], volume_A3;
    if (!iw_cell_invert(frame->cell_A, inverse, &volume_A3))
        return REPORT(self, singular_cell, frame, err, IW_INVALID,
                      "step %lld: cell is singular: volume %.3f A3", (long long)frame->step,
                      volume_A3);
    return IW_OK;
}

static bool
same_as_first(const iw_trajectory *self, const iw_frame *frame)
{
    if (frame->n_atoms != self->run.n_atoms)
        return false;
    double inverse[9], volume_A3;
    bool periodic = frame->has_cell && iw_cell_invert(frame->cell_A, inverse, &volume_A3);
    for (size_t i = 0; i < 3 * self->run.n_atoms; i += 3) {
        double d[3];
        for (size_t k = 0; k < 3; k++)
            d[k] = frame->pos_A[i + k] - self->first[i + k];
        if (periodic) {
            double whole[3];
            for (size_t k = 0; k < 3; k++)
                whole[k] = round(d[0] * inverse[k] + d[1] * inverse[3 + k] + d[2] * inverse[6 + k]);
            for (size_t k = 0; k < 3; k++)
                d[k] -= whole[0] * frame->cell_A[k] + whole[1] * frame->cell_A[3 + k] +
                        whole[2] * frame->cell_A[6 + k];
        }
        if (!(fabs(d[0]) <= SAME_FRAME_A && fabs(d[1]) <= SAME_FRAME_A &&
              fabs(d[2]) <= SAME_FRAME_A))
            return false;
    }
    return true;
}

/* A frame that is not later than the last one.  AGAIN: it was counted before.  OK: the numbering
 * started again with other positions, so it is a new piece. */
static iw_status
judge_repeat(iw_trajectory *self, const iw_frame *frame, iw_error *err)
{
    long long step = frame->step, last = self->cadence.last_step;
    if (iw_cadence_at_start(&self->cadence, frame) && self->frames > 0 &&
        !same_as_first(self, frame)) {
        iw_status status = REPORT(self, step_back, frame, err, IW_OK,
                                  "step %lld (%.6g ps) came after step %lld, with other positions "
                                  "than the run began with: the numbering was reset, a new "
                                  "segment starts",
                                  step, frame->time_fs / 1000.0, last);
        iw_cadence_restart(&self->cadence, frame);
        self->broken = true;
        return status;
    }
    iw_status status = IW_AGAIN;
    if (!self->repeating)
        status = REPORT(self, step_back, frame, err, IW_AGAIN,
                        "step %lld (%.6g ps) came after step %lld: repeated steps are not "
                        "counted twice",
                        step, frame->time_fs / 1000.0, last);
    self->repeating = true;
    return status;
}

/* Time stamps beside step numbers: the first regular interval must agree; if it does, a later one
 * that does not is a timestep that changed, or frames that are missing from a file without step
 * numbers. */
static iw_status
judge_stamps(iw_trajectory *self, const iw_frame *frame, double stamps_fs, iw_error *err)
{
    double steps_fs = self->cadence.interval_fs;
    if (isnan(self->cadence.timestep_fs) || !isfinite(stamps_fs))
        return IW_OK;
    bool first = !self->stamps_judged;
    bool agree = fabs(stamps_fs - steps_fs) <= 0.11 + 0.02 * steps_fs;
    self->stamps_judged = true;
    if (first)
        self->stamps_agree = agree;
    if (agree || (first && stamps_fs <= 0.0) || (!first && !self->stamps_agree))
        return IW_OK;
    if (!first) {
        self->broken = true;
        return REPORT(self, uneven_step, frame, err, IW_OK,
                      "step %lld has a time stamp %.6g fs after that of the frame before; frames "
                      "of this run are %.6g fs apart",
                      (long long)frame->step, stamps_fs, steps_fs);
    }
    return iw_event_add(self->events, IW_EVENT_time_mismatch, true, frame->seq, frame->step,
                        "step numbers and the timestep of %.6g fs put frames %.6g fs apart, their "
                        "time stamps %.6g fs; the first is used",
                        self->cadence.timestep_fs, steps_fs, stamps_fs);
}

/* Decides whether the frame continues the segment.  OK; AGAIN; INVALID. */
static iw_status
judge_order(iw_trajectory *self, const iw_frame *frame, iw_error *err)
{
    if (isnan(self->cadence.timestep_fs) && !isfinite(frame->time_fs))
        return REPORT(self, bad_frame, frame, err, IW_INVALID,
                      "step %lld has no time stamp and the run no timestep: the spacing of frames "
                      "is not known",
                      (long long)frame->step);
    long long last = self->cadence.last_step;
    double last_time_fs = self->cadence.last_time_fs;
    uint64_t last_seq = self->cadence.last_seq;
    iw_tick tick = iw_cadence_push(&self->cadence, frame);
    if (tick == IW_TICK_REPEAT)
        return judge_repeat(self, frame, err);
    self->repeating = false;
    iw_status status = IW_OK;
    switch (tick) {
    case IW_TICK_FIRST:
    case IW_TICK_REPEAT:
        break;
    case IW_TICK_NEXT:
        status = judge_stamps(self, frame, frame->time_fs - last_time_fs, err);
        break;
    case IW_TICK_GAP:
        self->broken = true;
        status = REPORT(self, gap, frame, err, IW_OK,
                        "frame %llu (step %lld) came after frame %llu (step %lld), %.6g fs later",
                        (unsigned long long)frame->seq, (long long)frame->step,
                        (unsigned long long)last_seq, last, self->cadence.interval_fs);
        break;
    case IW_TICK_UNEVEN:
        self->broken = true;
        status = REPORT(self, uneven_step, frame, err, IW_OK,
                        "step %lld came %.6g fs after step %lld; frames of this run are %.6g fs "
                        "apart",
                        (long long)frame->step, self->cadence.interval_fs, last,
                        iw_cadence_dt_fs(&self->cadence));
        break;
    case IW_TICK_UNKNOWN:
        return REPORT(self, bad_frame, frame, err, IW_INVALID,
                      "step %lld at %.6g ps came after step %lld at %.6g ps: frames have to be "
                      "%g to %g fs apart",
                      (long long)frame->step, frame->time_fs / 1000.0, last, last_time_fs / 1000.0,
                      IW_SPACING_LEAST_FS, IW_SPACING_MOST_FS);
    }
    return status;
}

/* Centre of values with the weights of share. */
static void
centre_of(const double *share, size_t n, const double *values, double centre[3])
{
    double even[3] = {0.0, 0.0, 0.0}, odd[3] = {0.0, 0.0, 0.0};
    size_t i = 0;
    for (; i + 1 < n; i += 2) { /* two chains: the sum waits for its last addition */
        for (size_t k = 0; k < 3; k++) {
            even[k] += share[i] * values[3 * i + k];
            odd[k] += share[i + 1] * values[3 * i + 3 + k];
        }
    }
    for (; i < n; i++) {
        for (size_t k = 0; k < 3; k++)
            even[k] += share[i] * values[3 * i + k];
    }
    for (size_t k = 0; k < 3; k++)
        centre[k] = even[k] + odd[k];
}

/* Subtracts the centre of what is held still. */
static void
hold(const iw_trajectory *self, double *values, double centre[3])
{
    size_t n = self->run.n_atoms;
    centre_of(self->held, n, values, centre);
    for (size_t i = 0; i < 3 * n; i += 3) {
        for (size_t k = 0; k < 3; k++)
            values[i + k] -= centre[k];
    }
}

/* Where the centre of mass of all atoms is before anything is removed; what is held still is then
 * subtracted. */
static void
settle(const iw_trajectory *self, double centre_A[3])
{
    double held_A[3];
    if (self->drift == IW_DRIFT_COM) { /* the same centre */
        hold(self, self->pos, centre_A);
        return;
    }
    centre_of(self->share, self->run.n_atoms, self->pos, centre_A);
    if (self->drift == IW_DRIFT_FRAMEWORK)
        hold(self, self->pos, held_A);
}

/* Kinetic temperature in the frame of the centre of mass of all atoms, 3N - 3 degrees of freedom.
 */
static double
kinetic_temperature(const iw_trajectory *self, const double *vel)
{
    size_t n = self->run.n_atoms;
    const double *mass = self->run.mass_amu;
    double energy[3] = {0.0, 0.0, 0.0}, momentum[3] = {0.0, 0.0, 0.0};
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < 3; k++) {
            double p = mass[i] * vel[3 * i + k];
            momentum[k] += p;
            energy[k] += p * vel[3 * i + k];
        }
    }
    double sum = 0.0;
    for (size_t k = 0; k < 3; k++)
        sum += energy[k] - momentum[k] * momentum[k] / self->total_mass;
    double freedom = n > 1 ? 3.0 * (double)n - 3.0 : 3.0;
    return fmax(sum, 0.0) * IW_AMU_A2_FS2_K / freedom;
}

static iw_status
take_velocities(iw_trajectory *self, const iw_frame *frame, bool follows, iw_step *out,
                iw_error *err)
{
    size_t n = self->run.n_atoms;
    iw_status status = IW_OK;
    if (self->frames == 0) {
        self->velocities = frame->has_velocities;
        if (!self->velocities)
            status = REPORT(self, no_velocities, frame, err, IW_OK,
                            "the run sends no velocities: they are forward differences of "
                            "unwrapped positions");
    } else if (self->velocities != frame->has_velocities) {
        status = REPORT(self, missing_velocities, frame, err, IW_OK,
                        self->velocities
                            ? "step %lld has no velocities, the first frame had: it is left out "
                              "of the velocity autocorrelation"
                            : "step %lld has velocities, the first frame had none: differences "
                              "of positions are used throughout",
                        (long long)frame->step);
    }
    if (status != IW_OK)
        return status;
    if (self->velocities && frame->has_velocities) {
        out->kinetic_K = kinetic_temperature(self, frame->vel_A_fs);
        status =
            iw_door_push(&self->door, frame, out->kinetic_K, follows ? self->unwrap.step : NULL,
                         iw_cadence_dt_fs(&self->cadence), self->events);
        memcpy(self->vel, frame->vel_A_fs, 3 * n * sizeof(double));
        out->has_velocities = true;
    } else if (!self->velocities && follows) {
        double dt_fs = iw_cadence_dt_fs(&self->cadence);
        for (size_t i = 0; i < 3 * n; i++)
            self->vel[i] = self->unwrap.step[i] / dt_fs;
        out->has_velocities = true;
    }
    if (!self->velocities && status == IW_OK)
        status = iw_door_push_without(&self->door, frame, follows ? self->unwrap.step : NULL,
                                      iw_cadence_dt_fs(&self->cadence), self->events);
    double removed[3];
    if (out->has_velocities && self->drift != IW_DRIFT_NONE)
        hold(self, self->vel, removed);
    return status == IW_OK ? IW_OK : iw_fail(err, status, "no memory for an event");
}

iw_status
iw_trajectory_push(iw_trajectory *self, const iw_frame *frame, iw_step *out, iw_error *err)
{
    *out = (iw_step){.pos_A = self->pos, .vel_A_fs = self->vel, .volume_A3 = NAN, .kinetic_K = NAN};
    size_t n = self->run.n_atoms;
    /* The clock goes first: it must see refused frames too, and a frame of the past needs no door.
     */
    iw_status status = judge_order(self, frame, err);
    if (status == IW_AGAIN)
        return status;
    if (status == IW_OK)
        status = check_frame(self, frame, err);
    if (status != IW_OK) {
        self->broken = true;
        return status;
    }

    const double *cell = frame->has_cell ? frame->cell_A : NULL;
    bool follows = !self->broken;
    if (follows) {
        iw_jump jump;
        iw_unwrap_push(&self->unwrap, frame->pos_A, cell, self->pos, &jump);
        if (jump.fraction > IW_JUMP_FRACTION) {
            const double *d = self->unwrap.step + 3 * jump.atom;
            status = REPORT(self, half_cell_jump, frame, err, IW_OK,
                            "step %lld: atom %zu (%s) moved %.3f of a cell vector (%.3f %.3f %.3f "
                            "A) since the frame before",
                            (long long)frame->step, jump.atom + 1,
                            self->run.species[self->run.kind[jump.atom]], jump.fraction, d[0], d[1],
                            d[2]);
            if (status != IW_OK)
                return status;
        }
        settle(self, out->centre_A);
    } else {
        iw_unwrap_start(&self->unwrap, frame->pos_A, cell);
        memset(self->pos, 0, 3 * n * sizeof(double));
        self->segments++;
        self->broken = false;
    }
    out->new_segment = !follows;
    double inverse[9];
    if (cell)
        (void)iw_cell_invert(cell, inverse, &out->volume_A3); /* checked before */
    if (self->frames == 0)
        memcpy(self->first, frame->pos_A, 3 * n * sizeof(double));
    status = take_velocities(self, frame, follows, out, err);
    if (status != IW_OK)
        return status;
    self->frames++;
    return IW_OK;
}

double
iw_trajectory_dt_fs(const iw_trajectory *self)
{
    return iw_cadence_dt_fs(&self->cadence);
}

uint64_t
iw_trajectory_frames(const iw_trajectory *self)
{
    return self->frames;
}

size_t
iw_trajectory_segments(const iw_trajectory *self)
{
    return self->segments;
}

double
iw_trajectory_time_ps(const iw_trajectory *self)
{
    double intervals = (double)self->frames - (double)self->segments;
    return intervals * iw_trajectory_dt_fs(self) / 1000.0;
}

bool
iw_trajectory_engine_velocities(const iw_trajectory *self)
{
    return self->velocities;
}

/* Positions and velocities of a step are those of the next push. */
void
iw_trajectory_archive(iw_trajectory *self, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_trajectory, 664);
    iw_archive_tag(archive, "trajectory", 1);
    iw_cadence_archive(&self->cadence, archive);
    iw_unwrap_archive(&self->unwrap, archive);
    iw_door_archive(&self->door, archive);
    iw_archive_u64(archive, &self->frames);
    iw_archive_size(archive, &self->segments);
    bool *flags[] = {&self->broken, &self->repeating, &self->velocities, &self->stamps_judged,
                     &self->stamps_agree};
    for (size_t k = 0; k < sizeof flags / sizeof *flags; k++)
        iw_archive_bool(archive, flags[k]);
    if (self->frames > 0)
        iw_archive_doubles(archive, self->first, 3 * self->run.n_atoms);
}
