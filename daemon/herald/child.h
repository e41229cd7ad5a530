/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CHILD_H
#define IW_CHILD_H
/*
 * child.h - one run of a user's command.
 *
 * Started by posix_spawn(), which costs the same however much memory the daemon has and is safe
 * among its threads; in a session of its own, without any descriptor of the daemon, with the
 * default signals.  Its input is a file in memory, so that nobody waits for it to be read.
 * Owned by one thread, which tends it.
 */
#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { IW_CHILD_SAID = 160 };

typedef struct {
    pid_t pid;                /* 0: none */
    int output;               /* its standard output and error; -1: closed */
    double until_s;           /* it must have ended then */
    bool late;                /* it had not */
    char said[IW_CHILD_SAID]; /* the first line of its output */
    size_t n_said;
    bool said_all;
} iw_child;

/* environment: NULL at its end.  NOT_FOUND: there is no such program; REFUSED: it may not be run;
 * IO. */
iw_status iw_child_start(iw_child *self, char *const *argv, char *const *environment,
                         const void *input, size_t size, double until_s, iw_error *err);

/* Reads what it says, ends it when its time is over: first by SIGTERM, then by SIGKILL, with all of
 * its process group.  True once it has ended: status is IW_OK for exit code 0, else *err says how;
 * *self is free again. */
bool iw_child_tend(iw_child *self, double now_s, iw_status *status, iw_error *err);

/* At once, with its group; waits for it. */
void iw_child_kill(iw_child *self);

#endif
