/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/http/web_internal.h"

#include "ionwatchd/log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { UPLOAD_MOST = 4096, CONNECTION_MEMORY = 65536, STILL_S = 30 };

static const double LISTING_S = 0.5;    /* between two listings while somebody looks */
static const double LISTING_SHARE = 20; /* ... and so many times what the last one took */
static const double BEAT_S = 2;
static const double REQUEST_S = 20; /* for a request to come, or the next one */
static const double ANSWER_S = 300; /* for an answer to be taken */
static const double SWEEP_S = 1;
static const double RETRY_S = 3; /* while the address is held by somebody else */

/* ---- requests ---- */

void
iw_request_suspend(iw_request *self)
{
    if (!self->suspended)
        MHD_suspend_connection(self->connection);
    self->suspended = true;
}

void
iw_request_resume(iw_request *self)
{
    if (self->suspended)
        MHD_resume_connection(self->connection);
    self->suspended = false;
}

static void *
begin_request(void *web, const char *raw, struct MHD_Connection *connection)
{
    iw_web *self = web;
    iw_request *request = calloc(1, sizeof *request);
    if (!request)
        return NULL;
    request->web = self;
    request->connection = connection;
    request->raw = strdup(raw);
    request->next = self->requests;
    request->place = &self->requests;
    if (self->requests)
        self->requests->place = &request->next;
    self->requests = request;
    return request;
}

static iw_connection *
connection_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void
watch(const iw_web *self, const char *run, bool begins)
{
    iw_mail *mail = iw_mail_new(IW_MAIL_WATCH, 0);
    if (!mail)
        return; /* said again with the next listing */
    iw_text_copy(mail->id, sizeof mail->id, run);
    mail->flag = begins;
    (void)iw_mail_send(self->front, &mail);
}

static void
end_request(void *web, struct MHD_Connection *connection, void **request,
            enum MHD_RequestTerminationCode why)
{
    (void)why;
    iw_web *self = web;
    iw_request *one = *request;
    iw_connection *under = connection_of(connection);
    if (under) {
        under->busy = under->endless = false;
        under->since_s = iw_now();
    }
    if (!one)
        return;
    *request = NULL;
    iw_asks_drop(self->asks, one);
    iw_hub_leave(self->hub, &one->client);
    if (one->shown[0] && !iw_hub_shows(self->hub, one->shown))
        watch(self, one->shown, false);
    if (one->delayed_until_s > 0)
        self->delayed--;
    if (one->is_long)
        self->long_answers--;
    *one->place = one->next;
    if (one->next)
        one->next->place = one->place;
    iw_gather_destroy(&one->gather);
    iw_body_unref(&one->body);
    iw_buffer_fini(&one->upload);
    free(one->raw);
    free(one);
}

static bool
announces_too_much(const iw_request *self)
{
    const char *length = iw_header(self, "Content-Length");
    return length && strtoull(length, NULL, 10) > UPLOAD_MOST;
}

static void
refuse_upload(iw_request *self)
{
    iw_reply_error(self, MHD_HTTP_CONTENT_TOO_LARGE, "too_large",
                   "a request has 4096 bytes at most");
}

/* The headers are there. */
static enum MHD_Result
begin_handling(iw_request *self, const char *method)
{
    self->begun = true;
    if (!self->raw)
        return MHD_NO;
    bool allowed = iw_guard(self, method);
    if (allowed && announces_too_much(self))
        refuse_upload(self);
    /* Without looking at what else it sends, and the connection is closed. */
    bool sends = strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
    return self->status && sends && self->delayed_until_s == 0 ? iw_reply_queue(self) : MHD_YES;
}

static void
take_upload(iw_request *self, const char *bytes, size_t size)
{
    if (self->status)
        return;
    if (size > UPLOAD_MOST - self->upload.size)
        refuse_upload(self);
    else if (iw_buffer_append(&self->upload, bytes, size, NULL) != IW_OK)
        iw_reply_status(self, IW_NO_MEMORY, "the daemon is out of memory");
}

/* libmicrohttpd calls this with the headers, with what follows them, at the end of that, and when a
 * suspended request goes on. */
static enum MHD_Result
handle(void *web, struct MHD_Connection *connection, const char *url, const char *method,
       const char *version, const char *bytes, size_t *size, void **request)
{
    (void)web;
    (void)url;
    (void)version;
    iw_request *self = *request;
    if (!self)
        return MHD_NO;
    if (!self->begun)
        return begin_handling(self, method);
    if (*size > 0) {
        take_upload(self, bytes, *size);
        *size = 0;
        return MHD_YES;
    }
    iw_connection *under = connection_of(connection);
    if (under && !under->busy) {
        under->busy = true;
        under->since_s = iw_now();
    }
    if (!self->status && !self->suspended)
        iw_handlers[self->route](self);
    if (self->delayed_until_s > iw_now())
        iw_request_suspend(self);
    if (self->suspended)
        return MHD_YES;
    if (under)
        under->endless = self->client != NULL;
    return iw_reply_queue(self);
}

/* ---- connections ---- */

static void
note_connection(void *web, struct MHD_Connection *connection, void **context,
                enum MHD_ConnectionNotificationCode what)
{
    iw_web *self = web;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        iw_connection *gone = *context;
        if (!gone)
            return;
        *gone->place = gone->next;
        if (gone->next)
            gone->next->place = gone->place;
        free(gone);
        *context = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    iw_connection *made = info ? calloc(1, sizeof *made) : NULL;
    if (!made)
        return;
    made->fd = info->connect_fd;
    made->since_s = iw_now();
    made->next = self->connections;
    made->place = &self->connections;
    if (self->connections)
        self->connections->place = &made->next;
    self->connections = made;
    *context = made;
}

/* Who sends a request byte by byte, or takes an answer so, holds a place that others need.
 * libmicrohttpd sees the end of the connection and cleans up. */
static void
sweep(iw_web *self, double now_s)
{
    for (iw_connection *at = self->connections; at; at = at->next)
        if (!at->endless && now_s - at->since_s > (at->busy ? ANSWER_S : REQUEST_S))
            (void)shutdown(at->fd, SHUT_RDWR);
}

/* ---- the thread ---- */

static iw_status
start_server(iw_web *self, iw_error *err)
{
    self->server = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, self,
        MHD_OPTION_LISTEN_SOCKET, self->listen.fd, MHD_OPTION_CONNECTION_LIMIT,
        self->config->http_connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)STILL_S,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, begin_request, self,
        MHD_OPTION_NOTIFY_COMPLETED, end_request, self, MHD_OPTION_NOTIFY_CONNECTION,
        note_connection, self, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        self->server ? MHD_get_daemon_info(self->server, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info)
        return iw_fail(err, IW_IO, "http = %s: the server does not start", self->config->http);
    self->epoll = info->epoll_fd;
    return IW_OK;
}

static iw_status
open_page(iw_web *self, iw_error *err)
{
    const iw_config *config = self->config;
    if (iw_listen_open(&self->listen, config->http, err) != IW_OK)
        return err->code;
    self->off = self->listen.fd < 0;
    if (self->off)
        return IW_OK;
    self->open = config->http_read == 0 && self->listen.local;
    self->names = config->http_names;
    const char *port = strrchr(self->listen.url, ':');
    (void)snprintf(self->cookie_name, sizeof self->cookie_name, "ionwatch_%.*s",
                   (int)strspn(port + 1, "0123456789"), port + 1);
    (void)gethostname(self->host_name, sizeof self->host_name - 1);
    iw_status status = iw_sessions_load(&self->sessions, config->http_tokens, err);
    if (status == IW_OK)
        status = start_server(self, err);
    if (status != IW_OK)
        iw_listen_close(&self->listen); /* whatever it is: nobody is served */
    return status;
}

/* The front door tells who asks for the daemon's status. */
static void
tell_page(const iw_web *self)
{
    iw_mail *mail = iw_mail_new(IW_MAIL_PAGE, 0);
    if (!mail)
        return;
    mail->status = self->server ? IW_OK : IW_AGAIN;
    iw_text_copy(mail->text, sizeof mail->text, self->server ? self->listen.url : self->trouble);
    (void)iw_mail_send(self->front, &mail);
}

/* Each trouble is told once, not with each attempt. */
static void
try_page(iw_web *self)
{
    iw_error err = {0};
    char trouble[sizeof self->trouble] = "";
    if (open_page(self, &err) != IW_OK)
        (void)snprintf(trouble, sizeof trouble, "%.*s; tried again every %g s", IW_ERROR_TEXT - 40,
                       err.text, RETRY_S);
    bool told = trouble[0] && strcmp(trouble, self->trouble) == 0;
    memcpy(self->trouble, trouble, sizeof trouble);
    self->next_try_s = iw_now() + RETRY_S;
    if (self->off || told)
        return;
    if (self->server)
        iw_log("http.listen", "%s, %s, tokens in %s", self->listen.url,
               self->open ? "open to readers on this machine" : "for who has a token",
               self->config->http_tokens);
    else
        iw_log("http.unavailable", "no page: %s", self->trouble);
    tell_page(self);
}

iw_web *
iw_web_new(void *context, const iw_config *config, iw_error *err)
{
    iw_web *self = calloc(1, sizeof *self);
    if (!self) {
        (void)iw_fail(err, IW_NO_MEMORY, "the page: out of memory");
        return NULL;
    }
    self->config = config;
    self->listen.fd = -1;
    self->inbox = iw_mailbox_bind(context, "web", err);
    self->front = iw_mailbox_connect(context, "front", err);
    self->asks = iw_asks_new(self->front);
    self->hub = iw_hub_new();
    if (!self->inbox || !self->front || !self->asks || !self->hub) {
        iw_web_destroy(&self);
        return NULL;
    }
    try_page(self);
    return self;
}

void
iw_web_destroy(iw_web **web)
{
    iw_web *self = *web;
    if (!self)
        return;
    if (self->server) { /* the thread never ran */
        MHD_stop_daemon(self->server);
        self->listen.fd = -1;
    }
    iw_listen_close(&self->listen);
    iw_asks_destroy(&self->asks);
    iw_hub_destroy(&self->hub);
    iw_mailbox_close(&self->inbox);
    iw_mailbox_close(&self->front);
    free(self);
    *web = NULL;
}

void
iw_web_look(iw_web *self)
{
    self->next_listing_s = 0;
}

static void
listed(void *web, iw_status status, const char *text, iw_body *body)
{
    (void)text;
    iw_web *self = web;
    iw_error err;
    double now_s = iw_now();
    self->listing = false;
    self->next_listing_s = now_s + fmax(LISTING_S, LISTING_SHARE * (now_s - self->asked_s));
    if (status == IW_OK)
        (void)iw_hub_listing(self->hub, body->plain.data, body->plain.size, now_s, &err);
    for (size_t i = 0; iw_hub_run(self->hub, i); i++)
        watch(self, iw_hub_run(self->hub, i), true); /* one that is new to the door, too */
}

static void
ask_listing(iw_web *self, double now_s)
{
    iw_error err;
    const iw_question question = {"list", "", false, false};
    self->listing = iw_asks_put(self->asks, &question, listed, self, &err) == IW_OK;
    self->asked_s = now_s;
    self->next_listing_s = now_s + LISTING_S;
}

static void
shown(void *web, iw_status status, const char *text, iw_body *body)
{
    (void)text;
    iw_web *self = web;
    json_t *record = status == IW_OK
                         ? json_loadb((const char *)body->plain.data, body->plain.size, 0, NULL)
                         : NULL;
    const char *id = json_string_value(json_object_get(json_object_get(record, "run"), "id"));
    if (id)
        iw_hub_record(self->hub, id, body->plain.data, body->plain.size);
    json_decref(record);
}

/* What is due.  Returns the time of the next. */
static double
tick(iw_web *self)
{
    double now_s = iw_now();
    double next_s = now_s + SWEEP_S;
    iw_error err;
    if (iw_hub_clients(self->hub) > 0 && !self->listing && now_s >= self->next_listing_s)
        ask_listing(self, now_s);
    for (const char *run; (run = iw_hub_overdue(self->hub, now_s));) {
        const iw_question question = {"show", run, true, false};
        (void)iw_asks_put(self->asks, &question, shown, self, &err);
    }
    if (now_s >= self->next_beat_s) {
        struct timespec time;
        (void)clock_gettime(CLOCK_REALTIME, &time);
        iw_hub_beat(self->hub, (double)time.tv_sec + 1e-9 * (double)time.tv_nsec);
        self->next_beat_s = now_s + BEAT_S;
    }
    if (now_s >= self->next_sweep_s) {
        sweep(self, now_s);
        self->next_sweep_s = now_s + SWEEP_S;
    }
    for (iw_request *at = self->requests; at && self->delayed > 0; at = at->next)
        if (at->delayed_until_s > 0 && now_s >= at->delayed_until_s)
            iw_request_resume(at);
        else if (at->delayed_until_s > 0)
            next_s = fmin(next_s, at->delayed_until_s);
    if (iw_hub_clients(self->hub) > 0 && !self->listing)
        next_s = fmin(next_s, self->next_listing_s);
    return fmin(next_s, iw_asks_tick(self->asks, now_s));
}

static void
take(iw_web *self, iw_mail *mail)
{
    switch (mail->kind) {
    case IW_MAIL_ANSWER:
        iw_asks_take(self->asks, mail);
        break;
    case IW_MAIL_PUBLISH:
        iw_hub_record(self->hub, mail->id, mail->json.data, mail->json.size);
        break;
    case IW_MAIL_QUIT:
        self->terminated = true;
        break;
    default:
        break;
    }
    iw_mail_destroy(&mail);
}

static int
patience_ms(iw_web *self, double next_s)
{
    MHD_UNSIGNED_LONG_LONG server_ms = 0;
    if (self->off)
        return -1;
    double left_ms = ceil(1000 * fmax((self->server ? next_s : self->next_try_s) - iw_now(), 0));
    if (self->server && MHD_get_timeout(self->server, &server_ms) == MHD_YES)
        left_ms = fmin(left_ms, (double)server_ms);
    return (int)left_ms;
}

/* All who wait are let go, and the server ends while the front door still takes mails. */
static void
end_server(iw_web *self)
{
    for (iw_request *at = self->requests; at; at = at->next) {
        if (at->suspended && !at->client)
            iw_reply_status(at, IW_CLOSED, "the daemon stops");
        iw_request_resume(at);
    }
    (void)MHD_run(self->server);
    MHD_stop_daemon(self->server);
    self->server = NULL;
    self->listen.fd = -1; /* closed with it */
}

void *
iw_web_run(void *web)
{
    iw_web *self = web;
    double next_s = 0;
    while (!self->terminated) {
        zmq_pollitem_t items[] = {{self->inbox, 0, ZMQ_POLLIN, 0},
                                  {NULL, self->epoll, ZMQ_POLLIN, 0}};
        (void)zmq_poll(items, self->server ? 2 : 1, patience_ms(self, next_s));
        for (iw_mail *mail; (mail = iw_mail_receive(self->inbox, false));)
            take(self, mail);
        if (self->terminated || self->off)
            continue;
        if (!self->server && iw_now() >= self->next_try_s)
            try_page(self);
        if (!self->server)
            continue;
        next_s = tick(self);
        (void)MHD_run(self->server);
    }
    if (self->server)
        end_server(self);
    return NULL;
}
