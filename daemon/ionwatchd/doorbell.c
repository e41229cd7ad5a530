/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ionwatchd/doorbell.h"

#include <stdatomic.h>
#include <stdlib.h>

struct iw_doorbell {
    atomic_uint holders;
    atomic_bool rung; /* a mail is on its way */
    _Atomic uint64_t bytes;
};

iw_doorbell *
iw_doorbell_new(void)
{
    iw_doorbell *self = calloc(1, sizeof *self);
    if (self)
        atomic_store(&self->holders, 1);
    return self;
}

iw_doorbell *
iw_doorbell_ref(iw_doorbell *self)
{
    atomic_fetch_add(&self->holders, 1);
    return self;
}

void
iw_doorbell_unref(iw_doorbell **doorbell)
{
    iw_doorbell *self = *doorbell;
    *doorbell = NULL;
    if (self && atomic_fetch_sub(&self->holders, 1) == 1)
        free(self);
}

/* The bytes come before the bell here and after it there: who finds it rung leaves them to an
 * answer that is still to come. */
bool
iw_doorbell_ring(iw_doorbell *self, uint64_t bytes)
{
    atomic_store(&self->bytes, bytes);
    return !atomic_exchange(&self->rung, true);
}

uint64_t
iw_doorbell_answer(iw_doorbell *self)
{
    atomic_store(&self->rung, false);
    return atomic_load(&self->bytes);
}
