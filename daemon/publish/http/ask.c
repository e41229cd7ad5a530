/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/http/ask.h"

#include "ionwatchd/log.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNDER_WAY = 48 }; /* of the IW_LEDGER_ASKS that one reader may have */
static const double PATIENCE_S = 10;
static const double LAPSE_S = 60; /* after which an answer is not expected any more */

/* Somebody who waits. */
typedef struct waiter {
    iw_ask_answered answered;
    void *context;
    struct waiter *next;
} waiter;

typedef struct asked {
    uint32_t number;
    char verb[32], arg[IW_WIRE_TEXT];
    bool flag, full;
    double until_s; /* then they are told that nothing came; later ones ask anew */
    waiter *waiters;
    struct asked *next;
} asked;

struct iw_asks {
    void *front;
    asked *list;
    size_t n;
    uint32_t last;
};

iw_asks *
iw_asks_new(void *front)
{
    iw_asks *self = calloc(1, sizeof *self);
    if (self)
        self->front = front;
    return self;
}

static void
free_asked(asked *self)
{
    while (self->waiters) {
        waiter *first = self->waiters;
        self->waiters = first->next;
        free(first);
    }
    free(self);
}

void
iw_asks_destroy(iw_asks **self)
{
    while (*self && (*self)->list) {
        asked *first = (*self)->list;
        (*self)->list = first->next;
        free_asked(first);
    }
    free(*self);
    *self = NULL;
}

static asked *
same_question(iw_asks *self, const iw_question *question)
{
    for (asked *at = self->list; at; at = at->next)
        if (at->waiters && strcmp(at->verb, question->verb) == 0 &&
            strcmp(at->arg, question->arg) == 0 && at->flag == question->flag &&
            at->full == question->full)
            return at;
    return NULL;
}

static iw_status
send_question(iw_asks *self, const asked *question, iw_error *err)
{
    iw_message message;
    iw_buffer bytes = {0};
    iw_message_init(&message, IW_MSG_ASK);
    message.version = IW_PROTOCOL_VERSION;
    memcpy(message.verb, question->verb, sizeof message.verb);
    memcpy(message.arg, question->arg, sizeof message.arg);
    message.flag = question->flag;
    message.full = question->full;
    iw_status status = iw_wire_encode(&message, &bytes, err);
    iw_mail *mail = status == IW_OK ? iw_mail_new(IW_MAIL_ASK, 0) : NULL;
    bool room = mail && bytes.data && zmq_msg_init_size(&mail->message, bytes.size) == 0;
    if (room) {
        memcpy(zmq_msg_data(&mail->message), bytes.data, bytes.size);
        mail->peer.question = question->number;
        (void)iw_mail_send(self->front, &mail);
    } else if (status == IW_OK) {
        status = iw_fail(err, IW_NO_MEMORY, "the daemon is out of memory");
    }
    if (mail)
        iw_mail_destroy(&mail);
    iw_buffer_fini(&bytes);
    return status;
}

static asked *
new_question(iw_asks *self, const iw_question *question, iw_error *err)
{
    if (self->n >= UNDER_WAY) {
        (void)iw_fail(err, IW_AGAIN, "%zu questions are under way: ask again in a while", self->n);
        return NULL;
    }
    asked *made = calloc(1, sizeof *made);
    if (!made) {
        (void)iw_fail(err, IW_NO_MEMORY, "the daemon is out of memory");
        return NULL;
    }
    made->number = ++self->last ? self->last : ++self->last; /* 0 is nobody's */
    iw_text_copy(made->verb, sizeof made->verb, question->verb);
    iw_text_copy(made->arg, sizeof made->arg, question->arg);
    made->flag = question->flag;
    made->full = question->full;
    made->until_s = iw_now() + PATIENCE_S;
    if (send_question(self, made, err) != IW_OK) {
        free(made);
        return NULL;
    }
    made->next = self->list;
    self->list = made;
    self->n++;
    return made;
}

iw_status
iw_asks_put(iw_asks *self, const iw_question *question, iw_ask_answered answered, void *context,
            iw_error *err)
{
    waiter *one = calloc(1, sizeof *one);
    if (!one)
        return iw_fail(err, IW_NO_MEMORY, "the daemon is out of memory");
    bool deed = strcmp(question->verb, "stop") == 0; /* each is done, and answered by itself */
    asked *to = deed ? NULL : same_question(self, question);
    if (!to)
        to = new_question(self, question, err);
    if (!to) {
        free(one);
        return err->code;
    }
    *one = (waiter){answered, context, to->waiters};
    to->waiters = one;
    return IW_OK;
}

void
iw_asks_drop(iw_asks *self, const void *context)
{
    for (asked *at = self->list; at; at = at->next)
        for (waiter **w = &at->waiters; *w;)
            if ((*w)->context == context) {
                waiter *gone = *w;
                *w = gone->next;
                free(gone);
            } else {
                w = &(*w)->next;
            }
}

/* Each waiter is taken off before it is told: it may ask again, or drop others. */
static void
tell(asked *self, iw_status status, const char *text, iw_body *body)
{
    while (self->waiters) {
        waiter one = *self->waiters;
        free(self->waiters);
        self->waiters = one.next;
        one.answered(one.context, status, text, body);
    }
}

static void
remove_asked(iw_asks *self, asked *gone)
{
    asked **at = &self->list;
    while (*at != gone)
        at = &(*at)->next;
    *at = gone->next;
    self->n--;
    free_asked(gone);
}

/* A listing becomes {"runs":[..]}: an object can grow. */
static iw_body *
body_of(const asked *question, iw_buffer *json)
{
    if (strcmp(question->verb, "list") != 0)
        return iw_body_new("application/json", json);
    iw_buffer bytes = {0};
    if (iw_buffer_append(&bytes, "{\"runs\":", 8, NULL) != IW_OK ||
        iw_buffer_append(&bytes, json->data, json->size, NULL) != IW_OK ||
        iw_buffer_append(&bytes, "}", 1, NULL) != IW_OK) {
        iw_buffer_fini(&bytes);
        return NULL;
    }
    return iw_body_new("application/json", &bytes);
}

void
iw_asks_take(iw_asks *self, iw_mail *mail)
{
    asked *at = self->list;
    while (at && at->number != mail->peer.question)
        at = at->next;
    if (!at)
        return;
    iw_body *body = NULL;
    iw_status status = mail->status;
    if (status == IW_OK && at->waiters) {
        body = body_of(at, &mail->json);
        if (!body)
            status = IW_NO_MEMORY;
    }
    tell(at, status, mail->text, body);
    iw_body_unref(&body);
    remove_asked(self, at);
}

double
iw_asks_tick(iw_asks *self, double now_s)
{
    double next = INFINITY;
    for (asked *at = self->list, *after; at; at = after) {
        after = at->next;
        if (now_s >= at->until_s && at->waiters)
            tell(at, IW_TIMEOUT, "the daemon has not answered within 10 s: ask again", NULL);
        if (now_s >= at->until_s + LAPSE_S)
            remove_asked(self, at);
        else
            next = fmin(next, at->until_s + (at->waiters ? 0 : LAPSE_S));
    }
    return next;
}
