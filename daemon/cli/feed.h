/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CLI_FEED_H
#define IW_CLI_FEED_H
/*
 * feed.h - a run that a command streams to the daemon through libionwatch, as an adapter would: the
 * options of the command line as metadata, frames, the daemon's wish to stop, and the end of it.
 */
#include "cli.h"
#include "frame.h"

enum { IW_FEED_METADATA = 64 };

/* Lives where it was opened: the handle borrows from it. */
typedef struct {
    const iw_settings *settings;
    ionwatch *handle;
    const char *metadata[2 * IW_FEED_METADATA + 1];
    size_t n_metadata;
    char numbers[16][32]; /* texts of numeric options */
    size_t n_numbers;
    char adapter[64];
    const char **species;         /* [n_atoms], borrowed from the run */
    const char *advice, *content; /* how the MD code is ended: for people, and in stop_file */
    const char *stop_file;        /* made when the daemon asks the run to stop; or NULL */
    uint64_t sent, dropped;
    double last_frame_s; /* clock */
    bool asked_to_stop;
} iw_feed;

/* Is a daemon there?  OK also where none is needed (file://), and, unless --once is given, where
 * none answers yet: that is said, and frames wait in the spool.  TIMEOUT and others as iw_ask. */
iw_status iw_feed_find_daemon(const iw_settings *settings, iw_error *err);

/* Opens the handle for the run (advice, content and stop_file are set before), with the options of
 * the command line.  *units has what one unit of length, time and energy of the frames is, and the
 * policy; the rest is filled in.  Run, settings and texts are borrowed while the feed lives.
 * NO_MEMORY, INVALID. */
iw_status iw_feed_open(iw_feed *self, const iw_settings *settings, const iw_run_info *run,
                       const ionwatch_run *units, iw_error *err);
void iw_feed_close(iw_feed *self); /* harmless on zeroed state */

/* A frame that is not acceptable or finds no room is left out with a warning, and the run goes on.
 * REFUSED, IO, NO_MEMORY: the run cannot. */
iw_status iw_feed_send(iw_feed *self, const ionwatch_frame *frame, iw_error *err);

/* True once, when the daemon has asked the run to stop: the reason has been said, and stop_file
 * made, or the advice given. */
bool iw_feed_asked_to_stop(iw_feed *self);

/* Says at the daemon why the run ends, waits until it has every frame, tells how that went, and
 * closes the handle.  status and err: of the streaming before. */
iw_exit iw_feed_finish(iw_feed *self, iw_status status, const iw_error *err);

#endif
