/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_MAIL_H
#define IW_MAIL_H
/*
 * mail.h - what the daemon's threads say to one another, and the one way to say it.
 *
 * A mail is made by one thread and belongs to another after iw_mail_send(): the pointer travels
 * through an inproc socket, and the pair send/receive carries the annotations that ThreadSanitizer
 * needs, because it cannot see the ordering inside libzmq.
 *
 *   front --(HELLO, FRAME, BYE, CONTROL, STATE, LISTEN, REMOVE; of a new run SHOW)--> journal
 *   front --(SHOW)--> worker of the run, store;  front --(MATERIAL)--> store
 *   front --(KEEP; of a filed run HELLO and REMOVE)--> keeper --(HELLO, REMOVE)--> journal
 *   keeper --(GONE, WAITING, OPENED)--> front
 *   journal --(OPENED, DURABLE, WAITING, RECOVERED, FILED, ROOM)--> front
 *   journal --(OPEN, DURABLE, STATE, LISTEN, SHOW, FILED, FORGET, REMOVE)--> worker of the run
 *   worker --(PUBLISH, COUNT, STOP_WISH, ANSWER)--> front;  worker --(FILE, REMOVE)--> store
 *   store --(FILED)--> journal;  store --(ANSWER)--> front
 *   web --(ASK, WATCH, PAGE)--> front --(ANSWER, PUBLISH)--> web
 *   worker, front --(NOTICE)--> herald;  front --(FORGET)--> herald --(TOLD)--> front
 */
#include "frame.h"
#include "ionwatchd/doorbell.h"
#include "ionwatchd/summary.h"
#include "key.h"
#include "snapshot.h"
#include "wire.h"

#include <zmq.h>

/* kind, meaning */
#define IW_MAIL_MAP(X)                                                                             \
    X(HELLO, "an adapter said HELLO: put it in the journal, then OPENED")                          \
    X(FRAME, "a frame for the journal")                                                            \
    X(BYE, "the run ends: the last record before it is filed")                                     \
    X(CONTROL, "the run was asked to stop: a record, so that a restart knows")                     \
    X(STATE, "the state that snapshots should carry")                                              \
    X(LISTEN, "flag: somebody subscribes to live snapshots of the run, or no longer")              \
    X(SHOW, "a reader wants a snapshot; answered by the worker, or the store")                     \
    X(MATERIAL, "a reader wants the filed runs of a material; answered by the store")              \
    X(REMOVE, "forget the run: journal, then worker, then store, then ANSWER")                     \
    X(KEEP, "a run is filed: its journal is the keeper's now")                                     \
    X(GONE, "the frames of a filed run are not kept: it cannot go on")                             \
    X(OPENED, "the HELLO is durable: seq is the highest durable frame")                            \
    X(DURABLE, "all up to seq, and to offset in the file, is durable; text \"ended\": BYE too. "   \
               "To a worker: see doorbell")                                                        \
    X(WAITING, "the journal of the run, or with no run the database, cannot be written: text")     \
    X(RECOVERED, "a run that was found in the data folder")                                        \
    X(READY, "all runs in the data folder are known")                                              \
    X(ROOM, "on the file system of the data folder: seq bytes are free, offset there are")         \
    X(OPEN, "a worker gets a run")                                                                 \
    X(FORGET, "a worker drops a run, the herald what it told of it")                               \
    X(PUBLISH, "JSON for subscribers, and the summary for listings")                               \
    X(COUNT, "frames analysed so far (seq), and their time in the summary: for listings")          \
    X(STOP_WISH, "the answer is known: text is the reason")                                        \
    X(ANSWER, "what a reader asked for")                                                           \
    X(ASK, "the page asks: message is an ASK of the protocol, the answer goes back to peer")       \
    X(WATCH, "flag: a page shows the run, and wants its live snapshots, or no longer")             \
    X(PAGE, "where the page is, or with status AGAIN why there is none yet: text")                 \
    X(FILE, "a finished run for the database")                                                     \
    X(FILED, "the run is in the database: text is its id there")                                   \
    X(NOTICE, "the event, number seq of its kind in the run, for the user's command: json")        \
    X(TOLD, "what became of a notice: status, AGAIN if it was left out; text says why")            \
    X(QUIT, "finish what was sent before, then end the thread")                                    \
    X(DONE, "the sender has ended; status and text say whether in order")

typedef enum {
#define IW_MAIL_ENUM(kind, meaning) IW_MAIL_##kind,
    IW_MAIL_MAP(IW_MAIL_ENUM)
#undef IW_MAIL_ENUM
} iw_mail_kind;

/* Who sits at the other end of a ROUTER socket, or the thread `web`. */
typedef struct {
    unsigned char size; /* 0: nobody there */
    unsigned char data[255];
    uint32_t question; /* > 0: the answer goes to the page, which knows its question by this */
} iw_peer;

/* Copies UTF-8 text, cut to the room (which includes the terminating zero) between characters. */
void iw_text_copy(char *to, size_t room, const char *from);

bool iw_peer_equal(const iw_peer *a, const iw_peer *b);

/* What a worker has done since it last said so. */
typedef struct {
    uint64_t frames;    /* analysed, those of a journal that is read after a restart included */
    uint64_t snapshots; /* for listings and subscribers */
    double analysis_s, snapshot_s;
} iw_work;

typedef struct iw_mail {
    iw_mail_kind kind;
    uint32_t run;    /* number of the run in this process, 0 if none */
    uint64_t seq;    /* frame; HELLO and OPENED: see above */
    uint64_t offset; /* DURABLE, OPEN, RECOVERED, SHOW: bytes of the journal that are durable */
    uint64_t
        landed; /* DURABLE: bytes of the frames, as they came, that are durable since the last */
    uint64_t landed_frames;    /* likewise, their number */
    iw_work work;              /* PUBLISH, COUNT */
    iw_event_kind event;       /* NOTICE */
    bool flag;                 /* SHOW: series; RECOVERED: filed; OPEN: rebuilt from the journal */
    bool full;                 /* SHOW: series at full length */
    bool removal;              /* REMOVE, and the ANSWER that it becomes */
    iw_status status;          /* OPEN: END for a run that has ended and is not filed */
    double until_s;            /* SHOW: how long newer frames are waited for */
    iw_peer peer;              /* whom to answer, if anybody */
    char id[IW_ID_LENGTH + 1]; /* of the run */
    char address[64];          /* HELLO: where its adapter is */
    char key[IW_KEY_LENGTH + 1]; /* HELLO: of its adapter, "" if none was asked for */
    char text[IW_WIRE_TEXT];
    zmq_msg_t message;     /* HELLO, FRAME, BYE, CONTROL: as it goes to the journal; ASK */
    iw_buffer json;        /* ANSWER, PUBLISH */
    iw_run_info *info;     /* HELLO, RECOVERED, OPEN, FILE; owned */
    iw_snapshot *snapshot; /* FILE; one reference */
    iw_doorbell *doorbell; /* OPEN; one reference */
    iw_frame *first;       /* FILE: first frame of the run, or NULL; owned */
    iw_summary summary;    /* PUBLISH, RECOVERED */
    struct iw_mail *next;  /* of the queue that it is in */
} iw_mail;

/* The worker that owns a run, by the run's number. */
unsigned iw_mail_worker(uint32_t run, unsigned workers);

/* NULL when memory is exhausted. */
iw_mail *iw_mail_new(iw_mail_kind kind, uint32_t run);
void iw_mail_destroy(iw_mail **mail);

/* Mails of one owner, in order of arrival.  Zero-initialised is empty. */
typedef struct {
    iw_mail *first, *last;
} iw_mail_queue;

void iw_mail_queue_put(iw_mail_queue *self, iw_mail *mail);
iw_mail *iw_mail_queue_take(iw_mail_queue *self); /* NULL when there is none */
/* Destroys those of a run; those of run 0: none. */
void iw_mail_queue_drop(iw_mail_queue *self, uint32_t run);
void iw_mail_queue_fini(iw_mail_queue *self); /* destroys all; empty again */

/* Hands the mail over; always consumed, *mail becomes NULL.  False when the socket is closed. */
bool iw_mail_send(void *socket, iw_mail **mail);
/* The next mail, now the caller's; NULL when there is none and wait is false. */
iw_mail *iw_mail_receive(void *socket, bool wait);

/* The two ends of a mailbox: any thread connects, one thread receives.  No bound: what may queue is
 * bounded by its sender.  NULL with *err. */
void *iw_mailbox_bind(void *context, const char *name, iw_error *err);
void *iw_mailbox_connect(void *context, const char *name, iw_error *err);
/* Closes either end, with the mails that nobody took; sets *socket to NULL. */
void iw_mailbox_close(void **socket);

#endif
