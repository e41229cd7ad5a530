/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_STORER_H
#define IW_STORER_H
/*
 * storer.h - the thread that alone talks to the database.
 *
 * Files finished runs, and tries again with back-off, for days if need be, while the database is
 * locked, full, not writable, gone or not to be reached; answers questions about runs that are
 * finished.  What waits here is bounded by the workers, each of which hands over a few records at a
 * time.
 */
#include "ionwatchd/mail.h"

typedef struct iw_storer iw_storer;

/* Opens the database; one that is there but cannot be used now is waited for.  NULL: what
 * iw_store_open says of others. */
iw_storer *iw_storer_new(void *context, const char *uri, iw_error *err);
void iw_storer_destroy(iw_storer **storer); /* after the thread was joined */
void *iw_storer_run(void *storer);          /* until QUIT */
/* Before the thread runs: the ids of all records, or of one if there is one, as the keys of an
 * object, a new reference.  Not OK: the database is away, or will not tell.  For one of them it is
 * not asked a second time whether it is there. */
iw_status iw_storer_ids(iw_storer *self, bool all, json_t **ids, iw_error *err);
/* From another thread, before QUIT: what a database does not answer in 5 s is given up. */
void iw_storer_end(iw_storer *self);

#endif
