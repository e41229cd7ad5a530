/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_PARCELS_H
#define IW_PARCELS_H
/*
 * parcels.h - bytes that were handed to libzmq and are not yet with the system: it bounds messages,
 * not bytes.  Owned by one thread; libzmq's threads take off what has left.
 */
#include "buffer.h"

#include <zmq.h>

typedef struct iw_parcels iw_parcels;

iw_parcels *iw_parcels_new(void);              /* NULL when memory is exhausted */
void iw_parcels_destroy(iw_parcels **parcels); /* messages may still be on their way */

/* Makes a message of the bytes, which are consumed.  NO_MEMORY: neither. */
iw_status iw_parcels_message(iw_parcels *self, iw_buffer *bytes, zmq_msg_t *message);
size_t iw_parcels_waiting(const iw_parcels *self); /* bytes */

#endif
