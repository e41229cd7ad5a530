/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/pub.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

enum { WAITING = 100, REQUEST_MOST = 1024, TOPIC = 40, TOPICS = 1024, HEARD = 256 };

/* What is subscribed to: run ids, or how they begin. */
typedef struct {
    size_t size;
    char text[TOPIC];
} topic_prefix;

struct iw_pub {
    void *context;
    void *socket; /* NULL: shut */
    iw_pub_guard guard;
    size_t n;
    char (*endpoints)[IW_PUB_ENDPOINT];
    topic_prefix *topics; /* [TOPICS] */
    size_t n_topics;
    bool all; /* more than can be noted: everything counts as wanted */
};

static iw_status
open_socket(iw_pub *self, iw_error *err)
{
    const int waiting = WAITING; /* messages; a subscriber that is further behind loses some */
    const int none = 0;
    const int64_t most = REQUEST_MOST; /* subscribers have nothing to say but topics */
    self->socket = zmq_socket(self->context, ZMQ_XPUB);
    self->n_topics = 0;
    self->all = false;
    if (!self->socket)
        return iw_fail(err, IW_IO, "publisher: %s", zmq_strerror(zmq_errno()));
    (void)zmq_setsockopt(self->socket, ZMQ_SNDHWM, &waiting, sizeof waiting);
    (void)zmq_setsockopt(self->socket, ZMQ_LINGER, &none, sizeof none);
    (void)zmq_setsockopt(self->socket, ZMQ_MAXMSGSIZE, &most, sizeof most);
    return IW_OK;
}

static iw_status
bind_at(iw_pub *self, const char *wanted, iw_error *err)
{
    if (self->guard.prepare(self->guard.self, self->socket, wanted, err) != IW_OK)
        return err->code;
    if (zmq_bind(self->socket, wanted) != 0)
        return iw_fail(err, IW_IO, "cannot publish at %s: %s", wanted, zmq_strerror(zmq_errno()));
    return IW_OK;
}

static iw_status
bind_beside(iw_pub *self, const char *listen, iw_error *err)
{
    char wanted[IW_PUB_ENDPOINT];
    const char *colon = strrchr(listen, ':');
    int size = strncmp(listen, "tcp://", 6) == 0
                   ? snprintf(wanted, sizeof wanted, "%.*s:*", (int)(colon - listen), listen)
                   : snprintf(wanted, sizeof wanted, "%s.pub", listen);
    if (size < 0 || size >= (int)sizeof wanted)
        return iw_fail(err, IW_INVALID, "endpoint %s: the name is too long", listen);
    if (bind_at(self, wanted, err) != IW_OK)
        return err->code;
    size_t room = IW_PUB_ENDPOINT;
    char *endpoint = self->endpoints[self->n];
    if (zmq_getsockopt(self->socket, ZMQ_LAST_ENDPOINT, endpoint, &room) != 0)
        return iw_fail(err, IW_IO, "%s: %s", wanted, zmq_strerror(zmq_errno()));
    self->n++;
    return IW_OK;
}

iw_pub *
iw_pub_open(void *context, const char *const *listen, size_t n, const iw_pub_guard *guard,
            iw_error *err)
{
    iw_pub *self = calloc(1, sizeof *self);
    if (self) {
        self->endpoints = calloc(n, sizeof *self->endpoints);
        self->topics = calloc(TOPICS, sizeof *self->topics);
    }
    if (!self || !self->endpoints || !self->topics) {
        iw_fail(err, IW_NO_MEMORY, "publisher: out of memory");
        iw_pub_close(&self);
        return NULL;
    }
    self->context = context;
    self->guard = *guard;
    bool good = open_socket(self, err) == IW_OK;
    for (size_t i = 0; good && i < n; i++)
        good = bind_beside(self, listen[i], err) == IW_OK;
    if (!good)
        iw_pub_close(&self);
    return self;
}

void
iw_pub_shut(iw_pub *self)
{
    if (self->socket)
        (void)zmq_close(self->socket);
    self->socket = NULL;
}

iw_status
iw_pub_reopen(iw_pub *self, iw_error *err)
{
    iw_status status = open_socket(self, err);
    for (size_t i = 0; status == IW_OK && i < self->n; i++)
        status = bind_at(self, self->endpoints[i], err);
    if (status != IW_OK)
        iw_pub_shut(self);
    return status;
}

void
iw_pub_close(iw_pub **pub)
{
    iw_pub *self = *pub;
    if (!self)
        return;
    if (self->socket)
        (void)zmq_close(self->socket);
    for (size_t i = 0; i < self->n; i++)
        if (strncmp(self->endpoints[i], "ipc://", 6) == 0)
            (void)unlink(self->endpoints[i] + 6);
    free(self->endpoints);
    free(self->topics);
    free(self);
    *pub = NULL;
}

size_t
iw_pub_count(const iw_pub *self)
{
    return self->n;
}

const char *
iw_pub_endpoint(const iw_pub *self, size_t i)
{
    return self->endpoints[i];
}

static size_t
find_topic(const iw_pub *self, const char *text, size_t size)
{
    size_t i = 0;
    while (i < self->n_topics &&
           (self->topics[i].size != size || memcmp(self->topics[i].text, text, size) != 0))
        i++;
    return i;
}

/* A first byte of 1 or 0, then the topic: libzmq tells the first subscription and the last end. */
static void
note_topic(iw_pub *self, bool begins, const char *text, size_t size)
{
    if (size > TOPIC) /* no run has such an id */
        return;
    size_t i = find_topic(self, text, size);
    if (!begins && i < self->n_topics) {
        self->topics[i] = self->topics[--self->n_topics];
    } else if (begins && i == TOPICS) {
        self->all = true;
    } else if (begins && i == self->n_topics) {
        self->topics[i].size = size;
        memcpy(self->topics[i].text, text, size);
        self->n_topics++;
    }
}

void
iw_pub_hear(iw_pub *self)
{
    char bytes[REQUEST_MOST + 1];
    for (int n = 0; self->socket && n < HEARD; n++) {
        int size = zmq_recv(self->socket, bytes, sizeof bytes, ZMQ_DONTWAIT);
        if (size < 0)
            return;
        if (size > 0 && size <= REQUEST_MOST && (bytes[0] == 0 || bytes[0] == 1))
            note_topic(self, bytes[0] == 1, bytes + 1, (size_t)size - 1);
    }
}

bool
iw_pub_is_wanted(const iw_pub *self, const char *topic)
{
    size_t length = strlen(topic);
    for (size_t i = 0; i < self->n_topics; i++)
        if (self->topics[i].size <= length &&
            memcmp(self->topics[i].text, topic, self->topics[i].size) == 0)
            return true;
    return self->all;
}

void
iw_pub_send(iw_pub *self, const char *topic, const void *json, size_t size)
{
    if (!self->socket)
        return;
    if (zmq_send(self->socket, topic, strlen(topic), ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
        (void)zmq_send(self->socket, json, size, ZMQ_DONTWAIT);
}
