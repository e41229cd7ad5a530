/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_HTTP_SESSION_H
#define IW_HTTP_SESSION_H
/*
 * session.h - who somebody is: the two tokens, and the sessions of browsers that showed one.
 *
 * Tokens are in a file that only the daemon's user can read, "reader TOKEN" and "operator TOKEN" on
 * lines of their own; it is made with random ones where there is none.  Sessions are random numbers
 * in memory: they end with the daemon.  Secrets are compared in a time that tells nothing.  Time is
 * given.
 */
#include "error.h"

#include <stdbool.h>
#include <stddef.h>

/* What somebody may do; each may what those before may. */
typedef enum { IW_MAY_NOTHING, IW_MAY_READ, IW_MAY_OPERATE } iw_may;
const char *iw_may_name(iw_may role); /* "none", "reader", "operator" */

enum { IW_TOKEN = 64, IW_SESSIONS = 256 }; /* characters; open at one time */

typedef struct {
    char tokens[3][IW_TOKEN + 1]; /* of IW_MAY_READ and IW_MAY_OPERATE; "": none */
    struct {
        char id[IW_TOKEN + 1]; /* "": free */
        iw_may role;
        double used_s;
    } sessions[IW_SESSIONS];
} iw_sessions;

/* Loads the file or makes it.  REFUSED: it is open to others, or no regular file; INVALID: line
 * and reason; IO. */
iw_status iw_sessions_load(iw_sessions *self, const char *path, iw_error *err);

/* The role of a token, IW_MAY_NOTHING if it is none. */
iw_may iw_sessions_token(const iw_sessions *self, const char *token);

/* Opens a session: its id, valid until it is closed, unused for 12 hours, or the oldest of too
 * many.  NULL: there is no randomness. */
const char *iw_sessions_open(iw_sessions *self, iw_may role, double now_s);
iw_may iw_sessions_role(iw_sessions *self, const char *id, double now_s);
void iw_sessions_close(iw_sessions *self, const char *id); /* harmless if there is none */

#endif
