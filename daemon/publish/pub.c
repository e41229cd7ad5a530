/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/pub.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

struct iw_pub {
    void *socket;
    size_t n;
    char (*endpoints)[IW_PUB_ENDPOINT];
};

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
    if (zmq_bind(self->socket, wanted) != 0)
        return iw_fail(err, IW_IO, "cannot publish at %s: %s", wanted, zmq_strerror(zmq_errno()));
    size_t room = IW_PUB_ENDPOINT;
    char *endpoint = self->endpoints[self->n];
    if (zmq_getsockopt(self->socket, ZMQ_LAST_ENDPOINT, endpoint, &room) != 0)
        return iw_fail(err, IW_IO, "%s: %s", wanted, zmq_strerror(zmq_errno()));
    self->n++;
    return IW_OK;
}

iw_pub *
iw_pub_open(void *context, const char *const *listen, size_t n, iw_error *err)
{
    iw_pub *self = calloc(1, sizeof *self);
    if (self)
        self->endpoints = calloc(n, sizeof *self->endpoints);
    if (!self || !self->endpoints) {
        iw_fail(err, IW_NO_MEMORY, "publisher: out of memory");
        iw_pub_close(&self);
        return NULL;
    }
    self->socket = zmq_socket(context, ZMQ_PUB);
    int waiting = 100; /* messages; a subscriber that is further behind loses some */
    int none = 0;
    bool good = self->socket != NULL;
    if (!good)
        iw_fail(err, IW_IO, "publisher: %s", zmq_strerror(zmq_errno()));
    if (good) {
        (void)zmq_setsockopt(self->socket, ZMQ_SNDHWM, &waiting, sizeof waiting);
        (void)zmq_setsockopt(self->socket, ZMQ_LINGER, &none, sizeof none);
    }
    for (size_t i = 0; good && i < n; i++)
        good = bind_beside(self, listen[i], err) == IW_OK;
    if (!good)
        iw_pub_close(&self);
    return self;
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

void
iw_pub_send(iw_pub *self, const char *topic, const void *json, size_t size)
{
    if (zmq_send(self->socket, topic, strlen(topic), ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
        (void)zmq_send(self->socket, json, size, ZMQ_DONTWAIT);
}
