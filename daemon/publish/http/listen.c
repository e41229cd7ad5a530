/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/http/listen.h"

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
open_tcp(iw_listen *self, const char *where, iw_error *err)
{
    char host[256];
    const char *colon = strrchr(where, ':');
    bool bracket = *where == '[' && colon && colon[-1] == ']';
    size_t size = colon ? (size_t)(colon - where) : 0;
    char *end = NULL;
    long port = colon ? strtol(colon + 1, &end, 10) : -1;
    if (size == 0 || size >= sizeof host || end == colon + 1 || *end || port < 0 || port > 65535)
        return iw_fail(err, IW_INVALID,
                       "http = %s: ADDRESS:PORT, unix:PATH or off is wanted, as 127.0.0.1:8417",
                       where);
    (void)snprintf(host, sizeof host, "%.*s", (int)size - 2 * bracket, where + bracket);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    int failed = getaddrinfo(host, colon + 1, &hints, &found);
    if (failed)
        return iw_fail(err, IW_IO, "http = %s: %s", where, gai_strerror(failed));
    int one = 1;
    self->fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    self->local = is_loopback(found->ai_addr);
    iw_status status = IW_OK;
    if (self->fd < 0 || setsockopt(self->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(self->fd, found->ai_addr, found->ai_addrlen) != 0 || listen(self->fd, BACKLOG) != 0)
        status = iw_fail_errno(err, "http = %s", where);
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
    if (*path != '/' || strlen(path) >= sizeof address.sun_path)
        return iw_fail(err, IW_INVALID,
                       "http = unix:%s: an absolute path of at most %zu characters", path,
                       sizeof address.sun_path - 1);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
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
    *self = (iw_listen){.fd = -1};
    if (strcmp(where, "off") == 0)
        return IW_OK;
    iw_status status = strncmp(where, "unix:", 5) == 0 ? open_unix(self, where + 5, err)
                                                       : open_tcp(self, where, err);
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
