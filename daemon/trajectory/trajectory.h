/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_TRAJECTORY_H
#define IW_TRAJECTORY_H
/*
 * trajectory.h - from frames as they come to coordinates that can be correlated.
 *
 * Door checks, segments (gap, changed spacing, restart), toroidal-view-preserving unwrapping
 * u(i+1) = u(i) + minimum image of (w(i+1) - w(i)) in the cell of i+1 (von Buelow et al. 2020),
 * drift removal, forward-difference velocities where the code sends none.
 */
#include "archive.h"
#include "events.h"
#include "frame.h"

typedef enum { IW_DRIFT_COM, IW_DRIFT_FRAMEWORK, IW_DRIFT_NONE } iw_drift;

typedef struct iw_trajectory iw_trajectory;

/* What one frame gave.  Arrays belong to the trajectory and are valid until the next push. */
typedef struct {
    bool new_segment;       /* pairs must not cross to earlier frames */
    const double *pos_A;    /* [n_atoms][3] unwrapped, drift removed, relative to the first frame */
    bool has_velocities;    /* false for the first frame of a segment when they are differences */
    const double *vel_A_fs; /* [n_atoms][3] drift removed; of this frame, or, as forward
                               differences, of the frame before */
    double volume_A3;       /* of the cell; NAN without one */
    double centre_A[3];     /* centre of mass of all atoms, relative to the segment's first frame,
                               before anything was removed */
    double kinetic_K;       /* kinetic temperature of this frame; NAN without velocities of the
                               MD code */
} iw_step;

typedef struct {
    iw_drift drift;
    const unsigned char *framework; /* [n_atoms] 1 where the atom belongs; for IW_DRIFT_FRAMEWORK */
} iw_trajectory_options;

iw_trajectory *iw_trajectory_new(const iw_run_info *run, const iw_trajectory_options *options,
                                 iw_event_list *events, iw_error *err);
void iw_trajectory_destroy(iw_trajectory **self);

/* OK: *out is filled.  AGAIN: the frame is valid but brings nothing (a repeated step after a
 * restart). INVALID: refused, an event was added, the next frame starts a segment. */
iw_status iw_trajectory_push(iw_trajectory *self, const iw_frame *frame, iw_step *out,
                             iw_error *err);

double iw_trajectory_dt_fs(const iw_trajectory *self);    /* spacing of frames; NAN before two */
uint64_t iw_trajectory_frames(const iw_trajectory *self); /* accepted */
size_t iw_trajectory_segments(const iw_trajectory *self);
double
iw_trajectory_time_ps(const iw_trajectory *self); /* covered by them; NAN before two frames */
bool iw_trajectory_engine_velocities(const iw_trajectory *self);

/* For one of the same run and options; its events are archived by their owner. */
void iw_trajectory_archive(iw_trajectory *self, iw_archive *archive);

#endif
