/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_OUTBOX_H
#define IW_OUTBOX_H
/*
 * outbox.h - the frames that the daemon does not have yet: a bounded queue in memory, oldest
 * first, and behind it the spool.
 *
 * A frame gets a number when it is accepted (1, 2, 3, ... within the handle, or after the last one
 * that an earlier handle left in the spool).  The daemon's sequence number is that number plus a
 * shift, which the first WELCOME settles; frames that were lost leave a hole in both.
 * Not locked: the handle's lock covers it.  A packet that was given out for sending stays valid
 * until the sending thread acknowledges it.
 */
#include "spool.h"

typedef struct {
    uint64_t number;
    iw_buffer bytes; /* an encoded FRAME */
} iw_packet;

/* Empty packets are kept, so that frames go to memory that is mapped already.  More than the window
 * is not given out before some of it is acknowledged: a daemon takes much more than that, so that
 * it never has to leave frames. */
enum { IW_OUTBOX_POOL = 1024, IW_OUTBOX_POOL_BYTES = 8 << 20, IW_OUTBOX_WINDOW = 16 << 20 };

typedef struct {
    iw_packet **ring; /* capacity places, a power of two */
    size_t capacity;
    size_t head;  /* place of the oldest packet */
    size_t count; /* packets in memory */
    size_t sent;  /* of them, given out for sending in this session */
    uint64_t sent_bytes;
    uint64_t bytes;
    uint64_t limit; /* of bytes */
    size_t pooled;
    uint64_t pooled_bytes;
    uint64_t last_number;  /* given to the newest frame, holes included */
    uint64_t newest;       /* number of the newest frame that is kept */
    uint64_t fresh;        /* smallest number that was never sent to any daemon */
    uint64_t inherited;    /* highest number that an earlier handle gave */
    uint64_t acknowledged; /* highest number that the daemon has */
    uint64_t delivered;    /* frames of this handle that the daemon has */
    bool numbered;         /* shift is settled */
    uint64_t shift;
    iw_spool spool;
    iw_packet *pool[IW_OUTBOX_POOL]; /* last, so that the rest shares few cache lines */
} iw_outbox;

void iw_outbox_init(iw_outbox *self, uint64_t limit);
void iw_outbox_fini(iw_outbox *self);
/* After iw_spool_load(): goes on with the numbers that the spool has. */
void iw_outbox_adopt_spool(iw_outbox *self);

/* An empty packet to fill.  NULL: no memory. */
iw_packet *iw_outbox_take_packet(iw_outbox *self);
void iw_outbox_give_packet(iw_outbox *self, iw_packet *packet);

/* Numbers and keeps *packet, and gives an empty one for it (NULL if there is none in the pool).
 * FULL, IO, NO_MEMORY: it is not taken and no number is used. */
iw_status iw_outbox_push(iw_outbox *self, iw_packet **packet, iw_error *err);
/* Uses a number for a frame that is lost, so that the daemon sees the gap. */
void iw_outbox_skip(iw_outbox *self);

/* Moves frames from spool to memory, at most half of the memory and about 1 MiB at a time. */
iw_status iw_outbox_refill(iw_outbox *self, iw_error *err);
/* The next packet to send, with its sequence number in *seq; NULL: none in memory, or the window
 * is full. */
iw_packet *iw_outbox_next(iw_outbox *self, uint64_t *seq);
/* The packet that iw_outbox_next() gave last was not sent after all. */
void iw_outbox_undo_next(iw_outbox *self);

/* The daemon wants sequence number seq next: settles the shift, drops what the daemon has, and
 * gives out the rest again from there. */
void iw_outbox_welcome(iw_outbox *self, uint64_t seq);
/* The daemon wants frames from sequence number seq again; it may not have made durable what is
 * before it. */
void iw_outbox_send_again(iw_outbox *self, uint64_t seq);
void iw_outbox_acknowledge(iw_outbox *self, uint64_t seq);
uint64_t iw_outbox_last_seq(const iw_outbox *self); /* of the newest kept frame, 0: none yet */

bool iw_outbox_window_is_full(const iw_outbox *self);
bool iw_outbox_is_empty(const iw_outbox *self); /* nothing waits for acknowledgement */
bool iw_outbox_all_sent(const iw_outbox *self); /* nothing waits for sending */
/* Moves everything in memory to the spool. */
iw_status iw_outbox_persist(iw_outbox *self, iw_error *err);

#endif
