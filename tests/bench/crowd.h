/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CROWD_H
#define IW_CROWD_H
/*
 * crowd.h - many runs at once from one thread, for little: one DEALER each, and frames that were
 * encoded once for all of them.
 *
 * Each run sends one frame a second, at its own moment within the second, and follows the protocol:
 * HELLO, frames from the number that WELCOME names, HELLO again when the daemon does not know it.
 * Times count from the moment that a frame was due, not from when it got away.
 */
#include "harness.h"

typedef struct {
    size_t runs, atoms;
    unsigned seconds; /* frames of each run */
    bool velocities;
    double ramp_s; /* over which the runs begin */
} crowd_options;

/* Delays in ms: counts in bins that grow by 2 per cent. */
enum { CROWD_BINS = 700 };

typedef struct {
    uint64_t counts[CROWD_BINS], n;
    double most_ms;
} crowd_delays;

void crowd_delay(crowd_delays *self, double ms);
double crowd_percentile(const crowd_delays *self, double share); /* ms, the upper end of its bin */

typedef struct crowd crowd;

crowd *crowd_new(harness *daemon, const crowd_options *options);
void crowd_destroy(crowd **self_);

/* Sends what is due and takes what came, for so long. */
void crowd_work(crowd *self, double seconds);

double crowd_now_s(void);
uint64_t crowd_due(const crowd *self, size_t run, double now_s); /* frames by now */
double crowd_due_s(const crowd *self, size_t run, uint64_t seq); /* when a frame is due */
const char *crowd_id(const crowd *self, size_t run);
size_t crowd_find(const crowd *self, const char *name); /* SIZE_MAX: none of ours */
size_t crowd_open(const crowd *self);                   /* runs with a session */
uint64_t crowd_acknowledged(const crowd *self);         /* frames */
bool crowd_complete(const crowd *self);                 /* everything is acknowledged */
const crowd_delays *crowd_acks(const crowd *self);      /* from due to acknowledged */
const char *crowd_refusal(const crowd *self);           /* the last that ended a run; "" if none */

#endif
