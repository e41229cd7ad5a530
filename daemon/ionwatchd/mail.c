/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail.h"

#include "handover.h"
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
iw_text_copy(char *to, size_t room, const char *from)
{
    size_t size = strnlen(from, room - 1);
    if (from[size]) /* not through a character: JSON takes UTF-8 alone */
        while (size > 0 && ((unsigned char)from[size] & 0xc0) == 0x80)
            size--;
    memcpy(to, from, size);
    to[size] = '\0';
}

bool
iw_peer_equal(const iw_peer *a, const iw_peer *b)
{
    return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

unsigned
iw_mail_worker(uint32_t run, unsigned workers)
{
    return run % workers;
}

iw_mail *
iw_mail_new(iw_mail_kind kind, uint32_t run)
{
    iw_mail *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->kind = kind;
    self->run = run;
    (void)zmq_msg_init(&self->message);
    iw_summary_init(&self->summary);
    return self;
}

void
iw_mail_destroy(iw_mail **mail)
{
    iw_mail *self = *mail;
    if (!self)
        return;
    (void)zmq_msg_close(&self->message);
    iw_buffer_fini(&self->json);
    if (self->info) {
        iw_run_info_fini(self->info);
        free(self->info);
    }
    if (self->snapshot)
        iw_snapshot_unref(&self->snapshot);
    iw_doorbell_unref(&self->doorbell);
    if (self->first)
        iw_frame_fini(self->first);
    free(self->first);
    free(self);
    *mail = NULL;
}

void
iw_mail_queue_put(iw_mail_queue *self, iw_mail *mail)
{
    mail->next = NULL;
    if (self->last)
        self->last->next = mail;
    else
        self->first = mail;
    self->last = mail;
}

iw_mail *
iw_mail_queue_take(iw_mail_queue *self)
{
    iw_mail *mail = self->first;
    if (!mail)
        return NULL;
    self->first = mail->next;
    if (!self->first)
        self->last = NULL;
    mail->next = NULL;
    return mail;
}

void
iw_mail_queue_drop(iw_mail_queue *self, uint32_t run)
{
    iw_mail_queue kept = {NULL, NULL};
    for (iw_mail *mail; (mail = iw_mail_queue_take(self));)
        if (run && mail->run == run)
            iw_mail_destroy(&mail);
        else
            iw_mail_queue_put(&kept, mail);
    *self = kept;
}

void
iw_mail_queue_fini(iw_mail_queue *self)
{
    for (iw_mail *mail; (mail = iw_mail_queue_take(self));)
        iw_mail_destroy(&mail);
}

bool
iw_mail_send(void *socket, iw_mail **mail)
{
    iw_mail *pointer = *mail;
    *mail = NULL;
    IW_HANDED_OVER(pointer);
    for (;;) {
        if (zmq_send(socket, &pointer, sizeof(void *), 0) == (int)sizeof(void *))
            return true;
        if (zmq_errno() != EINTR)
            break;
    }
    iw_mail_destroy(&pointer);
    return false;
}

iw_mail *
iw_mail_receive(void *socket, bool wait)
{
    iw_mail *pointer = NULL;
    for (;;) {
        if (zmq_recv(socket, &pointer, sizeof(void *), wait ? 0 : ZMQ_DONTWAIT) ==
            (int)sizeof(void *))
            break;
        if (zmq_errno() != EINTR)
            return NULL;
    }
    IW_TAKEN_OVER(pointer);
    return pointer;
}

static void *
mailbox(void *context, const char *name, int type, iw_error *err)
{
    void *socket = zmq_socket(context, type);
    int none = 0;
    char endpoint[64];
    (void)snprintf(endpoint, sizeof endpoint, "inproc://%s", name);
    if (socket && zmq_setsockopt(socket, ZMQ_SNDHWM, &none, sizeof none) == 0 &&
        zmq_setsockopt(socket, ZMQ_RCVHWM, &none, sizeof none) == 0 &&
        zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none) == 0 &&
        (type == ZMQ_PULL ? zmq_bind(socket, endpoint) : zmq_connect(socket, endpoint)) == 0)
        return socket;
    iw_fail(err, IW_IO, "mailbox %s: %s", name, zmq_strerror(zmq_errno()));
    if (socket)
        (void)zmq_close(socket);
    return NULL;
}

void *
iw_mailbox_bind(void *context, const char *name, iw_error *err)
{
    return mailbox(context, name, ZMQ_PULL, err);
}

void *
iw_mailbox_connect(void *context, const char *name, iw_error *err)
{
    return mailbox(context, name, ZMQ_PUSH, err);
}

void
iw_mailbox_close(void **socket)
{
    int type = ZMQ_PUSH;
    size_t room = sizeof type;
    if (!*socket)
        return;
    (void)zmq_getsockopt(*socket, ZMQ_TYPE, &type, &room);
    for (iw_mail *mail; type == ZMQ_PULL && (mail = iw_mail_receive(*socket, false));)
        iw_mail_destroy(&mail);
    (void)zmq_close(*socket);
    *socket = NULL;
}
