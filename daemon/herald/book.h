/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_BOOK_H
#define IW_BOOK_H
/*
 * book.h - what was told, so that a restart does not tell it again: DATA/told.
 *
 * A line for each notice, "run kind number", made durable before the command runs: a daemon that is
 * killed in between has told nothing, and never tells it twice.  A start keeps the highest number
 * of each kind and run, and drops runs whose folder is gone.  Owned by the herald's thread.
 */
#include "error.h"
#include "events.h"
#include "key.h"
#include "wire.h"

typedef struct iw_book iw_book;

/* One run and kind. */
typedef struct {
    char run[IW_ID_LENGTH + 1]; /* "": the daemon */
    iw_event_kind kind;
    uint64_t number; /* the highest that was told, or waits to be */
    double told_s;   /* the last time, of the monotonic clock; -INFINITY: not since the start */
    bool limited;    /* one was left out since */
} iw_book_entry;

/* data: the data folder.  NULL: IO, NO_MEMORY. */
iw_book *iw_book_open(const char *data, iw_error *err);
void iw_book_close(iw_book **book);

/* Made where there is none; stays with the book.  NULL when memory is exhausted. */
iw_book_entry *iw_book_find(iw_book *self, const char *run, iw_event_kind kind);
/* The run was removed: another one of that id begins anew.  IO: not after a restart. */
iw_status iw_book_forget(iw_book *self, const char *run, iw_error *err);
/* Writes that this number was told; durable: waits for the disk.  IO: after a restart it may be
 * told again. */
iw_status iw_book_note(iw_book *self, const char *run, iw_event_kind kind, uint64_t number,
                       bool durable, iw_error *err);

#endif
