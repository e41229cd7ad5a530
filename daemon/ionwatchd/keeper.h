/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_KEEPER_H
#define IW_KEEPER_H
/*
 * keeper.h - the thread that decides what becomes of the journals of filed runs (keep = ...).
 *
 * A run is its from FILED until the journal gets it back: whoever wants to go on with a filed run
 * (HELLO) or to remove it (REMOVE) comes through here, and waits until nobody works on its files.
 * The work is done by a thread for each piece of it, one at a time, so that this one always
 * answers: packing and removing at the lowest priority, unpacking, for which an adapter waits, at
 * the daemon's own.
 */
#include "ionwatchd/config.h"
#include "ionwatchd/mail.h"

typedef struct iw_keeper iw_keeper;

/* config is borrowed.  NULL: NO_MEMORY, IO. */
iw_keeper *iw_keeper_new(void *context, const iw_config *config, iw_error *err);
void iw_keeper_destroy(iw_keeper **keeper); /* after the thread was joined */
void *iw_keeper_run(void *keeper);          /* until QUIT; what is half done is done again */

#endif
