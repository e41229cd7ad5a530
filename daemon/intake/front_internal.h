/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_FRONT_INTERNAL_H
#define IW_FRONT_INTERNAL_H
/* front_internal.h - shared by the files of the front thread: sockets, adapters, readers. */
#include "intake/front.h"
#include "intake/gate.h"
#include "intake/ledger.h"
#include "intake/live.h"
#include "publish/pub.h"

#include <jansson.h>

enum { IW_REMOVED = 64 };

/* Since the start of this daemon; what workers did is added from their mails. */
typedef struct {
    uint64_t received, received_bytes; /* frames that were taken */
    uint64_t repeated, deferred;       /* ... that were there already, or had to wait outside */
    uint64_t acknowledged;             /* ... that are durable */
    uint64_t written_bytes;            /* by which journals grew */
    uint64_t begun, ended, filed;      /* runs; one that goes on after its end counts anew */
    uint64_t questions;                /* of readers */
    uint64_t told, untold, left_out;   /* notices: commands that worked, or failed; too many */
    iw_work work;
} iw_tally;

struct iw_front {
    void *router, *inbox, *journal, *keeper, *store, *web;
    void *herald; /* NULL: nobody wants to be told */
    double stalled_s;
    void **workers; /* [n_workers] */
    unsigned n_workers;
    iw_gate *gate;
    iw_ledger *ledger; /* of readers */
    iw_who who;        /* sent the message at hand */
    iw_pub *pub;
    double pub_reopen_s; /* > 0: the publisher is shut until then */
    bool insecure_tcp, require_keys;
    size_t message_limit, max_runs, max_atoms;
    uint64_t max_run_bytes;   /* UINT64_MAX: none */
    char db_trouble[160];     /* why the database takes nothing; "" */
    char notice_trouble[240]; /* why the last notice was not told; "" */
    iw_tally tally;
    uint64_t disk_free, disk_bytes; /* on the file system of the data folder; 0: not known yet */
    unsigned min_free_mib;
    bool disk_low;
    iw_live_list runs;
    iw_buffer out; /* the message being sent */
    double heartbeat_s, lost_after_s, started_s, started_unix_s;
    char data[256], db[256];
    char http[256], http_trouble[400]; /* URL of the page; or why there is none.  Both "": off */
    size_t n_listen;
    char (*listen)[256]; /* as bound */
    /* Handles whose run was removed: one that still lives must not bring its run back.  A ring. */
    struct {
        char run[IW_ID_LENGTH + 1], adapter[IW_ID_LENGTH + 1];
        bool pending; /* until its folder is gone nobody can begin it anew */
    } removed[IW_REMOVED];
    size_t n_removed;
    bool ready;    /* the data folder was read: the door is open */
    bool quitting; /* nothing more is taken */
    bool terminated;
};

/* Encodes and sends; false when the peer is gone. */
bool iw_front_send(iw_front *self, const iw_peer *peer, const iw_message *message);
void iw_front_refuse(iw_front *self, const iw_peer *peer, iw_status status, const char *text);
void iw_front_mail(void *to, iw_mail_kind kind, const iw_live *run, const char *text);

/* front_right.c: may he?  False after a refusal was sent, counted and logged. */
bool iw_front_may(iw_front *self, const iw_peer *peer, const iw_message *message);
/* A run belongs to the name of the key that opened it: only that name, keys with the role control,
 * and those on this machine go on with it. */
bool iw_front_may_continue(iw_front *self, const iw_peer *peer, const iw_run_info *run);
/* The run that the sender of the message at hand streams: his end of the connection and his key are
 * those of its HELLO.  NULL: none. */
iw_live *iw_front_session(const iw_front *self, const iw_peer *peer);
/* Puts the name into the HELLO, where journal and database find it; a sender's own word on it does
 * not count. */
iw_status iw_front_sign(iw_front *self, const iw_message *hello, iw_run_info *info,
                        zmq_msg_t *bytes, iw_error *err);

/* front_adapter.c: what adapters say, and what the journal says of their runs. */
void iw_front_hello(iw_front *self, const iw_peer *peer, const iw_message *hello,
                    iw_run_info **info, zmq_msg_t *bytes);
void iw_front_frame(iw_front *self, const iw_peer *peer, const iw_message *message,
                    zmq_msg_t *bytes);
void iw_front_bye(iw_front *self, const iw_peer *peer, const iw_message *message, zmq_msg_t *bytes);
void iw_front_sign_of_life(iw_front *self, const iw_peer *peer, bool ping);
void iw_front_opened(iw_front *self, iw_live *run, const iw_mail *mail);
void iw_front_durable(iw_front *self, iw_live *run, const iw_mail *mail);
void iw_front_filed(iw_front *self, iw_live *run, const iw_mail *mail);
void iw_front_stop(iw_front *self, iw_live *run, const char *reason);
void iw_front_tick(iw_front *self); /* silence: stalled, lost, rivals */

/* front_notice.c: what the user's command is told. */
void iw_front_herald(const iw_front *self, const iw_live *run, iw_event_kind kind,
                     const char *text);
void iw_front_herald_filed(const iw_front *self, const iw_live *run);
void iw_front_herald_silence(const iw_front *self, iw_live *run, double now_s);
void iw_front_database(iw_front *self, const char *trouble); /* "": none any more */
void iw_front_room(iw_front *self, uint64_t free_bytes, uint64_t bytes);
void iw_front_told(iw_front *self, iw_status status, const char *why); /* what became of a notice */

/* front_status.c: the daemon itself, for people and metrics. */
void iw_front_work(iw_front *self, const iw_work *work);
json_t *iw_front_status(const iw_front *self); /* NULL when memory is exhausted */

/* front_reader.c: what readers ask. */
void iw_front_removed(iw_front *self, const char *id); /* the folder of a run is gone */
void iw_front_ask(iw_front *self, const iw_peer *peer, const iw_message *ask);
void iw_front_answer(iw_front *self, const iw_peer *peer, iw_status status, const char *text,
                     const char *json, size_t size);

#endif
