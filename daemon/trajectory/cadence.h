/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CADENCE_H
#define IW_CADENCE_H
/*
 * cadence.h - does a frame follow on the one before?
 *
 * The spacing of a run is that of its first two successive frames.  It is told from MD step numbers
 * and the timestep, or, where the run has no timestep, from time stamps, whose rounding is
 * tolerated.  Pure; a push costs a few comparisons.
 */
#include "archive.h"
#include "frame.h"

/* A spacing, or a timestep, beyond these is none: what is derived from it could not be counted. */
#define IW_SPACING_LEAST_FS 1e-6
#define IW_SPACING_MOST_FS  1e9

typedef enum {
    IW_TICK_FIRST,  /* nothing before it */
    IW_TICK_NEXT,   /* follows at the run's spacing */
    IW_TICK_GAP,    /* frames are missing before it */
    IW_TICK_UNEVEN, /* follows, but at another spacing */
    IW_TICK_REPEAT, /* not later than what was seen: not counted */
    IW_TICK_UNKNOWN /* the first two frames are at the same time, or no spacing apart */
} iw_tick;

typedef struct {
    double timestep_fs; /* NAN: none that can be; told by time stamps */
    bool any;           /* a frame was seen */
    uint64_t last_seq;
    int64_t first_step, last_step; /* of accepted frames */
    double first_time_fs, last_time_fs;
    int64_t spacing_steps; /* 0 until two frames came */
    double spacing_fs;     /* time stamps: the first interval; NAN until two frames came */
    double regular_fs;     /* time stamps: sum of the intervals that were regular, */
    uint64_t regular;      /* and their number: their mean is free of rounding */
    double interval_fs;    /* of the last push, NAN if it cannot be told */
} iw_cadence;

void iw_cadence_init(iw_cadence *self, double timestep_fs);
/* Judges the frame and, unless it is a repeat or unknown, remembers it as the last one. */
iw_tick iw_cadence_push(iw_cadence *self, const iw_frame *frame);
/* True when the frame lies at or before the first frame of the run. */
bool iw_cadence_at_start(const iw_cadence *self, const iw_frame *frame);
/* The numbering started again with this frame; the spacing stays. */
void iw_cadence_restart(iw_cadence *self, const iw_frame *frame);
double iw_cadence_dt_fs(const iw_cadence *self); /* NAN before two successive frames */
void iw_cadence_archive(iw_cadence *self, iw_archive *archive);

#endif
