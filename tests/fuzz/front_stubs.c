/* SPDX-License-Identifier: GPL-3.0-or-later */
/* front_stubs.c - what the front door has around it and fuzz_front.c has no use for: gate,
 * publisher, options of sockets. */
#include "intake/front_internal.h"

#include <stdlib.h>

static char nothing; /* what their addresses stand for */

void __wrap_iw_gate_refused(iw_gate *self, const char *id, const char *who, const char *what,
                            const char *text);
bool __wrap_iw_gate_readers_changed(iw_gate *self);
uint64_t __wrap_iw_gate_refusals(iw_gate *self);
const char *__wrap_iw_gate_server_key(const iw_gate *self);
void __wrap_iw_pub_send(iw_pub *self, const char *topic, const void *json, size_t size);
void __wrap_iw_pub_hear(iw_pub *self);
bool __wrap_iw_pub_is_shut(const iw_pub *self);
bool __wrap_iw_pub_is_wanted(const iw_pub *self, const char *topic);
size_t __wrap_iw_pub_count(const iw_pub *self);
const char *__wrap_iw_pub_endpoint(const iw_pub *self, size_t i);
int __wrap_zmq_close(void *socket);
iw_gate *__wrap_iw_gate_new(void *context, double heartbeat_s, iw_error *err);
iw_status __wrap_iw_gate_prepare(iw_gate *self, void *socket, iw_door door, const char *endpoint,
                                 bool guarded, iw_error *err);
void __wrap_iw_gate_watch(iw_gate *self, void *socket);
iw_status __wrap_iw_gate_start(iw_gate *self, iw_error *err);
void __wrap_iw_gate_destroy(iw_gate **gate);
iw_pub *__wrap_iw_pub_open(void *context, const char *const *listen, size_t n,
                           const iw_pub_guard *guard, iw_error *err);
void __wrap_iw_pub_close(iw_pub **pub);
void __wrap_iw_mailbox_close(void **socket);

void
__wrap_iw_gate_refused(iw_gate *self, const char *id, const char *who, const char *what,
                       const char *text)
{
    (void)self;
    if (!*id || !who || !*what || !*text)
        abort();
}

bool
__wrap_iw_gate_readers_changed(iw_gate *self)
{
    (void)self;
    return false;
}

uint64_t
__wrap_iw_gate_refusals(iw_gate *self)
{
    (void)self;
    return 0;
}

const char *
__wrap_iw_gate_server_key(const iw_gate *self)
{
    (void)self;
    return "";
}

void
__wrap_iw_pub_send(iw_pub *self, const char *topic, const void *json, size_t size)
{
    (void)self;
    (void)json;
    (void)size;
    if (!iw_uuid_valid(topic))
        abort();
}

void
__wrap_iw_pub_hear(iw_pub *self)
{
    (void)self;
}

bool
__wrap_iw_pub_is_shut(const iw_pub *self)
{
    (void)self;
    return false;
}

bool
__wrap_iw_pub_is_wanted(const iw_pub *self, const char *topic)
{
    (void)self;
    return topic[0] == '7';
}

size_t
__wrap_iw_pub_count(const iw_pub *self)
{
    (void)self;
    return 0;
}

const char *
__wrap_iw_pub_endpoint(const iw_pub *self, size_t i)
{
    (void)self;
    (void)i;
    return "";
}

int
__wrap_zmq_close(void *socket)
{
    (void)socket;
    return 0;
}

iw_gate *
__wrap_iw_gate_new(void *context, double heartbeat_s, iw_error *err)
{
    (void)context;
    (void)heartbeat_s;
    (void)err;
    return (iw_gate *)(void *)&nothing;
}

iw_status
__wrap_iw_gate_prepare(iw_gate *self, void *socket, iw_door door, const char *endpoint,
                       bool guarded, iw_error *err)
{
    (void)self;
    (void)socket;
    (void)door;
    (void)endpoint;
    (void)guarded;
    (void)err;
    return IW_OK;
}

void
__wrap_iw_gate_watch(iw_gate *self, void *socket)
{
    (void)self;
    (void)socket;
}

iw_status
__wrap_iw_gate_start(iw_gate *self, iw_error *err)
{
    (void)self;
    (void)err;
    return IW_OK;
}

void
__wrap_iw_gate_destroy(iw_gate **gate)
{
    *gate = NULL;
}

iw_pub *
__wrap_iw_pub_open(void *context, const char *const *listen, size_t n, const iw_pub_guard *guard,
                   iw_error *err)
{
    (void)context;
    (void)listen;
    (void)n;
    (void)guard;
    (void)err;
    return (iw_pub *)(void *)&nothing;
}

void
__wrap_iw_pub_close(iw_pub **pub)
{
    *pub = NULL;
}

void
__wrap_iw_mailbox_close(void **socket)
{
    *socket = NULL;
}
