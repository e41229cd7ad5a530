/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/http/listen.h"

#include "publish/http/address.h"
#include "wire.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 128 };

static bool
is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const void *)address;
        return (ntohl(four->sin_addr.s_addr) >> 24) == 127;
    }
    const struct sockaddr_in6 *six = (const void *)address;
    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

static void
write_url(iw_listen *self)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    char host[128] = "", port[16] = "";
    if (getsockname(self->fd, (struct sockaddr *)&address, &size) == 0)
        (void)getnameinfo((struct sockaddr *)&address, size, host, sizeof host, port, sizeof port,
                          NI_NUMERICHOST | NI_NUMERICSERV);
    bool six = strchr(host, ':') != NULL;
    (void)snprintf(self->url, sizeof self->url, "http://%s%s%s:%s/", six ? "[" : "", host,
                   six ? "]" : "", port);
}

static iw_status
open_tcp(iw_listen *self, const char *where, const iw_address *address, iw_error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    int failed = getaddrinfo(address->host, address->port, &hints, &found);
    if (failed)
        return iw_fail(err, IW_IO, "http = %s: %s", where, gai_strerror(failed));
    int one = 1;
    self->fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    self->local = is_loopback(found->ai_addr);
    iw_status status = IW_OK;
    if (self->fd < 0 || setsockopt(self->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(self->fd, found->ai_addr, found->ai_addrlen) != 0 || listen(self->fd, BACKLOG) != 0)
        status =
            errno == EADDRINUSE
                ? iw_fail(err, IW_IO,
                          "http = %s: somebody listens there; port 0 takes any that is free", where)
                : iw_fail_errno(err, "http = %s", where);
    freeaddrinfo(found);
    if (status == IW_OK)
        write_url(self);
    return status;
}

/* A socket file that nobody answers is left over from a daemon that was killed. */
static bool
is_answered(const struct sockaddr_un *address)
{
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answered =
        probe >= 0 && (connect(probe, (const struct sockaddr *)address, sizeof *address) == 0 ||
                       (errno != ECONNREFUSED && errno != ENOENT));
    if (probe >= 0)
        (void)close(probe);
    return answered;
}

static iw_status
open_unix(iw_listen *self, const char *path, iw_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    _Static_assert(sizeof address.sun_path >= sizeof self->path, "a path fits");
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (iw_socket_file_check(path, err) != IW_OK)
        return iw_prefix(err, "http = unix:%s", path);
    if (is_answered(&address))
        return iw_fail(err, IW_IO, "http = unix:%s: somebody answers there", path);
    (void)unlink(path);
    self->local = true;
    self->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (self->fd < 0 || bind(self->fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(self->fd, BACKLOG) != 0)
        return iw_fail_errno(err, "http = unix:%s", path);
    (void)snprintf(self->path, sizeof self->path, "%s", path);
    (void)snprintf(self->url, sizeof self->url, "unix:%s", path);
    return IW_OK;
}

iw_status
iw_listen_open(iw_listen *self, const char *where, iw_error *err)
{
    iw_address address;
    *self = (iw_listen){.fd = -1};
    iw_status status = iw_address_parse(where, &address, err);
    if (status == IW_OK && address.path[0])
        status = open_unix(self, address.path, err);
    else if (status == IW_OK && address.host[0])
        status = open_tcp(self, where, &address, err);
    if (status != IW_OK)
        iw_listen_close(self);
    return status;
}

void
iw_listen_close(iw_listen *self)
{
    if (self->fd >= 0)
        (void)close(self->fd);
    if (self->path[0])
        (void)unlink(self->path);
    self->fd = -1;
    self->path[0] = '\0';
}
