/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ionwatchd/parcels.h"

#include "ionwatchd/handover.h"

#include <stdatomic.h>
#include <stdlib.h>

struct iw_parcels {
    atomic_size_t holders; /* the owner, and each message on its way */
    atomic_size_t waiting;
};

/* A message, as libzmq gives it back. */
typedef struct {
    iw_parcels *parcels;
    size_t size;
} parcel;

iw_parcels *
iw_parcels_new(void)
{
    iw_parcels *self = calloc(1, sizeof *self);
    if (self)
        atomic_store(&self->holders, 1);
    return self;
}

static void
let_go(iw_parcels *self)
{
    if (atomic_fetch_sub(&self->holders, 1) == 1)
        free(self);
}

void
iw_parcels_destroy(iw_parcels **parcels)
{
    if (*parcels)
        let_go(*parcels);
    *parcels = NULL;
}

size_t
iw_parcels_waiting(const iw_parcels *self)
{
    return atomic_load(&self->waiting);
}

/* On a thread of libzmq, when the last byte is with the system or nobody wants it any more. */
static void
take_off(void *data, void *hint)
{
    parcel *p = hint;
    IW_TAKEN_OVER(p);
    atomic_fetch_sub(&p->parcels->waiting, p->size);
    let_go(p->parcels);
    free(data);
    free(p);
}

iw_status
iw_parcels_message(iw_parcels *self, iw_buffer *bytes, zmq_msg_t *message)
{
    parcel *p = malloc(sizeof *p);
    if (!p)
        return IW_NO_MEMORY;
    *p = (parcel){self, bytes->size};
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
