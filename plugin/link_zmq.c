/* SPDX-License-Identifier: BSD-3-Clause */
/* The link to a daemon: one DEALER at a time, owned by the handle's thread. */
#include "client.h"
#include "curve.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

/* What the daemon may send is small, so that the thousand messages that libzmq keeps are; frames
 * that wait inside the socket are bounded in bytes. */
enum { MOST_RECEIVED = 1 << 16, SOCKET_BYTES = 4 << 20, SEND_BATCH = 64 };

/* What a context, its sockets and our thread take, with a little to spare. */
enum { DESCRIPTORS = 20, THREADS = 3 };

typedef enum {
    STATE_WAITING, /* no session until resume_ms */
    STATE_HELLO,   /* HELLO is on its way */
    STATE_OPEN     /* WELCOME came */
} link_state;

typedef struct {
    ionwatch *w;
    link_state state;
    void *socket;  /* DEALER; NULL while waiting */
    void *monitor; /* PAIR that tells of lost connections, and of those that never were */
    iw_curve_client curve;
    int64_t resume_ms;
    int64_t heard_ms;      /* last message from the daemon, or start of the session */
    int64_t said_ms;       /* last message to it */
    int64_t away_since_ms; /* no session since; 0: there is one */
    int64_t persisted_ms;  /* last time that the spool was brought up to date */
    int pause_ms;          /* before the next session */
    int refused_pause_ms;  /* the same after a refusal */
    int64_t refill_ms;     /* after a spool that could not be read, not before */
    bool blocked;          /* the socket takes no more for now */
    bool bye_sent;
    uint64_t pings, pongs; /* in this session */
    uint64_t bye_ping;     /* the PING that followed BYE */
    iw_packet *pending;    /* taken from the outbox, not yet sent */
    iw_buffer scratch;
} zmq_link;

/* With a link also its keys and its monitor. */
static void *
open_socket(ionwatch *w, zmq_link *self, iw_error *err)
{
    char tap[40];
    const int zero = 0;
    const int one = 1;
    const int64_t most = MOST_RECEIVED;
    const int retry = w->timing.retry_ms;
    const int retry_most = w->timing.retry_most_ms;
    size_t frame = 24 + 48 * w->run.n_atoms;
    int waiting = frame * 1000 < SOCKET_BYTES ? 1000 : (int)(SOCKET_BYTES / frame) + 2;
    (void)snprintf(tap, sizeof tap, "inproc://monitor-%u", w->sessions++);
    void *socket = zmq_socket(w->zmq_context, ZMQ_DEALER);
    if (!socket) {
        (void)iw_fail_errno(err, "no socket");
        return NULL;
    }
    (void)zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof zero);
    (void)zmq_setsockopt(socket, ZMQ_IPV6, &one, sizeof one);
    (void)zmq_setsockopt(socket, ZMQ_SNDHWM, &waiting, sizeof waiting);
    (void)zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most, sizeof most);
    (void)zmq_setsockopt(socket, ZMQ_RECONNECT_IVL, &retry, sizeof retry);
    (void)zmq_setsockopt(socket, ZMQ_RECONNECT_IVL_MAX, &retry_most, sizeof retry_most);
    if (self && iw_curve_client_apply(socket, w->endpoint, &self->curve, err) != IW_OK) {
        err->code = IW_REFUSED;
        (void)zmq_close(socket);
        return NULL;
    }
    if (self && zmq_socket_monitor(socket, tap, ZMQ_EVENT_DISCONNECTED | iw_curve_events) == 0) {
        self->monitor = zmq_socket(w->zmq_context, ZMQ_PAIR);
        if (self->monitor) {
            (void)zmq_setsockopt(self->monitor, ZMQ_LINGER, &zero, sizeof zero);
            (void)zmq_connect(self->monitor, tap);
        }
    }
    if (zmq_connect(socket, w->endpoint) != 0) {
        int number = errno;
        (void)iw_fail(err, IW_INVALID, "cannot use endpoint %s: %s", w->endpoint,
                      zmq_strerror(number));
        (void)zmq_socket_monitor(socket, NULL, 0);
        (void)zmq_close(socket);
        return NULL;
    }
    return socket;
}

static void *
return_at_once(void *nothing)
{
    return nothing;
}

/* libzmq ends the process when it cannot have the descriptors and threads that it begins with: so
 * they are tried out before it is asked. */
static iw_status
check_resources(iw_error *err)
{
    int fds[DESCRIPTORS];
    pthread_t threads[THREADS];
    int n_fds = 0;
    int n_threads = 0;
    iw_status status = IW_OK;
    while (status == IW_OK && n_fds < DESCRIPTORS) {
        fds[n_fds] = eventfd(0, EFD_CLOEXEC);
        if (fds[n_fds] < 0)
            status = iw_fail_errno(err, "the connection needs %d descriptors", DESCRIPTORS);
        else
            n_fds++;
    }
    while (status == IW_OK && n_threads < THREADS) {
        errno = iw_client_thread(&threads[n_threads], return_at_once, NULL);
        if (errno)
            status = iw_fail_errno(err, "the connection needs %d threads", THREADS);
        else
            n_threads++;
    }
    while (n_threads > 0)
        (void)pthread_join(threads[--n_threads], NULL);
    while (n_fds > 0)
        (void)close(fds[--n_fds]);
    return status;
}

iw_status
iw_link_zmq_open(ionwatch *w, iw_error *err)
{
    iw_status status = check_resources(err);
    if (status != IW_OK)
        return status;
    w->zmq_context = zmq_ctx_new();
    if (!w->zmq_context)
        return iw_fail(err, IW_NO_MEMORY, "no memory for the connection");
    /* A first socket shows whether the endpoint can be used at all. */
    void *socket = open_socket(w, NULL, err);
    if (!socket)
        return err->code;
    (void)zmq_close(socket);
    return IW_OK;
}

static void
note_error(zmq_link *self, const char *what, const iw_error *err)
{
    pthread_mutex_lock(&self->w->lock);
    (void)iw_fail(&self->w->link_error, err->code, "%s: %s", what, err->text);
    pthread_mutex_unlock(&self->w->lock);
}

static void
end_session(zmq_link *self, int64_t now_ms, int pause_ms)
{
    ionwatch *w = self->w;
    if (self->socket) { /* the monitor's listener goes last: its events have to go somewhere */
        (void)zmq_socket_monitor(self->socket, NULL, 0);
        (void)zmq_close(self->socket);
    }
    if (self->monitor)
        (void)zmq_close(self->monitor);
    self->socket = NULL;
    self->monitor = NULL;
    self->pending = NULL;
    self->state = STATE_WAITING;
    self->resume_ms = now_ms + pause_ms;
    if (self->away_since_ms == 0)
        self->away_since_ms = now_ms;
    pthread_mutex_lock(&w->lock);
    w->connected = false;
    pthread_mutex_unlock(&w->lock);
}

/* Pauses grow as long as nothing comes of the sessions. */
static void
give_up_session(zmq_link *self, int64_t now_ms)
{
    end_session(self, now_ms, self->pause_ms);
    self->pause_ms *= 2;
    if (self->pause_ms > self->w->timing.retry_most_ms)
        self->pause_ms = self->w->timing.retry_most_ms;
}

/* The daemon says no, or our keys do: frames are kept, and it is asked again now and then. */
static void
refuse_session(zmq_link *self, iw_status status, const char *what, const iw_error *err,
               int64_t now_ms)
{
    ionwatch *w = self->w;
    pthread_mutex_lock(&w->lock);
    w->refused = status;
    (void)iw_fail(&w->link_error, IW_REFUSED, "%s: %s", what, err->text);
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    end_session(self, now_ms, self->refused_pause_ms);
    self->refused_pause_ms *= 2;
    if (self->refused_pause_ms > w->timing.refused_most_ms)
        self->refused_pause_ms = w->timing.refused_most_ms;
}

static bool
send_bytes(zmq_link *self, const void *data, size_t size, int64_t now_ms)
{
    if (zmq_send(self->socket, data, size, ZMQ_DONTWAIT) < 0) {
        self->blocked = true;
        return false;
    }
    self->said_ms = now_ms;
    return true;
}

static bool
send_message(zmq_link *self, const iw_message *message, int64_t now_ms)
{
    iw_buffer_clear(&self->scratch);
    if (iw_wire_encode(message, &self->scratch, NULL) != IW_OK)
        return false;
    return send_bytes(self, self->scratch.data, self->scratch.size, now_ms);
}

static void
start_session(zmq_link *self, int64_t now_ms)
{
    iw_error err;
    self->monitor = NULL;
    self->socket = open_socket(self->w, self, &err);
    if (!self->socket) { /* a key that cannot be used, mostly: it may be mended while the run goes
                          */
        refuse_session(self, IW_REFUSED, "connecting", &err, now_ms);
        return;
    }
    self->state = STATE_HELLO;
    self->heard_ms = now_ms;
    self->blocked = false;
    self->bye_sent = false;
    self->pings = self->pongs = self->bye_ping = 0;
    (void)send_bytes(self, self->w->hello.data, self->w->hello.size, now_ms);
}

static bool
send_ping(zmq_link *self, int64_t now_ms)
{
    iw_message ping;
    iw_message_init(&ping, IW_MSG_PING);
    if (!send_message(self, &ping, now_ms))
        return false;
    self->pings++;
    return true;
}

static void
take_welcome(zmq_link *self, const iw_message *message)
{
    ionwatch *w = self->w;
    pthread_mutex_lock(&w->lock);
    /* The first one of a session tells what is durable; a later one only asks again. */
    if (self->state == STATE_HELLO)
        iw_outbox_welcome(&w->outbox, message->seq);
    else
        iw_outbox_send_again(&w->outbox, message->seq);
    pthread_cond_broadcast(&w->changed);
    w->connected = true;
    w->refused = IW_OK;
    pthread_mutex_unlock(&w->lock);
    self->state = STATE_OPEN;
    self->curve.let_in = true;
    self->curve.cut = 0;
    self->away_since_ms = 0;
    self->pause_ms = w->timing.retry_ms;
    self->refused_pause_ms = w->timing.retry_ms;
    self->pending = NULL;
    self->bye_sent = false;
}

static void
take_ack(zmq_link *self, uint64_t seq)
{
    ionwatch *w = self->w;
    uint64_t pending = self->pending ? self->pending->number : UINT64_MAX;
    pthread_mutex_lock(&w->lock);
    iw_outbox_acknowledge(&w->outbox, seq);
    if (pending <= w->outbox.acknowledged) /* it went to the daemon in an earlier session */
        self->pending = NULL;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

/* What the daemon will never take of this handle: frames go to the spool, for a run or a daemon
 * that is another. */
static void
turn_away(zmq_link *self)
{
    pthread_mutex_lock(&self->w->lock);
    self->w->turned_away = true;
    pthread_mutex_unlock(&self->w->lock);
    self->resume_ms = INT64_MAX;
}

/* CLOSED only means that the daemon does not remember us: a new HELLO mends that.  INVALID and
 * PROTOCOL stay true however often we ask.  After any other refusal frames are kept, and the daemon
 * is asked again now and then. */
static void
take_refusal(zmq_link *self, const iw_message *message, int64_t now_ms)
{
    ionwatch *w = self->w;
    if (message->status == IW_CLOSED) {
        end_session(self, now_ms, self->w->timing.retry_ms);
        return;
    }
    iw_error err;
    (void)iw_fail(&err, IW_REFUSED, "%s",
                  message->text[0] ? message->text : ionwatch_status_text(message->status));
    char what[64];
    (void)snprintf(what, sizeof what, "the daemon refuses run %s", w->run.id);
    refuse_session(self, message->status == IW_OK ? IW_REFUSED : message->status, what, &err,
                   now_ms);
    if (message->status == IW_INVALID || message->status == IW_PROTOCOL)
        turn_away(self);
}

static void
bye_arrived(zmq_link *self)
{
    pthread_mutex_lock(&self->w->lock);
    self->w->bye_done = true;
    pthread_cond_broadcast(&self->w->changed);
    pthread_mutex_unlock(&self->w->lock);
}

static void
take_message(zmq_link *self, const void *data, size_t size, int64_t now_ms)
{
    iw_message message;
    iw_error err;
    iw_message_init(&message, IW_MSG_PING);
    iw_status status = iw_wire_decode(data, size, &message, &err);
    if (status != IW_OK) {
        /* A daemon of another version that does not say REFUSED is refused by us. */
        if (status == IW_UNSUPPORTED) {
            message.status = status;
            (void)snprintf(message.text, sizeof message.text, "%.300s", err.text);
            take_refusal(self, &message, now_ms);
        }
        return;
    }
    switch (message.type) {
    case IW_MSG_WELCOME:
        take_welcome(self, &message);
        break;
    case IW_MSG_ACK:
        take_ack(self, message.seq);
        break;
    case IW_MSG_CONTROL:
        if (message.stop)
            iw_client_request_stop(self->w, message.text);
        if (message.stride > 0)
            atomic_store_explicit(&self->w->stride, message.stride, memory_order_relaxed);
        break;
    case IW_MSG_FILED:
        bye_arrived(self);
        break;
    case IW_MSG_REFUSED:
        take_refusal(self, &message, now_ms);
        break;
    case IW_MSG_PING:
        iw_message_init(&message, IW_MSG_PONG);
        (void)send_message(self, &message, now_ms);
        break;
    case IW_MSG_PONG:
        self->pongs++;
        if (self->bye_sent && self->pongs >= self->bye_ping)
            bye_arrived(self);
        break;
    default: /* what only a daemon receives */
        break;
    }
}

static void
receive_all(zmq_link *self, int64_t now_ms)
{
    zmq_msg_t bytes;
    while (self->socket) {
        (void)zmq_msg_init(&bytes);
        if (zmq_msg_recv(&bytes, self->socket, ZMQ_DONTWAIT) < 0) {
            (void)zmq_msg_close(&bytes);
            return;
        }
        self->heard_ms = now_ms;
        take_message(self, zmq_msg_data(&bytes), zmq_msg_size(&bytes), now_ms);
        (void)zmq_msg_close(&bytes);
    }
}

/* What the monitor says: a number and an address for each event.  False when it is silent. */
static bool
next_event(zmq_link *self, uint16_t *event, uint32_t *value)
{
    unsigned char bytes[512];
    if (!self->monitor || zmq_recv(self->monitor, bytes, sizeof bytes, ZMQ_DONTWAIT) != 6)
        return false;
    memcpy(event, bytes, sizeof *event);
    memcpy(value, bytes + 2, sizeof *value);
    (void)zmq_recv(self->monitor, bytes, sizeof bytes, ZMQ_DONTWAIT);
    return true;
}

/* The connection broke: another session begins at once, so that the daemon hears HELLO first. */
static void
check_connection(zmq_link *self, int64_t now_ms)
{
    bool lost = false;
    iw_status status = IW_OK;
    iw_error err;
    uint16_t event;
    uint32_t value;
    while (next_event(self, &event, &value)) {
        lost = true;
        if (status != IW_REFUSED)
            status = iw_curve_explain(&self->curve, self->w->endpoint, event, value, &err);
    }
    if (status == IW_REFUSED) {
        refuse_session(self, status, "connecting", &err, now_ms);
        return;
    }
    if (status != IW_OK)
        note_error(self, "connecting", &err);
    if (lost && self->state == STATE_OPEN)
        end_session(self, now_ms, self->w->timing.retry_ms);
    else if (lost)
        give_up_session(self, now_ms);
}

static iw_packet *
next_packet(zmq_link *self, uint64_t *seq)
{
    ionwatch *w = self->w;
    iw_error err;
    pthread_mutex_lock(&w->lock);
    iw_packet *packet = iw_outbox_next(&w->outbox, seq);
    if (!packet && !iw_outbox_window_is_full(&w->outbox) && iw_spool_has_unread(&w->outbox.spool) &&
        iw_now_ms() >= self->refill_ms) {
        if (iw_outbox_refill(&w->outbox, &err) != IW_OK) {
            w->link_error = err;
            self->refill_ms = iw_now_ms() + w->timing.retry_ms;
        }
        if (iw_outbox_is_empty(&w->outbox)) /* who flushes waits for that */
            pthread_cond_broadcast(&w->changed);
        packet = iw_outbox_next(&w->outbox, seq);
    }
    pthread_mutex_unlock(&w->lock);
    return packet;
}

/* Up to a batch, so that answers are read in between.  True: there is more to send. */
static bool
send_frames(zmq_link *self, int64_t now_ms)
{
    self->blocked = false;
    for (int i = 0; i < SEND_BATCH; i++) {
        uint64_t seq;
        iw_packet *packet = self->pending;
        if (!packet) {
            packet = next_packet(self, &seq);
            if (!packet)
                return false;
            /* Only this thread touches a packet that is in the outbox. */
            if (iw_wire_set_seq(packet->bytes.data, packet->bytes.size, seq, NULL) != IW_OK)
                continue;
        }
        self->pending = packet;
        if (!send_bytes(self, packet->bytes.data, packet->bytes.size, now_ms))
            return false;
        self->pending = NULL;
    }
    return true;
}

/* BYE follows the acknowledgement of the last frame, so that nothing can be asked for again after
 * it; the PONG to the PING behind it tells that it arrived. */
static void
send_bye(zmq_link *self, int64_t now_ms)
{
    ionwatch *w = self->w;
    iw_message bye;
    iw_message_init(&bye, IW_MSG_BYE);
    pthread_mutex_lock(&w->lock);
    bool due = w->finishing && !w->bye_done && iw_outbox_is_empty(&w->outbox);
    bye.seq = iw_outbox_last_seq(&w->outbox);
    memcpy(bye.text, w->bye, sizeof bye.text);
    pthread_mutex_unlock(&w->lock);
    if (!due || self->bye_sent || !send_message(self, &bye, now_ms))
        return;
    self->bye_sent = send_ping(self, now_ms);
    self->bye_ping = self->pings;
}

/* Without a daemon frames are brought to the spool, where even a killed process leaves them. */
static void
keep_safe(zmq_link *self, int64_t now_ms)
{
    ionwatch *w = self->w;
    if (self->away_since_ms == 0 || now_ms - self->away_since_ms < w->timing.persist_ms ||
        now_ms - self->persisted_ms < w->timing.persist_ms / 5)
        return;
    iw_error err = {.code = IW_OK};
    self->persisted_ms = now_ms;
    self->pending = NULL;
    pthread_mutex_lock(&w->lock);
    iw_status status = iw_outbox_persist(&w->outbox, &err);
    if (status == IW_OK)
        status = iw_spool_flush(&w->outbox.spool, false, &err);
    if (status != IW_OK && w->refused == IW_OK)
        (void)iw_fail(&w->link_error, status, "spool: %s", err.text);
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

static bool
work_session(zmq_link *self, int64_t now_ms)
{
    const iw_client_timing *timing = &self->w->timing;
    bool more = false;
    receive_all(self, now_ms);
    check_connection(self, now_ms);
    if (self->state == STATE_OPEN) {
        more = send_frames(self, now_ms);
        send_bye(self, now_ms);
    }
    bool silent = self->socket && now_ms - self->heard_ms >= timing->dead_ms;
    if (self->state == STATE_OPEN && now_ms - self->said_ms >= timing->ping_ms)
        (void)send_ping(self, now_ms);
    if (silent)
        give_up_session(self, now_ms);
    return more;
}

static void
clear_wake(int fd)
{
    uint64_t count;
    ssize_t ignored = read(fd, &count, sizeof count);
    (void)ignored;
}

/* Decides under the lock whether to sleep until woken (long) or only to doze, so that no frame is
 * overlooked: a caller that finds the link asleep wakes it. */
static long
time_to_wait(zmq_link *self, int64_t now_ms, bool busy)
{
    ionwatch *w = self->w;
    const iw_client_timing *timing = &w->timing;
    pthread_mutex_lock(&w->lock);
    bool open = self->state == STATE_OPEN;
    bool news = open && !self->blocked && !iw_outbox_window_is_full(&w->outbox) &&
                !iw_outbox_all_sent(&w->outbox) && now_ms >= self->refill_ms;
    long wait_ms = timing->ping_ms;
    if (self->state == STATE_WAITING)
        wait_ms = (long)(self->resume_ms > now_ms ? self->resume_ms - now_ms : 0);
    else if (self->away_since_ms != 0 && wait_ms > timing->persist_ms / 5)
        wait_ms = timing->persist_ms / 5;
    if (wait_ms > timing->dead_ms / 3)
        wait_ms = timing->dead_ms / 3;
    if (w->closing && w->deadline_ms - now_ms < wait_ms)
        wait_ms = w->deadline_ms > now_ms ? (long)(w->deadline_ms - now_ms) : 0;
    if (self->refill_ms > now_ms && wait_ms > self->refill_ms - now_ms)
        wait_ms = (long)(self->refill_ms - now_ms);
    if (busy && wait_ms > timing->doze_ms)
        wait_ms = timing->doze_ms;
    if (news)
        wait_ms = 0;
    w->asleep = open && !busy && !news && !self->blocked;
    pthread_mutex_unlock(&w->lock);
    return wait_ms;
}

static void
wait_for_events(zmq_link *self, long wait_ms)
{
    zmq_pollitem_t items[3] = {{.fd = self->w->wake_fd, .events = ZMQ_POLLIN}};
    int n = 1;
    if (self->socket)
        items[n++] =
            (zmq_pollitem_t){.socket = self->socket,
                             .events = (short)(ZMQ_POLLIN | (self->blocked ? ZMQ_POLLOUT : 0))};
    if (self->monitor)
        items[n++] = (zmq_pollitem_t){.socket = self->monitor, .events = ZMQ_POLLIN};
    if (zmq_poll(items, n, wait_ms) > 0 && items[0].revents)
        clear_wake(self->w->wake_fd);
}

void
iw_link_zmq_run(ionwatch *w)
{
    zmq_link self = {.w = w,
                     .pause_ms = w->timing.retry_ms,
                     .refused_pause_ms = w->timing.retry_ms,
                     .away_since_ms = iw_now_ms()};
    int64_t frames_at_ms = 0; /* when frames were last pushed */
    uint64_t last_number = 0;
    for (;;) {
        int64_t now_ms = iw_now_ms();
        if (self.state == STATE_WAITING && now_ms >= self.resume_ms)
            start_session(&self, now_ms);
        bool more = self.socket && work_session(&self, now_ms);
        keep_safe(&self, now_ms);

        pthread_mutex_lock(&w->lock);
        bool end = iw_client_may_end(w, now_ms);
        if (w->outbox.last_number != last_number) {
            last_number = w->outbox.last_number;
            frames_at_ms = now_ms;
        }
        pthread_mutex_unlock(&w->lock);
        if (end)
            break;
        /* While frames come quickly the link looks for them by itself, every few milliseconds. */
        bool busy =
            self.state == STATE_OPEN && now_ms - frames_at_ms <= INT64_C(5) * w->timing.doze_ms;
        long wait_ms = more ? 0 : time_to_wait(&self, now_ms, busy);
        wait_for_events(&self, wait_ms);
    }
    end_session(&self, iw_now_ms(), 0);
    iw_buffer_fini(&self.scratch);
}
