/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_DOOR_H
#define IW_DOOR_H
/*
 * door.h - are the units what the run says they are?
 *
 * Looks at the first frame: are nearest atoms as far apart as atoms are?  And at the first
 * IW_DOOR_FRAMES: the kinetic temperature against what the MD code says, else against the target,
 * and velocities against the displacement between frames; without velocities the displacements
 * against the temperature.  What explains a ratio (ps for fs, bohr for Angstrom, every tenth step
 * written, ...) is named: slips.h.  Velocities are looked at again in as many of every
 * IW_DOOR_EVERY: a timestep or an order of atoms may change.
 */
#include "archive.h"
#include "events.h"
#include "frame.h"

enum { IW_DOOR_FRAMES = 20, IW_DOOR_EVERY = 1000 };

typedef struct {
    const iw_run_info *run; /* borrowed while the door lives */
    size_t frames;          /* with velocities, of this look and until the next */
    bool again;             /* this is not the first look */
    double sum_K;           /* kinetic temperatures */
    double *last_A_fs;      /* [n][3] velocities of the frame before */
    bool has_last;
    double vv, dd, vd;  /* sums over pairs of frames of m v.v, m (dx/dt)^2, m v.dx/dt */
    double change;      /* and of m |v(i+1) - v(i)|^2 */
    bool looked;        /* at the first frame */
    double length;      /* factor of lengths that a slip explains, else 1 */
    double sum_said_K;  /* temperatures that the MD code says */
    double sum_moved_K; /* of displacements, where there are no velocities */
    size_t n_said, moved;
} iw_door;

iw_status iw_door_init(iw_door *self, const iw_run_info *run, iw_error *err);
void iw_door_fini(iw_door *self); /* harmless on zeroed state */
void iw_door_archive(iw_door *self, iw_archive *archive);

/* One frame with velocities and its kinetic temperature.  step_A is the displacement since the
 * frame before, interval_fs the time between them; NULL where there was none.  Adds the events when
 * it has seen enough.  NO_MEMORY. */
iw_status iw_door_push(iw_door *self, const iw_frame *frame, double kinetic_K, const double *step_A,
                       double interval_fs, iw_event_list *events);

/* The same for a frame of a run without velocities. */
iw_status iw_door_push_without(iw_door *self, const iw_frame *frame, const double *step_A,
                               double interval_fs, iw_event_list *events);

#endif
