/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "herald/herald.h"

#include "herald/argv.h"
#include "herald/book.h"
#include "herald/child.h"
#include "herald/environment.h"
#include "herald/kinds.h"
#include "herald/notice.h"
#include "ionwatchd/log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TEND_MS = 50, TEXT = 256 };

static const double STOP_S = 5;

struct iw_herald {
    iw_argv argv;
    iw_kinds kinds;
    char endpoint[TEXT];
    double timeout_s, pause_s;
    unsigned at_once;
    iw_book *book;
    void *inbox, *front;
    iw_mail_queue waiting;
    size_t n_waiting;
    uint64_t left_out; /* since the last notice on that */
    iw_child children[IW_HERALD_AT_ONCE];
    char about[IW_HERALD_AT_ONCE][TEXT]; /* what each child tells, for the log */
    bool failing, forgetful;             /* said in the log */
    bool quitting;
    double quit_by_s;
};

static iw_status
set_up(iw_herald *self, const iw_herald_options *options, iw_error *err)
{
    iw_status status = iw_argv_split(options->command, &self->argv, err);
    if (status == IW_OK && self->argv.n == 0)
        status = iw_fail(err, IW_INVALID, "on_event names no command");
    if (status == IW_OK)
        status = iw_kinds_parse(options->kinds, &self->kinds, err);
    iw_text_copy(self->endpoint, sizeof self->endpoint, options->endpoint);
    self->timeout_s = options->timeout_s;
    self->pause_s = options->pause_s;
    self->at_once = options->at_once < IW_HERALD_AT_ONCE ? options->at_once : IW_HERALD_AT_ONCE;
    return status;
}

iw_herald *
iw_herald_new(void *context, const iw_herald_options *options, iw_error *err)
{
    iw_herald *self = calloc(1, sizeof *self);
    if (!self) {
        (void)iw_fail(err, IW_NO_MEMORY, "notices: out of memory");
        return NULL;
    }
    bool good = set_up(self, options, err) == IW_OK;
    if (good)
        self->book = iw_book_open(options->data, err);
    if (good && self->book)
        self->inbox = iw_mailbox_bind(context, "herald", err);
    if (self->inbox)
        self->front = iw_mailbox_connect(context, "front", err);
    if (!self->front) {
        (void)iw_prefix(err, "notices");
        iw_herald_destroy(&self);
    }
    return self;
}

void
iw_herald_destroy(iw_herald **herald)
{
    iw_herald *self = *herald;
    if (!self)
        return;
    iw_mail_queue_fini(&self->waiting);
    iw_mailbox_close(&self->inbox);
    iw_mailbox_close(&self->front);
    iw_book_close(&self->book);
    free(self);
    *herald = NULL;
}

static void
note(iw_herald *self, const iw_mail *mail, bool durable)
{
    iw_error err;
    if (mail->seq == 0 && mail->kind == IW_MAIL_NOTICE) /* of the daemon: new each time */
        return;
    bool forgetful =
        (mail->kind == IW_MAIL_FORGET
             ? iw_book_forget(self->book, mail->id, &err)
             : iw_book_note(self->book, mail->id, mail->event, mail->seq, durable, &err)) != IW_OK;
    if (forgetful && !self->forgetful)
        iw_log("herald.book", "%s: what is told now may be told again after a restart", err.text);
    self->forgetful = forgetful;
}

static const char *
of_run(const char *id, char text[TEXT])
{
    (void)snprintf(text, TEXT, *id ? "run %s" : "the daemon", id);
    return text;
}

/* For those who ask the daemon how it is. */
static void
tell_front(iw_herald *self, iw_status status, const char *why)
{
    iw_mail *mail = iw_mail_new(IW_MAIL_TOLD, 0);
    if (!mail)
        return;
    mail->status = status;
    iw_text_copy(mail->text, sizeof mail->text, why);
    (void)iw_mail_send(self->front, &mail);
}

/* Is it wanted, and new, and not too soon, and is there room for it?  Once it is in the book it
 * counts as told, whatever becomes of it. */
static bool
accept(iw_herald *self, const iw_mail *mail)
{
    char who[TEXT];
    double now = iw_now();
    if (!self->kinds.chosen[mail->event])
        return false;
    iw_book_entry *entry = iw_book_find(self->book, mail->id, mail->event);
    if (!entry || (mail->seq > 0 && mail->seq <= entry->number))
        return false;
    entry->number = mail->seq;
    if (now - entry->told_s < self->pause_s) {
        if (!entry->limited)
            iw_log("herald.pause", "%s: %s again within %g s of the last time: not told",
                   of_run(mail->id, who), iw_event_id(mail->event), self->pause_s);
        entry->limited = true;
        note(self, mail, false);
        return false;
    }
    entry->told_s = now;
    entry->limited = false;
    if (self->n_waiting < IW_HERALD_WAITING)
        return true;
    if (self->left_out++ == 0)
        iw_log("herald.full", "%d notices wait for the command, more are left out",
               IW_HERALD_WAITING);
    tell_front(self, IW_AGAIN, "too many notices came at once");
    note(self, mail, false);
    return false;
}

static void
take(iw_herald *self, iw_mail *mail)
{
    if (mail->kind == IW_MAIL_NOTICE && accept(self, mail)) {
        iw_mail_queue_put(&self->waiting, mail);
        self->n_waiting++;
        return;
    }
    if (mail->kind == IW_MAIL_FORGET)
        note(self, mail, true);
    if (mail->kind == IW_MAIL_QUIT) {
        self->quitting = true;
        self->quit_by_s = iw_now() + STOP_S;
    }
    iw_mail_destroy(&mail);
}

/* The same failure again and again is said once, and its end. */
static void
report(iw_herald *self, const char *about, iw_status status, const iw_error *err)
{
    bool failing = status != IW_OK;
    if (failing && !self->failing)
        iw_log("herald.failed", "%s: on_event: %s; said again once it works", about, err->text);
    else if (!failing && self->failing)
        iw_log("herald.works", "%s was told", about);
    self->failing = failing;
    tell_front(self, status, failing ? err->text : "");
}

/* Starts the command for one event in that child. */
static iw_status
start(iw_herald *self, iw_child *child, json_t *notice, iw_error *err)
{
    char *text = json_dumps(notice, JSON_COMPACT);
    char **environment = iw_environment_new(notice);
    iw_status status = IW_NO_MEMORY;
    if (!text || !environment)
        (void)iw_fail(err, IW_NO_MEMORY, "out of memory");
    else
        status = iw_child_start(child, self->argv.words, environment, text, strlen(text),
                                iw_now() + self->timeout_s, err);
    iw_environment_free(&environment);
    free(text);
    return status;
}

static void
tell(iw_herald *self, size_t slot, json_t *notice, const char *about)
{
    iw_error err;
    iw_status status = IW_NO_MEMORY;
    if (notice && json_object_set_new(notice, "endpoint", json_string(self->endpoint)) == 0)
        status = start(self, &self->children[slot], notice, &err);
    else
        (void)iw_fail(&err, IW_NO_MEMORY, "out of memory");
    json_decref(notice);
    if (status != IW_OK) {
        report(self, about, status, &err);
        return;
    }
    iw_log("herald.tell", "%s", about);
    iw_text_copy(self->about[slot], TEXT, about);
}

static void
tell_next(iw_herald *self, size_t slot)
{
    char who[TEXT], about[TEXT];
    iw_mail *mail = iw_mail_queue_take(&self->waiting);
    self->n_waiting--;
    note(self, mail, true);
    (void)snprintf(about, sizeof about, "%.100s: %s", of_run(mail->id, who),
                   iw_event_id(mail->event));
    tell(self, slot, json_loadb((const char *)mail->json.data, mail->json.size, 0, NULL), about);
    iw_mail_destroy(&mail);
}

static void
tell_left_out(iw_herald *self, size_t slot)
{
    char text[TEXT];
    (void)snprintf(text, sizeof text, "%llu notices were left out: too many came at once",
                   (unsigned long long)self->left_out);
    self->left_out = 0;
    iw_notice notice = {.text = text, .time_ps = NAN};
    tell(self, slot, iw_notice_json("left_out", IW_WARNING, &notice), text);
}

/* True while a command runs or a notice waits. */
static bool
work(iw_herald *self)
{
    bool busy = false;
    for (size_t i = 0; i < self->at_once; i++) {
        iw_error err;
        iw_status status;
        iw_child *child = &self->children[i];
        if (child->pid > 0 && iw_child_tend(child, iw_now(), &status, &err))
            report(self, self->about[i], status, &err);
        while (child->pid == 0 && self->waiting.first) /* one that cannot be run takes no place */
            tell_next(self, i);
        if (child->pid == 0 && self->left_out > 0)
            tell_left_out(self, i);
        busy |= child->pid > 0;
    }
    return busy;
}

static void
wait_for_work(const iw_herald *self, bool busy)
{
    zmq_pollitem_t items[IW_HERALD_AT_ONCE + 1] = {{self->inbox, 0, ZMQ_POLLIN, 0}};
    int n = 1;
    for (size_t i = 0; i < self->at_once; i++)
        if (self->children[i].pid > 0 && self->children[i].output >= 0)
            items[n++] = (zmq_pollitem_t){NULL, self->children[i].output, ZMQ_POLLIN, 0};
    (void)zmq_poll(items, n, busy ? TEND_MS : -1);
}

static void
leave(iw_herald *self)
{
    if (self->n_waiting > 0)
        iw_log("herald.left_out", "%zu notices are not told before the end", self->n_waiting);
    for (size_t i = 0; i < self->at_once; i++)
        if (self->children[i].pid > 0) {
            iw_log("herald.killed", "%s: the command ran still", self->about[i]);
            iw_child_kill(&self->children[i]);
        }
}

void *
iw_herald_run(void *herald)
{
    iw_herald *self = herald;
    bool busy = false;
    while (!self->quitting || (busy && iw_now() < self->quit_by_s)) {
        wait_for_work(self, busy);
        for (iw_mail *mail; (mail = iw_mail_receive(self->inbox, false));)
            take(self, mail);
        busy = work(self);
    }
    leave(self);
    return NULL;
}

iw_status
iw_herald_test(const iw_herald_options *options, FILE *out, iw_error *err)
{
    iw_herald self = {.quitting = true};
    iw_child *child = &self.children[0];
    iw_notice test = {.text = "a test: this is how events come", .time_ps = NAN};
    iw_status status = set_up(&self, options, err);
    json_t *notice = status == IW_OK ? iw_notice_json("test", IW_NOTE, &test) : NULL;
    if (status == IW_OK &&
        (!notice || json_object_set_new(notice, "endpoint", json_string(self.endpoint)) != 0))
        status = iw_fail(err, IW_NO_MEMORY, "out of memory");
    if (status == IW_OK)
        status = start(&self, child, notice, err);
    double begun_s = iw_now();
    json_decref(notice);
    while (child->pid > 0 && !iw_child_tend(child, iw_now(), &status, err)) {
        struct timespec pause = {.tv_nsec = 20000000};
        (void)nanosleep(&pause, NULL);
    }
    if (status == IW_OK)
        (void)fprintf(out, "%s: exit code 0 after %.1f s\n", self.argv.words[0],
                      iw_now() - begun_s);
    return status;
}
