/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_DOORBELL_H
#define IW_DOORBELL_H
/*
 * doorbell.h - how far the journal of a run is durable, told by the journal to the run's worker.
 *
 * A worker may stand still, on a disk that does not answer, while frames come in for days.  So the
 * number is memory of both, and the mail says only that it has changed: one at a time.
 */
#include <stdbool.h>
#include <stdint.h>

typedef struct iw_doorbell iw_doorbell;

iw_doorbell *iw_doorbell_new(void); /* with one holder; NULL when memory is exhausted */
iw_doorbell *iw_doorbell_ref(iw_doorbell *self);
void iw_doorbell_unref(iw_doorbell **doorbell); /* the last one frees it; NULL is harmless */

/* The journal: that many bytes are durable.  True: the worker is to get a mail. */
bool iw_doorbell_ring(iw_doorbell *self, uint64_t bytes);
/* The worker, with that mail: the bytes.  The next ring is a mail again. */
uint64_t iw_doorbell_answer(iw_doorbell *self);

#endif
