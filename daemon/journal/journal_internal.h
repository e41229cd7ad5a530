/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_JOURNAL_INTERNAL_H
#define IW_JOURNAL_INTERNAL_H
/* journal_internal.h - shared by the files of the journal's thread and its crew. */
#include "framelog.h"
#include "journal/crew.h"
#include "journal/journal.h"

enum { IW_JOURNAL_PATH = 1024 };

/* The journal of one run. */
typedef struct iw_entry {
    uint32_t run;
    char id[IW_ID_LENGTH + 1];
    iw_framelog_writer *writer; /* NULL while the run is filed or its disk is away */
    uint64_t durable_seq, durable_bytes;
    iw_doorbell *doorbell; /* at the worker; NULL before OPEN was sent */
    iw_mail_queue mails;   /* gone once durable and passed on */
    bool waiting;
    double retry_at, backoff_s;
    struct iw_entry *next;
} iw_entry;

/* What the crew does for one run in a commit, and what came of it. */
typedef struct {
    const iw_journal *journal;
    iw_entry *run;
    iw_status status;
    iw_error err;
    uint64_t last_seq;
    iw_run_info *found; /* of a file that was there and that no worker has yet */
    uint64_t cut;       /* bytes of its torn tail */
} iw_turn;

struct iw_journal {
    char data[IW_JOURNAL_PATH];
    int lock;
    unsigned n_workers;
    unsigned min_free_mib;
    double looked_s; /* at the file system's room */
    bool low;        /* there was less than that */
    iw_error low_error;
    void *inbox, *front;
    void **workers;
    iw_entry *entries;
    size_t n_entries;
    iw_crew *crew;
    iw_turn *turns; /* [turn_room] of the commit at hand */
    size_t turn_room;
    uint32_t n_recovered;
    bool terminated;
};

/* Does such a mail go into the file? */
bool iw_is_record(iw_mail_kind kind);
/* Takes off what a failed commit left behind: it may not have reached the disk. */
iw_status iw_entry_cut_back(const iw_entry *run, const char *path, iw_error *err);

/* journal_write.c: writes and synchronises what waits for a run; item is an iw_turn.  On a thread
 * of the crew: it touches that run alone. */
void iw_turn_take(void *item);

#endif
