/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "intake/ledger.h"

#include "ionwatchd/parcels.h"

#include <stdlib.h>

struct iw_ledger {
    struct {
        iw_peer peer;
        unsigned asks;
        iw_parcels *answers; /* made for the first */
    } readers[IW_LEDGER_READERS];
};

iw_ledger *
iw_ledger_new(iw_error *err)
{
    iw_ledger *self = calloc(1, sizeof *self);
    if (!self)
        (void)iw_fail(err, IW_NO_MEMORY, "the front door: out of memory");
    return self;
}

void
iw_ledger_destroy(iw_ledger **ledger)
{
    iw_ledger *self = *ledger;
    for (size_t i = 0; self && i < IW_LEDGER_READERS; i++)
        iw_parcels_destroy(&self->readers[i].answers);
    free(self);
    *ledger = NULL;
}

static size_t
waiting(const iw_ledger *self, size_t i)
{
    return self->readers[i].answers ? iw_parcels_waiting(self->readers[i].answers) : 0;
}

static bool
is_idle(const iw_ledger *self, size_t i)
{
    return self->readers[i].asks == 0 && waiting(self, i) == 0;
}

/* The account of a reader; a new one takes an idle one.  IW_LEDGER_READERS: all are taken. */
static size_t
account(iw_ledger *self, const iw_peer *reader)
{
    size_t idle = IW_LEDGER_READERS;
    for (size_t i = 0; i < IW_LEDGER_READERS; i++) {
        if (iw_peer_equal(&self->readers[i].peer, reader))
            return i;
        if (idle == IW_LEDGER_READERS && is_idle(self, i))
            idle = i;
    }
    if (idle < IW_LEDGER_READERS)
        self->readers[idle].peer = *reader;
    return idle;
}

size_t
iw_ledger_waiting(const iw_ledger *self)
{
    size_t all = 0;
    for (size_t i = 0; i < IW_LEDGER_READERS; i++)
        all += waiting(self, i);
    return all;
}

iw_status
iw_ledger_check(iw_ledger *self, const iw_peer *reader, iw_error *err)
{
    size_t i = account(self, reader);
    if (i == IW_LEDGER_READERS)
        return iw_fail(err, IW_AGAIN, "%d readers wait for answers: ask again in a while",
                       IW_LEDGER_READERS);
    if (self->readers[i].asks >= IW_LEDGER_ASKS)
        return iw_fail(err, IW_AGAIN, "%u questions are under way: wait for their answers",
                       self->readers[i].asks);
    size_t his = waiting(self, i);
    size_t all = iw_ledger_waiting(self);
    if (his > 0 && (all >= IW_LEDGER_ROOM || his >= IW_LEDGER_ROOM - all))
        return iw_fail(err, IW_AGAIN, "%zu MiB of answers wait to be taken: read them first",
                       his >> 20);
    return IW_OK;
}

void
iw_ledger_asked(iw_ledger *self, const iw_peer *reader)
{
    size_t i = account(self, reader);
    if (i < IW_LEDGER_READERS)
        self->readers[i].asks++;
}

void
iw_ledger_answered(iw_ledger *self, const iw_peer *reader)
{
    size_t i = account(self, reader);
    if (i < IW_LEDGER_READERS && self->readers[i].asks > 0)
        self->readers[i].asks--;
}

iw_status
iw_ledger_message(iw_ledger *self, const iw_peer *reader, iw_buffer *bytes, zmq_msg_t *message)
{
    size_t i = account(self, reader);
    if (i < IW_LEDGER_READERS && !self->readers[i].answers)
        self->readers[i].answers = iw_parcels_new();
    return i < IW_LEDGER_READERS && self->readers[i].answers
               ? iw_parcels_message(self->readers[i].answers, bytes, message)
               : IW_NO_MEMORY;
}
