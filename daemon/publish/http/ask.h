/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_HTTP_ASK_H
#define IW_HTTP_ASK_H
/*
 * ask.h - questions of the page to the front door, with the words of the protocol.
 *
 * One question serves all who wait for the same answer.  Owned by the thread `web`.
 */
#include "ionwatchd/mail.h"
#include "publish/http/body.h"

typedef struct iw_asks iw_asks;

/* The answer, borrowed: status and text; body holds JSON where the status is OK.  Called once for
 * each who asked. */
typedef void (*iw_ask_answered)(void *context, iw_status status, const char *text, iw_body *body);

typedef struct {
    const char *verb, *arg;
    bool flag, full; /* as of the protocol's ASK */
} iw_question;

/* front: the mailbox, borrowed.  NULL: no memory. */
iw_asks *iw_asks_new(void *front);
void iw_asks_destroy(iw_asks **self); /* who waits is forgotten */

/* AGAIN: too many questions are under way; NO_MEMORY: then answered is not called. */
iw_status iw_asks_put(iw_asks *self, const iw_question *question, iw_ask_answered answered,
                      void *context, iw_error *err);
/* Forgets who waits with this context. */
void iw_asks_drop(iw_asks *self, const void *context);

/* An ANSWER has come. */
void iw_asks_take(iw_asks *self, iw_mail *mail);
/* Those who have waited too long are told TIMEOUT.  Returns when this is to be done next, by
 * iw_now(); INFINITY: nobody waits. */
double iw_asks_tick(iw_asks *self, double now_s);

#endif
