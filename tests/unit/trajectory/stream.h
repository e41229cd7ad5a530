/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_TEST_STREAM_H
#define IW_TEST_STREAM_H
/* stream.h - a trajectory under test with one frame that the case fills and pushes. */
#include "iw_test.h"
#include "trajectory/trajectory.h"

typedef struct {
    iw_run_info run;
    iw_frame frame; /* next one: sequence and step move on by themselves */
    iw_event_list events;
    iw_trajectory *trajectory;
    iw_step step;
    iw_error err;
    double dt_fs;
    double started_fs; /* when the clock of the code was zero */
    double mean_K;     /* of the kinetic temperature, where the case keeps it */
} stream;

/* n atoms, Li (6.94) and S (32.06) by turns, a cubic cell of 10 A, 2 fs steps, wrapped input. */
static inline void
stream_init(stream *s, size_t n)
{
    memset(s, 0, sizeof *s);
    s->dt_fs = 2.0;
    const char **names = calloc(n, sizeof *names);
    for (size_t i = 0; i < n; i++)
        names[i] = i % 2 ? "S" : "Li";
    iw_run_info_init(&s->run);
    assert_ok(iw_run_info_set_atoms(&s->run, n, names, &s->err), s->err);
    free(names);
    free(s->run.mass_amu);
    s->run.mass_amu = calloc(n, sizeof(double));
    for (size_t i = 0; i < n; i++)
        s->run.mass_amu[i] = i % 2 ? 32.06 : 6.94;
    s->run.timestep_fs = s->dt_fs;
    s->run.wrapped = true;
    assert_ok(iw_frame_init(&s->frame, n, &s->err), s->err);
    s->frame.seq = 1;
    s->frame.has_cell = true;
    s->frame.cell_A[0] = s->frame.cell_A[4] = s->frame.cell_A[8] = 10.0;
}

static inline void
stream_start(stream *s, iw_drift drift)
{
    unsigned char *framework = malloc(s->run.n_atoms);
    for (size_t i = 0; i < s->run.n_atoms; i++)
        framework[i] = i % 2 == 1;
    iw_trajectory_options options = {.drift = drift, .framework = framework};
    s->trajectory = iw_trajectory_new(&s->run, &options, &s->events, &s->err);
    free(framework);
    if (!s->trajectory)
        fail_msg("%s", s->err.text);
}

/* Pushes the frame and moves sequence, step and time on. */
static inline iw_status
stream_push(stream *s)
{
    s->frame.time_fs = (double)s->frame.step * s->dt_fs - s->started_fs;
    iw_status status = iw_trajectory_push(s->trajectory, &s->frame, &s->step, &s->err);
    s->frame.seq++;
    s->frame.step++;
    return status;
}

static inline void
stream_fini(stream *s)
{
    iw_trajectory_destroy(&s->trajectory);
    iw_event_list_fini(&s->events);
    iw_frame_fini(&s->frame);
    iw_run_info_fini(&s->run);
}

/* The event of a kind, or NULL. */
static inline const iw_event *
stream_event(const stream *s, iw_event_kind kind)
{
    for (size_t i = 0; i < s->events.n; i++) {
        if (s->events.items[i].kind == kind)
            return &s->events.items[i];
    }
    return NULL;
}

#endif
