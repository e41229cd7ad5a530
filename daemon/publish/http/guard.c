/* SPDX-License-Identifier: GPL-3.0-or-later */
/* guard.c - who may: the name that the browser was told, where it comes from, the token. */
#include "ionwatchd/log.h"
#include "publish/http/web_internal.h"

#include <string.h>
#include <strings.h>
#include <time.h>

enum { DELAYED = 16 };             /* wrong tokens that wait at one time */
static const double DELAY_S = 1.0; /* for one */

const char *
iw_header(const iw_request *self, const char *name)
{
    return MHD_lookup_connection_value(self->connection, MHD_HEADER_KIND, name);
}

typedef struct {
    const char *name, *value;
    unsigned n;
} header_search;

static enum MHD_Result
count_header(void *search, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    header_search *self = search;
    if (strcasecmp(name, self->name) == 0) {
        self->n++;
        self->value = value;
    }
    return MHD_YES;
}

/* NULL: it is not there, or more than once. */
static const char *
only_header(const iw_request *self, const char *name)
{
    header_search search = {name, NULL, 0};
    (void)MHD_get_connection_values(self->connection, MHD_HEADER_KIND, count_header, &search);
    return search.n == 1 ? search.value : NULL;
}

static bool
is_named(const iw_web *self, const char *host)
{
    for (size_t i = 0; i < self->names.n; i++)
        if (strcasecmp(self->names.items[i], host) == 0)
            return true;
    return false;
}

static bool
is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           (strncmp(host, "127.", 4) == 0 && iw_host_is_address(host));
}

/* A page elsewhere can give its own name our address (DNS rebinding), and a browser then takes us
 * for that page: only names that are ours are answered.  An address cannot be given to another. */
static bool
check_host(iw_request *self, char host[256])
{
    const iw_web *web = self->web;
    const char *header = only_header(self, "Host");
    if (header && iw_host_of(header, host, 256) &&
        (is_loopback(host) || iw_host_is_address(host) || strcasecmp(host, web->host_name) == 0 ||
         is_named(web, host)))
        return true;
    iw_reply_error(self, MHD_HTTP_FORBIDDEN, "host",
                   "this name is not known here: use localhost or an address, or give it to the "
                   "daemon as http_names");
    return false;
}

/* What changes something comes from our own page, or from a program: a page elsewhere cannot send
 * our header without asking, and is never answered yes. */
static bool
check_origin(iw_request *self, const char *method, const char *host)
{
    char from[256];
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        return true;
    const char *origin = iw_header(self, "Origin");
    const char *ours = iw_header(self, "X-Ionwatch");
    if (ours && (!origin || (iw_host_of(origin, from, sizeof from) && strcmp(from, host) == 0)))
        return true;
    iw_reply_error(self, MHD_HTTP_FORBIDDEN, "origin",
                   ours ? "this comes from a page of another origin"
                        : "the header X-Ionwatch: 1 is wanted with every POST and DELETE");
    return false;
}

void
iw_guard_wrong_token(iw_request *self)
{
    iw_web *web = self->web;
    if (web->delayed >= DELAYED) {
        iw_reply_error(self, MHD_HTTP_TOO_MANY_REQUESTS, "too_many",
                       "too many wrong tokens: try again in a while");
        return;
    }
    iw_reply_error(self, MHD_HTTP_UNAUTHORIZED, "unauthorized", "the token is not known");
    self->delayed_until_s = iw_now() + DELAY_S;
    web->delayed++;
}

static bool
is_forwarded(const iw_request *self)
{
    return iw_header(self, "X-Forwarded-For") || iw_header(self, "Forwarded") ||
           iw_header(self, "X-Real-IP");
}

/* False: a wrong token. */
static bool
find_role(iw_request *self, const char *host)
{
    iw_web *web = self->web;
    char session[IW_SESSION + 1], renewed[IW_SESSION + 1];
    const char *header = iw_header(self, "Authorization");
    self->role =
        web->open && is_loopback(host) && !is_forwarded(self) ? IW_MAY_READ : IW_MAY_NOTHING;
    if (header && strncasecmp(header, "Bearer ", 7) == 0) {
        iw_may role = iw_sessions_token(&web->sessions, header + 7 + strspn(header + 7, " "));
        if (role == IW_MAY_NOTHING)
            return false;
        self->role = role > self->role ? role : self->role;
    }
    if (iw_cookie_find(iw_header(self, "Cookie"), web->cookie_name, session, sizeof session)) {
        iw_may role = iw_sessions_role(&web->sessions, session, (int64_t)time(NULL), renewed);
        self->role = role > self->role ? role : self->role;
        if (renewed[0])
            iw_reply_cookie(self, renewed);
    }
    return true;
}

static bool
check_role(iw_request *self)
{
    iw_may wanted = iw_routes[self->route].role;
    if (self->role >= wanted)
        return true;
    if (self->role == IW_MAY_NOTHING)
        iw_reply_error(self, MHD_HTTP_UNAUTHORIZED, "unauthorized",
                       "a token is wanted: Authorization: Bearer TOKEN, or POST /api/v1/session");
    else
        iw_reply_error(self, MHD_HTTP_FORBIDDEN, "forbidden", "this takes the operator's token");
    return false;
}

bool
iw_guard(iw_request *self, const char *method)
{
    iw_error err = {0};
    char host[256];
    if (!check_host(self, host))
        return false;
    iw_status status = iw_target_parse(self->raw, &self->target, &err);
    if (status == IW_OK)
        status = iw_route_find(&self->target, method, &self->route, self->allow, &err);
    if (status == IW_NOT_FOUND)
        iw_reply_error(self, MHD_HTTP_NOT_FOUND, "not_found", err.text);
    else if (status == IW_UNSUPPORTED)
        iw_reply_error(self, MHD_HTTP_METHOD_NOT_ALLOWED, "method", err.text);
    else if (status != IW_OK)
        iw_reply_error(self, MHD_HTTP_BAD_REQUEST, "invalid", err.text);
    if (status != IW_OK)
        return false;
    self->allow[0] = '\0';
    if (!check_origin(self, method, host))
        return false;
    if (!find_role(self, host)) {
        iw_guard_wrong_token(self);
        return false;
    }
    return check_role(self);
}
