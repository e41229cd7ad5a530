/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "intake/ledger.h"

#include "ionwatchd/handover.h"

#include <stdatomic.h>
#include <stdlib.h>

struct iw_ledger {
    atomic_size_t holders; /* the front, and each message on its way */
    atomic_size_t waiting;
    struct {
        iw_peer peer;
        unsigned asks;
        atomic_size_t waiting;
    } readers[IW_LEDGER_READERS];
};

/* A message, as libzmq gives it back. */
typedef struct {
    iw_ledger *ledger;
    size_t reader, size;
} parcel;

iw_ledger *
iw_ledger_new(iw_error *err)
{
    iw_ledger *self = calloc(1, sizeof *self);
    if (!self) {
        (void)iw_fail(err, IW_NO_MEMORY, "the front door: out of memory");
        return NULL;
    }
    atomic_store(&self->holders, 1);
    return self;
}

static void
let_go(iw_ledger *self)
{
    if (atomic_fetch_sub(&self->holders, 1) == 1)
        free(self);
}

void
iw_ledger_destroy(iw_ledger **self)
{
    if (*self)
        let_go(*self);
    *self = NULL;
}

static bool
is_idle(iw_ledger *self, size_t i)
{
    return self->readers[i].asks == 0 && atomic_load(&self->readers[i].waiting) == 0;
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
    return atomic_load(&self->waiting);
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
    size_t his = atomic_load(&self->readers[i].waiting);
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

/* On a thread of libzmq, when the last byte is with the system or the reader has gone. */
static void
take_off(void *data, void *hint)
{
    parcel *p = hint;
    IW_TAKEN_OVER(p);
    iw_ledger *self = p->ledger;
    atomic_fetch_sub(&self->readers[p->reader].waiting, p->size);
    atomic_fetch_sub(&self->waiting, p->size);
    free(data);
    free(p);
    let_go(self);
}

iw_status
iw_ledger_message(iw_ledger *self, const iw_peer *reader, iw_buffer *bytes, zmq_msg_t *message)
{
    size_t i = account(self, reader);
    parcel *p = i < IW_LEDGER_READERS ? malloc(sizeof *p) : NULL;
    if (!p)
        return IW_NO_MEMORY;
    *p = (parcel){self, i, bytes->size};
    atomic_fetch_add(&self->readers[i].waiting, p->size);
    atomic_fetch_add(&self->waiting, p->size);
    atomic_fetch_add(&self->holders, 1);
    IW_HANDED_OVER(p);
    if (zmq_msg_init_data(message, bytes->data, bytes->size, take_off, p) != 0) {
        take_off(NULL, p);
        return IW_NO_MEMORY;
    }
    *bytes = (iw_buffer){0};
    return IW_OK;
}
