/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gather.c - answers that are made of several answers of the daemon. */
#include "publish/arrhenius_report.h"
#include "publish/http/web_internal.h"
#include "publish/listing.h"
#include "publish/metrics.h"
#include "publish/values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double ROOM_TEMPERATURE_K = 300;

/* Questions about siblings under way: workers answer side by side, and others may ask, too. */
enum { AT_ONCE = 8 };

typedef struct {
    iw_request *request; /* NULL: nothing is asked */
    size_t run;          /* its place among runs */
    bool ended;
} sibling;

struct iw_gather {
    json_t *status;  /* metrics */
    json_t *listing; /* rows of the daemon */
    json_t *filed;   /* runs of the material in the database */
    json_t *runs;    /* array of {"source", "record"}, as of publish/arrhenius_report.h; or null */
    size_t next;     /* row of the listing that is looked at next */
    sibling siblings[AT_ONCE];
    char material[IW_WIRE_TEXT];
};

static void
drop_siblings(iw_gather *self)
{
    for (size_t i = 0; i < AT_ONCE; i++)
        if (self->siblings[i].request)
            iw_asks_drop(self->siblings[i].request->web->asks, &self->siblings[i]);
}

void
iw_gather_destroy(iw_gather **gather)
{
    if (*gather) {
        drop_siblings(*gather);
        json_decref((*gather)->status);
        json_decref((*gather)->listing);
        json_decref((*gather)->filed);
        json_decref((*gather)->runs);
        free(*gather);
    }
    *gather = NULL;
}

static bool
begin(iw_request *self)
{
    self->gather = calloc(1, sizeof *self->gather);
    if (!self->gather)
        iw_reply_status(self, IW_NO_MEMORY, "the daemon is out of memory");
    return self->gather != NULL;
}

/* A new reference; NULL after the answer was set to say why. */
static json_t *
taken(iw_request *self, iw_status status, const char *text, const iw_body *body)
{
    json_t *json = status == IW_OK ? json_loadb((const char *)body->plain.data, body->plain.size,
                                                JSON_DECODE_ANY, NULL)
                                   : NULL;
    if (json)
        return json;
    if (status == IW_OK)
        iw_reply_status(self, IW_NO_MEMORY, "the daemon is out of memory");
    else
        iw_reply_status(self, status, text);
    iw_request_resume(self);
    return NULL;
}

/* ---- metrics: status, then the listing ---- */

static void
metrics_listed(void *request, iw_status status, const char *text, iw_body *body)
{
    iw_request *self = request;
    json_t *listing = taken(self, status, text, body);
    if (!listing)
        return;
    iw_error err = {0};
    iw_buffer page = {0};
    iw_metrics_format format = iw_metrics_accepted(iw_header(self, "Accept"));
    status = iw_metrics_write(self->gather->status, json_object_get(listing, "runs"), format, &page,
                              &err);
    if (status == IW_OK)
        iw_reply(self, MHD_HTTP_OK, iw_body_new(iw_metrics_content_type(format), &page));
    else
        iw_reply_status(self, status, err.text);
    iw_buffer_fini(&page);
    json_decref(listing);
    iw_request_resume(self);
}

static void
metrics_status(void *request, iw_status status, const char *text, iw_body *body)
{
    iw_request *self = request;
    self->gather->status = taken(self, status, text, body);
    if (self->gather->status)
        iw_request_ask(self, &(iw_question){"list", "", false, false}, metrics_listed);
}

void
iw_gather_metrics(iw_request *self)
{
    if (begin(self))
        iw_request_ask(self, &(iw_question){"status", "", false, false}, metrics_status);
}

/* ---- Arrhenius: the run, its material in the database, the listing, the live siblings ---- */

static void
report(iw_request *self)
{
    iw_gather *g = self->gather;
    iw_error err = {0};
    json_t *out = NULL;
    const char *group = iw_target_parameter(&self->target, "group");
    const char *at_K = iw_target_parameter(&self->target, "at_K");
    iw_status status = IW_OK;
    for (size_t i = json_array_size(g->runs); i-- > 0;)
        if (json_is_null(json_array_get(g->runs, i)))
            (void)json_array_remove(g->runs, i);
    if (json_array_extend(g->runs, g->filed) != 0)
        status = iw_fail(&err, IW_NO_MEMORY, "no memory for the runs of %s", g->material);
    if (status == IW_OK)
        status = iw_arrhenius_report(g->material, group ? group : "mobile", g->runs,
                                     at_K ? strtod(at_K, NULL) : ROOM_TEMPERATURE_K, &out, &err);
    if (status == IW_OK)
        iw_reply_json(self, out);
    else
        iw_reply_status(self, status, err.text);
    iw_request_resume(self);
}

static void ask_siblings(iw_request *self);

/* The runs stand in the order of the listing, whoever answers first. */
static void
answered(void *context, iw_status status, const char *text, iw_body *body)
{
    sibling *one = context;
    iw_request *self = one->request;
    iw_gather *g = self->gather;
    one->request = NULL;
    /* Removed in this moment, or ended while the database is away: without it. */
    bool passed = status == IW_NOT_FOUND || (status == IW_AGAIN && one->ended);
    json_t *record = passed ? NULL : taken(self, status, text, body);
    if (record) /* consumed */
        (void)json_array_set_new(
            g->runs, one->run,
            json_pack("{s:s, s:o}", "source", one->ended ? "filed" : "live", "record", record));
    if (record || passed)
        ask_siblings(self);
    else
        drop_siblings(g);
}

static iw_status
ask_sibling(iw_request *self, sibling *one, const json_t *row, iw_error *err)
{
    iw_gather *g = self->gather;
    *one = (sibling){.run = json_array_size(g->runs)};
    one->ended = iw_run_has_ended(json_string_value(json_object_get(row, "state")));
    if (json_array_append_new(g->runs, json_null()) != 0)
        return iw_fail(err, IW_NO_MEMORY, "the daemon is out of memory");
    const iw_question question = {"show", iw_text_at(row, "id"), false, false};
    iw_status status = iw_asks_put(self->web->asks, &question, answered, one, err);
    if (status == IW_OK)
        one->request = self;
    return status;
}

static const json_t *
next_row(iw_gather *self)
{
    while (self->next < json_array_size(self->listing)) {
        const json_t *row = json_array_get(self->listing, self->next++);
        if (iw_row_counts(row, self->material, self->filed))
            return row;
    }
    return NULL;
}

static bool
is_under_way(const iw_gather *self)
{
    for (size_t i = 0; i < AT_ONCE; i++)
        if (self->siblings[i].request)
            return true;
    return false;
}

static void
ask_siblings(iw_request *self)
{
    iw_gather *g = self->gather;
    iw_error err = {0};
    for (size_t i = 0; i < AT_ONCE && err.code == IW_OK; i++) {
        const json_t *row = g->siblings[i].request ? NULL : next_row(g);
        if (row && ask_sibling(self, &g->siblings[i], row, &err) != IW_OK)
            g->next--; /* again with the next answer */
    }
    if (is_under_way(g))
        return;
    if (err.code == IW_OK) {
        report(self);
    } else {
        iw_reply_status(self, err.code, err.text);
        iw_request_resume(self);
    }
}

static void
listed(void *request, iw_status status, const char *text, iw_body *body)
{
    iw_request *self = request;
    json_t *listing = taken(self, status, text, body);
    if (!listing)
        return;
    self->gather->listing = json_incref(json_object_get(listing, "runs"));
    json_decref(listing);
    ask_siblings(self);
}

static void
filed(void *request, iw_status status, const char *text, iw_body *body)
{
    iw_request *self = request;
    bool away = status == IW_AGAIN || status == IW_NOT_FOUND; /* no database now */
    self->gather->filed = away ? json_array() : taken(self, status, text, body);
    if (self->gather->filed)
        iw_request_ask(self, &(iw_question){"list", "", false, false}, listed);
}

static void
found(void *request, iw_status status, const char *text, iw_body *body)
{
    iw_request *self = request;
    json_t *record = taken(self, status, text, body);
    if (!record)
        return;
    iw_gather *g = self->gather;
    iw_text_copy(g->material, sizeof g->material,
                 iw_text_at(json_object_get(record, "run"), "material"));
    g->runs = json_array();
    json_decref(record);
    iw_request_ask(self, &(iw_question){"material", g->material, false, false}, filed);
}

void
iw_gather_arrhenius(iw_request *self)
{
    const char *run = iw_target_parameter(&self->target, "run");
    const char *at_K = iw_target_parameter(&self->target, "at_K");
    char *end = NULL;
    double T = at_K ? strtod(at_K, &end) : ROOM_TEMPERATURE_K;
    if (!run || !*run)
        iw_reply_error(self, MHD_HTTP_BAD_REQUEST, "invalid", "run is wanted: an id or a name");
    else if (!(T > 0) || !isfinite(T) || (end && *end))
        iw_reply_error(self, MHD_HTTP_BAD_REQUEST, "invalid", "at_K is a temperature above zero");
    else if (begin(self))
        iw_request_ask(self, &(iw_question){"show", run, false, false}, found);
}
