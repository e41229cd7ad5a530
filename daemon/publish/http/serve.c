/* SPDX-License-Identifier: GPL-3.0-or-later */
/* serve.c - what each route does. */
#include "ionwatchd/log.h"
#include "publish/explain.h"
#include "publish/http/asset.h"
#include "publish/http/csv.h"
#include "publish/http/web_internal.h"
#include "publish/values.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LONG_ANSWERS = 8 };

/* ---- files ---- */

static void
serve_file(iw_request *self, const char *name)
{
    iw_body *body = iw_asset_body(name);
    if (body)
        iw_reply(self, MHD_HTTP_OK, body);
    else
        iw_reply_error(self, MHD_HTTP_NOT_FOUND, "not_found", "there is no such file");
}

static void
serve_page(iw_request *self)
{
    serve_file(self, "index.html");
}

static void
serve_asset(iw_request *self)
{
    serve_file(self, self->target.segments[1]);
}

static void
serve_openapi(iw_request *self)
{
    serve_file(self, "openapi.json");
}

static void
serve_healthz(iw_request *self)
{
    iw_reply(self, MHD_HTTP_OK, iw_body_text("text/plain; charset=utf-8", "ok\n"));
}

/* ---- sessions ---- */

static void
serve_session(iw_request *self)
{
    iw_reply_json(self, json_pack("{s:s}", "role", iw_may_name(self->role)));
}

static void
serve_session_open(iw_request *self)
{
    iw_web *web = self->web;
    json_t *json = json_loadb((const char *)self->upload.data, self->upload.size, 0, NULL);
    const char *token = json_string_value(json_object_get(json, "token"));
    iw_may role = token ? iw_sessions_token(&web->sessions, token) : IW_MAY_NOTHING;
    char session[IW_SESSION + 1];
    if (!token) {
        iw_reply_error(self, MHD_HTTP_BAD_REQUEST, "invalid", "{\"token\": \"...\"} is wanted");
    } else if (role == IW_MAY_NOTHING) {
        iw_guard_wrong_token(self);
    } else {
        iw_sessions_open(&web->sessions, role, (int64_t)time(NULL), session);
        iw_reply_cookie(self, session);
        iw_reply_json(self, json_pack("{s:s}", "role", iw_may_name(role)));
    }
    json_decref(json);
}

static void
serve_session_close(iw_request *self)
{
    iw_web *web = self->web;
    char session[IW_SESSION + 1];
    if (iw_cookie_find(iw_header(self, "Cookie"), web->cookie_name, session, sizeof session))
        iw_sessions_close(&web->sessions, session);
    iw_reply_cookie(self, "");
    iw_reply_json(self, json_pack("{s:s}", "role", iw_may_name(IW_MAY_NOTHING)));
}

/* ---- words ---- */

static void
add_explanation(json_t *list, const iw_explanation *row, const char *text)
{
    for (const char *key = row->keys; *key; key += strspn(key, " ")) {
        size_t size = strcspn(key, " ");
        (void)json_array_append_new(list,
                                    json_pack("{s:s%, s:s, s:s, s:s}", "key", key, size, "heading",
                                              row->headings, "unit", row->unit, "text", text));
        key += size;
    }
}

static void
serve_explain(iw_request *self)
{
    json_t *list = json_array();
    for (const iw_explanation *row = iw_explanations; row->keys; row++) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        if (!out)
            break;
        iw_explain_print(row, out);
        if (fclose(out) == 0)
            add_explanation(list, row, text);
        free(text);
    }
    iw_reply_json(self, list);
}

/* ---- questions to the daemon ---- */

void
iw_request_ask(iw_request *self, const iw_question *question, iw_ask_answered answered)
{
    iw_error err = {0};
    if (iw_asks_put(self->web->asks, question, answered, self, &err) == IW_OK) {
        iw_request_suspend(self);
    } else {
        iw_reply_status(self, err.code, err.text);
        iw_request_resume(self);
    }
}

static void
ask(iw_request *self, const char *verb, const char *arg, bool flag, iw_ask_answered answered)
{
    iw_request_ask(self, &(iw_question){verb, arg, flag, false}, answered);
}

/* The answer as it is. */
static void
pass_on(void *request, iw_status status, const char *text, iw_body *body)
{
    iw_request *self = request;
    if (status == IW_OK)
        iw_reply(self, MHD_HTTP_OK, iw_body_ref(body));
    else
        iw_reply_status(self, status, text);
    iw_request_resume(self);
}

/* Whole series are long, and everybody who gets them holds their bytes.  False: the answer is
 * known. */
static bool
begin_long(iw_request *self)
{
    if (self->web->long_answers >= LONG_ANSWERS) {
        iw_reply_status(self, IW_AGAIN, "8 whole series are on their way: ask again in a while");
        return false;
    }
    self->is_long = true;
    self->web->long_answers++;
    return true;
}

static void
serve_status(iw_request *self)
{
    ask(self, "status", "", false, pass_on);
}

static void
serve_runs(iw_request *self)
{
    const char *all = iw_target_parameter(&self->target, "all");
    if (all && strcmp(all, "0") != 0 && strcmp(all, "1") != 0)
        iw_reply_error(self, MHD_HTTP_BAD_REQUEST, "invalid", "all is 0 or 1");
    else
        ask(self, "list", "", all && *all == '1', pass_on);
}

static void
serve_run(iw_request *self)
{
    const char *series = iw_target_parameter(&self->target, "series");
    bool full = series && strcmp(series, "full") == 0;
    if (series && !full && strcmp(series, "0") != 0 && strcmp(series, "1") != 0)
        iw_reply_error(self, MHD_HTTP_BAD_REQUEST, "invalid", "series is 0, 1 or full");
    else if (!full || begin_long(self))
        iw_request_ask(
            self, &(iw_question){"show", self->target.segments[3], series && *series == '1', full},
            pass_on);
}

/* The record became one of its series. */
static void
found_series(void *request, iw_status status, const char *text, iw_body *body)
{
    iw_request *self = request;
    iw_error err = {0};
    iw_buffer csv = {0};
    const char *group = iw_target_parameter(&self->target, "group");
    json_t *record = status == IW_OK
                         ? json_loadb((const char *)body->plain.data, body->plain.size, 0, NULL)
                         : NULL;
    if (status != IW_OK) {
        iw_reply_status(self, status, text);
    } else if (iw_csv_series(record, iw_target_parameter(&self->target, "kind"),
                             group ? group : "mobile", &csv, &err) == IW_OK) {
        iw_body *made = iw_body_new("text/csv; charset=utf-8; header=present", &csv);
        if (made)
            made->disposition = "attachment; filename=\"series.csv\"";
        iw_reply(self, MHD_HTTP_OK, made);
    } else if (err.code == IW_NOT_FOUND) {
        iw_reply_error(self, MHD_HTTP_NOT_FOUND, "not_found", err.text);
    } else {
        iw_reply_status(self, err.code, err.text);
    }
    iw_buffer_fini(&csv);
    json_decref(record);
    iw_request_resume(self);
}

static void
serve_series(iw_request *self)
{
    const char *kind = iw_target_parameter(&self->target, "kind");
    if (!iw_csv_is_kind(kind))
        iw_reply_error(self, MHD_HTTP_BAD_REQUEST, "invalid", "kind is one of " IW_CSV_KINDS);
    else if (begin_long(self))
        iw_request_ask(self, &(iw_question){"show", self->target.segments[3], true, true},
                       found_series);
}

static void
serve_metrics(iw_request *self)
{
    iw_gather_metrics(self);
}

static void
serve_arrhenius(iw_request *self)
{
    iw_gather_arrhenius(self);
}

static void
stopped(void *request, iw_status status, const char *text, iw_body *body)
{
    (void)body;
    iw_request *self = request;
    if (status == IW_OK)
        iw_reply_json(self, json_pack("{s:s}", "text", text));
    else
        iw_reply_status(self, status, text);
    iw_request_resume(self);
}

static void
serve_stop(iw_request *self)
{
    ask(self, "stop", self->target.segments[3], false, stopped);
}

/* ---- the stream ---- */

static void
wake_stream(void *request)
{
    iw_request_resume(request);
}

static void
join(iw_request *self, const char *run)
{
    self->gzip = iw_accepts_gzip(iw_header(self, "Accept-Encoding"));
    self->client = iw_hub_join(self->web->hub, run, self->gzip, wake_stream, self);
    if (!self->client) {
        iw_reply_status(self, IW_NO_MEMORY, "the daemon is out of memory");
        return;
    }
    self->status = MHD_HTTP_OK;
    (void)snprintf(self->shown, sizeof self->shown, "%s", run);
    iw_web_look(self->web);
}

/* The record of the run that a page wants to see: the first one that it gets. */
static void
found_run(void *request, iw_status status, const char *text, iw_body *body)
{
    iw_request *self = request;
    json_t *record = status == IW_OK
                         ? json_loadb((const char *)body->plain.data, body->plain.size, 0, NULL)
                         : NULL;
    const char *id = iw_text_at(json_object_get(record, "run"), "id");
    if (status != IW_OK)
        iw_reply_status(self, status, text);
    else
        join(self, id);
    if (self->client)
        iw_hub_record(self->web->hub, id, body->plain.data, body->plain.size);
    json_decref(record);
    iw_request_resume(self);
}

static void
serve_stream(iw_request *self)
{
    const char *run = iw_target_parameter(&self->target, "run");
    if (run && *run)
        ask(self, "show", run, true, found_run);
    else
        join(self, "");
}

#define HANDLER(handler, method, path, parameters, role) [IW_ROUTE_##handler] = serve_##handler,
const iw_handler iw_handlers[IW_ROUTES] = {IW_ROUTE_MAP(HANDLER)};
