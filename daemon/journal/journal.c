/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/journal.h"

#include "framelog.h"
#include "ionwatchd/log.h"
#include "journal/checkpoint.h"
#include "journal/folder.h"
#include "journal/journal_internal.h"
#include "journal/reader.h"
#include "journal/recovery.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { BATCH_MAILS = 8192, BATCH_BYTES = 64 << 20, CREW = 16 };

static const double LOOK_S = 5; /* at the room on disk while nothing happens */

iw_journal *
iw_journal_new(void *context, const iw_journal_options *options, iw_error *err)
{
    unsigned workers = options->workers;
    iw_journal *self = calloc(1, sizeof *self);
    if (!self) {
        iw_fail(err, IW_NO_MEMORY, "journal: out of memory");
        return NULL;
    }
    self->lock = -1;
    self->n_workers = workers;
    self->min_free_mib = options->min_free_mib;
    iw_text_copy(self->data, sizeof self->data, options->data);
    self->lock = iw_folder_open(options->data, err);
    self->crew = self->lock >= 0 ? iw_crew_new(CREW, err) : NULL;
    bool good = self->crew != NULL;
    if (good) {
        self->inbox = iw_mailbox_bind(context, "journal", err);
        self->front = iw_mailbox_connect(context, "front", err);
        self->workers = calloc(workers, sizeof *self->workers);
        good = self->inbox && self->front && self->workers;
    }
    for (unsigned i = 0; good && i < workers; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "worker-%u", i);
        self->workers[i] = iw_mailbox_connect(context, name, err);
        good = self->workers[i] != NULL;
    }
    if (!good)
        iw_journal_destroy(&self);
    return self;
}

void
iw_journal_destroy(iw_journal **journal)
{
    iw_journal *self = *journal;
    if (!self)
        return;
    while (self->entries) {
        iw_entry *run = self->entries;
        self->entries = run->next;
        iw_mail_queue_fini(&run->mails);
        if (run->writer)
            (void)iw_framelog_writer_close(&run->writer, NULL);
        iw_doorbell_unref(&run->doorbell);
        free(run);
    }
    iw_mailbox_close(&self->inbox);
    iw_mailbox_close(&self->front);
    for (unsigned i = 0; self->workers && i < self->n_workers; i++)
        iw_mailbox_close(&self->workers[i]);
    free(self->workers);
    free(self->turns);
    iw_crew_destroy(&self->crew);
    if (self->lock >= 0)
        (void)close(self->lock);
    free(self);
    *journal = NULL;
}

static void *
worker_of(const iw_journal *self, uint32_t run)
{
    return self->workers[iw_mail_worker(run, self->n_workers)];
}

static iw_entry *
entry_of(iw_journal *self, const iw_mail *mail)
{
    for (iw_entry *run = self->entries; run; run = run->next)
        if (run->run == mail->run)
            return run;
    iw_entry *run = calloc(1, sizeof *run);
    if (!run)
        return NULL;
    run->run = mail->run;
    memcpy(run->id, mail->id, sizeof run->id);
    run->next = self->entries;
    self->entries = run;
    self->n_entries++;
    return run;
}

/* Who has asked about it gets an answer all the same. */
static void
forget(iw_journal *self, iw_entry *run)
{
    for (iw_mail *mail; (mail = iw_mail_queue_take(&run->mails));)
        if (mail->kind == IW_MAIL_SHOW)
            (void)iw_mail_send(worker_of(self, run->run), &mail);
        else
            iw_mail_destroy(&mail);
    for (iw_entry **at = &self->entries; *at; at = &(*at)->next)
        if (*at == run) {
            *at = run->next;
            self->n_entries--;
            break;
        }
    if (run->writer)
        (void)iw_framelog_writer_close(&run->writer, NULL);
    iw_doorbell_unref(&run->doorbell);
    free(run);
}

static iw_mail *
mail_about(iw_mail_kind kind, const iw_entry *run, iw_status status, const char *text)
{
    iw_mail *mail = iw_mail_new(kind, run->run);
    if (!mail)
        return NULL;
    memcpy(mail->id, run->id, sizeof mail->id);
    mail->seq = run->durable_seq;
    mail->offset = run->durable_bytes;
    mail->status = status;
    iw_text_copy(mail->text, sizeof mail->text, text);
    return mail;
}

static void
send_simple(void *to, iw_mail_kind kind, const iw_entry *run, iw_status status, const char *text)
{
    iw_mail *mail = mail_about(kind, run, status, text);
    if (mail)
        (void)iw_mail_send(to, &mail);
}

static void
send_open(iw_journal *self, iw_entry *run, const iw_run_info *info, bool recovered, bool ended,
          uint64_t cut_bytes)
{
    iw_mail *mail = iw_mail_new(IW_MAIL_OPEN, run->run);
    iw_doorbell *doorbell = iw_doorbell_new();
    if (mail)
        mail->info = iw_journal_copy_info(info);
    if (!mail || !mail->info || !doorbell) {
        iw_doorbell_unref(&doorbell);
        iw_mail_destroy(&mail);
        iw_log("journal.memory", "run %s: out of memory: the run is not analysed", run->id);
        return;
    }
    memcpy(mail->id, run->id, sizeof mail->id);
    mail->seq = run->durable_seq;
    mail->offset = run->durable_bytes;
    mail->flag = recovered;
    mail->status = ended ? IW_END : IW_OK;
    if (cut_bytes > 0)
        (void)snprintf(mail->text, sizeof mail->text,
                       "%llu bytes of a record that was never acknowledged",
                       (unsigned long long)cut_bytes);
    mail->doorbell = iw_doorbell_ref(doorbell);
    run->doorbell = doorbell;
    (void)iw_mail_send(worker_of(self, run->run), &mail);
}

static void
ring(iw_journal *self, const iw_entry *run)
{
    if (!run->doorbell || !iw_doorbell_ring(run->doorbell, run->durable_bytes))
        return;
    iw_mail *mail = iw_mail_new(IW_MAIL_DURABLE, run->run);
    if (mail)
        (void)iw_mail_send(worker_of(self, run->run), &mail);
    else
        (void)iw_doorbell_answer(run->doorbell); /* the next record tries again */
}

/* Listings of the daemon tell it. */
static void
tell_room(iw_journal *self, const struct statvfs *room)
{
    iw_mail *mail = iw_mail_new(IW_MAIL_ROOM, 0);
    if (!mail)
        return;
    mail->seq = (uint64_t)room->f_bavail * room->f_frsize;
    mail->offset = (uint64_t)room->f_blocks * room->f_frsize;
    (void)iw_mail_send(self->front, &mail);
}

/* Is there less room than the operator wants to keep?  Looked at twice a second at most. */
static void
look_at_room(iw_journal *self, double now)
{
    struct statvfs room;
    if (now < self->looked_s + 0.5 || statvfs(self->data, &room) != 0)
        return;
    uint64_t mib = (uint64_t)room.f_bavail * room.f_frsize >> 20;
    bool was = self->low;
    self->looked_s = now;
    tell_room(self, &room);
    self->low = mib < self->min_free_mib;
    (void)iw_fail(&self->low_error, IW_FULL,
                  "%llu MiB are free on the file system of %.256s, min_free_mib is %u",
                  (unsigned long long)mib, self->data, self->min_free_mib);
    if (self->low != was)
        iw_log(self->low ? "journal.low" : "journal.room", "%s%s", self->low_error.text,
               self->low ? ": frames wait, and new runs are refused" : "");
}

/* What could not be made durable is cut off again, so that a retry writes each record once. */
static void
retreat(iw_journal *self, iw_entry *run, const iw_error *why)
{
    char path[IW_JOURNAL_PATH];
    iw_folder_path(self->data, run->id, "journal.iwlog", path, sizeof path);
    iw_error err;
    if (run->writer) {
        (void)iw_framelog_writer_close(&run->writer, NULL);
        if (iw_entry_cut_back(run, path, &err) != IW_OK) /* tried again before the file is */
            iw_log("journal.truncate", "run %s: %s", run->id, err.text);
    }
    run->backoff_s = run->waiting ? 2 * run->backoff_s : 0.5;
    if (run->backoff_s > 15)
        run->backoff_s = 15;
    run->retry_at = iw_now() + run->backoff_s;
    if (!run->waiting) {
        run->waiting = true;
        iw_log("journal.waiting", "run %s: %s: frames wait at the adapter until this is mended",
               run->id, why->text);
        send_simple(self->front, IW_MAIL_WAITING, run, why->code, why->text);
    }
}

static void
refuse(iw_journal *self, iw_entry *run, const iw_error *why)
{
    if (why->code != IW_FULL) /* that is said once for all runs */
        iw_log("journal.refused", "run %s: %s", run->id, why->text);
    send_simple(self->front, IW_MAIL_OPENED, run, why->code, why->text);
    forget(self, run);
}

static void
save_summary(iw_journal *self, iw_entry *run, iw_mail *mail)
{
    mail->summary.last_seq = run->durable_seq;
    char path[IW_JOURNAL_PATH];
    iw_folder_path(self->data, run->id, "summary.json", path, sizeof path);
    iw_error err;
    if (iw_summary_save(path, &mail->summary, run->durable_bytes, &err) != IW_OK)
        iw_log("journal.summary", "run %s: %s: the next start reads the journal instead", run->id,
               err.text);
}

/* Passes on a mail whose record, if it had one, is durable.  A worker that has dropped the run
 * sends questions on to the store. */
static void
pass_on(iw_journal *self, iw_entry *run, iw_mail *mail)
{
    switch (mail->kind) {
    case IW_MAIL_STATE:
    case IW_MAIL_LISTEN:
    case IW_MAIL_SHOW:
        (void)iw_mail_send(worker_of(self, run->run), &mail);
        break;
    case IW_MAIL_FILED:
        save_summary(self, run, mail);
        (void)iw_checkpoint_remove(self->data, run->id, NULL); /* a new one would replace it */
        send_simple(worker_of(self, run->run), IW_MAIL_FORGET, run, IW_OK, "");
        (void)iw_mail_send(self->front, &mail);
        break;
    default:
        iw_mail_destroy(&mail);
    }
}

static void
send_durable(iw_journal *self, const iw_entry *run, uint64_t landed, uint64_t frames, bool ended)
{
    iw_mail *mail = mail_about(IW_MAIL_DURABLE, run, IW_OK, ended ? "ended" : "");
    if (!mail)
        return;
    mail->landed = landed;
    mail->landed_frames = frames;
    (void)iw_mail_send(self->front, &mail);
}

/* What was written, or not, is told. */
static void
conclude(iw_journal *self, iw_turn *at)
{
    iw_entry *run = at->run;
    if (at->found && !run->doorbell)
        send_open(self, run, at->found, false, false, at->cut);
    if (at->found) {
        iw_run_info_fini(at->found);
        free(at->found);
    }
    iw_status status = at->status;
    if (status == IW_CORRUPT || (status != IW_OK && status != IW_IO && status != IW_NO_MEMORY)) {
        refuse(self, run, &at->err);
        return;
    }
    if (status != IW_OK) {
        retreat(self, run, &at->err);
        return;
    }
    if (run->waiting) {
        run->waiting = false;
        iw_log("journal.resumed", "run %s: the journal is written again", run->id);
    }
    run->durable_seq = at->last_seq;
    run->durable_bytes = iw_framelog_size(run->writer);
    bool grown = false;
    bool ended = false;
    bool filed = false;
    uint64_t landed = 0;
    uint64_t frames = 0;
    for (iw_mail *mail = run->mails.first; mail; mail = mail->next) {
        grown |= iw_is_record(mail->kind);
        landed += mail->kind == IW_MAIL_FRAME ? zmq_msg_size(&mail->message) : 0;
        frames += mail->kind == IW_MAIL_FRAME;
        ended |= mail->kind == IW_MAIL_BYE;
        filed |= mail->kind == IW_MAIL_FILED;
        if (mail->kind == IW_MAIL_HELLO && !run->doorbell)
            send_open(self, run, mail->info, false, false, 0);
        if (mail->kind == IW_MAIL_HELLO)
            send_simple(self->front, IW_MAIL_OPENED, run, IW_OK, "");
    }
    if (grown) { /* the worker first: it knows what whoever hears of it may ask for */
        ring(self, run);
        send_durable(self, run, landed, frames, ended);
    }
    for (iw_mail *mail; (mail = iw_mail_queue_take(&run->mails));)
        pass_on(self, run, mail);
    if (filed)
        forget(self, run);
    else if (ended) /* it may wait for the database for days, and others like it */
        (void)iw_framelog_writer_close(&run->writer, NULL);
}

static void
remove_run(iw_journal *self, iw_mail **mail)
{
    for (iw_entry *run = self->entries; run; run = run->next)
        if (run->run == (*mail)->run) {
            forget(self, run);
            break;
        }
    iw_error err;
    if (iw_folder_remove_run(self->data, (*mail)->id, &err) != IW_OK) {
        (*mail)->kind = IW_MAIL_ANSWER;
        (*mail)->status = err.code;
        iw_text_copy((*mail)->text, sizeof(*mail)->text, err.text);
        iw_log("journal.remove", "run %s: %s", (*mail)->id, err.text);
        (void)iw_mail_send(self->front, mail);
        return;
    }
    (void)iw_mail_send(worker_of(self, (*mail)->run), mail);
}

/* The database will not have the run: nothing to write, and its worker need not wait. */
static void
pass_refusal(iw_journal *self, iw_mail *mail)
{
    iw_mail *copy = iw_mail_new(IW_MAIL_FILED, mail->run);
    if (copy) {
        copy->status = mail->status;
        (void)iw_mail_send(worker_of(self, mail->run), &copy);
    }
    (void)iw_mail_send(self->front, &mail);
}

static void
take(iw_journal *self, iw_mail *mail)
{
    if (mail->kind == IW_MAIL_QUIT) {
        self->terminated = true;
        iw_mail_destroy(&mail);
        return;
    }
    if (mail->kind == IW_MAIL_REMOVE) {
        remove_run(self, &mail);
        return;
    }
    if (mail->kind == IW_MAIL_FILED && mail->status != IW_OK) {
        pass_refusal(self, mail);
        return;
    }
    iw_entry *run = entry_of(self, mail);
    if (!run) {
        iw_log("journal.memory", "run %s: out of memory: it is turned away", mail->id);
        mail->kind = IW_MAIL_OPENED;
        mail->status = IW_NO_MEMORY;
        iw_text_copy(mail->text, sizeof mail->text, "the daemon is out of memory");
        (void)iw_mail_send(self->front, &mail);
        return;
    }
    if (run->waiting && !iw_is_record(mail->kind)) { /* questions do not wait for the disk */
        (void)iw_mail_send(worker_of(self, run->run), &mail);
        return;
    }
    iw_mail_queue_put(&run->mails, mail);
}

static bool
is_due(const iw_entry *run, double now)
{
    return run->mails.first && !(run->waiting && now < run->retry_at);
}

static void
commit_all(iw_journal *self)
{
    double now = iw_now();
    size_t n = 0;
    look_at_room(self, now);
    if (self->n_entries > self->turn_room) {
        iw_turn *turns = realloc(self->turns, 2 * self->n_entries * sizeof *turns);
        if (turns) {
            self->turns = turns;
            self->turn_room = 2 * self->n_entries;
        }
    }
    for (iw_entry *run = self->entries; run && n < self->turn_room; run = run->next)
        if (is_due(run, now))
            self->turns[n++] = (iw_turn){.journal = self, .run = run};
    iw_crew_run(self->crew, iw_turn_take, self->turns, n, sizeof *self->turns);
    for (size_t i = 0; i < n; i++)
        conclude(self, &self->turns[i]);
}

/* A run that is not filed goes to a worker. */
static void
hand_over(iw_journal *self, iw_mail *mail, const iw_journal_scan *scan, iw_framelog_writer **writer,
          uint64_t cut)
{
    iw_entry *run = entry_of(self, mail);
    if (!run)
        return;
    if (!scan->ended) { /* nothing will be written before it is filed */
        run->writer = *writer;
        *writer = NULL;
    }
    run->durable_seq = scan->last_seq;
    run->durable_bytes = scan->bytes;
    send_open(self, run, scan->info, true, scan->ended, cut);
    ring(self, run);
    iw_log("journal.recovered", "run %s: %llu frames", run->id, (unsigned long long)scan->last_seq);
}

/* A run that was found: told to the front, and to a worker unless it is filed. */
static void
tell_found(iw_journal *self, iw_found_run *found)
{
    iw_journal_scan *scan = &found->scan;
    if (found->status != IW_OK) {
        iw_log("journal.unreadable", "run %s: %s: left as it is, not analysed", found->id,
               found->err.text);
        return;
    }
    iw_mail *mail = iw_mail_new(IW_MAIL_RECOVERED, self->n_recovered + 1);
    if (!mail) {
        iw_run_info_fini(scan->info);
        free(scan->info);
        (void)iw_framelog_writer_close(&found->writer, NULL);
        return;
    }
    if (found->cut > 0)
        iw_log("journal.torn_tail", "run %s: %llu bytes cut", found->id,
               (unsigned long long)found->cut);
    self->n_recovered++;
    memcpy(mail->id, found->id, sizeof mail->id);
    mail->summary = found->summary;
    mail->seq = scan->last_seq;
    mail->offset = found->bytes;
    mail->flag = found->filed || scan->filed;
    memcpy(mail->text, scan->stop, sizeof mail->text);
    if (scan->ended)
        iw_text_copy(mail->summary.state, sizeof mail->summary.state, scan->why);
    if (mail->summary.frames == 0)
        mail->summary.frames = scan->last_seq;
    if (!mail->flag)
        hand_over(self, mail, scan, &found->writer, found->cut);
    (void)iw_framelog_writer_close(&found->writer, NULL);
    mail->info = scan->info;
    (void)iw_mail_send(self->front, &mail);
}

static void
recover(iw_journal *self)
{
    iw_error err;
    size_t n = 0;
    iw_found_run *found = iw_recovery_look(self->data, self->crew, &n, &err);
    if (!found)
        iw_log("journal.unreadable", "%s", err.text);
    for (size_t i = 0; found && i < n; i++)
        tell_found(self, &found[i]);
    free(found);
    iw_mail *mail = iw_mail_new(IW_MAIL_READY, self->n_recovered);
    if (mail)
        (void)iw_mail_send(self->front, &mail);
}

static int
patience_ms(const iw_journal *self)
{
    double wait_s = LOOK_S;
    double now = iw_now();
    for (const iw_entry *run = self->entries; run; run = run->next)
        if (run->waiting && run->mails.first) {
            double left = run->retry_at > now ? run->retry_at - now : 0;
            if (left < wait_s)
                wait_s = left;
        }
    return (int)(1000 * wait_s) + 1;
}

void *
iw_journal_run(void *journal)
{
    iw_journal *self = journal;
    recover(self);
    while (!self->terminated) {
        zmq_pollitem_t item = {self->inbox, 0, ZMQ_POLLIN, 0};
        (void)zmq_poll(&item, 1, patience_ms(self));
        size_t bytes = 0;
        for (int n = 0; n < BATCH_MAILS && bytes < BATCH_BYTES && !self->terminated; n++) {
            iw_mail *mail = iw_mail_receive(self->inbox, false);
            if (!mail)
                break;
            bytes += zmq_msg_size(&mail->message);
            take(self, mail);
        }
        commit_all(self);
    }
    for (iw_entry *run = self->entries; run; run = run->next)
        if (run->waiting && run->mails.first)
            iw_log("journal.unwritten", "run %s: its last frames stay with the adapter", run->id);
    for (unsigned i = 0; i < self->n_workers; i++) {
        iw_mail *mail = iw_mail_new(IW_MAIL_QUIT, 0);
        if (mail)
            (void)iw_mail_send(self->workers[i], &mail);
    }
    iw_mail *mail = iw_mail_new(IW_MAIL_DONE, 0);
    if (mail)
        (void)iw_mail_send(self->front, &mail);
    return NULL;
}
