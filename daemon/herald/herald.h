/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_HERALD_H
#define IW_HERALD_H
/*
 * herald.h - the thread that tells events to the user by a command of his (on_event).
 *
 * Others hand it notices (notice.h) and never wait for it.  It drops what nobody wants to know and
 * what was told before, tells one kind of one run no more often than pause_s, runs at_once commands
 * side by side at most, each for timeout_s at most, and keeps 100 notices waiting; what is left out
 * is said in the log, and, once there is room again, by a notice "left_out".  The front door hears
 * what became of each (TOLD).
 */
#include "error.h"

#include <stdio.h>

typedef struct {
    const char *data;     /* the data folder: what was told is remembered there */
    const char *command;  /* see argv.h */
    const char *kinds;    /* see kinds.h */
    const char *endpoint; /* of the daemon, for commands that ask it; "" for none */
    double timeout_s, pause_s;
    unsigned at_once;
} iw_herald_options;

enum { IW_HERALD_AT_ONCE = 16, IW_HERALD_WAITING = 100 };

typedef struct iw_herald iw_herald;

/* options are copied.  NULL: INVALID (command or kinds), IO, NO_MEMORY. */
iw_herald *iw_herald_new(void *context, const iw_herald_options *options, iw_error *err);
void iw_herald_destroy(iw_herald **herald); /* after the thread was joined */
/* Until QUIT; what came before it is told, for 5 s at most. */
void *iw_herald_run(void *herald);

/* Runs the command once with an event "test", says on out how that went.  INVALID; else what became
 * of the command. */
iw_status iw_herald_test(const iw_herald_options *options, FILE *out, iw_error *err);

#endif
