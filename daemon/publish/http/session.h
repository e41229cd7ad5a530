/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_HTTP_SESSION_H
#define IW_HTTP_SESSION_H
/*
 * session.h - who somebody is: the two tokens, and the sessions of browsers that showed one.
 *
 * Tokens are in a file that only the daemon's user can read, "reader TOKEN" and "operator TOKEN" on
 * lines of their own; it is made with random ones where there is none.  The id of a session says
 * what it is, sealed with the token that opened it: a restart of the daemon ends none, another
 * token ends all.  Secrets are compared in a time that tells nothing.  Time is given, in seconds
 * since 1970.
 */
#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What somebody may do; each may what those before may. */
typedef enum { IW_MAY_NOTHING, IW_MAY_READ, IW_MAY_OPERATE } iw_may;
const char *iw_may_name(iw_may role); /* "none", "reader", "operator" */

enum { IW_TOKEN = 64, IW_SESSION = 91, IW_SESSIONS_CLOSED = 256, IW_SESSION_NAME = 16 };

typedef struct {
    char tokens[3][IW_TOKEN + 1]; /* of IW_MAY_READ and IW_MAY_OPERATE; "": none */
    char closed[IW_SESSIONS_CLOSED][IW_SESSION_NAME + 1]; /* names of sessions; a ring */
    size_t n_closed;
} iw_sessions;

/* Loads the file or makes it.  REFUSED: it is open to others, or no regular file; INVALID: line
 * and reason; IO. */
iw_status iw_sessions_load(iw_sessions *self, const char *path, iw_error *err);

/* The role of a token, IW_MAY_NOTHING if it is none. */
iw_may iw_sessions_token(const iw_sessions *self, const char *token);

/* A new session: its id, valid until it is closed, or not renewed for 12 hours. */
void iw_sessions_open(const iw_sessions *self, iw_may role, int64_t now_s, char id[IW_SESSION + 1]);
/* renewed: the id to be used from now on, where this one has been in use for long; else "". */
iw_may iw_sessions_role(const iw_sessions *self, const char *id, int64_t now_s,
                        char renewed[IW_SESSION + 1]);
/* Under whatever id, until the daemon ends; harmless if there is none. */
void iw_sessions_close(iw_sessions *self, const char *id);

#endif
