/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_TEST_MODEL_H
#define IW_TEST_MODEL_H
/*
 * model.h - a synthetic run: Langevin atoms in any cell, as an MD code would send it.
 *
 * 4 Li wander, 3 S and 2 P rattle on springs; everything drifts.  Frames are 2 fs apart.
 */
#include "engine.h"
#include "iw_test.h"

#define MODEL_ATOMS ((size_t)9)

typedef enum { CELL_CUBIC, CELL_SKEWED, CELL_CHANGING, CELL_NONE } model_cell;

typedef struct {
    iw_run_info run;
    size_t frames;
    bool velocities;
    bool *begins;      /* [frames] a segment begins, as the frames are sent */
    double (*cell)[9]; /* [frames] */
    double *pos, *vel; /* [frames][atoms][3] as sent */
} model;

static inline void
model_init(model *m, size_t frames, model_cell kind, bool wrapped, bool velocities, uint64_t seed)
{
    static const char *const names[MODEL_ATOMS] = {"Li", "S", "P", "Li", "S", "P", "Li", "S", "Li"};
    static const double base[3][9] = {{10, 0, 0, 0, 11, 0, 0, 0, 12},
                                      {9, 0, 0, 3, 8, 0, -2, 1.5, 11},
                                      {9, 0, 0, 3, 8, 0, -2, 1.5, 11}};
    *m = (model){.frames = frames, .velocities = velocities};
    iw_error err;
    iw_run_info_init(&m->run);
    assert_ok(iw_run_info_set_atoms(&m->run, MODEL_ATOMS, names, &err), err);
    free(m->run.mass_amu);
    m->run.mass_amu = calloc(MODEL_ATOMS, sizeof(double));
    for (size_t i = 0; i < MODEL_ATOMS; i++)
        m->run.mass_amu[i] = iw_element_mass(names[i]);
    m->run.timestep_fs = 2.0;
    m->run.wrapped = wrapped;
    m->run.temperature_K = 600.0;
    m->begins = calloc(frames, sizeof *m->begins);
    m->cell = calloc(frames, sizeof *m->cell);
    m->pos = calloc(3 * MODEL_ATOMS * frames, sizeof(double));
    m->vel = calloc(3 * MODEL_ATOMS * frames, sizeof(double));
    m->begins[0] = true;
    double s[MODEL_ATOMS][3], home[MODEL_ATOMS][3], v[MODEL_ATOMS][3] = {{0}};
    for (size_t i = 0; i < MODEL_ATOMS; i++) {
        for (size_t k = 0; k < 3; k++)
            home[i][k] = s[i][k] = 12.0 * iw_test_uniform(&seed);
    }
    for (size_t t = 0; t < frames; t++) {
        double *cell = m->cell[t];
        for (size_t k = 0; k < 9 && kind != CELL_NONE; k++)
            cell[k] = base[kind][k] *
                      (kind == CELL_CHANGING ? 1.0 + 0.02 * sin(0.09 * (double)t + (double)k) : 1);
        for (size_t i = 0; i < MODEL_ATOMS; i++) {
            double *r = m->pos + 3 * (MODEL_ATOMS * t + i);
            for (size_t k = 0; k < 3; k++) {
                double pull = names[i][0] == 'L' ? 0.0 : -0.01 * (s[i][k] - home[i][k]);
                v[i][k] = 0.97 * v[i][k] + 0.01 * iw_test_normal(&seed) + pull;
                s[i][k] += 2.0 * v[i][k] + 0.01; /* everything drifts as well */
                r[k] = s[i][k];
                m->vel[3 * (MODEL_ATOMS * t + i) + k] = v[i][k] + 0.005;
            }
            if (!wrapped || kind == CELL_NONE)
                continue;
            /* Cells here are lower triangular: fold c first, then b, then a. */
            for (size_t row = 3; row-- > 0;) {
                double n = floor(r[row] / cell[3 * row + row]);
                for (size_t k = 0; k < 3; k++)
                    r[k] -= n * cell[3 * row + k];
            }
        }
    }
}

static inline void
model_fini(model *m)
{
    iw_run_info_fini(&m->run);
    free(m->begins);
    free(m->cell);
    free(m->pos);
    free(m->vel);
}

/* Sends frames from..to-1; a frame that begins a segment comes after a gap of 5 steps. */
static inline void
model_send(const model *m, iw_engine *engine, size_t from, size_t to)
{
    iw_frame frame;
    iw_error err;
    assert_ok(iw_frame_init(&frame, MODEL_ATOMS, &err), err);
    int64_t skipped = 0;
    for (size_t t = 0; t < to; t++) {
        skipped += t > 0 && m->begins[t] ? 5 : 0;
        if (t < from)
            continue;
        frame.seq = t + 1 + (uint64_t)skipped;
        frame.step = (int64_t)t + skipped;
        frame.time_fs = 2.0 * (double)frame.step;
        frame.has_cell = m->cell[t][0] != 0.0;
        memcpy(frame.cell_A, m->cell[t], sizeof frame.cell_A);
        memcpy(frame.pos_A, m->pos + 3 * MODEL_ATOMS * t, 3 * MODEL_ATOMS * sizeof(double));
        memcpy(frame.vel_A_fs, m->vel + 3 * MODEL_ATOMS * t, 3 * MODEL_ATOMS * sizeof(double));
        frame.has_velocities = m->velocities;
        assert_ok(iw_engine_push(engine, &frame, &err), err);
    }
    iw_frame_fini(&frame);
}

static inline iw_engine *
model_engine(const model *m, const iw_engine_options *options)
{
    iw_error err;
    iw_engine *engine = iw_engine_new(&m->run, options, &err);
    if (!engine)
        fail_msg("%s", err.text);
    return engine;
}

static inline iw_snapshot *
model_snapshot(iw_engine *engine)
{
    iw_error err;
    iw_snapshot *snapshot = iw_engine_snapshot(engine, "analysed", &err);
    if (!snapshot)
        fail_msg("%s", err.text);
    return snapshot;
}

static inline const iw_event *
snapshot_event(const iw_snapshot *snapshot, iw_event_kind kind)
{
    for (size_t i = 0; i < snapshot->n_events; i++) {
        if (snapshot->events[i].kind == kind)
            return &snapshot->events[i];
    }
    return NULL;
}

#endif
