/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CLI_ASK_H
#define IW_CLI_ASK_H
/* ask.h - one question to the daemon and its answer, over a DEALER socket. */
#include "cli.h"

typedef struct iw_asker iw_asker; /* a connection; one thread */

/* Connects to --endpoint, else $IONWATCH_ENDPOINT, else this user's ipc endpoint.  NULL: INVALID
 * endpoint, NO_MEMORY.  A daemon need not be there. */
iw_asker *iw_asker_new(const iw_settings *settings, iw_error *err);
void iw_asker_destroy(iw_asker **self);
const char *iw_asker_endpoint(const iw_asker *self);
/* What the daemon said with its last good answer, "" if nothing; until the next question. */
const char *iw_asker_text(const iw_asker *self);

/* verb: "list", "show", "stop", "rm", "status"; arg: a run, or "".  *answer (new reference, may be
 * NULL) is the daemon's JSON, or JSON null.  TIMEOUT: no daemon answers, with what to do;
 * NOT_FOUND and others: the daemon's own refusal; CLOSED: interrupted. */
iw_status iw_ask(iw_asker *self, const char *verb, const char *arg, bool flag, json_t **answer,
                 iw_error *err);

/* The same in steps, for who has keys to read meanwhile: one question at a time.  take never waits;
 * *over: the answer is here, or there will be none.  A TIMEOUT is no end: ask again, the connection
 * comes back by itself. */
iw_status iw_ask_begin(iw_asker *self, const char *verb, const char *arg, bool flag, iw_error *err);
iw_status iw_ask_take(iw_asker *self, bool *over, json_t **answer, iw_error *err);
/* Until the daemon answers the question under way, fd (-1: none) is readable, a signal comes or
 * time is up. */
void iw_asker_wait(iw_asker *self, int fd, double seconds);

/* "show" with its series at full length. */
iw_status iw_ask_full(iw_asker *self, const char *run, json_t **record, iw_error *err);

/* Prints the error and gives the exit code that belongs to it. */
iw_exit iw_ask_failed(const iw_settings *settings, const iw_error *err);

#endif
