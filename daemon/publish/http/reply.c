/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reply.c - answers: their headers, their tags, their errors. */
#include "publish/http/web_internal.h"
#include "publish/values.h"

#include <stdlib.h>
#include <string.h>

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

void
iw_reply(iw_request *self, unsigned status, iw_body *body)
{
    iw_body_unref(&self->body);
    self->status = body ? status : MHD_HTTP_INTERNAL_SERVER_ERROR;
    self->body = body ? body : iw_body_text("text/plain", "out of memory\n");
}

void
iw_reply_json(iw_request *self, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    iw_reply(self, MHD_HTTP_OK, text ? iw_body_text("application/json", text) : NULL);
    free(text);
}

void
iw_reply_error(iw_request *self, unsigned status, const char *code, const char *text)
{
    iw_reply_json(self,
                  json_pack("{s:{s:s, s:o}}", "error", "code", code, "text", iw_json_text(text)));
    if (self->status == MHD_HTTP_OK)
        self->status = status;
}

void
iw_reply_status(iw_request *self, iw_status status, const char *text)
{
    static const struct {
        iw_status status;
        unsigned http;
        const char *code;
    } known[] = {{IW_NOT_FOUND, MHD_HTTP_NOT_FOUND, "not_found"},
                 {IW_INVALID, MHD_HTTP_CONFLICT, "conflict"},
                 {IW_REFUSED, MHD_HTTP_CONFLICT, "conflict"},
                 {IW_TIMEOUT, MHD_HTTP_SERVICE_UNAVAILABLE, "unavailable"},
                 {IW_AGAIN, MHD_HTTP_SERVICE_UNAVAILABLE, "unavailable"},
                 {IW_CLOSED, MHD_HTTP_SERVICE_UNAVAILABLE, "unavailable"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].status == status) {
            iw_reply_error(self, known[i].http, known[i].code, text);
            return;
        }
    iw_reply_error(self, MHD_HTTP_INTERNAL_SERVER_ERROR, "internal",
                   *text ? text : ionwatch_status_text(status));
}

void
iw_reply_cookie(iw_request *self, const char *session)
{
    (void)snprintf(self->cookie, sizeof self->cookie, "%s=%s; Path=/; HttpOnly; SameSite=Strict%s",
                   self->web->cookie_name, session, *session ? "" : "; Max-Age=0");
}

static void
let_body_go(void *body)
{
    iw_body *self = body;
    iw_body_unref(&self);
}

static void
put(struct MHD_Response *response, const char *name, const char *value)
{
    (void)MHD_add_response_header(response, name, value);
}

static void
add_headers(const iw_request *self, struct MHD_Response *response)
{
    put(response, "X-Content-Type-Options", "nosniff");
    put(response, "X-Frame-Options", "DENY");
    put(response, "Referrer-Policy", "no-referrer");
    put(response, "Cross-Origin-Resource-Policy", "same-origin");
    put(response, "Content-Security-Policy", policy);
    put(response, "Cache-Control", "private, no-cache");
    put(response, "Vary", "Accept-Encoding");
    if (self->allow[0])
        put(response, "Allow", self->allow);
    if (self->cookie[0])
        put(response, "Set-Cookie", self->cookie);
    if (self->status == MHD_HTTP_UNAUTHORIZED)
        put(response, "WWW-Authenticate", "Bearer realm=\"ionwatch\"");
    if (self->status == MHD_HTTP_SERVICE_UNAVAILABLE || self->status == MHD_HTTP_TOO_MANY_REQUESTS)
        put(response, "Retry-After", "2");
}

static ssize_t
read_events(void *request, uint64_t position, char *to, size_t room)
{
    (void)position;
    iw_request *self = request;
    if (self->web->terminated)
        return MHD_CONTENT_READER_END_OF_STREAM;
    size_t size = iw_client_read(self->web->hub, self->client, to, room);
    if (size == 0)
        iw_request_suspend(self);
    return (ssize_t)size;
}

static enum MHD_Result
queue_stream(iw_request *self)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, read_events, self, NULL);
    if (!response)
        return MHD_NO;
    add_headers(self, response);
    put(response, "Content-Type", "text/event-stream");
    put(response, "X-Accel-Buffering", "no");
    if (self->gzip)
        put(response, "Content-Encoding", "gzip");
    enum MHD_Result result = MHD_queue_response(self->connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result
iw_reply_queue(iw_request *self)
{
    if (self->client)
        return queue_stream(self);
    iw_body *body = self->body;
    if (!body)
        return MHD_NO;
    bool gzip = iw_accepts_gzip(iw_header(self, "Accept-Encoding")) && iw_body_pack(body);
    const iw_buffer *bytes = gzip ? &body->packed : &body->plain;
    char tag[48];
    (void)snprintf(tag, sizeof tag, "%.*s%s\"", (int)strlen(body->etag) - 1, body->etag,
                   gzip ? "-gzip" : "");
    const char *known = self->status == MHD_HTTP_OK ? iw_header(self, "If-None-Match") : NULL;
    bool same = known && iw_etag_matches(known, tag);
    struct MHD_Response *response =
        same ? MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT)
             : MHD_create_response_from_buffer_with_free_callback_cls(
                   bytes->size, bytes->data, let_body_go, iw_body_ref(body));
    if (!response)
        return MHD_NO;
    add_headers(self, response);
    if (!same) {
        put(response, "Content-Type", body->type);
        if (gzip)
            put(response, "Content-Encoding", "gzip");
        if (*body->disposition)
            put(response, "Content-Disposition", body->disposition);
    }
    if (self->status == MHD_HTTP_OK)
        put(response, "ETag", tag);
    enum MHD_Result result =
        MHD_queue_response(self->connection, same ? MHD_HTTP_NOT_MODIFIED : self->status, response);
    MHD_destroy_response(response);
    return result;
}
