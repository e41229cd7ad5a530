/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/http/stream.h"

#include "frame.h"
#include "publish/http/body.h"
#include "publish/http/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double RECORD_S = 1; /* from a change in the listing to the record */

/* One event as it is sent. */
typedef struct {
    unsigned references;
    iw_buffer plain;
    iw_buffer packed; /* a part of a gzip stream; empty: not made yet */
} event;

/* A run that is shown. */
typedef struct topic {
    char run[IW_ID_LENGTH + 1];
    size_t clients;
    event *newest; /* NULL before the first record */
    uint64_t version;
    uint64_t row;     /* version of its row when it was looked at last */
    double overdue_s; /* > 0: its row changed, and a record should come before this time */
    struct topic *next;
} topic;

struct iw_client {
    bool gzip, waiting, greeted;
    uint64_t rows, record, beat; /* versions that it has */
    topic *topic;                /* NULL: none */
    event *current;              /* on its way; NULL: none */
    size_t sent;                 /* of it */
    void (*wake)(void *context);
    void *context;
    iw_client *next;
};

struct iw_hub {
    iw_rows *rows;
    iw_client *clients;
    size_t n_clients;
    topic *topics;
    event *changes; /* of the listing, from one version to the newest */
    uint64_t changes_from, changes_to;
    event *beat, *greeting;
    uint64_t beat_version;
};

/* ---- events ---- */

/* NULL: no memory. */
static event *
make_event(const char *name, const void *json, size_t size)
{
    event *self = calloc(1, sizeof *self);
    char head[64];
    int head_size = snprintf(head, sizeof head, "event: %s\ndata: ", name);
    if (self && iw_buffer_reserve(&self->plain, (size_t)head_size + size + 2, NULL) == IW_OK) {
        (void)iw_buffer_append(&self->plain, head, (size_t)head_size, NULL);
        (void)iw_buffer_append(&self->plain, json, size, NULL);
        (void)iw_buffer_append(&self->plain, "\n\n", 2, NULL);
        self->references = 1;
        return self;
    }
    free(self);
    return NULL;
}

static void
let_go(event **self)
{
    if (*self && --(*self)->references == 0) {
        iw_buffer_fini(&(*self)->plain);
        iw_buffer_fini(&(*self)->packed);
        free(*self);
    }
    *self = NULL;
}

static void
replace(event **place, event *with)
{
    let_go(place);
    *place = with;
}

static const iw_buffer *
bytes_of(event *self, bool gzip)
{
    if (!gzip)
        return &self->plain;
    if (self->packed.size == 0)
        (void)iw_gzip_part(self->plain.data, self->plain.size, &self->packed, NULL);
    return &self->packed; /* without memory it is empty, and overtaken by the next one */
}

/* ---- the hub ---- */

iw_hub *
iw_hub_new(void)
{
    iw_hub *self = calloc(1, sizeof *self);
    if (self) {
        self->rows = iw_rows_new();
        self->greeting = make_event("hello\nretry: 1000", "{}", 2); /* ms until it comes back */
        if (!self->rows || !self->greeting)
            iw_hub_destroy(&self);
    }
    return self;
}

void
iw_hub_destroy(iw_hub **self)
{
    if (!*self)
        return;
    iw_rows_destroy(&(*self)->rows);
    let_go(&(*self)->changes);
    let_go(&(*self)->beat);
    let_go(&(*self)->greeting);
    free(*self);
    *self = NULL;
}

static topic *
topic_of(const iw_hub *self, const char *run)
{
    topic *found = self->topics;
    while (found && strcmp(found->run, run) != 0)
        found = found->next;
    return found;
}

static topic *
enter_topic(iw_hub *self, const char *run)
{
    topic *found = topic_of(self, run);
    if (!found && (found = calloc(1, sizeof *found))) {
        (void)snprintf(found->run, sizeof found->run, "%s", run);
        found->row = iw_rows_version_of(self->rows, run);
        found->next = self->topics;
        self->topics = found;
    }
    if (found)
        found->clients++;
    return found;
}

static void
leave_topic(iw_hub *self, topic *left)
{
    if (!left || --left->clients > 0)
        return;
    topic **at = &self->topics;
    while (*at != left)
        at = &(*at)->next;
    *at = left->next;
    let_go(&left->newest);
    free(left);
}

iw_client *
iw_hub_join(iw_hub *self, const char *run, bool gzip, void (*wake)(void *context), void *context)
{
    iw_client *client = calloc(1, sizeof *client);
    if (!client)
        return NULL;
    if (*run && !(client->topic = enter_topic(self, run))) {
        free(client);
        return NULL;
    }
    client->gzip = gzip;
    client->wake = wake;
    client->context = context;
    client->beat = self->beat_version;
    client->next = self->clients;
    self->clients = client;
    self->n_clients++;
    return client;
}

void
iw_hub_leave(iw_hub *self, iw_client **client)
{
    if (!*client)
        return;
    iw_client **at = &self->clients;
    while (*at != *client)
        at = &(*at)->next;
    *at = (*client)->next;
    self->n_clients--;
    leave_topic(self, (*client)->topic);
    iw_rows *fresh = self->clients ? NULL : iw_rows_new();
    if (fresh) { /* nobody looks: what is known now is old for who comes next */
        iw_rows_destroy(&self->rows);
        self->rows = fresh;
        replace(&self->changes, NULL);
    }
    let_go(&(*client)->current);
    free(*client);
    *client = NULL;
}

/* What changed in the listing since the client saw it; those who saw the same share it. */
static event *
changes_for(iw_hub *self, iw_client *client)
{
    uint64_t newest = iw_rows_version(self->rows);
    if (!self->changes || self->changes_from != client->rows || self->changes_to != newest) {
        iw_buffer json = {0};
        event *made = NULL;
        if (iw_rows_changes(self->rows, client->rows, &json, NULL) == IW_OK)
            made = make_event("runs", json.data, json.size);
        iw_buffer_fini(&json);
        replace(&self->changes, made);
        self->changes_from = client->rows;
        self->changes_to = newest;
    }
    client->rows = newest;
    return self->changes;
}

static event *
next_event(iw_hub *self, iw_client *client)
{
    if (!client->greeted) {
        client->greeted = true;
        return self->greeting;
    }
    if (client->rows < iw_rows_version(self->rows))
        return changes_for(self, client);
    if (client->topic && client->record < client->topic->version) {
        client->record = client->topic->version;
        return client->topic->newest;
    }
    if (client->beat < self->beat_version) {
        client->beat = self->beat_version;
        return self->beat;
    }
    return NULL;
}

size_t
iw_client_read(iw_hub *self, iw_client *client, char *to, size_t room)
{
    bool first = !client->greeted;
    if (!client->current && (client->current = next_event(self, client))) {
        client->current->references++;
        client->sent = 0;
    }
    client->waiting = !client->current;
    if (!client->current || room < IW_GZIP_HEAD)
        return 0;
    if (first && client->gzip) {
        memcpy(to, iw_gzip_head, IW_GZIP_HEAD);
        return IW_GZIP_HEAD;
    }
    const iw_buffer *bytes = bytes_of(client->current, client->gzip);
    size_t size = bytes->size - client->sent;
    if (size > room)
        size = room;
    memcpy(to, bytes->data + client->sent, size);
    client->sent += size;
    if (client->sent == bytes->size)
        let_go(&client->current);
    return size > 0 ? size : iw_client_read(self, client, to, room);
}

static void
wake(iw_client *client)
{
    if (client->waiting) {
        client->waiting = false;
        client->wake(client->context);
    }
}

/* ---- news ---- */

static void
look_at_rows(iw_hub *self, double now_s)
{
    for (topic *at = self->topics; at; at = at->next) {
        uint64_t row = iw_rows_version_of(self->rows, at->run);
        if (row != at->row && at->overdue_s == 0)
            at->overdue_s = now_s + RECORD_S;
        at->row = row;
    }
}

iw_status
iw_hub_listing(iw_hub *self, const void *json, size_t size, double now_s, iw_error *err)
{
    uint64_t before = iw_rows_version(self->rows);
    iw_status status = iw_rows_update(self->rows, json, size, err);
    if (iw_rows_version(self->rows) == before)
        return status;
    look_at_rows(self, now_s);
    for (iw_client *client = self->clients; client; client = client->next)
        wake(client);
    return status;
}

void
iw_hub_record(iw_hub *self, const char *run, const void *json, size_t size)
{
    topic *shown = topic_of(self, run);
    event *made = shown ? make_event("run", json, size) : NULL;
    if (!made)
        return;
    replace(&shown->newest, made);
    shown->version++;
    shown->overdue_s = 0;
    for (iw_client *client = self->clients; client; client = client->next)
        if (client->topic == shown)
            wake(client);
}

void
iw_hub_beat(iw_hub *self, double time_s)
{
    char json[64];
    int size = snprintf(json, sizeof json, "{\"time\":%.3f}", time_s);
    event *made = make_event("beat", json, (size_t)size);
    if (!made)
        return;
    replace(&self->beat, made);
    self->beat_version++;
    for (iw_client *client = self->clients; client; client = client->next)
        wake(client);
}

size_t
iw_hub_clients(const iw_hub *self)
{
    return self->n_clients;
}

const char *
iw_hub_run(const iw_hub *self, size_t i)
{
    const topic *at = self->topics;
    for (; at && i > 0; i--)
        at = at->next;
    return at ? at->run : NULL;
}

bool
iw_hub_shows(const iw_hub *self, const char *run)
{
    return topic_of(self, run) != NULL;
}

const char *
iw_hub_overdue(iw_hub *self, double now_s)
{
    for (topic *at = self->topics; at; at = at->next)
        if (at->overdue_s > 0 && now_s >= at->overdue_s) {
            at->overdue_s = 0;
            return at->run;
        }
    return NULL;
}
