/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "imd_link.h"

#include "adapters/imd/imd.h"
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What the guard is told: Go has been said; there is no engine to take leave of. */
enum { SAID_GO = 'g', NO_ENGINE = 'x' };

/* ---- the guard: a process of its own; between fork and _exit only what POSIX allows there ---- */

static void
guard_say(int fd, iw_imd_kind kind)
{
    unsigned char bytes[IW_IMD_HEADER];
    iw_imd_header(bytes, kind, 0);
    size_t done = 0;
    while (done < sizeof bytes) {
        ssize_t n = send(fd, bytes + done, sizeof bytes - done, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return;
        done += n > 0 ? (size_t)n : 0;
    }
}

static ssize_t
guard_read(int fd, char *to, size_t size)
{
    struct pollfd in = {.fd = fd, .events = POLLIN};
    for (;;) {
        (void)poll(&in, 1, -1);
        ssize_t n = read(fd, to, size);
        if (n >= 0 || (errno != EINTR && errno != EAGAIN))
            return n;
    }
}

_Noreturn static void
guard(int fd, int program)
{
    char bytes[4096];
    bool go = false;
    (void)setsid(); /* a terminal's Ctrl-C is not for us */
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    while (guard_read(program, bytes, 1) > 0) {
        if (*bytes == NO_ENGINE)
            _exit(0);
        go = true;
    }
    /* An engine that is busy with another client, or has not begun, looks at us some day. */
    if (!go && guard_read(fd, bytes, sizeof bytes) > 0)
        guard_say(fd, IW_IMD_GO);
    guard_say(fd, IW_IMD_DISCONNECT);
    while (guard_read(fd, bytes, sizeof bytes) > 0)
        ;
    _exit(0);
}

/* Descriptors of the rest of the program must not live on in the guard. */
static void
close_others(int a, int b)
{
    int low = a < b ? a : b, high = a < b ? b : a;
    if (low > 3)
        (void)close_range(3, (unsigned)low - 1, 0);
    if (high > low + 1)
        (void)close_range((unsigned)low + 1, (unsigned)high - 1, 0);
    (void)close_range((unsigned)high + 1, ~0U, 0);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3 && null >= 0; fd++)
        (void)dup2(null, fd); /* who reads our output must not wait for the guard */
}

static iw_status
start_guard(iw_imd_link *self, iw_error *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return iw_fail_errno(err, "no pair of sockets");
    self->guard_pid = fork();
    if (self->guard_pid == 0) {
        close_others(self->fd, ends[0]);
        guard(self->fd, ends[0]);
    }
    (void)close(ends[0]);
    self->guard_end = ends[1];
    return self->guard_pid > 0 ? IW_OK : iw_fail_errno(err, "cannot start a process");
}

static void
tell_guard(const iw_imd_link *self, char what)
{
    while (send(self->guard_end, &what, 1, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

/* ---- this side ---- */

static iw_status
split_address(const char *address, char host[256], const char **port, iw_error *err)
{
    const char *colon = strrchr(address, ':');
    size_t size = colon ? (size_t)(colon - address) : 0;
    bool bracket = size > 2 && address[0] == '[' && address[size - 1] == ']'; /* [::1]:8888 */
    char *end = NULL;
    long number = colon ? strtol(colon + 1, &end, 10) : 0;
    if (size == 0 || size >= 256 || number < 1 || number > 65535 || *end)
        return iw_fail(err, IW_INVALID,
                       "%.80s: must be HOST:PORT of the engine, as in localhost:8888", address);
    memcpy(host, address + bracket, size - 2 * (size_t)bracket);
    host[size - 2 * (size_t)bracket] = '\0';
    *port = colon + 1;
    return IW_OK;
}

static iw_status
await_connection(int fd, const char *address, double timeout_s, iw_error *err)
{
    double until = iw_clock_s() + timeout_s;
    struct pollfd out = {.fd = fd, .events = POLLOUT};
    while (poll(&out, 1, IW_IMD_PIECE_MS) <= 0) {
        if (iw_interrupted())
            return iw_fail(err, IW_CLOSED, "interrupted");
        if (iw_clock_s() > until)
            return iw_fail(err, IW_TIMEOUT, "%s: no answer in %g s", address, timeout_s);
    }
    int failure = 0;
    socklen_t size = sizeof failure;
    (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size);
    errno = failure;
    return failure ? iw_fail(err, IW_CLOSED, "%s: %s", address, strerror(failure)) : IW_OK;
}

/* Nobody listens at a port of this machine, and the kernel gave the very port to us. */
static bool
is_ourselves(int fd)
{
    struct sockaddr_storage us = {0}, peer = {0};
    socklen_t our_size = sizeof us, peer_size = sizeof peer;
    return getsockname(fd, (struct sockaddr *)&us, &our_size) == 0 &&
           getpeername(fd, (struct sockaddr *)&peer, &peer_size) == 0 && our_size == peer_size &&
           memcmp(&us, &peer, our_size) == 0;
}

static iw_status
connect_to(iw_imd_link *self, const struct addrinfo *at, const char *address, double timeout_s,
           iw_error *err)
{
    self->fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (self->fd < 0)
        return iw_fail_errno(err, "no socket");
    int on = 1, idle_s = 60;
    /* A host that vanished is noticed.  The buffer is the kernel's to size, which grows it with
     * what comes: a size of our own would be the last one. */
    (void)setsockopt(self->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(self->fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    (void)setsockopt(self->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    iw_status status = IW_OK;
    if (connect(self->fd, at->ai_addr, at->ai_addrlen) != 0) {
        if (errno == EINPROGRESS || errno == EINTR)
            status = await_connection(self->fd, address, timeout_s, err);
        else
            status = iw_fail(err, IW_CLOSED, "%s: %s", address, strerror(errno));
    }
    if (status == IW_OK && is_ourselves(self->fd))
        status = iw_fail(err, IW_CLOSED, "%s: %s", address, strerror(ECONNREFUSED));
    if (status == IW_OK)
        return IW_OK;
    (void)close(self->fd);
    self->fd = -1;
    return status;
}

iw_status
iw_imd_link_open(iw_imd_link *self, const char *address, double timeout_s, iw_error *err)
{
    char host[256];
    const char *port = NULL;
    *self = (iw_imd_link){-1, -1, 0};
    iw_status status = split_address(address, host, &port, err);
    if (status != IW_OK)
        return status;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *list = NULL;
    int failure = getaddrinfo(host, port, &hints, &list);
    if (failure)
        return iw_fail(err, failure == EAI_NONAME ? IW_INVALID : IW_CLOSED, "%s: %s", address,
                       gai_strerror(failure));
    status = iw_fail(err, IW_CLOSED, "%s: no address", address);
    for (const struct addrinfo *at = list; at && status != IW_OK && !iw_interrupted();
         at = at->ai_next)
        status = connect_to(self, at, address, timeout_s, err);
    freeaddrinfo(list);
    if (status == IW_OK && (status = start_guard(self, err)) != IW_OK)
        (void)iw_imd_link_close(self, false, 0.0);
    return status;
}

iw_status
iw_imd_link_read(iw_imd_link *self, void *to, size_t size, size_t *got, iw_error *err)
{
    *got = 0;
    struct pollfd in = {.fd = self->fd, .events = POLLIN};
    if (poll(&in, 1, IW_IMD_PIECE_MS) <= 0)
        return IW_AGAIN;
    ssize_t n = recv(self->fd, to, size, 0);
    if (n > 0) {
        *got = (size_t)n;
        return IW_OK;
    }
    if (n == 0 || errno == ECONNRESET || errno == ETIMEDOUT)
        return IW_END;
    if (errno == EAGAIN || errno == EINTR)
        return IW_AGAIN;
    return iw_fail_errno(err, "reading from the engine");
}

iw_status
iw_imd_link_send(iw_imd_link *self, int kind, uint32_t count, iw_error *err)
{
    unsigned char bytes[IW_IMD_HEADER];
    iw_imd_header(bytes, (iw_imd_kind)kind, count);
    /* So few bytes always find room in a socket that has sent nothing to speak of. */
    ssize_t n = send(self->fd, bytes, sizeof bytes, MSG_NOSIGNAL);
    if (n == (ssize_t)sizeof bytes) {
        if (kind == IW_IMD_GO)
            tell_guard(self, SAID_GO);
        return IW_OK;
    }
    if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
        return iw_fail(err, IW_CLOSED, "the engine has closed the connection");
    return iw_fail_errno(err, "sending to the engine");
}

bool
iw_imd_link_close(iw_imd_link *self, bool polite, double timeout_s)
{
    bool done = true;
    if (self->guard_pid > 0) {
        if (!polite)
            tell_guard(self, NO_ENGINE);
        (void)close(self->guard_end);
        double until = iw_clock_s() + timeout_s;
        while ((done = waitpid(self->guard_pid, NULL, WNOHANG) != 0) == false &&
               iw_clock_s() < until) {
            struct timespec moment = {.tv_nsec = 2000000};
            (void)nanosleep(&moment, NULL);
        }
    } else if (self->guard_end >= 0) {
        (void)close(self->guard_end);
    }
    if (self->fd >= 0)
        (void)close(self->fd); /* the guard has its own hold on it */
    *self = (iw_imd_link){-1, -1, 0};
    return done;
}
