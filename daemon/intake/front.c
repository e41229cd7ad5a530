/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "intake/front_internal.h"
#include "ionwatchd/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MS = 250, BATCH = 256, LINGER_MS = 1000 };

/* Messages that wait inside libzmq for each peer.  What an adapter sends is left with it sooner
 * than it fills our memory; what is long among answers is counted in bytes, see ledger.h. */
enum { WAITING_IN = 128, WAITING_OUT = 4096 };

static const double PUB_PAUSE_S = 0.5;

/* A socket file that nobody answers is left over from a daemon that was killed: libzmq replaces it.
 * One that somebody answers must not be taken away from him. */
static bool
is_answered(void *context, const char *endpoint)
{
    if (strncmp(endpoint, "ipc://", 6) != 0 || access(endpoint + 6, F_OK) != 0)
        return false;
    void *socket = zmq_socket(context, ZMQ_DEALER);
    void *monitor = zmq_socket(context, ZMQ_PAIR);
    bool answered = false;
    if (socket && monitor &&
        zmq_socket_monitor(socket, "inproc://probe",
                           ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_CLOSED) ==
            0 &&
        zmq_connect(monitor, "inproc://probe") == 0 && zmq_connect(socket, endpoint) == 0) {
        int patience_ms = 500;
        (void)zmq_setsockopt(monitor, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
        unsigned char event[6] = {0};
        if (zmq_recv(monitor, event, sizeof event, 0) == (int)sizeof event) {
            uint16_t kind = 0;
            memcpy(&kind, event, sizeof kind);
            answered = kind == ZMQ_EVENT_CONNECTED;
        }
    }
    int none = 0;
    if (socket) {
        (void)zmq_socket_monitor(socket, NULL, 0);
        (void)zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
        (void)zmq_close(socket);
    }
    if (monitor)
        (void)zmq_close(monitor);
    return answered;
}

static iw_status
check_endpoint(const char *endpoint, iw_error *err)
{
    bool tcp = strncmp(endpoint, "tcp://", 6) == 0;
    if (!tcp && strncmp(endpoint, "ipc://", 6) != 0)
        return iw_fail(err, IW_INVALID,
                       "cannot listen at %s: an endpoint is ipc://PATH or tcp://HOST:PORT",
                       endpoint);
    if (!tcp && iw_socket_file_check(endpoint + 6, err) != IW_OK)
        return iw_prefix(err, "cannot listen at %s", endpoint);
    const char *port = strrchr(endpoint, ':') + 1;
    char *end = NULL;
    long number = tcp ? strtol(port, &end, 10) : 0;
    if (tcp && strcmp(port, "*") != 0 && (end == port || *end || number < 0 || number > 65535))
        return iw_fail(err, IW_INVALID,
                       "cannot listen at %s: \"%s\" is no port: tcp://HOST:PORT with a port from 1 "
                       "to 65535, or * for any free one",
                       endpoint, port);
    return IW_OK;
}

/* ipc:// is guarded by the file system. */
static bool
is_guarded(const iw_front *self, const char *endpoint)
{
    return strncmp(endpoint, "tcp://", 6) == 0 &&
           (self->require_keys || (!iw_endpoint_is_local(endpoint) && !self->insecure_tcp));
}

static iw_status
prepare_pub(void *front, void *socket, const char *endpoint, iw_error *err)
{
    const iw_front *self = front;
    if (check_endpoint(endpoint, err) != IW_OK)
        return err->code;
    return iw_gate_prepare(self->gate, socket, IW_DOOR_LISTEN, endpoint, is_guarded(self, endpoint),
                           err);
}

static void
refuse_subscriber(void *front, const char *who, const char *why)
{
    const iw_front *self = front;
    iw_gate_refused(self->gate, "intake.refused", who, "subscriber", why);
}

static iw_status
bind_one(iw_front *self, void *context, const char *endpoint, const char *keys, iw_error *err)
{
    bool guarded = is_guarded(self, endpoint);
    iw_status status = check_endpoint(endpoint, err);
    if (status == IW_OK && guarded) {
        status = iw_gate_arm(self->gate, self->data, keys, err);
        if (status != IW_OK) {
            (void)iw_prefix(err,
                            "%s asks for keys (--insecure-tcp would let everybody in who "
                            "reaches it; ipc:// and tcp://127.0.0.1 need none)",
                            endpoint);
            return status;
        }
    }
    if (status == IW_OK && is_answered(context, endpoint))
        status = iw_fail(err, IW_EXISTS,
                         "cannot listen at %s: another daemon answers there: stop it, or use "
                         "another --listen",
                         endpoint);
    if (status == IW_OK)
        status = iw_gate_prepare(self->gate, self->router, IW_DOOR_TALK, endpoint, guarded, err);
    if (status == IW_OK && zmq_bind(self->router, endpoint) != 0)
        status = iw_fail(err, IW_IO, "cannot listen at %s: %s: use another --listen", endpoint,
                         zmq_strerror(zmq_errno()));
    if (status != IW_OK)
        return status;
    size_t room = sizeof self->listen[0];
    (void)zmq_getsockopt(self->router, ZMQ_LAST_ENDPOINT, self->listen[self->n_listen], &room);
    self->n_listen++;
    return IW_OK;
}

static iw_status
bind_all(iw_front *self, void *context, const iw_front_options *options, iw_error *err)
{
    self->router = zmq_socket(context, ZMQ_ROUTER);
    self->listen = calloc(options->n_listen, sizeof *self->listen);
    if (!self->router || !self->listen)
        return iw_fail(err, IW_NO_MEMORY, "the front door: out of memory");
    self->gate = iw_gate_new(context, options->heartbeat_s, err);
    self->ledger = iw_ledger_new(err);
    if (!self->gate || !self->ledger)
        return IW_IO;
    int yes = 1;
    int linger_ms = LINGER_MS;
    int64_t limit = (int64_t)self->message_limit; /* a longer one ends the connection unread */
    int in = WAITING_IN;
    int out = WAITING_OUT;
    (void)zmq_setsockopt(self->router, ZMQ_ROUTER_MANDATORY, &yes, sizeof yes);
    (void)zmq_setsockopt(self->router, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    (void)zmq_setsockopt(self->router, ZMQ_MAXMSGSIZE, &limit, sizeof limit);
    (void)zmq_setsockopt(self->router, ZMQ_RCVHWM, &in, sizeof in);
    (void)zmq_setsockopt(self->router, ZMQ_SNDHWM, &out, sizeof out);
    iw_gate_watch(self->gate, self->router);
    for (size_t i = 0; i < options->n_listen; i++) {
        iw_status status =
            bind_one(self, context, options->listen[i], options->authorised_keys, err);
        if (status != IW_OK)
            return status;
    }
    const char *bound[64];
    size_t n = self->n_listen < 64 ? self->n_listen : 64;
    for (size_t i = 0; i < n; i++)
        bound[i] = self->listen[i];
    iw_pub_guard guard = {prepare_pub, refuse_subscriber, self};
    self->pub = iw_pub_open(context, bound, n, &guard, err);
    return self->pub ? iw_gate_start(self->gate, err) : IW_IO;
}

static iw_status
connect_workers(iw_front *self, void *context, unsigned n, iw_error *err)
{
    self->workers = calloc(n + 1, sizeof *self->workers);
    if (!self->workers)
        return iw_fail(err, IW_NO_MEMORY, "the front door: out of memory");
    for (; self->n_workers < n; self->n_workers++) {
        char name[32];
        (void)snprintf(name, sizeof name, "worker-%u", self->n_workers);
        self->workers[self->n_workers] = iw_mailbox_connect(context, name, err);
        if (!self->workers[self->n_workers])
            return IW_IO;
    }
    return IW_OK;
}

iw_front *
iw_front_new(void *context, const iw_front_options *options, iw_error *err)
{
    iw_front *self = calloc(1, sizeof *self);
    if (!self) {
        iw_fail(err, IW_NO_MEMORY, "the front door: out of memory");
        return NULL;
    }
    self->heartbeat_s = options->heartbeat_s;
    self->lost_after_s = options->lost_after_s;
    self->insecure_tcp = options->insecure_tcp;
    self->require_keys = options->require_keys;
    self->message_limit = (size_t)options->message_limit_mib << 20;
    self->runs.room = (uint64_t)options->queue_mib << 20;
    self->max_runs = options->max_runs;
    self->max_atoms = options->max_atoms;
    self->max_run_bytes = options->max_run_mib ? (uint64_t)options->max_run_mib << 20 : UINT64_MAX;
    self->min_free_mib = options->min_free_mib;
    self->stalled_s = options->stalled_s;
    self->started_s = iw_now();
    self->started_unix_s = (double)time(NULL);
    iw_text_copy(self->data, sizeof self->data, options->data);
    iw_text_copy(self->db, sizeof self->db, options->db);
    bool good = bind_all(self, context, options, err) == IW_OK;
    if (good) {
        self->inbox = iw_mailbox_bind(context, "front", err);
        self->journal = iw_mailbox_connect(context, "journal", err);
        self->keeper = iw_mailbox_connect(context, "keeper", err);
        self->store = iw_mailbox_connect(context, "store", err);
        self->web = iw_mailbox_connect(context, "web", err);
        if (options->stalled_s > 0)
            self->herald = iw_mailbox_connect(context, "herald", err);
        good = self->inbox && self->journal && self->keeper && self->store && self->web &&
               (self->herald || options->stalled_s <= 0) &&
               connect_workers(self, context, options->workers, err) == IW_OK;
    }
    if (!good)
        iw_front_destroy(&self);
    return self;
}

void
iw_front_destroy(iw_front **front)
{
    iw_front *self = *front;
    if (!self)
        return;
    if (self->router) {
        (void)zmq_socket_monitor(self->router, NULL, 0);
        (void)zmq_close(self->router);
    }
    iw_mailbox_close(&self->inbox);
    iw_mailbox_close(&self->journal);
    iw_mailbox_close(&self->keeper);
    iw_mailbox_close(&self->store);
    iw_mailbox_close(&self->web);
    iw_mailbox_close(&self->herald);
    for (unsigned i = 0; i < self->n_workers; i++)
        iw_mailbox_close(&self->workers[i]);
    free(self->workers);
    iw_pub_close(&self->pub);
    iw_gate_destroy(&self->gate);
    iw_ledger_destroy(&self->ledger);
    iw_live_list_fini(&self->runs);
    iw_buffer_fini(&self->out);
    free(self->listen);
    free(self);
    *front = NULL;
}

bool
iw_front_send(iw_front *self, const iw_peer *peer, const iw_message *message)
{
    iw_error err;
    iw_buffer_clear(&self->out);
    if (iw_wire_encode(message, &self->out, &err) != IW_OK) {
        iw_log("intake.encode", "%s", err.text);
        return false;
    }
    return zmq_send(self->router, peer->data, peer->size, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0 &&
           zmq_send(self->router, self->out.data, self->out.size, ZMQ_DONTWAIT) >= 0;
}

void
iw_front_refuse(iw_front *self, const iw_peer *peer, iw_status status, const char *text)
{
    iw_message refused;
    iw_message_init(&refused, IW_MSG_REFUSED);
    refused.status = status;
    iw_text_copy(refused.text, sizeof refused.text, text);
    if (peer->size > 0)
        (void)iw_front_send(self, peer, &refused);
}

void
iw_front_mail(void *to, iw_mail_kind kind, const iw_live *run, const char *text)
{
    iw_mail *mail = iw_mail_new(kind, run ? run->number : 0);
    if (!mail)
        return;
    if (run)
        memcpy(mail->id, run->info->id, sizeof mail->id);
    iw_text_copy(mail->text, sizeof mail->text, text);
    (void)iw_mail_send(to, &mail);
}

/* What cannot be read ends the session of who sent it. */
static void
unreadable(iw_front *self, const iw_peer *peer, const iw_message *message, iw_status status,
           const iw_error *err)
{
    char text[IW_WIRE_TEXT];
    if (status == IW_UNSUPPORTED)
        (void)snprintf(text, sizeof text,
                       "this daemon (ionwatchd %s) speaks protocol version %d, the message is of "
                       "version %d: use programs of the same release",
                       IONWATCH_VERSION, IW_PROTOCOL_VERSION, message->version);
    else
        iw_text_copy(text, sizeof text, err->text);
    iw_gate_refused(self->gate, "intake.unreadable", self->who.address,
                    status == IW_UNSUPPORTED ? "version" : "bytes", text);
    if (message->type == IW_MSG_ASK)
        iw_front_answer(self, peer, status, text, NULL, 0);
    else
        iw_front_refuse(self, peer, status, text);
    iw_live *run = iw_front_session(self, peer);
    if (run)
        run->peer.size = 0;
}

static void
dispatch(iw_front *self, const iw_peer *peer, zmq_msg_t *bytes)
{
    iw_error err = {0};
    iw_message message;
    iw_run_info *info = NULL;
    iw_run_info hello;
    iw_run_info_init(&hello);
    iw_message_init(&message, IW_MSG_PING);
    message.run = &hello;
    iw_gate_who(self->gate, bytes, &self->who);
    if (!iw_front_may(self, peer, NULL)) /* nothing of it is looked at */
        return;
    iw_status status = iw_wire_decode(zmq_msg_data(bytes), zmq_msg_size(bytes), &message, &err);
    if (status == IW_OK && !iw_front_may(self, peer, &message)) {
        iw_run_info_fini(&hello);
        return;
    }
    if (status == IW_OK && message.type == IW_MSG_HELLO)
        status = iw_front_sign(self, &message, &hello, bytes, &err);
    if (status == IW_OK && message.type == IW_MSG_HELLO) {
        info = malloc(sizeof *info);
        if (info) {
            *info = hello;
            iw_run_info_init(&hello);
        } else {
            status = iw_fail(&err, IW_NO_MEMORY, "the daemon is out of memory");
        }
    }
    if (status != IW_OK) {
        unreadable(self, peer, &message, status, &err);
        iw_run_info_fini(&hello);
        return;
    }
    switch (message.type) {
    case IW_MSG_HELLO:
        iw_front_hello(self, peer, &message, &info, bytes);
        break;
    case IW_MSG_FRAME:
        iw_front_frame(self, peer, &message, bytes);
        break;
    case IW_MSG_BYE:
        iw_front_bye(self, peer, &message, bytes);
        break;
    case IW_MSG_PING:
    case IW_MSG_PONG:
        iw_front_sign_of_life(self, peer, message.type == IW_MSG_PING);
        break;
    case IW_MSG_ASK:
        iw_front_ask(self, peer, &message);
        break;
    default:
        iw_front_refuse(self, peer, IW_PROTOCOL, "this message goes from the daemon to adapters");
    }
    if (info) {
        iw_run_info_fini(info);
        free(info);
    }
    iw_run_info_fini(&hello);
}

/* One message: identity, then bytes.  False when there is none. */
static bool
receive(iw_front *self)
{
    iw_peer peer = {0};
    int size = zmq_recv(self->router, peer.data, sizeof peer.data, ZMQ_DONTWAIT);
    if (size < 0)
        return false;
    peer.size = (unsigned char)size;
    zmq_msg_t bytes;
    (void)zmq_msg_init(&bytes);
    int more = 0;
    size_t room = sizeof more;
    size_t parts = 0;
    (void)zmq_getsockopt(self->router, ZMQ_RCVMORE, &more, &room);
    while (more && zmq_msg_recv(&bytes, self->router, ZMQ_DONTWAIT) >= 0) {
        more = zmq_msg_more(&bytes);
        parts++;
    }
    if (parts == 1)
        dispatch(self, &peer, &bytes);
    else
        iw_front_refuse(self, &peer, IW_PROTOCOL, "a message has one part");
    (void)zmq_msg_close(&bytes);
    return true;
}

static void
recovered(iw_front *self, iw_mail *mail)
{
    iw_live *run = iw_live_add(&self->runs, mail->run, &mail->info);
    if (!run)
        return;
    run->heard_s = iw_now();
    run->durable_seq = mail->seq;
    run->journal_bytes = mail->offset;
    run->bye_durable = true;
    run->next_seq = mail->seq + 1;
    run->filed = run->history = mail->flag;
    run->ending = !mail->flag && mail->summary.state[0];
    memcpy(run->why, mail->summary.state, sizeof run->why);
    memcpy(run->stop, mail->text, sizeof run->stop);
    run->summary = mail->summary;
    if (run->filed)
        iw_front_mail(self->keeper, IW_MAIL_KEEP, run, "");
}

/* Snapshots are written for who wants them only: a thousand runs would make them in vain. */
static void
tell_listened(iw_front *self, iw_live *run)
{
    bool listened = run->paged || iw_pub_is_wanted(self->pub, run->info->id);
    if (run->filed) /* no worker has it; one that gets it later knows nothing */
        run->listened = false;
    if (listened == run->listened || run->filed || run->ending || run->unfiled)
        return;
    iw_mail *mail = iw_mail_new(IW_MAIL_LISTEN, run->number);
    if (!mail)
        return;
    run->listened = listened;
    memcpy(mail->id, run->info->id, sizeof mail->id);
    mail->flag = listened;
    (void)iw_mail_send(self->journal, &mail);
}

static void
publish(iw_front *self, iw_live *run, iw_mail *mail)
{
    run->summary = mail->summary;
    if (mail->json.size == 0)
        return;
    iw_pub_send(self->pub, run->info->id, mail->json.data, mail->json.size);
    iw_mail *page = run->paged ? iw_mail_new(IW_MAIL_PUBLISH, 0) : NULL;
    if (!page)
        return;
    memcpy(page->id, run->info->id, sizeof page->id);
    page->json = mail->json;
    mail->json = (iw_buffer){0};
    (void)iw_mail_send(self->web, &page);
}

/* The thread `web` asks as any reader does, and needs no key. */
static void
page_asks(iw_front *self, iw_mail *mail)
{
    iw_error err = {0};
    iw_message message;
    iw_message_init(&message, IW_MSG_PING);
    iw_status status =
        iw_wire_decode(zmq_msg_data(&mail->message), zmq_msg_size(&mail->message), &message, &err);
    if (status == IW_OK && self->ready && !self->quitting)
        iw_front_ask(self, &mail->peer, &message);
    else
        iw_front_answer(self, &mail->peer, status ? status : IW_AGAIN,
                        status ? err.text : "the daemon is starting or stopping", NULL, 0);
}

static void
page_watches(iw_front *self, const iw_mail *mail)
{
    iw_live *run = iw_live_by_id(&self->runs, mail->id);
    if (!run)
        return;
    run->paged = mail->flag;
    tell_listened(self, run);
}

static void
about_run(iw_front *self, iw_live *run, iw_mail *mail)
{
    switch (mail->kind) {
    case IW_MAIL_OPENED:
        iw_front_opened(self, run, mail);
        break;
    case IW_MAIL_DURABLE:
        iw_front_durable(self, run, mail);
        break;
    case IW_MAIL_WAITING:
        run->waiting = true;
        iw_text_copy(run->reason, sizeof run->reason, mail->text);
        break;
    case IW_MAIL_FILED:
        iw_front_filed(self, run, mail);
        break;
    case IW_MAIL_GONE:
        run->gone = run->filed;
        break;
    case IW_MAIL_PUBLISH:
        iw_front_work(self, &mail->work);
        publish(self, run, mail);
        break;
    case IW_MAIL_COUNT:
        iw_front_work(self, &mail->work);
        run->summary.frames = mail->seq;
        run->summary.time_ps = mail->summary.time_ps;
        break;
    case IW_MAIL_STOP_WISH:
        iw_front_stop(self, run, mail->text);
        break;
    default:
        break;
    }
}

static void
take(iw_front *self, iw_mail *mail)
{
    iw_live *run = mail->run ? iw_live_by_number(&self->runs, mail->run) : NULL;
    switch (mail->kind) {
    case IW_MAIL_QUIT:
        self->quitting = true;
        iw_front_mail(self->journal, IW_MAIL_QUIT, NULL, "");
        break;
    case IW_MAIL_DONE:
        self->terminated = true;
        break;
    case IW_MAIL_RECOVERED:
        recovered(self, mail);
        break;
    case IW_MAIL_READY:
        self->ready = true;
        if (mail->run > self->runs.last_number)
            self->runs.last_number = mail->run;
        iw_log("intake.ready", "%zu runs known", self->runs.n);
        for (size_t i = 0; i < self->n_listen; i++)
            iw_log("intake.listen", "%s, live snapshots at %s", self->listen[i],
                   iw_pub_endpoint(self->pub, i));
        break;
    case IW_MAIL_ROOM:
        iw_front_room(self, mail->seq, mail->offset);
        break;
    case IW_MAIL_TOLD:
        iw_front_told(self, mail->status, mail->text);
        break;
    case IW_MAIL_ASK:
        page_asks(self, mail);
        break;
    case IW_MAIL_WATCH:
        page_watches(self, mail);
        break;
    case IW_MAIL_PAGE:
        iw_text_copy(self->http, sizeof self->http, mail->status == IW_OK ? mail->text : "");
        iw_text_copy(self->http_trouble, sizeof self->http_trouble,
                     mail->status == IW_OK ? "" : mail->text);
        break;
    case IW_MAIL_ANSWER:
        iw_ledger_answered(self->ledger, &mail->peer);
        if (mail->removal)
            iw_front_removed(self, mail->id);
        iw_front_answer(self, &mail->peer, mail->status, mail->text, (const char *)mail->json.data,
                        mail->json.size);
        break;
    default:
        if (run)
            about_run(self, run, mail);
        else if (mail->kind == IW_MAIL_WAITING)
            iw_front_database(self, mail->text);
    }
    iw_mail_destroy(&mail);
}

/* A key that may read no more has perhaps a subscription: all come in anew, as after any shutting.
 */
static void
renew_pub(iw_front *self)
{
    iw_error err;
    if (iw_gate_readers_changed(self->gate))
        iw_pub_shut(self->pub);
    if (iw_pub_is_shut(self->pub) && self->pub_reopen_s == 0)
        self->pub_reopen_s = iw_now() + PUB_PAUSE_S;
    if (self->pub_reopen_s > 0 && iw_now() >= self->pub_reopen_s) {
        if (iw_pub_reopen(self->pub, &err) == IW_OK)
            self->pub_reopen_s = 0;
        else
            iw_gate_refused(self->gate, "intake.publisher", "live snapshots", "reopen", err.text);
    }
}

static void
tell_listeners(iw_front *self)
{
    iw_pub_hear(self->pub);
    for (size_t i = 0; i < self->runs.n; i++)
        tell_listened(self, self->runs.items[i]);
}

void *
iw_front_run(void *front)
{
    iw_front *self = front;
    double next_tick = 0;
    while (!self->terminated) {
        zmq_pollitem_t items[] = {{self->inbox, 0, ZMQ_POLLIN, 0},
                                  {self->router, 0, ZMQ_POLLIN, 0}};
        bool open = self->ready && !self->quitting;
        (void)zmq_poll(items, open ? 2 : 1, TICK_MS);
        iw_mail *mail;
        for (int n = 0; n < BATCH && (mail = iw_mail_receive(self->inbox, false)); n++)
            take(self, mail);
        for (int n = 0; open && !self->quitting && n < BATCH && receive(self); n++)
            ;
        if (self->ready && !self->quitting && iw_now() >= next_tick) {
            iw_front_tick(self);
            tell_listeners(self);
            renew_pub(self);
            next_tick = iw_now() + 1e-3 * TICK_MS;
        }
    }
    return NULL;
}
