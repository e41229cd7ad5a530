/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_GATE_H
#define IW_GATE_H
/*
 * gate.h - who may come in, and what he may do: the ZAP handler (ZeroMQ RFC 27) of every socket
 * that is open to others, and the authorised-keys file behind it.
 *
 * A thread of its own answers handshakes and looks at the file, so that a slow disk holds up nobody
 * who is in.  Each connection passes it, guarded or not, so that each
 * message carries a User-Id that the sender cannot choose: his public key, or "open" where no key
 * is asked for.  Front asks for every message what that key may do now: a key that is taken out of
 * the file is worth nothing from the next second on, also over a connection that is up.
 */
#include "curve.h"
#include "intake/keys.h"

#include <zmq.h>

typedef struct iw_gate iw_gate;

/* The sender of a message. */
typedef struct {
    char key[IW_KEY_LENGTH + 1]; /* "" through an open door */
    char name[IW_KEY_NAME];      /* of the key; "" through an open door, or if it is not known */
    char address[64];
    unsigned roles; /* 0: nobody */
} iw_who;

/* Which roles a door asks for. */
typedef enum { IW_DOOR_TALK, IW_DOOR_LISTEN } iw_door;

/* Binds the handler.  A host over tcp:// that is silent for silence_s loses its connections.
 * EXISTS: another one has this context; NO_MEMORY. */
iw_gate *iw_gate_new(void *context, double silence_s, iw_error *err);
/* Loads the daemon's secret key, which is made where there is none, and the authorised keys; with
 * these, doors can be guarded.  REFUSED: no key is authorised, or a file is open to others;
 * INVALID: file, line, reason; UNSUPPORTED: libzmq has no CURVE. */
iw_status iw_gate_arm(iw_gate *self, const char *data, const char *keys_path, iw_error *err);
/* Sets a socket up for the endpoint that it is bound to next. */
iw_status iw_gate_prepare(iw_gate *self, void *socket, iw_door door, const char *endpoint,
                          bool guarded, iw_error *err);
/* Failed handshakes of this socket are counted and logged.  Before start. */
void iw_gate_watch(iw_gate *self, void *socket);
iw_status iw_gate_start(iw_gate *self, iw_error *err);
void iw_gate_destroy(iw_gate **gate); /* ends the thread; watched sockets are closed before */

/* Whom a message comes from. */
void iw_gate_who(iw_gate *self, zmq_msg_t *message, iw_who *who);
/* True once after a key lost the right to read: subscribers must come in anew. */
bool iw_gate_readers_changed(iw_gate *self);

/* Counts a refusal, and logs it under id unless the same (who, what) was logged lately. */
void iw_gate_refused(iw_gate *self, const char *id, const char *who, const char *what,
                     const char *text);
uint64_t iw_gate_refusals(iw_gate *self);
const char *iw_gate_server_key(const iw_gate *self); /* public; "" without guarded doors */

#endif
