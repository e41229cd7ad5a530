/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_CURVE_H
#define IW_CURVE_H
/*
 * curve.h - CurveZMQ (ZeroMQ RFC 25 and 26) for whoever connects to a daemon: encryption, and proof
 * of who is at either end.
 *
 * A client has a secret key and knows the daemon's public one.  IONWATCH_KEY names the file of the
 * first, IONWATCH_SERVER_KEY is the second or names its file: with these, every tcp:// endpoint is
 * spoken to in CURVE.  Without them `key` and `server.pub` in the configuration folder are taken,
 * for tcp:// beyond this machine alone, so that an ssh tunnel needs no keys.  An empty IONWATCH_KEY
 * means none.  ipc:// is guarded by the file system.
 */
#include "key.h"

#include <stdint.h>

typedef struct {
    char secret[IW_KEY_LENGTH + 1];
    char public[IW_KEY_LENGTH + 1];
} iw_curve_pair;

/* UNSUPPORTED: this libzmq was built without CURVE. */
iw_status iw_curve_check(iw_error *err);

/* A new pair; both begin with a letter or digit, so that no remark and no option looks like one. */
iw_status iw_curve_generate(iw_curve_pair *pair, iw_error *err);
/* The secret key of a file, and its public half. */
iw_status iw_curve_load(const char *path, iw_curve_pair *pair, iw_error *err);

/* Is this endpoint open to this user or this machine only? */
bool iw_endpoint_is_local(const char *endpoint);

/* How a connection is protected; public keys only. */
typedef struct {
    bool guarded; /* CURVE is spoken */
    bool let_in;  /* the daemon has let this client in: from then on a cut is its end, no answer */
    unsigned cut; /* handshakes in a row that the other side ended without a word */
    char public[IW_KEY_LENGTH + 1]; /* of the client */
} iw_curve_client;

/* Sets the keys on a socket that is not yet connected.  REFUSED, INVALID, NOT_FOUND: of a key that
 * was named; UNSUPPORTED. */
iw_status iw_curve_client_apply(void *socket, const char *endpoint, iw_curve_client *client,
                                iw_error *err);

/* The events of a socket monitor that say why no connection comes about. */
extern const int iw_curve_events;
/* What such an event means, and what to do.  REFUSED: the daemon's answer is no, or will be; IO:
 * perhaps; OK: the event says nothing about keys.  Counts in *client; a good session sets
 * let_in, and cut to 0. */
iw_status iw_curve_explain(iw_curve_client *client, const char *endpoint, uint16_t event,
                           uint32_t value, iw_error *err);

#endif
