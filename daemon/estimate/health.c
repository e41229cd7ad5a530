/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/health.h"

#include "constants.h"
#include "correlate/sum.h"
#include "estimate/melting.h"
#include "estimate/trend.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nothing slow is judged in the first part of a run: it settles. */
#define SETTLE_PS 1.0

/* Temperature: means of blocks; the last RECENT of them are judged against the target, else against
 * the median of the first EARLY after settling. */
#define BLOCK_FS 100.0
enum { RECENT = 5, EARLY = 20 };
#define HOT_WARNING     1.5  /* or below one in so many */
#define HOT_BROKEN      3.0  /* above alone: what is too cold may still warm up */
#define HOT_AT_ONCE     10.0 /* of one block, and from the start */
#define HOT_SIGMA       4.0  /* of one frame's temperature, 3N - 3 degrees of freedom */
#define HOT_FRAME_SIGMA 10.0 /* where one frame is judged by itself: to warn, at HOT_BROKEN */

/* Total energy.  A heat bath makes it wander by k T sqrt(3/N) per atom, slowly where the bath is
 * weakly coupled: a drift is more than that, and more than its own error. */
#define DRIFT_WARNING_MEV 1.0    /* per atom and ps */
#define DRIFT_SIGMA       5.0    /* of both errors */
#define DRIFT_SPAN_PS     2.0    /* at least */
#define DRIFT_BROKEN_MEV  1000.0 /* per atom over what is judged: bonds are no stronger */

/* Volume against the mean of the first FIRST_CELLS frames, so many frames in a row. */
enum { FIRST_CELLS = 10, CELLS_IN_A_ROW = 10 };
#define VOLUME_WARNING 1.5
#define VOLUME_BROKEN  2.0

/* Framework and centre of mass: windows of WINDOW_FS, at least so many frames. */
#define WINDOW_FS 500.0
enum { WINDOW_FRAMES = 5 };
#define LINDEMANN_WARNING 0.15

#define CENTRE_A     1.0
#define CENTRE_SIGMA 3.0 /* thermal speeds of the whole */

enum { REFUSED_IN_A_ROW = 3, JUMPS = 3 };

static const char NOTHING[] = "nothing wrong was seen";

typedef enum { HEAT, ENERGY, VOLUME, FRAMEWORK, CENTRE, REFUSED, OTHER, FINDINGS } subject;

typedef struct {
    iw_health_state level; /* now; broken stays, but for refused frames */
    char text[IW_HEALTH_REASON];
} finding;

typedef struct {
    double sum; /* of the open block */
    size_t n;   /* its frames */
    double ring[RECENT];
    double early[EARLY];
    size_t blocks, n_early;
    iw_sum all; /* of all frames, */
    uint64_t frames;
} heat_state;

struct iw_health_monitor {
    size_t n_atoms;
    double total_mass;
    double target_K;       /* NAN: none */
    double wanted_K;       /* it, else that of the early run; NAN until known */
    iw_event_list *events; /* borrowed */
    iw_health now;
    finding findings[FINDINGS];
    size_t block, window; /* frames; 0 until the spacing is known */
    double dt_ps;         /* likewise */
    uint64_t timed;       /* frames since then */
    heat_state heat;
    iw_trend energy;
    double first_A3;           /* mean volume of the first frames */
    size_t cells, large, huge; /* frames in it; beyond the limits in a row */
    iw_melting melting;
    unsigned melted;                            /* windows in a row that looked like a melt */
    double centre_A[IW_MELTING_WINDOWS + 1][3]; /* at the ends of windows, a ring */
    size_t windows;                             /* of this segment */
    size_t in_window;                           /* frames */
    unsigned refused_in_a_row;
};

const char *
iw_health_state_name(iw_health_state state)
{
    static const char *const names[] = {"good", "warning", "broken"};
    return names[state];
}

void
iw_health_init(iw_health *self)
{
    *self = (iw_health){.temperature_mean_K = NAN,
                        .temperature_recent_K = NAN,
                        .energy_drift_meV_atom_ps = NAN,
                        .energy_drift_stderr_meV_atom_ps = NAN,
                        .volume_ratio = NAN,
                        .lindemann = NAN,
                        .framework_msd_A2 = NAN,
                        .neighbour_A = NAN,
                        .com_drift_A_ps = NAN};
    memcpy(self->reason, NOTHING, sizeof NOTHING);
}

iw_health_monitor *
iw_health_new(const iw_health_options *options, iw_event_list *events, iw_error *err)
{
    iw_health_monitor *self = calloc(1, sizeof *self);
    if (!self) {
        (void)iw_fail(err, IW_NO_MEMORY, "no memory to watch a run's health");
        return NULL;
    }
    self->n_atoms = options->n_atoms;
    self->wanted_K = self->target_K = options->target_K > 0.0 ? options->target_K : NAN;
    self->events = events;
    for (size_t i = 0; i < options->n_atoms; i++)
        self->total_mass += options->mass_amu[i];
    iw_health_init(&self->now);
    if (iw_melting_init(&self->melting, options->n_atoms, options->mass_amu, options->kind,
                        options->framework, err) != IW_OK)
        iw_health_destroy(&self);
    return self;
}

void
iw_health_destroy(iw_health_monitor **self)
{
    if (!self || !*self)
        return;
    iw_melting_fini(&(*self)->melting);
    free(*self);
    *self = NULL;
}

const iw_health *
iw_health_now(const iw_health_monitor *self)
{
    return &self->now;
}

size_t
iw_health_memory(const iw_health_monitor *self)
{
    return sizeof *self + self->melting.n * (3 * (3 + IW_MELTING_WINDOWS) + 3) * sizeof(double);
}

/* When a finding is made. */
typedef struct {
    uint64_t seq;
    int64_t step;
} moment;

static void
sum_up(iw_health_monitor *self)
{
    const finding *gravest = NULL;
    for (size_t f = 0; f < FINDINGS; f++) {
        if (self->findings[f].level > (gravest ? gravest->level : IW_HEALTH_GOOD))
            gravest = &self->findings[f];
    }
    self->now.state = gravest ? gravest->level : IW_HEALTH_GOOD;
    (void)snprintf(self->now.reason, sizeof self->now.reason, "%s",
                   gravest ? gravest->text : NOTHING);
}

/* What a subject looks like now.  Its event is added when it becomes worse. */
static iw_status __attribute__((format(printf, 6, 7)))
judge(iw_health_monitor *self, subject what, iw_health_state level, iw_event_kind kind,
      const moment *when, const char *format, ...)
{
    finding *f = &self->findings[what];
    iw_health_state before = f->level;
    if (before == IW_HEALTH_BROKEN && what != REFUSED)
        return IW_OK;
    f->level = level;
    if (level == before && level == IW_HEALTH_GOOD)
        return IW_OK;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
    sum_up(self);
    if (level <= before || kind == IW_EVENT_COUNT)
        return IW_OK;
    /* Warnings that come and go are counted; what breaks a run has words of its own. */
    return iw_event_add(self->events, kind, level == IW_HEALTH_WARNING, when->seq, when->step, "%s",
                        f->text);
}

static double
median_of_early(const heat_state *heat)
{
    double sorted[EARLY]; /* by insertion: there are few */
    memcpy(sorted, heat->early, sizeof sorted);
    for (size_t i = 1; i < EARLY; i++) {
        double one = sorted[i];
        size_t k = i;
        for (; k > 0 && sorted[k - 1] > one; k--)
            sorted[k] = sorted[k - 1];
        sorted[k] = one;
    }
    return 0.5 * (sorted[EARLY / 2 - 1] + sorted[EARLY / 2]);
}

static double
elapsed_ps(const iw_health_monitor *self)
{
    return (double)self->timed * self->dt_ps;
}

/* Is the temperature off by this factor either way, and by more than chance? */
static bool
is_off(const iw_health_monitor *self, double T_K, double wanted_K, double factor, double sigmas)
{
    double freedom = self->n_atoms > 1 ? 3.0 * (double)self->n_atoms - 3.0 : 3.0;
    double sigma_K = wanted_K * sqrt(2.0 / freedom);
    if (isnan(self->target_K)) /* the early run was as uncertain */
        sigma_K *= sqrt(2.0);
    return (T_K > factor * wanted_K || T_K < wanted_K / factor) &&
           fabs(T_K - wanted_K) > sigmas * sigma_K;
}

static iw_status
say_heat(iw_health_monitor *self, iw_health_state level, double T_K, size_t blocks,
         const moment *when)
{
    double wanted_K = self->wanted_K, span_ps = (double)(blocks * self->block) * self->dt_ps;
    return judge(self, HEAT, level, IW_EVENT_temperature_runaway, when,
                 "temperature %.5g K over the last %.3g ps, %.3g times the %s of %.5g K", T_K,
                 blocks > 0 ? span_ps : self->dt_ps, T_K / wanted_K,
                 isfinite(self->target_K) ? "target" : "median of the early run", wanted_K);
}

static iw_status
judge_heat(iw_health_monitor *self, double block_K, const moment *when)
{
    heat_state *heat = &self->heat;
    bool settled = elapsed_ps(self) > SETTLE_PS;
    heat->ring[heat->blocks++ % RECENT] = block_K;
    if (settled && heat->n_early < EARLY) {
        heat->early[heat->n_early++] = block_K;
        if (heat->n_early == EARLY && isnan(self->wanted_K))
            self->wanted_K = median_of_early(heat);
    }
    size_t n = heat->blocks < RECENT ? heat->blocks : RECENT;
    double recent_K = 0.0;
    for (size_t k = 0; k < n; k++)
        recent_K += heat->ring[k] / (double)n;
    self->now.temperature_recent_K = recent_K;
    double wanted_K = self->wanted_K;
    if (isnan(wanted_K))
        return IW_OK;
    bool at_once = block_K > wanted_K && is_off(self, block_K, wanted_K, HOT_AT_ONCE, HOT_SIGMA);
    bool judged = n == RECENT && elapsed_ps(self) > SETTLE_PS + RECENT * BLOCK_FS / 1000.0;
    iw_health_state level = IW_HEALTH_GOOD;
    bool hot = recent_K > wanted_K;
    if (at_once || (judged && hot && is_off(self, recent_K, wanted_K, HOT_BROKEN, HOT_SIGMA)))
        level = IW_HEALTH_BROKEN;
    else if (judged && is_off(self, recent_K, wanted_K, HOT_WARNING, HOT_SIGMA))
        level = IW_HEALTH_WARNING;
    return say_heat(self, level, at_once ? block_K : recent_K, at_once ? 1 : n, when);
}

static iw_status
push_heat(iw_health_monitor *self, double kinetic_K, const moment *when)
{
    heat_state *heat = &self->heat;
    if (!isfinite(kinetic_K))
        return IW_OK;
    iw_sum_add(&heat->all, kinetic_K);
    self->now.temperature_mean_K = iw_sum_value(&heat->all) / (double)++heat->frames;
    heat->sum += kinetic_K;
    if (++heat->n < self->block) {
        double wanted_K = self->wanted_K;
        bool hot =
            kinetic_K > wanted_K && is_off(self, kinetic_K, wanted_K, HOT_BROKEN, HOT_FRAME_SIGMA);
        return hot && self->findings[HEAT].level == IW_HEALTH_GOOD
                   ? say_heat(self, IW_HEALTH_WARNING, kinetic_K, 0, when)
                   : IW_OK;
    }
    double block_K = heat->sum / (double)heat->n;
    heat->sum = 0.0;
    heat->n = 0;
    return judge_heat(self, block_K, when);
}

static iw_status
push_energy(iw_health_monitor *self, double energy_eV, const moment *when)
{
    if (!isfinite(energy_eV))
        return IW_OK;
    double ps = elapsed_ps(self);
    iw_trend_push(&self->energy, ps, 1000.0 * energy_eV / (double)self->n_atoms);
    if (self->energy.held > 0) /* no block was completed */
        return IW_OK;
    iw_trend_line line;
    iw_trend_fit(&self->energy, fmax(SETTLE_PS, 0.5 * ps), &line);
    self->now.energy_drift_meV_atom_ps = line.slope;
    self->now.energy_drift_stderr_meV_atom_ps = line.standard_error;
    iw_health_state level = IW_HEALTH_GOOD;
    double slope = fabs(line.slope), change = slope * line.span;
    double T_K = isfinite(self->wanted_K) ? self->wanted_K : self->now.temperature_mean_K;
    double wander = IW_BOLTZMANN_MEV_K * T_K * sqrt(3.0 / (double)self->n_atoms);
    if (line.span >= DRIFT_SPAN_PS && slope > DRIFT_WARNING_MEV &&
        slope > DRIFT_SIGMA * line.standard_error && change > DRIFT_SIGMA * wander)
        level = change > DRIFT_BROKEN_MEV ? IW_HEALTH_BROKEN : IW_HEALTH_WARNING;
    return judge(self, ENERGY, level, IW_EVENT_energy_drift, when,
                 "total energy drifts by %.3g +- %.2g meV per atom and ps, %.3g meV per atom over "
                 "the last %.3g ps",
                 line.slope, line.standard_error, line.slope * line.span, line.span);
}

static iw_status
push_volume(iw_health_monitor *self, double volume_A3, const moment *when)
{
    if (!(volume_A3 > 0.0))
        return IW_OK;
    if (self->cells < FIRST_CELLS)
        self->first_A3 += (volume_A3 - self->first_A3) / (double)++self->cells;
    double ratio = volume_A3 / self->first_A3;
    double change = fmax(ratio, 1.0 / ratio);
    self->now.volume_ratio = ratio;
    self->large = change > VOLUME_WARNING ? self->large + 1 : 0;
    self->huge = change > VOLUME_BROKEN ? self->huge + 1 : 0;
    iw_health_state level = self->huge >= CELLS_IN_A_ROW    ? IW_HEALTH_BROKEN
                            : self->large >= CELLS_IN_A_ROW ? IW_HEALTH_WARNING
                                                            : IW_HEALTH_GOOD;
    return judge(self, VOLUME, level, IW_EVENT_exploding_cell, when,
                 "the cell has %.4g A3, %.3g times the %.4g A3 of the first frames", volume_A3,
                 ratio, self->first_A3);
}

static iw_status
judge_framework(iw_health_monitor *self, const moment *when)
{
    iw_melting_view view;
    if (!iw_melting_close(&self->melting, &view))
        return IW_OK;
    double window_ps = (double)self->window * self->dt_ps;
    self->now.lindemann = view.ratio;
    self->now.framework_msd_A2 = view.displaced_A2;
    bool moves = view.ratio > LINDEMANN_WARNING && view.grows;
    self->melted = moves && view.all_grow ? self->melted + 1 : 0;
    if (self->melted >= 2)
        return judge(self, FRAMEWORK, IW_HEALTH_BROKEN, IW_EVENT_framework_melting, when,
                     "the framework melted: %.3g A from where it was, Lindemann ratio %.2f, "
                     "D (%.2g +- %.1g)e-5 cm2/s of every species beyond its error",
                     sqrt(view.displaced_A2), view.ratio, 10.0 * view.D_A2_window / window_ps,
                     10.0 * view.D_error_A2_window / window_ps);
    return judge(
        self, FRAMEWORK, moves ? IW_HEALTH_WARNING : IW_HEALTH_GOOD, IW_EVENT_framework_melting,
        when,
        "the framework moves: Lindemann ratio %.2f over %.3g ps (neighbours at %.3g A), "
        "MSD %.2g, %.2g and %.2g A2 after %.3g, %.3g and %.3g ps; species that ought to move "
        "are named with mobile",
        view.ratio, (double)view.windows * window_ps, self->melting.neighbour_A, view.lag_A2[0],
        view.lag_A2[1], view.lag_A2[2], window_ps, 2.0 * window_ps, IW_MELTING_LAG * window_ps);
}

static iw_status
judge_centre(iw_health_monitor *self, const double centre_A[3], const moment *when)
{
    const size_t ring = IW_MELTING_WINDOWS + 1;
    size_t now = ++self->windows;
    size_t lag = now < IW_MELTING_WINDOWS ? now : IW_MELTING_WINDOWS;
    memcpy(self->centre_A[now % ring], centre_A, 3 * sizeof *centre_A);
    const double *before_A = self->centre_A[(now - lag) % ring];
    double square = 0.0;
    for (size_t k = 0; k < 3; k++)
        square += (centre_A[k] - before_A[k]) * (centre_A[k] - before_A[k]);
    double span_ps = (double)(lag * self->window) * self->dt_ps, far_A = sqrt(square);
    self->now.com_drift_A_ps = far_A / span_ps;
    double T_K = isfinite(self->target_K) ? self->target_K : self->now.temperature_mean_K;
    double thermal_A_ps = 1000.0 * sqrt(3.0 * T_K / (IW_AMU_A2_FS2_K * self->total_mass));
    bool drifts =
        lag >= 2 && far_A > CENTRE_A && self->now.com_drift_A_ps > CENTRE_SIGMA * thermal_A_ps;
    return judge(self, CENTRE, drifts ? IW_HEALTH_WARNING : IW_HEALTH_GOOD,
                 IW_EVENT_centre_of_mass_drift, when,
                 "the centre of mass moved by %.3g A in %.3g ps: %.3g A/ps, %.3g times its thermal "
                 "speed",
                 far_A, span_ps, self->now.com_drift_A_ps, self->now.com_drift_A_ps / thermal_A_ps);
}

/* What the trajectory noticed. */
static iw_status
judge_events(iw_health_monitor *self, const moment *when)
{
    const iw_event *worst = NULL;
    if (self->findings[OTHER].level > IW_HEALTH_GOOD)
        return IW_OK;
    for (size_t i = 0; i < self->events->n && !worst; i++) {
        const iw_event *event = &self->events->items[i];
        bool matters =
            event->kind == IW_EVENT_uneven_step || event->kind == IW_EVENT_velocity_mismatch ||
            event->kind == IW_EVENT_temperature_mismatch || event->kind == IW_EVENT_time_mismatch ||
            event->kind == IW_EVENT_length_mismatch ||
            (event->kind == IW_EVENT_half_cell_jump && event->count >= JUMPS);
        if (matters)
            worst = event;
    }
    if (!worst)
        return IW_OK;
    return judge(self, OTHER, IW_HEALTH_WARNING, IW_EVENT_COUNT, when, "%s: %s",
                 iw_event_id(worst->kind), worst->text);
}

static void
learn_spacing(iw_health_monitor *self, double dt_fs)
{
    self->dt_ps = dt_fs / 1000.0;
    self->block = (size_t)fmax(1.0, round(BLOCK_FS / dt_fs));
    self->window = (size_t)fmax(WINDOW_FRAMES, round(WINDOW_FS / dt_fs));
}

static iw_status
push_positions(iw_health_monitor *self, const iw_health_frame *frame, const moment *when)
{
    if (frame->new_segment) {
        iw_melting_restart(&self->melting);
        self->windows = self->in_window = 0;
        self->melted = 0;
        memcpy(self->centre_A[0], frame->centre_A, sizeof self->centre_A[0]);
    }
    iw_melting_push(&self->melting, frame->pos_A);
    if (++self->in_window < self->window)
        return IW_OK;
    self->in_window = 0;
    iw_status status = judge_framework(self, when);
    return status == IW_OK ? judge_centre(self, frame->centre_A, when) : status;
}

iw_status
iw_health_push(iw_health_monitor *self, const iw_health_frame *frame, iw_error *err)
{
    const moment when = {frame->seq, frame->step};
    if (isnan(self->melting.neighbour_A) && self->melting.n > 0)
        iw_melting_measure(&self->melting, frame->raw_A, frame->cell_A);
    self->now.neighbour_A = self->melting.neighbour_A;
    iw_status status = push_volume(self, frame->volume_A3, &when);
    self->refused_in_a_row = 0;
    if (status == IW_OK && self->now.refused_frames > 0)
        status = judge(self, REFUSED, IW_HEALTH_WARNING, IW_EVENT_COUNT, &when,
                       "%llu frames were refused", (unsigned long long)self->now.refused_frames);
    if (self->block == 0 && isfinite(frame->dt_fs))
        learn_spacing(self, frame->dt_fs);
    if (self->block > 0) {
        self->timed++;
        if (status == IW_OK)
            status = push_heat(self, frame->kinetic_K, &when);
        if (status == IW_OK)
            status = push_energy(self, frame->energy_eV, &when);
        if (status == IW_OK)
            status = push_positions(self, frame, &when);
    }
    if (status == IW_OK)
        status = judge_events(self, &when);
    return status == IW_OK ? IW_OK : iw_fail(err, status, "no memory for an event");
}

iw_status
iw_health_refuse(iw_health_monitor *self, uint64_t seq, int64_t step, const char *why,
                 iw_error *err)
{
    const moment when = {seq, step};
    self->now.refused_frames++;
    self->refused_in_a_row++;
    iw_health_state level =
        self->refused_in_a_row >= REFUSED_IN_A_ROW ? IW_HEALTH_BROKEN : IW_HEALTH_WARNING;
    iw_status status =
        judge(self, REFUSED, level, IW_EVENT_COUNT, &when,
              "%u frames in a row could not be used: %.140s", self->refused_in_a_row, why);
    return status == IW_OK ? IW_OK : iw_fail(err, status, "no memory for an event");
}

/* ---- checkpoints ---- */

static void
archive_known(iw_health *now, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_health, 368);
    IW_ARCHIVE_ENUM(archive, &now->state, IW_HEALTH_BROKEN, "health");
    iw_archive_text(archive, now->reason, sizeof now->reason);
    double *numbers[] = {&now->temperature_mean_K,
                         &now->temperature_recent_K,
                         &now->energy_drift_meV_atom_ps,
                         &now->energy_drift_stderr_meV_atom_ps,
                         &now->volume_ratio,
                         &now->lindemann,
                         &now->framework_msd_A2,
                         &now->neighbour_A,
                         &now->com_drift_A_ps};
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
        iw_archive_double(archive, numbers[k]);
    iw_archive_u64(archive, &now->refused_frames);
}

static void
archive_heat(heat_state *heat, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(heat_state, 256);
    iw_archive_double(archive, &heat->sum);
    iw_archive_size(archive, &heat->n);
    iw_archive_doubles(archive, heat->ring, RECENT);
    iw_archive_doubles(archive, heat->early, EARLY);
    iw_archive_size(archive, &heat->blocks);
    iw_archive_limited(archive, &heat->n_early, EARLY, "early temperatures");
    iw_archive_double(archive, &heat->all.hi);
    iw_archive_double(archive, &heat->all.lo);
    iw_archive_u64(archive, &heat->frames);
}

void
iw_health_archive(iw_health_monitor *self, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_health_monitor, 4240);
    iw_archive_tag(archive, "health", 1);
    iw_archive_double(archive, &self->wanted_K);
    archive_known(&self->now, archive);
    for (size_t f = 0; f < FINDINGS; f++) {
        IW_ARCHIVE_ENUM(archive, &self->findings[f].level, IW_HEALTH_BROKEN, "a finding");
        iw_archive_text(archive, self->findings[f].text, sizeof self->findings[f].text);
    }
    size_t *counts[] = {&self->block, &self->window,  &self->cells,    &self->large,
                        &self->huge,  &self->windows, &self->in_window};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
        iw_archive_size(archive, counts[k]);
    iw_archive_double(archive, &self->dt_ps);
    iw_archive_u64(archive, &self->timed);
    archive_heat(&self->heat, archive);
    iw_trend_archive(&self->energy, archive);
    iw_archive_double(archive, &self->first_A3);
    iw_melting_archive(&self->melting, archive);
    iw_archive_u32(archive, &self->melted);
    iw_archive_u32(archive, &self->refused_in_a_row);
    iw_archive_doubles(archive, self->centre_A[0], 3 * (IW_MELTING_WINDOWS + 1));
}
