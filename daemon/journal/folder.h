/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_JOURNAL_FOLDER_H
#define IW_JOURNAL_FOLDER_H
/*
 * folder.h - the data folder: its lock, the folders of runs, and what a start finds in them.
 *
 *   DATA/lock                        held while a daemon runs
 *   DATA/runs/<id>/journal.iwlog     the truth; of a filed run it may have other forms, see
 * keeping.h DATA/runs/<id>/summary.json      of a filed run: what listings show, so that nobody
 * reads it again DATA/runs/<id>/....iwck          of a run that goes on: its saved analysis, see
 * checkpoint.h
 */
#include "framelog.h"
#include "ionwatchd/mail.h"

typedef struct {
    iw_run_info *info; /* owned by the caller */
    uint64_t last_seq; /* highest frame */
    uint64_t bytes;    /* of the file */
    bool ended;        /* BYE is there, and nothing after it but FILED */
    bool filed;
    char why[IW_WIRE_TEXT];  /* of the BYE */
    char stop[IW_WIRE_TEXT]; /* of the last CONTROL since the last HELLO after a BYE; "" if none */
} iw_journal_scan;

/* Makes the folders (0700) and takes the lock; the descriptor holds it until closed.  -1 with *err:
 * IO (what to do is in the text), EXISTS (the other daemon's process id is in the text). */
int iw_folder_open(const char *data, iw_error *err);

/* "DATA/runs/<id>/<file>"; "" for file gives the folder. */
void iw_folder_path(const char *data, const char *id, const char *file, char *path, size_t size);
iw_status iw_folder_make_run(const char *data, const char *id, iw_error *err);
/* Makes the names in a run's folder durable, and the folder's own: a file that is found after a
 * crash needs its name. */
iw_status iw_folder_sync(const char *data, const char *id, iw_error *err);
iw_status iw_folder_remove_run(const char *data, const char *id, iw_error *err);

/* Reads a whole journal.  CORRUPT, IO. */
iw_status iw_journal_scan_file(const char *path, iw_journal_scan *scan, iw_error *err);
/* Reads on behind a place; *scan tells what the records up to there said, but for info. */
iw_status iw_journal_scan_from(const char *path, const iw_framelog_place *place,
                               iw_journal_scan *scan, iw_error *err);
/* What one more record tells; text: of BYE and CONTROL; stop: of CONTROL. */
void iw_journal_scan_take(iw_journal_scan *scan, iw_msg_type kind, uint64_t seq, const char *text,
                          bool stop);

/* The summary of a run that is filed, or was and is to be filed again; load: NOT_FOUND when there
 * is none or the journal has grown since (not looked at for 0 bytes: it is packed or removed, and
 * cannot have); its state is then empty.
 */
iw_status iw_summary_save(const char *path, const iw_summary *summary, uint64_t journal_bytes,
                          iw_error *err);
iw_status iw_summary_load(const char *path, uint64_t journal_bytes, iw_summary *summary);

#endif
