/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_FAKE_DAEMON_H
#define IW_FAKE_DAEMON_H
/* fake_daemon.h - the daemon's side of the wire in a thread: it keeps what it receives in memory
 * and does what a test tells it. */
#include "wire.h"

#include <pthread.h>
#include <stdatomic.h>

enum { FAKE_MOST = 4096 };

typedef struct {
    const char *endpoint;
    /* What the test tells it; set before start or at any time. */
    atomic_int silent;         /* receives, but answers nothing */
    atomic_int unacknowledged; /* welcomes, but acknowledges nothing */
    atomic_int forgetful;      /* answers CLOSED to whoever has not said HELLO to this instance */
    atomic_int refuse;         /* status of the answer to HELLO; 0: WELCOME */
    atomic_int stop;           /* sends one CONTROL with the reason "converged" after a FRAME */
    atomic_int leave;          /* frames to leave and ask for again, as a daemon that lags does */
    /* What it has seen; read under lock. */
    pthread_mutex_t lock;
    uint64_t next_seq;       /* next wanted: start with 1 */
    uint64_t seq[FAKE_MOST]; /* of accepted frames, in order */
    int64_t step[FAKE_MOST];
    double first_x_A[FAKE_MOST]; /* first coordinate, for units */
    int frames, hellos, byes, repeated, pings;
    iw_run_info run; /* of the last HELLO */
    char why[IW_WIRE_TEXT];
    /* Its own. */
    atomic_int ending;
    pthread_t thread;
} fake_daemon;

void fake_init(fake_daemon *self, const char *endpoint);
void fake_fini(fake_daemon *self);
void fake_start(fake_daemon *self); /* binds; what was seen before stays */
void fake_stop(fake_daemon *self);  /* like kill -9: says nothing */

/* Wait at most 10 s for so many accepted frames, HELLOs, BYEs; false when they do not come. */
bool fake_wait_frames(fake_daemon *self, int n);
bool fake_wait_hellos(fake_daemon *self, int n);
bool fake_wait_byes(fake_daemon *self, int n);

#endif
