/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_LEDGER_H
#define IW_LEDGER_H
/*
 * ledger.h - what readers have asked for and not yet taken.
 *
 * An answer may be long, and a reader may never take it: each byte that waits inside the socket is
 * on the account of its reader until libzmq has passed it on.  A reader may have as much waiting as
 * is free for all, and one answer in any case.  Owned by the front thread; libzmq's threads take
 * off what has left.
 */
#include "ionwatchd/mail.h"

typedef struct iw_ledger iw_ledger;

enum {
    IW_LEDGER_READERS = 256,   /* with something asked for or waiting, at one time */
    IW_LEDGER_ASKS = 64,       /* of one reader, under way in the daemon */
    IW_LEDGER_ROOM = 128 << 20 /* bytes of answers that wait, of all readers */
};

iw_ledger *iw_ledger_new(iw_error *err);
void iw_ledger_destroy(iw_ledger **ledger); /* answers may still be on their way */

/* May he ask?  AGAIN: what he asked for before is to be taken first. */
iw_status iw_ledger_check(iw_ledger *self, const iw_peer *reader, iw_error *err);
/* A question of his is under way in other threads, and its answer is there. */
void iw_ledger_asked(iw_ledger *self, const iw_peer *reader);
void iw_ledger_answered(iw_ledger *self, const iw_peer *reader);

/* Makes a message of the bytes, which are consumed, on the reader's account.  NO_MEMORY. */
iw_status iw_ledger_message(iw_ledger *self, const iw_peer *reader, iw_buffer *bytes,
                            zmq_msg_t *message);
size_t iw_ledger_waiting(const iw_ledger *self); /* bytes, of all readers */

#endif
