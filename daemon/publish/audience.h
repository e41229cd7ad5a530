/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_AUDIENCE_H
#define IW_AUDIENCE_H
/*
 * audience.h - of which runs live snapshots are wanted, by what subscribers say.  Pure.
 *
 * Each topic is kept in libzmq, byte by byte, and here.  Neither bounds them, so subscribers have
 * limits: who goes beyond his own is to be sent away, and with the one of all, all are.
 */
#include "error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    IW_AUDIENCE_TOPIC = 40,   /* bytes: a run id, or how it begins */
    IW_AUDIENCE_OWN = 1024,   /* topics of one subscriber */
    IW_AUDIENCE_TOPICS = 4096 /* of all, each counted once */
};

typedef struct iw_audience iw_audience;

iw_audience *iw_audience_new(void); /* NULL when memory is exhausted */
void iw_audience_destroy(iw_audience **audience);

/* A word of a subscriber as libzmq passes it on: a byte of 1 or 0, then a topic that is wanted for
 * the first time, or by nobody any more.  who: its connection, or -1 once that is gone.
 * REFUSED: nothing that a subscriber with a sound mind says.  FULL: too many topics. */
iw_status iw_audience_hear(iw_audience *self, int who, const void *word, size_t size,
                           iw_error *err);
bool iw_audience_wants(const iw_audience *self, const char *topic);
void iw_audience_clear(iw_audience *self); /* all are gone */

#endif
