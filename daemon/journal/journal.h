/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_JOURNAL_H
#define IW_JOURNAL_H
/*
 * journal.h - the thread that makes frames durable.
 *
 * DATA/runs/<id>/journal.iwlog for each run.  Group commit: everything that is queued is written,
 * then each file that was written is synchronised once, then DURABLE goes to the front (which
 * acknowledges) and to the run's worker (which reads the file).  A file that cannot be written
 * (disk full, quota, I/O error) is cut back to what is durable and tried again with back-off; its
 * records wait, unacknowledged, and the run is "waiting for disk".  The same holds before the disk
 * is full, so that some room is left for what is not a frame: database, summaries, the log.
 */
#include "ionwatchd/mail.h"

typedef struct iw_journal iw_journal;

typedef struct {
    const char *data;      /* folder */
    unsigned workers;      /* threads that analyse */
    unsigned min_free_mib; /* of the folder's file system: below that new runs are refused, and
                              frames wait as if it were full; 0: no such limit */
} iw_journal_options;

/* Makes DATA and DATA/runs (0700) where they are missing, checks that they can be written, and
 * takes the lock DATA/lock.  context: ZeroMQ.  NULL: IO, EXISTS (another daemon has the folder). */
iw_journal *iw_journal_new(void *context, const iw_journal_options *options, iw_error *err);
/* After the thread was joined. */
void iw_journal_destroy(iw_journal **journal);

/* First tells the front what is in the folder (RECOVERED..., READY), then works until QUIT, which
 * it passes on to the workers, and answers DONE to the front. */
void *iw_journal_run(void *journal);

#endif
