/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine_skip.c - equilibration: what is watched, what is left out of the averages, and the frames
 * read again when that changes. */
#include "constants.h"
#include "engine_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Atoms of the framework are looked at so far apart: longer than their slow vibrations. */
#define CAGE_LAG_FS 500.0
/* The first judgement, and how far apart they are, in frames. */
enum { FIRST_JUDGEMENT = 500 };
#define JUDGEMENT_GROWTH 0.25
/* Frames are read again only after the run has grown by this, so that all readings together cost
 * less than three of the whole. */
#define REPLAY_GROWTH 0.5
/* Two starts closer than this, or than this share of the run, are one. */
#define SAME_START_PS    0.5
#define SAME_START_SHARE 0.02

static const char *const rule_names[] = {"auto", "none", "fixed"};

iw_status
iw_skip_parse(const char *text, iw_skip_options *options, iw_error *err)
{
    char *end = NULL;
    double ps = strtod(text, &end);
    options->fixed_ps = 0.0;
    options->rule = strcmp(text, "none") == 0 ? IW_SKIP_NONE : IW_SKIP_AUTO;
    if (options->rule == IW_SKIP_NONE || strcmp(text, "auto") == 0)
        return IW_OK;
    if (end == text || *end || !(ps >= 0.0) || !isfinite(ps))
        return iw_fail(err, IW_INVALID, "skip \"%s\": \"auto\", \"none\" or a time in ps is wanted",
                       text);
    options->rule = IW_SKIP_FIXED;
    options->fixed_ps = ps;
    return IW_OK;
}

iw_status
iw_skip_init(iw_engine *engine, iw_error *err)
{
    iw_skip *self = &engine->skip;
    size_t n = engine->run.n_atoms, framework = 0;
    self->next_judgement = FIRST_JUDGEMENT;
    self->signs = iw_equilibration_new(err);
    self->site_A = calloc(3 * n, sizeof(double));
    self->cage = calloc(n, 1);
    if (!self->signs || !self->site_A || !self->cage)
        return iw_fail(err, IW_NO_MEMORY, "no memory for the cages of %zu atoms", n);
    for (size_t i = 0; i < n; i++)
        framework += self->cage[i] = !engine->groups.mobile[engine->run.kind[i]];
    if (framework == 0)
        memset(self->cage, 1, n);
    return IW_OK;
}

void
iw_skip_fini(iw_skip *self)
{
    iw_equilibration_destroy(&self->signs);
    iw_trajectory_destroy(&self->again);
    iw_event_list_fini(&self->unsaid);
    free(self->site_A);
    free(self->cage);
}

size_t
iw_skip_memory(const iw_skip *self, size_t n_atoms)
{
    return iw_equilibration_memory(self->signs) + n_atoms * (3 * sizeof *self->site_A + 1);
}

void
iw_skip_archive(iw_skip *self, size_t n_atoms, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_skip, 192);
    iw_archive_tag(archive, "skip", 1);
    iw_equilibration_archive(self->signs, archive);
    IW_ARCHIVE_ENUM(archive, &self->heat, IW_HEAT_DIFFERENCES, "whose temperature is watched");
    iw_archive_size(archive, &self->since_site);
    if (self->since_site > 0)
        iw_archive_doubles(archive, self->site_A, 3 * n_atoms);
    uint64_t *counts[] = {&self->frames,         &self->taken,       &self->kept,
                          &self->segments,       &self->first_seq,   &self->kinetic_frames,
                          &self->next_judgement, &self->next_replay, &self->found,
                          &self->wanted};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
        iw_archive_u64(archive, counts[k]);
    iw_archive_double(archive, &self->kinetic_K.hi);
    iw_archive_double(archive, &self->kinetic_K.lo);
    iw_archive_bool(archive, &self->judged);
    iw_archive_bool(archive, &self->wants);
}

/* ---- what is watched ---- */

static double
temperature_sign(iw_engine *self, const iw_frame *frame, const iw_step *step)
{
    iw_heat *heat = &self->skip.heat;
    if (*heat == IW_HEAT_UNKNOWN)
        *heat = isfinite(step->kinetic_K)        ? IW_HEAT_KINETIC
                : isfinite(frame->temperature_K) ? IW_HEAT_SENT
                                                 : IW_HEAT_DIFFERENCES;
    if (*heat == IW_HEAT_KINETIC)
        return step->kinetic_K;
    if (*heat == IW_HEAT_SENT)
        return frame->temperature_K;
    if (!step->has_velocities || self->run.n_atoms < 2)
        return NAN;
    double sum = 0.0;
    for (size_t i = 0; i < 3 * self->run.n_atoms; i++)
        sum += self->run.mass_amu[i / 3] * step->vel_A_fs[i] * step->vel_A_fs[i];
    return sum * IW_AMU_A2_FS2_K / (double)(3 * self->run.n_atoms - 3);
}

/* Mean square displacement of the framework over CAGE_LAG_FS, once in so long. */
static double
cage_sign(iw_engine *self, const iw_step *step)
{
    iw_skip *skip = &self->skip;
    double dt_fs = iw_trajectory_dt_fs(self->trajectory);
    size_t n = self->run.n_atoms, atoms = 0;
    double sum = 0.0;
    if (!step->new_segment && skip->since_site > 0) {
        double lag = fmax(1.0, round(CAGE_LAG_FS / dt_fs));
        if (isnan(dt_fs) || (double)skip->since_site < lag) {
            skip->since_site++;
            return NAN;
        }
        for (size_t i = 0; i < n; i++) {
            if (!skip->cage[i])
                continue;
            atoms++;
            for (size_t k = 3 * i; k < 3 * i + 3; k++) {
                double d = step->pos_A[k] - skip->site_A[k];
                sum += d * d;
            }
        }
    }
    memcpy(skip->site_A, step->pos_A, 3 * n * sizeof(double));
    skip->since_site = 1;
    return atoms ? sum / (double)atoms : (double)NAN;
}

/* ---- what is left out ---- */

static bool
is_left_out(iw_engine *self)
{
    iw_skip *skip = &self->skip;
    uint64_t index = skip->taken++;
    if (self->options.skip.rule == IW_SKIP_FIXED && skip->kept == 0) {
        /* Frames whose spacing is not known yet stand at its start. */
        double dt_fs = iw_trajectory_dt_fs(self->trajectory);
        double skip_fs = 1000.0 * self->options.skip.fixed_ps;
        if (skip_fs > 0.0 && (isnan(dt_fs) || (double)index * dt_fs < skip_fs - 1e-6 * dt_fs))
            skip->frames = index + 1;
    }
    return index < skip->frames;
}

static void
add_kinetic(iw_skip *skip, double kinetic_K)
{
    if (!isfinite(kinetic_K))
        return;
    iw_sum_add(&skip->kinetic_K, kinetic_K);
    skip->kinetic_frames++;
}

static iw_status
average(iw_engine *self, const iw_frame *frame, const iw_step *step, iw_error *err)
{
    iw_skip *skip = &self->skip;
    if (is_left_out(self))
        return IW_OK;
    iw_step first = *step;
    if (skip->kept++ == 0 && skip->frames > 0) {
        first.new_segment = true;
        /* A difference would be the velocity of a frame that was left out. */
        first.has_velocities =
            step->has_velocities && iw_trajectory_engine_velocities(self->trajectory);
        skip->first_seq = frame->seq;
    }
    skip->segments += first.new_segment;
    add_kinetic(skip, step->kinetic_K);
    return iw_engine_feed(self, &first, err);
}

iw_status
iw_engine_take(iw_engine *self, const iw_frame *frame, const iw_step *step, iw_error *err)
{
    const double values[IW_SIGNS] = {[IW_SIGN_TEMPERATURE] = temperature_sign(self, frame, step),
                                     [IW_SIGN_ENERGY] = frame->potential_energy_eV,
                                     [IW_SIGN_VOLUME] = step->volume_A3,
                                     [IW_SIGN_CAGE] = cage_sign(self, step)};
    iw_equilibration_push(self->skip.signs, values);
    return average(self, frame, step, err);
}

double
iw_engine_averaged_ps(const iw_engine *self)
{
    double intervals = (double)self->skip.kept - (double)self->skip.segments;
    return intervals * iw_trajectory_dt_fs(self->trajectory) / 1000.0;
}

static uint64_t
left_out(const iw_skip *skip)
{
    return skip->frames < skip->taken ? skip->frames : skip->taken;
}

double
iw_engine_skipped_ps(const iw_engine *self)
{
    uint64_t frames = left_out(&self->skip);
    return frames ? (double)frames * iw_trajectory_dt_fs(self->trajectory) / 1000.0 : 0.0;
}

double
iw_engine_measured_K(const iw_engine *self)
{
    const iw_skip *skip = &self->skip;
    return skip->kinetic_frames ? iw_sum_value(&skip->kinetic_K) / (double)skip->kinetic_frames
                                : (double)NAN;
}

/* ---- when that changes ---- */

static void
want(iw_engine *self, uint64_t frames)
{
    self->skip.wants = true;
    self->skip.wanted = frames;
}

void
iw_engine_read_again(iw_engine *self)
{
    want(self, self->skip.frames);
}

static double
frames_apart(uint64_t a, uint64_t b)
{
    return fabs((double)a - (double)b);
}

/* Two starts, counted in frames, that are no farther apart than this are one. */
static double
same_start(const iw_engine *self)
{
    return fmax(SAME_START_PS * 1000.0 / iw_trajectory_dt_fs(self->trajectory),
                SAME_START_SHARE * (double)iw_trajectory_frames(self->trajectory));
}

const char *
iw_engine_unequilibrated(const iw_engine *self)
{
    iw_equilibration_verdict now;
    iw_equilibration_judge(self->skip.signs, &now);
    for (int s = 0; s < IW_SIGNS; s++)
        if (now.sign[s].drifting)
            return iw_sign_name((iw_sign)s);
    if (self->options.skip.rule == IW_SKIP_AUTO && self->options.skip.replay == IW_REPLAY_LIVE &&
        now.frames > self->skip.frames &&
        frames_apart(now.frames, self->skip.frames) > same_start(self))
        return "a start that has not settled is not left out yet";
    return NULL;
}

void
iw_engine_judge_start(iw_engine *self)
{
    iw_skip *skip = &self->skip;
    uint64_t frames = iw_trajectory_frames(self->trajectory);
    if (self->options.skip.rule != IW_SKIP_AUTO || self->options.skip.replay != IW_REPLAY_LIVE ||
        frames < skip->next_judgement)
        return;
    skip->next_judgement = frames + (uint64_t)(JUDGEMENT_GROWTH * (double)frames);
    iw_equilibration_verdict now;
    iw_equilibration_judge(skip->signs, &now);
    double same = same_start(self);
    bool steady = now.judged && skip->judged && frames_apart(now.frames, skip->found) <= same;
    skip->judged = now.judged;
    skip->found = now.frames;
    if (steady && frames >= skip->next_replay && frames_apart(now.frames, skip->frames) > same) {
        skip->next_replay = frames + (uint64_t)(REPLAY_GROWTH * (double)frames);
        want(self, now.frames);
    }
}

void
iw_engine_conclude(iw_engine *self)
{
    if (self->options.skip.rule != IW_SKIP_AUTO || self->options.skip.replay == IW_REPLAY_NEVER)
        return;
    iw_equilibration_verdict all;
    iw_equilibration_judge(self->skip.signs, &all);
    if (all.frames != self->skip.frames)
        want(self, all.frames);
}

bool
iw_engine_wants_replay(const iw_engine *self)
{
    return self->skip.wants;
}

static iw_status
begin_again(iw_engine *self, iw_error *err)
{
    iw_skip *skip = &self->skip;
    skip->again = iw_engine_new_trajectory(self, &skip->unsaid, err);
    if (!skip->again)
        return err->code;
    iw_engine_discard(self);
    /* Checks of before were of other averages. */
    if (skip->frames != skip->wanted)
        self->convergence.held[IW_RULE_PRECISION] = self->convergence.held[IW_RULE_FUTILITY] = 0;
    self->last_checked = 0;
    iw_history_restart(&self->history);
    skip->frames = skip->wanted;
    skip->taken = skip->kept = skip->segments = skip->first_seq = skip->kinetic_frames = 0;
    skip->kinetic_K = (iw_sum){0};
    return IW_OK;
}

iw_status
iw_engine_replay_push(iw_engine *self, const iw_frame *frame, iw_error *err)
{
    iw_error own;
    if (!err)
        err = &own;
    iw_skip *skip = &self->skip;
    iw_step step;
    iw_status status = skip->again ? IW_OK : begin_again(self, err);
    if (status != IW_OK)
        return status;
    status = iw_trajectory_push(skip->again, frame, &step, err);
    if (status == IW_OK)
        status = average(self, frame, &step, err);
    if (status == IW_OK)
        status = iw_engine_check_again(self, err);
    if (status == IW_NO_MEMORY)
        return status;
    if (iw_trajectory_frames(skip->again) == iw_trajectory_frames(self->trajectory)) {
        iw_trajectory_destroy(&skip->again);
        iw_event_list_fini(&skip->unsaid);
        skip->wants = false;
    }
    return IW_OK;
}

iw_status
iw_engine_replay(iw_engine *self, const iw_source *source, iw_error *err)
{
    iw_error own;
    if (!err)
        err = &own;
    iw_frame frame = {0};
    iw_status status = iw_frame_init(&frame, self->run.n_atoms, err);
    if (status == IW_OK)
        status = source->rewind(source->self, err);
    while (status == IW_OK && self->skip.wants) {
        status = source->next(source->self, &frame, err);
        if (status == IW_OK)
            status = iw_engine_replay_push(self, &frame, err);
        else if (status == IW_END)
            status = iw_fail(
                err, IW_CORRUPT, "read again, the input ends after %llu of its %llu frames",
                (unsigned long long)self->skip.taken, (unsigned long long)iw_engine_frames(self));
    }
    iw_frame_fini(&frame);
    return status;
}

/* ---- what is said of it ---- */

/* "temperature, volume": the signs that were judged. */
static void
list_signs(const iw_equilibration_verdict *v, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int s = 0; s < IW_SIGNS && used < size; s++)
        if (v->sign[s].judged)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
                                     iw_sign_name((iw_sign)s));
}

/* How a sign changed, with the numbers. */
static void
describe_change(iw_sign sign, const iw_sign_verdict *v, const char *until, char *text, size_t size)
{
    char apart[60] = "";
    if (isfinite(v->deviations) && v->deviations > 0.0)
        (void)snprintf(apart, sizeof apart, ", %.3g standard errors apart", v->deviations);
    (void)snprintf(text, size, "%s: mean %.6g %s %s, %.6g %s after%s", iw_sign_name(sign),
                   v->before, iw_sign_unit(sign), until, v->after, iw_sign_unit(sign), apart);
}

static void
explain(const iw_engine *self, const iw_equilibration_verdict *v, double detected_ps, char *text,
        size_t size)
{
    const char *what = "";
    char change[160], until[40];
    if (!v->judged) {
        (void)snprintf(text, size, "too few frames to judge: 100 at least are needed");
        return;
    }
    if (v->frames == 0) {
        list_signs(v, change, sizeof change);
        (void)snprintf(text, size, "settled from the start by %s", change);
    } else {
        (void)snprintf(until, sizeof until, "in the first %.4g ps", detected_ps);
        describe_change(v->by, &v->sign[v->by], until, change, sizeof change);
        if (self->options.skip.rule == IW_SKIP_AUTO) {
            if (self->options.skip.replay == IW_REPLAY_NEVER)
                what = "; not left out: the input cannot be read again";
            else if (self->skip.frames == 0)
                what = "; left out once two judgements agree";
        }
        (void)snprintf(text, size, "%s%s", change, what);
    }
    for (int s = 0; s < IW_SIGNS; s++) {
        size_t used = strlen(text);
        if (v->sign[s].drifting)
            (void)snprintf(text + used, size - used, "; %s has not settled",
                           iw_sign_name((iw_sign)s));
    }
}

void
iw_engine_fill_equilibration(const iw_engine *self, iw_snapshot *out)
{
    const iw_skip *skip = &self->skip;
    iw_equilibration_snapshot *e = &out->equilibration;
    iw_equilibration_judge(skip->signs, &e->verdict);
    const iw_equilibration_verdict *v = &e->verdict;
    double dt_ps = iw_trajectory_dt_fs(self->trajectory) / 1000.0;
    (void)snprintf(e->rule, sizeof e->rule, "%s", rule_names[self->options.skip.rule]);
    e->skipped_frames = left_out(skip);
    e->skipped_ps = iw_engine_skipped_ps(self);
    e->averaged_ps = iw_engine_averaged_ps(self);
    e->detected_ps = v->judged ? (double)v->frames * dt_ps : (double)NAN;
    (void)snprintf(e->by, sizeof e->by, "%s", v->frames ? iw_sign_name(v->by) : "");
    explain(self, v, e->detected_ps, e->reason, sizeof e->reason);
}

iw_status
iw_engine_note_equilibration(const iw_engine *self, const iw_snapshot *out, iw_event_list *events)
{
    const iw_equilibration_snapshot *e = &out->equilibration;
    iw_status status = IW_OK;
    if (e->skipped_frames > 0)
        status = iw_event_add(events, IW_EVENT_equilibration, true, self->last_seq, self->last_step,
                              "the first %llu frames (%.5g ps) are left out of the averages%s%s",
                              (unsigned long long)e->skipped_frames, e->skipped_ps,
                              e->verdict.frames ? ": " : "", e->verdict.frames ? e->reason : "");
    for (int s = 0; s < IW_SIGNS && status == IW_OK; s++) {
        const iw_sign_verdict *v = &e->verdict.sign[s];
        char change[160];
        if (!v->drifting)
            continue;
        describe_change((iw_sign)s, v, "in the first half", change, sizeof change);
        status = iw_event_add(events, IW_EVENT_not_equilibrated, true, self->last_seq,
                              self->last_step, "not settled, it still changes: %s", change);
    }
    return status;
}

/* ---- the frames that count, of another reading ---- */

/* Is it one of those that a restart repeats?  They belong to the frames that were left out, or are
 * in the averages already. */
static iw_status
judge_kept(iw_kept_frames *self, iw_frame *frame, bool *kept, iw_error *err)
{
    iw_step step;
    iw_error why;
    if (!self->judge)
        self->judge = iw_engine_new_trajectory(self->engine, &self->unsaid, err);
    if (!self->judge)
        return err->code;
    iw_status status = iw_trajectory_push(self->judge, frame, &step, &why);
    *kept = status != IW_AGAIN && frame->seq >= self->engine->skip.first_seq;
    self->repeated += status == IW_AGAIN;
    frame->seq -= self->repeated; /* what is passed over is no gap */
    return status == IW_NO_MEMORY ? iw_fail(err, status, "%s", why.text) : IW_OK;
}

static iw_status
kept_next(void *state, iw_frame *frame, iw_error *err)
{
    iw_kept_frames *self = state;
    iw_status status;
    bool kept = true;
    do {
        status = self->from->next(self->from->self, frame, err);
        if (status == IW_OK && self->engine->skip.first_seq > 0)
            status = judge_kept(self, frame, &kept, err);
    } while (status == IW_OK && !kept);
    return status;
}

static iw_status
kept_rewind(void *state, iw_error *err)
{
    iw_kept_frames *self = state;
    iw_kept_frames_fini(self);
    return self->from->rewind(self->from->self, err);
}

iw_source
iw_engine_kept_frames(const iw_engine *self, const iw_source *source, iw_kept_frames *state)
{
    *state = (iw_kept_frames){.engine = self, .from = source};
    return (iw_source){.self = state, .run = source->run, .next = kept_next, .rewind = kept_rewind};
}

void
iw_kept_frames_fini(iw_kept_frames *state)
{
    iw_trajectory_destroy(&state->judge);
    iw_event_list_fini(&state->unsaid);
    state->repeated = 0;
}
