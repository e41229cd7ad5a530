/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_TEST_STORY_H
#define IW_TEST_STORY_H
/*
 * story.h - whole runs as they may come, frame by frame: gaps, restarts, frames that are refused,
 * starts that have not settled, runs that a rule stops.  Frames are those of model.h, told anew.
 */
#include "model.h"
#include "trajectory/door.h"

typedef struct {
    const char *name;
    iw_run_info run;
    iw_engine_options options;
    size_t n;
    iw_frame *frames;
    size_t paper_at; /* frames after which method paper is computed; 0: never */
} story;

static inline void
story_init(story *s, const char *name, size_t n, model_cell cell, bool wrapped, bool velocities)
{
    model m;
    iw_error err;
    model_init(&m, n, cell, wrapped, velocities, 11);
    *s = (story){.name = name, .run = m.run, .n = n, .frames = calloc(n, sizeof(iw_frame))};
    iw_run_info_init(&m.run);
    iw_engine_options_init(&s->options);
    s->options.msd_stride = 1;
    s->options.vacf_window_ps = 0.1; /* 50 lags in blocks of 64 frames */
    for (size_t t = 0; t < n; t++) {
        iw_frame *frame = &s->frames[t];
        assert_ok(iw_frame_init(frame, MODEL_ATOMS, &err), err);
        frame->seq = t + 1;
        frame->step = (int64_t)t;
        frame->time_fs = 2.0 * (double)t;
        frame->has_cell = cell != CELL_NONE;
        memcpy(frame->cell_A, m.cell[t], sizeof frame->cell_A);
        memcpy(frame->pos_A, m.pos + 3 * MODEL_ATOMS * t, 3 * MODEL_ATOMS * sizeof(double));
        memcpy(frame->vel_A_fs, m.vel + 3 * MODEL_ATOMS * t, 3 * MODEL_ATOMS * sizeof(double));
        frame->has_velocities = velocities;
    }
    model_fini(&m);
}

static inline void
story_fini(story *s)
{
    for (size_t t = 0; t < s->n; t++)
        iw_frame_fini(&s->frames[t]);
    free(s->frames);
    iw_run_info_fini(&s->run);
}

/* Frames from t on come so many steps later; missed: there were frames between. */
static inline void
story_delay(story *s, size_t t, int64_t steps, bool missed)
{
    for (; t < s->n; t++) {
        s->frames[t].step += steps;
        s->frames[t].time_fs += 2.0 * (double)steps;
        s->frames[t].seq += missed ? (uint64_t)steps : 0;
    }
}

/* The MD code goes back by `steps` steps at frame t: frames that came already come again. */
static inline void
story_go_back(story *s, size_t t, int64_t steps)
{
    story_delay(s, t, -steps, false);
}

static inline void
story_charge(story *s, double lithium_e, double sulphur_e, double phosphorus_e)
{
    const double charge_e[] = {lithium_e, sulphur_e, phosphorus_e};
    s->run.charge_e = calloc(s->run.n_atoms, sizeof(double));
    for (size_t i = 0; i < s->run.n_atoms; i++)
        s->run.charge_e[i] = charge_e[s->run.kind[i]];
}

/* Velocities of the frames from..to-1 times a factor. */
static inline void
story_heat(story *s, size_t from, size_t to, double factor)
{
    for (size_t t = from; t < to; t++)
        for (size_t k = 0; k < 3 * MODEL_ATOMS; k++)
            s->frames[t].vel_A_fs[k] *= factor;
}

/* ---- the stories ---- */

static inline void
story_of_gaps(story *s)
{
    story_init(s, "gaps and charges", 260, CELL_CUBIC, true, true);
    story_charge(s, 1.0, -2.0, 1.5);
    story_delay(s, 70, 5, true);
    story_delay(s, 71, 3, true);
    story_delay(s, 150, 2, false);
    for (size_t t = 200; t < s->n; t++)
        s->frames[t].time_fs += 3.0; /* and not its step */
    s->options.convergence.mode[IW_RULE_PRECISION] = IW_STOP_OFF;
    s->options.convergence.mode[IW_RULE_FUTILITY] = IW_STOP_OFF;
}

static inline void
story_of_restarts(story *s)
{
    story_init(s, "restarts without velocities", 300, CELL_SKEWED, false, false);
    story_delay(s, 0, 1000, false);
    story_go_back(s, 60, 20);
    story_delay(s, 110, 1, false); /* an uneven step: one of 1 among those of 1 is a gap */
    story_go_back(s, 160, 700);    /* before the first one: numbered anew */
    story_go_back(s, 220, 7);
    for (size_t t = 0; t < s->n; t++) {
        s->frames[t].temperature_K = 600.0 + 20.0 * sin(0.1 * (double)t);
        s->frames[t].potential_energy_eV = -40.0 + 1e-4 * (double)t;
    }
    s->options.msd_stride = 3;
    s->options.drift = IW_DRIFT_FRAMEWORK;
}

static inline void
story_of_refusals(story *s)
{
    story_init(s, "a changing cell and refused frames", 400, CELL_CHANGING, true, true);
    s->run.temperature_K = NAN;
    story_charge(s, 1.0, -0.5, -1.25);
    for (size_t t = 0; t < s->n; t++) {
        bool bad = t == 0 || t == 90 || (t >= 200 && t < 206) || t == 300;
        iw_frame *frame = &s->frames[t];
        if (bad && t % 3 == 0)
            frame->pos_A[7] = NAN;
        else if (bad && t % 3 == 1)
            memset(frame->cell_A, 0, sizeof frame->cell_A);
        else if (bad)
            frame->vel_A_fs[2] = INFINITY;
        if (t % 50 == 20)
            frame->has_velocities = false;
        if (t % 70 == 40)
            frame->pos_A[3] += 4.6;
    }
    s->options.convergence.mode[IW_RULE_BROKEN] = IW_STOP_STOP;
    s->options.convergence.broken_hold = 4;
    s->options.skip.rule = IW_SKIP_FIXED;
    s->options.skip.fixed_ps = 0.08;
}

/* No timestep: spacing by time stamps, which begin anew; frames wait until two follow on each
 * other. */
static inline void
story_of_stamps(story *s)
{
    story_init(s, "time stamps, and a late spacing", 300, CELL_NONE, false, true);
    s->run.timestep_fs = NAN;
    for (size_t t = 1; t < 6; t++)
        story_delay(s, t, 4, true);
    for (size_t t = 0; t < s->n; t++) {
        iw_frame *frame = &s->frames[t];
        frame->time_fs = 1000.0 + 1.3 * (double)frame->step - (t > 180 ? 900.0 : 0.0);
        frame->kinetic_energy_eV = 0.9 + 0.01 * cos((double)t);
    }
    s->options.vacf_window_ps = 0.3;
    s->options.drift = IW_DRIFT_NONE;
}

/* Velocities in another order than positions; at the door's second look they are noise. */
static inline void
story_of_disorder(story *s)
{
    uint64_t seed = 3;
    story_init(s, "velocities in disorder", IW_DOOR_EVERY + 60, CELL_CUBIC, true, true);
    for (size_t t = 0; t < s->n; t++) {
        double *v = s->frames[t].vel_A_fs, first[3];
        memcpy(first, v, sizeof first);
        memmove(v, v + 3, (MODEL_ATOMS - 1) * sizeof first);
        memcpy(v + 3 * (MODEL_ATOMS - 1), first, sizeof first);
        for (size_t k = 0; k < 3 * MODEL_ATOMS && t + 20 > IW_DOOR_EVERY; k++)
            v[k] = 0.01 * iw_test_normal(&seed);
    }
}

/* Cold, so that the start is left out by frames that are read again. */
static inline void
story_of_a_cold_start(story *s)
{
    story_init(s, "a cold start", 2300, CELL_CUBIC, true, true);
    story_heat(s, 0, 500, 1.0 / 3.0);
    story_charge(s, 1.0, -1.0, -0.5);
    s->options.skip.replay = IW_REPLAY_LIVE;
    s->options.msd_stride = 0;
    s->paper_at = 1200;
}

/* Hot from the middle on, until a rule has ended the run. */
static inline void
story_of_a_broken_run(story *s)
{
    story_init(s, "a run that breaks", 2500, CELL_SKEWED, true, true);
    story_heat(s, 0, s->n, 0.12);
    story_heat(s, 2150, s->n, 40.0);
    for (size_t t = 0; t < s->n; t++) {
        s->frames[t].potential_energy_eV = -40.0 + 0.002 * (double)t;
        for (size_t k = 0; k < 9 && t > 2300; k++)
            s->frames[t].cell_A[k] *= 1.0 + 0.002 * (double)(t - 2300);
    }
    s->options.convergence.mode[IW_RULE_BROKEN] = IW_STOP_STOP;
}

static inline void
story_of_a_known_answer(story *s)
{
    story_init(s, "a run that converges", 3000, CELL_CUBIC, true, true);
    iw_convergence_options *rules = &s->options.convergence;
    rules->mode[IW_RULE_PRECISION] = rules->mode[IW_RULE_FUTILITY] = IW_STOP_STOP;
    rules->target = 1.5;
    rules->min_hops = 0.5;
    rules->min_time_ps = 0.5;
    rules->trend_sigmas = 20;
    rules->planned_ps = 100;
}

static inline void
story_of_a_lost_cause(story *s)
{
    story_init(s, "a run whose answer is out of reach", 2000, CELL_CUBIC, true, true);
    s->run.temperature_K = NAN; /* heat is judged by the early run, once that is known */
    s->options.convergence.target = 0.001;
    s->options.convergence.budget_ps = 5;
    s->options.convergence.mode[IW_RULE_FUTILITY] = IW_STOP_STOP;
}

typedef void (*story_teller)(story *s);
static const story_teller stories[] = {
    story_of_gaps,         story_of_disorder,       story_of_restarts,
    story_of_refusals,     story_of_stamps,         story_of_a_cold_start,
    story_of_a_broken_run, story_of_a_known_answer, story_of_a_lost_cause,
};
enum { STORIES = sizeof stories / sizeof *stories };

/* ---- telling them ---- */

static inline iw_engine *
story_engine(const story *s)
{
    iw_error err;
    iw_engine *engine = iw_engine_new(&s->run, &s->options, &err);
    if (!engine)
        fail_msg("%s: %s", s->name, err.text);
    return engine;
}

/* One frame; what is wanted of the frames read again is not served. */
static inline void
story_push(const story *s, iw_engine *engine, size_t t)
{
    iw_error err;
    iw_status status = iw_engine_push(engine, &s->frames[t], &err);
    if (status != IW_OK && status != IW_AGAIN && status != IW_INVALID)
        fail_msg("%s: frame %zu: %s", s->name, t, err.text);
}

/* Reads the frames 0..to-1 again, as far as they are wanted. */
static inline void
story_replay(const story *s, iw_engine *engine, size_t to)
{
    iw_error err;
    for (size_t t = 0; t < to && iw_engine_wants_replay(engine); t++)
        assert_ok(iw_engine_replay_push(engine, &s->frames[t], &err), err);
    assert_false(iw_engine_wants_replay(engine));
}

typedef struct {
    const story *s;
    size_t at, to;
} story_reading;

static inline iw_status
story_next(void *state, iw_frame *frame, iw_error *err)
{
    story_reading *self = state;
    (void)err;
    if (self->at == self->to)
        return IW_END;
    const iw_frame *from = &self->s->frames[self->at++];
    double *pos = frame->pos_A, *vel = frame->vel_A_fs;
    *frame = *from;
    frame->pos_A = pos;
    frame->vel_A_fs = vel;
    memcpy(pos, from->pos_A, 3 * from->n_atoms * sizeof(double));
    memcpy(vel, from->vel_A_fs, 3 * from->n_atoms * sizeof(double));
    return IW_OK;
}

static inline iw_status
story_first(void *state, iw_error *err)
{
    (void)err;
    ((story_reading *)state)->at = 0;
    return IW_OK;
}

/* Method paper, of the first frames. */
static inline void
story_paper(const story *s, iw_engine *engine, size_t to)
{
    iw_error err;
    story_reading from = {.s = s, .to = to};
    iw_source source = {.self = &from, .run = &s->run, .next = story_next, .rewind = story_first};
    assert_ok(iw_engine_paper(engine, &source, &err), err);
}

#endif
