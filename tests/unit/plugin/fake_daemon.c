/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fake_daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

typedef struct {
    fake_daemon *daemon;
    void *router;
    unsigned char peer[64];
    size_t peer_size;
    bool known; /* the peer has said HELLO */
} desk;

static void
answer(desk *d, iw_message *message)
{
    iw_buffer bytes = {0};
    if (!atomic_load(&d->daemon->silent) && iw_wire_encode(message, &bytes, NULL) == IW_OK) {
        (void)zmq_send(d->router, d->peer, d->peer_size, ZMQ_SNDMORE);
        (void)zmq_send(d->router, bytes.data, bytes.size, 0);
    }
    iw_buffer_fini(&bytes);
}

static void
answer_seq(desk *d, iw_msg_type type, uint64_t seq)
{
    iw_message message;
    iw_message_init(&message, type);
    message.seq = seq;
    answer(d, &message);
}

static void
refuse(desk *d, iw_status status)
{
    iw_message message;
    iw_message_init(&message, IW_MSG_REFUSED);
    message.status = status;
    (void)snprintf(message.text, sizeof message.text, "not today");
    answer(d, &message);
}

static void
take_hello(desk *d, const iw_message *hello)
{
    fake_daemon *self = d->daemon;
    pthread_mutex_lock(&self->lock);
    (void)iw_run_info_copy(&self->run, hello->run, NULL);
    self->hellos++;
    uint64_t next = self->next_seq;
    pthread_mutex_unlock(&self->lock);
    d->known = true;
    if (atomic_load(&self->refuse))
        refuse(d, (iw_status)atomic_load(&self->refuse));
    else
        answer_seq(d, IW_MSG_WELCOME, next);
}

static void
take_frame(desk *d, const iw_frame_view *frame)
{
    fake_daemon *self = d->daemon;
    if (atomic_load(&self->leave) > 0) {
        if (atomic_fetch_sub(&self->leave, 1) == 1) {
            pthread_mutex_lock(&self->lock);
            uint64_t next = self->next_seq;
            pthread_mutex_unlock(&self->lock);
            answer_seq(d, IW_MSG_WELCOME, next);
        }
        return;
    }
    pthread_mutex_lock(&self->lock);
    if (frame->seq < self->next_seq) {
        self->repeated++;
    } else if (self->frames < FAKE_MOST) {
        double x = 0.0;
        float x32;
        if (frame->pos_is_f32) {
            memcpy(&x32, frame->pos, sizeof x32);
            x = (double)x32;
        } else {
            memcpy(&x, frame->pos, sizeof x);
        }
        self->seq[self->frames] = frame->seq;
        self->step[self->frames] = frame->step;
        self->first_x_A[self->frames++] = x;
        self->next_seq = frame->seq + 1;
    }
    uint64_t durable = self->next_seq - 1;
    pthread_mutex_unlock(&self->lock);
    if (!atomic_load(&self->unacknowledged))
        answer_seq(d, IW_MSG_ACK, durable);
    if (atomic_exchange(&self->stop, 0)) {
        iw_message control;
        iw_message_init(&control, IW_MSG_CONTROL);
        control.stop = true;
        control.stride = 20;
        (void)snprintf(control.text, sizeof control.text, "converged");
        answer(d, &control);
    }
}

static void
take_message(desk *d, const void *data, size_t size)
{
    fake_daemon *self = d->daemon;
    iw_run_info run;
    iw_message message;
    iw_run_info_init(&run);
    iw_message_init(&message, IW_MSG_PING);
    message.run = &run;
    if (iw_wire_decode(data, size, &message, NULL) != IW_OK)
        abort(); /* the client must not say anything that cannot be decoded */
    if (message.type == IW_MSG_HELLO) {
        take_hello(d, &message);
    } else if (!d->known && atomic_load(&self->forgetful)) {
        refuse(d, IW_CLOSED);
    } else if (message.type == IW_MSG_FRAME) {
        take_frame(d, &message.frame);
    } else if (message.type == IW_MSG_PING) {
        pthread_mutex_lock(&self->lock);
        self->pings++;
        pthread_mutex_unlock(&self->lock);
        iw_message_init(&message, IW_MSG_PONG);
        answer(d, &message);
    } else if (message.type == IW_MSG_BYE) {
        pthread_mutex_lock(&self->lock);
        self->byes++;
        memcpy(self->why, message.text, sizeof self->why);
        pthread_mutex_unlock(&self->lock);
    }
    iw_run_info_fini(&run);
}

static void *
run(void *argument)
{
    const int zero = 0;
    const int tick_ms = 10;
    desk d = {.daemon = argument};
    void *context = zmq_ctx_new();
    d.router = zmq_socket(context, ZMQ_ROUTER);
    (void)zmq_setsockopt(d.router, ZMQ_LINGER, &zero, sizeof zero);
    (void)zmq_setsockopt(d.router, ZMQ_RCVTIMEO, &tick_ms, sizeof tick_ms);
    if (zmq_bind(d.router, d.daemon->endpoint) != 0)
        abort();
    while (!atomic_load(&d.daemon->ending)) {
        unsigned char peer[64];
        zmq_msg_t bytes;
        int size = zmq_recv(d.router, peer, sizeof peer, 0);
        if (size < 0)
            continue;
        (void)zmq_msg_init(&bytes);
        if (zmq_msg_recv(&bytes, d.router, 0) >= 0) {
            if (d.peer_size != (size_t)size || memcmp(peer, d.peer, (size_t)size) != 0)
                d.known = false;
            memcpy(d.peer, peer, (size_t)size);
            d.peer_size = (size_t)size;
            take_message(&d, zmq_msg_data(&bytes), zmq_msg_size(&bytes));
        }
        (void)zmq_msg_close(&bytes);
    }
    (void)zmq_close(d.router);
    (void)zmq_ctx_term(context);
    return NULL;
}

void
fake_init(fake_daemon *self, const char *endpoint)
{
    memset(self, 0, sizeof *self);
    self->endpoint = endpoint;
    self->next_seq = 1;
    iw_run_info_init(&self->run);
    (void)pthread_mutex_init(&self->lock, NULL);
}

void
fake_fini(fake_daemon *self)
{
    iw_run_info_fini(&self->run);
    (void)pthread_mutex_destroy(&self->lock);
}

void
fake_start(fake_daemon *self)
{
    atomic_store(&self->ending, 0);
    if (pthread_create(&self->thread, NULL, run, self) != 0)
        abort();
}

void
fake_stop(fake_daemon *self)
{
    atomic_store(&self->ending, 1);
    (void)pthread_join(self->thread, NULL);
}

static bool
wait_count(fake_daemon *self, const int *count, int n)
{
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&self->lock);
        bool there = *count >= n;
        pthread_mutex_unlock(&self->lock);
        if (there)
            return true;
        (void)usleep(5000);
    }
    return false;
}

bool
fake_wait_frames(fake_daemon *self, int n)
{
    return wait_count(self, &self->frames, n);
}

bool
fake_wait_hellos(fake_daemon *self, int n)
{
    return wait_count(self, &self->hellos, n);
}

bool
fake_wait_byes(fake_daemon *self, int n)
{
    return wait_count(self, &self->byes, n);
}
