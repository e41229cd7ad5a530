/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/pub.h"

#include "ionwatchd/parcels.h"
#include "publish/audience.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

/* Of each subscriber: snapshots that wait for it, and words of it that wait for us.  A word has
 * room for the handshake of CURVE, which is limited with it. */
enum { WAITING = 100, WORDS = 256, WORD_MOST = 512, HEARD = 4096 };

struct iw_pub {
    void *context;
    void *socket; /* NULL: shut */
    iw_pub_guard guard;
    size_t n;
    char (*endpoints)[IW_PUB_ENDPOINT];
    iw_audience *audience;
    iw_parcels *parcels; /* snapshots that are on their way */
};

static iw_status
open_socket(iw_pub *self, iw_error *err)
{
    const int waiting = WAITING; /* messages; a subscriber that is further behind loses some */
    const int words = WORDS;
    const int none = 0;
    const int64_t most = WORD_MOST;
    self->socket = zmq_socket(self->context, ZMQ_XPUB);
    iw_audience_clear(self->audience);
    if (!self->socket)
        return iw_fail(err, IW_IO, "publisher: %s", zmq_strerror(zmq_errno()));
    (void)zmq_setsockopt(self->socket, ZMQ_SNDHWM, &waiting, sizeof waiting);
    (void)zmq_setsockopt(self->socket, ZMQ_RCVHWM, &words, sizeof words);
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
        self->audience = iw_audience_new();
        self->parcels = iw_parcels_new();
    }
    if (!self || !self->endpoints || !self->audience || !self->parcels) {
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

bool
iw_pub_is_shut(const iw_pub *self)
{
    return !self->socket;
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
    iw_audience_destroy(&self->audience);
    iw_parcels_destroy(&self->parcels);
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

static bool
is_connected_to(const char *endpoint, const struct sockaddr_storage *address)
{
    const void *at = address;
    const struct sockaddr_un *path = at;
    const struct sockaddr_in *four = at;
    const struct sockaddr_in6 *six = at;
    if (address->ss_family == AF_UNIX)
        return strncmp(endpoint, "ipc://", 6) == 0 && strcmp(endpoint + 6, path->sun_path) == 0;
    unsigned port = address->ss_family == AF_INET    ? ntohs(four->sin_port)
                    : address->ss_family == AF_INET6 ? ntohs(six->sin6_port)
                                                     : 0;
    return port > 0 && strncmp(endpoint, "tcp://", 6) == 0 &&
           strtoul(strrchr(endpoint, ':') + 1, NULL, 10) == port;
}

/* libzmq sees the end of the connection, and drops its topics.  It may have closed the descriptor
 * by itself, so that it is somebody else's now: only one that leads to us is touched. */
static void
disconnect(const iw_pub *self, int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    if (fd < 0 || getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return;
    for (size_t i = 0; i < self->n; i++)
        if (is_connected_to(self->endpoints[i], &address)) {
            (void)shutdown(fd, SHUT_RDWR);
            return;
        }
}

static void
send_away(iw_pub *self, zmq_msg_t *word, int fd, const char *why)
{
    const char *address = zmq_msg_gets(word, "Peer-Address");
    self->guard.refuse(self->guard.self, address && *address ? address : "local", why);
    disconnect(self, fd);
}

static void
send_all_away(iw_pub *self, const char *why)
{
    self->guard.refuse(self->guard.self, "live snapshots", why);
    iw_pub_shut(self);
}

void
iw_pub_hear(iw_pub *self)
{
    zmq_msg_t word;
    iw_error err;
    int last = -1; /* that was sent away */
    (void)zmq_msg_init(&word);
    for (int n = 0; self->socket && zmq_msg_recv(&word, self->socket, ZMQ_DONTWAIT) >= 0; n++) {
        int fd = zmq_msg_get(&word, ZMQ_SRCFD);
        iw_status status =
            iw_audience_hear(self->audience, fd, zmq_msg_data(&word), zmq_msg_size(&word), &err);
        if (status == IW_FULL || n == HEARD)
            send_all_away(self, n == HEARD ? "subscribers talk without end" : err.text);
        else if (status != IW_OK && fd != last)
            send_away(self, &word, last = fd, err.text);
    }
    (void)zmq_msg_close(&word);
}

bool
iw_pub_is_wanted(const iw_pub *self, const char *topic)
{
    return iw_audience_wants(self->audience, topic);
}

void
iw_pub_send(iw_pub *self, const char *topic, const void *json, size_t size)
{
    iw_buffer copy = {0};
    zmq_msg_t message;
    if (!self->socket)
        return;
    if (iw_parcels_waiting(self->parcels) >= IW_PUB_ROOM) {
        send_all_away(self, "64 MiB of snapshots wait for subscribers that do not read");
        return;
    }
    if (iw_buffer_append(&copy, json, size, NULL) != IW_OK ||
        iw_parcels_message(self->parcels, &copy, &message) != IW_OK) {
        iw_buffer_fini(&copy);
        return; /* as one that is behind does, all miss it */
    }
    if (zmq_send(self->socket, topic, strlen(topic), ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0 ||
        zmq_msg_send(&message, self->socket, ZMQ_DONTWAIT) < 0)
        (void)zmq_msg_close(&message);
}
