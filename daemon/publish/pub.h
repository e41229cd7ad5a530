/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_PUB_H
#define IW_PUB_H
/*
 * pub.h - live snapshots for whoever subscribes: a ZeroMQ XPUB socket, which tells who does.
 *
 * Each message has two frames: the run id (the topic) and the JSON of the run.  A slow subscriber
 * loses messages, never holds up the daemon.  Owned by one thread.
 */
#include "error.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct iw_pub iw_pub;

enum { IW_PUB_ENDPOINT = 256, IW_PUB_ROOM = 64 << 20 };

typedef struct {
    /* Called for each endpoint before the socket is bound to it: who may come in there. */
    iw_status (*prepare)(void *self, void *socket, const char *endpoint, iw_error *err);
    /* Told who was sent away: an address, "local", or "all". */
    void (*refuse)(void *self, const char *who, const char *why);
    void *self;
} iw_pub_guard;

/* One PUB endpoint beside each endpoint where the daemon listens: ipc://PATH gives ipc://PATH.pub,
 * tcp://HOST:PORT a free port on the same host.  NULL: IO, with endpoint and reason. */
iw_pub *iw_pub_open(void *context, const char *const *listen, size_t n, const iw_pub_guard *guard,
                    iw_error *err);
void iw_pub_close(iw_pub **pub);

size_t iw_pub_count(const iw_pub *self);
const char *iw_pub_endpoint(const iw_pub *self, size_t i); /* as subscribers connect; until close */

/* All subscribers are sent away; those that still may come back by themselves once the same
 * endpoints are open again.  Nothing is sent in between.  Opening fails until the old ones are
 * gone, a fraction of a second later: try again.  It is shut by itself when more than IW_PUB_ROOM
 * bytes wait for subscribers that do not read, or they have more topics than audience.h allows. */
void iw_pub_shut(iw_pub *self);
bool iw_pub_is_shut(const iw_pub *self);
iw_status iw_pub_reopen(iw_pub *self, iw_error *err);

/* Takes note of who subscribes and who no longer does.  Who says what no subscriber would, or more
 * than audience.h allows, is sent away. */
void iw_pub_hear(iw_pub *self);
/* Does anybody listen to that topic? */
bool iw_pub_is_wanted(const iw_pub *self, const char *topic);

void iw_pub_send(iw_pub *self, const char *topic, const void *json, size_t size);

#endif
