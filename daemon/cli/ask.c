/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ask.h"

#include "curve.h"
#include "input.h"
#include "publish/json.h"
#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

/* What whoever answers may send: a record with its series is some MiB. */
static const int64_t most_received = 256 << 20;

struct iw_asker {
    void *context, *socket;
    void *monitor;        /* PAIR: why there is no connection */
    unsigned connections; /* made so far: an abandoned question takes its socket with it */
    iw_curve_client curve;
    iw_error trouble; /* what it said, unless OK */
    bool met, cut;    /* the daemon was there; and went away */
    bool asking;      /* a question is under way */
    bool abandoned;   /* a late answer may come on this socket */
    char endpoint[256];
    double timeout_s, until_s;
    iw_buffer question;
    char text[IW_WIRE_TEXT];
};

const char *
iw_asker_endpoint(const iw_asker *self)
{
    return self->endpoint;
}

const char *
iw_asker_text(const iw_asker *self)
{
    return self->text;
}

static void
disconnect_socket(iw_asker *self)
{
    if (self->socket) {
        (void)zmq_socket_monitor(self->socket, NULL, 0);
        (void)zmq_close(self->socket);
    }
    if (self->monitor)
        (void)zmq_close(self->monitor);
    self->socket = self->monitor = NULL;
}

void
iw_asker_destroy(iw_asker **self)
{
    if (!self || !*self)
        return;
    disconnect_socket(*self);
    if ((*self)->context)
        (void)zmq_ctx_term((*self)->context);
    iw_buffer_fini(&(*self)->question);
    free(*self);
    *self = NULL;
}

static iw_status
connect_socket(iw_asker *self, iw_error *err)
{
    int linger = 0;
    char name[32];
    (void)snprintf(name, sizeof name, "inproc://monitor-%u", self->connections++);
    if (!self->context)
        self->context = zmq_ctx_new();
    self->socket = self->context ? zmq_socket(self->context, ZMQ_DEALER) : NULL;
    if (!self->socket)
        return iw_fail(err, IW_IO, "cannot make a socket: %s", zmq_strerror(errno));
    (void)zmq_setsockopt(self->socket, ZMQ_LINGER, &linger, sizeof linger);
    (void)zmq_setsockopt(self->socket, ZMQ_MAXMSGSIZE, &most_received, sizeof most_received);
    iw_status status = iw_curve_client_apply(self->socket, self->endpoint, &self->curve, err);
    if (status != IW_OK)
        return status;
    int events = iw_curve_events | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED;
    if (zmq_socket_monitor(self->socket, name, events) == 0) {
        self->monitor = zmq_socket(self->context, ZMQ_PAIR);
        if (self->monitor)
            (void)zmq_connect(self->monitor, name);
    }
    if (zmq_connect(self->socket, self->endpoint) != 0)
        return iw_fail(err, IW_INVALID,
                       "endpoint \"%s\": %s; an endpoint is ipc://path or tcp://host:port",
                       self->endpoint, zmq_strerror(errno));
    return IW_OK;
}

iw_asker *
iw_asker_new(const iw_settings *settings, iw_error *err)
{
    iw_asker *self = calloc(1, sizeof *self);
    if (!self) {
        (void)iw_fail(err, IW_NO_MEMORY, "no memory for a connection");
        return NULL;
    }
    self->timeout_s = settings->timeout_s;
    iw_status status = IW_OK;
    if (!settings->endpoint)
        status = iw_default_endpoint(self->endpoint, sizeof self->endpoint, err);
    else if (snprintf(self->endpoint, sizeof self->endpoint, "%s", settings->endpoint) >=
             (int)sizeof self->endpoint)
        status = iw_fail(err, IW_INVALID, "the endpoint is longer than %zu characters",
                         sizeof self->endpoint - 1);
    if (status == IW_OK)
        status = connect_socket(self, err);
    if (status)
        iw_asker_destroy(&self);
    return self;
}

static iw_status
no_daemon(const iw_asker *self, iw_error *err)
{
    if (self->trouble.code != IW_OK)
        return iw_fail(err, IW_TIMEOUT, "%s", self->trouble.text);
    if (self->cut)
        return iw_fail(err, IW_TIMEOUT, "the daemon at %s went away", self->endpoint);
    return iw_fail(err, IW_TIMEOUT,
                   "no daemon answers at %s: start one with `ionwatchd`, or name another with "
                   "--endpoint or $IONWATCH_ENDPOINT",
                   self->endpoint);
}

/* Why the connection fails.  REFUSED: there is nothing to wait for. */
static iw_status
hear_trouble(iw_asker *self, iw_error *err)
{
    unsigned char bytes[512];
    uint16_t event;
    uint32_t value;
    while (self->monitor && zmq_recv(self->monitor, bytes, sizeof bytes, ZMQ_DONTWAIT) == 6) {
        memcpy(&event, bytes, sizeof event);
        memcpy(&value, bytes + 2, sizeof value);
        (void)zmq_recv(self->monitor, bytes, sizeof bytes, ZMQ_DONTWAIT); /* the endpoint */
        if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
            self->met = true;
        else if (event == ZMQ_EVENT_DISCONNECTED)
            self->cut = self->met;
        if (iw_curve_explain(&self->curve, self->endpoint, event, value, &self->trouble) ==
            IW_REFUSED)
            return iw_fail(err, IW_REFUSED, "%s", self->trouble.text);
    }
    return IW_OK;
}

static iw_status
take_answer(iw_asker *self, const iw_message *message, json_t **answer, iw_error *err)
{
    if (message->status != IW_OK || message->type == IW_MSG_REFUSED) {
        iw_status status = message->status ? message->status : IW_REFUSED;
        return iw_fail(err, status, "%s",
                       *message->text ? message->text : ionwatch_status_text(status));
    }
    (void)snprintf(self->text, sizeof self->text, "%s", message->text);
    iw_printable(self->text);
    if (!answer)
        return IW_OK;
    if (message->json_size == 0) {
        *answer = json_null();
        return IW_OK;
    }
    json_error_t where;
    *answer = json_loadb(message->json, message->json_size, JSON_DECODE_ANY, &where);
    return *answer ? IW_OK
                   : iw_fail(err, IW_PROTOCOL, "the daemon's answer is not JSON: line %d: %s",
                             where.line, where.text);
}

/* The next message, if there is one: false.  True ends the question, well or not. */
static bool
take_message(iw_asker *self, bool *here, json_t **answer, iw_status *status, iw_error *err)
{
    zmq_msg_t part;
    iw_message message;
    bool mine = false;
    *status = IW_OK;
    (void)zmq_msg_init(&part);
    *here = zmq_msg_recv(&part, self->socket, ZMQ_DONTWAIT) >= 0;
    if (*here) {
        iw_message_init(&message, IW_MSG_ANSWER);
        *status = iw_wire_decode(zmq_msg_data(&part), zmq_msg_size(&part), &message, err);
        mine = message.type == IW_MSG_ANSWER || message.type == IW_MSG_REFUSED;
        if (*status)
            (void)iw_prefix(err, "the answer from %s", self->endpoint);
        else if (mine)
            *status = take_answer(self, &message, answer, err);
    }
    (void)zmq_msg_close(&part);
    return *status || mine;
}

iw_status
iw_ask_take(iw_asker *self, bool *over, json_t **answer, iw_error *err)
{
    iw_status status;
    iw_status refused = hear_trouble(self, err);
    bool here;
    *over = true;
    do {
        if (take_message(self, &here, answer, &status, err)) {
            self->asking = false;
            return status;
        }
    } while (here); /* a daemon may send a PING in between */
    if (refused == IW_OK && !self->cut && iw_clock_s() < self->until_s) {
        *over = false;
        return IW_OK;
    }
    self->asking = false;
    self->abandoned = true;
    return refused ? refused : no_daemon(self, err);
}

void
iw_asker_wait(iw_asker *self, int fd, double seconds)
{
    zmq_pollitem_t items[3];
    int n = 0;
    if (self->asking) /* else nobody would take what is there */
        items[n++] = (zmq_pollitem_t){.socket = self->socket, .events = ZMQ_POLLIN};
    if (self->asking && self->monitor)
        items[n++] = (zmq_pollitem_t){.socket = self->monitor, .events = ZMQ_POLLIN};
    if (fd >= 0)
        items[n++] = (zmq_pollitem_t){.fd = fd, .events = ZMQ_POLLIN};
    (void)zmq_poll(items, n, seconds > 0 ? (long)(seconds * 1000) + 1 : 0);
}

/* Only a socket without a question can take one: answers carry no mark of theirs. */
static iw_status
renew_socket(iw_asker *self, iw_error *err)
{
    disconnect_socket(self);
    self->met = self->cut = false;
    self->trouble = (iw_error){0};
    iw_status status = connect_socket(self, err);
    self->abandoned = status != IW_OK;
    return status;
}

static void
question_init(iw_message *message, const char *verb, const char *arg, bool flag)
{
    iw_message_init(message, IW_MSG_ASK);
    message->version = IW_PROTOCOL_VERSION;
    (void)snprintf(message->verb, sizeof message->verb, "%s", verb);
    (void)snprintf(message->arg, sizeof message->arg, "%s", arg);
    message->flag = flag;
}

static iw_status
send_question(iw_asker *self, const iw_message *message, iw_error *err)
{
    /* A socket file that is not there needs no waiting. */
    if (strncmp(self->endpoint, "ipc://", 6) == 0 && access(self->endpoint + 6, F_OK) != 0) {
        self->abandoned = true;
        return no_daemon(self, err);
    }
    iw_status status = IW_OK;
    if (self->abandoned || self->cut)
        status = renew_socket(self, err);
    if (status)
        return status;
    iw_buffer_clear(&self->question);
    status = iw_wire_encode(message, &self->question, err);
    if (status)
        return status;
    if (zmq_send(self->socket, self->question.data, self->question.size, ZMQ_DONTWAIT) < 0)
        return no_daemon(self, err);
    self->until_s = iw_clock_s() + self->timeout_s;
    self->asking = true;
    return IW_OK;
}

iw_status
iw_ask_begin(iw_asker *self, const char *verb, const char *arg, bool flag, iw_error *err)
{
    iw_message message;
    question_init(&message, verb, arg, flag);
    return send_question(self, &message, err);
}

static iw_status
ask(iw_asker *self, const iw_message *message, json_t **answer, iw_error *err)
{
    bool over = false;
    iw_status status = send_question(self, message, err);
    while (status == IW_OK && !over) {
        if (iw_interrupted())
            return iw_fail(err, IW_CLOSED, "interrupted");
        iw_asker_wait(self, -1, self->until_s - iw_clock_s());
        status = iw_ask_take(self, &over, answer, err);
    }
    return status;
}

iw_status
iw_ask(iw_asker *self, const char *verb, const char *arg, bool flag, json_t **answer, iw_error *err)
{
    iw_message message;
    question_init(&message, verb, arg, flag);
    return ask(self, &message, answer, err);
}

iw_status
iw_ask_full(iw_asker *self, const char *run, json_t **record, iw_error *err)
{
    iw_message message;
    question_init(&message, "show", run, true);
    message.full = true;
    return ask(self, &message, record, err);
}

iw_exit
iw_ask_failed(const iw_settings *settings, const iw_error *err)
{
    if (err->code == IW_CLOSED)
        return IW_EXIT_INTERRUPTED;
    iw_complain_error(settings, err);
    switch (err->code) {
    case IW_TIMEOUT:
        return IW_EXIT_NO_DAEMON;
    case IW_NOT_FOUND:
        return IW_EXIT_NOT_FOUND;
    default:
        return IW_EXIT_FAILURE;
    }
}
