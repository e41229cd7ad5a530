/* SPDX-License-Identifier: GPL-3.0-or-later */
/* zmq_stubs.c - calls of libzmq that a target without sockets has no use for. */
#include <stddef.h>

int __wrap_zmq_setsockopt(void *socket, int option, const void *value, size_t size);
int __wrap_zmq_connect(void *socket, const char *endpoint);
int __wrap_zmq_socket_monitor(void *socket, const char *endpoint, int events);

int
__wrap_zmq_setsockopt(void *socket, int option, const void *value, size_t size)
{
    (void)socket;
    (void)option;
    (void)value;
    (void)size;
    return 0;
}

int
__wrap_zmq_connect(void *socket, const char *endpoint)
{
    (void)socket;
    (void)endpoint;
    return 0;
}

int
__wrap_zmq_socket_monitor(void *socket, const char *endpoint, int events)
{
    (void)socket;
    (void)endpoint;
    (void)events;
    return 0;
}
