/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_LIVE_H
#define IW_LIVE_H
/*
 * live.h - the runs that the front door knows, and who streams them.
 *
 * Pure book-keeping: no sockets, no files; time is given.  Owned by the front thread.
 */
#include "ionwatchd/mail.h"

/* One run. */
typedef struct {
    uint32_t number;   /* in this process; journal and workers know the run by it */
    iw_run_info *info; /* of its first HELLO */
    iw_peer peer;      /* of its adapter; size 0: none has said HELLO since the start */
    char adapter[IW_ID_LENGTH + 1]; /* handle that streams; "" if it did not say */
    char key[IW_KEY_LENGTH + 1];    /* that its messages must come with */
    char address[64];               /* of the adapter: IP address, or process here */
    double heard_s;                 /* when the adapter was last heard */
    uint64_t next_seq;              /* the frame that is expected next */
    uint64_t durable_seq;           /* highest acknowledged */
    uint64_t in_flight;             /* bytes of its frames between door and disk */
    uint64_t journal_bytes;         /* of its journal, durable */
    bool opening;                   /* HELLO is on its way to the disk */
    bool waiting;                   /* the journal cannot be written */
    bool lagging;       /* frames were left with the adapter: there was no room for them */
    uint64_t left;      /* the last of them */
    bool asked;         /* to send them again; what it sent before may be on the way still */
    unsigned pongs_due; /* PINGs that wait until the BYE before them is durable */
    bool bye_durable;
    bool ending;             /* BYE is on its way to the database */
    bool filed;              /* in the database */
    bool history;            /* ... since before this daemon started */
    bool gone;               /* ... and its frames are not kept: it cannot go on */
    bool unfiled;            /* the database refused it for good */
    char record[64];         /* its id in the database; "" if not known since a restart */
    char why[24];            /* it ended */
    char stop[IW_WIRE_TEXT]; /* reason why it was asked to stop; "" if it was not */
    bool paged;              /* a page shows it */
    bool silence_told;       /* the herald knows that it is stalled */
    bool listened;           /* its worker knows that somebody wants its snapshots */
    char told[24];           /* state that its worker was told */
    char reason[160];        /* why the journal cannot be written */
    iw_summary summary;
    iw_mail *parked;      /* a HELLO that waits: for the filing, for the older adapter's word,
                                or, of a filed run, for its first new frame */
    double rival_until_s; /* > 0: parked is a rival; the older adapter has until then to answer */
} iw_live;

typedef struct {
    iw_live **items;
    size_t n, capacity;
    uint32_t last_number;
    uint64_t room;      /* for frames between door and disk, bytes over all runs */
    uint64_t in_flight; /* of it, in use */
    size_t asked;       /* place in items where the next look for a lagging run begins */
} iw_live_list;

/* NULL when memory is exhausted.  info is consumed. */
iw_live *iw_live_add(iw_live_list *list, uint32_t number, iw_run_info **info);
void iw_live_remove(iw_live_list *list, iw_live *run);
void iw_live_list_fini(iw_live_list *list);

iw_live *iw_live_by_number(const iw_live_list *list, uint32_t number);
iw_live *iw_live_by_id(const iw_live_list *list, const char *id);
iw_live *iw_live_by_peer(const iw_live_list *list, const iw_peer *peer);

/* By id, name, or a prefix of an id of at least 4 characters.  NULL: NOT_FOUND, or INVALID when
 * several runs match. */
iw_live *iw_live_find(const iw_live_list *list, const char *words, iw_error *err);

/* May a HELLO with this info go on with that run?  INVALID, saying what differs, with both values.
 */
iw_status iw_live_match(const iw_run_info *known, const iw_run_info *hello, iw_error *err);

/* "running", "stalled", "waiting for disk", "ending", "unfiled", why it ended, or "reopening": a
 * filed run goes on once its journal is ready. */
const char *iw_live_state(const iw_live *run, double now_s, double heartbeat_s);

/* What to do with frame seq of a run. */
typedef enum {
    IW_FRAME_TAKE, /* the one expected, or later: what lies between was dropped by the adapter */
    IW_FRAME_REPEATED, /* it is there already: acknowledge again */
    IW_FRAME_LEAVE     /* there is no room: it stays with the adapter */
} iw_frame_fate;

/* A run may have as much in flight as is free for all: one alone gets half of the room, each of n
 * that want more than there is gets one part in n + 1, and a run that wants little always finds
 * some.  A frame of a run that has none in flight is always taken, so that every run goes on. */
iw_frame_fate iw_live_frame(iw_live_list *list, iw_live *run, uint64_t seq, size_t bytes);
/* This frame stays with the adapter, whatever it is. */
void iw_live_leave(iw_live *run, uint64_t seq);
/* The adapter is asked for its frames from next_seq on.  Those that it had sent before go on
 * growing by one; they are left, too, until a number comes that is not higher than the last one,
 * or frames that are wanted would count as lost. */
void iw_live_ask(iw_live *run);
/* So many bytes of the run's frames have left for the disk. */
void iw_live_landed(iw_live_list *list, iw_live *run, uint64_t bytes);
/* The next run whose adapter should send again what was left with it; NULL: none, or there is no
 * room yet for what an adapter has on the way.  *promised: bytes that were promised to others in
 * this round, 0 at its start. */
iw_live *iw_live_next_lagging(iw_live_list *list, uint64_t *promised);

#endif
