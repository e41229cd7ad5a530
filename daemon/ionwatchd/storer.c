/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ionwatchd/storer.h"

#include "ionwatchd/log.h"
#include "publish/json.h"
#include "store/store.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* A server that says nothing for so long is away; one transaction may take so long at the end. */
static const double ANSWER_S = 15, LAST_S = 5;

struct iw_storer {
    iw_store *store; /* NULL: it could not be opened yet */
    iw_store_options options;
    char *uri;
    _Atomic(double) ends_at;    /* when the daemon began to stop; 0: it does not */
    char trouble[IW_WIRE_TEXT]; /* why nothing can be filed; "" while it can */
    iw_status trouble_code;
    void *inbox, *front, *journal;
    iw_mail_queue files; /* runs that wait to be filed, oldest first */
    double retry_at, backoff_s;
    bool terminated;
};

/* It is there, or was, and will be again: not a mistake in its name. */
static bool
is_away(iw_status status)
{
    return status == IW_AGAIN || status == IW_FULL || status == IW_CLOSED || status == IW_TIMEOUT ||
           status == IW_REFUSED;
}

static bool
is_late(const void *storer)
{
    const iw_storer *self = storer;
    double ends_at = atomic_load(&self->ends_at);
    return ends_at > 0 && iw_now() > ends_at + LAST_S;
}

void
iw_storer_end(iw_storer *self)
{
    atomic_store(&self->ends_at, iw_now());
}

static void
open_store(iw_storer *self, iw_error *err)
{
    self->store = iw_store_open(self->uri, &self->options, err);
    if (!self->store)
        return;
    iw_store_schema schema = iw_store_schema_of(self->store);
    if (schema.found == 0)
        iw_log("store.schema", "an empty database: its tables are made, version %d", schema.now);
    else if (schema.found < schema.now)
        iw_log("store.schema", "the database is brought from version %d to %d", schema.found,
               schema.now);
    if (*schema.trouble)
        iw_log("store.schema", "descriptors_wide is of another version of ionwatch still: %s",
               schema.trouble);
}

iw_storer *
iw_storer_new(void *context, const char *uri, iw_error *err)
{
    iw_storer *self = calloc(1, sizeof *self);
    if (self)
        self->uri = strdup(uri);
    if (!self || !self->uri) {
        free(self);
        iw_fail(err, IW_NO_MEMORY, "database: out of memory");
        return NULL;
    }
    self->options = (iw_store_options){.answer_s = ANSWER_S, .cancelled = is_late, .arg = self};
    open_store(self, err);
    if (self->store || is_away(err->code)) {
        self->inbox = iw_mailbox_bind(context, "store", err);
        self->front = iw_mailbox_connect(context, "front", err);
        self->journal = iw_mailbox_connect(context, "journal", err);
    }
    if (!self->inbox || !self->front || !self->journal)
        iw_storer_destroy(&self);
    return self;
}

void
iw_storer_destroy(iw_storer **storer)
{
    iw_storer *self = *storer;
    if (!self)
        return;
    iw_mail_queue_fini(&self->files);
    iw_mailbox_close(&self->inbox);
    iw_mailbox_close(&self->front);
    iw_mailbox_close(&self->journal);
    if (self->store)
        iw_store_close(&self->store);
    free(self->uri);
    free(self);
    *storer = NULL;
}

static iw_status
make_ready(iw_storer *self, iw_error *err)
{
    if (self->store)
        return iw_store_refresh(self->store, err);
    open_store(self, err);
    return self->store ? IW_OK : err->code;
}

iw_status
iw_storer_ids(iw_storer *self, bool all, json_t **ids, iw_error *err)
{
    if (!all && !self->store)
        return iw_fail(err, IW_AGAIN, "the database is away");
    iw_status status = make_ready(self, err);
    return status ? status : iw_store_ids(self->store, all ? INT64_MAX : 1, ids, err);
}

/* For who asks: what is away now is asked for again. */
static iw_status
make_ready_to_answer(iw_storer *self, iw_error *err)
{
    iw_status status = make_ready(self, err);
    return is_away(status) ? IW_AGAIN : status;
}

/* Said once, not for each try: in the log, and to the front, which names it to who asks. */
static void
take_trouble(iw_storer *self, iw_status code, const char *text)
{
    if (strcmp(text, self->trouble) == 0)
        return;
    if (!text[0])
        iw_log("store.resumed", "the database takes runs again");
    else if (!self->trouble[0] || code != self->trouble_code)
        iw_log("store.retry", "%s: runs that have ended wait; it is tried again until it works",
               text);
    iw_text_copy(self->trouble, sizeof self->trouble, text);
    self->trouble_code = code;
    iw_mail *mail = iw_mail_new(IW_MAIL_WAITING, 0);
    if (!mail)
        return;
    if (text[0])
        (void)snprintf(mail->text, sizeof mail->text, "waits for the database: %.350s", text);
    (void)iw_mail_send(self->front, &mail);
}

/* Files the oldest run that waits.  False: it must wait longer, and another one is tried next. */
static bool
file_first(iw_storer *self)
{
    iw_mail *mail = iw_mail_queue_take(&self->files);
    iw_error err = {0};
    char id[64] = "";
    iw_status ready = make_ready(self, &err);
    iw_status status = ready;
    iw_structure structure;
    if (ready == IW_OK)
        status = iw_structure_of_run(mail->snapshot, mail->info, mail->first, &structure, &err);
    if (status == IW_OK)
        status = iw_store_file(self->store, mail->snapshot, mail->info, &structure, id, &err);
    if (ready != IW_OK || iw_store_may_pass(status)) {
        iw_mail_queue_put(&self->files, mail);
        take_trouble(self, status, err.text);
        self->backoff_s = self->backoff_s == 0 ? 0.25 : 2 * self->backoff_s;
        if (self->backoff_s > 15)
            self->backoff_s = 15;
        self->retry_at = iw_now() + self->backoff_s;
        return false;
    }
    self->backoff_s = 0;
    take_trouble(self, IW_OK, "");
    iw_mail *filed = iw_mail_new(IW_MAIL_FILED, mail->run);
    if (filed) {
        memcpy(filed->id, mail->id, sizeof filed->id);
        filed->status = status;
        iw_text_copy(filed->text, sizeof filed->text, status == IW_OK ? id : err.text);
        iw_summary_of(&filed->summary, mail->snapshot);
        if (status == IW_OK)
            iw_log("store.filed", "run %s: %s, record %s", mail->id, mail->snapshot->state, id);
        else
            iw_log("store.refused", "run %s: %s: its journal stays, the next start tries again",
                   mail->id, err.text);
        (void)iw_mail_send(self->journal, &filed);
    }
    iw_mail_destroy(&mail);
    return true;
}

static iw_status
put_json(iw_mail *mail, const json_t *value, iw_error *err)
{
    char *text = json_dumps(value, JSON_COMPACT);
    if (!text)
        return iw_fail(err, IW_NO_MEMORY, "no memory for the text of the answer");
    iw_status status = iw_buffer_append(&mail->json, text, strlen(text), err);
    free(text);
    return status;
}

static iw_status
read_record(iw_storer *self, iw_mail *mail, iw_error *err)
{
    json_t *record = NULL;
    bool series = mail->flag || mail->full;
    iw_status status = iw_store_record(self->store, mail->text, series, &record, err);
    if (status)
        return status;
    if (series && !mail->full && !iw_record_thin(record)) /* as of a live run */
        status = iw_fail(err, IW_NO_MEMORY, "no memory for the series of the record");
    if (status == IW_OK)
        status = put_json(mail, record, err);
    json_decref(record);
    return status;
}

static void
show(iw_storer *self, iw_mail *mail)
{
    iw_error err = {0};
    mail->status = make_ready_to_answer(self, &err);
    if (mail->status == IW_OK)
        mail->status = read_record(self, mail, &err);
    iw_text_copy(mail->text, sizeof mail->text, mail->status == IW_OK ? "" : err.text);
}

static void
answer_material(iw_storer *self, iw_mail *mail)
{
    json_t *runs = NULL;
    iw_error err = {0};
    mail->status = make_ready_to_answer(self, &err);
    if (mail->status == IW_OK)
        mail->status = iw_store_of_material(self->store, mail->text, &runs, &err);
    if (mail->status == IW_OK)
        mail->status = put_json(mail, runs, &err);
    json_decref(runs);
    iw_text_copy(mail->text, sizeof mail->text, mail->status == IW_OK ? "" : err.text);
}

static void
remove_run(iw_storer *self, iw_mail *mail)
{
    iw_error err = {0};
    iw_mail_queue_drop(&self->files, mail->run); /* it must not come back */
    mail->status = make_ready_to_answer(self, &err);
    if (mail->status == IW_OK)
        mail->status = iw_store_remove(self->store, mail->text, &err);
    if (mail->status == IW_NOT_FOUND && mail->flag)
        mail->status = IW_OK;
    if (mail->status == IW_OK)
        (void)snprintf(mail->text, sizeof mail->text, "removed");
    else
        iw_text_copy(mail->text, sizeof mail->text, err.text);
}

static void
take(iw_storer *self, iw_mail *mail)
{
    switch (mail->kind) {
    case IW_MAIL_FILE:
        iw_mail_queue_put(&self->files, mail);
        return;
    case IW_MAIL_SHOW:
        show(self, mail);
        mail->kind = IW_MAIL_ANSWER;
        (void)iw_mail_send(self->front, &mail);
        return;
    case IW_MAIL_MATERIAL:
        answer_material(self, mail);
        mail->kind = IW_MAIL_ANSWER;
        (void)iw_mail_send(self->front, &mail);
        return;
    case IW_MAIL_REMOVE:
        remove_run(self, mail);
        mail->kind = IW_MAIL_ANSWER;
        (void)iw_mail_send(self->front, &mail);
        return;
    case IW_MAIL_QUIT:
        self->terminated = true;
        break;
    default:
        break;
    }
    iw_mail_destroy(&mail);
}

void *
iw_storer_run(void *storer)
{
    iw_storer *self = storer;
    iw_error err = {0};
    if (!self->store && make_ready(self, &err) != IW_OK)
        take_trouble(self, err.code, err.text);
    while (!self->terminated) {
        double left_s = self->retry_at - iw_now();
        int wait_ms = !self->files.first ? -1 : left_s > 0 ? (int)(1000 * left_s) + 1 : 0;
        zmq_pollitem_t item = {self->inbox, 0, ZMQ_POLLIN, 0};
        (void)zmq_poll(&item, 1, wait_ms);
        for (iw_mail *mail; !self->terminated && (mail = iw_mail_receive(self->inbox, false));)
            take(self, mail);
        while (self->files.first && !self->terminated && iw_now() >= self->retry_at)
            if (!file_first(self))
                break;
    }
    for (iw_mail *mail = self->files.first; mail; mail = mail->next)
        iw_log("store.unfiled", "run %s: filed at the next start", mail->id);
    return NULL;
}
