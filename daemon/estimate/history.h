/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_HISTORY_H
#define IW_HISTORY_H
/*
 * history.h - D of the mobile group as it became known: one point at each check.
 *
 * Checks lie 100 frames apart at first, then 5 % of the run, so that a run of a million frames has
 * about 150 points; docs/physics.md, "History".  Pure: the points depend on the frames alone.
 */
#include "archive.h"
#include "estimate/diffusion.h"

/* NAN where it is not known. */
typedef struct {
    double time_ps;                                         /* of MD so far */
    double D_cm2_s, stderr_cm2_s, lower_cm2_s, upper_cm2_s; /* 95 % interval */
    double relative_error;                                  /* stderr/D; NAN where D <= 0 */
} iw_history_point;

typedef struct {
    iw_history_point *points; /* in order of time */
    size_t n;
    uint64_t next; /* frames at the next check */
} iw_history;

void iw_history_init(iw_history *self);
void iw_history_fini(iw_history *self);
/* The frames come again from the first one: as new. */
void iw_history_restart(iw_history *self);

bool iw_history_due(const iw_history *self, uint64_t frames);
/* The check after so many frames: a point where D is known, and the next check.  NO_MEMORY. */
iw_status iw_history_note(iw_history *self, uint64_t frames, double time_ps,
                          const iw_diffusion *mobile, iw_error *err);
size_t iw_history_memory(const iw_history *self); /* bytes */
void iw_history_archive(iw_history *self, iw_archive *archive);

#endif
